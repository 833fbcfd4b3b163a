"""After every command: who has to be warned or liquidated."""

from __future__ import annotations

from bearskin.exchange._floor import Floor


def look(floor: Floor) -> None:
    """Look at what `floor.marked` and `floor.dirty` name and empty them; liquidate whom it must. Leaves `floor.traded` alone."""
    raise NotImplementedError
