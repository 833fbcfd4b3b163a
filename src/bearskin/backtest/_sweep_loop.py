"""One combination after the other through one symbol's signals: plain functions, compiled in `_sweep_compiled`.

Every decision is the one of `_entries` and of sizing in `risk`, in float64. Where rounding could decide otherwise than
their Decimal (a quantity within a hair of a whole step, a cap or a level met exactly) the loop stops and asks: sizing
itself answers, and the combination is run again with that answer.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from bearskin.backtest._override import AS_FOUND, KEEP, stop_ticks, target_ticks
from bearskin.backtest._sweep_tables import (
    AMBIGUOUS,
    BARS,
    DAYS,
    DRAWDOWN,
    ENTER_AS_FOUND,
    ENTER_LIMIT,
    FEES,
    FUNDING,
    GROSS,
    GROSS_MAX,
    LIQUIDATIONS,
    NET,
    NET_MAX,
    NEXT,
    PEAK,
    R_SQUARES,
    R_SUM,
    SLIPPAGE,
    STOPPED,
    TARGETS,
    TIMED,
    TRADES,
    WALLET,
    WINS,
)
from bearskin.margin import maintenance
from bearskin.paths import (
    AT_CLOSE,
    AT_OPEN,
    INSIDE,
    LIQUIDATED,
    NEVER,
    TARGET,
    UNFILLED,
    Ticket,
    compiled_leap,
)
from bearskin.terms import DAY_NS

leap = compiled_leap()
HAIR = 1e-12  # nearer than this, relatively, float64 does not say which side it is
STRETCH = 1 << 15  # bars
REFUSED, ASK = 0, -1  # instead of a count of steps
STOP, TRAIL, TIME = 1, 3, 4


class Shape(NamedTuple):
    """The trade a request makes of a signal: real prices, mirrored ticks of the lane; `paid` counts targets."""

    rests: int
    price: float
    limit: int
    valid: int
    stop: float
    stop_log: float
    stop_ticks: int
    paid: int
    target_log: float
    target1: int
    target2: int
    invalidation: int
    trail: int
    hold: int


def shaped(offer: Any, terms: Any, filters: Any) -> Shape:
    """What `overridden` and `ticket_of` make of the signal."""
    side = offer.side
    rests = offer.rests if terms.entry == ENTER_AS_FOUND else (1 if terms.entry == ENTER_LIMIT else 0)
    resized = rests == 1 and offer.rests == 0
    limit = offer.ref_ticks if resized else offer.limit_ticks
    price = abs(offer.ref) if resized else (offer.limit if rests == 1 else offer.opening)
    num, den = filters.tick_num, filters.tick_den
    stop, stop_log, at = offer.stop, offer.stop_log, offer.stop_ticks
    if terms.stop_kind != AS_FOUND:
        ticks = stop_ticks(terms.stop_kind, terms.stop_by, offer.ref, offer.stop, num, den)
        stop = ticks * num / den
        stop_log, at = math.log(abs(stop)), ticks * filters.through
    count, target_log, first, second = offer.count, offer.target_log, offer.target1_ticks, offer.target2_ticks
    if terms.target_kind != AS_FOUND:
        ticks = target_ticks(terms.target_kind, terms.target_by, offer.ref, stop, num, den)
        count, target_log = 1, math.log(abs(ticks * num / den))
        first, second = ticks * filters.through, -NEVER
    trail = (terms.trail_atr if terms.trail_atr != 0 else offer.trail_atr) * offer.atr
    away = 0
    if trail > 0:
        away = round(abs(offer.ref) * math.expm1(trail) / filters.tick) * filters.through  # on the venue's grid
    return Shape(
        rests, price, limit, offer.valid if rests == 1 else 0, -side * stop,
        stop_log, at, count, target_log, first, second, offer.invalidation if terms.invalidates == 1 else NEVER, away,
        offer.hold if terms.hold == KEEP else terms.hold,
    )  # fmt: skip


def stands(offer: Any, terms: Any, shape: Shape) -> bool:
    """What `entry_ok` says at the open."""
    sign = -offer.side
    at, stop = sign * offer.opening_log, sign * shape.stop_log
    if at >= stop:
        return False
    if shape.rests == 1:
        return True
    if (sign * offer.ref_log - at) / offer.atr > terms.moved:
        return False
    target = sign * shape.target_log
    if shape.paid > 0 and at <= target:
        return False
    risk = (stop - at) / offer.atr
    if risk < terms.risk_min or risk > terms.risk_max:
        return False
    if shape.paid == 0:
        return True
    reward = at - target
    if reward < terms.cost_multiple * offer.cost:
        return False
    return offer.one_risk == 1 or not reward / (stop - at) < terms.reward_min


def near(value: float, other: float, scale: float) -> bool:
    """Whether float64 cannot be trusted to tell two figures of this scale apart as Decimal does."""
    return abs(value - other) <= HAIR * scale


def sized(offer: Any, terms: Any, shape: Shape, tiers: Any, filters: Any, equity: float) -> int:
    """Steps as `size_entry` allows them on an account without positions, REFUSED, or ASK where only it can tell."""
    side, price, stop = offer.side, shape.price, shape.stop
    if not (equity > 0 and (price - stop) * side > 0):
        return REFUSED
    fee_in = terms.maker if shape.rests == 1 else terms.taker
    fill = stop * (1 - side * terms.slip)
    loss = price * fee_in + fill * terms.taker - side * (fill - price)
    allowed = min(
        equity * terms.risk / loss, equity * terms.share * terms.leverage / price,
        equity / (price * (1 / terms.leverage + fee_in)), terms.bracket / price, terms.tier / price,
        equity * terms.heat / loss, equity * GROSS_MAX / price, equity * NET_MAX / price, terms.largest,
    )  # fmt: skip
    exact = allowed * offer.multiplier / filters.step
    steps = int(exact)
    if near(exact, steps, max(exact, 1.0)) or near(exact, steps + 1, max(exact, 1.0)):
        return ASK
    size = steps * filters.step
    value = size * price
    if steps < filters.least:
        return REFUSED
    if near(value, filters.notional_min, value):
        return ASK
    if value < filters.notional_min:
        return REFUSED
    return steps if terms.beyond == 1 else _survives(offer.side, terms, shape, tiers, filters, steps)


def _survives(side: int, terms: Any, shape: Shape, tiers: Any, filters: Any, steps: int) -> int:
    """The steps where liquidation comes far enough behind the stop, else REFUSED (or ASK)."""
    price, size = shape.price, steps * filters.step
    margin = size * price / terms.leverage
    probe = max(price + (shape.stop - price) * terms.ratio, filters.tick)
    for mark in (shape.stop, probe):
        equity = margin + side * size * (mark - price)
        needed = maintenance(tiers, size * mark)
        if near(equity, needed, size * mark + size * price):
            return ASK
        if equity <= needed:
            return REFUSED
    return steps


def ticket_for(offer: Any, terms: Any, shape: Shape, filters: Any, steps: int, end: int) -> Ticket[float]:
    """The order, as `ticket_of` words it."""
    first, second, steps1 = shape.target1, shape.target2, steps
    if shape.paid > 1:
        steps1 = steps * terms.share1_num // terms.share1_den
        if steps1 == 0:
            first, second, steps1 = shape.target2, -NEVER, steps
    return Ticket(
        steps, steps1, offer.bar, end, shape.valid, shape.limit if shape.rests == 1 else 0, shape.stop_ticks,
        terms.on_mark, first, second, shape.invalidation, shape.trail, shape.hold, filters.through, terms.leverage,
        terms.taker, terms.maker, terms.slip, filters.liquidation_fee,
    )  # fmt: skip


def next_offer(offers: Any, first: int, from_ns: int) -> int:
    """The first offer from `first` on whose order goes out at `from_ns` or later."""
    step = 1
    low, high = first, first
    while high < len(offers) and offers[high].order_ns < from_ns:
        low, high, step = high + 1, high + step, 2 * step
    high = min(high, len(offers))
    while low < high:
        middle = (low + high) >> 1
        if offers[middle].order_ns < from_ns:
            low = middle + 1
        else:
            high = middle
    return low


def free_from(times: Any, filters: Any, outcome: Any) -> Any:
    """When the symbol is free for the next order: at the close of a bar for what is known then, else in it or after."""
    opens = times[outcome.bar]
    if outcome.place == AT_OPEN:
        return opens
    if outcome.place == INSIDE and outcome.reason != TARGET:
        return opens + 1
    return opens + filters.interval_ns


def tally(counts: Any, money: Any, outcome: Any, risk: float) -> None:
    """Add one trade to the figures of its combination."""
    reason = outcome.reason
    counts[TRADES] += 1
    counts[WINS] += 1 if outcome.net > 0 else 0
    counts[STOPPED] += 1 if reason in (STOP, TRAIL) else 0
    counts[TARGETS] += 1 if reason == TARGET else 0
    counts[TIMED] += 1 if reason == TIME else 0
    counts[LIQUIDATIONS] += 1 if reason == LIQUIDATED else 0
    counts[AMBIGUOUS] += outcome.ambiguous
    counts[BARS] += outcome.bar - outcome.entry_bar + (0 if outcome.place == AT_OPEN else 1)
    money[NET] += outcome.net
    money[GROSS] += outcome.gross
    money[FEES] += outcome.fees
    money[FUNDING] += outcome.funding
    money[SLIPPAGE] += outcome.slippage
    if risk != 0:
        money[R_SUM] += outcome.net / risk
        money[R_SQUARES] += (outcome.net / risk) ** 2
    money[WALLET] += outcome.net
    money[PEAK] = max(money[PEAK], money[WALLET])
    money[DRAWDOWN] = min(money[DRAWDOWN], money[WALLET] / money[PEAK] - 1.0)


def risk_of(terms: Any, shape: Shape, lane: Any, outcome: Any, side: int, steps: int) -> Any:
    """What the position as filled would lose at its stop, fees and slippage included."""
    coins = steps * lane.grid.unit_num / lane.grid.unit_den
    fill = shape.stop * (1 - side * terms.slip)
    return coins * side * (outcome.entry - fill) + coins * fill * terms.taker + outcome.entry_fee


def run_one(
    prepared: Any, tiers: Any, terms: Any, told: Any, counts: Any, money: Any, days: Any, nets: Any, end: int
) -> bool:
    """One combination from where it stands to the last signal before bar `end`; False when sizing must be asked.

    `counts[NEXT]` is the next signal and `money[WALLET]` the account; `told` holds sizing's own answers so far: rows of
    (offer, steps).
    """
    lanes, indices, times, offers, filters = prepared
    j, answered = counts[NEXT], 0
    while j < len(offers) and offers[j].bar < end:
        offer = offers[j]
        j += 1
        if offer.may == 0:
            continue
        lane, index = lanes[offer.lane], indices[offer.lane]
        shape = shaped(offer, terms, filters)
        if not stands(offer, terms, shape):
            continue
        while answered < len(told) and told[answered, 0] < j - 1:
            answered += 1
        if answered < len(told) and told[answered, 0] == j - 1:
            steps = told[answered, 1]
        else:
            steps = sized(offer, terms, shape, tiers, filters, money[WALLET])
        if steps == ASK:
            counts[NEXT] = j - 1
            return False
        if steps == REFUSED:
            continue
        ticket = ticket_for(offer, terms, shape, filters, steps, len(times))
        outcome = leap(lane, index, tiers, ticket)
        if outcome.reason == UNFILLED:
            if ticket.start + ticket.valid <= ticket.end:
                j = next_offer(offers, j, times[ticket.start + ticket.valid - 1] + filters.interval_ns)
            continue
        tally(counts, money, outcome, risk_of(terms, shape, lane, outcome, offer.side, steps))
        opens = times[outcome.bar]
        day = (opens + filters.interval_ns if outcome.place == AT_CLOSE else opens) // DAY_NS
        if counts[DAYS] == 0 or days[counts[DAYS] - 1] != day:
            days[counts[DAYS]] = day
            counts[DAYS] += 1
        nets[counts[DAYS] - 1] += outcome.net
        j = next_offer(offers, j, free_from(times, filters, outcome))
    counts[NEXT] = j
    return True


def run_many(
    prepared: Any, tiers: Any, terms: Any, told_from: Any, told: Any, counts: Any, money: Any, days: Any, nets: Any,
    asks: Any,
) -> None:  # fmt: skip
    """All combinations, one row of each table each; `asks` is the offer at which sizing must be asked, -1 at the end.

    They go through history together, a stretch of bars at a time, so that a stretch is fetched from memory once.
    """
    for c in range(len(terms)):
        asks[c] = -1 if terms[c].may == 1 else -2
    for start in range(0, len(prepared.times), STRETCH):
        for c in range(len(terms)):
            if asks[c] != -1:
                continue
            mine = told[told_from[c] : told_from[c + 1]]
            if not run_one(prepared, tiers, terms[c], mine, counts[c], money[c], days[c], nets[c], start + STRETCH):
                asks[c] = counts[c, NEXT]
