"""The engine on the exchange core against the compiled backtest: the same bars, the same trades, in one run.

Hourly bars of a made-up market with all set-ups and guards; the engine remembers 120 days before it starts. Both are
asked for the same trades, and a run in which they differ counts for nothing.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bearskin.backtest import BacktestRequest, run, run_engine, warm
from bearskin.market import Store, load_brackets, load_panel, write_synthetic

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
DAYS, LIVED_DAYS = 140, 20
RATIO_MAX = 40
SAME = ("symbol", "setup", "side", "signal_time", "exit_time", "exit_reason", "qty")


def measure() -> dict[str, float]:
    """Bars a second of both, and how many times as long the engine takes; raises where their trades differ."""
    warm()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        write_synthetic(store, seed=7, symbols=SYMBOLS, days=DAYS)
        panels = [load_panel(store, venue="synthetic", symbol=symbol, interval="1h") for symbol in SYMBOLS]
    bars = LIVED_DAYS * 24
    request = BacktestRequest(start_ns=int(panels[0].time_ns[-bars]))
    brackets = load_brackets()
    begun = time.perf_counter()
    compiled = run(request, panels, brackets)
    between = time.perf_counter()
    engine = run_engine(request, panels, brackets)
    ended = time.perf_counter()
    if not compiled.trades.select(SAME).equals(engine.trades.select(SAME)):
        raise AssertionError("the engine traded otherwise than the compiled backtest")
    lived = bars * len(SYMBOLS)
    return {
        "bars": lived,
        "trades": compiled.trades.height,
        "compiled_bars_s": lived / (between - begun),
        "engine_bars_s": lived / (ended - between),
        "ratio": (ended - between) / (between - begun),
    }


if __name__ == "__main__":
    print(measure())
