"""Where a command is carried out: the state, what is derived from it, and what is still to be settled."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING

from bearskin.exchange._book import Book
from bearskin.exchange._state import Account, Contract, Market, Position, State
from bearskin.exchange._triggers import Triggers
from bearskin.exchange._watch import Watch
from bearskin.exchange._words import Event, Refused, UpdateReason
from bearskin.margin import Tiers

if TYPE_CHECKING:
    from bearskin.exchange._codes import Code

FUND = 1  # the account number of the insurance fund


class Floor:
    """The workbench of one exchange; every function of the core takes it first.

    `out` collects the events of the command at work. `dirty`, `marked` and `traded` say what has to be looked at
    before the command ends: accounts whose money or positions changed, symbols whose mark changed, and symbols that
    traded with the lowest and highest price in ticks. `changed` collects what AccountUpdated events will tell: for an
    account and reason the position keys that changed and the sum of what came in other than profit and fees.
    `remarked` holds the symbols whose mark changed until conditional orders have seen it, `due` the conditional orders
    that were reached and wait for their turn.
    """

    __slots__ = (
        "books", "changed", "dirty", "due", "marked", "now_ns", "out", "remarked", "state", "tiers", "traded",
        "triggers", "watch",
    )  # fmt: skip

    def __init__(self, state: State) -> None:
        self.state = state
        self.now_ns = state.time_ns
        self.out: list[Event] = []
        self.books: dict[str, Book] = {}
        self.tiers: dict[str, Tiers[Decimal]] = {}
        self.watch = Watch()
        self.triggers = Triggers(state)
        self.dirty: dict[int, None] = {}
        self.marked: dict[str, None] = {}
        self.traded: dict[str, tuple[int, int]] = {}
        self.remarked: dict[str, None] = {}
        self.due: deque[int] = deque()
        self.changed: dict[tuple[int, UpdateReason], Change] = {}

    def no(self, code: Code, message: str) -> Refused:
        """The refusal of the command at work."""
        return Refused(time_ns=self.now_ns, code=int(code), message=message)

    def change(self, account: int, reason: UpdateReason) -> Change:
        """What is told at the end of the command about `account` for `reason`; made on first use."""
        key = (account, reason)
        found = self.changed.get(key)
        if found is None:
            found = self.changed[key] = Change()
        return found


class Change:
    """What one AccountUpdated event will tell."""

    __slots__ = ("assets", "positions")

    def __init__(self) -> None:
        self.assets: dict[str, Decimal] = {}
        self.positions: dict[str, Position] = {}


__all__ = ["FUND", "Account", "Change", "Contract", "Floor", "Market"]
