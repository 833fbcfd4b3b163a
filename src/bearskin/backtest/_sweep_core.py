"""Many combinations of one symbol: one account each, isolated margin, trade by trade what `run` comes to."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from threading import Lock

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bearskin.backtest._book import Position
from bearskin.backtest._entries import rates_of, risk_at_stop
from bearskin.backtest._frames import trades_frame
from bearskin.backtest._request import BacktestRequest
from bearskin.backtest._run import trade_through
from bearskin.backtest._sweep_tables import Prepared, prepared
from bearskin.backtest._symbols import Gathered, Offer, Symbol
from bearskin.paths import AT_OPEN, UNFILLED
from bearskin.terms import DAY_NS, BadInput, MarginMode

F8 = NDArray[np.float64]
I4 = NDArray[np.int32]
I8 = NDArray[np.int64]
SHARED = (
    "setups", "sides", "params", "template", "start_ns", "end_ns", "funding", "guards", "guard_rules", "families_min",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One row per request, money in the settle currency.

    `stopped` counts stops and trailing stops, `timed` time stops; `net` = `gross` - `slippage` - `fees` + `funding` as
    in a backtest's trades. `r_sum` and `r_square_sum` add up net over risk at the stop, `bars_held` bars in positions.
    `drawdown_max` (0 or negative, a fraction of the peak) is of the wallet after each exit: open losses are not in it.
    The days of request i are `day[day_from[i] : day_from[i + 1]]`: UTC days since 1970 on which trades were left, each
    once and in order, with their `day_net`.
    """

    trades: I8
    wins: I8
    stopped: I8
    targets: I8
    liquidated: I8
    timed: I8
    net: F8
    gross: F8
    fees: F8
    funding: F8
    slippage: F8
    r_sum: F8
    r_square_sum: F8
    equity_end: F8
    drawdown_max: F8
    ambiguous: I8
    bars_held: I8
    day_from: I8
    day: I4
    day_net: F8


COUNTS = ("trades", "wins", "stopped", "targets", "liquidated", "timed", "ambiguous", "bars_held")
BATCH = 32  # combinations a thread takes at a time
KEPT = 2
RAGGED = ("day_from", "day", "day_net")
COLUMNS = tuple(field.name for field in fields(Swept) if field.name not in RAGGED)


def sweep_symbol(
    symbol: Symbol, offers: Sequence[Offer], requests: Sequence[BacktestRequest], *, threads: int | None = None
) -> Swept:
    """What each of `requests` comes to on `symbol`, on an account of its own that starts with its `equity`.

    `offers` are those of `gather` for any of the requests: all must agree in set-ups, sides, `params`, `template`,
    span, funding and guards. Equal to `run` with that one panel, trade by trade; money may differ in its last bits.
    `threads` None takes every core there is. Raises BadInput where the requests do not agree, and for cross margin and
    the yardstick, which a sweep does not know.
    """
    _check(requests)
    if not requests or not offers or symbol.panel.instrument.contract_size != 1:
        return joined([sweep_slowly(symbol, offers, requests)])
    from bearskin.backtest._sweep_batch import swept_batch
    from bearskin.backtest._sweep_compiled import run_many

    course = _PREPARED.of(symbol, offers, requests[0])
    batches = [requests[k : k + BATCH] for k in range(0, len(requests), BATCH)]
    with ThreadPoolExecutor(max(1, min(threads or os.cpu_count() or 1, len(batches)))) as pool:
        return joined(list(pool.map(lambda batch: swept_batch(run_many, symbol, course, offers, batch), batches)))


def warm_sweep(say: Callable[[str], None] | None = None) -> None:
    """Compile the loop of a sweep, or load it from the cache; `say` hears of compiling before it starts."""
    from bearskin.backtest import _sweep_compiled

    _sweep_compiled.warm(say)


def sweep_slowly(symbol: Symbol, offers: Sequence[Offer], requests: Sequence[BacktestRequest]) -> Swept:
    """The same by the loop of `run` itself, one request after the other: what every column means."""
    return _gathered([_slowly(symbol, offers, request) for request in requests])


class _Prepared:
    """The symbols swept last: a search asks about one in many parts."""

    def __init__(self) -> None:
        self._kept: list[tuple[Symbol, Sequence[Offer], object, Prepared]] = []
        self._lock = Lock()

    def of(self, symbol: Symbol, offers: Sequence[Offer], request: BacktestRequest) -> Prepared:
        with self._lock:
            asked = (request.guards, request.guard_rules, request.families_min)
            for kept, known, guards, course in self._kept:
                if kept is symbol and known is offers and guards == asked:
                    return course
            known_too = next((course for kept, _, _, course in self._kept if kept is symbol), None)
            course = prepared(symbol, offers, request, None if known_too is None else known_too.indices)
            self._kept = [*self._kept[1 - KEPT :], (symbol, offers, asked, course)]
            return course

    def clear(self) -> None:
        with self._lock:
            self._kept = []


