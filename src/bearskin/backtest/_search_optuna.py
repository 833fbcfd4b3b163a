"""Optuna's TPE over the axes: which combinations are tried next, given what the ones before came to.

Trials come in batches of a fixed size and every batch has dice of its own, so the same seed chooses the same
combinations however many processes work and wherever a run was stopped: on resuming, the choices are made again from
the results in the folder. `optuna.log` there is a journal of the trials for Optuna's own tools.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from bearskin.backtest._search_folder import ROWS, TRIALS, part_name, write_parquet
from bearskin.backtest._search_read import Sweep, sharpe_of
from bearskin.terms import BadInput

if TYPE_CHECKING:
    from bearskin.backtest._search_run import SweepRequest

BATCH = 10
JOURNAL, STUDY = "optuna.log", "sweep"
FOLDS = 5
TRADES_MIN = 30  # with fewer a Sharpe ratio is noise
WORST = -1_000.0


class Chooser:
    """Chooses combinations batch by batch; `told` trials are known to it."""

    def __init__(self, request: SweepRequest, sweep: Sweep) -> None:
        """Raises BadInput when Optuna is not installed."""
        try:
            import optuna
        except ImportError:
            raise BadInput("search optuna needs Optuna: pip install 'bearskin[research]'") from None
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna: Any = optuna
        self._request, self._sweep, self._grid = request, sweep, request.grid
        self._values: dict[int, float] = {}
        self._study: Any = optuna.create_study(direction="maximize")
        self._open: list[tuple[Any, int]] = []

    @property
    def told(self) -> int:
        """How many trials have a value."""
        return len(self._study.trials) - len(self._open)

    def batches(self) -> Iterator[tuple[int, list[int]]]:
        """Number of the batch and the combinations in it that have not been tried before, rising."""
        trials, batch = self._request.trials or 0, 0
        while self.told < trials:
            self._study.sampler = self._sampler(batch)
            count = min(BATCH, trials - self.told)
            self._open = [(trial, self._number(trial)) for trial in (self._study.ask() for _ in range(count))]
            yield batch, sorted({number for _, number in self._open} - set(self._values))
            batch += 1

    def _sampler(self, batch: int) -> Any:
        seed = int(np.random.SeedSequence([self._request.seed, batch]).generate_state(1)[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # constant_liar is told to be experimental
            return self._optuna.samplers.TPESampler(seed=seed, constant_liar=True)

    def _number(self, trial: Any) -> int:
        digits = []
        for axis in self._grid.axes:
            ordered = all(isinstance(value, int | float) and not isinstance(value, bool) for value in axis.plain)
            if ordered:  # a place among rising values: neighbours are alike
                digits.append(trial.suggest_int(axis.name, 0, len(axis.values) - 1))
            else:
                digits.append(trial.suggest_categorical(axis.name, list(range(len(axis.values)))))
        return self._grid.number(digits)

    def heard(self, batch: int, numbers: Sequence[int]) -> None:
        """Read what the new combinations of a batch came to and tell Optuna."""
        if numbers:
            self._values |= objective_of(self._sweep, batch, numbers, self._request.objective)
        for trial, number in self._open:
            self._study.tell(trial, self._values[number])
        self._open = []
        self._journal()

    def _journal(self) -> None:
        """Write the finished trials for Optuna's own tools; ours reads them never."""
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        path = self._sweep.folder / JOURNAL
        if self.told <= BATCH:
            path.unlink(missing_ok=True)
        storage = JournalStorage(JournalFileBackend(str(path)))
        kept = self._optuna.create_study(study_name=STUDY, storage=storage, direction="maximize", load_if_exists=True)
        for trial in self._study.trials[len(kept.trials) :]:
            kept.add_trial(trial)

    def finish(self) -> None:
        """Keep every trial with the combination it was and its value: this marks the search as done."""
        numbers = [
            self._grid.number([trial.params[axis.name] for axis in self._grid.axes]) for trial in self._study.trials
        ]
        frame = pl.DataFrame(
            {"trial": range(len(numbers)), "combination": numbers, "value": [t.value for t in self._study.trials]},
            schema={"trial": pl.Int64, "combination": pl.Int64, "value": pl.Float64},
        )
        write_parquet(self._sweep.folder / TRIALS, frame)


def objective_of(sweep: Sweep, batch: int, numbers: Sequence[int], objective: str) -> dict[int, float]:
    """What each of `numbers`, the combinations of one batch, is worth: see SweepRequest.

    Sharpe ratios are of daily net, by the year; with fewer than 30 trades a combination counts as the worst there is.
    """
    parts = [part_name((batch, place)) for place in range(len(sweep.symbols))]
    _, matrix = sweep.daily_of(parts, np.array(numbers, dtype=np.int64))
    if objective == "net":
        values = matrix.sum(axis=0, dtype=np.float64)
    elif objective == "sharpe":
        values = sharpe_of(matrix)
    else:
        values = np.median([sharpe_of(fold) for fold in np.array_split(matrix, FOLDS)], axis=0)
    if objective != "net":
        rows = pl.read_parquet([sweep.folder / ROWS / part for part in parts], columns=["combination", "trades"])
        trades = rows.group_by("combination").agg(pl.col("trades").sum()).sort("combination")["trades"].to_numpy()
        values = np.where(trades < TRADES_MIN, WORST, values)
    return {number: float(value) for number, value in zip(numbers, values, strict=True)}
