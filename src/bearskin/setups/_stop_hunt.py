"""STOP_HUNT: a bar trades through a level where stops gather and closes back below it, leaving a long wick."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bearskin.setups._context import interest_change
from bearskin.setups._events import Draft
from bearskin.setups._levels import (
    DAY,
    DONCHIAN,
    EQUAL,
    ROUND,
    WEEK,
    LevelRules,
    crossings,
    kind_words,
    spent_at,
    standing_origin,
    standing_pools,
)
from bearskin.setups._view import View
from bearskin.terms import Side

DRAWN_BARS = 24  # of a level that no bar made


@dataclass(frozen=True, slots=True, kw_only=True)
class StopHunt:
    """Parameters; `..._atr` count ATR(14) at the signal."""

    variant: Literal["market", "wick"] = "market"
    levels: LevelRules = field(default_factory=LevelRules)
    level_kinds: tuple[str, ...] = (EQUAL, DAY, WEEK, ROUND, DONCHIAN)
    sweep_atr: float = 0.10  # the high goes at least this far beyond the level
    wick_share: float = 0.5  # of the bar's range
    wick_atr: float = 0.75
    limit_share: float = 0.5  # the limit waits at this share of the wick
    limit_bars: int = 3
    horizon_bars: int = 24


def stop_hunts(view: View, rules: StopHunt) -> Iterator[Draft]:
    """Drafts by rising bar, one per bar: of the levels swept by the same wick the farthest is named.

    The bar before closed below the level too: closing above it first makes a failed breakout, which is told there.
    """
    asked = slice(view.first, None)
    high = view.high[asked]
    wick = high - np.maximum(view.open[asked], view.close[asked])
    shaped = np.zeros(len(view), dtype=np.bool_)
    shaped[asked] = wick >= rules.wick_share * (high - view.low[asked])
    if view.first and not shaped.any():
        return
    atr = view.atr()
    with np.errstate(invalid="ignore"):
        shaped[asked] &= wick >= rules.wick_atr * atr[asked]
    if view.first and not shaped.any():
        return
    swept = crossings(view, view.high - rules.sweep_atr * atr, rules.level_kinds, rules.levels, shaped)
    hunts: dict[int, list[int]] = {}
    for row, bar in enumerate(swept.bar.tolist()):
        if view.close[bar] < swept.level[row]:
            hunts.setdefault(bar, []).append(row)
    if not hunts:
        return
    falling = -view.low - rules.levels.swept_atr * atr
    below = standing_pools(view, EQUAL, rules.levels, falling, view.first, below=True)
    spent = spent_at(view, below, falling, rules.levels)
    starts = np.searchsorted(below.known, [bar - rules.levels.age_max_bars for bar in hunts])  # older ones are spent
    ends = np.searchsorted(below.known, list(hunts), side="right")
    for (bar, rows), start, end in zip(hunts.items(), starts.tolist(), ends.tolist(), strict=True):
        # equal lows below the close that still stand are where the fall may end
        standing = -below.level[start:end][spent[start:end] > bar]
        farthest = rows[-1]  # crossings are sorted by level within a bar
        kinds = [swept.kind[row] for row in reversed(rows)]
        origin = int(swept.origin[farthest])
        if kinds[0] == DONCHIAN:
            origin = standing_origin(view, DONCHIAN, bar, rules.levels)
        lows = standing[standing < view.close[bar]].tolist()
        yield _draft(view, rules, bar, float(swept.level[farthest]), bar if origin < 0 else origin, kinds, lows)


def _draft(
    view: View, rules: StopHunt, bar: int, level: float, first: int, kinds: list[str], lows: list[float]
) -> Draft:
    atr, high = float(view.atr()[bar]), float(view.high[bar])
    body = max(float(view.open[bar]), float(view.close[bar]))
    wick, span = high - body, high - float(view.low[bar])
    at_wick = rules.variant == "wick"
    vwap = view.session_vwap(bar)
    return Draft(
        bar=bar,
        level=level,
        anchor_bar=first,
        extreme=high,
        targets=(vwap, *lows),
        pick_targets=True,
        invalidation=level,
        horizon_bars=rules.horizon_bars,
        limit=body + rules.limit_share * wick if at_wick else None,
        valid_bars=rules.limit_bars if at_wick else 1,
        prices={"wick_from": body, **({"session_vwap": vwap} if np.isfinite(vwap) else {})},
        bars={"level_first": first, "peak": bar},
        lines=(("level", first if first < bar else max(0, bar - DRAWN_BARS), level, bar, level),),
        zones=(("wick", bar, bar, body, high),),
        figures=lambda: {
            "level_kind": "+".join(dict.fromkeys(kinds)),
            "beyond_level_atr": (high - level) / atr,
            "wick_atr": wick / atr,
            "wick_share": wick / span,
            "open_interest_change": interest_change(view, bar - 1, bar) if bar else None,
            "mark_beyond_level_atr": _mark_beyond(view, bar, level, atr),
        },
        why=(
            f"traded through the {kind_words(kinds, rules.levels)} to {{extreme}} and closed at {{close}},"
            f" back {{below}} it, leaving {100 * wick / span:.0f}% of the bar ({wick / atr:.1f} ATR) as {{upper}} wick."
        ),
    )


def _mark_beyond(view: View, bar: int, level: float, atr: float) -> float | None:
    """How far the mark went beyond the level, in ATR; negative when only the last price did."""
    mark = view.panel.mark_high if view.side is Side.SHORT else view.panel.mark_low
    missing = view.panel.mark_missing
    if mark is None or view.panel.mark_estimated or (missing is not None and missing[bar]):
        return None
    return (view.log(float(mark[bar])) - level) / atr
