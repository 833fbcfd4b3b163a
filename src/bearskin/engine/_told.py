"""What happened, taken into the book: orders, fills, funding, the account.

Words of a venue come in any order, twice, late or not at all. Three rules make that harmless. The status of an order
only moves forward. A fill is booked once, by its trade id. What is filled is believed from whoever says it first, so
that protection never waits; its money waits for the fill itself.
"""

from __future__ import annotations

from copy import copy
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from bearskin.engine._trade import ZERO, Trade, Working, WorkStatus
from bearskin.ledger import Holding
from bearskin.ledger import filled as holding_after
from bearskin.margin import deciding
from bearskin.terms import (
    AccountNow,
    Answered,
    AnyEvent,
    BalanceNow,
    Connected,
    Depth,
    Filled,
    Funded,
    Marked,
    OrderChanged,
    OrderNow,
    Pulse,
    Quoted,
    TradingChanged,
    our_id,
)

if TYPE_CHECKING:
    from bearskin.engine._book import Book

_RANK: Final[dict[WorkStatus, int]] = {
    "sent": 0, "unknown": 0, "absent": 1, "open": 2, "triggered": 3,
    "filled": 4, "canceled": 4, "expired": 4, "rejected": 4,
}  # fmt: skip
_STRAYS_KEPT: Final = 200
_JITTER_NS: Final = 100_000_000
_MINUTE_NS: Final = 60_000_000_000
_IN_FLIGHT_NS: Final = 15_000_000_000  # a request may still arrive so long after it was sent (recvWindow and a margin)


def told(book: Book, event: AnyEvent) -> bool:
    """Take in an event; whether the book is changed by it."""
    if isinstance(event, Quoted | Depth | Marked | Pulse):
        return False
    with deciding():
        match event:
            case Answered():
                _answered(book, event)
            case OrderChanged():
                found = _named(book, event.order)
                if found is not None:
                    _take(book, *found, event.order, event.wall_ns)
            case Filled():
                _filled(book, event)
            case Funded():
                _funded(book, event)
            case BalanceNow():
                _balance(book, event)
            case AccountNow():
                return _account(book, event)
            case Connected() if event.up and event.channel != "market":
                book.configured.clear()  # somebody may have changed it while nobody listened
            case TradingChanged():
                if event.status == "trading":
                    _opened(book, event)
                else:
                    book.trading[event.symbol] = event.status
            case _:
                return False
    return True


def _opened(book: Book, event: TradingChanged) -> None:
    if book.trading.pop(event.symbol, None) is not None:
        for trade in book.trades.values():
            if trade.symbol == event.symbol:
                trade.reopened_wall_ns = event.wall_ns


def _named(book: Book, now: OrderNow) -> tuple[Trade, Working] | None:
    # conditional orders are counted apart: their number says nothing of what became of one
    child_of = "" if now.conditional else book.children.get(now.venue_id, "")
    return book.order(now.client_id) or book.order(child_of)


# --- answers and orders ----------------------------------------------------------------------------------------------


def _answered(book: Book, event: Answered) -> None:
    if event.what in ("SetLeverage", "SetMarginMode"):
        asked = book.configuring.pop(event.symbol, None) if event.outcome != "unknown" else None
        if asked is not None and event.outcome == "accepted":
            book.configured[event.symbol] = asked
        return
    found = book.order(event.client_id)
    if found is None:
        return
    trade, order = found
    match event.what:
        case "Cancel":
            _cancel_answered(book, trade, order, event)
        case "Amend":
            _amend_answered(book, trade, order, event)
        case _:
            _placing_answered(book, trade, order, event)


def _placing_answered(book: Book, trade: Trade, order: Working, event: Answered) -> None:
    match event.outcome:
        case "accepted":
            if event.order is not None:
                _take(book, trade, order, event.order, event.wall_ns)
            else:
                _forward(order, "open", event.wall_ns)
        case "rejected":
            order.code, order.message = event.code or order.code, event.message or order.message
            _forward(order, "rejected", event.wall_ns)
        case "unknown":
            if order.status == "sent":
                order.status = "unknown"
                order.changed_wall_ns = event.wall_ns
        case "absent":
            # a venue that once had it and no longer knows it has ended it
            _forward(order, "canceled" if order.rested else "absent", event.wall_ns)


def _cancel_answered(book: Book, trade: Trade, order: Working, event: Answered) -> None:
    match event.outcome:
        case "accepted":
            order.cancel = ""
            if event.order is not None:
                _take(book, trade, order, event.order, event.wall_ns)
            elif order.status != "triggered":
                _forward(order, "canceled", event.wall_ns)
        case "unknown":
            order.cancel = "unknown" if order.live else ""
        case _:
            order.cancel = "refused" if order.live else ""
            order.code, order.message = event.code, event.message


