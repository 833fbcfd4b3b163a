"""Events on their way in: nothing is lost, but of a quote or a mark only the newest is worth reading."""

from __future__ import annotations

import asyncio
from collections import deque

from bearskin.terms import AnyEvent, Depth, Marked, Pulse, Quoted


class Inbox:
    """A queue in which a newer quote, mark or pulse takes the place of one that was not read yet.

    So it cannot grow with the pace of the market, however slow its reader.
    """

    def __init__(self) -> None:
        self._cells: deque[list[AnyEvent]] = deque()
        self._latest: dict[tuple[type, str], list[AnyEvent]] = {}
        self._more = asyncio.Event()
        self.waiting = 0
        self.passed_over = 0

    def put(self, event: AnyEvent) -> None:
        """Take an event in."""
        cell = [event]
        if isinstance(event, Quoted | Depth | Marked | Pulse):
            key = (type(event), getattr(event, "symbol", ""))
            before = self._latest.get(key)
            if before:
                before.clear()
                self.waiting -= 1
                self.passed_over += 1
            self._latest[key] = cell
        self._cells.append(cell)
        self.waiting += 1
        self._more.set()

    async def some(self) -> None:
        """Wait until there is something to read."""
        while not self.waiting:
            self._more.clear()
            await self._more.wait()

    def take(self) -> AnyEvent | None:
        """The oldest event; None when there is none."""
        while self._cells:
            cell = self._cells.popleft()
            if cell:
                self.waiting -= 1
                event = cell.pop()
                if isinstance(event, Quoted | Depth | Marked | Pulse):
                    self._latest.pop((type(event), getattr(event, "symbol", "")), None)
                return event
        return None
