"""The stream of the API: topics, tokens, and clients that are slow, wrong or hostile."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import websockets
from unit.app.web.api_kit import heard, quiet_desk

from bearskin.app.web._api import api_of
from bearskin.app.web._api_stream import TOPICS_MAX, Line
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._gate import Gate
from bearskin.app.web._limits import BODY_BYTES_MAX
from bearskin.app.web._market_link import Depth, Mark

TOKEN = "t" * 43
BEARER = {"Authorization": f"Bearer {TOKEN}"}
MARK = {"topic": "mark", "symbol": "BTCUSDT"}


class Client:
    """One end of a line."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket

    async def say(self, thing: Any) -> None:
        await self.socket.send(thing if isinstance(thing, str | bytes) else json.dumps(thing))

    async def hear(self) -> Any:
        return json.loads(await asyncio.wait_for(self.socket.recv(), 10))

    async def asks(self, thing: Any) -> Any:
        await self.say(thing)
        return await self.hear()

    async def closed(self) -> tuple[int, str]:
        """With which code and words the other end hung up."""
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                await asyncio.wait_for(self.socket.recv(), 10)
        return self.socket.close_code, self.socket.close_reason


@contextlib.asynccontextmanager
async def served(home: Path) -> AsyncIterator[tuple[WebDesk, str]]:
    """A desk and the address of its stream."""
    desk = quiet_desk(home)
    app = Gate(api_of(desk), TOKEN, ("127.0.0.1",))
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
    task = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield desk, f"ws://127.0.0.1:{port}/api/v1/stream"
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def line(url: str, **given: Any) -> AsyncIterator[Client]:
    """A client on the line."""
    async with websockets.connect(url, proxy=None, **{"additional_headers": BEARER, **given}) as socket:
        yield Client(socket)


def played(home: Path, play: Callable[[WebDesk, str], Any]) -> None:
    """Run `play` against a served desk."""

    async def run() -> None:
        async with served(home) as (desk, url):
            await play(desk, url)

    asyncio.run(run())


def test_what_holds_is_told_at_once_and_then_what_changes(home: Path) -> None:
    async def play(desk: WebDesk, url: str) -> None:
        heard(desk, 1)
        async with line(url) as client:
            assert await client.asks({"subscribe": [{"topic": "bot"}]}) == {"subscribed": [{"topic": "bot"}]}
            told = await client.hear()
            assert (told["topic"], told["data"]["up"]) == ("bot", True)
            await client.asks({"subscribe": [MARK]})
            desk.hub.say(Mark("BTCUSDT"), {"mark": 60_000.5, "rate": float("nan")})
            assert await client.hear() == {**MARK, "data": {"mark": 60000.5, "rate": None}}
            assert await client.asks({"unsubscribe": [MARK]}) == {"subscribed": [{"topic": "bot"}]}
            assert not desk.hub.listened(Mark("BTCUSDT"))
        await asyncio.sleep(0.1)
        assert not desk.hub.listened("bot")  # it has hung up

    played(home, play)


def test_decisions_are_told_once_each_from_where_the_client_was(home: Path) -> None:
    async def play(desk: WebDesk, url: str) -> None:
        heard(desk, 1, 2, 3)
        async with line(url) as client:
            await client.asks({"subscribe": [{"topic": "decisions", "after": 1}]})
            assert [one["number"] for one in (await client.hear())["data"]] == [2, 3]
            heard(desk, 1, 2, 3, 4)
            assert [one["number"] for one in (await client.hear())["data"]] == [4]
            heard(desk, 1)  # another run begins anew
            assert [one["number"] for one in (await client.hear())["data"]] == [1]

    played(home, play)


def test_the_token_may_come_first_of_all_and_nothing_is_told_before_it(home: Path) -> None:
    async def play(desk: WebDesk, url: str) -> None:
        heard(desk, 1)
        async with line(url, additional_headers={}) as client:
            assert await client.asks({"token": TOKEN}) == {"welcome": True}
            assert "subscribed" in await client.asks({"subscribe": [{"topic": "bot"}]})
        for first in ({"token": "guess"}, {"subscribe": [{"topic": "bot"}]}, "no json", b"bytes", [1], {"token": None}):
            async with line(url, additional_headers={}) as client:
                await client.say(first)
                assert await client.closed() == (1008, "the token is missing or wrong")
        with pytest.raises(websockets.InvalidStatus, match="403"):
            async with line(url, additional_headers={}, origin="http://evil.example"):
                pass

    played(home, play)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("no json", "no JSON"),
        ("[" * 30_000, "no JSON"),
        ("7", "must be an object"),
        ({"subscribe": [{"topic": "weather"}]}, "weather"),
        ({"subscribe": [{"topic": "depth"}]}, "symbol is missing"),
        ({"subscribe": [{"topic": "depth", "symbol": "NOPE"}]}, "NOPE is no perpetual of this venue"),
        ({"subscribe": [{"topic": "candles", "symbol": "BTCUSDT", "interval": "7m"}]}, "'7m', this venue has 1m, 1h"),
        ({"subscribe": [{"topic": "depth", "symbol": "B" * 99}]}, "32"),
        ({"subscribe": [{"topic": "bot"}], "every_s": 0}, "every_s"),
        ({"subscribe": [{"topic": "bot"}] * (TOPICS_MAX + 1)}, "subscribe"),
        ({"order": "short"}, "order is not known here"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence_and_the_line_stays(home: Path, said: Any, words: str) -> None:
    async def play(desk: WebDesk, url: str) -> None:
        async with line(url) as client:
            assert words in (await client.asks(said))["error"]
            assert "subscribed" in await client.asks({"subscribe": [{"topic": "bot"}]})

    played(home, play)


def test_too_long_and_too_many_messages_end_the_line(home: Path) -> None:
    async def play(desk: WebDesk, url: str) -> None:
        async with line(url) as client:
            await client.say(" " * (BODY_BYTES_MAX + 1))
            assert (await client.closed())[0] == 1009
        async with line(url) as client:
            with contextlib.suppress(websockets.ConnectionClosed):
                for _ in range(150):
                    await client.say({})
            assert await client.closed() == (1008, "too many messages in a short time")

    played(home, play)


def test_who_is_slow_gets_the_newest_only(home: Path) -> None:
    async def run() -> None:
        desk = quiet_desk(home)
        slow = Line(desk)
        slow.asked(json.dumps({"subscribe": [MARK, {"topic": "depth", "symbol": "BTCUSDT"}], "every_s": 0.05}))
        slow.next()
        for number in range(1_000):
            desk.hub.say(Mark("BTCUSDT"), number)
            desk.hub.say(Depth("BTCUSDT"), number)
        assert len(slow.fresh) <= 2  # nothing piles up
        assert [one["data"] for one in slow.next()] == [999, 999]
        assert slow.next() == []
        slow.close()
        assert not desk.hub.listened(Mark("BTCUSDT"))

    asyncio.run(run())
