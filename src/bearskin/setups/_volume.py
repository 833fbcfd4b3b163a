"""Volume confirmation: whether turnover, takers and open interest go along with a fall."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bearskin.setups._context import interest_change
from bearskin.setups._features import median
from bearskin.setups._view import View
from bearskin.terms import BadInput

Quadrant = Literal["new shorts", "longs closing", "new longs", "short covering", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeRules:
    """When a bar that falls is believed."""

    bars: int = 96  # the turnover before, of which the median is the measure
    confirmed: float = 1.5  # times that median
    weak: float = 0.8
    sell_share: float = 0.55  # of the bar's volume
    quadrant_bars: int = 6  # price and open interest are compared over so many bars
    interest_move: float = 0.005  # in logs: less is no move of open interest


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeConfirmation:
    """What the turnover says of one bar in a view, in which a long's market is mirrored.

    `ratio` is turnover over the median of the bars before, `sell_share` the takers' selling (buying for longs) in the
    bar's volume; None without the series. `confirmed`: the bar falls on 1.5 times the usual turnover with takers
    selling, where they are known. `weak`: it falls on little. `quadrant` names who moves by price and open interest:
    `new shorts`, `longs closing`, `new longs`, `short covering` (of the mirrored market for longs), empty where open
    interest is unknown or hardly moves.
    """

    ratio: float | None
    sell_share: float | None
    falls: bool
    confirmed: bool
    weak: bool
    quadrant: Quadrant
    interest_change: float | None


def volume_confirmation(view: View, bar: int, rules: VolumeRules | None = None) -> VolumeConfirmation:
    """The turnover of `bar` against the bars before it, as known at its close. Raises BadInput for no such bar."""
    if not 0 <= bar < len(view):
        raise BadInput(f"bar must be from 0 to {len(view) - 1}, was {bar}")
    rules = rules or VolumeRules()
    return view.keep(("volume confirmation", view.panel.known_ns(bar), rules), lambda: _confirmation(view, bar, rules))


def _confirmation(view: View, bar: int, rules: VolumeRules) -> VolumeConfirmation:
    ratio = _ratio(view, bar, rules.bars)
    bought = view.buy_share(bar, bar)
    sold = None if bought is None else 1 - bought
    falls = bool(view.close[bar] < view.open[bar])
    first = max(0, bar - rules.quadrant_bars)
    change = interest_change(view, first, bar) if bar > first else None
    return VolumeConfirmation(
        ratio=ratio,
        sell_share=sold,
        falls=falls,
        confirmed=(
            falls and ratio is not None and ratio >= rules.confirmed and (sold is None or sold >= rules.sell_share)
        ),
        weak=falls and ratio is not None and ratio < rules.weak,
        quadrant=_quadrant(float(view.close[bar] - view.close[first]), change, rules.interest_move),
        interest_change=change,
    )


def _ratio(view: View, bar: int, bars: int) -> float | None:
    before = view.quote_volume()[max(0, bar - bars) : bar]
    before = before[np.isfinite(before)]
    now = float(view.quote_volume()[bar])
    if len(before) < bars // 2 or not math.isfinite(now):
        return None
    usual = median(before)
    return now / usual if usual > 0 else None


def _quadrant(move: float, change: float | None, least: float) -> Quadrant:
    if change is None or abs(change) < least or move == 0:
        return ""
    if move < 0:
        return "new shorts" if change > 0 else "longs closing"
    return "new longs" if change > 0 else "short covering"
