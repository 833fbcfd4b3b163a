"""Conditional orders from their arrival to their end: every way through life, as it is told."""

from decimal import Decimal

import pytest
from unit.exchange.stage import BTC, ETH, Stage, life, of

from bearskin.exchange._core import Exchange
from bearskin.exchange._words import (
    AlgoUpdated,
    Cancel,
    CancelAlgo,
    CancelAllAlgos,
    Liquidating,
    OrderUpdated,
    SetMark,
    SetPositionMode,
    SetTrading,
)

D = Decimal


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def short(stage):
    """The trader is 0.1 BTC short from 60,000; 1 BTC rests at 60,500 and at 59,500."""
    stage.position_for(stage.trader, "-0.1")
    stage.limit(stage.maker, -1, "1", "60500")
    stage.limit(stage.maker, 1, "1", "59500")
    return stage


def told(events):
    """What was told of orders, in order: the statuses of conditional orders and the executions of the others."""
    found = []
    for event in events:
        if isinstance(event, AlgoUpdated):
            found.append(event.algo.status)
        elif isinstance(event, OrderUpdated) and event.order.algo_id:
            found.append((event.execution, event.order.status))
    return found


# --- the straight way ------------------------------------------------------------------------------------------------


def test_it_waits_untouched_until_its_price(short):
    events = short.algo("STOP_MARKET", 1, qty="0.1", trigger_price="60400", reduce_only=True, client_id="my-stop")
    assert [(event.algo.status, event.algo.client_id) for event in events] == [("NEW", "my-stop")]
    assert len(events) == 1
    short.trade("60399.9")
    assert short.only_algo().status == "NEW"


def test_a_stop_market_triggers_trades_and_finishes(short):
    """NEW, then at a trade of 60,400: TRIGGERING, TRIGGERED with the order's id, the order's own life, FINISHED."""
    short.algo("STOP_MARKET", 1, qty="0.1", trigger_price="60400", reduce_only=True, client_id="my-stop")
    events = short.trade("60400")
    assert told(events) == ["TRIGGERING", "TRIGGERED", ("NEW", "NEW"), ("TRADE", "FILLED"), "FINISHED"]
    order = [event.order for event in of(events, OrderUpdated) if event.order.algo_id][-1]
    assert (order.origin, order.original_type, order.type, order.client_id) == (
        "ALGO", "STOP_MARKET", "MARKET", "my-stop",
    )  # fmt: skip
    assert [event.algo.order_id for event in of(events, AlgoUpdated)] == [0, order.id, order.id]
    assert order.quote == D("6050")
    assert short.account(short.trader).positions == {}
    state = short.exchange.state
    assert (state.algos, state.triggered, short.account(short.trader).algos) == ({}, {}, {})


def test_a_stop_by_mark_does_not_see_last_and_the_other_way_round(short):
    """The wick on last that stops everybody else leaves a stop by mark alone."""
    short.algo("STOP_MARKET", 1, qty="0.01", trigger_price="60400", by_mark=True)
    short.algo("TAKE_PROFIT_MARKET", 1, qty="0.01", trigger_price="59700")
    short.trade("60400")
    short.mark("59600")
    assert list(short.account(short.trader).algos) == [1, 2]
    short.mark("60400")
    assert list(short.account(short.trader).algos) == [2]
    short.trade("59700", side=-1)
    assert not short.account(short.trader).algos


def test_a_take_profit_limit_rests_and_finishes_when_its_order_fills(short):
    short.algo("TAKE_PROFIT", 1, qty="0.1", trigger_price="59800", price="59300", reduce_only=True)
    events = short.trade("59800")
    assert told(events) == ["TRIGGERING", "TRIGGERED", ("NEW", "NEW")]
    algo = short.exchange.state.triggered[1]
    assert (algo.status, algo.order_id) == ("TRIGGERED", short.only_order(short.trader).id)
    assert short.account(short.trader).algos == {}
    seller = short.open("seller", "1000000")
    events = short.limit(seller, -1, "1.04", "59300")
    assert told(events) == [("TRADE", "PARTIALLY_FILLED")]
    events = short.limit(seller, -1, "0.06", "59300")
    assert told(events) == [("TRADE", "FILLED"), "FINISHED"]
    assert short.exchange.state.triggered == {}


