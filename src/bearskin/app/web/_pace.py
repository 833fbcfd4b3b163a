"""How fast pages may ask a venue, and what goes first: the bot asks from the same address, before them all."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum

MINUTE_S = 60.0


class Turn(IntEnum):
    """Who goes first. What is asked inside `turn(...)`, and in tasks begun there, has that turn."""

    FIRST = 0  # the account, and what somebody does by hand
    SEEN = 1  # what an open page shows first
    BESIDE = 2  # what stands beside it
    BEHIND = 3  # what nobody waits for


_NOW: ContextVar[Turn] = ContextVar("turn", default=Turn.SEEN)
# what a turn leaves of the bucket to those before it, and from which part of the venue's limit on it waits
_LEAVES = {Turn.FIRST: 0.0, Turn.SEEN: 0.1, Turn.BESIDE: 0.25, Turn.BEHIND: 0.5}
_UP_TO = {Turn.FIRST: 0.95, Turn.SEEN: 0.9, Turn.BESIDE: 0.85, Turn.BEHIND: 0.6}


@contextlib.contextmanager
def turn(which: Turn) -> Iterator[None]:
    """What is asked in this context has this turn; what is behind already stays behind, unless it is to be first."""
    token = _NOW.set(which if which is Turn.FIRST else max(which, _NOW.get()))
    try:
        yield
    finally:
        _NOW.reset(token)


@dataclass(slots=True, repr=False)
class Pace:
    """A bucket of weight: `per_s` runs in, `at_once` is the most it holds. One event loop, no locks.

    `limit` is what the venue allows the address in a minute by the clock, 0 where that is not known; what it has
    counted itself, the bot's part too, comes by `counted`.
    """

    per_s: float
    at_once: float
    limit: float = 0.0
    now_s: Callable[[], float] = time.monotonic
    wall_s: Callable[[], float] = time.time
    silent_until_s: float = 0.0  # of the wall: until then the venue wants to hear nothing
    _left: float = -1.0
    _filled_s: float = 0.0
    _used: tuple[int, float] = (0, 0.0)  # the wall's minute and what the venue has counted in it
    _line: list[tuple[int, int, float, asyncio.Future[None]]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _timer: asyncio.TimerHandle | None = None
    _spent: deque[tuple[float, str, float]] = field(default_factory=lambda: deque(maxlen=10_000))

    def __post_init__(self) -> None:
        self._left, self._filled_s = self.at_once, self.now_s()

    @property
    def silent_s(self) -> float:
        """For how long the venue wants to hear nothing; 0 when it may be asked."""
        return max(0.0, self.silent_until_s - self.wall_s())

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(not one[3].done() for one in self._line)

    async def wait(self, weight: float) -> None:
        """Until so much may be asked, in the turn of who asks."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._line, (_NOW.get(), next(self._numbers), weight, mine))
        self._serve()
        await mine

    def spent(self, what: str, weight: float) -> None:
        """Write down what a question weighed."""
        self._spent.append((self.now_s(), what, weight))

    def in_a_minute(self) -> dict[str, float]:
        """What the last minute weighed by what was asked, the heaviest first."""
        since_s, found = self.now_s() - MINUTE_S, dict[str, float]()
        for at_s, what, weight in self._spent:
            if at_s >= since_s:
                found[what] = found.get(what, 0.0) + weight
        return dict(sorted(found.items(), key=lambda one: -one[1]))

    def counted(self, used: float) -> None:
        """The venue has told what the address has used of this minute."""
        minute = int(self.wall_s() // MINUTE_S)
        self._used = (minute, max(used, self._used[1] if self._used[0] == minute else 0.0))

    def told_off(self, seconds: float) -> None:
        """The venue wants to hear nothing for so long."""
        self.silent_until_s = max(self.silent_until_s, self.wall_s() + seconds)

    def _serve(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_s = self.now_s()
        self._left = min(self.at_once, self._left + (now_s - self._filled_s) * self.per_s)
        self._filled_s = now_s
        while self._line:
            which, _, weight, first = self._line[0]
            wait_s = 0.0 if first.done() else self._wait_s(Turn(which), weight)
            if wait_s > 0:
                self._timer = asyncio.get_running_loop().call_later(wait_s, self._serve)
                return
            heapq.heappop(self._line)
            if not first.done():
                self._left -= weight
                first.set_result(None)

    def _wait_s(self, which: Turn, weight: float) -> float:
        needed = min(weight + _LEAVES[which] * self.at_once, self.at_once)
        wall_s = self.wall_s()
        minute, used = self._used
        if self.limit and minute == int(wall_s // MINUTE_S) and used + weight > _UP_TO[which] * self.limit:
            return MINUTE_S - wall_s % MINUTE_S + 0.05
        return max(0.0, (needed - self._left) / self.per_s)
