"""Orders over HTTP: the exchange against a bare Starlette route that checks the same signature, in one run.

Three kinds of processes: the server under load, the load itself (raw sockets kept alive, requests signed beforehand)
and, for the exchange, fifty sockets that listen to its streams. Of the requests 70 % place an order that rests at one
of two hundred prices on either side, 25 % cancel one and 5 % take, from fifty accounts. The bare route is sent the
same.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1] / "src"))

ACCOUNTS = 50
CONNECTIONS = 16
SECONDS = 3.0
REQUESTS_MAX = 60_000
SHARE_MIN = 0.25
P99_MS_MAX = 20.0
LISTENERS = (
    ("public", "btcusdt@depth@100ms", 25),
    ("market", "btcusdt@markPrice@1s", 15),
    ("market", "btcusdt@aggTrade", 10),
)
MASTER = b"b" * 32
PATH = b"/fapi/v1/order"
PRICES = 200  # on either side
SETTLED = 2_000  # requests after which an order surely rests


# --- servers ---------------------------------------------------------------------------------------------------------


def bare_app() -> Any:
    """One Starlette route that checks the signature of a form body and answers a fixed order."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from bearskin.exchange._keys import Keys

    keys = Keys(MASTER)
    fixed = json.dumps(
        {"orderId": 1, "symbol": "BTCUSDT", "status": "NEW", "clientOrderId": "x" * 32}
        | {f"field{n}": "0.00" for n in range(22)}
    ).encode()

    async def order(request: Request) -> Response:
        body = await request.body() or request.scope["query_string"]
        owner = keys.secret_of(request.headers["x-mbx-apikey"])
        assert owner is not None
        text, _, signature = body.rpartition(b"&signature=")
        right = hmac.digest(owner.secret, text, "sha256").hex().encode()
        if not hmac.compare_digest(right, signature):
            return Response(b'{"code":-1022}', 400, media_type="application/json")
        return Response(fixed, media_type="application/json")

    return Starlette(routes=[Route(PATH.decode(), order, methods=["POST", "DELETE"])])


def exchange_app(folder: Path, port: int) -> Any:
    """The wire over a fresh exchange: one contract, fifty funded accounts, journal on disk, limits off."""
    from bearskin.exchange._archive import Archive
    from bearskin.exchange._clock import MarketClock
    from bearskin.exchange._core import Exchange
    from bearskin.exchange._keys import Keys
    from bearskin.exchange._service import Service
    from bearskin.exchange._state import BracketRow, Contract
    from bearskin.exchange._words import Deposit, ListContract, OpenAccount, SetIndex, SetMark
    from bearskin.exchange.wire._app import app_of
    from bearskin.exchange.wire._desk import WireDesk
    from bearskin.exchange.wire._edge import Edge
    from bearskin.exchange.wire._limits import Limits
    from bearskin.exchange.wire._listen_keys import ListenKeys
    from bearskin.exchange.wire._streams import Streams
    from bearskin.journal import Journal

    exchange, archive = Exchange(), Archive()
    archive.bind(exchange.state)
    clock = MarketClock(time.time_ns, start_ns=time.time_ns())
    service = Service(exchange, archive, Journal.open(folder / "journal.sqlite"), clock, time.time_ns)
    now = service.now_ns()
    tier = BracketRow(floor=Decimal(0), cap=Decimal(10**12), mmr=Decimal("0.004"), max_leverage=125, cum=Decimal(0))
    terms = Contract(
        symbol="BTCUSDT", base="BTC", quote="USDT", settle="USDT", tick=Decimal("0.1"), step=Decimal(1),
        min_price=Decimal("0.1"), max_price=Decimal(1_000_000), min_qty=Decimal(1), max_qty=Decimal(1000),
        market_max_qty=Decimal(1000), min_notional=Decimal(50), brackets=(tier,), max_orders=10**9,
    )  # fmt: skip
    opening = [OpenAccount(time_ns=now, name=f"a{n}") for n in range(ACCOUNTS)]
    money = [Deposit(time_ns=now, account=n + 2, amount=Decimal(10**10)) for n in range(ACCOUNTS)]
    service.submit_now([ListContract(time_ns=now, contract=terms), *opening, *money])
    service.submit_now([SetIndex(time_ns=now, symbol="BTCUSDT", prices={"one": Decimal(60_000)})])
    service.submit_now([SetMark(time_ns=now, symbol="BTCUSDT", price=Decimal(60_000))])
    listen_keys = ListenKeys(service.wall_ms)
    desk = WireDesk(
        service=service,
        archive=archive,
        keys=Keys(MASTER),
        listen_keys=listen_keys,
        limits=Limits(on=False),
        streams=Streams(service, archive, listen_keys),
        token="",
        host="127.0.0.1",
        port=port,
    )
    app = app_of(desk)
    app.router.lifespan_context = ticking(service)
    return Edge(app, no_control, desk.host, desk.port)


def no_control() -> Any:
    """Nobody asks for control here."""
    raise AssertionError


