"""Every layout that is taken, on small files made here."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import polars as pl
import pytest
from unit.market.made import START_NS, candles, funding, snapshot, times

from bearskin.market import SENTIMENT, ImportReport, SeriesKey, Store, import_path
from bearskin.terms import HOUR_NS, MINUTE_NS, parse_time


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def zipped(path: Path, text: str, inside: str = "data.csv") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr(inside, text)
    return path


def klines(count: int = 24, unit: int = 1_000_000, header: bool = False, start_ns: int = START_NS) -> str:
    """Rows as Binance's archive has them; `unit` is the nanoseconds of a stamp."""
    frame = candles(count, start_ns=start_ns)
    opens = frame["time"].dt.epoch("ns") // unit
    rows = pl.DataFrame(
        {
            "open_time": opens,
            **{name: frame[name] for name in ("open", "high", "low", "close", "volume")},
            "close_time": opens + HOUR_NS // unit - 1,
            "quote_volume": frame["volume"] * frame["close"],
            "count": [7] * count,
            "taker_buy_volume": frame["volume"] / 2,
            "taker_buy_quote_volume": frame["volume"] * frame["close"] / 2,
            "ignore": [0] * count,
        }
    )
    out = io.StringIO()
    rows.write_csv(out, include_header=header)
    return out.getvalue()


def values(store: Store, key: SeriesKey) -> pl.DataFrame:
    return store.scan(key).drop("known_at", "source").collect()


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("unit", [1_000_000, 1_000])
@pytest.mark.parametrize("packed", [True, False])
def test_binance_klines(store: Store, tmp_path: Path, header: bool, unit: int, packed: bool) -> None:
    """Zip or CSV, with a header or without, in ms or us: the same candles with quote volume and taker volume."""
    path = tmp_path / "data/futures/um/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-03"
    path.parent.mkdir(parents=True)
    text = klines(unit=unit, header=header)
    if packed:
        file = zipped(path.with_suffix(".zip"), text)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        file.with_name(f"{file.name}.CHECKSUM").write_text(f"{digest}  {file.name}\n")
    else:
        path.with_suffix(".csv").write_text(text)
    report = import_path(store, tmp_path / "data")
    assert (report.added, report.bad) == (24, ())
    rows = values(store, SeriesKey("binance", "linear", "BTCUSDT", "trade", "1h"))
    assert rows.select("time", "open", "high", "low", "close", "volume").equals(candles(24))
    assert rows["trades"].to_list() == [7.0] * 24
    assert rows["taker_buy_volume"].to_list() == (candles(24)["volume"] / 2).to_list()


@pytest.mark.parametrize(
    ("folder", "name", "product", "symbol", "kind"),
    [
        ("futures/um/daily/markPriceKlines/BTCUSDT/1h", "BTCUSDT-1h-2025-03-01", "linear", "BTCUSDT", "mark"),
        ("futures/um/daily/indexPriceKlines/BTCUSDT/1h", "BTCUSDT-1h-2025-03-01", "linear", "BTCUSDT", "index"),
        ("futures/cm/daily/klines/BTCUSD_PERP/1h", "BTCUSD_PERP-1h-2025-03-01", "inverse", "BTCUSD_PERP", "trade"),
        (
            "futures/cm/daily/klines/BTCUSD_250328/1h",
            "BTCUSD_250328-1h-2025-03-01",
            "dated-inverse",
            "BTCUSD_250328",
            "trade",
        ),
        (
            "futures/um/daily/klines/BTCUSDT_250328/1h",
            "BTCUSDT_250328-1h-2025-03-01",
            "dated",
            "BTCUSDT_250328",
            "trade",
        ),
        ("spot/daily/klines/BTCUSDT/1h", "BTCUSDT-1h-2025-03-01", "spot", "BTCUSDT", "trade"),
    ],
)
def test_binance_markets_and_kinds(
    store: Store, tmp_path: Path, folder: str, name: str, product: str, symbol: str, kind: str
) -> None:
    """The folders say the market and the kind of candles."""
    zipped(tmp_path / "data" / folder / f"{name}.zip", klines(header=True))
    import_path(store, tmp_path / "data")
    assert store.keys() == [SeriesKey("binance", product, symbol, kind, "1h")]
    if product.endswith("inverse"):  # that column counts coins there
        assert "quote_volume" not in values(store, store.keys()[0]).columns


