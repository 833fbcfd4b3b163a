"""The streams of venues other than Binance: what ccxt.pro hands on, in our words."""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from bearskin.live import MarketClock, dialect_of
from bearskin.live._budget import Budget
from bearskin.live._stream_binance import BinanceStreams
from bearskin.live._stream_unified import UnifiedStreams
from bearskin.live._venue import CcxtVenue
from bearskin.terms import AnyEvent, Depth, Filled, OrderChanged, Quoted

PAIR = "BTC/USDT:USDT"
MARKET = {
    "id": "BTCUSDT", "symbol": PAIR, "base": "BTC", "quote": "USDT", "settle": "USDT", "swap": True, "linear": True,
    "contractSize": 1.0, "precision": {"amount": 0.001, "price": 0.1}, "limits": {"amount": {"min": 0.001}}, "info": {},
}  # fmt: skip
TICKER = {"symbol": PAIR, "bid": 60000.0, "ask": 60000.1, "timestamp": 1_700_000_000_000, "info": {}}
ORDER = {
    "id": "7", "clientOrderId": "bstest000001e0000", "symbol": PAIR, "side": "sell", "type": "limit", "amount": 0.05,
    "filled": 0.02, "average": 60000.0, "price": 60000.0, "status": "open", "timestamp": 1_700_000_000_000, "info": {},
}  # fmt: skip
TRADE = {
    "id": "9", "order": "7", "symbol": PAIR, "side": "sell", "amount": 0.02, "price": 60000.0, "takerOrMaker": "maker",
    "timestamp": 1_700_000_000_000, "fee": {"cost": 0.24, "currency": "USDT"}, "info": {},
}  # fmt: skip


class Exchange:
    """One answer from each stream, then silence."""

    id = "bybit"

    def __init__(self) -> None:
        self.has = {"watchBidsAsks": True, "watchOrders": True, "watchMyTrades": True}
        self.options: dict[str, Any] = {}
        self.markets = {PAIR: MARKET}
        self.left = {"quotes": [{PAIR: TICKER}], "orders": [[ORDER]], "trades": [[TRADE], [TRADE]]}

    async def _next(self, name: str) -> Any:
        if not self.left[name]:
            await asyncio.sleep(60)
        return self.left[name].pop(0)

    async def watch_bids_asks(self, *_: Any) -> Any:
        """Tickers."""
        return await self._next("quotes")

    async def watch_orders(self, *_: Any) -> Any:
        """Orders."""
        return await self._next("orders")

    async def watch_my_trades(self, *_: Any) -> Any:
        """Trades."""
        return await self._next("trades")


def heard(channel: str, exchange: Exchange) -> tuple[list[AnyEvent], list[str]]:
    """What one channel tells within a moment, and whether it came up."""
    told: list[AnyEvent] = []
    ups: list[str] = []

    async def run() -> None:
        clock = MarketClock(lambda: 5)
        venue = CcxtVenue(dialect_of("bybit"), exchange, ("BTCUSDT",), clock=clock, budget=Budget(lambda: 5))
        venue._take_markets()
        streams = UnifiedStreams(venue, SimpleNamespace(), told.append, lambda: None)  # type: ignore[arg-type]
        hold = streams.channels("1h")[channel][0]
        task = asyncio.ensure_future(hold(lambda: ups.append(channel)))
        await asyncio.sleep(0.05)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())
    return told, ups


def test_quotes() -> None:
    """Best bid and ask with the venue's time."""
    told, ups = heard("market", Exchange())
    [quote] = told
    assert isinstance(quote, Quoted)
    assert (quote.bid, quote.ask, quote.time_ns) == (Decimal("60000.0"), Decimal("60000.1"), 1_700_000_000 * 10**9)
    assert ups == ["market"]


def test_orders() -> None:
    """An order of ours, part filled."""
    told, _ = heard("orders", Exchange())
    [changed] = told
    assert isinstance(changed, OrderChanged)
    assert (changed.order.status, changed.order.qty, changed.order.filled) == (
        "open",
        Decimal("-0.05"),
        Decimal("-0.02"),
    )


