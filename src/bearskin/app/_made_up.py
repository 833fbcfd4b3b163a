"""The synthetic market that stands in where a store is empty: kept in the cache, made again from its seed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from bearskin.app._house import House
from bearskin.terms import interval_ns

SYNTHETIC = "synthetic"
SEED, DAYS = 7, 180
INTERVALS = ("15m", "1h", "4h")


def synthetic_folder(house: House, interval: str) -> Path:
    """Where the synthetic market of an interval is kept: in the cache, made again from its seed when it is gone."""
    interval_ns(interval)
    return house.home.part("cache") / "synthetic" / f"seed-{SEED}-{DAYS}d-{interval}"


def synthetic_made(house: House, interval: str, progress: Any = None) -> Path:
    """The store of the synthetic market, made now where it is not there; raises BadInput."""
    from bearskin import market

    folder = synthetic_folder(house, interval)
    if market.store_version(folder) is not None:
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f".{folder.name}.part-{os.getpid()}")
    told = None if progress is None else lambda done, total, what: progress(f"making {what}", done, total)
    try:
        market.write_synthetic(market.Store(part), seed=SEED, days=DAYS, interval=interval, progress=told)
        try:
            part.rename(folder)
        except OSError:  # somebody else was quicker, and made the same
            if market.store_version(folder) is None:
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder
