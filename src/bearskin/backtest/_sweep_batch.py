"""A few combinations through the compiled loop, and its questions about sizes answered by sizing itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bearskin.backtest._book import Book
from bearskin.backtest._entries import Gate
from bearskin.backtest._override import overridden
from bearskin.backtest._request import BacktestRequest
from bearskin.backtest._sweep_core import Swept
from bearskin.backtest._sweep_tables import (
    AMBIGUOUS,
    BARS,
    DAYS,
    DRAWDOWN,
    FEES,
    FUNDING,
    GROSS,
    LIQUIDATIONS,
    NET,
    NEXT,
    PEAK,
    R_SQUARES,
    R_SUM,
    SLIPPAGE,
    STOPPED,
    TARGETS,
    TIMED,
    TRADES,
    WALLET,
    WINS,
    Prepared,
    terms_of,
)
from bearskin.backtest._symbols import Offer, Symbol
from bearskin.risk import Sized
from bearskin.terms import DAY_NS, dec

Table = NDArray[Any]
COUNTED = {
    "trades": TRADES, "wins": WINS, "stopped": STOPPED, "targets": TARGETS, "liquidated": LIQUIDATIONS, "timed": TIMED,
    "ambiguous": AMBIGUOUS, "bars_held": BARS,
}  # fmt: skip
ADDED = {
    "net": NET, "gross": GROSS, "fees": FEES, "funding": FUNDING, "slippage": SLIPPAGE, "r_sum": R_SUM,
    "r_square_sum": R_SQUARES, "equity_end": WALLET, "drawdown_max": DRAWDOWN,
}  # fmt: skip


def swept_batch(
    run_many: Callable[..., None],
    symbol: Symbol,
    course: Prepared,
    offers: Sequence[Offer],
    requests: Sequence[BacktestRequest],
) -> Swept:
    """The rows of `requests`; a combination that met a size only Decimal can tell is run again with the answer."""
    terms = terms_of(symbol, requests)
    width = _days_at_most(course)
    tables: list[Table] = [
        np.zeros((len(terms), NEXT + 1), dtype=np.int64),
        np.zeros((len(terms), DRAWDOWN + 1)),
        np.zeros((len(terms), width), dtype=np.int32),
        np.zeros((len(terms), width)),
    ]
    for column in (WALLET, PEAK):
        tables[1][:, column] = terms["equity"]
    answers = np.zeros((0, 2), dtype=np.int64)
    rows = np.arange(len(terms))
    while len(rows):
        asks = np.zeros(len(rows), dtype=np.int64)
        parts = [np.ascontiguousarray(table[rows]) for table in tables]
        starts = np.arange(len(rows) + 1) if len(answers) else np.zeros(len(rows) + 1, dtype=np.int64)
        run_many(course, symbol.tiers, np.ascontiguousarray(terms[rows]), starts, answers, *parts, asks)
        for table, part in zip(tables, parts, strict=True):
            table[rows] = part
        # each goes on from the offer it stopped at, where the answer it was given stands in for its own figure
        rows, asks = rows[asks >= 0], asks[asks >= 0]
        found = [
            (ask, _steps_at(requests[row], offers, ask, float(tables[1][row, WALLET]), course))
            for row, ask in zip(rows.tolist(), asks.tolist(), strict=True)
        ]
        answers = np.array(found, dtype=np.int64).reshape(-1, 2)
    return _rows_of(*tables)


def _days_at_most(course: Prepared) -> int:
    """On how many different days trades can be left."""
    span = int(course.times[-1] - course.times[0]) // DAY_NS + 3
    return min(span, len(course.offers)) + 1


def _steps_at(request: BacktestRequest, offers: Sequence[Offer], ask: int, wallet: float, course: Prepared) -> int:
    """The steps sizing allows on an account without positions, 0 where it refuses."""
    offer = offers[ask]
    assert offer.event is not None
    gate = Gate(request, Book(wallet))
    event = overridden(request, offer.event, offer.symbol.panel.instrument)
    sized = gate.size(offer, event, gate.standing(offer.order_ns), dec(float(course.offers["multiplier"][ask])))
    return offer.symbol.course.steps(float(sized.qty)) if isinstance(sized, Sized) else 0


def _rows_of(counts: Table, money: Table, days: Table, nets: Table) -> Swept:
    filled = np.arange(days.shape[1]) < counts[:, DAYS, None]
    return Swept(
        **{name: counts[:, column] for name, column in COUNTED.items()},
        **{name: money[:, column] for name, column in ADDED.items()},
        day_from=np.concatenate([[0], np.cumsum(counts[:, DAYS])]).astype(np.int64),
        day=days[filled],
        day_net=nets[filled],
    )
