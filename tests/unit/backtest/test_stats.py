"""Statistics by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from bearskin.backtest._frames import monthly_frame
from bearskin.backtest._stats import clustered_t, daily_sharpe, evidence_of, mean_and_error, two_sided_p
from bearskin.terms import parse_time


def test_values_of_one_day_count_as_one_when_they_are_the_same() -> None:
    """Four days of one value each, or the same four days tripled: the clustered t does not grow."""
    values = np.array([1.0, -0.5, 2.0, 0.5])
    once = clustered_t(values, np.arange(4))
    thrice = clustered_t(np.repeat(values, 3), np.repeat(np.arange(4), 3))
    assert once == pytest.approx(thrice)
    # one value a day: mean 0.75, squares of deviations 3.25, variance 4/3 * 3.25 / 16
    assert once == pytest.approx(0.75 / math.sqrt(4 / 3 * 3.25 / 16))
    assert once == pytest.approx(values.mean() / (values.std(ddof=1) / 2))


def test_too_few_to_say_anything() -> None:
    assert mean_and_error(np.zeros(0)) == (None, None)
    assert mean_and_error(np.ones(1)) == (1.0, None)
    assert clustered_t(np.ones(5), np.zeros(5)) is None
    assert clustered_t(np.arange(9.0), np.arange(9), 10) is None
    assert clustered_t(np.arange(10.0), np.arange(10), 10) is not None


def test_sharpe_of_daily_closes() -> None:
    """Twenty days of alternating +2 % and -1 %: mean 0.5 %, and a bar at midnight belongs to the day before."""
    start = datetime(2025, 1, 1, tzinfo=UTC)
    value, rows = 100.0, [(start, 100.0)]
    for day in range(1, 22):
        value *= 1.02 if day % 2 else 0.99
        rows.append((start + timedelta(days=day), value))
    frame = pl.DataFrame(rows, schema={"time": pl.Datetime("ns", "UTC"), "equity": pl.Float64}, orient="row")
    ratio, error = daily_sharpe(frame)
    returns = np.array([0.02 if day % 2 else -0.01 for day in range(1, 22)])
    assert ratio == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(365))
    assert error is not None
    assert error > 0
    assert daily_sharpe(frame[:5]) == (None, None)


def test_evidence_never_claims_what_luck_can_do() -> None:
    rows = pl.DataFrame({"trades": [100, 100], "t_day_clustered": [1.0, 2.2]})
    values = np.tile([1.0, -0.9], 100)
    assert evidence_of(values, 0.9, rows).startswith("No evidence of an edge")
    assert "2 set-ups and sides were tried" in evidence_of(values, 0.9, rows)
    assert evidence_of(values[:10], 5.0, rows).startswith("No evidence of an edge")
    assert evidence_of(-values - 0.1, -3.0, rows).startswith("Evidence against an edge")
    assert evidence_of(values, 2.5, rows).startswith("Weak evidence at most")
    assert evidence_of(np.zeros(0), None, rows).startswith("No evidence")
    assert two_sided_p(1.959964) == pytest.approx(0.05, abs=1e-6)


def test_every_pair_that_was_tried_counts_against_the_best() -> None:
    """Of eight tries the best of |t| 3 comes by luck with 1 - (1 - 0.0027)^8 = 0.0214; six with many trades make 0.016.

    A |t| of 31 from two trades is no contender.
    """
    rows = pl.DataFrame({"trades": [100] * 6 + [2, 0], "t_day_clustered": [3.0, *[0.5] * 5, 31.0, None]})
    said = evidence_of(np.tile([1.0, -0.9], 100), 0.9, rows)
    assert "8 set-ups and sides were tried, the strongest reached a t of +3.0" in said
    assert said.endswith("probability 0.02.")
    alone = evidence_of(np.tile([1.0, -0.9], 100), 0.9, rows[:1])
    assert "one set-up on one side was tried" in alone


def test_a_month_ends_at_midnight_for_money_and_for_trades_alike():
    """A trade that leaves as January ends counts in January, and below zero there is no share of a peak to lose."""
    at = [parse_time(day) for day in ("2025-01-01", "2025-01-16", "2025-02-01", "2025-02-15", "2025-03-01")]
    stamps = pl.Series(at).cast(pl.Datetime("ns", "UTC"))
    equity = pl.DataFrame({"time": stamps, "equity": [100.0, 120.0, -30.0, -60.0, -45.0]})
    trades = pl.DataFrame({"exit_time": stamps[2:3]})
    january, february = monthly_frame(equity, trades).to_dicts()
    assert (january["month"], january["trades"], january["net"]) == ("2025-01", 1, -130.0)
    assert january["max_drawdown_frac"] == pytest.approx(-1.25)  # from 120 to -30
    assert (february["trades"], february["net"]) == (0, -15.0)
    assert february["return_frac"] is None
    assert february["max_drawdown_frac"] is None
