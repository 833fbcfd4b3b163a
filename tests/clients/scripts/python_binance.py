"""python-binance: REST, its socket streams, and its calls over the WebSocket API."""

import asyncio
from decimal import Decimal

from _demo import SYMBOL, Demo, Steps, wait_for
from binance.exceptions import BinanceAPIException

demo, step = Demo(), Steps()


def code_of(call, **words):
    """The code of the refusal; a call that goes through is a failure."""
    try:
        told = call(**words)
    except BinanceAPIException as wrong:
        return wrong.code
    raise AssertionError(f"a refusal was expected, but it went through: {str(told)[:200]}")


def market(client):
    with step("exchange info, time, ping") as note:
        info = client.futures_exchange_info()
        client.futures_ping(), client.futures_time()
        note(f"{len(info['symbols'])} symbols")
    with step("market data") as note:
        book = client.futures_order_book(symbol=SYMBOL, limit=20)
        assert Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0])
        assert client.futures_klines(symbol=SYMBOL, interval="1m", limit=10)
        client.futures_mark_price(symbol=SYMBOL), client.futures_funding_rate(symbol=SYMBOL)
        client.futures_symbol_ticker(symbol=SYMBOL), client.futures_ticker(symbol=SYMBOL)
        client.futures_orderbook_ticker(symbol=SYMBOL), client.futures_recent_trades(symbol=SYMBOL)
        client.futures_aggregate_trades(symbol=SYMBOL), client.futures_open_interest(symbol=SYMBOL)
        note(f"bid {book['bids'][0][0]}, ask {book['asks'][0][0]}")
    with step("account facts"):
        assert any(row["asset"] == "USDT" for row in client.futures_account_balance())
        client.futures_account(), client.futures_position_information(), client.futures_leverage_bracket()
        assert client.futures_get_position_mode() == {"dualSidePosition": False}
        client.futures_get_multi_assets_mode(), client.futures_commission_rate(symbol=SYMBOL)


def modes(client):
    with step("isolated, 3x"):
        client.futures_change_margin_type(symbol=SYMBOL, marginType="ISOLATED")
        assert client.futures_change_leverage(symbol=SYMBOL, leverage=3)["leverage"] == 3
    with step("errors arrive with their code") as note:
        order = {"symbol": SYMBOL, "side": "SELL", "type": "MARKET"}
        stop = {"symbol": SYMBOL, "side": "BUY", "type": "STOP_MARKET", "quantity": 0.05, "stopPrice": 10000}
        cases = {
            -4059: (client.futures_change_position_mode, {"dualSidePosition": False}),
            -4046: (client.futures_change_margin_type, {"symbol": SYMBOL, "marginType": "ISOLATED"}),
            -2019: (client.futures_create_order, {**order, "quantity": 100}),
            -2022: (client.futures_create_order, {**order, "quantity": 0.01, "reduceOnly": "true"}),
            -2021: (client.futures_create_order, stop),
            -2011: (client.futures_cancel_order, {"symbol": SYMBOL, "orderId": 987654321}),
            -2013: (client.futures_get_order, {"symbol": SYMBOL, "orderId": 987654321}),
            -1121: (client.futures_order_book, {"symbol": "NOTHINGUSDT"}),
        }
        for code, (call, words) in cases.items():
            was = code_of(call, **words)
            assert was == code, f"{code} expected, was {was}"
        note(", ".join(str(code) for code in cases))


def short(client):
    with step("short by market") as note:
        made = client.futures_create_order(
            symbol=SYMBOL, side="SELL", type="MARKET", quantity=0.05, newOrderRespType="RESULT"
        )
        assert made["status"] == "FILLED"
        note(f"{made['executedQty']} at {made['avgPrice']}")
    with step("position") as note:
        [position] = client.futures_position_information(symbol=SYMBOL)
        assert Decimal(position["positionAmt"]) == Decimal("-0.05")
        note(f"entry {position['entryPrice']}, liquidation {position['liquidationPrice']}")
    with step("STOP_MARKET above, TAKE_PROFIT_MARKET below (closePosition)") as note:
        entry = float(position["entryPrice"])
        words = {"symbol": SYMBOL, "side": "BUY", "closePosition": "true", "workingType": "MARK_PRICE"}
        stop = client.futures_create_order(**words, type="STOP_MARKET", stopPrice=round(entry * 1.02, 1))
        target = client.futures_create_order(**words, type="TAKE_PROFIT_MARKET", stopPrice=round(entry * 0.95, 1))
        resting = {row["algoId"] for row in client.futures_get_open_algo_orders(symbol=SYMBOL)}
        assert resting == {stop["algoId"], target["algoId"]}
        second = code_of(client.futures_create_order, **words, type="STOP_MARKET", stopPrice=round(entry * 1.03, 1))
        assert second == -4130, second
        note(f"stop {stop['triggerPrice']}, target {target['triggerPrice']}, a second stop is refused ({second})")
    return stop, target, entry


