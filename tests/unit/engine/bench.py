"""A bench for the engine: events are told by hand, commands are read off, and the journal is replayed at every step."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bearskin.engine import Desk, Done, Ended, Engine, EngineSettings, Leaving, Planned, Record, Stepped, Trade
from bearskin.engine._codec import record_bytes, record_of
from bearskin.engine._leave import panic
from bearskin.engine._notes import StopMoved, TargetMoved
from bearskin.risk._approved import minted
from bearskin.terms import (
    AccountNow,
    Answered,
    AnyCommand,
    AnyEvent,
    Cancel,
    Close,
    Filled,
    Instrument,
    MoveStop,
    MoveTarget,
    Open,
    OrderChanged,
    OrderNow,
    Panic,
    Place,
    PlaceStop,
    PositionNow,
    Product,
    Pulse,
    client_id,
)

D = Decimal
BTC = "BTCUSDT"
MS = 1_000_000
START_NS = 1_760_000_000 * 1_000_000_000


def instrument(symbol: str = BTC, largest: D | None = None) -> Instrument:
    return Instrument(
        venue="demo", symbol=symbol, product=Product.LINEAR, base=symbol[:-4], quote="USDT", settle="USDT",
        tick=D("0.1"), step=D("0.001"), min_qty=D("0.001"), min_notional=D(5),
        market_max_qty=largest,
    )  # fmt: skip


class Hands:
    """A mind that does what it is told: opens, moves stops and closes, without an opinion."""

    def heard(self, event: AnyEvent) -> None:
        """It has no memory of the market."""

    def decide(self, desk: Desk) -> None:
        event = desk.event
        match event:
            case Open():
                self._open(desk, event)
            case Close():
                trade = desk.book.trade_in(event.symbol)
                if trade is not None:
                    desk.leave(trade, "hand", share=event.share, price=event.price, act_id=event.act_id)
            case MoveStop():
                trade = desk.book.trade_in(event.symbol)
                if trade is not None:
                    desk.note(
                        StopMoved(
                            time_ns=desk.time_ns, wall_ns=desk.wall_ns, trade=trade.number, symbol=trade.symbol,
                            old=trade.stop, new=event.stop, why="by hand",
                        )
                    )  # fmt: skip
            case MoveTarget():
                trade = desk.book.trade_in(event.symbol)
                if trade is not None:
                    at, before = event.number - 1, trade.targets
                    desk.note(
                        TargetMoved(
                            time_ns=desk.time_ns, wall_ns=desk.wall_ns, trade=trade.number, symbol=trade.symbol,
                            number=event.number, old=before[at], new=event.target,
                            targets=(*before[:at], event.target, *before[at + 1 :]), why="by hand",
                        )
                    )  # fmt: skip
            case Panic():
                panic(desk, event)
            case _:
                pass

    def _open(self, desk: Desk, act: Open) -> None:
        refused = desk.book.barred(act.symbol) or ("busy" if desk.book.trade_in(act.symbol) else "")
        if not refused:
            number = desk.book.next_trade
            qty = act.side * act.qty
            shares = [D("0.5"), D("0.5")] if len(act.targets) == 2 else [D(1)]
            dual = desk.book.account.dual
            leg = "BOTH" if not dual else "SHORT" if qty < 0 else "LONG"
            reference = act.price or desk.mark(act.symbol) or D(100)
            desk.note(
                Planned(
                    time_ns=desk.time_ns, wall_ns=desk.wall_ns, trade=number, symbol=act.symbol, side=act.side,
                    leg=leg, purpose=act.purpose, origin="hand", qty=qty, entry_ref=reference, entry_price=act.price,
                    stop=act.stop, targets=act.targets,
                    target_qtys=tuple(qty * s for s, _ in zip(shares, act.targets, strict=False)),
                    loss_at_stop=abs(qty * (act.stop - reference)) if act.stop else D(0),
                )
            )  # fmt: skip
            place = Place(
                symbol=act.symbol, client_id=client_id(desk.book.tag, number, "entry", 0), role="entry", qty=qty,
                price=act.price, leg=leg,
            )  # fmt: skip
            desk.send(number, minted(place, "hand"))
        desk.note(Done(time_ns=desk.time_ns, wall_ns=desk.wall_ns, act_id=act.act_id, refused=refused))


@dataclass
class Bench:
    """One engine, its journal, and what went out last."""

    settings: EngineSettings = field(default_factory=lambda: EngineSettings(symbols=(BTC,)))
    symbols: tuple[str, ...] = (BTC,)
    now_ns: int = START_NS
    journal: list[bytes] = field(default_factory=list)
    sent: list[AnyCommand] = field(default_factory=list)
    notes: list[Any] = field(default_factory=list)
    acts: int = 0
    trades_told: int = 0
    largest: D | None = None  # market or stop order that the venue takes
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = self.fresh()

    def fresh(self) -> Engine:
        return Engine(
            self.settings, {symbol: (instrument(symbol, self.largest), None) for symbol in self.symbols}, Hands()
        )

    # --- telling -----------------------------------------------------------------------------------------------------

    def hear(self, event: AnyEvent) -> list[AnyCommand]:
        """One step; the commands that went out. The journal of it all must give the same book."""
        stepped: Stepped = self.engine.step(event)
        if stepped.keep:
            self.journal.append(record_bytes(Record(event, stepped.notes)))
        self.stepped = stepped
        self.sent = [approved.command for approved in stepped.commands]
        self.notes.extend(stepped.notes)
        assert self.replayed().book.state_hash() == self.engine.book.state_hash()
        return self.sent

    def replayed(self) -> Engine:
        engine = self.fresh()
        engine.restore(record_of(data) for data in self.journal)
        return engine

    def restart(self) -> None:
        self.engine = self.replayed()

    def times(self, after_ms: int = 0) -> dict[str, int]:
        self.now_ns += after_ms * MS
        return {"time_ns": self.now_ns, "wall_ns": self.now_ns}

    def wait(self, ms: int) -> list[AnyCommand]:
        """Let time pass in pulses of 250 ms; everything that went out meanwhile."""
        sent: list[AnyCommand] = []
        for _ in range(ms // 250):
            sent += self.hear(Pulse(**self.times(250)))
        return sent

    def _act(self) -> dict[str, Any]:
        self.acts += 1
        return {**self.times(), "act_id": str(self.acts)}

    def open(self, **what: Any) -> list[AnyCommand]:
        return self.hear(Open(symbol=what.pop("symbol", BTC), **self._act(), **what))

    def close(self, **what: Any) -> list[AnyCommand]:
        return self.hear(Close(symbol=BTC, **self._act(), **what))

    def move_stop(self, stop: str) -> list[AnyCommand]:
        return self.hear(MoveStop(symbol=BTC, stop=D(stop), **self._act()))

    def move_target(self, target: str, number: int = 1) -> list[AnyCommand]:
        return self.hear(MoveTarget(symbol=BTC, target=D(target), number=number, **self._act()))

    def panic(self, **what: Any) -> list[AnyCommand]:
        return self.hear(Panic(**self._act(), **what))

    def answer(
        self, command: AnyCommand, outcome: str = "accepted", after_ms: int = 10, **what: Any
    ) -> list[AnyCommand]:
        return self.hear(
            Answered(
                symbol=command.symbol, client_id=getattr(command, "client_id", ""), what=type(command).__name__,
                outcome=outcome, **what, **self.times(after_ms),
            )
        )  # fmt: skip

    def fill(
        self, command: AnyCommand, qty: str, price: str, trade_id: str | None = None, after_ms: int = 10, **what: Any
    ) -> list[AnyCommand]:
        self.trades_told += 1
        return self.hear(
            Filled(
                symbol=command.symbol, client_id=command.client_id, venue_id=f"v-{command.client_id}",
                trade_id=trade_id or f"t{self.trades_told}", qty=D(qty), price=D(price),
                fee=what.pop("fee", D("0.01")), **what, **self.times(after_ms),
            )
        )  # fmt: skip

    def order(self, command: AnyCommand, status: str, filled: str = "0", **what: Any) -> OrderNow:
        return OrderNow(
            symbol=command.symbol, client_id=command.client_id, venue_id=f"v-{command.client_id}", status=status,
            qty=command.qty, filled=D(filled), conditional=isinstance(command, PlaceStop), **what,
        )  # fmt: skip

    def changed(
        self, command: AnyCommand, status: str, filled: str = "0", after_ms: int = 10, **what: Any
    ) -> list[AnyCommand]:
        return self.hear(OrderChanged(order=self.order(command, status, filled, **what), **self.times(after_ms)))

    def account(
        self,
        *positions: tuple[str, str],
        orders: tuple[OrderNow, ...] = (),
        after_ms: int = 100,
        dual: bool = False,
        **what: Any,
    ) -> list[AnyCommand]:
        times = self.times(after_ms)
        return self.hear(
            AccountNow(
                asset="USDT", wallet=D(1000), available=D(900), orders=orders, dual=dual,
                asked_wall_ns=times["wall_ns"] - MS,
                positions=tuple(
                    PositionNow(symbol=BTC, qty=D(qty), entry=D(entry), **what) for qty, entry in positions
                ),
                **times,
            )
        )  # fmt: skip

    # --- reading -----------------------------------------------------------------------------------------------------

    @property
    def trade(self) -> Trade:
        (trade,) = self.engine.book.trades.values()
        return trade

    def told(self, kind: type) -> list[Any]:
        return [note for note in self.notes if isinstance(note, kind)]

    @property
    def ended(self) -> Ended:
        (ended,) = self.told(Ended)
        return ended

    @property
    def left(self) -> list[str]:
        return [note.reason for note in self.told(Leaving)]

    def short(
        self, qty: str = "1", stop: str = "105", fill: str = "100", targets: tuple[str, ...] = ()
    ) -> tuple[Place, PlaceStop]:
        """A protected short at market: the entry and its stop; targets rest too."""
        from bearskin.terms import Side

        (entry,) = self.open(side=Side.SHORT, qty=D(qty), stop=D(stop), targets=tuple(map(D, targets)))
        self.answer(entry)
        (stop_order, *resting) = self.fill(entry, f"-{qty}", fill)
        for target in resting:
            self.answer(target)
        self.answer(stop_order)
        assert self.trade.protected
        return entry, stop_order


def kinds(commands: list[AnyCommand]) -> list[str]:
    """What went out, in a word each: `stop -1 @ 105`, `exit 1`, `cancel stop 0`."""
    return [_kind(command) for command in commands]


def _kind(command: AnyCommand) -> str:
    match command:
        case Place():
            return f"{command.role} {command.qty}" + (f" @ {command.price}" if command.price is not None else "")
        case PlaceStop():
            return f"{command.role} {command.qty} @ {command.trigger}"
        case Cancel():
            from bearskin.terms import our_id

            ours = our_id(command.client_id)
            return f"cancel {ours.role} {ours.nth}" if ours else f"cancel {command.client_id}"
        case _:
            return type(command).__name__
