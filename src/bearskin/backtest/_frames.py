"""From positions to frames: trades, equity, what was declined, what was missing, and what they add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bearskin.backtest._book import Book, Position
from bearskin.backtest._entries import Declined, rates_of, risk_at_stop
from bearskin.backtest._flows import Settlement
from bearskin.backtest._request import HOLD, BacktestRequest
from bearskin.backtest._stats import DAYS_NEEDED, clustered_t, mean_and_error
from bearskin.backtest._symbols import Symbol
from bearskin.margin import liquidation_price
from bearskin.paths import AT_CLOSE, AT_OPEN
from bearskin.terms import MarginMode

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
TIME = pl.Datetime("ns", "UTC")
TRADES: dict[str, Any] = {
    "trade_id": pl.Int64, "symbol": pl.String, "side": pl.String, "setup": pl.String, "signal_time": TIME,
    "entry_time": TIME, "entry_price": pl.Float64, "qty": pl.Float64, "notional": pl.Float64, "leverage": pl.Float64,
    "margin_mode": pl.String, "margin": pl.Float64, "stop": pl.Float64, "target1": pl.Float64, "target2": pl.Float64,
    "liquidation_price": pl.Float64, "exit_time": TIME, "exit_price": pl.Float64, "exit_reason": pl.String,
    "fees": pl.Float64, "funding": pl.Float64, "slippage": pl.Float64, "gross": pl.Float64, "net": pl.Float64,
    "r": pl.Float64, "mae_frac": pl.Float64, "mfe_frac": pl.Float64, "bars": pl.Int64, "ambiguous": pl.Boolean,
    "net_if_target_first": pl.Float64, "funding_complete": pl.Boolean, "why": pl.String, "why_exit": pl.String,
    "risk_at_stop": pl.Float64, "equity_before": pl.Float64,
}  # fmt: skip
DECLINED: dict[str, Any] = {
    "time": TIME, "symbol": pl.String, "side": pl.String, "setup": pl.String, "reason": pl.String, "have": pl.String,
    "need": pl.String, "detail": pl.String,
}  # fmt: skip
MISSING: dict[str, Any] = {"kind": pl.String, "symbol": pl.String, "time": TIME, "detail": pl.String}


def trades_frame(request: BacktestRequest, positions: Sequence[Position]) -> pl.DataFrame:
    """One row per trade in order of entry."""
    rows = [{"trade_id": i} | _trade_row(request, p) for i, p in enumerate(positions, 1)]
    return pl.DataFrame(rows, schema=TRADES, orient="row")


def _trade_row(request: BacktestRequest, p: Position) -> dict[str, object]:
    outcome, terms = p.outcome, p.terms
    net = p.gross - p.slippage - p.fees + p.funding
    risk = risk_at_stop(p, rates_of(request, p.symbol))
    holds = request.holds
    notional = p.planned * outcome.entry
    return {
        "symbol": p.symbol.name,
        "side": p.side.word,
        "setup": HOLD if p.offer.event is None else p.offer.event.setup,
        "signal_time": p.offer.known_ns,
        "entry_time": p.entry_ns,
        "entry_price": outcome.entry,
        "qty": int(p.side) * p.planned,
        "notional": notional,
        "leverage": terms.get("leverage"),
        "margin_mode": "none" if holds else request.margin_mode.value,
        "margin": None if holds else notional / float(request.leverage),
        "stop": terms.get("stop"),
        "target1": terms.get("target1"),
        "target2": terms.get("target2"),
        "liquidation_price": _liquidation_price(request, p),
        "exit_time": p.exit_ns,
        "exit_price": p.exit_value / p.exit_coins,
        "exit_reason": p.reason,
        "fees": p.fees,
        "funding": p.funding,
        "slippage": p.slippage,
        "gross": p.gross,
        "net": net,
        "r": None if risk is None else net / risk,
        "mae_frac": outcome.mae,
        "mfe_frac": outcome.mfe,
        "bars": outcome.bar - outcome.entry_bar + (0 if outcome.place == AT_OPEN else 1),
        "ambiguous": outcome.ambiguous == 1,
        # liquidation of the account may have come between: then there is no other outcome to tell
        "net_if_target_first": net if p.cross_liquidated else net + outcome.net_if_target_first - outcome.net,
        "funding_complete": not p.symbol.funded or len(_missing_rates(p)) == 0,
        "why": p.why,
        "why_exit": p.why_exit,
        "risk_at_stop": risk,
        "equity_before": p.equity_before,
    }


def _liquidation_price(request: BacktestRequest, p: Position) -> float | None:
    """At entry; of a cross position with all of the equity of that moment behind it and the others frozen."""
    if request.holds:
        return None
    if request.margin_mode is MarginMode.ISOLATED:
        return p.outcome.liquidation_price or None
    qty = int(p.side) * p.planned
    return liquidation_price(p.symbol.tiers, qty, qty * p.outcome.entry, p.equity_before) or None


def _missing_rates(p: Position) -> I8:
    """When settlements should have fallen on this trade and are not in the data."""
    moments = p.symbol.course.missing_rate_ns
    end = p.exit_ns if p.outcome.place != AT_CLOSE else p.symbol.panel.known_ns(p.outcome.bar)
    return moments[(moments >= p.entry_ns) & (moments <= end)]


def declined_frame(declined: Sequence[Declined]) -> pl.DataFrame:
    """One row per signal that was not traded, in order of time."""
    rows = [
        {
            "time": item.offer.known_ns,
            "symbol": item.offer.symbol.name,
            "side": "" if item.offer.event is None else item.offer.event.side.word,
            "setup": HOLD if item.offer.event is None else item.offer.event.setup,
            "reason": item.refused.reason.value,
            "have": item.refused.have,
            "need": item.refused.need,
            "detail": item.refused.detail,
        }
        for item in declined
    ]
    return pl.DataFrame(rows, schema=DECLINED, orient="row")


def equity_frame(request: BacktestRequest, symbols: Sequence[Symbol], book: Book) -> pl.DataFrame:
    """The account at the close of every bar of any symbol, marked to mark; the first row is the start."""
    opens = [int(s.panel.time_ns[s.first_bar]) for s in symbols] or [0]
    closes = [s.panel.time_ns[s.first_bar :] + s.panel.interval_ns for s in symbols]
    times = np.unique(np.concatenate([np.array([min(opens)]), *closes])) if symbols else np.zeros(0, dtype=np.int64)
    wallet = float(request.equity) + _cumulated(times, book.postings)
    unreal, gross, net = np.zeros(len(times)), np.zeros(len(times)), np.zeros(len(times))
    count = np.zeros(len(times), dtype=np.int64)
    marks = {s.index: _marks_on(s, times) for s in symbols}
    for held in book.held:
        a, b = np.searchsorted(times, [held.start_ns, held.end_ns])
        value = held.qty * marks[held.symbol.index][a:b]
        unreal[a:b] += value - held.cost
        gross[a:b] += np.abs(value)
        net[a:b] += value
        count[a:b] += 1
    equity = wallet + unreal
    peak = np.maximum.accumulate(equity) if len(equity) else equity
    return pl.DataFrame(
        {
            "time": pl.Series(times, dtype=pl.Int64).cast(TIME),
            "equity": equity,
            "wallet": wallet,
            "drawdown_frac": np.where(peak > 0, equity / np.where(peak > 0, peak, 1.0) - 1.0, 0.0),
            "open_positions": count,
            "gross_exposure": gross,
            "net_exposure": net,
        }
    )


def _cumulated(times: I8, postings: Sequence[tuple[int, float]]) -> F8:
    """What was posted up to and including each moment."""
    moments = np.array([moment for moment, _ in postings], dtype=np.int64)
    amounts = np.array([amount for _, amount in postings], dtype=np.float64)
    order = np.argsort(moments, kind="stable")
    sums = np.concatenate([np.zeros(1), np.cumsum(amounts[order])])
    found: F8 = sums[np.searchsorted(moments[order], times, side="right")]
    return found


def _marks_on(symbol: Symbol, times: I8) -> F8:
    """The mark's close at each moment, the last one known where no bar closes then."""
    panel = symbol.panel
    close = panel.close if panel.mark_close is None else panel.mark_close
    close = np.where(np.isnan(close), panel.close, close)
    bars = np.searchsorted(panel.time_ns + panel.interval_ns, times, side="right") - 1
    found: F8 = np.where(bars >= 0, close[np.maximum(bars, 0)], panel.open[0])
    return found


