"""From one version of the journal to the next: steps that keep every record."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bearskin.journal import _journal
from bearskin.terms import BadInput, StoreBroken

Step = Callable[[sqlite3.Connection], str]  # within a transaction; says in words what it did
JOURNAL_STEPS: Final[dict[int, Step]] = {}  # by the version they start from; there is no way up from version 1


def migrate_journal(path: Path) -> tuple[str, ...]:
    """Bring the journal in `path` up to this version, all steps or none; what was done, in words.

    Empty where there is nothing to do. Raises BadInput for a version without a way up and for a journal that a process
    holds, StoreBroken for a damaged one.
    """
    version = _journal.journal_version(path)
    wanted = _journal.JOURNAL_VERSION
    if version is None or version == wanted:
        return ()
    if version > wanted or any(number not in JOURNAL_STEPS for number in range(version, wanted)):
        raise BadInput(f"{path} is a journal of version {version}: there is no way from it to version {wanted}")
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=0.2)) as database:
            database.execute("BEGIN EXCLUSIVE")
            said = tuple(
                f"journal {number} to {number + 1}: {JOURNAL_STEPS[number](database)}"
                for number in range(version, wanted)
            )
            database.execute(f"PRAGMA user_version={wanted}")
            database.execute("COMMIT")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            raise BadInput(f"{path} is in use by another process: stop that one first") from None
        raise StoreBroken(f"{path} cannot be brought to version {wanted} ({error})") from None
    return said
