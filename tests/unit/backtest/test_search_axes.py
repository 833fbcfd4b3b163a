"""What may be varied, how it is written, and combinations by their numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bearskin.backtest import BacktestRequest, axes_of, axis_words
from bearskin.backtest._search_grid import BLOCK_COMBINATIONS, BLOCK_GROUPS, Blocks, Grid, drawn
from bearskin.setups import FailedBreakout, GuardRules, LevelRules, Template
from bearskin.terms import BadInput

D = Decimal
BASE = BacktestRequest(setups=("failed_breakout", "stop_hunt"))


def grid(*words: str) -> Grid:
    return Grid(BASE, axes_of(words, BASE))


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("stop_scale=0.8,1,1.25", (D("0.8"), D(1), D("1.25"))),
        ("target_r=1..2:0.5", (D(1), D("1.5"), D(2))),
        ("target_r=none,2", (None, D(2))),
        ("hold_bars=0,12..16:2", (0, 12, 14, 16)),
        ("failed_breakout.fail_bars=3..5", (3, 4, 5)),
        ("guards=on,off", (True, False)),
        ("families=0,2", (0, 2)),
        ("guards.adx_min=20,25", (20.0, 25.0)),
        ("guards.outside.spot_share=5%", (0.05,)),
        ("target1_share=0,0.5,1", (D(0), D("0.5"), D(1))),
        ("failed_breakout.fail_atr=0.1..0.3:0.1", (0.1, 0.2, 0.3)),
        ("failed_breakout.levels.donchian_bars=20", (20,)),
        ("failed_breakout.variant=market, retest", ("market", "retest")),
        ("stop_hunt.level_kinds=day+week,round", (("day", "week"), ("round",))),
        ("template.risk_max_atr=2..4", (2.0, 3.0, 4.0)),
        ("risk=0.5%,0.01", (D("0.005"), D("0.01"))),
        ("invalidation=yes,no", (True, False)),
        ("stop_trigger=mark,last", ("mark", "last")),
        ("entry=none,limit", (None, "limit")),
    ],
)
def test_values_are_read_by_the_type_of_what_they_vary(word, values):
    (axis,) = axes_of([word], BASE)
    assert axis.values == values
    assert [type(one) for one in axis.values] == [type(one) for one in values]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stop_scale"], "no axis: write NAME=VALUES"),
        (["stop_scale="], "no axis"),
        (["stop_scael=1"], "did you mean stop_scale"),
        (["stop_scale=1,,2"], "nothing between two commas"),
        (["stop_scale=x"], "must be a number"),
        (["hold_bars=1.5"], "must be a whole number"),
        (["hold_bars=99999999999999999999"], "must be at most 1,000,000,000"),
        (["template.buffer_atr=1e400"], "more than a number can hold"),
        (["hold_bars=-1"], "goes below zero"),
        (["hold_bars=9..3"], "a range goes upwards"),
        (["target_r=1..2.5"], "say how far apart"),
        (["target_r=1..3:0"], "a range goes upwards"),
        (["hold_bars=1..1000000"], "100,000 at most"),
        (["entry=market..limit"], "a range needs numbers"),
        (["entry=maket"], "must be market or limit"),
        (["invalidation=perhaps"], "must be yes or no"),
        (["failed_breakout.fail_bar=3"], "did you mean fail_bars"),
        (["failed_breakout.levels=3"], "is a group of parameters: vary one of failed_breakout.levels.donchian_bars"),
        (["failed_breakout.fail_bars.x=3"], "is one value"),
        (["failed_breakot.fail_bars=3"], "did you mean failed_breakout"),
        (["rsi_divergence.rsi_bars=14"], "varies a set-up that is not swept"),
        (["stop_scale=1,2", "stop_scale=3"], "is varied twice"),
        (["stop_scale=1,1"], "stop_scale has 1 twice"),
        (["hold_bars=0..24:12,12"], "hold_bars has 12 twice"),
        (["target_r=none,none"], "target_r has none twice"),
        (["guards.adx=25"], "did you mean adx_min"),
        (["guards.families_min=1"], "is varied as families"),
        (["stop_scale=1,2", "stop_frac=1%"], "vary one of them"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(words, said):
    with pytest.raises(BadInput, match=said):
        axes_of(words, BASE)


def test_a_mapping_may_hold_lists_ranges_single_values_and_tables():
    table = {"stop_scale": [0.8, 1], "invalidation": False, "failed_breakout": {"fail_bars": range(3, 5)}}
    axes = axes_of(axis_words(table), BASE)
    assert [(axis.name, axis.values) for axis in axes] == [
        ("stop_scale", (D("0.8"), D(1))), ("invalidation", (False,)), ("failed_breakout.fail_bars", (3, 4)),
    ]  # fmt: skip


def test_a_number_is_read_like_a_clock_with_the_detectors_axes_first():
    clock = grid("stop_scale=1,2", "failed_breakout.fail_bars=3..5", "hold_bars=0,24")
    assert [axis.name for axis in clock.axes] == ["failed_breakout.fail_bars", "stop_scale", "hold_bars"]
    assert clock.total == 12
    assert clock.per_group == 4
    assert [clock.number(clock.digits(n)) for n in range(12)] == list(range(12))
    assert clock.values(7) == {"failed_breakout.fail_bars": 4, "stop_scale": D(2), "hold_bars": 24}
    assert [clock.group(n) for n in (0, 3, 4, 11)] == [0, 0, 1, 2]


def test_a_combination_is_a_backtest_with_its_values_and_the_defaults_for_the_rest():
    one = grid(
        "failed_breakout.levels.donchian_bars=20", "failed_breakout.fail_bars=4", "template.buffer_atr=0.5", "risk=2%"
    ).request(0)
    assert one.params == {"failed_breakout": FailedBreakout(fail_bars=4, levels=LevelRules(donchian_bars=20))}
    assert one.template == Template(buffer_atr=0.5)
    assert one.risk_frac == D("0.02")
    assert one.leverage == BASE.leverage


def test_axes_of_guards_stand_between_signals_and_trades_and_make_groups_of_their_own():
    clock = grid(
        "stop_scale=1,2", "guards=on,off", "families=0,2", "failed_breakout.fail_bars=3..5", "guards.adx_min=30"
    )
    assert [axis.name for axis in clock.axes] == [
        "failed_breakout.fail_bars", "guards", "families", "guards.adx_min", "stop_scale",
    ]  # fmt: skip
    assert (clock.total, clock.per_group) == (24, 2)
    one, other = clock.request(2), clock.request(6)
    assert (one.guards, one.families_min, one.guard_rules) == (True, 2, GuardRules(families_min=2, adx_min=30))
    assert (other.guards, other.families_min) == (False, 2)


def test_a_value_that_cannot_be_traded_is_refused_before_any_work():
    with pytest.raises(BadInput, match=r"stop_scale=0 cannot be traded: stop_scale must be positive"):
        grid("stop_scale=1,0").check()


def test_more_combinations_than_numbers_are_refused():
    axes = [f"failed_breakout.{name}=0..1:0.0001" for name in ("fail_atr", "break_atr", "strong_atr", "first_target")]
    with pytest.raises(BadInput, match="more than can be numbered"):
        grid(*axes, "hold_bars=0..9999", "template.buffer_atr=0..1:0.001")


@pytest.mark.parametrize(
    "words",
    [
        ["stop_scale=1,2"],
        ["hold_bars=0..4999"],
        ["failed_breakout.fail_bars=1..3", "hold_bars=0..4999"],
        ["failed_breakout.fail_bars=1..100", "hold_bars=0..6"],
        ["failed_breakout.fail_bars=1..100"],
        ["failed_breakout.fail_bars=1..7", "stop_hunt.limit_bars=1..11", "hold_bars=0..300"],
    ],
)
def test_blocks_hold_every_combination_once_and_stay_small(words):
    one = grid(*words)
    blocks = Blocks(one)
    every = [blocks.block(i) for i in range(len(blocks))]
    assert [number for block in every for number in block] == list(range(one.total))
    assert max(len(block) for block in every) <= BLOCK_COMBINATIONS
    assert max(len({one.group(number) for number in block}) for block in every) <= BLOCK_GROUPS
    if one.per_group > BLOCK_COMBINATIONS:
        assert all(one.group(block[0]) == one.group(block[-1]) for block in every)


def test_ten_thousand_million_combinations_cost_nothing_until_they_are_tried():
    one = grid("failed_breakout.fail_atr=0..1:0.0001", "stop_scale=0.001..10:0.001", "hold_bars=0..99")
    blocks = Blocks(one)
    assert one.total == 10_001 * 10_000 * 100
    last = blocks.block(len(blocks) - 1)
    assert last[-1] == one.total - 1
    assert one.values(last[-1]) == {"failed_breakout.fail_atr": 1.0, "stop_scale": D(10), "hold_bars": 99}
    some = drawn(one, 1_000, seed=3)
    assert some == sorted(set(some)) == drawn(one, 1_000, seed=3) != drawn(one, 1_000, seed=4)
    cut = Blocks(one, some)
    assert [number for i in range(len(cut)) for number in cut.block(i)] == some
    assert max(len({one.group(n) for n in cut.block(i)}) for i in range(len(cut))) <= BLOCK_GROUPS


def test_drawing_more_than_there_are_takes_all():
    assert drawn(grid("hold_bars=0..9"), 99, seed=0) == list(range(10))
