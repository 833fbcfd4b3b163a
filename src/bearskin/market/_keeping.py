"""A store as a whole: its version, its lock for those who copy or empty it, and the way up from older versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bearskin.market._store import _ABOUT, VERSION, read_version
from bearskin.market._writing import _locked, _settle, said
from bearskin.terms import BadInput

STORE_VERSION: Final = VERSION

# version -> (what the step does, the step that brings a store of that version to the next); version 1 is the first
_STEPS: Final[dict[int, tuple[str, Callable[[Path], None]]]] = {}


def store_version(root: Path) -> int | None:
    """The version in the store's `store.json`; None where there is none. Raises StoreBroken when it cannot be read."""
    about = root / _ABOUT
    if not about.exists():
        return None
    return read_version(about)


def migrate_store(root: Path) -> tuple[str, ...]:
    """Bring the store up to STORE_VERSION step by step under its lock; one sentence per step, none when it is current.

    Raises BadInput for a version this bearskin does not know, before anything is touched.
    """
    version = store_version(root)
    if version is None or version == STORE_VERSION:
        return ()
    unknown = version > STORE_VERSION or any(v not in _STEPS for v in range(version, STORE_VERSION))
    if unknown:
        raise BadInput(f"{root} holds a store of version {version}, this bearskin knows up to version {STORE_VERSION}")
    done = []
    with hold_store(root):
        for at in range(version, STORE_VERSION):
            title, step = _STEPS[at]
            step(root)
            done.append(title)
    return tuple(done)


@contextmanager
def hold_store(root: Path) -> Iterator[None]:
    """Hold the writer's lock: nothing is appended meanwhile, and what a dead writer had promised is finished first.

    Raises StoreBroken when another writer does not let go in time, BadInput when the folder cannot be written.
    """
    with said(root):
        lock = _locked(root)
    with lock:  # closing the file gives the lock back
        with said(root):
            _settle(root)
        yield
