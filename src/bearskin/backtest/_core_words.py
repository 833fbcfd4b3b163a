"""The demo exchange's core in our words: what it answers, as the engine is told it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from bearskin.exchange import words
from bearskin.terms import (
    AnyEvent,
    BalanceNow,
    Filled,
    Funded,
    OrderChanged,
    OrderNow,
    OrderStatus,
)

ZERO = Decimal(0)
ORDERS: Mapping[str, OrderStatus] = {
    "NEW": "open", "PARTIALLY_FILLED": "open", "FILLED": "filled", "CANCELED": "canceled", "REJECTED": "rejected",
    "EXPIRED": "expired", "EXPIRED_IN_MATCH": "expired",
}  # fmt: skip
ALGOS: Mapping[str, OrderStatus] = {
    "NEW": "open", "TRIGGERED": "triggered", "CANCELED": "canceled", "EXPIRED": "expired", "REJECTED": "rejected",
}  # fmt: skip
FORCED = {"LIQUIDATION": "liquidation", "ADL": "adl"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What a tick and a step of a listed contract are worth."""

    tick: Decimal
    step: Decimal


def order_now(order: Any, units: Units) -> OrderNow:
    """An order of the core as it is now."""
    filled = order.side * order.filled_steps * units.step
    return OrderNow(
        symbol=order.symbol,
        client_id=order.client_id,
        venue_id=str(order.id),
        status=ORDERS[order.status],
        qty=order.side * order.qty_steps * units.step,
        filled=filled,
        average=order.quote / abs(filled) if filled else None,
        price=order.price_ticks * units.tick if order.price_ticks else None,
        reduce_only=order.reduce_only,
        leg=order.position_side,
    )


def algo_now(algo: Any) -> OrderNow:
    """A conditional order of the core as it is now."""
    return OrderNow(
        symbol=algo.symbol,
        client_id=algo.client_id,
        venue_id=f"a{algo.id}",
        status=ALGOS[algo.status],
        qty=algo.side * (algo.qty or ZERO),
        trigger=algo.trigger_price,
        conditional=True,
        reduce_only=algo.reduce_only,
        leg=algo.position_side,
        child_id=str(algo.order_id) if algo.order_id else "",
        code=algo.reject_reason,
    )


def told(
    events: Iterable[Any], account: int, units: Mapping[str, Units], reserved: Decimal, time_ns: int
) -> list[AnyEvent]:
    """What the account hears of the core's events, at `time_ns`; `reserved` is the margin of its resting orders.

    The fee of a liquidation is told with its last fill, as the part of it that it is.
    """
    out: list[AnyEvent] = []
    at: dict[str, Any] = {"time_ns": time_ns, "wall_ns": time_ns}
    forced = -1
    for event in events:
        if isinstance(event, words.OrderUpdated) and event.order.account == account:
            if event.fill is not None:
                if event.order.origin in FORCED:
                    forced = len(out)
                out.append(_filled(event, at))
            out.append(OrderChanged(order=order_now(event.order, units[event.order.symbol]), **at))
        elif isinstance(event, words.AlgoUpdated) and event.algo.account == account:
            if event.algo.status in ALGOS:
                out.append(OrderChanged(order=algo_now(event.algo), **at))
        elif isinstance(event, words.Income) and event.account == account:
            if event.type == "FUNDING_FEE":
                out.append(Funded(symbol=event.symbol, amount=event.amount, asset=event.asset, **at))
            elif event.type == "INSURANCE_CLEAR" and event.amount < 0 and forced >= 0:
                last = out[forced]
                assert isinstance(last, Filled)
                out[forced] = msgspec.structs.replace(last, fee=last.fee - event.amount)
        elif isinstance(event, words.AccountUpdated) and event.account == account:
            out += [
                BalanceNow(asset=now.asset, wallet=now.wallet, available=now.cross_wallet - reserved, **at)
                for now in event.balances
            ]
    return out


def _filled(event: Any, at: Mapping[str, Any]) -> Filled:
    order, fill = event.order, event.fill
    return Filled(
        symbol=order.symbol,
        client_id=order.client_id,
        venue_id=str(order.id),
        trade_id=str(fill.trade_id),
        qty=order.side * fill.qty,
        price=fill.price,
        fee=fill.fee,
        realised=fill.realised,
        maker=fill.maker,
        leg=order.position_side,
        why=FORCED.get(order.origin, ""),  # type: ignore[arg-type]
        **at,
    )
