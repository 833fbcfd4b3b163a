"""The exchange at work: commands in turn, each in the journal before anyone hears of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from bearskin.exchange._clock import MarketClock
from bearskin.exchange._codes import Code
from bearskin.exchange._core import Exchange
from bearskin.exchange._words import AnyCommand, Event, Refused
from bearskin.journal import Journal
from bearskin.terms import BearskinError, StoreBroken

if TYPE_CHECKING:
    from bearskin.exchange._archive import Archive

SNAPSHOT_EVERY = 60_000  # commands; one stops the exchange for a tenth of a second, so they have to be rare
SNAPSHOT_REST = 500  # times as long as one takes: everybody waits meanwhile
RECORDS_KEPT = 200_000  # behind the snapshots, for those who want to look back
_REPLAY_AT_ONCE = 1_000
Subscriber = Callable[[Sequence[Event]], None]
logger = logging.getLogger("bearskin.exchange")


class ServiceStopped(BearskinError):
    """The exchange takes no commands: it was closed, or what it remembers may not be what its journal says."""


class Service:
    """One exchange with its history, its journal and its clock; lives on one thread, that of its event loop.

    Commands that wait in one turn of the loop are carried out one after the other, written to the journal in one
    transaction, then told to the archive and the subscribers; only then do their callers hear of them. Refused commands
    changed nothing and are not written. Where carrying out or writing fails, memory may be ahead of the journal, so the
    service stops for good and a restart restores it.
    """

    def __init__(
        self,
        exchange: Exchange,
        archive: Archive,
        journal: Journal,
        clock: MarketClock,
        wall_ns: Callable[[], int],
        *,
        snapshot_every: int = SNAPSHOT_EVERY,
        records_kept: int | None = RECORDS_KEPT,
    ) -> None:
        self.exchange = exchange
        self.archive = archive
        self.clock = clock
        self.stopped: str | None = None
        self._journal = journal
        self._wall_ns = wall_ns
        self._waiting: list[tuple[AnyCommand, asyncio.Future[list[Event]]]] = []
        self._subscribers: list[Subscriber] = []
        self._encode = msgspec.msgpack.Encoder().encode
        self._snapshot_every = snapshot_every
        self._records_kept = records_kept
        self._snapshot_at = exchange.state.sequence
        self._snapshot_ended_ns = self._snapshot_took_ns = 0

    def now_ns(self) -> int:
        """Market time; what commands are dated with."""
        return self.clock.now_ns()

    def wall_ms(self) -> int:
        """Wall time in milliseconds: signatures, listen keys and limits live on it."""
        return self._wall_ns() // 1_000_000

    def subscribe(self, callback: Subscriber) -> None:
        """Have `callback` told the events of every batch, in order, after they are in the journal and the archive."""
        self._subscribers.append(callback)

    async def submit(self, command: AnyCommand) -> list[Event]:
        """Carry out one command; its events once they are in the journal. Raises ServiceStopped."""
        if self.stopped is not None:
            raise ServiceStopped(self.stopped)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Event]] = loop.create_future()
        self._waiting.append((command, answer))
        if len(self._waiting) == 1:
            loop.call_soon(self._drain)
        return await answer

    def submit_now(self, commands: Sequence[AnyCommand]) -> list[list[Event]]:
        """Carry out `commands` at once as one batch and return the events of each. Raises ServiceStopped."""
        if self.stopped is not None:
            raise ServiceStopped(self.stopped)
        apply, encode = self.exchange.apply, self._encode
        answers: list[list[Event]] = []
        records: list[bytes] = []
        happened: list[Event] = []
        try:
            for command in commands:
                try:
                    record = encode(command)  # first: what cannot be written down must not be carried out
                except (OverflowError, ValueError):
                    answers.append([self._unwritable()])
                    continue
                events = apply(command)
                answers.append(events)
                if len(events) == 1 and type(events[0]) is Refused:
                    continue
                records.append(record)
                happened += events
            if records:
                self._journal.append(records)
                self.archive.take(happened, self.exchange.state)
        except BaseException as error:
            self.stopped = f"the exchange has stopped after a failure ({type(error).__name__}: {error})"
            if not isinstance(error, Exception):
                raise
            if isinstance(error, BearskinError):  # a full disk is told in a sentence, a bug of ours with its trace
                logger.error("%s", self.stopped)
            else:
                logger.exception("the exchange has stopped")
            raise ServiceStopped(self.stopped) from error
        if happened:
            self._tell(happened)
        _settle(self.archive)
        if self.exchange.state.sequence - self._snapshot_at >= self._snapshot_every and self._rested():
            self.snapshot()
        return answers

    def _unwritable(self) -> Refused:
        """The refusal of a command with a number or a text that no journal can hold."""
        return Refused(
            time_ns=self.exchange.state.time_ns,
            code=int(Code.INVALID_PARAMETER),
            message="A number is too large or a text is no Unicode.",
        )

    def _rested(self) -> bool:
        """Whether long enough has passed since the last snapshot, as long as that took."""
        return self._wall_ns() - self._snapshot_ended_ns >= self._snapshot_took_ns * SNAPSHOT_REST

    def snapshot(self) -> None:
        """Write what is remembered to the journal, so that a restart need not go through all of it."""
        if self.stopped is not None:
            return
        began_ns = self._wall_ns()
        sequence = self.exchange.state.sequence
        data = _SNAPSHOT.encode((self.exchange.snapshot(), msgspec.msgpack.encode(self.archive)))
        try:
            self._journal.snapshot(sequence, data, self._records_kept)
        except StoreBroken as error:  # the records are there: only the next start is slower
            logger.warning("no snapshot was written: %s", error)
        self._snapshot_at = sequence
        self._snapshot_ended_ns = self._wall_ns()
        self._snapshot_took_ns = self._snapshot_ended_ns - began_ns

    def close(self) -> None:
        """Write a snapshot, take no more commands and let go of the journal."""
        if self.stopped is None:
            self.snapshot()
            self.stopped = "the exchange is closed"
        for _, answer in self._waiting:
            if not answer.done():
                answer.set_exception(ServiceStopped(self.stopped))
        self._waiting = []
        self._journal.close()

    def _drain(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            answers = self.submit_now([command for command, _ in waiting])
        except ServiceStopped as error:
            for _, answer in waiting:
                if not answer.done():
                    answer.set_exception(ServiceStopped(str(error)))
            return
        for (_, answer), events in zip(waiting, answers, strict=True):
            if not answer.done():  # its caller may have gone away; the command stands all the same
                answer.set_result(events)

    def _tell(self, events: list[Event]) -> None:
        for callback in self._subscribers:
            try:
                callback(events)
            except Exception:  # what was decided stands; a listener's fault is not the market's
                logger.exception("a listener failed")


def _settle(archive: Archive) -> None:
    """Have the archive move what is closed to the journal; what cannot be written stays in memory."""
    try:
        archive.settle()
    except StoreBroken as error:
        logger.warning("candles stay in memory: %s", error)


_SNAPSHOT = msgspec.msgpack.Encoder()
_PARTS = msgspec.msgpack.Decoder(tuple[bytes, bytes])
_COMMAND = msgspec.msgpack.Decoder(AnyCommand)


def restored(journal: Journal) -> tuple[Exchange, Archive]:
    """The exchange and its archive as the journal has them: the last snapshot and every command since.

    An empty journal gives an empty exchange. Raises StoreBroken when the journal and what it amounts to disagree.
    """
    from bearskin.exchange._archive import Archive

    kept = journal.latest_snapshot()
    if kept is None:
        exchange, archive, after = Exchange(), Archive(), 0
    else:
        after = kept[0]
        try:
            state, history = _PARTS.decode(kept[1])
            exchange = Exchange.restore(state)
            archive = msgspec.msgpack.decode(history, type=Archive)
        except msgspec.MsgspecError as error:
            raise StoreBroken(f"{journal.path}: the snapshot of record {after} cannot be read ({error})") from None
    archive.bind(exchange.state, journal)
    happened: list[Event] = []
    for sequence, data in journal.records(after):
        try:
            command = _COMMAND.decode(data)
        except msgspec.MsgspecError as error:
            raise StoreBroken(f"{journal.path}: record {sequence} is no command ({error})") from None
        happened += exchange.apply(command)
        if exchange.state.sequence != sequence:
            raise StoreBroken(f"{journal.path}: record {sequence} is refused now, though it was carried out once")
        if len(happened) >= _REPLAY_AT_ONCE:
            archive.take(happened, exchange.state)
            _settle(archive)
            happened = []
    if happened:
        archive.take(happened, exchange.state)
    return exchange, archive
