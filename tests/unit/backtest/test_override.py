"""What a request insists on instead of what a set-up asked for."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from bearskin.backtest import BacktestRequest, run_engine
from bearskin.backtest._override import overridden, rules_of, ticks_up
from bearskin.setups import SetupEvent, Template
from bearskin.terms import BadInput, Instrument, Product, Side

D = Decimal
INSTRUMENT = Instrument(
    venue="synthetic", symbol="AAA", product=Product.LINEAR, base="AAA", quote="USDT", settle="USDT", tick=D("0.1"),
    step=D("0.001"), min_qty=D("0.001"), min_notional=D(5),
)  # fmt: skip


def signal(side: Side, **changes: Any) -> SetupEvent:
    """Entry 100, stop 3 against, targets 5 and 9 in favour, given up 7 against."""
    away = -int(side)
    event = SetupEvent(
        setup="drawn", side=side, symbol="AAA", bar=10, known_ns=0, level=100.0, entry_ref=100.0,
        stop=100.0 + 3 * away, targets=(100.0 - 5 * away, 100.0 - 9 * away), invalidation=100.0 + 7 * away,
        horizon_bars=20, anchor_ns=0, atr=0.02,
    )  # fmt: skip
    return dataclasses.replace(event, **changes)


def asked(side: Side, **words: Any) -> SetupEvent:
    return overridden(BacktestRequest(**words), signal(side), INSTRUMENT)


def test_without_overrides_the_event_is_left_alone() -> None:
    event = signal(Side.SHORT)
    assert overridden(BacktestRequest(), event, INSTRUMENT) is event


@pytest.mark.parametrize(
    ("words", "short", "long"),
    [
        ({"stop_scale": D("1.5")}, 104.5, 95.5),
        ({"stop_scale": D("0.55")}, 101.7, 98.3),  # 1.65 away: to the tick away from the position
        ({"stop_frac": D("0.02")}, 102.0, 98.0),
        ({"stop_frac": D("0.0201")}, 102.1, 97.9),
    ],
)
def test_the_stop_is_rounded_away(words: Any, short: float, long: float) -> None:
    assert asked(Side.SHORT, **words).stop == short
    assert asked(Side.LONG, **words).stop == long


@pytest.mark.parametrize(
    ("words", "short", "long"),
    [
        ({"target_r": D(2)}, 94.0, 106.0),
        ({"target_r": D("0.55")}, 98.4, 101.6),  # 1.65 away: to the tick nearer the entry
        ({"target_r": D(1), "stop_frac": D("0.0201")}, 97.9, 102.1),  # one risk as the stop now lies
        ({"target_frac": D("0.0333")}, 96.7, 103.3),
        ({"target_r": D(100)}, 0.1, 400.0),  # no price is below one tick
    ],
)
def test_one_target_is_rounded_towards_the_entry(words: Any, short: float, long: float) -> None:
    assert asked(Side.SHORT, **words).targets == (short,)
    assert asked(Side.LONG, **words).targets == (long,)


def test_the_time_stop_and_the_invalidation() -> None:
    assert asked(Side.SHORT, hold_bars=0).horizon_bars == 0
    assert asked(Side.SHORT, hold_bars=7).horizon_bars == 7
    assert asked(Side.SHORT, invalidation=False).invalidation == 0.0
    assert asked(Side.SHORT).invalidation == 107.0


def test_entries() -> None:
    limit = asked(Side.SHORT, entry="limit")
    assert (limit.entry, limit.limit_price) == ("limit", 100.0)
    resting = signal(Side.SHORT, entry="limit", limit_price=101.0, entry_ref=101.0, valid_bars=3)
    market = overridden(BacktestRequest(entry="market", stop_frac=D("0.01")), resting, INSTRUMENT)
    assert (market.entry, market.limit_price, market.valid_bars, market.stop) == ("market", None, 1, 102.1)


def test_what_is_insisted_on_is_not_measured_against_the_template() -> None:
    assert rules_of(BacktestRequest()) == Template()
    wide = rules_of(BacktestRequest(stop_frac=D("0.1")))
    assert (wide.risk_min_atr, wide.risk_max_atr, wide.reward_min_r) == (0.0, float("inf"), 0.0)
    near = rules_of(BacktestRequest(target_r=D("0.5"), template=Template(moved_atr=9.0)))
    assert (near.reward_min_r, near.risk_max_atr, near.moved_atr) == (0.0, 3.0, 9.0)


@pytest.mark.parametrize(("exact", "tick"), [(10.0, 10), (10.00005, 10), (10.4, 11), (-10.4, -10), (-10.99995, -11)])
def test_a_hair_above_a_tick_counts_as_that_tick(exact: float, tick: int) -> None:
    assert ticks_up(exact) == tick


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"stop_scale": D(0)}, "stop_scale must be positive, was 0"),
        ({"stop_frac": D(2)}, "stop_frac is a fraction of the price below 1, was 2"),
        ({"target_frac": D(1)}, "target_frac is a fraction of the price below 1"),
        ({"hold_bars": -1}, "hold_bars must not be negative, was -1"),
        ({"cost_scale": D(-1)}, "cost_scale must not be negative, was -1"),
        ({"stop_scale": D(2), "stop_frac": D("0.1")}, "give one of them"),
        ({"target_r": D(2), "target_frac": D("0.1")}, "give one of them"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(words: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        BacktestRequest(**words)


def test_the_engine_says_what_it_cannot_do() -> None:
    with pytest.raises(BadInput, match="stop_frac is for the compiled run only"):
        run_engine(BacktestRequest(stop_frac=D("0.01")), [], None)  # type: ignore[arg-type]
