"""What time it is on the market, told from the venue's own stamps, and how far our clock is from the venue's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bearskin.terms import SECOND_NS

_WINDOW_NS: Final = 2 * SECOND_NS
_AHEAD_NS: Final = SECOND_NS  # so much wall time at most is the market's clock run on without word from it
_SAMPLES: Final = 8


def steady(wall_ns: Callable[[], int]) -> Callable[[], int]:
    """The same clock, which runs on from where it was when somebody sets it back."""
    shift_ns = last_ns = 0

    def now_ns() -> int:
        nonlocal shift_ns, last_ns
        now = wall_ns() + shift_ns
        if now < last_ns:
            shift_ns += last_ns - now
            now = last_ns
        last_ns = now
        return now

    return now_ns


class MarketClock:
    """Market time by the last stamp heard, run on at the pace at which stamps have come.

    On a real venue it is the wall less latency; on a demo exchange it runs at that exchange's speed, which nobody has
    to tell. It never runs backwards.
    """

    def __init__(self, wall_ns: Callable[[], int]) -> None:
        self.wall_ns = steady(wall_ns)
        self.speed = 1.0
        self._time_ns = 0
        self._heard_wall_ns = 0
        self._window: tuple[int, int] | None = None

    @property
    def heard_ns(self) -> int:
        """The newest stamp; 0 before the first."""
        return self._time_ns

    def heard(self, time_ns: int) -> None:
        """Take a stamp in; one that is older than the newest changes nothing."""
        if time_ns <= self._time_ns:
            return
        wall_ns = self.wall_ns()
        self._time_ns, self._heard_wall_ns = time_ns, wall_ns
        if self._window is None:
            self._window = (time_ns, wall_ns)
        elif wall_ns - self._window[1] >= _WINDOW_NS:
            self.speed = (time_ns - self._window[0]) / (wall_ns - self._window[1])
            self._window = (time_ns, wall_ns)

    def now_ns(self) -> int:
        """Market time now; the wall's before anything was heard."""
        wall_ns = self.wall_ns()
        if self._time_ns == 0:
            return wall_ns
        passed_ns = min(max(wall_ns - self._heard_wall_ns, 0), _AHEAD_NS)
        return self._time_ns + int(passed_ns * self.speed)


class Skew:
    """How far our clock is ahead of the venue's: the sample with the shortest way there and back is the truest."""

    def __init__(self) -> None:
        self._samples: list[tuple[int, int]] = []

    def asked(self, sent_ns: int, venue_ns: int, answered_ns: int) -> int:
        """Take in one question for the time, all three on the clocks of their owners; the skew in nanoseconds."""
        middle_ns = (sent_ns + answered_ns) // 2
        self._samples = [*self._samples[1 - _SAMPLES :], (answered_ns - sent_ns, middle_ns - venue_ns)]
        return self.skew_ns

    @property
    def skew_ns(self) -> int:
        """Positive when ours is ahead; 0 before the first sample."""
        return min(self._samples)[1] if self._samples else 0
