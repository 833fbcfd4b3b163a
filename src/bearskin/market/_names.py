"""How venues call their contracts, for layouts that name only the coin or the pair."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from bearskin.terms import Product

VENUES: Final = (
    "binance",
    "bingx",
    "bitfinex",
    "bitget",
    "bitmex",
    "bybit",
    "coinbase",
    "dydx",
    "gate",
    "htx",
    "hyperliquid",
    "kraken",
    "krakenfutures",
    "kucoin",
    "lighter",
    "mexc",
    "okx",
    "synthetic",
    "weex",
)
# Whose series they are when nothing says it.
UNNAMED: Final = "unnamed"
_MARKETS: Final = {"um": Product.LINEAR, "cm": Product.INVERSE, "spot": Product.SPOT}
# The contracts a coin means on venues whose names differ; everything else is coin and quote run together.
_PERPETUALS: Final = {
    "okx": "{base}-{quote}-SWAP",
    "dydx": "{base}-{quote}",
    "hyperliquid": "{base}",
    "lighter": "{base}",
    "kraken": "PF_{base}{quote}",
    "krakenfutures": "PF_{base}{quote}",
}
_QUOTES: Final = {"dydx": "USD", "kraken": "USD", "krakenfutures": "USD"}
# OKX counts contracts; its candles come in them too.
OKX_COINS_PER_CONTRACT: Final = {"BTC": 0.01, "ETH": 0.1, "SOL": 1.0, "DOGE": 1000.0, "HYPE": 0.1}


def perpetual(venue: str, base: str, quote: str | None = None, *, inverse: bool = False) -> str:
    """The venue's own name of a perpetual on `base`; `quote` defaults to what the venue lists it in."""
    quote = quote or _QUOTES.get(venue, "USDT")
    if inverse:
        return f"{base}{quote}_PERP" if venue == "binance" else f"{base}{quote}"
    if venue in ("kraken", "krakenfutures") and base == "BTC":
        base = "XBT"
    return _PERPETUALS.get(venue, "{base}{quote}").format(base=base, quote=quote)


def venue_in(path: Path) -> str | None:
    """The venue the nearest folder is named after, or None."""
    for part in reversed(path.parts[:-1]):
        word = re.split(r"[_-]", part.lower())[0]
        if word in VENUES:
            return word
    return None


def product_in(path: Path) -> str | None:
    """The product the folders say: `spot/` before `binance_um_2025/` before nothing."""
    for part in reversed(path.parts[:-1]):
        words = re.split(r"[_-]", part.lower())
        if part.lower() in ("spot", "linear", "inverse", "dated", "margin"):
            return part.lower()
        for word in words[1:]:
            if words[0] in VENUES and word in _MARKETS:
                return _MARKETS[word].value
    return None
