"""A venue that hangs keeps its sockets open and says nothing."""

from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any

from bearskin.live._feed import CcxtFeed, FeedOptions
from bearskin.terms import AnyEvent, Connected

SILENT_S = 0.2


class Heard:
    """What a feed tells, to be awaited."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[AnyEvent] = asyncio.Queue()

    async def channel(self) -> tuple[bool, str]:
        event = await asyncio.wait_for(self.events.get(), 10)
        assert isinstance(event, Connected)
        assert event.channel == "market"
        return event.up, event.detail


def a_feed(heard: Heard) -> Any:
    clock = SimpleNamespace(now_ns=lambda: 1, wall_ns=lambda: 2)
    feed: Any = CcxtFeed(SimpleNamespace(clock=clock), "1m", options=FeedOptions(silent_s=SILENT_S))  # type: ignore[arg-type]
    feed._put = heard.events.put_nowait
    return feed


def test_a_silent_market_is_told_as_lost_once_and_as_up_with_its_next_price() -> None:
    async def silence() -> None:
        heard = Heard()
        feed = a_feed(heard)
        listening = asyncio.ensure_future(feed._listened())
        try:
            feed._connected("market", up=True)
            assert await heard.channel() == (True, "")
            began_s = asyncio.get_running_loop().time()
            assert await heard.channel() == (False, "no price for 0.2 s")
            assert asyncio.get_running_loop().time() - began_s > SILENT_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(heard.events.get(), 3 * SILENT_S)
                raise AssertionError("told twice")
            feed._priced()
            assert await heard.channel() == (True, "")
            assert await heard.channel() == (False, "no price for 0.2 s")
        finally:
            listening.cancel()

    asyncio.run(silence())


def test_a_market_that_talks_is_not_lost_and_neither_is_one_that_was_never_up() -> None:
    async def talk() -> None:
        heard = Heard()
        feed = a_feed(heard)
        listening = asyncio.ensure_future(feed._listened())
        try:
            await asyncio.sleep(2 * SILENT_S)
            assert heard.events.empty()
            feed._connected("market", up=True)
            assert await heard.channel() == (True, "")
            for _ in range(40):
                feed._priced()
                await asyncio.sleep(SILENT_S / 20)
            assert heard.events.empty()
        finally:
            listening.cancel()

    asyncio.run(talk())
