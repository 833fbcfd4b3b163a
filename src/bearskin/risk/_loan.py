"""Spot margin: a coin borrowed and sold, or money borrowed and spent, with interest by the clock hour."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from bearskin import margin
from bearskin.risk._case import Case, Size
from bearskin.risk._figures import Gap, Loan, Standing
from bearskin.risk._payoff import ZERO
from bearskin.risk._standing import gap_mark, gap_rows
from bearskin.terms import MarginMode, step_up

_DAYS_30_H = 720
_ONE = Decimal(1)


def charges_over(hours: Decimal) -> int:
    """Interest charges of a loan held `hours`: one at the advance, one at every full clock hour after it."""
    return int(hours.to_integral_value(rounding=ROUND_CEILING)) + 1


def collateral_of(case: Case, qty: Decimal, size: Size) -> Decimal:
    """Own money behind the loan: given, or what the leverage asks for.

    At leverage L a short borrows L - 1 times its collateral and sells that; a long buys L times its collateral.
    """
    if case.request.wallet is not None:
        return case.request.wallet
    return _needed(case, qty, size)


def loan_of(case: Case, qty: Decimal, collateral: Decimal) -> Loan:
    """Principal, interest and margin level; a long that its collateral pays for borrows nothing."""
    request, entry = case.request, case.request.entry
    short = qty < 0
    principal = -qty if short else max(ZERO, qty * entry - collateral)
    rate = request.borrow_rate_h
    charges = charges_over(request.horizon_h)
    interest = None if rate is None else margin.loan_interest(principal, rate, charges)
    owed = principal + (interest or ZERO)
    back = None
    if short:
        back = step_up(margin.buy_back_qty(owed, case.fee_out_rate), case.instrument.step)
    return Loan(
        currency=case.instrument.base if short else case.instrument.quote,
        principal=principal,
        rate_h=rate,
        interest_per_hour=None if rate is None else margin.loan_interest(principal, rate, 1),
        interest_per_day=None if rate is None else margin.loan_interest(principal, rate, 24),
        interest_30d=None if rate is None else margin.loan_interest(principal, rate, _DAYS_30_H + 1),
        interest_horizon=interest,
        charges_horizon=charges,
        owed_horizon=owed,
        buy_back_qty=back,
        margin_level=_level(case, qty, collateral, principal, entry),
        liquidation_level=request.liquidation_level,
    )


def _assets_and_debt(
    case: Case, qty: Decimal, collateral: Decimal, principal: Decimal
) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Quote and base held, quote and base owed, the first hour's interest included: it is charged at the advance."""
    debt = principal * (1 + (case.request.borrow_rate_h or ZERO))
    worth = -qty * case.request.entry
    if qty < 0:
        return collateral + worth, ZERO, ZERO, debt
    return collateral + worth + principal, qty, debt, ZERO


def _level(case: Case, qty: Decimal, collateral: Decimal, principal: Decimal, mark: Decimal) -> Decimal | None:
    """Assets over debt at `mark`; None when nothing is owed."""
    quote, base, quote_debt, base_debt = _assets_and_debt(case, qty, collateral, principal)
    debt = quote_debt + base_debt * mark
    return margin.margin_level(quote + base * mark, debt, ZERO) if debt > 0 else None


def loan_standing(case: Case, size: Size, qty: Decimal, collateral: Decimal, loan: Loan) -> Standing:
    """How the loan stands: the venue takes over at the liquidation level, bankruptcy is at level 1."""
    assets = _assets_and_debt(case, qty, collateral, loan.principal)
    price = _level_price(assets, case.request.liquidation_level)
    note = "judged on the spot index: the venue takes over when the margin level is at or below its liquidation level"
    if price is None:
        note = "never taken over: nothing is owed that a price could outgrow"
    worst = None if qty < 0 else qty * case.request.entry
    worst_note = (
        "spot margin: a rise has no end, and what selling everything does not repay is still owed"
        if qty < 0
        else "spot margin: at zero the collateral is gone and the loan is still owed"
    )
    if qty > 0 and loan.principal == 0:
        worst_note = "nothing is borrowed: at most the coins are worth nothing"
    return Standing(
        leverage=size.leverage,
        initial_margin=_needed(case, qty, size),
        margin=collateral,
        cross_wallet=case.request.equity if case.mode is MarginMode.CROSS else None,
        liquidation_price=price,
        liquidation_price_after_fee=None,
        liquidation_note=note,
        bankruptcy_price=_level_price(assets, _ONE),
        bracket=None,
        bracket_at_liquidation=None,
        bracket_leverage_max=None,
        brackets_snapshot=None,
        maintenance_margin=None,
        margin_ratio=None,
        worst_loss=worst,
        worst_loss_note=worst_note,
    )


def _needed(case: Case, qty: Decimal, size: Size) -> Decimal:
    """The collateral that the leverage asks for; a wallet that made the leverage itself is what is needed."""
    value = margin.notional(qty, case.request.entry)
    if case.request.wallet is not None and size.leverage_origin == "wallet":
        return min(value, case.request.wallet) if qty > 0 else case.request.wallet
    return value / (size.leverage - 1 if qty < 0 else max(size.leverage, _ONE))


def _level_price(assets: tuple[Decimal, Decimal, Decimal, Decimal], level: Decimal) -> Decimal | None:
    quote, base, quote_debt, base_debt = assets
    return margin.loan_liquidation_price(quote, base, quote_debt, base_debt, level) or None


def loan_gaps(case: Case, qty: Decimal, collateral: Decimal, loan: Loan) -> tuple[Gap, ...]:
    """The gap table of a loan: margin level, what is left of the collateral, and what is owed beyond it."""
    quote, base, quote_debt, base_debt = _assets_and_debt(case, qty, collateral, loan.principal)
    rows = []
    for label, move in gap_rows(case):
        mark = gap_mark(case, move)
        equity = quote + base * mark - quote_debt - base_debt * mark
        level = _level(case, qty, collateral, loan.principal, mark)
        rows.append(
            Gap(
                label=label,
                move_frac=move,
                mark=mark,
                pnl=margin.profit(qty, qty * case.request.entry, mark),
                isolated_equity=max(ZERO, equity),
                isolated_liquidated=level is not None and level <= case.request.liquidation_level,
                isolated_loss=max(ZERO, collateral - equity),
                margin_level=level,
                owed=max(ZERO, -equity),
            )
        )
    return tuple(rows)
