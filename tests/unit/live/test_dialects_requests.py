"""What each command becomes on the wire, venue by venue, after ccxt has built and signed the request.

Built from the venues' documentation and ccxt's request builders, not yet run against the venues.
"""

from urllib.parse import urlsplit

import pytest
from unit.live.dialect_kit import (
    ENTRY,
    EXIT,
    KEY,
    SECRET,
    STOP,
    TARGET,
    Sent,
    carried_out,
    d,
    market,
    offline,
    sent_by,
    traded,
)

from bearskin.live import dialect_of, open_trading
from bearskin.live._dialects import Answer, State
from bearskin.terms import (
    AddMargin,
    Amend,
    BadInput,
    Cancel,
    MarginMode,
    OrderNow,
    Place,
    PlaceStop,
    SetLeverage,
    SetMarginMode,
    VenueRejected,
    our_id,
)

VENUES = ("binance", "bybit", "okx", "bingx", "weex")
QTY = d("0.02")  # coins: 2 contracts of 0.01 at OKX


def state(venue, *, dual=False, mode=MarginMode.ISOLATED):
    """An account with a target and a stop of ours resting under the venue's numbers 77 and 88."""
    symbol = traded(venue).symbol
    resting = (
        OrderNow(symbol=symbol, client_id=TARGET, venue_id="77", status="open", qty=QTY),
        OrderNow(symbol=symbol, client_id=STOP, venue_id="88", status="open", qty=QTY, conditional=True),
    )
    return State(dual=dual, margin_mode=mode, orders={order.client_id: order for order in resting})


def command(venue, name):
    """A command by its name in the tables below, and whether the account is in hedge mode."""
    symbol, dual = traded(venue).symbol, name.endswith("/hedge")
    leg = "SHORT" if dual else "BOTH"
    entry = {"symbol": symbol, "client_id": ENTRY, "role": "entry", "qty": -QTY, "leg": leg}
    out = {"symbol": symbol, "role": "exit", "qty": QTY, "leg": leg, "reduce_only": True}
    stop = {"symbol": symbol, "client_id": STOP, "role": "stop", "qty": QTY, "trigger": d("61000.5"), "leg": leg}
    made = {
        "market entry": lambda: Place(**entry),
        "limit entry": lambda: Place(**entry, price=d("60000.5")),
        "post-only entry": lambda: Place(**entry, price=d("60000.5"), post_only=True),
        "entry with stop": lambda: Place(**entry, attached_stop=d("61000.5")),
        "market exit": lambda: Place(**out, client_id=EXIT),
        "target": lambda: Place(**{**out, "role": "target"}, client_id=TARGET, price=d("55000")),
        "stop": lambda: PlaceStop(**stop),
        "stop by last": lambda: PlaceStop(**stop, by="last"),
        "cancel": lambda: Cancel(symbol=symbol, client_id=TARGET),
        "cancel stop": lambda: Cancel(symbol=symbol, client_id=STOP, conditional=True),
        "cancel nameless": lambda: Cancel(symbol=symbol, client_id="", venue_id="77"),
        "cancel nameless stop": lambda: Cancel(symbol=symbol, client_id="", venue_id="77", conditional=True),
        "amend": lambda: Amend(symbol=symbol, client_id=TARGET, qty=QTY, price=d("54000")),
        "leverage": lambda: SetLeverage(symbol=symbol, leverage=5),
        "isolated": lambda: SetMarginMode(symbol=symbol, margin_mode=MarginMode.ISOLATED, leverage=5),
        "cross": lambda: SetMarginMode(symbol=symbol, margin_mode=MarginMode.CROSS, leverage=5),
        "margin in": lambda: AddMargin(symbol=symbol, amount=d("12.5"), leg=leg),
        "margin out": lambda: AddMargin(symbol=symbol, amount=d("-12.5"), leg=leg),
    }
    return made[name.removesuffix("/hedge")](), dual


def post(path, **words):
    return Sent("POST", path, words)


def binance(path, method="POST", **words):
    return Sent(method, f"fapi.binance.com/fapi/v1/{path}", {"symbol": "BTCUSDT", **words})


def binance_order(kind, **words):
    told = {"newClientOrderId": ENTRY, "newOrderRespType": "RESULT", "quantity": "0.02", "side": "SELL"}
    return binance("order", type=kind, **{**told, **words})


