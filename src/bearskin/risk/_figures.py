"""What a plan says: records of figures, signed, in Decimal, never rounded here."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from bearskin.risk._preflight import Check
from bearskin.terms import MarginMode, Product, Side

Verdict = Literal["go", "caution", "refused", "incomplete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """What a perpetual pays or takes; money positive = received. Counted at the entry price and a constant rate."""

    rate: Decimal
    interval_h: Decimal
    assumed: bool
    source: str
    per_settlement: Decimal
    per_day: Decimal
    horizon: Decimal
    per_year_frac: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """A dated contract against spot; money positive = received by holding to delivery, where both meet."""

    spot: Decimal
    basis_frac: Decimal
    at_delivery: Decimal
    days_to_delivery: Decimal | None
    per_day: Decimal | None
    per_year_frac: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """A spot-margin loan: what is borrowed in `currency`, what it costs, how near the venue is to taking over.

    Interest is charged at the advance and at every full clock hour, so 30 days are 721 charges. Interest is owed in
    `currency` and positive; None where no rate was given. `owed_horizon` is principal and interest after the horizon,
    `buy_back_qty` what a short then has to buy so that the fee, taken in coin, leaves enough to repay.
    """

    currency: str
    principal: Decimal
    rate_h: Decimal | None
    interest_per_hour: Decimal | None
    interest_per_day: Decimal | None
    interest_30d: Decimal | None
    interest_horizon: Decimal | None
    charges_horizon: int
    owed_horizon: Decimal
    buy_back_qty: Decimal | None
    margin_level: Decimal | None
    liquidation_level: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One target: what it brings before and after both fees, against the risk, and when carry has eaten it."""

    price: Decimal
    distance_frac: Decimal
    reward: Decimal
    reward_net: Decimal
    reward_to_risk: Decimal | None
    reward_to_risk_net: Decimal | None
    carry_eats_h: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The mark jumps against the position by `move_frac` at a stroke, past any stop.

    `pnl` is unrealised profit there. Isolated: the position's own margin stands behind it; once liquidated all of it is
    gone. Cross: the wallet does; the loss then includes the liquidation fee and ends where the wallet does. Loans:
    the collateral stands behind (in the isolated columns), `margin_level` is assets over debt, and
    `owed` the debt that selling everything leaves. A column that does not apply is None.
    """

    label: str
    move_frac: Decimal
    mark: Decimal
    pnl: Decimal
    isolated_equity: Decimal | None = None
    isolated_liquidated: bool | None = None
    isolated_loss: Decimal | None = None
    cross_equity: Decimal | None = None
    cross_liquidated: bool | None = None
    cross_loss: Decimal | None = None
    margin_level: Decimal | None = None
    owed: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """Living through a move takes strictly more than `wallet_above`; `extra` is what is missing now."""

    move_frac: Decimal
    wallet_above: Decimal
    extra: Decimal
    leverage_below: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """How the size came about: the cap that bound, every cap as (name, quantity), and those without data."""

    bound_by: str
    caps: tuple[tuple[str, Decimal], ...]
    unchecked: tuple[str, ...]
    risk_frac: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a sized position stands on its margin, in the settle currency; prices None where there are none."""

    leverage: Decimal
    initial_margin: Decimal
    margin: Decimal
    cross_wallet: Decimal | None
    liquidation_price: Decimal | None
    liquidation_price_after_fee: Decimal | None
    liquidation_note: str
    bankruptcy_price: Decimal | None
    bracket: int | None
    bracket_at_liquidation: int | None
    bracket_leverage_max: int | None
    brackets_snapshot: str | None
    maintenance_margin: Decimal | None
    margin_ratio: Decimal | None
    worst_loss: Decimal | None
    worst_loss_note: str


def _standing(name: str) -> Any:
    """A figure of `standing` under its own name, None while the position has no size."""

    def read(plan: Plan) -> Any:
        return None if plan.standing is None else getattr(plan.standing, name)

    return property(read, doc=f"`standing.{name}`, None while the position has no size.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One trade priced before it is made.

    Money is in `currency` (the settle currency), prices in `quote`; `qty` is signed, a short's is negative. Costs are
    positive, carry is signed with received positive. Figures that cannot be had are None, and `reasons`,
    `warnings`, `assumptions` or an `unchecked` check say why. Every name of the JSON object is an attribute, those of
    `standing` too.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    assumptions: tuple[str, ...]
    checks: tuple[Check, ...]
    venue: str
    symbol: str
    product: Product
    side: Side
    purpose: Literal["speculation", "hedge"]
    preset: str
    margin_mode: MarginMode
    currency: str
    quote: str
    tick: Decimal
    entry: Decimal
    stop: Decimal | None
    qty: Decimal | None = None
    contracts: Decimal | None = None
    notional: Decimal | None = None
    face_value: Decimal | None = None
    equity: Decimal | None = None
    standing: Standing | None = None
    margin_share_frac: Decimal | None = None
    liquidation_distance_frac: Decimal | None = None
    fee_in: Decimal | None = None
    fee_out: Decimal | None = None
    break_even_price: Decimal | None = None
    stop_distance_frac: Decimal | None = None
    loss_at_stop: Decimal | None = None
    loss_at_stop_frac: Decimal | None = None
    loss_at_stop_of_margin_frac: Decimal | None = None
    sizing: Sizing | None = None
    targets: tuple[Target, ...] = ()
    gaps: tuple[Gap, ...] = ()
    survival: tuple[Survival, ...] = ()
    funding: Funding | None = None
    basis: Basis | None = None
    loan: Loan | None = None
    horizon_h: Decimal = Decimal(24)
    carry_per_day: Decimal | None = None
    carry_horizon: Decimal | None = None
    history_source: str | None = None

    leverage = _standing("leverage")
    initial_margin = _standing("initial_margin")
    margin = _standing("margin")
    cross_wallet = _standing("cross_wallet")
    liquidation_price = _standing("liquidation_price")
    liquidation_price_after_fee = _standing("liquidation_price_after_fee")
    liquidation_note = _standing("liquidation_note")
    bankruptcy_price = _standing("bankruptcy_price")
    bracket = _standing("bracket")
    bracket_at_liquidation = _standing("bracket_at_liquidation")
    bracket_leverage_max = _standing("bracket_leverage_max")
    brackets_snapshot = _standing("brackets_snapshot")
    maintenance_margin = _standing("maintenance_margin")
    margin_ratio = _standing("margin_ratio")
    worst_loss = _standing("worst_loss")
    worst_loss_note = _standing("worst_loss_note")

    def to_json(self) -> dict[str, object]:
        """The plan as one JSON object: money, prices, quantities and rates as strings; docs/plan.md tells each name."""
        from bearskin.risk._json import plan_json

        return plan_json(self)
