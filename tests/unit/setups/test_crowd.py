"""Crowding, and the set-up that waits for its price: series drawn by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from unit.setups.builders import START_NS, climb, flat, funding_of, mirrored, panel_of, price, wilder_atr

from bearskin.market import Known
from bearskin.setups import CrowdedLongs, CrowdRules, SupportRules, View, abstentions, crowd_lamps, crowd_state, detect
from bearskin.terms import DAY_NS, HOUR_NS, MINUTE_NS, BadInput, Side

# closes at the mean for two days, then a rise of 2, then one bar that closes below the mean of twenty
RISE = [*flat(60), *climb(9, 2.0), (2.0, 2.25, -1.0, -0.5), *flat(12)]
BROKE = 69
END_NS = START_NS + (BROKE + 1) * HOUR_NS
NO_ROUND = SupportRules(weights={kind: w for kind, w in SupportRules().weights.items() if kind == "pivot-3"})


def daily(values, end_ns=END_NS, late_ns=5 * MINUTE_NS):
    """One value a day, the last of them public at `end_ns`."""
    times = end_ns - late_ns - DAY_NS * np.arange(len(values) - 1, -1, -1, dtype=np.int64)
    return Known(time_ns=times, known_ns=times + late_ns, value=np.array(values, dtype=np.float64))


GROWING = daily([100.0] * 94 + [102, 104, 106, 108, 110, 112, 115])
HEATED = funding_of([0.0001] * 300 + [0.0006] * 3, END_NS)


def crowded(bars=RISE, **series):
    """The market of `RISE` with a low long before it, and everything that crowds it."""
    given = {"funding": HEATED, "open_interest": GROWING, **series}
    return panel_of([*bars[:20], (0.0, 0.5, -7.0, 0.0), *bars[21:]], **given)


def test_the_state_by_hand():
    """101 values, the last above all: rank 100 * 100.5 / 101 over the 91 within ninety days; up 15% in seven days."""
    state = crowd_state(View(crowded(), Side.SHORT), BROKE)
    assert state.interest_pct == pytest.approx(100 * 90.5 / 91)
    assert state.interest_change == pytest.approx(0.15)
    assert state.funding_mean_8h == pytest.approx(0.0006)
    assert state.funding_pct is not None
    assert state.funding_pct > 99
    assert state.score == pytest.approx((state.interest_pct + state.funding_pct) / 200)
    assert (state.crowded, state.dropped, state.shrunk) == (True, ("greed",), ())


@pytest.mark.parametrize(
    ("changed", "crowded_still"),
    [
        ({"sentiment": daily([80.0] * 3)}, True),
        ({"sentiment": daily([74.0] * 3)}, False),
        ({"funding": funding_of([0.0001] * 300 + [0.00029] * 3, END_NS)}, False),  # not three times neutral
        ({"funding": funding_of([0.001] * 40 + [0.0001] * 240 + [0.0006] * 3, END_NS)}, False),  # not the highest
        ({"open_interest": daily([100.0] * 94 + [109.0] * 7)}, False),  # not ten per cent
        ({"open_interest": daily([*[200.0] * 20, *[100.0] * 74, *[115.0] * 7])}, False),  # higher before
        ({"open_interest": None}, False),
        ({"funding": None}, False),
    ],
)
def test_every_term_with_data_has_to_hold(changed, crowded_still):
    assert crowd_state(View(crowded(**changed), Side.SHORT), BROKE).crowded is crowded_still


def test_what_is_absent_is_dropped_and_said():
    bare = crowd_state(View(panel_of(RISE), Side.SHORT), BROKE)
    assert (bare.score, bare.crowded) == (None, False)
    assert bare.dropped == ("open-interest", "funding", "greed")
    greedy = crowd_state(View(panel_of(RISE, sentiment=daily([60.0])), Side.SHORT), BROKE)
    assert (greedy.score, greedy.dropped) == (pytest.approx(0.6), ("open-interest", "funding"))


def test_three_lamps_are_lit_when_the_crowd_is_and_say_what_has_no_data():
    state = crowd_state(View(crowded(), Side.SHORT), BROKE)
    interest, funding, greed = crowd_lamps(state, Side.SHORT)
    assert (interest.on, interest.told) == (True, "+15.0 % in 7 days")
    assert (funding.on, funding.told, funding.need) == (True, "+0.0600 % per 8 h", "rank 95 and +0.03 % per 8 h")
    assert (greed.name, greed.on, greed.told) == ("greed", None, "")
    calm = crowded(funding=funding_of([0.0001] * 303, END_NS), sentiment=daily([80.0] * 3))
    lit = [one.on for one in crowd_lamps(crowd_state(View(calm, Side.SHORT), BROKE), Side.SHORT)]
    assert lit == [True, False, True]


def test_the_lamps_of_the_other_side_are_mirrored():
    fearful = crowded(funding=funding_of([0.0001] * 300 + [-0.0004] * 3, END_NS), sentiment=daily([20.0] * 3))
    state = crowd_state(View(fearful, Side.LONG), BROKE)
    _, funding, fear = crowd_lamps(state, Side.LONG)
    assert (funding.on, funding.told, funding.need) == (True, "-0.0400 % per 8 h", "rank 95 and -0.01 % per 8 h")
    assert (fear.name, fear.on, fear.told, fear.need) == ("fear", True, "Fear & Greed 20", "Fear & Greed 25 or less")


def test_windows_longer_than_the_data_shrink_and_are_flagged():
    short = crowded(
        open_interest=daily([100.0] * 20 + [115.0]), funding=funding_of([0.0001] * 60 + [0.0006] * 3, END_NS)
    )
    state = crowd_state(View(short, Side.SHORT), BROKE)
    assert state.shrunk == ("open interest 20 of 90 days", "funding 21 of 90 days")
    none = crowd_state(View(crowded(open_interest=daily([100.0] * 13)), Side.SHORT), BROKE)
    assert none.interest_pct is None


def test_a_value_counts_from_when_it_was_public():
    """The last value of open interest comes an hour after the close: it is not known, and the one before is."""
    late = dataclasses.replace(GROWING, known_ns=np.append(GROWING.known_ns[:-1], END_NS + HOUR_NS))
    state = crowd_state(View(crowded(open_interest=late), Side.SHORT), BROKE)
    assert state.interest_change == pytest.approx(0.12)


def test_old_open_interest_says_nothing():
    stale = daily([100.0] * 100, END_NS - 2 * DAY_NS)
    assert "open-interest" in crowd_state(View(crowded(open_interest=stale), Side.SHORT), BROKE).dropped


def test_ratios_flag_who_is_on_that_side():
    """Many accounts long while the largest positions are not; for a long, many short."""
    ratio, top = daily([1.0] * 30 + [3.0]), daily([2.0] * 30 + [1.5])
    panel = crowded(long_short_ratio=ratio, top_positions_ratio=top)
    short, long = (crowd_state(View(panel, side), BROKE) for side in (Side.SHORT, Side.LONG))
    assert (short.ratio_bearish, long.ratio_bearish) == (True, False)
    assert (short.ratio_pct, short.top_pct) == (pytest.approx(100 * 30.5 / 31), pytest.approx(100 * 0.5 / 31))
    assert long.ratio_pct == pytest.approx(100 - short.ratio_pct)
    assert short.retail_minus_top == pytest.approx(short.ratio_pct - short.top_pct)
    assert short.ratio_change_24h == pytest.approx(2.0)
    both = crowded(long_short_ratio=ratio, top_positions_ratio=ratio)
    assert not crowd_state(View(both, Side.SHORT), BROKE).ratio_bearish  # the largest are long as well


def test_a_ratio_that_fell_to_nothing_is_no_change_for_the_other_side():
    panel = crowded(long_short_ratio=daily([1.0] * 30 + [0.0]))
    short, long = (crowd_state(View(panel, side), BROKE) for side in (Side.SHORT, Side.LONG))
    assert (short.ratio_change_24h, long.ratio_change_24h) == (-1.0, None)


def test_a_close_below_the_mean_of_a_crowded_market_by_hand():
    panel = crowded()
    (event,) = detect(panel, ["crowded_longs"], [Side.SHORT])
    atr = wilder_atr([*RISE[:20], (0.0, 0.5, -7.0, 0.0), *RISE[21:]])[BROKE]
    closes = [bar[3] for bar in RISE]
    mean = sum(closes[:20]) / 20
    for close in closes[20 : BROKE + 1]:
        mean += (close - mean) * 2 / 21
    assert event.bar == BROKE
    assert event.level == pytest.approx(price(mean))
    assert event.stop == pytest.approx(price(2.25 + 0.25 * atr))
    assert event.invalidation == pytest.approx(price(min(2.25, mean + atr)))
    assert event.targets[0] == pytest.approx(price(-7.0))
    assert event.horizon_bars == 48
    assert event.attrs["dropped"] == "greed"
    assert event.attrs["crowded"] == "yes"
    assert event.attrs["funding_8h"] == pytest.approx(0.0006)
    assert "below its 20-bar mean" in event.why
    assert "with longs crowded: open interest up 15.0% in 7 days" in event.why
    assert event.why.endswith("funding at 0.0600% per 8 h (without greed).")
    assert {line.name for line in event.drawing} == {"mean", "level"}


def test_the_long_is_the_mirror():
    bars = [*RISE[:20], (0.0, 0.5, -7.0, 0.0), *RISE[21:]]
    falling = panel_of(
        mirrored(bars),
        funding=funding_of([0.0001] * 300 + [-0.0004] * 3, END_NS),
        open_interest=GROWING,
        sentiment=daily([10.0] * 3),
    )
    rules = {"crowded_longs": CrowdedLongs(supports=NO_ROUND)}
    (long,) = detect(falling, ["crowded_longs"], [Side.LONG], params=rules)
    (short,) = detect(crowded(sentiment=daily([90.0] * 3)), ["crowded_longs"], [Side.SHORT], params=rules)
    assert (long.bar, 1e4 / long.stop, 1e4 / long.targets[0]) == (
        short.bar, pytest.approx(short.stop), pytest.approx(short.targets[0]),
    )  # fmt: skip
    assert "with shorts crowded" in long.why
    assert "Fear & Greed at 10" in long.why
    assert long.attrs["greed"] == 90.0


def test_no_cross_without_closes_above_the_mean_before():
    """The bar before the break closes below the mean already: that was the cross, of a market that was not up yet."""
    early = [*RISE[: BROKE - 3], (1.25, 1.5, -1.0, -0.6), *RISE[BROKE - 2 :]]
    events = detect(crowded(early), ["crowded_longs"], [Side.SHORT])
    assert [event.bar for event in events] in ([], [BROKE - 3])


def test_the_first_bar_asked_for_changes_nothing():
    panel = crowded()
    whole = detect(panel, ["crowded_longs"])
    assert whole
    for first in (60, 65, BROKE):
        assert detect(panel, ["crowded_longs"], first_bar=first) == whole
    assert detect(panel, ["crowded_longs"], first_bar=BROKE + 1) == []


def test_it_abstains_without_its_series_or_with_short_ones():
    for series, need in (
        ({"funding": None}, "funding"),
        ({"open_interest": None}, "open-interest"),
        ({"open_interest": daily([1.0] * 5)}, "14 days"),
        ({"funding": funding_of([0.0001] * 9, END_NS)}, "14 days"),
    ):
        (said,) = abstentions(crowded(**series), ["crowded_longs"])
        assert said.refused.need == need
        assert detect(crowded(**series), ["crowded_longs"]) == []


def test_bad_questions():
    with pytest.raises(BadInput, match="from 0 to"):
        crowd_state(View(crowded(), Side.SHORT), len(RISE), CrowdRules())
