"""Results on the shelf: what lies in the home's reports, told by kind, and the figures of a backtest.

What says luck comes first in everything here; no list is ordered by how well something did.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bearskin.app._house import House
from bearskin.terms import DAY_NS, BadInput, iso, parse_time

SUMMARY, TRADES, EQUITY = "summary.json", "trades.parquet", "equity.parquet"
SHEET, LUCK = "tear_sheet.html", "luck.html"
NO_WORD = "no proven edge: nothing here was measured against luck"
CURVE_POINTS = 600
WINDOW_MAX = 500
KINDS = {"backtest": SUMMARY, "sweep": "sweep.json", "study": "study.json"}
Json = dict[str, Any]

# (key of the summary, what it is called, how it is written): in the order they are read, luck first
FIGURES: tuple[tuple[str, str, str], ...] = (
    ("luck_t", "t of mean R, days as clusters", "ratio"),
    ("luck_low", "Mean R, 95 %: from", "r"),
    ("luck_high", "Mean R, 95 %: to", "r"),
    ("luck_without_best", "Mean R without the best days", "r"),
    ("luck_first_half", "Mean R, first half", "r"),
    ("luck_second_half", "Mean R, second half", "r"),
    ("expectancy_r", "Mean R", "r"),
    ("trades", "Trades", "count"),
    ("signals", "Signals", "count"),
    ("declined", "Declined", "count"),
    ("net", "Net", "money"),
    ("return_frac", "Return", "frac"),
    ("max_drawdown_frac", "Max drawdown", "frac"),
    ("fees", "Fees", "money"),
    ("funding", "Funding", "money"),
    ("slippage", "Slippage", "money"),
    ("win_rate", "Won", "frac"),
    ("profit_factor", "Profit factor", "ratio"),
    ("sharpe_daily", "Sharpe, daily", "ratio"),
    ("sharpe_stderr", "Its standard error", "ratio"),
    ("liquidations", "Liquidations", "count"),
    ("ambiguous_trades", "Stop and target in one bar", "count"),
    ("net_if_target_first", "Net, had the target come first", "money"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One thing on the shelf. `kind` is backtest, sweep, study or page; `says` leads with what is known of luck.

    `pages` are (what it is, name of the HTML file); `made` is RFC 3339. Figures are strings as the result wrote them,
    None where the kind has none.
    """

    name: str
    kind: str
    made: str
    says: str
    about: str = ""
    span: str = ""
    trades: int | None = None
    net: str | None = None
    return_frac: str | None = None
    max_drawdown_frac: str | None = None
    pages: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> Json:
        """As the API tells it."""
        return {**asdict(self), "pages": [{"what": what, "file": file} for what, file in self.pages]}


def shelf_of(house: House) -> list[Kept]:
    """Everything in the home's reports, newest first; what cannot be read is told as such."""
    root = house.home.part("reports")
    found: list[Kept] = []
    try:
        there = list(root.iterdir())
    except OSError:
        return []
    for path in there:
        if path.name.startswith("."):
            continue
        one = _page(path) if path.is_file() else _folder(path)
        if one is not None:
            found.append(one)
    return sorted(found, key=lambda one: (one.made, one.name), reverse=True)


def folder_of(house: House, name: str, kind: str | None = "backtest") -> Path:
    """The folder of the result called `name`; raises BadInput when the shelf has none such, or of another kind."""
    path = house.home.part("reports") / name
    if not name or name.startswith(".") or "/" in name or "\\" in name or "\0" in name or not path.is_dir():
        raise BadInput(f"there is no result called {name[:80]!r} in the home's reports")
    if kind is not None and not (path / KINDS[kind]).is_file():
        raise BadInput(f"{name} is no {kind}")
    return path


def page_of(house: House, name: str, file: str) -> Path:
    """An HTML file of a result, or one that lies by itself (`name` empty); raises BadInput for anything else."""
    plain = "/" not in file and "\\" not in file and "\0" not in file and not file.startswith(".")
    if not plain or not file.endswith(".html"):
        raise BadInput(f"{file[:80]!r} is no page of a result")
    path = (folder_of(house, name, None) if name else house.home.part("reports")) / file
    if not path.is_file():
        raise BadInput(f"there is no {file} in {name or 'the reports'}")
    return path


