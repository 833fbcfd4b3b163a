"""One symbol of an event study: every case of every set-up, with what a random entry close in time would have made."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bearskin.backtest._entries import ticket_of
from bearskin.backtest._request import BacktestRequest
from bearskin.backtest._study_request import StudyRequest
from bearskin.backtest._symbols import Symbol
from bearskin.margin import Tiers
from bearskin.market import Panel
from bearskin.paths import AT_OPEN, END, UNFILLED, Course, lay, walk
from bearskin.setups import SetupEvent, abstentions, detect, entry_ok
from bearskin.terms import DAY_NS, Brackets, MarginMode, Side

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
B1 = NDArray[np.bool_]

ASKED = 0  # stands where a horizon would: the trade as the set-up asks for it
STEPS = 1_000_000  # of the traded quantity; R does not depend on it, and it splits finely enough
BP = 1e4
SCHEMA = {
    "setup": pl.String,
    "side": pl.Int8,
    "horizon_ns": pl.Int64,
    "entry_ns": pl.Int64,
    "trade_bp": pl.Float64,
    "base_bp": pl.Float64,
    "later_bp": pl.Float64,
    "cost_bp": pl.Float64,
    "funding_bp": pl.Float64,
    "r": pl.Float64,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolCases:
    """What one symbol gave: `cases` (SCHEMA), why others fell away (counts), which set-ups were not looked for."""

    cases: pl.DataFrame
    lost: dict[str, int]
    abstained: dict[str, str]
    bars: int
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """For every bar as an entry at its open: the bar at whose close the horizon ends, the long's return, the baseline.

    `last` is -1 and `long` NaN where that bar is not there.
    """

    last: I8
    long: F8
    sums: F8
    counts: I8
    fresh_days: I8


def pieces(panel: Panel, widest_ns: int = DAY_NS) -> Iterator[Panel]:
    """The panel cut wherever more than `widest_ns` is missing: indicators do not know that time has passed."""
    holes = np.flatnonzero(np.diff(panel.time_ns) > widest_ns + panel.interval_ns) + 1
    edges = [0, *holes.tolist(), len(panel)]
    for first, end in itertools.pairwise(edges):
        if end - first > 1:
            yield panel if end - first == len(panel) else stretch(panel, first, end)


def stretch(panel: Panel, first: int, end: int) -> Panel:
    """Bars [first, end) of the panel; its other series stay whole, they carry their own times."""
    names = [field.name for field in dataclasses.fields(panel) if isinstance(getattr(panel, field.name), np.ndarray)]
    return dataclasses.replace(panel, **{name: getattr(panel, name)[first:end] for name in names})


def coarser(panel: Panel, interval_ns: int) -> Panel | None:
    """The panel on bars of `interval_ns` put together from its own, whole ones only; None where there are none.

    The mark is left out (last stands in): what the finer bars have of it is an estimate.
    """
    per = interval_ns // panel.interval_ns
    key = panel.time_ns // interval_ns
    starts = np.concatenate([[0], np.flatnonzero(np.diff(key)) + 1])
    counts = np.diff(np.append(starts, len(key)))
    ends = starts + counts - 1
    whole = counts == per
    if not whole.any():
        return None

    def total(values: F8 | None) -> F8 | None:
        return None if values is None else np.add.reduceat(values, starts)[whole]

    return dataclasses.replace(
        panel,
        interval_ns=interval_ns,
        time_ns=(key[starts] * interval_ns)[whole],
        open=panel.open[starts][whole],
        high=np.maximum.reduceat(panel.high, starts)[whole],
        low=np.minimum.reduceat(panel.low, starts)[whole],
        close=panel.close[ends][whole],
        volume=cast("F8", total(panel.volume)),
        quote_volume=total(panel.quote_volume),
        taker_buy_volume=total(panel.taker_buy_volume),
        mark_open=None,
        mark_high=None,
        mark_low=None,
        mark_close=None,
        mark_missing=None,
        mark_estimated=False,
    )


def cases_of(request: StudyRequest, panel: Panel, counted: Iterable[tuple[int, int]] = ()) -> SymbolCases:
    """Every case in `panel`; entries in the spans [start, end) of `counted` are another set's and left out."""
    found: list[pl.DataFrame] = []
    lost: dict[str, int] = {}
    abstained: dict[str, str] = {}
    spans = list(counted)
    for piece in pieces(panel):
        free = _free(piece.time_ns, spans)
        if not free.any():
            continue
        for said in abstentions(piece, request.setups, request.params):
            abstained[said.setup] = said.refused.detail
        events = detect(piece, request.setups, request.sides, request.params)
        study = _Piece(request, piece, free, lost)
        found += study.held(events)
        found += study.asked(events) if not piece.instrument.inverse else []
    return SymbolCases(
        cases=pl.concat(found) if found else pl.DataFrame(schema=SCHEMA),
        lost=lost,
        abstained=abstained,
        bars=int(_free(panel.time_ns, spans).sum()),
        start_ns=int(panel.time_ns[0]),
        end_ns=panel.known_ns(len(panel) - 1),
    )


