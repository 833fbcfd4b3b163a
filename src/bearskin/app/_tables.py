"""Tables of the house's own reports; those of plans and results belong to `report`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bearskin.app._config import ConfigReport
    from bearskin.app._doctor import DoctorReport

_COLOURS = {"ok": "green", "odd": "yellow", "bad": "bold red"}


def table(title: str, *columns: str) -> Any:
    """A plain table with a title."""
    from rich import box
    from rich.table import Table

    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
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
    disk = table("disk", "part", "bytes")
    for part, size in report.disk_bytes.items():
        disk.add_row(part, f"{size:,}")
    verdict = "healthy" if report.healthy else "something is wrong: see the lines marked bad"
    return [checks, disk, verdict]
