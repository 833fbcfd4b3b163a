"""The service: batches, the journal before the answer, and the same state after a restart."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from bearskin.exchange._archive import Archive
from bearskin.exchange._clock import MarketClock
from bearskin.exchange._core import Exchange
from bearskin.exchange._genesis import packaged_contracts
from bearskin.exchange._service import Service, ServiceStopped, restored
from bearskin.exchange._words import Deposit, ListContract, OpenAccount, Place, Refused, SetIndex, Tick
from bearskin.journal import Journal
from bearskin.terms import SECOND_NS, StoreBroken

START_NS = 1_795_000_000 * SECOND_NS


def opened(folder: Path, **more) -> tuple[Service, Journal]:
    journal = Journal.open(folder / "journal.sqlite")
    exchange, archive = restored(journal)
    clock = MarketClock(lambda: START_NS, start_ns=START_NS)
    return Service(exchange, archive, journal, clock, lambda: START_NS, **more), journal


def begin(service: Service) -> None:
    (contract,) = packaged_contracts(["BTCUSDT"], START_NS)
    answers = service.submit_now(
        [
            ListContract(time_ns=START_NS, contract=contract),
            OpenAccount(time_ns=START_NS, name="one"),
            Deposit(time_ns=START_NS, account=2, amount=Decimal(10_000)),
            SetIndex(time_ns=START_NS, symbol="BTCUSDT", prices={"spot": Decimal(60_000)}),
            Tick(time_ns=START_NS),
        ]
    )
    assert not any(isinstance(event, Refused) for events in answers for event in events)


def order(at: int, qty: str = "0.01") -> Place:
    return Place(
        time_ns=START_NS + at * SECOND_NS, account=2, symbol="BTCUSDT", side=1, type="LIMIT",
        qty=Decimal(qty), price=Decimal(59_000 - at), client_id=f"o{at}",
    )  # fmt: skip


def test_a_restart_is_the_same_exchange_with_or_without_a_snapshot(tmp_path):
    service, journal = opened(tmp_path)
    begin(service)
    service.submit_now([order(at) for at in range(20)])
    before = service.exchange.state_hash()
    journal.close()  # as if killed: no snapshot
    again, journal = opened(tmp_path)
    assert again.exchange.state_hash() == before
    assert [found.client_id for found in again.archive.orders(2, "BTCUSDT")] == [f"o{at}" for at in range(20)]
    again.close()  # with a snapshot
    third, journal = opened(tmp_path)
    assert journal.latest_snapshot() is not None
    assert third.exchange.state_hash() == before
    assert third.archive.orders(2, "BTCUSDT") == again.archive.orders(2, "BTCUSDT")
    third.close()


def test_the_journal_alone_gives_the_state_hash(tmp_path):
    service, journal = opened(tmp_path)
    begin(service)
    service.submit_now([order(at) for at in range(5)])
    exchange, _ = restored(journal)
    assert exchange.state_hash() == service.exchange.state_hash()
    assert journal.sequence == service.exchange.state.sequence == 10
    service.close()


def test_what_was_refused_is_not_written(tmp_path):
    service, journal = opened(tmp_path)
    begin(service)
    written = journal.sequence
    (events,) = service.submit_now([order(0, qty="0.0000001")])
    assert isinstance(events[0], Refused)
    assert journal.sequence == written
    service.close()


def test_commands_of_one_turn_are_one_transaction_and_told_before_they_are_answered(tmp_path):
    service, journal = opened(tmp_path)
    begin(service)
    told: list[int] = []
    batches: list[int] = []
    append = journal.append
    journal.append = lambda records: batches.append(len(records)) or append(records)  # type: ignore[method-assign]
    service.subscribe(lambda events: told.append(journal.sequence))

    async def run() -> None:
        answers = await asyncio.gather(*(service.submit(order(at)) for at in range(8)))
        assert told == [5 + 8], "told once, after all of it was in the journal"
        assert all(events for events in answers)

    asyncio.run(run())
    assert batches == [8]
    service.close()


def test_a_listener_that_fails_harms_nobody(tmp_path, caplog):
    service, _ = opened(tmp_path)
    begin(service)
    heard = []
    service.subscribe(lambda events: 1 / 0)
    service.subscribe(heard.append)
    service.submit_now([order(0)])
    assert len(heard) == 1
    assert service.stopped is None
    service.close()


def test_a_failed_write_stops_the_exchange_and_a_restart_has_only_what_was_told(tmp_path, caplog):
    service, journal = opened(tmp_path)
    begin(service)
    service.submit_now([order(0)])

    def full(_: object) -> int:
        raise StoreBroken("the disk is full")

    whole = journal.append
    journal.append = full  # type: ignore[method-assign]

    async def run() -> None:
        waiting = [asyncio.ensure_future(service.submit(order(at))) for at in (1, 2)]
        for future in waiting:
            with pytest.raises(ServiceStopped, match="disk is full"):
                await future
        with pytest.raises(ServiceStopped):
            await service.submit(order(3))

    asyncio.run(run())
    journal.append = whole  # type: ignore[method-assign]
    with pytest.raises(ServiceStopped):
        service.submit_now([order(4)])
    service.close()
    again, _ = opened(tmp_path)
    assert [found.client_id for found in again.archive.orders(2, "BTCUSDT")] == ["o0"]
    again.close()


def test_snapshots_are_written_as_it_goes_and_let_old_records_go(tmp_path):
    service, journal = opened(tmp_path, snapshot_every=10, records_kept=5)
    begin(service)
    for at in range(40):
        service.submit_now([order(at, "0.002")])
    kept = journal.latest_snapshot()
    assert kept is not None
    assert kept[0] == 40
    first = journal.first_record()
    assert first is not None
    assert first > 25
    hashed = service.exchange.state_hash()
    journal.close()
    again, _ = opened(tmp_path)
    assert again.exchange.state_hash() == hashed
    again.close()


def test_a_closed_service_takes_nothing(tmp_path):
    service, _ = opened(tmp_path)
    service.close()
    with pytest.raises(ServiceStopped, match="closed"):
        service.submit_now([Tick(time_ns=START_NS)])


def test_an_empty_archive_and_exchange_are_what_an_empty_journal_gives(tmp_path):
    journal = Journal.open(tmp_path / "journal.sqlite")
    exchange, archive = restored(journal)
    assert exchange.state_hash() == Exchange().state_hash()
    assert archive == Archive()
    journal.close()


def test_a_record_that_is_no_command_is_said(tmp_path):
    journal = Journal.open(tmp_path / "journal.sqlite")
    journal.append([b"\x81\xa2is\xa4Nope"])
    with pytest.raises(StoreBroken, match="record 1 is no command"):
        restored(journal)
    journal.close()


@pytest.mark.parametrize("change", [{"good_till_ns": 2**70}, {"client_id": "\ud800"}, {"time_ns": 2**64}])
def test_what_cannot_be_written_down_is_refused_and_the_exchange_goes_on(tmp_path, change):
    service, journal = opened(tmp_path)
    begin(service)
    before = service.exchange.state_hash()
    (answer,) = service.submit_now([msgspec.structs.replace(order(1), **change)])
    assert isinstance(answer[0], Refused)
    assert (len(answer), answer[0].code) == (1, -1130)
    assert service.exchange.state_hash() == before
    service.submit_now([order(2)])
    before = service.exchange.state_hash()
    journal.close()
    again, journal = opened(tmp_path)
    assert again.exchange.state_hash() == before
    again.close()
