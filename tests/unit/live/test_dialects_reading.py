"""Orders, positions, fills, funding and balances of each venue in our words, from shapes as their documents show them.

Written from documentation and ccxt's own samples, not recorded at the venues.
"""

from decimal import Decimal

import pytest
from unit.live.dialect_kit import ENTRY, STOP, TARGET, d, offline, traded

from bearskin.live import dialect_of
from bearskin.live._dialects import State, Unfit
from bearskin.terms import BalanceNow, Cancel, Filled, Funded, MarginMode, OrderNow, Place, PlaceStop, PositionNow

PAIR = "BTC/USDT:USDT"
MS = 1_700_000_000_000
NS = MS * 1_000_000


def order(venue, raw):
    """A raw order of the venue, through ccxt, in our words."""
    exchange = offline(venue)
    return dialect_of(venue).order_now(exchange.parse_order(raw, exchange.market(PAIR)), traded(venue))


def position(venue, raw):
    exchange = offline(venue)
    parse = exchange.parse_position_risk if venue == "binance" else exchange.parse_position
    return dialect_of(venue).position_now(parse(raw), traded(venue))


def fill(venue, raw, **named):
    exchange = offline(venue)
    parsed = exchange.parse_trade(raw, exchange.market(PAIR))
    return dialect_of(venue).fill_of(parsed, traded(venue), wall_ns=5, **named)


# --- orders -----------------------------------------------------------------------------------------------------------

BINANCE_ALGO = {
    "algoId": 9, "clientAlgoId": STOP, "algoType": "CONDITIONAL", "orderType": "STOP_MARKET", "symbol": "BTCUSDT",
    "side": "BUY", "positionSide": "BOTH", "quantity": "0.020", "algoStatus": "NEW", "triggerPrice": "61000.5",
    "price": "0", "reduceOnly": True, "actualOrderId": "", "createTime": MS, "updateTime": MS,
}  # fmt: skip
OKX_ALGO = {
    "algoId": "9", "algoClOrdId": STOP, "ordType": "conditional", "instId": "BTC-USDT-SWAP", "instType": "SWAP",
    "side": "buy", "posSide": "net", "sz": "2", "state": "live", "slTriggerPx": "61000.5", "slOrdPx": "-1",
    "reduceOnly": "true", "ordIdList": [], "cTime": str(MS),
}  # fmt: skip
BYBIT_STOP = {
    "orderId": "9", "orderLinkId": STOP, "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "0.020",
    "cumExecQty": "0.000", "cumExecValue": "0", "avgPrice": "", "price": "0", "orderStatus": "Untriggered",
    "stopOrderType": "Stop", "triggerPrice": "61000.50", "triggerDirection": 1, "reduceOnly": True, "positionIdx": 0,
    "stopLoss": "", "tpslMode": "", "createdTime": str(MS), "updatedTime": str(MS),
}  # fmt: skip
BINGX_STOP = {
    "symbol": "BTC-USDT", "orderId": "9", "clientOrderId": STOP, "side": "BUY", "positionSide": "BOTH",
    "type": "STOP_MARKET", "origQty": "0.0200", "price": "0", "stopPrice": "61000.5", "executedQty": "0.0000",
    "avgPrice": "0", "status": "NEW", "reduceOnly": True, "workingType": "MARK_PRICE", "time": MS, "updateTime": MS,
    "stopLoss": "", "takeProfit": "",
}  # fmt: skip
WEEX_STOP = {
    "algoId": 9, "clientAlgoId": STOP, "algoType": "CONDITIONAL", "orderType": "STOP_MARKET", "symbol": "BTCUSDT",
    "side": "BUY", "positionSide": "SHORT", "timeInForce": "IOC", "quantity": "0.020", "algoStatus": "UNTRIGGERED",
    "actualOrderId": 0, "actualPrice": "0", "triggerPrice": "61000.5", "price": "0", "workingType": "MARK_PRICE",
    "closePosition": False, "reduceOnly": True, "createTime": MS, "updateTime": MS, "triggerTime": 0,
}  # fmt: skip
STOPS = {"binance": BINANCE_ALGO, "okx": OKX_ALGO, "bybit": BYBIT_STOP, "bingx": BINGX_STOP, "weex": WEEX_STOP}


