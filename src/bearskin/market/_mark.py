"""Mark candles on the bars of the trades: as they are, put together from finer ones, or estimated from coarser ones.

Estimate (decision of the project, always labelled ESTIMATED): between two marks the basis (mark - last) is taken to run
straight from the one known at the first to the one known at the second, and mark is last plus that basis. Within a
coarse mark bar the estimate never leaves that bar's own high and low, which are facts. The estimate of a bar uses the
mark at the *end* of its coarse bar, so it may decide liquidations in a rehearsal but must not feed a signal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from bearskin.market._keys import SeriesKey
from bearskin.market._panel import B1, F8, I8
from bearskin.market._rules import PRICES
from bearskin.market._store import Store

Candles = tuple[F8, F8, F8, F8]  # open, high, low, close


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Mark candles of the same length as the bars; where `missing`, the trade bar stands in."""

    open: F8
    high: F8
    low: F8
    close: F8
    missing: B1
    estimated: bool
    step_ns: int


def aligned_mark(store: Store, trade: SeriesKey, step_ns: int, time_ns: I8, bars: Candles) -> Mark | None:
    """Mark on the bars opening at `time_ns`; None when the store has no mark of the symbol there.

    The same interval is taken if there is one, else a finer one that divides it, else the finest coarser one.
    """
    keys = store.keys(venue=trade.venue, product=trade.product, symbol=trade.symbol, kind="mark")
    start, end = int(time_ns[0]), int(time_ns[-1]) + step_ns
    for key in sorted(keys, key=lambda one: _preference(one.step_ns or 0, step_ns)):
        coarse_ns = key.step_ns or 0
        rows = store.collect(key, store.scan(key, start - coarse_ns, end).select("time", *PRICES))
        mark_ns = rows["time"].dt.epoch("ns").to_numpy().astype(np.int64)
        if not len(mark_ns) or mark_ns[-1] + coarse_ns <= start:
            continue
        if coarse_ns > step_ns:
            return _estimated(rows, mark_ns, coarse_ns, step_ns, time_ns, bars)
        if coarse_ns < step_ns:
            rows = _put_together(rows, coarse_ns, step_ns)
            mark_ns = rows["time"].dt.epoch("ns").to_numpy().astype(np.int64)
        return _laid(rows, mark_ns, time_ns, bars, step_ns)
    return None


def _preference(mark_ns: int, step_ns: int) -> tuple[int, int]:
    if mark_ns == step_ns:
        return 0, 0
    if mark_ns < step_ns and step_ns % mark_ns == 0:
        return 1, -mark_ns
    return (2, mark_ns) if mark_ns > step_ns else (3, 0)


def _put_together(rows: pl.DataFrame, fine_ns: int, step_ns: int) -> pl.DataFrame:
    """Finer mark candles as one candle a bar; bars that lack any of theirs are left out."""
    bar = pl.col("time").dt.epoch("ns") // step_ns * step_ns
    whole = rows.group_by(bar.alias("bar"), maintain_order=True).agg(
        pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last(), pl.len().alias("n")
    )
    return whole.filter(pl.col("n") == step_ns // fine_ns).select(
        pl.col("bar").cast(pl.Datetime("ns", "UTC")).alias("time"), *PRICES
    )


def _laid(rows: pl.DataFrame, mark_ns: I8, time_ns: I8, bars: Candles, step_ns: int) -> Mark:
    at = np.searchsorted(mark_ns, time_ns)
    at_safe = np.minimum(at, max(len(mark_ns) - 1, 0))
    found = (at < len(mark_ns)) & (mark_ns[at_safe] == time_ns) if len(mark_ns) else np.zeros(len(time_ns), dtype=bool)
    parts = [
        np.where(found, rows[name].to_numpy()[at_safe], bar) if len(mark_ns) else bar.copy()
        for name, bar in zip(PRICES, bars, strict=True)
    ]
    return Mark(
        open=parts[0], high=parts[1], low=parts[2], close=parts[3], missing=~found, estimated=False, step_ns=step_ns
    )


def _estimated(rows: pl.DataFrame, mark_ns: I8, coarse_ns: int, step_ns: int, time_ns: I8, bars: Candles) -> Mark:
    open_, high, low, close = bars
    m_open, m_high, m_low, m_close = (rows[name].to_numpy() for name in PRICES)
    # a basis is known where a mark bar opens together with a trade bar, and where one closes with the last close before
    opens = np.searchsorted(time_ns, mark_ns)
    at = np.minimum(opens, len(time_ns) - 1)
    with_bar = time_ns[at] == mark_ns
    ends = np.searchsorted(time_ns, mark_ns + coarse_ns - step_ns)
    end_at = np.minimum(ends, len(time_ns) - 1)
    with_end = time_ns[end_at] == mark_ns + coarse_ns - step_ns
    when = np.concatenate([mark_ns[with_bar], (mark_ns + coarse_ns)[with_end]])
    basis = np.concatenate([(m_open - open_[at])[with_bar], (m_close - close[end_at])[with_end]])
    # where one mark bar ends and the next opens both say the same time: the open is the mark then
    when, first = np.unique(when, return_index=True)
    basis = basis[first]

    within = np.searchsorted(mark_ns, time_ns, side="right") - 1
    inside = np.maximum(within, 0)
    known = (within >= 0) & (time_ns < mark_ns[inside] + coarse_ns)
    if not len(when):
        known[:] = False
        when, basis = np.array([0], dtype=np.int64), np.array([0.0])
    seconds = (when - when[0]) / 1e9  # float64 holds nanoseconds of 1970 only to 256
    at_open = np.interp((time_ns - when[0]) / 1e9, seconds, basis)
    at_close = np.interp((time_ns + step_ns - when[0]) / 1e9, seconds, basis)
    floor, ceiling = m_low[inside], m_high[inside]
    e_open = np.clip(open_ + at_open, floor, ceiling)
    e_close = np.clip(close + at_close, floor, ceiling)
    middle = (at_open + at_close) / 2
    e_high = np.maximum(np.clip(high + middle, floor, ceiling), np.maximum(e_open, e_close))
    e_low = np.minimum(np.clip(low + middle, floor, ceiling), np.minimum(e_open, e_close))
    return Mark(
        open=np.where(known, e_open, open_),
        high=np.where(known, e_high, high),
        low=np.where(known, e_low, low),
        close=np.where(known, e_close, close),
        missing=~known,
        estimated=True,
        step_ns=coarse_ns,
    )
