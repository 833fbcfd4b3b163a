"""What the rows of each kind must hold, and the first place where a frame breaks the rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from bearskin.market._keys import AGGREGATED, CANDLES, EVENT, SeriesKey
from bearskin.terms import HOUR_NS, MINUTE_NS, iso

TIME: Final = pl.Datetime("ns", "UTC")

PRICES: Final = ("open", "high", "low", "close")
_CANDLE = (*PRICES, "volume")
_CANDLE_MORE = ("quote_volume", "trades", "taker_buy_volume")

_SUMS = ("long_usd", "short_usd", "total_usd", "long_count", "short_count", "count")
_SINGLE = ("price", "qty", "notional_usd", "account_value_usd", "cross")

# kind -> (columns that must be there, columns that may be)
COLUMNS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "trade": (_CANDLE, _CANDLE_MORE),
    "mark": (PRICES, ()),
    "index": (PRICES, ()),
    "funding": (("rate",), ("interval_h",)),
    "open-interest": ((), ("oi", "oi_usd")),
    "long-short": (("ratio",), ("top_accounts_ratio", "top_positions_ratio")),
    "taker": ((), ("ratio", "buy_volume", "sell_volume")),
    "liquidations": (
        (),
        (*_SUMS, *_SINGLE),
    ),
    "trades": (("price", "qty"), ()),
    "sentiment": (("value",), ()),
    "borrow-rate": (("rate",), ()),
}
SIGNED: Final = frozenset({"rate", "qty", "account_value_usd"})
# What no market has ever quoted, traded or counted: beyond it lie faults, and sums that overflow.
PRICE_MAX: Final = 1e15
AMOUNT_MAX: Final = 1e24
POSITIVE: Final = frozenset({*PRICES, "price"})

# Layout quirks that a series carries with it (see docs/data.md).
OPEN_IS_PREVIOUS_CLOSE: Final = "open-is-previous-close"
STAMPED_AT_END: Final = "stamped-at-end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The first fault of a frame: `row` counts from 0 in the frame as it was given."""

    row: int | None
    column: str | None
    text: str


def value_columns(kind: str) -> tuple[str, ...]:
    """Every value column a kind may have, in storing order."""
    must, may = COLUMNS[kind]
    return must + may


def is_event(key: SeriesKey) -> bool:
    """Whether several rows may share one time; such rows carry `seq`, their identity within the time."""
    return key.kind in ("trades", "liquidations") and key.interval in (EVENT, AGGREGATED)


def identity(key: SeriesKey) -> list[str]:
    """The columns that tell one row of a series from another."""
    return ["time", "seq"] if is_event(key) else ["time"]


def known_at(key: SeriesKey) -> pl.Expr:
    """When a row of `time` was public: bars at their close, settlements at once, statistics later.

    Open interest, ratios and taker volume five minutes after their stamp; sums at the end of their window; the Fear &
    Greed value of a day, which is published just after midnight about the day before, from 01:00 UTC.
    """
    time = pl.col("time")
    if key.kind in ("open-interest", "long-short", "taker"):
        return time + pl.duration(nanoseconds=5 * MINUTE_NS)
    if key.kind == "sentiment":
        return time + pl.duration(nanoseconds=HOUR_NS)
    if key.kind in CANDLES or key.kind == "liquidations":
        return time + pl.duration(nanoseconds=key.step_ns or 0)
    return time


def first_problem(frame: pl.DataFrame, key: SeriesKey, quirks: frozenset[str] = frozenset()) -> Problem | None:
    """The first fault of `frame` (`time`, values, `seq` for events) as rows of `key`, or None.

    Looked for in this order: absent columns, empty times, order and repeats, numbers that are none, prices and
    volumes of the wrong sign, candles whose parts contradict each other.
    """
    absent = [name for name in ("time", *COLUMNS[key.kind][0]) if name not in frame.columns]
    if absent:
        return Problem(row=None, column=absent[0], text=f"the column is missing; a {key.kind} row needs it")
    rules = [*_time_rules(key), *number_rules(key, frame.columns)]
    if key.kind in CANDLES:
        rules += candle_rules(quirks)
    for rule in broken(frame, rules):
        row = int(rows_of(frame, rule)[0])
        return Problem(row=row, column=rule[0], text=rule[2](frame, row))
    return None