@pytest.mark.parametrize("venue", STOPS)
def test_a_stop_at_rest(venue):
    assert order(venue, STOPS[venue]) == OrderNow(
        symbol=traded(venue).symbol,
        client_id=STOP,
        venue_id="9",
        status="open",
        qty=d("0.02"),
        trigger=d("61000.5"),
        conditional=True,
        reduce_only=True,
        leg="SHORT" if venue == "weex" else "BOTH",
    )


@pytest.mark.parametrize(
    ("venue", "changes", "status", "child"),
    [
        ("binance", {"algoStatus": "TRIGGERED", "actualOrderId": "55"}, "triggered", "55"),
        ("binance", {"algoStatus": "FINISHED", "actualOrderId": "55"}, "filled", "55"),
        ("binance", {"algoStatus": "FINISHED", "actualOrderId": "55", "actualQty": "0.015"}, "expired", "55"),
        ("binance", {"algoStatus": "FINISHED", "actualOrderId": "55", "actualQty": "0.020"}, "filled", "55"),
        ("binance", {"algoStatus": "REJECTED"}, "rejected", ""),
        ("binance", {"algoStatus": "EXPIRED"}, "expired", ""),
        ("binance", {"algoStatus": "CANCELED"}, "canceled", ""),
        ("okx", {"state": "effective", "ordIdList": ["55"]}, "triggered", "55"),
        ("okx", {"state": "order_failed"}, "rejected", ""),
        ("okx", {"state": "canceled"}, "canceled", ""),
        ("bybit", {"orderStatus": "Triggered"}, "triggered", ""),
        ("bybit", {"orderStatus": "Deactivated"}, "canceled", ""),
        ("bybit", {"orderStatus": "Rejected"}, "rejected", ""),
        ("bingx", {"status": "FAILED"}, "rejected", ""),
        ("bingx", {"status": "EXPIRED"}, "expired", ""),
        ("bingx", {"status": "CANCELLED"}, "canceled", ""),
        ("weex", {"algoStatus": "TRIGGERED", "actualOrderId": 55}, "triggered", "55"),
        ("weex", {"algoStatus": "CANCELED"}, "canceled", ""),
    ],
)
def test_what_became_of_a_stop(venue, changes, status, child):
    now = order(venue, STOPS[venue] | changes)
    assert (now.status, now.child_id, now.client_id, now.conditional) == (status, child, STOP, True)


@pytest.mark.parametrize(
    ("venue", "raw", "filled"),
    [
        ("binance", BINANCE_ALGO | {"algoStatus": "TRIGGERED", "actualOrderId": "55"}, "0"),
        ("binance", BINANCE_ALGO | {"algoStatus": "FINISHED", "actualOrderId": "55", "actualQty": "0.005"}, "0.005"),
        ("okx", OKX_ALGO | {"state": "effective", "ordIdList": ["55"]}, "0"),
        ("bybit", BYBIT_STOP | {"orderStatus": "Filled", "cumExecQty": "0.020", "avgPrice": "61001"}, "0.02"),
        ("bingx", BINGX_STOP | {"status": "FILLED", "executedQty": "0.0200", "avgPrice": "61001"}, "0.02"),
    ],
)
def test_a_stop_that_went_off_is_not_filled_by_that(venue, raw, filled):
    """What it became may have failed: only the venue's own figure counts, never that the stop is over."""
    assert order(venue, raw).filled == d(filled)


def test_the_order_that_a_stop_became_has_the_stops_name_at_okx():
    child = {
        "ordId": "55", "clOrdId": "", "algoId": "9", "algoClOrdId": STOP, "ordType": "market", "side": "buy",
        "instId": "BTC-USDT-SWAP", "instType": "SWAP", "posSide": "net", "sz": "2", "accFillSz": "2",
        "avgPx": "61010.2", "px": "", "state": "filled", "reduceOnly": "true", "slTriggerPx": "", "cTime": str(MS),
    }  # fmt: skip
    now = order("okx", child)
    assert (now.client_id, now.venue_id, now.conditional, now.status) == (STOP, "55", False, "filled")
    assert (now.filled, now.average) == (d("0.02"), d("61010.2"))


