"""What the house asks of a store as a whole: its version, its lock, and how many kernels are compiled."""

from __future__ import annotations

import contextlib
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


def kernel_files(folder: Path) -> int:
    """How many compiled functions lie below numba's cache folder."""
    return sum(1 for _ in folder.rglob("*.nbc")) if folder.is_dir() else 0
