"""A backtest made again for its luck: the same trades, the same with dearer costs, the same at random moments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

import polars as pl

from bearskin.backtest._book import Position
from bearskin.backtest._frames import trades_frame
from bearskin.backtest._luck import Luck, luck_of, tried_trades
from bearskin.backtest._luck_days import Clustered, clustered, day_of
from bearskin.backtest._luck_gates import COSTS_SCALE
from bearskin.backtest._luck_random import DRAWS, random_entries
from bearskin.backtest._request import BacktestRequest
from bearskin.backtest._run import trade_through
from bearskin.backtest._symbols import BracketBook, Gathered, Progress, gather
from bearskin.market import Panel
from bearskin.paths import UNFILLED
from bearskin.setups import Days
from bearskin.terms import DAY_NS, BadInput

OPTIMIST = "counted as out of sample because this run fitted nothing; settings chosen by looking at these data are not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A backtest made again: its luck and its trades."""

    luck: Luck
    trades: pl.DataFrame


def luck_of_backtest(
    request: BacktestRequest,
    panels: Iterable[Panel],
    brackets: BracketBook,
    *,
    days: Mapping[str, Days] = MappingProxyType({}),
    trials: int | None = None,
    draws: int = DRAWS,
    seed: int = 1,
    progress: Progress | None = None,
) -> Again:
    """Trade `request` as `run` does, then with costs times 1.5 and at random moments, and judge it.

    `trials` is how many things were tried to come to this request; at least every set-up and side of it counts. Raises
    BadInput where nothing can be traded or no trade has a risk to measure its result by.
    """
    if request.holds:
        raise BadInput("hold is a yardstick without stops: it has no R, and luck cannot be told from it")
    gathered = gather(request, panels, brackets, progress, days)
    if gathered.interrupted:
        raise KeyboardInterrupt  # half of the symbols is another backtest
    if not gathered.symbols:
        raise BadInput("none of these panels can be traded")
    positions = traded_positions(request, gathered, progress)
    trades = trades_frame(request, positions)
    if progress is not None:
        progress(f"costs times {COSTS_SCALE}", 0, 0)
    dear = replace(request, cost_scale=request.cost_scale * Decimal(COSTS_SCALE))
    first_day, last_day = span_of(gathered)
    columns = len({(offer.event.setup, offer.event.side) for offer in gathered.offers if offer.event is not None})
    luck = luck_of(
        tried_trades(trades, float(request.equity), first_day, last_day, max(trials or 0, columns)),
        dearer=mean_r(trades_frame(dear, traded_positions(dear, gathered))),
        random=random_entries(
            [(request, p) for p in positions], trades["r"].to_list(), draws=draws, seed=seed, progress=progress
        ),
        notes=(OPTIMIST,),
        seed=seed,
    )
    return Again(luck=luck, trades=trades)


def traded_positions(request: BacktestRequest, gathered: Gathered, progress: Progress | None = None) -> list[Position]:
    """The closed positions in order of entry, as a backtest's trades are; Ctrl-C is passed on."""
    traded = trade_through(request, gathered, progress)
    if traded.interrupted:
        raise KeyboardInterrupt
    done = (position for position in traded.book.done if position.outcome.reason != UNFILLED)
    return sorted(done, key=lambda position: (position.entry_ns, position.symbol.index))


def span_of(gathered: Gathered) -> tuple[int, int]:
    """The first and the last UTC day of the bars that were traded."""
    opens = min(int(symbol.panel.time_ns[symbol.first_bar]) for symbol in gathered.symbols)
    closes = max(symbol.panel.known_ns(len(symbol.panel) - 1) for symbol in gathered.symbols)
    return opens // DAY_NS, (closes - 1) // DAY_NS


def mean_r(trades: pl.DataFrame) -> Clustered:
    """Mean R of trades with errors clustered by day of entry."""
    known = trades.filter(pl.col("r").is_not_null() & pl.col("r").is_not_nan())
    return clustered(known["r"].to_numpy(), day_of(known["entry_time"]))
