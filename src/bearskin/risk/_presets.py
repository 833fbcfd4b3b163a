"""How much is too much: four named sets of limits, and what going beyond one takes.

A limit of a preset is a choice the user can overrule out loud (`allow_beyond_preset`); what the venue or arithmetic
forbids (leverage above the bracket, liquidation before the stop, margin that is not there) cannot be overruled.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bearskin.terms import BadInput, MarginMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Limits for one temperament.

    `risk_frac` and `margin_share_frac` are fractions of equity, `leverage_max` a multiple. `liquidation_stop_ratio`
    is how many stop distances away liquidation must at least be. `tier_max` is the highest maintenance tier that sizing
    fills on its own: a venue's first tier ends where it starts to worry about getting out. None means no such limit.
    """

    name: str
    leverage_max: Decimal
    risk_frac: Decimal | None
    margin_mode: MarginMode
    margin_share_frac: Decimal | None
    tier_max: int | None
    liquidation_stop_ratio: Decimal = Decimal(2)
    reward_to_risk_min: Decimal = Decimal(1)
    cost_multiple_min: Decimal = Decimal(3)
    hedge: bool = False
    about: str = ""


_FIVE_PER_CENT = Decimal("0.05")

PRESETS: dict[str, Preset] = {
    "beginner": Preset(
        name="beginner",
        leverage_max=Decimal(3),
        risk_frac=Decimal("0.005"),
        margin_mode=MarginMode.ISOLATED,
        margin_share_frac=_FIVE_PER_CENT,
        tier_max=1,
        about="first shorts: 3x at most, half a per cent of equity at risk, each position on its own margin",
    ),
    "standard": Preset(
        name="standard",
        leverage_max=Decimal(5),
        risk_frac=Decimal("0.01"),
        margin_mode=MarginMode.ISOLATED,
        margin_share_frac=_FIVE_PER_CENT,
        tier_max=1,
        about="the default: 5x at most, one per cent of equity at risk, each position on its own margin",
    ),
    "pro": Preset(
        name="pro",
        leverage_max=Decimal(10),
        risk_frac=Decimal("0.02"),
        margin_mode=MarginMode.ISOLATED,
        margin_share_frac=None,
        tier_max=None,
        about="10x at most, two per cent of equity at risk, no cap on the share of equity put up as margin",
    ),
    "hedge": Preset(
        name="hedge",
        leverage_max=Decimal(5),
        risk_frac=None,
        margin_mode=MarginMode.CROSS,
        margin_share_frac=None,
        tier_max=None,
        liquidation_stop_ratio=Decimal(1),  # at most a disaster stop just inside liquidation
        hedge=True,
        about="insurance for coins held: 5x at most on the whole wallet, no ordinary stop, margin for a named shock",
    ),
}


def preset_with(leverage: Decimal) -> Preset | None:
    """The most careful preset that allows this leverage; None where none does. A hedge's limits are not among them."""
    return next((one for one in PRESETS.values() if not one.hedge and leverage <= one.leverage_max), None)


def above(preset: Preset, leverage: Decimal) -> str:
    """What to say of a leverage above a preset: its name, and which preset takes that much."""
    if preset.hedge:
        return f"preset {preset.name}"
    taker = preset_with(leverage)
    most = max(one.leverage_max for one in PRESETS.values() if not one.hedge)
    other = f"none takes more than {most}x" if taker is None else f"preset {taker.name} takes it"
    return f"preset {preset.name}; {other}"


def preset_of(name: str) -> Preset:
    """The preset called `name`; raises BadInput naming the four."""
    try:
        return PRESETS[name]
    except KeyError:
        raise BadInput(f"{name!r} is not a preset: choose {', '.join(PRESETS)}") from None
