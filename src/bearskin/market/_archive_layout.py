"""How Binance's public data archive is laid out: which file holds what (`_layout_binance` reads them).

Facts: the README of github.com/binance/binance-public-data. Klines and mark and index klines come by month and by
day, funding only by month, metrics (open interest, ratios) only by day; a day's file appears the next day, a month's
at the start of the next. Every file has a `.CHECKSUM` (SHA-256) beside it. Spot times are microseconds since 2025,
others milliseconds; newer futures files have a header row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from bearskin.terms import SECOND_NS, BadInput, Product

ARCHIVE_URL: Final = "https://data.binance.vision"
VENUE: Final = "binance"
MARKETS: Final = {"um": "futures/um", "cm": "futures/cm", "spot": "spot"}
FIRST_DAY: Final = date(2017, 7, 1)  # the month in which Binance opened
INTERVALS: Final = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d")

_CANDLE_FOLDERS: Final = {"trade": "klines", "mark": "markPriceKlines", "index": "indexPriceKlines"}
_METRIC_KINDS: Final = ("open-interest", "long-short", "taker")
ARCHIVE_KINDS: Final = (*_CANDLE_FOLDERS, "funding", *_METRIC_KINDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFile:
    """One file of the archive: `path` below the base URL, and what it holds.

    `kind` is a candle kind, `funding` or `metrics`; `days` are the daily files that stand in where a month's file is
    not there.
    """

    path: str
    market: str
    symbol: str
    kind: str
    interval: str
    days: tuple[ArchiveFile, ...] = ()

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path.rsplit("/", 1)[-1]


def product_of(market: str, symbol: str) -> Product:
    """What a symbol of `um`, `cm` or `spot` is; dated futures end in a date."""
    if market == "spot":
        return Product.SPOT
    dated = re.search(r"_\d{6}$", symbol) is not None
    if market == "um":
        return Product.DATED if dated else Product.LINEAR
    return Product.DATED_INVERSE if dated else Product.INVERSE


def files_for(
    market: str, symbols: tuple[str, ...], kinds: tuple[str, ...], interval: str, start_ns: int, end_ns: int
) -> list[ArchiveFile]:
    """The files that hold `kinds` of `symbols` over [start_ns, end_ns), whole months and days; raises BadInput."""
    _check(market, kinds, interval, start_ns, end_ns)
    first, last = max(_day(start_ns), FIRST_DAY), _day(end_ns - 1)
    found: list[ArchiveFile] = []
    for symbol in symbols:
        if not re.fullmatch(r"[A-Z0-9_]+", symbol):
            raise BadInput(f"{symbol!r} is not a symbol of the archive: it names them as in BTCUSDT or BTCUSD_PERP")
        for kind in dict.fromkeys("metrics" if kind in _METRIC_KINDS else kind for kind in kinds):
            found += _series_files(market, symbol, kind, interval, first, last)
    return found


def _check(market: str, kinds: tuple[str, ...], interval: str, start_ns: int, end_ns: int) -> None:
    if market not in MARKETS:
        raise BadInput(f"the archive has no market {market!r}: it has {', '.join(MARKETS)}")
    offered = ("trade",) if market == "spot" else ARCHIVE_KINDS
    unknown = [kind for kind in kinds if kind not in offered]
    if unknown or not kinds:
        raise BadInput(f"the archive has no {unknown or 'kind'} for market {market}: ask for {', '.join(offered)}")
    if interval not in INTERVALS:
        raise BadInput(f"the archive has no {interval!r} candles: it has {', '.join(INTERVALS)}")
    if end_ns <= start_ns:
        raise BadInput("the end of the time to fetch was not after its start")


def _day(time_ns: int) -> date:
    return datetime.fromtimestamp(time_ns // SECOND_NS, UTC).date()


def _series_files(market: str, symbol: str, kind: str, interval: str, first: date, last: date) -> list[ArchiveFile]:
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    if kind == "metrics":
        return [_file(market, symbol, kind, interval, "daily", f"{day:%Y-%m-%d}") for day in days]
    months = dict.fromkeys((day.year, day.month) for day in days)
    files = []
    for year, month in months:
        own = [day for day in days if (day.year, day.month) == (year, month)] if kind != "funding" else []
        daily = tuple(_file(market, symbol, kind, interval, "daily", f"{day:%Y-%m-%d}") for day in own)
        files.append(_file(market, symbol, kind, interval, "monthly", f"{year}-{month:02d}", daily))
    return files


def _file(
    market: str, symbol: str, kind: str, interval: str, by: str, stamp: str, days: tuple[ArchiveFile, ...] = ()
) -> ArchiveFile:
    # coin-margined indices are kept per pair: all contracts of a coin share one
    named = symbol.split("_")[0] if (market, kind) == ("cm", "index") else symbol
    if kind in _CANDLE_FOLDERS:
        place = f"{_CANDLE_FOLDERS[kind]}/{named}/{interval}/{named}-{interval}"
    else:
        word = "fundingRate" if kind == "funding" else "metrics"
        place = f"{word}/{named}/{named}-{word}"
    path = f"data/{MARKETS[market]}/{by}/{place}-{stamp}.zip"
    return ArchiveFile(path=path, market=market, symbol=symbol, kind=kind, interval=interval, days=days)


def span_words(start_ns: int, end_ns: int) -> str:
    """`2025-01-01 to 2025-01-31`: the days of [start_ns, end_ns)."""
    return f"{_day(start_ns)} to {_day(max(end_ns - 1, start_ns))}"
