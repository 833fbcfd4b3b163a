"""A result for the terminal: tables that fit 80 columns and use more where there are more."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from rich.console import RenderableType
from rich.padding import Padding
from rich.panel import Panel as Box
from rich.table import Table
from rich.text import Text

from bearskin.backtest import BacktestResult
from bearskin.report._sections import result_stderr, unit_of
from bearskin.report._terminal import WIDE, Fitted, bulleted, empty_table, toned
from bearskin.report._view import (
    assumptions_of,
    currency_of,
    declined_by_reason,
    facts,
    left_out_by_reason,
    missing_by_kind,
    some,
    studied,
    symbols_of,
    together,
)
from bearskin.report._words import NOTHING, Column, Kind, column, prose, shown

_RIGHT = frozenset({Kind.MONEY, Kind.PRICE, Kind.QTY, Kind.FRAC, Kind.R, Kind.RATIO, Kind.TIMES, Kind.COUNT})


def _side(word: str) -> Text:
    return Text(word, style={"short": "yellow", "long": "cyan"}.get(word, ""))


def frame_table(
    title: str, frame: pl.DataFrame, names: Sequence[str], currency: str, short: dict[str, str], *, gap: int = 2
) -> Table:
    """`frame` with the columns `names` (those it has); `short` renames headings where space is scarce."""
    table = empty_table(title, gap=gap)
    present = [name for name in names if name in frame.columns]
    specs = [column(name, frame.schema[name]) for name in present]
    for name, spec in zip(present, specs, strict=True):
        table.add_column(
            _heading(short.get(name, spec.title), spec, currency),
            justify="right" if spec.kind in _RIGHT else "left",
            no_wrap=spec.kind is not Kind.TEXT or name in ("symbol", "side", "month"),
            overflow="fold",
        )
    for row in frame.select(present).iter_rows():
        table.add_row(*(_cell(name, spec, one) for name, spec, one in zip(present, specs, row, strict=True)))
    return table


def _heading(title: str, spec: Column, currency: str) -> Text:
    unit = unit_of(spec.kind, currency) if spec.kind is Kind.MONEY else ""
    return Text(f"{title} {unit}".strip())


def _cell(name: str, spec: Column, value: object) -> Text:
    text = shown(spec.kind, value, signed=spec.signed)
    return _side(text) if name == "side" else toned(text, spec.signed)


# a backtest


def summary_tables(result: BacktestResult, *, last: int = 10) -> list[RenderableType]:
    """`result` for the terminal: headline, evidence, figures, per set-up and side, months, the `last` trades, refusals,
    missing data and notes; each part fits itself to the width it is printed at."""
    about, currency = facts(result), currency_of(result)
    parts: list[RenderableType] = [_headline(result), Fitted(lambda width: _key_figures(result, width))]
    if result.by_setup.height:
        parts.append(Fitted(lambda width: _by_setup(result.by_setup, currency, width)))
    found = [f"{setup}, {side}: {sentence}" for setup, side, sentence in studied(result)]
    parts += [bulleted("What a study of these set-ups found", found)] if found else []
    if result.monthly.height:
        names = ("month", "net", "return_frac", "trades", "max_drawdown_frac")
        parts.append(frame_table("Months", result.monthly, names, currency, {}))
    if result.trades.height:
        parts.append(Fitted(lambda width: _last_trades(result.trades, currency, last, width)))
    else:
        parts.append(Text("No trades were made.", style="bold"))
    if result.declined.height:
        declined = declined_by_reason(result.declined)
        names = ("reason", "declined", "shorts", "longs", "symbols")
        parts.append(frame_table("Declined signals", declined, names, currency, {"declined": "n"}))
    parts += _missing(result, currency)
    said = together(assumptions_of(result), symbols_of(result))
    if said:
        parts.append(bulleted("Notes and assumptions", said))
    parts.append(Text(f"Research, not advice: {prose(about.evidence)}", style="yellow"))
    return [Padding(part, (0, 0, 1, 0)) for part in parts]


def _headline(result: BacktestResult) -> RenderableType:
    about = facts(result)
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column(overflow="fold")
    for name, text in (*about.rows, ("Symbols", ", ".join(about.symbols) or "none")):
        rows.add_row(name, Text(shown(Kind.TEXT, text)))
    title = Text(f" {shown(Kind.TEXT, about.title)} ", style="bold")
    for label in about.labels:
        title.append(f"[{label}] ", style="bold yellow")
    return Box(rows, title=title, title_align="left", border_style="dim", padding=(0, 1))


def _key_figures(result: BacktestResult, width: int) -> Table:
    s, currency = result.summary, currency_of(result)

    def money(name: str, signed: bool = False) -> str:
        return f"{shown(Kind.MONEY, s.get(name), signed=signed)} {currency}"

    def of(name: str, kind: Kind, signed: bool = False) -> str:
        return shown(kind, s.get(name), signed=signed)

    figures = [
        ("Net result", money("net", True), True),
        ("Return", of("return_frac", Kind.FRAC, True), True),
        ("Max drawdown", of("max_drawdown_frac", Kind.FRAC, True), True),
        ("Equity at the end", money("equity_end"), False),
        ("Trades", of("trades", Kind.COUNT), False),
        ("Win rate", of("win_rate", Kind.FRAC), False),
        (
            "Mean R ± std. error",
            _give_or_take(of("expectancy_r", Kind.R, True), shown(Kind.R, result_stderr(result))),
            True,
        ),
        ("Profit factor", of("profit_factor", Kind.RATIO), False),
        (
            "Sharpe, daily ± s.e.",
            _give_or_take(of("sharpe_daily", Kind.RATIO, True), of("sharpe_stderr", Kind.RATIO)),
            True,
        ),
        ("Fees (cost)", money("fees"), False),
        ("Funding (+ received)", money("funding", True), True),
        ("Slippage (cost)", money("slippage"), False),
        ("Liquidations", of("liquidations", Kind.COUNT), False),
        ("Ambiguous trades", of("ambiguous_trades", Kind.COUNT), False),
        ("Net if target first", money("net_if_target_first", True), True),
    ]
    across = 3 if width >= WIDE else 2
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(across):
        table.add_column(style="dim", no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
    deep = -(-len(figures) // across)
    for line in range(deep):
        cells: list[RenderableType] = []
        for title, text, signed in figures[line::deep]:
            cells += [title, toned(text, signed)]
        table.add_row(*cells)
    return table


def _give_or_take(figure: str, error: str) -> str:
    return figure if error == NOTHING else f"{figure} ± {error}"


def _by_setup(frame: pl.DataFrame, currency: str, width: int) -> Table:
    names = [
        "setup",
        "side",
        "trades",
        "win_rate",
        "net",
        "expectancy_r",
        "r_stderr",
        "t_day_clustered",
        "liquidations",
    ]
    short = {"trades": "n", "win_rate": "Win", "r_stderr": "± s.e.", "liquidations": "Liq."}
    names += ["funding", "fees", "declined"] if width >= WIDE else []
    title = "Set-ups and sides (t: errors clustered by day)"
    return frame_table(title, frame, names, currency, short, gap=2 if width >= WIDE else 1)


def _last_trades(trades: pl.DataFrame, currency: str, last: int, width: int) -> Table:
    rows = trades.sort("exit_time", "trade_id").tail(last)
    rows = rows.with_columns(pl.col("exit_time").dt.strftime("%Y-%m-%d").alias("left"))  # narrow: the day is enough
    names = ["symbol", "side", "setup", "left", "exit_reason", "net", "r"]
    if width >= WIDE:
        names = ["trade_id", "symbol", "side", "setup", "entry_time", "exit_time", "exit_reason", "net", "r"]
    title = f"Last {rows.height:,} of {trades.height:,} trades (UTC)"
    return frame_table(title, rows, names, currency, {"exit_reason": "By"}, gap=2 if width >= WIDE else 1)


def _missing(result: BacktestResult, currency: str) -> list[RenderableType]:
    parts: list[RenderableType] = []
    gone = missing_by_kind(result.missing)
    if gone.height:
        parts.append(frame_table("Missing data", gone, ("kind", "symbol", "rows", "first", "last"), currency, {}))
    left = [f"{some(symbols)}: {why}" for symbols, why in left_out_by_reason(result)]
    return [*parts, bulleted("Symbols left out", left)] if left else parts