def binance_stop(**words):
    told = {"clientAlgoId": STOP, "newOrderRespType": "RESULT", "quantity": "0.02", "side": "BUY"}
    trigger = {"algoType": "CONDITIONAL", "type": "STOP_MARKET", "triggerPrice": "61000.5"}
    return binance("algoOrder", **told, **trigger, **{"workingType": "MARK_PRICE", **words})


BINANCE = {
    "market entry": [binance_order("MARKET")],
    "market entry/hedge": [binance_order("MARKET", positionSide="SHORT")],
    "limit entry": [binance_order("LIMIT", price="60000.5", timeInForce="GTC")],
    "post-only entry": [binance_order("LIMIT", price="60000.5", timeInForce="GTX")],
    # Binance attaches nothing: ccxt would send stopLoss along, where it makes no stop
    "entry with stop": [binance_order("MARKET")],
    "market exit": [binance_order("MARKET", newClientOrderId=EXIT, side="BUY", reduceOnly="true")],
    "market exit/hedge": [binance_order("MARKET", newClientOrderId=EXIT, side="BUY", positionSide="SHORT")],
    "target": [
        binance_order("LIMIT", newClientOrderId=TARGET, side="BUY", price="55000", timeInForce="GTC", reduceOnly="true")
    ],
    "stop": [binance_stop(reduceOnly="true")],
    "stop/hedge": [binance_stop(positionSide="SHORT")],
    "stop by last": [binance_stop(reduceOnly="true", workingType="CONTRACT_PRICE")],
    "cancel": [binance("order", "DELETE", origClientOrderId=TARGET)],
    "cancel stop": [binance("algoOrder", "DELETE", clientAlgoId=STOP)],
    "cancel nameless": [binance("order", "DELETE", orderId="77")],
    "cancel nameless stop": [binance("algoOrder", "DELETE", algoId="77")],
    "amend": [binance("order", "PUT", orderId="77", side="BUY", quantity="0.02", price="54000")],
    "leverage": [binance("leverage", leverage="5")],
    "isolated": [binance("marginType", marginType="ISOLATED")],
    "cross": [binance("marginType", marginType="CROSSED")],
    "margin in": [binance("positionMargin", type="1", amount="12.5")],
    "margin out/hedge": [binance("positionMargin", type="2", amount="12.5", positionSide="SHORT")],
}


def bybit(path, **words):
    return post(f"api.bybit.com/v5/{path}", **{"symbol": "BTCUSDT", "category": "linear", **words})


def bybit_order(**words):
    told = {"side": "Sell", "orderType": "Market", "orderLinkId": ENTRY, "qty": "0.02", "positionIdx": 0}
    return bybit("order/create", **{**told, **words})


def bybit_stop(**words):
    told = {"side": "Buy", "orderLinkId": STOP, "reduceOnly": True, "triggerBy": "MarkPrice"}
    return bybit_order(**{**told, "triggerPrice": "61000.5", "triggerDirection": 1, **words})


BYBIT = {
    "market entry": [bybit_order()],
    "market entry/hedge": [bybit_order(positionIdx=2)],
    "limit entry": [bybit_order(orderType="Limit", price="60000.5")],
    "post-only entry": [bybit_order(orderType="Limit", price="60000.5", timeInForce="PostOnly")],
    "entry with stop": [
        bybit_order(stopLoss="61000.5", slTriggerBy="MarkPrice", slOrderType="Market", tpslMode="Full")
    ],
    "market exit": [bybit_order(side="Buy", orderLinkId=EXIT, reduceOnly=True)],
    "market exit/hedge": [bybit_order(side="Buy", orderLinkId=EXIT, reduceOnly=True, positionIdx=2)],
    "target": [bybit_order(side="Buy", orderLinkId=TARGET, orderType="Limit", price="55000", reduceOnly=True)],
    "stop": [bybit_stop()],
    "stop/hedge": [bybit_stop(positionIdx=2)],
    "stop by last": [bybit_stop(triggerBy="LastPrice")],
    "cancel": [bybit("order/cancel", orderLinkId=TARGET)],
    "cancel stop": [bybit("order/cancel", orderLinkId=STOP)],
    "cancel nameless": [bybit("order/cancel", orderId="77")],
    "cancel nameless stop": [bybit("order/cancel", orderId="77")],
    "amend": [bybit("order/amend", orderLinkId=TARGET, qty="0.02", price="54000")],
    "leverage": [bybit("position/set-leverage", buyLeverage="5", sellLeverage="5")],
    # of the whole account
    "isolated": [post("api.bybit.com/v5/account/set-margin-mode", setMarginMode="ISOLATED_MARGIN")],
    "cross": [post("api.bybit.com/v5/account/set-margin-mode", setMarginMode="REGULAR_MARGIN")],
    "margin in": [bybit("position/add-margin", margin="12.5", positionIdx=0)],
    "margin out/hedge": [bybit("position/add-margin", margin="-12.5", positionIdx=2)],
}


