"""What was decided, taken into the book: the same notes always make the same book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bearskin.engine._notes import (
    Adjusted,
    AnyNote,
    Corrected,
    Done,
    Ended,
    Foreign,
    Issued,
    Leaving,
    Limited,
    ModeSet,
    Planned,
    Protection,
    StopMoved,
    TargetMoved,
    Warned,
)
from bearskin.engine._trade import ZERO, Trade, Working
from bearskin.ledger import Holding
from bearskin.ledger import filled as holding_after
from bearskin.margin import deciding
from bearskin.terms import Amend, Cancel, Place, PlaceStop, SetLeverage, SetMarginMode

if TYPE_CHECKING:
    from bearskin.engine._book import Book

_DONE_KEPT: Final = 32
_ORDERS_KEPT: Final = 64
_FORETOLD_KEPT: Final = 8
_ACTS_KEPT: Final = 1_000


def noted(book: Book, note: AnyNote) -> None:
    """Take in a note."""
    match note:
        case Planned():
            _planned(book, note)
        case Issued():
            _issued(book, note)
        case Protection() | StopMoved() | TargetMoved() | Leaving():
            trade = book.trades.get(note.trade)
            if trade is not None:
                _changed(trade, note)
        case Ended():
            _ended(book, note)
        case Corrected():
            if (over := book.done.get(note.trade)) is not None:
                over.ended_net = note.net
        case Adjusted():
            with deciding():
                _adjusted(book, note)
        case Foreign():
            if note.blocked:
                book.foreign[note.symbol] = note.detail
            else:
                book.foreign.pop(note.symbol, None)
        case Limited():
            if note.active:
                book.limits[note.limit] = note
            else:
                book.limits.pop(note.limit, None)
        case ModeSet():
            book.paused, book.panicked, book.sides = note.paused, note.panicked, note.sides
        case Done():
            book.acts[note.act_id] = note
            if len(book.acts) > _ACTS_KEPT:
                oldest = next(iter(book.acts))
                del book.acts[oldest]
                book.asked.pop(oldest, None)
        case Warned():
            trade = book.trade_in(note.symbol)
            if trade is not None and note.kind in ("unprotected", "emergency"):
                trade.alarm, trade.alarm_wall_ns = note.kind, note.wall_ns
        case _:
            pass


def _planned(book: Book, note: Planned) -> None:
    trade = Trade(number=note.trade, plan=note, stop=note.stop)
    book.trades[note.trade] = trade
    book.next_trade = max(book.next_trade, note.trade + 1)
    if note.origin == "adopted":
        with deciding():
            trade.qty, trade.cost = note.qty, note.qty * note.entry_ref
        trade.entered_qty, trade.entered_value = trade.qty, trade.cost
        trade.entered_ns = note.time_ns
        trade.moved_wall_ns = note.wall_ns
        trade.phase = "open"
        book.foreign.pop(note.symbol, None)


def _issued(book: Book, note: Issued) -> None:
    command = note.command
    match command:
        case Place() | PlaceStop():
            trade = book.trades.get(note.trade)
            if trade is None:
                return
            is_stop = isinstance(command, PlaceStop)
            if len(trade.orders) >= _ORDERS_KEPT:
                _forget_oldest(book, trade)
            trade.counts[command.role] = trade.counts.get(command.role, 0) + 1
            book.by_order[command.client_id] = note.trade
            trade.orders[command.client_id] = Working(
                client_id=command.client_id,
                trade=note.trade,
                role=command.role,
                qty=command.qty,
                issued_ns=note.time_ns,
                issued_wall_ns=note.wall_ns,
                changed_wall_ns=note.wall_ns,
                price=command.price if isinstance(command, Place) else None,
                stop_price=command.trigger if isinstance(command, PlaceStop) else None,
                conditional=is_stop,
            )
        case Cancel() | Amend():
            found = book.order(command.client_id)
            if found is None:
                return
            if isinstance(command, Amend):
                found[1].amend = (command.qty, command.price)
            else:
                found[1].cancel = "sent"
                found[1].cancels += 1
                found[1].cancel_wall_ns = note.wall_ns
        case SetMarginMode():
            book.configuring[command.symbol] = (0, command.margin_mode.value)  # the leverage is asked for by itself
        case SetLeverage():
            book.configuring[command.symbol] = (command.leverage, command.margin_mode.value)
        case _:
            pass


def _forget_oldest(book: Book, trade: Trade) -> None:
    """Forget the oldest order that ended without a fill: a stop that trails leaves one behind at every move."""
    for order in trade.orders.values():
        if order.status in ("canceled", "rejected") and not order.said and not order.filled:
            del trade.orders[order.client_id], book.by_order[order.client_id]
            return


def _changed(trade: Trade, note: Protection | StopMoved | TargetMoved | Leaving) -> None:
    match note:
        case StopMoved():
            trade.stop, trade.stop_why = note.new, note.why
        case TargetMoved():
            trade.targets_now = note.targets
            trade.targets_before.pop(note.new, None)
            trade.targets_before[note.old] = note.number - 1
        case Leaving():
            if note.share == 0:
                trade.leave_to, trade.leave_price, trade.leave_reason = None, None, ""
                trade.phase = "open" if trade.entered_qty else "entering"
                return
            trade.leave_to = ZERO if note.share >= 1 else trade.open_qty + note.qty
            trade.leave_price = note.price
            if note.share >= 1:
                trade.leave_reason, trade.phase = note.reason, "leaving"
        case Protection():
            trade.protected = note.protected
            trade.unprotected_s_max = max(trade.unprotected_s_max, note.unprotected_s)
            if note.since_wall_ns:
                trade.unprotected_since_wall_ns, trade.noticed_wall_ns = note.since_wall_ns, note.wall_ns
            else:
                trade.unprotected_since_wall_ns, trade.alarm = None, ""


def _ended(book: Book, note: Ended) -> None:
    trade = book.trades.pop(note.trade, None)
    if trade is None:
        return
    trade.phase, trade.ended_ns, trade.ended_net = "done", note.time_ns, note.net
    book.account.positions.pop((trade.symbol, trade.leg), None)  # and with it the stop that the venue kept with it
    book.done[note.trade] = trade
    while len(book.done) > _DONE_KEPT:
        old = book.done.pop(next(iter(book.done)))
        for client_id in old.orders:
            del book.by_order[client_id]
        for child in [child for child, parent in book.children.items() if parent in old.orders]:
            del book.children[child]


def _adjusted(book: Book, note: Adjusted) -> None:
    trade = book.trades.get(note.trade)
    if trade is None:
        return
    for order in trade.orders.values():
        order.said = order.filled  # what was only spoken of is settled by the venue's word
    qty = note.theirs - trade.qty
    after, realised = holding_after(Holding(trade.qty, trade.cost), qty, note.price)
    trade.qty, trade.cost = after
    trade.realised += realised
    trade.foretold = [*trade.foretold[1 - _FORETOLD_KEPT :], (note.time_ns, qty, note.price)]
    if qty * trade.plan.qty > 0:
        trade.entered_qty += qty
        trade.entered_value += qty * note.price
    else:
        trade.exited_qty += qty
        trade.exited_value += qty * note.price
        trade.exit_reason = "closed elsewhere"
    if trade.phase == "entering" and trade.qty:
        trade.phase = "open"
    if not trade.leaving:
        trade.leave_to = None
