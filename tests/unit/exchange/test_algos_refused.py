"""Every way in which a conditional order is refused when it arrives, with its code; nothing changes."""

from decimal import Decimal

import pytest
from unit.exchange.stage import BTC, ETH, Stage, contract

from bearskin.exchange._words import ListContract

D = Decimal
STOP = {"qty": "0.01", "trigger_price": "61000"}
LIMIT = STOP | {"price": "61000"}
TRAIL = {"qty": "0.01", "callback_rate": "1"}
TEN_MINUTES = 600 * 10**9


@pytest.fixture
def stage():
    stage = Stage()
    stage.trade("60000")
    return stage


def without(fields, name):
    return {key: value for key, value in fields.items() if key != name}


@pytest.mark.parametrize(
    ("type_", "fields", "code"),
    [
        # what was sent
        ("STOP_MARKET", without(STOP, "trigger_price"), -1102),
        ("STOP_MARKET", without(STOP, "qty"), -1102),
        ("STOP", without(LIMIT, "price"), -1102),
        ("TRAILING_STOP_MARKET", without(TRAIL, "callback_rate"), -1102),
        ("STOP_MARKET", LIMIT, -1106),
        ("STOP_MARKET", STOP | {"activate_price": "59000"}, -1106),
        ("STOP_MARKET", STOP | {"callback_rate": "1"}, -1106),
        ("TRAILING_STOP_MARKET", TRAIL | {"trigger_price": "61000"}, -1106),
        ("STOP", LIMIT | {"good_till_ns": 10**15}, -1106),
        ("STOP", LIMIT | {"tif": "GTD"}, -1130),
        ("STOP", LIMIT | {"tif": "GTD", "good_till_ns": 1_000 * 10**9 + TEN_MINUTES}, -1130),
        ("TRAILING_STOP_MARKET", TRAIL | {"callback_rate": "0.09"}, -1130),
        ("TRAILING_STOP_MARKET", TRAIL | {"callback_rate": "20.1"}, -1130),
        ("TRAILING_STOP_MARKET", TRAIL | {"callback_rate": "NaN"}, -1130),
        ("TRAILING_STOP_MARKET", TRAIL | {"callback_rate": "1.001"}, -1111),
        # sides and closing
        ("STOP_MARKET", STOP | {"position_side": "SHORT"}, -4061),
        ("STOP", {"trigger_price": "61000", "price": "61000", "close_position": True}, -1116),
        ("STOP_MARKET", STOP | {"close_position": True}, -4137),
        ("STOP_MARKET", {"trigger_price": "61000", "close_position": True, "reduce_only": True}, -4138),
        ("STOP_MARKET", {"trigger_price": "61000", "close_position": True}, -4509),
        ("STOP_MARKET", STOP | {"tif": "GTE_GTC"}, -4509),
        # numbers
        ("STOP_MARKET", STOP | {"trigger_price": "0"}, -4006),
        ("STOP_MARKET", STOP | {"trigger_price": "NaN"}, -4006),
        ("TRAILING_STOP_MARKET", TRAIL | {"activate_price": "-1"}, -4006),
        ("STOP", LIMIT | {"price": "0"}, -4001),
        ("STOP", LIMIT | {"price": "sNaN"}, -4001),
        ("STOP_MARKET", STOP | {"trigger_price": "1000000.1"}, -4002),
        ("STOP_MARKET", STOP | {"trigger_price": "61000.01"}, -1111),
        ("STOP", LIMIT | {"price": "61000." + "0" * 39 + "1"}, -1111),
        ("TAKE_PROFIT", STOP | {"trigger_price": "59000", "price": "0.05"}, -4013),
        ("STOP_MARKET", STOP | {"qty": "0"}, -4003),
        ("STOP_MARKET", STOP | {"qty": "-0.01"}, -4003),
        ("STOP_MARKET", STOP | {"qty": "10000.001"}, -4005),
        ("STOP_MARKET", STOP | {"qty": "0.0101"}, -1111),
        ("STOP_MARKET", STOP | {"qty": "9" * 40}, -4005),
        # limits beyond the trigger, 5 % either way, and what is too small
        ("STOP", LIMIT | {"price": "64050.1"}, -4183),
        ("STOP_MARKET", {"qty": "0.001", "trigger_price": "61000"}, -4164),
        # would trigger at once
        ("STOP_MARKET", STOP | {"trigger_price": "60000"}, -2021),
        ("TAKE_PROFIT_MARKET", STOP | {"trigger_price": "60000"}, -2021),
        ("TRAILING_STOP_MARKET", TRAIL | {"activate_price": "60000"}, -2021),
        ("STOP_MARKET", STOP | {"trigger_price": "59999.9", "by_mark": True}, -2021),
        ("STOP_MARKET", STOP | {"symbol": "NOSUCH"}, -1121),
        ("STOP_MARKET", STOP | {"account": 99}, -2015),
    ],
)
def test_a_buy_that_is_refused(stage, type_, fields, code):
    assert stage.algo_refused(type_, 1, **fields) == code


