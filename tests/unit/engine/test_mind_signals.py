"""From a signal to a planned trade or to the reason why not: one rule each."""

from __future__ import annotations

from decimal import Decimal

import pytest
from unit.engine.mind_kit import BTC, T0, Room, brackets, instrument, opened, signal

from bearskin.engine import CalendarEvent, EngineSettings, Limited
from bearskin.risk import Entry, EntryRules, Exposure, Sized, size_entry
from bearskin.terms import (
    HOUR_NS,
    Answered,
    MarginMode,
    Mode,
    OrderChanged,
    OrderNow,
    Pause,
    Place,
    Pulse,
    Quoted,
    Resume,
    SetLeverage,
    SetMarginMode,
    Side,
    TradingChanged,
)

D = Decimal
BOTH = pytest.mark.parametrize("side", [Side.SHORT, Side.LONG])


def settings(**changes) -> EngineSettings:
    return EngineSettings(**{"symbols": (BTC,), "guards": False} | changes)


@BOTH
def test_a_signal_is_sized_and_entered_at_the_first_quote_of_the_new_bar(monkeypatch, side):
    """10,000 at 1 %: 100 over a distance of 2 and both fees and slippage; the margin share of 5 % at 5x is 25 coins."""
    room = opened(monkeypatch, signal(side))
    planned = room.last("Planned")
    wanted = size_entry(
        Entry(
            side=side, price=D(100), stop=D(102 if side < 0 else 98), resting=False, instrument=instrument(),
            brackets=brackets(),
        ),
        EntryRules(
            preset="standard", risk_frac=None, leverage=None, margin_mode=MarginMode.ISOLATED, heat_frac=D("0.03"),
            slippage_frac=D("0.0002"),
        ),
        Exposure(D(10_000), D(10_000), D(0), D(0), D(0)),
    )  # fmt: skip
    assert isinstance(wanted, Sized)
    assert (planned.qty, planned.bound_by) == (wanted.qty, wanted.bound_by) == (side * D(25), "margin-share")
    assert planned.until_ns == T0 + 5 * HOUR_NS
    assert [type(c).__name__ for c in room.sent[:3]] == ["SetMarginMode", "SetLeverage", "Place"]
    assert room.trade.protected
    assert [(t.price, t.qty) for t in room.orders("target")] == [
        (planned.targets[0], -planned.qty / 2),
        (planned.targets[1], -planned.qty / 2),
    ]


def test_every_signal_is_written_down_and_ends_in_a_plan_or_a_reason(monkeypatch):
    room = opened(monkeypatch, signal(), signal(Side.LONG, setup="other"))
    assert len(room.told("Signalled")) == 2
    assert len(room.told("Planned")) == 1
    assert room.last("Declined").reason == "a position in this symbol is open"
    assert room.engine.book.undecided == {}


def test_nothing_is_decided_before_a_quote_of_the_new_bar(monkeypatch):
    room = Room(signals=[signal()])
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    room.mark("100")
    room.quote("100")
    room.bar()
    assert room.told("Signalled")
    assert not room.told("Planned")
    room.quote("100")
    assert room.told("Planned")


def test_the_entry_that_moved_away_is_let_go(monkeypatch):
    """Half an ATR of 2 % is 1: a short at 98.9 is worse than that."""
    room = opened(monkeypatch, signal(), price="98.9")
    declined = room.last("Declined")
    assert declined.reason == "price moved away before the entry"
    assert "0.55 ATR" in declined.detail


def test_a_signal_whose_bar_is_long_over_is_stale(monkeypatch):
    room = Room(signals=[signal()])
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    room.mark("100")
    room.bar()
    room.pass_s(3600)
    room.quote("100")
    assert room.last("Declined").reason == "the prices at hand are old"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sides": "none"}, "this side is not traded now"),
        ({"sides": "long"}, "this side is not traded now"),
        ({"blackout_hours": (1,)}, "blackout around an event or at a barred hour"),
        (
            {"calendar": (CalendarEvent(name="CPI", start_ns=T0, end_ns=T0 + 2 * HOUR_NS),)},
            "blackout around an event or at a barred hour",
        ),
        ({"positions_max": 0}, "as many positions are open as may be"),
        ({"heat_frac": D(0)}, "total open risk above the limit"),
        ({"notional_cap": D(4)}, "below the venue's smallest order"),
    ],
)
def test_what_the_settings_forbid_is_declined_with_its_reason(monkeypatch, changes, reason):
    room = opened(monkeypatch, signal(), settings=settings(**changes))
    assert [note.reason for note in room.told("Declined")] == [reason]


def test_a_calendar_event_of_another_symbol_bars_nothing(monkeypatch):
    event = CalendarEvent(name="unlock", start_ns=T0, end_ns=T0 + 2 * HOUR_NS, symbols=("SOLUSDT",))
    assert opened(monkeypatch, signal(), settings=settings(calendar=(event,))).told("Planned")


