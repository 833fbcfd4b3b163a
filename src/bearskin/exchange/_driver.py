"""What moves the market: prices, ticks, makers and crowd, in market time, as ordinary commands."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from bearskin.exchange._coins import coin_of
from bearskin.exchange._crowd import Crowd
from bearskin.exchange._makers import Maker, Tape
from bearskin.exchange._prices import PriceSource, Quote, on_tick
from bearskin.exchange._service import Service, ServiceStopped
from bearskin.exchange._words import AnyCommand, SetFundingRate, SetIndex, SetMark, Tick
from bearskin.terms import SECOND_NS

LATE_S = 1.0  # wall seconds behind after which lost time is given up rather than made good
NAP_S = 1.0  # wall seconds slept at a go: the wall clock may be set meanwhile, and back again
TICKS_A_SECOND = 60  # of the wall, at most
ACTS_A_SECOND = 4  # of makers and crowd, in a second of the wall at most
STEPS_AT_ONCE, ACTS_AT_ONCE = 600, 120  # a long step by hand is cut into so many moments, in so many all act
AT_ONCE = Decimal("0.04")  # of the mark: as far as both sides of a ladder go in one move
STALE = Decimal("0.0005")  # of the price: a ladder that lies further off is moved though its turn has not come
PUSHED = "pushed"  # the name of the spot source that control speaks for
logger = logging.getLogger("bearskin.exchange")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The accounts that play the market, by symbol; those that are switched off are not in it."""

    makers: dict[str, int]
    tape: tuple[int, int] | None
    crowd: dict[str, list[int]]


