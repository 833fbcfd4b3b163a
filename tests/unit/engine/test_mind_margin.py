"""Margin moved by hand: into a position at any time, out of it as far as risk lets it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from unit.engine.mind_kit import BTC, Room, opened

from bearskin.terms import (
    AddMargin,
    Answered,
    Close,
    MarginMode,
    MoveMargin,
    MoveStop,
    Open,
    Pause,
    PositionNow,
    Side,
)

D = Decimal


@pytest.fixture
def room(monkeypatch) -> Room:
    """A short of 25 coins at 100 with its stop at 102, as the venue shows it on its 500 of margin (5x)."""
    made = opened(monkeypatch)
    made.act(Open, symbol=BTC, side=Side.SHORT, stop=D(102))
    told(made, "500")
    return made


def told(room: Room, margin: str, mode: MarginMode = MarginMode.ISOLATED) -> None:
    """The venue shows the position with so much margin."""
    qty = room.trade.qty
    at = D(100) + (D(margin) / 25)
    now = PositionNow(symbol=BTC, qty=qty, entry=D(100), margin_mode=mode, margin=D(margin), liquidation_price=at)
    room.pass_s(1)
    room.account(positions=(now,))


def moved(room: Room) -> list[Decimal]:
    """Amounts that went to the venue."""
    return [command.amount for command in room.sent if isinstance(command, AddMargin)]


def test_added_margin_goes_to_the_venue_and_the_answer_says_where_liquidation_goes(room):
    """(500 + 2,500) / 25.125 is 119.40, with 250 more 129.35."""
    done = room.act(MoveMargin, symbol=BTC, amount=D(250))
    assert done.refused == ""
    assert done.detail == "250 USDT added by hand: liquidation 119.40299 → 129.35323"
    assert moved(room) == [D(250)]


def test_margin_asked_for_before_the_venue_has_told_it_waits_for_its_word(monkeypatch):
    """Nobody asks the account after an entry: the act does, and goes on with what is told."""
    room = opened(monkeypatch)
    room.act(Open, symbol=BTC, side=Side.SHORT, stop=D(102))
    assert room.act(MoveMargin, symbol=BTC, amount=D(250)) is None
    assert moved(room) == []
    told(room, "500")
    assert moved(room) == [D(250)]


def test_margin_is_not_moved_on_what_was_told_before_it_was_moved(room):
    """600 of 750 may not go; of the 500 that were told before, not even 500 could: the reason is the new one's."""
    room.act(MoveMargin, symbol=BTC, amount=D(250))
    assert room.act(MoveMargin, symbol=BTC, amount=D(600), take=True) is None
    told(room, "750")
    (done,) = [one for one in room.told("Done") if one.act_id == "a3"]
    assert "leverage above the preset (is 16.67x" in done.refused


def test_margin_that_is_never_told_is_refused_in_the_end(monkeypatch):
    room = opened(monkeypatch)
    room.act(Open, symbol=BTC, side=Side.SHORT, stop=D(102))
    room.act(MoveMargin, symbol=BTC, amount=D(250))
    room.pass_s(30)
    room.act(Pause)
    assert "has not told the margin" in next(one.refused for one in room.told("Done") if one.act_id == "a2")
    assert moved(room) == []


def test_what_was_added_may_be_taken_out_again(room):
    room.act(MoveMargin, symbol=BTC, amount=D(250))
    told(room, "750")
    done = room.act(MoveMargin, symbol=BTC, amount=D(250), take=True)
    assert (done.refused, moved(room)) == ("", [D(250), D(-250)])


@pytest.mark.parametrize(
    ("amount", "says"),
    [
        ("500", "not enough margin"),
        ("100", "leverage above the preset (is 6.25x, needs at most 5x): of what is left as margin"),
    ],
)
def test_margin_that_risk_needs_stays_in(room, amount, says):
    done = room.act(MoveMargin, symbol=BTC, amount=D(amount), take=True)
    assert says in done.refused
    assert moved(room) == []


def test_liquidation_stays_as_far_behind_the_stop_as_at_the_entry(monkeypatch):
    """One coin short at 100 with its stop at 112: liquidation has to lie beyond 124, on 22 it lies at 122 / 1.005."""
    room = opened(monkeypatch)
    room.act(Open, symbol=BTC, side=Side.SHORT, stop=D(112), qty=D(1), leverage=D(2))
    now = PositionNow(symbol=BTC, qty=D(-1), entry=D(100), margin_mode=MarginMode.ISOLATED, margin=D(50))
    room.pass_s(1)
    room.account(positions=(now,))
    refused = room.act(MoveMargin, symbol=BTC, amount=D(28), take=True).refused
    assert refused.startswith("liquidation too close behind the stop (is liquidation at 121.39")
    assert moved(room) == []
    assert room.act(MoveMargin, symbol=BTC, amount=D(20), take=True).refused == ""


