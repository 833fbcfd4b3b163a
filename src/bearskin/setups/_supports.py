"""Where a short may be bought back: prices below the market at which buyers are known to wait.

Written for shorts; the long's view turns supports into resistances. Everything is read from the last `LOOK_BARS` bars,
so a bot that remembers a thousand finds what a backtest over years does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from bearskin.market import Panel
from bearskin.setups._features import pivot_highs
from bearskin.setups._levels import MONDAY_NS, WEEK_NS, round_step
from bearskin.setups._profile import LOOK_BARS, ProfileRules, Session, profile_at
from bearskin.setups._view import View
from bearskin.terms import DAY_NS, BadInput, Side

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "pivot-3": 1.0, "pivot-10": 2.0, "donchian-48": 1.5, "donchian-200": 2.0, "prior-day": 1.5, "prior-week": 2.0,
        "poc": 2.0, "naked-poc": 2.0, "value-area": 1.0, "round": 1.0,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportRules:
    """What counts as a support; distances count ATR(14) of the log price at the bar. Weights by kind, 0 leaves out."""

    weights: Mapping[str, float] = field(default_factory=lambda: dict(WEIGHTS))
    merge_atr: float = 0.25
    round_front_atr: float = 0.05  # take-profits gather at round numbers: be served just before
    touch_atr: float = 0.15
    swept_atr: float = 0.10  # a pivot traded through by this much is spent
    naked_days: int = 5
    rounds: int = 3
    reach_atr: float = 30.0  # nothing further away is looked at
    profile: ProfileRules = field(default_factory=ProfileRules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """A price at which to take profit, as known at the close of a bar; supports near each other are one.

    `price` is that of the nearest of them, in quote per base. `score` sums kind weight times touches (at least one).
    `distance_atr` is from the close; `reward_r` in multiples of the risk where a stop was given. `role` is `target1`
    for the nearest that pays (1 R and three times the cost), `target2` for the next with 2 R, else empty.
    """

    price: float
    score: float
    kinds: tuple[str, ...]
    touches: int
    distance_atr: float
    reward_r: float | None = None
    role: str = ""


class _Found(NamedTuple):
    level: float  # log price in the view
    kind: str
    touches: int


def support_targets(
    panel: Panel,
    bar: int,
    side: Side = Side.SHORT,
    *,
    entry: float | None = None,
    stop: float | None = None,
    cost_frac: float = 0.0,
    rules: SupportRules | None = None,
) -> tuple[Support, ...]:
    """The supports below `entry` (the close when None) for a short, resistances above it for a long, nearest first.

    Pivot lows not traded through, Donchian lows of 48 and 200 bars, the prior UTC day's and week's low, point of
    control and value area of the last day and week, points of control of the last days not touched since, and round
    numbers (a little in front). With a `stop` each says how many risks away it is and the targets have their roles;
    none with `target1` means no trade. `cost_frac` is the round trip's cost as a fraction of price. Raises BadInput
    for a bar that does not exist or a stop on the wrong side.
    """
    if not 0 <= bar < len(panel):
        raise BadInput(f"bar must be from 0 to {len(panel) - 1}, was {bar}")
    view = View(panel, side)
    at = float(view.close[bar]) if entry is None else view.log(entry)
    risk = None if stop is None else view.log(stop) - at
    if risk is not None and not risk > 0:
        above = "above" if side is Side.SHORT else "below"
        raise BadInput(f"the stop must be {above} the entry {view.price(at):g}, was {stop:g}")
    atr = float(view.atr()[bar])
    found = supports_at(view, bar, at, rules or SupportRules())
    roles = [""] * len(found)
    if risk is not None:
        need = max(risk, 3 * cost_frac) * (1 - 1e-9)
        paying = [k for k, one in enumerate(found) if at - one[0] >= need]
        far = [k for k in paying[1:] if at - found[k][0] >= 2 * risk]
        for k, role in zip((*paying[:1], *far[:1]), ("target1", "target2"), strict=False):
            roles[k] = role
    return tuple(
        Support(
            price=view.up(level),
            score=score,
            kinds=kinds,
            touches=touches,
            distance_atr=(float(view.close[bar]) - level) / atr,
            reward_r=None if risk is None else (at - level) / risk,
            role=role,
        )
        for (level, score, kinds, touches), role in zip(found, roles, strict=True)
    )


def supports_at(
    view: View, bar: int, entry: float, rules: SupportRules
) -> list[tuple[float, float, tuple[str, ...], int]]:
    """(log price, score, kinds, touches) of each support below `entry`, nearest first; none without an ATR."""
    atr = float(view.atr()[bar])
    if not atr > 0:
        return []
    rows = sorted(
        (
            one
            for one in _candidates(view, bar, entry, atr, rules)
            if rules.weights.get(one.kind, 0.0) > 0 and 0 < entry - one.level <= rules.reach_atr * atr
        ),
        reverse=True,
    )
    merged: list[list[_Found]] = []
    for one in rows:
        if merged and merged[-1][0].level - one.level <= rules.merge_atr * atr:
            merged[-1].append(one)
        else:
            merged.append([one])
    return [
        (
            group[0].level,
            sum(rules.weights[one.kind] * max(1, one.touches) for one in group),
            tuple(sorted({one.kind for one in group})),
            max(max(1, one.touches) for one in group),
        )
        for group in merged
    ]


def _candidates(view: View, bar: int, entry: float, atr: float, rules: SupportRules) -> Iterator[_Found]:
    """Every support of each kind as known at the close of `bar`."""
    begin = max(0, bar + 1 - LOOK_BARS)
    low = view.low[begin : bar + 1]
    lowest = np.minimum.accumulate(low[::-1])[::-1]  # from each bar on
    for kind, bars in (("pivot-3", 3), ("pivot-10", 10)):
        pivots = pivot_highs(-low, bars)
        since = np.append(lowest, np.inf)[np.minimum(pivots + bars + 1, len(low))]
        stands = (since > low[pivots] - rules.swept_atr * atr) & (low[pivots] < entry)
        for j in pivots[stands].tolist():
            yield _Found(float(low[j]), kind, 1 + _touches(view, float(low[j]), begin + j + 1, bar, atr, rules))
    for bars in (48, 200):
        if len(low) >= bars:
            yield _Found(float(low[-bars:].min()), f"donchian-{bars}", 1)
    for kind, length, offset in (("prior-day", DAY_NS, 0), ("prior-week", WEEK_NS, MONDAY_NS)):
        level = _prior_low(view, bar, begin, length, offset)
        if level is not None:
            yield _Found(level, kind, 1)
    yield from _volume_levels(view, bar, rules)
    close = float(view.panel.close[bar])
    step = round_step(close, 0.014142135623730951)
    first = math.ceil(close / step - 1e-9) - 1 if view.sign > 0 else math.floor(close / step + 1e-9) + 1
    for k in range(rules.rounds):
        number = (first - view.sign * k) * step
        if number > 0:
            yield _Found(view.log(number) + rules.round_front_atr * atr, "round", 1)


def _touches(view: View, level: float, first: int, bar: int, atr: float, rules: SupportRules) -> int:
    """Bars since that came within `touch_atr` above the level and closed above it."""
    low, close = view.low[first : bar + 1], view.close[first : bar + 1]
    return int(np.count_nonzero((low >= level) & (low <= level + rules.touch_atr * atr) & (close > level)))


def _prior_low(view: View, bar: int, begin: int, length: int, offset: int) -> float | None:
    """The low of the period before the one the next bar is in; None where it is not whole."""
    times, step = view.panel.time_ns, view.panel.interval_ns
    end_ns = (view.panel.known_ns(bar) + offset) // length * length - offset
    first, end = (int(at) for at in times.searchsorted([end_ns - length, end_ns]))
    if step >= length or first < begin or first >= end or int(times[first]) - (end_ns - length) >= step:
        return None
    return float(view.low[first : min(end, bar + 1)].min())


def _volume_levels(view: View, bar: int, rules: SupportRules) -> Iterator[_Found]:
    sessions: tuple[Session, ...] = ("day", "week")
    for session in sessions:
        profile = profile_at(view, bar, session, rules.profile)
        if profile is not None:
            yield _Found(view.log(profile.poc), "poc", 1)
            yield _Found(view.log(profile.val), "value-area", 1)
            yield _Found(view.log(profile.vah), "value-area", 1)
    for back in range(1, rules.naked_days):
        profile = profile_at(view, bar, "day", rules.profile, back)
        if profile is None:
            continue
        level = view.log(profile.poc)
        after = int(view.panel.time_ns.searchsorted(profile.end_ns))
        if not (view.low[after : bar + 1] <= level).any():
            yield _Found(level, "naked-poc", 1)
