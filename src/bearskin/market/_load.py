"""From the store to the arrays research reads: candles, mark aligned to them, settlements, statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from bearskin.market._instruments import instrument_of
from bearskin.market._keys import EVENT, SENTIMENT, SYNTHETIC_SENTIMENT, SeriesKey
from bearskin.market._mark import Mark, aligned_mark
from bearskin.market._near import near
from bearskin.market._panel import F8, I8, Funding, Known, Panel
from bearskin.market._rules import PRICES
from bearskin.market._store import Store
from bearskin.terms import (
    DAY_NS,
    HOUR_NS,
    MINUTE_NS,
    BadInput,
    Instrument,
    Product,
    StoreBroken,
    UnknownSymbol,
    interval_ns,
    interval_word,
    iso,
)

# Statistics from this long before the first bar come along, so that the first bars know the newest value too.
_BEFORE_NS: Final = 3 * DAY_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolCoverage:
    """What the store holds of one symbol at one interval; times are the opens of the first and last bar."""

    symbol: str
    first_ns: int
    last_ns: int
    rows: int
    has_mark: bool
    has_funding: bool


def list_symbols(store: Store, venue: str, product: str, interval: str) -> list[SymbolCoverage]:
    """Every symbol with trade candles of this interval, sorted by name; empty when there is none."""
    product = series_product(product)
    has = {
        kind: {key.symbol for key in store.keys(venue=venue, product=product, kind=kind)}
        for kind in ("mark", "funding")
    }
    found = []
    for key in store.keys(venue=venue, product=product, kind="trade", interval=interval):
        reach = store.coverage(key)
        found.append(
            SymbolCoverage(
                symbol=key.symbol,
                first_ns=reach.first_ns,
                last_ns=reach.last_ns,
                rows=reach.rows,
                has_mark=key.symbol in has["mark"],
                has_funding=key.symbol in has["funding"],
            )
        )
    return found


def load_panel(
    store: Store,
    *,
    venue: str,
    product: str = Product.LINEAR,
    symbol: str,
    interval: str,
    start_ns: int | None = None,
    end_ns: int | None = None,
    instrument: Instrument | None = None,
    settled_ns: tuple[int, int] | None = None,
) -> Panel:
    """One symbol's candles with bar opens in [start_ns, end_ns) and everything known of it beside them.

    `instrument` stands in for the packaged snapshot's, for symbols that are not in it. Settlements are those from the
    first bar's open to before the last bar's close, or in [from, to) of `settled_ns`. Raises UnknownSymbol when the
    candles are not in the store or the instrument is not known, BadInput when no bar lies in the span, StoreBroken when
    the bars are not in order.
    """
    key = SeriesKey(venue, series_product(product), symbol, "trade", interval)
    step = interval_ns(interval)
    if not store.has(key):
        raise UnknownSymbol(_absent(store, key))
    bars = store.collect(key, store.scan(key, start_ns, end_ns).drop("known_at", "source"))
    if not len(bars):
        reach = store.coverage(key)
        raise BadInput(f"no {key} bar in the span asked for: it has {iso(reach.first_ns)} to {iso(reach.last_ns)}")
    time = _ns(bars, "time")
    if np.any(np.diff(time) <= 0):
        raise StoreBroken(f"the bars of {key} in {store.root} are not in order: run `bearskin data check`")
    open_, high, low, close, volume = (_column(bars, name) for name in (*PRICES, "volume"))
    notes = _hole_notes(time, step)
    mark = aligned_mark(store, key, step, time, (open_, high, low, close)) if str(product) not in _NO_MARK else None
    notes += _mark_notes(mark, step, product)
    first, end = int(time[0]), int(time[-1]) + step
    return Panel(
        instrument=instrument or instrument_of(venue, symbol, product),
        interval_ns=step,
        time_ns=time,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        quote_volume=_whole(bars, "quote_volume", notes),
        taker_buy_volume=_whole(bars, "taker_buy_volume", notes),
        mark_open=None if mark is None else mark.open,
        mark_high=None if mark is None else mark.high,
        mark_low=None if mark is None else mark.low,
        mark_close=None if mark is None else mark.close,
        mark_missing=None if mark is None else mark.missing,
        mark_estimated=mark is not None and mark.estimated,
        funding=_settlements(store, key, *(settled_ns or (first, end))),
        **_spot(store, key, time),
        open_interest=_interest(store, key, (time, close, step), notes),
        long_short_ratio=_known(store, key, "long-short", ("ratio",), first, end, notes),
        top_positions_ratio=_known(store, key, "long-short", ("top_positions_ratio",), first, end, notes),
        sentiment=_values(store, SYNTHETIC_SENTIMENT if venue == "synthetic" else SENTIMENT, "value", first, end),
        notes=tuple(notes),
    )


def series_product(product: str) -> str:
    """A margin pair is a spot pair traded with borrowed coin: its candles are the spot pair's."""
    return Product.SPOT.value if product == Product.MARGIN else str(product)


