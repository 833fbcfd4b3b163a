"""The bars a run of the bot saw: the history it began with, kept beside its journal, and the bars in the journal.

History is kept once for each start, since what happened while nobody ran is only there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from bearskin.engine import Record
from bearskin.market import Funding, Known, Panel
from bearskin.setups import Days
from bearskin.terms import (
    DAY_NS,
    BarClosed,
    Brackets,
    Instrument,
    Published,
    RateSettled,
    StoreBroken,
    UnknownBrackets,
)

HISTORY = "history"  # the folder, below that of the run
SERIES = ("open_interest", "long_short_ratio", "top_positions_ratio", "sentiment")
PRICES = ("open", "high", "low", "close", "volume")
EXTRAS = ("quote_volume", "taker_buy_volume", "spot_close", "spot_quote_volume", "spot_buy_share")
MARKS = ("mark_open", "mark_high", "mark_low", "mark_close")
NAN = float("nan")


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue said of a symbol when the history was kept."""

    instrument: Instrument
    interval_ns: int
    brackets: Brackets | None = None


@dataclass(slots=True)
class _Heard:
    """One symbol, put together from all that is known of it; bars and values by their times."""

    terms: Terms
    bars: dict[int, dict[str, float]] = field(default_factory=dict)
    funding: dict[int, tuple[float, int]] = field(default_factory=dict)
    days: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    known: dict[str, dict[int, tuple[int, float]]] = field(default_factory=lambda: {name: {} for name in SERIES})


class KeptBrackets:
    """The brackets that a run traded with; raises UnknownBrackets for a symbol whose venue told none."""

    def __init__(self, terms: Mapping[str, Terms]) -> None:
        self._terms = terms

    def get(self, venue: str, symbol: str, product: str = "") -> Brackets:
        """The brackets of `symbol`, whatever it is called elsewhere."""
        found = self._terms.get(symbol)
        if found is None or found.brackets is None:
            raise UnknownBrackets(f"the run knew no maintenance brackets of {symbol} ({venue} {product})".strip())
        return found.brackets


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a run saw: its panels, whole days further back than they reach (by symbol), and the venue's brackets."""

    panels: tuple[Panel, ...]
    days: Mapping[str, Days]
    brackets: KeptBrackets


def keep_history(folder: Path, panel: Panel, brackets: Brackets | None, days: Panel | None = None) -> None:
    """Keep the history that a bot starts with in the run's `folder`: its bars, and daily ones from further back.

    Raises StoreBroken where it cannot be written.
    """
    if not len(panel):
        return
    place = folder / HISTORY
    stem = f"{panel.instrument.symbol}-{int(panel.time_ns[-1])}"
    terms = Terms(instrument=panel.instrument, interval_ns=panel.interval_ns, brackets=brackets)
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        frames = {"bars": _bars(panel), "funding": _funding(panel)}
        frames |= {name: _known(getattr(panel, name)) for name in SERIES}
        if days is not None:
            frames |= {"days": _bars(days), "funding-days": _funding(days)}
        for name, frame in frames.items():
            if frame is not None:
                aside = place / f".{stem}.{name}"
                try:
                    frame.write_parquet(aside)
                    aside.replace(place / f"{stem}.{name}.parquet")
                finally:
                    aside.unlink(missing_ok=True)  # half a file on a full disk would only keep it full
        (place / f"{stem}.json").write_bytes(msgspec.json.encode(terms))
    except (OSError, pl.exceptions.PolarsError) as error:  # polars has words of its own for a disk that is full
        said = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise StoreBroken(f"{place} cannot be written ({said})") from None


def kept_of(folder: Path, records: Iterable[Record]) -> Kept:
    """What a run saw: each panel from the first bar of its history to the last in its journal.

    Where a bar is in both, the journal's is taken: it is what was decided on. Raises StoreBroken where no history was
    kept or a file is damaged.
    """
    heard: dict[str, _Heard] = {}
    try:
        for path in sorted((folder / HISTORY).glob("*.json")):
            _read(path, heard)
    except (OSError, msgspec.MsgspecError, pl.exceptions.PolarsError) as error:
        raise StoreBroken(f"the history in {folder / HISTORY} cannot be read ({error})") from None
    if not heard:
        raise StoreBroken(f"{folder} has no history: the run was begun by a bearskin that kept none")
    for record in records:
        _hear(record, heard)
    panels = tuple(_panel(one) for _, one in sorted(heard.items()))
    return Kept(
        panels=panels,
        days={panel.instrument.symbol: _days(panel, heard[panel.instrument.symbol].days) for panel in panels},
        brackets=KeptBrackets({name: one.terms for name, one in heard.items()}),
    )


def _bars(panel: Panel) -> pl.DataFrame:
    columns: dict[str, Any] = {"time_ns": panel.time_ns}
    for name in (*PRICES, *EXTRAS, *MARKS):
        column = getattr(panel, name)
        if column is not None:
            gone = panel.mark_missing if name in MARKS else None
            columns[name] = column if gone is None else np.where(gone, NAN, column)
    return pl.DataFrame(columns)