def test_cancelling_the_order_it_became_finishes_it(short):
    short.algo("STOP", 1, qty="0.1", trigger_price="60400", price="60300", reduce_only=True)
    short.trade("60400")
    order = short.only_order(short.trader)
    events = short.do(Cancel, account=short.trader, symbol=BTC, order_id=order.id)
    assert told(events) == [("CANCELED", "CANCELED"), "FINISHED"]
    assert short.exchange.state.triggered == {}


@pytest.mark.parametrize(("tif", "ending"), [("IOC", ("EXPIRED", "EXPIRED")), ("GTX", None), ("FOK", None)])
def test_limits_that_may_not_rest_or_may_not_take(short, tif, ending):
    """A stop limit below the offers: IOC expires, FOK is rejected; a post-only one above them would take."""
    price = "60500" if tif == "GTX" else "60300"
    short.algo("STOP", 1, qty="0.1", trigger_price="60400", price=price, reduce_only=True, tif=tif)
    events = short.trade("60400")
    if ending:
        assert told(events) == ["TRIGGERING", "TRIGGERED", ("NEW", "NEW"), ending, "FINISHED"]
    else:
        assert told(events) == ["TRIGGERING", "REJECTED"]
        assert of(events, AlgoUpdated)[-1].algo.reject_reason
    assert short.exchange.state.triggered == {}


def test_a_market_order_the_book_cannot_fill_finishes_with_what_it_got(stage):
    stage.position_for(stage.trader, "-0.1")
    stage.limit(stage.maker, -1, "0.04", "60500")
    stage.algo("STOP_MARKET", 1, qty="0.1", trigger_price="60400", reduce_only=True)
    events = stage.trade("60400")
    assert told(events) == [
        "TRIGGERING", "TRIGGERED", ("NEW", "NEW"), ("TRADE", "PARTIALLY_FILLED"), ("EXPIRED", "EXPIRED"), "FINISHED",
    ]  # fmt: skip
    assert stage.position(stage.trader).qty == D("-0.06")


# --- refused by fate -------------------------------------------------------------------------------------------------


def test_margin_is_looked_at_when_it_triggers_and_not_before(short):
    """3 BTC more short at 59,500 and 20x would take 8,925; about 9,400 are free, so it goes; 4 BTC would not."""
    assert life(short.algo("STOP_MARKET", -1, qty="4", trigger_price="59900")) == ["NEW"]
    assert life(short.algo("STOP_MARKET", -1, qty="0.5", trigger_price="59900"), 2) == ["NEW"]
    events = short.trade("59900")
    assert life(events) == ["TRIGGERING", "REJECTED"]
    assert of(events, AlgoUpdated)[1].algo.reject_reason == "Margin is insufficient."
    assert life(events, 2) == ["TRIGGERING", "TRIGGERED", "FINISHED"]
    assert short.position(short.trader).qty == D("-0.6")


def test_a_reduce_only_stop_without_its_position_is_rejected(short):
    short.algo("STOP_MARKET", 1, qty="0.1", trigger_price="60400", reduce_only=True)
    events = short.market(short.trader, 1, "0.1", reduce_only=True)  # at 60,500, through the trigger
    assert life(events) == ["TRIGGERING", "REJECTED"]
    assert of(events, AlgoUpdated)[-1].algo.reject_reason == "ReduceOnly Order is rejected."
    assert short.account(short.trader).positions == {}


