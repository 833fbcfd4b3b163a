"""What the deciding part of the engine adds to the book: a fold like the rest of it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeGuard

from bearskin.engine._asked import content_of
from bearskin.engine._notes import AnyNote, Declined, Done, Ended, Equity, Limited, Planned, Signalled
from bearskin.engine._trade import Trade
from bearskin.risk import LimitRules
from bearskin.terms import Act, Answered, AnyEvent, BalanceNow, BarClosed, Remark

if TYPE_CHECKING:
    from bearskin.engine._book import Book

RULES: Final = LimitRules()
ZERO: Final = Decimal(0)
RESET: Final = "reset"  # the name under which a reset by hand is written down
STOPPED: Final = ("stop", "trail", "emergency", "liquidated")


def remember(book: Book, note: AnyNote) -> None:
    """Take into the book what the limits and the waiting signals remember of a note."""
    match note:
        case Equity():
            book.worth = book.worth.worth(RULES, note.time_ns, note.equity)
        case Ended() if note.entry is not None:
            book.worth = book.worth.ended(
                RULES,
                note.time_ns,
                note.net,
                stopped=note.reason in STOPPED,
                by_hand=note.origin == "hand",
                slipped=(note.slippage_entry + note.slippage_exit, _expected(note)),
            )
        case Limited() if note.limit == RESET:
            book.worth = book.worth.reset()
        case Done():
            book.unanswered.pop(note.act_id, None)
        case Signalled():
            book.undecided[f"{note.symbol} {note.setup} {int(note.side)} {note.known_ns}"] = note
        case Planned() | Declined() if note.origin.startswith("setup:") and note.known_ns:
            name = note.origin.removeprefix("setup:")
            book.undecided.pop(f"{note.symbol} {name} {int(note.side)} {note.known_ns}", None)
        case _:
            pass


def listen(book: Book, event: AnyEvent) -> None:
    """Take into the book what the limits remember of an event: refusals, the kindest price, what is asked by hand."""
    # a market that is known to be shut refuses everything, which says nothing of the others
    if _is_refusal(event) and book.trading.get(event.symbol, "trading") == "trading":
        book.worth = book.worth.rejected(RULES, event.wall_ns)
    if isinstance(event, Act):
        if event.act_id not in book.acts:
            book.unanswered[event.act_id] = None
            book.asked.setdefault(event.act_id, content_of(event))
        trade = book.trade_in(event.symbol) if isinstance(event, Remark) else None
        if trade is not None and isinstance(event, Remark):
            trade.thesis = event.text
    if isinstance(event, BalanceNow) and event.transferred and event.asset == book.account.asset:
        book.worth = book.worth.moved(event.transferred)
    if isinstance(event, BarClosed):
        trade = book.trade_in(event.symbol)
        if trade is not None and trade.entered_ns:
            entered_bar_ns = opened_bar_ns(trade, event.interval_ns)
            if event.opened_ns >= entered_bar_ns:
                trade.best = best_of(trade, event, entered_bar_ns)


def _is_refusal(event: AnyEvent) -> TypeGuard[Answered]:
    """Whether the venue has refused an order."""
    if not isinstance(event, Answered):
        return False
    return event.outcome == "rejected" and event.what in ("Place", "PlaceStop", "Amend")


def _expected(note: Ended) -> Decimal:
    """The slippage a trade was planned with: two hundredths of a per cent at each end that trades at market."""
    if note.entry is None or note.exit is None:
        return ZERO
    with_stop = note.exit if note.reason in STOPPED else ZERO
    return abs(note.qty) * (note.entry + with_stop) * Decimal("0.0002")


def opened_bar_ns(trade: Trade, interval_ns: int) -> int:
    """The open of the bar in which the trade was entered."""
    return trade.entered_ns // interval_ns * interval_ns


def best_of(trade: Trade, bar: BarClosed, entered_bar_ns: int) -> float:
    """The kindest price so far: in the bar of a resting fill only the limit and the close are known to come after."""
    side = int(trade.plan.side)
    kind = bar.low if side < 0 else bar.high
    if trade.plan.entry_price is not None and bar.opened_ns == entered_bar_ns:
        limit = float(trade.plan.entry_price)
        kind = min(limit, bar.close) if side < 0 else max(limit, bar.close)
    if not trade.best:
        return kind
    return min(trade.best, kind) if side < 0 else max(trade.best, kind)