ENTRIES = {
    "binance": {
        "orderId": 7, "symbol": "BTCUSDT", "status": "PARTIALLY_FILLED", "clientOrderId": ENTRY, "price": "60000.50",
        "avgPrice": "60000.50", "origQty": "0.020", "executedQty": "0.005", "cumQuote": "300.00250",
        "timeInForce": "GTC", "type": "LIMIT", "reduceOnly": False, "side": "SELL", "positionSide": "SHORT",
        "stopPrice": "0", "updateTime": MS, "time": MS,
    },
    "bybit": BYBIT_STOP | {
        "orderId": "7", "orderLinkId": ENTRY, "side": "Sell", "orderType": "Limit", "price": "60000.50",
        "cumExecQty": "0.005", "cumExecValue": "300.0025", "avgPrice": "60000.5", "orderStatus": "PartiallyFilled",
        "stopOrderType": "", "triggerPrice": "", "triggerDirection": 0, "reduceOnly": False, "positionIdx": 2,
        "stopLoss": "61000.5", "tpslMode": "Full",
    },
    "okx": {
        "ordId": "7", "clOrdId": ENTRY, "ordType": "limit", "instId": "BTC-USDT-SWAP", "instType": "SWAP",
        "side": "sell", "posSide": "short", "sz": "2", "accFillSz": "0.5", "avgPx": "60000.5", "px": "60000.5",
        "state": "partially_filled", "reduceOnly": "false", "algoId": "", "slTriggerPx": "", "cTime": str(MS),
        "attachAlgoOrds": [{"attachAlgoClOrdId": "x", "slTriggerPx": "61000.5", "slOrdPx": "-1"}],
    },
    "bingx": BINGX_STOP | {
        "orderId": "7", "clientOrderId": ENTRY, "side": "SELL", "positionSide": "SHORT", "type": "LIMIT",
        "price": "60000.5", "stopPrice": "", "executedQty": "0.0050", "avgPrice": "60000.5",
        "status": "PARTIALLY_FILLED", "reduceOnly": False,
        "stopLoss": {"stopPrice": 61000.5, "type": "STOP_MARKET", "workingType": "MARK_PRICE"},
    },
    "weex": {
        "avgPrice": "60000.5", "clientOrderId": ENTRY, "cumQuote": "300.0025", "executedQty": "0.005", "orderId": 7,
        "origQty": "0.020", "price": "60000.5", "reduceOnly": False, "side": "SELL", "positionSide": "SHORT",
        "status": "PARTIAL_FILL", "stopPrice": "0", "slTriggerPrice": "61000.5", "symbol": "BTCUSDT", "time": MS,
        "timeInForce": "GTC", "type": "LIMIT", "updateTime": MS,
    },
}  # fmt: skip


@pytest.mark.parametrize("venue", ENTRIES)
def test_an_entry_filled_in_part_is_no_stop_though_it_brings_one(venue):
    assert order(venue, ENTRIES[venue]) == OrderNow(
        symbol=traded(venue).symbol,
        client_id=ENTRY,
        venue_id="7",
        status="open",
        qty=d("-0.02"),
        filled=d("-0.005"),
        average=d("60000.5"),
        price=d("60000.5"),
        leg="SHORT",
    )


def test_what_is_canceled_after_a_part_is_canceled_at_bybit():
    """ccxt calls it closed, which would read as filled."""
    now = order("bybit", ENTRIES["bybit"] | {"orderStatus": "PartiallyFilledCanceled"})
    assert (now.status, now.filled) == ("canceled", d("-0.005"))


