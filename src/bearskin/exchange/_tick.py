"""Time and prices: index, mark, premium, funding and all that comes due."""

from __future__ import annotations

from bearskin.exchange._floor import Floor
from bearskin.exchange._words import Refused, SetFundingRate, SetIndex, SetMark, SettleFunding, Tick


def set_index(floor: Floor, command: SetIndex) -> Refused | None:
    """Take spot prices and compose the index."""
    raise NotImplementedError


def set_mark(floor: Floor, command: SetMark) -> Refused | None:
    """Pin the mark, or let it float."""
    raise NotImplementedError


def set_funding_rate(floor: Floor, command: SetFundingRate) -> Refused | None:
    """Pin the coming rate or the interval."""
    raise NotImplementedError


def settle_funding_now(floor: Floor, command: SettleFunding) -> Refused | None:
    """Settle funding at once."""
    raise NotImplementedError


def tick(floor: Floor, command: Tick) -> Refused | None:
    """Let time pass."""
    raise NotImplementedError
