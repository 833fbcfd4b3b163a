"""ccxt.pro: the same short, seen through what the exchange pushes, and orders sent over the socket."""

import asyncio
from decimal import Decimal

import ccxt
from _demo import SYMBOL, Demo, Steps

PAIR = "BTC/USDT:USDT"
demo, step = Demo(), Steps()


class Watcher:
    """Everything a watch method has returned so far, gathered in the background."""

    def __init__(self, watch, *args):
        self.rows = []
        self._watch, self._args = watch, args
        self.task = asyncio.create_task(self._run())

    async def _run(self):
        while True:
            told = await self._watch(*self._args)
            self.rows.extend(told if isinstance(told, list) else [told])

    async def until(self, seen, seconds=10.0):
        """The first thing told of which `seen` holds."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        while loop.time() < ends:
            if self.task.done() and not self.task.cancelled() and self.task.exception():
                raise self.task.exception()
            for row in self.rows:
                if seen(row):
                    return row
            await asyncio.sleep(0.02)
        raise AssertionError(f"nothing of the kind within {seconds} s; {len(self.rows)} told, last {self.rows[-1:]}")


async def market(exchange):
    with step("load_markets") as note:
        assert (await exchange.load_markets())[PAIR]["linear"]
        note(f"{len(exchange.markets)} markets")
    with step("watch_order_book: ten changes, never crossed") as note:
        nonces = []
        for _ in range(10):
            book = await asyncio.wait_for(exchange.watch_order_book(PAIR, 20), 10)
            assert book["bids"][0][0] < book["asks"][0][0], (book["bids"][0], book["asks"][0])
            nonces.append(book["nonce"])
        assert nonces == sorted(nonces) and nonces[-1] > nonces[0], nonces
        note(f"{len(book['bids'])} bids, {len(book['asks'])} asks, {nonces[0]} to {nonces[-1]}")
    with step("watch_order_book agrees with the REST book") as note:
        for _ in range(20):
            rest = await exchange.fetch_order_book(PAIR, 10)
            seen = exchange.orderbooks[PAIR]
            if rest["bids"][:5] == [row[:2] for row in seen["bids"][:5]]:
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError(f"never the same: {rest['bids'][:5]} and {seen['bids'][:5]}")
        note(f"best bid {rest['bids'][0]}")
    for name in ("watch_ticker", "watch_mark_price"):
        with step(name) as note:
            told = await asyncio.wait_for(getattr(exchange, name)(PAIR), 10)
            note(told.get("last") or told.get("markPrice"))
    with step("watch_bids_asks, watch_tickers, watch_mark_prices"):
        for name in ("watch_bids_asks", "watch_tickers", "watch_mark_prices"):
            assert await asyncio.wait_for(getattr(exchange, name)([PAIR]), 10), name
    with step("watch_ohlcv") as note:
        note((await asyncio.wait_for(exchange.watch_ohlcv(PAIR, "1m"), 10))[-1])


async def modes(exchange):
    with step("isolated, 3x"):
        await exchange.set_margin_mode("isolated", PAIR)
        await exchange.set_leverage(3, PAIR)
    with step("errors: InsufficientFunds, OrderImmediatelyFillable, MarginModeAlreadySet, OrderNotFound"):
        price = (await exchange.fetch_ticker(PAIR))["last"]
        stop = {"stopLossPrice": price * 0.9, "reduceOnly": True}
        await raises(ccxt.InsufficientFunds, exchange.create_order(PAIR, "market", "sell", 100))
        await raises(ccxt.OrderImmediatelyFillable, exchange.create_order(PAIR, "market", "buy", 0.01, None, stop))
        await raises(ccxt.MarginModeAlreadySet, exchange.set_margin_mode("isolated", PAIR))
        await raises(ccxt.OrderNotFound, exchange.cancel_order("987654321", PAIR))
    with step("InsufficientFunds over the socket too"):
        await raises(ccxt.InsufficientFunds, exchange.create_order_ws(PAIR, "market", "sell", 100))


async def raises(kind, call):
    """Await and demand exactly this class of exception."""
    try:
        answer = await call
    except Exception as wrong:
        assert type(wrong) is kind, f"{kind.__name__} expected, was {type(wrong).__name__}: {wrong}"
        return
    raise AssertionError(f"{kind.__name__} expected, but it went through: {str(answer)[:200]}")


async def short(exchange, watched):
    trades, orders, fills, positions, balances = watched
    with step("short by market") as note:
        made = await exchange.create_order(PAIR, "market", "sell", 0.05)
        assert made["filled"] == 0.05
        note(f"0.05 at {made['average']}")
    with step("watch_trades tells the trade"):
        await trades.until(lambda row: row["symbol"] == PAIR and row["side"] == "sell")
    with step("watch_orders tells the order filled"):
        await orders.until(lambda row: row["id"] == made["id"] and row["status"] == "closed" and row["filled"] == 0.05)
    with step("watch_my_trades tells fills with their fee") as note:
        fill = await fills.until(lambda row: row["order"] == made["id"])
        assert fill["fee"]["cost"] > 0
        note(f"{fill['amount']} at {fill['price']}, fee {fill['fee']['cost']}")
    with step("watch_positions tells the short") as note:
        row = await positions.until(lambda row: row["symbol"] == PAIR and row["contracts"] == 0.05)
        assert row["side"] == "short"
        note(f"{row['side']} {row['contracts']} at {row['entryPrice']}, {row['marginMode']}")
    with step("watch_balance tells the wallet") as note:
        told = await balances.until(lambda row: "USDT" in row)
        note(f"{told['USDT']['total']} USDT")
    with step("STOP_MARKET above by REST, TAKE_PROFIT_MARKET below over the socket") as note:
        entry, by_mark = made["average"], {"workingType": "MARK_PRICE", "reduceOnly": True}
        above, below = {"stopPrice": entry * 1.02, **by_mark}, {"takeProfitPrice": entry * 0.95, **by_mark}
        stop = await exchange.create_order(PAIR, "STOP_MARKET", "buy", 0.05, None, above)
        target = await exchange.create_order_ws(PAIR, "market", "buy", 0.05, None, below)
        resting = {order["id"] for order in await exchange.fetch_open_orders(PAIR, params={"trigger": True})}
        assert {stop["id"], target["id"]} <= resting, (stop["id"], target["id"], resting)
        note(f"stop {stop['triggerPrice']}, target {target['triggerPrice']}")
    return stop, target


async def over_the_socket(exchange):
    with step("socket calls: positions, balance, book, ticker"):
        rows = await exchange.fetch_positions_ws([PAIR])
        assert rows[0]["contracts"] == 0.05, rows
        assert (await exchange.fetch_balance_ws())["USDT"]["total"] > 0
        assert (await exchange.fetch_order_book_ws(PAIR))["bids"]
        await exchange.fetch_ticker_ws(PAIR, {"method": "ticker.book"})
    with step("socket calls: limit order placed, found, cancelled"):
        price = (await exchange.fetch_ticker(PAIR))["last"] * 1.03
        made = await exchange.create_order_ws(PAIR, "limit", "sell", 0.01, price)
        assert (await exchange.fetch_order_ws(made["id"], PAIR))["status"] == "open"
        assert (await exchange.cancel_order_ws(made["id"], PAIR))["status"] == "canceled"


async def stopped_out(exchange, watched, stop, target):
    _trades, orders, _fills, positions, _balances = watched
    with step("funding settles"):
        demo.settle_funding()
        assert await exchange.fetch_funding_history(PAIR)
    with step("mark touches the stop; watch_orders and watch_positions tell it") as note:
        demo.pin_mark(round(Decimal(str(stop["triggerPrice"])) * Decimal("1.001"), 1))
        done = await orders.until(lambda row: row["side"] == "buy" and row["status"] == "closed")
        await positions.until(lambda row: row["symbol"] == PAIR and not row["contracts"])
        demo.pin_mark(None)
        assert demo.position() == 0
        note(f"bought back {done['filled']} at {done['average']}")
    with step("cancel the target"):
        await exchange.cancel_order(target["id"], PAIR, {"trigger": True})
        assert demo.signed("GET", "/fapi/v1/openAlgoOrders", symbol=SYMBOL) == []
    with step("income shows commission, realised profit and funding") as note:
        kinds = {row["info"]["incomeType"] for row in await exchange.fetch_ledger("USDT")}
        assert {"COMMISSION", "REALIZED_PNL", "FUNDING_FEE"} <= kinds, kinds
        note(", ".join(f"{kind} {amount}" for kind, amount in sorted(demo.income().items())))
    with step("un_watch_ticker"):
        await exchange.un_watch_ticker(PAIR)


async def main():
    with step("the printed snippet runs"):
        exchange = demo.run_snippet("ccxt_pro")["exchange"]
    try:
        await market(exchange)
        await modes(exchange)
        watched = [
            Watcher(exchange.watch_trades, PAIR),
            Watcher(exchange.watch_orders),
            Watcher(exchange.watch_my_trades),
            Watcher(exchange.watch_positions),
            Watcher(exchange.watch_balance),
        ]
        await asyncio.sleep(1.5)  # subscribed before the trade is made
        stop, target = await short(exchange, watched)
        await over_the_socket(exchange)
        await stopped_out(exchange, watched, stop, target)
        for watcher in watched:
            watcher.task.cancel()
    finally:
        await exchange.close()


asyncio.run(main())
step.end()
