"""A result against luck for the terminal: the verdict, its gates, then the figures behind them."""

from __future__ import annotations

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bearskin.backtest import Luck
from bearskin.report._luck_words import (
    Row,
    gate_figure,
    gate_needed,
    many_rows,
    period,
    random_rows,
    result_rows,
    walk_rows,
)
from bearskin.report._terminal import bulleted, empty_table
from bearskin.report._words import prose


def luck_tables(luck: Luck) -> list[RenderableType]:
    """`luck` for the terminal."""
    style = "green" if luck.passed else "yellow"
    head = Text(luck.verdict.capitalize(), style=f"bold {style}")
    head.append(f"\n{prose(luck.subject)}, {period(luck)} (UTC)", style="")
    parts: list[RenderableType] = [head, _gates(luck)]
    for title, rows in (
        ("The result", result_rows(luck)),
        ("Against random entries", random_rows(luck)),
        ("After everything that was tried", many_rows(luck)),
        ("Chosen by the past", walk_rows(luck)),
    ):
        if rows:
            parts.append(_rows(title, rows))
    if luck.notes:
        parts.append(bulleted("Mind", luck.notes))
    return [Padding(part, (0, 0, 1, 0)) for part in parts]


def _gates(luck: Luck) -> Table:
    table = empty_table(f"{sum(gate.passed for gate in luck.gates)} of {len(luck.gates)} gates passed")
    table.add_column("", no_wrap=True)
    table.add_column("Gate", overflow="fold")
    table.add_column("Figure", justify="right", no_wrap=True)
    table.add_column("Needed", no_wrap=True)
    table.add_column("", overflow="fold", style="dim")
    for gate in luck.gates:
        mark = Text("pass", style="green") if gate.passed else Text("no", style="red")
        table.add_row(mark, gate.title, gate_figure(gate), gate_needed(gate), Text(prose(gate.why)))
    return table


def _rows(title: str, rows: list[Row]) -> Table:
    table = empty_table(title)
    table.show_header = False
    table.add_column("", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("", overflow="fold", style="dim")
    for what, figure, how in rows:
        table.add_row(what, figure, Text(prose(how)))
    return table
