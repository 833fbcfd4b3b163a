"""Whether the folder of a sweep is whole: what is damaged or a stranger there is named, with what would mend it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from bearskin.backtest._search_folder import (
    ABOUT,
    DAYS,
    MEASURES,
    ROWS,
    TRIALS,
    VERSION,
    Unit,
    done_in,
    part_name,
    sum_of,
    sums_in,
)
from bearskin.terms import BadFile, BadInput, StoreBroken

LOCK = ".lock"
DAY_COLUMNS = ("combination", "symbol", "day", "net")
# what is asked of sweep.json, and the types it must have
_KEYS: dict[str, tuple[type, ...]] = {
    "request": (dict,), "axes": (list,), "search": (str,), "tried": (int,), "grid": (int,), "units": (int, type(None)),
    "symbols": (list,), "left_out": (list,), "first_day": (int,), "last_day": (int,), "code": (str,), "data": (dict,),
}  # fmt: skip
_BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, KeyError, ValueError, OverflowError)


def about_of(path: Path) -> dict[str, Any]:
    """What `sweep.json` says; raises BadInput when the folder is no sweep's, BadFile when it is damaged."""
    try:
        about = json.loads((path / ABOUT).read_bytes())
    except FileNotFoundError:
        raise BadInput(f"{path} holds no sweep: there is no {ABOUT} in it") from None
    except NotADirectoryError:
        raise BadInput(f"{path} is a file, the folder of a sweep is asked for") from None
    except OSError as error:
        raise StoreBroken(f"{path / ABOUT} cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        raise _about_broken(path, f"it is no JSON ({error})") from None
    if not isinstance(about, dict) or about.get("kind") != "sweep":
        raise BadInput(f"{path / ABOUT} is not about a sweep: name the --out folder of one")
    if about.get("version") != VERSION:
        raise BadInput(
            f"the sweep in {path} is of version {about.get('version')}, this bearskin reads {VERSION}: sweep anew"
        )
    for name, kinds in _KEYS.items():
        if name not in about:
            raise _about_broken(path, f"its {name!r} is missing")
        if not isinstance(about[name], kinds) or isinstance(about[name], bool):
            raise _about_broken(path, f"its {name!r} is not what we write there")
    for axis in about["axes"]:
        if not isinstance(axis, dict) or not isinstance(axis.get("name"), str) or not axis.get("values"):
            raise _about_broken(path, "its 'axes' are not what we write there")
    if not about["symbols"] or not all(isinstance(symbol, str) for symbol in about["symbols"]):
        raise _about_broken(path, "its 'symbols' are not what we write there")
    return about


def _about_broken(path: Path, why: str) -> BadFile:
    return BadFile(
        path / ABOUT,
        f"it is damaged: {why}; without it nobody knows what the results beside it belong to: put a copy of it back,"
        " or begin another sweep with another --out",
    )


def check_parts(path: Path, about: Mapping[str, Any]) -> None:
    """Look at every part of the sweep in `path`; raises BadFile that names one that is not as we left it.

    The foot is read, and every byte is summed: one that has turned over may give another number and still be read.
    """
    sums = sums_in(path)
    for unit in sorted(done_in(path)):
        if unit[1] >= len(about["symbols"]):
            problem = f"it belongs to none of the {len(about['symbols'])} symbols of this sweep: move it away"
            raise BadFile(path / ROWS / part_name(unit), problem)
        for kind, columns in _columns(about).items():
            _look(path, kind, unit, columns, about["symbols"][unit[1]])
            _sum(path, kind, unit, sums.get(part_name(unit), {}).get(kind))


def _columns(about: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {ROWS: ("combination", "symbol", *(axis["name"] for axis in about["axes"]), *MEASURES), DAYS: DAY_COLUMNS}


def _look(path: Path, kind: str, unit: Unit, columns: tuple[str, ...], symbol: str) -> None:
    """The schema of a part and whose it is."""
    part = path / kind / part_name(unit)
    try:
        there = set(pl.read_parquet_schema(part))
        if not there >= set(columns):
            raise _damaged(path, kind, unit, f"it has no column {min(set(columns) - there)!r}")
        first = pl.scan_parquet(part).select("symbol").head(1).collect()["symbol"]
    except _BROKEN as error:
        raise _damaged(path, kind, unit, _said(error)) from None
    if len(first) and first[0] != symbol:
        raise _damaged(path, kind, unit, f"it is of {first[0]}, not of {symbol}")


def _sum(path: Path, kind: str, unit: Unit, told: str | None) -> None:
    """Whether a part is byte for byte what was written; nothing is known of parts without a sum."""
    try:
        there = None if told is None else sum_of(path / kind / part_name(unit))
    except OSError as error:
        raise _damaged(path, kind, unit, _said(error)) from None
    if there != told:
        raise _damaged(path, kind, unit, "its check sum is not the one it was written with")


def _damaged(path: Path, kind: str, unit: Unit, why: str) -> BadFile:
    part = path / kind / part_name(unit)
    rows = path / ROWS / part_name(unit)
    what = "it" if kind == ROWS else str(rows)  # a unit is done again when its rows are not there
    return BadFile(
        part,
        f"it is damaged or not of this sweep ({why}): delete {what} and `bearskin sweep --resume --out {path}`"
        " computes that part again, the rest stays",
    )


def _said(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    return " ".join(str(getattr(error, "strerror", None) or error).split())[:120].rstrip(" :")


@contextmanager
def parts_are_read(path: Path, about: Mapping[str, Any]) -> Iterator[None]:
    """Within it parts are read: when that fails, every one is read whole to name the damaged one (BadFile)."""
    try:
        yield
    except (BadInput, StoreBroken):
        raise
    except _BROKEN:
        check_parts(path, about)
        for unit in sorted(done_in(path)):
            for kind, columns in _columns(about).items():
                try:
                    pl.read_parquet(path / kind / part_name(unit), columns=list(columns))
                except _BROKEN as error:
                    raise _damaged(path, kind, unit, _said(error)) from None
        raise


def check_trials(path: Path) -> None:
    """Raises BadFile where the list of Optuna's trials cannot be read."""
    try:
        if (path / TRIALS).exists():
            pl.read_parquet_schema(path / TRIALS)
    except _BROKEN as error:
        raise BadFile(
            path / TRIALS,
            f"it is damaged ({_said(error)}): delete it and `bearskin sweep --resume --out {path}` writes it again",
        ) from None


@contextmanager
def held(path: Path) -> Iterator[None]:
    """The folder of a sweep for one writer at a time; raises BadInput when another process has it.

    The lock goes with the process, however that ends. A folder that is empty afterwards is taken away again.
    """
    there = path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / LOCK).open("a")
    except OSError as error:
        raise StoreBroken(f"{path} cannot be written ({error.strerror or error})") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadInput(
                f"another sweep is at work in {path}: wait until it is done, or give this one another folder with --out"
            ) from None
        try:
            yield
        finally:
            if not (path / ABOUT).exists():
                _leave(path, empty_too=not there)


def _leave(path: Path, *, empty_too: bool) -> None:
    """Nothing was begun: leave no trace."""
    (path / LOCK).unlink(missing_ok=True)
    if empty_too and not any(os.scandir(path)):
        path.rmdir()
