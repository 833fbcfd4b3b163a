"""Sequences that a venue, a clock or a wire can produce and that nobody would think of first, one test for each."""

from __future__ import annotations

from decimal import Decimal

from unit.engine.bench import BTC, MS, Bench, kinds

from bearskin.engine import Adjusted, Corrected, Ended, EngineSettings, Warned
from bearskin.terms import (
    Filled,
    Funded,
    Place,
    PlaceStop,
    Pulse,
    Side,
)

D = Decimal
ETH = "ETHUSDT"
HOUR_MS = 3_600_000


def limit_short(bench: Bench, qty: str = "1", price: str = "100", stop: str = "105") -> Place:
    (entry,) = bench.open(side=Side.SHORT, qty=D(qty), stop=D(stop), price=D(price))
    return entry


# --- the wall clock is set back --------------------------------------------------------------------------------------


def test_a_clock_set_back_does_not_stop_the_stop():
    """The answer to a stop is lost while the clock goes back an hour: it is placed again, or the position closed."""
    bench = Bench()
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    bench.answer(entry)
    bench.fill(entry, "-1", "100")
    bench.now_ns -= HOUR_MS * MS
    sent = bench.wait(6_000)
    assert [c for c in sent if isinstance(c, PlaceStop | Place)], "nothing for six seconds, and for an hour"
    assert any(isinstance(c, Place) and c.role == "exit" for c in sent)


def test_a_clock_set_back_does_not_stop_the_close():
    bench = Bench()
    bench.short(targets=("95",))
    bench.close()
    bench.now_ns -= HOUR_MS * MS
    sent = bench.wait(4_000)
    exits = [c for c in sent if isinstance(c, Place) and c.role == "exit"]
    assert 1 <= len(exits) <= 6


# --- a silence of two minutes ----------------------------------------------------------------------------------------


def test_without_answers_for_two_minutes_little_is_sent_and_it_is_said_again_and_again():
    """A ban holds everything back: what waits must not become a burst that brings the next ban."""
    bench = Bench()
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    bench.answer(entry)
    sent = bench.fill(entry, "-1", "100") + bench.wait(120_000)
    assert len(sent) <= 25, len(sent)
    assert any(isinstance(c, Place) and c.role == "exit" for c in sent)


# --- an order of a trade that is over --------------------------------------------------------------------------------


def test_an_entry_that_appears_after_its_trade_ended_is_cancelled():
    bench = Bench()
    entry = limit_short(bench)
    bench.answer(entry, "unknown")
    bench.answer(entry, "absent")
    assert bench.ended.reason == "unfilled"
    sent = bench.changed(entry, "open") + bench.wait(250)
    assert kinds(sent) == ["cancel entry 0"]


def test_an_entry_that_appears_in_the_account_after_its_trade_ended_is_cancelled():
    bench = Bench()
    entry = limit_short(bench)
    bench.answer(entry, "unknown")
    bench.answer(entry, "absent")
    sent = bench.account(orders=(bench.order(entry, "open"),)) + bench.wait(250)
    assert kinds(sent) == ["cancel entry 0"]


def test_a_fill_that_only_the_order_tells_of_revives_an_ended_trade():
    bench = Bench()
    entry = limit_short(bench)
    bench.answer(entry, "unknown")
    bench.answer(entry, "absent")
    sent = bench.changed(entry, "filled", "-1", average=D(100)) + bench.wait(500)
    assert "exit 1" in kinds(sent)


# --- the same number twice -------------------------------------------------------------------------------------------


def test_one_trade_id_on_two_symbols_is_two_forced_fills():
    bench = Bench(settings=EngineSettings(symbols=(BTC, ETH)), symbols=(BTC, ETH))
    for symbol in (BTC, ETH):
        (entry,) = bench.open(symbol=symbol, side=Side.SHORT, qty=D(1), stop=D(105))
        bench.answer(entry)
        bench.fill(entry, "-1", "100")
    for symbol in (BTC, ETH):
        bench.hear(
            Filled(
                symbol=symbol, client_id="adl_autoclose", venue_id="1", trade_id="77", qty=D("0.5"), price=D(98),
                why="adl", **bench.times(10),
            )
        )  # fmt: skip
    assert [trade.open_qty for trade in bench.engine.book.trades.values()] == [D("-0.5"), D("-0.5")]


