"""A way to the exchange that fails as the world does: answers lost, late, doubled, out of order, sockets cut, bans."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

ORDERS = ("/fapi/v1/order", "/fapi/v1/algoOrder")
FAULTS = (
    "lost",  # carried out, the answer never comes
    "late",  # carried out, the answer comes after what the stream says of it
    "doubled",  # carried out, and everything the stream says is said twice
    "reordered",  # carried out, and the stream says its things in pairs turned round
    "cut",  # every socket is cut before it is handed on
    "cut-after",  # every socket is cut after it was handed on
    "429",
    "418",
    "503",
    "503-after",  # carried out, and called unavailable
    "1007",  # carried out, and called a time-out
)
LATE_S = 0.3
SILENCE_S = 0.4


@dataclass(slots=True)
class _Request:
    method: str
    path: str
    head: bytes
    body: bytes
    upgrade: bool


@dataclass(slots=True)
class Proxy:
    """Serves one exchange under another port; `fault` befalls the next `left` order requests it fits."""

    upstream: str
    port: int = 0
    fault: str = ""
    left: int = 0
    skip: int = 0
    fits: Callable[[str, str], bool] = lambda method, path: method in ("POST", "DELETE") and path in ORDERS
    seen: list[str] = field(default_factory=list)
    log: list[tuple[int, str]] = field(default_factory=list)  # when each request came, on the wall
    stream: str = ""
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Proxy:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop, and cut everything."""
        assert self._server is not None
        self._server.close()
        self.cut()

    def befall(self, fault: str, times: int = 1, skip: int = 0) -> None:
        """Let a fault happen to the next requests that fit, after the first `skip` of them."""
        self.fault, self.left, self.skip = fault, times, skip

    def cut(self) -> None:
        """Cut every connection there is, without a word."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while (request := await self._request(reader)) is not None:
                if request.upgrade:
                    await self._tunnel(request, reader, writer)
                    return
                await self._one(request, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> _Request | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        body = await reader.readexactly(int(_header(head, b"content-length") or 0))
        return _Request(method, path.split("?")[0], head, body, b"upgrade: websocket" in head.lower())

    async def _one(self, request: _Request, writer: asyncio.StreamWriter) -> None:
        fault = ""
        self.log.append((time.time_ns(), f"{request.method} {request.path}"))
        if self.left and self.fits(request.method, request.path):
            if self.skip:
                self.skip -= 1
            else:
                fault, self.left = self.fault, self.left - 1
                self.seen.append(f"{fault} {request.method} {request.path}")
        if fault in ("429", "418", "503"):
            writer.write(_answer(int(fault), -1003 if fault != "503" else -1001))
            return
        if fault == "cut":
            self.cut()
            return
        self.stream = fault if fault in ("doubled", "reordered") else self.stream
        answer = await self._forwarded(request)
        match fault:
            case "lost":
                writer.transport.abort()
                return
            case "cut-after":
                self.cut()
                return
            case "late":
                await asyncio.sleep(LATE_S)
            case "503-after":
                answer = _answer(503, -1001)
            case "1007":
                answer = _answer(408, -1007)
            case _:
                pass
        writer.write(answer)
        await writer.drain()

    async def _upstream(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        at = urlsplit(self.upstream)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        self._writers.add(writer)
        return reader, writer

    def _as_theirs(self, head: bytes) -> bytes:
        """The head with the exchange's own name in it: it looks at that."""
        lines = head.split(b"\r\n")
        here = urlsplit(self.upstream).netloc.encode()
        return b"\r\n".join(b"Host: " + here if line.lower().startswith(b"host:") else line for line in lines)

    async def _forwarded(self, request: _Request) -> bytes:
        try:
            reader, writer = await self._upstream()
        except OSError:
            return _answer(502, -1000)
        try:
            writer.write(self._as_theirs(request.head) + request.body)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(int(_header(head, b"content-length") or 0))
            return head + body
        except (OSError, asyncio.IncompleteReadError):
            return _answer(502, -1000)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _tunnel(self, request: _Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await self._upstream()
        try:
            back.write(self._as_theirs(request.head))
            writer.write(await there.readuntil(b"\r\n\r\n"))
            private = "/private/" in request.path
            ways = [
                asyncio.ensure_future(_copied(reader, back)),
                asyncio.ensure_future(self._frames(there, writer) if private else _copied(there, writer)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._writers.discard(back)
            back.close()

    async def _frames(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand the account's messages on, doubled or in pairs turned round where that is the fault."""
        while True:
            frame = await _frame(reader)
            if self.stream == "doubled":
                frame += frame
            elif self.stream == "reordered":
                with contextlib.suppress(TimeoutError):
                    frame = await asyncio.wait_for(_frame(reader), 0.05) + frame
            writer.write(frame)
            await writer.drain()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """One frame from a server: those carry no mask."""
    head = await reader.readexactly(2)
    size = head[1] & 0x7F
    more = b""
    if size >= 126:
        more = await reader.readexactly(2 if size == 126 else 8)
        size = int.from_bytes(more, "big")
    return head + more + await reader.readexactly(size)


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


def _header(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return None


def _answer(status: int, code: int) -> bytes:
    body = json.dumps({"code": code, "msg": "made by the proxy"}).encode()
    retry = f"Retry-After: {SILENCE_S}\r\n" if status in (429, 418) else ""
    head = f"HTTP/1.1 {status} Fault\r\nContent-Type: application/json\r\n{retry}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
