"""What a run came to: entries, exits, refusals, seconds unprotected, and whether its money adds up.

Read from the tables of a run (`journal.Projection`), whichever database they are in. Money is exact.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bearskin.journal import Projection, Reading
from bearskin.report._run_money import ZERO, Books, books_of, total
from bearskin.terms import BadInput, iso

_TIMED = ("decisions", "equity", "balances", "fills", "prices", "protection", "channels")


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginLine:
    """One set-up (or the hand, a webhook) in a run; `net` after fees and funding, `r_mean` over trades with an R."""

    origin: str
    signals: int = 0
    declined: int = 0
    entries: int = 0
    exits: int = 0
    wins: int = 0
    net: Decimal = ZERO
    r_mean: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run in figures. `entries` are trades that were filled, `exits` those that came to an end.

    Seconds unprotected are of the wall and of each filled trade its longest; `equity_*` are at the marks, None where
    never told. `books` holds the money; `by_reason` counts what was declined.
    """

    run: str
    facts: Mapping[str, Any]
    records: int
    from_ns: int | None
    to_ns: int | None
    signals: int
    entries: int
    exits: int
    open: int
    by_reason: Mapping[str, int]
    unprotected_s: tuple[float, ...]
    unprotected_now: int
    equity_start: Decimal | None
    equity_end: Decimal | None
    books: Books
    by_origin: tuple[OriginLine, ...]
    warnings: Mapping[str, int] = field(default_factory=dict)

    @property
    def max_unprotected_s(self) -> float:
        """The longest any position went without a confirmed stop; 0 without positions."""
        return max(self.unprotected_s, default=0.0)

    def unprotected_quantile_s(self, share: float) -> float | None:
        """The seconds that `share` of the trades stayed at or below; None without trades."""
        ordered = sorted(self.unprotected_s)
        return ordered[max(math.ceil(share * len(ordered)), 1) - 1] if ordered else None


def run_summary(projection: Projection, run: str) -> RunSummary:
    """The summary of `run`; raises BadInput for a run the tables do not know."""
    with projection.reading() as read:
        return _summary(read, run)


def _summary(read: Reading, run: str) -> RunSummary:
    known = next((row for row in read.runs() if row["run"] == run), None)
    if known is None:
        raise BadInput(f"the tables know no run {run!r}")
    trades, fills = read.rows("trades", run), read.rows("fills", run)
    balances, funding = read.rows("balances", run), read.rows("funding", run)
    declined, signals = read.rows("declined", run), read.rows("signals", run)
    equity = read.rows("equity", run)
    entered = _entered(trades, fills)
    times = _times(read, run)
    seconds = _seconds(read.rows("protection", run), trades, entered, times[2])
    books = books_of(trades, fills, funding, balances, asset=known["asset"])
    return RunSummary(
        run=run,
        facts=known["facts"] or {},
        records=known["mark"],
        from_ns=times[0],
        to_ns=times[1],
        signals=len(signals),
        entries=sum(1 for trade in trades if trade["trade"] in entered and trade["origin"] != "adopted"),
        exits=sum(1 for trade in trades if trade["trade"] in entered and trade["ended_ns"] is not None),
        open=sum(1 for trade in trades if trade["trade"] in entered and trade["ended_ns"] is None),
        by_reason=dict(Counter(row["reason"] for row in declined).most_common()),
        unprotected_s=tuple(seconds.values()),
        unprotected_now=sum(
            1 for t in trades if t["trade"] in entered and t["ended_ns"] is None and t["protected"] is False
        ),
        equity_start=equity[0]["equity"] if equity else books.wallet_start,
        equity_end=equity[-1]["equity"] if equity else books.wallet_end,
        books=books,
        by_origin=_origins(trades, entered, signals, declined),
        warnings=dict(Counter(row["kind"] for row in read.rows("warnings", run)).most_common()),
    )


def _entered(trades: Iterable[Mapping[str, Any]], fills: Iterable[Mapping[str, Any]]) -> set[int]:
    """Trades that hold or held something: filled by an entry of ours, or taken over."""
    filled = {fill["trade"] for fill in fills if fill["ours"] and fill["role"] == "entry"}
    return {t["trade"] for t in trades if t["trade"] in filled or t["origin"] == "adopted"}


def _times(read: Reading, run: str) -> tuple[int | None, int | None, int]:
    """First and last market time told of, and the last time on the wall (0: none)."""
    spans = [read.span(table, run) for table in _TIMED]
    firsts, lasts = [first for first, _, _ in spans if first], [last for _, last, _ in spans if last]
    return min(firsts, default=None), max(lasts, default=None), max((wall or 0 for _, _, wall in spans), default=0)


