"""Files as frames: CSV, zipped CSV, Parquet and Feather, with every row's number and times as times.

A frame that leaves here has `row` (the line in a text file, counted from 1 with the header; the row in a binary file,
counted from 1) beside the file's own columns, so that a fault can be named where the user can find it.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from bearskin.market._rules import TIME
from bearskin.terms import BadFile

ROW: Final = "row"
_CHUNK: Final = 1 << 20


def checked_sum(path: Path) -> None:
    """Compare with the SHA-256 in `NAME.CHECKSUM` beside the file, where there is one; raises BadFile."""
    beside = path.with_name(f"{path.name}.CHECKSUM")
    if not beside.is_file():
        return
    words = beside.read_text().split()
    if not words:
        raise BadFile(beside, "the checksum file is empty; it should hold a SHA-256")
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != words[0].lower():
        raise BadFile(
            path, f"wrong checksum: its SHA-256 is {digest.hexdigest()}, {beside.name} says {words[0]}; fetch it again"
        )


def read_bytes(path: Path) -> bytes:
    """The bytes of a text file, or of the one file in a zip; raises BadFile, also for a wrong checksum."""
    checked_sum(path)
    try:
        if path.suffix != ".zip":
            return path.read_bytes()
        with zipfile.ZipFile(path) as box:
            names = [name for name in box.namelist() if not name.endswith("/")]
            if len(names) != 1:
                raise BadFile(path, f"the zip holds {len(names)} files, one CSV was expected")
            return box.read(names[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise BadFile(path, f"the zip is damaged or cut short ({error}): fetch it again") from error
    except OSError as error:
        raise BadFile(path, f"cannot be read: {error.strerror or error}") from error


def read_csv(path: Path, raw: bytes, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """CSV as text columns; `columns` names them where the file may have no header of its own.

    A header is recognised by a first cell that begins with a letter. Raises BadFile for lines of different lengths
    and for a table without rows.
    """
    first = raw[:_CHUNK].split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    cells = [cell.strip().strip('"') for cell in first.split(",")]
    header = cells[0].lstrip("\ufeff")[:1].isalpha()
    if not header and columns is None:
        raise BadFile(path, f"the first line should name the columns, it is {first[:80]!r}", row=1)
    try:
        frame = pl.read_csv(io.BytesIO(raw), has_header=header, infer_schema=False, raise_if_empty=True)
    except pl.exceptions.PolarsError as error:
        text = str(error).split("\n")[0]
        raise BadFile(path, f"not a readable CSV table: {text}") from error
    if not header and columns is not None:
        if len(frame.columns) > len(columns):
            raise BadFile(path, f"{len(frame.columns)} columns where at most {len(columns)} were expected", row=1)
        frame = frame.rename(dict(zip(frame.columns, columns, strict=False)))
    if not len(frame):
        raise BadFile(path, "there is no row in it")
    frame = frame.select(pl.all().str.strip_chars()).with_row_index(ROW, offset=2 if header else 1)
    return frame.rename({name: name.strip() for name in frame.columns})


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_table(path: Path) -> pl.DataFrame:
    """Parquet or Feather as it is, with row numbers; raises BadFile."""
    try:
        frame = pl.read_parquet(path, glob=False) if path.suffix == ".parquet" else pl.read_ipc(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadFile(path, f"cannot be read as {path.suffix[1:]}: {str(error).splitlines()[0]}") from error
    if not len(frame):
        raise BadFile(path, "there is no row in it")
    return frame.with_row_index("row_", offset=1).drop(ROW, strict=False).rename({"row_": ROW})


def text_schema(path: Path) -> list[str]:
    """The column names of a Parquet or Feather file without reading its rows; raises BadFile."""
    try:
        schema = pl.read_parquet_schema(path) if path.suffix == ".parquet" else pl.read_ipc_schema(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadFile(path, f"cannot be read as {path.suffix[1:]}: {str(error).splitlines()[0]}") from error
    return list(schema)


def as_time(path: Path, frame: pl.DataFrame, column: str) -> pl.Expr:
    """`column` as nanoseconds UTC, whatever it is: a time, a date, an epoch of any unit or the usual ways to write one.

    Times without a zone are UTC. What cannot be read becomes empty, for the rules to name.
    """
    kind, here = frame.schema[column], pl.col(column)
    if isinstance(kind, pl.Datetime):
        aware = here.dt.convert_time_zone("UTC") if kind.time_zone else here.dt.replace_time_zone("UTC")
        return aware.cast(TIME)
    if kind == pl.Date:
        return here.cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")
    if kind.is_numeric():
        return _epoch(here)
    if kind != pl.String:
        raise BadFile(path, f"holds {kind}, not times", column=column)
    sample = frame[column].drop_nulls().head(1)
    if len(sample) and _is_number(sample[0]):
        return (
            _epoch(here.cast(pl.Float64, strict=False))
            if "." in sample[0]
            else _epoch(here.cast(pl.Int64, strict=False))
        )
    return _written(frame[column])


def _epoch(value: pl.Expr) -> pl.Expr:
    """Seconds, ms, us or ns since 1970, told apart by size: seconds stay below 1e11 until the year 5138."""
    number = value.cast(pl.Int64, strict=False)
    return (
        pl.when(number < 10**11)
        .then(number * 10**9)
        .when(number < 10**14)
        .then(number * 10**6)
        .when(number < 10**17)
        .then(number * 10**3)
        .otherwise(number)
        .cast(TIME)
    )


_WAYS: Final = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y%m%d %H:%M",
    "%Y%m%d %H:%M:%S",
)


def _written(text: pl.Series) -> pl.Expr:
    here, sample = pl.col(text.name), text.drop_nulls().head(1)
    for way in _WAYS:
        if sample.str.to_datetime(way, time_unit="ns", strict=False).null_count() == 0:
            return here.str.to_datetime(way, time_unit="ns", strict=False).dt.replace_time_zone("UTC")
    for way in ("%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"):
        if sample.str.to_datetime(way, time_unit="ns", strict=False).null_count() == 0:
            return here.str.to_datetime(way, time_unit="ns", strict=False).dt.convert_time_zone("UTC")
    for way in ("%Y-%m-%d", "%Y%m%d"):
        if sample.str.to_date(way, strict=False).null_count() == 0:
            return here.str.to_date(way, strict=False).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")
    return pl.lit(None, dtype=TIME)


def as_number(frame: pl.DataFrame, column: str) -> pl.Expr:
    """`column` as float64; what is no number becomes NaN when it was written and stays empty when it was not."""
    if frame.schema[column] == pl.String:
        text = pl.col(column)
        blank = text.is_null() | (text == "")
        return pl.when(blank).then(None).otherwise(text.cast(pl.Float64, strict=False).fill_null(float("nan")))
    return pl.col(column).cast(pl.Float64, strict=False)
