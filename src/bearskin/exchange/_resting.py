"""Orders that rest: into the book and out of it, with all that an account remembers of them."""

from __future__ import annotations

from bearskin.exchange._algo_ends import order_ended
from bearskin.exchange._book import Book, Level
from bearskin.exchange._floor import Floor
from bearskin.exchange._state import Account, Order, OrderStatus, Reserve
from bearskin.exchange._words import Execution, Fill, LevelChanged, OrderUpdated

ENDED: dict[str, Execution] = {"CANCELED": "CANCELED"}  # how it is told that an order ended; EXPIRED unless named here
OPEN = ("NEW", "PARTIALLY_FILLED")


def tell(floor: Floor, order: Order, execution: Execution, fill: Fill | None = None) -> None:
    """Say what happened to an order, with a copy of it as it is now; its conditional order ends with it."""
    order.updated_ns = floor.now_ns
    floor.out.append(
        OrderUpdated(time_ns=floor.now_ns, order=order.__copy__(), execution=execution, fill=fill)  # type: ignore[attr-defined]
    )
    if order.algo_id and order.status not in OPEN:
        order_ended(floor, order)


def tell_level(floor: Floor, book: Book, side: int, level: Level) -> None:
    """Say what rests at a price now."""
    market = book.market
    market.update_id = update_id = market.update_id + 1
    floor.out.append(
        LevelChanged(
            time_ns=floor.now_ns,
            symbol=book.symbol,
            side=side,
            price=level.price,
            qty=book.step * level.steps,
            update_id=update_id,
        )
    )


def rest(floor: Floor, book: Book, account: Account, order: Order) -> None:
    """Queue an order with what is left of it; its margin is reserved, or the position it closes spoken for."""
    state = floor.state
    symbol = order.symbol
    order.priority = state.priority = state.priority + 1
    state.orders[order.id] = order
    account.orders[order.id] = None
    counts = account.order_counts
    counts[symbol] = counts.get(symbol, 0) + 1
    if order.client_id:
        account.client_ids[order.client_id] = order.id
    key = book.keys[order.position_side]
    left = order.qty_steps - order.filled_steps
    if order.reduce_only:
        account.positions[key].taken_steps += left
    else:
        reserve = account.reserves.get(key)
        if reserve is None:
            reserve = account.reserves[key] = Reserve()
        if order.side > 0:
            reserve.bid += order.assumed * (book.step * left)
            reserve.bid_steps += left
        else:
            reserve.ask += order.assumed * (book.step * left)
            reserve.ask_steps += left
    if order.good_till_ns:
        floor.triggers.note_order(order)
    tell_level(floor, book, order.side, book.half(order.side).add(order))


def release(book: Book, account: Account, order: Order, steps: int) -> None:
    """Give back what `steps` of a resting order had reserved or spoken for."""
    key = book.keys[order.position_side]
    if order.reduce_only:
        position = account.positions.get(key)
        if position is not None:
            position.taken_steps -= steps
        return
    reserve = account.reserves[key]
    value = order.assumed * (book.step * steps)
    if order.side > 0:
        reserve.bid -= value
        reserve.bid_steps -= steps
    else:
        reserve.ask -= value
        reserve.ask_steps -= steps
    if not reserve.bid and not reserve.ask:
        del account.reserves[key]


def forget(floor: Floor, account: Account, order: Order) -> None:
    """Take an order that no longer rests out of the state."""
    del floor.state.orders[order.id]
    del account.orders[order.id]
    counts = account.order_counts
    count = counts[order.symbol] - 1
    if count:
        counts[order.symbol] = count
    else:
        del counts[order.symbol]
    if order.client_id:
        account.client_ids.pop(order.client_id, None)


def end_order(floor: Floor, order: Order, status: OrderStatus) -> None:
    """Take an open order off the book and out of the state, and tell it."""
    book = floor.books[order.symbol]
    account = floor.state.accounts[order.account]
    unrest(floor, book, account, order)
    order.status = status
    tell(floor, order, ENDED.get(status, "EXPIRED"))


def unrest(floor: Floor, book: Book, account: Account, order: Order) -> None:
    """Take a resting order off the book and out of the state without a word about the order itself."""
    level = book.half(order.side).remove(order)
    release(book, account, order, order.qty_steps - order.filled_steps)
    forget(floor, account, order)
    tell_level(floor, book, order.side, level)


def end_orders(floor: Floor, account: Account, symbol: str | None, status: OrderStatus) -> None:
    """End all open orders of an account, in one symbol or all."""
    if symbol is not None and symbol not in account.order_counts:
        return
    orders = floor.state.orders
    for order_id in list(account.orders):
        order = orders[order_id]
        if symbol is None or order.symbol == symbol:
            end_order(floor, order, status)


def end_reducing(floor: Floor, account: Account, symbol: str, position_side: str) -> None:
    """Expire the resting reduce-only orders of a position that is gone."""
    orders = floor.state.orders
    for order_id in list(account.orders):
        order = orders[order_id]
        if order.reduce_only and order.symbol == symbol and order.position_side == position_side:
            end_order(floor, order, "EXPIRED")
