"""A sweep against luck: what its best row is worth, and what choosing by the past would have earned.

Judged is never the best row but the walk forward: in every fold the combination with the best past is chosen, and its
trades of the fold are taken. The best row is shown beside it, deflated by everything that was tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bearskin.backtest._book import Position
from bearskin.backtest._frames import trades_frame
from bearskin.backtest._luck import Luck, Tried, luck_of
from bearskin.backtest._luck_again import mean_r, traded_positions
from bearskin.backtest._luck_choice import EMBARGO_DAYS, PAST_LEAST_DAYS, TEST_DAYS, Choice, choose
from bearskin.backtest._luck_days import Clustered, Daily, day_of
from bearskin.backtest._luck_gates import COSTS_SCALE
from bearskin.backtest._luck_random import DRAWS, random_entries
from bearskin.backtest._request import BacktestRequest
from bearskin.backtest._search_grid import Grid
from bearskin.backtest._search_read import Sweep
from bearskin.backtest._search_work import Source, code_digest, data_digest, learn
from bearskin.backtest._symbols import BracketBook, Gathered, Progress, gather
from bearskin.terms import DAY_NS, BadInput, counted

I8 = NDArray[np.int64]
CELLS_MAX = 60_000_000  # days times combinations kept in memory; beyond, a sample of combinations is judged
COMBINATIONS_LEAST = 2
WITHOUT_TRADES = "needs the trades, which bearskin luck makes again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaking:
    """What it takes to trade combinations of a sweep again: grid, data, brackets, files of the user's own set-ups."""

    grid: Grid
    source: Source
    brackets: BracketBook
    setup_files: tuple[tuple[str, str], ...] = ()


def luck_of_sweep(
    sweep: Sweep,
    again: Remaking | None = None,
    *,
    train_days: int | None = None,
    test_days: int = TEST_DAYS,
    embargo_days: int = EMBARGO_DAYS,
    draws: int = DRAWS,
    seed: int = 1,
    tests: bool = True,
    progress: Progress | None = None,
) -> Luck:
    """Judge a sweep from its folder; with `again` the trades of the walk forward are made again: R, costs, chance.

    Without `again` a day's return of the walk forward stands for a trade's R and the gates that need trades are not
    passed. `train_days` limits what is learnt from (None: all the past), folds are `test_days` long, `embargo_days` lie
    between. `tests` False leaves the bootstraps out.
    Raises BadInput where there is nothing to choose among or too few days to walk forward.
    """
    numbers, notes = _numbers(sweep, seed)
    if len(numbers) < COMBINATIONS_LEAST:
        whole = counted(len(numbers), "whole combination")
        raise BadInput(f"the sweep in {sweep.folder} has {whole}: luck needs two to choose among")
    days, net = sweep.daily(numbers)
    daily = Daily(
        days=days.astype(np.int64), net=net, names=names_of(sweep, numbers), equity=sweep.equity * len(sweep.symbols)
    )
    if train_days is not None and train_days <= embargo_days:
        raise BadInput(
            f"train_days was {train_days} and embargo_days {embargo_days}: of the days before a fold the embargo leaves"
            " the last ones out, so more must be learnt from"
        )
    choice = choose(daily, daily.returns(), train_days=train_days, test_days=test_days, embargo_days=embargo_days)
    if choice is None:
        raise BadInput(
            f"a walk forward over {counted(len(days), 'day')} is not possible: it learns from {PAST_LEAST_DAYS} days at"
            f" least (a quarter of all), leaves {embargo_days} out and tries the next {test_days}"
        )
    if not sweep.complete:
        notes = (*notes, "the sweep is not complete: what is judged is what is there")
    if again is None:
        tried = _tried(sweep, daily, choice, None)
        why = dict.fromkeys(("dearer", "events", "against_random"), WITHOUT_TRADES)
        return luck_of(tried, choice=choice, why=why, notes=notes, seed=seed, tests=tests)
    made = _remade(again, sweep, numbers, choice, progress)
    notes = (*notes, *made.notes)
    return luck_of(
        _tried(sweep, daily, choice, made.own),
        dearer=made.dearer,
        random=random_entries(made.positions, made.own["r"].to_list(), draws=draws, seed=seed, progress=progress),
        choice=choice,
        notes=notes,
        seed=seed,
        tests=tests,
    )


def names_of(sweep: Sweep, numbers: Sequence[int] | I8) -> tuple[str, ...]:
    """`#12 stop_scale=1 hold_bars=24` for every combination."""
    axes = list(sweep.axes.items())
    found = []
    for number in numbers:
        rest, words = int(number), []
        for name, values in reversed(axes):
            rest, digit = divmod(rest, len(values))
            words.append(f"{name}={'none' if values[digit] is None else values[digit]}")
        found.append(" ".join([f"#{int(number)}", *reversed(words)]))
    return tuple(found)


