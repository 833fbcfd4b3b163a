"""What a backtest is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import polars as pl

from bearskin.market import Panel
from bearskin.setups import GuardRules, Template
from bearskin.terms import BadInput, MarginMode, Side, iso

HOLD = "hold"  # the yardstick: a fixed quantity held over the whole set, no set-up at all
FRACTION_MAX = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRequest:
    """Which set-ups are traded on which sides, with what money, at what cost.

    `setups` None means all; `("hold",)` holds `qty` coins of every symbol from the first bar to the last (short unless
    `sides` names only the long side), without stop and without liquidation, as a yardstick. `risk_frac` and `heat_frac`
    are fractions of equity: at risk in one trade, and in all open trades together. Fees None are the instrument's own.
    `slippage_frac` worsens market and stop fills. `stop_trigger` says which price triggers stops. `funding` "charge"
    refuses symbols without a funding series, "ignore" leaves funding out. `no_preflight` (research only) trades what
    preflight would refuse. `entry` overrides how a set-up enters: "market" at the next open, "limit" at the signal's
    price. `target1_share` of the position leaves at the first of two targets. `trail_atr` adds a chandelier stop that
    many ATR behind the best price (0: as the set-up asks). `guard_rules` stand in for the guards' defaults;
    `families_min` is how many kinds of evidence (structure, positioning, flow) a signal needs, those without data not
    asked for (0: none).

    What a sweep varies: `params` (a set-up's name to its parameters) and `template` change what is found; `stop_scale`
    multiplies the distance from the entry to the stop, `stop_frac` puts the stop that fraction of the entry price away
    instead; `target_r` (in risks) or `target_frac` (of the entry price) is the one target instead of the set-up's;
    `hold_bars` is the time stop (0: none); without `invalidation` a close beyond it is no exit; `cost_scale` multiplies
    taker and maker fees and slippage. Guards judge the trade as the set-up asked for it; a stop or target given here is
    not measured against the template's limits in ATR and risks.

    Bars are used from `start_ns` up to before `end_ns`; set-ups may look back further.
    """

    setups: tuple[str, ...] | None = None
    sides: tuple[Side, ...] = (Side.SHORT, Side.LONG)
    equity: Decimal = Decimal(10_000)
    risk_frac: Decimal = Decimal("0.01")
    heat_frac: Decimal = Decimal("0.03")
    leverage: Decimal = Decimal(5)
    margin_mode: MarginMode = MarginMode.ISOLATED
    preset: str = "standard"
    taker_fee_rate: Decimal | None = None
    maker_fee_rate: Decimal | None = None
    slippage_frac: Decimal = Decimal("0.0002")
    stop_trigger: Literal["mark", "last"] = "mark"
    funding: Literal["charge", "ignore"] = "charge"
    no_preflight: bool = False
    guards: bool = True
    guard_rules: GuardRules | None = None
    families_min: int = 0
    entry: Literal["market", "limit"] | None = None
    target1_share: Decimal = Decimal("0.5")
    trail_atr: Decimal = Decimal(0)
    qty: Decimal = Decimal(1)
    start_ns: int | None = None
    end_ns: int | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    template: Template | None = None
    stop_scale: Decimal = Decimal(1)
    stop_frac: Decimal | None = None
    target_r: Decimal | None = None
    target_frac: Decimal | None = None
    hold_bars: int | None = None
    invalidation: bool = True
    cost_scale: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        """Raises BadInput for figures that make no sense."""
        for name in ("equity", "leverage", "qty", "risk_frac", "heat_frac"):
            value = getattr(self, name)
            if not value > 0:
                raise BadInput(f"{name} must be positive, was {value}")
        for name in ("risk_frac", "heat_frac", "slippage_frac", "target1_share", "taker_fee_rate", "maker_fee_rate"):
            value = getattr(self, name)
            if value is not None and value > FRACTION_MAX:
                raise BadInput(f"{name} is a fraction of at most 1, was {value}: write 0.01 for one per cent")
        for name in ("slippage_frac", "target1_share", "trail_atr"):
            if getattr(self, name) < 0:
                raise BadInput(f"{name} must not be negative, was {getattr(self, name)}")
        if self.setups == () or not self.sides:
            raise BadInput("a backtest needs at least one set-up and one side")
        if self.setups is not None and HOLD in self.setups and len(self.setups) > 1:
            raise BadInput("hold is a yardstick of its own: it cannot be run together with set-ups")
        if self.start_ns is not None and self.end_ns is not None and self.start_ns >= self.end_ns:
            raise BadInput(f"the start {iso(self.start_ns)} must lie before the end {iso(self.end_ns)}")
        self._check_overrides()

    def _check_overrides(self) -> None:
        for name in ("stop_scale", "stop_frac", "target_r", "target_frac"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise BadInput(f"{name} must be positive, was {value}")
        for name in ("stop_frac", "target_frac"):
            value = getattr(self, name)
            if value is not None and value >= FRACTION_MAX:
                raise BadInput(f"{name} is a fraction of the price below 1, was {value}: write 0.02 for two per cent")
        if self.cost_scale < 0:
            raise BadInput(f"cost_scale must not be negative, was {self.cost_scale}")
        if self.hold_bars is not None and self.hold_bars < 0:
            raise BadInput(f"hold_bars must not be negative, was {self.hold_bars}: 0 is no time stop")
        if self.stop_frac is not None and self.stop_scale != 1:
            raise BadInput("stop_scale and stop_frac both say where the stop goes: give one of them")
        if self.target_r is not None and self.target_frac is not None:
            raise BadInput("target_r and target_frac both say where the target goes: give one of them")

    @property
    def holds(self) -> bool:
        """Whether this is the yardstick instead of set-ups."""
        return self.setups == (HOLD,)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestResult:
    """What happened. Frames are described in docs/backtest.md; `notes` label what was assumed or estimated."""

    request: BacktestRequest
    trades: pl.DataFrame
    equity: pl.DataFrame
    declined: pl.DataFrame
    summary: dict[str, object]
    by_setup: pl.DataFrame
    by_side: pl.DataFrame
    monthly: pl.DataFrame
    missing: pl.DataFrame
    notes: tuple[str, ...]
    panels: tuple[Panel, ...] = field(repr=False)
