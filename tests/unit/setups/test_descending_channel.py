"""A falling square wave: 72 closes 1.5 above and below a line by turns of six, then a bar at one of its edges."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from unit.setups.builders import flat, mirrored, panel_of, price, wilder_atr

from bearskin.setups import ChannelBreak, DescendingChannel, Line, Template, detect
from bearskin.terms import HOUR_NS, BadInput, Side

N = 72
START_NS = panel_of(flat(2)).time_ns[0]
WARM = flat(30)


def wave(slope: float = -0.15, half: float = 1.5, bars: int = N, start: float = 0.0) -> list[float]:
    return [start + slope * k + (half if k // 6 % 2 == 0 else -half) for k in range(bars)]


def bars_of(closes: list[float], before: float = 0.0, wick: float = 0.1) -> list[tuple[float, float, float, float]]:
    return [(a, max(a, b) + wick, min(a, b) - wick, b) for a, b in itertools.pairwise([before, *closes])]


def lines(closes: list[float], sigmas: float = 1.5) -> tuple[float, float, float]:
    """Middle one bar on, half height of the band, slope: least squares worked out by numpy."""
    x = np.arange(len(closes))
    slope, offset = np.polyfit(x, closes, 1)
    residual = closes - (offset + slope * x)
    sigma = math.sqrt((residual**2).sum() / (len(closes) - 2))
    return float(offset + slope * len(closes)), sigmas * sigma, float(slope)


CLOSES = wave()
CHANNEL = [*WARM, *bars_of(CLOSES)]
MIDDLE, HALF, SLOPE = lines(CLOSES)
UPPER, LOWER = MIDDLE + HALF, MIDDLE - HALF
TOUCH = (UPPER - 0.1, UPPER + 0.3, UPPER - 0.7, UPPER - 0.5)
BREAK = (LOWER + 0.1, LOWER + 0.2, LOWER - 0.5, LOWER - 0.4)
ROOMY = Template(risk_max_atr=5.0)


def touches(drawn, side=Side.SHORT, template=None, **params):
    rules = {"descending_channel": DescendingChannel(**params)}
    return detect(panel_of(drawn), ["descending_channel"], [side], rules, template)


def breaks(bars, turnover=2.0, side=Side.SHORT, before=1.0, template=ROOMY, **params):
    volume = np.full(len(bars), before)
    volume[-1] = turnover
    rules = {"channel_break": ChannelBreak(**params)}
    return detect(panel_of(bars, quote_volume=volume), ["channel_break"], [side], rules, template)


def test_a_touch_of_the_upper_line_is_sold_to_the_middle_and_the_lower_one():
    """The lines come from the 72 bars before the signal; the stop is 0.75 ATR above the upper one."""
    bars = [*CHANNEL, TOUCH]
    (event,) = touches(bars)
    atr = wilder_atr(bars)[-1]
    assert (event.bar, event.horizon_bars, event.entry) == (len(bars) - 1, 48, "market")
    assert event.level == pytest.approx(price(UPPER))
    assert event.stop == pytest.approx(price(UPPER + 0.75 * atr))
    assert event.targets == pytest.approx((price(MIDDLE), price(LOWER)))
    assert event.invalidation == pytest.approx(price(UPPER + 0.25 * atr))
    assert event.anchor_ns == START_NS + 30 * HOUR_NS
    assert event.attrs["channel"] == "regression"
    assert event.attrs["r2"] == pytest.approx(np.corrcoef(np.arange(N), CLOSES)[0, 1] ** 2)
    assert event.attrs["beyond_level_atr"] == pytest.approx(0.3 / atr)
    assert event.attrs["height_atr"] == pytest.approx(2 * HALF / atr)
    assert event.attrs["upper_slope_atr"] == event.attrs["lower_slope_atr"] == pytest.approx(SLOPE / atr)
    assert "above the upper line" in event.why
    assert "a channel that has fallen for 72 bars (R2 0." in event.why


def test_the_three_lines_are_drawn_over_the_bars_of_the_fit():
    (event,) = touches([*CHANNEL, TOUCH])
    drawn = {part.name: part for part in event.drawing if isinstance(part, Line)}
    assert set(drawn) == {"upper", "middle", "lower"}
    for name, y in (("upper", UPPER), ("middle", MIDDLE), ("lower", LOWER)):
        line = drawn[name]
        assert (line.start_ns, line.end_ns) == (START_NS + 30 * HOUR_NS, START_NS + 102 * HOUR_NS)
        assert line.end_price == pytest.approx(price(y))
        assert line.start_price == pytest.approx(price(y - N * SLOPE))


def test_the_mirrored_drawing_is_a_rising_channel_bought_at_its_lower_line():
    (event,) = touches(mirrored([*CHANNEL, TOUCH]), Side.LONG)
    assert event.targets == pytest.approx((price(-MIDDLE), price(-LOWER)))
    assert "below the lower line" in event.why
    assert "that has risen for 72 bars" in event.why


@pytest.mark.parametrize(
    ("broken", "bar", "params"),
    [
        ("the high stays below the line", (UPPER - 0.1, UPPER - 0.01, UPPER - 0.7, UPPER - 0.5), {}),
        ("the close is above the line", (UPPER + 0.2, UPPER + 0.3, UPPER - 0.7, UPPER + 0.05), {}),
        ("the close is not below the open", (UPPER - 0.5, UPPER + 0.3, UPPER - 0.7, UPPER - 0.5), {}),
        ("the fit is worse than asked", TOUCH, {"r2_min": 0.95}),
        ("a wider band", TOUCH, {"band_sigmas": 2.0}),
    ],
)
def test_near_misses_do_not_fire(broken, bar, params):
    assert touches([*CHANNEL, bar], template=ROOMY, **params) == [], broken


def test_a_rising_channel_is_no_falling_one():
    closes = wave(0.15)
    middle, half, _ = lines(closes)
    top = middle + half
    bars = [*WARM, *bars_of(closes), (top - 0.1, top + 0.3, top - 0.7, top - 0.5)]
    assert touches(bars, template=ROOMY) == []


def test_the_signal_bar_does_not_bend_its_own_channel():
    """However deep the bar closes, the lines are those of the bars before it."""
    deep = (UPPER - 0.1, UPPER + 0.3, UPPER - 2.0, UPPER - 0.9)
    (event,) = touches([*CHANNEL, deep], template=Template(reward_min_r=0.0, cost_multiple=0.0, risk_max_atr=9))
    assert event.level == pytest.approx(price(UPPER))


def second_touch(rest: int) -> list[tuple[float, float, float, float]]:
    """A touch, `rest` bars at the middle, and a touch of the channel as it is then."""
    closes = [*CLOSES, TOUCH[3], *[MIDDLE + SLOPE * (k + 1) for k in range(rest)]]
    middle, half, _ = lines(closes[-N:])
    upper = middle + half
    quiet = bars_of(closes[N + 1 :], TOUCH[3])
    return [*CHANNEL, TOUCH, *quiet, (upper - 0.1, upper + 0.3, upper - 0.7, upper - 0.5)]


def test_a_channel_touched_again_at_once_is_told_once():
    bars = second_touch(5)
    assert [event.bar for event in touches(bars, template=ROOMY)] == [102]
    assert [event.bar for event in touches(bars, template=ROOMY, rest_bars=5)] == [102, 108]
    bars = second_touch(6)
    assert [event.bar for event in touches(bars, template=ROOMY)] == [102, 109]


@pytest.mark.parametrize("bars", [70, 71, 72, 73])
def test_a_channel_needs_all_of_its_bars(bars):
    closes = CLOSES[:bars]
    middle, half, _ = lines(closes)
    upper = middle + half
    drawn = [*bars_of(closes), (upper - 0.1, upper + 0.3, upper - 0.7, upper - 0.5)]
    assert len(touches(drawn, template=ROOMY)) == (1 if bars >= N else 0)


# the lower line -----------------------------------------------------------------------------------------------


def test_a_close_through_the_lower_line_on_turnover_goes_on_with_the_fall():
    """Stop beyond the middle by a quarter of an ATR; targets one and two of the channel's heights below it."""
    bars = [*CHANNEL, BREAK]
    (event,) = breaks(bars)
    atr = wilder_atr(bars)[-1]
    assert event.level == pytest.approx(price(LOWER))
    assert event.stop == pytest.approx(price(MIDDLE + 0.25 * atr))
    assert event.targets == pytest.approx((price(LOWER - 2 * HALF), price(LOWER - 4 * HALF)))
    assert event.invalidation == pytest.approx(price(LOWER + 0.25 * atr))
    assert event.attrs["volume_ratio"] == 2.0
    assert event.attrs["below_level_atr"] == pytest.approx(0.4 / atr)
    assert "below the lower line" in event.why
    assert "on 2.0 times the usual turnover" in event.why


