"""BEAR_RSI_DIVERGENCE: a higher pivot high on a lower RSI, traded when the low between the two highs gives way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from bearskin.setups._events import Draft
from bearskin.setups._features import I8
from bearskin.setups._view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class RsiDivergence:
    """Parameters; `..._atr` count ATR(14), of the structure at its confirmation, of the trade at the signal."""

    variant: Literal["break", "aggressive"] = "break"
    pivot_bars: int = 3
    span_min_bars: int = 5
    span_max_bars: int = 60
    higher_atr: float = 0.10
    rsi_bars: int = 14
    rsi_drop: float = 2.0
    rsi_first_min: float = 60.0
    valid_bars: int = 24  # the break of the low must come within this many bars of the confirmation
    horizon_bars: int = 48


class Structure(NamedTuple):
    """Two pivot highs that diverge, known at `known`; `low` is the lowest between the first and `known`."""

    first: int
    second: int
    known: int
    low_bar: int


def rsi_divergences(view: View, rules: RsiDivergence) -> Iterator[Draft]:
    """Drafts by rising bar, one per bar: where several structures break at once the latest is told."""
    if rules.variant == "break" and not _may_break(view):
        return
    structures = _structures(view, rules)
    if rules.variant == "aggressive":
        for found in structures:
            yield _draft(view, rules, found.known, found)
        return
    breaks = {bar: found for found in structures if (bar := _break(view, rules, found)) is not None}
    for bar in sorted(breaks):
        yield _draft(view, rules, bar, breaks[bar])


def _may_break(view: View) -> bool:
    """Whether a bar that is asked for closes below the one before, which a break always does."""
    first = max(view.first, 1)
    return bool((view.close[first:] < view.close[first - 1 : -1]).any())


def _structures(view: View, rules: RsiDivergence) -> list[Structure]:
    """Diverging pairs by rising second pivot; each is paired with the latest first pivot that qualifies.

    No high between the two is above the second: otherwise the second is not a higher high.
    """
    # what was confirmed too long ago cannot break any more; its first pivot may be a span before
    oldest = view.first - rules.valid_bars - rules.pivot_bars - rules.span_max_bars
    pivots, high = view.pivots(rules.pivot_bars, max(0, oldest)), view.high
    now, then = _pairs(pivots, _may_signal(view, rules, pivots), rules)
    if not len(now):
        return []
    with np.errstate(invalid="ignore"):
        higher = high[now] >= high[then] + rules.higher_atr * view.atr()[now + rules.pivot_bars]
        now, then = now[higher], then[higher]
        if not len(now):
            return []
        rsi = view.rsi(rules.rsi_bars)
        weaker = (rsi[now] <= rsi[then] - rules.rsi_drop) & (rsi[then] >= rules.rsi_first_min)
    found: list[Structure] = []
    for second, first in zip(now[weaker].tolist(), then[weaker].tolist(), strict=True):
        is_paired = bool(found) and found[-1].second == second
        if not is_paired and high[first:second].max() <= high[second]:
            known = second + rules.pivot_bars
            found.append(Structure(first, second, known, first + int(view.low[first : known + 1].argmin())))
    return found


def _may_signal(view: View, rules: RsiDivergence, pivots: I8) -> I8:
    """Places of the pivots of which a bar that is asked for may tell, as the second high: cheap to say, seldom so."""
    if rules.variant == "aggressive":
        return np.flatnonzero(pivots >= view.first - rules.pivot_bars)
    lows = view.low[pivots[:, None] + np.arange(rules.pivot_bars + 1)].min(axis=1)  # the low between is no higher
    return np.flatnonzero(lows > view.close[view.first :].min())


def _pairs(pivots: I8, places: I8, rules: RsiDivergence) -> tuple[I8, I8]:
    """Each pivot at `places` with every one a span before it: by rising pivot, the latest of the earlier ones first."""
    now = pivots[places]
    starts = np.searchsorted(pivots, now - rules.span_max_bars)
    ends = np.minimum(np.searchsorted(pivots, now - rules.span_min_bars, side="right"), places)
    counts = np.maximum(ends - starts, 0)
    back = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(now, counts), pivots[np.repeat(ends, counts) - 1 - back]


def _break(view: View, rules: RsiDivergence, found: Structure) -> int | None:
    """The first close below the low between, unless a close above the second high came before it."""
    after = slice(found.known + 1, found.known + 1 + rules.valid_bars)
    close = view.close[after]
    over = (close < view.low[found.low_bar]) | (close > view.high[found.second])
    if not over.any():
        return None
    place = int(over.argmax())
    return found.known + 1 + place if close[place] < view.low[found.low_bar] else None


def _draft(view: View, rules: RsiDivergence, bar: int, found: Structure) -> Draft:
    rsi = view.rsi(rules.rsi_bars)
    first, second = float(view.high[found.first]), float(view.high[found.second])
    between = float(view.low[found.low_bar])
    before = view.low[max(0, found.first - rules.span_max_bars) : found.first]
    far = (float(before.min()),) if len(before) else ()
    early = rules.variant == "aggressive"
    shown = (rsi if view.sign > 0 else 100 - rsi)[[found.first, found.second]]
    return Draft(
        bar=bar,
        level=between,
        anchor_bar=found.first,
        extreme=second,
        targets=(between, *far) if early else far,
        one_risk=not early,
        invalidation=second,
        horizon_bars=rules.horizon_bars,
        prices={"first_high": first, "second_high": second, "low_between": between},
        bars={"first_high": found.first, "second_high": found.second, "low_between": found.low_bar},
        lines=(
            ("highs", found.first, first, found.second, second),
            ("level", found.low_bar, between, bar, between),
        ),
        figures={
            "rsi_first": float(rsi[found.first]),
            "rsi_second": float(rsi[found.second]),
            "span_bars": found.second - found.first,
            "bars_since_known": bar - found.known,
        },
        why=(
            f"made a {{higher}} {{high}} of {{second_high}} after {{first_high}} while RSI went from {shown[0]:.1f} to"
            f" {shown[1]:.1f}, "
            + (
                "which the pivot has confirmed"
                if early
                else "then closed at {close}, {below} the {low} between, {level}"
            )
            + "; the stop stands at {stop}."
        ),
    )
