"""`parity`: what a run of the bot did, against the compiled backtest of the bars it saw."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bearskin.app._house import open_house
from bearskin.app._runs import Run, run_named
from bearskin.terms import StoreBroken

if TYPE_CHECKING:
    from bearskin.backtest import Parity
    from bearskin.engine import EngineSettings


def parity(run: str = "last", *, home: Path | str | None = None) -> Parity:
    """Compare a run that has stopped with the backtest of its bars; `run` is its name or last.

    Raises BadInput for an unknown run, one that is held by its bot or has not begun to trade, StoreBroken for one whose
    history is not there.
    """
    return compare_run(run_named(open_house(home).home.part("journal"), run))


def compare_run(run: Run) -> Parity:
    """Compare `run`, which nobody holds, with the compiled backtest of the bars it saw; raises as `parity` does."""
    from bearskin import backtest
    from bearskin.live import read_records

    with contextlib.closing(run.kept.open_journal()) as journal:
        records = [record for _, record in read_records(journal)]
    panels, brackets = backtest.panels_of(run.folder, records)
    return backtest.compare(settings_kept(run), records, panels, brackets)


def settings_kept(run: Run) -> EngineSettings:
    """The settings the run was begun with; raises StoreBroken where they cannot be read."""
    from bearskin.engine import EngineSettings

    kept: dict[str, Any] = {**run.settings, "tag": run.tag}
    try:
        return msgspec.convert(kept, EngineSettings, strict=False)
    except msgspec.ValidationError as error:
        raise StoreBroken(f"the settings in {run.folder / 'run.json'} cannot be read ({error})") from None
