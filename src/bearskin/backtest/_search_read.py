"""What a sweep left in its folder, read lazily: rows, totals of combinations, daily nets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bearskin.backtest._search_axes import Plain
from bearskin.backtest._search_folder import (
    ABOUT,
    COUNTS,
    DAYS,
    FIGURES,
    ROWS,
    TRIALS,
    digest_of,
    done_in,
    part_name,
)
from bearskin.backtest._search_sound import about_of, check_parts, check_trials, parts_are_read
from bearskin.terms import BadFile, BadInput

SUMMED = tuple(name for name in (*COUNTS, *FIGURES) if name not in ("equity_end", "drawdown_max"))
DAYS_PER_YEAR = 365
_WORD = (str, bool, int, list, dict)  # what a word of sweep.json may hold
PART_FILES = 256  # of daily nets read at a time


_EMPTY = pl.DataFrame(schema={"combination": pl.Int64, "net": pl.Float64, "trades": pl.Int64})


@dataclass(frozen=True, kw_only=True)
class Standings:
    """Combinations by rising number, with their net and trades over all symbols."""

    numbers: NDArray[np.int64]
    net: NDArray[np.float64]
    trades: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A sweep's folder. Nothing is read until it is asked for.

    `about` is sweep.json. `axes` are the names and values of what was varied. `equity` is what every combination began
    with on every symbol. `tried` combinations were to be tried of `grid` possible ones; `units_done` of `units` are
    there (`complete` when all are). `first_day` and `last_day` are UTC day numbers of the span, both included.
    """

    folder: Path
    about: Mapping[str, Any]

    @property
    def axes(self) -> dict[str, tuple[Plain, ...]]:
        """What was varied, over which values."""
        return {axis["name"]: tuple(axis["values"]) for axis in self.about["axes"]}

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols it was tried on."""
        return tuple(self.about["symbols"])

    @property
    def equity(self) -> float:
        """What every combination began with on every symbol."""
        return float(self.about["request"]["equity"])

    @property
    def tried(self) -> int:
        """How many combinations were to be tried: what luck has to be measured against."""
        return int(self.about["tried"])

    @property
    def grid(self) -> int:
        """How many combinations the axes have."""
        return int(self.about["grid"])

    @property
    def units(self) -> int | None:
        """How many units of work there are (blocks of combinations on one symbol); None while Optuna decides that."""
        return None if self.about["units"] is None else int(self.about["units"])

    @property
    def units_done(self) -> int:
        """How many of them are done."""
        return len(done_in(self.folder))

    @property
    def complete(self) -> bool:
        """Whether all are."""
        units = self.units
        return (self.folder / TRIALS).exists() if units is None else self.units_done >= units

    @property
    def first_day(self) -> int:
        """UTC day number of the first bar."""
        return int(self.about["first_day"])

    @property
    def last_day(self) -> int:
        """UTC day number of the last bar's close."""
        return int(self.about["last_day"])

    @property
    def rows(self) -> pl.LazyFrame:
        """One row per combination and symbol: combination, symbol, the axes, and the measures. Unsorted."""
        return self._scan(ROWS)

    @property
    def days(self) -> pl.LazyFrame:
        """One row per combination and symbol that traded: combination, symbol, day (list of UTC day numbers), net."""
        return self._scan(DAYS)

    @property
    def combinations(self) -> pl.LazyFrame:
        """One row per combination that is there for every symbol: its number, the axes, and totals over symbols.

        Sums of the measures; `symbols` is how many; `drawdown_max` (0 or negative) the deepest of any symbol's account;
        `win_rate` and `r_mean` are null without trades. Sorted by number.
        """
        totals = _totals(self.rows, list(self.axes))
        return totals.filter(pl.col("symbols") == len(self.symbols)).sort("combination")

    def numbers(self) -> NDArray[np.int64]:
        """The numbers of the combinations that are there for every symbol, rising."""
        with parts_are_read(self.folder, self.about):
            counts = self.rows.group_by("combination").len()
            whole = counts.filter(pl.col("len") == len(self.symbols)).select("combination").collect()["combination"]
        return np.array(np.sort(whole.to_numpy()), dtype=np.int64)

    def standings(self) -> Standings:
        """Net and trades of every combination that is there for every symbol; block by block, in bounded memory."""
        blocks: dict[int, list[str]] = {}
        for unit in sorted(done_in(self.folder)):
            blocks.setdefault(unit[0], []).append(part_name(unit))
        with parts_are_read(self.folder, self.about):
            found = [self._standing(files) for files in blocks.values() if len(files) == len(self.symbols)]
        frame = pl.concat([_EMPTY, *found]).sort("combination")
        return Standings(
            numbers=frame["combination"].to_numpy(), net=frame["net"].to_numpy(), trades=frame["trades"].to_numpy()
        )

    def _standing(self, files: Sequence[str]) -> pl.DataFrame:
        columns = ["combination", "net", "trades"]
        rows = pl.concat([pl.read_parquet(self.folder / ROWS / name, columns=columns) for name in files])
        return rows.group_by("combination").agg(pl.col("net").sum(), pl.col("trades").sum())

    def of(self, combinations: Sequence[int]) -> pl.DataFrame:
        """The rows of `combinations` for these numbers, in their order, with `sharpe` of daily net by the year."""
        wanted = pl.DataFrame({"combination": list(combinations)}, schema={"combination": pl.Int64})
        with parts_are_read(self.folder, self.about):
            rows = self.rows.filter(pl.col("combination").is_in(wanted["combination"].implode()))
            totals = _totals(rows, list(self.axes)).collect()
        _, matrix = self.daily(combinations)
        ratios = wanted.with_columns(sharpe=pl.Series(sharpe_of(matrix)))
        return ratios.join(totals, on="combination", how="left", maintain_order="left")

    def daily(
        self, combinations: Sequence[int] | NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Daily net in quote units, summed over symbols: (days, matrix of days x combinations).

        `combinations` None means all that are whole. Days are every UTC day number of the span, those without an exit
        too (0 there). A column belongs to the combination of the same place in `combinations`. Raises BadInput for a
        number that was not tried.
        """
        numbers = self.numbers() if combinations is None else np.asarray(combinations, dtype=np.int64)
        ranked, place = np.unique(numbers, return_inverse=True)
        self._refuse_unknown(ranked)
        days, matrix = self.daily_of(self._parts(), ranked)
        return days, matrix if np.array_equal(ranked, numbers) else matrix[:, place]

    def daily_of(
        self, parts: Sequence[str], ranked: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """`daily` of these files only, for different combinations in rising order that are known to be there."""
        days = np.arange(self.first_day, self.last_day + 1, dtype=np.int32)
        matrix = np.zeros((len(days), len(ranked)), dtype=np.float32)
        for start in range(0, len(parts), PART_FILES):
            with parts_are_read(self.folder, self.about):
                part = self._days_of(parts[start : start + PART_FILES], ranked)
            column = np.searchsorted(ranked, part["combination"].to_numpy())
            np.add.at(matrix, (part["day"].to_numpy() - self.first_day, column), part["net"].to_numpy())
        return days, matrix

    def _days_of(self, parts: Sequence[str], ranked: NDArray[np.int64]) -> pl.DataFrame:
        files = [self.folder / DAYS / name for name in parts]
        wanted = pl.Series(ranked, dtype=pl.Int64)
        frame = pl.scan_parquet(files).filter(pl.col("combination").is_in(wanted.implode()))
        return frame.explode("day", "net").select("combination", "day", "net").collect()

    def _refuse_unknown(self, ranked: NDArray[np.int64]) -> None:
        if not len(ranked):
            return
        wanted = pl.Series(ranked, dtype=pl.Int64)
        there = self.rows.select(pl.col("combination").filter(pl.col("combination").is_in(wanted.implode())).unique())
        unknown = set(wanted.to_list()) - set(there.collect()["combination"].to_list())
        if unknown:
            raise BadInput(
                f"combination {min(unknown)} is not in the sweep in {self.folder}: its numbers are in `rows`"
            )

    def digest(self) -> str:
        """sha256 of all results in order: the same for the same sweep, however and wherever it was run."""
        with parts_are_read(self.folder, self.about):
            return digest_of(self.folder, {"axes": self.about["axes"], "request": self.about["request"]})

    def _parts(self) -> list[str]:
        return sorted(part_name(unit) for unit in done_in(self.folder))

    def _scan(self, kind: str) -> pl.LazyFrame:
        # a days file whose rows are not there belongs to a unit that was killed half-way: it is left alone
        return pl.scan_parquet([self.folder / kind / name for name in self._parts()])


def _totals(rows: pl.LazyFrame, axes: Sequence[str]) -> pl.LazyFrame:
    totals = rows.group_by("combination").agg(
        *(pl.col(name).first() for name in axes),
        pl.len().alias("symbols"),
        *(pl.col(name).sum() for name in SUMMED),
        pl.col("drawdown_max").min(),
    )
    return totals.with_columns(
        win_rate=pl.when(pl.col("trades") > 0).then(pl.col("wins") / pl.col("trades")),
        r_mean=pl.when(pl.col("trades") > 0).then(pl.col("r_sum") / pl.col("trades")),
    )


def sharpe_of(matrix: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean over deviation of each column by the year, 0 where nothing varies."""
    daily = matrix.astype(np.float64)
    spread = daily.std(axis=0)
    ratios: NDArray[np.float64] = np.zeros(daily.shape[1])
    np.divide(daily.mean(axis=0) * np.sqrt(DAYS_PER_YEAR), spread, out=ratios, where=spread > 0)
    return ratios


def sweep_words(folder: Path | str) -> Mapping[str, Any]:
    """What the sweep in `folder` was asked, in the words of the verb; raises BadInput when there is none."""
    words = about_of(Path(folder)).get("words")
    if not isinstance(words, dict) or not all(isinstance(value, _WORD) for value in words.values()):
        raise BadFile(
            Path(folder) / ABOUT,
            "it does not say in words what was asked: give set-ups and axes again beside --resume, or another --out",
        )
    return words


def read_sweep(folder: Path | str) -> Sweep:
    """The sweep in `folder`; raises BadInput when there is none or nothing in it is done yet, BadFile for damage."""
    path = Path(folder)
    found = Sweep(folder=path, about=about_of(path))
    check_parts(path, found.about)
    check_trials(path)
    if found.units_done == 0:
        raise BadInput(f"the sweep in {path} has no results yet: go on with --resume")
    return found
