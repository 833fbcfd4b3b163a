"""Time and prices: index, mark, premium, funding and all that comes due."""

from __future__ import annotations

from decimal import Decimal

from bearskin.exchange._algos import expire_due
from bearskin.exchange._codes import Code
from bearskin.exchange._floor import Floor
from bearskin.exchange._fund import unwind
from bearskin.exchange._funding import coming_rate, next_settlement_ns, settle, settle_due
from bearskin.exchange._index import refresh_index
from bearskin.exchange._listing import INTERVALS_H
from bearskin.exchange._mark import mark_all, set_mark_to
from bearskin.exchange._watching import clear_owing
from bearskin.exchange._words import Refused, SetFundingRate, SetIndex, SetMark, SettleFunding, Tick
from bearskin.ledger import CENT_8
from bearskin.terms import QUOTE

_PRICE_MAX = Decimal(10) ** 12
_RATE_MAX = Decimal(1)


def set_index(floor: Floor, command: SetIndex) -> Refused | None:
    """Take spot prices and compose the index; the first one of a symbol is its first mark too.

    Refused: an unknown symbol (-1121), no price at all or one that is not between 1e-8 and 1e12 (-1130).
    """
    market = floor.state.markets.get(command.symbol)
    if market is None:
        return floor.no(Code.BAD_SYMBOL, "Invalid symbol.")
    if not command.prices:
        return floor.no(Code.INVALID_PARAMETER, "An index needs the price of at least one source.")
    for name, price in command.prices.items():
        if not _is_price(price):
            return floor.no(Code.INVALID_PARAMETER, f"The price of {name[:40]} was {price}, that is not a price.")
    for name, price in command.prices.items():
        market.sources[name] = price
        market.source_times_ns[name] = floor.now_ns
    refresh_index(market, floor.now_ns)
    if market.mark is None and market.index is not None:
        set_mark_to(floor, market, market.index)
    return None


def set_mark(floor: Floor, command: SetMark) -> Refused | None:
    """Pin the mark at once, or let it float again from the next tick on.

    Refused: an unknown symbol (-1121), no price (-1130), more than eight digits (-1111).
    """
    market = floor.state.markets.get(command.symbol)
    if market is None:
        return floor.no(Code.BAD_SYMBOL, "Invalid symbol.")
    price = command.price
    if price is not None:
        if not _is_price(price):
            return floor.no(Code.INVALID_PARAMETER, f"The mark was {price}, that is not a price.")
        if not _in_places(price):
            return floor.no(Code.BAD_PRECISION, "Precision is over the maximum defined for this asset.")
    market.pinned_mark = price
    if price is not None:
        set_mark_to(floor, market, price)
    return None


def set_funding_rate(floor: Floor, command: SetFundingRate) -> Refused | None:
    """Pin the rate of the settlements to come (beyond the cap too), or let the premium decide again.

    A new interval holds at once: the next settlement is at its next multiple. Refused: an unknown symbol (-1121), a
    rate beyond 100 % or an interval that does not divide a day (-1130), a rate of more than eight digits (-1111).
    """
    market = floor.state.markets.get(command.symbol)
    if market is None:
        return floor.no(Code.BAD_SYMBOL, "Invalid symbol.")
    rate, interval_h = command.rate, command.interval_h
    if rate is not None:
        if not rate.is_finite() or not -_RATE_MAX <= rate <= _RATE_MAX:
            return floor.no(Code.INVALID_PARAMETER, f"The funding rate was {rate}, it lies between -1 and 1.")
        if not _in_places(rate):
            return floor.no(Code.BAD_PRECISION, "Precision is over the maximum defined for this asset.")
    if interval_h is not None and interval_h not in INTERVALS_H:
        return floor.no(Code.INVALID_PARAMETER, f"The interval was {interval_h} h, it has to divide a day.")
    if interval_h is not None and interval_h != market.interval_h:
        market.interval_h = interval_h
        market.next_funding_ns = next_settlement_ns(floor.now_ns, interval_h)
    market.pinned_rate = rate
    market.last_rate = coming_rate(market)
    return None


def settle_funding_now(floor: Floor, command: SettleFunding) -> Refused | None:
    """Settle funding at once, at the present mark and the coming rate; the scheduled settlement stays."""
    market = floor.state.markets.get(command.symbol)
    if market is None:
        return floor.no(Code.BAD_SYMBOL, "Invalid symbol.")
    settle(floor, market)
    return None


def tick(floor: Floor, _: Tick) -> Refused | None:
    """Let time pass: what ends now ends, marks are set, funding settles at them, the fund works on its positions."""
    expire_due(floor)
    mark_all(floor)
    settle_due(floor)
    clear_owing(floor)
    unwind(floor)
    return None


def _is_price(price: Decimal) -> bool:
    return price.is_finite() and CENT_8 <= price <= _PRICE_MAX


def _in_places(value: Decimal) -> bool:
    return value == value.quantize(CENT_8, context=QUOTE)
