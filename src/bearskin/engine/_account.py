"""The account as the venue has it, compared with the book: its word counts, what is not ours is left alone."""

from __future__ import annotations

from bearskin.engine._desk import Desk


def reconcile(desk: Desk) -> None:
    """Answer what the event says of the account."""
