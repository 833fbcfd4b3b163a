"""The journal: whole transactions, check sums, one holder, snapshots that let old records go."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bearskin.journal import JOURNAL_VERSION, Journal, journal_version
from bearskin.terms import BadInput, StoreBroken

WRITER = """
import sys
from pathlib import Path
from bearskin.journal import Journal
journal = Journal.open(Path(sys.argv[1]))
batch = 0
while True:
    batch += 1
    last = journal.append([b"%d/%d" % (batch, part) for part in range(7)])
    print(last, flush=True)
"""


def opened(tmp_path: Path) -> Journal:
    return Journal.open(tmp_path / "journal.sqlite")


def test_records_come_back_in_order_after_reopening(tmp_path):
    journal = opened(tmp_path)
    assert journal.append([b"a", b"b"]) == 2
    assert journal.append([]) == 2
    assert journal.append([b"c"]) == 3
    journal.close()
    again = opened(tmp_path)
    assert list(again.records()) == [(1, b"a"), (2, b"b"), (3, b"c")]
    assert list(again.records(after=2)) == [(3, b"c")]
    assert again.sequence == 3
    again.close()


def test_a_kill_in_the_middle_leaves_whole_transactions_and_loses_none_that_was_told(tmp_path):
    path = tmp_path / "journal.sqlite"
    told = 0
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": "src"},
        ) as process:
            assert process.stdout is not None
            for _ in range(40):
                told = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read().split("\n")
        told = max([told, *(int(line) for line in rest[:-1])])  # a line cut short does not end in a line break
        journal = Journal.open(path)
        records = list(journal.records())
        assert len(records) >= told
        assert len(records) % 7 == 0
        assert [data.split(b"/")[1] for _, data in records] == [b"%d" % (n % 7) for n in range(len(records))]
        journal.close()


def test_one_process_holds_it(tmp_path):
    journal = opened(tmp_path)
    journal.append([b"a"])
    with pytest.raises(BadInput, match="in use by another process"):
        opened(tmp_path)
    journal.close()
    opened(tmp_path).close()


def test_snapshots_let_records_go_but_keep_two_ways_back(tmp_path):
    journal = opened(tmp_path)
    assert journal.latest_snapshot() is None
    journal.append([b"%d" % n for n in range(1, 11)])
    journal.snapshot(10, b"ten", keep=0)
    assert journal.first_record() == 1, "with one snapshot the records are the second way back"
    journal.append([b"%d" % n for n in range(11, 21)])
    journal.snapshot(20, b"twenty", keep=0)
    assert journal.first_record() == 11
    journal.append([b"%d" % n for n in range(21, 31)])
    journal.snapshot(30, b"thirty", keep=15)
    assert journal.first_record() == 16
    assert journal.latest_snapshot() == (30, b"thirty")
    journal.close()
    again = opened(tmp_path)
    assert again.sequence == 30
    assert [n for n, _ in again.records(after=20)] == list(range(21, 31))
    with pytest.raises(StoreBroken, match="record 1 is missing"):
        list(again.records())
    with pytest.raises(StoreBroken, match="only 30"):
        again.snapshot(31, b"too early")
    again.close()


def test_the_numbers_go_on_when_every_record_is_gone(tmp_path):
    journal = opened(tmp_path)
    for upto in (1, 2, 3):
        journal.append([b"x"])
        journal.snapshot(upto, b"s", keep=0)
    journal.close()
    database = sqlite3.connect(tmp_path / "journal.sqlite")
    database.execute("DELETE FROM records")
    database.commit()
    database.close()
    again = opened(tmp_path)
    assert again.append([b"y"]) == 4
    assert list(again.records(after=3)) == [(4, b"y")]
    again.close()


@pytest.mark.parametrize("content", [b"", b"not a database, only some text that is long enough" * 30])
def test_a_foreign_file(tmp_path, content):
    path = tmp_path / "journal.sqlite"
    path.write_bytes(content)
    if not content:  # what a death right after the first touch leaves: nothing was told, nothing is lost
        Journal.open(path).close()
        return
    with pytest.raises(StoreBroken, match=r"journal\.sqlite"):
        Journal.open(path)
    with pytest.raises(StoreBroken, match=r"journal\.sqlite"):
        journal_version(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_left_alone(tmp_path):
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE theirs (x)")
    database.close()
    with pytest.raises(StoreBroken, match="not a journal"):
        Journal.open(path)
    with sqlite3.connect(path) as database:
        assert [row[0] for row in database.execute("SELECT name FROM sqlite_master")] == ["theirs"]
    database.close()


def test_a_changed_record_or_snapshot_is_found(tmp_path):
    journal = opened(tmp_path)
    journal.append([b"first", b"second"])
    journal.snapshot(2, b"state")
    journal.close()
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        database.execute("UPDATE records SET data = ? WHERE sequence = 2", (b"s3cond",))
        database.execute("UPDATE snapshots SET data = ?", (b"st4te",))
    database.close()
    again = opened(tmp_path)
    with pytest.raises(StoreBroken, match="record 2 is damaged"):
        list(again.records())
    with pytest.raises(StoreBroken, match="snapshot of record 2 is damaged"):
        again.latest_snapshot()
    again.close()


def test_overwritten_pages_are_no_bug_of_python(tmp_path):
    journal = opened(tmp_path)
    journal.append([b"x" * 5_000 for _ in range(200)])
    journal.close()
    path = tmp_path / "journal.sqlite"
    whole = bytearray(path.read_bytes())
    whole[8_192 : len(whole) // 2] = b"\xa5" * (len(whole) // 2 - 8_192)
    path.write_bytes(whole)
    with pytest.raises(StoreBroken):  # noqa: PT012 - where it shows is SQLite's choice
        damaged = opened(tmp_path)
        try:
            list(damaged.records())
        finally:
            damaged.close()


def test_no_flipped_bit_loses_a_record_in_silence(tmp_path):
    """Whatever bit of the file changes: the records are all there, or it is told in a sentence."""
    journal = opened(tmp_path)
    journal.append([b"%d/" % at * 9 for at in range(60)])
    journal.snapshot(40, b"state" * 50)
    written = list(journal.records())
    journal.close()
    path = tmp_path / "journal.sqlite"
    whole = path.read_bytes()
    dice = random.Random(5)
    flips = [dice.randrange(len(whole) * 8) for _ in range(250)]
    schema = whole.index(b"PRIMARY KEY")
    flips += [8 * (schema + 3) + 1]  # no key any more: the numbers of the records would be gone
    told = 0
    for flip in flips:
        damaged = bytearray(whole)
        damaged[flip // 8] ^= 1 << flip % 8
        path.write_bytes(damaged)
        again = None
        try:
            again = Journal.open(path)
            found = list(again.records()), again.latest_snapshot()
            assert found == (written, (40, b"state" * 50)), flip
        except (StoreBroken, BadInput) as error:
            told += "\n" not in str(error)
        finally:
            if again is not None:
                again.close()
    assert told > 20


def test_the_version_is_in_it_and_a_later_one_is_not_touched(tmp_path):
    path = tmp_path / "journal.sqlite"
    assert journal_version(path) is None
    Journal.open(path).close()
    assert journal_version(path) == JOURNAL_VERSION == 2
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=3")
    database.close()
    assert journal_version(path) == 3
    with pytest.raises(BadInput, match="version 3"):
        Journal.open(path)


def test_pages_are_found_by_place_and_written_again_without_harm(tmp_path):
    journal = opened(tmp_path)
    journal.keep_pages([("a", place, b"a%d" % place) for place in (3, 5, 9)] + [("b", 4, b"b4")])
    journal.keep_pages([("a", 5, b"again")])
    journal.keep_pages([])
    journal.close()
    again = opened(tmp_path)
    assert again.pages("a", 3, 8) == [(3, b"a3"), (5, b"again")]
    assert again.pages("a", 6, 8) == []
    assert again.page_before("a", 9) == (5, b"again")
    assert again.page_before("b", 4) is None
    assert again.sequence == 0, "pages are no records"
    again.close()


def test_pages_are_written_all_or_none(tmp_path):
    journal = opened(tmp_path)
    with pytest.raises(StoreBroken, match="cannot be written"):
        journal.keep_pages([("a", 1, b"one"), ("a", None, b"nowhere")])  # type: ignore[list-item]
    assert journal.pages("a", 0, 9) == []
    journal.close()


def test_a_changed_page_is_found(tmp_path):
    journal = opened(tmp_path)
    journal.keep_pages([("a", 1, b"one")])
    journal.close()
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        database.execute("UPDATE pages SET data = ?", (b"0ne",))
    database.close()
    again = opened(tmp_path)
    with pytest.raises(StoreBroken, match="page 1 of a is damaged"):
        again.pages("a", 0, 9)
    again.close()
    with pytest.raises(StoreBroken, match="cannot be read"):
        again.pages("a", 0, 9)
