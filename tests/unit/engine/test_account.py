"""The account against the book: missed fills, what is not ours, what was closed elsewhere, two liquidation prices."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from unit.engine.bench import BTC, Bench, Hands, instrument, kinds

from bearskin.engine import Adjusted, Desk, Ended, Engine, Foreign, Limited, Protection, Reconciled, Warned
from bearskin.engine._account import adopt
from bearskin.terms import (
    AccountNow,
    Adopt,
    Bracket,
    Brackets,
    Filled,
    MarginMode,
    OrderNow,
    PositionNow,
    Pulse,
    Side,
    client_id,
)

D = Decimal


class Adopting(Hands):
    """Hands that adopt, too."""

    def decide(self, desk: Desk) -> None:
        if isinstance(desk.event, Adopt):
            self.refused = adopt(desk, desk.event)
        super().decide(desk)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def resting(bench: Bench) -> tuple[OrderNow, ...]:
    """Our live orders as the venue lists them."""
    return tuple(
        OrderNow(
            symbol=BTC, client_id=o.client_id, venue_id="v", status="open", qty=o.qty, conditional=o.conditional,
            trigger=o.stop_price, price=o.price,
        )
        for o in bench.trade.orders.values()
        if o.live
    )  # fmt: skip


def test_account_that_agrees_leaves_no_trace(bench):
    bench.short()
    bench.account(("-1", "100"), orders=resting(bench))
    before = bench.engine.book.state_hash()
    length = len(bench.journal)
    bench.account(("-1", "100"), orders=resting(bench), after_ms=60_000)
    assert bench.engine.book.state_hash() == before
    assert len(bench.journal) == length
    assert bench.told(Reconciled) == []


def test_position_closed_elsewhere_is_believed_when_seen_twice(bench):
    bench.short()
    bench.account(orders=resting(bench))
    assert bench.stepped.look
    assert bench.told(Adjusted) == []
    (drop,) = bench.account(orders=resting(bench), after_ms=1_500)
    (adjusted,) = bench.told(Adjusted)
    assert (adjusted.ours, adjusted.theirs) == (D(-1), D(0))
    bench.answer(drop)
    assert bench.ended.reason == "closed elsewhere"


def test_position_that_grew_elsewhere_is_protected_whole(bench):
    bench.short()
    bench.account(("-3", "101"), orders=resting(bench))
    (stop,) = bench.account(("-3", "101"), orders=resting(bench), after_ms=1_500)
    assert kinds([stop]) == ["stop 3 @ 105"]
    assert not bench.trade.protected


def test_fill_on_its_way_is_no_difference(bench):
    """The question went out before the fill: what it answers is older than what we know."""
    bench.short()
    asked = bench.now_ns
    (close,) = bench.close()
    bench.fill(close, "0.4", "99")
    for _ in range(2):
        bench.hear(
            AccountNow(
                asset="USDT", wallet=D(1000), available=D(1000), orders=resting(bench), asked_wall_ns=asked,
                positions=(PositionNow(symbol=BTC, qty=D(-1), entry=D(100)),), **bench.times(50),
            )
        )  # fmt: skip
    assert bench.told(Adjusted) == []


def test_stop_that_the_venue_does_not_know_is_put_back_at_once(bench):
    bench.short()
    (again,) = bench.account(("-1", "100"))
    assert kinds([again]) == ["stop 1 @ 105"]
    assert not bench.trade.protected


def test_money_of_a_fill_that_nobody_tells_comes_from_the_average(bench):
    _, stop = bench.short()
    bench.changed(stop, "filled", "1", average=D(106))
    assert bench.trade.open_qty == 0
    assert bench.stepped.look
    bench.account(after_ms=2_000)
    assert (bench.ended.reason, bench.ended.gross, bench.ended.fees) == ("stop", D(-6), D("0.01"))


def test_fill_that_comes_after_its_average_was_booked_adds_its_fee_only(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    (stop,) = bench.answer(entry, order=bench.order(entry, "filled", "-1", average=D(100)))
    bench.answer(stop)
    bench.account(("-1", "100"), orders=resting(bench), after_ms=2_000)
    assert (bench.trade.qty, bench.trade.cost, bench.trade.fees) == (D(-1), D(-100), D(0))
    bench.fill(entry, "-1", "100", fee=D("0.05"))
    assert (bench.trade.qty, bench.trade.cost, bench.trade.fees) == (D(-1), D(-100), D("0.05"))


def test_what_is_not_ours_is_reported_and_bars_its_symbol(bench):
    bench.account(("2", "90"))
    (foreign,) = bench.told(Foreign)
    assert (foreign.blocked, foreign.qty, foreign.detail) == (True, D(2), "position 2 at 90")
    assert bench.open(side=Side.SHORT, qty=D(1), stop=D(105)) == []
    bench.account(("2", "90"), after_ms=60_000)
    assert len(bench.told(Foreign)) == 1
    bench.account(after_ms=60_000)
    assert not bench.told(Foreign)[-1].blocked
    assert bench.engine.book.barred(BTC) == ""


def test_order_of_another_bot_is_not_ours(bench):
    theirs = OrderNow(symbol=BTC, client_id=client_id("they", 1, "stop", 0), venue_id="v", status="open", qty=D(1))
    bench.account(orders=(theirs,))
    assert BTC in bench.engine.book.foreign
    assert bench.sent == []


def test_order_of_ours_whose_trade_is_over_is_swept_up(bench):
    left = OrderNow(
        symbol=BTC, client_id=client_id("demo", 7, "stop", 0), venue_id="v", status="open", qty=D(1), conditional=True
    )
    (cancel,) = bench.account(orders=(left,))
    assert (cancel.client_id, cancel.conditional) == (left.client_id, True)
    # the number is not given again: the venue may remember the names of its orders
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    assert entry.client_id == client_id("demo", 8, "entry", 0)


def test_stop_of_a_lost_journal_is_not_swept_up_under_its_position(bench):
    left = OrderNow(symbol=BTC, client_id=client_id("demo", 7, "stop", 0), venue_id="v", status="open", qty=D(1))
    assert bench.account(("-1", "100"), orders=(left,)) == []


def test_adopting_makes_it_ours_and_protects_it():
    bench = Bench()
    bench.engine.mind = hands = Adopting()
    bench.engine._mind = hands
    bench.fresh = lambda: Engine(bench.settings, {BTC: (instrument(), None)}, Adopting())
    bench.account(("-2", "100"))
    adopting = {"symbol": BTC, "act_id": "1"}
    assert bench.hear(Adopt(**adopting, **bench.times(1))) == []
    assert hands.refused == "a speculation needs a stop"
    bench.hear(Adopt(stop=D(95), **adopting, **bench.times(1)))
    assert hands.refused == "the stop 95 lies on the wrong side of the price 100"
    (stop,) = bench.hear(Adopt(stop=D(104), **adopting, **bench.times(1)))
    assert kinds([stop]) == ["stop 2 @ 104"]
    assert bench.engine.book.barred(BTC) == ""
    bench.answer(stop)
    assert bench.told(Protection)[-1].protected


def test_stop_that_the_venue_keeps_with_the_position_protects_it(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    bench.answer(entry)
    bench.account(("-1", "100"), stop=D(105))
    assert bench.fill(entry, "-1", "100") == []
    assert bench.trade.protected


ONE_TIER = Brackets(
    venue="demo", symbol=BTC, snapshot="test",
    rows=(Bracket(floor=D(0), cap=D(1_000_000), mmr=D("0.01"), max_leverage=50, cum=D(0)),),
)  # fmt: skip


@pytest.mark.parametrize(("theirs", "agrees"), [("118.7", True), ("118.9", True), ("119.1", False), ("118.5", False)])
def test_liquidation_prices_that_differ_by_a_tenth_of_a_per_cent_bar_new_entries(theirs, agrees):
    """Short 1 at 100 on a margin of 20: 120 / 1.01 = 118.81; a tenth of a per cent is 0.12."""
    bench = Bench()
    bench.fresh = lambda: Engine(bench.settings, {BTC: (instrument(), ONE_TIER)}, Hands())
    bench.engine = bench.fresh()
    bench.short()
    isolated = {"margin_mode": MarginMode.ISOLATED, "margin": D(20)}
    bench.account(("-1", "100"), orders=resting(bench), liquidation_price=D(theirs), **isolated)
    assert bool(bench.engine.book.barred(BTC)) is not agrees
    assert len(bench.told(Limited)) == (0 if agrees else 1)
    assert [note.kind for note in bench.told(Warned)] == ([] if agrees else ["liquidation-price-differs"])
    bench.account(("-1", "100"), orders=resting(bench), liquidation_price=D("118.81"), **isolated)
    assert bench.engine.book.barred(BTC) == ""


def test_cross_liquidation_price_counts_the_other_positions():
    """Wallet 1000 (the bench's), short 10 at 100: (1000 + 1000) / (10 * 1.01) = 198.0198."""
    bench = Bench()
    bench.fresh = lambda: Engine(bench.settings, {BTC: (instrument(), ONE_TIER)}, Hands())
    bench.engine = bench.fresh()
    bench.short("10")
    bench.account(("-10", "100"), orders=resting(bench), margin_mode=MarginMode.CROSS, liquidation_price=D("198.02"))
    assert bench.engine.book.barred(BTC) == ""
    bench.account(("-10", "100"), orders=resting(bench), margin_mode=MarginMode.CROSS, liquidation_price=D("190"))
    assert "we reckon 198.0198" in bench.engine.book.barred(BTC)


def test_restart_between_order_and_answer_asks_and_goes_on(bench):
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    bench.restart()
    (doubt,) = bench.engine.in_doubt()
    assert (doubt.client_id, doubt.conditional) == (entry.client_id, False)
    (stop,) = bench.answer(entry, order=bench.order(entry, "filled", "-1", average=D(100)), after_ms=30_000)
    assert kinds([stop]) == ["stop 1 @ 105"]
    # it was open for thirty seconds and that is told, but a stop that takes one answer comes before a close
    bench.answer(stop)
    assert bench.trade.unprotected_s_max == pytest.approx(30.01)


def test_fill_of_an_entry_that_was_given_up_is_closed(bench):
    """The venue did not know it, we ended the trade, and then it has filled after all."""
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    bench.answer(entry, "unknown")
    bench.answer(entry, "absent")
    assert bench.ended.reason == "unfilled"
    (close,) = bench.fill(entry, "-1", "100")
    assert kinds([close]) == ["exit 1"]
    bench.fill(close, "1", "101")
    assert [note.reason for note in bench.told(Ended)] == ["unfilled", "emergency"]


def test_position_that_we_closed_while_the_account_was_asked_is_not_foreign(bench):
    _, stop = bench.short()
    asked = bench.now_ns
    bench.fill(stop, "1", "105")
    assert bench.ended.reason == "stop"
    bench.hear(
        AccountNow(
            asset="USDT", wallet=D(1000), available=D(1000), orders=(), asked_wall_ns=asked,
            positions=(PositionNow(symbol=BTC, qty=D(-1), entry=D(100)),), **bench.times(50),
        )
    )  # fmt: skip
    assert bench.told(Foreign) == []


def test_who_trades_beside_us_is_seen_at_once(bench):
    """Half of our position is bought back by hand: the account is asked for, and again as soon as it may be."""
    bench.short()
    bench.hear(Pulse(**bench.times(5_000)))
    names = {"client_id": "web_1", "venue_id": "77", "trade_id": "h1"}
    bench.hear(Filled(symbol=BTC, qty=D("0.5"), price=D(99), fee=D(0), **names, **bench.times()))
    assert bench.stepped.look
    bench.account(("-0.5", "100"), orders=resting(bench))
    assert not bench.stepped.look  # asked for a moment ago
    bench.hear(Pulse(**bench.times(1_000)))
    assert bench.stepped.look  # but not forgotten
    sent = bench.account(("-0.5", "100"), orders=resting(bench))
    assert kinds(sent) == ["stop 0.5 @ 105"]
    assert bench.trade.open_qty == D("-0.5")


def test_panic_does_not_take_a_position_of_ours_that_is_closed_by_now_for_somebody_elses(bench):
    _, stop = bench.short()
    bench.account(("-1", "100"), orders=resting(bench))
    (close,) = [sent for sent in bench.panic() if sent.role == "exit"]
    bench.fill(close, "1", "99")
    bench.changed(close, "filled", "1")
    bench.changed(stop, "canceled")
    assert bench.ended.reason == "panic"
    assert bench.panic(foreign=True) == []
    assert not bench.engine.book.trades


def test_a_fill_that_is_not_ours_has_the_account_asked_for_at_once(bench):
    bench.short()
    fill = {"symbol": BTC, "venue_id": "7", "price": D(100), "fee": D(0)}
    ours = client_id(bench.engine.book.tag, 1, "entry", 0)
    bench.hear(Filled(trade_id="a", client_id=ours, qty=D(-1), **fill, **bench.times(10)))
    assert not bench.stepped.look
    bench.hear(Filled(trade_id="b", client_id="by-hand-in-the-app", qty=D(-2), **fill, **bench.times(5_000)))
    assert bench.stepped.look


def test_the_liquidation_price_of_the_position_before_is_not_that_of_this_one(bench):
    bench.short()
    book, trade = bench.engine.book, bench.trade
    told = PositionNow(
        symbol=BTC, qty=trade.qty, entry=trade.cost / trade.qty, margin_mode=MarginMode.ISOLATED, leverage=D(5),
        liquidation_price=D("119.5"),
    )  # fmt: skip
    key = (BTC, trade.leg)
    book.account.positions[key] = told
    assert book.liquidation_price(trade) == D("119.5")
    for other in (
        replace(told, qty=-told.qty),
        replace(told, entry=told.entry + 1),
        replace(told, liquidation_price=None),
    ):
        book.account.positions[key] = other
        assert book.liquidation_price(trade) == trade.plan.liquidation_price
