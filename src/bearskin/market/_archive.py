"""`fetch_archive`: candles, funding, open interest and ratios from Binance's public data archive, without a key.

First everything that is missing is downloaded and proven against the archive's checksums, several files at a time;
then it goes into the store, all series of a symbol together. Files that are in the store are remembered there
(`.archive/done.jsonl`) and never asked for again; files that were proven but not stored wait in the cache folder for
the next run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from bearskin.market._archive_download import Absent, Downloader, Stopped
from bearskin.market._archive_layout import (
    ARCHIVE_URL,
    VENUE,
    ArchiveFile,
    files_for,
    product_of,
    span_words,
)
from bearskin.market._import import read_parts
from bearskin.market._keys import SeriesKey
from bearskin.market._parts import Hints, Taken
from bearskin.market._read import ROW
from bearskin.market._store import AppendReport, Part, Store
from bearskin.market._writing import said, try_lock
from bearskin.terms import BadFile, BadInput, StoreBroken, UnknownSymbol, VenueError

if TYPE_CHECKING:
    import httpx

SOURCE: Final = "binance-archive"
DEFAULT_KINDS: Final = ("trade", "mark", "funding")
TIMEOUT_S: Final = 30.0
WORKERS_MAX: Final = 64
_LEDGER: Final = ".archive/done.jsonl"

Progress = Callable[[int, int, str], object]  # files finished, files in all, the one finished last


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchReport:
    """What a fetch did.

    `downloaded` and `known` (in the store since an earlier run) count files; `missing` names files the archive does
    not have (yet): a day not published, a month before the listing; `refused` names files that were not what they
    should be, each with the reason; `appends` says what the store took, series by series.
    """

    downloaded: int
    known: int
    received_bytes: int
    missing: tuple[str, ...]
    refused: tuple[str, ...]
    appends: tuple[AppendReport, ...]

    @property
    def added(self) -> int:
        """Rows that were new to the store."""
        return sum(report.added for report in self.appends)


def fetch_archive(
    store: Store,
    *,
    symbols: Sequence[str],
    kinds: Sequence[str] = DEFAULT_KINDS,
    interval: str = "1h",
    start_ns: int,
    end_ns: int,
    base_url: str = ARCHIVE_URL,
    market: str = "um",
    progress: Progress | None = None,
    workers: int = 4,
    cache_dir: Path | None = None,
    skip_bad: bool = False,
    again: bool = False,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], object] | None = None,
) -> FetchReport:
    """Fetch `kinds` of `symbols` over [start_ns, end_ns) into `store`: whole months, days where no month is out yet.

    `market` is `um`, `cm` or `spot`; `interval` is that of candles (open interest, ratios and taker volume are
    five-minute series). `again` asks even for files that are in the store. `cache_dir` holds downloads until they are
    stored.

    A file whose checksum or content is wrong raises BadFile before anything is stored, or is left out and reported
    when `skip_bad`. A network that stays down raises VenueBroken after what was proven is stored, a refusal of the
    server VenueRejected; the next run goes on from there. Raises UnknownSymbol when the archive has no file of a
    symbol at all.
    """
    import httpx

    if not 1 <= workers <= WORKERS_MAX:
        raise BadInput(f"{workers} workers were asked for, it must be 1 to {WORKERS_MAX}")
    if not base_url.startswith(("http://", "https://")):
        raise BadInput(f"{base_url!r} is not the address of an archive: it starts with https:// or http://")
    files = files_for(market, tuple(dict.fromkeys(symbols)), tuple(kinds), interval, start_ns, end_ns)
    ledger = Ledger(store.root / _LEDGER)
    folder = cache_dir if cache_dir is not None else store.root / ".archive" / "files"
    limits = httpx.Limits(max_connections=workers + 1)
    with _alone(folder):  # until all is stored: the downloads of two runs would lie in one place
        done = {} if again else ledger.read()
        with httpx.Client(timeout=TIMEOUT_S, limits=limits, transport=transport) as client:
            loader = Downloader(client=client, base_url=base_url, folder=folder, sleep=sleep)
            run = _Run(loader=loader, done=done, progress=progress)
            failure = run.download(files, workers)
        appends = _settled(store, run, ledger, failure, skip_bad)
    _raise_unknown(files, run, span_words(start_ns, end_ns))
    return FetchReport(
        downloaded=len(run.proven),
        known=run.known,
        received_bytes=run.received_bytes,
        missing=tuple(sorted(run.missing)),
        refused=tuple(sorted(str(error) for error in run.refused)),
        appends=tuple(appends),
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder of downloads; raises StoreBroken at once when another fetch does, for that may take hours."""
    with said(folder):
        folder.mkdir(parents=True, exist_ok=True)
        held = try_lock(folder)
    if held is None:
        raise StoreBroken(f"another fetch is at work in {folder}: wait for it to end, or name another store")
    with held:
        yield


