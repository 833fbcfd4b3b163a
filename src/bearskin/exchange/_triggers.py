"""Which conditional orders a price reaches: found by price, not by scanning.

Everything here is derived from the state and can be built anew from it at any moment; what is found is the same
whether it was built a moment ago or has lived through a million commands. `points` below is the way prices went since
the last look, as far as it is known: see `path`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from heapq import heapify, heappop, heappush

from bearskin.exchange._state import Account, Algo, Order, State

# what a deadline ends
ORDER, ALGO, COUNTDOWN = 0, 1, 2

Deadline = tuple[int, int, int, str]  # time in ns, kind, order or account, symbol of a countdown

_SWEEP_MIN = 64  # so many entries of ended orders are always borne
_HUNDRED = Decimal(100)


def path(low: int, high: int, last: int) -> tuple[int, ...]:
    """The prices of a stretch of trades in the order in which trailing stops take them.

    A single order sweeps the book one way, so a stretch that ends at its low came from its high, and one that ends at
    its high from its low. Where several sweeps lie between two looks their order is not known: then the low is taken
    first, the high next, and last where it ended.
    """
    if low == high:
        return (low,)
    if last == low:
        return (high, low)
    if last == high:
        return (low, high)
    return (low, high, last)


def walk(algo: Algo, points: Sequence[Decimal]) -> bool:
    """Lead a trailing stop along prices: arm it, move its extreme; True (and no further) where it fires.

    A buy is armed at or below its activation price and fires `callback_rate` per cent above the lowest price since; a
    sell is the mirror image. Without an activation price the first price arms it.
    """
    side, rate = algo.side, algo.callback_rate
    assert rate is not None
    for price in points:
        extreme = algo.extreme
        if extreme is None:
            start = algo.activate_price
            if start is None or (price - start) * side <= 0:
                algo.armed = True
                algo.extreme = price
        elif (price - extreme) * side < 0:
            algo.extreme = price
        elif (price - extreme) * side * _HUNDRED >= extreme * rate:
            return True
    return False


def is_reached(algo: Algo, price: Decimal) -> bool:
    """Whether a price triggers a conditional order that does not trail, or arms one that does."""
    level = algo.activate_price if algo.trigger_price is None else algo.trigger_price
    assert level is not None
    return price >= level if rises(algo) else price <= level


def rises(algo: Algo) -> bool:
    """Whether it waits for a price from below: buy stops, sell targets, sell trails waiting to be armed."""
    return (algo.side > 0) == algo.type.startswith("STOP")


class Trail:
    """The armed trailing stops of one symbol and price, with the band in which none of them moves or fires.

    All bounds are a hundred times a price, so that per cents need no division.
    """

    __slots__ = ("_buy_fires", "_buy_moves", "_known", "_sell_fires", "_sell_moves", "orders")

    def __init__(self) -> None:
        self.orders: dict[int, Algo] = {}
        self._known = False
        self._buy_moves = self._buy_fires = self._sell_moves = self._sell_fires = _HUNDRED

    def add(self, algo: Algo) -> None:
        self.orders[algo.id] = algo
        self._known = False

    def reached(self, points: Sequence[Decimal]) -> list[int]:
        """Lead them along; the ids of those that fired, which leave."""
        if not self.orders or (self._known and self._is_quiet(min(points) * 100, max(points) * 100)):
            return []
        fired = [number for number, algo in self.orders.items() if walk(algo, points)]
        for number in fired:
            del self.orders[number]
        self._measure()
        return fired

    def _is_quiet(self, low: Decimal, high: Decimal) -> bool:
        # a bound of zero is the bound of a side without orders
        return (
            low >= self._buy_moves
            and (not self._buy_fires or high < self._buy_fires)
            and low > self._sell_fires
            and (not self._sell_moves or high <= self._sell_moves)
        )

    def _measure(self) -> None:
        zero = _HUNDRED - _HUNDRED
        buy_moves = buy_fires = sell_moves = sell_fires = zero
        for algo in self.orders.values():
            extreme, rate = algo.extreme, algo.callback_rate
            if extreme is None or rate is None:
                self._known = False
                return
            moves, span = extreme * 100, extreme * rate
            if algo.side > 0:
                buy_moves = max(buy_moves, moves)
                buy_fires = min(buy_fires, moves + span) if buy_fires else moves + span
            else:
                sell_moves = min(sell_moves, moves) if sell_moves else moves
                sell_fires = max(sell_fires, moves - span)
        self._buy_moves, self._buy_fires = buy_moves, buy_fires
        self._sell_moves, self._sell_fires = sell_moves, sell_fires
        self._known = True


class Levels:
    """Conditional orders of one symbol waiting for a price: two heaps, with the ended ones left in until they surface.

    Keys are prices, negated for those that wait for a fall. The heaps may hold ended orders, so what surfaces is asked
    for in the state.
    """

    __slots__ = ("_dead", "falling", "rising", "trail")

    def __init__(self) -> None:
        self.rising: list[tuple[Decimal, int]] = []
        self.falling: list[tuple[Decimal, int]] = []
        self.trail = Trail()
        self._dead = 0

    def add(self, algo: Algo) -> None:
        level = algo.activate_price if algo.trigger_price is None else algo.trigger_price
        if algo.armed or level is None:
            self.trail.add(algo)
        elif rises(algo):
            heappush(self.rising, (level, algo.id))
        else:
            heappush(self.falling, (-level, algo.id))

    def drop(self, algo: Algo, waiting: dict[int, Algo]) -> None:
        """Forget an order that has left `waiting`; heaps full of such are swept."""
        if self.trail.orders.pop(algo.id, None) is not None:
            return
        self._dead += 1
        if self._dead > _SWEEP_MIN and self._dead * 2 > len(self.rising) + len(self.falling):
            self.rising = [entry for entry in self.rising if entry[1] in waiting]
            self.falling = [entry for entry in self.falling if entry[1] in waiting]
            heapify(self.rising)
            heapify(self.falling)
            self._dead = 0

    def reached(self, points: Sequence[Decimal], waiting: dict[int, Algo]) -> list[int]:
        """The ids of the orders that a stretch of prices triggers, in no particular order; they leave the levels."""
        low, high = min(points), max(points)
        found = self.trail.reached(points)
        rising, falling = self.rising, self.falling
        while rising and rising[0][0] <= high:
            self._surface(heappop(rising)[1], points, waiting, found)
        while falling and -falling[0][0] >= low:
            self._surface(heappop(falling)[1], points, waiting, found)
        return found

    def _surface(self, number: int, points: Sequence[Decimal], waiting: dict[int, Algo], found: list[int]) -> None:
        algo = waiting.get(number)
        if algo is None:
            self._dead -= 1
        elif algo.trigger_price is not None or walk(algo, points):
            found.append(number)
        else:
            self.trail.add(algo)


class Triggers:
    """All conditional orders by symbol and by the price they go by, and everything that ends at a known time."""

    __slots__ = ("_deadlines", "_deadlines_max", "_state", "by_last", "by_mark")

    def __init__(self, state: State) -> None:
        """Built from the state."""
        self._state = state
        self.by_last: dict[str, Levels] = {}
        self.by_mark: dict[str, Levels] = {}
        self._deadlines: list[Deadline] = []
        self._deadlines_max = _SWEEP_MIN
        for algo in state.algos.values():
            self.add(algo)
        for order in state.orders.values():
            self.note_order(order)
        for account in state.accounts.values():
            for symbol in account.countdowns:
                self.note_countdown(account, symbol)

    def add(self, algo: Algo) -> None:
        """Let a new conditional order wait for its price and its end."""
        kept = self.by_mark if algo.by_mark else self.by_last
        levels = kept.get(algo.symbol)
        if levels is None:
            levels = kept[algo.symbol] = Levels()
        levels.add(algo)
        if algo.good_till_ns:
            self._note((algo.good_till_ns, ALGO, algo.id, ""))

    def drop(self, algo: Algo) -> None:
        """Forget one that has left the state without having been reached."""
        (self.by_mark if algo.by_mark else self.by_last)[algo.symbol].drop(algo, self._state.algos)

    def note_order(self, order: Order) -> None:
        """Remember when a resting order ends, if it says so."""
        if order.good_till_ns:
            self._note((order.good_till_ns, ORDER, order.id, ""))

    def note_countdown(self, account: Account, symbol: str) -> None:
        """Remember when a countdown ends."""
        self._note((account.countdowns[symbol], COUNTDOWN, account.id, symbol))

    def traded(self, symbol: str, points: Sequence[Decimal]) -> list[int]:
        """The ids that trades along `points` trigger."""
        return self.by_last[symbol].reached(points, self._state.algos)

    def marked(self, symbol: str, mark: Decimal) -> list[int]:
        """The ids that a new mark triggers."""
        return self.by_mark[symbol].reached((mark,), self._state.algos)

    def due(self, now_ns: int) -> list[Deadline]:
        """What ends now or should have, in order of time, orders before conditional orders before countdowns."""
        deadlines = self._deadlines
        found: list[Deadline] = []
        while deadlines and deadlines[0][0] <= now_ns:
            deadline = heappop(deadlines)
            if self._stands(deadline):
                found.append(deadline)
        return found

    def _note(self, deadline: Deadline) -> None:
        heappush(self._deadlines, deadline)
        if len(self._deadlines) > self._deadlines_max:
            # a countdown set anew every second would leave all its old ends behind
            self._deadlines = [other for other in self._deadlines if self._stands(other)]
            heapify(self._deadlines)
            self._deadlines_max = max(_SWEEP_MIN, 2 * len(self._deadlines))

    def _stands(self, deadline: Deadline) -> bool:
        time_ns, kind, number, symbol = deadline
        if kind == ORDER:
            return number in self._state.orders
        if kind == ALGO:
            return number in self._state.algos
        return self._state.accounts[number].countdowns.get(symbol) == time_ns
