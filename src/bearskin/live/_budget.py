"""What may be asked and sent when: questions and entries keep to budgets, protection never waits, a ban is a ban."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from bearskin.terms import SECOND_NS

READS_PER_S: Final = 25.0  # of Binance's 2,400 a minute 1,500 at most are for questions
READS_AT_ONCE: Final = 400.0
BAN_S: Final = 120.0  # when a ban (418) does not say how long
PAUSE_S: Final = 10.0  # when a 429 does not
_WEIGHTS: Final = {"fetch_positions": 5, "fetch_balance": 5, "fetch_my_trades": 5, "fetch_ohlcv": 2}
_COUNTED: Final = re.compile(r"x-mbx-order-count-(\d+)([smhd])", re.IGNORECASE)
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SECONDS: Final = re.compile(r"\d+(\.\d+)?")


class Budget:
    """A bucket of weight for questions, and the time until which the venue wants to hear nothing."""

    def __init__(
        self, wall_ns: Callable[[], int], *, per_s: float = READS_PER_S, at_once: float = READS_AT_ONCE
    ) -> None:
        self._wall_ns, self._per_s, self._at_once = wall_ns, per_s, at_once
        self._left, self._filled_ns = at_once, wall_ns()
        self.silent_until_wall_ns = 0

    @property
    def silent(self) -> bool:
        """Whether the venue has told us to be silent now."""
        return self._wall_ns() < self.silent_until_wall_ns

    async def ask(self, method: str) -> None:
        """Wait until a question may be asked."""
        weight = float(_WEIGHTS.get(method, 1))
        while True:
            now_ns = self._wall_ns()
            if now_ns < self.silent_until_wall_ns:
                # what protects goes first once the silence is over
                await asyncio.sleep((self.silent_until_wall_ns - now_ns) / SECOND_NS + 0.25)
                continue
            passed_s = max(0, now_ns - self._filled_ns) / SECOND_NS
            self._left, self._filled_ns = min(self._at_once, self._left + passed_s * self._per_s), now_ns
            if self._left >= weight:
                self._left -= weight
                return
            await asyncio.sleep((weight - self._left) / self._per_s)

    def told_off(self, *, banned: bool, headers: Mapping[str, Any] | None, until_wall_ms: int | None) -> int:
        """Take in a 429 or a 418; the wall time until which nothing is sent."""
        seconds = next(
            (float(value) for name, value in (headers or {}).items()
             if name.lower() == "retry-after" and _SECONDS.fullmatch(str(value))),
            BAN_S if banned else PAUSE_S,
        )  # fmt: skip
        until_ns = self._wall_ns() + int(seconds * SECOND_NS)
        if until_wall_ms is not None:
            until_ns = max(until_ns, until_wall_ms * 1_000_000)
        self.silent_until_wall_ns = max(self.silent_until_wall_ns, until_ns)
        return self.silent_until_wall_ns


class Orders:
    """How many orders went out, against what the venue takes in its windows.

    `limits` are orders by the length of a window in seconds; empty: none is known. Entries leave a quarter of each to
    what protects, which never waits: it is only counted. Others on the same account are in the venue's own counts.
    """

    def __init__(self, wall_ns: Callable[[], int]) -> None:
        self._wall_ns = wall_ns
        self.limits: dict[int, int] = {}
        self._sent: deque[int] = deque()
        self._told: dict[int, tuple[int, int]] = {}  # by window: the venue's count, and when it told it

    def limited(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take in the `rateLimits` of Binance's exchangeInfo."""
        for row in rows:
            if row.get("rateLimitType") == "ORDERS":
                window_s = int(row["intervalNum"]) * _UNIT_S[str(row["interval"])[0].lower()]
                self.limits[window_s] = int(row["limit"])

    def sent(self) -> None:
        """One more goes out."""
        now_ns = self._wall_ns()
        self._sent.append(now_ns)
        longest_ns = max(self.limits, default=60) * SECOND_NS
        while self._sent and self._sent[0] <= now_ns - longest_ns:
            self._sent.popleft()

    def counted(self, headers: Mapping[str, Any] | None) -> None:
        """Take in what the venue has counted itself, from the headers of an answer."""
        for name, value in (headers or {}).items():
            if found := _COUNTED.fullmatch(name):
                self._told[int(found[1]) * _UNIT_S[found[2].lower()]] = (int(value), self._wall_ns())

    def used(self, window_s: int) -> int:
        """Orders in a window: our own of the last so many seconds, or more where the venue counts more."""
        return max(len(self._own(window_s)), self._theirs(window_s))

    def wait_s(self) -> float:
        """How long an entry has to wait until there is room for it."""
        now_ns, longest_ns = self._wall_ns(), 0
        for window_s, limit in self.limits.items():
            window_ns, room = window_s * SECOND_NS, max(1, limit * 3 // 4)
            own = self._own(window_s)
            if len(own) >= room:
                longest_ns = max(longest_ns, own[len(own) - room] + window_ns - now_ns)
            if self._theirs(window_s) >= room:
                longest_ns = max(longest_ns, window_ns - now_ns % window_ns)
        return longest_ns / SECOND_NS

    def _own(self, window_s: int) -> list[int]:
        since_ns = self._wall_ns() - window_s * SECOND_NS
        return [at_ns for at_ns in self._sent if at_ns > since_ns]

    def _theirs(self, window_s: int) -> int:
        """By the venue's last count, where that is of the window that still runs, and what went out since."""
        count, at_ns = self._told.get(window_s, (0, 0))
        window_ns = window_s * SECOND_NS
        if at_ns // window_ns != self._wall_ns() // window_ns:
            return 0
        return count + sum(1 for sent_ns in self._sent if sent_ns > at_ns)
