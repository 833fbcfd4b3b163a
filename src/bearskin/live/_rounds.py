"""What is asked for now and then because no stream tells it: funding, statistics, whether a symbol trades, the time."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, Literal

from bearskin.live._ask import asked
from bearskin.live._dialects import Call
from bearskin.live._seams import Put
from bearskin.terms import (
    HOUR_NS,
    MINUTE_NS,
    AnyEvent,
    BarClosed,
    Filled,
    Marked,
    Published,
    RateSettled,
    Skewed,
    TradingChanged,
)

if TYPE_CHECKING:
    from bearskin.live._feed import FeedOptions
    from bearskin.live._venue import CcxtVenue

logger = logging.getLogger("bearskin.live")
MS: Final = 1_000_000
FAR_MS: Final = 4_000_000_000_000  # a delivery date beyond this (2096) is a perpetual's
_LOOK_S: Final = 0.5
_SETTLE_WAIT_S: Final = 1.0  # a settlement is in the books of the venue a moment after it was due
_SERIES: Final[tuple[tuple[str, str, str, Literal["open_interest", "long_short_ratio"]], ...]] = (
    ("fetchOpenInterestHistory", "fetch_open_interest_history", "openInterestAmount", "open_interest"),
    ("fetchLongShortRatioHistory", "fetch_long_short_ratio_history", "longShortRatio", "long_short_ratio"),
)
_WORDS: Final = {
    "TRADING": "trading", "PRE_SETTLE": "delisting", "SETTLING": "delisting", "CLOSE": "delisted",
    "PRE_DELIVERING": "delisting", "DELIVERING": "delisting", "DELIVERED": "delisted",
}  # fmt: skip


class Rounds:
    """Asks in rounds, each at its own pace; what cannot be had is asked for again the next time."""

    def __init__(self, venue: CcxtVenue, options: FeedOptions, put: Put) -> None:
        self._venue, self._options, self._put = venue, options, put
        self._next_ns: dict[str, int] = {}  # when funding settles next
        self._due: deque[str] = deque()
        self._status: dict[str, tuple[str, int | None]] = {}
        self._published: dict[tuple[str, str], int] = {}
        self._paid: dict[str, int] = {}  # the newest settlement that was told, milliseconds
        self._held: set[str] = set()
        self._ask_paid = asyncio.Event()
        self._bars: deque[str] = deque()

    def marked(self, event: Marked) -> None:
        """Take note of when funding settles; a date that jumped ahead says that it has settled."""
        if event.next_funding_ns is None:
            return
        before = self._next_ns.get(event.symbol)
        if before is not None and event.next_funding_ns > before:
            self._due.append(event.symbol)
        self._next_ns[event.symbol] = event.next_funding_ns

    def filled(self, event: Filled) -> None:
        """A symbol that was traded is one whose funding concerns us."""
        self._held.add(event.symbol)

    def funding_due(self) -> None:
        """The venue has said that funding was paid."""
        self._ask_paid.set()

    def bar(self, event: AnyEvent) -> None:
        """A candle closed: statistics may have come out."""
        if isinstance(event, BarClosed) and self._options.statistics and event.time_ns % (5 * MINUTE_NS) == 0:
            self._bars.append(event.symbol)

    async def run(self) -> None:
        """Ask until cancelled."""
        await self._paid_since_start()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._settlements())
            group.create_task(self._statistics())
            for pace_s, what in ((self._options.skew_s, self._skew), (self._options.status_s, self._trading)):
                if pace_s is not None:
                    group.create_task(self._every(pace_s, what))

    async def _every(self, pace_s: float, what: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await what()
            except Exception as error:  # noqa: BLE001 - what is asked in rounds must not end the trading
                logger.info("asked in vain: %s", type(error).__name__)
            await asyncio.sleep(pace_s)

    async def _skew(self) -> None:
        skew_ns = await self._venue.measure_skew()
        clock = self._venue.clock
        self._put(Skewed(time_ns=clock.now_ns(), wall_ns=clock.wall_ns(), skew_ns=skew_ns))

    # --- funding ------------------------------------------------------------------------------------------------------

    async def _paid_since_start(self) -> None:
        """Ask for what was paid since the newest payment that this run was told, or since it began."""
        start_ms = (self._venue.began_ns or self._venue.begins_ns) // MS
        told = self._venue.paid_ns
        self._paid = {symbol: max(told.get(symbol, 0) // MS, start_ms) for symbol in self._venue.symbols}
        if start_ms:
            self._ask_paid.set()

    async def _settlements(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            due = list(dict.fromkeys(self._due))
            self._due.clear()
            paid = self._ask_paid.is_set()
            if not (due or paid):
                continue
            await asyncio.sleep(_SETTLE_WAIT_S)
            self._ask_paid.clear()
            try:
                for symbol in due:
                    await self._rate(symbol)
                for symbol in self._venue.symbols if paid else [each for each in due if each in self._held]:
                    await self._payments(symbol)
            except Exception:  # noqa: BLE001 - as above
                self._due.extend(due)
                if paid:
                    self._ask_paid.set()

    async def _rate(self, symbol: str) -> None:
        market, clock = self._venue.markets[symbol], self._venue.clock
        call = Call(method="fetch_funding_rate_history", args=(market.unified, None, 2), writes=False)
        rows = sorted(await asked(self._venue, call), key=lambda row: int(row["timestamp"]))
        if not rows:
            return
        times = [int(row["timestamp"]) * MS // MINUTE_NS * MINUTE_NS for row in rows]
        interval_ns = times[-1] - times[-2] if len(times) > 1 else 8 * HOUR_NS
        if self._published.get((symbol, "rate"), 0) < times[-1]:
            self._published[symbol, "rate"] = times[-1]
            self._put(
                RateSettled(
                    time_ns=max(times[-1], clock.heard_ns), wall_ns=clock.wall_ns(), symbol=symbol,
                    settled_ns=times[-1], rate=float(rows[-1]["fundingRate"]), interval_ns=interval_ns,
                )
            )  # fmt: skip

    async def _payments(self, symbol: str) -> None:
        """What this account received or paid and was not told yet, oldest first."""
        market, clock = self._venue.markets[symbol], self._venue.clock
        since_ms = self._paid.get(symbol, 0)
        rows = await asked(
            self._venue, self._venue.dialect.fundings_of(market, since_ms + 1 if since_ms else None, 100)
        )
        for row in sorted(rows, key=lambda row: int(row["timestamp"])):
            if int(row["timestamp"]) > since_ms:
                self._put(self._venue.dialect.funding_of(row, market, wall_ns=clock.wall_ns()))
                self._paid[symbol] = int(row["timestamp"])

    # --- statistics and status ----------------------------------------------------------------------------------------

    async def _statistics(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            symbols = list(dict.fromkeys(self._bars))
            self._bars.clear()
            for symbol in symbols:
                try:
                    await self._series(symbol)
                except Exception as error:  # noqa: BLE001 - as above
                    logger.info("no statistics of %s: %s", symbol, type(error).__name__)

    async def _series(self, symbol: str) -> None:
        market, clock = self._venue.markets[symbol], self._venue.clock
        for able, method, name, series in _SERIES:
            if not self._venue.exchange.has.get(able):
                continue
            rows = await asked(self._venue, Call(method=method, args=(market.unified, "5m", None, 2), writes=False))
            for row in sorted(rows, key=lambda row: int(row["timestamp"])):
                of_ns = int(row["timestamp"]) * MS
                if row.get(name) is not None and of_ns > self._published.get((symbol, series), 0):
                    self._published[symbol, series] = of_ns
                    self._put(
                        Published(
                            time_ns=clock.now_ns(), wall_ns=clock.wall_ns(), symbol=symbol, series=series, of_ns=of_ns,
                            value=float(row[name]),
                        )
                    )  # fmt: skip

    async def _trading(self) -> None:
        """Whether each symbol still trades, and when it leaves, told when it changes."""
        rows = {row["symbol"]: row for row in await asked(self._venue, Call(method="fetch_markets", writes=False))}
        clock = self._venue.clock
        for symbol, market in self._venue.markets.items():
            row = rows.get(market.unified)
            if row is None:
                found: tuple[str, int | None] = ("delisted", None)
            else:
                word = str(row["info"].get("status") or row["info"].get("contractStatus") or "").upper()
                ends_ms = int(row["info"].get("deliveryDate") or FAR_MS)
                status = _WORDS.get(word) or ("trading" if row.get("active") else "halted")
                leaves = 0 < ends_ms < FAR_MS
                found = ("delisting" if leaves and status == "trading" else status, ends_ms * MS if leaves else None)
            if self._status.get(symbol) != found:  # the first word too: an earlier life may know another
                self._put(
                    TradingChanged(
                        time_ns=clock.now_ns(), wall_ns=clock.wall_ns(), symbol=symbol, status=found[0],  # type: ignore[arg-type]
                        ends_ns=found[1],
                    )
                )  # fmt: skip
            self._status[symbol] = found
