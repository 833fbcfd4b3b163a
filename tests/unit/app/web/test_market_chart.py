"""The chart of the market page while its page is hidden, and when it is seen again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from bearskin.app.web import _page_market_chart as module

MINUTE_MS = 60_000


class _Place(contextlib.nullcontext[None]):
    cleared = 0

    def clear(self) -> None:
        self.cleared += 1


def rows(first: int, count: int) -> list[list[Any]]:
    return [[at * MINUTE_MS, 1.0, 2.0, 0.5, 1.5, 10.0] for at in range(first, first + count)]


def made() -> tuple[module.Chart, list[str], _Place]:
    told: list[str] = []
    view: Any = SimpleNamespace(bars=rows(0, 40), tell=lambda name, *_: told.append(name), client=object())
    holder = _Place()
    rest: Any = SimpleNamespace()
    chart = module.Chart(
        view=view, panel=rest, id="c1", holder=holder, host=_Place(), said=rest, stop_button=rest  # type: ignore[arg-type]
    )  # fmt: skip
    return chart, told, holder


def in_a_loop(hand: Callable[[], None]) -> None:
    async def called() -> None:
        hand()

    asyncio.run(called())


def test_candles_that_join_are_sent_as_a_patch():
    chart, told, _ = made()
    in_a_loop(lambda: chart._candles(rows(39, 2)))
    assert told == ["bearskinMarket.patch"]
    assert [row[0] for row in chart.view.bars[-2:]] == [39 * MINUTE_MS, 40 * MINUTE_MS]


def test_a_hole_before_the_newest_candles_has_the_chart_loaded_anew(monkeypatch: pytest.MonkeyPatch):
    chart, told, holder = made()
    begun: list[Any] = []
    monkeypatch.setattr(module.ui, "timer", lambda _, hand, once: begun.append((hand, once)))
    in_a_loop(lambda: chart._candles(rows(60, 12)))
    assert (told, holder.cleared) == ([], 1)
    assert begun == [(chart.load, True)]


def test_a_hidden_page_does_not_say_that_no_price_comes(monkeypatch: pytest.MonkeyPatch):
    in_a_loop(lambda: looks(monkeypatch))


def looks(monkeypatch: pytest.MonkeyPatch) -> None:
    chart, _, _ = made()
    said: list[str | None] = []
    chart.panel = SimpleNamespace(stale=said.append)  # type: ignore[assignment]
    chart._heard_s = asyncio.get_running_loop().time() - 100
    monkeypatch.setattr(module, "hidden", lambda _: True)
    chart.look()
    monkeypatch.setattr(module, "hidden", lambda _: False)
    chart.look()
    chart._heard_s -= 100
    chart.look()
    assert said[:2] == [None, None]
    assert said[2] is not None
    assert said[2].startswith("no prices for 100")
