"""What an order has to pass before it may meet the book."""

from __future__ import annotations

from decimal import Decimal, DecimalException

from bearskin.exchange._book import CAUTIOUS, Book
from bearskin.exchange._clearing import fee_rate
from bearskin.exchange._codes import Code
from bearskin.exchange._figures import free, reach
from bearskin.exchange._floor import Floor
from bearskin.exchange._state import ZERO, Account, Position
from bearskin.exchange._words import Refused
from bearskin.margin import open_loss

GTD_AHEAD_NS = 600 * 10**9
TIME_NS_MAX = 2**63 - 1  # the last moment that a journal and a snapshot can write down, in the year 2262


def good_till_fits(now_ns: int, good_till_ns: int) -> bool:
    """Whether an order may be good till then: ten minutes from now at the least, and not beyond what can be written."""
    return now_ns + GTD_AHEAD_NS < good_till_ns <= TIME_NS_MAX


def _digits(number: Decimal) -> int:
    """Decimals that `number` needs."""
    return -int(number.normalize().as_tuple().exponent)


def price_ticks(floor: Floor, book: Book, price: Decimal) -> int | Refused:
    """The price in whole ticks, within the price filter."""
    contract = book.market.contract
    try:
        if price > contract.max_price:
            return floor.no(Code.PRICE_ABOVE_MAX, "Price greater than max price.")
        ticks, rest = divmod(price, book.tick)
        if rest:
            if _digits(price) > _digits(book.tick):
                return floor.no(Code.BAD_PRECISION, "Precision is over the maximum defined for this asset.")
            return floor.no(Code.PRICE_OFF_TICK, "Price not increased by tick size.")
        if price < contract.min_price or price <= 0:
            return floor.no(Code.PRICE_BELOW_MIN, "Price less than min price.")
        return int(ticks)
    except DecimalException:
        # more digits than any price has, or no number at all
        return floor.no(Code.BAD_PRECISION, "Precision is over the maximum defined for this asset.")


def qty_steps(floor: Floor, book: Book, qty: Decimal, market_order: bool) -> int | Refused:
    """The quantity in whole steps, within the lot filter (that of market orders is another)."""
    contract = book.market.contract
    try:
        if qty <= 0:
            return floor.no(Code.QTY_BELOW_ZERO, "Quantity less than or equal to zero.")
        if qty > (contract.market_max_qty if market_order else contract.max_qty):
            return floor.no(Code.QTY_ABOVE_MAX, "Quantity greater than max quantity.")
        steps, rest = divmod(qty, book.step)
        if rest:
            if _digits(qty) > _digits(book.step):
                return floor.no(Code.BAD_PRECISION, "Precision is over the maximum defined for this asset.")
            return floor.no(Code.QTY_OFF_STEP, "Quantity not increased by step size.")
        if qty < contract.min_qty:
            return floor.no(Code.QTY_BELOW_MIN, "Quantity less than min quantity.")
        return int(steps)
    except DecimalException:
        return floor.no(Code.BAD_PRECISION, "Precision is over the maximum defined for this asset.")


def within_multipliers(floor: Floor, book: Book, side: int, ticks: int) -> Refused | None:
    """A limit order may not be willing to trade too far beyond mark; how far it rests on its own side is free."""
    if side > 0:
        if ticks > book.ticks_up:
            limit = book.tick * book.ticks_up
            return floor.no(Code.PRICE_ABOVE_MULTIPLIER, f"Limit price can't be higher than {limit:f}.")
    elif ticks < book.ticks_down:
        limit = book.tick * book.ticks_down
        return floor.no(Code.PRICE_BELOW_MULTIPLIER, f"Limit price can't be lower than {limit:f}.")
    return None


def affordable(
    floor: Floor, book: Book, account: Account, key: str, side: int, qty: Decimal, assumed: Decimal, worst: Decimal
) -> Refused | None:
    """Whether an account may take on an order of `qty` that may open or add: bracket cap, then margin.

    Margin is reserved at the price `assumed`; `worst` is the worst price it would fill at now. What only closes, with
    the resting orders of its side filled before it, needs nothing.
    """
    setting = account.settings.get(book.symbol)
    leverage = book.leverage(setting)
    mark = book.mark
    value = assumed * qty
    reserve = account.reserves.get(key)
    bid, ask = (ZERO, ZERO) if reserve is None else (reserve.bid, reserve.ask)
    position = account.positions.get(key)
    opening = qty
    held = ZERO
    freed: Decimal | None = None
    if position is not None:
        held = position.qty * mark
        if (position.qty > 0) != (side > 0):
            closing = abs(position.qty)
            if reserve is not None:
                closing -= book.step * (reserve.bid_steps if side > 0 else reserve.ask_steps)
            if closing >= qty:
                return None
            if closing > 0:
                opening -= closing
            if setting is not None and setting.isolated:
                freed = _set_free(floor, book, account, position, worst)
    exposure = held + bid + value if side > 0 else ask + value - held
    if exposure > book.cap(leverage):
        return floor.no(Code.MAX_LEVERAGE_RATIO, "Exceeded the maximum allowable position at current leverage.")
    cost = ZERO
    reached = reach(held, bid, ask)
    if exposure > reached:
        cost = CAUTIOUS.divide(exposure - reached, leverage)
    if freed is not None:
        # what turns an isolated position round has the margin of the other way to bring, beyond what closing sets free
        cost = max(cost, CAUTIOUS.divide(assumed * opening, leverage) - freed)
    cost += assumed * opening * fee_rate(account, book.market.contract, maker=False)
    if mark and (worst > mark if side > 0 else worst < mark):
        cost += open_loss(opening if side > 0 else -opening, worst, mark)
    # what needs nothing is taken from an account that has less than nothing, too
    if cost and cost > free(floor, account, book.settle):
        return floor.no(Code.MARGIN_NOT_SUFFICIENT, "Margin is insufficient.")
    return None


def _set_free(floor: Floor, book: Book, account: Account, position: Position, price: Decimal) -> Decimal:
    """What closing an isolated position whole at `price` would bring into the wallet."""
    margin = floor.state.ledgers[book.settle].balance(position.margin_name)
    fee = abs(position.qty) * price * fee_rate(account, book.market.contract, maker=False)
    return max(margin + position.qty * price - position.cost - fee, ZERO)
