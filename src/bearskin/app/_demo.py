"""`demo`: the demo exchange and a bot on it, each a process of its own, without network, key or anything prepared."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearskin.app._bot_words import engine_words
from bearskin.app._children import Child, ChildBroken
from bearskin.app._home import user_path
from bearskin.app._house import House, open_house
from bearskin.app._report import report
from bearskin.app._runs import Run, bot_of, chosen_alone, latest_run
from bearskin.app._trade import Told, run_of, told_of
from bearskin.app._world import DEMO_PART, demo_place
from bearskin.terms import SECOND_NS, BadInput, BearskinError, interval_ns, parse_time

if TYPE_CHECKING:
    from bearskin.app._demo_backtest import DemoBacktest
    from bearskin.backtest import Parity

SEED, SPEED, INTERVAL = 7, 180.0, "5m"
REPLAY_PART, REPLAY_SPEED, REPLAY_INTERVAL = "replay", 600.0, "1h"
START_S_MAX, LOOK_S, STILL_S = 90.0, 0.25, 10.0
Shown = Callable[[dict[str, Any]], None]
Said = Callable[[str], None]
Opened = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """How a demo stood at its end.

    `books_sum` is what the exchange's ledgers add up to: zero, or it has lost money. `wallet_unexplained` is what the
    run's own flows leave unexplained of the wallet, None where no wallet was told.
    """

    run: str
    folder: Path
    state: dict[str, Any]
    books_sum: str | None
    wallet_unexplained: str | None
    seconds: float
    children_codes: tuple[int, int]
    parity: Parity | None = None

    def to_json(self) -> dict[str, Any]:
        """The object of `--json`."""
        counts, account = self.state["counts"], self.state["account"]
        return {
            "run": self.run,
            "entries": counts["entries"],
            "exits": counts["exits"],
            "open_positions": len(self.state["positions"]),
            "signals": counts["signals"],
            "declined": counts["declined"],
            "max_unprotected_s": counts["max_unprotected_s"],
            "gross": account["gross"],
            "fees": account["fees"],
            "funding": account["funding"],
            "equity": account["equity"],
            "currency": account["asset"],
            "books_sum": self.books_sum,
            "wallet_unexplained": self.wallet_unexplained,
            "market_time": self.state["time"],
            "seconds": round(self.seconds, 1),
            "folder": str(self.folder),
            **({} if self.parity is None else {"parity": self.parity.to_json()}),
        }


def demo(
    *,
    run_for: str | None = None,
    seed: int | None = None,
    symbols: str | Sequence[str] | None = None,
    interval: str | None = None,
    speed: str | float | None = None,
    fresh: bool = False,
    folder: Path | str | None = None,
    replay: str | Sequence[str] | None = None,
    start: str | None = None,
    end: str | None = None,
    backtest: bool = False,
    home: Path | str | None = None,
    store: Path | str | None = None,
    dashboard: bool = False,
    opened: Opened | None = None,
    shown: Shown | None = None,
    said: Said | None = None,
    **words: Any,
) -> DemoReport | DemoBacktest:
    """Run exchange and bot until Ctrl-C, SIGTERM or for `run_for`, and tell how it stood then.

    The exchange is kept in `folder` (the home's own for demos): started again, market, run and positions go on where
    they were left, unless `fresh`. `shown` gets the bot's state a few times a second. With `dashboard` it is served
    beside them, and `opened` is told the address that opens it. Raises BadInput for what does not
    fit, ChildBroken when a process ends by itself.

    `replay` names symbols whose stored candles are the market instead, from `start` on and to `end`: always begun anew,
    and compared with the compiled backtest afterwards. `words` tell the bot how to trade, as those of `trade` do. With
    `backtest` it is a backtest instead: see `demo_backtest`, which takes days, out and progress.
    """
    if backtest:
        from bearskin.app._demo_backtest import demo_backtest

        named = {"seed": seed, "symbols": symbols, "interval": interval, **words}
        return demo_backtest(**{n: v for n, v in named.items() if v is not None}, home=home, store=store)
    told = told_of({**words, "symbols": symbols, "interval": interval})
    web = Web(opened=opened) if dashboard else None
    from bearskin.app._exchange import speed_of

    house = open_house(home, store=store)
    engine_words(told.words, {})  # what cannot be is said before anything is started
    for_s = None if run_for is None else interval_ns(run_for) / SECOND_NS
    place = house.home.part("exchange") / DEMO_PART if folder is None else user_path(folder)
    if replay is not None:
        if seed is not None or symbols is not None:
            raise BadInput("a replay has no seed, and --replay names its symbols: leave --seed and --symbols away")
        rate = REPLAY_SPEED if speed is None else speed_of(speed)
        place = house.home.part("exchange") / REPLAY_PART if folder is None else user_path(folder)
        title = f"replay of {_names(replay)} at {rate:g}×"
        watching = Watching(title=title, for_s=for_s, shown=shown, said=said, ends=True, web=web)
        return _replayed(house, place, told, _names(replay), start, end, rate, watching)
    if start is not None or end is not None:
        raise BadInput("--from and --to go with --replay: a made-up market begins now")
    rate = SPEED if speed is None else speed_of(speed)
    market = ["--folder", str(place), "--speed", f"{rate:g}", *(["--fresh"] if fresh else [])]
    if fresh or not (place / "exchange.json").exists():
        market += ["--prices", "synthetic", "--seed", str(SEED if seed is None else seed)]
    elif seed is not None:
        market += ["--seed", str(seed)]
    if symbols is not None:
        market += ["--symbols", symbols if isinstance(symbols, str) else ",".join(symbols)]
    title = f"demo exchange, synthetic market at {rate:g}×"
    return together(house, place, market, told, Watching(title=title, for_s=for_s, shown=shown, said=said, web=web))


def _replayed(
    house: House,
    place: Path,
    told: Told,
    names: str,
    start: str | None,
    end: str | None,
    rate: float,
    watching: Watching,
) -> DemoReport:
    """The time machine: stored candles through the exchange, then the bot against the backtest of what it saw."""
    if start is None:
        raise BadInput("a replay begins somewhere: say --from, such as --from 2025-10-08")
    end_ns = None if end is None else parse_time(end)
    if end_ns is not None and end_ns <= parse_time(start):
        raise BadInput(f"--to {end} is not after --from {start}")
    words = ["--folder", str(place), "--speed", f"{rate:g}", "--fresh", "--prices", "replay", "--symbols", names]
    words += ["--from", start, "--store", str(house.store_folder)]
    done = together(
        house, place, words, replace(told, interval=told.interval or REPLAY_INTERVAL), replace(watching, end_ns=end_ns)
    )
    from bearskin.app._backtest import warm_up
    from bearskin.app._parity import parity

    warm_up()
    return replace(done, parity=parity(done.run, home=house.home.root))


def _names(replay: str | Sequence[str]) -> str:
    return replay if isinstance(replay, str) else ",".join(replay)


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """That the dashboard is wanted, and who is told the address that opens it."""

    opened: Opened | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """How a demo is looked at and when it ends: after `for_s`, at market time `end_ns`, or (`ends`) with its prices."""

    title: str
    for_s: float | None
    shown: Shown | None
    said: Said | None
    end_ns: int | None = None
    ends: bool = False
    web: Web | None = None


def together(
    house: House,
    place: Path,
    exchange: Sequence[str],
    told: Told,
    watching: Watching,
) -> DemoReport:
    """An exchange with those words in its command line and a bot told so, until the end."""
    logs = house.writable_part("logs")
    common = ["--home", str(house.home.root), "--quiet"]
    say = watching.said or (lambda _: None)
    began_s = time.monotonic()
    with _asked_to_stop() as (stop, begun), contextlib.ExitStack() as stack:
        say("demo: opening the exchange")
        market = Child("exchange", ["exchange", "--port", "0", "--json", *exchange, *common], logs / "exchange.out")
        stack.callback(market.stop)
        market.first_object(START_S_MAX)
        run, words = _told_run(house, place, told)
        say(f"demo: starting the bot, run {run.id}")
        bot = Child("bot", ["trade", "--venue", "demo", "--json", *words, *common], logs / "bot.out")
        stack.callback(bot.stop)
        pages = None
        if watching.web is not None:
            pages = Child(
                "dashboard",
                ["dashboard", "--json", "--no-browser", "--folder", str(place), *common],
                logs / "dashboard.out",
            )
            stack.callback(pages.stop)
        begun.set()
        _watched(run, market, bot, stop, watching, pages)
        say("demo: stopping the bot, then the exchange")
        code = bot.stop()
        state = bot.last_object()
        if code or "counts" not in state:
            raise bot.failure()
        books = books_sum(place)
        code_of_exchange = market.stop()
        return DemoReport(
            run=run.id,
            folder=run.folder,
            state=state,
            books_sum=books,
            wallet_unexplained=report(run.id, home=house.home.root).to_json()["wallet_unexplained"],
            seconds=time.monotonic() - began_s,
            children_codes=(code_of_exchange, code),
        )


def _told_run(house: House, place: Path, told: Told) -> tuple[Run, list[str]]:
    """The run to go on with, and how the bot's command line says so."""
    where = demo_place(house, place)
    journals = house.writable_part("journal")
    with chosen_alone(journals):
        there = latest_run(journals, venue=where.venue, account=where.account)
        if there is None and told.interval is None:
            told = replace(told, interval=INTERVAL)
        run, _ = run_of(house, where, told)
    words = ["--run", run.id, "--folder", str(place)]
    for name, value in told.words.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        elif value is not None:
            text = ",".join(str(one) for one in value) if isinstance(value, list | tuple) else str(value)
            words += [f"--{option}", str(user_path(value)) if name == "calendar" else text]
    return run, words


def _watched(
    run: Run, market: Child, bot: Child, stop: threading.Event, watching: Watching, pages: Child | None = None
) -> None:
    """Look at the bot until it is time to stop; raises when it or the exchange ends before.

    The dashboard is for looking: when it ends, the rest goes on and it is said.
    """
    from bearskin.app._bot_client import BotClient

    client: BotClient | None = None
    began_s = moved_s = time.monotonic()
    time_told: str | None = None
    try:
        while not stop.is_set():
            for child in (market, bot):
                if not child.running:
                    raise child.failure()
            now_s = time.monotonic()
            if client is None:
                address = bot_of(run)
                if address is not None:
                    client, began_s = BotClient(address), now_s
                elif now_s - began_s > START_S_MAX:
                    raise ChildBroken(f"the bot has not answered within {START_S_MAX:g} s: see {bot.log}")
            elif watching.for_s is not None and now_s - began_s >= watching.for_s:
                return
            else:
                with contextlib.suppress(BearskinError):  # it may be ending: that is seen above
                    state = {**client.state(), "title": watching.title}
                    if watching.shown is not None:
                        watching.shown(state)
                    if state["time"] != time_told:
                        time_told, moved_s = state["time"], now_s
                    if _over(watching, state["time"], now_s - moved_s):
                        return
            pages = _looked_after(pages, watching)
            stop.wait(LOOK_S)
    finally:
        if client is not None:
            client.close()


def _looked_after(pages: Child | None, watching: Watching) -> Child | None:
    """Tell where the dashboard is once it says so, and that it has ended; None when there is nothing more to tell."""
    if pages is None or watching.web is None:
        return None
    say = watching.said or (lambda _: None)
    if not pages.running:
        say(f"demo: the dashboard has ended ({pages.failure()}); the rest goes on")
        return None
    said = pages.heard()
    if said is None or "open" not in said:
        return pages
    say(f"demo: dashboard at {said['open']}")
    if watching.web.opened is not None:
        watching.web.opened(said["open"])
    return pages


def _over(watching: Watching, time: str | None, still_s: float) -> bool:
    """Whether the market is where it was to end, or its prices are told to their end."""
    if time is None:
        return False
    reached = watching.end_ns is not None and parse_time(time) >= watching.end_ns
    return reached or (watching.ends and still_s > STILL_S)


def books_sum(place: Path) -> str | None:
    """What every posting of the exchange adds up to, None when it does not say."""
    import httpx

    from bearskin.exchange import read_address

    address = read_address(place)
    if address is None:
        return None
    try:
        answer = httpx.get(
            f"{address.control_url}/books",
            headers={"Authorization": f"Bearer {address.token}"},
            trust_env=False,
            timeout=10,
        )
        books = answer.raise_for_status().json()
    except httpx.HTTPError:
        return None
    return _sum_of(books)


def _sum_of(books: dict[str, Any]) -> str:
    """The sum of all balances; where a law of the books is broken otherwise, what is broken."""
    total = sum((Decimal(asset["total"]) for asset in books["assets"].values()), Decimal(0))
    return "; ".join(books["faults"]) if books["faults"] and not total else f"{total:f}" if total else "0"


@contextlib.contextmanager
def _asked_to_stop() -> Iterator[tuple[threading.Event, threading.Event]]:
    """Whether it is asked to stop, and whether both processes have begun: the second is set by who began them.

    SIGINT and SIGTERM ask. Another one is as usual while they begin; after that it changes nothing: what was begun is
    being ended, which takes a while but not for ever, and is reported.
    """
    stop, begun = threading.Event(), threading.Event()
    before: dict[int, Any] = {}

    def heard(_number: int, _frame: Any) -> None:
        if stop.is_set() and not begun.is_set():
            raise KeyboardInterrupt
        stop.set()

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[int(number)] = signal.signal(number, heard)
    except ValueError:  # not the main thread: nobody sends signals here
        pass
    try:
        yield stop, begun
    finally:
        for heard_number, handler in before.items():
            signal.signal(heard_number, handler)
