"""Merging: events that tell the same story are one candidate with several flags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bearskin.setups._events import SetupEvent
from bearskin.setups._families import ALL, enough, families_of
from bearskin.terms import Side

MERGE_BARS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Events of one symbol and side within a few bars of the first; known, as told here, with the last of them.

    `setups` are the flags, each once; with no model their number is the score. `families` are those of the flags, and
    of what stood beside them: crowded funding is positioning, a fall confirmed by takers' volume is flow.
    """

    symbol: str
    side: Side
    first_bar: int
    bar: int
    known_ns: int
    setups: tuple[str, ...]
    families: tuple[str, ...]
    events: tuple[SetupEvent, ...]

    @property
    def score(self) -> int:
        """Number of different set-ups."""
        return len(self.setups)

    def families_ok(self, with_data: Iterable[str] = ALL, need: int = 2) -> bool:
        """Whether `need` families speak; those without data (see `families_with_data`) are not asked for."""
        return enough(self.families, with_data, need)


def merge(events: Iterable[SetupEvent], within_bars: int = MERGE_BARS) -> list[Candidate]:
    """Candidates sorted by the bar of their first event; an event joins while within `within_bars` of that bar."""
    groups: list[list[SetupEvent]] = []
    open_groups: dict[tuple[str, Side], list[SetupEvent]] = {}
    for event in sorted(events, key=lambda e: (e.bar, e.symbol, e.side, e.setup)):
        group = open_groups.get((event.symbol, event.side))
        if group is None or event.bar - group[0].bar > within_bars:
            group = open_groups[event.symbol, event.side] = []
            groups.append(group)
        group.append(event)
    return [_candidate(group) for group in groups]


def _candidate(group: list[SetupEvent]) -> Candidate:
    names = tuple(sorted({event.setup for event in group}))
    return Candidate(
        symbol=group[0].symbol,
        side=group[0].side,
        first_bar=group[0].bar,
        bar=group[-1].bar,
        known_ns=group[-1].known_ns,
        setups=names,
        families=families_of(group),
        events=tuple(group),
    )
