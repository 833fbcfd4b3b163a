"""FAILED_BREAKOUT: the market closes above a level, then closes back below it within a few bars.

Those who bought the break are under water and their stops lie below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bearskin.setups._context import interest_change, volume_z
from bearskin.setups._events import Draft
from bearskin.setups._features import B1
from bearskin.setups._levels import DONCHIAN, LevelRules, crossings, donchian_broken, kind_words, standing_origin
from bearskin.setups._view import View

LOOK_BACK_BARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedBreakout:
    """Parameters; `..._atr` count ATR(14) at the signal."""

    variant: Literal["market", "retest"] = "market"
    levels: LevelRules = field(default_factory=LevelRules)
    level_kinds: tuple[str, ...] = (DONCHIAN,)
    range_bars: int = 48  # the range whose height measures the targets
    break_atr: float = 0.10  # a break closes at least this far above
    fail_atr: float = 0.10  # a failure closes at least this far below
    fail_bars: int = 6
    strong_atr: float = 1.5  # a close this far above in between: the break was real
    first_target: float = 0.5  # of the range's height, below the level
    second_target: float = 1.0
    invalidation_atr: float = 0.1
    retest_atr: float = 0.05  # the limit waits this far below the level
    retest_bars: int = 4
    horizon_bars: int = 24


def failed_breakouts(view: View, rules: FailedBreakout) -> Iterator[Draft]:
    """Drafts by rising bar. A failure uses up every break before it, so no break is told twice."""
    used = -1
    for bar, broke, level, kind, origin in _failures(view, rules):
        if broke <= used or broke < rules.range_bars:
            continue
        used = bar
        if bar < view.first:
            continue
        yield _draft(view, rules, bar, broke, level, kind, origin)


def _failures(view: View, rules: FailedBreakout) -> list[tuple[int, int, float, str, int]]:
    """(bar of the failure, bar of the break, level, kind, bar of the level), sorted: a bar's oldest break first.

    The bar that made the level is -1 where none is known.
    """
    since = _since(view, rules)
    if since is not None and not since.any():
        return []
    close, atr = view.close, view.atr()
    breaks = crossings(view, close, rules.level_kinds, rules.levels, since)
    after = breaks.bar[:, None] + 1 + np.arange(rules.fail_bars)  # one row of bars per break
    there = after < len(view)
    after = np.minimum(after, len(view) - 1)
    level, broke = breaks.level[:, None], close[breaks.bar][:, None]
    with np.errstate(invalid="ignore"):
        failed = there & (close[after] <= level - rules.fail_atr * atr[after])
        failed &= broke >= level + rules.break_atr * atr[after]
    rows = np.flatnonzero(failed.any(axis=1))
    first = failed[rows].argmax(axis=1)
    bars = breaks.bar[rows] + 1 + first
    between = np.arange(rules.fail_bars) < first[:, None]
    strong = (between & (close[after[rows]] >= level[rows] + rules.strong_atr * atr[bars][:, None])).any(axis=1)
    return sorted(
        (int(bars[k]), int(breaks.bar[row]), float(breaks.level[row]), breaks.kind[row], int(breaks.origin[row]))
        for k, row in enumerate(rows.tolist())
        if not strong[k]
    )


def _since(view: View, rules: FailedBreakout) -> B1 | None:
    """The bars whose breaks matter for failures from the view's first bar on; None when all may.

    Whether a failure tells its break depends on the failures before it, but not across a stretch without any break
    that is longer than a failure may take.
    """
    if view.first == 0 or rules.level_kinds != (DONCHIAN,):
        return None
    wanted = np.zeros(len(view), dtype=np.bool_)
    begin = max(0, view.first - rules.fail_bars)
    if not len(donchian_broken(view, rules.levels, begin)):
        return wanted
    for since in (max(0, begin - LOOK_BACK_BARS), 0):  # a stretch without breaks is seldom far
        bars = donchian_broken(view, rules.levels, since)
        before = since - 1 if since else -rules.fail_bars - 1  # of what came before nothing is known, or there is none
        early = bars[(np.diff(bars, prepend=before) > rules.fail_bars) & (bars < begin)]
        if len(early):
            wanted[early[-1] :] = True
            return wanted
    wanted[:] = True
    return wanted


def _draft(view: View, rules: FailedBreakout, bar: int, broke: int, level: float, kind: str, origin: int) -> Draft:
    atr = float(view.atr()[bar])
    high = view.high[broke : bar + 1]
    peak = broke + int(high.argmax())
    floor = float(view.low[broke - rules.range_bars : broke].min())
    height = level - floor
    retest = rules.variant == "retest"
    first = broke - rules.range_bars
    if kind == DONCHIAN:
        origin = standing_origin(view, DONCHIAN, broke, rules.levels)
    return Draft(
        bar=bar,
        level=level,
        anchor_bar=broke,
        extreme=float(high.max()),
        targets=(level - rules.first_target * height, level - rules.second_target * height),
        invalidation=level + rules.invalidation_atr * atr,
        horizon_bars=rules.horizon_bars,
        limit=level - rules.retest_atr * atr if retest else None,
        valid_bars=rules.retest_bars if retest else 1,
        prices={"range_floor": floor},
        bars={"break": broke, "peak": peak, "range_first": first},
        lines=(("level", first if origin < 0 else origin, level, bar, level),),
        zones=(("range", first, broke - 1, floor, level), ("false break", broke, bar, level, float(high.max()))),
        figures=lambda: {
            "level_kind": kind,
            "bars_since_break": bar - broke,
            "below_level_atr": (level - float(view.close[bar])) / atr,
            "break_volume_z": volume_z(view, broke),
            "open_interest_change": interest_change(view, broke, bar),
            "taker_buy_share": view.buy_share(broke, bar),
        },
        why=(
            f"closed at {{close}}, back {{below}} the {kind_words([kind], rules.levels)} that had been broken"
            f" {bar - broke} bar{'s' if bar - broke > 1 else ''} before; the false break reached {{extreme}}"
            " and the stop stands at {stop}."
        ),
    )
