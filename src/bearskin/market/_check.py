"""What is wrong with what is in the store: holes, repeats, impossible bars, old ends, and numbers that contradict.

Importers refuse bad rows, so most codes here speak of the data itself (a venue was down, a settlement is missing), of
several sources together, and of store files that other hands have changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

from bearskin.market._keys import CANDLES, SeriesKey
from bearskin.market._panel import I8
from bearskin.market._read import first_line
from bearskin.market._rules import (
    OPEN_IS_PREVIOUS_CLOSE,
    PRICES,
    broken,
    candle_rules,
    identity,
    is_event,
    number_rules,
    rows_of,
)
from bearskin.market._store import Store
from bearskin.terms import DAY_NS, HOUR_NS, MINUTE_NS, StoreBroken, interval_word, iso

CHECKS: Final = {
    "gap": "more time between two rows than the interval",
    "duplicate": "one time comes twice",
    "unsorted": "a row stands before one that is older",
    "bad-ohlc": "high below low, or open or close outside them",
    "bad-value": "a value that is empty, not finite or of the wrong sign",
    "flat": "bars without any trade or movement, many in a row",
    "stale": "the series ends before its companions",
    "funding-interval": "the time between settlements changes",
    "missing-settlement": "settlements that should have been between two",
    "sources-differ": "two sources gave different values for one time; the first is kept",
    "intervals-differ": "finer bars put together are not the coarser bar",
    "quirk": "the layout declared an oddity, kept as it is",
    "unreadable": "the files cannot be read",
}

_FLAT_BARS: Final = 24
_HOLE: Final = 100  # settlements; a hole as long as this may lie between two sets
_PRICE_WITHIN: Final = 1e-9
_VOLUME_WITHIN: Final = 1e-6
_LISTED: Final = 200  # of one kind in one series; the rest is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One finding: `code` is a key of CHECKS, `time_ns` where it begins (None: the series as a whole)."""

    code: str
    key: SeriesKey
    time_ns: int | None
    detail: str


def check_store(store: Store, keys: Iterable[SeriesKey] | None = None, now_ns: int | None = None) -> list[Fault]:
    """Every fault of the series `keys` (all by default), sorted by series and time.

    A series is stale against its companions (same venue and product), or against `now_ns` where that is given.
    """
    chosen = store.keys() if keys is None else sorted(set(keys))
    faults: list[Fault] = []
    ends: dict[SeriesKey, tuple[int, int]] = {}
    readable: list[SeriesKey] = []
    for key in chosen:
        try:
            frame = store.collect(key, store.scan(key).drop("known_at", "source"))
            faults += _of_series(store, key, frame)
        except (StoreBroken, pl.exceptions.ColumnNotFoundError) as error:
            faults.append(Fault(code="unreadable", key=key, time_ns=None, detail=first_line(error)))
            continue
        readable.append(key)
        usual = key.step_ns or _usual_step(frame)
        if usual and not is_event(key):
            ends[key] = (int(frame["time"].dt.epoch("ns").max() or 0), usual)  # type: ignore[arg-type]
    faults += _stale(ends, now_ns)
    faults += _between_sources(store, readable)
    faults += _between_intervals(store, readable)
    return sorted(faults, key=lambda fault: (fault.key, fault.time_ns or 0, fault.code))


def _times(frame: pl.DataFrame) -> I8:
    return frame["time"].dt.epoch("ns").to_numpy().astype(np.int64)


def _usual_step(frame: pl.DataFrame) -> int:
    steps = np.diff(_times(frame))
    return int(np.median(steps)) if len(steps) else 0


def _capped(faults: list[Fault]) -> list[Fault]:
    """At most `_LISTED` of them, the last one saying how many more there are."""
    if len(faults) <= _LISTED:
        return faults
    more = len(faults) - _LISTED
    head = faults[: _LISTED - 1]
    last = faults[_LISTED - 1]
    return [*head, Fault(code=last.code, key=last.key, time_ns=last.time_ns, detail=f"{last.detail}; and {more} more")]


# ---- one series