def result_of(house: House, name: str) -> Json:
    """A backtest as its folder tells it: evidence and luck first, then figures, set-ups, settings, assumptions."""
    folder = folder_of(house, name)
    told = _read(folder / SUMMARY)
    summary = dict(told.get("summary") or {})
    lucky = luck_of(folder, summary)
    known = {**summary, **lucky}
    return {
        "id": name,
        "evidence": summary.get("evidence") or NO_WORD,
        "currency": told.get("currency", ""),
        "figures": [
            {"key": key, "label": label, "kind": kind, "value": known.get(key)} for key, label, kind in FIGURES
        ],
        "by_setup": [{**row, "evidence": setup_words(row)} for row in told.get("by_setup", [])],
        "monthly": told.get("monthly", []),
        "declined_by_reason": told.get("declined_by_reason", []),
        "start": summary.get("start"),
        "end": summary.get("end"),
        "interval": summary.get("interval"),
        "symbols": summary.get("symbols", []),
        "left_out": summary.get("left_out", []),
        "notes": told.get("notes", []),
        "asked": summary.get("asked"),
        "pages": [{"what": what, "file": file} for what, file in _pages(folder)],
    }


def setup_words(row: Mapping[str, Any]) -> str:
    """What the packaged study says of the set-up of a row, in a word or two."""
    from bearskin.setups import NO_EDGE, evidence_verdict
    from bearskin.terms import Side

    setup, side = str(row.get("setup", "")), str(row.get("side", ""))
    if setup == "hold":
        return "a yardstick"
    return evidence_verdict(setup, Side[side.upper()]) if side in ("short", "long") else NO_EDGE


