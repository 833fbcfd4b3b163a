"""A target that is moved: cancelled and placed anew, never more than its share, the stop left alone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from unit.engine.bench import Bench, kinds
from unit.engine.mind_kit import BTC, Room, opened

from bearskin.terms import Close, MoveStop, MoveTarget, Open, Side, step_down

D = Decimal


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.account()
    return made


def target_at(bench: Bench, price: str):
    (order,) = [one for one in bench.trade.orders.values() if one.role == "target" and one.price == D(price)]
    return bench.engine.book.order(order.client_id) and _named(bench, order)


def _named(bench: Bench, order):
    from bearskin.engine import Issued

    return next(note.command for note in bench.told(Issued) if getattr(note.command, "client_id", "") == order.client_id
                and type(note.command).__name__ == "Place")  # fmt: skip


def test_the_old_one_ends_before_the_new_one_rests_and_the_stop_is_left_alone(bench):
    bench.short(targets=("90",))
    old = target_at(bench, "90")
    (cancel,) = bench.move_target("92")
    assert kinds([cancel]) == ["cancel target 0"]
    assert bench.trade.targets == (D(92),)
    sent = bench.answer(cancel) + bench.changed(old, "canceled")
    assert kinds(sent) == ["target 1 @ 92"]
    assert bench.trade.protected
    assert [order.stop_price for order in bench.trade.live("stop")] == [D(105)]


def test_a_cancel_that_nobody_knows_the_end_of_is_asked_about_and_nothing_is_placed_beside_it(bench):
    bench.short(targets=("90",))
    old = target_at(bench, "90")
    (cancel,) = bench.move_target("92")
    assert bench.answer(cancel, "unknown") == []
    assert [order.price for order in bench.trade.live("target")] == [D(90)]
    asked = bench.wait(2_000)
    assert all("target 1 @" not in kind for kind in kinds(asked))
    assert kinds(bench.changed(old, "canceled")) == ["target 1 @ 92"]


def test_a_fill_that_comes_before_the_cancel_counts_against_its_own_target(bench):
    """Half at 95 and half at 90: 0.3 of the first fills while it is moved, so 0.2 go to its new place."""
    bench.short(targets=("95", "90"))
    first = target_at(bench, "95")
    bench.move_target("94")
    bench.fill(first, "0.3", "95")
    sent = bench.changed(first, "canceled", filled="0.3")
    assert "target 0.2 @ 94" in kinds(sent)
    assert sum((order.left for order in bench.trade.live("target")), D(0)) == D("0.7")
    assert bench.trade.taken_at(0) == D("0.3")
    assert bench.trade.taken_at(1) == 0


def test_a_target_that_goes_back_to_where_it_was_has_not_forgotten_what_it_took(bench):
    bench.short(targets=("95", "90"))
    first = target_at(bench, "95")
    bench.fill(first, "0.3", "95")
    bench.move_target("94")
    bench.changed(first, "canceled", filled="0.3")
    assert bench.trade.taken_at(0) == D("0.3")
    bench.move_target("95")
    assert bench.trade.taken_at(0) == D("0.3")


# --- what risk and the market say of it ----------------------------------------------------------------------------


def seen(side: Side, price: str) -> Decimal:
    return D(price) if side < 0 else 200 - D(price)


@pytest.fixture
def room(monkeypatch) -> Room:
    return opened(monkeypatch)


def held(room: Room, side: Side = Side.SHORT) -> None:
    room.act(Open, symbol=BTC, side=side, stop=seen(side, "102"), targets=(seen(side, "97"), seen(side, "94")))


@pytest.mark.parametrize("side", [Side.SHORT, Side.LONG])
def test_both_sides_move_theirs_and_a_restart_remembers_it(room, side):
    held(room, side)
    before = [(order.client_id, order.stop_price) for order in room.trade.live("stop")]
    done = room.act(MoveTarget, symbol=BTC, target=seen(side, "93.5"), number=2)
    assert (done.refused, done.detail) == ("", f"target 2 goes to {seen(side, '93.5'):f}")
    live = {order.price: order.qty for order in room.trade.live("target")}
    assert live == {seen(side, "97"): -side * D("12.5"), seen(side, "93.5"): -side * D("12.5")}
    assert [(order.client_id, order.stop_price) for order in room.trade.live("stop")] == before
    room.restart()
    assert room.trade.targets == (seen(side, "97"), seen(side, "93.5"))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"target": D(101)}, "needs below 100 for a short"),
        ({"target": D(0)}, "needs below 100 for a short"),
        ({"target": D(93)}, "target 1 stands before target 2, which is at 94"),
        ({"target": D(98), "number": 2}, "target 2 stands beyond target 1, which is at 97"),
        ({"target": D(94)}, "which is at 94"),
        ({"target": D(90), "number": 3}, "has no target 3"),
        ({"target": D(90), "number": 0}, "has no target 0"),
        ({"target": D(90), "symbol": "ETHUSDT"}, "no position of ours"),
    ],
)
def test_what_cannot_stand_there_is_refused_in_one_sentence(room, asked, says):
    held(room)
    refused = room.act(MoveTarget, **{"symbol": BTC} | asked).refused
    assert says in refused
    assert room.trade.targets == (D(97), D(94))
    assert not room.told("TargetMoved")


def test_a_target_through_the_market_is_a_close_and_said_so(room):
    held(room)
    room.quote("97.5")
    assert "would fill at once, the ask is 97.5" in room.act(MoveTarget, symbol=BTC, target=D(99)).refused


def test_a_target_that_is_taken_and_a_position_that_is_being_closed_stay_as_they_are(room):
    held(room)
    (first,) = [order for order in room.orders("target") if order.price == D(97)]
    room.fill(first, first.qty, D(97))
    assert "target 1 has been reached" in room.act(MoveTarget, symbol=BTC, target=D(96)).refused
    room.act(Close, symbol=BTC, price=D(99))
    assert "being closed" in room.act(MoveTarget, symbol=BTC, target=D(93), number=2).refused


def test_where_another_target_stood_and_took_something_is_not_taken_twice(room):
    held(room)
    (first,) = [order for order in room.orders("target") if order.price == D(97)]
    part = step_down(first.qty / 2, D("0.001"))
    room.fill(first, part, D(97))
    assert room.act(MoveTarget, symbol=BTC, target=D(98)).refused == ""
    assert (
        "another target of this trade stood at 97" in room.act(MoveTarget, symbol=BTC, target=D(97), number=2).refused
    )


def test_off_the_grid_it_goes_to_the_price_that_is_reached_later(room):
    held(room)
    assert room.act(MoveTarget, symbol=BTC, target=D("96.27")).detail == "target 1 goes to 96.2"


def test_what_was_meant_for_a_trade_that_has_ended_moves_nothing_of_the_next_one(monkeypatch):
    room = opened(monkeypatch)
    open_short = {"symbol": BTC, "side": Side.SHORT, "stop": D(102), "targets": (D(90),)}
    room.act(Open, **open_short)
    first = room.trade.number
    assert room.act(MoveStop, symbol=BTC, stop=D("101.5"), trade=first).refused == ""
    room.act(Close, symbol=BTC)
    room.pass_s(1)
    room.account()
    room.act(Open, **open_short)
    second = room.trade.number
    assert second != first
    for late in (
        room.act(MoveStop, symbol=BTC, stop=D("101.5"), trade=first),
        room.act(MoveTarget, symbol=BTC, target=D(91), trade=first),
    ):
        assert late.refused == (f"trade {first} in BTCUSDT is not open: trade {second} is, which was not meant")
    assert (room.trade.stop, room.trade.targets) == (D(102), (D(90),))
    assert room.act(MoveTarget, symbol=BTC, target=D(91), trade=second).refused == ""
    assert room.act(MoveStop, symbol=BTC, stop=D("101.5")).refused == ""
