"""ccxt, the synchronous face: a short with its stop and target, told step by step."""

from decimal import Decimal

import ccxt
from _demo import Demo, Steps, raises, wait_for

PAIR = "BTC/USDT:USDT"
demo, step = Demo(), Steps()


def opening(exchange):
    with step("load_markets") as note:
        market = exchange.load_markets()[PAIR]
        assert market["linear"] and market["swap"] and market["active"]
        assert market["precision"]["price"] > 0 and market["precision"]["amount"] > 0
        note(
            f"{len(exchange.markets)} markets, tick {market['precision']['price']}, "
            f"step {market['precision']['amount']}"
        )
    with step("market data") as note:
        ticker, book = exchange.fetch_ticker(PAIR), exchange.fetch_order_book(PAIR, 20)
        assert book["bids"][0][0] < book["asks"][0][0]
        assert len(exchange.fetch_ohlcv(PAIR, "1m", limit=50)) > 0
        assert len(exchange.fetch_ohlcv(PAIR, "1m", limit=5, params={"price": "mark"})) > 0
        assert len(exchange.fetch_ohlcv(PAIR, "1m", limit=5, params={"price": "index"})) > 0
        exchange.fetch_trades(PAIR, limit=10)
        exchange.fetch_tickers([PAIR]), exchange.fetch_bids_asks([PAIR]), exchange.fetch_last_prices([PAIR])
        assert abs(exchange.fetch_time() - exchange.milliseconds()) < 1000
        assert exchange.fetch_status()["status"] == "ok"
        note(f"last {ticker['last']}, {len(book['bids'])} bids, {len(book['asks'])} asks")
    with step("funding and interest") as note:
        funding = exchange.fetch_funding_rate(PAIR)
        exchange.fetch_funding_rates([PAIR]), exchange.fetch_funding_rate_history(PAIR, limit=10)
        exchange.fetch_funding_intervals([PAIR]), exchange.fetch_open_interest(PAIR)
        assert funding["markPrice"] > 0 and funding["fundingTimestamp"] > 0
        note(f"mark {funding['markPrice']}, rate {funding['fundingRate']}")
    with step("fetch_balance") as note:
        balance = exchange.fetch_balance()
        assert balance["USDT"]["free"] > 1000
        note(f"{balance['USDT']['free']} USDT free")
    with step("account facts"):
        assert exchange.fetch_leverage_tiers([PAIR])[PAIR][0]["maxLeverage"] >= 20
        assert exchange.fetch_trading_fee(PAIR)["taker"] > 0
        exchange.fetch_trading_fees(), exchange.fetch_leverages([PAIR]), exchange.fetch_margin_modes([PAIR])
        assert exchange.fetch_position_mode(PAIR)["hedged"] is False


def modes(exchange):
    with step("isolated"):
        exchange.set_margin_mode("isolated", PAIR)
    with step("isolated again is MarginModeAlreadySet") as note:
        note(raises(ccxt.MarginModeAlreadySet, exchange.set_margin_mode, "isolated", PAIR))
    with step("3x"):
        assert int(exchange.set_leverage(3, PAIR)["leverage"]) == 3


