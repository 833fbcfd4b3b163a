"""Figures that go with an event where their series exist: turnover, open interest, sentiment. They decide nothing."""

from __future__ import annotations

import math

import numpy as np

from bearskin.setups._crowd_state import crowd_state
from bearskin.setups._features import F8, robust_z
from bearskin.setups._view import View
from bearskin.terms import Side

VOLUME_BARS = 96


def volume_z(view: View, bar: int, bars: int = VOLUME_BARS) -> float | None:
    """How unusual the bar's turnover is: robust z of its log against the `bars` before; None without enough of them."""
    logs = _logs(view.quote_volume()[max(0, bar - bars) : bar + 1])
    before = logs[:-1]
    if math.isnan(before.sum()):
        before = before[~np.isnan(before)]
    if len(before) < bars // 2 or math.isnan(logs[-1]):
        return None
    z = robust_z(before, float(logs[-1]))
    return z if math.isfinite(z) else None


def _logs(turnover: F8) -> F8:
    logs = np.full(len(turnover), np.nan)
    np.log(turnover, out=logs, where=turnover > 0)
    return logs


def interest_change(view: View, first: int, last: int) -> float | None:
    """Log change of open interest from the close of one bar to that of another, as public then."""
    series = view.panel.open_interest
    then = view.latest(series, view.panel.known_ns(first))
    now = view.latest(series, view.panel.known_ns(last))
    return math.log(now / then) if then is not None and now is not None and then > 0 and now > 0 else None


def crowding(view: View, bar: int) -> dict[str, float | str | None]:
    """Funding rank, greed, long-short ratio and the state of the crowd as this view sees them at the close of `bar`."""
    time_ns, short = view.panel.known_ns(bar), view.side is Side.SHORT
    crowd, state = view.crowd(time_ns), crowd_state(view, bar)
    greed = view.latest(view.panel.sentiment, time_ns)
    ratio = view.latest(view.panel.long_short_ratio, time_ns)
    return {
        "funding_pct": None if crowd is None else crowd.pct,
        "greed": greed if greed is None or short else 100 - greed,
        "long_short": ratio if ratio is None or short or ratio <= 0 else 1 / ratio,
        "crowd": state.score,
        "crowded": "yes" if state.crowded else None,
        "interest_pct": state.interest_pct,
        "long_short_pct": state.ratio_pct,
        "top_positions_pct": state.top_pct,
        "retail_minus_top": state.retail_minus_top,
        "long_short_change_24h": state.ratio_change_24h,
        "long_short_flag": "crowded" if state.ratio_bearish else None,
    }
