"""Targets as resting reduce-only limits: what the plan still wants, never more together than is open."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from bearskin.engine._desk import Desk
from bearskin.engine._pace import is_waiting, may_cancel, may_try
from bearskin.engine._trade import ZERO, Trade
from bearskin.terms import Cancel, Place, step_down

_TRIES: Final = 4


def rest(desk: Desk, trade: Trade) -> None:
    """Bring the targets of a trade to what they should be."""
    wanted = {} if _is_busy(trade) else _wanted(desk, trade)
    resting = trade.live("target")
    if not (wanted or resting):
        return
    missing = dict(wanted)
    for order in resting:
        if order.price is not None and wanted.get(order.price) == order.left and not order.cancel:
            missing.pop(order.price, None)
        else:
            missing.clear()  # its end comes first: together they must not be more than is open
            if may_cancel(order, desk.wall_ns) and not is_waiting(order, desk.wall_ns):
                desk.reduce(trade, Cancel(symbol=trade.symbol, client_id=order.client_id), "the target has changed")
    if trade.live("target") and not missing:
        return
    for price, qty in missing.items():
        _place(desk, trade, price, qty)


def _is_busy(trade: Trade) -> bool:
    """Whether no target should rest: nothing is open, it is still being entered, or it is being closed."""
    return not trade.open_qty or bool(trade.live("entry")) or trade.leaving or trade.surplus != 0


def _wanted(desk: Desk, trade: Trade) -> dict[Decimal, Decimal]:
    """Price and signed quantity of each target, the nearer ones first served when less is open than planned."""
    plan = trade.plan
    if not plan.target_qtys:
        return {}
    step = desk.step_of(trade.symbol)
    left = abs(trade.open_qty)
    entered = max(abs(trade.entered_qty), left)
    wanted: dict[Decimal, Decimal] = {}
    planned = abs(plan.qty)
    for nth, (price, qty) in enumerate(zip(trade.targets, plan.target_qtys, strict=False)):
        share = abs(qty)
        if entered < planned:
            # a part fill shares itself out as the plan does; what rounding leaves goes with the last
            is_last = nth == len(plan.target_qtys) - 1 and sum(map(abs, plan.target_qtys), ZERO) == planned
            share = left if is_last else step_down(share * entered / planned, step)
        size = min(max(share - trade.taken_at(nth), ZERO), left)
        if size > 0:
            wanted[price] = -size if plan.qty > 0 else size
            left -= size
    return wanted


def _place(desk: Desk, trade: Trade, price: Decimal, qty: Decimal) -> None:
    failed = [
        order
        for order in trade.orders.values()
        if order.role == "target" and order.price == price and order.status in ("rejected", "absent")
    ]
    if len(failed) >= _TRIES or not may_try(failed, desk.wall_ns):
        return
    desk.reduce(
        trade,
        Place(
            symbol=trade.symbol,
            client_id=desk.next_id(trade, "target"),
            role="target",
            qty=qty,
            price=price,
            leg=trade.leg,
            reduce_only=trade.leg == "BOTH",
        ),
        f"target at {price:f}",
    )
