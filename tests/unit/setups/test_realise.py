"""What the template makes of a draft: trades that trail without a target, and drawings, told from both sides."""

from __future__ import annotations

import math

import pytest
from unit.setups.builders import UNIT, flat, mirrored, panel_of, price

from bearskin.setups import Draft, Line, Template, View, Zone
from bearskin.setups._template import realise
from bearskin.terms import Side

BARS = flat(60)  # closes of 0, highs of 0.5, one ATR one unit
SHORT, LONG = Side.SHORT, Side.LONG


def trade(side=SHORT, template=None, **changed):
    """A draft at bar 40 with its stop beyond a high of one unit, in units around the view's zero."""
    view = View(panel_of(BARS if side is SHORT else mirrored(BARS)), side)
    zero = float(view.close[40])
    words = {
        "bar": 40, "level": zero, "anchor_bar": 30, "extreme": zero + UNIT, "targets": (), "invalidation": None,
        "horizon_bars": 0, "why": "closed at {close}.", "trail_atr": 3.0,
        "lines": (("level", 30, zero + 2 * UNIT, 40, zero + UNIT),),
        "zones": (("range", 20, 39, zero - UNIT, zero + 3 * UNIT),),
    }  # fmt: skip
    return realise(view, "own", Draft(**(words | changed)), template or Template())


def test_a_trailing_draft_needs_neither_target_nor_time_nor_invalidation():
    event = trade()
    assert event is not None
    assert (event.targets, event.horizon_bars, event.invalidation, event.trail_atr) == ((), 0, 0.0, 3.0)
    assert event.stop == pytest.approx(price(1.25))


def test_without_a_trail_a_target_is_needed():
    assert trade(trail_atr=0.0) is None


def test_targets_that_are_named_must_pay_although_the_stop_trails():
    zero = math.log(100)
    assert trade(targets=(zero - 0.5 * UNIT,)) is None
    event = trade(targets=(zero - 2 * UNIT,))
    assert event is not None
    assert event.targets == pytest.approx((price(-2),))
    assert event.trail_atr == 3.0


@pytest.mark.parametrize(("extreme", "traded"), [(0.2, False), (1.0, True), (2.8, False)])
def test_the_risk_is_asked_of_every_trade(extreme, traded):
    """With the buffer of a quarter: 0.45, 1.25 and 3.05 ATR where 0.5 to 3 are traded."""
    assert (trade(extreme=math.log(100) + extreme * UNIT) is not None) is traded


def test_a_drawing_tells_times_of_bar_opens_and_prices():
    event = trade()
    times = panel_of(BARS).time_ns
    assert event is not None
    line, zone = event.drawing
    assert isinstance(line, Line)
    assert (line.name, line.start_ns, line.end_ns) == ("level", times[30], times[40])
    assert (line.start_price, line.end_price) == pytest.approx((price(2), price(1)))
    assert isinstance(zone, Zone)
    assert (zone.name, zone.start_ns, zone.end_ns) == ("range", times[20], times[39])
    assert (zone.low_price, zone.high_price) == pytest.approx((price(-1), price(3)))


def test_the_drawing_of_the_mirror_is_the_mirrored_drawing():
    event = trade(LONG)
    assert event is not None
    line, zone = event.drawing
    assert isinstance(line, Line)
    assert isinstance(zone, Zone)
    assert (line.start_price, line.end_price) == pytest.approx((price(-2), price(-1)))
    assert (zone.low_price, zone.high_price) == pytest.approx((price(-3), price(1)))
