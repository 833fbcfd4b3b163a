"""Funding and mark price: what perpetuals pay each other, and the price that margin is judged by.

Rates are fractions per settlement, not per cent; received money is positive.
"""

from __future__ import annotations

from bearskin.margin._formula import formula
from bearskin.margin._tiers import Column
from bearskin.terms import Num


@formula
def clamp(value: Num, low: Num, high: Num) -> Num:
    """`value` held between `low` and `high`: also the cap and floor of a symbol's funding rate."""
    return min(max(value, low), high)


@formula
def premium_index(impact_bid: Num, impact_ask: Num, index: Num) -> Num:
    """How far the book trades above (positive) or below the index, as a fraction of it; zero inside the spread.

    Source: Binance, introduction to funding rates.
    """
    zero = index - index
    return (max(impact_bid - index, zero) - max(index - impact_ask, zero)) / index


@formula
def premium_average(premiums: Column[Num]) -> Num:
    """Time-weighted average of the premium samples of a period, oldest first: sample i of n has weight i.

    Source: Binance, introduction to funding rates (a sample every 5 s); Bybit, funding rate (every minute).
    """
    total = premiums[0]
    weight = 1
    for i in range(1, len(premiums)):
        total = total + premiums[i] * (i + 1)
        weight = weight + i + 1
    return total / weight


@formula
def funding_interest(quote_rate_day: Num, base_rate_day: Num, settlements_per_day: int) -> Num:
    """The interest part of a funding rate: what the quote costs a day above the base, shared among the settlements.

    Source: BitMEX, perpetual contracts guide.
    """
    return (quote_rate_day - base_rate_day) / settlements_per_day


@formula
def funding_rate(avg_premium: Num, interest: Num, interval_h: Num | int) -> Num:
    """The rate of one settlement from the average premium and the interest per 8 hours, before cap and floor.

    It is `avg_premium` plus what is missing to `interest`, held within 0.05 % either way; a contract that settles
    every N hours pays N/8 of that.
    Source: Binance announcement of 2025-09-16 (in force since 2025-09-18).
    """
    gap = interest - avg_premium
    limit = (gap - gap + 5) / 10000
    return (avg_premium + clamp(gap, -limit, limit)) * interval_h / 8


@formula
def funding_received(qty: Num, mark: Num, rate: Num) -> Num:
    """Funding of one settlement at its mark: positive is received, negative is paid.

    A positive rate is paid by longs to shorts, a negative one by shorts to longs.
    Source: Binance, introduction to funding rates.
    """
    return -qty * mark * rate


@formula
def funding_total(qty: Num, marks: Column[Num], rates: Column[Num]) -> Num:
    """Funding received over several settlements by a position held through all of them; both columns equally long."""
    total = qty - qty
    for i in range(len(marks)):
        total = total + funding_received(qty, marks[i], rates[i])
    return total


@formula
def carry_per_day(qty: Num, mark: Num, rate: Num, interval_h: Num | int) -> Num:
    """Funding received a day if mark and rate stay as they are; negative when holding costs."""
    return funding_received(qty, mark, rate) * 24 / interval_h


@formula
def impact_margin_notional(margin: Num, initial_rate: Num) -> Num:
    """The notional that a fixed margin opens at the highest leverage; impact prices are the average fill of so much.

    Source: Binance, introduction to funding rates (`margin` is 200 USDT there, 0.1 BTC on BitMEX).
    """
    return margin / initial_rate


@formula
def price_one(index: Num, last_rate: Num, to_funding: Num | int, period: Num | int) -> Num:
    """The index grown by the part of the last funding rate still to be paid; both times in one unit of any kind.

    Source: Binance FAQ 360033525071.
    """
    return index * (1 + last_rate * to_funding / period)


@formula
def price_two(index: Num, basis_average: Num) -> Num:
    """The index and the moving average of the mid price's distance to it (30 s); the whole mark of dated contracts.

    Source: Binance FAQ 360033525071.
    """
    return index + basis_average


@formula
def mark_price(one: Num, two: Num, contract: Num) -> Num:
    """The median of price one, price two and the contract's own price. Source: Binance FAQ 360033525071."""
    return max(min(one, two), min(max(one, two), contract))
