"""A study for eyes and for scripts: terminal tables, one JSON object, files, a dated page in Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bearskin import __version__
from bearskin.backtest import StudyResult
from bearskin.report._terminal import WIDE, Fitted, bulleted, empty_table, toned
from bearskin.report._words import NOTHING, clean
from bearskin.setups import evidence_json
from bearskin.terms import HOUR_NS, BadInput

Row = dict[str, Any]
ALL_AGAIN = "all replication sets"
WIDEST = 180  # room for every column
_COUNTS = ("n", "days", "symbols", "later_n", "funded_n", "asked_n")
_WORDS = ("set", "role", "setup", "side", "start", "end", "verdict", "interval")


def bp(value: float | None) -> str:
    """Basis points with their sign."""
    return NOTHING if value is None else f"{round(value):+d}".replace("-", "−").replace("+0", "0")


def ratio(value: float | None, digits: int = 1) -> str:
    """A t or an R with its sign."""
    return NOTHING if value is None else f"{value:+.{digits}f}".replace("-", "−")


def chance(value: float | None) -> str:
    """A p value: three figures where they matter."""
    if value is None:
        return NOTHING
    return "<0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


# what a column is called, what it shows, from which width on it is there
COLUMNS: tuple[tuple[str, Callable[[Row], str], int], ...] = (
    ("n", lambda row: f"{row['n']:,}", 0),
    ("days", lambda row: f"{row['days']:,}", WIDEST),
    ("mean bp", lambda row: bp(row.get("mean_bp")), WIDE),
    ("excess bp", lambda row: bp(row.get("excess_bp")), 0),
    ("t", lambda row: ratio(row.get("t")), 0),
    ("t (later)", lambda row: ratio(row.get("t_later")), WIDEST),
    ("p", lambda row: chance(row.get("p")), WIDE),
    ("Holm", lambda row: chance(row.get("p_holm")), 0),
    ("B-Y", lambda row: chance(row.get("p_by")), WIDEST),
    ("halves", lambda row: f"{bp(row.get('first_half_bp'))} / {bp(row.get('second_half_bp'))}", WIDEST),
    ("after fees", lambda row: bp(row.get("after_fees_bp")), 0),
    ("net", lambda row: bp(row.get("net_bp")), WIDEST),
    ("as asked, R", lambda row: ratio(row.get("asked_mean_r"), 2), WIDE),
    ("t (R)", lambda row: ratio(row.get("asked_t")), WIDEST),
)
SIGNED = ("mean bp", "excess bp", "t", "t (later)", "after fees", "net", "as asked, R", "t (R)")
GLOSSARY = (
    ("n, days", "cases, and the UTC days they began on; windows of one set-up, side and symbol never overlap"),
    ("mean bp", "mean return of the trade over the horizon, basis points of its entry, before costs"),
    ("excess bp", "that minus the mean of all entries of the symbol and side within 30 days, never on the same day"),
    ("t", "of the excess, clustered by day over all symbols; smaller where overlapping windows ask for it"),
    ("t (later)", "the same over entries of the 30 days after only: what led up to a signal is not in that baseline"),
    (
        "p, Holm, B-Y",
        "the larger p of the two, then adjusted for all rows tested (Holm; Benjamini-Yekutieli)",
    ),
    ("halves", "excess in the first and in the second half of the cases"),
    ("after fees, net", "mean after taker fees and slippage; net of funding too, over the cases where it is known"),
    ("as asked", "mean net R with the set-up's own stop, targets and time, and its t clustered by day"),
)


def study_tables(result: StudyResult) -> list[RenderableType]:
    """`result` for the terminal: the headline horizon, the others, the sets, notes."""
    headline = result.request.headline_ns / HOUR_NS
    others = [one / HOUR_NS for one in result.request.horizons_ns if one / HOUR_NS != headline]
    parts: list[RenderableType] = [
        _fitted(result.table.filter(pl.col("horizon_h") == hours), f"Over {hours:g} h") for hours in [headline, *others]
    ]
    sets = empty_table("Data sets")
    for name in ("Set", "Role", "Symbols", "Bars", "From", "To", "Cases"):
        sets.add_column(name, justify="right" if name in ("Symbols", "Bars", "Cases") else "left")
    for row in result.sets.iter_rows(named=True):
        span = [NOTHING if row[name] is None else row[name][:10] for name in ("start", "end")]
        counts = [f"{row[name]:,}" for name in ("symbols", "bars", "cases")]
        sets.add_row(clean(row["set"]), row["role"], counts[0], counts[1], *span, counts[2])
    parts.append(sets)
    parts.append(bulleted("Notes", [*result.notes, *_left_out(result)]))
    told = [f"{one.setup}, {one.side.word}: {one.sentence}" for one in result.evidence]
    parts.append(bulleted("What is said of the set-ups", told))
    return parts


def _left_out(result: StudyResult) -> list[str]:
    groups: dict[tuple[str, str], list[str]] = {}
    for name, symbol, why in result.left_out:
        groups.setdefault((name, why), []).append(symbol)
    return [f"left out of {name}: {', '.join(symbols)}: {why}" for (name, why), symbols in groups.items()]


def _fitted(frame: pl.DataFrame, title: str) -> Fitted:
    def made(width: int) -> Table:
        table = empty_table(title, gap=1 if width < WIDE else 2)
        shown = [one for one in COLUMNS if one[2] <= width]
        table.add_column("Set-up", no_wrap=True)
        table.add_column("Side", no_wrap=True)
        for name, _, _ in shown:
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("Verdict", no_wrap=True, overflow="ellipsis")
        for row in frame.iter_rows(named=True):
            cells = [toned(show(row), name in SIGNED) for name, show, _ in shown]
            table.add_row(clean(row["setup"]), row["side"], *cells, Text(row["verdict"] or ""))
        return table

    return Fitted(made)


def study_json(result: StudyResult) -> dict[str, object]:
    """`result` as one object: figures are strings as written, counts numbers, what is not known null."""
    return {
        "headline_h": result.request.headline_ns / HOUR_NS,
        "table": [_plain(row) for row in result.table.iter_rows(named=True)],
        "by_set": [_plain(row) for row in result.by_set.iter_rows(named=True)],
        "sets": result.sets.to_dicts(),
        "lost": result.lost.to_dicts(),
        "left_out": [{"set": name, "symbol": symbol, "why": why} for name, symbol, why in result.left_out],
        "evidence": [
            {"setup": one.setup, "side": one.side.word, "verdict": one.verdict, "sentence": one.sentence}
            for one in result.evidence
        ],
        "notes": list(result.notes),
        "interrupted": result.interrupted,
    }


def _plain(row: Row) -> Row:
    return {
        name: value if value is None or name in _COUNTS or name in _WORDS or name == "horizon_h" else f"{value:.6g}"
        for name, value in row.items()
    }


def write_study(result: StudyResult, folder: Path) -> None:
    """Tables and cases (CSV and Parquet), `study.json`, `evidence.json` and `study.html` into `folder`."""
    from bearskin.report._study_html import study_html

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, frame in (("table", result.table), ("by_set", result.by_set), ("sets", result.sets)):
            frame.write_csv(folder / f"{name}.csv")
            frame.write_parquet(folder / f"{name}.parquet")
        result.cases.write_parquet(folder / "cases.parquet")
        (folder / "study.json").write_text(json.dumps(study_json(result), indent=1) + "\n", encoding="utf-8")
        source = "; ".join(dict.fromkeys(one.source for one in result.evidence))
        (folder / "evidence.json").write_text(evidence_json(source, result.evidence), encoding="utf-8")
        (folder / "study.html").write_text(study_html(result), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"the study cannot be written into {folder}: {error.strerror or error}") from error


# the dated page


def study_page(result: StudyResult, reproduce: str, day: str) -> str:
    """The page of a study in Markdown: what was found, table by table, and how to do it again.

    `reproduce` is the command that made it, `day` the day it was made.
    """
    headline = result.request.headline_ns / HOUR_NS
    hours = [headline, *(one / HOUR_NS for one in result.request.horizons_ns if one / HOUR_NS != headline)]
    parts = [f"# Study of the set-ups, {day}", "", _summary(result), ""]
    for one in hours:
        title = f"## Over {one:g} h" + (", the headline" if one == headline else "")
        parts += [title, "", *_markdown(result.table.filter(pl.col("horizon_h") == one), verdict=one == headline), ""]
    parts += ["Columns:", "", *(f"- **{name}**: {text}." for name, text in GLOSSARY), ""]
    parts += [f"## By data set, over {headline:g} h", "", *_sets(result), ""]
    parts += _by_set(result, headline)
    parts += ["## Notes", "", *(f"- {one}." for one in [*result.notes, *_left_out(result), *_lost(result)]), ""]
    parts += ["## Again", "", f"Made by bearskin {__version__} with", "", "```", reproduce, "```", ""]
    return "\n".join(parts)


def _lost(result: StudyResult) -> list[str]:
    totals = result.lost.group_by("why").agg(pl.col("cases").sum()).sort("why")
    return [f"cases that fell away: {row[0]}: {row[1]:,}" for row in totals.iter_rows()]


def _summary(result: StudyResult) -> str:
    """Two or three sentences that follow from the verdicts alone."""
    rows = list(result.evidence)
    counts: dict[str, list[str]] = {}
    for one in rows:
        counts.setdefault(one.verdict, []).append(f"`{one.setup}` {one.side.word}")
    told = [f"{len(who)} of {len(rows)}: {verdict} ({', '.join(who)})" for verdict, who in counts.items()]
    tested = result.table.filter(pl.col("p").is_not_null())
    least = tested.sort("p_holm", "p").head(1).to_dicts()
    tail = ""
    if least:
        row = least[0]
        tail = (
            f" The strongest of {tested.height} tests is `{row['setup']}` {row['side']} over {row['horizon_h']:g} h:"
            f" {bp(row['excess_bp'])} bp excess, t {ratio(row['t'])}, p {chance(row['p'])} alone and"
            f" {chance(row['p_holm'])} among all."
        )
    return "Set-ups and sides by what the study lets us say of them, " + "; ".join(told) + "." + tail


def _markdown(frame: pl.DataFrame, *, verdict: bool) -> list[str]:
    names = [name for name, _, _ in COLUMNS]
    head = ["set-up", "side", *names, *(["verdict"] if verdict else [])]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * 2}{'---:|' * len(names)}{'---|' if verdict else ''}"]
    for row in frame.iter_rows(named=True):
        cells = [f"`{row['setup']}`", row["side"], *(show(row) for _, show, _ in COLUMNS)]
        lines.append(f"| {' | '.join([*cells, *([row['verdict']] if verdict else [])])} |")
    return lines


def _sets(result: StudyResult) -> list[str]:
    lines = ["| set | role | bars of | symbols | with funding | bars | from | to |"]
    lines.append("|---|---|---|---:|---:|---:|---|---|")
    for row in result.sets.iter_rows(named=True):
        if row["symbols"]:
            counts = f"{row['symbols']:,} | {row['with_funding']:,} | {row['bars']:,}"
            span = f"{row['start'][:10]} | {row['end'][:10]}"
            lines.append(f"| {row['set']} | {row['role']} | {row['interval']} | {counts} | {span} |")
    return lines


def _by_set(result: StudyResult, headline: float) -> list[str]:
    """Excess, t and n of every set side by side; the first column is the pooled headline."""
    sets = result.by_set.select("set", "role").unique(maintain_order=True).to_dicts()
    there = result.by_set.filter(pl.col("horizon_h") == headline)
    found = {(row["set"], row["setup"], row["side"]): row for row in there.iter_rows(named=True)}
    alone = sum(one["role"] == "replication" for one in sets) == 2  # one set and all of them are the same
    sets = [one for one in sets if not (alone and one["set"] == ALL_AGAIN)]
    names = [one["set"] for one in sets if any(found[key]["n"] for key in found if key[0] == one["set"])]
    head = ["set-up", "side", "headline, pooled", *names]
    lines = ["Excess in bp (t, n). Only the pooled headline is tested.", "", f"| {' | '.join(head)} |"]
    lines.append(f"|---|---|{'---:|' * (len(names) + 1)}")
    for row in result.table.filter(pl.col("horizon_h") == headline).iter_rows(named=True):
        cells = [row, *(found.get((name, row["setup"], row["side"]), {"n": 0}) for name in names)]
        lines.append(f"| `{row['setup']}` | {row['side']} | {' | '.join(_short(one) for one in cells)} |")
    beside = [row["t"] for key, row in found.items() if key[0] in names and row["n"] >= result.request.cases_min]
    large = sum(abs(t) >= 2 for t in beside if t is not None)
    said = (
        f"Beside the pooled headline {len(beside)} cells have {result.request.cases_min} cases or more; {large} reach"
        f" |t| of 2, where luck alone would give about {0.05 * len(beside):.0f}. They were not tested, and the sets of"
        " the headline are among them."
    )
    return [*lines, "", said, ""]


def _short(row: Row) -> str:
    if not row["n"]:
        return NOTHING
    return f"{bp(row['excess_bp'])} ({ratio(row['t'])}, {row['n']:,})"
