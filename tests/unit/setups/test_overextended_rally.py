"""Ten quiet days, then 24 hours that each close half a per cent higher, with funding at five times neutral."""

from __future__ import annotations

import math

import numpy as np
import pytest
from unit.setups.builders import START_NS, drawn, flat, funding_of, mirrored, panel_of, price

from bearskin.setups import OverextendedRally, Template, abstentions, detect
from bearskin.terms import HOUR_NS, Reason, Side

UNIT = 0.005
RALLY = [*flat(240), *[(float(k), k + 1.0, float(k), k + 1.0) for k in range(24)]]
TURN = (24.0, 24.0, 22.8, 22.9)  # closes below 23, the low before
ATR = (13 + 1.2) / 14
END_NS = START_NS + 264 * HOUR_NS
HOT = funding_of([0.0001] * 120 + [0.0005] * 3, END_NS)


def found(bars, side=Side.SHORT, funding=HOT, unit=UNIT, template=None, **params):
    panel = panel_of(bars, unit=unit, funding=funding)
    return detect(panel, ["overextended_rally"], [side], {"overextended_rally": OverextendedRally(**params)}, template)


def four_hour_mean() -> float:
    """EMA20 of four-hour closes 4, 8, ... 24 after a long time at 0."""
    mean = 0.0
    for close in (4, 8, 12, 16, 20, 24):
        mean += (close - mean) * 2 / 21
    return mean


def test_the_first_close_below_the_low_before_is_a_short():
    """
    24 h rise 12% (10 needed), close far above the four-hour mean, mean funding 0.05% (0.03 needed) and the highest ever
    stop: the peak 24 and half an ATR; targets: half of the leg from -0.5 to 24, then the four-hour mean
    """
    (event,) = found([*RALLY, TURN])
    assert (event.bar, event.horizon_bars) == (264, 48)
    assert (event.level, event.invalidation) == pytest.approx((price(24, UNIT), price(24, UNIT)))
    assert event.stop == pytest.approx(price(24 + 0.5 * ATR, UNIT))
    assert event.targets == pytest.approx((price(24 - 24.5 / 2, UNIT), price(four_hour_mean(), UNIT)))
    assert event.attrs["peak_age_bars"] == 1
    assert event.attrs["funding_8h"] == pytest.approx(0.0005)
    assert event.attrs["funding_pct"] > 99
    assert event.attrs["shrunk"] == "funding 41 of 90 days"
    assert event.attrs["mean_price"] == pytest.approx(price(four_hour_mean(), UNIT))


def test_the_mirrored_drawing_is_a_long_with_mirrored_funding():
    """0.05% is 0.04 above the neutral 0.01%: for the long that is -0.03%."""
    cold = funding_of([0.0001] * 120 + [-0.0003] * 3, END_NS)
    (event,) = found(mirrored([*RALLY, TURN]), Side.LONG, cold)
    assert event.stop == pytest.approx(price(-24 - 0.5 * ATR, UNIT))
    assert event.attrs["funding_8h"] == pytest.approx(-0.0003)
    assert found(mirrored([*RALLY, TURN]), Side.LONG, HOT) == []


def test_the_leg_its_top_and_the_mean_are_drawn():
    """The rise is larger over 72 hours: the low of the leg is the first of -0.5 in the 72 bars before bar 263."""
    bars = [*RALLY, TURN]
    (event,) = found(bars)
    leg, top, mean = drawn(event, panel_of(bars, unit=UNIT), UNIT)
    assert leg == ("leg", 191, -0.5, 263, 24.0)
    assert top == ("level", 263, 24.0, 264, 24.0)
    assert mean == ("mean", 263, round(four_hour_mean(), 6), 264, round(four_hour_mean(), 6))