def test_the_stream_tells_orders_in_shorter_words():
    exchange, dialect = offline("binance"), dialect_of("binance")
    told = {
        "s": "BTCUSDT", "c": ENTRY, "S": "SELL", "o": "MARKET", "f": "GTC", "q": "0.020", "p": "0", "ap": "60000.5",
        "sp": "0", "x": "TRADE", "X": "FILLED", "i": 7, "l": "0.020", "z": "0.020", "L": "60000.5", "n": "0.6",
        "N": "USDT", "T": MS, "t": 3, "m": False, "R": False, "ps": "SHORT", "rp": "0",
    }  # fmt: skip
    now = dialect.order_now(exchange.parse_ws_order(told), traded("binance"))
    assert (now.client_id, now.venue_id, now.status, now.qty, now.leg) == (ENTRY, "7", "filled", d("-0.02"), "SHORT")
    algo = {
        "caid": STOP, "aid": 9, "at": "CONDITIONAL", "o": "STOP_MARKET", "s": "BTCUSDT", "S": "BUY", "ps": "BOTH",
        "q": "0.020", "X": "TRIGGERED", "ai": "55", "tp": "61000.5", "p": "0", "wt": "MARK_PRICE", "R": True, "T": MS,
    }  # fmt: skip
    now = dialect.order_now(exchange.parse_ws_order(algo), traded("binance"))
    assert (now.client_id, now.status, now.child_id, now.trigger) == (STOP, "triggered", "55", d("61000.5"))


# --- answers that say little ------------------------------------------------------------------------------------------

LEAST = {
    "bybit": {"orderId": "9", "orderLinkId": STOP},
    "okx": {"algoId": "9", "algoClOrdId": STOP, "sCode": "0", "clOrdId": ""},
    "bingx": {"orderId": 9, "symbol": "BTC-USDT", "positionSide": "BOTH", "type": "STOP_MARKET", "side": "BUY"},
    "weex": {"orderId": "9", "clientOrderId": STOP, "success": True},
}


@pytest.mark.parametrize("venue", LEAST)
def test_an_answer_that_is_a_number_is_completed_by_what_was_asked(venue):
    exchange, market = offline(venue), traded(venue)
    said = PlaceStop(symbol=market.symbol, client_id=STOP, role="stop", qty=d("0.02"), trigger=d("61000.5"))
    told = exchange.parse_order(LEAST[venue], exchange.market(PAIR))
    now = dialect_of(venue).order_after(said, told, market, State())
    assert (now.venue_id, now.client_id, now.status, now.qty) == ("9", STOP, "open", d("0.02"))
    assert (now.trigger, now.conditional, now.reduce_only) == (d("61000.5"), True, True)


def test_a_cancellation_leaves_the_order_as_it_was_known():
    market, resting = traded("okx"), order("okx", OKX_ALGO)
    told = offline("okx").parse_order({"algoId": "9", "sCode": "0"})
    said = Cancel(symbol=market.symbol, client_id=STOP, conditional=True)
    now = dialect_of("okx").order_after(said, told, market, State(orders={STOP: resting}))
    assert (now.status, now.qty, now.trigger) == ("canceled", d("0.02"), d("61000.5"))


def test_a_whole_answer_is_believed():
    market = traded("binance")
    told = offline("binance").parse_order(
        ENTRIES["binance"] | {"status": "FILLED", "executedQty": "0.020"}, offline("binance").market(PAIR)
    )
    said = Place(symbol=market.symbol, client_id=ENTRY, role="entry", qty=d("-0.02"), price=d("60000.5"), leg="SHORT")
    now = dialect_of("binance").order_after(said, told, market, State())
    assert (now.status, now.filled) == ("filled", d("-0.02"))


# --- positions --------------------------------------------------------------------------------------------------------

