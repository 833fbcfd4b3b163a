"""Commands that look for set-ups: scan."""

from __future__ import annotations

from typing import Any

import typer

from bearskin.app._command import command, known
from bearskin.app._desk import Desk
from bearskin.app._options import SCAN


def register_scan(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    command(app, "scan", SCAN, "Trades")(scan)


def scan(desk: Desk, show: bool, out: str | None, processes: int | None, **given: Any) -> int:
    """Set-ups that stand at one moment, each with stop, size, liquidation, carry, guards and what it was worth."""
    from bearskin.app._home import user_path
    from bearskin.app._scan import scan as look

    with desk.progress() as progress:
        found = look(**known(given), out=out, processes=processes, home=desk.home, store=desk.store, progress=progress)

    def tables() -> object:
        from bearskin.report import scan_tables

        return scan_tables(found)

    def told() -> dict[str, Any]:
        from bearskin.report import scan_json

        return scan_json(found)

    desk.result(told, tables)
    if out is not None:
        page = user_path(out)
        desk.say(f"the page is {page.resolve().as_uri()}")
        if show:
            import webbrowser

            webbrowser.open(page.resolve().as_uri())
    return 0