def okx(path, **words):
    return post(f"www.okx.com/api/v5/{path}", instId="BTC-USDT-SWAP", **words)


def okx_order(kind, **words):
    told = {"ordType": kind, "side": "sell", "sz": "2", "tdMode": "isolated", "clOrdId": ENTRY}
    return okx("trade/batch-orders", **{**told, **words})


def okx_stop(**words):
    told = {"ordType": "conditional", "side": "buy", "sz": "2", "tdMode": "isolated"}
    ids = {"clOrdId": STOP, "algoClOrdId": STOP}  # the first is ccxt's doing; algo orders go by the second
    trigger = {"slTriggerPx": "61000.5", "slOrdPx": "-1", "slTriggerPxType": "mark"}
    return okx("trade/order-algo", **{**told, **ids, **trigger, **words})


def okx_leverage(mode, **words):
    return okx("account/set-leverage", lever=5, mgnMode=mode, **words)


OKX = {
    "market entry": [okx_order("market")],
    "market entry/hedge": [okx_order("market", posSide="short")],
    "limit entry": [okx_order("limit", px="60000.5")],
    "post-only entry": [okx_order("post_only", px="60000.5")],
    "entry with stop": [
        okx_order(
            "market",
            attachAlgoOrds=[
                {
                    "attachAlgoClOrdId": "bsdemo000007szzzz",
                    "slTriggerPx": "61000.5",
                    "slOrdPx": "-1",
                    "slTriggerPxType": "mark",
                }
            ],
        )
    ],
    "market exit": [okx_order("market", side="buy", clOrdId=EXIT, reduceOnly=True)],
    "market exit/hedge": [okx_order("market", side="buy", clOrdId=EXIT, posSide="short")],
    "target": [okx_order("limit", side="buy", clOrdId=TARGET, px="55000", reduceOnly=True)],
    "stop": [okx_stop(reduceOnly=True)],
    "stop/hedge": [okx_stop(posSide="short")],
    "stop by last": [okx_stop(reduceOnly=True, slTriggerPxType="last")],
    "cancel": [okx("trade/cancel-order", clOrdId=TARGET)],
    "cancel stop": [okx("trade/cancel-algos", algoClOrdId=STOP)],
    "cancel nameless": [okx("trade/cancel-order", ordId="77")],
    "cancel nameless stop": [okx("trade/cancel-algos", algoId="77")],
    "amend": [okx("trade/amend-order", clOrdId=TARGET, newSz="2", newPx="54000")],
    "leverage": [okx_leverage("isolated", posSide="net")],
    "leverage/hedge": [okx_leverage("isolated", posSide="long"), okx_leverage("isolated", posSide="short")],
    "isolated": [okx_leverage("isolated", posSide="net")],
    "cross": [okx_leverage("cross")],
    "margin in": [okx("account/position/margin-balance", amt="12.5", type="add", posSide="net")],
    "margin out/hedge": [okx("account/position/margin-balance", amt="12.5", type="reduce", posSide="short")],
}


def bingx(path, method="POST", **words):
    return Sent(method, f"open-api.bingx.com/openApi/swap/v2/trade/{path}", {"symbol": "BTC-USDT", **words})


def bingx_order(kind, **words):
    told = {"type": kind, "side": "SELL", "quantity": "0.02", "clientOrderID": ENTRY, "positionSide": "BOTH"}
    return bingx("order", **{**told, **words})


def bingx_stop(**words):
    told = {"side": "BUY", "clientOrderID": STOP, "stopPrice": "61000.5", "workingType": "MARK_PRICE"}
    return bingx_order("STOP_MARKET", **{**told, **words})