def _of_series(store: Store, key: SeriesKey, frame: pl.DataFrame) -> list[Fault]:
    faults = [*_order(key, frame), *_values(store, key, frame)]
    if key.kind == "funding":
        faults += _settlements(store, key, frame)
    elif key.step_ns is not None:
        faults += _gaps(store, key, frame, key.step_ns)
    if key.kind == "trade":
        faults += _flat(key, frame)
    return faults


def _order(key: SeriesKey, frame: pl.DataFrame) -> list[Fault]:
    time = _times(frame)
    step = np.diff(time)
    faults = [
        Fault(code="unsorted", key=key, time_ns=int(time[at + 1]), detail=f"comes after {iso(int(time[at]))}")
        for at in np.flatnonzero(step < 0)
    ]
    twice = frame.filter(frame.select(identity(key)).is_duplicated()).unique(identity(key)) if len(frame) else frame
    faults += [
        Fault(code="duplicate", key=key, time_ns=moment, detail="the row comes more than once")
        for moment in sorted(_times(twice).tolist())
    ]
    return _capped(faults)


def _values(store: Store, key: SeriesKey, frame: pl.DataFrame) -> list[Fault]:
    faults: list[Fault] = []
    for rule in broken(frame, number_rules(key, frame.columns)):
        for row in rows_of(frame, rule):
            moment = int(frame["time"].dt.epoch("ns")[row])
            detail = f"{rule[0]}: {rule[2](frame, row)}"
            faults.append(Fault(code="bad-value", key=key, time_ns=moment, detail=detail))
    if key.kind in CANDLES:
        quirks = store.quirks(key)
        seen: set[int] = set()
        for rule in broken(frame, candle_rules(quirks)):
            for row in rows_of(frame, rule):
                if row not in seen:  # one bar, one fault, however many rules it breaks
                    seen.add(row)
                    moment = int(frame["time"].dt.epoch("ns")[row])
                    faults.append(Fault(code="bad-ohlc", key=key, time_ns=moment, detail=rule[2](frame, row)))
        if OPEN_IS_PREVIOUS_CLOSE in quirks:
            outside = len(frame.filter(~pl.col("open").is_between(pl.col("low"), pl.col("high"))))
            detail = f"opens are previous closes; {outside} of {len(frame)} lie outside high and low"
            faults.append(Fault(code="quirk", key=key, time_ns=None, detail=detail))
    return _capped(faults)