def test_a_stop_larger_than_the_position_is_cut_to_it(short):
    """The maker took half of it back; reduce-only closes what is left and opens nothing."""
    short.algo("STOP_MARKET", 1, qty="0.1", trigger_price="60400", reduce_only=True, by_mark=True)
    short.market(short.trader, 1, "0.05", reduce_only=True)
    short.mark("60400")
    assert short.account(short.trader).positions == {}


def test_in_hedge_mode_a_stop_larger_than_the_leg_is_rejected(stage):
    """As an order of that size would be; the leg stays open, and who relies on the stop learns it here."""
    stage.do(SetPositionMode, account=stage.trader, dual=True)
    stage.position_for(stage.trader, "-0.1", position_side="SHORT")
    stage.limit(stage.maker, -1, "1", "60000.1")
    stage.algo("STOP_MARKET", 1, qty="0.1", trigger_price="60400", position_side="SHORT", by_mark=True)
    stage.market(stage.trader, 1, "0.05", position_side="SHORT")
    assert life(stage.mark("60400")) == ["TRIGGERING", "REJECTED"]
    assert stage.account(stage.trader).positions["BTCUSDT/SHORT"].qty == D("-0.05")


def test_a_resting_target_does_not_block_the_stop_that_triggers(short):
    """The reduce-only target has spoken for the whole position; the triggered stop closes it all the same."""
    short.limit(short.trader, 1, "0.1", "59000", reduce_only=True)
    short.algo("STOP_MARKET", 1, qty="0.1", trigger_price="60400", reduce_only=True)
    events = short.trade("60400")
    assert "FINISHED" in told(events)
    assert short.account(short.trader).positions == {}
    assert short.account(short.trader).orders == {}  # the target expired with the position


def test_a_halt_rejects_what_triggers_in_it(short):
    short.algo("STOP_MARKET", 1, qty="0.1", trigger_price="60400", by_mark=True)
    short.do(SetTrading, symbol=BTC, status="HALT")
    assert life(short.mark("60400")) == ["TRIGGERING", "REJECTED"]


def test_price_protection_lets_a_trigger_pass_when_last_and_mark_are_torn(short):
    """Last at 60,000 and mark at 63,200 lie 5.06 % of mark apart, more than the 5 % of the contract."""
    for _ in range(2):
        short.algo("STOP_MARKET", 1, qty="0.01", trigger_price="63000", by_mark=True, price_protect=True)
    short.algo("STOP_MARKET", 1, qty="0.01", trigger_price="63000", by_mark=True)
    assert D(3200) / D(63200) > D("0.05") > D(3150) / D(63150)
    other = Exchange.restore(short.exchange.snapshot())
    events = short.mark("63200")
    assert [life(events, number) for number in (1, 2, 3)] == [
        ["TRIGGERING", "EXPIRED"], ["TRIGGERING", "EXPIRED"], ["TRIGGERING", "TRIGGERED", "FINISHED"],
    ]  # fmt: skip
    events = other.apply(SetMark(time_ns=short.now_ns, symbol=BTC, price=D(63150)))
    assert life(events, 1) == ["TRIGGERING", "TRIGGERED", "FINISHED"]


# --- bound to the position -------------------------------------------------------------------------------------------


def test_close_position_closes_whatever_the_position_has_become(short):
    short.algo("STOP_MARKET", 1, trigger_price="60400", close_position=True, by_mark=True)
    short.limit(short.maker, 1, "0.5", "60000")
    short.market(short.trader, -1, "0.5")
    events = short.mark("60400")
    assert short.account(short.trader).positions == {}
    order = [event.order for event in of(events, OrderUpdated) if event.order.algo_id][-1]
    assert (order.qty_steps, order.close_position, order.reduce_only) == (600, True, True)


