"""What a walked trade does to the book, and when."""

from __future__ import annotations

from dataclasses import dataclass

from bearskin.backtest._book import ENTRIES, INSIDE_BAR, PAST, Book, Flow, Position
from bearskin.margin import funding_received
from bearskin.paths import (
    AT_OPEN,
    INSIDE,
    LIQUIDATED,
    REASONS,
    TARGET,
    UNFILLED,
    funding_counts,
)


@dataclass(frozen=True, slots=True)
class Settlement:
    """One funding payment of a position: moment, signed amount (positive received) and its index in the course."""

    time_ns: int
    amount: float
    index: int


def leg_settlements(position: Position, coins: float, exit_bar: int, place: int) -> list[Settlement]:
    """The settlements that fall on `coins` (unsigned) held from the entry to a fill in `exit_bar`."""
    outcome, course = position.outcome, position.symbol.course
    lane = course.lanes[position.side]
    rested = 1 if position.terms.get("limit") is not None else 0
    found = []
    for k in range(lane.fund_from[outcome.entry_bar], lane.fund_from[exit_bar + 1]):
        counts = funding_counts(
            outcome.entry_bar, rested, exit_bar, place, int(lane.fund_bar[k]), int(lane.fund_code[k])
        )
        amount = funding_received(int(position.side) * coins, float(lane.fund_mark[k]), float(lane.fund_rate[k]))
        if counts == 1 or (counts == 2 and amount < 0):
            found.append(Settlement(int(course.settle_ns[k]), amount, k))
    return found


def commit(book: Book, position: Position) -> list[Settlement]:
    """Enter the position into the book and schedule all that follows from its path; returns its settlements."""
    outcome, panel = position.outcome, position.symbol.panel
    book.take(position)
    if outcome.reason == UNFILLED:
        last = min(position.offer.bar + _valid(position), len(panel)) - 1
        book.schedule(position, Flow(time_ns=panel.known_ns(last), last=True), panel.known_ns(last), PAST)
        return []
    rested = position.terms.get("limit") is not None
    # that a resting order filled is known when its bar closes, and to nobody who enters at its open
    position.booked_ns = panel.known_ns(outcome.entry_bar) if rested else position.entry_ns
    book.schedule(position, None, position.entry_ns, ENTRIES if rested else PAST)
    coins1 = position.symbol.course.coins(outcome.steps1)
    coins2 = position.planned - coins1
    found = leg_settlements(position, coins1, outcome.bar1, INSIDE) if outcome.steps1 else []
    found += leg_settlements(position, coins2, outcome.bar, outcome.place)
    leaves_ns = int(panel.time_ns[outcome.bar])
    for item in found:
        if _leaves_early(position) and item.time_ns > leaves_ns:
            # inside the bar of the stop, and it costs us: before the stop, which is booked at that bar's open
            flow = Flow(time_ns=panel.known_ns(outcome.bar), funding=item.amount)
            book.schedule(position, flow, leaves_ns, INSIDE_BAR)
        elif item.time_ns < position.booked_ns:
            flow = Flow(time_ns=position.booked_ns, funding=item.amount)
            book.schedule(position, flow, position.entry_ns, ENTRIES)
        else:
            book.schedule(position, Flow(time_ns=item.time_ns, funding=item.amount), item.time_ns, PAST)
    if outcome.steps1:
        closes = panel.known_ns(outcome.bar1)
        flow = Flow(
            time_ns=closes,
            gross=outcome.gross1,
            slippage=outcome.slippage1,
            fee=outcome.fee1,
            coins=coins1,
            price=outcome.exit1,
        )
        book.schedule(position, flow, closes, PAST)
    rest = Flow(
        time_ns=0,
        gross=outcome.gross - outcome.gross1,
        slippage=outcome.slippage - outcome.slippage1,
        fee=outcome.fees - outcome.fee1 - outcome.entry_fee,
        coins=coins2,
        price=outcome.exit,
        last=True,
    )
    position.reason = REASONS[outcome.reason]
    position.why_exit = _why_exit(position)
    _schedule_end(book, position, rest)
    return sorted({item.index: item for item in found}.values(), key=lambda item: item.index)


def _valid(position: Position) -> int:
    event = position.offer.event
    return 1 if event is None else event.valid_bars


def _schedule_end(book: Book, position: Position, flow: Flow) -> None:
    """Stops and liquidations inside a bar come before the account is checked against that bar, targets after it."""
    outcome, panel = position.outcome, position.symbol.panel
    opens, closes = int(panel.time_ns[outcome.bar]), panel.known_ns(outcome.bar)
    if outcome.place == AT_OPEN:
        flow.time_ns = position.exit_ns = opens
        book.schedule(position, flow, opens, PAST)
        return
    flow.time_ns, position.exit_ns = closes, opens if outcome.place == INSIDE else closes
    early = _leaves_early(position)
    book.schedule(position, flow, opens if early else closes, INSIDE_BAR if early else PAST)


def _leaves_early(position: Position) -> bool:
    """Whether a stop or a liquidation inside a bar ends it."""
    return position.outcome.place == INSIDE and position.outcome.reason != TARGET


def _why_exit(position: Position) -> str:
    outcome, terms = position.outcome, position.terms
    words = {
        "stop": f"the stop at {terms.get('stop')} was reached",
        "target": f"traded through {terms.get('target2') or terms.get('target1')}",
        "trail": "the trailing stop was reached",
        "time": f"its time was up after {outcome.bar - outcome.entry_bar} bars",
        "invalidated": f"closed beyond {terms.get('invalidation')}",
        "liquidated": f"the mark reached the liquidation price {outcome.liquidation_price:.6g}",
        "end": "the data ends here",
    }
    said = words[REASONS[outcome.reason]]
    if outcome.reason == LIQUIDATED and outcome.place != INSIDE:
        said = f"the mark opened beyond the liquidation price {outcome.liquidation_price:.6g}"
    if outcome.steps1:
        said = f"part at {terms.get('target1')}; {said}"
    if outcome.ambiguous:
        said += ", in the same bar as a target: which came first is not known"
    return said
