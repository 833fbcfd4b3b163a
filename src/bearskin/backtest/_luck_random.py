"""The same trades entered at random: what the moment of entry added, apart from side, stop, targets and costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bearskin.backtest._book import Position
from bearskin.backtest._entries import Rates, rates_of, ticket_of
from bearskin.backtest._luck_days import Clustered, clustered
from bearskin.backtest._override import overridden
from bearskin.backtest._request import BacktestRequest
from bearskin.backtest._symbols import Progress, Symbol
from bearskin.paths import UNFILLED, Outcome, walk
from bearskin.setups import SetupEvent
from bearskin.terms import DAY_NS

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
DRAWS = 50
REACH_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomEntries:
    """The trades against the same trades at random moments; all figures in R per trade.

    `difference` is the trades' R minus the mean of their own draws, errors clustered by day of entry. `random_mean` is
    the mean of all draws. `as_good_share` is the share of `draws` whole sets of random trades that did at least as
    well. `trades` were compared (those for which any draw was filled).
    """

    trades: int
    draws: int
    trades_mean: float
    random_mean: float
    difference: Clustered
    as_good_share: float


def random_entries(
    positions: Sequence[tuple[BacktestRequest, Position]],
    results_r: Sequence[float | None],
    *,
    draws: int = DRAWS,
    seed: int = 1,
    progress: Progress | None = None,
) -> RandomEntries | None:
    """Enter each position again `draws` times in its own symbol, within 30 days either side, never on its own day.

    Side, quantity in money, stop, targets, limit, invalidation and time keep their distance from the open of the entry;
    every draw goes through the same kernel with the same fees, slippage and funding as the position's own request.
    Limits that are not filled are no trades. `results_r` are the R of the positions. None where nothing can be
    compared.
    """
    dice = np.random.default_rng(seed)
    rows: list[F8] = []
    own: list[float] = []
    days: list[int] = []
    for done, ((request, position), r) in enumerate(zip(positions, results_r, strict=True)):
        if progress is not None and done % 50 == 0:
            progress("random entries", done, len(positions))
        if r is None or position.offer.event is None:
            continue
        drawn = _draws(request, position, dice, draws)
        if drawn is None or not np.isfinite(drawn).any():
            continue
        rows.append(drawn)
        own.append(r)
        days.append(position.entry_ns // DAY_NS)
    if not rows:
        return None
    grid, mine = np.stack(rows), np.array(own)
    means = np.nanmean(grid, axis=1)
    # a draw that was not filled counts as the mean of its trade's other draws
    sets = np.where(np.isfinite(grid), grid, means[:, None]).mean(axis=0)
    return RandomEntries(
        trades=len(mine),
        draws=draws,
        trades_mean=float(mine.mean()),
        random_mean=float(means.mean()),
        difference=clustered(mine - means, np.array(days, dtype=np.int64)),
        as_good_share=float((sets >= mine.mean()).mean()),
    )


def candidates(symbol: Symbol, entry_ns: int) -> I8:
    """The bars at whose open a random trade may be entered: within 30 days either side, never on the day itself."""
    times = symbol.panel.time_ns
    a = int(np.searchsorted(times, entry_ns - REACH_DAYS * DAY_NS))
    b = int(np.searchsorted(times, entry_ns + REACH_DAYS * DAY_NS, side="right"))
    bars = np.arange(max(a, symbol.first_bar, 1), b, dtype=np.int64)
    found: I8 = bars[times[bars] // DAY_NS != entry_ns // DAY_NS]
    return found


def _draws(request: BacktestRequest, position: Position, dice: np.random.Generator, draws: int) -> F8 | None:
    """R of each draw of one trade, NaN where a limit was not filled; None where there is no other day."""
    symbol, event = position.symbol, position.offer.event
    assert event is not None
    there = candidates(symbol, int(symbol.panel.time_ns[position.offer.bar]))
    if not len(there):
        return None
    event = overridden(request, event, symbol.panel.instrument)
    rates, opens = rates_of(request, symbol), symbol.panel.open
    opened = float(opens[position.offer.bar])
    found = np.full(draws, np.nan)
    for k, bar in enumerate(dice.choice(there, draws).tolist()):
        factor = float(opens[bar]) / opened
        moved = shifted(event, bar - 1, factor)
        steps = max(1, symbol.course.steps(position.planned / factor))
        ticket = ticket_of(request, symbol, bar, moved, steps)
        outcome = walk(symbol.course.lanes[moved.side], symbol.tiers, ticket)
        if outcome.reason != UNFILLED:
            found[k] = outcome.net / _risk(outcome, moved, symbol.course.coins(steps), rates)
    return found


def shifted(event: SetupEvent, bar: int, factor: float) -> SetupEvent:
    """The same trade at another bar, every price times `factor`: distances in the logarithm stay."""
    return replace(
        event,
        bar=bar,
        entry_ref=event.entry_ref * factor,
        stop=event.stop * factor,
        targets=tuple(price * factor for price in event.targets),
        invalidation=event.invalidation * factor,
        limit_price=None if event.limit_price is None else event.limit_price * factor,
    )


def _risk(outcome: Outcome[float], event: SetupEvent, coins: float, rates: Rates) -> float:
    """What the trade as filled would lose at its stop, fees and slippage included, as the backtest reckons R."""
    side = int(event.side)
    fill = event.stop * (1 - side * float(rates.slip))
    return coins * side * (outcome.entry - fill) + coins * fill * float(rates.taker) + outcome.entry_fee
