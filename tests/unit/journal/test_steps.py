"""From an old version to this one: tables and journals made by hand as they once were, on both databases."""

from __future__ import annotations

import sqlite3
from decimal import Decimal

import pytest
from sqlalchemy import text

from bearskin.journal import (
    JOURNAL_VERSION,
    PROJECTION_VERSION,
    Journal,
    Projection,
    _journal_steps,
    _steps,
    migrate_journal,
)
from bearskin.journal import _journal as journal_file
from bearskin.journal._database import SCHEMA, address_of, engine_of
from bearskin.terms import BadInput

OLD = PROJECTION_VERSION - 1


def made_old(database: str, *, version: int = OLD) -> None:
    """Tables of an old version, written by hand: fills without a leg, and a table that is no more."""
    engine = engine_of(address_of(database))
    prefix = f"{SCHEMA}." if engine.dialect.name == "postgresql" else ""
    money, keys = "numeric" if prefix else "TEXT", "run, symbol, trade_id"
    with engine.begin() as connection:
        if prefix:
            connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        for statement in (
            f"CREATE TABLE {prefix}keeping (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
            f"INSERT INTO {prefix}keeping VALUES ('version', {version})",
            f"CREATE TABLE {prefix}marks (run TEXT PRIMARY KEY, sequence BIGINT)",
            f"INSERT INTO {prefix}marks VALUES ('r', 2)",
            f"CREATE TABLE {prefix}fills (run TEXT, symbol TEXT, trade_id TEXT, price {money}, PRIMARY KEY ({keys}))",
            f"INSERT INTO {prefix}fills VALUES ('r', 'BTCUSDT', '1', '60000.10')",
            f"CREATE VIEW {prefix}fills_readable AS SELECT * FROM {prefix}fills",
            f"CREATE TABLE {prefix}gone (run TEXT)",
        ):
            connection.execute(text(statement))
    engine.dispose()


def told(sequence: int, data: bytes):
    return [("fills", {"symbol": "BTCUSDT", "trade_id": str(sequence), "price": Decimal(data.decode())})]


RECORDS = [(1, b"60000.10"), (2, b"0.30"), (3, b"-1")]


def test_old_tables_are_not_touched_before_they_are_migrated(database):
    made_old(database)
    for _ in range(2):
        with pytest.raises(BadInput, match=f"version {OLD}, .*`bearskin migrate`"):
            Projection.open(database)
    assert Projection.version(database) == OLD


def test_old_tables_without_a_step_are_built_again_from_the_journal(database):
    made_old(database)
    assert Projection.migrate(database) == (
        f"tables {OLD} to {PROJECTION_VERSION}: emptied, to be built again from the journals",
    )
    assert Projection.migrate(database) == ()
    projection = Projection.open(database)
    assert projection.mark("r") == 0
    projection.follow("r", RECORDS, told)
    assert [str(row["price"]) for row in projection.rows("fills", "r")] == ["60000.10", "0.30", "-1"]
    projection.close()


def test_a_step_changes_the_tables_and_keeps_the_rows(database, monkeypatch):
    """A version with a step: the column is added where the table lies, rows and mark stay."""

    def stamped(connection):
        prefix = f"{SCHEMA}." if connection.dialect.name == "postgresql" else ""
        connection.execute(text(f"ALTER TABLE {prefix}fills ADD COLUMN checked BOOLEAN"))
        return "fills can be checked"

    projection = Projection.open(database)
    projection.follow("r", RECORDS, told)
    projection.close()
    monkeypatch.setattr(_steps, "PROJECTION_VERSION", PROJECTION_VERSION + 1)
    with pytest.raises(BadInput, match="`bearskin migrate`"):
        Projection.open(database)
    monkeypatch.setitem(_steps.PROJECTION_STEPS, PROJECTION_VERSION, stamped)
    said = f"tables {PROJECTION_VERSION} to {PROJECTION_VERSION + 1}: fills can be checked"
    assert Projection.migrate(database) == (said,)
    projection = Projection.open(database)
    assert projection.mark("r") == 3
    assert len(projection.rows("fills", "r")) == 3
    assert projection.follow("r", [*RECORDS, (4, b"5")], told) == 4
    projection.close()
    assert Projection.version(database) == PROJECTION_VERSION + 1


