"""Contracts margined and settled in the coin (inverse perpetuals and dated inverse futures).

`face` is the signed value in quote units, contracts times contract size (a short is negative). `coins` is the signed
open cost in coin, the sum of face over price: the coin counterpart of `cost`. Prices are quote per coin, money is coin,
and brackets are by notional in coin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple

from bearskin.margin._cross import Ray, span_edges
from bearskin.margin._formula import formula
from bearskin.margin._tiers import Tiers, maintenance, root_bracket
from bearskin.terms import Num


class InverseLeg(NamedTuple, Generic[Num]):
    """One inverse position of a coin wallet: its brackets, signed face, signed coins and the mark now."""

    tiers: Tiers[Num]
    face: Num
    coins: Num
    mark: Num


@formula
def inverse_cost(face: Num, price: Num) -> Num:
    """Signed coins of a fill of signed `face` at `price`; sum them up to hold a position."""
    return face / price


@formula
def inverse_notional(face: Num, price: Num) -> Num:
    """Value of a position in coin, never negative."""
    return abs(face) / price


@formula
def inverse_profit(face: Num, coins: Num, mark: Num) -> Num:
    """Unrealised profit in coin: a short gains as `mark` falls, at most without bound in coin.

    Source: BitMEX, inverse perpetual guide.
    """
    return coins - face / mark


@formula
def inverse_harmonic_entry(face: Num, coins: Num) -> Num:
    """Average entry price: the harmonic mean of the fills weighted by face, which is what keeps profit right."""
    return face / coins


@formula
def inverse_maintenance(tiers: Tiers[Num], face: Num, mark: Num) -> Num:
    """Maintenance margin in coin; the bracket is by notional in coin, so it grows as the price falls.

    Source: Binance COIN-M FAQ ceccfcfb4e3a45e3b48b0b1bb1a8ae46.
    """
    return maintenance(tiers, inverse_notional(face, mark))


@formula
def inverse_bracket_at(tiers: Tiers[Num], face: Num, mark: Num) -> int:
    """Index of the bracket of a face at a mark, found without dividing."""
    i = 0
    while i + 1 < len(tiers.floor) and abs(face) > tiers.floor[i + 1] * mark:
        i += 1
    return i


@formula
def inverse_is_liquidated(tiers: Tiers[Num], face: Num, coins: Num, mark: Num, wallet: Num) -> bool:
    """Whether equity in coin has come down to maintenance: both sides multiplied by mark, so nothing is divided."""
    if face == 0:
        return False
    i = inverse_bracket_at(tiers, face, mark)
    return (wallet + coins + tiers.cum[i]) * mark <= face + abs(face) * tiers.mmr[i]


@formula
def inverse_liquidation_price(tiers: Tiers[Num], face: Num, coins: Num, wallet: Num) -> Num:
    """The mark at which equity meets maintenance, in the bracket at that price; zero when there is none.

    A short backed by as many coins as it sold (one times leverage or less) has none: a rise cannot liquidate it.
    Source: Binance COIN-M FAQ ceccfcfb4e3a45e3b48b0b1bb1a8ae46.
    """
    if face == 0:
        return coins - coins
    # in notional the short of an inverse contract behaves as the long of a linear one
    slope = -1 if face > 0 else 1
    free = wallet + coins
    i = root_bracket(tiers, free, slope)
    level = free + tiers.cum[i]
    if level == 0:
        return coins - coins
    price = (face + abs(face) * tiers.mmr[i]) / level
    return price if price > 0 else coins - coins


@formula
def inverse_bankruptcy_price(face: Num, coins: Num, wallet: Num) -> Num:
    """The price at which equity in coin is gone; zero when there is none."""
    backing = wallet + coins
    if backing == 0:
        return coins - coins
    price = face / backing
    return price if price > 0 else coins - coins


@formula
def inverse_wallet_needed(tiers: Tiers[Num], face: Num, coins: Num, mark: Num) -> Num:
    """The coins in the wallet at which the position is liquidated exactly at `mark`; to live takes strictly more."""
    return inverse_maintenance(tiers, face, mark) - inverse_profit(face, coins, mark)


@formula
def inverse_funding_received(face: Num, mark: Num, rate: Num) -> Num:
    """Funding in coin at one settlement: positive is received. A positive rate is paid by longs to shorts."""
    return -face * rate / mark


def inverse_cross_liquidation_prices(
    moving: Sequence[InverseLeg[Num]], wallet: Num, frozen: Sequence[InverseLeg[Num]] = ()
) -> tuple[Num, ...]:
    """The prices that liquidate a coin wallet while the `frozen` legs stay at their marks, lowest first.

    `moving` holds the legs of one symbol, or of one coin when all its contracts are taken to move together.
    """
    free = wallet
    for leg in frozen:
        free = free + inverse_profit(leg.face, leg.coins, leg.mark)
        free = free - inverse_maintenance(leg.tiers, leg.face, leg.mark)
    for leg in moving:
        free = free + leg.coins
    # along x = 1 / price everything is linear, and a long loses as x grows
    roots = span_edges(free, [Ray(leg.tiers, -leg.face) for leg in moving])
    return tuple(1 / root for root in reversed(roots))
