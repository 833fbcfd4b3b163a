"""Plain tables: columns by name, one symbol a file or a `symbol` column, CSV or Parquet or Feather.

What the columns do not say is taken from the user's options, else from the folders (`binance_um_2025/mark/`) and the
name (`BTCUSDT_1h.csv`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl

from bearskin.market._keys import ANY_PRODUCT, CANDLES, KINDS, SENTIMENT, SeriesKey
from bearskin.market._names import product_in, venue_in
from bearskin.market._parts import (
    NO_GRID,
    Hints,
    Left,
    Piece,
    Taken,
    columns_of,
    raise_unnamed,
    settled,
    usual_interval,
)
from bearskin.market._read import read_bytes, read_csv, read_table
from bearskin.market._rules import PRICES, first_problem
from bearskin.terms import BadFile, Product

NAME: Final = "table"
_FILE = re.compile(r"(?P<symbol>[A-Z0-9][A-Z0-9.-]*(?:_(?:PERP|\d{6}))?)(?:_(?P<interval>\d+[smhdw]))?")
_INTERVAL = re.compile(r"(?:^|_)(\d+[smhdw])(?:_|$)")

_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "time": ("time", "timestamp", "date", "datetime", "open_time", "ts", "time_ms", "create_time"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "v", "vol", "base_volume"),
    "quote_volume": ("quote_volume", "quote_vol", "quote_asset_volume"),
    "trades": ("trades", "count", "number_of_trades"),
    "taker_buy_volume": ("taker_buy_volume", "taker_buy_base_asset_volume"),
    "rate": ("rate", "funding_rate", "fundingrate", "last_funding_rate"),
    "interval_h": ("interval_h", "funding_interval_hours"),
    "oi": ("oi", "open_interest", "sum_open_interest"),
    "oi_usd": ("oi_usd", "open_interest_usd", "sum_open_interest_value"),
    "ratio": ("ratio", "long_short_ratio"),
    "top_accounts_ratio": ("top_accounts_ratio",),
    "top_positions_ratio": ("top_positions_ratio",),
    "buy_volume": ("buy_volume",),
    "sell_volume": ("sell_volume",),
    "price": ("price",),
    "qty": ("qty",),
    "value": ("value", "fng", "fear_greed"),
    "long_usd": ("long_usd", "force_sell_usd"),  # a forced sell closes a long
    "short_usd": ("short_usd", "force_buy_usd"),
    "total_usd": ("total_usd",),
    "long_count": ("long_count", "force_sell_count"),
    "short_count": ("short_count", "force_buy_count"),
    "count": ("liq_count",),
    "notional_usd": ("notional_usd",),
}
# The columns that tell a kind, in the order in which they are looked for.
_TELLS: Final = (
    ("sentiment", ("value",)),
    ("open-interest", ("oi", "oi_usd")),
    ("liquidations", ("long_usd", "short_usd")),
    ("funding", ("rate",)),
    ("taker", ("buy_volume", "sell_volume")),
    ("long-short", ("ratio",)),
    ("trades", ("price", "qty")),
)


def read_any(path: Path) -> pl.DataFrame:
    """Any table with its own column names; raises BadFile."""
    if path.suffix in (".parquet", ".feather"):
        return read_table(path)
    return read_csv(path, read_bytes(path))


def read(path: Path, hints: Hints, frame: pl.DataFrame | None = None) -> Taken | Left:
    """The rows of a plain table; raises BadFile, also when nothing says whose they are."""
    frame = read_any(path) if frame is None else frame
    names = _ours(frame)
    kind = _kind(path, names, hints)
    symbol_column = "symbol" if "symbol" in frame.columns and hints.symbol is None else None
    if symbol_column is not None:
        frame = frame.with_columns(pl.col("symbol").cast(pl.String))
    rows = columns_of(path, frame, kind, names, keep=("symbol",) if symbol_column else ())
    if symbol_column is not None:
        raise_unnamed(path, rows, "symbol")
    groups = (
        {str(name): part.drop("symbol") for (name,), part in rows.partition_by("symbol", as_dict=True).items()}
        if symbol_column
        else {"": rows}
    )
    _content(path, kind, groups, names)
    place = _place(path, hints, kind)
    pieces, notes = [], []
    for name, part in sorted(groups.items()):
        piece = settled(part) if kind == "funding" else part
        symbol = name or place.symbol
        if symbol is None or place.venue is None or place.product is None:
            raise BadFile(path, _unsaid(replace(place, symbol=symbol)))
        key = SeriesKey(place.venue, place.product, symbol, kind, _grid(path, place, kind, piece))
        pieces.append(Piece(key=key, frame=piece, names=names))
    if kind in CANDLES and hints.kind is None and venue_in(path) is None:
        notes.append(f"taken for {kind} candles by its columns")
    return Taken(layout=NAME, pieces=pieces, notes=tuple(notes))


def _ours(frame: pl.DataFrame) -> dict[str, str]:
    """Our names of the file's columns: the first alias that is there, capitals aside."""
    there = {column.lower(): column for column in reversed(frame.columns)}
    found = {}
    for ours, aliases in _ALIASES.items():
        alias = next((alias for alias in aliases if alias in there), None)
        if alias is not None:
            found[ours] = there[alias]
    return found


