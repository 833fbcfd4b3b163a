"""The plan: one trade priced, checked and judged before it is made."""

from __future__ import annotations

import decimal
from dataclasses import replace
from decimal import Decimal

from bearskin.risk._carry import Costs, basis_of, carry_of, costs_of, funding_of, targets_of
from bearskin.risk._case import Case, Size, case_of, size_of
from bearskin.risk._figures import Loan, Plan, Standing, Survival, Verdict
from bearskin.risk._loan import collateral_of, loan_gaps, loan_of, loan_standing
from bearskin.risk._payoff import ZERO, payoff_of, tiers
from bearskin.risk._preflight import Check, PreflightRequest, preflight
from bearskin.risk._request import PlanRequest, validate
from bearskin.risk._standing import GAP_MOVES, columns_of, gap_mark, gaps_of, standing_of, survival_of
from bearskin.risk._words import assumptions_of, warnings_of
from bearskin.terms import QUOTE, BadInput, Brackets, Instrument, Reason, Side

_SURVIVAL_MOVES = (*GAP_MOVES[:2], *(Decimal(per_cent).scaleb(-2) for per_cent in (20, 30, 50, 100)))
_WORST_DAY = "worst day 99.9 %"


def plan(request: PlanRequest) -> Plan:
    """Price one trade and say whether to make it.

    The verdict is `incomplete` for a speculation without a stop (or a hedge without a shock), else `refused` when any
    check refuses or no size can be had, `caution` when one warns, `go` otherwise. A refused plan is priced all the
    same where it can be. Raises BadInput, one sentence, for what cannot be meant, UnknownSymbol and UnknownBrackets.
    """
    validate(request)
    with decimal.localcontext(QUOTE):
        case = case_of(request)
        size = size_of(case)
        if size.qty is None:
            return _unsized(case, size)
        return _priced(case, size, size.qty)


def survive(
    *, side: Side, qty: Decimal, entry: Decimal, move_frac: Decimal, instrument: Instrument, brackets: Brackets
) -> Decimal:
    """The margin that a move of `move_frac` against the position uses up, in the settle currency.

    Living through the move takes strictly more: a position is liquidated when equity is at or below maintenance. `qty`
    is positive. Raises BadInput for what is not positive.
    """
    for name, value in (("quantity", qty), ("entry", entry), ("move", move_frac)):
        if not value > 0:
            raise BadInput(f"{name} {value} is not positive: give it above zero, the side gives the sign")
    with decimal.localcontext(QUOTE):
        mark = entry * (1 - side * move_frac)
        if mark <= 0:
            raise BadInput(f"move {move_frac} takes a long's price to nothing: give one below 1")
        return max(ZERO, payoff_of(instrument).wallet_needed(tiers(brackets), qty * side, entry, mark))


def _unsized(case: Case, size: Size) -> Plan:
    """A plan that found no size: no stop to size by, or a cap that leaves nothing."""
    if size.refused is not None:
        check = Check(
            name="size",
            status="refuse",
            have=size.refused.have,
            need=size.refused.need,
            detail=size.refused.detail,
            reason=size.refused.reason,
        )
    else:
        detail = "the risk sizes a position through its stop: give one, or a quantity"
        check = Check(name="stop", status="unchecked", detail=detail, reason=Reason.NO_STOP)
    verdict: Verdict = "incomplete" if size.refused is None else "refused"
    return replace(_frame(case, size, None), verdict=verdict, reasons=(str(check),), checks=(check,))


def _frame(case: Case, size: Size, loan: Loan | None) -> Plan:
    """What a plan says of its request before anything is priced."""
    request, instrument = case.request, case.instrument
    return Plan(
        verdict="incomplete",
        reasons=(),
        warnings=(),
        assumptions=assumptions_of(case, size, loan),
        checks=(),
        venue=instrument.venue,
        symbol=instrument.symbol,
        product=request.product,
        side=case.side,
        purpose="hedge" if case.preset.hedge else "speculation",
        preset=case.preset.name,
        margin_mode=case.mode,
        currency=instrument.quote if case.loan else instrument.settle,
        quote=instrument.quote,
        tick=instrument.tick,
        entry=request.entry,
        stop=request.stop,
        stop_distance_frac=None if request.stop is None else abs(request.stop - request.entry) / request.entry,
        equity=request.equity,
        sizing=size.sizing,
        loan=loan,
        horizon_h=request.horizon_h,
        history_source=None if request.history is None else request.history.source,
    )


