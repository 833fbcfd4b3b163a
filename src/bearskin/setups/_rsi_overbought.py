"""RSI_OVERBOUGHT: RSI falls back below 70 and the price makes a lower high, both of them known.

RSI above 70 alone is no reason to sell: doing so did worst of all that was tested.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bearskin.setups._events import Draft
from bearskin.setups._view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class RsiOverbought:
    """Parameters of the event."""

    rsi_bars: int = 14
    overbought: float = 70.0
    pivot_bars: int = 2  # a lower high is a high above so many bars either side, below the peak
    valid_bars: int = 24  # from the cross back to the confirmation
    run_max_bars: int = 100  # a peak is not looked for longer ago than this before the cross
    leg_bars: int = 48  # before the peak, in which the rise began
    retrace: float = 0.5  # of the leg, the farther target
    horizon_bars: int = 24


class Turn(NamedTuple):
    """RSI above the mark from `first` to the bar before `cross`; the highest high since, and the lower one after it."""

    first: int
    cross: int
    peak: int
    lower: int


def rsi_overboughts(view: View, rules: RsiOverbought) -> Iterator[Draft]:
    """Drafts by rising bar, one for each time that RSI was above the mark."""
    rsi = view.rsi(rules.rsi_bars)
    since = max(1, view.first - rules.valid_bars)
    with np.errstate(invalid="ignore"):
        over = rsi[since - 1 :] >= rules.overbought
        crosses = np.flatnonzero(over[:-1] & (rsi[since:] < rules.overbought)) + since
    for cross in crosses.tolist():
        found = _turn(view, rules, cross) if cross >= view.first or _may_confirm(view, rules) else None
        if found is not None and (bar := max(cross, found.lower + rules.pivot_bars)) >= view.first:
            yield _draft(view, rules, bar, found)


def _may_confirm(view: View, rules: RsiOverbought) -> bool:
    """Whether a bar that is asked for confirms a high: looked at when it is only one, as it is cheap then."""
    k, j = rules.pivot_bars, view.first - rules.pivot_bars
    if view.first != len(view) - 1 or j < k:
        return True
    high = view.high
    return bool(high[j] > high[j - k : j].max() and high[j] >= high[j + 1 :].max())


def _turn(view: View, rules: RsiOverbought, cross: int) -> Turn | None:
    """The last lower high there is when RSI crosses back, else the first to be confirmed before RSI is up again."""
    rsi, k = view.rsi(rules.rsi_bars), rules.pivot_bars
    oldest = max(0, cross - rules.run_max_bars)
    under = np.flatnonzero(~(rsi[oldest:cross] >= rules.overbought))
    first = oldest + (int(under[-1]) + 1 if len(under) else 0)
    end = min(len(view), cross + rules.valid_bars + 1)
    again = np.flatnonzero(rsi[cross:end] >= rules.overbought)
    end = cross + int(again[0]) if len(again) else end
    since = max(0, view.first - rules.valid_bars - rules.run_max_bars)
    pivots = view.pivots(k, since)
    pivots = pivots[np.searchsorted(pivots, first + 1) : np.searchsorted(pivots, end - k)]
    if not len(pivots):
        return None
    tops = np.maximum.accumulate(view.high[first:end])
    lower = view.high[pivots] < tops[pivots - first - 1]
    early = pivots + k <= cross
    lower &= ~early | (tops[pivots - first] == tops[cross - first])  # a higher high since makes it no lower high
    if not lower.any():
        return None
    early &= lower
    place = np.flatnonzero(early)[-1] if early.any() else np.flatnonzero(lower)[0]
    chosen = int(pivots[place])
    return Turn(first, cross, first + int(view.high[first:chosen].argmax()), chosen)


def _reach(view: View, found: Turn) -> tuple[float, float]:
    """Lowest and highest while RSI was above the mark."""
    run = slice(found.first, found.cross)
    return float(view.low[run].min()), float(view.high[run].max())


def _draft(view: View, rules: RsiOverbought, bar: int, found: Turn) -> Draft:
    rsi, high = view.rsi(rules.rsi_bars), view.high
    top, lower = float(high[found.peak]), float(high[found.lower])
    start = max(0, found.peak - rules.leg_bars)
    foot = start + int(view.low[start : found.peak + 1].argmin())
    low = float(view.low[foot])
    most = float(rsi[found.first : found.cross].max())
    shown = [most if view.sign > 0 else 100 - most, rules.overbought if view.sign > 0 else 100 - rules.overbought]
    return Draft(
        bar=bar,
        level=lower,
        anchor_bar=found.peak,
        extreme=float(high[found.lower : bar + 1].max()),
        targets=(top - rules.retrace * (top - low),),
        one_risk=True,
        invalidation=lower,
        horizon_bars=rules.horizon_bars,
        prices={"peak": top, "lower_high": lower, "leg_low": low},
        bars={"peak": found.peak, "lower_high": found.lower, "leg_low": foot, "cross": found.cross},
        lines=(("highs", found.peak, top, found.lower, lower), ("level", found.lower, lower, bar, lower)),
        zones=(("overbought", found.first, found.cross - 1, *_reach(view, found)),),
        figures={
            "rsi_most": most,
            "rsi": float(rsi[bar]),
            "overbought_bars": found.cross - found.first,
            "bars_since_cross": bar - found.cross,
        },
        why=(
            f"came back {{below}} RSI {shown[1]:g} after {shown[0]:.1f} and has made a {{lower}} {{high}} of {{level}},"
            f" confirmed at {{close}}, after {{peak}}; the stop stands at {{stop}}."
        ),
    )
