"""Limit and market orders: what is checked before they meet the book, and what becomes of them there."""

from __future__ import annotations

from decimal import Decimal

from bearskin.exchange._book import Book
from bearskin.exchange._checks import affordable, good_till_fits, price_ticks, qty_steps, within_multipliers
from bearskin.exchange._codes import Code
from bearskin.exchange._floor import FUND, Floor
from bearskin.exchange._matching import Ending, closable_steps, crosses, fillable, match
from bearskin.exchange._resting import end_order, end_orders, rest, tell, unrest
from bearskin.exchange._state import ZERO, Account, Order, OrderStatus, Origin, Position
from bearskin.exchange._words import Amend, Cancel, CancelAll, Place, Refused

__all__ = [
    "amend", "cancel", "cancel_all", "cancel_orders", "end_order", "force", "place", "place_triggered",
]  # fmt: skip

MAX_AMENDMENTS = 10_000
AT_ONCE = ("IOC", "FOK")
FORCED_IDS = {"LIQUIDATION": "autoclose-", "FUND": "fund-"}


def place(floor: Floor, command: Place) -> Refused | None:
    """Take a limit or market order: check it, match it, rest what is left."""
    order = _checked(floor, command, "USER", 0, "", False)
    if isinstance(order, Refused):
        return order
    tell(floor, order, "NEW")
    _carry_out(floor, floor.books[order.symbol], floor.state.accounts[order.account], order)
    return None


def place_triggered(
    floor: Floor, command: Place, algo_id: int, original_type: str, close_position: bool
) -> Order | Refused:
    """The order a conditional order has become: same checks, origin ALGO; resting reduce-only orders do not block it.

    With `close_position` it is for the whole position, whatever its `qty`. Returns it as it is after matching; it is
    open when it is among the state's orders.
    """
    order = _checked(floor, command, "ALGO", algo_id, original_type, close_position)
    if not isinstance(order, Refused):
        tell(floor, order, "NEW")
        _carry_out(floor, floor.books[order.symbol], floor.state.accounts[order.account], order)
    return order


def _checked(
    floor: Floor, command: Place, origin: Origin, algo_id: int, original_type: str, close_position: bool
) -> Order | Refused:
    """The order of a command, numbered and ready to meet the book; or why not."""
    state = floor.state
    account = state.accounts.get(command.account)
    book = floor.books.get(command.symbol)
    if account is None or account.id == FUND:
        return floor.no(Code.REJECTED_KEY, "Invalid API-key, IP, or permissions for action.")
    if book is None:
        return floor.no(Code.BAD_SYMBOL, "Invalid symbol.")
    if book.market.status != "TRADING":
        return floor.no(Code.MARKET_CLOSED, "Symbol is closed.")
    book.refresh()
    reduces = _reduces(floor, account, command, close_position)
    if isinstance(reduces, Refused):
        return reduces
    ticks = _limit_ticks(floor, account, book, command, origin)
    if isinstance(ticks, Refused):
        return ticks
    steps = qty_steps(floor, book, command.qty, command.type == "MARKET")
    if close_position:
        steps = closable_steps(book, account, command.position_side, command.side)
    if isinstance(steps, Refused):
        return steps
    if command.client_id and command.client_id in account.client_ids:
        return floor.no(Code.CLIENT_ID_TAKEN, "ClientOrderId is duplicated.")
    order = Order(
        id=state.next_order,
        account=account.id,
        symbol=book.symbol,
        side=command.side,
        position_side=command.position_side,
        type=command.type,
        original_type=original_type or command.type,
        tif=command.tif,
        price_ticks=ticks,
        qty_steps=steps,
        reduce_only=reduces,
        close_position=close_position,
        client_id=command.client_id,
        self_trade=command.self_trade,
        good_till_ns=command.good_till_ns if command.tif == "GTD" else 0,
        origin=origin,
        algo_id=algo_id,
        created_ns=floor.now_ns,
    )
    refused = _refused(floor, book, account, order)
    if refused is not None:
        return refused
    state.next_order += 1
    return order


def _reduces(floor: Floor, account: Account, command: Place, close_position: bool) -> bool | Refused:
    """Whether the order may only close: as it says in one-way mode, by its side in hedge mode."""
    if account.dual:
        if command.position_side == "BOTH":
            return floor.no(Code.POSITION_SIDE_UNMATCHED, "Order's position side does not match user's setting.")
        if command.reduce_only:
            return floor.no(Code.REDUCE_ONLY_CONFLICT, "ReduceOnly order is not allowed in hedge mode.")
        return (command.side > 0) != (command.position_side == "LONG")
    if command.position_side != "BOTH":
        return floor.no(Code.POSITION_SIDE_UNMATCHED, "Order's position side does not match user's setting.")
    return command.reduce_only or close_position


