"""Market streams: what they say, when, and that they say it once however many listen."""

from __future__ import annotations

import gzip
import itertools
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from wire.desk_kit import BTC, ETH, contract
from wire.stream_kit import MAKER, USER, Ear, StreamKit

from bearskin.exchange._words import (
    ListContract,
    SetMark,
    SetTrading,
    Tick,
)
from bearskin.exchange.wire._feeds import Message
from bearskin.exchange.wire._streams import Streams

ALL = (
    "btcusdt@depth", "btcusdt@depth@100ms", "btcusdt@depth@500ms", "btcusdt@rpiDepth@500ms", "btcusdt@depth5",
    "btcusdt@depth10@100ms", "btcusdt@depth20@500ms", "btcusdt@bookTicker", "btcusdt@aggTrade", "btcusdt@trade",
    "btcusdt@markPrice", "btcusdt@markPrice@1s", "btcusdt@kline_1m", "btcusdt_perpetual@continuousKline_3d",
    "btcusdt@markPriceKline_1h", "btcusdt@indexPriceKline_1M", "btcusdt@miniTicker", "btcusdt@ticker",
    "btcusdt@forceOrder", "!forceOrder@arr", "!markPrice@arr", "!markPrice@arr@1s", "!miniTicker@arr", "!ticker@arr",
    "!bookTicker", "!contractInfo",
)  # fmt: skip


@pytest.fixture
def kit() -> Iterator[StreamKit]:
    made = StreamKit()
    yield made
    made.close()


def test_every_stream_of_the_venue_is_known(kit: StreamKit) -> None:
    kit.listen(*ALL)
    kit.place(USER, -1, "0.1")
    kit.say(ListContract(time_ns=kit.service.now_ns(), contract=contract(BTC)))
    kit.wait(6_000)
    heard = {m.name for m in kit.ear.messages}
    assert sorted(set(ALL) - heard) == ["!forceOrder@arr", "btcusdt@forceOrder"], "nobody was liquidated"


@pytest.mark.parametrize(
    "name",
    [
        "", "btcusdt", "@trade", "BTCUSDT@trade", "nousdt@trade", "btcusdt@nothing", "btcusdt@depth7",
        "btcusdt@depth@50ms", "btcusdt@kline", "btcusdt@kline_7m", "btcusdt@kline@1m", "!trade@arr",
        "btcusdt_perpetual@kline_1m", "btcusdt@markPrice@2s", "btcusdt@trade@1s", "btcusdt@depth5@100ms@100ms",
        "btcusdt_current_quarter@continuousKline_1m", "x" * 64, "!", "btcusdt@depth\n", "btcusdt@rpiDepth",
    ],
)  # fmt: skip
def test_what_is_no_stream_is_not_known(kit: StreamKit, name: str) -> None:
    assert not kit.streams.known(name)
    assert not kit.streams.add(name, Ear())


