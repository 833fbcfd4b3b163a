"""Many positions on one wallet: cross margin in one-way and hedge mode.

Equity is linear in a price, maintenance convex and piecewise linear, so what is left over is concave: an account lives
between at most two prices. Both are found exactly by walking the bracket edges from zero upwards; nothing iterates, so
Fractions give exact roots.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple

from bearskin.margin._linear import notional, profit
from bearskin.margin._tiers import Tiers, maintenance
from bearskin.terms import Num


class Leg(NamedTuple, Generic[Num]):
    """One position of a cross account: its own brackets, signed quantity, signed open cost and the mark now.

    In hedge mode the long and the short of a symbol are two legs.
    """

    tiers: Tiers[Num]
    qty: Num
    cost: Num
    mark: Num


class Ray(NamedTuple, Generic[Num]):
    """A leg along one variable x: worth `weight * x` of equity, with a notional of `abs(weight) * x`."""

    tiers: Tiers[Num]
    weight: Num


def account_equity(legs: Iterable[Leg[Num]], wallet: Num) -> Num:
    """Wallet and unrealised profit of all legs at their marks."""
    total = wallet
    for leg in legs:
        total = total + profit(leg.qty, leg.cost, leg.mark)
    return total


def account_maintenance(legs: Sequence[Leg[Num]]) -> Num:
    """Maintenance margin of all legs at their marks, each in its own bracket; needs at least one leg."""
    total = legs[0].cost - legs[0].cost
    for leg in legs:
        total = total + maintenance(leg.tiers, notional(leg.qty, leg.mark))
    return total


def is_account_liquidated(legs: Sequence[Leg[Num]], wallet: Num) -> bool:
    """Whether the equity of the account has come down to its maintenance. Decides without dividing."""
    held = [leg for leg in legs if leg.qty != 0]
    return bool(held) and account_equity(held, wallet) <= account_maintenance(held)


def cross_liquidation_prices(
    moving: Sequence[Leg[Num]], wallet: Num, frozen: Sequence[Leg[Num]] = ()
) -> tuple[Num, ...]:
    """The prices of one symbol that liquidate the account while the other symbols stay at their marks, lowest first.

    `moving` holds the legs of that symbol (one in one-way mode, long and short in hedge mode; their marks are not
    used), `frozen` all the others. No price, one, or two: the account lives strictly between them, or beyond the one.
    An account that lives at no price gives none either; `is_account_liquidated` tells the two apart.
    Source: Binance FAQ b3c689c1f50a44cabb3a84e663b81d93 (TMM and UPNL of the other positions).
    """
    free = account_equity(frozen, wallet)
    for leg in frozen:
        free = free - maintenance(leg.tiers, notional(leg.qty, leg.mark))
    for leg in moving:
        free = free - leg.cost
    return span_edges(free, [Ray(leg.tiers, leg.qty) for leg in moving])


def joint_liquidation_moves(legs: Sequence[Leg[Num]], wallet: Num) -> tuple[Num, ...]:
    """The moves of all marks by the same fraction that liquidate the account, lowest first (1/10 is up ten per cent).

    Shorts in several coins fall together in a rally, which the price of one symbol with the others frozen hides.
    """
    free = wallet
    for leg in legs:
        free = free - leg.cost
    factors = span_edges(free, [Ray(leg.tiers, leg.qty * leg.mark) for leg in legs])
    return tuple(factor - 1 for factor in factors)


def account_survival_wallet(legs: Sequence[Leg[Num]], move: Num) -> Num:
    """The wallet used up when all marks move by the same fraction; to live through it takes strictly more."""
    moved = [leg._replace(mark=leg.mark * (1 + move)) for leg in legs]
    return account_maintenance(moved) - account_equity(moved, move - move)


def span_edges(free: Num, rays: Sequence[Ray[Num]]) -> tuple[Num, ...]:
    """The ends above zero of the span of x in which `free` plus all weights exceeds all maintenance, lowest first."""
    held = [ray for ray in rays if ray.weight != 0]
    edges = sorted(
        (ray.tiers.floor[i] / abs(ray.weight), which)
        for which, ray in enumerate(held)
        for i in range(1, len(ray.tiers.floor))
    )
    brackets = [0] * len(held)
    roots = []
    level, slope = _line(free, held, brackets)
    alive = level > 0
    for edge, which in edges:
        # slope 0 cannot cross; in rounded numbers it may seem to at an edge
        if slope != 0 and (level + slope * edge > 0) != alive:
            roots.append(-level / slope)
            alive = not alive
        brackets[which] += 1
        level, slope = _line(free, held, brackets)
    if slope < 0 if alive else slope > 0:
        roots.append(-level / slope)
    return tuple(root for root in roots if root > 0)


def _line(free: Num, rays: Sequence[Ray[Num]], brackets: Sequence[int]) -> tuple[Num, Num]:
    """What is left over between two edges, as level and slope in x."""
    level, slope = free, free - free
    for ray, i in zip(rays, brackets, strict=True):
        level = level + ray.tiers.cum[i]
        slope = slope + (ray.weight - abs(ray.weight) * ray.tiers.mmr[i])
    return level, slope
