"""The exchange's core under a steady mix of orders, as a venue sees it, with all that goes with a command.

A thousand accounts trade four symbols, each its own one: 70 % new orders that rest around the book, 25 % cancels, 5 %
orders that take. Every command makes its events and postings, and is encoded and appended to a journal on disk, 256 in
a transaction. The commands are drawn before the clock starts; the same ones are then carried out by an exchange
restored from the same snapshot. What the machine is worth at that moment is told by a plain loop beside it.
"""

from __future__ import annotations

import gc
import random
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import msgspec

from bearskin.exchange._core import Exchange
from bearskin.exchange._state import BracketRow, Contract
from bearskin.exchange._words import (
    AnyCommand,
    Cancel,
    Deposit,
    ListContract,
    OpenAccount,
    OrderUpdated,
    Place,
    Refused,
    SetMark,
)
from bearskin.journal import Journal

COMMANDS_S_MIN = 30_000
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
ACCOUNTS = 1_000
COMMANDS = 60_000
TAKERS = 10_000
BATCH = 256
MID = 60_000  # ticks
DEPTH = 250  # ticks to either side that orders rest in
START_NS = 1_700_000_000_000_000_000
PLAIN_TURNS = 1_000_000


def contract(symbol: str) -> Contract:
    """A contract of tick 0.1 and step 0.001 with two brackets."""
    return Contract(
        symbol=symbol,
        base=symbol[:-4],
        quote="USDT",
        settle="USDT",
        tick=Decimal("0.1"),
        step=Decimal("0.001"),
        min_price=Decimal("0.1"),
        max_price=Decimal(1_000_000),
        min_qty=Decimal("0.001"),
        max_qty=Decimal(1_000),
        market_max_qty=Decimal(100),
        min_notional=Decimal(5),
        brackets=(
            row("0", "1000000", "0.005", 100, "0"),
            row("1000000", "50000000", "0.05", 10, "45000"),
        ),
    )


def row(floor: str, cap: str, mmr: str, max_leverage: int, cum: str) -> BracketRow:
    """One bracket."""
    return BracketRow(
        floor=Decimal(floor), cap=Decimal(cap), mmr=Decimal(mmr), max_leverage=max_leverage, cum=Decimal(cum)
    )


