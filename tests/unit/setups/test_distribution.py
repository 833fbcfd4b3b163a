"""A climb to 0, a bar that reaches one unit higher on heavy turnover and closes low, and a bar that confirms it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from unit.setups.builders import climb, drawn, mirrored, panel_of, price, wilder_atr

from bearskin.setups import Distribution, detect
from bearskin.terms import Side

CLIMB = climb(130)
REJECTION = (0.0, 1.0, -0.5, -0.3)  # 1.5 high: wick 1.0, close 0.2 above the low, middle 0.25
CONFIRM = (-0.3, -0.1, -0.9, -0.6)
BARS = [*CLIMB, REJECTION, CONFIRM]
HEAVY = 100  # the bar of most turnover: closes at -7.25, from -8 to -7
# logs of turnover of 1 and -1 in turn: median 0, deviations all 1, so that z is the log over 1.4826
STEADY = [1.0, -1.0] * 65


def turnover(rejection=5.0, heavy=(HEAVY, 4.0), count=132):
    logs = np.array([*STEADY, rejection, 0.0, 0.0, 0.0][:count])
    logs[heavy[0]] = heavy[1]
    return np.exp(logs)


def found(bars=BARS, side=Side.SHORT, volumes=None, **params):
    volumes = turnover(count=len(bars)) if volumes is None else volumes
    panel = panel_of(bars, quote_volume=volumes)
    return detect(panel, ["distribution"], [side], {"distribution": Distribution(**params)})


def test_a_heavy_rejection_at_the_highs_that_the_next_close_confirms_is_a_short():
    """
    top 0.25 (bar 129), reached to 1.0; z = 5 / 1.4826 = 3.37; the next close of -0.6 is below the middle of 0.25
    stop 1.0 + ATR/4; targets: the price of most turnover in the five whole days, then the low of 96 bars, -24.5
    """
    (event,) = found()
    atr = wilder_atr(BARS)[131]
    assert (event.bar, event.side, event.horizon_bars, event.entry) == (131, Side.SHORT, 24, "market")
    assert event.level == pytest.approx(price(0.25))
    assert event.stop == pytest.approx(price(1.0 + 0.25 * atr))
    assert event.invalidation == pytest.approx(price(1.0))
    assert price(-8) < event.targets[0] < price(-7)
    assert event.targets == pytest.approx((event.attrs["poc_price"], price(-24.5)))
    assert event.attrs["rejection_volume_z"] == pytest.approx(5 / 1.4826)
    assert event.attrs["wick_share"] == pytest.approx(2 / 3)
    assert event.attrs["close_share"] == pytest.approx(0.2 / 1.5)
    assert event.attrs["from_top_atr"] == pytest.approx(0.75 / atr)
    assert "shrunk" not in event.attrs
    assert f"rejected at {price(1.0):.8f}, by the 96-bar high {price(0.25):.8f}" in event.why


def test_the_mirrored_drawing_is_the_mirrored_long():
    (event,) = found(mirrored(BARS), Side.LONG)
    (short,) = found()
    assert event.stop == pytest.approx(10_000 / short.stop)
    assert event.targets == pytest.approx([10_000 / target for target in short.targets])
    assert "96-bar low" in event.why
    assert "its lower wick" in event.why


def test_the_top_the_middle_the_price_of_most_turnover_and_the_bar_are_drawn():
    (event,) = found()
    level, middle, poc, bar = drawn(event, panel_of(BARS))
    assert level == ("level", 129, 0.25, 131, 0.25)
    assert middle == ("middle", 130, 0.25, 131, 0.25)
    assert (poc[0], poc[1], poc[3]) == ("poc", 35, 131)
    assert poc[2] == poc[4] == pytest.approx(100 * math.log(event.attrs["poc_price"] / 100), abs=1e-6)
    assert bar == ("rejection", 130, -0.5, 130, 1.0)


def test_a_higher_high_of_the_confirming_bar_lifts_the_stop():
    """It trades up to 1.2 before it closes low: the stop goes beyond that."""
    bars = [*CLIMB, REJECTION, (-0.3, 1.2, -0.9, -0.6)]
    (event,) = found(bars)
    assert event.stop == pytest.approx(price(1.2 + 0.25 * wilder_atr(bars)[131]))
    assert event.invalidation == pytest.approx(price(1.0))


@pytest.mark.parametrize(
    ("broken", "case"),
    [
        ("turnover is 2.97 deviations above the median", {"volumes": turnover(4.4)}),
        ("the wick is 45% of the bar", {"bars": [*CLIMB, (0.0, 0.7, -0.85, -0.6), (-0.6, -0.5, -1.2, -1.0)]}),
        ("it closes 40% above its low", {"bars": [*CLIMB, (0.0, 1.0, -0.5, 0.1), CONFIRM]}),
        ("it stays 0.3 ATR below the top", {"bars": [*CLIMB, (-1.2, -0.1, -1.6, -1.5), (-1.5, -1.4, -2.2, -2.0)]}),
        ("the next close is above its middle", {"bars": [*CLIMB, REJECTION, (-0.3, 0.6, -0.4, 0.3)]}),
        ("the close below comes a bar later", {"bars": [*CLIMB, REJECTION, (-0.3, 0.6, -0.4, 0.3), CONFIRM]}),
        ("nothing has confirmed it yet", {"bars": [*CLIMB, REJECTION]}),
    ],
)
def test_near_misses_do_not_fire(broken, case):
    assert found(**case) == [], broken


def test_the_near_misses_fire_with_the_condition_mended():
    assert found(volumes=turnover(4.5))  # z 3.04
    assert found([*CLIMB, (0.0, 0.85, -0.75, -0.6), (-0.6, -0.5, -1.2, -1.0)])  # wick 53%
    assert found([*CLIMB, (0.0, 1.0, -0.5, -0.05), CONFIRM])  # closes 30% above its low
    assert found([*CLIMB, (-1.2, 0.05, -1.6, -1.5), (-1.5, -1.4, -2.2, -2.0)])  # 0.2 below the top
    assert found([*CLIMB, REJECTION, (-0.3, 0.6, -0.4, 0.2)])  # closes at 0.2


def test_the_day_that_is_not_over_has_no_price_of_most_turnover():
    """Bar 124 lies in the sixth day: its turnover does not count, and the steady bars' does."""
    (event,) = found(volumes=turnover(heavy=(124, 8.0)))
    assert not price(-2) < event.attrs["poc_price"] < price(0)


def test_with_fewer_whole_days_the_profile_shrinks_and_says_so():
    """Thirteen bars fewer leave four whole days and 23 hours at the signal's close."""
    (event,) = found(BARS[13:], volumes=turnover(heavy=(60, 4.0))[13:])
    assert event.attrs["shrunk"] == "profile 4 of 5 days"


def test_without_a_whole_day_only_the_low_is_a_target():
    (event,) = found(sessions=0)
    assert event.targets == pytest.approx((price(-24.5),))
    assert "poc_price" not in event.attrs


def test_equal_turnover_has_no_deviation_and_no_signal():
    assert found(volumes=np.ones(len(BARS))) == []
