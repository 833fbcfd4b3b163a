"""The page of a result against luck: the verdict and its gates lead, the best row comes where it belongs."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from bearskin.backtest import Choice, Luck, Sweep
from bearskin.report._charts import Figure
from bearskin.report._html import Markup, el, join
from bearskin.report._luck_charts import all_figure, logits_figure, paths_figure, surface_figure, walk_figure
from bearskin.report._luck_words import (
    Row,
    by_year,
    gate_figure,
    gate_needed,
    many_rows,
    period,
    random_rows,
    result_rows,
    walk_rows,
)
from bearskin.report._sheet import FOOTER, NO_SCRIPT, chart, navigation, script_data, whole_page
from bearskin.report._words import Kind, prose, shown
from bearskin.terms import BadInput

PAGE = "luck.html"
SURFACES_MAX = 45
ALONE = ""  # the other axis of a sweep with one axis
ROWS_MAX = 300_000  # combinations whose surfaces are drawn

_GLOSSARY = (
    ("R", "Net result over what the trade would have lost at its stop."),
    ("t", "The mean over its standard error, trades of one day over all symbols counted as one event."),
    (
        "Deflated Sharpe ratio",
        "Chance that the true Sharpe ratio exceeds zero, after so many trials.",
    ),
    ("PBO", "Share of splits of history in which the best of one half is below the middle of the other half."),
    ("Walk forward", "In every fold the column with the best past is chosen and traded on the days that follow."),
    ("Paths", "Whole courses through history, every stretch traded by what was best outside of it, purged, embargoed."),
    ("Superior ability", "Chance that the best of worthless columns looks this good (Hansen 2005)."),
    ("Random entries", "The same trades at random moments within 30 days: same side, stop, targets and costs."),
)


def luck_page(luck: Luck, sweep: Sweep | None = None) -> str:
    """`luck` as one self-contained HTML page, its text; with `sweep` the surfaces of its axes are on it."""
    figures: dict[str, Figure] = {}
    title = f"{luck.verdict.capitalize().partition(':')[0]}, {period(luck)}"
    return whole_page(
        title,
        _headline(luck),
        navigation(_places(luck, sweep)),
        el(
            "main",
            _gates(luck),
            _figures_part(luck),
            _walk_part(luck, figures),
            _shapes(luck, figures),
            _surfaces(sweep) if sweep is not None else None,
            _trust(luck),
            el("noscript", el("p", NO_SCRIPT)),
        ),
        el("footer", FOOTER),
        script_data("figures", figures),
    )


def write_luck(luck: Luck, folder: Path, sweep: Sweep | None = None) -> Path:
    """Write the page into `folder`, complete or not at all; its path. Raises BadInput where it cannot be written."""
    text = luck_page(luck, sweep)
    place, part = folder / PAGE, folder / f".{PAGE}.{os.getpid()}.part"
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(place)
    except OSError as broken:
        why = broken.strerror or str(broken)
        raise BadInput(f"cannot write {place}: {why}; --no-html leaves the page out") from broken
    finally:
        part.unlink(missing_ok=True)
    return place


def _places(luck: Luck, sweep: Sweep | None) -> list[tuple[str, str]]:
    places = [("gates", "Gates"), ("figures-part", "Figures")]
    if luck.choice is not None:
        places += [("walk", "Walk forward")]
    places += [("shape", "All that was tried")]
    if sweep is not None:
        places += [("surfaces", "Surfaces")]
    return [*places, ("trust", "Assumptions")]


def _headline(luck: Luck) -> Markup:
    one = luck.deflated
    rows = [
        ("Judged", luck.subject),
        ("Period", f"{period(luck)} (UTC)"),
        ("Trades" if luck.unit == "R" else "Days", f"{luck.result.trades:,}"),
        ("Tried", "1" if one is None else f"{one.trials:,}"),
    ]
    return el(
        "header",
        el("div", f"bearskin · luck of a {luck.kind}", class_="brand"),
        el("h1", luck.verdict.partition(":")[0].capitalize()),
        el("dl", [el("div", el("dt", name), el("dd", text)) for name, text in rows], class_="facts"),
        el("div", el("h2", "What this shows"), el("p", prose(_said(luck))), class_="evidence", role="note"),
        class_="top",
    )


def _said(luck: Luck) -> str:
    """The honest sentence."""
    passed = sum(gate.passed for gate in luck.gates)
    mean, t = gate_figure(luck.gates[0]), gate_figure(luck.gates[1])
    each = "a trade" if luck.unit == "R" else "a day"
    head = f"{luck.verdict.capitalize()}. {passed} of {len(luck.gates)} gates passed; {mean} {each}, t {t}."
    if luck.kind == "backtest":
        return head
    return f"{head} Judged is the choice by the past, traded on what came next, never the best row."


def _gates(luck: Luck) -> Markup:
    head = el(
        "tr",
        el("th", "", scope="col"),
        el("th", "Gate", scope="col"),
        el("th", "Figure", scope="col", class_="num"),
        el("th", "Needed", scope="col"),
    )
    body = []
    for gate in luck.gates:
        mark = el("td", "✓ passed" if gate.passed else "✕ no", class_="gain" if gate.passed else "loss")
        title = join(gate.title, el("div", prose(gate.why), class_="quiet small") if gate.why else None)
        body.append(
            el(
                "tr",
                mark,
                el("td", title, class_="gate"),
                el("td", gate_figure(gate), class_="num"),
                el("td", gate_needed(gate)),
            )
        )
    count = sum(gate.passed for gate in luck.gates)
    return el(
        "section",
        el("h2", f"Gates: {count} of {len(luck.gates)} passed"),
        el("div", el("table", el("thead", head), el("tbody", body)), class_="scroll gates", tabindex="0"),
        el("p", "All must be passed before anyone speaks of an edge.", class_="quiet after"),
        id="gates",
    )


def _figures_part(luck: Luck) -> Markup:
    parts = (
        ("The result", result_rows(luck)),
        ("Against random entries", random_rows(luck)),
        ("After everything that was tried", many_rows(luck)),
        ("Chosen by the past", walk_rows(luck)),
    )
    return el(
        "div",
        [el("section", el("h2", title), _rows(rows)) for title, rows in parts if rows],
        class_="pair",
        id="figures-part",
    )


def _rows(rows: list[Row]) -> Markup:
    body = [
        el(
            "tr",
            el("td", what),
            el("td", figure, class_=f"num {_tone(figure)}".strip()),
            el("td", prose(how), class_="how"),
        )
        for what, figure, how in rows
    ]
    return el("div", el("table", el("tbody", body), class_="figures"), class_="scroll", tabindex="0")


def _number(figure: str) -> Markup:
    return el("td", figure, class_=f"num {_tone(figure)}".strip())


def _tone(figure: str) -> str:
    return "" if " to " in figure else "gain" if figure.startswith("+") else "loss" if figure.startswith("−") else ""


def _walk_part(luck: Luck, figures: dict[str, Figure]) -> Markup | None:
    if luck.choice is None or luck.best is None:
        return None
    learnt = "all the past" if luck.choice.train_days is None else f"the last {luck.choice.train_days} days"
    caption = (
        f"In every fold (between the upright lines) the best of {learnt} until {luck.choice.embargo_days} days before, "
        "is traded. Dashed: the best row over everything, which nobody could have known."
    )
    drawn = chart(figures, "walk", walk_figure(luck), caption, "Gain of the walk forward over time")
    return el("section", el("h2", "Walk forward"), drawn, id="walk")


def _shapes(luck: Luck, figures: dict[str, Figure]) -> Markup | None:
    parts: list[tuple[str, Markup]] = []
    if luck.best is not None and len(luck.ratios) > 1:
        caption = (
            f"The best row ({luck.best.name}) stands at {by_year(luck.best.sharpe)}. Dotted: what the best of as many "
            "worthless trials is expected to show."
        )
        parts.append(("All that was tried", chart(figures, "all", all_figure(luck), caption, "All Sharpe ratios")))
    if luck.overfitting is not None:
        share = shown(Kind.FRAC, luck.overfitting.pbo)
        caption = (
            f"Where the best of one half of history stood in the other half. Left of zero, below the middle: {share}."
        )
        parts.append(("Overfitting", chart(figures, "logits", logits_figure(luck), caption, "Logits of ranks")))
    if luck.choice is not None:
        caption = "Every path trades each stretch by what was best outside of it, purged and embargoed."
        drawn = chart(figures, "paths", paths_figure(luck), caption, "Sharpe ratios of paths")
        parts.append(("Paths through history", drawn))
        parts.append(("Folds", _folds(luck.choice, luck.daily.names)))
    if not parts:
        return None
    return el("div", [el("section", el("h2", head), one) for head, one in parts], class_="pair", id="shape")


def _surfaces(sweep: Sweep) -> Markup | None:
    axes = [name for name, values in sweep.axes.items() if len(values) > 1]
    if sweep.tried > ROWS_MAX or not axes:
        return None
    rows = sweep.combinations.collect()
    pairs = list(itertools.combinations(axes, 2))[:SURFACES_MAX]
    if not pairs:
        rows, pairs = rows.with_columns(pl.lit("").alias(ALONE)), [(axes[0], ALONE)]
    words = {"r_mean": "mean R", "net": "net"}
    shown_pairs = [(surface_figure(rows, x, y, measure), x, y, measure) for x, y in pairs for measure in words]
    options = [
        el("option", f"{words[measure]} by {x}{' and ' if y else ''}{y}", value=k)
        for k, (_, x, y, measure) in enumerate(shown_pairs)
    ]
    return el(
        "section",
        el("h2", "Surfaces"),
        el("div", el("label", "Surface", el("select", options, id="surface", autocomplete="off")), class_="tools"),
        el(
            "figure",
            el("div", id="chart-surface", role="img", aria_label="Median result by two axes"),
            el(
                "figcaption",
                "Each cell: the median over all combinations with these two values, and their trades together. A lone "
                "good cell among bad ones is luck; a slope or a plain may be more.",
            ),
            class_="chart",
        ),
        [script_data(f"surface-{k}", figure) for k, (figure, *_) in enumerate(shown_pairs)],
        id="surfaces",
    )


def _folds(choice: Choice, columns: Sequence[str]) -> Markup:
    """What was chosen in each fold."""
    words, figures = ("From", "To", "Chosen"), ("Days learnt from", "Sharpe there", "Sharpe after")
    head = el(
        "tr",
        [el("th", one, scope="col") for one in words],
        [el("th", one, scope="col", class_="num") for one in figures],
    )
    body = []
    for fold in choice.folds:
        first, last = (str(np.datetime64(day, "D")) for day in (fold.first_day, fold.last_day))
        told = (f"{fold.past_days:,}", by_year(fold.past_sharpe), by_year(fold.test_sharpe))
        chosen = columns[fold.chosen]
        body.append(el("tr", [el("td", one) for one in (first, last, chosen)], [_number(one) for one in told]))
    return el("div", el("table", el("thead", head), el("tbody", body)), class_="scroll", tabindex="0")


def _trust(luck: Luck) -> Markup:
    said = [
        *luck.notes,
        "daily returns are the net of the trades that ended on a day (UTC) over the account as the day began",
        "nothing here counts what was tried before or beside this folder",
        "one history, and symbols that survived it",
    ]
    return el(
        "section",
        el("h2", "Assumptions and labels"),
        el("ul", [el("li", prose(one)) for one in said], class_="said", id="assumptions"),
        el(
            "details",
            el("summary", "What the words mean"),
            el("dl", [[el("dt", a), el("dd", b)] for a, b in _GLOSSARY], class_="words"),
        ),
        id="trust",
    )
