"""How crowded one side of a market is: open interest, funding and greed against their own history."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bearskin.market import Known
from bearskin.setups._features import rank_pct
from bearskin.setups._view import NEUTRAL_8H, View
from bearskin.terms import DAY_NS, BadInput, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdRules:
    """When longs count as crowded; ranks are 0..100 over `days`."""

    days: float = 90.0
    days_min: float = 14.0  # with less history there is no rank
    interest_pct: float = 90.0
    interest_rise: float = 0.10  # over seven days, as a fraction, in coins
    rise_days: float = 7.0
    settlements: int = 3
    funding_pct: float = 95.0
    funding_neutrals: float = 3.0  # times the neutral rate
    greed: float = 75.0
    ratio_pct: float = 95.0  # accounts long over accounts short ...
    top_pct: float = 50.0  # ... while the positions of the largest accounts are not
    ratio_days: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdState:
    """Crowding of the side that a short (a long, in the mirror) would trade against, as known at the close of a bar.

    `score` is the mean of the ranks and greed over 100, None without any. `crowded` says that every term with data
    holds, open interest and funding among them. `interest_pct` ranks open interest in coins, `interest_change` is its
    change over seven days as a fraction; `funding_mean_8h` is the mean of the last settlements as longs pay it. Greed
    and ratios are as the view has them: 100 - greed and 1 / ratio for longs. `dropped` names terms without data,
    `shrunk` windows longer than the data. `ratio_bearish` flags many accounts on the crowded side while the largest
    positions are not; it is a fact about who, never about net exposure, and decides nothing.
    """

    score: float | None
    crowded: bool
    interest_pct: float | None
    interest_change: float | None
    funding_pct: float | None
    funding_mean_8h: float | None
    greed: float | None
    ratio_pct: float | None
    top_pct: float | None
    ratio_change_24h: float | None
    ratio_bearish: bool
    dropped: tuple[str, ...]
    shrunk: tuple[str, ...]

    @property
    def retail_minus_top(self) -> float | None:
        """Rank of all accounts' ratio less that of the largest positions'."""
        return None if self.ratio_pct is None or self.top_pct is None else self.ratio_pct - self.top_pct


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    """One of the three conditions of crowding: `on` is None without data. `rank` is 0..100, `need` what lights it."""

    name: str
    on: bool | None
    rank: float | None
    told: str
    need: str


def crowd_lamps(state: CrowdState, side: Side, rules: CrowdRules | None = None) -> tuple[Lamp, Lamp, Lamp]:
    """Open interest, funding and greed (for longs: fear) as the three lamps of `state`, seen from `side`."""
    rules = rules or CrowdRules()
    short = side is Side.SHORT
    change, paid = state.interest_change, state.funding_mean_8h
    interest = None
    if state.interest_pct is not None and change is not None:
        interest = state.interest_pct >= rules.interest_pct and change >= rules.interest_rise
    funding = None
    if state.funding_pct is not None and paid is not None:
        seen = paid if short else 2 * NEUTRAL_8H - paid
        funding = state.funding_pct >= rules.funding_pct and seen >= rules.funding_neutrals * NEUTRAL_8H
    least = rules.funding_neutrals if short else 2 - rules.funding_neutrals
    greed = state.greed if state.greed is None or short else 100 - state.greed
    return (
        Lamp(
            name="open interest",
            on=interest,
            rank=state.interest_pct,
            told="" if change is None else f"{100 * change:+.1f} % in {rules.rise_days:g} days",
            need=f"rank {rules.interest_pct:g} and {100 * rules.interest_rise:+.0f} % in {rules.rise_days:g} days",
        ),
        Lamp(
            name="funding",
            on=funding,
            rank=state.funding_pct,
            told="" if paid is None else f"{100 * paid:+.4f} % per 8 h",
            need=f"rank {rules.funding_pct:g} and {100 * least * NEUTRAL_8H:+.2f} % per 8 h",
        ),
        Lamp(
            name="greed" if short else "fear",
            on=None if state.greed is None else state.greed >= rules.greed,
            rank=state.greed,
            told="" if greed is None else f"Fear & Greed {greed:.0f}",
            need=f"Fear & Greed {rules.greed if short else 100 - rules.greed:g} or {'more' if short else 'less'}",
        ),
    )


def crowd_state(view: View, bar: int, rules: CrowdRules | None = None) -> CrowdState:
    """The state at the close of `bar` in `view`. Raises BadInput when there is no such bar."""
    if not 0 <= bar < len(view):
        raise BadInput(f"bar must be from 0 to {len(view) - 1}, was {bar}")
    rules = rules or CrowdRules()
    time_ns = view.panel.known_ns(bar)
    return view.keep(("crowd state", time_ns, rules), lambda: _state(view, time_ns, rules))


def _state(view: View, time_ns: int, rules: CrowdRules) -> CrowdState:
    dropped, shrunk = [], []
    interest = ranked(view, view.panel.open_interest, time_ns, rules.days, rules.days_min)
    change = None
    if interest is None:
        dropped.append("open-interest")
    else:
        change = changed(view.panel.open_interest, time_ns, rules.rise_days)
        if interest[1] < rules.days:
            shrunk.append(f"open interest {interest[1]:.0f} of {rules.days:.0f} days")
    crowd = view.crowd(time_ns, settlements=rules.settlements, days=rules.days, days_min=rules.days_min)
    if crowd is None:
        dropped.append("funding")
    elif crowd.days < rules.days:
        shrunk.append(f"funding {crowd.days:.0f} of {rules.days:.0f} days")
    greed = view.latest(view.panel.sentiment, time_ns)
    if greed is None:
        dropped.append("greed")
    elif view.side is Side.LONG:
        greed = 100 - greed
    ratio = ranked(view, view.panel.long_short_ratio, time_ns, rules.ratio_days, rules.days_min, mirrors=True)
    top = ranked(view, view.panel.top_positions_ratio, time_ns, rules.ratio_days, rules.days_min, mirrors=True)
    turned = changed(view.panel.long_short_ratio, time_ns, 1.0)
    terms = [None if interest is None else interest[0], None if crowd is None else crowd.pct, greed]
    there = [term for term in terms if term is not None]
    return CrowdState(
        score=sum(there) / len(there) / 100 if there else None,
        crowded=(
            interest is not None
            and interest[0] >= rules.interest_pct
            and change is not None
            and change >= rules.interest_rise
            and crowd is not None
            and crowd.pct >= rules.funding_pct
            and crowd.mean_8h >= rules.funding_neutrals * NEUTRAL_8H
            and (greed is None or greed >= rules.greed)
        ),
        interest_pct=terms[0],
        interest_change=change,
        funding_pct=terms[1],
        funding_mean_8h=None if crowd is None else view.as_paid_8h(crowd.mean_8h),
        greed=greed,
        ratio_pct=None if ratio is None else ratio[0],
        top_pct=None if top is None else top[0],
        ratio_change_24h=_seen(turned, view.side),
        ratio_bearish=(ratio is not None and ratio[0] >= rules.ratio_pct and (top is None or top[0] <= rules.top_pct)),
        dropped=tuple(dropped),
        shrunk=tuple(shrunk),
    )


def _seen(turned: float | None, side: Side) -> float | None:
    """The change of a ratio as this side sees it; a ratio that fell to nothing has no mirror image."""
    if turned is None or side is Side.SHORT:
        return turned
    return 1 / (1 + turned) - 1 if turned > -1 else None


def ranked(
    view: View, series: Known | None, time_ns: int, days: float, days_min: float, *, mirrors: bool = False
) -> tuple[float, float] | None:
    """The rank of the newest value known at `time_ns` among those of `days`, and how many days that was.

    None without a value, with one older than a day, or with a history below `days_min`.
    """
    if series is None:
        return None
    end = int(series.known_ns.searchsorted(time_ns, side="right"))
    if not end or time_ns - int(series.known_ns[end - 1]) > DAY_NS:
        return None
    last_ns = int(series.time_ns[end - 1])
    first = int(series.time_ns[:end].searchsorted(last_ns - int(days * DAY_NS)))
    held = min(days, (last_ns - int(series.time_ns[0])) / DAY_NS)
    value = float(series.value[end - 1])
    if held < days_min or not math.isfinite(value):
        return None

    def rank() -> float:
        window = series.value[first:end]
        return rank_pct(window[np.isfinite(window)], value)

    rank_short = view.share(("rank", id(series.value), first, end), rank)
    return (100 - rank_short if mirrors and view.side is Side.LONG else rank_short), held


def changed(series: Known | None, time_ns: int, days: float) -> float | None:
    """The change of a series over `days` as a fraction, as known at `time_ns`; None without both ends to the day."""
    if series is None:
        return None
    end = int(series.known_ns.searchsorted(time_ns, side="right"))
    if not end:
        return None
    asked_ns = int(series.time_ns[end - 1]) - int(days * DAY_NS)
    then = int(series.time_ns[:end].searchsorted(asked_ns, side="right")) - 1
    if then < 0 or max(asked_ns - int(series.time_ns[then]), time_ns - int(series.known_ns[end - 1])) > DAY_NS:
        return None
    before, now = float(series.value[then]), float(series.value[end - 1])
    return now / before - 1 if before > 0 and math.isfinite(now) else None
