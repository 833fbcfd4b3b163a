"""What choosing among columns would have earned: chosen on the past alone, and traded on what came next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bearskin.backtest._luck_days import Daily
from bearskin.backtest._luck_ratio import COLUMNS_AT_ONCE, sharpe_ratios
from bearskin.backtest._luck_splits import Split, combinatorial_purged, paths_of, walk_forward
from bearskin.terms import DAY_NS

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
TEST_DAYS = 30
PAST_LEAST_DAYS = 60
EMBARGO_DAYS = 5
GROUPS, TESTED = 10, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One step of a walk forward: the column chosen on the days before, and its Sharpe ratios per day there and after.

    Tested are the days from `first_day` to `last_day`; `past_days` were learnt from.
    """

    first_day: int
    last_day: int
    chosen: int
    past_days: int
    past_sharpe: float
    test_sharpe: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A walk forward over all columns: `returns` of the choice on each of `days`, fold by fold.

    `path_sharpes` are the Sharpe ratios per day of the whole paths of combinatorial purged cross-validation (9).
    `embargo_days` lie between what was learnt from and what was tried.
    """

    folds: tuple[Fold, ...]
    days: I8
    returns: F8
    path_sharpes: F8
    embargo_days: int
    train_days: int | None
    test_days: int = TEST_DAYS

    def chosen_on(self, day: int) -> int | None:
        """The column that would have been traded on that day; None where nothing was chosen yet."""
        for fold in self.folds:
            if fold.first_day <= day <= fold.last_day:
                return fold.chosen
        return None


def choose(
    daily: Daily,
    returns: NDArray[np.floating],
    *,
    test_days: int = TEST_DAYS,
    train_days: int | None = None,
    embargo_days: int = EMBARGO_DAYS,
) -> Choice | None:
    """Walk forward over `returns` (days x columns of `daily`), taking in each fold the column with the best past.

    Folds are `test_days` long; learnt from is all the past (`train_days` None) or the last so many days, always up to
    `embargo_days` before the fold. None where the days do not suffice for one fold or there is no choice.
    """
    days = daily.days
    first = max(PAST_LEAST_DAYS, len(days) // 4) + embargo_days
    if returns.shape[1] < 2 or len(days) < first + test_days:
        return None
    at = days * DAY_NS
    embargo = embargo_days * DAY_NS
    folds, tested, earned = [], [], []
    for split in walk_forward(
        at,
        at,
        test_ns=test_days * DAY_NS,
        first_ns=int(at[first]),
        train_ns=None if train_days is None else train_days * DAY_NS,
        embargo_ns=embargo,
    ):
        fold = _fold(daily, returns, split)
        folds.append(fold)
        tested.append(days[split.test])
        earned.append(returns[split.test, fold.chosen].astype(np.float64))
    return Choice(
        folds=tuple(folds),
        days=np.concatenate(tested),
        returns=np.concatenate(earned),
        path_sharpes=_paths(at, returns, embargo),
        embargo_days=embargo_days,
        train_days=train_days,
        test_days=test_days,
    )


def _fold(daily: Daily, returns: NDArray[np.floating], split: Split) -> Fold:
    past = sharpe_ratios(returns[split.train])
    chosen = int(past.argmax())
    after = sharpe_ratios(returns[split.test, chosen][:, None])
    return Fold(
        first_day=int(daily.days[split.test[0]]),
        last_day=int(daily.days[split.test[-1]]),
        chosen=chosen,
        past_days=len(split.train),
        past_sharpe=float(past[chosen]),
        test_sharpe=float(after[0]),
    )


def _paths(at: I8, returns: NDArray[np.floating], embargo_ns: int) -> F8:
    """Sharpe ratio per day of every whole path through the groups of days."""
    splits = list(combinatorial_purged(at, at, groups=GROUPS, tested=TESTED, embargo_ns=embargo_ns))
    chosen = best_columns([split.train for split in splits], returns)
    paths = np.zeros((len(at), paths_of(GROUPS, TESTED)))
    for split, column in zip(splits, chosen, strict=True):
        for (opens, closes), path in zip(split.windows, split.paths, strict=True):
            rows = (at >= opens) & (at <= closes)
            paths[rows, path] = returns[rows, column]
    return sharpe_ratios(paths)


def best_columns(rows: Sequence[I8], returns: NDArray[np.floating]) -> list[int]:
    """The column of the highest Sharpe ratio over each of many sets of `rows` of one large matrix.

    A set is a few runs of days, so running sums give its moments; columns are taken some at a time.
    """
    best, found = np.full(len(rows), -np.inf), np.zeros(len(rows), dtype=np.int64)
    for a in range(0, returns.shape[1], COLUMNS_AT_ONCE):
        part = returns[:, a : a + COLUMNS_AT_ONCE].astype(np.float64)
        none = np.zeros((1, part.shape[1]))
        sums = np.concatenate([none, np.cumsum(part, axis=0)])
        squares = np.concatenate([none, np.cumsum(part**2, axis=0)])
        for k, days in enumerate(rows):
            starts, stops = _runs(days)
            mean = (sums[stops] - sums[starts]).sum(axis=0) / len(days)
            square = (squares[stops] - squares[starts]).sum(axis=0) / len(days)
            variance = square - mean * mean
            moves = variance > 1e-9 * square
            ratio = np.where(moves, mean / np.sqrt(np.where(moves, variance, 1.0)), 0.0)
            if ratio.max() > best[k]:
                best[k], found[k] = ratio.max(), a + int(ratio.argmax())
    return [int(one) for one in found]


def _runs(days: I8) -> tuple[I8, I8]:
    """First and one past the last of every run of neighbours in sorted `days`."""
    gaps = np.flatnonzero(np.diff(days) > 1)
    return days[np.insert(gaps + 1, 0, 0)], days[np.append(gaps, len(days) - 1)] + 1