def _kind(path: Path, names: Mapping[str, str], hints: Hints) -> str:
    if hints.kind is not None:
        if hints.kind not in KINDS:
            raise BadFile(path, f"{hints.kind!r} is not a kind of series: write one of {', '.join(KINDS)}")
        return hints.kind
    if sum(name in names for name in PRICES) >= 2:
        said = [re.split(r"[^a-z]+", part.lower()) for part in path.parts[-2:]]
        return next((kind for kind in ("mark", "index") if any(kind in words for words in said)), "trade")
    for kind, tells in _TELLS:
        if any(tell in names for tell in tells):
            return kind
    raise BadFile(
        path,
        "no layout knows these columns; a table needs a time and open, high, low, close, volume, "
        "or rate, or oi, or another kind's columns (docs/data.md)",
    )


def _content(path: Path, kind: str, groups: Mapping[str, pl.DataFrame], names: Mapping[str, str]) -> None:
    """Faults in the rows are said before anything that is missing around them: they are the user's news."""
    key = SeriesKey("table", ANY_PRODUCT, "TABLE", kind, NO_GRID.get(kind, "1m"))
    for part in groups.values():
        raise_problem(path, key, part, names, frozenset())


def raise_problem(
    path: Path, key: SeriesKey, frame: pl.DataFrame, names: Mapping[str, str], quirks: frozenset[str]
) -> None:
    """Raise the first fault of `frame` as a BadFile with the file's own row and column."""
    problem = first_problem(frame, key, quirks)
    if problem is not None:
        row = None if problem.row is None else int(frame["row"][problem.row])
        column = None if problem.column is None else names.get(problem.column, problem.column)
        raise BadFile(path, problem.text, row=row, column=column)


def _place(path: Path, hints: Hints, kind: str) -> Hints:
    """The user's word, else the folders', else the name's."""
    stem = path.name.split(".")[0]
    named = _FILE.fullmatch(stem)
    interval = _INTERVAL.search(stem)
    if kind == "sentiment" and hints.venue is None:
        return Hints(venue=SENTIMENT.venue, product=SENTIMENT.product, symbol=SENTIMENT.symbol, interval="1d")
    venue = hints.venue or venue_in(path)
    symbol = hints.symbol or (named["symbol"] if named else None)
    product = hints.product or product_in(path)
    if product is None and hints.venue is not None:
        product = Product.LINEAR.value  # the user named the venue; perpetuals are what this desk is about
    return Hints(
        venue=venue, product=product, symbol=symbol, interval=hints.interval or (interval[1] if interval else None)
    )


def _unsaid(place: Hints) -> str:
    absent = [f"--{name}" for name in ("venue", "product", "symbol") if getattr(place, name) is None]
    return f"neither its name nor its folders say whose rows these are: give {', '.join(absent)}"


def _grid(path: Path, place: Hints, kind: str, frame: pl.DataFrame) -> str:
    return NO_GRID.get(kind) or place.interval or usual_interval(path, frame)
