"""Rates as people write them: `1%`, `0.01` and `10bp` are what the rest of the house calls a fraction."""

from __future__ import annotations

from decimal import Context, Decimal

from bearskin.terms import BadInput, dec

Number = str | int | float | Decimal

# what no price, size or rate of a market goes beyond
_LEAST, _MOST = Decimal("1e-15"), Decimal("1e15")
_DIGITS = 24  # products of two such numbers are still exact
_WRITTEN = Context(prec=10_000)
_UNITS = {"%": Decimal(100), "bps": Decimal(10_000), "bp": Decimal(10_000)}


def rate_of(value: Number, name: str) -> Decimal:
    """`1%`, `100bp` and `0.01` all give Decimal("0.01"); the sign is kept. Raises BadInput that names the option."""
    if isinstance(value, str):
        text = value.strip().lower()
        for unit, per in _UNITS.items():
            if text.endswith(unit):
                return _number(text[: -len(unit)].strip(), value, name) / per
    return _number(value, value, name)


def share_of(value: Number, name: str) -> Decimal:
    """A rate from 0 to below 1; says so when a per cent sign was probably forgotten."""
    rate = rate_of(value, name)
    if not 0 <= rate < 1:
        hint = f"; for {value} per cent write {value}%" if 1 <= rate <= 100 and "%" not in str(value) else ""
        raise BadInput(f"{name} was {value}, must be 0 or more and below 1 (100%){hint}")
    return rate


def number_of(value: Number, name: str) -> Decimal:
    """A finite number, as exact as it was written; raises BadInput that names the option."""
    return _number(value, value, name)


def positive_of(value: Number, name: str) -> Decimal:
    """A number above zero: what users give is positive, the side gives the sign."""
    number = _number(value, value, name)
    if number <= 0:
        raise BadInput(f"{name} was {value}, must be above zero (the side gives the sign)")
    return number


def leverage_of(value: Number, name: str) -> Decimal:
    """A leverage as people write it, `5` or `5x`, at least 1."""
    text = value.strip().lower().removesuffix("x") if isinstance(value, str) else value
    number = _number(text, value, name)
    if number < 1:
        raise BadInput(f"{name} was {value}, must be 1 or more, such as 5 or 5x")
    return number


def _number(value: Number, written: Number, name: str) -> Decimal:
    if isinstance(value, bool):
        raise BadInput(f"{name} was {written}, must be a number")
    try:
        if isinstance(value, str) and not value.isascii():
            raise BadInput("digits are 0 to 9")
        number = dec(value.replace("_", "") if isinstance(value, str) else value)
    except BadInput:
        raise BadInput(f"{name} was {written!r}, must be a number") from None
    if number and not _LEAST <= number.copy_abs() <= _MOST:  # abs() rounds, which no context does for any exponent
        raise BadInput(f"{name} was {written}, which is out of reach: give it between 1e-15 and 1e15")
    if len(number.normalize(_WRITTEN).as_tuple().digits) > _DIGITS:
        raise BadInput(f"{name} has more than {_DIGITS} digits: no venue counts so finely")
    return number
