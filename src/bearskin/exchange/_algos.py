"""Conditional orders from their arrival to the order they become."""

from __future__ import annotations

from bearskin.exchange._floor import Floor
from bearskin.exchange._state import Account, Algo, AlgoStatus
from bearskin.exchange._words import CancelAlgo, CancelAllAlgos, PlaceAlgo, Refused


def place_algo(floor: Floor, command: PlaceAlgo) -> Refused | None:
    """Take a conditional order."""
    raise NotImplementedError


def cancel_algo(floor: Floor, command: CancelAlgo) -> Refused | None:
    """Cancel one."""
    raise NotImplementedError


def cancel_all_algos(floor: Floor, command: CancelAllAlgos) -> Refused | None:
    """Cancel all of a symbol."""
    raise NotImplementedError


def end_algo(floor: Floor, algo: Algo, status: AlgoStatus) -> None:
    """Take it out of the state and tell it."""
    raise NotImplementedError


def cancel_algos(floor: Floor, account: Account, symbol: str | None, status: AlgoStatus) -> None:
    """End all of an account (liquidation does so), in one symbol or all."""
    raise NotImplementedError


def run_triggers(floor: Floor) -> None:
    """Trigger what the trades in `floor.traded` and the marks set since reach; empties `floor.traded`."""
    raise NotImplementedError


def position_closed(floor: Floor, account: Account, symbol: str, position_side: str) -> None:
    """Expire what only made sense with the position (close-position and GTE_GTC orders)."""
    raise NotImplementedError


def expire_due(floor: Floor) -> None:
    """End what has come due: GTD orders of both kinds, countdowns."""
    raise NotImplementedError
