"""A study of real candles, against sums made with Polars alone."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from bearskin.backtest import StudyRequest, StudySet, run_study
from bearskin.market import Store, import_path, load_panel
from bearskin.setups import detect
from bearskin.terms import HOUR_NS, Side


@pytest.mark.slow
def test_returns_and_baselines_are_those_of_the_candles(real_data: Path, tmp_path: Path) -> None:
    file = real_data / "binance_um_2025" / "trade" / "BTCUSDT_1h.parquet"
    store = Store(tmp_path)
    import_path(store, file)
    panel = load_panel(store, venue="binance", symbol="BTCUSDT", interval="1h")
    request = StudyRequest(setups=("failed_breakout",), sides=(Side.SHORT,))
    one = StudySet(name="BTC", role="headline", symbols=("BTCUSDT",), load=lambda _: panel)
    cases = run_study(request, [one]).cases.filter(pl.col("horizon_ns") == 24 * HOUR_NS)
    candles = pl.read_parquet(file).sort("time").select("time", "open", left=pl.col("close").shift(-23))
    moves = candles.with_columns(move=1 - pl.col("left") / pl.col("open")).drop_nulls()
    entries = cases.select(pl.from_epoch("entry_ns", "ns").dt.replace_time_zone("UTC").alias("time"), pl.all())
    entries = entries.with_columns(pl.col("time").dt.cast_time_unit("ns"))
    moves = moves.with_columns(pl.col("time").cast(pl.Datetime("ns", "UTC")))
    signals = {event.known_ns for event in detect(panel, ["failed_breakout"], [Side.SHORT])}
    assert set(cases["entry_ns"]) <= signals
    assert cases.height > 40
    for row in entries.iter_rows(named=True):
        (made,) = moves.filter(pl.col("time") == row["time"])["move"]
        assert row["trade_bp"] == pytest.approx(1e4 * made)
        near = moves.filter(
            (pl.col("time") - row["time"]).abs() <= pl.duration(days=30),
            pl.col("time").dt.truncate("1d") != row["time"].replace(hour=0),
        )
        assert row["base_bp"] == pytest.approx(1e4 * near["move"].mean())
