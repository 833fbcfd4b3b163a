"""Guards: what may stop or shrink a trade a set-up asks for, and the daily regime.

Rules are told for shorts; the long's view mirrors them. Only what it costs in money is not mirrored: longs pay funding
as it is. A guard without data passes, is listed as unchecked and halves the size; those beside the chart, which have
no source here, together halve it once.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from bearskin.market import Panel
from bearskin.setups._events import Days, GuardVerdict, SetupEvent
from bearskin.setups._families import enough_families
from bearskin.setups._features import F8, I8, Higher, indicator
from bearskin.setups._outside import Facts, OutsideRules, outside
from bearskin.setups._view import FUNDING_HOURS, View
from bearskin.terms import DAY_NS, HOUR_NS, BadInput, Reason, Refused, Side

VIEWS_KEPT = 64  # sides of panels whose daily bars are remembered; a portfolio asks about many in turn


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRules:
    """Parameters of the guards; rates are per eight hours, rises in log price. `outside` has those beside the chart."""

    veto_8h: float = -0.0002  # last settled rate at or below
    settlements: int = 3
    pct_min: float = 5.0  # rank of their mean at or below
    funding_days: float = 90.0
    funding_days_min: float = 14.0  # with less history the rank is not asked
    paid_of_risk: float = 0.25  # funding expected over the horizon, of the distance to the stop
    paid_of_target: float = 0.20  # of the distance to the nearest target
    open_hours: float = 72.0  # the horizon of a trade that names none: nine settlements of eight hours
    cost_multiple: float = 3.0  # nearest target against fees, slippage and that funding together
    ema_fast: int = 20  # days
    ema_slow: int = 50
    adx_bars: int = 14
    adx_min: float = 25.0
    triggers_min: int = 2  # different set-ups on the same side ...
    trigger_bars: int = 6  # ... within this many bars
    month_days: int = 30
    month_rise: float = 0.30
    caution: float = 0.5  # size where a guard warns or has no data
    families_min: int = 0  # kinds of evidence (structure, positioning, flow) a signal needs; 0 asks nothing
    outside: OutsideRules | None = field(default_factory=OutsideRules)  # None asks nothing beside the chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """The daily trend as known at a time: `uptrend`, `downtrend`, `range` or `unknown` (too few days).

    `sides` are those `auto` mode trades: with the trend in one, both otherwise.
    """

    label: str
    sides: tuple[Side, ...]
    figures: Mapping[str, float]


class Trend(NamedTuple):
    """Daily figures of a view at one time; `up` in a long's view means falling prices."""

    up: bool
    close: float
    fast: float
    slow: float
    slope: float
    adx: float
    month: float
    days: int


