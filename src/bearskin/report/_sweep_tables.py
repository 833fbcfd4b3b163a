"""A sweep for the terminal and for scripts: how many were tried comes first, the best of them last."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote
from typing import Any

import numpy as np
import polars as pl
from rich.console import RenderableType
from rich.text import Text

from bearskin.backtest import Luck, Sweep, luck_of_sweep
from bearskin.report._terminal import Fitted, bulleted, empty_table, toned
from bearskin.report._words import NOTHING, Kind, plain, prose, shown
from bearskin.terms import DAY_NS, BadInput, counted, iso

BEST, WORST = 5, 3
JUDGED_FROM = 10  # combinations; fewer are not worth a verdict
WARNING = "the best of many is luck until shown otherwise"
MEASURES: dict[str, tuple[str, Kind, bool]] = {
    "trades": ("Trades", Kind.COUNT, False),
    "win_rate": ("Win rate", Kind.FRAC, False),
    "r_mean": ("Mean R", Kind.R, True),
    "net": ("Net", Kind.MONEY, True),
    "sharpe": ("Sharpe", Kind.RATIO, True),
    "drawdown_max": ("Deepest", Kind.FRAC, True),
}
NARROW = ("trades", "r_mean", "net", "sharpe")


def sweep_tables(sweep: Sweep, *, interrupted: bool = False, given: str = "") -> list[RenderableType]:
    """How many combinations there were and how they did as a whole, then the best, the median and the worst by net.

    `given` are the words a command to go on needs beside the folder, such as `--home DIR`.
    """
    ranked, found = _ranked(sweep)
    parts: list[RenderableType] = [Text(_headline(sweep, found), style="bold")]
    if found:
        parts.append(Text(_whole(found)))
        parts.append(Fitted(lambda width: _table(sweep, ranked, width)))
    luck = luck_line(sweep)
    if luck is not None:
        parts.append(Text(prose(luck.headline[:1].upper() + luck.headline[1:]), style="yellow"))
    said = _notes(sweep, found, given, interrupted=interrupted)
    parts.append(bulleted("Mind", said))
    return parts


def luck_line(sweep: Sweep) -> Luck | None:
    """The sweep against luck, from its daily nets alone; None where it has too few combinations or days to be asked."""
    if sweep.units_done == 0 or sweep.tried < JUDGED_FROM:
        return None
    try:
        return luck_of_sweep(sweep, tests=False)
    except BadInput:
        return None


def sweep_json(sweep: Sweep, *, interrupted: bool = False, given: str = "") -> dict[str, Any]:
    """The object of `sweep --json`: money, rates and ratios are strings, counts numbers."""
    ranked, found = _ranked(sweep)
    rows = [_row_json(sweep, row) for row in ranked.iter_rows(named=True)]
    about, luck = sweep.about, luck_line(sweep)
    return {
        "folder": str(sweep.folder),
        "search": about["search"],
        "axes": [{"name": name, "values": [_value(one) for one in values]} for name, values in sweep.axes.items()],
        "combinations_possible": sweep.grid,
        "combinations_to_try": sweep.tried,
        "combinations_done": found.get("count", 0),
        "profitable": found.get("profitable", 0),
        "net_median": plain(Kind.MONEY, found.get("median")),
        "symbols": list(sweep.symbols),
        "left_out": about["left_out"],
        "from": _day(sweep.first_day),
        "to": _day(sweep.last_day),
        "complete": sweep.complete,
        "interrupted": interrupted,
        "units_done": sweep.units_done,
        "units": sweep.units,
        "digest": sweep.digest(),
        "luck": None if luck is None else {"verdict": luck.verdict, "headline": luck.headline},
        "best": [row for row in rows if row["place"] == "best"],
        "median": next((row for row in rows if row["place"] == "median"), None),
        "worst": [row for row in rows if row["place"] == "worst"],
        "notes": _notes(sweep, found, given, interrupted=interrupted),
    }


def _ranked(sweep: Sweep) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The rows that are shown, with their `place`, and figures about all."""
    standings = sweep.standings() if sweep.units_done else None
    if standings is None or not len(standings.numbers):
        return pl.DataFrame(), {}
    idle = standings.trades == 0  # what never traded has no result: it is neither better nor worse than one
    order = np.lexsort((standings.numbers, -standings.net, idle))
    n = int((~idle).sum()) or len(order)
    order = order[:n]
    places = {int(i): "best" for i in order[:BEST]}
    places |= {int(order[n // 2]): "median"} if n > BEST else {}
    places |= {int(i): "worst" for i in order[max(BEST + 1, n - WORST) :]}
    rows = sweep.of([int(standings.numbers[i]) for i in places])
    count = {
        "count": len(standings.numbers),
        "profitable": int((standings.net > 0).sum()),
        "traded": int((standings.trades > 0).sum()),
        "median": float(np.median(standings.net[order])),
        "best": float(standings.net[order[0]]),
        "worst": float(standings.net[order[-1]]),
    }
    return rows.with_columns(place=pl.Series(list(places.values()))), count


def _headline(sweep: Sweep, found: dict[str, Any]) -> str:
    done = found.get("count", 0)
    whole = counted(sweep.tried, "combination")
    tried = whole if done == sweep.tried else f"{done:,} of {whole}"
    some = sweep.about["search"] != "grid"
    of = f" ({sweep.about['search']}, of {sweep.grid:,} possible)" if some else ""
    count = len(sweep.symbols)
    on = sweep.symbols[0] if count == 1 else f"{count} symbols"
    return f"{tried}{of} tried on {on}, {_day(sweep.first_day)} to {_day(sweep.last_day)}: {WARNING}"


def _whole(found: dict[str, Any]) -> str:
    if not found["traded"]:
        return "none of them ever traded: there are no trades and there is no result to compare"
    share = found["profitable"] / found["count"]
    median, best, worst = (shown(Kind.MONEY, found[name], signed=True) for name in ("median", "best", "worst"))
    of = "" if found["traded"] == found["count"] else f", of the {found['traded']:,} that traded"
    return (
        f"{found['profitable']:,} of them ({share:.0%}) made money; net over all"
        f" symbols{of}: median {median}, best {best}, worst {worst}"
    )


def _table(sweep: Sweep, rows: pl.DataFrame, width: int) -> RenderableType:
    narrow = width < 60 + 12 * len(sweep.axes)
    measures = {name: spec for name, spec in MEASURES.items() if not narrow or name in NARROW}
    table = empty_table("Combinations by net", gap=1 if narrow else 2)
    table.add_column("")
    table.add_column("#", justify="right", no_wrap=True)
    for name in sweep.axes:
        table.add_column(name.replace(".", ".\u200b").replace("_", "_\u200b"), justify="right", overflow="fold")
    for heading, _, _ in measures.values():
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows.iter_rows(named=True):
        cells = [toned(shown(kind, row[name], signed=signed), signed) for name, (_, kind, signed) in measures.items()]
        if not row["trades"]:
            cells = [Text("no trades" if name == "trades" else NOTHING) for name in measures]
        axes = [Text(_value(row[name])) for name in sweep.axes]
        table.add_row(Text(row["place"]), f"{row['combination']}", *axes, *cells)
    return table


def _row_json(sweep: Sweep, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "place": row["place"],
        "combination": row["combination"],
        "axes": {name: _value(row[name]) for name in sweep.axes},
        **{name: plain(kind, row[name]) for name, (_, kind, _) in MEASURES.items()},
        **{name: plain(Kind.MONEY, row[name]) for name in ("gross", "fees", "funding", "slippage")},
        **{name: row[name] for name in ("stopped", "targets", "liquidated", "timed")},
    }


def _value(value: object) -> str:
    """A value as it is written after `--vary`."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _notes(sweep: Sweep, found: dict[str, Any], given: str, *, interrupted: bool) -> list[str]:
    said: list[str] = []
    if not sweep.complete:
        word = "interrupted" if interrupted else "not complete"
        units = "" if sweep.units is None else f": {sweep.units_done:,} of {sweep.units:,} units of work are done"
        command = f"bearskin sweep --resume --out {quote(str(sweep.folder))}{given}"
        said.append(f"PARTIAL, {word}{units}; go on with `{command}`")
        if not found:
            said.append("no combination has been tried on every symbol yet")
    said.append(f"{WARNING}: `bearskin luck {quote(str(sweep.folder))}{given}` asks how much of it is")
    said.append(
        f"every combination has an account of {shown(Kind.MONEY, sweep.equity)} of its own for each symbol, on isolated"
        " margin; net is the sum over symbols, Sharpe is of daily net by the year"
    )
    if found and found["traded"] < found["count"]:
        idle = found["count"] - found["traded"]
        said.append(f"{counted(idle, 'combination')} never traded: tried all the same, ranked nowhere")
    left: Sequence[dict[str, str]] = sweep.about["left_out"]
    if left:
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        said.append(f"left out: {left[0]['symbol']} ({left[0]['why']}){more}; sweep.json lists them")
    return said


def _day(number: int) -> str:
    return iso(number * DAY_NS)[:10]
