"""The command that compares a run with the backtest of its bars."""

from __future__ import annotations

import typer

from bearskin.app._command import BUG, command
from bearskin.app._desk import Desk
from bearskin.app._options import PARITY


def register_parity(app: typer.Typer) -> None:
    """Add the command of this file to `app`."""
    command(app, "parity", PARITY, "Trades")(parity)


def parity(desk: Desk, run: str) -> int:
    """A run against the compiled backtest of the bars it saw: every difference in money, trade by trade."""
    from bearskin.app._backtest import warm_up
    from bearskin.app._parity import parity as compare
    from bearskin.report import parity_tables

    warm_up()
    found = compare(run, home=desk.home)
    desk.result(found.to_json, lambda: parity_tables(found))
    return 0 if found.adds_up else BUG
