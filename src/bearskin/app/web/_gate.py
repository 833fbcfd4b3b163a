"""Who may speak to the dashboard: its owner, at its own address, from no foreign page."""

from __future__ import annotations

import hmac
import html
from collections.abc import Iterable, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "bearskin"
READING = frozenset({"GET", "HEAD", "OPTIONS"})
_LOGIN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>bearskin: token</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:16px/1.5 system-ui,sans-serif;background:#0d1117;color:#e6edf3;display:grid;place-items:center;
min-height:90vh;margin:1rem}}main{{max-width:26rem}}input,button{{font:inherit;padding:.5rem .7rem;border-radius:6px;
border:1px solid #6e7681;background:#161b22;color:inherit}}
input{{width:100%;box-sizing:border-box;margin:.3rem 0 .8rem}}
</style><main><h1>bearskin</h1><p>{why}</p><form method="get" action="/"><label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="off" autofocus><button>Open</button></form>
<p>The address that <code>bearskin demo</code> or <code>bearskin dashboard</code> prints has it.</p></main></html>"""


class Gate:
    """Answers whoever may not come in; everybody else is handed on.

    The token comes as a bearer, or once in the address (`?token=`): then a cookie stands for it that no script can
    read and no other site can send. What changes something with a cookie must come from a page of ours (Origin).
    """

    def __init__(self, inner: ASGIApp, token: str, hosts: Iterable[str]) -> None:
        self._inner, self._token = inner, token
        self._hosts = frozenset(hosts)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] not in ("http", "websocket"):
            await self._inner(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused is None:
            await self._inner(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refused(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if headers.get("host") not in self._hosts:
            return JSONResponse({"error": "this address answers to its own name only"}, 421)
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins:
            return JSONResponse({"error": "no other page may speak to this desk"}, 403)
        if self._same(headers.get("authorization", "").removeprefix("Bearer ")):
            return None
        api = scope["path"].startswith("/api/") or scope["type"] == "websocket"
        if not api and scope["method"] == "GET":
            opened = self._opened(scope)
            if opened is not None:
                return opened
        if not self._same(_cookie(headers)):
            return self._stranger(api)
        if (scope["type"] == "websocket" or scope["method"] not in READING) and not self._from_us(headers):
            return JSONResponse({"error": "this changes something, and no page of ours asked for it"}, 403)
        return None

    def _opened(self, scope: Scope) -> Response | None:
        """Take the token out of the address, for a cookie; None where none is in it."""
        asked = parse_qsl(scope["query_string"].decode("latin-1"))
        given = dict(asked).get("token")
        if given is None:
            return None
        if not self._same(given):
            return self._stranger(api=False, why="This token is not the one of this desk.")
        rest = urlencode([(name, value) for name, value in asked if name != "token"])
        answer = RedirectResponse(scope["path"] + (f"?{rest}" if rest else ""), 303)
        answer.set_cookie(COOKIE, self._token, httponly=True, samesite="strict", path="/", max_age=30 * 86_400)
        return answer

    def _stranger(self, api: bool, why: str = "This desk opens with its token.") -> Response:
        if api:
            return JSONResponse({"error": "the token is missing or wrong"}, 401)
        return HTMLResponse(_LOGIN.format(why=html.escape(why)), 401)

    def _from_us(self, headers: Mapping[str, str]) -> bool:
        return headers.get("origin") in self._origins or headers.get("sec-fetch-site") == "same-origin"

    def _same(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._token.encode())


def _cookie(headers: Mapping[str, str]) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value
