"""A steep climb to RSI above 70, a peak at 9.2, a fall, a lower high at 7.7, and the two bars that confirm it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from unit.setups.builders import mirrored, panel_of, price, wilder_atr

from bearskin.setups import Line, RsiOverbought, Template, View, Zone, detect
from bearskin.terms import HOUR_NS, Side

WARM = [(-0.1, 0.5, -0.5, 0.1), (0.1, 0.5, -0.5, -0.1)] * 30
START_NS = panel_of(WARM[:2]).time_ns[0]


def walk(*closes: float, start: float) -> list[tuple[float, float, float, float]]:
    """Bars from one close to the next, with wicks of 0.2 at either end."""
    return [(a, max(a, b) + 0.2, min(a, b) - 0.2, b) for a, b in itertools.pairwise([start, *closes])]


CLIMB = walk(*[0.75 * (k + 1) for k in range(12)], start=0.0)  # to 9.0 in bar 71
PEAK = 71
TURN = walk(7.5, 6.5, 6.0, 6.75, 7.5, 6.8, 6.2, start=9.0)  # the lower high is bar 76, confirmed by bar 78
LOWER = 76
BARS = [*WARM, *CLIMB, *TURN]


def found(bars, side=Side.SHORT, template=None, **params):
    rules = {"rsi_overbought": RsiOverbought(**params)}
    return detect(panel_of(bars), ["rsi_overbought"], [side], rules, template)


def rsi_of(bars, side=Side.SHORT):
    return View(panel_of(bars), side).rsi(14)


def test_rsi_back_below_seventy_and_a_lower_high_are_a_short():
    """
    high of the lower high 7.5 + 0.2, stop a quarter of an ATR above; first target one risk below the close of 6.2,
    second half of the leg from -0.5 to 9.2 when that lies beyond
    """
    rsi = rsi_of(BARS)
    cross = int(np.flatnonzero((rsi[1:] < 70) & (rsi[:-1] >= 70))[-1]) + 1
    assert PEAK < cross < LOWER + 2
    (event,) = found(BARS)
    atr = wilder_atr(BARS)[-1]
    stop = 7.7 + 0.25 * atr
    risk = stop - 6.2
    assert (event.bar, event.horizon_bars) == (LOWER + 2, 24)
    assert (event.level, event.invalidation) == pytest.approx((price(7.7), price(7.7)))
    assert event.stop == pytest.approx(price(stop))
    half = 9.2 - 0.5 * (9.2 + 0.5)
    targets = [6.2 - risk, half] if half < 6.2 - risk else [6.2 - risk]
    assert event.targets == pytest.approx([price(y) for y in targets])
    assert event.anchor_ns == event.attrs["peak_ns"] == START_NS + PEAK * HOUR_NS
    assert event.attrs["peak_price"] == pytest.approx(price(9.2))
    assert event.attrs["lower_high_ns"] == START_NS + LOWER * HOUR_NS
    assert event.attrs["cross_ns"] == START_NS + cross * HOUR_NS
    assert event.attrs["bars_since_cross"] == LOWER + 2 - cross
    assert event.attrs["rsi_most"] == pytest.approx(rsi[60:cross].max())
    assert event.why.startswith("DRAWNUSDT came back below RSI 70 after ")
    assert "made a lower high of" in event.why


def test_what_was_seen_is_drawn():
    (event,) = found(BARS)
    line, level = (part for part in event.drawing if isinstance(part, Line))
    (zone,) = (part for part in event.drawing if isinstance(part, Zone))
    assert (line.name, level.name, zone.name) == ("highs", "level", "overbought")
    assert (line.start_ns, line.end_ns) == (START_NS + PEAK * HOUR_NS, START_NS + LOWER * HOUR_NS)
    assert (level.start_ns, level.end_ns) == (START_NS + LOWER * HOUR_NS, START_NS + (LOWER + 2) * HOUR_NS)
    assert zone.end_ns < event.attrs["cross_ns"]
    assert zone.high_price == pytest.approx(price(9.2))


def test_the_mirrored_drawing_is_a_higher_low_after_oversold():
    (event,) = found(mirrored(BARS), Side.LONG)
    assert event.stop < event.entry_ref < event.targets[0]
    assert event.why.startswith("DRAWNUSDT came back above RSI 30 after ")
    assert "made a higher low of" in event.why


def test_nothing_is_known_before_the_lower_high_is_confirmed():
    assert found(BARS[:-1]) == []
    assert [event.bar for event in found([*BARS, *walk(6, 5.8, start=6.2)])] == [LOWER + 2]


def test_a_later_lower_high_is_not_told_again():
    more = walk(5.5, 5.0, 5.6, 6.2, 5.6, 5.0, start=6.2)
    assert [event.bar for event in found([*BARS, *more])] == [LOWER + 2]


def test_a_lower_high_that_came_first_counts_when_rsi_comes_back():
    """RSI is below the mark only after the lower high is known: the cross is the signal."""
    bars = [*BARS, *walk(6.1, 5.0, start=6.2)]
    rsi = rsi_of(bars)
    mark = float(rsi[-2] + rsi[-1]) / 2
    assert rsi[PEAK - 5 : -1].min() > mark
    (event,) = found(bars, overbought=mark, template=Template(risk_max_atr=9.0))
    assert event.bar == len(bars) - 1
    assert event.attrs["lower_high_ns"] == START_NS + LOWER * HOUR_NS
    assert event.attrs["bars_since_cross"] == 0


@pytest.mark.parametrize(
    ("broken", "bars", "params"),
    [
        ("RSI never reached the mark", BARS, {"overbought": 100.0}),
        ("RSI never came back", BARS, {"overbought": 20.0}),
        ("the second high is no lower", [*WARM, *CLIMB, *walk(7.5, 6.5, 6.0, 7.75, 9.1, 6.8, 6.2, start=9.0)], {}),
        ("the second high is as high", [*WARM, *CLIMB, *walk(7.5, 6.5, 6.0, 7.75, 9.0, 6.8, 6.2, start=9.0)], {}),
        ("too late", BARS, {"valid_bars": 2}),
        ("a pivot of three bars is not confirmed yet", BARS, {"pivot_bars": 3}),
    ],
)
def test_near_misses_do_not_fire(broken, bars, params):
    assert found(bars, **params) == [], broken


def test_rsi_above_the_mark_again_ends_it():
    """A lower high that is confirmed only after RSI has been up again is not this stretch's."""
    rsi = rsi_of(BARS)
    crosses = np.flatnonzero((rsi[1:] < 70) & (rsi[:-1] >= 70)) + 1
    again = [*WARM, *CLIMB, *walk(7.5, 6.5, 8.9, 8.95, 8.8, 8.7, start=9.0)]
    over = rsi_of(again)[int(crosses[-1]) :] >= 70
    assert over.any()
    for event in found(again):
        assert event.attrs["cross_ns"] > START_NS + int(crosses[-1]) * HOUR_NS


def test_a_flat_rsi_says_nothing():
    assert found([(0.0, 0.0, 0.0, 0.0)] * 60) == []
