"""The sockets that streams are heard on: how they are asked for, answered and, when nobody reads them, cut off."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from bearskin.exchange.wire._feeds import Message
from bearskin.exchange.wire._streams import Streams

if TYPE_CHECKING:
    from bearskin.exchange.wire._desk import WireDesk

QUEUE_MESSAGES = 2_000
QUEUE_CHARACTERS = 8_000_000
STREAMS_MAX = 1_024  # on one connection
REQUEST_CHARACTERS = 100_000
CLOSE_S = 1.0
POLICY, TOO_BIG = 1008, 1009  # close codes of RFC 6455
BAD_JSON = 3
BAD_REQUEST = 2
BAD_VALUE = 1
UNKNOWN_PROPERTY = 0
NO_SUCH_KEY = -1125
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class _Bad(Exception):
    """A request that cannot be answered, with what is said instead."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Socket:
    """One connection: what it listens to and what waits to be sent.

    Whoever does not read is cut off once too much waits for them: the exchange never waits for a reader.
    """

    def __init__(self, websocket: WebSocket, streams: Streams, *, combined: bool, events: tuple[str, ...] = ()) -> None:
        self._websocket = websocket
        self._streams = streams
        self._combined = combined
        self._events = events
        self._names: dict[str, None] = {}
        self._queue: deque[str] = deque()
        self._queued = 0
        self._wake = asyncio.Event()
        self._cut: int | None = None
        self._writer: asyncio.Task[None] | None = None

    # --- out ----------------------------------------------------------------------------------------------------------

    def hear(self, message: Message) -> None:
        """Take a message of a stream; never waits."""
        if self._events and message.event not in self._events and message.event != "listenKeyExpired":
            return
        self._push(message.wrapped if self._combined else message.text)

    def _push(self, text: str) -> None:
        if self._cut is not None:
            return
        queue = self._queue
        queue.append(text)
        self._queued += len(text)
        if len(queue) > QUEUE_MESSAGES or self._queued > QUEUE_CHARACTERS:
            self._cut_off(POLICY)
        elif len(queue) == 1:
            self._wake.set()

    def _cut_off(self, code: int) -> None:
        self._cut = code
        self._queue.clear()
        self._wake.set()
        if self._writer is not None:
            self._writer.cancel()

    async def _write(self) -> None:
        queue, wake, send = self._queue, self._wake, self._websocket.send
        while self._cut is None:
            await wake.wait()
            wake.clear()
            while queue:
                text = queue.popleft()
                self._queued -= len(text)
                await send({"type": "websocket.send", "text": text})

    # --- in -----------------------------------------------------------------------------------------------------------

    async def run(self, names: list[str], listen_key: str | None) -> None:
        """Serve the connection until either side has had enough."""
        await self._websocket.accept()
        self._writer = asyncio.create_task(self._write())
        reader = asyncio.create_task(self._read())
        try:
            self._open(names, listen_key)
            await asyncio.wait({reader, self._writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for name in self._names:
                self._streams.remove(name, self)
            for task in (reader, self._writer):
                task.cancel()
            await asyncio.gather(reader, self._writer, return_exceptions=True)
        if self._cut is not None:
            with contextlib.suppress(Exception):  # the other side may be gone or stuck; it is let go either way
                await asyncio.wait_for(self._websocket.close(self._cut), CLOSE_S)

    def _open(self, names: list[str], listen_key: str | None) -> None:
        if listen_key is not None and self._streams.listen_keys.owner(listen_key) is None:
            self._push(refusal(_Bad(NO_SUCH_KEY, "This listenKey does not exist."), None))
            asyncio.get_running_loop().call_later(CLOSE_S / 10, self._cut_off, POLICY)
            return
        asked = [*names, listen_key] if listen_key is not None else names
        if asked:
            try:
                self._subscribe(asked)
            except _Bad as bad:
                self._push(refusal(bad, None))

    async def _read(self) -> None:
        receive = self._websocket.receive
        while self._cut is None:
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            text = message.get("text")
            if text is None:
                text = (message.get("bytes") or b"").decode("utf-8", "replace")
            if len(text) > REQUEST_CHARACTERS:
                self._cut_off(TOO_BIG)
                return
            self._push(self._answer(text))

    def _answer(self, text: str) -> str:
        number: int | str | None = None
        try:
            request = _request(text)
            number = _number(request)
            return _encode({"result": self._carried_out(request), "id": number}).decode()
        except _Bad as bad:
            return refusal(bad, number)

    def _carried_out(self, request: dict[str, Any]) -> Any:
        method, params = _method(request), request.get("params")
        match method:
            case "SUBSCRIBE":
                self._subscribe(_names(params))
            case "UNSUBSCRIBE":
                for name in _names(params):
                    if name in self._names:
                        del self._names[name]
                        self._streams.remove(name, self)
            case "LIST_SUBSCRIPTIONS":
                return list(self._names)
            case "SET_PROPERTY":
                self._combined = _combined(params, 2)
            case "GET_PROPERTY":
                _combined(params, 1)
                return self._combined
        return None

    def _subscribe(self, names: list[str]) -> None:
        """Listen to all of `names`, or to none when one of them is no stream."""
        new = [name for name in dict.fromkeys(names) if name not in self._names]
        if not all(self._streams.known(name) for name in new):
            raise _Bad(BAD_REQUEST, "Invalid request: invalid stream")
        if len(self._names) + len(new) > STREAMS_MAX:
            raise _Bad(BAD_REQUEST, "Invalid request: too many subscriptions")
        for name in new:
            self._names[name] = None
            self._streams.add(name, self)


def _request(text: str) -> dict[str, Any]:
    try:
        request = _decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise _Bad(BAD_JSON, "Invalid JSON: expected value at line 1 column 1") from None
    if not isinstance(request, dict):
        raise _Bad(BAD_REQUEST, "Invalid request: expected an object")
    return request


def _number(request: dict[str, Any]) -> int | str | None:
    number = request.get("id")
    if number is None or (isinstance(number, str) and len(number) <= 36):
        return number
    if isinstance(number, int) and not isinstance(number, bool) and number >= 0:
        return number
    raise _Bad(BAD_REQUEST, "Invalid request: request ID must be an unsigned integer")


def _method(request: dict[str, Any]) -> str:
    method = request.get("method")
    if method is None:
        raise _Bad(BAD_REQUEST, "Invalid request: missing field `method`")
    if method not in METHODS:
        known = ", ".join(f"`{name}`" for name in METHODS)
        shown = method[:40] if isinstance(method, str) else type(method).__name__
        raise _Bad(BAD_REQUEST, f"Invalid request: unknown variant `{shown}`, expected one of {known}")
    return str(method)


def _names(params: object) -> list[str]:
    if not isinstance(params, list) or not all(isinstance(name, str) for name in params):
        raise _Bad(BAD_REQUEST, "Invalid request: params must be an array of stream names")
    return params


def _combined(params: object, count: int) -> bool:
    if not isinstance(params, list) or not params or not isinstance(params[0], str):
        raise _Bad(BAD_REQUEST, "Invalid request: property name must be a string")
    if len(params) > count:
        raise _Bad(BAD_REQUEST, "Invalid request: too many parameters")
    if params[0] != "combined":
        raise _Bad(UNKNOWN_PROPERTY, "Unknown property")
    if count == 1:
        return False
    if len(params) < count or not isinstance(params[1], bool):
        raise _Bad(BAD_VALUE, "Invalid value type: expected Boolean")
    return params[1]


def refusal(bad: _Bad, number: int | str | None) -> str:
    """A refusal as the venue's streams send it."""
    return _encode({"error": {"code": bad.code, "msg": bad.message}, "id": number}).decode()


def socket_routes(desk: WireDesk) -> list[WebSocketRoute]:
    """The routes of the streams: /ws and /stream, bare and under /public, /market and /private.

    A number behind the path is a client's own count of its connections and means nothing.
    """

    async def endpoint(websocket: WebSocket) -> None:
        rest = str(websocket.path_params.get("rest", ""))
        query = websocket.query_params
        asked = [*rest.split("/"), *query.get("streams", "").split("/")]
        names = [name for name in asked if name and not name.isdigit()]
        events = tuple(name for name in query.get("events", "").split("/") if name)
        place = websocket.url.path.split("/")
        socket = Socket(websocket, desk.streams, combined="stream" in place[1:3], events=events)
        await socket.run(names, query.get("listenKey"))

    return [
        WebSocketRoute(f"{prefix}/{form}{rest}", endpoint)
        for prefix in ("", "/public", "/market", "/private")
        for form in ("ws", "stream")
        for rest in ("", "/{rest:path}")
    ]
