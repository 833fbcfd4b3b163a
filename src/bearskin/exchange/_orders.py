"""Limit and market orders: what is checked before they meet the book."""

from __future__ import annotations

from bearskin.exchange._floor import Floor
from bearskin.exchange._state import Account, Order, OrderStatus, Position
from bearskin.exchange._words import Amend, Cancel, CancelAll, Place, Refused


def place(floor: Floor, command: Place) -> Refused | None:
    """Take a limit or market order: check it, match it, rest what is left."""
    raise NotImplementedError


def place_triggered(floor: Floor, command: Place, algo_id: int, original_type: str, close_position: bool) -> Order | Refused:
    """The order a conditional order has become: same checks, origin ALGO; resting reduce-only orders do not block it."""
    raise NotImplementedError


def amend(floor: Floor, command: Amend) -> Refused | None:
    """Change price and quantity of a resting order; it goes to the back of the queue."""
    raise NotImplementedError


def cancel(floor: Floor, command: Cancel) -> Refused | None:
    """Cancel one open order."""
    raise NotImplementedError


def cancel_all(floor: Floor, command: CancelAll) -> Refused | None:
    """Cancel every open order of a symbol."""
    raise NotImplementedError


def end_order(floor: Floor, order: Order, status: OrderStatus) -> None:
    """Take an open order off the book and out of the state, and tell it."""
    raise NotImplementedError


def cancel_orders(floor: Floor, account: Account, symbol: str | None, status: OrderStatus) -> None:
    """End all open orders of an account, in one symbol or all."""
    raise NotImplementedError


def force(floor: Floor, account: Account, position: Position, qty_steps: int, limit_ticks: int, origin: str) -> int:
    """A reducing IOC order by the venue itself (liquidation, fund), unchecked; returns the steps it filled."""
    raise NotImplementedError
