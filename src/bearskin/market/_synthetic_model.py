"""What the synthetic coins are made of: figures chosen by hand, near those of real markets in 2025.

They prove nothing about any market. Daily volatility, turnover, open interest and depth are of the order of the coin
they are named after; everything that follows from them (tails, clusters, cascades, funding) is the model's own doing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from bearskin.terms import UnknownSymbol


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinModel:
    """One synthetic perpetual.

    `beta` is the exposure to the factor all coins share; volatilities are fractions per square root of a day; money
    is in quote units; `depth_usd` is what it takes to move the price by one per cent; `premium_scale` is the premium
    a wholly one-sided crowd pays; `funding_cap_rate` and `stress_rate` are per settlement: at the cap the rate is
    cut, at `stress_rate` the settlement interval is shortened. `crowd_share` is the part of open interest held with
    leverage.
    """

    symbol: str
    start_price: float
    tick: Decimal
    step: Decimal
    beta: float
    own_vol_day: float
    volume_usd_day: float
    oi_usd: float
    depth_usd: float
    premium_scale: float
    funding_interval_h: int
    funding_cap_rate: float
    stress_rate: float
    crowd_share: float = 0.15


def _coin(symbol: str, price: float, tick: str, step: str, *figures: float, hours: int, cap: float) -> CoinModel:
    beta, own, volume, oi, depth, premium = figures
    return CoinModel(
        symbol=symbol,
        start_price=price,
        tick=Decimal(tick),
        step=Decimal(step),
        beta=beta,
        own_vol_day=own,
        volume_usd_day=volume,
        oi_usd=oi,
        depth_usd=depth,
        premium_scale=premium,
        funding_interval_h=hours,
        funding_cap_rate=cap,
        stress_rate=min(cap, max(0.0015, 2.0 * premium)),
    )


# Symbols, ticks and steps as on Binance; the columns are beta, own volatility, volume, open interest, depth, premium.
COINS: Final[dict[str, CoinModel]] = {
    coin.symbol: coin
    for coin in (
        _coin("BTCUSDT", 93_500.0, "0.1", "0.001", 0.95, 0.008, 16e9, 8.0e9, 260e6, 0.0008, hours=8, cap=0.003),
        _coin("ETHUSDT", 3_330.0, "0.01", "0.001", 1.35, 0.017, 15e9, 5.0e9, 150e6, 0.0009, hours=8, cap=0.003),
        _coin("SOLUSDT", 190.0, "0.01", "0.01", 1.50, 0.022, 4e9, 1.4e9, 40e6, 0.0011, hours=8, cap=0.00375),
        _coin("XRPUSDT", 2.08, "0.0001", "0.1", 1.35, 0.026, 2e9, 0.8e9, 22e6, 0.0012, hours=8, cap=0.00375),
        _coin("DOGEUSDT", 0.315, "0.00001", "1", 1.60, 0.024, 1.4e9, 0.5e9, 14e6, 0.0013, hours=8, cap=0.004875),
        _coin("1000PEPEUSDT", 0.02, "0.0000001", "1", 1.85, 0.034, 0.8e9, 0.25e9, 7e6, 0.0016, hours=4, cap=0.02),
    )
}
SYMBOLS: Final = tuple(COINS)


def coin_of(symbol: str) -> CoinModel:
    """The model of `symbol`; raises UnknownSymbol that names the ones there are."""
    if symbol not in COINS:
        raise UnknownSymbol(f"the synthetic market has no {symbol!r}: it has {', '.join(SYMBOLS)}")
    return COINS[symbol]


class CrowdKind(NamedTuple):
    """A kind of trader in the crowd: its leverage, its share of the crowd's quantity, the notional of one position."""

    leverage: int
    share: float
    notional_usd: float


# High leverage is taken with small positions, so their brackets differ; shares are by quantity.
CROWD: Final = (
    CrowdKind(3, 0.24, 2_000_000.0),
    CrowdKind(5, 0.30, 500_000.0),
    CrowdKind(10, 0.28, 150_000.0),
    CrowdKind(20, 0.12, 40_000.0),
    CrowdKind(50, 0.05, 8_000.0),
    CrowdKind(75, 0.01, 3_000.0),
)