def missing_frame(
    symbols: Sequence[Symbol], positions: Sequence[Position], settlements: Mapping[int, Sequence[Settlement]]
) -> pl.DataFrame:
    """What the data lacked while a position depended on it; each lack once, by symbol and time."""
    found: dict[tuple[str, str, int | None], str] = {}
    for symbol in symbols:
        if symbol.panel.mark_open is None:
            found["mark", symbol.name, None] = "no mark at all: last stands in for stops, liquidation and funding"
    for p in positions:
        panel, course, name = p.symbol.panel, p.symbol.course, p.symbol.name
        for moment in _missing_rates(p).tolist():
            found["funding", name, moment] = "no settlement at this moment: what was paid or received is not known"
        if panel.mark_open is None:
            continue
        for item in settlements.get(id(p), ()):
            if course.settle_estimated[item.index]:
                found["mark", name, item.time_ns] = "no mark opens at this settlement: another price stands in"
        if panel.mark_missing is not None:
            held = slice(p.outcome.entry_bar, p.outcome.bar + 1)
            for moment in panel.time_ns[held][panel.mark_missing[held]].tolist():
                found.setdefault(("mark", name, moment), "no mark in this bar: the trade bar stands in")
    rows = [
        {"kind": kind, "symbol": symbol_name, "time": moment, "detail": detail}
        for (kind, symbol_name, moment), detail in found.items()
    ]
    return pl.DataFrame(rows, schema=MISSING, orient="row").sort("symbol", "kind", "time")


