"""Files as frames: CSV, zipped CSV, Parquet and Feather, with every row's number and times as times.

A frame that leaves here has `row` (the line in a text file, counted from 1 with the header; the row in a binary file,
counted from 1) beside the file's own columns, so that a fault can be named where the user can find it.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from bearskin.market._rules import TIME
from bearskin.terms import BadFile

ROW: Final = "row"
# What Polars raises over bytes that are not what they should be; a panic is one of these, and no Exception.
UNREADABLE: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
_CHUNK: Final = 1 << 20
_ENCRYPTED: Final = 1  # bit of a zip's flags
# Tables of prices pack five- to thirtyfold.
_RATIO_MAX: Final = 200
_SMALL: Final = 16 << 20
_BLANK_MAX: Final = 100  # lines
# A count since 1970 from which size on has how many ns in one: s, ms, us, ns.
_EPOCHS: Final = ((0, 10**9), (10**11, 10**6), (10**14, 10**3), (10**17, 1))
_LAST_NS: Final = 9_200_000_000 * 10**9  # in 2261
_UNPACKED_MAX: Final = 16 << 30


def checked_sum(path: Path) -> None:
    """Compare with the SHA-256 in `NAME.CHECKSUM` beside the file, where there is one; raises BadFile."""
    beside = path.with_name(f"{path.name}.CHECKSUM")
    if not beside.is_file():
        return
    try:
        words = beside.read_bytes()[:_CHUNK].decode("ascii", "replace").split()
        if not words:
            raise BadFile(beside, "the checksum file is empty; it should hold a SHA-256")
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadFile(path, f"cannot be compared with its checksum: {error.strerror or error}") from error
    if actual != words[0].lower():
        said = words[0][:64]
        raise BadFile(path, f"wrong checksum: its SHA-256 is {actual}, {beside.name} says {said}; fetch it again")


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
            inner = box.getinfo(names[0])
            if inner.flag_bits & _ENCRYPTED:
                raise BadFile(path, "the zip is encrypted: unpack it first")
            _raise_bomb(path, inner)
            return box.read(inner)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError) as error:
        raise BadFile(path, f"the zip is damaged or cut short ({error}): fetch it again") from error
    except OSError as error:
        raise BadFile(path, f"cannot be read: {error.strerror or error}") from error


def _raise_bomb(path: Path, inner: zipfile.ZipInfo) -> None:
    """Refuse what would fill the memory: more than any month of trades, or zeros packed a thousandfold."""
    size, packed = inner.file_size, max(inner.compress_size, 1)
    if size > _UNPACKED_MAX or (size > _SMALL and size > _RATIO_MAX * packed):
        raise BadFile(path, f"the zip would unpack {packed:,} into {size:,} bytes, which no table of prices does")


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
    if len(cells) == 1:
        other = next((mark for mark in ";\t|" if mark in first), None)
        if other is not None:
            raise BadFile(path, f"cells are parted by {other!r}, they should be by commas", row=1)
    twice = [cell for cell, count in Counter(cells).items() if count > 1 and header]
    if twice:
        raise BadFile(path, f"the header names {twice[0]!r} twice", row=1, column=twice[0])
    try:
        frame = pl.read_csv(io.BytesIO(raw), has_header=header, infer_schema=False, raise_if_empty=True)
    except UNREADABLE as error:
        raise BadFile(path, f"not a readable CSV table: {first_line(error)}") from error
    if not header and columns is not None:
        if len(frame.columns) > len(columns):
            raise BadFile(path, f"{len(frame.columns)} columns where at most {len(columns)} were expected", row=1)
        frame = frame.rename(dict(zip(frame.columns, columns, strict=False)))
    frame = frame.drop(ROW, strict=False).with_row_index(ROW, offset=2 if header else 1)
    if not len(frame.columns) > 1 or not len(frame := _without_blank_end(frame)):
        raise BadFile(path, "there is no row in it")
    frame = frame.with_columns(pl.all().exclude(ROW).str.strip_chars())
    return frame.rename({name: name.strip().strip('"') for name in frame.columns})


def _without_blank_end(frame: pl.DataFrame) -> pl.DataFrame:
    """Empty lines at the end of a text file say nothing."""
    blank = pl.all_horizontal(pl.all().exclude(ROW).is_null())
    filled = frame.tail(_BLANK_MAX).select((~blank).arg_true()).to_series()
    last = int(filled[-1]) + 1 if len(filled) else 0
    return frame.head(max(len(frame) - _BLANK_MAX, 0) + last)


def first_line(error: BaseException) -> str:
    """What an error says, without the advice and the traces that follow."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


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
    except UNREADABLE as error:
        raise BadFile(path, f"cannot be read as {path.suffix[1:]}: {first_line(error)}") from error
    if not len(frame):
        raise BadFile(path, "there is no row in it")
    return frame.drop(ROW, strict=False).with_row_index(ROW, offset=1)