def errors(exchange, price):
    """Each refusal must arrive as the class that a bot catches."""
    stop = {"stopLossPrice": price * 0.9, "reduceOnly": True}
    attached = {"stopLoss": {"triggerPrice": price * 1.05}}
    old_road = {"symbol": "BTCUSDT", "side": "BUY", "type": "STOP_MARKET", "stopPrice": "99999", "quantity": "0.01"}
    limit = ("limit", "sell", 0.01)
    cases = {
        "InsufficientFunds (-2019)": (ccxt.InsufficientFunds, exchange.create_order, PAIR, "market", "sell", 100),
        "OrderImmediatelyFillable (-2021)": (
            ccxt.OrderImmediatelyFillable,
            exchange.create_order,
            PAIR,
            "market",
            "buy",
            0.01,
            None,
            stop,
        ),
        "OrderNotFillable (-5022)": (
            ccxt.OrderNotFillable,
            exchange.create_order,
            PAIR,
            *limit,
            price * 0.98,
            {"postOnly": True},
        ),
        "OrderNotFillable (-5021)": (
            ccxt.OrderNotFillable,
            exchange.create_order,
            PAIR,
            *limit,
            price * 1.04,
            {"timeInForce": "FOK"},
        ),
        "OrderNotFound, cancel (-2011)": (ccxt.OrderNotFound, exchange.cancel_order, "987654321", PAIR),
        "OrderNotFound, query (-2013)": (ccxt.OrderNotFound, exchange.fetch_order, "987654321", PAIR),
        "BadSymbol (-1121)": (ccxt.BadSymbol, exchange.fapiPublicGetDepth, {"symbol": "NOTHINGUSDT"}),
        "InvalidOrder (-4120)": (ccxt.InvalidOrder, exchange.fapiPrivatePostOrder, old_road),
        "InvalidOrder (-2022)": (
            ccxt.InvalidOrder,
            exchange.create_order,
            PAIR,
            "market",
            "buy",
            0.01,
            None,
            {"reduceOnly": True},
        ),
        "InvalidNonce (-1021)": (ccxt.InvalidNonce, exchange.fapiPrivateV3GetAccount, {"timestamp": 1}),
    }
    for name, (kind, call, *args) in cases.items():
        with step(f"error {name}") as note:
            note(raises(kind, call, *args)[:90])
    with step("error for an attached stopLoss, which would be no stop at all") as note:
        note(raises(ccxt.BadRequest, exchange.create_order, PAIR, "market", "sell", 0.01, None, attached)[:120])
    with step("error AuthenticationError (-1022)") as note:
        secret, exchange.secret = exchange.secret, "wrong"
        try:
            note(raises(ccxt.AuthenticationError, exchange.fetch_balance)[:90])
        finally:
            exchange.secret = secret


def orders(exchange, price):
    with step("limit order rests, is found, edited and cancelled"):
        made = exchange.create_order(PAIR, "limit", "sell", 0.01, price * 1.02, {"postOnly": True})
        assert made["status"] == "open"
        assert any(o["id"] == made["id"] for o in exchange.fetch_open_orders(PAIR))
        edited = exchange.edit_order(made["id"], PAIR, "limit", "sell", 0.02, price * 1.03)
        assert edited["amount"] == 0.02
        assert exchange.cancel_order(made["id"], PAIR)["status"] == "canceled"
        assert exchange.fetch_order(made["id"], PAIR)["status"] == "canceled"
    with step("create_orders in a batch, cancel_orders, cancel_all_orders"):
        row = {"symbol": PAIR, "type": "limit", "side": "sell", "amount": 0.01}
        made = exchange.create_orders([{**row, "price": price * part} for part in (1.02, 1.03, 1.04)])
        assert [order["status"] for order in made] == ["open", "open", "open"]
        ended = exchange.cancel_orders([order["id"] for order in made[:2]], PAIR)
        assert [order["status"] for order in ended] == ["canceled", "canceled"]
        exchange.cancel_all_orders(PAIR)
        assert exchange.fetch_open_orders(PAIR) == []


