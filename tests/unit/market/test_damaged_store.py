"""A store that disks, power cuts or other hands have changed: which file it is, and the way out."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from unit.market.made import BTC_1H, candles, snapshot

from bearskin.market import Store, check_store, load_panel
from bearskin.market._writing import try_lock
from bearskin.terms import StoreBroken

HOW = r"2025\.parquet is damaged .*: restore it from a backup, or move it away and import its source again"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    store.append(BTC_1H, candles(48), "made")
    return store


def halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(path)


@pytest.mark.parametrize("damage", [halved, emptied, foreign])
def test_every_reader_names_the_file_and_the_cure(store: Store, damage) -> None:
    damage(store.files(BTC_1H)[0])
    for reader in (
        lambda: store.coverage(BTC_1H),
        lambda: store.scan(BTC_1H),
        lambda: load_panel(store, venue="binance", symbol="BTCUSDT", interval="1h"),
    ):
        with pytest.raises(StoreBroken, match=HOW):
            reader()
    if damage is not foreign:
        before = snapshot(store.root)
        with pytest.raises(StoreBroken, match=HOW):
            store.append(BTC_1H, candles(60), "again")
        assert snapshot(store.root) == before


def test_what_only_shows_while_reading_is_said_too(store: Store) -> None:
    """The end of the file is sound, its pages are not."""
    path = store.files(BTC_1H)[0]
    raw = bytearray(path.read_bytes())
    raw[4:600] = b"\xff" * 596
    path.write_bytes(raw)
    with pytest.raises(StoreBroken, match=HOW):
        load_panel(store, venue="binance", symbol="BTCUSDT", interval="1h")


@pytest.mark.parametrize("damage", [halved, foreign])
def test_a_check_goes_on_past_a_damaged_series(store: Store, damage) -> None:
    from dataclasses import replace

    store.append(replace(BTC_1H, symbol="ETHUSDT"), candles(48)[:20].vstack(candles(48)[21:]), "made")
    store.append(replace(BTC_1H, interval="2h"), candles(24, "2h"), "made")
    damage(store.files(BTC_1H)[0])
    assert [fault.code for fault in check_store(store)] == ["unreadable", "gap"]


@pytest.mark.parametrize("text", ["{", "[]", '{"version": "x"}', '{"version": true}', '{"version": 1.5}', "\xff"])
def test_a_version_file_that_is_none(store: Store, text: str) -> None:
    (store.root / "store.json").write_text(text, encoding="latin-1")
    with pytest.raises(StoreBroken, match=r"store\.json cannot be read as the version file .* it should be"):
        Store(store.root)


def test_quirks_that_cannot_be_read(store: Store) -> None:
    (store.folder(BTC_1H) / "series.json").write_text("{")
    with pytest.raises(StoreBroken, match=r"series\.json is damaged"):
        store.quirks(BTC_1H)


@pytest.mark.parametrize("moves", ["{", '[["0", "../../evil"]]', '[["0", "/tmp/evil"]]', '[["../0", "x"]]', "[1]"])
def test_a_list_of_moves_is_followed_only_inside_the_store(store: Store, tmp_path: Path, moves: str) -> None:
    stage = store.root / ".writing"
    stage.mkdir()
    (stage / "moves.json").write_text(moves)
    (stage / "0").write_text("x")
    with pytest.raises(StoreBroken, match=r"moves\.json is damaged"):
        Store(store.root)
    assert not list(tmp_path.glob("**/evil"))


def test_moves_make_the_folders_that_a_power_cut_took(store: Store) -> None:
    """Folders are on disk later than the list of moves may be."""
    stage = store.root / ".writing"
    stage.mkdir()
    (stage / "0").write_bytes(store.files(BTC_1H)[0].read_bytes())
    target = "binance/linear/NEWUSDT/trade/1h/2025.parquet"
    (stage / "moves.json").write_text(json.dumps([["0", target]]))
    assert {key.symbol for key in Store(store.root).keys(venue="binance")} == {"BTCUSDT", "NEWUSDT"}


def test_a_lock_has_one_holder(store: Store) -> None:
    held = try_lock(store.root)
    assert held is not None
    with held:
        assert try_lock(store.root) is None
    again = try_lock(store.root)
    assert again is not None
    again.close()
