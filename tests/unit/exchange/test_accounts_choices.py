"""Leverage, margin mode, position mode, isolated margin and countdowns: each choice and each refusal of it."""

from decimal import Decimal

import pytest
from unit.exchange.stage import BTC, ETH, Stage, of

from bearskin.exchange._core import Exchange
from bearskin.exchange._floor import FUND
from bearskin.exchange._words import (
    AccountUpdated,
    AddMargin,
    MarginMoved,
    PlaceAlgo,
    SetCountdown,
    SetLeverage,
    SetMarginMode,
    SetPositionMode,
    SettingChanged,
)

D = Decimal


@pytest.fixture
def stage():
    return Stage()


def leverage_of(stage, number, symbol=BTC):
    return stage.account(number).settings[symbol].leverage


# --- leverage --------------------------------------------------------------------------------------------------------


def test_leverage_is_twenty_until_somebody_says_otherwise(stage):
    assert stage.do(SetLeverage, account=stage.trader, symbol=BTC, leverage=20) == []
    assert stage.do(SetLeverage, account=stage.trader, symbol=BTC, leverage=3) == [
        SettingChanged(time_ns=stage.now_ns, account=stage.trader, symbol=BTC, leverage=3)
    ]
    assert leverage_of(stage, stage.trader) == 3
    assert stage.do(SetLeverage, account=stage.trader, symbol=BTC, leverage=3) == []


@pytest.mark.parametrize("leverage", [0, -1, 101])
def test_leverage_outside_the_brackets(stage, leverage):
    assert stage.refused(SetLeverage, account=stage.trader, symbol=BTC, leverage=leverage) == -4028


def test_leverage_too_high_for_the_position_that_is_there():
    """20,000 x 20 holds up to 3,000,000 at 20x, but at 50x only 800,000 and at 100x 300,000."""
    stage = Stage(deposit="100000")
    stage.position_for(stage.trader, "-10")
    assert stage.refused(SetLeverage, account=stage.trader, symbol=BTC, leverage=100) == -2027
    stage.do(SetLeverage, account=stage.trader, symbol=BTC, leverage=50)
    assert stage.refused(SetLeverage, account=stage.trader, symbol=BTC, leverage=51) == -2027


def test_resting_orders_count_towards_what_a_leverage_allows():
    """4 BTC short at 60,000 and 2 more offered there are 360,000; 2 bid would only reduce."""
    stage = Stage(deposit="100000")
    stage.position_for(stage.trader, "-4")
    stage.limit(stage.trader, 1, "2", "59000")
    stage.do(SetLeverage, account=stage.trader, symbol=BTC, leverage=100)
    stage.do(SetLeverage, account=stage.trader, symbol=BTC, leverage=50)
    stage.limit(stage.trader, -1, "2", "60500")
    assert stage.refused(SetLeverage, account=stage.trader, symbol=BTC, leverage=100) == -2027


def test_lower_leverage_needs_free_margin(stage):
    """1 BTC short at 60,000 needs 3,000 at 20x and 10,000 at 6x, which fees have made too much."""
    stage.position_for(stage.trader, "-1")
    assert stage.refused(SetLeverage, account=stage.trader, symbol=BTC, leverage=6) == -2028
    stage.do(SetLeverage, account=stage.trader, symbol=BTC, leverage=7)
    assert leverage_of(stage, stage.trader) == 7


def test_lower_leverage_needs_it_for_resting_orders_too(stage):
    """1 BTC bid at 59,000: 2,950 at 20x, 9,833.34 at 6x, 11,800 at 5x."""
    stage.limit(stage.trader, 1, "1", "59000")
    assert stage.refused(SetLeverage, account=stage.trader, symbol=BTC, leverage=5) == -2028
    stage.do(SetLeverage, account=stage.trader, symbol=BTC, leverage=6)


