"""Whether a signal of bar 30 still stands in a flat market of 40 bars, one bar of which is bent."""

from __future__ import annotations

import pytest
from unit.setups.builders import flat, mirrored, panel_of, price

from bearskin.setups import SetupEvent, over
from bearskin.terms import BadInput, Side

SHORT, LONG = Side.SHORT, Side.LONG


def event(side=SHORT, **changed):
    """Entry at 0, stop at 2, target at -3, invalidation at 1.5 (in units, mirrored for a long); one ATR is a unit."""
    sign = 1 if side is SHORT else -1
    words = {
        "setup": "drawn", "side": side, "symbol": "DRAWNUSDT", "bar": 30, "known_ns": 0, "level": price(0),
        "entry_ref": price(0), "stop": price(2 * sign), "targets": (price(-3 * sign),),
        "invalidation": price(1.5 * sign), "horizon_bars": 24, "anchor_ns": 0, "atr": 0.01,
    }  # fmt: skip
    return SetupEvent(**(words | changed))


def market(bent, side=SHORT, bars=40):
    """Flat from -0.5 to 0.5, but for the bars in `bent`."""
    drawn = [bent.get(i, bar) for i, bar in enumerate(flat(bars))]
    return panel_of(drawn if side is SHORT else mirrored(drawn))


@pytest.mark.parametrize("side", [SHORT, LONG])
@pytest.mark.parametrize(
    ("bent", "said"),
    [
        ({}, None),
        ({29: (0.0, 5.0, -5.0, 0.0), 30: (0.0, 5.0, -5.0, 0.0)}, None),  # nothing before or at the signal counts
        ({35: (0.0, 2.1, -0.5, 0.0)}, "the stop"),
        ({35: (0.0, 2.1, -3.5, 0.0)}, "the stop"),  # and the target: the stop is looked at first
        ({35: (0.0, 0.5, -3.1, 0.0)}, "the target"),
        ({35: (0.0, 1.9, -0.5, 1.6)}, "it closed beyond"),
    ],
)
def test_what_the_bars_since_say(side, bent, said):
    told = over(event(side), market(bent, side))
    assert told is None if said is None else told.startswith(said)


def test_time_runs_out_where_there_is_one():
    assert over(event(horizon_bars=9), market({})) == "its time was up after 9 bars"
    assert over(event(horizon_bars=10), market({})) is None
    assert over(event(horizon_bars=0), market({}, bars=400)) is None


@pytest.mark.parametrize("side", [SHORT, LONG])
def test_a_stop_that_trails_is_the_tighter_one_of_the_bars_before(side):
    """A low of -2.5 brings a stop three ATR behind it to 0.57: the next bar's 0.6 reaches it, its own 0.9 does not."""
    trailing = event(side, targets=(), horizon_bars=0, invalidation=0.0, trail_atr=3.0)
    low = {33: (0.0, 0.9, -2.5, 0.0)}
    assert over(trailing, market({33: low[33], **dict.fromkeys(range(34, 40), (0.0, 0.4, -0.4, 0.0))}, side)) is None
    told = over(trailing, market(low | {34: (0.0, 0.6, -0.4, 0.0)}, side))
    assert told is not None
    assert told.startswith("the stop")
    assert over(event(side, targets=(), horizon_bars=0), market(low | {34: (0.0, 0.6, -0.4, 0.0)}, side)) is None


def test_another_symbol_is_refused():
    with pytest.raises(BadInput, match="is not in the panel of DRAWNUSDT"):
        over(event(symbol="OTHERUSDT"), market({}))
