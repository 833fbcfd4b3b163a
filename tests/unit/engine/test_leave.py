"""Leaving: what goes first, what waits, and when a trade has ended."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from unit.engine.bench import BTC, Bench, kinds

from bearskin.engine import Adjusted, Done, Ended, ModeSet, Warned
from bearskin.terms import Filled, Funded, Side, TradingChanged

D = Decimal


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_close_cancels_the_target_first_and_drops_the_stop_last(bench):
    bench.short(targets=("90",))
    cancels = bench.close()
    assert kinds(cancels) == ["cancel target 0"]
    (close,) = bench.answer(cancels[0])
    assert kinds([close]) == ["exit 1"]
    assert bench.trade.protected
    (drop,) = bench.fill(close, "1", "99")
    assert kinds([drop]) == ["cancel stop 0"]
    assert bench.told(Ended) == []
    bench.answer(drop)
    assert (bench.ended.reason, bench.ended.gross) == ("hand", D(1))


def test_target_that_does_not_end_holds_the_close_up_for_a_second_only(bench):
    bench.short(targets=("90",))
    bench.close()
    assert bench.wait(750) == []
    assert kinds(bench.wait(250)) == ["cancel target 0", "exit 1"]


def test_refused_close_is_sent_again_under_a_new_name(bench):
    bench.short()
    (close,) = bench.close()
    (again,) = bench.answer(close, "rejected", code="-4118")
    assert kinds([again]) == ["exit 1"]
    assert again.client_id != close.client_id
    assert bench.stepped.look


def test_close_that_keeps_being_refused_is_tried_ever_more_slowly_but_for_ever(bench):
    bench.short()
    sent = bench.close()
    times = []
    while len(times) < 6:
        if sent:
            times.append(bench.now_ns)
            sent = bench.answer(sent[0], "rejected", code="-1001", after_ms=0)
        else:
            sent = bench.wait(250)
    gaps = [(b - a) / 1e9 for a, b in itertools.pairwise(times)]
    assert gaps == [0, 0.5, 1, 2, 4]


def test_close_with_a_lost_answer_is_sent_again_at_once(bench):
    bench.short()
    (close,) = bench.close()
    (again,) = bench.answer(close, "unknown")
    assert kinds([again]) == ["exit 1"]
    bench.fill(again, "1", "99")
    # flat, but the first close is still in doubt: the trade is not over before it is
    assert bench.told(Ended) == []


@pytest.mark.parametrize("price", [None, D(97)])
def test_a_part_whose_close_has_no_answer_is_not_closed_twice(bench, price):
    """A venue that took a second and a half to answer closed all where a half was asked."""
    bench.short()
    (part,) = bench.close(share=D("0.5"), price=price)
    assert bench.wait(10_000) == []
    assert bench.answer(part, "unknown") == []
    assert bench.wait(60_000) == []
    assert kinds(bench.fill(part, "0.5", "97")) == ["stop 0.5 @ 105"]
    assert bench.trade.open_qty == D("-0.5")
    assert [one for one in kinds(bench.wait(10_000)) if one.startswith("exit")] == []


@pytest.mark.parametrize("outcome", ["rejected", "absent"])
def test_a_part_that_the_venue_has_not_closed_goes_again(bench, outcome):
    bench.short()
    (part,) = bench.close(share=D("0.5"))
    assert bench.answer(part, "unknown") == []
    assert bench.wait(5_000) == []
    assert kinds(bench.answer(part, outcome, code="-1001")) == ["exit 0.5"]


def test_a_part_waits_for_the_end_of_the_target_that_may_fill_beside_it(bench):
    bench.short(targets=("90",))
    (cancel,) = bench.close(share=D("0.5"))
    assert {one for one in kinds(bench.wait(30_000)) if not one.startswith("cancel target")} == set()
    assert kinds(bench.answer(cancel)) == ["exit 0.5"]


def test_a_part_under_way_does_not_hold_the_close_of_all_up(bench):
    bench.short()
    bench.close(share=D("0.5"))
    bench.wait(5_000)
    assert kinds(bench.close()) == ["exit 1"]


def test_close_that_fills_in_part_goes_on_with_the_rest(bench):
    bench.short()
    (close,) = bench.close()
    bench.fill(close, "0.3", "99")
    (rest,) = bench.changed(close, "expired", "0.3")
    assert kinds([rest]) == ["exit 0.7"]


def test_leaving_while_the_entry_still_fills(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105), price=D(100))
    bench.answer(entry)
    (stop,) = bench.fill(entry, "-0.4", "100")
    bench.answer(stop)
    assert kinds(bench.close()) == ["cancel entry 0"]
    (close,) = bench.changed(entry, "canceled", "-0.4")
    assert kinds([close]) == ["exit 0.4"]


def test_entry_that_never_fills_ends_unfilled(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105), price=D(100))
    bench.answer(entry)
    (cancel,) = bench.close()
    bench.answer(cancel)
    assert (bench.ended.reason, bench.ended.net) == ("unfilled", D(0))


def test_refused_entry_ends_unfilled_with_a_word_why(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    bench.answer(entry, "rejected", code="-2019", message="Margin is insufficient.")
    assert bench.ended.reason == "unfilled"
    assert [note.text for note in bench.told(Warned)] == ["entry -1 refused: Margin is insufficient."]


def test_partial_close_keeps_the_stop_and_shrinks_it_afterwards(bench):
    bench.short()
    (part,) = bench.close(share=D("0.25"))
    assert kinds([part]) == ["exit 0.25"]
    (smaller,) = bench.fill(part, "0.25", "98")
    assert kinds([smaller]) == ["stop 0.75 @ 105"]
    (drop,) = bench.answer(smaller)
    bench.answer(drop)
    assert bench.trade.phase == "open"
    assert bench.wait(2_000) == []


def test_partial_close_takes_the_targets_away_and_puts_back_what_is_left_of_them(bench):
    bench.short(targets=("95", "90"))
    cancels = bench.close(share=D("0.5"))
    assert kinds(cancels) == ["cancel target 0", "cancel target 1"]
    bench.answer(cancels[0])
    (part,) = bench.answer(cancels[1])
    assert kinds([part]) == ["exit 0.5"]
    sent = bench.fill(part, "0.5", "98")
    # half is left: the nearer target has all of it
    assert kinds(sent) == ["stop 0.5 @ 105", "target 0.5 @ 95"]


def test_close_by_a_limit_rests_beside_the_stop(bench):
    bench.short()
    (close,) = bench.close(price=D(97))
    assert kinds([close]) == ["exit 1 @ 97"]
    bench.answer(close)
    assert bench.wait(5_000) == []
    assert bench.trade.protected
    (drop,) = bench.fill(close, "1", "97")
    bench.answer(drop)
    assert (bench.ended.reason, bench.ended.gross) == ("hand", D(3))


def test_limit_close_gives_way_to_the_stop(bench):
    _, stop = bench.short()
    (close,) = bench.close(price=D(97))
    bench.answer(close)
    cancels = bench.changed(stop, "triggered")
    assert kinds(cancels) == ["cancel exit 0"]
    assert bench.left == ["hand", "stop"]


def test_panic_closes_ours_and_stays_closed(bench):
    bench.short()
    (close,) = bench.panic()
    assert kinds([close]) == ["exit 1"]
    assert bench.told(ModeSet)[-1].panicked
    assert bench.told(Done)[-1].detail == "closing 1 position of ours"
    (drop,) = bench.fill(close, "1", "99")
    bench.answer(drop)
    assert bench.ended.reason == "panic"
    assert bench.open(side=Side.SHORT, qty=D(1), stop=D(105)) == []
    assert bench.told(Done)[-1].refused == "panic: closed until resumed"


def test_fill_that_comes_after_a_panic_is_closed_too(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105), price=D(100))
    assert kinds(bench.panic()) == ["cancel entry 0"]
    (close,) = bench.fill(entry, "-1", "100")
    assert kinds([close]) == ["exit 1"]
    assert bench.left == ["panic"]


def test_panic_asks_before_it_touches_what_is_not_ours(bench):
    bench.account(("2", "90"))
    assert bench.panic() == []
    assert "not ours and left alone" in bench.told(Done)[-1].detail
    (close,) = bench.panic(foreign=True)
    assert kinds([close]) == ["exit -2"]
    assert close.reduce_only
    bench.fill(close, "-2", "91")
    assert (bench.ended.reason, bench.ended.gross) == ("panic", D(2))


def test_forced_close_of_a_part_is_told_and_the_rest_protected(bench):
    bench.short(targets=("95", "90"))
    sent = bench.hear(_forced(bench, "0.6", "adl"))
    assert kinds(sent) == ["stop 0.4 @ 105", "cancel target 0", "cancel target 1"]
    assert [note.kind for note in bench.told(Warned)] == ["adl"]
    assert bench.stepped.look


def test_liquidation_ends_the_trade_by_that_name(bench):
    bench.short()
    (drop,) = bench.hear(_forced(bench, "1", "liquidation", "108"))
    bench.answer(drop, "rejected", code="-2011")
    bench.account()
    bench.account(after_ms=2_000)
    assert (bench.ended.reason, bench.ended.gross) == ("liquidated", D(-8))


def test_forced_close_told_again_is_not_the_next_trades(bench):
    """The account repeats old fills; the venue's clock may be ahead of ours."""
    import msgspec

    bench.short()
    forced = msgspec.structs.replace(_forced(bench, "1", "adl"), time_ns=bench.now_ns + 10**9)
    (drop,) = bench.hear(forced)
    bench.answer(drop)
    assert bench.ended.reason == "adl"
    bench.short()
    bench.hear(forced)
    assert bench.trade.qty == D(-1)


