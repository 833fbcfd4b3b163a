"""From files to the store: one file or a folder, every file whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from bearskin.market._layout_table import raise_problem
from bearskin.market._layouts import read_file
from bearskin.market._parts import Hints, Left, Piece, Taken
from bearskin.market._read import ROW, UNREADABLE, first_line
from bearskin.market._store import Part, Store
from bearskin.terms import DAY_NS, BadFile, BadInput, iso, parse_time

_FIRST_NS: Final = parse_time("2009-01-03")  # the first block of Bitcoin
# Called before each file with how many are done, how many there are and the name of the next.
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What became of one file: taken (`series` > 0), left alone (`skipped` says why) or refused (`error`)."""

    path: str
    layout: str
    series: int = 0
    added: int = 0
    same: int = 0
    differing: int = 0
    skipped: str | None = None
    error: BadInput | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of every file, in the order of their names."""

    files: tuple[FileReport, ...]

    @property
    def added(self) -> int:
        """Rows that were not in the store before."""
        return sum(file.added for file in self.files)

    @property
    def same(self) -> int:
        """Rows that were there with the same values."""
        return sum(file.same for file in self.files)

    @property
    def differing(self) -> int:
        """Rows that were there with other values, which were kept."""
        return sum(file.differing for file in self.files)

    @property
    def taken(self) -> tuple[FileReport, ...]:
        """Files whose rows are in the store now."""
        return tuple(file for file in self.files if file.series)

    @property
    def skipped(self) -> tuple[FileReport, ...]:
        """Files left alone, each with its reason."""
        return tuple(file for file in self.files if file.skipped is not None)

    @property
    def bad(self) -> tuple[FileReport, ...]:
        """Files refused; nothing of them is in the store."""
        return tuple(file for file in self.files if file.error is not None)


def import_path(
    store: Store,
    path: Path | str,
    *,
    venue: str | None = None,
    product: str | None = None,
    symbol: str | None = None,
    kind: str | None = None,
    interval: str | None = None,
    progress: Progress | None = None,
    now_ns: int | None = None,
) -> ImportReport:
    """Import one file, or every file under a folder, into `store`; rows from after `now_ns` and a day are refused.

    The options win over what a file's name and folders say. Each file is checked whole before the first row is
    written, and then written whole. A single file that cannot be taken raises (BadFile with its row and column,
    BadInput for the store or the path); in a folder the others go on and `bad` lists it.
    """
    path = Path(path)
    hints = Hints(venue=venue, product=product and str(product), symbol=symbol, kind=kind, interval=interval)
    if not path.exists():
        raise BadInput(f"{path} does not exist: give a file or a folder to import")
    if path.is_file():
        if progress is not None:
            progress(0, 1, path.name)
        report = _import_file(store, path, f"{path.absolute().parent.name}/{path.name}", hints, now_ns)
        if report.skipped is not None:
            raise BadFile(path, f"nothing to import ({report.layout}): {report.skipped}")
        return ImportReport(files=(report,))
    files = sorted(_files_below(path))
    if not files:
        raise BadInput(f"{path} holds no files")
    reports = []
    for done, file in enumerate(files):
        name = str(file.relative_to(path))
        if progress is not None:
            progress(done, len(files), name)
        try:
            reports.append(_import_file(store, file, name, hints, now_ns))
        except BadFile as error:
            reports.append(FileReport(path=name, layout="", error=error))
    if progress is not None:
        progress(len(files), len(files), "")
    return ImportReport(files=tuple(reports))


def _files_below(folder: Path) -> Iterator[Path]:
    """Every file that is not hidden; links to folders are not followed, so that none is walked twice or for ever."""

    def stop(error: OSError) -> None:
        raise BadInput(
            f"{error.filename} cannot be read ({error.strerror}): leave it out, or let it be read"
        ) from error

    for base, folders, names in os.walk(folder, onerror=stop):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(base, name) for name in names if not name.startswith(".") and Path(base, name).is_file())


def _import_file(store: Store, path: Path, name: str, hints: Hints, now_ns: int | None) -> FileReport:
    found = read_parts(path, hints, now_ns)
    if isinstance(found, Left):
        return FileReport(path=name, layout=found.layout, skipped=found.reason)
    parts = [Part(key=piece.key, frame=piece.frame, quirks=piece.quirks) for piece in found.pieces]
    if not parts:
        raise BadFile(path, "there is no row in it")
    appended = store.append_all(parts, name, checked=True)
    return FileReport(
        path=name,
        layout=found.layout,
        series=len(appended),
        added=sum(report.added for report in appended),
        same=sum(report.same for report in appended),
        differing=sum(report.differing for report in appended),
        notes=found.notes,
    )


def read_parts(path: Path, hints: Hints, now_ns: int | None = None) -> Taken | Left:
    """The rows of a file, checked; raises BadFile naming the file's first bad row and its column.

    Rows from more than a day after `now_ns` are refused where that is given.
    """
    # folders above the one that was named count too: `cd trade; import BTCUSDT_1h.parquet`
    try:
        found = read_file(path.absolute(), hints)
        for piece in found.pieces if isinstance(found, Taken) else ():
            raise_problem(path, piece.key, piece.frame, piece.names, piece.quirks)
            _raise_age(path, piece, now_ns)
    except BadFile:
        raise
    except BadInput as error:  # a name in the file that cannot be one
        raise BadFile(path, str(error)) from error
    except UNREADABLE as error:  # a kind of column that no rule has thought of
        raise BadFile(path, f"cannot be taken as market data: {first_line(error)}") from error
    return found


def _raise_age(path: Path, piece: Piece, now_ns: int | None) -> None:
    """Raise BadFile for rows from before there was a market, or from after `now_ns`: times of another unit, or none."""
    time_ns = pl.col("time").dt.epoch("ns")
    late = pl.lit(value=False) if now_ns is None else time_ns > now_ns + DAY_NS
    odd = piece.frame.filter((time_ns < _FIRST_NS) | late)
    if len(odd):
        moment_ns = int(odd["time"].dt.epoch("ns")[0])
        why = "lies in the future" if moment_ns > _FIRST_NS else "is from before there was a market: is it a time?"
        raise BadFile(path, f"{iso(moment_ns)} {why}", row=int(odd[ROW][0]), column=piece.names.get("time", "time"))