POSITIONS = {
    "binance": {
        "symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "-0.020", "entryPrice": "60000.5",
        "markPrice": "60100.0", "unRealizedProfit": "-1.99", "liquidationPrice": "71000.1", "isolatedMargin": "238.01",
        "isolatedWallet": "240", "notional": "-1202", "initialMargin": "240.4", "maintMargin": "4.8", "adl": 2,
        "updateTime": MS,
    },
    "bybit": {
        "symbol": "BTCUSDT", "side": "Sell", "size": "0.020", "avgPrice": "60000.5", "markPrice": "60100.0",
        "leverage": "5", "positionValue": "1200.01", "unrealisedPnl": "-1.99", "liqPrice": "71000.1",
        "positionBalance": "240", "positionIdx": 0, "adlRankIndicator": 2, "stopLoss": "61000.5", "takeProfit": "",
        "positionIM": "240.4", "positionMM": "4.8", "updatedTime": str(MS),
    },
    "okx": {
        "instId": "BTC-USDT-SWAP", "instType": "SWAP", "posSide": "net", "pos": "-2", "avgPx": "60000.5",
        "markPx": "60100.0", "lever": "5", "mgnMode": "isolated", "margin": "240", "upl": "-1.99", "liqPx": "71000.1",
        "notionalUsd": "1202", "mmr": "4.8", "imr": "", "adl": "2", "cTime": str(MS), "uTime": str(MS),
        "closeOrderAlgo": [{"algoId": "9", "slTriggerPx": "61000.5", "slTriggerPxType": "mark", "closeFraction": "1"}],
    },
    "bingx": {
        "symbol": "BTC-USDT", "positionSide": "SHORT", "positionAmt": "0.0200", "avgPrice": "60000.5",
        "markPrice": "60100.0", "leverage": 5, "isolated": True, "margin": "240", "unrealizedProfit": "-1.99",
        "liquidationPrice": 71000.1, "positionValue": "1202", "initialMargin": "240.4", "onlyOnePosition": True,
    },
    "weex": {
        "id": 1, "asset": "USDT", "symbol": "BTCUSDT", "side": "SHORT", "marginType": "ISOLATED",
        "separatedMode": "COMBINED", "leverage": "5.00", "size": "0.020", "openValue": "1200.010",
        "isolatedMargin": "240", "unrealizePnl": "-1.99", "liquidatePrice": "71000.1", "createdTime": MS,
    },
}  # fmt: skip


@pytest.mark.parametrize("venue", POSITIONS)
def test_a_short_position(venue):
    now = position(venue, POSITIONS[venue])
    shows_mark = venue != "weex"
    assert now == PositionNow(
        symbol=traded(venue).symbol,
        qty=d("-0.02"),
        entry=d("60000.5"),
        leg="SHORT" if venue == "weex" else "BOTH",
        mark=d("60100") if shows_mark else None,
        margin_mode=None if venue == "bybit" else MarginMode.ISOLATED,
        leverage=d("5"),
        margin=d("240"),
        unrealised=d("-1.99"),
        liquidation_price=d("71000.1"),
        stop=d("61000.5") if venue in ("bybit", "okx") else None,
        adl_quantile=2 if venue in ("binance", "bybit", "okx") else None,
    )


@pytest.mark.parametrize("initial", ["480.8", "9000"])
def test_margin_of_resting_orders_is_none_of_the_positions(initial):
    """Binance counts both in initialMargin: 2x, or 0x with many orders, for what is held at 5x."""
    told = {"initialMargin": initial, "positionInitialMargin": "240.4", "openOrderInitialMargin": "240.4"}
    assert position("binance", POSITIONS["binance"] | told).leverage == 5
    without = POSITIONS["binance"] | {"initialMargin": "9000"}  # an answer that does not tell them apart
    assert position("binance", without).leverage is None


@pytest.mark.parametrize(
    ("venue", "changes"),
    [
        ("binance", {"positionAmt": "0.000", "notional": "0"}),
        ("bybit", {"size": "0", "side": "", "avgPrice": "0"}),
        ("okx", {"pos": "0"}),
        ("weex", {"size": "0", "openValue": "0"}),
    ],
)
def test_a_flat_position_is_none(venue, changes):
    if venue == "weex":  # ccxt divides by its size
        assert dialect_of(venue).position_now({"contracts": 0.0, "info": {}}, traded(venue)) is None
    else:
        assert position(venue, POSITIONS[venue] | changes) is None


