"""Statistics that do not flatter: errors clustered by day, a Sharpe ratio with its error, luck among many tests."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bearskin.terms import counted

F8 = NDArray[np.float64]
DAYS_PER_YEAR = 365
T_NEEDED = 2.0  # below this even a single test says nothing
TRADES_NEEDED = 30
LEAST_CHANCE = 0.01
DAYS_NEEDED = 10  # with fewer clusters a clustered error is mostly luck, and far too small


def mean_and_error(values: F8) -> tuple[float | None, float | None]:
    """Mean and its standard error as if the values were independent; None where there are too few."""
    if len(values) == 0:
        return None, None
    mean = float(values.mean())
    return mean, float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None


def clustered_t(values: F8, clusters: NDArray[np.generic], least: int = 2) -> float | None:
    """t of the mean when values of one cluster (a day, over all symbols) move together; None below `least` clusters.

    Cluster-robust variance of a mean with the correction C / (C - 1), C the number of clusters (Liang and Zeger 1986;
    CR1).
    """
    groups, where = np.unique(clusters, return_inverse=True)
    if len(groups) < max(least, 2):
        return None
    sums = np.bincount(where, weights=values - values.mean())
    variance = len(groups) / (len(groups) - 1) * float((sums**2).sum()) / len(values) ** 2
    return float(values.mean()) / math.sqrt(variance) if variance > 0 else None


def daily_sharpe(equity: pl.DataFrame) -> tuple[float | None, float | None]:
    """Sharpe ratio of daily returns (UTC days, no risk-free rate) by the year, and its standard error.

    The error allows for skew and fat tails (Mertens 2002), not for serial correlation. None with fewer than ten days
    or without any variation.
    """
    day = (pl.col("time") - pl.duration(nanoseconds=1)).dt.truncate("1d")
    closes = equity.group_by(day, maintain_order=True).agg(pl.col("equity").last())["equity"].to_numpy()
    if len(closes) < 11 or (closes <= 0).any():
        return None, None
    returns = np.diff(closes) / closes[:-1]
    spread = float(returns.std(ddof=1))
    if spread == 0:
        return None, None
    z = (returns - returns.mean()) / returns.std()
    skew, kurtosis = float((z**3).mean()), float((z**4).mean())
    ratio = float(returns.mean()) / spread
    variance = (1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2) / (len(returns) - 1)
    scale = math.sqrt(DAYS_PER_YEAR)
    return ratio * scale, math.sqrt(max(variance, 0.0)) * scale


def two_sided_p(t: float) -> float:
    """Probability of a |t| at least this large by luck, normal approximation."""
    return math.erfc(abs(t) / math.sqrt(2))


def evidence_of(r: F8, t: float | None, rows: pl.DataFrame) -> str:
    """One honest sentence about what the trades prove; `rows` are the set-ups and sides that were tried.

    All of them count as tests, those with too few trades to be a contender for the best as well.
    """
    if len(r) == 0:
        return "No evidence of an edge: no trade had a risk to measure its result by."
    mean = float(r.mean())
    head = f"mean {mean:+.2f} R over {counted(len(r), 'trade')}"
    head += f", day-clustered t {t:+.1f}" if t is not None else ""
    tests = rows.height
    contenders = rows.filter(pl.col("trades") >= TRADES_NEEDED)["t_day_clustered"].drop_nulls()
    strongest = max(contenders, key=abs, default=0.0)
    chance = 1 - (1 - two_sided_p(strongest)) ** max(tests, 1)
    likely = "below 0.01" if chance < LEAST_CHANCE else f"{chance:.2f}"
    many = (
        f"; {tests} set-ups and sides were tried, the strongest reached a t of {strongest:+.1f}, which luck alone does"
        f" either way with probability {likely}"
        if tests > 1
        else "; one set-up on one side was tried"
    )
    if len(r) < TRADES_NEEDED:
        return f"No evidence of an edge: {head} is too few trades to tell anything{many}."
    if t is None or abs(t) < T_NEEDED:
        return f"No evidence of an edge: {head}{many}."
    if mean < 0:
        return f"Evidence against an edge: {head}, it loses after costs{many}."
    return f"Weak evidence at most: {head}{many}; one history, symbols that survived, and nothing held out."