def test_a_fill_that_is_told_twice_is_told_once() -> None:
    """The cache of a stream repeats itself."""
    told, _ = heard("account", Exchange())
    [fill] = told
    assert isinstance(fill, Filled)
    assert (fill.qty, fill.fee, fill.maker) == (Decimal("-0.02"), Decimal("0.24"), True)


def test_a_venue_without_a_stream_of_orders_says_so() -> None:
    """It cannot be traded at, and the reason names what is missing."""
    exchange = Exchange()
    exchange.has["watchOrders"] = False

    async def run() -> None:
        venue = CcxtVenue(dialect_of("bybit"), exchange, ("BTCUSDT",), clock=MarketClock(lambda: 5))
        streams = UnifiedStreams(venue, SimpleNamespace(), lambda event: None, lambda: None)  # type: ignore[arg-type]
        await streams.channels("1h")["orders"][0](lambda: None)

    with pytest.raises(Exception, match="watchOrders"):
        asyncio.run(run())


def test_books_are_told_at_most_once_a_second_and_a_broken_one_is_opened_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bearskin.live._stream_unified._DEPTH_AGAIN_S", 0.0)
    exchange = Exchange()
    exchange.has["watchOrderBook"] = True
    row = {"bids": [[60000.0, 2.0, 1], [59999.0, 1.0]], "asks": [[60000.1, 3.0]], "timestamp": 1_700_000_000_000}
    answers: list[Any] = [ConnectionError("lost"), row, {**row, "timestamp": 1_700_000_000_100}]

    async def watch_order_book(*_: Any) -> Any:
        if not answers:
            await asyncio.sleep(60)
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    exchange.watch_order_book = watch_order_book  # type: ignore[attr-defined]
    told: list[AnyEvent] = []

    async def run(depth: bool) -> int:
        clock = MarketClock(lambda: 5)
        venue = CcxtVenue(dialect_of("bybit"), exchange, ("BTCUSDT",), clock=clock, budget=Budget(lambda: 5))
        venue._take_markets()
        streams = UnifiedStreams(venue, SimpleNamespace(), told.append, lambda: None, depth=depth)  # type: ignore[arg-type]
        holds = streams.channels("1h")["market"]
        if depth:
            task = asyncio.ensure_future(holds[-1](lambda: None))
            await asyncio.sleep(0.05)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        return len(holds)

    assert asyncio.run(run(False)) == 2
    assert asyncio.run(run(True)) == 3
    (book,) = told
    assert isinstance(book, Depth)
    assert (book.symbol, book.time_ns) == ("BTCUSDT", 1_700_000_000_000_000_000)
    assert book.bids == ((60000.0, 2.0), (59999.0, 1.0))
    assert book.asks == ((60000.1, 3.0),)


def test_binances_partial_books_are_told_as_they_are():
    told: list[AnyEvent] = []
    streams = BinanceStreams.__new__(BinanceStreams)
    streams._by_id = {"BTCUSDT": SimpleNamespace(symbol="BTCUSDT")}  # type: ignore[dict-item]
    streams._venue = SimpleNamespace(clock=MarketClock(lambda: 5))  # type: ignore[assignment]
    streams._put = told.append
    message = {"e": "depthUpdate", "E": 1_700_000_000_001, "T": 1_700_000_000_000, "s": "BTCUSDT"}
    streams._depth({**message, "b": [["60000.0", "2"]], "a": [["60000.1", "3.5"]]})
    streams._depth({**message, "b": [], "a": [["60000.1", "3.5"]]})
    streams._depth({**message, "s": "NOPEUSDT", "b": [["1", "2"]], "a": [["2", "3.5"]]})
    (book,) = told
    assert isinstance(book, Depth)
    assert (book.time_ns, book.bids, book.asks) == (1_700_000_000_000_000_000, ((60000.0, 2.0),), ((60000.1, 3.5),))
