"""A plan as one JSON object: money, prices, quantities and rates are strings, counts and hours numbers.

Prices and money shown are rounded half-even, prices to two decimals or the tick where that is finer, money to two
decimals, or eight in a coin. What was given (entry, stop, targets, quantities, rates) is written as it is.
"""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal

from bearskin.risk._figures import Gap, Plan, Standing
from bearskin.risk._preflight import Check
from bearskin.risk._request import brief, plain
from bearskin.terms import shown

_CENT = Decimal("0.01")
_COIN = Decimal("0.00000001")
_FRAC = Decimal("0.000001")
_TIMES = Decimal("0.0001")
_CASH = frozenset({"USD", "USDT", "USDC", "FDUSD", "BUSD", "USD1", "U", "EUR", "TUSD"})


class _Writer:
    """Writes numbers the way their kind asks for."""

    def __init__(self, plan: Plan) -> None:
        self.price_grid = min(plan.tick, _CENT)
        self.money_grid = _grid(plan.currency)
        self.loan_grid = _grid(plan.loan.currency) if plan.loan is not None else self.money_grid

    def price(self, value: Decimal | None) -> str | None:
        return shown(value, self.price_grid)

    def money(self, value: Decimal | None) -> str | None:
        return shown(value, self.money_grid)

    def owed(self, value: Decimal | None) -> str | None:
        return shown(value, self.loan_grid)


def _grid(currency: str) -> Decimal:
    return _CENT if currency in _CASH else _COIN


