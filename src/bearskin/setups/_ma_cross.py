"""MA_CROSS: the 20-bar mean crosses below a falling 50-bar mean. A trend is followed, not a target: the stop trails.

An opposite cross later is not part of the event; who wants to leave there closes by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bearskin.setups._events import Draft, DrawnLine
from bearskin.setups._features import F8, I8
from bearskin.setups._view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class MaCross:
    """Parameters; `..._atr` count ATR(14) at the signal."""

    fast_bars: int = 20
    slow_bars: int = 50
    slope_bars: int = 10  # over which the slow mean must have fallen
    regime_bars: int = 200
    high_bars: int = 10  # the signal's own bar and those before it, beyond whose highest high the stop goes
    buffer_atr: float = 0.25
    stop_max_atr: float = 2.5  # from the close; an entry at the open may be half an ATR worse and still be within three
    trail_atr: float = 3.0
    drawn_bars: int = 30


def ma_crosses(view: View, rules: MaCross) -> Iterator[Draft]:
    """Drafts by rising bar, one for every cross."""
    fast, slow = view.ema(rules.fast_bars), view.ema(rules.slow_bars)
    for bar in _crosses(view, rules, fast, slow).tolist():
        yield _draft(view, rules, bar, fast, slow)


def _crosses(view: View, rules: MaCross, fast: F8, slow: F8) -> I8:
    """Bars asked for at whose close the fast mean is below a falling slow one, as it was not the bar before."""
    first = max(view.first, rules.slope_bars, rules.high_bars, 1)
    with np.errstate(invalid="ignore"):
        crossed = (fast[first:] < slow[first:]) & (fast[first - 1 : -1] >= slow[first - 1 : -1])
        crossed &= slow[first:] < slow[first - rules.slope_bars : len(slow) - rules.slope_bars]
    found: I8 = np.flatnonzero(crossed) + first
    return found


def _draft(view: View, rules: MaCross, bar: int, fast: F8, slow: F8) -> Draft:
    atr, close = float(view.atr()[bar]), float(view.close[bar])
    since = bar + 1 - rules.high_bars
    high = float(view.high[since : bar + 1].max())
    anchor = since + int(view.high[since : bar + 1].argmax())
    regime = float(view.ema(rules.regime_bars)[bar])
    falls = float(slow[bar - rules.slope_bars] - slow[bar]) / atr if atr > 0 else 0.0
    return Draft(
        bar=bar,
        level=float(slow[bar]),
        anchor_bar=anchor,
        extreme=min(high, close + (rules.stop_max_atr - rules.buffer_atr) * atr),
        buffer_atr=rules.buffer_atr,
        targets=(),
        trail_atr=rules.trail_atr,
        invalidation=None,
        horizon_bars=0,
        prices={"fast": float(fast[bar]), "slow": float(slow[bar]), "high": high},
        bars={"high": anchor},
        lines=(
            *_course("fast", fast, bar, rules),
            *_course("slow", slow, bar, rules),
            ("high", anchor, high, bar, high),
        ),
        figures={
            "slow_fall_atr": falls,
            "regime": None if np.isnan(regime) else ("with" if slow[bar] < regime else "against"),
            "high_atr": (high - close) / atr if atr > 0 else None,
        },
        why=(
            f"closed at {{close}} with its {rules.fast_bars}-bar mean {{fast}} newly {{below}} its {rules.slow_bars}-"
            f"bar mean {{slow}}, which {{fell}} over {rules.slope_bars} bars; the stop stands at {{stop}} and follows"
            f" {rules.trail_atr:g} ATR behind the best price."
        ),
    )


def _course(name: str, mean: F8, bar: int, rules: MaCross) -> list[DrawnLine]:
    """The last bars of a mean in three straight pieces."""
    step = max(1, rules.drawn_bars // 3)
    bars = [at for at in range(bar - 3 * step, bar + 1, step) if at >= 0 and np.isfinite(mean[at])]
    return [(name, a, float(mean[a]), b, float(mean[b])) for a, b in pairwise(bars)]
