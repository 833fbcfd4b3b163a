"""A run against its backtest, for the terminal: totals, pairs with their differences, trades of one side alone."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bearskin.backtest import Parity, Unmatched
from bearskin.report._terminal import bulleted, empty_table, toned
from bearskin.report._words import clean, when

PARTS = {
    "entry": "entry price: latency and spread",
    "exit": "exit price: latency and spread",
    "quantity": "quantity: sizes and rounding",
    "fees": "fees",
    "funding": "funding",
    "other": "other",
    "only_bot": "trades of the bot alone",
    "only_backtest": "trades of the backtest alone",
}


def parity_tables(parity: Parity) -> list[RenderableType]:
    """The comparison: what both sides made, where the difference comes from, and every trade of it."""
    parts: list[RenderableType] = [_totals(parity)]
    if parity.pairs:
        parts.append(_pairs(parity))
    for title, alone in (
        ("Trades of the bot alone", parity.only_bot),
        ("Trades of the backtest alone", parity.only_backtest),
    ):
        if alone:
            parts.append(_alone(title, alone))
    if parity.notes:
        parts.append(bulleted("Mind", parity.notes))
    return parts


def _totals(parity: Parity) -> Table:
    table = empty_table(f"The bot and its backtest, {when(parity.start_ns)} to {when(parity.end_ns)} UTC")
    table.add_column("What", no_wrap=True)
    table.add_column("Money", justify="right", no_wrap=True)
    table.add_row("net of the bot", _money(parity.bot_net))
    table.add_row("net of the backtest", _money(parity.backtest_net))
    table.add_row(Text("difference", style="bold"), _money(parity.difference))
    for name, value in parity.parts.items():
        table.add_row(f"  {PARTS[name]}", _money(value))
    word = "left over, within a cent" if parity.adds_up else "LEFT OVER: something was overlooked"
    table.add_row(f"  {word}", _money(parity.unexplained))
    return table


def _pairs(parity: Parity) -> Table:
    table = empty_table(f"{len(parity.pairs)} trades of both, and what they differ in", gap=1)
    for heading in ("Signal", "Symbol", "Set-up", "Side", "Left by"):
        table.add_column(heading, no_wrap=heading != "Left by", overflow="fold")
    for heading in ("After", "Net", "Diff", "Entry", "Exit", "Qty", "Fees", "Fund", "Other"):
        table.add_column(heading, justify="right", no_wrap=True)
    for pair in parity.pairs:
        reasons = dict.fromkeys((pair.bot.reason, pair.backtest.reason))
        table.add_row(
            when(pair.key.signal_ns),
            clean(pair.key.symbol),
            clean(pair.key.setup),
            pair.key.side,
            clean(" / ".join(reasons)),
            f"{pair.delay_s:,.1f} s",
            _money(pair.bot.net),
            _money(pair.difference),
            *(_money(value) for value in pair.parts.values()),
        )
    return table


def _alone(title: str, alone: Sequence[Unmatched]) -> Table:
    table = empty_table(title, gap=1)
    for heading in ("Signal", "Symbol", "Set-up", "Side", "Left by"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Net", justify="right", no_wrap=True)
    table.add_column("Why", overflow="fold")
    for one in alone:
        key = one.key
        table.add_row(
            when(key.signal_ns) if key.signal_ns else "by hand",
            clean(key.symbol),
            clean(key.setup),
            key.side,
            clean(one.told.reason),
            _money(one.told.net),
            clean(one.why),
        )
    return table


def _money(value: Decimal) -> Text:
    """Two decimals, signed; what is nothing to the cent is a plain zero."""
    rounded = f"{value:+,.2f}"
    return Text("0.00") if rounded in ("+0.00", "-0.00") else toned(rounded.replace("-", "−"), True)
