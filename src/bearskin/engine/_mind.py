"""What decides: hears the market, finds signals, plans, manages what is open, answers the user."""

from __future__ import annotations

from bearskin.engine import _manage
from bearskin.engine._desk import Desk, Market
from bearskin.engine._hands import Hands
from bearskin.engine._limits import Limits
from bearskin.engine._notes import Declined
from bearskin.engine._plan import Planner
from bearskin.engine._settings import EngineSettings
from bearskin.engine._signals import Signals
from bearskin.engine._tape import Memory, Tape
from bearskin.engine._warn import Warnings
from bearskin.market import Panel
from bearskin.terms import Act, Answered, AnyEvent, BarClosed, Connected, Marked, Quoted, Reason


class Decider:
    """The mind of one bot. Nothing in it is durable: history comes by `preload`, all else from the book."""

    def __init__(self, settings: EngineSettings, market: Market) -> None:
        self.settings = settings
        self.tape = Tape({name: found[0] for name, found in market.items()}, settings.interval_ns, settings.bars_kept)
        self.signals = Signals(settings)
        self.planner = Planner(settings, self.signals)
        self.limits = Limits(self.tape, settings.stale_bars)
        self.warnings = Warnings()
        self.hands = Hands(self.tape)
        self._fresh = False
        self._restarted = False

    def preload(self, panel: Panel, days: Panel | None = None) -> None:
        """Take the history of a symbol in before the first event; `days` are daily bars that reach further back."""
        if days is not None and len(panel):
            self.tape.preload_days(days, int(panel.time_ns[0]))
        self.tape.preload(panel)

    def heard(self, event: AnyEvent) -> None:
        """Take in what the event says of the market."""
        self._fresh = self.tape.heard(event)

    def decide(self, desk: Desk) -> None:
        """At a bar's end exits come first, then new signals; signals that wait are looked at on every event."""
        event = desk.event
        if isinstance(event, Answered) and event.outcome == "rejected":
            self._refused(event)
        if isinstance(event, Answered):
            self.hands.answered(desk, event)
        if isinstance(event, Connected) and not event.up:
            desk.warn("feed-lost", "", f"the {event.channel} channel is down{event.detail and ': ' + event.detail}")
        self.limits.watch(desk)
        memory = self.tape.markets.get(getattr(event, "symbol", ""))
        if memory is not None:
            self._market(desk, memory)
        self._forgotten(desk)
        self._entries(desk)
        if isinstance(event, Act):
            self.hands.act(desk, event)
        self.hands.carry_on(desk)

    def _market(self, desk: Desk, memory: Memory) -> None:
        match desk.event:
            case BarClosed() as bar if self._fresh:
                _manage.bar_closed(desk, memory, bar)
                self.signals.closed(desk, memory)
                self.warnings.closed(desk, memory.instrument.symbol)
            case Quoted() as quote:
                _manage.quoted(desk, quote)
            case Marked():
                self.warnings.marked(desk, memory)
            case _:
                pass

    def _forgotten(self, desk: Desk) -> None:
        """Decline what was found before a restart and not decided: nobody waits for it any more."""
        if self._restarted or not desk.book.account.known:
            return
        self._restarted = True
        for note in list(desk.book.undecided.values()):
            if any(w.event.known_ns == note.known_ns and w.symbol == note.symbol for w in self.signals.waiting):
                continue
            desk.note(
                Declined(
                    time_ns=desk.time_ns,
                    wall_ns=desk.wall_ns,
                    symbol=note.symbol,
                    side=note.side,
                    origin=f"setup:{note.setup}",
                    reason=Reason.STALE.value,
                    detail="the bot was started again before the entry was decided",
                    known_ns=note.known_ns,
                )
            )

    def _entries(self, desk: Desk) -> None:
        if not self.signals.waiting:
            return
        markets, consider = self.tape.markets, self.planner.consider
        self.signals.waiting = [w for w in self.signals.waiting if not consider(desk, w, markets[w.symbol])]

    def _refused(self, event: Answered) -> None:
        for waiting in (*self.signals.waiting, *self.hands.waiting):
            if waiting.symbol == event.symbol and waiting.asked == event.what:
                waiting.refused = f"{event.what} was refused: {event.message or event.code}"
