"""A venue in process that does everything wrong a venue can do, driven by one seed.

Requests get lost, arrive late or after one another's successors; answers get lost; what the stream tells comes late,
twice, out of order or never; orders are refused, filled in parts, stops fail when they go off, positions are reduced
by force or by the user's own hand; and the bot dies between any two steps, before or after its journal was written.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, Decimal
from typing import Any

import msgspec
from unit.engine.bench import Hands, instrument

from bearskin.engine import Adjusted, Ended, Engine, EngineSettings, Issued, Leaving, Record, Stepped
from bearskin.engine._codec import record_bytes, record_of
from bearskin.terms import (
    AccountNow,
    Answered,
    AnyCommand,
    AnyEvent,
    Cancel,
    Close,
    Filled,
    Marked,
    MoveStop,
    MoveTarget,
    Open,
    OrderChanged,
    OrderNow,
    Panic,
    Place,
    PlaceStop,
    PositionNow,
    Pulse,
    Side,
    our_id,
)

D = Decimal
ZERO = D(0)
MS = 1_000_000
S = 1_000 * MS
START_NS = 1_760_000_000 * S
ACCEPTS_NS = 6 * S  # a request older than this is refused by the venue
FEE = D("0.0005")
HASHED_EVERY = 16  # steps; and at every crash, and at the end


@dataclass(frozen=True)
class Faults:
    """How often what goes wrong: each is a chance from 0 to 1."""

    request_lost: float = 0.0
    answer_lost: float = 0.0
    told_lost: float = 0.0
    told_twice: float = 0.0
    late: float = 0.0
    refused: float = 0.0
    part_fill: float = 0.0
    stop_fails: float = 0.0
    forced: float = 0.0
    by_hand: float = 0.0
    crash: float = 0.0
    stop_vanishes: float = 0.0


@dataclass
class Order:
    """An order at the venue."""

    command: Place | PlaceStop
    venue_id: str
    status: str = "open"
    filled: D = ZERO
    value: D = ZERO
    child_id: str = ""

    @property
    def left(self) -> D:
        return self.command.qty - self.filled

    def now(self) -> OrderNow:
        command = self.command
        return OrderNow(
            symbol=command.symbol, client_id=command.client_id, venue_id=self.venue_id, status=self.status,
            qty=command.qty, filled=self.filled, average=self.value / self.filled if self.filled else None,
            price=getattr(command, "price", None), trigger=getattr(command, "trigger", None),
            conditional=isinstance(command, PlaceStop), reduce_only=reduces(command), child_id=self.child_id,
        )  # fmt: skip


def reduces(command: Place | PlaceStop) -> bool:
    return isinstance(command, PlaceStop) or command.reduce_only


@dataclass
class Holding:
    qty: D = ZERO
    cost: D = ZERO
    realised: D = ZERO


@dataclass
class World:
    """The venue, the wire, the bot and its journal; `run` lets them live for some seconds."""

    seed: int
    faults: Faults
    symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")
    now_ns: int = START_NS
    heap: list[tuple[int, int, str, Any]] = field(default_factory=list)
    orders: dict[str, Order] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    fills: list[Filled] = field(default_factory=list)
    journal: list[bytes] = field(default_factory=list)
    ended: dict[int, Ended] = field(default_factory=dict)
    entries_sent: dict[str, int] = field(default_factory=dict)
    parts_asked: dict[int, D] = field(default_factory=dict)  # by trade: what was asked to be closed of it in parts
    parts_closed: dict[int, D] = field(default_factory=dict)
    parts_sent: set[str] = field(default_factory=set)
    naked_since: dict[int, int] = field(default_factory=dict)
    counter: int = 0
    steps: int = 0
    crashes: int = 0
    hands: int = 0
    adjusted: int = 0
    quiet: bool = False
    largest: D | None = None  # market or stop order that the venue takes

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.settings = EngineSettings(symbols=self.symbols)
        self.price = dict.fromkeys(self.symbols, D(100))
        self.held = {symbol: Holding() for symbol in self.symbols}
        self.engine = self.fresh()
        self.shadow = self.fresh()
        self.wall_of_fills: dict[str, int] = {}
        for every_ns, what in ((250 * MS, "pulse"), (400 * MS, "market"), (10 * S, "account"), (4 * S, "user")):
            self.at(every_ns, what, every_ns)

    def fresh(self) -> Engine:
        return Engine(
            self.settings, {symbol: (instrument(symbol, self.largest), None) for symbol in self.symbols}, Hands()
        )

    # --- the clock ---------------------------------------------------------------------------------------------------

    def at(self, after_ns: int, what: str, detail: Any = None) -> None:
        self.counter += 1
        heapq.heappush(self.heap, (self.now_ns + after_ns, self.counter, what, detail))

    def chance(self, fault: str) -> bool:
        return not self.quiet and self.dice.random() < getattr(self.faults, fault)

    def delay_ns(self) -> int:
        if self.chance("late"):
            return self.dice.randrange(50 * MS, 4 * S)
        return self.dice.randrange(2 * MS, 60 * MS)

    def run(self, seconds: float) -> None:
        until_ns = self.now_ns + int(seconds * S)
        while self.heap and self.heap[0][0] <= until_ns:
            self.now_ns, _, what, detail = heapq.heappop(self.heap)
            getattr(self, f"on_{what}")(detail)
        self.now_ns = until_ns

    # --- what happens ------------------------------------------------------------------------------------------------

    def on_pulse(self, every_ns: int) -> None:
        self.at(every_ns, "pulse", every_ns)
        self.hear(Pulse(time_ns=self.now_ns, wall_ns=self.now_ns))

    def on_market(self, every_ns: int) -> None:
        self.at(every_ns, "market", every_ns)
        for symbol in self.symbols:
            step = D(self.dice.choice((-8, -3, -1, 0, 1, 3, 8))) / 10
            if self.quiet:
                step = D(0)
            self.price[symbol] = min(max(self.price[symbol] + step, D(80)), D(120))
            self.hear(Marked(symbol=symbol, mark=self.price[symbol], time_ns=self.now_ns, wall_ns=self.now_ns))
            self.match(symbol)
            held = self.held[symbol]
            if held.qty and self.chance("forced"):
                qty = -held.qty if self.dice.random() < 0.3 else (-held.qty / 2).quantize(D("0.001"))
                if qty:
                    self.fill(symbol, f"autoclose-{self.counter}", "", qty, self.price[symbol], why="adl")
            if held.qty and self.chance("by_hand"):
                self.hands += 1
                self.fill(symbol, f"web_{self.counter}", "", -held.qty, self.price[symbol])
            if self.chance("stop_vanishes"):
                for order in self.resting(symbol):
                    if order.command.role == "stop":
                        self.close_order(order, "canceled")

    def on_user(self, every_ns: int) -> None:
        self.at(every_ns, "user", every_ns)
        if self.quiet:
            return
        symbol = self.dice.choice(self.symbols)
        trade = self.engine.book.trade_in(symbol)
        act = {"act_id": f"a{self.counter}", "time_ns": self.now_ns, "wall_ns": self.now_ns, "symbol": symbol}
        price = self.price[symbol]
        side = self.dice.choice((Side.SHORT, Side.LONG))
        what = self.dice.random()
        if trade is None:
            targets = (price + side * 2, price + side * 4)[: self.dice.randrange(3)]
            self.hear(
                Open(
                    side=side, qty=D(self.dice.randrange(1, 40)) / 10, stop=price - side * D(self.dice.randrange(1, 6)),
                    targets=targets, price=price + side if self.dice.random() < 0.3 else None, **act,
                )
            )  # fmt: skip
        elif what < 0.35:
            share = D(1) if self.dice.random() < 0.5 or not trade.open_qty else D("0.4")
            limit = price + trade.plan.side * D("0.5") if self.dice.random() < 0.3 else None
            self.hear(Close(share=share, price=limit, **act))
        elif what < 0.7:
            self.hear(MoveStop(stop=price - trade.plan.side * D(self.dice.randrange(1, 4)), **act))
        elif trade.targets:
            number = self.dice.randrange(len(trade.targets)) + 1
            target = price + trade.plan.side * D(self.dice.randrange(11, 60)) / 10
            if target not in trade.targets and target not in trade.targets_before:
                self.hear(MoveTarget(target=target, number=number, **act))

    def on_account(self, every_ns: int | None) -> None:
        if every_ns:
            self.at(every_ns, "account", every_ns)
        asked_ns = self.now_ns
        recent = [fill for fill in self.fills if fill.wall_ns > asked_ns - 90 * S]
        # positions and orders are asked for a little later than fills: what happens between is in the one only
        self.at(self.dice.randrange(1 * MS, 40 * MS), "account_seen", (asked_ns, recent))

    def on_account_seen(self, detail: tuple[int, list[Filled]]) -> None:
        asked_ns, recent = detail
        positions = tuple(
            PositionNow(symbol=symbol, qty=held.qty, entry=held.cost / held.qty)
            for symbol, held in self.held.items()
            if held.qty
        )
        orders = tuple(order.now() for order in self.orders.values() if order.status == "open")
        self.at(self.delay_ns(), "account_told", (asked_ns, recent, positions, orders))

    def on_account_told(self, detail: Any) -> None:
        asked_ns, recent, positions, orders = detail
        lived = self.crashes
        for fill in recent:
            self.hear(msgspec.structs.replace(fill, wall_ns=self.now_ns))
            if self.crashes > lived:
                return
        self.hear(
            AccountNow(
                asset="USDT", wallet=D(10_000), available=D(10_000), positions=positions, orders=orders,
                asked_wall_ns=asked_ns, time_ns=self.now_ns, wall_ns=self.now_ns,
            )
        )  # fmt: skip

    def on_told(self, event: AnyEvent) -> None:
        self.hear(msgspec.structs.replace(event, wall_ns=self.now_ns))

    def on_request(self, detail: tuple[int, AnyCommand]) -> None:
        """A request reaches the venue; the answer may not reach the bot."""
        issued_ns, command = detail
        if self.now_ns - issued_ns > ACCEPTS_NS:
            return
        answer = self.carry_out(command)
        if self.chance("answer_lost"):
            return
        self.at(self.delay_ns(), "told", answer)

    def on_lost(self, detail: tuple[int, AnyCommand]) -> None:
        """The live room has no answer: it says so, and asks until it knows."""
        issued_ns, command = detail
        self.hear(self.answered(command, "unknown"))
        if isinstance(command, Place | PlaceStop):
            self.at(500 * MS, "ask", (issued_ns, command.symbol, command.client_id, type(command).__name__))

    def on_ask(self, detail: tuple[int, str, str, str]) -> None:
        issued_ns, symbol, client_id, what = detail
        order = self.orders.get(client_id)
        base = {"symbol": symbol, "client_id": client_id, "what": what, "time_ns": self.now_ns, "wall_ns": self.now_ns}
        if order is not None:
            self.at(self.delay_ns(), "told", Answered(outcome="accepted", order=order.now(), **base))
        elif client_id in self.seen or self.now_ns - issued_ns > ACCEPTS_NS + 4 * S:
            self.at(self.delay_ns(), "told", Answered(outcome="absent", **base))
        else:
            self.at(1 * S, "ask", detail)

    # --- the venue ---------------------------------------------------------------------------------------------------

    def resting(self, symbol: str) -> list[Order]:
        return [o for o in self.orders.values() if o.status == "open" and o.command.symbol == symbol]

    def answered(self, command: AnyCommand, outcome: str, code: str = "", order: OrderNow | None = None) -> Answered:
        return Answered(
            symbol=command.symbol, client_id=command.client_id, what=type(command).__name__, outcome=outcome,
            code=code, message=code, order=order, time_ns=self.now_ns, wall_ns=self.now_ns,
        )  # fmt: skip

    def carry_out(self, command: AnyCommand) -> Answered:
        if isinstance(command, Cancel):
            order = self.orders.get(command.client_id)
            if order is None or order.status != "open":
                return self.answered(command, "rejected", "-2011")
            self.close_order(order, "canceled")
            return self.answered(command, "accepted", order=order.now() if self.dice.random() < 0.5 else None)
        assert command.client_id not in self.seen, f"sent twice: {command}"
        self.seen.add(command.client_id)
        code = self.refusal(command)
        if code:
            return self.answered(command, "rejected", code)
        order = self.orders[command.client_id] = Order(command, f"v{len(self.seen)}")
        if isinstance(command, PlaceStop):
            self.tell_order(order)
        elif command.price is None:
            self.execute(order)
        else:
            self.tell_order(order)
            self.match(command.symbol)
        return self.answered(command, "accepted", order=order.now() if self.dice.random() < 0.7 else None)

    def refusal(self, command: Place | PlaceStop) -> str:
        price, held = self.price[command.symbol], self.held[command.symbol]
        if self.chance("refused"):
            return "-1001"
        at_market = isinstance(command, PlaceStop) or (command.price is None and command.reduce_only)
        if at_market and self.largest is not None and abs(command.qty) > self.largest:
            return "-4005"
        if isinstance(command, PlaceStop):
            beyond = price >= command.trigger if command.qty > 0 else price <= command.trigger
            return "-2021" if beyond else ""
        if not command.reduce_only:
            return ""
        if held.qty * command.qty >= 0:
            return "-2022"
        spoken_for = sum(
            abs(o.left) for o in self.resting(command.symbol) if isinstance(o.command, Place) and o.command.reduce_only
        )
        return "-4118" if spoken_for + abs(command.qty) > abs(held.qty) else ""

    def match(self, symbol: str) -> None:
        price = self.price[symbol]
        for order in self.resting(symbol):
            command = order.command
            if isinstance(command, PlaceStop):
                if (command.qty > 0 and price >= command.trigger) or (command.qty < 0 and price <= command.trigger):
                    self.trigger(order)
            elif (command.qty > 0 and price <= command.price) or (command.qty < 0 and price >= command.price):
                self.execute(order)

    def trigger(self, order: Order) -> None:
        order.child_id = f"c{order.venue_id}"
        order.status = "triggered"
        self.tell_order(order)
        if self.chance("stop_fails"):
            how = self.dice.choice(("rejected", "expired", "part"))
            if how != "part":
                self.close_order(order, how)
                return
            self.execute(order, part=True)
            return
        self.execute(order)

    def execute(self, order: Order, part: bool = False) -> None:
        """Trade an order against the world, in one or several fills, to its end."""
        symbol = order.command.symbol
        left = order.left
        if reduces(order.command):
            open_qty = self.held[symbol].qty
            if open_qty * left >= 0:
                self.close_order(order, "expired")
                return
            left = max(min(left, abs(open_qty)), -abs(open_qty))
        pieces = [left]
        if part or self.chance("part_fill"):
            half = (left / 2).quantize(D("0.001"))
            pieces = [half, left - half]
        stops_short = part or (len(pieces) == 2 and self.dice.random() < 0.4)
        resting = isinstance(order.command, Place) and order.command.price is not None
        price = order.command.price if resting else self.price[symbol]
        for piece in pieces[:1] if stops_short else pieces:
            if piece:
                order.filled += piece
                order.value += piece * price
                # a conditional order trades under the number of the order that it became
                self.fill(symbol, order.command.client_id, order.child_id or order.venue_id, piece, price)
        if resting and stops_short:
            self.tell_order(order)
            return
        self.close_order(order, "filled" if not order.left else "expired")

    def fill(self, symbol: str, client_id: str, venue_id: str, qty: D, price: D, why: str = "") -> None:
        held = self.held[symbol]
        if held.qty * qty < 0:
            share = held.cost * qty / -held.qty
            held.realised += -qty * price - share
            held.cost -= share
        else:
            held.cost += qty * price
        held.qty += qty
        if not held.qty:
            held.cost = D(0)
        self.count_part(client_id, abs(qty))
        fill = Filled(
            symbol=symbol, client_id=client_id, venue_id=venue_id, trade_id=f"t{len(self.fills)}", qty=qty, price=price,
            fee=abs(qty * price * FEE), why=why, time_ns=self.now_ns, wall_ns=self.now_ns,
        )  # fmt: skip
        self.fills.append(fill)
        self.tell(fill)

    def count_part(self, client_id: str, qty: D) -> None:
        ours = our_id(client_id)
        if ours is None or ours.trade not in self.parts_asked:
            return
        if client_id in self.parts_sent:
            self.parts_closed[ours.trade] = self.parts_closed.get(ours.trade, D(0)) + qty
        elif ours.role == "entry":
            self.parts_asked[ours.trade] += qty  # what was entered later goes too

    def close_order(self, order: Order, status: str) -> None:
        order.status = status
        self.tell_order(order)

    def tell_order(self, order: Order) -> None:
        now = order.now()
        self.tell(OrderChanged(order=now, time_ns=self.now_ns, wall_ns=self.now_ns))
        if order.child_id:
            # what a conditional order became is an order of its own, under the same name
            status = "open" if order.status == "triggered" else order.status
            child = msgspec.structs.replace(now, conditional=False, venue_id=order.child_id, status=status, child_id="")
            self.tell(OrderChanged(order=child, time_ns=self.now_ns, wall_ns=self.now_ns))

    def tell(self, event: AnyEvent) -> None:
        """What the stream does with an event."""
        if self.chance("told_lost"):
            return
        for _ in range(2 if self.chance("told_twice") else 1):
            self.at(self.delay_ns(), "told", event)

    # --- the bot -----------------------------------------------------------------------------------------------------

    def hear(self, event: AnyEvent) -> None:
        self.steps += 1
        stepped: Stepped = self.engine.step(event)
        if self.chance("crash") and self.dice.random() < 0.5:
            self.crash()  # before the journal: it never happened
            return
        if stepped.keep:
            self.journal.append(record_bytes(Record(event, stepped.notes)))
            record = record_of(self.journal[-1])
            self.shadow.book.told(record.event)
            for note in record.notes:
                self.shadow.book.noted(note)
        self.check_step(stepped)
        if stepped.commands and self.chance("crash"):
            sent = self.dice.randrange(len(stepped.commands) + 1)
            for approved in stepped.commands[:sent]:
                self.send(approved.command)
            self.crash()
            return
        for approved in stepped.commands:
            self.send(approved.command)
        if stepped.look:
            self.at(20 * MS, "account", None)

    def send(self, command: AnyCommand) -> None:
        if isinstance(command, Place | PlaceStop):
            ours = our_id(command.client_id)
            assert ours is not None
            if command.role == "entry":
                self.entries_sent[command.client_id] = self.entries_sent.get(command.client_id, 0) + 1
        lost = self.chance("request_lost")
        if not lost:
            self.at(self.delay_ns(), "request", (self.now_ns, command))
        if lost or self.faults.answer_lost:
            # it is the room that decides when an answer is overdue; one that came before is not lost
            self.at(self.dice.randrange(1 * S, 3 * S), "overdue", (self.now_ns, command))

    def on_overdue(self, detail: tuple[int, AnyCommand]) -> None:
        _, command = detail
        found = self.engine.book.order(command.client_id)
        if found is None:
            return
        order = found[1]
        if order.status == "sent" or (isinstance(command, Cancel) and order.cancel == "sent"):
            self.on_lost(detail)

    def crash(self) -> None:
        """Die and come back: what the journal does not know is gone, what was on its way to us is lost."""
        self.crashes += 1
        self.naked_since.clear()  # the clock of an emergency runs while somebody is awake
        self.heap = [
            each for each in self.heap if each[2] not in ("told", "account_seen", "account_told", "ask", "overdue")
        ]
        heapq.heapify(self.heap)
        self.engine = self.fresh()
        self.engine.restore(record_of(data) for data in self.journal)
        assert self.engine.book.state_hash() == self.shadow.book.state_hash()
        for doubt in self.engine.in_doubt():
            what = "PlaceStop" if doubt.conditional else "Place"
            self.at(self.delay_ns(), "ask", (doubt.issued_wall_ns, doubt.symbol, doubt.client_id, what))
        self.at(self.delay_ns(), "account", None)

    # --- what must always hold ---------------------------------------------------------------------------------------

    def check_step(self, stepped: Stepped) -> None:
        book = self.engine.book
        if self.steps % HASHED_EVERY == 0:
            assert book.state_hash() == self.shadow.book.state_hash()
        for note in stepped.notes:
            if isinstance(note, Leaving) and note.share < 1:
                self.parts_asked[note.trade] = self.parts_asked.get(note.trade, D(0)) + abs(note.qty)
            if isinstance(note, Issued) and note.why == "closing a part":
                self.parts_sent.add(note.command.client_id)
            self.adjusted += isinstance(note, Adjusted)
            if isinstance(note, Ended):
                assert note.trade not in self.ended or note.entered_ns, f"ended twice: {note}"
                self.ended[note.trade] = note
        for trade in book.trades.values():
            covered = sum(abs(o.left) for o in trade.stops() if o.confirmed and o.left * trade.open_qty < 0)
            leaving = trade.leaving and trade.leave_price is None
            if abs(trade.open_qty) <= covered or leaving:
                self.naked_since.pop(trade.number, None)
                continue
            since_ns = self.naked_since.setdefault(trade.number, self.now_ns)
            assert self.now_ns - since_ns <= (self.settings.unprotected_max_s + 0.3) * S, f"naked too long: {trade}"

    def check_quiet(self) -> None:
        """After everything has calmed down: the book is the venue's, protected or flat, and nothing is left over."""
        assert self.engine.book.state_hash() == self.shadow.book.state_hash()
        assert max(self.entries_sent.values(), default=1) == 1
        for number, closed in self.parts_closed.items():
            assert closed <= self.parts_asked[number], f"{closed} closed, {self.parts_asked[number]} asked: {number}"
        book = self.engine.book
        for symbol in self.symbols:
            trade = book.trade_in(symbol)
            ours = trade.open_qty if trade is not None else D(0)
            assert self.held[symbol].qty == ours, f"{symbol}: venue {self.held[symbol].qty}, book {ours}: {trade}"
            resting = [o.command for o in self.resting(symbol) if our_id(o.command.client_id)]
            if trade is None:
                assert not resting, f"left over: {resting}"
            elif ours:
                stops = [c for c in resting if isinstance(c, PlaceStop)]
                assert {c.trigger for c in stops} == {trade.stop}, f"{stops} for {trade}"
                assert sum(c.qty for c in stops) == -ours, f"{stops} for {trade}"
                fewest = (abs(ours) / (self.largest or abs(ours))).to_integral_value(ROUND_CEILING)
                assert len(stops) == fewest, f"{stops} for {trade}"
                assert trade.protected