@pytest.mark.parametrize(
    ("venue", "changes"),
    [
        ("binance", {"positionSide": "SHORT"}),
        ("bybit", {"positionIdx": 2}),
        ("okx", {"posSide": "short", "pos": "2"}),
        ("bingx", {"onlyOnePosition": False}),
    ],
)
def test_in_hedge_mode_a_position_has_its_leg(venue, changes):
    now = position(venue, POSITIONS[venue] | changes)
    assert (now.leg, now.qty) == ("SHORT", d("-0.02"))


def test_bingx_may_sign_the_amount_of_a_net_position():
    now = position("bingx", POSITIONS["bingx"] | {"positionSide": "BOTH", "positionAmt": "-0.0200"})
    assert (now.leg, now.qty) == ("BOTH", d("-0.02"))


@pytest.mark.parametrize(
    ("venue", "told", "dual"),
    [
        ("binance", {"hedged": True}, True),
        ("binance", {"hedged": False}, False),
        ("bybit", [{"info": {"positionIdx": 1}}, {"info": {"positionIdx": 2}}], True),
        ("bybit", [{"info": {"positionIdx": 0}}], False),
        ("weex", {"hedged": False}, True),
    ],
)
def test_whether_longs_and_shorts_are_held_apart(venue, told, dual):
    assert dialect_of(venue).dual_of(told) is dual


def test_weex_with_a_position_for_every_order_is_refused():
    with pytest.raises(Unfit, match="merged positions"):
        dialect_of("weex").dual_of({"hedged": True})


# --- fills ------------------------------------------------------------------------------------------------------------

BINANCE_FILL = {
    "id": 3, "orderId": 7, "symbol": "BTCUSDT", "side": "SELL", "price": "60000.5", "qty": "0.020", "time": MS,
    "quoteQty": "1200.01", "commission": "0.60000500", "commissionAsset": "USDT", "realizedPnl": "0", "maker": False,
    "buyer": False, "positionSide": "SHORT",
}  # fmt: skip
BYBIT_FILL = {
    "execId": "3", "orderId": "7", "orderLinkId": ENTRY, "symbol": "BTCUSDT", "side": "Sell", "execPrice": "60000.5",
    "execQty": "0.020", "execValue": "1200.01", "execFee": "0.600005", "feeRate": "0.0005", "execType": "Trade",
    "isMaker": False, "execTime": str(MS), "orderType": "Market", "category": "linear",
}  # fmt: skip
OKX_FILL = {
    "tradeId": "3", "ordId": "7", "clOrdId": ENTRY, "instId": "BTC-USDT-SWAP", "instType": "SWAP", "side": "sell",
    "posSide": "short", "fillPx": "60000.5", "fillSz": "2", "fee": "-0.600005", "feeCcy": "USDT", "execType": "T",
    "fillPnl": "0", "subType": "4", "ts": str(MS),
}  # fmt: skip
WEEX_FILL = {
    "id": 3, "orderId": 7, "symbol": "BTCUSDT", "buyer": False, "side": "SELL", "positionSide": "SHORT",
    "commission": "0.600005", "commissionAsset": "USDT", "maker": False, "price": "60000.5", "qty": "0.020",
    "quoteQty": "1200.01", "realizedPnl": "0", "time": MS,
}  # fmt: skip
FILLS = {"binance": BINANCE_FILL, "bybit": BYBIT_FILL, "okx": OKX_FILL, "weex": WEEX_FILL}


@pytest.mark.parametrize("venue", FILLS)
def test_a_fill(venue):
    told = fill(venue, FILLS[venue], client_ids={"7": ENTRY})
    assert told == Filled(
        time_ns=NS,
        wall_ns=5,
        symbol=traded(venue).symbol,
        client_id=ENTRY,
        venue_id="7",
        trade_id="3",
        qty=d("-0.02"),
        price=d("60000.5"),
        fee=d("0.600005"),
        realised=None if venue == "bybit" else Decimal(0),
        leg="BOTH" if venue == "bybit" else "SHORT",
    )


