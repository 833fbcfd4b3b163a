"""What happens to an open trade at each bar's end, and what the limits of the account do; longs mirror shorts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from unit.engine.mind_kit import BTC, T0, Room, opened, signal

from bearskin.engine import EngineSettings
from bearskin.risk import Limit
from bearskin.terms import HOUR_NS, Answered, BalanceNow, Close, Pulse, Resume, Side, Skewed, TradingChanged

D = Decimal
BOTH = pytest.mark.parametrize("side", [Side.SHORT, Side.LONG])


def settings(**changes) -> EngineSettings:
    return EngineSettings(**{"symbols": (BTC,), "guards": False} | changes)


def seen(side: Side, short: str) -> str:
    """A price of the short's story, for the long its mirror image around 100."""
    return short if side < 0 else str(200 - D(short))


def bar(room: Room, side: Side, close: float, high: float, low: float) -> None:
    """A bar of the short's story."""
    if side < 0:
        room.bar(close, high=high, low=low)
    else:
        room.bar(200 - close, high=200 - low, low=200 - high)


@BOTH
def test_the_time_stop_leaves_at_the_open_after_its_last_bar(monkeypatch, side):
    room = opened(monkeypatch, signal(side, horizon_bars=3))
    bar(room, side, 100.0, 100.0, 100.0)
    bar(room, side, 100.0, 100.0, 100.0)
    assert not room.told("Ended")
    bar(room, side, 100.0, 100.0, 100.0)
    assert room.last("Ended").reason == "time"


@BOTH
def test_a_close_beyond_the_invalidation_leaves_a_wick_does_not(monkeypatch, side):
    room = opened(monkeypatch, signal(side))
    bar(room, side, 101.5, 101.9, 100.0)
    assert not room.told("Leaving")
    bar(room, side, 101.6, 101.9, 100.0)
    assert room.last("Ended").reason == "invalidated"


def test_a_broken_invalidation_is_told_before_the_time(monkeypatch):
    room = opened(monkeypatch, signal(horizon_bars=1))
    room.bar(101.6)
    assert room.last("Ended").reason == "invalidated"


@BOTH
def test_the_chandelier_follows_the_best_price_from_the_next_bar_on(monkeypatch, side):
    """1.5 ATR of 2 % at 100 are 100 (e^0.03 - 1) = 3.045, 3.0 on the grid: from a best of 97.5 the stop is 100.5."""
    room = opened(monkeypatch, signal(side), settings=settings(trail_atr=D("1.5")))
    assert room.trade.plan.trail == D("3.0")
    bar(room, side, 98.0, 100.0, 97.5)
    moved = room.last("StopMoved")
    assert (moved.old, moved.new) == (D(seen(side, "102.0")), D(seen(side, "100.5")))
    bar(room, side, 99.0, 99.0, 98.0)
    assert len(room.told("StopMoved")) == 1  # never looser
    stops = room.orders("stop")
    assert [stop.trigger for stop in stops] == [D(seen(side, "102")), D(seen(side, "100.5"))]


@BOTH
def test_after_one_r_the_stop_goes_to_where_fees_are_paid(monkeypatch, side):
    """In and out at 0.05 %: (100 - 0.05) / 1.0005 = 99.90 for the short, 100.1001 for the long: never a loss."""
    room = opened(monkeypatch, signal(side), settings=settings(break_even_r=D(1)))
    bar(room, side, 98.5, 100.0, 98.1)
    assert not room.told("StopMoved")
    bar(room, side, 98.2, 98.5, 98.0)
    assert room.last("StopMoved").new == (D("99.9") if side < 0 else D("100.2"))


def test_in_the_bar_of_a_resting_fill_only_the_limit_and_the_close_count(monkeypatch):
    limit = signal(entry="limit", limit_price=101.0, entry_ref=101.0, valid_bars=5)
    room = opened(monkeypatch, limit, settings=settings(trail_atr=D(1)))
    (entry,) = room.orders("entry")
    room.pass_s(60)
    room.fill(entry, entry.qty, D(101))
    room.now_ns -= 60 * 10**9
    room.bar(100.8, high=101.2, low=96.0)
    assert room.trade.best == 100.8