def test_orders_for_the_position_expire_with_it_and_others_stay(short):
    short.algo("STOP_MARKET", 1, trigger_price="61000", close_position=True)
    short.algo("TAKE_PROFIT_MARKET", 1, trigger_price="58000", close_position=True)
    short.algo("STOP_MARKET", 1, qty="0.1", trigger_price="61000", tif="GTE_GTC")
    short.algo("STOP_MARKET", 1, qty="0.1", trigger_price="61000", reduce_only=True)
    events = short.market(short.trader, 1, "0.1", reduce_only=True)
    assert [(event.algo.id, event.algo.status) for event in of(events, AlgoUpdated)] == [
        (1, "EXPIRED"), (2, "EXPIRED"), (3, "EXPIRED"),
    ]  # fmt: skip
    assert short.only_algo().id == 4


def test_turning_the_position_round_ends_them_too(short):
    short.algo("STOP_MARKET", 1, trigger_price="61000", close_position=True)
    events = short.market(short.trader, 1, "0.2")
    assert life(events) == ["EXPIRED"]
    assert short.position(short.trader).qty == D("0.1")


def test_one_that_triggers_ends_its_sister(short):
    """A stop and a target for the position: the stop goes, nothing is left for the target."""
    short.algo("TAKE_PROFIT_MARKET", 1, trigger_price="58000", close_position=True)
    short.algo("STOP_MARKET", 1, trigger_price="60400", close_position=True)
    events = short.trade("60400")
    assert life(events, 2) == ["TRIGGERING", "TRIGGERED", "FINISHED"]
    assert life(events, 1) == ["EXPIRED"]


def test_in_hedge_mode_each_leg_has_its_own(stage):
    stage.do(SetPositionMode, account=stage.trader, dual=True)
    stage.position_for(stage.trader, "0.1", position_side="LONG")
    stage.position_for(stage.trader, "-0.2", position_side="SHORT")
    stage.limit(stage.maker, -1, "1", "60500")
    stage.limit(stage.maker, 1, "1", "59500")
    stage.algo("STOP_MARKET", 1, trigger_price="60400", close_position=True, position_side="SHORT")
    stage.algo("TAKE_PROFIT_MARKET", -1, trigger_price="60900", close_position=True, position_side="LONG")
    assert (
        stage.algo_refused("STOP_MARKET", 1, trigger_price="60400", close_position=True, position_side="LONG") == -4509
    )
    assert stage.algo_refused("STOP_MARKET", 1, trigger_price="1", qty="1", position_side="BOTH") == -4061
    fields = {"trigger_price": "61000", "qty": "1", "position_side": "SHORT"}
    assert stage.algo_refused("STOP_MARKET", 1, reduce_only=True, **fields) == -4062
    stage.trade("60400")
    assert list(stage.account(stage.trader).positions) == ["BTCUSDT/LONG"]
    assert stage.only_algo().id == 2


def test_liquidation_takes_the_stops_away_first():
    """The mark jumps past the stop and the liquidation price together: liquidation looks first."""
    stage = Stage(deposit="400")
    stage.position_for(stage.trader, "-0.1")
    stage.limit(stage.maker, -1, "1", "60500")
    stage.algo("STOP_MARKET", 1, qty="0.1", trigger_price="61000", reduce_only=True, by_mark=True)
    events = stage.mark("64000")
    assert of(events, Liquidating)
    assert "TRIGGERING" not in life(events)
    assert life(events)[0] in ("CANCELED", "EXPIRED")


# --- ended by their owner or the clock -------------------------------------------------------------------------------


def test_cancelled_by_either_id(stage):
    stage.algo("STOP_MARKET", 1, qty="0.01", trigger_price="61000", client_id="a")
    stage.algo("STOP_MARKET", 1, qty="0.01", trigger_price="61000")
    assert life(stage.do(CancelAlgo, account=stage.trader, client_id="a")) == ["CANCELED"]
    assert life(stage.do(CancelAlgo, account=stage.trader, algo_id=2), 2) == ["CANCELED"]
    stage.mark("62000")
    stage.trade("62000")
    assert stage.position_or_none(stage.trader) is None


