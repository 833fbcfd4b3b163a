"""Limits of the account, worked out by hand."""

from decimal import Decimal

import pytest

from bearskin.risk import LimitRules, LimitState, binds, limits_of
from bearskin.terms import DAY_NS, HOUR_NS, SECOND_NS

D = Decimal
RULES = LimitRules()
DAY = 20_000 * DAY_NS


def names(state: LimitState, time_ns: int = DAY, wall_ns: int = 0) -> dict[str, Decimal]:
    return {limit.name: limit.multiplier for limit in limits_of(state, RULES, time_ns, wall_ns)}


def at(*figures: str) -> LimitState:
    """An account worth these sums, one a day."""
    state = LimitState()
    for day, equity in enumerate(figures):
        state = state.worth(RULES, DAY + day * DAY_NS, D(equity))
    return state


def traded(
    state: LimitState, *nets: str, reason_is_stop: bool = False, by_hand: bool = False, slipped=None
) -> LimitState:
    for net in nets:
        state = state.ended(RULES, DAY, D(net), stopped=reason_is_stop, by_hand=by_hand, slipped=slipped)
    return state


@pytest.mark.parametrize(
    ("worth", "expected"),
    [
        ("9501", {}),
        ("9500", {"drawdown": D("0.5")}),
        ("9001", {"drawdown": D("0.5")}),
        ("9000", {"drawdown": D("0.25")}),
        ("8500", {"drawdown": D(0)}),
    ],
)
def test_the_deeper_the_loss_from_the_high_water_mark_the_smaller(worth, expected):
    # a day of its own, so that the daily limit has nothing to say
    assert names(at("10000", worth)) == expected


def test_the_high_water_mark_is_of_all_days():
    assert at("10000", "12000", "11400").drawdown == D("0.05")


def test_flat_stays_flat_until_reset_though_the_account_recovers():
    state = at("10000", "8500", "9900")
    assert names(state) == {"drawdown": D(0)}
    assert names(state.reset()) == {}
    assert state.reset().high_water == D(9900)


def test_two_per_cent_of_the_days_start_end_the_day_for_good():
    state = LimitState().worth(RULES, DAY, D(10_000)).worth(RULES, DAY + HOUR_NS, D(9_800))
    state = state.worth(RULES, DAY + 2 * HOUR_NS, D(9_990))
    (limit,) = limits_of(state, RULES, DAY + 3 * HOUR_NS, 0)
    assert (limit.name, limit.multiplier, limit.until_ns) == ("daily-loss", 0, DAY + DAY_NS)
    assert names(state, DAY + DAY_NS) == {}


def test_less_than_two_per_cent_does_not():
    assert names(LimitState().worth(RULES, DAY, D(10_000)).worth(RULES, DAY, D("9800.01"))) == {}


@pytest.mark.parametrize(("by_hand", "name"), [(False, "daily-stops"), (True, "hand-stops")])
def test_three_stopped_trades_end_the_day_of_who_opened_them_a_stop_in_profit_does_not_count(by_hand, name):
    state = traded(at("10000"), "-1", "-1", "5", reason_is_stop=True, by_hand=by_hand)
    assert names(state) == {}
    state = traded(state, "-1", reason_is_stop=True, by_hand=by_hand)
    assert names(state) == {name: D(0)}
    assert binds(name, hand=by_hand)
    assert not binds(name, hand=not by_hand)
    assert names(state, DAY + DAY_NS) == {}
    assert names(state.worth(RULES, DAY + DAY_NS, D(9_999))) == {}
    assert names(state.reset()) == {}


def test_stops_of_the_bot_and_by_hand_are_not_added_up():
    state = traded(at("10000"), "-1", "-1", reason_is_stop=True)
    assert names(traded(state, "5", "-1", "-1", reason_is_stop=True, by_hand=True)) == {}


@pytest.mark.parametrize("name", ["daily-loss", "drawdown", "streak", "slippage", "errors", "skew"])
def test_every_other_limit_binds_both(name):
    assert binds(name, hand=True)
    assert binds(name, hand=False)


def test_four_losses_in_a_row_halve_the_size_until_a_win():
    state = traded(at("10000"), "-1", "-1", "-1")
    assert names(state) == {}
    assert names(traded(state, "-1")) == {"streak": D("0.5")}
    assert names(traded(state, "-1", "0")) == {"streak": D("0.5")}
    assert names(traded(state, "-1", "2")) == {}


def test_slippage_beyond_twice_the_expected_over_ten_trades_halves_the_size():
    state = traded(at("10000"), *["1"] * 9, slipped=(D("2.1"), D(1)))
    assert names(state) == {}
    assert names(traded(state, "1", slipped=(D("2.1"), D(1)))) == {"slippage": D("0.5")}
    assert names(traded(state, "1", slipped=(D("1.1"), D(1)))) == {}  # 20.0 of 10 is not more than twice


def test_old_slippage_is_forgotten():
    state = traded(at("10000"), *["1"] * 10, slipped=(D(5), D(1)))
    assert names(traded(state, *["1"] * 10, slipped=(D(1), D(1)))) == {}


def test_five_refusals_in_a_minute_close_entries_for_ten_minutes():
    state = at("10000")
    for second in (0, 20, 40, 59):
        state = state.rejected(RULES, second * SECOND_NS)
    assert names(state, wall_ns=59 * SECOND_NS) == {}
    state = state.rejected(RULES, 59 * SECOND_NS)
    assert names(state, wall_ns=658 * SECOND_NS) == {"errors": D(0)}
    assert names(state, wall_ns=659 * SECOND_NS) == {}


def test_refusals_far_apart_are_no_burst():
    state = at("10000")
    for minute in range(10):
        state = state.rejected(RULES, minute * 60 * SECOND_NS)
    assert names(state, wall_ns=600 * SECOND_NS) == {}


def test_money_paid_in_and_taken_out_is_remembered_and_is_no_gain():
    state = at("10000").moved(D(250)).moved(D(-1000))
    assert (state.transferred, state.equity, state.high_water) == (D(-750), D(9250), D(9250))
    assert LimitState().moved(D(5)).transferred == 0  # the first figure has it already
