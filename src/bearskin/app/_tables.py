"""Tables of the house's own reports; those of plans and results belong to `report`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bearskin.terms import iso

if TYPE_CHECKING:
    from bearskin.app._config import ConfigReport
    from bearskin.app._data import FetchedReport, ListReport
    from bearskin.app._doctor import DoctorReport
    from bearskin.market import Coverage, ImportReport

_COLOURS = {"ok": "green", "odd": "yellow", "bad": "bold red"}


def table(title: str, *columns: str) -> Any:
    """A plain table with a title."""
    from rich import box
    from rich.table import Table

    made = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0)
    )
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def config_tables(report: ConfigReport) -> list[Any]:
    """Each setting, its value, where from and what it means."""
    from rich.text import Text

    made = table(f"home {report.home} ({report.home_origin})", "setting", "value", "from", "meaning")
    for row in report.settings:
        value = Text(row.value) if row.value is not None else Text(row.stands_in, style="dim")
        made.add_row(row.name, value, row.origin, row.meaning)
    return [made, *report.notes]


def doctor_tables(report: DoctorReport) -> list[Any]:
    """Each check with its state, then the disk each part takes."""
    from rich.text import Text

    checks = table("doctor", "what", "", "state", "detail")
    for check in report.checks:
        checks.add_row(check.area, check.name, Text(check.state, style=_COLOURS[check.state]), Text(check.detail))
    disk = table("disk", "part", "takes")
    disk.columns[1].justify = "right"
    for part, size in report.disk_bytes.items():
        disk.add_row(part, size_word(size))
    verdict = "healthy" if report.healthy else "something is wrong: see the lines marked bad"
    return [checks, disk, verdict]


def size_word(size_bytes: int) -> str:
    """Bytes as people say them: `181 B`, `449.0 kB`, `197.9 MB` (thousands, not 1,024s)."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    size = float(size_bytes)
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.95 or unit == "GB":
            break
    return f"{size:,.1f} {unit}"


def import_tables(report: ImportReport) -> list[Any]:
    """Totals, then what was noted, left alone and refused; files that share a reason stand together."""
    made = table("import", "layout", "files", "rows added", "there already", "differing")
    layouts = sorted({file.layout for file in report.taken})
    for layout in layouts:
        files = [file for file in report.taken if file.layout == layout]
        sums = (sum(getattr(file, name) for file in files) for name in ("added", "same", "differing"))
        made.add_row(layout, f"{len(files):,}", *(f"{total:,}" for total in sums))
    made.add_section()
    made.add_row("all", f"{len(report.taken):,}", f"{report.added:,}", f"{report.same:,}", f"{report.differing:,}")
    for column in made.columns[1:]:
        column.justify, column.no_wrap = "right", True
    lines: list[Any] = [made]
    if report.differing:
        lines.append("differing: another source said otherwise; the first import stays, `bearskin data check` tells")
    noted = [(note, file.path) for file in report.taken for note in file.notes]
    lines += [f"note: {note}: {paths}" for note, paths in _by_reason(noted)]
    skipped = [(str(file.skipped), file.path) for file in report.skipped]
    lines += [f"left alone: {why}: {paths}" for why, paths in _by_reason(skipped)]
    return [*lines, *(f"REFUSED: {file.error}" for file in report.bad)]


def _by_reason(said: list[tuple[str, str]], most: int = 3) -> list[tuple[str, str]]:
    """`(reason, files)`, the first few files named and the rest counted; --json names every one."""
    groups: dict[str, list[str]] = {}
    for reason, path in said:
        groups.setdefault(reason, []).append(str(path))
    return [
        (reason, ", ".join(paths[:most]) + (f" and {len(paths) - most:,} more" if len(paths) > most else ""))
        for reason, paths in groups.items()
    ]


def fetch_tables(report: FetchedReport) -> list[Any]:
    """Rows per series, then what was not to be had."""
    made = table(f"from {report.source}", "series", "rows added", "already there", "differing (first kept)")
    for one in report.appends:
        made.add_row(str(one.key), f"{one.added:,}", f"{one.same:,}", f"{one.differing:,}")
    lines: list[Any] = [made]
    if report.downloaded is not None:
        lines.append(f"{report.downloaded} files loaded, {report.known} were in the store already")
    return [*lines, *(f"not to be had: {what}: {why}" for what, why in report.unavailable)]


def list_tables(report: ListReport, *, each: bool) -> list[Any]:
    """A line per kind (or per series with `each`): how many symbols, from when to when, rows."""
    if not report.series:
        return [f"nothing is in {report.store}: `bearskin data import PATH` or `bearskin data fetch SYMBOL` fill it"]
    groups: dict[tuple[str, str, str], list[Coverage]] = {}
    for one in report.series:
        key = one.key
        name = (f"{key.venue} {key.product}", f"{key.kind} {key.interval}", key.symbol if each else "")
        groups.setdefault(name, []).append(one)
    last = "symbol" if each else "symbols"
    made = table("", "venue", "kind", last, "from", "to", "rows")
    made.title = None
    for column in made.columns[2:]:  # a cut date or count would be a wrong one
        column.no_wrap = True
    made.columns[5].justify = "right"
    if not each:
        made.columns[2].justify = "right"
    for name, ones in sorted(groups.items()):
        first_ns, last_ns = min(one.first_ns for one in ones), max(one.last_ns for one in ones)
        symbols = name[2] if each else str(len(ones))
        made.add_row(*name[:2], symbols, iso(first_ns)[:10], iso(last_ns)[:10], f"{sum(one.rows for one in ones):,}")
    told = "" if each else "; `--each` lists every symbol"
    return [made, f"{len(report.series):,} series in {report.store}{told}"]