def test_a_venue_that_refuses_is_told_in_its_words(room):
    room.answers = False
    assert room.act(MoveMargin, symbol=BTC, amount=D(99_999), act_id="much") is None
    assert "being moved already" in room.act(MoveMargin, symbol=BTC, amount=D(1)).refused
    told_no = {"symbol": BTC, "client_id": "", "act_id": "much", "what": "AddMargin", "outcome": "rejected"}
    room.hear(Answered(**told_no, code="-4050", message="Cross balance insufficient.", **room.times()))
    assert room.last("Done").refused == "the venue has refused it: Cross balance insufficient."


def test_a_venue_that_says_nothing_is_not_waited_for(room):
    room.answers = False
    room.act(MoveMargin, symbol=BTC, amount=D(1), act_id="lost")
    room.pass_s(11)
    room.quote("100")
    assert "look whether it was done" in room.last("Done").refused


def test_a_late_answer_is_not_that_of_the_next_one(room):
    """The first is given up after 10 s; what the venue then says of it must not answer the second."""
    room.answers = False
    room.act(MoveMargin, symbol=BTC, amount=D(1), act_id="first")
    room.pass_s(11)
    room.quote("100")
    told(room, "500")
    room.act(MoveMargin, symbol=BTC, amount=D(300), act_id="second")
    assert moved(room) == [D(1), D(300)]
    said = {"symbol": BTC, "client_id": "", "what": "AddMargin"}
    room.hear(Answered(**said, act_id="first", outcome="accepted", **room.times()))
    answers = {one.act_id: one for one in room.told("Done")}
    assert "second" not in answers
    assert "look whether it was done" in answers["first"].refused
    room.hear(Answered(**said, act_id="second", outcome="rejected", message="too much", **room.times()))
    answers = {one.act_id: one for one in room.told("Done")}
    assert answers["second"].refused == "the venue has refused it: too much"


def test_a_restart_answers_what_was_on_its_way(room):
    room.answers = False
    room.act(MoveMargin, symbol=BTC, amount=D(1), act_id="lost")
    room.restart()
    room.quote("100")
    assert room.last("Done").act_id == "lost"
    assert "started again" in room.last("Done").refused


def test_cross_margin_has_nothing_to_move(room):
    told(room, "500", MarginMode.CROSS)
    assert "cross margin" in room.act(MoveMargin, symbol=BTC, amount=D(1)).refused


def test_without_a_position_there_is_no_margin(room):
    assert "no position of ours" in room.act(MoveMargin, symbol="ETHUSDT", amount=D(1)).refused


def test_margin_that_was_told_of_a_larger_position_is_not_taken_for_what_is_left(room):
    """Half is closed: half of the 500 went with it. 100 of 250 may not go, of the 500 told before they could."""
    room.act(Close, symbol=BTC, share=D("0.5"))
    assert room.trade.qty == D("-12.5")
    assert room.act(MoveMargin, symbol=BTC, amount=D(100), take=True, act_id="out") is None
    assert moved(room) == []
    told(room, "250")
    (done,) = [one for one in room.told("Done") if one.act_id == "out"]
    assert "leverage above the preset (is 8.33x" in done.refused


def test_a_stop_is_not_widened_on_the_liquidation_price_of_before_margin_went_out(monkeypatch):
    """On 50 a coin short at 100 is liquidated near 149, on 30 near 129: a stop at 135 would never be reached."""
    room = opened(monkeypatch)
    room.act(Open, symbol=BTC, side=Side.SHORT, stop=D(112), qty=D(1), leverage=D(2))
    stood = {"symbol": BTC, "qty": D(-1), "entry": D(100), "margin_mode": MarginMode.ISOLATED}
    room.pass_s(1)
    room.account(positions=(PositionNow(**stood, margin=D(50), liquidation_price=D("149.25")),))
    room.answers = False
    room.act(MoveMargin, symbol=BTC, amount=D(20), take=True, act_id="out")
    assert "margin of BTCUSDT" in room.act(MoveStop, symbol=BTC, stop=D(135)).refused
    assert room.act(MoveStop, symbol=BTC, stop=D(111)).refused == ""  # nearer is always better
    accepted = {"symbol": BTC, "client_id": "", "act_id": "out", "what": "AddMargin", "outcome": "accepted"}
    room.hear(Answered(**accepted, **room.times()))
    assert "margin of BTCUSDT" in room.act(MoveStop, symbol=BTC, stop=D(135)).refused
    room.pass_s(1)
    room.account(positions=(PositionNow(**stood, margin=D(30), liquidation_price=D("129.35")),))
    assert "liquidation" in room.act(MoveStop, symbol=BTC, stop=D(135)).refused
    assert room.act(MoveStop, symbol=BTC, stop=D(113)).refused == ""