@pytest.mark.parametrize(
    ("venue", "changes", "why"),
    [
        ("binance", {"c": "autoclose-1700000000000"}, "liquidation"),
        ("binance", {"c": "adl_autoclose"}, "adl"),
        ("binance", {"c": "settlement_autoclose-1"}, "settlement"),
        ("binance", {"c": TARGET}, ""),
        ("bybit", {"execType": "BustTrade", "orderLinkId": ""}, "liquidation"),
        ("bybit", {"execType": "AdlTrade", "orderLinkId": ""}, "adl"),
        ("bybit", {"execType": "Delivery", "orderLinkId": ""}, "settlement"),
        ("okx", {"category": "partial_liquidation"}, "liquidation"),
        ("okx", {"category": "full_liquidation"}, "liquidation"),
        ("okx", {"category": "adl"}, "adl"),
        ("okx", {"subType": "105"}, "liquidation"),
        ("okx", {"subType": "126"}, "adl"),
    ],
)
def test_what_the_venue_closed_by_itself(venue, changes, why):
    assert fill(venue, FILLS[venue] | changes).why == why


def test_funding_told_as_an_execution_is_no_fill():
    assert fill("bybit", BYBIT_FILL | {"execType": "Funding"}) is None


def test_the_stream_of_okx_tells_a_fee_paid_as_negative_and_the_stop_it_came_from():
    told = {
        "info": OKX_FILL | {"fillFee": "-0.600005", "fillFeeCcy": "USDT", "algoClOrdId": STOP, "clOrdId": ""},
        "id": "3", "order": "9", "timestamp": MS, "side": "sell", "price": 60000.5, "amount": 2.0,
        "takerOrMaker": "taker", "fee": {"cost": -0.600005, "currency": "USDT"},
    }  # fmt: skip
    fill_now = dialect_of("okx").fill_of(told, traded("okx"), wall_ns=5)
    assert (fill_now.fee, fill_now.client_id, fill_now.venue_id) == (d("0.600005"), STOP, "7")


def test_the_stream_of_weex_tells_a_value_instead_of_a_price():
    told = {
        "info": {"positionSide": "SHORT"}, "id": "3", "order": "7", "timestamp": MS, "side": "sell", "price": None,
        "amount": 0.02, "cost": 1200.01, "takerOrMaker": "maker", "fee": {"cost": 0.24, "currency": "USDT"},
    }  # fmt: skip
    fill_now = dialect_of("weex").fill_of(told, traded("weex"), wall_ns=5)
    assert (fill_now.price, fill_now.maker) == (d("60000.5"), True)


def test_bingx_is_asked_for_fills_in_its_own_list():
    row = {
        "symbol": "BTC-USDT", "qty": "0.0200", "price": "60000.5", "quoteQty": "1200.01", "commission": "-0.600005",
        "commissionAsset": "USDT", "orderId": "7", "tradeId": "3", "filledTime": "2023-11-14T22:13:20Z",
        "side": "SELL", "positionSide": "SHORT", "role": "taker", "realisedPNL": "0",
    }  # fmt: skip
    answer = {"code": 0, "data": {"fill_history_orders": [row], "total": 1}}
    dialect, market = dialect_of("bingx"), traded("bingx")
    (trade,) = dialect.trades_in(answer)
    told = dialect.fill_of(trade, market, wall_ns=5, client_ids={"7": ENTRY})
    assert told == Filled(
        time_ns=NS,
        wall_ns=5,
        symbol="BTC-USDT",
        client_id=ENTRY,
        venue_id="7",
        trade_id="3",
        qty=d("-0.02"),
        price=d("60000.5"),
        fee=d("0.600005"),
        realised=Decimal(0),
        leg="SHORT",
    )
    assert not dialect.able.stream_fills
    assert dialect.fill_of({"info": {}, "timestamp": None}, market, wall_ns=5) is None


# --- money ------------------------------------------------------------------------------------------------------------

FUNDINGS = {
    "binance": {"symbol": "BTCUSDT", "incomeType": "FUNDING_FEE", "income": "-0.25", "asset": "USDT", "time": MS},
    "bybit": {"symbol": "BTCUSDT", "execType": "Funding", "execFee": "0.25", "execTime": str(MS), "execId": "1"},
    "bingx": {"symbol": "BTC-USDT", "incomeType": "FUNDING_FEE", "income": "-0.25", "asset": "USDT", "time": MS},
    "weex": {"symbol": "BTCUSDT", "incomeType": "position_funding", "income": "-0.25", "asset": "USDT", "time": MS},
}


