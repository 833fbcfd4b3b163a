"""What the dashboard costs with many tabs open: CPU, memory, bytes and the lag of updates.

`python tools/dashboard_load.py --minutes 10 --tabs 10`. It serves a desk of its own with a made-up market that changes
ten times a second, opens tabs of it as a browser would (pages over HTTP, then the socket), and prints the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import websockets

from bearskin.app._children import Child

START_S, SETTLE_S = 120.0, 10.0
SPEED = "60"  # market seconds in a second: what changes ten times a second
SYMBOL = "BTCUSDT"
CLIENT = re.compile(r"'client_id': '([0-9a-f-]+)'|\"client_id\": \"([0-9a-f-]+)\"")


@dataclass(slots=True)
class Tab:
    """One page that is open, and what came over its line."""

    path: str
    bytes: int = 0
    messages: int = 0
    ended: str = ""


Trade = tuple[int, float, float]  # ms, price, quantity


@dataclass(slots=True)
class Lags:
    """How much later a trade came through the dashboard's stream than from the exchange itself."""

    straight_s: dict[Trade, float] = field(default_factory=dict)  # when it came
    through_s: dict[Trade, float] = field(default_factory=dict)

    def seconds(self) -> list[float]:
        """Of the trades that came both ways, in the order of their coming."""
        both = [(late, late - self.straight_s[at]) for at, late in self.through_s.items() if at in self.straight_s]
        return [lag for _, lag in sorted(both)]


async def opened(url: str, token: str, tab: Tab, until_s: float) -> None:
    """Open a page and hear it until the time comes, answering what a browser would answer."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        page = await http.get(f"{url}{tab.path}", headers={"Authorization": f"Bearer {token}"})
        found = CLIENT.search(page.text)
        if found is None:
            tab.ended = f"the page has no client id ({page.status_code})"
            return
        tab.bytes += len(page.content)
    client = found[1] or found[2]
    tab_id = os.urandom(8).hex()
    query = f"client_id={client}&next_message_id=0&implicit_handshake=true&document_id={tab_id}&tab_id={tab_id}"
    line = f"{url.replace('http', 'ws')}/_nicegui_ws/socket.io/?{query}&EIO=4&transport=websocket"
    headers = {"Authorization": f"Bearer {token}", "Origin": url}
    try:
        async with websockets.connect(line, additional_headers=headers, proxy=None, max_size=None) as socket:
            await _heard(socket, client, tab, until_s)
    except (websockets.WebSocketException, OSError) as error:
        tab.ended = f"{type(error).__name__}: {error}"


async def _heard(socket: Any, client: str, tab: Tab, until_s: float) -> None:
    last, acked = -1, time.monotonic()
    while (left_s := until_s - time.monotonic()) > 0:
        try:
            said = await asyncio.wait_for(socket.recv(), left_s)
        except TimeoutError:
            return
        text = said if isinstance(said, str) else said.decode("latin-1")
        tab.bytes += len(text)
        if text.startswith("0"):
            await socket.send("40")
        elif text == "2":
            await socket.send("3")
        elif text.startswith("42"):
            tab.messages += 1
            found = re.search(r'"_id":(\d+)', text[-40:]) or re.search(r'"_id":(\d+)', text)
            last = int(found[1]) if found else last
            if time.monotonic() - acked > 3:
                acked = time.monotonic()
                await socket.send("42" + json.dumps(["ack", {"client_id": client, "next_message_id": last + 1}]))


async def through(url: str, token: str, lags: Lags, until_s: float) -> None:
    """Hear the trades by the API's stream."""
    headers = {"Authorization": f"Bearer {token}"}
    line = f"{url.replace('http', 'ws')}/api/v1/stream"
    async with websockets.connect(line, additional_headers=headers, proxy=None, max_size=None) as socket:
        await socket.send(json.dumps({"subscribe": [{"topic": "tape", "symbol": SYMBOL}], "every_s": 0.1}))
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                said = json.loads(await asyncio.wait_for(socket.recv(), left_s))
            except TimeoutError:
                return
            now_s = time.monotonic()
            for one in said.get("data") or ():
                lags.through_s.setdefault((one["time_ms"], float(one["price"]), float(one["qty"])), now_s)


async def straight(market: dict[str, Any], lags: Lags, until_s: float) -> None:
    """Hear them from the exchange."""
    line = f"{market['ws_url']}/ws/{SYMBOL.lower()}@trade"
    async with websockets.connect(line, proxy=None, max_size=None) as socket:
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                said = json.loads(await asyncio.wait_for(socket.recv(), left_s))
            except TimeoutError:
                return
            if "T" in said:
                lags.straight_s.setdefault((said["T"], float(said["p"]), float(said["q"])), time.monotonic())