def test_cancels_of_what_is_not_there(stage):
    stage.algo("STOP_MARKET", 1, qty="0.01", trigger_price="61000", client_id="a")
    assert stage.refused(CancelAlgo, account=stage.trader) == -1102
    assert stage.refused(CancelAlgo, account=stage.trader, algo_id=2) == -2011
    assert stage.refused(CancelAlgo, account=stage.trader, client_id="b") == -2011
    assert stage.refused(CancelAlgo, account=stage.maker, algo_id=1) == -2011
    assert stage.refused(CancelAlgo, account=99, algo_id=1) == -2015
    assert stage.refused(CancelAllAlgos, account=stage.trader, symbol="NOSUCH") == -1121
    assert stage.refused(CancelAllAlgos, account=99, symbol=BTC) == -2015


def test_cancel_all_is_for_one_symbol_and_content_with_none():
    stage = Stage(symbols=(BTC, ETH))
    stage.algo("STOP_MARKET", 1, qty="0.01", trigger_price="61000")
    stage.algo("STOP_MARKET", 1, qty="0.01", trigger_price="61000")
    stage.algo("STOP_MARKET", 1, qty="1", trigger_price="3500", symbol=ETH)
    events = stage.do(CancelAllAlgos, account=stage.trader, symbol=BTC)
    assert [(event.algo.id, event.algo.status) for event in of(events, AlgoUpdated)] == [
        (1, "CANCELED"), (2, "CANCELED"),
    ]  # fmt: skip
    assert stage.do(CancelAllAlgos, account=stage.trader, symbol=BTC) == []
    assert stage.only_algo().symbol == ETH


def test_a_date_ends_it_while_it_waits(stage):
    till = stage.now_ns + 601 * 10**9
    stage.algo("STOP", 1, qty="0.01", trigger_price="61000", price="61000", tif="GTD", good_till_ns=till)
    stage.wait(600.9)
    assert len(stage.account(stage.trader).algos) == 1
    assert life(stage.wait(0.1)) == ["EXPIRED"]
    stage.mark("62000")
    assert stage.trade("62000")


def test_a_date_ends_the_order_it_became(stage):
    till = stage.now_ns + 601 * 10**9
    stage.algo("STOP", 1, qty="0.01", trigger_price="60500", price="60400", tif="GTD", good_till_ns=till)
    stage.wait(300)
    stage.trade("60500")  # five minutes to live: less than a new order needs
    assert stage.only_order(stage.trader).good_till_ns == till
    assert told(stage.wait(301)) == [("EXPIRED", "EXPIRED"), "FINISHED"]


def test_client_ids_are_free_again_when_it_has_ended(stage):
    stage.algo("STOP_MARKET", 1, qty="0.01", trigger_price="61000", client_id="a")
    assert stage.algo_refused("STOP_MARKET", 1, qty="0.01", trigger_price="61000", client_id="a") == -4129
    stage.do(CancelAlgo, account=stage.trader, client_id="a")
    stage.algo("STOP_MARKET", 1, qty="0.01", trigger_price="61000", client_id="a")


def test_the_order_it_becomes_has_its_name_if_that_is_free(stage):
    for name in ("a", "b"):
        stage.algo("STOP", 1, qty="0.01", trigger_price="60500", price="60400", client_id=name)
    stage.limit(stage.trader, 1, "0.01", "50000", client_id="a")
    stage.trade("60500")
    assert list(stage.account(stage.trader).client_ids) == ["a", "a_", "b"]


def test_one_without_a_name_gets_one_that_is_free(stage):
    stage.algo("STOP_MARKET", 1, qty="0.01", trigger_price="61000", client_id="auto-2")
    stage.algo("STOP_MARKET", 1, qty="0.01", trigger_price="61000")
    assert list(stage.account(stage.trader).algo_client_ids) == ["auto-2", "auto-2_"]


# --- many at once ----------------------------------------------------------------------------------------------------


