"""A hand that trades one ticket of the kernel through a venue, as an engine would: stop first, then targets.

It shares no code with the engine or the kernel: it hears events, counts bars, and sends commands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bearskin.paths import NEVER, Ticket
from bearskin.terms import (
    HOUR_NS,
    BarClosed,
    Cancel,
    Close,
    Filled,
    MarginMode,
    Place,
    PlaceStop,
    SetLeverage,
    SetMarginMode,
    Side,
)

D = Decimal


@dataclass
class Hand:
    """One ticket on one symbol; `send` takes its commands, `fills` is what came of them by role."""

    symbol: str
    side: Side
    ticket: Ticket[float]
    tick: Decimal
    step: Decimal
    send: Any
    qty: Decimal = field(default_factory=D)
    bar: int = -1
    entry_bar: int = -1
    best: int = NEVER
    stop: int = 0
    stop_id: str = ""
    count: int = 0
    reason: str = "unfilled"
    fills: list[tuple[str, int, Decimal, Decimal]] = field(default_factory=list)
    money: Decimal = field(default_factory=D)
    placed: dict[str, None] = field(default_factory=dict)

    def price(self, ticks: int) -> Decimal:
        return -int(self.side) * ticks * self.tick

    def coins(self, steps: int) -> Decimal:
        return steps * self.step

    def hear(self, event: Any) -> None:
        if isinstance(event, BarClosed):
            self.closed(event)
        elif isinstance(event, Filled):
            self.filled(event)
        elif isinstance(event, Close) and self.qty:
            self.leave("end")

    def name(self, role: str) -> str:
        self.count += 1
        return f"{role}-{self.count}"

    def closed(self, event: BarClosed) -> None:
        t, self.bar = self.ticket, self.bar + 1
        if self.bar == t.start - 1:
            self.enter()
            return
        if not self.qty:
            if t.valid and self.bar == t.start + t.valid - 1 and self.entry_bar < 0:
                self.send(Cancel(symbol=self.symbol, client_id="entry"))
            return
        mirror = -int(self.side)
        last = round(mirror * event.close / float(self.tick))
        low = round(mirror * (event.low if self.side is Side.SHORT else event.high) / float(self.tick))
        fresh = t.valid > 0 and self.bar == self.entry_bar
        self.best = min(self.best, min(t.limit, last) if fresh else low)
        if last > t.invalidation:
            self.leave("invalidated")
        elif t.hold and self.bar + 1 >= self.entry_bar + t.hold:
            self.leave("time")
        elif t.trail and min(t.stop, self.best + t.trail) != self.stop:
            self.protect(min(t.stop, self.best + t.trail))

    def enter(self) -> None:
        t = self.ticket
        mode = MarginMode.ISOLATED if t.leverage else MarginMode.CROSS
        self.send(SetMarginMode(symbol=self.symbol, margin_mode=mode))
        self.send(SetLeverage(symbol=self.symbol, leverage=int(t.leverage) or 20))
        price = self.price(t.limit) if t.valid else None
        self.send(
            Place(symbol=self.symbol, client_id="entry", role="entry", qty=int(self.side) * self.coins(t.steps),
                  price=price)
        )  # fmt: skip

    def protect(self, stop: int) -> None:
        before, self.stop, self.stop_id = self.stop_id, stop, self.name("stop")
        if stop < NEVER:
            self.send(
                PlaceStop(symbol=self.symbol, client_id=self.stop_id, role="stop", qty=-self.qty,
                          trigger=self.price(stop), by="mark" if self.ticket.stop_on_mark else "last")
            )  # fmt: skip
        if before:
            self.send(Cancel(symbol=self.symbol, client_id=before, conditional=True))

    def filled(self, event: Filled) -> None:
        role = event.client_id.partition("-")[0] if not event.why else "liquidated"
        t, held = self.ticket, self.qty
        self.qty += event.qty
        self.money += -event.qty * event.price - event.fee
        at = event.time_ns // HOUR_NS  # the bar it happened in, an open being its first moment
        self.fills.append((role, at, event.qty, event.price))
        if role == "entry":
            self.entry_bar = at
            self.protect(t.stop)
            self.targets()
        elif not self.qty:
            self.reason = {"exit": self.reason, "stop": "stop" if self.stop == t.stop else "trail"}.get(role, role)
            for name in self.placed:
                if name != event.client_id:
                    self.send(Cancel(symbol=self.symbol, client_id=name))
            self.send(Cancel(symbol=self.symbol, client_id=self.stop_id, conditional=True))
        elif held and role == "target":
            self.protect(self.stop)

    def targets(self) -> None:
        t = self.ticket
        legs = [(t.target1, t.steps1), (t.target2, t.steps - t.steps1)]
        for target, steps in legs:
            if steps and target > -NEVER:
                name = self.name("target")
                self.placed[name] = None
                self.send(
                    Place(symbol=self.symbol, client_id=name, role="target", qty=-int(self.side) * self.coins(steps),
                          price=self.price(target), reduce_only=True)
                )  # fmt: skip

    def leave(self, reason: str) -> None:
        self.reason = reason
        for name in self.placed:
            self.send(Cancel(symbol=self.symbol, client_id=name))
        self.placed = {}
        self.send(Place(symbol=self.symbol, client_id=self.name("exit"), role="exit", qty=-self.qty, reduce_only=True))
