"""How Binance's public data archive is laid out: which file holds what, and what its rows mean.

Facts: the README of github.com/binance/binance-public-data. Klines and mark and index klines come by month and by
day, funding only by month, metrics (open interest, ratios) only by day; a day's file appears the next day, a month's
at the start of the next. Every file has a `.CHECKSUM` (SHA-256) beside it. Spot times are microseconds since 2025,
others milliseconds; newer futures files have a header row.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from bearskin.terms import SECOND_NS, BadFile, BadInput, Product

ARCHIVE_URL: Final = "https://data.binance.vision"
VENUE: Final = "binance"
MARKETS: Final = {"um": "futures/um", "cm": "futures/cm", "spot": "spot"}
INTERVALS: Final = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d")
METRICS_INTERVAL: Final = "5m"

_CANDLE_FOLDERS: Final = {"trade": "klines", "mark": "markPriceKlines", "index": "indexPriceKlines"}
_METRIC_KINDS: Final = ("open-interest", "long-short", "taker")
ARCHIVE_KINDS: Final = (*_CANDLE_FOLDERS, "funding", *_METRIC_KINDS)

_KLINE_COLUMNS: Final = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip
_FUNDING_COLUMNS: Final = ("calc_time", "funding_interval_hours", "last_funding_rate")
_METRICS_COLUMNS: Final = (
    "create_time", "symbol", "sum_open_interest", "sum_open_interest_value", "count_toptrader_long_short_ratio",
    "sum_toptrader_long_short_ratio", "count_long_short_ratio", "sum_taker_long_short_vol_ratio",
)  # fmt: skip
# other spellings that headers have had
_ALIASES: Final = {
    "quote_asset_volume": "quote_volume",
    "number_of_trades": "count",
    "taker_buy_base_asset_volume": "taker_buy_volume",
}


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
    first, last = _day(start_ns), _day(end_ns - 1)
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


def read_archive(file: ArchiveFile, path: Path) -> dict[str, pl.DataFrame]:
    """The frames in a downloaded file by kind of series, in the store's columns; raises BadFile naming the place."""
    if file.kind in _CANDLE_FOLDERS:
        return {file.kind: _candles(file, _table(file, path, _KLINE_COLUMNS))}
    if file.kind == "funding":
        table = _table(file, path, _FUNDING_COLUMNS)
        return {
            "funding": table.select(
                # stamps carry milliseconds of jitter; a settlement belongs to its minute
                _times(table, "calc_time", file).dt.truncate("1m").alias("time"),
                rate=_number(file, table, "last_funding_rate"),
                interval_h=_number(file, table, "funding_interval_hours"),
            )
        }
    return _metrics(file, _table(file, path, _METRICS_COLUMNS))


def _table(file: ArchiveFile, path: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    """The one CSV in the zip as strings under its header's names, or `columns` where it has no header."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".csv")]
            if len(names) != 1:
                raise BadFile(file.name, f"holds {len(names)} CSV files, it should hold one")
            text = archive.read(names[0])
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise BadFile(file.name, f"is not a whole zip file ({error})") from error
    if not text.strip():
        raise BadFile(file.name, "is empty")
    head = text.split(b"\n", 1)[0].decode("utf-8", "replace").strip().replace('"', "").split(",")
    has_header = re.match(r"[0-9]", head[0]) is None
    names = [_ALIASES.get(name, name) for name in head] if has_header else list(columns)
    absent = [name for name in columns[: len(head)] if name not in names]
    if len(head) < 3 or (has_header and absent):
        raise BadFile(file.name, "the column is missing", column=(absent or [columns[len(head)]])[0])
    try:
        table = pl.read_csv(io.BytesIO(text), has_header=False, skip_rows=int(has_header), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise BadFile(file.name, f"cannot be read as CSV ({str(error).splitlines()[0]})") from error
    if table.width != len(names[: table.width]):
        raise BadFile(file.name, f"its rows have {table.width} fields, {len(names)} were expected")
    return table.rename(dict(zip(table.columns, names[: table.width], strict=True)))


def _number(file: ArchiveFile, table: pl.DataFrame, name: str) -> pl.Series:
    """A column as float64; an empty field is null, anything else that is no number raises BadFile."""
    if name not in table.columns:
        raise BadFile(file.name, "the column is missing", column=name)
    text = table[name].str.strip_chars()
    values = text.cast(pl.Float64, strict=False)
    bad = values.is_null() & text.is_not_null() & (text != "")
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise BadFile(file.name, f"{text[row]!r} is not a number", row=row + 1, column=name)
    return values


def _times(table: pl.DataFrame, name: str, file: ArchiveFile) -> pl.Series:
    """Times as nanoseconds: written out, or counted in s, ms, us or ns told apart by their size."""
    text = table[name].str.strip_chars()
    if text.str.contains("-", literal=True).any():
        stamps = text.str.slice(0, 19).str.pad_end(19, " ").str.strip_chars()
        long = stamps.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="ns", time_zone="UTC")
        short = stamps.str.to_datetime("%Y-%m-%d", strict=False, time_unit="ns", time_zone="UTC")
        times = long.fill_null(short)
    else:
        count = text.cast(pl.Int64, strict=False)
        factors = pl.DataFrame({"count": count}).select(
            pl.when(pl.col("count") < 10**11).then(10**9)
            .when(pl.col("count") < 10**14).then(10**6)
            .when(pl.col("count") < 10**17).then(10**3)
            .otherwise(1)
        ).to_series()  # fmt: skip
        times = (count * factors).cast(pl.Datetime("ns", "UTC"))
    if times.null_count():
        row = int(times.is_null().arg_max() or 0)
        raise BadFile(file.name, f"{text[row]!r} is not a time", row=row + 1, column=name)
    return times


def _candles(file: ArchiveFile, table: pl.DataFrame) -> pl.DataFrame:
    columns = {name: _number(file, table, name) for name in ("open", "high", "low", "close")}
    if file.kind == "trade":
        columns["volume"] = _number(file, table, "volume")
        if file.market != "cm":  # coin-margined files hold coins here, not the quote
            columns["quote_volume"] = _number(file, table, "quote_volume")
        columns["trades"] = _number(file, table, "count")
        columns["taker_buy_volume"] = _number(file, table, "taker_buy_volume")
    return pl.DataFrame({"time": _times(table, "open_time", file), **columns})


def _metrics(file: ArchiveFile, table: pl.DataFrame) -> dict[str, pl.DataFrame]:
    # repeated and unordered rows are known of these files; the first of a time counts
    times = _times(table, "create_time", file).alias("time")
    frames = {}
    for kind, columns in {
        "open-interest": {"oi": "sum_open_interest", "oi_usd": "sum_open_interest_value"},
        "long-short": {
            "ratio": "count_long_short_ratio",
            "top_accounts_ratio": "count_toptrader_long_short_ratio",
            "top_positions_ratio": "sum_toptrader_long_short_ratio",
        },
        "taker": {"ratio": "sum_taker_long_short_vol_ratio"},
    }.items():
        values = {name: _number(file, table, column) for name, column in columns.items()}
        frame = pl.DataFrame({"time": times, **values}).unique("time", keep="first").sort("time")
        frames[kind] = frame.filter(pl.col(next(iter(values))).is_not_null())
    return frames


def span_words(start_ns: int, end_ns: int) -> str:
    """`2025-01-01 to 2025-01-31`: the days of [start_ns, end_ns)."""
    return f"{_day(start_ns)} to {_day(max(end_ns - 1, start_ns))}"
