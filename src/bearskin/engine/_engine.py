"""The engine: one event in, approved commands and notes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple, Protocol

from bearskin.engine import _account, _leave, _protect, _targets
from bearskin.engine._book import Book
from bearskin.engine._desk import Desk, Market
from bearskin.engine._mind import Decider
from bearskin.engine._notes import AnyNote, Record
from bearskin.engine._pace import passed_ns
from bearskin.engine._settings import EngineSettings
from bearskin.market import Panel
from bearskin.risk import Approved
from bearskin.terms import AccountNow, AnyCommand, AnyEvent, Depth, Marked, Pulse, Quoted, Skewed

_FORGOTTEN = (Quoted, Depth, Marked, Pulse, Skewed)
_LOOK_NS = 1_000_000_000  # the account is not asked for more often, whatever is amiss
_HOLE_NS = 2_000_000_000  # events come at least four times a second; a longer silence means that we were away


class Stepped(NamedTuple):
    """What one event led to.

    `keep` says whether the record belongs in the journal (before any of the commands is sent). `look` asks for the
    account (`Venue.account`) as soon as may be: something is not as our book says.
    """

    commands: tuple[Approved[AnyCommand], ...] = ()
    notes: tuple[AnyNote, ...] = ()
    keep: bool = False
    look: bool = False


class Mind(Protocol):
    """What decides to trade: signals, plans, management, the user's acts. Its memory of the market is not durable."""

    def heard(self, event: AnyEvent) -> None:
        """Take in what the event says of the market."""

    def decide(self, desk: Desk) -> None:
        """Write decisions down with `desk.note`, send entries with `desk.send`, close with `desk.leave`."""

    def preload(self, panel: Panel) -> None:
        """Take in the history of a symbol before the first event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """An order whose fate is not known: the venue is to be asked for it (`Venue.ask`)."""

    symbol: str
    client_id: str
    conditional: bool
    issued_wall_ns: int


@dataclass(slots=True)
class Engine:
    """The one loop of demo, live and backtest: a fold over events that reads no clock, dice, network or config.

    `mind` decides what to trade; None is the one that looks for set-ups and does what the user asks.
    """

    settings: EngineSettings
    market: Market
    mind: Mind | None = None
    book: Book = field(init=False)
    _mind: Mind = field(init=False)
    _suspects: _account.Suspects = field(default_factory=_account.Suspects)
    _looked_wall_ns: int = 0
    _look_wanted: bool = False
    _marks: dict[str, Decimal] = field(default_factory=dict)
    _heard_wall_ns: int = 0
    _awake_wall_ns: int = 0

    def __post_init__(self) -> None:
        self.book = Book(tag=self.settings.tag)
        self._mind = Decider(self.settings, self.market) if self.mind is None else self.mind

    def preload(self, panel: Panel) -> None:
        """Take in the history of a symbol before the first event: the memory of markets is not durable."""
        self._mind.preload(panel)

    def step(self, event: AnyEvent) -> Stepped:
        """Take in one event; everything decided on it is in the notes, every command is in one of them."""
        self._listen(event)
        self._mind.heard(event)
        changed = self.book.told(event)
        desk = Desk(
            event=event,
            book=self.book,
            settings=self.settings,
            market=self.market,
            marks=self._marks,
            awake_wall_ns=self._awake_wall_ns,
        )
        _account.reconcile(desk, self._suspects)
        self._mind.decide(desk)
        if desk.notes or not isinstance(event, Quoted | Depth | Marked):
            self._tend(desk)
        keep = bool(desk.notes) or changed or not isinstance(event, (*_FORGOTTEN, AccountNow))
        self._look_wanted = self._look_wanted or desk.look
        look = self._look_wanted and passed_ns(event.wall_ns, self._looked_wall_ns) >= _LOOK_NS
        if look:
            self._looked_wall_ns, self._look_wanted = event.wall_ns, False
        return Stepped(tuple(desk.commands), tuple(desk.notes), keep, look)

    def restore(self, records: Iterable[Record], snapshot: bytes | None = None) -> None:
        """Rebuild the book from its journal: a snapshot, if there is one, and the records behind it."""
        self.book = Book(tag=self.settings.tag) if snapshot is None else Book.restored(snapshot)
        for record in records:
            self.book.told(record.event)
            for note in record.notes:
                self.book.noted(note)

    def snapshot(self) -> bytes:
        """The book as bytes, for `restore`."""
        return self.book.snapshot()

    def in_doubt(self) -> list[Doubt]:
        """Orders whose fate is not known: to be asked for after a restart or a reconnect, before the account."""
        return [
            Doubt(
                symbol=trade.symbol,
                client_id=order.client_id,
                conditional=order.conditional,
                issued_wall_ns=order.issued_wall_ns,
            )
            for trade in self.book.trades.values()
            for order in trade.orders.values()
            if order.live and (order.status in ("sent", "unknown") or order.cancel)
        ]

    def _listen(self, event: AnyEvent) -> None:
        if passed_ns(event.wall_ns, self._heard_wall_ns) > _HOLE_NS:  # or the clock was set back
            self._awake_wall_ns = self._heard_wall_ns = event.wall_ns
        self._heard_wall_ns = max(self._heard_wall_ns, event.wall_ns)
        if isinstance(event, Marked):
            self._marks[event.symbol] = event.mark

    def _tend(self, desk: Desk) -> None:
        for trade in list(self.book.trades.values()):
            _protect.protect(desk, trade)
            _leave.leave(desk, trade)
            _targets.rest(desk, trade)
            _leave.end(desk, trade)
        _leave.sweep(desk)
