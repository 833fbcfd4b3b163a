"""A position as quantity and cost, and what a fill does to it."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from bearskin.ledger._ledger import CENT_8
from bearskin.terms import QUOTE


class Holding(NamedTuple):
    """Signed quantity and signed open cost (the sum of quantity times price); a short has both negative."""

    qty: Decimal
    cost: Decimal


def filled(held: Holding, qty: Decimal, price: Decimal) -> tuple[Holding, Decimal]:
    """The holding after a fill of signed `qty` at `price`, and the profit it realised (zero when it only adds).

    The part that is closed takes its share of the cost, rounded to eight digits; what remains keeps the rest, so that
    the change of cost less the realised profit is always the value traded and nothing is lost to rounding. A fill
    larger than the holding closes it and opens the other side at `price`.
    """
    value = qty * price
    if not held.qty or (held.qty > 0) == (qty > 0):
        return Holding(held.qty + qty, held.cost + value), held.qty - held.qty
    left = held.qty + qty
    if not left:
        return Holding(left, left), -value - held.cost
    if (left > 0) == (held.qty > 0):
        # divided in the quoting context, since the share may be endless; then cut to where amounts live
        share = QUOTE.quantize(QUOTE.divide(QUOTE.multiply(held.cost, qty), -held.qty), CENT_8)
        return Holding(left, held.cost - share), -value - share
    return Holding(left, left * price), held.qty * price - held.cost