def broken(frame: pl.DataFrame, rules: Sequence[Rule]) -> list[Rule]:
    """The rules that some row breaks, found in one pass over the frame."""
    flags = frame.select(bad.fill_null(value=False).any().alias(str(at)) for at, (_, bad, _) in enumerate(rules)).row(0)
    return [rule for rule, is_broken in zip(rules, flags, strict=True) if is_broken]


def rows_of(frame: pl.DataFrame, rule: Rule) -> pl.Series:
    """The rows that break `rule`, counted from 0."""
    return frame.select(rule[1].fill_null(value=False).arg_true()).to_series()


Words = Callable[[pl.DataFrame, int], str]
Rule = tuple[str, pl.Expr, Words]  # column at fault, rows that break it, what to say of one of them


def _said(text: str) -> Words:
    return lambda _frame, _row: text


def _time_rules(key: SeriesKey) -> list[Rule]:
    def at(frame: pl.DataFrame, row: int) -> str:
        return iso(int(frame["time"].cast(TIME).dt.epoch("ns")[row]))

    step = pl.col("time").diff().dt.total_nanoseconds()
    rules: list[Rule] = [
        ("time", pl.col("time").is_null(), _said("the time is empty or not a time")),
        ("time", step < 0, lambda f, row: f"rows are not sorted by time: {at(f, row)} comes after {at(f, row - 1)}"),
    ]
    if not is_event(key):
        rules.append(("time", step == 0, lambda f, row: f"the row is a duplicate: {at(f, row)} comes twice"))
    return rules


def number_rules(key: SeriesKey, columns: list[str]) -> list[Rule]:
    """What the numbers of a row must not be: empty where the kind needs them, not finite, of the wrong sign."""

    def value(name: str, word: str) -> Words:
        return lambda frame, row: f"{frame[name][row]} {word}"

    must, may = COLUMNS[key.kind]
    rules: list[Rule] = []
    for name in (*must, *(name for name in may if name in columns)):
        column = pl.col(name)
        if name in must:
            rules.append((name, column.is_null(), _said("the value is empty or not a number")))
        rules.append(
            (name, column.is_nan(), value(name, "is not a finite number (text that is no number counts as nan)"))
        )
        rules.append((name, column.is_infinite(), value(name, "is not a finite number")))
        reach = PRICE_MAX if name in POSITIVE else AMOUNT_MAX
        rules.append(
            (
                name,
                column.is_finite() & (column.abs() > reach),
                value(name, f"is out of reach, it can be up to {reach:g}"),
            )
        )
        if name in POSITIVE:
            rules.append((name, column <= 0, value(name, "must be above zero")))
        elif name not in SIGNED:
            rules.append((name, column < 0, value(name, "must not be below zero")))
    return rules


def candle_rules(quirks: frozenset[str]) -> list[Rule]:
    """What the four prices of a candle must not say of each other."""

    def parts(text: str) -> Words:
        def words(frame: pl.DataFrame, row: int) -> str:
            prices = ", ".join(f"{name} {frame[name][row]}" for name in PRICES)
            return f"{text} ({prices})"

        return words

    high, low = pl.col("high"), pl.col("low")
    rules: list[Rule] = [
        ("high", high < low, parts("high is below low")),
        ("close", ~pl.col("close").is_between(low, high), parts("close lies outside high and low")),
    ]
    if OPEN_IS_PREVIOUS_CLOSE not in quirks:
        rules.append(("open", ~pl.col("open").is_between(low, high), parts("open lies outside high and low")))
    return rules


def shaped(frame: pl.DataFrame, key: SeriesKey, source: str) -> pl.DataFrame:
    """`frame` as it is stored: known columns in order and type, `known_at` filled in, `source` on every row."""
    ident = identity(key)
    if "seq" in ident and "seq" not in frame.columns:  # nth row of the same time, so a second import finds itself
        frame = frame.with_columns(pl.int_range(pl.len()).over("time").cast(pl.Int64).alias("seq"))
    values = [name for name in value_columns(key.kind) if name in frame.columns]
    known = pl.col("known_at").cast(TIME) if "known_at" in frame.columns else known_at(key).cast(TIME)
    return frame.with_columns(pl.col("time").cast(TIME)).select(
        *ident,
        *(pl.col(name).cast(pl.Float64) for name in values),
        known.alias("known_at"),
        pl.lit(source).alias("source"),
    )
