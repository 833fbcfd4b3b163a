"""What an endpoint is and what it is handed: the same for REST and for the calls of the WebSocket API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from bearskin.exchange._codes import Code
from bearskin.exchange._state import Account, Market
from bearskin.exchange._words import AnyCommand, Event, Refused
from bearskin.exchange.wire._auth import Heard, key_owner
from bearskin.exchange.wire._desk import WireDesk
from bearskin.exchange.wire._params import Denied, need
from bearskin.exchange.wire._shapes import Face, Faces

if TYPE_CHECKING:
    from bearskin.exchange._keys import KeyOwner

OPEN, KEYED, SIGNED = 0, 1, 2  # who may call: anybody, who shows a key, who signs


class Wire:
    """What all endpoints of one exchange share."""

    __slots__ = (
        "archive",
        "desk",
        "faces",
        "floor",
        "heard",
        "lights",
        "limits",
        "markets",
        "names_given",
        "service",
        "state",
    )

    def __init__(self, desk: WireDesk) -> None:
        self.desk = desk
        self.service = desk.service
        self.archive = desk.archive
        self.limits = desk.limits
        self.floor = desk.service.exchange.floor
        self.state = desk.service.exchange.state
        self.markets = self.state.markets
        self.faces = Faces(self.markets)
        self.heard = Heard(desk.service.wall_ms())
        self.lights: dict[str, tuple[int, dict[tuple[int, str], int]]] = {}  # of deleveraging, and until when
        self.names_given = desk.service.wall_ms() << 20

    def new_name(self) -> str:
        """A client order id for who sent none, unlike any given before, by earlier runs too."""
        self.names_given += 1
        return f"auto-{self.names_given:x}"

    def now_ms(self) -> int:
        """Market time in ms, as all data carry it."""
        return self.service.now_ns() // 1_000_000


class Ask:
    """One request: who asks (0 is nobody) and with which parameters."""

    __slots__ = ("account_id", "args", "counted", "wall_ms", "wire")

    def __init__(self, wire: Wire, account_id: int, args: dict[str, str], wall_ms: int) -> None:
        self.wire = wire
        self.account_id = account_id
        self.args = args
        self.wall_ms = wall_ms
        self.counted: tuple[int, int] | None = None

    @property
    def account(self) -> Account:
        """The account that asks."""
        return self.wire.state.accounts[self.account_id]

    def count_orders(self, orders: int) -> None:
        """Count new orders against the account's limits."""
        self.counted = self.wire.limits.count_orders(self.account_id, orders, self.wall_ms)

    def face(self, name: str = "symbol") -> Face:
        """The contract that parameter `name` names."""
        face = self.wire.faces.get(need(self.args, name))
        if face is None:
            raise bad_symbol()
        return face

    def face_or_all(self) -> Face | None:
        """The contract named, or None when none was."""
        return self.face() if "symbol" in self.args else None

    def market(self) -> Market:
        """The market that `symbol` names."""
        return self.wire.markets[self.face().symbol]

    async def submit(self, command: AnyCommand) -> list[Event]:
        """Have a command carried out; its refusal is raised."""
        events = await self.wire.service.submit(command)
        if events and type(events[0]) is Refused:
            raise denied(events[0])
        return events


def denied(refused: Refused) -> Denied:
    """A refusal of the exchange as the wire tells it."""
    return Denied(refused.code, refused.message)


def bad_symbol() -> Denied:
    """The symbol is not listed."""
    return Denied(Code.BAD_SYMBOL, "Invalid symbol.")


def caller(wire: Wire, api_key: bytes | str | None) -> tuple[int, KeyOwner]:
    """The account that a key belongs to, which must be open, and what its signatures are checked with."""
    owner = key_owner(wire.desk.keys, api_key)
    if owner.account not in wire.state.accounts:
        raise Denied(Code.REJECTED_KEY, "Invalid API-key, IP, or permissions for action.", 401)
    return owner.account, owner


Handler = Callable[[Ask], Awaitable[Any]]


class Route(NamedTuple):
    """An endpoint: who may call it, what it weighs, which parameters it knows (None: it looks itself).

    A request to a route with `once` is carried out once: the same signature again is refused.
    """

    handler: Handler
    security: int
    weight: int | Callable[[Mapping[str, str]], int]
    names: frozenset[str] | None
    once: bool = False


def names_of(words: str) -> frozenset[str]:
    """The words of `words`."""
    return frozenset(words.split())


def route(
    handler: Handler,
    names: str = "",
    *,
    security: int = SIGNED,
    weight: int | Callable[[Mapping[str, str]], int] = 1,
    once: bool = False,
) -> Route:
    """A route whose parameters are the words of `names`."""
    return Route(handler, security, weight, names_of(names), once)
