"""Where a run that is started again begins: at the last thing it knows, however it was ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from bearskin.engine import Book, Done, Doubt, Foreign, Stepped
from bearskin.journal import Journal
from bearskin.live import MarketClock, Runner, RunnerOptions
from bearskin.live._rounds import Rounds
from bearskin.live._skew import steady
from bearskin.terms import (
    HOUR_NS,
    MINUTE_NS,
    AccountNow,
    Act,
    AnyAct,
    AnyEvent,
    BadInput,
    Close,
    Funded,
    Pause,
    Pulse,
    Throttled,
)

T0 = 1_760_000_000_000_000_000


class Mind:
    """An engine that keeps all it hears."""

    def __init__(self) -> None:
        self.book = Book(tag="test")

    def step(self, event: AnyEvent) -> Stepped:
        return Stepped(keep=not isinstance(event, Pulse))

    def restore(self, records: Any, snapshot: bytes | None = None) -> None:
        list(records)

    def in_doubt(self) -> list[Doubt]:
        return []


class Account:
    """A venue and a feed with nothing in them, which note from when on they are asked."""

    def __init__(self) -> None:
        self.since: list[int | None] = []

    async def account(self, since_ns: int | None = None) -> Sequence[AnyEvent]:
        self.since.append(since_ns)
        wallet = {"asset": "USDT", "wallet": Decimal(1), "available": Decimal(1)}
        return [AccountNow(**wallet, positions=(), orders=(), asked_wall_ns=T0, time_ns=T0, wall_ns=T0)]

    def include(self, symbols: Any, *, began_ns: int = 0, paid_ns: Any = None) -> None:
        self.included = (list(symbols), began_ns, paid_ns)

    async def run(self, put: Any) -> None:
        await asyncio.Event().wait()


class Paid(Mind):
    """An engine whose run was told two payments, one of them twice, before it was ended."""

    def restore(self, records: Any, snapshot: bytes | None = None) -> None:
        list(records)
        at = {"wall_ns": T0}
        wallet = {"asset": "USDT", "wallet": Decimal(1), "available": Decimal(1)}
        self.book.told(AccountNow(**wallet, positions=(), orders=(), asked_wall_ns=T0, time_ns=T0, **at))
        for later_ns in (HOUR_NS, 9 * HOUR_NS, HOUR_NS):
            self.book.told(Funded(symbol="BTCUSDT", amount=Decimal(1), time_ns=T0 + later_ns, **at))


def test_a_run_says_up_to_when_funding_was_told(tmp_path: Path) -> None:
    journal, venue = Journal.open(tmp_path / "run.journal"), Account()

    async def once() -> None:
        runner = Runner(Paid(), journal, venue, venue, clock=MarketClock(lambda: T0), options=RunnerOptions())
        task = asyncio.ensure_future(runner.run())
        await runner.ready()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(once())
    journal.close()
    assert venue.included == ([], T0, {"BTCUSDT": T0 + 9 * HOUR_NS})


def test_funding_is_asked_for_since_the_last_that_was_told_or_since_the_run_began() -> None:
    venue = SimpleNamespace(
        symbols=("BTCUSDT", "ETHUSDT"), began_ns=T0, begins_ns=T0 + 20 * HOUR_NS, paid_ns={"BTCUSDT": T0 + HOUR_NS}
    )
    rounds = Rounds(venue, None, print)  # type: ignore[arg-type]
    asyncio.run(rounds._paid_since_start())
    assert rounds._paid == {"BTCUSDT": (T0 + HOUR_NS) // 1_000_000, "ETHUSDT": T0 // 1_000_000}
    assert rounds._ask_paid.is_set()


async def lived(path: Path) -> int | None:
    """One run from start to Ctrl-C; from when on it asked for what it had missed."""
    journal, venue = Journal.open(path), Account()
    runner = Runner(Mind(), journal, venue, venue, clock=MarketClock(lambda: T0), options=RunnerOptions())
    task = asyncio.ensure_future(runner.run())
    await runner.ready()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    journal.close()
    return venue.since[0]


def test_what_happened_while_a_run_was_ended_cleanly_is_asked_for(tmp_path: Path) -> None:
    """Ended by hand it leaves a snapshot and nothing behind it: the fills of the pause are still asked for."""
    path = tmp_path / "run.journal"
    assert asyncio.run(lived(path)) is None
    journal = Journal.open(path)
    assert journal.latest_snapshot() is not None
    assert journal.latest_snapshot()[0] == journal.sequence
    journal.close()
    assert asyncio.run(lived(path)) == T0 - 2 * MINUTE_NS


def test_a_clock_that_is_set_back_runs_on() -> None:
    """1000, 1010, then an hour earlier: it goes on from 1010."""
    read = iter((1_000, 1_010, -2_590, -2_580, 5_000))
    clock = steady(lambda: next(read))
    assert [clock() for _ in range(5)] == [1_000, 1_010, 1_010, 1_020, 8_600]


class Answers(Mind):
    """An engine that does whatever it is asked."""

    def step(self, event: AnyEvent) -> Stepped:
        self.book.told(event)
        if not isinstance(event, Act):
            return super().step(event)
        done = self.book.acts.get(event.act_id) or Done(
            time_ns=T0, wall_ns=T0, act_id=event.act_id, detail=type(event).__name__
        )
        self.book.noted(done)
        return Stepped(notes=(done,), keep=True)

    def restore(self, records: Any, snapshot: bytes | None = None) -> None:
        for record in records:
            self.book.told(record.event)
            for note in record.notes:
                self.book.noted(note)


def test_the_name_of_an_act_is_no_other_one_s_even_after_a_restart(tmp_path: Path) -> None:
    at = {"time_ns": T0, "wall_ns": T0, "act_id": "mine"}
    first, same, other = (
        Close(**at, symbol="BTCUSDT", share=Decimal(share)) for share in ("0.5", "0.50", "1")
    )  # fmt: skip

    async def life(*acts: AnyAct) -> list[str]:
        journal, venue = Journal.open(tmp_path / "run.journal"), Account()
        options = RunnerOptions(snapshot_records=0)
        runner = Runner(Answers(), journal, venue, venue, clock=MarketClock(lambda: T0), options=options)
        task = asyncio.ensure_future(runner.run())
        said = []
        for act in acts:
            try:
                said.append((await runner.act(act)).detail)
            except BadInput as error:
                said.append(str(error))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        journal.close()
        return said

    refused = "act_id 'mine' was used for another act: give this one a name of its own"
    assert asyncio.run(life(first, same, other, Pause(**at))) == ["Close", "Close", refused, refused]
    assert asyncio.run(life(other, same)) == [refused, "Close"]


HALF = "half a sign \ud83d of a venue"


class Talks(Answers):
    """An engine that repeats what the venue said."""

    def step(self, event: AnyEvent) -> Stepped:
        if not isinstance(event, Throttled):
            return super().step(event)
        told = Foreign(time_ns=T0, wall_ns=T0, symbol="BTCUSDT", blocked=True, detail=event.detail)
        self.book.noted(told)
        return Stepped(notes=(told,), keep=True)


def test_half_a_sign_in_a_venues_words_ends_nothing(tmp_path: Path) -> None:
    """It ended the bot: the engine took it in, and then it could not be written down."""

    async def life() -> list[bytes]:
        journal, venue = Journal.open(tmp_path / "run.journal"), Account()
        runner = Runner(Talks(), journal, venue, venue, clock=MarketClock(lambda: T0), options=RunnerOptions())
        heard: list[bytes] = []
        runner.subscribe(lambda _, record: heard.append(msgspec.json.encode(record)))
        task = asyncio.ensure_future(runner.run())
        await runner.ready()
        runner.put(Throttled(time_ns=T0, wall_ns=T0, until_wall_ns=T0, detail=HALF))
        done = await runner.act(Pause(time_ns=T0, wall_ns=T0, act_id="still-here"))
        assert done.detail == "Pause"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert journal.latest_snapshot() is not None
        journal.close()
        return heard

    heard = asyncio.run(life())
    assert any("half a sign \ufffd of a venue".encode() in one for one in heard)
