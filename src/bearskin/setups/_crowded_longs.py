"""CROWDED_LONGS: open interest, funding and greed at their highest, and the price closes below its mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from bearskin.setups._crowd_state import CrowdRules, CrowdState, crowd_state
from bearskin.setups._events import Draft
from bearskin.setups._supports import SupportRules, supports_at
from bearskin.setups._view import NEUTRAL_8H, View
from bearskin.terms import DAY_NS, Reason, Refused, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdedLongs:
    """Parameters; `..._atr` count ATR(14). The crowding itself is in `crowd`."""

    ema_bars: int = 20
    above_bars: int = 6  # closes at or above the mean before the one below it
    peak_bars: int = 24  # the stop goes beyond the highest of these
    invalidation_atr: float = 1.0  # above the mean
    horizon_bars: int = 48
    crowd: CrowdRules = field(default_factory=CrowdRules)
    supports: SupportRules = field(default_factory=SupportRules)


def lacks_crowd_history(view: View, rules: CrowdedLongs) -> Refused | None:
    """Why open interest or funding is too short to rank by: too little of it before the last bar."""
    end = view.panel.known_ns(len(view) - 1) if len(view) else 0
    interest = view.panel.open_interest
    firsts = {
        "open interest": end if interest is None or not len(interest.time_ns) else int(interest.time_ns[0]),
        "funding": int(view.funding_8h()[0][0]) if len(view.funding_8h()[0]) else end,
    }
    for name, first_ns in firsts.items():
        days = (end - first_ns) / DAY_NS
        if days < rules.crowd.days_min:
            have, need = f"{max(days, 0):.1f} days of {name}", f"{rules.crowd.days_min:g} days"
            return Refused(reason=Reason.NO_DATA, have=have, need=need, detail=f"{name} history too short to rank")
    return None


def crowded_longs(view: View, rules: CrowdedLongs) -> Iterator[Draft]:
    """Drafts by rising bar: each first close below the mean, after closes above it, of a crowded market."""
    for bar in _crosses(view, rules):
        if not _funded(view, bar, rules):
            continue
        state = crowd_state(view, bar, rules.crowd)
        if state.crowded:
            yield _draft(view, rules, bar, state)


def _crosses(view: View, rules: CrowdedLongs) -> list[int]:
    """Bars from the first asked for that close below the mean after `above_bars` closes at or above it."""
    begin = max(view.first - rules.above_bars, 0)
    with np.errstate(invalid="ignore"):
        above = view.close[begin:] >= view.ema(rules.ema_bars)[begin:]
    below = np.flatnonzero(~above[rules.above_bars :]) + rules.above_bars
    if not len(below):
        return []
    held = np.concatenate([[0], np.cumsum(above)])
    found: list[int] = (below[held[below] - held[below - rules.above_bars] == rules.above_bars] + begin).tolist()
    return found


def _funded(view: View, bar: int, rules: CrowdedLongs) -> bool:
    """Whether funding alone says crowded: the cheapest term first."""
    crowd = view.crowd(
        view.panel.known_ns(bar),
        settlements=rules.crowd.settlements,
        days=rules.crowd.days,
        days_min=rules.crowd.days_min,
    )
    needed = rules.crowd.funding_neutrals * NEUTRAL_8H
    return crowd is not None and crowd.mean_8h >= needed and crowd.pct >= rules.crowd.funding_pct


def _draft(view: View, rules: CrowdedLongs, bar: int, state: CrowdState) -> Draft:
    first = max(0, bar + 1 - rules.peak_bars)
    peak = first + int(view.high[first : bar + 1].argmax())
    top, mean, close = float(view.high[peak]), float(view.ema(rules.ema_bars)[bar]), float(view.close[bar])
    limit = mean + rules.invalidation_atr * float(view.atr()[bar])
    told = state.greed if state.greed is None or view.side is Side.SHORT else 100 - state.greed
    greed = "" if told is None else f" and Fear & Greed at {told:.0f}"
    without = f" (without {' and '.join(state.dropped)})" if state.dropped else ""
    return Draft(
        bar=bar,
        level=mean,
        anchor_bar=peak,
        extreme=top,
        targets=tuple(level for level, *_ in supports_at(view, bar, close, rules.supports)),
        invalidation=min(top, limit),
        horizon_bars=rules.horizon_bars,
        pick_targets=True,
        prices={"mean": mean, "peak": top},
        bars={"peak": peak},
        rates={"funding": view.as_paid_8h(state.funding_mean_8h or 0.0)},  # back to the view: it is its own inverse
        figures={
            "crowd": state.score,
            "interest_pct": state.interest_pct,
            "interest_change": state.interest_change,
            "funding_pct": state.funding_pct,
            "greed": state.greed,
            "dropped": ", ".join(state.dropped) or None,
            "shrunk": ", ".join(state.shrunk) or None,
        },
        why=(
            "closed at {close}, {below} its "
            f"{rules.ema_bars}-bar mean {{mean}}, with {{longs}} crowded: open interest up"
            f" {100 * (state.interest_change or 0.0):.1f}% in {rules.crowd.rise_days:g} days and in the top"
            f" {100 - (state.interest_pct or 0.0):.0f}% of its history, funding at {{funding}} per 8 h{greed}{without}."
        ),
        lines=(("mean", max(0, bar - rules.ema_bars), mean, bar, mean), ("level", peak, top, bar, top)),
    )
