"""Streams of the market: one for all who look, kept over the turn of a page, and let go of when nobody comes back."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from bearskin.app.web import _market_link
from bearskin.app.web._hub import Hub
from bearskin.app.web._market_link import Depth, Mark, MarketLink, Tape


class Exchange:
    """Says the book every moment, and counts what it was asked to begin and to end."""

    def __init__(self) -> None:
        self.said, self.ended, self.closed = 0, [], False
        self.markets_by_id = {"BTCUSDT": [{"symbol": "BTC/USDT:USDT", "swap": True}]}

    async def watch_order_book(self, _: str, __: int) -> Any:
        await asyncio.sleep(0.005)
        self.said += 1
        return {"bids": [[self.said, 1.0]], "asks": [[self.said + 1, 1.0]]}

    async def watch_mark_price(self, _: str) -> Any:
        raise OSError("the venue hangs up")

    async def un_watch_order_book(self, name: str) -> None:
        self.ended.append(name)

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(_market_link, "LINGER_S", 0.1)
    hub = Hub()
    made = MarketLink(SimpleNamespace(venue="demo"), hub, Exchange())  # type: ignore[arg-type]
    hub.begun, hub.ended = made.begun, made.ended
    return made


def test_a_stream_outlives_the_turn_of_a_page_and_no_more(link):
    hub, exchange, topic = link.hub, link.exchange, Depth("BTCUSDT")

    async def run() -> None:
        for _ in range(3):  # from page to page: the book is there at once
            leave = hub.listen(topic, lambda _: None)
            await asyncio.sleep(0.03)
            leave()
            await asyncio.sleep(0.03)
        assert hub.last(topic) is not None
        assert not exchange.ended
        await asyncio.sleep(0.2)
        said = exchange.said
        await asyncio.sleep(0.05)
        assert (exchange.said, exchange.ended, hub.last(topic)) == (said, ["BTC/USDT:USDT"], None)
        await link.close()

    asyncio.run(run())
    assert exchange.closed


def test_a_venue_that_cannot_end_a_stream_is_let_be(link):
    async def run() -> None:
        link.hub.listen(Mark("BTCUSDT"), lambda _: None)()
        await asyncio.sleep(0.2)
        assert not link._running
        await link.close()

    asyncio.run(run())


def test_trades_of_before_a_stream_was_let_go_are_not_told_as_its_last_ones(link):
    """Who came back after an hour saw the trades of then and now as one tape, and no symbol was ever forgotten."""
    hub, exchange, topic, heard = link.hub, link.exchange, Tape("BTCUSDT"), []
    prices = iter(range(1, 1_000))

    async def watch_trades(_: str) -> list[dict[str, Any]]:
        await asyncio.sleep(0.02)
        return [{"timestamp": 1, "price": next(prices), "amount": 1, "side": "sell"}]

    exchange.watch_trades = watch_trades

    async def run() -> None:
        hub.listen(topic, heard.append, 0.0)()
        await asyncio.sleep(0.3)
        heard.clear()
        leave = hub.listen(topic, heard.append, 0.0)
        await asyncio.sleep(0.05)
        leave()
        await link.close()

    asyncio.run(run())
    assert len(heard[0]) == 1


def test_closing_leaves_nothing_behind(link):
    async def run() -> int:
        link.hub.listen(Depth("BTCUSDT"), lambda _: None)
        link.hub.listen(Mark("BTCUSDT"), lambda _: None)()
        await asyncio.sleep(0.02)
        await link.close()
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1
