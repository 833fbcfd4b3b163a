"""The sockets: how streams are asked for in every form clients use, and how those who do not read are cut off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from starlette.applications import Starlette
from wire.desk_kit import BTC
from wire.stream_kit import USER, StreamKit

from bearskin.exchange._words import Traded
from bearskin.exchange.wire import _sockets
from bearskin.exchange.wire._sockets import socket_routes


class Line:
    """One connection to the application, spoken to as a server would."""

    def __init__(self, app: Starlette, path: str, query: str = "") -> None:
        self.app = app
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.closed: int | None = None
        self.scope = {
            "type": "websocket", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": [], "subprotocols": [], "scheme": "ws", "server": ("127.0.0.1", 80), "root_path": "",
        }  # fmt: skip

    async def __aenter__(self) -> Line:
        await self.inbox.put({"type": "websocket.connect"})
        self.task = asyncio.create_task(self.app(self.scope, self.inbox.get, self._send))
        assert (await asyncio.wait_for(self.outbox.get(), 2))["type"] == "websocket.accept"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.inbox.put({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self.task, 3)

    async def _send(self, message: Any) -> None:
        if message["type"] == "websocket.close":
            self.closed = message["code"]
        else:
            await self.reads.wait()
        await self.outbox.put(message)

    async def raw(self) -> str:
        message = await asyncio.wait_for(self.outbox.get(), 2)
        return str(message.get("text", message))

    async def hear(self) -> Any:
        return json.loads(await self.raw())

    async def ask(self, request: Any) -> Any:
        text = request if isinstance(request, str) else json.dumps(request)
        await self.inbox.put({"type": "websocket.receive", "text": text})
        return await self.hear()

    async def subscribe(self, *names: str, number: Any = 1, method: str = "SUBSCRIBE") -> Any:
        return await self.ask({"method": method, "params": list(names), "id": number})


class Room:
    """A kit with its socket routes."""

    def __init__(self) -> None:
        self.kit = StreamKit()
        self.app = Starlette(routes=list(socket_routes(self.kit.desk)))

    def line(self, path: str, query: str = "") -> Line:
        return Line(self.app, path, query)

    def run(self, story: Callable[[], Awaitable[None]]) -> None:
        async def told() -> None:
            await story()
            self.kit.streams.close()

        asyncio.run(told())


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    yield made
    made.kit.close()


@pytest.mark.parametrize(
    ("path", "query", "wrapped"),
    [
        ("/ws/btcusdt@trade", "", False),
        ("/market/ws/btcusdt@trade", "", False),
        ("/stream", "streams=btcusdt@trade", True),
        ("/public/stream", "streams=ethusdt@trade/btcusdt@trade", True),
        ("/market/stream", "streams=btcusdt%40trade", True),
    ],
)
def test_a_stream_named_in_the_address_is_heard(room: Room, path: str, query: str, *, wrapped: bool) -> None:
    async def story() -> None:
        async with room.line(path, query) as line:
            room.kit.place(USER, -1, "0.1")
            row = await line.hear()
            assert ("stream" in row) == wrapped
            told = row["data"] if wrapped else row
            assert (told["e"], told["s"], told["q"]) == ("trade", BTC, "0.100")
            if wrapped:
                assert row["stream"] == "btcusdt@trade"

    room.run(story)


@pytest.mark.parametrize("path", ["/ws", "/market/ws/0", "/public/ws/5", "/public/ws"])
def test_a_stream_asked_for_is_answered_and_heard(room: Room, path: str) -> None:
    """ccxt counts its connections behind the path; the number means nothing."""

    async def story() -> None:
        async with room.line(path) as line:
            assert await line.subscribe("btcusdt@trade") == {"result": None, "id": 1}
            room.kit.place(USER, -1, "0.1")
            assert (await line.hear())["e"] == "trade"
            answer = await line.subscribe("btcusdt@trade", number="b7-uuid", method="UNSUBSCRIBE")
            assert answer == {"result": None, "id": "b7-uuid"}
            room.kit.place(USER, 1, "0.1")
            assert await line.ask({"method": "LIST_SUBSCRIPTIONS", "id": 3}) == {"result": [], "id": 3}

    room.run(story)


def test_an_account_is_heard_in_every_form_clients_use(room: Room) -> None:
    """ccxt and python-binance name the key in the query, older clients in the path, the SDK subscribes to it."""
    key = room.kit.listen_keys.create(USER)

    async def story() -> None:
        async with (
            room.line("/private/ws", f"listenKey={key}") as ccxt,
            room.line(f"/ws/{key}") as old,
            room.line("/private/stream") as sdk,
            room.line("/private/ws", f"listenKey={key}&events=ACCOUNT_UPDATE") as picky,
        ):
            assert await sdk.subscribe(key, number="u-1") == {"result": None, "id": "u-1"}
            room.kit.place(USER, -1, "0.1")
            kinds = ["ORDER_TRADE_UPDATE", "TRADE_LITE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"]
            assert [(await ccxt.hear())["e"] for _ in kinds] == kinds
            assert [(await old.hear())["e"] for _ in kinds] == kinds
            rows = [await sdk.hear() for _ in kinds]
            assert [(row["stream"], row["data"]["e"]) for row in rows] == [(key, kind) for kind in kinds]
            assert (await picky.hear())["e"] == "ACCOUNT_UPDATE"
            assert picky.outbox.empty()

    room.run(story)


def test_a_listen_key_that_is_none_is_told_so_and_let_go(room: Room) -> None:
    async def story() -> None:
        async with room.line("/private/ws", "listenKey=nokey") as line:
            assert (await line.hear())["error"] == {"code": -1125, "msg": "This listenKey does not exist."}
            await line.raw()
            assert line.closed == 1008
        async with room.line("/private/stream") as line:
            answer = await line.subscribe("x" * 64)
            assert answer == {"error": {"code": 2, "msg": "Invalid request: invalid stream"}, "id": 1}

    room.run(story)


BAD = [
    ("no json", 3, None),
    ("[" * 5_000, 3, None),
    ("[1]", 2, None),
    ("7", 2, None),
    ({"id": 1}, 2, 1),
    ({"method": "EAT", "id": 1}, 2, 1),
    ({"method": 5, "id": 1}, 2, 1),
    ({"method": "SUBSCRIBE", "id": 1}, 2, 1),
    ({"method": "SUBSCRIBE", "params": "btcusdt@trade", "id": 1}, 2, 1),
    ({"method": "SUBSCRIBE", "params": [5], "id": 1}, 2, 1),
    ({"method": "SUBSCRIBE", "params": ["btcusdt@trade", "nousdt@trade"], "id": "a"}, 2, "a"),
    ({"method": "SUBSCRIBE", "params": [f"btcusdt@{n}" for n in range(2_000)], "id": 1}, 2, 1),
    ({"method": "SUBSCRIBE", "params": [], "id": -1}, 2, None),
    ({"method": "SUBSCRIBE", "params": [], "id": 1.5}, 2, None),
    ({"method": "SUBSCRIBE", "params": [], "id": True}, 2, None),
    ({"method": "SUBSCRIBE", "params": [], "id": "x" * 37}, 2, None),
    ({"method": "SET_PROPERTY", "params": ["combined"], "id": 1}, 1, 1),
    ({"method": "SET_PROPERTY", "params": ["combined", "yes"], "id": 1}, 1, 1),
    ({"method": "SET_PROPERTY", "params": ["other", True], "id": 1}, 0, 1),
    ({"method": "SET_PROPERTY", "params": [True], "id": 1}, 2, 1),
    ({"method": "SET_PROPERTY", "params": ["combined", True, 1], "id": 1}, 2, 1),
    ({"method": "GET_PROPERTY", "params": [], "id": 1}, 2, 1),
]


def test_bad_requests_are_answered_and_change_nothing(room: Room) -> None:
    async def story() -> None:
        async with room.line("/ws") as line:
            await line.subscribe("ethusdt@trade")
            for request, code, number in BAD:
                answer = await line.ask(request)
                assert answer["error"]["code"] == code, request
                assert answer["id"] == number
            answer = await line.ask({"method": "LIST_SUBSCRIPTIONS", "id": 9})
            assert answer == {"result": ["ethusdt@trade"], "id": 9}, "of two streams one of which is none, neither"

    room.run(story)


def test_properties(room: Room) -> None:
    async def story() -> None:
        async with room.line("/ws") as line:
            assert (await line.ask({"method": "GET_PROPERTY", "params": ["combined"], "id": 1}))["result"] is False
            answer = await line.ask({"method": "SET_PROPERTY", "params": ["combined", True], "id": 2})
            assert answer == {"result": None, "id": 2}
            assert (await line.ask({"method": "GET_PROPERTY", "params": ["combined"], "id": 3}))["result"] is True
            await line.subscribe("btcusdt@trade", "btcusdt@trade")
            room.kit.place(USER, -1, "0.1")
            assert (await line.hear())["stream"] == "btcusdt@trade"
            assert line.outbox.empty(), "twice asked is once heard"

    room.run(story)


def test_an_unknown_stream_in_the_address_is_told(room: Room) -> None:
    async def story() -> None:
        async with room.line("/stream", "streams=btcusdt@trade/btcusdt@nothing") as line:
            answer = await line.hear()
            assert answer == {"error": {"code": 2, "msg": "Invalid request: invalid stream"}, "id": None}

    room.run(story)


def test_too_many_streams_and_too_large_requests(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sockets, "STREAMS_MAX", 3)

    async def story() -> None:
        async with room.line("/ws") as line:
            names = [f"btcusdt@kline_{n}" for n in ("1m", "3m", "5m", "1h")]
            assert "too many" in (await line.subscribe(*names))["error"]["msg"]
            assert (await line.subscribe(*names[:3]))["result"] is None
            await line.inbox.put({"type": "websocket.receive", "text": "x" * 200_000})
            while line.closed is None:
                await line.raw()
            assert line.closed == 1009

    room.run(story)


def trade(number: int) -> Traded:
    return Traded(
        time_ns=number, symbol=BTC, trade_id=number, price=Decimal("60000.0"), qty=Decimal("0.1"),
        buyer_is_maker=True, taker_order=number,
    )  # fmt: skip


def test_who_does_not_read_is_cut_off_and_nobody_else_notices(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that stops reading: what waits for it is bounded, then it is let go; another hears every message."""
    monkeypatch.setattr(_sockets, "QUEUE_MESSAGES", 50)
    streams = room.kit.streams

    async def story() -> None:
        async with room.line("/ws/btcusdt@trade") as good, room.line("/ws/btcusdt@trade") as slow:
            slow.reads.clear()
            for number in range(1, 301):
                streams.on_events([trade(number)])  # never waits for anybody
                assert (await good.hear())["t"] == number
            for _ in range(20):
                await asyncio.sleep(0)
            assert slow.closed == 1008
            assert good.closed is None
            assert len(streams._feeds["btcusdt@trade"].listeners) == 1
            await asyncio.wait_for(slow.task, 2)

    room.run(story)