def _priced(case: Case, size: Size, qty: Decimal) -> Plan:
    request, payoff, equity = case.request, case.payoff, case.request.equity
    costs = costs_of(case, qty)
    loan: Loan | None = None
    survival: tuple[Survival, ...] = ()
    if case.loan:
        collateral = collateral_of(case, qty, size)
        loan = loan_of(case, qty, collateral)
        standing = loan_standing(case, size, qty, collateral, loan)
        gaps = loan_gaps(case, qty, collateral, loan)
    else:
        standing = standing_of(case, qty, size)
        gaps = gaps_of(case, qty, standing)
        survival = survival_of(case, qty, standing.margin, _SURVIVAL_MOVES)
    funding, basis = funding_of(case, qty), basis_of(case, qty)
    carry_per_day, carry_horizon = carry_of(case, funding, basis, loan)
    targets = targets_of(case, qty, costs, carry_per_day)
    reward = targets[0].reward_net if targets else None
    checks = preflight(_questions(case, qty, standing, costs, (carry_horizon, reward)))
    verdict, reasons = _verdict(case, checks)
    contracts, face_value = _contracts(case, qty)
    loss = costs.loss_at_stop
    return replace(
        _frame(case, size, loan),
        verdict=verdict,
        reasons=reasons,
        checks=checks,
        warnings=warnings_of(case, size, standing, survival),
        qty=qty,
        contracts=contracts,
        notional=payoff.value(qty, request.entry),
        face_value=face_value,
        standing=standing,
        margin_share_frac=None if equity is None else standing.initial_margin / equity,
        liquidation_distance_frac=_distance(case, standing.liquidation_price),
        fee_in=costs.fee_in,
        fee_out=costs.fee_out,
        break_even_price=payoff.break_even(qty, request.entry, case.fee_in_rate, case.fee_out_rate),
        loss_at_stop=loss,
        loss_at_stop_frac=None if loss is None or equity is None else loss / equity,
        loss_at_stop_of_margin_frac=_of_margin(case, qty, standing),
        targets=targets,
        gaps=gaps,
        survival=survival,
        funding=funding,
        basis=basis,
        carry_per_day=carry_per_day,
        carry_horizon=carry_horizon,
    )


def _distance(case: Case, price: Decimal | None) -> Decimal | None:
    """How far `price` lies against the position, as a fraction of the entry; negative when it is already behind."""
    return None if price is None else (case.request.entry - price) * case.side / case.request.entry


def _of_margin(case: Case, qty: Decimal, standing: Standing) -> Decimal | None:
    """The move to the stop as a share of the initial margin, before fees: distance times leverage."""
    if case.request.stop is None:
        return None
    return -case.payoff.profit(qty, case.request.entry, case.request.stop) / standing.initial_margin


def _contracts(case: Case, qty: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """Signed contracts and their face value in quote, for products that are traded in contracts."""
    instrument = case.instrument
    if instrument.inverse:
        return qty, abs(qty) * instrument.contract_size
    if instrument.contract_size != 1 and not case.loan:
        return qty / instrument.contract_size, None
    return None, None


def _questions(
    case: Case, qty: Decimal, standing: Standing, costs: Costs, carry: tuple[Decimal | None, Decimal | None]
) -> PreflightRequest:
    """The figures that preflight asks for; `carry` is (over the horizon, net reward at the nearest target)."""
    request, instrument = case.request, case.instrument
    value = case.payoff.value(qty, request.entry)
    shock = None
    if request.shock_frac is not None and not case.loan:
        mark = gap_mark(case, request.shock_frac)
        if mark > 0:
            shock = case.payoff.wallet_needed(columns_of(case), qty, request.entry, mark)
    worst = dict(request.history.rows).get(_WORST_DAY) if request.history is not None else None
    rate_8h = None
    if case.funding_rate is not None and not case.funding_assumed:
        rate_8h = case.funding_rate * 8 / case.funding_interval_h
    return PreflightRequest(
        side=case.side,
        entry=request.entry,
        stop=request.stop,
        preset=case.preset.name,
        allow_beyond_preset=request.allow_beyond_preset,
        risk_frac=request.risk_frac,
        margin_share_frac=request.margin_share_frac,
        shock_frac=request.shock_frac,
        target=min(request.targets, key=lambda price: abs(price - request.entry), default=None),
        qty=qty,
        notional=value,
        order_notional=abs(qty) * instrument.contract_size if instrument.inverse else value,
        min_notional=instrument.min_notional,
        leverage=standing.leverage,
        bracket_leverage_max=standing.bracket_leverage_max,
        bracket=standing.bracket,
        initial_margin=standing.initial_margin,
        available=_available(case, costs),
        wallet=standing.margin,
        equity=request.equity,
        margin_ratio=standing.margin_ratio,
        liquidation_known=True,
        liquidation_price=standing.liquidation_price,
        loss_at_stop=costs.loss_at_stop,
        cost_frac=case.fee_in_rate + case.fee_out_rate + request.slippage_frac + case.funding_paid_frac,
        carry_horizon=carry[0],
        reward=carry[1],
        funding_rate_8h=rate_8h,
        worst_day_frac=worst,
        survival_wallet=shock,
    )


def _available(case: Case, costs: Costs) -> Decimal | None:
    """What can pay the initial margin: the wallet given (its fee is gone already), else equity less the opening fee."""
    if case.request.wallet is not None:
        return case.request.wallet
    return None if case.request.equity is None else case.request.equity - costs.fee_in


def _verdict(case: Case, checks: tuple[Check, ...]) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict and the checks that made it, as sentences."""
    refusing = tuple(check for check in checks if check.status == "refuse")
    warning = tuple(check for check in checks if check.status == "warn")
    missing = "survives-shock" if case.preset.hedge else "stop"
    incomplete = tuple(check for check in checks if check.status == "unchecked" and check.name == missing)
    reasons = tuple(str(check) for check in (*incomplete, *refusing, *warning))
    if incomplete:
        return "incomplete", reasons
    if refusing:
        return "refused", reasons
    return ("caution" if warning else "go"), reasons
