"""What is traded, and on which terms."""

from __future__ import annotations

from bearskin.exchange._floor import Floor
from bearskin.exchange._state import Contract
from bearskin.exchange._words import ListContract, Refused, SetTrading
from bearskin.terms import Brackets, Instrument


def contract_of(instrument: Instrument, brackets: Brackets, **terms: object) -> Contract:
    """A contract from the packaged instrument and brackets; `terms` replace single fields."""
    raise NotImplementedError


def list_contract(floor: Floor, command: ListContract) -> Refused | None:
    """List a contract or change its terms."""
    raise NotImplementedError


def set_trading(floor: Floor, command: SetTrading) -> Refused | None:
    """Open or halt a symbol."""
    raise NotImplementedError
