"""What the dashboard costs with many tabs open: CPU, memory, bytes and the lag of updates, in a real browser.

    python tools/dashboard_load.py --minutes 10 --tabs 10 --json load.json
    python tools/dashboard_load.py --sockets

It serves a desk of its own (exchange, bot, dashboard), has the price of every symbol that is looked at changed a dozen
times a second, opens the tabs in one window of Chromium (five markets, then the other pages; the first is in front, as
with a person) and prints the figures. Nothing is asked of the network. With `--all-shown` every tab draws as if it had
a window of its own. With `--sockets` there is no browser: the same pages over lines that only listen. Ends with 1 where
a figure is not what it claims: a console error, a tab that lost its line, a market slower than ten changes a second.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import json
import math
import os
import random
import re
import signal
import sys
import tempfile
import time
import uuid
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import websockets
from chromium_line import Browser, chromium, family
from dashboard_load_told import faults_of, in_ms, printed, slope, summary
from process_meter import Meter, rss_mb

from bearskin.app._children import Child

START_S, OPENED_S, SETTLE_S = 120.0, 90.0, 20.0
UPDATES_WANTED = 10.0  # a second, of every symbol that is looked at
STEP = 0.00008  # of the price: how far one push moves it, about
WINDOW_S = 10.0
FRAMES_S, FRAMES_EVERY_S = 3.0, 60.0  # frames are counted now and then: counting them has the page draw each one
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT")
OTHERS = ("/positions", "/bot", "/ticket?symbol=BTCUSDT&side=short", "/scan", "/alerts", "/backtests", "/learn",
          "/settings")  # fmt: skip
HELD = "BTCUSDT"  # a short in it, so that the page of positions has something to tell
CLIENT = re.compile(r"'client_id': '([0-9a-f-]+)'|\"client_id\": \"([0-9a-f-]+)\"")
CALLED = re.compile(r"bearskin\w*\.\w+|bearskin\w+(?=\()")
# In the page: long tasks, and when a trade has been painted (the frame after the tape took it)
HOOK = """(() => {
  const kept = window.bearskinLoad = { tasks: 0, tasks_ms: 0, worst_ms: 0, painted: [], last: [0, 0] };
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) {
      kept.tasks += 1; kept.tasks_ms += one.duration; kept.worst_ms = Math.max(kept.worst_ms, one.duration);
    }
  }).observe({ type: "longtask", buffered: true });
  let side;
  Object.defineProperty(window, "bearskinSide", { configurable: true, get: () => side, set: (given) => {
    const tape = given.tape;
    given.tape = (id, trades, ...more) => {
      tape(id, trades, ...more);
      const newest = trades[trades.length - 1];
      requestAnimationFrame(() => setTimeout(() =>
        kept.painted.push([newest.time_ms, newest.price, newest.qty, performance.timeOrigin + performance.now()])));
    };
    side = given;
  } });
})()"""
TAKEN = "({ ...bearskinLoad, painted: bearskinLoad.painted.splice(0), began_ms: performance.timeOrigin })"
FRAMES = """((ms) => new Promise((done) => {
  let frames = 0; const began = performance.now();
  const next = () => {
    const gone = performance.now() - began; frames += 1;
    if (gone < ms) requestAnimationFrame(next); else done(1000 * (frames - 1) / gone);
  };
  requestAnimationFrame(next);
}))(%d)"""
FILLED = "document.querySelector('main .panel') && (!%s || document.querySelector('.mk-tape li'))"
DRAWS = """(() => {
  const host = document.querySelector(".mk-chart");
  return host && bearskinMarket.measured(host.id);
})()"""

Trade = tuple[str, int, float, float]  # symbol, ms, price, quantity


@dataclass(slots=True, repr=False)
class Tab:
    """One page that is open, and what came over its line."""

    path: str
    bytes: int = 0
    messages: int = 0
    largest: int = 0
    ended: str = ""
    over: bool = False  # nothing more is counted
    kinds: Counter[str] = field(default_factory=Counter)
    kind_bytes: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    target: str = ""
    session: str = ""  # of the browser's line
    shown: bool = True
    seen: deque[Trade] = field(default_factory=lambda: deque(maxlen=200))
    heard: set[Trade] = field(default_factory=set)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def symbol(self) -> str:
        """Of a page of the market; empty of others."""
        found = re.fullmatch(r"/\?symbol=(\w+)", self.path)
        return found[1] if found else ""

    def count(self, text: str) -> None:
        """Take in one message of the line."""
        if self.over:
            return
        self.bytes += len(text.encode())
        if not text.startswith("42"):
            return
        self.messages += 1
        self.largest = max(self.largest, len(text))
        kind = text[4 : text.find('"', 4)]
        if kind == "run_javascript":
            found = CALLED.search(text, 0, 200)
            kind = found[0] if found else kind
        self.kinds[kind] += 1
        self.kind_bytes[kind] += len(text)

    def zero(self) -> None:
        """Begin to count."""
        self.bytes = self.messages = self.largest = 0
        self.ended = ""
        self.kinds.clear()
        self.kind_bytes.clear()
        self.heard.clear()


@dataclass(slots=True, repr=False)
class Lags:
    """When trades came from the exchange itself, and how much later pages had them, in seconds.

    `each` is of every trade; `newest` of the newest in each message alone, so without the wait for the next look of a
    panel that looks four times a second; `painted` of those too, to the frame that shows them.
    """

    straight_s: dict[Trade, tuple[float, float]] = field(default_factory=dict)  # monotonic, and of the wall
    each: list[float] = field(default_factory=list)
    newest: list[float] = field(default_factory=list)
    painted: list[float] = field(default_factory=list)
    late: list[tuple[Tab, list[Trade], float]] = field(default_factory=list)  # heard by a page, to be looked up

    def settle(self) -> None:
        """Look up what pages have heard; what the tool's own line has not brought yet stays out."""
        for tab, trades, at_s in self.late:
            known = [at_s - self.straight_s[one][0] for one in trades if one in self.straight_s]
            tab.heard.update(one for one in trades if one in self.straight_s)
            self.each += known
            if known and trades[-1] in self.straight_s:
                self.newest.append(known[-1])
        self.late.clear()


