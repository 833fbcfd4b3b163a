"""Moving a stop: tightening is always allowed, widening is a new risk and asked about like one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bearskin.terms import Reason, Refused, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class StopMove:
    """A stop and where it is to go. `qty` (unsigned) is what is open at `entry`; None: no stop, mark, liquidation.

    `risk_max` is the largest loss at the stop that the preset allows, in the settle currency; rates are fractions.
    """

    side: Side
    qty: Decimal
    entry: Decimal
    old: Decimal | None
    new: Decimal
    mark: Decimal | None
    liquidation_price: Decimal | None
    risk_max: Decimal | None
    taker_fee_rate: Decimal
    slippage_frac: Decimal


def loss_at(move: StopMove) -> Decimal:
    """What the open part loses at the new stop, both fees and slippage included; negative is a gain."""
    fill = move.new * (1 - move.side * move.slippage_frac)
    fees = (move.entry + fill) * move.taker_fee_rate
    return move.qty * ((move.entry - fill) * move.side + fees)


def stop_refusal(move: StopMove) -> Refused | None:
    """Why the stop stays where it is; None when it may be moved."""
    where = "above" if move.side < 0 else "below"
    if move.mark is not None and (move.mark - move.new) * move.side <= 0:
        detail = f"the stop of a {move.side.word} would go off at once"
        need = f"{where} the mark {move.mark.normalize():f}"
        return Refused(reason=Reason.STOP_WRONG_SIDE, have=f"{move.new:f}", need=need, detail=detail)
    if move.old is not None and (move.new - move.old) * move.side >= 0:
        return None
    level = move.liquidation_price
    if level is not None and (move.new - level) * move.side <= 0:
        need = f"before {level:f}"
        return Refused(reason=Reason.LIQUIDATION_BEFORE_STOP, have=f"{move.new:f}", need=need)
    loss = loss_at(move)
    if move.risk_max is not None and loss > move.risk_max:
        return Refused(
            reason=Reason.RISK_ABOVE_PRESET,
            have=f"{loss:.2f} lost at the stop",
            need=f"at most {move.risk_max:.2f}",
            detail="a stop is widened only within the preset",
        )
    return None