def test_one_trade_id_on_two_symbols_is_two_fills_nobody_has_claimed():
    bench = Bench(settings=EngineSettings(symbols=(BTC, ETH)), symbols=(BTC, ETH))
    stops = []
    for symbol in (BTC, ETH):
        (entry,) = bench.open(symbol=symbol, side=Side.SHORT, qty=D(1), stop=D(105))
        bench.answer(entry)
        (stop,) = bench.fill(entry, "-1", "100")
        bench.answer(stop)
        stops.append(stop)
    for symbol in (BTC, ETH):  # what the stops became trades under a number nobody has heard of
        bench.hear(
            Filled(
                symbol=symbol, client_id="", venue_id=f"c-{symbol}", trade_id="77", qty=D(1), price=D(105),
                **bench.times(10),
            )
        )  # fmt: skip
    for stop in stops:
        bench.changed(stop, "triggered", child_id=f"c-{stop.symbol}")
    assert {note.symbol: note.gross for note in bench.told(Ended)} == {BTC: D(-5), ETH: D(-5)}


# --- funding ---------------------------------------------------------------------------------------------------------


def test_funding_of_the_trade_before_is_not_the_next_ones():
    bench = Bench()
    _, stop = bench.short()
    settled_ns = bench.now_ns
    bench.changed(stop, "triggered", after_ms=200)
    bench.fill(stop, "1", "105")
    assert bench.told(Ended)
    bench.now_ns += 70_000 * MS
    bench.short()
    bench.hear(Funded(symbol=BTC, amount=D(-3), time_ns=settled_ns, wall_ns=bench.now_ns))
    assert bench.trade.funding == 0


# --- what the venue holds with the position --------------------------------------------------------------------------


def test_a_stop_of_the_position_before_covers_nothing():
    """The account was seen a minute ago; its position and stop are those of a trade that is over."""
    bench = Bench()
    _, stop = bench.short()
    bench.account(("-1", "100"), orders=(bench.order(stop, "open"),), stop=D(105))
    bench.fill(stop, "1", "105")
    bench.changed(stop, "filled", "1")
    assert not bench.engine.book.trades
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    bench.answer(entry)
    sent = bench.fill(entry, "-1", "100")
    assert kinds(sent) == ["stop 1 @ 105"]
    assert not bench.trade.protected


# --- forced fills ----------------------------------------------------------------------------------------------------


def test_an_adl_before_the_entrys_own_fill_is_booked():
    bench = Bench()
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    bench.answer(entry, order=bench.order(entry, "filled", "-1"))
    bench.hear(
        Filled(
            symbol=BTC, client_id="adl_autoclose", venue_id="1", trade_id="77", qty=D("0.4"), price=D(98), why="adl",
            **bench.times(10),
        )
    )  # fmt: skip
    assert bench.trade.open_qty == D("-0.6")
    bench.fill(entry, "-1", "100")
    assert bench.trade.open_qty == D("-0.6")
    assert bench.trade.realised == D("0.8")


# --- stops and closes that the venue refuses -------------------------------------------------------------------------


def test_where_every_close_is_refused_a_stop_is_still_tried_and_it_is_said_again():
    bench = Bench()
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    bench.answer(entry)
    pending = bench.fill(entry, "-1", "100")
    said_after, stops = [], 0
    for _ in range(480):  # two minutes
        for command in pending:
            if isinstance(command, PlaceStop | Place):
                code = "-4120" if isinstance(command, PlaceStop) else "-4131"
                pending = bench.answer(command, "rejected", after_ms=1, code=code, message="no")
                stops += isinstance(command, PlaceStop)
                break
        else:
            before = len(bench.notes)
            pending = bench.hear(Pulse(**bench.times(250)))
            said_after += [n for n in bench.notes[before:] if isinstance(n, Warned) and n.severity == "critical"]
    # the stop of a position that cannot be closed is worth another try
    assert stops > 8
    assert len(said_after) >= 3


def test_a_stop_that_vanishes_while_the_close_is_refused_is_placed_again():
    bench = Bench()
    _, stop = bench.short()
    (exit_,) = bench.close()
    bench.answer(exit_, "rejected", code="-4131")
    bench.changed(stop, "canceled")
    stops = 0
    pending = []
    for _ in range(80):
        for command in pending:
            if isinstance(command, Place):
                pending = bench.answer(command, "rejected", after_ms=1, code="-4131")
                break
            if isinstance(command, PlaceStop):
                stops += 1
                pending = bench.answer(command, after_ms=1)
                break
        else:
            pending = bench.hear(Pulse(**bench.times(250)))
    assert stops >= 1


