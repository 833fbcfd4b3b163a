"""Conditional orders from their arrival to the order they become."""

from __future__ import annotations

import msgspec

from bearskin.exchange import _orders
from bearskin.exchange._algo_checks import closes, fault_of
from bearskin.exchange._algo_ends import (
    cancel_algos,
    end_algo,
    leave,
    order_ended,
    position_closed,
    set_status,
    tell_algo,
)
from bearskin.exchange._codes import Code
from bearskin.exchange._floor import FUND, Floor
from bearskin.exchange._state import Algo, Market
from bearskin.exchange._triggers import ALGO, ORDER, path
from bearskin.exchange._words import AlgoUpdated, CancelAlgo, CancelAllAlgos, Place, PlaceAlgo, Refused

__all__ = [
    "cancel_algo",
    "cancel_algos",
    "cancel_all_algos",
    "end_algo",
    "expire_due",
    "order_ended",
    "place_algo",
    "position_closed",
    "run_triggers",
]


def place_algo(floor: Floor, command: PlaceAlgo) -> Refused | None:
    """Take a conditional order, whose margin is looked at when it triggers."""
    state = floor.state
    account = state.accounts.get(command.account)
    if account is None or account.id == FUND:
        return floor.no(Code.REJECTED_KEY, "Invalid API-key, IP, or permissions for action.")
    market = state.markets.get(command.symbol)
    if market is None:
        return floor.no(Code.BAD_SYMBOL, "Invalid symbol.")
    refused = fault_of(floor, account, market, command)
    if refused is not None:
        return refused
    number = state.next_algo
    state.next_algo = number + 1
    # an activation price that is not given is the price of the moment
    latest = market.mark if command.by_mark else market.last_price
    armed = command.type == "TRAILING_STOP_MARKET" and command.activate_price is None and latest is not None
    algo = Algo(
        id=number,
        account=account.id,
        symbol=command.symbol,
        side=command.side,
        position_side=command.position_side,
        type=command.type,
        tif=command.tif,
        trigger_price=command.trigger_price,
        qty=command.qty,
        price=command.price,
        reduce_only=command.reduce_only,
        close_position=command.close_position,
        by_mark=command.by_mark,
        price_protect=command.price_protect,
        activate_price=command.activate_price,
        callback_rate=command.callback_rate,
        client_id=command.client_id or _free_name(f"auto-{number}", account.algo_client_ids),
        self_trade=command.self_trade,
        good_till_ns=command.good_till_ns,
        armed=armed,
        extreme=latest if armed else None,
        created_ns=floor.now_ns,
        updated_ns=floor.now_ns,
    )
    state.algos[number] = algo
    account.algos[number] = None
    account.algo_client_ids[algo.client_id] = number
    floor.triggers.add(algo)
    tell_algo(floor, algo)
    return None


def cancel_algo(floor: Floor, command: CancelAlgo) -> Refused | None:
    """Cancel one that has not triggered, by its id or (without one) by its client id."""
    account = floor.state.accounts.get(command.account)
    if account is None:
        return floor.no(Code.REJECTED_KEY, "Invalid API-key, IP, or permissions for action.")
    number = command.algo_id
    if number is None:
        if command.client_id is None:
            return floor.no(Code.MANDATORY_PARAM, "Param 'algoId' or 'clientAlgoId' must be sent, but both were empty.")
        number = account.algo_client_ids.get(command.client_id)
    if number is None or number not in account.algos:
        return floor.no(Code.CANCEL_REJECTED, "Unknown order sent.")
    end_algo(floor, floor.state.algos[number], "CANCELED")
    return None


def cancel_all_algos(floor: Floor, command: CancelAllAlgos) -> Refused | None:
    """Cancel all of a symbol that have not triggered; fine when there are none."""
    account = floor.state.accounts.get(command.account)
    if account is None:
        return floor.no(Code.REJECTED_KEY, "Invalid API-key, IP, or permissions for action.")
    if command.symbol not in floor.state.markets:
        return floor.no(Code.BAD_SYMBOL, "Invalid symbol.")
    cancel_algos(floor, account, command.symbol, "CANCELED")
    return None


def run_triggers(floor: Floor) -> None:
    """Trigger what the trades in `floor.traded` and the marks set since reach; empties `floor.traded`.

    What is reached at once goes in order of its id, since nobody can tell which price of a stretch came first. After
    each that changed an account this returns, so that liquidation looks before the next one goes; what a triggered
    order reaches by its own trades queues up behind.
    """
    if floor.traded or floor.remarked:
        _collect(floor)
    due, algos = floor.due, floor.state.algos
    while due:
        algo = algos.get(due.popleft())
        if algo is not None:
            _trigger(floor, algo)
            if floor.dirty:
                return


