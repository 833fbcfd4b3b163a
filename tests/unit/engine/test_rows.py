"""A record becomes rows: every kind of note and event, into tables that exist, whichever way they are brought there."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import StatementError
from unit.engine.made_records import EVENTS, NOTES, made, made_records

from bearskin.engine import Planned, Record, Signalled, record_bytes, record_of, rows_of, said
from bearskin.journal import Journal, Projection
from bearskin.terms import (
    AccountNow,
    Answered,
    Filled,
    OrderChanged,
    OrderNow,
    Place,
    PositionNow,
    Pulse,
    Remark,
    Side,
    StoreBroken,
    client_id,
)

D = Decimal
NOW = {"time_ns": 1_760_000_000_000_000_000, "wall_ns": 1_760_000_000_500_000_000}
PULSE = Pulse(**NOW)
ENTRY, STOP = client_id("demo", 7, "entry", 0), client_id("demo", 7, "stop", 0)


def notes_of(*notes: Any, event: Any = PULSE, sequence: int = 5) -> list[tuple[str, dict[str, Any]]]:
    return rows_of(sequence, Record(event, notes))


def of(rows: list[tuple[str, dict[str, Any]]], table: str) -> list[dict[str, Any]]:
    return [row for name, row in rows if name == table]


@pytest.fixture(scope="module")
def columns() -> dict[str, tuple[set[str], set[str]]]:
    """Of each table: all its columns and its key, the run left out."""
    from bearskin.journal._tables import TABLES

    return {
        name: (set(table.c.keys()) - {"run"}, {key.name for key in table.primary_key} - {"run"})
        for name, table in TABLES.items()
    }


@pytest.mark.parametrize("kind", [*NOTES, *EVENTS], ids=lambda kind: kind.__name__)
def test_every_kind_gives_rows_of_tables_that_exist(kind, columns):
    dice = random.Random(kind.__name__)
    for _ in range(20):
        word = made(kind, dice)
        record = Record(PULSE, (word,)) if kind in NOTES else Record(word)
        for table, row in rows_of(3, record):
            known, key = columns[table]
            assert set(row) <= known, (table, set(row) - known)
            assert key <= set(row), (table, key - set(row))
            assert all(row[name] is not None for name in key)


@pytest.mark.parametrize("kind", NOTES, ids=lambda kind: kind.__name__)
def test_every_note_leaves_a_row_and_can_be_said(kind):
    word = made(kind, random.Random(1))
    rows = rows_of(3, Record(PULSE, (word,)))
    assert [name for name, _ in rows if name != "decisions"]
    sentence = said(word)
    assert "\n" not in sentence
    assert len(of(rows, "decisions")) == bool(sentence)


def test_a_record_is_read_back_as_it_was_written():
    for seed in range(30):
        for record in made_records(seed, 5):
            assert repr(record_of(record_bytes(record))) == repr(record)
    with pytest.raises(StoreBroken, match="cannot be read"):
        record_of(b"\x80")


def test_a_short_is_told_from_plan_to_order():
    plan = Planned(
        **NOW, trade=7, symbol="BTCUSDT", side=Side.SHORT, leg="BOTH", purpose="speculation", origin="setup:stop_hunt",
        qty=D("-0.039"), entry_ref=D(60000), stop=D(62500), targets=(D(58000), D(56000)), loss_at_stop=D("99.89"),
    )  # fmt: skip
    order = Place(symbol="BTCUSDT", client_id=ENTRY, role="entry", qty=D("-0.039"))
    from bearskin.engine import Issued

    rows = notes_of(plan, Issued(**NOW, trade=7, command=order, why="entry at market"))
    (trade,) = of(rows, "trades")
    assert (trade["trade"], trade["side"], trade["qty"], trade["stop_price"]) == (7, "short", D("-0.039"), D(62500))
    assert trade["target_prices"] == (D(58000), D(56000))
    (placed,) = of(rows, "orders")
    assert (placed["client_id"], placed["kind"], placed["status"], placed["role"]) == (ENTRY, "market", "sent", "entry")
    (command,) = of(rows, "commands")
    assert command["command"]["qty"] == "-0.039"
    assert [row["what"] for row in of(rows, "decisions")] == ["Planned", "Issued"]
    assert "short -0.039 at market (setup:stop_hunt), stop 62500" in of(rows, "decisions")[0]["text"]


def test_a_fill_is_of_its_trade_by_its_order_and_of_nobody_elses():
    told = {"symbol": "BTCUSDT", "venue_id": "9", "trade_id": "4", "qty": D(-1), "price": D(60000), **NOW}
    mine = rows_of(1, Record(Filled(client_id=ENTRY, **told)), "demo")[0][1]
    assert (mine["trade"], mine["role"], mine["ours"]) == (7, "entry", True)
    for other in ("web_1", client_id("othr", 7, "entry", 0)):
        row = rows_of(1, Record(Filled(client_id=other, **told)), "demo")[0][1]
        assert (row["trade"], row["role"], row["ours"]) == (None, None, False)
    assert rows_of(1, Record(Filled(client_id=other, **told)))[0][1]["ours"], "without a tag every bot's is ours"


def test_an_order_follows_what_is_answered_and_told():
    lost = Answered(**NOW, symbol="BTCUSDT", client_id=STOP, what="PlaceStop", outcome="unknown", code="-1007")
    assert of(notes_of(event=lost), "orders")[0]["status"] == "unknown"
    refused = Answered(**NOW, symbol="BTCUSDT", client_id=STOP, what="Cancel", outcome="rejected", code="-2011")
    assert of(notes_of(event=refused), "orders") == [], "a cancellation that was refused does not end the order"
    assert of(notes_of(event=refused), "answers")[0]["code"] == "-2011"
    now = OrderNow(symbol="BTCUSDT", client_id=STOP, venue_id="3", status="triggered", qty=D(1), child_id="4")
    (row,) = of(notes_of(event=OrderChanged(**NOW, order=now)), "orders")
    assert (row["status"], row["venue_id"], row["child_id"]) == ("triggered", "3", "4")
    assert "average_price" not in row, "what is not told replaces nothing"
    foreign = OrderNow(symbol="BTCUSDT", client_id="web", venue_id="3", status="open", qty=D(1))
    assert of(notes_of(event=OrderChanged(**NOW, order=foreign)), "orders") == []


def test_an_account_is_a_moment_with_its_positions():
    short = PositionNow(symbol="BTCUSDT", qty=D("-0.5"), entry=D(60000), liquidation_price=D("71713.15"))
    account = AccountNow(
        **NOW, asset="USDT", wallet=D("10000.01"), available=None, positions=(short,), orders=(), asked_wall_ns=1
    )
    rows = notes_of(event=account, sequence=9)
    assert of(rows, "balances")[0]["wallet"] == D("10000.01")
    assert of(rows, "accounts")[0]["positions_count"] == 1
    (row,) = of(rows, "positions")
    assert (row["sequence"], row["qty"], row["liquidation_price"]) == (9, D("-0.5"), D("71713.15"))


def test_a_remark_that_was_taken_up_is_the_thesis_of_its_trade():
    from bearskin.engine import Done

    act = Remark(**NOW, act_id="a", symbol="BTCUSDT", text="supply at 62k")
    taken = notes_of(Done(**NOW, act_id="a", trade=7), event=act)
    assert {"trade": 7, "thesis": "supply at 62k"} in of(taken, "trades")
    refused = notes_of(Done(**NOW, act_id="a", refused="no position"), event=act)
    assert of(refused, "trades") == []
    asked, answered = of(taken, "acts")
    assert asked["asked"] == {"by": "hand", "symbol": "BTCUSDT", "text": "supply at 62k"} or "text" in asked["asked"]
    assert answered["act_id"] == asked["act_id"] == "a"


# --- into the tables, in any way -------------------------------------------------------------------------------------


def told(sequence: int, data: bytes) -> list[tuple[str, dict[str, Any]]]:
    return rows_of(sequence, record_of(data), "demo")


def everything(projection: Projection) -> dict[str, list[dict[str, Any]]]:
    from bearskin.journal._tables import METADATA

    with projection.reading() as read:
        return {name: read.rows(name) for name in METADATA.tables if name != "keeping"}


def at_once(records: list[tuple[int, bytes]]) -> dict[str, list[dict[str, Any]]]:
    """The tables of records that were told one by one."""
    projection = Projection.open("sqlite://")
    projection.follow("r", records, told, batch=1)
    found = everything(projection)
    projection.close()
    return found


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a seed and cuts: nothing to shrink
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(1, 25), min_size=1, max_size=6), data=st.data())
def test_any_batching_and_any_death_give_the_same_tables(database, seed, cuts, data):
    records = [(number, record_bytes(record)) for number, record in enumerate(made_records(seed, 60), 1)]
    expected = at_once(records)
    projection = Projection.open(database)
    try:
        projection.forget("r")
        for cut in cuts:
            done = projection.mark("r")
            back = data.draw(st.integers(0, done))  # what came before may come again
            projection.follow("r", records[back : done + cut], told, batch=data.draw(st.integers(1, 30)))
            _die_half_way(projection, records, data.draw(st.integers(0, 30)))
        projection.follow("r", records, told)
        assert everything(projection) == expected
        projection.rebuild("r", records, told)
        assert everything(projection) == expected
    finally:
        projection.close()


def _die_half_way(projection: Projection, records: list[tuple[int, bytes]], count: int) -> None:
    """A batch whose last row cannot be written: nothing of it may stay."""
    mark = projection.mark("r")
    rows = [row for sequence, data in records[mark : mark + count] for row in told(sequence, data)]
    with pytest.raises(StatementError, match="no figure"):
        projection.apply("r", mark + count + 1, _Dying(rows), after=mark)
    assert projection.mark("r") == mark


class _Dying(list):  # type: ignore[type-arg]
    def __iter__(self):
        yield from super().__iter__()
        yield "signals", {"sequence": 10**6, "nth": 0, "entry_price": _Bad()}


class _Bad:
    def __float__(self) -> float:
        raise ZeroDivisionError("no figure")


def test_tables_that_are_deleted_come_back_from_the_journal(database, tmp_path):
    journal = Journal.open(tmp_path / "journal.sqlite")
    journal.append([record_bytes(record) for record in made_records(4, 200)])
    projection = Projection.open(database)
    projection.follow("r", journal.records(), told)
    before = everything(projection)
    projection.forget("r")
    projection.follow("r", journal.records(projection.mark("r")), told)
    assert everything(projection) == before == at_once(list(journal.records()))
    projection.close()
    journal.close()


def test_signals_say_why():
    note = Signalled(
        **NOW, symbol="BTCUSDT", setup="stop_hunt", side=Side.SHORT, known_ns=1, entry_ref=60000.0, stop=62500.0,
        targets=(58000.0,), why="wick above the range", attrs={"rsi": 71.5, "level": "day high"},
    )  # fmt: skip
    (row,) = of(notes_of(note), "signals")
    assert row["attrs"] == {"rsi": 71.5, "level": "day high"}
    assert said(note) == "stop_hunt short near 60000, stop 62500: wick above the range"
