"""Numbers as the venue prints them: text, never with an exponent, money cut to eight digits."""

from __future__ import annotations

import decimal
from decimal import Decimal

from bearskin.terms import QUOTE

CENT_8 = Decimal("0.00000001")
NS_PER_MS = 1_000_000
CUTTING = decimal.Context(prec=60, rounding=decimal.ROUND_DOWN, traps=[decimal.InvalidOperation])


def money(amount: Decimal) -> str:
    """An amount with eight digits, the rest cut off as the venue does (1008.6736121277 is 1008.67361212)."""
    cut = CUTTING.quantize(amount, CENT_8)
    return format(cut, "f") if cut else "0.00000000"


def bare(number: Decimal) -> str:
    """A number with no more digits than it needs."""
    if not number:
        return "0"
    return format(number.normalize(CUTTING), "f")


def price_of(number: Decimal) -> str:
    """A derived price (entry, break-even, liquidation): eight digits, half-even, no more than needed."""
    return bare(QUOTE.quantize(number, CENT_8))


def digits_of(grid: Decimal) -> int:
    """Digits behind the point that multiples of `grid` need."""
    exponent = grid.normalize(CUTTING).as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


class Grid:
    """Whole ticks or steps of one size, to and from text."""

    __slots__ = ("_unit", "digits", "size")

    def __init__(self, size: Decimal) -> None:
        self.size = size
        self.digits = digits_of(size)
        self._unit = int(size.scaleb(self.digits))

    def text(self, count: int) -> str:
        """`count` ticks or steps as a price or quantity, with all its digits."""
        number = str(count * self._unit)
        digits = self.digits
        if not digits:
            return number
        if count < 0:
            return "-" + self.text(-count)
        if len(number) <= digits:
            number = number.zfill(digits + 1)
        return number[:-digits] + "." + number[-digits:]

    def number(self, count: int) -> Decimal:
        """`count` ticks or steps as a number, exact."""
        return CUTTING.multiply(self.size, Decimal(count))

    def show(self, number: Decimal) -> str:
        """A number on the grid (or off it, then cut) with the grid's digits."""
        return format(CUTTING.quantize(number, Decimal(1).scaleb(-self.digits)), "f")
