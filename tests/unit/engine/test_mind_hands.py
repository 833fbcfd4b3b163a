"""Acts by hand: through the same risk, answered once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from unit.engine import mind_kit
from unit.engine.mind_kit import BTC, Room, opened, signal

from bearskin.engine import EngineSettings
from bearskin.risk import Limit
from bearskin.terms import (
    Adopt,
    Close,
    Connected,
    MarginMode,
    MoveStop,
    Open,
    Panic,
    Pause,
    PositionNow,
    Remark,
    Resume,
    Reverse,
    Side,
)

D = Decimal
BOTH = pytest.mark.parametrize("side", [Side.SHORT, Side.LONG])


def seen(side: Side, short: str) -> Decimal:
    """A price of the short's story, for the long its mirror image around 100."""
    return D(short) if side < 0 else 200 - D(short)


@pytest.fixture
def room(monkeypatch) -> Room:
    return opened(monkeypatch)


def short(room: Room, **what):
    return room.act(Open, **{"symbol": BTC, "side": Side.SHORT, "stop": D(102)} | what)


@BOTH
def test_an_entry_by_hand_is_sized_for_its_stop(room, side):
    done = room.act(Open, symbol=BTC, side=side, stop=seen(side, "102"), targets=(seen(side, "97"),))
    assert (done.refused, done.trade) == ("", 1)
    assert room.trade.protected
    assert room.last("Planned").qty == side * D(25)
    assert [order.price for order in room.orders("target")] == [seen(side, "97")]


def test_a_channel_that_is_lost_is_a_warning_and_one_that_is_back_is_none(room):
    room.hear(Connected(**room.times(), channel="market", up=False, detail="no price for 10 s"))
    (warned,) = room.told("Warned")
    assert (warned.kind, warned.text) == ("feed-lost", "the market channel is down: no price for 10 s")
    room.hear(Connected(**room.times(), channel="market", up=True))
    assert len(room.told("Warned")) == 1


def test_an_act_told_twice_is_answered_twice_and_done_once(room):
    first = short(room, act_id="same")
    again = short(room, act_id="same")
    assert (first.refused, again.refused, first.trade, again.trade) == ("", "", 1, 1)
    assert len(room.told("Planned")) == 1
    assert len(room.told("Done")) == 2


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ({"stop": None}, "needs a stop"),
        ({"stop": D(99)}, "needs above 100 for a short"),
        ({"qty": D(30)}, "at most 25"),
        ({"qty": D("0.0001")}, "rounds to zero"),
        ({"qty": D(-1)}, "must be positive"),
        ({"risk_frac": D("0.05")}, "risk above the preset"),
        ({"leverage": D(20)}, "leverage above the preset"),
        ({"targets": (D(103),)}, "wrong side of the entry"),
        ({"symbol": "XYZUSDT"}, "not traded by this bot"),
        ({"purpose": "hedge", "stop": None, "qty": D(1)}, "the adverse move it has to survive"),
    ],
)
def test_what_risk_refuses_is_refused_by_hand_in_one_sentence(room, what, says):
    done = short(room, **what)
    assert says in done.refused
    assert not room.told("Planned")


def test_another_preset_is_chosen_for_one_trade(room):
    assert "at most 5x): preset standard; preset pro takes it" in short(room, leverage=D(8)).refused
    assert short(room, leverage=D(8), preset="pro").refused == ""
    assert room.last("Planned").leverage == D(8)


def test_a_preset_that_allows_less_binds_the_hand(room):
    assert "at most 3x" in short(room, leverage=D(5), preset="beginner").refused
    assert short(room, preset="beginner").refused == ""
    assert (room.last("Planned").qty, room.last("Planned").leverage) == (D(-15), D(3))


def test_a_stop_between_entry_and_mark_would_go_off_at_once(room):
    room.mark("101")
    assert "would go off at once" in short(room, stop=D("100.5")).refused


def test_an_old_quote_is_not_traded_on(room):
    room.pass_s(60)
    assert "old" in short(room).refused


def test_paused_binds_the_hand_too(room):
    room.act(Pause)
    assert "paused" in short(room).refused
    room.act(Resume)
    assert short(room).refused == ""


def test_the_asked_quantity_takes_its_share_of_margin_and_risk(room):
    short(room, qty=D(5))
    planned = room.last("Planned")
    assert (planned.qty, planned.margin, planned.bound_by) == (D(-5), D(100), "quantity")


# --- hedges --------------------------------------------------------------------------------------------------------


def test_a_hedge_proves_its_margin_for_the_shock_and_carries_no_stop(room):
    """50 coins at 100, 10 % up: lost 500 and maintenance 0.5 % of 5,500 is 27.50, so more than 527.50 of 10,000."""
    done = room.act(Open, symbol=BTC, side=Side.SHORT, qty=D(50), purpose="hedge", shock_frac=D("0.1"))
    assert "more than 527.50 and 10000.00" in done.detail
    assert "no top-up needed up to 20 %" in done.detail
    planned = room.last("Planned")
    assert (planned.purpose, planned.margin_mode, planned.stop) == ("hedge", MarginMode.CROSS, None)
    assert room.orders("stop") == room.orders("disaster") == []
    assert not [note for note in room.told("Warned") if note.kind in ("unprotected", "emergency")]


