"""How fast pages may ask a venue, and what goes first: the bot asks from the same address, before them all."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum

MINUTE_S = 60.0
LOOK_S = 0.25  # so often it is seen who is the most urgent of those who wait: that changes while they do


class Turn(IntEnum):
    """Who goes first. What is asked inside `turn(...)`, and in tasks begun there, has that turn."""

    FIRST = 0  # the account, and what somebody does by hand
    SEEN = 1  # what an open page shows first
    BESIDE = 2  # what stands beside it
    BEHIND = 3  # what nobody waits for


Standing = Callable[[], Turn]
_NOW: ContextVar[Standing] = ContextVar("turn", default=lambda: Turn.SEEN)
# what a turn leaves of the bucket to those before it, and from which part of the venue's limit on it waits
_LEAVES = {Turn.FIRST: 0.0, Turn.SEEN: 0.1, Turn.BESIDE: 0.25, Turn.BEHIND: 0.5}
_UP_TO = {Turn.FIRST: 0.95, Turn.SEEN: 0.9, Turn.BESIDE: 0.85, Turn.BEHIND: 0.6}


@contextlib.contextmanager
def turn(which: Turn) -> Iterator[None]:
    """What is asked in this context has this turn; what is behind already stays behind, unless it is to be first."""
    before = _NOW.get()
    with _standing((lambda: which) if which is Turn.FIRST else (lambda: max(which, before()))):
        yield


@contextlib.contextmanager
def _standing(standing: Standing) -> Iterator[None]:
    token = _NOW.set(standing)
    try:
        yield
    finally:
        _NOW.reset(token)


@dataclass(slots=True, eq=False)
class Errand:
    """What several wait for: it goes in the turn of the most urgent of them, whoever began it."""

    _wanted: list[Standing] = field(default_factory=list)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _asked: bool = False

    def turn(self) -> Turn:
        """The turn it has now; the last where nobody waits any more."""
        if self._asked:  # somebody who waits for it was begun by it
            return Turn.BEHIND
        self._asked = True
        try:
            return min((one() for one in self._wanted), default=Turn.BEHIND)
        finally:
            self._asked = False

    @contextlib.contextmanager
    def wanted(self) -> Iterator[None]:
        """As long as the context lasts who is in it waits for the errand."""
        mine = _NOW.get()
        self._wanted.append(mine)
        try:
            yield
        finally:
            self._wanted.remove(mine)

    @contextlib.contextmanager
    def run(self) -> Iterator[None]:
        """What is asked in the context has the errand's turn."""
        with _standing(self.turn):
            yield

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """A lock: who has it goes in the turn of the most urgent of those who wait for it."""
        with self.wanted():
            async with self._lock:
                with self.run():
                    yield


@dataclass(slots=True, repr=False)
class Pace:
    """A bucket of weight: `per_s` runs in, `at_once` is the most it holds. One event loop, no locks.

    `limit` is what the venue allows the address in a minute by its clock, which `wall_s` tells, 0 where that is not
    known; what it has counted itself, the bot's part too, comes by `counted`. What has gone out and is not `back` is
    not in that count yet.
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
    _out: float = 0.0
    _line: list[tuple[Standing, int, float, asyncio.Future[None]]] = field(default_factory=list)
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
        """Until so much may be asked, in the turn of who asks; `back` is to be told when the answer has come."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((_NOW.get(), next(self._numbers), weight, mine))
        self._serve()
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # it was let go and does not go
                self._left += weight
                self.back(weight)
            raise

    def back(self, weight: float) -> None:
        """What was let go has been answered, or never will be."""
        self._out = max(0.0, self._out - weight)

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

    def counted(self, used: float, asked_s: float | None = None) -> None:
        """The venue has told what the address has used of this minute, to who had asked at `asked_s` of the wall."""
        minute = int(self.wall_s() // MINUTE_S)
        if asked_s is not None and int(asked_s // MINUTE_S) != minute:
            return  # it may be what was used of the minute before
        known = self._used[1] if self._used[0] == minute else 0.0
        # answers overtake each other, so the most counts; where it has fallen that far a minute has begun there
        self._used = (minute, used if used < known / 2 else max(used, known))

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
        self._line = [one for one in self._line if not one[3].done()]
        while self._line:
            # a turn may have changed since it was taken: somebody more urgent waits for the same
            which, _, weight, first = most = min(((one[0](), *one[1:]) for one in self._line), key=lambda one: one[:2])
            wait_s = self._wait_s(which, weight)
            if wait_s > 0:
                self._timer = asyncio.get_running_loop().call_later(min(wait_s, LOOK_S), self._serve)
                return
            self._line = [one for one in self._line if one[1] != most[1]]
            self._left -= weight
            self._out += weight
            first.set_result(None)

    def _wait_s(self, which: Turn, weight: float) -> float:
        needed = min(weight + _LEAVES[which] * self.at_once, self.at_once)
        wall_s = self.wall_s()
        minute, used = self._used
        known = self.limit and minute == int(wall_s // MINUTE_S)
        if known and used + self._out + weight > _UP_TO[which] * self.limit:
            return MINUTE_S - wall_s % MINUTE_S + 0.05
        return max(0.0, (needed - self._left) / self.per_s)
