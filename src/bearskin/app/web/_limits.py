"""How much a client may ask for, requests in a second and bytes in a body; and answers made small, once."""

from __future__ import annotations

import asyncio
import gzip
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bearskin.app.web._gate import READING

BODY_BYTES_MAX = 64_000
UPLOAD_BYTES_MAX = 8_000_000  # files that a page takes in
READS, ACTS = (50.0, 200), (5.0, 30)  # in a second over time, and at once
SMALL_BYTES, CACHE_BYTES_MAX = 1_000, 32 << 20
FIXED = ("/_nicegui/", "/static/")  # their addresses carry a version
TEXTS = ("text/", "application/json", "application/javascript", "image/svg+xml")


@dataclass(slots=True)
class Bucket:
    """Lets `burst` through at once and `rate` in a second over time."""

    rate: float
    burst: int
    clock: Callable[[], float] = time.monotonic
    _left: float = field(default=-1.0)
    _at_s: float = 0.0

    def wait_s(self) -> float:
        """Take one: 0, or the seconds after which there is one again."""
        now_s = self.clock()
        if self._left < 0:
            self._left, self._at_s = float(self.burst), now_s
        self._left = min(float(self.burst), self._left + (now_s - self._at_s) * self.rate)
        self._at_s = now_s
        if self._left < 1:
            return (1 - self._left) / self.rate
        self._left -= 1
        return 0.0


class Limited:
    """Holds the API to its limits. The desk has one token, so its limits are those of the token."""

    def __init__(self, inner: ASGIApp, *, reads: tuple[float, int] = READS, acts: tuple[float, int] = ACTS) -> None:
        self._inner = inner
        self._reads, self._acts = Bucket(*reads), Bucket(*acts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 429 or 413, or hand on."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        api = scope["path"].startswith("/api/")
        if api:
            reading = scope["method"] in READING
            wait_s = (self._reads if reading else self._acts).wait_s()
            if wait_s:
                await _slower(wait_s, reading)(scope, receive, send)
                return
        if scope["method"] not in READING:
            taken = await _whole(scope, receive, BODY_BYTES_MAX if api else UPLOAD_BYTES_MAX)
            if taken is None:
                most = BODY_BYTES_MAX if api else UPLOAD_BYTES_MAX
                refused = JSONResponse({"error": f"a body has at most {most:,} bytes"}, 413, {"Connection": "close"})
                await refused(scope, receive, send)
                return
            receive = _again(taken, receive)
        await self._inner(scope, receive, send)


def _slower(wait_s: float, reading: bool) -> Response:
    after_s = max(1, math.ceil(wait_s))
    what = "requests" if reading else "acts"
    return JSONResponse(
        {"error": f"too many {what} in a short time: try again in {after_s} s"}, 429, {"Retry-After": str(after_s)}
    )


async def _whole(scope: Scope, receive: Receive, most: int) -> bytes | None:
    """The body; None where it is longer than `most`."""
    told = Headers(scope=scope).get("content-length", "0")
    if not told.isdecimal() or int(told) > most:
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


class Kept:
    """Answers what never changes from memory, compressed once: scripts, sheets and fonts, whose addresses carry a
    version."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner
        self._kept: dict[str, list[Message]] = {}
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from what is kept, else hand on and keep the answer."""
        fixed = scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith(FIXED)
        if not fixed or not _takes_gzip(scope) or "range" in Headers(scope=scope):
            await self._inner(scope, receive, send)
            return
        key = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
        if key not in self._kept:
            said: list[Message] = []

            async def heard(message: Message) -> None:
                said.append(message)

            await self._inner(_unconditional(scope), receive, heard)
            whole = await asyncio.get_running_loop().run_in_executor(None, _small, said, 6)
            if whole[0]["status"] != HTTPStatus.OK or self._bytes > CACHE_BYTES_MAX:
                for message in whole:
                    await send(message)
                return
            MutableHeaders(raw=whole[0]["headers"])["cache-control"] = "private, max-age=31536000, immutable"
            self._kept[key] = whole
            self._bytes += len(whole[1]["body"])
        began, body = self._kept[key]
        await send({**began, "headers": list(began["headers"])})
        await send(dict(body))


class Shrunk:
    """Compresses pages and answers on their way to who takes gzip; what comes in parts is passed on as it is."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, with an ear on the answer."""
        if scope["type"] != "http" or not _takes_gzip(scope):
            await self._inner(scope, receive, send)
            return
        began: Message | None = None

        async def shrunk(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = message
                return
            if began is not None:
                first, began = began, None
                whole = message["type"] == "http.response.body" and not message.get("more_body")
                for one in _small([first, message], 1) if whole else [first, message]:
                    await send(one)
                return
            await send(message)

        await self._inner(scope, receive, shrunk)


def _takes_gzip(scope: Scope) -> bool:
    return "gzip" in Headers(scope=scope).get("accept-encoding", "")


def _unconditional(scope: Scope) -> Scope:
    """The same question, to be answered whole whatever the asker has."""
    asked = [(name, value) for name, value in scope["headers"] if name not in (b"if-none-match", b"if-modified-since")]
    return {**scope, "headers": asked}


def _small(said: list[Message], level: int) -> list[Message]:
    """An answer in two messages, compressed where that makes it smaller."""
    began, body = said[0], b"".join(one.get("body", b"") for one in said[1:])
    headers = MutableHeaders(raw=list(began["headers"]))
    text = headers.get("content-type", "").startswith(TEXTS)
    if text and "content-encoding" not in headers and len(body) >= SMALL_BYTES:
        body = gzip.compress(body, level)
        headers["content-encoding"], headers["content-length"] = "gzip", str(len(body))
        headers.add_vary_header("accept-encoding")
    return [{**began, "headers": headers.raw}, {"type": "http.response.body", "body": body}]
