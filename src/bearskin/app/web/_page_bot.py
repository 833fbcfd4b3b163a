"""The page of the bot: what it holds and what it thinks."""

from __future__ import annotations

from nicegui import ui

from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._hub import BOT
from bearskin.app.web._kit import heard, panel


def bot_page(desk: WebDesk) -> None:
    """Build it."""
    with panel("Decisions", "decisions") as log:
        log.loading()
        rows = ui.element("ol").classes("log")

        def show(now: BotNow) -> None:
            if now.state is None:
                log.empty(now.why)
                return
            log.shown()
            log.stale(None if now.up else now.why)
            rows.clear()
            with rows:
                for one in reversed(now.decisions[-40:]):
                    with ui.element("li"):
                        ui.label(f"{one['time'][11:19]} {one['symbol']} {one['text']}")

        heard(desk, BOT, show, every_s=0.5)
