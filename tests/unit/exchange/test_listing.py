"""Contracts are made from what is packaged, listed, changed while people trade them, opened and halted."""

import dataclasses
from decimal import Decimal

import msgspec
import pytest
from unit.exchange.stage import BTC, ETH, Stage, brackets, contract, instrument, of

from bearskin.exchange._core import Exchange
from bearskin.exchange._listing import contract_of
from bearskin.exchange._state import BracketRow
from bearskin.exchange._words import (
    Cancel,
    Liquidating,
    ListContract,
    Listed,
    OrderUpdated,
    Place,
    SetLeverage,
    SettingChanged,
    SetTrading,
)
from bearskin.market import instrument_of, load_brackets
from bearskin.terms import HOUR_NS, BadInput, Product, UnknownBrackets

D = Decimal
DOUBLE = (
    BracketRow(floor=D(0), cap=D(300_000), mmr=D("0.008"), max_leverage=10, cum=D(0)),
    BracketRow(floor=D(300_000), cap=D(3_000_000), mmr=D("0.01"), max_leverage=5, cum=D(600)),
)


@pytest.fixture
def stage():
    return Stage()


def listed(stage, **terms):
    return stage.do(ListContract, contract=contract(**terms))


# --- a contract from an instrument -----------------------------------------------------------------------------------


def test_a_contract_takes_filters_fees_and_brackets():
    made = contract()
    assert (made.symbol, made.base, made.settle, made.tick, made.step) == (BTC, "BTC", "USDT", D("0.1"), D("0.001"))
    assert (made.min_notional, made.maker_fee_rate, made.taker_fee_rate) == (100, D("0.0002"), D("0.0005"))
    assert [(row.floor, row.cum, row.max_leverage) for row in made.brackets] == [
        (0, 0, 100), (300_000, 300, 50), (800_000, 1500, 20),
    ]  # fmt: skip
    assert (made.index_cap_rate, made.interest_rate_8h) == (D("0.01"), D("0.0001"))


def test_single_terms_can_be_replaced_and_unknown_ones_cannot():
    assert contract(taker_fee_rate=D(0), brackets=DOUBLE).brackets == DOUBLE
    with pytest.raises(TypeError, match="taker_rate"):
        contract(taker_rate=D(0))


def test_only_linear_perpetuals_with_sound_brackets():
    with pytest.raises(BadInput, match="inverse"):
        contract_of(instrument(product=Product.INVERSE), brackets())
    with pytest.raises(UnknownBrackets):
        contract_of(instrument(), dataclasses.replace(brackets(), rows=()))


def test_packaged_perpetuals_can_be_listed():
    """The names differ in base, tick and tiers; the terms made of them have to hold for all."""
    exchange, book = Exchange(), load_brackets()
    for symbol in ("BTCUSDT", "ETHUSDT", "BNBUSDT", "DOGEUSDT", "1000PEPEUSDT"):
        made = contract_of(instrument_of("binance", symbol, Product.LINEAR), book.get("binance", symbol))
        events = exchange.apply(ListContract(time_ns=1, contract=made))
        assert events == [Listed(time_ns=1, symbol=symbol, status="TRADING")]
    assert exchange.state.markets["BNBUSDT"].contract.interest_rate_8h == 0


# --- listing ---------------------------------------------------------------------------------------------------------


def test_a_new_symbol_has_a_market_a_ledger_and_a_time_to_settle(stage):
    """1,000 s into 1970, eight-hour funding settles first at eight o'clock."""
    market = stage.exchange.state.markets[BTC]
    assert (market.status, market.interval_h, market.next_funding_ns) == ("TRADING", 8, 8 * HOUR_NS)
    stage.do(ListContract, contract=contract(ETH, funding_interval_h=1, settle="USDC", quote="USDC"))
    assert stage.exchange.state.markets[ETH].next_funding_ns == HOUR_NS
    assert stage.exchange.state.ledgers["USDC"].total() == 0
    assert stage.refused(Place, account=stage.trader, symbol="NOSUCH", side=1, type="MARKET", qty=D(1)) == -1121


