"""What the house asks of its journals as a whole: are they at rest, of which version, and the tables made of them."""

from __future__ import annotations

import contextlib
from pathlib import Path

from bearskin.app._house import House
from bearskin.journal import JOURNAL_VERSION, damaged_in, journal_held, journal_version, migrate_journal, runs_in
from bearskin.terms import BadInput, StoreBroken


def runs_at_rest(journals: Path) -> None:
    """Raise BadInput where a bot is on a run below `journals`, be it a damaged one."""
    folders = [*(folder.path for folder in runs_in(journals)), *(folder.path for folder in damaged_in(journals))]
    for folder in folders:
        if journal_held(folder / "journal.sqlite"):
            raise BadInput(f"a bot is running in {folder}: stop it first")


def journals_told(journals: Path) -> str:
    """One line on the runs below `journals`; raises StoreBroken for a damaged one and BadInput for another version."""
    for damaged in damaged_in(journals):
        raise StoreBroken(f"the run {damaged.run}: {damaged.why}")
    runs = runs_in(journals)
    if not runs:
        return "none yet"
    held = [folder.run for folder in runs if folder.held]
    for folder in runs:
        version = None if folder.held else journal_version(folder.journal_path)
        if version not in (None, JOURNAL_VERSION):
            raise BadInput(f"{folder.path} has a journal of version {version}: `bearskin migrate` brings it up")
    traded = f", traded now: {', '.join(held)}" if held else ""
    return f"{len(runs)} run{'' if len(runs) == 1 else 's'} of version {JOURNAL_VERSION}{traded}"


def migrate_journals(journals: Path, exchange: Path) -> tuple[str, ...]:
    """Bring the journals of every run and of the exchange, which nobody holds, up to this version; what was done."""
    paths = [*(folder.journal_path for folder in runs_in(journals)), exchange / "journal.sqlite"]
    at_rest = [
        path for path in paths if not journal_held(path)
    ]  # who holds one has opened it, so it is of this version
    return tuple(f"{path.parent.name}: {step}" for path in at_rest for step in migrate_journal(path))


def tables_version(house: House) -> int | None:
    """The version of the tables of runs, None where there are none yet; raises StoreBroken when they cannot be had."""
    if house.settings.database is None and not Path(house.database).exists():
        return None
    from bearskin.journal import Projection

    return Projection.version(house.database)


def migrate_tables(house: House) -> tuple[str, ...]:
    """Bring the tables of runs up to this version, and tell in them what they forgot; what was done."""
    if tables_version(house) is None:
        return ()
    from bearskin.journal import Projection
    from bearskin.report import caught_up

    steps = Projection.migrate(house.database)
    if steps:
        with contextlib.closing(Projection.open(house.database)) as projection:
            return (*steps, *caught_up(projection, house.home.part("journal")))
    return steps
