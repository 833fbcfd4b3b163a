"""What every page and every route of the dashboard has at hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bearskin.app._house import House
from bearskin.app._world import Place
from bearskin.app.web._account_link import AccountLink
from bearskin.app.web._bot_link import BotLink
from bearskin.app.web._demo_control import DemoControl
from bearskin.app.web._hub import Hub
from bearskin.app.web._market_link import MarketLink

PREFS_FILE = "prefs.json"
logger = logging.getLogger("bearskin.app")


@dataclass(slots=True, repr=False, kw_only=True)
class WebDesk:
    """The house, the venue, and the lines to bot, market and account.

    `place`, `market` and `account` are None where no venue runs, `control` where it is not the demo exchange.
    `kept` is what a subject remembers for every page, under its own name, as long as the dashboard runs. Neither the
    desk nor its links tell their content as text: NiceGUI writes that of whatever a timer calls, and took a second.
    """

    house: House
    folder: Path
    place: Place | None
    hub: Hub
    bot: BotLink
    market: MarketLink | None
    account: AccountLink | None = None
    control: DemoControl | None = None
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def symbols(self) -> tuple[str, ...]:
        """What can be looked at, the bot's own first."""
        state = self.bot.now.state
        told = tuple(state["symbols"]) if state else ()
        return told or (() if self.place is None else self.place.symbols)

    def prefs(self) -> dict[str, Any]:
        """What the owner has chosen to look at, and how: theme, symbol, interval, zone."""
        try:
            found = json.loads((self.folder / PREFS_FILE).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def prefer(self, **chosen: Any) -> str:
        """Keep a choice; why it was not kept, empty when it was. A page goes on without it."""
        fresh = self.folder / f".{PREFS_FILE}-{os.getpid()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps({**self.prefs(), **chosen}), "utf-8")
            fresh.replace(self.folder / PREFS_FILE)
        except OSError as error:
            logger.warning("a choice was not kept: %s", error)
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            return f"{self.folder / PREFS_FILE} cannot be written ({error.strerror})"
        return ""

    async def aside(self, work: Callable[[], Any]) -> Any:
        """Have something slow done in a thread, so that pages go on moving meanwhile; its answer, or what it raises."""
        return await asyncio.get_running_loop().run_in_executor(None, work)