@pytest.mark.parametrize(
    ("broken", "case"),
    [
        ("no close below the low before", {"bars": [*RALLY, (24.0, 24.0, 22.8, 23.1)]}),
        ("the rise is 9.6%", {"bars": [*RALLY, TURN], "unit": 0.004}),
        (
            "funding is twice neutral",
            {"bars": [*RALLY, TURN], "funding": funding_of([0.0001] * 120 + [0.0002] * 3, END_NS)},
        ),
        (
            "funding has been this high all along",
            {"bars": [*RALLY, TURN], "funding": funding_of([0.0005] * 123, END_NS)},
        ),
        (
            "the peak is thirteen bars old",
            {"bars": [*RALLY, *[(23.5, 23.9, 22.9, 23.5)] * 12, (23.5, 23.6, 22.6, 22.7)]},
        ),
        ("the rise is slow against its own noise", {"bars": [*RALLY, TURN], "rise_sigmas": 10.0}),
        ("it is not far above its mean", {"bars": [*RALLY, TURN], "extended_atr": 18.0}),
    ],
)
def test_near_misses_do_not_fire(broken, case):
    bars = case.pop("bars")
    assert found(bars, **case) == [], broken


def test_a_peak_of_twelve_bars_still_counts():
    bars = [*RALLY, *[(23.5, 23.9, 22.9, 23.5)] * 11, (23.5, 23.6, 22.6, 22.7)]
    (event,) = found(bars)
    assert (event.bar, event.attrs["peak_age_bars"]) == (275, 12)


def test_only_the_first_trigger_after_a_peak_counts():
    again = (22.9, 23.0, 21.8, 21.9)
    assert [e.bar for e in found([*RALLY, TURN, again])] == [264]


def test_the_mean_cross_is_another_trigger():
    """The close falls through the mean of eight closes, which lags the climb by 3.5, only on a deeper bar."""
    assert found([*RALLY, TURN], trigger="ema-cross") == []
    (event,) = found([*RALLY, (24.0, 24.0, 20.0, 20.1)], template=Template(risk_max_atr=4.0), trigger="ema-cross")
    assert event.bar == 264


def test_rates_of_other_intervals_are_put_on_eight_hours():
    """0.00025 every four hours is 0.0005 per eight."""
    four = funding_of([0.00005] * 240 + [0.00025] * 3, END_NS, hours=4)
    (event,) = found([*RALLY, TURN], funding=four)
    assert event.attrs["funding_8h"] == pytest.approx(0.0005)


def test_without_funding_it_abstains_and_says_so():
    panel = panel_of([*RALLY, TURN], unit=UNIT)
    assert detect(panel, ["overextended_rally"]) == []
    (said,) = abstentions(panel, ["overextended_rally", "failed_breakout"])
    assert (said.setup, said.symbol, said.refused.reason) == ("overextended_rally", "DRAWNUSDT", Reason.NO_DATA)
    assert said.refused.need == "funding"


def test_with_a_short_funding_history_it_abstains():
    panel = panel_of([*RALLY, TURN], unit=UNIT, funding=funding_of([0.0001] * 5 + [0.0005] * 3, END_NS))
    assert detect(panel, ["overextended_rally"]) == []
    (said,) = abstentions(panel, ["overextended_rally"])
    assert said.refused.need == "14 days"
    assert said.refused.have.startswith("2.")


def test_settlements_after_the_bar_are_not_known():
    late = funding_of([0.0001] * 123 + [0.0005] * 3, END_NS + 26 * HOUR_NS)
    assert found([*RALLY, TURN], funding=late) == []


def test_settlements_of_unknown_length_are_left_out():
    holes = HOT.interval_ns.copy()
    holes[0] = 0
    first_unknown = type(HOT)(time_ns=HOT.time_ns, rate=HOT.rate, interval_ns=holes)
    (event,) = found([*RALLY, TURN], funding=first_unknown)
    assert math.isfinite(event.attrs["funding_pct"])
    assert np.all(np.diff(HOT.time_ns) > 0)
