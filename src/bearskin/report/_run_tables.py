"""A run for the terminal: its figures, and tables of what is open, ordered, traded and decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bearskin.journal import Projection
from bearskin.report._run import RunSummary, exact
from bearskin.report._run_money import ZERO
from bearskin.report._run_rows import OrderRow, PositionRow
from bearskin.report._terminal import WIDE, Fitted, bulleted, empty_table, toned
from bearskin.report._words import NOTHING, Kind, clean, prose, shown, when

_SIDES = {"short": "yellow", "long": "cyan"}


def _table(title: str, *headings: str, right: Iterable[str] = (), fold: Iterable[str] = ()) -> Table:
    table = empty_table(title)
    for heading in headings:
        folds = heading in fold
        table.add_column(heading, justify="right" if heading in right else "left", no_wrap=not folds, overflow="fold")
    return table


def _side(word: str) -> Text:
    return Text(word, style=_SIDES.get(word, ""))


def _signed(kind: Kind, value: object) -> Text:
    return toned(shown(kind, value, signed=True), True)


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.3f} s"


# --- a run as a whole ------------------------------------------------------------------------------------------------


def run_tables(summary: RunSummary) -> list[RenderableType]:
    """The run for the terminal: what happened, protection, money, set-ups, refusals and what does not add up."""
    books = summary.books
    title = f"Run {clean(summary.run)}"
    span = f"{when(summary.from_ns)} to {when(summary.to_ns)} UTC, {summary.records:,} records"
    figures = _table(title, "What", "", right=("",))
    open_now = f", {summary.open} open" if summary.open else ""
    figures.add_row("entries, exits", f"{summary.entries:,}, {summary.exits:,}{open_now}")
    figures.add_row("signals, declined", f"{summary.signals:,}, {sum(summary.by_reason.values()):,}")
    quantiles = [summary.unprotected_quantile_s(share) for share in (0.5, 0.99)]
    worst = _seconds(summary.max_unprotected_s if summary.unprotected_s else None)
    figures.add_row("unprotected at most, p50, p99", f"{worst}, {_seconds(quantiles[0])}, {_seconds(quantiles[1])}")
    if summary.unprotected_now:
        figures.add_row(Text("UNPROTECTED now", style="bold red"), str(summary.unprotected_now))
    for name, value in (
        (f"equity at the start, {books.asset}", summary.equity_start),
        ("equity at the end", summary.equity_end),
    ):
        figures.add_row(name, shown(Kind.MONEY, value))
    for name, flow in (("realised", books.realised), ("fees", -books.fees), ("funding", books.funding)):
        figures.add_row(name, _signed(Kind.MONEY, flow))
    for asset, fee in books.other_fees.items():
        figures.add_row(f"fees, {clean(asset)}", exact(-fee))
    figures.add_row("wallet, unexplained", _books_word(summary))
    parts: list[RenderableType] = [Text(span, style="dim"), figures]
    if summary.by_origin:
        parts.append(_origins(summary))
    if summary.by_reason:
        parts.append(_counted("Declined", "Reason", summary.by_reason))
    if summary.warnings:
        parts.append(_counted("Warnings", "Kind", summary.warnings))
    if books.unexplained:
        parts.append(bulleted("To the wallet", books.unexplained))
    return parts


def _books_word(summary: RunSummary) -> Text:
    found = summary.books.sum
    if found is None:
        return Text("unknown: the wallet was never told", style="yellow")
    return Text("0, to the last digit", style="green") if not found else Text(f"{exact(found)}", style="bold red")


def _origins(summary: RunSummary) -> Table:
    figures = ("Signals", "Declined", "Entries", "Exits", "Won", "Net", "Mean R")
    table = _table(f"By origin, {summary.books.asset}", "Origin", *figures, right=figures)
    for line in summary.by_origin:
        table.add_row(
            Text(clean(line.origin)),
            *(f"{count:,}" for count in (line.signals, line.declined, line.entries, line.exits, line.wins)),
            _signed(Kind.MONEY, line.net),
            _signed(Kind.R, line.r_mean),
        )
    return table


def _counted(title: str, what: str, counts: Mapping[str, int]) -> Table:
    table = _table(title, what, "Times", right=("Times",), fold=(what,))
    for name, count in counts.items():
        table.add_row(Text(clean(name)), f"{count:,}")
    return table


# --- what is open ----------------------------------------------------------------------------------------------------


def left_tables(positions: Sequence[PositionRow], orders: Sequence[OrderRow]) -> list[RenderableType]:
    """What is open: positions with profit, distance to liquidation and protection, and the orders that rest."""
    if not positions and not orders:
        return [Text("Nothing is open.")]
    parts: list[RenderableType] = []
    if positions:
        parts.append(Fitted(lambda width: _positions(positions, "Positions", width)))
    if orders:
        parts.append(_orders(orders, "Orders"))
    return parts


def _positions(rows: Sequence[PositionRow], title: str, width: int) -> Table:
    wide = width >= WIDE
    headings = ["Symbol", "Qty", "Entry", "Mark", "PnL", "ROE", "To liq.", "Stop", "Protection"]
    headings += ["Funding", "Thesis"] if wide else []
    table = _table(
        title, *headings, right=("Qty", "Entry", "Mark", "PnL", "ROE", "To liq.", "Stop", "Funding"), fold=("Thesis",)
    )
    for row in rows:
        qty = Text(shown(Kind.QTY, row.qty), style=_SIDES[row.side])
        near = row.liquidation_frac
        cells: list[Text | str] = [
            Text(clean(row.symbol)),
            qty,
            shown(Kind.PRICE, row.entry_price),
            shown(Kind.PRICE, row.mark_price),
            _signed(Kind.MONEY, row.pnl),
            _signed(Kind.FRAC, row.roe_frac),
            Text(shown(Kind.FRAC, near), style="bold red" if near is not None and near < Decimal("0.25") else ""),
            shown(Kind.PRICE, row.stop_price),
            _protection(row),
        ]
        if wide:
            cells += [_signed(Kind.MONEY, row.funding), Text(prose(row.thesis or row.why))]
        table.add_row(*cells)
    return table


def _protection(row: PositionRow) -> Text:
    """PROTECTED, or for how many seconds it is not; a hedge and what is not ours are named so."""
    if not row.ours:
        return Text("not ours", style="dim")
    if row.protected:
        return Text("PROTECTED", style="green")
    if row.unprotected_s is None:
        return Text("hedge", style="cyan")
    return Text(f"UNPROTECTED {row.unprotected_s:.1f} s", style="bold red")


def _orders(rows: Sequence[OrderRow], title: str) -> Table:
    """Orders with what they are for, at which price and how far they are."""
    table = _table(
        title, "Symbol", "For", "Kind", "Qty", "Filled", "Price", "Status", "Why",
        right=("Qty", "Filled", "Price"), fold=("Why",),
    )  # fmt: skip
    for row in rows:
        price = row.trigger_price if row.price is None else row.price
        table.add_row(
            Text(clean(row.symbol)),
            row.role,
            row.kind,
            Text(shown(Kind.QTY, row.qty), style=_SIDES["short" if row.qty < 0 else "long"]),
            shown(Kind.QTY, row.filled_qty),
            "market" if price is None else shown(Kind.PRICE, price),
            row.status,
            Text(prose(" ".join(word for word in (row.why, row.code, row.message) if word))),
        )
    return table


# --- what was traded and decided -------------------------------------------------------------------------------------


def trades_table(projection: Projection, run: str, *, last: int = 20) -> RenderableType:
    """The last trades that ended: from where, why they ended, net and R."""
    rows = [row for row in projection.rows("trades", run) if row["ended_ns"] is not None and row["ended_qty"]]
    if not rows:
        return Text("No trade has ended.")
    shown_rows = sorted(rows, key=lambda row: row["ended_sequence"])[-last:]
    title = f"The last {len(shown_rows)} of {len(rows):,} trades" if len(rows) > last else f"Trades: {len(rows)}"
    table = _table(
        title, "#", "Ended (UTC)", "Symbol", "Side", "Qty", "Entry", "Exit", "By", "Net", "R",
        right=("#", "Qty", "Entry", "Exit", "Net", "R"),
    )  # fmt: skip
    for row in shown_rows:
        table.add_row(
            str(row["trade"]),
            when(row["ended_ns"]),
            Text(clean(row["symbol"] or "")),
            _side(row["side"] or ""),
            shown(Kind.QTY, row["ended_qty"]),
            shown(Kind.PRICE, row["average_entry_price"]),
            shown(Kind.PRICE, row["average_exit_price"]),
            Text(clean(row["end_reason"] or "")),
            _signed(Kind.MONEY, row["net"] or ZERO),
            _signed(Kind.R, row["r"]),
        )
    return table


_WHAT = {
    "Signalled": "signal", "Declined": "declined", "Planned": "entry", "Issued": "order", "Protection": "protection",
    "StopMoved": "stop moved", "TargetMoved": "target moved", "Leaving": "leaving", "Ended": "closed",
    "Corrected": "corrected", "Adjusted": "adjusted", "Foreign": "not ours", "Reconciled": "compared",
    "Limited": "limit", "ModeSet": "mode", "Regimed": "regime", "Equity": "equity", "Warned": "warning",
    "Done": "answered",
}  # fmt: skip


def decisions_table(projection: Projection, run: str, *, last: int = 40) -> RenderableType:
    """The last decisions of a run, taken or not, each in its sentence."""
    with projection.reading() as read:
        rows = read.rows("decisions", run, last=last)
    if not rows:
        return Text("Nothing was decided yet.")
    table = _table("Decisions", "Time (UTC)", "Symbol", "What", "", fold=("",))
    for row in rows:
        table.add_row(
            when(row["time_ns"]),
            Text(clean(row["symbol"] or "")),
            _WHAT.get(row["what"], row["what"]),
            Text(prose(row["text"])),
        )
    return table