def _free(time_ns: I8, counted: Iterable[tuple[int, int]]) -> B1:
    free = np.ones(len(time_ns), dtype=np.bool_)
    for start, end in counted:
        free &= (time_ns < start) | (time_ns >= end)
    return free


def horizon_of(panel: Panel, horizon_ns: int) -> Horizon:
    """What holding for `horizon_ns` from each bar's open made, with running sums for baselines."""
    times = panel.time_ns
    closes = times + panel.interval_ns
    last = np.searchsorted(closes, times + horizon_ns)
    there = (last < len(closes)) & (closes[np.minimum(last, len(closes) - 1)] == times + horizon_ns)
    last = np.where(there, last, -1)
    long = np.where(there, panel.close[last] / panel.open - 1, np.nan)
    day = times // DAY_NS
    counts = np.concatenate([[0], np.cumsum(there)])
    first_of_day = np.searchsorted(day, day)
    fresh = there & (counts[:-1] == counts[first_of_day])  # the first bar of its day that can be held
    return Horizon(
        last=last.astype(np.int64),
        long=long,
        sums=np.concatenate([[0.0], np.cumsum(np.nan_to_num(long))]),
        counts=counts.astype(np.int64),
        fresh_days=np.concatenate([[0], np.cumsum(fresh)]).astype(np.int64),
    )


def baseline_of(times: I8, held: Horizon, entry_ns: I8, before_ns: int, after_ns: int, days_min: int) -> F8:
    """Mean return of a long entered at a random bar from `before_ns` before to `after_ns` after each entry.

    Never on the entry's own UTC day. It is the mean over all such bars, so there are no dice. NaN where fewer than
    `days_min` days have any.
    """
    day = entry_ns // DAY_NS * DAY_NS
    low, high = np.searchsorted(times, entry_ns - before_ns), np.searchsorted(times, entry_ns + after_ns, side="right")
    from_, to = np.searchsorted(times, day), np.searchsorted(times, day + DAY_NS)
    from_, to = np.maximum(from_, low), np.minimum(to, high)

    def outside(running: NDArray[np.generic]) -> F8:
        return (running[high] - running[low] - (running[to] - running[from_])).astype(np.float64)  # type: ignore[operator]

    count, days = outside(held.counts), outside(held.fresh_days)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(days >= days_min, outside(held.sums) / count, np.nan)


