"""An exchange served over HTTP and WebSocket until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import gc
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import uvicorn
import uvloop
from starlette.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from bearskin.exchange._service import ServiceStopped
from bearskin.exchange.wire._address import Address, address_told
from bearskin.exchange.wire._app import app_of
from bearskin.exchange.wire._desk import WireDesk
from bearskin.exchange.wire._edge import Edge
from bearskin.exchange.wire._limits import Limits
from bearskin.exchange.wire._listen_keys import ListenKeys
from bearskin.exchange.wire._opening import LISTEN_KEYS_FILE, ExchangeOptions, Opened, open_exchange
from bearskin.exchange.wire._streams import Streams
from bearskin.terms import BadInput

START_S_MAX = 30.0
_NO_SOCKET = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
logger = logging.getLogger("bearskin.exchange")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running(Address):
    """An exchange served from a thread of this process; `stop` ends it and writes its snapshot."""

    opened: Opened = field(repr=False)
    stop: Callable[[], None] = field(repr=False)


def serve(
    options: ExchangeOptions, ready: Callable[[Address, Opened], None], *, stop_after_s: float | None = None
) -> None:
    """Serve an exchange from this thread until SIGINT, SIGTERM or `stop_after_s`; `ready` is told once it answers.

    Raises BadInput for a port or folder in use and options that do not fit, StoreBroken for a damaged folder.
    """
    with _bound(options.host, options.port) as door:
        opened = open_exchange(options, time.time_ns)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            stop = asyncio.Event()
            loop = runner.get_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stop.set)
            if stop_after_s is not None:
                loop.call_later(stop_after_s, stop.set)
            runner.run(_served(opened, options, door, stop, ready))


def start_in_thread(options: ExchangeOptions) -> Running:
    """Serve an exchange from a thread of its own and return once it answers; raises what `serve` raises."""
    door = _bound(options.host, options.port)
    told: list[tuple[Address, Opened]] = []
    failed: list[BaseException] = []
    up = threading.Event()
    stops: list[Callable[[], object]] = []

    def work() -> None:
        try:
            with door, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                opened = open_exchange(options, time.time_ns)
                stop = asyncio.Event()
                stops.append(functools.partial(runner.get_loop().call_soon_threadsafe, stop.set))

                def ready(address: Address, opened: Opened) -> None:
                    told.append((address, opened))
                    up.set()

                runner.run(_served(opened, options, door, stop, ready))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            failed.append(error)
        finally:
            up.set()

    thread = threading.Thread(target=work, name="bearskin-exchange", daemon=True)
    thread.start()
    if not up.wait(START_S_MAX) and not failed:
        failed.append(TimeoutError("the exchange did not start"))
    if failed:
        raise failed[0]
    address, opened = told[0]

    def halt() -> None:
        if thread.is_alive():
            with contextlib.suppress(RuntimeError):  # its loop has closed meanwhile
                stops[0]()
            thread.join(START_S_MAX)
        if failed:
            raise failed[0]

    return Running(
        url=address.url, ws_url=address.ws_url, key=address.key, secret=address.secret,
        control_url=address.control_url, token=address.token, opened=opened, stop=halt,
    )  # fmt: skip


class _Server(uvicorn.Server):
    """Leaves signals alone: who serves decides what they mean."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


class _SocketProtocol(WebSocketsSansIOProtocol):
    """Tells what cannot become a socket, an address beyond 8 KiB: uvicorn would leave such a connection standing."""

    def data_received(self, data: bytes) -> None:
        """Take what came in."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(_NO_SOCKET)
            self.transport.close()


async def _served(
    opened: Opened,
    options: ExchangeOptions,
    door: socket.socket,
    stop: asyncio.Event,
    ready: Callable[[Address, Opened], None],
) -> None:
    """Serve until `stop`; the market runs meanwhile. What was begun is finished and the snapshot written.

    Raises ServiceStopped at the end when the exchange had stopped by itself.
    """
    told = contextlib.ExitStack()
    try:
        port = int(door.getsockname()[1])
        desk = _desk(opened, options, port)
        server = _Server(_config(_edge(desk, opened), port))
        serving = asyncio.create_task(server.serve(sockets=[door]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.002)
        driving = asyncio.create_task(opened.driver.run())
        gc.collect()
        gc.freeze()  # what is there now stays: the collector need not look at it again
        address = _address(opened, desk)
        told.enter_context(address_told(opened.folder, address))
        ready(address, opened)
        stopping = asyncio.create_task(stop.wait())
        watched = {serving, stopping, driving}
        while not (stopping.done() or serving.done()):
            done, watched = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if driving in done and driving.exception() is not None:
                break
        server.should_exit = True
        stopping.cancel()
        if not driving.done():
            driving.cancel()
        await serving
        for task in (driving, stopping):
            with contextlib.suppress(asyncio.CancelledError):
                await task
    finally:
        failure = opened.service.stopped
        told.close()
        opened.close()
        gc.unfreeze()
    if failure is not None:
        raise ServiceStopped(failure)


def _desk(opened: Opened, options: ExchangeOptions, port: int) -> WireDesk:
    service = opened.service
    listen_keys = ListenKeys(service.wall_ms, opened.folder / LISTEN_KEYS_FILE)
    return WireDesk(
        service=service,
        archive=service.archive,
        keys=opened.keys,
        listen_keys=listen_keys,
        limits=Limits(on=options.limits),
        streams=Streams(service, service.archive, listen_keys),
        token=opened.keys.control_token(),
        host=options.host,
        port=port,
    )


def _edge(desk: WireDesk, opened: Opened) -> ASGIApp:
    def control() -> ASGIApp:
        from bearskin.exchange.wire._control import control_app

        return control_app(desk, opened.driver)

    return Edge(app_of(desk), control, desk.host, desk.port)


def _config(app: ASGIApp, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        port=port,
        http="httptools",
        ws=_SocketProtocol,
        lifespan="off",
        access_log=False,  # a query may hold a signature, a path a listen key
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        ws_ping_interval=180,
        ws_ping_timeout=600,
        ws_max_size=1 << 20,
        ws_per_message_deflate=False,  # on one machine it costs time and saves nothing
        backlog=2_048,
    )


def _address(opened: Opened, desk: WireDesk) -> Address:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(desk.host, desk.host)  # noqa: S104 - only told
    key, secret = opened.keys.make(opened.user)
    return Address(
        url=f"http://{host}:{desk.port}",
        ws_url=f"ws://{host}:{desk.port}",
        key=key,
        secret=secret,
        control_url=f"http://{host}:{desk.port}/control",
        token=desk.token,
    )


def _bound(host: str, port: int) -> socket.socket:
    """A listening socket; raises BadInput when it cannot be had."""
    if not 0 <= port <= 65_535:
        raise BadInput(f"port was {port}, must be 0 to 65535")
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise BadInput(f"host was {host!r}, which is no address of this machine ({error.strerror})") from None
    door = socket.socket(family, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(where)
        door.listen(2_048)
        door.setblocking(False)
    except OSError as error:
        door.close()
        if error.errno == errno.EADDRINUSE:
            raise BadInput(f"port {port} of {host} is in use: name another with --port") from None
        raise BadInput(f"port {port} of {host} cannot be had ({error.strerror}): name another with --port") from None
    return door
