"""A small exchange with a wire on it, driven without a socket: what the tests of the wire stand on."""

from __future__ import annotations

import asyncio
import hmac
import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from bearskin.exchange._archive import Archive
from bearskin.exchange._clock import MarketClock
from bearskin.exchange._core import Exchange
from bearskin.exchange._keys import Keys
from bearskin.exchange._service import Service
from bearskin.exchange._state import BracketRow, Contract
from bearskin.exchange._words import Deposit, ListContract, OpenAccount, Place, Refused, SetIndex, SetMark
from bearskin.exchange.wire._app import app_of
from bearskin.exchange.wire._desk import WireDesk
from bearskin.exchange.wire._limits import Limits
from bearskin.exchange.wire._listen_keys import ListenKeys

START_NS = 1_790_000_000_000_000_000
BTC, ETH = "BTCUSDT", "ETHUSDT"
# floor, rate, leverage, cum of the first tiers of BTCUSDT as the venue had them in 2026
TIERS = (
    (0, "0.004", 150, 0),
    (300_000, "0.005", 100, 300),
    (800_000, "0.0065", 75, 1500),
    (3_000_000, "0.01", 50, 12000),
)


def brackets() -> tuple[BracketRow, ...]:
    """The tiers of the test's contracts."""
    caps = [row[0] for row in TIERS[1:]] + [12_000_000]
    return tuple(
        BracketRow(floor=Decimal(low), cap=Decimal(cap), mmr=Decimal(mmr), max_leverage=top, cum=Decimal(cum))
        for (low, mmr, top, cum), cap in zip(TIERS, caps, strict=True)
    )


def contract(symbol: str = BTC, tick: str = "0.1", step: str = "0.001") -> Contract:
    """A contract whose prices have one digit and whose quantities have three."""
    return Contract(
        symbol=symbol,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        step=Decimal(step),
        min_price=Decimal(tick),
        max_price=Decimal(1_000_000),
        min_qty=Decimal(step),
        max_qty=Decimal(1_000),
        market_max_qty=Decimal(120),
        min_notional=Decimal(100),
        brackets=brackets(),
    )


class Answer:
    """What came back: status, headers and JSON."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)

    @property
    def code(self) -> int | None:
        """The venue's code of a refusal."""
        found = self.json
        return found.get("code") if isinstance(found, dict) else None


class NoJournal:
    """A journal that keeps nothing: these tests are not about it, and a disk takes its time."""

    def append(self, records: object) -> None: ...

    def snapshot(self, sequence: int, data: bytes, kept: int | None) -> None: ...

    def close(self) -> None: ...


