"""From one version of the tables to the next, and the version a database carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Connection, inspect, select, text
from sqlalchemy.schema import CreateSchema

from bearskin.journal._database import SCHEMA
from bearskin.journal._tables import KEEPING, METADATA, PROJECTION_VERSION
from bearskin.terms import BadInput, StoreBroken

Step = Callable[[Connection], str]  # changes tables of one version into the next, and says in words what it did
PROJECTION_STEPS: Final[dict[int, Step]] = {}  # by the version they start from; a version without one is built again


def projection_version(connection: Connection) -> int | None:
    """The version of the tables; None where there are none. Raises StoreBroken for tables without one."""
    there = _names(connection)
    if KEEPING.name not in there:
        if there & set(METADATA.tables):
            raise StoreBroken("there are tables named as ours, but not of bearskin")
        return None
    found = connection.execute(select(KEEPING.c.value).where(KEEPING.c.name == "version")).scalar()
    if found is None:
        raise StoreBroken("the tables carry no version")
    return int(found)


def prepared(connection: Connection, where: str) -> None:
    """Make the tables where there are none; raises BadInput for another version."""
    version = projection_version(connection)
    if version is None:
        _make(connection)
        return
    if version > PROJECTION_VERSION:
        raise BadInput(f"{where} holds tables of version {version}, this bearskin knows {PROJECTION_VERSION}")
    if version < PROJECTION_VERSION:
        raise BadInput(
            f"{where} holds tables of version {version}, this bearskin writes {PROJECTION_VERSION}: `bearskin migrate`"
        )


def stepped(connection: Connection, where: str) -> tuple[str, ...]:
    """Bring the tables up to this version, in the transaction of `connection`; what was done, in words."""
    version = projection_version(connection)
    if version is None or version == PROJECTION_VERSION:
        return ()
    if version > PROJECTION_VERSION:
        raise BadInput(f"{where} holds tables of version {version}, this bearskin knows {PROJECTION_VERSION}")
    if all(number in PROJECTION_STEPS for number in range(version, PROJECTION_VERSION)):
        _drop_views(connection)
        said = tuple(
            f"tables {number} to {number + 1}: {PROJECTION_STEPS[number](connection)}"
            for number in range(version, PROJECTION_VERSION)
        )
        connection.execute(KEEPING.update().where(KEEPING.c.name == "version").values(value=PROJECTION_VERSION))
        _make_views(connection)
        return said
    _drop(connection)
    _make(connection)
    return (f"tables {version} to {PROJECTION_VERSION}: emptied, to be built again from the journals",)


def _make(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
    METADATA.create_all(connection)
    connection.execute(KEEPING.insert().values(name="version", value=PROJECTION_VERSION))
    _make_views(connection)


def _drop(connection: Connection) -> None:
    """Drop what is ours: the tables of any version lie in our schema or our file alone."""
    _drop_views(connection)
    for name in sorted(_names(connection)):
        connection.execute(text(f"DROP TABLE {_full(connection, name)}"))


def _drop_views(connection: Connection) -> None:
    schema = SCHEMA if connection.dialect.name == "postgresql" else None
    for name in inspect(connection).get_view_names(schema=schema):
        connection.execute(text(f"DROP VIEW {_full(connection, name)}"))


def _make_views(connection: Connection) -> None:
    """For each table a view with times that people can read, `<table>_readable`."""
    for table in METADATA.sorted_tables:
        if any(_is_time(column) for column in table.c):
            columns = ", ".join(_readable(connection, column) for column in table.c)
            view, source = _full(connection, f"{table.name}_readable"), _full(connection, table.name)
            connection.execute(text(f"CREATE VIEW {view} AS SELECT {columns} FROM {source}"))  # noqa: S608 - our names


def _is_time(column: Column[Any]) -> bool:
    return column.name.endswith("_ns") and isinstance(column.type, BigInteger)


def _readable(connection: Connection, column: Column[Any]) -> str:
    if not _is_time(column):
        return f'"{column.name}"'
    name, seconds = column.name, f'"{column.name}" / 1000000000'
    if connection.dialect.name == "postgresql":
        told = f"to_char(to_timestamp({seconds}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24\\:MI\\:SS\"Z\"')"
    else:
        told = f"strftime('%Y-%m-%dT%H\\:%M\\:%SZ', {seconds}, 'unixepoch')"
    return f'CASE WHEN "{name}" > 0 THEN {told} END AS "{name.removesuffix("_ns")}_utc"'


def _names(connection: Connection) -> set[str]:
    schema = SCHEMA if connection.dialect.name == "postgresql" else None
    return set(inspect(connection).get_table_names(schema=schema))


def _full(connection: Connection, name: str) -> str:
    return f'"{SCHEMA}"."{name}"' if connection.dialect.name == "postgresql" else f'"{name}"'
