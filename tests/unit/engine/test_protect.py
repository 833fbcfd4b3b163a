"""The stop-first law, one rule each: told by hand, with the figures in the text."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from unit.engine.bench import BTC, Bench, kinds

from bearskin.engine import Ended, Leaving, Protection, StopMoved, Warned
from bearskin.terms import PlaceStop, Side


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
    _, stop = bench.short(targets=("90",))
    (target,) = bench.trade.live("target")
    cancels = bench.fill(_named(target), "1", "90")
    assert kinds(cancels) == ["cancel stop 0"]
    assert bench.told(Ended) == []
    bench.answer(cancels[0])
    assert (bench.ended.reason, bench.ended.gross, bench.ended.net) == ("target", D(10), D("9.98"))


def _named(order):
    from bearskin.terms import Place

    return Place(symbol=BTC, client_id=order.client_id, role=order.role, qty=order.qty, price=order.price)