# --- the venue's word first, the fill after --------------------------------------------------------------------------


def test_a_fill_after_the_venues_word_on_the_position_is_not_counted_again():
    bench = Bench()
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    bench.answer(entry, "unknown")
    bench.account(("-1", "100"), after_ms=500)
    bench.account(("-1", "100"), after_ms=500)
    assert bench.told(Adjusted)
    assert bench.trade.open_qty == -1
    bench.answer(entry, "accepted", order=bench.order(entry, "filled", "-1", average=D(100)))
    assert bench.trade.open_qty == -1
    bench.fill(entry, "-1", "100")
    assert bench.trade.open_qty == -1
    assert bench.trade.fees == D("0.01")


def test_a_stops_fill_after_the_venues_word_on_the_position_is_not_counted_again():
    bench = Bench()
    _, stop = bench.short()
    for command in bench.account(after_ms=500):
        bench.answer(command, "rejected", code="-2022")
    bench.account(after_ms=500)
    (adjusted,) = bench.told(Adjusted)
    assert adjusted.theirs == 0
    bench.fill(stop, "1", "105")
    assert all(trade.open_qty == 0 for trade in bench.engine.book.trades.values())
    assert not bench.engine.book.trades
    (corrected,) = bench.told(Corrected)
    assert (corrected.gross, corrected.fees, corrected.net) == (D(-5), D("0.02"), D("-5.02"))


def test_funding_that_is_told_after_the_end_belongs_to_the_trade_that_paid_it():
    bench = Bench()
    _, stop = bench.short()
    bench.fill(stop, "1", "105", after_ms=500)
    bench.changed(stop, "filled", "1")
    settled_ns = bench.ended.entered_ns + 100 * MS
    bench.hear(Funded(symbol=BTC, amount=D(-3), time_ns=settled_ns, wall_ns=bench.now_ns + 1_000 * MS))
    bench.hear(Funded(symbol=BTC, amount=D(-3), time_ns=settled_ns, wall_ns=bench.now_ns + 2_000 * MS))
    (corrected,) = bench.told(Corrected)
    assert (corrected.funding, corrected.net) == (D(-3), bench.ended.net - 3)


def test_who_left_some_seconds_before_a_settlement_may_still_have_paid_it():
    bench = Bench()
    _, stop = bench.short()
    bench.fill(stop, "1", "105")
    bench.changed(stop, "filled", "1")
    bench.hear(Funded(symbol=BTC, amount=D(-3), **bench.times(5_000)))
    (corrected,) = bench.told(Corrected)
    assert corrected.funding == -3
    bench.hear(Funded(symbol=BTC, amount=D(-3), **bench.times(120_000)))
    assert len(bench.told(Corrected)) == 1


# --- what nothing else held -------------------------------------------------------------------------------------------


def test_a_refused_trigger_is_not_given_up_for_an_old_stop_that_covers_a_part():
    bench = Bench()
    entry = limit_short(bench, "2")
    bench.answer(entry)
    (first,) = bench.fill(entry, "-1", "100")
    bench.answer(first)
    (second,) = bench.fill(entry, "-1", "100")
    bench.move_stop("104")
    (third,) = bench.answer(second, "rejected", code="-1001")
    assert kinds([third]) == ["stop 2 @ 104"]
    assert kinds(bench.answer(third, "rejected", code="-1001")) == ["stop 2 @ 104"]
    assert bench.trade.stop == 104


def test_after_a_crash_of_a_minute_a_stop_comes_before_a_close():
    bench = Bench()
    (entry,) = bench.open(side=Side.SHORT, qty=D(1), stop=D(105))
    bench.answer(entry)
    bench.fill(entry, "-1", "100")
    bench.restart()
    (stop,) = bench.hear(Pulse(**bench.times(60_000)))
    assert kinds([stop]) == ["stop 1 @ 105"]
    bench.answer(stop)
    assert bench.trade.protected
    assert bench.left == []


def test_a_stop_that_the_venue_keeps_for_less_than_is_open_does_not_do():
    bench = Bench()
    entry = limit_short(bench, "2")
    bench.answer(entry)
    (first,) = bench.fill(entry, "-1", "100")
    (again,) = bench.answer(first, "rejected", code="-1001")
    bench.answer(again, "rejected", code="-1001")
    bench.account(("-1", "100"), orders=(bench.order(entry, "open", "-1"),), stop=D(105))
    assert bench.trade.protected
    assert kinds(bench.fill(entry, "-1", "100")) == ["stop 2 @ 105"]
