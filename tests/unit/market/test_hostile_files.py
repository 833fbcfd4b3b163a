"""Files made to do harm, or by programs that see the world otherwise: one sentence each, never a traceback."""

from __future__ import annotations

import struct
import zipfile
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from unit.market.made import candles, snapshot

from bearskin.market import SeriesKey, Store, import_path
from bearskin.terms import BadFile, BadInput, parse_time

HEAD = "time,open,high,low,close,volume"
ROW = "{},10,12,9,11,5"
STAMPS_MS = [1_740_787_200_000 + n * 3_600_000 for n in range(4)]
KEY = SeriesKey("binance", "linear", "X", "trade", "1h")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def taken(store: Store, path: Path, **more: object):
    return import_path(store, path, venue="binance", symbol="X", **{"interval": "1h", **more})


def refused(store: Store, path: Path, said: str, **more: object) -> None:
    before = snapshot(store.root)
    with pytest.raises(BadFile, match=said) as caught:
        taken(store, path, **more)
    assert "\n" not in str(caught.value)
    assert snapshot(store.root) == before


def table(path: Path, *rows: str, head: str = HEAD) -> Path:
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def stamped(path: Path, stamps: list[object]) -> Path:
    return table(path, *(ROW.format(stamp) for stamp in stamps))


def packed(path: Path, text: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr("x.csv", text)
    return path


# ---- zips


def test_an_encrypted_zip_says_so(store: Store, tmp_path: Path) -> None:
    raw = bytearray(packed(tmp_path / "x.zip", HEAD).read_bytes())
    for at in (6, raw.find(b"PK\x01\x02") + 8):
        raw[at] |= 1
    (tmp_path / "x.zip").write_bytes(raw)
    refused(store, tmp_path / "x.zip", "the zip is encrypted: unpack it first")


def test_a_zip_bomb_is_not_unpacked(store: Store, tmp_path: Path) -> None:
    packed(tmp_path / "x.zip", "0" * (40 << 20))
    refused(store, tmp_path / "x.zip", r"would unpack .* into 41,943,040 bytes")


def test_a_zip_that_claims_to_be_huge_is_not_unpacked(store: Store, tmp_path: Path) -> None:
    """The limit is on what the file says of itself, so no memory is asked for first."""
    raw = bytearray(packed(tmp_path / "x.zip", HEAD).read_bytes())
    at = raw.find(b"PK\x01\x02")
    raw[at + 24 : at + 28] = struct.pack("<I", 0xFFFF_FFF0)
    (tmp_path / "x.zip").write_bytes(raw)
    refused(store, tmp_path / "x.zip", "would unpack")


def test_names_in_a_zip_lead_nowhere(store: Store, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as box:
        box.writestr("../../evil.csv", "\n".join([HEAD, *(ROW.format(stamp) for stamp in STAMPS_MS)]))
    assert taken(store, tmp_path / "x.zip").added == 4
    assert not list(tmp_path.parent.glob("**/evil.csv"))


def test_a_checksum_that_is_no_text_is_wrong(store: Store, tmp_path: Path) -> None:
    packed(tmp_path / "x.zip", HEAD)
    (tmp_path / "x.zip.CHECKSUM").write_bytes(b"\xff\xfe\x00")
    refused(store, tmp_path / "x.zip", "wrong checksum")


# ---- text


def test_a_column_of_our_own_name_does_no_harm(store: Store, tmp_path: Path) -> None:
    table(tmp_path / "x.csv", *(f"{ROW.format(stamp)},7" for stamp in STAMPS_MS), head=f"{HEAD},row")
    assert taken(store, tmp_path / "x.csv").added == 4


@pytest.mark.parametrize("twice", ["close", "close ", '"close"'])
def test_a_column_that_comes_twice_is_refused(store: Store, tmp_path: Path, twice: str) -> None:
    table(tmp_path / "x.csv", *(f"{ROW.format(stamp)},7" for stamp in STAMPS_MS), head=f"{HEAD},{twice}")
    refused(store, tmp_path / "x.csv", "the header names 'close' twice")


@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_separators_are_named(store: Store, tmp_path: Path, mark: str) -> None:
    (tmp_path / "x.csv").write_text(f"{HEAD}\n1,2,3,4,5,6\n".replace(",", mark))
    refused(store, tmp_path / "x.csv", f"cells are parted by {mark!r}, they should be by commas".replace("\\", r"\\"))


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_byte_order_mark_and_empty_lines_at_the_end_are_nothing(store, tmp_path, line_end) -> None:
    rows = line_end.join([HEAD, *(ROW.format(stamp) for stamp in STAMPS_MS), "", "", ""])
    (tmp_path / "x.csv").write_bytes(b"\xef\xbb\xbf" + rows.encode())
    assert taken(store, tmp_path / "x.csv").added == 4


# ---- times


@pytest.mark.parametrize("per_ms", [0.001, 1, 1000, 1_000_000])
def test_epochs_of_any_unit_are_one_time(store: Store, tmp_path: Path, per_ms: float) -> None:
    stamped(tmp_path / "x.csv", [int(stamp * per_ms) for stamp in STAMPS_MS])
    taken(store, tmp_path / "x.csv")
    assert store.coverage(KEY).first_ns == STAMPS_MS[0] * 1_000_000


def test_parts_of_a_second_stay(store: Store, tmp_path: Path) -> None:
    """Trades stamped in seconds with decimals are not all at the full second."""
    table(tmp_path / "x.csv", "1740787200.25,10,1", "1740787200.750001,11,1", head="time,price,qty")
    taken(store, tmp_path / "x.csv", kind="trades")
    found = store.scan(SeriesKey("binance", "linear", "X", "trades", "event")).collect()["time"].dt.epoch("ns")
    assert found.to_list() == [1_740_787_200_250_000_000, 1_740_787_200_750_001_000]


@pytest.mark.parametrize(
    "stamps",
    [
        [f"9999-12-31 0{n}:00:00" for n in range(4)],
        [-stamp for stamp in reversed(STAMPS_MS)],
        [stamp // 1000 + 50_000_000_000 for stamp in STAMPS_MS],  # seconds of the year 3609, wrapping around in 64 bits
        [10**18 * 9 + 3 * 10**17 + n for n in range(4)],
    ],
)
def test_times_that_nanoseconds_cannot_count_do_not_wrap_around(store, tmp_path, stamps) -> None:
    stamped(tmp_path / "x.csv", stamps)
    refused(store, tmp_path / "x.csv", "row 2, column 'time': the time is empty or not a time")


@pytest.mark.parametrize("unit", ["ms", "us"])
def test_far_times_of_a_binary_file_do_not_wrap_around(store: Store, tmp_path: Path, unit: str) -> None:
    far = candles(4).with_columns(pl.col("time").cast(pl.Datetime(unit)).dt.offset_by("600y"))
    far.write_parquet(tmp_path / "x.parquet")
    refused(store, tmp_path / "x.parquet", "row 1, column 'time': the time is empty or not a time")


def test_far_days_do_not_wrap_around(store: Store, tmp_path: Path) -> None:
    days = pl.Series("time", [date(2700, 1, 1) + timedelta(days=n) for n in range(4)])
    candles(4).with_columns(days).write_parquet(tmp_path / "x.parquet")
    refused(store, tmp_path / "x.parquet", "the time is empty or not a time")


def test_counts_are_not_taken_for_seconds(store: Store, tmp_path: Path) -> None:
    """0, 1, 2, ... are no times of 1970, before there was anything to short."""
    stamped(tmp_path / "x.csv", [0, 1, 2, 3])
    refused(store, tmp_path / "x.csv", "row 2, column 'time': 1970-01-01T00:00:00Z is from before there was a market")


def test_bars_of_the_future_are_refused_where_now_is_known(store: Store, tmp_path: Path) -> None:
    stamped(tmp_path / "x.csv", STAMPS_MS)
    now_ns = parse_time("2025-02-27T02:00:00")
    refused(store, tmp_path / "x.csv", "row 2, column 'time': 2025-03-01T00:00:00Z lies in the future", now_ns=now_ns)
    assert taken(store, tmp_path / "x.csv", now_ns=parse_time("2025-03-01")).added == 4


# ---- numbers


@pytest.mark.parametrize("price", ["1e300", "1e16"])
def test_prices_beyond_reach_are_refused(store: Store, tmp_path: Path, price: str) -> None:
    table(tmp_path / "x.csv", *(f"{stamp},{price},{price},{price},{price},5" for stamp in STAMPS_MS))
    refused(store, tmp_path / "x.csv", "row 2, column 'open': .* is out of reach")


# ---- binary tables


ODD = {
    "a struct": pl.struct("open", "high"),
    "a list": pl.concat_list("open", "high"),
    "bytes": pl.lit(b"12"),
    "times": pl.col("time"),
    "truth": pl.lit(value=True),
}


@pytest.mark.parametrize("odd", ODD)
def test_a_price_column_without_numbers_is_named(store: Store, tmp_path: Path, odd: str) -> None:
    candles(4).with_columns(ODD[odd].alias("close")).write_parquet(tmp_path / "x.parquet")
    refused(store, tmp_path / "x.parquet", "column 'close': holds .*, not numbers")


def test_nested_columns_that_nobody_needs_do_no_harm(store: Store, tmp_path: Path) -> None:
    more = candles(4).with_columns(pl.struct("open").alias("s"), pl.concat_list("open").alias("l"), row=1, row_=2)
    more.write_parquet(tmp_path / "x.parquet")
    assert taken(store, tmp_path / "x.parquet").added == 4


def test_prices_as_text_categories_are_read(store: Store, tmp_path: Path) -> None:
    rows = candles(4).with_columns(pl.col("close").cast(pl.String).cast(pl.Categorical))
    rows.write_parquet(tmp_path / "x.parquet")
    assert taken(store, tmp_path / "x.parquet").added == 4


def test_rows_of_nobody_are_refused(store: Store, tmp_path: Path) -> None:
    """A row without a symbol must not become the series of a coin called None."""
    named = candles(4).with_columns(pl.Series("symbol", ["A", "A", None, "A"]))
    named.write_parquet(tmp_path / "x.parquet")
    with pytest.raises(BadFile, match="row 3, column 'symbol': the name is empty"):
        import_path(store, tmp_path / "x.parquet", venue="binance")
    assert store.keys() == []


def by_venue(**names: object) -> pl.DataFrame:
    short = {"time": "timestamp", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
    return (
        candles(4).rename(short).with_columns(**{name: pl.lit(value, dtype=pl.String) for name, value in names.items()})
    )


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"venue": "okx", "coin": "FOO"}, "how many FOO one holds is not known"),
        ({"venue": "okx", "coin": None}, "row 1, column 'coin': the name is empty"),
        ({"venue": None, "coin": "BTC"}, "row 1, column 'venue': the name is empty"),
        ({"venue": "bybit", "coin": "../../x"}, "is not a symbol"),
    ],
)
def test_a_table_of_venues_names_what_it_lacks(store: Store, tmp_path: Path, names: dict, said: str) -> None:
    by_venue(**names).write_parquet(tmp_path / "x.parquet")
    refused(store, tmp_path / "x.parquet", said)


