"""A hedge: no ordinary stop, but margin proven to live through a named shock, and a plan for what comes after."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bearskin.risk._entry import liquidation_at
from bearskin.risk._plan import survive
from bearskin.risk._request import plain
from bearskin.risk._size import Sized
from bearskin.terms import QUOTE, Brackets, Instrument, MarginMode, Reason, Refused, Side, step_down

ZERO = Decimal(0)
_BEYOND = (Decimal("1.5"), Decimal(2))  # the top-up plan names these multiples of the shock


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeRequest:
    """What is to be insured: `qty` (unsigned) at `entry` against an adverse move of `shock_frac`.

    `wallet` is what stands behind it in cross mode, `free` what an isolated margin could be taken from. `stop` is a
    disaster stop, None for none.
    """

    side: Side
    qty: Decimal
    entry: Decimal
    shock_frac: Decimal
    leverage: Decimal
    margin_mode: MarginMode
    wallet: Decimal
    free: Decimal
    instrument: Instrument
    brackets: Brackets | None
    stop: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedge:
    """A hedge that survives its shock: its size, where liquidation is, and the sentence with the top-up plan."""

    sized: Sized
    liquidation_price: Decimal | None
    why: str


def prove_hedge(request: HedgeRequest) -> Hedge | Refused:
    """The hedge, or why its margin does not live through the shock (living takes strictly more than what is used up).

    Without the venue's brackets nothing can be proven. A disaster stop lies beyond the shock and before liquidation.
    """
    instrument, brackets = request.instrument, request.brackets
    qty = step_down(request.qty, instrument.step)
    if qty < max(instrument.step, instrument.min_qty):
        return Refused(reason=Reason.SIZE_ZERO, have=f"{request.qty:f}", need=f"at least {instrument.min_qty:f}")
    if brackets is None:
        return Refused(reason=Reason.NO_DATA, detail="without the venue's brackets no survival can be proven")
    if request.leverage > brackets.rows[0].max_leverage:
        need = f"at most {brackets.rows[0].max_leverage}x"
        return Refused(reason=Reason.LEVERAGE_ABOVE_BRACKET, have=f"{request.leverage}x", need=need)
    notional = qty * request.entry
    margin = QUOTE.divide(notional, request.leverage)
    cross = request.margin_mode is MarginMode.CROSS
    stands = request.wallet if cross else margin
    if margin > request.free:
        return Refused(reason=Reason.MARGIN_SHORT, have=f"{request.free:.2f}", need=f"{margin:.2f}")
    needed = _needed(request, qty, request.shock_frac)
    shock = f"a move of {plain(100 * request.shock_frac)} %"
    if stands <= needed:
        need = f"more than {needed:.2f}"
        return Refused(reason=Reason.MARGIN_SHORT, have=f"{stands:.2f}", need=need, detail=f"to survive {shock}")
    level = liquidation_at(instrument, brackets, qty * request.side, request.entry, stands)
    refused = _disaster_refusal(request, level)
    if refused is not None:
        return refused
    why = [f"survives {shock}: that takes more than {needed:.2f} and {stands:.2f} stand behind it"]
    for times in _BEYOND:
        move = request.shock_frac * times
        if request.side < 0 or move < 1:
            short = max(ZERO, _needed(request, qty, move) - stands)
            why.append(f"top up more than {short:.2f} to survive {plain(100 * move)} %" if short else
                       f"no top-up needed up to {plain(100 * move)} %")  # fmt: skip
    sized = Sized(
        qty=qty * request.side,
        notional=notional,
        leverage=request.leverage,
        margin_mode=request.margin_mode,
        margin=margin,
        loss_at_stop=ZERO,
        funding_reserve=ZERO,
        bound_by="quantity",
        caps=(),
        unchecked=(),
    )
    return Hedge(sized=sized, liquidation_price=level, why="; ".join(why))


def _needed(request: HedgeRequest, qty: Decimal, move_frac: Decimal) -> Decimal:
    assert request.brackets is not None
    return survive(
        side=request.side,
        qty=qty,
        entry=request.entry,
        move_frac=move_frac,
        instrument=request.instrument,
        brackets=request.brackets,
    )


def _disaster_refusal(request: HedgeRequest, level: Decimal | None) -> Refused | None:
    stop = request.stop
    if stop is None:
        return None
    distance = (request.entry - stop) * request.side
    if distance <= 0:
        need = f"{'above' if request.side < 0 else 'below'} {request.entry:f}"
        return Refused(reason=Reason.STOP_WRONG_SIDE, have=f"{stop:f}", need=need)
    if distance <= request.shock_frac * request.entry:
        detail = "it would take the insurance away within the shock it is meant for"
        return Refused(reason=Reason.STOP_TOO_TIGHT, have=f"{stop:f}", detail=detail)
    if level is not None and (stop - level) * request.side <= 0:
        return Refused(reason=Reason.LIQUIDATION_BEFORE_STOP, have=f"{stop:f}", need=f"before {level:f}")
    return None
