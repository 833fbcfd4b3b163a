"""Binance's public archive: `data/futures/um/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-10.zip` and its siblings.

Files have had headers since 2022 and none before, and stamps in ms or (spot since 2025) us: both are read. Market and
kind of candles stand only in the folders, so a file without them needs the user's word or is taken for trades of a
USDⓈ-M perpetual, which is then said. Statistics files (`metrics`) repeat and shuffle rows now and then: declared here,
so it is put right and flagged instead of refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from bearskin.market._brackets import product_of
from bearskin.market._keys import AGGREGATED, EVENT, SeriesKey
from bearskin.market._parts import Hints, Left, Piece, Taken, columns_of, settled
from bearskin.market._read import ROW, read_bytes, read_csv
from bearskin.market._rules import PRICES
from bearskin.terms import BadFile, Product

NAME: Final = "Binance archive"
_DATE: Final = r"\d{4}-\d\d(?:-\d\d)?\.(?:zip|csv)"
_CANDLES = re.compile(rf"(?P<symbol>[A-Z0-9_]+)-(?P<interval>\d+(?:mo|[smhdw]))-{_DATE}")
_OTHERS = re.compile(rf"(?P<symbol>[A-Z0-9_]+)-(?P<what>[a-zA-Z]+)-{_DATE}")
_FOLDERS: Final = {"klines": "trade", "markPriceKlines": "mark", "indexPriceKlines": "index"}

_KLINE = ("open_time", *PRICES, "volume", "close_time", "quote_volume", "count", "taker_buy_volume")
_KLINE_TAIL = ("taker_buy_quote_volume", "ignore")
_AGG_TRADE = ("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time")
_COLUMNS: Final = {
    "klines": (*_KLINE, *_KLINE_TAIL),
    "fundingRate": ("calc_time", "funding_interval_hours", "last_funding_rate"),
    "aggTrades": (*_AGG_TRADE, "is_buyer_maker", "is_best_match"),
    "trades": ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker", "is_best_match"),
    "metrics": (
        *("create_time", "symbol", "sum_open_interest", "sum_open_interest_value"),
        *("count_toptrader_long_short_ratio", "sum_toptrader_long_short_ratio"),
        *("count_long_short_ratio", "sum_taker_long_short_vol_ratio"),
    ),
    "liquidationSnapshot": (
        *("time", "side", "order_type", "time_in_force", "original_quantity", "price"),
        *("average_price", "order_status", "last_fill_quantity", "accumulated_fill_quantity"),
    ),
}
_LEFT: Final = {
    "bookDepth": "depth within percentages of the mid has no kind in the store",
    "bookTicker": "best bid and ask have no kind in the store",
    "BVOLIndex": "volatility indices have no kind in the store",
    "EOHSummary": "option summaries have no kind in the store",
}


def knows(path: Path) -> bool:
    """Whether the name is one of the archive's."""
    if _CANDLES.fullmatch(path.name):
        return True
    other = _OTHERS.fullmatch(path.name)
    return other is not None and other["what"] in {*_COLUMNS, *_LEFT}


def read(path: Path, hints: Hints) -> Taken | Left:
    """The rows of one archive file; raises BadFile."""
    candles = _CANDLES.fullmatch(path.name)
    if candles is not None:
        return _read_candles(path, candles["symbol"], candles["interval"], hints)
    other = _OTHERS.fullmatch(path.name)
    assert other is not None, "read after knows"
    if other["what"] in _LEFT:
        return Left(layout=NAME, reason=_LEFT[other["what"]])
    notes: list[str] = []
    symbol = hints.symbol or other["symbol"]
    product = hints.product or _product(path, symbol, notes)
    frame = read_csv(path, read_bytes(path), _COLUMNS[other["what"]])
    made = _READERS[other["what"]](path, frame, (hints.venue or "binance", product, symbol), notes)
    return Taken(layout=NAME, pieces=made, notes=tuple(notes))


Market = tuple[str, str, str]  # venue, product, symbol


def _product(path: Path, symbol: str, notes: list[str]) -> str:
    folders = path.parts
    if "cm" in folders:  # index candles of coin-margined contracts carry the pair's name alone
        return product_of(symbol) if "_" in symbol else Product.INVERSE.value
    if "spot" in folders:
        return Product.SPOT.value
    if "um" not in folders:
        notes.append("the path does not say the market: taken for USDⓈ-M futures")
    return product_of(symbol)


