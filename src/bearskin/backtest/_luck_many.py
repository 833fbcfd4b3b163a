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
COLUMNS_MAX = 1500  # beyond these a sample of columns is tested: arch keeps every simulated figure in memory
DAYS_LEAST = 30
LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Superior:
    """Whether the best column beats doing nothing once all were looked at.

    `p` is Hansen's consistent p-value, `winners` the columns that the stepwise test at 5 % calls better than nothing.
    `columns` were tested of `columns_there`; `block_days` is the mean length of a block.
    """

    p: float
    winners: tuple[int, ...]
    columns: int
    columns_there: int
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


def superior(returns: NDArray[np.floating], best: int, seed: int, reps: int = REPS) -> Superior | None:
    """The tests over the columns of `returns` (days x columns) against doing nothing; None with too few days.

    Columns are brought to the same spread first, so that the wildest does not decide alone; columns that never move are
    left out. Of very many columns a sample is tested, `best` always in it: the p-value is then somewhat too small.
    """
    days, there = returns.shape
    if days < DAYS_LEAST:
        return None
    chosen = np.arange(there)
    if there > COLUMNS_MAX:
        drawn = np.random.default_rng(seed).choice(there, COLUMNS_MAX, replace=False)
        chosen = np.unique(np.append(drawn, best))
    part = returns[:, chosen].astype(np.float64)
    spread = part.std(axis=0, ddof=1)
    moves = spread > 1e-12
    chosen, part = chosen[moves], part[:, moves] / spread[moves]
    if not len(chosen):
        return None
    from arch.bootstrap import SPA, StepM

    block = block_days(part.mean(axis=1))
    nothing = np.zeros(days)
    test = SPA(nothing, -part, block_size=block, reps=reps, seed=np.random.default_rng(seed))
    test.compute()
    steps = StepM(nothing, -part, size=LEVEL, block_size=block, reps=reps, seed=np.random.default_rng(seed))
    steps.compute()
    return Superior(
        p=float(test.pvalues["consistent"]),
        winners=tuple(int(chosen[int(k)]) for k in steps.superior_models),
        columns=len(chosen),
        columns_there=there,
        block_days=block,
    )
