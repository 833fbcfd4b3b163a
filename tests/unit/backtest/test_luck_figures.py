"""Figures against luck, one by one: published examples, brute force, planted edges and noise."""

from __future__ import annotations

import itertools
import math

import numpy as np
import polars as pl
import pytest

from bearskin.backtest._luck_choice import best_columns, choose
from bearskin.backtest._luck_days import Daily, clustered, daily_of, halves, without_best_days
from bearskin.backtest._luck_many import ratio_interval, superior
from bearskin.backtest._luck_pbo import overfitting
from bearskin.backtest._luck_ratio import (
    Shape,
    deflated_sharpe,
    independent_trials,
    luckiest_sharpe,
    mean_correlation,
    probabilistic_sharpe,
    shape_of,
    sharpe_ratios,
    trials_variance,
)
from bearskin.terms import BadInput

# Bailey and López de Prado 2014: a ratio of 2.5 by the year over five years of 250 days, skew -3, kurtosis 10, and a
# variance of 1/2 among the trials' ratios by the year
FIVE_YEARS = Shape(days=1250, sharpe=2.5 / math.sqrt(250), skew=-3, kurtosis=10)
NORMAL_YEARS = Shape(days=1250, sharpe=2.5 / math.sqrt(250), skew=0, kurtosis=3)
AMONG_TRIALS = 0.5 / 250


def test_the_worked_example_of_the_deflated_ratio():
    assert round(luckiest_sharpe(100, AMONG_TRIALS), 4) == 0.1132
    assert round(deflated_sharpe(FIVE_YEARS, 100, AMONG_TRIALS), 4) == 0.9004
    assert round(deflated_sharpe(FIVE_YEARS, 46, AMONG_TRIALS), 4) == 0.9505
    assert round(deflated_sharpe(NORMAL_YEARS, 88, AMONG_TRIALS), 4) == 0.9505


def test_the_worked_example_of_the_probabilistic_ratio():
    """Two years of months, a ratio of 0.458 a month: 0.982 were they normal, 0.913 with skew and tails (2012)."""
    assert round(probabilistic_sharpe(Shape(days=24, sharpe=0.458, skew=0, kurtosis=3)), 3) == 0.982
    assert round(probabilistic_sharpe(Shape(days=24, sharpe=0.458, skew=-2.448, kurtosis=10.164)), 3) == 0.913


def test_one_trial_is_not_deflated_and_fewer_are_none():
    assert luckiest_sharpe(1, 1.0) == 0.0
    assert deflated_sharpe(FIVE_YEARS, 1, AMONG_TRIALS) == probabilistic_sharpe(FIVE_YEARS)
    with pytest.raises(BadInput, match="at least 1"):
        luckiest_sharpe(0, 1.0)


def test_the_luckiest_of_many_is_what_simulation_shows():
    dice = np.random.default_rng(3)
    best = dice.standard_normal((4000, 200)).max(axis=1).mean()
    assert luckiest_sharpe(200, 1.0) == pytest.approx(best, abs=0.03)


def test_copies_are_one_trial_and_strangers_are_many():
    dice = np.random.default_rng(1)
    one = dice.standard_normal((400, 1))
    correlation, count = mean_correlation(np.repeat(one, 30, axis=1))
    assert (correlation, count) == (pytest.approx(1.0), 30)
    assert independent_trials(correlation, 30) == pytest.approx(1.0)
    correlation, count = mean_correlation(np.hstack([dice.standard_normal((400, 30)), np.zeros((400, 5))]))
    assert count == 30
    assert independent_trials(correlation, 30) > 29
    assert independent_trials(0.5, 101) == 51


def test_the_mean_correlation_is_that_of_all_pairs():
    dice = np.random.default_rng(5)
    returns = dice.standard_normal((200, 7)) + 2 * dice.standard_normal((200, 1))
    pairs = np.corrcoef(returns.T)[np.triu_indices(7, 1)]
    assert mean_correlation(returns)[0] == pytest.approx(pairs.mean())


def test_few_alike_trials_do_not_lower_the_bar():
    assert trials_variance(np.array([0.1, 0.1001]), 101) == 0.01
    assert trials_variance(np.array([0.0, 1.0]), 101) == 0.5


def test_a_shape_needs_movement():
    assert shape_of(np.zeros(100)) is None
    assert shape_of(np.array([1.0, 2.0])) is None
    found = shape_of(np.array([1.0, -1.0] * 50))
    assert found is not None
    assert (found.sharpe, found.kurtosis) == (0, pytest.approx(1.0))
    assert sharpe_ratios(np.zeros((10, 3))).tolist() == [0, 0, 0]


