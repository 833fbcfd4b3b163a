"""A panel out of a venue's REST history: complete bars with their marks, funding, open interest, long/short ratio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bearskin.live._ask import asked
from bearskin.live._dialects import Call, Traded
from bearskin.market import Funding, Known, Panel
from bearskin.terms import HOUR_NS, MINUTE_NS, VenueError, VenueRejected, interval_ns

if TYPE_CHECKING:
    from bearskin.live._venue import CcxtVenue

MS: Final = 1_000_000
_ROWS: Final = {"binance": 1_000}
_ROWS_ELSEWHERE: Final = 200
_STATISTIC_MIN_NS: Final = 5 * MINUTE_NS
_STATISTIC_ROWS: Final = 500
_INTEREST: Final = ("fetch_open_interest_history", "openInterestAmount")
_RATIO: Final = ("fetch_long_short_ratio_history", "longShortRatio")
Bar = tuple[int, float, float, float, float, float, float | None, float | None]


class NoBars(VenueRejected):
    """The venue has no complete candle of a symbol yet: it was listed a moment ago, or it keeps none of that length."""


async def history_of(venue: CcxtVenue, symbol: str, interval: str, bars: int) -> Panel:
    """The last `bars` complete bars, fewer where the venue has no more; raises NoBars where it has none."""
    market, step_ns = venue.markets[symbol], interval_ns(interval)
    now_ns = await market_now_ns(venue, market)
    end_ns = now_ns // step_ns * step_ns
    start_ns = end_ns - bars * step_ns
    trades = await bars_of(venue, market, interval, start_ns, end_ns)
    if not trades:
        raise NoBars(f"{venue.dialect.venue} has no {interval} bars of {symbol}")
    marks = {row[0]: row for row in await bars_of(venue, market, interval, start_ns, end_ns, mark=True)}
    notes: list[str] = []
    instrument = (await venue.instruments([symbol]))[symbol][0]
    times = np.array([row[0] for row in trades], dtype=np.int64)
    missing = np.array([row[0] not in marks for row in trades], dtype=np.bool_)
    mark = [[marks.get(row[0], row)[at] for row in trades] for at in (1, 2, 3, 4)] if marks else None
    columns = [np.array([row[at] for row in trades], dtype=np.float64) for at in (1, 2, 3, 4, 5)]
    quote, taker = _column(trades, 6), _column(trades, 7)
    begins_ns = int(times[0])
    return Panel(
        instrument=instrument, interval_ns=step_ns, time_ns=times,
        open=columns[0], high=columns[1], low=columns[2], close=columns[3], volume=columns[4],
        quote_volume=quote, taker_buy_volume=taker,
        mark_open=np.array(mark[0]) if mark else None, mark_high=np.array(mark[1]) if mark else None,
        mark_low=np.array(mark[2]) if mark else None, mark_close=np.array(mark[3]) if mark else None,
        mark_missing=missing if mark and missing.any() else None,
        funding=await _funding(venue, market, begins_ns, now_ns, notes),
        open_interest=await _statistic(venue, market, _INTEREST, step_ns, begins_ns, now_ns, notes),
        long_short_ratio=await _statistic(venue, market, _RATIO, step_ns, begins_ns, now_ns, notes),
        notes=tuple(notes),
    )  # fmt: skip


def _column(rows: Sequence[Bar], at: int) -> Any:
    values = [row[at] for row in rows]
    return None if any(value is None for value in values) else np.array(values, dtype=np.float64)


async def market_now_ns(venue: CcxtVenue, market: Traded) -> int:
    """Market time; by the newest candle where nothing was heard yet, since /time may be another clock."""
    if venue.clock.heard_ns:
        return venue.clock.now_ns()
    rows = await asked(venue, Call(method="fetch_ohlcv", args=(market.unified, "1m", None, 2), writes=False))
    ticker = await asked(venue, Call(method="fetch_ticker", args=(market.unified,), writes=False))
    newest_ms = max(int(rows[-1][0]) if rows else 0, int(ticker.get("timestamp") or 0))
    return newest_ms * MS if newest_ms else venue.clock.wall_ns()


async def bars_of(
    venue: CcxtVenue, market: Traded, interval: str, start_ns: int, end_ns: int, *, mark: bool = False
) -> list[Bar]:
    """Bars that open in [start_ns, end_ns), oldest first; empty where a venue keeps no such candles."""
    step_ns = interval_ns(interval)
    most = _ROWS.get(venue.dialect.venue, _ROWS_ELSEWHERE)
    found: dict[int, Bar] = {}
    at_ns = start_ns
    while at_ns < end_ns:
        rows = await _page(venue, market, interval, at_ns, min(most, (end_ns - at_ns) // step_ns + 1), mark=mark)
        fresh = [row for row in rows if at_ns <= row[0] < end_ns]
        found.update((row[0], row) for row in fresh)
        last_ns = max((row[0] for row in rows), default=0)
        at_ns = max(last_ns + step_ns, at_ns + step_ns) if fresh else at_ns + most * step_ns
    return [found[at] for at in sorted(found)]


async def _page(venue: CcxtVenue, market: Traded, interval: str, since_ns: int, rows: int, *, mark: bool) -> list[Bar]:
    exchange = venue.exchange
    if venue.dialect.venue == "binance":  # its own answer has what ccxt leaves out: turnover and who was the taker
        method = "fapiPublicGetMarkPriceKlines" if mark else "fapiPublicGetKlines"
        params = {
            "symbol": exchange.market(market.unified)["id"], "interval": exchange.timeframes[interval],
            "startTime": since_ns // MS, "limit": rows,
        }  # fmt: skip
        return [
            _raw_bar(row, mark=mark) for row in await asked(venue, Call(method=method, params=params, writes=False))
        ]
    if mark and not exchange.has.get("fetchMarkOHLCV"):
        return []
    method = "fetch_mark_ohlcv" if mark else "fetch_ohlcv"
    answer = await asked(
        venue, Call(method=method, args=(market.unified, interval, since_ns // MS, rows), writes=False)
    )
    size = float(market.contract_size)
    return [
        (int(row[0]) * MS, *(float(value) for value in row[1:5]), float(row[5] or 0) * size, None, None)  # type: ignore[misc]
        for row in answer
        if None not in row[:5]
    ]


def _raw_bar(row: Sequence[Any], *, mark: bool) -> Bar:
    opened_ns = int(row[0]) * MS
    prices = (float(row[1]), float(row[2]), float(row[3]), float(row[4]))
    if mark:
        return (opened_ns, *prices, 0.0, None, None)
    return (opened_ns, *prices, float(row[5]), float(row[7]), float(row[9]))


async def _funding(venue: CcxtVenue, market: Traded, start_ns: int, end_ns: int, notes: list[str]) -> Funding | None:
    rows: dict[int, float] = {}
    since_ms = start_ns // MS
    try:
        while True:
            call = Call(
                method="fetch_funding_rate_history", args=(market.unified, since_ms, 1_000),
                params={"until": end_ns // MS}, writes=False,
            )  # fmt: skip
            answer = await asked(venue, call)
            rows.update(
                (int(row["timestamp"]) * MS // MINUTE_NS * MINUTE_NS, float(row["fundingRate"])) for row in answer
            )
            newest = max((int(row["timestamp"]) for row in answer), default=since_ms)
            if newest <= since_ms or len(answer) < 100:
                break
            since_ms = newest + 1
    except VenueError as error:
        notes.append(f"no funding: {error}")
        return None
    if not rows:
        return None
    times = np.array(sorted(rows), dtype=np.int64)
    gaps = np.diff(times, prepend=times[0] - (times[1] - times[0] if len(times) > 1 else 8 * HOUR_NS))
    return Funding(time_ns=times, rate=np.array([rows[int(at)] for at in times]), interval_ns=gaps.astype(np.int64))


async def _statistic(
    venue: CcxtVenue,
    market: Traded,
    series: tuple[str, str],
    step_ns: int,
    start_ns: int,
    end_ns: int,
    notes: list[str],
) -> Known | None:
    """A series of the venue's statistics, if it keeps one; each value was public one step after what it describes."""
    method, name = series
    word = "".join(part.capitalize() for part in method.split("_"))
    if not venue.exchange.has.get(word[0].lower() + word[1:]):
        return None
    frame, frame_ns = ("1h", HOUR_NS) if step_ns >= HOUR_NS else ("5m", _STATISTIC_MIN_NS)
    since_ns = max(start_ns, end_ns - _STATISTIC_ROWS * frame_ns)
    try:
        call = Call(method=method, args=(market.unified, frame, since_ns // MS, _STATISTIC_ROWS), writes=False)
        answer = await asked(venue, call)
    except VenueError as error:
        notes.append(f"{word}: {error}")
        return None
    rows = {int(row["timestamp"]) * MS: row.get(name) for row in answer}
    times = np.array(sorted(at for at, value in rows.items() if value is not None), dtype=np.int64)
    if not len(times):
        return None
    return Known(time_ns=times, known_ns=times + frame_ns, value=np.array([float(rows[int(at)]) for at in times]))
