"""A symbol's own worst hours and days."""

from decimal import Decimal

import numpy as np
import pytest
from unit.risk.cases import instrument

from bearskin.market import Panel
from bearskin.risk import adverse_moves
from bearskin.terms import HOUR_NS, Side


def panel(high, low, interval_ns=HOUR_NS, time_ns=None, **series):
    bars = len(high)
    flat = np.full(bars, 100.0)
    times = np.arange(bars, dtype=np.int64) * interval_ns if time_ns is None else time_ns
    shape = {"open": flat, "close": flat, "volume": flat, "high": np.array(high), "low": np.array(low)}
    return Panel(instrument=instrument(), interval_ns=interval_ns, time_ns=times, **shape, **series)


def test_a_spike_is_the_worst_hour_and_the_worst_day_of_a_short():
    high = np.full(1000, 101.0)
    high[500] = 130.0
    rows = dict(adverse_moves(panel(high, np.full(1000, 99.0)), Side.SHORT).rows)
    assert rows["worst hour maximum"] == rows["worst day maximum"] == Decimal("0.3")
    # one bar in a thousand is the last per mille of hours; 24 windows of a day hold it
    assert rows["worst hour 99 %"] == Decimal("0.01")
    assert rows["worst day 99.9 %"] == rows["worst day 99 %"] == Decimal("0.3")


def test_a_long_looks_down():
    low = np.full(48, 99.0)
    low[30] = 80.0
    moves = adverse_moves(panel(np.full(48, 101.0), low), Side.LONG)
    assert dict(moves.rows)["worst hour maximum"] == Decimal("0.2")
    assert moves.source == "BTCUSDT on last, 1970-01-01T00:00:00Z to 1970-01-03T00:00:00Z"


def test_windows_over_a_gap_are_left_out():
    """Two stretches of 12 hours with a hole between: no day is whole, so nothing is said of days."""
    times = np.concatenate([np.arange(12), np.arange(36, 48)]).astype(np.int64) * HOUR_NS
    rows = dict(adverse_moves(panel(np.full(24, 101.0), np.full(24, 99.0), time_ns=times), Side.SHORT).rows)
    assert {word.split()[1] for word in rows} == {"hour"}


def test_bars_longer_than_an_hour_tell_of_days_only():
    rows = dict(adverse_moves(panel(np.full(30, 105.0), np.full(30, 99.0), interval_ns=4 * HOUR_NS), Side.SHORT).rows)
    assert {word.split()[1] for word in rows} == {"day"}


def test_mark_is_what_liquidates_so_it_is_preferred_where_complete():
    flat = {name: np.full(48, 100.0) for name in ("mark_open", "mark_low", "mark_close")}
    marks = {**flat, "mark_high": np.full(48, 102.0)}
    missing = np.zeros(48, dtype=bool)
    prices = (np.full(48, 120.0), np.full(48, 99.0))
    moves = adverse_moves(panel(*prices, **marks, mark_missing=missing), Side.SHORT)
    assert dict(moves.rows)["worst hour maximum"] == Decimal("0.02")
    assert "on mark" in moves.source
    missing[3] = True
    assert "on last" in adverse_moves(panel(*prices, **marks, mark_missing=missing), Side.SHORT).source


@pytest.mark.parametrize("side", list(Side))
def test_prices_that_never_move_against_a_side_are_no_gain(side):
    kind = np.full(48, 100.0)
    assert set(dict(adverse_moves(panel(kind, kind), side).rows).values()) == {Decimal(0)}
