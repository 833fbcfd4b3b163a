"""The bot's memory: its trades, its orders, the account. Rebuilt from the journal by `told` and `noted`, nothing else.

`told(event)` takes in what happened, `noted(note)` what was decided; both are total (an unknown order or trade is
ignored) and deterministic, so the same journal gives the same book. Nothing here decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import msgspec

from bearskin.engine._fold import listen, remember
from bearskin.engine._noted import noted
from bearskin.engine._notes import AnyNote, Done, Limited, Signalled
from bearskin.engine._sound import packed
from bearskin.engine._told import told
from bearskin.engine._trade import LIVE, PROTECTIVE, ZERO, Account, Phase, Trade, Working, WorkStatus
from bearskin.ledger import digest
from bearskin.risk import LimitState
from bearskin.terms import AnyEvent, Filled, Leg, OrderNow

__all__ = ["LIVE", "PROTECTIVE", "ZERO", "Account", "Book", "Phase", "Trade", "WorkStatus", "Working"]

_SAME_ENTRY: Final = Decimal("0.00001")  # venues round the average entry they tell


@dataclass(slots=True, kw_only=True)
class Book:
    """All that has to survive a crash.

    `trades` are the ones not done; `done` keeps the last of those that are, for late words about them. `children` names
    the order a conditional one became, `strays` fills that nobody has claimed yet, `forced` the forced ones
    that were booked. `limits` holds what is active,
    `trading` symbols that are not open for trading, `configured` leverage and margin mode as the venue confirmed them,
    `undecided` signals that are neither planned nor declined yet, `acts` the answers given, `asked` the contents of
    what they answer and `unanswered` what was asked and has none yet, `worth` what the limits of the account remember,
    `began_ns` when the account was first told, `paid_ns` the newest funding that was, by symbol.
    """

    tag: str
    trades: dict[int, Trade] = field(default_factory=dict)
    done: dict[int, Trade] = field(default_factory=dict)
    by_order: dict[str, int] = field(default_factory=dict)
    children: dict[str, str] = field(default_factory=dict)
    strays: dict[str, Filled] = field(default_factory=dict)
    forced: dict[str, None] = field(default_factory=dict)
    next_trade: int = 1
    account: Account = field(default_factory=Account)
    foreign: dict[str, str] = field(default_factory=dict)
    foreign_orders: dict[str, OrderNow] = field(default_factory=dict)
    trading: dict[str, str] = field(default_factory=dict)
    limits: dict[str, Limited] = field(default_factory=dict)
    paused: bool = False
    panicked: bool = False
    sides: str = ""
    configuring: dict[str, tuple[int, str]] = field(default_factory=dict)
    configured: dict[str, tuple[int, str]] = field(default_factory=dict)
    acts: dict[str, Done] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    undecided: dict[str, Signalled] = field(default_factory=dict)
    unanswered: dict[str, None] = field(default_factory=dict)
    worth: LimitState = field(default_factory=LimitState)
    began_ns: int = 0
    paid_ns: dict[str, int] = field(default_factory=dict)

    def trade_in(self, symbol: str, leg: Leg | None = None) -> Trade | None:
        """Our trade in a symbol (and position side) that is not done yet."""
        return next(
            (t for t in self.trades.values() if t.symbol == symbol and (leg is None or t.leg == leg)),
            None,
        )

    def order(self, client_id: str) -> tuple[Trade, Working] | None:
        """An order of ours and its trade, done or not; found by the name of what it became, too."""
        number = self.by_order.get(client_id)
        if number is None:
            return None
        trade = self.trades.get(number) or self.done.get(number)
        return None if trade is None else (trade, trade.orders[client_id])

    def liquidation_price(self, trade: Trade) -> Decimal | None:
        """Where the venue liquidates a trade, by its own word or, before it has spoken of this position, by the plan.

        The account may still tell of the position before this one: another side or another entry is another position.
        """
        now = self.account.positions.get((trade.symbol, trade.leg))
        if now is None or now.liquidation_price is None or now.qty * trade.qty <= 0:
            return trade.plan.liquidation_price
        apart = abs(now.entry * trade.qty - trade.cost)
        return now.liquidation_price if apart <= abs(trade.cost) * _SAME_ENTRY else trade.plan.liquidation_price

    def barred(self, symbol: str) -> str:
        """Why nothing new may be opened in a symbol, as far as the book knows; empty when it may."""
        if self.panicked:
            return "panic: closed until resumed"
        if self.paused:
            return "paused"
        if symbol in self.foreign:
            return f"not ours: {self.foreign[symbol]}"
        if symbol in self.trading:
            return f"not open for trading: {self.trading[symbol]}"
        differs = self.limits.get(f"liquidation-price {symbol}")
        return differs.detail if differs else ""

    def told(self, event: AnyEvent) -> bool:
        """Take in what happened; whether that changed anything."""
        changed = told(self, event)
        listen(self, event)
        return changed

    def noted(self, note: AnyNote) -> None:
        """Take in what was decided."""
        noted(self, note)
        remember(self, note)

    def snapshot(self) -> bytes:
        """The book as bytes; `restored` gives it back."""
        return packed(self)

    @classmethod
    def restored(cls, data: bytes) -> Book:
        """The book of a snapshot."""
        return msgspec.msgpack.decode(data, type=cls)

    def state_hash(self) -> str:
        """By what two books are told apart: 32 hex digits over everything in it."""
        return digest([self.snapshot()])
