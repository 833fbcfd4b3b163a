"""The other venues' sockets through ccxt.pro's unified streams, and questions where a venue has no such stream."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from bearskin.live._ask import asked
from bearskin.live._bars import Bars
from bearskin.live._dialects import Call
from bearskin.live._seams import Put
from bearskin.terms import Marked, OrderChanged, Quoted, VenueRejected, dec

if TYPE_CHECKING:
    from bearskin.live._venue import CcxtVenue

MS: Final = 1_000_000
_UP_S: Final = 0.5  # a subscription that was not refused by then stands
_MARKS_S: Final = 3.0
_KEPT: Final = 200


class UnifiedStreams:
    """Quotes, orders and fills by stream; marks by question; candles by question once they are due."""

    def __init__(self, venue: CcxtVenue, bars: Bars, put: Put, funding: Callable[[], None]) -> None:  # noqa: ARG002
        self._venue, self._put = venue, put
        self._exchange = venue.exchange
        self._exchange.newUpdates = True
        self._filled = asyncio.Event()
        self._exchange.options |= {"tradesLimit": _KEPT, "ordersLimit": _KEPT, "OHLCVLimit": _KEPT}

    def channels(self, interval: str) -> dict[str, tuple[Any, ...]]:  # noqa: ARG002 - the other streams' signature
        """What keeps each channel open, until it breaks."""
        streams = tuple(functools.partial(self._orders, call) for call in self._venue.dialect.order_streams())
        fills = self._fills if self._venue.dialect.able.stream_fills else self._asked_fills
        return {"market": (self._quotes, self._marks), "orders": streams, "account": (fills,)}

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
