"""The kernel, compiled. Importing this file imports numba; the first call of `walk` ever compiles (some seconds)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import config, njit
from numba.core.options import DefaultOptions

from bearskin.margin import Tiers, arm
from bearskin.paths import _kernel, _skip

arm(kernel_files=[Path(__file__)])
_CACHE = Path(str(config.CACHE_DIR))  # this file's own: the next room that arms moves on to another

# kernels make no array, so nothing needs its references counted: counting the dozen of a lane at every call inside took
# three quarters of the time (numba does not document the option, so it is only used where it is there)
OPTIONS: dict[str, bool] = {"cache": True} | ({"_nrt": False} if hasattr(DefaultOptions, "_nrt") else {})

walk = njit(**OPTIONS)(_kernel.walk)
leap = njit(**OPTIONS)(_skip.leap)  # compiled when first called, which only a sweep does


def warm(say: Callable[[str], None] | None) -> None:
    """Make the kernel ready: one bar is walked, so that what follows finds it compiled."""
    if say is not None and not walk.signatures and not compiled_before(Path(str(_kernel.__file__)), _CACHE):
        say("compiling the price-path kernel: once, a few seconds")
    prices: Any = np.ones(2)
    ticks: Any = np.ones(2, dtype=np.int64)
    no_ticks, no_prices = ticks[:0].copy(), prices[:0].copy()
    grid = _kernel.Grid(1, 1.0, 1.0, 1.0, 1.0)
    starts: Any = np.zeros(3, dtype=np.int64)
    lane = _kernel.Lane(
        grid, ticks, ticks, ticks, ticks, ticks, prices, prices, starts, no_ticks, no_ticks, no_prices, no_prices
    )
    tiers = Tiers(np.zeros(1), np.full(1, 0.01), np.zeros(1), np.full(1, 1e9))
    never = _kernel.NEVER
    walk(
        lane,
        tiers,
        _kernel.Ticket(1, 1, 0, 2, 0, 0, never, 1, -never, -never, never, 0, 0, 1, 1.0, 0.0, 0.0, 0.0, 0.0),
    )


def compiled_before(file: Path, cache: Path) -> bool:
    """Whether numba's folder `cache` holds compiled code of `file`."""
    return any(cache.glob(f"{file.parent.name}_*/{file.stem}.*.nbi"))
