"""`trade`: a bot on the demo exchange or a venue, in this process, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import signal
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from bearskin.app._data import words_of
from bearskin.app._house import House, open_house
from bearskin.app._rates import leverage_of, share_of
from bearskin.app._runs import Run, latest_run, new_run, run_named
from bearskin.app._world import DEMO, Place, demo_place
from bearskin.engine import EngineSettings
from bearskin.terms import SECOND_NS, BadInput, MarginMode, interval_ns

SIDES = ("short", "long", "both", "auto", "none")
LOOK_S = 0.25
Shown = Callable[[dict[str, Any]], None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How a bot is to trade, as it was asked for; None is the default or what the run was begun with."""

    symbols: str | Sequence[str] | None = None
    interval: str | None = None
    setups: str | Sequence[str] | None = None
    sides: str | None = None
    preset: str | None = None
    risk: str | Decimal | None = None
    leverage: str | int | Decimal | None = None
    margin: str | None = None
    trail_atr: str | Decimal | None = None
    guards: bool = True


def trade(
    *,
    venue: str | None = None,
    env: str | None = None,
    run: str | None = None,
    run_for: str | None = None,
    fresh: bool = False,
    folder: Path | str | None = None,
    live_confirm: str | None = None,
    home: Path | str | None = None,
    store: Path | str | None = None,
    shown: Shown | None = None,
    **told: Any,
) -> dict[str, Any]:
    """Run a bot until SIGINT, SIGTERM or for `run_for`; its last state. What is open keeps its stop at the venue.

    A run of the same account is taken up where it was left, `fresh` begins another. Raises BadInput, VenueError.
    """
    house = open_house(home, store=store)
    place = place_of(house, venue, env, folder=folder, live_confirm=live_confirm)
    made, settings = run_of(house, place, Told(**told), named=run, fresh=fresh)
    for_s = None if run_for is None else interval_ns(run_for) / SECOND_NS
    return asyncio.run(_traded(house, made, place, settings, for_s, shown))


def place_of(
    house: House,
    venue: str | None,
    env: str | None = None,
    *,
    folder: Path | str | None = None,
    live_confirm: str | None = None,
) -> Place:
    """Where is traded; raises BadInput for a venue whose locks are not open."""
    name = (venue or DEMO).lower()
    if name == DEMO:
        if env not in (None, ""):
            raise BadInput("env is for real venues: the demo exchange is one already")
        return demo_place(house, folder)
    from bearskin.app._live_place import live_place

    return live_place(house, name, env or "live", live_confirm)


def run_of(
    house: House, place: Place, told: Told, *, named: str | None = None, fresh: bool = False
) -> tuple[Run, EngineSettings]:
    """The run to go on with, or a new one, and the settings of its engine; raises BadInput for what contradicts it."""
    journals = house.writable_part("journal")
    if named is not None:
        run: Run | None = run_named(journals, named)
        if run is not None and (run.venue, run.env, run.account) != (place.venue, place.env, place.account):
            raise BadInput(f"the run {named} is of another account: leave --run away")
    else:
        run = None if fresh else latest_run(journals, venue=place.venue, env=place.env, account=place.account)
    symbols = tuple(words_of(told.symbols) or ()) if told.symbols is not None else None
    if run is None:
        chosen = symbols or place.symbols
        if not chosen:
            raise BadInput("no symbols: name some with --symbols, such as BTCUSDT,ETHUSDT")
        interval = told.interval or house.settings.interval
        settings = settings_of(house, place, told, tag="none", symbols=chosen, interval=interval)
        run = new_run(
            journals,
            venue=place.venue,
            env=place.env,
            account=place.account,
            symbols=chosen,
            interval=interval,
            settings=settings_json(settings),
            now_ns=time.time_ns(),
        )
    for name, asked, there in (("symbols", symbols, run.symbols), ("interval", told.interval, run.interval)):
        if asked is not None and asked != there:
            was = ",".join(there) if isinstance(there, tuple) else there
            raise BadInput(f"the run {run.id} was begun with {name} {was}: leave --{name} away, or say --fresh")
    return run, settings_of(house, place, told, tag=run.tag, symbols=run.symbols, interval=run.interval)


def settings_of(
    house: House, place: Place, told: Told, *, tag: str, symbols: tuple[str, ...], interval: str
) -> EngineSettings:
    """What the engine is told; raises BadInput."""
    sides = told.sides or "both"
    if sides not in SIDES:
        raise BadInput(f"sides was {sides!r}, must be one of {', '.join(SIDES)}")
    setups = None if told.setups in (None, "all") else tuple(words_of(told.setups) or ())
    if setups:
        from bearskin.setups import SETUPS

        for name in setups:
            if name not in SETUPS:
                raise BadInput(f"{name!r} is no set-up: they are {', '.join(SETUPS)}")
    house_says = house.settings
    risk = house_says.risk if told.risk is None else share_of(told.risk, "risk")
    leverage = house_says.leverage if told.leverage is None else leverage_of(told.leverage, "leverage")
    mode = house_says.margin_mode if told.margin is None else MarginMode(told.margin)
    preset = told.preset or house_says.preset
    from bearskin.risk import PRESETS

    if preset not in PRESETS:
        raise BadInput(f"preset was {preset!r}, must be one of {', '.join(PRESETS)}")
    return EngineSettings(
        tag=tag,
        symbols=symbols,
        interval_ns=interval_ns(interval),
        setups=setups,
        sides=sides,  # type: ignore[arg-type]
        preset=preset,
        risk_frac=risk,
        leverage=leverage,
        margin_mode=mode or PRESETS[preset].margin_mode,
        trail_atr=Decimal(0) if told.trail_atr is None else Decimal(str(told.trail_atr)),
        guards=told.guards,
        notional_cap=place.notional_cap,
    )


def settings_json(settings: EngineSettings) -> dict[str, Any]:
    """The settings as a run keeps them."""
    import msgspec

    made: dict[str, Any] = msgspec.to_builtins(dataclasses.asdict(settings))
    return made


async def _traded(
    house: House, run: Run, place: Place, settings: EngineSettings, for_s: float | None, shown: Shown | None
) -> dict[str, Any]:
    from bearskin.app._bot import door_open, running
    from bearskin.app._outward import counted_down, outward

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(ValueError, RuntimeError):  # only the main thread hears signals
            loop.add_signal_handler(number, stop.set)
    stopping = asyncio.ensure_future(stop.wait())
    async with (
        running(run, place, settings, house) as bot,
        outward(house, run.id, bot.runner.subscribe, bot, bot.clocks) as signals,
        door_open(bot, signals, house.settings.bot_port),
        counted_down(bot.world.venue, settings.symbols, lambda: not bot.task.done()),
    ):
        until_s = None if for_s is None else loop.time() + for_s
        while not stop.is_set() and (until_s is None or loop.time() < until_s):
            if shown is not None:
                shown(bot.state())
            await asyncio.wait({stopping, bot.task}, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
            if bot.task.done():
                await bot.task
        state = bot.state()
    stopping.cancel()
    if shown is not None:
        shown(state)
    return state
