"""`trade`: a bot on the demo exchange or a venue, in this process, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import difflib
import logging
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearskin.app._bot_words import BOT_WORDS, engine_words, with_memory
from bearskin.app._data import words_of
from bearskin.app._house import House, open_house
from bearskin.app._runs import Run, chosen_alone, latest_run, new_run, run_named
from bearskin.app._world import DEMO, Place, demo_place
from bearskin.engine import EngineSettings
from bearskin.terms import SECOND_NS, BadInput, VenueBroken, VenueError, interval_ns, interval_word

if TYPE_CHECKING:
    from bearskin.app._bot import Bot

LOOK_S = 0.25
WAIT_S, WAIT_S_MAX = 1.0, 60.0
BARS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d")
Shown = Callable[[dict[str, Any]], None]
logger = logging.getLogger("bearskin.app")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How a bot is to trade, as it was asked for: `words` by the names of `BOT_WORDS`, None or left away what the
    settings say. None symbols and interval are those the run was begun with, or the defaults."""

    symbols: str | Sequence[str] | None = None
    interval: str | None = None
    words: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def told_of(given: Mapping[str, Any]) -> Told:
    """What was given by name; raises BadInput for a name that is none, and for bars that no venue has."""
    words = {name: value for name, value in given.items() if name not in ("symbols", "interval")}
    unknown = [name for name in words if name not in BOT_WORDS]
    if unknown:
        near = difflib.get_close_matches(unknown[0], list(BOT_WORDS), n=1)
        raise BadInput(f"{unknown[0]!r} is nothing a bot is told" + (f"; did you mean {near[0]!r}?" if near else ""))
    bars = given.get("interval")
    return Told(symbols=given.get("symbols"), interval=None if bars is None else _bars_word(bars), words=words)


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

    A run of the same account is taken up where it was left, `fresh` begins another. `told` are symbols, interval and
    the words of `BOT_WORDS`: sides, setups, risk, entry, calendar... A venue that does not answer is asked again until
    it does. Raises BadInput, VenueError for what waiting does not mend, KeyboardInterrupt when stopped before it began.
    """
    house = open_house(home, store=store)
    for_s = None if run_for is None else interval_ns(run_for) / SECOND_NS
    wanted = told_of(told)
    engine_words(wanted.words, {})  # what cannot be is said before anything is asked
    place = _patiently(lambda: place_of(house, venue, env, folder=folder, live_confirm=live_confirm), for_s)
    with chosen_alone(house.writable_part("journal")):
        made, settings = run_of(house, place, wanted, named=run, fresh=fresh)
    state = asyncio.run(_traded(house, made, place, settings, for_s, shown))
    if not state:
        raise KeyboardInterrupt  # told to stop before the venue had answered: there is nothing to report
    return state


def place_of(
    house: House,
    venue: str | None,
    env: str | None = None,
    *,
    folder: Path | str | None = None,
    live_confirm: str | None = None,
    reducing: bool = False,
) -> Place:
    """Where is traded; raises BadInput for a venue whose locks are not open, which only what opens positions needs."""
    name = (venue or DEMO).lower()
    if name == DEMO:
        if env not in (None, ""):
            raise BadInput("env is for real venues: the demo exchange is one already")
        return demo_place(house, folder)
    from bearskin.app._live_place import live_place

    return live_place(house, name, env or "live", live_confirm, reducing=reducing)


def run_of(
    house: House, place: Place, told: Told, *, named: str | None = None, fresh: bool = False
) -> tuple[Run, EngineSettings]:
    """The run to go on with, or a new one, and the settings of its engine, for who has chosen alone.

    Raises BadInput for what contradicts the run.
    """
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
        interval = told.interval or _bars_word(house.settings.interval)
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


def _bars_word(interval: str) -> str:
    """The interval as venues write it; raises BadInput for bars that none of them has."""
    word = interval_word(interval_ns(interval))
    if word not in BARS:
        raise BadInput(f"interval was {interval!r}, must be one of {', '.join(BARS)}")
    return word


def settings_of(
    house: House, place: Place, told: Told, *, tag: str, symbols: tuple[str, ...], interval: str
) -> EngineSettings:
    """What the engine is told; raises BadInput."""
    from bearskin.risk import preset_of
    from bearskin.setups import GuardRules, OutsideRules

    words = with_memory(engine_words(told.words, house.settings.model_dump()), interval_ns(interval))
    preset = words.setdefault("preset", house.settings.preset)
    words.setdefault("margin_mode", preset_of(preset).margin_mode)
    caps = [cap for cap in (place.notional_cap, words.pop("notional_cap", None)) if cap is not None]
    if words.get("attach_stops") and not place.attaches:
        raise BadInput(f"{place.venue} has no order that carries a stop: leave --attach-stops away")
    outside = OutsideRules(made_up=place.venue == DEMO, floats=words.pop("floats", ()))
    if outside != OutsideRules():
        words["guard_rules"] = GuardRules(families_min=words.get("families_min", 0), outside=outside)
    return EngineSettings(
        tag=tag,
        symbols=symbols,
        interval_ns=interval_ns(interval),
        notional_cap=min(caps, default=None),
        **words,
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
    from bearskin.app._rules_bell import bell_of, ringing

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(ValueError, RuntimeError):  # only the main thread hears signals
            loop.add_signal_handler(number, stop.set)
    stopping = asyncio.ensure_future(stop.wait())
    async with contextlib.AsyncExitStack() as stack:
        bot = await _started(stack, lambda: running(run, place, settings, house), stopping, for_s)
        if bot is None:
            return {}
        bell = bell_of(house, bot)
        signals = await stack.enter_async_context(
            outward(house, run.id, bell.also(bot.runner.subscribe), bot, bot.clocks)
        )
        await stack.enter_async_context(ringing(bell))
        await stack.enter_async_context(door_open(bot, signals, house.settings.bot_port))
        at_work = counted_down(bot.world.venue, settings.symbols, lambda: not bot.task.done())
        await stack.enter_async_context(at_work)
        until_s = None if for_s is None else loop.time() + for_s
        while not stop.is_set() and (until_s is None or loop.time() < until_s):
            if shown is not None:
                shown(bot.state())
            await asyncio.wait({stopping, bot.task}, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
            if bot.task.done():
                await bot.task
    state = bot.state()  # once nothing runs: what fills while the doors close counts too
    stopping.cancel()
    if shown is not None:
        shown(state)
    return state


async def _started(
    stack: contextlib.AsyncExitStack,
    opening: Callable[[], contextlib.AbstractAsyncContextManager[Bot]],
    stopping: asyncio.Future[Any],
    for_s: float | None,
) -> Bot | None:
    """The bot once the venue answers, however often that is asked for; None when it was told to stop before.

    Raises what a venue said last when that takes longer than `for_s`, and at once what waiting does not mend.
    """
    patience = Patience(for_s)
    while True:
        entering = asyncio.ensure_future(stack.enter_async_context(opening()))
        await asyncio.wait({entering, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not entering.done():
            entering.cancel()
            with contextlib.suppress(asyncio.CancelledError, VenueError):
                await entering
            return None
        try:
            return await entering
        except VenueBroken as error:
            await asyncio.wait({stopping}, timeout=patience.after(error))
            if stopping.done():
                return None


class Patience:
    """How long to wait before a venue that does not answer is asked again: longer each time, and as it says itself."""

    def __init__(self, for_s: float | None) -> None:
        self._wait_s = WAIT_S
        self._until_s = None if for_s is None else time.monotonic() + for_s

    def after(self, error: VenueBroken) -> float:
        """Seconds to wait, said to whoever looks; raises `error` when there is no time left for it."""
        wait_s = self._wait_s
        self._wait_s = min(2 * wait_s, WAIT_S_MAX)
        until_ms = getattr(error, "until_wall_ms", None)
        if until_ms is not None:
            wait_s = max(wait_s, until_ms / 1_000 - time.time())
        if self._until_s is not None and time.monotonic() + wait_s > self._until_s:
            raise error
        logger.warning("%s: nothing is traded, it is asked again in %.0f s", error, wait_s)
        return wait_s


def _patiently(ask: Callable[[], Place], for_s: float | None) -> Place:
    """The answer, once the venue gives one."""
    patience = Patience(for_s)
    while True:
        try:
            return ask()
        except VenueBroken as error:
            time.sleep(patience.after(error))
