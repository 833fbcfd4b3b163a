"""The pair of sliders: a wider stop against lower leverage, at the same share of the margin lost at the stop."""

from __future__ import annotations

import decimal
from decimal import Decimal

from bearskin.terms import QUOTE, Side, tick_down, tick_up

DISTANCE_LEAST, DISTANCE_MOST = Decimal("0.001"), Decimal("0.3")


def distance_of(entry: Decimal, stop: Decimal, side: Side) -> Decimal:
    """How far the stop is from the entry, as a fraction of it; negative on the wrong side."""
    return QUOTE.divide((entry - stop) * side, entry)


def stop_at(entry: Decimal, distance_frac: Decimal, side: Side, tick: Decimal) -> Decimal:
    """The stop at a distance, on the grid, off it the nearest price further away."""
    exact = entry * (1 - side * distance_frac)
    return tick_up(exact, tick) if side < 0 else tick_down(exact, tick)


def distance_for(share: Decimal, leverage: Decimal) -> Decimal:
    """The distance at which a stop loses `share` of the margin at this leverage."""
    return min(max(QUOTE.divide(share, leverage), DISTANCE_LEAST), DISTANCE_MOST)


def leverage_for(share: Decimal, distance_frac: Decimal, top: Decimal) -> Decimal:
    """The largest whole leverage up to `top` at which a stop this far away loses at most `share` of the margin."""
    exact = QUOTE.divide(share, distance_frac)
    # a distance on the price grid is a hair too wide for the share it came from
    whole = (exact + Decimal("0.001")).to_integral_value(rounding=decimal.ROUND_FLOOR)
    return max(Decimal(1), min(whole, top))