class _Piece:
    """An unbroken stretch of one symbol."""

    def __init__(self, request: StudyRequest, panel: Panel, free: B1, lost: dict[str, int]) -> None:
        self.request, self.panel, self.free, self.lost = request, panel, free, lost
        self.course = lay(panel)
        instrument = panel.instrument
        self.taker = float(instrument.taker_fee_rate if request.taker_fee_rate is None else request.taker_fee_rate)
        self.slip = float(request.slippage_frac)
        self.flows = np.concatenate([[0.0], np.cumsum(self._rates() * self.course.settle_mark)])

    def _rates(self) -> F8:
        return np.asarray(self.course.lanes[Side.SHORT].fund_rate, dtype=np.float64)

    def held(self, events: list[SetupEvent]) -> list[pl.DataFrame]:
        """Held for each horizon from the next open, whatever the set-up asks."""
        frames = []
        for name, side, bars in self._entries(events):
            for horizon_ns in self.request.horizons_ns:
                frame = self._one_horizon(name, side, bars, horizon_ns)
                frames += [frame] if frame.height else []
        return frames

    def _entries(self, events: list[SetupEvent]) -> Iterator[tuple[str, Side, I8]]:
        """Per set-up and side the bars of entry, rising; signals whose next bar is missing are counted as lost."""
        groups: dict[tuple[str, Side], list[int]] = {}
        for event in events:
            groups.setdefault((event.setup, event.side), []).append(event.bar)
        for (name, side), at in groups.items():
            bars = np.unique(np.array(at, dtype=np.int64)) + 1
            there = bars < len(self.panel)
            there[there] = (
                self.panel.time_ns[bars[there]] == self.panel.time_ns[bars[there] - 1] + self.panel.interval_ns
            )
            self._lose("the next bar is missing", int((~there).sum()))
            bars = bars[there]
            yield name, side, bars[self.free[bars]]

    def _lose(self, why: str, count: int) -> None:
        if count:
            self.lost[why] = self.lost.get(why, 0) + count

    def _one_horizon(self, name: str, side: Side, bars: I8, horizon_ns: int) -> pl.DataFrame:
        panel, held = self.panel, self._horizon(horizon_ns)
        bars = bars[held.last[bars] >= 0]
        entry_ns = panel.time_ns[bars]
        reach_ns, least = self.request.reach_ns, self.request.baseline_days_min
        base = baseline_of(panel.time_ns, held, entry_ns, reach_ns, reach_ns, least)
        self._lose("no random entries close in time", int(np.isnan(base).sum()))
        sound = ~np.isnan(base)
        bars, entry_ns, base = bars[sound], entry_ns[sound], base[sound]
        kept = refractory(entry_ns, horizon_ns)
        bars, entry_ns, base = bars[kept], entry_ns[kept], base[kept]
        later = baseline_of(panel.time_ns, held, entry_ns, 0, reach_ns, least)
        long, entry = held.long[bars], panel.open[bars]
        funding = -int(side) * self._funding(entry_ns, entry_ns + horizon_ns) / entry
        count = len(bars)
        return pl.DataFrame(
            {
                "setup": [name] * count,
                "side": np.full(count, int(side)),
                "horizon_ns": np.full(count, horizon_ns),
                "entry_ns": entry_ns,
                "trade_bp": BP * int(side) * long,
                "base_bp": BP * int(side) * base,
                "later_bp": pl.Series(BP * int(side) * later).fill_nan(None),
                "cost_bp": BP * (self.taker + self.slip) * (2 + long),
                "funding_bp": pl.Series(BP * funding).fill_nan(None),
                "r": pl.Series([None] * count, dtype=pl.Float64),
            },
            schema=SCHEMA,
        )

    def _horizon(self, horizon_ns: int) -> Horizon:
        kept: dict[int, Horizon] = self.__dict__.setdefault("_horizons", {})
        if horizon_ns not in kept:
            kept[horizon_ns] = horizon_of(self.panel, horizon_ns)
        return kept[horizon_ns]

    def _funding(self, start_ns: I8, end_ns: I8) -> F8:
        """What a long of one coin pays over [start, end), NaN where a settlement may be missing."""
        times = self.course.settle_ns
        if len(times) < 3:
            return np.full(len(start_ns), np.nan)
        paid = self.flows[np.searchsorted(times, end_ns)] - self.flows[np.searchsorted(times, start_ns)]
        gone = self.course.missing_rate_ns
        complete = np.searchsorted(gone, end_ns) == np.searchsorted(gone, start_ns)
        return np.where(complete, paid, np.nan)

    def asked(self, events: list[SetupEvent]) -> list[pl.DataFrame]:
        """The trades the set-ups ask for, one at a time per set-up and side, through the kernel of the backtest."""
        symbol = _bare_symbol(self.panel, self.course)
        rules = BacktestRequest(
            margin_mode=MarginMode.CROSS,  # no leverage of its own: the kernel then knows no liquidation
            slippage_frac=self.request.slippage_frac,
            taker_fee_rate=self.request.taker_fee_rate,
            stop_trigger="mark",
        )
        busy: dict[tuple[str, Side], int] = {}
        rows = []
        for event in events:
            bar, key = event.bar + 1, (event.setup, event.side)
            if bar >= len(self.panel) or bar <= busy.get(key, -1) or not self.free[bar]:
                continue
            if int(self.panel.time_ns[bar]) != event.known_ns:
                continue
            if entry_ok(event, float(self.panel.open[bar])) is not None:
                self._lose("as asked: turned down at the open", 1)
                continue
            ticket = ticket_of(rules, symbol, bar, event, STEPS)
            outcome = walk(self.course.lanes[event.side], symbol.tiers, ticket)
            if outcome.reason in (UNFILLED, END):
                self._lose("as asked: not filled, or open where the data ends", 1)
                continue
            busy[key] = outcome.bar - (outcome.place == AT_OPEN)  # what left at an open is out of the way there
            coins = self.course.coins(STEPS)
            fill = event.stop * (1 - int(event.side) * self.slip)
            risk = coins * (int(event.side) * (outcome.entry - fill) + fill * self.taker) + outcome.entry_fee
            rows.append((event.setup, int(event.side), int(self.panel.time_ns[outcome.entry_bar]), outcome.net / risk))
        if not rows:
            return []
        names, sides, times, results = zip(*rows, strict=True)
        frame = pl.DataFrame({"setup": names, "side": sides, "entry_ns": times, "r": results})
        missing = {name: pl.lit(None) for name in ("trade_bp", "base_bp", "later_bp", "cost_bp", "funding_bp")}
        frame = frame.with_columns(horizon_ns=pl.lit(ASKED), **missing)
        return [frame.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())]


def refractory(entry_ns: I8, wait_ns: int) -> I8:
    """Indices of the cases that stay when each makes the next `wait_ns` deaf; `entry_ns` rising."""
    kept, deaf_until = [], -(2**62)
    for k, at in enumerate(entry_ns.tolist()):
        if at >= deaf_until:
            kept.append(k)
            deaf_until = at + wait_ns
    return np.array(kept, dtype=np.int64)


def _bare_symbol(panel: Panel, course: Course) -> Symbol:
    """A symbol for the kernel alone: without leverage it never looks at the brackets."""
    column = np.zeros(1)
    return Symbol(
        index=0,
        name=panel.instrument.symbol,
        panel=panel,
        course=course,
        brackets=cast("Brackets", None),
        tiers=cast("Tiers[float]", Tiers(column, column, column, column)),
        first_bar=0,
        funded=panel.funding is not None,
    )
