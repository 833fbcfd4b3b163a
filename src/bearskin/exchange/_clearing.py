"""What a fill does to positions and money, and how it is told."""

from __future__ import annotations

from decimal import Decimal

from bearskin.exchange._floor import Floor
from bearskin.exchange._state import Account, Position
from bearskin.exchange._words import UpdateReason


def hand_over(floor: Floor, source: Account, position: Position, target: Account, qty: Decimal, price: Decimal, reason: UpdateReason) -> None:
    """Close `qty` coins of a position against `target` at `price` (any price, off the tick too), without book or fee."""
    raise NotImplementedError


def pay(floor: Floor, account: Account, asset: str, amount: Decimal, other: str, reason: UpdateReason) -> None:
    """Move `amount` from the ledger account `other` into the cross wallet (negative: out of it) and note the change."""
    raise NotImplementedError


def tell_changes(floor: Floor) -> None:
    """Emit the AccountUpdated events of the command and forget them."""
    raise NotImplementedError
