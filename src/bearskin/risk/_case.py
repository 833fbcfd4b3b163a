"""A request with everything it left out filled in: what the other files of this room compute from."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from bearskin.risk._figures import Sizing
from bearskin.risk._payoff import ZERO, Payoff, payoff_of
from bearskin.risk._presets import Preset, preset_of
from bearskin.risk._request import PlanRequest, plain
from bearskin.risk._size import SizeRequest, leverage_within, size_for_plan
from bearskin.terms import BadInput, Brackets, Instrument, MarginMode, Product, Refused, Side, step_down

NEUTRAL_RATE = Decimal("0.0001")
NEUTRAL_INTERVAL_H = Decimal(8)
_PERPETUAL = (Product.LINEAR, Product.INVERSE)


@dataclass(frozen=True, slots=True)
class Case:
    """A request whose gaps are filled: where each came from stands in `assumptions`."""

    request: PlanRequest
    instrument: Instrument
    brackets: Brackets | None
    preset: Preset
    payoff: Payoff
    mode: MarginMode
    fee_in_rate: Decimal
    fee_out_rate: Decimal
    funding_rate: Decimal | None
    funding_interval_h: Decimal
    funding_assumed: bool

    @property
    def side(self) -> Side:
        """The side asked for."""
        return self.request.side

    @property
    def loan(self) -> bool:
        """Whether this is a spot pair traded with borrowed money or coin."""
        return self.request.product is Product.MARGIN

    @property
    def funding_paid_frac(self) -> Decimal:
        """What funding (or, for loans, interest) is expected to take over the horizon, as a fraction of notional."""
        if self.loan:
            return (self.request.borrow_rate_h or ZERO) * (self.request.horizon_h + 1)
        if self.funding_rate is None:
            return ZERO
        return max(ZERO, self.side * self.funding_rate * self.request.horizon_h / self.funding_interval_h)


def case_of(request: PlanRequest) -> Case:
    """Fill what the request leaves out from preset and packaged snapshots.

    Raises UnknownSymbol or UnknownBrackets where those have nothing: no bracket is ever guessed.
    """
    instrument, brackets = _instrument(request), request.brackets
    if instrument.product is not request.product:
        raise BadInput(
            f"instrument {instrument.symbol} is {instrument.product.value}, the plan is for {request.product.value}"
        )
    if brackets is None and request.product is not Product.MARGIN:
        from bearskin import market

        brackets = market.load_brackets().get(request.venue, request.symbol, request.product)
    preset = preset_of(request.preset)
    perpetual = request.product in _PERPETUAL
    assumed = perpetual and request.funding_rate is None
    taker = instrument.taker_fee_rate
    return Case(
        request=request,
        instrument=instrument,
        brackets=brackets,
        preset=preset,
        payoff=payoff_of(instrument),
        mode=request.margin_mode or preset.margin_mode,
        fee_in_rate=taker if request.fee_in_rate is None else request.fee_in_rate,
        fee_out_rate=taker if request.fee_out_rate is None else request.fee_out_rate,
        funding_rate=(NEUTRAL_RATE if assumed else request.funding_rate) if perpetual else None,
        funding_interval_h=request.funding_interval_h or NEUTRAL_INTERVAL_H,
        funding_assumed=assumed,
    )


def _instrument(request: PlanRequest) -> Instrument:
    if request.instrument is not None:
        return request.instrument
    from bearskin import market

    return market.instrument_of(request.venue, request.symbol, request.product)


# Given, or notional over the wallet given, or the preset's largest that keeps liquidation behind the stop.
LeverageOrigin = Literal["given", "wallet", "preset"]


@dataclass(frozen=True, slots=True)
class Size:
    """The signed quantity and the leverage it is held at, and how both came about; `refused` when there is none."""

    qty: Decimal | None
    leverage: Decimal
    leverage_origin: LeverageOrigin
    sizing: Sizing | None = None
    refused: Refused | None = None


def size_of(case: Case) -> Size:
    """The quantity asked for, rounded towards zero to the step, or the one the risk allows."""
    request = case.request
    asked = _asked_qty(case)
    leverage, origin = _leverage(case, asked)
    if asked is not None:
        return Size(asked * case.side, leverage, origin)
    if request.stop is None:
        return Size(None, leverage, origin)
    outcome = size_for_plan(_size_request(case))
    if isinstance(outcome, Refused):
        return Size(None, leverage, origin, refused=outcome)
    risk_frac = case.preset.risk_frac if request.risk_frac is None else request.risk_frac
    sizing = Sizing(bound_by=outcome.bound_by, caps=outcome.caps, unchecked=outcome.unchecked, risk_frac=risk_frac)
    return Size(outcome.qty, outcome.leverage + _own_part(case), origin, sizing)


def _asked_qty(case: Case) -> Decimal | None:
    """The quantity or notional of the request on the step grid; BadInput when it is less than one order."""
    request, step = case.request, case.instrument.step
    if request.qty is not None:
        qty = step_down(request.qty, step)
        if qty == 0:
            least = plain(max(step, case.instrument.min_qty))
            raise BadInput(
                f"quantity {plain(request.qty)} is less than the smallest order of {request.symbol}, {least}"
            )
        return qty
    if request.notional is not None:
        per_unit = case.instrument.contract_size if case.instrument.inverse else request.entry
        qty = step_down(request.notional / per_unit, step)
        if qty == 0:
            least = plain(step * per_unit)
            raise BadInput(
                f"notional {plain(request.notional)} is less than the smallest order of {request.symbol}, {least}"
            )
        return qty
    return None


def _own_part(case: Case) -> Decimal:
    """A margin short at leverage L borrows L - 1 times its collateral, every other position is L times its margin."""
    return Decimal(1 if case.loan and case.side < 0 else 0)


def _leverage(case: Case, qty: Decimal | None) -> tuple[Decimal, LeverageOrigin]:
    """The leverage given, or what the wallet makes of the quantity, or the preset's, lowered where the stop is wide."""
    request = case.request
    if request.leverage is not None:
        return request.leverage, "given"
    if qty is not None and request.wallet is not None:
        return case.payoff.value(qty, request.entry) / request.wallet + _own_part(case), "wallet"
    if request.stop is None:
        top = case.brackets.rows[0].max_leverage if case.brackets is not None else case.preset.leverage_max
        return min(case.preset.leverage_max, Decimal(top)), "preset"
    return leverage_within(_size_request(case), case.preset, request.stop), "preset"


def _size_request(case: Case) -> SizeRequest:
    request = case.request
    leverage = request.leverage if request.leverage is None else request.leverage - _own_part(case)
    if case.loan and leverage is None:
        leverage = case.preset.leverage_max - _own_part(case)
    return SizeRequest(
        side=request.side,
        entry=request.entry,
        stop=request.stop,
        equity=request.equity or ZERO,
        instrument=case.instrument,
        brackets=case.brackets,
        preset=request.preset,
        risk_frac=request.risk_frac,
        leverage=leverage,
        margin_mode=case.mode,
        margin_share_frac=request.margin_share_frac,
        allow_beyond_preset=request.allow_beyond_preset,
        fee_in_rate=case.fee_in_rate,
        fee_out_rate=case.fee_out_rate,
        slippage_frac=request.slippage_frac,
        funding_paid_frac=case.funding_paid_frac,
        cross_wallet=request.wallet,
        volatility_per_year=request.volatility_per_year,
        depth_entry_notional=request.depth_entry_notional,
        depth_exit_notional=request.depth_exit_notional,
    )
