"""The other venues' sockets through ccxt.pro's unified streams, and questions where a venue has no such stream."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from bearskin.live._ask import asked
from bearskin.live._bars import Bars
from bearskin.live._dialects import Call
from bearskin.live._seams import Put
from bearskin.terms import Depth, Marked, OrderChanged, Quoted, VenueRejected, dec

if TYPE_CHECKING:
    from bearskin.live._dialects import Traded
    from bearskin.live._venue import CcxtVenue

MS: Final = 1_000_000
_UP_S: Final = 0.5  # a subscription that was not refused by then stands
_MARKS_S: Final = 3.0
_KEPT: Final = 200
_LEVELS: Final = 20  # of a book, each side
_DEPTH_S: Final = 1.0
_DEPTH_AGAIN_S: Final = 5.0
logger = logging.getLogger("bearskin.live")


class UnifiedStreams:
    """Quotes, orders and fills by stream; marks by question; candles by question once they are due."""

    def __init__(
        self,
        venue: CcxtVenue,
        bars: Bars,  # noqa: ARG002 - the other streams' signature
        put: Put,
        funding: Callable[[], None],  # noqa: ARG002
        *,
        depth: bool = False,
    ) -> None:
        self._venue, self._put = venue, put
        self._deep = depth and bool(venue.exchange.has.get("watchOrderBook"))
        self._exchange = venue.exchange
        self._exchange.newUpdates = True
        self._filled = asyncio.Event()
        self._exchange.options |= {"tradesLimit": _KEPT, "ordersLimit": _KEPT, "OHLCVLimit": _KEPT}

    def channels(self, interval: str) -> dict[str, tuple[Any, ...]]:  # noqa: ARG002 - the other streams' signature
        """What keeps each channel open, until it breaks."""
        streams = tuple(functools.partial(self._orders, call) for call in self._venue.dialect.order_streams())
        fills = self._fills if self._venue.dialect.able.stream_fills else self._asked_fills
        market = (self._quotes, self._marks, *([self._depths] if self._deep else []))
        return {"market": market, "orders": streams, "account": (fills,)}

    async def _each(self, up: Callable[[], None], watch: Callable[[], Any], take: Callable[[Any], None]) -> None:
        """Watch on and on; up as soon as the first watch was not refused for a moment."""
        told = False
        while True:
            watching = asyncio.ensure_future(watch())
            try:
                if not told:
                    await asyncio.wait({watching}, timeout=_UP_S)
                    if not watching.done() or watching.exception() is None:
                        up()
                        told = True
                take(await watching)
            finally:
                watching.cancel()

    async def _quotes(self, up: Callable[[], None]) -> None:
        unified = [market.unified for market in self._venue.markets.values()]
        able = self._exchange.has.get("watchBidsAsks")
        watch = self._exchange.watch_bids_asks if able else self._exchange.watch_tickers

        def take(tickers: Any) -> None:
            for name, row in (tickers if "symbol" not in tickers else {tickers["symbol"]: tickers}).items():
                market = self._venue.by_unified.get(name)
                if market is None or not row.get("bid") or not row.get("ask"):
                    continue
                clock = self._venue.clock
                time_ns = int(row.get("timestamp") or 0) * MS or clock.now_ns()
                clock.heard(time_ns)
                bid, ask = dec(row["bid"]), dec(row["ask"])
                self._put(Quoted(time_ns=time_ns, wall_ns=clock.wall_ns(), symbol=market.symbol, bid=bid, ask=ask))

        await self._each(up, lambda: watch(unified), take)

    async def _depths(self, up: Callable[[], None]) -> None:  # noqa: ARG002 - without depth the market is there all the same
        await asyncio.gather(*(self._depth(market) for market in self._venue.markets.values()))

    async def _depth(self, market: Traded) -> None:
        """One symbol's book, at most once a second; what breaks is opened again, and nothing else hears of it."""
        loop, told_s = asyncio.get_running_loop(), 0.0
        while True:
            try:
                book = await self._exchange.watch_order_book(market.unified)
            except Exception:  # the book is a convenience: it must not bring the market down
                logger.debug("no order book of %s", market.symbol, exc_info=True)
                await asyncio.sleep(_DEPTH_AGAIN_S)
                continue
            if loop.time() - told_s < _DEPTH_S or not book["bids"] or not book["asks"]:
                continue
            told_s, clock = loop.time(), self._venue.clock
            time_ns = int(book.get("timestamp") or 0) * MS or clock.now_ns()
            bids, asks = (
                tuple((float(row[0]), float(row[1])) for row in book[side][:_LEVELS]) for side in ("bids", "asks")
            )
            self._put(Depth(time_ns=time_ns, wall_ns=clock.wall_ns(), symbol=market.symbol, bids=bids, asks=asks))

    async def _marks(self, up: Callable[[], None]) -> None:
        told = False
        while True:
            for market in self._venue.markets.values():
                call = Call(method="fetch_funding_rate", args=(market.unified,), writes=False)
                row = await asked(self._venue, call)
                clock = self._venue.clock
                if row.get("markPrice"):
                    self._put(
                        Marked(
                            time_ns=int(row.get("timestamp") or 0) * MS or clock.now_ns(), wall_ns=clock.wall_ns(),
                            symbol=market.symbol, mark=dec(row["markPrice"]),
                            index=_figure(row.get("indexPrice")), rate=_figure(row.get("fundingRate")),
                            next_funding_ns=int(row["fundingTimestamp"]) * MS if row.get("fundingTimestamp") else None,
                        )
                    )  # fmt: skip
            if not told:
                up()
                told = True
            await asyncio.sleep(_MARKS_S)

    async def _orders(self, call: Call, up: Callable[[], None]) -> None:
        self._must("watchOrders")

        def take(rows: Any) -> None:
            for row in rows:
                market = self._venue.by_unified.get(str(row["symbol"]))
                if market is None:
                    continue
                order, clock = self._venue.dialect.order_now(row, market), self._venue.clock
                self._venue.heard_order(order)
                time_ns = int(row.get("lastUpdateTimestamp") or row.get("timestamp") or 0) * MS or clock.now_ns()
                self._put(OrderChanged(time_ns=time_ns, wall_ns=clock.wall_ns(), order=order))
                if order.filled:
                    self._filled.set()

        await self._each(up, lambda: call.on(self._exchange), take)

    async def _fills(self, up: Callable[[], None]) -> None:
        self._must("watchMyTrades")

        def take(rows: Any) -> None:
            for row in rows:
                market = self._venue.by_unified.get(str(row["symbol"]))
                fill = self._venue.fill_heard(row, market) if market is not None else None
                if fill is not None:
                    self._put(fill)

        await self._each(up, lambda: self._exchange.watch_my_trades(), take)

    async def _asked_fills(self, up: Callable[[], None]) -> None:
        """Where the stream gives fills no number they are asked for as soon as an order has been filled further."""
        up()
        while True:
            await self._filled.wait()
            self._filled.clear()
            for fill in await self._venue.new_fills():
                self._put(fill)

    def _must(self, name: str) -> None:
        if not self._exchange.has.get(name):
            raise VenueRejected(f"{self._venue.dialect.venue}: ccxt has no {name}")


def _figure(value: Any) -> Decimal | None:
    return None if value is None else dec(value)
