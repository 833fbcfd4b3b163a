"""A result as one JSON object: money, prices, quantities and rates are strings, counts are numbers, times RFC 3339."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from bearskin.backtest import BacktestResult
from bearskin.report._view import assumptions_of, currency_of, declined_by_reason, left_out_of, symbols_of
from bearskin.report._words import COLUMNS, Kind, column, plain

_LISTS = frozenset({"symbols", "left_out", "assumptions"})


def rows_of(frame: pl.DataFrame) -> list[dict[str, object]]:
    """The rows of `frame`, every cell written by the kind of its column."""
    kinds = {name: column(name, dtype).kind for name, dtype in frame.schema.items()}
    return [{name: plain(kinds[name], value) for name, value in row.items()} for row in frame.iter_rows(named=True)]


def _figure(name: str, value: object) -> object:
    if name == "asked":  # words to be asked again, as they are
        return value
    if name in COLUMNS:
        return plain(COLUMNS[name].kind, value)
    if isinstance(value, bool | str | int) or value is None:
        return value
    if isinstance(value, float):
        return plain(Kind.RATIO, value)
    if isinstance(value, Mapping):
        return {str(key): _figure(str(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_figure("", one) for one in value]
    return str(value)


def result_json(result: BacktestResult, *, include_trades: bool = False) -> dict[str, object]:
    """`result` as a JSON-ready dict; amounts in `currency`, a short's `qty` negative, funding received positive.

    Keys: `currency, summary, by_setup, by_side, monthly, declined_by_reason, missing, notes` and, when
    `include_trades`, `trades`. What is not known is null, never zero.
    """
    summary = {name: _figure(name, value) for name, value in result.summary.items() if name not in _LISTS}
    summary |= {
        "symbols": list(symbols_of(result)),
        "left_out": [{"symbol": symbol, "why": why} for symbol, why in left_out_of(result)],
        "assumptions": assumptions_of(result),
    }
    found: dict[str, object] = {
        "currency": currency_of(result),
        "summary": summary,
        "by_setup": rows_of(result.by_setup),
        "by_side": rows_of(result.by_side),
        "monthly": rows_of(result.monthly),
        "declined_by_reason": rows_of(declined_by_reason(result.declined)),
        "missing": rows_of(result.missing),
        "notes": list(result.notes),
    }
    return found | ({"trades": rows_of(result.trades)} if include_trades else {})
