"""What a result says of itself: labels, assumptions, the summary."""

from __future__ import annotations

import polars as pl

from bearskin.backtest._request import BacktestRequest
from bearskin.backtest._stats import DAYS_NEEDED, clustered_t, daily_sharpe, evidence_of
from bearskin.backtest._symbols import Gathered
from bearskin.terms import MarginMode, interval_word

ALWAYS = (
    "entries and stops take slippage and taker fees; resting orders fill only when traded through by a tick",
    "stop and target in one bar count as the stop; net_if_target_first is the other bound",
    "the whole entry bar is exposed to stop, target and liquidation",
    "one position per symbol; sizes at the equity of the moment; no impact of our own orders on prices",
)
SURVIVORS = "what was delisted before the data was collected is missing from it (survivor bias)"
HOLDING = (
    "hold is a yardstick: a fixed quantity without stop or liquidation, however far the price goes",
    "funding is the sum of rate times signed quantity times the mark that opens at each settlement",
)


def notes_of(
    request: BacktestRequest, gathered: Gathered, interrupted: bool, steps: int, insured: float
) -> tuple[str, ...]:
    """Every label and assumption that a reader of the figures must know, the weightiest first."""
    notes: list[str] = []
    if interrupted:
        notes.append("PARTIAL: interrupted; what had been entered by then is shown, later signals were not looked at")
    if request.no_preflight:
        notes.append("research only: no preflight, trades were taken that the desk would refuse")
    if request.funding == "ignore":
        notes.append("funding was left out on request: results are not what holding would have brought")
    if not request.guards and not request.holds:
        notes.append("research only: guards were switched off")
    for symbol in gathered.symbols:
        notes += [f"{symbol.name}: {note}" for note in (*symbol.panel.notes, *symbol.course.notes)]
        if symbol.panel.mark_estimated and not any("ESTIMATED" in note for note in symbol.panel.notes):
            notes.append(f"{symbol.name}: mark ESTIMATED as last plus basis interpolated between known marks")
    no_mark = [symbol.name for symbol in gathered.symbols if symbol.panel.mark_open is None]
    if no_mark:
        notes.append(f"no mark for {', '.join(no_mark)}: last stands in for stops and liquidation")
    if request.stop_trigger == "last":
        notes.append("stops trigger on the last price")
    if request.margin_mode is MarginMode.CROSS and not request.holds:
        notes.append(
            "cross margin: all marks go from open to their worst together within a bar, and liquidation goes"
            f" in steps of brackets (ESTIMATED: the venue does not publish its sizes); {steps} steps here"
        )
    if insured > 0:
        notes.append(f"the account went bankrupt: the insurance fund paid {insured:.2f} that was not there any more")
    notes += HOLDING if request.holds else ALWAYS
    snapshots = sorted({symbol.brackets.snapshot for symbol in gathered.symbols})
    if snapshots and not request.holds:
        notes.append(f"maintenance brackets of {', '.join(snapshots)} stand in for those of the time")
    if any(symbol.panel.instrument.venue != "synthetic" for symbol in gathered.symbols):
        notes.append(SURVIVORS)
    return tuple(dict.fromkeys(notes))


def summary_of(
    request: BacktestRequest,
    gathered: Gathered,
    trades: pl.DataFrame,
    declined: pl.DataFrame,
    equity: pl.DataFrame,
    by_setup: pl.DataFrame,
    notes: tuple[str, ...],
) -> dict[str, object]:
    """The headline figures; fractions of one, money in the settle currency."""
    start_equity = float(request.equity)
    end_equity = float(equity["equity"][-1]) if equity.height else start_equity
    r = trades["r"].drop_nulls().to_numpy()
    won = float(trades.filter(pl.col("net") > 0)["net"].sum())
    lost = -float(trades.filter(pl.col("net") < 0)["net"].sum())
    sharpe, error = daily_sharpe(equity)
    return {
        "start": equity["time"][0] if equity.height else None,
        "end": equity["time"][-1] if equity.height else None,
        "interval": _interval(gathered),
        "symbols": [symbol.name for symbol in gathered.symbols],
        "left_out": [{"symbol": symbol, "why": why} for symbol, why in gathered.left_out],
        "bars": sum(len(symbol.panel) - symbol.first_bar for symbol in gathered.symbols),
        "signals": len(gathered.offers),
        "trades": trades.height,
        "declined": declined.height,
        "win_rate": float((trades["net"] > 0).sum()) / trades.height if trades.height else None,
        "equity_start": start_equity,
        "equity_end": end_equity,
        "net": end_equity - start_equity,
        "return_frac": end_equity / start_equity - 1.0,
        "max_drawdown_frac": float(equity["drawdown_frac"].to_numpy().min()) if equity.height else 0.0,
        "fees": float(trades["fees"].sum()),
        "funding": float(trades["funding"].sum()),
        "slippage": float(trades["slippage"].sum()),
        "liquidations": int((trades["exit_reason"] == "liquidated").sum()),
        "ambiguous_trades": int(trades["ambiguous"].sum()),
        "net_if_target_first": float(trades["net_if_target_first"].sum()),
        "profit_factor": won / lost if lost > 0 else None,
        "expectancy_r": float(r.mean()) if len(r) else None,
        "sharpe_daily": sharpe,
        "sharpe_stderr": error,
        "assumptions": list(notes),
        "evidence": _evidence(request, trades, by_setup),
    }


def _interval(gathered: Gathered) -> str:
    words = sorted({interval_word(symbol.panel.interval_ns) for symbol in gathered.symbols})
    return ", ".join(words)


def _evidence(request: BacktestRequest, trades: pl.DataFrame, by_setup: pl.DataFrame) -> str:
    if request.holds:
        return "A yardstick proves nothing: it shows what holding cost and brought over this one history."
    measured = trades.filter(pl.col("r").is_not_null())
    days = measured["entry_time"].dt.truncate("1d").dt.epoch("d").to_numpy()
    r = measured["r"].to_numpy()
    return evidence_of(r, clustered_t(r, days, DAYS_NEEDED), by_setup)
