"""`fetch_public`: what a venue publishes of one market, through ccxt, without a key, into the store.

Time is asked for in windows that one answer can hold, oldest first, so it makes no difference whether a venue answers
with the oldest or the newest rows it has. What was fetched is stored on the way and when something fails: the next
call goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from bearskin.live._ccxt import Caller, Market, find_market, open_venue
from bearskin.market import EVENT, AppendReport, SeriesKey, Store
from bearskin.terms import DAY_NS, HOUR_NS, MINUTE_NS, BadInput, Product, VenueRejected, interval_ns, interval_word

CANDLE_KINDS: Final = ("trade", "mark", "index")
PUBLIC_KINDS: Final = (*CANDLE_KINDS, "funding", "open-interest", "long-short", "borrow-rate")
ROWS_HELD: Final = 20_000  # stored whenever so many are in hand
MS: Final = 1_000_000

_CALLS: Final = {
    "trade": "fetchOHLCV",
    "mark": "fetchMarkOHLCV",
    "index": "fetchIndexOHLCV",
    "funding": "fetchFundingRateHistory",
    "open-interest": "fetchOpenInterestHistory",
    "long-short": "fetchLongShortRatioHistory",
    "borrow-rate": "fetchBorrowRateHistory",
}
_METHODS: Final = {
    "trade": "fetch_ohlcv",
    "mark": "fetch_mark_ohlcv",
    "index": "fetch_index_ohlcv",
    "funding": "fetch_funding_rate_history",
    "open-interest": "fetch_open_interest_history",
    "long-short": "fetch_long_short_ratio_history",
    "borrow-rate": "fetch_borrow_rate_history",
}
# rows to ask for at a time: what every venue gives, and what Binance gives
_ROWS: Final = {"trade": 200, "mark": 200, "index": 200, "funding": 100, "open-interest": 100, "long-short": 100}
_ROWS_BINANCE: Final = {
    "trade": 1000,
    "mark": 1000,
    "index": 1000,
    "funding": 1000,
    "open-interest": 500,
    "long-short": 500,
}
_BORROW_ROWS: Final = 90
# Binance keeps open interest and ratios for thirty days and rejects an older start
_BINANCE_KEEPS_NS: Final = 30 * DAY_NS - HOUR_NS
_FINEST_STATISTIC: Final = "5m"

Progress = Callable[[int, int, str], object]  # windows done, windows in all, the series


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicReport:
    """What a fetch did: what the store took series by series, and the kinds the venue does not give, with why."""

    venue: str
    product: Product
    symbol: str
    appends: tuple[AppendReport, ...]
    unavailable: tuple[tuple[str, str], ...]


def fetch_public(
    store: Store,
    venue_id: str,
    symbol: str,
    kinds: Sequence[str],
    interval: str,
    start_ns: int,
    end_ns: int,
    *,
    product: str | None = None,
    exchange: Any = None,
    progress: Progress | None = None,
    now_ns: int | None = None,
    again: bool = False,
    sleep: Callable[[float], object] = time.sleep,
) -> PublicReport:
    """Fetch `kinds` of one market over [start_ns, end_ns) and append them to `store`.

    `venue_id` is ccxt's (`binanceusdm`, `bybit`, `okx`, ...), `symbol` ccxt's or the venue's own. A series whose
    first row is at or before the start is continued after its last row (`again` asks for everything). The bar that is
    not finished at `now_ns` (the venue's clock as ccxt has it, by default) is left out. Trade volume is stored as
    ccxt gives it, in base units on most venues. Borrow rates are stored per hour, under product `margin` and the
    coin's name.

    Raises BadInput for a kind, interval or venue that does not exist, UnknownSymbol, VenueBroken when the venue does
    not answer after several attempts, VenueRejected when it refuses; what came before is stored.
    """
    step_ns = _checked(kinds, interval, start_ns, end_ns)
    venue = exchange if exchange is not None else open_venue(venue_id)
    caller = Caller(venue=venue, symbol=symbol, sleep=sleep)
    caller.call("load_markets")
    market = find_market(venue, symbol, product)
    now = now_ns if now_ns is not None else int(venue.milliseconds()) * MS
    appends: list[AppendReport] = []
    unavailable: list[tuple[str, str]] = []
    for kind in dict.fromkeys(kinds):
        why = _why_not(venue, market, kind)
        if why is not None:
            unavailable.append((kind, why))
            continue
        job = _job(store, market, kind, interval, step_ns, start_ns, min(end_ns, now), again=again, now_ns=now)
        try:
            _run(store, caller, job, market, progress, appends)
        except VenueRejected as error:
            if not caller.needs_key:
                raise
            unavailable.append((kind, str(error)))
    return PublicReport(
        venue=market.venue,
        product=market.product,
        symbol=market.symbol,
        appends=tuple(appends),
        unavailable=tuple(unavailable),
    )


def _checked(kinds: Sequence[str], interval: str, start_ns: int, end_ns: int) -> int:
    unknown = [kind for kind in kinds if kind not in PUBLIC_KINDS]
    if unknown or not kinds:
        raise BadInput(f"venues publish no {unknown or 'kind'}: ask for {', '.join(PUBLIC_KINDS)}")
    if end_ns <= start_ns:
        raise BadInput("the end of the time to fetch was not after its start")
    return interval_ns(interval)


def _why_not(venue: Any, market: Market, kind: str) -> str | None:
    """Why the venue cannot be asked for a kind, or None."""
    if kind not in ("trade", "borrow-rate") and market.product == Product.SPOT:
        return "spot has none"
    if kind == "funding" and market.product in (Product.DATED, Product.DATED_INVERSE):
        return "dated futures have none"
    return None if venue.has.get(_CALLS[kind]) else f"{venue.id} does not publish it through ccxt"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One series to fetch over [start_ns, end_ns): rows at least `step_ns` apart, `rows` of them an answer."""

    key: SeriesKey
    kind: str
    timeframe: str
    step_ns: int
    start_ns: int
    end_ns: int
    rows: int

    def windows(self) -> list[tuple[int, int]]:
        """The spans one answer can hold, oldest first."""
        length = self.step_ns * self.rows
        return [(at, min(at + length, self.end_ns)) for at in range(self.start_ns, self.end_ns, length)]


def _job(
    store: Store,
    market: Market,
    kind: str,
    interval: str,
    step_ns: int,
    start_ns: int,
    end_ns: int,
    *,
    again: bool,
    now_ns: int,
) -> _Job:
    binance = market.venue == "binance"
    product, symbol, word = market.product, market.symbol, interval
    if kind in CANDLE_KINDS:
        end_ns = min(end_ns, now_ns - step_ns + 1)  # only bars that are closed by now
    elif kind in ("open-interest", "long-short"):
        word = interval_word(max(step_ns, interval_ns(_FINEST_STATISTIC)))
        step_ns = interval_ns(word)
        if binance:
            start_ns = max(start_ns, now_ns - _BINANCE_KEEPS_NS)
    else:
        word, step_ns = EVENT, HOUR_NS
    if kind == "borrow-rate":
        product, symbol = Product.MARGIN, market.base
    key = SeriesKey(market.venue, product, symbol, kind, word)
    if store.has(key) and not again:
        reach = store.coverage(key)
        if reach.first_ns <= start_ns + step_ns:
            start_ns = max(start_ns, reach.last_ns + (step_ns if word != EVENT else 1))
    rows = _BORROW_ROWS if kind == "borrow-rate" else (_ROWS_BINANCE if binance else _ROWS)[kind]
    return _Job(key=key, kind=kind, timeframe=word, step_ns=step_ns, start_ns=start_ns, end_ns=end_ns, rows=rows)


def _run(
    store: Store,
    caller: Caller,
    job: _Job,
    market: Market,
    progress: Progress | None,
    appends: list[AppendReport],
) -> None:
    windows = job.windows()
    held: list[dict[str, Any]] = []
    try:
        for done, window in enumerate(windows, 1):
            for rows in _pages(caller, job, market, window):
                held += rows
            if len(held) >= ROWS_HELD:
                _flush(store, caller, job, held, appends)
            if progress is not None:
                progress(done, len(windows), f"{job.key.symbol} {job.kind}")
    finally:
        _flush(store, caller, job, held, appends)


def _flush(store: Store, caller: Caller, job: _Job, held: list[dict[str, Any]], appends: list[AppendReport]) -> None:
    if held:
        frame = pl.DataFrame(held).unique("time", keep="first").sort("time")
        frame = frame.with_columns(pl.col("^(time|known_at)$").cast(pl.Datetime("ns", "UTC")))
        appends.append(store.append(job.key, frame, f"{caller.venue.id}-api"))
        held.clear()


def _pages(caller: Caller, job: _Job, market: Market, window: tuple[int, int]) -> Iterator[list[dict[str, Any]]]:
    """The rows of a window, asked for again where an answer held only its beginning or its end."""
    spans = [window]
    while spans:
        start_ns, end_ns = spans.pop()
        rows = [row for row in _ask(caller, job, market, start_ns, end_ns) if start_ns <= row["time"] < end_ns]
        if not rows:
            continue
        yield rows
        if job.timeframe == EVENT:  # rows are farther apart than the step: a window never overflows
            continue
        times = [row["time"] for row in rows]
        if max(times) + 2 * job.step_ns <= end_ns:
            spans.append((max(times) + job.step_ns, end_ns))
        if min(times) - job.step_ns >= start_ns:
            spans.append((start_ns, min(times)))


def _ask(caller: Caller, job: _Job, market: Market, start_ns: int, end_ns: int) -> list[dict[str, Any]]:
    """One answer as rows of the store's columns; rows without a value are left out."""
    since, params = -(-start_ns // MS), {"until": (end_ns - 1) // MS}
    method = _METHODS[job.kind]
    if job.kind == "borrow-rate":
        answer = caller.call(method, market.base, since, job.rows)
    elif job.kind == "funding":
        answer = caller.call(method, market.unified, since, job.rows, params)
    else:
        answer = caller.call(method, market.unified, job.timeframe, since, job.rows, params)
    rows = (_row(job.kind, item) for item in answer)
    return [row for row in rows if row is not None]


def _row(kind: str, item: Any) -> dict[str, Any] | None:
    if kind in CANDLE_KINDS:
        names = ("open", "high", "low", "close", "volume")[: 5 if kind == "trade" else 4]
        values = [_float(value) for value in item[1 : 1 + len(names)]]
        if any(value is None for value in values):
            return None
        return {"time": int(item[0]) * MS, **dict(zip(names, values, strict=True))}
    at_ns = int(item["timestamp"]) * MS
    if kind == "funding":
        rate = _float(item["fundingRate"])
        # stamps carry milliseconds of jitter: the stamp is when the rate was known, its minute when it was due
        return None if rate is None else {"time": at_ns // MINUTE_NS * MINUTE_NS, "known_at": at_ns, "rate": rate}
    if kind == "open-interest":
        amount, value = _float(item.get("openInterestAmount")), _float(item.get("openInterestValue"))
        return None if amount is None and value is None else {"time": at_ns, "oi": amount, "oi_usd": value}
    if kind == "long-short":
        ratio = _float(item["longShortRatio"])
        return None if ratio is None else {"time": at_ns, "ratio": ratio}
    rate = _float(item["rate"])
    period_ns = int(item.get("period") or DAY_NS // MS) * MS
    return None if rate is None else {"time": at_ns, "rate": rate * HOUR_NS / period_ns}


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
