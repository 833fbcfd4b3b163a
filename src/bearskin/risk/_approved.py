"""The stamp without which no venue takes a command: only this room mints it."""

from __future__ import annotations

from typing import Generic, TypeVar, final

from bearskin.terms import AnyCommand

C = TypeVar("C", bound=AnyCommand)
C_co = TypeVar("C_co", bound=AnyCommand, covariant=True)
_MINT = object()


@final
class Approved(Generic[C_co]):
    """A command that risk has looked at, and in one sentence why it may go out. It cannot be made elsewhere."""

    __slots__ = ("command", "why")
    command: C_co
    why: str

    def __init__(self, command: C_co, why: str, *, mint: object = None) -> None:
        """Raises TypeError for everybody but this room."""
        if mint is not _MINT:
            raise TypeError("only risk approves commands: ask approve_entry or approve_reducing")
        object.__setattr__(self, "command", command)
        object.__setattr__(self, "why", why)

    def __setattr__(self, name: str, value: object) -> None:
        """Nothing changes after the stamp."""
        raise AttributeError(f"{name} of an approved command cannot be changed")

    def __repr__(self) -> str:
        """The command and why."""
        return f"Approved({self.command!r}, {self.why!r})"


def minted(command: C, why: str) -> Approved[C]:
    """For this room only."""
    return Approved(command, why, mint=_MINT)
