"""Edges of the engine where one word more or less would go unseen elsewhere."""

from __future__ import annotations

from decimal import Decimal

import pytest
from unit.engine.bench import BTC, Bench, kinds

from bearskin.engine import Ended
from bearskin.terms import Answered, Pulse, Side

D = Decimal


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_stop_that_we_cancelled_ourselves_is_no_failed_attempt(bench):
    """There and back again: the trigger that was given up before is placed at once."""
    _, first = bench.short()
    (second,) = bench.move_stop("103")
    (cancel,) = bench.answer(second)
    bench.answer(cancel)
    (third,) = bench.move_stop("105")
    (cancel,) = bench.answer(third)
    bench.answer(cancel)
    (fourth,) = bench.move_stop("103")
    (cancel,) = bench.answer(fourth)
    bench.answer(cancel)
    assert kinds(bench.move_stop("105")) == ["stop 1 @ 105"]
    assert bench.trade.orders[first.client_id].status == "canceled"


def test_a_limit_close_of_another_size_is_cancelled_and_placed_anew(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105), price=D(100))
    bench.answer(entry)
    (stop,) = bench.fill(entry, "-0.6", "100")
    bench.answer(stop)
    cancel, *_ = bench.close(price=D(95))
    assert kinds([cancel]) == ["cancel entry 0"]
    (close,) = bench.answer(cancel)
    assert kinds([close]) == ["exit 0.6 @ 95"]
    bench.answer(close)
    # a fill of the entry that was on its way: there is more to close now
    sent = kinds(bench.fill(entry, "-0.4", "100"))
    assert "cancel exit 0" in sent
    assert not any(kind.startswith("exit") for kind in sent)
    cancelled = bench.trade.orders[close.client_id]
    sent = kinds(bench.hear(_cancelled(bench, cancelled.client_id)))
    assert "exit 1.0 @ 95" in sent


def _cancelled(bench: Bench, client_id: str) -> Answered:
    return Answered(symbol=BTC, client_id=client_id, what="Cancel", outcome="accepted", **bench.times(10))


def test_panic_turns_a_close_by_a_limit_into_one_at_market(bench):
    bench.short()
    (close,) = bench.close(price=D(95))
    bench.answer(close)
    (cancel,) = bench.panic()
    assert kinds([cancel]) == ["cancel exit 0"]
    assert bench.trade.leaving_at_market
    (at_market,) = bench.answer(cancel)
    assert kinds([at_market]) == ["exit 1"]
    assert bench.left == ["hand", "panic"]


def test_a_late_stop_is_left_where_a_strangers_position_may_rest_on_it(bench):
    _, stop = bench.short()
    (close,) = bench.close()
    (cancel,) = bench.fill(close, "1", "99")
    bench.answer(cancel)
    assert bench.told(Ended)
    # somebody else holds the symbol now, and the old stop is told to rest after all
    bench.engine.book.foreign[BTC] = "position -1 at 100"
    order = bench.engine.book.order(stop.client_id)[1]
    order.status = "open"
    stepped = bench.engine.step(Pulse(**bench.times(250)))
    assert [approved.command for approved in stepped.commands] == []
    bench.engine.book.foreign.clear()
    stepped = bench.engine.step(Pulse(**bench.times(60_000)))
    assert kinds([approved.command for approved in stepped.commands]) == ["cancel stop 0"]


def test_absent_after_resting_is_an_end_and_before_it_never_was(bench):
    _, stop = bench.short()
    bench.answer(stop, "absent")
    assert bench.trade.orders[stop.client_id].status == "canceled"
    again = next(order for order in bench.trade.stops() if order.live)
    bench.hear(Answered(symbol=BTC, client_id=again.client_id, what="PlaceStop", outcome="absent", **bench.times(10)))
    assert bench.trade.orders[again.client_id].status == "absent"


def test_a_cancel_accepted_for_a_stop_that_has_gone_off_does_not_end_it(bench):
    _, stop = bench.short()
    (second,) = bench.move_stop("103")
    (cancel,) = bench.answer(second)
    bench.changed(stop, "triggered")
    bench.answer(cancel)
    order = bench.trade.orders[stop.client_id]
    assert (order.status, order.cancel) == ("triggered", "")
    bench.fill(stop, "1", "105")
    assert bench.trade.open_qty == 0


def test_a_fill_larger_than_what_was_booked_at_the_average_books_the_rest(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105), price=D(100))
    bench.answer(entry)
    (stop,) = bench.changed(entry, "open", "-0.4", average=D(100))
    bench.answer(stop)
    resting = (
        bench.order(entry, "open", "-0.4", average=D(100), price=D(100)),
        bench.order(stop, "open", trigger=D(105)),
    )
    bench.account(("-0.4", "100"), orders=resting)
    order = bench.trade.orders[entry.client_id]
    assert (order.filled, order.assumed) == (D("-0.4"), D("-0.4"))
    bench.fill(entry, "-0.7", "100")
    assert (order.filled, order.assumed, bench.trade.qty) == (D("-0.7"), D(0), D("-0.7"))
    bench.fill(entry, "-0.3", "100")
    assert (order.filled, bench.trade.qty, bench.trade.entered_qty) == (D(-1), D(-1), D(-1))
