"""Let a bot trade for hours on a fast demo exchange and look at its memory and its lag; or kill it again and again.

    python tools/soak_bot.py --minutes 30 --speed 60
    python tools/soak_bot.py --kills 500

Prints a line a minute; ends with 1 when memory or lag grew. With `--kills` every I/O point of the story is tried first
with every fault of the wire, then the bot's process is killed (SIGKILL) at random, each time followed by a second life
that has to find or mend everything.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "1000PEPEUSDT"]
GROWTH_MB_MAX = 40.0
LAG_S_MAX = 1.0
WARM_MINUTES = 3


def rss_mb() -> float:
    """What this process holds in memory."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


async def watched(bot: Any, minutes: float) -> list[tuple[float, float]]:
    """A trade every few seconds; memory and the worst lag of each minute."""
    found: list[tuple[float, float]] = []
    ends, number = time.monotonic() + minutes * 60, 0
    next_line = time.monotonic() + 60

    def mine() -> Any:
        return bot.engine.book.trade_in(SYMBOLS[0])

    while time.monotonic() < ends:
        if mine() is None:
            number += 1
            await bot.enter(f"open-{number}")
            await bot.until(lambda: (trade := mine()) is None or trade.protected)
            await asyncio.sleep(2)
            await bot.close(f"close-{number}", wait=False)
        await asyncio.sleep(0.5)
        bot.told.clear()
        if time.monotonic() >= next_line:
            next_line += 60
            state = bot.runner.state(fresh=True)
            found.append((rss_mb(), state.lag_max_s))
            print(
                f"minute {len(found)}: {found[-1][0]:.1f} MB, lag max {state.lag_max_s * 1e3:.0f} ms, "
                f"{state.events} events, {state.passed_over} passed over, {state.sequence} records, {number} trades, "
                f"waiting {state.waiting_in} in {state.waiting_out} out",
                flush=True,
            )
    return found


def soak(minutes: float, speed: float) -> int:
    """One bot for so long; 1 when memory or lag grew."""
    kit: Any = importlib.import_module("live.kit")
    apart: Any = importlib.import_module("live.apart")

    async def run(exchange: Any, journal: Path) -> list[tuple[float, float]]:
        async with kit.bot_at(
            exchange.url, exchange, journal, tag="soak", symbols=tuple(SYMBOLS), timeout_ms=6_000, setups=True
        ) as bot:
            return await watched(bot, minutes)

    with (
        tempfile.TemporaryDirectory() as folder,
        apart.exchange_apart(symbols=SYMBOLS, prices="synthetic", seed=3, speed=speed) as exchange,
    ):
        found = asyncio.run(run(exchange, Path(folder) / "journal.sqlite"))
    warm = found[WARM_MINUTES:] or found
    if len(warm) < 2:
        return 0
    growth = warm[-1][0] - warm[0][0]
    lag = max(lag for _, lag in warm)
    print(f"{len(found)} minutes: {growth:+.1f} MB since minute {WARM_MINUTES + 1}, worst lag {lag * 1e3:.0f} ms")
    return 1 if growth > GROWTH_MB_MAX or lag > LAG_S_MAX else 0


def kills(count: int, seed: int) -> int:
    """So many deaths; 1 at the first that is not mended."""
    kit: Any = importlib.import_module("live.kit")
    apart: Any = importlib.import_module("live.apart")
    points: Any = importlib.import_module("live.test_killed")
    nine: Any = importlib.import_module("live.test_kill_nine")
    faults = importlib.import_module("live.proxy").FAULTS
    cases = [(nth, fault) for nth in range(1, points.POINTS + 1) for fault in faults]
    random.Random(seed).shuffle(cases)
    with (
        tempfile.TemporaryDirectory() as folder,
        apart.exchange_apart(symbols=list(points.SYMBOLS), prices="manual", crowd=False) as exchange,
        nine.Nursery() as nursery,
    ):
        for symbol, price in zip(points.SYMBOLS, ("60000", "3000"), strict=True):
            kit.control(exchange, "POST", f"/symbols/{symbol}/index", {"price": price})
        eye = kit.Eye(exchange)
        for number in range(count):
            tag, journal = f"{number:04d}", Path(folder) / f"{number}.sqlite"
            dice = random.Random(f"{seed} {number}")
            if number % 2:
                nth = asyncio.run(nine.killed(nursery, exchange, eye, tag, journal, dice))
                print(f"{number}: kill -9 at {f'point {nth}' if nth else 'any moment'}: mended", flush=True)
            else:
                nth, fault = cases[number // 2 % len(cases)]
                asyncio.run(points.case(exchange, eye, tag, journal, nth, fault, dice.randint(0, 3)))
                print(f"{number}: dead at point {nth} with {fault}: mended", flush=True)
            journal.unlink()
    return 0


def main() -> int:
    """Soak or kill."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long the bot trades (default 30)")
    parser.add_argument("--speed", type=float, default=60.0, help="market seconds in a second (default 60)")
    parser.add_argument("--kills", type=int, default=0, help="deaths instead of minutes")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    # the bot, the proxy and the exchange are those of the tests
    sys.path[:0] = [str(HERE / "src"), str(HERE / "tests")]
    return kills(given.kills, given.seed) if given.kills else soak(given.minutes, given.speed)


if __name__ == "__main__":
    sys.exit(main())
