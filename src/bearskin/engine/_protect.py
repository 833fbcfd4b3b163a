"""The stop-first law, as convergence: what should rest at the venue is compared with what does, after every event.

Nothing is remembered of why a stop is missing. Whatever happened (a lost answer, a fill, a restart, a hand at the
venue), what is missing is placed, what is too much is cancelled once the right one is confirmed, and what cannot be
protected is closed.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from bearskin.engine._desk import Desk
from bearskin.engine._notes import Protection, StopMoved
from bearskin.engine._pace import (
    SECOND_NS,
    came_to_naught,
    is_waiting,
    may_cancel,
    may_try,
    passed_ns,
    would_trigger,
)
from bearskin.engine._trade import ZERO, Trade, Working
from bearskin.terms import Cancel, PlaceStop, Role

FAILED: Final = ("rejected", "absent", "unknown", "canceled", "expired", "sent")  # sent: and no answer in time
FAILING: Final = 2  # so many closes in vain
AGAIN_NS: Final = 30 * SECOND_NS  # so often is it said again that something open has no stop


def protect(desk: Desk, trade: Trade) -> None:
    """Bring the stops of a trade to what they should be, tell how it stands, close what cannot be protected."""
    _answer_fired(desk, trade)
    _keep_stop(desk, trade)
    _drop_surplus(desk, trade)
    _tell(desk, trade)


def role_of(trade: Trade) -> Role:
    """What the stop of a trade is for: a hedge has at most one against disaster."""
    return "disaster" if trade.plan.purpose == "hedge" else "stop"


def stop_reason(trade: Trade) -> str:
    """In a word, why the stop was where it was."""
    return "trail" if trade.stop_why.startswith("trail") else "stop"


def covered_qty(desk: Desk, trade: Trade) -> Decimal:
    """How much of the position the venue has confirmed stops for, not signed.

    A stop that the venue keeps with the position itself covers all of it.
    """
    open_qty = trade.open_qty
    now = desk.book.account.positions.get((trade.symbol, trade.leg))
    if now is not None and now.stop is not None and now.qty * open_qty > 0:
        return abs(open_qty)
    confirmed = (order for order in trade.stops() if order.confirmed and order.left * open_qty < 0)
    return sum((abs(order.left) for order in confirmed), ZERO)


def _answer_fired(desk: Desk, trade: Trade) -> None:
    """A stop went off: the whole trade is to be closed, whatever becomes of that order."""
    if trade.leaving_at_market:
        return
    if trade.open_qty and any(order.fired for order in trade.stops()):
        desk.leave(trade, stop_reason(trade))


def _keep_stop(desk: Desk, trade: Trade) -> None:
    """Place the stop that is missing: by quantity, for the whole position, at the trigger wanted now.

    A position larger than the venue's largest order has a stop for each part of it.
    """
    wanted = -trade.open_qty
    if not wanted or trade.stop is None or _is_out_of_our_hands(desk, trade):
        return
    stops = trade.stops()
    at_price = [order for order in stops if order.stop_price == trade.stop]
    parts = desk.parts_of(trade.symbol, wanted)
    missing, _ = _matched(parts, [order for order in at_price if order.confirmed])
    if not missing:
        return
    if any(would_trigger(order) and order.left in missing for order in at_price):
        if trade.leaving_at_market:
            return
        desk.warn(
            "emergency", trade.symbol, f"the price is beyond the stop {trade.stop:f}: closing at market", "critical"
        )
        desk.leave(trade, stop_reason(trade))
        return
    if any(is_waiting(order, desk.wall_ns) for order in stops):
        return
    failed = [o for o in at_price if o.qty in missing and o.status in FAILED and not o.cancels]
    rounds = failed[:: -len(parts)][::-1]  # parts that failed together are one attempt
    if _old_one_stays(desk, trade, failed) or not may_try(rounds, desk.wall_ns, trade.reopened_wall_ns):
        return
    share = "all" if len(parts) == 1 else f"a part ({len(parts)} orders)"
    for qty in missing:
        desk.reduce(
            trade,
            PlaceStop(
                symbol=trade.symbol,
                client_id=desk.next_id(trade, role_of(trade)),
                role=role_of(trade),
                qty=qty,
                trigger=trade.stop,
                by=trade.plan.stop_by,
                leg=trade.leg,
            ),
            f"a stop for {share} of {trade.open_qty:f}",
        )


def _matched(parts: list[Decimal], stops: list[Working]) -> tuple[list[Decimal], list[Working]]:
    """The parts that none of these stops holds, and the stops that hold one each: those not being cancelled first."""
    missing, held = list(parts), []
    for order in sorted(stops, key=lambda stop: bool(stop.cancel)):
        if order.left in missing:
            missing.remove(order.left)
            held.append(order)
    return missing, held


def _is_out_of_our_hands(desk: Desk, trade: Trade) -> bool:
    """Whether no stop is to be placed: it is being closed at market, or the venue keeps the right stop itself.

    A close that the venue refuses or does not answer may take long: then a stop is worth having all the same.
    """
    if trade.leaving_at_market:
        failed = [
            order
            for order in trade.orders.values()
            if order.role == "exit" and order.price is None and came_to_naught(order)
        ]
        return len(failed) < FAILING
    now = desk.book.account.positions.get((trade.symbol, trade.leg))
    return now is not None and now.stop is not None and now.stop == trade.stop and now.qty == trade.open_qty


def _old_one_stays(desk: Desk, trade: Trade, failed: list[Working]) -> bool:
    """Whether a refused new trigger gives way to the old one, where a stop still rests for the whole position."""
    refused = [order for order in failed if order.status == "rejected"]
    resting: dict[Decimal, Decimal] = {}
    for order in trade.stops():
        if order.confirmed and order.stop_price is not None:
            resting[order.stop_price] = resting.get(order.stop_price, ZERO) + abs(order.left)
    old = next((price for price, qty in resting.items() if qty >= abs(trade.open_qty)), None)
    if not refused or old is None or old == trade.stop:
        return False
    last = max(refused, key=lambda order: order.changed_wall_ns)
    why = f"the venue refused {trade.stop:f}: {last.message or last.code or 'no reason given'}"
    desk.note(
        StopMoved(
            time_ns=desk.time_ns,
            wall_ns=desk.wall_ns,
            trade=trade.number,
            symbol=trade.symbol,
            old=trade.stop,
            new=old,
            why=why,
        )
    )
    desk.warn("rejected", trade.symbol, f"the stop stays at {old:f}: {why}")
    return True


def _drop_surplus(desk: Desk, trade: Trade) -> None:
    """Cancel every other stop once the right one, or one for each part, is confirmed."""
    wanted = -trade.open_qty
    if not wanted:
        return
    right = [order for order in trade.stops() if order.confirmed and order.stop_price == trade.stop]
    missing, kept = _matched(desk.parts_of(trade.symbol, wanted), right)
    if missing:
        return
    why = f"{kept[0].client_id} covers the position" if len(kept) == 1 else f"{len(kept)} stops cover the position"
    for order in trade.stops():
        if all(order is not keep for keep in kept) and may_cancel(order, desk.wall_ns):
            desk.reduce(trade, Cancel(symbol=trade.symbol, client_id=order.client_id, conditional=True), why)


def _tell(desk: Desk, trade: Trade) -> None:
    """Say when protection begins and ends, warn, and close what stays without."""
    if trade.plan.purpose == "hedge":
        return
    open_qty = trade.open_qty
    covered = covered_qty(desk, trade)
    naked = covered < abs(open_qty)
    since = trade.unprotected_since_wall_ns
    if naked and since is None:
        began = _gap_began_wall_ns(desk, trade)
        _note(desk, trade, protected=False, covered=covered, since_wall_ns=began)
    elif not naked and (since is not None or trade.protected != (open_qty != 0)):
        seconds = max(0.0, (desk.wall_ns - since) / SECOND_NS) if since is not None else 0.0
        _note(desk, trade, protected=open_qty != 0, covered=covered, unprotected_s=seconds)
    if not naked or trade.unprotected_since_wall_ns is None:
        return
    seconds = max(0.0, (desk.wall_ns - trade.unprotected_since_wall_ns) / SECOND_NS)
    limit_s = desk.settings.unprotected_max_s
    # the limit counts from when we knew and were awake: a stop that takes one answer is better than a close
    waking_ns = desk.wall_ns - desk.awake_wall_ns
    known_s = min(passed_ns(desk.wall_ns, trade.noticed_wall_ns), waking_ns) / SECOND_NS
    if known_s > limit_s and not trade.leaving_at_market:
        text = f"{abs(open_qty) - covered:f} of {open_qty:f} without a stop for {seconds:.1f} s: closing at market"
        desk.warn("emergency", trade.symbol, text, "critical")
        desk.leave(trade, "emergency")
    elif seconds > limit_s / 2 and not trade.alarm:
        text = f"{abs(open_qty) - covered:f} of {open_qty:f} without a stop for {seconds:.1f} s"
        desk.warn("unprotected", trade.symbol, text, "critical")
    elif known_s > limit_s and passed_ns(desk.wall_ns, trade.alarm_wall_ns) >= AGAIN_NS:
        text = f"{abs(open_qty) - covered:f} of {open_qty:f} still without a stop after {seconds:.0f} s, not closed yet"
        desk.warn("unprotected", trade.symbol, text, "critical")


def _gap_began_wall_ns(desk: Desk, trade: Trade) -> int:
    """From when on part of the position may have been open without a stop."""
    if not trade.protected and not trade.unprotected_s_max:
        entries = [order for order in trade.orders.values() if order.role == "entry" and order.price is None]
        if entries:
            return min(order.issued_wall_ns for order in entries)
    return desk.wall_ns


def _note(
    desk: Desk, trade: Trade, *, protected: bool, covered: Decimal, unprotected_s: float = 0.0, since_wall_ns: int = 0
) -> None:
    desk.note(
        Protection(
            time_ns=desk.time_ns,
            wall_ns=desk.wall_ns,
            trade=trade.number,
            symbol=trade.symbol,
            protected=protected,
            open_qty=trade.open_qty,
            covered_qty=covered,
            unprotected_s=unprotected_s,
            since_wall_ns=since_wall_ns,
        )
    )
