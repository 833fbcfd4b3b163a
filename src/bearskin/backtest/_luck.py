"""A result against luck: the figures, the gates, one verdict. docs/luck.md says how each is to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bearskin.backtest._luck_choice import Choice, choose
from bearskin.backtest._luck_days import Clustered, Daily, clustered, daily_of, day_of, halves, without_best_days
from bearskin.backtest._luck_gates import NO_EDGE, Figures, Gate, gates_of, verdict_of
from bearskin.backtest._luck_many import Superior, has_arch, ratio_interval, superior
from bearskin.backtest._luck_pbo import BLOCKS, Overfitting, overfitting
from bearskin.backtest._luck_random import RandomEntries
from bearskin.backtest._luck_ratio import (
    Shape,
    deflated_sharpe,
    independent_trials,
    luckiest_sharpe,
    mean_correlation,
    probabilistic_sharpe,
    shape_of,
    sharpe_ratios,
    trials_variance,
)

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
NO_ARCH = "arch is not installed: pip install 'bearskin[research]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deflated:
    """The Sharpe ratio per day of what is judged, and what is left of it after so many trials.

    `trials` were made, of mean correlation `correlation`, which counts as `independent` ones; the luckiest of them
    would show `luckiest` by chance. `psr` and `dsr` are chances that the true ratio exceeds zero, before and after
    deflation.
    """

    shape: Shape
    trials: int
    correlation: float
    independent: float
    luckiest: float
    psr: float
    dsr: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The column with the highest Sharpe ratio over everything: what a leader board would show first."""

    column: int
    name: str
    sharpe: float
    net: float
    net_middle: float
    share_positive: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Luck:
    """One frozen result against luck. What could not be had is None and named in `notes` or at its gate.

    `subject` says what is judged. `unit` is what `result` is a mean of: R per trade, or, where trades are not at hand,
    the return of a day (a fraction). `result` has errors clustered by day, `interval` the bounds of the stationary
    bootstrap (95 %). Halves are of the days from `first_day` to `last_day` (UTC day numbers). `without_best` leaves out
    `best_days` days. `dearer` is the result with fees and slippage times 1.5. `daily` holds the columns that were tried
    (set-ups and sides, or combinations), `ratios` their Sharpe ratios per day.
    """

    kind: Literal["backtest", "sweep"]
    subject: str
    unit: Literal["R", "return"]
    first_day: int
    last_day: int
    result: Clustered
    interval: tuple[float, float] | None
    first_half: float | None
    second_half: float | None
    without_best: float | None
    best_days: int
    dearer: Clustered | None
    deflated: Deflated | None
    overfitting: Overfitting | None
    superior: Superior | None
    winners: tuple[str, ...]
    random: RandomEntries | None
    best: Best | None
    choice: Choice | None
    daily: Daily
    ratios: F8
    gates: tuple[Gate, ...]
    verdict: str
    notes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every gate was passed."""
        return self.verdict != NO_EDGE

    @property
    def headline(self) -> str:
        """The verdict in one sentence: how many gates, which were not passed and which had no figure."""
        failed = [gate.title for gate in self.gates if not gate.passed and gate.figure is not None]
        missing = [gate.title for gate in self.gates if gate.figure is None]
        told = f"{self.verdict}: {len(self.gates) - len(failed) - len(missing)} of {len(self.gates)} gates passed"
        told += f"; not passed: {', '.join(failed)}" if failed else ""
        return told + (f"; without a figure: {', '.join(missing)}" if missing else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What is judged, before it is: events with their value and the day of their entry, and the columns tried.

    `values` are R per trade or daily returns. `series` are the daily returns whose Sharpe ratio is deflated; None takes
    those of the best column. `trials` is how many were tried (None: as many as there are columns).
    """

    kind: Literal["backtest", "sweep"]
    subject: str
    unit: Literal["R", "return"]
    values: F8
    days: I8
    events: int | None
    first_day: int
    last_day: int
    daily: Daily
    series: F8 | None
    trials: int | None


def tried_trades(
    trades: pl.DataFrame, equity: float, first_day: int, last_day: int, trials: int | None = None
) -> Tried:
    """A backtest to be judged, from its trades: every set-up on every side is a column, all trades together the series.

    `trades` has `setup, side, entry_time, exit_time, net, r` as a backtest's; days are UTC day numbers of its span.
    """
    known = trades.filter(pl.col("r").is_not_null() & pl.col("r").is_not_nan())
    whole = daily_of(trades, (), equity, first_day, last_day)
    return Tried(
        kind="backtest",
        subject="all trades of this backtest",
        unit="R",
        values=known["r"].to_numpy().astype(np.float64),
        days=day_of(known["entry_time"]),
        events=known.height,
        first_day=first_day,
        last_day=last_day,
        daily=daily_of(trades, ("setup", "side"), equity, first_day, last_day),
        series=whole.returns()[:, 0].astype(np.float64),
        trials=trials,
    )


