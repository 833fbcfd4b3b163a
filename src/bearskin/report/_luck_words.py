"""A result against luck in words and rows: one place for the terminal and the page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bearskin.report._words import NOTHING, Kind, shown

if TYPE_CHECKING:
    from bearskin.backtest import Gate, Luck

YEAR = math.sqrt(365)
KINDS = {"R": Kind.R, "t": Kind.RATIO, "share": Kind.FRAC, "count": Kind.COUNT}
Row = tuple[str, str, str]  # what, figure, how to read it


def gate_figure(gate: Gate) -> str:
    """The figure of a gate as it is shown; chances go without a sign."""
    signed = gate.unit in ("R", "t") or (gate.unit == "share" and gate.name not in ("dsr", "pbo"))
    return shown(KINDS[gate.unit], gate.figure, signed=signed)


def gate_needed(gate: Gate) -> str:
    """What the gate asks for, shares in per cent as its figure is."""
    if gate.name in ("dsr", "pbo"):
        word, _, least = gate.needed.rpartition(" ")
        return f"{word} {float(least):.0%}".replace("%", " %")
    return gate.needed


def of_unit(luck: Luck, value: float | None) -> str:
    """A mean of the result: R per trade, or per cent of a day."""
    return shown(Kind.R if luck.unit == "R" else Kind.FRAC, value, signed=True)


def period(luck: Luck) -> str:
    """The days that are judged."""
    import numpy as np

    return f"{np.datetime64(luck.first_day, 'D')} to {np.datetime64(luck.last_day, 'D')}"


def by_year(ratio: float | None) -> str:
    """A Sharpe ratio per day, by the year of 365 days."""
    return NOTHING if ratio is None else shown(Kind.RATIO, ratio * YEAR, signed=True)


def result_rows(luck: Luck) -> list[Row]:
    """The result itself: mean, errors, halves, best days, costs."""
    each = "a trade" if luck.unit == "R" else "a day"
    found = luck.result
    rows = [
        (
            f"Mean of {each}",
            of_unit(luck, found.mean),
            f"{found.trades:,} trades on {found.days:,} days" if luck.unit == "R" else f"{found.days:,} days",
        ),
        (
            "t with days as clusters",
            shown(Kind.RATIO, found.t, signed=True),
            "below 2 nothing is shown; 3 is asked for",
        ),
        ("95 % by clustered error", _bounds(luck, found.low, found.high), "a range with zero in it shows nothing"),
    ]
    if luck.interval is not None:
        rows.append(("95 % by stationary bootstrap", _bounds(luck, *luck.interval), "days drawn again in blocks"))
    rows += [
        ("First half", of_unit(luck, luck.first_half), "of the days"),
        ("Second half", of_unit(luck, luck.second_half), "an edge is there in both"),
        ("Without the best days", of_unit(luck, luck.without_best), f"{luck.best_days:,} days left out (5 %)"),
    ]
    if luck.dearer is not None:
        more = f"{luck.dearer.trades:,} trades made again, t {shown(Kind.RATIO, luck.dearer.t, signed=True)}"
        rows.append(("Costs times 1.5", of_unit(luck, luck.dearer.mean), more))
    return rows


def random_rows(luck: Luck) -> list[Row]:
    """Against random entries."""
    found = luck.random
    if found is None:
        return []
    gap = found.difference
    return [
        ("Random entries, mean", shown(Kind.R, found.random_mean, signed=True), f"{found.draws} draws of each trade"),
        (
            "Better than these by",
            shown(Kind.R, gap.mean, signed=True),
            f"t {shown(Kind.RATIO, gap.t, signed=True)}, 95 % {_bounds(luck, gap.low, gap.high)}",
        ),
        (
            "Random sets as good",
            shown(Kind.FRAC, found.as_good_share),
            "of whole sets of random trades that did at least as well",
        ),
    ]


def many_rows(luck: Luck) -> list[Row]:
    """What is left after so many were tried."""
    rows: list[Row] = []
    one = luck.deflated
    if one is not None:
        whose = "the best combination" if luck.kind == "sweep" else "all trades together"
        rows += [
            ("Trials", shown(Kind.COUNT, one.trials), f"worth {one.independent:,.1f} independent ones"),
            ("Sharpe ratio, by the year", by_year(one.shape.sharpe), f"of {whose}, {one.shape.days:,} days"),
            (
                "The luckiest of as many",
                shown(Kind.RATIO, one.luckiest * YEAR),
                "expected of the best of worthless trials",
            ),
            ("Probabilistic Sharpe ratio", shown(Kind.FRAC, one.psr), "chance of a true ratio above zero, tried once"),
            ("Deflated Sharpe ratio", shown(Kind.FRAC, one.dsr), "the same after all the trials"),
        ]
    fits = luck.overfitting
    if fits is not None:
        some = f"{fits.splits:,} splits" if fits.splits == fits.splits_there else f"{fits.splits:,} splits drawn"
        rows += [
            ("Overfitting (PBO)", shown(Kind.FRAC, fits.pbo), f"the best past is below the middle after; {some}"),
            ("Best of the past, after", by_year(fits.chosen_mean), f"Sharpe; the middle {by_year(fits.middle_mean)}"),
        ]
    over_all = luck.superior
    if over_all is not None:
        winners = ", ".join(luck.winners[:3]) or "none"
        how = f"Hansen's test of {over_all.columns:,}; stepwise: {winners}"
        rows.append(("Superior ability, p", shown(Kind.RATIO, over_all.p), how))
    return rows


def walk_rows(luck: Luck) -> list[Row]:
    """What choosing by the past would have earned."""
    choice, best = luck.choice, luck.best
    rows: list[Row] = []
    if best is not None:
        column = "set-up and side" if luck.kind == "backtest" else "combination"
        rows.append(("Best in hindsight", by_year(best.sharpe), f"{column} {best.name}"))
        rows.append(("Made money", shown(Kind.FRAC, best.share_positive), f"of {len(luck.ratios):,} columns"))
    if choice is not None:
        import numpy as np

        gained = float(np.prod(1 + choice.returns)) - 1
        low, middle, high = (float(one) for one in np.quantile(choice.path_sharpes, (0, 0.5, 1)))
        paths = f"{by_year(low)} to {by_year(high)} over {len(choice.path_sharpes)} paths"
        rows += [
            ("Walk forward", shown(Kind.FRAC, gained, signed=True), f"{len(choice.folds)} folds, by the past alone"),
            ("Paths, Sharpe by the year", by_year(middle), paths),
        ]
    return rows


def _bounds(luck: Luck, low: float | None, high: float | None) -> str:
    return NOTHING if low is None or high is None else f"{of_unit(luck, low)} to {of_unit(luck, high)}"
