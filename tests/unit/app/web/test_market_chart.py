"""The chart of the market page while its page is hidden, and when it is seen again."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from bearskin.app.web import _page_market_chart as module


def test_a_hidden_page_does_not_say_that_no_price_comes(monkeypatch: pytest.MonkeyPatch):
    said: list[str | None] = []
    view: Any = SimpleNamespace(client=object())
    panel: Any = SimpleNamespace(stale=said.append)
    rest: Any = SimpleNamespace()
    chart = module.Chart(view=view, panel=panel, id="c1", holder=rest, host=rest, said=rest, stop_button=rest)

    async def looked() -> None:
        chart._heard_s = asyncio.get_running_loop().time() - 100
        for hidden in (True, False):
            monkeypatch.setattr(module, "hidden", lambda _, hidden=hidden: hidden)
            chart.look()
        chart._heard_s -= 100
        chart.look()

    asyncio.run(looked())
    assert said[:2] == [None, None]
    assert said[2] is not None
    assert said[2].startswith("no prices for 100")
