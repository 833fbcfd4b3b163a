"""A panel out of a venue's REST history: complete bars with their marks, funding, open interest, long/short ratio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
_KEPT_MAX: Final = 6_000  # bars; with more they are asked for anew
_INTEREST: Final = ("fetch_open_interest_history", "openInterestAmount")
_RATIO: Final = ("fetch_long_short_ratio_history", "longShortRatio")
Bar = tuple[int, float, float, float, float, float, float | None, float | None]


class NoBars(VenueRejected):
    """The venue has no complete candle of a symbol yet: it was listed a moment ago, or it keeps none of that length."""


class Past:
    """What a venue has told of its history: complete bars, funding and statistics do not change any more.

    All by symbol and what else they are of, with the time from which on they are known; only what lies before or came
    since is asked for.
    """

    def __init__(self) -> None:
        self._bars: dict[tuple[str, str, bool], tuple[int, list[Bar]]] = {}
        self._rates: dict[str, tuple[int, dict[int, float]]] = {}
        self._statistics: dict[tuple[str, str, str], tuple[int, Known]] = {}

    async def bars_of(
        self, venue: CcxtVenue, market: Traded, interval: str, start_ns: int, end_ns: int, *, mark: bool = False
    ) -> list[Bar]:
        """As the function of this name."""
        key = (market.symbol, interval, mark)
        from_ns, kept = self._bars.get(key, (0, []))
        if not kept or kept[-1][0] < start_ns or len(kept) > _KEPT_MAX:
            from_ns, kept = start_ns, await bars_of(venue, market, interval, start_ns, end_ns, mark=mark)
        else:
            if start_ns < from_ns:
                older = await bars_of(venue, market, interval, start_ns, from_ns, mark=mark)
                from_ns, kept = start_ns, [*(row for row in older if row[0] < kept[0][0]), *kept]
            if (since_ns := kept[-1][0] + interval_ns(interval)) < end_ns:
                kept = [*kept, *await bars_of(venue, market, interval, since_ns, end_ns, mark=mark)]
        self._bars[key] = from_ns, kept
        return [row for row in kept if start_ns <= row[0] < end_ns]

    def rates(self, symbol: str, start_ns: int) -> dict[int, float]:
        """Settled funding that is known since then, by time; empty where the beginning is not known."""
        from_ns, kept = self._rates.get(symbol, (0, {}))
        return {at: rate for at, rate in kept.items() if at >= start_ns} if kept and from_ns <= start_ns else {}

    def keep_rates(self, symbol: str, start_ns: int, rows: Mapping[int, float]) -> None:
        """Remember all the funding since `start_ns`."""
        self._rates[symbol] = start_ns, dict(rows)

    def statistic(self, key: tuple[str, str, str], since_ns: int, now_ns: int) -> Known | None:
        """A statistic that is known since then and has no new value yet."""
        from_ns, kept = self._statistics.get(key, (0, None))
        if kept is None or from_ns > since_ns or now_ns >= int(2 * kept.known_ns[-1] - kept.time_ns[-1]):
            return None
        at = int(np.searchsorted(kept.time_ns, since_ns))
        if at == len(kept.time_ns):
            return None
        return Known(time_ns=kept.time_ns[at:], known_ns=kept.known_ns[at:], value=kept.value[at:])

    def keep_statistic(self, key: tuple[str, str, str], since_ns: int, known: Known) -> None:
        """Remember it."""
        self._statistics[key] = since_ns, known


async def history_of(venue: CcxtVenue, symbol: str, interval: str, bars: int) -> Panel:
    """The last `bars` complete bars, fewer where the venue has no more; raises NoBars where it has none."""
    market, step_ns = venue.markets[symbol], interval_ns(interval)
    now_ns = await market_now_ns(venue, market)
    end_ns = now_ns // step_ns * step_ns
    start_ns = end_ns - bars * step_ns
    bars_from = bars_of if venue.past is None else venue.past.bars_of
    trades = await bars_from(venue, market, interval, start_ns, end_ns)
    if not trades:
        raise NoBars(f"{venue.dialect.venue} has no {interval} bars of {symbol}")
    marks = {row[0]: row for row in await bars_from(venue, market, interval, start_ns, end_ns, mark=True)}
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
    begins_ns = start_ns // MINUTE_NS * MINUTE_NS
    rows = {} if venue.past is None else venue.past.rates(market.symbol, begins_ns)
    since_ms = max(start_ns, *rows) // MS if rows else start_ns // MS
    try:
        while not _not_due(rows, end_ns):
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
    if venue.past is not None:
        venue.past.keep_rates(market.symbol, begins_ns, rows)
    times = np.array(sorted(rows), dtype=np.int64)
    gaps = np.diff(times, prepend=times[0] - (times[1] - times[0] if len(times) > 1 else 8 * HOUR_NS))
    return Funding(time_ns=times, rate=np.array([rows[int(at)] for at in times]), interval_ns=gaps.astype(np.int64))


def _not_due(rows: Mapping[int, float], now_ns: int) -> bool:
    """Whether nothing can have been settled since the newest, by the time between the last two."""
    if len(rows) < 2:
        return False
    before_ns, last_ns = sorted(rows)[-2:]
    return now_ns < 2 * last_ns - before_ns


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
    key = (market.symbol, frame, method)
    if venue.past is not None and (kept := venue.past.statistic(key, since_ns, end_ns)) is not None:
        return kept
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
    known = Known(time_ns=times, known_ns=times + frame_ns, value=np.array([float(rows[int(at)]) for at in times]))
    if venue.past is not None:
        venue.past.keep_statistic(key, since_ns, known)
    return known
