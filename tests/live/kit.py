"""A bot that does what it is told, on a demo exchange of its own: the real runner, venue, feed and engine."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bearskin.engine import Book, Desk, Done, Engine, EngineSettings, Planned, Record, StopMoved
from bearskin.exchange.wire import Running
from bearskin.journal import Journal
from bearskin.live import (
    CcxtFeed,
    CcxtVenue,
    FeedOptions,
    MarketClock,
    Runner,
    RunnerOptions,
    dialect_of,
    open_trading,
    read_records,
)
from bearskin.risk import approve_entry
from bearskin.terms import (
    Act,
    AnyEvent,
    BearskinError,
    Close,
    Marked,
    MoveStop,
    Open,
    Place,
    Refused,
    Side,
    VenueError,
    client_id,
    interval_ns,
    our_id,
)

SYMBOL = "BTCUSDT"
QTY = Decimal("0.05")
TICK = Decimal("0.1")


class Hand:
    """Decides nothing of its own: opens, moves the stop and closes when asked."""

    def __init__(self) -> None:
        self.marks: dict[str, Decimal] = {}

    def preload(self, panel: Any) -> None:
        """Nothing."""

    def heard(self, event: AnyEvent) -> None:
        """Remember the mark."""
        if isinstance(event, Marked):
            self.marks[event.symbol] = event.mark

    def decide(self, desk: Desk) -> None:
        """Do what an act asks for."""
        act = desk.event
        at = {"time_ns": desk.time_ns, "wall_ns": desk.wall_ns}
        if isinstance(act, Open):
            trade = self._opened(desk, act)
        elif isinstance(act, MoveStop | Close):
            found = desk.book.trade_in(act.symbol)
            if found is None:
                desk.note(Done(**at, act_id=act.act_id, refused="nothing-open"))
                return
            trade = found.number
            if isinstance(act, Close):
                desk.leave(found, "hand", share=act.share, act_id=act.act_id)
            else:
                desk.note(StopMoved(**at, trade=trade, symbol=act.symbol, old=found.stop, new=act.stop, why="by hand"))
        else:
            return
        desk.note(Done(**at, act_id=act.act_id, trade=trade))

    def _opened(self, desk: Desk, act: Open) -> int:
        number, qty = desk.book.next_trade, act.qty * act.side
        desk.note(
            Planned(
                time_ns=desk.time_ns, wall_ns=desk.wall_ns, trade=number, symbol=act.symbol, side=act.side, leg="BOTH",
                purpose=act.purpose, origin="hand", qty=qty, entry_ref=self.marks[act.symbol], entry_price=act.price,
                stop=act.stop, act_id=act.act_id, survives_frac=act.shock_frac, targets=act.targets,
                target_qtys=tuple(qty / len(act.targets) for _ in act.targets),
            )
        )  # fmt: skip
        name = client_id(desk.book.tag, number, "entry", 0)
        approved = approve_entry(
            Place(symbol=act.symbol, client_id=name, role="entry", qty=qty, price=act.price),
            side=act.side, sized_qty=qty, reference=self.marks[act.symbol], stop=act.stop,
            survives_frac=act.shock_frac, why="asked for",
        )  # fmt: skip
        assert not isinstance(approved, Refused), approved
        desk.send(number, approved)
        return number


class Both(Hand):
    """The mind that looks for set-ups, but acts are answered by the hand."""

    def __init__(self, hand: Hand, mind: Any) -> None:
        self.hand, self.mind = hand, mind

    def preload(self, panel: Any) -> None:
        """For the one that wants it."""
        self.mind.preload(panel)

    def heard(self, event: AnyEvent) -> None:
        """Both hear everything."""
        self.hand.heard(event)
        self.mind.heard(event)

    def decide(self, desk: Desk) -> None:
        """Either the one or the other."""
        (self.hand if isinstance(desk.event, Act) else self.mind).decide(desk)


def control(running: Running, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One call of the exchange's control room."""
    headers = {"Authorization": f"Bearer {running.token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(running.control_url + path, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


@dataclass(slots=True, kw_only=True)
class Bot:
    """A runner at work, with all that was told."""

    runner: Runner
    venue: CcxtVenue
    engine: Engine
    journal: Journal
    hand: Hand
    task: asyncio.Task[None]
    told: list[tuple[int, Record]] = field(default_factory=list)

    async def until(self, seen: Callable[[], Any], seconds: float = 15.0, what: str = "") -> Any:
        """What is seen before the time is over; what stopped the runner is raised at once."""
        ends = time.monotonic() + seconds
        while not (found := seen()):
            if self.task.done():
                await self.task
            assert time.monotonic() < ends, f"not seen within {seconds} s: {what or seen}; {self.engine.book.trades}"
            await asyncio.sleep(0.005)
        return found

    @property
    def trade(self) -> Any:
        """Our trade that is not done."""
        return next(iter(self.engine.book.trades.values()), None)

    def notes(self, kind: type) -> list[Any]:
        """Notes of a kind, in this life of the bot."""
        return [note for _, record in self.told for note in record.notes if isinstance(note, kind)]

    def price(self, factor: str) -> Decimal:
        """A price so far from the mark, on a tick."""
        return (self.hand.marks[SYMBOL] * Decimal(factor) / TICK).to_integral_value() * TICK

    async def act(self, act: Any) -> Done:
        """Have an act done, or raise what stopped the bot."""
        try:
            return await self.runner.act(act)
        except BearskinError:
            await self.task
            raise

    async def enter(self, name: str = "open", side: Side = Side.SHORT, **more: Any) -> Done:
        """Open a position and wait until its stop rests."""
        await self.until(self.is_up, what="both channels")
        asked = {"stop": self.price("1.02" if side < 0 else "0.98"), "qty": QTY, **more}
        return await self.act(Open(time_ns=0, wall_ns=0, act_id=name, symbol=SYMBOL, side=side, **asked))

    def is_up(self) -> bool:
        """Whether market and account are heard."""
        channels = self.runner.state().channels
        return bool(channels.get("market") and channels.get("account"))

    async def protected(self) -> None:
        """Until all that is open is covered by confirmed stops."""
        await self.until(lambda: self.trade is not None and self.trade.protected, what="protected")

    async def move(self, factor: str = "1.03", name: str = "move") -> Done:
        """Move the stop."""
        return await self.act(MoveStop(time_ns=0, wall_ns=0, act_id=name, symbol=SYMBOL, stop=self.price(factor)))

    async def close(self, name: str = "close", *, wait: bool = True) -> Done:
        """Close and wait until nothing is open and nothing rests."""
        done = await self.act(Close(time_ns=0, wall_ns=0, act_id=name, symbol=SYMBOL))
        if wait:
            await self.until(lambda: not self.engine.book.trades, what="the end")
        return done

    def restored(self) -> Book:
        """The book that another life would make of the journal as it is."""
        engine = Engine(self.engine.settings, self.engine.market, Hand())
        engine.restore(record for _, record in read_records(self.journal))
        return engine.book

    async def quiet(self) -> None:
        """Until no question is open and what is open is protected."""
        await self.until(lambda: self.runner.state().ready, what="ready")
        await self.until(self._is_quiet, 30.0, what="quiet")

    def _is_quiet(self) -> bool:
        state = self.runner.state()
        if state.asking or state.waiting_out or self.engine.in_doubt():
            return False
        return all(
            trade.protected or (not trade.qty and not trade.leaving) for trade in self.engine.book.trades.values()
        )


def nothing(point: str) -> None:
    """No hook."""


@contextlib.asynccontextmanager
async def bot_at(
    url: str,
    running: Running,
    journal: Path,
    *,
    tag: str = "test",
    at: Callable[[str], None] = nothing,
    symbols: tuple[str, ...] = (SYMBOL,),
    interval: str = "1m",
    options: RunnerOptions | None = None,
    timeout_ms: int = 1_500,
    window_s: float = 0.6,
    setups: bool = False,
    status_s: float = 60.0,
) -> AsyncIterator[Bot]:
    """A bot whose venue is at `url`, on the journal in a file, until the context ends; it is not closed for it.

    With `setups` it looks for trades of its own as well, with history.
    """
    dialect = dialect_of("binance")
    exchange = open_trading(dialect, "live", running.key, running.secret, address=url)
    exchange.timeout, exchange.timeout_on_exit = timeout_ms, 0
    clock = MarketClock(time.time_ns)
    venue = CcxtVenue(dialect, exchange, symbols, clock=clock)
    # how long the venue could still accept a request: no proxy holds one up that long
    venue.accepts_ns, venue.margin_ns = int(window_s * 1e9), 0
    kept = Journal.open(journal)
    task: asyncio.Task[None] | None = None
    try:
        await opened(venue)
        hand = Hand()
        for row in await exchange.fapiPublicGetPremiumIndex():  # the stream tells them a second later
            hand.marks[row["symbol"]] = Decimal(row["markPrice"])
        market = await venue.instruments(symbols)
        settings = EngineSettings(tag=tag, symbols=symbols, interval_ns=interval_ns(interval))
        engine = Engine(settings, market, None if setups else hand)
        if setups:
            engine._mind = Both(hand, engine._mind)
            for symbol in symbols:
                engine.preload(await venue.history(symbol, interval, 1_500))
        feed = CcxtFeed(venue, interval, options=FeedOptions(statistics=False, status_s=status_s))
        runner = Runner(engine, kept, venue, feed, clock=clock, at=at, options=options)
        task = asyncio.ensure_future(runner.run())
        bot = Bot(runner=runner, venue=venue, engine=engine, journal=kept, hand=hand, task=task)
        runner.subscribe(lambda number, record: bot.told.append((number, record)))
        yield bot
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        kept.close()
        await venue.close()


async def opened(venue: CcxtVenue) -> None:
    """Connect, however often the world gets in the way."""
    for _ in range(60):
        try:
            return await venue.open()
        except VenueError:
            await asyncio.sleep(0.1)
    return await venue.open()


class Eye:
    """What the exchange itself has in its books of one account, asked for without the bot's own way in."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def signed(self, method: str, path: str, **params: Any) -> Any:
        """A signed call."""
        params |= {"timestamp": int(time.time() * 1000), "recvWindow": 5000}
        query = urlencode(params)
        signature = hmac.new(self._running.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        url = f"{self._running.url}{path}?{query}&signature={signature}"
        request = urllib.request.Request(url, method=method, headers={"X-MBX-APIKEY": self._running.key})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def position(self, symbol: str = SYMBOL) -> Decimal:
        """What is open."""
        rows = self.signed("GET", "/fapi/v3/positionRisk")
        return sum((Decimal(row["positionAmt"]) for row in rows if row["symbol"] == symbol), Decimal(0))

    def orders(self, tag: str, symbol: str = SYMBOL) -> dict[str, dict[str, Any]]:
        """Every order of a bot that the exchange has ever taken, by client id; each id once, which is asserted.

        The order that a conditional one became carries the same name and is left out.
        """
        ordinary = self.signed("GET", "/fapi/v1/allOrders", symbol=symbol, limit=1000)
        algos = self.signed("GET", "/fapi/v1/allAlgoOrders", symbol=symbol, limit=1000)
        children = {str(row["actualOrderId"]) for row in algos}
        rows = [(row["clientOrderId"], row) for row in ordinary if str(row["orderId"]) not in children]
        rows += [(row["clientAlgoId"], row) for row in algos]
        ours = [(name, row) for name, row in rows if (known := our_id(name)) is not None and known.tag == tag]
        assert len(ours) == len({name for name, _ in ours}), sorted(name for name, _ in ours)
        return dict(ours)

    def resting(self, tag: str, symbol: str = SYMBOL) -> list[dict[str, Any]]:
        """What rests of a bot."""
        rows = self.signed("GET", "/fapi/v1/openOrders", symbol=symbol)
        rows += self.signed("GET", "/fapi/v1/openAlgoOrders", symbol=symbol)
        names = [(row.get("clientOrderId") or row["clientAlgoId"], row) for row in rows]
        return [row for name, row in names if (known := our_id(name)) is not None and known.tag == tag]

    def market(self, qty: Decimal, symbol: str = SYMBOL) -> None:
        """Trade by hand, as somebody else than the bot."""
        side = "BUY" if qty > 0 else "SELL"
        self.signed("POST", "/fapi/v1/order", symbol=symbol, side=side, type="MARKET", quantity=str(abs(qty)))


def journal_of(path: Path) -> list[Record]:
    """The records of a journal that nobody holds."""
    kept = Journal.open(path)
    try:
        return [record for _, record in read_records(kept)]
    finally:
        kept.close()


__all__ = ["QTY", "SYMBOL", "Bot", "Eye", "Hand", "bot_at", "control", "journal_of", "our_id"]
