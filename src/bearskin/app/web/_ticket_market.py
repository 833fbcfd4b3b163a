"""What the venue tells a ticket: instrument, brackets, the last bars, and a quote where no bot tells one."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from bearskin.app._licence import read_licence
from bearskin.app._world import DEMO
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._hub import Hub
from bearskin.app.web._learn_guide import led
from bearskin.app.web._market_link import Depth, Mark
from bearskin.app.web._pace import Errand
from bearskin.app.web._ticket_case import Case, Facts, Lock, Quote, exposure_of, lock_of, quote_in, rules_of, shut_in
from bearskin.risk import Exposure, adverse_moves
from bearskin.terms import DAY_NS, HOUR_NS, SECOND_NS, BadInput, BearskinError, Product, Side, dec, parse_time

BARS, HOURS = 500, 720
FRESH_S, HISTORY_FRESH_S, QUOTE_FRESH_S, BALANCE_S = 20.0, 900.0, 2.0, 5.0
HEARD_S = 10.0  # so long is a stream of the market believed to go on
KEPT = "ticket"
logger = logging.getLogger("bearskin.app")
DAY_LIMITS = ("daily-loss", "hand-stops")  # they end with the market's day


@dataclass(slots=True)
class Shelf:
    """What was asked of the venue lately, for every page: symbol (and interval) to (when, what)."""

    lock: Errand = field(default_factory=Errand)
    facts: dict[tuple[str, str], tuple[float, Facts]] = field(default_factory=dict)
    worst: dict[str, tuple[float, dict[int, Any]]] = field(default_factory=dict)
    quotes: dict[str, tuple[float, Quote]] = field(default_factory=dict)
    speed: tuple[float, float] = (-math.inf, 1.0)  # of the demo's market


def shelf_of(desk: WebDesk) -> Shelf:
    """The shelf of this desk."""
    found: Shelf = desk.kept.setdefault(KEPT, Shelf())
    return found


async def case_of(desk: WebDesk, symbol: str, *, fresh: bool = False) -> Case:
    """Everything a ticket of `symbol` is priced from, as it is now; `fresh` asks the venue again for bars.

    Raises BadInput where no venue runs or it has no such perpetual, VenueError where it does not answer.
    """
    if not symbol:
        raise BadInput("name a symbol, such as BTCUSDT")
    now = desk.bot.now
    state, up = now.state, now.up
    facts = await facts_of(desk, symbol, fresh=fresh)
    quote = quote_in(state, symbol) if up else None
    if quote is None or quote.price(Side.SHORT) is None:
        quote = await _asked_quote(desk, symbol)
    rules = rules_of(state)
    account: Exposure[Decimal] | None = None
    wallet, source = None, ""
    if state is not None and state["account"]["known"]:
        account, wallet = exposure_of(state, rules), Decimal(state["account"]["wallet"])
        source = "" if up else "the account as the bot last told it"
    elif desk.market is not None:
        account, wallet, source = await _asked_account(desk)
    return Case(
        quote=quote,
        facts=facts,
        account=account,
        wallet=wallet,
        account_source=source,
        rules=rules,
        lock=locked(desk),
        shut=await _shut(desk, state, symbol) if state is not None and up else (),
        bot="" if up else f"{now.why}: prices go on, nothing can be sent",
        hurried=await _speed(desk) if led(desk) else 0.0,
    )


async def _shut(desk: WebDesk, state: dict[str, Any], symbol: str) -> tuple[str, ...]:
    """Why nothing would be opened; where a market runs faster than the clock on the wall, when its day ends there."""
    found = shut_in(state, symbol)
    if desk.control is None or not state["time"] or not any(map(_of_day, found)):
        return found
    speed = await _speed(desk)
    if speed <= 1:
        return found
    minutes = math.ceil((DAY_NS - parse_time(state["time"]) % DAY_NS) / SECOND_NS / speed / 60)
    soon = f" (in about {minutes} min by your clock: this market goes {speed:g} times as fast)"
    return tuple(one + soon if _of_day(one) else one for one in found)


def _of_day(sentence: str) -> bool:
    return any(name in sentence for name in DAY_LIMITS)


async def _speed(desk: WebDesk) -> float:
    """How many times as fast as the clock on the wall the demo's market goes; 1 where nobody says."""
    if desk.control is None:
        return 1.0
    shelf = shelf_of(desk)
    if time.monotonic() - shelf.speed[0] > FRESH_S:
        try:
            shelf.speed = time.monotonic(), await desk.control.speed()
        except BearskinError:
            return 1.0
    return shelf.speed[1]


def locked(desk: WebDesk) -> Lock:
    """What is locked now for whoever owns this home, at the venue of this desk; reads a file."""
    live = desk.place is not None and desk.place.venue != DEMO and desk.place.env == "live"
    return lock_of(read_licence(desk.house.home), live=live)


