"""How a value is written: one place that knows the unit, the sign and the decimals of every column.

Two hands: `shown` writes for eyes (thousands separators, a true minus sign, per cent), `plain` for scripts (money,
prices, quantities and rates as strings, counts as numbers, times as RFC 3339). Both give way to nothing (a dash, None)
for what is not known; neither ever guesses.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import TYPE_CHECKING

from bearskin.terms import dec, iso, parse_time

if TYPE_CHECKING:
    import polars as pl  # the words of a plan need no data frames

NOTHING = "–"
MINUS = "−"


class Kind(Enum):
    """What a column holds, which decides its unit and decimals."""

    MONEY = auto()  # settle currency, two decimals
    PRICE = auto()  # quote per base, as many digits as it has (ten at most)
    QTY = auto()  # base units, negative for shorts
    FRAC = auto()  # a fraction, shown in per cent
    R = auto()  # multiples of the risk at the stop
    RATIO = auto()  # a bare number: t, Sharpe, profit factor
    TIMES = auto()  # leverage
    COUNT = auto()
    TIME = auto()
    TEXT = auto()
    FLAG = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The heading of a column and how its cells are written; `signed` puts a plus before gains."""

    title: str
    kind: Kind
    signed: bool = False
    hint: str = ""


def _c(title: str, kind: Kind, signed: bool = False, hint: str = "") -> Column:
    return Column(title=title, kind=kind, signed=signed, hint=hint)


COLUMNS: dict[str, Column] = {
    "trade_id": _c("#", Kind.COUNT),
    "symbol": _c("Symbol", Kind.TEXT),
    "side": _c("Side", Kind.TEXT),
    "setup": _c("Set-up", Kind.TEXT),
    "signal_time": _c("Signal", Kind.TIME),
    "entry_time": _c("Entered", Kind.TIME),
    "entry_price": _c("Entry price", Kind.PRICE),
    "qty": _c("Qty", Kind.QTY, hint="coins; negative is short"),
    "notional": _c("Notional", Kind.MONEY),
    "leverage": _c("Leverage", Kind.TIMES),
    "margin_mode": _c("Margin mode", Kind.TEXT),
    "margin": _c("Margin", Kind.MONEY),
    "stop": _c("Stop", Kind.PRICE),
    "target1": _c("Target 1", Kind.PRICE),
    "target2": _c("Target 2", Kind.PRICE),
    "liquidation_price": _c("Liquidation", Kind.PRICE),
    "exit_time": _c("Left", Kind.TIME),
    "exit_price": _c("Exit price", Kind.PRICE),
    "exit_reason": _c("Left by", Kind.TEXT),
    "fees": _c("Fees", Kind.MONEY, hint="a cost when positive"),
    "funding": _c("Funding", Kind.MONEY, True, "received when positive"),
    "slippage": _c("Slippage", Kind.MONEY, hint="a cost when positive"),
    "gross": _c("Gross", Kind.MONEY, True, "before costs"),
    "net": _c("Net", Kind.MONEY, True, "after every cost"),
    "r": _c("R", Kind.R, True, "net over the risk at the stop"),
    "mae_frac": _c("MAE", Kind.FRAC, True, "worst excursion against the trade, of the entry price"),
    "mfe_frac": _c("MFE", Kind.FRAC, True, "best excursion for the trade, of the entry price"),
    "bars": _c("Bars", Kind.COUNT),
    "ambiguous": _c("Ambiguous", Kind.FLAG, hint="stop and target in one bar: the stop was taken first"),
    "net_if_target_first": _c("Net if target first", Kind.MONEY, True),
    "funding_complete": _c("Funding complete", Kind.FLAG),
    "why": _c("Why entered", Kind.TEXT),
    "why_exit": _c("Why left", Kind.TEXT),
    "risk_at_stop": _c("Risk at stop", Kind.MONEY),
    "equity_before": _c("Equity before", Kind.MONEY),
    "time": _c("Time", Kind.TIME),
    "equity": _c("Equity", Kind.MONEY),
    "wallet": _c("Wallet", Kind.MONEY),
    "drawdown_frac": _c("Drawdown", Kind.FRAC, True),
    "open_positions": _c("Open positions", Kind.COUNT),
    "gross_exposure": _c("Gross exposure", Kind.MONEY),
    "net_exposure": _c("Net exposure", Kind.MONEY, True, "negative is short"),
    "reason": _c("Reason", Kind.TEXT),
    "have": _c("Had", Kind.TEXT),
    "need": _c("Needed", Kind.TEXT),
    "detail": _c("Detail", Kind.TEXT),
    "kind": _c("Kind", Kind.TEXT),
    "trades": _c("Trades", Kind.COUNT),
    "win_rate": _c("Win rate", Kind.FRAC),
    "expectancy_r": _c("Mean R", Kind.R, True, "average of net over the risk at the stop"),
    "r_stderr": _c("Standard error", Kind.R),
    "t_day_clustered": _c("t", Kind.RATIO, True, "of mean R, errors clustered by day"),
    "liquidations": _c("Liquidations", Kind.COUNT),
    "declined": _c("Declined", Kind.COUNT),
    "month": _c("Month", Kind.TEXT),
    "return_frac": _c("Return", Kind.FRAC, True),
    "max_drawdown_frac": _c("Max drawdown", Kind.FRAC, True),
    # keys of the summary only
    "start": _c("From", Kind.TIME),
    "end": _c("To", Kind.TIME),
    "interval": _c("Interval", Kind.TEXT),
    "signals": _c("Signals", Kind.COUNT),
    "equity_start": _c("Equity at the start", Kind.MONEY),
    "equity_end": _c("Equity at the end", Kind.MONEY),
    "ambiguous_trades": _c("Ambiguous trades", Kind.COUNT),
    "profit_factor": _c("Profit factor", Kind.RATIO),
    "sharpe_daily": _c("Sharpe, daily", Kind.RATIO, True),
    "sharpe_stderr": _c("Its standard error", Kind.RATIO),
    "symbols": _c("Symbols", Kind.COUNT),
}


