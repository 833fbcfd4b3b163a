"""The same trade without looking at every bar: blocks of bars whose extremes change nothing are passed over whole.

The extremes of a block answer for all of its bars, so the bar that is found, and the best and worst price on the way,
are the very ones the plain kernel finds. Funding over many settlements is a difference of running sums, which may
differ from adding them up in the last bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from bearskin.margin import Tiers, formula, funding_received
from bearskin.paths._kernel import (
    NEVER,
    Entry,
    Lane,
    Outcome,
    Ticket,
    follow,
    funding_counts,
    funding_of,
)
from bearskin.terms import Num

SMALL, LARGE = 64, 4096  # bars in a block of either kind
SMALL_BITS, LARGE_BITS = 6, 12
FEW = 64  # so many settlements are added up one by one, as the plain kernel does


class Index(NamedTuple, Generic[Num]):
    """What is known of blocks of a lane: its adverse, kind, mark and close extremes, in ticks, by small and large block.

    The last block of either kind may be short. `fund_sum[k]` is the funding received per coin over the settlements
    before k.
    """

    high: Sequence[int]
    low: Sequence[int]
    mark: Sequence[int]
    close: Sequence[int]
    high_large: Sequence[int]
    low_large: Sequence[int]
    mark_large: Sequence[int]
    close_large: Sequence[int]
    fund_sum: Sequence[Num]


def index_of(lane: Lane[float]) -> Index[float]:
    """The blocks of `lane` (of numpy columns) and the running sums of its funding."""
    columns = []
    for size in (SMALL, LARGE):
        starts = np.arange(0, len(lane.close), size)
        for name, extreme in (("high", np.maximum), ("low", np.minimum), ("mark", np.maximum), ("close", np.maximum)):
            column = np.asarray(getattr(lane, name))
            columns.append(extreme.reduceat(column, starts) if len(column) else column[:0].copy())
    rates, marks = np.asarray(lane.fund_rate), np.asarray(lane.fund_mark)
    amounts = funding_received(cast("NDArray[np.float64]", -lane.grid.mirror * 1.0), marks, rates)
    return Index(*cast("list[Sequence[int]]", columns), np.concatenate([[0.0], np.cumsum(amounts)]))


@formula
def leap(lane: Lane[Num], index: Index[Num], tiers: Tiers[Num], ticket: Ticket[Num]) -> Outcome[Num]:
    """What `walk` comes to, by blocks."""
    return follow(lane, index, tiers, ticket, quiet_blocks, funding_by_sums)


@formula
def quiet_blocks(
    lane: Lane[Num], index: Index[Num], ticket: Ticket[Num], start: int, end: int, liquidation: int, reach: int,
    best: int, worst: int,
) -> tuple[int, int, int]:  # fmt: skip
    """The first bar in [start, end) at which something may happen, and the extremes before it, as `quiet` has them.

    A trailing stop is only sure to be out of reach of a block when it is from the best price within that block too;
    otherwise the block is looked at bar by bar.
    """
    trail, fixed, on_mark = ticket.trail, ticket.stop, ticket.stop_on_mark
    closes = ticket.invalidation < NEVER
    i = start
    while i < end:
        if (i & (SMALL - 1)) == 0:
            if (i & (LARGE - 1)) == 0 and i + LARGE <= end:
                b = i >> LARGE_BITS
                top, up, down = index.mark_large[b], index.high_large[b], index.low_large[b]
                last = index.close_large[b] if closes else -NEVER
                stop = min(fixed, min(best, down) + trail) if trail > 0 else fixed
                if (top if on_mark == 1 else up) < stop and top < liquidation and down > reach:
                    if last <= ticket.invalidation:
                        best, worst = min(best, down), max(worst, up)
                        i += LARGE
                        continue
            if i + SMALL <= end:
                b = i >> SMALL_BITS
                top, up, down = index.mark[b], index.high[b], index.low[b]
                last = index.close[b] if closes else -NEVER
                stop = min(fixed, min(best, down) + trail) if trail > 0 else fixed
                if (top if on_mark == 1 else up) < stop and top < liquidation and down > reach:
                    if last <= ticket.invalidation:
                        best, worst = min(best, down), max(worst, up)
                        i += SMALL
                        continue
        stop = min(fixed, best + trail) if trail > 0 else fixed
        mark, high, low = lane.mark[i], lane.high[i], lane.low[i]
        if (mark if on_mark == 1 else high) >= stop or mark >= liquidation or low <= reach:
            return i, best, worst
        if closes and lane.close[i] > ticket.invalidation:
            return i, best, worst
        best, worst = min(best, low), max(worst, high)
        i += 1
    return end, best, worst


@formula
def funding_by_sums(lane: Lane[Num], index: Index[Num], entry: Entry[Num], exit_bar: int, place: int) -> Num:
    """Funding received per coin, as `funding_of` has it: what falls into the bars at both ends one by one.

    In between every settlement counts, so a difference of running sums tells it.
    """
    first, last = lane.fund_from[entry.bar], lane.fund_from[exit_bar]
    if last - first <= FEW or entry.bar >= exit_bar:
        return funding_of(lane, index, entry, exit_bar, place)
    inner = lane.fund_from[entry.bar + entry.rested]
    one = lane.grid.unit_den / lane.grid.unit_den
    total = index.fund_sum[last] - index.fund_sum[inner]
    k = first
    while k < lane.fund_from[exit_bar + 1]:
        if inner <= k < last:
            k = last
            continue
        bar = lane.fund_bar[k]
        counts = funding_counts(entry.bar, entry.rested, exit_bar, place, bar, lane.fund_code[k])
        amount = funding_received(-lane.grid.mirror * one, lane.fund_mark[k], lane.fund_rate[k])
        if counts == 1 or (counts == 2 and amount < 0):
            total += amount
        k += 1
    return total
