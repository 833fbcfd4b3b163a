"""The store: what is added stays, whole, once, and first come is first kept."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import polars as pl
import pytest
from unit.market.made import BTC_1H, START_NS, candles, funding, snapshot

from bearskin.market import AppendReport, Part, SeriesKey, Store
from bearskin.terms import HOUR_NS, BadInput, StoreBroken, UnknownSymbol, parse_time


def test_a_series_comes_back_as_it_went_in(tmp_path: Path) -> None:
    """Values, the close of the bar as `known_at`, and the source on every row."""
    store = Store(tmp_path / "store")
    report = store.append(BTC_1H, candles(48), "a file")
    assert report == AppendReport(key=BTC_1H, added=48, same=0, differing=0)
    rows = store.scan(BTC_1H).collect()
    assert rows.drop("known_at", "source").equals(candles(48))
    assert rows["source"].unique().to_list() == ["a file"]
    assert (rows["known_at"] - rows["time"]).unique().dt.total_hours().to_list() == [1]
    assert store.keys() == [BTC_1H]
    reach = store.coverage(BTC_1H)
    assert (reach.first_ns, reach.last_ns, reach.rows) == (START_NS, START_NS + 47 * HOUR_NS, 48)


def test_one_file_a_year_read_only_where_asked(tmp_path: Path) -> None:
    """Two years make two files; a span in one reads one."""
    store = Store(tmp_path)
    start = parse_time("2024-12-31T12:00:00Z")
    store.append(BTC_1H, candles(24, start_ns=start), "x")
    assert [path.name for path in store.files(BTC_1H)] == ["2024.parquet", "2025.parquet"]
    new_year = parse_time("2025-01-01")
    assert [path.name for path in store.files(BTC_1H, new_year, None)] == ["2025.parquet"]
    assert len(store.scan(BTC_1H, new_year, new_year + 3 * HOUR_NS).collect()) == 3
    assert len(store.scan(BTC_1H, parse_time("2030-01-01")).collect()) == 0


def test_appending_again_changes_nothing(tmp_path: Path) -> None:
    """Twice the same rows: nothing added, every byte as before."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(48), "first")
    before = snapshot(tmp_path)
    assert store.append(BTC_1H, candles(48), "second") == AppendReport(key=BTC_1H, added=0, same=48, differing=0)
    assert snapshot(tmp_path) == before


def test_overlap_adds_only_what_is_new(tmp_path: Path) -> None:
    """Rows before, inside and after what is there end up in time order."""
    store = Store(tmp_path)
    whole = candles(60)
    store.append(BTC_1H, whole[20:40], "middle")
    assert store.append(BTC_1H, whole, "whole").added == 40
    rows = store.scan(BTC_1H).collect()
    assert rows.drop("known_at", "source").equals(whole)
    assert rows["source"].to_list() == ["whole"] * 20 + ["middle"] * 20 + ["whole"] * 20


def test_first_import_wins_and_the_other_value_is_remembered(tmp_path: Path) -> None:
    """A later, different close is kept beside the series, once, and never replaces the first."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(48), "first")
    other = candles(48).with_columns(pl.when(pl.int_range(pl.len()) == 5).then(99.9).otherwise("close").alias("close"))
    other = other.with_columns(pl.min_horizontal("low", "close").alias("low"))
    for _ in range(2):
        report = store.append(BTC_1H, other, "second")
        assert (report.added, report.same, report.differing) == (0, 47, 1)
        assert store.scan(BTC_1H).drop("known_at", "source").collect().equals(candles(48))
    said = store.disagreements().filter(pl.col("column") == "close")
    assert said.select("symbol", "kept", "kept_source", "offered", "offered_source").rows() == [
        ("BTCUSDT", candles(48)["close"][5], "first", 99.9, "second")
    ]


def test_an_empty_value_disagrees_with_nothing_and_new_columns_come_along(tmp_path: Path) -> None:
    """A source without quote volume and one with it agree; the column is empty where only the first spoke."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(10), "plain")
    report = store.append(BTC_1H, candles(20).with_columns(quote_volume=pl.lit(5.0)), "rich")
    assert (report.added, report.same, report.differing) == (10, 10, 0)
    assert store.scan(BTC_1H).collect()["quote_volume"].null_count() == 10


def test_single_events_may_share_a_time(tmp_path: Path) -> None:
    """Two liquidations in one instant are two rows, and stay two when offered again."""
    key = SeriesKey("hyperliquid", "linear", "ALL", "liquidations", "event")
    rows = pl.DataFrame({"time": [START_NS, START_NS, START_NS + 1], "notional_usd": [5.0, 7.0, 5.0]})
    rows = rows.with_columns(pl.col("time").cast(pl.Datetime("ns", "UTC")))
    store = Store(tmp_path)
    assert store.append(key, rows, "x").added == 3
    assert store.append(key, rows, "x").same == 3
    assert store.scan(key).collect()["seq"].to_list() == [0, 1, 0]


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [("close", float("nan"), "finite"), ("open", -1.0, "above zero"), ("volume", None, "empty")],
)
def test_a_bad_row_is_refused_with_its_place(tmp_path: Path, column: str, value: float | None, said: str) -> None:
    """The store guards itself, whoever appends; nothing is written, not even the folder's version."""
    bad = candles(9).with_columns(pl.when(pl.int_range(pl.len()) == 4).then(value).otherwise(column).alias(column))
    store = Store(tmp_path / "new")
    with pytest.raises(BadInput, match=rf"row 4, column '{column}'.*{said}"):
        store.append(BTC_1H, bad, "x")
    assert not (tmp_path / "new").exists()


