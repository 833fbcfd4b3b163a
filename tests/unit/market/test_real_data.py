"""The real sets, where they are at hand: what is in them is taken, and the faults that are in them are found."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bearskin.market import (
    Fault,
    SeriesKey,
    Store,
    check_store,
    import_path,
    instrument_of,
    list_symbols,
    load_brackets,
    load_panel,
)
from bearskin.terms import HOUR_NS, iso, parse_time

# the last settlement of binance_um_2025; other sets go on a few hours
SET_ENDS_NS = parse_time("2026-02-19T09:00:00Z")
SETS = (
    "binance_um_open_interest_5m",
    "bitmex_inverse_1m",
    "freqtrade_layout",
    "lean_layout",
    "liquidations",
    "multi_venue_2025",
    "sentiment",
    "wire_captures_2021",
    "brackets",
)
FILES = (
    *(
        f"binance_um_2025/{kind}/{name}"
        for name in ("BTCUSDT_1h", "ZECUSDT_1h", "RIVERUSDT_1h")
        for kind in ("trade", "mark")
    ),
    *(f"binance_um_2025/funding/{name}" for name in ("BTCUSDT", "RIVERUSDT", "ORCAUSDT")),
    "binance_um_2025/trade/BTCUSDT_5m",
    "binance_um_2025/trade/ZECUSDT_5m",
    "binance_um_2025/spot/BTCUSDT_1h",
    "binance_um_2024Q4/mark/WIFUSDT_8h",
    "binance_um_2024Q4/trade/WIFUSDT_1h",
    "binance_um_1m_2025/trade/ADAUSDT_1m",
)


@pytest.fixture(scope="module")
def store(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Every kind of set there, the large ones by a sample, imported as a user would: one folder, no options."""
    folder = tmp_path_factory.mktemp("sets")
    for name in SETS:
        (folder / name).symlink_to(real_data / name, target_is_directory=True)
    for name in FILES:
        target = folder / f"{name}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(real_data / f"{name}.parquet")
    store = Store(tmp_path_factory.mktemp("store"))
    taken = 0
    for name in sorted({Path(name).parts[0] for name in (*SETS, *FILES)}):
        report = import_path(store, folder / name)
        assert [str(file.error) for file in report.bad] == []
        taken += len(report.taken)
    assert taken >= 45
    return store


@pytest.fixture(scope="module")
def faults(store: Store) -> list[Fault]:
    return check_store(store)


def count(faults: list[Fault], code: str, venue: str, kind: str, interval: str) -> dict[str, int]:
    """How many faults of a code each symbol has."""
    chosen = (
        f.key.symbol
        for f in faults
        if (f.code, f.key.venue, f.key.kind, f.key.interval) == (code, venue, kind, interval)
    )
    return dict(Counter(chosen))


def test_lighter_and_hyperliquid_have_the_breaks_they_are_known_for(faults: list[Fault]) -> None:
    """64 breaks for every coin on Lighter; one long one on Hyperliquid, and DOGE's quiet hours there."""
    coins = ("BTC", "DOGE", "ETH", "HYPE", "SOL")
    assert count(faults, "gap", "lighter", "trade", "1h") == dict.fromkeys(coins, 64)
    assert count(faults, "gap", "hyperliquid", "trade", "1h") == dict.fromkeys(coins, 1) | {"DOGE": 17}
    for venue in ("binance", "bybit", "okx", "kraken"):
        assert count(faults, "gap", venue, "trade", "5m") == {}


def test_open_interest_has_its_gaps_and_none_is_a_missing_sample(faults: list[Fault]) -> None:
    """BTC 5, ARB 4, SOL 3, AVAX 1, WIF 1: samples stamped a second or two late."""
    wanted = {"BTCUSDT": 5, "ARBUSDT": 4, "SOLUSDT": 3, "AVAXUSDT": 1, "WIFUSDT": 1}
    assert count(faults, "gap", "binance", "open-interest", "5m") == wanted
    late = [f.detail for f in faults if f.code == "gap" and f.key.venue == "binance" and f.key.kind == "open-interest"]
    assert all("none missing" in detail for detail in late)


def test_five_minutes_and_hours_disagree_in_four_hours(faults: list[Fault]) -> None:
    """The same four hours for every symbol that traded then; nowhere else."""
    hours = ["2025-01-14T13:00:00Z", "2025-01-14T15:00:00Z", "2025-01-29T01:00:00Z", "2025-01-29T02:00:00Z"]
    for symbol in ("BTCUSDT", "ZECUSDT"):
        key = SeriesKey("binance", "linear", symbol, "trade", "1h")
        found = [iso(f.time_ns or 0) for f in faults if f.code == "intervals-differ" and f.key == key]
        assert found == hours, symbol


def test_funding_intervals_switch_and_no_settlement_is_missing_there(faults: list[Fault]) -> None:
    """RIVER and ORCA ran at 4h, 2h and 1h; BTC never switched."""
    switches = count(faults, "funding-interval", "binance", "funding", "event")
    assert {symbol: switches.get(symbol) for symbol in ("RIVERUSDT", "ORCAUSDT", "BTCUSDT")} == {
        "RIVERUSDT": 8,
        "ORCAUSDT": 7,
        "BTCUSDT": None,
    }
    holes = count(faults, "missing-settlement", "binance", "funding", "event")
    assert not {"RIVERUSDT", "ORCAUSDT", "BTCUSDT"} & set(holes)
    kraken = count(faults, "missing-settlement", "kraken", "funding", "event")
    assert set(kraken.values()) == {8}