def orders(client, entry):
    with step("limit order rests, is found, cancelled; test order, batch, countdown, margin") as note:
        row = {"symbol": SYMBOL, "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
        row["price"] = str(round(entry * 1.03, 1))
        made = client.futures_create_order(**row)
        assert client.futures_get_order(symbol=SYMBOL, orderId=made["orderId"])["status"] == "NEW"
        assert len(client.futures_get_open_orders(symbol=SYMBOL)) == 1
        client.futures_cancel_order(symbol=SYMBOL, orderId=made["orderId"])
        client.futures_create_test_order(**row)
        batch = client.futures_place_batch_order(batchOrders=[dict(row), dict(row)])
        assert all(order["status"] == "NEW" for order in batch), batch
        client.futures_cancel_all_open_orders(symbol=SYMBOL)
        client.futures_countdown_cancel_all(symbol=SYMBOL, countdownTime=0)
        client.futures_change_position_margin(symbol=SYMBOL, amount=10, type=1)
        client.futures_adl_quantile_estimate(symbol=SYMBOL)
        note(f"{len(client.futures_get_all_orders(symbol=SYMBOL))} orders so far")


async def first(socket, seconds=10.0):
    async with socket as stream:
        return await asyncio.wait_for(stream.recv(), seconds)


async def streams(names):
    kind, sockets_of = names["AsyncClient"], names["BinanceSocketManager"]
    client = kind(names["KEY"], names["SECRET"])
    sockets = sockets_of(client)
    try:
        cases = {
            "symbol_mark_price_socket": sockets.symbol_mark_price_socket(SYMBOL),
            "kline_futures_socket": sockets.kline_futures_socket(SYMBOL),
            "all_mark_price_socket": sockets.all_mark_price_socket(),
            "futures_depth_socket": sockets.futures_depth_socket(SYMBOL),
            "futures_multiplex_socket": sockets.futures_multiplex_socket(
                ["btcusdt@markPrice@1s", "btcusdt@bookTicker"]
            ),
            "symbol_ticker_futures_socket": sockets.symbol_ticker_futures_socket(SYMBOL),
        }
        for name, socket in cases.items():
            with step(f"socket {name}") as note:
                told = await first(socket)
                assert told.get("e") != "error", told
                note(str(told)[:90])
        with step("socket aggtrade_futures_socket and futures_user_socket while an order fills") as note:
            async with sockets.futures_user_socket() as user, sockets.aggtrade_futures_socket(SYMBOL) as trades:
                await asyncio.sleep(0.3)
                await client.futures_create_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01)
                told = await asyncio.wait_for(trades.recv(), 10)
                assert told["data"]["e"] == "aggTrade", told
                kinds = set()
                while not {"ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"} <= kinds:
                    kinds.add((await asyncio.wait_for(user.recv(), 10))["e"])
                note(", ".join(sorted(kinds)))
        with step("WebSocket API: positions, balance, order, cancel") as note:
            row = {"symbol": SYMBOL, "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
            price = str(round(float(demo.mark()) * 1.03, 1))
            made = await client.ws_futures_create_order(**row, price=price)
            assert (await client.ws_futures_get_order(symbol=SYMBOL, orderId=made["orderId"]))["status"] == "NEW"
            assert (await client.ws_futures_cancel_order(symbol=SYMBOL, orderId=made["orderId"]))[
                "status"
            ] == "CANCELED"
            await client.ws_futures_account_position(), await client.ws_futures_account_balance()
            note(f"order {made['orderId']}")
    finally:
        await client.close_connection()


def stopped_out(client, stop, target):
    with step("funding settles"):
        demo.settle_funding()
        assert client.futures_income_history(symbol=SYMBOL, incomeType="FUNDING_FEE")
    with step("mark touches the stop, the position is flat, the other closePosition order expires") as note:
        demo.pin_mark(round(Decimal(stop["triggerPrice"]) * Decimal("1.001"), 1))
        wait_for("flat position", lambda: demo.position() == 0)
        demo.pin_mark(None)
        states = {row["algoId"]: row["algoStatus"] for row in client.futures_get_all_algo_orders(symbol=SYMBOL)}
        assert states[stop["algoId"]] == "FINISHED", states
        assert states[target["algoId"]] == "EXPIRED", states
        client.futures_cancel_all_algo_open_orders(symbol=SYMBOL)
        note(states)
    with step("income shows commission, realised profit and funding; trades") as note:
        kinds = {row["incomeType"] for row in client.futures_income_history(symbol=SYMBOL, limit=1000)}
        assert {"COMMISSION", "REALIZED_PNL", "FUNDING_FEE"} <= kinds, kinds
        trades = client.futures_account_trades(symbol=SYMBOL)
        assert sum(Decimal(row["qty"]) * (-1 if row["side"] == "SELL" else 1) for row in trades) == 0
        note(", ".join(f"{kind} {amount}" for kind, amount in sorted(demo.income().items())))


def main():
    with step("the printed snippet runs"):
        names = demo.run_snippet("python_binance")
    client = names["client"]
    market(client)
    modes(client)
    stop, target, entry = short(client)
    orders(client, entry)
    asyncio.run(streams(names))
    stopped_out(client, stop, target)


main()
step.end()
