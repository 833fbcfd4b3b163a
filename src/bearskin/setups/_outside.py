"""Guards that look beside the chart: how easily the coin is pushed, who leads, when little is traded.

Bars are read from the last `LOOK_BARS` only, so a bot that remembers a thousand judges as a backtest over years does.
Whatever has no data is named and passes. The made-up market has no dollars, coins or manipulators: nothing about them
is asked there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from bearskin.setups._events import SetupEvent
from bearskin.setups._features import F8
from bearskin.setups._profile import LOOK_BARS
from bearskin.setups._view import View
from bearskin.setups._volume import VolumeRules, volume_confirmation
from bearskin.terms import DAY_NS, HOUR_NS, MINUTE_NS, Brackets, Reason, Refused, Side

MADE_UP = "synthetic"
DOLLARS = frozenset({"USDT", "USDC", "USD", "FDUSD", "BUSD", "TUSD", "USDE", "DAI"})
GOING_ON = frozenset({"ma_cross", "channel_break", "crowded_longs"})  # no sign of exhaustion
WEEK_HOURS, WEEK_DAYS = 168, 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a symbol beside its series; None: not known.

    `tier1_mmr` is the maintenance rate of the lowest bracket, `float_frac` the part of all coins that circulates,
    `index_venues` how many spot markets make the index, `depth_quote` what rests within 1% of the mid on the thinner
    side, `listed_ns` when trading began.
    """

    tier1_mmr: float | None = None
    float_frac: float | None = None
    index_venues: int | None = None
    depth_quote: float | None = None
    listed_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideRules:
    """Parameters of the guards beside the chart; amounts are in the quote currency, a dollar or its like."""

    trusted: tuple[str, ...] = ("BTC", "ETH")  # coins too large to be asked about
    turnover_24h: float = 50e6  # median of the last seven days
    spot_share: float = 0.10  # spot turnover over the contract's
    depth_quote: float = 1e6
    listed_days: float = 90.0
    mmr_max: float = 0.01
    index_venues: int = 3
    jump_1m: float = 0.10  # one bar's log return, either way, in seven days ...
    jump_longer: float = 0.25  # ... for bars longer than a minute
    float_min: float = 0.20
    floats: tuple[tuple[str, float], ...] = ()  # (symbol or coin, part of all coins that circulates)
    made_up: bool = False  # the venue's market is made up: nothing about dollars and coins is asked
    linkage_bars: int = 12
    basis_days: float = 30.0
    basis_z: float = 1.0
    rsi_bars: int = 14
    rsi_max: float = 70.0
    thin_hour: float | None = None  # of the week's median hour; None asks nothing
    weeks_min: int = 2
    volume: VolumeRules = field(default_factory=VolumeRules)


def facts_of(brackets: Brackets | None) -> Facts:
    """What a venue's brackets tell of a symbol."""
    return Facts() if brackets is None else Facts(tier1_mmr=float(brackets.rows[0].mmr))


class Said(NamedTuple):
    """What one guard says: a veto, reasons for half the size, remarks, names of what had no data."""

    refused: Refused | None = None
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


def outside(event: SetupEvent, view: View, known_since_ns: int, facts: Facts, rules: OutsideRules) -> Iterator[Said]:
    """Each guard in turn. `known_since_ns` is the beginning of the first day known of the symbol."""
    bar = int(view.panel.time_ns.searchsorted(event.known_ns - view.panel.interval_ns, side="right")) - 1
    made_up = rules.made_up or view.panel.instrument.venue == MADE_UP
    if bar < 0:
        return
    if not made_up and view.panel.instrument.base not in rules.trusted:
        yield from _low_cap(view, bar, known_since_ns, facts, rules)
        yield _float(view, facts, rules)
    said = linkage(view, bar, rules)
    yield Said(warnings=said.warnings, remarks=said.remarks, unchecked=() if made_up else said.unchecked)
    yield _rsi(event, view, bar, rules)
    said = _confirmed(view, bar, rules)
    yield Said(warnings=said.warnings, remarks=said.remarks, unchecked=() if made_up else said.unchecked)
    yield _thin_hour(view, bar, rules)


