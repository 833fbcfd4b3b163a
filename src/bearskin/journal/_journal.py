"""One SQLite file: records in the order they were decided, each with its check sum, and snapshots between them.

Beside them lie pages: what is worked out of the records, is closed, and would only make every snapshot longer. They are
in the same file so that no crash can keep a snapshot and lose the pages that were written before it.

SQLite in write-ahead mode with `synchronous=NORMAL`: a transaction that was committed survives the death of the
process at any moment (`kill -9`); a power cut may lose the last moments before it, never the middle.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from zlib import crc32

from bearskin.terms import BadInput, StoreBroken

JOURNAL_VERSION: Final = 2
_APPLICATION: Final = 0x62656172  # "bear": told apart from any other SQLite file
_SNAPSHOTS_KEPT: Final = 2
_TABLES: Final = (
    "CREATE TABLE records (sequence INTEGER PRIMARY KEY, crc INTEGER NOT NULL, data BLOB NOT NULL)",
    "CREATE TABLE snapshots (sequence INTEGER PRIMARY KEY, crc INTEGER NOT NULL, data BLOB NOT NULL)",
    (
        "CREATE TABLE pages (name TEXT NOT NULL, place INTEGER NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL,"
        " PRIMARY KEY (name, place))"
    ),
)


def journal_version(path: Path) -> int | None:
    """The version of the journal in `path`; None where there is no file. Raises StoreBroken for anything else."""
    if not path.exists():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            return _version(database, path)
    except sqlite3.Error as error:
        raise StoreBroken(f"{path} cannot be read as a journal ({error})") from None


class Journal:
    """Records by sequence number, from 1 and without gaps, snapshots of what they amount to, and pages.

    One process at a time holds it. Everything raises StoreBroken for a file that is damaged, foreign or cannot be
    written, `open` BadInput for one that another process holds.
    """

    def __init__(self, path: Path, database: sqlite3.Connection, sequence: int, cure: str = "") -> None:
        self.path = path
        self.sequence = sequence
        self._database = database
        self._cure = cure

    @classmethod
    def open(cls, path: Path, *, cure: str = "") -> Journal:
        """The journal in `path`, made there when there is none; its folder must exist.

        `cure` says what to do about a damaged one; whatever is found damaged, now or later, is told with it.
        """
        try:
            database = sqlite3.connect(path, isolation_level=None, timeout=0.2)
        except sqlite3.Error as error:
            raise StoreBroken(f"{path} cannot be opened as a journal ({error})") from None
        try:
            return cls(path, database, _prepared(database, path), cure)
        except sqlite3.Error as error:
            database.close()
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                raise BadInput(f"{path} is in use by another process: stop that one, or name another folder") from None
            harmed = (getattr(error, "sqlite_errorcode", 0) & 0xFF) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
            what = f"{path} cannot be read as a journal ({error})"
            raise StoreBroken(_cured(what, cure if harmed else "")) from None  # a full disk needs no backup
        except StoreBroken as error:
            database.close()
            raise StoreBroken(_cured(str(error), cure)) from None
        except BaseException:
            database.close()
            raise

    def append(self, records: Sequence[bytes]) -> int:
        """Write `records` in one transaction, all or none, kept once this returns; the number of the last record."""
        first = self.sequence + 1
        rows = [(sequence, crc32(data), data) for sequence, data in enumerate(records, first)]
        if rows:
            with self._transaction():
                self._database.executemany("INSERT INTO records VALUES (?, ?, ?)", rows)
            self.sequence = rows[-1][0]
        return self.sequence

    def snapshot(self, sequence: int, data: bytes, keep: int | None = None) -> None:
        """Keep `data` as what the records up to `sequence` amount to.

        The last two snapshots stay; with `keep` the records before the older one are dropped, all but the last `keep`.
        """
        if sequence > self.sequence:
            raise StoreBroken(f"{self.path}: a snapshot of record {sequence}, but there are only {self.sequence}")
        with self._transaction():
            run = self._database.execute
            run("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)", (sequence, crc32(data), data))
            newest = "SELECT sequence FROM snapshots ORDER BY sequence DESC LIMIT ?"
            run(f"DELETE FROM snapshots WHERE sequence NOT IN ({newest})", (_SNAPSHOTS_KEPT,))  # noqa: S608 - no input
            if keep is not None:
                oldest = run("SELECT count(*), min(sequence) FROM snapshots").fetchone()
                needed = int(oldest[1]) if oldest[0] >= _SNAPSHOTS_KEPT else 0
                run("DELETE FROM records WHERE sequence <= ?", (min(needed, self.sequence - keep),))

    def latest_snapshot(self) -> tuple[int, bytes] | None:
        """The newest snapshot with the number of the last record in it; None when there is none."""
        row = self._one("SELECT sequence, crc, data FROM snapshots ORDER BY sequence DESC LIMIT 1")
        if row is None:
            return None
        sequence, crc, data = row
        if not _is_whole(crc, data):
            raise self._damaged(f"{self.path}: the snapshot of record {sequence} is damaged")
        return int(sequence), bytes(data)

    def records(self, after: int = 0) -> Iterator[tuple[int, bytes]]:
        """Every record behind number `after`, with its number; raises StoreBroken at the first missing or damaged."""
        expected = after + 1
        try:
            cursor = self._database.execute(
                "SELECT sequence, crc, data FROM records WHERE sequence > ? ORDER BY sequence", (after,)
            )
            for sequence, crc, data in cursor:
                if sequence != expected:
                    raise self._damaged(f"{self.path}: record {expected} is missing")
                if not _is_whole(crc, data):
                    raise self._damaged(f"{self.path}: record {sequence} is damaged")
                yield sequence, data
                expected += 1
        except sqlite3.Error as error:
            raise self._damaged(f"{self.path} cannot be read ({error})") from None
        if expected != self.sequence + 1 and self.sequence >= after:
            raise self._damaged(f"{self.path}: record {expected} is missing")

    def first_record(self) -> int | None:
        """The number of the oldest record still kept; None when there is none."""
        row = self._one("SELECT min(sequence) FROM records")
        return None if row is None or row[0] is None else int(row[0])

    def keep_pages(self, pages: Sequence[tuple[str, int, bytes]]) -> None:
        """Write pages in one transaction, each under a name and a place; one that is there already is replaced."""
        rows = [(name, place, crc32(data), data) for name, place, data in pages]
        if rows:
            with self._transaction():
                self._database.executemany("INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?)", rows)

    def pages(self, name: str, first: int, last: int) -> list[tuple[int, bytes]]:
        """The pages of a name from place `first` to place `last`, both included, with their places, in order."""
        return self._pages("place BETWEEN ? AND ? ORDER BY place", name, first, last)

    def page_before(self, name: str, place: int) -> tuple[int, bytes] | None:
        """The last page of a name that lies before a place; None when there is none."""
        found = self._pages("place < ? ORDER BY place DESC LIMIT 1", name, place)
        return found[0] if found else None

    def _pages(self, which: str, name: str, *places: int) -> list[tuple[int, bytes]]:
        query = f"SELECT place, crc, data FROM pages WHERE name = ? AND {which}"  # noqa: S608 - of this file only
        try:
            rows = self._database.execute(query, (name, *places)).fetchall()
        except sqlite3.Error as error:
            raise self._damaged(f"{self.path} cannot be read ({error})") from None
        for place, crc, data in rows:
            if crc32(data) != crc:
                raise self._damaged(f"{self.path}: page {place} of {name} is damaged")
        return [(place, data) for place, _, data in rows]

    def close(self) -> None:
        """Let go of the file; what was appended stays."""
        try:
            self._database.close()
        except sqlite3.Error as error:
            raise StoreBroken(f"{self.path} cannot be closed ({error})") from None

    def _one(self, query: str) -> tuple[int, int, bytes] | None:
        try:
            row: tuple[int, int, bytes] | None = self._database.execute(query).fetchone()
        except sqlite3.Error as error:
            raise self._damaged(f"{self.path} cannot be read ({error})") from None
        return row

    def _damaged(self, what: str) -> StoreBroken:
        return StoreBroken(_cured(what, self._cure))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        run = self._database.execute
        try:
            run("BEGIN IMMEDIATE")
            yield
            run("COMMIT")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                if self._database.in_transaction:
                    run("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise StoreBroken(f"{self.path} cannot be written ({error})") from None
            raise


def _prepared(database: sqlite3.Connection, path: Path) -> int:
    """Settle the file's modes, take hold of it, make what is missing; the number of its last record."""
    run = database.execute
    run("PRAGMA locking_mode=EXCLUSIVE")
    run("BEGIN EXCLUSIVE")  # takes the lock that the mode then keeps
    fresh = run("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0 and not _marked(database)
    if fresh:
        for table in _TABLES:
            run(table)
        run(f"PRAGMA application_id={_APPLICATION}")
        run(f"PRAGMA user_version={JOURNAL_VERSION}")
    run("COMMIT")
    version = _version(database, path)
    if version != JOURNAL_VERSION:
        raise BadInput(
            f"{path} is a journal of version {version}, this bearskin knows version {JOURNAL_VERSION}: "
            "name another folder, or begin anew"
        )
    _check_whole(database, path)
    run("PRAGMA journal_mode=WAL")
    run("PRAGMA synchronous=NORMAL")
    run("PRAGMA journal_size_limit=16777216")
    found = run("SELECT max(sequence) FROM records").fetchone()[0]
    kept = run("SELECT max(sequence) FROM snapshots").fetchone()[0]
    return max(int(found or 0), int(kept or 0))


def _cured(what: str, cure: str) -> str:
    return f"{what}: {cure}" if cure else what


def _is_whole(crc: object, data: object) -> bool:
    """Whether a record is what was written; damage may even have changed its type."""
    return isinstance(data, bytes) and crc32(data) == crc


def _check_whole(database: sqlite3.Connection, path: Path) -> None:
    """Raise StoreBroken when tables or pages are not what was written: records could be missing unseen at the end."""
    found = str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
    if found != "ok":
        raise StoreBroken(f"{path} is damaged ({' '.join(found.split())})")
    tables = tuple(
        text for (text,) in database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rootpage")
    )
    if tables != _TABLES:
        raise StoreBroken(f"{path} is damaged (its tables are not those of a journal)")


def _marked(database: sqlite3.Connection) -> bool:
    return bool(database.execute("PRAGMA application_id").fetchone()[0])


def _version(database: sqlite3.Connection, path: Path) -> int:
    application = database.execute("PRAGMA application_id").fetchone()[0]
    if application != _APPLICATION:
        raise StoreBroken(f"{path} is not a journal of bearskin")
    return int(database.execute("PRAGMA user_version").fetchone()[0])
