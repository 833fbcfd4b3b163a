"""The official SDK: REST, WebSocket API and streams, with every answer checked against the SDK's own strict models."""

import asyncio
import logging
from decimal import Decimal
from itertools import pairwise

from _demo import SYMBOL, Demo, Steps, wait_for
from binance_common.errors import BadRequestError
from Crypto.PublicKey import ECC, RSA

demo, step = Demo(), Steps()


class Complaints(logging.Handler):
    """The SDK only warns when an answer is not what it models: here a warning fails the step."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.told = []

    def emit(self, record):
        self.told.append(record.getMessage())

    def none(self):
        told, self.told = self.told, []
        assert not told, told


complaints = Complaints()
logging.getLogger().addHandler(complaints)


class Rest:
    """The SDK's REST face, unpacking each answer and refusing one the SDK complained of."""

    def __init__(self, client):
        self._api = client.rest_api

    def __getattr__(self, name):
        def call(**words):
            told = getattr(self._api, name)(**words).data()
            complaints.none()
            return told

        return call


def rows(told):
    """A list answer, which the SDK wraps in a model for some calls."""
    return told if isinstance(told, list) else getattr(told, "actual_instance", told)


def market(rest):
    with step("exchange_information") as note:
        info = rest.exchange_information()
        assert any(symbol.symbol == SYMBOL for symbol in info.symbols)
        note(f"{len(info.symbols)} symbols")
    with step("market data") as note:
        book = rest.order_book(symbol=SYMBOL, limit=20)
        assert Decimal(book.bids[0][0]) < Decimal(book.asks[0][0])
        rest.check_server_time(), rest.test_connectivity()
        assert len(rest.kline_candlestick_data(symbol=SYMBOL, interval="1m", limit=10)) > 0
        rest.mark_price_kline_candlestick_data(symbol=SYMBOL, interval="1m", limit=10)
        rest.recent_trades_list(symbol=SYMBOL), rest.compressed_aggregate_trades_list(symbol=SYMBOL)
        rest.symbol_price_ticker_v2(symbol=SYMBOL), rest.symbol_order_book_ticker(symbol=SYMBOL)
        rest.ticker24hr_price_change_statistics(symbol=SYMBOL), rest.open_interest(symbol=SYMBOL)
        note(f"bid {book.bids[0][0]}, ask {book.asks[0][0]}")
    with step("mark price and funding"):
        rest.mark_price(symbol=SYMBOL), rest.mark_price()
        rest.get_funding_rate_history(symbol=SYMBOL), rest.get_funding_rate_info()
    with step("account facts"):
        rest.account_information_v3(), rest.account_information_v2()
        rest.futures_account_balance_v3(), rest.futures_account_balance_v2()
        rest.notional_and_leverage_brackets(), rest.notional_and_leverage_brackets(symbol=SYMBOL)
        rest.symbol_configuration(symbol=SYMBOL), rest.futures_account_configuration()
        rest.user_commission_rate(symbol=SYMBOL), rest.get_current_position_mode()
        rest.get_current_multi_assets_mode(), rest.get_income_history()


def modes(rest):
    with step("isolated, 3x"):
        rest.change_margin_type(symbol=SYMBOL, margin_type="ISOLATED")
        assert rest.change_initial_leverage(symbol=SYMBOL, leverage=3).leverage == 3
    with step("errors arrive with their code") as note:
        order = {"symbol": SYMBOL, "side": "SELL", "type": "MARKET"}
        algo = {"algo_type": "CONDITIONAL", "symbol": SYMBOL, "type": "STOP_MARKET", "quantity": 0.05}
        cases = {
            -4046: (rest.change_margin_type, {"symbol": SYMBOL, "margin_type": "ISOLATED"}),
            -2019: (rest.new_order, {**order, "quantity": 100.0}),
            -2011: (rest.cancel_order, {"symbol": SYMBOL, "order_id": 987654321}),
            -2013: (rest.query_order, {"symbol": SYMBOL, "order_id": 987654321}),
            -2021: (rest.new_algo_order, {**algo, "side": "BUY", "trigger_price": 10000.0}),
            -4120: (rest.new_order, {**order, "type": "STOP_MARKET", "quantity": 0.05}),
        }
        for code, (call, words) in cases.items():
            try:
                raise AssertionError(f"{code} expected, but it went through: {call(**words)}")
            except BadRequestError as wrong:
                assert wrong.status_code == code, (code, wrong.status_code, wrong.error_message)
        note(", ".join(str(code) for code in cases))


