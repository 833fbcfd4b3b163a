"""What a report needs to see of a result, and the few figures that are put together from it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from bearskin.backtest import BacktestResult
from bearskin.report._words import Kind, column, day, number, shown, when
from bearskin.terms import Side


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


def currency_of(result: BacktestResult) -> str:
    """The settle currency every amount is in; `quote` where the symbols settle in several or are not known."""
    found = {panel.instrument.settle for panel in result.panels}
    return found.pop() if len(found) == 1 else "quote"


def symbols_of(result: BacktestResult) -> tuple[str, ...]:
    """The symbols that were traded or could have been, in the order of the request."""
    named = result.summary.get("symbols")
    if isinstance(named, list | tuple):
        return tuple(str(one) for one in named)
    return tuple(panel.instrument.symbol for panel in result.panels)


def left_out_of(result: BacktestResult) -> list[tuple[str, str]]:
    """`(symbol, why)` of every symbol that was asked for and could not be used."""
    named = result.summary.get("left_out")
    if not isinstance(named, list | tuple):
        return []
    return [(str(one.get("symbol", "")), str(one.get("why", ""))) for one in named if isinstance(one, Mapping)]


def left_out_by_reason(result: BacktestResult) -> list[tuple[list[str], str]]:
    """`(symbols, why)` with the symbols that share a reason together: a large store leaves many out for the same."""
    groups: dict[str, list[str]] = {}
    for symbol, why in left_out_of(result):
        groups.setdefault(why, []).append(symbol)
    return [(symbols, why) for why, symbols in groups.items()]


def some(names: Sequence[str], most: int = 8) -> str:
    """The first names and how many more there are: a line in a terminal is no place for a hundred."""
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more (summary.json names them)"


def together(said: Sequence[str], symbols: Sequence[str]) -> list[str]:
    """Sentences with those that say the same of several symbols as one, figures aside: the first, and who is alike."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for one in said:
        symbol, colon, rest = one.partition(": ")
        alike = re.sub(r"\d+", "#", rest) if colon and symbol in symbols else one
        groups.setdefault(alike, []).append((symbol, one))
    lines = []
    for group in groups.values():
        others = [symbol for symbol, _ in group[1:]]
        lines.append(group[0][1] + (f"; much the same for {some(others)}" if others else ""))
    return lines


def assumptions_of(result: BacktestResult) -> list[str]:
    """What was assumed and every label, each once, in order."""
    named = result.summary.get("assumptions")
    said = [str(one) for one in named] if isinstance(named, list | tuple) else []
    sunk = below_zero(result)
    return list(dict.fromkeys([*([sunk] if sunk else []), *result.notes, *said]))


def below_zero(result: BacktestResult) -> str | None:
    """The sentence a result needs whose account ran out of money and went on all the same; None where it never did."""
    equity = result.equity
    gone = equity.filter(pl.col("equity") <= 0) if equity.height else equity
    if gone.is_empty():
        return None
    return (
        f"equity was at or below zero from {when(gone['time'][0])} UTC on: no venue would have let this account go on,"
        " and rates of return and drawdown past that point mean nothing"
    )


def studied(result: BacktestResult) -> list[tuple[str, str, str]]:
    """(set-up, side, sentence) of what the packaged study found, for every set-up and side with a signal here."""
    from bearskin.setups import evidence_words

    if result.request.holds or result.by_setup.is_empty():
        return []
    rows = result.by_setup.select("setup", "side").unique(maintain_order=True).iter_rows()
    return [(setup, side, evidence_words(setup, Side[side.upper()]).partition(": ")[2]) for setup, side in rows]


def labels_of(result: BacktestResult) -> tuple[str, ...]:
    """The labels that belong beside the headline: what makes the figures weaker than they look."""
    said = " ".join(assumptions_of(result))
    found = [label for label in ("PARTIAL", "ESTIMATED") if label in said]
    found += ["RESEARCH ONLY"] if "research only" in said.lower() else []
    return (*found, "ACCOUNT BELOW ZERO") if below_zero(result) else tuple(found)


def _seen(frame: pl.DataFrame, name: str) -> list[str]:
    return sorted({str(one) for one in frame[name].drop_nulls()}, reverse=name == "side")  # shorts come first here


def facts(result: BacktestResult) -> Facts:
    """The headline of `result`: what was asked, over which time, and what weakens it."""
    summary = result.summary
    names = symbols_of(result)
    asked = result.request
    sides = _seen(result.trades, "side") if asked.holds else [side.word for side in asked.sides]
    setups = ", ".join(asked.setups or _seen(result.by_setup, "setup"))
    period = f"{day(summary.get('start'))} to {day(summary.get('end'))}"
    where = names[0] if len(names) == 1 else f"{len(names)} symbols"
    currency = currency_of(result)
    start = number(summary.get("equity_start"))
    evidence = str(summary.get("evidence") or "").strip()
    signals, declined = (shown(Kind.COUNT, summary.get(name)) for name in ("signals", "declined"))
    way = (
        (("Held", f"{shown(Kind.QTY, float(asked.qty))} of each, without leverage, stop or liquidation"),)
        if asked.holds
        else (
            ("Signals", f"{signals} found, {declined} declined"),
            ("Set-ups", setups if asked.setups else f"all{setups and ': '}{setups}"),
            ("Sides", ", ".join(sides) or "none"),
            ("Leverage", shown(Kind.TIMES, asked.leverage)),
            ("Margin mode", asked.margin_mode.value),
        )
    )
    return Facts(
        title=f"{(' and '.join(f'{side}s' for side in sides) or 'backtest').capitalize()} on {where}",
        period=period,
        symbols=names,
        rows=(
            ("Period", f"{period} (UTC)"),
            ("Bars", f"{shown(Kind.COUNT, summary.get('bars'))} of {summary.get('interval') or '?'}"),
            *way,
            ("Equity at the start", f"{shown(Kind.MONEY, start)} {currency}"),
        ),
        labels=labels_of(result),
        evidence=evidence or "No statement of evidence came with this result: treat every figure as chance.",
        currency=currency,
    )


def waterfall(result: BacktestResult) -> list[tuple[str, float]]:
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
