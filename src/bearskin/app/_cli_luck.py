"""The command that asks how much of a result is luck."""

from __future__ import annotations

from typing import Any

import typer

from bearskin.app._command import command, known
from bearskin.app._desk import Desk
from bearskin.app._options import OUT, Spec, count, flag, word

LUCK: dict[str, Spec] = {
    "folder": word("The --out folder of a backtest or of a sweep.", "FOLDER"),
    "trials": count("How many things were tried to come to this backtest.", None, least=1),
    "draws": count("Random entries of every trade; 50 by default.", None, least=1),
    "train_days": count("Days a sweep's walk forward learns from; default: all the past.", None, least=30),
    "test_days": count("Days of a fold of that walk forward; 30 by default.", None, least=1),
    "embargo": count("Days left out before a fold; 5 by default.", None),
    "again": flag("--again/--no-again", "Trade it again for dearer costs and random entries.", None, True),
    "seed": count("Dice of bootstrap and random entries; 1 by default.", None),
    "html": flag("--html/--no-html", "Write luck.html into the folder.", OUT, True),
    "show": flag("--open", "Open it in the browser.", OUT),
}


def register_luck(app: typer.Typer) -> None:
    """Add the command of this file to `app`."""
    command(app, "luck", LUCK, "Trades")(luck)


def luck(desk: Desk, show: bool, **given: Any) -> None:
    """How much of a backtest or a sweep is luck: gates, deflation, overfitting, random entries, walk forward."""
    desk.say("luck: loading")
    from bearskin.app._luck import luck as ask

    with desk.progress() as progress:
        found = ask(**known(given), home=desk.home, store=desk.store, progress=progress)

    def shown() -> object:
        from bearskin.report import luck_tables

        return luck_tables(found.luck)

    desk.result(found.to_json, shown)
    if found.page is not None:
        desk.say(f"the whole of it: {found.page.as_uri()}")
        if show:
            import webbrowser

            webbrowser.open(found.page.as_uri())
