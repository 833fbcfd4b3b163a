"""The dashboard's line to the account at the venue: asked again when the bot has heard of something new, else not."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from bearskin.app._world import DEMO
from bearskin.app.web._bot_link import BotLink, BotNow
from bearskin.app.web._hub import BOT, Hub, beside
from bearskin.app.web._market_link import MarketLink
from bearskin.terms import (
    BearskinError,
    Brackets,
    Instrument,
    OrderNow,
    PositionNow,
    VenueBroken,
    VenueRejected,
)

ACCOUNT = "account"  # topic: Account
SETTLE = "USDT"
PAUSE_S = 0.4
logger = logging.getLogger("bearskin.app")
Terms = Mapping[str, tuple[Instrument, Brackets | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account as the venue told it last. Money in the settle currency, without open profit.

    `heard_s` is when, in seconds of the epoch; `failed` names the symbols whose orders could not be had. `why` says
    what is wrong where the venue could not be asked since: then the rest is as it was.
    """

    wallet: Decimal = Decimal(0)
    available: Decimal | None = None
    positions: tuple[PositionNow, ...] = ()
    orders: tuple[OrderNow, ...] = ()
    terms: Terms = field(default_factory=dict)
    dual: bool = False
    asset: str = SETTLE
    heard_s: float = 0.0
    failed: tuple[str, ...] = ()
    why: str = ""


@dataclass(slots=True)
class AccountLink:
    """Asks for the account: once for each state of the bot, however many look at it."""

    market: MarketLink
    hub: Hub
    bot: BotLink
    _venue: Any = None
    _terms: dict[str, tuple[Instrument, Brackets | None]] = field(default_factory=dict)
    _told: Account | None = None
    _sequence: int = -1
    _stale: bool = True
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def exchange(self) -> Any:
        """ccxt's exchange with the account's keys."""
        return self.market.exchange

    @property
    def title(self) -> str:
        """What the venue is called in messages."""
        return "the demo exchange" if self.market.place.venue == DEMO else self.market.place.venue

    @property
    def dialect(self) -> Any:
        """How the venue is spoken to."""
        from bearskin import live

        return live.dialect_of("binance" if self.market.place.venue == DEMO else self.market.place.venue)

    def look(self) -> None:
        """Have the account asked for again, because something was changed or may have been."""
        self._stale = True
        self._wanted.set()

    async def now(self, *, fresh: bool = False) -> Account:
        """The account as it is; raises BearskinError in our words when the venue cannot be asked."""
        async with self._asking:
            state = self.bot.now.state
            sequence = -1 if state is None else int(state["sequence"])
            if self._told is None or self._stale or fresh or sequence != self._sequence:
                self._stale = False
                try:
                    self._told = await self._asked(state or {})
                except BaseException:
                    self._stale = True
                    raise
                self._sequence = sequence
            return self._told

    async def follow(self) -> None:
        """Tell who listens to `ACCOUNT` whenever the bot has written something down; until cancelled."""
        seen = -1

        def heard(now: BotNow) -> None:
            nonlocal seen
            sequence = -1 if now.state is None else int(now.state["sequence"])
            if sequence != seen:
                seen = sequence
                self._wanted.set()

        leave = self.hub.listen(BOT, heard)
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                if self.hub.listened(ACCOUNT):
                    await self._say()
                    await asyncio.sleep(PAUSE_S)
        finally:
            leave()

    async def _say(self) -> None:
        try:
            self.hub.say(ACCOUNT, await self.now())
        except BearskinError as error:
            before = self._told or Account()
            self.hub.say(ACCOUNT, replace(before, why=str(error)))
        except Exception:
            logger.exception("the account could not be read")

    async def _asked(self, state: Mapping[str, Any]) -> Account:
        wanted = dict.fromkeys((*state.get("symbols", ()), *state.get("foreign", ()), *self.market.place.symbols))
        if not wanted:
            raise BearskinError("no symbol is known yet: start a bot on this account")
        venue = await self._opened(tuple(wanted))
        dialect = self.dialect
        markets = [venue.markets[symbol] for symbol in venue.symbols]
        calls = [(market, call) for market in markets for call in dialect.open_orders_of(market)]
        rows, balance, dual, *found = await asyncio.gather(
            self._question(dialect.positions_of(markets)),
            self._question(dialect.balance_of()),
            self._question(dialect.mode_of(markets[0])),
            *(venue.question(call) for _, call in calls),
        )
        told = dialect.balance_now(balance, SETTLE, time_ns=0, wall_ns=0)
        positions = [dialect.position_now(row, venue.by_unified[row["symbol"]])
                     for row in rows if row["symbol"] in venue.by_unified]  # fmt: skip
        orders: list[OrderNow] = []
        failed: dict[str, None] = {}
        for (market, _), (answer, listed) in zip(calls, found, strict=True):
            if answer.outcome == "accepted":
                orders += [dialect.order_now(row, market) for row in listed]
            else:
                failed[market.symbol] = None
        return Account(
            wallet=told.wallet,
            available=told.available,
            positions=tuple(one for one in positions if one is not None and one.qty),
            orders=tuple(orders),
            terms=dict(self._terms),
            dual=bool(dialect.dual_of(dual)),
            heard_s=time.time(),
            failed=tuple(failed),
        )

    async def _opened(self, symbols: Sequence[str]) -> Any:
        """The venue with the markets and terms of these symbols known."""
        if self._venue is None or not set(symbols) <= set(self._venue.symbols):
            from bearskin import live

            made = live.CcxtVenue(self.dialect, self.exchange, symbols, clock=live.MarketClock(time.time_ns))
            await made.open()
            self._terms = dict(await made.instruments(made.symbols))
            self._venue = made
        return self._venue

    async def _question(self, call: Any) -> Any:
        answer, result = await self._venue.question(call)
        if answer.outcome == "accepted":
            return result
        text = f"{self.title}: {answer.message or answer.code or 'no answer'}"
        raise (VenueBroken if answer.outcome == "unknown" else VenueRejected)(text)

    async def call(self, method: str, *args: Any) -> Any:
        """One of ccxt's calls, unified or the venue's own; raises BearskinError in our words."""
        from bearskin import live

        try:
            return await getattr(self.exchange, method)(*args)
        except Exception as error:
            if isinstance(error, BearskinError):
                raise
            raise live.venue_error(error, venue=self.title) from None

    def able(self, ability: str) -> bool:
        """Whether ccxt has a call for it at this venue, such as fetchLedger."""
        return self.exchange.has.get(ability) is True


@contextlib.asynccontextmanager
async def account_of(market: MarketLink, hub: Hub, bot: BotLink) -> AsyncIterator[AccountLink]:
    """The account behind the market's keys, followed as long as the context lasts."""
    link = AccountLink(market, hub, bot)
    async with beside(link.follow()):
        yield link
