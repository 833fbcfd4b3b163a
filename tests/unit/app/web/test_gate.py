"""Who gets in, over HTTP and over sockets, and what every answer says of itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from bearskin.app.web._gate import STREAM, Gate, cookie_of

TOKEN = "t0ken-" + "x" * 30
HOST = "127.0.0.1:8765"
OURS, FOREIGN = f"http://{HOST}", "http://evil.example"
KEPT = f"{cookie_of(TOKEN)}={TOKEN}"
LET_IN = 200
BEARER = f"Bearer {TOKEN}"


async def inner(scope: Any, receive: Any, send: Any) -> None:
    """What stands behind the gate: says yes to everything."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await JSONResponse({"in": True})(scope, receive, send)


def knocked(
    kind: str = "http",
    method: str = "GET",
    path: str = "/api/v1/bot",
    query: str = "",
    behind: Any = inner,
    **headers: str | None,
) -> tuple[int, dict[str, str], bytes]:
    """Knock; the status (1008 for a socket that is refused), the headers and the body."""
    given = {"host": HOST, **headers}
    scope = {
        "type": kind, "method": method, "path": path, "query_string": query.encode(), "scheme": "http",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items() if value],
        "root_path": "", "http_version": "1.1", "server": ("127.0.0.1", 8765), "client": ("127.0.0.1", 5),
    }  # fmt: skip
    said: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        said.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    asyncio.run(Gate(behind, TOKEN, ("127.0.0.1", "localhost", "[::1]"))(scope, receive, send))
    first = said[0]
    if kind == "websocket":
        return (LET_IN if first["type"] == "websocket.accept" else first["code"]), {}, b""
    told = {name.decode(): value.decode() for name, value in first["headers"]}
    return first["status"], told, b"".join(one.get("body", b"") for one in said[1:])


@pytest.mark.parametrize("path", ["/", "/ticket", "/api/v1/bot", "/static/desk.css", "/_nicegui_ws/socket.io/"])
@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example", "authorization": BEARER}, 421),
        ({"host": "127.0.0.1.evil.example:8765", "authorization": BEARER}, 421),
        ({"host": "evil.example:8765@127.0.0.1", "authorization": BEARER}, 421),
        ({"host": None, "authorization": BEARER}, 421),
        ({"origin": FOREIGN, "authorization": BEARER}, 403),
        ({"origin": "null", "authorization": BEARER}, 403),
        ({"origin": "http://127.0.0.1:3000", "authorization": BEARER}, 403),
        ({"origin": f"https://{HOST}", "authorization": BEARER}, 403),
        ({"origin": FOREIGN, "cookie": KEPT}, 403),
        ({}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": "Bearer guess"}, 401),
        ({"authorization": f"Basic {TOKEN}"}, 401),
        ({"cookie": f"{cookie_of(TOKEN)}=guess"}, 401),
        ({"cookie": f"bearskin={TOKEN}"}, 401),
        ({"cookie": "\x00;=;;"}, 401),
        ({"authorization": BEARER}, 200),
        ({"authorization": BEARER, "host": "localhost:9000", "origin": "http://localhost:9000"}, 200),
        ({"authorization": BEARER, "host": "[::1]:8765"}, 200),
        ({"cookie": KEPT, "origin": OURS}, 200),
    ],
)
def test_who_gets_in(kind: str, path: str, headers: dict[str, str | None], status: int) -> None:
    found, told, body = knocked(kind, path=path, **headers)
    wanted = status if kind == "http" or status == LET_IN else 1008
    assert found == wanted
    assert TOKEN not in str(told) + body.decode()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"cookie": KEPT}, 403),  # no page that the browser vouches for
        ({"cookie": KEPT, "sec-fetch-site": "cross-site"}, 403),
        ({"cookie": KEPT, "sec-fetch-site": "same-site"}, 403),
        ({"cookie": KEPT, "sec-fetch-site": "none"}, 403),
        ({"cookie": KEPT, "origin": OURS}, 200),
        ({"cookie": KEPT, "sec-fetch-site": "same-origin"}, 200),
        ({"authorization": BEARER}, 200),
    ],
)
def test_what_changes_something_needs_more_than_a_cookie(method: str, headers: dict[str, str], status: int) -> None:
    assert knocked(method=method, **headers)[0] == status


def test_a_cookie_reads_without_an_origin_but_opens_no_socket() -> None:
    assert knocked(cookie=KEPT)[0] == 200
    assert knocked("websocket", path="/_nicegui_ws/socket.io/", cookie=KEPT)[0] == 1008