def short(rest):
    with step("short by market") as note:
        made = rest.new_order(symbol=SYMBOL, side="SELL", type="MARKET", quantity=0.05, new_order_resp_type="RESULT")
        assert made.status == "FILLED" and Decimal(made.executed_qty) == Decimal("0.05")
        note(f"order {made.order_id} {made.status}")
    with step("position") as note:
        position = next(row for row in rows(rest.position_information_v3(symbol=SYMBOL)) if row.symbol == SYMBOL)
        rest.position_information_v2(symbol=SYMBOL), rest.position_adl_quantile_estimation(symbol=SYMBOL)
        assert Decimal(position.position_amt) == Decimal("-0.05")
        assert Decimal(position.liquidation_price) > Decimal(position.entry_price) > 0
        note(f"{position.position_amt} at {position.entry_price}, liquidation {position.liquidation_price}")
    with step("STOP_MARKET above, TAKE_PROFIT_MARKET below") as note:
        entry = float(position.entry_price)
        words = {
            "algo_type": "CONDITIONAL",
            "symbol": SYMBOL,
            "side": "BUY",
            "quantity": 0.05,
            "reduce_only": "true",
            "working_type": "MARK_PRICE",
        }
        stop = rest.new_algo_order(**words, type="STOP_MARKET", trigger_price=round(entry * 1.02, 1))
        target = rest.new_algo_order(**words, type="TAKE_PROFIT_MARKET", trigger_price=round(entry * 0.95, 1))
        resting = {row.algo_id for row in rows(rest.current_all_algo_open_orders(symbol=SYMBOL))}
        assert resting == {stop.algo_id, target.algo_id}
        assert rest.query_algo_order(algo_id=stop.algo_id).algo_status == "NEW"
        rest.query_all_algo_orders(symbol=SYMBOL)
        note(f"stop {stop.trigger_price}, target {target.trigger_price}")
    with step("limit order rests, is modified, found and cancelled; batch; margin added"):
        price = round(entry * 1.03, 1)
        words = {"symbol": SYMBOL, "side": "SELL", "quantity": 0.01}
        made = rest.new_order(**words, type="LIMIT", time_in_force="GTC", price=price)
        rest.modify_order(**words, order_id=made.order_id, price=price + 10)
        assert Decimal(rest.query_order(symbol=SYMBOL, order_id=made.order_id).price) == Decimal(str(price + 10))
        assert len(rows(rest.current_all_open_orders(symbol=SYMBOL))) == 1
        assert rest.cancel_order(symbol=SYMBOL, order_id=made.order_id).status == "CANCELED"
        row = {"symbol": SYMBOL, "side": "SELL", "type": "LIMIT", "quantity": "0.01", "timeInForce": "GTC"}
        rest.place_multiple_orders(batch_orders=[{**row, "price": str(price)}, {**row, "price": str(price + 1)}])
        rest.cancel_all_open_orders(symbol=SYMBOL)
        rest.all_orders(symbol=SYMBOL)
        rest.modify_isolated_position_margin(symbol=SYMBOL, amount=10.0, type="1")
        rest.get_position_margin_change_history(symbol=SYMBOL), rest.users_force_orders()
        rest.auto_cancel_all_open_orders(symbol=SYMBOL, countdown_time=0)
    return stop, target


async def watching(client, rest):
    """Listen to all three sockets; what was told, by stream."""
    told = {}
    streams = client.websocket_streams
    with step("three stream sockets open, subscriptions stand"):
        await streams.create_connection()
        key = rest.start_user_data_stream().listen_key
        subscriptions = {
            "mark": await streams.mark_price_stream(symbol="btcusdt", update_speed="1s"),
            "book ticker": await streams.individual_symbol_book_ticker_streams(symbol="btcusdt"),
            "candle": await streams.kline_candlestick_streams(symbol="btcusdt", interval="1m"),
            "trades": await streams.aggregate_trade_streams(symbol="btcusdt"),
            "book": await streams.partial_book_depth_streams(symbol="btcusdt", levels=5),
            "depth": await streams.diff_book_depth_streams(symbol="btcusdt"),
            "user": await streams.user_data(key),
        }
        for name, subscription in subscriptions.items():
            told[name] = []
            subscription.on("message", told[name].append)
        rest.keepalive_user_data_stream()
    return streams, told


async def told_something(told):
    for name in ("mark", "book ticker", "candle", "book", "depth"):
        with step(f"stream tells {name}"):
            await until(lambda name=name: told[name])
    with step("diff depth continues from update to update") as note:
        await until(lambda: len(told["depth"]) >= 4)
        updates = list(told["depth"])
        assert all(later.pu == former.u for former, later in pairwise(updates)), updates
        note(f"{len(updates)} updates")


async def until(seen, seconds=10.0):
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while loop.time() < ends:
        if found := seen():
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"not seen within {seconds} s")


def user_events(told):
    """The user events so far by name of model."""
    return [getattr(event, "actual_instance", event) for event in told["user"]]