def test_a_step_that_fails_leaves_the_old_tables(database, monkeypatch):
    made_old(database)

    def broken(connection):
        prefix = f"{SCHEMA}." if connection.dialect.name == "postgresql" else ""
        connection.execute(text(f"DROP TABLE {prefix}gone"))
        raise ZeroDivisionError

    monkeypatch.setitem(_steps.PROJECTION_STEPS, OLD, broken)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            Projection.migrate(database)
    assert Projection.version(database) == OLD


def test_tables_of_a_newer_version_are_left_alone(database):
    made_old(database, version=PROJECTION_VERSION + 1)
    for call in (Projection.open, Projection.migrate):
        with pytest.raises(BadInput, match=f"this bearskin knows {PROJECTION_VERSION}"):
            call(database)
    assert Projection.version(database) == PROJECTION_VERSION + 1


def test_there_is_nothing_to_migrate_where_nothing_is(database, tmp_path):
    assert Projection.migrate(database) == ()
    assert Projection.version(database) is None
    assert migrate_journal(tmp_path / "journal.sqlite") == ()


# --- the journal itself ----------------------------------------------------------------------------------------------


@pytest.fixture
def old_journal(tmp_path, monkeypatch):
    """A journal of this version, and a bearskin that is one version further."""
    path = tmp_path / "journal.sqlite"
    journal = Journal.open(path)
    journal.append([b"one", b"two"])
    journal.snapshot(2, b"both")
    journal.close()
    monkeypatch.setattr(journal_file, "JOURNAL_VERSION", JOURNAL_VERSION + 1)
    return path


def test_a_journal_is_brought_up_and_keeps_every_record(old_journal, monkeypatch):
    with pytest.raises(BadInput, match=f"version {JOURNAL_VERSION}"):
        Journal.open(old_journal)

    def step(database):
        database.execute("DELETE FROM snapshots")
        return "snapshots are made anew"

    monkeypatch.setitem(_journal_steps.JOURNAL_STEPS, JOURNAL_VERSION, step)
    said = f"journal {JOURNAL_VERSION} to {JOURNAL_VERSION + 1}: snapshots are made anew"
    assert migrate_journal(old_journal) == (said,)
    assert migrate_journal(old_journal) == ()
    journal = Journal.open(old_journal)
    assert list(journal.records()) == [(1, b"one"), (2, b"two")]
    assert journal.latest_snapshot() is None
    journal.close()


def test_a_journal_without_a_way_up_is_refused_and_not_touched(old_journal):
    before = old_journal.read_bytes()
    with pytest.raises(BadInput, match="there is no way"):
        migrate_journal(old_journal)
    assert old_journal.read_bytes() == before


def test_a_step_of_the_journal_that_fails_leaves_it_as_it_was(old_journal, monkeypatch):
    def broken(database):
        database.execute("DELETE FROM records")
        raise ZeroDivisionError

    monkeypatch.setitem(_journal_steps.JOURNAL_STEPS, JOURNAL_VERSION, broken)
    with pytest.raises(ZeroDivisionError):
        migrate_journal(old_journal)
    monkeypatch.undo()
    journal = Journal.open(old_journal)
    assert [data for _, data in journal.records()] == [b"one", b"two"]
    journal.close()


def test_a_journal_of_the_first_version_is_told_so(tmp_path):
    path = tmp_path / "journal.sqlite"
    database = sqlite3.connect(path)
    database.execute("PRAGMA application_id=1650811250")
    database.execute("PRAGMA user_version=1")
    database.execute("CREATE TABLE records (sequence INTEGER PRIMARY KEY)")
    database.commit()
    database.close()
    with pytest.raises(BadInput, match="version 1"):
        migrate_journal(path)
