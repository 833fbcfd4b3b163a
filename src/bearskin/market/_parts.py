"""What a layout hands over: series with the rows of a file, or the reason why it is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from bearskin.market._keys import AGGREGATED, EVENT, SeriesKey
from bearskin.market._read import ROW, as_number, as_time
from bearskin.market._rules import COLUMNS, value_columns
from bearskin.terms import MINUTE_NS, BadFile, BadInput, interval_word


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What the user said about a file; it wins over what the file's name or folder says. Raises BadInput."""

    venue: str | None = None
    product: str | None = None
    symbol: str | None = None
    kind: str | None = None
    interval: str | None = None

    def __post_init__(self) -> None:
        for name in ("venue", "product", "symbol", "kind", "interval"):
            if getattr(self, name) == "":
                raise BadInput(f"{name} was empty: leave it away, or say what it is")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows of one series as a file has them: `time`, values under our names, `row`.

    `names` maps our column names to the file's, for messages.
    """

    key: SeriesKey
    frame: pl.DataFrame
    names: Mapping[str, str] = field(default_factory=dict)
    quirks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A file read under `layout`."""

    layout: str
    pieces: list[Piece]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A file recognised as `layout` that holds nothing for the store."""

    layout: str
    reason: str


def columns_of(
    path: Path, frame: pl.DataFrame, kind: str, names: Mapping[str, str], *, keep: tuple[str, ...] = ()
) -> pl.DataFrame:
    """`frame` with our column names and types; `names` maps ours to the file's. Raises BadFile for an absent column."""
    must, _ = COLUMNS[kind]
    for name in ("time", *must):
        if name not in names:
            spelled = ", ".join(column for column in frame.columns if column != ROW)
            raise BadFile(path, f"the column is missing; {kind} rows need it, the file has {spelled}", column=name)
    values = [name for name in (*value_columns(kind), "seq", "known_at") if name in names]
    if not any(name in value_columns(kind) for name in values):
        wanted = " or ".join(value_columns(kind))
        raise BadFile(path, f"no column for {kind} found; it should have {wanted}")
    return frame.select(
        as_time(path, frame, names["time"]).alias("time"),
        *(as_number(path, frame, names[name]).alias(name) for name in values if name not in ("seq", "known_at")),
        *(pl.col(names[name]).cast(pl.Int64, strict=False).alias(name) for name in values if name == "seq"),
        *(pl.col(name) for name in keep),
        ROW,
    )


def raise_unnamed(path: Path, frame: pl.DataFrame, *columns: str) -> None:
    """Raise BadFile for the first row that does not say whose it is."""
    for column in columns:
        unnamed = frame.filter(pl.col(column).is_null() | (pl.col(column).str.strip_chars() == ""))
        if len(unnamed):
            raise BadFile(path, "the name is empty", row=int(unnamed[ROW][0]), column=column)


def settled(frame: pl.DataFrame) -> pl.DataFrame:
    """Funding rows as they are stored: the stamp is when the rate was known, its minute is when it was due.

    Venues stamp settlements up to a minute late; one settlement has one time, whoever reports it. Where the file does
    not say the interval, it is the time since the settlement before it in the file.
    """
    due = (pl.col("time").dt.epoch("ns") // MINUTE_NS * MINUTE_NS).cast(pl.Datetime("ns", "UTC"))
    frame = frame.with_columns(pl.col("time").alias("known_at"), due.alias("time"))
    if "interval_h" not in frame.columns:
        hours = pl.col("time").diff().dt.total_minutes().cast(pl.Float64) / 60
        frame = frame.with_columns(pl.when(hours > 0).then(hours).alias("interval_h"))
    return frame


def usual_interval(path: Path, frame: pl.DataFrame) -> str:
    """The commonest distance between rows, as a word; raises BadFile where there is none."""
    steps = frame["time"].drop_nulls().sort().diff().drop_nulls().dt.total_nanoseconds()
    steps = steps.filter(steps > 0)
    if not len(steps):
        raise BadFile(path, "one row does not say its interval: give it with --interval")
    try:
        return interval_word(int(steps.mode().sort()[0]))
    except BadInput:
        raise BadFile(path, "the rows have no interval in whole seconds: give it with --interval") from None


NO_GRID: Final = {"funding": EVENT, "trades": EVENT, "borrow-rate": EVENT}

__all__ = [
    "AGGREGATED",
    "EVENT",
    "NO_GRID",
    "Hints",
    "Left",
    "Piece",
    "Taken",
    "columns_of",
    "raise_unnamed",
    "settled",
    "usual_interval",
]
