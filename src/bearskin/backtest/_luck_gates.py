"""The gates a result must pass before anyone may speak of an edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

T_LEAST = 3.0
DSR_LEAST = 0.95
PBO_MOST = 0.2
EVENTS_LEAST = 200
COSTS_SCALE = "1.5"
NO_EDGE = "no edge shown"
PASSED = "every gate passed: luck alone hardly does this, which is not a promise"

Unit = Literal["R", "t", "share", "count"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One condition: its figure (None: could not be had), whether it is passed, and why a figure is missing."""

    name: str
    title: str
    unit: Unit
    figure: float | None
    needed: str
    passed: bool
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the gates look at; None is a figure that could not be had. R figures are means per trade."""

    mean: float | None
    t: float | None
    dsr: float | None
    pbo: float | None
    first_half: float | None
    second_half: float | None
    without_best: float | None
    dearer: float | None
    events: int | None
    against_random: float | None


def gates_of(found: Figures, why: Mapping[str, str], *, unit: Unit = "R") -> tuple[Gate, ...]:
    """Every gate with its figure; a figure that is missing does not pass. `why` says by name why one is missing."""

    def gate(name: str, title: str, kind: Unit, figure: float | None, needed: str, passed: bool) -> Gate:
        said = "" if figure is not None else why.get(name, "too little data")
        ok = figure is not None and passed
        return Gate(name=name, title=title, unit=kind, figure=figure, needed=needed, passed=ok, why=said)

    def above(name: str, title: str, figure: float | None) -> Gate:
        return gate(name, title, unit, figure, "above 0", figure is not None and figure > 0)

    return (
        above("mean", "Mean net result", found.mean),
        gate("t", "t with days as clusters", "t", found.t, f"at least {T_LEAST:g}", _least(found.t, T_LEAST)),
        gate(
            "dsr", "Deflated Sharpe ratio", "share", found.dsr, f"at least {DSR_LEAST:g}", _least(found.dsr, DSR_LEAST)
        ),
        gate(
            "pbo",
            "Probability of backtest overfitting",
            "share",
            found.pbo,
            f"at most {PBO_MOST:g}",
            found.pbo is not None and found.pbo <= PBO_MOST,
        ),
        above("first_half", "First half", found.first_half),
        above("second_half", "Second half", found.second_half),
        above("without_best", "Without the best 5 % of days", found.without_best),
        above("dearer", f"At costs times {COSTS_SCALE}", found.dearer),
        gate(
            "events",
            "Trades out of sample",
            "count",
            None if found.events is None else float(found.events),
            f"at least {EVENTS_LEAST}",
            _least(found.events, EVENTS_LEAST),
        ),
        above("against_random", "Better than random entries", found.against_random),
    )


def verdict_of(gates: tuple[Gate, ...]) -> str:
    """`no edge shown` unless every gate is passed."""
    return PASSED if all(gate.passed for gate in gates) else NO_EDGE


def _least(figure: float | None, least: float) -> bool:
    return figure is not None and figure >= least
