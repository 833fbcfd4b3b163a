"""The mark price: the median of three, so that one wild trade in the book moves nobody's margin."""

from __future__ import annotations

from decimal import Decimal

from bearskin.exchange._floor import Floor
from bearskin.exchange._funding import coming_rate, take_premium
from bearskin.exchange._index import refresh_index, rounded
from bearskin.exchange._state import Market
from bearskin.exchange._words import MarkSet
from bearskin.margin import mark_price, premium_index, price_one, price_two, quoting
from bearskin.terms import HOUR_NS, SECOND_NS

BASIS_SAMPLES = 30  # one a second
PREMIUM_EVERY_NS = 5 * SECOND_NS
_TWO = Decimal(2)
_ZERO = Decimal(0)


def mark_all(floor: Floor) -> None:
    """Sample every market and set its mark for the present second; tells it and notes the marks that changed."""
    with quoting():
        for market in floor.state.markets.values():
            _mark_one(floor, market)


def set_mark_to(floor: Floor, market: Market, mark: Decimal) -> None:
    """Make `mark` the mark of a symbol and tell it."""
    if market.mark != mark:
        market.mark = mark
        floor.marked[market.contract.symbol] = None
    index = mark if market.index is None else market.index
    floor.out.append(
        MarkSet(
            time_ns=floor.now_ns,
            symbol=market.contract.symbol,
            mark=mark,
            index=index,
            settle_estimate=index,
            average=rounded(price_two_of(market)) if market.index is not None else mark,
            rate=market.last_rate,
            next_funding_ns=market.next_funding_ns,
        )
    )


def basis_average(market: Market) -> Decimal:
    """The mean of the basis samples of the last 30 seconds; zero when the book had no two sides in them."""
    samples = market.basis
    if not samples:
        return _ZERO
    # in the quoting context of the caller: a mean may be endless
    return sum(samples, _ZERO) / len(samples)


def price_two_of(market: Market) -> Decimal:
    """Index plus average basis; asks for an index."""
    assert market.index is not None
    with quoting():
        return price_two(market.index, basis_average(market))


def floating_mark(market: Market, now_ns: int) -> Decimal:
    """The median of price one, price two and the last trade, eight digits, half to even; asks for an index.

    Before the first trade price two stands in for it.
    """
    assert market.index is not None
    period_ns = market.interval_h * HOUR_NS
    one = price_one(market.index, market.last_rate, max(market.next_funding_ns - now_ns, 0), period_ns)
    two = price_two(market.index, basis_average(market))
    return rounded(mark_price(one, two, two if market.last_price is None else market.last_price))


def protected_mark(market: Market, bid: Decimal | None, ask: Decimal | None) -> Decimal | None:
    """The mark while no spot source is heard of: the last trade, held between best bid and best ask.

    So a wick that the book has already answered does not become the mark. None when nothing traded yet.
    """
    mark = market.last_price
    if mark is None:
        return None
    if bid is not None and ask is not None:
        mark = min(max(mark, bid), ask)
    return rounded(mark)


def premium_now(impact_bid: Decimal | None, impact_ask: Decimal | None, index: Decimal) -> Decimal:
    """The premium index of one moment, eight digits; a side too thin for the impact notional (None) says nothing."""
    bid = index if impact_bid is None else impact_bid
    ask = index if impact_ask is None else impact_ask
    return rounded(premium_index(bid, ask, index))


def _mark_one(floor: Floor, market: Market) -> None:
    now_ns = floor.now_ns
    contract = market.contract
    book = floor.books[contract.symbol]
    bid, ask = book.best_price(1), book.best_price(-1)
    heard = refresh_index(market, now_ns) if market.sources else market.index is not None
    if market.index is not None:
        mid = None if bid is None or ask is None else (bid + ask) / _TWO
        _sample_basis(market, mid, now_ns)
        sampled_ns = market.premium_sampled_ns
        periods = now_ns // PREMIUM_EVERY_NS - sampled_ns // PREMIUM_EVERY_NS if sampled_ns else 1
        if periods > 0:
            value = contract.impact_margin * contract.brackets[0].max_leverage
            premium = premium_now(book.impact_price(1, value), book.impact_price(-1, value), market.index)
            take_premium(market, premium, periods)
            market.premium_sampled_ns = now_ns
        market.last_rate = coming_rate(market)
    market.marked_ns = now_ns
    mark: Decimal | None
    if market.pinned_mark is not None:
        mark = market.pinned_mark
    elif heard:
        mark = floating_mark(market, now_ns)
    else:
        mark = protected_mark(market, bid, ask)
    if mark is None:
        mark = market.mark
    if mark is not None:
        set_mark_to(floor, market, mark)


def _sample_basis(market: Market, mid: Decimal | None, now_ns: int) -> None:
    """Note one sample a second; a longer step counts its sample for every second in it."""
    assert market.index is not None
    seconds = now_ns // SECOND_NS - market.marked_ns // SECOND_NS if market.marked_ns else 1
    samples = market.basis
    if seconds <= 0:
        return
    if mid is None:
        # no price of the book's own: the window covers 30 seconds, so what was sampled longer ago runs out of it
        del samples[:seconds]
        return
    samples.extend([mid - market.index] * min(seconds, BASIS_SAMPLES))
    del samples[:-BASIS_SAMPLES]
