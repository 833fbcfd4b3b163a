"""An event study over many symbols, one at a time: what is kept of each is a handful of columns."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np
import polars as pl

from bearskin.backtest._study_cases import SCHEMA, SymbolCases, cases_of
from bearskin.backtest._study_request import StudyRequest, StudyResult, StudySet
from bearskin.backtest._study_table import evidence_rows, judged, table_of
from bearskin.market import Funding, Known, Panel
from bearskin.setups import SETUPS
from bearskin.terms import DAY_NS, HOUR_NS, BadInput, interval_word, iso

Progress = Callable[[str, int, int], None]
Span = tuple[int, int]
SURVIVORS = (
    "only symbols that still traded when the data was collected are in it (survivor bias): that flatters longs and"
    " hurts shorts"
)
FULL = {"set": pl.String, "symbol": pl.String, **SCHEMA}


@dataclass(slots=True)
class _Gathered:
    """What the loop over sets and symbols leaves behind."""

    frames: list[pl.DataFrame] = field(default_factory=list)
    sets: list[dict[str, object]] = field(default_factory=list)
    lost: dict[tuple[str, str], int] = field(default_factory=dict)
    abstained: dict[str, dict[str, int]] = field(default_factory=dict)
    left_out: list[tuple[str, str, str]] = field(default_factory=list)
    looked: int = 0
    interrupted: bool = False


class CasesKept:
    """Cases of symbols done before, in a folder: one file each, named by a digest of all that they depend on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def cases(self, request: StudyRequest, panel: Panel, counted: Sequence[Span]) -> SymbolCases:
        """As `cases_of`, from the folder where they are there, else worked out and put there."""
        name = self.folder / _digest(request, panel, counted)
        table, words = name.with_suffix(".parquet"), name.with_suffix(".json")
        if words.exists() and table.exists():
            return SymbolCases(cases=pl.read_parquet(table), **json.loads(words.read_text()))
        found = cases_of(request, panel, counted)
        self.folder.mkdir(parents=True, exist_ok=True)
        part = table.with_suffix(".part")
        found.cases.write_parquet(part)
        part.replace(table)
        rest = {one.name: getattr(found, one.name) for one in fields(found) if one.name != "cases"}
        words.with_suffix(".words").write_text(json.dumps(rest))
        words.with_suffix(".words").replace(words)
        return found


