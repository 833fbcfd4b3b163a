"""Commands that price and rehearse trades: plan, backtest, demo."""

from __future__ import annotations

import sys
from typing import Any

import typer

from bearskin.app._command import REFUSED, command, known
from bearskin.app._desk import Desk
from bearskin.app._options import PLAN


def register_trade(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    command(app, "plan", PLAN, "Trades")(plan)


def plan(desk: Desk, **given: Any) -> int:
    """Price one trade before it is made: size, liquidation, worst loss, carry, verdict. Exit 3 when refused."""
    from bearskin.app._plan import plan as price

    made = price(**known(given), home=desk.home, store=desk.store)

    def tables() -> object:
        from bearskin.report import plan_tables

        return plan_tables(made)

    desk.result(made.to_json, tables)
    if made.verdict == "refused":
        print("refused: see the reasons above", file=sys.stderr)  # noqa: T201 - the edge of the house prints
        return REFUSED
    return 0
