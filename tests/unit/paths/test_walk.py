"""Hand-computed trades on drawn bars: every rule of a fill, alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from bearskin.margin import Tiers
from bearskin.market import Funding, Panel
from bearskin.paths import NEVER, REASONS, Outcome, Ticket, lay, walk, warm
from bearskin.terms import HOUR_NS, Instrument, Product, Side

D = Decimal
TIERS: Any = Tiers(np.array([0.0]), np.array([0.004]), np.array([0.0]), np.array([1e12]))
FREE: dict[str, float] = {"taker": 0.0, "maker": 0.0, "slip": 0.0}


def instrument(tick: str = "1") -> Instrument:
    return Instrument(
        venue="synthetic", symbol="DRAWN", product=Product.LINEAR, base="D", quote="USDT", settle="USDT",
        tick=D(tick), step=D("0.01"), min_qty=D("0.01"), min_notional=D(5),
    )  # fmt: skip


def drawn(
    *bars: tuple[float, float, float, float],
    marks: list[tuple[float, float, float]] | None = None,
    funding: dict[float, float] | None = None,
    tick: str = "1",
    hours: list[int] | None = None,
    missing: list[int] | None = None,
) -> Panel:
    """Bars as (open, high, low, close), marks as (open, high, low), funding as {hour: rate}."""
    o, h, low, c = (np.array(column, dtype=float) for column in zip(*bars, strict=True))
    m = np.array(marks, dtype=float).T if marks is not None else np.array([o, h, low])
    times = np.array(hours if hours is not None else range(len(bars)), dtype=np.int64) * HOUR_NS
    lacking = np.zeros(len(bars), dtype=bool)
    lacking[missing or []] = True
    settled = None
    if funding is not None:
        at = np.array([round(hour * HOUR_NS) for hour in funding], dtype=np.int64)
        settled = Funding(time_ns=at, rate=np.array(list(funding.values())), interval_ns=np.full(len(at), HOUR_NS))
    return Panel(
        instrument=instrument(tick), interval_ns=HOUR_NS, time_ns=times, open=o, high=h, low=low, close=c,
        volume=np.ones(len(bars)), mark_open=m[0], mark_high=m[1], mark_low=m[2], mark_close=c,
        mark_missing=lacking, funding=settled,
    )  # fmt: skip


def trade(panel: Panel, side: Side = Side.SHORT, **order: Any) -> Outcome[float]:
    """One coin (100 steps) from bar 0, prices in quote units; nothing costs anything unless said."""
    course = lay(panel)
    level = lambda name, none: none if order.get(name) is None else course.ticks(side, order[name], up=True)  # noqa: E731
    ticket = Ticket(
        steps=100,
        steps1=50 if order.get("target2") is not None else 100,
        start=order.get("start", 0),
        end=len(panel),
        valid=order.get("valid", 1) if order.get("limit") is not None else 0,
        limit=level("limit", 0),
        stop=level("stop", NEVER),
        stop_on_mark=order.get("on_mark", 1),
        target1=level("target1", -NEVER),
        target2=level("target2", -NEVER),
        invalidation=level("invalidation", NEVER),
        trail=order.get("trail", 0),
        hold=order.get("hold", 0),
        through=course.through,
        leverage=float(order.get("leverage", 0)),
        taker=order.get("taker", 0.0),
        maker=order.get("maker", 0.0),
        slip=order.get("slip", 0.0),
        liquidation_fee=order.get("liquidation_fee", 0.0125),
    )
    return walk(course.lanes[side], TIERS, ticket)


def why(outcome: Outcome[float]) -> str:
    return REASONS[outcome.reason]


QUIET = (100.0, 101.0, 99.0, 100.0)


def test_stop_and_target_in_one_bar_is_the_stop_and_the_other_bound_is_told() -> None:
    got = trade(drawn(QUIET, (100, 112, 88, 100)), stop=110, target1=90)
    assert (why(got), got.bar, got.exit, got.net) == ("stop", 1, 110.0, -10.0)
    assert (got.ambiguous, got.net_if_target_first) == (1, 10.0)


def test_the_entry_bar_is_exposed_whole() -> None:
    got = trade(drawn((100, 112, 99, 100), QUIET), stop=110)
    assert (why(got), got.entry_bar, got.bar) == ("stop", 0, 0)
    assert why(trade(drawn((100, 101, 88, 100), QUIET), stop=110, target1=90)) == "target"


def test_a_touch_does_not_fill_a_target_but_a_tick_beyond_does_and_never_better() -> None:
    touched = drawn(QUIET, (100, 101, 90, 95), (95, 96, 94, 95))
    assert why(trade(touched, stop=110, target1=90)) == "end"
    through = drawn(QUIET, (100, 101, 89, 95), QUIET)
    got = trade(through, stop=110, target1=90, maker=0.001, taker=0.002)
    assert (why(got), got.exit, got.fees) == ("target", 90.0, pytest.approx(100 * 0.002 + 90 * 0.001))
    gapped = drawn(QUIET, (80, 85, 78, 82), QUIET)
    assert trade(gapped, stop=110, target1=90).exit == 90.0


def test_a_gap_through_the_stop_fills_at_the_open_with_slippage() -> None:
    got = trade(drawn(QUIET, (120, 125, 118, 119)), stop=110, slip=0.01)
    assert got.entry == pytest.approx(99.0)
    assert got.exit == pytest.approx(121.2)
    assert got.slippage == pytest.approx(1.0 + 1.2)
    assert got.net == pytest.approx(99.0 - 121.2)
    assert got.ambiguous == 0


def test_a_gap_beyond_the_stop_leaves_no_doubt_about_the_order() -> None:
    got = trade(drawn(QUIET, (120, 125, 80, 85)), stop=110, target1=90)
    assert (why(got), got.ambiguous, got.net_if_target_first) == ("stop", 0, got.net)


def test_stops_trigger_on_mark_or_on_last_as_asked() -> None:
    last_crossed = drawn(QUIET, (100, 115, 99, 100), QUIET, marks=[(100, 101, 99), (100, 105, 99), (100, 101, 99)])
    assert why(trade(last_crossed, stop=110)) == "end"
    assert why(trade(last_crossed, stop=110, on_mark=0)) == "stop"
    mark_crossed = drawn(QUIET, (100, 105, 99, 100), QUIET, marks=[(100, 101, 99), (100, 111, 99), (100, 101, 99)])
    got = trade(mark_crossed, stop=110)
    assert (why(got), got.exit) == ("stop", 110.0)
    assert why(trade(mark_crossed, stop=110, on_mark=0)) == "end"


def test_a_mark_between_ticks_reaches_the_stop_only_when_it_is_there() -> None:
    just_short = [(100, 101, 99), (100, 109.999, 99), (100, 101, 99)]
    assert why(trade(drawn(QUIET, QUIET, QUIET, marks=just_short), stop=110)) == "end"
    just_there = [(100, 101, 99), (100, 110.0, 99), (100, 101, 99)]
    assert why(trade(drawn(QUIET, QUIET, QUIET, marks=just_there), stop=110)) == "stop"
    for_a_long = [(100, 101, 99), (100, 101, 90.001), (100, 101, 99)]
    assert why(trade(drawn(QUIET, QUIET, QUIET, marks=for_a_long), Side.LONG, stop=90)) == "end"


def test_liquidation_goes_by_mark_not_by_last() -> None:
    """A short at 100 with 10x dies at 110 / 1.004 = 109.5618 on the mark; last alone may go anywhere."""
    wild_last = drawn(QUIET, (100, 140, 60, 100), QUIET, marks=[(100, 101, 99), (100, 109.5, 99), (100, 101, 99)])
    assert why(trade(wild_last, leverage=10)) == "end"
    wild_mark = drawn(QUIET, QUIET, QUIET, marks=[(100, 101, 99), (100, 109.6, 99), (100, 101, 99)])
    got = trade(wild_mark, leverage=10)
    assert (why(got), got.bar) == ("liquidated", 1)
    assert got.liquidation_price == pytest.approx(110 / 1.004)
    assert got.exit == got.liquidation_price


def test_a_long_in_a_cascade_like_that_of_doge_dies_by_mark_alone() -> None:
    """Last falls to 0.084 while the mark stops at 0.0888: a long with 3x at 0.234 dies at (0.234 - 0.078) / 0.996."""
    bars = [(0.234, 0.235, 0.233, 0.234), (0.234, 0.234, 0.084, 0.19), (0.19, 0.2, 0.18, 0.19)]
    marks = [(0.234, 0.235, 0.233), (0.234, 0.234, 0.0888), (0.19, 0.2, 0.18)]
    panel = drawn(*bars, marks=marks, tick="0.00001")
    got = trade(panel, Side.LONG, leverage=3)
    assert (why(got), got.exit) == ("liquidated", pytest.approx(0.156 / 0.996))
    kept = drawn(*bars, marks=[marks[0], (0.234, 0.234, 0.16), marks[2]], tick="0.00001")
    assert why(trade(kept, Side.LONG, leverage=3)) == "end"


def test_the_stop_comes_first_unless_the_mark_opens_beyond_liquidation_or_it_lies_nearer() -> None:
    both = drawn(QUIET, (100, 112, 99, 111), QUIET)
    assert why(trade(both, stop=105, leverage=10)) == "stop"
    gap = drawn(QUIET, (112, 113, 111, 112), QUIET)
    got = trade(gap, stop=105, leverage=10)
    assert (why(got), got.exit) == ("liquidated", 110.0)  # the bankruptcy price: the mark of 112 lies beyond it
    nearer = drawn(QUIET, (100, 112, 99, 111), QUIET)
    assert why(trade(nearer, stop=110, leverage=20)) == "liquidated"


def test_an_isolated_position_never_loses_more_than_its_margin_fees_of_closing_included() -> None:
    free_entry: dict[str, Any] = {"taker": 0.0, "leverage": 10}
    by_level = trade(drawn(QUIET, (100, 115, 99, 100)), **free_entry)
    assert (why(by_level), by_level.net) == ("liquidated", pytest.approx(-10.0))  # 0.44 is left, the fee takes it all
    assert by_level.fees == pytest.approx(10 - (110 / 1.004 - 100))
    by_gap = trade(drawn(QUIET, (150, 151, 149, 150)), **free_entry)
    assert by_gap.net == pytest.approx(-10.0)
    small_fee = trade(drawn(QUIET, (100, 115, 99, 100)), liquidation_fee=0.001, **free_entry)
    level = 110 / 1.004
    assert small_fee.net == pytest.approx(100 - level - 0.001 * level)
    stop_beyond = drawn(QUIET, (130, 131, 129, 130), marks=[(100, 101, 99), (104, 106, 103)])
    capped = trade(stop_beyond, stop=105, slip=0.0, **free_entry)
    assert (why(capped), capped.net) == ("stop", pytest.approx(-10.0))


def test_half_leaves_at_the_first_target_and_the_rest_at_the_second() -> None:
    bars = drawn(QUIET, (100, 101, 94, 95), (95, 96, 89, 90), QUIET)
    got = trade(bars, stop=110, target1=95, target2=90)
    assert (why(got), got.steps1, got.bar1, got.bar, got.net) == ("target", 50, 1, 2, 0.5 * 5 + 0.5 * 10)
    stopped = trade(drawn(QUIET, (100, 101, 94, 95), (95, 111, 94, 110)), stop=110, target1=95, target2=90)
    assert (why(stopped), stopped.net) == ("stop", 0.5 * 5 - 0.5 * 10)
    at_once = trade(drawn(QUIET, (100, 101, 89, 95)), stop=110, target1=95, target2=90)
    assert (at_once.bar1, at_once.bar, at_once.net) == (1, 1, 7.5)


def test_an_ambiguous_bar_may_have_filled_one_target_or_both() -> None:
    one = trade(drawn(QUIET, (100, 111, 94, 100)), stop=110, target1=95, target2=90)
    assert (one.ambiguous, one.net, one.net_if_target_first) == (1, -10.0, 0.5 * 5 - 0.5 * 10)
    two = trade(drawn(QUIET, (100, 111, 80, 100)), stop=110, target1=95, target2=90)
    assert two.net_if_target_first == 7.5


def test_resting_entries_need_a_tick_beyond_and_fill_at_their_limit() -> None:
    touched = drawn(QUIET, (100, 105, 99, 100), QUIET)
    assert why(trade(touched, limit=105, valid=3, stop=110)) == "unfilled"
    through = drawn(QUIET, (100, 106, 99, 100), QUIET)
    got = trade(through, limit=105, valid=3, stop=110, maker=0.001)
    assert (got.entry_bar, got.entry, got.entry_fee) == (1, 105.0, pytest.approx(0.105))
    gapped = drawn(QUIET, (108, 109, 107, 108), QUIET)
    assert trade(gapped, limit=105, valid=3, stop=115).entry == 105.0
    late = drawn(QUIET, QUIET, QUIET, (100, 106, 99, 100))
    assert why(trade(late, limit=105, valid=3, stop=110)) == "unfilled"


def test_the_fill_bar_of_a_resting_entry_knows_stops_but_no_targets() -> None:
    got = trade(drawn((100, 111, 80, 100), QUIET), limit=105, stop=110, target1=90)
    assert (why(got), got.bar, got.ambiguous) == ("stop", 0, 0)
    kept = trade(drawn((100, 107, 80, 100), QUIET), limit=105, stop=110, target1=90)
    assert (why(kept), kept.bar) == ("end", 1)


def test_nothing_is_liquidated_by_a_price_from_before_its_entry() -> None:
    """The mark opened beyond the level of a long that rested at 95 and filled later in the same bar."""
    bars = [(100.0, 101.0, 94.0, 97.0), QUIET]
    marks = [(80.0, 101.0, 80.0), (100.0, 101.0, 99.0)]
    assert why(trade(drawn(*bars, marks=marks), Side.LONG, limit=95, leverage=10)) == "end"
    assert why(trade(drawn(*bars, marks=marks), Side.LONG, leverage=10)) == "liquidated"


def test_a_chandelier_follows_the_best_price_from_the_next_bar_on() -> None:
    bars = drawn(QUIET, (100, 101, 80, 99), (85, 86, 84, 85), (85, 91, 84, 90))
    got = trade(bars, stop=130, trail=10)
    # bar 0 leaves the stop at 109; bar 1 falls to 80 and closes at 99: that bar itself is not stopped by 90
    assert (why(got), got.bar, got.exit) == ("trail", 3, 90.0)


def test_a_trailing_stop_follows_from_the_limit_that_filled() -> None:
    """
    A short rests at 100 and fills in a bar that closes at 102: the best price since is the limit, so ten behind is 110,
    not 112; the low of 90 came before the fill for all that is known.
    """
    bars = drawn((95, 103, 90, 102), (102, 110, 101, 108), (108, 109, 107, 108))
    got = trade(bars, limit=100, stop=130, trail=10)
    assert (why(got), got.bar, got.exit) == ("trail", 1, 110.0)


def test_time_and_invalidation_leave_at_the_next_open_with_slippage() -> None:
    bars = drawn(QUIET, QUIET, (103, 104, 102, 103), QUIET)
    got = trade(bars, stop=120, hold=2, slip=0.01, taker=0.001)
    assert (why(got), got.bar, got.exit) == ("time", 2, pytest.approx(104.03))
    assert got.fees == pytest.approx(0.001 * (99.0 + 104.03))
    closed_beyond = drawn(QUIET, (100, 107, 99, 106), (104, 105, 103, 104), QUIET)
    assert (why(trade(closed_beyond, stop=120, invalidation=105)), trade(closed_beyond, invalidation=105).exit) == (
        "invalidated",
        104.0,
    )
    at_the_level = drawn(QUIET, (100, 107, 99, 105), (104, 105, 103, 104), QUIET)
    assert why(trade(at_the_level, stop=120, invalidation=105)) == "end"


def test_what_is_open_at_the_end_leaves_at_the_last_close() -> None:
    got = trade(drawn(QUIET, (100, 104, 99, 103)), stop=120, taker=0.001)
    assert (why(got), got.exit, got.fees) == ("end", 103.0, pytest.approx(0.203))


def test_a_short_and_its_mirrored_long_agree() -> None:
    up = drawn(QUIET, (100, 112, 99, 105))
    down = drawn((100, 101, 99, 100), (100, 101, 88, 95))
    short, long = trade(up, stop=110), trade(down, Side.LONG, stop=90)
    assert (why(short), short.net) == (why(long), long.net)


def test_excursions_are_of_whole_bars_and_of_the_exit_fill() -> None:
    bars = drawn((100, 104, 97, 100), (100, 120, 60, 100))
    got = trade(bars, stop=110)
    assert (got.mae, got.mfe) == (pytest.approx(-0.10), pytest.approx(0.03))


# funding: rate x signed quantity x mark at settlement, entry <= T <= exit; a short receives a positive rate


def test_settlements_at_the_entry_and_at_the_exit_moment_both_count() -> None:
    bars = [QUIET] * 5
    marks = [(100.0 + i, 105.0, 99.0) for i in range(5)]
    panel = drawn(*bars, marks=marks, funding={1: 0.001, 2: 0.002, 3: 0.004, 4: 0.008})
    got = trade(panel, start=1, hold=2)
    assert got.funding == pytest.approx(0.001 * 101 + 0.002 * 102 + 0.004 * 103)
    paid = trade(panel, Side.LONG, start=1, hold=2)
    assert paid.funding == pytest.approx(-got.funding)


def test_a_stop_inside_a_bar_takes_the_settlement_at_its_open_and_inside_only_if_it_costs() -> None:
    bars = [QUIET, (100.0, 112.0, 99.0, 100.0)]
    assert trade(drawn(*bars, funding={1: 0.001}), stop=110).funding == pytest.approx(0.1)
    assert trade(drawn(*bars, funding={1.5: 0.001}), stop=110).funding == 0.0
    assert trade(drawn(*bars, funding={1.5: -0.001}), stop=110).funding == pytest.approx(-0.1)
    # a bar that is held to its end takes what settles inside
    assert trade(drawn(QUIET, QUIET, funding={0.5: 0.001})).funding == pytest.approx(0.1)


def test_a_resting_entry_does_not_receive_what_may_have_settled_before_its_fill() -> None:
    bars = [(100.0, 106.0, 99.0, 100.0), QUIET]
    assert trade(drawn(*bars, funding={0: 0.001}), limit=105, stop=120).funding == 0.0
    assert trade(drawn(*bars, funding={0: -0.001}), limit=105, stop=120).funding == pytest.approx(-0.1)


def test_after_the_first_target_funding_is_of_what_is_left() -> None:
    bars = drawn(QUIET, (100, 101, 94, 95), (95, 96, 94, 95), funding={0: 0.001, 1: 0.001, 2: 0.001})
    got = trade(bars, stop=110, target1=95, target2=90)
    assert got.funding == pytest.approx(0.1 + 0.1 + 0.5 * 0.095)


def test_holes_in_mark_and_funding_are_listed_never_zero() -> None:
    bars = [QUIET] * 30
    rates = dict.fromkeys((0, 4, 8, 16, 20, 24, 28), 0.001)
    marks = [(100.0, 101.0, 99.0)] * 30
    marks[8] = (float("nan"), float("nan"), float("nan"))
    course = lay(drawn(*bars, marks=marks, funding=rates, missing=[8]))
    assert (course.missing_rate_ns // HOUR_NS).tolist() == [12]
    assert course.settle_estimated.tolist() == [False, False, True, False, False, False, False]
    assert course.settle_mark[2] == 100.0


def test_a_change_of_the_interval_is_not_a_hole() -> None:
    bars = [QUIET] * 60
    longer = dict.fromkeys((0, 1, 2, 3, 4, 8, 12, 16, 24, 32, 40, 48, 56), 0.001)
    assert lay(drawn(*bars, funding=longer)).missing_rate_ns.tolist() == []
    stopped = dict.fromkeys((0, 8, 16, 24), 0.001)
    found = lay(drawn(*bars, funding=stopped)).missing_rate_ns // HOUR_NS
    assert found.tolist() == [32, 40, 48, 56]


def test_prices_finer_than_the_tick_keep_their_place() -> None:
    """An old series between today's ticks: a touch at 90.5 is beyond 91 by half a tick, not by one."""
    panel = drawn(QUIET, (100, 101, 90.5, 95), QUIET)
    assert lay(panel).through == 10
    assert why(trade(panel, stop=110, target1=91)) == "end"
    assert why(trade(drawn(QUIET, (100, 101, 90.0, 95), (100.5, 101, 99, 100)), stop=110, target1=91)) == "target"


def test_binary_fractions_do_not_move_a_tick() -> None:
    """0.1 + 0.2 style prices: 0.3 in ticks of 0.1 is three ticks, whatever the float says."""
    panel = drawn((0.3, 0.4, 0.2, 0.3), (0.3, 0.7, 0.2, 0.3), tick="0.1")
    got = trade(panel, stop=0.7)
    assert (why(got), got.exit) == ("stop", pytest.approx(0.7, abs=0))


def test_warming_says_so_only_when_it_compiles() -> None:
    said: list[str] = []
    warm(said.append)
    warm(said.append)
    assert len(said) <= 1


def test_the_face_is_pinned() -> None:
    import bearskin.paths as face

    functions = [name for name in face.__all__ if name.islower()]
    assert functions == [
        "compiled_before", "compiled_leap", "compiled_walk", "funding_counts", "index_of", "kernel_options", "lay",
        "leap", "marks_of", "walk", "warm",
    ]  # fmt: skip
    assert all(hasattr(face, name) for name in face.__all__)
    assert len(REASONS) == face.END + 1
