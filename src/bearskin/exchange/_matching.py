"""An order meets the book."""

from __future__ import annotations

from typing import Literal

from bearskin.exchange._book import Book, Half, Level
from bearskin.exchange._clearing import clear, fee_rate, open_position, settle_closed
from bearskin.exchange._floor import Floor
from bearskin.exchange._resting import end_order, forget, release, tell, tell_level
from bearskin.exchange._state import ZERO, Account, Order
from bearskin.exchange._words import Fill, Traded

Ending = Literal["", "EXPIRED", "EXPIRED_IN_MATCH"]
VENUE = ("LIQUIDATION", "FUND", "ADL")  # orders of the venue's own: no fee, and CALCULATED when they fill


def crosses(half: Half, limit_ticks: int) -> bool:
    """Whether an order from the other side, willing to go to `limit_ticks`, would trade at once."""
    places = half.places
    return bool(places) and places[-1] >= limit_ticks * half.sign


def closable_steps(book: Book, account: Account, position_side: str, side: int) -> int:
    """Steps of the position that an order of `side` would close; zero when there is none or it would add."""
    position = account.positions.get(book.keys[position_side])
    if position is None or (position.qty > 0) == (side > 0):
        return 0
    return abs(int(position.qty // book.step))


def match(floor: Floor, book: Book, account: Account, order: Order, limit_ticks: int) -> Ending:
    """Trade an order against the book up to `limit_ticks`.

    Returns why what is left of it may not go on: it met an order of its own account, or its position is closed.
    """
    half = book.half(-order.side)
    places = half.places
    bound = limit_ticks * half.sign
    first = last = 0
    ending: Ending = ""
    while not ending and order.filled_steps < order.qty_steps and places and places[-1] >= bound:
        level = half.levels[places[-1]]
        filled_before = order.filled_steps
        ending = _match_level(floor, book, account, order, half, level)
        if order.filled_steps != filled_before:
            first, last = first or level.ticks, level.ticks
            tell_level(floor, book, half.sign, level)
    if last:
        _note_traded(floor, book, first, last)
    return ending


def _note_traded(floor: Floor, book: Book, first: int, last: int) -> None:
    """Remember the range traded for the triggers, and the last price."""
    low, high = (first, last) if first < last else (last, first)
    before = floor.traded.get(book.symbol)
    floor.traded[book.symbol] = (low, high) if before is None else (min(low, before[0]), max(high, before[1]))
    book.market.last_ticks = last
    book.market.last_price = book.tick * last


def _match_level(floor: Floor, book: Book, account: Account, order: Order, half: Half, level: Level) -> Ending:
    """Trade an order against the queue of one level."""
    accounts = floor.state.accounts
    queue = level.orders
    # queue and level may change under our feet: a fill can end other orders of the same account
    while queue and order.filled_steps < order.qty_steps:
        maker = next(iter(queue.values()))
        if maker.account == account.id and order.self_trade != "NONE":
            if order.self_trade != "EXPIRE_TAKER":
                end_order(floor, maker, "EXPIRED_IN_MATCH")
            if order.self_trade != "EXPIRE_MAKER":
                return "EXPIRED_IN_MATCH"
            continue
        other = accounts[maker.account]
        steps = min(order.qty_steps - order.filled_steps, maker.qty_steps - maker.filled_steps)
        if maker.reduce_only:
            closable = closable_steps(book, other, maker.position_side, maker.side)
            if not closable:
                end_order(floor, maker, "EXPIRED")
                continue
            steps = min(steps, closable)
        if order.reduce_only:
            closable = closable_steps(book, account, order.position_side, order.side)
            if not closable:
                return "EXPIRED"
            steps = min(steps, closable)
        _trade(floor, book, account, order, other, maker, half, level, steps)
    return ""


def _trade(
    floor: Floor, book: Book, account: Account, order: Order, other: Account, maker: Order, half: Half, level: Level,
    steps: int,
) -> None:  # fmt: skip
    """One trade: both sides cleared and told, the resting order taken off the book when it is done."""
    market = book.market
    market.trade_id = trade_id = market.trade_id + 1
    price = level.price
    qty = book.step * steps
    value = qty * price
    taking = open_position(book, account, order.position_side)
    taking_before = taking.qty
    forced = order.origin in VENUE
    rate = ZERO if forced else fee_rate(account, market.contract, maker=False)
    signed = qty if order.side > 0 else -qty
    fee, realised = clear(floor, book, account, taking, signed, price, rate, trade_id, "ORDER")
    order.filled_steps += steps
    order.quote += value
    order.status = "FILLED" if order.filled_steps == order.qty_steps else "PARTIALLY_FILLED"

    release(book, other, maker, steps)
    making = open_position(book, other, maker.position_side)
    making_before = making.qty
    maker_rate = fee_rate(other, market.contract, maker=True)
    maker_fee, maker_realised = clear(floor, book, other, making, -signed, price, maker_rate, trade_id, "ORDER")
    maker.filled_steps += steps
    maker.quote += value
    level.steps -= steps
    if maker.filled_steps == maker.qty_steps:
        maker.status = "FILLED"
        del level.orders[maker.id]
        if not level.orders:
            half.clear(level)
        forget(floor, other, maker)
    else:
        maker.status = "PARTIALLY_FILLED"

    floor.out.append(
        Traded(
            time_ns=floor.now_ns,
            symbol=book.symbol,
            trade_id=trade_id,
            price=price,
            qty=qty,
            buyer_is_maker=order.side < 0,
            taker_order=order.id,
        )
    )
    taken = Fill(trade_id=trade_id, price=price, qty=qty, maker=False, fee=fee, realised=realised)
    tell(floor, order, "CALCULATED" if forced else "TRADE", taken)
    made = Fill(trade_id=trade_id, price=price, qty=qty, maker=True, fee=maker_fee, realised=maker_realised)
    tell(floor, maker, "TRADE", made)
    settle_closed(floor, account, taking, taking_before)
    settle_closed(floor, other, making, making_before)


def fillable(floor: Floor, book: Book, account: Account, order: Order, limit_ticks: int) -> bool:
    """Whether an order would fill whole now: what a fill-or-kill asks before anything trades."""
    half = book.half(-order.side)
    bound = limit_ticks * half.sign
    left = order.qty_steps
    held: dict[tuple[int, str], int] = {}  # positions of the makers in steps, as they would become
    for level in half:
        if level.ticks * half.sign < bound:
            break
        for maker in level.orders.values():
            if maker.account == account.id and order.self_trade != "NONE":
                if order.self_trade != "EXPIRE_MAKER":
                    return False
                continue
            steps = min(maker.qty_steps - maker.filled_steps, left)
            key = (maker.account, maker.position_side)
            if key not in held:
                held[key] = _held_steps(floor, book, *key)
            if maker.reduce_only:
                steps = max(min(steps, -held[key] * maker.side), 0)
            held[key] += steps * maker.side
            left -= steps
            if not left:
                return True
    return False


def _held_steps(floor: Floor, book: Book, account_id: int, position_side: str) -> int:
    position = floor.state.accounts[account_id].positions.get(book.keys[position_side])
    return 0 if position is None else int(position.qty // book.step)
