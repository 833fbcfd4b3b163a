"""Supports below a market drawn by hand, in units of one ATR."""

from __future__ import annotations

import numpy as np
import pytest
from unit.setups.builders import UNIT, flat, mirrored, panel_of, price

from bearskin.setups import SupportRules, Template, detect, support_targets
from bearskin.terms import BadInput, Side

DIP = [*flat(30), (0.0, 0.5, -3.0, 0.0), *flat(40)]  # bars of one unit around 0, one of them down to -3
LAST = len(DIP) - 1


def only(**weights):
    return SupportRules(weights=weights)


PIVOTS = only(**{"pivot-3": 1.0, "pivot-10": 2.0})


def test_a_low_that_stands_is_a_support_of_every_kind_it_is():
    panel = panel_of(DIP)
    (one,) = [s for s in support_targets(panel, LAST, rules=PIVOTS) if s.price < price(-1)]
    assert one.price == pytest.approx(price(-3.0))
    assert (one.kinds, one.score, one.touches) == (("pivot-10", "pivot-3"), 3.0, 1)
    everything = only(**{"pivot-3": 1.0, "pivot-10": 2.0, "donchian-48": 1.5, "prior-day": 1.5})
    (more,) = [s for s in support_targets(panel, LAST, rules=everything) if s.price < price(-1)]
    assert (more.score, len(more.kinds)) == (6.0, 4)  # bar 30 is of the day before: bars 24 to 47


def test_a_touch_counts():
    """0.1 ATR above the low and a close above it."""
    bars = [*DIP[:50], (0.0, 0.5, -2.9, 0.0), *flat(40)]
    panel = panel_of(bars)
    found = [s for s in support_targets(panel, len(bars) - 1, rules=only(**{"pivot-3": 1.0})) if s.price < price(-1)]
    assert found[0].price == pytest.approx(price(-2.9))  # the touch made a pivot of its own, nearer by less than 0.25
    assert found[0].score == pytest.approx(1.0 + 2.0)


def test_a_low_traded_through_is_spent():
    bars = [*DIP[:50], (0.0, 0.5, -3.2, 0.0), *flat(40)]
    found = [s for s in support_targets(panel_of(bars), len(bars) - 1, rules=PIVOTS) if s.price < price(-1)]
    assert [s.price for s in found] == [pytest.approx(price(-3.2))]


def test_a_pivot_is_not_known_before_its_bars():
    for bar, kinds in ((32, ()), (33, ("pivot-3",)), (39, ("pivot-3",)), (40, ("pivot-10", "pivot-3"))):
        found = [s for s in support_targets(panel_of(DIP), bar, rules=PIVOTS) if s.price < price(-1)]
        assert tuple(kind for s in found for kind in s.kinds) == kinds


@pytest.mark.parametrize(("stop", "roles"), [(1.0, ["target1"]), (2.9, ["target1"]), (3.1, [""])])
def test_a_target_pays_for_the_risk(stop, roles):
    """The low is 3 below an entry at 0: it pays for a stop up to 3 above."""
    found = support_targets(panel_of(DIP), LAST, entry=100.0, stop=price(stop), rules=only(**{"donchian-48": 1.0}))
    assert [s.role for s in found] == roles
    assert found[0].reward_r == pytest.approx(3.0 / stop)


def test_a_target_pays_three_times_the_cost():
    rules = only(**{"donchian-48": 1.0})
    for cost, role in ((0.0099, "target1"), (0.0101, "")):  # three times against 3 units of 1%
        (one,) = support_targets(panel_of(DIP), LAST, entry=100.0, stop=price(1.0), cost_frac=cost, rules=rules)
        assert one.role == role


def test_the_second_target_is_two_risks_away():
    bars = [*flat(20), (0.0, 0.5, -4.0, 0.0), *flat(20), (0.0, 0.5, -1.5, 0.0), *flat(30)]
    found = support_targets(panel_of(bars), len(bars) - 1, entry=100.0, stop=price(1.0), rules=PIVOTS)
    assert [(round(s.reward_r, 6), s.role) for s in found if s.reward_r > 1] == [(1.5, "target1"), (4.0, "target2")]


