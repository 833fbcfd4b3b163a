"""A bot in a process of its own that is killed (SIGKILL) at the nth I/O point, or from outside at any moment.

`python victim.py URL JOURNAL TAG NTH` with the key and the secret on standard input; NTH 0 is never by itself.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from live.kit import bot_at
from live.test_killed import SYMBOLS, told


class Blade:
    """Kills this process at the nth point."""

    def __init__(self, nth: int) -> None:
        self.nth, self.passed = nth, 0

    def __call__(self, point: str) -> None:
        """Pass a point, or die at it."""
        self.passed += 1
        if self.passed == self.nth:
            os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, journal: str, tag: str, nth: str) -> None:
    """Trade until killed."""
    key, secret = sys.stdin.readline().split()
    running = SimpleNamespace(key=key, secret=secret, url=url)
    async with bot_at(url, running, Path(journal), tag=tag, at=Blade(int(nth)), symbols=SYMBOLS) as bot:  # type: ignore[arg-type]
        for life in range(1, 1_000):
            await told(bot, life)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