def column(name: str, dtype: pl.DataType | None = None) -> Column:
    """What is known of the column `name`; one never heard of is written by its type."""
    if name in COLUMNS:
        return COLUMNS[name]
    title = name.replace("_", " ").capitalize()
    if dtype is None or dtype.base_type().__name__ == "String":
        return _c(title, Kind.TEXT)
    if dtype.base_type().__name__ == "Boolean":
        return _c(title, Kind.FLAG)
    if dtype.is_temporal():
        return _c(title, Kind.TIME)
    return _c(title, Kind.COUNT if dtype.is_integer() else Kind.RATIO)


def number(value: object) -> float | None:
    """`value` as a finite float; None for None, NaN, infinities and what is no number."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def moment_ns(value: object) -> int | None:
    """Nanoseconds of a time given as datetime (naive is UTC), int nanoseconds or RFC 3339 text; None for None."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return round((aware - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6) * 1000
    if isinstance(value, str):
        return parse_time(value)
    return None if value is None else int(value)  # type: ignore[call-overload]


def _grouped(value: float, decimals: int, signed: bool) -> str:
    text = f"{value:+,.{decimals}f}" if signed else f"{value:,.{decimals}f}"
    if float(text.replace(",", "")) == 0:  # neither +0.00 nor -0.00
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def _significant(value: float, digits: int = 10) -> str:
    return _trimmed(f"{dec(float(f'{value:.{digits}g}')):f}")


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _digits(value: float, signed: bool) -> str:
    """A price or quantity with all its digits and thousands separators: `117,145.1`, `0.00000841`."""
    text = _trimmed(f"{dec(float(f'{value:.8g}')):,f}")
    return (f"+{text}" if signed and value > 0 else text).replace("-", MINUS)


def when(value: object) -> str:
    """`2025-10-10 21:00`, always UTC; a dash for None."""
    at_ns = moment_ns(value)
    return NOTHING if at_ns is None else iso(at_ns)[:16].replace("T", " ")


def day(value: object) -> str:
    """`2025-10-10`, always UTC; a dash for None."""
    return when(value)[:10]


def shown(kind: Kind, value: object, *, signed: bool = False) -> str:
    """`value` for eyes, without the unit of its column (per cent, R and × are attached): `+1,234.50`, `−3.2 %`."""
    if kind is Kind.TEXT:
        return NOTHING if value is None or value == "" else clean(str(value))
    if kind is Kind.FLAG:
        return NOTHING if value is None else ("yes" if value else "no")
    if kind is Kind.TIME:
        return when(value)
    figure = number(value)
    if figure is None:
        return "∞" if isinstance(value, float) and value == math.inf else NOTHING
    match kind:
        case Kind.MONEY | Kind.RATIO:
            return _grouped(figure, 2, signed)
        case Kind.FRAC:
            return f"{_grouped(figure * 100, 2, signed)} %"
        case Kind.R:
            return f"{_grouped(figure, 2, signed)} R"
        case Kind.TIMES:
            return f"{_digits(figure, signed)}×"
        case Kind.COUNT:
            return _grouped(figure, 0, signed)
        case _:
            return _digits(figure, signed)


def plain(kind: Kind, value: object) -> object:
    """`value` for scripts: a string for money, prices, quantities and rates, a number for counts, None for unknown."""
    if kind is Kind.TEXT:
        return None if value is None else str(value)
    if kind is Kind.FLAG:
        return None if value is None else bool(value)
    if kind is Kind.TIME:
        at_ns = moment_ns(value)
        return None if at_ns is None else iso(at_ns)
    figure = number(value)
    if figure is None:
        return None
    if kind is Kind.COUNT:
        return round(figure)
    if kind in (Kind.PRICE, Kind.QTY, Kind.TIMES):
        text = _significant(figure)
    else:
        text = f"{figure:.{ {Kind.MONEY: 2, Kind.FRAC: 6}.get(kind, 4) }f}"
    return text.lstrip("-") if float(text) == 0 else text


_ISO = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::00(?:\.0+)?)?Z")
_NEGATIVE = re.compile(r"(?<![\w.,%/-])-(?=\d)")
_LONG = re.compile(r"(?<![\w.,:/-])\d{5,}(?=(?:\.\d+)?(?![\w:/-]))")


def prose(text: str) -> str:
    """A sentence made elsewhere, its figures as tables write them: `−0.11`, `31,350`, `2026-02-19 16:00` (UTC)."""
    text = _ISO.sub(r"\1 \2", clean(text))
    return _LONG.sub(lambda found: f"{int(found[0]):,}", _NEGATIVE.sub(MINUS, text))


def clean(text: str) -> str:
    """`text` without control and other unprintable characters, which could command a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)
