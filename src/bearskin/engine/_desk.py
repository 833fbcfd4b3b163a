"""One step at work: what the engine's parts see of it, and the two ways in which they may change anything.

A decision is a note: `note` writes it down and the book takes it in at once, so that the next decision already knows
it. A command goes out by `send` with risk's stamp on it, which writes its own note first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from bearskin.engine._book import ZERO, Book, Trade
from bearskin.engine._notes import AnyNote, Issued, Leaving, Warned
from bearskin.engine._settings import EngineSettings
from bearskin.engine._sound import sound
from bearskin.risk import Approved, approve_reducing
from bearskin.terms import (
    AnyCommand,
    AnyEvent,
    Brackets,
    Instrument,
    Refused,
    Role,
    client_id,
    step_down,
)

Market = Mapping[str, tuple[Instrument, Brackets | None]]


@dataclass(slots=True, kw_only=True)
class Desk:
    """The event of this step, the book as it stands, and what was decided so far.

    `marks` holds the last mark of each symbol; `awake_wall_ns` is when events began to come in without a hole.
    `look` asks the runner for the account as soon as it can.
    """

    event: AnyEvent
    book: Book
    settings: EngineSettings
    market: Market
    marks: Mapping[str, Decimal]
    awake_wall_ns: int = 0
    notes: list[AnyNote] = field(default_factory=list)
    commands: list[Approved[AnyCommand]] = field(default_factory=list)
    look: bool = False

    @property
    def time_ns(self) -> int:
        """Market time of the event."""
        return self.event.time_ns

    @property
    def wall_ns(self) -> int:
        """Wall time of the event."""
        return self.event.wall_ns

    def note(self, note: AnyNote) -> None:
        """Write a decision down; the book has it from here on. Its text is made writable: a set-up chose the words."""
        note = sound(note)
        self.notes.append(note)
        self.book.noted(note)

    def send(self, trade: int, approved: Approved[AnyCommand]) -> None:
        """Let a command go out once the journal has it; `trade` 0 where it belongs to none."""
        self.note(
            Issued(time_ns=self.time_ns, wall_ns=self.wall_ns, trade=trade, command=approved.command, why=approved.why)
        )
        self.commands.append(approved)

    def reduce(self, trade: Trade, command: AnyCommand, why: str) -> bool:
        """Send a command that only lessens the risk of a trade; False, with a warning, where it would not."""
        approved = approve_reducing(command, open_qty=trade.open_qty, why=why)
        if isinstance(approved, Refused):
            self.warn("rejected", trade.symbol, f"{type(command).__name__} withheld: {approved}", "critical")
            return False
        self.send(trade.number, approved)
        return True

    def next_id(self, trade: Trade, role: Role) -> str:
        """The client order id for the next order of a role in a trade."""
        return client_id(self.book.tag, trade.number, role, trade.counts.get(role, 0))

    def warn(
        self, kind: str, symbol: str, text: str, severity: Literal["info", "warning", "critical"] = "warning"
    ) -> None:
        """Tell a person."""
        self.note(
            Warned(time_ns=self.time_ns, wall_ns=self.wall_ns, kind=kind, symbol=symbol, text=text, severity=severity)
        )

    def leave(
        self, trade: Trade, reason: str, *, share: Decimal = Decimal(1), price: Decimal | None = None, act_id: str = ""
    ) -> None:
        """Close a trade or a share of it, at market or by a limit at `price`; the rest of the step carries it out."""
        qty = -trade.open_qty
        if share < 1:
            qty = step_down(qty * share, self.step_of(trade.symbol))
        self.note(
            Leaving(
                time_ns=self.time_ns,
                wall_ns=self.wall_ns,
                trade=trade.number,
                symbol=trade.symbol,
                reason=reason,
                share=share,
                qty=qty,
                price=price,
                act_id=act_id,
            )
        )

    def step_of(self, symbol: str) -> Decimal:
        """The smallest quantity a symbol trades in; a hundred millionth of a coin where it is not known."""
        found = self.market.get(symbol)
        return found[0].step if found else Decimal("0.00000001")

    def parts_of(self, symbol: str, qty: Decimal) -> list[Decimal]:
        """A quantity in as few market or stop orders as the venue takes it in, signed as it is, the largest first."""
        found = self.market.get(symbol)
        most = found[0].market_max_qty if found else None
        if most is None or abs(qty) <= most:
            return [qty]
        whole = max(step_down(most, self.step_of(symbol)), self.step_of(symbol)).copy_sign(qty)
        count, rest = divmod(qty, whole)
        parts = [whole] * int(count)
        if not rest:
            return parts
        least = found[0].min_qty.copy_sign(qty) if found else rest
        if abs(rest) < abs(least):  # too little for an order of its own
            parts[-1], rest = whole + rest - least, least
        return [*parts, rest]

    def mark(self, symbol: str) -> Decimal | None:
        """The last mark of a symbol that was heard of."""
        mark = self.marks.get(symbol)
        return mark if mark is not None and mark > ZERO else None