def test_a_day_before_an_event_a_hedge_is_suggested_once(monkeypatch):
    """Bars close at T0 + 1 h, + 2 h, ...; the event is at T0 + 26 h, so the second bar's close is a day before it."""
    moment = T0 + 26 * HOUR_NS
    event = CalendarEvent(name="CPI", start_ns=moment - HOUR_NS, end_ns=moment + HOUR_NS, at_ns=moment)
    room = Room(signals=[], settings=settings(calendar=(event,)))
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    room.bar()
    assert not room.told("Warned")
    room.bar()
    room.bar()
    (told,) = room.told("Warned")
    assert (told.kind, told.severity, told.symbol) == ("hedge-suggest", "info", "")
    assert told.text == "CPI in 24 h: a hedge may be due for what you hold elsewhere"


def test_the_act_of_the_user_goes_before_the_settings(monkeypatch):
    room = Room(signals=[signal()])
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    room.act(Mode, sides="long")
    room.bar()
    room.quote()
    assert room.last("Declined").detail == "mode long"


def test_paused_means_no_entry_until_resumed(monkeypatch):
    room = Room(signals=[signal(), signal(known_ns=T0 + 2 * HOUR_NS)])
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    room.act(Pause)
    room.bar()
    assert room.last("Declined").reason == "paused until resumed"
    room.act(Resume)
    room.bar()
    room.quote()
    assert room.told("Planned")


def test_a_halted_symbol_is_not_entered(monkeypatch):
    room = Room(signals=[signal()])
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    room.hear(TradingChanged(symbol=BTC, status="delisting", **room.times()))
    room.bar()
    assert room.last("Declined").reason == "the symbol is not open for trading"


