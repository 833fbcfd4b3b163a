"""The folder of a sweep: what was asked, and results in parts that are either whole or not there.

`sweep.json` is written once. A unit of work (a block of combinations on one symbol) writes `days/part-B-S.parquet` and
then `rows/part-B-S.parquet`, each aside and renamed: a unit is done when its rows are there, whoever was killed when.
Before the rows are there a line of `parts.jsonl` tells the check sums of both; the last line about a part counts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bearskin.terms import BadInput, StoreBroken

ABOUT, ROWS, DAYS = "sweep.json", "rows", "days"
SUMS = "parts.jsonl"
TRIALS = "trials.parquet"  # of Optuna's search, written when it is done
VERSION = 1
COUNTS = ("trades", "wins", "stopped", "targets", "liquidated", "timed", "ambiguous", "bars_held")
FIGURES = (
    "net", "gross", "fees", "funding", "slippage", "r_sum", "r_square_sum", "equity_end", "drawdown_max",
)  # fmt: skip
MEASURES = (
    "trades", "wins", "stopped", "targets", "liquidated", "timed", "net", "gross", "fees", "funding", "slippage",
    "r_sum", "r_square_sum", "equity_end", "drawdown_max", "ambiguous", "bars_held",
)  # fmt: skip
_PART = re.compile(r"part-(\d{8})-(\d{5})\.parquet")
Unit = tuple[int, int]  # block, index of the symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one unit found: `rows` has an array per measure, one value per combination.

    Daily net is ragged: combination i has days `day[day_from[i]:day_from[i + 1]]` (UTC day numbers of the exits,
    rising) and as many values of `net`.
    """

    numbers: NDArray[np.int64]
    rows: Mapping[str, NDArray[Any]]
    day_from: NDArray[np.int64]
    day: NDArray[np.int32]
    net: NDArray[np.float64]


