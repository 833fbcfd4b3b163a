"""How long a new position stands without a stop that the venue has confirmed: entries on the demo exchange, one run.

    python benchmarks/unprotected.py --entries 1000

The exchange is a process of its own; the clock runs from the moment the entry was decided (before it is in the journal
and on its way) until the exchange's word that the stop rests. Ends with 1 when the 99th percentile reaches 250 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HERE / "src"), str(HERE / "tests")]
P99_S_MAX = 0.25
PACE_S = 0.3  # the venue takes 1,200 orders a minute, and the bot sends no entry that would use up what stops need


async def times_of(exchange, journal: Path, entries: int) -> list[float]:
    """Seconds without a confirmed stop, entry by entry."""
    from live.kit import bot_at

    found: list[float] = []
    async with bot_at(exchange.url, exchange, journal, tag="unpr", timeout_ms=6_000) as bot:
        for number in range(entries):
            await bot.enter(f"open-{number}")
            await bot.protected()
            found.append(bot.trade.unprotected_s_max)
            await bot.close(f"close-{number}")
            await asyncio.sleep(PACE_S)
    return found


def measure(entries: int = 1_000) -> dict[str, float]:
    """Percentiles in seconds, and what it took."""
    from live.apart import exchange_apart

    begun = time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        exchange_apart(symbols=["BTCUSDT"], prices="synthetic", seed=5, crowd=False) as exchange,
    ):
        times = sorted(asyncio.run(times_of(exchange, Path(folder) / "journal.sqlite", entries)))
    return {
        "entries": len(times),
        "p50_s": times[len(times) // 2],
        "p99_s": times[min(len(times) - 1, len(times) * 99 // 100)],
        "max_s": times[-1],
        "took_s": time.perf_counter() - begun,
    }


def main() -> int:
    """Print the figures; 1 when beyond the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000)
    found = measure(parser.parse_args().entries)
    print(
        f"{found['entries']:.0f} entries in {found['took_s']:.0f} s; without a confirmed stop: "
        f"p50 {found['p50_s'] * 1e3:.1f} ms, p99 {found['p99_s'] * 1e3:.1f} ms, max {found['max_s'] * 1e3:.1f} ms "
        f"(limit of p99 {P99_S_MAX * 1e3:.0f} ms)"
    )
    return 1 if found["p99_s"] >= P99_S_MAX else 0


if __name__ == "__main__":
    sys.exit(main())
