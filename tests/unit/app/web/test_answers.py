"""What a venue was asked lately: shared while it is being asked, kept for a while, and nothing that failed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bearskin.app.web._answers import KEPT_MAX, Answers


class Venue:
    """Counts its questions."""

    def __init__(self) -> None:
        self.asked, self.fails, self.gate = 0, False, asyncio.Event()

    async def ask(self) -> int:
        self.asked += 1
        number = self.asked
        await self.gate.wait()
        if self.fails:
            raise RuntimeError("down")
        return number


def test_who_wants_the_same_at_the_same_time_shares_one_question():
    async def run() -> tuple[list[Any], int]:
        answers, venue = Answers(), Venue()
        tabs = [asyncio.ensure_future(answers.get("tickers", 0.0, venue.ask)) for _ in range(10)]
        await asyncio.sleep(0)
        venue.gate.set()
        return await asyncio.gather(*tabs), venue.asked

    assert asyncio.run(run()) == ([1] * 10, 1)


def test_an_answer_stands_as_long_as_it_may():
    now = [0.0]

    async def run() -> list[Any]:
        answers, venue = Answers(now_s=lambda: now[0]), Venue()
        venue.gate.set()
        found = []
        for at_s, fresh_s in ((0, 30), (29, 30), (31, 30), (32, 0.5), (32, 30)):
            now[0] = at_s
            found.append(await answers.get("fees", fresh_s, venue.ask))
        answers.forget("fees")
        return [*found, await answers.get("fees", 30, venue.ask)]

    assert asyncio.run(run()) == [1, 1, 2, 3, 3, 4]


def test_what_failed_is_told_to_all_who_waited_and_asked_again():
    async def run() -> tuple[list[Any], Any]:
        answers, venue = Answers(), Venue()
        venue.gate.set()
        venue.fails = True
        said = await asyncio.gather(*(answers.get("book", 30, venue.ask) for _ in range(3)), return_exceptions=True)
        venue.fails = False
        return said, await answers.get("book", 30, venue.ask)

    said, after = asyncio.run(run())
    assert [str(one) for one in said] == ["down"] * 3
    assert after == 2


def test_who_leaves_does_not_take_the_question_along():
    async def run() -> Any:
        answers, venue = Answers(), Venue()
        first, second = (asyncio.ensure_future(answers.get("x", 30, venue.ask)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        venue.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await second, venue.asked

    assert asyncio.run(run()) == (1, 1)


def test_what_is_being_asked_when_something_changes_is_asked_again():
    """A balance that was on its way when money was moved was told as the balance after, and kept."""

    async def run() -> tuple[Any, ...]:
        answers, venue = Answers(), Venue()
        before = asyncio.ensure_future(answers.get("balance", 30, venue.ask))
        await asyncio.sleep(0)
        answers.forget("balance")
        after = asyncio.ensure_future(answers.get("balance", 30, venue.ask))
        await asyncio.sleep(0)
        venue.gate.set()
        return await before, await after, await answers.get("balance", 30, venue.ask), len(answers._asking)

    assert asyncio.run(run()) == (1, 2, 2, 0)


def test_it_does_not_grow():
    async def run() -> Answers:
        answers, venue = Answers(), Venue()
        venue.gate.set()
        for number in range(KEPT_MAX + 50):
            await answers.get(number, 30, venue.ask)
        await answers.get("not kept", 0.0, venue.ask)
        return answers

    answers = asyncio.run(run())
    assert len(answers._kept) == KEPT_MAX
    assert "not kept" not in answers._kept
    assert not answers._asking