class _Views:
    """The views guards were last asked about: daily bars are worth keeping between two events of a symbol."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int, Side], tuple[View, Days | None]] = OrderedDict()

    def of(self, panel: Panel, side: Side, days: Days | None) -> View:
        key = (id(panel), id(days), side)
        view, kept = self._kept.get(key, (None, None))
        if view is None or view.panel is not panel or kept is not days:
            other = self._kept.get((id(panel), id(days), Side(-side)), (None, None))[0]
            view = View(panel, side, other if other is not None and other.panel is panel else None)
            if days is not None:
                view.keep(("higher", DAY_NS), lambda: _seen_from(view, days))
            self._kept[key] = view, days
            while len(self._kept) > VIEWS_KEPT:
                self._kept.popitem(last=False)
        return view

    def clear(self) -> None:
        self._kept.clear()


_VIEWS = _Views()


def forget_views() -> None:
    """Let go of the panels that guards were last asked about: for whoever goes through many large ones in turn."""
    _VIEWS.clear()


def _seen_from(view: View, days: Days) -> Higher:
    top, bottom = (days.high, days.low) if view.side is Side.SHORT else (days.low, days.high)
    logs = (view.sign * np.log(prices) for prices in (top, bottom, days.close))
    high, low, close = logs
    return Higher(known_ns=days.known_ns, high=high, low=low, close=close)


def _daily(view: View, rules: GuardRules) -> tuple[I8, F8, F8, F8, F8]:
    """End of each complete UTC day, its close, both means and the ADX."""

    def build() -> tuple[I8, F8, F8, F8, F8]:
        days = view.higher(DAY_NS)
        fast = indicator("EMA", days.close, bars=rules.ema_fast)
        slow = indicator("EMA", days.close, bars=rules.ema_slow)
        adx = indicator("ADX", days.high, days.low, days.close, bars=rules.adx_bars)
        return days.known_ns, days.close, fast, slow, adx

    return view.keep(("daily", rules.ema_fast, rules.ema_slow, rules.adx_bars), build)


def _trend(view: View, time_ns: int, rules: GuardRules) -> Trend | None:
    """The daily trend from days complete at `time_ns`; None with too few of them."""
    known, close, fast, slow, adx = _daily(view, rules)
    day = int(known.searchsorted(time_ns, side="right")) - 1
    if day < 1 or not math.isfinite(slow[day - 1] + fast[day] + adx[day]):
        return None
    slope = float(slow[day] - slow[day - 1])
    month = float(close[day] - close[day - rules.month_days]) if day >= rules.month_days else math.nan
    up = fast[day] > slow[day] and slope > 0 and adx[day] > rules.adx_min and close[day] > fast[day]
    return Trend(
        up=bool(up),
        close=float(close[day]),
        fast=float(fast[day]),
        slow=float(slow[day]),
        slope=slope,
        adx=float(adx[day]),
        month=month,
        days=day + 1,
    )


def regime(panel: Panel, bar: int, preset: GuardRules | None = None, days: Days | None = None) -> Regime:
    """The daily regime as known at the close of `bar`, from complete UTC days only.

    Uptrend: EMA20 above EMA50, EMA50 rising, ADX14 above 25 and the close above EMA20; downtrend is its mirror;
    anything else is a range. Figures are prices, the slope of EMA50 as a fraction per day, ADX and days seen. `days`
    stand in for those of the panel, where it is only the last part of what is known. Raises BadInput when there is no
    such bar.
    """
    if not 0 <= bar < len(panel):
        raise BadInput(f"bar must be from 0 to {len(panel) - 1}, was {bar}")
    rules, time_ns = preset or GuardRules(), panel.known_ns(bar)
    view = _VIEWS.of(panel, Side.SHORT, days)
    rising = _trend(view, time_ns, rules)
    falling = _trend(_VIEWS.of(panel, Side.LONG, days), time_ns, rules)
    if rising is None or falling is None:
        return Regime(label="unknown", sides=(Side.SHORT, Side.LONG), figures={})
    figures = {
        "close_price": view.price(rising.close),
        "ema_fast_price": math.exp(rising.fast),
        "ema_slow_price": math.exp(rising.slow),
        "ema_slow_slope": rising.slope,
        "adx": rising.adx,
        "days": float(rising.days),
    }
    if rising.up:
        return Regime(label="uptrend", sides=(Side.LONG,), figures=figures)
    if falling.up:
        return Regime(label="downtrend", sides=(Side.SHORT,), figures=figures)
    return Regime(label="range", sides=(Side.SHORT, Side.LONG), figures=figures)


def guard(
    event: SetupEvent,
    panel: Panel,
    recent_events: Sequence[SetupEvent],
    preset: GuardRules | None = None,
    days: Days | None = None,
    facts: Facts | None = None,
) -> GuardVerdict:
    """What the guards say of `event`, from what was known at its `known_ns`.

    `recent_events` are those detected so far, `event` among them or not; later ones and other symbols' are passed over.
    `days` stand in for the panel's own, as in `regime`; `facts` are what no series tells.
    The predicted funding rate is not in a panel: the last settled one stands in. A veto comes with size 0; otherwise
    the size is halved for every warning, for the squeeze and the trend guard where they have no data, and once more for
    all other guards without data together. Raises BadInput for another symbol's panel.
    """
    if event.symbol != panel.instrument.symbol:
        raise BadInput(f"the event is of {event.symbol}, the panel of {panel.instrument.symbol}")
    rules, view = preset or GuardRules(), _VIEWS.of(panel, event.side, days)
    unchecked: list[str] = []
    reasons: list[str] = []
    halvings = 0
    answers = {"squeeze": _squeeze(event, view, rules), "trend": _trend_guard(event, view, recent_events, rules)}
    for name, found in answers.items():
        if found is None:
            unchecked.append(name)
            halvings += 1
        elif isinstance(found, Refused):
            return GuardVerdict(veto=found, size_multiplier=0.0, unchecked=tuple(unchecked), reasons=(str(found),))
        else:
            reasons += found
            halvings += len(found)
    refused = enough_families(event, view.panel, recent_events, rules.families_min, rules.trigger_bars)
    known = len(unchecked)
    if rules.outside is not None and refused is None:
        daily = view.higher(DAY_NS).known_ns
        since_ns = int(daily[0]) - DAY_NS if len(daily) else int(panel.time_ns[0])
        for said in outside(event, view, since_ns, facts or Facts(), rules.outside):
            refused = said.refused
            if refused is not None:
                break
            unchecked += said.unchecked
            reasons += [*said.warnings, *said.remarks]
            halvings += len(said.warnings)
    if refused is not None:
        return GuardVerdict(veto=refused, size_multiplier=0.0, unchecked=tuple(unchecked), reasons=(str(refused),))
    halvings += len(unchecked) > known
    return GuardVerdict(
        veto=None, size_multiplier=rules.caution**halvings, unchecked=tuple(unchecked), reasons=tuple(reasons)
    )


def _squeeze(event: SetupEvent, view: View, rules: GuardRules) -> Refused | list[str] | None:
    """Funding against the position: who is on the crowded side pays, and is bought out first."""
    crowd = view.crowd(event.known_ns, settlements=rules.settlements, days=rules.funding_days)
    if crowd is None:
        return None
    last, mean = view.as_paid_8h(crowd.last_8h), view.as_paid_8h(crowd.mean_8h)
    if crowd.last_8h <= rules.veto_8h:
        limit = _rate(view.as_paid_8h(rules.veto_8h))
        need = f"{'above' if event.side is Side.SHORT else 'below'} {limit}"
        return Refused(reason=Reason.SQUEEZE, have=_rate(last), need=need, detail="last settled rate per 8 h")
    if crowd.days >= rules.funding_days_min and crowd.pct <= rules.pct_min:
        rank = crowd.pct if event.side is Side.SHORT else 100 - crowd.pct
        detail = f"mean funding {_rate(mean)} per 8 h ranks {rank:.0f} of 100 over {crowd.days:.0f} days"
        return Refused(reason=Reason.SQUEEZE, detail=detail)
    refused = _carry(event, view, mean, rules)
    if refused is not None:
        return refused
    return [f"funding {_rate(last)} per 8 h is against the {event.side.word}"] if crowd.last_8h < 0 else []


def _carry(event: SetupEvent, view: View, mean_8h: float, rules: GuardRules) -> Refused | None:
    """Whether the funding expected over the horizon, in real money, leaves enough of the risk and of the target.

    Without a target only the risk is asked.
    """
    hours = event.horizon_bars * view.panel.interval_ns / HOUR_NS if event.horizon_bars else rules.open_hours
    paid = max(0.0, int(event.side) * mean_8h * hours / FUNDING_HOURS)
    risk = abs(event.stop - event.entry_ref) / event.entry_ref
    reward = abs(event.targets[0] - event.entry_ref) / event.entry_ref if event.targets else math.inf
    told = f"funding at {_rate(mean_8h)} per 8 h would cost {100 * paid:.2f}% in {hours:g} h"
    for share, of, name in ((rules.paid_of_risk, risk, "risk"), (rules.paid_of_target, reward, "target")):
        if paid > share * of:
            have, need = f"{100 * paid / of:.0f}% of the {name}", f"at most {100 * share:.0f}%"
            return Refused(reason=Reason.SQUEEZE, have=have, need=need, detail=told)
    cost = float(event.attrs.get("cost_frac", 0.0)) + paid
    if paid > 0 and reward < rules.cost_multiple * cost:
        have, need = f"{reward / cost:.1f} times the cost", f"{rules.cost_multiple:g} times"
        return Refused(reason=Reason.COST_EATS_TARGET, have=have, need=need, detail=told)
    return None


def _trend_guard(
    event: SetupEvent, view: View, recent: Sequence[SetupEvent], rules: GuardRules
) -> Refused | list[str] | None:
    """A short against a strong daily uptrend needs two different set-ups, and never stands before a spot-led one."""
    trend = _trend(view, event.known_ns, rules)
    if trend is None:
        return None
    moved = 100 * (math.exp(view.sign * trend.month) - 1)
    crowd = view.crowd(event.known_ns, settlements=rules.settlements, days=rules.funding_days)
    if trend.month > rules.month_rise and crowd is not None and crowd.pct < 50:
        detail = f"{moved:+.0f}% in {rules.month_days} days with funding on the quiet side: spot leads"
        return Refused(reason=Reason.TREND, detail=detail)
    if not trend.up:
        return []
    near = {
        other.setup
        for other in (event, *recent)
        if other.symbol == event.symbol
        and other.side is event.side
        and 0 <= event.bar - other.bar <= rules.trigger_bars
    }
    told = f"daily {'uptrend' if event.side is Side.SHORT else 'downtrend'} (ADX {trend.adx:.0f})"
    if len(near) < rules.triggers_min:
        have, need = f"{len(near)} set-up", f"{rules.triggers_min} within {rules.trigger_bars} bars"
        return Refused(reason=Reason.TREND, have=have, need=need, detail=told)
    return [f"{told}, against it {' and '.join(sorted(near))}"]


def _rate(rate: float) -> str:
    return f"{100 * rate:.4f}%"
