"""Set-ups for the terminal: the list, one of them, and what the look-ahead check found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from bearskin.report._terminal import bulleted, empty_table
from bearskin.report._words import prose
from bearskin.setups import Checked

Json = Mapping[str, Any]


def setup_tables(told: Json) -> list[RenderableType]:
    """What `setups --json` says, for eyes: all of them or one."""
    parts = _list(told["setups"]) if "setups" in told else _one(told)
    return [Padding(part, (0, 0, 1, 0)) for part in parts]


def _list(rows: Sequence[Json]) -> list[RenderableType]:
    table = empty_table("Set-ups")
    for heading in ("Name", "Families", "Needs", "Evidence"):
        table.add_column(heading, no_wrap=heading == "Name", overflow="fold")
    for one in rows:
        for side, evidence in one["evidence"].items():
            first = side == "short"
            table.add_row(
                one["name"] if first else "",
                ", ".join(one["families"]) if first else "",
                ", ".join(one["needs"]) if first else "",
                Text(f"{side}: {prose(evidence['sentence'])}"),
            )
    return [
        table,
        Text("`bearskin setups NAME` tells one; `bearskin setups check FILE` checks your own for look-ahead."),
    ]


def _one(one: Json) -> list[RenderableType]:
    head = Text()
    head.append(one["title"], style="bold")
    needs = ", ".join(one["needs"]) or "nothing beyond candles"
    head.append(
        f"  {one['name']}\nfamilies: {', '.join(one['families'])}; needs {needs}; {one['bars_min']} bars at least"
    )
    table = empty_table("Parameters")
    table.add_column("Name", no_wrap=True)
    table.add_column("Default", overflow="fold")
    for name, value in one["params"].items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        for below, figure in inner:
            shown = ", ".join(map(str, figure)) if isinstance(figure, list) else str(figure)
            table.add_row(f"{name}.{below}" if below else name, shown)
    lines = [f"{side}: {evidence['sentence']}" for side, evidence in one["evidence"].items()]
    return [head, table, bulleted("Evidence", lines)]


def check_tables(checked: Sequence[Checked]) -> list[RenderableType]:
    """The verdict on each set-up, its faults, and what is told beside it."""
    parts: list[RenderableType] = []
    for one in checked:
        sign, style = ("✘", "red") if one.looks_ahead else ("✔", "green") if one.events else ("?", "cyan")
        head = Text()
        head.append(f"{sign} {one.setup}: {one.verdict}", style=f"bold {style}")
        lines: list[RenderableType] = [head, Text(f"  {prose(one.sentence)}")]
        lines += [Text(f"  {prose(str(fault))}") for fault in one.faults[1:]]
        changed = [f"{bars} bars: {n} of {of} events differ" for bars, n, of in one.warm_up if of]
        if changed:
            lines.append(Text(f"  warm-up, first third of the market missing: {'; '.join(changed)}", style="dim"))
        alike, of = one.mirror
        if of:
            lines.append(Text(f"  mirror: {alike} of {of} shorts are longs of the mirrored market", style="dim"))
        parts.append(Group(*lines))
    return [Padding(part, (0, 0, 1, 0)) for part in parts]
