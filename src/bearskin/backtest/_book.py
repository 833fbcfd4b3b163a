"""The account while a backtest runs: wallet, open positions, and what is already bound to happen to them."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bearskin.backtest._symbols import Offer, Symbol
from bearskin.paths import Outcome
from bearskin.terms import Side

# order of things at one moment: what the past bar and this open bring, then new entries, then what happens inside the
# bar that opens; the account is checked against that bar (cross margin) when the next moment comes
PAST, ENTRIES, INSIDE_BAR = range(3)


@dataclass(slots=True, kw_only=True)
class Flow:
    """Money bound to move: parts of net (fees as cost, funding as received) and how many coins it closes at what price.

    `time_ns` is when it is known, which is the close of the bar for what happens inside one.
    """

    time_ns: int
    gross: float = 0.0
    slippage: float = 0.0
    fee: float = 0.0
    funding: float = 0.0
    coins: float = 0.0
    price: float = 0.0
    last: bool = False

    @property
    def net(self) -> float:
        """What it does to the wallet."""
        return self.gross - self.slippage - self.fee + self.funding


@dataclass(slots=True, kw_only=True)
class Position:
    """One trade from its order to its end. `coins` are open, unsigned; `scale` is what liquidation has left.

    `entry_ns` is the open of the bar it is entered in, `booked_ns` when that is known: for a resting order its close.
    """

    offer: Offer
    side: Side
    outcome: Outcome[float]
    planned: float
    entry_ns: int
    exit_ns: int
    margin: float
    risk: float
    equity_before: float
    booked_ns: int = 0
    terms: dict[str, float | None] = field(default_factory=dict)
    why: str = ""
    reason: str = ""
    why_exit: str = ""
    coins: float = 0.0
    scale: float = 1.0
    closed: bool = False
    gross: float = 0.0
    slippage: float = 0.0
    fees: float = 0.0
    funding: float = 0.0
    exit_value: float = 0.0
    exit_coins: float = 0.0
    cross_liquidated: bool = False

    @property
    def symbol(self) -> Symbol:
        """What is traded."""
        return self.offer.symbol

    @property
    def qty(self) -> float:
        """Open coins, negative for a short."""
        return int(self.side) * self.coins

    @property
    def cost(self) -> float:
        """Signed open cost."""
        return self.qty * self.outcome.entry

    @property
    def share(self) -> float:
        """How much of the planned position is open or still to be opened."""
        if self.closed:
            return 0.0
        return self.coins / self.planned if self.coins > 0 else self.scale


@dataclass(frozen=True, slots=True)
class Held:
    """`qty` coins (signed) at `cost` were open over [start_ns, end_ns)."""

    symbol: Symbol
    start_ns: int
    end_ns: int
    qty: float
    cost: float


class Watcher(Protocol):
    """Who looks at the whole account while time passes (cross margin)."""

    def __call__(self, until: int) -> None:
        """Check every bar that opens before `until`."""

    def before_stops(self, opens_ns: int, leaving: Sequence[Position]) -> None:
        """Check the bar that opens at `opens_ns` up to the stops by which `leaving` go in it."""


class Book:
    """Wallet and positions; `advance` lets time pass, `watch` (cross margin) is asked about the time between."""

    def __init__(self, equity: float) -> None:
        self.wallet = equity
        self.positions: dict[int, Position] = {}
        self.done: list[Position] = []
        self.postings: list[tuple[int, float]] = []
        self.held: list[Held] = []
        self.watch: Watcher | None = None
        self.insured = 0.0
        self._queue: list[tuple[int, int, int, Position, Flow | None]] = []
        self._count = 0
        self._since: dict[int, int] = {}
        self._asked_ns: int | None = None

    def busy(self, symbol: Symbol) -> bool:
        """Whether a position or a resting order of this symbol is there."""
        return symbol.index in self.positions

    def schedule(self, position: Position, flow: Flow | None, at_ns: int, phase: int) -> None:
        """Let `flow` happen to `position` at `at_ns`; None opens it."""
        self._count += 1
        heapq.heappush(self._queue, (at_ns, phase, self._count, position, flow))

    def advance(self, at_ns: int, phase: int) -> None:
        """Let everything happen that comes before `phase` at `at_ns`."""
        while self._queue and self._queue[0][:2] < (at_ns, phase):
            key = self._queue[0][:2]
            if self.watch is not None:
                self.watch(key[0])
                if key[1] == INSIDE_BAR and key[0] != self._asked_ns:
                    self._asked_ns = key[0]
                    self.watch.before_stops(key[0], [item[3] for item in self._queue if item[:2] == key])
            _, _, _, position, flow = heapq.heappop(self._queue)
            if position.closed:
                continue
            if flow is None:
                self._open(position)
            else:
                self.apply(position, flow)
        if self.watch is not None:
            self.watch(at_ns)

    def apply(self, position: Position, flow: Flow) -> None:
        """Book a flow, scaled to what liquidation has left of the position."""
        s = position.scale
        position.gross += s * flow.gross
        position.slippage += s * flow.slippage
        position.fees += s * flow.fee
        position.funding += s * flow.funding
        self.post(flow.time_ns, s * flow.net)
        if flow.coins > 0:
            self.reduce(position, s * flow.coins, flow.price, flow.time_ns, last=flow.last)
        elif flow.last:
            self._close(position)
        if self.watch is not None and self.wallet < 0:
            self._insure(position, flow.time_ns)

    def post(self, time_ns: int, amount: float) -> None:
        """Move the wallet."""
        self.wallet += amount
        self.postings.append((time_ns, amount))

    def reduce(self, position: Position, coins: float, price: float, time_ns: int, *, last: bool) -> None:
        """Take `coins` at `price` out of a position; the money has been booked by the caller."""
        self._segment(position, time_ns)
        position.exit_value += coins * price
        position.exit_coins += coins
        position.coins = 0.0 if last else max(0.0, position.coins - coins)
        if last:
            self._close(position)

    def take(self, position: Position) -> None:
        """Make room for an order that goes out now."""
        self.positions[position.symbol.index] = position

    def _insure(self, position: Position, time_ns: int) -> None:
        """The last to leave a cross account leaves at the bankruptcy price: the insurance fund pays what is below zero.

        While other positions are open their profit may still carry a negative wallet.
        """
        if not position.closed or any(other.coins > 0 for other in self.positions.values()):
            return
        paid = -self.wallet
        position.gross += paid
        position.exit_value += int(position.side) * paid
        position.why_exit += f"; the account was bankrupt and the insurance fund paid {paid:.2f}"
        self.insured += paid
        self.post(time_ns, paid)

    def _open(self, position: Position) -> None:
        position.coins = position.planned
        self._since[id(position)] = position.booked_ns
        fee = position.outcome.entry_fee
        position.fees += fee
        self.post(position.booked_ns, -fee)

    def _segment(self, position: Position, time_ns: int) -> None:
        start = self._since.get(id(position), time_ns)
        if time_ns > start:
            self.held.append(Held(position.symbol, start, time_ns, position.qty, position.cost))
        self._since[id(position)] = time_ns

    def _close(self, position: Position) -> None:
        position.closed = True
        del self.positions[position.symbol.index]
        self.done.append(position)
