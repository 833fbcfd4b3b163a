"""A desk without processes: a bot that answers what it is told, a market of two symbols, a home of its own."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from unit.app.bot_kit import at, watched

from bearskin.app._house import open_house
from bearskin.app.web._bot_link import BotLink, BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._hub import Hub
from bearskin.app.web._market_link import MarketLink
from bearskin.terms import BearskinError

MARKETS = {name: [{"symbol": f"{name[:3]}/USDT:USDT", "swap": True}] for name in ("BTCUSDT", "ETHUSDT")}
DECISION = {
    "time": "2026-11-22T12:00:00Z", "kind": "declined", "symbol": "BTCUSDT", "side": "short",
    "origin": "setup:failed_breakout", "text": "no room", "why": "it is late",
}  # fmt: skip
FACTS_TOO = {"symbols": ["BTCUSDT", "ETHUSDT"], "interval": "5m", "rules": {}}


class QuietBot(BotLink):
    """Writes down what it is asked to do, and says it was done, or that nobody is there."""

    asked: list[dict[str, Any]]
    there = True

    async def act(self, act: dict[str, Any]) -> dict[str, Any]:
        """Take it down."""
        if not self.there:
            raise BearskinError("no bot is running")
        self.asked.append(act)
        return {"act_id": act.get("act_id", ""), "refused": "", "trade": 1}


class QuietMarket(MarketLink):
    """Opens no stream."""

    def begun(self, topic: Any) -> None:
        """Nothing comes by itself."""

    def ended(self, topic: Any) -> None:
        """Nothing to close."""


def quiet_desk(home: Path, *, venue: bool = True) -> WebDesk:
    """The desk; its bot was never heard. Without a `venue` it shows what is kept."""
    house = open_house(home)
    hub = Hub()
    bot = QuietBot(house, hub)
    bot.asked = []
    exchange = SimpleNamespace(markets_by_id=MARKETS, markets={}, timeframes={"1m": "1m", "1h": "1h"})
    market = QuietMarket(None, hub, exchange) if venue else None  # type: ignore[arg-type]
    return WebDesk(house=house, folder=house.writable_part("dashboard"), place=None, hub=hub, bot=bot, market=market)


def heard(desk: WebDesk, *numbers: int, state: dict[str, Any] | None = None, up: bool = True) -> None:
    """Have the bot tell decisions with these numbers."""
    decisions = tuple({**DECISION, "number": number} for number in numbers)
    now = BotNow(up=up, state=state or {**watched().state(at(203)["wall_ns"]), **FACTS_TOO}, decisions=decisions)
    desk.bot._now = now
    desk.hub.say("bot", now)
