"""The same trade without looking at every bar: blocks of bars whose extremes change nothing are passed over whole.

The extremes of a block answer for all of its bars, so the bar that is found, and the best and worst price on the way,
are the very ones the plain kernel finds. Funding over many settlements is a difference of running sums, which may
differ from adding them up in the last bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple

import numpy as np

from bearskin.margin import Tiers, formula, funding_received
from bearskin.paths._kernel import (
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
    """What is known of blocks of a lane, small and large: adverse, kind, mark and close extremes, in ticks.

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
    columns: list[Any] = []
    for size in (SMALL, LARGE):
        starts = np.arange(0, len(lane.close), size)
        for name, extreme in (("high", np.maximum), ("low", np.minimum), ("mark", np.maximum), ("close", np.maximum)):
            column = np.asarray(getattr(lane, name))
            columns.append(extreme.reduceat(column, starts) if len(column) else column[:0].copy())
    marks: Any = np.asarray(lane.fund_mark)
    rates: Any = np.asarray(lane.fund_rate)
    columns.append(np.concatenate([[0.0], np.cumsum(funding_received(-lane.grid.mirror * 1.0, marks, rates))]))
    return Index(*columns)


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
    i = start
    while i < end:
        if i & (SMALL - 1) == 0:
            if i & (LARGE - 1) == 0 and i + LARGE <= end:
                b = i >> LARGE_BITS
                low, high, last = index.low_large[b], index.high_large[b], index.close_large[b]
                if calm(ticket, high, low, index.mark_large[b], last, liquidation, reach, min(best, low)):
                    best, worst, i = min(best, low), max(worst, high), i + LARGE
                    continue
            if i + SMALL <= end:
                b = i >> SMALL_BITS
                low, high, last = index.low[b], index.high[b], index.close[b]
                if calm(ticket, high, low, index.mark[b], last, liquidation, reach, min(best, low)):
                    best, worst, i = min(best, low), max(worst, high), i + SMALL
                    continue
        low, high = lane.low[i], lane.high[i]
        if not calm(ticket, high, low, lane.mark[i], lane.close[i], liquidation, reach, best):
            return i, best, worst
        best, worst, i = min(best, low), max(worst, high), i + 1
    return end, best, worst


@formula
def calm(
    ticket: Ticket[Num], high: int, low: int, mark: int, close: int, liquidation: int, reach: int, best: int
) -> bool:
    """Whether bars of these extremes leave the position alone, the best price that a stop may trail being `best`."""
    stop = min(ticket.stop, best + ticket.trail) if ticket.trail > 0 else ticket.stop
    watched = mark if ticket.stop_on_mark == 1 else high
    return watched < stop and mark < liquidation and low > reach and close <= ticket.invalidation


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
