"""What was known of one symbol at one time: the last bars before it, and nothing that came after."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import polars as pl

from bearskin.market._keys import SeriesKey
from bearskin.market._load import load_panel, series_product
from bearskin.market._panel import F8, I8, Known, Panel
from bearskin.market._store import Store
from bearskin.terms import DAY_NS, BadInput, interval_ns

FUNDING_NS: Final = 100 * DAY_NS  # ranks of funding look back 90 days
DAYS: Final = 400  # whole days that means of 50 days forget their beginning in
_MARKS: Final = ("mark_open", "mark_high", "mark_low", "mark_close", "mark_missing")


def load_panel_at(
    store: Store, *, venue: str, product: str, symbol: str, interval: str, at_ns: int, bars: int
) -> Panel | None:
    """The panel of the last `bars` bar lengths that were complete by `at_ns`, with what was public then; None if none.

    Settlements reach back at least 100 days and include one at `at_ns` itself. A series of which nothing was public is
    None, and so is a mark that would have to be estimated: that takes the mark at the end of a longer bar.
    """
    step = interval_ns(interval)
    key = SeriesKey(venue, series_product(product), symbol, "trade", interval)
    start_ns, end_ns = at_ns - (bars + 1) * step + 1, at_ns - step + 1
    if not store.has(key):
        return None
    funded = (min(start_ns, at_ns - FUNDING_NS), at_ns + 1)
    try:
        panel = load_panel(
            store,
            venue=venue,
            product=product,
            symbol=symbol,
            interval=interval,
            start_ns=start_ns,
            end_ns=end_ns,
            settled_ns=funded,
        )
    except BadInput:  # no bar in the span
        return None
    changes: dict[str, object] = {
        field.name: _public(value, at_ns)
        for field in dataclasses.fields(panel)
        if isinstance(value := getattr(panel, field.name), Known)
    }
    if panel.mark_estimated:
        changes |= dict.fromkeys(_MARKS)
        changes["mark_estimated"] = False
        changes["notes"] = tuple(note for note in panel.notes if not note.startswith("mark "))
    return dataclasses.replace(panel, **changes)  # type: ignore[arg-type]


def load_days_at(
    store: Store, *, venue: str, product: str, symbol: str, interval: str, at_ns: int, days: int = DAYS
) -> tuple[I8, F8, F8, F8]:
    """End, high, low and close of each whole UTC day complete by `at_ns`, of the last `days`; a day with holes counts.

    A day whose first bar is not there because the candles begin later that day is left out. Raises UnknownSymbol.
    """
    step = interval_ns(interval)
    key = SeriesKey(venue, series_product(product), symbol, "trade", interval)
    start_ns = (at_ns // DAY_NS - days) * DAY_NS
    closes = pl.col("time").dt.epoch("ns") + step
    day = ((closes - 1) // DAY_NS).alias("day")
    grouped = (
        store.scan(key, start_ns, at_ns - step + 1)
        .group_by(day, maintain_order=True)
        .agg(
            pl.col("time").first().dt.epoch("ns").alias("first"),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
        )
    )
    rows = store.collect(key, grouped)
    ends = (rows["day"].to_numpy().astype(np.int64) + 1) * DAY_NS
    whole = ends <= at_ns
    if len(ends) and int(rows["first"][0]) - (int(ends[0]) - DAY_NS) >= step:
        whole[0] = False
    high, low, close = (rows[name].to_numpy().astype(np.float64)[whole] for name in ("high", "low", "close"))
    return ends[whole], high, low, close


def _public(series: Known, at_ns: int) -> Known | None:
    """The part that was published by `at_ns`; None when there is none."""
    count = int(np.searchsorted(series.known_ns, at_ns, side="right"))
    if count == 0:
        return None
    return Known(time_ns=series.time_ns[:count], known_ns=series.known_ns[:count], value=series.value[:count])