def test_the_mirrored_break_is_bought():
    (event,) = breaks(mirrored([*CHANNEL, BREAK]), side=Side.LONG)
    assert event.stop == pytest.approx(price(-MIDDLE - 0.25 * wilder_atr([*CHANNEL, BREAK])[-1]))
    assert "above the upper line" in event.why
    assert "has risen for 72 bars" in event.why


@pytest.mark.parametrize(("turnover", "told"), [(1.49, 0), (1.5, 1), (float("nan"), 0)])
def test_the_break_needs_turnover(turnover, told):
    assert len(breaks([*CHANNEL, BREAK], turnover)) == told


def test_a_market_that_has_no_turnover_breaks_nothing():
    assert breaks([*CHANNEL, BREAK], 5.0, before=0.0) == []


def test_the_turnover_is_compared_with_the_ninety_six_bars_before():
    assert breaks([*WARM[:20], *CHANNEL, BREAK], 1.5, before=1.0, volume_ratio_min=1.5) != []
    assert breaks([*CHANNEL, BREAK], 1.5, volume_bars=300) == []  # fewer than half of them there


def test_a_bar_that_was_below_already_breaks_nothing():
    under = LOWER - 0.5
    closes = [*CLOSES[1:], under]
    middle, half, slope = lines(closes)
    lower = middle - half
    assert closes[-1] < lower - slope
    bars = [*WARM, *bars_of(CLOSES), *bars_of([under], CLOSES[-1]), (under, under + 0.1, lower - 0.9, lower - 0.8)]
    assert breaks(bars) == []