BINGX = {
    "market entry": [bingx_order("MARKET")],
    "market entry/hedge": [bingx_order("MARKET", positionSide="SHORT")],
    "limit entry": [bingx_order("LIMIT", price="60000.5")],
    "post-only entry": [bingx_order("LIMIT", price="60000.5", timeInForce="PostOnly")],
    "entry with stop": [
        bingx_order(
            "MARKET",
            stopLoss='{"stopPrice":61000.5,"workingType":"MARK_PRICE","type":"STOP_MARKET","quantity":0.02}',
        )
    ],
    "market exit": [bingx_order("MARKET", side="BUY", clientOrderID=EXIT, reduceOnly="true")],
    "market exit/hedge": [bingx_order("MARKET", side="BUY", clientOrderID=EXIT, positionSide="SHORT")],
    "target": [bingx_order("LIMIT", side="BUY", clientOrderID=TARGET, price="55000", reduceOnly="true")],
    "stop": [bingx_stop(reduceOnly="true")],
    "stop/hedge": [bingx_stop(positionSide="SHORT")],
    "stop by last": [bingx_stop(reduceOnly="true", workingType="CONTRACT_PRICE")],
    "cancel": [bingx("order", "DELETE", clientOrderID=TARGET)],
    "cancel stop": [bingx("order", "DELETE", clientOrderID=STOP)],
    "cancel nameless": [bingx("order", "DELETE", orderId="77")],
    "cancel nameless stop": [bingx("order", "DELETE", orderId="77")],
    "leverage": [bingx("leverage", leverage="5", side="BOTH")],
    "leverage/hedge": [bingx("leverage", leverage="5", side=side) for side in ("LONG", "SHORT")],
    "isolated": [bingx("marginType", marginType="ISOLATED")],
    "cross": [bingx("marginType", marginType="CROSSED")],
    "margin in": [bingx("positionMargin", type="1", amount="12.5", positionSide="BOTH")],
    "margin out/hedge": [bingx("positionMargin", type="2", amount="12.5", positionSide="SHORT")],
}


def weex(path, method="POST", **words):
    return Sent(method, f"api-contract.weex.com/capi/v3/{path}", words)


def weex_order(kind, **words):
    told = {"symbol": "BTCUSDT", "type": kind, "side": "SELL", "quantity": "0.02", "positionSide": "SHORT"}
    return weex("order", **{**told, "newClientOrderId": ENTRY, **words})


def weex_stop(by="MARK_PRICE"):
    told = {"symbol": "BTCUSDT", "type": "STOP_MARKET", "side": "BUY", "quantity": "0.02", "positionSide": "SHORT"}
    return weex("algoOrder", **told, clientAlgoId=STOP, triggerPrice="61000.5", SlWorkingType=by)


WEEX = {
    # every order names the side of its position: bought against SHORT is reduced
    "market entry": [weex_order("MARKET")],
    "market entry/hedge": [weex_order("MARKET")],
    "limit entry": [weex_order("LIMIT", price="60000.5", timeInForce="GTC")],
    "post-only entry": [weex_order("LIMIT", price="60000.5", timeInForce="POST_ONLY")],
    "entry with stop": [weex_order("MARKET", slTriggerPrice="61000.5", SlWorkingType="MARK_PRICE")],
    "market exit": [weex_order("MARKET", side="BUY", newClientOrderId=EXIT)],
    "market exit/hedge": [weex_order("MARKET", side="BUY", newClientOrderId=EXIT)],
    "target": [weex_order("LIMIT", side="BUY", newClientOrderId=TARGET, price="55000", timeInForce="GTC")],
    "stop": [weex_stop()],
    "stop/hedge": [weex_stop()],
    "stop by last": [weex_stop("CONTRACT_PRICE")],
    "cancel": [weex("order", "DELETE", origClientOrderId=TARGET)],
    "cancel stop": [weex("algoOrder", "DELETE", orderId="88")],
    "cancel nameless": [weex("order", "DELETE", orderId="77")],
    "cancel nameless stop": [weex("algoOrder", "DELETE", orderId="77")],
    "leverage": [
        weex(
            "account/leverage",
            symbol="BTCUSDT",
            marginType="ISOLATED",
            isolatedLongLeverage=5,
            isolatedShortLeverage=5,
        )
    ],
    "isolated": [weex("account/marginType", symbol="BTCUSDT", marginType="ISOLATED")],
    "cross": [weex("account/marginType", symbol="BTCUSDT", marginType="CROSSED")],
}
TABLES = {"binance": BINANCE, "bybit": BYBIT, "okx": OKX, "bingx": BINGX, "weex": WEEX}


