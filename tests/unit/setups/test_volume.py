"""Volume confirmation: one bar after a hundred of turnover 1."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from unit.setups.builders import HOUR_NS, START_NS, flat, mirrored, panel_of

from bearskin.market import Known
from bearskin.setups import View, volume_confirmation
from bearskin.terms import BadInput, Side

FALL = [*flat(100), (0.0, 0.0, -1.0, -1.0)]


def told(turnover, *, bars=FALL, side=Side.SHORT, bought=None, interest=None):
    panel = panel_of(bars, quote_volume=np.array([1.0] * 100 + [turnover]))
    if bought is not None:
        panel = dataclasses.replace(panel, taker_buy_volume=np.array([0.5] * 100 + [bought]))
    if interest is not None:
        times = START_NS + HOUR_NS * np.arange(len(bars), dtype=np.int64)
        values = np.array([100.0] * 100 + [interest])
        panel = dataclasses.replace(panel, open_interest=Known(time_ns=times, known_ns=times + HOUR_NS, value=values))
    return volume_confirmation(View(panel, side), 100)


@pytest.mark.parametrize(
    ("turnover", "bought", "confirmed", "weak"),
    [
        (1.5, None, True, False),
        (1.49, None, False, False),
        (1.5, 0.45, True, False),  # 55% sold
        (1.5, 0.46, False, False),
        (0.8, None, False, False),
        (0.79, None, False, True),
    ],
)
def test_a_fall_is_believed_on_volume(turnover, bought, confirmed, weak):
    found = told(turnover, bought=bought)
    assert (found.confirmed, found.weak, found.falls) == (confirmed, weak, True)
    assert found.ratio == pytest.approx(turnover)
    assert found.sell_share == (None if bought is None else pytest.approx(1 - bought))


def test_a_rise_confirms_the_long_and_not_the_short():
    up = mirrored(FALL)
    assert not told(2.0, bars=up, bought=0.6).confirmed
    assert not told(0.5, bars=up).weak
    assert told(2.0, bars=up, side=Side.LONG, bought=0.6).confirmed
    assert not told(2.0, bars=up, side=Side.LONG, bought=0.5).confirmed


@pytest.mark.parametrize(
    ("bars", "interest", "quadrant"),
    [
        (FALL, 101.0, "new shorts"),
        (FALL, 99.0, "longs closing"),
        (FALL, 100.4, ""),
        (mirrored(FALL), 101.0, "new longs"),
        (mirrored(FALL), 99.0, "short covering"),
    ],
)
def test_price_and_open_interest_say_who_moves(bars, interest, quadrant):
    assert told(1.0, bars=bars, interest=interest).quadrant == quadrant
    opposite = {"new shorts": "new longs", "longs closing": "short covering"}
    opposite |= {value: key for key, value in opposite.items()} | {"": ""}
    assert told(1.0, bars=bars, interest=interest, side=Side.LONG).quadrant == opposite[quadrant]


def test_too_little_before_is_no_ratio():
    panel = panel_of(FALL)
    assert volume_confirmation(View(panel, Side.SHORT), 40).ratio is None
    assert volume_confirmation(View(panel, Side.SHORT), 48).ratio == 1.0
    with pytest.raises(BadInput, match="from 0 to 100"):
        volume_confirmation(View(panel, Side.SHORT), 101)
