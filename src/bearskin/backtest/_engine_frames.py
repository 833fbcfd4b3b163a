"""From what the engine decided and what its venue told, to the frames of a backtest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from bearskin.backtest._core_venue import BOT, CoreVenue, Latency
from bearskin.backtest._entries import rates_of
from bearskin.backtest._frames import DECLINED, TIME, TRADES, by_columns, monthly_frame
from bearskin.backtest._request import BacktestRequest, BacktestResult
from bearskin.backtest._symbols import Gathered, Symbol
from bearskin.backtest._words import notes_of, summary_of
from bearskin.engine import AnyNote, Declined, Ended, Planned
from bearskin.terms import AnyEvent, Filled, Reason, Side, our_id

ZERO = Decimal(0)
REASONS = {"hand": "end"}  # nobody has a hand in it but the end of the data


@dataclass(slots=True, kw_only=True)
class Deal:
    """One trade of the engine: its plan, its fills, its end."""

    plan: Planned
    fills: list[Filled] = field(default_factory=list)
    ended: Ended | None = None


class Ledger:
    """What a run leaves behind: deals, what was declined, the account at every moment."""

    def __init__(self, request: BacktestRequest, symbols: Sequence[Symbol]) -> None:
        self.request = request
        self.symbols = {symbol.name: symbol for symbol in symbols}
        self.deals: dict[int, Deal] = {}
        self.declined: list[Declined] = []
        self.samples: list[tuple[int, float, float, int, float, float]] = []
        self._bars = {symbol.name: symbol.first_bar - 1 for symbol in symbols}
        self._closes = {symbol.name: _closes(symbol) for symbol in symbols}

    def take(self, event: AnyEvent, notes: Iterable[AnyNote]) -> None:
        """Take in a record of the engine."""
        if isinstance(event, Filled):
            self._fill(event)
        for note in notes:
            if isinstance(note, Planned):
                self.deals[note.trade] = Deal(plan=note)
            elif isinstance(note, Ended):
                self.deals[note.trade].ended = note
            elif isinstance(note, Declined):
                self.declined.append(note)

    def sample(self, at: int, venue: CoreVenue) -> None:
        """The account at the close of the bars that close now, marked to mark."""
        account = venue.exchange.state.accounts[BOT]
        wallet = float(venue.wallet())
        gross = net = open_profit = 0.0
        for position in account.positions.values():
            mark = self._mark(position.symbol, at)
            value = float(position.qty) * mark
            open_profit += value - float(position.cost)
            gross += abs(value)
            net += value
        self.samples.append((at, wallet + open_profit, wallet, len(account.positions), gross, net))

    def _mark(self, symbol: str, at: int) -> float:
        panel, bar = self.symbols[symbol].panel, self._bars[symbol]
        while bar + 1 < len(panel) and panel.known_ns(bar + 1) <= at:
            bar += 1
        self._bars[symbol] = bar
        return float(self._closes[symbol][bar]) if bar >= 0 else float(panel.open[0])

    def _fill(self, event: Filled) -> None:
        ours = our_id(event.client_id)
        if ours is not None and ours.trade in self.deals:
            self.deals[ours.trade].fills.append(event)
            return
        for deal in reversed(self.deals.values()):  # a forced close: the trade of its symbol that is open
            if deal.plan.symbol == event.symbol and deal.ended is None:
                deal.fills.append(event)
                return


def result_of(request: BacktestRequest, gathered: Gathered, ledger: Ledger, latency: Latency) -> BacktestResult:
    """The run as any backtest tells it. Which of stop and target came first is decided, so nothing is ambiguous."""
    done = [deal for deal in ledger.deals.values() if deal.ended is not None and deal.ended.entry is not None]
    order = {name: symbol.index for name, symbol in ledger.symbols.items()}
    done.sort(key=lambda deal: (_entry_ns(ledger.symbols[deal.plan.symbol], deal), order[deal.plan.symbol]))
    rows = [{"trade_id": i} | _row(request, ledger.symbols[d.plan.symbol], d) for i, d in enumerate(done, 1)]
    trades = pl.DataFrame(rows, schema=TRADES, orient="row")
    declined = _declined(ledger)
    equity = _equity(ledger)
    by_setup = by_columns(trades, declined, ("setup", "side"))
    notes = (*notes_of(request, gathered, False, 0, 0.0), _how(latency))
    return BacktestResult(
        request=request,
        trades=trades,
        equity=equity,
        declined=declined,
        summary=summary_of(request, gathered, trades, declined, equity, by_setup, notes),
        by_setup=by_setup,
        by_side=by_columns(trades, declined, ("side",)),
        monthly=monthly_frame(equity, trades),
        missing=pl.DataFrame(schema={"kind": pl.String, "symbol": pl.String, "time": TIME, "detail": pl.String}),
        notes=notes,
        panels=tuple(symbol.panel for symbol in gathered.symbols),
    )


def _how(latency: Latency) -> str:
    if latency.none:
        return "through the engine on the demo exchange's core: no latency, no spread"
    there, back, jitter = (ns / 1e6 for ns in (latency.there_ns, latency.back_ns, latency.jitter_ns))
    way = f"{there:g} ms there, {back:g} ms back, up to {jitter:g} ms more"
    return f"through the engine on the demo exchange's core: {way}"


def _entry_ns(symbol: Symbol, deal: Deal) -> int:
    """The open of the bar it was entered in."""
    return int(symbol.panel.time_ns[_bar(symbol, deal.fills[0].time_ns)])


def _row(request: BacktestRequest, symbol: Symbol, deal: Deal) -> dict[str, object]:
    plan, ended, panel = deal.plan, deal.ended, symbol.panel
    assert ended is not None
    assert ended.entry is not None
    side = int(plan.side)
    entries = [fill for fill in deal.fills if fill.qty * side > 0]
    exits = [fill for fill in deal.fills if fill.qty * side < 0]
    entry_bar, exit_bar = (_bar(symbol, fills[0 if fills is entries else -1].time_ns) for fills in (entries, exits))
    slippage = _slippage(request, deal)
    held = slice(entry_bar, exit_bar + 1)
    entry = float(ended.entry)
    low, high = float(panel.low[held].min()), float(panel.high[held].max())
    worst, best = (high, low) if side < 0 else (low, high)
    notional = abs(float(ended.qty)) * entry
    risk = _risk(request, symbol, deal)
    net = float(ended.net)
    reason = REASONS.get(ended.reason, ended.reason)
    exit_ns = panel.known_ns(exit_bar) if reason == "end" else int(panel.time_ns[exit_bar])
    return {
        "symbol": plan.symbol,
        "side": Side(side).word,
        "setup": plan.origin.removeprefix("setup:"),
        "signal_time": plan.known_ns,
        "entry_time": int(panel.time_ns[entry_bar]),
        "entry_price": entry,
        "qty": float(ended.qty),
        "notional": notional,
        "leverage": float(plan.leverage),
        "margin_mode": plan.margin_mode.value,
        "margin": notional / float(plan.leverage),
        "stop": None if plan.stop is None else float(plan.stop),
        "target1": float(plan.targets[0]) if plan.targets else None,
        "target2": float(plan.targets[1]) if len(plan.targets) > 1 else None,
        "liquidation_price": None if plan.liquidation_price is None else float(plan.liquidation_price),
        "exit_time": exit_ns,
        "exit_price": float(ended.exit or ended.entry),
        "exit_reason": reason,
        "fees": float(ended.fees),
        "funding": float(ended.funding),
        "slippage": slippage,
        "gross": float(ended.gross) + slippage,
        "net": net,
        "r": None if risk is None else net / risk,
        "mae_frac": min(side * (worst / entry - 1), 0.0),
        "mfe_frac": max(side * (best / entry - 1), 0.0),
        "bars": exit_bar - entry_bar + (0 if exits[-1].time_ns == int(panel.time_ns[exit_bar]) else 1),
        "ambiguous": False,
        "net_if_target_first": net,
        "funding_complete": True,
        "why": plan.why,
        "why_exit": ended.reason,
        "risk_at_stop": risk,
        "equity_before": float(plan.equity),
    }


def _slippage(request: BacktestRequest, deal: Deal) -> float:
    """What market orders paid beyond the price they met."""
    total, slip = ZERO, request.slippage_frac * request.cost_scale
    for fill in deal.fills:
        if not fill.maker and not fill.why:
            worse = 1 + (1 if fill.qty > 0 else -1) * slip
            total += abs(fill.qty) * fill.price * slip / worse
    return float(total)


def _risk(request: BacktestRequest, symbol: Symbol, deal: Deal) -> float | None:
    """What the position as filled would have lost at its stop, costs included."""
    plan, ended = deal.plan, deal.ended
    if plan.stop is None or ended is None or ended.entry is None:
        return None
    rates, side, planned = rates_of(request, symbol), int(plan.side), abs(float(ended.qty))
    fill = float(plan.stop) * (1 - side * float(rates.slip))
    fee_in = float(ended.entry) * planned * float(rates.taker if plan.entry_price is None else rates.maker)
    return planned * side * (float(ended.entry) - fill) + planned * fill * float(rates.taker) + fee_in


def _bar(symbol: Symbol, time_ns: int) -> int:
    """The bar in which a moment lies; the end of the last one belongs to it."""
    return int(np.searchsorted(symbol.panel.time_ns, time_ns, side="right")) - 1


def _closes(symbol: Symbol) -> Any:
    panel = symbol.panel
    if panel.mark_close is None:
        return panel.close
    return np.where(np.isnan(panel.mark_close), panel.close, panel.mark_close)


def _declined(ledger: Ledger) -> pl.DataFrame:
    rows = [
        {
            "time": note.known_ns,
            "symbol": note.symbol,
            "side": note.side.word,
            "setup": note.origin.removeprefix("setup:"),
            "reason": note.reason,
            "have": "",
            "need": "",
            "detail": note.detail,
        }
        for note in ledger.declined
    ]
    rows += [
        {
            "time": deal.plan.known_ns,
            "symbol": deal.plan.symbol,
            "side": deal.plan.side.word,
            "setup": deal.plan.origin.removeprefix("setup:"),
            "reason": Reason.ENTRY_MOVED.value,
            "have": "",
            "need": "",
            "detail": "the resting order was not traded through while it was valid",
        }
        for deal in ledger.deals.values()
        if deal.ended is None or deal.ended.entry is None
    ]
    return pl.DataFrame(rows, schema=DECLINED, orient="row").sort("time", "symbol", maintain_order=True)


def _equity(ledger: Ledger) -> pl.DataFrame:
    """At the first open and at every close."""
    symbols = list(ledger.symbols.values())
    wanted = {min(int(s.panel.time_ns[s.first_bar]) for s in symbols)}
    for symbol in symbols:
        wanted.update((symbol.panel.time_ns[symbol.first_bar :] + symbol.panel.interval_ns).tolist())
    columns = ("time", "equity", "wallet", "open_positions", "gross_exposure", "net_exposure")
    rows = [dict(zip(columns, sample, strict=True)) for sample in ledger.samples if sample[0] in wanted]
    frame = pl.DataFrame(rows)
    peak = frame["equity"].cum_max()
    return frame.select(
        pl.col("time").cast(pl.Int64).cast(TIME),
        "equity",
        "wallet",
        (pl.col("equity") / peak - 1.0).alias("drawdown_frac"),
        "open_positions",
        "gross_exposure",
        "net_exposure",
    )
