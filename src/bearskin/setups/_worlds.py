"""Markets for the look-ahead check: random ones with every series, and what may be done to a market's future.

`cut`, `spoiled` and `delayed` leave everything that was known at a bar's close as it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np

from bearskin.market import Funding, Known, Panel
from bearskin.setups._features import F8, I8
from bearskin.setups._view import FUNDING_HOURS, NEUTRAL_8H
from bearskin.terms import DAY_NS, HOUR_NS, Instrument, Product

START_NS = 1_735_689_600_000_000_000  # 2025-01-01, a Wednesday
MIRROR = 10_000.0  # a price p is mirrored to MIRROR / p
FINE_TICK = Decimal("0.000000001")  # a grid so fine that it mirrors
Rng = np.random.Generator
Series = TypeVar("Series", Funding, Known)


def walks(count: int, bars: int, seed: int) -> list[Panel]:
    """Random markets of hourly bars, each with its own temper: fat tails, trends, spikes of volume, moving funding."""
    return [_walk(np.random.default_rng([seed, k]), bars, k) for k in range(count)]


def _walk(rng: Rng, bars: int, k: int) -> Panel:
    times = START_NS + HOUR_NS * np.arange(bars, dtype=np.int64)
    swing = np.sin(np.arange(bars) / rng.uniform(25, 80) + rng.uniform(0, 6))
    scale = rng.uniform(0.003, 0.012) * np.exp(0.5 * swing)
    drift = 0.35 * scale * np.sin(np.arange(bars) / rng.uniform(60, 200) + rng.uniform(0, 6))
    moves = drift + scale * rng.standard_t(3, bars) / 1.7
    busy = rng.lognormal(0, 0.3, bars)
    share = np.clip(0.5 + 0.1 * rng.standard_normal(bars), 0.05, 0.95)
    if k % 3 == 2:
        moves, scale, busy, share = _tired(moves, scale, busy, share)
    close = np.log(100) + np.cumsum(moves)
    opens = np.concatenate([[np.log(100)], close[:-1]]) + 0.0002 * rng.standard_normal(bars)
    high = np.maximum(opens, close) + scale * rng.exponential(0.7, bars)
    low = np.minimum(opens, close) - scale * rng.exponential(0.7, bars)
    o, h, lo, c = (np.exp(x) for x in (opens, high, low, close))
    volume = busy * np.exp(5 + 0.5 * rng.standard_normal(bars) * (k % 3 != 2)) * (1 + 3 * (rng.random(bars) < 0.05))
    trend = close - np.concatenate([np.full(72, close[0]), close])[:bars]
    if k % 2:  # rises that ever fewer take part in
        volume = volume * np.exp(-12 * np.maximum(trend, 0.0))
    spot = c * (1 - 0.0005 * np.tanh(20 * trend) + 0.0001 * rng.standard_normal(bars))
    return Panel(
        instrument=_instrument(f"WALK{k}USDT"),
        interval_ns=HOUR_NS,
        time_ns=times,
        open=o,
        high=h,
        low=lo,
        close=c,
        volume=volume,
        quote_volume=volume * c,
        taker_buy_volume=volume * share,
        mark_open=o * 1.0001,
        mark_high=h * 1.0001,
        mark_low=lo * 1.0001,
        mark_close=c * 1.0001,
        funding=_funding(rng, times, trend),
        **_series(rng, times, close, trend),
        **_only_fields(spot_close=spot, spot_quote_volume=volume * c * 0.6, spot_buy_share=rng.uniform(0.3, 0.7, bars)),
    )


def _tired(moves: F8, scale: F8, busy: F8, share: F8) -> tuple[F8, F8, F8, F8]:
    """Every 300 bars a rise, then a narrow range on ever less volume with more sold than bought, then a fall."""
    moves, scale, busy, share = (column.copy() for column in (moves, scale, busy, share))
    for start in range(230, len(moves) - 60, 300):
        rise, held, fall = slice(start - 40, start), slice(start, start + 52), slice(start + 52, start + 58)
        moves[rise] = 0.3 * moves[rise] + 0.5 * scale[rise]
        moves[held] = 0.5 * scale[start] * np.sin(np.arange(52) * 1.9)
        scale[held] *= 0.6
        busy[held] *= np.linspace(1.8, 0.3, 52)
        share[held] -= 0.1
        moves[fall] = -1.2 * scale[fall]
    return moves, scale, busy, np.clip(share, 0.05, 0.95)


def _instrument(symbol: str) -> Instrument:
    return Instrument(
        venue="synthetic", symbol=symbol, product=Product.LINEAR, base=symbol.removesuffix("USDT"), quote="USDT",
        settle="USDT", tick=FINE_TICK, step=Decimal("0.001"), min_qty=Decimal("0.001"), min_notional=Decimal(5),
    )  # fmt: skip


def _only_fields(**columns: F8) -> dict[str, Any]:
    """The columns that a panel has a field for."""
    names = {field.name for field in dataclasses.fields(Panel)}
    return {name: column for name, column in columns.items() if name in names}


def _funding(rng: Rng, times: I8, trend: F8) -> Funding:
    """Settlements of eight and of four hours from 100 days before the first bar, dear after rises."""
    hours = np.where(rng.random(len(times) // 4 + 400) < 0.7, 8, 4)
    settled = times[0] - 100 * DAY_NS + HOUR_NS * np.cumsum(hours).astype(np.int64)
    seen = settled <= int(times[-1]) + HOUR_NS
    settled, hours = settled[seen], hours[seen]
    after = np.interp(settled.astype(float), times.astype(float), trend)
    rate = (NEUTRAL_8H + 0.004 * after + 0.00006 * rng.standard_normal(len(settled))) * hours / FUNDING_HOURS
    return Funding(time_ns=settled, rate=rate, interval_ns=hours.astype(np.int64) * HOUR_NS)


def _series(rng: Rng, times: I8, close: F8, trend: F8) -> dict[str, Any]:
    lag = HOUR_NS // 12
    days = times[::24]
    every = {"time_ns": times, "known_ns": times + lag}
    n = len(times)
    greed = np.clip(50 + 400 * trend[::24] + 8 * rng.standard_normal(len(days)), 1, 99)
    interest = np.exp(9 + 0.8 * (close - close[0]) + np.cumsum(0.004 * rng.standard_normal(n)))
    ratio = np.exp(4 * trend + 0.05 * rng.standard_normal(n))
    found = {
        "open_interest": Known(**every, value=interest),
        "long_short_ratio": Known(**every, value=ratio),
        "top_positions_ratio": Known(**every, value=1 / ratio),
        "sentiment": Known(time_ns=days, known_ns=days + HOUR_NS, value=greed),
    }
    names = {field.name for field in dataclasses.fields(Panel)}
    return {name: series for name, series in found.items() if name in names}


def cut(panel: Panel, n: int) -> Panel:
    """The panel as it stood when bar `n` - 1 closed: later bars, settlements and publications are dropped."""
    until = panel.known_ns(n - 1)
    return _changed(panel, lambda column: column[:n], lambda one: _first(one, _public_count(one, until)))


def spoiled(panel: Panel, n: int, rng: Rng) -> Panel:
    """The panel with everything that was not known when bar `n` - 1 closed replaced by rubbish: the times stay."""
    until, rest = panel.known_ns(n - 1), len(panel) - n
    up = 1 if rng.random() < 0.5 else -1
    opens = panel.close[n - 1] * np.exp(np.cumsum(0.08 * rng.standard_normal(rest) + 0.02 * up))
    close = opens * np.exp(0.08 * rng.standard_normal(rest))
    wide = np.exp(np.abs(0.05 * rng.standard_normal(rest)))
    rubbish = {
        "open": opens,
        "high": np.maximum(opens, close) * wide,
        "low": np.minimum(opens, close) / wide,
        "close": close,
    }
    prices = {**rubbish, **{f"mark_{name}": values for name, values in rubbish.items()}, "spot_close": close}
    changes: dict[str, object] = {}
    for field in dataclasses.fields(panel):
        value = getattr(panel, field.name)
        if isinstance(value, np.ndarray) and field.name != "time_ns":
            later = prices.get(field.name, rng.lognormal(5, 2, rest))
            changes[field.name] = np.concatenate([value[:n], later.astype(value.dtype)])
        elif isinstance(value, Funding):
            changes[field.name] = dataclasses.replace(
                value, rate=_rubbish(value.rate, _public_count(value, until), rng, 0.003 * up)
            )
        elif isinstance(value, Known):
            size = float(np.nanmax(np.abs(value.value))) or 1.0
            later = _rubbish(value.value, _public_count(value, until), rng, size)
            changes[field.name] = dataclasses.replace(value, value=later)
    return dataclasses.replace(panel, **changes)  # type: ignore[arg-type]


def delayed(panel: Panel, steps: int) -> Panel:
    """The panel with every published series public so many of its own steps later; what it describes stays."""
    changes: dict[str, object] = {}
    for field in dataclasses.fields(panel):
        value = getattr(panel, field.name)
        if isinstance(value, Known) and len(value.time_ns) > 1:
            step = int(np.median(np.diff(value.time_ns)))
            changes[field.name] = dataclasses.replace(value, known_ns=value.known_ns + steps * step)
    return dataclasses.replace(panel, **changes)  # type: ignore[arg-type]


def moved(panel: Panel, by_ns: int) -> Panel:
    """The same market at another time."""
    changes: dict[str, object] = {"time_ns": panel.time_ns + by_ns}
    for field in dataclasses.fields(panel):
        value = getattr(panel, field.name)
        if isinstance(value, Funding):
            changes[field.name] = dataclasses.replace(value, time_ns=value.time_ns + by_ns)
        elif isinstance(value, Known):
            changes[field.name] = dataclasses.replace(
                value, time_ns=value.time_ns + by_ns, known_ns=value.known_ns + by_ns
            )
        elif field.name == "listed_ns" and value is not None:
            changes[field.name] = value + by_ns
    return dataclasses.replace(panel, **changes)  # type: ignore[arg-type]


def without_first(panel: Panel, n: int) -> Panel:
    """The panel without its first `n` bars; settlements and publications stay."""
    return _changed(panel, lambda column: column[n:], lambda one: one)


def mirrored(panel: Panel) -> Panel:
    """The market in the mirror, by the rule and not by the code that set-ups run on; on a grid too fine to matter."""
    changes: dict[str, object] = {}
    for name in ("open", "close", "spot_close", "mark_open", "mark_close"):
        value = getattr(panel, name, None)
        if value is not None:
            changes[name] = MIRROR / value
    for top, bottom in (("high", "low"), ("mark_high", "mark_low")):
        if getattr(panel, top) is not None:
            changes[top], changes[bottom] = MIRROR / getattr(panel, bottom), MIRROR / getattr(panel, top)
    if panel.quote_volume is None:
        changes["quote_volume"] = panel.volume * panel.close
    if panel.taker_buy_volume is not None:
        changes["taker_buy_volume"] = panel.volume - panel.taker_buy_volume
    share = getattr(panel, "spot_buy_share", None)
    if share is not None:
        changes["spot_buy_share"] = 1 - share
    if panel.funding is not None:
        neutral = NEUTRAL_8H * panel.funding.interval_ns / (FUNDING_HOURS * HOUR_NS)
        changes["funding"] = dataclasses.replace(panel.funding, rate=2 * neutral - panel.funding.rate)
    for name in ("long_short_ratio", "top_positions_ratio"):
        series = getattr(panel, name, None)
        if series is not None:
            changes[name] = dataclasses.replace(series, value=1 / series.value)
    if panel.sentiment is not None:
        changes["sentiment"] = dataclasses.replace(panel.sentiment, value=100 - panel.sentiment.value)
    return dataclasses.replace(fine(panel), **changes)  # type: ignore[arg-type]


def fine(panel: Panel) -> Panel:
    """The panel on a price grid too fine to round anything."""
    return dataclasses.replace(panel, instrument=dataclasses.replace(panel.instrument, tick=FINE_TICK))


def _changed(panel: Panel, column: Callable[[F8], F8], series: Callable[[Any], Any]) -> Panel:
    changes: dict[str, object] = {}
    for field in dataclasses.fields(panel):
        value = getattr(panel, field.name)
        if isinstance(value, np.ndarray):
            changes[field.name] = column(value)
        elif isinstance(value, Funding | Known):
            changes[field.name] = series(value)
    return dataclasses.replace(panel, **changes)  # type: ignore[arg-type]


def _public_count(series: Funding | Known, until_ns: int) -> int:
    known = series.time_ns if isinstance(series, Funding) else series.known_ns
    return int(np.searchsorted(known, until_ns, side="right"))


def _first(series: Series, count: int) -> Series:
    columns = {field.name: getattr(series, field.name)[:count] for field in dataclasses.fields(series)}
    return dataclasses.replace(series, **columns)


def _rubbish(values: F8, kept: int, rng: Rng, size: float) -> F8:
    return np.concatenate([values[:kept], size * rng.uniform(0.01, 3, len(values) - kept)])