class Folder:
    """Writes a sweep's results; one process does."""

    def __init__(self, path: Path, symbols: Sequence[str]) -> None:
        self.path = path
        self.symbols = tuple(symbols)

    def begin(self, about: Mapping[str, Any]) -> None:
        """Make the folder and say what is in it; raises BadInput where it cannot be made, StoreBroken where the disk
        refuses."""
        try:
            for name in (ROWS, DAYS):
                (self.path / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            said = error.strerror or str(error)
            raise BadInput(f"the folder {self.path} cannot be made ({said}): name another with --out") from None
        try:
            text = json.dumps({"kind": "sweep", "version": VERSION, **about}, indent=1, ensure_ascii=False)
            _whole(self.path / ABOUT, text.encode())
        except OSError as error:
            raise StoreBroken(f"{self.path} cannot be written ({error.strerror or error})") from None

    def forget(self) -> None:
        """Take away what `begin` made: nothing was done."""
        (self.path / ABOUT).unlink(missing_ok=True)
        (self.path / SUMS).unlink(missing_ok=True)
        for name in (ROWS, DAYS):
            with contextlib.suppress(OSError):
                (self.path / name).rmdir()

    def done(self) -> set[Unit]:
        """The units whose results are there; what a killed run left half-written is removed."""
        for aside in self.path.glob("*/.*.aside"):
            aside.unlink(missing_ok=True)
        return done_in(self.path)

    def write(self, unit: Unit, found: Found, columns: Mapping[str, Sequence[Any]]) -> None:
        """Keep what a unit found; `columns` are the axes' values. Raises StoreBroken when the disk refuses."""
        name, symbol = part_name(unit), self.symbols[unit[1]]
        sums: dict[str, str] = {}

        def told(kind: str, aside: Path) -> None:
            sums[kind] = sum_of(aside)
            if kind == ROWS:
                _append(self.path / SUMS, json.dumps({"part": name, **sums}))

        try:
            write_parquet(self.path / DAYS / name, days_frame(symbol, found), lambda aside: told(DAYS, aside))
            write_parquet(self.path / ROWS / name, rows_frame(symbol, found, columns), lambda aside: told(ROWS, aside))
        except (OSError, pl.exceptions.PolarsError) as error:
            said = getattr(error, "strerror", None) or " ".join(str(error).split())
            raise StoreBroken(f"{self.path} cannot be written ({said}); what is there is whole") from None


def part_name(unit: Unit) -> str:
    """The file of a unit."""
    return f"part-{unit[0]:08d}-{unit[1]:05d}.parquet"


def unit_of(path: Path) -> Unit | None:
    """The unit of a file; None for any other."""
    match = _PART.fullmatch(path.name)
    return None if match is None else (int(match[1]), int(match[2]))


def done_in(path: Path) -> set[Unit]:
    """The units of a sweep's folder that are done."""
    rows = path / ROWS
    units = (unit_of(entry) for entry in (rows.iterdir() if rows.is_dir() else ()))
    return {unit for unit in units if unit is not None}


def rows_frame(symbol: str, found: Found, columns: Mapping[str, Sequence[Any]]) -> pl.DataFrame:
    """One row per combination: its number, the symbol, the axes, the measures."""
    axes = {name: pl.Series(name, list(values), strict=False) for name, values in columns.items()}
    counts = {name: pl.Series(name, found.rows[name], dtype=pl.Int64) for name in COUNTS}
    figures = {name: pl.Series(name, found.rows[name], dtype=pl.Float64) for name in FIGURES}
    measures = counts | figures
    head = {"combination": pl.Series(found.numbers, dtype=pl.Int64), "symbol": [symbol] * len(found.numbers)}
    return pl.DataFrame({**head, **axes, **{name: measures[name] for name in MEASURES}})


def days_frame(symbol: str, found: Found) -> pl.DataFrame:
    """One row per combination that traded: the days it left trades on, and what they brought."""
    import pyarrow as pa

    traded = np.flatnonzero(np.diff(found.day_from))
    starts = pa.array(np.append(found.day_from[traded], found.day_from[-1]).astype(np.int32))
    # days of combinations that follow one another lie side by side: where one starts the one before has ended
    columns = {
        "combination": pa.array(found.numbers[traded], pa.int64()),
        "symbol": pa.array([symbol] * len(traded), pa.large_string()),
        "day": pa.ListArray.from_arrays(starts, pa.array(found.day, pa.int32())),
        "net": pa.ListArray.from_arrays(starts, pa.array(found.net, pa.float64())),
    }
    frame = pl.from_arrow(pa.table(columns))
    assert isinstance(frame, pl.DataFrame)
    return frame


def digest_of(path: Path, header: Mapping[str, Any]) -> str:
    """sha256 over the rows and days sorted by combination and symbol, whoever wrote them in which order.

    Blocks that do not overlap are read one after another, so that memory does not grow with their number.
    """
    # a hash for every column: what it comes to does not depend on where the blocks were cut
    taken: dict[str, Any] = {}

    def take(name: str, content: bytes) -> None:
        taken.setdefault(name, hashlib.sha256()).update(content)

    for files in _in_order(path):
        rows = _read(ROWS, path, files).sort("combination", "symbol")
        for name in ("combination", *MEASURES):
            take(f"rows {name}", rows[name].to_numpy().tobytes())
        take("rows symbol", "".join(f"{symbol}\n" for symbol in rows["symbol"]).encode())
        days = _read(DAYS, path, files).sort("combination", "symbol").explode("day", "net")
        for name in ("combination", "day", "net"):
            take(f"days {name}", days[name].to_numpy().tobytes())
        take("days symbol", "".join(f"{symbol}\n" for symbol in days["symbol"]).encode())
    told = {name: found.hexdigest() for name, found in taken.items()}
    return hashlib.sha256(json.dumps([header, told], sort_keys=True).encode()).hexdigest()


def _in_order(path: Path) -> Iterable[list[str]]:
    """Names of the parts of blocks, by rising block; those whose combinations overlap come together."""
    blocks: dict[int, list[str]] = {}
    for block, symbol in sorted(done_in(path)):
        blocks.setdefault(block, []).append(part_name((block, symbol)))
    ends: list[tuple[int, int, list[str]]] = []
    for files in blocks.values():
        low, high = _reach(path / ROWS / files[0])
        ends.append((low, high, files))
    ends.sort(key=lambda item: item[:2])
    together: list[str] = []
    reach = -1
    for low, high, files in ends:
        if together and low > reach:
            yield together
            together = []
        together += files
        reach = max(reach, high)
    if together:
        yield together


def _reach(part: Path) -> tuple[int, int]:
    """The first and last combination of a part: from its statistics, the numbers are not read."""
    ends = pl.scan_parquet(part).select(low=pl.col("combination").min(), high=pl.col("combination").max()).collect()
    return int(ends["low"][0]), int(ends["high"][0])


def _read(kind: str, path: Path, files: Sequence[str]) -> pl.DataFrame:
    return pl.read_parquet([path / kind / name for name in files])


def sum_of(path: Path) -> str:
    """The check sum of a file: blake2b over its bytes, 32 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def sums_in(path: Path) -> dict[str, dict[str, str]]:
    """The check sums of a sweep's folder by the name of the part, then by `rows` and `days`.

    A line that a power cut has left half-written tells nothing; a sweep of an older bearskin has none at all.
    """
    found: dict[str, dict[str, str]] = {}
    try:
        lines = (path / SUMS).read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return found
    for line in lines:
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            told = json.loads(line)
            found[str(told.pop("part"))] = {str(kind): str(digits) for kind, digits in told.items()}
    return found


def _append(path: Path, line: str) -> None:
    """Put a line to the end and on the disk; after what may be half a line it begins a new one."""
    with path.open("a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            line = line if file.read() == b"\n" else f"\n{line}"
        file.write(f"{line}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def write_parquet(path: Path, frame: pl.DataFrame, before: Callable[[Path], None] | None = None) -> None:
    """Write `frame` to `path` whole or not at all; `before` sees the file before it gets its name."""
    aside = path.with_name(f".{path.name}.aside")
    try:
        frame.write_parquet(aside)
        if before is not None:
            before(aside)
        _renamed(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _whole(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.aside")
    try:
        aside.write_bytes(content)
        _renamed(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _renamed(aside: Path, path: Path) -> None:
    """What is renamed is on the disk first: after a power cut a name must not point at nothing."""
    handle = os.open(aside, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    aside.replace(path)