def test_new_fees_and_filters_hold_for_what_comes_after(stage):
    stage.limit(stage.trader, 1, "0.01", "50000")
    assert listed(stage, taker_fee_rate=D("0.01"), min_notional=D(1000)) == [
        Listed(time_ns=stage.now_ns, symbol=BTC, status="TRADING")
    ]
    assert stage.only_order(stage.trader).price_ticks == 500_000
    before = stage.wallet(stage.trader)
    stage.position_for(stage.trader, "0.1")
    assert before - stage.wallet(stage.trader) == 60
    small = {"account": stage.trader, "symbol": BTC, "side": 1, "type": "LIMIT", "qty": D("0.01"), "price": D(50000)}
    assert stage.refused(Place, **small) == -4164


def test_terms_survive_a_restart(stage):
    listed(stage, brackets=DOUBLE)
    again = Exchange.restore(stage.exchange.snapshot())
    assert again.state_hash() == stage.exchange.state_hash()
    assert again.floor.tiers == stage.exchange.floor.tiers


def test_new_brackets_lower_leverage_they_do_not_allow(stage):
    other = stage.open("other", "1000")
    stage.do(SetLeverage, account=stage.trader, symbol=BTC, leverage=50)
    stage.do(SetLeverage, account=other, symbol=BTC, leverage=4)
    events = listed(stage, brackets=DOUBLE)
    assert of(events, SettingChanged) == [
        SettingChanged(time_ns=stage.now_ns, account=stage.trader, symbol=BTC, leverage=10)
    ]
    assert stage.account(other).settings[BTC].leverage == 4


def test_new_brackets_liquidate_whom_they_leave_short():
    """2 BTC short at 60,000 with 1,000 in the wallet: 480 to keep under the old tiers, 960 and then 1,200 under new."""
    stage = Stage(deposit="7000")
    stage.position_for(stage.trader, "-2")
    stage.limit(stage.maker, -1, "50", "60100")
    stage.mark("62900")  # 5,800 down, 60 in fees: 1,140 left
    assert of(listed(stage, brackets=DOUBLE), Liquidating) == []  # 125,800 x 0.8 % is 1,006.40
    worse = (BracketRow(floor=D(0), cap=D(3_000_000), mmr=D("0.01"), max_leverage=10, cum=D(0)),)
    events = listed(stage, brackets=worse)  # 1,258
    assert [event.account for event in of(events, Liquidating)] == [stage.trader]


def test_funding_interval_of_new_terms_moves_the_next_settlement(stage):
    listed(stage, funding_interval_h=4)
    market = stage.exchange.state.markets[BTC]
    assert (market.interval_h, market.next_funding_ns) == (4, 4 * HOUR_NS)


def test_units_do_not_change_under_orders_or_positions(stage):
    finer = contract(tick=D("0.01"), min_price=D("0.01"))
    stage.limit(stage.trader, 1, "0.01", "50000")
    assert stage.refused(ListContract, contract=finer) == -1130
    other = Stage()
    other.algo("STOP_MARKET", 1, qty="0.01", trigger_price="70000")
    assert other.refused(ListContract, contract=finer) == -1130
    third = Stage()
    third.position_for(third.trader, "0.01")
    assert third.refused(ListContract, contract=finer) == -1130


def test_units_change_when_nobody_holds_anything(stage):
    stage.position_for(stage.trader, "0.01")
    stage.limit(stage.maker, 1, "0.01", "60000.3")
    stage.market(stage.trader, -1, "0.01", reduce_only=True)
    market = stage.exchange.state.markets[BTC]
    assert market.last_ticks == 600_003
    stage.do(ListContract, contract=contract(tick=D("0.01"), min_price=D("0.01")))
    assert (market.last_ticks, market.last_price) == (6_000_030, D("60000.3"))
    stage.limit(stage.maker, 1, "0.01", "60000.05")
    assert stage.only_order(stage.maker).price_ticks == 6_000_005