def test_nothing_is_done_for_nobody(kit: StreamKit, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream nobody hears is given up: no events are looked at, no message is made, no beat is waited for."""
    made: list[str] = []
    whole = Message.__init__

    def counted(self: Message, name: str, row: Any) -> None:
        made.append(name)
        whole(self, name, row)

    monkeypatch.setattr(Message, "__init__", counted)
    kit.listen(*ALL)
    kit.place(USER, -1, "0.1")
    assert made
    for name in ALL:
        kit.streams.remove(name, kit.ear)
    made.clear()
    kit.place(USER, 1, "0.1")
    kit.wait(6_000)
    assert made == []
    assert (kit.streams._feeds, kit.streams._routes, kit.streams._timed) == ({}, {}, {})


def test_a_message_is_made_once_for_all_who_hear_it(kit: StreamKit) -> None:
    ears = [Ear() for _ in range(25)]
    for ear in ears:
        assert kit.streams.add("btcusdt@aggTrade", ear)
    kit.place(USER, -1, "0.1")
    (first,) = ears[0].messages
    assert all(ear.messages == [first] for ear in ears)
    assert first.wrapped is first.wrapped
    assert json.loads(first.wrapped) == {"stream": "btcusdt@aggTrade", "data": json.loads(first.text)}


def test_a_fault_in_one_stream_does_not_silence_the_others(
    kit: StreamKit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ear = kit.listen("btcusdt@trade", "btcusdt@aggTrade")

    def fail(*_: object) -> None:
        raise RuntimeError("as a bug would")

    monkeypatch.setattr(kit.streams._feeds["btcusdt@trade"], "on", fail)
    kit.place(USER, -1, "0.1")
    assert [m.name for m in ear.messages] == ["btcusdt@aggTrade"]
    assert "btcusdt@trade" in caplog.text


# --- books -----------------------------------------------------------------------------------------------------------


def test_diffs_follow_each_other_at_each_speed(kit: StreamKit) -> None:
    ear = kit.listen("btcusdt@depth@100ms", "btcusdt@depth@500ms")
    began = kit.exchange.state.markets[BTC].update_id
    for step in range(10):
        kit.place(MAKER, 1, "0.5", f"{59_900 - step}", client_id=f"s{step}")
        kit.wait(100)
    for name, count in (("btcusdt@depth@100ms", 10), ("btcusdt@depth@500ms", 2)):
        rows = ear.rows(name)
        assert len(rows) == count
        assert rows[0]["pu"] == began
        assert rows[-1]["u"] == kit.exchange.state.markets[BTC].update_id
        for before, row in itertools.pairwise(rows):
            assert row["pu"] == before["u"]
            assert row["U"] <= row["pu"] + 1 <= row["u"]
    ear.clear()
    kit.wait(1_000)
    assert ear.messages == [], "a book at rest is not told of"


def test_a_diff_carries_what_has_changed_since_the_last_and_no_more(kit: StreamKit) -> None:
    ear = kit.listen("btcusdt@depth@100ms")
    for side, price in ((1, "59900.0"), (-1, "60100.0"), (1, "59800.0")):
        kit.place(MAKER, side, "0.5", price)
        kit.wait(100)
    told = [(row["b"], row["a"]) for row in ear.rows()]
    assert told == [
        ([["59900.0", "0.500"]], []),
        ([], [["60100.0", "0.500"]]),
        ([["59800.0", "0.500"]], []),
    ]


def test_a_level_that_came_and_went_between_two_messages_is_told_as_gone(kit: StreamKit) -> None:
    ear = kit.listen("btcusdt@depth@100ms")
    kit.place(MAKER, 1, "0.5", "59900.0", client_id="x")
    kit.cancel(MAKER, "x")
    kit.wait(100)
    (row,) = ear.rows()
    assert (row["b"], row["a"]) == ([["59900.0", "0.000"]], [])


def test_the_best_levels_are_those_of_the_book(kit: StreamKit) -> None:
    ear = kit.listen("btcusdt@depth5@100ms")
    kit.wait(200)
    assert len(ear.messages) == 1, "who joins is told how it stands, and no more until something changes"
    kit.place(MAKER, -1, "0.250", "60001.0")
    kit.wait(200)
    row = ear.rows()[-1]
    assert row["a"][0] == ["60001.0", "0.250"]
    assert row["a"][1] == ["60006.0", "1.500"]
    assert [price for price, _ in row["b"]] == ["59994.0", "59988.0", "59982.0", "59976.0", "59970.0"]
    assert row["u"] == kit.exchange.state.markets[BTC].update_id


def test_the_best_prices_are_told_when_they_change(kit: StreamKit) -> None:
    ear = kit.listen("btcusdt@bookTicker")
    kit.wait(100)
    kit.place(MAKER, 1, "0.5", "59900.0", client_id="deep")
    assert len(ear.messages) == 1, "deeper levels are no news"
    kit.place(MAKER, 1, "0.5", "59995.5", client_id="top")
    kit.cancel(MAKER, "top")
    told = [(row["b"], row["B"], row["a"], row["A"]) for row in ear.rows()]
    still = ("59994.0", "1.500", "60006.0", "1.500")
    assert told == [still, ("59995.5", "0.500", "60006.0", "1.500"), still]
    other = Ear()
    kit.streams.add("btcusdt@bookTicker", other)
    kit.wait(100)
    assert len(other.messages) == 1, "a book at rest keeps nobody waiting"


# --- trades and prices -----------------------------------------------------------------------------------------------


def test_one_order_through_two_makers_is_two_trades_and_one_aggregate(kit: StreamKit) -> None:
    kit.place(MAKER, 1, "0.5", "59994.0")
    ear = kit.listen("btcusdt@trade", "btcusdt@aggTrade")
    kit.place(USER, -1, "1.700")
    trades, aggs = ear.rows("btcusdt@trade"), ear.rows("btcusdt@aggTrade")
    assert [(t["p"], t["q"], t["m"]) for t in trades] == [("59994.0", "1.500", True), ("59994.0", "0.200", True)]
    (agg,) = aggs
    assert (agg["q"], agg["f"], agg["l"], agg["a"]) == ("1.700", trades[0]["t"], trades[1]["t"], 1)
    kit.place(USER, 1, "0.1")
    assert ear.rows("btcusdt@aggTrade")[1]["m"] is False
    assert ear.rows("btcusdt@aggTrade")[1]["a"] == 2


def test_the_mark_is_told_each_second_with_funding(kit: StreamKit) -> None:
    ear = kit.listen("btcusdt@markPrice@1s", "btcusdt@markPrice", "!markPrice@arr@1s")
    kit.say(SetMark(time_ns=kit.service.now_ns(), symbol=BTC, price=Decimal("60123.45")))
    kit.wait(3_000)
    rows = ear.rows("btcusdt@markPrice@1s")
    assert len(rows) == 3
    assert rows[-1]["p"] == "60123.45000000"
    assert rows[-1]["T"] == kit.exchange.state.markets[BTC].next_funding_ns // 1_000_000
    assert len(ear.rows("btcusdt@markPrice")) == 1
    assert [row["s"] for row in ear.rows("!markPrice@arr@1s")[0]] == [BTC, ETH]


def test_a_candle_is_told_as_it_runs_and_once_more_when_it_closes(kit: StreamKit) -> None:
    ear = kit.listen("btcusdt@kline_1m")
    kit.place(USER, -1, "0.1")
    kit.wait(250)
    kit.wait(1_000)
    assert len(ear.messages) == 1, "nothing new, nothing told"
    kit.place(USER, 1, "0.1")
    kit.wait(250)
    kit.pass_ms(120_000)
    kit.wait(250)
    candles = [row["k"] for row in ear.rows()]
    assert [(c["n"], c["x"]) for c in candles] == [(1, False), (2, False), (2, True), (0, True), (0, False)]
    assert candles[2]["o"] == "59994.0"
    assert candles[2]["c"] == candles[4]["o"] == candles[4]["c"] == "60006.0"
    assert candles[3]["t"] == candles[2]["T"] + 1
    assert candles[4]["v"] == "0.000"
    assert (candles[2]["f"], candles[2]["L"], candles[4]["f"]) == (1, 2, -1)


def test_the_day_is_told_when_something_traded(kit: StreamKit) -> None:
    ear = kit.listen("btcusdt@ticker", "!miniTicker@arr")
    kit.place(USER, -1, "0.1")
    kit.place(USER, 1, "0.1")
    kit.wait(6_000)
    (row,) = ear.rows("btcusdt@ticker")
    assert (row["o"], row["c"], row["h"], row["l"], row["v"], row["n"]) == (
        "59994.0", "60006.0", "60006.0", "59994.0", "0.200", 2,
    )  # fmt: skip
    assert (row["p"], row["w"], row["P"]) == ("12.0", "60000.0", "0.020")
    kit.place(USER, 1, "0.1")
    kit.wait(1_000)
    assert [r["s"] for r in ear.rows("!miniTicker@arr")[-1]] == [BTC], "only what has changed"


def test_contracts_are_told_with_their_brackets(kit: StreamKit) -> None:
    ear = kit.listen("!contractInfo")
    kit.say(SetTrading(time_ns=kit.service.now_ns(), symbol=BTC, status="HALT"))
    (row,) = ear.rows()
    assert (row["s"], row["cs"], row["ct"]) == (BTC, "HALT", "PERPETUAL")
    assert row["bks"][0] == {"bs": 1, "bnf": 0, "bnc": 300_000, "mmr": 0.004, "cf": 0, "mi": 101, "ma": 150}


def test_of_the_liquidations_of_a_second_the_largest_is_told(kit: StreamKit) -> None:
    """Two shorts are liquidated by one mark; the stream carries the larger order, once, with what it traded at."""
    from bearskin.exchange._words import Deposit, OpenAccount, SetLeverage, SetMarginMode

    now = kit.service.now_ns()
    kit.say(OpenAccount(time_ns=now, name="small"), OpenAccount(time_ns=now, name="large"))
    for account, qty in ((4, "0.05"), (5, "0.20")):
        kit.say(
            Deposit(time_ns=now, account=account, amount=Decimal(5_000)),
            SetMarginMode(time_ns=now, account=account, symbol=BTC, isolated=True),
            SetLeverage(time_ns=now, account=account, symbol=BTC, leverage=50),
        )
        kit.place(account, -1, qty)
    ear = kit.listen("btcusdt@forceOrder", "!forceOrder@arr")
    kit.say(SetMark(time_ns=now, symbol=BTC, price=Decimal(62_000)))
    kit.say(Tick(time_ns=now))
    kit.wait(2_000)
    for name in ("btcusdt@forceOrder", "!forceOrder@arr"):
        (row,) = ear.rows(name)
        told = row["o"]
        assert (told["S"], told["s"], told["o"], told["f"]) == ("BUY", BTC, "LIMIT", "IOC")
        assert (told["q"], told["z"], told["X"]) == ("0.200", "0.200", "FILLED")
        assert Decimal(told["ap"]) == Decimal(60006)


# --- as the venue sends them -----------------------------------------------------------------------------------------


def covers(ours: Any, real: Any) -> bool:
    """Whether everything in a real message is in ours, with the same JSON types all the way down."""
    if isinstance(real, dict):
        return all(name in ours and covers(ours[name], value) for name, value in real.items())
    if isinstance(real, list):
        return isinstance(ours, list) and (not real or covers(ours[0], real[0]))
    return type(ours) is type(real)


def real_frames(folder: Path) -> dict[str, Any]:
    """One real frame of each kind, out of what was captured from the venue in 2021 and 2024."""
    found: dict[str, Any] = {}
    for file in ("wire_captures_2021/BINANCE_FUTURES.ws.1.0.gz", "wire_raw_2024-08-08/usdm/btcusdt_20240808.gz"):
        with gzip.open(folder / file, "rt") as lines:
            for number, line in enumerate(lines):
                if number > 2_000:
                    break
                at = re.search(r'"data":(\{.*\})\}', line)
                if at is not None:
                    row = json.loads(at[1])
                    if not any(row.get(side) == [] for side in ("a", "b")):
                        found.setdefault(row["e"], row)
    return found


def test_messages_have_the_fields_of_real_ones(kit: StreamKit, real_data: Path) -> None:
    """Every field that a captured frame carries is there, with its JSON type; more may be (the years since)."""
    real = real_frames(real_data)
    assert sorted(real) == ["aggTrade", "bookTicker", "depthUpdate", "kline", "trade"]
    ear = kit.listen(
        "btcusdt@aggTrade", "btcusdt@bookTicker", "btcusdt@depth@100ms", "btcusdt@kline_1m", "btcusdt@trade"
    )
    kit.place(MAKER, 1, "0.5", "59900.0")
    kit.place(MAKER, -1, "0.5", "60100.0")
    kit.place(USER, -1, "0.1")
    kit.wait(500)
    for kind, frame in real.items():
        assert covers(ear.events(kind)[0], frame), kind


def test_streams_are_told_of_a_service_once(kit: StreamKit) -> None:
    assert kit.service._subscribers.count(kit.streams.on_events) == 1
    assert isinstance(kit.streams, Streams)