def _forced(bench, qty, why, price="100"):
    return Filled(
        symbol=BTC, client_id="autoclose-1", venue_id="z", trade_id=f"f-{why}", qty=D(qty), price=D(price), fee=D(0),
        why=why, **bench.times(5),
    )  # fmt: skip


def test_symbol_that_leaves_is_left(bench):
    bench.short()
    (close,) = bench.hear(TradingChanged(symbol=BTC, status="delisting", **bench.times(5)))
    assert kinds([close]) == ["exit 1"]
    assert bench.left == ["delisted"]
    assert bench.engine.book.barred(BTC) == "not open for trading: delisting"
    bench.hear(TradingChanged(symbol=BTC, status="trading", **bench.times(5)))
    assert bench.engine.book.barred(BTC) == ""


def test_forced_settlement_of_a_delisted_symbol_ends_the_trade_by_that_name(bench):
    """The symbol is gone before we could leave: the venue settles at its own price; what rested of ours is gone too."""
    bench.short()
    assert bench.hear(TradingChanged(symbol=BTC, status="delisted", **bench.times(5))) == []
    assert [(note.kind, note.severity) for note in bench.told(Warned)] == [("delisting", "critical")]
    (drop,) = bench.hear(_forced(bench, "1", "settlement", "97"))
    assert bench.told(Warned)[-1].text.startswith("the venue closed 1 at 97 (settlement)")
    bench.answer(drop, "rejected", code="-2011")
    bench.account()
    bench.account(after_ms=2_000)
    assert (bench.ended.reason, bench.ended.gross) == ("delisted", D(3))
    assert bench.replayed().book.state_hash() == bench.engine.book.state_hash()