@pytest.mark.parametrize(
    "terms",
    [
        {"tick": D(0)}, {"tick": D("NaN")}, {"step": D("-0.1")}, {"min_price": D("0.15")}, {"min_qty": D("0.0015")},
        {"maker_fee_rate": D("-0.1")}, {"max_price": D("1e30")}, {"tick": D("1e-25")}, {"funding_interval_h": 0},
        {"brackets": ()}, {"brackets": (msgspec.structs.replace(DOUBLE[0], mmr=D("NaN")),)},
        {"brackets": (msgspec.structs.replace(DOUBLE[0], max_leverage=0),)},
        {"brackets": (DOUBLE[0], msgspec.structs.replace(DOUBLE[1], max_leverage=11))},
        {"brackets": (DOUBLE[1],)}, {"brackets": (DOUBLE[0], msgspec.structs.replace(DOUBLE[1], cum=D(601)))},
        {"symbol": ""}, {"symbol": "BTC/USDT"}, {"symbol": "A" * 41}, {"settle": ""}, {"settle": "US DT"},
        {"interest_rate_8h": D("1" * 69)}, {"min_notional": D("5." + "1" * 21)}, {"impact_margin": D(0)},
        {"step": D("1e-13")}, {"taker_fee_rate": D("1.5")}, {"interest_rate_8h": D(-2)},
        {"funding_interval_h": 2**31}, {"funding_interval_h": 5}, {"max_orders": 2**64}, {"onboard_ns": -1},
    ],
)  # fmt: skip
def test_terms_that_do_not_hold_are_refused(stage, terms):
    assert stage.refused(ListContract, contract=contract(**terms)) == -1130


def test_the_longest_numbers_that_are_listed_can_be_traded(stage):
    """Price, quantity and rates of twelve places: their products are exact, nothing is rounded in silence."""
    fine = D("1e-12")
    rates = {name: D("0.000200000001") for name in ("maker_fee_rate", "taker_fee_rate", "liquidation_fee_rate")}
    terms = {
        "tick": fine, "step": fine, "min_price": fine, "min_qty": fine, "max_price": D(10) ** 12,
        "max_qty": D(10) ** 12, "market_max_qty": D(10) ** 12, "min_notional": D(0),
    }  # fmt: skip
    stage.do(ListContract, contract=contract(ETH, **terms, **rates))
    stage.mark("3000", ETH)
    stage.limit(stage.maker, -1, "2.123456789012", "3001.123456789012", ETH)
    stage.limit(stage.trader, 1, "2.123456789012", "3001.123456789012", ETH)
    assert stage.position(stage.trader, ETH).qty == D("2.123456789012")
    stage.mark("1.12345678", ETH)
    stage.wait(1)
    stage.mark("2999.12345678", ETH)
    assert stage.position_or_none(stage.trader, ETH) is not None


# --- open and halted -------------------------------------------------------------------------------------------------


def test_a_halted_symbol_takes_cancels_only(stage):
    stage.limit(stage.trader, 1, "0.01", "50000")
    assert stage.do(SetTrading, symbol=BTC, status="HALT") == [Listed(time_ns=stage.now_ns, symbol=BTC, status="HALT")]
    assert stage.refused(Place, account=stage.trader, symbol=BTC, side=1, type="MARKET", qty=D(1)) == -4141
    assert stage.algo_refused("STOP_MARKET", 1, qty="0.01", trigger_price="70000") == -4141
    events = stage.do(Cancel, account=stage.trader, symbol=BTC, order_id=1)
    assert [event.order.status for event in of(events, OrderUpdated)] == ["CANCELED"]
    stage.do(SetTrading, symbol=BTC, status="TRADING")
    stage.limit(stage.trader, 1, "0.01", "50000")
    assert stage.refused(SetTrading, symbol="NOSUCH", status="HALT") == -1121