@dataclass(slots=True, repr=False)
class Desk:
    """What runs: what exchange and dashboard say, and the processes by name."""

    venue: dict[str, Any]
    url: str
    token: str
    pids: dict[str, int]

    @property
    def headers(self) -> dict[str, str]:
        """What lets its owner in."""
        return {"Authorization": f"Bearer {self.token}"}


@asynccontextmanager
async def desk(home: Path, speed: str) -> AsyncIterator[Desk]:
    """Exchange, bot and dashboard, each a process."""
    folder = home / "exchange"
    common = ["--json", "--quiet", "--home", str(home)]
    market = Child(
        "exchange", ["exchange", "--port", "0", "--folder", str(folder), "--speed", speed, *common], home / "x"
    )
    children = [market]
    try:
        venue = await asyncio.to_thread(market.first_object, START_S)
        words = ["trade", "--venue", "demo", "--interval", "1m", "--folder", str(folder), *common]
        children.append(Child("bot", words, home / "bot.out"))
        words = ["dashboard", "--no-browser", "--port", "0", "--folder", str(folder), *common]
        children.append(Child("dashboard", words, home / "d"))
        told = await asyncio.to_thread(children[-1].first_object, START_S)
        made = Desk(venue, told["url"], told["token"], {child.name: child.pid for child in children})
        async with httpx.AsyncClient(headers=made.headers, trust_env=False, timeout=60) as http:
            until_s = time.monotonic() + START_S
            while not (await http.get(f"{made.url}/api/v1/bot")).json()["up"]:
                if time.monotonic() > until_s:
                    raise SystemExit("the bot has not come")
                await asyncio.sleep(0.2)
        yield made
    finally:
        for child in reversed(children):
            with contextlib.suppress(Exception):
                child.stop()


