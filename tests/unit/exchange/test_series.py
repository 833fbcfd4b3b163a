"""Candles in pages: the same answers as out of memory, at every seam, after restarts, kills and failed writes."""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import pytest

import bearskin
from bearskin.exchange._archive import PAGES_AT_ONCE, Archive
from bearskin.exchange._candles import DAY_MS, HOUR_MS, INTERVALS, KINDS, MINUTE_MS, Kind
from bearskin.exchange._core import Exchange
from bearskin.exchange._series import PAGE_ROWS, PAGES_READ, STEPS_MS
from bearskin.exchange._service import restored
from bearskin.exchange._state import Contract, Market, State
from bearskin.exchange._words import AnyCommand, Event, MarkSet, SetIndex, Tick, Traded
from bearskin.exchange.wire._opening import ExchangeOptions, open_exchange
from bearskin.journal import Journal
from bearskin.terms import StoreBroken

D = Decimal
MS_NS = 1_000_000
START_MS = 1_795_336_245_000  # in the middle of a minute, an hour, a day, a week and a month
PAGE_MS = PAGE_ROWS * MINUTE_MS
CONTRACT = Contract(
    symbol="BTCUSDT", base="BTC", quote="USDT", settle="USDT", tick=D("0.10"), step=D("0.001"), min_price=D("0.1"),
    max_price=D(1_000_000), min_qty=D("0.001"), max_qty=D(1000), market_max_qty=D(120), min_notional=D(100),
    brackets=(),
)  # fmt: skip


