"""What a venue was asked lately: asked once for all who want the same, and kept for as long as it may stand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from bearskin.app.web._pace import Errand

KEPT_MAX = 500


@dataclass(slots=True, repr=False)
class Answers:
    """Answers by what was asked. Nothing that failed is kept; who asks while it is being asked shares the answer, and
    hurries the question where their turn comes before that of who began it."""

    now_s: Callable[[], float] = time.monotonic
    _kept: dict[Hashable, tuple[float, Any]] = field(default_factory=dict)
    _asking: dict[Hashable, tuple[asyncio.Task[Any], Errand]] = field(default_factory=dict)

    async def get(self, key: Hashable, fresh_s: float, ask: Callable[[], Awaitable[Any]]) -> Any:
        """What is known of `key`, no older than `fresh_s`; else what `ask` finds, or whatever it raises.

        Who is cancelled leaves the question to the others.
        """
        kept = self._kept.get(key)
        if kept is not None and self.now_s() - kept[0] < fresh_s:
            return kept[1]
        if key not in self._asking:
            errand = Errand()
            with errand.run():
                task = asyncio.ensure_future(self._asked(key, errand, ask, kept=fresh_s > 0))
            self._asking[key] = task, errand
            task.add_done_callback(_looked_at)
        task, errand = self._asking[key]
        with errand.wanted():
            return await asyncio.shield(task)

    def forget(self, key: Hashable) -> None:
        """Have it asked again: what is being asked now may be of before whatever has changed it."""
        self._kept.pop(key, None)
        self._asking.pop(key, None)

    async def _asked(self, key: Hashable, errand: Errand, ask: Callable[[], Awaitable[Any]], *, kept: bool) -> Any:
        began_s = self.now_s()
        try:
            found = await ask()
        finally:
            mine = key in self._asking and self._asking[key][1] is errand
            if mine:
                del self._asking[key]
        if not mine:
            return found
        self._kept.pop(key, None)
        if kept:
            self._kept[key] = began_s, found
        while len(self._kept) > KEPT_MAX:
            self._kept.pop(next(iter(self._kept)))
        return found


def _looked_at(task: asyncio.Task[Any]) -> None:
    """Nobody may be left who waits: then what went wrong is no news."""
    if not task.cancelled():
        task.exception()