async def facts_of(desk: WebDesk, symbol: str, *, fresh: bool = False) -> Facts:
    """What the venue says of a symbol, asked again when it is older than `FRESH_S`."""
    if desk.market is None:
        return _packaged(symbol)
    shelf = shelf_of(desk)
    state = desk.bot.now.state
    interval = str((state or {}).get("interval") or "1h")
    at, found = shelf.facts.get((symbol, interval), (-FRESH_S, None))
    if found is not None and not fresh and time.monotonic() - at < FRESH_S:
        return found
    async with shelf.lock.alone():
        at, found = shelf.facts.get((symbol, interval), (-FRESH_S, None))
        if found is None or fresh or time.monotonic() - at >= FRESH_S:
            found = await _asked_facts(desk, symbol, interval, shelf)
            shelf.facts[symbol, interval] = time.monotonic(), found
    return found


def _packaged(symbol: str) -> Facts:
    """What the package knows of a symbol; raises UnknownSymbol."""
    from bearskin import market

    instrument = market.instrument_of("binance", symbol, Product.LINEAR)
    return Facts(
        instrument=instrument, brackets=market.load_brackets().get("binance", symbol, Product.LINEAR), panel=None
    )


async def _asked_facts(desk: WebDesk, symbol: str, interval: str, shelf: Shelf) -> Facts:
    assert desk.market is not None
    with desk.market.guard.plainly():
        venue = desk.market.venue((symbol,))
        instrument, brackets = (await venue.instruments((symbol,)))[symbol]
    panel, worst = await asyncio.gather(_bars(venue, symbol, interval, BARS), _worst(desk, venue, symbol, shelf))
    hours = Decimal(8)
    if panel is not None and panel.funding is not None and len(panel.funding.time_ns):
        hours = Decimal(int(panel.funding.interval_ns[-1])) / HOUR_NS
    return Facts(instrument=instrument, brackets=brackets, panel=panel, funding_interval_h=hours, worst=worst)


async def _bars(venue: Any, symbol: str, interval: str, bars: int) -> Any:
    try:
        return await venue.history(symbol, interval, bars)
    except BearskinError as error:  # a symbol without bars is priced all the same
        logger.debug("%s %s: %s", symbol, interval, error)
        return None


async def _worst(desk: WebDesk, venue: Any, symbol: str, shelf: Shelf) -> dict[int, Any]:
    """The symbol's own worst hours and days, by side, out of a month of hours."""
    at, found = shelf.worst.get(symbol, (-HISTORY_FRESH_S, {}))
    if time.monotonic() - at < HISTORY_FRESH_S:
        return found
    panel = await _bars(venue, symbol, "1h", HOURS)
    if panel is not None:
        found = await desk.aside(lambda: {int(side): adverse_moves(panel, side) for side in (Side.SHORT, Side.LONG)})
    shelf.worst[symbol] = time.monotonic(), found
    return found


async def _asked_quote(desk: WebDesk, symbol: str) -> Quote:
    """What the market's own streams say, else what the venue answers."""
    heard = _heard_quote(desk.hub, symbol)
    if heard is not None:
        return heard
    if desk.market is None:
        return Quote(source="no venue runs")
    shelf = shelf_of(desk)
    at, found = shelf.quotes.get(symbol, (-QUOTE_FRESH_S, Quote()))
    if time.monotonic() - at < QUOTE_FRESH_S:
        return found
    exchange, name = desk.market.exchange, desk.market.unified(symbol)
    with desk.market.guard.plainly():
        book, told = await asyncio.gather(exchange.fetch_order_book(name, 5), exchange.fetch_funding_rate(name))
    found = Quote(
        bid=_first(book["bids"]),
        ask=_first(book["asks"]),
        mark=_price(told.get("markPrice")),
        rate=_exact(told.get("fundingRate")),
        source="the venue",
    )
    shelf.quotes[symbol] = time.monotonic(), found
    return found


def _heard_quote(hub: Hub, symbol: str) -> Quote | None:
    depth, told = hub.last(Depth(symbol), HEARD_S), hub.last(Mark(symbol), HEARD_S)
    if not depth:
        return None
    quote = Quote(bid=_first(depth["bids"]), ask=_first(depth["asks"]), source="the market")
    return quote if not told else replace(quote, mark=_price(told["mark"]), rate=_exact(told["rate"]))


async def _asked_account(desk: WebDesk) -> tuple[Exposure[Decimal] | None, Decimal | None, str]:
    """The account as the venue tells it, for when no bot has told; nothing where it does not answer."""
    assert desk.market is not None
    try:
        told = await desk.market.guard.answers.get("balance", BALANCE_S, desk.market.exchange.fetch_balance)
        total, free = dec(told["USDT"]["total"]), dec(told["USDT"]["free"])
    except Exception as error:  # noqa: BLE001 - without an account the ticket says so and prices what it can
        logger.debug("the account: %s: %s", type(error).__name__, error)
        return None, None, "no account is known: what it risks is not checked"
    zero = Decimal(0)
    return (
        Exposure(total, free, zero, zero, zero),
        total,
        "the account as the venue tells it, open positions not counted",
    )


def _first(rows: Any) -> Decimal | None:
    return dec(str(rows[0][0])) if rows else None


def _price(value: Any) -> Decimal | None:
    """A price; a venue that has none yet says 0."""
    found = _exact(value)
    return found if found is not None and found > 0 else None


def _exact(value: Any) -> Decimal | None:
    return None if value in (None, "") else dec(str(value))