def test_isolated_positions_only_go_up_in_leverage(stage):
    stage.do(SetMarginMode, account=stage.trader, symbol=BTC, isolated=True)
    stage.position_for(stage.trader, "-0.1")
    assert stage.refused(SetLeverage, account=stage.trader, symbol=BTC, leverage=19) == -4161
    stage.do(SetLeverage, account=stage.trader, symbol=BTC, leverage=25)
    assert stage.margin(stage.trader) == 300


def test_choices_for_symbols_and_accounts_that_are_not_there(stage):
    for kind, fields in (
        (SetLeverage, {"leverage": 5}),
        (SetMarginMode, {"isolated": True}),
        (SetCountdown, {"after_ns": 1}),
        (AddMargin, {"position_side": "BOTH", "amount": D(1)}),
    ):
        assert stage.refused(kind, account=stage.trader, symbol="NOSUCH", **fields) == -1121
        assert stage.refused(kind, account=99, symbol=BTC, **fields) == -1130
    assert stage.refused(SetPositionMode, account=99, dual=True) == -1130


# --- margin mode -----------------------------------------------------------------------------------------------------


def test_margin_mode_is_cross_until_changed_and_told_both_ways(stage):
    assert stage.refused(SetMarginMode, account=stage.trader, symbol=BTC, isolated=False) == -4046
    events = stage.do(SetMarginMode, account=stage.trader, symbol=BTC, isolated=True)
    assert of(events, SettingChanged)[0].isolated is True
    (update,) = of(events, AccountUpdated)
    assert (update.reason, [(row.symbol, row.side, row.qty) for row in update.positions]) == (
        "MARGIN_TYPE_CHANGE", [(BTC, "BOTH", 0)],
    )  # fmt: skip
    assert update.positions[0].isolated
    assert stage.account(stage.trader).positions == {}
    assert stage.refused(SetMarginMode, account=stage.trader, symbol=BTC, isolated=True) == -4046


def test_margin_mode_keeps_the_leverage_chosen_before(stage):
    stage.do(SetLeverage, account=stage.trader, symbol=BTC, leverage=7)
    stage.do(SetMarginMode, account=stage.trader, symbol=BTC, isolated=True)
    assert leverage_of(stage, stage.trader) == 7


def test_margin_mode_stays_with_orders_of_either_kind_and_with_a_position():
    stage = Stage(symbols=(BTC, ETH))
    stage.limit(stage.trader, 1, "0.01", "50000")
    assert stage.refused(SetMarginMode, account=stage.trader, symbol=BTC, isolated=True) == -4047
    stage.do(SetMarginMode, account=stage.trader, symbol=ETH, isolated=True)

    other = Stage()
    other.algo("STOP_MARKET", 1, qty="0.01", trigger_price="70000")
    assert other.refused(SetMarginMode, account=other.trader, symbol=BTC, isolated=True) == -4047

    third = Stage()
    third.position_for(third.trader, "0.01")
    assert third.refused(SetMarginMode, account=third.trader, symbol=BTC, isolated=True) == -4048


# --- position mode ---------------------------------------------------------------------------------------------------


def test_position_mode_belongs_to_the_account(stage):
    assert stage.refused(SetPositionMode, account=stage.trader, dual=False) == -4059
    events = stage.do(SetPositionMode, account=stage.trader, dual=True)
    assert events == [SettingChanged(time_ns=stage.now_ns, account=stage.trader, dual=True)]
    assert stage.refused(SetPositionMode, account=stage.trader, dual=True) == -4059
    told = stage.do(SetMarginMode, account=stage.trader, symbol=BTC, isolated=True)
    assert [row.side for row in of(told, AccountUpdated)[0].positions] == ["LONG", "SHORT"]


