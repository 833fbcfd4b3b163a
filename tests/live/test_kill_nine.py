"""Real `kill -9`: the process is gone between two instructions; the next one finds everything or mends it."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from live.kit import Eye, bot_at
from live.proxy import FAULTS, Proxy
from live.test_killed import SYMBOLS, checked, mended

from bearskin.exchange.wire import Running

KILLS = 10
LIVES_S = 20.0


async def killed(running: Running, eye: Eye, tag: str, journal: Path, dice: random.Random) -> int:
    """One bot killed by SIGKILL, at a point of its own or at any moment, behind a proxy; then the next life."""
    at_point = dice.random() < 0.5
    nth = dice.randint(1, 60) if at_point else 0
    async with Proxy(running.url) as proxy:
        if dice.random() < 0.7:
            proxy.befall(dice.choice(FAULTS), skip=dice.randint(0, 3))
        victim = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("victim.py")), proxy.url, str(journal), tag, str(nth)],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )  # fmt: skip
        assert victim.stdin is not None
        victim.stdin.write(f"{running.key} {running.secret}\n")
        victim.stdin.flush()
        await asyncio.to_thread(wait_for, journal, victim)
        try:
            await asyncio.to_thread(victim.wait, LIVES_S if at_point else dice.uniform(0.5, 2.5))
        except subprocess.TimeoutExpired:
            os.kill(victim.pid, signal.SIGKILL)
        _, errors = await asyncio.to_thread(victim.communicate)
        assert victim.returncode == -signal.SIGKILL, errors
        proxy.left, proxy.stream = 0, ""
        await asyncio.sleep(0.1)
        async with bot_at(proxy.url, running, journal, tag=tag, symbols=SYMBOLS) as bot:
            await mended(bot, eye, tag)
    checked(eye, tag, journal)
    return nth


def wait_for(journal: Path, victim: subprocess.Popen[str]) -> None:
    """Until the bot has begun."""
    ends = time.monotonic() + 30
    while not journal.exists() and victim.poll() is None and time.monotonic() < ends:
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(KILLS))
def test_kill_nine(running: Running, eye: Eye, tag: str, tmp_path: Path, number: int) -> None:
    """Ten of them; `tools/soak_bot.py --kills` goes on for as long as one likes."""
    asyncio.run(killed(running, eye, tag, tmp_path / "j.sqlite", random.Random(f"kill {number}")))
