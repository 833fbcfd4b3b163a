"""The entry that moved away, told for a short with a stop at 103, a close of 100 and targets at 96 and 92."""

from __future__ import annotations

import math

import pytest

from bearskin.setups import SetupEvent, Template, entry_ok
from bearskin.terms import BadInput, Reason, Side

ATR = 0.02  # a little over 2 at a price of 100; the stop is 1.48 ATR away


def event(side=Side.SHORT, **changed):
    flip = (lambda p: p) if side is Side.SHORT else (lambda p: 10_000 / p)
    words = {
        "setup": "drawn", "side": side, "symbol": "DRAWNUSDT", "bar": 50, "known_ns": 0, "level": flip(101.0),
        "entry_ref": flip(100.0), "stop": flip(103.0), "targets": (flip(96.0), flip(92.0)), "invalidation": flip(101.5),
        "horizon_bars": 24, "anchor_ns": 0, "atr": ATR,
    }  # fmt: skip
    return SetupEvent(**(words | changed))


@pytest.mark.parametrize(
    ("open_price", "reason"),
    [
        (100.0, None),
        (100.4, None),  # better than the close
        (99.6, None),  # 0.2 ATR worse: reward 3.68% for a risk of 3.36%
        (98.9, Reason.ENTRY_MOVED),  # 0.55 ATR worse
        (103.0, Reason.ENTRY_MOVED),  # at the stop
        (104.0, Reason.ENTRY_MOVED),  # beyond it
        (102.5, Reason.STOP_TOO_TIGHT),  # 0.24 ATR from the stop
    ],
)
def test_the_open_decides(open_price, reason):
    refused = entry_ok(event(), open_price)
    assert (refused.reason if refused else None) is reason


def test_a_worse_entry_must_still_pay():
    """At 99.4: risk ln(103/99.4) = 3.56%, reward ln(99.4/96) = 3.48%."""
    refused = entry_ok(event(), 99.4)
    assert refused is not None
    assert refused.reason is Reason.REWARD_TOO_SMALL
    assert entry_ok(event(attrs={"target_rule": "1R"}), 99.4) is None
    assert entry_ok(event(), 99.4, Template(reward_min_r=0.9)) is None


def test_a_worse_entry_must_still_pay_three_times_the_cost():
    """At 99.6 the target at 96 is ln(99.6/96) = 3.68% away: three times 1.2% of cost, not three times 1.25%."""
    assert entry_ok(event(attrs={"cost_frac": 0.012}), 99.6) is None
    refused = entry_ok(event(attrs={"cost_frac": 0.0125}), 99.6)
    assert refused is not None
    assert (refused.reason, refused.have) == (Reason.COST_EATS_TARGET, "2.95 times the cost")
    assert entry_ok(event(attrs={"cost_frac": 0.0125, "target_rule": "1R"}), 99.6) is not None
    assert entry_ok(event(attrs={"cost_frac": 0.0125}), 100.0) is None  # 4.08%


def test_past_the_target_there_is_nothing_to_earn():
    refused = entry_ok(event(), 95.9, Template(moved_atr=10.0))
    assert refused is not None
    assert refused.reason is Reason.TARGET_WRONG_SIDE


def test_a_wider_risk_than_the_template_trades():
    refused = entry_ok(event(stop=106.5, targets=(90.0,)), 100.0)
    assert refused is not None
    assert refused.reason is Reason.STOP_TOO_WIDE


def test_without_a_target_only_the_risk_and_the_move_are_asked():
    """At 99.4 a target at 96 no longer pays; a trailing stop without one has nothing to pay."""
    trailing = event(targets=(), horizon_bars=0, trail_atr=3.0, attrs={"cost_frac": 0.5})
    assert entry_ok(trailing, 99.4) is None
    for open_price, reason in ((98.9, Reason.ENTRY_MOVED), (102.5, Reason.STOP_TOO_TIGHT), (103.0, Reason.ENTRY_MOVED)):
        refused = entry_ok(trailing, open_price)
        assert refused is not None
        assert refused.reason is reason


@pytest.mark.parametrize("open_price", [100.0, 100.4, 99.4, 98.9, 103.0, 102.5])
def test_the_long_is_the_mirror(open_price):
    short, long = entry_ok(event(), open_price), entry_ok(event(Side.LONG), 10_000 / open_price)
    assert (short and short.reason) == (long and long.reason)


def test_a_limit_only_minds_the_stop():
    waiting = event(entry="limit", limit_price=100.0)
    assert entry_ok(waiting, 98.0) is None
    assert entry_ok(waiting, 102.9) is None
    refused = entry_ok(waiting, 103.5)
    assert refused is not None
    assert refused.reason is Reason.ENTRY_MOVED


@pytest.mark.parametrize("nonsense", [0.0, -1.0, math.nan, math.inf])
def test_an_open_that_is_no_price(nonsense):
    with pytest.raises(BadInput, match="positive price"):
        entry_ok(event(), nonsense)
