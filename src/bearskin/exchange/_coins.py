"""What the coins of the demo market are like: round prices, and volatility and depth of the order of the real ones.

Chosen by hand. They prove nothing about any market; they make one that is worth practising on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bearskin.terms import UnknownSymbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Coin:
    """One coin of the demo market.

    `vol_day` is its own volatility as a fraction per square root of a day, beside `beta` times the factor that all
    share. Money is in quote currency: `top` rests at the best price on a side, `depth` within one per cent of it,
    `volume_day` is printed in a day.
    """

    symbol: str
    price: float
    beta: float
    vol_day: float
    top: float
    depth: float
    volume_day: float


COINS: Final[dict[str, Coin]] = {
    name: Coin(symbol=name, price=price, beta=beta, vol_day=vol, top=top, depth=depth, volume_day=volume)
    for name, price, beta, vol, top, depth, volume in (
        ("BTCUSDT", 60_000.0, 0.95, 0.008, 150e3, 20e6, 4e8),
        ("ETHUSDT", 3_000.0, 1.35, 0.017, 80e3, 12e6, 3e8),
        ("SOLUSDT", 150.0, 1.50, 0.022, 40e3, 5e6, 1e8),
        ("XRPUSDT", 2.0, 1.35, 0.026, 30e3, 3e6, 6e7),
        ("DOGEUSDT", 0.2, 1.60, 0.024, 20e3, 2e6, 4e7),
        ("1000PEPEUSDT", 0.01, 1.85, 0.034, 10e3, 1e6, 2e7),
    )
}
DEFAULT_SYMBOLS: Final = tuple(COINS)
# for symbols we only have candles of: a thin market, so that size matters there
_OTHER: Final = Coin(symbol="", price=1.0, beta=1.5, vol_day=0.03, top=10e3, depth=1e6, volume_day=2e7)


def coin_of(symbol: str) -> Coin:
    """How `symbol` trades here; a thin market for one not in the table."""
    return COINS.get(symbol, _OTHER)


def start_price(symbol: str) -> float:
    """The price a made-up market starts from; raises UnknownSymbol for one not in the table."""
    if symbol not in COINS:
        raise UnknownSymbol(
            f"the synthetic market has no {symbol!r}: it has {', '.join(COINS)}; other symbols take --prices replay "
            "or manual"
        )
    return COINS[symbol].price
