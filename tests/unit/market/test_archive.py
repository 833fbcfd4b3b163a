"""Fetching from the public archive, against a local server with its layout."""

from __future__ import annotations

import hashlib

import polars as pl
import pytest
from unit.market.archive_server import HOUR_MS, Archive, klines, zipped

from bearskin.market import _archive, _archive_download
from bearskin.market._archive import fetch_archive
from bearskin.market._keys import SeriesKey
from bearskin.market._store import Store
from bearskin.market._writing import try_lock
from bearskin.terms import BadFile, BadInput, StoreBroken, UnknownSymbol, VenueBroken, VenueRejected, parse_time

JAN, FEB, MAR = (parse_time(f"2025-{month:02d}-01") for month in (1, 2, 3))
JAN_MS, FEB_MS = JAN // 10**6, FEB // 10**6
DAY_MS = 24 * HOUR_MS
MONTHLY = "data/futures/um/monthly"
DAILY = "data/futures/um/daily"
TRADE_JAN = f"{MONTHLY}/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01.zip"
TRADE = SeriesKey("binance", "linear", "BTCUSDT", "trade", "1h")


@pytest.fixture
def archive():
    with Archive() as running:
        yield running


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


def fetch(archive: Archive, store: Store, **more):
    waits: list[float] = more.pop("waits", [])
    given = {"symbols": ["BTCUSDT"], "kinds": ["trade"], "start_ns": JAN, "end_ns": FEB, "workers": 2}
    return fetch_archive(store, sleep=waits.append, **{**given, "base_url": archive.url, **more})


def rows_of(store: Store, key: SeriesKey) -> pl.DataFrame:
    return store.scan(key).collect()


def nothing_in(store: Store) -> bool:
    return not store.root.exists() or store.keys() == []


def test_a_month_of_every_kind_lands_in_its_series(archive, store):
    archive.put(TRADE_JAN, klines(JAN_MS, 744))
    for kind in ("markPriceKlines", "indexPriceKlines"):
        archive.put(f"{MONTHLY}/{kind}/BTCUSDT/1h/BTCUSDT-1h-2025-01.zip", klines(JAN_MS, 744, header=False))
    settled = "".join(f"{JAN_MS + n * 8 * HOUR_MS + 3},8,{'-' * (n % 2)}0.0001\n" for n in range(93))
    archive.put(
        f"{MONTHLY}/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2025-01.zip",
        f"calc_time,funding_interval_hours,last_funding_rate\n{settled}",
    )
    report = fetch(archive, store, kinds=["trade", "mark", "index", "funding"])
    assert (report.downloaded, report.missing, report.refused) == (4, (), ())
    assert report.added == 3 * 744 + 93
    trade = rows_of(store, TRADE)
    assert trade.columns[:9] == [
        "time", "open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_buy_volume",
    ]  # fmt: skip
    assert trade.row(1)[1:9] == (101.0, 101.9, 101.0, 101.5, 12.5, 1212.25, 7.0, 6.5)
    assert trade["time"].dt.epoch("ns")[1] == JAN + HOUR_MS * 10**6
    funding = rows_of(store, SeriesKey("binance", "linear", "BTCUSDT", "funding", "event"))
    assert funding["time"].dt.epoch("ns")[1] == JAN + 8 * HOUR_MS * 10**6  # the stamp's jitter is gone
    assert funding["known_at"].dt.epoch("ns")[1] == JAN + 8 * HOUR_MS * 10**6 + 3_000_000
    assert funding["rate"].to_list()[:2] == [0.0001, -0.0001]
    assert funding["interval_h"].unique().to_list() == [8.0]


def test_metrics_of_a_day_fill_three_series_and_a_missing_day_is_reported(archive, store):
    head = (
        "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
        "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio\n"
    )
    row = "2025-01-01 00:{:02d}:00,BTCUSDT,100.5,9500000.25,1.2,1.3,{},0.9\n"
    body = head + row.format(10, "1.5") + row.format(5, "") + row.format(5, "") + row.format(15, "1.6")
    archive.put(f"{DAILY}/metrics/BTCUSDT/BTCUSDT-metrics-2025-01-01.zip", body)
    report = fetch(archive, store, kinds=["open-interest"], end_ns=JAN + 2 * DAY_MS * 10**6)
    assert report.missing == (f"{DAILY}/metrics/BTCUSDT/BTCUSDT-metrics-2025-01-02.zip",)
    interest = rows_of(store, SeriesKey("binance", "linear", "BTCUSDT", "open-interest", "5m"))
    assert interest["time"].dt.minute().to_list() == [5, 10, 15]
    assert interest["known_at"].dt.minute().to_list() == [10, 15, 20]
    assert interest["oi_usd"][0] == 9500000.25
    ratios = rows_of(store, SeriesKey("binance", "linear", "BTCUSDT", "long-short", "5m"))
    assert ratios["ratio"].to_list() == [1.5, 1.6]  # a row without a ratio says nothing