# --- how easily it is pushed -----------------------------------------------------------------------------------------


def _low_cap(view: View, bar: int, known_since_ns: int, facts: Facts, rules: OutsideRules) -> Iterator[Said]:
    """Turnover, spot market, age, the venue's own grade of risk, sudden moves."""
    yield _turnover(view, bar, rules)
    yield _spot_share(view, bar, rules)
    age = (view.panel.known_ns(bar) - (known_since_ns if facts.listed_ns is None else facts.listed_ns)) / DAY_NS
    if age < rules.listed_days:
        if facts.listed_ns is None:
            yield Said(unchecked=("listing age",))  # younger data than that may be of an old coin
        else:
            yield _low(f"{age:.0f} days", f"{rules.listed_days:g}", "listed so long ago")
    yield _at_most(facts.tier1_mmr, rules.mmr_max, "tier-1 maintenance")
    yield _at_least(facts.index_venues, rules.index_venues, "index venues")
    yield _at_least(facts.depth_quote, rules.depth_quote, "depth")
    yield _jump(view, bar, rules)


def _low(have: str, need: str, detail: str) -> Said:
    return Said(refused=Refused(reason=Reason.LOW_CAP, have=have, need=need, detail=detail))


def _at_least(value: float | None, least: float, name: str) -> Said:
    if value is None:
        return Said(unchecked=(name,))
    return Said() if value >= least else _low(f"{value:g}", f"at least {least:g}", name)


def _at_most(value: float | None, most: float, name: str) -> Said:
    if value is None:
        return Said(unchecked=(name,))
    return Said() if value <= most else _low(f"{value:g}", f"at most {most:g}", name)


def _days_before(view: View, bar: int) -> slice:
    """The bars of the last seven whole days up to `bar`, fewer where they are more than may be looked at."""
    per_day = view.bars_of(24)
    held = min(bar + 1, LOOK_BARS) // per_day
    return slice(bar + 1 - min(held, WEEK_DAYS) * per_day, bar + 1)


def _turnover(view: View, bar: int, rules: OutsideRules) -> Said:
    """The median over seven days of a day's turnover, in dollars or what stands for them."""
    if view.panel.instrument.quote not in DOLLARS or view.panel.instrument.inverse:
        return Said(unchecked=("24 h turnover",))
    days = daily_turnover(view, bar)
    if not len(days):
        return Said(unchecked=("24 h turnover",))
    usual = float(np.median(days))
    if usual >= rules.turnover_24h:
        return Said()
    detail = f"median turnover of {len(days)} days, in millions of {view.panel.instrument.quote}"
    return _low(f"{usual / 1e6:.1f}", f"at least {rules.turnover_24h / 1e6:g}", detail)


def daily_turnover(view: View, bar: int) -> F8:
    """Turnover of each of the last seven stretches of 24 hours up to `bar`, oldest first; empty with less than one."""
    span, per_day = _days_before(view, bar), view.bars_of(24)
    if span.start >= span.stop:
        return np.empty(0)
    days: F8 = np.nan_to_num(view.quote_volume()[span]).reshape(-1, per_day).sum(axis=1)
    return days


def _spot_share(view: View, bar: int, rules: OutsideRules) -> Said:
    """Spot turnover over the contract's: a price that is made where little is traded is cheap to push."""
    spot, span = view.panel.spot_quote_volume, _days_before(view, bar)
    if spot is None or span.start >= span.stop:
        return Said(unchecked=("spot turnover",))
    both = np.isfinite(spot[span])
    own = float(np.nansum(view.quote_volume()[span][both]))
    if np.count_nonzero(both) < (span.stop - span.start) / 2 or not own > 0:
        return Said(unchecked=("spot turnover",))
    share = float(spot[span][both].sum()) / own
    if share >= rules.spot_share:
        return Said()
    return _low(f"{100 * share:.1f}%", f"at least {100 * rules.spot_share:g}%", "spot turnover over the contract's")


