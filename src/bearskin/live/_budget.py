"""What may be asked of a venue and when: questions share a budget, protection never waits for it, a ban is a ban."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from bearskin.terms import SECOND_NS

READS_PER_S: Final = 25.0  # of Binance's 2,400 a minute 1,500 at most are for questions
READS_AT_ONCE: Final = 400.0
BAN_S: Final = 120.0  # when a ban (418) does not say how long
PAUSE_S: Final = 10.0  # when a 429 does not
_WEIGHTS: Final = {"fetch_positions": 5, "fetch_balance": 5, "fetch_my_trades": 5, "fetch_ohlcv": 2}
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
