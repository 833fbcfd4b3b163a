"""Volume at price, against profiles drawn by hand: one unit of the drawing is one bin of ten basis points."""

from __future__ import annotations

import numpy as np
import pytest
from unit.setups.builders import flat, mirrored, panel_of, price

from bearskin.setups import ProfileRules, volume_profile
from bearskin.setups._profile import nodes, spread, value_area
from bearskin.terms import BadInput

BIN = 0.001
DAY = [(0.0, 1.0, 0.0, 0.5)] * 20 + [(0.0, 4.0, 0.0, 2.0)] * 4  # 24 hours from midnight, a turnover of 1 each


def at(y):
    return pytest.approx(price(y, BIN), rel=1e-12)


def test_a_day_by_hand():
    """Bin 0 has 20 + 4/4, the three above it 4/4 each: 21 of 24 is more than 70%, so the value area is one bin."""
    found = volume_profile(panel_of(DAY, unit=BIN), 23)
    assert found is not None
    assert found.turnover.tolist() == pytest.approx([21.0, 1.0, 1.0, 1.0])
    assert (found.poc, found.val, found.vah) == (at(0.5), at(0.0), at(1.0))
    assert (found.edges[0], found.edges[-1], found.bars) == (at(0.0), at(4.0), 24)


def test_of_two_fullest_bins_in_the_middle_neither_is_preferred():
    """Four equal bins: the point of control is the edge between the inner two, as it is in the mirrored market."""
    found = volume_profile(panel_of([(0.0, 4.0, 0.0, 2.0)] * 24, unit=BIN), 23)
    assert found is not None
    assert (found.poc, found.val, found.vah) == (at(2.0), at(0.0), at(4.0))


def test_only_a_completed_session_speaks():
    panel = panel_of(DAY * 2, unit=BIN)
    assert volume_profile(panel, 22) is None
    first = volume_profile(panel, 23)
    assert first is not None
    for bar in (24, 40, 46):
        later = volume_profile(panel, bar)
        assert later is not None
        assert (later.start_ns, later.poc) == (first.start_ns, first.poc)
    second = volume_profile(panel, 47)
    assert second is not None
    assert second.start_ns == first.end_ns


def test_a_day_whose_beginning_is_missing_has_no_profile():
    panel = panel_of(DAY, unit=BIN)
    late = panel_of(DAY[1:], unit=BIN)
    moved = type(late)(**{**{f: getattr(late, f) for f in late.__slots__}, "time_ns": panel.time_ns[1:]})
    assert volume_profile(moved, 22) is None


def test_the_value_area_takes_the_fuller_pair():
    """From 10: above 3 + 1 beats below 2 + 1, then 1 + 6 beats 3: 21 of 25, and 17.5 were asked for."""
    assert value_area(np.array([1.0, 2, 10, 3, 1, 1, 6, 1]), (2, 2), 0.7) == (2, 6)
    assert value_area(np.array([1.0, 1, 10, 1, 1]), (2, 2), 0.8) == (0, 4)  # a tie takes both sides
    assert value_area(np.array([5.0, 1, 1]), (0, 0), 0.99) == (0, 2)
    assert value_area(np.array([1.0, 2, 9, 9, 2, 3]), (2, 3), 0.8) == (2, 5)


def test_nodes_stand_out():
    """A peak of 6 between 1 and 1 stands 5 over the valley; the 3 beside the 10 does not stand out at all."""
    values = np.array([1.0, 2, 10, 3, 1, 1, 6, 1])
    assert nodes(values, 0.25).tolist() == [2, 6]
    assert nodes(-values, 0.25, 10.0).tolist() == [4]  # the plateau of ones, told once
    assert nodes(np.ones(5), 0.25).tolist() == []
    assert nodes(np.array([1.0, 5, 4.9, 5, 1]), 0.25).tolist() == [1, 3]


def test_a_bar_is_spread_over_its_range_whatever_its_size():
    """Half a bin of range is one bin; a bar that ends on an edge does not reach into the next bin."""
    turnover = np.array([6.0, 2.0, 1.0])
    low, high = np.array([0.0, 1.0, 2.2]), np.array([3.0, 2.0, 2.7])
    assert spread(turnover, low, high, 0.0, 1.0, 3).tolist() == pytest.approx([2.0, 4.0, 3.0])


def test_the_mirrored_market_has_the_mirrored_profile():
    here = volume_profile(panel_of(DAY, unit=BIN), 23)
    there = volume_profile(panel_of(mirrored(DAY), unit=BIN), 23)
    assert here is not None
    assert there is not None
    assert [1e4 / p for p in (there.poc, there.vah, there.val)] == pytest.approx([here.poc, here.val, here.vah])
    assert there.turnover.tolist() == pytest.approx(here.turnover[::-1].tolist())


def test_a_rolling_profile_says_what_it_lacks():
    panel = panel_of(flat(1_200))
    whole = volume_profile(panel, 1_199, "rolling")
    assert whole is not None
    assert (whole.bars, whole.shrunk) == (720, "")
    short = volume_profile(panel, 239, "rolling")
    assert short is not None
    assert (short.bars, short.shrunk) == (240, "10.0 of 30 days")
    week = volume_profile(panel, 1_199, "week")
    assert week is not None
    assert week.bars == 168


def test_bad_questions():
    panel = panel_of(flat(30))
    with pytest.raises(BadInput, match="from 0 to 29"):
        volume_profile(panel, 30)
    with pytest.raises(BadInput, match="day, week, rolling"):
        volume_profile(panel, 29, "month")  # type: ignore[arg-type]


def test_no_turnover_no_profile():
    assert volume_profile(panel_of(DAY, unit=BIN, quote_volume=np.zeros(24)), 23) is None
    assert volume_profile(panel_of(DAY, unit=BIN), 23, rules=ProfileRules(bin_log=0.01)) is not None
