"""A sweep's folder made by hand from a matrix of daily nets, for tests of what reads sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bearskin.backtest._search_folder import COUNTS, FIGURES, Folder, Found


def write_sweep(
    folder: Path,
    daily: NDArray[np.float64],
    *,
    symbols: Sequence[str] = ("AAAUSDT",),
    axis: str = "stop_scale",
    first_day: int = 20_000,
    equity: float = 10_000.0,
    more_axes: dict[str, list[Any]] | None = None,
) -> Path:
    """Write `daily` (days x combinations, quote units) as the sweep's result, split evenly over the symbols.

    A day that is not zero is one trade. One axis numbers the combinations unless `more_axes` gives a value per
    combination for each of several.
    """
    days, n = daily.shape
    columns = more_axes or {axis: [float(i + 1) for i in range(n)]}
    writer = Folder(folder, symbols)
    axes = [{"name": name, "values": list(dict.fromkeys(values))} for name, values in columns.items()]
    writer.begin(
        {
            "bearskin": "test", "request": {"equity": str(equity), "setups": ["failed_breakout"]}, "axes": axes,
            "search": "grid", "trials": None, "seed": 0, "objective": "net", "tried": n, "grid": n,
            "units": len(symbols), "symbols": list(symbols), "left_out": [], "first_day": first_day,
            "last_day": first_day + days - 1, "code": "", "data": {},
        }
    )  # fmt: skip
    share = daily / len(symbols)
    for index in range(len(symbols)):
        where = [np.flatnonzero(share[:, i]) for i in range(n)]
        rows: dict[str, Any] = {name: np.zeros(n, dtype=np.int64) for name in COUNTS}
        rows |= {name: np.zeros(n) for name in FIGURES}
        rows["trades"] = np.array([len(at) for at in where])
        rows["wins"] = (share > 0).sum(axis=0)
        rows["net"] = share.sum(axis=0)
        rows["gross"] = rows["net"].copy()
        rows["equity_end"] = equity + rows["net"]
        found = Found(
            numbers=np.arange(n, dtype=np.int64),
            rows=rows,
            day_from=np.concatenate([[0], np.cumsum([len(at) for at in where])]).astype(np.int64),
            day=np.concatenate([first_day + at for at in where] or [np.zeros(0)]).astype(np.int32),
            net=np.concatenate([share[at, i] for i, at in enumerate(where)] or [np.zeros(0)]),
        )
        writer.write((0, index), found, columns)
    return folder
