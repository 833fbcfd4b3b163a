"""The guarded way to a venue: every question waits its turn, is signed when it goes out, and errs in our words."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from bearskin.app.web._answers import Answers
from bearskin.app.web._pace import Pace, Turn, turn
from bearskin.app.web._venue_words import in_our_words
from bearskin.terms import BearskinError

SHARE = 1.0  # of ccxt's own pace, which for Binance is half of the limit: 1,200 of 2,400 a minute
BURST_WEIGHT, BURST_S = 400.0, 2.0  # at once after a rest; where the limit is not one of a whole minute, seconds of it
BINANCE_A_MINUTE = 2_400.0
HEAVY = {"positionRisk": 5.0, "account": 5.0, "balance": 5.0}  # ccxt thinks those of the newer versions weigh 1
USED = "x-mbx-used-weight-1m"
BAN_S, PAUSE_S = 120.0, 15.0  # when a 418 or a 429 does not say how long
AGAIN_S = 2.0  # a clock that was measured so lately is not measured again
SAMPLES, NEAR_NS = 3, 400_000_000  # an answer that took longer says too little about the time
logger = logging.getLogger("bearskin.app")
_sent: ContextVar[list[int] | None] = ContextVar("sent", default=None)


@dataclass(slots=True, repr=False)
class VenueLine:
    """Stands between pages and a ccxt exchange, whose own throttle is off from then on.

    ccxt signs what it sends in `fetch2`, after the wait there: a signature is never older than its way to the venue.
    The clock's difference is measured around the question alone, without the wait, and by nobody else.
    """

    exchange: Any
    title: str
    pace: Pace
    answers: Answers = field(default_factory=Answers)
    _fetch: Any = None
    _measured_s: float = float("-inf")
    _measuring: asyncio.Lock = field(default_factory=asyncio.Lock)

    def take(self) -> None:
        """From now on every question of the exchange goes through here."""
        self.exchange.enableRateLimit = False
        self._fetch, self.exchange.fetch2 = self.exchange.fetch2, self.fetch2

    def error(self, error: Exception, *, acting: bool = False) -> BearskinError:
        """The error in our words."""
        silent_until_s = self.pace.silent_until_s if self.pace.silent_s else 0.0
        return in_our_words(error, self.title, silent_until_s, acting=acting)

    @contextlib.contextmanager
    def plainly(self, *, acting: bool = False) -> Iterator[None]:
        """What is raised inside is said in our words; `acting`: something was to be changed, and may have been."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is: ccxt lets through what lies below it
            raise self.error(error, acting=acting) from None

    async def fetch2(
        self, path: Any, api: Any = "public", method: Any = "GET", params: Any = None, config: Any = None
    ) -> Any:
        """ccxt's own, in turn; a stamp that the venue finds off is measured anew and tried once more."""
        given, costs = {} if params is None else params, {} if config is None else config
        weight = float(self.exchange.calculate_rate_limiter_cost(api, method, path, given, costs))
        if self.pace.limit:
            weight = max(weight, HEAVY.get(str(path), 0.0))
        for again in (True, False):
            self._unless_silent()
            await self.pace.wait(weight)
            try:
                self._unless_silent()
                return await self._sent(weight, path, api, method, given, costs)
            except Exception as error:
                if not (again and _kind(error) == "clock"):
                    raise
            finally:
                self.pace.back(weight)
            await self.synced()
        raise AssertionError("the second round returns or raises")

    async def _sent(self, weight: float, path: Any, api: Any, *more: Any) -> Any:
        if (sent := _sent.get()) is not None:
            sent[:] = [time.time_ns()]
        self.pace.spent(str(path), weight)
        asked_s = self.pace.wall_s()
        try:
            found = await self._fetch(path, api, *more)
        except Exception as error:
            self._told_off(error)
            raise
        self._counted(api, asked_s)  # where no answer came the headers are those of another question
        return found

    async def synced(self) -> None:
        """Measure how far our clock is from the venue's, unless somebody just has."""
        if not self.exchange.has.get("fetchTime"):
            return
        async with self._measuring:
            if time.monotonic() - self._measured_s < AGAIN_S:
                return
            samples = []
            for _ in range(SAMPLES):
                samples.append(await self._clock())
                if samples[-1][0] < NEAR_NS:
                    break
            self.exchange.options["timeDifference"] = round(min(samples)[1] / 1e6)
            self._measured_s = time.monotonic()

    async def _clock(self) -> tuple[int, int]:
        """How long the question for the time took, and how far our clock is ahead then, in nanoseconds."""
        sent: list[int] = [time.time_ns()]
        token = _sent.set(sent)
        try:
            with turn(Turn.FIRST):
                venue_ms = int(await self.exchange.fetch_time())
        finally:
            _sent.reset(token)
        answered_ns = time.time_ns()
        return answered_ns - sent[0], (sent[0] + answered_ns) // 2 - venue_ms * 1_000_000

    def _unless_silent(self) -> None:
        if self.pace.silent_s:
            from ccxt.base.errors import RateLimitExceeded

            raise RateLimitExceeded(f"{self.title} wants to hear nothing for {self.pace.silent_s:.0f} s")

    def _told_off(self, error: Exception) -> None:
        if _kind(error) != "busy":
            return
        from bearskin import live

        text = str(error)
        until_ms = getattr(live.venue_error(error, venue=self.title), "until_wall_ms", None)
        headers = self.exchange.last_response_headers or {}
        after = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
        seconds = BAN_S if " 418 " in text else PAUSE_S
        if re.fullmatch(r"\d+(\.\d+)?", str(after)):
            seconds = float(after)
        if until_ms is not None:
            seconds = max(seconds if after else 0.0, until_ms / 1e3 - self.pace.wall_s())
        logger.warning("%s wants fewer questions: pages ask nothing for %.0f s", self.title, seconds)
        self.pace.told_off(seconds)

    def _counted(self, api: Any, asked_s: float) -> None:
        """Take in what the venue has counted; its spot market counts by itself."""
        if not self.pace.limit or not str(api[0] if isinstance(api, list | tuple) else api).startswith("fapi"):
            return
        headers = self.exchange.last_response_headers or {}
        used = next((value for name, value in headers.items() if name.lower() == USED), None)
        if used is not None and str(used).isdigit():
            self.pace.counted(float(used), asked_s)


def guarded(exchange: Any, title: str) -> VenueLine:
    """A line over this exchange that asks no more than a part of what its venue allows the address.

    The bot asks from the same address: what pages want must never use up what its stops and exits need.
    """
    per_s = SHARE * 1_000 / float(exchange.rateLimit)
    by_minute = str(exchange.id).startswith("binance")
    pace = Pace(
        per_s=per_s,
        at_once=BURST_WEIGHT if by_minute else max(10.0, BURST_S * per_s),
        limit=BINANCE_A_MINUTE if by_minute else 0.0,
        # it counts minutes by its own clock
        wall_s=lambda: time.time() - (exchange.options.get("timeDifference") or 0) / 1e3,
    )
    line = VenueLine(exchange, title, pace)
    line.take()
    return line


def _kind(error: Exception) -> str:
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {"DDoSProtection", "RateLimitExceeded"}:
        return "busy"
    return "clock" if "InvalidNonce" in names and "ChecksumError" not in names else ""