def _seconds(
    protection: Sequence[Mapping[str, Any]],
    trades: Sequence[Mapping[str, Any]],
    entered: set[int],
    last_wall_ns: int,
) -> dict[int, float]:
    """The longest time each filled trade went unprotected; one that still does counts up to the last we know."""
    longest = dict.fromkeys(sorted(entered), 0.0)
    for row in protection:
        if row["trade"] in longest:
            longest[row["trade"]] = max(longest[row["trade"]], row["unprotected_s"] or 0.0)
    for trade in trades:
        number = trade["trade"]
        if number not in longest:
            continue
        found = [longest[number], trade["unprotected_s_max"] or 0.0]
        if trade["ended_ns"] is None and trade["protected"] is False:
            since_ns = max(last_wall_ns - (trade["protection_wall_ns"] or last_wall_ns), 0)
            found.append((trade["unprotected_s"] or 0.0) + since_ns / 1e9)
        longest[number] = max(found)
    return longest


def _origins(
    trades: Sequence[Mapping[str, Any]],
    entered: set[int],
    signals: Sequence[Mapping[str, Any]],
    declined: Sequence[Mapping[str, Any]],
) -> tuple[OriginLine, ...]:
    found = Counter(f"setup:{row['setup']}" for row in signals)
    refused = Counter(row["origin"] for row in declined)
    held = [trade for trade in trades if trade["trade"] in entered]
    lines = []
    for origin in sorted({*found, *refused, *(trade["origin"] or "" for trade in held)}):
        own = [trade for trade in held if (trade["origin"] or "") == origin]
        ended = [trade for trade in own if trade["ended_ns"] is not None]
        rs = [trade["r"] for trade in ended if trade["r"] is not None]
        lines.append(
            OriginLine(
                origin=origin,
                signals=found[origin],
                declined=refused[origin],
                entries=len(own),
                exits=len(ended),
                wins=sum(1 for trade in ended if (trade["net"] or ZERO) > 0),
                net=total(trade["net"] for trade in ended),
                r_mean=sum(rs) / len(rs) if rs else None,
            )
        )
    return tuple(lines)


# --- for scripts -----------------------------------------------------------------------------------------------------


def exact(value: Decimal | None) -> str | None:
    """A Decimal as scripts get it: every digit, no exponent, zero as `0`."""
    if value is None:
        return None
    return f"{value:f}" if value else "0"


def moment(time_ns: int | None) -> str | None:
    """A time as scripts get it; None for none."""
    return iso(time_ns) if time_ns else None


def run_json(summary: RunSummary) -> dict[str, object]:
    """The one object of a run: counts and seconds are numbers, money strings with every digit, times RFC 3339.

    `equity` is at the end, `wallet_unexplained` what start + realised - fees + funding misses of the wallet at the
    end: 0 when the money adds up, null where the wallet was never told; `unexplained` says what may be behind any other
    figure.
    """
    books = summary.books
    return {
        "run": summary.run,
        "venue": summary.facts.get("venue"),
        "from": moment(summary.from_ns),
        "to": moment(summary.to_ns),
        "records": summary.records,
        "signals": summary.signals,
        "entries": summary.entries,
        "exits": summary.exits,
        "open": summary.open,
        "declined": dict(summary.by_reason),
        "max_unprotected_s": round(summary.max_unprotected_s, 3),
        "unprotected_s_p50": _rounded(summary.unprotected_quantile_s(0.5)),
        "unprotected_s_p99": _rounded(summary.unprotected_quantile_s(0.99)),
        "unprotected_now": summary.unprotected_now,
        "asset": books.asset,
        "realised": exact(books.realised),
        "fees": exact(books.fees),
        "fees_in_other_assets": {asset: exact(fee) for asset, fee in books.other_fees.items()},
        "funding": exact(books.funding),
        "wallet_start": exact(books.wallet_start),
        "wallet_end": exact(books.wallet_end),
        "equity_start": exact(summary.equity_start),
        "equity": exact(summary.equity_end),
        "wallet_unexplained": exact(books.sum),
        "unexplained": list(books.unexplained),
        "by_origin": [_origin_json(line) for line in summary.by_origin],
        "warnings": dict(summary.warnings),
    }


def _origin_json(line: OriginLine) -> dict[str, object]:
    return {
        "origin": line.origin,
        "signals": line.signals,
        "declined": line.declined,
        "entries": line.entries,
        "exits": line.exits,
        "wins": line.wins,
        "net": exact(line.net),
        "r_mean": _rounded(line.r_mean),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
