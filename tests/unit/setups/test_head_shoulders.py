"""Three tops drawn by hand on a level neckline at 2: shoulders of 4, a head of 10, then the close of 1.5."""

from __future__ import annotations

import itertools

import pytest
from unit.setups.builders import flat, mirrored, panel_of, price, wilder_atr

from bearskin.setups import HeadShoulders, Line, Template, Zone, detect
from bearskin.terms import HOUR_NS, BadInput, Side

ROOMY = Template(risk_max_atr=5.0)
START_NS = panel_of(flat(2)).time_ns[0]


def path(*closes: float, bars: int = 8, start: float = 0.0) -> list[tuple[float, float, float, float]]:
    """Straight legs of `bars` bars each from one close to the next, with wicks of 0.2 at either end."""
    points = [start]
    for a, b in itertools.pairwise([start, *closes]):
        points += [a + (b - a) * (k + 1) / bars for k in range(bars)]
    return [(a, max(a, b) + 0.2, min(a, b) - 0.2, b) for a, b in itertools.pairwise(points)]


def fall(start: float, *closes: float) -> list[tuple[float, float, float, float]]:
    return [(a, max(a, b) + 0.2, min(a, b) - 0.2, b) for a, b in itertools.pairwise([start, *closes])]


TOPS = [*flat(20), *path(4, 2, 10, 2, 4)]
LEFT, LEFT_BOTTOM, HEAD, RIGHT_BOTTOM, RIGHT = 27, 35, 43, 51, 59
DOWN = fall(4, 3.5, 3, 2.5, 2.0, 1.5)
SIX = {"orders": (6,)}


def found(bars, side=Side.SHORT, template=ROOMY, **params):
    return detect(
        panel_of(bars), ["head_shoulders"], [side], {"head_shoulders": HeadShoulders(**(SIX | params))}, template
    )


def test_a_close_through_the_neckline_is_a_short_with_the_heads_height_as_its_measure():
    """
    neckline 2 (both bottoms), head 10: height 8, targets 2 - 4 and 2 - 8; the close of 2.0 lies on the line, not below
    stop beyond the high of the right shoulder 4 + 0.2; 16 bars from bottom to bottom are the time it has
    """
    bars = [*TOPS, *DOWN]
    (event,) = found(bars)
    atr = wilder_atr(bars)[len(bars) - 1]
    assert (event.bar, event.horizon_bars, event.entry) == (len(bars) - 1, 16, "market")
    assert event.level == pytest.approx(price(2))
    assert event.stop == pytest.approx(price(4.2 + 0.25 * atr))
    assert event.targets == pytest.approx((price(-2), price(-6)))
    assert event.invalidation == pytest.approx(price(4))
    assert event.anchor_ns == START_NS + LEFT * HOUR_NS
    named = {"left_shoulder": (LEFT, 4), "left_bottom": (LEFT_BOTTOM, 2), "head": (HEAD, 10)}
    named |= {"right_bottom": (RIGHT_BOTTOM, 2), "right_shoulder": (RIGHT, 4)}
    for name, (bar, y) in named.items():
        assert event.attrs[f"{name}_price"] == pytest.approx(price(y))
        assert event.attrs[f"{name}_ns"] == START_NS + bar * HOUR_NS
    assert event.attrs["order_bars"] == 6
    assert event.attrs["height_atr"] == pytest.approx(8 / atr)
    assert event.attrs["below_level_atr"] == pytest.approx(0.5 / atr)
    assert "a head-and-shoulders top (shoulders" in event.why
    assert f"{len(bars) - 1 - LEFT} bars in all" in event.why


def test_the_neckline_the_four_legs_and_the_head_are_drawn():
    bars = [*TOPS, *DOWN]
    (event,) = found(bars)
    lines = [part for part in event.drawing if isinstance(part, Line)]
    zones = [part for part in event.drawing if isinstance(part, Zone)]
    assert [line.name for line in lines] == ["neckline", *["pivots"] * 4]
    assert (lines[0].start_ns, lines[0].end_ns) == (
        START_NS + LEFT_BOTTOM * HOUR_NS,
        START_NS + (len(bars) - 1) * HOUR_NS,
    )
    corners = [(LEFT, 4), (LEFT_BOTTOM, 2), (HEAD, 10), (RIGHT_BOTTOM, 2), (RIGHT, 4)]
    for line, ((a, y), (b, z)) in zip(lines[1:], itertools.pairwise(corners), strict=True):
        assert (line.start_ns, line.end_ns) == (START_NS + a * HOUR_NS, START_NS + b * HOUR_NS)
        assert (line.start_price, line.end_price) == pytest.approx((price(y), price(z)))
    (zone,) = zones
    assert (zone.name, zone.low_price, zone.high_price) == ("head", pytest.approx(price(2)), pytest.approx(price(10)))


def test_the_mirrored_drawing_is_the_inverse_pattern():
    (event,) = found(mirrored([*TOPS, *DOWN]), Side.LONG)
    assert event.targets == pytest.approx((price(2), price(6)))
    assert event.stop < event.entry_ref
    assert "above the neckline" in event.why
    assert "head-and-shoulders bottom" in event.why


