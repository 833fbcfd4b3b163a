"""Exact numbers: how they come in, how they are rounded, how they are shown."""

from __future__ import annotations

import decimal
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_UP, Decimal
from fractions import Fraction
from typing import TypeVar

from bearskin.terms._errors import BadInput

Num = TypeVar("Num", float, Decimal, Fraction)

# Decimal's ambient context belongs to the thread and holds 28 digits; ours are named and passed.
EXACT = decimal.Context(prec=60, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.DivisionByZero])
QUOTE = decimal.Context(prec=34, traps=[decimal.InvalidOperation, decimal.DivisionByZero])


def counted(number: int, one: str) -> str:
    """`1 symbol`, `2,500 symbols`: `one` is the word for one of them."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def dec(value: str | int | float | Decimal) -> Decimal:
    """The exact Decimal a person would read: `dec(0.1) == Decimal("0.1")`.

    Raises BadInput for what is not a finite number.
    """
    try:
        # numpy floats print as np.float64(...), so they go through float first
        number = Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)
    except (decimal.InvalidOperation, TypeError, ValueError):
        raise BadInput(f"{value!r} is not a number") from None
    if not number.is_finite():
        raise BadInput(f"{value!r} is not a finite number")
    return number


def _to_grid(value: Decimal, grid: Decimal, rounding: str) -> Decimal:
    steps = QUOTE.divide(value, grid).to_integral_value(rounding=rounding)
    return EXACT.multiply(steps, grid)


def tick_down(price: Decimal, tick: Decimal) -> Decimal:
    """The nearest price on the tick grid at or below `price`."""
    return _to_grid(price, tick, ROUND_FLOOR)


def tick_up(price: Decimal, tick: Decimal) -> Decimal:
    """The nearest price on the tick grid at or above `price`."""
    return _to_grid(price, tick, ROUND_CEILING)


def step_down(qty: Decimal, step: Decimal) -> Decimal:
    """The quantity on the step grid nearest to `qty` towards zero (never more than was asked)."""
    return _to_grid(qty, step, ROUND_DOWN)


def step_up(qty: Decimal, step: Decimal) -> Decimal:
    """The quantity on the step grid nearest to `qty` away from zero (never less than is owed)."""
    return _to_grid(qty, step, ROUND_UP)


def shown(value: Decimal | None, grid: Decimal = Decimal("0.01")) -> str | None:
    """`value` rounded half-even to `grid` as a plain string, for eyes and JSON; None stays None.

    Venues print prices to the tick or to two decimals; what we act on is never rounded this way.
    """
    if value is None:
        return None
    # the grid's own decimals are always written: 72000 to the cent is 72000.00
    number = _to_grid(value, grid, ROUND_HALF_EVEN).quantize(grid, context=EXACT)
    return f"{abs(number) if number == 0 else number:f}"