# through pivots -----------------------------------------------------------------------------------------------


def zigzag(*turns: float, bars: int = 8, start: float) -> list[tuple[float, float, float, float]]:
    closes = [start]
    for a, b in itertools.pairwise([start, *turns]):
        closes += [a + (b - a) * (k + 1) / bars for k in range(bars)]
    return [(a, max(a, b), min(a, b), b) for a, b in itertools.pairwise(closes)]


# tops 10 and 8 sixteen bars apart, bottoms 4 and 2 sixteen bars apart, then up again; wickless
ZIGZAG = [*flat(40), *zigzag(10, 4, 8, 2, start=0.0), *zigzag(5.0, bars=6, start=2.0)]
TOP_1, BOTTOM_1 = 47, 55
AT = len(ZIGZAG)  # 78
UP = 10 - 2 / 16 * (AT - TOP_1)
DOWN = 4 - 2 / 16 * (AT - BOTTOM_1)


def test_lines_through_two_highs_and_two_lows():
    """Both fall an eighth a bar: at bar 78 the upper one is at 10 - 31/8, the lower one at 4 - 23/8."""
    bar = (UP - 0.1, UP + 0.3, UP - 0.7, UP - 0.5)
    (event,) = touches([*ZIGZAG, bar], kind="pivots", template=ROOMY)
    assert (UP, DOWN) == (6.125, 1.125)
    assert event.level == pytest.approx(price(UP))
    assert event.targets == pytest.approx((price((UP + DOWN) / 2), price(DOWN)))
    assert event.attrs["slope_share"] == pytest.approx(1.0)
    assert event.attrs["channel"] == "pivots"
    assert event.attrs["upper_first_ns"] == event.anchor_ns == START_NS + TOP_1 * HOUR_NS
    assert event.attrs["lower_first_ns"] == START_NS + BOTTOM_1 * HOUR_NS
    assert "(3-bar pivots)" in event.why
    (upper,) = [part for part in event.drawing if part.name == "upper"]
    assert (upper.start_ns, upper.start_price) == (START_NS + TOP_1 * HOUR_NS, pytest.approx(price(10)))


@pytest.mark.parametrize(
    ("broken", "turns", "params"),
    [
        ("one line falls three times as fast", (10, 4, 9, 1), {}),
        ("the lows rise", (10, 4, 8, 5), {}),
        ("the highs rise", (8, 4, 10, 2), {}),
        ("the first pivot is too old", (10, 4, 8, 2), {"bars": 30}),
        ("no pivot has so many bars either side", (10, 4, 8, 2), {"pivot_bars": 8}),
    ],
)
def test_pivots_that_make_no_channel(broken, turns, params):
    drawn = [*flat(40), *zigzag(*turns, start=0.0), *zigzag(turns[-1] + 3, bars=6, start=turns[-1])]
    at = len(drawn)
    up = turns[0] + (turns[2] - turns[0]) / 16 * (at - TOP_1)
    drawn.append((up - 0.1, up + 0.3, up - 0.7, up - 0.5))
    assert touches(drawn, kind="pivots", template=ROOMY, **params) == [], broken


def test_a_line_that_a_close_has_been_above_is_broken():
    """The last rise overshoots the line by a close and comes back."""
    over = [*ZIGZAG, (5.0, UP + 0.4, 4.9, UP + 0.3), (UP + 0.3, UP + 0.35, UP - 0.7, UP - 0.5)]
    assert touches(over, kind="pivots", template=ROOMY) == []


def test_a_break_of_the_line_through_two_lows():
    fall = zigzag(2, start=5.0, bars=2)  # three bars would confirm a third high
    at = AT + 2
    low = 4 - 2 / 16 * (at - BOTTOM_1)
    bars = [*ZIGZAG, *fall, (2, 2.1, low - 0.5, low - 0.3)]
    (event,) = breaks(bars, kind="pivots", volume_bars=60)
    assert event.level == pytest.approx(price(low))
    high = 10 - 2 / 16 * (at - TOP_1)
    assert event.targets == pytest.approx((price(low - (high - low)), price(low - 2 * (high - low))))


@pytest.mark.parametrize(
    ("params", "message"),
    [({"kind": "curve"}, "must be 'regression' or 'pivots', was 'curve'"), ({"bars": 2}, "must be 3 or more, were 2")],
)
@pytest.mark.parametrize("rules", [DescendingChannel, ChannelBreak])
def test_rules_that_make_no_channel_are_refused(rules, params, message):
    with pytest.raises(BadInput, match=message):
        rules(**params)
