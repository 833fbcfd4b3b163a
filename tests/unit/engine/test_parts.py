"""A position larger than the venue's largest market or stop order: stopped and closed in parts."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
import unit.engine.bench as made
from unit.engine.bench import Bench, instrument, kinds

from bearskin.terms import Cancel, Place, PlaceStop, Side

D = Decimal


@pytest.fixture
def bench() -> Bench:
    return Bench(largest=D(2))


def filled(bench: Bench, qty: str = "5") -> list:
    """The stops that go out when a short of this size has filled."""
    (entry,) = bench.open(side=Side.SHORT, qty=D(qty), stop=D(105), price=D(100))
    bench.answer(entry)
    return bench.fill(entry, f"-{qty}", "100")


def protected(bench: Bench, qty: str = "5") -> list:
    """The same, all confirmed."""
    stops = filled(bench, qty)
    for stop in stops:
        assert bench.answer(stop) == []
    return stops


def test_each_part_has_a_stop_and_only_together_do_they_protect(bench):
    stops = filled(bench)
    assert kinds(stops) == ["stop 2 @ 105", "stop 2 @ 105", "stop 1 @ 105"]
    for stop in stops:
        assert not bench.trade.protected
        assert bench.answer(stop) == []
    assert bench.trade.protected
    assert bench.wait(3_000) == []


def test_a_refused_part_is_tried_again_alone(bench):
    first, second, third = filled(bench)
    bench.answer(first)
    bench.answer(third)
    again = bench.answer(second, "rejected", code="-1001")
    assert kinds(again) == ["stop 2 @ 105"]
    assert bench.answer(again[0]) == []
    assert bench.trade.protected


def test_parts_that_the_price_has_passed_are_closed_in_parts(bench):
    first, *others = filled(bench)
    closes = bench.answer(first, "rejected", code="-2021", message="Order would immediately trigger.")
    assert kinds(closes) == ["exit 2", "exit 2", "exit 1"]
    assert len(others) == 2
    assert all(close.reduce_only for close in closes)
    for close in closes:
        bench.fill(close, str(close.qty), "106")
    assert bench.trade.open_qty == 0


def test_moving_places_every_part_before_any_goes(bench):
    protected(bench)
    moved = bench.move_stop("103")
    assert kinds(moved) == ["stop 2 @ 103", "stop 2 @ 103", "stop 1 @ 103"]
    assert bench.answer(moved[0]) == []
    assert bench.answer(moved[1]) == []
    assert kinds(bench.answer(moved[2])) == ["cancel stop 0", "cancel stop 1", "cancel stop 2"]
    assert bench.trade.protected


def test_a_move_refused_in_part_goes_back_to_where_all_parts_rest(bench):
    protected(bench)
    moved = bench.move_stop("103")
    bench.answer(moved[0])
    bench.answer(moved[1])
    assert kinds(bench.answer(moved[2], "rejected", code="-1001")) == ["cancel stop 3", "cancel stop 4"]
    assert bench.trade.stop == D(105)
    assert bench.trade.protected


def test_a_smaller_position_keeps_the_parts_that_still_fit(bench):
    protected(bench)
    (close,) = bench.close(share=D("0.4"))
    assert kinds([close]) == ["exit 2.0"]
    # what fits stays; one of the whole parts is too much
    assert kinds(bench.fill(close, "2", "99")) == ["cancel stop 1"]
    assert bench.trade.protected


def test_closing_goes_in_parts_and_what_failed_goes_again(bench):
    protected(bench)
    closes = bench.close()
    assert kinds(closes) == ["exit 2", "exit 2", "exit 1"]
    sent = bench.fill(closes[0], "2", "99")
    bench.answer(closes[1], "rejected", code="-1001")
    assert bench.trade.open_qty == D(-3)
    sent += bench.fill(closes[2], "1", "99")
    (close,) = (command for command in sent if isinstance(command, Place))
    assert kinds([close]) == ["exit 2"]
    sent += bench.fill(close, "2", "99")
    for command in sent:
        if isinstance(command, Cancel):
            bench.answer(command)
    assert bench.ended.gross == D(5)


def test_a_close_by_a_limit_is_one_order(bench):
    protected(bench)
    assert kinds(bench.close(price=D(95))) == ["exit 5 @ 95"]


def test_one_part_that_goes_off_closes_the_others_share(bench):
    first, *_ = protected(bench)
    assert kinds(bench.fill(first, "2", "105")) == ["exit 2", "exit 1"]
    assert bench.left == ["stop"]


def test_a_rest_too_small_for_an_order_takes_from_the_part_before(bench, monkeypatch):
    monkeypatch.setattr(made, "instrument", lambda *words: replace(instrument(*words), min_qty=D("0.5")))
    assert kinds(filled(Bench(largest=D(2)), "4.1")) == ["stop 2 @ 105", "stop 1.6 @ 105", "stop 0.5 @ 105"]


def test_a_restart_in_the_middle_places_only_what_is_missing(bench):
    first, second, third = filled(bench)
    bench.answer(first)
    bench.restart()
    bench.answer(second)
    sent = [command for command in bench.wait(1_500) if isinstance(command, PlaceStop)]
    assert kinds(sent) == ["stop 1 @ 105"]
    # the part in doubt goes once its copy rests
    assert kinds(bench.answer(sent[0])) == ["cancel stop 2"]
    assert bench.trade.protected
    assert third.client_id in bench.trade.orders
