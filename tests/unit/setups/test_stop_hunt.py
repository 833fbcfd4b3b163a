"""A day that climbs a quarter ATR an hour to 0, under a Donchian high of 0.25, and a last bar with a long wick."""

from __future__ import annotations

import pytest
from unit.setups.builders import climb, drawn, mirrored, panel_of, price

from bearskin.setups import StopHunt, Template, detect
from bearskin.terms import Side

DAY = climb(71)  # hours 0 to 22 of the third day are its last 23 bars
HUNT = (0.0, 1.2, -0.2, 0.1)
ATR = (13 + 1.4) / 14  # after thirteen fourteenths of one unit, a true range of 1.4


def found(bars, side=Side.SHORT, kinds=("donchian",), template=None, **params):
    rules = StopHunt(level_kinds=kinds, **params)
    return detect(panel_of(bars), ["stop_hunt"], [side], {"stop_hunt": rules}, template)


def test_a_wick_through_the_donchian_high_is_a_short():
    """
    high 1.2 is beyond 0.25 + 0.10 ATR; close 0.1 below it; wick 1.1 of a range of 1.4 (79%) and more than 0.75 ATR
    stop 1.2 + ATR/4; target: the day's mean of (high + low + close) / 3: 23 bars at close - 1/6 and the last at 1.1/3
    """
    (event,) = found([*DAY, HUNT])
    vwap = (sum(-0.25 * k - 1 / 6 for k in range(23)) + 1.1 / 3) / 24
    assert (event.bar, event.entry, event.horizon_bars) == (71, "market", 24)
    assert (event.level, event.invalidation) == pytest.approx((price(0.25), price(0.25)))
    assert event.stop == pytest.approx(price(1.2 + 0.25 * ATR))
    assert event.targets == pytest.approx((price(vwap),))
    assert event.attrs["wick_share"] == pytest.approx(1.1 / 1.4)
    assert event.attrs["wick_atr"] == pytest.approx(1.1 / ATR)
    assert event.attrs["beyond_level_atr"] == pytest.approx(0.95 / ATR)


def test_the_mirrored_drawing_is_the_mirrored_long():
    (event,) = found(mirrored([*DAY, HUNT]), Side.LONG)
    assert event.stop == pytest.approx(price(-1.2 - 0.25 * ATR))
    assert "lower wick" in event.why


def test_the_level_and_the_wick_are_drawn():
    """The high of 0.25 is that of bar 70; a round number, which no bar made, is drawn for a day."""
    (event,) = found([*DAY, HUNT])
    assert drawn(event, panel_of([*DAY, HUNT])) == [("level", 70, 0.25, 71, 0.25), ("wick", 71, 0.1, 71, 1.2)]
    (event,) = found([*DAY, HUNT], kinds=("round",))
    level, _ = drawn(event, panel_of([*DAY, HUNT]))
    assert (level[0], level[1], level[3]) == ("level", 71 - 24, 71)


@pytest.mark.parametrize(
    ("broken", "bar"),
    [
        ("closes above the level", (0.0, 1.2, -0.2, 0.3)),
        ("the wick is 41% of the bar", (0.0, 1.2, -1.5, 0.1)),
        ("the wick is 0.6 ATR long", (0.0, 0.7, -0.2, 0.1)),
        ("the high stays within a tenth of an ATR of the level", (-0.9, 0.33, -1.0, -0.8)),
    ],
)
def test_near_misses_do_not_fire(broken, bar):
    assert found([*DAY, bar]) == [], broken


def test_the_last_near_miss_fires_a_little_higher():
    assert len(found([*DAY, (-0.9, 0.40, -1.0, -0.8)])) == 1


def test_a_close_above_before_is_a_failed_breakout_and_not_a_hunt_as_well():
    """The bar before closed above the prior day's high: the same failure must not be told twice."""
    quiet = [(0.0, 0.25, -0.75, 0.0)] * 20
    above, hunt = (0.0, 0.9, -0.1, 0.6), (0.6, 1.8, 0.0, 0.1)
    panel = panel_of([*climb(70), *quiet, above, hunt])
    rules = {"stop_hunt": StopHunt(level_kinds=("prior-day",))}
    assert [e.setup for e in detect(panel, ["stop_hunt", "failed_breakout"], [Side.SHORT], rules)] == [
        "failed_breakout"
    ]


def test_the_wick_variant_waits_at_half_of_the_wick():
    (event,) = found([*DAY, HUNT], variant="wick")
    assert (event.entry, event.valid_bars) == ("limit", 3)
    assert event.limit_price == pytest.approx(price(0.1 + 0.55))


def test_a_round_number_is_a_level():
    """At 95.6 the grid nearest to 1.4% is 1: 96 and 97 are passed, 97 is the farther one."""
    low = -4.5
    bars = [(o + low, h + low, b + low, c + low) for o, h, b, c in [*DAY, (0.0, 1.6, -0.2, 0.1)]]
    (event,) = found(bars, kinds=("round",))
    assert event.level == pytest.approx(97.0)
    assert "round number" in event.why


def test_equal_highs_are_swept_once():
    """Two tops at 2.0 and 2.1 make a pool at 2.1; the first wick through it empties it, a second one finds nothing."""
    near = Template(reward_min_r=0.1)  # the day's mean is close by: this test is about the level
    rise = [(y, y + 0.5, y - 0.5, y + 0.25) for y in (0.0, 0.25, 0.5, 0.75, 1.0)]
    top = [(1.25, 2.0, 1.0, 1.25)]
    second = [(1.25, 2.1, 1.1, 1.25)]
    slide = [(1.25, 1.5, 0.5, 0.75), (0.75, 1.0, 0.0, 0.25), (0.25, 0.75, -0.25, 0.0), (0.0, 0.5, -0.5, 0.0)]
    sweep = [(1.25, 2.9, 1.0, 1.3)]
    bars = [*climb(48, end=0.0), *rise, *top, *slide, *rise, *second, *slide, *rise, *sweep]
    events = found(bars, kinds=("equal",), template=near)
    assert [(e.bar, e.level) for e in events] == [(len(bars) - 1, pytest.approx(price(2.1)))]
    assert events[0].attrs["level_kind"] == "equal"
    twice = [*bars, *slide, *rise, (1.25, 2.8, 1.0, 1.3)]
    assert found(twice, kinds=("equal",), template=near) == events


def test_the_mark_that_did_not_follow_is_noted():
    bars = [*DAY, HUNT]
    panel = panel_of(bars)
    calm = panel_of([*DAY, (0.0, 0.2, -0.2, 0.1)])
    marked = panel_of(bars, mark_open=panel.open, mark_high=calm.high, mark_low=panel.low, mark_close=panel.close)
    (event,) = detect(marked, ["stop_hunt"], [Side.SHORT], {"stop_hunt": StopHunt(level_kinds=("donchian",))})
    assert event.attrs["mark_beyond_level_atr"] == pytest.approx(-0.05 / ATR)
