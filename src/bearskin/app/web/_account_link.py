"""The dashboard's line to the account at the venue: asked again when something of the account was written down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from bearskin.app._world import DEMO
from bearskin.app.web._bot_link import BotLink, BotNow
from bearskin.app.web._hub import ACCOUNT, BOT, Hub, beside
from bearskin.app.web._market_link import MarketLink
from bearskin.app.web._pace import Turn, turn
from bearskin.app.web._venue_line import VenueLine
from bearskin.terms import BearskinError, Brackets, Instrument, OrderNow, PositionNow

SETTLE = "USDT"
EVERY_S, SLOW_S, RETRY_S = 2.0, 15.0, 3.0  # at most, at least while somebody looks, after a failure
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


@dataclass(slots=True, repr=False)
class AccountLink:
    """Asks for the account, once for all who look at it: when the bot has written down something that concerns it, when
    something was done by hand, and now and then."""

    market: MarketLink
    hub: Hub
    bot: BotLink
    _told: Account | None = None
    _dual: bool | None = None
    _marked: dict[str, int] = field(default_factory=dict)
    _orders: dict[str, tuple[OrderNow, ...] | None] = field(default_factory=dict)  # by symbol; None: could not be had
    _whole_s: float = float("-inf")
    _stale: bool = True
    _began_s: float = float("-inf")
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def exchange(self) -> Any:
        """ccxt's exchange with the account's keys."""
        return self.market.exchange

    @property
    def line(self) -> VenueLine:
        """The guarded way to it."""
        return self.market.guard

    @property
    def title(self) -> str:
        """What the venue is called in messages."""
        return self.market.title

    @property
    def dialect(self) -> Any:
        """How the venue is spoken to."""
        from bearskin import live

        return live.dialect_of("binance" if self.market.place.venue == DEMO else self.market.place.venue)

    def look(self, *, whole: bool = False) -> None:
        """Have the account asked for again, because something was changed or may have been; `whole` with its mode."""
        if whole:
            self._dual = None
        self._stale = True
        self._wanted.set()

    async def now(self, *, fresh: bool = False) -> Account:
        """The account as it is; raises BearskinError in our words when the venue cannot be asked.

        `fresh`: as it is from now on, whatever was told before.
        """
        called_s = time.monotonic()
        async with self._asking:
            marked, young_s = changes_in(self.bot.now), called_s - self._began_s
            again = young_s > (0 if fresh else SLOW_S if marked == self._marked else EVERY_S)
            if self._told is None or self._stale or again:
                whole = fresh or self._stale or called_s - self._whole_s > SLOW_S
                self._stale, self._began_s = False, time.monotonic()
                changed = None if whole else {one for one, count in marked.items() if count != self._marked.get(one)}
                try:
                    with turn(Turn.FIRST), self.line.plainly():
                        self._told = await self._asked(self.bot.now.state or {}, changed)
                except BaseException:
                    self._stale = True
                    raise
                self._marked, self._whole_s = marked, self._began_s if whole else self._whole_s
            return self._told

    async def follow(self) -> None:
        """Tell who listens to `ACCOUNT` whenever it may have changed, and now and then; until cancelled."""
        seen: dict[str, int] = {}
        wait_s = SLOW_S

        def heard(now: BotNow) -> None:
            nonlocal seen
            changes = changes_in(now)
            if changes != seen:
                seen = changes
                self._wanted.set()

        leave = self.hub.listen(BOT, heard)
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wanted.wait(), wait_s)
                self._wanted.clear()
                wait_s = SLOW_S
                if self.hub.listened(ACCOUNT):
                    had = await self._say()
                    wait_s = SLOW_S if had else max(RETRY_S, self.line.pace.silent_s)
                    await asyncio.sleep(EVERY_S)
                    if had and changes_in(self.bot.now) != self._marked:
                        self._wanted.set()  # it came so soon behind an answer that it was not asked for
        finally:
            leave()

    async def _say(self) -> bool:
        """Tell it, or what is wrong; False where it could not be had."""
        try:
            self.hub.say(ACCOUNT, await self.now())
        except BearskinError as error:
            self.hub.say(ACCOUNT, replace(self._told or Account(), why=str(error)))
            return False
        except Exception:
            logger.exception("the account could not be read")
            return False
        return True

    async def _asked(self, state: Mapping[str, Any], changed: Collection[str] | None) -> Account:
        """The account; orders are asked for in the symbols that have changed (None: in all)."""
        wanted = dict.fromkeys((*state.get("symbols", ()), *state.get("foreign", ()), *self.market.place.symbols))
        if not wanted:
            raise BearskinError("no symbol is known yet: start a bot on this account")
        venue, dialect = self.market.venue(tuple(wanted)), self.dialect
        markets = [venue.markets[symbol] for symbol in venue.symbols if symbol in wanted]
        due = [
            one for one in markets if changed is None or one.symbol in changed or self._orders.get(one.symbol) is None
        ]
        rows, balance, dual, terms, *found = await asyncio.gather(
            dialect.positions_of(markets).on(self.exchange),
            dialect.balance_of().on(self.exchange),
            self._mode(dialect, markets[0]),
            self._terms_of(tuple(wanted)),
            *(self._resting(market) for market in due),
        )
        told = dialect.balance_now(balance, SETTLE, time_ns=0, wall_ns=0)
        positions = [dialect.position_now(row, venue.by_unified[row["symbol"]])
                     for row in rows if row["symbol"] in venue.by_unified]  # fmt: skip
        held = tuple(one for one in positions if one is not None and one.qty)
        if held:  # it tells by itself, should somebody have switched it at the venue
            self._dual = dual = any(one.leg != "BOTH" for one in held)
        self._orders.update(zip((market.symbol for market in due), found, strict=True))
        listed = {market.symbol: self._orders[market.symbol] for market in markets}
        return Account(
            wallet=told.wallet,
            available=told.available,
            positions=held,
            orders=tuple(order for some in listed.values() for order in some or ()),
            terms=terms,
            dual=dual,
            heard_s=time.time(),
            failed=tuple(symbol for symbol, some in listed.items() if some is None),
        )

    async def _mode(self, dialect: Any, market: Any) -> bool:
        """Whether longs and shorts are held apart: asked once, it is a heavy question and hardly ever changes."""
        if self._dual is None:
            self._dual = bool(dialect.dual_of(await dialect.mode_of(market).on(self.exchange)))
        return self._dual

    async def _terms_of(self, symbols: Sequence[str]) -> Terms:
        """Instruments and brackets; the account is shown without those that the venue does not tell."""
        try:
            return await self.market.venue(symbols).instruments(symbols)
        except BearskinError as error:
            logger.debug("brackets: %s", error)
            return {}

    async def _resting(self, market: Any) -> tuple[OrderNow, ...] | None:
        """What rests in a symbol; None where it could not be had."""
        calls = self.dialect.open_orders_of(market)
        try:
            found = await asyncio.gather(*(call.on(self.exchange) for call in calls))
        except Exception as error:  # noqa: BLE001 - the rest of the account is shown all the same
            logger.debug("orders of %s: %s", market.symbol, type(error).__name__)
            return None
        return tuple(self.dialect.order_now(row, market) for rows in found for row in rows)

    async def call(self, method: str, *args: Any, acting: bool = False) -> Any:
        """One of ccxt's calls, unified or the venue's own; `acting` changes something. Raises BearskinError in our
        words."""
        with turn(Turn.FIRST), self.line.plainly(acting=acting):
            return await getattr(self.exchange, method)(*args)

    async def told(
        self, method: str, *args: Any, symbol: str = "", least_s: float = 0.001, most_s: float = SLOW_S
    ) -> Any:
        """What one of ccxt's calls tells of the account, asked once for all who look; raises BearskinError.

        It stands for `most_s`, or for `least_s` where the bot has written down something that concerns `symbol` since
        (without one: anything). The account itself and what is done by hand go before it.
        """

        async def ask() -> tuple[int, Any]:
            noted = self._noted(symbol)
            with self.line.plainly():
                return noted, await getattr(self.exchange, method)(*args)

        key = (method, repr(args))
        found: tuple[int, Any] = await self.line.answers.get(key, most_s, ask)
        if found[0] != self._noted(symbol):
            found = await self.line.answers.get(key, least_s, ask)
        return found[1]

    def _noted(self, symbol: str) -> int:
        changes = changes_in(self.bot.now)
        return changes.get(symbol, 0) if symbol else sum(changes.values())

    def able(self, ability: str) -> bool:
        """Whether ccxt has a call for it at this venue, such as fetchLedger."""
        return self.exchange.has.get(ability) is True


def changes_in(now: BotNow) -> dict[str, int]:
    """By symbol how often the bot has written down what concerns the account; empty while nothing is known of it."""
    return {} if now.state is None else dict(now.state.get("account_changes") or {})


@contextlib.asynccontextmanager
async def account_of(market: MarketLink, hub: Hub, bot: BotLink) -> AsyncIterator[AccountLink]:
    """The account behind the market's keys, followed as long as the context lasts."""
    link = AccountLink(market, hub, bot)
    async with beside(link.follow()):
        yield link
