"""How a run of the bot went: the account, what was closed, what was declined and why, what is still open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from bearskin.report._bot_screen import NO_EDGE, positions_table
from bearskin.report._terminal import Fitted, empty_table, toned
from bearskin.report._words import Kind, clean, shown

DECLINED_MOST = 8


def bot_tables(state: Mapping[str, Any]) -> tuple[RenderableType, ...]:
    """A state of the bot as tables."""
    account, counts = state["account"], state["counts"]
    head = empty_table(f"Run {clean(state['run'])}")
    head.show_header = False
    head.add_column()
    head.add_column(justify="right")
    wins = f" ({counts['wins']} won)" if counts["exits"] else ""
    rows: list[tuple[str, str | Text]] = [
        ("Market time", (state["time"] or "")[:16].replace("T", " ")),
        ("Signals, entered, closed", f"{counts['signals']:,}, {counts['entries']:,}, {counts['exits']:,}{wins}"),
        ("Closed trades, before costs", toned(shown(Kind.MONEY, account["gross"], signed=True), signed=True)),
        ("Closed trades, net", toned(shown(Kind.MONEY, account["net"], signed=True), signed=True)),
        ("Fees, all trades", shown(Kind.MONEY, account["fees"])),
        ("Funding, all trades (+ received)", toned(shown(Kind.MONEY, account["funding"], signed=True), signed=True)),
        ("Equity", f"{shown(Kind.MONEY, account['equity'])} {account['asset']}"),
        ("Longest without a stop", f"{counts['max_unprotected_s']:.3f} s"),
    ]
    for name, figure in rows:
        head.add_row(name, figure)
    made: list[RenderableType] = [head]
    if counts["by_setup"]:
        made.append(_counted(f"Signals, each of a set-up with {NO_EDGE}", counts["by_setup"]))
    if counts["declined"]:
        made.append(_counted("Declined, and why", counts["declined"]))
    if state["positions"]:
        made.append(Text("Still open, each with its stop at the venue", style="bold"))
        made.append(Fitted(lambda width: positions_table(state, width, most=len(state["positions"]))))
    return tuple(made)


def _counted(title: str, counts: Mapping[str, int]) -> RenderableType:
    table = empty_table(title)
    table.show_header = False
    table.add_column()
    table.add_column(justify="right")
    for name, number in list(counts.items())[:DECLINED_MOST]:
        table.add_row(clean(name), f"{number:,}")
    rest = sum(list(counts.values())[DECLINED_MOST:])
    if rest:
        table.add_row("other", f"{rest:,}")
    return table
