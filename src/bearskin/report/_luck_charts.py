"""Charts of a result against luck, as plotly figures in plain dicts (see `_charts`)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bearskin.backtest import Luck
from bearskin.report._charts import Figure, digits, safe
from bearskin.report._luck_words import YEAR
from bearskin.report._words import Kind, number, shown

DAY_MS = 86_400_000
BINS = 40
TEXT_CELLS_MAX = 150  # beyond, the figures of a surface are told on hover only
F8 = NDArray[np.float64]


def walk_figure(luck: Luck) -> Figure:
    """What the choice by the past earned, and over the same days the best in hindsight and the middle column."""
    choice, best = luck.choice, luck.best
    assert choice is not None
    assert best is not None
    returns = luck.daily.returns()
    rows = choice.days - int(luck.daily.days[0])
    middle = int(np.argsort(luck.ratios, kind="stable")[len(luck.ratios) // 2])
    at = [int(day) * DAY_MS for day in choice.days]
    data = [
        _line("Middle of all", at, returns[rows, middle], "var(--muted)", "dot", luck.daily.names[middle]),
        _line("Best, known afterwards", at, returns[rows, best.column], "var(--short)", "dash", best.name),
        _line("Chosen by the past", at, choice.returns, "var(--accent)", "solid", "the walk forward"),
    ]
    shapes = [_upright(fold.first_day * DAY_MS) for fold in choice.folds[1:]]
    return _figure(
        data,
        420,
        hovermode="x unified",
        xaxis={"type": "date"},
        yaxis={"title": {"text": "Gain since the first fold, %"}, "zeroline": True},
        shapes=shapes,
    )


def _line(name: str, at: list[int], returns: NDArray[np.floating], colour: str, dash: str, what: str) -> Figure:
    gained = 100 * (np.cumprod(1 + returns.astype(np.float64)) - 1)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": at,
        "y": digits(gained.tolist(), 5),
        "line": {"color": colour, "width": 1.8, "dash": dash},
        "hovertemplate": f"%{{y:.2f}} % ({safe(what)})",
    }


def _upright(x: float, colour: str = "var(--grid)", dash: str = "solid") -> Figure:
    return {
        "type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "layer": "below",
        "line": {"color": colour, "width": 1.5, "dash": dash},
    }  # fmt: skip


def all_figure(luck: Luck) -> Figure:
    """The Sharpe ratio by the year of everything that was tried, the best of them, and what luck alone would show."""
    ratios = luck.ratios * YEAR
    ends = [float(ratios.min()), float(ratios.max())]
    marks = [(ends[1], "best", "var(--short)", "dash")]
    if luck.deflated is not None:
        lucky = luck.deflated.luckiest * YEAR
        ends = [min(ends[0], 0.0), max(ends[1], lucky)]
        marks.append((lucky, "luckiest expected", "var(--net)", "dot"))
    data = [_bars(ratios, ends, "tried")]
    return _figure(
        data,
        340,
        compact=True,
        showlegend=False,
        xaxis={"title": {"text": "Sharpe ratio, by the year"}, "zeroline": True},
        yaxis={"title": {"text": "Set-ups and sides" if luck.kind == "backtest" else "Combinations"}},
        shapes=[_upright(x, colour, dash) for x, _, colour, dash in marks],
        annotations=[_label(x, text, colour, k) for k, (x, text, colour, _) in enumerate(marks)],
    )


def _label(x: float, text: str, colour: str, line: int) -> Figure:
    return {
        "x": x, "y": 1 - 0.09 * line, "yref": "paper", "text": text, "showarrow": False, "xanchor": "right",
        "yanchor": "top", "xshift": -4, "font": {"color": colour, "size": 12},
    }  # fmt: skip


def _bars(values: F8, ends: list[float], what: str) -> Figure:
    room = max(ends[1] - ends[0], 1e-6)
    edges = np.linspace(ends[0] - 0.02 * room, ends[1] + 0.02 * room, min(BINS, max(8, len(values))) + 1)
    counts, _ = np.histogram(values, bins=edges)
    width = float(edges[1] - edges[0])
    return {
        "type": "bar",
        "x": digits(((edges[:-1] + edges[1:]) / 2).tolist()),
        "y": [int(one) for one in counts],
        "width": width * 0.94,
        "marker": {"color": "var(--candle)"},
        "hovertemplate": f"%{{x:.2f}}: %{{y:,}} {what}<extra></extra>",
    }


def logits_figure(luck: Luck) -> Figure:
    """Where the best of one half stood in the other: left of zero below the middle."""
    assert luck.overfitting is not None
    logits = luck.overfitting.logits
    far = max(float(np.abs(logits).max()), 1.0)
    edges = np.linspace(-far, far, BINS + 1)  # zero is an edge: no bar holds both
    below, above = (np.histogram(logits[here], bins=edges)[0] for here in (logits <= 0, logits > 0))
    middles = digits(((edges[:-1] + edges[1:]) / 2).tolist())
    data: list[Figure] = [
        {
            "type": "bar",
            "name": name,
            "x": middles,
            "y": [int(one) for one in counts],
            "width": float(edges[1] - edges[0]) * 0.94,
            "marker": {"color": colour},
            "hovertemplate": "%{y:,} splits<extra></extra>",
        }
        for name, counts, colour in (("below the middle", below, "var(--loss)"), ("above it", above, "var(--candle)"))
    ]
    return _figure(
        data,
        340,
        compact=True,
        barmode="stack",
        xaxis={"title": {"text": "Logit of the rank in the other half"}, "zeroline": True},
        yaxis={"title": {"text": "Splits"}},
    )


def paths_figure(luck: Luck) -> Figure:
    """The Sharpe ratio of every whole path of combinatorial purged cross-validation."""
    assert luck.choice is not None
    ratios = np.sort(luck.choice.path_sharpes) * YEAR
    data: list[Figure] = []
    for gains, colour in ((False, "var(--loss)"), (True, "var(--gain)")):
        here = [k for k, one in enumerate(ratios) if bool(one > 0) == gains]
        data.append(
            {
                "type": "bar",
                "x": [f"path {k + 1}" for k in here],
                "y": digits([float(ratios[k]) for k in here], 4),
                "marker": {"color": colour},
                "hovertemplate": "%{x}: %{y:.2f}<extra></extra>",
            }
        )
    return _figure(
        data,
        340,
        compact=True,
        showlegend=False,
        xaxis={"showticklabels": False, "title": {"text": "Paths through history, sorted"}},
        yaxis={"title": {"text": "Sharpe ratio, by the year"}, "zeroline": True},
    )


def surface_figure(rows: pl.DataFrame, x: str, y: str, measure: str) -> Figure:
    """The median of `measure` (r_mean or net) over everything else, by two axes; hover tells how many trades."""
    cells = (
        rows.group_by(x, y)
        .agg(pl.col(measure).median().alias("middle"), pl.col("trades").sum(), pl.len().alias("of"))
        .sort(y, x)
    )
    across, down = (sorted(rows[name].unique().to_list(), key=_order) for name in (x, y))
    found: Mapping[tuple[object, object], dict[str, object]] = {
        (row[x], row[y]): row for row in cells.iter_rows(named=True)
    }
    kind = Kind.R if measure == "r_mean" else Kind.MONEY
    figures = [[found.get((a, b)) for a in across] for b in down]
    texts = [[_cell(one, kind) for one in line] for line in figures]
    far = 1.5 * max((abs(number(row["middle"]) or 0.0) for row in cells.iter_rows(named=True)), default=0.0) or 1.0
    many = len(across) * len(down) > TEXT_CELLS_MAX
    return _figure(
        [
            {
                "type": "heatmap",
                "x": [_word(one) for one in across],
                "y": [_word(one) for one in down],
                "z": [digits([None if one is None else one["middle"] for one in line], 4) for line in figures],
                "text": texts,
                "texttemplate": "" if many else "%{text}",
                "hovertemplate": f"{safe(x)} %{{x}}, {safe(y)} %{{y}}<br>%{{text}}<extra></extra>",
                "zmin": -far,
                "zmax": far,
                "colorscale": [[0, "var(--loss)"], [0.5, "var(--panel)"], [1, "var(--gain)"]],
                "showscale": False,
                "xgap": 2,
                "ygap": 2,
                "textfont": {"size": 11, "color": "var(--text)"},
            }
        ],
        max(240, min(640, 90 + 46 * len(down))),
        compact=True,
        xaxis={"title": {"text": safe(x)}, "type": "category", "showgrid": False},
        yaxis={"title": {"text": safe(y)}, "type": "category", "showgrid": False},
    )


def _order(value: object) -> tuple[bool, bool, float, str]:
    number = isinstance(value, int | float)
    return (value is None, not number, float(value) if isinstance(value, int | float) else 0.0, str(value))


def _word(value: object) -> str:
    return "none" if value is None else safe(f"{value:g}" if isinstance(value, float) else value)


def _cell(row: dict[str, object] | None, kind: Kind) -> str:
    if row is None:
        return ""
    return f"{shown(kind, row['middle'], signed=True)}<br>n {shown(Kind.COUNT, row['trades'])}"


def _figure(data: list[Figure], height_px: int, *, compact: bool = False, **layout: object) -> Figure:
    return {"data": data, "layout": {"height": height_px, **layout}, "compact": compact}
