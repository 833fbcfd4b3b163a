"""How positions end when nobody closes them: delivery and automatic deleveraging."""

from __future__ import annotations

from collections.abc import Sequence

from bearskin.margin._formula import formula
from bearskin.margin._linear import fee, notional, profit
from bearskin.margin._tiers import Column
from bearskin.terms import Num

# One index sample a second over the last half hour before 08:00 UTC on the delivery day, since 2024-11-11.
DELIVERY_SAMPLES = 1800


@formula
def delivery_price(samples: Column[Num]) -> Num:
    """Settlement price of a dated contract: the plain mean of the index samples.

    Source: Binance announcement of 2024-11-04.
    """
    total = samples[0]
    for i in range(1, len(samples)):
        total = total + samples[i]
    return total / len(samples)


@formula
def delivery_received(qty: Num, cost: Num, price: Num, fee_rate: Num) -> Num:
    """What a linear position pays into the wallet at delivery: its profit less the taker fee on its notional.

    Source: Binance FAQ a3401595 (delivery is charged as a taker's fill).
    """
    return profit(qty, cost, price) - fee(notional(qty, price), fee_rate)


@formula
def adl_score(unrealized: Num, wallet: Num, maintenance_margin: Num) -> Num:
    """How early a position is deleveraged: profit over wallet times margin ratio; a loser scores zero.

    Source: Binance FAQ 360033525471.
    """
    zero = unrealized - unrealized
    balance = wallet + unrealized
    if balance <= 0:
        return zero
    base = wallet if wallet > 1 else zero + 1
    return max(unrealized, zero) / base * maintenance_margin / balance


def adl_order(scores: Sequence[Num]) -> tuple[int, ...]:
    """Indices of the positions of one side in the order they are deleveraged: highest score first, ties by index."""
    return tuple(sorted(range(len(scores)), key=lambda i: (-scores[i], i)))


def adl_quantile(place: int, users: int) -> int:
    """The lights shown beside a position: 4 for the fifth that is deleveraged first, 0 for the last fifth.

    `place` counts from 0 in `adl_order`. The venue does not publish how it cuts the fifths; these are equal ones.
    """
    return divmod(5 * (users - 1 - place), users)[0]
