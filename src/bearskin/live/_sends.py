"""Commands on their way out: in order per symbol, what reduces before what opens, never waiting for a lost answer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bearskin.engine import Doubt
from bearskin.live._seams import At, Put, Venue
from bearskin.risk import Approved
from bearskin.terms import (
    SECOND_NS,
    AddMargin,
    Amend,
    Answered,
    AnyCommand,
    AnyEvent,
    Cancel,
    OrderChanged,
    OrderNow,
    Place,
    PlaceStop,
    SetLeverage,
    SetMarginMode,
    Throttled,
    our_id,
)

PATIENCE_S: Final = 0.25  # so long does one protective command wait for the answer to the one before it
ENTRY_AGE_NS: Final = 5 * SECOND_NS  # an entry that could not go out by then is no longer what was decided
ASK_DELAYS_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0)
CANCEL_LOST_NS: Final = 12 * SECOND_NS
_GONE: Final = ("filled", "canceled", "expired", "rejected")


def point_of(command: AnyCommand) -> str:
    """What a command is called at the I/O points: the role of an order, what is done to it, or the setting."""
    match command:
        case Place() | PlaceStop():
            return command.role
        case Cancel() | Amend():
            known = our_id(command.client_id)
            return f"{type(command).__name__.lower()}-{known.role if known else 'foreign'}"
        case SetLeverage():
            return "leverage"
        case SetMarginMode():
            return "margin-mode"
        case AddMargin():
            return "margin"


def reduces(command: AnyCommand) -> bool:
    """Whether a command can only take risk away, and so goes first and is never given up."""
    match command:
        case Place():
            return command.reduce_only or command.role != "entry"
        case PlaceStop() | Cancel():
            return True
        case AddMargin():
            return command.amount > 0
        case Amend():
            known = our_id(command.client_id)
            return known is not None and known.role != "entry"
        case _:
            return False


@dataclass(slots=True)
class _Issued:
    approved: Approved[Any]
    wall_ns: int


@dataclass(slots=True)
class _Lane:
    """The commands of one symbol: `first` reduces, `then` opens."""

    first: deque[_Issued] = field(default_factory=deque)
    then: deque[_Issued] = field(default_factory=deque)
    on_way: set[str] = field(default_factory=set)
    more: asyncio.Event = field(default_factory=asyncio.Event)
    unset: bool = False
    silent_until_wall_ns: int = 0

    def holds(self, client_id: str) -> bool:
        """Whether an order of that name has not gone out yet, or has no answer yet."""
        return client_id in self.on_way or any(
            getattr(issued.approved.command, "client_id", "") == client_id for issued in self.then
        )


class Sends:
    """Sends what was decided, and asks for what became of it until it is known."""

    def __init__(
        self,
        venue: Venue,
        put: Put,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        *,
        wall_ns: Callable[[], int],
        market_ns: Callable[[], int],
        at: At,
        refresh: Callable[[], None],
    ) -> None:
        self._venue, self._put, self._spawn, self._at, self._refresh = venue, put, spawn, at, refresh
        self._wall_ns, self._market_ns = wall_ns, market_ns
        self._lanes: dict[str, _Lane] = {}
        self.asking: set[str] = set()

    @property
    def waiting(self) -> int:
        """How many commands have not gone out yet."""
        return sum(len(lane.first) + len(lane.then) for lane in self._lanes.values())

    def add(self, approved: Approved[AnyCommand]) -> None:
        """Queue a command behind those of its symbol and kind."""
        command = approved.command
        lane = self._lanes.get(command.symbol)
        if lane is None:
            lane = self._lanes[command.symbol] = _Lane()
            self._spawn(self._reducing(lane))
            self._spawn(self._opening(lane))
        # a cancel must not overtake the order that it is for
        behind = isinstance(command, Cancel | Amend) and lane.holds(command.client_id)
        queue = lane.first if reduces(command) and not behind else lane.then
        queue.append(_Issued(approved, self._wall_ns()))
        lane.more.set()

    async def _reducing(self, lane: _Lane) -> None:
        while True:
            while not lane.first:
                lane.more.clear()
                await lane.more.wait()
            silence_ns = lane.silent_until_wall_ns - self._wall_ns()
            if silence_ns > 0:
                await asyncio.sleep(silence_ns / SECOND_NS)
                continue
            sending = self._spawn(self._send(lane, lane.first.popleft()))
            await asyncio.wait({sending}, timeout=PATIENCE_S)

    async def _opening(self, lane: _Lane) -> None:
        while True:
            while not lane.then:
                lane.more.clear()
                await lane.more.wait()
            issued = lane.then.popleft()
            client_id = getattr(issued.approved.command, "client_id", "")
            lane.on_way.add(client_id)
            try:
                await self._send(lane, issued)
            finally:
                lane.on_way.discard(client_id)

    async def _send(self, lane: _Lane, issued: _Issued) -> None:
        command = issued.approved.command
        if not reduces(command) or isinstance(command, AddMargin):  # whose act is answered by then
            why = self._too_late(lane, issued)
            if why:
                self._put(self._answer(command, "rejected", code="not-sent", message=why))
                return
        point = point_of(command)
        self._at(f"send.before:{point}")
        sent_wall_ns = self._wall_ns()
        events = await self._venue.send(issued.approved)
        self._at(f"send.after:{point}")
        if reduces(command) and self._is_told_off(lane, issued, events):
            return
        for event in events:
            self._put(event)
        outcome = next((event.outcome for event in events if isinstance(event, Answered)), "accepted")
        if isinstance(command, SetLeverage | SetMarginMode):
            lane.unset = outcome != "accepted"
        elif outcome == "unknown":
            self._spawn(self.find_out(command, sent_wall_ns))

    def _is_told_off(self, lane: _Lane, issued: _Issued, events: Sequence[AnyEvent]) -> bool:
        """Whether the venue has not even looked at it (429, 418): then it goes out first when the silence is over."""
        silence = next((event for event in events if isinstance(event, Throttled)), None)
        refused = any(isinstance(event, Answered) and event.outcome == "rejected" for event in events)
        if silence is None or not refused:
            return False
        self._put(silence)
        lane.first.appendleft(issued)
        lane.silent_until_wall_ns = silence.until_wall_ns
        lane.more.set()
        return True

    def _too_late(self, lane: _Lane, issued: _Issued) -> str:
        waited_ns = self._wall_ns() - issued.wall_ns
        if waited_ns > ENTRY_AGE_NS:
            return f"it could not go out for {waited_ns / SECOND_NS:.1f} s"
        if lane.unset and isinstance(issued.approved.command, Place):
            return "leverage or margin mode of the symbol could not be set"
        return ""

    async def find_out(self, command: AnyCommand, issued_wall_ns: int) -> None:
        """Ask what became of a command, ever less often, until the venue knows or can no longer come to know it."""
        client_id = getattr(command, "client_id", "")
        if not client_id:
            self._refresh()
            return
        conditional = isinstance(command, PlaceStop) or (isinstance(command, Cancel) and command.conditional)
        doubt = Doubt(
            symbol=command.symbol, client_id=client_id, conditional=conditional, issued_wall_ns=issued_wall_ns
        )
        await self.resolve(doubt, command if isinstance(command, Cancel | Amend) else None)

    async def resolve(self, doubt: Doubt, change: Cancel | Amend | None = None) -> None:
        """Ask until the fate of an order is known, or that of a `change` to it."""
        if (key := f"{type(change).__name__}:{doubt.client_id}") in self.asking:
            return
        self.asking.add(key)
        try:
            for attempt in range(1 << 30):
                self._at("ask.before")
                events = await self._venue.ask(
                    doubt.symbol, doubt.client_id, conditional=doubt.conditional, issued_wall_ns=doubt.issued_wall_ns
                )
                self._at("ask.after")
                found = self._understood(change, events, doubt.issued_wall_ns)
                for event in found:
                    self._put(event)
                if any(isinstance(event, Answered) for event in found):
                    return
                await asyncio.sleep(ASK_DELAYS_S[min(attempt, len(ASK_DELAYS_S) - 1)])
        finally:
            self.asking.discard(key)

    def _understood(
        self, change: Cancel | Amend | None, events: Sequence[AnyEvent], issued_wall_ns: int
    ) -> list[AnyEvent]:
        """What an answer about an order says about the command that was lost; no `Answered` while it says nothing."""
        found: list[AnyEvent] = []
        for event in events:
            if not isinstance(event, Answered):
                found.append(event)
            elif event.outcome == "unknown":
                continue
            elif change is not None:
                found += self._of_change(change, event, issued_wall_ns)
            else:
                found.append(event)
        return found

    def _of_change(self, command: Cancel | Amend, event: Answered, issued_wall_ns: int) -> list[AnyEvent]:
        order = event.order
        told: list[AnyEvent] = []
        if order is not None:
            told.append(OrderChanged(time_ns=event.time_ns, wall_ns=event.wall_ns, order=order))
        if order is None or order.status in _GONE:
            done = isinstance(command, Cancel)
        else:
            done = isinstance(command, Amend) and order.price == command.price
            if not done and self._wall_ns() - issued_wall_ns < CANCEL_LOST_NS:
                return told  # it may still be on its way
        return [
            *told,
            self._answer(command, "accepted" if done else "rejected", code="" if done else "lost", order=order),
        ]

    def _answer(
        self, command: AnyCommand, outcome: Any, *, code: str = "", message: str = "", order: OrderNow | None = None
    ) -> Answered:
        return Answered(
            time_ns=self._market_ns(), wall_ns=self._wall_ns(), symbol=command.symbol,
            client_id=getattr(command, "client_id", ""), what=type(command).__name__,
            outcome=outcome, code=code, message=message, order=order, act_id=getattr(command, "act_id", ""),
        )  # fmt: skip
