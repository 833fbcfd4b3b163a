"""From a panel to what the kernel walks on: whole ticks, both sides, settlements with their bars and marks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bearskin.market import Panel
from bearskin.paths._kernel import Grid, Lane
from bearskin.terms import HOUR_NS, Side

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
B1 = NDArray[np.bool_]

OFF_GRID_TICKS = 1e-4  # a price nearer than this to a whole tick is on it
MARK_TICKS = 1e-6  # a mark this little short of a tick has reached it (binary fractions)
REFINEMENTS = 4  # at most this many more decimals than the instrument's tick
TICKS_MAX = 2**52
LONGEST_INTERVAL_NS = 8 * HOUR_NS  # no venue in the store settles more seldom


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One panel laid out for both sides.

    `through` is the instrument's tick in ticks of the lanes (1 unless prices are finer than the tick). Settlement k
    happened at `settle_ns[k]` at the mark `settle_mark[k]`; where `settle_estimated[k]` no mark bar started then and
    another price stood in. `missing_rate_ns` are moments at which a settlement should have been and is not in the data.
    """

    panel: Panel
    through: int
    lanes: dict[Side, Lane[float]]
    settle_ns: I8
    settle_mark: F8
    settle_estimated: B1
    missing_rate_ns: I8
    notes: tuple[str, ...] = field(default=())

    def ticks(self, side: Side, price: float, *, up: bool) -> int:
        """`price` as mirrored ticks; between two ticks the one against us (`up`) or the kind one."""
        grid = self.lanes[side].grid
        exact = price * grid.mirror * grid.tick_den / grid.tick_num
        near = round(exact)
        if abs(exact - near) < OFF_GRID_TICKS:
            return near
        return int(np.ceil(exact)) if up else int(np.floor(exact))

    def exact_steps(self, qty: float) -> float:
        """Steps in `qty` coins, sign dropped, a hair above a whole count taken as whole."""
        grid = self.lanes[Side.SHORT].grid
        steps = abs(qty) * grid.unit_den / grid.unit_num
        return float(round(steps)) if abs(steps - round(steps)) < MARK_TICKS else steps

    def steps(self, qty: float) -> int:
        """Whole steps in `qty` coins, sign dropped; what is not whole is dropped too."""
        return math.floor(self.exact_steps(qty))

    def coins(self, steps: int) -> float:
        """The coins of a count of steps."""
        grid = self.lanes[Side.SHORT].grid
        return steps * grid.unit_num / grid.unit_den


