"""The account as the venue has it, compared with the book: its word counts, and what is not ours is left alone.

A difference is believed when it is seen twice: the fill that explains it may lie between two questions. Until then the
account is asked for again at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from bearskin.engine._desk import Desk
from bearskin.engine._liquidation import liquidation_prices
from bearskin.engine._notes import Adjusted, Foreign, Limited, Planned, Reconciled
from bearskin.engine._trade import ZERO, Trade
from bearskin.risk import approve_reducing
from bearskin.terms import (
    AccountNow,
    Adopt,
    Answered,
    Cancel,
    Filled,
    OrderChanged,
    OrderNow,
    Panic,
    PositionNow,
    Refused,
    Side,
    TradingChanged,
    iso,
    our_id,
)

_POSITION: Final = "position"  # begins what is said of a symbol with a position that is not ours
_TOLERANCE: Final = Decimal("0.001")  # of the venue's liquidation price


@dataclass(slots=True)
class Suspects:
    """Differences seen once: what the venue said, what we said, and when it was asked. Forgotten by a restart."""

    seen: dict[int, tuple[Decimal, Decimal, int]] = field(default_factory=dict)


def reconcile(desk: Desk, suspects: Suspects) -> None:
    """Answer what the event says of the account."""
    event = desk.event
    match event:
        case AccountNow():
            _compare(desk, event, suspects)
        case Filled() if event.why:
            _forced(desk, event)
        case Filled() if desk.book.order(event.client_id) is None and event.venue_id not in desk.book.children:
            desk.look = True  # somebody else trades here: the account tells what it is, and its symbol is barred
        case Answered():
            _answered(desk, event)
        case OrderChanged():
            _stranger_filled(desk, event.order)
        case TradingChanged():
            _trading(desk, event)
        case _:
            pass


# --- single events ---------------------------------------------------------------------------------------------------


def _forced(desk: Desk, fill: Filled) -> None:
    trade = desk.book.trade_in(fill.symbol, fill.leg) or desk.book.trade_in(fill.symbol)
    if trade is None:
        return
    word = {"liquidation": "liquidated", "adl": "adl", "settlement": "delisting"}[fill.why]
    left = f"{trade.open_qty:f} left" if trade.open_qty else "nothing left"
    desk.warn(word, fill.symbol, f"the venue closed {fill.qty:f} at {fill.price:f} ({fill.why}), {left}", "critical")
    desk.look = True


def _stranger_filled(desk: Desk, order: OrderNow) -> None:
    """Somebody else's order traded where we hold something: the venue's own, or the user's. Look at what is left."""
    if order.filled and desk.book.order(order.client_id) is None and order.venue_id not in desk.book.children:
        desk.look = desk.look or desk.book.trade_in(order.symbol) is not None


def _answered(desk: Desk, event: Answered) -> None:
    found = desk.book.order(event.client_id)
    if found is None or event.what not in ("Place", "PlaceStop"):
        desk.look = desk.look or (event.what == "Cancel" and event.outcome == "rejected" and found is not None)
        return
    order = found[1]
    why = event.message or event.code or "no reason given"
    if event.outcome == "rejected":
        desk.warn("rejected", event.symbol, f"{order.role} {order.qty:f} refused: {why}")
        # what only reduces is refused where less is open than we think
        desk.look = desk.look or order.role != "entry"
    elif event.outcome == "unknown":
        desk.warn("unknown", event.symbol, f"no answer to {order.role} {order.qty:f}: asking")


def _trading(desk: Desk, event: TradingChanged) -> None:
    if event.status == "trading":
        return
    until = f" at {iso(event.ends_ns)}" if event.ends_ns else ""
    kind = "halted" if event.status == "halted" else "delisting"
    detail = event.detail or "no new entries"
    # whoever reads it is told the kind before it
    said = detail if kind == event.status and not until else f"{event.status}{until}: {detail}"
    desk.warn(kind, event.symbol, said, "critical")
    if event.status == "delisting":
        for trade in desk.book.trades.values():
            if trade.symbol == event.symbol and not trade.leaving_at_market:
                desk.leave(trade, "delisted")


# --- the whole account -----------------------------------------------------------------------------------------------


def _compare(desk: Desk, event: AccountNow, suspects: Suspects) -> None:
    differences: list[str] = []
    theirs = {(now.symbol, now.leg): now for now in event.positions if now.qty}
    for trade in list(desk.book.trades.values()):
        now = theirs.pop((trade.symbol, trade.leg), None)
        if f"positions:{trade.symbol}" in event.failed or "positions" in event.failed:
            continue
        difference = _position(desk, event, trade, now, suspects)
        if difference:
            differences.append(difference)
        elif now is not None:
            _liquidation(desk, event, trade, now)
    for number in [number for number in suspects.seen if number not in desk.book.trades]:
        del suspects.seen[number]
    differences += _strangers(desk, event, list(theirs.values()))
    if differences:
        desk.note(Reconciled(time_ns=desk.time_ns, wall_ns=desk.wall_ns, differences=tuple(differences)))


