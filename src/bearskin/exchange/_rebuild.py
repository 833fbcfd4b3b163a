"""The derived parts of the floor from a state."""

from __future__ import annotations

from bearskin.exchange._floor import Floor


def rebuild(floor: Floor) -> None:
    """Fill books, tiers and watch from the state; a new state gets its insurance fund (account 1)."""
    raise NotImplementedError