def ticking(service: Any) -> Any:
    """A lifespan during which market time ticks once a second."""
    from contextlib import asynccontextmanager

    from bearskin.exchange._words import Tick

    async def tick() -> None:
        while True:
            await asyncio.sleep(1)
            await service.submit(Tick(time_ns=service.now_ns()))

    @asynccontextmanager
    async def lifespan(_: Any) -> Any:
        task = asyncio.create_task(tick())
        yield
        task.cancel()
        service.close()

    return lifespan


def serve(which: str, port: int, folder: str) -> None:
    """Run one of the two servers until killed."""
    import gc

    import uvicorn

    app = bare_app() if which == "bare" else exchange_app(Path(folder), port)
    gc.collect()
    gc.freeze()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        access_log=False,
        log_level="warning",
    )


def free_port() -> int:
    """A port nobody listens to."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running(which: str) -> Iterator[int]:
    """A server in its own process; its port."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([sys.executable, str(HERE), "serve", which, str(port), folder])
        try:
            await_port(port, process)
            yield port
        finally:
            process.terminate()
            process.wait()


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens."""
    for _ in range(300):
        if process.poll() is not None:
            sys.exit(f"the server ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit("the server does not listen")


# --- load ------------------------------------------------------------------------------------------------------------


def requests(count: int, seed: int, port: int) -> list[bytes]:
    """Signed requests, ready to be written to a socket: seven of ten place, a quarter cancels, one of twenty takes.

    Only orders far from the middle are cancelled, a good while after they were placed: none of them has traded.
    """
    from bearskin.exchange._keys import Keys

    dice = random.Random(seed)
    keys = Keys(MASTER)
    pairs = [keys.make(n + 2) for n in range(ACCOUNTS)]
    now_ms = time.time_ns() // 1_000_000
    found, far = [], []
    for n in range(count):
        draw = dice.random()
        key, secret = pairs[n % ACCOUNTS]
        if draw < 0.25 and far and far[0][0] < n - SETTLED:
            _, holder, name = far.pop(0)
            key, secret = pairs[holder]
            found.append(signed("DELETE", port, key, secret, f"symbol=BTCUSDT&origClientOrderId={name}", now_ms))
            continue
        side = "BUY" if dice.random() < 0.5 else "SELL"
        name = f"b{seed}-{n}"
        text = (
            f"symbol=BTCUSDT&side={side}&newClientOrderId={name}&newOrderRespType=RESULT&quantity={dice.randint(1, 9)}"
        )
        if draw > 0.95 and n > SETTLED:
            found.append(signed("POST", port, key, secret, text + "&type=MARKET", now_ms))
            continue
        away = dice.randint(1, PRICES)
        price = 60_000 + (away if side == "SELL" else -away) / 10
        found.append(signed("POST", port, key, secret, f"{text}&type=LIMIT&price={price:.1f}&timeInForce=GTC", now_ms))
        if away > PRICES // 2:
            far.append((n, n % ACCOUNTS, name))
    return found


def signed(method: str, port: int, key: str, secret: str, text: str, now_ms: int) -> bytes:
    """One HTTP request, as a client writes it: a POST with its form in the body, a DELETE with it in the query."""
    text = f"timestamp={now_ms}&{text}&recvWindow=60000"
    text += "&signature=" + hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()
    query, body = ("", text) if method == "POST" else ("?" + text, "")
    head = (
        f"{method} {PATH.decode()}{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-MBX-APIKEY: {key}\r\nAccept: */*\r\n"
    )
    if body:
        head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
    return f"{head}User-Agent: bench\r\n\r\n{body}".encode()


class Line(asyncio.Protocol):
    """One connection: writes a request, and when its answer is whole tells how long it took."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.sent_s = 0.0
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def send(self, request: bytes, due_s: float) -> None:
        """Send one request; its time counts from when it was due."""
        self.sent_s = due_s
        self.transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        at = head.index(b"content-length:") + 15
        length = int(head[at : head.find(b"\r", at) if head.find(b"\r", at) > 0 else None])
        if len(self.buffer) < end + 4 + length:
            return
        if not head.startswith(b"http/1.1 200"):
            self.load.failed += 1
            self.load.last_failure = self.buffer.decode()
        self.buffer = b""
        self.load.done(self)