_PERPETUAL: Final = (Product.LINEAR.value, Product.DATED.value)
_NO_MARK: Final = (Product.SPOT.value, Product.MARGIN.value)


def _absent(store: Store, key: SeriesKey) -> str:
    others = store.keys(venue=key.venue, product=key.product, symbol=key.symbol, kind="trade")
    if others:
        have = ", ".join(sorted((other.interval for other in others), key=interval_ns))
        return f"{store.root} has no {key.interval} candles of {key.symbol} ({key.venue}, {key.product}), only {have}"
    names = [other.symbol for other in store.keys(venue=key.venue, product=key.product, kind="trade")]
    hint = near(key.symbol, names) if names else "; `bearskin data list` shows what there is"
    return f"{store.root} has no candles of {key.symbol} ({key.venue}, {key.product}){hint}"


def _ns(frame: pl.DataFrame, name: str) -> I8:
    """A column of times as nanoseconds, which is how the store keeps them."""
    return np.array(frame[name].to_physical().to_numpy(), dtype=np.int64)


def _column(frame: pl.DataFrame, name: str) -> F8:
    # an own, writable copy: kernels want it contiguous, and Polars' memory is shared
    return np.array(frame[name].to_numpy(), dtype=np.float64)


def _whole(bars: pl.DataFrame, name: str, notes: list[str]) -> F8 | None:
    """A column that every bar has, else None: half a column would read as quiet where it is only unknown."""
    if name not in bars.columns or bars[name].null_count() == len(bars):
        return None
    unknown = bars[name].null_count()
    if unknown:
        notes.append(f"{name} left out: {unknown} of {len(bars)} bars lack it")
        return None
    return _column(bars, name)


def _mark_notes(mark: Mark | None, step_ns: int, product: str) -> list[str]:
    if mark is None:
        return [] if str(product) in _NO_MARK else ["no mark: last stands in"]
    notes = []
    if mark.estimated:
        notes.append(f"mark ESTIMATED from {interval_word(mark.step_ns)}: last plus basis interpolated between marks")
    absent = int(mark.missing.sum())
    if absent:
        notes.append(f"mark missing on {absent} of {len(mark.missing)} bars ({interval_word(step_ns)}): last stands in")
    return notes


