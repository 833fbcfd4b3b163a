"""What a series is called: venue, product, symbol, kind and interval."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bearskin.terms import BadInput, Product, interval_ns

CANDLES: Final = ("trade", "mark", "index")
KINDS: Final = (
    *CANDLES,
    "funding",
    "open-interest",
    "long-short",
    "taker",
    "liquidations",
    "trades",
    "sentiment",
    "borrow-rate",
)

# Rows that come when they come: settlements, single trades and liquidations.
EVENT: Final = "event"
# Trades the venue has merged by price and taker; their ids are not those of single trades.
AGGREGATED: Final = "agg"
# Series of the whole market belong to no product; accounts without a symbol to no symbol.
ANY_PRODUCT: Final = "any"
ANY_SYMBOL: Final = "ALL"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # a folder's name on every disk
_WITHOUT_GRID: Final = ("funding", "liquidations", "trades", "borrow-rate")
_PRODUCTS = {product.value for product in Product} | {ANY_PRODUCT}


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """The name of one series; its parts are also its path in the store.

    `interval` is a word such as `1h`, or `event` for rows without a grid (funding, single liquidations and trades).
    Raises BadInput when a part cannot be a name.
    """

    venue: str
    product: str
    symbol: str
    kind: str
    interval: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "product", str(self.product))
        if not _NAME.fullmatch(self.venue) or self.venue != self.venue.lower():
            raise BadInput(f"{self.venue!r} is not a venue: write its lower-case name, such as binance")
        if self.product not in _PRODUCTS:
            raise BadInput(f"{self.product!r} is not a product: write one of {', '.join(sorted(_PRODUCTS))}")
        if not _NAME.fullmatch(self.symbol):
            raise BadInput(
                f"{self.symbol[:120]!r} is not a symbol: "
                "up to 100 letters, digits, dots, dashes and underscores, as in BTCUSDT"
            )
        if self.kind not in KINDS:
            raise BadInput(f"{self.kind!r} is not a kind of series: write one of {', '.join(KINDS)}")
        if self.interval not in (EVENT, AGGREGATED):
            interval_ns(self.interval)
        elif self.kind not in _WITHOUT_GRID:
            raise BadInput(f"{self.kind} rows have an interval such as 1h, {self.interval!r} is not one")

    @property
    def step_ns(self) -> int | None:
        """Nanoseconds between rows; None for rows without a grid."""
        return None if self.interval in (EVENT, AGGREGATED) else interval_ns(self.interval)

    def __str__(self) -> str:
        return f"{self.venue}/{self.product}/{self.symbol}/{self.kind}/{self.interval}"


# The mood of the made-up market, which the Fear & Greed index of real ones says nothing about.
SYNTHETIC_SENTIMENT: Final = SeriesKey("synthetic", ANY_PRODUCT, "FEAR-GREED", "sentiment", "1d")

# The Fear & Greed index of alternative.me: one value a day for the whole market.
SENTIMENT: Final = SeriesKey("alternative.me", ANY_PRODUCT, "FEAR-GREED", "sentiment", "1d")
