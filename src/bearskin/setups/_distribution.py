"""DISTRIBUTION: near its highs a market is sold heavily, and the next close confirms that the sellers won.

A bar reaches up to the highest high with unusual turnover and closes low under a long wick; the bar after it closes
below that bar's middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bearskin.setups._context import VOLUME_BARS, volume_z
from bearskin.setups._events import Draft
from bearskin.setups._features import I8, highest_before
from bearskin.setups._profile import ProfileRules, poc_of_days
from bearskin.setups._view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Parameters; `near_atr` counts ATR(14) at the signal, shares are of the rejection bar's range."""

    top_bars: int = 96  # whose highest high is the top, and whose lowest low the far target
    near_atr: float = 0.25  # the rejection comes this near the top, or beyond it
    volume_bars: int = VOLUME_BARS
    volume_z: float = 3.0  # robust, of the log of the rejection's turnover
    wick_share: float = 0.5
    close_share: float = 1 / 3  # it closes in this part of its range, from the low up
    sessions: int = 5  # complete UTC days whose price of most turnover is the near target
    horizon_bars: int = 24


def distributions(view: View, rules: Distribution) -> Iterator[Draft]:
    """Drafts by rising bar, each the bar after a rejection."""
    for bar in _confirmed(view, rules).tolist():
        z = volume_z(view, bar - 1, rules.volume_bars)
        if z is not None and z >= rules.volume_z:
            yield _draft(view, rules, bar, z)


def _confirmed(view: View, rules: Distribution) -> I8:
    """Bars asked for that close below the middle of a bar which closed low under a long upper wick near the top."""
    first = max(view.first, rules.top_bars + 1)
    before, now = slice(first - 1, -1), slice(first, None)
    high, low, close = view.high[before], view.low[before], view.close[before]
    confirmed = view.close[now] < (high + low) / 2
    if not confirmed.any():
        return np.empty(0, dtype=np.int64)
    span = high - low
    confirmed &= (close <= low + rules.close_share * span) & (span > 0)
    confirmed &= high - np.maximum(view.open[before], close) >= rules.wick_share * span
    if not confirmed.any():
        return np.empty(0, dtype=np.int64)
    top = highest_before(view.high[first - 1 - rules.top_bars :], rules.top_bars)[rules.top_bars : -2]
    with np.errstate(invalid="ignore"):
        confirmed &= high >= top - rules.near_atr * view.atr()[now]
    found: I8 = np.flatnonzero(confirmed) + first
    return found


def _draft(view: View, rules: Distribution, bar: int, z: float) -> Draft:
    rejection, first = bar - 1, bar - 1 - rules.top_bars
    top = float(view.high[first:rejection].max())
    high, low = float(view.high[rejection]), float(view.low[rejection])
    middle, span = (high + low) / 2, high - low
    floor = float(view.low[first:rejection].min())
    profile = poc_of_days(view, bar, rules.sessions, ProfileRules())
    poc, days = (None, 0) if profile is None else (view.log(profile[0]), profile[1])
    wick = high - max(float(view.open[rejection]), float(view.close[rejection]))
    peak = first + int(view.high[first:rejection].argmax())
    return Draft(
        bar=bar,
        level=top,
        anchor_bar=rejection,
        extreme=max(high, float(view.high[bar])),
        targets=(floor,) if poc is None else (poc, floor),
        pick_targets=True,
        invalidation=high,
        horizon_bars=rules.horizon_bars,
        prices={"middle": middle, "floor": floor, **({} if poc is None else {"poc": poc})},
        bars={"rejection": rejection, "top": peak},
        lines=(
            ("level", peak, top, bar, top),
            ("middle", rejection, middle, bar, middle),
            *([] if poc is None else [("poc", max(0, bar - rules.top_bars), poc, bar, poc)]),
        ),
        zones=(("rejection", rejection, rejection, low, high),),
        figures=lambda: {
            "rejection_volume_z": z,
            "wick_share": wick / span,
            "close_share": (float(view.close[rejection]) - low) / span,
            "from_top_atr": (high - top) / float(view.atr()[bar]),
            "taker_buy_share": view.buy_share(rejection, rejection),
            "shrunk": None if days == rules.sessions else f"profile {days} of {rules.sessions} days",
        },
        why=(
            f"was rejected at {{extreme}}, by the {rules.top_bars}-bar {{high}} {{level}}, on a turnover {z:.1f} robust"
            f" deviations above the median, its {{upper}} wick {100 * wick / span:.0f}% of the bar, and then closed at"
            " {close}, {below} the middle of it, {middle}."
        ),
    )
