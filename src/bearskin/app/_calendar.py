"""A file of events around which a bot enters nothing, in TOML or CSV."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bearskin.app._home import user_path
from bearskin.engine import CalendarEvent
from bearskin.terms import MINUTE_NS, BadFile, BadInput, parse_time

COLUMNS = ("name", "start", "end")
AT = "at"
AROUND_NS = 30 * MINUTE_NS  # a moment without start and end is barred this long before and after


def read_calendar(path: Path | str) -> tuple[CalendarEvent, ...]:
    """The events of a file, by their start; raises BadFile with the place of the first fault.

    TOML has an `[[event]]` for each with name, start, end and perhaps symbols; CSV has these columns, the symbols with
    blanks between. Instead of start and end an event may have `at`, its moment: half an hour either side is barred.
    Times are dates or RFC 3339, UTC without an offset; an event without symbols holds for all.
    """
    file = user_path(path)
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadFile(file, f"cannot be read ({reason}): name a TOML or CSV file with events") from None
    rows = _of_csv(file, text) if file.suffix.lower() == ".csv" else _of_toml(file, text)
    return tuple(sorted((_event(file, number, row) for number, row in rows), key=lambda event: event.start_ns))


def _of_toml(file: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadFile(file, f"is not TOML: {error}") from None
    events = found.get("event")
    if not isinstance(events, list) or not all(isinstance(one, dict) for one in events) or len(found) != 1:
        raise BadFile(file, "must hold nothing but [[event]] tables, each with name, start and end")
    yield from enumerate(events, 1)


def _of_csv(file: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    rows = csv.DictReader(text.splitlines())
    there = rows.fieldnames or ()
    missing = [name for name in (("name",) if AT in there else COLUMNS) if name not in there]
    if missing:
        raise BadFile(file, f"has no column {missing[0]!r}: the first row names {', '.join(COLUMNS)}, symbols", row=1)
    yield from enumerate(rows, 2)


def _event(file: Path, number: int, row: Mapping[str, Any]) -> CalendarEvent:
    unknown = [str(name) for name in row if name not in (*COLUMNS, AT, "symbols")]
    if unknown:
        raise BadFile(file, f"{unknown[0]!r} is none of {', '.join(COLUMNS)}, {AT}, symbols", row=number)
    moment = str(row.get(AT) or "").strip()
    for name in ("name", AT) if moment else COLUMNS:
        if not str(row.get(name) or "").strip():
            raise BadFile(file, "is empty", row=number, column=name)
    if moment and (row.get("start") or row.get("end")):
        raise BadFile(file, "has start or end beside it: at stands for half an hour either side", row=number, column=AT)
    times = {}
    for name in (AT,) if moment else ("start", "end"):
        try:
            value = row[name]
            times[name] = parse_time(value if isinstance(value, str) else value.isoformat())
        except (BadInput, AttributeError) as error:
            raise BadFile(file, str(error), row=number, column=name) from None
    if moment:
        times |= {"start": times[AT] - AROUND_NS, "end": times[AT] + AROUND_NS}
    if times["end"] <= times["start"]:
        raise BadFile(file, "end is not after start", row=number, column="end")
    symbols = row.get("symbols") or ()
    words = symbols.replace(",", " ").split() if isinstance(symbols, str) else symbols
    return CalendarEvent(
        name=str(row["name"]).strip()[:100],
        start_ns=times["start"],
        end_ns=times["end"],
        at_ns=times.get(AT),
        symbols=tuple(str(word).strip().upper() for word in words),
    )
