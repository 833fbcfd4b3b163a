"""The stop-first law, one rule each: told by hand, with the figures in the text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from unit.engine.bench import BTC, Bench, kinds

from bearskin.engine import Ended, Issued, Leaving, Protection, StopMoved, Warned
from bearskin.terms import PlaceStop, Side

D = Decimal


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_entry_at_market_is_followed_by_a_stop_for_what_filled(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    assert kinds([entry]) == ["entry -1"]
    assert bench.answer(entry) == []
    (stop,) = bench.fill(entry, "-1", "100")
    assert isinstance(stop, PlaceStop)
    assert kinds([stop]) == ["stop 1 @ 105"]
    assert not bench.trade.protected
    bench.answer(stop, after_ms=30)
    assert bench.trade.protected
    begun, done = bench.told(Protection)
    assert (begun.protected, begun.open_qty, begun.covered_qty) == (False, D(-1), D(0))
    # the entry went out 10 + 10 + 30 ms before the stop was confirmed
    assert (done.protected, done.covered_qty, done.unprotected_s) == (True, D(1), 0.05)


def test_a_fill_only_spoken_of_is_protected_before_its_money_comes(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    (stop,) = bench.answer(entry, order=bench.order(entry, "filled", "-1", average=D(100)))
    assert kinds([stop]) == ["stop 1 @ 105"]
    assert bench.trade.qty == 0
    assert bench.fill(entry, "-1", "100") == []
    assert bench.trade.qty == D(-1)
    assert bench.trade.open_qty == D(-1)


def test_stop_is_hit_and_the_trade_ends(bench):
    _, stop = bench.short()
    assert bench.changed(stop, "triggered") == []
    assert bench.left == ["stop"]
    bench.fill(stop, "1", "105.5", fee=D("0.05"))
    ended = bench.ended
    assert (ended.reason, ended.gross, ended.fees, ended.net) == ("stop", D("-5.5"), D("0.06"), D("-5.56"))
    assert (ended.slippage_entry, ended.slippage_exit) == (D(0), D("0.5"))
    assert ended.r == pytest.approx(-5.56 / 5)
    assert bench.engine.book.trades == {}


def test_target_ends_the_trade_and_the_stop_goes_with_it(bench):
    bench.short(targets=("90",))
    (target,) = bench.trade.live("target")
    cancels = bench.fill(_named(target), "1", "90")
    assert kinds(cancels) == ["cancel stop 0"]
    assert bench.told(Ended) == []
    bench.answer(cancels[0])
    assert (bench.ended.reason, bench.ended.gross, bench.ended.net) == ("target", D(10), D("9.98"))


def _named(order):
    from bearskin.terms import Place

    return Place(symbol=BTC, client_id=order.client_id, role=order.role, qty=order.qty, price=order.price)


def test_stop_grows_with_each_fill_and_the_smaller_goes_when_the_larger_is_confirmed(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105), price=D(100))
    bench.answer(entry)
    (small,) = bench.fill(entry, "-0.4", "100")
    assert kinds([small]) == ["stop 0.4 @ 105"]
    bench.answer(small)
    assert bench.trade.protected
    (large,) = bench.fill(entry, "-0.6", "100")
    assert kinds([large]) == ["stop 1.0 @ 105"]
    assert not bench.trade.protected
    assert kinds(bench.answer(large)) == ["cancel stop 0"]
    assert bench.trade.protected


def test_one_stop_is_on_its_way_at_a_time(bench):
    """A second fill while the first stop has no answer waits for it: requests of a symbol go out one by one."""
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105), price=D(100))
    bench.answer(entry)
    (small,) = bench.fill(entry, "-0.4", "100")
    assert bench.fill(entry, "-0.6", "100") == []
    assert kinds(bench.answer(small)) == ["stop 1.0 @ 105"]


def test_gap_of_a_resting_entry_begins_when_the_fill_is_heard_of(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105), price=D(100))
    bench.answer(entry)
    bench.wait(60_000)
    (stop,) = bench.fill(entry, "-1", "100")
    bench.answer(stop, after_ms=40)
    assert bench.told(Protection)[-1].unprotected_s == 0.04


def test_stop_that_the_price_has_passed_is_answered_by_a_close_at_once(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    bench.answer(entry)
    (stop,) = bench.fill(entry, "-1", "100")
    (close,) = bench.answer(stop, "rejected", code="-2021", message="Order would immediately trigger.")
    assert kinds([close]) == ["exit 1"]
    assert close.reduce_only
    assert [note.kind for note in bench.told(Warned)] == ["rejected", "emergency"]
    bench.fill(close, "1", "106")
    assert (bench.ended.reason, bench.ended.gross) == ("stop", D(-6))


def test_other_refusals_are_tried_again_at_once_and_end_in_an_emergency_close(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    bench.answer(entry)
    (stop,) = bench.fill(entry, "-1", "100")
    (second,) = bench.answer(stop, "rejected", code="-1001")
    assert kinds([second]) == ["stop 1 @ 105"]
    assert second.client_id != stop.client_id
    assert bench.answer(second, "rejected", code="-1001") == []
    closes = []
    for _ in range(14):
        for command in bench.wait(250):
            if isinstance(command, PlaceStop):
                bench.answer(command, "rejected", code="-1001")
            else:
                closes.append(command)
    assert kinds(closes[:1]) == ["exit 1"]
    assert bench.left == ["emergency"]
    kinds_told = [note.kind for note in bench.told(Warned) if note.kind != "rejected"]
    assert kinds_told == ["unprotected", "emergency"]
    leaving = bench.told(Leaving)[0]
    assert 3.0 < (leaving.wall_ns - bench.trade.noticed_wall_ns) / 1e9 <= 3.3


def test_answer_lost_to_a_stop_puts_another_one_out_and_the_surplus_goes(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    bench.answer(entry)
    (stop,) = bench.fill(entry, "-1", "100")
    (second,) = bench.answer(stop, "unknown")
    assert kinds([second]) == ["stop 1 @ 105"]
    # both had arrived: one is enough, the one in doubt goes
    assert kinds(bench.answer(second)) == ["cancel stop 0"]
    assert bench.trade.protected


def test_entry_with_a_lost_answer_is_never_sent_again(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    assert bench.answer(entry, "unknown") == []
    assert bench.wait(20_000) == []
    (doubt,) = bench.engine.in_doubt()
    assert doubt.client_id == entry.client_id
    bench.answer(entry, "absent")
    assert (bench.ended.reason, bench.ended.qty, bench.ended.r) == ("unfilled", D(0), None)


@pytest.mark.parametrize("end", ["rejected", "expired"])
def test_stop_that_fails_when_it_goes_off_is_finished_at_market(bench, end):
    _, stop = bench.short()
    bench.changed(stop, "triggered", child_id="child")
    assert bench.sent == []
    (close,) = bench.changed(stop, end)
    assert kinds([close]) == ["exit 1"]


@pytest.mark.parametrize("end", ["rejected", "expired"])
def test_stop_that_rested_and_was_ended_by_the_venue_has_gone_off(bench, end):
    """The word that it went off never came."""
    _, stop = bench.short()
    (close,) = bench.changed(stop, end)
    assert kinds([close]) == ["exit 1"]


def test_stop_that_fills_in_part_is_finished_at_market(bench):
    _, stop = bench.short()
    bench.changed(stop, "triggered")
    assert bench.fill(stop, "0.4", "105") == []
    (close,) = bench.changed(stop, "expired", "0.4")
    assert kinds([close]) == ["exit 0.6"]
    bench.fill(close, "0.6", "106")
    assert (bench.ended.reason, bench.ended.gross, bench.ended.slippage_exit) == ("stop", D("-5.6"), D("0.6"))


def test_stop_that_went_off_and_says_no_more_is_finished_after_a_second(bench):
    _, stop = bench.short()
    bench.changed(stop, "triggered")
    assert bench.wait(750) == []
    assert kinds(bench.wait(250)) == ["exit 1"]


def test_stop_cancelled_by_another_hand_is_put_back(bench):
    _, stop = bench.short()
    (again,) = bench.changed(stop, "canceled")
    assert kinds([again]) == ["stop 1 @ 105"]
    assert not bench.trade.protected


def test_moving_a_stop_places_the_new_one_and_then_cancels_the_old(bench):
    bench.short()
    (moved,) = bench.move_stop("103")
    assert kinds([moved]) == ["stop 1 @ 103"]
    assert bench.trade.protected
    assert kinds(bench.answer(moved)) == ["cancel stop 0"]


def test_refused_move_leaves_the_old_stop_where_it_is(bench):
    bench.short()
    (moved,) = bench.move_stop("103")
    assert bench.answer(moved, "rejected", code="-4003", message="Quantity less than zero.") == []
    assert bench.trade.stop == D(105)
    assert bench.trade.protected
    assert bench.told(StopMoved)[-1].new == D(105)
    assert bench.wait(5_000) == []


def test_move_beyond_the_price_closes(bench):
    bench.short()
    (moved,) = bench.move_stop("99")
    assert kinds(bench.answer(moved, "rejected", code="-2021")) == ["exit 1"]


def test_after_a_target_the_stop_shrinks(bench):
    bench.short(targets=("95", "90"))
    first, second = bench.trade.live("target")
    assert (first.left, second.left) == (D("0.5"), D("0.5"))
    (smaller,) = bench.fill(_named(first), "0.5", "95")
    assert kinds([smaller]) == ["stop 0.5 @ 105"]
    assert bench.trade.protected
    assert kinds(bench.answer(smaller)) == ["cancel stop 0"]


def test_hedge_has_no_ordinary_stop_and_no_emergency(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), purpose="hedge", shock_frac=D("0.3"))
    bench.answer(entry)
    assert bench.fill(entry, "-1", "100") == []
    assert bench.wait(10_000) == []
    assert bench.told(Protection) == []


def test_hedge_may_have_a_stop_against_disaster(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), purpose="hedge", shock_frac=D("0.3"), stop=D(140))
    bench.answer(entry)
    (stop,) = bench.fill(entry, "-1", "100")
    assert (stop.role, stop.qty, stop.trigger) == ("disaster", D(1), D(140))


def test_in_hedge_mode_orders_name_their_leg_and_do_not_say_reduce_only(bench):
    bench.account(dual=True)
    bench.short(targets=("90",))
    stop, target = bench.trade.live("stop")[0], bench.trade.live("target")[0]
    placed = {note.command.client_id: note.command for note in bench.told(Issued)}
    assert placed[stop.client_id].leg == "SHORT"
    assert (placed[target.client_id].leg, placed[target.client_id].reduce_only) == ("SHORT", False)


def test_one_way_orders_say_reduce_only(bench):
    bench.short(targets=("90",))
    (close, *_) = [c for c in bench.close() if c.__class__.__name__ == "Cancel"]
    assert close
    sent = bench.answer(close)
    assert kinds(sent) == ["exit 1"]
    assert sent[0].reduce_only


def test_late_and_repeated_words_change_nothing(bench):
    entry, stop = bench.short()
    before = bench.engine.book.state_hash()
    bench.changed(entry, "open", after_ms=0)
    bench.hear(_again(bench, entry))
    bench.changed(stop, "open", after_ms=0)
    bench.answer(stop, after_ms=0)
    bench.answer(stop, "unknown", after_ms=0)
    assert bench.engine.book.state_hash() == before


def _again(bench, entry):
    from bearskin.terms import Filled

    return Filled(
        symbol=BTC, client_id=entry.client_id, venue_id="v", trade_id="t1", qty=D(-1), price=D(100), fee=D("0.01"),
        **bench.times(),
    )  # fmt: skip


def test_fill_of_the_order_a_stop_became_is_found_by_its_number(bench):
    """The fill comes before we know whose it is, and under a name that is not ours."""
    from bearskin.terms import Filled

    _, stop = bench.short()
    fill = Filled(
        symbol=BTC, client_id="", venue_id="child-1", trade_id="x1", qty=D(1), price=D(105), fee=D(0), **bench.times(5)
    )
    bench.hear(fill)
    assert bench.trade.qty == D(-1)
    bench.changed(stop, "filled", "1", child_id="child-1", average=D(105))
    assert bench.ended.gross == D(-5)


def test_stop_moved_a_hundred_times_does_not_fill_the_book(bench):
    bench.short()
    for nth in range(100):
        (moved,) = bench.move_stop(f"{D(104) - D(nth) / 100}")
        (drop,) = bench.answer(moved)
        bench.answer(drop)
    assert len(bench.trade.orders) == 64
    assert bench.trade.counts["stop"] == 101
    assert len(bench.engine.book.by_order) == 64
    assert bench.trade.protected
