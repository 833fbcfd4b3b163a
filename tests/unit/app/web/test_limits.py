"""Requests in a second, bytes in a body, and what is sent compressed."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bearskin.app.web._limits import BODY_BYTES_MAX, UPLOAD_BYTES_MAX, Bucket, Kept, Limited, Shrunk

LONG = "a line that is said again and again\n" * 200


def asked(app: Any, method: str, path: str, **given: Any) -> httpx.Response:
    """One request."""

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk") as http:
            return await http.request(method, path, **given)

    return asyncio.run(ask())


async def echo(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


ECHO = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST"])])


def test_a_bucket_gives_a_burst_at_once_and_its_rate_over_time() -> None:
    now = [0.0]
    bucket = Bucket(2.0, 3, clock=lambda: now[0])
    assert [bucket.wait_s() for _ in range(3)] == [0, 0, 0]
    assert bucket.wait_s() == pytest.approx(0.5)
    now[0] = 0.5
    assert bucket.wait_s() == 0
    assert bucket.wait_s() > 0
    now[0] = 1_000.0
    assert [bucket.wait_s() > 0 for _ in range(4)] == [False, False, False, True]


def test_acting_is_held_tighter_than_reading_and_the_answer_says_when_again() -> None:
    app = Limited(ECHO, reads=(1.0, 3), acts=(0.1, 1))
    assert asked(app, "POST", "/api/v1/act").status_code == 200
    refused = asked(app, "POST", "/api/v1/act")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 10
    assert "try again in" in refused.json()["error"]
    assert [asked(app, "GET", "/api/v1/bot").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert asked(app, "GET", "/static/desk.css").status_code == 200  # a page asks for many things at once


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/api/v1/act", BODY_BYTES_MAX, 200),
        ("/api/v1/act", BODY_BYTES_MAX + 1, 413),
        ("/_nicegui/client/1/upload/2", UPLOAD_BYTES_MAX, 200),
        ("/_nicegui/client/1/upload/2", UPLOAD_BYTES_MAX + 1, 413),
    ],
)
def test_a_long_body_is_refused_whether_it_tells_its_length_or_not(path: str, size: int, status: int) -> None:
    def parts() -> Iterator[bytes]:
        for at in range(0, size, 50_000):
            yield b"x" * min(50_000, size - at)

    async def said() -> Any:
        for part in parts():
            yield part

    for content in (b"x" * size, said()):
        answer = asked(Limited(ECHO), "POST", path, content=content)
        assert answer.status_code == status
        if status == 200:
            assert answer.text == str(size)
        else:
            assert f"{BODY_BYTES_MAX if 'api' in path else UPLOAD_BYTES_MAX:,}" in answer.json()["error"]


def counting() -> tuple[Any, list[str]]:
    served: list[str] = []

    async def file(request: Request) -> Response:
        served.append(request.url.path)
        kind = "font/woff2" if request.url.path.endswith("woff2") else "text/css"
        return Response(LONG, 404 if "none" in request.url.path else 200, media_type=kind)

    return Starlette(routes=[Route("/{path:path}", file)]), served


def test_what_never_changes_is_compressed_once_and_kept() -> None:
    inner, served = counting()
    app = Kept(inner)
    for _ in range(3):
        answer = asked(app, "GET", "/static/desk.css?7")
        assert answer.text == LONG
        assert answer.headers["content-encoding"] == "gzip"
        assert "immutable" in answer.headers["cache-control"]
        assert int(answer.headers["content-length"]) < len(LONG) / 10
    assert served == ["/static/desk.css"]
    asked(app, "GET", "/static/desk.css?8")
    assert len(served) == 2  # another version


def test_a_font_is_kept_as_it_is_and_a_miss_is_not_kept() -> None:
    inner, served = counting()
    app = Kept(inner)
    assert "content-encoding" not in asked(app, "GET", "/_nicegui/x.woff2").headers
    for _ in range(2):
        assert asked(app, "GET", "/static/none.css").status_code == 404
    assert served.count("/static/none.css") == 2


def test_answers_are_compressed_for_who_takes_it_and_streams_are_left_alone() -> None:
    async def page(_: Request) -> Response:
        return PlainTextResponse(LONG)

    async def parts(_: Request) -> Response:
        return StreamingResponse(iter([LONG.encode(), LONG.encode()]), media_type="text/event-stream")

    app = Shrunk(Starlette(routes=[Route("/", page), Route("/parts", parts)]))
    assert asked(app, "GET", "/").headers["content-encoding"] == "gzip"
    plain = asked(app, "GET", "/", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == LONG
    stream = asked(app, "GET", "/parts")
    assert "content-encoding" not in stream.headers
    assert stream.text == LONG * 2
    assert len(gzip.compress(LONG.encode())) < len(LONG)