def test_a_hedge_that_dies_in_its_shock_is_refused_with_what_is_missing(room):
    """300 coins at 100, 40 % up: 12,000 lost and 210 maintenance."""
    done = room.act(Open, symbol=BTC, side=Side.SHORT, qty=D(300), purpose="hedge", shock_frac=D("0.4"))
    assert "more than 12210.00" in done.refused


@pytest.mark.parametrize(("stop", "says"), [(D(108), "within the shock"), (D(400), "liquidation comes before")])
def test_a_disaster_stop_lies_beyond_the_shock_and_before_liquidation(room, stop, says):
    what = {"symbol": BTC, "side": Side.SHORT, "qty": D(50), "purpose": "hedge", "shock_frac": D("0.1")}
    assert says in room.act(Open, stop=stop, **what).refused
    done = room.act(Open, stop=D(250), **what)
    assert done.refused == ""
    assert [order.trigger for order in room.orders("disaster")] == [D(250)]


def test_hedge_and_speculation_do_not_mix_in_one_symbol(room):
    short(room, qty=D(1))
    done = room.act(Open, symbol=BTC, side=Side.SHORT, qty=D(1), purpose="hedge", shock_frac=D("0.1"))
    assert "hedge and speculation in one symbol" in done.refused


# --- stops ---------------------------------------------------------------------------------------------------------


@BOTH
def test_tightening_a_stop_is_always_allowed_the_wrong_side_of_the_mark_never(room, side):
    room.act(Open, symbol=BTC, side=side, stop=seen(side, "102"))
    assert room.act(MoveStop, symbol=BTC, stop=seen(side, "101")).refused == ""
    assert room.trade.stop == seen(side, "101")
    refused = room.act(MoveStop, symbol=BTC, stop=seen(side, "99")).refused
    assert "would go off at once" in refused
    assert refused.count(".") == 0
    assert room.trade.stop == seen(side, "101")


@BOTH
def test_widening_a_stop_stays_within_the_preset_and_before_liquidation(room, side):
    """25 coins: at 103.7 less than 100 is lost (1 % of 10,000), at 104.5 more; liquidation is near 119.4 at 5x."""
    room.act(Open, symbol=BTC, side=side, stop=seen(side, "102"))
    assert room.act(MoveStop, symbol=BTC, stop=seen(side, "103.7")).refused == ""
    assert "risk above the preset" in room.act(MoveStop, symbol=BTC, stop=seen(side, "104.5")).refused
    assert "liquidation comes before" in room.act(MoveStop, symbol=BTC, stop=seen(side, "125")).refused
    assert room.trade.stop == seen(side, "103.7")


def test_to_break_even_after_fees(room):
    """(100 - 0.05) / 1.0005 = 99.90: the mark has to be below it first."""
    short(room)
    assert "break-even after fees is 99.9" in room.act(MoveStop, symbol=BTC).refused
    room.mark("99")
    assert room.act(MoveStop, symbol=BTC).refused == ""
    assert room.trade.stop == D("99.9")


# --- closing -------------------------------------------------------------------------------------------------------


def test_closing_a_part_leaves_the_rest_protected(room):
    short(room)
    room.act(Close, symbol=BTC, share=D("0.4"))
    assert room.trade.open_qty == D(-15)
    assert room.trade.protected
    assert [c.qty for c in room.orders("exit")] == [D(10)]


def test_closing_what_is_not_there_is_refused(room):
    assert room.act(Close, symbol=BTC).refused == f"there is no position of ours in {BTC}"
    short(room)
    assert "share was 2" in room.act(Close, symbol=BTC, share=D(2)).refused


def test_reversing_closes_first_and_opens_the_other_side_sized_for_its_stop(room):
    short(room)
    done = room.act(Reverse, symbol=BTC, stop=D(98))
    assert (done.refused, done.trade) == ("", 2)
    assert room.last("Ended").reason == "reversed"
    assert room.trade.open_qty == D(25)


def test_the_other_side_of_a_reversal_is_not_levered_higher_than_the_first(room):
    short(room, leverage=D(2))
    assert room.act(Reverse, symbol=BTC, stop=D(98)).refused == ""
    assert room.trade.plan.leverage == D(2)


def test_the_other_side_of_a_reversal_risks_no_more_than_the_first_was_entered_with(room):
    short(room, risk_frac=D("0.004"))
    first = room.trade.plan.loss_at_stop
    assert room.act(Reverse, symbol=BTC, stop=D(98)).refused == ""
    assert 0 < room.trade.plan.loss_at_stop <= first


def test_a_reversal_that_risk_refuses_closes_nothing(room):
    short(room)
    done = room.act(Reverse, symbol=BTC, stop=D(101))
    assert "nothing was closed" in done.refused
    assert room.trade.open_qty == D(-25)