class Kit:
    """An exchange with two symbols at 60000 and 3000, a maker (account 2) and a user (account 3) with 10,000 USDT."""

    def __init__(self, *, limits: Limits | None = None) -> None:
        self.wall_ns = START_NS
        self.exchange = Exchange()
        self.archive = Archive()
        self.archive.bind(self.exchange.state)
        clock = MarketClock(lambda: self.wall_ns, start_ns=START_NS)
        self.service = Service(self.exchange, self.archive, NoJournal(), clock, lambda: self.wall_ns)  # type: ignore[arg-type]
        self.keys = Keys(b"m" * 32)
        self.key, self.secret = self.keys.make(3)
        self.limits = limits or Limits()
        self.open_market()
        self.desk = WireDesk(
            service=self.service,
            archive=self.archive,
            keys=self.keys,
            listen_keys=ListenKeys(self.service.wall_ms),
            limits=self.limits,
            streams=None,  # type: ignore[arg-type]
            token="token",
            host="127.0.0.1",
            port=0,
        )
        self.app = app_of(self.desk)

    def open_market(self) -> None:
        """List, fund, price, and put some orders of the maker on the books."""
        now = START_NS
        said: list[Any] = [
            ListContract(time_ns=now, contract=contract(BTC)),
            ListContract(time_ns=now, contract=contract(ETH, "0.01")),
            OpenAccount(time_ns=now, name="maker", kind="MAKER"),
            OpenAccount(time_ns=now, name="user"),
            Deposit(time_ns=now, account=2, amount=Decimal(10_000_000)),
            Deposit(time_ns=now, account=3, amount=Decimal(10_000)),
        ]
        for symbol, price in ((BTC, 60_000), (ETH, 3_000)):
            said.append(SetIndex(time_ns=now, symbol=symbol, prices={"one": Decimal(price), "two": Decimal(price)}))
            said.append(SetMark(time_ns=now, symbol=symbol, price=Decimal(price)))
            for n in range(1, 6):
                gap = Decimal(price) / 10_000 * n
                said.append(self.rest(symbol, 1, price - gap, "1.5", f"bid{n}{symbol}"))
                said.append(self.rest(symbol, -1, price + gap, "1.5", f"ask{n}{symbol}"))
        for events in self.service.submit_now(said):
            assert not isinstance(events[0], Refused), events

    def rest(self, symbol: str, side: int, price: Decimal, qty: str, name: str) -> Place:
        """A resting order of the maker."""
        return Place(
            time_ns=START_NS,
            account=2,
            symbol=symbol,
            side=side,
            type="LIMIT",
            qty=Decimal(qty),
            price=price,
            client_id=name,
        )

    def close(self) -> None:
        """Let go of the journal."""
        self.service.close()

    @property
    def now_ms(self) -> int:
        """Wall time."""
        return self.wall_ns // 1_000_000

    def pass_ms(self, ms: int) -> None:
        """Let wall time pass."""
        self.wall_ns += ms * 1_000_000

    # --- asking ---

    def ask(
        self,
        method: str,
        path: str,
        query: bytes | str = b"",
        body: bytes | str = b"",
        *,
        key: str | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> Answer:
        """One request, raw."""
        return asyncio.run(self.send(method, path, raw(query), raw(body), key, headers))

    async def send(
        self,
        method: str,
        path: str,
        query: bytes,
        body: bytes,
        key: str | None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> Answer:
        """One request within a loop. The body comes in parts of 64 KiB; how many were read is remembered."""
        lines = list(headers)
        if key is not None:
            lines.append((b"x-mbx-apikey", key.encode("latin-1")))
        if body and not any(name in (b"content-length", b"transfer-encoding") for name, _ in headers):
            lines.append((b"content-length", str(len(body)).encode()))
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query,
            "headers": lines,
            "client": ("127.0.0.1", 5000),
            "server": ("127.0.0.1", 80),
            "scheme": "http",
            "http_version": "1.1",
            "root_path": "",
        }
        parts = [body[n : n + 65_536] for n in range(0, len(body), 65_536)] or [b""]
        self.parts_read = 0
        started: dict[str, Any] = {}
        chunks: list[bytes] = []

        async def receive() -> dict[str, Any]:
            part = parts[self.parts_read]
            self.parts_read += 1
            return {"type": "http.request", "body": part, "more_body": self.parts_read < len(parts)}

        async def take(message: Any) -> None:
            if message["type"] == "http.response.start":
                started.update(message)
                self.parts_read_at_answer = self.parts_read
            else:
                chunks.append(message.get("body", b""))

        await self.app(scope, receive, take)
        named = {k.decode(): v.decode() for k, v in started["headers"]}
        return Answer(started["status"], named, b"".join(chunks))

    def public(self, path: str, **params: object) -> Any:
        """A question anybody may ask, answered."""
        answer = self.ask("GET", path, urlencode(params))
        assert answer.status == 200, answer.body
        return answer.json

    def signed(self, method: str, path: str, **params: object) -> Answer:
        """A request signed as ccxt signs: POST and PUT in the body, the others in the query."""
        text = urlencode({"timestamp": self.now_ms, **params, "recvWindow": 10000})
        self.wall_ns += 1_000_000  # no two requests carry the same stamp
        text += "&signature=" + self.sign(text)
        if method in ("POST", "PUT"):
            return self.ask(method, path, b"", text, key=self.key)
        return self.ask(method, path, text, key=self.key)

    def good(self, method: str, path: str, **params: object) -> Any:
        """The JSON of a signed request that must be taken."""
        answer = self.signed(method, path, **params)
        assert answer.status == 200, answer.body
        return answer.json

    def sign(self, text: str | bytes) -> str:
        """The signature of a text under the user's secret."""
        return hmac.new(self.secret.encode(), raw(text), "sha256").hexdigest()


def raw(text: str | bytes) -> bytes:
    """Text as bytes."""
    return text.encode() if isinstance(text, str) else text
