"""One bot in this process: its run, its engine, its venue, and its local door."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import uvicorn

from bearskin.app._api import Answer, Door, Events, bot_app, new_token
from bearskin.app._house import House
from bearskin.app._report import tables_followed
from bearskin.app._runs import BotAddress, Run, bot_told, run_held
from bearskin.app._watch import Watch
from bearskin.app._world import Place, World, open_world
from bearskin.engine import Done, EngineSettings, Record
from bearskin.terms import (
    DAY_NS,
    AnyAct,
    AnyEvent,
    BadInput,
    BearskinError,
    Brackets,
    Instrument,
    Open,
    Reverse,
    StoreBroken,
    VenueBroken,
)

READY_S_MAX = 60.0
PRICED_S, LOOK_S = 10.0, 0.1
HISTORY_DAYS = 110  # the slow daily average needs 50 days and some before them
SYMBOLS_AT_ONCE = 3
GIVES_WAY_S = 0.0005  # the tables have a thread of their own: it must not hold up a trade for long
logger = logging.getLogger("bearskin.app")
Told = Callable[[int, Record], None]


@dataclass(slots=True, kw_only=True)
class Bot:
    """A bot that runs. `watch` says how it stands, `act` has something done."""

    run: Run
    place: Place
    symbols: tuple[str, ...]
    watch: Watch
    events: Events
    world: World
    runner: Any
    instruments: Mapping[str, tuple[Instrument, Brackets | None]]
    task: asyncio.Task[None]
    told: list[Told] = field(default_factory=list)

    def clocks(self) -> tuple[int, int]:
        """Market and wall time now."""
        return self.world.clock.now_ns(), time.time_ns()

    async def act(self, act: AnyAct) -> Done:
        """Have an act taken up; the engine's word on it. Raises what stopped the bot meanwhile."""
        if isinstance(act, Open | Reverse) and act.symbol in self.symbols:
            await self.priced((act.symbol,))  # a bot just begun would refuse it only for want of a price
        doing = asyncio.ensure_future(self.runner.act(act))
        await asyncio.wait({doing, self.task}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            doing.cancel()
            await self.task
            raise BearskinError("the bot has stopped")
        return await doing  # type: ignore[no-any-return]

    async def priced(self, symbols: Iterable[str]) -> None:
        """Wait a while for a quote and a mark of each."""
        wanted, until_s = tuple(symbols), time.monotonic() + PRICED_S
        while time.monotonic() < until_s and not self.task.done():
            told = [self.watch.prices.get(name) for name in wanted]
            if all(one is not None and one.bid is not None and one.mark is not None for one in told):
                return
            await asyncio.sleep(LOOK_S)

    def state(self) -> dict[str, Any]:
        """How it stands now."""
        return self.watch.state(time.time_ns())


class _Tapped:
    """A feed that lets the watch hear what is not written down: prices."""

    def __init__(self, feed: Any, heard: Callable[[AnyEvent], None]) -> None:
        self._feed, self._heard = feed, heard

    async def run(self, put: Callable[[AnyEvent], None]) -> None:
        """Tell both."""

        def both(event: AnyEvent) -> None:
            self._heard(event)
            put(event)

        await self._feed.run(both)


@contextlib.asynccontextmanager
async def running(
    run: Run, place: Place, settings: EngineSettings, house: House, *, past: tuple[str, ...] | None = None
) -> AsyncIterator[Bot]:
    """The bot of `run`, taken up where its journal ends and reconciled with the venue, until the context ends.

    The past of the symbols in `past` is asked for first, of all when None. The tables of runs are kept up meanwhile,
    in the database that the house names.

    Raises BadInput when another process has the run, VenueError when the venue cannot be reached.
    """
    from bearskin.engine import Decider, Engine
    from bearskin.live import CcxtFeed, FeedOptions, Runner, read_records

    with (
        run_held(run),
        contextlib.closing(run.kept.open_journal()) as journal,
        tables_followed(run, journal, house) as told,
    ):
        task: asyncio.Task[None] | None = None
        world = await open_world(place, settings.symbols, time.time_ns)
        try:
            instruments = await world.venue.instruments(settings.symbols)
            mind = Decider(settings, instruments)
            engine = Engine(settings, instruments, mind)
            after = await _remembered(run, world, mind, settings, instruments, past)
            facts = _facts(run, place, settings)
            watch = Watch(memory=engine, facts=facts, regimes_now=lambda: mind.signals.regimes)
            for sequence, record in read_records(journal):
                watch.told(sequence, record)
            watch.restored()
            events = Events()
            options = FeedOptions(depth=settings.book_wait_s > 0)
            feed = _Tapped(CcxtFeed(world.venue, run.interval, after=after, options=options), watch.heard)
            runner = Runner(engine, journal, world.venue, feed, clock=world.clock)
            runner.subscribe(watch.told)
            runner.subscribe(events.told)
            runner.subscribe(told)
            with _undisturbed():
                task = asyncio.ensure_future(runner.run())
                bot = Bot(
                    run=run,
                    place=place,
                    symbols=settings.symbols,
                    watch=watch,
                    events=events,
                    world=world,
                    runner=runner,
                    instruments=instruments,
                    task=task,
                )
                await _until_ready(bot)
                yield bot
        finally:
            try:
                await _ended(task)
            finally:
                await world.close()


async def _remembered(
    run: Run, world: World, mind: Any, settings: EngineSettings, instruments: Any, past: tuple[str, ...] | None
) -> dict[str, int]:
    """Have the mind take in the past of these symbols (None: all), and keep it beside the journal.

    Bars to look at, and days enough for the daily trend. Returns when the last bar of each symbol opened.
    """
    from bearskin.backtest import keep_history

    slots = asyncio.Semaphore(SYMBOLS_AT_ONCE)

    async def one(symbol: str) -> tuple[str, int] | None:
        async with slots:
            panel = await _past(world, symbol, run.interval, settings.bars_kept)
            days = await _past(world, symbol, "1d", HISTORY_DAYS) if settings.interval_ns < DAY_NS else None
        if panel is None:
            return None
        mind.preload(panel, days)
        try:
            keep_history(run.folder, panel, instruments[symbol][1], days)
        except StoreBroken as error:  # it is for `parity` alone: nothing that is open may wait for it
            logger.warning("the history that %s starts with is not kept: %s", symbol, error)
        return symbol, int(panel.time_ns[-1])

    found = await asyncio.gather(*(one(symbol) for symbol in (settings.symbols if past is None else past)))
    known = dict(last for last in found if last is not None)
    if not known:  # what time it is there has to be known before the first event
        panel = await _past(world, settings.symbols[0], run.interval, 2)
        known = {} if panel is None else {settings.symbols[0]: int(panel.time_ns[-1])}
    if known:
        world.clock.heard(max(known.values()) + settings.interval_ns)
    return known


async def _past(world: World, symbol: str, interval: str, bars: int) -> Any:
    """The last bars of a symbol; None where it has none yet: then it is looked at from here on."""
    from bearskin.live import NoBars

    try:
        return await world.venue.history(symbol, interval, bars)
    except NoBars as error:
        logger.info("%s: it is looked at from here on", error)
        return None


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep the collector off what is there now, and have other threads give way soon, while the bot trades."""
    gives_way_s = sys.getswitchinterval()
    sys.setswitchinterval(GIVES_WAY_S)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(gives_way_s)


async def _until_ready(bot: Bot) -> None:
    ready = asyncio.ensure_future(bot.runner.ready())
    await asyncio.wait({ready, bot.task}, timeout=READY_S_MAX, return_when=asyncio.FIRST_COMPLETED)
    if not ready.done():
        ready.cancel()
        if bot.task.done():
            await bot.task
        raise VenueBroken(f"{bot.place.venue} has not told how the account stands within {READY_S_MAX:g} s")


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is None:
        return
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _facts(run: Run, place: Place, settings: EngineSettings) -> dict[str, Any]:
    return {
        "run": run.id,
        "venue": run.venue,
        "env": run.env,
        "title": place.title or run.venue,
        "started": run.started,
        "symbols": list(settings.symbols),
        "interval": run.interval,
        "sides": settings.sides,
        "rules": {
            "preset": settings.preset,
            "risk_frac": _text(settings.risk_frac),
            "leverage": _text(settings.leverage),
            "margin_mode": settings.margin_mode.value,
            "heat_frac": _text(settings.heat_frac),
            "slippage_frac": _text(settings.slippage_frac),
            "equity_cap": _text(settings.equity_cap),
            "notional_cap": _text(settings.notional_cap),
            "target1_share": _text(settings.target1_share),
            "stop_by": settings.stop_by,
            "setups": None if settings.setups is None else list(settings.setups),
            "entry": settings.entry,
            "trail_atr": _text(settings.trail_atr),
            "break_even_r": _text(settings.break_even_r),
            "guards": settings.guards,
            "families_min": settings.families_min,
            "limits": settings.limits,
            "positions_max": settings.positions_max,
            "blackout_hours": list(settings.blackout_hours),
            "unprotected_max_s": settings.unprotected_max_s,
        },
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


@contextlib.asynccontextmanager
async def door_open(bot: Bot, signals: Answer | None = None, port: int = 0) -> AsyncIterator[BotAddress]:
    """The bot's local door on a port of 127.0.0.1 (0: a free one), its address in the run's folder, until the context
    ends; raises BadInput where the port is taken."""
    token = new_token()
    with _listening(port) as door:
        port = int(door.getsockname()[1])
        app = bot_app(bot.watch, bot.events, bot, bot.clocks, signals)
        open_paths = frozenset({"/signals"} if signals is not None else ())
        server = _Server(
            uvicorn.Config(
                Door(app, token, port, open_paths),
                lifespan="off",
                access_log=False,  # nothing of a request may reach a log
                log_config=None,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        serving = asyncio.ensure_future(server.serve(sockets=[door]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.002)
        address = BotAddress(url=f"http://127.0.0.1:{port}", token=token)
        try:
            with bot_told(bot.run, address):
                yield address
        finally:
            bot.events.close()
            server.should_exit = True
            await serving


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise BadInput(f"bot_port {port} cannot be had ({error.strerror or error}): choose another") from None


class _Server(uvicorn.Server):
    """Leaves signals alone: who runs the bot decides what they mean."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Capture none."""
        yield