def test_position_mode_stays_with_orders_of_either_kind_and_with_a_position(stage):
    stage.limit(stage.trader, 1, "0.01", "50000")
    assert stage.refused(SetPositionMode, account=stage.trader, dual=True) == -4067
    other = Stage()
    other.algo("STOP_MARKET", 1, qty="0.01", trigger_price="70000")
    assert other.refused(SetPositionMode, account=other.trader, dual=True) == -4067
    third = Stage()
    third.position_for(third.trader, "0.01")
    assert third.refused(SetPositionMode, account=third.trader, dual=True) == -4068


# --- isolated margin -------------------------------------------------------------------------------------------------


@pytest.fixture
def isolated(stage):
    """0.1 BTC long from 60,000 at 20x with 300 of margin; 9,697 in the wallet."""
    stage.do(SetMarginMode, account=stage.trader, symbol=BTC, isolated=True)
    stage.position_for(stage.trader, "0.1")
    return stage


def add(stage, amount, **fields):
    return stage.do(AddMargin, account=stage.trader, symbol=BTC, position_side="BOTH", amount=D(amount), **fields)


def add_refused(stage, amount, side="BOTH", symbol=BTC):
    return stage.refused(AddMargin, account=stage.trader, symbol=symbol, position_side=side, amount=D(amount))


def test_margin_is_added_and_told(isolated):
    events = add(isolated, "100.5")
    assert (isolated.margin(isolated.trader), isolated.wallet(isolated.trader)) == (D("400.5"), D("9596.5"))
    assert of(events, MarginMoved) == [
        MarginMoved(
            time_ns=isolated.now_ns, account=isolated.trader, symbol=BTC, position_side="BOTH", amount=D("100.5"),
            asset="USDT",
        )
    ]  # fmt: skip
    (update,) = of(events, AccountUpdated)
    assert update.reason == "MARGIN_TRANSFER"
    assert [(row.wallet, row.cross_wallet, row.change) for row in update.balances] == [(D(9997), D("9596.5"), D(0))]
    assert [row.isolated_wallet for row in update.positions] == [D("400.5")]


def test_margin_taken_out_leaves_the_initial_margin(isolated):
    """At 60,000 the position needs all of its 300; what was added comes back out to the cent."""
    assert add_refused(isolated, "-0.00000001") == -4051
    add(isolated, "50")
    assert add_refused(isolated, "-50.00000001") == -4051
    add(isolated, "-50")
    assert isolated.margin(isolated.trader) == 300


def test_open_profit_stands_in_for_margin_and_open_loss_takes_its_place(isolated):
    """At 62,000: 200 up, 310 needed, so 190 may go. At 59,000: 100 down, 295 needed: 95 short of taking anything."""
    isolated.mark("62000")
    assert add_refused(isolated, "-190.00000001") == -4051
    isolated.mark("59000")
    add(isolated, "96")
    assert add_refused(isolated, "-1.00000001") == -4051
    add(isolated, "-1")


def test_profit_alone_never_makes_the_margin_negative(isolated):
    """At 80,000: 2,000 up and 400 needed, yet only the 300 that are there can go."""
    isolated.mark("80000")
    assert add_refused(isolated, "-300.00000001") == -4051
    add(isolated, "-300")
    assert isolated.margin(isolated.trader) == 0


def test_margin_that_is_not_there_cannot_be_added(isolated):
    assert add_refused(isolated, "9697.00000001") == -4050
    add(isolated, "9697")
    assert isolated.wallet(isolated.trader) == 0


def test_margin_for_cross_for_no_position_and_for_the_wrong_side(stage):
    stage.position_for(stage.trader, "0.1")
    assert add_refused(stage, "1") == -4049
    other = Stage()
    other.do(SetMarginMode, account=other.trader, symbol=BTC, isolated=True)
    assert add_refused(other, "1") == -4054
    assert add_refused(other, "1", side="LONG") == -4061
    other.do(SetPositionMode, account=other.trader, dual=True)
    assert add_refused(other, "1") == -4061


def test_margin_amounts_that_are_none(isolated):
    assert add_refused(isolated, "0") == -4055
    assert add_refused(isolated, "0.000000001") == -1111
    assert add_refused(isolated, "NaN") == -1130


