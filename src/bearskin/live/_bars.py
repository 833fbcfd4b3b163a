"""Candles as they close, in order and without holes that the venue does not have."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bearskin.live._history import Bar, bars_of
from bearskin.live._seams import Put
from bearskin.terms import BarClosed, VenueError, interval_ns

if TYPE_CHECKING:
    from bearskin.live._venue import CcxtVenue

LATE_S: Final = 1.5  # so long after its end is a candle waited for on the stream
MARK_LATE_S: Final = 0.6
RETRY_S: Final = 1.0
_LOOK_S: Final = 0.25


@dataclass(slots=True)
class _Line:
    """The candles of one symbol: the open of the last one told, and those heard of that were not told yet."""

    last_ns: int | None
    trades: dict[int, Bar] = field(default_factory=dict)
    marks: dict[int, Bar] = field(default_factory=dict)
    more: asyncio.Event = field(default_factory=asyncio.Event)


class Bars:
    """Tells `BarClosed` for every candle after the last known one; what the stream leaves out is asked for."""

    def __init__(self, venue: CcxtVenue, interval: str, after: Mapping[str, int], *, marks: bool = True) -> None:
        self._venue, self._interval, self._marks = venue, interval, marks
        self.step_ns = interval_ns(interval)
        known = {symbol: after.get(symbol, venue.known_bars.get((symbol, interval))) for symbol in venue.symbols}
        self._lines = {symbol: _Line(at_ns) for symbol, at_ns in known.items()}

    def heard(self, symbol: str, bar: Bar, *, mark: bool = False) -> None:
        """A candle that is complete, from the stream."""
        line = self._lines[symbol]
        if line.last_ns is None or bar[0] > line.last_ns:
            (line.marks if mark else line.trades)[bar[0]] = bar
            line.more.set()

    async def run(self, put: Put) -> None:
        """Tell candles until cancelled."""
        async with asyncio.TaskGroup() as group:
            for symbol in self._lines:
                group.create_task(self._told(symbol, put))

    async def _told(self, symbol: str, put: Put) -> None:
        line, clock = self._lines[symbol], self._venue.clock
        while not clock.heard_ns:
            await asyncio.sleep(_LOOK_S / 5)
        if line.last_ns is None:
            line.last_ns = clock.now_ns() // self.step_ns * self.step_ns - self.step_ns
        while True:
            due_ns = line.last_ns + self.step_ns
            await self._until_due(line, due_ns)
            for trade, mark in await self._complete(symbol, line, due_ns):
                put(self._bar(symbol, trade, mark))
                line.last_ns = trade[0]
            for heard in (line.trades, line.marks):
                for at_ns in [at_ns for at_ns in heard if at_ns <= line.last_ns]:
                    del heard[at_ns]

    async def _until_due(self, line: _Line, due_ns: int) -> None:
        """Until the candle that opened at `due_ns` was heard of, a later one was, or it is late."""
        while due_ns not in line.trades and not line.trades:
            if self._venue.clock.now_ns() >= due_ns + self.step_ns:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(_set(line.more), LATE_S)
                return
            line.more.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(line.more.wait(), _LOOK_S)

    async def _complete(self, symbol: str, line: _Line, due_ns: int) -> list[tuple[Bar, Bar | None]]:
        if due_ns in line.trades:
            if self._marks and due_ns not in line.marks:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._mark_heard(line, due_ns), MARK_LATE_S)
            if not self._marks or due_ns in line.marks:
                return [(line.trades[due_ns], line.marks.get(due_ns))]
        return await self._asked(symbol, due_ns)

    async def _mark_heard(self, line: _Line, due_ns: int) -> None:
        while due_ns not in line.marks:
            line.more.clear()
            await line.more.wait()

    async def _asked(self, symbol: str, due_ns: int) -> list[tuple[Bar, Bar | None]]:
        """What the venue has from `due_ns` to the last complete candle; again later when it has nothing."""
        market = self._venue.markets[symbol]
        end_ns = max(self._venue.clock.now_ns() // self.step_ns * self.step_ns, due_ns + self.step_ns)
        try:
            trades = await bars_of(self._venue, market, self._interval, due_ns, end_ns)
            marks = await bars_of(self._venue, market, self._interval, due_ns, end_ns, mark=True) if self._marks else []
        except VenueError:
            trades, marks = [], []
        if end_ns > self._venue.clock.now_ns():  # the newest of them is not complete
            trades = [bar for bar in trades if bar[0] + self.step_ns <= self._venue.clock.now_ns()]
        if not trades:
            await asyncio.sleep(RETRY_S)
        by_open = {bar[0]: bar for bar in marks}
        return [(bar, by_open.get(bar[0])) for bar in trades]

    def _bar(self, symbol: str, trade: Bar, mark: Bar | None) -> BarClosed:
        opened_ns, open_, high, low, close, volume, quote, taker = trade
        return BarClosed(
            time_ns=opened_ns + self.step_ns, wall_ns=self._venue.clock.wall_ns(), symbol=symbol,
            interval_ns=self.step_ns, opened_ns=opened_ns, open=open_, high=high, low=low, close=close, volume=volume,
            quote_volume=quote, taker_buy_volume=taker,
            mark_open=mark[1] if mark else None, mark_high=mark[2] if mark else None,
            mark_low=mark[3] if mark else None, mark_close=mark[4] if mark else None,
        )  # fmt: skip


async def _set(event: asyncio.Event) -> None:
    event.clear()
    await event.wait()
