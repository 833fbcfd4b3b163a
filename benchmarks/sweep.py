"""A sweep of a thousand stops and targets with every cost, against the same trades walked bar by bar, in one run.

525,600 one-minute bars; a short whenever RSI(14) falls back through 70, on an account that compounds: mark, funding,
fees, slippage, liquidation, sizing by every cap and step, daily results.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import kernel
import numpy as np

from bearskin.backtest import BacktestRequest
from bearskin.backtest._sweep_core import Swept, sweep_symbol
from bearskin.backtest._symbols import Gathered, Offer, Symbol
from bearskin.margin import tiers_of
from bearskin.market import Panel
from bearskin.paths import Ticket, compiled_walk, lay
from bearskin.setups import SetupEvent
from bearskin.terms import Bracket, Brackets, Side

STOPS = np.linspace(0.005, 0.05, 40)
TARGETS = np.linspace(0.005, 0.1, 25)
SECONDS_MAX = 0.7  # of processors, all threads together: other work on the machine does not count
VECTORBT_S = 0.367  # one such combination with fees alone: vectorbt 1.2.0 took 36.7 s for 100 on two such cores
ROUNDS = 5


def signals(panel: Panel) -> list[SetupEvent]:
    """Where RSI(14) comes down through 70."""
    import talib

    rsi = talib.RSI(panel.close, 14)
    bars = np.flatnonzero((rsi[:-1] > 70) & (rsi[1:] <= 70)) + 1
    return [
        SetupEvent(
            setup="rsi", side=Side.SHORT, symbol="BTCUSDT", bar=bar, known_ns=panel.known_ns(bar), level=close,
            entry_ref=close, stop=round(close * 1.02, 1), targets=(round(close * 0.96, 1),), invalidation=0.0,
            horizon_bars=0, anchor_ns=0, atr=0.001,
        )
        for bar, close in zip(bars.tolist(), panel.close[bars].tolist(), strict=True)
        if bar + 1 < len(panel)
    ]  # fmt: skip


def gathered(panel: Panel) -> Gathered:
    """The panel and its signals as a backtest would gather them."""
    rows = (
        Bracket(floor=Decimal(0), cap=Decimal(300_000), mmr=Decimal("0.004"), max_leverage=125, cum=Decimal(0)),
        Bracket(floor=Decimal(300_000), cap=Decimal(10**9), mmr=Decimal("0.01"), max_leverage=50, cum=Decimal(1800)),
    )
    brackets = Brackets(venue="synthetic", symbol="BTCUSDT", snapshot="made up", rows=rows)
    symbol = Symbol(
        index=0, name="BTCUSDT", panel=panel, course=lay(panel), brackets=brackets, tiers=tiers_of(brackets, float),
        first_bar=0, funded=True,
    )  # fmt: skip
    offers = tuple(
        Offer(order_ns=event.known_ns, known_ns=event.known_ns, symbol=symbol, bar=event.bar + 1, event=event)
        for event in signals(panel)
    )
    return Gathered(symbols=(symbol,), offers=offers, left_out=(), interrupted=False)


def asked(stop: float, target: float) -> BacktestRequest:
    """One combination."""
    fractions = [Decimal(str(round(value, 6))) for value in (stop, target)]
    return BacktestRequest(guards=False, stop_frac=fractions[0], target_frac=fractions[1])


def plainly(found: Gathered) -> Callable[[], int]:
    """The trades of every combination by the plain kernel, of one size and on one core; how many there were."""
    from numba import njit

    walk = compiled_walk()
    symbol = found.symbols[0]
    bars = np.array([offer.bar for offer in found.offers])
    refs = np.array([offer.event.entry_ref for offer in found.offers if offer.event is not None]) * 10

    @njit  # type: ignore[untyped-decorator]
    def loop(lane: Any, tiers: Any, bars: Any, refs: Any, stops: Any, targets: Any) -> int:
        trades = 0
        for stop in stops:
            for target in targets:
                free = 0
                for k in range(len(bars)):
                    if bars[k] < free:
                        continue
                    up, down = int(refs[k] * (1 + stop)) + 1, int(refs[k] * (1 - target)) + 1
                    ticket = Ticket(
                        100, 100, bars[k], len(lane.close), 0, 0, up, 1, down, -(1 << 62), 1 << 62, 0, 0, 1, 5.0,
                        0.0005, 0.0002, 0.0002, 0.0125,
                    )  # fmt: skip
                    free = walk(lane, tiers, ticket).bar + 1
                    trades += 1
        return trades

    lane = symbol.course.lanes[Side.SHORT]
    return lambda: int(loop(lane, symbol.tiers, bars, refs, STOPS, TARGETS))


def fastest(call: Callable[[], Any], rounds: int = ROUNDS) -> tuple[float, float]:
    """Seconds on the clock, and of processors (of all threads together), each of the fastest of several calls."""
    clock, processors = [], []
    for _ in range(rounds):
        started, used = time.perf_counter(), time.process_time()
        call()
        clock.append(time.perf_counter() - started)
        processors.append(time.process_time() - used)
    return min(clock), min(processors)


def measure() -> dict[str, float]:
    """Seconds for all combinations, of the plain kernel too, and microseconds of one with many and with few trades."""
    panel = kernel.a_year()
    found = gathered(panel)
    symbol, offers = found.symbols[0], found.offers
    requests = [asked(stop, target) for stop in STOPS.tolist() for target in TARGETS.tolist()]
    started = time.perf_counter()
    swept: Swept = sweep_symbol(symbol, offers, requests[:1])
    first_s = time.perf_counter() - started
    swept = sweep_symbol(symbol, offers, requests)
    plain = plainly(found)
    assert abs(plain() - int(swept.trades.sum())) < 0.02 * int(swept.trades.sum())
    many, few = int(np.argmax(swept.trades)), int(np.argmin(swept.trades))
    one = {
        name: fastest(lambda row=row: sweep_symbol(symbol, offers, [requests[row]] * 64, threads=1))[1] / 64
        for name, row in (("many", many), ("few", few))
    }
    sweep_s, sweep_cpu_s = fastest(lambda: sweep_symbol(symbol, offers, requests))
    _, plain_cpu_s = fastest(plain, 3)
    n = len(requests)
    return {
        "combinations": n,
        "signals": len(offers),
        "trades": float(swept.trades.sum()),
        "first_s": first_s,
        "sweep_s": sweep_s,
        "sweep_cpu_s": sweep_cpu_s,
        "plain_cpu_s": plain_cpu_s,
        "ratio": plain_cpu_s / sweep_cpu_s,
        "bars_s": n * len(panel) / sweep_s,
        "vectorbt": n * VECTORBT_S / sweep_s,
        "many_us": one["many"] * 1e6,
        "many_trades": float(swept.trades[many]),
        "few_us": one["few"] * 1e6,
        "few_trades": float(swept.trades[few]),
    }


def main() -> int:
    """Print the figures; 1 when the sweep takes longer than it may."""
    found = measure()
    print(
        f"{found['combinations']:.0f} combinations of stop and target over {kernel.BARS:,} bars, all costs,"
        f" {found['trades']:,.0f} trades: {found['sweep_s']:.2f} s,"
        f" {found['bars_s'] / 1e9:.2f} billion bars times combinations a second\n"
        f"processor seconds: {found['sweep_cpu_s']:.2f} (at most {SECONDS_MAX}), of the plain kernel for the same"
        f" trades {found['plain_cpu_s']:.2f}, {found['ratio']:.1f} times as many;"
        f" vectorbt at {VECTORBT_S} s for one: {found['vectorbt']:,.0f} times as long\n"
        f"one more combination: {found['many_us']:,.0f} us with {found['many_trades']:,.0f} trades,"
        f" {found['few_us']:,.0f} us with {found['few_trades']:,.0f}; first call, compiling or loading:"
        f" {found['first_s']:.1f} s"
    )
    return 0 if found["sweep_cpu_s"] <= SECONDS_MAX else 1


if __name__ == "__main__":
    raise SystemExit(main())