def _funding(panel: Panel) -> pl.DataFrame | None:
    settled = panel.funding
    if settled is None:
        return None
    return pl.DataFrame({"time_ns": settled.time_ns, "rate": settled.rate, "interval_ns": settled.interval_ns})


def _known(known: Known | None) -> pl.DataFrame | None:
    if known is None:
        return None
    return pl.DataFrame({"time_ns": known.time_ns, "known_ns": known.known_ns, "value": known.value})


def _read(path: Path, heard: dict[str, _Heard]) -> None:
    terms = msgspec.json.decode(path.read_bytes(), type=Terms)
    one = heard.setdefault(terms.instrument.symbol, _Heard(terms))
    one.terms = terms
    stem = path.name.removesuffix(".json")
    for row in _rows(path.with_name(f"{stem}.bars.parquet")):
        one.bars.setdefault(row.pop("time_ns"), row)
    for row in _rows(path.with_name(f"{stem}.days.parquet")):
        one.days.setdefault(row["time_ns"] + DAY_NS, (row["high"], row["low"], row["close"]))
    for name in ("funding", "funding-days"):
        for row in _rows(path.with_name(f"{stem}.{name}.parquet")):
            one.funding.setdefault(row["time_ns"], (row["rate"], row["interval_ns"]))
    for name in SERIES:
        for row in _rows(path.with_name(f"{stem}.{name}.parquet")):
            one.known[name].setdefault(row["time_ns"], (row["known_ns"], row["value"]))


def _rows(path: Path) -> list[dict[str, Any]]:
    return pl.read_parquet(path).to_dicts() if path.exists() else []


def _hear(record: Record, heard: dict[str, _Heard]) -> None:
    event = record.event
    one = heard.get(getattr(event, "symbol", ""))
    if one is None:
        return
    if isinstance(event, BarClosed):
        if event.interval_ns == one.terms.interval_ns:
            values = {name: getattr(event, name) for name in (*PRICES, *EXTRAS, *MARKS)}
            one.bars[event.opened_ns] = {name: value for name, value in values.items() if value is not None}
    elif isinstance(event, RateSettled):
        one.funding.setdefault(event.settled_ns, (event.rate, event.interval_ns))
    elif isinstance(event, Published):
        one.known[event.series].setdefault(event.of_ns, (event.time_ns, event.value))


def _panel(one: _Heard) -> Panel:
    times = np.array(sorted(one.bars), dtype=np.int64)
    bars = [one.bars[at] for at in times.tolist()]
    columns: dict[str, Any] = {}
    for name in (*PRICES, *EXTRAS, *MARKS):
        if name in PRICES or any(name in bar for bar in bars):
            columns[name] = np.array([bar.get(name, NAN) for bar in bars], dtype=np.float64)
    missing = None
    if "mark_open" in columns:
        missing = np.any([np.isnan(columns[name]) for name in MARKS if name in columns], axis=0)
        for name, trade in zip(MARKS, PRICES, strict=False):
            columns[name] = np.where(missing, columns[trade], columns.get(name, columns[trade]))
    settled = sorted(one.funding)
    funding = None
    if settled:
        funding = Funding(
            time_ns=np.array(settled, dtype=np.int64),
            rate=np.array([one.funding[at][0] for at in settled]),
            interval_ns=np.array([one.funding[at][1] for at in settled], dtype=np.int64),
        )
    known: dict[str, Any] = {name: _series(values) for name, values in one.known.items() if values}
    return Panel(
        instrument=one.terms.instrument,
        interval_ns=one.terms.interval_ns,
        time_ns=times,
        mark_missing=missing,
        funding=funding,
        **columns,
        **known,
    )


def _days(panel: Panel, before: Mapping[int, tuple[float, float, float]]) -> Days:
    """Whole days: those of the bars, and before the first of them those that were kept."""
    own: dict[int, tuple[float, float, float]] = {}
    rows = zip(panel.time_ns.tolist(), panel.high.tolist(), panel.low.tolist(), panel.close.tolist(), strict=True)
    for opened_ns, high, low, close in rows:
        ends_ns = -(-(opened_ns + panel.interval_ns) // DAY_NS) * DAY_NS
        top, bottom, _ = own.get(ends_ns, (high, low, close))
        own[ends_ns] = (max(top, high), min(bottom, low), close)
    first_ns, last_ns = int(panel.time_ns[0]), panel.known_ns(len(panel) - 1)
    whole = {at: row for at, row in own.items() if at - DAY_NS > first_ns - panel.interval_ns and at <= last_ns}
    starts_ns = min(whole, default=last_ns + DAY_NS)
    found = {**{at: row for at, row in before.items() if at < starts_ns}, **whole}
    times = sorted(found)
    high, low, close = (np.array([found[at][k] for at in times]) for k in range(3))
    return Days(known_ns=np.array(times, dtype=np.int64), high=high, low=low, close=close)


def _series(values: dict[int, tuple[int, float]]) -> Known:
    times = sorted(values)
    return Known(
        time_ns=np.array(times, dtype=np.int64),
        known_ns=np.array([values[at][0] for at in times], dtype=np.int64),
        value=np.array([values[at][1] for at in times]),
    )