def test_a_sloping_neckline_is_carried_on_to_the_break():
    """Bottoms 2 and 1, 16 bars apart: the line falls 1/16 a bar and stands at 3/16 at the break, 13 bars later."""
    bars = [*flat(20), *path(4, 2, 14, 1, 4), *fall(4, 3, 2, 1, 0.5, 0.0)]
    (event,) = found(bars)
    assert event.bar == len(bars) - 1
    assert event.level == pytest.approx(price(2 - 29 / 16))
    height = 14 - (2 - 8 / 16)
    assert event.targets == pytest.approx((price(2 - 29 / 16 - height / 2), price(2 - 29 / 16 - height)))
    assert event.attrs["neckline_slope_atr"] == pytest.approx(-1 / 16 / wilder_atr(bars)[len(bars) - 1])


def test_nothing_is_told_before_the_close_below_the_line():
    for end in range(30, len(TOPS) + len(DOWN) - 1):
        assert found([*TOPS, *DOWN][:end]) == []


def test_the_neckline_is_told_once():
    """Back above the line and through it again, while the structure is still young enough."""
    bars = [*TOPS, *DOWN, *fall(1.5, 2.5, 3.0, 2.5, 1.4)]
    assert [event.bar for event in found(bars)] == [len(TOPS) + len(DOWN) - 1]


def test_the_same_tops_at_several_orders_are_one_event_of_the_largest():
    (event,) = found([*TOPS, *DOWN], orders=(3, 10, 6))
    assert event.attrs["order_bars"] == 10
    assert found([*TOPS, *DOWN], orders=(11, 12)) == []


@pytest.mark.parametrize(
    ("broken", "bars", "params"),
    [
        ("the left shoulder is as high as the head", [*flat(20), *path(10, 2, 10, 2, 4), *DOWN], {}),
        ("the right shoulder is as high as the head", [*flat(20), *path(4, 2, 5, 2, 5), *fall(5, 3, 1.5)], {}),
        ("the left shoulder is below the right one's middle", [*flat(20), *path(4, 2, 10, 2, 7), *fall(7, 3, 1)], {}),
        ("the right shoulder is below the left one's middle", [*flat(20), *path(8, 2, 10, 2, 4), *DOWN], {}),
        ("one side of the head takes longer than the other", [*TOPS, *DOWN], {"symmetry_max": 0.9}),
        ("too long ago", [*TOPS, *DOWN], {"span_orders": 6}),
        ("the pivots are of a smaller order", [*TOPS, *DOWN], {"orders": (11,)}),
        ("a bottom is missing: the head has two tops", [*flat(20), *path(4, 2, 10, bars=8),
         *path(9.5, 10.0, bars=4, start=10), *path(2, 4, start=10), *DOWN], {}),
    ],
)  # fmt: skip
def test_near_misses_do_not_fire(broken, bars, params):
    assert found(bars, **params) == [], broken


def test_another_pivot_between_the_tops_makes_it_no_head():
    """A second bottom and top inside the head: the four pivots in a row are then others than these."""
    bars = [*flat(20), *path(4, 2, 10, 7, 9, 2, 4), *DOWN]
    assert [event.attrs["left_shoulder_price"] for event in found(bars)] != [pytest.approx(price(4))]


def test_a_line_broken_before_its_second_bottom_is_known_is_not_traded():
    """
    bottoms 2 and 6, 16 bars apart: the line rises by a quarter a bar, and the closes after the second bottom by less;
    when six bars have confirmed it the close is below the line already, and nothing was known at the crossing
    """
    bars = [*flat(20), *path(8, 2, 14, 6), *path(7.2, bars=8, start=6), *fall(7.2, 6.9, 6.0, 5.0, 4.0)]
    assert found(bars) == []


def test_the_span_is_counted_from_the_left_shoulder_to_the_break():
    bars = [*TOPS, *DOWN]
    width = len(bars) - 1 - LEFT
    assert width == 37
    assert len(found(bars, orders=(6,), span_orders=7)) == 1  # 42 bars
    assert found(bars, orders=(6,), span_orders=6) == []  # 36 bars


def test_a_plateau_has_one_pivot_the_first_of_its_bars():
    bars = [*flat(20), *path(4, 2, 10), *fall(10, 10, 10), *path(2, 4, start=10), *DOWN]
    (event,) = found(bars)
    assert event.attrs["head_ns"] == START_NS + HEAD * HOUR_NS


@pytest.mark.parametrize("orders", [(), (1,), (6, 0)])
def test_orders_that_make_no_pivot_are_refused(orders):
    with pytest.raises(BadInput, match="orders must be whole numbers of 2 or more"):
        HeadShoulders(orders=orders)


def test_the_template_has_the_last_word_on_the_stop():
    """With the usual three ATR the right shoulder is too far above the close."""
    assert found([*TOPS, *DOWN], template=Template()) == []
