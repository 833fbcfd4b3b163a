"""Volume at price: where the turnover of a completed session took place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bearskin.market import Panel
from bearskin.setups._features import F8, I8
from bearskin.setups._view import View
from bearskin.terms import DAY_NS, BadInput, Side

Session = Literal["day", "week", "rolling"]
SESSIONS: tuple[Session, ...] = ("day", "week", "rolling")
LOOK_BARS = 960  # nothing here looks further back, so that the thousand bars every world has are enough
WEEK_NS, MONDAY_NS = 7 * DAY_NS, 3 * DAY_NS
ROLLING_NS = 30 * DAY_NS
BINS_MAX = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRules:
    """How a profile is made; bins are in log price, shares are of the session's turnover or of the fullest bin."""

    bin_log: float = 0.001  # 10 basis points, at least `bin_ticks` ticks
    bin_ticks: int = 5
    value_share: float = 0.70
    prominence: float = 0.25  # of the fullest bin, for nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeProfile:
    """The turnover of one completed session by price.

    `poc` is the middle of the bin with most turnover (of two in the middle of the profile, the edge between them),
    `val` and `vah` the ends of the value area, `high_nodes` and `low_nodes` the middles of its peaks and valleys; all
    in quote per base, rising. `edges` (bins + 1,) and `turnover` (bins,) are the profile itself. `shrunk` says how much
    of a session longer than what may be looked at is in it.
    """

    session: str
    start_ns: int
    end_ns: int
    bars: int
    poc: float
    vah: float
    val: float
    high_nodes: tuple[float, ...]
    low_nodes: tuple[float, ...]
    edges: F8
    turnover: F8
    shrunk: str = ""


def volume_profile(
    panel: Panel, bar: int, session: Session = "day", rules: ProfileRules | None = None
) -> VolumeProfile | None:
    """The profile of the last UTC day or week (from Monday) complete at the close of `bar`, or of the 30 days to it.

    Each bar's turnover is spread evenly over its range. The value area grows from the fullest bin, each time by the
    fuller of the two neighbouring pairs, until it holds 70% (CBOT's market profile rule). None when no such session is
    whole or nothing traded in it. Raises BadInput for a bar or a session that does not exist.
    """
    if not 0 <= bar < len(panel):
        raise BadInput(f"bar must be from 0 to {len(panel) - 1}, was {bar}")
    if session not in SESSIONS:
        raise BadInput(f"session must be one of {', '.join(SESSIONS)}, was {session!r}")
    return profile_at(View(panel, Side.SHORT), bar, session, rules or ProfileRules(), noded=True)


def profile_at(
    view: View, bar: int, session: Session, rules: ProfileRules, back: int = 0, *, noded: bool = False
) -> VolumeProfile | None:
    """As `volume_profile`, `back` sessions before the last complete one; prices are the market's on either side.

    Nodes are looked for only where `noded`.
    """
    span = span_of(view, bar, session, back)
    if span is None:
        return None
    first, end, start_ns, end_ns, shrunk = span
    return view.share(
        ("profile", session, first, end, rules, noded),
        lambda: _profile(view, session, (first, end), (start_ns, end_ns), shrunk, rules, noded),
    )


def poc_of_days(view: View, bar: int, days: int, rules: ProfileRules) -> tuple[float, int] | None:
    """The market price of most turnover in the last `days` UTC days complete at the close of `bar`, taken together.

    With it how many of these days were there; None when not even the last one was.
    """
    spans = []
    for back in range(days):
        span = span_of(view, bar, "day", back)
        if span is None:
            break
        spans.append(span)
    if not spans:
        return None
    first, end = spans[-1][0], spans[0][1]
    made = view.share(("bins", first, end, rules), lambda: _bins(view, slice(first, end), rules))
    if made is None:
        return None
    found, bottom, width = made
    return math.exp(bottom + width * (sum(_fullest(found)) + 1) / 2), len(spans)


