"""Folders of runs, and tables that follow a run from a thread of their own."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
import threading

import pytest

from bearskin.journal import Follower, Projection, begin_run, damaged_in, journal_held, read_run, runs_in
from bearskin.terms import BadInput, StoreBroken


def test_a_run_is_kept_for_its_owner_alone(tmp_path):
    begun = begin_run(tmp_path / "journal", "demo-1", {"venue": "demo", "tag": "abcd", "settings": {"sides": "both"}})
    begun.open_journal().close()
    again = read_run(tmp_path / "journal", "demo-1")
    assert again == begun
    assert (again.facts["venue"], again.facts["settings"]) == ("demo", {"sides": "both"})
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [begun.path, *begun.path.iterdir()]}
    assert modes == {"demo-1": 0o700, "run.json": 0o600, "journal.sqlite": 0o600}


def test_runs_are_found_and_other_folders_are_not(tmp_path):
    assert runs_in(tmp_path / "none") == ()
    for name in ("b", "a"):
        begin_run(tmp_path, name, {})
    (tmp_path / "photos").mkdir()
    (tmp_path / "file").touch()
    assert [folder.run for folder in runs_in(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a b", "a\n", "x" * 65])
def test_a_name_that_cannot_be_is_refused(tmp_path, name):
    with pytest.raises(BadInput, match="cannot name a run"):
        begin_run(tmp_path, name, {})
    with pytest.raises(BadInput, match="cannot name a run"):
        read_run(tmp_path, name)


def test_a_name_is_taken_once_and_a_missing_one_told(tmp_path):
    begin_run(tmp_path, "a", {})
    with pytest.raises(BadInput, match="there already"):
        begin_run(tmp_path, "a", {})
    with pytest.raises(BadInput, match=r"no run 'b' .*last ones: a"):
        read_run(tmp_path, "b")


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"format": "other", "version": 1}', b'{"format": "bearskin-run"}'])
def test_a_damaged_run_is_told_and_stands_in_nobody_elses_way(tmp_path, body):
    begin_run(tmp_path, "a", {})
    begin_run(tmp_path, "b", {})
    (tmp_path / "a" / "run.json").write_bytes(body)
    assert [one.run for one in runs_in(tmp_path)] == ["b"]
    (damaged,) = damaged_in(tmp_path)
    assert (damaged.run, damaged.path) == ("a", tmp_path / "a")
    assert "bring the folder back from a backup, or move it away" in damaged.why
    with pytest.raises(StoreBroken, match=r"run\.json .*move it away"):
        read_run(tmp_path, "a")


def test_a_run_of_a_newer_bearskin_is_left_alone(tmp_path):
    begin_run(tmp_path, "a", {})
    (tmp_path / "a" / "run.json").write_text('{"format": "bearskin-run", "version": 2}')
    with pytest.raises(BadInput, match="newer bearskin"):
        read_run(tmp_path, "a")
    assert runs_in(tmp_path) == ()
    assert [one.run for one in damaged_in(tmp_path)] == ["a"]


def cut(path):
    path.write_bytes(path.read_bytes()[:5000])


def scribbled(path):
    path.write_bytes(b"x" * 4096 + path.read_bytes()[4096:])


def emptied(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [cut, scribbled, emptied])
def test_a_damaged_journal_is_told_with_what_to_do(tmp_path, harm):
    folder = begin_run(tmp_path, "a", {})
    with contextlib.closing(folder.open_journal()) as journal:
        journal.append([b"record" * 100] * 50)
    (folder.path / "history").mkdir()
    (folder.path / "history" / "BTCUSDT-1.json").write_text("{}")
    harm(folder.journal_path)
    with pytest.raises(StoreBroken, match=r"backup.*demo --fresh.*keep their stops.*adopt") as told:
        folder.open_journal()
    assert str(folder.journal_path) in str(told.value)


def test_a_record_found_damaged_later_is_told_with_what_to_do(tmp_path):
    folder = begin_run(tmp_path, "a", {})
    with contextlib.closing(folder.open_journal()) as journal:
        journal.append([b"one", b"two"])
    with contextlib.closing(sqlite3.connect(folder.journal_path)) as database:
        database.execute("UPDATE records SET data = x'00' WHERE sequence = 2")
        database.commit()
    with (
        contextlib.closing(folder.open_journal()) as journal,
        pytest.raises(StoreBroken, match=r"record 2 is damaged: .*backup.*adopt"),
    ):
        list(journal.records())


def test_a_journal_that_is_open_is_held(tmp_path):
    folder = begin_run(tmp_path, "a", {})
    assert not folder.held
    journal = folder.open_journal()
    assert folder.held
    assert journal_held(folder.journal_path)
    journal.close()
    assert not folder.held


# --- following -------------------------------------------------------------------------------------------------------


def told(sequence, record):
    return [("decisions", {"sequence": sequence, "nth": 0, "text": record})]


def texts(projection):
    return [row["text"] for row in projection.rows("decisions", "r")]


def test_records_arrive_in_their_order_and_once(database):
    projection = Projection.open(database)
    follower = Follower(projection, "r", told)
    for number in range(1, 1201):
        follower.put(number, str(number))
        follower.put(number, "again")
    assert follower.close()
    assert texts(projection) == [str(number) for number in range(1, 1201)]
    projection.close()


def test_records_that_are_there_already_do_no_harm(database):
    projection = Projection.open(database)
    projection.apply("r", 2, [*told(1, "1"), *told(2, "2")], after=0)
    follower = Follower(projection, "r", told)
    for number in (1, 2, 3):
        follower.put(number, str(number))
    assert follower.close()
    assert texts(projection) == ["1", "2", "3"]
    projection.close()


def test_a_hole_is_not_jumped_over(tmp_path):
    projection = Projection.open(tmp_path / "t.sqlite")
    follower = Follower(projection, "r", told)
    for number in (1, 2, 4, 5):
        follower.put(number, str(number))
    assert "from record 4 on" in follower.fault
    assert not follower.close()
    assert texts(projection) == ["1", "2"]
    assert projection.mark("r") == 2, "the rest comes from the journal"
    projection.close()


def test_too_much_waiting_is_let_go_and_said(tmp_path):
    projection = Projection.open(tmp_path / "t.sqlite")
    gate = threading.Event()

    def slow(sequence, record):
        gate.wait(10)
        return told(sequence, record)

    follower = Follower(projection, "r", slow, waiting_max=3)
    for number in range(1, 2000):
        follower.put(number, str(number))
    assert "lag behind" in follower.fault
    gate.set()
    assert not follower.close()
    there = texts(projection)
    assert there == [str(number) for number in range(1, len(there) + 1)]
    assert 3 <= len(there) < 1999
    projection.close()


def test_a_database_that_fails_is_tried_again(tmp_path):
    projection = Projection.open(tmp_path / "t.sqlite")
    apply, failures = projection.apply, iter([True, True, False])
    failed = threading.Event()

    def flaky(*words, **named):
        if next(failures, False):
            failed.set()
            raise StoreBroken("the disk is full")
        return apply(*words, **named)

    projection.apply = flaky
    follower = Follower(projection, "r", told, retry_s=0.01)
    follower.put(1, "1")
    assert failed.wait(10)
    follower.put(2, "2")
    while projection.mark("r") < 2:
        threading.Event().wait(0.01)
    assert follower.close()
    assert texts(projection) == ["1", "2"]
    projection.close()
