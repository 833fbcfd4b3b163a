"""Leaving, as convergence: what must not fill any more is cancelled, then the rest goes at market, then the stop.

The stop rests until nothing is open. A close that was refused or lost is sent again under a new name: of all of it
twice does no harm, since it only reduces. Of a part, twice would close more than was asked: there the fate of what went
out comes first, however long the venue takes to tell. A trade has ended when nothing of it is open and nothing rests.
"""

from __future__ import annotations

from decimal import Decimal

from bearskin.engine._account import close_strangers
from bearskin.engine._desk import Desk
from bearskin.engine._notes import Corrected, Done, Ended, ModeSet
from bearskin.engine._pace import PATIENCE_NS, came_to_naught, is_waiting, may_cancel, may_try, passed_ns
from bearskin.engine._protect import stop_reason
from bearskin.engine._trade import LIVE, ZERO, Trade, Working
from bearskin.terms import QUOTE, Cancel, Panic, Place


def leave(desk: Desk, trade: Trade) -> None:
    """Carry a closing (of all or a part) on by what it needs next."""
    give_up_entry(desk, trade)
    if desk.book.panicked and not trade.leaving_at_market:
        desk.leave(trade, "panic")
    surplus = trade.surplus
    if not surplus and not trade.leaving:
        _cancel_all(desk, trade, trade.live("exit"), "nothing more is to be closed")
        return
    _cancel_all(desk, trade, trade.live("entry", "target"), "leaving")
    if not surplus:
        return
    in_flight = _exits(desk, trade, surplus)
    if in_flight or _is_clearing(desk, trade) or _is_stop_at_work(desk, trade):
        return
    failed = [
        o for o in trade.orders.values() if o.role == "exit" and o.price == trade.leave_price and came_to_naught(o)
    ]
    # a limit order may be larger than one at market
    parts = desk.parts_of(trade.symbol, surplus) if trade.leave_price is None else [surplus]
    rounds = failed[:: -len(parts)][::-1]  # parts that failed together are one attempt
    if not may_try(rounds, desk.wall_ns, trade.reopened_wall_ns):
        return
    if any(order.status == "rejected" for order in failed):
        desk.look = True
    for qty in parts:
        desk.reduce(
            trade,
            Place(
                symbol=trade.symbol,
                client_id=desk.next_id(trade, "exit"),
                role="exit",
                qty=qty,
                price=trade.leave_price,
                leg=trade.leg,
                reduce_only=trade.leg == "BOTH",
            ),
            trade.leave_reason or "closing a part",
        )


def give_up_entry(desk: Desk, trade: Trade) -> None:
    """Cancel what rests of an entry whose time is over."""
    until_ns = trade.plan.entry_until_ns
    if until_ns and desk.time_ns >= until_ns:
        _cancel_all(desk, trade, trade.live("entry"), "its time is over")


def end(desk: Desk, trade: Trade) -> None:
    """Cancel what still rests of a trade without a position, and write its end down when nothing does."""
    if trade.open_qty or not _is_over(trade):
        return
    _cancel_all(desk, trade, [order for order in trade.orders.values() if order.live], "nothing is open")
    if any(order.live for order in trade.orders.values()):
        return
    if not trade.settled:
        desk.look = True  # the money of some fill is still unknown
        return
    desk.note(_ended(desk, trade))


def sweep(desk: Desk) -> None:
    """Take in what has come to light after a trade had ended: its money is told anew, its orders are cancelled.

    A stop is left where a stranger's position may rest on it.
    """
    for trade in desk.book.done.values():
        if trade.net != trade.ended_net:
            _correct(desk, trade)
        late = [order for order in trade.orders.values() if order.status in LIVE]
        if late:
            stranger = trade.symbol in desk.book.foreign
            late = [order for order in late if not (stranger and order.conditional)]
            _cancel_all(desk, trade, late, "its trade is over")


def _correct(desk: Desk, trade: Trade) -> None:
    desk.note(
        Corrected(
            time_ns=desk.time_ns,
            wall_ns=desk.wall_ns,
            trade=trade.number,
            symbol=trade.symbol,
            gross=trade.realised,
            fees=trade.fees,
            funding=trade.funding,
            net=trade.net,
            r=_r(trade),
        )
    )


def _r(trade: Trade) -> float | None:
    return float(trade.net / trade.plan.loss_at_stop) if trade.plan.loss_at_stop and trade.entered_qty else None