def _amend_answered(book: Book, trade: Trade, order: Working, event: Answered) -> None:
    if event.outcome == "accepted":
        if order.amend is not None:
            order.qty, order.price = order.amend
        if event.order is not None:
            _take(book, trade, order, event.order, event.wall_ns)
    elif event.outcome in ("rejected", "absent"):
        order.code, order.message = event.code, event.message
    if event.outcome != "unknown":
        order.amend = None


def _take(book: Book, trade: Trade, order: Working, now: OrderNow, wall_ns: int) -> None:
    """Take in what the venue says of an order of ours, or of the order that it became."""
    # the order that a conditional one became may carry its name
    is_child = now.client_id != order.client_id or (order.conditional and not now.conditional)
    if is_child and now.venue_id:
        book.children[now.venue_id] = order.client_id
        _claim(book, now.venue_id)
    if now.child_id and not is_child:
        book.children[now.child_id] = order.client_id
        _claim(book, now.child_id)
    if order.amend is not None and (now.qty, now.price) == order.amend and not is_child:
        order.qty, order.price = order.amend
        order.amend = None
    if abs(now.filled) > abs(order.said) and now.filled * order.qty > 0:
        more, order.said, order.average = now.filled - order.said, now.filled, now.average
        _foresaid(trade, order, more)
        trade.moved_wall_ns = max(trade.moved_wall_ns, wall_ns)
        _revive(book, trade)
    status: WorkStatus = now.status
    if is_child and status == "open":
        status = "triggered"
    if status in ("rejected", "expired", "canceled") and _RANK[order.status] < 4:
        order.code = now.code or order.code
    _forward(order, status, wall_ns)


def _foresaid(trade: Trade, order: Working, more: Decimal) -> None:
    """The venue says of an order what its word on the position has said before: it is not open twice."""
    if trade.foretold and order.average is not None:
        order.assumed += _foretold(trade, order, more, order.average, 1 << 63)


def _forward(order: Working, status: WorkStatus, wall_ns: int) -> None:
    """Let the status of an order move on, never back."""
    if status in ("open", "triggered"):
        order.rested = True
    if _RANK[status] > _RANK[order.status] or order.status == "unknown":
        order.status = status
        order.changed_wall_ns = wall_ns
    if not order.live:
        order.cancel = ""
        order.amend = None
    order.missing_wall_ns = 0


# --- fills -----------------------------------------------------------------------------------------------------------


def _filled(book: Book, fill: Filled) -> None:
    if fill.why:
        trade = book.trade_in(fill.symbol, fill.leg) or book.trade_in(fill.symbol)
        name = f"{fill.symbol} {fill.trade_id}"  # numbers are a symbol's own
        if trade is None or trade.open_qty * fill.qty >= 0 or name in book.forced or fill.time_ns < trade.plan.time_ns:
            return
        book.forced[name] = None
        if len(book.forced) > _STRAYS_KEPT:
            del book.forced[next(iter(book.forced))]
        _book(book, trade, None, fill)
        return
    found = book.order(fill.client_id) or book.order(book.children.get(fill.venue_id, ""))
    if found is None:
        if our_id(fill.client_id) is None and book.trade_in(fill.symbol) is not None:
            book.strays[f"{fill.symbol} {fill.trade_id}"] = fill
            if len(book.strays) > _STRAYS_KEPT:
                del book.strays[next(iter(book.strays))]
        return
    _book(book, *found, fill)


def _claim(book: Book, venue_id: str) -> None:
    """Book the fills that came before we knew whose they are."""
    for fill in [stray for stray in book.strays.values() if stray.venue_id == venue_id]:
        del book.strays[f"{fill.symbol} {fill.trade_id}"]
        found = book.order(book.children[venue_id])
        if found is not None:
            _book(book, *found, fill)


def _book(book: Book, trade: Trade, order: Working | None, fill: Filled) -> None:
    if fill.trade_id in trade.fills:
        return
    trade.fills[fill.trade_id] = None
    if fill.fee_asset == book.account.asset:
        trade.fees += fill.fee
    elif fill.fee:
        trade.fees_other[fill.fee_asset] = trade.fees_other.get(fill.fee_asset, ZERO) + fill.fee
    qty = fill.qty
    if order is not None and order.assumed:
        # its value is booked at the average already: only what goes beyond is new
        known = min(abs(order.assumed), abs(qty)) * (1 if qty > 0 else -1)
        order.assumed -= known
        qty -= known
    qty -= _foretold(trade, order, qty, fill.price, fill.time_ns)
    if not qty:
        return
    if order is not None:
        order.filled += qty
        order.value += qty * fill.price
        if abs(order.filled) > abs(order.said):
            order.said = order.filled
        if order.conditional:
            _forward(order, "triggered", fill.wall_ns)
        if abs(order.said) >= abs(order.qty):
            _forward(order, "filled", fill.wall_ns)
    _move(trade, qty, fill.price, fill.time_ns, fill.wall_ns)
    if qty * trade.plan.qty < 0:
        trade.exit_reason = _FORCED.get(fill.why) or (order.role if order is not None else "")
    _revive(book, trade)


