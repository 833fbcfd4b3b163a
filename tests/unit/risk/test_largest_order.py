"""The venue's largest market or stop order is a cap like any other, where it is known."""

from __future__ import annotations

from decimal import Decimal

from unit.risk.cases import BRACKETS, instrument

from bearskin.risk import Sized, SizeRequest, size_position
from bearskin.terms import Side

D = Decimal


def sized(**changes) -> Sized:
    """A short of BTC that loses 1 % at its stop."""
    found = size_position(
        SizeRequest(
            side=Side.SHORT, entry=D(60_000), stop=D(60_600), equity=D(100_000), brackets=BRACKETS["2024-10"],
            leverage=D(2), instrument=instrument(**changes),
        )
    )  # fmt: skip
    assert isinstance(found, Sized)
    return found


def test_it_binds_where_it_is_the_least():
    known = sized(market_max_qty=D("0.1234"))
    assert (known.bound_by, known.qty) == ("largest-order", D("-0.123"))
    assert ("largest-order", D("0.1234")) in known.caps


def test_it_is_not_spoken_of_where_it_is_not_known():
    unknown = sized()
    assert "largest-order" not in dict(unknown.caps)
    assert "largest-order" not in unknown.unchecked
    assert sized(market_max_qty=D(120)).qty == unknown.qty