@pytest.mark.parametrize("venue", FUNDINGS)
def test_funding_paid_is_negative(venue):
    exchange = offline(venue)
    entry = exchange.parse_income(FUNDINGS[venue], exchange.market(PAIR))
    told = dialect_of(venue).funding_of(entry, traded(venue), wall_ns=5)
    assert told == Funded(time_ns=NS, wall_ns=5, symbol=traded(venue).symbol, amount=d("-0.25"))


BALANCES = {
    "binance": {
        "assets": [
            {"asset": "USDT", "walletBalance": "1000", "marginBalance": "990", "availableBalance": "700",
             "initialMargin": "240", "unrealizedProfit": "-10"}
        ]
    },
    "okx": {
        "code": "0",
        "data": [{"uTime": str(MS), "details": [{"ccy": "USDT", "eq": "990", "upl": "-10", "availEq": "700"}]}],
    },
    "bingx": {"code": 0, "data": [{"asset": "USDT", "balance": "1000", "equity": "990", "availableMargin": "700"}]},
    "weex": [{"asset": "USDT", "balance": "1000", "availableBalance": "700", "frozen": "0", "unrealizePnl": "-10"}],
    "bybit": {
        "result": {
            "list": [
                {"accountType": "UNIFIED", "coin": [
                    {"coin": "USDT", "walletBalance": "1000", "availableToWithdraw": "700", "equity": "990"}
                ]}
            ]
        }
    },
}  # fmt: skip


@pytest.mark.parametrize("venue", BALANCES)
def test_the_wallet_is_without_open_profit(venue):
    exchange = offline(venue)
    raw = BALANCES[venue]
    if venue == "binance":
        balance = exchange.parse_balance_custom(raw, "linear")
    else:
        balance = exchange.parse_trading_balance(raw) if venue == "okx" else exchange.parse_balance(raw)
    told = dialect_of(venue).balance_now(balance, "USDT", time_ns=1, wall_ns=2)
    assert told == BalanceNow(time_ns=1, wall_ns=2, asset="USDT", wallet=d("1000"), available=d("700"))


def test_a_stop_in_hedge_mode_reduces_though_the_venue_does_not_say_so():
    now = order("binance", BINANCE_ALGO | {"positionSide": "SHORT", "reduceOnly": False})
    assert (now.leg, now.reduce_only) == ("SHORT", True)
    entry = order("binance", BINANCE_ALGO | {"positionSide": "LONG", "reduceOnly": False})
    assert (entry.leg, entry.reduce_only) == ("LONG", False)


@pytest.mark.parametrize(
    ("venue", "changes", "filled"),
    [
        ("binance", {"algoStatus": "TRIGGERED", "actualOrderId": "55"}, "0"),
        ("binance", {"algoStatus": "FINISHED", "actualOrderId": "55", "actualQty": "0.015"}, "0.015"),
        ("okx", {"state": "effective", "ordIdList": ["55"], "actualSz": "2"}, "0"),
    ],
)
def test_a_triggered_stop_is_not_taken_for_a_filled_one(venue, changes, filled):
    """ccxt calls it closed, and what is closed has traded its whole amount."""
    assert order(venue, STOPS[venue] | changes).filled == d(filled)


def test_a_triggered_stop_on_the_stream_has_traded_what_its_order_has():
    algo = {
        "caid": STOP, "aid": 9, "o": "STOP_MARKET", "s": "BTCUSDT", "S": "BUY", "ps": "BOTH", "q": "0.020",
        "X": "TRIGGERED", "ai": "55", "tp": "61000.5", "aq": "0.005", "ap": "61001.5", "R": True, "T": MS,
    }  # fmt: skip
    now = dialect_of("binance").order_now(offline("binance").parse_ws_order(algo), traded("binance"))
    assert (now.status, now.filled, now.average) == ("triggered", d("0.005"), d("61001.5"))