def test_layouts_that_lack_their_columns_say_which(store: Store, tmp_path: Path) -> None:
    table(tmp_path / "hl.csv", "a,5", head="user,liquidated_ntl_pos")
    refused(store, tmp_path / "hl.csv", "column 'time': the column is missing")
    funding = tmp_path / "BTC_USDT_USDT-8h-funding_rate.feather"
    candles(4).rename({"time": "when"}).write_ipc(funding)
    refused(store, funding, "column 'time': the column is missing")


def test_a_lean_file_needs_a_day_that_exists(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "cryptofuture" / "binance" / "minute" / "btcusdt"
    folder.mkdir(parents=True)
    packed(folder / "20229999_trade.zip", "0,1,2,1,1,5\n60000,1,2,1,1,5\n")
    refused(store, folder / "20229999_trade.zip", "the name should begin with the date")


def test_json_deeper_than_anyone_reads(store: Store, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[" * 200_000)
    refused(store, tmp_path / "x.json", "not JSON")


def test_bytes_that_make_the_reader_panic_are_a_bad_file(store, tmp_path, monkeypatch) -> None:
    """Polars panics over some damaged pages; that is no Exception, and still the file's fault."""

    def panic(*_: object, **__: object) -> None:
        raise pl.exceptions.PanicException("range start must not be greater than end\nnote: run with RUST_BACKTRACE")

    candles(4).write_parquet(tmp_path / "x.parquet")
    monkeypatch.setattr(pl, "read_parquet", panic)
    refused(store, tmp_path / "x.parquet", "cannot be read as parquet: range start must not be greater than end$")


# ---- names


@pytest.mark.parametrize("symbol", ["../../x", "a b", "", ".", "é", "A\n", "-x", "*", "A" * 300, "x/../../y"])
def test_hostile_symbols_are_refused(store: Store, tmp_path: Path, symbol: str) -> None:
    stamped(tmp_path / "BTCUSDT_1h.csv", STAMPS_MS)
    with pytest.raises(BadInput, match=r"is not a symbol|symbol was empty"):
        import_path(store, tmp_path / "BTCUSDT_1h.csv", venue="binance", symbol=symbol)
    assert not store.root.exists()


@pytest.mark.parametrize("interval", ["event", "9" * 30 + "w", "99999999d", "1٣h"])
def test_hostile_intervals_are_refused(store: Store, tmp_path: Path, interval: str) -> None:
    stamped(tmp_path / "x.csv", STAMPS_MS)
    with pytest.raises(BadInput, match=r"interval"):
        taken(store, tmp_path / "x.csv", interval=interval)


@pytest.mark.parametrize("part", ["*", "**", "../../*", "/etc/*", "[", "", "binance/linear"])
def test_filters_are_names_not_patterns(store: Store, tmp_path: Path, part: str) -> None:
    stamped(tmp_path / "x.csv", STAMPS_MS)
    taken(store, tmp_path / "x.csv")
    for name in ("venue", "product", "symbol", "kind", "interval"):
        assert store.keys(**{name: part}) == []
    assert store.keys() == [KEY]


# ---- folders


def test_links_that_go_round_are_not_followed(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "binance_um"
    folder.mkdir(parents=True)
    stamped(folder / "X_1h.csv", STAMPS_MS)
    (folder / "round").symlink_to(tmp_path / "in", target_is_directory=True)
    (folder / "self").symlink_to("self")
    (folder / "gone.csv").symlink_to("/nowhere")
    report = import_path(store, tmp_path / "in")
    assert [file.path for file in report.files] == ["binance_um/X_1h.csv"]
    assert report.added == 4


def test_a_file_that_vanishes_on_the_way_is_listed(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "binance_um"
    folder.mkdir(parents=True)
    for name in ("X_1h.csv", "Y_1h.csv"):
        stamped(folder / name, STAMPS_MS)

    def gone(_done: int, _total: int, name: str) -> None:
        if name.endswith("X_1h.csv"):
            (folder / "X_1h.csv").unlink()

    report = import_path(store, tmp_path / "in", progress=gone)
    assert [str(file.error) for file in report.bad] == [
        f"{folder / 'X_1h.csv'}: cannot be read: No such file or directory"
    ]
    assert [key.symbol for key in store.keys(venue="binance")] == ["Y"]


def test_zoned_dates_are_turned_to_utc(store: Store, tmp_path: Path) -> None:
    stamped(tmp_path / "x.csv", [f"2025-03-01T0{n}:00:00+02:00" for n in range(4)])
    taken(store, tmp_path / "x.csv")
    assert store.coverage(KEY).first_ns == parse_time("2025-02-28T22:00:00Z")
