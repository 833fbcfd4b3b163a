"""The exchange's HTTP face: one application, its REST endpoints found by a look in a table.

Endpoints do not pass through a router or middleware: the table is asked before Starlette is, and everything that is not
in it (sockets, control, what does not exist) goes Starlette's way.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bearskin.exchange._codes import Code
from bearskin.exchange._service import ServiceStopped
from bearskin.exchange.wire import _rest_account, _rest_market, _rest_spot, _rest_statistics, _rest_trade
from bearskin.exchange.wire._auth import check_signature, check_time, signed_text
from bearskin.exchange.wire._desk import WireDesk
from bearskin.exchange.wire._params import Denied, check_names, parse_pairs
from bearskin.exchange.wire._routes import OPEN, SIGNED, Ask, Route, Wire, caller
from bearskin.exchange.wire._sockets import socket_routes
from bearskin.exchange.wire._ws_api import ws_api_route

BODY_BYTES_MAX = 64 * 1024
QUERY_BYTES_MAX = 32 * 1024
DRAINED_BYTES_MAX = 32 * 1024 * 1024
ROUTES: dict[tuple[str, str], Route] = {
    **_rest_market.ROUTES,
    **_rest_statistics.ROUTES,
    **_rest_trade.ROUTES,
    **_rest_account.ROUTES,
    **_rest_spot.ROUTES,
}
JSON = (b"content-type", b"application/json;charset=UTF-8")
encode = msgspec.json.Encoder().encode
STOPPED = "Internal error; unable to process your request. Please try again."


class WireApp(Starlette):
    """A Starlette application that answers the table's endpoints itself."""

    wire: Wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an endpoint of the table, or hand on."""
        if scope["type"] == "http":
            found = ROUTES.get((scope["method"], scope["path"]))
            if found is not None:
                await answer(self.wire, found, scope, receive, send)
                return
        await super().__call__(scope, receive, send)


def app_of(desk: WireDesk) -> WireApp:
    """The application that serves `desk`: REST, the sockets and the WebSocket API."""
    wire = Wire(desk)
    app = WireApp(
        routes=[ws_api_route(wire), *socket_routes(desk)],
        exception_handlers={HTTPException: no_such_path},
    )
    app.router.redirect_slashes = False  # a path is served or it is not
    app.wire = wire
    return app


async def no_such_path(request: Request, error: Exception) -> Response:
    """Every path that is not served, in JSON."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    no = {"code": int(Code.BAD_PATH), "msg": f"Path {request.scope['path'][:200]}, Method {request.method} is invalid"}
    return Response(encode(no), status_code=404 if status == 405 else status, media_type="application/json")


async def answer(wire: Wire, found: Route, scope: Scope, receive: Receive, send: Send) -> None:
    """Carry out one request and send its answer; a refusal is an answer too."""
    wall_ms = wire.service.wall_ms()
    client = scope["client"]
    address = client[0] if client else "unknown"
    headers: list[tuple[bytes, bytes]] = [JSON]
    status = 200
    try:
        api_key, body = await read(scope, receive)
        ask = ask_of(wire, found, scope["query_string"], body, api_key, wall_ms, address)
        data = encode(await found.handler(ask))
        if ask.counted is not None:
            ten, minute = ask.counted
            headers.append((b"x-mbx-order-count-10s", b"%d" % ten))
            headers.append((b"x-mbx-order-count-1m", b"%d" % minute))
    except Denied as no:
        status = no.status
        data = encode(no.body())
        headers.extend(no.headers)
    except ServiceStopped:
        status = 503
        data = encode({"code": int(Code.DISCONNECTED), "msg": STOPPED})
    headers.append((b"content-length", b"%d" % len(data)))
    headers.append((b"x-mbx-used-weight-1m", b"%d" % wire.limits.weight_used(address, wall_ms)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if status != 413:
        await send({"type": "http.response.body", "body": data})
        return
    # what a client is still sending is read and thrown away, or it would see a reset instead of the answer
    await send({"type": "http.response.body", "body": data, "more_body": True})
    await drain(receive)
    await send({"type": "http.response.body", "body": b""})


def ask_of(
    wire: Wire, found: Route, query: bytes, body: bytes, api_key: bytes | None, wall_ms: int, address: str
) -> Ask:
    """The request as its endpoint is handed it: weighed, its signature checked, its parameters read."""
    if len(query) > QUERY_BYTES_MAX:
        raise Denied(Code.ILLEGAL_CHARS, "The query is too long.", 414)
    security = found.security
    args: dict[str, str] = {}
    account = 0
    if security == OPEN:
        parse_pairs(query, args)
    elif security == SIGNED:
        account, owner = caller(wire, api_key)
        covered, signature = signed_text(query, body)
        mark = check_signature(owner, covered, signature)
        parse_pairs(query, args)
        if body:
            parse_pairs(body, args)
        sent_ms = check_time(args, wall_ms)
        if found.once:
            wire.heard.once(mark, sent_ms, wall_ms)
    else:
        account, _ = caller(wire, api_key)
        parse_pairs(query, args)
        if body:
            parse_pairs(body, args)
    weight = found.weight
    wire.limits.spend(address, weight if type(weight) is int else weight(args), wall_ms)  # type: ignore[operator]
    if found.names is not None:
        check_names(args, found.names)
    return Ask(wire, account, args, wall_ms)


async def read(scope: MutableMapping[str, Any], receive: Receive) -> tuple[bytes | None, bytes]:
    """API key and body of a request; a body beyond the limit is refused before it is read."""
    api_key: bytes | None = None
    length = 0
    for name, value in scope["headers"]:
        if name == b"x-mbx-apikey":
            api_key = value
        elif name == b"content-length":
            length = int(value) if value.isdigit() and len(value) < 16 else BODY_BYTES_MAX + 1
        elif name == b"transfer-encoding":
            length = length or 1
    if not length:
        return api_key, b""
    if length > BODY_BYTES_MAX:
        raise too_large()
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            raise too_large()
    return api_key, body


def too_large() -> Denied:
    """The body is beyond the limit; the connection is closed after the answer."""
    return Denied(
        Code.TOO_MANY_PARAMETERS, f"The body is larger than {BODY_BYTES_MAX} bytes.", 413, ((b"connection", b"close"),)
    )


async def drain(receive: Receive) -> None:
    """Read on and keep nothing, up to a bound."""
    left = DRAINED_BYTES_MAX
    while left > 0:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
        left -= len(message.get("body", b"")) or 1
