"""The account against many bars, compiled. Importing this file imports numba."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import config, njit

from bearskin.margin import Tiers, arm, maintenance, notional, profit
from bearskin.paths import compiled_before

arm(kernel_files=[Path(__file__)])
_CACHE = Path(str(config.CACHE_DIR))


@njit(cache=True)  # type: ignore[untyped-decorator]
def first_breach(
    high: Any, low: Any, floor: Any, mmr: Any, cum: Any, rows: Any, qty: Any, cost: Any, wallet: Any, start: Any,
    end: Any,
) -> Any:  # fmt: skip
    """The first bar in [start, end) where equity would be at or below maintenance, marks at their extremes against us.

    `high` and `low` hold a row of marks per symbol, `floor`, `mmr` and `cum` a row of brackets, filled up with
    infinite floors; `rows`, `qty` (signed) and `cost` describe the open positions. Returns `end` when there is none.
    """
    for bar in range(start, end):
        equity, needed = wallet, 0.0
        for k in range(len(rows)):
            row = rows[k]
            mark = high[row, bar] if qty[k] < 0 else low[row, bar]
            tiers = Tiers(floor[row], mmr[row], cum[row], floor[row])
            equity += profit(qty[k], cost[k], mark)
            needed += maintenance(tiers, notional(qty[k], mark))
        if equity <= needed:
            return bar
    return end


def warm(say: Callable[[str], None] | None) -> None:
    """Make the check ready: one bar is asked."""
    if say is not None and not first_breach.signatures and not compiled_before(Path(__file__), _CACHE):
        say("compiling the account check: once, a second or two")
    row = np.ones((1, 1))
    one = np.ones(1)
    first_breach(row, row, row, row * 0.01, row * 0.0, np.zeros(1, dtype=np.int64), one, one, 1.0, 0, 1)
