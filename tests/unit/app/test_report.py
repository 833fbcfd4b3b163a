"""`report` and `tables` from the command line, and the house keeping its runs: backup, reset, migrate, doctor."""

from __future__ import annotations

import stat
from contextlib import closing
from pathlib import Path

import pytest
from unit.report.test_run import one_trade

from bearskin.app._house import open_house
from bearskin.app._report import tables_followed
from bearskin.app._runs import Run, run_named
from bearskin.engine import record_bytes
from bearskin.journal import PROJECTION_VERSION, Projection, begin_run


@pytest.fixture
def run(home: Path) -> Run:
    """A run that has ended, with the records of one trade."""
    facts = {
        "venue": "demo",
        "tag": "demo",
        "started": "2025-10-09T08:53:20Z",
        "symbols": ["BTCUSDT"],
        "interval": "1h",
    }
    begin_run(home / "journal", "demo-20251009T085320", facts)
    made = run_named(home / "journal", "last")
    with closing(made.kept.open_journal()) as journal:
        journal.append([record_bytes(record) for record in one_trade().records])
    return made


def test_a_run_is_reported_from_its_journal(bearskin, run):
    told = bearskin("report", "--json").object
    assert told["run"] == run.id
    assert (told["entries"], told["exits"], told["wallet_unexplained"], told["positions"]) == (1, 1, "0", [])
    printed = bearskin("report", run.id)
    assert printed.code == 0
    assert "0, to the last digit" in printed.out
    assert "ended by target" in printed.out


def test_a_run_that_is_not_there_is_one_sentence(bearskin, home):
    assert bearskin("report").code == 2
    assert "bearskin demo" in bearskin("report").err
    ran = bearskin("report", "nothing")
    assert ran.code == 2
    assert "no run 'nothing'" in ran.err


def test_tables_are_brought_up_and_asked_while_a_bot_is_on_the_run(bearskin, run):
    told = bearskin("tables", "--json").object
    assert told["records"] == {run.id: len(one_trade().records)}
    assert told["database"].endswith("cache/runs.sqlite")
    assert bearskin("tables", "--json").object["told"] == []
    assert len(bearskin("tables", "--rebuild", "--json").object["told"]) == 1
    with closing(run.kept.open_journal()):
        assert bearskin("report", "--json").object["wallet_unexplained"] == "0"


def test_tables_go_where_they_are_told_and_no_password_is_shown(bearskin, run, postgres_server, monkeypatch):
    url = postgres_server.database()
    assert bearskin("tables", "--database", url, "--json").object["records"] == {run.id: len(one_trade().records)}
    monkeypatch.setenv("BEARSKIN_DATABASE", url)
    for words in (
        ["tables"],
        ["tables", "--json"],
        ["config"],
        ["config", "--json"],
        ["doctor", "--json"],
        ["migrate"],
    ):
        ran = bearskin(*words)
        assert ran.code == 0, ran.err
        assert "growl" not in ran.out + ran.err
    monkeypatch.setenv("BEARSKIN_DATABASE", postgres_server.url("postgres", "hunter2"))
    ran = bearskin("tables")
    assert ran.code == 1
    assert "password authentication failed" in ran.err
    assert "hunter2" not in ran.out + ran.err


@pytest.mark.parametrize("address", ["mysql://me:hunter2@host/x", "hunter2", "postgresql://"])
def test_an_address_that_cannot_be_is_refused_without_being_shown(bearskin, home, address):
    ran = bearskin("tables", "--database", address)
    assert ran.code == 2
    assert "hunter2" not in ran.out + ran.err


def test_tables_follow_a_run_while_it_is_traded(home, run):
    house = open_house(home)
    with closing(run.kept.open_journal()) as journal, tables_followed(run, journal, house) as told:
        for record in one_trade().records:
            told(journal.append([record_bytes(record)]), record)
    with closing(Projection.open(house.database)) as projection:
        assert projection.mark(run.id) == 2 * len(one_trade().records)
        assert projection.rows("trades", run.id)[0]["end_reason"] == "target"


def test_a_database_that_cannot_be_had_holds_up_nothing(home, run, caplog):
    house = open_house(home, database="postgresql://bear:hunter2@127.0.0.1:1/desk")
    with closing(run.kept.open_journal()) as journal, tables_followed(run, journal, house) as told:
        told(1, one_trade().records[0])
    assert "lag behind" in caplog.text
    assert "hunter2" not in caplog.text


# --- keeping ---------------------------------------------------------------------------------------------------------


def test_a_backup_brings_runs_back_and_tables_with_them(bearskin, run, home, tmp_path):
    before = bearskin("report", "--json").object
    assert bearskin("tables").code == 0
    assert bearskin("backup", tmp_path / "b.tar.gz").code == 0
    new = tmp_path / "new"
    assert bearskin("backup", tmp_path / "b.tar.gz", "--restore", "--home", new).code == 0
    assert not (new / "cache").exists()
    assert bearskin("report", "--json", "--home", new).object == before
    assert bearskin("tables", "--json", "--home", new).object["records"] == {run.id: len(one_trade().records)}
    assert stat.S_IMODE((new / "journal" / run.id / "journal.sqlite").stat().st_mode) == 0o600


def test_nothing_is_backed_up_or_reset_under_a_bot(bearskin, run, home, tmp_path):
    with closing(run.kept.open_journal()):
        for words in (["backup", tmp_path / "b.tar.gz"], ["reset", "--journal", "--yes"]):
            ran = bearskin(*words)
            assert ran.code == 2
            assert "a bot is running" in ran.err
    assert not (tmp_path / "b.tar.gz").exists()
    assert run.kept.journal_path.exists()


def test_a_reset_of_the_journal_takes_its_tables_along(bearskin, run, home):
    assert bearskin("tables").code == 0
    assert bearskin("reset", "cache", "logs", "--yes").code == 0
    assert bearskin("tables", "--json").object["records"] == {run.id: len(one_trade().records)}
    assert bearskin("reset", "--journal", "--yes").code == 0
    assert bearskin("tables", "--json").object["records"] == {}


def test_old_tables_are_brought_up_with_what_they_told(bearskin, run, home, monkeypatch):
    assert bearskin("tables").code == 0
    monkeypatch.setattr("bearskin.journal._steps.PROJECTION_VERSION", PROJECTION_VERSION + 1)
    monkeypatch.setattr("bearskin.journal._tables.PROJECTION_VERSION", PROJECTION_VERSION + 1)
    assert "bearskin migrate" in bearskin("tables").err
    checks = bearskin("doctor", "--json").object["checks"]
    assert [check["state"] for check in checks if check["name"] == "tables"] == ["bad"]
    told = bearskin("migrate", "--json").object
    assert "built again from the journals" in told["tables"]
    assert bearskin("tables", "--json").object["records"] == {run.id: len(one_trade().records)}
    assert bearskin("migrate", "--json").object["tables"] == "nothing to do"


def test_a_damaged_journal_is_bad_and_named(bearskin, run, home):
    checks = {
        check["name"]: check for check in bearskin("doctor", "--json").object["checks"] if check["area"] == "journal"
    }
    assert checks["runs"]["detail"] == "1 run of version 2"
    run.kept.journal_path.write_bytes(b"no journal at all" * 100)
    ran = bearskin("doctor", "--json")
    assert ran.code == 2
    assert "journal.sqlite" in ran.err
    assert bearskin("report").code == 1