def _foretold(trade: Trade, order: Working | None, qty: Decimal, price: Decimal, time_ns: int) -> Decimal:
    """How much of a fill the venue's word on the position has booked before; its price is put right.

    That is certain for what happened before that word, for an entry at market that was out then, and for a close where
    nothing is open any more.
    """
    total = ZERO
    opens = qty * trade.plan.qty > 0
    kept: list[tuple[int, Decimal, Decimal]] = []
    for at_ns, known, known_price in trade.foretold:
        at_market = order is not None and order.price is None and order.issued_ns <= at_ns
        sure = at_market if opens else not trade.qty
        if known * qty <= 0 or not (sure or time_ns <= at_ns):
            kept.append((at_ns, known, known_price))
            continue
        left = qty - total
        part = left if abs(left) < abs(known) else known
        total += part
        _reprice(trade, part, known_price, price)
        if known != part:
            kept.append((at_ns, known - part, known_price))
    trade.foretold = kept
    if total and order is not None:
        order.filled += total
        order.value += total * price
        order.said = order.filled if abs(order.filled) > abs(order.said) else order.said
        if not opens:
            trade.exit_reason = order.role
        if order.conditional:
            order.rested = True
    return total


def _reprice(trade: Trade, qty: Decimal, before: Decimal, price: Decimal) -> None:
    """Let a part of what was bought or sold have cost another price."""
    more = qty * (price - before)
    if qty * trade.plan.qty > 0:
        trade.entered_value += more
        if abs(trade.qty) >= abs(qty):
            trade.cost += more
            return
    else:
        trade.exited_value += more
    trade.realised -= more


def _revive(book: Book, trade: Trade) -> None:
    """A fill of what was thought over: nobody wants this position any more."""
    if trade.number in book.done and trade.open_qty:
        book.trades[trade.number] = book.done.pop(trade.number)
        trade.phase, trade.leave_reason, trade.leave_to, trade.leave_price = "leaving", "emergency", ZERO, None


_FORCED: Final = {"liquidation": "liquidated", "adl": "adl", "settlement": "delisted"}


def _move(trade: Trade, qty: Decimal, price: Decimal, time_ns: int, wall_ns: int) -> None:
    """Let a fill change what is open, and the sums of both ends."""
    after, realised = holding_after(Holding(trade.qty, trade.cost), qty, price)
    trade.qty, trade.cost = after
    trade.realised += realised
    trade.moved_wall_ns = max(trade.moved_wall_ns, wall_ns)
    if qty * trade.plan.qty > 0:
        trade.entered_qty += qty
        trade.entered_value += qty * price
        if not trade.entered_ns or trade.entered_qty == qty:
            trade.entered_ns = time_ns
    else:
        trade.exited_qty += qty
        trade.exited_value += qty * price
    if trade.phase == "entering" and trade.qty:
        trade.phase = "open"


# --- money and the account -------------------------------------------------------------------------------------------


def _funded(book: Book, event: Funded) -> None:
    book.paid_ns[event.symbol] = max(event.time_ns, book.paid_ns.get(event.symbol, 0))
    trade = _funded_trade(book, event)
    if trade is None or event.asset != book.account.asset:
        return
    # told by a stream and by a question, or again after a restart: a settlement is known by the venue's stamp
    if all(abs(event.time_ns - known_ns) > _JITTER_NS for known_ns in trade.funded):
        trade.funded[event.time_ns] = None
        trade.funding += event.amount


def _funded_trade(book: Book, event: Funded) -> Trade | None:
    """Whose position it was: that trade may have ended since, and the next one begun."""
    now = book.trade_in(event.symbol)
    if now is not None and 0 < now.entered_ns <= event.time_ns:
        return now
    over = [t for t in reversed(book.done.values()) if t.symbol == event.symbol and 0 < t.entered_ns <= event.time_ns]
    paid = next((trade for trade in over if trade.ended_ns >= event.time_ns), now)
    # a settlement takes some seconds: who left just before it may have to pay
    return paid or next((trade for trade in over if trade.ended_ns >= event.time_ns - _MINUTE_NS), None)


def _balance(book: Book, event: BalanceNow) -> None:
    account = book.account
    if account.known and event.asset != account.asset:
        return
    account.asset = event.asset
    account.wallet = event.wallet
    account.known = True
    if event.available is not None:
        account.available = event.available