def _gaps(store: Store, key: SeriesKey, frame: pl.DataFrame, step_ns: int) -> list[Fault]:
    """Distances beyond the interval; series sampled off the clock's grid are allowed half an interval of drift."""
    time = np.unique(_times(frame))
    steps = np.diff(time)
    on_grid = np.mean(time % step_ns == 0) > 0.9
    wide = np.flatnonzero(steps > (step_ns if on_grid else 3 * step_ns // 2))
    faults = []
    for at in wide[: _LISTED + 1]:
        length, before, after = int(steps[at]), int(time[at]), int(time[at + 1])
        missing = round(length / step_ns) - 1
        if missing:
            detail = f"{missing} of {key.interval} missing until {iso(after)}"
            detail += _between(store, key, before, after)
        else:
            late = (length - step_ns) / 1e9
            seconds = f"{length / 1e9:g} s instead of {step_ns / 1e9:g} s"
            detail = f"{seconds} until {iso(after)}: stamped {late:g} s late, none missing"
        faults.append(Fault(code="gap", key=key, time_ns=before, detail=detail))
    if len(wide) > _LISTED:
        faults[_LISTED - 1] = Fault(
            code="gap",
            key=key,
            time_ns=faults[_LISTED - 1].time_ns,
            detail=f"{faults[_LISTED - 1].detail}; and {len(wide) - _LISTED} more",
        )
    return faults[:_LISTED]


def _between(store: Store, key: SeriesKey, before_ns: int, after_ns: int) -> str:
    """Names the two sources when a hole lies between them: then it is nobody's fault but the store's own."""
    ends = store.scan(key).filter(pl.col("time").dt.epoch("ns").is_in([before_ns, after_ns])).select("source").collect()
    names = ends["source"].to_list()
    return f", between {names[0]} and {names[-1]}" if len(set(names)) > 1 else ""


def _flat(key: SeriesKey, frame: pl.DataFrame) -> list[Fault]:
    """Runs of bars in which nothing traded and nothing moved."""
    still = (frame["volume"] == 0) & (frame["high"] == frame["low"])
    if still.sum() < _FLAT_BARS:
        return []
    runs = frame.select("time", still.alias("still"), still.rle_id().alias("run")).filter("still")
    long = (
        runs.group_by("run", maintain_order=True)
        .agg(pl.col("time").first(), pl.len())
        .filter(pl.col("len") >= _FLAT_BARS)
    )
    return _capped(
        [
            Fault(code="flat", key=key, time_ns=moment, detail=f"{bars} bars without trade or movement")
            for moment, bars in zip(_times(long).tolist(), long["len"].to_list(), strict=True)
        ]
    )


def _settlements(store: Store, key: SeriesKey, frame: pl.DataFrame) -> list[Fault]:
    """Changes of the funding interval, and settlements that are not there.

    A single longer step is a hole, unless the interval grows with it and the step ends on the new interval's grid:
    venues switch so (1h, 1h, 3h, 4h, 4h with the 3h ending at 08:00). Any other step of a new length is a new interval.
    """
    time = np.unique(_times(frame) // MINUTE_NS * MINUTE_NS)
    steps = np.diff(time)
    if len(steps) < 2:
        return []
    faults: list[Fault] = []
    current = int(steps[0]) if steps[0] <= steps[1] else int(steps[1])
    for at, length in enumerate(steps.tolist()):
        if length == current:
            continue
        following = int(steps[at + 1]) if at + 1 < len(steps) else None
        if following is not None and current < length < following and time[at + 1] % following == 0:
            detail = f"from {_word(current)} to {_word(following)}, the first after {_word(length)}"
            faults.append(Fault(code="funding-interval", key=key, time_ns=int(time[at + 1]), detail=detail))
            current = following
            continue
        if length > current and following != length:
            usual = current if following is None else min(current, following)
            missing = -(-length // usual) - 1
            until = iso(int(time[at + 1]))
            detail = f"{missing} missing until {until}, counted every {_word(usual)}"
            detail += _between(store, key, int(time[at]), int(time[at + 1])) if missing > _HOLE else ""
            faults.append(Fault(code="missing-settlement", key=key, time_ns=int(time[at]), detail=detail))
            continue
        detail = f"from {_word(current)} to {_word(length)}"
        faults.append(Fault(code="funding-interval", key=key, time_ns=int(time[at + 1]), detail=detail))
        current = length
    return _capped(faults)


def _word(length_ns: int) -> str:
    hours = length_ns / HOUR_NS
    return f"{hours:g}h" if hours < 48 else interval_word(length_ns)


# ---- series against each other


def _stale(ends: dict[SeriesKey, tuple[int, int]], now_ns: int | None) -> list[Fault]:
    peers: dict[tuple[str, ...], int] = {}
    venues: dict[tuple[str, ...], int] = {}
    for key, (end, _) in ends.items():
        for group, name in ((peers, _peer(key)), (venues, (key.venue, key.product))):
            group[name] = max(group.get(name, end), end)
    faults = []
    for key, (end, step) in ends.items():
        against, than = (peers[_peer(key)], 3 * step)
        if now_ns is not None:
            against, than = now_ns - step, 3 * step
        elif venues[key.venue, key.product] - end > max(DAY_NS, 3 * step):
            against, than = venues[key.venue, key.product], max(DAY_NS, 3 * step)
        if against - end > than:
            whose = "now" if now_ns is not None else f"others of {key.venue} {key.product}"
            detail = f"ends {_apart(against - end)} before {whose} ({iso(against)})"
            faults.append(Fault(code="stale", key=key, time_ns=end, detail=detail))
    return faults


def _peer(key: SeriesKey) -> tuple[str, ...]:
    return key.venue, key.product, key.kind, key.interval


def _apart(length_ns: int) -> str:
    return f"{length_ns / DAY_NS:.1f} days" if length_ns >= 2 * DAY_NS else f"{length_ns / HOUR_NS:.1f} hours"


def _between_sources(store: Store, keys: Iterable[SeriesKey]) -> list[Fault]:
    """One fault for each pair of sources that disagree about a series, with the first place."""
    rows = store.disagreements(keys)
    parts = ["venue", "product", "symbol", "kind", "interval"]
    groups = rows.group_by([*parts, "kept_source", "offered_source"], maintain_order=True).agg(
        pl.col("time").first(), pl.col("time").n_unique().alias("times"), pl.col("column", "kept", "offered").first()
    )
    return [
        Fault(
            code="sources-differ",
            key=SeriesKey(*(row[part] for part in parts)),
            time_ns=moment,
            detail=f"{row['times']} rows; first {row['column']} {row['kept']:.15g} of {row['kept_source']} kept, "
            f"{row['offered']:.15g} of {row['offered_source']} offered",
        )
        for row, moment in zip(groups.iter_rows(named=True), _times(groups).tolist(), strict=True)
    ]


def _between_intervals(store: Store, keys: Iterable[SeriesKey]) -> Iterator[Fault]:
    """Coarse candles against the finer ones of the same symbol, each against the next finer that divides it."""
    families: dict[tuple[str, ...], list[SeriesKey]] = {}
    for key in keys:
        if key.kind in CANDLES:
            families.setdefault((key.venue, key.product, key.symbol, key.kind), []).append(key)
    for family in families.values():
        family.sort(key=lambda key: key.step_ns or 0)
        for fine, coarse in pairwise(family):
            if (coarse.step_ns or 0) % (fine.step_ns or 1) == 0:
                yield from _capped(_unlike(store, fine, coarse))


def _unlike(store: Store, fine: SeriesKey, coarse: SeriesKey) -> list[Fault]:
    fine_ns, coarse_ns = fine.step_ns or 0, coarse.step_ns or 0
    quirks = store.quirks(coarse) | store.quirks(fine)
    columns = ["time", *PRICES, *(["volume"] if coarse.kind == "trade" else [])]
    bars = _sound(store.scan(coarse).select(columns).collect(), quirks)
    parts = store.scan(fine).select(columns).collect().unique("time").sort("time")
    bar = (pl.col("time").dt.epoch("ns") // coarse_ns * coarse_ns).cast(pl.Datetime("ns", "UTC"))
    sums = [pl.col("volume").sum()] if "volume" in columns else []
    whole = (
        parts.group_by(bar.alias("bar"), maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            *sums,
            pl.len().alias("n"),
        )
        .filter(pl.col("n") == coarse_ns // fine_ns)
        .rename({"bar": "time"})
    )
    both = bars.join(whole, on="time", suffix="_of")
    checked = [name for name in columns[1:] if not (name == "open" and OPEN_IS_PREVIOUS_CLOSE in quirks)]
    flags = []
    for name in checked:
        mine, theirs = pl.col(name), pl.col(f"{name}_of")
        within = _VOLUME_WITHIN if name == "volume" else _PRICE_WITHIN
        flags.append(((mine - theirs).abs() > within * pl.max_horizontal(mine.abs(), theirs.abs())).alias(f"{name}_is"))
    bad = both.with_columns(flags).filter(pl.any_horizontal(f"{name}_is" for name in checked)).sort("time")
    faults = []
    for row, moment in zip(bad.iter_rows(named=True), _times(bad).tolist(), strict=True):
        odd = [name for name in checked if row[f"{name}_is"]]
        said = ", ".join(f"{name} {row[name]:.10g} against {row[f'{name}_of']:.10g}" for name in odd)
        detail = f"{said} from {fine.interval} bars"
        faults.append(Fault(code="intervals-differ", key=coarse, time_ns=moment, detail=detail))
    return faults


def _sound(bars: pl.DataFrame, quirks: frozenset[str]) -> pl.DataFrame:
    """Bars that can be compared: each time once, and not already found impossible."""
    broken = pl.any_horizontal(bad for _, bad, _ in candle_rules(quirks))
    return bars.unique("time", keep="first").filter(~broken)
