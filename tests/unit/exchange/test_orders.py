"""What is refused, and what becomes of what is not."""

from __future__ import annotations

import pytest
from unit.exchange.floor import BTC, SECOND, Bench, D, check_books, code_of

from bearskin.exchange._words import LevelChanged, OrderUpdated, Place, Refused, SetTrading, Traded


def told(events, order_id):
    """What is told of an order, as pairs of execution and status."""
    return [(e.execution, e.order.status) for e in events if isinstance(e, OrderUpdated) and e.order.id == order_id]


# --- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("qty", "price", "words", "code"),
    [
        (1, "100.05", {}, -1111),  # more decimals than the tick
        (1, "100.0000000000000000000000000000000000000001", {}, -1111),
        (1, "1e-70", {}, -1111),
        (1, "1e-999999", {}, -1111),
        (1, "1e999999", {}, -4002),
        (1, "1000000.1", {}, -4002),
        (1, "0", {}, -4013),
        (1, "-5", {}, -4013),
        (1, "NaN", {}, -1111),
        (1, "Infinity", {}, -4002),
        ("1.0005", 100, {}, -1111),
        ("1e-70", 100, {}, -1111),
        (10_001, 100, {}, -4005),
        ("1e999999", 100, {}, -4005),
        ("0.049", 100, {}, -4164),  # 4.9 of 5
        (1_001, None, {}, -4005),  # market orders have a limit of their own
        (1, "105.1", {}, -4016),
        (-1, "94.9", {}, -4024),
        (1, 100, {"symbol": "NOPE"}, -1121),
        (1, 100, {"position_side": "LONG"}, -4061),
        (1, 100, {"reduce_only": True}, -2022),
        (1, 100, {"tif": "FOK"}, -5021),
        (1, 100, {"tif": "GTD", "good_till_ns": 0}, -1130),
        (9_000, 100, {}, -2019),
        (10_000, 101, {}, -2027),  # 1,010,000 at 20x, where the bracket ends at 1,000,000
    ],
)
def test_refused_and_nothing_changed(qty, price, words, code):
    bench = Bench(money=40_000 if code == -2019 else 1_000_000)
    before = bench.exchange.state_hash()
    events = bench.place(0, D(qty), None if price is None else D(price), **words)
    assert code_of(events) == code
    assert len(events) == 1
    assert bench.exchange.state_hash() == before


def test_bounds_that_just_hold():
    bench = Bench(money=1_000_000)
    for qty, price in ((1, 105), (-1, 95), (1, "0.1"), ("0.05", 100), (-1, 5000), (1, "100.00000")):
        if price == "0.1":
            qty = 50
        assert code_of(bench.place(0, D(qty), D(price), self_trade="NONE")) == 0, (qty, price)
    check_books(bench)


def test_off_the_grid_is_not_too_many_digits():
    bench = Bench(tick=D("0.5"), step=D("0.002"), min_price=D("0.5"), min_qty=D("0.002"))
    assert code_of(bench.place(0, 1, "100.3")) == -4014
    assert code_of(bench.place(0, "1.001", 100)) == -4023
    assert code_of(bench.place(0, 1, "100.25")) == -1111


def test_a_quantity_below_the_least():
    bench = Bench(min_qty=D("0.01"))
    assert code_of(bench.place(0, "0.005", 100)) == -4004
    assert code_of(bench.do(Place, account=2, symbol=BTC, side=1, type="LIMIT", qty=D(0), price=D(100))) == -4003
    assert code_of(bench.do(Place, account=2, symbol=BTC, side=1, type="LIMIT", qty=D(-1), price=D(100))) == -4003


def test_prices_where_they_belong():
    bench = Bench()
    assert code_of(bench.do(Place, account=2, symbol=BTC, side=1, type="LIMIT", qty=D(1))) == -1102
    assert code_of(bench.do(Place, account=2, symbol=BTC, side=1, type="MARKET", qty=D(1), price=D(1))) == -1106
    assert code_of(bench.do(Place, account=99, symbol=BTC, side=1, type="MARKET", qty=D(1))) == -2015


