"""`data import`, `fetch`, `list`, `check`: what fills the store and what is in it."""

from __future__ import annotations

import difflib
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearskin.app._home import user_path
from bearskin.app._house import House, open_house
from bearskin.terms import DAY_NS, BadFile, BadInput, Product, UnknownSymbol, iso, parse_time

if TYPE_CHECKING:
    from bearskin.market import AppendReport, BracketBook, Coverage, Fault, ImportReport, SeriesKey, Store

Progress = Callable[[str, int, int | None], None]
logger = logging.getLogger("bearskin.app")
FETCH_DAYS = 30
ARCHIVE_MARKETS = {Product.LINEAR: "um", Product.DATED: "um", Product.INVERSE: "cm", Product.DATED_INVERSE: "cm"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedReport:
    """What a fetch did, series by series; files or kinds that were not to be had, each with why; what was loaded."""

    source: str
    appends: tuple[AppendReport, ...]
    unavailable: tuple[tuple[str, str], ...]
    downloaded: int | None = None
    known: int | None = None
    received_bytes: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The object `data fetch --json` prints."""
        rows = [
            {"series": str(one.key), "added": one.added, "same": one.same, "differing": one.differing}
            for one in self.appends
        ]
        return {
            "source": self.source,
            "added": sum(one.added for one in self.appends),
            "series": rows,
            "unavailable": [{"what": what, "why": why} for what, why in self.unavailable],
            "downloaded_files": self.downloaded,
            "known_files": self.known,
            "received_bytes": self.received_bytes,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReport:
    """The series of a store and how far each reaches."""

    store: Path
    series: tuple[Coverage, ...]

    def to_json(self) -> dict[str, Any]:
        """The object `data list --json` prints."""
        rows = [
            {**key_json(one.key), "first": iso(one.first_ns), "last": iso(one.last_ns), "rows": one.rows}
            for one in self.series
        ]
        return {"store": str(self.store), "series": rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """Every fault found in `checked` series."""

    store: Path
    checked: int
    faults: tuple[Fault, ...]

    def to_json(self) -> dict[str, Any]:
        """The object `data check --json` prints."""
        rows = [
            {
                "code": fault.code,
                "series": str(fault.key),
                "time": None if fault.time_ns is None else iso(fault.time_ns),
                "detail": fault.detail,
            }
            for fault in self.faults
        ]
        counts = dict(sorted(Counter(fault.code for fault in self.faults).items()))
        return {"store": str(self.store), "checked_series": self.checked, "counts": counts, "faults": rows}


def key_json(key: SeriesKey) -> dict[str, str]:
    """The parts of a series' name."""
    return {name: str(getattr(key, name)) for name in ("venue", "product", "symbol", "kind", "interval")}


def import_json(report: ImportReport) -> dict[str, Any]:
    """The object `data import --json` prints."""
    files = [
        {
            "path": file.path,
            "layout": file.layout or None,
            "series": file.series,
            "added": file.added,
            "same": file.same,
            "differing": file.differing,
            "skipped": file.skipped,
            "error": None if file.error is None else str(file.error),
            "notes": list(file.notes),
        }
        for file in report.files
    ]
    return {
        "added": report.added,
        "same": report.same,
        "differing": report.differing,
        "taken_files": len(report.taken),
        "skipped_files": len(report.skipped),
        "bad_files": len(report.bad),
        "files": files,
    }


def data_import(
    *paths: Path | str,
    venue: str | None = None,
    product: str | None = None,
    symbol: str | None = None,
    kind: str | None = None,
    interval: str | None = None,
    home: Path | str | None = None,
    store: Path | str | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Import files, and every file under folders, into the store; each file whole or not at all.

    The options win over what names and folders of the files say. One file that cannot be taken raises BadFile with its
    row and column; among several the others go on and the report's `bad` lists it.
    """
    from bearskin import market

    if not paths:
        raise BadInput("nothing was named: give files or folders to import")
    house = open_house(home, store=store)
    found = [user_path(path) for path in paths]
    for path in found:
        if not path.exists():
            raise BadInput(f"{path} does not exist: give a file or a folder to import")
    target = market.Store(house.writable_store())
    files: list[market.FileReport] = []
    for path in found:
        try:
            report = market.import_path(
                target,
                path,
                venue=venue,
                product=product,
                symbol=symbol,
                kind=kind,
                interval=interval,
                progress=turned(progress),
                now_ns=time.time_ns(),
            )
            files += report.files
        except BadFile as error:
            if len(found) == 1:
                raise
            files.append(market.FileReport(path=str(path), layout="", error=error))
    logger.debug("imported %d files into %s", len(files), house.store_folder)
    return market.ImportReport(files=tuple(files))


def data_fetch(
    *symbols: str,
    kinds: str | Sequence[str] | None = None,
    interval: str | None = None,
    start: str | None = None,
    end: str | None = None,
    venue: str | None = None,
    product: str | None = None,
    via: str | None = None,
    archive_url: str | None = None,
    workers: int = 4,
    skip_bad: bool = False,
    again: bool = False,
    home: Path | str | None = None,
    store: Path | str | None = None,
    progress: Progress | None = None,
) -> FetchedReport:
    """Fetch public data without a key: from Binance's archive of files, or through ccxt from any venue it knows.

    `via` is archive or ccxt; by default archive for binance and ccxt for others (with ccxt, `venue` is ccxt's name,
    such as bybit or binanceusdm). `start` and `end` are dates or RFC 3339 times, the last 30 days by default. What is
    in the store already is not asked for again, unless `again`. Raises BadInput, VenueBroken, VenueRejected.
    """
    house = open_house(home, store=store, venue=venue, product=product, interval=interval, archive_url=archive_url)
    if not symbols:
        raise BadInput("nothing was named: give one or more symbols, such as BTCUSDT")
    today_ns = time.time_ns() // DAY_NS * DAY_NS
    end_ns = today_ns if end is None else parse_time(end)
    start_ns = end_ns - FETCH_DAYS * DAY_NS if start is None else parse_time(start)
    if start_ns > today_ns + DAY_NS:
        raise BadInput(f"the start {iso(start_ns)} lies in the future")
    end_ns = min(end_ns, today_ns + DAY_NS)
    if start_ns >= end_ns:
        raise BadInput(f"the start {iso(start_ns)} must lie before the end {iso(end_ns)}")
    chosen = via or ("archive" if house.settings.venue == "binance" else "ccxt")
    wanted = words_of(kinds) or ["trade", "mark", "funding"]
    if chosen == "ccxt":
        return _fetch_ccxt(house, symbols, wanted, (start_ns, end_ns), again, progress)
    if chosen != "archive":
        raise BadInput(f"via was {chosen!r}, must be archive or ccxt")
    if house.settings.venue != "binance":
        raise BadInput(f"the archive holds binance only, not {house.settings.venue}: use --via ccxt")
    from bearskin import market

    report = market.fetch_archive(
        market.Store(house.writable_store()),
        symbols=symbols,
        kinds=wanted,
        interval=house.settings.interval,
        start_ns=start_ns,
        end_ns=end_ns,
        base_url=house.settings.archive_url,
        market=ARCHIVE_MARKETS.get(house.settings.product, "spot"),
        progress=turned(progress),
        workers=workers,
        skip_bad=skip_bad,
        again=again,
    )
    gone = tuple((name, "the archive does not have it") for name in report.missing)
    return FetchedReport(
        source=house.settings.archive_url,
        appends=report.appends,
        unavailable=gone + tuple((sentence, "refused") for sentence in report.refused),
        downloaded=report.downloaded,
        known=report.known,
        received_bytes=report.received_bytes,
    )


def _fetch_ccxt(
    house: House,
    symbols: Sequence[str],
    kinds: Sequence[str],
    span_ns: tuple[int, int],
    again: bool,
    progress: Progress | None,
) -> FetchedReport:
    try:
        from bearskin import live, market

        fetch = live.fetch_public
    except ImportError as error:
        raise BadInput(f"fetching needs ccxt: pip install ccxt ({error})") from None
    target = market.Store(house.writable_store())
    settings = house.settings
    product = settings.product.value if house.origins["product"] != "default" else None
    appends: list[AppendReport] = []
    gone: list[tuple[str, str]] = []
    for symbol in symbols:
        report = fetch(
            target,
            settings.venue,
            symbol,
            kinds,
            settings.interval,
            *span_ns,
            product=product,
            progress=turned(progress),
            again=again,
        )
        appends += report.appends
        gone += [(f"{symbol} {kind}", why) for kind, why in report.unavailable]
    return FetchedReport(source=f"ccxt {settings.venue}", appends=tuple(appends), unavailable=tuple(gone))


def data_brackets(
    *symbols: str, out: Path | str, venue: str | None = None, home: Path | str | None = None
) -> BracketBook:
    """Ask a venue for its maintenance brackets, without a key, and save them in our own format for `--brackets`.

    `venue` is ccxt's name of it. Returns the book, dated in its `snapshot`. Raises BadInput, UnknownSymbol,
    VenueBroken, and VenueRejected where a venue shows its tiers to signed calls only or not in notional.
    """
    house = open_house(home, venue=venue)
    if not symbols:
        raise BadInput("nothing was named: give one or more symbols, such as BTCUSDT")
    if Path(out).exists():
        raise BadInput(f"{out} is there already: give another name")
    from bearskin import live, market

    book = live.fetch_brackets(house.settings.venue, symbols)
    market.save_brackets(book, Path(out))
    return book


def data_list(
    *,
    venue: str | None = None,
    product: str | None = None,
    symbol: str | None = None,
    kind: str | None = None,
    interval: str | None = None,
    home: Path | str | None = None,
    store: Path | str | None = None,
) -> ListReport:
    """The series in the store that agree with everything given, and how far each reaches."""
    house = open_house(home, store=store)
    there = _opened(house)
    keys = () if there is None else _keys(there, venue, product, symbol, kind, interval)
    series = () if there is None else tuple(there.coverage(key) for key in keys)
    return ListReport(store=house.store_folder, series=series)


def data_check(
    *,
    venue: str | None = None,
    product: str | None = None,
    symbol: str | None = None,
    kind: str | None = None,
    interval: str | None = None,
    now: bool = False,
    home: Path | str | None = None,
    store: Path | str | None = None,
) -> CheckReport:
    """Every fault of the series that agree with what is given: gaps, doubles, bad bars, stale ends, disagreements.

    `now` measures stale ends against the clock as well as against companion series.
    """
    house = open_house(home, store=store)
    there = _opened(house)
    if there is None:
        return CheckReport(store=house.store_folder, checked=0, faults=())
    from bearskin import market

    keys = _keys(there, venue, product, symbol, kind, interval)
    if not keys:  # "no faults" would be true and misleading
        asked = {"venue": venue, "product": product, "symbol": symbol, "kind": kind, "interval": interval}
        given = {name: value for name, value in asked.items() if value is not None}
        if given:
            raise UnknownSymbol(f"{there.root} has no series with {_absent(there, given)}")
    faults = market.check_store(there, keys, time.time_ns() if now else None)
    return CheckReport(store=house.store_folder, checked=len(keys), faults=tuple(faults))


def _opened(house: House) -> Store | None:
    """The store, or None where there is none yet: looking makes nothing."""
    if not house.store_folder.exists():
        return None
    from bearskin import market

    return market.Store(house.store_folder)


def _keys(
    store: Store,
    venue: str | None,
    product: str | None,
    symbol: str | None,
    kind: str | None,
    interval: str | None,
) -> list[SeriesKey]:
    given = {"venue": venue, "product": product, "symbol": symbol, "kind": kind, "interval": interval}
    asked = {name: value for name, value in given.items() if value is not None}
    return store.keys(**asked)


def _absent(store: Store, asked: dict[str, str]) -> str:
    """The first part of what was asked for that no series has, with near ones; else all of it together."""
    there = store.keys()
    for name, value in asked.items():
        names = sorted({str(getattr(key, name)) for key in there})
        if value not in names:
            near = difflib.get_close_matches(value, names, n=3) or names[:6]
            return f"{name} {value!r}" + (f": it has {', '.join(near)}" if near else "")
    return " and ".join(f"{name} {value!r}" for name, value in asked.items()) + " at once"


def words_of(value: str | Sequence[str] | None) -> list[str]:
    """`A,B` or ["A", "B"] as a list without blanks or doubles."""
    if value is None:
        return []
    parts = [part for one in ([value] if isinstance(value, str) else value) for part in str(one).split(",")]
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def turned(progress: Progress | None) -> Callable[[int, int, str], None] | None:
    """Our progress in the order the market room tells it: done, total, what."""
    if progress is None:
        return None
    return lambda done, total, what: progress(what, done, total)
