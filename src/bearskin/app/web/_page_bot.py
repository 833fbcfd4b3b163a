"""The page of the bot: its switches, what it decides and why, what it came to, and how far each limit is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from bearskin.app.web import _bot
from bearskin.app.web import _bot_html as shown
from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._hub import BOT
from bearskin.app.web._kit import Panel, heard, panel
from bearskin.app.web._page_bot_equity import equity_panel
from bearskin.app.web._page_bot_log import log_panel
from bearskin.app.web._page_bot_switch import switch_panel


def bot_page(desk: WebDesk) -> None:
    """Build it."""
    with ui.element("div").classes("bot-page"):
        with ui.element("div").classes("bot-top"):
            switch_panel(desk)
        with ui.element("div").classes("bot-main"):
            equity_panel(desk)
            log_panel(desk)
        with ui.element("div").classes("bot-side"):
            _side(desk)


@dataclass(slots=True)
class _Part:
    """A panel beside the log, drawn of `needs` in the state; `without` are the words where that is empty."""

    panel: Panel
    place: ui.html
    draw: Callable[[dict[str, Any]], str]
    needs: str
    without: str

    def show(self, now: BotNow) -> None:
        """Draw it; what has not changed is not sent again."""
        if now.state is None:
            self.panel.empty(now.why)
            return
        self.panel.stale(None if now.up else now.why)
        if self.needs and not now.state[self.needs]:
            self.panel.empty(self.without)
            return
        self.panel.shown()
        self.place.set_content(self.draw(now.state))


def _side(desk: WebDesk) -> None:
    zone = desk.prefs().get("zone", "utc")
    parts: list[_Part] = []

    def part(title: str, key: str, draw: Callable[[dict[str, Any]], str], needs: str = "", without: str = "") -> None:
        with panel(title, key) as one:
            one.loading("waiting for the bot…")
            parts.append(_Part(one, ui.html("", sanitize=False).classes("drawn"), draw, needs, without))

    part("Limits", "limits", lambda _: shown.gauges_html(_bot.limits(desk)))
    part("Regimes", "regimes", shown.regimes_html, "regimes", "told at the close of the first bar")
    part("Counts", "counts", shown.counts_html)
    part("Profit and costs", "costs", shown.costs_html)
    none = "no warning since the bot was started"
    part("Warnings", "warnings", lambda state: shown.warnings_html(state, zone), "warnings", none)
    part("What the run is told", "settings", shown.settings_html)

    def show(now: BotNow) -> None:
        for one in parts:
            one.show(now)

    heard(desk, BOT, show, every_s=0.5)
