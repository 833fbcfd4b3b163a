"""Real `kill -9`: the process is gone between two instructions; the next one finds everything or mends it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from live.kit import Eye, bot_at
from live.proxy import FAULTS, Proxy
from live.test_killed import SYMBOLS, checked, mended

from bearskin.exchange.wire import Running

KILLS = 10
LIVES_S = 20.0


class Nursery:
    """Where victims come from: one process that has everything imported and forks them."""

    def __enter__(self) -> Nursery:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("victim.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        """Nobody asks any more."""
        self._process.kill()
        self._process.communicate()

    def born(self, running: Running, url: str, journal: Path, tag: str, nth: int) -> int:
        """A bot at work; its process id."""
        said = {"url": url, "key": running.key, "secret": running.secret, "journal": str(journal), "tag": tag}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({**said, "nth": nth}) + "\n")
        self._process.stdin.flush()
        return self._line()

    def died(self) -> int:
        """Wait for its end; the exit code."""
        return self._line()

    def _line(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


async def killed(nursery: Nursery, running: Running, eye: Eye, tag: str, journal: Path, dice: random.Random) -> int:
    """One bot killed by SIGKILL, at a point of its own or at any moment, behind a proxy; then the next life."""
    at_point = dice.random() < 0.5
    nth = dice.randint(1, 60) if at_point else 0
    async with Proxy(running.url) as proxy:
        if dice.random() < 0.7:
            proxy.befall(dice.choice(FAULTS), skip=dice.randint(0, 3))
        pid = await asyncio.to_thread(nursery.born, running, proxy.url, journal, tag, nth)
        death = asyncio.ensure_future(asyncio.to_thread(nursery.died))
        await asyncio.wait({death}, timeout=LIVES_S if at_point else dice.uniform(0.1, 1.5))
        if not death.done():
            os.kill(pid, signal.SIGKILL)
        assert await death == -signal.SIGKILL
        proxy.left, proxy.stream = 0, ""
        await asyncio.sleep(0.1)
        async with bot_at(proxy.url, running, journal, tag=tag, symbols=SYMBOLS) as bot:
            await mended(bot, eye, tag)
    checked(eye, tag, journal)
    return nth


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """One for all ten."""
    pytest.importorskip("ccxt", reason="ccxt is not installed")
    with Nursery() as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("number", range(KILLS))
def test_kill_nine(running: Running, eye: Eye, tag: str, tmp_path: Path, nursery: Nursery, number: int) -> None:
    """Ten of them; `tools/soak_bot.py --kills` goes on for as long as one likes."""
    asyncio.run(killed(nursery, running, eye, tag, tmp_path / "j.sqlite", random.Random(f"kill {number}")))