def test_where_a_month_is_not_published_its_days_stand_in(archive, store):
    archive.put(TRADE_JAN, klines(JAN_MS, 744))
    for day in (1, 2):
        path = f"{DAILY}/klines/BTCUSDT/1h/BTCUSDT-1h-2025-02-0{day}.zip"
        archive.put(path, klines(FEB_MS + (day - 1) * DAY_MS, 24))
    report = fetch(archive, store, end_ns=FEB + 3 * DAY_MS * 10**6)
    assert report.missing == (f"{DAILY}/klines/BTCUSDT/1h/BTCUSDT-1h-2025-02-03.zip",)
    assert len(rows_of(store, TRADE)) == 744 + 48


@pytest.mark.parametrize(
    ("market", "path", "symbol", "product"),
    [
        ("spot", "data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01.zip", "BTCUSDT", "spot"),
        ("cm", "data/futures/cm/monthly/klines/BTCUSD_PERP/1h/BTCUSD_PERP-1h-2025-01.zip", "BTCUSD_PERP", "inverse"),
        (
            "cm",
            "data/futures/cm/monthly/klines/BTCUSD_250328/1h/BTCUSD_250328-1h-2025-01.zip",
            "BTCUSD_250328",
            "dated-inverse",
        ),
        ("um", f"{MONTHLY}/klines/BTCUSDT_250328/1h/BTCUSDT_250328-1h-2025-01.zip", "BTCUSDT_250328", "dated"),
    ],
)
def test_markets_products_and_microseconds(archive, store, market, path, symbol, product):
    archive.put(path, klines(JAN_MS, 24, header=False, per_ms=1000))
    fetch(archive, store, symbols=[symbol], market=market)
    rows = rows_of(store, SeriesKey("binance", product, symbol, "trade", "1h"))
    assert rows["time"].dt.epoch("ns")[0] == JAN
    assert ("quote_volume" in rows.columns) == (market != "cm")


def test_what_is_stored_is_not_asked_for_again(archive, store):
    archive.put(TRADE_JAN, klines(JAN_MS, 744))
    fetch(archive, store)
    archive.asked.clear()
    report = fetch(archive, Store(store.root))
    assert (report.downloaded, report.known, report.appends) == (0, 1, ())
    assert archive.asked == {}
    report = fetch(archive, store, again=True)
    assert (report.downloaded, report.added, report.appends[0].same) == (1, 0, 744)


def test_a_dropped_connection_is_resumed_where_it_broke_off(archive, store):
    archive.put(TRADE_JAN, klines(JAN_MS, 744))
    size = len(archive.files[TRADE_JAN])
    archive.drops[TRADE_JAN] = 2
    waits: list[float] = []
    report = fetch(archive, store, waits=waits)
    assert report.added == 744
    assert archive.ranges == [f"bytes={size // 2}-", f"bytes={size // 2 + (size - size // 2) // 2}-"]
    assert report.received_bytes == size
    assert waits == [0.5, 0.5]  # there was progress, so patience starts afresh


def test_a_server_without_ranges_is_asked_from_the_start(archive, store):
    archive.put(TRADE_JAN, klines(JAN_MS, 744))
    archive.drops[TRADE_JAN] = 1
    archive.ignore_range = True
    assert fetch(archive, store).added == 744


def test_an_older_part_of_another_file_does_not_spoil_the_download(archive, store, tmp_path):
    archive.put(TRADE_JAN, klines(JAN_MS, 744))
    for stale in (b"x" * 50, b"x" * 500_000):  # shorter than the file, longer than it
        part = tmp_path / "cache" / (TRADE_JAN + ".part")
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(stale)
        assert fetch(archive, store, cache_dir=tmp_path / "cache", again=True).downloaded == 1
    assert not part.exists()


