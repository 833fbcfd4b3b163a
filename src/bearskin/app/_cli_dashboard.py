"""The command that serves the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from bearskin.app._command import command, known
from bearskin.app._desk import Desk
from bearskin.app._options import DASHBOARD

if TYPE_CHECKING:
    from bearskin.app.web import WebAddress


def register_dashboard(app: typer.Typer) -> None:
    """Add the command of this file to `app`."""
    command(app, "dashboard", DASHBOARD, "Bot")(dashboard)


def dashboard(desk: Desk, browser: bool, **given: Any) -> None:
    """The desk in the browser: market, ticket, positions and what the bot thinks; runs until Ctrl-C."""
    from bearskin.app._dashboard import dashboard as run

    def ready(address: WebAddress) -> None:
        if desk.json:
            desk.emit({"url": address.url, "token": address.token, "open": address.opening})
        else:
            desk.say(f"dashboard: {address.opening}")
        if browser:
            opened_in_browser(address.opening)

    run(ready, **known(given), home=desk.home, store=desk.store)


def opened_in_browser(address: str) -> None:
    """Open a page in the user's browser, where there is a screen for it."""
    import os
    import sys
    import webbrowser

    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(address)