def test_an_order_good_till_a_date_needs_more_than_ten_minutes():
    bench = Bench()
    at = bench.now + SECOND
    assert code_of(bench.place(0, 1, 99, tif="GTD", good_till_ns=at + 600 * SECOND)) == -1130
    assert code_of(bench.place(0, 1, 99, tif="GTD", good_till_ns=bench.now + 602 * SECOND)) == 0


def test_client_ids_are_single_among_open_orders():
    bench = Bench()
    number = bench.order(0, 1, 99, client_id="mine").id
    assert code_of(bench.place(0, 1, 99, client_id="mine")) == -4116
    assert code_of(bench.place(1, 1, 99, client_id="mine")) == 0
    bench.cancel(0, number)
    assert code_of(bench.place(0, 1, 99, client_id="mine")) == 0
    check_books(bench)


def test_only_so_many_open_orders():
    bench = Bench(max_orders=2)
    bench.order(0, 1, 99)
    bench.order(0, 1, 99)
    assert code_of(bench.place(0, 1, 98)) == -2025
    assert code_of(bench.place(0, 1)) == 0, "a market order does not stay"


def test_a_halted_symbol_takes_cancels_only():
    bench = Bench()
    number = bench.order(0, 1, 99).id
    bench.do(SetTrading, symbol=BTC, status="HALT")
    assert code_of(bench.place(0, 1, 99)) == -4141
    assert code_of(bench.amend(0, number, 1, 98)) == -4141
    assert code_of(bench.cancel(0, number)) == 0


# --- life -----------------------------------------------------------------------------------------------------------


def test_a_resting_order_is_told_new_and_its_level():
    bench = Bench()
    events = bench.place(0, 2, 99, client_id="a")
    assert [type(event) for event in events] == [OrderUpdated, LevelChanged]
    assert (events[0].execution, events[0].order.status) == ("NEW", "NEW")
    assert (events[1].side, events[1].price, events[1].qty, events[1].update_id) == (1, 99, 2, 1)
    check_books(bench)


def test_a_market_order_takes_and_the_rest_expires():
    bench = Bench()
    bench.order(0, -1, 101)
    bench.order(1, -1, 102)
    events = bench.place(2, 3)
    number = events[0].order.id
    assert told(events, number) == [
        ("NEW", "NEW"), ("TRADE", "PARTIALLY_FILLED"), ("TRADE", "PARTIALLY_FILLED"), ("EXPIRED", "EXPIRED")
    ]  # fmt: skip
    assert [(e.price, e.qty, e.buyer_is_maker) for e in events if isinstance(e, Traded)] == [
        (101, 1, False), (102, 1, False)
    ]  # fmt: skip
    market = bench.state.markets[BTC]
    assert (market.last_price, market.last_ticks, market.trade_id, market.open_interest) == (102, 1020, 2, 2)
    assert [e.order.quote for e in events if isinstance(e, OrderUpdated) and e.order.id == number][-1] == 203
    check_books(bench)


def test_a_market_order_goes_no_further_than_its_bound():
    bench = Bench(market_take_bound=D("0.02"))
    for price in (101, 102, "102.1"):
        bench.order(0, -1, price)
    order = bench.order(1, 3)
    assert (order.status, order.filled_steps) == ("EXPIRED", 2000)
    assert bench.held()[1] == [("102.1", "1.000")]


def test_a_market_order_without_a_market_expires():
    assert Bench().order(0, 1).status == "EXPIRED"


def test_at_once_or_not_at_all():
    bench = Bench()
    bench.order(0, -1, 101)
    assert bench.order(1, 2, 101, tif="IOC").status == "EXPIRED"
    assert bench.position(1).qty == 1
    bench.order(0, -1, 101)
    bench.order(0, -1, 102)
    assert code_of(bench.place(1, 2, 101, tif="FOK")) == -5021
    order = bench.order(1, 2, 102, tif="FOK")
    assert (order.status, order.quote) == ("FILLED", 203)
    check_books(bench)


def test_post_only_never_takes():
    bench = Bench()
    bench.order(0, -1, 101)
    assert code_of(bench.place(1, 1, 101, tif="GTX")) == -5022
    assert bench.order(1, 1, "100.9", tif="GTX").status == "NEW"


def test_price_improvement_goes_to_the_taker():
    bench = Bench()
    bench.order(0, -1, 99)
    assert bench.order(1, 1, 101).quote == 99