def _limit_ticks(floor: Floor, account: Account, book: Book, command: Place, origin: Origin) -> int | Refused:
    """The price of a limit order in ticks, once the rest of its terms are in order; zero for a market order.

    How long an order lives that was conditional was settled when it was placed.
    """
    if command.type == "MARKET":
        if command.price is None:
            return 0
        return floor.no(Code.PARAM_NOT_REQUIRED, "Parameter 'price' sent when not required.")
    if command.price is None:
        return floor.no(Code.MANDATORY_PARAM, "Mandatory parameter 'price' was not sent, was empty/null, or malformed.")
    if command.tif == "GTD" and origin == "USER" and not good_till_fits(floor.now_ns, command.good_till_ns):
        return floor.no(Code.INVALID_PARAMETER, "Data sent for parameter 'goodTillDate' is not valid.")
    if account.order_counts.get(book.symbol, 0) >= book.market.contract.max_orders:
        return floor.no(Code.MAX_OPEN_ORDERS, "Reach max open order limit.")
    ticks = price_ticks(floor, book, command.price)
    if not isinstance(ticks, Refused):
        refused = within_multipliers(floor, book, command.side, ticks)
        if refused is not None:
            return refused
    return ticks


def _refused(floor: Floor, book: Book, account: Account, order: Order) -> Refused | None:
    """Why the account may not have this order now; sets what it reserves at, and cuts it to the position it closes."""
    ticks = order.price_ticks
    side = order.side
    if order.reduce_only:
        refused = _cut(floor, book, account, order)
    else:
        if ticks:
            worst = assumed = book.tick * ticks
            if side < 0 and book.sell_floor > assumed:
                assumed = book.sell_floor
        else:
            assumed, worst = _market_prices(book, side)
        order.assumed = assumed
        qty = book.step * order.qty_steps
        least = book.market.contract.min_notional
        if qty * (worst if ticks else book.mark) < least:
            return floor.no(
                Code.MIN_NOTIONAL,
                f"Order's notional must be no smaller than {least:f} (unless you choose reduce only).",
            )
        if order.filled_steps:
            qty -= book.step * order.filled_steps
        refused = affordable(floor, book, account, book.keys[order.position_side], side, qty, assumed, worst)
    if refused is not None or not ticks:
        return refused
    if order.tif == "GTX" and crosses(book.half(-side), ticks):
        return floor.no(Code.GTX_REJECT, "The order could not be executed as maker and was rejected.")
    if order.tif == "FOK" and not fillable(floor, book, account, order, ticks):
        return floor.no(Code.FOK_REJECT, "The order could not be filled immediately and was rejected.")
    return None


def _market_prices(book: Book, side: int) -> tuple[Decimal, Decimal]:
    """What a market order is reserved at and the worst it is taken to fill at, from mark, last and the other side."""
    prices = [price for price in (book.mark, book.market.last_price, book.best_price(-side)) if price]
    if not prices:
        return ZERO, ZERO
    highest = max(prices)
    return highest, highest if side > 0 else min(prices)


def _cut(floor: Floor, book: Book, account: Account, order: Order) -> Refused | None:
    """Hold an order that may only close against the position and what other resting ones have spoken for of it.

    Only where nothing is spoken for is a larger order cut; an order that was conditional pays no heed to the others.
    """
    open_steps = closable_steps(book, account, order.position_side, order.side)
    left = order.qty_steps - order.filled_steps
    if not open_steps or (account.dual and left > open_steps):
        return floor.no(Code.REDUCE_ONLY_REJECT, "ReduceOnly Order is rejected.")
    taken = 0
    if order.origin != "ALGO":
        taken = account.positions[book.keys[order.position_side]].taken_steps
    if taken and left > open_steps - taken:
        return floor.no(
            Code.REDUCE_ONLY_TAKEN,
            "ReduceOnly Order Failed. Please check your existing position and open orders.",
        )
    if left > open_steps:
        order.qty_steps = order.filled_steps + open_steps
    return None


def _carry_out(floor: Floor, book: Book, account: Account, order: Order) -> None:
    """Match an order that has been told; what is left of it rests or ends."""
    limit = order.price_ticks or (book.take_up if order.side > 0 else book.take_down)
    ending: Ending = ""
    if crosses(book.half(-order.side), limit):
        ending = match(floor, book, account, order, limit)
        if order.filled_steps == order.qty_steps:
            return
    at_once = not order.price_ticks or order.tif in AT_ONCE
    if at_once or (order.reduce_only and not closable_steps(book, account, order.position_side, order.side)):
        ending = ending or "EXPIRED"
    if ending:
        order.status = ending
        tell(floor, order, "EXPIRED")
    else:
        rest(floor, book, account, order)


def _found(floor: Floor, account: Account | None, command: Cancel | Amend) -> Order | None:
    """The open order of this account and symbol that a command names; the number counts when both are given."""
    if account is None:
        return None
    order_id = command.order_id
    if order_id is None:
        order_id = account.client_ids.get(command.client_id or "", 0)
    order = floor.state.orders.get(order_id)
    if order is None or order.account != account.id or order.symbol != command.symbol:
        return None
    return order


