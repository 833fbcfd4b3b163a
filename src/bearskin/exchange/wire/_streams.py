"""The market and user streams: who listens to what, and what wakes each stream.

Events wake the streams that want them, beats of wall time the rest. Where nobody listens, neither costs anything.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from typing import Any

from bearskin.exchange._archive import Archive
from bearskin.exchange._candles import INTERVALS
from bearskin.exchange._service import Service
from bearskin.exchange._words import Event
from bearskin.exchange.wire._feeds import (
    BEAT_MS,
    AggTradeFeed,
    BookTickerFeed,
    ContractFeed,
    DepthFeed,
    Feed,
    ForcedFeed,
    Hall,
    KlineFeed,
    MarkFeed,
    PartialFeed,
    PrivateFeed,
    Sink,
    TickerFeed,
    TradeFeed,
)
from bearskin.exchange.wire._listen_keys import ListenKeys
from bearskin.exchange.wire._user_events import listen_key_expired

logger = logging.getLogger("bearskin.exchange")
SPEEDS = {"0ms": 1, "100ms": 2, "250ms": 5, "500ms": 10}  # beats between messages of a book
KLINE_BEATS, SECOND_BEATS, TICKER_BEATS, MARK_BEATS, TOPS_BEATS = 5, 20, 40, 60, 100
TOP_BEATS = 2  # who joins @bookTicker is told how it stands at the next of these
_NAME = re.compile(
    r"(?P<symbol>[a-z0-9]+)(?P<pair>_perpetual)?@(?P<kind>[A-Za-z]+)(?P<rest>[0-9]*(?:[_@][0-9A-Za-z]+)?)"
)
_KLINES = {"kline": "kline", "markPriceKline": "markPrice_kline", "indexPriceKline": "indexPrice_kline"}


class Streams:
    """All streams of one exchange; lives on the thread of the service.

    Streams are named as at the venue; a listen key is the name of its account's stream.
    """

    def __init__(self, service: Service, archive: Archive, listen_keys: ListenKeys) -> None:
        self.listen_keys = listen_keys
        self._hall = Hall(service, archive)
        archive.bind(service.exchange.state)
        self._feeds: dict[str, Feed] = {}
        self._routes: dict[type[Event], list[tuple[Callable[[Any], Any], dict[Any, list[Feed]]]]] = {}
        self._timed: dict[int, dict[Feed, None]] = {}
        self._beats = 0
        self._timer: asyncio.TimerHandle | None = None
        service.subscribe(self.on_events)

    # --- who listens --------------------------------------------------------------------------------------------------

    def known(self, name: str) -> bool:
        """Whether there is a stream of that name."""
        return name in self._feeds or self._made(name) is not None

    def add(self, name: str, listener: Sink) -> bool:
        """Have `listener` hear a stream; False when there is no stream of that name."""
        feed = self._feeds.get(name)
        if feed is None:
            feed = self._made(name)
            if feed is None:
                return False
            self._feeds[name] = feed
            self._wire(feed)
        feed.join(listener)
        self._arm()
        return True

    def remove(self, name: str, listener: Sink) -> None:
        """Have `listener` hear a stream no more; a stream nobody hears is given up."""
        feed = self._feeds.get(name)
        if feed is None:
            return
        feed.listeners.pop(listener, None)
        if not feed.listeners:
            self._drop(feed)

    def close(self) -> None:
        """Stop the beat."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for feed in list(self._feeds.values()):
            self._drop(feed)

    # --- what wakes them ----------------------------------------------------------------------------------------------

    def on_events(self, events: Sequence[Event]) -> None:
        """One batch of events of the exchange, after the archive has taken it."""
        routes = self._routes
        if not routes:
            return
        for event in events:
            found = routes.get(type(event))
            if found is None:
                continue
            for key_of, feeds in found:
                for feed in (*feeds.get(key_of(event), ()), *feeds.get(None, ())):
                    _run(feed, feed.on, event)
        touched = self._hall.touched
        if touched:
            self._hall.touched = {}
            for feed in touched:
                _run(feed, feed.flush)

    def beat(self) -> None:
        """`BEAT_MS` of wall time have passed."""
        self._beats += 1
        for period, feeds in list(self._timed.items()):
            if self._beats % period == 0:
                for feed in list(feeds):
                    _run(feed, feed.beat)
        if self._beats % SECOND_BEATS == 0:
            self._end_keys()

    def _end_keys(self) -> None:
        now_ms = self._hall.now_ms()
        for _, key in self.listen_keys.expired():
            feed = self._feeds.get(key)
            if feed is not None:
                feed.tell(listen_key_expired(key, now_ms))
        for feed in [feed for feed in self._feeds.values() if isinstance(feed, PrivateFeed)]:
            if self.listen_keys.owner(feed.name) is None:
                self._drop(feed)

    def _arm(self) -> None:
        """Let the next beat come, if anything waits for one and there is a loop to bring it."""
        if self._timer is not None or not self._timed:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._timer = loop.call_later(BEAT_MS / 1000, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.beat()
        self._arm()

    # --- making and giving up -----------------------------------------------------------------------------------------

    def _wire(self, feed: Feed) -> None:
        for kind, key_of in feed.wants:
            found = self._routes.setdefault(kind, [])
            feeds = next((feeds for known, feeds in found if known is key_of), None)
            if feeds is None:
                feeds = {}
                found.append((key_of, feeds))
            feeds.setdefault(feed.key, []).append(feed)
        if feed.period:
            self._timed.setdefault(feed.period, {})[feed] = None

    def _drop(self, feed: Feed) -> None:
        self._feeds.pop(feed.name, None)
        for kind, key_of in feed.wants:
            found = self._routes.get(kind, [])
            for place, (known, feeds) in enumerate(found):
                if known is not key_of or feed not in feeds.get(feed.key, ()):
                    continue
                feeds[feed.key].remove(feed)
                if not feeds[feed.key]:
                    del feeds[feed.key]
                if not feeds:
                    del found[place]
                break
            if not found:
                self._routes.pop(kind, None)
        timed = self._timed.get(feed.period)
        if timed is not None:
            timed.pop(feed, None)
            if not timed:
                del self._timed[feed.period]

    def _made(self, name: str) -> Feed | None:
        """The feed of a stream's name; None when there is none such."""
        if name.startswith("!"):
            return self._of_all(name)
        account = self.listen_keys.owner(name)
        if account is not None:
            return PrivateFeed(self._hall, name, account, SECOND_BEATS)
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        symbol = found["symbol"].upper()
        if symbol not in self._hall.state.markets or found["symbol"] != symbol.lower():
            return None
        kind, rest = found["kind"], found["rest"]
        if found["pair"] is not None:
            return self._klines(name, symbol, "continuous_kline", rest) if kind == "continuousKline" else None
        if kind in _KLINES:
            return self._klines(name, symbol, _KLINES[kind], rest)
        if kind in ("depth", "rpiDepth"):
            return self._book(name, symbol, kind, rest)
        return self._of_symbol(name, symbol, kind + rest)

    def _of_all(self, name: str) -> Feed | None:
        hall = self._hall
        match name:
            case "!markPrice@arr" | "!markPrice@arr@3s":
                return MarkFeed(hall, name, None, MARK_BEATS)
            case "!markPrice@arr@1s":
                return MarkFeed(hall, name, None, SECOND_BEATS)
            case "!miniTicker@arr" | "!ticker@arr":
                return TickerFeed(hall, name, None, SECOND_BEATS, mini=name == "!miniTicker@arr")
            case "!bookTicker":
                return BookTickerFeed(hall, name, None, TOPS_BEATS)
            case "!forceOrder@arr":
                return ForcedFeed(hall, name, None, SECOND_BEATS)
            case "!contractInfo":
                return ContractFeed(hall, name)
            case _:
                return None

    def _of_symbol(self, name: str, symbol: str, word: str) -> Feed | None:
        hall = self._hall
        match word:
            case "aggTrade":
                return AggTradeFeed(hall, name, symbol)
            case "trade":
                return TradeFeed(hall, name, symbol)
            case "bookTicker":
                return BookTickerFeed(hall, name, symbol, TOP_BEATS)
            case "markPrice" | "markPrice@3s":
                return MarkFeed(hall, name, symbol, MARK_BEATS)
            case "markPrice@1s":
                return MarkFeed(hall, name, symbol, SECOND_BEATS)
            case "miniTicker" | "ticker":
                return TickerFeed(hall, name, symbol, TICKER_BEATS, mini=word == "miniTicker")
            case "forceOrder":
                return ForcedFeed(hall, name, symbol, SECOND_BEATS)
            case _:
                return None

    def _klines(self, name: str, symbol: str, kind: str, rest: str) -> Feed | None:
        interval = rest[1:]
        if rest[:1] != "_" or interval not in INTERVALS:
            return None
        return KlineFeed(self._hall, name, symbol, KLINE_BEATS, interval, kind)

    def _book(self, name: str, symbol: str, kind: str, rest: str) -> Feed | None:
        levels, _, speed = rest.partition("@")
        period = SPEEDS.get(speed or "250ms")
        if period is None or levels not in ("", "5", "10", "20") or (kind == "rpiDepth" and rest != "@500ms"):
            return None
        if levels:
            return PartialFeed(self._hall, name, symbol, period, int(levels))
        return DepthFeed(self._hall, name, symbol, period)


def _run(feed: Feed, call: Callable[..., None], *given: Event) -> None:
    """Call a stream; an exception out of it is our fault, is noted, and must not silence the others."""
    try:
        call(*given)
    except Exception:
        logger.exception("a stream failed: %s", "user stream" if isinstance(feed, PrivateFeed) else feed.name)