@pytest.mark.parametrize(
    ("mode", "taker", "maker", "left"),
    [
        ("EXPIRE_TAKER", "EXPIRED_IN_MATCH", None, [("101.0", "1.000"), ("102.0", "1.000")]),
        ("EXPIRE_MAKER", "FILLED", "EXPIRED_IN_MATCH", []),
        ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH", [("102.0", "1.000")]),
        ("NONE", "FILLED", "FILLED", [("102.0", "1.000")]),
    ],
)
def test_self_trades(mode, taker, maker, left):
    bench = Bench()
    own = bench.order(0, -1, 101).id
    bench.order(1, -1, 102)
    events = bench.place(0, 1, 102, self_trade=mode)
    number = events[0].order.id
    assert told(events, number)[-1][1] == taker
    assert (told(events, own)[-1][1] if told(events, own) else None) == maker
    assert bench.held()[1] == left
    check_books(bench)


@pytest.mark.parametrize(("mode", "code"), [("EXPIRE_TAKER", -5021), ("EXPIRE_BOTH", -5021), ("EXPIRE_MAKER", 0)])
def test_fill_or_kill_knows_that_it_will_meet_itself(mode, code):
    bench = Bench()
    bench.order(0, -1, 101)
    bench.order(1, -2, 102)
    assert code_of(bench.place(0, 2, 102, tif="FOK", self_trade=mode)) == code
    assert code_of(bench.place(2, 4, 102, tif="FOK")) == -5021
    check_books(bench)


def test_cancels():
    bench = Bench()
    first = bench.order(0, 1, 99, client_id="a").id
    second = bench.order(0, 1, 98, client_id="b").id
    bench.order(1, 1, 98)
    assert code_of(bench.cancel(1, first)) == -2011, "another's order"
    assert code_of(bench.cancel(0, first, symbol="NOPE")) == -2011
    assert code_of(bench.cancel(0, 77)) == -2011
    assert code_of(bench.cancel(0, client_id="zzz")) == -2011
    assert code_of(bench.cancel(0)) == -2011
    events = bench.cancel(0, client_id="b")
    assert told(events, second) == [("CANCELED", "CANCELED")]
    assert code_of(bench.cancel(0, client_id="b")) == -2011
    bench.order(0, 1, 97)
    assert len([e for e in bench.cancel_all(0) if isinstance(e, OrderUpdated)]) == 2
    assert bench.cancel_all(0) == []
    assert code_of(bench.cancel_all(0, "NOPE")) == -1121
    assert bench.held() == [[("98.0", "1.000")], []]
    check_books(bench)


# --- amendments ---------------------------------------------------------------------------------------------------


def test_an_amended_order_goes_to_the_back():
    bench = Bench()
    first = bench.order(0, 1, 99).id
    second = bench.order(1, 1, 99).id
    events = bench.amend(0, first, 2, 99)
    assert told(events, first) == [("AMENDMENT", "NEW")]
    events = bench.place(2, -1, 99)
    assert told(events, second)[-1] == ("TRADE", "FILLED")
    assert bench.state.orders[first].amendments == 1
    check_books(bench)


def test_amendments_that_are_refused_change_nothing():
    bench = Bench(money=100)
    other = bench.order(0, -1, 110).id
    number = bench.order(0, 1, 99).id
    before = bench.exchange.state_hash()
    for qty, price, code in (
        (1, 99, -5027), (30, 99, -2019), (1, "99.05", -1111), (1, 106, -4016), (-1, 99, -1117), ("0.04", 99, -4164),
        (0.0001, 99, -1111),
    ):  # fmt: skip
        assert code_of(bench.amend(0, number, qty, price)) == code, (qty, price)
    assert code_of(bench.amend(1, number, 1, 98)) == -2013
    assert code_of(bench.amend(0, 99, 1, 98)) == -2013
    assert bench.exchange.state_hash() == before
    bench.state.orders[other].amendments = 10_000
    assert code_of(bench.amend(0, other, -1, 111)) == -5026


def test_an_amended_order_needs_only_what_it_needs_more():
    bench = Bench(money=100)
    # 20 coins at 95 reserve 95 of the 100; moved, not added
    number = bench.order(0, 19, 95).id
    assert code_of(bench.amend(0, number, 19, 96)) == 0
    check_books(bench)


