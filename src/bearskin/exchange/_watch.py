"""Who may have come to the edge at a mark: found by price, not by scanning.

What stands on one margin (an isolated position, or all cross positions of one asset) is a pool. Each time a pool is
judged, its slack (what equity is above the line watched) is shared out equally among its symbols, and for each symbol
the two marks are noted at which that share could be used up at the earliest. As long as no mark has come so far, the
pool cannot have crossed its line; when one has, the pool is judged again exactly. So the watch may name a pool too
early, never too late, and what happens never depends on what it named before.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, ROUND_UP, Context, Decimal
from typing import NamedTuple

from bearskin.margin import Tiers, bracket_at

_ZERO = Decimal(0)
# both round the noted marks towards the present one: early, never late
_NEARER = Context(prec=28, rounding=ROUND_DOWN)
_NEARER_LOW = Context(prec=28, rounding=ROUND_UP)
_SPARE = 1024  # entries that may lie dead in a heap before it is cleaned

Pool = tuple[int, str]  # account number; position key of an isolated position, or CROSS/ and the asset


class Exposure(NamedTuple):
    """A position as the watch sees it; without `tiers` it needs no maintenance."""

    symbol: str
    qty: Decimal
    mark: Decimal
    tiers: Tiers[Decimal] | None


class Line(NamedTuple):
    """The marks of a symbol, below and above the present one, at which a pool has to be judged again, if any."""

    symbol: str
    low: Decimal | None
    high: Decimal | None


def lines_of(slack: Decimal, share: Decimal, exposures: Sequence[Exposure]) -> list[Line]:
    """Where a pool with `slack` left may have used it up at the earliest, when slack is share * equity - maintenance.

    `share` is 1 for the liquidation line and less for a warning before it; `slack` has to be positive. With Q the
    signed sum of a symbol's quantities, A the sum of their absolute values and r a maintenance rate, a mark that rises
    by d costs at most (A * r_high - share * Q) * d, one that falls by d at most (share * Q - A * r_low) * d:
    maintenance is convex in the notional, r_low is the rate of the lowest bracket, r_high that of the highest one that
    can be reached.
    """
    if len(exposures) == 1:
        symbol, qty, mark, tiers = exposures[0]
        size = abs(qty)
        return [_line(symbol, qty, size, mark, slack, share, _rates(tiers, size * mark, slack, share, alone=True))]
    sums: dict[str, tuple[Decimal, Decimal, Decimal, int]] = {}
    for exposure in exposures:
        net, total, _, count = sums.get(exposure.symbol, (_ZERO, _ZERO, _ZERO, 0))
        qty = exposure.qty
        sums[exposure.symbol] = (net + qty, total + abs(qty), exposure.mark, count + 1)
    tiers_by_symbol = {exposure.symbol: exposure.tiers for exposure in exposures}
    part = _NEARER.divide(slack, Decimal(len(sums)))
    lines = []
    for symbol, (net, total, mark, count) in sums.items():
        rates = _rates(tiers_by_symbol[symbol], total * mark, slack, share, alone=count == 1)
        lines.append(_line(symbol, net, total, mark, part, share, rates))
    return lines


def _line(
    symbol: str,
    net: Decimal,
    total: Decimal,
    mark: Decimal,
    part: Decimal,
    share: Decimal,
    rates: tuple[Decimal, Decimal],
) -> Line:
    """Where one symbol alone uses up `part` of the slack."""
    worth = share * net
    up = total * rates[1] - worth
    down = worth - total * rates[0]
    low = high = None
    if up > 0:
        high = _NEARER.add(mark, _NEARER.divide(part, up))
    if down > 0:
        low = _NEARER_LOW.subtract(mark, _NEARER.divide(part, down))
        if low <= 0:
            low = None
    return Line(symbol, low, high)


def _rates(
    tiers: Tiers[Decimal] | None, value: Decimal, slack: Decimal, share: Decimal, *, alone: bool
) -> tuple[Decimal, Decimal]:
    """The least and the greatest maintenance rate that can apply before the slack is gone."""
    if tiers is None:
        return _ZERO, _ZERO
    rates = tiers.mmr
    last = len(rates) - 1
    if not alone or rates[last] >= share:
        return rates[0], rates[last]
    # a lone short loses at least `share` of each unit its notional grows by, so it grows by no more than slack / share
    return rates[0], rates[bracket_at(tiers, value + _NEARER_LOW.divide(slack, share))]


class Watch:
    """The marks at which pools have to be judged again: two heaps a symbol, entries of older judgements left to die.

    `close` holds the pools that every new mark of their symbols concerns, those already warned; `owing` the accounts
    whose debts wait for the insurance fund to have money.
    """

    __slots__ = ("_count", "_highs", "_lows", "close", "owing", "pools", "versions")

    def __init__(self) -> None:
        self._count = 0
        self._lows: dict[str, list[tuple[Decimal, int, str, int]]] = {}  # keyed by the mark's negative
        self._highs: dict[str, list[tuple[Decimal, int, str, int]]] = {}
        self.versions: dict[Pool, int] = {}
        self.pools: dict[int, dict[str, tuple[str, ...]]] = {}  # symbols by account and margin
        self.close: dict[str, dict[Pool, None]] = {}
        self.owing: dict[int, None] = {}

    def arm(self, pool: Pool, lines: Iterable[Line]) -> None:
        """Watch a pool by its lines, in place of what was noted for it before."""
        account, margin = pool
        if pool not in self.versions:
            self.drop(pool)  # it may have been among the close ones
        self._count = version = self._count + 1
        self.versions[pool] = version
        symbols = []
        for symbol, low, high in lines:
            symbols.append(symbol)
            if low is not None:
                self._push(self._lows, symbol, (low.copy_negate(), account, margin, version))
            if high is not None:
                self._push(self._highs, symbol, (high, account, margin, version))
        held = self.pools.get(account)
        if held is None:
            held = self.pools[account] = {}
        held[margin] = tuple(symbols)

    def arm_close(self, pool: Pool, symbols: Iterable[str]) -> None:
        """Have a pool judged at every new mark of its symbols, in place of what was noted for it before."""
        self.drop(pool)
        account, margin = pool
        kept = tuple(symbols)
        for symbol in kept:
            self.close.setdefault(symbol, {})[pool] = None
        self.pools.setdefault(account, {})[margin] = kept

    def drop(self, pool: Pool) -> None:
        """Watch a pool no longer."""
        account, margin = pool
        held = self.pools.get(account)
        if held is None or margin not in held:
            return
        symbols = held.pop(margin)
        if not held:
            del self.pools[account]
        if self.versions.pop(pool, None) is None:
            for symbol in symbols:
                self.close[symbol].pop(pool, None)

    def crossed(self, symbol: str, mark: Decimal) -> list[Pool]:
        """The pools that `mark` asks to have judged again; each has to be armed anew or dropped by the caller."""
        found = list(self.close.get(symbol, ()))
        versions = self.versions
        for heaps, reached in ((self._lows, mark.copy_negate()), (self._highs, mark)):
            heap = heaps.get(symbol)
            while heap and heap[0][0] <= reached:
                _, account, margin, version = heapq.heappop(heap)
                if versions.get((account, margin)) == version:
                    found.append((account, margin))
        return found

    def _push(
        self,
        heaps: dict[str, list[tuple[Decimal, int, str, int]]],
        symbol: str,
        entry: tuple[Decimal, int, str, int],
    ) -> None:
        heap = heaps.get(symbol)
        if heap is None:
            heap = heaps[symbol] = []
        elif len(heap) > _SPARE + 2 * len(self.versions):
            versions = self.versions
            heap[:] = [kept for kept in heap if versions.get((kept[1], kept[2])) == kept[3]]
            heapq.heapify(heap)
        heapq.heappush(heap, entry)
