"""The runner: what happens goes to the engine, what it decided to the journal, and only then to the venue."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from bearskin.engine import Done, Doubt, Record, content_of, name_taken, record_bytes, record_of, sound
from bearskin.journal import Journal
from bearskin.live._queue import Inbox
from bearskin.live._seams import At, Feed, Loop, Venue, nowhere
from bearskin.live._sends import Sends, point_of
from bearskin.live._skew import MarketClock
from bearskin.risk import Approved
from bearskin.terms import (
    MINUTE_NS,
    SECOND_NS,
    AccountNow,
    AnyAct,
    AnyEvent,
    BadInput,
    BarClosed,
    BearskinError,
    Connected,
    Panic,
    Published,
    Pulse,
    RateSettled,
    Skewed,
    StoreBroken,
    Throttled,
    TradingChanged,
)

logger = logging.getLogger("bearskin.live")
Told = Callable[[int, Record], None]
_WRITTEN: Final = (BarClosed, RateSettled, Published, TradingChanged)  # kept though nothing was made of them: replay
_BATCH: Final = 256
_LAST: Final = 64  # the last records tell what time it was
_APART_S: Final = 0.4
_LINGER_S: Final = 1.0
_LOOK_S: Final = 2.0  # so long at most does a panic wait to see what is not ours
_OVERLAP_NS: Final = 2 * MINUTE_NS  # fills are asked for from so long before the last thing we know of
_RETRY_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerOptions:
    """How often the runner does what nobody asks it for; seconds are of the wall, 0 records: no snapshots."""

    pulse_s: float = 0.25
    reconcile_s: float = 60.0
    snapshot_records: int = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerState:
    """How the runner is at this moment. Lags are wall seconds between hearing of an event and acting on it."""

    ready: bool
    sequence: int
    events: int
    waiting_in: int
    waiting_out: int
    asking: int
    passed_over: int
    lag_s: float
    lag_max_s: float
    market_ns: int
    silent_until_wall_ns: int
    skew_ns: int
    channels: dict[str, bool]
    book: Any


@dataclass(slots=True)
class _Gauges:
    events: int = 0
    lag_s: float = 0.0
    lag_max_s: float = 0.0
    silent_until_wall_ns: int = 0
    skew_ns: int = 0
    channels: dict[str, bool] = field(default_factory=dict)


def read_records(journal: Journal, after: int = 0) -> Iterator[tuple[int, Record]]:
    """The records of a run behind number `after`, with their numbers; raises StoreBroken for what is none.

    One at a time: a journal may be far longer than memory should be.
    """
    return ((sequence, record_of(data)) for sequence, data in journal.records(after))


class Runner:
    """Drives one bot: owns its journal, asks the engine, and sends what it says.

    `at` is called with a name before and after every reach into the world (`journal`, `send`, `ask`, `account`,
    `snapshot`); when it raises, the runner stops there as a process that is killed would, and `run` raises it.
    """

    def __init__(
        self,
        engine: Loop,
        journal: Journal,
        venue: Venue,
        feed: Feed,
        *,
        clock: MarketClock | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
        at: At = nowhere,
        options: RunnerOptions | None = None,
    ) -> None:
        self._engine, self._journal, self._venue, self._feed = engine, journal, venue, feed
        self._clock = clock or MarketClock(wall_ns)
        self._wall_ns = self._clock.wall_ns
        self._hook = at
        self._options = options or RunnerOptions()
        self._inbox = Inbox()
        self._gauges = _Gauges()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[None] | None = None
        self._told: list[Told] = []
        self._acts: dict[str, asyncio.Future[Done]] = {}
        self._ready, self._over = asyncio.Event(), asyncio.Event()
        self._refresh = asyncio.Event()
        self._snapshot_at = journal.sequence
        self._since_ns: int | None = None
        self._asked_s = 0.0
        self._dead: BaseException | None = None
        self._sends = Sends(
            venue, self.put, self._spawn, wall_ns=wall_ns, market_ns=self._clock.now_ns, at=self._at,
            refresh=self._refresh.set,
        )  # fmt: skip

    # --- faces -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Restore, ask the venue how things stand, then go on until cancelled; raises what stopped it."""
        self._failed = asyncio.get_running_loop().create_future()
        self._failed.add_done_callback(lambda _: self._over.set())
        doubts = self._restored()
        self._spawn(self._work())
        self._spawn(self._start(doubts))
        try:
            await self._failed
        finally:
            await self._stop()

    def put(self, event: AnyEvent) -> None:
        """Take an event in; it is worked on in its turn."""
        self._inbox.put(event)

    async def act(self, act: AnyAct) -> Done:
        """Have an act taken up; the engine's word on it. Its times are set here.

        Raises BadInput for an act that is being worked on already or has the name of another one, BearskinError when
        the runner has stopped.
        """
        await self.ready()
        if self._engine.book.asked.get(act.act_id, content_of(act)) != content_of(act):
            raise BadInput(name_taken(act.act_id))
        if act.act_id in self._acts:
            raise BadInput(f"act {act.act_id!r} is being worked on already")
        known: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._acts[act.act_id] = known
        if isinstance(act, Panic) and act.foreign:
            await self._looked()
        self.put(msgspec.structs.replace(act, time_ns=self._clock.now_ns(), wall_ns=self._wall_ns()))
        try:
            await self._unless_over(known)
            return known.result()
        finally:
            self._acts.pop(act.act_id, None)

    async def _looked(self) -> None:
        """See what else is in the account now, if the venue says so soon: nothing waits longer for it."""

        async def look() -> None:
            await self._account()

        await asyncio.wait({self._spawn(look())}, timeout=_LOOK_S)

    def subscribe(self, told: Told) -> Callable[[], None]:
        """Have every record told once it is in the journal, with its number; returns what ends it."""
        self._told.append(told)
        return lambda: self._told.remove(told)

    async def ready(self) -> None:
        """Wait until the venue's account was taken in for the first time; raises BearskinError when it never will."""
        await self._unless_over(asyncio.ensure_future(self._ready.wait()))

    async def _unless_over(self, waiting: asyncio.Future[Any]) -> None:
        over = asyncio.ensure_future(self._over.wait())
        try:
            await asyncio.wait({waiting, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
            if not waiting.done():
                waiting.cancel()
        if waiting.cancelled() or not waiting.done():
            raise BearskinError("the runner has stopped") from self._dead

    def state(self, *, fresh: bool = False) -> RunnerState:
        """How things are; `fresh` begins a new maximum of the lag."""
        gauges = self._gauges
        found = RunnerState(
            ready=self._ready.is_set(), sequence=self._journal.sequence, events=gauges.events,
            waiting_in=self._inbox.waiting, waiting_out=self._sends.waiting, asking=len(self._sends.asking),
            passed_over=self._inbox.passed_over, lag_s=gauges.lag_s, lag_max_s=gauges.lag_max_s,
            market_ns=self._clock.now_ns(), silent_until_wall_ns=gauges.silent_until_wall_ns, skew_ns=gauges.skew_ns,
            channels=dict(gauges.channels), book=self._engine.book,
        )  # fmt: skip
        if fresh:
            gauges.lag_max_s = 0.0
        return found

    # --- start and stop ----------------------------------------------------------------------------------------------

    def _restored(self) -> list[Doubt]:
        """Rebuild the engine's memory; the orders whose fate the journal does not tell."""
        kept = self._journal.latest_snapshot()
        after, data = kept if kept is not None else (0, None)
        records = [record for _, record in read_records(self._journal, after)]
        self._engine.restore(records, data)
        if records or data:
            last_ns = self._last_ns()
            self._since_ns = last_ns - _OVERLAP_NS if last_ns else None
            self._clock.heard(last_ns)
        book = self._engine.book
        self._venue.include(
            dict.fromkeys(trade.symbol for trade in book.trades.values()), began_ns=book.began_ns, paid_ns=book.paid_ns
        )
        return self._engine.in_doubt()

    def _last_ns(self) -> int:
        """Market time of the last thing written down, be it in the snapshot already; 0 when nothing is."""
        first = self._journal.first_record()
        if first is None:
            return 0
        after = max(first - 1, self._journal.sequence - _LAST)
        return max(record.event.time_ns for _, record in read_records(self._journal, after))

    async def _start(self, doubts: list[Doubt]) -> None:
        for doubt in doubts:
            self._spawn(self._sends.resolve(doubt))
        attempt = 0
        while not await self._account():
            await asyncio.sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])
            attempt += 1
        await self._ready.wait()  # the account has been worked on
        self._spawn(self._pulses())
        self._spawn(self._reconciled())
        self._spawn(self._fed())

    async def _stop(self) -> None:
        self._over.set()
        self._dead = self._dead or asyncio.CancelledError()
        while self._tasks:  # again where a cancellation was lost on the way: a runner that is over must not linger
            for task in list(self._tasks):
                task.cancel()
            await asyncio.wait(list(self._tasks), timeout=_LINGER_S)
        if isinstance(self._dead, asyncio.CancelledError):
            with contextlib.suppress(StoreBroken):
                self._keep_snapshot()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._dead = self._dead or error
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    def _at(self, point: str) -> None:
        if self._dead is not None:
            raise self._dead
        try:
            self._hook(point)
        except BaseException as error:
            self._dead = error
            raise

    # --- the loop ----------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            await self._inbox.some()
            records: list[Record] = []
            for _ in range(_BATCH):
                event = self._inbox.take()
                if event is None:
                    break
                commands = self._one(event, records)
                if commands:
                    self._write(records, commands)
                    for approved in commands:
                        self._sends.add(approved)
                    records = []
            self._write(records, [])
            self._snapshot_when_due()
            await asyncio.sleep(0)  # let the answers in

    def _one(self, event: AnyEvent, records: list[Record]) -> list[Approved[Any]]:
        """One step; what is to be written is added to `records`."""
        event = sound(event)  # before anything remembers it
        stepped = self._engine.step(event)
        self._gauge(event)
        if stepped.keep or isinstance(event, _WRITTEN):
            records.append(Record(event, tuple(stepped.notes)))
        if stepped.look:
            self._refresh.set()
        return list(stepped.commands)

    def _write(self, records: list[Record], commands: list[Approved[Any]]) -> None:
        if records:
            name = "+".join(dict.fromkeys(point_of(approved.command) for approved in commands))
            point = name or type(records[-1].event).__name__
            self._at(f"journal.before:{point}")
            last = self._journal.append([record_bytes(record) for record in records])
            self._at(f"journal.after:{point}")
            for sequence, record in enumerate(records, last - len(records) + 1):
                self._tell(sequence, record)
        elif commands:
            raise StoreBroken("commands were about to go out that are in no record")

    def _tell(self, sequence: int, record: Record) -> None:
        for note in record.notes:
            if isinstance(note, Done) and (waiting := self._acts.get(note.act_id)) and not waiting.done():
                waiting.set_result(note)
        for told in list(self._told):
            try:
                told(sequence, record)
            except Exception:  # a listener must not stop the trading
                logger.exception("a listener failed on record %d", sequence)

    def _gauge(self, event: AnyEvent) -> None:
        gauges = self._gauges
        gauges.events += 1
        gauges.lag_s = max(0.0, (self._wall_ns() - event.wall_ns) / SECOND_NS)
        gauges.lag_max_s = max(gauges.lag_max_s, gauges.lag_s)
        match event:
            case AccountNow():
                self._ready.set()
            case Connected():
                gauges.channels[event.channel] = event.up
                if event.up and event.channel != "market":
                    self._refresh.set()
            case Throttled():
                gauges.silent_until_wall_ns = event.until_wall_ns
            case Skewed():
                gauges.skew_ns = event.skew_ns
            case _:
                pass

    # --- what goes on beside it --------------------------------------------------------------------------------------

    async def _fed(self) -> None:
        await self._feed.run(self.put)

    async def _pulses(self) -> None:
        while True:
            self.put(Pulse(time_ns=self._clock.now_ns(), wall_ns=self._wall_ns()))
            await asyncio.sleep(self._options.pulse_s)

    async def _reconciled(self) -> None:
        """The account again every minute, and whenever a channel came back."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._refresh.wait(), self._options.reconcile_s)
            self._refresh.clear()
            since_s = time.monotonic() - self._asked_s  # asking more often would only spend the budget
            await asyncio.sleep(max(0.0, _APART_S - since_s))
            for delay_s in _RETRY_S:
                if await self._account():
                    break
                await asyncio.sleep(delay_s)

    async def _account(self) -> bool:
        self._at("account.before")
        self._asked_s = time.monotonic()
        events = await self._venue.account(self._since_ns)
        self._at("account.after")
        for event in events:
            self.put(event)
        known = any(isinstance(event, AccountNow) for event in events)
        if known:
            self._since_ns = None  # from now on the venue's own memory of what was told goes on
        return known

    def _snapshot_when_due(self) -> None:
        due = self._options.snapshot_records
        if due and self._journal.sequence - self._snapshot_at >= due:
            self._keep_snapshot()

    def _keep_snapshot(self) -> None:
        if self._options.snapshot_records and self._journal.sequence > self._snapshot_at:
            if self._dead is None:
                self._at("snapshot.before")
            self._journal.snapshot(self._journal.sequence, self._engine.book.snapshot())
            self._snapshot_at = self._journal.sequence
            if self._dead is None:
                self._at("snapshot.after")
