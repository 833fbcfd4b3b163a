"""Errors, p values and their adjustment, against hand sums and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bearskin.backtest._study_stats import benjamini_yekutieli, day_errors, holm, student_p


def drawn(seed: int, count: int = 200):
    dice = np.random.default_rng(seed)
    days = np.sort(dice.integers(0, 60, count))
    shared = dice.normal(size=61)
    return dice.normal(size=count) + shared[days], days


def test_the_clustered_error_by_hand():
    values, days = np.array([1.0, 3.0, -2.0, 4.0]), np.array([7, 7, 8, 11])
    # the mean is 1.5; day sums of what is left: 1.0, -3.5, 2.5; three days
    variance = 3 / 2 * (1.0**2 + 3.5**2 + 2.5**2) / 16
    # days 7 and 8 are next to each other, 11 is far: one product, weighted by 1 - 1/2, counted both ways
    overlap = 3 / 2 * (1.0**2 + 3.5**2 + 2.5**2 + 2 * 0.5 * (1.0 * -3.5)) / 16
    assert day_errors(values, days, 1) == pytest.approx((math.sqrt(variance), math.sqrt(overlap)), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_clustered_error_is_that_of_statsmodels(seed):
    api = pytest.importorskip("statsmodels.api")
    values, days = drawn(seed)
    fitted = api.OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": days})
    errors = day_errors(values, days, 1)
    assert errors is not None
    assert errors[0] == pytest.approx(fitted.bse[0], rel=1e-10)


@pytest.mark.parametrize("reach", [1, 3])
def test_the_overlap_error_is_a_bartlett_sum_over_calendar_days(reach):
    values, days = drawn(9)
    sums = np.zeros(days.max() + 1)
    np.add.at(sums, days, values - values.mean())
    total = sum(
        (1 - abs(a - b) / (reach + 1)) * sums[a] * sums[b]
        for a in range(len(sums))
        for b in range(len(sums))
        if abs(a - b) <= reach
    )
    count = len(np.unique(days))
    errors = day_errors(values, days, reach)
    assert errors is not None
    assert errors[1] == pytest.approx(math.sqrt(count / (count - 1) * total) / len(values), rel=1e-10)


def test_one_day_or_no_variation_has_no_error():
    assert day_errors(np.array([1.0, 2.0]), np.array([3, 3]), 1) is None
    assert day_errors(np.array([1.0, 1.0]), np.array([3, 4]), 1) is None


@pytest.mark.parametrize("freedom", [1, 2, 9, 40, 400])
@pytest.mark.parametrize("t", [0.0, 0.1, -1.0, 2.0, 3.7, -12.0])
def test_p_is_students(t, freedom):
    stats = pytest.importorskip("scipy.stats")
    assert student_p(t, freedom) == pytest.approx(2 * stats.t.sf(abs(t), freedom), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("ours", "theirs"), [(holm, "holm"), (benjamini_yekutieli, "fdr_by")])
def test_adjusted_p_values_are_those_of_statsmodels(ours, theirs, seed):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = np.random.default_rng(seed).uniform(size=30) ** 3
    p[4] = p[17]  # a tie
    _, adjusted, _, _ = multitest.multipletests(p, method=theirs)
    assert ours(p) == pytest.approx(adjusted, rel=1e-12)


def test_rows_without_a_p_do_not_count_as_tests():
    assert holm(np.array([0.01, math.nan, 0.02])) == pytest.approx([0.02, math.nan, 0.02], nan_ok=True)
    assert benjamini_yekutieli(np.array([math.nan])) == pytest.approx([math.nan], nan_ok=True)
