"""The same strategy on the same bars here and in four other programs, each in an environment of its own.

525,600 made-up one-minute bars, seeded, on the grid of 0.1: a short of one coin when RSI(14) falls back through 70, at
the next open, stop 2 % and target 4 % from the signal's close, fee 0.05 % both ways, 5x. Ours is timed with every cost
on (mark, funding, slippage, liquidation, brackets, gaps); the agreement is looked at with the costs off that the others
do not have. Times are shown as the clock has them and compared by the seconds of computing, of all cores together, so
that a busy machine favours nobody; a sweep of ours takes every core, one of theirs a single one. `make peers` makes
the environments under `.peers/`; a peer that is not there is said to be missing.

    python benchmarks/peers.py --install    make the environments (`make peers`)
    python benchmarks/peers.py              measure
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = Path(__file__).parent / "peer_scripts"
ENVIRONMENTS = ROOT / ".peers"
PEERS = ("vectorbt", "backtesting", "nautilus", "freqtrade")
TITLES = {
    "vectorbt": "vectorbt", "backtesting": "backtesting.py", "nautilus": "NautilusTrader", "freqtrade": "freqtrade",
}  # fmt: skip
CANNOT = {
    "vectorbt": "no margin, funding, liquidation; passes over signals of an exit's bar: set against ours doing so",
    "backtesting": "no funding or liquidation",
    "nautilus": "enters at the signal's close, stops fill at their price",
    "freqtrade": "stop and target are in profit at 5x with fees: other levels, so only the trades' number is told",
}
BARS = 525_600
SINGLE_TIMES_MIN = 10.0
SWEEP_TIMES_MIN = 500.0
COMBINATIONS = 1_000
SCRIPT_S_MAX = 900
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def bars() -> np.ndarray:
    """Columns time (ns), open, high, low, close, volume; every open is the close before."""
    rng = np.random.default_rng(7)
    close = np.round(60_000 * np.exp(np.cumsum(rng.standard_t(4, BARS) * 0.0006)), 1)
    opens = np.concatenate([[60_000.0], close[:-1]])
    high = np.maximum(opens, close) * (1 + np.abs(rng.normal(0, 3e-4, BARS)))
    low = np.minimum(opens, close) * (1 - np.abs(rng.normal(0, 3e-4, BARS)))
    times = 1_735_689_600_000_000_000 + 60_000_000_000 * np.arange(BARS)
    volume = rng.gamma(2, 10, BARS)
    return np.column_stack([times, opens, np.round(high, 1), np.round(low, 1), close, np.round(volume, 3)])


# ---- the others


def install(name: str) -> str:
    """Make the environment of one peer if it is not there yet; what went wrong, or nothing."""
    wanted = SCRIPTS / "requirements" / f"{name}.txt"
    folder = ENVIRONMENTS / name
    if _ready(name):
        return ""
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*command, "-r", str(wanted)], capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["pip failed"])[-1]
    (folder / ".ready").write_text(_stamp(name))
    return ""


def _stamp(name: str) -> str:
    wanted = SCRIPTS / "requirements" / f"{name}.txt"
    return hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()


def _ready(name: str) -> bool:
    ready = ENVIRONMENTS / name / ".ready"
    return ready.exists() and ready.read_text() == _stamp(name)


def peer(name: str, file: Path) -> dict[str, Any]:
    """What one peer measured; `missing` says why it did not."""
    if not _ready(name):
        return {"missing": "not installed: make peers"}
    python = ENVIRONMENTS / name / "bin" / "python"
    try:
        done = subprocess.run(
            [str(python), str(SCRIPTS / f"{name}.py"), str(file)],
            capture_output=True, text=True, check=False, timeout=SCRIPT_S_MAX, cwd=file.parent,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"missing": f"not done in {SCRIPT_S_MAX} s"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        return {"missing": (done.stderr.strip().splitlines() or ["it said nothing"])[-1][:160]}
    found: dict[str, Any] = json.loads(lines[-1])
    return found


# ---- ours


def panel_of(table: np.ndarray) -> Any:
    """The bars as a panel with a mark that differs from last and funding every eight hours."""
    from bearskin.market import Funding, Panel
    from bearskin.terms import HOUR_NS, MINUTE_NS, Instrument, Product

    times, opens, high, low, close = (
        table[:, 0].astype(np.int64),
        *(np.ascontiguousarray(table[:, k]) for k in range(1, 5)),
    )
    settled = times[:: 8 * 60]
    rate = np.random.default_rng(1).normal(1e-4, 1e-4, len(settled))
    instrument = Instrument(
        venue="synthetic", symbol="BTCUSDT", product=Product.LINEAR, base="BTC", quote="USDT", settle="USDT",
        tick=Decimal("0.1"), step=Decimal("0.001"), min_qty=Decimal("0.001"), min_notional=Decimal(5),
        taker_fee_rate=Decimal("0.0005"), maker_fee_rate=Decimal("0.0005"),
    )  # fmt: skip
    return Panel(
        instrument=instrument, interval_ns=MINUTE_NS, time_ns=times, open=opens, high=high, low=low, close=close,
        volume=table[:, 5], mark_open=opens * 1.00003, mark_high=high * 1.00002, mark_low=low * 1.00002,
        mark_close=close * 1.00003,
        funding=Funding(time_ns=settled, rate=rate, interval_ns=np.full(len(settled), 8 * HOUR_NS)),
    )  # fmt: skip


def signals_of(close: np.ndarray) -> np.ndarray:
    """Bars at whose close RSI(14) has fallen back through 70."""
    import talib

    rsi = talib.RSI(close, 14)
    return np.flatnonzero((rsi[:-1] > 70) & (rsi[1:] <= 70)) + 1


def single_run() -> Callable[..., tuple[int, float]]:
    """The compiled loop over signals: one position at a time, each carried to its end by the backtest's kernel."""
    from numba import njit

    from bearskin.paths import Ticket, compiled_walk

    walk = compiled_walk()

    @njit
    def run(lane, tiers, signals, costs, again):
        on_mark, leverage, slip, through = costs
        net, trades, free = 0.0, 0, 0
        n = len(lane.close)
        for k in range(len(signals)):
            bar = signals[k] + 1
            if bar < free or bar >= n:
                continue
            close = lane.close[signals[k]]
            ticket = Ticket(
                1000, 1000, bar, n, 0, 0, (close * 102 + 99) // 100, on_mark, close * 96 // 100, -(1 << 62), 1 << 62,
                0, 0, through, leverage, 0.0005, 0.0005, slip, 0.0125,
            )  # fmt: skip
            outcome = walk(lane, tiers, ticket)
            net += outcome.net
            trades += 1
            # `again` 1: a signal at the close of the bar of the exit may enter at the next open; 2: it may not
            free = outcome.bar + again
        return trades, net

    return run


