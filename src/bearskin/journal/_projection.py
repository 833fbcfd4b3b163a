"""The tables of runs in a database: a projection of journals, which may lag, be deleted and be built again.

The journal stays the truth. Each run has a mark: the number of the last record whose rows are in the tables. Rows and
mark are written in one transaction, so that a death at any moment leaves whole records.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, and_, case, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from bearskin.journal._database import address_of, engine_of, shown_address, told
from bearskin.journal._steps import prepared, projection_version, stepped
from bearskin.journal._tables import ENDED_RANK, FOLLOWING, MARKS, METADATA, RANKS, RUNS, TABLES
from bearskin.terms import BadInput, StoreBroken

Row = tuple[str, Mapping[str, Any]]
RowsOf = Callable[[int, bytes], Iterable[Row]]
_BATCH_RECORDS = 500


class Projection:
    """Tables of runs, in SQLite or PostgreSQL. Everything raises StoreBroken when the database fails."""

    def __init__(self, address: URL, engine: Engine) -> None:
        self._address = address
        self._engine = engine
        self._insert: Any = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        self._statements: dict[tuple[str, tuple[str, ...]], Any] = {}

    @classmethod
    def open(cls, url: str | Path) -> Projection:
        """The tables at `url` (a path is SQLite), made there when there are none.

        Raises BadInput for an address that cannot be and for tables of another version (`migrate` brings them up).
        """
        address = address_of(url)
        engine = engine_of(address)
        try:
            with told(address), engine.begin() as connection:
                prepared(connection, shown_address(address))
        except BaseException:
            engine.dispose()
            raise
        return cls(address, engine)

    @classmethod
    def migrate(cls, url: str | Path) -> tuple[str, ...]:
        """Bring the tables at `url` to this version; the steps taken, in words (none: nothing to do)."""
        address = address_of(url)
        engine = engine_of(address)
        try:
            with told(address), engine.begin() as connection:
                return stepped(connection, shown_address(address))
        finally:
            engine.dispose()

    @classmethod
    def version(cls, url: str | Path) -> int | None:
        """The version of the tables at `url`; None where there are none."""
        address = address_of(url)
        engine = engine_of(address)
        try:
            with told(address), engine.begin() as connection:
                return projection_version(connection)
        finally:
            engine.dispose()

    @property
    def address(self) -> str:
        """Where the tables are, for eyes: a password is stars."""
        return shown_address(self._address)

    def __repr__(self) -> str:
        """The address without its password."""
        return f"Projection({self.address})"

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    # --- writing ------------------------------------------------------------------------------------------------------

    def begin(self, run: str, facts: Mapping[str, Any]) -> None:
        """Say what a run is: columns of `runs` that `facts` names, and all of it in `facts`; again it is replaced."""
        row = {name: facts[name] for name in RUNS.c.keys() if name in facts} | {"run": run, "facts": dict(facts)}  # noqa: SIM118
        with told(self._address), self._engine.begin() as connection:
            connection.execute(self._upsert(RUNS, tuple(row)), row)

    def mark(self, run: str) -> int:
        """The number of the last record of `run` whose rows are here; 0 when there is none."""
        with self.reading() as read:
            return read.mark(run)

    def apply(self, run: str, sequence: int, rows: Sequence[Row], *, after: int | None = None) -> int:
        """Take in the rows of all records behind `after` (None: the one before) up to `sequence`, all or none.

        What is here already is left as it is, so the same rows may come again. Returns the mark; raises StoreBroken
        where records between the mark and `after` are missing: then `follow` reads them from the journal.
        """
        first = sequence - 1 if after is None else after
        with told(self._address), self._engine.begin() as connection:
            mark = self._held_mark(connection, run)
            if mark >= sequence:
                return mark
            if mark < first:
                raise StoreBroken(f"{self.address}: records {mark + 1} to {first} of {run} are missing in the tables")
            # sorted by table, which keeps the order within each: rows of one shape go in together
            for (name, columns), group in itertools.groupby(sorted(rows, key=_table_of), _shape):
                self._write(connection, run, name, columns, group)
            connection.execute(MARKS.update().where(MARKS.c.run == run).values(sequence=sequence))
        return sequence

    def follow(
        self, run: str, records: Iterable[tuple[int, bytes]], rows_of: RowsOf, *, batch: int = _BATCH_RECORDS
    ) -> int:
        """Take in records of a journal (those behind the mark, or more), `batch` at a time; the mark after it."""
        mark = self.mark(run)
        waiting = (one for one in records if one[0] > mark)
        while part := list(itertools.islice(waiting, batch)):
            rows = [row for sequence, data in part for row in rows_of(sequence, data)]
            mark = self.apply(run, part[-1][0], rows, after=part[0][0] - 1)
        return mark

    def rebuild(self, run: str, records: Iterable[tuple[int, bytes]], rows_of: RowsOf) -> int:
        """Forget the rows of `run` and take in all its records again; what was said by `begin` stays."""
        self.forget(run, whole=False)
        return self.follow(run, records, rows_of)

    def forget(self, run: str, *, whole: bool = True) -> None:
        """Delete the rows of a run, with `whole` its name too."""
        with told(self._address), self._engine.begin() as connection:
            for table in (*TABLES.values(), MARKS, *((RUNS,) if whole else ())):
                connection.execute(delete(table).where(table.c.run == run))

    def _held_mark(self, connection: Connection, run: str) -> int:
        """The mark of a run, held against other writers until this transaction ends."""
        connection.execute(self._insert(MARKS).values(run=run, sequence=0).on_conflict_do_nothing())
        return int(
            connection.execute(select(MARKS.c.sequence).where(MARKS.c.run == run).with_for_update()).scalar_one()
        )

    def _write(
        self, connection: Connection, run: str, name: str, columns: tuple[str, ...], group: Iterable[Row]
    ) -> None:
        table = TABLES.get(name)
        assert table is not None, name
        statement = self._statements.get((name, columns))
        if statement is None:
            statement = self._statements[name, columns] = self._upsert(table, ("run", *columns))
        connection.execute(statement, [{"run": run, **row} for _, row in group])

    def _upsert(self, table: Table, columns: tuple[str, ...]) -> Any:
        statement = self._insert(table)
        keys = [column.name for column in table.primary_key]
        changes = {name: _taken(table, name, statement.excluded) for name in columns if name not in keys}
        if not changes:
            return statement.on_conflict_do_nothing(index_elements=keys)
        return statement.on_conflict_do_update(index_elements=keys, set_=changes)

    # --- reading ------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reading]:
        """Several questions to one moment of the tables."""
        with told(self._address), self._engine.connect().execution_options(**self._how()) as connection:
            yield Reading(connection)

    def _how(self) -> dict[str, Any]:
        postgres = self._engine.dialect.name == "postgresql"
        return {"isolation_level": "REPEATABLE READ"} if postgres else {"reading": True}

    def rows(self, table: str, run: str | None = None) -> list[dict[str, Any]]:
        """The rows of one table in the order of its key, of one run or all."""
        with self.reading() as read:
            return read.rows(table, run)

    def runs(self) -> list[dict[str, Any]]:
        """Every run there are rows of or that was begun, the latest name last."""
        with self.reading() as read:
            return read.runs()


class Reading:
    """Questions to one moment of the tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, table: str, run: str | None = None, *, last: int | None = None) -> list[dict[str, Any]]:
        """The rows of one table in the order of its key, of one run or all, or only the `last` ones."""
        asked = METADATA.tables.get(table)
        if asked is None:
            raise BadInput(f"there is no table {table!r}: choose from {', '.join(sorted(METADATA.tables))}")
        keys = tuple(asked.primary_key)
        question = select(asked).order_by(*(keys if last is None else [key.desc() for key in keys])).limit(last)
        if run is not None:
            question = question.where(asked.c.run == run)
        found = [dict(row) for row in self._connection.execute(question).mappings()]
        return found if last is None else found[::-1]

    def span(self, table: str, run: str) -> tuple[int | None, int | None, int | None]:
        """First and last market time and the last time on the wall in a table that has them, None where it is empty."""
        columns = METADATA.tables[table].c
        asked = select(func.min(columns.time_ns), func.max(columns.time_ns), func.max(columns.wall_ns))
        first, last, wall = self._connection.execute(asked.where(columns.run == run)).one()
        return first, last, wall

    def runs(self) -> list[dict[str, Any]]:
        """Every run there are rows of or that was begun, in the order of names, with its `mark`."""
        marks = {row["run"]: int(row["sequence"]) for row in self.rows("marks")}
        known = {row["run"]: row for row in self.rows("runs")}
        empty = dict.fromkeys(RUNS.c.keys())
        return [
            {**empty, "run": name, **known.get(name, {}), "mark": marks.get(name, 0)}
            for name in sorted(marks.keys() | known.keys())
        ]

    def mark(self, run: str) -> int:
        """The number of the last record of `run` whose rows are here; 0 when there is none."""
        found = self._connection.execute(select(MARKS.c.sequence).where(MARKS.c.run == run)).scalar()
        return int(found or 0)


def _shape(row: Row) -> tuple[str, tuple[str, ...]]:
    return row[0], tuple(row[1])


def _rank(column: Any) -> Any:
    return case(RANKS, value=column, else_=0)


def _taken(table: Table, name: str, new: Any) -> Any:
    """What a column becomes when a row comes again."""
    old = table.c[name]
    if table.info.get("first_stays"):
        return func.coalesce(old, new[name])
    if table.name == "orders" and name in FOLLOWING:
        had, has = _rank(table.c.status), _rank(new["status"])
        return case((and_(had < ENDED_RANK, has >= had), new[name]), else_=old)
    return new[name]


def _table_of(row: Row) -> str:
    return row[0]