def test_what_is_remembered_of_a_trade_survives_a_restart(monkeypatch):
    room = opened(monkeypatch, signal(horizon_bars=48), settings=settings(trail_atr=D("1.5")))
    room.bar(98.0, low=97.5)
    room.restart()
    room.bar(98.0, low=96.0)
    assert room.last("StopMoved").new == D("99.0")


# --- limits of the account -----------------------------------------------------------------------------------------


def lose(room: Room, share: str) -> None:
    """The wallet shrinks to this share of 10,000, and a bar closes."""
    room.wallet = D(10_000) * D(share)
    room.account()
    room.bar()


@pytest.mark.parametrize(("share", "times"), [("0.95", "0.5"), ("0.90", "0.25")])
def test_a_drawdown_shrinks_the_next_position(monkeypatch, share, times):
    room = Room(signals=[signal(known_ns=T0 + 30 * HOUR_NS)])
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    room.mark("100")
    room.bar()
    lose(room, share)
    while room.now_ns < T0 + 30 * HOUR_NS:
        room.bar()
    room.quote()
    # 5 % of equity as margin at 5x is a quarter of equity in notional, times what the limit leaves
    assert room.last("Planned").qty == -(D(10_000) * D(share) / 400 * D(times)).quantize(D("0.001"))


def test_fifteen_per_cent_down_everything_closes_and_stays_closed_until_reset(monkeypatch):
    room = opened(monkeypatch, signal(horizon_bars=48, targets=(90.0,)))
    room.wallet -= D(1500)
    room.account()
    room.bar()
    assert room.last("Ended").reason == "drawdown"
    assert room.last("Warned").kind == "kill-switch"
    done = room.act(Resume)
    assert "until reset by hand" in done.detail
    room.act(Resume, limits=True)
    room.bar()
    assert "drawdown" not in room.engine.book.limits


def test_two_per_cent_in_a_day_end_the_day_and_midnight_begins_another(monkeypatch):
    room = Room(signals=[signal(known_ns=T0 + 3 * HOUR_NS), signal(known_ns=T0 + 24 * HOUR_NS)])
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    room.mark("100")
    room.bar()
    lose(room, "0.98")
    room.bar()
    room.quote()
    declined = room.last("Declined")
    assert declined.reason == "kill switch or drawdown limit"
    assert "2026-01-02" in declined.detail
    while room.now_ns < T0 + 24 * HOUR_NS:
        room.bar()
    room.quote()
    assert room.told("Planned")
    assert [(n.limit, n.active) for n in room.told("Limited")] == [("daily-loss", True), ("daily-loss", False)]


def test_no_bars_for_longer_than_allowed_is_a_kill_switch_until_they_come(monkeypatch):
    room = Room()
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    room.bar()
    room.pass_s(3600 * 4)
    room.hear(Pulse(**room.times()))
    assert [(n.limit, n.active) for n in room.told("Limited")] == [(f"stale {BTC}", True)]
    assert [(n.kind, n.text) for n in room.told("Warned")] == [("stale", "no bar for 4 bars")]
    room.bar()
    assert room.last("Limited").active is False


def test_mark_and_index_apart_bar_the_symbol_and_are_told(monkeypatch):
    room = Room(signals=[signal()])
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    room.mark("100.6", index=D(100))
    assert [note.kind for note in room.told("Warned")] == ["basis"]
    room.mark("101.1", index=D(100))
    room.mark("101.2", index=D(100))
    assert [note.kind for note in room.told("Warned")] == ["basis", "kill-switch"]
    room.bar()
    room.quote()
    assert "gap" in room.last("Declined").detail
    room.mark("100.7", index=D(100))
    assert room.last("Limited").active is False


def test_a_clock_a_second_off_is_a_kill_switch():
    room = Room()
    room.account()
    room.hear(Skewed(skew_ns=1_200_000_000, **room.times()))
    assert (room.last("Limited").limit, room.last("Limited").active) == ("skew", True)
    room.hear(Skewed(skew_ns=10_000_000, **room.times()))
    assert room.last("Limited").active is False


def test_refusals_of_a_market_that_is_known_to_be_shut_close_nothing_else():
    room = Room()
    room.account()
    room.hear(TradingChanged(symbol=BTC, status="halted", **room.times()))
    for _ in range(8):
        room.pass_s(1)
        room.hear(Answered(symbol=BTC, client_id="x", what="Place", outcome="rejected", code="-4141", **room.times()))
    assert [note.limit for note in room.told("Limited")] == []
    (warned,) = [note for note in room.told("Warned") if note.kind == "halted"]
    assert warned.text == "no new entries"


