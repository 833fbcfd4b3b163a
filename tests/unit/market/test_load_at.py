"""What was known at one time: the last bars, settlements up to then, published values, and whole days."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bearskin.market import SeriesKey, Store, load_days_at, load_panel, load_panel_at, write_synthetic
from bearskin.market._synthetic import DEFAULT_START_NS
from bearskin.terms import DAY_NS, HOUR_NS, UnknownSymbol

PLACE = {"venue": "synthetic", "product": "linear", "symbol": "BTCUSDT", "interval": "1h"}
T0 = DEFAULT_START_NS


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    found = Store(tmp_path_factory.mktemp("at") / "store")
    write_synthetic(found, seed=2, symbols=["BTCUSDT"], days=30)
    return found


def test_the_last_bars_that_were_complete(store: Store) -> None:
    at_ns = T0 + 10 * DAY_NS + 30 * 60 * 10**9  # in the middle of a bar
    panel = load_panel_at(store, at_ns=at_ns, bars=48, **PLACE)
    assert panel is not None
    assert len(panel) == 48
    assert panel.known_ns(47) == T0 + 10 * DAY_NS
    whole = load_panel(store, **PLACE)
    at = int(np.searchsorted(whole.time_ns, panel.time_ns[0]))
    for name in ("open", "high", "low", "close", "volume", "quote_volume", "mark_close"):
        assert np.array_equal(getattr(panel, name), getattr(whole, name)[at : at + 48])


def test_a_settlement_at_the_moment_itself_is_known_and_none_after(store: Store) -> None:
    at_ns = T0 + 10 * DAY_NS + 8 * HOUR_NS
    panel = load_panel_at(store, at_ns=at_ns, bars=24, **PLACE)
    assert panel is not None
    assert panel.funding is not None
    assert panel.funding.time_ns[-1] == at_ns
    assert panel.funding.time_ns[0] <= T0 + DAY_NS  # further back than the bars
    just_before = load_panel_at(store, at_ns=at_ns - 1, bars=24, **PLACE)
    assert just_before is not None
    assert just_before.funding is not None
    assert just_before.funding.time_ns[-1] < at_ns


def test_only_what_was_published(store: Store) -> None:
    at_ns = T0 + 10 * DAY_NS
    panel = load_panel_at(store, at_ns=at_ns, bars=24, **PLACE)
    assert panel is not None
    for name in ("open_interest", "long_short_ratio", "sentiment"):
        series = getattr(panel, name)
        assert series.known_ns[-1] <= at_ns
    first = load_panel_at(store, at_ns=T0 + HOUR_NS // 2 + HOUR_NS, bars=24, **PLACE)
    assert first is not None
    assert len(first) == 1


def test_nothing_where_there_was_nothing(store: Store) -> None:
    assert load_panel_at(store, at_ns=T0, bars=24, **PLACE) is None
    assert load_panel_at(store, at_ns=T0 + 90 * DAY_NS, bars=24, **PLACE) is None
    assert load_panel_at(store, at_ns=T0 + DAY_NS, bars=24, **{**PLACE, "symbol": "NONEUSDT"}) is None


def test_an_estimated_mark_is_left_out(store: Store, tmp_path: Path) -> None:
    coarse = Store(tmp_path / "store")
    for name in ("trade", "mark"):
        key = SeriesKey("synthetic", "linear", "BTCUSDT", name, "1h")
        frame = store.scan(key).collect().drop("source")
        if name == "mark":
            key = SeriesKey("synthetic", "linear", "BTCUSDT", name, "4h")
            frame = frame.group_by_dynamic("time", every="4h").agg(
                pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last()
            )
        coarse.append(key, frame, "test")
    assert load_panel(coarse, **PLACE).mark_estimated
    panel = load_panel_at(coarse, at_ns=T0 + 10 * DAY_NS, bars=24, **PLACE)
    assert panel is not None
    assert panel.mark_close is None
    assert not panel.mark_estimated
    assert not any("mark" in note for note in panel.notes)


def test_whole_days_only(store: Store) -> None:
    known, high, low, close = load_days_at(store, at_ns=T0 + 10 * DAY_NS + 5 * HOUR_NS, days=4, **PLACE)
    assert known.tolist() == [T0 + k * DAY_NS for k in (7, 8, 9, 10)]
    whole = load_panel(store, **PLACE)
    day = slice(9 * 24, 10 * 24)
    assert (high[-1], low[-1]) == (whole.high[day].max(), whole.low[day].min())
    assert close[-1] == whole.close[10 * 24 - 1]
    assert len(load_days_at(store, at_ns=T0 + 10 * DAY_NS - 1, **PLACE)[0]) == 9
    with pytest.raises(UnknownSymbol):
        load_days_at(store, at_ns=T0 + DAY_NS, **{**PLACE, "symbol": "NONEUSDT"})
