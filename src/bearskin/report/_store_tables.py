"""What the store holds and what is wrong with it, for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bearskin.market import Fault, SymbolCoverage
from bearskin.report._terminal import empty_table
from bearskin.report._words import Kind, clean, day, shown, when


def faults_table(faults: Iterable[Fault], *, each: bool = False) -> RenderableType:
    """One line for each series and kind of fault: how many, when first and last, and the detail of the first.

    With `each`, one line for every single fault. A series stands once, its faults below it, in the order of names;
    no faults are a sentence.
    """
    groups: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        groups.setdefault((str(fault.key), str(fault.code)), []).append(fault)
    if not groups:
        return Text("No faults were found.")
    total = sum(len(group) for group in groups.values())
    series = {key for key, _ in groups}
    lines = [Text(f"{total:,} fault{'' if total == 1 else 's'} in {len(series)} series (UTC)", style="bold")]
    named = ""
    for (key, _), group in sorted(groups.items()):
        if key != named:
            lines.append(Text(f"\n{clean(key)}", style="cyan"))
            named = key
        lines += [Text(f"  {_one(fault)}") for fault in group] if each else [Text(f"  {_together(group)}")]
    return Group(*lines)


def _one(fault: Fault) -> str:
    span = "" if fault.time_ns is None else f", {when(fault.time_ns)}"
    return f"{clean(str(fault.code))}{span}: {clean(fault.detail)}"


def _together(group: Sequence[Fault]) -> str:
    """Faults of one kind: how many, from when to when, and what the first one says."""
    if len(group) == 1:
        return f"{1:>5} {_one(group[0])}"
    times = [fault.time_ns for fault in group if fault.time_ns is not None]
    span = f", {when(min(times))} to {when(max(times))}" if times else ""
    return f"{len(group):>5,} {clean(str(group[0].code))}{span}; first: {clean(group[0].detail)}"


def coverage_table(rows: Sequence[SymbolCoverage], title: str = "Stored symbols") -> Table:
    """One row for each symbol: first and last bar, bars, and whether mark and funding are there."""
    table = empty_table(f"{title}: {len(rows)}")
    for heading in ("Symbol", "From", "To"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Bars", justify="right")
    for heading in ("Mark", "Funding"):
        table.add_column(heading)
    for row in rows:
        table.add_row(
            Text(clean(row.symbol)),
            day(row.first_ns),
            day(row.last_ns),
            shown(Kind.COUNT, row.rows),
            _there(row.has_mark),
            _there(row.has_funding),
        )
    return table


def _there(yes: bool) -> Text:
    return Text("yes", style="green") if yes else Text("no", style="yellow")
