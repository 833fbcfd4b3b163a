"""Candles that were asked for once: charts, set-ups, lines and tabs share them, and ask for what is new alone."""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bearskin.app.web._pace import Errand

PAGE, FEW = 1_000, 99  # rows: what one answer holds, and what weighs least
FRESH_S = 2.0  # so long is what was asked for told again as it is
HEARD_S = 60.0  # so long is a stream believed to have left nothing out
LINES_MAX, ROWS_MAX = 24, 6_000
Rows = list[list[Any]]
Key = tuple[str, str, str]  # which price, ccxt's name of the symbol, interval
Ask = Callable[[int | None, int], Awaitable[Rows]]  # so many rows from an open in ms on, or (None) the newest


@dataclass(slots=True, repr=False)
class _Line:
    """The candles of one symbol and interval without a hole, the last one still running."""

    step_ms: int
    rows: Rows = field(default_factory=list)
    whole: bool = False  # the venue has none before them
    page: int = PAGE  # what the venue gives at once
    asked_s: float = float("-inf")
    heard_s: float = float("-inf")
    newest: Errand = field(default_factory=Errand)
    past: Errand = field(default_factory=Errand)

    def joined(self, rows: Rows) -> bool:
        """Put newer rows behind; False where something would lie between."""
        if not rows:
            return bool(self.rows)
        if not self.rows or rows[0][0] > self.rows[-1][0] + self.step_ms:
            return False
        if rows[-1][0] >= self.rows[-1][0]:  # else somebody has brought newer ones meanwhile
            first_ms = rows[0][0]
            at = len(self.rows)
            while at and self.rows[at - 1][0] >= first_ms:
                at -= 1
            self.rows = [*self.rows[:at], *rows]
        if len(self.rows) > ROWS_MAX:
            self.rows, self.whole = self.rows[-ROWS_MAX:], False
        return True


@dataclass(slots=True, repr=False)
class CandleShelf:
    """Lines of candles, those that were looked at last. What it hands out is not to be written into."""

    now_s: Callable[[], float] = time.monotonic
    _lines: OrderedDict[Key, _Line] = field(default_factory=OrderedDict)

    async def newest(self, key: Key, step_ms: int, limit: int, ask: Ask) -> Rows:
        """The newest `limit` rows, oldest first, fewer where the venue has no more; raises what `ask` raises."""
        line = self._lines.setdefault(key, _Line(step_ms))
        self._lines.move_to_end(key)
        while len(self._lines) > LINES_MAX:
            self._lines.popitem(last=False)
        async with line.newest.alone():
            await self._newer(line, limit, ask)
        if len(line.rows) < limit and not line.whole:
            async with line.past.alone():
                await _older(line, limit, ask)
        return line.rows[-limit:]

    def heard(self, key: Key, rows: Rows) -> None:
        """Take in what a stream has told; rows with a hole in them are left."""
        line = self._lines.get(key)
        if line is None or any(b[0] - a[0] != line.step_ms for a, b in itertools.pairwise(rows)):
            return
        if line.rows and line.joined([list(row) for row in rows]):
            line.heard_s = self.now_s()

    async def _newer(self, line: _Line, limit: int, ask: Ask) -> None:
        now_s = self.now_s()
        heard = now_s - line.heard_s < FRESH_S and now_s - line.asked_s < HEARD_S
        if line.rows and (heard or now_s - line.asked_s < FRESH_S):
            return
        for rows in (FEW, PAGE) if line.rows else ():
            if line.joined(await ask(None, rows)):
                break
        else:
            line.rows, line.whole = await ask(None, min(PAGE, max(limit, FEW))), False
        line.asked_s = now_s


async def _older(line: _Line, limit: int, ask: Ask) -> None:
    while line.rows and len(line.rows) < limit and not line.whole:
        page, first_ms = min(line.page, limit - len(line.rows)), line.rows[0][0]
        rows = [row for row in await ask(first_ms - page * line.step_ms, page) if row[0] < first_ms]
        if line.rows[0][0] != first_ms:  # what was there has made room meanwhile
            continue
        if FEW < len(rows) < page and rows[-1][0] < first_ms - line.step_ms:
            line.page = len(rows)  # it gives fewer, and the oldest of them
            continue
        line.rows, line.whole = [*rows, *line.rows], not rows