def check_money(world: World) -> None:
    """What the trades say they made is what the venue paid, where every fill was one of ours."""
    ended = world.ended.values()
    gross = sum(held.realised for held in world.held.values())
    assert abs(sum(note.gross for note in ended) - gross) < D("0.000001")
    assert sum(note.fees for note in ended) == sum(fill.fee for fill in world.fills)
    for note in ended:
        assert note.net == note.gross - note.fees + note.funding


def worlds(seed: int) -> Faults:
    """The faults of a seed: each kind is absent, rare or frequent by the throw of its own dice."""
    dice = random.Random(f"faults {seed}")
    most = {
        "request_lost": 0.1, "answer_lost": 0.1, "told_lost": 0.2, "told_twice": 0.3, "late": 0.3, "refused": 0.2,
        "part_fill": 0.5, "stop_fails": 0.5, "forced": 0.02, "by_hand": 0.01, "crash": 0.01, "stop_vanishes": 0.01,
    }  # fmt: skip
    return replace(Faults(), **{name: most[name] * dice.choice((0, 0.3, 1)) for name in most})


def live(seed: int, seconds: float = 45.0, largest: D | None = None) -> World:
    """One life: faults for a while, then calm, then everything closed in panic, with all that must hold checked."""
    world = World(seed, worlds(seed), largest=largest)
    world.on_account(None)
    world.run(seconds)
    world.quiet = True
    world.run(40)
    world.check_quiet()
    world.hear(Panic(act_id="end", time_ns=world.now_ns, wall_ns=world.now_ns))
    world.run(25)
    world.check_quiet()
    assert not world.engine.book.trades, world.engine.book.trades
    if not world.hands and not world.adjusted:
        check_money(world)
    return world


__all__ = ["Faults", "World", "live", "worlds"]
