"""A climb to 0, two days at the top on ever less turnover, and a close below all of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from unit.setups.builders import climb, drawn, mirrored, panel_of, price

from bearskin.setups import DecliningVolume, detect
from bearskin.setups._declining_volume import kendall
from bearskin.terms import Side

CLIMB = climb(160)  # four-hour true ranges of 1.75
HELD = [(0.0, 0.25, -0.75, 0.0)] * 48  # and of 1
BREAK = (0.0, 0.1, -1.0, -0.85)
BARS = [*CLIMB, *HELD, BREAK]
LAST = len(BARS) - 1
ATR = 1 + 0.75 * (13 / 14) ** 12  # twelve four-hour bars after the climb
FADING = np.arange(48, 0, -1.0)


def volumes(window=FADING, after=1):
    return np.concatenate([np.full(len(CLIMB), 50.0), window, np.full(after, 20.0)])


def found(bars=BARS, side=Side.SHORT, turnover=None, **params):
    series = {name: params.pop(name) for name in ("taker_buy_volume",) if name in params}
    turnover = volumes(after=len(bars) - 208) if turnover is None else turnover
    panel = panel_of(bars, quote_volume=turnover, **series)
    return detect(panel, ["declining_volume"], [side], {"declining_volume": DecliningVolume(**params)})


def test_a_close_below_a_range_that_held_on_fading_turnover_is_a_short():
    """
    48 bars from -0.75 to 0.25 at the top of 200, turnover 48 down to 1, then a close of -0.85
    stop 0.25 + ATR/4 of four-hour bars; targets: one risk away, and two heights below the range, -2.75
    """
    (event,) = found()
    risk = 0.25 + 0.25 * ATR + 0.85
    assert (event.bar, event.side, event.horizon_bars, event.entry) == (LAST, Side.SHORT, 48, "market")
    assert event.atr == pytest.approx(ATR / 100)
    assert event.level == pytest.approx(price(-0.75))
    assert event.stop == pytest.approx(price(0.25 + 0.25 * ATR))
    assert event.targets == pytest.approx((price(-0.85 - risk), price(-2.75)))
    assert event.invalidation == pytest.approx(price(0.25))
    assert event.attrs["risk_atr"] == pytest.approx(risk / ATR)
    assert (event.attrs["tau"], event.attrs["near_share"], event.attrs["closes_atr"]) == pytest.approx((-1, 1, 0))
    assert event.attrs["turnover_halves"] == pytest.approx(12.5 / 36.5)
    assert event.attrs["atr_hours"] == 4.0
    assert event.attrs["unchecked"] == "taker"
    assert "held near its highs for 48 bars on falling turnover (Kendall's tau -1.00)" in event.why


def test_the_mirrored_drawing_is_the_mirrored_long():
    (event,) = found(mirrored(BARS), Side.LONG)
    assert event.stop == pytest.approx(price(-0.25 - 0.25 * ATR))
    assert event.targets[1] == pytest.approx(price(2.75))
    assert "held near its lows" in event.why


def test_the_range_and_its_low_are_drawn():
    (event,) = found()
    assert drawn(event, panel_of(BARS)) == [("level", 160, -0.75, 208, -0.75), ("range", 160, -0.75, 207, 0.25)]


def bars_with(place, bar):
    changed = list(BARS)
    changed[place] = bar
    return changed


@pytest.mark.parametrize(
    ("broken", "case"),
    [
        ("the close stays above the low", {"bars": [*CLIMB, *HELD, (0.0, 0.1, -1.0, -0.75)]}),
        ("turnover rises", {"turnover": volumes(FADING[::-1])}),
        ("turnover stands still", {"turnover": volumes(np.ones(48))}),
        ("a wick six units higher, 49 bars before, is the top", {"bars": bars_with(159, (-0.25, 6.0, -0.75, 0.0))}),
        ("closes may not lie apart at all", {"bars": bars_with(180, (0.0, 0.25, -0.75, -0.1)), "closes_atr": 0.05}),
        ("chance is asked to be rarer than it is", {"p_max": 0.0}),
        ("takers buy more than they sell", {"taker_buy_volume": np.full(len(BARS), 0.6)}),
    ],
)
def test_near_misses_do_not_fire(broken, case):
    assert found(**case) == [], broken


def test_a_wick_within_an_atr_does_not_spoil_the_highs():
    """The top is 1.25 and the highs 0.25: one unit, and the four-hour ATR is more than one."""
    assert found(bars_with(159, (-0.25, 1.25, -0.75, 0.0)))


def test_six_highs_in_ten_are_enough():
    """Of 48 highs 29 near the top are 60.4%, 28 are 58.3%."""
    low = (-2.0, -1.9, -2.6, -2.0)
    for lows, events in ((19, 1), (20, 0)):
        held = [*HELD[:4], *[low] * lows, *HELD[: 44 - lows]]
        bars = [*CLIMB, *held, (0.0, 0.1, -2.9, -2.7)]
        assert len(found(bars)) == events, lows


def test_takers_that_sell_fit_the_short_and_not_the_long():
    """Of a volume of one 0.4 is bought: every bar sells 0.2 more, which is the slope."""
    sold = np.full(len(BARS), 0.4)
    (event,) = found(taker_buy_volume=sold)
    assert event.attrs["cvd_slope"] == pytest.approx(-0.2)
    assert "unchecked" not in event.attrs
    assert found(mirrored(BARS), Side.LONG, taker_buy_volume=sold) == []
    (event,) = found(mirrored(BARS), Side.LONG, taker_buy_volume=1 - sold)
    assert event.attrs["cvd_slope"] == pytest.approx(-0.2)


def test_only_the_first_close_below_counts():
    """The next bar closes lower still: its window holds a bar that has broken down already."""
    lower = (-0.85, -0.5, -1.6, -1.5)
    assert [e.bar for e in found([*BARS, lower], turnover=volumes(after=2))] == [LAST]


def test_missing_turnover_is_no_trend():
    holes = volumes()
    holes[180] = np.nan
    assert found(turnover=holes) == []


@pytest.mark.parametrize(
    ("values", "tau"),
    [
        ([1, 2, 3], 1.0),
        ([3, 2, 1], -1.0),
        ([3, 1, 2], -1 / 3),  # two pairs fall, one rises
        ([2, 1, 1], -2 / math.sqrt(3 * 2)),  # two fall, one is tied
    ],
)
def test_tau_by_hand(values, tau):
    found = kendall(np.array(values, dtype=float))
    assert found is not None
    assert found.tau == pytest.approx(tau)


def test_tau_of_what_says_nothing():
    assert kendall(np.ones(9)) is None
    assert kendall(np.array([1.0])) is None
    assert kendall(np.array([1.0, np.nan, 2.0])) is None


@pytest.mark.parametrize("seed", range(5))
def test_tau_and_its_p_are_those_of_scipy(seed):
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(size=48) - 0.02 * np.arange(48), 2 if seed % 2 else 0)
    wanted = stats.kendalltau(np.arange(48), values, method="asymptotic")
    found = kendall(values)
    assert found is not None
    assert (found.tau, found.p) == pytest.approx((wanted.statistic, wanted.pvalue), rel=1e-9)