def test_a_socket_of_the_stream_may_prove_itself_later_but_not_from_a_foreign_page() -> None:
    seen: list[Any] = []

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["state"])
        await send({"type": "websocket.accept"})

    assert knocked("websocket", path=STREAM, behind=behind)[0] == 200
    proof = seen[0]["proof"]
    assert proof(TOKEN)
    assert not proof("guess")
    assert not seen[0].get("let_in")
    assert knocked("websocket", path=STREAM, origin=FOREIGN)[0] == 1008
    assert knocked(path=STREAM)[0] == 401


def test_the_token_in_the_address_becomes_a_cookie_and_is_gone() -> None:
    status, told, _ = knocked(path="/ticket", query=f"token={TOKEN}&side=short")
    assert (status, told["location"]) == (303, "/ticket?side=short")
    kept = told["set-cookie"]
    assert kept.startswith(KEPT)
    assert all(word in kept for word in ("HttpOnly", "SameSite=strict", "Path=/"))
    assert knocked(path="/", query="token=guess")[0] == 401
    assert knocked(path="/api/v1/bot", query=f"token={TOKEN}")[0] == 401  # an address is written down in many places
    assert knocked(path="//evil.example", query=f"token={TOKEN}")[1]["location"] == "/evil.example"


def test_who_has_the_token_and_keeps_no_cookie_is_told_why_it_leads_back_here() -> None:
    assert knocked(path="/", query=f"token={TOKEN}")[0] == 303  # the way there is right, only the cookie is dropped
    assert b"this browser keeps no cookies of this address: allow them" in knocked(path="/")[2]


def test_the_page_that_asks_for_the_token_repeats_nothing() -> None:
    _, _, body = knocked(path="/", query="token=<script>alert(1)</script>")
    assert b"alert" not in body
    assert b"not the one" in body


@pytest.mark.parametrize("other", ['theme={"dark": true}', "words=a b, c", "t[1]=2", "alone", "caf\xe9=1"])
def test_cookies_of_other_servers_on_this_machine_do_not_shut_its_owner_out(other: str) -> None:
    """A browser sends a name's cookies to all of its ports."""
    assert knocked(cookie=f"{other}; {KEPT}")[0] == 200
    assert knocked(cookie=f"{KEPT}; {other}")[0] == 200


def test_two_desks_have_two_cookies() -> None:
    assert cookie_of("a" * 43) != cookie_of("b" * 43)


def test_every_answer_says_how_far_to_trust_it() -> None:
    for status, told, _ in (knocked(authorization=BEARER), knocked(), knocked(host="evil.example")):
        assert "frame-ancestors 'none'" in told["content-security-policy"], status
        assert "script-src 'self' 'nonce-" in told["content-security-policy"]
        assert "'unsafe-inline'" not in told["content-security-policy"].partition("script-src")[2].partition(";")[0]
        assert told["x-content-type-options"] == "nosniff"
        assert told["referrer-policy"] == "no-referrer"
        assert told["cache-control"] == "no-store"


def test_an_answer_with_a_policy_of_its_own_keeps_it() -> None:
    async def sheet(_: Any) -> HTMLResponse:
        return HTMLResponse("<script>1</script>", headers={"Content-Security-Policy": "sandbox allow-scripts"})

    behind = Starlette(routes=[Route("/api/v1/sheet", sheet)])
    _, told, body = knocked(path="/api/v1/sheet", behind=behind, authorization=BEARER)
    assert told["content-security-policy"] == "sandbox allow-scripts"
    assert "x-frame-options" not in told
    assert body == b"<script>1</script>"


def test_scripts_of_our_pages_carry_the_nonce_of_their_answer() -> None:
    async def page(_: Any) -> HTMLResponse:
        return HTMLResponse("<script>1</script><p>&lt;script>", headers={"X-NiceGUI-Content": "page"})

    behind = Starlette(routes=[Route("/", page)])
    _, first, body = knocked(path="/", behind=behind, authorization=BEARER)
    _, second, _ = knocked(path="/", behind=behind, authorization=BEARER)
    nonce = first["content-security-policy"].partition("'nonce-")[2].partition("'")[0]
    assert body == f'<script nonce="{nonce}">1</script><p>&lt;script>'.encode()
    assert first["content-length"] == str(len(body))
    assert nonce not in second["content-security-policy"]


def test_what_a_proxy_would_say_is_not_believed() -> None:
    seen: list[Any] = []

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        seen.extend(name for name, _ in scope["headers"])
        await JSONResponse({})(scope, receive, send)

    knocked(behind=behind, authorization=BEARER, x_forwarded_prefix="//evil.example", x_forwarded_host="evil.example")
    assert not [name for name in seen if name.startswith(b"x-forwarded")]
