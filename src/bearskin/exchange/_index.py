"""The index: what spot markets say a coin is worth, with no single one of them able to drag it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from bearskin.exchange._state import Market
from bearskin.ledger import CENT_8
from bearskin.terms import MINUTE_NS, QUOTE

STALE_NS = 5 * MINUTE_NS  # a source unheard of for longer has no weight
_ONE = Decimal(1)


def compose(prices: Sequence[Decimal], cap_rate: Decimal) -> Decimal:
    """The mean of the source prices, each held within `cap_rate` of their median; eight digits, half to even.

    All sources weigh the same; needs at least one. An even number has the mean of its middle two as median.
    Source: Binance, price index of USDⓈ-M futures (a source more than 3 % off the median is cut to 0.97 or 1.03 of it,
    1 % for the majors), as quoted by third parties in 2026.
    """
    ordered = sorted(prices)
    count = len(ordered)
    half = count >> 1
    median = ordered[half] if count & 1 else QUOTE.divide(QUOTE.add(ordered[half - 1], ordered[half]), Decimal(2))
    low = QUOTE.multiply(median, QUOTE.subtract(_ONE, cap_rate))
    high = QUOTE.multiply(median, QUOTE.add(_ONE, cap_rate))
    total = Decimal(0)
    for price in ordered:
        total = QUOTE.add(total, min(max(price, low), high))
    return rounded(QUOTE.divide(total, Decimal(count)))


def fresh_prices(market: Market, now_ns: int) -> list[Decimal]:
    """The last prices of the sources heard of within five minutes, in the order in which they came to be known."""
    times_ns = market.source_times_ns
    return [price for name, price in market.sources.items() if now_ns - times_ns[name] <= STALE_NS]


def refresh_index(market: Market, now_ns: int) -> bool:
    """Compose the index anew; False, and the index stays as it was, when no source is fresh."""
    prices = fresh_prices(market, now_ns)
    if not prices:
        return False
    market.index = compose(prices, market.contract.index_cap_rate)
    return True


def rounded(value: Decimal) -> Decimal:
    """Eight digits, half to even: how prices and rates of the venue's own making are cut."""
    return value.quantize(CENT_8, ROUND_HALF_EVEN, QUOTE)