def test_an_amendment_down_to_what_has_filled_cancels():
    bench = Bench()
    number = bench.order(0, 3, 99).id
    bench.order(1, -2, 99)
    events = bench.amend(0, number, 2, 98)
    assert told(events, number) == [("CANCELED", "CANCELED")]
    check_books(bench)


def test_an_amended_order_may_take():
    bench = Bench()
    number = bench.order(0, 3, 99).id
    bench.order(1, -1, 99)
    bench.order(1, -1, 101)
    events = bench.amend(0, number, 4, 101)
    assert told(events, number) == [("AMENDMENT", "PARTIALLY_FILLED"), ("TRADE", "PARTIALLY_FILLED")]
    assert bench.state.orders[number].filled_steps == 2000
    assert bench.held() == [[("101.0", "2.000")], []]
    check_books(bench)


def test_a_post_only_order_amended_across_is_cancelled():
    bench = Bench()
    bench.order(1, -1, 101)
    number = bench.order(0, 1, 99, tif="GTX").id
    assert told(bench.amend(0, number, 1, 101), number) == [("CANCELED", "CANCELED")]
    check_books(bench)


# --- reduce only --------------------------------------------------------------------------------------------------


def long_ten(**words) -> Bench:
    """Account 0 is long ten coins from 100, account 1 short."""
    bench = Bench(**words)
    bench.trade(0, 1, 10, 100)
    return bench


def test_reduce_only_needs_a_position_the_other_way():
    bench = long_ten()
    assert code_of(bench.place(0, 1, 99, reduce_only=True)) == -2022
    assert code_of(bench.place(2, 1, 99, reduce_only=True)) == -2022
    assert code_of(bench.place(0, -1, 101, reduce_only=True)) == 0


def test_a_larger_reduce_only_order_is_cut_to_the_position():
    bench = long_ten()
    assert bench.order(0, -50, 101, reduce_only=True).qty_steps == 10_000
    assert bench.position(0).taken_steps == 10_000
    check_books(bench)


def test_resting_reduce_only_orders_block_what_they_have_taken():
    bench = long_ten()
    target = bench.order(0, -6, 110, reduce_only=True).id
    assert code_of(bench.place(0, -5, 109, reduce_only=True)) == -4118
    assert code_of(bench.place(0, -10, reduce_only=True)) == -4118
    assert code_of(bench.place(0, -4, 109, reduce_only=True)) == 0
    assert code_of(bench.place(0, "-0.001", 109, reduce_only=True)) == -4118
    bench.cancel(0, target)
    assert code_of(bench.place(0, -6, 109, reduce_only=True)) == 0
    check_books(bench)


def test_a_reduce_only_amendment_counts_without_itself():
    bench = long_ten()
    number = bench.order(0, -6, 110, reduce_only=True).id
    assert code_of(bench.amend(0, number, -10, 109)) == 0
    bench.amend(0, number, -6, 109)
    bench.order(0, -2, 111, reduce_only=True)
    before = bench.exchange.state_hash()
    assert code_of(bench.amend(0, number, -9, 109)) == -4118
    assert bench.exchange.state_hash() == before
    assert code_of(bench.amend(0, number, -8, 109)) == 0
    assert bench.position(0).taken_steps == 10_000
    check_books(bench)


def test_reduce_only_is_exempt_from_the_least_notional_and_needs_no_margin():
    bench = long_ten(money=150)
    # all the money goes into an order for more; closing still works
    assert code_of(bench.place(0, 15, 95)) == 0
    assert code_of(bench.place(0, "-0.001", 101, reduce_only=True)) == 0
    assert code_of(bench.place(0, -9, 101)) == 0, "closing without reduce-only needs nothing either"
    check_books(bench)


def test_a_reduce_only_maker_trades_no_more_than_its_position():
    bench = long_ten()
    resting = bench.order(0, -10, 101, reduce_only=True).id
    bench.order(2, 7, 99)
    bench.place(0, -7, 99)  # the position shrinks to three
    assert bench.position(0).taken_steps == 10_000
    events = bench.place(2, 10, 101)
    assert [(e.qty) for e in events if isinstance(e, Traded)] == [3]
    assert told(events, resting) == [("TRADE", "PARTIALLY_FILLED"), ("EXPIRED", "EXPIRED")]
    assert bench.position(0) is None
    assert bench.held() == [[("101.0", "7.000")], []]
    check_books(bench)


