"""The guards against daily trends and funding drawn by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from unit.setups.builders import START_NS, funding_of, instrument
from unit.setups.test_template import event

from bearskin.market import Panel
from bearskin.setups import GuardRules, guard, regime
from bearskin.terms import DAY_NS, HOUR_NS, BadInput, Reason, Side

DAYS = 80


def daily_panel(path, *, funding=None, days=DAYS) -> Panel:
    """Hourly bars whose log price at hour t is `path(t / 24)` days on, with wicks of 0.2% either side."""
    hours = np.arange(days * 24 + 1)
    y = np.array([path(h / 24) for h in hours])
    opens, closes = y[:-1], y[1:]
    high, low = np.maximum(opens, closes) + 0.002, np.minimum(opens, closes) - 0.002
    ones = np.ones(len(opens))
    columns = {"open": opens, "high": high, "low": low, "close": closes}
    return Panel(
        instrument=instrument(),
        interval_ns=HOUR_NS,
        time_ns=START_NS + HOUR_NS * np.arange(len(opens), dtype=np.int64),
        **{name: 100 * np.exp(column) for name, column in columns.items()},
        volume=ones,
        funding=funding,
    )


def rising(day: float) -> float:
    return 0.005 * day


def falling(day: float) -> float:
    return -0.005 * day


def waves(day: float) -> float:
    return 0.02 * math.sin(2 * math.pi * day / 7)


END_NS = START_NS + DAYS * DAY_NS
LAST = DAYS * 24 - 1
NEUTRAL = [0.0001] * 240


def at_end(side=Side.SHORT, **changed):
    return event(side, bar=LAST, known_ns=END_NS, **changed)


def calm(rates=None, path=waves):
    return daily_panel(path, funding=funding_of(rates or NEUTRAL, END_NS))


def test_a_calm_market_with_neutral_funding_passes_at_full_size():
    verdict = guard(at_end(), calm(), [])
    assert (verdict.veto, verdict.size_multiplier, verdict.unchecked, verdict.reasons) == (None, 1.0, (), ())


def test_constant_neutral_funding_is_no_rank_at_the_bottom():
    """With nothing but ties the rank is 50 for both sides: a quiet market is not a squeeze."""
    assert guard(at_end(Side.LONG), calm(), []).veto is None


@pytest.mark.parametrize(
    ("side", "rate"), [(Side.SHORT, -0.0002), (Side.SHORT, -0.001), (Side.LONG, 0.0004), (Side.LONG, 0.001)]
)
def test_funding_far_against_the_position_is_a_veto(side, rate):
    """The mirror of -0.02% around the neutral 0.01% is 0.04%."""
    verdict = guard(at_end(side), calm([*NEUTRAL, rate]), [])
    assert verdict.veto is not None
    assert verdict.veto.reason is Reason.SQUEEZE
    assert verdict.size_multiplier == 0.0


@pytest.mark.parametrize(("side", "rate"), [(Side.SHORT, -0.00005), (Side.LONG, 0.00025)])
def test_funding_a_little_against_it_halves_the_size(side, rate):
    """Low rates are common in this history, so the rank is not at the bottom."""
    verdict = guard(at_end(side), calm([rate] * 60 + NEUTRAL + [rate]), [])
    assert verdict.veto is None
    assert verdict.size_multiplier == 0.5
    assert len(verdict.reasons) == 1


@pytest.mark.parametrize(("side", "rate"), [(Side.SHORT, 0.00001), (Side.LONG, 0.00019)])
def test_the_lowest_mean_in_ninety_days_is_a_veto(side, rate):
    verdict = guard(at_end(side), calm([*NEUTRAL, rate]), [])
    assert verdict.veto is not None
    assert "ranks" in verdict.veto.detail


def test_a_short_history_asks_no_rank():
    recent = calm([0.0001] * 30 + [0.00001])
    assert guard(at_end(), recent, []).veto is None


def test_funding_expected_over_the_horizon_must_leave_enough_of_the_risk():
    """-0.015% every hour is -0.12% per eight: 24 hours would cost 0.36% of a 1.2% risk, 30% of it."""
    tight = at_end(stop=101.2, targets=(90.0,))
    hourly = funding_of([-0.00015] * 600, END_NS, hours=1)
    lenient = GuardRules(veto_8h=-1.0, pct_min=-1.0)
    verdict = guard(tight, daily_panel(waves, funding=hourly), [], lenient)
    assert verdict.veto is not None
    assert verdict.veto.reason is Reason.SQUEEZE
    assert verdict.veto.have == "30% of the risk"
    wide = at_end(stop=101.5, targets=(90.0,))
    assert guard(wide, daily_panel(waves, funding=hourly), [], lenient).veto is None


def test_funding_expected_is_real_money_for_the_long():
    """A long pays a positive rate as it is: 0.03% per eight hours for 24 hours is 0.09% of a 0.4% target: 22%."""
    near = at_end(Side.LONG, stop=99.0, targets=(100.4,))
    paying = calm([0.0003] * 240)
    verdict = guard(near, paying, [], GuardRules(veto_8h=-1.0, pct_min=-1.0))
    assert verdict.veto is not None
    assert verdict.veto.need == "at most 20%"
    assert "0.09%" in verdict.veto.detail
    assert guard(at_end(stop=101.0, targets=(99.6,)), paying, []).veto is None  # the short is paid


def test_funding_and_fees_together_may_eat_the_target():
    """Cost 0.14% and 0.03% of funding, three times: 0.51% for a target 0.45% away."""
    near = at_end(stop=101.0, targets=(99.55,), attrs={"cost_frac": 0.0014})
    rates = [-0.0001] * 240
    verdict = guard(near, calm(rates), [])
    assert verdict.veto is not None
    assert verdict.veto.reason is Reason.COST_EATS_TARGET


def test_a_trade_without_time_or_target_pays_funding_for_three_days_of_its_risk():
    """-0.01% per eight hours is 0.09% in 72 hours: more than a quarter of 0.35%, less than one of 0.37%."""
    open_end = {"targets": (), "horizon_bars": 0, "trail_atr": 3.0, "attrs": {"cost_frac": 0.05}}
    panel = calm([-0.0001] * 240)
    verdict = guard(at_end(stop=100.35, **open_end), panel, [])
    assert verdict.veto is not None
    assert verdict.veto.have == "26% of the risk"
    assert "in 72 h" in verdict.veto.detail
    assert guard(at_end(stop=100.37, **open_end), panel, []).veto is None


def test_without_funding_the_squeeze_guard_is_unchecked_and_halves():
    verdict = guard(at_end(), daily_panel(waves), [])
    assert (verdict.veto, verdict.size_multiplier, verdict.unchecked) == (None, 0.5, ("squeeze",))


def test_without_funding_and_days_a_quarter_is_left():
    short = daily_panel(waves, days=20)
    verdict = guard(event(bar=479, known_ns=START_NS + 20 * DAY_NS), short, [])
    assert (verdict.veto, verdict.size_multiplier, verdict.unchecked) == (None, 0.25, ("squeeze", "trend"))


@pytest.mark.parametrize(("side", "path"), [(Side.SHORT, rising), (Side.LONG, falling)])
def test_one_set_up_alone_does_not_stand_against_the_trend(side, path):
    panel, lone = calm(path=path), at_end(side)
    verdict = guard(lone, panel, [lone])
    assert verdict.veto is not None
    assert verdict.veto.reason is Reason.TREND
    other = at_end(Side(-side), setup="other")
    assert guard(lone, panel, [lone, other]).veto is not None  # another side's
    stale = event(side, setup="other", bar=LAST - 7)
    assert guard(lone, panel, [stale]).veto is not None  # seven bars ago
    coming = event(side, setup="other", bar=LAST + 1)
    assert guard(lone, panel, [coming]).veto is not None  # not known yet
    foreign = event(side, setup="other", bar=LAST, symbol="OTHERUSDT")
    assert guard(lone, panel, [foreign]).veto is not None


@pytest.mark.parametrize(("side", "path"), [(Side.SHORT, rising), (Side.LONG, falling)])
def test_two_set_ups_within_six_bars_pass_at_half_size(side, path):
    verdict = guard(at_end(side), calm(path=path), [event(side, setup="other", bar=LAST - 6)])
    assert (verdict.veto, verdict.size_multiplier) == (None, 0.5)
    assert "drawn and other" in verdict.reasons[0]


def test_the_trend_is_no_trouble_for_those_who_go_with_it():
    assert guard(at_end(Side.LONG), calm(path=rising), []).veto is None


def test_a_spot_led_month_is_a_veto_whatever_the_triggers():
    """36% in thirty days of log price with funding below its usual."""
    steep = calm([*[0.0002] * 237, 0.0001, 0.0001, 0.0001], path=lambda day: 0.012 * day)
    others = [at_end(setup="other")]
    lenient = GuardRules(pct_min=-1.0)
    verdict = guard(at_end(), steep, others, lenient)
    assert verdict.veto is not None
    assert "spot leads" in verdict.veto.detail
    usual = calm(path=lambda day: 0.012 * day)
    assert guard(at_end(), usual, others, lenient).veto is None


def test_only_days_complete_at_the_event_count():
    """An hour before midnight the last day is not known: a crash in it changes nothing."""
    bars = LAST - 1
    seen = event(bar=bars, known_ns=END_NS - HOUR_NS)
    crash = calm(path=lambda day: rising(day) - (0.5 if day > DAYS - 0.9 else 0.0))
    assert guard(seen, crash, []) == guard(seen, calm(path=rising), [])
    assert regime(crash, bars).label == "uptrend"


@pytest.mark.parametrize(
    ("path", "label", "sides"),
    [
        (rising, "uptrend", (Side.LONG,)),
        (falling, "downtrend", (Side.SHORT,)),
        (waves, "range", (Side.SHORT, Side.LONG)),
    ],
)
def test_the_regime_names_the_sides_of_auto_mode(path, label, sides):
    said = regime(daily_panel(path), LAST)
    assert (said.label, said.sides) == (label, sides)
    assert said.figures["days"] == DAYS
    assert said.figures["close_price"] == pytest.approx(100 * math.exp(path(DAYS)))


def test_a_steady_trend_has_means_that_can_be_worked_out():
    """An EMA of n days trails a straight line by (n - 1) / 2 days, once its SMA start has it there from the first."""
    figures = regime(daily_panel(rising), LAST).figures
    assert figures["ema_fast_price"] == pytest.approx(100 * math.exp(rising(DAYS - 9.5)))
    assert figures["ema_slow_price"] == pytest.approx(100 * math.exp(rising(DAYS - 24.5)))
    assert figures["ema_slow_slope"] == pytest.approx(0.005)


def test_too_few_days_are_unknown_and_hold_nobody_back():
    said = regime(daily_panel(rising, days=50), 50 * 24 - 1)
    assert (said.label, said.sides) == ("unknown", (Side.SHORT, Side.LONG))


def test_bad_questions():
    with pytest.raises(BadInput, match="from 0 to"):
        regime(calm(), LAST + 1)
    with pytest.raises(BadInput, match="OTHERUSDT"):
        guard(at_end(symbol="OTHERUSDT"), calm(), [])
