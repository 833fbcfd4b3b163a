"""A range drawn by hand: a climb to 0 and twelve quiet bars under a high of 0.25, with a low of -9.5 in its 48 bars."""

from __future__ import annotations

import pytest
from unit.setups.builders import climb, drawn, mirrored, panel_of, price

from bearskin.setups import FailedBreakout, Template, detect
from bearskin.terms import Side

RANGE = [*climb(70), *[(0.0, 0.25, -0.75, 0.0)] * 12]
BREAK = (0.0, 0.9, -0.1, 0.6)
HOLD = (0.6, 1.1, 0.1, 0.5)
FAIL = (0.5, 0.7, -0.3, 0.1)


def found(bars, side=Side.SHORT, template=None, **params):
    return detect(panel_of(bars), ["failed_breakout"], [side], {"failed_breakout": FailedBreakout(**params)}, template)


def test_a_break_that_is_taken_back_two_bars_later_is_a_short():
    """
    level 0.25, broken by a close of 0.60 (0.10 beyond are needed), held once, failed at 0.10 (0.15 or less)
    stop: the high 1.10 and a quarter ATR = 1.35; the range is 0.25 - -9.50 = 9.75 high: targets -4.625 and -9.50
    """
    (event,) = found([*RANGE, BREAK, HOLD, FAIL])
    assert (event.bar, event.side, event.entry, event.horizon_bars) == (84, Side.SHORT, "market", 24)
    assert event.atr == pytest.approx(0.01)
    assert event.level == pytest.approx(price(0.25))
    assert event.entry_ref == pytest.approx(price(0.10))
    assert event.stop == pytest.approx(price(1.35))
    assert event.targets == pytest.approx((price(-4.625), price(-9.50)))
    assert event.invalidation == pytest.approx(price(0.35))
    assert event.attrs["bars_since_break"] == 2
    assert event.attrs["risk_atr"] == pytest.approx(1.25)
    assert "48-bar high" in event.why
    assert f"{price(0.10):.8f}" in event.why


def test_the_mirrored_drawing_is_the_mirrored_long():
    (event,) = found(mirrored([*RANGE, BREAK, HOLD, FAIL]), Side.LONG)
    assert event.side is Side.LONG
    assert event.stop == pytest.approx(price(-1.35))
    assert event.targets == pytest.approx((price(4.625), price(9.50)))
    assert "48-bar low" in event.why


def test_the_event_is_known_at_the_close_of_the_failing_bar():
    panel = panel_of([*RANGE, BREAK, HOLD, FAIL])
    (event,) = detect(panel, ["failed_breakout"], [Side.SHORT])
    assert event.known_ns == panel.time_ns[84] + panel.interval_ns
    assert event.anchor_ns == panel.time_ns[82]
    assert event.attrs["peak_ns"] == panel.time_ns[83]


def test_the_level_the_range_and_the_false_break_are_drawn():
    """The high of 0.25 was first made by bar 69, the last of the climb; the range is bars 34 to 81."""
    bars = [*RANGE, BREAK, HOLD, FAIL]
    (event,) = found(bars)
    assert drawn(event, panel_of(bars)) == [
        ("level", 69, 0.25, 84, 0.25),
        ("range", 34, -9.5, 81, 0.25),
        ("false break", 82, 0.25, 84, 1.1),
    ]


@pytest.mark.parametrize(
    ("broken", "tail"),
    [
        ("the break closes 0.05 above the level, not 0.10", [(0.0, 0.9, -0.1, 0.3), HOLD, FAIL]),
        ("the failure closes 0.05 below the level, not 0.10", [BREAK, HOLD, (0.5, 0.7, -0.3, 0.2)]),
        ("the failure comes in the seventh bar", [BREAK, *[HOLD] * 6, FAIL]),
        ("the stop would be more than 3 ATR away", [BREAK, (0.6, 4.5, 0.1, 0.5), FAIL]),
    ],
)
def test_near_misses_do_not_fire(broken, tail):
    assert found([*RANGE, *tail]) == [], broken


def test_the_near_misses_fire_with_the_condition_mended():
    assert [e.bar for e in found([*RANGE, BREAK, *[HOLD] * 5, FAIL])] == [88]
    assert found([*RANGE, BREAK, (0.6, 4.5, 0.1, 0.5), FAIL], template=Template(risk_max_atr=6.0))


def test_a_close_far_above_in_between_makes_it_a_real_break():
    """True ranges 1.7 and 2.3 lift the ATR to 1.14: 0.25 + 1.5 ATR is 1.96, which 2.2 passes and 1.6 does not."""
    quiet = [(0.0, 0.25, -0.75, 0.0)] * 20
    for close, bars in ((2.2, []), (1.6, [92])):
        tail = [BREAK, (0.6, 2.3, 1.3, close), (close, 2.3, 0.0, 0.1)]
        events = found([*climb(70), *quiet, *tail], level_kinds=("prior-day",))
        assert [e.bar for e in events] == bars, close


def test_a_shallow_range_pays_too_little():
    """Flat for 80 bars, one unit high: the nearest target would be half a unit away and the stop more than one."""
    flat_range = [(0.0, 0.25, -0.75, 0.0)] * 82
    assert found([*flat_range, BREAK, HOLD, FAIL]) == []


def test_a_break_is_told_once():
    """After the failure the price dips further and closes back below again: still the same break."""
    again = (0.1, 0.2, -0.8, -0.2)
    assert [e.bar for e in found([*RANGE, BREAK, HOLD, FAIL, again, again])] == [84]


def test_the_retest_variant_waits_at_the_level():
    """The limit stands 0.05 ATR below the level for four bars; the risk is measured from there: 1.35 - 0.20 = 1.15."""
    (event,) = found([*RANGE, BREAK, HOLD, FAIL], variant="retest")
    assert (event.entry, event.valid_bars) == ("limit", 4)
    assert event.limit_price == event.entry_ref == pytest.approx(price(0.20))
    assert event.attrs["risk_atr"] == pytest.approx(1.15)


def test_other_levels_break_too():
    """The prior day's high (0.25) is the level when it is asked for."""
    quiet = [(0.0, 0.25, -0.75, 0.0)] * 20
    events = found([*climb(70), *quiet, BREAK, HOLD, FAIL], level_kinds=("prior-day",))
    assert [(e.bar, e.attrs["level_kind"]) for e in events] == [(92, "prior-day")]


def test_prices_are_rounded_against_us_on_a_coarse_tick():
    """Tick 0.1: the short's stop 101.359.. goes up, its targets 95.48.. and 90.94.. up, the invalidation down."""
    panel = panel_of([*RANGE, BREAK, HOLD, FAIL], tick="0.1")
    (event,) = detect(panel, ["failed_breakout"], [Side.SHORT])
    assert (event.stop, event.targets, event.invalidation) == (101.4, (95.5, 91.0), 100.3)
    (event,) = detect(panel_of(mirrored([*RANGE, BREAK, HOLD, FAIL]), tick="0.1"), ["failed_breakout"], [Side.LONG])
    assert event.stop == 98.6  # 98.659.. goes down
    assert event.targets == (104.7, 109.9)  # 104.73.. and 109.97.. go down
    assert event.invalidation == 99.7  # 99.650.. goes up
