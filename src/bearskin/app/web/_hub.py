"""What is heard, by topic, and who wants to know: the newest wins, nobody is told more often than they can look."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from typing import Any

EVERY_S = 0.1
BEAT_S = 1.0
BOT = "bot"  # how the bot stands: BotNow
ACCOUNT = "account"  # the account at the venue: Account
BEAT = "beat"  # said once a second, by who serves: a page that hears it has its line
KEPT = (BOT, ACCOUNT)  # remembered with nobody listening
Heard = Callable[[Any], None]
logger = logging.getLogger("bearskin.app")


@dataclass(slots=True, eq=False)
class _Listener:
    heard: Heard
    every_s: float
    next_s: float = 0.0
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True, repr=False)
class Hub:
    """Passes on what was said last about a topic. One event loop, no locks.

    `begun` and `ended` are called when a topic gets its first listener and when its last one has left: who has the
    market opens and closes streams by them.
    """

    begun: Callable[[Hashable], None] = lambda _: None
    ended: Callable[[Hashable], None] = lambda _: None
    now_s: Callable[[], float] = time.monotonic
    _last: dict[Hashable, Any] = field(default_factory=dict)
    _said_s: dict[Hashable, float] = field(default_factory=dict)
    _listeners: dict[Hashable, list[_Listener]] = field(default_factory=dict)

    def say(self, topic: Hashable, thing: Any) -> None:
        """Tell everybody who listens, each at their own pace; `last` has it at once."""
        self._last[topic], self._said_s[topic] = thing, self.now_s()
        for listener in list(self._listeners.get(topic, ())):
            self._due(topic, listener)

    def last(self, topic: Hashable, within_s: float | None = None) -> Any:
        """What was said last; None when nothing was, or not `within_s`: a line that has broken says nothing."""
        if within_s is not None and self.now_s() - self._said_s.get(topic, float("-inf")) > within_s:
            return None
        return self._last.get(topic)

    def forget(self, topic: Hashable) -> None:
        """Nothing more will be said about it: who listens later is not told what is old by then."""
        if topic not in self._listeners:
            self._gone(topic)

    def listen(self, topic: Hashable, heard: Heard, every_s: float = EVERY_S) -> Callable[[], None]:
        """Have `heard` called with what is said, at most once in `every_s`; what was said last comes at once.

        Returns what ends it. What `heard` raises is logged and ends it too.
        """
        listener = _Listener(heard, every_s)
        first = topic not in self._listeners
        self._listeners.setdefault(topic, []).append(listener)
        if first:
            self.begun(topic)
        if topic in self._last:
            self._due(topic, listener)
        return lambda: self._leave(topic, listener)

    def listened(self, topic: Hashable) -> bool:
        """Whether anybody listens."""
        return topic in self._listeners

    def _due(self, topic: Hashable, listener: _Listener) -> None:
        if listener.timer is not None:
            return
        loop = asyncio.get_running_loop()
        wait_s = listener.next_s - loop.time()
        if wait_s > 0:
            listener.timer = loop.call_later(wait_s, self._tell, topic, listener)
        else:
            self._tell(topic, listener)

    def _tell(self, topic: Hashable, listener: _Listener) -> None:
        listener.timer = None
        listener.next_s = asyncio.get_running_loop().time() + listener.every_s
        try:
            listener.heard(self._last[topic])
        except Exception:
            logger.exception("a panel could not show %s", topic)
            self._leave(topic, listener)

    def _leave(self, topic: Hashable, listener: _Listener) -> None:
        if listener.timer is not None:
            listener.timer.cancel()
        there = self._listeners.get(topic, [])
        if listener in there:
            there.remove(listener)
            if not there:
                del self._listeners[topic]
                if topic not in KEPT:
                    self._gone(topic)
                self.ended(topic)

    def _gone(self, topic: Hashable) -> None:
        self._last.pop(topic, None)
        self._said_s.pop(topic, None)


@contextlib.asynccontextmanager
async def beating(hub: Hub) -> AsyncIterator[None]:
    """Say BEAT once a second, as long as the context lasts."""

    async def beat() -> None:
        number = 0
        while True:
            number += 1
            hub.say(BEAT, number)
            await asyncio.sleep(BEAT_S)

    async with beside(beat()):
        yield


@contextlib.asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Have `work` done beside, as long as the context lasts."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