def test_binance_funding_is_due_on_the_minute_and_known_when_stamped(store: Store, tmp_path: Path) -> None:
    """A stamp 7 ms late is the settlement of the minute."""
    late = START_NS // 1_000_000 + 7
    text = f"calc_time,funding_interval_hours,last_funding_rate\n{late},8,0.0001\n{late + 8 * 3_600_000},8,-0.00005\n"
    zipped(tmp_path / "data/futures/um/monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2025-03.zip", text)
    import_path(store, tmp_path / "data")
    rows = store.scan(SeriesKey("binance", "linear", "BTCUSDT", "funding", "event")).collect()
    assert rows["time"].dt.epoch("ns").to_list() == [START_NS, START_NS + 8 * HOUR_NS]
    assert rows["known_at"].dt.epoch("ms")[0] == late
    assert rows["rate"].to_list() == [0.0001, -0.00005]
    assert rows["interval_h"].to_list() == [8.0, 8.0]


def test_binance_metrics_are_three_series_put_in_order(store: Store, tmp_path: Path) -> None:
    """Repeated and shuffled rows are a declared quirk of these files: put right and flagged."""
    head = (
        "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
        "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio\n"
    )
    rows = [
        f"2025-03-01 00:{minute:02d}:00,BTCUSDT,{100 + minute},{200 + minute},1.1,1.2,1.3,0.9\n"
        for minute in (5, 10, 15)
    ]
    text = head + rows[1] + rows[0] + rows[0] + rows[2].replace("1.3", "")
    zipped(tmp_path / "data/futures/um/daily/metrics/BTCUSDT/BTCUSDT-metrics-2025-03-01.zip", text)
    report = import_path(store, tmp_path / "data")
    assert "open-interest: 1 repeated rows dropped" in report.files[0].notes
    assert values(store, SeriesKey("binance", "linear", "BTCUSDT", "open-interest", "5m"))["oi"].to_list() == [
        105,
        110,
        115,
    ]
    assert values(store, SeriesKey("binance", "linear", "BTCUSDT", "long-short", "5m"))["ratio"].to_list() == [1.3, 1.3]
    assert values(store, SeriesKey("binance", "linear", "BTCUSDT", "taker", "5m")).height == 3


def test_binance_trades_carry_the_takers_sign(store: Store, tmp_path: Path) -> None:
    """A buyer who was maker means somebody sold into him; ids keep trades of one instant apart."""
    stamp = START_NS // 1_000_000
    text = f"11,100.5,2,20,21,{stamp},true\n12,100.6,3,22,22,{stamp},false\n"
    zipped(tmp_path / "data/futures/um/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2025-03-01.zip", text)
    import_path(store, tmp_path / "data")
    rows = values(store, SeriesKey("binance", "linear", "BTCUSDT", "trades", "agg"))
    assert rows.select("seq", "price", "qty").rows() == [(11, 100.5, -2.0), (12, 100.6, 3.0)]


def test_binance_liquidations_carry_the_orders_sign(store: Store, tmp_path: Path) -> None:
    """A forced sell closes a long: negative quantity."""
    stamp = START_NS // 1_000_000
    text = (
        "time,side,order_type,time_in_force,original_quantity,price,average_price,order_status,"
        f"last_fill_quantity,accumulated_fill_quantity\n{stamp},SELL,LIMIT,IOC,5,99,99.5,FILLED,1,4\n"
    )
    zipped(tmp_path / "data/futures/um/daily/liquidationSnapshot/X/XUSDT-liquidationSnapshot-2025-03-01.zip", text)
    import_path(store, tmp_path / "data")
    rows = values(store, SeriesKey("binance", "linear", "XUSDT", "liquidations", "event"))
    assert rows.select("price", "qty", "notional_usd").rows() == [(99.5, -4.0, 398.0)]


def test_what_has_no_kind_is_left_with_a_reason(store: Store, tmp_path: Path) -> None:
    """Depth, quotes, captures, brackets and notes are recognised and said, never an error in a folder."""
    folder = tmp_path / "data"
    zipped(folder / "futures/um/daily/bookDepth/BTCUSDT/BTCUSDT-bookDepth-2025-03-01.zip", "a,b\n1,2\n")
    zipped(folder / "crypto/binance/minute/btcusdt/20250301_quote.zip", "0,1,1,1,1,1,1,1,1,1,1\n")
    (folder / "README.md").write_text("about")
    (folder / "tiers.json").write_text('{"BTC/USDT:USDT": []}')
    (folder / "info.json").write_text('{"symbols": []}')
    report = import_path(store, folder)
    assert len(report.skipped) == 5
    assert (report.taken, report.bad) == ((), ())
    assert {file.layout for file in report.skipped} == {"Binance archive", "LEAN", "text", "brackets", "exchangeInfo"}
    assert store.keys() == []


