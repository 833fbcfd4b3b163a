"""What decides: hears the market, finds signals, plans, manages what is open, answers the user."""

from __future__ import annotations

from bearskin.engine._desk import Desk, Market
from bearskin.engine._plan import Planner
from bearskin.engine._settings import EngineSettings
from bearskin.engine._signals import Signals
from bearskin.engine._tape import Tape
from bearskin.market import Panel
from bearskin.terms import Answered, AnyEvent, BarClosed


class Decider:
    """The mind of one bot. Nothing in it is durable: history comes by `preload`, all else from the book."""

    def __init__(self, settings: EngineSettings, market: Market) -> None:
        self.settings = settings
        self.tape = Tape({name: found[0] for name, found in market.items()}, settings.interval_ns, settings.bars_kept)
        self.signals = Signals(settings)
        self.planner = Planner(settings, self.signals)
        self._fresh = False

    def preload(self, panel: Panel) -> None:
        """Take the history of a symbol in before the first event."""
        self.tape.preload(panel)

    def heard(self, event: AnyEvent) -> None:
        """Take in what the event says of the market."""
        self._fresh = self.tape.heard(event)

    def decide(self, desk: Desk) -> None:
        """At a bar's end exits come first, then new signals; signals that wait are looked at on every event."""
        event = desk.event
        if isinstance(event, Answered) and event.outcome == "rejected":
            self._refused(event)
        if isinstance(event, BarClosed) and self._fresh and event.symbol in self.tape.markets:
            memory = self.tape.markets[event.symbol]
            self.signals.closed(desk, memory)
        self._entries(desk)

    def _entries(self, desk: Desk) -> None:
        if not self.signals.waiting:
            return
        markets, consider = self.tape.markets, self.planner.consider
        self.signals.waiting = [w for w in self.signals.waiting if not consider(desk, w, markets[w.symbol])]

    def _refused(self, event: Answered) -> None:
        for waiting in self.signals.waiting:
            if waiting.symbol == event.symbol and waiting.asked == event.what:
                waiting.refused = f"{event.what} was refused: {event.message or event.code}"
