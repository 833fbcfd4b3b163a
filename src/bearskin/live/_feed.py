"""`CcxtFeed`: market and account in, over sockets that are opened again whenever they break."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from bearskin.live._bars import Bars
from bearskin.live._ccxt import load_ccxt
from bearskin.live._rounds import Rounds
from bearskin.live._seams import Put
from bearskin.live._stream_binance import BinanceStreams
from bearskin.live._stream_unified import UnifiedStreams
from bearskin.terms import AnyEvent, Connected, Filled, Marked, Quoted

if TYPE_CHECKING:
    from bearskin.live._venue import CcxtVenue

logger = logging.getLogger("bearskin.live")
_BACKOFF_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_LOOKS: Final = 10  # as often is looked within the time that prices may be silent
_SETTLED_S: Final = 10.0  # a channel that held so long begins its backoff anew
Channel = Literal["market", "account", "orders"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOptions:
    """Seconds of the wall between the rounds that no stream spares us. None: never.

    `silent_s` is how long no price may come before the market counts as lost, though its socket holds. `depth` listens
    to the best levels of order books too, where the venue streams them.
    """

    skew_s: float | None = 60.0
    status_s: float | None = 60.0
    statistics: bool = True
    silent_s: float = 10.0
    depth: bool = False


class CcxtFeed:
    """The events of one account and its symbols.

    Candles are told from the one behind `after` (opens by symbol) on; where it says nothing, from the one behind the
    last that the venue's `history` gave, so that none is lost between the two.
    """

    def __init__(
        self,
        venue: CcxtVenue,
        interval: str,
        *,
        after: Mapping[str, int] | None = None,
        options: FeedOptions | None = None,
    ) -> None:
        self._venue, self._interval = venue, interval
        self._after, self._options = dict(after or {}), options or FeedOptions()
        self._put: Put = _nobody
        self._up: dict[str, bool] = {}
        self._silent = False
        self._priced_s = 0.0
        self._given_up = False

    async def run(self, put: Put) -> None:
        """Tell events until cancelled; a venue that cannot be reached is tried for ever."""
        self._put = put
        rounds = Rounds(self._venue, self._options, put)

        def told(event: AnyEvent) -> None:
            if isinstance(event, Quoted | Marked):
                self._priced()
            if isinstance(event, Marked):
                rounds.marked(event)
            elif isinstance(event, Filled):
                rounds.filled(event)
            put(event)

        bars = Bars(self._venue, self._interval, self._after, marks=_has_marks(self._venue))

        def closed(event: AnyEvent) -> None:
            put(event)
            rounds.bar(event)

        make = BinanceStreams if self._venue.dialect.ccxt_id == "binanceusdm" else UnifiedStreams
        streams = make(self._venue, bars, told, rounds.funding_due, depth=self._options.depth)
        async with asyncio.TaskGroup() as group:
            group.create_task(bars.run(closed))
            group.create_task(rounds.run())
            group.create_task(self._listened())
            for channel, holds in streams.channels(self._interval).items():
                for hold in holds:
                    group.create_task(self._kept(channel, hold))  # type: ignore[arg-type]
            try:
                await asyncio.Event().wait()
            finally:
                self._given_up = True  # known before the tasks are cancelled

    async def _kept(self, channel: Channel, hold: Callable[[Callable[[], None]], Any]) -> None:
        """Keep a channel open, and tell when it went down and came up."""
        loop, up_since, failures = asyncio.get_running_loop(), 0.0, 0
        down_told = False

        def up() -> None:
            nonlocal up_since, down_told
            up_since, down_told = loop.time(), False
            self._connected(channel, up=True)

        while True:
            why = "ended"
            try:
                await hold(up)
            except Exception as error:  # whatever broke it, it is opened again
                if self._given_up:
                    # a task group that is cancelled while one of its own fails tells of the failure only
                    raise asyncio.CancelledError from error
                why = _words(error)
            if up_since and loop.time() - up_since > _SETTLED_S:
                failures = 0
            if not down_told:
                self._connected(channel, up=False, detail=why)
                down_told = True
            up_since = 0.0
            await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
            failures += 1

    async def _listened(self) -> None:
        """Tell that the market is lost when its socket holds and says nothing: a venue that hangs closes none."""
        loop, step_s = asyncio.get_running_loop(), self._options.silent_s / _LOOKS
        while True:
            before_s = loop.time()
            await asyncio.sleep(step_s)
            now_s = loop.time()
            if now_s - before_s > 2 * step_s + 1:  # we slept ourselves: what has come meanwhile is not read yet
                self._priced_s = now_s
            elif self._up.get("market") and now_s - self._priced_s > self._options.silent_s:
                self._connected("market", up=False, detail=f"no price for {self._options.silent_s:g} s")
                self._silent = True

    def _priced(self) -> None:
        self._priced_s = asyncio.get_running_loop().time()
        if self._silent:
            self._connected("market", up=True)

    def _connected(self, channel: Channel, *, up: bool, detail: str = "") -> None:
        self._up[channel] = up
        if channel == "market":
            self._silent = False
            self._priced_s = asyncio.get_running_loop().time()
        clock = self._venue.clock
        self._put(Connected(time_ns=clock.now_ns(), wall_ns=clock.wall_ns(), channel=channel, up=up, detail=detail))


def _nobody(event: AnyEvent) -> None:
    """Before `run` nobody listens."""


def _has_marks(venue: CcxtVenue) -> bool:
    return bool(venue.exchange.has.get("fetchMarkOHLCV"))


def _words(error: BaseException) -> str:
    """Why a channel broke, in a few words without addresses: those of sockets carry keys."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    ccxt = load_ccxt()
    name = type(error).__name__
    return f"{name}: network" if isinstance(error, ccxt.NetworkError) else name
