"""A long climb of a quarter unit a bar, then a fall as steep; the means are worked out the long way."""

from __future__ import annotations

import math

import pytest
from unit.setups.builders import climb, drawn, mirrored, panel_of, price

from bearskin.setups import MaCross, abstentions, detect
from bearskin.terms import Reason, Side

CLIMB = climb(230)
FALL = [(-0.25 * k, -0.25 * k + 0.5, -0.25 * k - 0.5, -0.25 * (k + 1)) for k in range(60)]  # true range of one
BARS = [*CLIMB, *FALL]
CLOSES = [bar[3] for bar in BARS]


def mean_of(closes, bars):
    """Exponential mean: the plain one of the first `bars`, then 2 / (bars + 1) of the way to each close."""
    values = [math.nan] * (bars - 1) + [sum(closes[:bars]) / bars]
    for close in closes[bars:]:
        values.append(values[-1] + (close - values[-1]) * 2 / (bars + 1))
    return values


FAST, SLOW, LONG = (mean_of(CLOSES, bars) for bars in (20, 50, 200))
CROSS = next(i for i in range(230, len(BARS)) if FAST[i] < SLOW[i])


def found(bars=BARS, side=Side.SHORT, **params):
    return detect(panel_of(bars), ["ma_cross"], [side], {"ma_cross": MaCross(**params)})


def test_a_cross_below_a_falling_mean_is_a_short_that_trails():
    """
    the ten bars' highest high is 2.25 + 0.75 above the close, more than may be risked: the stop stands 2.5 ATR away
    no target, no time, no close that ends it
    """
    (event,) = found()
    close = CLOSES[CROSS]
    assert (event.bar, event.side, event.entry) == (CROSS, Side.SHORT, "market")
    assert (event.targets, event.horizon_bars, event.invalidation, event.trail_atr) == ((), 0, 0.0, 3.0)
    assert event.stop == pytest.approx(price(close + 2.5))
    assert event.level == pytest.approx(price(SLOW[CROSS]))
    assert event.attrs["fast_price"] == pytest.approx(price(FAST[CROSS]))
    assert event.attrs["slow_price"] == pytest.approx(price(SLOW[CROSS]))
    assert event.attrs["slow_fall_atr"] == pytest.approx(SLOW[CROSS - 10] - SLOW[CROSS])
    assert event.attrs["high_atr"] == pytest.approx(3.0)
    assert event.attrs["risk_atr"] == pytest.approx(2.5)
    assert event.attrs["regime"] == "against"  # the 50-bar mean is still above the 200-bar mean
    assert SLOW[CROSS] > LONG[CROSS]
    assert f"20-bar mean {price(FAST[CROSS]):.8f} newly below its 50-bar mean" in event.why


def test_the_mirrored_drawing_is_the_mirrored_long():
    (event,) = found(mirrored(BARS), Side.LONG)
    assert (event.bar, event.side) == (CROSS, Side.LONG)
    assert event.stop == pytest.approx(price(-CLOSES[CROSS] - 2.5))
    assert "newly above its 50-bar mean" in event.why


def test_a_nearer_high_sets_the_stop():
    """Of four bars the highest high is 0.75 + 0.75 above the close; a quarter of an ATR goes on top."""
    (event,) = found(high_bars=4)
    assert event.stop == pytest.approx(price(CLOSES[CROSS] + 1.75))
    assert event.anchor_ns == panel_of(BARS).time_ns[CROSS - 3]


def test_the_means_and_the_high_are_drawn():
    (event,) = found()
    *means, high = drawn(event, panel_of(BARS))
    assert [(m[0], m[1], m[3]) for m in means] == [
        (name, CROSS - back, CROSS - back + 10) for name in ("fast", "slow") for back in (30, 20, 10)
    ]
    assert means[2][4] == pytest.approx(FAST[CROSS], abs=1e-6)
    assert means[3][2] == pytest.approx(SLOW[CROSS - 30], abs=1e-6)
    assert high == ("high", CROSS - 9, round(CLOSES[CROSS] + 3.0, 6), CROSS, round(CLOSES[CROSS] + 3.0, 6))


@pytest.mark.parametrize(
    ("broken", "case"),
    [
        ("the slow mean is higher than it was sixty bars before", {"slope_bars": 60}),
        ("the bar before the cross is the last", {"bars": BARS[:CROSS]}),
        ("the stop would be within the noise", {"stop_max_atr": 0.4}),
    ],
)
def test_near_misses_do_not_fire(broken, case):
    assert found(**case) == [], broken


def test_a_cross_is_told_once_and_the_way_back_is_a_long():
    back = CLOSES[-1]
    rise = [(c - 0.25, c + 0.25, c - 0.75, c) for c in (back + 0.25 * k for k in range(1, 80))]
    bars = [*BARS, *rise]
    closes = [bar[3] for bar in bars]
    fast, slow = mean_of(closes, 20), mean_of(closes, 50)
    up = next(i for i in range(len(BARS), len(bars)) if fast[i] > slow[i])
    events = detect(panel_of(bars), ["ma_cross"])
    assert [(e.bar, e.side) for e in events] == [(CROSS, Side.SHORT), (up, Side.LONG)]


def test_with_few_bars_it_abstains():
    (said,) = abstentions(panel_of(CLIMB[:149]), ["ma_cross"])
    assert (said.refused.reason, said.refused.need) == (Reason.NO_DATA, "150 bars")


def test_without_the_long_mean_there_is_no_regime():
    (event,) = found(BARS[CROSS - 160 :], regime_bars=300)
    assert "regime" not in event.attrs
