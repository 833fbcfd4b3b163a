"""What the store holds and what is wrong with it, for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bearskin.market import Fault, SymbolCoverage
from bearskin.report._terminal import empty_table
from bearskin.report._words import Kind, clean, day, prose, shown, when

_CODES = {
    "gap": "rows are missing",
    "duplicate": "a time stands twice; another hand changed the file",
    "unsorted": "rows out of order; another hand changed the file",
    "bad-ohlc": "high, low, open and close contradict each other; another hand changed the file",
    "bad-value": "an empty or impossible value; another hand changed the file",
    "flat": "a day or more without a trade or a move",
    "stale": "it ends before others of its kind; fetch or import the rest if you need it",
    "funding-interval": "the venue changed the time between settlements: a fact, not a hole",
    "missing-settlement": "a funding settlement is not there",
    "sources-differ": "two imports disagree; the first one stays",
    "intervals-differ": "finer bars put together are not the coarser bar",
    "quirk": "an oddity the layout is known for, put right or kept",
    "unreadable": "a file of the store cannot be read",
}


def faults_table(faults: Iterable[Fault], *, each: bool = False) -> RenderableType:
    """One line for each series and kind of fault: how many, when first and last, and the detail of the first.

    With `each`, one line for every single fault. A series stands once, its faults below it, in the order of names;
    after them what each kind means and how often it was found. No faults are a sentence.
    """
    groups: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        groups.setdefault((str(fault.key), str(fault.code)), []).append(fault)
    if not groups:
        return Text("No faults were found.")
    total = sum(len(group) for group in groups.values())
    series = {key for key, _ in groups}
    plural = "" if total == 1 else "s"
    parts: list[RenderableType] = [Text(f"{total:,} fault{plural} in {len(series)} series (UTC)", style="bold")]
    rows, named = _lines(), ""
    for (key, _), group in sorted(groups.items()):
        if key != named:
            rows = _lines()
            parts += [Text(f"\n{clean(key)}", style="cyan"), rows]
            named = key
        if each:
            for fault in group:
                rows.add_row("", Text(_one(fault)))
        else:
            rows.add_row(f"{len(group):,}", Text(_together(group)))
    return Group(*parts, "", _meaning(groups))


def _lines() -> Table:
    """Lines with a figure before them; what does not fit goes on below the words, not below the figure."""
    rows = Table.grid(padding=(0, 1, 0, 0))
    rows.add_column(justify="right", min_width=6, no_wrap=True)
    rows.add_column(overflow="fold")
    return rows


def _meaning(groups: Mapping[tuple[str, str], Sequence[Fault]]) -> RenderableType:
    found: Counter[str] = Counter()
    for (_, code), group in groups.items():
        found[code] += len(group)
    rows = _lines()
    for code, count in found.most_common():
        words = _CODES.get(code)
        rows.add_row(f"{count:,}", Text(f"{clean(code)}: {words}" if words else clean(code)))
    return Group(Text("What was found", style="bold"), rows)


def _one(fault: Fault) -> str:
    span = "" if fault.time_ns is None else f", {when(fault.time_ns)}"
    return f"{clean(str(fault.code))}{span}: {prose(fault.detail)}"


def _together(group: Sequence[Fault]) -> str:
    """Faults of one kind: from when to when, and what the first one says."""
    if len(group) == 1:
        return _one(group[0])
    times = [fault.time_ns for fault in group if fault.time_ns is not None]
    span = f", {when(min(times))} to {when(max(times))}" if times else ""
    return f"{clean(str(group[0].code))}{span}; first: {prose(group[0].detail)}"


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