@pytest.mark.parametrize(("venue", "name"), [(venue, name) for venue, table in TABLES.items() for name in table])
def test_a_command_on_the_wire(venue, name):
    said, dual = command(venue, name)
    assert carried_out(venue, said, state(venue, dual=dual)) == TABLES[venue][name]


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("name", ["stop", "stop/hedge", "stop by last", "market exit", "target"])
def test_nothing_that_protects_closes_by_itself_or_waits_for_a_price_to_agree(venue, name):
    said, dual = command(venue, name)
    (sent,) = carried_out(venue, said, state(venue, dual=dual))
    assert not {"closePosition", "priceProtect", "closeFraction"} & set(sent.words)


@pytest.mark.parametrize("venue", VENUES)
def test_a_long_is_stopped_by_a_sale(venue):
    stop = PlaceStop(symbol=traded(venue).symbol, client_id=STOP, role="stop", qty=-QTY, trigger=d("55000"))
    (sent,) = carried_out(venue, stop)
    assert sent.words["side"].lower() == "sell"
    if venue == "bybit":
        assert sent.words["triggerDirection"] == 2  # falls to it
    if venue == "weex":
        assert sent.words["positionSide"] == "LONG"


def test_the_margin_mode_rides_on_every_order_at_okx():
    entry = command("okx", "market entry")[0]
    (sent,) = carried_out("okx", entry, state("okx", mode=MarginMode.CROSS))
    assert sent.words["tdMode"] == "cross"


def test_the_stop_that_rides_on_an_entry_is_known_as_ours():
    (sent,) = carried_out("okx", command("okx", "entry with stop")[0], state("okx"))
    ours = our_id(sent.words["attachAlgoOrds"][0]["attachAlgoClOrdId"])
    assert ours is not None
    assert (ours.tag, ours.trade, ours.role) == ("demo", 7, "stop")


@pytest.mark.parametrize(
    ("venue", "name", "reason"),
    [
        ("bingx", "amend", "cancel it and place a new one"),
        ("weex", "amend", "cancel it and place a new one"),
        ("weex", "margin in", "number of its own"),
        *[("mexc", name, "lapse after a week") for name in ("market entry", "stop", "cancel", "leverage")],
    ],
)
def test_what_a_venue_cannot_do_is_refused_with_its_reason(venue, name, reason):
    answer = dialect_of(venue).requests_of(command(venue, name)[0], traded(venue), State())
    assert isinstance(answer, Answer)
    assert (answer.outcome, answer.code, answer.reason) == ("rejected", "local", "mode")
    assert reason in answer.message


@pytest.mark.parametrize(
    ("venue", "changes", "says"),
    [
        ("binance", {"qty": d("0.0205")}, "not a multiple of 0.001"),
        ("okx", {"qty": d("0.00005")}, "0.005 contracts of 0.01"),
        ("bingx", {"qty": d("0.00002")}, "not a multiple of 0.0001"),
        ("binance", {"qty": d("0")}, "not a multiple"),
        ("binance", {"qty": d("1000.001")}, "the most of one order"),
        ("binance", {"price": d("60000.55")}, "not a positive multiple of 0.1"),
        ("binance", {"leg": "SHORT"}, "one-way mode"),
    ],
)
def test_nothing_is_rounded(venue, changes, says):
    entry = command(venue, "limit entry")[0]
    words = {name: getattr(entry, name) for name in entry.__struct_fields__} | changes
    answer = dialect_of(venue).requests_of(Place(**words), traded(venue), State())
    assert isinstance(answer, Answer)
    assert answer.outcome == "rejected"
    assert says in answer.message


def test_in_hedge_mode_an_order_names_its_side():
    answer = dialect_of("binance").requests_of(
        command("binance", "market entry")[0], traded("binance"), State(dual=True)
    )
    assert isinstance(answer, Answer)
    assert "LONG or SHORT" in answer.message


