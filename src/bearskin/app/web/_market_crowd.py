"""Who pays whom and how they stand: funding, open interest, the long-short ratio, the basis."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._market import FACTS_S, asked, candles, funding_interval_h, price_line, told, unified
from bearskin.terms import VenueError, interval_ns

SETTLED_MAX, STATISTICS_MAX = 200, 200
DAY_S = 5.0
YEAR_H = 8_760.0
FINEST = "5m"  # venues keep statistics no finer


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingNow:
    """`predicted` is the rate the next settlement would have by now, as longs pay it; `settled` the past ones as
    (ms, rate), oldest first. `next_ms` and `time_ms` are of the venue's clock. None: the venue does not tell."""

    symbol: str
    predicted: float | None
    next_ms: int | None
    time_ms: int | None
    interval_h: float | None
    settled: tuple[tuple[int, float], ...]

    @property
    def a_year(self) -> float | None:
        """The predicted rate for a year of settlements, uncompounded."""
        return None if self.predicted is None or not self.interval_h else self.predicted * YEAR_H / self.interval_h

    @property
    def words(self) -> str:
        """Who pays whom."""
        return pays(self.predicted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One statistic, (ms, value) oldest first; `missing` says why it is empty."""

    name: str
    unit: str
    rows: tuple[tuple[int, float], ...]
    missing: str = ""

    @property
    def last(self) -> float | None:
        """The newest value."""
        return self.rows[-1][1] if self.rows else None

    @property
    def change_frac(self) -> float | None:
        """The newest value over the oldest shown, less one."""
        return self.rows[-1][1] / self.rows[0][1] - 1 if len(self.rows) > 1 and self.rows[0][1] else None


def pays(rate: float | None) -> str:
    """Who pays whom at a funding rate."""
    if rate is None:
        return "the venue does not tell"
    if rate == 0:
        return "nobody pays"
    return "longs pay shorts" if rate > 0 else "shorts pay longs"


async def funding(desk: WebDesk, symbol: str) -> FundingNow:
    """Funding of a symbol: what is predicted, when, and what was settled. Raises BadInput."""
    name = unified(desk, symbol)
    now, settled, interval_h = await asyncio.gather(
        told(desk, "fetch_funding_rate", name, fresh_s=FACTS_S),
        told(desk, "fetch_funding_rate_history", name, limit=SETTLED_MAX, fresh_s=FACTS_S),
        funding_interval_h(desk, name),
    )
    now = now or {}
    return FundingNow(
        symbol=symbol,
        predicted=now.get("fundingRate"),
        next_ms=now.get("fundingTimestamp"),
        time_ms=now.get("timestamp"),
        interval_h=interval_h,
        settled=tuple((row["timestamp"], row["fundingRate"]) for row in settled or ()),
    )


async def open_interest(desk: WebDesk, symbol: str, interval: str = FINEST) -> Series:
    """Open interest in coins. Raises BadInput."""
    rows = await statistic(desk, "fetch_open_interest_history", symbol, interval)
    values = [
        (row["timestamp"], row["openInterestAmount"]) for row in rows or () if row.get("openInterestAmount") is not None
    ]
    return _series("open interest", "coins", values)


async def long_short(desk: WebDesk, symbol: str, interval: str = FINEST) -> Series:
    """Accounts that are long for each that is short: accounts are counted, not their size. Raises BadInput."""
    rows = await statistic(desk, "fetch_long_short_ratio_history", symbol, interval)
    return _series("long-short ratio", "accounts", [(row["timestamp"], row["longShortRatio"]) for row in rows or ()])


async def statistic(desk: WebDesk, method: str, symbol: str, interval: str) -> list[dict[str, Any]] | None:
    """The last rows of one of the venue's statistics, as ccxt words them; None where it does not tell."""
    rows: list[dict[str, Any]] | None = await told(
        desk, method, unified(desk, symbol), no_finer(interval), limit=STATISTICS_MAX, fresh_s=FACTS_S
    )
    return rows


async def basis(desk: WebDesk, symbol: str, interval: str = FINEST) -> Series:
    """How far the last price stands from the index, as a fraction of it. Raises BadInput."""
    try:
        last, index = await asyncio.gather(
            candles(desk, symbol, interval, STATISTICS_MAX),
            price_line(desk, symbol, interval, "index", STATISTICS_MAX),
        )
    except VenueError:
        last, index = [], []
    close = {row[0]: row[4] for row in last}
    return _series("basis", "fraction", [(ms, close[ms] / at - 1) for ms, at in index if at and ms in close])


async def day(desk: WebDesk, symbol: str) -> dict[str, Any]:
    """The last 24 hours: last, high, low, change_frac, turnover. Raises BadInput, VenueError."""
    one = await asked(desk, "fetch_ticker", unified(desk, symbol), fresh_s=DAY_S)
    change = one.get("percentage")
    return {
        "last": one.get("last"),
        "high": one.get("high"),
        "low": one.get("low"),
        "change_frac": None if change is None else change / 100,
        "turnover": one.get("quoteVolume"),
    }


def no_finer(interval: str) -> str:
    """The interval, or the finest that statistics are kept at."""
    return interval if interval_ns(interval) >= interval_ns(FINEST) else FINEST


def in_words(milliseconds: int) -> str:
    """A stretch of time as 2:05:09; 0:00:00 for what is past."""
    seconds = max(0, milliseconds // 1_000)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _series(name: str, unit: str, rows: list[tuple[int, float]]) -> Series:
    why = "" if rows else "the venue does not tell it"
    return Series(name=name, unit=unit, rows=tuple(sorted(rows)), missing=why)


def size_words(value: float | None) -> str:
    """An amount of coins for eyes; a dash for None."""
    return "–" if value is None else f"{value:,.0f}" if value >= 10_000 else f"{value:,.2f}"
