"""What holding costs or brings: funding, basis, interest, and when it has eaten a target."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bearskin import margin
from bearskin.risk._case import Case
from bearskin.risk._figures import Basis, Funding, Loan, Target
from bearskin.risk._size import stop_fill
from bearskin.terms import DAY_NS

_DAY_H = Decimal(24)
_YEAR_H = Decimal(8760)


@dataclass(frozen=True, slots=True)
class Costs:
    """Fees in and out (at the stop where there is one), the loss there with both fees and slippage; settle currency."""

    fee_in: Decimal
    fee_out: Decimal
    loss_at_stop: Decimal | None


def costs_of(case: Case, qty: Decimal) -> Costs:
    """Fees are counted on the notional at the price they are paid at: the exit fee at the stop's fill."""
    request, payoff = case.request, case.payoff
    fee_in = margin.fee(payoff.value(qty, request.entry), case.fee_in_rate)
    if request.stop is None:
        return Costs(fee_in, margin.fee(payoff.value(qty, request.entry), case.fee_out_rate), None)
    fill = stop_fill(case.side, request.stop, request.slippage_frac)
    fee_out = margin.fee(payoff.value(qty, fill), case.fee_out_rate)
    return Costs(fee_in, fee_out, fee_in + fee_out - payoff.profit(qty, request.entry, fill))


def funding_of(case: Case, qty: Decimal) -> Funding | None:
    """Funding at a constant rate and the entry price; None for what pays none."""
    rate, interval_h = case.funding_rate, case.funding_interval_h
    if rate is None:
        return None
    one = case.payoff.funding_received(qty, case.request.entry, rate)
    source = "assumed: the neutral rate of 0.01 % in 8 hours" if case.funding_assumed else case.request.funding_source
    return Funding(
        rate=rate,
        interval_h=interval_h,
        assumed=case.funding_assumed,
        source=source,
        per_settlement=one,
        per_day=one * _DAY_H / interval_h,
        horizon=one * case.request.horizon_h / interval_h,
        per_year_frac=rate * _YEAR_H / interval_h,
    )


def basis_of(case: Case, qty: Decimal) -> Basis | None:
    """What a dated contract earns by meeting spot at delivery; None without a spot price or a date."""
    spot, expiry_ns, now_ns = case.request.spot, case.instrument.expiry_ns, case.request.now_ns
    if spot is None or expiry_ns is None:
        return None
    received = case.payoff.profit(qty, case.request.entry, spot)
    basis_frac = case.request.entry / spot - 1
    days = None
    if now_ns is not None and expiry_ns > now_ns:
        days = Decimal(expiry_ns - now_ns) / DAY_NS
    return Basis(
        spot=spot,
        basis_frac=basis_frac,
        at_delivery=received,
        days_to_delivery=days,
        per_day=None if days is None else received / days,
        per_year_frac=None if days is None else basis_frac * 365 / days,
    )


def carry_of(
    case: Case, funding: Funding | None, basis: Basis | None, loan: Loan | None
) -> tuple[Decimal | None, Decimal | None]:
    """Carry per day and over the horizon in the settle currency, received positive; None where it is not known."""
    if funding is not None:
        return funding.per_day, funding.horizon
    if basis is not None and basis.per_day is not None:
        return basis.per_day, basis.per_day * case.request.horizon_h / _DAY_H
    if loan is not None and loan.interest_per_day is not None and loan.interest_horizon is not None:
        price = case.request.entry if case.side < 0 else Decimal(1)
        return -loan.interest_per_day * price, -loan.interest_horizon * price
    return None, None


def targets_of(case: Case, qty: Decimal, costs: Costs, carry_per_day: Decimal | None) -> tuple[Target, ...]:
    """Each target, nearest first, with what it brings and when carry at the present rate has eaten it."""
    entry, payoff = case.request.entry, case.payoff
    rows = []
    for price in sorted(case.request.targets, key=lambda price: abs(price - entry)):
        reward = payoff.profit(qty, entry, price)
        net = reward - costs.fee_in - margin.fee(payoff.value(qty, price), case.fee_out_rate)
        ratio, ratio_net = None, None
        if case.request.stop is not None and costs.loss_at_stop is not None:
            ratio = abs(price - entry) / abs(case.request.stop - entry)
            ratio_net = net / costs.loss_at_stop
        eats_h = None
        if carry_per_day is not None and carry_per_day < 0:
            eats_h = max(Decimal(0), net) / -carry_per_day * _DAY_H
        rows.append(
            Target(
                price=price,
                distance_frac=abs(price - entry) / entry,
                reward=reward,
                reward_net=net,
                reward_to_risk=ratio,
                reward_to_risk_net=ratio_net,
                carry_eats_h=eats_h,
            )
        )
    return tuple(rows)
