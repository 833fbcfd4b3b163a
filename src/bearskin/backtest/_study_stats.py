"""Statistics of an event study: errors of a mean whose cases share days, and p values among many tests."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]

_FRACTION_STEPS = 300
_CLOSE_ENOUGH = 1e-15
_TINY = 1e-300


def day_errors(values: F8, days: I8, reach: int) -> tuple[float, float] | None:
    """Standard errors of the mean of `values`: clustered by day, and with `reach` days before and after allowed for.

    The first is the cluster-robust error of a mean with the correction C / (C - 1) over C days (Liang and Zeger 1986;
    CR1). The second adds the products of day sums up to `reach` calendar days apart with Bartlett's weights (Newey and
    West 1987 on day sums, which is Driscoll and Kraay 1998 for a mean), for windows that overlap from day to day; it
    is the first again where the sum is not positive. None below two days or without variation.
    """
    groups, where = np.unique(days, return_inverse=True)
    if len(groups) < 2:
        return None
    sums = np.bincount(where, weights=values - values.mean())
    scale = len(groups) / (len(groups) - 1) / len(values) ** 2
    own = float((sums**2).sum())
    if not own > 0:
        return None
    total = own
    place = {int(day): k for k, day in enumerate(groups)}
    for apart in range(1, reach + 1):
        pairs = [(k, place[int(day) + apart]) for k, day in enumerate(groups) if int(day) + apart in place]
        both = sum(float(sums[k] * sums[later]) for k, later in pairs)
        total += 2 * (1 - apart / (reach + 1)) * both
    return math.sqrt(scale * own), math.sqrt(scale * (total if total > 0 else own))


def student_p(t: float, freedom: int) -> float:
    """Two-sided probability of a |t| at least this large with `freedom` degrees of freedom."""
    if math.isinf(t):
        return 0.0
    return _beta_share(freedom / 2, 0.5, freedom / (freedom + t * t))


def _beta_share(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by Lentz's continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta_share(b, a, 1 - x)
    log_front = a * math.log(x) + b * math.log1p(-x) - math.lgamma(a) - math.lgamma(b) + math.lgamma(a + b)
    upper, lower = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    total = lower
    for m in range(1, _FRACTION_STEPS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            lower = 1 / _away(1 + term * lower)
            upper = _away(1 + term / upper)
            total *= upper * lower
        if abs(upper * lower - 1) < _CLOSE_ENOUGH:
            break
    return math.exp(log_front) * total / a


def _away(value: float) -> float:
    """`value`, kept off zero."""
    return value if abs(value) > _TINY else _TINY


def holm(p: F8) -> F8:
    """Holm's adjusted p values (1979): any mistake among the tests, whatever their dependence; NaN stays out."""
    return _adjusted(p, lambda ordered, count: np.maximum.accumulate((count - np.arange(count)) * ordered))


def benjamini_yekutieli(p: F8) -> F8:
    """Adjusted p values of Benjamini and Yekutieli (2001): the share of mistakes, any dependence; NaN stays out."""

    def step(ordered: F8, count: int) -> F8:
        ranks = np.arange(1, count + 1)
        raised = ordered * count * float((1 / ranks).sum()) / ranks
        lowest: F8 = np.minimum.accumulate(raised[::-1])[::-1]
        return lowest

    return _adjusted(p, step)


def _adjusted(p: F8, step: Callable[[F8, int], F8]) -> F8:
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    found = np.full(len(p), np.nan)
    if len(order):
        found[order] = np.minimum(step(p[order], len(order)), 1.0)
    return found