@asynccontextmanager
async def desk(home: Path) -> AsyncIterator[tuple[dict[str, Any], dict[str, Any], int]]:
    """Exchange, bot and dashboard, each a process: what exchange and dashboard say, and the dashboard's process."""
    folder = home / "exchange"
    common = ["--json", "--quiet", "--home", str(home)]
    market = Child(
        "exchange", ["exchange", "--port", "0", "--folder", str(folder), "--speed", SPEED, *common], home / "x"
    )
    children = [market]
    try:
        venue = await asyncio.to_thread(market.first_object, START_S)
        words = ["trade", "--venue", "demo", "--interval", "1m", "--folder", str(folder), *common]
        children.append(Child("bot", words, home / "bot.out"))
        pages = Child(
            "dashboard", ["dashboard", "--no-browser", "--port", "0", "--folder", str(folder), *common], home / "d"
        )
        children.append(pages)
        told = await asyncio.to_thread(pages.first_object, START_S)
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {told['token']}"}, trust_env=False) as http:
            until_s = time.monotonic() + START_S
            while not (await http.get(f"{told['url']}/api/v1/bot")).json()["up"]:
                if time.monotonic() > until_s:
                    raise SystemExit("the bot has not come")
                await asyncio.sleep(0.2)
        yield venue, told, pages.pid
    finally:
        for child in reversed(children):
            await asyncio.to_thread(child.stop)


def cpu_s(pid: int) -> float:
    """Seconds of a processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """What it holds in memory, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


async def measured(options: argparse.Namespace, home: Path) -> int:
    """Run it and print the figures; 1 where a tab lost its line."""
    from bearskin.app.web._pages import PAGES

    paths = options.pages.split(",") if options.pages else [page.path for page in PAGES]
    async with desk(home) as (venue, told, pid):
        url, token = told["url"], told["token"]
        alone_mb, load = memory_mb(pid), os.getloadavg()[0]
        until_s = time.monotonic() + 60 * options.minutes
        tabs = [Tab(paths[number % len(paths)]) for number in range(options.tabs)]
        tasks = [asyncio.ensure_future(opened(url, token, tab, until_s)) for tab in tabs]
        lags = Lags()
        tasks.append(asyncio.ensure_future(through(url, token, lags, until_s)))
        tasks.append(asyncio.ensure_future(straight(venue, lags, until_s)))
        await asyncio.sleep(SETTLE_S)  # pages are built
        began, used, seen, asked = time.monotonic(), cpu_s(pid), [], [await weight(url, token)]
        while time.monotonic() < until_s:
            await asyncio.sleep(min(5.0, max(0.1, until_s - time.monotonic())))
            seen.append(memory_mb(pid))
            asked.append(await weight(url, token))
        share = 100 * (cpu_s(pid) - used) / (time.monotonic() - began)
        await asyncio.gather(*tasks, return_exceptions=True)
    print(f"{os.cpu_count()} cores, load {load:.1f} before and {os.getloadavg()[0]:.1f} at the end")
    _told(options, tabs, share, (alone_mb, *seen), asked)
    _told_lags(lags.seconds())
    return 1 if any(tab.ended for tab in tabs) else 0


async def weight(url: str, token: str) -> float:
    """What the pages asked of the venue in the last minute."""
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=60) as http:
        return float((await http.get(f"{url}/api/v1/market/asking")).json()["weight"])


def _told(
    options: argparse.Namespace, tabs: list[Tab], share: float, memory: tuple[float, ...], asked: list[float]
) -> None:
    seconds = 60 * options.minutes
    print(f"{options.tabs} tabs for {options.minutes:g} minutes, dashboard: {share:.1f} % of one core")
    quarters = [memory[max(1, len(memory) * part // 4 - 1)] for part in (1, 2, 3, 4)]
    print(f"memory: {memory[0]:.0f} MB before; with the tabs, by quarters: "
          f"{', '.join(f'{one:.0f}' for one in quarters)} MB")  # fmt: skip
    print(f"asked of the venue: {asked[0]:.0f} weight to open, then at most {max(asked):.0f}, "
          f"{asked[-1]:.0f} in the last minute")  # fmt: skip
    for tab in tabs:
        rate = f"{tab.bytes / seconds / 1024:.1f} kB/s, {tab.messages / seconds:.1f} messages a second"
        print(f"tab {tab.path:<12} {tab.bytes:>12,} bytes ({rate}) {tab.ended}")


def _told_lags(late: list[float]) -> None:
    """All, and the first and last third: a lag that grows is a leak."""
    third = len(late) // 3
    for name, part in (("all", late), ("first third", late[:third]), ("last third", late[-third:])):
        if len(part) > 20:
            cuts = statistics.quantiles(part, n=100)
            print(f"update lag, {name}: p50 {1e3 * cuts[49]:.1f} ms, p99 {1e3 * cuts[98]:.1f} ms of {len(part):,}")


def main() -> int:
    """Measure."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--minutes", type=float, default=10.0)
    given.add_argument("--tabs", type=int, default=10)
    given.add_argument("--pages", default="", help="paths the tabs are spread over, such as /,/bot; default: all")
    options = given.parse_args()
    with tempfile.TemporaryDirectory(prefix="bearskin-load-") as home:
        return asyncio.run(measured(options, Path(home)))


if __name__ == "__main__":
    sys.exit(main())