def _settled(store: Store, run: _Run, ledger: Ledger, failure: VenueError | None, skip_bad: bool) -> list[AppendReport]:
    """Store what was proven; raises BadFile before anything is stored, and the failure after it."""
    if run.refused and not skip_bad and failure is None:
        first = min(run.refused, key=lambda error: str(error.path))
        others = f" ({len(run.refused) - 1} more were refused)" if len(run.refused) > 1 else ""
        problem = f"{first.problem}; nothing was stored{others}"
        raise BadFile(first.path, problem, row=first.row, column=first.column) from first
    appends = _store(store, run, ledger)
    if failure is not None:
        raise failure
    return appends


class Ledger:
    """The names and sums of the files whose rows are in the store, one JSON object a line, only ever appended to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, str]:
        """SHA-256 by path; a last line that was cut off by a crash is not counted."""
        try:
            lines = self.path.read_text().splitlines()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StoreBroken(f"{self.path} cannot be read ({error.strerror})") from error
        done: dict[str, str] = {}
        for line in lines:
            try:
                row = json.loads(line)
                done[row["path"]] = row["sha256"]
            except (ValueError, KeyError, TypeError):
                continue
        return done

    def add(self, sums: dict[str, str]) -> None:
        """Note files as stored; on disk when it returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        torn = self.path.exists() and not self.path.read_bytes().endswith(b"\n")
        with self.path.open("a") as out:
            lines = [json.dumps({"path": path, "sha256": digest}) + "\n" for path, digest in sums.items()]
            out.write("\n" * torn + "".join(lines))
            out.flush()
            os.fsync(out.fileno())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proven:
    file: ArchiveFile
    path: Path
    sha256: str


