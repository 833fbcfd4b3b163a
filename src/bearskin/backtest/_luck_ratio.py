"""Sharpe ratios that know how short the record is, how crooked its returns and how many others were tried.

All ratios here are per period (per day), never by the year. Sources: Bailey and López de Prado, "The Sharpe Ratio
Efficient Frontier" (Journal of Risk 15/2, 2012) for the probabilistic ratio; the same, "The Deflated Sharpe Ratio"
(Journal of Portfolio Management 40/5, 2014) for the deflated one and the number of independent trials.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from bearskin.terms import BadInput

F8 = NDArray[np.float64]
EULER_MASCHERONI = 0.5772156649015329
NORMAL = NormalDist()
COLUMNS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Daily returns in four figures: how many, Sharpe ratio per day, skew, kurtosis (3 is normal)."""

    days: int
    sharpe: float
    skew: float
    kurtosis: float


def shape_of(returns: F8) -> Shape | None:
    """The shape of daily returns; None with fewer than three days or without any variation."""
    if len(returns) < 3:
        return None
    spread = float(returns.std(ddof=1))
    if not spread > 1e-12 * max(1.0, float(np.abs(returns).max())):
        return None
    z = (returns - returns.mean()) / returns.std()
    return Shape(
        days=len(returns),
        sharpe=float(returns.mean()) / spread,
        skew=float((z**3).mean()),
        kurtosis=float((z**4).mean()),
    )


def probabilistic_sharpe(shape: Shape, benchmark: float = 0.0) -> float:
    """The chance that the true Sharpe ratio per day exceeds `benchmark`, in [0, 1].

    Φ((SR - SR*) sqrt(T - 1) / sqrt(1 - γ3 SR + (γ4 - 1) / 4 SR²)), γ3 the skew and γ4 the kurtosis (Bailey and López de
    Prado 2012, equation 8). Returns of one day are taken as independent of the next.
    """
    variance = 1 - shape.skew * shape.sharpe + (shape.kurtosis - 1) / 4 * shape.sharpe**2
    # never negative for true moments (γ4 >= 1 + γ3²), zero only for returns of two values
    return NORMAL.cdf((shape.sharpe - benchmark) * math.sqrt(shape.days - 1) / math.sqrt(max(variance, 1e-12)))


def luckiest_sharpe(trials: float, variance: float) -> float:
    """The Sharpe ratio per day that the best of `trials` worthless trials is expected to show.

    sqrt(V) ((1 - γ) Φ⁻¹(1 - 1 / N) + γ Φ⁻¹(1 - 1 / (N e))), γ Euler's constant and V the variance of the trials' ratios
    (Bailey and López de Prado 2014). Zero for a single trial. Raises BadInput for fewer than one.
    """
    if not trials >= 1:
        raise BadInput(f"the number of trials was {trials}, it is at least 1: what is judged was tried itself")
    if trials == 1:
        return 0.0
    far = (1 - EULER_MASCHERONI) * NORMAL.inv_cdf(1 - 1 / trials)
    farther = EULER_MASCHERONI * NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return max(0.0, math.sqrt(variance) * (far + farther))


def deflated_sharpe(shape: Shape, trials: float, variance: float) -> float:
    """The chance that the true Sharpe ratio exceeds zero after the best of `trials` was taken, in [0, 1]."""
    return probabilistic_sharpe(shape, luckiest_sharpe(trials, variance))


def trials_variance(ratios: F8, days: int) -> float:
    """Variance of the trials' ratios, at least what `days` days scatter around a true ratio of zero: 1 / (days - 1).

    Few trials that happen to lie close together would otherwise make a high bar look low.
    """
    least = 1 / max(days - 1, 1)
    return max(float(ratios.var(ddof=1)), least) if len(ratios) > 1 else least


def sharpe_ratios(returns: NDArray[np.floating]) -> F8:
    """Sharpe ratio per day of every column of `returns` (days x columns); zero for one that never moves."""
    found = np.zeros(returns.shape[1])
    for a in range(0, returns.shape[1], COLUMNS_AT_ONCE):
        part = returns[:, a : a + COLUMNS_AT_ONCE].astype(np.float64)
        spread = part.std(axis=0, ddof=1)
        moves = spread > 1e-12
        found[a : a + COLUMNS_AT_ONCE][moves] = part.mean(axis=0)[moves] / spread[moves]
    return found


def mean_correlation(returns: NDArray[np.floating]) -> tuple[float, int]:
    """The mean correlation of the columns of `returns` (days x columns), in [0, 1], and how many of them ever move.

    A mean below zero is taken as zero; columns that never move are left out.
    """
    total = np.zeros(returns.shape[0])
    count = 0
    for a in range(0, returns.shape[1], COLUMNS_AT_ONCE):
        part = returns[:, a : a + COLUMNS_AT_ONCE].astype(np.float64)
        part = part - part.mean(axis=0)
        size = np.sqrt((part**2).sum(axis=0))
        moves = size > 1e-12
        total += (part[:, moves] / size[moves]).sum(axis=1)
        count += int(moves.sum())
    if count < 2:
        return 0.0, count
    # columns of length one: the square of their sum is M plus every correlation twice
    mean = (float(total @ total) - count) / (count * (count - 1))
    return min(max(mean, 0.0), 1.0), count


def independent_trials(correlation: float, trials: int) -> float:
    """How many independent trials `trials` of that mean correlation amount to: ρ + (1 - ρ) M, at least 1.

    Bailey and López de Prado 2014, appendix 3.
    """
    return max(1.0, correlation + (1 - correlation) * trials)