def ours(table: np.ndarray) -> dict[str, float]:
    """Seconds of our single run, its trades and money with the others' costs, and the sweep per combination."""
    from bearskin.margin import Tiers
    from bearskin.paths import lay
    from bearskin.terms import Side

    tiers: Tiers[float] = Tiers(
        np.array([0.0, 3e5, 8e5]), np.array([0.004, 0.005, 0.0065]), np.array([0.0, 300.0, 1500.0]),
        np.array([3e5, 8e5, 3e6]),
    )  # fmt: skip
    panel, run = panel_of(table), single_run()
    lane = lay(panel).lanes[Side.SHORT]
    bare = lay(replace(panel, funding=None, mark_open=None, mark_high=None, mark_low=None, mark_close=None))
    started = time.perf_counter()
    run(lane, tiers, signals_of(panel.close), (1, 5.0, 0.0002, 1), 1)
    first_s = time.perf_counter() - started

    def whole() -> tuple[float, float]:
        start, busy = time.perf_counter(), time.process_time()
        run(lane, tiers, signals_of(panel.close), (1, 5.0, 0.0002, 1), 1)
        return time.perf_counter() - start, time.process_time() - busy

    runs = [whole() for _ in range(10)]
    warm_s, cpu_s = min(one[0] for one in runs), min(one[1] for one in runs)
    start = time.perf_counter()
    lay(panel)
    lay_s = time.perf_counter() - start
    plain = [run(bare.lanes[Side.SHORT], tiers, signals_of(panel.close), (0, 0.0, 0.0, 0), again) for again in (1, 2)]
    (trades, net), (trades_late, net_late) = plain
    return {
        "first_s": first_s, "warm_s": warm_s, "cpu_s": cpu_s, "lay_s": lay_s, "trades": trades, "net": net,
        "trades_late": trades_late, "net_late": net_late, **sweep(panel),
    }  # fmt: skip