def luck_of(folder: Path, summary: Mapping[str, Any]) -> Json:
    """What the trades alone say of luck; empty where no trade has an R or the files are not there."""
    import polars as pl

    from bearskin.backtest import brief_luck

    try:
        trades = pl.read_parquet(folder / TRADES, columns=["r", "entry_time"])
        first, last = (parse_time(str(summary[name])) for name in ("start", "end"))
    except (OSError, KeyError, pl.exceptions.PolarsError, BadInput):
        return {}
    brief = brief_luck(trades, first // DAY_NS, (last - 1) // DAY_NS)
    figures = {
        "luck_t": brief.result.t,
        "luck_low": brief.result.low,
        "luck_high": brief.result.high,
        "luck_without_best": brief.without_best,
        "luck_first_half": brief.first_half,
        "luck_second_half": brief.second_half,
    }
    return {name: None if value is None else f"{value:.4f}" for name, value in figures.items()}


def curve_of(house: House, name: str, points: int = CURVE_POINTS) -> list[list[float]]:
    """The equity of a backtest: [milliseconds UTC, equity, drawdown as a fraction], at most about `points` of them.

    Of each stretch the lowest equity is kept, so that no drawdown is smoothed away.
    """
    import polars as pl

    path = folder_of(house, name) / EQUITY
    try:
        frame = pl.read_parquet(path, columns=["time", "equity", "drawdown_frac"])
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadInput(f"{path} cannot be read ({type(error).__name__})") from None
    size = max(1, -(-frame.height // points))
    rows = frame.with_row_index("at").with_columns(pl.col("time").dt.epoch("ms"), pl.col("at") // size)
    lowest = rows.sort("equity").group_by("at", maintain_order=True).first().sort("at")
    ends = [rows.head(1), lowest, rows.tail(1)] if rows.height else []
    kept = pl.concat(ends).unique("time").sort("time") if ends else rows
    return [[float(at), round(equity, 2), round(down, 6)] for _, at, equity, down in kept.iter_rows()]


TRADE_COLUMNS = (
    "trade_id", "symbol", "side", "setup", "entry_time", "entry_price", "qty", "stop", "target1", "exit_time",
    "exit_price", "exit_reason", "bars", "funding", "fees", "net", "r",
)  # fmt: skip


def trades_of(house: House, name: str, start: int = 0, count: int = WINDOW_MAX) -> Json:
    """Trades in order of entry from row `start` on: `{total, start, trades}`, every figure a string or None."""
    frame = _trades(house, name)
    if start < 0 or count < 1:
        raise BadInput("a window of trades begins at 0 or later and holds at least one")
    rows = frame.slice(start, min(count, WINDOW_MAX)).to_dicts()
    return {"total": frame.height, "start": start, "trades": [plain_row(row) for row in rows]}


def all_trades(house: House, name: str) -> list[Json]:
    """Every trade, in the columns that a table shows."""
    frame = _trades(house, name)
    return [plain_row(row) for row in frame.select(TRADE_COLUMNS).iter_rows(named=True)]


def trade_of(house: House, name: str, number: int) -> Json:
    """One trade with all that is known of it; raises BadInput when there is none such."""
    import polars as pl

    rows = _trades(house, name).filter(pl.col("trade_id") == number).to_dicts()
    if not rows:
        raise BadInput(f"{name} has no trade {number}")
    return plain_row(rows[0])


def plain_row(row: Mapping[str, Any]) -> Json:
    """Times as RFC 3339, numbers as strings without noise, what is not known None."""
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return (
            None
            if value != value
            else f"{value:.10g}"
            if abs(value) < 1e15 and "e" not in f"{value:.10g}"
            else f"{value:f}"
        )
    if hasattr(value, "isoformat"):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


def _trades(house: House, name: str) -> Any:
    import polars as pl

    path = folder_of(house, name) / TRADES
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadInput(f"{path} cannot be read ({type(error).__name__})") from None


def _page(path: Path) -> Kept | None:
    """A page that lies by itself: that of a scan, say."""
    if path.suffix.lower() not in (".html", ".htm"):
        return None
    scan = "scan" in path.name.lower()
    return Kept(
        name=path.name,
        kind="scan" if scan else "page",
        made=_made(path),
        says="what stood at one moment; " + NO_WORD if scan else NO_WORD,
        pages=(("page", path.name),),
    )


def _folder(path: Path) -> Kept | None:
    kind = next((kind for kind, file in KINDS.items() if (path / file).is_file()), None)
    if kind is None:
        pages = _pages(path)
        if not pages:
            return None
        return Kept(name=path.name, kind="page", made=_made(path), says=NO_WORD, pages=pages)
    made = _made(path / KINDS[kind])
    try:
        told = _read(path / KINDS[kind])
        return {"backtest": _backtest, "sweep": _sweep, "study": _study}[kind](path, made, told)
    except (BadInput, TypeError, AttributeError, KeyError) as error:
        return Kept(name=path.name, kind=kind, made=made, says=f"cannot be read: {error}")


def _backtest(path: Path, made: str, told: Json) -> Kept:
    summary = told["summary"]
    asked = summary.get("asked") or {}
    symbols = summary.get("symbols", [])
    setups = asked.get("setups", "all")
    return Kept(
        name=path.name,
        kind="backtest",
        made=made,
        says=str(summary.get("evidence") or NO_WORD),
        about=f"{_some(symbols)} · {setups} · {asked.get('side', 'both')} · {summary.get('interval', '')}",
        span=f"{str(summary.get('start'))[:10]} – {str(summary.get('end'))[:10]}",
        trades=summary.get("trades"),
        net=summary.get("net"),
        return_frac=summary.get("return_frac"),
        max_drawdown_frac=summary.get("max_drawdown_frac"),
        pages=_pages(path),
    )


def _sweep(path: Path, made: str, told: Json) -> Kept:
    words = told.get("words") or {}
    judged = "its luck page tells how much is luck" if (path / LUCK).is_file() else f"`bearskin luck {path.name}` asks"
    return Kept(
        name=path.name,
        kind="sweep",
        made=made,
        says=f"the best of many tries is luck until proven otherwise; {judged}",
        about=f"{words.get('symbols', '')} · {words.get('setups', 'all')}",
        pages=_pages(path),
    )


def _study(path: Path, made: str, told: Json) -> Kept:
    verdicts = [str(one.get("verdict")) for one in told.get("evidence", [])]
    counts = ", ".join(f"{verdicts.count(word)} × {word}" for word in dict.fromkeys(verdicts))
    return Kept(name=path.name, kind="study", made=made, says=counts or NO_WORD, about="study", pages=_pages(path))


def _pages(path: Path) -> tuple[tuple[str, str], ...]:
    names = {SHEET: "tear sheet", LUCK: "luck", "study.html": "study"}
    there = sorted(one.name for one in path.glob("*.html") if not one.name.startswith("."))
    return tuple((names.get(name, name.removesuffix(".html")), name) for name in there)


def _some(names: list[str]) -> str:
    more = f" +{len(names) - 3}" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _made(path: Path) -> str:
    return iso(int(path.stat().st_mtime) * 1_000_000_000)


def _read(path: Path) -> Json:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path.name} of {path.parent.name} cannot be read ({type(error).__name__})") from None
    if not isinstance(found, dict):
        raise BadInput(f"{path.name} of {path.parent.name} is not what a result writes")
    return found