def test_many_series_are_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fails at the fourth file: the store is, byte for byte, what it was."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(10), "before")
    before = snapshot(tmp_path)
    written = 0
    real = pl.DataFrame.write_parquet

    def failing(self: pl.DataFrame, *args: object, **named: object) -> None:
        nonlocal written
        written += 1
        if written == 4:
            raise OSError(28, "No space left on device")
        real(self, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(pl.DataFrame, "write_parquet", failing)
    keys = [SeriesKey("binance", "linear", f"C{n}USDT", "trade", "1h") for n in range(6)]
    with pytest.raises(StoreBroken, match="no space left"):
        store.append_all([Part(key=key, frame=candles(20)) for key in (BTC_1H, *keys)], "big")
    assert snapshot(tmp_path) == before
    assert store.keys() == [BTC_1H]


def test_a_writer_that_died_after_promising_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the renames: the next to open the store sees every series, not some."""
    store = Store(tmp_path)
    keys = [SeriesKey("binance", "linear", f"C{n}USDT", "trade", "1h") for n in range(5)]
    moved = 0
    real = Path.replace

    def dying(self: Path, target: Path) -> Path:
        nonlocal moved
        moved += target.name.startswith("2025")
        if moved == 3:
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "replace", dying)
    with pytest.raises(KeyboardInterrupt):
        store.append_all([Part(key=key, frame=candles(20)) for key in keys], "x")
    monkeypatch.undo()
    assert Store(tmp_path).keys() == keys
    assert not (tmp_path / ".writing").exists()


def test_a_writer_that_died_before_promising_never_was(tmp_path: Path) -> None:
    """Files left in the writing folder without their list are forgotten."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(10), "x")
    (tmp_path / ".writing").mkdir()
    (tmp_path / ".writing" / "0").write_bytes(b"half a file")
    assert Store(tmp_path).scan(BTC_1H).collect().height == 10
    assert not (tmp_path / ".writing").exists()


def _append_many(root: str, number: int) -> None:
    store = Store(root)
    for round_ in range(3):
        start = START_NS + (number * 3 + round_) * 10 * HOUR_NS
        store.append(BTC_1H, candles(10, start_ns=start), f"writer {number}")


def test_writers_take_turns(tmp_path: Path) -> None:
    """Three processes add to one series at once; no row is lost."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_many, args=(str(tmp_path), number)) for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    rows = Store(tmp_path).scan(BTC_1H).collect()
    assert len(rows) == 90
    assert rows["time"].is_sorted()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_one_sentence_for_users(tmp_path: Path) -> None:
    """What, why and what to do; nothing is made."""
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(BadInput, match="cannot be written: permission denied; choose a folder you may write to"):
            Store(tmp_path / "store").append(BTC_1H, candles(5), "x")
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_under_a_file_cannot_be_written(tmp_path: Path) -> None:
    """The same sentence, where even root cannot write."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="cannot be written: not a directory"):
        Store(tmp_path / "file" / "store").append(BTC_1H, candles(5), "x")
    with pytest.raises(BadInput, match="is a file; a store is a folder"):
        Store(tmp_path / "file")


def test_a_store_of_another_version_is_not_touched(tmp_path: Path) -> None:
    """A newer store refuses an older program and says what to do."""
    (tmp_path / "store.json").write_text(json.dumps({"format": "bearskin-store", "version": 99}))
    with pytest.raises(StoreBroken, match=r"version 99.*update this one"):
        Store(tmp_path)
    (tmp_path / "store.json").write_text("not json")
    with pytest.raises(StoreBroken, match="cannot be read"):
        Store(tmp_path)


def test_an_absent_series_names_what_there_is(tmp_path: Path) -> None:
    """The question was for 5m; there is 1h."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(5), "x")
    with pytest.raises(UnknownSymbol, match="of BTCUSDT it has binance/linear/BTCUSDT/trade/1h"):
        store.scan(SeriesKey("binance", "linear", "BTCUSDT", "trade", "5m"))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("Binance", "linear", "BTCUSDT", "trade", "1h"), "lower-case"),
        (("binance", "perp", "BTCUSDT", "trade", "1h"), "not a product"),
        (("binance", "linear", "../BTC", "trade", "1h"), "not a symbol"),
        (("binance", "linear", "BTCUSDT", "candles", "1h"), "not a kind"),
        (("binance", "linear", "BTCUSDT", "trade", "1 hour"), "not an interval"),
    ],
)
def test_names_are_checked(parts: tuple[str, str, str, str, str], said: str) -> None:
    """A key is a path: nothing that is not a name gets into it."""
    with pytest.raises(BadInput, match=said):
        SeriesKey(*parts)


def test_known_at_follows_the_kind(tmp_path: Path) -> None:
    """Statistics five minutes late, settlements at once, a day of Fear & Greed from 01:00 of the next."""
    store = Store(tmp_path)
    stamps = candles(3).select("time")
    cases = [
        (SeriesKey("binance", "linear", "X", "open-interest", "5m"), stamps.with_columns(oi=pl.lit(1.0)), 5),
        (SeriesKey("binance", "linear", "X", "funding", "event"), funding([8, 8]), 0),
        (SeriesKey("binance", "linear", "X", "liquidations", "1m"), stamps.with_columns(long_usd=pl.lit(1.0)), 1),
        (SeriesKey("any-venue", "any", "MOOD", "sentiment", "1d"), stamps.with_columns(value=pl.lit(9.0)), 60),
    ]
    for key, frame, minutes in cases:
        store.append(key, frame, "x")
        rows = store.scan(key).collect()
        assert (rows["known_at"] - rows["time"]).dt.total_minutes().to_list() == [minutes] * 3, key
