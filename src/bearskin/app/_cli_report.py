"""Commands that tell of runs: report and tables."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bearskin.app._command import command
from bearskin.app._desk import Desk
from bearskin.app._options import count, flag, text

PANEL = "Bot"
RUN = Annotated[str, typer.Argument(metavar="[RUN]", help="Its name, or `last`.")], "last"
REPORT = {"run": RUN, "last": count("How many trades and decisions.", 20, least=1)}
TABLES = {
    "database": text("sqlite:///FILE or postgresql://USER@HOST/NAME; the password in PGPASSWORD.", "URL"),
    "rebuild": flag("--rebuild", "Make all rows again from the journals."),
}


def register_report(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    command(app, "report", REPORT, PANEL)(report)
    command(app, "tables", TABLES, PANEL)(tables)


def report(desk: Desk, run: str, last: int) -> None:
    """What a run came to: entries, exits, refusals, seconds unprotected, and whether its money adds up."""
    from bearskin.app._report import report as look

    found = look(run, last=last, home=desk.home, store=desk.store)

    def shown() -> list[Any]:
        from bearskin.report import left_tables, run_tables

        return [*run_tables(found.summary), *left_tables(found.positions, found.orders), *found.shown]

    desk.result(found.to_json, shown)


def tables(desk: Desk, database: str | None, rebuild: bool) -> None:
    """Bring the tables of all runs up to their journals, in SQLite or PostgreSQL, for questions in SQL."""
    from bearskin.app._report import tables as bring

    found = bring(database=database, rebuild=rebuild, home=desk.home, store=desk.store)
    count = len(found.records)
    lines = [*found.told, f"{count} run{'' if count == 1 else 's'} in {found.database}; docs/state.md names the tables"]
    desk.result(found.to_json, lambda: lines)
