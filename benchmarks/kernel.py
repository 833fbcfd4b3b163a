"""The kernel with every cost against a bare compiled loop that only checks stop and target, in one run.

Both walk the same 525,600 one-minute bars from first to last: a short with its stop 2 % above and its target 4 % below,
entered anew as soon as the last one is over. The kernel also does mark, funding, fees, slippage, liquidation, two
targets, an invalidation level, excursions and the ambiguous outcome.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal

import numpy as np
from numba import njit

from bearskin.margin import Tiers
from bearskin.market import Funding, Panel
from bearskin.paths import Lane, Ticket, compiled_walk, lay
from bearskin.terms import HOUR_NS, MINUTE_NS, Instrument, Product, Side

BARS = 525_600
ROUNDS = 60
RATIO_MAX = 2.5

walk = compiled_walk()


@njit
def bare(lane: Lane[float]) -> tuple[int, int]:
    """Stop and target, nothing else."""
    opens, high, low, close = lane.open, lane.high, lane.low, lane.close
    won, trades, i, n = 0, 0, 0, len(close)
    while i < n:
        entry = opens[i]
        stop, target = entry * 102 // 100, entry * 96 // 100
        out = close[n - 1]
        while i < n:
            if high[i] >= stop:
                out = stop
                break
            if low[i] <= target:
                out = target
                break
            i += 1
        won += entry - out
        trades += 1
        i += 1
    return won, trades


@njit
def full(lane: Lane[float], tiers: Tiers[float]) -> tuple[float, int]:
    """The kernel, with half of the position leaving at 2 %."""
    won, trades, i, n = 0.0, 0, 0, len(lane.close)
    while i < n:
        entry = lane.open[i]
        ticket = Ticket(
            100, 50, i, n, 0, 0, entry * 102 // 100, 1, entry * 98 // 100, entry * 96 // 100, entry * 103 // 100,
            0, 0, 1, 5.0, 0.0005, 0.0002, 0.0002, 0.0125,
        )  # fmt: skip
        outcome = walk(lane, tiers, ticket)
        won += outcome.net
        trades += 1
        i = outcome.bar + 1
    return won, trades


def a_year(seed: int = 1) -> Panel:
    """A made-up year of minutes with a mark that differs from last and funding every eight hours."""
    rng = np.random.default_rng(seed)
    close = 60_000 * np.exp(np.cumsum(rng.normal(0, 0.0005, BARS)))
    open_ = np.concatenate([[60_000.0], close[:-1]])
    high = np.maximum(open_, close) * (1 + np.abs(rng.normal(0, 2e-4, BARS)))
    low = np.minimum(open_, close) * (1 - np.abs(rng.normal(0, 2e-4, BARS)))
    open_, high, low, close = (np.round(column, 1) for column in (open_, high, low, close))
    times = np.arange(BARS, dtype=np.int64) * MINUTE_NS
    settled = times[:: 8 * 60]
    instrument = Instrument(
        venue="synthetic", symbol="BTCUSDT", product=Product.LINEAR, base="BTC", quote="USDT", settle="USDT",
        tick=Decimal("0.1"), step=Decimal("0.001"), min_qty=Decimal("0.001"), min_notional=Decimal(5),
    )  # fmt: skip
    return Panel(
        instrument=instrument, interval_ns=MINUTE_NS, time_ns=times, open=open_, high=high, low=low, close=close,
        volume=np.ones(BARS), mark_open=open_ * 1.00003, mark_high=high * 1.00002, mark_low=low * 1.00002,
        mark_close=close * 1.00003,
        funding=Funding(
            time_ns=settled, rate=rng.normal(1e-4, 1e-4, len(settled)), interval_ns=np.full(len(settled), 8 * HOUR_NS)
        ),
    )  # fmt: skip


def best_of(call: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Seconds of the fastest of several calls."""
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return min(found)


def measure() -> dict[str, float]:
    """Milliseconds of both loops, their ratio, and milliseconds of laying the panel out (once, for many walks)."""
    panel = a_year()
    lane = lay(panel).lanes[Side.SHORT]
    tiers: Tiers[float] = Tiers(
        np.array([0.0, 3e5, 8e5]), np.array([0.004, 0.005, 0.0065]), np.array([0.0, 300.0, 1500.0]),
        np.array([3e5, 8e5, 3e6]),
    )  # fmt: skip
    assert bare(lane)[1] > 50
    assert full(lane, tiers)[1] > 50
    bare_s, full_s = best_of(lambda: bare(lane)), best_of(lambda: full(lane, tiers))
    lay_s = best_of(lambda: lay(panel), 3)
    return {"bare_ms": 1e3 * bare_s, "kernel_ms": 1e3 * full_s, "ratio": full_s / bare_s, "lay_ms": 1e3 * lay_s}


def main() -> int:
    """Print the figures; 1 when the ratio is beyond its limit."""
    found = measure()
    print(
        f"kernel with all costs {found['kernel_ms']:.2f} ms, bare loop {found['bare_ms']:.2f} ms over {BARS:,} bars:"
        f" ratio {found['ratio']:.2f} (at most {RATIO_MAX}); laying out both sides {found['lay_ms']:.0f} ms"
    )
    return 0 if found["ratio"] <= RATIO_MAX else 1


if __name__ == "__main__":
    raise SystemExit(main())