def _hole_notes(time_ns: I8, step_ns: int) -> list[str]:
    steps = np.diff(time_ns)
    holes = np.flatnonzero(steps > step_ns)
    if not len(holes):
        return []
    widest = holes[np.argmax(steps[holes])]
    missing = int((steps[holes] // step_ns - 1).sum())
    widest_said = f"{iso(int(time_ns[widest]))} to {iso(int(time_ns[widest + 1]))}"
    return [f"{len(holes)} holes, {missing} bars missing, the widest from {widest_said}"]


def _settlements(store: Store, key: SeriesKey, start_ns: int, end_ns: int) -> Funding | None:
    settled = SeriesKey(key.venue, key.product, key.symbol, "funding", EVENT)
    if not store.has(settled):
        return None
    scan = store.scan(settled, None, end_ns)
    rows = store.collect(settled, scan.select("time", pl.col("rate"), pl.col("^interval_h$")))
    time: I8 = _ns(rows, "time") // MINUTE_NS * MINUTE_NS
    rate = _column(rows, "rate")
    interval = np.diff(time, prepend=np.int64(0))
    if len(time):
        interval[0] = _first_interval(rows, interval)
    inside = time >= start_ns
    if not inside.any():
        return None
    return Funding(time_ns=time[inside], rate=rate[inside], interval_ns=interval[inside])


def _first_interval(rows: pl.DataFrame, interval: I8) -> int:
    """The interval of the very first settlement: as its file said, else as the next one's, else eight hours."""
    said = rows["interval_h"][0] if "interval_h" in rows.columns else None
    if said is not None:
        return int(said * HOUR_NS)
    return int(interval[1]) if len(interval) > 1 else 8 * HOUR_NS


def _known(
    store: Store, key: SeriesKey, kind: str, columns: tuple[str, ...], start_ns: int, end_ns: int, notes: list[str]
) -> Known | None:
    """The finest series of a kind, by the first of `columns` it has."""
    keys = store.keys(venue=key.venue, product=key.product, symbol=key.symbol, kind=kind)
    for found in sorted(keys, key=lambda one: one.step_ns or 0):
        for column in columns:
            known = _values(store, found, column, start_ns, end_ns)
            if known is not None:
                if column != columns[0]:
                    notes.append(f"{kind} is {column}")
                return known
    return None


def _interest(store: Store, key: SeriesKey, bars: tuple[I8, F8, int], notes: list[str]) -> Known | None:
    """Open interest in coins; where only its value is stored, that over the close of the last bar complete by then."""
    time, close, step = bars
    told: list[str] = []
    known = _known(store, key, "open-interest", ("oi", "oi_usd"), int(time[0]), int(time[-1]) + step, told)
    if known is None or not told:
        return known
    notes.append("open-interest is oi_usd over the close of the last bar")
    at = np.searchsorted(time + step, known.time_ns, side="right") - 1
    seen = at >= 0
    if not seen.any():
        return None
    coins = known.value[seen] / close[at[seen]]
    return Known(time_ns=known.time_ns[seen], known_ns=known.known_ns[seen], value=coins)


def _spot(store: Store, key: SeriesKey, time: I8) -> dict[str, F8]:
    """The spot pair of the same name on the contract's bars, NaN where it has none; empty without any."""
    pair = SeriesKey(key.venue, Product.SPOT.value, key.symbol, "trade", key.interval)
    if key.product not in _PERPETUAL or not store.has(pair):
        return {}
    rows = store.collect(pair, store.scan(pair, int(time[0]), int(time[-1]) + 1).drop("known_at", "source"))
    there = _ns(rows, "time")
    _, ours, theirs = np.intersect1d(time, there, assume_unique=True, return_indices=True)
    if not len(ours):
        return {}

    def laid(values: F8) -> F8:
        column = np.full(len(time), np.nan)
        column[ours] = values[theirs]
        return column

    close, volume = _column(rows, "close"), _column(rows, "volume")
    turnover = _whole(rows, "quote_volume", [])
    bought = _whole(rows, "taker_buy_volume", [])
    found = {"spot_close": laid(close), "spot_quote_volume": laid(volume * close if turnover is None else turnover)}
    if bought is not None:
        share = np.full(len(volume), np.nan)
        np.divide(bought, volume, out=share, where=volume > 0)
        found["spot_buy_share"] = laid(share)
    return found


def _values(store: Store, key: SeriesKey, column: str, start_ns: int, end_ns: int) -> Known | None:
    if not store.has(key):
        return None
    frame = store.scan(key, start_ns - _BEFORE_NS, end_ns)
    if column not in frame.collect_schema().names():
        return None
    rows = store.collect(key, frame.select("time", "known_at", column).drop_nulls())
    if not len(rows):
        return None
    return Known(
        time_ns=_ns(rows, "time"),
        known_ns=_ns(rows, "known_at"),
        value=_column(rows, column),
    )
