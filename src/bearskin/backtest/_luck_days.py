"""Trades as days: what every column of trades earned on each UTC day, and figures that take a day as one event."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bearskin.backtest._stats import DAYS_NEEDED, clustered_t

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
BEST_DAYS_FRAC = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """Net money by day: `net` has a row for every UTC day number in `days` (no gaps) and a column per name.

    `equity` is what each column's account begins with; `numbers` may number the columns (combinations of a sweep).
    """

    days: I8
    net: NDArray[np.floating]
    names: tuple[str, ...]
    equity: float

    def returns(self) -> NDArray[np.floating]:
        """Daily returns: the net of the trades that ended on a day over the account as the day began.

        Zero once an account is lost: what would come after is no return on anything.
        """
        before = np.full(self.net.shape[1], self.equity, dtype=np.float64)
        found = np.zeros_like(self.net)
        for day, net in enumerate(self.net):
            alive = before > 0
            found[day, alive] = net[alive] / before[alive]
            before += net
        return found


def day_of(column: pl.Series) -> I8:
    """UTC day numbers of a column of times."""
    return column.dt.epoch("d").to_numpy().astype(np.int64)


def daily_of(trades: pl.DataFrame, by: Sequence[str], equity: float, first_day: int, last_day: int) -> Daily:
    """What the trades of each group of `by` earned, by the day they were left, from `first_day` to `last_day`."""
    days = np.arange(first_day, last_day + 1, dtype=np.int64)
    groups = sorted(trades.group_by(list(by)), key=lambda item: tuple(str(part) for part in item[0])) if by else []
    parts = [(" ".join(str(part) for part in key), part) for key, part in groups] or [("all", trades)]
    net = np.zeros((len(days), len(parts)))
    for column, (_, part) in enumerate(parts):
        rows = np.clip(day_of(part["exit_time"]) - first_day, 0, len(days) - 1)
        np.add.at(net[:, column], rows, part["net"].to_numpy())
    return Daily(days=days, net=net, names=tuple(name for name, _ in parts), equity=equity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustered:
    """The mean of R with errors clustered by day of entry: trades of one day, over all symbols, are one event.

    `low` and `high` bound 95 %, by the clustered error and the normal law. None where there are too few days to say.
    """

    trades: int
    days: int
    mean: float | None
    t: float | None
    low: float | None
    high: float | None


def clustered(r: F8, days: I8) -> Clustered:
    """The clustered mean of `r` (one per trade) with `days` (day number of each entry)."""
    mean = float(r.mean()) if len(r) else None
    t = clustered_t(r, days, DAYS_NEEDED) if len(r) else None
    wide = None if t is None or mean is None or t == 0 else 1.959964 * abs(mean / t)
    return Clustered(
        trades=len(r),
        days=len(np.unique(days)),
        mean=mean,
        t=t,
        low=None if wide is None or mean is None else mean - wide,
        high=None if wide is None or mean is None else mean + wide,
    )


def halves(r: F8, days: I8, first_day: int, last_day: int) -> tuple[float | None, float | None]:
    """Mean of `r` in the first and in the second half of the days from `first_day` to `last_day`."""
    middle = (first_day + last_day + 1) / 2
    early = days < middle
    first, second = r[early], r[~early]
    return (float(first.mean()) if len(first) else None, float(second.mean()) if len(second) else None)


def without_best_days(values: F8, days: I8, frac: float = BEST_DAYS_FRAC) -> tuple[float | None, int]:
    """Mean of `values` without the days with the best sums: that share of the days there are, rounded up.

    Returns the mean (None where nothing is left) and how many days went.
    """
    there, where = np.unique(days, return_inverse=True)
    if not len(there):
        return None, 0
    gone = math.ceil(frac * len(there))
    best = np.argsort(-np.bincount(where, weights=values), kind="stable")[:gone]
    kept = values[~np.isin(where, best)]
    return (float(kept.mean()) if len(kept) else None), gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What can be said of luck from the trades alone, in no time: R per trade."""

    result: Clustered
    first_half: float | None
    second_half: float | None
    without_best: float | None
    best_days: int


def brief_luck(trades: pl.DataFrame, first_day: int, last_day: int) -> Brief:
    """The short luck of a backtest's `trades` over the UTC day numbers of its span; trades without R are left out."""
    known = trades.filter(pl.col("r").is_not_null() & pl.col("r").is_not_nan())
    r, days = known["r"].to_numpy().astype(np.float64), day_of(known["entry_time"])
    first, second = halves(r, days, first_day, last_day)
    without, gone = without_best_days(r, days)
    return Brief(result=clustered(r, days), first_half=first, second_half=second, without_best=without, best_days=gone)