def _numbers(sweep: Sweep, seed: int) -> tuple[I8, tuple[str, ...]]:
    """The combinations to be judged: all, or of too many a sample with the best net in it."""
    numbers = sweep.numbers()
    most = max(COMBINATIONS_LEAST, CELLS_MAX // max(1, sweep.last_day - sweep.first_day + 1))
    if len(numbers) <= most:
        return numbers, ()
    totals = sweep.rows.group_by("combination").agg(pl.col("net").sum()).sort("net", descending=True).head(1)
    best = int(totals.collect()["combination"][0])
    drawn = np.random.default_rng(seed).choice(numbers, most - 1, replace=False)
    said = (
        f"{most:,} of {len(numbers):,} combinations, drawn at random, and the best stand for all; all count as trials"
    )
    return np.unique(np.append(drawn, best)).astype(np.int64), (said,)


def _tried(sweep: Sweep, daily: Daily, choice: Choice, trades: pl.DataFrame | None) -> Tried:
    """The walk forward as what is judged, over the days it traded."""
    known = None if trades is None else trades.filter(pl.col("r").is_not_null() & pl.col("r").is_not_nan())
    return Tried(
        kind="sweep",
        subject=f"a walk forward: of {sweep.tried:,} combinations the best of the past, traded in the next fold, "
        f"{len(choice.folds)} times",
        unit="return" if known is None else "R",
        values=choice.returns if known is None else known["r"].to_numpy().astype(np.float64),
        days=choice.days if known is None else day_of(known["entry_time"]),
        events=None if known is None else known.height,
        first_day=choice.folds[0].first_day,
        last_day=choice.folds[-1].last_day,
        daily=daily,
        series=None,
        trials=sweep.tried,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remade:
    """The trades of a walk forward: as they were (with the positions they came from), and with dearer costs."""

    own: pl.DataFrame
    positions: tuple[tuple[BacktestRequest, Position], ...]
    dearer: Clustered
    notes: tuple[str, ...]


def _remade(again: Remaking, sweep: Sweep, numbers: I8, choice: Choice, progress: Progress | None) -> _Remade:
    """Trade every chosen combination on every symbol again and keep what was entered while it was the choice."""
    for name, text in again.setup_files:
        learn(name, text)
    requests = {column: again.grid.request(int(numbers[column])) for column in {one.chosen for one in choice.folds}}
    own: list[pl.DataFrame] = []
    dear: list[pl.DataFrame] = []
    taken: list[tuple[BacktestRequest, Position]] = []
    symbols, moved = again.source.names, []
    for done, symbol in enumerate(symbols):
        if progress is not None:
            progress(f"trades of {symbol} again", done, len(symbols))
        for column, request in requests.items():
            gathered = gather(request, [again.source.panel(symbol)], again.brackets, None)
            if gathered.interrupted:
                raise KeyboardInterrupt
            if not gathered.symbols:
                continue
            kept = [p for p in traded_positions(request, gathered) if choice.chosen_on(p.entry_ns // DAY_NS) == column]
            (laid,) = gathered.symbols
            if data_digest(laid.panel, laid.brackets) != sweep.about["data"].get(symbol) and symbol not in moved:
                moved.append(symbol)
            own.append(trades_frame(request, kept))
            taken += [(request, position) for position in kept]
            dear.append(_dearer(request, gathered, choice, column))
    trades = pl.concat(own) if own else trades_frame(again.grid.base, [])
    return _Remade(
        own=trades,
        positions=tuple(taken),
        dearer=mean_r(pl.concat(dear) if dear else trades),
        notes=_changes(sweep, moved),
    )


def _changes(sweep: Sweep, moved: Sequence[str]) -> tuple[str, ...]:
    """What makes the trades made again differ from those of the sweep."""
    said = []
    if moved:
        said.append(f"the data of {', '.join(moved[:5])} are not those of the sweep: trades made again may differ")
    if sweep.about["code"] != code_digest():
        said.append("the code or a library has changed since the sweep: trades made again may differ")
    return tuple(said)


def _dearer(request: BacktestRequest, gathered: Gathered, choice: Choice, column: int) -> pl.DataFrame:
    dear = replace(request, cost_scale=request.cost_scale * Decimal(COSTS_SCALE))
    positions = traded_positions(dear, gathered)
    return trades_frame(dear, [p for p in positions if choice.chosen_on(p.entry_ns // DAY_NS) == column])
