"""Our own liquidation price of a position that the venue shows, from what the venue says of it and our brackets."""

from __future__ import annotations

from decimal import Decimal

from bearskin.engine._desk import Market
from bearskin.margin import Leg, cross_liquidation_prices, liquidation_price, quoting, tiers_of
from bearskin.terms import AccountNow, MarginMode, PositionNow


def liquidation_prices(market: Market, account: AccountNow, now: PositionNow) -> tuple[Decimal, ...] | None:
    """The prices at which the position would be liquidated, lowest first; None where a figure it takes is missing.

    An isolated position stands on its `margin` (without open profit), a cross one on the wallet together with all other
    cross positions at their marks.
    """
    with quoting():
        if now.margin_mode is MarginMode.ISOLATED:
            leg = _leg(market, now)
            if leg is None or now.margin is None:
                return None
            price = liquidation_price(leg.tiers, leg.qty, leg.cost, now.margin)
            return (price,) if price else ()
        if now.margin_mode is None:
            return None
        moving: list[Leg[Decimal]] = []
        frozen: list[Leg[Decimal]] = []
        free = account.wallet
        for other in account.positions:
            if other.margin_mode is MarginMode.ISOLATED:
                if other.margin is None:
                    return None
                free -= other.margin
                continue
            leg = _leg(market, other)
            if leg is None or (other.symbol != now.symbol and other.mark is None):
                return None
            (moving if other.symbol == now.symbol else frozen).append(leg)
        return cross_liquidation_prices(moving, free, frozen)


def _leg(market: Market, now: PositionNow) -> Leg[Decimal] | None:
    found = market.get(now.symbol)
    if found is None or found[1] is None or found[0].inverse:
        return None
    return Leg(tiers_of(found[1], Decimal), now.qty, now.qty * now.entry, now.mark or now.entry)
