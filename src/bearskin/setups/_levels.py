"""Levels: prices above the market where orders are known to gather, each with the time it became known.

Written for highs; the long's view turns them into lows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bearskin.market import Panel
from bearskin.setups._features import B1, F8, I8, highest_before, pivot_highs
from bearskin.setups._profile import ProfileRules, profile_at
from bearskin.setups._view import View
from bearskin.terms import DAY_NS, BadInput, Side

DONCHIAN, EQUAL, DAY, WEEK, ROUND = "donchian", "equal", "prior-day", "prior-week", "round"
POC, VALUE_TOP, VALUE_FLOOR = "poc", "value-top", "value-floor"  # top and floor as the side sees them
PIVOTS = {"pivot-3": 3, "pivot-10": 10}
NAMES = {
    DONCHIAN: "{donchian_bars}-bar {{high}}",
    EQUAL: "equal {{highs}}",
    "pivot-3": "pivot {{high}}",
    "pivot-10": "major pivot {{high}}",
    DAY: "prior day's {{high}}",
    WEEK: "prior week's {{high}}",
    ROUND: "round number",
    POC: "prior day's point of control",
    VALUE_TOP: "prior day's value area {{high}}",
    VALUE_FLOOR: "prior day's value area {{low}}",
}
KINDS = (DONCHIAN, EQUAL, *PIVOTS, DAY, WEEK, ROUND)
# volume at price: to be asked for by name, since what set-ups have been worth was measured without them
VOLUME_KINDS = (POC, VALUE_TOP, VALUE_FLOOR)
FEW = 4  # bars that are better looked at one by one
WEEK_NS, MONDAY_NS = 7 * DAY_NS, 3 * DAY_NS  # 1970-01-01 was a Thursday, three days into its week


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRules:
    """What counts as a level."""

    donchian_bars: int = 48
    age_min_bars: int = 12  # since the bar that made the high; neither Donchian highs nor round numbers have an age
    age_max_bars: int = 500
    equal_atr: float = 0.25  # pivots this close together are equal highs
    swept_atr: float = 0.10  # a pivot or pool traded through by this much is spent
    touch_atr: float = 0.15  # a high this close below, with a close below, is a touch
    round_spacing: float = 0.014142135623730951  # between 1% and 2%


class Crossings(NamedTuple):
    """Bars at which a series first reached a level it had not closed above before; columns of one table."""

    bar: I8
    level: F8  # log price in the view
    origin: I8  # bar that made the level; -1 for Donchian highs (see `standing_origin`) and round numbers
    kind: list[str]


class Pools(NamedTuple):
    """Levels that stand from `known` until they are spent: pivots and equal highs."""

    level: F8
    origin: I8
    known: I8
    touches: I8


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A price that matters, as known at the close of a bar. `age_bars` and `first_ns` are None for round numbers."""

    price: float
    kind: str
    created_known_at: int
    touches: int
    last_touch_ns: int | None
    age_bars: int | None
    first_ns: int | None


def kind_words(kinds: list[str], rules: LevelRules) -> str:
    """Level kinds in words, the first one named for its price, with the side's `{high}` still to be filled in."""
    first, *others = (NAMES[kind].format(donchian_bars=rules.donchian_bars) for kind in dict.fromkeys(kinds))
    return f"{first} {{level}}" + (f" (also {', '.join(others)})" if others else "")


def round_step(price: float, spacing: float) -> float:
    """The grid of 1, 2.5 or 5 times a power of ten whose spacing is nearest (in logs) to `spacing` of `price`."""
    want = price * spacing
    power = math.floor(math.log10(want))
    steps = [m * 10.0**p for p in (power - 1, power, power + 1) for m in (1.0, 2.5, 5.0)]
    return min(steps, key=lambda step: abs(math.log(step / want)))


