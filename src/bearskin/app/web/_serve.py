"""The dashboard served from this process, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from bearskin.app._house import House, open_house
from bearskin.app._trade import place_of
from bearskin.app._world import DEMO
from bearskin.app.web._account_link import account_of
from bearskin.app.web._api import api_of
from bearskin.app.web._bot_link import BotLink, followed
from bearskin.app.web._demo_control import demo_control
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._gate import Gate
from bearskin.app.web._hub import Hub, beating
from bearskin.app.web._limits import Kept, Limited, Shrunk
from bearskin.app.web._market_link import market_of
from bearskin.terms import BadInput

PART, TOKEN_FILE, ADDRESS_FILE = "dashboard", "token", "address.json"
PORT = 8765
NAMES = ("127.0.0.1", "localhost", "[::1]")
RECONNECT_S = 20.0  # how long a page that has lost its line is kept; a later one is made anew
HISTORY = 300  # messages told again to a page that comes back
FRAME_BYTES_MAX = 1_000_000
logger = logging.getLogger("bearskin.app")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAddress:
    """Where the dashboard is opened; `token` lets its owner in."""

    url: str
    token: str = field(repr=False)

    @property
    def opening(self) -> str:
        """The address that opens it, token included."""
        return f"{self.url}/?token={self.token}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """What is served: where, of which run (None: whichever runs), on which venue."""

    port: int | None = None
    host: str = "127.0.0.1"
    run: str | None = None
    venue: str | None = None
    env: str | None = None
    folder: str | None = None


def serve_dashboard(
    options: Dashboard,
    ready: Callable[[WebAddress], None],
    *,
    home: Path | str | None = None,
    store: Path | str | None = None,
    stop_after_s: float | None = None,
) -> None:
    """Serve until SIGINT, SIGTERM or `stop_after_s`; `ready` is told where once it answers.

    The token is kept in the home for its owner alone, so that an open page finds its way back after a restart. Raises
    BadInput for a port in use.
    """
    house = open_house(home, store=store)
    folder = house.writable_part(PART)
    token = token_of(folder)
    with _listening(options.host, PORT if options.port is None else options.port, options.port is None) as door:
        address = WebAddress(url=f"http://{_shown(options.host)}:{door.getsockname()[1]}", token=token)
        asyncio.run(_served(options, house, folder, door, address, ready, stop_after_s))


def token_of(folder: Path) -> str:
    """The token of the dashboard in `folder`, made when there is none."""
    path = folder / TOKEN_FILE
    try:
        kept = path.read_text("ascii").strip()
        if len(kept) >= 32:
            return kept
    except (OSError, UnicodeDecodeError):
        pass
    token = secrets.token_urlsafe(32)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(token)
    return token


def read_web_address(house: House) -> WebAddress | None:
    """Where the dashboard of this home listens, as far as it said; None when it did not."""
    folder = house.home.part(PART)
    try:
        return WebAddress(url=json.loads((folder / ADDRESS_FILE).read_text("utf-8"))["url"], token=token_of(folder))
    except (OSError, ValueError, KeyError, TypeError):
        return None


async def _served(
    options: Dashboard,
    house: House,
    folder: Path,
    door: socket.socket,
    address: WebAddress,
    ready: Callable[[WebAddress], None],
    stop_after_s: float | None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if stop_after_s is not None:
        loop.call_later(stop_after_s, stop.set)
    async with _desk_open(options, house, folder) as desk:
        server = _Server(
            uvicorn.Config(
                _gated(desk, address, options),
                lifespan="on",
                access_log=False,  # an address may hold the token
                log_config=None,
                proxy_headers=False,
                server_header=False,
                ws_max_size=FRAME_BYTES_MAX,
                timeout_graceful_shutdown=1,
            )
        )
        serving = asyncio.ensure_future(server.serve(sockets=[door]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        told = folder / ADDRESS_FILE
        told.write_text(json.dumps({"url": address.url}), "utf-8")
        try:
            ready(address)
            stopping = asyncio.ensure_future(stop.wait())
            await asyncio.wait({stopping, serving}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
        finally:
            told.unlink(missing_ok=True)
            server.should_exit = True
            await serving


@contextlib.asynccontextmanager
async def _desk_open(options: Dashboard, house: House, folder: Path) -> AsyncIterator[WebDesk]:
    """The desk with its lines open; without a venue that runs it still shows what is kept."""
    hub = Hub()
    try:
        place = place_of(house, options.venue, options.env, folder=options.folder, reducing=True)
    except BadInput as error:
        logger.info("%s: what is kept is shown", error)
        place = None
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(beating(hub))
        bot = await stack.enter_async_context(followed(BotLink(house, hub, options.run)))
        market = None if place is None else await stack.enter_async_context(market_of(place, hub))
        account = None if market is None else await stack.enter_async_context(account_of(market, hub, bot))
        control = demo_control(house, options.folder) if place is not None and place.venue == DEMO else None
        yield WebDesk(
            house=house, folder=folder, place=place, hub=hub, bot=bot, market=market, account=account, control=control
        )


def _gated(desk: WebDesk, address: WebAddress, options: Dashboard) -> Any:
    from nicegui import app as nicegui_app
    from nicegui import ui

    from bearskin.app.web._pages import PAGES
    from bearskin.app.web._shell import STATIC, root_of

    app = api_of(desk)
    # Quasar's line at the top of the screen while something is fetched: it has no name for who cannot see it
    nicegui_app.config.quasar_config["loadingBar"]["skipHijack"] = True
    ui.run_with(
        app,
        root=root_of(desk, PAGES),
        title="bearskin",
        favicon=STATIC / "favicon.svg",
        tailwind=False,
        language="en-US",
        reconnect_timeout=RECONNECT_S,
        message_history_length=HISTORY,
        gzip_middleware_factory=None,  # Shrunk does it, behind the gate
        show_welcome_message=False,
    )
    return Shrunk(Gate(Limited(Kept(app)), address.token, (*NAMES, _shown(options.host))))


def _listening(host: str, port: int, otherwise: bool) -> socket.socket:
    """The port, or (`otherwise`) any free one where it is taken; raises BadInput."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        if otherwise:
            return socket.create_server((host, 0))
        raise BadInput(f"port {port} cannot be had ({error.strerror or error}): choose another with --port") from None


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class _Server(uvicorn.Server):
    """Leaves signals alone: who serves decides what they mean."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield
