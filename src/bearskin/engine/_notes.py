"""What the engine writes down besides what it was told: every decision, taken or not, and every change of state.

A journal record is one event with the notes it led to; events and notes together rebuild the book. The same notes are
the audit stream: what a person, the dashboard and the alerts see.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from bearskin.terms import AnyCommand, AnyEvent, Leg, MarginMode, Purpose, Side, StopBy, Word


class Note(Word, frozen=True, kw_only=True):
    """Something decided or noticed, at the time of the event it belongs to."""

    time_ns: int
    wall_ns: int


class Signalled(Note, frozen=True, kw_only=True):
    """A set-up was found at the close of a bar; what became of it follows as `Planned` or `Declined`."""

    symbol: str
    setup: str
    side: Side
    known_ns: int
    entry_ref: float
    stop: float
    targets: tuple[float, ...]
    why: str
    attrs: dict[str, float | str] = msgspec.field(default_factory=dict)


class Declined(Note, frozen=True, kw_only=True):
    """A signal or an act that was not traded: `reason` is the words of a `terms.Reason`."""

    symbol: str
    side: Side
    origin: str
    reason: str
    detail: str = ""
    known_ns: int = 0
    act_id: str = ""


class Planned(Note, frozen=True, kw_only=True):
    """A trade was decided: all that is needed to manage it, whatever happens to us from here on.

    `qty` is signed. `origin` is `setup:<name>`, `hand`, `webhook` or `adopted`. `until_ns` is the time stop,
    `entry_until_ns` when a resting entry is given up (0: it is a market order or has no end). `target_qtys` are signed
    as `qty` and sum to it at most. `loss_at_stop` is positive.
    """

    trade: int
    symbol: str
    side: Side
    leg: Leg
    purpose: Purpose
    origin: str
    qty: Decimal
    entry_ref: Decimal
    entry_price: Decimal | None = None
    stop: Decimal | None = None
    stop_by: StopBy = "mark"
    targets: tuple[Decimal, ...] = ()
    target_qtys: tuple[Decimal, ...] = ()
    invalidation: Decimal | None = None
    until_ns: int = 0
    entry_until_ns: int = 0
    known_ns: int = 0
    atr: float = 0.0
    trail: Decimal = Decimal(0)
    break_even_r: Decimal | None = None
    leverage: Decimal = Decimal(1)
    margin_mode: MarginMode = MarginMode.ISOLATED
    margin: Decimal = Decimal(0)
    loss_at_stop: Decimal = Decimal(0)
    liquidation_price: Decimal | None = None
    survives_frac: Decimal | None = None
    bound_by: str = ""
    why: str = ""
    unchecked: tuple[str, ...] = ()
    equity: Decimal = Decimal(0)
    act_id: str = ""


class Issued(Note, frozen=True, kw_only=True):
    """A command goes out once this is in the journal."""

    trade: int
    command: AnyCommand
    why: str


class Protection(Note, frozen=True, kw_only=True):
    """Whether the venue has confirmed a stop for the whole position, and for how long it had not.

    `covered_qty` is the sum of the confirmed stops, not signed. `since_wall_ns` is when a gap began, by our latest
    reckoning; in a note that ends one it is 0.
    """

    trade: int
    symbol: str
    protected: bool
    open_qty: Decimal
    covered_qty: Decimal
    unprotected_s: float = 0.0
    since_wall_ns: int = 0


class StopMoved(Note, frozen=True, kw_only=True):
    """The stop that is wanted changed (trail, break-even, by hand, resized)."""

    trade: int
    symbol: str
    old: Decimal | None
    new: Decimal
    why: str


class TargetMoved(Note, frozen=True, kw_only=True):
    """A target that is wanted changed; `targets` are all of them as they stand now, `number` is 1 for the nearest."""

    trade: int
    symbol: str
    number: int
    old: Decimal
    new: Decimal
    targets: tuple[Decimal, ...]
    why: str


class Leaving(Note, frozen=True, kw_only=True):
    """A trade is to be closed: `share` of it (1: all, 0: no more), and why.

    `qty` is what is to be traded away of a position that is open now, signed as the order that does it.
    """

    trade: int
    symbol: str
    reason: str
    share: Decimal = Decimal(1)
    qty: Decimal = Decimal(0)
    price: Decimal | None = None
    act_id: str = ""


class Ended(Note, frozen=True, kw_only=True):
    """A trade is flat and nothing of it rests at the venue. Money in the settle currency; net = gross - fees + funding.

    `reason` is stop, target, trail, time, invalidated, liquidated, adl, unfilled, emergency, panic, hand, delisted, ...
    Slippage is what the fills cost beyond the price planned for them: the reference of the plan for the entry, the
    trigger of the stop for what a stop closed; positive is worse. `fees_other` are fees taken in other assets, which
    `fees` and `net` do not count.
    """

    trade: int
    symbol: str
    side: Side
    origin: str
    reason: str
    qty: Decimal
    entry: Decimal | None
    exit: Decimal | None
    entered_ns: int
    gross: Decimal
    fees: Decimal
    funding: Decimal
    net: Decimal
    r: float | None
    unprotected_s_max: float
    slippage_entry: Decimal = Decimal(0)
    slippage_exit: Decimal = Decimal(0)
    fees_other: dict[str, Decimal] = msgspec.field(default_factory=dict)


class Corrected(Note, frozen=True, kw_only=True):
    """What the money of a trade sums up to, after funding or a fill of it was told when it had ended already."""

    trade: int
    symbol: str
    gross: Decimal
    fees: Decimal
    funding: Decimal
    net: Decimal
    r: float | None


class Adjusted(Note, frozen=True, kw_only=True):
    """The venue's position was not what our fills said; the venue's word was taken.

    `price` is what the difference is reckoned at: the mark where it shrank, the venue's entry where it grew.
    """

    trade: int
    symbol: str
    ours: Decimal
    theirs: Decimal
    why: str
    price: Decimal = Decimal(0)


class Foreign(Note, frozen=True, kw_only=True):
    """A position or an order that is not ours: reported, and the symbol blocked (`blocked`) or free again."""

    symbol: str
    blocked: bool
    detail: str
    qty: Decimal = Decimal(0)


class Reconciled(Note, frozen=True, kw_only=True):
    """Our book was compared with the venue's; `differences` is empty when they agree."""

    differences: tuple[str, ...] = ()


