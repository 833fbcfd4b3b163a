"""The dashboard's line to the market: public streams and history of the venue the bot trades on, through ccxt."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from bearskin.app._world import DEMO, Place
from bearskin.app.web._candle_shelf import CandleShelf
from bearskin.app.web._hub import Hub
from bearskin.app.web._venue_line import VenueLine, guarded
from bearskin.terms import BearskinError

if TYPE_CHECKING:
    from bearskin.app.web._kept_venue import KeptVenue

AGAIN_S = 1.0
LINGER_S, UNWATCH_S = 20.0, 10.0
TRADES_KEPT, DEPTH = 60, 20
CANDLES_TOLD = 12  # a fast market closes several between two looks
logger = logging.getLogger("bearskin.app")


@dataclass(frozen=True, slots=True)
class Candles:
    """Topic: the newest candles of a symbol as they change, [open ms, open, high, low, close, volume] each."""

    symbol: str
    interval: str


@dataclass(frozen=True, slots=True)
class Depth:
    """Topic: {"bids": [[price, qty]...], "asks": ...} from the best outwards."""

    symbol: str


@dataclass(frozen=True, slots=True)
class Tape:
    """Topic: the last trades, the newest last: {"time_ms", "price", "qty", "side"} with the taker's side."""

    symbol: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Topic: {"mark", "index", "rate", "next_funding_ms", "time_ms"}; what the venue does not tell is None."""

    symbol: str


Topic = Candles | Depth | Tape | Mark


@dataclass(slots=True, repr=False)
class MarketLink:
    """A venue's public market. Streams run while somebody listens to their topic; each comes back by itself."""

    place: Place
    hub: Hub
    exchange: Any = None
    line: VenueLine | None = None  # None where nothing is asked by REST
    shelf: CandleShelf = field(default_factory=CandleShelf)
    _venue: KeptVenue | None = None
    _running: dict[Hashable, asyncio.Task[None]] = field(default_factory=dict)
    _leaving: dict[Hashable, asyncio.TimerHandle] = field(default_factory=dict)
    _going: set[asyncio.Task[None]] = field(default_factory=set)
    _trades: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def unified(self, symbol: str) -> str:
        """ccxt's name of a venue's own symbol; raises KeyError where the venue has no such perpetual."""
        found: str = next(one["symbol"] for one in self.exchange.markets_by_id[symbol] if one["swap"])
        return found

    @property
    def title(self) -> str:
        """What the venue is called in messages."""
        return "the demo exchange" if self.place.venue == DEMO else self.place.venue

    @property
    def guard(self) -> VenueLine:
        """The line by which it is asked; raises BearskinError where there is none."""
        if self.line is None:
            raise BearskinError("no venue is connected: `bearskin demo` or `bearskin exchange` starts one")
        return self.line

    def venue(self, symbols: Sequence[str]) -> KeptVenue:
        """The one venue of the dashboard, on its one line, with these symbols among those it knows.

        Raises UnknownSymbol.
        """
        if self._venue is None:
            from bearskin import live
            from bearskin.app.web._kept_venue import KeptVenue

            dialect = live.dialect_of("binance" if self.place.venue == DEMO else self.place.venue)
            self._venue = KeptVenue(dialect, self.exchange)
        self._venue.include(symbols)
        return self._venue

    def begun(self, topic: Hashable) -> None:
        """Somebody listens: open the stream."""
        if not isinstance(topic, Candles | Depth | Tape | Mark):
            return
        if (timer := self._leaving.pop(topic, None)) is not None:
            timer.cancel()
        if topic not in self._running:
            # not in the turn of whoever looks first: others will look too
            self._running[topic] = asyncio.get_running_loop().create_task(
                self._streamed(topic), context=contextvars.Context()
            )

    def ended(self, topic: Hashable) -> None:
        """Nobody listens any more: let the stream go after a while, since who turns a page comes back to it."""
        if isinstance(topic, Candles | Depth | Tape | Mark) and topic in self._running and topic not in self._leaving:
            self._leaving[topic] = asyncio.get_running_loop().call_later(LINGER_S, self._let_go, topic)

    def _let_go(self, topic: Topic) -> None:
        self._leaving.pop(topic, None)
        self._running.pop(topic).cancel()
        self.hub.forget(topic)
        if isinstance(topic, Tape):
            self._trades.pop(self.unified(topic.symbol), None)
        going = asyncio.ensure_future(self._unwatched(topic))
        self._going.add(going)
        going.add_done_callback(self._going.discard)

    async def _unwatched(self, topic: Topic) -> None:
        """Have the venue send no more of it: ccxt goes on reading what nobody wants."""
        method, *more = {
            Candles: ("un_watch_ohlcv", getattr(topic, "interval", "")),
            Depth: ("un_watch_order_book",),
            Tape: ("un_watch_trades",),
            Mark: ("un_watch_mark_price",),
        }[type(topic)]
        try:
            await asyncio.wait_for(getattr(self.exchange, method)(self.unified(topic.symbol), *more), UNWATCH_S)
        except Exception as error:  # noqa: BLE001 - not every venue can: then it goes on
            logger.debug("%s: %s: %s", method, type(error).__name__, error)

    async def close(self) -> None:
        """Let go of every stream and connection."""
        tasks = [*self._running.values(), *self._going]
        for timer in self._leaving.values():
            timer.cancel()
        self._leaving.clear()
        self._running.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.exchange is not None:
            await self.exchange.close()

    async def _streamed(self, topic: Topic) -> None:
        """Hear the next of a stream for ever; what breaks is begun again after a while."""
        hear = self._hearer(topic)
        while True:
            try:
                self.hub.say(topic, await hear())
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever ccxt raises: a panel shows that nothing comes
                logger.debug("%s: %s: %s", topic, type(error).__name__, error)
                await asyncio.sleep(AGAIN_S)

    def _hearer(self, topic: Topic) -> Callable[[], Awaitable[Any]]:
        name = self.unified(topic.symbol)
        match topic:
            case Candles():
                return lambda: self._candles(name, topic.interval)
            case Depth():
                return lambda: self._depth(name)
            case Tape():
                return lambda: self._tape(name)
            case Mark():
                return lambda: self._mark(name)

    async def _candles(self, name: str, interval: str) -> list[list[Any]]:
        heard = await self.exchange.watch_ohlcv(name, interval)
        kept = self.exchange.ohlcvs.get(name, {}).get(interval) or heard
        rows = [list(row) for row in kept[-CANDLES_TOLD:]]
        self.shelf.heard(("fetch_ohlcv", name, interval), rows)
        return rows

    async def _depth(self, name: str) -> dict[str, Any]:
        book = await self.exchange.watch_order_book(name, DEPTH)
        return {side: [[row[0], row[1]] for row in book[side][:DEPTH]] for side in ("bids", "asks")}

    async def _tape(self, name: str) -> list[dict[str, Any]]:
        kept = self._trades.setdefault(name, [])
        for trade in await self.exchange.watch_trades(name):
            kept.append(
                {
                    "time_ms": trade["timestamp"],
                    "price": trade["price"],
                    "qty": trade["amount"],
                    "side": trade["side"],
                }
            )
        del kept[:-TRADES_KEPT]
        return list(kept)

    async def _mark(self, name: str) -> dict[str, Any]:
        told = await self.exchange.watch_mark_price(name)
        raw = told["info"]
        return {
            "mark": told.get("markPrice"),
            "index": told.get("indexPrice"),
            "rate": raw.get("r"),
            "next_funding_ms": raw.get("T"),
            "time_ms": told.get("timestamp"),
        }


@contextlib.asynccontextmanager
async def market_of(place: Place, hub: Hub) -> AsyncIterator[MarketLink]:
    """The market of `place`, connected; raises VenueError when the venue does not answer."""
    from bearskin import live

    dialect = live.dialect_of("binance" if place.venue == DEMO else place.venue)
    env: Literal["live", "demo"] = "demo" if place.env == "demo" else "live"
    exchange = live.open_trading(dialect, env, place.key, place.secret, place.password, address=place.address)
    link = MarketLink(place, hub, exchange)
    link.line = guarded(exchange, link.title)
    hub.begun, hub.ended = link.begun, link.ended
    try:
        with link.line.plainly():
            await link.line.synced()
            await exchange.load_markets()
        yield link
    finally:
        await link.close()
