"""What a record says, as rows of tables: the projection of the journal, one record at a time and without memory.

A row names its key and what became known; rows that come later complete or replace what earlier ones said of the same
key (`journal` tells how). Prices that change all the time (quotes, marks) leave no rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from bearskin.engine._notes import (
    Adjusted,
    AnyNote,
    Corrected,
    Declined,
    Done,
    Ended,
    Equity,
    Foreign,
    Issued,
    Leaving,
    Limited,
    ModeSet,
    Planned,
    Protection,
    Reconciled,
    Record,
    Regimed,
    Signalled,
    StopMoved,
    TargetMoved,
    Warned,
)
from bearskin.engine._said import said
from bearskin.terms import (
    AccountNow,
    Act,
    Amend,
    Answered,
    BalanceNow,
    BarClosed,
    Cancel,
    Connected,
    Filled,
    Funded,
    OrderChanged,
    OrderNow,
    OurId,
    Place,
    PlaceStop,
    Remark,
    Skewed,
    Throttled,
    TradingChanged,
    our_id,
)

Row = tuple[str, dict[str, Any]]


def rows_of(sequence: int, record: Record, tag: str | None = None) -> list[Row]:
    """The rows that `record`, the `sequence`-th of its journal, gives: (table, columns without the run).

    With `tag` only orders and fills of the bot of that tag are ours; without it every bot's are.
    """
    event = record.event
    rows: list[Row] = []
    if isinstance(event, Act):
        rows.append(_asked(event))
    else:
        teller = _EVENTS.get(type(event))
        if teller is not None:
            rows.extend(teller(sequence, event, tag))
    for nth, note in enumerate(record.notes):
        key = {"sequence": sequence, "nth": nth, "time_ns": note.time_ns, "wall_ns": note.wall_ns}
        rows.extend(_NOTES[type(note)](key, note))
        told = said(note)
        if told:
            trade = getattr(note, "trade", None) or None
            symbol = note.command.symbol if isinstance(note, Issued) else getattr(note, "symbol", "")
            rows.append(("decisions", {**key, "what": _tag(note), "symbol": symbol, "trade": trade, "text": told}))
        if isinstance(note, Done) and isinstance(event, Remark) and note.trade and not note.refused:
            rows.append(("trades", {"trade": note.trade, "thesis": event.text}))
    return rows


def _ours(client_id: str, tag: str | None) -> OurId | None:
    found = our_id(client_id)
    return found if found is not None and (tag is None or found.tag == tag) else None


def _tag(word: object) -> str:
    return type(word).__name__


def _stamp(sequence: int, event: Any) -> dict[str, Any]:
    return {"sequence": sequence, "time_ns": event.time_ns, "wall_ns": event.wall_ns}


# --- what happened ---------------------------------------------------------------------------------------------------


def _asked(act: Act) -> Row:
    asked = msgspec.to_builtins(act)
    columns = {
        "act_id": act.act_id,
        "time_ns": act.time_ns,
        "wall_ns": act.wall_ns,
        "what": _tag(act),
        "by": act.by,
        "symbol": getattr(act, "symbol", ""),
        "asked": {name: value for name, value in asked.items() if name not in ("time_ns", "wall_ns", "act_id", "is")},
    }
    return "acts", columns


def _bar(_: int, event: BarClosed, __: str | None) -> Iterator[Row]:
    columns = {
        "symbol": event.symbol,
        "time_ns": event.time_ns,
        "wall_ns": event.wall_ns,
        "close_price": event.close,
    }
    if event.mark_close is not None:
        columns["mark_price"] = event.mark_close
    yield "prices", columns


def _answer(sequence: int, event: Answered, tag: str | None) -> Iterator[Row]:
    words = {name: getattr(event, name) for name in ("symbol", "client_id", "what", "outcome", "code", "message")}
    yield "answers", {**_stamp(sequence, event), **words}
    if event.order is not None:
        yield from _order(event.order, event.time_ns, tag)
    elif event.what in ("Place", "PlaceStop") and _ours(event.client_id, tag) is not None:
        columns = {
            "client_id": event.client_id,
            "changed_ns": event.time_ns,
            "status": "open" if event.outcome == "accepted" else event.outcome,
            "code": event.code,
            "message": event.message,
        }
        yield "orders", columns


def _order(order: OrderNow, time_ns: int, tag: str | None) -> Iterator[Row]:
    """What the venue says of an order of ours."""
    if _ours(order.client_id, tag) is None:
        return
    columns: dict[str, Any] = {
        "client_id": order.client_id,
        "changed_ns": time_ns,
        "status": order.status,
        "filled_qty": order.filled,
    }
    told = {
        "average_price": order.average,
        "venue_id": order.venue_id,
        "child_id": order.child_id,
        "code": order.code,
    }
    columns |= {name: value for name, value in told.items() if value}
    yield "orders", columns


def _order_changed(_: int, event: OrderChanged, tag: str | None) -> Iterator[Row]:
    yield from _order(event.order, event.time_ns, tag)


def _filled(sequence: int, event: Filled, tag: str | None) -> Iterator[Row]:
    ours = _ours(event.client_id, tag)
    columns = {
        **_stamp(sequence, event),
        "symbol": event.symbol,
        "trade_id": event.trade_id or f"record-{sequence}",
        "trade": ours.trade if ours else None,
        "role": ours.role if ours else None,
        "ours": ours is not None,
        "client_id": event.client_id,
        "venue_id": event.venue_id,
        "leg": event.leg,
        "why": event.why,
        "qty": event.qty,
        "price": event.price,
        "fee": event.fee,
        "fee_asset": event.fee_asset,
        "realised": event.realised,
        "maker": event.maker,
    }
    yield "fills", columns


def _funded(sequence: int, event: Funded, _: str | None) -> Iterator[Row]:
    columns = {"symbol": event.symbol, "asset": event.asset, "amount": event.amount}
    yield "funding", {**_stamp(sequence, event), **columns}


def _balance(sequence: int, event: BalanceNow | AccountNow, _: str | None) -> Iterator[Row]:
    columns = {"asset": event.asset, "told_by": _tag(event), "wallet": event.wallet, "available": event.available}
    yield "balances", {**_stamp(sequence, event), **columns}


def _account(sequence: int, event: AccountNow, tag: str | None) -> Iterator[Row]:
    yield from _balance(sequence, event, tag)
    columns = {
        "asset": event.asset,
        "wallet": event.wallet,
        "available": event.available,
        "positions_count": len(event.positions),
        "orders_count": len(event.orders),
        "asked_wall_ns": event.asked_wall_ns,
        "dual": event.dual,
        "failed": event.failed,
    }
    yield "accounts", {**_stamp(sequence, event), **columns}
    for position in event.positions:
        mode = position.margin_mode
        yield (
            "positions",
            {
                "sequence": sequence,
                "symbol": position.symbol,
                "leg": position.leg,
                "qty": position.qty,
                "entry_price": position.entry,
                "mark_price": position.mark,
                "margin": position.margin,
                "unrealised": position.unrealised,
                "liquidation_price": position.liquidation_price,
                "stop_price": position.stop,
                "leverage": position.leverage,
                "margin_mode": None if mode is None else mode.value,
            },
        )
    for order in event.orders:
        yield from _order(order, event.time_ns, tag)


def _channel(sequence: int, event: Any, _: str | None) -> Iterator[Row]:
    """A connection, a ban, a skewed clock, a halt."""
    detail = getattr(event, "detail", "")
    up: bool | None = None
    match event:
        case Connected():
            detail, up = f"{event.channel} {detail}".strip(), event.up
        case Throttled():
            up = False
        case Skewed():
            detail = f"{event.skew_ns} ns"
        case TradingChanged():
            detail, up = f"{event.status} {detail}".strip(), event.status == "trading"
    columns = {"what": _tag(event), "symbol": getattr(event, "symbol", ""), "detail": detail, "up": up}
    yield "channels", {**_stamp(sequence, event), **columns}


_EVENTS: dict[type, Callable[[int, Any, str | None], Iterator[Row]]] = {
    BarClosed: _bar,
    Answered: _answer,
    OrderChanged: _order_changed,
    Filled: _filled,
    Funded: _funded,
    BalanceNow: _balance,
    AccountNow: _account,
    Connected: _channel,
    Throttled: _channel,
    Skewed: _channel,
    TradingChanged: _channel,
}


# --- what was made of it ---------------------------------------------------------------------------------------------

Key = dict[str, Any]


def _fields(note: AnyNote, names: str) -> dict[str, Any]:
    return {name: getattr(note, name) for name in names.split()}


def _signalled(key: Key, note: Signalled) -> Iterator[Row]:
    columns = {
        **_fields(note, "symbol setup known_ns why attrs"),
        "side": note.side.word,
        "entry_price": note.entry_ref,
        "stop_price": note.stop,
        "target_prices": note.targets,
    }
    yield "signals", key | columns


def _declined(key: Key, note: Declined) -> Iterator[Row]:
    columns = _fields(note, "symbol origin reason detail known_ns act_id")
    yield "declined", key | columns | {"side": note.side.word}


def _planned(key: Key, note: Planned) -> Iterator[Row]:
    same = (
        "trade symbol leg purpose origin stop_by bound_by why act_id qty entry_price leverage margin loss_at_stop"
        " equity survives_frac target_qtys unchecked known_ns until_ns entry_until_ns liquidation_price"
    )
    columns = {
        **_fields(note, same),
        "planned_sequence": key["sequence"],
        "planned_ns": note.time_ns,
        "planned_wall_ns": note.wall_ns,
        "side": note.side.word,
        "margin_mode": note.margin_mode.value,
        "entry_ref_price": note.entry_ref,
        "planned_stop_price": note.stop,
        "stop_price": note.stop,
        "invalidation_price": note.invalidation,
        "target_prices": note.targets,
        "atr_price": note.atr,
    }
    yield "trades", columns


def _issued(key: Key, note: Issued) -> Iterator[Row]:
    command = note.command
    client_id = getattr(command, "client_id", "")
    asked = {name: value for name, value in msgspec.to_builtins(command).items() if name != "is"}
    columns = {"trade": note.trade, "what": _tag(command), "symbol": command.symbol, "client_id": client_id}
    yield "commands", key | columns | {"why": note.why, "command": asked}
    match command:
        case Place() | PlaceStop():
            yield "orders", _new_order(key, note, command)
        case Amend():
            yield "orders", {"client_id": client_id, "qty": command.qty, "price": command.price}
        case Cancel():
            yield "orders", {"client_id": client_id, "cancel_ns": note.time_ns}
        case _:
            pass


def _new_order(key: Key, note: Issued, command: Place | PlaceStop) -> dict[str, Any]:
    form: dict[str, Any]
    if isinstance(command, PlaceStop):
        form = {"kind": "stop", "price": None, "trigger_price": command.trigger, "reduce_only": True}
    else:
        kind = "market" if command.price is None else "limit"
        form = {"kind": kind, "price": command.price, "trigger_price": None, "reduce_only": command.reduce_only}
    return {
        "client_id": command.client_id,
        "trade": note.trade,
        "issued_sequence": key["sequence"],
        "issued_ns": note.time_ns,
        "issued_wall_ns": note.wall_ns,
        "symbol": command.symbol,
        "leg": command.leg,
        "role": command.role,
        "why": note.why,
        "qty": command.qty,
        "conditional": isinstance(command, PlaceStop),
        "status": "sent",
        **form,
    }


def _protection(key: Key, note: Protection) -> Iterator[Row]:
    now = _fields(note, "trade protected open_qty covered_qty unprotected_s")
    yield "protection", key | now | {"symbol": note.symbol}
    yield "trades", now | {"protection_wall_ns": note.wall_ns}


def _stop_moved(key: Key, note: StopMoved) -> Iterator[Row]:
    columns = {**_fields(note, "trade symbol why"), "old_price": note.old, "new_price": note.new}
    yield "stops", key | columns
    yield "trades", {"trade": note.trade, "stop_price": note.new}


def _target_moved(_: Key, note: TargetMoved) -> Iterator[Row]:
    yield "trades", {"trade": note.trade, "target_prices": note.targets}


def _leaving(key: Key, note: Leaving) -> Iterator[Row]:
    yield "leavings", key | _fields(note, "trade symbol reason act_id price") | {"share_frac": note.share}
    yield "trades", {"trade": note.trade, "leave_reason": note.reason}


def _ended(key: Key, note: Ended) -> Iterator[Row]:
    columns = {
        **_fields(note, "trade gross fees funding net r unprotected_s_max slippage_entry slippage_exit entered_ns"),
        "ended_sequence": key["sequence"],
        "ended_ns": note.time_ns,
        "ended_wall_ns": note.wall_ns,
        "end_reason": note.reason,
        "ended_qty": note.qty,
        "average_entry_price": note.entry,
        "average_exit_price": note.exit,
    }
    yield "trades", columns


def _corrected(_key: Key, note: Corrected) -> Iterator[Row]:
    yield "trades", _fields(note, "trade gross fees funding net r")


def _adjusted(key: Key, note: Adjusted) -> Iterator[Row]:
    columns = {**_fields(note, "trade symbol why"), "ours_qty": note.ours, "theirs_qty": note.theirs}
    yield "adjustments", key | columns


def _limited(key: Key, note: Limited) -> Iterator[Row]:
    yield "limits", key | _fields(note, "active detail until_ns size_multiplier") | {"name": note.limit}


def _done(_: Key, note: Done) -> Iterator[Row]:
    columns = _fields(note, "act_id refused detail trade")
    yield "acts", columns | {"answered_ns": note.time_ns}


def _as_it_is(table: str, names: str) -> Callable[[Key, Any], Iterator[Row]]:
    """A note whose fields are the table's columns."""

    def rows(key: Key, note: AnyNote) -> Iterator[Row]:
        yield table, key | _fields(note, names)

    return rows


_NOTES: dict[type, Callable[[Key, Any], Iterator[Row]]] = {
    Signalled: _signalled,
    Declined: _declined,
    Planned: _planned,
    Issued: _issued,
    Protection: _protection,
    StopMoved: _stop_moved,
    TargetMoved: _target_moved,
    Leaving: _leaving,
    Ended: _ended,
    Corrected: _corrected,
    Adjusted: _adjusted,
    Limited: _limited,
    Done: _done,
    Foreign: _as_it_is("strangers", "symbol detail blocked qty"),
    Reconciled: _as_it_is("reconciliations", "differences"),
    ModeSet: _as_it_is("modes", "paused panicked sides why"),
    Regimed: _as_it_is("regimes", "symbol label figures"),
    Equity: _as_it_is("equity", "wallet equity open_risk high_water"),
    Warned: _as_it_is("warnings", "kind symbol severity text"),
}