def _position(desk: Desk, event: AccountNow, trade: Trade, now: PositionNow | None, suspects: Suspects) -> str:
    """Compare one position; what differs and was taken over, empty while nothing was."""
    ours = trade.open_qty
    theirs = now.qty if now is not None else ZERO
    if theirs * trade.plan.qty < 0:
        theirs = ZERO  # the other side is none of ours
    if theirs == ours or trade.moved_wall_ns >= event.asked_wall_ns:
        suspects.seen.pop(trade.number, None)
        return ""
    before = suspects.seen.get(trade.number)
    if before is None or before[:2] != (theirs, ours) or event.asked_wall_ns <= before[2]:
        suspects.seen[trade.number] = (theirs, ours, event.wall_ns)
        desk.look = True
        return ""
    del suspects.seen[trade.number]
    grew = abs(theirs) > abs(ours)
    why = "the position grew without a fill of ours" if grew else "it shrank without a fill of ours"
    entry = now.entry if now is not None else trade.plan.entry_ref
    price = entry if grew else (desk.mark(trade.symbol) or (now.mark if now is not None else None) or entry)
    desk.note(
        Adjusted(
            time_ns=desk.time_ns, wall_ns=desk.wall_ns, trade=trade.number, symbol=trade.symbol, ours=ours,
            theirs=theirs, why=why, price=price,
        )
    )  # fmt: skip
    return f"{trade.symbol}: {theirs:f} at the venue, {ours:f} by our fills"


def _liquidation(desk: Desk, event: AccountNow, trade: Trade, now: PositionNow) -> None:
    """Compare the liquidation price as we work it out with the venue's own; no new entries where they part."""
    prices = liquidation_prices(desk.market, event, now)
    theirs = now.liquidation_price
    if prices is None or theirs is None or theirs <= 0:
        return
    limit = f"liquidation-price {trade.symbol}"
    nearest = min(prices, key=lambda price: abs(price - theirs), default=None)
    agrees = nearest is not None and abs(nearest - theirs) <= theirs * _TOLERANCE
    if agrees == (limit not in desk.book.limits):
        return
    ours = "none" if nearest is None else f"{nearest:.8g}"
    detail = f"the venue liquidates at {theirs:f}, we reckon {ours}: no new entries until they agree"
    if not agrees:
        desk.warn("liquidation-price-differs", trade.symbol, detail, "critical")
    desk.note(
        Limited(
            time_ns=desk.time_ns, wall_ns=desk.wall_ns, limit=limit, active=not agrees,
            detail=detail if not agrees else "the liquidation prices agree again",
        )
    )  # fmt: skip


def _strangers(desk: Desk, event: AccountNow, positions: list[PositionNow]) -> list[str]:
    """Report what is not ours and bar its symbol, free what is clear again, sweep up what is left of ours."""
    found: dict[str, tuple[str, Decimal]] = {}
    for now in positions:
        if not _closed_meanwhile(desk, event, now):
            found[now.symbol] = (f"{_POSITION} {now.qty:f} at {now.entry:f}", now.qty)
    for order in event.orders:
        ours = our_id(order.client_id)
        mine = ours is not None and ours.tag == desk.book.tag
        if mine and desk.book.order(order.client_id) is None and order.symbol not in found:
            approved = approve_reducing(_cancel(order), open_qty=ZERO, why="nothing of this trade is open any more")
            if not isinstance(approved, Refused):
                desk.send(0, approved)
        elif not mine and not _is_attached(desk, order):
            detail, qty = found.get(order.symbol, ("", ZERO))
            told = f"order {order.client_id or order.venue_id} {order.qty:f}"
            found[order.symbol] = (f"{detail}, {told}" if detail else told, qty)
    news: list[str] = []
    for symbol, (detail, qty) in sorted(found.items()):
        if desk.book.foreign.get(symbol) != detail:
            _foreign(desk, symbol, detail, qty)
            desk.warn("foreign", symbol, f"not ours, left alone, no entries there: {detail}")
            news.append(f"{symbol}: not ours: {detail}")
    if not event.failed:
        for symbol in sorted(set(desk.book.foreign) - set(found)):
            _foreign(desk, symbol, "", ZERO)
    return news