def test_contracts_are_told_in_the_coins_they_stand_for():
    assert [(venue, str(traded(venue).contract_size), str(traded(venue).qty_step)) for venue in VENUES] == [
        ("binance", "1.0", "0.0010"),
        ("bybit", "1.0", "0.0010"),
        ("okx", "0.01", "0.0001"),
        ("bingx", "1.0", "0.00010"),
        ("weex", "1", "0.001"),  # counts coins, whatever its contract size says
    ]


def get(path, **words):
    return Sent("GET", path, words)


QUESTIONS = {
    "binance": {
        "order": [get("fapi.binance.com/fapi/v1/order", symbol="BTCUSDT", origClientOrderId=TARGET)],
        "stop": [get("fapi.binance.com/fapi/v1/algoOrder", symbol="BTCUSDT", clientAlgoId=STOP)],
        "open": [
            get("fapi.binance.com/fapi/v1/openOrders", symbol="BTCUSDT"),
            get("fapi.binance.com/fapi/v1/openAlgoOrders", symbol="BTCUSDT"),
        ],
    },
    "bybit": {
        "order": [
            get(f"api.bybit.com/v5/order/{list_}", symbol="BTCUSDT", category="linear", orderLinkId=TARGET)
            for list_ in ("realtime", "history")
        ],
        "stop": [
            get(f"api.bybit.com/v5/order/{list_}", symbol="BTCUSDT", category="linear", orderLinkId=STOP)
            for list_ in ("realtime", "history")
        ],
        "open": [get("api.bybit.com/v5/order/realtime", symbol="BTCUSDT", category="linear", limit="50")],
    },
    "okx": {
        "order": [get("www.okx.com/api/v5/trade/order", instId="BTC-USDT-SWAP", clOrdId=TARGET)],
        "stop": [get("www.okx.com/api/v5/trade/order-algo", instId="BTC-USDT-SWAP", algoClOrdId=STOP)],
        "open": [
            get("www.okx.com/api/v5/trade/orders-pending", instId="BTC-USDT-SWAP"),
            get("www.okx.com/api/v5/trade/orders-algo-pending", instId="BTC-USDT-SWAP", ordType="conditional"),
        ],
    },
    "bingx": {
        "order": [
            get("open-api.bingx.com/openApi/swap/v2/trade/order", symbol="BTC-USDT", orderId="77"),
            get("open-api.bingx.com/openApi/swap/v2/trade/openOrders", symbol="BTC-USDT"),
            get("open-api.bingx.com/openApi/swap/v1/trade/fullOrder", symbol="BTC-USDT", limit="500"),
        ],
        "open": [get("open-api.bingx.com/openApi/swap/v2/trade/openOrders", symbol="BTC-USDT")],
    },
    "weex": {
        "order": [
            get("api-contract.weex.com/capi/v3/order", orderId="77"),
            get("api-contract.weex.com/capi/v3/openOrders", symbol="BTCUSDT"),
            get("api-contract.weex.com/capi/v3/order/history", symbol="BTCUSDT"),
        ],
        "stop": [
            get("api-contract.weex.com/capi/v3/openAlgoOrders", symbol="BTCUSDT"),
            get("api-contract.weex.com/capi/v3/order/history", symbol="BTCUSDT"),
        ],
        "open": [
            get("api-contract.weex.com/capi/v3/openOrders", symbol="BTCUSDT"),
            get("api-contract.weex.com/capi/v3/openAlgoOrders", symbol="BTCUSDT"),
        ],
    },
}
NOTHING = {"binance": [], "weex": [], "bybit": None, "okx": None, "bingx": None}


@pytest.mark.parametrize(
    ("venue", "what"), [(venue, what) for venue, questions in QUESTIONS.items() for what in questions]
)
def test_where_an_order_is_looked_for(venue, what):
    dialect, market, ours = dialect_of(venue), traded(venue), state(venue)
    if what == "open":
        calls = dialect.open_orders_of(market)
    else:
        client_id = STOP if what == "stop" else TARGET
        calls = dialect.ask_of(market, client_id, conditional=what == "stop", state=ours)
    assert not any(call.writes for call in calls)
    single = [call for call in calls if call.method == "fetch_order"]
    lists = [call for call in calls if call.method != "fetch_order"]
    assert sent_by(venue, single) + sent_by(venue, lists, answer=NOTHING[venue]) == QUESTIONS[venue][what]


