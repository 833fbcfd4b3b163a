"""Levels drawn by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from unit.setups.builders import START_NS, climb, flat, mirrored, panel_of, price

from bearskin.setups import levels
from bearskin.setups._features import highest_before, pivot_highs, rank_pct, resample, robust_z
from bearskin.setups._levels import round_step
from bearskin.terms import DAY_NS, HOUR_NS, BadInput, Side


def of_kind(found, kind):
    return [level for level in found if level.kind == kind]


def with_tops(tops: dict[int, float], count: int = 100):
    """Quiet bars with single highs at the given indices."""
    bars = flat(count)
    for index, top in tops.items():
        bars[index] = (0.0, top, -0.5, 0.0)
    return bars


def test_a_pivot_is_known_three_bars_later_with_its_age_and_touches():
    """The top of 3.0 at bar 60; bar 70 comes within 0.15 ATR of it and closes below: one touch."""
    panel = panel_of(with_tops({60: 3.0, 70: 2.95}))
    (pivot,) = [level for level in of_kind(levels(panel, 80), "pivot-3") if level.first_ns == panel.time_ns[60]]
    assert pivot.price == pytest.approx(price(3.0))
    assert pivot.created_known_at == panel.time_ns[63] + HOUR_NS
    assert (pivot.age_bars, pivot.touches, pivot.last_touch_ns) == (20, 1, panel.time_ns[70])
    assert of_kind(levels(panel, 72), "pivot-10")[0].created_known_at == panel.time_ns[70] + HOUR_NS
    assert of_kind(levels(panel, 69), "pivot-10") == []


def test_levels_younger_than_twelve_bars_are_not_told():
    panel = panel_of(with_tops({60: 3.0}))
    assert of_kind(levels(panel, 71), "pivot-3") == []
    assert len(of_kind(levels(panel, 72), "pivot-3")) == 1


def test_a_level_traded_through_is_spent():
    panel = panel_of(with_tops({60: 3.0, 75: 4.0}))
    assert price(3.0) not in [pytest.approx(level.price) for level in of_kind(levels(panel, 76), "pivot-3")]


def test_two_pivots_close_together_are_equal_highs_at_the_higher_one():
    panel = panel_of(with_tops({50: 3.0, 60: 3.1, 70: 2.6}))
    (pool,) = of_kind(levels(panel, 80), "equal")
    assert pool.price == pytest.approx(price(3.1))
    assert pool.first_ns == panel.time_ns[50]
    assert pool.created_known_at == panel.time_ns[63] + HOUR_NS
    apart = panel_of(with_tops({50: 3.0, 60: 3.6}))
    assert of_kind(levels(apart, 80), "equal") == []


def test_the_prior_day_and_week_are_utc_and_start_on_monday():
    """Bar 0 is Wednesday 2025-01-01 00:00, so the first week starts late and has no high; Monday the 6th is bar 120."""
    panel = panel_of(with_tops({130: 5.0, 300: 4.0, 312: 2.0}, 340))
    found = levels(panel, 320)  # Tuesday the 14th, 08:00
    (day,) = of_kind(found, "prior-day")
    assert (day.price, day.first_ns) == (pytest.approx(price(4.0)), panel.time_ns[300])
    assert day.created_known_at == START_NS + 13 * DAY_NS
    (week,) = of_kind(found, "prior-week")
    assert (week.price, week.first_ns) == (pytest.approx(price(5.0)), panel.time_ns[130])
    assert week.created_known_at == START_NS + 12 * DAY_NS
    assert of_kind(levels(panel, 200), "prior-week") == []


def test_lows_are_the_mirror():
    bars = with_tops({60: 3.0})
    above, below = levels(panel_of(bars), 80), levels(panel_of(mirrored(bars)), 80, Side.LONG)
    (top,), (bottom,) = of_kind(above, "pivot-3"), of_kind(below, "pivot-3")
    assert bottom.price == pytest.approx(10_000 / top.price)
    assert (bottom.touches, bottom.age_bars) == (top.touches, top.age_bars)


def test_the_next_round_number():
    """At 100 the grid nearest to 1.41% is 1: the next number above is 101, below 99."""
    panel = panel_of(flat(80))
    assert [level.price for level in of_kind(levels(panel, 79), "round")] == [101.0]
    assert [level.price for level in of_kind(levels(panel, 79, Side.LONG), "round")] == [99.0]


@pytest.mark.parametrize(
    ("at", "step"), [(100, 1.0), (60_000, 1000.0), (3000, 50.0), (0.00002, 2.5e-7), (185, 2.5), (17, 0.25)]
)
def test_the_round_grid_is_between_one_and_two_per_cent_or_next_to_it(at, step):
    assert round_step(at, math.sqrt(0.01 * 0.02)) == pytest.approx(step)


def test_the_donchian_high_is_of_the_bars_before():
    panel = panel_of(climb(60))
    assert of_kind(levels(panel_of([*climb(60), (0.0, 0.1, -1.0, -0.8)]), 60), "donchian")[0].price == pytest.approx(
        price(0.25)
    )
    with pytest.raises(BadInput, match="from 0 to 59"):
        levels(panel, 60)


def test_pivots_take_the_first_of_equal_tops():
    high = np.array([1.0, 2.0, 3.0, 3.0, 2.0, 1.0, 1.0])
    assert pivot_highs(high, 2).tolist() == [2]
    assert np.array_equal(highest_before(high, 2), [np.nan, np.nan, 2, 3, 3, 3, 2, 1], equal_nan=True)


def test_ranks_and_scores():
    assert rank_pct(np.array([1.0, 2.0, 3.0, 4.0]), 3.0) == 62.5  # two below, one equal: 2.5 of 4
    assert rank_pct(np.array([5.0, 5.0]), 5.0) == 50.0
    # median 3, absolute deviations 2 1 0 1 97: their median is 1
    assert robust_z(np.array([1.0, 2.0, 3.0, 4.0, 100.0]), 6.0) == pytest.approx(3 / 1.4826)
    assert math.isnan(robust_z(np.ones(5), 2.0))


def test_higher_bars_are_known_at_their_end_and_skip_a_late_start():
    times = START_NS + HOUR_NS * np.arange(2, 14, dtype=np.int64)  # 02:00 to 13:00, then a hole
    high = np.arange(12.0)
    bars = resample(times, HOUR_NS, high, high - 1, high - 0.5, 4 * HOUR_NS)
    assert bars.known_ns.tolist() == [START_NS + h * HOUR_NS for h in (8, 12, 16)]
    assert bars.high.tolist() == [5, 9, 11]
    assert bars.low.tolist() == [1, 5, 9]
    assert bars.close.tolist() == [4.5, 8.5, 10.5]
    assert bars.last_at(np.array([START_NS, START_NS + 8 * HOUR_NS])).tolist() == [-1, 0]


def test_bars_longer_than_the_higher_frame_stay_themselves():
    times = START_NS + DAY_NS * np.arange(3, dtype=np.int64)
    one = np.ones(3)
    assert resample(times, DAY_NS, one, one, one, 4 * HOUR_NS).known_ns.tolist() == (times + DAY_NS).tolist()


def test_a_day_of_volume_is_a_level_from_the_day_after():
    """A day at 0 to 1 with four bars up to 4: its value area is the bin from 0 to 1, as test_profile has it by hand."""
    day = [(0.0, 1.0, 0.0, 0.5)] * 20 + [(0.0, 4.0, 0.0, 2.0)] * 4
    bars = [*day, *[(-2.0, -1.5, -2.5, -2.0)] * 24]
    panel = panel_of(bars, unit=0.001)
    kinds = ("poc", "value-top", "value-floor")
    assert levels(panel, 22, kinds=kinds) == []
    assert all(level.kind not in kinds for level in levels(panel, 30))  # only who asks by name is told
    found = {level.kind: level for level in levels(panel, 30, kinds=kinds)}
    assert {kind: level.price for kind, level in found.items()} == pytest.approx(
        {"poc": price(0.5, 0.001), "value-top": price(1.0, 0.001), "value-floor": price(0.0, 0.001)}
    )
    assert found["poc"].created_known_at == panel.time_ns[24]
    assert found["poc"].first_ns == panel.time_ns[0]
    below = levels(panel_of(mirrored(bars), unit=0.001), 30, Side.LONG, kinds=kinds)
    assert sorted((level.kind, level.age_bars) for level in below) == sorted(
        (level.kind, level.age_bars) for level in found.values()
    )