def _account(book: Book, event: AccountNow) -> bool:
    account = book.account
    book.began_ns = book.began_ns or event.time_ns
    before = (account.known, account.asset, account.wallet, account.available, account.dual, dict(account.positions))
    if "balance" not in event.failed:
        account.asset, account.wallet, account.available = event.asset, event.wallet, event.available
        account.known = True
    if "positions" not in event.failed:
        account.dual = event.dual
        kept = {key: now for key, now in account.positions.items() if f"positions:{key[0]}" in event.failed}
        kept.update(
            ((now.symbol, now.leg), replace(now, mark=None, unrealised=None, adl_quantile=None))
            for now in event.positions
            if now.qty
        )
        account.positions = kept
    changed = before != (
        account.known, account.asset, account.wallet, account.available, account.dual, account.positions,
    )  # fmt: skip
    if not changed:
        # 100 and 100.0 are the same, but not to the bytes of a book that never heard of the second
        account.known, account.asset, account.wallet, account.available, account.dual, account.positions = before
    if "orders" not in event.failed:
        numbers = book.next_trade
        strangers = {now.client_id or now.venue_id: now for now in event.orders if not _is_ours(book, now)}
        changed = changed or numbers != book.next_trade
        if strangers != book.foreign_orders:
            book.foreign_orders, changed = strangers, True
    return _orders_now(book, event) or changed


def _is_ours(book: Book, now: OrderNow) -> bool:
    """Whether an order has a name of ours; numbers that a lost journal gave are not given again."""
    ours = our_id(now.client_id)
    if ours is None or ours.tag != book.tag:
        return not now.conditional and now.venue_id in book.children
    book.next_trade = max(book.next_trade, ours.trade + 1)
    return True


def _orders_now(book: Book, event: AccountNow) -> bool:
    changed = False
    words = (len(book.children), len(book.strays))
    listed = {now.client_id: now for now in event.orders}
    for trade in [*book.trades.values(), *book.done.values()]:
        for order in list(trade.orders.values()):
            was = copy(order)
            now = listed.get(order.client_id)
            if now is not None:
                _take(book, trade, order, now, event.wall_ns)
            elif order.live and not {"orders", f"orders:{trade.symbol}"} & set(event.failed):
                _missing(order, event)
            if order.said != order.filled and trade.moved_wall_ns < event.asked_wall_ns:
                _assume(trade, order, event)
            changed = changed or was != order
    return changed or words != (len(book.children), len(book.strays))


def _missing(order: Working, event: AccountNow) -> None:
    """An order that the venue does not name is over once it was missing twice.

    Once may be chance: it may have been filled between the question for fills and the question for orders.
    """
    quiet_ns = _IN_FLIGHT_NS if order.status in ("sent", "unknown") and not order.rested else 0
    if max(order.changed_wall_ns, order.issued_wall_ns) + quiet_ns >= event.asked_wall_ns:
        return
    if not order.missing_wall_ns:
        order.missing_wall_ns = event.wall_ns
        if order.status != "sent":
            order.status = "unknown"
    elif event.asked_wall_ns > order.missing_wall_ns:
        if abs(order.said) >= abs(order.qty):
            order.status = "filled"
        else:
            order.status = "canceled" if order.rested else "absent"
        order.changed_wall_ns = event.wall_ns
        order.cancel, order.amend = "", None


def _assume(trade: Trade, order: Working, event: AccountNow) -> None:
    """Book what the venue said was filled and no fill has told of, at the average it named.

    The fills that were missed are sent before the account; what is still missing then may never come.
    """
    if order.average is None:
        return
    qty = order.said - order.filled
    # the average is over all of it: what is left over after the fills that came is the value of those that did not
    value = order.average * order.said - order.value
    order.filled, order.value, order.assumed = order.said, order.value + value, order.assumed + qty
    after, realised = _closing(trade, qty, value)
    trade.qty, trade.cost = after
    trade.realised += realised
    if qty * trade.plan.qty > 0:
        trade.entered_qty += qty
        trade.entered_value += value
        trade.entered_ns = trade.entered_ns or event.time_ns
        if trade.phase == "entering" and trade.qty:
            trade.phase = "open"
    else:
        trade.exited_qty += qty
        trade.exited_value += value
        trade.exit_reason = order.role


def _closing(trade: Trade, qty: Decimal, value: Decimal) -> tuple[Holding, Decimal]:
    """As `ledger.filled`, by value: an average price need not be a short number."""
    left = trade.qty + qty
    if not trade.qty or trade.qty * qty > 0:
        return Holding(left, trade.cost + value), ZERO
    if not left:
        return Holding(ZERO, ZERO), -value - trade.cost
    share, _ = holding_after(Holding(trade.qty, trade.cost), qty, ZERO)
    return share, -value - (trade.cost - share.cost)
