"""One trade along a price path: the first passage of stop, target, liquidation and time, with every cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bearskin.margin import Tiers
from bearskin.paths._kernel import (
    AT_CLOSE,
    AT_OPEN,
    END,
    INSIDE,
    LIQUIDATED,
    NEVER,
    TARGET,
    UNFILLED,
    Grid,
    Lane,
    Outcome,
    Ticket,
    funding_counts,
)
from bearskin.paths._lay import Course, lay, marks_of
from bearskin.paths._skip import Index, index_of

REASONS = ("unfilled", "stop", "target", "trail", "time", "invalidated", "liquidated", "end")

__all__ = [
    "AT_CLOSE",
    "AT_OPEN",
    "END",
    "INSIDE",
    "LIQUIDATED",
    "NEVER",
    "REASONS",
    "TARGET",
    "UNFILLED",
    "Course",
    "Grid",
    "Index",
    "Lane",
    "Outcome",
    "Ticket",
    "compiled_before",
    "compiled_leap",
    "compiled_walk",
    "funding_counts",
    "index_of",
    "kernel_options",
    "lay",
    "leap",
    "marks_of",
    "walk",
    "warm",
]


def compiled_walk() -> Callable[..., Any]:
    """The compiled kernel itself, for callers that are compiled too; imports numba."""
    from bearskin.paths import _compiled

    kernel: Callable[..., Any] = _compiled.walk
    return kernel


def kernel_options() -> dict[str, bool]:
    """What kernels that make no arrays are compiled with; imports numba."""
    from bearskin.paths import _compiled

    return dict(_compiled.OPTIONS)


def compiled_leap() -> Callable[..., Any]:
    """The kernel that passes over blocks of bars, for callers that are compiled too; imports numba."""
    from bearskin.paths import _compiled

    kernel: Callable[..., Any] = _compiled.leap
    return kernel


def leap(lane: Lane[float], index: Index[float], tiers: Tiers[float], ticket: Ticket[float]) -> Outcome[float]:
    """What `walk` comes to, by blocks of bars (`index_of(lane)`): for many trades along one long lane.

    Every figure that is a count, a bar, a reason or a price is identical; funding over more than 64 settlements may
    differ in its last bits.
    """
    outcome: Outcome[float] = compiled_leap()(lane, index, tiers, ticket)
    return outcome


def walk(lane: Lane[float], tiers: Tiers[float], ticket: Ticket[float]) -> Outcome[float]:
    """Carry `ticket` from its order to its last fill along `lane`; `tiers` are numpy columns of maintenance tiers."""
    outcome: Outcome[float] = compiled_walk()(lane, tiers, ticket)
    return outcome


def compiled_before(file: Path, cache: Path) -> bool:
    """Whether numba's folder `cache`, where `arm()` put it for `file`, holds compiled code of it; imports numba."""
    from bearskin.paths import _compiled

    return _compiled.compiled_before(file, cache)


def warm(say: Callable[[str], None] | None = None) -> None:
    """Compile the kernel or load it from the cache; `say` is told beforehand when it has to be compiled."""
    from bearskin.paths import _compiled

    _compiled.warm(say)
