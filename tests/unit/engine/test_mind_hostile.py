"""What a bot with a mind of its own must not let pass: limits, hedges, settings that somebody changed meanwhile."""

from __future__ import annotations

from decimal import Decimal

import pytest
from unit.engine.mind_kit import BTC, Room, opened, signal

from bearskin.engine import EngineSettings
from bearskin.terms import (
    AccountNow,
    BalanceNow,
    Close,
    Connected,
    MoveStop,
    Open,
    Place,
    PositionNow,
    SetLeverage,
    SetMarginMode,
    Side,
    TradingChanged,
)

D = Decimal


@pytest.fixture
def room(monkeypatch) -> Room:
    return opened(monkeypatch)


def exits(room: Room) -> list[Place]:
    return [order for order in room.orders("exit") if order.price is None]


def test_the_stop_of_a_hedge_is_not_moved_into_the_shock_it_insures_against(room):
    """10 % are insured: 105 would take the insurance away; 250 is a stop against disaster."""
    room.act(Open, symbol=BTC, side=Side.SHORT, qty=D(50), purpose="hedge", shock_frac=D("0.1"))
    assert "within the shock" in room.act(MoveStop, symbol=BTC, stop=D(105)).refused
    room.quote("90")
    room.mark("90")
    assert "within the shock" in room.act(MoveStop, symbol=BTC).refused
    assert room.orders("disaster") == []
    assert room.act(MoveStop, symbol=BTC, stop=D(250)).refused == ""
    assert [order.trigger for order in room.orders("disaster")] == [D(250)]


def test_a_drawdown_closes_at_market_what_a_limit_was_closing(room):
    room.act(Open, symbol=BTC, side=Side.SHORT, stop=D(102))
    room.act(Close, symbol=BTC, price=D(90))
    assert exits(room) == []
    room.wallet = D(8_000)
    room.account(positions=(PositionNow(symbol=BTC, qty=room.trade.open_qty, entry=D(100)),))
    room.bar()
    room.pass_s(2)
    room.quote("100")
    room.account(positions=())
    assert [note for note in room.told("Leaving") if note.reason == "drawdown"]
    assert len(exits(room)) == 1


def test_a_delisting_closes_at_market_what_a_limit_was_closing(room):
    room.act(Open, symbol=BTC, side=Side.SHORT, stop=D(102))
    room.act(Close, symbol=BTC, price=D(90))
    room.hear(TradingChanged(symbol=BTC, status="delisting", **room.times()))
    room.pass_s(2)
    room.account()
    assert len(exits(room)) == 1


def test_after_a_reconnect_leverage_and_margin_mode_are_asked_for_again(room):
    """Somebody may have changed them at the venue while nobody listened."""
    room.act(Open, symbol=BTC, side=Side.SHORT, stop=D(102))
    room.act(Close, symbol=BTC)
    room.hear(Connected(channel="account", up=True, **room.times()))
    room.sent.clear()
    room.act(Open, symbol=BTC, side=Side.SHORT, stop=D(102))
    assert [type(command) for command in room.sent[:3]] == [SetMarginMode, SetLeverage, Place]


def test_an_entry_that_is_withheld_leaves_no_trade_behind(monkeypatch):
    """A chase rests at the bid of a short: where that is beyond the stop, nothing goes out and nothing stays."""
    room = opened(
        monkeypatch,
        signal(stop=100.3),
        settings=EngineSettings(symbols=(BTC,), guards=False, entry="chase"),
    )
    room.quote("100", spread="1")
    room.pass_s(5)
    room.quote("100", spread="1")
    if room.told("Planned") and not room.orders("entry"):
        assert not room.engine.book.trades


def test_a_loss_that_the_wallet_shows_late_bars_entries_all_the_same(monkeypatch):
    """The venue tells the wallet a minute after the stop: the day is over from then on, not from the next bar."""
    room = opened(monkeypatch)
    room.act(Open, symbol=BTC, side=Side.SHORT, stop=D(102))
    room.act(Close, symbol=BTC)
    room.hear(
        AccountNow(
            asset="USDT", wallet=D(9_700), available=D(9_700), positions=(), orders=(), asked_wall_ns=room.wall_ns,
            **room.times(),
        )
    )  # fmt: skip
    assert room.act(Open, symbol=BTC, side=Side.SHORT, stop=D(102)).refused


def told_balance(room, wallet, transferred):
    room.wallet = D(wallet)
    room.hear(BalanceNow(asset="USDT", wallet=D(wallet), transferred=D(transferred), **room.times()))


def test_a_withdrawal_is_no_drawdown_and_a_deposit_hides_none(monkeypatch):
    room = opened(monkeypatch)
    room.bar()
    before = room.engine.book.worth
    told_balance(room, before.equity - before.equity / 2, -before.equity / 2)
    room.bar()
    worth = room.engine.book.worth
    assert worth.high_water == worth.day_equity == worth.equity == before.equity / 2
    assert not {"drawdown", "daily-loss"} & set(room.engine.book.limits)
    told_balance(room, worth.equity * 2, worth.equity)
    room.bar()
    assert room.engine.book.worth.high_water == before.equity
    kinds = [(note.severity, note.text.split()[1]) for note in room.told("Warned") if note.kind == "transfer"]
    assert kinds == [("info", "withdrawal"), ("info", "deposit")]


def test_the_same_wallet_without_a_transfer_is_a_loss(monkeypatch):
    room = opened(monkeypatch)
    room.bar()
    before = room.engine.book.worth
    told_balance(room, before.equity / 2, 0)
    assert {"drawdown", "daily-loss"} <= set(room.engine.book.limits)