_PREPARED = _Prepared()


def forget_symbols() -> None:
    """Let go of the symbols swept last: for whoever goes through many large ones in turn."""
    _PREPARED.clear()


def sweep_trades(symbol: Symbol, offers: Sequence[Offer], request: BacktestRequest) -> pl.DataFrame:
    """The trades behind one row of `sweep_symbol`, with the columns of a backtest's trades."""
    _check([request])
    return trades_frame(request, _done(symbol, offers, request))


def _check(requests: Sequence[BacktestRequest]) -> None:
    for request in requests:
        if request.holds:
            raise BadInput("hold is a yardstick, not a set-up: it cannot be swept")
        if request.margin_mode is not MarginMode.ISOLATED:
            raise BadInput("a sweep trades on isolated margin: cross margin needs the whole account")
        for name in SHARED:
            if getattr(request, name) != getattr(requests[0], name):
                raise BadInput(f"the requests of one sweep must agree in {name}: what is offered depends on it")


def _done(symbol: Symbol, offers: Sequence[Offer], request: BacktestRequest) -> list[Position]:
    """The closed trades in order of entry."""
    gathered = Gathered(symbols=(symbol,), offers=tuple(offers), left_out=(), interrupted=False)
    book = trade_through(request, gathered).book
    return sorted((p for p in book.done if p.outcome.reason != UNFILLED), key=lambda p: p.entry_ns)


def _slowly(symbol: Symbol, offers: Sequence[Offer], request: BacktestRequest) -> dict[str, object]:
    """One row by the loop of `run`: the meaning of every column."""
    done, rates = _done(symbol, offers, request), rates_of(request, symbol)
    net = np.array([p.gross - p.slippage - p.fees + p.funding for p in done])
    risks = [risk_at_stop(p, rates) for p in done]
    r = np.array([gain / risk for gain, risk in zip(net, risks, strict=True) if risk])
    reasons = [p.reason for p in done]
    wallet = float(request.equity) + np.concatenate([[0.0], np.cumsum(net)])
    peak = np.maximum.accumulate(wallet)
    days = np.array([p.exit_ns // DAY_NS for p in done], dtype=np.int32)
    day, where = np.unique(days, return_inverse=True)
    return {
        "trades": len(done),
        "wins": int((net > 0).sum()),
        "stopped": reasons.count("stop") + reasons.count("trail"),
        "targets": reasons.count("target"),
        "liquidated": reasons.count("liquidated"),
        "timed": reasons.count("time"),
        "net": float(net.sum()),
        "gross": sum(p.gross for p in done),
        "fees": sum(p.fees for p in done),
        "funding": sum(p.funding for p in done),
        "slippage": sum(p.slippage for p in done),
        "r_sum": float(r.sum()),
        "r_square_sum": float((r * r).sum()),
        "equity_end": float(wallet[-1]),
        "drawdown_max": float((wallet / peak - 1.0).min()),
        "ambiguous": sum(p.outcome.ambiguous for p in done),
        "bars_held": sum(p.outcome.bar - p.outcome.entry_bar + (p.outcome.place != AT_OPEN) for p in done),
        "day": day,
        "day_net": np.bincount(where, weights=net, minlength=len(day)),
    }


def _gathered(rows: Sequence[dict[str, object]]) -> Swept:
    columns: dict[str, NDArray[np.generic]] = {
        name: np.array([row[name] for row in rows], dtype=np.int64 if name in COUNTS else np.float64)
        for name in COLUMNS
    }
    days = [np.asarray(row["day"], dtype=np.int32) for row in rows]
    nets = [np.asarray(row["day_net"], dtype=np.float64) for row in rows]
    columns["day_from"] = np.concatenate([[0], np.cumsum([len(day) for day in days])]).astype(np.int64)
    columns["day"] = np.concatenate([*days, np.zeros(0, dtype=np.int32)])
    columns["day_net"] = np.concatenate([*nets, np.zeros(0)])
    return Swept(**columns)  # type: ignore[arg-type]


def joined(parts: Sequence[Swept]) -> Swept:
    """The rows of several parts in their order."""
    if len(parts) == 1:
        return parts[0]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in (*COLUMNS, "day", "day_net")}
    lengths = np.concatenate([np.diff(part.day_from) for part in parts])
    return Swept(**columns, day_from=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
