"""The door of the server: which hosts and origins may come in, and which part answers.

A page in the user's browser must not trade on or command the exchange behind his back: requests that a browser sends
from another origin are refused, and so are names that somebody else's name server points at this machine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
FORBIDDEN = b'{"code":-1000,"msg":"This host or origin is not served here."}'


class Edge:
    """Checks Host and Origin, sends `/control` and who opens `/` to control (made on first use), all else on."""

    def __init__(self, app: ASGIApp, control: Callable[[], ASGIApp], host: str, port: int) -> None:
        self._app = app
        self._make_control = control
        self._control: ASGIApp | None = None
        names = [*LOOPBACK, f"[{host}]" if ":" in host else host]
        self._hosts = {f"{name}:{port}".encode(): None for name in names}
        self._origins = {f"http://{name}:{port}".encode(): None for name in names}
        self._port = port
        # bound to more than this machine, it is reached by addresses we cannot know; never by foreign names
        self._open = host not in ("127.0.0.1", "localhost", "::1")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in or refuse."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        host = origin = None
        twice = False
        for name, value in scope["headers"]:
            if name == b"host":
                twice = twice or host is not None
                host = value.lower()
            elif name == b"origin":
                twice = twice or origin is not None
                origin = value.lower()
        if twice or (host not in self._hosts and not self._by_address(host)) or not self._same(origin):
            await _refuse(scope, receive, send)
            return
        path: str = scope["path"]
        if path == "/control" or path.startswith("/control/"):
            if self._control is None:
                self._control = self._make_control()
            await self._control(scope, receive, send)
            return
        if path == "/" and scope["type"] == "http" and scope["method"] == "GET":  # somebody looks with a browser
            await send({"type": "http.response.start", "status": 307, "headers": [(b"location", b"/control/")]})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, send)

    def _same(self, origin: bytes | None) -> bool:
        if origin is None or origin in self._origins:
            return True
        return origin.startswith(b"http://") and self._by_address(origin[len(b"http://") :])

    def _by_address(self, host: bytes | None) -> bool:
        """Whether an address of a machine (not a name) stands there, where we serve more than this one."""
        if not self._open or host is None:
            return False
        name, _, port = host.decode("latin-1").rpartition(":")
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return port == str(self._port)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        message: Message = await receive()
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(FORBIDDEN))]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": FORBIDDEN})
