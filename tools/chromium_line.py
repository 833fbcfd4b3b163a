"""Chromium as a person has it, spoken to by its DevTools protocol: tabs of one window, of which one is in front.

Playwright is not in between here: it makes every tab believe that it is seen, and a measurement of ten tabs would be
one of ten windows.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import websockets

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
         "--disable-extensions", "--disable-breakpad", "--no-default-browser-check", "--no-proxy-server",
         "--password-store=basic", "--window-size=1440,900", "--remote-debugging-port=0"]  # fmt: skip
START_S, ANSWER_S, END_S = 60.0, 120.0, 10.0
Event = Callable[[dict[str, Any]], None]


@dataclass(slots=True, repr=False)
class Browser:
    """A running Chromium. Sessions are those of tabs; the empty one is the browser's own."""

    pid: int
    socket: Any
    events: dict[tuple[str, str], Event] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _waiting: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    async def ask(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """The answer to a command; raises RuntimeError with what Chromium says against it."""
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        words = {"id": number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        await self.socket.send(json.dumps(words))
        said = await asyncio.wait_for(answer, ANSWER_S)
        if "error" in said:
            raise RuntimeError(f"{method}: {said['error'].get('message')}")
        found: dict[str, Any] = said["result"]
        return found

    async def value(self, session: str, script: str) -> Any:
        """What an expression or a promise comes to in a tab."""
        said = await self.ask("Runtime.evaluate", session, expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in said:
            raise RuntimeError(str(said["exceptionDetails"])[:300])
        return said["result"].get("value")

    async def until(self, session: str, script: str, seconds: float) -> None:
        """Wait until it is true in the tab."""
        until_s = time.monotonic() + seconds
        while True:
            with contextlib.suppress(RuntimeError):  # between two documents there is nobody to ask
                if await self.value(session, f"!!({script})"):
                    return
            if time.monotonic() > until_s:
                raise RuntimeError(f"never came: {script}")
            await asyncio.sleep(0.1)

    async def tab(self) -> tuple[str, str]:
        """A new tab behind the others: its target and its session."""
        target = (await self.ask("Target.createTarget", url="about:blank", background=True))["targetId"]
        session = (await self.ask("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        return target, session

    async def listen(self) -> None:
        """Take what Chromium says until it is gone."""
        try:
            async for text in self.socket:
                said = json.loads(text)
                if "id" in said:
                    answer = self._waiting.pop(said["id"], None)
                    if answer is not None and not answer.done():
                        answer.set_result(said)
                elif hand := self.events.get((said.get("sessionId", ""), said["method"])):
                    hand(said["params"])
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(RuntimeError("Chromium is gone"))


def path_of() -> str:
    """The system's Chromium; raises FileNotFoundError with what to do."""
    path = os.environ.get("BEARSKIN_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise FileNotFoundError("no Chromium on this machine: apt-get install chromium")
    return path


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Browser]:
    """Begin one that keeps everything in `folder`; all its processes end with the context."""
    process = subprocess.Popen(
        [path_of(), *FLAGS, f"--user-data-dir={folder}", "about:blank"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    listening: asyncio.Future[None] | None = None
    try:
        port, where = await _address(folder / "DevToolsActivePort", process)
        async with websockets.connect(f"ws://127.0.0.1:{port}{where}", proxy=None, max_size=None) as socket:
            browser = Browser(process.pid, socket)
            listening = asyncio.ensure_future(browser.listen())
            yield browser
    finally:
        _ended(process)
        if listening is not None:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def _address(told: Path, process: subprocess.Popen[bytes]) -> tuple[str, str]:
    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s and process.poll() is None:
        lines = told.read_text("utf-8").split() if told.exists() else []
        if len(lines) == 2:
            return lines[0], lines[1]
        await asyncio.sleep(0.05)
    raise RuntimeError("Chromium has not come")


def family(pid: int) -> list[int]:
    """A process and all that it began."""
    found, at = [pid], 0
    while at < len(found):
        for task in Path(f"/proc/{found[at]}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(one) for one in task.read_text().split()]
        at += 1
    return found


def _ended(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, then see to it that nothing of it is left."""
    left = family(process.pid)
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_S)
    for pid in left[1:]:
        with contextlib.suppress(OSError):
            if b"chrom" in Path(f"/proc/{pid}/cmdline").read_bytes():  # not another that has got its number since
                os.kill(pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
        process.wait()
