"""The sweep's loop, compiled. Importing this file imports numba; the first sweep ever compiles (some seconds)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from numba import config, njit
from numba.extending import register_jitable

from bearskin.backtest import _override, _sweep_loop, _sweep_tables
from bearskin.margin import arm
from bearskin.paths import compiled_before, kernel_options

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
