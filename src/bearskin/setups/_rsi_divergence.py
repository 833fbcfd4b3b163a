"""BEAR_RSI_DIVERGENCE: a higher pivot high on a lower RSI, traded when the low between the two highs gives way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from bearskin.setups._events import Draft
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
    structures = _structures(view, rules)
    if rules.variant == "aggressive":
        for found in structures:
            yield _draft(view, rules, found.known, found)
        return
    breaks = {bar: found for found in structures if (bar := _break(view, rules, found)) is not None}
    for bar in sorted(breaks):
        yield _draft(view, rules, bar, breaks[bar])


def _structures(view: View, rules: RsiDivergence) -> list[Structure]:
    """Diverging pairs by rising second pivot; each is paired with the latest first pivot that qualifies.

    No high between the two is above the second: otherwise the second is not a higher high.
    """
    pivots, high = view.pivots(rules.pivot_bars), view.high
    # what was confirmed too long ago cannot break any more; its first pivot may be a span before
    oldest = view.first - rules.valid_bars - rules.pivot_bars - rules.span_max_bars
    pivots = pivots[np.searchsorted(pivots, oldest) :]
    if len(pivots) < 2:
        return []
    rsi = view.rsi(rules.rsi_bars)
    known = pivots + rules.pivot_bars
    atr = view.atr()[known]
    partner = np.full(len(pivots), -1)
    for lag in range(1, len(pivots)):
        now, then = pivots[lag:], pivots[:-lag]
        span = now - then
        if span.min() > rules.span_max_bars:
            break
        with np.errstate(invalid="ignore"):
            good = (span >= rules.span_min_bars) & (span <= rules.span_max_bars)
            good &= high[now] >= high[then] + rules.higher_atr * atr[lag:]
            good &= (rsi[now] <= rsi[then] - rules.rsi_drop) & (rsi[then] >= rules.rsi_first_min)
        for row in np.flatnonzero(good & (partner[lag:] < 0)):
            if high[then[row] : now[row]].max() <= high[now[row]]:
                partner[row + lag] = then[row]
    return [
        Structure(first, second, end, first + int(view.low[first : end + 1].argmin()))
        for first, second, end in zip(partner.tolist(), pivots.tolist(), known.tolist(), strict=True)
        if first >= 0
    ]


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