def text_schema(path: Path) -> list[str]:
    """The column names of a Parquet or Feather file without reading its rows; raises BadFile."""
    try:
        schema = pl.read_parquet_schema(path) if path.suffix == ".parquet" else pl.read_ipc_schema(path)
    except UNREADABLE as error:
        raise BadFile(path, f"cannot be read as {path.suffix[1:]}: {first_line(error)}") from error
    return list(schema)


def as_time(path: Path, frame: pl.DataFrame, column: str) -> pl.Expr:
    """`column` as nanoseconds UTC, whatever it is: a time, a date, an epoch of any unit or the usual ways to write one.

    Times without a zone are UTC. What cannot be read becomes empty, for the rules to name.
    """
    kind, here = frame.schema[column], pl.col(column)
    if isinstance(kind, pl.Datetime):
        plain = here.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if kind.time_zone else here
        return _in_reach(plain).dt.replace_time_zone("UTC")
    if kind == pl.Date:
        return _in_reach(here.cast(pl.Datetime("us"))).dt.replace_time_zone("UTC")
    if kind.is_integer():
        return _epoch(here.cast(pl.Int64, strict=False), exact=True)
    if kind.is_numeric():
        return _epoch(here.cast(pl.Float64), exact=False)
    if kind != pl.String:
        raise BadFile(path, f"holds {kind}, not times", column=column)
    sample = frame[column].drop_nulls().head(1)
    if len(sample) and _is_number(sample[0]):
        whole = here.cast(pl.Int64, strict=False)
        return pl.coalesce(_epoch(whole, exact=True), _epoch(here.cast(pl.Float64, strict=False), exact=False))
    return _written(frame[column])


def _epoch(value: pl.Expr, *, exact: bool) -> pl.Expr:
    """Seconds, ms, us or ns since 1970, told apart by size; what would lie outside 1970 to 2261 becomes empty.

    Whole numbers (`exact`) keep every digit, others are good to the microsecond.
    """
    found = pl.lit(None, dtype=pl.Int64)
    for least, unit_ns in _EPOCHS:
        time_ns = value * unit_ns if exact else (value * (unit_ns / 1000)).round().cast(pl.Int64, strict=False) * 1000
        found = pl.when(value.is_between(least, _LAST_NS // unit_ns)).then(time_ns).otherwise(found)
    return found.cast(TIME)


def _in_reach(time: pl.Expr) -> pl.Expr:
    """Times without a zone as ours; those that nanoseconds cannot count become empty instead of wrapping around."""
    return pl.when(time.dt.year().is_between(1970, 2261)).then(time).cast(pl.Datetime("ns"), strict=False)


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
    here, sample = pl.col(text.name).str, text.drop_nulls().head(1).str
    for way in _WAYS:
        if sample.to_datetime(way, time_unit="us", strict=False).null_count() == 0:
            known = here.to_datetime(way, time_unit="us", strict=False).dt.year().is_between(1970, 2261)
            fine = here.to_datetime(way, time_unit="ns", strict=False)
            return pl.when(known).then(fine).dt.replace_time_zone("UTC")
    for way in ("%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"):
        if sample.to_datetime(way, time_unit="us", strict=False).null_count() == 0:
            zoned = here.to_datetime(way, time_unit="us", strict=False).dt.convert_time_zone("UTC")
            return _in_reach(zoned.dt.replace_time_zone(None)).dt.replace_time_zone("UTC")
    for way in ("%Y-%m-%d", "%Y%m%d"):
        if sample.to_date(way, strict=False).null_count() == 0:
            days = here.to_date(way, strict=False).cast(pl.Datetime("us"))
            return _in_reach(days).dt.replace_time_zone("UTC")
    return pl.lit(None, dtype=TIME)


def as_number(path: Path, frame: pl.DataFrame, column: str) -> pl.Expr:
    """`column` as float64; what is no number becomes NaN when it was written and stays empty when it was not.

    Raises BadFile for a column that holds no numbers at all: lists, times, bytes.
    """
    kind = frame.schema[column]
    if kind in (pl.Categorical, pl.Enum):
        frame, kind = frame.with_columns(pl.col(column).cast(pl.String)), pl.String()
        here = pl.col(column).cast(pl.String)
    else:
        here = pl.col(column)
    if kind == pl.String:
        blank = here.is_null() | (here == "")
        return pl.when(blank).then(None).otherwise(here.cast(pl.Float64, strict=False).fill_null(float("nan")))
    if not (kind.is_numeric() or kind == pl.Null):
        raise BadFile(path, f"holds {kind}, not numbers", column=column)
    return here.cast(pl.Float64, strict=False)