def span_of(view: View, bar: int, session: Session, back: int = 0) -> tuple[int, int, int, int, str] | None:
    """First and end bar of a complete session, its times, and what was cut off; None where it is not all there."""
    times, step = view.panel.time_ns, view.panel.interval_ns
    now_ns, oldest = view.panel.known_ns(bar), max(0, bar + 1 - LOOK_BARS)
    if session == "rolling":
        start_ns = now_ns - ROLLING_NS
        first = max(oldest, int(times.searchsorted(start_ns)))
        held = (now_ns - int(times[first])) / DAY_NS
        return first, bar + 1, start_ns, now_ns, "" if held >= 30 else f"{held:.1f} of 30 days"
    length, offset = (DAY_NS, 0) if session == "day" else (WEEK_NS, MONDAY_NS)
    if step >= length:
        return None
    end_ns = ((now_ns + offset) // length - back) * length - offset
    start_ns = end_ns - length
    first, end = (int(index) for index in times.searchsorted([start_ns, end_ns]))
    if first < oldest or first >= end or int(times[first]) - start_ns >= step:
        return None
    return first, min(end, bar + 1), start_ns, end_ns, ""


def _profile(
    view: View,
    session: str,
    bars: tuple[int, int],
    times: tuple[int, int],
    shrunk: str,
    rules: ProfileRules,
    noded: bool,
) -> VolumeProfile | None:
    made = _bins(view, slice(*bars), rules)
    if made is None:
        return None
    found, bottom, width = made
    count = len(found)
    edges = np.exp(bottom + width * np.arange(count + 1))
    fullest = _fullest(found)
    first, last = value_area(found, fullest, rules.value_share)
    middles = np.exp(bottom + width * (np.arange(count) + 0.5))
    return VolumeProfile(
        session=session,
        start_ns=times[0],
        end_ns=times[1],
        bars=bars[1] - bars[0],
        poc=math.exp(bottom + width * (sum(fullest) + 1) / 2),
        vah=float(edges[last + 1]),
        val=float(edges[first]),
        high_nodes=tuple(middles[nodes(found, rules.prominence)].tolist()) if noded else (),
        low_nodes=tuple(middles[nodes(-found, rules.prominence, float(found.max()))].tolist()) if noded else (),
        edges=edges,
        turnover=found,
        shrunk=shrunk,
    )


def _bins(view: View, held: slice, rules: ProfileRules) -> tuple[F8, float, float] | None:
    """The turnover of some bars by price: per bin, with the log of the lowest edge and the width; None without any."""
    turnover = np.nan_to_num(view.quote_volume()[held])
    low, high = np.log(view.panel.low[held]), np.log(view.panel.high[held])
    if not turnover.sum() > 0:
        return None
    bottom, top = float(low.min()), float(high.max())
    middle = (bottom + top) / 2  # the grid is centred, so that the mirrored market has the mirrored bins
    width = max(rules.bin_log, rules.bin_ticks * view.tick / math.exp(middle), (top - bottom) / BINS_MAX)
    count = max(1, math.ceil((top - bottom) / width - 1e-9))
    bottom = middle - count * width / 2
    return spread(turnover, low, high, bottom, width, count), bottom, width


def spread(turnover: F8, low: F8, high: F8, bottom: float, width: float, count: int) -> F8:
    """Shape (count,): each bar's turnover in equal parts in the bins from its low to its high, in O(bars + bins)."""
    hair = 1e-9
    first = np.clip(np.floor((low - bottom) / width + hair), 0, count - 1).astype(np.int64)
    last = np.clip(np.ceil((high - bottom) / width - hair) - 1, 0, count - 1).astype(np.int64)
    last = np.maximum(first, last)
    part = turnover / (last - first + 1)
    steps = np.bincount(first, weights=part, minlength=count + 1)
    steps -= np.bincount(last + 1, weights=part, minlength=count + 1)
    found: F8 = np.maximum(np.cumsum(steps)[:count], 0.0)
    return found  # running sums of differences leave last digits below zero


def _fullest(found: F8) -> tuple[int, int]:
    """The fullest bin as first and last; of several the one nearest to the middle, of two as near both.

    A market and its mirror image must agree: to take the lower of two would be to take another one in the mirror.
    """
    tied = np.flatnonzero(found >= float(found.max()) * (1 - 1e-12))
    away = np.abs(2 * tied - (len(found) - 1))
    nearest = tied[away == away.min()]
    return int(nearest[0]), int(nearest[-1])


def value_area(found: F8, fullest: tuple[int, int], share: float) -> tuple[int, int]:
    """First and last bin of the value area around the `fullest`: pairs join, the fuller first, both on a tie."""
    need = share * float(found.sum()) * (1 - 1e-12)
    first, last = fullest
    held = float(found[first : last + 1].sum())
    while held < need and (first > 0 or last < len(found) - 1):
        above, below = float(found[last + 1 : last + 3].sum()), float(found[max(0, first - 2) : first].sum())
        up, down = last < len(found) - 1, first > 0
        tied = abs(above - below) <= 1e-12 * (above + below)
        if up and (above > below or tied or not down):
            held, last = held + above, min(last + 2, len(found) - 1)
        if down and (below > above or tied or not up):
            held, first = held + below, max(first - 2, 0)
    return first, last


def nodes(values: F8, prominence: float, scale: float | None = None) -> I8:
    """Indices of local maxima that stand out by `prominence` of `scale` (the largest value when None).

    A plateau counts once, at its middle; the two ends of the profile are no maxima.
    """
    top = float(values.max()) if scale is None else scale
    ends = np.flatnonzero(np.diff(values, append=np.inf if len(values) else 0.0))
    starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64)
    level = values[starts]
    inner = np.flatnonzero((level[1:-1] > level[:-2]) & (level[1:-1] > level[2:])) + 1
    found = [k for k in inner.tolist() if _stands_out(level, k) >= prominence * top]
    return (starts[found] + ends[found]) // 2 if found else np.empty(0, dtype=np.int64)


def _stands_out(level: F8, k: int) -> float:
    """How far the maximum `k` rises over the higher of the lowest points between it and something higher."""
    higher = np.flatnonzero(level > level[k])
    left = higher[higher < k]
    right = higher[higher > k]
    before = level[int(left[-1]) + 1 : k] if len(left) else level[:k]
    after = level[k + 1 : int(right[0])] if len(right) else level[k + 1 :]
    return float(level[k] - max(before.min(), after.min()))
