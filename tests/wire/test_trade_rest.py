"""Orders over REST: what comes back, and the code of every refusal."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from wire.desk_kit import BTC, ETH, Kit

from bearskin.exchange._words import SetMark

LIMIT = {"symbol": BTC, "side": "SELL", "type": "LIMIT", "quantity": "0.01", "price": "61000", "timeInForce": "GTC"}
MARKET = {"symbol": BTC, "side": "SELL", "type": "MARKET", "quantity": "0.1"}
STOP = {
    "algoType": "CONDITIONAL", "symbol": BTC, "side": "BUY", "type": "STOP_MARKET", "triggerPrice": "62000",
    "quantity": "0.1", "reduceOnly": "true",
}  # fmt: skip


def test_an_order_carries_every_field_clients_read(kit: Kit) -> None:
    row = kit.good("POST", "/fapi/v1/order", **LIMIT, newClientOrderId="mine-1")
    assert row["status"] == "NEW"
    assert (row["price"], row["origQty"], row["executedQty"], row["avgPrice"]) == ("61000.0", "0.010", "0.000", "0.00")
    assert (row["clientOrderId"], row["symbol"], row["side"], row["positionSide"]) == ("mine-1", BTC, "SELL", "BOTH")
    assert (row["type"], row["origType"], row["timeInForce"]) == ("LIMIT", "LIMIT", "GTC")
    kinds = {
        int: ("orderId", "updateTime", "time", "goodTillDate"),
        bool: ("reduceOnly", "closePosition", "priceProtect"),
        str: ("cumQty", "cumQuote", "stopPrice", "workingType", "priceMatch", "selfTradePreventionMode", "pair"),
    }
    for kind, names in kinds.items():
        assert all(type(row[name]) is kind for name in names)


def test_a_market_order_answers_as_it_came_in_or_as_it_ended(kit: Kit) -> None:
    came = kit.good("POST", "/fapi/v1/order", **MARKET)
    assert (came["status"], came["executedQty"]) == ("NEW", "0.000")
    ended = kit.good("POST", "/fapi/v1/order", **{**MARKET, "quantity": "2"}, newOrderRespType="RESULT")
    # 1.4 coins at 59994 and 0.6 at 59988: 119984.4 in all
    assert (ended["status"], ended["executedQty"], ended["cumQuote"]) == ("FILLED", "2.000", "119984.40000000")
    assert ended["avgPrice"] == "59992.2"


def test_a_client_that_sends_no_name_is_given_one_of_its_own(kit: Kit) -> None:
    names = {kit.good("POST", "/fapi/v1/order", **LIMIT)["clientOrderId"] for _ in range(3)}
    assert len(names) == 3
    assert all(1 <= len(name) <= 36 for name in names)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "STOP_MARKET", "stopPrice": "62000", "closePosition": "true"}, -4120),
        ({"type": "TRAILING_STOP_MARKET"}, -4120),
        ({"type": "ICEBERG"}, -1116),
        ({"type": ""}, -1102),
        ({"side": "SHORT"}, -1117),
        ({"side": None}, -1102),
        ({"symbol": "NOPEUSDT"}, -1121),
        ({"symbol": None}, -1102),
        ({"stopLoss": "{'triggerPrice': 62000}"}, -1104),
        ({"takeProfit": "{'triggerPrice': 55000}"}, -1104),
        ({"stopPrice": "62000"}, -1104),
        ({"quantity": None}, -1102),
        ({"quantity": "0"}, -4003),
        ({"quantity": "-0.01"}, -4003),
        ({"quantity": "9" * 40}, -1111),
        ({"quantity": "0.0001"}, -1111),
        ({"quantity": "NaN"}, -1130),
        ({"quantity": "1e-2"}, -1130),
        ({"quantity": "1001"}, -4005),
        ({"price": None}, -1102),
        ({"price": "0"}, -4001),
        ({"price": "-61000"}, -4001),
        ({"price": "61000.05"}, (-4014, -1111)),
        ({"price": "2000000"}, (-4002, -4016)),
        ({"price": "50000"}, -4024),
        ({"price": "Infinity"}, -1130),
        ({"quantity": "0.001", "price": "61000"}, -4164),
        ({"timeInForce": None}, -1102),
        ({"timeInForce": "DAY"}, -1115),
        ({"timeInForce": "GTD"}, -1102),
        ({"timeInForce": "GTD", "goodTillDate": "1"}, -1130),
        ({"goodTillDate": "1790000999999"}, -1106),
        ({"timeInForce": "GTX", "price": "59990"}, -5022),
        ({"timeInForce": "FOK", "price": "60001"}, -5021),
        ({"reduceOnly": "true"}, -2022),
        ({"reduceOnly": "maybe"}, -1130),
        ({"positionSide": "LONG"}, -4061),
        ({"positionSide": "UP"}, -4060),
        ({"newClientOrderId": "x" * 37}, -1100),
        ({"newClientOrderId": "a b"}, -1100),
        ({"newOrderRespType": "FULL"}, -1130),
        ({"priceMatch": "QUEUE"}, -1130),
        ({"selfTradePreventionMode": "MAYBE"}, -1130),
        ({"quantity": "50"}, -2019),
        ({"quantity": ""}, -1105),
    ],
)  # fmt: skip
def test_each_refusal_has_the_code_of_the_venue_and_changes_nothing(kit: Kit, change: dict, code: int | tuple) -> None:
    before = kit.exchange.state_hash()
    params = {name: value for name, value in {**LIMIT, **change}.items() if value is not None}
    answer = kit.signed("POST", "/fapi/v1/order", **params)
    assert answer.status == 400
    assert answer.code in (code if isinstance(code, tuple) else (code,)), answer.json
    if code == -1104:
        assert next(iter(change)) in answer.json["msg"]
    assert kit.exchange.state_hash() == before


def test_a_market_order_takes_neither_price_nor_time(kit: Kit) -> None:
    assert kit.signed("POST", "/fapi/v1/order", **MARKET, price="60000").code == -1106
    assert kit.signed("POST", "/fapi/v1/order", **MARKET, timeInForce="GTC").code == -1106


def test_a_client_order_id_is_unique_among_open_orders(kit: Kit) -> None:
    kit.good("POST", "/fapi/v1/order", **LIMIT, newClientOrderId="same")
    assert kit.signed("POST", "/fapi/v1/order", **LIMIT, newClientOrderId="same").code == -4116
    kit.good("DELETE", "/fapi/v1/order", symbol=BTC, origClientOrderId="same")
    kit.good("POST", "/fapi/v1/order", **LIMIT, newClientOrderId="same")


def test_an_order_is_found_by_either_id_open_and_ended(kit: Kit) -> None:
    placed = kit.good("POST", "/fapi/v1/order", **LIMIT, newClientOrderId="one")
    for name, value in (("orderId", placed["orderId"]), ("origClientOrderId", "one")):
        assert kit.good("GET", "/fapi/v1/order", symbol=BTC, **{name: value})["status"] == "NEW"
        assert kit.good("GET", "/fapi/v1/openOrder", symbol=BTC, **{name: value})["orderId"] == placed["orderId"]
    gone = kit.good("DELETE", "/fapi/v1/order", symbol=BTC, orderId=placed["orderId"])
    assert (gone["status"], gone["clientOrderId"]) == ("CANCELED", "one")
    for name, value in (("orderId", placed["orderId"]), ("origClientOrderId", "one")):
        assert kit.good("GET", "/fapi/v1/order", symbol=BTC, **{name: value})["status"] == "CANCELED"
        assert kit.signed("GET", "/fapi/v1/openOrder", symbol=BTC, **{name: value}).code == -2013
        assert kit.signed("DELETE", "/fapi/v1/order", symbol=BTC, **{name: value}).code == -2011
    assert kit.signed("GET", "/fapi/v1/order", symbol=BTC).code == -1102
    assert kit.signed("GET", "/fapi/v1/order", symbol=BTC, orderId=10**17).code == -2013
    assert kit.signed("GET", "/fapi/v1/order", symbol=ETH, orderId=placed["orderId"]).code == -2013


def test_nobody_sees_or_touches_the_orders_of_others(kit: Kit) -> None:
    theirs = next(order for order in kit.exchange.state.orders.values() if order.account == 2)
    for name, value in (("orderId", theirs.id), ("origClientOrderId", theirs.client_id)):
        assert kit.signed("GET", "/fapi/v1/order", symbol=theirs.symbol, **{name: value}).code == -2013
        assert kit.signed("DELETE", "/fapi/v1/order", symbol=theirs.symbol, **{name: value}).code == -2011
    assert kit.good("GET", "/fapi/v1/openOrders") == []


def test_open_orders_of_one_symbol_and_of_all(kit: Kit) -> None:
    kit.good("POST", "/fapi/v1/order", **LIMIT)
    kit.good("POST", "/fapi/v1/order", **{**LIMIT, "symbol": ETH, "price": "3050", "quantity": "0.1"})
    assert [row["symbol"] for row in kit.good("GET", "/fapi/v1/openOrders")] == [BTC, ETH]
    assert [row["symbol"] for row in kit.good("GET", "/fapi/v1/openOrders", symbol=ETH)] == [ETH]
    done = kit.good("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)
    assert done == {"code": 200, "msg": "The operation of cancel all open order is done."}
    assert [row["symbol"] for row in kit.good("GET", "/fapi/v1/openOrders")] == [ETH]
    assert [row["status"] for row in kit.good("GET", "/fapi/v1/allOrders", symbol=BTC)] == ["CANCELED"]


def test_an_order_is_modified_by_price_and_quantity(kit: Kit) -> None:
    placed = kit.good("POST", "/fapi/v1/order", **LIMIT)
    row = kit.good(
        "PUT",
        "/fapi/v1/order",
        symbol=BTC,
        side="SELL",
        orderId=placed["orderId"],
        quantity="0.02",
        price="61100.0",
        modifyId="7",
    )
    assert (row["price"], row["origQty"], row["status"], row["modifyId"]) == ("61100.0", "0.020", "NEW", 7)
    same = {"symbol": BTC, "side": "SELL", "orderId": placed["orderId"], "quantity": "0.02", "price": "61100"}
    assert kit.signed("PUT", "/fapi/v1/order", **same).code == -5027
    assert kit.signed("PUT", "/fapi/v1/order", **{**same, "reduceOnly": "true"}).code == -5047
    assert kit.signed("PUT", "/fapi/v1/order", **{**same, "orderId": 999}).code == -2013
    del same["price"]
    assert kit.signed("PUT", "/fapi/v1/order", **same).code == -1102


def test_a_batch_judges_each_order_for_itself(kit: Kit) -> None:
    rows = [
        {**LIMIT, "newClientOrderId": "b1"},
        {**LIMIT, "type": "STOP_MARKET"},
        {**LIMIT, "quantity": 0.01, "price": 61000.5, "reduceOnly": False},  # numbers and truths as JSON has them
        {**LIMIT, "stopLoss": "x"},
        {"symbol": BTC},
    ]
    answer = kit.good("POST", "/fapi/v1/batchOrders", batchOrders=json.dumps(rows))
    assert [row.get("status", row.get("code")) for row in answer] == ["NEW", -4120, "NEW", -1104, -1102]
    assert answer[2]["price"] == "61000.5"
    changed = kit.good(
        "PUT",
        "/fapi/v1/batchOrders",
        batchOrders=json.dumps(
            [{"symbol": BTC, "side": "SELL", "orderId": answer[0]["orderId"], "quantity": "0.01", "price": "61200"}, {}]
        ),
    )
    assert [row.get("price", row.get("code")) for row in changed] == ["61200.0", -1102]
    gone = kit.good(
        "DELETE", "/fapi/v1/batchOrders", symbol=BTC, orderIdList=f"[{answer[0]['orderId']},{answer[2]['orderId']},5]"
    )
    assert [row.get("status", row.get("code")) for row in gone] == ["CANCELED", "CANCELED", -2011]
    for text in ("[]", json.dumps([LIMIT] * 6)):
        assert kit.signed("POST", "/fapi/v1/batchOrders", batchOrders=text).code == -4082
    for text in ("{", "5", '["x"]', '{"a":1}'):
        assert kit.signed("POST", "/fapi/v1/batchOrders", batchOrders=text).code == -1130


def test_a_test_order_is_looked_at_and_not_placed(kit: Kit) -> None:
    before = kit.exchange.state_hash()
    assert kit.good("POST", "/fapi/v1/order/test", **MARKET)["orderId"] == 0
    assert kit.signed("POST", "/fapi/v1/order/test", **{**MARKET, "side": "UP"}).code == -1117
    assert kit.exchange.state_hash() == before


def test_hedge_mode_takes_sides_and_no_reduce_only(kit: Kit) -> None:
    kit.good("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")
    assert kit.signed("POST", "/fapi/v1/order", **MARKET).code == -4061
    assert kit.signed("POST", "/fapi/v1/order", **MARKET, positionSide="SHORT", reduceOnly="true").code == -1106
    assert kit.signed("POST", "/fapi/v1/algoOrder", **STOP, positionSide="SHORT").code == -1106
    row = kit.good("POST", "/fapi/v1/order", **MARKET, positionSide="SHORT", newOrderRespType="RESULT")
    assert (row["status"], row["positionSide"]) == ("FILLED", "SHORT")
    (held,) = kit.good("GET", "/fapi/v3/positionRisk")
    assert (held["positionSide"], held["positionAmt"]) == ("SHORT", "-0.100")


def test_the_countdown_is_taken(kit: Kit) -> None:
    assert kit.good("POST", "/fapi/v1/countdownCancelAll", symbol=BTC, countdownTime=5_000) == {
        "symbol": BTC, "countdownTime": "5000"
    }  # fmt: skip
    assert kit.exchange.state.accounts[3].countdowns[BTC] > kit.wall_ns
    kit.good("POST", "/fapi/v1/countdownCancelAll", symbol=BTC, countdownTime=0)
    assert BTC not in kit.exchange.state.accounts[3].countdowns
    assert kit.signed("POST", "/fapi/v1/countdownCancelAll", symbol=BTC).code == -1102


def test_own_trades(kit: Kit) -> None:
    order = kit.good("POST", "/fapi/v1/order", **MARKET)
    (row,) = kit.good("GET", "/fapi/v1/userTrades", symbol=BTC)
    assert (row["orderId"], row["price"], row["qty"], row["maker"]) == (order["orderId"], "59994.0", "0.100", False)
    # 0.1 * 59994 * 0.05 %
    assert (row["commission"], row["commissionAsset"], row["quoteQty"]) == ("2.99970000", "USDT", "5999.40000000")
    assert kit.good("GET", "/fapi/v1/userTrades", symbol=BTC, startTime=kit.now_ms + 5) == []
    assert kit.good("GET", "/fapi/v1/forceOrders") == []


def test_order_limits_are_told_and_kept(kit: Kit) -> None:
    kit.limits.orders_per_ten_seconds = 2
    first = kit.signed("POST", "/fapi/v1/order", **LIMIT)
    assert (first.headers["x-mbx-order-count-10s"], first.headers["x-mbx-order-count-1m"]) == ("1", "1")
    kit.good("POST", "/fapi/v1/order", **LIMIT)
    slow = kit.signed("POST", "/fapi/v1/order", **LIMIT)
    assert (slow.status, slow.code) == (429, -1015)
    assert int(slow.headers["retry-after"]) <= 10
    kit.good("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)  # cancels are not orders


# --- conditional orders ----------------------------------------------------------------------------------------------


def test_a_stop_is_told_from_arrival_to_the_order_it_became(kit: Kit) -> None:
    kit.good("POST", "/fapi/v1/order", **MARKET)
    placed = kit.good("POST", "/fapi/v1/algoOrder", **{**STOP, "workingType": "MARK_PRICE"}, clientAlgoId="stop-1")
    assert (placed["algoStatus"], placed["orderType"], placed["triggerPrice"]) == ("NEW", "STOP_MARKET", "62000.0")
    assert (placed["quantity"], placed["reduceOnly"], placed["workingType"]) == ("0.100", True, "MARK_PRICE")
    assert (placed["clientAlgoId"], placed["algoType"]) == ("stop-1", "CONDITIONAL")
    assert [row["algoId"] for row in kit.good("GET", "/fapi/v1/openAlgoOrders", symbol=BTC)] == [placed["algoId"]]
    assert kit.good("GET", "/fapi/v1/openOrders") == []
    kit.service.submit_now([SetMark(time_ns=kit.wall_ns, symbol=BTC, price=Decimal(62_000))])
    done = kit.good("GET", "/fapi/v1/algoOrder", symbol=BTC, algoId=placed["algoId"])
    assert done["algoStatus"] == "FINISHED"
    assert kit.good("GET", "/fapi/v1/openAlgoOrders") == []
    assert [row["algoStatus"] for row in kit.good("GET", "/fapi/v1/allAlgoOrders", symbol=BTC)] == ["FINISHED"]
    became = kit.good("GET", "/fapi/v1/order", symbol=BTC, orderId=done["actualOrderId"])
    assert (became["status"], became["executedQty"], became["origType"]) == ("FILLED", "0.100", "STOP_MARKET")
    assert (done["actualPrice"], done["actualQty"]) == (became["avgPrice"], "0.100")
    assert kit.good("GET", "/fapi/v3/positionRisk") == []


def test_cancelling_conditional_orders(kit: Kit) -> None:
    placed = kit.good("POST", "/fapi/v1/algoOrder", **STOP)
    kit.good("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)  # leaves it
    gone = kit.good("DELETE", "/fapi/v1/algoOrder", algoId=placed["algoId"])
    assert gone == {"algoId": placed["algoId"], "clientAlgoId": placed["clientAlgoId"], "code": "200", "msg": "success"}
    assert kit.good("GET", "/fapi/v1/algoOrder", algoId=placed["algoId"])["algoStatus"] == "CANCELED"
    assert kit.signed("DELETE", "/fapi/v1/algoOrder", algoId=placed["algoId"]).code == -2011
    assert kit.signed("GET", "/fapi/v1/algoOrder", algoId=12345).code == -2013
    assert kit.signed("GET", "/fapi/v1/algoOrder").code == -1102
    kit.good("POST", "/fapi/v1/algoOrder", **STOP)
    assert kit.good("DELETE", "/fapi/v1/algoOpenOrders", symbol=BTC)["code"] == 200
    assert kit.good("GET", "/fapi/v1/openAlgoOrders") == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"algoType": None}, -1102),
        ({"algoType": "VP"}, -1130),
        ({"type": "MARKET"}, -1116),
        ({"triggerPrice": None}, -1102),
        ({"triggerPrice": "-1"}, -4006),
        ({"triggerPrice": "0"}, -4006),
        ({"triggerPrice": "1" * 40}, -1111),
        ({"triggerPrice": "59000", "workingType": "MARK_PRICE"}, -2021),
        ({"stopPrice": "62000"}, -1104),
        ({"quantity": None}, -1102),
        ({"quantity": "-1"}, -4003),
        ({"price": "62000"}, -1106),
        ({"type": "STOP"}, -1102),
        ({"callbackRate": "1"}, -1106),
        ({"activatePrice": "1"}, -1106),
        ({"type": "TRAILING_STOP_MARKET"}, -1102),
        ({"type": "TRAILING_STOP_MARKET", "callbackRate": "1"}, -1106),
        ({"closePosition": "true", "reduceOnly": None}, -4137),
        ({"closePosition": "true", "quantity": None}, -4138),
        ({"closePosition": "true", "quantity": None, "reduceOnly": None}, -4509),
        ({"workingType": "INDEX"}, -1130),
        ({"timeInForce": "DAY"}, -1115),
        ({"symbol": "NOPEUSDT"}, -1121),
        ({"side": ""}, -1105),
        ({"nonsense": "1"}, -1104),
    ],
)
def test_each_refusal_of_a_conditional_order(kit: Kit, change: dict, code: int) -> None:
    before = kit.exchange.state_hash()
    params = {name: value for name, value in {**STOP, **change}.items() if value is not None}
    answer = kit.signed("POST", "/fapi/v1/algoOrder", **params)
    assert (answer.status, answer.code) == (400, code), answer.json
    assert kit.exchange.state_hash() == before


def test_a_second_close_position_stop_is_refused(kit: Kit) -> None:
    kit.good("POST", "/fapi/v1/order", **MARKET)
    close = {name: value for name, value in STOP.items() if name not in ("quantity", "reduceOnly")}
    row = kit.good("POST", "/fapi/v1/algoOrder", **close, closePosition="true")
    assert (row["closePosition"], row["quantity"]) == (True, "0")
    assert (
        kit.signed("POST", "/fapi/v1/algoOrder", **{**close, "triggerPrice": "63000"}, closePosition="true").code
        == -4130
    )


def test_a_trailing_stop_carries_its_rate(kit: Kit) -> None:
    row = kit.good(
        "POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol=BTC, side="BUY", type="TRAILING_STOP_MARKET",
        quantity="0.1", callbackRate="1.0", activatePrice="58000",
    )  # fmt: skip
    assert (row["callbackRate"], row["activatePrice"], row["triggerPrice"]) == ("1", "58000", "0")


def test_resting_reduce_only_orders_take_the_position(kit: Kit) -> None:
    kit.good("POST", "/fapi/v1/order", **MARKET)
    close = {**LIMIT, "side": "BUY", "price": "59000", "quantity": "0.1", "reduceOnly": "true"}
    kit.good("POST", "/fapi/v1/order", **close)
    assert kit.signed("POST", "/fapi/v1/order", **close).code == -4118