def _exact(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _hours(value: Decimal) -> int | float:
    """Counts and times are numbers: whole hours as an integer, others to the hundredth."""
    return int(value) if value == value.to_integral_value() else float(brief(value, _CENT))


def _frac(value: Decimal | None) -> str | None:
    return shown(value, _FRAC)


def plan_json(plan: Plan) -> dict[str, object]:
    """The plan as docs/plan.md describes it; names do not change without a new version of the package."""
    writer = _Writer(plan)
    return {
        "verdict": plan.verdict,
        "reasons": list(plan.reasons),
        "warnings": list(plan.warnings),
        "assumptions": list(plan.assumptions),
        "venue": plan.venue,
        "symbol": plan.symbol,
        "product": plan.product.value,
        "side": plan.side.word,
        "purpose": plan.purpose,
        "preset": plan.preset,
        "margin_mode": plan.margin_mode.value,
        "currency": plan.currency,
        "entry": plain(plan.entry),
        "stop": _exact(plan.stop),
        "stop_distance_frac": _frac(plan.stop_distance_frac),
        "qty": _exact(plan.qty),
        "contracts": _exact(plan.contracts),
        "notional": writer.money(plan.notional),
        "face_value": shown(plan.face_value),
        "equity": writer.money(plan.equity),
        **_standing_json(writer, plan.standing),
        "margin_share_frac": _frac(plan.margin_share_frac),
        "liquidation_distance_frac": _frac(plan.liquidation_distance_frac),
        "fee_in": writer.money(plan.fee_in),
        "fee_out": writer.money(plan.fee_out),
        "break_even_price": writer.price(plan.break_even_price),
        "loss_at_stop": writer.money(plan.loss_at_stop),
        "loss_at_stop_frac": _frac(plan.loss_at_stop_frac),
        "loss_at_stop_of_margin_frac": _frac(plan.loss_at_stop_of_margin_frac),
        "horizon_h": _hours(plan.horizon_h),
        "carry_per_day": writer.money(plan.carry_per_day),
        "carry_horizon": writer.money(plan.carry_horizon),
        "funding": _funding_json(writer, plan),
        "basis": _basis_json(writer, plan),
        "loan": _loan_json(writer, plan),
        "sizing": _sizing_json(plan),
        "targets": [
            {
                "price": plain(row.price),
                "distance_frac": _frac(row.distance_frac),
                "reward": writer.money(row.reward),
                "reward_net": writer.money(row.reward_net),
                "reward_to_risk": _frac(row.reward_to_risk),
                "reward_to_risk_net": _frac(row.reward_to_risk_net),
                "carry_eats_h": None if row.carry_eats_h is None else _hours(row.carry_eats_h),
            }
            for row in plan.targets
        ],
        "gaps": [_gap_json(writer, row) for row in plan.gaps],
        "survival": [
            {
                "move_frac": plain(row.move_frac),
                "wallet_above": writer.money(row.wallet_above),
                "extra": writer.money(row.extra),
                "leverage_below": shown(row.leverage_below, _TIMES),
            }
            for row in plan.survival
        ],
        "history_source": plan.history_source,
        "checks": [_check_json(check) for check in plan.checks],
    }


_STANDING_KINDS = {
    "price": ("liquidation_price", "liquidation_price_after_fee", "bankruptcy_price"),
    "money": ("initial_margin", "margin", "cross_wallet", "maintenance_margin", "worst_loss"),
}


def _standing_json(writer: _Writer, standing: Standing | None) -> dict[str, object]:
    out: dict[str, object] = {}
    for field in fields(Standing):
        value = None if standing is None else getattr(standing, field.name)
        if field.name in _STANDING_KINDS["price"]:
            out[field.name] = writer.price(value)
        elif field.name in _STANDING_KINDS["money"]:
            out[field.name] = writer.money(value)
        elif field.name == "leverage":
            out[field.name] = None if value is None else brief(value)
        elif field.name == "margin_ratio":
            out[field.name] = _frac(value)
        else:
            out[field.name] = value
    return out


def _funding_json(writer: _Writer, plan: Plan) -> dict[str, object] | None:
    funding = plan.funding
    if funding is None:
        return None
    return {
        "rate": plain(funding.rate),
        "interval_h": _hours(funding.interval_h),
        "assumed": funding.assumed,
        "source": funding.source,
        "per_settlement": writer.money(funding.per_settlement),
        "per_day": writer.money(funding.per_day),
        "horizon": writer.money(funding.horizon),
        "per_year_frac": _frac(funding.per_year_frac),
    }


def _basis_json(writer: _Writer, plan: Plan) -> dict[str, object] | None:
    basis = plan.basis
    if basis is None:
        return None
    return {
        "spot": plain(basis.spot),
        "basis_frac": _frac(basis.basis_frac),
        "at_delivery": writer.money(basis.at_delivery),
        "days_to_delivery": None if basis.days_to_delivery is None else float(brief(basis.days_to_delivery)),
        "per_day": writer.money(basis.per_day),
        "per_year_frac": _frac(basis.per_year_frac),
    }


def _loan_json(writer: _Writer, plan: Plan) -> dict[str, object] | None:
    loan = plan.loan
    if loan is None:
        return None
    return {
        "currency": loan.currency,
        "principal": writer.owed(loan.principal),
        "rate_h": _exact(loan.rate_h),
        "interest_per_hour": writer.owed(loan.interest_per_hour),
        "interest_per_day": writer.owed(loan.interest_per_day),
        "interest_30d": writer.owed(loan.interest_30d),
        "interest_horizon": writer.owed(loan.interest_horizon),
        "charges_horizon": loan.charges_horizon,
        "owed_horizon": writer.owed(loan.owed_horizon),
        "buy_back_qty": _exact(loan.buy_back_qty),
        "margin_level": _frac(loan.margin_level),
        "liquidation_level": plain(loan.liquidation_level),
    }


def _sizing_json(plan: Plan) -> dict[str, object] | None:
    sizing = plan.sizing
    if sizing is None:
        return None
    return {
        "bound_by": sizing.bound_by,
        "caps": {name: shown(value, _COIN) for name, value in sizing.caps},
        "unchecked": list(sizing.unchecked),
        "risk_frac": _exact(sizing.risk_frac),
    }


def _gap_json(writer: _Writer, row: Gap) -> dict[str, object]:
    return {
        "label": row.label,
        "move_frac": plain(row.move_frac),
        "mark": writer.price(row.mark),
        "pnl": writer.money(row.pnl),
        "isolated_equity": writer.money(row.isolated_equity),
        "isolated_liquidated": row.isolated_liquidated,
        "isolated_loss": writer.money(row.isolated_loss),
        "cross_equity": writer.money(row.cross_equity),
        "cross_liquidated": row.cross_liquidated,
        "cross_loss": writer.money(row.cross_loss),
        "margin_level": _frac(row.margin_level),
        "owed": writer.money(row.owed),
    }


def _check_json(check: Check) -> dict[str, object]:
    return {
        "name": check.name,
        "status": check.status,
        "have": check.have or None,
        "need": check.need or None,
        "detail": check.detail or None,
        "reason": None if check.reason is None else check.reason.value,
    }
