"""From journals to tables: bringing the projection up, and the tables of one journal without any database."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from bearskin.engine import record_of, rows_of
from bearskin.journal import Journal, Projection, Row, RunFolder, damaged_in, runs_in


def caught_up(projection: Projection, journals: Path, *, rebuild: bool = False) -> tuple[str, ...]:
    """Bring the tables up to every journal below `journals` that no process holds; one sentence for each run changed.

    A run that is traded now keeps its tables up itself and is left alone. With `rebuild` all rows are made again.
    """
    said = []
    for folder in runs_in(journals):
        if folder.held:
            continue
        before = projection.mark(folder.run)
        after = tell(projection, folder, rebuild=rebuild)
        if after != before or rebuild:
            said.append(f"{folder.run}: {after:,} records, {before:,} were told before")
    said += [f"{damaged.run}: passed over, {damaged.why}" for damaged in damaged_in(journals)]
    return tuple(said)


def tell(projection: Projection, folder: RunFolder, *, rebuild: bool = False) -> int:
    """Bring the tables up to one run's journal, which no other process may hold; the number of its last record."""
    with closing(folder.open_journal()) as journal:
        return tell_journal(projection, folder, journal, rebuild=rebuild)


def tell_journal(projection: Projection, folder: RunFolder, journal: Journal, *, rebuild: bool = False) -> int:
    """Bring the tables up to a journal that this process has open; the number of its last record."""
    tag = folder.facts.get("tag")

    def rows(sequence: int, data: bytes) -> Iterable[Row]:
        return rows_of(sequence, record_of(data), tag)

    projection.begin(folder.run, folder.facts)
    if rebuild or projection.mark(folder.run) > journal.sequence:  # tables of a journal that is no more
        return projection.rebuild(folder.run, journal.records(), rows)
    return projection.follow(folder.run, journal.records(projection.mark(folder.run)), rows)


def tables_of(folder: RunFolder) -> Projection:
    """The tables of one run's journal, in memory; to be closed."""
    projection = Projection.open("sqlite://")
    try:
        tell(projection, folder)
    except BaseException:
        projection.close()
        raise
    return projection