@pytest.mark.parametrize(
    ("type_", "fields", "code"),
    [
        ("STOP", {"qty": "0.01", "trigger_price": "59000", "price": "56049.9"}, -4184),
        ("STOP_MARKET", {"qty": "0.01", "trigger_price": "60000"}, -2021),
        ("TAKE_PROFIT_MARKET", {"qty": "0.01", "trigger_price": "60000"}, -2021),
        ("TRAILING_STOP_MARKET", TRAIL | {"activate_price": "60000"}, -2021),
    ],
)
def test_a_sell_that_is_refused(stage, type_, fields, code):
    assert stage.algo_refused(type_, -1, **fields) == code


@pytest.mark.parametrize(
    ("type_", "side", "fields"),
    [
        ("STOP_MARKET", 1, STOP | {"trigger_price": "60000.1"}),
        ("STOP_MARKET", -1, STOP | {"trigger_price": "59999.9"}),
        ("TAKE_PROFIT_MARKET", 1, STOP | {"trigger_price": "59999.9"}),
        ("TAKE_PROFIT_MARKET", -1, STOP | {"trigger_price": "60000.1"}),
        ("TRAILING_STOP_MARKET", 1, TRAIL | {"activate_price": "59999.9"}),
        ("TRAILING_STOP_MARKET", -1, TRAIL | {"activate_price": "60000.1"}),
        ("TRAILING_STOP_MARKET", 1, TRAIL | {"callback_rate": "0.1"}),
        ("TRAILING_STOP_MARKET", 1, TRAIL | {"callback_rate": "20"}),
        ("STOP", 1, LIMIT | {"price": "64050"}),
        ("STOP", -1, {"qty": "0.01", "trigger_price": "59000", "price": "56050"}),
        ("STOP", 1, LIMIT | {"tif": "GTD", "good_till_ns": 1_000 * 10**9 + TEN_MINUTES + 1}),
        ("STOP_MARKET", 1, {"qty": "0.001", "trigger_price": "61000", "reduce_only": True}),
    ],
)
def test_right_beside_each_bound_it_is_taken(stage, type_, side, fields):
    (event,) = stage.algo(type_, side, **fields)
    assert event.algo.status == "NEW"


def test_off_the_grid_without_too_many_digits(stage):
    """A tick of 0.5 and a step of 0.002: a digit that exists, at a place that does not."""
    stage.do(
        ListContract,
        contract=contract(ETH, tick=D("0.5"), step=D("0.002"), min_price=D("0.5"), min_qty=D("0.002")),
    )
    fields = {"qty": "0.1", "trigger_price": "3000.5", "symbol": ETH}
    assert stage.algo_refused("STOP_MARKET", 1, **(fields | {"trigger_price": "3000.3"})) == -4014
    assert stage.algo_refused("STOP_MARKET", 1, **(fields | {"qty": "0.101"})) == -4023
    assert stage.algo_refused("STOP_MARKET", 1, **(fields | {"qty": "0.0010"})) == -4004
    stage.algo("STOP_MARKET", 1, **fields)


def test_one_close_position_order_of_a_kind_and_direction(stage):
    stage.position_for(stage.trader, "-0.1")
    closing = {"trigger_price": "61000", "close_position": True}
    stage.algo("STOP_MARKET", 1, **closing)
    assert stage.algo_refused("STOP_MARKET", 1, **closing) == -4130
    assert stage.algo_refused("STOP_MARKET", 1, **(closing | {"trigger_price": "62000"})) == -4130
    stage.algo("TAKE_PROFIT_MARKET", 1, **(closing | {"trigger_price": "59000"}))
    assert stage.algo_refused("TAKE_PROFIT_MARKET", 1, **(closing | {"trigger_price": "58000"})) == -4130
    # the other direction would close nothing
    assert stage.algo_refused("STOP_MARKET", -1, **(closing | {"trigger_price": "59000"})) == -4509


def test_two_hundred_wait_for_an_account_over_all_symbols():
    stage = Stage(symbols=(BTC, ETH))
    for number in range(200):
        symbol, price = (ETH, "3500") if number % 2 else (BTC, "61000")
        stage.algo("STOP_MARKET", 1, qty="0.1", trigger_price=price, symbol=symbol)
    assert stage.algo_refused("STOP_MARKET", 1, **STOP) == -2025
    other = stage.open("other", "100")
    stage.algo("STOP_MARKET", 1, account=other, **STOP)


def test_before_the_first_trade_nothing_would_trigger_at_once():
    stage = Stage()
    assert stage.exchange.state.markets[BTC].last_price is None
    (event,) = stage.algo("STOP_MARKET", 1, **(STOP | {"trigger_price": "50000"}))
    assert event.algo.status == "NEW"
