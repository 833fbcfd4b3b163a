"""The check names real faults and planted ones, and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from unit.market.made import BTC_1H, START_NS, candles, funding, times, together

from bearskin.market import CHECKS, Fault, SeriesKey, Store, check_store
from bearskin.terms import HOUR_NS, MINUTE_NS, iso

BTC_5M = SeriesKey("binance", "linear", "BTCUSDT", "trade", "5m")
ETH_1H = SeriesKey("binance", "linear", "ETHUSDT", "trade", "1h")
FUNDING = SeriesKey("binance", "linear", "BTCUSDT", "funding", "event")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without a fault: two symbols, two intervals that agree, funding every eight hours."""
    root = tmp_path_factory.mktemp("sound")
    store = Store(root)
    fine = candles(480, "5m")
    store.append(BTC_5M, fine, "made")
    store.append(BTC_1H, together(fine, "1h"), "made")
    store.append(ETH_1H, candles(40), "made")
    store.append(FUNDING, funding([8] * 4), "made")
    return root


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Store:
    shutil.copytree(sound, tmp_path / "copy")
    return Store(tmp_path / "copy")


def other_hands(store: Store, key: SeriesKey, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Change a store's file behind its back."""
    (path,) = store.files(key)
    change(pl.read_parquet(path)).write_parquet(path)


def found(faults: list[Fault]) -> list[tuple[str, str, str | None]]:
    return [(fault.code, str(fault.key), None if fault.time_ns is None else iso(fault.time_ns)) for fault in faults]


def test_a_sound_store_has_no_fault(sound: Path) -> None:
    """Nothing is found where nothing is wrong."""
    assert check_store(Store(sound)) == []


def test_exactly_the_planted_faults_are_found(copy: Store) -> None:
    """A gap, a repeat, an impossible bar, an old end, intervals and sources that disagree, a hole in funding."""
    at = pl.int_range(pl.len())
    other_hands(copy, BTC_5M, lambda rows: rows.filter(~at.is_between(100, 102)))
    other_hands(copy, ETH_1H, lambda rows: pl.concat([rows[:10], rows[9:10], rows[10:25]]))
    other_hands(
        copy,
        BTC_1H,
        lambda rows: rows.with_columns(
            pl.when(at == 30).then(pl.col("low") - 1).otherwise("high").alias("high"),
            pl.when(at == 20).then(pl.col("volume") + 1).otherwise("volume").alias("volume"),
        ),
    )
    other_hands(copy, FUNDING, lambda rows: rows.filter(at != 2))
    copy.append(BTC_5M, candles(480, "5m")[5:6].with_columns(volume=pl.lit(99.0)), "another source")
    assert found(check_store(copy)) == [
        ("missing-settlement", str(FUNDING), "2025-03-01T08:00:00Z"),
        ("intervals-differ", str(BTC_1H), "2025-03-01T20:00:00Z"),
        ("bad-ohlc", str(BTC_1H), "2025-03-02T06:00:00Z"),
        ("sources-differ", str(BTC_5M), "2025-03-01T00:25:00Z"),
        ("gap", str(BTC_5M), "2025-03-01T08:15:00Z"),
        ("duplicate", str(ETH_1H), "2025-03-01T09:00:00Z"),
        ("stale", str(ETH_1H), "2025-03-02T00:00:00Z"),
    ]


def test_details_say_how_much_and_whose(copy: Store) -> None:
    """How many bars are missing until when; which value was kept and which offered."""
    at = pl.int_range(pl.len())
    other_hands(copy, BTC_5M, lambda rows: rows.filter(~at.is_between(100, 102)))
    copy.append(BTC_5M, candles(480, "5m")[5:6].with_columns(volume=pl.lit(99.0)), "another source")
    details = {fault.code: fault.detail for fault in check_store(copy)}
    assert details["gap"] == "3 of 5m missing until 2025-03-01T08:35:00Z"
    assert details["sources-differ"] == "1 rows; first volume 15 of made kept, 99 of another source offered"


def test_values_that_other_hands_broke(copy: Store) -> None:
    """Empty, not finite, of the wrong sign, out of order, not a file at all."""
    at = pl.int_range(pl.len())
    other_hands(
        copy, FUNDING, lambda rows: rows.with_columns(rate=pl.when(at == 1).then(float("nan")).otherwise("rate"))
    )
    other_hands(copy, ETH_1H, lambda rows: pl.concat([rows[:5], rows[6:7], rows[5:6], rows[7:]]))
    copy.files(BTC_5M)[0].write_bytes(b"PAR1 no more")
    assert [fault.code for fault in check_store(copy, [FUNDING, ETH_1H])] == ["bad-value", "unsorted"]
    (fault,) = check_store(copy, [BTC_5M])
    assert fault.code == "unreadable"


def test_a_funding_interval_that_switches_is_not_a_hole(tmp_path: Path) -> None:
    """8h to 4h to 1h and back, with the odd step venues put in when they lengthen; one settlement really is missing."""
    store = Store(tmp_path)
    hours = [8, 8, 4, 4, 4, 4, 1, 1, 1, 1, 1, 3, 4, 4, 8, 4]
    store.append(FUNDING, funding(hours), "x")
    said = [(fault.code, iso(fault.time_ns or 0)[5:16], fault.detail) for fault in check_store(store)]
    assert said == [
        ("funding-interval", "03-01T20:00", "from 8h to 4h"),
        ("funding-interval", "03-02T09:00", "from 4h to 1h"),
        ("funding-interval", "03-02T16:00", "from 1h to 4h, the first after 3h"),
        ("missing-settlement", "03-03T00:00", "1 missing until 2025-03-03T08:00:00Z, counted every 4h"),
    ]


def test_a_late_stamp_is_a_gap_in_which_nothing_is_missing(tmp_path: Path) -> None:
    """Open interest stamped two seconds late: the distance is too long, no sample is absent, and it says so."""
    key = SeriesKey("binance", "linear", "BTCUSDT", "open-interest", "5m")
    stamps = times(40, 5 * MINUTE_NS).to_frame().with_columns(oi=pl.lit(1.0))
    late = pl.when(pl.int_range(pl.len()) == 7).then(pl.col("time") + pl.duration(seconds=2)).otherwise("time")
    store = Store(tmp_path)
    store.append(key, stamps.with_columns(time=late), "x")
    (fault,) = check_store(store)
    assert (fault.code, fault.time_ns) == ("gap", START_NS + 30 * MINUTE_NS)
    assert fault.detail == "302 s instead of 300 s until 2025-03-01T00:35:02Z: stamped 2 s late, none missing"


def test_samples_off_the_clock_may_drift(tmp_path: Path) -> None:
    """A collector that sums every 60 or 61 seconds from 11:02:46 on has no gaps; one lost minute is one."""
    key = SeriesKey("binance", "linear", "BTCUSDT", "liquidations", "1m")
    seconds = [46 + 60 * n + n // 20 for n in range(60) if n != 30]
    stamps = pl.DataFrame({"time": pl.Series(seconds) * 10**9 + START_NS}).with_columns(
        pl.col("time").cast(pl.Datetime("ns", "UTC")), long_usd=pl.lit(1.0)
    )
    store = Store(tmp_path)
    store.append(key, stamps, "x")
    (fault,) = check_store(store)
    assert fault.detail.startswith("1 of 1m missing")


def test_stale_against_companions_or_against_now(tmp_path: Path) -> None:
    """Alone, a series is old only when somebody says what time it is."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(30), "x")
    assert check_store(store) == []
    end = START_NS + 29 * HOUR_NS
    assert check_store(store, now_ns=end + 3 * HOUR_NS) == []
    (fault,) = check_store(store, now_ns=end + 30 * HOUR_NS)
    assert (fault.code, fault.time_ns) == ("stale", end)
    store.append(SeriesKey("bybit", "linear", "BTCUSDT", "trade", "1h"), candles(300), "x")
    assert check_store(store) == []  # another venue is no companion


def test_bars_without_life_are_told(tmp_path: Path) -> None:
    """A day of bars in which nothing traded."""
    still = (pl.int_range(pl.len())).is_between(10, 40)
    frame = candles(60).with_columns(
        *(pl.when(still).then(50.0).otherwise(name).alias(name) for name in ("open", "high", "low", "close")),
        volume=pl.when(still).then(0.0).otherwise("volume"),
    )
    store = Store(tmp_path)
    store.append(BTC_1H, frame, "x")
    (fault,) = check_store(store)
    assert (fault.code, fault.detail) == ("flat", "31 bars without trade or movement")


def test_faults_without_end_are_counted(tmp_path: Path) -> None:
    """A thousand holes are listed as two hundred and the number of the rest."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(2000)[::2], "x")
    faults = check_store(store)
    assert len(faults) == 200
    assert faults[-1].detail.endswith("; and 799 more")


def test_every_code_is_explained(sound: Path) -> None:
    """The list of codes is what the manual and the command print."""
    assert all(CHECKS.values())
    assert list(CHECKS) == list(dict.fromkeys(CHECKS))
