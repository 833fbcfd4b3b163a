"""Commands about set-ups: scan for them, list and check them."""

from __future__ import annotations

from typing import Any

import typer

from bearskin.app._command import REFUSED, command, known
from bearskin.app._desk import Desk
from bearskin.app._options import SCAN, SETUPS


def register_scan(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    command(app, "scan", SCAN, "Trades")(scan)
    command(app, "setups", SETUPS, "Trades")(setups)


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


def setups(desk: Desk, what: list[str] | None, **given: Any) -> int:
    """Which set-ups there are, one of them, or a check of one for look-ahead (exit 3 when it looks ahead)."""
    from bearskin.app._setups import CheckReport
    from bearskin.app._setups import setups as tell

    with desk.progress() as progress:
        told = tell(*(what or ()), **known(given), home=desk.home, store=desk.store, progress=progress)

    def tables() -> object:
        from bearskin.report import check_tables, setup_tables

        return check_tables(told.checked) if isinstance(told, CheckReport) else setup_tables(told.to_json())

    desk.result(told.to_json, tables)
    return REFUSED if isinstance(told, CheckReport) and told.looks_ahead else 0
