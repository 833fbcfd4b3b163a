"""What a report needs to see of a result, and the few figures that are put together from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from bearskin.market import Panel
from bearskin.report._words import Kind, column, day, number, shown


class Result(Protocol):
    """The part of a backtest's result that is reported; the columns of each frame are in `_words.COLUMNS`."""

    @property
    def request(self) -> object: ...
    @property
    def trades(self) -> pl.DataFrame: ...
    @property
    def equity(self) -> pl.DataFrame: ...
    @property
    def declined(self) -> pl.DataFrame: ...
    @property
    def summary(self) -> Mapping[str, object]: ...
    @property
    def by_setup(self) -> pl.DataFrame: ...
    @property
    def by_side(self) -> pl.DataFrame: ...
    @property
    def monthly(self) -> pl.DataFrame: ...
    @property
    def missing(self) -> pl.DataFrame: ...
    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def panels(self) -> Sequence[Panel]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The headline of a result in words."""

    title: str
    period: str
    symbols: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    labels: tuple[str, ...]
    evidence: str
    currency: str


def currency_of(result: Result) -> str:
    """The settle currency every amount is in; `quote` where the symbols settle in several or are not known."""
    found = {panel.instrument.settle for panel in result.panels}
    return found.pop() if len(found) == 1 else "quote"


def symbols_of(result: Result) -> tuple[str, ...]:
    """The symbols that were traded or could have been, in the order of the request."""
    named = result.summary.get("symbols")
    if isinstance(named, list | tuple):
        return tuple(str(one) for one in named)
    return tuple(panel.instrument.symbol for panel in result.panels)


def left_out_of(result: Result) -> list[tuple[str, str]]:
    """`(symbol, why)` of every symbol that was asked for and could not be used."""
    named = result.summary.get("left_out")
    if not isinstance(named, list | tuple):
        return []
    return [(str(one.get("symbol", "")), str(one.get("why", ""))) for one in named if isinstance(one, Mapping)]


def assumptions_of(result: Result) -> list[str]:
    """What was assumed and every label, each once, in order."""
    named = result.summary.get("assumptions")
    said = [str(one) for one in named] if isinstance(named, list | tuple) else []
    return list(dict.fromkeys([*result.notes, *said]))


def labels_of(result: Result) -> tuple[str, ...]:
    """The labels that belong beside the headline: what makes the figures weaker than they look."""
    said = " ".join(assumptions_of(result))
    found = ["ESTIMATED"] if "ESTIMATED" in said else []
    return (*found, "RESEARCH ONLY") if "research only" in said.lower() else tuple(found)


def _asked(result: Result, *names: str) -> object:
    for name in names:
        value = getattr(result.request, name, None)
        if value is not None:
            return value
    return None


def _listed(value: object) -> list[str]:
    """Words of a field that may hold one word, one enum or several of either."""
    many = value if isinstance(value, list | tuple | set | frozenset) else [] if value is None else [value]
    return [str(getattr(one, "word", None) or getattr(one, "value", None) or one) for one in many]


def _seen(frame: pl.DataFrame, name: str) -> list[str]:
    return sorted({str(one) for one in frame[name].drop_nulls()}) if name in frame.columns else []


def facts(result: Result) -> Facts:
    """The headline of `result`: what was asked, over which time, and what weakens it."""
    summary, trades = result.summary, result.trades
    names = symbols_of(result)
    sides = _listed(_asked(result, "sides", "side")) or _seen(trades, "side")
    setups = _listed(_asked(result, "setups")) or _seen(result.by_setup, "setup")
    leverages = _listed(_asked(result, "leverage")) or [
        shown(Kind.COUNT if float(one).is_integer() else Kind.RATIO, float(one)) for one in _seen(trades, "leverage")
    ]
    modes = _listed(_asked(result, "margin_mode")) or _seen(trades, "margin_mode")
    period = f"{day(summary.get('start'))} to {day(summary.get('end'))}"
    where = names[0] if len(names) == 1 else f"{len(names)} symbols"
    currency = currency_of(result)
    start = number(summary.get("equity_start"))
    evidence = str(summary.get("evidence") or "").strip()
    return Facts(
        title=f"{(' and '.join(f'{side}s' for side in sides) or 'backtest').capitalize()} on {where}",
        period=period,
        symbols=names,
        rows=(
            ("Period", f"{period} (UTC)"),
            ("Bars", f"{shown(Kind.COUNT, summary.get('bars'))} of {summary.get('interval') or '?'}"),
            (
                "Signals",
                f"{shown(Kind.COUNT, summary.get('signals'))}, {shown(Kind.COUNT, summary.get('declined'))} declined",
            ),
            ("Set-ups", ", ".join(setups) or "none"),
            ("Sides", ", ".join(sides) or "none"),
            ("Leverage", ", ".join(f"{one}×" for one in leverages) or "by the trade"),
            ("Margin mode", ", ".join(modes) or "by the trade"),
            ("Equity at the start", f"{shown(Kind.MONEY, start)} {currency}"),
        ),
        labels=labels_of(result),
        evidence=evidence or "No statement of evidence came with this result: treat every figure as chance.",
        currency=currency,
    )


def waterfall(result: Result) -> list[tuple[str, float]]:
    """Signed steps from gross to net in the settle currency; they add up to net.

    net = gross - fees + funding - slippage, gross being the profit at prices before slippage. What the trades lost or
    won beside these is a step of its own, never spread over the others.
    """
    total = {name: _sum(result.trades, name) for name in ("gross", "fees", "funding", "slippage", "net")}
    steps = [
        ("Gross", total["gross"]),
        ("Fees", -total["fees"]),
        ("Funding", total["funding"]),
        ("Slippage", -total["slippage"]),
    ]
    other = total["net"] - sum(amount for _, amount in steps)
    return [*steps, ("Other", other)] if abs(other) > max(0.01, 1e-9 * abs(total["net"])) else steps


def _sum(frame: pl.DataFrame, name: str) -> float:
    return float(frame[name].fill_nan(None).sum() or 0.0) if name in frame.columns and frame.height else 0.0


def declined_by_reason(declined: pl.DataFrame) -> pl.DataFrame:
    """One row per reason: `reason, declined, shorts, longs, symbols, detail` (an example), most frequent first."""
    if declined.is_empty():
        return pl.DataFrame(schema={"reason": pl.String, "declined": pl.Int64})
    example = pl.concat_str(
        [
            pl.when(pl.col(name).fill_null("").cast(pl.String) != "")
            .then(pl.lit(lead) + pl.col(name).cast(pl.String))
            .otherwise(pl.lit(""))
            for name, lead in (("have", "had "), ("need", ", needed "), ("detail", "; "))
        ]
    ).str.strip_chars_start(",; ")
    return (
        declined.with_columns(example.alias("example"))
        .group_by("reason", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("declined"),
            (pl.col("side") == "short").sum().cast(pl.Int64).alias("shorts"),
            (pl.col("side") == "long").sum().cast(pl.Int64).alias("longs"),
            pl.col("symbol").n_unique().cast(pl.Int64).alias("symbols"),
            pl.col("example").first(),
        )
        .sort(["declined", "reason"], descending=[True, False])
    )


def missing_by_kind(missing: pl.DataFrame) -> pl.DataFrame:
    """One row per kind and symbol: `kind, symbol, rows, first, last, detail` (of the first)."""
    if missing.is_empty():
        return pl.DataFrame(schema={"kind": pl.String, "symbol": pl.String, "rows": pl.Int64})
    return (
        missing.group_by("kind", "symbol", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
            pl.col("detail").first(),
        )
        .sort("kind", "symbol")
    )


def typed(frame: pl.DataFrame, name: str) -> Kind:
    """The kind of the column `name` of `frame`."""
    return column(name, frame.schema.get(name)).kind