class Shelf:
    """A store of pages in memory, which can be told to fail."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], bytes] = {}
        self.full = False
        self.reads = 0

    def keep_pages(self, pages):
        if self.full:
            raise StoreBroken("no space left")
        self.kept |= {(name, place): data for name, place, data in pages}

    def pages(self, name, first, last):
        self.reads += 1
        return [(place, self.kept[name, place]) for place in range(first, last + 1) if (name, place) in self.kept]

    def page_before(self, name, place):
        found = max((at for n, at in self.kept if n == name and at < place), default=None)
        return (found, self.kept[name, found]) if found is not None else None


def state_at(now_ms: int) -> State:
    return State(time_ns=now_ms * MS_NS, markets={"BTCUSDT": Market(contract=CONTRACT)})


def happened(count: int, *, gap_ms: int, seed: int = 7) -> list[list[Event]]:
    """Trades and marks at uneven times; now and then nothing happens for longer than a page of minutes holds."""
    dice, now_ms, price = Random(seed), START_MS, 600_000
    out: list[list[Event]] = []
    for number in range(1, count + 1):
        now_ms += dice.randrange(gap_ms) + (3 * PAGE_MS if number % 97 == 0 else 0)
        price += dice.randrange(-90, 91)
        exact = D(price) / 10
        index = D(price * 10**7 + dice.randrange(10**7)) / 10**8
        out.append(
            [
                Traded(
                    time_ns=now_ms * MS_NS, symbol="BTCUSDT", trade_id=number, price=exact,
                    qty=D(dice.randrange(1, 9_000)) / 1000, buyer_is_maker=dice.random() < 0.5, taker_order=number,
                ),
                MarkSet(
                    time_ns=now_ms * MS_NS, symbol="BTCUSDT", mark=exact, index=index, settle_estimate=index,
                    average=index, rate=D(0), next_funding_ns=0,
                ),
            ]
        )  # fmt: skip
    return out


def played(archive: Archive, state: State, batches: list[list[Event]]) -> None:
    for batch in batches:
        state.time_ns = batch[0].time_ns
        archive.take(batch, state)
        archive.settle()


def seeds(archive: Archive) -> None:
    count = 300
    opens = START_MS // MINUTE_MS * MINUTE_MS - MINUTE_MS * np.arange(count, 0, -1)
    price = 50_000 + np.arange(count) * 10.0
    columns = {"open_ms": opens, "open": price, "high": price + 5, "low": price - 5, "close": price + 1}
    for kind in ("trade", "mark"):
        archive.seed_candles("BTCUSDT", kind, columns)


def pair(batches: list[list[Event]], *, seeded: bool) -> tuple[Archive, Archive, Shelf, int]:
    """One archive that keeps everything in memory, one with pages, after the same events."""
    shelf, archives = Shelf(), (Archive(), Archive())
    for archive, store in zip(archives, (None, shelf), strict=True):
        state = state_at(START_MS)
        archive.bind(state, store)
        if seeded:
            seeds(archive)
        played(archive, state, batches)
    return *archives, shelf, batches[-1][0].time_ns // MS_NS


def in_memory(archive: Archive, kind: str = "trade") -> list[int]:
    return [len(layer.rows) for layer in archive.tapes["BTCUSDT"].candles[kind].layers()]


@pytest.mark.parametrize("seeded", [False, True])
@pytest.mark.parametrize("gap_ms", [3 * MINUTE_MS, 5 * HOUR_MS])
def test_every_span_of_every_interval_is_the_same_out_of_pages_as_out_of_memory(gap_ms: int, *, seeded: bool) -> None:
    batches = happened(700, gap_ms=gap_ms)
    plain, paged, shelf, end_ms = pair(batches, seeded=seeded)
    assert len(shelf.kept) > 50
    assert in_memory(plain)[0] > 5 * in_memory(paged)[0]
    dice = Random(1)
    before_ms = START_MS - 6 * HOUR_MS
    for interval in INTERVALS:
        for kind in KINDS:
            asked: list[dict[str, int]] = [{}, {"limit": 1}, {"start_ms": 0, "limit": 50}, {"end_ms": START_MS}]
            for _ in range(3):
                low = dice.randrange(before_ms, end_ms)
                asked += [{"start_ms": low, "limit": dice.randrange(1, 200)}, {"end_ms": low, "limit": 100}]
            for each in asked:
                wanted = plain.klines("BTCUSDT", interval, kind=kind, **each)
                assert paged.klines("BTCUSDT", interval, kind=kind, **each) == wanted, (interval, kind, each)
    for hours in (0, 1, 7, 40):
        now_ms = end_ms + hours * HOUR_MS
        day = paged.day("BTCUSDT", now_ms)
        assert day == plain.day("BTCUSDT", now_ms)
        first_ns = (now_ms - now_ms % MINUTE_MS - DAY_MS) * MS_NS
        inside = [batch[0] for batch in batches if batch[0].time_ns >= first_ns]
        assert day.count == len(inside)
        assert day.volume == sum(trade.qty for trade in inside)


@pytest.mark.parametrize("interval", list(INTERVALS))
def test_history_pages_and_memory_are_one_line(interval: str) -> None:
    """From the first seeded minute to the running one: no gap, no double, and every trade counted once."""
    batches = happened(1_500, gap_ms=3 * MINUTE_MS)
    _, paged, _, _ = pair(batches, seeded=True)
    rows = paged.candles("BTCUSDT", interval, limit=100_000)
    found = INTERVALS[interval]
    places = [found.place(row.open_ms) for row in rows]
    assert places == list(range(places[0], places[-1] + 1))
    assert rows[0].open_ms <= START_MS - 299 * MINUTE_MS
    trades = [batch[0] for batch in batches]
    assert sum(row.count for row in rows) == len(trades)
    assert sum(row.volume for row in rows) == sum(trade.qty for trade in trades)
    assert next(row.first_id for row in rows if row.count) == 1
    last = 0
    for row in rows:
        if row.count:
            assert row.first_id == last + 1
            last = row.last_id
    assert last == len(trades)


def test_memory_and_snapshot_stay_as_they_are_however_long_it_runs() -> None:
    state, shelf, archive = state_at(START_MS), Shelf(), Archive()
    archive.bind(state, shelf)
    sizes = []
    for part in range(4):
        first = part * 1_000
        played(
            archive,
            state,
            [
                [
                    MarkSet(
                        time_ns=(START_MS + minute * MINUTE_MS) * MS_NS, symbol="BTCUSDT", mark=D(60_000 + minute),
                        index=D(60_000), settle_estimate=D(1), average=D(1), rate=D(0), next_funding_ns=0,
                    )
                ]
                for minute in range(first, first + 1_000)
            ],
        )  # fmt: skip
        assert all(count <= PAGE_ROWS + 2 for count in in_memory(archive, "mark"))
        sizes.append(len(msgspec.msgpack.encode(archive)))
    longest = sum(in_memory(archive, kind)[at] for kind in ("mark", "index", "premium") for at in range(len(STEPS_MS)))
    assert longest < 3 * len(STEPS_MS) * PAGE_ROWS
    assert max(sizes) < 120 * 3 * len(STEPS_MS) * PAGE_ROWS
    assert len(archive._loose.pages._read) <= PAGES_READ


def test_a_long_halt_is_bridged_out_of_the_last_page() -> None:
    """The minutes before the halt lie in a page, those after it in memory; what is asked for begins in the halt."""
    state, shelf, archive = state_at(START_MS), Shelf(), Archive()
    archive.bind(state, shelf)
    played(archive, state, happened(50, gap_ms=2 * MINUTE_MS))
    last = archive.candles("BTCUSDT", "1m", limit=1)[0].close
    late = [msgspec.structs.replace(e, time_ns=e.time_ns + 9 * DAY_MS * MS_NS) for e in happened(1, gap_ms=1_000)[0]]
    played(archive, state, [late])
    fresh = msgspec.msgpack.decode(msgspec.msgpack.encode(archive), type=Archive)
    fresh.bind(state, shelf)
    assert in_memory(fresh)[0] == 1
    rows = fresh.candles("BTCUSDT", "1m", start_ms=START_MS + 5 * DAY_MS, limit=3)
    assert [row.close for row in rows] == [last] * 3
    assert [row.count for row in rows] == [0] * 3


def test_what_cannot_be_written_stays_in_memory_and_is_written_later() -> None:
    batches = happened(600, gap_ms=3 * MINUTE_MS)
    plain, _, _, _ = pair(batches, seeded=False)
    state, shelf, archive = state_at(START_MS), Shelf(), Archive()
    archive.bind(state, shelf)
    played(archive, state, batches[:200])
    before = len(shelf.kept)
    shelf.full = True
    failures = 0
    for batch in batches[200:400]:
        state.time_ns = batch[0].time_ns
        archive.take(batch, state)
        for _ in range(3):  # not more than one try a minute
            try:
                archive.settle()
            except StoreBroken:
                failures += 1
    assert 0 < failures <= 200
    assert len(shelf.kept) == before
    wanted = plain.klines("BTCUSDT", "1m", start_ms=0, limit=700)
    assert archive.klines("BTCUSDT", "1m", start_ms=0, limit=700) == wanted[:700]
    shelf.full = False
    played(archive, state, batches[400:])
    for _ in range(100):
        archive.settle()
    assert max(in_memory(archive)) <= PAGE_ROWS
    for interval in INTERVALS:
        assert archive.klines("BTCUSDT", interval, limit=1_500) == plain.klines("BTCUSDT", interval, limit=1_500)


def test_pages_are_written_a_few_at_a_time() -> None:
    batches = happened(400, gap_ms=3 * MINUTE_MS)
    state, shelf, archive = state_at(START_MS), Shelf(), Archive()
    archive.bind(state, shelf)
    for batch in batches:
        state.time_ns = batch[0].time_ns
        archive.take(batch, state)
    counts = [0]
    while not counts[1:] or counts[-1] > counts[-2]:
        archive.settle()
        counts.append(len(shelf.kept))
    steps = [high - low for low, high in itertools.pairwise(counts)]
    assert max(steps) <= PAGES_AT_ONCE
    assert counts[-1] > PAGES_AT_ONCE
    assert max(in_memory(archive)) <= PAGE_ROWS


def test_pages_that_were_read_are_not_read_again_and_not_changed() -> None:
    _, paged, shelf, _ = pair(happened(600, gap_ms=3 * MINUTE_MS), seeded=False)
    first = paged.klines("BTCUSDT", "5m", start_ms=START_MS, limit=100)
    shelf.reads = 0
    assert paged.klines("BTCUSDT", "5m", start_ms=START_MS, limit=100) == first
    assert shelf.reads == 0


def test_an_older_snapshot_with_newer_pages_makes_the_same_pages_again() -> None:
    """What a kill between two snapshots leaves: pages that the snapshot knows nothing of."""
    batches = happened(1_000, gap_ms=3 * MINUTE_MS)
    plain, _, _, end_ms = pair(batches, seeded=False)
    state, shelf, archive = state_at(START_MS), Shelf(), Archive()
    archive.bind(state, shelf)
    played(archive, state, batches[:300])
    snapshot = msgspec.msgpack.encode(archive)
    played(archive, state, batches[300:700])
    written = dict(shelf.kept)
    again = msgspec.msgpack.decode(snapshot, type=Archive)
    state.time_ns = batches[299][0].time_ns
    again.bind(state, shelf)
    asked = {"start_ms": START_MS - HOUR_MS, "limit": 5_000}
    until_now = again.klines("BTCUSDT", "1m", **asked)
    assert until_now[:-1] == plain.klines("BTCUSDT", "1m", **asked)[: len(until_now) - 1]
    for batch in batches[300:]:  # as a replay does: many events at a time
        again.take(batch, state)
    for _ in range(200):
        state.time_ns += 1
        again.settle()
    state.time_ns = end_ms * MS_NS
    assert {key: shelf.kept[key] for key in written} == written
    for interval in INTERVALS:
        for kind in KINDS:
            wanted = plain.klines("BTCUSDT", interval, kind=kind, limit=5_000)
            assert again.klines("BTCUSDT", interval, kind=kind, limit=5_000) == wanted


# --- in the exchange's own folder -------------------------------------------------------------------------------------

WORKER = """
import os, signal, sys
from decimal import Decimal
from pathlib import Path
from bearskin.exchange._words import Place, SetIndex, Tick
from bearskin.exchange.wire._opening import ExchangeOptions, open_exchange
from bearskin.journal import Journal

