"""Instruments, sides and brackets: the words every room speaks."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum


class Side(IntEnum):
    """The sign of a position: a short is negative, so profit is `qty * mark - cost` for both."""

    LONG = 1
    SHORT = -1

    @property
    def word(self) -> str:
        """`"long"` or `"short"`."""
        return self.name.lower()


class Product(StrEnum):
    """What kind of market a symbol names; with the venue it makes a symbol unambiguous."""

    LINEAR = "linear"  # perpetual margined and settled in the quote currency
    INVERSE = "inverse"  # perpetual margined and settled in the coin
    DATED = "dated"  # linear future with a delivery date
    DATED_INVERSE = "dated-inverse"  # coin-margined future with a delivery date
    SPOT = "spot"
    MARGIN = "margin"  # spot pair traded with borrowed coin


class MarginMode(StrEnum):
    """Whether a position stands on its own margin or on the whole wallet."""

    ISOLATED = "isolated"
    CROSS = "cross"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One tradable contract or pair and its filters.

    `tick` and `step` are in quote and base units (contracts for inverse products); `contract_size` is coins per
    contract for linear products and quote units (USD) per contract for inverse ones. `liquidation_fee_rate` is charged
    on the liquidated notional. `expiry_ns` is None for perpetuals and spot. `source` says where the filters come from.
    `market_max_qty` is the largest quantity of one market or stop order, None where it is not known.
    """

    venue: str
    symbol: str
    product: Product
    base: str
    quote: str
    settle: str
    tick: Decimal
    step: Decimal
    min_qty: Decimal
    min_notional: Decimal
    contract_size: Decimal = Decimal(1)
    taker_fee_rate: Decimal = Decimal("0.0005")
    maker_fee_rate: Decimal = Decimal("0.0002")
    liquidation_fee_rate: Decimal = Decimal("0.0125")
    expiry_ns: int | None = None
    source: str = ""
    market_max_qty: Decimal | None = None

    @property
    def inverse(self) -> bool:
        """Margined and settled in the coin."""
        return self.product in (Product.INVERSE, Product.DATED_INVERSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """One maintenance tier: from `floor` up to `cap` of notional (settle currency units).

    Maintenance margin of a notional N inside it is `N * mmr - cum`; a user may open it with up to `max_leverage`.
    """

    floor: Decimal
    cap: Decimal
    mmr: Decimal
    max_leverage: int
    cum: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Brackets:
    """The maintenance tiers of one symbol at one date, lowest first, without holes; `snapshot` names where from."""

    venue: str
    symbol: str
    snapshot: str
    rows: tuple[Bracket, ...]
