"""What is asked of the bot under a name is asked once: again it gets the same answer, and another thing is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final

from bearskin.app.web._desk import WebDesk
from bearskin.engine import name_taken
from bearskin.terms import BadInput

KEPT, MOST = "once", 1_000
Said = dict[str, Any]
_REFUSED: Final = "refused"


class NameTaken(BadInput):
    """The name was another thing's."""


@dataclass(slots=True)
class _Asking:
    """`act` is what has gone out to the bot, None as long as nothing has."""

    wanted: Hashable
    act: Said | None = None
    doing: asyncio.Future[Said] | None = None


@dataclass(slots=True)
class Once:
    """The newest things that were asked, by name."""

    askings: dict[str, _Asking] = field(default_factory=dict)

    async def ask(self, desk: WebDesk, act_id: str, wanted: Hashable, composed: Callable[[], Awaitable[Said]]) -> Said:
        """The bot's note on the act that `composed` makes of what is `wanted`, or a note of its own that refuses it.

        Asked again it is the same note. Where nobody has answered, the very same act goes out again: what is composed
        later, at other prices, would be another one, and the bot does each name once at most. Raises NameTaken for a
        name under which another thing was asked.
        """
        asking = self.askings.setdefault(act_id, _Asking(wanted))
        if asking.wanted != wanted:
            raise NameTaken(name_taken(act_id))
        while len(self.askings) > MOST:
            del self.askings[next(iter(self.askings))]
        doing = asking.doing
        if doing is None:
            doing = asking.doing = asyncio.ensure_future(_done(desk, asking, composed))
            doing.add_done_callback(lambda done: self._settle(act_id, asking, done))
        return await asyncio.shield(doing)

    def _settle(self, act_id: str, asking: _Asking, done: asyncio.Future[Said]) -> None:
        failed = done.cancelled() or done.exception() is not None
        if asking.act is None:  # it has never left the house: it may be asked anew
            if self.askings.get(act_id) is asking:
                del self.askings[act_id]
        elif failed:
            asking.doing = None


async def _done(desk: WebDesk, asking: _Asking, composed: Callable[[], Awaitable[Said]]) -> Said:
    if asking.act is None:
        made = await composed()
        if made.get(_REFUSED):
            return made
        asking.act = made
    return await desk.bot.act(asking.act)


def once_of(desk: WebDesk) -> Once:
    """What was asked through this desk."""
    found: Once = desk.kept.setdefault(KEPT, Once())
    return found