START_NS = 1_795_336_245 * 10**9
folder, kill_at, when = sys.argv[1], int(sys.argv[2]), sys.argv[3]
keep, calls = Journal.keep_pages, 0

def killing(self, pages):
    global calls
    calls += 1
    if calls == kill_at and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    keep(self, pages)
    if calls == kill_at and when == "after":
        os.kill(os.getpid(), signal.SIGKILL)

Journal.keep_pages = killing
options = ExchangeOptions(
    folder=Path(folder), symbols=("BTCUSDT",), prices="manual", makers=False, crowd=False
)
opened = open_exchange(options, lambda: START_NS)
service = opened.service
service._snapshot_every, service._snapshot_ended_ns = 250, -(1 << 62)
done = (service.exchange.state.time_ns - START_NS) // (60 * 10**9)
for minute in range(done + 1, 601):
    at = START_NS + minute * 60 * 10**9
    price = Decimal(60_000 + (minute * 37) % 101)
    service.submit_now([SetIndex(time_ns=at, symbol="BTCUSDT", prices={"spot": price})])
    service.submit_now([Tick(time_ns=at)])
opened.close()
"""
FOLDER_NS = 1_795_336_245 * 10**9


def worked(folder: Path, kill_at: int = 0, when: str = "") -> int:
    environment = {**os.environ, "PYTHONPATH": str(Path(bearskin.__file__).parents[1])}
    command = [sys.executable, "-c", WORKER, str(folder), str(kill_at), when]
    return subprocess.run(command, env=environment, check=False).returncode


def all_klines(archive: Archive) -> dict[tuple[str, Kind], list[tuple[object, ...]]]:
    return {
        (interval, kind): archive.klines("BTCUSDT", interval, kind=kind, limit=100_000)
        for interval in INTERVALS
        for kind in KINDS
    }


def klines_in(folder: Path) -> dict[tuple[str, Kind], list[tuple[object, ...]]]:
    """As a start finds them: the last snapshot, the pages, and what the records since say."""
    journal = Journal.open(folder / "journal.sqlite")
    try:
        return all_klines(restored(journal)[1])
    finally:
        journal.close()


def klines_of_records(folder: Path) -> dict[tuple[str, Kind], list[tuple[object, ...]]]:
    """What all the commands ever carried out amount to, without snapshots and pages."""
    exchange, archive = Exchange(), Archive()
    journal = Journal.open(folder / "journal.sqlite")
    for _, data in journal.records():
        archive.take(exchange.apply(msgspec.msgpack.decode(data, type=AnyCommand)), exchange.state)
    journal.close()
    return all_klines(archive)


def test_killed_before_and_after_a_page_is_written_it_has_every_candle_once(tmp_path):
    for kill_at, when in ((2, "before"), (1, "after"), (2, "after")):
        assert worked(tmp_path, kill_at, when) == -signal.SIGKILL
        assert klines_in(tmp_path) == klines_of_records(tmp_path)
    journal = Journal.open(tmp_path / "journal.sqlite")
    snapshot = journal.latest_snapshot()
    journal.close()
    assert snapshot is not None
    assert worked(tmp_path) == 0
    found = klines_in(tmp_path)
    assert found == klines_of_records(tmp_path)
    opens = [row[0] for row in found["1m", "mark"]]
    assert opens == list(range(opens[0], opens[0] + 600 * MINUTE_MS, MINUTE_MS))
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        assert database.execute("SELECT count(*) FROM pages WHERE name = 'BTCUSDT/mark/1m'").fetchone()[0] >= 4
    database.close()


def test_begun_afresh_nothing_of_the_old_exchange_is_left(tmp_path):
    assert worked(tmp_path) == 0
    options = ExchangeOptions(
        folder=tmp_path, symbols=("BTCUSDT",), prices="manual", makers=False, crowd=False, fresh=True
    )
    later_ns = FOLDER_NS + 30 * 86_400 * 10**9
    opened = open_exchange(options, lambda: later_ns)
    assert all(not rows for rows in all_klines(opened.service.archive).values())
    opened.close()
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        assert database.execute("SELECT count(*) FROM pages").fetchone()[0] == 0
    database.close()


def test_an_exchange_that_nothing_outlives_has_pages_too(tmp_path):
    opened = open_exchange(
        ExchangeOptions(symbols=("BTCUSDT",), prices="manual", makers=False, crowd=False), lambda: FOLDER_NS
    )
    for minute in range(1, 300):
        at = FOLDER_NS + minute * 60 * 10**9
        opened.service.submit_now(
            [SetIndex(time_ns=at, symbol="BTCUSDT", prices={"spot": D(60_000)}), Tick(time_ns=at)]
        )
    archive = opened.service.archive
    assert in_memory(archive, "mark")[0] <= PAGE_ROWS
    assert len(archive.klines("BTCUSDT", "1m", kind="mark", limit=1_000)) == 299
    opened.close()