def luck_of(
    tried: Tried,
    *,
    dearer: Clustered | None = None,
    random: RandomEntries | None = None,
    choice: Choice | None = None,
    why: Mapping[str, str] = MappingProxyType({}),
    notes: tuple[str, ...] = (),
    seed: int = 1,
    tests: bool = True,
) -> Luck:
    """Judge `tried`; nothing is traded here: `dearer` and `random` come from trades made again, or are None.

    `why` says, by name of a gate, why its figure is missing. `choice` is a walk forward already made, else one is made
    over the columns. `tests` False leaves out what takes long (the bootstrap and the tests over all columns).
    """
    returns = tried.daily.returns()
    ratios = sharpe_ratios(returns)
    moving, why = int((ratios != 0).sum()), dict(why)
    fits = _fits(returns, moving, seed, why)
    best = _best(tried.daily, ratios)
    series = tried.series
    if series is None and best is not None:
        series = returns[:, best.column].astype(np.float64)
    deflated = None if series is None else _deflated(series, returns, ratios, tried.trials)
    found = clustered(tried.values, tried.days)
    first, second = halves(tried.values, tried.days, tried.first_day, tried.last_day)
    without, gone = without_best_days(tried.values, tried.days)
    if tests and not has_arch():
        tests, notes = False, (*notes, NO_ARCH)
    over_all = superior(returns, seed) if tests and best is not None else None
    figures = Figures(
        mean=found.mean,
        t=found.t,
        dsr=None if deflated is None else deflated.dsr,
        pbo=None if fits is None else fits.pbo,
        first_half=first,
        second_half=second,
        without_best=without,
        dearer=None if dearer is None else dearer.mean,
        events=tried.events,
        against_random=None if random is None else random.difference.mean,
    )
    gates = gates_of(figures, why, unit="R" if tried.unit == "R" else "share")
    return Luck(
        kind=tried.kind,
        subject=tried.subject,
        unit=tried.unit,
        first_day=tried.first_day,
        last_day=tried.last_day,
        result=found,
        interval=_interval(tried, seed) if tests else None,
        first_half=first,
        second_half=second,
        without_best=without,
        best_days=gone,
        dearer=dearer,
        deflated=deflated,
        overfitting=fits,
        superior=over_all,
        winners=() if over_all is None else tuple(tried.daily.names[k] for k in over_all.winners),
        random=random,
        best=best,
        choice=choice if choice is not None or moving < 2 else choose(tried.daily, returns),
        daily=tried.daily,
        ratios=ratios,
        gates=gates,
        verdict=verdict_of(gates),
        notes=notes,
    )


def _fits(returns: NDArray[np.floating], moving: int, seed: int, why: dict[str, str]) -> Overfitting | None:
    if moving < 2:
        why["pbo"] = "there was nothing to choose among"
        return None
    if len(returns) < 2 * BLOCKS:
        why["pbo"] = f"{len(returns)} days are too few for {BLOCKS} blocks"
        return None
    return overfitting(returns, seed=seed)


def _best(daily: Daily, ratios: F8) -> Best | None:
    if not len(ratios) or not (ratios != 0).any():
        return None
    column = int(ratios.argmax())
    net = daily.net.sum(axis=0, dtype=np.float64)
    return Best(
        column=column,
        name=daily.names[column],
        sharpe=float(ratios[column]),
        net=float(net[column]),
        net_middle=float(np.median(net)),
        share_positive=float((net > 0).mean()),
    )


def _deflated(series: F8, returns: NDArray[np.floating], ratios: F8, trials: int | None) -> Deflated | None:
    shape = shape_of(series)
    if shape is None:
        return None
    correlation, moving = mean_correlation(returns)
    made = max(trials or 0, moving, 1)
    independent = independent_trials(correlation, made)
    moved = ratios[ratios != 0]
    variance = trials_variance(moved, shape.days)
    return Deflated(
        shape=shape,
        trials=made,
        correlation=correlation,
        independent=independent,
        luckiest=luckiest_sharpe(independent, variance),
        psr=probabilistic_sharpe(shape),
        dsr=deflated_sharpe(shape, independent, variance),
    )


def _interval(tried: Tried, seed: int) -> tuple[float, float] | None:
    if not len(tried.values):
        return None
    size = tried.last_day - tried.first_day + 1
    at = np.clip(tried.days - tried.first_day, 0, size - 1)
    sums = np.bincount(at, weights=tried.values, minlength=size).astype(np.float64)
    counts = np.bincount(at, minlength=size).astype(np.float64)
    return ratio_interval(sums, counts, seed)