def test_position_that_a_venue_settled_without_a_word_is_over(bench):
    """Neither fill nor order: the account shows nothing, twice."""
    bench.short()
    bench.hear(TradingChanged(symbol=BTC, status="delisted", **bench.times(5)))
    for _ in range(4):
        for drop in bench.account(after_ms=2_000):
            bench.answer(drop, "rejected", code="-2011")
    assert (bench.told(Adjusted)[-1].theirs, bench.ended.qty) == (D(0), D(-1))
    assert bench.ended.gross == D(0)  # it is booked at the last price that was known


def test_halted_symbol_is_closed_at_once_when_it_opens_again(bench):
    """
    halted; the close is refused again and again, ever more slowly
    -> open again: the next try is made at once, not when its pause is over
    """
    bench.short()
    bench.hear(TradingChanged(symbol=BTC, status="halted", **bench.times(5)))
    assert [note.kind for note in bench.told(Warned)] == ["halted"]
    sent = bench.close()
    for _ in range(40):
        for each in sent:
            bench.answer(each, "rejected", code="-4141")
        sent = bench.wait(1_000)
    tries = bench.trade.counts["exit"]
    assert 5 <= tries <= 9
    if sent:
        bench.answer(sent[0], "rejected", code="-4141")
    (close,) = bench.hear(TradingChanged(symbol=BTC, status="trading", **bench.times(5)))
    assert kinds([close]) == ["exit 1"]


def test_funding_and_fees_of_a_trade(bench):
    bench.short()
    funded = Funded(symbol=BTC, amount=D("0.7"), **bench.times(5))
    bench.hear(funded)
    bench.hear(Funded(symbol=BTC, amount=D("0.7"), time_ns=funded.time_ns + 1_000_000, wall_ns=funded.wall_ns + 1))
    (close,) = bench.close()
    (drop,) = bench.fill(close, "1", "98", fee=D("0.05"))
    bench.answer(drop)
    ended = bench.ended
    assert (ended.gross, ended.fees, ended.funding, ended.net) == (D(2), D("0.06"), D("0.7"), D("2.64"))
    assert ended.r == pytest.approx(2.64 / 5)


def test_fee_in_another_asset_is_told_apart(bench):
    bench.short()
    (close,) = bench.close()
    (drop,) = bench.fill(close, "1", "98", fee=D("0.001"), fee_asset="BNB")
    bench.answer(drop)
    assert (bench.ended.fees, bench.ended.fees_other) == (D("0.01"), {"BNB": D("0.001")})


def test_slippage_of_the_entry_is_against_the_price_it_was_planned_at(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(2), stop=D(105))
    bench.answer(entry)
    (stop,) = bench.fill(entry, "-2", "99.5")
    bench.answer(stop)
    (close,) = bench.close()
    (drop,) = bench.fill(close, "2", "99.5")
    bench.answer(drop)
    assert bench.ended.slippage_entry == D(1)