def test_freqtrade_names_pair_interval_and_kind(store: Store, tmp_path: Path) -> None:
    """Feather and Parquet, futures, mark, spot, and funding shaped like candles."""
    folder = tmp_path / "user_data/data/bybit/futures"
    folder.mkdir(parents=True)
    frame = candles(12).rename({"time": "date"})
    frame.write_ipc(folder / "XRP_USDT_USDT-1h-futures.feather", compression="lz4")
    frame.with_columns(volume=pl.lit(0.0)).write_parquet(folder / "XRP_USDT_USDT-1h-mark.parquet")
    frame.write_ipc(folder.parent / "BTC_USDT-1h.feather")
    rates = frame.with_columns(open=pl.lit(-0.0002), high=pl.lit(0.0), low=pl.lit(0.0), close=pl.lit(0.0))
    rates.write_ipc(folder / "XRP_USDT_USDT-8h-funding_rate.feather")
    report = import_path(store, tmp_path / "user_data")
    assert report.bad == ()
    assert store.keys() == [
        SeriesKey("bybit", "linear", "XRPUSDT", "funding", "event"),
        SeriesKey("bybit", "linear", "XRPUSDT", "mark", "1h"),
        SeriesKey("bybit", "linear", "XRPUSDT", "trade", "1h"),
        SeriesKey("bybit", "spot", "BTCUSDT", "trade", "1h"),
    ]
    assert values(store, store.keys()[0])["rate"].unique().to_list() == [-0.0002]
    assert "volume" not in values(store, store.keys()[1]).columns


def test_freqtrade_without_a_venue_is_kept_apart(store: Store, tmp_path: Path) -> None:
    """Nobody said whose bars these are, so they join no venue's series until somebody does."""
    file = tmp_path / "XRP_USDT_USDT-1h-futures.feather"
    candles(12).rename({"time": "date"}).write_ipc(file)
    assert "give --venue" in import_path(store, file).files[0].notes[0]
    import_path(store, file, venue="okx")
    assert [str(key).split("/")[:3:2] for key in list(store.keys())] == [
        ["okx", "XRP-USDT-SWAP"],
        ["unnamed", "XRPUSDT"],
    ]


def test_lean_minutes_hours_and_margin_interest(store: Store, tmp_path: Path) -> None:
    """Milliseconds from midnight, written hours, and funding; a USD quote on Binance is coin-margined."""
    lean = tmp_path / "data"
    minutes = "0,10,12,9,11,5\n60000,11,12,10,10,6\n"
    zipped(lean / "cryptofuture/binance/minute/btcusd/20250301_trade.zip", minutes)
    hours = "20250301 00:00,10,12,9,11,5\n20250301 01:00,11,12,10,10,6\n"
    zipped(lean / "cryptofuture/dydx/hour/btcusd_trade.zip", hours)
    zipped(
        lean / "crypto/binance/daily/btcusdt_trade.zip",
        hours.replace(" 01:00", " 00:00").replace("0301 00:00,11", "0302 00:00,11"),
    )
    rates = lean / "cryptofuture/binance/margin_interest/btcusd.csv"
    rates.parent.mkdir(parents=True)
    rates.write_text("20250301 00:00:00,0.0001\n20250301 08:00:00,-0.0002")
    report = import_path(store, lean)
    assert report.bad == ()
    assert store.keys() == [
        SeriesKey("binance", "inverse", "BTCUSD_PERP", "funding", "event"),
        SeriesKey("binance", "inverse", "BTCUSD_PERP", "trade", "1m"),
        SeriesKey("binance", "spot", "BTCUSDT", "trade", "1d"),
        SeriesKey("dydx", "linear", "BTC-USD", "trade", "1h"),
    ]
    rows = values(store, store.keys()[1])
    assert rows["time"].dt.epoch("ns").to_list() == [START_NS, START_NS + MINUTE_NS]
    assert values(store, store.keys()[0])["rate"].to_list() == [0.0001, -0.0002]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("iso.csv", "Date,Open,High,Low,Close,Volume\n2025-03-01 00:00:00,1,2,1,2,5\n2025-03-01 01:00:00,2,3,2,3,5\n"),
        (
            "z.csv",
            "timestamp,open,high,low,close,volume\n2025-03-01T00:00:00Z,1,2,1,2,5\n2025-03-01T01:00:00Z,2,3,2,3,5\n",
        ),
        ("zone.csv", "time,o,h,l,c,v\n2025-03-01T01:00:00+01:00,1,2,1,2,5\n2025-03-01T02:00:00+01:00,2,3,2,3,5\n"),
        ("seconds.csv", "ts,open,high,low,close,vol\n1740787200,1,2,1,2,5\n1740790800,2,3,2,3,5\n"),
        ("ms.csv", "open_time,open,high,low,close,volume,x\n1740787200000,1,2,1,2,5,a\n1740790800000,2,3,2,3,5,b\n"),
    ],
)
def test_plain_csv_by_column_names(store: Store, tmp_path: Path, name: str, text: str) -> None:
    """Capitals, short names, and five ways to write a time; the interval is the commonest distance."""
    (tmp_path / name).write_text(text)
    import_path(store, tmp_path / name, venue="binance", symbol="FOOUSDT")
    key = SeriesKey("binance", "linear", "FOOUSDT", "trade", "1h")
    assert store.keys() == [key]
    assert values(store, key)["time"].dt.epoch("ns").to_list() == [START_NS, START_NS + HOUR_NS]


