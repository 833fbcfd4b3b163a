"""What the house asks of a store as a whole: its version, its lock, and how many kernels are compiled."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def store_version(folder: Path) -> int | None:
    """The version of the store in `folder`; None where there is no store. Raises StoreBroken for a damaged one."""
    from bearskin import market

    return market.store_version(folder)


def newest_version() -> int:
    """The version this bearskin writes."""
    from bearskin import market

    return market.STORE_VERSION


def migrate_store(folder: Path) -> tuple[str, ...]:
    """Bring the store up to date and say each step; raises BadInput for a version from the future."""
    from bearskin import market

    return market.migrate_store(folder)


@contextlib.contextmanager
def store_lock(folder: Path) -> Iterator[None]:
    """Hold the one writer's lock of the store in `folder`; where there is no store there is nothing to hold."""
    if store_version(folder) is None:
        yield
        return
    from bearskin import market

    with market.hold_store(folder):
        yield


def numba_folder(home_cache: Path) -> Path:
    """Where compiled kernels lie: the folder the environment names, else below the home's cache."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    return Path(named) if named else home_cache / "numba"


def kernel_files(folder: Path, room: str = "") -> int:
    """How many compiled functions (of one room) lie below numba's cache folder."""
    if folder.name.startswith("bearskin-"):  # a room has put its digest there; the others lie beside it
        folder = folder.parent
    return sum(1 for path in folder.rglob("*.nbc") if path.parent.name.startswith(room)) if folder.is_dir() else 0