def expire_due(floor: Floor) -> None:
    """End what has come due: GTD orders of both kinds, countdowns.

    A countdown cancels the orders of its symbol and leaves the conditional ones.
    """
    state = floor.state
    for _, kind, number, symbol in floor.triggers.due(floor.now_ns):
        if kind == ORDER:
            order = state.orders.get(number)
            if order is not None:
                _orders.end_order(floor, order, "EXPIRED")
        elif kind == ALGO:
            algo = state.algos.get(number)
            if algo is not None:
                end_algo(floor, algo, "EXPIRED")
        else:
            account = state.accounts[number]
            if account.countdowns.pop(symbol, None) is not None:
                _orders.cancel_orders(floor, account, symbol, "CANCELED")


def _collect(floor: Floor) -> None:
    """Queue the ids of all that has been reached since the last look."""
    triggers, markets = floor.triggers, floor.state.markets
    found: list[int] = []
    for symbol, (low, high) in floor.traded.items():
        if symbol in triggers.by_last:
            market = markets[symbol]
            last = market.last_ticks
            assert last is not None
            tick = market.contract.tick
            found += triggers.traded(symbol, [point * tick for point in path(low, high, last)])
    floor.traded.clear()
    for symbol in floor.remarked:
        mark = markets[symbol].mark
        if mark is not None and symbol in triggers.by_mark:
            found += triggers.marked(symbol, mark)
    floor.remarked.clear()
    found.sort()
    floor.due.extend(found)


def _trigger(floor: Floor, algo: Algo) -> None:
    """Turn a conditional order into the order it stands for, or tell why that could not be."""
    state = floor.state
    account, market = state.accounts[algo.account], state.markets[algo.symbol]
    leave(floor, algo)
    set_status(floor, algo, "TRIGGERING")
    qty = algo.qty
    if algo.close_position:
        held = closes(account, algo.symbol, algo.position_side, algo.side)
        if held is None:
            algo.reject_reason = "there was no position to close"
            set_status(floor, algo, "EXPIRED")
            return
        qty = abs(held.qty)
    if algo.price_protect and _is_torn(market):
        algo.reject_reason = "last and mark lay too far apart"
        set_status(floor, algo, "EXPIRED")
        return
    assert qty is not None
    limit = algo.price is not None
    command = Place(
        time_ns=floor.now_ns,
        account=account.id,
        symbol=algo.symbol,
        side=algo.side,
        type="LIMIT" if limit else "MARKET",
        qty=qty,
        price=algo.price,
        tif=algo.tif if limit and algo.tif != "GTE_GTC" else "GTC",  # type: ignore[arg-type]
        position_side=algo.position_side,  # type: ignore[arg-type]
        reduce_only=algo.reduce_only or (algo.close_position and not account.dual),
        client_id=_free_name(algo.client_id, account.client_ids),
        self_trade=algo.self_trade,  # type: ignore[arg-type]
        good_till_ns=algo.good_till_ns if limit else 0,
    )
    # there before it is placed, since an order that fills at once ends inside
    state.triggered[algo.id] = algo
    place = len(floor.out)
    answer = _orders.place_triggered(floor, command, algo.id, algo.type, algo.close_position)
    if isinstance(answer, Refused):
        del state.triggered[algo.id]
        algo.reject_reason = answer.message
        set_status(floor, algo, "REJECTED")
        return
    if algo.id in state.triggered:
        algo.order_id = answer.id
        algo.status = "TRIGGERED"
        algo.updated_ns = floor.now_ns
    # told before what the order did
    told = msgspec.structs.replace(algo, status="TRIGGERED")
    floor.out.insert(place, AlgoUpdated(time_ns=floor.now_ns, algo=told))


def _is_torn(market: Market) -> bool:
    """Whether last and mark lie farther apart than a protected order may trigger at."""
    last, mark = market.last_price, market.mark
    return last is not None and mark is not None and abs(mark - last) > mark * market.contract.trigger_protect


def _free_name(name: str, taken: dict[str, int]) -> str:
    """A client id for an order that nobody named: `name`, made longer until it is not in use."""
    while name in taken:
        name += "_"
    return name
