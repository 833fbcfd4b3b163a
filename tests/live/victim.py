"""Bots in processes of their own that are killed (SIGKILL) at the nth I/O point, or from outside at any moment.

`python victim.py` has everything imported once; for each line on its standard input it forks a bot, says its process
id, and says how it ended. The line is JSON: url, key, secret, journal, tag, and nth (0: it never dies by itself).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import ccxt.pro  # noqa: F401 - once for all of them
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


async def main(url: str, key: str, secret: str, journal: str, tag: str, nth: int) -> None:
    """Trade until killed."""
    running = SimpleNamespace(key=key, secret=secret, url=url)
    async with bot_at(url, running, Path(journal), tag=tag, at=Blade(nth), symbols=SYMBOLS) as bot:  # type: ignore[arg-type]
        for life in range(1, 1_000):
            await told(bot, life)


def serve() -> None:
    """Bring bots up until nobody asks for more."""
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            try:
                asyncio.run(main(**json.loads(line)))
            except BaseException:  # noqa: BLE001 - the fork must not go on as its parent
                traceback.print_exc()
            os._exit(1)
        print(pid, flush=True)  # noqa: T201 - the answer
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    serve()
