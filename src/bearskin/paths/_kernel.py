"""One trade along a price path, with every cost: plain functions, generic over the number, compiled in `_compiled`.

Everything is seen in the frame of the side that trades: prices are negated for longs, so that *against us is always up*
and each rule is written once. Comparisons are made in whole ticks; only liquidation, which happens at a mark between
ticks, compares the mark itself. The rules are spelled out in docs/backtest.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple

from bearskin.margin import Tiers, formula, funding_received, liquidation_price
from bearskin.terms import Num

NEVER = 1 << 62  # a level no price reaches, in ticks; negated for targets
BLOCK = 48  # bars looked at together while nothing happens

# why a trade left; the words are in REASONS, in this order
UNFILLED, STOP, TARGET, TRAIL, TIME, INVALIDATED, LIQUIDATED, END = range(8)
# what a bar does to an open position
NOTHING, GAP, MARGIN_GONE, STOPPED, TAKEN = range(5)
# where in its bar a trade left
AT_OPEN, INSIDE, AT_CLOSE = range(3)


class Grid(NamedTuple, Generic[Num]):
    """What ticks and steps are worth: a price is ticks * `tick_num` / `tick_den`, a quantity steps * `unit_num` /
    `unit_den` coins; `mirror` is +1 for shorts, -1 for longs.
    """

    mirror: int
    tick_num: Num
    tick_den: Num
    unit_num: Num
    unit_den: Num


class Bar(NamedTuple, Generic[Num]):
    """One bar of a lane, so that helpers need not be handed the arrays."""

    open: int
    high: int
    low: int
    mark: int
    mark_open: Num
    mark_worst: Num


class Lane(NamedTuple, Generic[Num]):
    """One symbol as one side sees it: prices times the grid's `mirror`, oldest bar first.

    `open`, `high` (the adverse extreme), `low` (the kind one) and `close` are in ticks. `mark` is the adverse extreme
    of the mark in ticks, rounded towards us, so that it reaches a whole tick exactly when the mark does; `mark_open`
    and `mark_worst` are the marks themselves. Settlement k of funding falls into bar `fund_bar[k]`: at its open
    (`fund_code` 0), after it up to its close (1) or later, before the next bar (2); `fund_mark` is the unmirrored mark
    it was settled at, and `fund_from[i]` the first settlement that falls into bar i or later.
    """

    grid: Grid[Num]
    open: Sequence[int]
    high: Sequence[int]
    low: Sequence[int]
    close: Sequence[int]
    mark: Sequence[int]
    mark_open: Sequence[Num]
    mark_worst: Sequence[Num]
    fund_from: Sequence[int]
    fund_bar: Sequence[int]
    fund_code: Sequence[int]
    fund_rate: Sequence[Num]
    fund_mark: Sequence[Num]


class Ticket(NamedTuple, Generic[Num]):
    """What is to be traded; prices in ticks of the lane, `steps` and `steps1` (what target 1 closes) positive counts.

    A market order (`valid` 0) fills at the open of bar `start`; a limit order rests at `limit` for `valid` bars from
    there. Bars from `end` on do not exist for this trade. `hold` is the time stop in bars (0: none), `trail` the
    distance of the chandelier stop (0: none). A level of NEVER (targets: -NEVER) is absent. `leverage` 0 means that
    the position has no margin of its own and is not liquidated here. `through` is the venue's tick in ticks of the
    lane: how far the price must trade beyond a resting order to fill it. Rates and `slip` are fractions.
    """

    steps: int
    steps1: int
    start: int
    end: int
    valid: int
    limit: int
    stop: int
    stop_on_mark: int
    target1: int
    target2: int
    invalidation: int
    trail: int
    hold: int
    through: int
    leverage: Num
    taker: Num
    maker: Num
    slip: Num
    liquidation_fee: Num


class Outcome(NamedTuple, Generic[Num]):
    """What became of it. `reason` UNFILLED means that nothing was traded and all else is zero.

    Prices are real (not mirrored) fills. `steps1` is what was closed at target 1 in bar `bar1` before the rest left in
    bar `bar` (`place` AT_OPEN, INSIDE, AT_CLOSE); zero when everything left at once. net = gross - slippage - fees +
    funding, gross being the profit before slippage; `gross1`, `fee1` and `slippage1` are the part of target 1 in them.
    """

    reason: int
    place: int
    entry_bar: int
    bar1: int
    bar: int
    steps1: int
    ambiguous: int
    entry: Num
    exit1: Num
    exit: Num
    entry_fee: Num
    gross: Num
    fees: Num
    funding: Num
    slippage: Num
    net: Num
    net_if_target_first: Num
    margin: Num
    liquidation_price: Num
    mae: Num
    mfe: Num
    gross1: Num
    fee1: Num
    slippage1: Num


class Leg(NamedTuple, Generic[Num]):
    """Money of one closing fill, and the price it was capped to."""

    fill: Num
    gross: Num
    slippage: Num
    fee: Num
    funding: Num
    net: Num


class Entry(NamedTuple, Generic[Num]):
    """How the position came to be: mirrored reference and fill price, the bar, and whether a resting order filled."""

    bar: int
    rested: int
    ref: Num
    fill: Num


@formula
def price_of(grid: Grid[Num], ticks: int) -> Num:
    """A mirrored price in quote units, rounded once (`ticks * tick_num` is a whole number)."""
    return ticks * grid.tick_num / grid.tick_den


@formula
def units_of(grid: Grid[Num], steps: int) -> Num:
    """Coins of a count of steps, rounded once."""
    return steps * grid.unit_num / grid.unit_den


@formula
def bar_at(lane: Lane[Num], i: int) -> Bar[Num]:
    """Bar i of the lane."""
    return Bar(lane.open[i], lane.high[i], lane.low[i], lane.mark[i], lane.mark_open[i], lane.mark_worst[i])


@formula
def filling_bar(lane: Lane[Num], ticket: Ticket[Num]) -> int:
    """The bar in which the entry fills, or -1: a resting order needs a price one venue tick beyond it."""
    if ticket.start >= ticket.end:
        return -1
    if ticket.valid == 0:
        return ticket.start
    for i in range(ticket.start, min(ticket.start + ticket.valid, ticket.end)):
        if lane.high[i] >= ticket.limit + ticket.through:
            return i
    return -1


@formula
def funding_counts(entry_bar: int, rested: int, exit_bar: int, place: int, bar: int, code: int) -> int:
    """Whether a settlement falls on a position: 0 no, 1 yes, 2 only if it costs us (the order in time is not known)."""
    if bar > exit_bar or (bar == exit_bar and code > (0 if place == AT_OPEN else 1)):
        return 0
    if bar == exit_bar and place == INSIDE and code == 1:
        return 2
    return 2 if rested == 1 and bar == entry_bar and code < 2 else 1


@formula
def funding_of(lane: Lane[Num], _index: Any, entry: Entry[Num], exit_bar: int, place: int) -> Num:
    """Funding received (negative: paid) per coin, held from the entry to a fill in `exit_bar`."""
    one = lane.grid.unit_den / lane.grid.unit_den
    total = one - one
    for k in range(lane.fund_from[entry.bar], len(lane.fund_bar)):
        bar = lane.fund_bar[k]
        if bar > exit_bar:
            break
        counts = funding_counts(entry.bar, entry.rested, exit_bar, place, bar, lane.fund_code[k])
        amount = funding_received(-lane.grid.mirror * one, lane.fund_mark[k], lane.fund_rate[k])
        if counts == 1 or (counts == 2 and amount < 0):
            total += amount
    return total


@formula
def close_leg(
    grid: Grid[Num], ticket: Ticket[Num], entry: Entry[Num], steps: int, ref: Num, fill: Num, fee_rate: Num, carry: Num
) -> Leg[Num]:
    """Close `steps` at `fill` (mirrored; `ref` is the price before slippage); `carry` is the funding per coin.

    An isolated position cannot lose more than its margin, fees of closing included: beyond that the price is the
    bankruptcy price and the fee what is left.
    """
    units = units_of(grid, steps)
    fee = units * abs(fill) * fee_rate
    if ticket.leverage > 0:
        bankrupt = entry.fill + abs(entry.fill) / ticket.leverage
        fill = min(fill, bankrupt)
        ref = min(ref, fill)
        fee = min(units * abs(fill) * fee_rate, units * (bankrupt - fill))
    gross = units * (entry.ref - ref)
    slippage = units * ((entry.ref - entry.fill) + (fill - ref))
    return Leg(fill, gross, slippage, fee, units * carry, gross - slippage - fee + units * carry)


@formula
def liquidation_level(grid: Grid[Num], ticket: Ticket[Num], tiers: Tiers[Num], entry: Entry[Num], steps: int) -> Num:
    """The mirrored mark at which what is left of the position is liquidated, NEVER when there is none."""
    none = entry.fill - entry.fill + NEVER
    if ticket.leverage == 0:
        return none
    units = units_of(grid, steps)
    margin = units * abs(entry.fill) / ticket.leverage
    price = liquidation_price(tiers, -grid.mirror * units, -units * entry.fill, margin)
    return price * grid.mirror if price > 0 else none


@formula
def scan_level(grid: Grid[Num], level: Num) -> int:
    """A whole tick at or before `level`: a mark that reached the level has reached this tick."""
    return NEVER if level >= NEVER else int(level * grid.tick_den / grid.tick_num) - 1


@formula
def quiet(
    lane: Lane[Num], _index: Any, ticket: Ticket[Num], start: int, end: int, liquidation: int, reach: int, best: int,
    worst: int,
) -> tuple[int, int, int]:  # fmt: skip
    """The first bar in [start, end) at which something may happen, and the extremes seen before it.

    `liquidation` and `reach` are the ticks at which liquidation and the next target come into question; `best` is the
    kindest and `worst` the most adverse price so far. Returns (bar, best, worst); bar is `end` when all stays quiet.
    """
    i = start
    while i < end:
        size = min(BLOCK, end - i)
        # the extremes of a block, counted from zero and without a branch, so that several bars are handled at once
        mark, high = lane.mark[i : i + size], lane.high[i : i + size]
        low, close = lane.low[i : i + size], lane.close[i : i + size]
        top, up, down, last = mark[0], high[0], low[0], close[0]
        for k in range(size):
            top, up, down = max(top, mark[k]), max(up, high[k]), min(down, low[k])
        if ticket.invalidation < NEVER:  # memory is what bounds this: what nobody asks for is not read
            for k in range(size):
                last = max(last, close[k])
        stop = min(ticket.stop, min(best, down) + ticket.trail) if ticket.trail > 0 else ticket.stop
        watched = top if ticket.stop_on_mark == 1 else up
        if watched < stop and top < liquidation and down > reach and last <= ticket.invalidation:
            best, worst = min(best, down), max(worst, up)
        else:
            for k in range(size):
                stop = min(ticket.stop, best + ticket.trail) if ticket.trail > 0 else ticket.stop
                watched = mark[k] if ticket.stop_on_mark == 1 else high[k]
                if watched >= stop or mark[k] >= liquidation or low[k] <= reach or close[k] > ticket.invalidation:
                    return i + k, best, worst
                best, worst = min(best, low[k]), max(worst, high[k])
        i += size
    return end, best, worst


@formula
def verdict(
    grid: Grid[Num], ticket: Ticket[Num], bar: Bar[Num], fresh: int, stop: int, liquidation: Num, reach: int
) -> int:
    """What a bar does: the pessimistic order within it.

    `fresh` is 1 in the bar in which a resting order filled: its open and its kind extreme may lie before the fill, and
    where the mark opened beyond liquidation its extreme may as well.
    """
    opened_beyond = bar.mark_open >= liquidation
    if fresh == 0 and opened_beyond:
        return GAP
    gone = bar.mark_worst >= liquidation and not opened_beyond
    if gone and liquidation < price_of(grid, stop):
        return MARGIN_GONE
    if (bar.mark if ticket.stop_on_mark == 1 else bar.high) >= stop:
        return STOPPED
    if gone:
        return MARGIN_GONE
    return TAKEN if fresh == 0 and bar.low <= reach else NOTHING


@formula
def forced_exit(
    grid: Grid[Num], ticket: Ticket[Num], what: int, bar: Bar[Num], stop: int, liquidation: Num
) -> tuple[int, Num, Num, Num]:
    """Reason, reference, fill and fee rate when the stop or the liquidation closes the position in `bar`."""
    if what == GAP:
        return LIQUIDATED, bar.mark_open, bar.mark_open, ticket.liquidation_fee
    if what == MARGIN_GONE:
        return LIQUIDATED, liquidation, liquidation, ticket.liquidation_fee
    ref = price_of(grid, max(stop, bar.open))
    return (STOP if stop == ticket.stop else TRAIL), ref, ref + ticket.slip * abs(ref), ticket.taker


@formula
def exit_at_open(
    lane: Lane[Num], ticket: Ticket[Num], reason: int, i: int, liquidation: Num
) -> tuple[int, int, int, Num, Num, Num]:
    """Leave by a market order at the open of bar i, at the last close where the data ends before it.

    Returns (reason, bar, place, reference, fill, fee rate). A mark that opens beyond liquidation comes first.
    """
    if i >= ticket.end:
        ref = price_of(lane.grid, lane.close[ticket.end - 1])
        return END, ticket.end - 1, AT_CLOSE, ref, ref + ticket.slip * abs(ref), ticket.taker
    if lane.mark_open[i] >= liquidation:
        return LIQUIDATED, i, AT_OPEN, lane.mark_open[i], lane.mark_open[i], ticket.liquidation_fee
    ref = price_of(lane.grid, lane.open[i])
    return reason, i, AT_OPEN, ref, ref + ticket.slip * abs(ref), ticket.taker


@formula
def target_first(
    grid: Grid[Num], ticket: Ticket[Num], entry: Entry[Num], low: int, left: int, booked: Leg[Num], rate: Num, ref: Num,
    carry: Num,
) -> tuple[int, Num]:  # fmt: skip
    """Whether a bar that reached down to `low` would also have filled a target, and the net had that come first.

    `booked` is the pessimistic leg of the `left` steps, `ref` and `rate` its terms. (0, its net) when it would not.
    """
    first = left == ticket.steps
    target = ticket.target1 if first else ticket.target2
    if low > target - ticket.through:
        return 0, booked.net
    price = price_of(grid, target)
    if not first or ticket.steps1 >= left:
        return 1, close_leg(grid, ticket, entry, left, price, price, ticket.maker, carry).net
    net = close_leg(grid, ticket, entry, ticket.steps1, price, price, ticket.maker, carry).net
    rest = left - ticket.steps1
    if low <= ticket.target2 - ticket.through:
        price = price_of(grid, ticket.target2)
        return 1, net + close_leg(grid, ticket, entry, rest, price, price, ticket.maker, carry).net
    return 1, net + close_leg(grid, ticket, entry, rest, ref, booked.fill, rate, carry).net


@formula
def enter(grid: Grid[Num], ticket: Ticket[Num], bar: int, opening: int) -> Entry[Num]:
    """A market order fills at the open with slippage, a resting one at its limit, never better."""
    rested = 1 if ticket.valid > 0 else 0
    ref = price_of(grid, ticket.limit if rested == 1 else opening)
    return Entry(bar, rested, ref, ref - ticket.slip * abs(ref) if rested == 0 else ref)


@formula
def settle(
    grid: Grid[Num], ticket: Ticket[Num], entry: Entry[Num], first: Leg[Num], last: Leg[Num], optimist: Num,
    marks: tuple[int, int, int, int, int, int], extreme: tuple[int, int], liquidation: Num,
) -> Outcome[Num]:  # fmt: skip
    """Add both legs up; `marks` are reason, place, bar1, bar, steps1 and ambiguous, `extreme` best and worst tick."""
    base = abs(entry.fill)
    zero = base - base
    units = units_of(grid, ticket.steps)
    entry_fee = units * base * (ticket.maker if entry.rested == 1 else ticket.taker)
    low = min(price_of(grid, extreme[0]), first.fill, last.fill)
    high = max(price_of(grid, extreme[1]), first.fill, last.fill)
    reason, place, bar1, bar, steps1, ambiguous = marks
    return Outcome(
        reason,
        place,
        entry.bar,
        bar1,
        bar,
        steps1,
        ambiguous,
        entry.fill * grid.mirror,
        first.fill * grid.mirror,
        last.fill * grid.mirror,
        entry_fee,
        first.gross + last.gross,
        entry_fee + first.fee + last.fee,
        first.funding + last.funding,
        first.slippage + last.slippage,
        first.net + last.net - entry_fee,
        first.net + optimist - entry_fee,
        units * base / ticket.leverage if ticket.leverage > 0 else zero,
        liquidation * grid.mirror if liquidation < NEVER else zero,
        min((entry.fill - high) / base, zero),
        max((entry.fill - low) / base, zero),
        first.gross,
        first.fee,
        first.slippage,
    )


@formula
def untraded(zero: Num) -> Outcome[Num]:
    """The order never filled."""
    return Outcome(
        UNFILLED, 0, 0, 0, 0, 0, 0,
        zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero,
    )  # fmt: skip


@formula
def walk(lane: Lane[Num], tiers: Tiers[Num], ticket: Ticket[Num]) -> Outcome[Num]:
    """One trade from its order to its last fill, bar by bar. `tiers` are the maintenance tiers by notional."""
    return follow(lane, lane, tiers, ticket, quiet, funding_of)


@formula
def follow(
    lane: Lane[Num], index: Any, tiers: Tiers[Num], ticket: Ticket[Num], pause: Callable[..., tuple[int, int, int]],
    carried: Callable[..., Num],
) -> Outcome[Num]:  # fmt: skip
    """One trade; `pause` finds the next bar at which something may happen and `carried` adds the funding up.

    Both are handed `index`, what they have prepared of the lane.
    """
    zero = ticket.taker - ticket.taker
    i = filling_bar(lane, ticket)
    if i < 0:
        return untraded(zero)
    grid = lane.grid
    entry = enter(grid, ticket, i, lane.open[i])
    end = min(ticket.end, i + ticket.hold) if ticket.hold > 0 else ticket.end
    at_entry = liquidation = liquidation_level(grid, ticket, tiers, entry, ticket.steps)
    first = Leg(entry.fill, zero, zero, zero, zero, zero)
    left, bar1, steps1, ambiguous = ticket.steps, i, 0, 0
    reach, best, worst, fresh = ticket.target1 - ticket.through, NEVER, -NEVER, entry.rested
    while True:
        if fresh == 0:
            i, best, worst = pause(lane, index, ticket, i, end, scan_level(grid, liquidation), reach, best, worst)
        if i >= end:
            reason, bar, place, ref, fill, rate = exit_at_open(lane, ticket, TIME, end, liquidation)
            break
        stop = min(ticket.stop, best + ticket.trail) if ticket.trail > 0 else ticket.stop
        now = bar_at(lane, i)
        what = verdict(grid, ticket, now, fresh, stop, liquidation, reach)
        bar, place = i, (AT_OPEN if what == GAP else INSIDE)
        if what in (GAP, MARGIN_GONE, STOPPED):
            reason, ref, fill, rate = forced_exit(grid, ticket, what, now, stop, liquidation)
            ambiguous = 1 if what != GAP and fresh == 0 and now.open < stop else 0
            break
        if what == TAKEN:
            # the price is known exactly and nothing is gained beyond it
            ref = fill = price_of(grid, ticket.target2 if steps1 > 0 else ticket.target1)
            reason, rate = TARGET, ticket.maker
            if steps1 > 0 or ticket.steps1 >= ticket.steps:
                break
            first = close_leg(
                grid, ticket, entry, ticket.steps1, ref, fill, rate, carried(lane, index, entry, i, INSIDE)
            )
            bar1, steps1, left = i, ticket.steps1, ticket.steps - ticket.steps1
            reach = ticket.target2 - ticket.through
            if now.low <= reach:
                ref = fill = price_of(grid, ticket.target2)
                break
            liquidation = liquidation_level(grid, ticket, tiers, entry, left)
        # after a resting fill the limit itself has traded, and the close; the kind extreme may lie before the fill
        best = min(best, now.low if fresh == 0 else min(ticket.limit, lane.close[i]))
        worst = max(worst, now.high)
        i += 1
        if lane.close[i - 1] > ticket.invalidation:
            reason, bar, place, ref, fill, rate = exit_at_open(lane, ticket, INVALIDATED, i, liquidation)
            break
        fresh = 0
    carry = carried(lane, index, entry, bar, place)
    last = close_leg(grid, ticket, entry, left, ref, fill, rate, carry)
    optimist = last.net
    if ambiguous == 1:
        ambiguous, optimist = target_first(grid, ticket, entry, lane.low[bar], left, last, rate, ref, carry)
    marks = (reason, place, bar1, bar, steps1, ambiguous)
    return settle(grid, ticket, entry, first, last, optimist, marks, (best, worst), at_entry)