def test_five_refusals_within_a_minute_close_entries_for_ten():
    room = Room()
    room.account()
    for _ in range(5):
        room.pass_s(1)
        room.hear(Answered(symbol=BTC, client_id="x", what="Place", outcome="rejected", code="-1", **room.times()))
    assert room.last("Limited").limit == "errors"
    room.pass_s(600)
    room.hear(Pulse(**room.times()))
    assert room.last("Limited").active is False


# --- warnings ------------------------------------------------------------------------------------------------------


def test_liquidation_coming_near_is_told_once_at_each_line(monkeypatch):
    """Entered at 100, liquidated near 119.4: half of the way back is 109.7, a quarter 114.6."""
    room = opened(monkeypatch, signal(stop=130.0, targets=(40.0,), atr=0.2), settings=settings(leverage=D(1)))
    level = room.last("Planned").liquidation_price
    for share in ("0.40", "0.52", "0.60", "0.76", "0.80"):
        room.mark(D(100) + (level - 100) * D(share))
    near = [note for note in room.told("Warned") if note.kind == "liquidation-near"]
    assert [note.severity for note in near] == ["warning", "critical"]


@BOTH
def test_funding_that_turns_against_us_is_told_once(monkeypatch, side):
    room = opened(monkeypatch, signal(side))
    kind = D("0.0001") * -side
    for rate in (kind, -kind, -kind):
        room.mark("100", rate=rate)
    assert [note.kind for note in room.told("Warned")] == ["funding-flip"]


def pulses(room: Room, market_s: float, wall_s: float) -> None:
    """Two pulses, so far apart on either clock."""
    room.hear(Pulse(**room.times()))
    room.now_ns += int(market_s * 10**9)
    room.wall_ns += int(wall_s * 10**9)
    room.hear(Pulse(**room.times()))


@pytest.mark.parametrize(("market_s", "told"), [(3.0, ["slippage"]), (600.0, [])])
def test_slippage_is_no_limit_where_the_market_runs_faster_than_the_wall(monkeypatch, market_s, told):
    slipped = Limit(name="slippage", multiplier=D("0.5"), detail="slippage of 3.0 times the expected")
    monkeypatch.setattr("bearskin.engine._limits.limits_of", lambda *_: [slipped])
    room = Room()
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    pulses(room, market_s, 3.0)
    assert [note.limit for note in room.told("Limited")] == told


def test_bars_that_are_on_their_way_in_a_market_in_a_hurry_are_not_missing(monkeypatch):
    room = Room()
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    room.bar()
    pulses(room, 3600 * 5, 1.0)
    assert not room.told("Limited")
    pulses(room, 3600, 6.0)
    assert [note.limit for note in room.told("Limited")] == [f"stale {BTC}"]


@BOTH
def test_a_profit_that_is_in_no_wallet_yet_is_no_fall(monkeypatch, side):
    """Between the last fill and the wallet's new figure the profit is neither open nor booked."""
    room = opened(monkeypatch, signal(side))
    room.mark(seen(side, "98"))
    room.quote(seen(side, "98"))
    bar(room, side, 98.0, 100.0, 98.0)
    before, first = room.last("Equity").equity, len(room.told("Equity"))
    assert before > room.wallet
    hear = room.hear

    def between(event: object) -> None:
        if isinstance(event, BalanceNow):  # something else is told before it
            hear(Pulse(**room.times()))
        hear(event)

    room.hear = between
    room.act(Close, symbol=BTC)
    assert room.last("Ended") is not None
    after = [note.equity for note in room.told("Equity")[first:]]
    assert after
    assert set(after) == {room.wallet}


def test_a_wallet_that_is_never_told_is_waited_for_only_so_long(monkeypatch):
    room = opened(monkeypatch, signal())
    hear, room.hear = room.hear, lambda event: None if isinstance(event, BalanceNow) else hear(event)
    first = len(room.told("Equity"))
    room.pass_s(1)
    room.act(Close, symbol=BTC)
    room.hear(Pulse(**room.times()))
    assert len(room.told("Equity")) == first
    room.pass_s(6)
    room.hear(Pulse(**room.times()))
    assert len(room.told("Equity")) == first + 1