def test_forced_fills_are_asked_for_at_bybit():
    """ccxt asks for ordinary trades only: a liquidation would never be seen."""
    calls = dialect_of("bybit").fills_of(traded("bybit"), 1_700_000_000_000)
    assert [sent.words["execType"] for sent in sent_by("bybit", calls)] == [
        "Trade",
        "BustTrade",
        "AdlTrade",
        "Settle",
        "Delivery",
    ]


def test_entries_are_valid_for_less_time_than_what_protects():
    def window(name):
        (call,) = dialect_of("binance").requests_of(command("binance", name)[0], traded("binance"), state("binance"))
        return call.params["recvWindow"]

    assert [window(name) for name in ("market entry", "market exit", "stop", "cancel")] == [2000, 5000, 5000, 5000]


DEMO_HOSTS = {"binance": "demo-fapi.binance.com", "bybit": "api-demo.bybit.com", "bingx": "open-api-vst.bingx.com"}


@pytest.mark.parametrize("venue", ["binance", "bybit", "okx", "bingx"])
def test_a_demo_environment_gets_its_orders_and_no_other(venue):
    (sent,) = carried_out(venue, command(venue, "stop")[0], state(venue), env="demo")
    assert sent.path.split("/")[0] == DEMO_HOSTS.get(venue, "www.okx.com")


def test_okx_is_told_of_simulated_trading_in_a_header():
    assert offline("okx", "demo").headers["x-simulated-trading"] == "1"
    assert offline("okx").headers.get("x-simulated-trading") is None


@pytest.mark.parametrize("venue", VENUES)
def test_a_key_is_in_no_word_about_an_exchange(venue):
    exchange = offline(venue)
    assert SECRET not in f"{exchange!r} {exchange}"


@pytest.mark.parametrize(
    ("venue", "env", "address", "error", "says"),
    [
        ("mexc", "live", None, VenueRejected, "lapse after a week"),
        ("weex", "demo", None, VenueRejected, "no stop can rest there"),
        ("bybit", "live", "http://127.0.0.1:8788", BadInput, "speaks Binance, not bybit"),
        ("binance", "live", "127.0.0.1:8788", BadInput, "must be like http://127.0.0.1:8788"),
    ],
)
def test_what_cannot_be_opened_says_why(venue, env, address, error, says):
    with pytest.raises(error, match=says):
        open_trading(dialect_of(venue), env, "key", "secret", address=address)


def test_an_unknown_venue_names_those_there_are():
    with pytest.raises(BadInput, match="binance, bingx, bybit, mexc, okx, weex"):
        dialect_of("kraken")


def test_an_exchange_of_ours_gets_everything_that_is_sent():
    exchange = open_trading(dialect_of("binance"), "live", KEY, SECRET, address="http://127.0.0.1:8788")
    addresses = [at for at in exchange.urls["api"].values() if isinstance(at, str)]
    assert len(addresses) > 20
    assert {urlsplit(at).netloc for at in addresses} == {"127.0.0.1:8788"}
    assert exchange.urls["api"]["ws"]["linear"] == "ws://127.0.0.1:8788/ws"
    assert exchange.exceptions["exact"]["-2021"].__name__ == "OrderImmediatelyFillable"


def test_our_budgets_and_not_ccxts_hold_orders_back():
    for venue in VENUES:
        exchange = offline(venue)
        assert exchange.enableRateLimit is False
        assert exchange.timeout == 6_000


@pytest.mark.parametrize(
    ("venue", "info", "most"),
    [
        ("bybit", {"lotSizeFilter": {"maxMktOrderQty": "120"}}, "120"),
        ("okx", {"maxMktSz": "3000", "maxStopSz": "2500", "maxTriggerSz": ""}, "2500"),
        ("weex", {"marketOpenLimitSize": "2300"}, "2300"),
        ("mexc", {}, None),
        ("bingx", {"maxMktSz": "1"}, None),
    ],
)
def test_the_most_of_one_market_or_stop_order_is_read_where_the_venue_tells_it(venue, info, most):
    told = market(venue)
    read = dialect_of(venue).traded({**told, "info": told["info"] | info})
    assert read.most_market == (None if most is None else d(most))


def test_the_filter_of_market_orders_binds_where_ccxt_reads_it():
    told = market("binance")
    read = dialect_of("binance").traded({**told, "limits": told["limits"] | {"market": {"min": 0.001, "max": 120.0}}})
    assert (read.most_market, read.most) == (d("120"), d("1000"))
