"""The tables of runs: exact, idempotent, the same on every database, and never a place for a password."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest

from bearskin.journal import PROJECTION_VERSION, Projection
from bearskin.terms import BadInput, StoreBroken

D = Decimal
FILL = {"sequence": 1, "time_ns": 1_760_000_000_000_000_000, "wall_ns": 2, "symbol": "BTCUSDT", "trade_id": "1"}


def fill(**given):
    return ("fills", FILL | given)


@pytest.fixture
def projection(database):
    made = Projection.open(database)
    yield made
    made.close()


def test_importing_the_journal_loads_no_database():
    code = (
        "import sys, bearskin.journal; print([m for m in sys.modules if m.split('.')[0] in ('sqlalchemy', 'psycopg')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "text",
    [
        "0.1",
        "-0.00000001",
        "123456789012345678901234567890.123456789012345678901234567890",
        "1E+3",
        "0",
        "-0.10",
        "7E-18",
    ],
)
def test_money_is_kept_to_the_last_digit(projection, text):
    projection.apply("r", 1, [fill(price=D(text), fee=None)])
    (row,) = projection.rows("fills", "r")
    assert row["price"] == D(text)
    assert f"{row['price']:f}" == f"{D(text):f}"
    assert row["fee"] is None


def test_figures_words_and_lists_come_back_as_they_were(projection):
    words = "ünï \x00 \U0001f43b '); DROP TABLE fills; --"
    row = {"sequence": 1, "nth": 0, "symbol": words, "entry_price": 0.1 + 0.2, "stop_price": float("nan")}
    row |= {"target_prices": (1.5, 2.0), "attrs": {"b": "\x00", "a": 1.25}}
    projection.apply("r", 1, [("signals", row)])
    (back,) = projection.rows("signals", "r")
    assert back["symbol"] == words.replace("\x00", "\ufffd")
    assert back["entry_price"] == 0.1 + 0.2
    assert back["stop_price"] is None
    assert back["target_prices"] == [1.5, 2.0]
    assert back["attrs"] == {"a": 1.25, "b": "\ufffd"}


def test_a_row_completes_what_is_known_of_its_key(projection):
    projection.apply("r", 1, [("trades", {"trade": 7, "symbol": "BTCUSDT", "stop_price": D(62500)})])
    projection.apply("r", 2, [("trades", {"trade": 7, "stop_price": D(61000)})])
    projection.apply("r", 3, [("trades", {"trade": 7, "net": D("-1.5")}), ("trades", {"trade": 8, "net": None})])
    first, second = projection.rows("trades", "r")
    assert (first["symbol"], first["stop_price"], first["net"]) == ("BTCUSDT", D(61000), D("-1.5"))
    assert (second["trade"], second["symbol"]) == (8, None)


def test_a_fill_told_twice_stays_as_it_was_and_is_completed(projection):
    projection.apply("r", 1, [fill(price=D(1), realised=None)])
    projection.apply("r", 2, [fill(sequence=2, price=D(2), realised=D("0.5"))])
    (row,) = projection.rows("fills", "r")
    assert (row["sequence"], row["price"], row["realised"]) == (1, D(1), D("0.5"))


@pytest.mark.parametrize(
    ("told", "last"),
    [
        (["sent", "open", "filled"], "filled"),
        (["sent", "filled", "open"], "filled"),
        (["sent", "open", "canceled", "filled"], "canceled"),
        (["sent", "triggered", "open", "filled"], "filled"),
        (["sent", "unknown", "open"], "open"),
        (["sent", "open", "unknown"], "open"),
        (["sent", "absent", "open"], "open"),
        (["open", "triggered"], "triggered"),
    ],
)
def test_late_word_of_an_order_changes_nothing(projection, told, last):
    for nth, status in enumerate(told, 1):
        row = {"client_id": "a", "status": status, "filled_qty": D(nth)}
        projection.apply("r", nth, [("orders", row)])
    (row,) = projection.rows("orders", "r")
    assert row["status"] == last
    assert row["filled_qty"] == D(told.index(last) + 1)


def test_what_was_applied_is_not_applied_again(projection):
    assert projection.apply("r", 1, [fill(trade_id="1")]) == 1
    assert projection.apply("r", 1, [fill(trade_id="other")]) == 1
    assert projection.apply("r", 3, [fill(trade_id="2"), fill(trade_id="3")], after=1) == 3
    assert projection.apply("r", 2, [fill(trade_id="late")]) == 3
    assert [row["trade_id"] for row in projection.rows("fills", "r")] == ["1", "2", "3"]
    assert projection.mark("r") == 3
    assert projection.mark("another") == 0


def test_missing_records_are_refused_and_leave_nothing(projection):
    projection.apply("r", 1, [fill()])
    with pytest.raises(StoreBroken, match="records 2 to 4 of r are missing"):
        projection.apply("r", 5, [fill(trade_id="5")])
    assert projection.mark("r") == 1
    assert len(projection.rows("fills", "r")) == 1


def test_a_failure_half_way_leaves_nothing(projection):
    with pytest.raises(AssertionError, match="no such table"):
        projection.apply("r", 1, [fill(), ("no such table", {"a": 1})])
    assert projection.rows("fills") == []
    assert projection.mark("r") == 0


def test_runs_are_kept_apart_and_forgotten_apart(projection):
    for run in ("a", "b"):
        projection.begin(run, {"venue": "demo", "tag": "demo", "begun_wall_ns": 5, "settings": {"sides": "both"}})
        projection.apply(run, 1, [fill()])
    projection.forget("a", whole=False)
    assert [(row["run"], row["mark"], row["venue"]) for row in projection.runs()] == [
        ("a", 0, "demo"),
        ("b", 1, "demo"),
    ]
    assert [row["run"] for row in projection.rows("fills")] == ["b"]
    projection.forget("a")
    assert [row["run"] for row in projection.runs()] == ["b"]
    assert projection.runs()[0]["facts"]["settings"] == {"sides": "both"}


def test_it_is_there_again_when_opened_again(database):
    first = Projection.open(database)
    first.apply("r", 1, [fill(price=D("0.10"))])
    first.close()
    again = Projection.open(database)
    assert again.rows("fills", "r")[0]["price"] == D("0.10")
    assert Projection.version(database) == PROJECTION_VERSION
    again.close()


def test_two_writers_of_one_run_write_every_record_once(database):
    records = [(number, b"%d" % number) for number in range(1, 101)]

    def rows_of(sequence, data):
        return [("decisions", {"sequence": sequence, "nth": 0, "text": data.decode()})]

    def write():
        projection = Projection.open(database)
        projection.follow("r", records, rows_of, batch=7)
        projection.close()

    Projection.open(database).close()
    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    projection = Projection.open(database)
    assert [row["text"] for row in projection.rows("decisions", "r")] == [str(number) for number in range(1, 101)]
    projection.close()


def test_one_moment_is_read_while_another_writes(database):
    projection = Projection.open(database)
    projection.apply("r", 1, [fill()])
    with projection.reading() as read:
        assert read.mark("r") == 1
        projection.apply("r", 2, [fill(trade_id="2")])
        assert read.mark("r") == 1
        assert len(read.rows("fills", "r")) == 1
    assert projection.mark("r") == 2
    projection.close()


def test_the_last_rows_and_the_span_of_times(projection):
    rows = [
        ("decisions", {"sequence": n, "nth": 0, "time_ns": n * 10, "wall_ns": n, "text": str(n)}) for n in range(1, 6)
    ]
    projection.apply("r", 5, rows, after=0)
    with projection.reading() as read:
        assert [row["text"] for row in read.rows("decisions", "r", last=2)] == ["4", "5"]
        assert read.span("decisions", "r") == (10, 50, 5)
        assert read.span("fills", "r") == (None, None, None)
        with pytest.raises(BadInput, match="no table 'orderz'"):
            read.rows("orderz")


def test_times_can_be_read_by_people(database):
    projection = Projection.open(database)
    projection.apply("r", 1, [fill(time_ns=1_760_131_200_123_000_000, wall_ns=0, qty=D("-0.10"))])
    projection.close()
    question = "SELECT time_utc, wall_utc, qty FROM fills_readable"
    if database.startswith("sqlite"):
        connection = sqlite3.connect(database.removeprefix("sqlite:///"))
        row = connection.execute(question).fetchone()
        connection.close()
    else:
        import psycopg

        with psycopg.connect(database, options="-csearch_path=bearskin -cTimeZone=Asia/Tokyo") as connection:
            row = connection.execute(question).fetchone()
    assert row[:2] == ("2025-10-10T21:20:00Z", None)
    assert str(row[2]) == "-0.10"


def test_a_file_is_its_owners_alone(tmp_path):
    path = tmp_path / "tables.sqlite"
    projection = Projection.open(path)
    projection.apply("r", 1, [fill()])
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    projection.close()
    assert set(modes.values()) == {0o600}
    assert "tables.sqlite" in modes


# --- addresses and passwords -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["mysql://root:hunter2@host/x", "postgresql://u:hunter2@host:port/x", "://hunter2"])
def test_an_address_that_cannot_be_is_one_sentence_without_its_password(url):
    with pytest.raises(BadInput) as caught:
        Projection.open(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bear:hunter2@127.0.0.1:1/desk",
        "postgresql+psycopg://bear@127.0.0.1:1/desk?password=hunter2",
        "postgresql://bear:hunter2@127.0.0.1:1/desk?sslpassword=hunter2",
    ],
)
def test_a_server_that_is_not_there_is_told_without_its_password(url):
    pytest.importorskip("psycopg")
    with pytest.raises(StoreBroken) as caught:
        Projection.open(url)
    assert "127.0.0.1" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_password_is_not_repeated(postgres_server):
    with pytest.raises(StoreBroken, match="password authentication failed") as caught:
        Projection.open(postgres_server.url("postgres", "hunter2"))
    assert "hunter2" not in str(caught.value)


def test_what_is_shown_of_an_address_has_no_password(postgres_server):
    projection = Projection.open(postgres_server.database())
    assert "growl" not in repr(projection)
    assert "growl" not in projection.address
    assert "bear:***@" in projection.address
    projection.close()


def test_a_path_is_sqlite_and_a_folder_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    projection = Projection.open("here.sqlite")
    projection.close()
    assert (tmp_path / "here.sqlite").exists()
    with pytest.raises(BadInput, match="cannot be opened"):
        Projection.open(tmp_path)
    with pytest.raises(BadInput, match="cannot be opened"):
        Projection.open(tmp_path / "no" / "file.sqlite")


def test_a_file_that_is_no_database_is_told(tmp_path):
    path = tmp_path / "tables.sqlite"
    path.write_bytes(b"plain text, and long enough to be looked at as a database" * 20)
    with pytest.raises(StoreBroken, match="tables"):
        Projection.open(path)
    assert path.read_bytes().startswith(b"plain text")


def test_tables_of_somebody_else_are_left_alone(tmp_path):
    path = Path(tmp_path / "tables.sqlite")
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE orders (id INTEGER)")
    connection.commit()
    connection.close()
    with pytest.raises(StoreBroken, match="not of bearskin"):
        Projection.open(path)