class Limited(Note, frozen=True, kw_only=True):
    """A limit of the account was reached or lifted; `until_ns` 0 means until lifted by hand."""

    limit: str
    active: bool
    detail: str = ""
    until_ns: int = 0
    size_multiplier: Decimal = Decimal(1)


class ModeSet(Note, frozen=True, kw_only=True):
    """The bot's own switches after an act: paused, panicked, sides."""

    paused: bool
    panicked: bool
    sides: str
    why: str = ""


class Regimed(Note, frozen=True, kw_only=True):
    """The daily regime of a symbol changed."""

    symbol: str
    label: str
    figures: dict[str, float] = msgspec.field(default_factory=dict)


class Equity(Note, frozen=True, kw_only=True):
    """What the account is worth at the marks: once a bar."""

    wallet: Decimal
    equity: Decimal
    open_risk: Decimal
    high_water: Decimal


class Warned(Note, frozen=True, kw_only=True):
    """Something a person should hear of now. `kind` is one of `WARNINGS`."""

    kind: str
    symbol: str
    text: str
    severity: Literal["info", "warning", "critical"] = "warning"


class Done(Note, frozen=True, kw_only=True):
    """An act was taken up (`refused` empty) or refused, and why; one per act."""

    act_id: str
    refused: str = ""
    detail: str = ""
    trade: int = 0


WARNINGS = (
    "unprotected", "emergency", "liquidation-near", "liquidated", "adl", "delisting", "halted", "funding-flip",
    "hedge-suggest", "basis", "feed-lost", "stale", "skew", "kill-switch", "foreign", "liquidation-price-differs",
    "rejected", "unknown", "transfer",
)  # fmt: skip

AnyNote = (
    Signalled
    | Declined
    | Planned
    | Issued
    | Protection
    | StopMoved
    | TargetMoved
    | Leaving
    | Ended
    | Corrected
    | Adjusted
    | Foreign
    | Reconciled
    | Limited
    | ModeSet
    | Regimed
    | Equity
    | Warned
    | Done
)


class Record(msgspec.Struct, frozen=True):
    """One entry of the journal: what came in, and what was made of it."""

    event: AnyEvent
    notes: tuple[AnyNote, ...] = ()
