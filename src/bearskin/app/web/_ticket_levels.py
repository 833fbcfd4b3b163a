"""Where the market suggests a stop and targets: beyond the recent swing high of a short, at the supports below it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from bearskin.terms import SECOND_NS, Instrument, Side, dec, tick_down, tick_up

if TYPE_CHECKING:
    from bearskin.market import Panel
    from bearskin.setups import Level, View

BUFFER_ATR = 0.25  # a stop right at the level is where everybody's is
NEAR_ATR = 0.5  # nearer than this an ordinary bar takes it
LASTS_S = 300.0  # of the clock on the wall: long enough to read what a position says
LASTING_Z = 1.65  # 9 of 10 random walks have not been further than this many standard deviations
AWAY_MOST_FRAC = 0.15  # well before the liquidation of a short at 3x
ROUND_DIGITS = 3
SWINGS = ("pivot-3", "pivot-10", "equal", "donchian")
WORDS = {"pivot-3": "swing", "pivot-10": "major swing", "equal": "equal", "donchian": "48-bar"}
MIN_BARS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """A price with what stands there; `reward_r` of a target in multiples of the risk to the stop asked about."""

    price: Decimal
    why: str
    reward_r: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A stop and up to two targets, nearest first; an estimate from the bars of the venue, not advice."""

    stop: Suggested | None = None
    targets: tuple[Suggested, ...] = ()


def suggest(
    panel: Panel | None,
    side: Side,
    entry: Decimal,
    stop: Decimal | None,
    cost_frac: Decimal,
    instrument: Instrument,
    hurried: float = 0.0,
) -> Suggestion:
    """What the last bars suggest for a trade at `entry`; targets are measured against `stop`, else the suggested one.

    Nothing where there are too few bars to have levels. In a market that goes `hurried` times as fast as the clock the
    stop is at least as wide as an ordinary `LASTS_S` of the clock needs.
    """
    if panel is None or len(panel) < MIN_BARS:
        return Suggestion()
    from bearskin.setups import View, levels

    found = levels(panel, len(panel) - 1, side)
    beyond = _stop(View(panel, side), found, side, entry, instrument.tick)
    if hurried > 1:
        lasting = _lasting(panel, side, hurried, instrument.tick)
        if (lasting.price - entry) * side < 0 and (beyond is None or (lasting.price - beyond.price) * side < 0):
            beyond = lasting
    against = stop if stop is not None and (entry - stop) * side > 0 else None
    if against is None and beyond is not None:
        against = beyond.price
    return Suggestion(stop=beyond, targets=_targets(panel, side, entry, against, cost_frac, instrument.tick))


def _stop(view: View, found: list[Level], side: Side, entry: Decimal, tick: Decimal) -> Suggested | None:
    atr = float(view.atr()[-1])
    if not (math.isfinite(atr) and atr > 0):
        return None
    at = float(entry)
    for level in found:
        apart = (math.log(level.price) - math.log(at)) * -int(side)
        if level.kind in SWINGS and apart >= NEAR_ATR * atr:
            price = dec(round(level.price * math.exp(-int(side) * BUFFER_ATR * atr), 10))
            where = "high" if side < 0 else "low"
            why = f"{WORDS[level.kind]} {where} {_short(level.price, tick)} and a quarter of the ATR"
            return Suggested(price=tick_up(price, tick) if side < 0 else tick_down(price, tick), why=why)
    return None


def _lasting(panel: Panel, side: Side, hurried: float, tick: Decimal) -> Suggested:
    """A stop that nine in ten ordinary ways of `LASTS_S` on the clock do not reach, on round prices, which stand still
    while the market moves a little."""
    close = panel.close[np.isfinite(panel.close)]
    bars = LASTS_S * hurried * SECOND_NS / panel.interval_ns
    away = min(LASTING_Z * float(np.std(np.diff(np.log(close)))) * math.sqrt(bars), AWAY_MOST_FRAC)
    price = dec(repr(float(close[-1]) * math.exp(-int(side) * away)))
    grid = max(tick, Decimal(1).scaleb(price.adjusted() - ROUND_DIGITS + 1))
    why = f"wide: this market goes {hurried:g} times as fast as your clock"
    return Suggested(price=tick_up(price, grid) if side < 0 else tick_down(price, grid), why=why)


def _targets(
    panel: Panel, side: Side, entry: Decimal, stop: Decimal | None, cost_frac: Decimal, tick: Decimal
) -> tuple[Suggested, ...]:
    from bearskin.setups import support_targets

    rows = support_targets(
        panel,
        len(panel) - 1,
        side,
        entry=float(entry),
        stop=None if stop is None else float(stop),
        cost_frac=float(cost_frac),
    )
    chosen = [row for row in rows if row.role] if stop is not None else list(rows[:2])
    word = "support" if side < 0 else "resistance"
    made = []
    for row in chosen:
        price = dec(round(row.price, 10))
        on_grid = tick_up(price, tick) if side < 0 else tick_down(price, tick)
        why = f"{word}: {', '.join(kind.replace('-', ' ') for kind in row.kinds)}"
        made.append(Suggested(price=on_grid, why=why, reward_r=row.reward_r))
    return tuple(made)


def _short(price: float, tick: Decimal) -> str:
    digits = max(0, -int(tick.normalize().as_tuple().exponent))
    return f"{price:,.{digits}f}"