def amend(floor: Floor, command: Amend) -> Refused | None:
    """Change price and quantity of a resting order; it goes to the back of the queue.

    An order that has filled what it is to have, and a post-only one that would take, is cancelled instead.
    """
    account = floor.state.accounts.get(command.account)
    order = _found(floor, account, command)
    if order is None or account is None:
        return floor.no(Code.NO_SUCH_ORDER, "Order does not exist.")
    book = floor.books[order.symbol]
    if book.market.status != "TRADING":
        return floor.no(Code.MARKET_CLOSED, "Symbol is closed.")
    if command.side != order.side:
        return floor.no(Code.INVALID_SIDE, "Invalid side.")
    if order.amendments >= MAX_AMENDMENTS:
        return floor.no(Code.AMEND_MANY, "Exceed maximum modify order limit.")
    book.refresh()
    ticks = price_ticks(floor, book, command.price)
    if isinstance(ticks, Refused):
        return ticks
    refused = within_multipliers(floor, book, order.side, ticks)
    if refused is not None:
        return refused
    steps = qty_steps(floor, book, command.qty, market_order=False)
    if isinstance(steps, Refused):
        return steps
    if ticks == order.price_ticks and steps == order.qty_steps:
        return floor.no(Code.SAME_ORDER, "No need to modify the order.")
    if steps <= order.filled_steps or (order.tif == "GTX" and crosses(book.half(-order.side), ticks)):
        end_order(floor, order, "CANCELED")
        return None
    changed: Order = order.__copy__()  # type: ignore[attr-defined]
    changed.price_ticks = ticks
    changed.qty_steps = steps
    refused = _refused_instead(floor, book, account, order, changed)
    if refused is not None:
        return refused
    unrest(floor, book, account, order)
    changed.amendments += 1
    tell(floor, changed, "AMENDMENT")
    _carry_out(floor, book, account, changed)
    return None


def _refused_instead(floor: Floor, book: Book, account: Account, order: Order, changed: Order) -> Refused | None:
    """Why the account may not have `changed` in the place of `order`, which rests and goes on resting."""
    key = book.keys[order.position_side]
    left = order.qty_steps - order.filled_steps
    # taken back by hand and not by `release`: a refused amendment leaves even the order of the reserves as it was
    if order.reduce_only:
        position = account.positions[key]
        position.taken_steps -= left
        refused = _refused(floor, book, account, changed)
        position.taken_steps += left
        return refused
    reserve = account.reserves[key]
    kept = reserve.bid, reserve.ask, reserve.bid_steps, reserve.ask_steps
    value = order.assumed * (book.step * left)
    if order.side > 0:
        reserve.bid -= value
        reserve.bid_steps -= left
    else:
        reserve.ask -= value
        reserve.ask_steps -= left
    refused = _refused(floor, book, account, changed)
    reserve.bid, reserve.ask, reserve.bid_steps, reserve.ask_steps = kept
    return refused


def cancel(floor: Floor, command: Cancel) -> Refused | None:
    """Cancel one open order."""
    order = _found(floor, floor.state.accounts.get(command.account), command)
    if order is None:
        return floor.no(Code.CANCEL_REJECTED, "Unknown order sent.")
    end_order(floor, order, "CANCELED")
    return None


def cancel_all(floor: Floor, command: CancelAll) -> Refused | None:
    """Cancel every open order of a symbol."""
    account = floor.state.accounts.get(command.account)
    if account is None:
        return floor.no(Code.REJECTED_KEY, "Invalid API-key, IP, or permissions for action.")
    if command.symbol not in floor.books:
        return floor.no(Code.BAD_SYMBOL, "Invalid symbol.")
    end_orders(floor, account, command.symbol, "CANCELED")
    return None


def cancel_orders(floor: Floor, account: Account, symbol: str | None, status: OrderStatus) -> None:
    """End all open orders of an account, in one symbol or all."""
    end_orders(floor, account, symbol, status)


def force(floor: Floor, account: Account, position: Position, qty_steps: int, limit_ticks: int, origin: Origin) -> int:
    """A reducing IOC order by the venue itself (liquidation, fund), unchecked; returns the steps it filled."""
    state = floor.state
    book = floor.books[position.symbol]
    book.refresh()
    number = state.next_order
    state.next_order = number + 1
    order = Order(
        id=number,
        account=account.id,
        symbol=book.symbol,
        side=-1 if position.qty > 0 else 1,
        position_side=position.side,
        type="LIMIT",
        original_type="LIMIT",
        tif="IOC",
        price_ticks=max(limit_ticks, 1),
        qty_steps=qty_steps,
        reduce_only=True,
        client_id=f"{FORCED_IDS[origin]}{number}",
        origin=origin,
        created_ns=floor.now_ns,
    )
    tell(floor, order, "NEW")
    _carry_out(floor, book, account, order)
    return order.filled_steps