def by_columns(trades: pl.DataFrame, declined: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    """What the trades of each set-up and side, or of each side, came to, with their statistics."""
    groups = dict(trades.group_by(names, maintain_order=True))
    turned_down = {key: part.height for key, part in declined.group_by(names)}
    rows = []
    for key in sorted(set(groups) | set(turned_down), key=lambda key: [str(part) for part in key]):
        part = groups.get(key, trades.clear())
        rows.append(dict(zip(names, key, strict=True)) | _figures(part) | {"declined": turned_down.get(key, 0)})
    schema: dict[str, Any] = dict.fromkeys(names, pl.String) | {
        "trades": pl.Int64, "win_rate": pl.Float64, "net": pl.Float64, "expectancy_r": pl.Float64,
        "r_stderr": pl.Float64, "t_day_clustered": pl.Float64, "funding": pl.Float64, "fees": pl.Float64,
        "liquidations": pl.Int64, "declined": pl.Int64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _figures(part: pl.DataFrame) -> dict[str, object]:
    r = part["r"].drop_nulls().to_numpy()
    days = part.filter(pl.col("r").is_not_null())["entry_time"].dt.truncate("1d").dt.epoch("d").to_numpy()
    mean, error = mean_and_error(r)
    return {
        "trades": part.height,
        "win_rate": float((part["net"] > 0).sum()) / part.height if part.height else None,
        "net": float(part["net"].sum()),
        "expectancy_r": mean,
        "r_stderr": error,
        "t_day_clustered": clustered_t(r, days, DAYS_NEEDED),
        "funding": float(part["funding"].sum()),
        "fees": float(part["fees"].sum()),
        "liquidations": int((part["exit_reason"] == "liquidated").sum()),
    }


def monthly_frame(equity: pl.DataFrame, trades: pl.DataFrame) -> pl.DataFrame:
    """Each month marked to mark: a bar that closes at midnight still belongs to the month it ran in."""
    schema = {
        "month": pl.String, "net": pl.Float64, "return_frac": pl.Float64, "trades": pl.Int64,
        "max_drawdown_frac": pl.Float64,
    }  # fmt: skip
    if equity.height < 2:
        return pl.DataFrame(schema=schema)
    month = (pl.col("time") - pl.duration(nanoseconds=1)).dt.strftime("%Y-%m").alias("month")
    exits = trades.select((pl.col("exit_time") - pl.duration(nanoseconds=1)).dt.strftime("%Y-%m").alias("month"))
    counts = dict(exits.group_by("month").len().iter_rows())
    marked = equity.with_columns(pl.col("equity").shift(1).alias("before"))[1:].with_columns(month)
    rows = []
    for (name,), part in marked.group_by("month", maintain_order=True):
        path = np.concatenate([part["before"].to_numpy()[:1], part["equity"].to_numpy()])
        peak = np.maximum.accumulate(path)
        net = float(path[-1] - path[0])
        rows.append(
            {
                "month": name,
                "net": net,
                "return_frac": net / float(path[0]) if path[0] > 0 else None,
                "trades": counts.get(name, 0),
                # below zero there is no share of a peak left to lose
                "max_drawdown_frac": float(np.min(path / peak - 1.0)) if peak[0] > 0 else None,
            }
        )
    return pl.DataFrame(rows, schema=schema, orient="row")
