"""The quote of a ticket where no bot tells one: what the market's streams say, as long as they go on."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from bearskin.app.web._hub import Hub
from bearskin.app.web._market_link import Depth, Mark
from bearskin.app.web._ticket_market import HEARD_S, _heard_quote, _shut

D = Decimal
BTC = "BTCUSDT"


def test_a_stream_that_has_fallen_silent_is_not_the_market_any_more():
    """A page keeps its topics while their line is broken, and what was said last stood as the price of now."""
    now = [1_000.0]
    hub = Hub(now_s=lambda: now[0])
    hub.say(Depth(BTC), {"bids": [[59_999, 1]], "asks": [[60_001, 1]]})
    hub.say(Mark(BTC), {"mark": 60_000, "rate": "0.0001"})
    heard = _heard_quote(hub, BTC)
    assert heard is not None
    assert (heard.bid, heard.ask, heard.mark) == (D(59_999), D(60_001), D(60_000))
    now[0] += HEARD_S + 1
    assert _heard_quote(hub, BTC) is None
    hub.say(Depth(BTC), {"bids": [[49_999, 1]], "asks": [[50_001, 1]]})
    heard = _heard_quote(hub, BTC)
    assert heard is not None
    assert (heard.bid, heard.mark) == (D(49_999), None)


def shut_at(speed: float, limit: str = "daily-loss") -> tuple[str, ...]:
    async def told() -> float:
        return speed

    mode = {"panicked": False, "paused": False}
    held = {"limit": limit, "size_multiplier": "0", "detail": "nothing is entered before 2026-11-24 00:00 UTC"}
    state: dict[str, Any] = {"symbols": [BTC], "mode": mode, "foreign": {}, "positions": [], "limits": [held]}
    desk: Any = SimpleNamespace(control=SimpleNamespace(speed=told), kept={})
    return asyncio.run(_shut(desk, {**state, "time": "2026-11-23T06:00:00Z"}, BTC))


def test_the_end_of_a_day_that_goes_faster_is_told_by_the_clock_on_the_wall():
    (said,) = shut_at(180)  # 18 hours of the market
    assert said.endswith("(in about 6 min by your clock: this market goes 180 times as fast)")
    assert shut_at(180, "hand-stops")[0].endswith("180 times as fast)")
    assert shut_at(180, "daily-stops") == ()  # the bot's own, a person goes on
    assert "by your clock" not in shut_at(1)[0]
    assert "by your clock" not in shut_at(0)[0]
    assert "by your clock" not in shut_at(180, "drawdown")[0]
