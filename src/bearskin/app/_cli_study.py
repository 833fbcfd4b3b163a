"""The command that studies what follows the set-ups."""

from __future__ import annotations

from typing import Any

import typer

from bearskin.app._command import INTERRUPTED, command, known
from bearskin.app._desk import Desk
from bearskin.app._options import STUDY


def register_study(app: typer.Typer) -> None:
    """Add the command of this file to `app`."""
    command(app, "study", STUDY, "Trades")(study)


def study(desk: Desk, **given: Any) -> int:
    """What followed each set-up, against random entries close in time: excess, luck among all tests, costs."""
    desk.say("study: loading")
    from bearskin import report
    from bearskin.app._study import study as look

    with desk.progress() as progress:
        result = look(**known(given), home=desk.home, store=desk.store, progress=progress)
    desk.result(lambda: report.study_json(result), lambda: report.study_tables(result))
    return INTERRUPTED if result.interrupted else 0
