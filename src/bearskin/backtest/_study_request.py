"""What an event study is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import polars as pl

from bearskin.market import Panel
from bearskin.setups import Evidence
from bearskin.terms import DAY_NS, HOUR_NS, BadInput, Side

Role = Literal["headline", "replication", "sensitivity"]
ROLES: tuple[Role, ...] = ("headline", "replication", "sensitivity")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRequest:
    """Which set-ups are studied, over which horizons, at what cost, and when a row is tested.

    `setups` None means all. Horizons are held from the open after a signal. A baseline is the mean of all entries
    within `reach_ns`, of at least `baseline_days_min` days. Rows below `cases_min` cases or `days_min` days are not
    tested. `alpha` is held by Holm's adjusted p.
    """

    setups: tuple[str, ...] | None = None
    sides: tuple[Side, ...] = (Side.SHORT, Side.LONG)
    params: Mapping[str, object] = field(default_factory=dict)
    horizons_ns: tuple[int, ...] = (4 * HOUR_NS, 24 * HOUR_NS, 72 * HOUR_NS)
    headline_ns: int = 24 * HOUR_NS
    taker_fee_rate: Decimal | None = None
    slippage_frac: Decimal = Decimal("0.0002")
    reach_ns: int = 30 * DAY_NS
    baseline_days_min: int = 5
    cases_min: int = 30
    days_min: int = 10
    alpha: float = 0.05

    def __post_init__(self) -> None:
        """Raises BadInput for figures that make no sense."""
        if self.setups == () or not self.sides:
            raise BadInput("a study needs at least one set-up and one side")
        if not self.horizons_ns or min(self.horizons_ns) <= 0:
            raise BadInput("a study needs at least one horizon, such as 24h")
        if self.headline_ns not in self.horizons_ns:
            raise BadInput("the headline horizon must be one of the horizons")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySet:
    """One data set: panels by symbol, read when their turn comes.

    Headline sets are pooled and tested, replication sets are pooled for the gate, sensitivity sets are only shown.
    `load(symbol)` gives the panel; a symbol that cannot be read raises BadInput and is left out.
    """

    name: str
    role: Role
    symbols: tuple[str, ...]
    load: Callable[[str], Panel | None]

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise BadInput(f"the role of {self.name!r} was {self.role!r}: there are {', '.join(ROLES)}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.symbols)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """What came out; frames are described in docs/study.md.

    `table` has a row for each set-up, side and horizon of the pooled headline; `by_set` the same for every set and for
    the pooled replication; `sets` says what each set held. `cases` holds every case.
    """

    request: StudyRequest
    table: pl.DataFrame
    by_set: pl.DataFrame
    sets: pl.DataFrame
    lost: pl.DataFrame
    cases: pl.DataFrame = field(repr=False)
    evidence: tuple[Evidence, ...]
    notes: tuple[str, ...]
    left_out: tuple[tuple[str, str, str], ...]
    interrupted: bool
