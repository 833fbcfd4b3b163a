"""The stamp: entries are stamped within what was sized and with a stop behind them, what reduces is always stamped."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

from bearskin.risk._approved import Approved, minted
from bearskin.terms import (
    AddMargin,
    Amend,
    AnyCommand,
    Cancel,
    Place,
    PlaceStop,
    Reason,
    Refused,
    SetLeverage,
    SetMarginMode,
    Side,
)

ZERO = Decimal(0)
C = TypeVar("C", bound=Place | Amend)


def approve_entry(
    command: C,
    *,
    side: Side,
    sized_qty: Decimal,
    other_qty: Decimal = ZERO,
    reference: Decimal,
    stop: Decimal | None,
    survives_frac: Decimal | None = None,
    why: str,
) -> Approved[C] | Refused:
    """The stamp for an order that opens, or for another price of one that rests.

    `sized_qty` (signed) is what risk has sized for the whole trade, `other_qty` (signed) what its other entry orders
    have filled or may still fill. `reference` is the price a market order is expected at. A speculation needs a `stop`
    on the losing side of every price it may enter at, a hedge the `survives_frac` its margin was proven for. Refused
    otherwise.
    """
    price = reference if command.price is None else command.price
    if isinstance(command, Place) and command.reduce_only:
        return Refused(reason=Reason.NOT_SIZED, detail="an entry cannot be reduce-only")
    if command.qty * side <= 0 or (command.qty + other_qty) * side > abs(sized_qty):
        have = f"{command.qty + other_qty:f}"
        return Refused(reason=Reason.NOT_SIZED, have=have, need=f"at most {sized_qty:f}", detail=command.symbol)
    if stop is None and survives_frac is None:
        return Refused(reason=Reason.NO_STOP, detail="a speculation needs a stop, a hedge a shock that it survives")
    if stop is not None and (price - stop) * side <= 0:
        need = f"above {price}" if side < 0 else f"below {price}"
        return Refused(reason=Reason.STOP_WRONG_SIDE, have=str(stop), need=need)
    return minted(command, why)


def approve_reducing(command: AnyCommand, *, open_qty: Decimal, why: str) -> Approved[AnyCommand] | Refused:
    """The stamp for what can only lessen risk in a symbol in which `open_qty` (signed) is open.

    Cancellations, added margin and stops always have it. A limit or market order has it when it closes at most what is
    open and says so (`reduce_only`, or by its leg). Refused for anything else.
    """
    match command:
        case Cancel():
            return minted(command, why)
        case AddMargin():
            if command.amount > 0:
                return minted(command, why)
            return Refused(reason=Reason.NOT_REDUCING, detail="taking margin out brings liquidation nearer")
        case PlaceStop():
            if command.qty * open_qty <= 0:
                return minted(command, why)
        case Place():
            closes = command.qty * open_qty < 0 and abs(command.qty) <= abs(open_qty)
            if closes and (command.reduce_only or command.leg != "BOTH"):
                return minted(command, why)
        case Amend():
            if command.qty * open_qty < 0 and abs(command.qty) <= abs(open_qty):
                return minted(command, why)
        case _:
            pass
    have = f"{getattr(command, 'qty', '')}"
    return Refused(reason=Reason.NOT_REDUCING, have=have, need=f"against {open_qty:f}", detail=command.symbol)


def approve_config(
    command: SetLeverage | SetMarginMode, *, open_qty: Decimal, why: str
) -> Approved[SetLeverage | SetMarginMode] | Refused:
    """The stamp for a symbol's leverage or margin mode: only while nothing of it is open."""
    if open_qty != 0:
        return Refused(reason=Reason.SYMBOL_BUSY, have=f"{open_qty:f} open", need="nothing open", detail=command.symbol)
    return minted(command, why)
