"""`luck`: how much of a result is luck, from the folder of a backtest or of a sweep."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearskin.app._backtest import Progress, panels_of, planned, warm_up
from bearskin.app._home import user_path
from bearskin.terms import DAY_NS, BadInput, BearskinError, parse_time

if TYPE_CHECKING:
    from bearskin.backtest import Luck, Sweep

logger = logging.getLogger("bearskin.app")
SUMMARY, TRADES, ABOUT = "summary.json", "trades.parquet", "sweep.json"
NEEDS_TRADES = ("dearer", "against_random")


@dataclass(frozen=True, slots=True, kw_only=True)
class LuckReport:
    """A result against luck and the files it was written to; `surfaces` are a sweep's figures by its axes."""

    luck: Luck
    folder: Path
    page: Path | None
    sweep: Sweep | None = None

    def to_json(self) -> dict[str, Any]:
        """The object `luck --json` prints."""
        from bearskin.backtest import luck_json

        return {
            **luck_json(self.luck),
            "folder": str(self.folder),
            "page": None if self.page is None else str(self.page),
        }


def luck(
    folder: Path | str,
    *,
    trials: int | None = None,
    draws: int = 50,
    train_days: int | None = None,
    test_days: int | None = None,
    embargo: int | None = None,
    again: bool = True,
    seed: int = 1,
    html: bool = True,
    home: Path | str | None = None,
    store: Path | str | None = None,
    progress: Progress | None = None,
) -> LuckReport:
    """How much of the backtest or sweep in `folder` is luck: figures, gates, a verdict, and a page `luck.html` there.

    `trials` is how many things were tried to come to a backtest; a sweep knows its own. `again` trades the same again
    from the store for the costs times 1.5 and for `draws` random entries of every trade; without it those gates are
    not passed. `train_days` is how many days a sweep's walk forward learns from (all the past by default), `test_days`
    how long its folds are (30) and `embargo` how many days before a fold are left out (5). Raises BadInput.
    """
    place = user_path(folder)
    told = None if progress is None else lambda what, done, total: progress(what, done, total or None)
    given = {"draws": draws, "seed": seed, "progress": told}
    forward = {"train_days": train_days, "test_days": test_days, "embargo_days": embargo}
    forward = {name: value for name, value in forward.items() if value is not None}
    sweep = None
    if (place / ABOUT).exists():
        from bearskin.backtest import read_sweep

        sweep = read_sweep(place)
        found = _of_sweep(sweep, trials, again, home, store, given | forward)
    elif (place / SUMMARY).exists() and (place / TRADES).exists():
        if forward:
            word = {"embargo_days": "embargo"}.get(next(iter(forward)), next(iter(forward))).replace("_", "-")
            raise BadInput(f"--{word} is for the walk forward of a sweep: this folder holds a backtest")
        found = _of_backtest(place, trials, again, home, store, given)
    else:
        raise BadInput(f"{place} holds neither a backtest ({SUMMARY}, {TRADES}) nor a sweep ({ABOUT})")
    return LuckReport(luck=found, folder=place, page=_written(place, found, sweep) if html else None, sweep=sweep)


def _of_backtest(
    place: Path,
    trials: int | None,
    again: bool,
    home: Path | str | None,
    store: Path | str | None,
    given: dict[str, Any],
) -> Luck:
    from bearskin import backtest

    summary = _summary(place)
    why = "left out: --no-again"
    asked = summary.get("asked")
    if again and isinstance(asked, dict):
        try:
            plan = planned(asked, home, store or asked["store"])
            panels, book, _ = panels_of(plan, given["progress"])
            warm_up()
            made = backtest.luck_of_backtest(plan.request, panels, book, trials=trials, **given)
        except BearskinError as error:
            why = f"the backtest cannot be made again: {error}"
            logger.warning("%s", why)
        else:
            return _compared(made.luck, made.trades, place)
    elif again:
        why = "the folder does not say how the backtest was made, so it cannot be made again"
    return _as_it_stands(place, summary, trials, why, given["seed"])


def _compared(found: Luck, trades: Any, place: Path) -> Luck:
    """`found`, with a note where the trades made again are not those in the folder."""
    import dataclasses

    import polars as pl

    then = pl.read_parquet(place / TRADES, columns=["net"])["net"]
    if len(then) == trades.height and abs(float(then.sum()) - float(trades["net"].sum())) < 0.01 * max(1, len(then)):
        return found
    note = (
        f"made again there are {trades.height:,} trades, in the folder {len(then):,}: data or code have changed since;"
        " judged are those made again"
    )
    return dataclasses.replace(found, notes=(*found.notes, note))


def _as_it_stands(place: Path, summary: dict[str, Any], trials: int | None, why: str, seed: int) -> Luck:
    """From the trades in the folder alone."""
    import polars as pl

    from bearskin import backtest

    trades = pl.read_parquet(place / TRADES)
    if trades.is_empty() or trades["r"].drop_nulls().is_empty():
        raise BadInput(f"the backtest in {place} has no trade with a risk to measure its result by")
    first_day = parse_time(str(summary["start"])) // DAY_NS
    last_day = (parse_time(str(summary["end"])) - 1) // DAY_NS  # a close at midnight belongs to the day that ends
    tried = backtest.tried_trades(trades, float(summary["equity_start"]), first_day, last_day, trials)
    return backtest.luck_of(tried, why=dict.fromkeys(NEEDS_TRADES, why), notes=(why,), seed=seed)


def _summary(place: Path) -> dict[str, Any]:
    try:
        found = json.loads((place / SUMMARY).read_text(encoding="utf-8"))["summary"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{place / SUMMARY} is not the summary of a backtest ({error})") from None
    if not isinstance(found, dict):
        raise BadInput(f"{place / SUMMARY} is not the summary of a backtest")
    return found


def _of_sweep(
    sweep: Sweep,
    trials: int | None,
    again: bool,
    home: Path | str | None,
    store: Path | str | None,
    given: dict[str, Any],
) -> Luck:
    from bearskin import backtest, market
    from bearskin.app._sweep import planned_again

    if trials is not None:
        raise BadInput("a sweep counts its trials itself: leave --trials away")
    remaking = None
    if again:
        house, request, source = planned_again(sweep.folder, home, store)
        book = market.load_brackets(house.settings.brackets)
        remaking = backtest.Remaking(grid=request.grid, source=source, brackets=book, setup_files=request.setup_files)
        warm_up()
    return backtest.luck_of_sweep(sweep, remaking, **given)


def _written(place: Path, found: Luck, sweep: Sweep | None) -> Path:
    from bearskin import report

    return report.write_luck(found, place, sweep)