def luck_json(luck: Luck) -> dict[str, Any]:
    """`luck` as one JSON-ready object: ratios, probabilities and R as strings, counts as numbers, unknown as null."""
    deflated, fits, over_all, random, best = luck.deflated, luck.overfitting, luck.superior, luck.random, luck.best
    return {
        "verdict": luck.verdict,
        "headline": luck.headline,
        "kind": luck.kind,
        "subject": luck.subject,
        "unit": luck.unit,
        "start": _date(luck.first_day),
        "end": _date(luck.last_day),
        "gates": [
            {
                "name": gate.name,
                "title": gate.title,
                "figure": _figure(gate),
                "unit": gate.unit,
                "needed": gate.needed,
                "passed": gate.passed,
                "why": gate.why or None,
            }
            for gate in luck.gates
        ],
        "result": _clustered_json(luck.result),
        "interval": None if luck.interval is None else [_text(one) for one in luck.interval],
        "first_half": _text(luck.first_half),
        "second_half": _text(luck.second_half),
        "without_best": _text(luck.without_best),
        "best_days": luck.best_days,
        "dearer": None if luck.dearer is None else _clustered_json(luck.dearer),
        "sharpe": None if deflated is None else _deflated_json(deflated),
        "overfitting": None if fits is None else _overfitting_json(fits),
        "superior": None
        if over_all is None
        else {
            "p": _text(over_all.p),
            "winners": list(luck.winners),
            "columns": over_all.columns,
            "block_days": over_all.block_days,
        },
        "random": None
        if random is None
        else {
            "trades": random.trades,
            "draws": random.draws,
            "trades_mean": _text(random.trades_mean),
            "random_mean": _text(random.random_mean),
            "difference": _clustered_json(random.difference),
            "as_good_share": _text(random.as_good_share),
        },
        "best": None
        if best is None
        else {
            "name": best.name,
            "sharpe_daily": _text(best.sharpe),
            "net": f"{best.net:.2f}",
            "net_middle": f"{best.net_middle:.2f}",
            "share_positive": _text(best.share_positive),
            "columns": len(luck.ratios),
        },
        "walk_forward": None if luck.choice is None else _choice_json(luck),
        "notes": list(luck.notes),
    }


def _figure(gate: Gate) -> int | str | None:
    return round(gate.figure) if gate.unit == "count" and gate.figure is not None else _text(gate.figure)


def _clustered_json(found: Clustered) -> dict[str, Any]:
    figures = {name: _text(getattr(found, name)) for name in ("mean", "t", "low", "high")}
    return {"trades": found.trades, "days": found.days, **figures}


def _deflated_json(found: Deflated) -> dict[str, Any]:
    shape = found.shape
    return {
        "days": shape.days,
        "sharpe_daily": _text(shape.sharpe),
        "skew": _text(shape.skew),
        "kurtosis": _text(shape.kurtosis),
        "trials": found.trials,
        "correlation": _text(found.correlation),
        "trials_independent": _text(found.independent),
        "luckiest_daily": _text(found.luckiest),
        "psr": _text(found.psr),
        "dsr": _text(found.dsr),
    }


def _overfitting_json(found: Overfitting) -> dict[str, Any]:
    return {
        "pbo": _text(found.pbo),
        "chosen_mean_daily": _text(found.chosen_mean),
        "middle_mean_daily": _text(found.middle_mean),
        "loss_share": _text(found.loss_share),
        "splits": found.splits,
        "splits_there": found.splits_there,
    }


def _choice_json(luck: Luck) -> dict[str, Any]:
    choice = luck.choice
    assert choice is not None
    return {
        "folds": [
            {
                "start": _date(fold.first_day),
                "end": _date(fold.last_day),
                "chosen": luck.daily.names[fold.chosen],
                "past_days": fold.past_days,
                "past_sharpe_daily": _text(fold.past_sharpe),
                "sharpe_daily": _text(fold.test_sharpe),
            }
            for fold in choice.folds
        ],
        "return": _text(float(np.prod(1 + choice.returns)) - 1),
        "embargo_days": choice.embargo_days,
        "train_days": choice.train_days,
        "test_days": choice.test_days,
        "path_sharpes_daily": [_text(float(one)) for one in choice.path_sharpes],
    }


def _text(value: float | None) -> str | None:
    if value is None or value != value:
        return None
    text = f"{value:.6f}"
    return text.lstrip("-") if float(text) == 0 else text


def _date(day: int) -> str:
    return str(np.datetime64(day, "D"))