# --- the market ------------------------------------------------------------------------------------------------------


async def pushed(made: Desk, symbol: str, per_s: float, count: Counter[str]) -> None:
    """Walk the price of a symbol: each push moves mark and book and makes a trade, as control does it."""
    venue, dice = made.venue, random.Random(symbol)
    headers = {"Authorization": f"Bearer {venue['token']}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:
        price = float((await http.get(f"{venue['url']}/fapi/v1/premiumIndex?symbol={symbol}")).json()["markPrice"])
        next_s = time.monotonic()
        while True:
            price *= math.exp(STEP * dice.gauss(0, 1))
            answer = await http.post(f"{venue['control_url']}/symbols/{symbol}/index", json={"price": f"{price:.8g}"})
            answer.raise_for_status()
            count[symbol] += 1
            next_s = max(next_s + 1 / per_s, time.monotonic() - 1)  # what is more than a second late is given up
            await asyncio.sleep(max(0.0, next_s - time.monotonic()))


async def straight(made: Desk, symbols: Sequence[str], lags: Lags) -> None:
    """Hear every trade from the exchange."""
    streams = "/".join(f"{symbol.lower()}@trade" for symbol in symbols)
    async with websockets.connect(f"{made.venue['ws_url']}/stream?streams={streams}", proxy=None) as socket:
        async for text in socket:
            said = json.loads(text).get("data", {})
            if "T" in said:
                trade = (said["s"], said["T"], float(said["p"]), float(said["q"]))
                lags.straight_s.setdefault(trade, (time.monotonic(), _wall_s()))


async def held_short(made: Desk) -> str:
    """Open a short by the ticket; what was said against it."""
    async with httpx.AsyncClient(headers=made.headers, trust_env=False, timeout=60) as http:
        rows = (await http.get(f"{made.url}/api/v1/market/candles?symbol={HELD}&interval=1m&limit=1")).json()
        stop = f"{float(rows['candles'][-1][4]) * 1.05:.1f}"
        draft = {"symbol": HELD, "side": "short", "stop": stop, "preset": "beginner", "act_id": uuid.uuid4().hex}
        answer = await http.post(f"{made.url}/api/v1/ticket/send", json=draft)
        return "" if answer.is_success else answer.text[:200]


async def weight(made: Desk) -> float:
    """What the pages asked of the venue in the last minute."""
    async with httpx.AsyncClient(headers=made.headers, trust_env=False, timeout=60) as http:
        return float((await http.get(f"{made.url}/api/v1/market/asking")).json()["weight"])


def _wall_s() -> float:
    return time.clock_gettime(time.CLOCK_REALTIME)


# --- tabs of a browser -----------------------------------------------------------------------------------------------


async def opened(browser: Browser, url: str, tab: Tab, lags: Lags, *, shown: bool) -> None:
    """Open a page with its line listened to; `shown`: as if it were in front wherever it is."""
    tab.target, tab.session = await browser.tab()

    def frame(event: dict[str, Any]) -> None:
        text = event["response"]["payloadData"]
        tab.count(text)
        if tab.symbol and "bearskinSide.tape(" in text[:200]:
            _tape(tab, text, event["timestamp"], lags)

    def said(event: dict[str, Any]) -> None:
        if event["type"] in ("error", "assert"):
            tab.errors.append(" ".join(str(one.get("value", one.get("description", ""))) for one in event["args"]))

    def logged(event: dict[str, Any]) -> None:
        if event["entry"]["level"] == "error":
            tab.errors.append(f"{event['entry']['text']} {event['entry'].get('url', '').partition('?')[0]}")

    def ended(words: str) -> Callable[[dict[str, Any]], None]:
        def end(_: dict[str, Any]) -> None:
            tab.ended = tab.ended or words

        return end

    for event, hand in (
        ("Network.webSocketFrameReceived", frame),
        ("Network.webSocketClosed", ended("the line was lost")),
        ("Runtime.consoleAPICalled", said),
        ("Runtime.exceptionThrown", lambda event: tab.errors.append(str(event["exceptionDetails"])[:400])),
        ("Log.entryAdded", logged),
        ("Inspector.targetCrashed", ended("the page crashed")),
    ):
        browser.events[tab.session, event] = hand
    for domain in ("Page", "Network", "Runtime", "Log", "Performance", "Inspector"):
        await browser.ask(f"{domain}.enable", tab.session)
    if shown:
        await browser.ask("Emulation.setFocusEmulationEnabled", tab.session, enabled=True)
    await browser.ask("Page.addScriptToEvaluateOnNewDocument", tab.session, source=HOOK)
    await browser.ask("Page.navigate", tab.session, url=url + tab.path)
    await browser.until(tab.session, FILLED % json.dumps(bool(tab.symbol)), OPENED_S)


async def window(browser: Browser, made: Desk, run: Run, *, all_shown: bool) -> None:
    """Open every tab, and bring the first to the front."""
    for word in (f"/?token={made.token}", "/learn"):
        _, session = await browser.tab()  # it lets the others in
        await browser.ask("Page.navigate", session, url=made.url + word)
        await browser.until(session, "document.querySelector('header.bar')", OPENED_S)
        await browser.ask("Page.navigate", session, url="about:blank")
    for tab in run.tabs:
        await opened(browser, made.url, tab, run.lags, shown=all_shown)
        print(f"open: {tab.path}", file=sys.stderr)
    await browser.ask("Target.activateTarget", targetId=run.tabs[0].target)
    for tab in run.tabs:
        tab.shown = await browser.value(tab.session, "document.visibilityState") == "visible"


def _tape(tab: Tab, text: str, at_s: float, lags: Lags) -> None:
    """Trades that a message tells for the first time. Chromium's clock is the machine's monotonic one, as ours."""
    code = json.loads(text[2:])[1]["code"]
    rows, _ = json.JSONDecoder().raw_decode(code, code.index("[{"))
    trades = [(tab.symbol, row["time_ms"], float(row["price"]), float(row["qty"])) for row in rows]
    fresh = [one for one in trades if one not in tab.seen]
    if fresh:
        tab.seen.extend(fresh)
        lags.late.append((tab, fresh, at_s))


async def facts_of(browser: Browser, tab: Tab) -> dict[str, float]:
    """What the page holds after its rubbish was collected, and what it has drawn so far."""
    await browser.ask("HeapProfiler.collectGarbage", tab.session)
    metrics = (await browser.ask("Performance.getMetrics", tab.session))["metrics"]
    told = {one["name"]: one["value"] for one in metrics}
    taken = await browser.value(tab.session, TAKEN)
    drawn = (await browser.value(tab.session, DRAWS)) or {} if tab.symbol else {}
    return {
        "heap_mb": told["JSHeapUsedSize"] / 1e6,
        "nodes": told["Nodes"],
        "listeners": told["JSEventListeners"],
        "began_ms": taken["began_ms"],
        "script_s": told["ScriptDuration"],
        "layout_s": told["LayoutDuration"] + told["RecalcStyleDuration"],
        "tasks": taken["tasks"],
        "tasks_ms": taken["tasks_ms"],
        "draws": drawn.get("draws", 0),
        "draws_ms": drawn.get("spent_ms", 0.0),
        "candles": drawn.get("candles", 0),
    }


async def painted(browser: Browser, tab: Tab, lags: Lags) -> None:
    """Take what the page has noted about its frames. Both clocks are of the wall here."""
    taken = await browser.value(tab.session, TAKEN)
    for time_ms, price, qty, at_ms in taken["painted"]:
        known = lags.straight_s.get((tab.symbol, time_ms, float(price), float(qty)))
        if known is not None:
            lags.painted.append(at_ms / 1e3 - known[1])


# --- tabs without a browser ------------------------------------------------------------------------------------------


async def line(made: Desk, tab: Tab, lags: Lags) -> None:
    """Open a page over HTTP and hear its line, answering what a browser would answer, until it is cancelled."""
    url = made.url
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        page = await http.get(f"{url}{tab.path}", headers=made.headers)
        found = CLIENT.search(page.text)
        if found is None:
            tab.ended = f"the page has no client id ({page.status_code})"
            return
    client, tab_id = found[1] or found[2], os.urandom(8).hex()
    query = f"client_id={client}&next_message_id=0&implicit_handshake=true&document_id={tab_id}&tab_id={tab_id}"
    where = f"{url.replace('http', 'ws')}/_nicegui_ws/socket.io/?{query}&EIO=4&transport=websocket"
    headers = {**made.headers, "Origin": url}
    try:
        async with websockets.connect(where, additional_headers=headers, proxy=None, max_size=None) as socket:
            await _listened(socket, client, tab, lags)
    except (websockets.WebSocketException, OSError) as error:
        tab.ended = f"{type(error).__name__}: {error}"


async def _listened(socket: Any, client: str, tab: Tab, lags: Lags) -> None:
    acked = time.monotonic()
    async for said in socket:
        text = said if isinstance(said, str) else said.decode("latin-1")
        tab.count(text)
        if text.startswith("0"):
            await socket.send("40")
        elif text == "2":
            await socket.send("3")
        elif text.startswith("42"):
            if tab.symbol and "bearskinSide.tape(" in text[:200]:
                _tape(tab, text, time.monotonic(), lags)
            if time.monotonic() - acked > 3:
                acked = time.monotonic()
                found = re.search(r'"_id":(\d+)', text[-40:]) or re.search(r'"_id":(\d+)', text)
                last = int(found[1]) if found else -1
                await socket.send("42" + json.dumps(["ack", {"client_id": client, "next_message_id": last + 1}]))
    tab.ended = tab.ended or "the line was lost"


# --- the run ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True, repr=False)
class Run:
    """What was measured."""

    minutes: float
    tabs: list[Tab]
    meter: Meter
    lags: Lags = field(default_factory=Lags)
    pushes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    before_mb: float = 0.0
    load: tuple[float, float] = (0.0, 0.0)
    weights: list[float] = field(default_factory=list)
    frames: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    trades: Counter[str] = field(default_factory=Counter)
    missed: int = 0


def paths_of(options: argparse.Namespace) -> list[str]:
    """The pages of the tabs: five markets and the other pages, then round again."""
    markets = [f"/?symbol={symbol}" for symbol in SYMBOLS]
    chosen: list[str] = options.pages.split(",") if options.pages else [*markets, *OTHERS[:5]]
    if options.tabs > len(chosen) and not options.pages:
        chosen += OTHERS[5:]
    return [chosen[number % len(chosen)] for number in range(options.tabs)]


async def measured(options: argparse.Namespace, home: Path) -> Run:
    """Open everything, let it settle, measure, and close it."""
    tabs = [Tab(path) for path in paths_of(options)]
    symbols = sorted({tab.symbol for tab in tabs if tab.symbol} or {SYMBOLS[0]})
    load = os.getloadavg()[0]
    async with contextlib.AsyncExitStack() as stack:
        made = await stack.enter_async_context(desk(home, options.speed))
        run = Run(options.minutes, tabs, Meter({**made.pids, "this tool": os.getpid()}, list), load=(load, 0.0))
        run.before_mb = rss_mb(made.pids["dashboard"])
        group = await stack.enter_async_context(_beside())
        group.append(asyncio.ensure_future(straight(made, symbols, run.lags)))
        refused = await held_short(made)
        if refused:
            run.notes.append(f"no short is held: {refused}")
        for symbol in symbols:
            group.append(asyncio.ensure_future(pushed(made, symbol, options.updates, run.pushes)))
        browser = None
        if options.sockets:
            group.extend(asyncio.ensure_future(line(made, tab, run.lags)) for tab in tabs)
        else:
            browser = await stack.enter_async_context(chromium(home / "chromium"))
            run.meter.browser = functools.partial(family, browser.pid)
            await window(browser, made, run, all_shown=options.all_shown)
        await _steady(made, run, group, browser)
    run.load = (run.load[0], os.getloadavg()[0])
    return run


@asynccontextmanager
async def _beside() -> AsyncIterator[list[asyncio.Future[None]]]:
    """Tasks that end with the context."""
    tasks: list[asyncio.Future[None]] = []
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _steady(made: Desk, run: Run, group: list[asyncio.Future[None]], browser: Browser | None) -> None:
    """Wait until the pages have what they ask for first, then measure for the minutes."""
    print("open: all; they settle", file=sys.stderr)
    await asyncio.sleep(min(SETTLE_S, 20 * run.minutes))
    if browser is not None:
        for tab in run.tabs:
            tab.facts["begin"] = await facts_of(browser, tab)
    for tab in run.tabs:
        if tab.ended:
            run.notes.append(f"{tab.path}: {tab.ended} while the tabs were opened")
        tab.zero()
    run.lags.late.clear()
    run.lags.straight_s.clear()
    run.pushes.clear()
    run.meter.begin()
    began_s, framed_s = time.monotonic(), time.monotonic() + FRAMES_EVERY_S / 2
    window_s = min(WINDOW_S, 10 * run.minutes)
    until_s = began_s + 60 * run.minutes
    print(f"measuring for {run.minutes:g} minutes", file=sys.stderr)
    run.weights.append(await weight(made))
    while (left_s := until_s - time.monotonic()) > 0:
        await asyncio.sleep(min(window_s, left_s))
        if left_s > window_s / 2:
            run.meter.look()
            run.weights.append(await weight(made))
        run.lags.settle()
        for task in group:
            if task.done() and (error := task.exception()) is not None:
                raise SystemExit(f"the market could not be moved or heard: {error!r}")
        if browser is not None:
            for tab in run.tabs:
                if tab.symbol and tab.shown:
                    await painted(browser, tab, run.lags)
            if time.monotonic() > framed_s:
                framed_s = time.monotonic() + FRAMES_EVERY_S
                run.frames.append(await browser.value(run.tabs[0].session, FRAMES % (1e3 * FRAMES_S)))
    run.seconds = time.monotonic() - began_s
    for tab in run.tabs:
        tab.over = True
    _counted(run)
    if browser is not None:
        for tab in run.tabs:
            tab.facts["end"] = await facts_of(browser, tab)
            if tab.facts["end"]["began_ms"] != tab.facts["begin"]["began_ms"]:
                tab.ended = tab.ended or "the page was loaded anew"


def _counted(run: Run) -> None:
    """How many trades there were, and how many of them no page of their symbol has shown."""
    run.lags.settle()
    old_s = time.monotonic() - 2.0  # the last ones may still be on their way
    trades = [one for one, (at_s, _) in run.lags.straight_s.items() if at_s < old_s]
    run.trades.update(one[0] for one in run.lags.straight_s)
    for tab in run.tabs:
        if tab.symbol and tab.shown:
            mine = [one for one in trades if one[0] == tab.symbol]
            missed = sum(one not in tab.heard for one in mine)
            tab.facts["trades_per_s"] = len(tab.heard) / run.seconds
            run.missed += missed


def told(run: Run) -> dict[str, Any]:
    """Every figure, by name; units are last in the names."""
    seconds, window_s = run.seconds, min(WINDOW_S, 10 * run.minutes)
    late = run.lags.newest
    third = len(late) // 3
    return {
        "minutes": run.minutes,
        "tabs": len(run.tabs),
        "cores": os.cpu_count(),
        "load_before": run.load[0],
        "load_after": run.load[1],
        "pushes_per_s": {name: count / seconds for name, count in sorted(run.pushes.items())},
        "trades_per_s": {name: count / seconds for name, count in sorted(run.trades.items())},
        "trades_not_shown": run.missed,
        "cpu_percent_of_a_core": {name: summary(values) for name, values in run.meter.shares.items()},
        "memory_mb": {
            name: {"first": values[0], "last": values[-1], "max": max(values),
                   "growth_per_min": slope(values, window_s)}
            for name, values in run.meter.memory.items()
        },
        "dashboard_without_tabs_mb": run.before_mb,
        "lag_ms": {
            "every trade": in_ms(run.lags.each),
            "newest of each message": in_ms(late),
            "newest, first third": in_ms(late[:third]),
            "newest, last third": in_ms(late[-third:] if third else []),
            "newest, painted": in_ms(run.lags.painted),
        },
        "frames_per_s": run.frames,
        "weight_per_min": {"first": run.weights[0], "max": max(run.weights), "last": run.weights[-1]},
        "pages": [_page(tab, seconds) for tab in run.tabs],
        "notes": run.notes,
    }  # fmt: skip


def _page(tab: Tab, seconds: float) -> dict[str, Any]:
    begin, end = tab.facts.get("begin", {}), tab.facts.get("end", {})
    drawn = {
        f"{name}_per_s": (end[name] - begin[name]) / seconds
        for name in ("draws", "draws_ms", "tasks", "tasks_ms", "script_s", "layout_s")
        if name in end
    }
    return {
        "path": tab.path,
        "shown": tab.shown,
        "bytes_per_s": tab.bytes / seconds,
        "messages_per_s": tab.messages / seconds,
        "largest_message_bytes": tab.largest,
        "kinds": {
            name: {"messages_per_s": count / seconds, "bytes_per_s": tab.kind_bytes[name] / seconds}
            for name, count in tab.kinds.most_common()
        },
        "trades_per_s": tab.facts.get("trades_per_s"),
        "heap_mb": [begin.get("heap_mb"), end.get("heap_mb")],
        "nodes": [begin.get("nodes"), end.get("nodes")],
        "listeners": [begin.get("listeners"), end.get("listeners")],
        "candles": [begin.get("candles"), end.get("candles")],
        **drawn,
        "errors": tab.errors,
        "ended": tab.ended,
    }


async def _until_told(options: argparse.Namespace, home: Path) -> Run:
    """Measure; SIGTERM ends it as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await measured(options, home)


def main() -> int:
    """Measure."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--minutes", type=float, default=10.0)
    given.add_argument("--tabs", type=int, default=10)
    given.add_argument("--pages", default="", help="paths the tabs are spread over, such as /,/bot; default: see above")
    given.add_argument("--updates", type=float, default=12.0, help="changes of each price a second (default 12)")
    given.add_argument("--speed", default="60", help="market seconds in a second (default 60)")
    given.add_argument("--all-shown", action="store_true", help="every tab draws, not only the one in front")
    given.add_argument("--sockets", action="store_true", help="lines that listen instead of a browser")
    given.add_argument("--json", type=Path, help="write the figures to this file too")
    options = given.parse_args()
    if not (options.minutes > 0 and options.tabs > 0 and 0 < options.updates <= 100):
        given.error("--minutes, --tabs and --updates have to be above 0, --updates at most 100")
    try:
        with tempfile.TemporaryDirectory(prefix="bearskin-load-", ignore_cleanup_errors=True) as home:
            run = asyncio.run(_until_told(options, Path(home)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("ended before its time: nothing was measured", file=sys.stderr)
        return 130
    figures = told(run)
    figures["faults"] = faults_of(figures, UPDATES_WANTED)
    printed(figures)
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    for fault in figures["faults"]:
        print(f"fault: {fault}", file=sys.stderr)
    return 1 if figures["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
