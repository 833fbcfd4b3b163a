"""Published sets with a layout of their own: several venues in one table, BitMEX bars, liquidations, Fear & Greed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from bearskin.market._keys import ANY_SYMBOL, EVENT, SeriesKey
from bearskin.market._names import OKX_COINS_PER_CONTRACT, perpetual
from bearskin.market._parts import Hints, Left, Piece, Taken, columns_of, raise_unnamed, settled
from bearskin.market._read import ROW, as_time, read_table
from bearskin.market._rules import OPEN_IS_PREVIOUS_CLOSE, PRICES, STAMPED_AT_END
from bearskin.terms import MINUTE_NS, BadFile, Product

MULTI_VENUE: Final = "venues by coin"
BITMEX: Final = "BitMEX bars"
HYPERLIQUID: Final = "Hyperliquid liquidations"
# Liquidations of a coin over venues the publisher does not name.
AGGREGATE: Final = "aggregate"


def of_columns(columns: Sequence[str]) -> str | None:
    """Which of these layouts a table with such columns is, or None."""
    there = set(columns)
    if {"venue", "coin"} <= there or {"coin", "liq_count"} <= there:
        return MULTI_VENUE
    if {"timestamp", "turnover", "trades", *PRICES} <= there:
        return BITMEX
    if {"user", "liquidated_ntl_pos"} <= there:
        return HYPERLIQUID
    return None


def read_venues(path: Path, hints: Hints) -> Taken | Left:
    """One table for many venues and coins: hourly candles, settlements, hourly open interest, daily liquidations."""
    frame = read_table(path)
    there = set(frame.columns)
    if "timestamp" not in there:
        return Left(layout=MULTI_VENUE, reason="a snapshot without times is not a series")
    if {"o", "h", "l", "c", "v"} <= there:
        kind, names = "trade", {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
    elif "funding_rate" in there:
        kind, names = "funding", {"rate": "funding_rate"}
    elif "oi_usd" in there:
        kind, names = "open-interest", {"oi_usd": "oi_usd"}
    else:
        kind = "liquidations"
        names = {"long_usd": "long_usd", "short_usd": "short_usd", "total_usd": "total_usd", "count": "liq_count"}
    names["time"] = "timestamp"
    if "venue" not in there:
        frame = frame.with_columns(pl.lit(AGGREGATE).alias("venue"))
    frame = frame.with_columns(pl.col("venue", "coin").cast(pl.String))
    rows = columns_of(path, frame, kind, names, keep=("venue", "coin"))
    raise_unnamed(path, rows, "venue", "coin")
    interval = {"funding": EVENT, "liquidations": "1d"}.get(kind, hints.interval or "1h")
    pieces, notes = [], set()
    for (venue, coin), part in sorted(rows.partition_by(["venue", "coin"], as_dict=True).items()):
        part = part.drop("venue", "coin").sort("time", maintain_order=True)
        if kind == "funding":
            part = settled(part)
        if venue == "okx" and kind == "trade":
            if coin not in OKX_COINS_PER_CONTRACT:
                raise BadFile(path, f"OKX counts contracts, and how many {coin} one holds is not known", column="v")
            part = part.with_columns(pl.col("volume") * OKX_COINS_PER_CONTRACT[coin])
            notes.add("OKX volume turned from contracts into coins")
        symbol = coin if venue == AGGREGATE else perpetual(venue, coin)
        key = SeriesKey(venue, Product.LINEAR.value, symbol, kind, interval)
        pieces.append(Piece(key=key, frame=part, names=names))
    return Taken(layout=MULTI_VENUE, pieces=pieces, notes=tuple(sorted(notes)))


def read_bitmex(path: Path, hints: Hints) -> Taken:
    """BitMEX's bars: stamped at their end, each open the close before, volume in USD contracts.

    The stamp is moved to the bar's open here; opens outside high and low are kept and flagged.
    """
    frame = read_table(path)
    names = {name: name for name in (*PRICES, "volume", "trades")} | {"time": "timestamp"}
    rows = columns_of(path, frame, "trade", names)
    interval = hints.interval or "1m"
    key = SeriesKey(
        hints.venue or "bitmex",
        hints.product or Product.INVERSE.value,
        hints.symbol or path.name.split("_")[0].split(".")[0],
        "trade",
        interval,
    )
    step = key.step_ns or MINUTE_NS
    # a contract is one USD, so contracts are the quote volume
    rows = rows.with_columns(
        (pl.col("time") - pl.duration(nanoseconds=step)).alias("time"), pl.col("volume").alias("quote_volume")
    )
    outside = len(rows.filter(~pl.col("open").is_between(pl.col("low"), pl.col("high"))))
    notes = ("stamps are bar ends: moved to the open", f"{outside} opens (previous closes) outside high and low: kept")
    quirks = frozenset({OPEN_IS_PREVIOUS_CLOSE, STAMPED_AT_END})
    return Taken(layout=BITMEX, pieces=[Piece(key=key, frame=rows, names=names, quirks=quirks)], notes=notes)


def read_hyperliquid(path: Path, frame: pl.DataFrame) -> Taken:
    """Hyperliquid's published liquidations: per account, so over all symbols; `cross` is 1 or 0."""
    for name in ("time", "liquidated_ntl_pos", "liquidated_account_value", "leverage_type"):
        if name not in frame.columns:
            raise BadFile(path, "the column is missing; Hyperliquid's liquidations have it", column=name)
    rows = frame.select(
        as_time(path, frame, "time").alias("time"),
        pl.col("liquidated_ntl_pos").cast(pl.Float64, strict=False).alias("notional_usd"),
        pl.col("liquidated_account_value").cast(pl.Float64, strict=False).alias("account_value_usd"),
        (pl.col("leverage_type") == "Cross").cast(pl.Float64).alias("cross"),
        ROW,
    )
    names = {"notional_usd": "liquidated_ntl_pos", "account_value_usd": "liquidated_account_value"}
    key = SeriesKey("hyperliquid", Product.LINEAR.value, ANY_SYMBOL, "liquidations", EVENT)
    return Taken(layout=HYPERLIQUID, pieces=[Piece(key=key, frame=rows, names=names)])