def sweep(panel: Any) -> dict[str, float]:
    """Seconds of a sweep of stops and targets by the sweep core, with what it takes before the first combination."""
    from bearskin.backtest import BacktestRequest
    from bearskin.backtest._sweep_core import sweep_symbol
    from bearskin.backtest._symbols import gather

    book, name = _yardstick()
    stops = np.repeat(np.linspace(0.005, 0.05, 40), COMBINATIONS // 40)
    targets = np.tile(np.linspace(0.005, 0.1, COMBINATIONS // 40), 40)
    template = _open_template()
    requests = [
        BacktestRequest(
            setups=(name,), template=template, guards=False, no_preflight=True, invalidation=False, hold_bars=0,
            stop_frac=Decimal(str(round(float(stop), 6))), target_frac=Decimal(str(round(float(target), 6))),
            risk_frac=Decimal("0.001"), sides=_shorts(),
        )
        for stop, target in zip(stops, targets, strict=True)
    ]  # fmt: skip
    start = time.perf_counter()
    gathered = gather(requests[0], [panel], book, None)
    ready_s = time.perf_counter() - start
    (symbol,), offers = gathered.symbols, gathered.offers
    start = time.perf_counter()
    sweep_symbol(symbol, offers, requests[:32])
    compile_s = time.perf_counter() - start
    start, busy = time.perf_counter(), time.process_time()
    swept = sweep_symbol(symbol, offers, requests)
    took_s, cpu_s = time.perf_counter() - start, time.process_time() - busy
    return {
        "offers": float(len(offers)), "ready_s": ready_s, "sweep_first_s": compile_s, "sweep_s": took_s,
        "combination_s": took_s / len(requests), "combination_cpu_s": cpu_s / len(requests),
        "swept_trades": float(swept.trades.sum()),
    }  # fmt: skip


def _shorts() -> tuple[Any, ...]:
    from bearskin.terms import Side

    return (Side.SHORT,)


def _open_template() -> Any:
    """Trades whatever distance: the yardstick's stop is many ATR of a minute away."""
    from bearskin.setups import Template

    return Template(
        buffer_atr=0.0, buffer_ticks=0.0, risk_min_atr=0.0, risk_max_atr=1e9, moved_atr=1e9, reward_min_r=0.0,
        cost_multiple=0.0,
    )  # fmt: skip


def _yardstick() -> tuple[Any, str]:
    """Brackets, and the strategy as a set-up of one's own."""
    from bearskin.market import load_brackets
    from bearskin.setups import SETUPS, Draft, Setup

    name = "yardstick"

    def drafts(view: Any, _: Any) -> Any:
        close = view.close
        for bar in signals_of(view.panel.close):
            if bar >= 40:
                at = float(close[bar])
                yield Draft(
                    bar=int(bar), level=at, anchor_bar=int(bar), extreme=at + float(np.log(1.02)),
                    targets=(at + float(np.log(0.96)),), invalidation=at + 1.0, horizon_bars=0, why="yardstick",
                )  # fmt: skip

    if name not in SETUPS:
        SETUPS.add(
            Setup(name=name, title="RSI falls back through 70", families=("structure",), detect=drafts, params=None),
            "the benchmark",
        )
    return load_brackets(), name


def measure(names: tuple[str, ...] = PEERS) -> dict[str, dict[str, Any]]:
    """Ours and every peer's."""
    table = bars()
    with tempfile.TemporaryDirectory(prefix="bearskin-peers-") as folder:
        file = Path(folder) / "bars.npy"
        np.save(file, table)
        found: dict[str, dict[str, Any]] = {"bearskin": ours(table)}
        for name in names:
            found[name] = peer(name, file)
    return found


def lines(found: dict[str, dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Name, value and limit of every line to print."""
    mine = found["bearskin"]
    said = [
        ("single run, every cost, kernels compiled", f"{1e3 * mine['warm_s']:.1f} ms", ""),
        ("  laying the panel out, once for many runs", f"{1e3 * mine['lay_s']:.0f} ms", ""),
        ("  trades and money with the others' costs", f"{mine['trades']:.0f}", f"{mine['net']:+,.1f} USDT"),
        (f"sweep of {COMBINATIONS:,}, {mine['offers']:,.0f} signals", f"{mine['sweep_s']:.2f} s", ""),
        ("  finding the signals, once for all", f"{mine['ready_s']:.2f} s", ""),
    ]
    for name, one in found.items():
        if name == "bearskin":
            continue
        title = TITLES[name]
        if "missing" in one:
            said.append((title, "-", one["missing"]))
            continue
        times = one["cpu_s"] / mine["cpu_s"]
        said.append((f"{title} {one['version']}, single run", f"{one['warm_s']:.2f} s", f"{times:,.0f} times ours"))
        late = "_late" if name == "vectorbt" else ""
        our_trades, our_net = mine[f"trades{late}"], mine[f"net{late}"]
        money = "" if one["net"] is None else f", {one['net']:+,.1f} USDT"
        same = "" if one["net"] is None else f", {one['net'] - our_net:+,.1f}"
        said.append(
            ("  trades and money", f"{one['trades']}{money}", f"{one['trades'] - our_trades:+.0f}{same} to ours")
        )
        said.append((f"  {CANNOT[name]}", "", ""))
        if "combination_s" in one:
            faster = CORES * one["combination_cpu_s"] / mine["combination_cpu_s"]
            told = f"{1e3 * one['combination_s']:.0f} ms"
            said.append(
                (
                    "  one combination of a sweep",
                    told,
                    f"{faster:,.0f} times ours on {CORES} cores, at least {SWEEP_TIMES_MIN:.0f}",
                )
            )
    there = [one["cpu_s"] for name, one in found.items() if name != "bearskin" and "missing" not in one]
    if there:
        said.append(
            (
                "the fastest peer takes as long, times",
                f"{min(there) / mine['cpu_s']:.1f}",
                f"at least {SINGLE_TIMES_MIN:.0f}",
            )
        )
    return said


def beyond(found: dict[str, dict[str, Any]]) -> bool:
    """Whether a peer that is there came nearer than it may."""
    mine = found["bearskin"]
    there = [one for name, one in found.items() if name != "bearskin" and "missing" not in one]
    slow = any(one["cpu_s"] < SINGLE_TIMES_MIN * mine["cpu_s"] for one in there)
    swept = [one["combination_cpu_s"] for one in there if "combination_cpu_s" in one]
    return slow or any(CORES * one < SWEEP_TIMES_MIN * mine["combination_cpu_s"] for one in swept)


def main() -> int:
    """Install, or measure and print; 1 when beyond a limit."""
    if "--install" in sys.argv:
        wrong = {name: install(name) for name in PEERS}
        for name, why in wrong.items():
            print(f"{TITLES[name]:<16} {why or 'ready'}", flush=True)
        return 1 if any(wrong.values()) else 0
    chosen = tuple(word for word in sys.argv[1:] if word in PEERS) or PEERS
    found = measure(chosen if "--ours" not in sys.argv else ())
    for name, value, limit in lines(found):
        print(f"{name:<58} {value:>20}  {limit}", flush=True)
    return 1 if beyond(found) else 0


if __name__ == "__main__":
    sys.exit(main())
