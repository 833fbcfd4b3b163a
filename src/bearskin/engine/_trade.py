"""What the book is made of: an order of ours, a trade, the account."""

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
PROTECTIVE: frozenset[Role] = frozenset(("stop", "disaster"))


@dataclass(slots=True, kw_only=True)
class Working:
    """One order of ours, from the moment it was decided; quantities are signed as `qty`.

    `said` is what the venue says is filled, by whatever word came first, `filled` what was booked of it with its money
    (`value`), and `assumed` the part of that which was booked at the average because no fill came. `rested` tells that
    the venue once had it resting. `cancel` tells of a cancellation: on its way, lost, or refused. `stop_price` is the
    trigger of a stop. `missing_wall_ns` is when the venue was first asked for all orders and did not name this one.
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
    said: Decimal = ZERO
    average: Decimal | None = None
    filled: Decimal = ZERO
    value: Decimal = ZERO
    assumed: Decimal = ZERO
    rested: bool = False
    cancel: Literal["", "sent", "unknown", "refused"] = ""
    cancels: int = 0
    cancel_wall_ns: int = 0
    amend: tuple[Decimal, Decimal] | None = None
    changed_wall_ns: int = 0
    missing_wall_ns: int = 0
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
        return self.qty - self.said

    @property
    def fired(self) -> bool:
        """Whether a conditional order has gone off, or was ended by the venue after it had rested."""
        return self.conditional and (
            self.status in ("triggered", "filled")
            or self.said != 0
            or (self.rested and self.status in ("rejected", "expired"))
        )


@dataclass(slots=True, kw_only=True)
class Trade:
    """One position of ours from plan to flat. `qty` and `cost` are what is open by the fills booked so far, signed.

    `plan` never changes; `stop` is the trigger wanted now, `targets_now` the targets once one was moved (empty: the
    plan's), and `targets_before` which of them (0 is the nearest) stood at a price that was left.
    `unprotected_since_wall_ns` is the moment from which part of the position had no stop confirmed by the venue: for a
    market entry when its order went out (an upper bound), for a resting one when we heard of the fill; None while all
    of it is protected or nothing is open. `noticed_wall_ns` is when we first knew of that gap. `foretold` is (market
    time, quantity, price) of what the venue's word on the position moved before any fill told of it. `ended_net` is
    what was told of a trade that is over. `leave_to` is what may stay open (0 when all has to go), None when nothing
    has to. `reopened_wall_ns` is when a halt of the symbol ended: what was refused before that says nothing any more.
    """

    number: int
    plan: Planned
    phase: Phase = "entering"
    stop: Decimal | None = None
    stop_why: str = ""
    targets_now: tuple[Decimal, ...] = ()
    targets_before: dict[Decimal, int] = field(default_factory=dict)
    qty: Decimal = ZERO
    cost: Decimal = ZERO
    entered_qty: Decimal = ZERO
    entered_value: Decimal = ZERO
    exited_qty: Decimal = ZERO
    exited_value: Decimal = ZERO
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    fees_other: dict[str, Decimal] = field(default_factory=dict)
    funding: Decimal = ZERO
    funded: dict[int, None] = field(default_factory=dict)
    entered_ns: int = 0
    moved_wall_ns: int = 0
    ended_ns: int = 0
    ended_net: Decimal = ZERO
    foretold: list[tuple[int, Decimal, Decimal]] = field(default_factory=list)
    reopened_wall_ns: int = 0
    best: float = 0.0
    leave_reason: str = ""
    leave_to: Decimal | None = None
    leave_price: Decimal | None = None
    exit_reason: str = ""
    protected: bool = False
    unprotected_since_wall_ns: int | None = None
    noticed_wall_ns: int = 0
    unprotected_s_max: float = 0.0
    orders: dict[str, Working] = field(default_factory=dict)
    counts: dict[Role, int] = field(default_factory=dict)
    fills: dict[str, None] = field(default_factory=dict)
    thesis: str = ""
    alarm: str = ""
    alarm_wall_ns: int = 0

    @property
    def net(self) -> Decimal:
        """What it has made after fees and funding, in the settle currency."""
        return self.realised - self.fees + self.funding

    @property
    def symbol(self) -> str:
        """What is traded."""
        return self.plan.symbol

    @property
    def leg(self) -> Leg:
        """The position side at the venue."""
        return self.plan.leg

    @property
    def targets(self) -> tuple[Decimal, ...]:
        """Where the targets are wanted now, the nearest first."""
        return self.targets_now or self.plan.targets

    def taken_at(self, nth: int) -> Decimal:
        """How much the nth target (0 is the nearest) has closed, wherever it stood; not signed."""
        price = self.targets[nth]
        return sum(
            (
                abs(order.said)
                for order in self.orders.values()
                if order.role == "target"
                and order.price is not None
                and (order.price == price or self.targets_before.get(order.price) == nth)
            ),
            ZERO,
        )

    @property
    def open_qty(self) -> Decimal:
        """What is open at the venue as far as we were told, signed: fills booked, and fills only spoken of."""
        qty = self.qty
        for order in self.orders.values():
            if order.said != order.filled:
                qty += order.said - order.filled
        return qty

    @property
    def settled(self) -> bool:
        """Whether everything that was said to be filled is booked."""
        return all(order.said == order.filled for order in self.orders.values())

    @property
    def surplus(self) -> Decimal:
        """What has to be traded away, signed as the order that does it; zero when nothing has to."""
        if self.leave_to is None:
            return ZERO
        surplus = self.leave_to - self.open_qty
        return surplus if surplus * self.plan.qty < 0 else ZERO

    @property
    def leaving(self) -> bool:
        """Whether all of it is to be closed."""
        return self.leave_to is not None and self.leave_to == 0

    @property
    def leaving_at_market(self) -> bool:
        """Whether all of it is to be closed at once; a close by a limit may rest for long."""
        return self.leaving and self.leave_price is None

    def live(self, *roles: Role) -> list[Working]:
        """Orders of these roles that may still trade."""
        return [order for order in self.orders.values() if order.role in roles and order.status in LIVE]

    def stops(self) -> list[Working]:
        """Every protective order there ever was."""
        return [order for order in self.orders.values() if order.role in PROTECTIVE]


@dataclass(slots=True, kw_only=True)
class Account:
    """The wallet in the settle asset, free margin where the venue tells it, and the positions the venue shows.

    Positions are kept without mark and open profit, which change all the time: those are the market's to tell.
    """

    asset: str = "USDT"
    wallet: Decimal = ZERO
    available: Decimal | None = None
    known: bool = False
    dual: bool = False
    positions: dict[tuple[str, Leg], PositionNow] = field(default_factory=dict)