def test_panic_closes_and_stays_closed_until_resumed(room):
    short(room)
    room.act(Panic)
    assert room.last("Ended").reason == "panic"
    assert "panic" in short(room).refused
    room.act(Resume)
    assert short(room).refused == ""


def test_a_thesis_is_kept_with_the_trade_and_survives_a_restart(room):
    short(room)
    room.act(Remark, symbol=BTC, text="funding has turned")
    room.restart()
    assert room.trade.thesis == "funding has turned"


def test_adopting_a_hedge_needs_a_liquidation_beyond_the_shock(room):
    theirs = PositionNow(symbol=BTC, qty=D(-5), entry=D(100), liquidation_price=D(120))
    room.account(positions=(theirs,))
    assert room.act(Adopt, symbol=BTC, purpose="hedge", shock_frac=D("0.3")).refused
    assert "liquidation" in room.act(Adopt, symbol=BTC, stop=D(125)).refused
    assert room.act(Adopt, symbol=BTC, purpose="hedge", shock_frac=D("0.1")).refused == ""
    assert room.trade.plan.purpose == "hedge"


def test_an_act_cut_off_by_a_restart_is_answered_so_that_nobody_waits(monkeypatch):
    room = opened(monkeypatch, answers=False)
    assert short(room, act_id="lost") is None
    room.restart()
    room.quote("100")
    assert "started again" in room.last("Done").refused


def test_an_act_that_the_venue_does_not_answer_is_refused_in_time(monkeypatch):
    room = opened(monkeypatch, answers=False)
    short(room)
    for _ in range(12):
        room.pass_s(1)
        room.quote("100")
    assert "has not answered SetMarginMode" in room.last("Done").refused


def test_a_trailing_stop_by_hand_needs_bars(room):
    assert "needs 14 bars" in short(room, trail_atr=D(2)).refused
    for _ in range(15):
        room.bar(100.0, high=101.0, low=99.0)
    room.quote()
    assert short(room, trail_atr=D(2)).refused == ""
    assert room.last("Planned").trail == D("4.1")  # 100 (e^0.04 - 1)


def test_the_limits_of_the_account_bind_the_hand_too(monkeypatch):
    room = opened(monkeypatch, signal(), settings=EngineSettings(symbols=(BTC,), guards=False))
    room.act(Close, symbol=BTC)
    room.wallet = D(8000)
    room.account()
    room.bar()
    room.quote()
    assert "kill switch" in short(room).refused


@pytest.mark.parametrize(("name", "shut"), [("daily-stops", False), ("hand-stops", True)])
def test_three_stops_bar_who_was_stopped_and_nobody_else(monkeypatch, name, shut):
    limit = Limit(name=name, multiplier=D(0), detail="3 were stopped")
    monkeypatch.setattr("bearskin.engine._limits.limits_of", lambda *_: [limit])
    room = opened(monkeypatch, signal())
    assert [one.detail for one in room.told("Declined")] == ([] if shut else [f"{name}: 3 were stopped"])
    if shut:
        room.act(Close, symbol=BTC)
    assert ("3 were stopped" in short(room).refused) is shut


@pytest.mark.parametrize(("by", "counts"), [("hand", (0, 1)), ("webhook", (1, 0))])
def test_a_stop_is_counted_for_who_asked_for_the_trade(room, by, counts):
    room.act(Open, symbol=BTC, side=Side.SHORT, stop=D(102), by=by)
    (stop,) = room.orders("stop")
    room.quote("102")
    room.fill(stop, stop.qty, D(102))
    assert room.last("Ended").reason == "stop"
    worth = room.engine.book.worth
    assert (worth.day_stops, worth.hand_stops) == counts


@BOTH
@pytest.mark.parametrize("qty", ["3.001", "3"])
def test_a_quantity_beyond_the_venues_largest_order_is_refused(monkeypatch, side, qty):
    """Whatever the kind of entry: the stop and the way out go at market."""
    made = mind_kit.instrument
    monkeypatch.setattr(mind_kit, "instrument", lambda *words: replace(made(*words), market_max_qty=D(3)))
    room = opened(monkeypatch)
    done = room.act(Open, symbol=BTC, side=side, stop=seen(side, "102"), qty=D(qty), price=seen(side, "101"))
    if qty == "3":
        assert done.refused == ""
    else:
        assert "3.001" in done.refused
        assert "at most 3" in done.refused
        assert "the largest market or stop order of the venue" in done.refused
        assert room.told("Planned") == []


def test_a_size_fits_into_the_venues_largest_order(monkeypatch):
    made = mind_kit.instrument
    monkeypatch.setattr(mind_kit, "instrument", lambda *words: replace(made(*words), market_max_qty=D(3)))
    room = opened(monkeypatch)
    assert short(room).refused == ""
    plan = room.last("Planned")
    assert (plan.qty, plan.bound_by) == (D(-3), "largest-order")
