"""LEAN's data folder: `cryptofuture/binance/minute/btcusd/20221213_trade.zip`, hour and daily files, margin interest.

Minute files count milliseconds from the day's midnight UTC. `margin_interest` is funding. Coin-margined contracts are
told by a quote of plain USD on venues that have them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from bearskin.market._keys import EVENT, SeriesKey
from bearskin.market._names import perpetual
from bearskin.market._parts import Hints, Left, Piece, Taken, columns_of, settled
from bearskin.market._read import read_bytes, read_csv
from bearskin.market._rules import PRICES, TIME
from bearskin.terms import DAY_NS, BadFile, BadInput, Product, parse_time

NAME: Final = "LEAN"
_INTERVALS: Final = {"second": "1s", "minute": "1m", "hour": "1h", "daily": "1d"}
_TYPES: Final = ("crypto", "cryptofuture")
_CANDLE: tuple[str, ...] = ("time", *PRICES, "volume")


def _place(path: Path) -> tuple[str, str, tuple[str, ...]] | None:
    """Security type, venue and what follows them in the path, or None."""
    parts = [part.lower() for part in path.parts]
    for at, part in enumerate(parts[:-2]):
        if part in _TYPES and parts[at + 2] in {*_INTERVALS, "margin_interest"}:
            return part, parts[at + 1], tuple(parts[at + 2 :])
    return None


def knows(path: Path) -> bool:
    """Whether the path is one of LEAN's."""
    return path.suffix in (".zip", ".csv") and (_place(path) is not None or path.name.startswith("symbol-properties"))


def read(path: Path, hints: Hints) -> Taken | Left:
    """The rows of one LEAN file; raises BadFile."""
    place = _place(path)
    if place is None:
        return Left(layout=NAME, reason="a table of instruments, not a series")
    kind_of_security, venue, rest = place
    if rest[0] == "margin_interest":
        return _funding(path, hints, venue, rest[-1].removesuffix(".csv"))
    stem = rest[-1].removesuffix(".zip").removesuffix(".csv")
    if not stem.endswith("_trade"):
        return Left(layout=NAME, reason="bid and ask bars have no kind in the store")
    minute = rest[0] in ("minute", "second")
    name = rest[1] if minute else stem.removesuffix("_trade")
    frame = read_csv(path, read_bytes(path), _CANDLE)
    names = {column: column for column in _CANDLE if column in frame.columns}
    if minute:
        frame = _since_midnight(path, frame, stem[:8])
        names["time"] = "stamp"
    rows = columns_of(path, frame, "trade", names)
    product, symbol = _market(kind_of_security, venue, name)
    key = SeriesKey(
        hints.venue or venue,
        hints.product or product,
        hints.symbol or symbol,
        hints.kind or "trade",
        hints.interval or _INTERVALS[rest[0]],
    )
    return Taken(layout=NAME, pieces=[Piece(key=key, frame=rows, names=names)])


def _since_midnight(path: Path, frame: pl.DataFrame, date: str) -> pl.DataFrame:
    try:
        midnight_ns = parse_time(f"{date[:4]}-{date[4:6]}-{date[6:]}")
    except BadInput:
        raise BadFile(path, "the name should begin with the date, such as 20221213_trade.zip") from None
    since_ms = pl.col("time").cast(pl.Int64, strict=False)
    inside = pl.when(since_ms.is_between(0, DAY_NS // 1_000_000)).then(since_ms)
    return frame.with_columns((midnight_ns + inside * 1_000_000).cast(TIME).alias("stamp"))


def _funding(path: Path, hints: Hints, venue: str, name: str) -> Taken:
    frame = read_csv(path, read_bytes(path), ("time", "rate"))
    names = {"time": "time", "rate": "rate"}
    product, symbol = _market("cryptofuture", venue, name)
    key = SeriesKey(hints.venue or venue, hints.product or product, hints.symbol or symbol, "funding", EVENT)
    rows = settled(columns_of(path, frame, "funding", names))
    return Taken(layout=NAME, pieces=[Piece(key=key, frame=rows, names=names)])


def _market(kind: str, venue: str, name: str) -> tuple[str, str]:
    symbol = name.upper()
    if kind == "crypto":
        return Product.SPOT.value, symbol
    if symbol.endswith("USD"):
        base = symbol.removesuffix("USD")
        if venue in ("binance", "bybit", "okx", "bitmex"):
            return Product.INVERSE.value, perpetual(venue, base, "USD", inverse=True)
        return Product.LINEAR.value, perpetual(venue, base, "USD")
    return Product.LINEAR.value, symbol