def test_bitmex_is_flagged_not_refused(store: Store, faults: list[Fault]) -> None:
    """The whole year of minutes is there, its opens are previous closes, and an hour and a half stood still in May."""
    key = SeriesKey("bitmex", "inverse", "XBTUSD", "trade", "1m")
    assert store.coverage(key).rows == 527_040
    assert iso(store.coverage(key).first_ns) == "2019-12-31T23:59:00Z"
    assert [f.code for f in faults if f.key == key and f.code != "stale"] == ["quirk", "flat"]


def test_first_sources_agree_with_later_ones(store: Store) -> None:
    """Binance's hours in two sets, both copies of Fear & Greed, funding in three: not one value differs."""
    assert len(store.disagreements()) == 0


def test_panels_have_marks_on_every_hour(store: Store) -> None:
    """BTC: every hour of fourteen months, mark on each, settlements every eight hours on the minute."""
    listed = {one.symbol: one for one in list_symbols(store, "binance", "linear", "1h")}
    assert listed["BTCUSDT"].has_mark
    panel = load_panel(store, venue="binance", symbol="BTCUSDT", interval="1h", end_ns=SET_ENDS_NS)
    assert panel.mark_missing is not None
    assert panel.funding is not None
    assert (panel.mark_missing.sum(), panel.mark_estimated) == (0, False)
    assert set(panel.funding.interval_ns.tolist()) == {8 * HOUR_NS}
    assert (np.diff(panel.time_ns) == HOUR_NS).all()


def test_the_funding_sum_of_one_btc_needs_only_the_panel(store: Store, real_data: Path) -> None:
    """Rate times the open of the mark bar that starts at the settlement, from the panel and from the files, exactly."""
    panel = load_panel(store, venue="binance", symbol="BTCUSDT", interval="1h", end_ns=SET_ENDS_NS)
    assert panel.funding is not None
    assert panel.mark_open is not None
    at = np.searchsorted(panel.time_ns, panel.funding.time_ns)
    mine = sum(
        Fraction(r) * Fraction(m)
        for r, m in zip(panel.funding.rate.tolist(), panel.mark_open[at].tolist(), strict=True)
    )
    folder = real_data / "binance_um_2025"
    marks = dict(pl.read_parquet(folder / "mark" / "BTCUSDT_1h.parquet").select("time", "open").iter_rows())
    rates = pl.read_parquet(folder / "funding" / "BTCUSDT.parquet").iter_rows()
    theirs = sum(Fraction(rate) * Fraction(marks[time]) for time, rate in rates)
    assert mine == theirs


def test_marks_of_eight_hours_are_estimated_on_hours(store: Store) -> None:
    """WIF of late 2024: the estimate stays inside each eight-hour mark bar and meets it at every open."""
    panel = load_panel(store, venue="binance", symbol="WIFUSDT", interval="1h")
    assert panel.mark_estimated
    assert panel.mark_open is not None
    assert panel.mark_low is not None
    rows = store.scan(SeriesKey("binance", "linear", "WIFUSDT", "mark", "8h")).collect()
    opens = rows["time"].dt.epoch("ns").to_numpy()
    at = np.searchsorted(panel.time_ns, opens)
    inside = (at < len(panel)) & (panel.time_ns[np.minimum(at, len(panel) - 1)] == opens)
    assert inside.sum() > 400
    assert np.allclose(panel.mark_open[at[inside]], rows["open"].to_numpy()[inside])


def test_bracket_files_of_three_years_load(real_data: Path) -> None:
    """Each file recomputes; the figures of BTC at 300,000 changed from year to year."""
    rates = {}
    for path in sorted((real_data / "brackets").glob("*tiers*.json.gz")):
        book = load_brackets(path)
        rows = book.get("binance", "BTCUSDT").rows
        rates[path.name.split("_")[-1][:7]] = next(row.mmr for row in rows if row.floor <= 300_000 < row.cap)
    assert rates == {"2023-08": Decimal("0.01"), "2024-10": Decimal("0.005"), "2026.9.": Decimal("0.005")}
    whole = load_brackets(real_data / "brackets" / "binance_leverage_tiers_freqtrade_2026.9.json.gz")
    packaged = load_brackets()
    for symbol in packaged.symbols("binance"):
        assert packaged.get("binance", symbol).rows == whole.get("binance", symbol).rows


def test_packaged_ticks_divide_the_prices_they_were_measured_on(real_data: Path) -> None:
    """All but a handful of prints of the newest month lie on the packaged grid."""
    for symbol in ("BTCUSDT", "DOGEUSDT", "SOLUSDT", "HYPEUSDT"):
        frame = pl.read_parquet(real_data / "binance_um_2025" / "trade" / f"{symbol}_1h.parquet").tail(700)
        found = instrument_of("binance", symbol)
        for column, grid in (("close", found.tick), ("volume", found.step)):
            counts = frame[column].to_numpy() / float(grid)
            assert (np.abs(counts - np.rint(counts)) < 1e-4).mean() > 0.99, (symbol, column)