def lay(panel: Panel) -> Course:
    """Lay `panel` out: prices in whole ticks (finer than the instrument's where they lie between), seen by both sides.

    Bars without a mark borrow the trade bar; settlements whose moment opens no mark bar borrow a price and are marked
    as estimated.
    """
    tick_num, tick_den, through = _grid(panel)
    notes = () if through == 1 else (f"prices of {panel.instrument.symbol} are finer than its tick today: 1/{through}",)
    times, rates, bars, codes = _settlements(panel)
    marks, estimated = _settlement_marks(panel, times, bars, codes)
    starts = np.searchsorted(bars, np.arange(len(panel) + 1)).astype(np.int64)
    unit = (panel.instrument.step * panel.instrument.contract_size).as_integer_ratio()
    mark_open, mark_high, mark_low = marks_of(panel)
    lanes = {}
    for side in (Side.SHORT, Side.LONG):
        mirror = -int(side)
        grid = Grid(mirror, float(tick_num), float(tick_den), float(unit[0]), float(unit[1]))
        high, low = (panel.high, panel.low) if side is Side.SHORT else (panel.low, panel.high)
        worst = mirror * (mark_high if side is Side.SHORT else mark_low)
        ticks = [
            np.rint(mirror * prices * grid.tick_den / grid.tick_num).astype(np.int64)
            for prices in (panel.open, high, low, panel.close)
        ]
        # the kind extreme fills targets, which stand on the venue's ticks, and leads a trailing stop, which does too
        ticks[2] = -(-ticks[2] // through) * through
        mark = np.floor(worst * grid.tick_den / grid.tick_num + MARK_TICKS).astype(np.int64)
        columns = [*ticks, mark, mirror * mark_open, worst, starts, bars, codes, rates, marks]
        lanes[side] = Lane(grid, *cast("list[Sequence[int]]", columns))
    return Course(
        panel=panel,
        through=through,
        lanes=lanes,
        settle_ns=times,
        settle_mark=marks,
        settle_estimated=estimated,
        missing_rate_ns=_missing_rates(panel, times),
        notes=notes,
    )


def marks_of(panel: Panel) -> tuple[F8, F8, F8]:
    """Open, high and low of the mark; the trade bar where a bar has no mark, or where there is no mark at all."""
    columns = (panel.mark_open, panel.mark_high, panel.mark_low)
    trades = (panel.open, panel.high, panel.low)
    found = [_or_trade(panel, column, trade) for column, trade in zip(columns, trades, strict=True)]
    return found[0], found[1], found[2]


def _or_trade(panel: Panel, column: F8 | None, trade: F8) -> F8:
    if column is None:
        return trade * 1.0
    absent = np.isnan(column) if panel.mark_missing is None else panel.mark_missing | np.isnan(column)
    return np.where(absent, trade, column)


def _grid(panel: Panel) -> tuple[int, int, int]:
    """The tick as a fraction and how many of them make one tick of the instrument."""
    num, den = panel.instrument.tick.as_integer_ratio()
    prices = np.concatenate([panel.open, panel.high, panel.low, panel.close])
    finer = 1
    for _ in range(REFINEMENTS):
        ticks = prices * (den * finer) / num
        if len(prices) == 0 or np.abs(ticks - np.rint(ticks)).max() < OFF_GRID_TICKS:
            break
        if ticks.max() * 10 * num > TICKS_MAX:
            break
        finer *= 10
    return num, den * finer, finer


def _settlements(panel: Panel) -> tuple[I8, F8, I8, I8]:
    """Times, rates, bars and codes of the settlements inside the panel (codes as in Lane)."""
    funding = panel.funding
    if funding is None or len(panel) == 0:
        none = np.zeros(0, dtype=np.int64)
        return none, np.zeros(0), none, none
    ends = panel.known_ns(len(panel) - 1)
    inside = (funding.time_ns >= panel.time_ns[0]) & (funding.time_ns <= ends) & ~np.isnan(funding.rate)
    times, rates = funding.time_ns[inside].astype(np.int64), funding.rate[inside].astype(np.float64)
    bars = (np.searchsorted(panel.time_ns, times, side="right") - 1).astype(np.int64)
    opens = panel.time_ns[bars]
    codes = np.where(times == opens, 0, np.where(times <= opens + panel.interval_ns, 1, 2)).astype(np.int64)
    return times, rates, bars, codes


def _settlement_marks(panel: Panel, times: I8, bars: I8, codes: I8) -> tuple[F8, B1]:
    """The mark of each settlement, the open of the mark bar that starts then, and whether another price stood in.

    A settlement inside a bar takes that bar's open, one at or after its end the close.
    """
    mark_open, _, _ = marks_of(panel)
    close = _or_trade(panel, panel.mark_close, panel.close)
    at_end = times >= panel.time_ns[bars] + panel.interval_ns if len(times) else np.zeros(0, dtype=np.bool_)
    marks = np.where(at_end, close[bars], mark_open[bars]) if len(times) else np.zeros(0)
    missing = panel.mark_missing if panel.mark_missing is not None else np.zeros(len(panel), dtype=np.bool_)
    return marks.astype(np.float64), (codes != 0) | missing[bars]


def _missing_rates(panel: Panel, times: I8) -> I8:
    """When settlements should have been: gaps longer than the interval in force, the ends of the series included.

    A longer gap is a switch of the interval, not a hole, when the next gap is at least as long and none is beyond 8 h.
    """
    if len(times) < 3:
        return np.zeros(0, dtype=np.int64)
    gaps = np.diff(times)
    step = int(min(gaps[0], gaps[1]))
    found = list(range(int(times[0]) - step, int(panel.time_ns[0]) - 1, -step))[::-1]
    for k, gap in enumerate(gaps.tolist()):
        switched = k + 1 < len(gaps) and gaps[k + 1] >= gap and gap <= LONGEST_INTERVAL_NS
        if gap <= step or switched:
            step = gap
            continue
        found += range(int(times[k]) + step, int(times[k + 1]), step)
    found += range(int(times[-1]) + step, panel.known_ns(len(panel) - 1), step)
    return np.array(found, dtype=np.int64)
