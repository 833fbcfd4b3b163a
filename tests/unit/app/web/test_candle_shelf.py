"""Candles are asked for once; what comes later is what is new alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bearskin.app.web._candle_shelf import FEW, LINES_MAX, CandleShelf

MS = 60_000
KEY = ("fetch_ohlcv", "BTC/USDT:USDT", "1m")


class Venue:
    """So many candles, the last one running; `give` at most in an answer, the oldest of those asked for."""

    def __init__(self, count: int, give: int = 1_000) -> None:
        self.count, self.give, self.asked = count, give, []

    def row(self, at: int) -> list[Any]:
        return [at * MS, 1.0, 2.0, 0.5, float(self.count if at == self.count - 1 else at), 1.0]

    async def ask(self, since: int | None, limit: int) -> list[list[Any]]:
        self.asked.append((since, limit))
        await asyncio.sleep(0)
        limit = min(limit, self.give)
        if since is None:
            return [self.row(at) for at in range(max(0, self.count - limit), self.count)]
        first = max(0, -(-since // MS))
        return [self.row(at) for at in range(first, min(self.count, first + limit))]


class Shelf:
    """A shelf with a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.of = CandleShelf(now_s=lambda: self.now)

    async def rows(self, venue: Venue, limit: int) -> list[int]:
        found = await self.of.newest(KEY, MS, limit, venue.ask)
        return [row[0] // MS for row in found]


def test_the_first_screen_is_one_question_and_the_rest_comes_behind():
    async def run() -> list[Any]:
        shelf, venue = Shelf(), Venue(6_000)
        assert await shelf.rows(venue, 1_000) == list(range(5_000, 6_000))
        assert venue.asked == [(None, 1_000)]
        assert await shelf.rows(venue, 5_000) == list(range(1_000, 6_000))
        return venue.asked

    assert len(asyncio.run(run())) == 5


def test_what_is_new_is_asked_for_and_nothing_else():
    async def run() -> None:
        shelf, venue = Shelf(), Venue(3_000)
        await shelf.rows(venue, 1_500)
        venue.asked.clear()
        venue.count, shelf.now = 3_004, 10.0
        assert await shelf.rows(venue, 1_500) == list(range(1_504, 3_004))
        assert venue.asked == [(None, FEW)]
        shelf.now = 10.5
        await shelf.rows(venue, 1_500)
        assert len(venue.asked) == 1  # just asked for: chart, set-ups and lines share it

    asyncio.run(run())


def test_the_running_candle_is_replaced():
    async def run() -> None:
        shelf, venue = Shelf(), Venue(50)
        await shelf.rows(venue, 20)
        venue.count, shelf.now = 51, 10.0
        rows = await shelf.of.newest(KEY, MS, 20, venue.ask)
        assert [row[4] for row in rows[-2:]] == [49.0, 51.0]

    asyncio.run(run())


def test_after_a_long_rest_there_is_no_hole():
    async def run() -> None:
        shelf, venue = Shelf(), Venue(3_000)
        await shelf.rows(venue, 1_000)
        venue.count, shelf.now = 3_500, 9e3
        assert await shelf.rows(venue, 1_200) == list(range(2_300, 3_500))
        venue.count, shelf.now = 9_000, 9e4
        assert await shelf.rows(venue, 1_200) == list(range(7_800, 9_000))

    asyncio.run(run())


def test_a_stream_spares_the_questions():
    async def run() -> None:
        shelf, venue = Shelf(), Venue(500)
        await shelf.rows(venue, 300)
        venue.asked.clear()
        for second in range(1, 50):
            venue.count, shelf.now = 500 + second // 10, float(second)
            shelf.of.heard(KEY, [venue.row(at) for at in range(venue.count - 12, venue.count)])
            assert (await shelf.rows(venue, 300))[-1] == venue.count - 1
        assert venue.asked == []
        shelf.now = 100.0  # the stream has gone silent
        await shelf.rows(venue, 300)
        assert venue.asked == [(None, FEW)]

    asyncio.run(run())


def test_a_stream_with_a_hole_is_not_believed():
    async def run() -> None:
        shelf, venue = Shelf(), Venue(500)
        await shelf.rows(venue, 300)
        shelf.now, venue.count = 10.0, 520
        shelf.of.heard(KEY, [venue.row(498), venue.row(519)])
        shelf.of.heard(KEY, [venue.row(518), venue.row(519)])
        assert await shelf.rows(venue, 300) == list(range(220, 520))

    asyncio.run(run())


@pytest.mark.parametrize("give", [300, 1_000])
def test_a_venue_that_gives_fewer_at_once_leaves_no_hole(give):
    async def run() -> list[int]:
        return await Shelf().rows(Venue(4_000, give), 2_500)

    assert asyncio.run(run()) == list(range(1_500, 4_000))


def test_many_who_look_at_once_ask_once():
    async def run() -> None:
        shelf, venue = Shelf(), Venue(6_000)
        found = await asyncio.gather(*(shelf.rows(venue, limit) for limit in (1_000, 1_001, 200, 5_000, 1_000)))
        assert [len(rows) for rows in found] == [1_000, 1_001, 200, 5_000, 1_000]
        assert len(venue.asked) <= 6

    asyncio.run(run())


def test_what_was_looked_at_longest_ago_makes_room():
    async def run() -> CandleShelf:
        shelf, venue = CandleShelf(), Venue(200)
        for number in range(LINES_MAX + 5):
            await shelf.newest(("fetch_ohlcv", f"{number}", "1m"), MS, 100, venue.ask)
        return shelf

    assert len(asyncio.run(run())._lines) == LINES_MAX