async def over_the_socket(client):
    api = client.websocket_api
    with step("WebSocket API: order, query, cancel, algo, positions, account, balance, book"):
        await api.create_connection()
        try:
            assert (await api.order_book(symbol=SYMBOL)).data().result.last_update_id > 0
            price = round(float(demo.mark()) * 1.03, 1)
            words = {"symbol": SYMBOL, "side": "SELL", "type": "LIMIT", "quantity": 0.01}
            made = (await api.new_order(**words, time_in_force="GTC", price=price)).data().result
            asked = (await api.query_order(symbol=SYMBOL, order_id=made.order_id)).data().result
            assert asked.status == "NEW"
            gone = (await api.cancel_order(symbol=SYMBOL, order_id=made.order_id)).data().result
            assert gone.status == "CANCELED"
            algo = await api.new_algo_order(
                algo_type="CONDITIONAL",
                symbol=SYMBOL,
                side="BUY",
                type="STOP_MARKET",
                quantity=0.01,
                trigger_price=price,
            )
            await api.cancel_algo_order(algo_id=algo.data().result.algo_id)
            assert (await api.position_information_v2()).data().result
            assert (await api.account_information_v2()).data().result
            assert (await api.futures_account_balance_v2()).data().result
            (await api.symbol_order_book_ticker(symbol=SYMBOL)).data(), (await api.symbol_price_ticker()).data()
            (await api.start_user_data_stream()).data()
        finally:
            await api.close_connection()
        complaints.none()


def other_keys(names):
    """The same account, signed for with private keys of its owner's own."""
    rsa, edwards = RSA.generate(2048), ECC.generate(curve="ed25519")
    pairs = {
        "ED25519": (edwards.public_key().export_key(format="PEM"), edwards.export_key(format="PEM")),
        "RSA": (rsa.public_key().export_key().decode(), rsa.export_key(pkcs=8).decode()),
    }
    for kind, (public, private) in pairs.items():
        with step(f"{kind} key signs"):
            path = f"/accounts/{demo.account}/public_keys"
            key = demo.control("POST", path, kind=kind, public_pem=public)["key"]
            terms = names["ConfigurationRestAPI"](api_key=key, private_key=private, base_path=names["URL"])
            rest = Rest(names["DerivativesTradingUsdsFutures"](config_rest_api=terms))
            assert any(row.asset == "USDT" for row in rows(rest.futures_account_balance_v3()))
            price = round(float(demo.mark()) * 0.97, 1)
            words = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01}
            made = rest.new_order(**words, price=price)
            assert rest.cancel_order(symbol=SYMBOL, order_id=made.order_id).status == "CANCELED"


async def stopped_out(rest, told, stop, target):
    with step("funding settles"):
        demo.settle_funding()
        kinds = {row.income_type for row in rows(rest.get_income_history(symbol=SYMBOL))}
        assert "FUNDING_FEE" in kinds, kinds
    with step("mark touches the stop, the position is flat, the stream tells it") as note:
        demo.pin_mark(round(Decimal(stop.trigger_price) * Decimal("1.001"), 1))
        wait_for("flat position", lambda: demo.position() == 0)
        demo.pin_mark(None)

        def states():
            algos = [event.o for event in user_events(told) if type(event).__name__ == "AlgoUpdate"]
            return [algo.X for algo in algos if algo.aid == stop.algo_id]

        await until(lambda: "FINISHED" in states())
        assert rest.query_algo_order(algo_id=stop.algo_id).algo_status == "FINISHED"
        note(" ".join(states()))
    with step("user stream told orders, trades, balances and positions") as note:
        kinds = [type(event).__name__ for event in user_events(told)]
        assert {"OrderTradeUpdate", "AccountUpdate", "AlgoUpdate"} <= set(kinds), kinds
        note(", ".join(f"{kind} {kinds.count(kind)}" for kind in sorted(set(kinds))))
        assert told["trades"]
    with step("cancel the target, then all"):
        assert rest.cancel_algo_order(algo_id=target.algo_id).code == "200"
        assert rest.cancel_all_algo_open_orders(symbol=SYMBOL).code == 200
    with step("income shows commission, realised profit and funding; fills") as note:
        income = rows(rest.get_income_history(symbol=SYMBOL, limit=1000))
        kinds = {row.income_type for row in income}
        assert {"COMMISSION", "REALIZED_PNL", "FUNDING_FEE"} <= kinds, kinds
        assert (
            sum(
                Decimal(row.qty) * (-1 if row.side == "SELL" else 1)
                for row in rows(rest.account_trade_list(symbol=SYMBOL))
            )
            == 0
        )
        note(", ".join(f"{kind} {amount}" for kind, amount in sorted(demo.income().items())))


async def main():
    with step("the printed snippet runs"):
        names = demo.run_snippet("official_sdk")
        client = names["client"]
    rest = Rest(client)
    market(rest)
    modes(rest)
    streams, told = await watching(client, rest)
    await told_something(told)
    stop, target = short(rest)
    await over_the_socket(client)
    await stopped_out(rest, told, stop, target)
    other_keys(names)
    with step("listen key closed, sockets closed, nothing complained"):
        rest.close_user_data_stream()
        await streams.close_connection(close_session=True)
        complaints.none()


asyncio.run(main())
step.end()