def test_each_leg_of_a_hedge_has_its_own_margin(stage):
    stage.do(SetPositionMode, account=stage.trader, dual=True)
    stage.do(SetMarginMode, account=stage.trader, symbol=BTC, isolated=True)
    stage.position_for(stage.trader, "0.1", position_side="LONG")
    stage.position_for(stage.trader, "-0.2", position_side="SHORT")
    stage.do(AddMargin, account=stage.trader, symbol=BTC, position_side="SHORT", amount=D(10))
    assert stage.margin(stage.trader, BTC, "LONG") == 300
    assert stage.margin(stage.trader, BTC, "SHORT") == 610


# --- countdowns ------------------------------------------------------------------------------------------------------


def test_a_countdown_cancels_the_orders_of_its_symbol_and_leaves_the_stops():
    stage = Stage(symbols=(BTC, ETH))
    stage.limit(stage.trader, 1, "0.01", "50000")
    stage.limit(stage.trader, 1, "1", "2900", ETH)
    stage.algo("STOP_MARKET", 1, qty="0.01", trigger_price="70000")
    stage.do(SetCountdown, account=stage.trader, symbol=BTC, after_ns=5 * 10**9)
    stage.wait(4.9)
    assert len(stage.account(stage.trader).orders) == 2
    events = stage.wait(0.1)
    assert stage.only_order(stage.trader).symbol == ETH
    assert len(stage.account(stage.trader).algos) == 1
    assert stage.account(stage.trader).countdowns == {}
    assert [event.order.status for event in events if hasattr(event, "order")] == ["CANCELED"]


def test_a_countdown_starts_anew_each_time_and_zero_ends_it(stage):
    stage.limit(stage.trader, 1, "0.01", "50000")
    stage.do(SetCountdown, account=stage.trader, symbol=BTC, after_ns=5 * 10**9)
    stage.wait(4)
    stage.do(SetCountdown, account=stage.trader, symbol=BTC, after_ns=5 * 10**9)
    stage.wait(4)
    assert len(stage.account(stage.trader).orders) == 1
    stage.do(SetCountdown, account=stage.trader, symbol=BTC, after_ns=0)
    stage.wait(100)
    assert len(stage.account(stage.trader).orders) == 1


@pytest.mark.parametrize("after_ns", [-1, 10**18 + 1])
def test_countdowns_into_the_past_or_beyond_all_measure(stage, after_ns):
    assert stage.refused(SetCountdown, account=stage.trader, symbol=BTC, after_ns=after_ns) == -1130


def test_a_countdown_outlives_a_restart(stage):
    stage.limit(stage.trader, 1, "0.01", "50000")
    stage.do(SetCountdown, account=stage.trader, symbol=BTC, after_ns=5 * 10**9)
    stage.exchange = Exchange.restore(stage.exchange.snapshot())
    stage.wait(5)
    assert stage.account(stage.trader).orders == {}


# --- the insurance fund ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (SetPositionMode, {"dual": True}),
        (SetMarginMode, {"symbol": BTC, "isolated": True}),
        (SetLeverage, {"symbol": BTC, "leverage": 5}),
        (AddMargin, {"symbol": BTC, "position_side": "BOTH", "amount": D(1)}),
        (SetCountdown, {"symbol": BTC, "after_ns": 10**9}),
    ],
)
def test_the_insurance_fund_makes_no_choices(stage, kind, fields):
    """In hedge mode what it took over would be found by nobody who has to be deleveraged against it."""
    assert stage.refused(kind, account=FUND, **fields) == -1130


def test_the_insurance_fund_places_no_conditional_order(stage):
    fields = stage.algo_fields("STOP_MARKET", 1, trigger_price="70000", qty="0.1")
    assert stage.refused(PlaceAlgo, **{**fields, "account": FUND}) == -2015