def test_a_thin_hour_is_measured_from_the_symbols_own_turnover(monkeypatch):
    """Three weeks in which the hour from 01:00 on Thursdays trades a tenth of every other."""
    room = Room(settings=settings(low_volume_frac=0.5))
    for _ in range(3 * 168):
        thin = (room.now_ns // HOUR_NS) % 168 == 1
        room.engine._mind.tape.heard(  # the market alone: no need to walk the whole engine
            _bar(room.now_ns, 1.0 if thin else 10.0)
        )
        room.now_ns += HOUR_NS
        room.wall_ns += HOUR_NS
    known = room.now_ns + HOUR_NS  # Thursday 01:00
    room.signals = [signal(known_ns=known)]
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    room.bar()
    room.quote()
    assert room.last("Declined").reason == "an hour in which little is traded"
    assert "0.10" in room.last("Declined").detail


def _bar(opened_ns, volume):
    from bearskin.terms import BarClosed

    return BarClosed(
        time_ns=opened_ns + HOUR_NS, wall_ns=opened_ns + HOUR_NS, symbol=BTC, interval_ns=HOUR_NS, opened_ns=opened_ns,
        open=100.0, high=100.0, low=100.0, close=100.0, volume=volume,
    )  # fmt: skip


def test_leverage_and_margin_mode_are_set_one_after_the_other_and_only_once(monkeypatch):
    room = opened(monkeypatch, signal())
    assert [c for c in room.sent if isinstance(c, SetMarginMode | SetLeverage)] == [
        SetMarginMode(symbol=BTC, margin_mode=MarginMode.ISOLATED, leverage=5),
        SetLeverage(symbol=BTC, leverage=5, margin_mode=MarginMode.ISOLATED),
    ]
    assert room.engine.book.configured == {BTC: (5, "isolated")}


def test_a_refused_margin_mode_declines_the_signal_and_nothing_goes_out(monkeypatch):
    room = Room(signals=[signal()], answers=False)
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    room.mark("100")
    room.bar()
    room.quote()
    (asked,) = room.sent
    room.hear(
        Answered(
            symbol=BTC, client_id="", what="SetMarginMode", outcome="rejected", message="open orders", **room.times()
        )
    )
    assert room.last("Declined").reason == "the venue refused what the trade needs first"
    assert room.sent == [asked]


def test_without_brackets_a_symbol_is_traded_at_1x(monkeypatch):
    room = opened(monkeypatch, signal(), known_brackets=False)
    planned = room.last("Planned")
    assert (planned.leverage, planned.liquidation_price) == (1, None)
    assert "bracket" in planned.unchecked


def test_a_resting_entry_waits_and_is_given_up(monkeypatch):
    room = opened(monkeypatch, signal(entry="limit", limit_price=101.0, entry_ref=101.0, valid_bars=2))
    (entry,) = room.orders("entry")
    assert (entry.price, room.last("Planned").entry_until_ns) == (D("101.0"), T0 + 3 * HOUR_NS)
    room.bar()
    assert room.engine.book.trades
    room.bar()
    assert room.last("Ended").reason == "unfilled"
    assert not room.engine.book.trades


def test_a_ladder_spreads_the_entry_up_to_half_way_to_the_stop(monkeypatch):
    """From 100 to 101 in three rungs; together never more than was sized for the first."""
    room = opened(monkeypatch, signal(), settings=settings(entry="ladder", ladder_steps=3))
    rungs = room.orders("entry")
    assert [rung.price for rung in rungs] == [D("100.0"), D("100.5"), D("101.0")]
    assert sum(rung.qty for rung in rungs) == room.last("Planned").qty


def test_a_chase_amends_at_most_once_a_second_and_not_past_half_an_atr(monkeypatch):
    room = opened(monkeypatch, signal(), settings=settings(entry="chase"))
    (entry,) = room.orders("entry")
    assert (entry.price, entry.post_only) == (D(100), True)
    room.quote("99.6")
    assert [c for c in room.sent if type(c).__name__ == "Amend"] == []
    room.pass_s(1)
    room.quote("99.6")
    assert [c.price for c in room.sent if type(c).__name__ == "Amend"] == [D("99.6")]
    room.pass_s(1)
    room.quote("98.9")
    assert [c.price for c in room.sent if type(c).__name__ == "Amend"] == [D("99.6")]


def test_exits_of_a_bars_end_come_before_its_entries(monkeypatch):
    """The old position closes at its time, the signal of the same bar is entered after it."""
    first = signal(horizon_bars=1, invalidation=0.0)
    room = opened(monkeypatch, first, signal(known_ns=T0 + 2 * HOUR_NS))
    room.bar()
    room.quote("100")
    assert room.last("Ended").reason == "time"
    assert [note.trade for note in room.told("Planned")] == [1, 2]


def test_a_signal_that_a_restart_left_undecided_is_declined(monkeypatch):
    room = Room(signals=[signal()])
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    room.mark("100")
    room.bar()
    assert room.engine.book.undecided
    room.restart()
    room.quote("100")
    assert "started again" in room.last("Declined").detail
    assert room.engine.book.undecided == {}


def test_someone_elses_order_blocks_the_symbol(monkeypatch):
    room = Room(signals=[signal()])
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    other = OrderNow(symbol=BTC, client_id="mine", venue_id="7", status="open", qty=D(1), price=D(90))
    room.account()
    room.hear(_account_with(room, other))
    room.bar()
    assert room.last("Declined").reason == "a position or an order that is not ours is in this symbol"


def test_a_liquidation_price_that_nobody_understands_bars_the_symbol(monkeypatch):
    room = Room(signals=[signal()])
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    limit = f"liquidation-price {BTC}"
    room.engine.book.limits[limit] = Limited(time_ns=0, wall_ns=0, limit=limit, active=True, detail="119 against 125")
    monkeypatch.setattr(room, "replayed", lambda: room.engine)
    room.bar()
    assert "119 against 125" in room.last("Declined").detail


def _account_with(room, order):
    from bearskin.terms import AccountNow

    return AccountNow(
        asset="USDT", wallet=room.wallet, available=room.wallet, positions=(), orders=(order,),
        asked_wall_ns=room.wall_ns, **room.times(),
    )  # fmt: skip


def test_words_of_the_market_alone_are_not_commands(monkeypatch):
    room = opened(monkeypatch)
    room.hear(Quoted(symbol=BTC, bid=D(100), ask=D(100), **room.times()))
    assert not [c for c in room.sent if isinstance(c, Place)]
    assert not any(isinstance(note, OrderChanged) for note in room.notes)


@pytest.mark.parametrize(
    ("changes", "seen", "otherwise"),
    [
        ({"target1_share": D("0.2")}, lambda room: room.orders("target")[0].qty, D("12.5")),
        ({"stop_by": "last"}, lambda room: room.orders("stop")[0].by, "mark"),
        ({"attach_stops": True}, lambda room: room.orders("entry")[0].attached_stop, None),
        ({"equity_cap": D(1_000)}, lambda room: abs(room.last("Planned").qty), D(25)),
        ({"notional_cap": D(1_000)}, lambda room: abs(room.last("Planned").qty), D(25)),
        ({"risk_frac": D("0.001")}, lambda room: abs(room.last("Planned").qty), D(25)),
        ({"leverage": D(2)}, lambda room: room.last("Planned").leverage, D(5)),
        ({"margin_mode": MarginMode.CROSS}, lambda room: room.last("Planned").margin_mode, MarginMode.ISOLATED),
        ({"slippage_frac": D("0.05")}, lambda room: abs(room.last("Planned").qty), D(25)),
        ({"preset": "beginner"}, lambda room: room.last("Planned").leverage, D(5)),
        ({"entry": "limit"}, lambda room: room.orders("entry")[0].price, None),
    ],
)
def test_a_setting_changes_what_is_traded(monkeypatch, changes, seen, otherwise):
    assert seen(opened(monkeypatch, signal(), settings=settings())) == otherwise
    assert seen(opened(monkeypatch, signal(), settings=settings(**changes))) != otherwise


def test_a_quote_is_as_old_as_the_settings_let_it_be(monkeypatch):
    def said(**changes):
        room = Room(signals=[signal()], settings=settings(**changes))
        monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
        room.account()
        room.mark("100")
        room.bar()
        room.quote("100")
        room.signals = [signal(known_ns=T0 + 2 * HOUR_NS, setup="second")]
        room.bar()
        room.pass_s(20)
        room.hear(Pulse(**room.times()))
        return [note.reason for note in room.told("Declined")]

    assert said(sides="none") == ["this side is not traded now", "the prices at hand are old"]
    assert "the prices at hand are old" not in said(sides="none", stale_quote_s=4_000.0)
