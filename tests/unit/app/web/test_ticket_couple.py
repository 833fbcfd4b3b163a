"""The coupled sliders: the same share of the margin is lost at the stop, wherever they are."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bearskin.app.web._ticket_couple import distance_for, distance_of, leverage_for, stop_at
from bearskin.terms import Side

D = Decimal
ENTRY, TICK = D(60_000), D("0.1")
SHARE = D(5) * D(2_500) / ENTRY  # 20.83 % of the margin


@pytest.mark.parametrize("side", [Side.SHORT, Side.LONG])
@pytest.mark.parametrize("leverage", [1, 2, 3, 4, 5])
def test_lower_leverage_takes_the_stop_further_away_at_equal_risk(side, leverage):
    stop = stop_at(ENTRY, distance_for(SHARE, D(leverage)), side, TICK)
    distance = distance_of(ENTRY, stop, side)
    assert distance * leverage == pytest.approx(SHARE, abs=D("0.0001"))
    assert stop % TICK == 0
    assert leverage_for(SHARE, distance, D(5)) == leverage  # and back


def test_a_wider_stop_takes_leverage_down_and_never_above_the_share():
    assert leverage_for(SHARE, D("0.06"), D(5)) == D(3)
    assert leverage_for(SHARE, D("0.5"), D(5)) == D(1)
    assert leverage_for(SHARE, D("0.001"), D(5)) == D(5)


def test_the_stop_of_a_short_lies_above_and_a_long_s_below():
    assert stop_at(ENTRY, D("0.05"), Side.SHORT, TICK) == D(63_000)
    assert stop_at(ENTRY, D("0.05"), Side.LONG, TICK) == D(57_000)
    assert distance_of(ENTRY, D(58_000), Side.SHORT) < 0