def short(exchange):
    with step("short by market") as note:
        made = exchange.create_order(PAIR, "market", "sell", 0.05)
        assert made["status"] == "closed" and made["filled"] == 0.05 and made["average"] > 0
        note(f"0.05 at {made['average']}")
    with step("position: short, isolated, 3x, liquidation above") as note:
        [position] = exchange.fetch_positions([PAIR])
        assert position["side"] == "short" and position["contracts"] == 0.05
        assert position["marginMode"] == "isolated"
        assert position["leverage"] in (None, 3)  # version 3 of positionRisk does not tell it
        assert exchange.fetch_leverages([PAIR])[PAIR]["shortLeverage"] == 3
        assert position["liquidationPrice"] > position["entryPrice"] > 0
        note(f"entry {position['entryPrice']}, liquidation {position['liquidationPrice']}")
    with step("add and reduce margin"):
        before = Decimal(exchange.fetch_positions([PAIR])[0]["info"]["isolatedWallet"])
        exchange.add_margin(PAIR, 10)
        assert Decimal(exchange.fetch_positions([PAIR])[0]["info"]["isolatedWallet"]) - before == 10
        exchange.reduce_margin(PAIR, 5)
        assert len(exchange.fetch_margin_adjustment_history(PAIR)) >= 2
    with step("STOP_MARKET above, TAKE_PROFIT_MARKET below") as note:
        entry = position["entryPrice"]
        params = {"workingType": "MARK_PRICE", "reduceOnly": True}
        stop = exchange.create_order(PAIR, "STOP_MARKET", "buy", 0.05, None, {"stopPrice": entry * 1.02, **params})
        target = exchange.create_order(
            PAIR, "TAKE_PROFIT_MARKET", "buy", 0.05, None, {"stopPrice": entry * 0.95, **params}
        )
        resting = {order["id"]: order for order in exchange.fetch_open_orders(PAIR, params={"trigger": True})}
        assert stop["id"] in resting and target["id"] in resting
        note(f"stop {resting[stop['id']]['triggerPrice']}, target {resting[target['id']]['triggerPrice']}")
    return stop, target


def stopped_out(exchange, stop, target):
    with step("funding settles") as note:
        demo.settle_funding()
        paid = wait_for("funding", lambda: exchange.fetch_funding_history(PAIR))
        note(f"{paid[-1]['amount']} USDT")
    with step("mark touches the stop, the position is flat") as note:
        demo.pin_mark(round(Decimal(str(stop["triggerPrice"])) * Decimal("1.001"), 1))
        wait_for("flat position", lambda: not exchange.fetch_positions([PAIR]))
        done = exchange.fetch_order(stop["id"], PAIR, {"trigger": True})
        assert done["info"]["algoStatus"] == "FINISHED", done["info"]
        demo.pin_mark(None)
        note(f"stop {done['info']['algoStatus']}")
    with step("cancel the target, which the flat position does not need"):
        exchange.cancel_order(target["id"], PAIR, {"trigger": True})
        assert exchange.fetch_open_orders(PAIR, params={"trigger": True}) == []
    with step("my trades and orders") as note:
        trades = exchange.fetch_my_trades(PAIR)
        assert sum(t["amount"] * (1 if t["side"] == "buy" else -1) for t in trades) < 1e-9
        assert all(t["fee"]["cost"] > 0 for t in trades)
        assert len(exchange.fetch_orders(PAIR)) >= 2
        note(f"{len(trades)} fills")


def money(exchange, wallet_before):
    with step("income: commission, realised profit and funding explain the wallet to the last digit") as note:
        kinds = {row["info"]["incomeType"] for row in exchange.fetch_ledger("USDT")}
        assert {"COMMISSION", "REALIZED_PNL", "FUNDING_FEE"} <= kinds, kinds
        sums = demo.income()
        change = demo.wallet() - wallet_before
        assert sum(v for k, v in sums.items() if k != "TRANSFER") == change, (sums, change)
        note(", ".join(f"{kind} {amount}" for kind, amount in sorted(sums.items())))


def too_many(exchange):
    with step("error DDoSProtection (429)") as note:
        exchange.enableRateLimit = False
        for asked in range(200):
            try:
                exchange.fapiPublicGetTicker24hr()
            except ccxt.DDoSProtection as wrong:
                note(f"after {asked} more: {wrong}"[:110])
                break
        else:
            raise AssertionError("200 heavy calls went through")


def main():
    with step("the printed snippet runs"):
        exchange = demo.run_snippet("ccxt")["exchange"]
    opening(exchange)
    modes(exchange)
    price = float(demo.mark())
    wallet_before = demo.wallet()
    errors(exchange, price)
    orders(exchange, price)
    stop, target = short(exchange)
    stopped_out(exchange, stop, target)
    money(exchange, wallet_before)
    too_many(exchange)
    step.end()


main()