def test_too_many_requests_waits_as_long_as_it_is_told(archive, store):
    archive.put(TRADE_JAN, klines(JAN_MS, 744))
    archive.statuses[TRADE_JAN] = [429, 503]
    waits: list[float] = []
    assert fetch(archive, store, waits=waits).added == 744
    assert waits == [7.0, 1.0]


def test_a_dead_server_is_broken_after_bounded_attempts_and_the_next_run_goes_on(archive, store, tmp_path):
    archive.put(TRADE_JAN, klines(JAN_MS, 744))
    feb = TRADE_JAN.replace("2025-01", "2025-02")
    archive.put(feb, klines(FEB_MS, 672))
    archive.statuses[feb] = [503] * _archive_download.ATTEMPTS
    waits: list[float] = []
    with pytest.raises(VenueBroken, match=r"2025-02\.zip could not be had in 6 attempts"):
        fetch(archive, store, end_ns=MAR, workers=1, waits=waits)
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert len(rows_of(store, TRADE)) == 744  # what was proven is kept
    archive.asked.clear()
    report = fetch(archive, store, end_ns=MAR)
    assert (report.known, report.downloaded, report.added) == (1, 1, 672)
    assert TRADE_JAN not in archive.asked


def test_no_server_at_all_is_broken_and_stores_nothing(store):
    with Archive() as gone:
        url = gone.url
    with pytest.raises(VenueBroken):
        fetch_archive(
            store, symbols=["BTCUSDT"], start_ns=JAN, end_ns=FEB, base_url=url, sleep=lambda _: None
        )  # fmt: skip
    assert nothing_in(store)


@pytest.mark.parametrize("fault", ["checksum", "truncated", "broken zip", "cut off on every try"])
def test_a_file_that_is_not_what_was_published_is_refused_by_name(archive, store, fault):
    archive.put(f"{MONTHLY}/markPriceKlines/BTCUSDT/1h/BTCUSDT-1h-2025-01.zip", klines(JAN_MS, 744))
    whole = zipped(TRADE_JAN, klines(JAN_MS, 744))
    if fault == "checksum":
        archive.put(TRADE_JAN, whole, checksum="0" * 64)
    elif fault == "truncated":
        archive.put(TRADE_JAN, whole[:-100], checksum=hashlib.sha256(whole).hexdigest())
    elif fault == "broken zip":
        archive.put(TRADE_JAN, whole[:-100])
    else:
        archive.put(TRADE_JAN, whole, checksum="0" * 64)
        archive.drops[TRADE_JAN] = 1
    with pytest.raises(BadFile, match=r"BTCUSDT-1h-2025-01\.zip.*nothing was stored"):
        fetch(archive, store, kinds=["trade", "mark"])
    assert nothing_in(store)
    report = fetch(archive, store, kinds=["trade", "mark"], skip_bad=True)
    assert len(report.refused) == 1
    assert report.refused[0].startswith(TRADE_JAN)
    assert [key.kind for key in store.keys(venue="binance")] == ["mark"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (klines(JAN_MS, 3).replace("101.9", "99.9"), "row 3, column 'high'"),
        (klines(JAN_MS, 3).replace("12.5,", "many,"), "row 2, column 'volume'"),
        (klines(JAN_MS, 3).replace("102.0,102.9", "nan,102.9"), "row 4, column 'open'"),
        (klines(JAN_MS, 3).replace(",volume,", ",volumen,"), "column 'volume': the column is missing"),
        (klines(JAN_MS, 2) + klines(JAN_MS, 1, header=False), "row 4, column 'open_time'"),
        ("", "empty"),
    ],
)
def test_bad_rows_are_named(archive, store, text, says):
    archive.put(TRADE_JAN, text)
    with pytest.raises(BadFile) as caught:
        fetch(archive, store)
    assert says in str(caught.value)
    assert nothing_in(store)


def test_a_checksum_file_that_is_none_is_refused(archive, store):
    archive.put(TRADE_JAN, klines(JAN_MS, 3))
    archive.files[TRADE_JAN + ".CHECKSUM"] = b"<html>down for maintenance</html>"
    with pytest.raises(BadFile, match="is not a SHA-256 sum"):
        fetch(archive, store)