def test_round_numbers_are_served_a_little_in_front():
    """From 100 the grid of 1 to 2% is 1 (or 2.5): the next numbers below, 0.05 ATR above each."""
    found = support_targets(panel_of(flat(60)), 59, rules=only(round=1.0))
    assert [s.kinds for s in found] == [("round",)] * 3
    assert found[0].price == pytest.approx(99.0 * np.exp(0.05 * UNIT))


def test_points_of_control_that_nobody_came_back_to():
    """A day around 0, one around -2, then days around 2: both older points of control are naked until touched."""
    day = [(0.0, 0.5, -0.5, 0.0)] * 24
    lower = [(o - 2, h - 2, low - 2, c - 2) for o, h, low, c in day]
    upper = [(o + 2, h + 2, low + 2, c + 2) for o, h, low, c in day]
    panel = panel_of([*day, *lower, *upper, *upper])
    found = support_targets(panel, 95, rules=only(**{"naked-poc": 1.0}))
    assert len(found) == 1  # that around 0 was crossed on the way to the one around -2, and again on the way up
    assert found[0].price == pytest.approx(price(-2.0), rel=0.006)


def test_the_long_sees_the_mirror():
    weights = {"pivot-3": 1.0, "donchian-48": 1.0, "prior-day": 1.0, "poc": 1.0, "value-area": 1.0}
    shorts = support_targets(panel_of(DIP), LAST, stop=price(1.0), rules=only(**weights))
    longs = support_targets(panel_of(mirrored(DIP)), LAST, Side.LONG, stop=price(-1.0), rules=only(**weights))
    assert [1e4 / s.price for s in longs] == pytest.approx([s.price for s in shorts])
    assert [(s.kinds, s.role) for s in longs] == [(s.kinds, s.role) for s in shorts]


def test_bars_to_come_and_bars_long_past_change_nothing():
    rng = np.random.default_rng(5)
    closes = np.cumsum(rng.normal(0, 1, 1_600))
    bars = [(a, max(a, b) + 0.5, min(a, b) - 0.5, b) for a, b in zip([0.0, *closes[:-1]], closes, strict=True)]
    panel = panel_of(bars)
    short = panel_of(bars[:1_301])
    assert support_targets(panel, 1_300) == support_targets(short, 1_300)
    recent = panel_of(bars[301:1_301])
    moved = type(recent)(**{**{f: getattr(recent, f) for f in recent.__slots__}, "time_ns": panel.time_ns[301:1_301]})
    assert [(s.price, s.kinds) for s in support_targets(moved, 999)] == [
        (s.price, s.kinds) for s in support_targets(short, 1_300)
    ]


def test_set_ups_may_take_their_targets_from_supports():
    rng = np.random.default_rng(3)
    closes = np.cumsum(rng.normal(0, 0.6, 900))
    bars = [(a, max(a, b) + 0.5, min(a, b) - 0.5, b) for a, b in zip([0.0, *closes[:-1]], closes, strict=True)]
    panel = panel_of(bars, tick="0.01")
    usual, found = detect(panel), detect(panel, template=Template(targets="support"))
    assert usual == detect(panel, template=Template())
    assert len(found) > 20
    for event in found:
        if event.trail_atr and not event.targets:
            continue
        told = support_targets(
            panel, event.bar, event.side, entry=event.entry_ref, stop=event.stop, cost_frac=event.attrs["cost_frac"]
        )
        assert event.targets[0] in {s.price for s in told}
        assert "target_rule" not in event.attrs


def test_bad_questions():
    panel = panel_of(flat(60))
    with pytest.raises(BadInput, match="from 0 to 59"):
        support_targets(panel, 60)
    with pytest.raises(BadInput, match="the stop must be above the entry 100, was 99"):
        support_targets(panel, 59, entry=100.0, stop=99.0)
    with pytest.raises(BadInput, match="the stop must be below the entry"):
        support_targets(panel, 59, Side.LONG, entry=100.0, stop=101.0)
    with pytest.raises(BadInput, match="setup or support, was 'x'"):
        Template(targets="x")  # type: ignore[arg-type]