def test_resting_reduce_only_orders_expire_with_the_position():
    bench = long_ten()
    first, second = (bench.order(0, -5, price, reduce_only=True).id for price in (110, 111))
    ordinary = bench.order(0, -5, 112).id
    bench.order(2, 10, 99)
    events = bench.place(0, -10, 99)
    assert told(events, first) == told(events, second) == [("EXPIRED", "EXPIRED")]
    assert ordinary in bench.state.orders
    check_books(bench)


def test_resting_reduce_only_orders_expire_when_the_position_turns_round():
    bench = long_ten()
    number = bench.order(0, -5, 110, reduce_only=True).id
    bench.order(2, 15, 99)
    assert told(bench.place(0, -15, 99), number) == [("EXPIRED", "EXPIRED")]
    assert (bench.position(0).qty, bench.position(0).taken_steps) == (-5, 0)
    check_books(bench)


def test_fill_or_kill_knows_what_reduce_only_makers_can_trade():
    bench = long_ten()
    bench.order(0, -10, 101, reduce_only=True)
    bench.order(2, 7, 99)
    bench.place(0, -7, 99)
    assert code_of(bench.place(2, 4, 101, tif="FOK")) == -5021
    assert bench.order(2, 3, 101, tif="FOK").status == "FILLED"
    check_books(bench)


# --- hedge mode ---------------------------------------------------------------------------------------------------


def hedged() -> Bench:
    bench = Bench()
    bench.account(0).dual = True
    bench.order(1, -10, 100)
    bench.order(0, 10, 100, position_side="LONG")
    bench.order(1, 4, 100)
    bench.order(0, -4, 100, position_side="SHORT")
    return bench


def test_both_sides_are_held_side_by_side():
    bench = hedged()
    assert (bench.position(0, "LONG").qty, bench.position(0, "SHORT").qty) == (10, -4)
    assert bench.position(1).qty == -6
    check_books(bench)


@pytest.mark.parametrize(
    ("qty", "words", "code"),
    [
        (1, {"position_side": "BOTH"}, -4061),
        (-1, {"position_side": "LONG", "reduce_only": True}, -4062),
        (-11, {"position_side": "LONG"}, -2022),
        (5, {"position_side": "SHORT"}, -2022),
        (-10, {"position_side": "LONG"}, 0),
        (4, {"position_side": "SHORT"}, 0),
        (1, {"position_side": "LONG"}, 0),
        (-1, {"position_side": "SHORT"}, 0),
    ],
)
def test_the_position_side_decides(qty, words, code):
    bench = hedged()
    assert code_of(bench.place(0, qty, 100, **words)) == code
    check_books(bench)


def test_a_closing_order_is_reduce_only_and_takes_its_position():
    bench = hedged()
    order = bench.order(0, -6, 110, position_side="LONG")
    assert order.reduce_only
    assert code_of(bench.place(0, -5, position_side="LONG")) == -4118
    assert code_of(bench.place(0, 4, 99, position_side="SHORT")) == 0
    check_books(bench)


def test_closing_one_side_leaves_the_orders_of_the_other():
    bench = hedged()
    long_target = bench.order(0, -10, 110, position_side="LONG").id
    short_target = bench.order(0, 2, 90, position_side="SHORT").id
    bench.order(2, -4, 101)
    bench.cancel(0, short_target)
    short_target = bench.order(0, 1, 90, position_side="SHORT").id
    assert code_of(bench.place(0, 3, position_side="SHORT")) == 0
    assert bench.position(0, "SHORT").qty == -1
    assert {long_target, short_target} <= set(bench.state.orders)
    check_books(bench)


# --- the venue's own ----------------------------------------------------------------------------------------------


def test_a_refusal_says_nothing_but_itself():
    bench = Bench()
    (event,) = bench.place(0, 1, 1_000_001)
    assert isinstance(event, Refused)
    assert event.message == "Price greater than max price."