def _jump(view: View, bar: int, rules: OutsideRules) -> Said:
    """Whether one bar of the last seven days moved as only a pushed coin does."""
    span = _days_before(view, bar)
    first = max(0, (span.start if span.start < span.stop else max(0, bar + 1 - LOOK_BARS)) - 1)
    moves = np.abs(np.diff(view.close[first : bar + 1]))
    minute = view.panel.interval_ns <= MINUTE_NS
    limit = rules.jump_1m if minute else rules.jump_longer
    worst = float(moves.max()) if len(moves) else 0.0
    if worst <= limit:
        return Said()
    instead = "" if minute else f", in place of {100 * rules.jump_1m:g}% in a minute"
    detail = f"log move of one bar in seven days{instead}"
    return _low(f"{100 * worst:.1f}%", f"at most {100 * limit:g}%", detail)


def _float(view: View, facts: Facts, rules: OutsideRules) -> Said:
    """Whether enough of the coins circulate: a few holders of the rest move the price as they please."""
    instrument = view.panel.instrument
    known = facts.float_frac
    for name in (instrument.symbol, instrument.base):
        known = dict(rules.floats).get(name) if known is None else known
    return _at_least(known, rules.float_min, "float")


# --- who leads -------------------------------------------------------------------------------------------------------


class Linkage(NamedTuple):
    """Spot and contract over the last bars of a view; None where a series is absent."""

    basis: float | None  # log of the contract over spot
    basis_z: float | None
    basis_days: float
    own_flow: float | None  # takers' buying less selling over turnover, of the contract
    spot_flow: float | None
    label: str  # "perp-led", "spot-led" or empty


def linkage(view: View, bar: int, rules: OutsideRules) -> Said:
    """A rise that spot buyers make is not faded at full size; one that only the contract makes is named."""
    found = linked(view, bar, rules)
    if found.basis_z is None:
        return Said(unchecked=("spot price",))
    unchecked = () if found.spot_flow is not None else ("spot takers",)
    told = f"basis {100 * (found.basis or 0.0):+.2f}% (z {found.basis_z:+.1f} over {found.basis_days:.0f} days)"
    if found.label == "spot-led":
        return Said(warnings=(f"spot leads the move, {told}",), unchecked=unchecked)
    if found.label == "perp-led":
        return Said(remarks=(f"the contract leads the move, {told}",), unchecked=unchecked)
    return Said(unchecked=unchecked)


def linked(view: View, bar: int, rules: OutsideRules) -> Linkage:
    """The figures behind `linkage`: a rise with spot bought and the basis not rising is spot-led.

    It is perp-led when the basis has risen by `basis_z` of its deviation over the window, the contract was bought and
    spot was not. That futures lead spot is the rule anyway (Frino and others, 2025): a hypothesis, not a fact.
    """
    spot = view.panel.spot_close
    if spot is None or bar < rules.linkage_bars:
        return Linkage(None, None, 0.0, None, None, "")
    bars = min(view.bars_of(24 * rules.basis_days), LOOK_BARS, bar + 1)
    span = slice(bar + 1 - bars, bar + 1)
    basis = view.close[span] - view.sign * np.log(spot[span])
    there = basis[np.isfinite(basis)]
    if len(there) < 4 * rules.linkage_bars or not math.isfinite(basis[-1]):
        return Linkage(None, None, 0.0, None, None, "")
    deviation = float(there.std())
    z = (float(basis[-1]) - float(there.mean())) / deviation if deviation > 0 else 0.0
    first = bar + 1 - rules.linkage_bars
    rise = float(basis[-1] - basis[-1 - rules.linkage_bars]) if len(basis) > rules.linkage_bars else math.nan
    own = view.buy_share(first, bar)
    own_flow = None if own is None else 2 * own - 1
    flow = _spot_flow(view, first, bar)
    label = ""
    if view.close[bar] > view.close[first - 1] and flow is not None and math.isfinite(rise):
        if flow > 0 and rise <= 0:
            label = "spot-led"
        elif flow <= 0 and rise >= rules.basis_z * deviation > 0 and (own_flow or 0.0) > 0:
            label = "perp-led"
    days = bars * view.panel.interval_ns / DAY_NS
    return Linkage(view.sign * float(basis[-1]), view.sign * z, days, own_flow, flow, label)


