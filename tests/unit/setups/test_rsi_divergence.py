"""A steep climb to a first top, a pause, a slower climb to a slightly higher top, and the fall through the low."""

from __future__ import annotations

import itertools

import pytest
from unit.setups.builders import drawn, mirrored, panel_of, price, wilder_atr

from bearskin.setups import RsiDivergence, Template, detect
from bearskin.terms import Side


def leg(start: float, step: float, count: int) -> list[tuple[float, float, float, float]]:
    """`count` bars that move `step` each, with wicks of 0.2 at either end."""
    closes = [start + step * k for k in range(count + 1)]
    return [(a, max(a, b) + 0.2, min(a, b) - 0.2, b) for a, b in itertools.pairwise(closes)]


# warm up, 8 steep bars to 6.0 (top 6.2, bar 67), 6 down to 4.8, 7 slow bars to 6.2 (top 6.4, bar 80), then down
# (closes 0.1 either side of 0 with a true range of one, so that RSI is near 50)
WARM = [(-0.1, 0.5, -0.5, 0.1), (0.1, 0.5, -0.5, -0.1)] * 30
STRUCTURE = [*WARM, *leg(0.0, 0.75, 8), *leg(6.0, -0.2, 6), *leg(4.8, 0.2, 7), *leg(6.2, -0.2, 3)]
FIRST, SECOND, KNOWN = 67, 80, 84
BREAK = leg(5.6, -0.4, 3)  # closes 5.2, 4.8, 4.4; the low between is 4.6
RULES = {"risk_max_atr": 4.0}


def found(bars, side=Side.SHORT, template=None, **params):
    rules = {"rsi_divergence": RsiDivergence(**params)}
    return detect(panel_of(bars), ["rsi_divergence"], [side], rules, template or Template(**RULES))


def test_the_break_of_the_low_between_is_a_short_with_a_target_one_risk_away():
    """
    tops 6.2 (bar 67) and 6.4 (bar 80), the low between them 4.8 - 0.2 = 4.6, broken by the close of 4.4
    stop 6.4 + ATR/4; first target as far below the close as the stop is above; second: the low before, -0.5
    """
    bars = [*STRUCTURE, *BREAK]
    (event,) = found(bars)
    atr = wilder_atr(bars)[len(bars) - 1]
    risk = 6.4 + 0.25 * atr - 4.4
    assert (event.bar, event.horizon_bars) == (len(bars) - 1, 48)
    assert event.level == pytest.approx(price(4.6))
    assert event.stop == pytest.approx(price(6.4 + 0.25 * atr))
    assert event.targets == pytest.approx((price(4.4 - risk), price(-0.5)))
    assert event.invalidation == pytest.approx(price(6.4))
    assert event.attrs["first_high_price"] == pytest.approx(price(6.2))
    assert event.attrs["second_high_price"] == pytest.approx(price(6.4))
    assert event.attrs["rsi_first"] >= 60
    assert event.attrs["rsi_second"] <= event.attrs["rsi_first"] - 2
    assert event.attrs["span_bars"] == SECOND - FIRST


def test_the_highs_and_the_low_between_are_joined():
    """The low between, 4.6, was first made by bar 73, the last of the six falling ones."""
    bars = [*STRUCTURE, *BREAK]
    (event,) = found(bars)
    assert drawn(event, panel_of(bars)) == [("highs", 67, 6.2, 80, 6.4), ("level", 73, 4.6, 86, 4.6)]


def test_the_mirrored_drawing_is_the_mirrored_long():
    (event,) = found(mirrored([*STRUCTURE, *BREAK]), Side.LONG)
    assert event.level == pytest.approx(price(-4.6))
    assert event.targets[1] == pytest.approx(price(0.5))
    assert "made a lower low" in event.why


def test_the_aggressive_variant_enters_when_the_second_top_is_confirmed():
    """Known three bars after bar 80 at a close of 5.6; the nearest target is the low between."""
    (event,) = found(STRUCTURE, variant="aggressive")
    assert event.bar == SECOND + 3 == KNOWN - 1
    assert event.targets == pytest.approx((price(4.6), price(-0.5)))


def test_nothing_is_known_before_the_pivot_is_confirmed():
    assert found(STRUCTURE[: SECOND + 3], variant="aggressive") == []


@pytest.mark.parametrize(
    ("broken", "bars", "params"),
    [
        ("the low between holds", [*STRUCTURE, *leg(5.6, -0.3, 3)], {}),
        ("the second top is 0.05 higher, not 0.10", [*STRUCTURE, *BREAK], {"higher_atr": 0.30}),
        ("RSI fell by less than asked", [*STRUCTURE, *BREAK], {"rsi_drop": 40.0}),
        ("RSI at the first top was below the least", [*STRUCTURE, *BREAK], {"rsi_first_min": 99.0}),
        ("the tops are too far apart", [*STRUCTURE, *BREAK], {"span_max_bars": 12}),
        ("the tops are too near", [*STRUCTURE, *BREAK], {"span_min_bars": 14}),
        ("a close above the second top came first", [*STRUCTURE, (5.6, 6.7, 5.4, 6.5), *leg(6.5, -1.0, 2)], {}),
        ("the break comes too late", [*STRUCTURE, *[(5.6, 5.8, 5.4, 5.6)] * 22, *BREAK], {}),
    ],
)
def test_near_misses_do_not_fire(broken, bars, params):
    assert found(bars, **params) == [], broken


def test_the_break_may_come_in_the_twenty_fourth_bar():
    """21 bars of waiting and the third falling bar make 24 after bar 83."""
    (event,) = found([*STRUCTURE, *[(5.6, 5.8, 5.4, 5.6)] * 21, *BREAK])
    assert event.bar == KNOWN - 1 + 24


def test_a_close_just_under_the_second_top_does_not_spoil_it():
    (event,) = found([*STRUCTURE, (5.6, 6.35, 5.4, 6.3), *leg(6.3, -1.0, 2)])
    assert event.bar == KNOWN - 1 + 3
