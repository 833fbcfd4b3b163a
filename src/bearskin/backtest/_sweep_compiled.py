"""The sweep's loop, compiled. Importing this file imports numba; the first sweep ever compiles (some seconds)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import config, njit
from numba.extending import register_jitable

from bearskin.backtest import _override, _sweep_loop, _sweep_tables
from bearskin.backtest._sweep_tables import OFFER, TERMS, Filters, Prepared
from bearskin.margin import Tiers, arm
from bearskin.paths import Grid, Lane, compiled_before, index_of, kernel_options

arm(kernel_files=[Path(str(module.__file__)) for module in (_override, _sweep_loop, _sweep_tables)])
_CACHE = Path(str(config.CACHE_DIR))
_PARTS: tuple[Callable[..., object], ...] = (
    _override.ticks_up,
    _override.stop_ticks,
    _override.target_ticks,
    _sweep_loop.shaped,
    _sweep_loop.stands,
    _sweep_loop.near,
    _sweep_loop.sized,
    _sweep_loop._survives,
    _sweep_loop.ticket_for,
    _sweep_loop.next_offer,
    _sweep_loop.free_from,
    _sweep_loop.tally,
    _sweep_loop.risk_of,
    _sweep_loop.run_one,
)
for _part in _PARTS:
    register_jitable(_part)

# threads share the work: the interpreter is let go of
run_many = njit(nogil=True, **kernel_options())(_sweep_loop.run_many)


def is_ready() -> bool:
    """Whether nothing has to be compiled before the first sweep."""
    return bool(run_many.signatures) or compiled_before(Path(str(_sweep_loop.__file__)), _CACHE)


def warm(say: Callable[[str], None] | None) -> None:
    """Make the loop ready: no combination is asked of two bars."""
    if say is not None and not is_ready():
        say("compiling the loop of a sweep: once, some ten seconds")
    prices: Any = np.ones(2)
    ticks: Any = np.ones(2, dtype=np.int64)
    starts: Any = np.zeros(3, dtype=np.int64)
    none, no_prices = ticks[:0].copy(), prices[:0].copy()
    lane = Lane(
        Grid(1, 1.0, 1.0, 1.0, 1.0), ticks, ticks, ticks, ticks, ticks, prices, prices, starts, none, none, no_prices,
        no_prices,
    )  # fmt: skip
    index = index_of(lane)
    prepared = Prepared(
        (lane, lane), (index, index), ticks, np.zeros(0, dtype=OFFER), Filters(1.0, 1.0, 1.0, 1.0, 1, 1.0, 1, 0.0, 1)
    )
    tiers = Tiers(np.zeros(1), np.full(1, 0.01), np.zeros(1), np.full(1, 1e9))
    run_many(
        prepared, tiers, np.zeros(0, dtype=TERMS), np.zeros(1, dtype=np.int64), np.zeros((0, 2), dtype=np.int64),
        np.zeros((0, 1), dtype=np.int64), np.zeros((0, 1)), np.zeros((0, 1), dtype=np.int32), np.zeros((0, 1)),
        np.zeros(0, dtype=np.int64),
    )  # fmt: skip