def panic(desk: Desk, act: Panic) -> None:
    """Close all of ours, and with `foreign` what is not, and stay closed until resumed."""
    desk.note(
        ModeSet(
            time_ns=desk.time_ns, wall_ns=desk.wall_ns, paused=desk.book.paused, panicked=True, sides=desk.book.sides,
            why=f"panic by {act.by}",
        )
    )  # fmt: skip
    for trade in list(desk.book.trades.values()):
        desk.leave(trade, "panic", act_id=act.act_id)
    closing = len(desk.book.trades)
    strangers = close_strangers(desk, act) if act.foreign else 0
    detail = f"closing {closing} {'position' if closing == 1 else 'positions'} of ours"
    if strangers:
        detail += f", {strangers} not ours"
    elif desk.book.foreign:
        detail += f"; not ours and left alone (ask for foreign ones too): {', '.join(sorted(desk.book.foreign))}"
    desk.note(Done(time_ns=desk.time_ns, wall_ns=desk.wall_ns, act_id=act.act_id, detail=detail))


def _cancel_all(desk: Desk, trade: Trade, orders: list[Working], why: str) -> None:
    for order in orders:
        if may_cancel(order, desk.wall_ns):
            cancel = Cancel(symbol=trade.symbol, client_id=order.client_id, conditional=order.conditional)
            desk.reduce(trade, cancel, why)


def _exits(desk: Desk, trade: Trade, surplus: Decimal) -> bool:
    """Whether a close of the right kind is at work; others are cancelled. One of a part is until its fate is known."""
    at_work = False
    for order in trade.live("exit"):
        at_work = at_work or not trade.leaving
        if order.price != trade.leave_price or (order.price is not None and order.left != surplus):
            _cancel_all(desk, trade, [order], "the close has changed")
            # a wrong one may still fill: its end comes first
            at_work = at_work or passed_ns(desk.wall_ns, order.cancel_wall_ns or desk.wall_ns) < PATIENCE_NS
        elif order.price is not None:
            at_work = at_work or order.status == "open" or is_waiting(order, desk.wall_ns)
        else:
            late = passed_ns(desk.wall_ns, order.changed_wall_ns) >= PATIENCE_NS
            at_work = at_work or (order.status != "unknown" and not late)
    return at_work


def _is_clearing(desk: Desk, trade: Trade) -> bool:
    """Whether entry or targets are still ending: a close would be refused, or too small. A second is all they get,
    unless a part is to stay open.
    """
    # a cancellation is repeated after a second at the earliest, so the first of several is older than that
    return any(
        not trade.leaving
        or not order.cancels
        or (order.cancels == 1 and passed_ns(desk.wall_ns, order.cancel_wall_ns) < PATIENCE_NS)
        for order in trade.live("entry", "target")
    )


def _is_stop_at_work(desk: Desk, trade: Trade) -> bool:
    """Whether a stop that went off may still close it by itself."""
    return any(
        order.status == "triggered" and passed_ns(desk.wall_ns, order.changed_wall_ns) < PATIENCE_NS
        for order in trade.stops()
    )


def _is_over(trade: Trade) -> bool:
    """Whether a trade without a position has run its course; its entry goes out with the plan, or never."""
    return trade.leaving or bool(trade.exited_qty or trade.entered_qty) or not trade.live("entry")


def _ended(desk: Desk, trade: Trade) -> Ended:
    plan = trade.plan
    entered = trade.entered_qty
    return Ended(
        time_ns=desk.time_ns,
        wall_ns=desk.wall_ns,
        trade=trade.number,
        symbol=trade.symbol,
        side=plan.side,
        origin=plan.origin,
        reason=_reason(trade),
        qty=entered,
        entry=QUOTE.divide(trade.entered_value, entered) if entered else None,
        exit=QUOTE.divide(trade.exited_value, trade.exited_qty) if trade.exited_qty else None,
        entered_ns=trade.entered_ns,
        gross=trade.realised,
        fees=trade.fees,
        funding=trade.funding,
        net=trade.net,
        r=_r(trade),
        unprotected_s_max=trade.unprotected_s_max,
        slippage_entry=trade.entered_value - plan.entry_ref * entered if plan.origin != "adopted" else ZERO,
        slippage_exit=_slippage_exit(trade),
        fees_other=trade.fees_other,
    )


def _reason(trade: Trade) -> str:
    if not trade.entered_qty:
        return "unfilled"
    if trade.exit_reason in ("liquidated", "adl", "delisted"):
        return trade.exit_reason
    if trade.leave_reason:
        return trade.leave_reason
    return stop_reason(trade) if trade.exit_reason in ("stop", "disaster") else trade.exit_reason


def _slippage_exit(trade: Trade) -> Decimal:
    """What the fills of stops, and of the close that finished them, cost beyond the trigger."""
    total = ZERO
    for order in trade.orders.values():
        trigger = order.stop_price
        if order.role == "exit" and trade.leave_reason in ("stop", "trail"):
            trigger = trade.stop
        if trigger is not None and order.filled:
            total += order.value - trigger * order.filled
    return total
