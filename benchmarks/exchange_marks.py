"""A mark tick of the exchange that liquidates nobody: what it costs to know that, beside a look at everyone.

The crowd trades its positions on the exchange itself, about half of it long, at leverage from 2 to 50 (isolated) or 2
to 25 (a cross account as a whole); then spot prices and a market maker walk by about a basis point a second, and each
second's tick is timed on its own with everything on: index, median of three, premium, funding clock, watch.
"""

from __future__ import annotations

import random
import statistics
import time
from decimal import Decimal

from bearskin.exchange._core import Exchange
from bearskin.exchange._pools import is_due, margins_of, standing
from bearskin.exchange._state import BracketRow, Contract
from bearskin.exchange._words import (
    CancelAll,
    Deposit,
    Liquidating,
    ListContract,
    OpenAccount,
    Place,
    Refused,
    SetIndex,
    SetLeverage,
    SetMarginMode,
    Tick,
)
from bearskin.margin import deciding
from bearskin.terms import SECOND_NS

ISOLATED = 10_000
CROSS = 1_000
TICKS = 1_000
ISOLATED_MS_MAX = 1.0
CROSS_MS_MAX = 5.0
START_NS = 1_800_000_000 * SECOND_NS
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
PRICE = 60_000
WALK_BP = 100  # the walk stays within this many basis points of where it began
# floor, cap, maintenance rate, highest leverage, amount
ROWS = (
    ("0", "300000", "0.004", 125, "0"),
    ("300000", "800000", "0.005", 100, "300"),
    ("800000", "1e12", "0.0065", 75, "1500"),
)


class Room:
    """An exchange, its clock and a walk for every symbol."""

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self.exchange = Exchange()
        self.now_ns = START_NS
        self.dice = random.Random(7)
        self.offsets = dict.fromkeys(symbols, 0.0)
        rows = tuple(
            BracketRow(floor=Decimal(a), cap=Decimal(b), mmr=Decimal(c), max_leverage=d, cum=Decimal(e))
            for a, b, c, d, e in ROWS
        )
        for symbol in symbols:
            contract = Contract(
                symbol=symbol, base=symbol[:-4], quote="USDT", settle="USDT", tick=Decimal("0.1"),
                step=Decimal("0.001"), min_price=Decimal("0.1"), max_price=Decimal("1e7"), min_qty=Decimal("0.001"),
                max_qty=Decimal("1e6"), market_max_qty=Decimal("1e6"), min_notional=Decimal(5), brackets=rows,
            )  # fmt: skip
            self.do(ListContract, contract=contract)
            self.spot(symbol)
        self.desk = self.join(Decimal("1e12"))

    def do(self, kind, **words) -> list:
        events = self.exchange.apply(kind(time_ns=self.now_ns, **words))
        if events and isinstance(events[0], Refused):
            raise SystemExit(f"{kind.__name__} was refused: {events[0]}")
        return events

    def join(self, money: Decimal) -> int:
        number = self.exchange.state.next_account
        self.do(OpenAccount, name=f"trader {number}")
        self.do(Deposit, account=number, amount=money)
        return number

    def price(self, symbol: str) -> Decimal:
        return Decimal(PRICE) * (1 + Decimal(round(self.offsets[symbol], 2)) / 10_000)

    def spot(self, symbol: str) -> None:
        self.do(SetIndex, symbol=symbol, prices=dict.fromkeys(("one", "two", "three"), self.price(symbol)))

    def order(self, account: int, symbol: str, side: int, qty: Decimal, price: Decimal | None = None) -> None:
        self.do(
            Place, account=account, symbol=symbol, side=side, type="MARKET" if price is None else "LIMIT", qty=qty,
            price=price,
        )  # fmt: skip

    def quote(self, symbol: str, qty: Decimal) -> None:
        """The desk on both sides of the index, in place of where it stood."""
        self.do(CancelAll, account=self.desk, symbol=symbol)
        middle = Decimal(round(self.price(symbol)))
        self.order(self.desk, symbol, 1, qty, middle - 1)
        self.order(self.desk, symbol, -1, qty, middle + 1)

    def second(self) -> tuple[float, bool]:
        """Let a second pass; milliseconds of its tick and whether anybody was liquidated."""
        self.now_ns += SECOND_NS
        for symbol, offset in self.offsets.items():
            moved = offset + self.dice.gauss(0, 1)
            self.offsets[symbol] = max(min(moved, WALK_BP), -WALK_BP)
            self.spot(symbol)
            self.quote(symbol, Decimal(1))
        command = Tick(time_ns=self.now_ns)
        start = time.perf_counter()
        events = self.exchange.apply(command)
        took = time.perf_counter() - start
        return took * 1e3, any(isinstance(event, Liquidating) for event in events)

    def scan_ms(self) -> float:
        """Milliseconds of judging every account, the way a watch without prices would have to."""
        floor = self.exchange.floor
        start = time.perf_counter()
        with deciding():
            for account in floor.state.accounts.values():
                for margin, keys in margins_of(floor, account).items():
                    is_due(standing(floor, account, margin, keys))
        return (time.perf_counter() - start) * 1e3

    def figures(self) -> dict[str, float]:
        """Median and 99th percentile of the ticks that liquidated nobody, after a few to settle in."""
        for _ in range(20):
            self.second()
        seconds = [self.second() for _ in range(TICKS)]
        quiet = sorted(took for took, liquidated in seconds if not liquidated)
        return {
            "median_ms": statistics.median(quiet),
            "p99_ms": quiet[int(len(quiet) * 0.99)],
            "ticks": len(quiet),
            "scan_ms": min(self.scan_ms() for _ in range(3)),
        }


def isolated_room() -> Room:
    """Ten thousand isolated positions of one symbol."""
    room = Room(SYMBOLS[:1])
    (symbol,) = SYMBOLS[:1]
    room.quote(symbol, Decimal(100_000))
    for i in range(ISOLATED):
        qty = Decimal(room.dice.randrange(1, 500)) / 1000
        account = room.join(qty * PRICE)
        room.do(SetMarginMode, account=account, symbol=symbol, isolated=True)
        room.do(SetLeverage, account=account, symbol=symbol, leverage=room.dice.randrange(2, 51))
        room.order(account, symbol, 1 if i % 2 else -1, qty)
    return room


def cross_room() -> Room:
    """A thousand cross accounts with a position in each of three symbols."""
    room = Room(SYMBOLS)
    for symbol in SYMBOLS:
        room.quote(symbol, Decimal(100_000))
    for _ in range(CROSS):
        sizes = [Decimal(room.dice.randrange(1, 500)) / 1000 for _ in SYMBOLS]
        account = room.join(round(sum(sizes) * PRICE / room.dice.randrange(2, 26), 2))
        for symbol, qty in zip(SYMBOLS, sizes, strict=True):
            room.do(SetLeverage, account=account, symbol=symbol, leverage=50)
            room.order(account, symbol, room.dice.choice((-1, 1)), qty)
    return room


def measure() -> dict[str, object]:
    """Milliseconds of a mark tick over isolated and over cross accounts, beside those of a look at everyone."""
    isolated, cross = isolated_room().figures(), cross_room().figures()
    return {
        **{f"isolated_{name}": value for name, value in isolated.items()},
        **{f"cross_{name}": value for name, value in cross.items()},
    }


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:<24} {value:.3f}")
