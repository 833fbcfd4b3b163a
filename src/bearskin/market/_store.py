"""The columnar store: one Parquet file per series and year, written whole or not at all.

On disk (docs/data.md): `store.json` holds the version, `lock` is held by the one writer, and a series lives in
`venue/product/symbol/kind/interval/` as `2025.parquet`, ... with `series.json` (the quirks of its layout) and
`differing.parquet` (values that were offered later and disagreed) beside them where there are any.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from bearskin.market._keys import SeriesKey
from bearskin.market._read import UNREADABLE
from bearskin.market._rules import TIME, first_problem, identity, shaped
from bearskin.market._writing import Batch, Transaction, damaged, recover
from bearskin.terms import BadInput, StoreBroken, UnknownSymbol

VERSION: Final = 1
_ABOUT: Final = "store.json"
_SERIES: Final = "series.json"
_DIFFERING: Final = "differing.parquet"
# Two prints of one number differ by rounding; two numbers differ by more.
_SAME_WITHIN: Final = 1e-9
_SMALL_BYTES: Final = 1_000_000  # a year of hours

_DIFFERING_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "time": TIME,
    "column": pl.String,
    "kept": pl.Float64,
    "kept_source": pl.String,
    "offered": pl.Float64,
    "offered_source": pl.String,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendReport:
    """What an append did: rows `added`, rows already there with the `same` values, rows there with `differing` ones.

    Of the differing ones the values that came first are kept; `Store.disagreements` lists them.
    """

    key: SeriesKey
    added: int
    same: int
    differing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The reach of a series: times of the first and last row (bar opens) and how many there are."""

    key: SeriesKey
    first_ns: int
    last_ns: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows for one series, as they are offered to the store."""

    key: SeriesKey
    frame: pl.DataFrame
    quirks: frozenset[str] = frozenset()


class Store:
    """Market data under one folder; reading never waits, writing takes the folder's lock.

    The folder and its version file are made by the first append. Raises StoreBroken when the folder holds a store of
    another version, BadInput when it cannot be a folder.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        if self.root.exists() and not self.root.is_dir():
            raise BadInput(f"{self.root} is a file; a store is a folder")
        about = self.root / _ABOUT
        if about.exists():
            self._check_version(about)
            recover(self.root)

    @staticmethod
    def _check_version(about: Path) -> None:
        version = read_version(about)
        if version != VERSION:
            cure = "run `bearskin migrate`" if version < VERSION else "a newer bearskin made it, so update this one"
            raise StoreBroken(
                f"{about.parent} holds a store of version {version}, this bearskin reads version {VERSION}: {cure}"
            )

    # ---- writing

    def append(
        self, key: SeriesKey, frame: pl.DataFrame, source: str, *, quirks: frozenset[str] = frozenset()
    ) -> AppendReport:
        """Add the rows of `frame` that are not there yet; see `append_all`."""
        return self.append_all([Part(key=key, frame=frame, quirks=quirks)], source)[0]

    def append_all(self, parts: Sequence[Part], source: str, *, checked: bool = False) -> list[AppendReport]:
        """Add the rows of every part that are not there yet, all of them or (on any failure) none.

        Frames need `time` (rising, bar open, any datetime unit, UTC) and the value columns of their kind; `known_at`
        is filled by the kind's rule when absent. Rows already there stay as they are, whatever is offered. Doing it
        twice changes nothing. Raises BadInput naming the first bad row, and when the folder cannot
        be written. `checked` says that the caller has looked for bad rows already.
        """
        for part in () if checked else parts:
            problem = first_problem(part.frame, part.key, part.quirks)
            if problem is not None:
                place = "" if problem.row is None else f", row {problem.row}"
                raise BadInput(f"{part.key}{place}, column {problem.column!r}: {problem.text}")
        with Transaction(self.root) as transaction:
            about = self.root / _ABOUT
            if about.exists():
                self._check_version(about)
            else:
                transaction.add_text(about, json.dumps({"format": "bearskin-store", "version": VERSION}) + "\n")
            reports = [self._append(part, source, transaction) for part in parts]
            transaction.commit()
        return reports

    def _append(self, part: Part, source: str, batch: Batch) -> AppendReport:
        key, home, ident = part.key, self.folder(part.key), identity(part.key)
        added = same = 0
        differing: list[pl.DataFrame] = []
        rows = shaped(part.frame, key, source)
        years = rows["time"].dt.year()
        for year in years.unique().sort():
            offered = rows.filter(years == year)
            path = home / f"{year}.parquet"
            old = batch.current(path)
            if old is None:
                batch.add_frame(path, offered)
                added += len(offered)
                continue
            new = offered.join(old, on=ident, how="anti")
            again = offered.join(old, on=ident, how="inner", suffix="_kept")
            unlike = _unlike(again)
            odd = unlike["time"].n_unique() if len(unlike) else 0
            same, added = same + len(again) - odd, added + len(new)
            if odd:
                differing.append(unlike)
            if len(new):
                merged = pl.concat([old, new], how="diagonal").sort(ident, maintain_order=True)
                batch.add_frame(path, _ordered(merged))
        if differing:
            self._note_differing(home / _DIFFERING, pl.concat(differing), batch)
        if part.quirks - self.quirks(key):
            quirks = sorted(part.quirks | self.quirks(key))
            batch.add_text(home / _SERIES, json.dumps({"quirks": quirks}) + "\n")
        return AppendReport(
            key=key, added=added, same=same, differing=sum(frame["time"].n_unique() for frame in differing)
        )

    @staticmethod
    def _note_differing(path: Path, fresh: pl.DataFrame, batch: Batch) -> None:
        old = batch.current(path)
        known = fresh if old is None else pl.concat([old, fresh])
        known = known.unique(["time", "column", "offered"], keep="first", maintain_order=True)
        if old is None or len(known) > len(old):
            batch.add_frame(path, known.sort("time", "column", maintain_order=True))

    # ---- reading

    def folder(self, key: SeriesKey) -> Path:
        """Where the files of a series are."""
        return self.root / key.venue / key.product / key.symbol / key.kind / key.interval

    def files(self, key: SeriesKey, start_ns: int | None = None, end_ns: int | None = None) -> list[Path]:
        """The yearly files of a series, oldest first, that can hold times in [start_ns, end_ns)."""
        first, last = _year(start_ns, 0), _year(end_ns, 9999)
        folder = self.folder(key)
        try:
            names = sorted(os.listdir(folder))  # noqa: PTH208 - a Path for every entry costs more than the listing
        except (FileNotFoundError, NotADirectoryError):
            return []
        stems = [name.removesuffix(".parquet") for name in names if name.endswith(".parquet")]
        return [folder / f"{stem}.parquet" for stem in stems if stem.isdigit() and first <= int(stem) <= last]

    def has(self, key: SeriesKey) -> bool:
        """Whether the series has any row."""
        return bool(self.files(key))

    def scan(self, key: SeriesKey, start_ns: int | None = None, end_ns: int | None = None) -> pl.LazyFrame:
        """The series as a lazy frame in time order, `time` in [start_ns, end_ns) where given.

        Raises UnknownSymbol when the store has no such series, StoreBroken when a file of it is none of ours; `collect`
        says the same of what only shows when the rows are read.
        """
        if not self.has(key):
            raise UnknownSymbol(f"{self.root} has no series {key}{self._near(key)}")
        paths = self.files(key, start_ns, end_ns) or self.files(key)[-1:]
        frame = scan_files(paths)
        if start_ns is not None:
            frame = frame.filter(pl.col("time") >= pl.lit(start_ns).cast(TIME))
        if end_ns is not None:
            frame = frame.filter(pl.col("time") < pl.lit(end_ns).cast(TIME))
        return frame

    def collect(self, key: SeriesKey, frame: pl.LazyFrame) -> pl.DataFrame:
        """The rows of `frame`, made of a scan of `key`; raises StoreBroken naming the file that is damaged."""
        try:
            # what is in memory already is not worth the streaming engine's threads
            small = all(path.stat().st_size <= _SMALL_BYTES for path in self.files(key))
            return frame.collect(engine="in-memory" if small else "auto")
        except UNREADABLE as error:
            for path in self.files(key):
                _read(path)  # raises for the one that is damaged
            raise damaged(self.folder(key), error) from error

    def _near(self, key: SeriesKey) -> str:
        others = sorted({str(found) for found in self.keys(symbol=key.symbol)})
        return f"; of {key.symbol} it has {', '.join(others[:6])}" if others else ""

    def keys(
        self,
        *,
        venue: str | None = None,
        product: str | None = None,
        symbol: str | None = None,
        kind: str | None = None,
        interval: str | None = None,
    ) -> list[SeriesKey]:
        """Every series in the store that matches what is given, sorted."""
        wanted = (venue, None if product is None else str(product), symbol, kind, interval)
        names: list[tuple[str, ...]] = [()]
        for want in wanted:
            names = [(*name, part) for name in names for part in _folders(self.root.joinpath(*name), want)]
        keys = (_key_of(name) for name in names)
        return sorted(key for key in keys if key is not None and self.has(key))

    def coverage(self, key: SeriesKey) -> Coverage:
        """First and last time and the number of rows, from the files' own statistics; raises UnknownSymbol."""
        reach = self.scan(key).select(
            pl.col("time").first().dt.epoch("ns").alias("a"), pl.col("time").last().dt.epoch("ns").alias("b"), pl.len()
        )
        first_ns, last_ns, rows = self.collect(key, reach).row(0)
        return Coverage(key=key, first_ns=first_ns, last_ns=last_ns, rows=rows)

    def quirks(self, key: SeriesKey) -> frozenset[str]:
        """What the layout a series came from declared about it."""
        path = self.folder(key) / _SERIES
        if not path.exists():
            return frozenset()
        try:
            return frozenset(str(quirk) for quirk in json.loads(path.read_bytes())["quirks"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise damaged(path, error) from error

    def disagreements(self, keys: Iterable[SeriesKey] | None = None) -> pl.DataFrame:
        """Values offered for a time that had others: the key's parts, time, column, kept and offered with sources."""
        frames = []
        for key in self.keys() if keys is None else keys:
            path = self.folder(key) / _DIFFERING
            if path.exists():
                said = asdict(key).items()
                frames.append(_read(path).select(*(pl.lit(part).alias(name) for name, part in said), pl.all()))
        if not frames:
            parts = ("venue", "product", "symbol", "kind", "interval")
            return pl.DataFrame(schema=[*((part, pl.String) for part in parts), *_DIFFERING_SCHEMA.items()])
        return pl.concat(frames)


def read_version(about: Path) -> int:
    """The version in a store's `store.json`; raises StoreBroken when it cannot be read."""
    try:
        version = json.loads(about.read_bytes())["version"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        version = None
    if type(version) is not int or version < 1:
        told = f'{{"format": "bearskin-store", "version": {VERSION}}}'
        raise StoreBroken(f"{about} cannot be read as the version file of a store: it should be {told}")
    return version


def _folders(folder: Path, wanted: str | None) -> list[str]:
    """The names of the folders in `folder`, or of the one wanted: names are compared, never walked along."""
    try:
        entries = (entry for entry in os.scandir(folder) if wanted is None or entry.name == wanted)
        return [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreBroken(f"{folder} cannot be read: {error.strerror or error}") from error


def _key_of(name: tuple[str, ...]) -> SeriesKey | None:
    try:
        return SeriesKey(*name)
    except BadInput:
        return None  # a stranger's folder


def scan_files(paths: Sequence[Path]) -> pl.LazyFrame:
    """Yearly files of one series as one lazy frame; a column that some years lack is empty there."""
    frames = [_scan(path) for path in paths]
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal")


def _scan(path: Path) -> pl.LazyFrame:
    """One file: read at once where it is small, for then asking what to read costs more than reading it."""
    try:
        about = path.stat()
        if about.st_size <= _SMALL_BYTES:
            frame = _small(path, about.st_ino, about.st_mtime_ns, about.st_size).lazy()
        else:
            frame = pl.scan_parquet(path, glob=False)
        sound = frame.collect_schema().get("time") == TIME
    except UNREADABLE as error:
        raise damaged(path, error) from error
    if not sound:
        raise damaged(path, "it has no times")
    return frame


@functools.lru_cache(maxsize=8)
def _small(path: Path, *_state: int) -> pl.DataFrame:
    """A small file as it is in this state: one symbol's candles are asked for several times in a row."""
    return pl.read_parquet(path, glob=False)


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, glob=False)
    except UNREADABLE as error:
        raise damaged(path, error) from error


def _year(time_ns: int | None, otherwise: int) -> int:
    if time_ns is None:
        return otherwise
    return int(np.datetime64(time_ns, "ns").astype("datetime64[Y]").astype(int)) + 1970


def _ordered(frame: pl.DataFrame) -> pl.DataFrame:
    """Values before `known_at` and `source`, also when a later file brought a new column."""
    tail = ["known_at", "source"]
    return frame.select(*(name for name in frame.columns if name not in tail), *tail)


def _unlike(again: pl.DataFrame) -> pl.DataFrame:
    """One row for every value that differs from the one kept; an empty value says nothing, so it cannot differ.

    The interval of a settlement is derived from its neighbours in the file, so it is not compared.
    """
    values = [name.removesuffix("_kept") for name in again.columns if name.endswith("_kept")]
    frames = []
    for name in values:
        if name in ("known_at", "source", "interval_h"):
            continue
        kept, offered = pl.col(f"{name}_kept"), pl.col(name)
        beyond = (kept - offered).abs() > _SAME_WITHIN * pl.max_horizontal(kept.abs(), offered.abs())
        frames.append(
            again.filter(beyond.fill_null(value=False)).select(
                "time",
                pl.lit(name).alias("column"),
                kept.alias("kept"),
                pl.col("source_kept").alias("kept_source"),
                offered.alias("offered"),
                pl.col("source").alias("offered_source"),
            )
        )
    return pl.concat(frames) if frames else pl.DataFrame(schema=_DIFFERING_SCHEMA)
