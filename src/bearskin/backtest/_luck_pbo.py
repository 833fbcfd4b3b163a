"""How likely it is that the best choice in the past is worse than the middle one afterwards.

Combinatorially symmetric cross-validation: Bailey, Borwein, López de Prado and Zhu, "The probability of backtest
overfitting" (Journal of Computational Finance 20/4, 2017).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bearskin.terms import BadInput

F8 = NDArray[np.float64]
BLOCKS = 16
CELLS_MAX = 40_000_000  # splits times columns beyond which splits are drawn instead of all being taken
CELLS_AT_ONCE = 2_000_000
MIDDLES_MAX = 200  # splits whose middle column is looked for: sorting takes longer than all the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Overfitting:
    """What cross-validation says of choosing by the best past.

    `pbo` is the share of splits in which the best column of one half is no better than the middle of the other half.
    `logits` (one per split) are ln(ω / (1 - ω)), ω the relative rank there. `chosen_mean` and `middle_mean` are the
    mean Sharpe ratio per day, in the other half, of the choice and (of some 200 splits) of the middle column.
    `loss_share` is the share of
    splits in which the choice lost money there. `splits_there` is how many splits there are, `splits` how many were
    taken.
    """

    pbo: float
    logits: F8
    chosen_mean: float
    middle_mean: float
    loss_share: float
    splits: int
    splits_there: int


def overfitting(returns: NDArray[np.floating], blocks: int = BLOCKS, seed: int = 1) -> Overfitting:
    """The probability of backtest overfitting among the columns of `returns` (days x columns of daily returns).

    Days are cut into `blocks` runs; every half of them in turn is the past and the others the future. Columns are
    ranked by Sharpe ratio per day (zero for one that never moves), ties share their middle rank. All splits are taken,
    or, where they are very many times columns, a sample drawn with `seed`. Raises BadInput for what cannot be split.
    """
    days, columns = returns.shape
    if blocks < 2 or blocks % 2:
        raise BadInput(f"the number of blocks was {blocks}, it must be even and at least 2")
    if days < 2 * blocks:
        raise BadInput(f"{days} days cannot be cut into {blocks} blocks of two days or more")
    if columns < 2:
        raise BadInput("one column alone cannot be overfitted by choosing: give at least two")
    sums, squares, lengths = _blocks(returns, blocks)
    chosen = _splits(blocks, columns, seed)
    ranks: list[F8] = []
    kept: list[F8] = []
    middle: list[F8] = []
    step = max(1, CELLS_AT_ONCE // columns)
    for a in range(0, len(chosen), step):
        past = chosen[a : a + step]
        inside = _sharpe(past, sums, squares, lengths)
        best = inside.argmax(axis=1)
        outside = _sharpe(1.0 - past, sums, squares, lengths)
        own = outside[np.arange(len(past)), best]
        below = (outside < own[:, None]).sum(axis=1)
        same = (outside == own[:, None]).sum(axis=1)
        ranks.append((below + 0.5 * (same + 1)) / (columns + 1))
        kept.append(own)
        if len(middle) * step < MIDDLES_MAX:
            middle.append(np.median(outside[:MIDDLES_MAX], axis=1))
    omega, own = np.concatenate(ranks), np.concatenate(kept)
    logits: F8 = np.log(omega / (1 - omega))
    return Overfitting(
        pbo=float((logits <= 1e-12).mean()),
        logits=logits,
        chosen_mean=float(own.mean()),
        middle_mean=float(np.concatenate(middle).mean()),
        loss_share=float((own < 0).mean()),
        splits=len(chosen),
        splits_there=math.comb(blocks, blocks // 2),
    )


def _blocks(returns: NDArray[np.floating], blocks: int) -> tuple[F8, F8, F8]:
    """Sum, sum of squares and number of days of every block: all that a Sharpe ratio of any union of blocks needs."""
    runs = np.array_split(np.arange(len(returns)), blocks)
    sums = np.stack([returns[run].sum(axis=0, dtype=np.float64) for run in runs])
    squares = np.stack([np.square(returns[run], dtype=np.float64).sum(axis=0) for run in runs])
    return sums, squares, np.array([float(len(run)) for run in runs])


def _splits(blocks: int, columns: int, seed: int) -> F8:
    """One row per split with a 1 for every block of the past."""
    every = np.array(list(itertools.combinations(range(blocks), blocks // 2)))
    most = max(CELLS_MAX // columns, 200)
    if len(every) > most:
        every = every[np.sort(np.random.default_rng(seed).choice(len(every), most, replace=False))]
    rows = np.zeros((len(every), blocks))
    rows[np.arange(len(every))[:, None], every] = 1.0
    return rows


def _sharpe(rows: F8, sums: F8, squares: F8, lengths: F8) -> F8:
    days = (rows @ lengths)[:, None]
    mean = (rows @ sums) / days
    square = (rows @ squares) / days
    variance = square - mean * mean
    # what rounding leaves of the variance of a column that stands still is no variance
    moves = variance > 1e-12 * square
    found: F8 = np.where(moves, mean / np.sqrt(np.where(moves, variance, 1.0)), 0.0)
    return found