def _read_candles(path: Path, symbol: str, interval: str, hints: Hints) -> Taken | Left:
    if interval.endswith("mo"):
        return Left(layout=NAME, reason="months differ in length: take days instead")
    if "premiumIndexKlines" in path.parts and hints.kind is None:
        return Left(layout=NAME, reason="the premium index has no kind in the store; mark and index give it")
    notes: list[str] = []
    symbol = hints.symbol or symbol
    folder = next((part for part in path.parts if part in _FOLDERS), None)
    kind = hints.kind or (_FOLDERS[folder] if folder else "trade")
    product = hints.product or _product(path, symbol, notes)
    raw = read_csv(path, read_bytes(path), _COLUMNS["klines"])
    names = {name: name for name in PRICES} | {"time": "open_time"}
    if kind == "trade":
        names |= {"volume": "volume", "trades": "count", "taker_buy_volume": "taker_buy_volume"}
        if product not in (Product.INVERSE.value, Product.DATED_INVERSE.value):  # there it counts coins, not quote
            names["quote_volume"] = "quote_volume"
    names = {ours: theirs for ours, theirs in names.items() if theirs in raw.columns}
    frame = columns_of(path, raw, kind, names)
    if kind == "trade" and folder is None and hints.kind is None and frame["volume"].sum() == 0:
        raise BadFile(path, "no bar has volume, so these are mark or index candles: say which with --kind")
    key = SeriesKey(hints.venue or "binance", product, symbol, kind, hints.interval or interval)
    return Taken(layout=NAME, pieces=[Piece(key=key, frame=frame, names=names)], notes=tuple(notes))


def _funding(path: Path, frame: pl.DataFrame, market: Market, _notes: list[str]) -> list[Piece]:
    names = {"time": "calc_time", "rate": "last_funding_rate", "interval_h": "funding_interval_hours"}
    names = {ours: theirs for ours, theirs in names.items() if theirs in frame.columns}
    rows = settled(columns_of(path, frame, "funding", names))
    return [Piece(key=SeriesKey(*market, "funding", EVENT), frame=rows, names=names)]


def _trades(path: Path, frame: pl.DataFrame, market: Market, _notes: list[str]) -> list[Piece]:
    merged = "agg_trade_id" in frame.columns
    names = {"seq": "id", "time": "time", "price": "price", "qty": "qty"}
    if merged:
        names |= {"seq": "agg_trade_id", "time": "transact_time", "qty": "quantity"}
    rows = columns_of(path, frame, "trades", names, keep=("is_buyer_maker",))
    # the taker's sign: a buyer who was maker means the taker sold
    sold = pl.col("is_buyer_maker").str.to_lowercase() == "true"
    rows = rows.with_columns(pl.when(sold).then(-pl.col("qty")).otherwise(pl.col("qty")).alias("qty"))
    key = SeriesKey(*market, "trades", AGGREGATED if merged else EVENT)
    return [Piece(key=key, frame=rows.drop("is_buyer_maker"), names=names)]


def _liquidations(path: Path, frame: pl.DataFrame, market: Market, _notes: list[str]) -> list[Piece]:
    names = {"time": "time", "price": "average_price", "qty": "accumulated_fill_quantity"}
    rows = columns_of(path, frame, "liquidations", names, keep=("side",))
    # the forced order's sign: a forced sell closes a long
    sold = pl.col("side").str.to_uppercase() == "SELL"
    signed = pl.when(sold).then(-pl.col("qty")).otherwise(pl.col("qty"))
    rows = rows.with_columns(signed.alias("qty"), (pl.col("qty") * pl.col("price")).alias("notional_usd"))
    return [Piece(key=SeriesKey(*market, "liquidations", EVENT), frame=rows.drop("side"), names=names)]


_METRICS: Final[Mapping[str, Mapping[str, str]]] = {
    "open-interest": {"oi": "sum_open_interest", "oi_usd": "sum_open_interest_value"},
    "long-short": {
        "ratio": "count_long_short_ratio",
        "top_accounts_ratio": "count_toptrader_long_short_ratio",
        "top_positions_ratio": "sum_toptrader_long_short_ratio",
    },
    "taker": {"ratio": "sum_taker_long_short_vol_ratio"},
}


def _metrics(path: Path, frame: pl.DataFrame, market: Market, notes: list[str]) -> list[Piece]:
    pieces = []
    for kind, columns in _METRICS.items():
        names = {"time": "create_time"} | {ours: theirs for ours, theirs in columns.items() if theirs in frame.columns}
        first = next(iter(columns))
        if first not in names:
            raise BadFile(path, "the column is missing", column=columns[first])
        rows = columns_of(path, frame, kind, names)
        rows = rows.filter(pl.col("time").is_null() | pl.col(first).is_not_null())
        tidy = rows.sort("time", maintain_order=True).unique([c for c in rows.columns if c != ROW], maintain_order=True)
        if len(tidy) < len(rows):
            notes.append(f"{kind}: {len(rows) - len(tidy)} repeated rows dropped")
        if not rows["time"].is_sorted():
            notes.append(f"{kind}: rows put in order")
        if len(tidy):
            pieces.append(Piece(key=SeriesKey(*market, kind, "5m"), frame=tidy, names=names))
    return pieces


_READERS: Final = {
    "fundingRate": _funding,
    "aggTrades": _trades,
    "trades": _trades,
    "metrics": _metrics,
    "liquidationSnapshot": _liquidations,
}
