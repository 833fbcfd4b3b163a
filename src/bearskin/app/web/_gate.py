"""Who may speak to the dashboard: its owner, at its own address, from no foreign page; and what every answer says of
itself to a browser."""

from __future__ import annotations

import hashlib
import hmac
import html
import secrets
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "bearskin"
READING = frozenset({"GET", "HEAD", "OPTIONS"})
STREAM = "/api/v1/stream"  # may bring its token in its first message
LET_IN, PROOF = "let_in", "proof"  # in a connection's state: the token was seen; what tells whether one is it
FORWARDED = (b"x-forwarded-prefix", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-for", b"forwarded")
POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws://{host}; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)  # NiceGUI compiles its templates (eval) and sets styles inline; no script that is not ours runs
_LOGIN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>bearskin: token</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:16px/1.5 system-ui,sans-serif;background:#0b0f14;color:#e4e9f0;display:grid;place-items:center;
min-height:90vh;margin:1rem}}main{{max-width:26rem}}input,button{{font:inherit;padding:.5rem .7rem;border-radius:6px;
border:1px solid #6e7681;background:#161b22;color:inherit}}
input{{width:100%;box-sizing:border-box;margin:.3rem 0 .8rem}}
</style><main><h1>bearskin</h1><p>{why}</p><form method="get" action="/"><label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="off" autofocus><button>Open</button></form>
<p>The address that <code>bearskin demo</code> or <code>bearskin dashboard</code> prints has it.
Where the right token leads here again, this browser keeps no cookies of this address: allow them.</p></main></html>"""


def cookie_of(token: str) -> str:
    """The cookie's name: two desks on one machine must not take each other's."""
    return f"{COOKIE}_{hashlib.sha256(token.encode()).hexdigest()[:8]}"


def same(given: str, token: str) -> bool:
    """Whether this is the token, told in a time that says nothing."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


class Gate:
    """Answers whoever may not come in; everybody else is handed on.

    The token comes as a bearer, or once in the address (`?token=`): then a cookie stands for it that no script can
    read and no other site can send. What changes something with a cookie must come from a page of ours (Origin).
    A name is ours on every port, so that a tunnel may end at any; a page is ours only at the very address it asks.
    """

    def __init__(self, inner: ASGIApp, token: str, names: Iterable[str]) -> None:
        self._inner, self._token, self._cookie = inner, token, cookie_of(token)
        self._names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] not in ("http", "websocket"):
            await self._inner(scope, receive, send)
            return
        refused = self._refusal(scope)
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name not in FORWARDED]
        if scope["type"] == "websocket":
            if refused is None:
                await self._inner(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})
            return
        nonce = secrets.token_urlsafe(16)
        await (refused or self._inner)(scope, receive, Guarded(scope, send, nonce))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if _name(host) not in self._names:
            return JSONResponse({"error": "this address answers to its own name only"}, 421)
        if origin is not None and origin != f"http://{host}":
            return JSONResponse({"error": "no other page may speak to this desk"}, 403)
        kind, given = headers.get("authorization", "").partition(" ")[::2]
        api = scope["path"].startswith("/api/") or scope["type"] == "websocket"
        if kind.lower() == "bearer" and same(given.strip(), self._token):
            scope["state"] = {**scope.get("state", {}), LET_IN: True}
            return None
        if not api and scope["method"] == "GET":
            opened = self._opened(scope)
            if opened is not None:
                return opened
        if not same(self._kept(headers), self._token):
            if scope["type"] != "websocket" or scope["path"] != STREAM:
                return self._stranger(api)
            scope["state"] = {**scope.get("state", {}), PROOF: lambda told: same(told, self._token)}
            return None
        if (scope["type"] == "websocket" or scope["method"] not in READING) and not _from_us(headers):
            return JSONResponse({"error": "this changes something, and no page of ours asked for it"}, 403)
        scope["state"] = {**scope.get("state", {}), LET_IN: True}
        return None

    def _opened(self, scope: Scope) -> Response | None:
        """Take the token out of the address, for a cookie; None where none is in it."""
        asked = parse_qsl(scope["query_string"].decode("latin-1"))
        given = dict(asked).get("token")
        if given is None:
            return None
        if not same(given, self._token):
            return self._stranger(api=False, why="This token is not the one of this desk.")
        rest = urlencode([(name, value) for name, value in asked if name != "token"])
        path = "/" + scope["path"].lstrip("/\\")  # "//host" would lead away
        answer = RedirectResponse(path + (f"?{rest}" if rest else ""), 303)
        answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/", max_age=30 * 86_400)
        return answer

    def _stranger(self, api: bool, why: str = "This desk opens with its token.") -> Response:
        if api:
            return JSONResponse({"error": "the token is missing or wrong"}, 401, {"WWW-Authenticate": "Bearer"})
        return HTMLResponse(_LOGIN.format(why=html.escape(why)), 401)

    def _kept(self, headers: Mapping[str, str]) -> str:
        # as browsers mean it: the standard library's drops all of them where another server's is odd
        return cookie_parser(headers.get("cookie", "")).get(self._cookie, "")


class Guarded:
    """Adds to an answer what tells the browser how far to trust it, and lets the scripts of our own pages run."""

    def __init__(self, scope: Scope, send: Send, nonce: str) -> None:
        self._send, self._nonce = send, nonce
        self._host = Headers(scope=scope).get("host", "")
        self._api = scope["path"].startswith("/api/")
        self._began: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        """Pass one message on; a page is held until it is whole."""
        if message["type"] == "http.response.start":
            self._secured(MutableHeaders(raw=message["headers"]))
            if MutableHeaders(raw=message["headers"]).get("x-nicegui-content") == "page":
                self._began = message
                return
        elif self._began is not None and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            began, self._began = self._began, None
            body = self._body.replace(b"<script", b'<script nonce="%b"' % self._nonce.encode())
            headers = MutableHeaders(raw=began["headers"])
            if "content-length" in headers:
                headers["content-length"] = str(len(body))
            await self._send(began)
            message = {"type": "http.response.body", "body": body}
        await self._send(message)

    def _secured(self, headers: MutableHeaders) -> None:
        if "content-security-policy" not in headers:  # a tear sheet has one of its own
            headers["content-security-policy"] = POLICY.format(nonce=self._nonce, host=self._host)
            headers["x-frame-options"] = "DENY"
        headers["x-content-type-options"] = "nosniff"
        headers["referrer-policy"] = "no-referrer"
        headers["cross-origin-opener-policy"] = "same-origin"
        headers["cross-origin-resource-policy"] = "same-origin"
        headers["permissions-policy"] = "camera=(), microphone=(), geolocation=(), payment=()"
        if self._api or headers.get("content-type", "").startswith(("text/html", "application/json")):
            headers["cache-control"] = "no-store"


def _name(host: str) -> str:
    """The name in a Host, without its port; nothing for what is none."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        return host
    return name if port.isdecimal() else ""


def _from_us(headers: Mapping[str, str]) -> bool:
    """Whether a page at this address asks (its Origin was looked at already), or one that the browser vouches for."""
    return headers.get("origin") is not None or headers.get("sec-fetch-site") == "same-origin"
