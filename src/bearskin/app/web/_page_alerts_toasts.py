"""What the bot warns of while a page is open: shown on every page, and by the browser where it may."""

from __future__ import annotations

import json
from typing import Any

from nicegui import ui

from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._hub import BOT
from bearskin.app.web._kit import figured, heard

AT_ONCE_MAX = 3


def alert_toasts(desk: WebDesk) -> None:
    """Tell what is new from now on: rules that rang, and whatever is critical."""
    ui.element("div").classes("toasts").props('id=toasts role=alert aria-label="Alerts"')
    known: list[set[Any]] = []

    def show(now: BotNow) -> None:
        if now.state is None:
            return
        found = {_name(one): one for one in now.state["warnings"]}
        if not known:
            known.append(set(found))
            return
        fresh = [one for name, one in found.items() if name not in known[0]]
        known[0] = set(found)
        loud = [one for one in fresh if one["kind"] == "rule" or one["severity"] == "critical"]
        for one in loud[-AT_ONCE_MAX:]:
            said = json.dumps([headline(one), figured(one["text"]), one["severity"]])
            ui.run_javascript(f"window.bearskinAlerts && bearskinAlerts.tell(...{said})")

    heard(desk, BOT, show, every_s=0.25)


def headline(one: dict[str, Any]) -> str:
    """What a warning is about: its kind, and the symbol where it is one symbol's."""
    symbol = one.get("symbol", "")
    return f"{symbol} {one['kind']}" if symbol and symbol not in one["text"] else str(one["kind"])


def _name(one: dict[str, Any]) -> tuple[str, str, str]:
    return one["time"], one["kind"], one["text"]
