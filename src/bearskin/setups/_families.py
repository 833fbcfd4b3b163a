"""Families of evidence: structure (the chart), positioning (who holds what), flow (who trades now)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bearskin.market import Panel
from bearskin.setups._events import SetupEvent
from bearskin.setups._registry import SETUPS
from bearskin.terms import Reason, Refused

STRUCTURE, POSITIONING, FLOW = "structure", "positioning", "flow"
CROWDED_PCT = 95.0  # rank of funding from which an event says something of positioning too
ALL = (STRUCTURE, POSITIONING, FLOW)


def families_with_data(panel: Panel) -> frozenset[str]:
    """The families a signal of this panel can have: a chart always, the others where a series of theirs exists."""
    found = {STRUCTURE}
    if panel.funding is not None or panel.open_interest is not None:
        found.add(POSITIONING)
    if panel.taker_buy_volume is not None:
        found.add(FLOW)
    return frozenset(found)


def families_of(events: Iterable[SetupEvent]) -> tuple[str, ...]:
    """The families that these events speak for: their set-ups', and what stood beside them when they were found.

    Funding in the top twentieth of its history counts as positioning, a fall that takers' volume confirms as flow.
    """
    found: set[str] = set()
    for event in events:
        if event.setup in SETUPS:
            found.update(SETUPS[event.setup].families)
        if float(event.attrs.get("funding_pct", 0.0)) >= CROWDED_PCT:
            found.add(POSITIONING)
        if event.attrs.get("volume") == "confirmed":
            found.add(FLOW)
    return tuple(sorted(found))


def enough(families: Iterable[str], with_data: Iterable[str], need: int) -> bool:
    """Whether there are `need` families; no more are asked for than have data."""
    available = set(with_data)
    return len(set(families)) >= min(need, len(available))


def enough_families(
    event: SetupEvent, panel: Panel, recent: Sequence[SetupEvent], need: int, within_bars: int
) -> Refused | None:
    """Why an event has too few families, its own and those of the events it would be merged with; None when enough."""
    if need <= 0:
        return None
    together = [
        other
        for other in (event, *recent)
        if other.symbol == event.symbol and other.side is event.side and 0 <= event.bar - other.bar <= within_bars
    ]
    found, available = families_of(together), families_with_data(panel)
    if enough(found, available, need):
        return None
    least = min(need, len(available))
    detail = f"of {', '.join(sorted(available))}, it has {', '.join(found) or 'none'}"
    return Refused(reason=Reason.FAMILIES, have=str(len(found)), need=f"at least {least}", detail=detail)