class Crowd:
    """Draws commands for an exchange that it carries them out on, so that it knows what is open."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.exchange = Exchange()
        self.now_ns = START_NS
        self.accounts: list[int] = []
        self.open: list[tuple[int, int, str]] = []

    def carry_out(self, command: AnyCommand) -> bool:
        """Whether it was accepted; an order that rests is remembered."""
        events = self.exchange.apply(command)
        if events and isinstance(events[0], Refused):
            return False
        for event in events:
            if isinstance(event, OrderUpdated) and event.execution == "NEW":
                order = event.order
                if order.id in self.exchange.state.orders:
                    self.open.append((order.id, order.account, order.symbol))
        return True

    def move_in(self) -> None:
        """List the contracts and fund the accounts."""
        commands: list[AnyCommand] = [ListContract(time_ns=self.now_ns, contract=contract(name)) for name in SYMBOLS]
        price = MID * Decimal("0.1")
        commands += [SetMark(time_ns=self.now_ns, symbol=name, price=price) for name in SYMBOLS]
        for i in range(ACCOUNTS):
            commands.append(OpenAccount(time_ns=self.now_ns, name=f"trader {i}"))
            commands.append(Deposit(time_ns=self.now_ns, account=i + 2, amount=Decimal(10_000_000)))
            self.accounts.append(i + 2)
        for command in commands:
            assert self.carry_out(command), command

    def resting(self) -> Place:
        """An order that rests within `DEPTH` ticks of the middle, more often near it."""
        dice = self.dice
        side = dice.choice((1, -1))
        distance = 1 + min(int(dice.expovariate(0.02)), DEPTH)
        return self.place(side, dice.randrange(5, 100), MID - side * distance)

    def taking(self) -> Place:
        """A market order that takes about one resting order."""
        return self.place(self.dice.choice((1, -1)), self.dice.randrange(5, 100), 0)

    def place(self, side: int, steps: int, ticks: int) -> Place:
        dice = self.dice
        account = dice.choice(self.accounts)
        return Place(
            time_ns=self.now_ns,
            account=account,
            symbol=SYMBOLS[account % len(SYMBOLS)],
            side=side,
            type="LIMIT" if ticks else "MARKET",
            qty=Decimal(steps).scaleb(-3),
            price=Decimal(ticks).scaleb(-1) if ticks else None,
            client_id=f"x-{dice.getrandbits(64):x}",
        )

    def cancelling(self) -> Cancel | None:
        """The cancel of an order that is still open."""
        while self.open:
            at = self.dice.randrange(len(self.open))
            self.open[at], self.open[-1] = self.open[-1], self.open[at]
            order_id, account, symbol = self.open.pop()
            if order_id in self.exchange.state.orders:
                return Cancel(time_ns=self.now_ns, account=account, symbol=symbol, order_id=order_id)
        return None

    def draw(self, count: int, place_share: float, cancel_share: float) -> list[AnyCommand]:
        """`count` accepted commands of a mix; what is neither placed nor cancelled takes."""
        drawn: list[AnyCommand] = []
        while len(drawn) < count:
            self.now_ns += 30_000
            chance = self.dice.random()
            command: AnyCommand | None
            if chance < place_share:
                command = self.resting()
            elif chance < place_share + cancel_share:
                command = self.cancelling()
            else:
                command = self.taking()
            if command is not None and self.carry_out(command):
                drawn.append(command)
        return drawn


def plain_s() -> float:
    """Processor seconds of a loop that adds and stores small numbers: what this machine does at this moment."""
    kept: dict[int, int] = {}
    total = 0
    start = time.process_time()
    for i in range(PLAIN_TURNS):
        total += i
        kept[i & 1023] = total
    return time.process_time() - start


class Timing(NamedTuple):
    """Seconds on the wall and on the processor, and turns of a plain loop run just before that take as long."""

    wall_s: float
    cpu_s: float
    turns: float


def timed(snapshot: bytes, commands: list[AnyCommand], journal: Journal) -> Timing:
    """Carry out the commands from a snapshot, each batch in the journal before the next begins."""
    exchange = Exchange.restore(snapshot)
    apply = exchange.apply
    encode = msgspec.msgpack.Encoder().encode
    gc.collect()
    gc.freeze()  # as the served exchange does once it has started
    plain = plain_s()
    wall, cpu = time.perf_counter(), time.process_time()
    for first in range(0, len(commands), BATCH):
        records = []
        for command in commands[first : first + BATCH]:
            apply(command)
            records.append(encode(command))
        journal.append(records)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    gc.unfreeze()
    return Timing(wall, cpu, cpu / plain * PLAIN_TURNS)


def best_of(runs: int, run: Callable[[], Timing]) -> Timing:
    """The fastest of each: what is left when the machine's other work is taken away."""
    found = [run() for _ in range(runs)]
    return Timing(*(min(column) for column in zip(*found, strict=True)))


def measure(runs: int = 4) -> dict[str, float]:
    """Commands per second of the mix and of takers alone: on the wall, of processor time, and in turns of a loop."""
    crowd = Crowd(seed=1)
    crowd.move_in()
    crowd.draw(5_000, 0.9, 0.0)
    crowd.draw(5_000, 0.5, 0.0)
    before = crowd.exchange.snapshot()
    mix = crowd.draw(COMMANDS, 0.70, 0.25)
    deep = crowd.exchange.snapshot()
    takers = crowd.draw(TAKERS, 0.0, 0.0)
    positions = sum(len(account.positions) for account in crowd.exchange.state.accounts.values())
    del crowd  # nothing but the exchange that is timed and its commands
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal.open(Path(folder) / "journal.sqlite")
        mixed = best_of(runs, lambda: timed(before, mix, journal))
        taken = best_of(runs, lambda: timed(deep, takers, journal))
        journal.close()
    return {
        "commands_s": len(mix) / mixed.wall_s,
        "commands_cpu_s": len(mix) / mixed.cpu_s,
        "turns_per_command": mixed.turns / len(mix),
        "takers_s": len(takers) / taken.wall_s,
        "takers_cpu_s": len(takers) / taken.cpu_s,
        "turns_per_taker": taken.turns / len(takers),
        "positions": positions,
    }


if __name__ == "__main__":
    print(measure())
