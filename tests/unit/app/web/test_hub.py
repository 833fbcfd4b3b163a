"""Topics: the newest wins, each listener at their own pace, streams opened for the first and closed after the last."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bearskin.app.web._hub import BEAT, BOT, Hub, beating


def test_the_newest_is_told_and_what_was_in_between_is_not() -> None:
    async def told() -> list[int]:
        hub, heard = Hub(), []
        hub.listen("t", heard.append, 0.02)
        for number in range(50):
            hub.say("t", number)
        await asyncio.sleep(0.05)
        return heard

    assert asyncio.run(told()) == [0, 49]


def test_each_listens_at_their_own_pace() -> None:
    async def told() -> tuple[int, int]:
        hub, fast, slow = Hub(), [], []
        hub.listen("t", fast.append, 0.0)
        hub.listen("t", slow.append, 10.0)
        for number in range(20):
            hub.say("t", number)
            await asyncio.sleep(0)
        return len(fast), len(slow)

    assert asyncio.run(told()) == (20, 1)


def test_who_comes_late_hears_what_holds_now() -> None:
    async def told() -> list[Any]:
        hub, heard = Hub(), []
        hub.listen("t", lambda _: None)
        hub.say("t", "now")
        hub.listen("t", heard.append)
        return heard

    assert asyncio.run(told()) == ["now"]


def test_a_stream_is_opened_for_the_first_and_closed_after_the_last() -> None:
    async def seen() -> list[str]:
        said: list[str] = []
        hub = Hub(begun=lambda topic: said.append(f"begun {topic}"), ended=lambda topic: said.append(f"ended {topic}"))
        first, second = hub.listen("t", lambda _: None), hub.listen("t", lambda _: None)
        hub.say("t", 1)
        first()
        first()  # twice does no harm
        assert hub.listened("t")
        second()
        assert hub.last("t") is None  # what is old must not be taken for new
        return said

    assert asyncio.run(seen()) == ["begun t", "ended t"]


def test_the_bot_is_remembered_with_nobody_there() -> None:
    hub = Hub()
    hub.say(BOT, "up")
    assert hub.last(BOT) == "up"


def test_who_fails_is_told_no_more_and_others_are(caplog: pytest.LogCaptureFixture) -> None:
    async def told() -> list[int]:
        hub, heard = Hub(), []

        def broken(_: Any) -> None:
            raise ValueError("a panel")

        hub.listen("t", broken, 0.0)
        hub.listen("t", heard.append, 0.0)
        for number in range(3):
            hub.say("t", number)
        return heard

    assert asyncio.run(told()) == [0, 1, 2]
    assert caplog.text.count("could not show") == 1


def test_after_leaving_nothing_is_told_even_if_it_was_due() -> None:
    async def told() -> list[int]:
        hub, heard = Hub(), []
        leave = hub.listen("t", heard.append, 0.01)
        hub.say("t", 1)
        hub.say("t", 2)
        leave()
        await asyncio.sleep(0.03)
        return heard

    assert asyncio.run(told()) == [1]


def test_the_beat_comes_and_ends_with_its_context() -> None:
    async def told() -> tuple[list[int], int]:
        hub, heard = Hub(), []
        hub.listen(BEAT, heard.append, 0.0)
        async with beating(hub):
            await asyncio.sleep(0.01)
        return heard, len(asyncio.all_tasks())

    assert asyncio.run(told()) == ([1], 1)
