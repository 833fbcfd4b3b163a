"""Where the market suggests a stop and targets: beyond the recent swing high of a short, at the supports below it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from bearskin.terms import Instrument, Side, dec, tick_down, tick_up

if TYPE_CHECKING:
    from bearskin.market import Panel
    from bearskin.setups import Level, View

BUFFER_ATR = 0.25  # a stop right at the level is where everybody's is
NEAR_ATR = 0.5  # nearer than this an ordinary bar takes it
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
    panel: Panel | None, side: Side, entry: Decimal, stop: Decimal | None, cost_frac: Decimal, instrument: Instrument
) -> Suggestion:
    """What the last bars suggest for a trade at `entry`; targets are measured against `stop`, else the suggested one.

    Nothing where there are too few bars to have levels.
    """
    if panel is None or len(panel) < MIN_BARS:
        return Suggestion()
    from bearskin.setups import View, levels

    found = levels(panel, len(panel) - 1, side)
    beyond = _stop(View(panel, side), found, side, entry, instrument.tick)
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
