"""The same trade without looking at every bar: blocks of bars whose extremes change nothing are passed over whole.

The extremes of a block answer for all of its bars, so the bar that is found, and the best and worst price on the way,
are the very ones the plain kernel finds. Funding over many settlements is a difference of running sums, which may
differ from adding them up in the last bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, cast

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

BITS = 3  # a block holds eight of the next smaller ones; the smallest are bars
TOP = 5  # the largest blocks hold 8 ** 5 = 32,768 bars
HIGH, LOW, MARK, CLOSE = range(4)  # what is known of a block, in this order
FEW = 64  # so many settlements are added up one by one, as the plain kernel does


class Index(NamedTuple, Generic[Num]):
    """Blocks of a lane: row `first[k] + b` of `blocks` holds the extremes of bars b * 8 ** k to (b + 1) * 8 ** k - 1.

    They are the adverse and the kind extreme, that of the mark and that of the close, in ticks; the last block of a
    level may be short. `fund_sum[k]` is the funding received per coin over the settlements before k.
    """

    first: Sequence[int]
    blocks: Any
    fund_sum: Sequence[Num]


def index_of(lane: Lane[float]) -> Index[float]:
    """The blocks of `lane` (of numpy columns) and the running sums of its funding."""
    columns = [np.asarray(getattr(lane, name)) for name in ("high", "low", "mark", "close")]
    levels = [np.stack(columns, axis=1)]
    while len(levels) <= TOP and len(levels[-1]):
        below = levels[-1]
        starts = np.arange(0, len(below), 1 << BITS)
        above = np.maximum.reduceat(below, starts, axis=0)
        above[:, LOW] = np.minimum.reduceat(below[:, LOW], starts)
        levels.append(above)
    first = np.zeros(TOP + 1, dtype=np.int64)
    first[1 : len(levels)] = np.cumsum([len(level) for level in levels[:-1]])
    marks: Any = np.asarray(lane.fund_mark)
    rates: Any = np.asarray(lane.fund_rate)
    sums: Any = np.concatenate([[0.0], np.cumsum(funding_received(-lane.grid.mirror * 1.0, marks, rates))])
    return Index(cast("Sequence[int]", first), np.concatenate(levels), sums)


@formula
def leap(lane: Lane[Num], index: Index[Num], tiers: Tiers[Num], ticket: Ticket[Num]) -> Outcome[Num]:
    """What `walk` comes to, by blocks."""
    return follow(lane, index, tiers, ticket, quiet_blocks, funding_by_sums)


@formula
def quiet_blocks(
    _lane: Lane[Num], index: Index[Num], ticket: Ticket[Num], start: int, end: int, liquidation: int, reach: int,
    best: int, worst: int,
) -> tuple[int, int, int]:  # fmt: skip
    """The first bar in [start, end) at which something may happen, and the extremes before it, as `quiet` has them.

    A trailing stop is only sure to be out of reach of a block when it is from the best price within that block too;
    otherwise the block is looked at bar by bar.
    """
    i, level = start, 0
    while i < end:
        size = 1 << (BITS * level)
        if i + size > end:
            level -= 1
            continue
        b = index.first[level] + (i >> (BITS * level))
        high, low, mark = index.blocks[b, HIGH], index.blocks[b, LOW], index.blocks[b, MARK]
        # within a larger block a stop may trail its own best price
        kind = min(best, low) if level > 0 else best
        stop = min(ticket.stop, kind + ticket.trail) if ticket.trail > 0 else ticket.stop
        watched = mark if ticket.stop_on_mark == 1 else high
        if watched < stop and mark < liquidation and low > reach and index.blocks[b, CLOSE] <= ticket.invalidation:
            best, worst, i = min(best, low), max(worst, high), i + size
            if level < TOP and i & ((size << BITS) - 1) == 0:
                level += 1
        elif level == 0:
            return i, best, worst
        else:
            level -= 1
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
