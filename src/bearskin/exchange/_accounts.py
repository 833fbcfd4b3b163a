"""Accounts, their money and their choices."""

from __future__ import annotations

from bearskin.exchange._floor import Floor
from bearskin.exchange._words import AddMargin, Deposit, OpenAccount, Refused, SetCountdown, SetLeverage, SetMarginMode, SetPositionMode, Transfer


def open_account(floor: Floor, command: OpenAccount) -> Refused | None:
    """Open an account or sub-account."""
    raise NotImplementedError


def deposit(floor: Floor, command: Deposit) -> Refused | None:
    """Play money in, or what is free out."""
    raise NotImplementedError


def transfer(floor: Floor, command: Transfer) -> Refused | None:
    """Between wallets of one owner."""
    raise NotImplementedError


def set_leverage(floor: Floor, command: SetLeverage) -> Refused | None:
    """Leverage of a symbol."""
    raise NotImplementedError


def set_margin_mode(floor: Floor, command: SetMarginMode) -> Refused | None:
    """Isolated or cross."""
    raise NotImplementedError


def set_position_mode(floor: Floor, command: SetPositionMode) -> Refused | None:
    """Hedge or one-way."""
    raise NotImplementedError


def add_margin(floor: Floor, command: AddMargin) -> Refused | None:
    """More or less margin for an isolated position."""
    raise NotImplementedError


def set_countdown(floor: Floor, command: SetCountdown) -> Refused | None:
    """Cancel all unless heard from."""
    raise NotImplementedError
