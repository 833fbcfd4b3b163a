"""The two seams at which demo, live and a test differ: market and account in, commands out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from bearskin.risk import Approved
from bearskin.terms import AnyCommand, AnyEvent, Brackets, Instrument

if TYPE_CHECKING:
    from bearskin.engine import Book, Doubt, Record, Stepped
    from bearskin.market import Panel

Put = Callable[[AnyEvent], None]
At = Callable[[str], None]


def nowhere(point: str) -> None:
    """The hook that does nothing: what runs when nobody tests crashes."""


class Venue(Protocol):
    """Commands out. What the world does to a request comes back as events, never as an exception."""

    async def send(self, approved: Approved[AnyCommand]) -> Sequence[AnyEvent]:
        """Carry a command out and tell what became of it; `Answered` unknown when the answer was lost."""

    async def ask(self, symbol: str, client_id: str, *, conditional: bool, issued_wall_ns: int) -> Sequence[AnyEvent]:
        """Ask once what became of an order: `Answered` accepted, absent or still unknown."""

    async def account(self, since_ns: int | None = None) -> Sequence[AnyEvent]:
        """Fills that were missed (from market time `since_ns` on, or since the last call), then one `AccountNow`.

        Nothing when the venue could not be asked.
        """

    def include(self, symbols: Iterable[str], *, began_ns: int = 0, paid_ns: Mapping[str, int] | None = None) -> None:
        """Cover these symbols as well; called before the first question of a run that has something open in them.

        `began_ns` is when the run began, `paid_ns` the newest funding it was told, by symbol; what was paid since is
        told.
        """

    async def instruments(self, symbols: Sequence[str]) -> dict[str, tuple[Instrument, Brackets | None]]:
        """The filters and the maintenance brackets (None: not to be had) of symbols."""

    async def history(self, symbol: str, interval: str, bars: int) -> Panel:
        """The last complete bars with mark, funding and what else the venue keeps."""


class Feed(Protocol):
    """Events in."""

    async def run(self, put: Put) -> None:
        """Tell market and account events until cancelled."""


class Loop(Protocol):
    """What the runner needs of the engine."""

    @property
    def book(self) -> Book:
        """The memory; only read."""

    def step(self, event: AnyEvent) -> Stepped:
        """Take an event in."""

    def restore(self, records: Iterable[Record], snapshot: bytes | None = None) -> None:
        """Rebuild the memory."""

    def in_doubt(self) -> list[Doubt]:
        """Orders whose fate is not known."""
