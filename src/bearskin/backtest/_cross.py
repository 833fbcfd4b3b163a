"""Cross margin: the whole account against every bar, and liquidation in steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bearskin.backtest._book import Book, Flow, Position
from bearskin.backtest._symbols import Symbol
from bearskin.margin import Leg, bracket_at, is_account_liquidated, maintenance, notional
from bearskin.paths import marks_of

BISECTIONS = 60

F8 = NDArray[np.float64]


class Watch:
    """Checks the account bar by bar between the things that happen to it, and liquidates in steps when it must.

    Assumptions, since the venue does not publish the size of its partial liquidations: within a bar all marks go from
    their open to the extreme against us together (pessimistic); when equity meets maintenance on the way, the position
    with the largest maintenance is reduced to the top of the next lower bracket, or closed when in the lowest, at the
    marks of that moment and with the liquidation fee, and the account is asked again. What is left below zero when
    nothing is open any more the insurance fund pays (`Book._insure`): the last price is the bankruptcy price.
    """

    def __init__(self, book: Book, symbols: tuple[Symbol, ...]) -> None:
        self.book = book
        self.symbols = symbols
        self.liquidations = 0
        times = [symbol.panel.time_ns for symbol in symbols]
        self.grid: NDArray[np.int64] = np.unique(np.concatenate(times)) if times else np.zeros(0, dtype=np.int64)
        self._next = 0
        self._tables = _Tables(symbols, self.grid)

    def __call__(self, until: int) -> None:
        """Check all bars that open before the moment `until`: what happens inside a bar comes before its check."""
        end = int(np.searchsorted(self.grid, until))
        while self._next < end:
            open_ = [p for p in self.book.positions.values() if p.coins > 0]
            if not open_:
                self._next = end
                return
            bar = self._tables.first_breach(open_, self.book.wallet, self._next, end)
            self._next = min(bar + 1, end)
            if bar < end:
                self._liquidate(bar)

    def before_stops(self, opens_ns: int, leaving: Sequence[Position]) -> None:
        """Ask whether the account dies on the way to the stops inside the bar that opens at `opens_ns`.

        A stop is reached with its own loss still open, so the account is asked with each leaving position at its stop
        and all others at their worst, before any stop is booked.
        """
        bar = int(np.searchsorted(self.grid, opens_ns))
        self._liquidate(bar, {position.symbol.index: _level(position) for position in leaving})

    def _liquidate(self, bar: int, stops: Mapping[int, float] = MappingProxyType({})) -> None:
        """Take steps along the way of this bar until the account stands; `stops` end the way of their symbols."""
        reached = 0.0
        while True:
            open_ = [p for p in self.book.positions.values() if p.coins > 0]
            if not open_:
                return
            start, worst = self._tables.marks(open_, bar, stops)
            if not self._breached(open_, worst):
                return
            reached = self._where(open_, start, worst, reached)
            marks = start + reached * (worst - start)
            sizes = [maintenance(p.symbol.tiers, notional(p.qty, float(m))) for p, m in zip(open_, marks, strict=True)]
            largest = int(np.argmax(sizes))
            self._step(open_[largest], float(marks[largest]), bar, alone=len(open_) == 1)

    def _breached(self, open_: list[Position], marks: F8) -> bool:
        legs = [Leg(p.symbol.tiers, p.qty, p.cost, float(m)) for p, m in zip(open_, marks, strict=True)]
        return is_account_liquidated(tuple(legs), self.book.wallet)

    def _where(self, open_: list[Position], start: F8, worst: F8, low: float) -> float:
        """The share of the way at which equity meets maintenance, not before `low`."""
        if self._breached(open_, start + low * (worst - start)):
            return low
        high = 1.0
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            if self._breached(open_, start + middle * (worst - start)):
                high = middle
            else:
                low = middle
        return high

    def _step(self, position: Position, mark: float, bar: int, *, alone: bool) -> None:
        """Reduce one position to the next lower bracket, or close it."""
        tiers, value = position.symbol.tiers, notional(position.qty, mark)
        i = bracket_at(tiers, value)
        course = position.symbol.course
        coins = position.coins
        if i > 0:
            least = (value - tiers.floor[i]) / mark
            coins = min(coins, course.coins(max(1, int(np.ceil(course.exact_steps(least))))))
        last = coins >= position.coins
        known_ns = int(self.grid[bar]) + position.symbol.panel.interval_ns
        gross = np.sign(position.qty) * coins * (mark - position.outcome.entry)
        fee = coins * mark * float(position.symbol.panel.instrument.liquidation_fee_rate)
        if last and alone:
            fee = min(fee, max(0.0, self.book.wallet + gross))  # nothing is owed beyond the account
        share = 1.0 - coins / position.coins
        planned = position.scale
        position.scale = 1.0
        flow = Flow(time_ns=known_ns, gross=float(gross), fee=float(fee), coins=coins, price=mark, last=last)
        if last:
            position.reason, position.exit_ns = "liquidated", int(self.grid[bar])
            position.why_exit = f"the account's equity met its maintenance margin at a mark of {mark:.6g}"
        else:
            position.why_exit += f"; before that {coins:g} were liquidated at a mark of {mark:.6g}"
        self.book.apply(position, flow)
        position.scale = planned * share
        position.cross_liquidated = True
        self.liquidations += 1


def _level(position: Position) -> float:
    """Where a stop triggers; a trailing one is known by its fill, which a jump makes worse."""
    stop = position.terms.get("stop")
    return float(stop) if position.reason == "stop" and stop is not None else float(position.outcome.exit)


class _Tables:
    """Marks of all symbols on one grid of bar opens, and their brackets, as the compiled check wants them."""

    def __init__(self, symbols: tuple[Symbol, ...], grid: NDArray[np.int64]) -> None:
        shape = (len(symbols), len(grid))
        self.open, self.high, self.low = (np.full(shape, np.nan) for _ in range(3))
        depth = max((len(symbol.tiers.floor) for symbol in symbols), default=1)
        self.tiers: list[F8] = [np.full((len(symbols), depth), fill) for fill in (np.inf, 0.0, 0.0)]
        for row, symbol in enumerate(symbols):
            self._fill(row, symbol, grid)

    def _fill(self, row: int, symbol: Symbol, grid: NDArray[np.int64]) -> None:
        panel = symbol.panel
        bars = np.searchsorted(panel.time_ns, grid, side="right") - 1
        there = (bars >= 0) & (panel.time_ns[np.maximum(bars, 0)] == grid)
        close = panel.close if panel.mark_close is None else panel.mark_close
        for table, column in zip((self.open, self.high, self.low), marks_of(panel), strict=True):
            # where the symbol has no bar its last close stands
            table[row] = np.where(there, column[np.maximum(bars, 0)], close[np.maximum(bars, 0)])
        for table, figures in zip(self.tiers, (symbol.tiers.floor, symbol.tiers.mmr, symbol.tiers.cum), strict=True):
            table[row, : len(symbol.tiers.floor)] = np.asarray(figures)

    def marks(self, open_: list[Position], bar: int, stops: Mapping[int, float]) -> tuple[F8, F8]:
        """The marks of the open positions at the open of `bar` and at its extremes against them, or at their stops."""
        rows = [p.symbol.index for p in open_]
        start = self.open[rows, bar]
        worst = np.array(
            [self.high[r, bar] if p.qty < 0 else self.low[r, bar] for r, p in zip(rows, open_, strict=True)]
        )
        for at, (row, position) in enumerate(zip(rows, open_, strict=True)):
            if row in stops:  # a bar that opens beyond the stop goes no further back than its open
                stop = stops[row]
                nearer, beyond = (min, max) if position.qty < 0 else (max, min)
                worst[at] = nearer(worst[at], beyond(stop, start[at]))
        return start, worst

    def first_breach(self, open_: list[Position], wallet: float, start: int, end: int) -> int:
        """The first bar in [start, end) at whose joint extremes equity would meet maintenance; `end` if none."""
        from bearskin.backtest import _compiled

        rows = np.array([p.symbol.index for p in open_], dtype=np.int64)
        qty = np.array([p.qty for p in open_])
        cost = np.array([p.cost for p in open_])
        check: Any = _compiled.first_breach
        return int(check(self.high, self.low, *self.tiers, rows, qty, cost, wallet, start, end))
