"""Candles: every interval is what counting the trades by hand gives, with history from before and without gaps."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bearskin.exchange._archive import Archive
from bearskin.exchange._candles import INTERVALS, KINDS, MINUTE_MS, Candle, seed_of
from bearskin.exchange._state import Contract, Market, State
from bearskin.exchange._words import MarkSet, Traded
from bearskin.terms import BadInput

D = Decimal
START_MS = int(datetime(2026, 11, 22, 8, 30, tzinfo=UTC).timestamp()) * 1000  # a Sunday
MS_NS = 1_000_000


def contract() -> Contract:
    return Contract(
        symbol="BTCUSDT", base="BTC", quote="USDT", settle="USDT", tick=D("0.10"), step=D("0.001"), min_price=D("0.1"),
        max_price=D(1_000_000), min_qty=D("0.001"), max_qty=D(1000), market_max_qty=D(120), min_notional=D(100),
        brackets=(),
    )  # fmt: skip


def archive_at(now_ms: int) -> tuple[Archive, State]:
    state = State(time_ns=now_ms * MS_NS, markets={"BTCUSDT": Market(contract=contract())})
    archive = Archive()
    archive.bind(state)
    return archive, state


def trade(time_ms: int, number: int, price: str, qty: str = "0.010", *, bought: bool = True) -> Traded:
    return Traded(
        time_ns=time_ms * MS_NS, symbol="BTCUSDT", trade_id=number, price=D(price), qty=D(qty),
        buyer_is_maker=not bought, taker_order=number,
    )  # fmt: skip


def mark(time_ms: int, price: str, index: str) -> MarkSet:
    return MarkSet(
        time_ns=time_ms * MS_NS, symbol="BTCUSDT", mark=D(price), index=D(index), settle_estimate=D(index),
        average=D(price), rate=D(0), next_funding_ns=0,
    )  # fmt: skip


def opening(interval: str, time_ms: int) -> int:
    """When the candle that holds a time opens, by the calendar rather than by counting."""
    day = datetime.fromtimestamp(time_ms / 1000, UTC).replace(second=0, microsecond=0)
    count, unit = int(interval[:-1]), interval[-1]
    if unit == "m":
        day = day.replace(minute=day.minute - day.minute % count)
    else:
        day = day.replace(minute=0)
        if unit == "h":
            day = day.replace(hour=day.hour - day.hour % count)
        else:
            day = day.replace(hour=0)
            if unit == "w":
                day -= timedelta(days=day.weekday())
            elif unit == "M":
                day = day.replace(day=1)
            elif count == 3:
                day -= timedelta(days=(day - datetime(1970, 1, 1, tzinfo=UTC)).days % 3)
    return int(day.timestamp()) * 1000


def by_hand(interval: str, trades: Sequence[Traded], now_ms: int) -> dict[int, list[Traded]]:
    bins: dict[int, list[Traded]] = {}
    for each in trades:
        bins.setdefault(opening(interval, each.time_ns // MS_NS), []).append(each)
    return bins


def test_the_venue_has_fifteen_intervals() -> None:
    assert " ".join(INTERVALS) == "1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M"
    assert KINDS == ("trade", "mark", "index", "premium")


@pytest.mark.parametrize("interval", list(INTERVALS))
def test_candles_open_by_the_calendar(interval: str) -> None:
    found = INTERVALS[interval]
    rng = np.random.default_rng(7)
    for time_ms in (START_MS + rng.integers(-(10**11), 10**11, 200)).tolist():
        open_ms = found.open_ms(found.place(time_ms))
        assert open_ms == opening(interval, time_ms)
        places = found.places(np.array([time_ms], dtype=np.int64))
        assert int(places[0]) == found.place(time_ms)
        assert open_ms <= time_ms < found.open_ms(found.place(time_ms) + 1)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9 * 3600_000),
            st.integers(599_000, 601_000),
            st.integers(1, 5_000),
            st.booleans(),
        ),
        min_size=1,
        max_size=40,
    ),
    st.sampled_from([name for name in INTERVALS if name != "1m"]),
)
@settings(max_examples=80, deadline=None)
def test_every_interval_is_what_its_trades_say(steps: list[tuple[int, int, int, bool]], interval: str) -> None:
    archive, state = archive_at(START_MS)
    now_ms = START_MS
    trades = []
    for number, (gap_ms, tenths, thousandths, bought) in enumerate(steps, 1):
        now_ms += gap_ms
        trades.append(trade(now_ms, number, str(D(tenths) / 10), str(D(thousandths) / 1000), bought=bought))
    state.time_ns = now_ms * MS_NS
    for each in trades:
        archive.take([each], state)
    for name in ("1m", interval):
        rows = archive.candles("BTCUSDT", name, limit=10_000)
        bins = by_hand(name, trades, now_ms)
        filled = [row for row in rows if row.count]
        assert [row.open_ms for row in filled] == list(bins)
        for row, inside in zip(filled, bins.values(), strict=True):
            prices = [each.price for each in inside]
            assert (row.open, row.high, row.low, row.close) == (prices[0], max(prices), min(prices), prices[-1])
            assert row.volume == sum(each.qty for each in inside)
            assert row.quote == sum(each.qty * each.price for each in inside)
            assert row.buy_volume == sum((each.qty for each in inside if not each.buyer_is_maker), D(0))
            assert (row.first_id, row.last_id, row.count) == (inside[0].trade_id, inside[-1].trade_id, len(inside))
        close = None
        for before, row in itertools.pairwise(rows):
            found = INTERVALS[name]
            assert found.place(row.open_ms) == found.place(before.open_ms) + 1, "candles follow each other"
            close = before.close
            if not row.count:
                assert (row.open, row.high, row.low, row.close, row.volume) == (close, close, close, close, D(0))
        assert rows[-1].open_ms == opening(name, now_ms)


def test_a_quiet_minute_repeats_the_close_without_volume() -> None:
    archive, state = archive_at(START_MS + 150_000)
    archive.take([trade(START_MS + 1_000, 1, "60000.1"), trade(START_MS + 2_000, 2, "60001.0")], state)
    rows = archive.klines("BTCUSDT", "1m")
    assert rows[0] == (
        START_MS, "60000.1", "60001.0", "60000.1", "60001.0", "0.020", START_MS + 59_999, "1200.0110", 2, "0.020",
        "1200.0110", "0",
    )  # fmt: skip
    assert rows[1][1:6] == ("60001.0", "60001.0", "60001.0", "60001.0", "0.000")
    assert rows[1][8] == 0
    assert len(rows) == 3


def test_pages_run_forward_from_a_start_and_backward_without_one() -> None:
    archive, state = archive_at(START_MS + 10 * MINUTE_MS)
    for minute in range(10):
        archive.take([trade(START_MS + minute * MINUTE_MS, minute + 1, "60000.0")], state)

    def opens(**asked: int) -> list[int]:
        return [(row.open_ms - START_MS) // MINUTE_MS for row in archive.candles("BTCUSDT", "1m", **asked)]

    assert opens(limit=3) == [8, 9, 10]
    assert opens(limit=3, start_ms=START_MS + 2 * MINUTE_MS) == [2, 3, 4]
    assert opens(limit=3, start_ms=START_MS + 2 * MINUTE_MS + 1) == [3, 4, 5]
    assert opens(limit=3, end_ms=START_MS + 4 * MINUTE_MS + 59_999) == [2, 3, 4]
    assert opens(limit=100, start_ms=START_MS - MINUTE_MS, end_ms=START_MS + MINUTE_MS) == [0, 1]
    assert opens(limit=5, start_ms=START_MS + 11 * MINUTE_MS) == []
    assert opens(limit=0) == []


def test_an_unknown_interval_is_refused() -> None:
    archive, _ = archive_at(START_MS)
    with pytest.raises(BadInput, match="7m"):
        archive.candles("BTCUSDT", "7m")
    assert archive.candles("NOUSDT", "1m") == []


def test_marks_make_candles_of_mark_index_and_premium() -> None:
    archive, state = archive_at(START_MS)
    archive.take([mark(START_MS, "60060", "60000"), mark(START_MS + 1_000, "59970", "60000")], state)
    (row,) = archive.candles("BTCUSDT", "1m", kind="mark")
    assert (row.open, row.low, row.close, row.count, row.volume) == (D(60060), D(59970), D(59970), 2, D(0))
    (index,) = archive.klines("BTCUSDT", "1h", kind="index")
    assert index[1:6] == ("60000.00000000",) * 4 + ("0",)
    (premium,) = archive.candles("BTCUSDT", "1d", kind="premium")
    assert (premium.open, premium.close) == (D("0.001"), D("-0.0005"))  # 60 and -30 over 60,000


def minutes_before(count: int, start_ms: int) -> dict[str, np.ndarray]:
    opens = start_ms - MINUTE_MS * np.arange(count, 0, -1)
    price = 50_000 + np.arange(count) * 10.0
    return {
        "open_ms": opens, "open": price, "high": price + 5, "low": price - 5, "close": price + 1,
        "volume": np.full(count, 2.0), "quote": price * 2, "count": np.full(count, 3), "buy_volume": np.ones(count),
        "buy_quote": price,
    }  # fmt: skip


def test_history_from_before_and_what_happens_now_are_one_line() -> None:
    archive, state = archive_at(START_MS + 90_000)
    archive.seed_candles("BTCUSDT", "trade", minutes_before(90, START_MS))
    archive.take([trade(START_MS + 60_000, 1, "70000.0", "1.000", bought=False)], state)
    hours = archive.candles("BTCUSDT", "1h")
    assert [row.open_ms for row in hours] == [START_MS - 90 * MINUTE_MS, START_MS - 30 * MINUTE_MS]
    # the running hour: thirty seeded minutes, the last of which closed at 50,891, and one trade
    assert (hours[1].open, hours[1].high, hours[1].close) == (D("50600.0"), D("70000.0"), D("70000.0"))
    assert (hours[1].volume, hours[1].count, hours[1].buy_volume) == (D(61), 91, D(30))
    minutes = archive.candles("BTCUSDT", "1m", limit=3)
    assert [row.close for row in minutes] == [D("50891.0"), D("50891.0"), D("70000.0")]
    assert minutes[1].volume == 0


def test_years_of_hours_and_days_of_minutes_may_be_handed_in_together() -> None:
    archive, _ = archive_at(START_MS)
    hour = 3_600_000
    start = START_MS - START_MS % hour
    opens = start - hour * np.arange(240, 0, -1)
    flat = np.full(240, 40_000.0)
    archive.seed_candles("BTCUSDT", "trade", minutes_before(90, start))
    archive.seed_candles(
        "BTCUSDT", "trade", {"open_ms": opens, "open": flat, "high": flat, "low": flat, "close": flat}, step_ms=hour
    )
    hours = archive.candles("BTCUSDT", "1h", limit=10)
    assert hours[-2].open == D("50300.0"), "the last full hour comes from minutes"
    assert hours[-3].open == D("40000.0"), "an hour of which there are only some minutes comes from hours"
    assert len(archive.candles("BTCUSDT", "1d", limit=500)) == 11
    assert len(archive.candles("BTCUSDT", "1m", limit=500)) == 90 + 31  # minutes there are, and those since then


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"open": np.zeros(4)}, "equally long"),
        ({"open_ms": np.array([0, 60_000, 60_000, 120_000, 180_000])}, "ascend"),
        ({"open_ms": np.arange(5) * 60_000 + 1}, "whole steps"),
    ],
)
def test_history_that_does_not_fit_together_is_refused(change: dict[str, np.ndarray], said: str) -> None:
    columns = {**minutes_before(5, 600_000), **change}
    with pytest.raises(BadInput, match=said):
        seed_of(MINUTE_MS, columns)


def test_a_day_is_counted_in_whole_minutes() -> None:
    """1440 minutes and the running one count; what is older does not."""
    archive, state = archive_at(START_MS)
    day = 24 * 60
    for minute, price in ((-day - 1, "10000.0"), (-day, "40000.0"), (-3, "80000.0"), (-2, "30000.0"), (0, "60000.0")):
        archive.take([trade(START_MS + minute * MINUTE_MS, minute + 2_000, price, "0.100")], state)
    for _ in range(2):  # the second answer comes from what was kept of the first
        found = archive.day("BTCUSDT")
        assert (found.open, found.high, found.low, found.last) == (D(40000), D(80000), D(30000), D(60000))
        assert (found.count, found.volume, found.quote) == (4, D("0.4"), D(21000))
        assert (found.average, found.change, found.change_rate) == (D(52500), D(20000), D("0.5"))
        assert (found.first_id, found.last_id, found.last_qty) == (2_000 - day, 2_000, D("0.100"))
    archive.take([trade(START_MS + 1_000, 2_001, "90000.0", "0.100")], state)
    assert archive.day("BTCUSDT").high == D(90000)
    state.time_ns += MINUTE_MS * MS_NS
    assert archive.day("BTCUSDT").open == D(80000), "a minute later the oldest has fallen out"
    told = archive.ticker("BTCUSDT")
    assert (told["priceChange"], told["priceChangePercent"], told["lastPrice"]) == ("10000.0", "12.500", "90000.0")


def test_a_day_without_trades_repeats_the_last_price() -> None:
    archive, state = archive_at(START_MS)
    state.markets["BTCUSDT"].last_price = D("61000.5")
    quiet = archive.day("BTCUSDT")
    assert (quiet.open, quiet.last, quiet.volume, quiet.count, quiet.first_id) == (D("61000.5"), D("61000.5"), 0, 0, -1)
    archive.seed_candles("BTCUSDT", "trade", minutes_before(60, START_MS))
    assert archive.day("BTCUSDT").volume == 120


@pytest.mark.parametrize("seeded", [True, False])
@pytest.mark.parametrize("interval", ["5m", "1h"])
def test_real_minutes_make_the_venues_own_candles(real_data: Path, interval: str, *, seeded: bool) -> None:
    """Two days of RIVERUSDT minutes, handed in or traded, give the candles the venue published itself."""
    folder = real_data / "binance_um_2025" / "trade"
    minutes = pl.read_parquet(folder / "RIVERUSDT_1m.parquet").head(15 + 48 * 60)  # it was listed at a quarter to
    wanted = pl.read_parquet(folder / f"RIVERUSDT_{interval}.parquet").head(40)
    times = minutes["time"].dt.epoch("ms").to_numpy()
    columns = {name: minutes[name].to_numpy() for name in ("open", "high", "low", "close", "volume")}
    archive, state = archive_at(int(times[-1]))
    state.markets["BTCUSDT"].contract = msgspec.structs.replace(contract(), tick=D("0.001"), step=D("0.1"))
    if seeded:
        archive.seed_candles("BTCUSDT", "trade", {"open_ms": times, **columns})
    else:
        for row, time_ms in enumerate(times.tolist()):
            path = [columns[name][row] for name in ("open", "high", "low", "close")]
            sizes = [D(str(columns["volume"][row]))] + [D(0)] * 3
            pieces = zip(path, sizes, strict=True)
            archive.take([trade(time_ms, 1, f"{price:.3f}", str(size)) for price, size in pieces], state)
    rows = archive.candles("BTCUSDT", interval, start_ms=0, limit=40)
    assert [row.open_ms for row in rows] == wanted["time"].dt.epoch("ms").to_list()
    for name in ("open", "high", "low", "close"):
        assert [float(getattr(row, name)) for row in rows] == wanted[name].to_list(), name
    assert [float(row.volume) for row in rows] == pytest.approx(wanted["volume"].to_list(), abs=0.05)


def test_joining_counts_ids_only_where_something_traded() -> None:
    first = Candle(0, D(1), D(1), D(1), D(1))
    first.join(Candle(1, D(2), D(2), D(2), D(2), first_id=5, last_id=9))
    first.join(Candle(2, D(2), D(2), D(2), D(2)))
    assert (first.first_id, first.last_id, first.open, first.close) == (5, 9, D(1), D(2))
