"""`report` and `tables`: what a run came to, and the tables of all runs in a database of the user's."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearskin.app._house import House, open_house
from bearskin.app._runs import Run, run_named
from bearskin.terms import BearskinError

if TYPE_CHECKING:
    from bearskin.engine import Record
    from bearskin.journal import Journal, Projection
    from bearskin.report import OrderRow, PositionRow, RunSummary

logger = logging.getLogger("bearskin.app")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """A run in figures, what it left open, and its last trades and decisions as tables to be shown."""

    summary: RunSummary
    positions: tuple[PositionRow, ...]
    orders: tuple[OrderRow, ...]
    shown: tuple[Any, ...]

    def to_json(self) -> dict[str, Any]:
        """The object `report --json` prints."""
        from bearskin.report import run_json

        return {
            **run_json(self.summary),
            "positions": [row.to_json() for row in self.positions],
            "orders": [row.to_json() for row in self.orders],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TablesReport:
    """Where the tables are (a password is stars), what was brought up, and how many records of each run they tell."""

    database: str
    told: tuple[str, ...]
    records: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """The object `tables --json` prints."""
        return {"database": self.database, "told": list(self.told), "records": dict(self.records)}


def report(
    run: str = "last", *, last: int = 20, home: Path | str | None = None, store: Path | str | None = None
) -> RunReport:
    """What a run came to, read from its journal; from its tables while a bot is on it.

    Raises BadInput for a run there is none of, StoreBroken for a damaged journal.
    """
    house = open_house(home, store=store)
    found = run_named(house.home.part("journal"), run)
    from bearskin.report import decisions_table, orders_of, positions_of, run_summary, tables_of, trades_table

    with contextlib.closing(_tables_told(house) if found.kept.held else tables_of(found.kept)) as projection:
        return RunReport(
            summary=run_summary(projection, found.id),
            positions=positions_of(projection, found.id),
            orders=orders_of(projection, found.id),
            shown=(trades_table(projection, found.id, last=last), decisions_table(projection, found.id, last=last)),
        )


def tables(
    *,
    database: str | None = None,
    rebuild: bool = False,
    home: Path | str | None = None,
    store: Path | str | None = None,
) -> TablesReport:
    """Bring the tables of every run that no bot is on up to its journal; `rebuild` makes all their rows again.

    Raises BadInput for an address that cannot be, StoreBroken when the database fails or a journal is damaged.
    """
    house = open_house(home, store=store, database=database)
    from bearskin.report import caught_up

    with contextlib.closing(_tables_told(house)) as projection:
        told = caught_up(projection, house.home.part("journal"), rebuild=rebuild)
        records = {row["run"]: int(row["mark"]) for row in projection.runs()}
        return TablesReport(database=projection.address, told=told, records=records)


def closed_trades(house: House, run: Run, last: int = 200) -> list[dict[str, Any]]:
    """The trades of a run that have ended, the newest first, as rows of its tables.

    Raises StoreBroken for a damaged journal or a database that fails.
    """
    from bearskin.report import tables_of

    with contextlib.closing(_tables_told(house) if run.kept.held else tables_of(run.kept)) as projection:
        rows = [row for row in projection.rows("trades", run.id) if row["ended_ns"] is not None and row["ended_qty"]]
    return sorted(rows, key=lambda row: row["ended_sequence"], reverse=True)[:last]


def _tables_told(house: House) -> Projection:
    from bearskin.journal import Projection

    if house.settings.database is None:
        house.writable_part("cache")
    return Projection.open(house.database)


@contextlib.contextmanager
def tables_followed(run: Run, journal: Journal, house: House) -> Iterator[Callable[[int, Record], None]]:
    """What keeps the tables up with a run while it is traded: to be told every record.

    A database that cannot be had is logged and holds up nothing: the tables are brought up later.
    """
    from bearskin.engine import rows_of
    from bearskin.journal import Follower
    from bearskin.report import tell_journal

    with contextlib.ExitStack() as stack:
        try:
            projection = stack.enter_context(contextlib.closing(_tables_told(house)))
            tell_journal(projection, run.kept, journal)
        except BearskinError as error:
            logger.warning("the tables of this run lag behind its journal: %s", error)
            yield lambda _sequence, _record: None
            return

        def rows(sequence: int, record: Record) -> list[tuple[str, dict[str, Any]]]:
            return rows_of(sequence, record, run.tag)

        follower = Follower(projection, run.id, rows)
        try:
            yield follower.put
        finally:
            if not follower.close():
                logger.warning("the tables of this run lag behind its journal: %s", follower.fault or "too slow")
