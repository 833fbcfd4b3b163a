"""A chart whose stream was away for longer than it tells of at once is fetched anew instead of drawn with a hole."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from bearskin.app.web import _page_market_chart
from bearskin.app.web._page_market_chart import Chart, hole_in

MINUTE = 60_000


def rows(*minutes: int) -> list[list[float]]:
    return [[minute * MINUTE, 1.0, 1.0, 1.0, 1.0, 0.0] for minute in minutes]


@pytest.mark.parametrize(
    ("told", "hole"),
    [
        (rows(9, 10), False),
        (rows(10, 11), False),
        (rows(8), False),  # late
        (rows(2, 9, 10, 11), False),  # a hole of before: the venue has none there
        (rows(12), True),
        (rows(9, 10, 30), True),
        (rows(11, 13), True),
    ],
)
def test_a_hole_is_between_what_is_drawn_and_what_is_told(told, hole):
    assert hole_in(10 * MINUTE, told, MINUTE) == hole


def test_it_is_fetched_once_and_no_patch_is_drawn_over_the_hole(monkeypatch):
    monkeypatch.setattr(_page_market_chart, "AGAIN_S", 0.05)
    said: list[str] = []
    desk = SimpleNamespace(tasks=set())
    view: Any = SimpleNamespace(
        desk=desk, interval="1m", bars=rows(9, 10), tell=lambda function, *_: said.append(function)
    )
    names = ("panel", "holder", "host", "said", "stop_button")
    parts: Any = {name: SimpleNamespace() for name in names}
    chart = Chart(view=view, id="c", **parts)

    async def load(self: Chart) -> None:
        said.append("load")
        await asyncio.sleep(0.01)
        self.view.bars = rows(29, 30)

    monkeypatch.setattr(Chart, "load", load)

    async def run() -> None:
        for _ in range(3):
            chart._candles(rows(29, 30))
        await asyncio.sleep(0.02)
        chart._candles(rows(30, 31))
        await asyncio.gather(*desk.tasks)

    asyncio.run(run())
    assert said == ["load", "bearskinMarket.patch"]
