"""Markets drawn by hand, in units of one ATR.

A bar is (open, high, low, close) in units of `UNIT` of log price around 100, so that prices are 100 * exp(UNIT * y).
The bars used to warm up have a true range of exactly one unit, which makes ATR(14) one unit too.
"""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np

from bearskin.market import Funding, Panel
from bearskin.setups import Line
from bearskin.terms import HOUR_NS, Instrument, Product

UNIT = 0.01
START_NS = 1_735_689_600_000_000_000  # 2025-01-01T00:00:00Z, a Wednesday
Bar = tuple[float, float, float, float]


def instrument(tick: str = "0.00000001", symbol: str = "DRAWNUSDT") -> Instrument:
    return Instrument(
        venue="synthetic",
        symbol=symbol,
        product=Product.LINEAR,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        step=Decimal("0.001"),
        min_qty=Decimal("0.001"),
        min_notional=Decimal(5),
    )


def price(y: float, unit: float = UNIT) -> float:
    return 100 * math.exp(unit * y)


def panel_of(bars: list[Bar], *, unit: float = UNIT, tick: str = "0.00000001", funding=None, **series) -> Panel:
    columns = [100 * np.exp(unit * np.array(column)) for column in zip(*bars, strict=True)]
    ones = np.ones(len(bars))
    return Panel(
        instrument=instrument(tick),
        interval_ns=HOUR_NS,
        time_ns=START_NS + HOUR_NS * np.arange(len(bars), dtype=np.int64),
        open=columns[0],
        high=columns[1],
        low=columns[2],
        close=columns[3],
        volume=ones,
        quote_volume=series.pop("quote_volume", ones),
        funding=funding,
        **series,
    )


def flat(count: int) -> list[Bar]:
    return [(0.0, 0.5, -0.5, 0.0)] * count


def climb(count: int, end: float = 0.0) -> list[Bar]:
    """`count` bars that rise a quarter unit each, the last one closing at `end`; true range one unit."""
    closes = [end - 0.25 * k for k in range(count - 1, -1, -1)]
    return [(c - 0.25, c + 0.25, c - 0.75, c) for c in closes]


def funding_of(rates: list[float], end_ns: int, hours: int = 8) -> Funding:
    """Settlements every `hours`, the last one at `end_ns`."""
    step = hours * HOUR_NS
    times = end_ns - step * np.arange(len(rates) - 1, -1, -1, dtype=np.int64)
    return Funding(time_ns=times, rate=np.array(rates), interval_ns=np.full(len(rates), step, dtype=np.int64))


def wilder_atr(bars: list[Bar], period: int = 14) -> list[float]:
    """ATR in units, worked out the long way: the mean of the first true ranges, then one fourteenth of each new one."""
    ranges = [max(h, c0) - min(low, c0) for (_, h, low, _), (_, _, _, c0) in zip(bars[1:], bars[:-1], strict=True)]
    values = [math.nan] * period + [sum(ranges[:period]) / period]
    for true_range in ranges[period:]:
        values.append((values[-1] * (period - 1) + true_range) / period)
    return values


def drawn(event, panel: Panel, unit: float = UNIT) -> list[tuple[str, int, float, int, float]]:
    """What an event draws, in bars and in units: lines (name, bar, y, bar, y), zones (name, bar, low, bar, high)."""
    times = panel.time_ns.tolist()
    shapes = [
        (d.name, d.start_ns, d.start_price, d.end_ns, d.end_price)
        if isinstance(d, Line)
        else (d.name, d.start_ns, d.low_price, d.end_ns, d.high_price)
        for d in event.drawing
    ]
    units = [round(math.log(price / 100) / unit, 6) for shape in shapes for price in (shape[2], shape[4])]
    return [
        (name, times.index(start), units[2 * k], times.index(end), units[2 * k + 1])
        for k, (name, start, _, end, _) in enumerate(shapes)
    ]


def mirrored(bars: list[Bar]) -> list[Bar]:
    return [(-o, -low, -high, -c) for o, high, low, c in bars]
