"""What the store holds and what is wrong with it, for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bearskin.market import Fault, SymbolCoverage
from bearskin.report._terminal import empty_table
from bearskin.report._words import Kind, clean, day, shown, when


def faults_table(faults: Iterable[Fault]) -> RenderableType:
    """One row for each series and kind of fault: how many, when first and last, and the detail of the first.

    Rows stand in the order of the series' names; no faults are a sentence.
    """
    groups: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        groups.setdefault((str(fault.key), str(fault.code)), []).append(fault)
    if not groups:
        return Text("No faults were found.")
    total = sum(len(group) for group in groups.values())
    table = empty_table(f"{total:,} fault{'' if total == 1 else 's'} in {len({key for key, _ in groups})} series (UTC)")
    for heading, justify in (
        ("Series", "left"),
        ("Fault", "left"),
        ("n", "right"),
        ("First", "left"),
        ("Last", "left"),
    ):
        table.add_column(heading, justify=justify, overflow="fold")  # type: ignore[arg-type]
    table.add_column("Detail of the first", overflow="fold", ratio=1)
    for (key, code), group in sorted(groups.items()):
        times = [fault.time_ns for fault in group if fault.time_ns is not None]
        first, last = (when(min(times)), when(max(times))) if times else ("–", "–")
        cells = (clean(key), clean(code), f"{len(group):,}", first, last, clean(group[0].detail))
        table.add_row(*(Text(cell) for cell in cells))
    return table


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