def prior_period(view: View, length_ns: int, offset_ns: int = 0, first: int = 0) -> tuple[F8, I8]:
    """Shape (n + 1,): the high of the period before each bar's and the bar that made it; NaN and -1 without one.

    Entry n is for the bar after the last, entries before `first` are left out. A first period that starts late has no
    high to speak of.
    """

    period = (length_ns, offset_ns)

    def build() -> tuple[F8, I8]:
        times, step = view.panel.time_ns, view.panel.interval_ns
        found, origin = np.full(len(view) + 1, np.nan), np.full(len(view) + 1, -1)
        if step >= length_ns:
            return found, origin
        if len(view) - first <= FEW:
            for k in range(first, len(view) + 1):
                origin[k] = _prior_bar(view, int(times[-1]) + step if k == len(view) else int(times[k]), *period)
                found[k] = view.high[origin[k]] if origin[k] >= 0 else np.nan
            return found, origin
        before = (np.append(times[first:], times[-1] + step) + offset_ns) // length_ns - 1  # of each bar asked about
        begin = int(np.searchsorted(times, before[0] * length_ns - offset_ns))
        key = (times[begin:] + offset_ns) // length_ns
        starts = np.concatenate([[0], np.flatnonzero(np.diff(key)) + 1]).astype(np.int64)
        place = np.minimum(np.searchsorted(key[starts], before), len(starts) - 1)
        there = key[starts][place] == before
        starts += begin
        ends = np.append(starts[1:], len(view))
        if begin == 0 and (times[0] + offset_ns) % length_ns >= step:
            there &= place > 0
        periods, of = np.unique(place[there], return_inverse=True)
        tops = [starts[k] + int(np.argmax(view.high[starts[k] : ends[k]])) for k in periods.tolist()]
        origin[first:][there] = np.array(tops, dtype=np.int64)[of]
        found[first:][there] = view.high[origin[first:][there]]
        return found, origin

    return view.keep(("prior", length_ns, first), build)