def test_those_reached_at_once_go_in_order_of_id(stage):
    """One sweep from 60,100 to 60,900 reaches all three; the first to come is the first to go."""
    for level in ("60900", "60300", "60600"):
        stage.algo("STOP_MARKET", 1, qty="0.01", trigger_price=level)
    stage.limit(stage.maker, -1, "0.1", "60100")
    stage.limit(stage.maker, -1, "5", "60900")
    buyer = stage.open("buyer", "1000000")
    events = stage.limit(buyer, 1, "0.2", "60900")
    assert [event.algo.id for event in of(events, AlgoUpdated) if event.algo.status == "TRIGGERING"] == [1, 2, 3]


def test_a_stop_sets_off_the_next_by_its_own_trades(stage):
    """Thin offers: each stop that buys lifts the price to the next one's trigger."""
    stage.algo("STOP_MARKET", 1, qty="0.1", trigger_price="60300")
    stage.algo("STOP_MARKET", 1, qty="0.1", trigger_price="60200")
    stage.algo("STOP_MARKET", 1, qty="0.1", trigger_price="60100")
    for price in ("60200", "60300", "60400"):
        stage.limit(stage.maker, -1, "0.1", price)
    events = stage.trade("60100")
    assert [event.algo.id for event in of(events, AlgoUpdated) if event.algo.status == "TRIGGERING"] == [3, 2, 1]
    assert stage.position(stage.trader).qty == D("0.3")


# --- trailing --------------------------------------------------------------------------------------------------------


def trail(stage, side, rate, **fields):
    return stage.algo("TRAILING_STOP_MARKET", side, qty="0.01", callback_rate=rate, **fields)


def test_a_trailing_sell_fires_below_its_high(stage):
    stage.limit(stage.maker, 1, "1", "57100")
    stage.trade("60000")
    trail(stage, -1, "1")
    assert (stage.only_algo().armed, stage.only_algo().extreme) == (True, 60000)
    stage.trade("61000")
    stage.trade("60390.1", side=-1)
    assert stage.only_algo().extreme == 61000
    events = stage.trade("60390", side=-1)  # 61,000 less 1 %
    assert life(events) == ["TRIGGERING", "TRIGGERED", "FINISHED"]


def test_a_trailing_buy_fires_above_its_low(stage):
    stage.limit(stage.maker, -1, "1", "62900")
    stage.trade("60000")
    trail(stage, 1, "0.5")
    stage.trade("59000")
    stage.trade("59294.9")
    events = stage.trade("59295")  # 59,000 and 0.5 %
    assert life(events) == ["TRIGGERING", "TRIGGERED", "FINISHED"]
    order = [event.order for event in of(events, OrderUpdated) if event.order.algo_id][-1]
    assert order.original_type == "TRAILING_STOP_MARKET"


def test_a_trail_by_mark_waits_for_its_activation(stage):
    stage.limit(stage.maker, 1, "1", "59500")
    trail(stage, -1, "0.5", activate_price="61000", by_mark=True)
    assert not stage.only_algo().armed
    stage.mark("59000")
    stage.mark("61000")
    assert stage.only_algo().armed
    stage.mark("62000")
    stage.mark("61690.1")
    assert stage.only_algo().extreme == 62000
    assert life(stage.mark("61690")) == ["TRIGGERING", "TRIGGERED", "FINISHED"]


def test_a_trail_remembers_its_extreme_across_a_restart(stage):
    stage.limit(stage.maker, 1, "1", "57100")
    stage.trade("60000")
    trail(stage, -1, "1")
    stage.trade("61000")
    stage.exchange = Exchange.restore(stage.exchange.snapshot())
    assert life(stage.trade("60390", side=-1)) == ["TRIGGERING", "TRIGGERED", "FINISHED"]


def test_a_trail_before_the_first_trade_starts_at_it(stage):
    trail(stage, -1, "1")
    assert not stage.only_algo().armed
    stage.trade("60200")
    assert (stage.only_algo().armed, stage.only_algo().extreme) == (True, 60200)
