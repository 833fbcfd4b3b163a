"""Two sums worth seeing: a -1x token beside a short held still, and where liquidation really is."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bearskin.terms import BadInput

DAYS_MAX, MOVE_MAX = 365, 0.5
PATHS: Final = {
    "fall": "falls a little every day",
    "swing": "swings and ends where it began",
    "rise": "rises, then falls back",
    "fall-swing": "falls in large swings",
}
ENTRY: Final = Decimal(60_000)
LEVERAGES: Final = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 125)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamePath:
    """Three holders of one path, each begun with 1: the coin, a -1x token set back daily, a short of the same size.

    The short puts up what it sells for (1x) and keeps its quantity; `funding` is what it has received by the end.
    """

    market: tuple[float, ...]
    token: tuple[float, ...]
    short: tuple[float, ...]
    funding: float

    def to_json(self) -> dict[str, Any]:
        """As the API tells it."""
        ends = {name: f"{getattr(self, name)[-1] - 1:.6f}" for name in ("market", "token", "short")}
        days = [
            {"day": day, "market": f"{one[0]:.6f}", "token": f"{one[1]:.6f}", "short": f"{one[2]:.6f}"}
            for day, one in enumerate(zip(self.market, self.token, self.short, strict=True))
        ]
        return {"end": ends, "funding": f"{self.funding:.6f}", "days": days}


def price_path(name: str, days: int, move: float) -> tuple[float, ...]:
    """A made-up path of `days` daily closes from 1 on, by its name in `PATHS`; `move` is the size of a day's move.

    Raises BadInput for what is no path, and for days and moves that cannot be.
    """
    if name not in PATHS:
        raise BadInput(f"the path was {name[:40]!r}, must be one of {', '.join(PATHS)}")
    if not 2 <= days <= DAYS_MAX:
        raise BadInput(f"days was {days}, must be between 2 and {DAYS_MAX}")
    if not (math.isfinite(move) and 0 < move <= MOVE_MAX):
        raise BadInput(f"the daily move was {move}, must be above 0 and at most {MOVE_MAX}")
    made = [1.0]
    for day in range(1, days + 1):
        match name:
            case "fall":
                made.append(made[-1] * (1 - move / 4))
            case "swing":
                made.append(1.0 if day % 2 == 0 else 1 + move)
            case "rise":
                up = day <= days // 2
                made.append(made[-1] * (1 + move / 2 if up else 1 / (1 + move / 2)))
            case _:
                made.append(made[-1] * (1 - move / 4) * (1 + move if day % 2 else 1 / (1 + move)))
    return tuple(made)


def same_path(prices: tuple[float, ...], funding_per_day: float = 0.0) -> SamePath:
    """What became of 1 in each of the three; `prices` are daily closes, fees are left away for all of them.

    The token cannot go below zero; the short ends where its margin is used up, as it would be liquidated before that.
    Raises BadInput for fewer than two prices or one that is not above zero.
    """
    if len(prices) < 2 or not all(math.isfinite(price) and price > 0 for price in prices):
        raise BadInput("a path needs two prices at least, all above zero")
    token, short, funding, dead = [1.0], [1.0], 0.0, False
    for before, now in itertools.pairwise(prices):
        token.append(token[-1] * max(0.0, 2 - now / before))
        if not dead:
            funding += funding_per_day * before / prices[0]
        value = 0.0 if dead else 2 - now / prices[0] + funding
        dead = dead or value <= 0
        short.append(max(0.0, value))
    market = tuple(price / prices[0] for price in prices)
    return SamePath(market=market, token=tuple(token), short=tuple(short), funding=funding)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far the price may rise against a short at one leverage, as fractions of its entry."""

    leverage: Decimal
    naive: Decimal
    liquidation: Decimal | None

    def to_json(self) -> dict[str, str | None]:
        """As the API tells it."""
        liquidation = None if self.liquidation is None else f"{self.liquidation:.6f}"
        return {"leverage": f"{self.leverage:f}", "naive": f"{self.naive:.6f}", "liquidation": liquidation}


def reach_of(leverage: Decimal, notional: Decimal = Decimal(6_000), symbol: str = "BTCUSDT") -> Reach:
    """Naive 1/L beside the true way to liquidation of an isolated short, by the packaged brackets.

    `liquidation` is None where the bracket of that size does not allow the leverage, or is liquidated at once. Raises
    BadInput for what is no size or leverage.
    """
    from bearskin import margin, market

    if not (leverage.is_finite() and 1 <= leverage <= 125):
        raise BadInput(f"leverage was {leverage}, must be between 1 and 125")
    if not (notional.is_finite() and 0 < notional <= 10**9):
        raise BadInput(f"notional was {notional}, must be an amount above zero")
    brackets = market.load_brackets().get("binance", symbol)
    tiers = margin.tiers_of(brackets, Decimal)
    qty, cost = -notional / ENTRY, -notional
    put_up = margin.initial_margin(notional, leverage)
    naive = margin.bankruptcy_price(qty, cost, put_up) / ENTRY - 1
    allowed = brackets.rows[margin.bracket_at(tiers, notional)].max_leverage
    if leverage > allowed or margin.is_liquidated(tiers, qty, cost, ENTRY, put_up):
        return Reach(leverage=leverage, naive=naive, liquidation=None)
    price = margin.liquidation_price(tiers, qty, cost, put_up)
    return Reach(leverage=leverage, naive=naive, liquidation=price / ENTRY - 1)


def reaches(notional: Decimal = Decimal(6_000), symbol: str = "BTCUSDT") -> tuple[Reach, ...]:
    """The same at every leverage worth a point on a chart."""
    return tuple(reach_of(Decimal(leverage), notional, symbol) for leverage in LEVERAGES)
