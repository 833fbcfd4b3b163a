"""From cases to the acceptance table: a row per set-up, side and horizon, and the verdict that follows from it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from bearskin.backtest._study_cases import ASKED
from bearskin.backtest._study_request import StudyRequest
from bearskin.backtest._study_stats import F8, benjamini_yekutieli, day_errors, holm, student_p
from bearskin.setups import AGAINST, BEFORE_COSTS, EDGE, NO_EDGE, TOO_FEW, Evidence
from bearskin.terms import DAY_NS, HOUR_NS, Side

Row = dict[str, Any]
SCHEMA = {
    "setup": pl.String,
    "side": pl.String,
    "horizon_h": pl.Float64,
    "n": pl.Int64,
    "days": pl.Int64,
    "symbols": pl.Int64,
    "start": pl.String,
    "end": pl.String,
    "mean_bp": pl.Float64,
    "baseline_bp": pl.Float64,
    "excess_bp": pl.Float64,
    "excess_median_bp": pl.Float64,
    "t_day": pl.Float64,
    "t_overlap": pl.Float64,
    "t": pl.Float64,
    "later_n": pl.Int64,
    "excess_later_bp": pl.Float64,
    "t_later": pl.Float64,
    "p": pl.Float64,
    "p_holm": pl.Float64,
    "p_by": pl.Float64,
    "first_half_bp": pl.Float64,
    "second_half_bp": pl.Float64,
    "after_fees_bp": pl.Float64,
    "t_after_fees": pl.Float64,
    "funded_n": pl.Int64,
    "funding_bp": pl.Float64,
    "net_bp": pl.Float64,
    "asked_n": pl.Int64,
    "asked_mean_r": pl.Float64,
    "asked_t": pl.Float64,
    "verdict": pl.String,
}


def table_of(request: StudyRequest, cases: pl.DataFrame, setups: Sequence[str], *, adjust: bool = True) -> pl.DataFrame:
    """A row for each of `setups`, side and horizon, empty ones included; `adjust` fills the adjusted p values."""
    groups = dict(cases.group_by("setup", "side", "horizon_ns"))
    rows: list[Row] = []
    for name in setups:
        for side in request.sides:
            asked = _asked(groups.get((name, int(side), ASKED)))
            for horizon_ns in request.horizons_ns:
                found = groups.get((name, int(side), horizon_ns))
                row = _row(request, found, horizon_ns)
                rows.append({"setup": name, "side": side.word, "horizon_h": horizon_ns / HOUR_NS, **row, **asked})
    if adjust:
        p = np.array([math.nan if row.get("p") is None else row["p"] for row in rows])
        for row, one, other in zip(rows, holm(p), benjamini_yekutieli(p), strict=True):
            row["p_holm"], row["p_by"] = _known(one), _known(other)
    return pl.DataFrame([{name: row.get(name) for name in SCHEMA} for row in rows], schema=SCHEMA)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _asked(found: pl.DataFrame | None) -> Row:
    if found is None:
        return {"asked_n": 0}
    r = found["r"].to_numpy()
    t = _t(r, found["entry_ns"].to_numpy(), 1)
    return {"asked_n": len(r), "asked_mean_r": float(r.mean()), "asked_t": None if t is None else t[1]}


def _t(values: F8, entry_ns: Any, reach: int) -> tuple[float, float] | None:
    """t clustered by day, and with windows that overlap allowed for."""
    errors = day_errors(values, entry_ns // DAY_NS, reach)
    return None if errors is None else (float(values.mean()) / errors[0], float(values.mean()) / errors[1])


def _row(request: StudyRequest, found: pl.DataFrame | None, horizon_ns: int) -> Row:
    if found is None or found.is_empty():
        return {"n": 0, "days": 0, "symbols": 0, "funded_n": 0}
    cases = found.sort("entry_ns", "symbol")
    trade, base, cost = (cases[name].to_numpy() for name in ("trade_bp", "base_bp", "cost_bp"))
    entry_ns = cases["entry_ns"].to_numpy()
    excess, after = trade - base, trade - cost
    days = np.unique(entry_ns // DAY_NS)
    funded = cases.filter(pl.col("funding_bp").is_not_null())
    net = (funded["trade_bp"] - funded["cost_bp"] + funded["funding_bp"]).to_numpy()
    first = _first_half(entry_ns)
    row: Row = {
        "n": len(trade),
        "days": len(days),
        "symbols": cases["symbol"].n_unique(),
        "start": _day(entry_ns[0]),
        "end": _day(entry_ns[-1]),
        "mean_bp": float(trade.mean()),
        "baseline_bp": float(base.mean()),
        "excess_bp": float(excess.mean()),
        "excess_median_bp": float(np.median(excess)),
        "first_half_bp": float(excess[:first].mean()) if first else None,
        "second_half_bp": float(excess[first:].mean()) if first < len(excess) else None,
        "after_fees_bp": float(after.mean()),
        "funded_n": len(net),
        "funding_bp": float(funded["funding_bp"].to_numpy().mean()) if len(net) else None,
        "net_bp": float(net.mean()) if len(net) else None,
    }
    reach = max(1, math.ceil(horizon_ns / DAY_NS))
    measured, costly = _t(excess, entry_ns, reach), _t(after, entry_ns, reach)
    if measured is not None:
        row["t_day"], row["t_overlap"] = measured
        row["t"] = min(measured, key=abs)
    if costly is not None:
        row["t_after_fees"] = min(costly, key=abs)
    row |= _over_later(cases, reach)
    if measured is not None and len(trade) >= request.cases_min and len(days) >= request.days_min:
        row["p"] = _p(row, len(days))
    return row


def _over_later(cases: pl.DataFrame, reach: int) -> Row:
    """The excess over entries after the case only: what led up to the signal is not in that baseline."""
    there = cases.filter(pl.col("later_bp").is_not_null())
    excess = (there["trade_bp"] - there["later_bp"]).to_numpy()
    if not len(excess):
        return {"later_n": 0}
    t = _t(excess, there["entry_ns"].to_numpy(), reach)
    return {
        "later_n": len(excess),
        "excess_later_bp": float(excess.mean()),
        "t_later": None if t is None else min(t, key=abs),
    }


def _p(row: Row, days: int) -> float:
    """The larger of the p over both baselines; 1 where they do not agree in sign, or one cannot be had."""
    t, later = row["t"], row.get("t_later")
    if later is None or t * later <= 0:
        return 1.0
    return student_p(min(t, later, key=abs), days - 1)


def _first_half(entry_ns: Any) -> int:
    """How many cases make the first half: whole days, the border as near to the middle as there is."""
    days = entry_ns // DAY_NS
    borders = np.flatnonzero(np.diff(days)) + 1
    if not len(borders):
        return len(days)
    return int(borders[np.argmin(np.abs(borders - len(days) / 2))])


def _day(ns: int) -> str:
    return str(np.datetime64(int(ns), "ns").astype("datetime64[D]"))


def judged(request: StudyRequest, table: pl.DataFrame, replication: pl.DataFrame | None) -> pl.DataFrame:
    """The table with the verdict of each row, by the rules of docs/study.md; `replication` has the same rows."""
    repeated = {} if replication is None else {_key(row): row for row in replication.iter_rows(named=True)}
    verdicts = [_verdict(request, row, repeated.get(_key(row))) for row in table.iter_rows(named=True)]
    return table.with_columns(pl.Series("verdict", verdicts, dtype=pl.String))


def _key(row: Row) -> tuple[str, str, float]:
    return row["setup"], row["side"], row["horizon_h"]


def _verdict(request: StudyRequest, row: Row, repeated: Row | None) -> str:
    if row["p_holm"] is None:
        return TOO_FEW
    if row["p_holm"] >= request.alpha:
        return NO_EDGE
    if row["excess_bp"] < 0:
        return AGAINST
    again = repeated["excess_bp"] if repeated is not None and repeated["n"] >= request.cases_min else None
    halves = (row["first_half_bp"], row["second_half_bp"])
    if any(half is None or half <= 0 for half in halves) or (again is not None and again <= 0):
        return NO_EDGE
    gates = (row["after_fees_bp"], row["net_bp"], row["asked_mean_r"])
    return EDGE if all(gate is not None and gate > 0 for gate in gates) else BEFORE_COSTS


def evidence_rows(request: StudyRequest, table: pl.DataFrame, source: str) -> Iterator[Evidence]:
    """What is packaged: the headline horizon of every set-up and side that has a verdict."""
    for row in table.filter(pl.col("horizon_h") == request.headline_ns / HOUR_NS).iter_rows(named=True):
        yield Evidence(
            setup=row["setup"],
            side=Side[row["side"].upper()],
            horizon_h=round(row["horizon_h"]),
            n=row["n"],
            symbols=row["symbols"],
            start=row["start"] or "",
            end=row["end"] or "",
            mean_bp=_rounded(row["mean_bp"], 1) or 0.0,
            excess_bp=_rounded(row["excess_bp"], 1),
            t=_rounded(row["t"], 2),
            p_adjusted=_rounded(row["p_holm"], 4),
            first_half_bp=_rounded(row["first_half_bp"], 1),
            second_half_bp=_rounded(row["second_half_bp"], 1),
            verdict=row["verdict"],
            net_bp=_rounded(row["after_fees_bp"], 1),
            source=source,
        )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