def _digest(request: StudyRequest, panel: Panel, counted: Sequence[Span]) -> str:
    """Of the request, the data and the code that reads it: anything else gives other cases."""
    asked = {
        name: str(value) for name, value in asdict(request).items() if name not in ("alpha", "cases_min", "days_min")
    }
    names = sorted(SETUPS) if request.setups is None else sorted(request.setups)
    told = [
        asked,
        [(name, str(SETUPS[name])) for name in names],
        str(panel.instrument),
        panel.interval_ns,
        list(counted),
    ]
    digest = hashlib.sha256(_sources())
    digest.update(re.sub(r" at 0x[0-9a-f]+", "", repr(told)).encode())
    for one in fields(panel):
        value = getattr(panel, one.name)
        columns = (
            [getattr(value, part.name) for part in fields(value)] if isinstance(value, Funding | Known) else [value]
        )
        for column in columns:
            if isinstance(column, np.ndarray):
                digest.update(one.name.encode() + np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()[:40]


def _sources() -> bytes:
    """A digest of the rooms that decide what a case is."""
    house = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for room in ("setups", "paths", "backtest", "margin", "crowd"):
        for file in sorted((house / room).glob("*.py")):
            if room != "backtest" or file.name in ("_study_cases.py", "_entries.py"):
                digest.update(file.name.encode() + file.read_bytes())
    return digest.digest()


def run_study(
    request: StudyRequest,
    sets: Sequence[StudySet],
    progress: Progress | None = None,
    kept: CasesKept | None = None,
) -> StudyResult:
    """Study the set-ups over `sets`, symbol by symbol; a KeyboardInterrupt ends it early with what was done.

    In sets of one role no coin counts twice at one time: the earlier set of the sequence is taken. `kept` remembers
    symbols between runs. Raises BadInput for unknown set-ups, for horizons no bar fits, and where there is nothing.
    """
    names = list(SETUPS) if request.setups is None else list(request.setups)
    for name in names:
        if name not in SETUPS:
            raise BadInput(f"{name!r} is not a set-up: there are {', '.join(sorted(SETUPS))}")
    if not any(one.role == "headline" for one in sets):
        raise BadInput("a study needs a data set with the role headline")
    gathered = _gather(request, sets, progress, kept)
    cases = pl.concat(gathered.frames) if gathered.frames else pl.DataFrame(schema=FULL)
    if cases.is_empty() and not gathered.interrupted:
        why = f": {gathered.left_out[0][1]}: {gathered.left_out[0][2]}" if gathered.left_out else ""
        raise BadInput(f"no set-up was found in these data{why}")
    return _result(request, sets, names, cases, gathered)


def _gather(
    request: StudyRequest, sets: Sequence[StudySet], progress: Progress | None, kept: CasesKept | None
) -> _Gathered:
    gathered = _Gathered()
    counted: dict[str, dict[str, list[Span]]] = {}
    done, total = 0, sum(len(one.symbols) for one in sets)
    for one in sets:
        held = _Held()
        try:
            for symbol in one:
                if progress is not None:
                    progress(f"{one.name}: {symbol}", done, total)
                done += 1
                _study_symbol(request, one, symbol, counted.setdefault(one.role, {}), kept, gathered, held)
        except KeyboardInterrupt:
            gathered.interrupted = True
        gathered.sets.append(held.row(one))
        if gathered.interrupted:
            break
    return gathered


def _study_symbol(
    request: StudyRequest,
    one: StudySet,
    symbol: str,
    counted: dict[str, list[Span]],
    kept: CasesKept | None,
    gathered: _Gathered,
    held: _Held,
) -> None:
    """Add the cases of one symbol; `counted` holds, by coin, what sets of this role have had already."""
    try:
        panel = one.load(symbol)
        if panel is None:
            return
        _fits(request, panel)
    except BadInput as bad:
        gathered.left_out.append((one.name, symbol, str(bad)))
        return
    spans = counted.setdefault(_coin(panel), [])
    others = [] if one.role == "sensitivity" else list(spans)
    found = (cases_of if kept is None else kept.cases)(request, panel, others)
    if found.bars:
        held.take(symbol, panel, found)
        _take(gathered, one.name, symbol, found)
        spans.append((found.start_ns, found.end_ns))


class _Held:
    """What a set turned out to hold."""

    def __init__(self) -> None:
        self.symbols: list[str] = []
        self.funded = self.bars = self.cases = 0
        self.start_ns, self.end_ns, self.interval_ns = 2**62, 0, 0

    def take(self, symbol: str, panel: Panel, found: SymbolCases) -> None:
        """Add one symbol."""
        self.symbols.append(symbol)
        self.funded += panel.funding is not None
        self.bars += found.bars
        self.cases += found.cases.height
        self.interval_ns = panel.interval_ns
        self.start_ns, self.end_ns = min(self.start_ns, found.start_ns), max(self.end_ns, found.end_ns)

    def row(self, one: StudySet) -> dict[str, object]:
        """The set's line."""
        there = bool(self.symbols)
        return {
            "set": one.name,
            "role": one.role,
            "interval": interval_word(self.interval_ns) if there else None,
            "symbols": len(self.symbols),
            "with_funding": self.funded,
            "bars": self.bars,
            "start": iso(self.start_ns) if there else None,
            "end": iso(self.end_ns) if there else None,
            "cases": self.cases,
        }


def _fits(request: StudyRequest, panel: Panel) -> None:
    for horizon_ns in request.horizons_ns:
        if horizon_ns % panel.interval_ns:
            word = interval_word(panel.interval_ns)
            raise BadInput(f"a horizon of {horizon_ns / HOUR_NS:g} h is no whole number of {word} bars")


def _coin(panel: Panel) -> str:
    """The coin itself: 1000PEPE is PEPE, XBT is BTC."""
    base = re.sub(r"^(10+|1M)(?=[A-Z])", "", panel.instrument.base.upper())
    return {"XBT": "BTC"}.get(base, base)


def _take(gathered: _Gathered, name: str, symbol: str, found: SymbolCases) -> None:
    columns = [pl.lit(name).alias("set"), pl.lit(symbol).alias("symbol"), pl.all()]
    gathered.frames.append(found.cases.select(columns))
    gathered.looked += 1
    for why, count in found.lost.items():
        gathered.lost[name, why] = gathered.lost.get((name, why), 0) + count
    for setup, why in found.abstained.items():
        reasons = gathered.abstained.setdefault(setup, {})
        reasons[why] = reasons.get(why, 0) + 1


def _result(
    request: StudyRequest, sets: Sequence[StudySet], names: Sequence[str], cases: pl.DataFrame, gathered: _Gathered
) -> StudyResult:
    roles = {role: [one.name for one in sets if one.role == role] for role in ("headline", "replication")}
    pooled = {role: cases.filter(pl.col("set").is_in(of)) for role, of in roles.items()}
    again = table_of(request, pooled["replication"], names, adjust=False) if roles["replication"] else None
    table = judged(request, table_of(request, pooled["headline"], names), again)
    by_set = [] if again is None else [_labelled(again, "all replication sets", "replication")]
    for one in sets:
        part = table_of(request, cases.filter(pl.col("set") == one.name), names, adjust=False)
        by_set.append(_labelled(part, one.name, one.role))
    notes = _notes(request, table, gathered)
    return StudyResult(
        request=request,
        table=table,
        by_set=pl.concat(by_set),
        sets=pl.DataFrame(gathered.sets),
        lost=pl.DataFrame(
            [(name, why, count) for (name, why), count in gathered.lost.items()],
            schema={"set": pl.String, "why": pl.String, "cases": pl.Int64},
            orient="row",
        ),
        cases=cases,
        evidence=tuple(evidence_rows(request, table, "; ".join(roles["headline"]))),
        notes=tuple(notes),
        left_out=tuple(gathered.left_out),
        interrupted=gathered.interrupted,
    )


def _labelled(table: pl.DataFrame, name: str, role: str) -> pl.DataFrame:
    return table.select(pl.lit(name).alias("set"), pl.lit(role).alias("role"), pl.exclude("p_holm", "p_by", "verdict"))


def _notes(request: StudyRequest, table: pl.DataFrame, gathered: _Gathered) -> list[str]:
    """What a reader of the figures must know, the weightiest first."""
    tests = table["p"].drop_nulls().len()
    funded, everything = table["funded_n"].sum(), table["n"].sum()
    few = f"fewer than {request.cases_min} cases or {request.days_min} days"
    reach_days = request.reach_ns / DAY_NS
    slip = 100 * float(request.slippage_frac)
    notes = ["PARTIAL: interrupted; only the symbols done by then are in it"] if gathered.interrupted else []
    notes.append(f"{tests} rows were tested together (of {table.height}; the others have {few})")
    notes.append(SURVIVORS)
    notes.append(
        f"excess is over all entries of that symbol and side within {reach_days:g} days, never on the same day"
    )
    notes.append("entries are market orders at the open after the signal; figures are before costs unless said")
    notes.append(f"costs are the taker fee twice and slippage of {slip:g} % each way")
    notes.append(f"funding is known in {funded:,} of {everything:,} cases, and charged in those")
    for setup, reasons in sorted(gathered.abstained.items()):
        told = ", ".join(f"{why} in {count}" for why, count in sorted(reasons.items(), key=lambda one: -one[1]))
        notes.append(f"{setup} was not looked for everywhere ({gathered.looked} series in all): {told}")
    return notes