def test_a_symbol_the_archive_does_not_have_is_unknown_and_the_others_are_stored(archive, store):
    archive.put(TRADE_JAN, klines(JAN_MS, 744))
    with pytest.raises(UnknownSymbol, match="no file of NOPEUSDT from 2025-01-01 to 2025-01-31"):
        fetch(archive, store, symbols=["BTCUSDT", "NOPEUSDT"])
    assert len(rows_of(store, TRADE)) == 744


def test_a_server_that_says_no_is_not_asked_twice(archive, store):
    archive.put(TRADE_JAN, klines(JAN_MS, 744))
    archive.statuses[TRADE_JAN + ".CHECKSUM"] = [403]
    with pytest.raises(VenueRejected, match="HTTP 403"):
        fetch(archive, store)
    assert archive.asked[TRADE_JAN + ".CHECKSUM"] == 1


def test_an_interrupted_run_loses_nothing_that_was_proven(archive, store):
    archive.put(TRADE_JAN, klines(JAN_MS, 744))
    archive.put(TRADE_JAN.replace("2025-01", "2025-02"), klines(FEB_MS, 672))

    def interrupt(done: int, total: int, name: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(archive, store, end_ns=MAR, workers=1, progress=interrupt)
    archive.asked.clear()
    assert fetch(archive, store, end_ns=MAR).added == 744 + 672
    assert archive.asked[TRADE_JAN] == 0  # it lay in the cache, proven; only its checksum was looked up again


def test_progress_counts_files(archive, store):
    archive.put(TRADE_JAN, klines(JAN_MS, 744))
    seen = []
    fetch(archive, store, progress=lambda *told: seen.append(told))
    assert seen == [(1, 1, "BTCUSDT-1h-2025-01.zip")]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"market": "options"}, "no market 'options'"),
        ({"kinds": ["sentiment"]}, "'sentiment'"),
        ({"market": "spot", "kinds": ["funding"]}, "'funding'"),
        ({"interval": "7m"}, "'7m'"),
        ({"symbols": ["../etc"]}, "'../etc' is not a symbol"),
        ({"end_ns": JAN}, "not after its start"),
        ({"workers": 0}, "0 workers"),
        ({"base_url": "data.binance.vision"}, "starts with https://"),
    ],
)
def test_bad_requests_ask_nobody(archive, store, wrong, says):
    with pytest.raises(BadInput) as caught:
        fetch(archive, store, **wrong)
    assert says in str(caught.value)
    assert archive.asked == {}


def test_the_ledger_survives_a_torn_line(tmp_path):
    ledger = _archive.Ledger(tmp_path / "done.jsonl")
    ledger.add({"a": "1"})
    with ledger.path.open("a") as out:
        out.write('{"path": "b", "sh')
    ledger.add({"c": "3"})
    assert ledger.read() == {"a": "1", "c": "3"}


def test_two_fetches_do_not_share_a_folder_of_downloads(archive, store):
    archive.put(TRADE_JAN, klines(JAN_MS, 744))
    folder = store.root / ".archive" / "files"
    folder.mkdir(parents=True)
    held = try_lock(folder)
    assert held is not None
    with held, pytest.raises(StoreBroken, match="another fetch is at work"):
        fetch(archive, store)
    assert archive.asked.total() == 0
    assert fetch(archive, store).added == 744


def test_a_full_disk_is_the_disks_fault(archive, store, monkeypatch):
    archive.put(TRADE_JAN, klines(JAN_MS, 744))
    folder = store.root / ".archive" / "files" / TRADE_JAN
    folder.parent.mkdir(parents=True)
    folder.with_name(folder.name + ".part").symlink_to("/dev/full")
    with pytest.raises(StoreBroken, match="cannot be written: no space left"):
        fetch(archive, store)
    assert nothing_in(store)


def test_years_before_there_was_an_archive_are_not_asked_for(archive, store):
    archive.put(TRADE_JAN, klines(JAN_MS, 744))
    assert fetch(archive, store, start_ns=0).added == 744
    assert min(path for path in archive.asked if "monthly" in path).endswith("BTCUSDT-1h-2017-07.zip.CHECKSUM")


def test_workers_have_a_limit(archive, store):
    with pytest.raises(BadInput, match="1000000 workers were asked for, it must be 1 to 64"):
        fetch(archive, store, workers=1_000_000)
