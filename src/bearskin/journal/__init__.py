"""The append-only log of what was decided, its snapshots, pages of what is closed, and the tables made of it.

The face is lazy (PEP 562): SQLAlchemy is imported only by who asks for tables.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from bearskin.journal._journal import JOURNAL_VERSION, Journal, journal_version
from bearskin.journal._journal_steps import migrate_journal
from bearskin.journal._runs import (
    RUN_CURE,
    DamagedRun,
    RunFolder,
    begin_run,
    damaged_in,
    journal_held,
    read_run,
    runs_in,
)

if TYPE_CHECKING:
    from bearskin.journal._follower import Follower
    from bearskin.journal._projection import Projection, Reading, Row
    from bearskin.journal._tables import PROJECTION_VERSION

_HOMES = {
    "Follower": "_follower",
    "PROJECTION_VERSION": "_tables",
    "Projection": "_projection",
    "Reading": "_projection",
    "Row": "_projection",
}

__all__ = [
    "JOURNAL_VERSION",
    "PROJECTION_VERSION",
    "RUN_CURE",
    "DamagedRun",
    "Follower",
    "Journal",
    "Projection",
    "Reading",
    "Row",
    "RunFolder",
    "begin_run",
    "damaged_in",
    "journal_held",
    "journal_version",
    "migrate_journal",
    "read_run",
    "runs_in",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"bearskin.journal.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'bearskin.journal' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
