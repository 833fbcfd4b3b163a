"""The bot's memory: its trades, its orders, the account. Rebuilt from the journal by `told` and `noted`, nothing else.

`told(event)` takes in what happened, `noted(note)` what was decided; both are total (an unknown order or trade is
ignored) and deterministic, so the same journal gives the same book. Nothing here decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from bearskin.engine._notes import Planned
from bearskin.terms import Leg, PositionNow, Role

ZERO = Decimal(0)
Phase = Literal["entering", "open", "leaving", "done"]
WorkStatus = Literal["sent", "unknown", "open", "triggered", "filled", "canceled", "expired", "rejected", "absent"]
LIVE: frozenset[WorkStatus] = frozenset(("sent", "unknown", "open", "triggered"))


@dataclass(slots=True, kw_only=True)
class Working:
    """One order of ours, from the moment it was decided; `filled` is signed as `qty`.

    `cancel` tells of a cancellation on its way. `stop_price` is the trigger of a stop.
    """

    client_id: str
    trade: int
    role: Role
    qty: Decimal
    issued_ns: int
    issued_wall_ns: int
    price: Decimal | None = None
    stop_price: Decimal | None = None
    conditional: bool = False
    status: WorkStatus = "sent"
    filled: Decimal = ZERO
    value: Decimal = ZERO
    cancel: Literal["", "sent", "unknown"] = ""
    code: str = ""
    message: str = ""

    @property
    def live(self) -> bool:
        """Whether it may still trade."""
        return self.status in LIVE

    @property
    def confirmed(self) -> bool:
        """Whether the venue has told us that it rests."""
        return self.status == "open"

    @property
    def left(self) -> Decimal:
        """What is not filled yet, signed."""
        return self.qty - self.filled


@dataclass(slots=True, kw_only=True)
class Trade:
    """One position of ours from plan to flat. `qty` and `cost` are what is open now, signed.

    `plan` never changes; `stop` is the trigger wanted now. `unprotected_since_wall_ns` is the moment from which part of
    the position had no stop confirmed by the venue: for a market entry when its order went out (an upper bound), for a
    resting one when we heard of the fill; None while all of it is protected or nothing is open.
    """

    number: int
    plan: Planned
    phase: Phase = "entering"
    stop: Decimal | None = None
    qty: Decimal = ZERO
    cost: Decimal = ZERO
    entered_qty: Decimal = ZERO
    entered_value: Decimal = ZERO
    exited_qty: Decimal = ZERO
    exited_value: Decimal = ZERO
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    entered_ns: int = 0
    best: float = 0.0
    leave_reason: str = ""
    leave_share: Decimal = ZERO
    leave_price: Decimal | None = None
    protected: bool = False
    unprotected_since_wall_ns: int | None = None
    unprotected_s_max: float = 0.0
    orders: dict[str, Working] = field(default_factory=dict)
    counts: dict[Role, int] = field(default_factory=dict)
    fills: set[str] = field(default_factory=set)
    thesis: str = ""
    alarm: str = ""

    @property
    def symbol(self) -> str:
        """What is traded."""
        return self.plan.symbol

    @property
    def leg(self) -> Leg:
        """The position side at the venue."""
        return self.plan.leg

    def live(self, role: Role) -> list[Working]:
        """Orders of a role that may still trade."""
        return [order for order in self.orders.values() if order.role == role and order.live]


@dataclass(slots=True, kw_only=True)
class Account:
    """The wallet in the settle asset, free margin where the venue tells it, and the positions the venue shows."""

    asset: str = "USDT"
    wallet: Decimal = ZERO
    available: Decimal | None = None
    known: bool = False
    dual: bool = False
    positions: dict[tuple[str, Leg], PositionNow] = field(default_factory=dict)
    told_wall_ns: int = 0


@dataclass(slots=True, kw_only=True)
class Book:
    """All that has to survive a crash."""

    tag: str
    trades: dict[int, Trade] = field(default_factory=dict)
    by_order: dict[str, int] = field(default_factory=dict)
    next_trade: int = 1
    account: Account = field(default_factory=Account)
    foreign: dict[str, str] = field(default_factory=dict)
    paused: bool = False
    panicked: bool = False
    sides: str = ""
    configured: dict[str, tuple[int, str]] = field(default_factory=dict)
    acts: dict[str, None] = field(default_factory=dict)
    recent_signals: dict[str, list[tuple[str, int, int]]] = field(default_factory=dict)

    def trade_in(self, symbol: str) -> Trade | None:
        """Our trade in a symbol that is not done yet."""
        return next((trade for trade in self.trades.values() if trade.symbol == symbol), None)
