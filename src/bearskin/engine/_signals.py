"""From a closed bar to signals that wait for their entry: the set-ups' events, each written down as it is found."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bearskin.engine._desk import Desk
from bearskin.engine._notes import Regimed, Signalled
from bearskin.engine._settings import EngineSettings
from bearskin.engine._tape import Memory
from bearskin.setups import Regime, SetupEvent, detect, regime
from bearskin.terms import Side

RECENT_BARS = 6  # the guards hear of the symbol's signals up to so many bars before
BOTH = (Side.SHORT, Side.LONG)


@dataclass(slots=True, kw_only=True)
class Asking:
    """An entry whose symbol may have to be set up first: what the venue was asked for, when, and why it refused."""

    symbol: str
    heard_wall_ns: int
    asked: str = ""
    asked_wall_ns: int = 0
    refused: str = ""


@dataclass(slots=True, kw_only=True)
class Waiting(Asking):
    """A signal whose entry is not decided yet."""

    event: SetupEvent
    leans: list[float] = field(default_factory=list)  # the mean imbalance of the book it first and last waited for


class Signals:
    """The signals of each symbol: those of the last bars, for the guards, and those that wait."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self.recent: dict[str, list[SetupEvent]] = {}
        self.waiting: list[Waiting] = []
        self.regimes: dict[str, Regime] = {}
        self._days: dict[str, int] = {}

    def closed(self, desk: Desk, memory: Memory) -> None:
        """A bar of a symbol has closed: write down its regime and its signals."""
        symbol = memory.instrument.symbol
        panel = memory.panel()
        last = len(panel) - 1
        days = memory.whole_days()
        if self._days.get(symbol) != len(days.known_ns) or symbol not in self.regimes:
            self._days[symbol] = len(days.known_ns)
            self._regime(desk, symbol, regime(panel, last, days=days))
        first = last if symbol in self.recent else max(0, last - RECENT_BARS)
        found = detect(panel, self._settings.setups, self.sides(), first_bar=first)
        oldest_ns = panel.known_ns(max(0, last - RECENT_BARS))
        kept = [event for event in self.recent.get(symbol, ()) if event.known_ns >= oldest_ns]
        self.recent[symbol] = kept + found
        for event in found:
            if event.bar == last:
                self._signal(desk, event)

    def sides(self) -> tuple[Side, ...]:
        """The sides that are looked for: both, unless the settings name one for good."""
        return self._settings.wanted(BOTH) or BOTH

    def known(self, memory: Memory, event: SetupEvent) -> list[SetupEvent]:
        """The symbol's signals of the last bars, numbered as the bars are now; those of the same close included."""
        times = memory.bars.column("time_ns")
        found = []
        for other in self.recent.get(event.symbol, ()):
            if other.known_ns <= event.known_ns:
                bar = int(times.searchsorted(other.known_ns - memory.interval_ns))
                found.append(other if other.bar == bar else replace(other, bar=bar))
        return found

    def _regime(self, desk: Desk, symbol: str, now: Regime) -> None:
        before, self.regimes[symbol] = self.regimes.get(symbol), now
        if before is None or before.label != now.label:
            desk.note(
                Regimed(
                    time_ns=desk.time_ns,
                    wall_ns=desk.wall_ns,
                    symbol=symbol,
                    label=now.label,
                    figures={name: float(value) for name, value in now.figures.items()},
                )
            )

    def _signal(self, desk: Desk, event: SetupEvent) -> None:
        desk.note(
            Signalled(
                time_ns=desk.time_ns,
                wall_ns=desk.wall_ns,
                symbol=event.symbol,
                setup=event.setup,
                side=event.side,
                known_ns=event.known_ns,
                entry_ref=event.entry_ref,
                stop=event.stop,
                targets=event.targets,
                why=event.why,
                attrs=dict(event.attrs),
            )
        )
        self.waiting.append(Waiting(event=event, symbol=event.symbol, heard_wall_ns=desk.wall_ns))
