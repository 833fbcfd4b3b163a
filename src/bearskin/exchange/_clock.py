"""Market time: it follows a wall clock at a speed, stands still when paused, and never runs backwards."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from bearskin.terms import SECOND_NS, BadInput

SPEED_MIN, SPEED_MAX = 0.001, 100_000


class MarketClock:
    """What time it is in the market. `wall_ns` is the wall clock, handed in: nothing here reads one by itself.

    `limit_ns` holds market time back: whoever moves the market sets it to the end of what it has prepared, so that
    orders are never dated after prices that do not exist yet. None is no limit.
    """

    def __init__(self, wall_ns: Callable[[], int], *, start_ns: int, speed: float = 1, paused: bool = False) -> None:
        self._wall_ns = wall_ns
        self._speed = checked_speed(speed)
        self._market_ns = start_ns
        self._since_wall_ns = wall_ns()
        self._latest_ns = start_ns
        self.paused = paused
        self.limit_ns: int | None = None

    @property
    def speed(self) -> float:
        """Market seconds in a second of the wall clock while not paused."""
        return float(self._speed)

    def now_ns(self) -> int:
        """Market time in nanoseconds UTC."""
        if not self.paused:
            passed = self._wall_ns() - self._since_wall_ns
            now = self._market_ns + (passed if self._speed == 1 else int(passed * self._speed))
            if self.limit_ns is not None and now > self.limit_ns:
                now = self.limit_ns
            if now > self._latest_ns:  # a wall clock may be set back; the market's is not
                self._latest_ns = now
        return self._latest_ns

    def late_s(self, market_ns: int) -> float:
        """How many wall seconds ago the running clock reached `market_ns`, its limit apart; negative: to wait."""
        return (self._wall_ns() - self.wall_of(market_ns)) / SECOND_NS

    def wall_of(self, market_ns: int) -> int:
        """The wall time in nanoseconds at which the running clock reaches `market_ns`."""
        return self._since_wall_ns + int((market_ns - self._market_ns) / self._speed)

    def pause(self) -> None:
        """Stand still; orders are still taken, all at this moment."""
        self._settle()
        self.paused = True

    def resume(self) -> None:
        """Run on from where it stood."""
        self._settle()
        self.paused = False

    def set_speed(self, speed: float) -> None:
        """From now on `speed` market seconds pass in a second; raises BadInput unless it is 0.001 to 100,000."""
        wanted = checked_speed(speed)
        self._settle()
        self._speed = wanted

    def rebase(self) -> None:
        """Go on from where it is held: wall time lost behind the limit is not made good."""
        self._settle()

    def move_to(self, market_ns: int) -> None:
        """Jump ahead to `market_ns` (a step while paused, or what was slept through); going back is ignored."""
        self._settle()
        if market_ns > self._latest_ns:
            self._market_ns = self._latest_ns = market_ns

    def _settle(self) -> None:
        self._market_ns = self.now_ns()
        self._since_wall_ns = self._wall_ns()


def checked_speed(speed: float) -> Fraction:
    """`speed` as a fraction of small terms; raises BadInput for one so low or high that it would mean nothing."""
    if not SPEED_MIN <= speed <= SPEED_MAX:
        raise BadInput(f"speed was {speed:,.10g}, must be {SPEED_MIN} to {SPEED_MAX:,} market seconds in a second")
    return Fraction(speed).limit_denominator(1_000_000)
