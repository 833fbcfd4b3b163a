"""What an account is worth, owes and has free, at mark."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from bearskin.exchange._floor import Floor
from bearskin.exchange._state import Account, Contract, Position, Setting
from bearskin.exchange._words import PositionNow


class CrossFigures(NamedTuple):
    """Cross wallet, unrealised profit, maintenance and initial margin of the cross positions of one asset."""

    wallet: Decimal
    unrealised: Decimal
    maintenance: Decimal
    initial: Decimal



def setting_of(account: Account, symbol: str) -> Setting:
    """Leverage and margin mode of a symbol; the default where nothing was set."""
    raise NotImplementedError


def wallet(floor: Floor, account: Account, asset: str) -> Decimal:
    """The cross wallet."""
    raise NotImplementedError


def margin_of(floor: Floor, position: Position) -> Decimal:
    """The margin set aside for an isolated position (zero when cross)."""
    raise NotImplementedError


def mark_of(floor: Floor, symbol: str) -> Decimal:
    """The mark everything is judged by; the last price or the index before there is one."""
    raise NotImplementedError


def unrealised(floor: Floor, position: Position) -> Decimal:
    """Profit at mark."""
    raise NotImplementedError


def maintenance_of(floor: Floor, position: Position) -> Decimal:
    """Maintenance margin of a position at mark."""
    raise NotImplementedError


def cross(floor: Floor, account: Account, asset: str) -> CrossFigures:
    """All cross positions of an account together."""
    raise NotImplementedError


def open_order_margin(floor: Floor, account: Account, symbol: str) -> Decimal:
    """Initial margin of the resting orders of a symbol beyond that of its position."""
    raise NotImplementedError


def available(floor: Floor, account: Account, asset: str) -> Decimal:
    """What may be used for new orders or taken out; never negative."""
    raise NotImplementedError


def position_now(floor: Floor, account: Account, position: Position) -> PositionNow:
    """A position as events and answers tell it."""
    raise NotImplementedError


def liquidation_price(floor: Floor, account: Account, position: Position) -> Decimal:
    """The mark at which it is liquidated, others frozen; zero when there is none. To be shown."""
    raise NotImplementedError