class Load:
    """Requests over some connections: as fast as they are answered, or at a given rate."""

    def __init__(self, queue: list[bytes]) -> None:
        self.queue = queue
        self.next = 0
        self.failed = 0
        self.last_failure = ""
        self.times_s: list[float] = []
        self.idle: list[Line] = []
        self.waiting: list[float] = []
        self.until_s = 0.0
        self.rate: float | None = None

    def done(self, line: Line) -> None:
        """An answer is whole: go on."""
        now = time.perf_counter()
        self.times_s.append(now - line.sent_s)
        if self.rate is None:
            if now < self.until_s and self.next < len(self.queue):
                line.send(self.queue[self.next], now)
                self.next += 1
        elif self.waiting:
            line.send(self.queue[self.next], self.waiting.pop(0))
            self.next += 1
        else:
            self.idle.append(line)

    async def run(self, port: int, seconds: float, rate: float | None) -> float:
        """Load the server for some seconds; the answers a second."""
        loop = asyncio.get_running_loop()
        lines = [(await loop.create_connection(lambda: Line(self), "127.0.0.1", port))[1] for _ in range(CONNECTIONS)]
        self.rate = rate
        start = time.perf_counter()
        self.until_s = start + seconds
        if rate is None:
            for line in lines:
                line.send(self.queue[self.next], start)
                self.next += 1
            await asyncio.sleep(seconds)
        else:
            self.idle = lines
            due = start
            while due < self.until_s and self.next + len(self.waiting) < len(self.queue):
                now = time.perf_counter()
                while due <= now:
                    if self.idle:
                        self.idle.pop().send(self.queue[self.next], due)
                        self.next += 1
                    else:
                        self.waiting.append(due)
                    due += 1 / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
        answered = len(self.times_s)
        took = time.perf_counter() - start
        await asyncio.sleep(0.5)
        for line in lines:
            line.transport.close()
        return answered / took


def load(port: int, seconds: float, rate: float | None, seed: int) -> dict[str, float]:
    """Rate and latencies of one load, run in this process."""
    import gc

    import uvloop

    count = REQUESTS_MAX if rate is None else int(rate * seconds) + 100
    work = Load(requests(count, seed, port))
    gc.disable()
    answered = uvloop.run(work.run(port, seconds, rate))
    if work.failed:
        sys.exit(f"{work.failed} requests were refused, the last with {work.last_failure}")
    times = sorted(work.times_s)
    return {
        "per_s": answered,
        "p50_ms": statistics.median(times) * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000,
        "max_ms": times[-1] * 1000,
        "count": len(times),
    }


def loaded(port: int, seconds: float, rate: float | None, seed: int) -> dict[str, float]:
    """A load in its own process."""
    words = [sys.executable, str(HERE), "load", str(port), str(seconds), str(rate or 0), str(seed)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"the load failed: {done.stderr}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


# --- listeners -------------------------------------------------------------------------------------------------------


async def listen(port: int) -> None:
    """Open every listener's socket and read until killed; then say how much came."""
    from websockets.asyncio.client import connect

    counts = dict.fromkeys((stream for _, stream, _ in LISTENERS), 0)

    async def one(group: str, stream: str) -> None:
        async with connect(f"ws://127.0.0.1:{port}/{group}/ws/{stream}", compression=None) as wire:
            async for _ in wire:
                counts[stream] += 1

    tasks = [asyncio.create_task(one(group, stream)) for group, stream, count in LISTENERS for _ in range(count)]
    await asyncio.sleep(1)
    print("listening", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    failed = [task.exception() for task in tasks if task.done()]
    print(json.dumps({"counts": counts, "failed": [repr(error) for error in failed]}), flush=True)
    os._exit(0)


@contextmanager
def listening(port: int, found: dict[str, Any]) -> Iterator[None]:
    """The listeners in their own process; what they heard is put into `found`."""
    words = [sys.executable, str(HERE), "listen", str(port)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdout.readline()
    try:
        yield
    finally:
        process.stdin.write("\n")
        process.stdin.flush()
        found.update(json.loads(process.stdout.readline()))
        process.wait()


def fastest(runs: list[dict[str, float]]) -> dict[str, float]:
    """The run with most answers a second: what is left when the machine's other work is taken away."""
    return max(runs, key=lambda run: run["per_s"])


def measure() -> dict[str, object]:
    """Rates of both servers, their ratio, and the latencies of the exchange at half its rate, with listeners."""
    with running("bare") as port:
        loaded(port, 1.0, None, 1)
        bare = fastest([loaded(port, SECONDS, None, seed) for seed in (2, 3)])
    heard: dict[str, Any] = {}
    with running("exchange") as port, listening(port, heard):
        loaded(port, 1.0, None, 4)
        ours = fastest([loaded(port, SECONDS, None, seed) for seed in (5, 6)])
        halves = [loaded(port, SECONDS, ours["per_s"] / 2, seed) for seed in (7, 8, 9)]
        half = min(halves, key=lambda run: run["p99_ms"])
    return {
        "bare_per_s": bare["per_s"],
        "orders_per_s": ours["per_s"],
        "share": ours["per_s"] / bare["per_s"],
        "half_per_s": half["per_s"],
        "p50_ms": half["p50_ms"],
        "p99_ms": half["p99_ms"],
        "max_ms": half["max_ms"],
        "heard": heard["counts"],
        "listeners_failed": heard["failed"],
    }


def main() -> None:
    """Measure, or be one of the processes of a measurement."""
    words = sys.argv[1:]
    if not words:
        print(json.dumps(measure(), indent=1))
    elif words[0] == "serve":
        serve(words[1], int(words[2]), words[3])
    elif words[0] == "load":
        print(json.dumps(load(int(words[1]), float(words[2]), float(words[3]) or None, int(words[4]))))
    elif words[0] == "listen":
        asyncio.run(listen(int(words[1])))


if __name__ == "__main__":
    main()