def test_folders_and_names_say_whose_rows_they_are(store: Store, tmp_path: Path) -> None:
    """`binance_um/mark/FOOUSDT_1h.parquet` needs no options; a `symbol` column makes many series."""
    folder = tmp_path / "binance_um"
    (folder / "mark").mkdir(parents=True)
    (folder / "spot").mkdir()
    candles(5).drop("volume").write_parquet(folder / "mark" / "FOOUSDT_1h.parquet")
    candles(5).write_parquet(folder / "spot" / "FOOUSDT_1h.parquet")
    both = pl.concat([candles(5).with_columns(symbol=pl.lit(name)) for name in ("AUSDT", "BUSDT")])
    both.write_parquet(folder / "trade_1h_2sym.parquet")
    rates = funding([8, 8]).rename({"rate": "funding_rate"}).with_columns(symbol=pl.lit("AUSDT"))
    rates.write_parquet(folder / "funding_1sym.parquet")
    interest = times(4, 300 * 10**9).to_frame().with_columns(symbol=pl.lit("AUSDT"), oi=pl.lit(5.0), oi_usd=pl.lit(9.0))
    interest.write_parquet(folder / "open_interest_5m_1sym.parquet")
    report = import_path(store, folder)
    assert report.bad == ()
    assert list(map(str, store.keys())) == [
        "binance/linear/AUSDT/funding/event",
        "binance/linear/AUSDT/open-interest/5m",
        "binance/linear/AUSDT/trade/1h",
        "binance/linear/BUSDT/trade/1h",
        "binance/linear/FOOUSDT/mark/1h",
        "binance/spot/FOOUSDT/trade/1h",
    ]


def test_bitmex_bars_are_moved_and_flagged_not_refused(store: Store, tmp_path: Path) -> None:
    """The stamp is the bar's end and the open is the close before: moved, kept, said, and known at the stamp."""
    frame = candles(5, "1m").rename({"time": "timestamp"})
    frame = frame.with_columns(open=pl.col("high") + 3, trades=pl.lit(2), turnover=pl.lit(1))
    frame.write_parquet(tmp_path / "XBTUSD_1m_2020.parquet")
    report = import_path(store, tmp_path / "XBTUSD_1m_2020.parquet")
    assert report.files[0].notes[1].startswith("5 opens (previous closes) outside high and low")
    key = SeriesKey("bitmex", "inverse", "XBTUSD", "trade", "1m")
    rows = store.scan(key).collect()
    assert rows["known_at"].to_list() == frame["timestamp"].to_list()
    assert rows["time"].dt.epoch("ns")[0] == START_NS - MINUTE_NS
    assert store.quirks(key) == {"open-is-previous-close", "stamped-at-end"}
    assert import_path(store, tmp_path / "XBTUSD_1m_2020.parquet").added == 0


def test_fear_and_greed_is_known_an_hour_into_its_day(store: Store, tmp_path: Path) -> None:
    """One value a day, usable from 01:00 UTC of that day; a second copy agrees."""
    (tmp_path / "a.csv").write_text("date,fng\n2025-03-01,30\n2025-03-02,15\n")
    (tmp_path / "b.csv").write_text("timestamp,fng\n2025-03-01,30\n2025-03-02,15\n2025-03-03,40\n")
    report = import_path(store, tmp_path)
    assert (report.added, report.same, report.differing) == (3, 2, 0)
    rows = store.scan(SENTIMENT).collect()
    assert rows["known_at"].dt.epoch("ns")[0] == parse_time("2025-03-01T01:00:00Z")
    assert rows["value"].to_list() == [30.0, 15.0, 40.0]


def test_importing_twice_adds_nothing(store: Store, tmp_path: Path) -> None:
    """The second time every row is there; the store's files do not change."""
    folder = tmp_path / "binance_um" / "trade"
    folder.mkdir(parents=True)
    candles(30).write_parquet(folder / "FOOUSDT_1h.parquet")
    seen: list[tuple[int, int, str]] = []
    first = import_path(store, folder.parent, progress=lambda done, of, name: seen.append((done, of, name)))
    before = snapshot(store.root)
    second = import_path(store, folder.parent)
    assert (first.added, second.added, second.same) == (30, 0, 30)
    assert snapshot(store.root) == before
    assert seen == [(0, 1, "trade/FOOUSDT_1h.parquet"), (1, 1, "")]
    assert isinstance(second, ImportReport)
