"""Margin of an isolated position: more of it is always welcome, less of it is a new risk and asked about like one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bearskin.risk._approved import Approved, minted
from bearskin.risk._entry import liquidation_at
from bearskin.terms import QUOTE, AddMargin, Brackets, Instrument, Reason, Refused, Side

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginMove:
    """An open position (`qty` and `cost` signed) that stands on `margin`, and what is to be left of it (`after`).

    `ratio` is how many stop distances away liquidation must at least be, `leverage_max` how many times its margin the
    position may be worth at its entry, `survives_frac` the adverse move that a hedge was proven for.
    """

    qty: Decimal
    cost: Decimal
    mark: Decimal
    margin: Decimal
    after: Decimal
    stop: Decimal | None
    leverage_max: Decimal
    ratio: Decimal
    survives_frac: Decimal | None = None

    @property
    def side(self) -> Side:
        """Of the position."""
        return Side.SHORT if self.qty < 0 else Side.LONG

    @property
    def entry(self) -> Decimal:
        """The average entry."""
        return QUOTE.divide(self.cost, self.qty)


def approve_margin(
    command: AddMargin, move: MarginMove, instrument: Instrument, brackets: Brackets | None, *, why: str
) -> Approved[AddMargin] | Refused:
    """The stamp for margin that is added, and for margin taken out as long as the position stays as far from
    liquidation as an entry must be."""
    if command.amount > 0:
        return minted(command, why)
    refused = margin_refusal(move, instrument, brackets)
    return minted(command, why) if refused is None else refused


def margin_refusal(move: MarginMove, instrument: Instrument, brackets: Brackets | None) -> Refused | None:
    """Why margin may not be taken out; None when it may."""
    if move.after <= 0:
        return Refused(reason=Reason.MARGIN_SHORT, have=f"{move.margin:.2f} in it", need="some of it left")
    if brackets is None:
        return Refused(reason=Reason.NO_DATA, detail="without its brackets nobody knows what it would survive")
    leverage = QUOTE.divide(abs(move.cost), move.after)
    if leverage > move.leverage_max:
        have, need = f"{leverage:.2f}x", f"at most {move.leverage_max.normalize():f}x"
        return Refused(reason=Reason.LEVERAGE_ABOVE_PRESET, have=have, need=need, detail="of what is left as margin")
    level = liquidation_at(instrument, brackets, move.qty, move.entry, move.after)
    if level is None:
        return None
    shown = f"{level:.8g}"
    if (move.mark - level) * move.side <= 0:
        return Refused(reason=Reason.LIQUIDATED_AT_ENTRY, detail=f"at the mark {move.mark.normalize():f}")
    if move.survives_frac is not None and (move.mark - level) * move.side <= move.survives_frac * move.mark:
        need = f"{100 * move.survives_frac.normalize():f} % survived"
        return Refused(reason=Reason.MARGIN_SHORT, have=f"liquidation at {shown}", need=need)
    return _too_near(move, level, shown)


def _too_near(move: MarginMove, level: Decimal, shown: str) -> Refused | None:
    stop = move.stop
    if stop is None:
        return None
    if (stop - level) * move.side <= 0:
        return Refused(reason=Reason.LIQUIDATION_BEFORE_STOP, have=f"liquidation at {shown}", need=f"behind {stop:f}")
    apart = max(ZERO, (move.entry - stop) * move.side)
    if (move.entry - level) * move.side <= apart * move.ratio:
        need = f"more than {move.ratio.normalize():f} stop distances from the entry"
        return Refused(reason=Reason.LIQUIDATION_TOO_CLOSE, have=f"liquidation at {shown}", need=need)
    return None
