"""Whose fault, and what to do about it.

BearskinError
├── BadInput               the user's: said in one sentence, exit code 2, nothing written
│   ├── BadFile            a file's: names the file, the row and the column
│   ├── UnknownSymbol      no such instrument where we looked
│   └── UnknownBrackets    no maintenance brackets: nothing is guessed, the trade stops
├── StoreBroken            our own files cannot be read or written as expected
└── VenueError             the world's
    ├── VenueBroken        connection, time-out, 5xx: try again later
    │   ├── VenueBusy      told to be silent for a while: not before `until_wall_ms`, where the venue says it
    │   └── ClockOff       our clock is too far from the venue's
    └── VenueRejected      understood and refused: trying again will not help
        └── NotAllowed     the key, its permissions, or where we call from

A refusal is none of these: it is a value (`Refused`), because "no" is a normal answer.
"""

from __future__ import annotations


class BearskinError(Exception):
    """Anything this package raises on purpose."""


class BadInput(BearskinError):
    """What the user gave cannot be used; the message says what was wrong, which value, and what would be right."""


class BadFile(BadInput):
    """A file that cannot be used, with the place of the first fault."""

    def __init__(self, path: object, problem: str, *, row: int | None = None, column: str | None = None) -> None:
        place = "".join(
            [f", row {row}" if row is not None else "", f", column {column!r}" if column is not None else ""]
        )
        super().__init__(f"{path}{place}: {problem}")
        self.path, self.row, self.column, self.problem = path, row, column, problem


class UnknownSymbol(BadInput):
    """No such instrument in the store or in the instrument snapshot."""


class UnknownBrackets(BadInput):
    """The maintenance brackets of an instrument are not known; no liquidation price can be had."""


class StoreBroken(BearskinError):
    """Our own files are not as we left them, or cannot be written."""


class VenueError(BearskinError):
    """The venue or the way to it failed."""


class VenueBroken(VenueError):
    """Connection, time-out or server fault: the outcome is unknown or the call may be tried again."""


class VenueBusy(VenueBroken):
    """The venue asks for silence (429, 418): `until_wall_ms` is when that ends, None where it does not say."""

    def __init__(self, message: str, until_wall_ms: int | None = None) -> None:
        super().__init__(message)
        self.until_wall_ms = until_wall_ms


class ClockOff(VenueBroken):
    """The venue finds our time stamps too old or too new: measure its clock and ask again."""


class VenueRejected(VenueError):
    """The venue understood and said no."""


class NotAllowed(VenueRejected):
    """The key is wrong, may not do this, or may not be used from here."""