def slowly(returns: np.ndarray, blocks: int) -> float:
    """Overfitting by the book: every split, ranks by sorting."""
    runs = np.array_split(np.arange(len(returns)), blocks)
    below, count = 0.0, 0
    for past in itertools.combinations(range(blocks), blocks // 2):
        inside = np.concatenate([runs[b] for b in past])
        outside = np.concatenate([runs[b] for b in range(blocks) if b not in past])

        def ratio(rows: np.ndarray) -> np.ndarray:
            return returns[rows].mean(axis=0) / returns[rows].std(axis=0)

        best = int(ratio(inside).argmax())
        after = ratio(outside)
        rank = 1 + (after < after[best]).sum()
        omega = rank / (returns.shape[1] + 1)
        below += math.log(omega / (1 - omega)) <= 0
        count += 1
    return below / count


@pytest.mark.parametrize("seed", range(6))
def test_overfitting_is_what_brute_force_says(seed):
    returns = np.random.default_rng(seed).standard_normal((67, 9))
    assert overfitting(returns, blocks=6).pbo == pytest.approx(slowly(returns, 6))


def test_noise_is_overfitted_half_of_the_time_and_an_edge_hardly_ever():
    noise = [overfitting(np.random.default_rng(s).standard_normal((640, 40)), blocks=10).pbo for s in range(40)]
    assert np.mean(noise) == pytest.approx(0.5, abs=0.08)
    planted = np.random.default_rng(0).standard_normal((640, 40))
    planted[:, 7] += 0.25
    found = overfitting(planted)
    assert found.pbo < 0.01
    assert found.chosen_mean == pytest.approx(0.25, abs=0.06)
    assert found.splits == found.splits_there == 12870


def test_a_column_that_never_moves_ranks_as_zero():
    """Among losers, not trading is the best choice, and it stays so."""
    returns = np.random.default_rng(2).standard_normal((320, 5)) - 1.0
    returns[:, 3] = 0.0
    assert overfitting(returns, blocks=8).pbo == 0.0


def test_overfitting_refuses_what_it_cannot_split():
    noise = np.ones((100, 3))
    for bad, blocks in ((noise[:20], 16), (noise[:, :1], 16), (noise, 7)):
        with pytest.raises(BadInput):
            overfitting(bad, blocks=blocks)


def test_many_columns_take_a_sample_of_splits(monkeypatch):
    monkeypatch.setattr("bearskin.backtest._luck_pbo.CELLS_MAX", 40 * 1000)
    noise = np.random.default_rng(4).standard_normal((640, 40))
    found = overfitting(noise)
    assert (found.splits, found.splits_there) == (1000, 12870)
    monkeypatch.undo()
    assert found.pbo == pytest.approx(overfitting(noise).pbo, abs=0.06)


def test_superior_ability_finds_a_planted_edge_and_not_noise():
    noise = np.random.default_rng(8).standard_normal((400, 60)) * 0.01
    quiet = superior(noise, seed=1, reps=400)
    assert quiet is not None
    assert quiet.p > 0.05
    assert quiet.winners == ()
    noise[:, 11] += 0.003
    found = superior(noise, seed=1, reps=400)
    assert found is not None
    assert found.p < 0.01
    assert found.winners == (11,)


def test_a_wild_column_does_not_hide_a_steady_one():
    """Without one spread for all, the wildest decides alone."""
    returns = np.random.default_rng(9).standard_normal((400, 20)) * 0.01
    returns[:, 3] += 0.003
    returns[:, 4] *= 100
    found = superior(returns, seed=1, reps=400)
    assert found is not None
    assert found.winners == (3,)


@pytest.mark.parametrize("edge", [0.0, 0.003])
def test_many_columns_come_to_what_arch_says(monkeypatch, edge):
    returns = np.random.default_rng(8).standard_normal((200, 50)) * 0.01
    returns[:, 20:40] -= 0.004  # bad enough not to matter
    returns[:, 11] += edge
    by_arch = superior(returns, seed=1, reps=300)
    monkeypatch.setattr("bearskin.backtest._luck_many.COLUMNS_MAX", 10)
    monkeypatch.setattr("bearskin.backtest._luck_many.COLUMNS_AT_ONCE", 7)
    assert superior(returns, seed=1, reps=300) == by_arch


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    hits = 0
    for seed in range(60):
        dice = np.random.default_rng(seed)
        counts = dice.poisson(3, 200).astype(float)
        sums = counts * 0.2 + dice.standard_normal(200) * 2
        low, high = ratio_interval(sums, counts, seed, reps=200)
        hits += low <= 0.2 <= high
    assert hits >= 50


def test_trades_of_one_day_are_one_event():
    """A hundred trades that all win on one day and lose on another prove nothing."""
    days = np.repeat(np.arange(12), 50)
    r = np.where(days % 2 == 0, 1.0, -0.9) + np.random.default_rng(0).standard_normal(600) * 0.01
    found = clustered(r, days)
    assert found.days == 12
    assert found.t is not None
    assert abs(found.t) < 1
    assert found.low is not None
    assert found.low < 0 < found.high
    assert r.mean() / (r.std(ddof=1) / math.sqrt(len(r))) > 1.2  # what independent trades would have claimed


def test_halves_and_best_days():
    r = np.array([1.0, 3.0, -1.0, -3.0])
    days = np.array([100, 104, 105, 109])
    assert halves(r, days, 100, 109) == (2.0, -2.0)
    values = np.array([10.0, 10.0, 1.0, -1.0, 1.0])
    kept, gone = without_best_days(values, np.array([1, 1, 2, 3, 4]))
    assert (kept, gone) == (pytest.approx(1 / 3), 1)
    assert without_best_days(np.zeros(0), np.zeros(0, dtype=np.int64)) == (None, 0)


def test_returns_stop_where_the_account_does():
    net = np.array([[50.0, 10.0], [-200.0, 10.0], [70.0, -120.0]])
    found = Daily(days=np.arange(3), net=net, names=("a", "b"), equity=100.0).returns()
    assert found[:, 0].tolist() == [0.5, pytest.approx(-200 / 150), 0.0]
    assert found[:, 1].tolist() == [0.1, pytest.approx(10 / 110), -1.0]


def test_days_hold_every_trade_by_its_exit():
    trades = pl.DataFrame(
        {
            "setup": ["a", "b", "a"],
            "exit_time": pl.Series([0, 86_400 * 10**9, 86_400 * 10**9 + 5], dtype=pl.Int64).cast(
                pl.Datetime("ns", "UTC")
            ),
            "net": [1.0, 2.0, 4.0],
        }
    )
    found = daily_of(trades, ("setup",), 100.0, 0, 2)
    assert found.names == ("a", "b")
    assert found.net.tolist() == [[1.0, 0.0], [4.0, 2.0], [0.0, 0.0]]


def days_of(returns: np.ndarray) -> Daily:
    names = tuple(f"#{k}" for k in range(returns.shape[1]))
    return Daily(days=np.arange(20_000, 20_000 + len(returns)), net=returns, names=names, equity=1.0)


def test_a_walk_forward_takes_what_the_past_shows():
    """First column 3 earns, then column 5: the choice follows, a fold late, and never knows the day itself."""
    returns = np.random.default_rng(1).standard_normal((400, 8)) * 0.01
    returns[:200, 3] += 0.02
    returns[200:, 5] += 0.04
    found = choose(days_of(returns), returns)
    assert found is not None
    assert found.folds[0].chosen == 3
    assert found.folds[-1].chosen == 5
    assert found.days.tolist() == sorted(set(found.days.tolist()))
    for fold in found.folds:
        rows = slice(fold.first_day - 20_000, fold.last_day - 20_000 + 1)
        assert found.returns[np.isin(found.days, np.arange(fold.first_day, fold.last_day + 1))] == pytest.approx(
            returns[rows, fold.chosen]
        )
    assert len(found.path_sharpes) == 9


def test_the_future_and_the_embargo_change_no_choice():
    returns = np.random.default_rng(2).standard_normal((300, 6)) * 0.01
    found = choose(days_of(returns), returns)
    assert found is not None
    fold = found.folds[2]
    changed = returns.copy()
    changed[fold.first_day - 20_000 - found.embargo_days :, (fold.chosen + 1) % 6] += 1.0
    again = choose(days_of(changed), changed)
    assert again is not None
    assert again.folds[2].chosen == fold.chosen
    assert again.folds[3].chosen != fold.chosen


def test_sliding_forgets():
    returns = np.random.default_rng(1).standard_normal((400, 4)) * 0.001
    returns[:150, 1] += 0.05
    returns[150:, 2] += 0.01
    expanding, sliding = (choose(days_of(returns), returns, train_days=days) for days in (None, 60))
    assert expanding is not None
    assert sliding is not None
    assert [fold.chosen for fold in sliding.folds].count(2) > [fold.chosen for fold in expanding.folds].count(2)
    assert max(fold.past_days for fold in sliding.folds) <= 60


def test_too_few_days_or_columns_leave_no_choice():
    noise = np.random.default_rng(1).standard_normal((90, 4))
    assert choose(days_of(noise), noise) is None
    assert choose(days_of(noise[:, :1]), np.tile(noise[:, :1], (4, 1))) is None


def test_running_sums_find_the_best_column_of_any_rows(monkeypatch):
    monkeypatch.setattr("bearskin.backtest._luck_choice.COLUMNS_AT_ONCE", 4)
    dice = np.random.default_rng(6)
    returns = dice.standard_normal((120, 11)) * 0.01
    rows = [np.sort(dice.choice(120, size, replace=False)) for size in (20, 60, 119, 120)]
    expected = [int((returns[days].mean(axis=0) / returns[days].std(axis=0)).argmax()) for days in rows]
    assert best_columns(rows, returns) == expected