def _spot_flow(view: View, first: int, last: int) -> float | None:
    """Takers' buying less selling over turnover in the spot pair, the other way round for longs."""
    share, turnover = view.panel.spot_buy_share, view.panel.spot_quote_volume
    if share is None or turnover is None:
        return None
    of, weight = share[first : last + 1], turnover[first : last + 1]
    seen = np.isfinite(of) & np.isfinite(weight)
    total = float(weight[seen].sum())
    return view.sign * float(((2 * of[seen] - 1) * weight[seen]).sum()) / total if total > 0 else None


# --- the signal itself -----------------------------------------------------------------------------------------------


def _rsi(event: SetupEvent, view: View, bar: int, rules: OutsideRules) -> Said:
    """Selling merely because it rises did worst of all that was tested: above the limit a sign of exhaustion is due."""
    if event.setup not in GOING_ON:
        return Said()
    rsi = float(view.rsi(rules.rsi_bars)[bar])
    if not rsi > rules.rsi_max:
        return Said()
    shown = rsi if view.side is Side.SHORT else 100 - rsi
    limit = rules.rsi_max if view.side is Side.SHORT else 100 - rules.rsi_max
    need = f"{'at most' if view.side is Side.SHORT else 'at least'} {limit:g}"
    return Said(refused=Refused(reason=Reason.RSI, have=f"{shown:.0f}", need=need, detail="no sign of exhaustion"))


def _confirmed(view: View, bar: int, rules: OutsideRules) -> Said:
    """A fall on little volume, or one that is longs closing or shorts covering before it, is taken at half size."""
    found = volume_confirmation(view, bar, rules.volume)
    warnings = []
    falls, longs = ("fall", "longs") if view.side is Side.SHORT else ("rise", "shorts")
    if found.weak:
        warnings.append(f"the {falls} has {found.ratio:.2f} times the usual volume")
    if found.quadrant == "longs closing":
        warnings.append(f"{longs} are closing: the move may be over")
    if found.quadrant == "short covering":
        goes_on = "shorts are covering: the squeeze" if view.side is Side.SHORT else "longs are selling out: the fall"
        warnings.append(f"{goes_on} may go on")
    told = f"volume {found.ratio:.1f} times the usual confirms the {falls}" if found.confirmed else ""
    return Said(
        warnings=tuple(warnings),
        remarks=(told,) if told else (),
        unchecked=() if view.panel.open_interest is not None else ("open interest",),
    )


# --- when little is traded -------------------------------------------------------------------------------------------


def _thin_hour(view: View, bar: int, rules: OutsideRules) -> Said:
    if rules.thin_hour is None:
        return Said()
    share = hour_share(view, bar, rules.weeks_min)
    if share is None:
        return Said(unchecked=("hour of the week",))
    if share >= rules.thin_hour:
        return Said()
    have, need = f"{share:.2f} of the median hour's turnover", f"at least {rules.thin_hour:g}"
    return Said(refused=Refused(reason=Reason.THIN_HOUR, have=have, need=need))


def hour_share(view: View, bar: int, weeks_min: int = 2) -> float | None:
    """The usual turnover of the hour of the week that begins at the close of `bar`, over that of the median hour.

    Medians over the last `LOOK_BARS` bars. None for bars longer than an hour, or with fewer than `weeks_min` of that
    hour in them.
    """
    if view.panel.interval_ns > HOUR_NS:
        return None
    span = slice(max(0, bar + 1 - LOOK_BARS), bar + 1)
    hours = view.panel.time_ns[span] // HOUR_NS
    starts = np.concatenate([[0], np.flatnonzero(np.diff(hours)) + 1])
    sums = np.add.reduceat(np.nan_to_num(view.quote_volume()[span]), starts)
    of = hours[starts] % WEEK_HOURS
    asked = view.panel.known_ns(bar) // HOUR_NS % WEEK_HOURS
    if np.count_nonzero(of == asked) < weeks_min:
        return None
    usual = [float(np.median(sums[of == hour])) for hour in np.unique(of).tolist()]
    middle = float(np.median(usual))
    return float(np.median(sums[of == asked])) / middle if middle > 0 else None