def _prior_bar(view: View, time_ns: int, length_ns: int, offset_ns: int) -> int:
    """The bar that made the high of the period before that of `time_ns`; -1 without such a period."""
    times, step = view.panel.time_ns, view.panel.interval_ns
    start_ns = ((time_ns + offset_ns) // length_ns - 1) * length_ns - offset_ns
    begin, end = int(times.searchsorted(start_ns)), int(times.searchsorted(start_ns + length_ns))
    if begin == end or (begin == 0 and int(times[0]) - start_ns >= step):
        return -1
    return begin + int(view.high[begin:end].argmax())


def standing(view: View, kind: str, rules: LevelRules, first: int = 0) -> F8 | None:
    """Shape (n + 1,): a level of which there is one at a time, as known before each bar; None for other kinds.

    Bars before `first` may be left out.
    """
    match kind:
        case "donchian":
            return view.top(rules.donchian_bars)
        case "prior-day":
            return prior_period(view, DAY_NS, 0, first)[0]
        case "prior-week":
            return prior_period(view, WEEK_NS, MONDAY_NS, first)[0]
        case "poc" | "value-top" | "value-floor":
            return _day_profiles(view, first)[kind]
        case _:
            return None


def _day_profiles(view: View, first: int) -> dict[str, F8]:
    """Shape (n + 1,) each: point of control and value area of the UTC day completed before each bar; NaN without one.

    "origin" is the bar that day began with, -1 without one.
    """

    def build() -> dict[str, F8]:
        times, step, count = view.panel.time_ns, view.panel.interval_ns, len(view) + 1
        found = {name: np.full(count, np.nan) for name in VOLUME_KINDS} | {"origin": np.full(count, -1.0)}
        days = np.append(times, times[-1] + step)[first:] // DAY_NS
        starts = first + np.concatenate([[0], np.flatnonzero(np.diff(days)) + 1]).astype(np.int64)
        for begin, end in zip(starts.tolist(), [*starts[1:].tolist(), count], strict=True):
            profile = None if begin == 0 else profile_at(view, begin - 1, "day", ProfileRules())
            if profile is None:
                continue
            edges = (profile.vah, profile.val) if view.sign > 0 else (profile.val, profile.vah)
            for name, price in zip(VOLUME_KINDS, (profile.poc, *edges), strict=True):
                found[name][begin:end] = view.log(price)
            found["origin"][begin:end] = int(times.searchsorted(profile.start_ns))
        return found

    return view.keep(("day-profiles", first), build)


def donchian_broken(view: View, rules: LevelRules, since: int) -> I8:
    """Bars from `since` on that close at or above the Donchian high which the bar before closed below."""
    start = max(0, since - rules.donchian_bars - 1)
    close, top = view.close[start:], highest_before(view.high[start:], rules.donchian_bars)[:-1]
    hit = close >= top
    hit[1:] &= close[:-1] < top[1:]
    hit[: since - start] = False
    return np.flatnonzero(hit) + start


def standing_origin(view: View, kind: str, bar: int, rules: LevelRules, first: int = 0) -> int:
    """The bar that made the level of `kind` known before `bar`."""
    if kind == DONCHIAN:
        start = bar - rules.donchian_bars
        return start + int(np.argmax(view.high[start:bar]))
    if kind in VOLUME_KINDS:
        return int(_day_profiles(view, first)["origin"][bar])
    length, offset = (DAY_NS, 0) if kind == DAY else (WEEK_NS, MONDAY_NS)
    return int(prior_period(view, length, offset, first)[1][bar])


def pools(view: View, kind: str, rules: LevelRules, *, below: bool = False) -> Pools:
    """Pivot highs or equal highs; `below` looks for lows instead and returns their levels negated."""
    high = -view.low if below else view.high
    if kind in PIVOTS:
        bars = PIVOTS[kind]
        pivots = pivot_highs(high, bars)
        return Pools(high[pivots], pivots, pivots + bars, np.ones(len(pivots), dtype=np.int64))
    # what one side sees below is what the other sees above
    return view.share(("pools", below == (view.sign > 0), rules), lambda: _equal_highs(view, high, rules))


def _equal_highs(view: View, high: F8, rules: LevelRules) -> Pools:
    """Two or more pivot highs within `equal_atr`, none of them traded through since; the level is their highest."""
    bars = PIVOTS["pivot-3"]
    pivots = pivot_highs(high, bars)
    known = pivots + bars
    atr = view.atr()[known]
    own = high[pivots]
    level, first, touches = own.copy(), pivots.copy(), np.ones(len(pivots), dtype=np.int64)
    if len(pivots) < 2:
        return Pools(level[:0], first[:0], known[:0], touches[:0])
    since_last = np.maximum.reduceat(high[: pivots[-1] + 1], np.concatenate([[0], pivots[:-1] + 1]))
    reach = np.full(len(pivots), -np.inf)  # the highest seen after the earlier pivot, up to the later one
    alive, lag = np.arange(1, len(pivots)), 1
    while len(alive):
        earlier = alive - lag
        reach[alive] = np.maximum(reach[alive], since_last[earlier + 1])
        with np.errstate(invalid="ignore"):
            near = reach[alive] <= own[alive] + (rules.equal_atr + rules.swept_atr) * atr[alive]
        near &= pivots[alive] - pivots[earlier] <= rules.age_max_bars
        alive, earlier = alive[near], earlier[near]  # once out of reach, always out of reach
        same = np.abs(own[alive] - own[earlier]) <= rules.equal_atr * atr[alive]
        same &= reach[alive] <= np.maximum(own[alive], own[earlier]) + rules.swept_atr * atr[alive]
        level[alive[same]] = np.maximum(level[alive[same]], own[earlier[same]])
        first[alive[same]] = pivots[earlier[same]]
        touches[alive[same]] += 1
        lag += 1
        alive = alive[alive >= lag]
    many = touches > 1
    return Pools(level[many], first[many], known[many], touches[many])


def standing_pools(view: View, kind: str, rules: LevelRules, reaching: F8, first: int, *, below: bool = False) -> Pools:
    """Those of `pools` that `reaching` may still reach at bar `first` or later: not reached before, not too old.

    Of those above, the ones that `reaching` does not come to after all may be left out.
    """
    if first == 0:
        return pools(view, kind, rules, below=below)
    high = -view.low if below else view.high
    bars = PIVOTS.get(kind, PIVOTS["pivot-3"])
    oldest = max(0, first - rules.age_max_bars)
    # a pool reaches back as far as its oldest pivot may, which has to be found from its newest
    pivots = pivot_highs(high, bars, max(0, oldest - rules.age_max_bars))
    # the highest that was reached from each bar, `oldest` the first of them, up to the one before `first`
    since = np.full(first - oldest + 1, -np.inf)
    since[:-1] = np.fmax.accumulate(reaching[oldest:first][::-1])[::-1]
    young = int(np.searchsorted(pivots, first - rules.age_max_bars))
    known = pivots[young:] + bars
    highest = high[pivots[young:]] + (rules.equal_atr * view.atr()[known] if kind == EQUAL else 0.0)
    with np.errstate(invalid="ignore"):
        open_still = since[np.minimum(known + 1, first) - oldest] <= highest
        if not below:
            open_still &= high[pivots[young:]] <= np.fmax.reduce(reaching[first:])
    wanted = young + np.flatnonzero(open_still)
    if kind != EQUAL:
        pivots = pivots[wanted]
        return Pools(high[pivots], pivots, pivots + bars, np.ones(len(pivots), dtype=np.int64))
    return _equal_highs_of(view, high, pivots, wanted, rules)


def _equal_highs_of(view: View, high: F8, pivots: I8, wanted: I8, rules: LevelRules) -> Pools:
    """As `_equal_highs`, for the pools whose newest pivot is one of `wanted`: a few, looked at one by one."""
    rows: list[tuple[float, int, int, int]] = []
    if len(wanted):
        own = high[pivots].tolist()
        begin = pivots[0]  # what came before the first of them is nobody's between
        starts = np.concatenate([[0], pivots[:-1] + 1 - begin])
        tops = np.maximum.reduceat(high[begin : pivots[-1] + 1], starts).tolist()
        oldest = np.searchsorted(pivots, pivots[wanted] - rules.age_max_bars)
        atrs = view.atr()[pivots[wanted] + PIVOTS["pivot-3"]].tolist()
        for k, low, atr in zip(wanted.tolist(), oldest.tolist(), atrs, strict=True):
            mine, first, touches, reach = own[k], k, 1, -math.inf
            level, near, swept = mine, rules.equal_atr * atr, rules.swept_atr * atr
            far = mine + (rules.equal_atr + rules.swept_atr) * atr
            for earlier in range(k - 1, low - 1, -1):
                if tops[earlier + 1] > reach:
                    reach = tops[earlier + 1]  # the highest seen between the two
                    if reach > far:
                        break
                other = own[earlier]
                if abs(mine - other) <= near and reach <= max(mine, other) + swept:
                    level, first, touches = max(level, other), earlier, touches + 1
            if touches > 1:
                rows.append((level, int(pivots[first]), int(pivots[k]) + PIVOTS["pivot-3"], touches))
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return Pools(np.array(columns[0], dtype=np.float64), *(np.array(column, dtype=np.int64) for column in columns[1:]))


def spent_at(view: View, found: Pools, reaching: F8, rules: LevelRules) -> I8:
    """For each pool the first bar after it was known at which `reaching` is at or above it, or when it is too old.

    The later of the two ends counts as n, the bar after the last, when it has not come yet.
    """
    ends = np.minimum(found.origin + rules.age_max_bars + 1, len(view))
    for k, (level, known) in enumerate(zip(found.level.tolist(), found.known.tolist(), strict=True)):
        hit = reaching[known + 1 : ends[k]] >= level
        place = int(hit.argmax()) if len(hit) else 0
        if len(hit) and hit[place]:
            ends[k] = known + 1 + place
    return ends


def crossings(view: View, reaching: F8, kinds: tuple[str, ...], rules: LevelRules, only: B1 | None = None) -> Crossings:
    """Every (bar, level) at which `reaching` is at or above a level under which the bar before closed.

    `reaching` is the close for a break, the high less a margin for a sweep. Levels other than Donchian highs and
    round numbers have the age the rules ask for; pivots and equal highs are reached once, whether or not that bar is
    in `only`, the bars wanted (all when None). Sorted by bar, then level.
    """
    wanted = np.ones(len(view), dtype=np.bool_) if only is None else only
    first = 0 if wanted[: view.first].any() else view.first
    rows: list[tuple[int, float, int, str]] = []
    for kind in kinds:
        if kind not in (*KINDS, *VOLUME_KINDS):
            raise BadInput(f"{kind!r} is not a kind of level: use some of {', '.join((*KINDS, *VOLUME_KINDS))}")
        levels = standing(view, kind, rules, first)
        if levels is not None:
            rows += _standing_crossed(view, reaching, kind, levels[:-1], rules, wanted)
        elif kind == ROUND:
            rows += _round_crossed(view, reaching, rules, wanted)
        else:
            rows += _pools_crossed(view, reaching, kind, rules, wanted)
    rows.sort()
    return Crossings(
        np.array([r[0] for r in rows], dtype=np.int64),
        np.array([r[1] for r in rows], dtype=np.float64),
        np.array([r[2] for r in rows], dtype=np.int64),
        [r[3] for r in rows],
    )


def _standing_crossed(
    view: View, reaching: F8, kind: str, levels: F8, rules: LevelRules, wanted: B1
) -> list[tuple[int, float, int, str]]:
    at = np.flatnonzero(wanted[1:]) + 1
    with np.errstate(invalid="ignore"):
        bars = at[(reaching[at] >= levels[at]) & (view.close[at - 1] < levels[at])].tolist()
    if kind == DONCHIAN:
        return [(bar, level, -1, kind) for bar, level in zip(bars, levels[bars].tolist(), strict=True)]
    rows, first = [], 0 if wanted[: view.first].any() else view.first
    for bar in bars:
        origin = standing_origin(view, kind, bar, rules, first)
        if rules.age_min_bars <= bar - origin <= rules.age_max_bars:
            rows.append((bar, float(levels[bar]), origin, kind))
    return rows


def _pools_crossed(
    view: View, reaching: F8, kind: str, rules: LevelRules, wanted: B1
) -> list[tuple[int, float, int, str]]:
    first = 0 if wanted[: view.first].any() else view.first
    found = standing_pools(view, kind, rules, reaching, first)
    rows = []
    for level, origin, bar in zip(found.level, found.origin, spent_at(view, found, reaching, rules), strict=True):
        if bar >= len(view) or not (wanted[bar] and reaching[bar] >= level and view.close[bar - 1] < level):
            continue
        if rules.age_min_bars <= bar - origin <= rules.age_max_bars:
            rows.append((int(bar), float(level), int(origin), kind))
    return rows


def _round_crossed(view: View, reaching: F8, rules: LevelRules, wanted: B1) -> list[tuple[int, float, int, str]]:
    """The round number passed between one close and the next bar's reach; the farthest if there are several."""
    with np.errstate(invalid="ignore"):
        far = np.flatnonzero(wanted[1:] & (reaching[1:] > view.close[:-1])) + 1
    before, reached = view.panel.close[far - 1], np.exp(view.sign * reaching[far])
    want = before * rules.round_spacing
    power = np.floor(np.log10(want))
    steps = np.stack([m * 10.0 ** (power + k) for k in (-1, 0, 1) for m in (1.0, 2.5, 5.0)])
    step = steps[np.argmin(np.abs(np.log(steps / want)), axis=0), np.arange(len(far))]
    hair = 1e-9
    numbers = (np.floor(reached / step + hair) if view.sign > 0 else np.ceil(reached / step - hair)) * step
    passed = ((numbers - before) * view.sign > 0) & (numbers > 0)
    logs = view.sign * np.log(numbers[passed])
    return [(bar, level, -1, ROUND) for bar, level in zip(far[passed].tolist(), logs.tolist(), strict=True)]


def levels(
    panel: Panel,
    bar: int,
    side: Side = Side.SHORT,
    rules: LevelRules | None = None,
    kinds: tuple[str, ...] = KINDS,
) -> list[Level]:
    """The levels of these `kinds` above the close of `bar` (below it for the long side) as known then, nearest first.

    A touch is a bar since the level was made whose high came within `touch_atr` below it and that closed below.
    Raises BadInput when there is no such bar.
    """
    if not 0 <= bar < len(panel):
        raise BadInput(f"bar must be from 0 to {len(panel) - 1}, was {bar}")
    rules = rules or LevelRules()
    view = View(panel, side)
    rows: list[tuple[float, str, int, int]] = []  # level, kind, bar that made it, bar at whose close it was known
    for kind in kinds:
        if (there := standing(view, kind, rules)) is not None:
            if math.isfinite(there[bar + 1]):
                origin = standing_origin(view, kind, bar + 1, rules)
                rows.append((float(there[bar + 1]), kind, origin, _known_bar(view, kind, origin)))
        elif kind != ROUND:
            found = pools(view, kind, rules)
            ends = spent_at(view, found, view.high - rules.swept_atr * view.atr(), rules)
            rows += [
                (float(found.level[k]), kind, int(found.origin[k]), int(found.known[k]))
                for k in np.flatnonzero((found.known <= bar) & (ends > bar))
            ]
    made = [
        _level(view, row, bar, rules)
        for row in rows
        if row[0] > view.close[bar] and (row[1] == DONCHIAN or rules.age_min_bars <= bar - row[2] <= rules.age_max_bars)
    ]
    if ROUND in kinds:
        made.append(_round_level(view, bar, rules))
    made.sort(key=lambda level: (view.log(level.price), level.kind, level.created_known_at))
    # pivots that join a pool later make the same level again: the first to be known is told
    return [level for k, level in enumerate(made) if k == 0 or (level.price, level.kind) != _who(made[k - 1])]


def _who(level: Level) -> tuple[float, str]:
    return level.price, level.kind


def _known_bar(view: View, kind: str, origin: int) -> int:
    """The bar at whose close a standing level was known: its own for Donchian, the period's last for the others."""
    if kind == DONCHIAN:
        return origin
    length, offset = (WEEK_NS, MONDAY_NS) if kind == WEEK else (DAY_NS, 0)
    key = (view.panel.time_ns + offset) // length
    return int(np.searchsorted(key, key[origin], side="right")) - 1


def _touches(view: View, level: float, first: int, bar: int, rules: LevelRules) -> I8:
    atr = view.atr()[bar]
    high, close = view.high[first : bar + 1], view.close[first : bar + 1]
    touched: I8 = np.flatnonzero((high <= level) & (high >= level - rules.touch_atr * atr) & (close < level)) + first
    return touched


def _level(view: View, row: tuple[float, str, int, int], bar: int, rules: LevelRules) -> Level:
    level, kind, origin, known = row
    touched = _touches(view, level, origin + 1, bar, rules)
    times = view.panel.time_ns
    return Level(
        price=view.price(level),
        kind=kind,
        created_known_at=view.panel.known_ns(known),
        touches=len(touched),
        last_touch_ns=int(times[touched[-1]]) if len(touched) else None,
        age_bars=bar - origin,
        first_ns=int(times[origin]),
    )


def _round_level(view: View, bar: int, rules: LevelRules) -> Level:
    close = float(view.panel.close[bar])
    step = round_step(close, rules.round_spacing)
    ratio = close / step
    number = (math.floor(ratio + 1e-9) + 1 if view.sign > 0 else math.ceil(ratio - 1e-9) - 1) * step
    touched = _touches(view, view.log(number), max(0, bar - rules.age_max_bars), bar, rules)
    return Level(
        price=view.price(view.log(number)),
        kind=ROUND,
        created_known_at=int(view.panel.time_ns[0]),
        touches=len(touched),
        last_touch_ns=int(view.panel.time_ns[touched[-1]]) if len(touched) else None,
        age_bars=None,
        first_ns=None,
    )
