"""The order book of one symbol: price, then time."""

from __future__ import annotations


class Book:
    """Resting orders of one symbol, in whole ticks and steps."""
