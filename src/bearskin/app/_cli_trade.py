"""Commands that price and rehearse trades: plan and backtest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bearskin.app._command import INTERRUPTED, REFUSED, command, known
from bearskin.app._desk import Desk
from bearskin.app._options import BACKTEST, PLAN

if TYPE_CHECKING:
    from bearskin.backtest import BacktestResult


def register_trade(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    command(app, "plan", PLAN, "Trades")(plan)
    command(app, "backtest", BACKTEST, "Trades")(backtest)


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


def backtest(desk: Desk, show: bool, out: str | None, html: bool, **given: Any) -> int:
    """Trade set-ups through the history in the store with every cost; tables, JSON, Parquet and a tear sheet."""
    desk.say("backtest: loading")
    from bearskin.app._backtest import backtest as rehearse
    from bearskin.app._backtest import write
    from bearskin.app._house import new_folder, open_house, results_folder

    house = open_house(desk.home, store=desk.store)
    folder = results_folder(out, new_folder(house.home.part("reports"), "backtest"))
    with desk.progress() as progress:
        result = rehearse(**known(given), home=desk.home, store=desk.store, progress=progress)
        if progress is not None:
            progress("writing the results", 0, None)
        files = write(result, folder, html=html)
    return result_shown(desk, result, files, show)


def result_shown(desk: Desk, result: BacktestResult, files: dict[str, Path], show: bool, **more: Any) -> int:
    """Print a result and where its files are; 130 when it was stopped half-way."""
    from bearskin import report

    desk.result(
        lambda: {**more, **report.result_json(result), "files": {name: str(path) for name, path in files.items()}},
        lambda: report.summary_tables(result),
    )
    page = files.get("tear_sheet")
    desk.say(f"results are in {next(iter(files.values())).parent}" + (f", tear sheet: {page.as_uri()}" if page else ""))
    if show and page is not None:
        import webbrowser

        webbrowser.open(page.as_uri())
    return INTERRUPTED if any(note.startswith("PARTIAL") for note in result.notes) else 0
