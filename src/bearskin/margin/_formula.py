"""One source for every formula: marked here, compiled for kernels only when a room asks for it."""

from __future__ import annotations

import decimal
import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from bearskin.terms import EXACT, QUOTE

F = TypeVar("F", bound=Callable[..., Any])

_FOLDER_PREFIX = "bearskin-"
_marked: list[Callable[..., Any]] = []
_armed: set[Callable[..., Any]] = set()


def formula(function: F) -> F:
    """Mark a pure formula and return it unchanged; `arm()` later makes it callable from compiled code.

    A formula has integer literals only, no `math`, no numpy, no `//` and no `%`, so that the same source runs on
    float64, Decimal and Fraction.
    """
    _marked.append(function)
    return function


def formulas() -> tuple[Callable[..., Any], ...]:
    """Every function marked so far, in order of marking."""
    return tuple(_marked)


def arm(cache_root: Path | None = None, kernel_files: Sequence[Path] = ()) -> None:
    """Make every marked formula callable inside `numba.njit` and give numba a cache folder that cannot go stale.

    numba's own cache looks only at the file of the compiled entry, so an edited formula in another file would go on
    giving its old results. The folder is therefore named by a digest of the sources of all marked formulas and of
    `kernel_files` (the files that hold the caller's compiled code). Call it before the first `njit(cache=True)`.

    The folder is put below `NUMBA_CACHE_DIR` when the user has set it, else below `cache_root`, else below the
    platform's cache folder; where that cannot be written, a temporary folder serves and compiling is paid each time.
    Calling it again arms only what was marked since.
    """
    import numba
    from numba.extending import register_jitable

    for function in _marked:
        if function not in _armed:
            register_jitable(function)
            _armed.add(function)
    folder = _writable(_cache_root(cache_root) / f"{_FOLDER_PREFIX}{_digest(kernel_files)}")
    # numba reads its variables again whenever one of them changes, so both places must say the same
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    numba.config.CACHE_DIR = str(folder)


def deciding() -> AbstractContextManager[decimal.Context]:
    """The context for decisions in Decimal: 60 digits, and anything inexact raises instead of being rounded.

    Only formulas without a division run in it (`is_liquidated` and its like); a price formula raises Inexact.
    """
    return decimal.localcontext(EXACT)


def quoting() -> AbstractContextManager[decimal.Context]:
    """The context for prices and ratios in Decimal: 34 digits. Round the answer to the tick in a named direction."""
    return decimal.localcontext(QUOTE)


def _digest(kernel_files: Sequence[Path]) -> str:
    files = {Path(function.__code__.co_filename) for function in _marked} | {Path(file) for file in kernel_files}
    parts = sorted((file.name, _content(file)) for file in files)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _content(file: Path) -> bytes:
    if file.is_file():
        return file.read_bytes()
    # a zipped package has no files: its byte code stands in
    code = [function.__code__ for function in _marked if function.__code__.co_filename == str(file)]
    return repr([(part.co_name, part.co_code, part.co_consts) for part in code]).encode()


def _cache_root(cache_root: Path | None) -> Path:
    named = os.environ.get("NUMBA_CACHE_DIR")
    if named:
        # a parent process or an earlier call may have put its digest there already
        return Path(named).parent if Path(named).name.startswith(_FOLDER_PREFIX) else Path(named)
    if cache_root is not None:
        return cache_root
    import platformdirs

    return platformdirs.user_cache_path("bearskin") / "numba"


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        # a fresh folder of our own: compiled code is never loaded from where others could have put it
        return Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX))
