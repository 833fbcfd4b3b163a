"""Luck among many: the stationary bootstrap of days, and tests that know how many columns were looked at.

Politis and Romano, "The stationary bootstrap" (JASA 89, 1994), with the block length of Politis and White (Econometric
Reviews 23/1, 2004, corrected 2009); Hansen, "A test for superior predictive ability" (JBES 23/4, 2005); Romano and
Wolf, "Stepwise multiple testing as formalized data snooping" (Econometrica 73/4, 2005). All computed by arch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
REPS = 1000
COLUMNS_MAX = 1500  # beyond these arch would need gigabytes: it keeps every simulated figure
COLUMNS_AT_ONCE = 4096
DAYS_LEAST = 30
LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Superior:
    """Whether the best column beats doing nothing once all were looked at.

    `p` is Hansen's consistent p-value, `winners` the columns that the stepwise test at 5 % calls better than nothing.
    `columns` were tested (those that ever move); `block_days` is the mean length of a block.
    """

    p: float
    winners: tuple[int, ...]
    columns: int
    block_days: int


def has_arch() -> bool:
    """Whether arch is installed (the extra `research`)."""
    return find_spec("arch") is not None


def block_days(values: F8) -> int:
    """The mean block length, in days, that suits a daily series; at least 1 and at most a tenth of the series."""
    from arch.bootstrap import optimal_block_length

    if len(values) < DAYS_LEAST or values.std() == 0:
        return 1
    found = float(optimal_block_length(values)["stationary"].iloc[0])
    return int(min(max(1, math.ceil(found)) if math.isfinite(found) else 1, max(1, len(values) // 10)))


def ratio_interval(sums: F8, counts: F8, seed: int, reps: int = REPS, level: float = LEVEL) -> tuple[float, float]:
    """Bounds of sum(sums) / sum(counts) when days are drawn in blocks: the mean R per trade from R and trades by day.

    `sums` and `counts` cover every day, those without trades too. Percentile bounds, (1 - level) between them.
    """
    from arch.bootstrap import StationaryBootstrap

    draws = StationaryBootstrap(block_days(sums), sums, counts, seed=np.random.default_rng(seed))
    found = []
    for (some, many), _ in draws.bootstrap(reps):
        total = float(many.sum())
        if total > 0:
            found.append(float(some.sum()) / total)
    low, high = np.percentile(found, [100 * level / 2, 100 * (1 - level / 2)])
    return float(low), float(high)


def superior(returns: NDArray[np.floating], seed: int, reps: int = REPS) -> Superior | None:
    """The tests over the columns of `returns` (days x columns) against doing nothing; None with too few days.

    Columns are brought to the same spread first, so that the wildest does not decide alone; columns that never move are
    left out. Of more than `COLUMNS_MAX` columns the winners are those of the first step, which is on the safe side.
    """
    days = len(returns)
    spread = returns.std(axis=0, ddof=1, dtype=np.float64)
    chosen = np.flatnonzero(spread > 1e-12)
    if days < DAYS_LEAST or not len(chosen):
        return None
    block = block_days((returns[:, chosen] / spread[chosen]).mean(axis=1, dtype=np.float64))
    tested = _by_arch if len(chosen) <= COLUMNS_MAX else _by_parts
    p, winners = tested(returns, chosen, spread, block, reps, seed)
    return Superior(p=p, winners=winners, columns=len(chosen), block_days=block)


def _by_arch(
    returns: NDArray[np.floating], chosen: I8, spread: F8, block: int, reps: int, seed: int
) -> tuple[float, tuple[int, ...]]:
    from arch.bootstrap import SPA, StepM

    losses = -returns[:, chosen].astype(np.float64) / spread[chosen]
    nothing = np.zeros(len(losses))
    test = SPA(nothing, losses, block_size=block, reps=reps, seed=np.random.default_rng(seed))
    test.compute()
    steps = StepM(nothing, losses, size=LEVEL, block_size=block, reps=reps, seed=np.random.default_rng(seed))
    steps.compute()
    return float(test.pvalues["consistent"]), tuple(int(chosen[int(k)]) for k in steps.superior_models)


def _by_parts(
    returns: NDArray[np.floating], chosen: I8, spread: F8, block: int, reps: int, seed: int
) -> tuple[float, tuple[int, ...]]:
    """The same test for more columns than arch can keep the simulated figures of: some at a time, the greatest kept.

    A resampled mean is the mean of the days weighted by how often each was drawn, so one product does all draws.
    """
    from arch.bootstrap import StationaryBootstrap

    days = len(returns)
    drawn = StationaryBootstrap(block, np.arange(days), seed=np.random.default_rng(seed)).bootstrap(reps)
    weights = np.stack([np.bincount(data[0], minlength=days) for data, _ in drawn]) / days
    greatest = np.full(reps, -np.inf)
    means = np.empty(len(chosen))
    for a in range(0, len(chosen), COLUMNS_AT_ONCE):
        columns = chosen[a : a + COLUMNS_AT_ONCE]
        part = returns[:, columns].astype(np.float64) / spread[columns]
        own = part.mean(axis=0)
        # Hansen's threshold: columns so bad that they cannot matter are not recentred
        bound = -np.sqrt(_long_variance(part - own, block) / days * 2 * math.log(math.log(days)))
        simulated = weights @ part - np.where(own >= bound, own, 0.0)
        greatest = np.maximum(greatest, simulated.max(axis=1))
        means[a : a + COLUMNS_AT_ONCE] = own
    p = float((greatest > means.max()).mean())
    winners = chosen[means > np.percentile(greatest, 100 * (1 - LEVEL))] if p <= LEVEL else chosen[:0]
    return p, tuple(int(k) for k in winners)


def _long_variance(part: F8, block: int) -> F8:
    """The variance of a mean times the days under the stationary bootstrap (Politis and Romano 1994, lemma 1)."""
    days = len(part)
    again = 1 - 1 / block
    found: F8 = (part**2).sum(axis=0) / days
    for lag in range(1, days):
        kernel = (1 - lag / days) * again**lag + lag / days * again ** (days - lag)
        if kernel < 1e-9:
            continue
        found = found + 2 * kernel * (part[: days - lag] * part[lag:]).sum(axis=0) / days
    return found
