"""The page of a study: one HTML file without scripts that asks the network for nothing."""

from __future__ import annotations

from importlib import resources
from typing import Any

import polars as pl

from bearskin import __version__
from bearskin.backtest import StudyResult
from bearskin.report._html import Markup, el, join
from bearskin.report._study_report import COLUMNS, GLOSSARY, SIGNED
from bearskin.terms import HOUR_NS

Row = dict[str, Any]
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_WIDTH, _LINE, _LEFT, _RIGHT = 900, 22, 250, 24


def study_html(result: StudyResult) -> str:
    """`result` as one self-contained page: verdicts, what was measured at each horizon, a picture of the headline."""
    headline = result.request.headline_ns / HOUR_NS
    hours = [headline, *(one / HOUR_NS for one in result.request.horizons_ns if one / HOUR_NS != headline)]
    main = result.table.filter(pl.col("horizon_h") == headline)
    body = join(
        el(
            "header",
            el("div", "bearskin · study", class_="brand"),
            el("h1", "What followed the set-ups"),
            el("div", el("h2", "What this shows"), el("p", _shows(result)), class_="evidence", role="note"),
            class_="top",
        ),
        el(
            "main",
            el("section", el("h2", f"Excess over random entries, {headline:g} h"), _picture(main), class_="chart"),
            [_section(result, one, verdict=one == headline) for one in hours],
            el("section", el("h2", "Notes"), el("ul", [el("li", one) for one in result.notes], class_="said")),
            el("section", el("h2", "Columns"), el("dl", [[el("dt", a), el("dd", b)] for a, b in GLOSSARY])),
        ),
        el("footer", f"Made by bearskin {__version__}. Research, not advice. This file is complete: it loads nothing."),
    )
    head = join(
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", "Study of the set-ups"),
        el("style", Markup(resources.files("bearskin.report").joinpath("_page.css").read_text(encoding="utf-8"))),
    )
    return f"<!doctype html>\n{el('html', el('head', head), el('body', body), lang='en')}\n"


def _shows(result: StudyResult) -> str:
    counts: dict[str, int] = {}
    for one in result.evidence:
        counts[one.verdict] = counts.get(one.verdict, 0) + 1
    told = "; ".join(f"{verdict}: {count}" for verdict, count in counts.items())
    return f"Of {len(result.evidence)} set-ups and sides, {told}." if counts else "Nothing was studied."


def _section(result: StudyResult, hours: float, *, verdict: bool) -> Markup:
    rows = result.table.filter(pl.col("horizon_h") == hours)
    names = [name for name, _, _ in COLUMNS]
    titles = ["set-up", "side", *names, *(["verdict"] if verdict else [])]
    head = el("tr", [el("th", name, scope="col") for name in titles])
    lines = []
    for row in rows.iter_rows(named=True):
        cells = [el("td", row["setup"]), el("td", row["side"], class_=row["side"])]
        cells += [_cell(name, show(row)) for name, show, _ in COLUMNS]
        lines.append(el("tr", [*cells, *([el("td", row["verdict"])] if verdict else [])]))
    table = el("table", el("thead", head), el("tbody", lines))
    return el("section", el("h2", f"Over {hours:g} h"), el("div", table, class_="scroll", tabindex="0"))


def _cell(name: str, text: str) -> Markup:
    tone = {"+": " gain", "−": " loss"}.get(text[:1], "") if name in SIGNED else ""
    return el("td", text, class_=f"num{tone}")


def _picture(rows: pl.DataFrame) -> Markup:
    """Excess with two standard errors, a line per set-up and side; filled where the adjusted p is below 0.05."""
    drawn = [row for row in rows.iter_rows(named=True) if row["t"] and row["p"] is not None]
    if not drawn:
        return el("p", "No row has enough cases to be drawn.")
    errors = [abs(row["excess_bp"] / row["t"]) for row in drawn]
    reach = max(abs(row["excess_bp"]) + 2 * error for row, error in zip(drawn, errors, strict=True))
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    scale = (_WIDTH - _RIGHT - _LEFT) / 2 / reach
    shapes: list[Markup] = [_line(middle, 8, middle, 8 + _LINE * len(drawn), "var(--muted)")]
    for k, (row, error) in enumerate(zip(drawn, errors, strict=True)):
        y = 8 + _LINE * (k + 0.5)
        x = middle + row["excess_bp"] * scale
        colour = f"var(--{row['side']})"
        name = f"{row['setup']}, {row['side']}"
        fill = colour if row["p_holm"] < 0.05 else "var(--panel)"
        shapes.append(el("text", name, x=8, y=y + 4, fill="currentColor", font_size=13))
        shapes.append(_line(x - 2 * error * scale, y, x + 2 * error * scale, y, colour))
        shapes.append(el("circle", cx=f"{x:.1f}", cy=y, r=4, fill=fill, stroke=colour, stroke_width=2))
    bottom = 8 + _LINE * len(drawn) + 18
    shapes.append(el("text", "0", x=middle - 4, y=bottom, fill="currentColor", font_size=12))
    shapes.append(el("text", f"+{reach:.0f} bp", x=_WIDTH - 80, y=bottom, fill="currentColor", font_size=12))
    label = "Excess of each set-up and side over random entries with two standard errors"
    picture = el("svg", shapes, viewBox=f"0 0 {_WIDTH} {bottom + 8}", role="img", aria_label=label, width="100%")
    caption = "Lines are two standard errors. Filled: told from luck among all tests. Hollow: not."
    return el("figure", picture, el("figcaption", caption))


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> Markup:
    return el("line", x1=f"{x1:.1f}", y1=y1, x2=f"{x2:.1f}", y2=y2, stroke=colour, stroke_width=2)