def _foreign(desk: Desk, symbol: str, detail: str, qty: Decimal) -> None:
    desk.note(
        Foreign(
            time_ns=desk.time_ns, wall_ns=desk.wall_ns, symbol=symbol, blocked=bool(detail),
            detail=detail or "clear again", qty=qty,
        )
    )  # fmt: skip


def _closed_meanwhile(desk: Desk, event: AccountNow, now: PositionNow) -> bool:
    """Whether a trade of ours held this position when the question went out."""
    return any(
        trade.symbol == now.symbol and trade.leg == now.leg and trade.moved_wall_ns >= event.asked_wall_ns
        for trade in desk.book.done.values()
    )


def _is_attached(desk: Desk, order: OrderNow) -> bool:
    """Whether an order without a name of ours belongs to a position of ours: the venue made it of an attached stop."""
    trade = desk.book.trade_in(order.symbol)
    if order.client_id in desk.book.children or (not order.conditional and order.venue_id in desk.book.children):
        return True
    return trade is not None and order.conditional and order.reduce_only and desk.settings.attach_stops


def _cancel(order: OrderNow) -> Cancel:
    number = "" if order.client_id else order.venue_id  # what has no name is known by the venue's number alone
    return Cancel(symbol=order.symbol, client_id=order.client_id, conditional=order.conditional, venue_id=number)


# --- what is done with strangers -------------------------------------------------------------------------------------


def adopt(desk: Desk, act: Adopt, survives_frac: Decimal | None = None) -> str:
    """Take a foreign position in as ours; why not, empty when it is done.

    `survives_frac` is the adverse move that a hedge was proven to survive, None where nothing was.
    """
    now = next((each for each in desk.book.account.positions.values() if each.symbol == act.symbol), None)
    if now is None or not now.qty:
        return f"there is no position in {act.symbol}"
    if desk.book.trade_in(act.symbol) is not None:
        return f"the position in {act.symbol} is ours already"
    mark = desk.mark(act.symbol) or now.entry
    if act.purpose == "speculation":
        if act.stop is None:
            return "a speculation needs a stop"
        if (mark - act.stop) * now.qty <= 0:
            return f"the stop {act.stop:f} lies on the wrong side of the price {mark:f}"
    elif act.shock_frac is None or survives_frac is None:
        return "a hedge needs the adverse move it has to survive, and margin that proves it"
    elif survives_frac <= act.shock_frac:
        return f"the margin survives {100 * survives_frac:.1f} %, not the {100 * act.shock_frac:.1f} % that were named"
    hedge = act.purpose == "hedge"
    if hedge and act.stop is not None and abs(mark - act.stop) <= mark * (act.shock_frac or ZERO):
        return f"the stop {act.stop:f} would take the insurance away within the shock it is meant for"
    survives = act.shock_frac if hedge else None
    take_over(desk, now, purpose_is_hedge=hedge, stop=act.stop, survives=survives, by=act.act_id)
    return ""


def take_over(
    desk: Desk, now: PositionNow, *, purpose_is_hedge: bool, stop: Decimal | None, survives: Decimal | None, by: str
) -> Trade:
    """Make a trade of ours of a position that the venue shows."""
    number = desk.book.next_trade
    loss = abs(now.qty * (stop - now.entry)) if stop is not None else ZERO
    desk.note(
        Planned(
            time_ns=desk.time_ns, wall_ns=desk.wall_ns, trade=number, symbol=now.symbol,
            side=Side.SHORT if now.qty < 0 else Side.LONG, leg=now.leg,
            purpose="hedge" if purpose_is_hedge else "speculation", origin="adopted", qty=now.qty,
            entry_ref=now.entry, stop=stop, stop_by=desk.settings.stop_by, loss_at_stop=loss, survives_frac=survives,
            why="adopted by hand", act_id=by,
        )
    )  # fmt: skip
    return desk.book.trades[number]


def close_strangers(desk: Desk, act: Panic) -> int:
    """Cancel foreign orders and close foreign positions; how many positions."""
    for order in desk.book.foreign_orders.values():
        approved = approve_reducing(_cancel(order), open_qty=ZERO, why="panic, foreign orders too")
        if not isinstance(approved, Refused):
            desk.send(0, approved)
    count = 0
    for key, now in list(desk.book.account.positions.items()):
        # one that was ours may be closed since the account was told: only what was found to be somebody else's
        strange = desk.book.foreign.get(now.symbol, "").startswith(_POSITION)
        if strange and desk.book.trade_in(*key) is None and now.qty:
            trade = take_over(desk, now, purpose_is_hedge=False, stop=None, survives=None, by=act.act_id)
            desk.leave(trade, "panic", act_id=act.act_id)
            count += 1
    return count