def test_a_queue_is_bounded_in_characters_too(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sockets, "QUEUE_CHARACTERS", 2_000)

    async def story() -> None:
        async with room.line("/ws/btcusdt@trade") as slow:
            slow.reads.clear()
            for number in range(1, 40):
                room.kit.streams.on_events([trade(number)])
                await asyncio.sleep(0)
            await asyncio.wait_for(slow.task, 2)
            assert slow.closed == 1008

    room.run(story)


def test_who_leaves_is_forgotten(room: Room) -> None:
    streams = room.kit.streams

    async def story() -> None:
        async with room.line("/ws/btcusdt@depth@100ms") as line:
            await line.subscribe("btcusdt@trade", "!markPrice@arr@1s")
            assert len(streams._feeds) == 3
        assert (streams._feeds, streams._routes, streams._timed) == ({}, {}, {})

    room.run(story)


def test_beats_come_by_themselves_while_somebody_waits_for_them(room: Room) -> None:
    async def story() -> None:
        async with room.line("/ws/btcusdt@depth5@100ms") as line:
            assert (await line.hear())["e"] == "depthUpdate"
        assert room.kit.streams._timed == {}
        for _ in range(3):
            await asyncio.sleep(0.06)
        assert room.kit.streams._timer is None, "nobody listens: no timer runs"

    room.run(story)