class Driver:
    """Moves one exchange along its prices. `advance` does one moment; `run` follows the clock until cancelled."""

    def __init__(self, service: Service, prices: PriceSource, cast: Cast, *, seed: int) -> None:
        self._service = service
        self._prices = prices
        self._cast = cast
        self._held: dict[str, dict[str, Decimal]] = {}
        self._pins: dict[str, tuple[Decimal | None, Decimal | None, int | None]] = {}
        self._marks: dict[str, Decimal] = {}
        self._fairs: dict[str, Decimal] = {}
        self._ladders: dict[str, Decimal] = {}  # where each was laid
        self._acted_ns: dict[str, int] = {}
        self._latest_ns = service.exchange.state.time_ns
        self._over = False
        self._changed = asyncio.Event()
        self._stepping = asyncio.Lock()
        # another stretch of the same dice after a restart, and the same dice for the same history
        self._dice = random.Random(f"{seed}/{service.exchange.state.sequence}")
        self._makers: dict[str, Maker] = {}
        self._tapes: dict[str, Tape] = {}
        self._crowds: dict[str, Crowd] = {}
        self.commands = 0
        self.meet()

    def meet(self) -> None:
        """Have those of the cast play on the terms that are listed now."""
        for symbol, market in self._service.exchange.state.markets.items():
            contract, coin = market.contract, coin_of(symbol)
            if symbol in self._cast.makers:
                self._makers[symbol] = Maker(self._cast.makers[symbol], contract, coin, self._dice)
            if self._cast.tape is not None:
                self._tapes[symbol] = Tape(*self._cast.tape, contract, coin, self._dice)
            if symbol in self._cast.crowd:
                vol_day = math.hypot(coin.beta * 0.019, coin.vol_day)
                self._crowds[symbol] = Crowd(self._cast.crowd[symbol], contract, coin.top, vol_day, self._dice)

    def hold(self, symbol: str, prices: dict[str, Decimal]) -> None:
        """From now on the index of `symbol` is made of `prices` (by source), whatever the source of prices says."""
        self._held[symbol] = dict(prices)

    def release(self, symbol: str) -> None:
        """Let the source of prices have the symbol back."""
        self._held.pop(symbol, None)

    def pin(self, symbol: str, mark: Decimal | None) -> None:
        """Keep the mark of `symbol` at `mark` whatever the source of prices says; None lets go."""
        if mark is None:
            self._marks.pop(symbol, None)
        else:
            self._marks[symbol] = mark
        rate, interval_h = self._pins.get(symbol, (None, None, None))[1:]
        self._pins[symbol] = (mark, rate, interval_h)

    def move(self, symbol: str) -> None:
        """Have makers and tape follow a pushed price at once."""
        time_ns = self._service.now_ns()
        quote = self._pushed(symbol, self._held[symbol])
        for batch in self._laid(quote, time_ns):
            self._carry_out(batch)
        self._carry_out([Tick(time_ns=time_ns)])
        for batch in self._acting(quote, time_ns, 1.0):
            self._carry_out(batch)
        self._carry_out([Tick(time_ns=time_ns)])

    def held(self) -> dict[str, dict[str, Decimal]]:
        """The symbols that were pushed and the prices they are held at."""
        return self._held

    def clock_changed(self) -> None:
        """Whoever paused, resumed or changed the speed says so here."""
        self._changed.set()

    @property
    def stride_ns(self) -> int:
        """Market time between two moments: a second, or more at high speed."""
        return max(1, math.ceil(self._service.clock.speed / TICKS_A_SECOND)) * SECOND_NS

    def open(self) -> None:
        """Have a market at once: the moment that is now, or the first one."""
        # a story is told from its first moment, however fast the clock has run on meanwhile
        at_ns = self._service.now_ns() if self._prices.follows_wall else self._latest_ns
        first_ns = self._prices.next_ns(at_ns - SECOND_NS, SECOND_NS)
        if first_ns is not None:
            self.advance(first_ns)

    def advance(self, time_ns: int, act_every_ns: int = SECOND_NS) -> None:
        """Live through one moment: prices, then time, then those who trade on them."""
        for batch in self._batches(time_ns, act_every_ns):
            self._carry_out(batch)

    async def run(self) -> None:
        """Follow the service's clock: every moment the prices have, at its market time, until cancelled."""
        clock = self._service.clock
        try:
            while not self._service.stopped:
                async with self._stepping:  # steps by hand go first
                    pass
                next_ns = None if self._over else self._prices.next_ns(self._latest_ns, self.stride_ns)
                if next_ns is None and not self._over:
                    self._over = True
                    clock.pause()
                    logger.info("the prices are at their end: the market stands still, orders are still taken")
                clock.limit_ns = next_ns
                if next_ns is None or clock.paused:
                    self._changed.clear()
                    await self._changed.wait()
                    continue
                late_s = clock.late_s(next_ns)
                if late_s < 0:
                    await self._sleep(min(-late_s, NAP_S))
                    continue
                if late_s > LATE_S:
                    next_ns = self._given_up(next_ns)
                await self._play(next_ns)
        except ServiceStopped:
            logger.warning("the market has stopped with the exchange")

    async def step(self, seconds: float) -> int:
        """Let `seconds` of market time pass at once and return the market time then; a long step is coarser."""
        async with self._stepping:
            clock = self._service.clock
            clock.limit_ns = clock.now_ns()  # a running clock waits for the step, or it would run past the prices
            end_ns = clock.limit_ns + int(seconds * SECOND_NS)
            ahead_s = max(seconds, (end_ns - self._latest_ns) / SECOND_NS)  # at high speed moments lie far apart
            stride_ns = max(1, math.ceil(ahead_s / STEPS_AT_ONCE)) * SECOND_NS
            act_every_ns = max(1, math.ceil(ahead_s / ACTS_AT_ONCE)) * SECOND_NS
            while not self._over:
                next_ns = self._prices.next_ns(self._latest_ns, stride_ns)
                if next_ns is None:
                    end_ns = self._latest_ns  # time ends with the prices
                    break
                if next_ns > end_ns:
                    break
                clock.limit_ns = next_ns
                clock.move_to(next_ns)
                await self._play(next_ns, act_every_ns)
            clock.limit_ns = end_ns
            clock.move_to(end_ns)
            self.clock_changed()
            return clock.now_ns()

    async def _play(self, time_ns: int, act_every_ns: int | None = None) -> None:
        every_ns = act_every_ns or max(SECOND_NS, math.ceil(self._service.clock.speed / ACTS_A_SECOND) * SECOND_NS)
        for batch in self._batches(time_ns, every_ns):
            self._carry_out(batch)
            await asyncio.sleep(0)  # requests are not kept waiting for a whole moment

    async def _sleep(self, seconds: float) -> None:
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _given_up(self, next_ns: int) -> int:
        """Behind by more than can be made good: jump with the wall where prices do, else let the clock wait for us."""
        clock = self._service.clock
        if self._prices.follows_wall and clock.speed == 1:
            clock.limit_ns = None
            return max(next_ns, clock.now_ns() // SECOND_NS * SECOND_NS)
        clock.rebase()
        return next_ns

    def _carry_out(self, commands: list[AnyCommand]) -> None:
        if commands:
            answers = self._service.submit_now(commands)
            self.commands += len(answers)

    def _batches(self, time_ns: int, act_every_ns: int) -> Iterator[list[AnyCommand]]:
        """The commands of one moment; each batch is made when the one before it has been carried out."""
        quotes = {quote.symbol: quote for quote in self._prices.quotes(time_ns)}
        for symbol, prices in self._held.items():
            quotes[symbol] = self._pushed(symbol, prices)
        self._latest_ns = time_ns
        due = {
            symbol: symbol not in self._acted_ns or quote.sharp or time_ns - self._acted_ns[symbol] >= act_every_ns
            for symbol, quote in quotes.items()
        }
        for symbol, quote in quotes.items():
            if due[symbol] or self._is_stale(quote):
                yield from self._laid(quote, time_ns)
        first: list[AnyCommand] = []
        for quote in quotes.values():
            first += self._pinned(quote, time_ns)  # before the index, which would be the first mark otherwise
            if quote.sources:
                first.append(SetIndex(time_ns=time_ns, symbol=quote.symbol, prices=quote.sources))
        first.append(Tick(time_ns=time_ns))
        yield first
        for symbol, quote in quotes.items():
            if due[symbol]:
                before_ns = self._acted_ns.get(symbol, time_ns - SECOND_NS)
                self._acted_ns[symbol] = time_ns
                yield from self._acting(quote, time_ns, (time_ns - before_ns) / SECOND_NS)

    def _is_stale(self, quote: Quote) -> bool:
        """Whether the ladder lies so far from the fair price that what a mark sets off would meet an old book."""
        at = self._ladders.get(quote.symbol)
        return at is None or abs(quote.fair - at) > at * STALE

    def _laid(self, quote: Quote, time_ns: int) -> Iterator[list[AnyCommand]]:
        """Move the ladder before the mark, so that stops and liquidations meet the book of their own moment.

        Limit prices are held against the old mark: in a leap both sides go as far as it lets them, then the side that
        makes room. Before a first mark there is nothing to go by, and nothing that a mark could set off.
        """
        state = self._service.exchange.state
        mark, fair = state.markets[quote.symbol].mark, quote.fair
        if quote.symbol not in self._makers or mark is None:
            return
        if abs(fair - mark) > mark * AT_ONCE:
            tick = state.markets[quote.symbol].contract.tick
            near = on_tick(float(mark * (1 + AT_ONCE if fair > mark else 1 - AT_ONCE)), tick)
            yield self._makers[quote.symbol].commands(state, near, time_ns)
        yield self._makers[quote.symbol].commands(state, fair, time_ns)
        self._ladders[quote.symbol] = fair

    def _pushed(self, symbol: str, prices: dict[str, Decimal]) -> Quote:
        tick = self._service.exchange.state.markets[symbol].contract.tick
        fair = on_tick(float(sorted(prices.values())[len(prices) // 2]), tick)
        return Quote(symbol=symbol, fair=fair, sources=prices)

    def _acting(self, quote: Quote, time_ns: int, seconds: float) -> Iterator[list[AnyCommand]]:
        state = self._service.exchange.state
        symbol, fair = quote.symbol, quote.fair
        if symbol in self._makers:
            yield self._makers[symbol].commands(state, fair, time_ns)
        if symbol in self._tapes:
            before = self._fairs.get(symbol, fair)
            # against the move, so that the taker never meets an order that rests on the far side at this price
            lean = (fair < before) - (fair > before) if quote.exact else 0
            yield self._tapes[symbol].commands(state, fair, time_ns, min(seconds, 60.0), lean)
            self._fairs[symbol] = fair
        if symbol in self._crowds:
            yield self._crowds[symbol].commands(state, fair, time_ns, seconds)

    def _pinned(self, quote: Quote, time_ns: int) -> Iterator[AnyCommand]:
        """Marks and rates are pinned when they change only."""
        mark, rate, interval_h = self._pins.get(quote.symbol, (None, None, None))
        wanted = self._marks.get(quote.symbol, quote.mark)
        if wanted != mark:
            yield SetMark(time_ns=time_ns, symbol=quote.symbol, price=wanted)
        if (quote.rate, quote.interval_h) != (rate, interval_h):
            yield SetFundingRate(time_ns=time_ns, symbol=quote.symbol, rate=quote.rate, interval_h=quote.interval_h)
        self._pins[quote.symbol] = (wanted, quote.rate, quote.interval_h)
