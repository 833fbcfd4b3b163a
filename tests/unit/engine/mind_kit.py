"""A bot with its mind, and a venue that does at once what it is told; the journal must always give the same book."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bearskin.engine import Engine, EngineSettings, Record
from bearskin.engine._codec import record_bytes, record_of
from bearskin.setups import SetupEvent
from bearskin.terms import (
    HOUR_NS,
    AccountNow,
    Answered,
    AnyCommand,
    AnyEvent,
    BalanceNow,
    BarClosed,
    Bracket,
    Brackets,
    Cancel,
    Filled,
    Instrument,
    Marked,
    OrderNow,
    Place,
    PlaceStop,
    Product,
    Quoted,
    Side,
)

D = Decimal
BTC = "BTCUSDT"
T0 = 1_767_225_600_000_000_000  # 2026-01-01 00:00 UTC, a Thursday
MIRROR = D(200)  # a price p of a short is 200 - p of the long next to it


def instrument(symbol: str = BTC) -> Instrument:
    return Instrument(
        venue="demo", symbol=symbol, product=Product.LINEAR, base=symbol[:-4], quote="USDT", settle="USDT",
        tick=D("0.1"), step=D("0.001"), min_qty=D("0.001"), min_notional=D(5),
    )  # fmt: skip


def brackets(symbol: str = BTC) -> Brackets:
    rows = (Bracket(floor=D(0), cap=D(10**7), mmr=D("0.005"), max_leverage=100, cum=D(0)),)
    return Brackets(venue="demo", symbol=symbol, snapshot="made up", rows=rows)


def signal(side: Side = Side.SHORT, *, symbol: str = BTC, known_ns: int = T0 + HOUR_NS, **changes: Any) -> SetupEvent:
    """A short at 100 with its stop at 102 and targets at 97 and 94; the long is its mirror image."""
    short = side is Side.SHORT
    event = SetupEvent(
        setup=changes.pop("setup", "drawn"), side=side, symbol=symbol, bar=0, known_ns=known_ns, level=100.0,
        entry_ref=100.0, stop=102.0 if short else 98.0, targets=(97.0, 94.0) if short else (103.0, 106.0),
        invalidation=101.5 if short else 98.5, horizon_bars=4, anchor_ns=0, atr=0.02, why="drawn by hand",
    )  # fmt: skip
    return dataclasses.replace(event, **changes)


@dataclass
class Room:
    """One bot. `signals` are found at the close of their bars; fills happen at the last quote."""

    settings: EngineSettings = field(default_factory=lambda: EngineSettings(symbols=(BTC,), guards=False))
    symbols: tuple[str, ...] = (BTC,)
    signals: list[SetupEvent] = field(default_factory=list)
    known_brackets: bool = True
    answers: bool = True
    now_ns: int = T0
    wall_ns: int = T0
    wallet: Decimal = field(default_factory=lambda: D(10_000))
    price: dict[str, Decimal] = field(default_factory=dict)
    journal: list[bytes] = field(default_factory=list)
    notes: list[Any] = field(default_factory=list)
    sent: list[AnyCommand] = field(default_factory=list)
    acts: int = 0
    fills: int = 0

    def __post_init__(self) -> None:
        self.engine = self.fresh()

    def fresh(self) -> Engine:
        market = {name: (instrument(name), brackets(name) if self.known_brackets else None) for name in self.symbols}
        return Engine(self.settings, market)

    def found(self, panel: Any, *_: object, first_bar: int = 0, **__: object) -> list[SetupEvent]:
        """Stands in for `detect`."""
        at = {panel.known_ns(i): i for i in range(len(panel))}
        mine = [e for e in self.signals if e.symbol == panel.instrument.symbol and e.known_ns in at]
        return [dataclasses.replace(e, bar=at[e.known_ns]) for e in mine if at[e.known_ns] >= first_bar]

    # --- telling -----------------------------------------------------------------------------------------------------

    def hear(self, event: AnyEvent) -> None:
        stepped = self.engine.step(event)
        self.notes.extend(stepped.notes)
        if stepped.keep:
            self.journal.append(record_bytes(Record(event, stepped.notes)))
        commands = [approved.command for approved in stepped.commands]
        self.sent.extend(commands)
        assert self.replayed().book.state_hash() == self.engine.book.state_hash()
        if self.answers:
            for command in commands:
                self.carry_out(command)

    def replayed(self) -> Engine:
        engine = self.fresh()
        engine.restore(record_of(data) for data in self.journal)
        return engine

    def restart(self) -> None:
        self.engine = self.replayed()

    def times(self) -> dict[str, int]:
        return {"time_ns": self.now_ns, "wall_ns": self.wall_ns}

    def account(self, **changes: Any) -> None:
        self.hear(
            AccountNow(
                asset="USDT", wallet=self.wallet, available=self.wallet, positions=changes.pop("positions", ()),
                orders=(), asked_wall_ns=self.wall_ns, **changes, **self.times(),
            )
        )  # fmt: skip

    def quote(self, price: str | Decimal = "100", symbol: str = BTC, spread: str = "0") -> None:
        self.price[symbol] = D(price)
        half = D(spread) / 2
        self.hear(Quoted(symbol=symbol, bid=D(price) - half, ask=D(price) + half, **self.times()))

    def mark(self, price: str | Decimal, symbol: str = BTC, **what: Any) -> None:
        self.hear(Marked(symbol=symbol, mark=D(price), **what, **self.times()))

    def bar(self, close: float = 100.0, high: float | None = None, low: float | None = None, symbol: str = BTC) -> None:
        """The hour goes by and its bar closes."""
        opened = self.now_ns
        self.now_ns += HOUR_NS
        self.wall_ns += HOUR_NS
        top, bottom = close if high is None else high, close if low is None else low
        self.hear(
            BarClosed(
                symbol=symbol, interval_ns=HOUR_NS, opened_ns=opened, open=close, high=top, low=bottom, close=close,
                volume=10.0, **self.times(),
            )
        )  # fmt: skip

    def pass_s(self, seconds: float) -> None:
        self.now_ns += int(seconds * 10**9)
        self.wall_ns += int(seconds * 10**9)

    def act(self, kind: type, **what: Any) -> Any:
        """An act; the notes that answer it."""
        self.acts += 1
        what.setdefault("act_id", f"a{self.acts}")
        self.hear(kind(**what, **self.times()))
        return next(
            (n for n in reversed(self.notes) if type(n).__name__ == "Done" and n.act_id == what["act_id"]), None
        )

    # --- the venue ---------------------------------------------------------------------------------------------------

    def carry_out(self, command: AnyCommand) -> None:
        what, name = type(command).__name__, getattr(command, "client_id", "")
        told = {"symbol": command.symbol, "client_id": name, "what": what, "outcome": "accepted", **self.times()}
        told["act_id"] = getattr(command, "act_id", "")
        if isinstance(command, Place) and command.price is None:
            self.hear(Answered(order=self.order(command, "filled", command.qty), **told))
            self.fill(command, command.qty, self.price[command.symbol])
        elif isinstance(command, Place | PlaceStop):
            self.hear(Answered(order=self.order(command, "open", D(0)), **told))
        elif isinstance(command, Cancel):
            self.hear(Answered(**told))
        else:
            self.hear(Answered(**told))

    def order(self, command: Any, status: Any, filled: Decimal) -> OrderNow:
        return OrderNow(
            symbol=command.symbol, client_id=command.client_id, venue_id=f"v{command.client_id}", status=status,
            qty=command.qty, filled=filled, price=getattr(command, "price", None),
            trigger=getattr(command, "trigger", None), conditional=isinstance(command, PlaceStop),
        )  # fmt: skip

    def fill(self, command: Any, qty: Decimal, price: Decimal) -> None:
        self.fills += 1
        trade = self.engine.book.order(command.client_id)
        closing = trade is not None and qty * trade[0].plan.qty < 0
        cost = trade[0].cost / trade[0].qty if trade is not None and trade[0].qty else price
        realised = -qty * (price - cost) if closing else D(0)
        self.wallet += realised
        self.hear(
            Filled(
                symbol=command.symbol, client_id=command.client_id, venue_id=f"v{command.client_id}",
                trade_id=f"t{self.fills}", qty=qty, price=price, **self.times(),
            )
        )  # fmt: skip
        self.hear(BalanceNow(asset="USDT", wallet=self.wallet, **self.times()))

    # --- reading -----------------------------------------------------------------------------------------------------

    def told(self, kind: str) -> list[Any]:
        return [note for note in self.notes if type(note).__name__ == kind]

    def last(self, kind: str) -> Any:
        return self.told(kind)[-1]

    @property
    def trade(self) -> Any:
        (trade,) = self.engine.book.trades.values()
        return trade

    def orders(self, role: str) -> list[Any]:
        return [c for c in self.sent if getattr(c, "role", "") == role]


def opened(monkeypatch: Any, *signals: SetupEvent, price: str = "100", **room: Any) -> Room:
    """A room whose first bar brings these signals and whose quote comes right after it."""
    made = Room(signals=list(signals), **room)
    monkeypatch.setattr("bearskin.engine._signals.detect", made.found)
    made.account()
    made.mark(price)
    made.bar(float(price))
    made.quote(price)
    return made
