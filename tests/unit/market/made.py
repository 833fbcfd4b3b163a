"""Small made-up series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from bearskin.market import SeriesKey
from bearskin.terms import HOUR_NS, interval_ns, parse_time

START_NS = parse_time("2025-03-01")
BTC_1H = SeriesKey("binance", "linear", "BTCUSDT", "trade", "1h")


def times(count: int, step_ns: int = HOUR_NS, start_ns: int = START_NS) -> pl.Series:
    """`count` bar opens."""
    return pl.Series("time", start_ns + step_ns * np.arange(count)).cast(pl.Datetime("ns", "UTC"))


def candles(count: int = 48, interval: str = "1h", start_ns: int = START_NS, base: float = 100.0) -> pl.DataFrame:
    """Candles that wander on a grid of tenths and contradict nobody."""
    wander = np.round(base + np.cumsum(np.sin(np.arange(count + 1) * 1.7)), 1)
    open_, close = wander[:-1], wander[1:]
    return pl.DataFrame(
        {
            "time": times(count, interval_ns(interval), start_ns),
            "open": open_,
            "high": np.maximum(open_, close) + 0.5,
            "low": np.minimum(open_, close) - 0.5,
            "close": close,
            "volume": 10.0 + np.arange(count) % 7,
        }
    )


def together(fine: pl.DataFrame, every: str) -> pl.DataFrame:
    """Coarser candles made of finer ones."""
    return fine.group_by_dynamic("time", every=every).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )


def funding(hours: list[float], rate: float = 0.0001, start_ns: int = START_NS) -> pl.DataFrame:
    """Settlements whose distances are `hours`, as a file has them."""
    stamps = start_ns + np.concatenate([[0], np.cumsum(np.array(hours) * HOUR_NS)]).astype(np.int64)
    return pl.DataFrame({"time": pl.Series(stamps).cast(pl.Datetime("ns", "UTC")), "rate": rate})


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file of a store with its bytes, the lock aside."""
    return {
        str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file() and p.name != ".lock"
    }