class _Run:
    """The downloads of one call: what is proven, missing, refused."""

    def __init__(self, *, loader: Downloader, done: dict[str, str], progress: Progress | None) -> None:
        self.loader, self.done, self.progress = loader, done, progress
        self.proven: list[_Proven] = []
        self.missing: list[str] = []
        self.refused: list[BadFile] = []
        self.known = self.received_bytes = 0
        self._finished = self._total = 0

    def download(self, files: Sequence[ArchiveFile], workers: int) -> VenueError | None:
        """Fetch every file that is not in the store, months first; returns the failure that stopped it, if one did."""
        failure = self._batch(files, workers)
        absent = set(self.missing)
        standing_in = [day for file in files if file.path in absent for day in file.days]
        if failure is None and standing_in:
            self.missing = [path for path in self.missing if not _has_days(files, path)]
            failure = self._batch(standing_in, workers)
        return failure

    def _batch(self, files: Sequence[ArchiveFile], workers: int) -> VenueError | None:
        self._total += len(files)
        wanted = []
        for file in files:
            if file.path in self.done:
                self.known += 1
                self._tell(file)
            else:
                wanted.append(file)
        with ThreadPoolExecutor(workers, thread_name_prefix="fetch") as pool:
            futures = {pool.submit(self._one, file): file for file in wanted}
            try:
                return self._gather(futures)
            except BaseException:  # Ctrl-C among them: threads end after their chunk, parts stay
                self._stop(futures)
                raise

    def _gather(self, futures: dict[Future[tuple[_Proven, int]], ArchiveFile]) -> VenueError | None:
        failure: VenueError | None = None
        pending = set(futures)
        while pending:
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in sorted(finished, key=lambda done: futures[done].path):
                failure = failure or self._settle(futures[future], future)
            if failure is not None:
                self._stop(futures)
        return failure

    def _stop(self, futures: Iterable[Future[tuple[_Proven, int]]]) -> None:
        self.loader.stop.set()
        for future in futures:
            future.cancel()

    def _settle(self, file: ArchiveFile, future: Future[tuple[_Proven, int]]) -> VenueError | None:
        if future.cancelled():
            return None
        try:
            proven, received = future.result()
        except Absent:
            self.missing.append(file.path)
        except BadFile as error:
            self.refused.append(error)
        except Stopped:
            return None
        except VenueError as error:
            return error
        else:
            self.proven.append(proven)
            self.received_bytes += received
        self._tell(file)
        return None

    def _one(self, file: ArchiveFile) -> tuple[_Proven, int]:
        """Download, prove, read: a file that cannot be stored is refused here, before anything is."""
        path, digest, received = self.loader.fetch(file.path)
        try:
            _checked(file, path)
        except BadFile:
            path.unlink(missing_ok=True)
            raise
        return _Proven(file=file, path=path, sha256=digest), received

    def _tell(self, file: ArchiveFile) -> None:
        self._finished += 1
        if self.progress is not None:
            self.progress(self._finished, self._total, file.name)


def _checked(file: ArchiveFile, path: Path) -> dict[SeriesKey, pl.DataFrame]:
    """The frames of a downloaded file by series, each fit for the store; raises BadFile naming row and column."""
    hints = Hints(venue=VENUE, product=product_of(file.market, file.symbol).value, symbol=file.symbol)
    try:
        found = read_parts(path, hints)
    except BadFile as error:
        raise BadFile(file.path, error.problem, row=error.row, column=error.column) from error
    return {piece.key: piece.frame.drop(ROW) for piece in found.pieces} if isinstance(found, Taken) else {}


def _has_days(files: Iterable[ArchiveFile], path: str) -> bool:
    return any(file.path == path and file.days for file in files)


def _store(store: Store, run: _Run, ledger: Ledger) -> list[AppendReport]:
    """Append symbol by symbol, note its files as stored, then let go of the downloads."""
    reports: list[AppendReport] = []
    by_symbol: dict[str, list[_Proven]] = {}
    for proven in sorted(run.proven, key=lambda one: one.file.path):
        by_symbol.setdefault(proven.file.symbol, []).append(proven)
    for group in by_symbol.values():
        series: dict[SeriesKey, list[pl.DataFrame]] = {}
        for proven in group:
            for key, frame in _checked(proven.file, proven.path).items():
                series.setdefault(key, []).append(frame)
        parts = [
            Part(key=key, frame=pl.concat(frames, how="diagonal").unique("time", keep="first").sort("time"))
            for key, frames in series.items()
        ]
        reports += store.append_all(parts, SOURCE)
        ledger.add({proven.file.path: proven.sha256 for proven in group})
        for proven in group:
            proven.path.unlink(missing_ok=True)
    return reports


def _raise_unknown(files: Sequence[ArchiveFile], run: _Run, span: str) -> None:
    days = [day for file in files for day in file.days]
    found = {file.symbol for file in [*files, *days] if file.path in run.done}
    found |= {proven.file.symbol for proven in run.proven}
    refused = {str(error.path).removesuffix(".CHECKSUM") for error in run.refused}
    found |= {file.symbol for file in [*files, *days] if file.path in refused}
    unknown = [symbol for symbol in dict.fromkeys(file.symbol for file in files) if symbol not in found]
    if unknown:
        raise UnknownSymbol(
            f"the archive has no file of {', '.join(unknown)} from {span}: check the name and the dates"
        )
