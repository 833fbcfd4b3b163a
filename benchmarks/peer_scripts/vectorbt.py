"""The yardstick strategy in vectorbt: python vectorbt.py BARS.npy; one JSON object on stdout."""

import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")
sys.path.pop(0)  # this file has the name of what it imports

import numpy as np
import pandas as pd
import talib
import vectorbt as vbt

COMBINATIONS = 100

bars = np.load(sys.argv[1])
index = pd.to_datetime(bars[:, 0].astype("int64"))  # with a time zone it is thirty times slower
opens, high, low, close = (pd.Series(bars[:, k], index=index) for k in (1, 2, 3, 4))


def entries():
    """True where RSI(14) falls back through 70."""
    rsi = pd.Series(talib.RSI(close.to_numpy(), 14), index=index)
    return (rsi.shift(1) > 70) & (rsi <= 70)


def portfolio(signals, stop, target):
    """Shorts of one coin; its entry is the signal's close, which in these bars is the next open."""
    return vbt.Portfolio.from_signals(
        close, short_entries=signals, short_exits=False, open=opens, high=high, low=low, sl_stop=stop, tp_stop=target,
        fees=0.0005, size=1.0, size_type="amount", init_cash=1e6, freq="1min",
    )  # fmt: skip


def single():
    """Seconds of indicator, simulation and its result, those of computing; the trades and the money."""
    start, busy = time.perf_counter(), time.process_time()
    made = portfolio(entries(), 0.02, 0.04)
    trades, net = int(made.trades.count()), float(made.total_profit())
    return time.perf_counter() - start, time.process_time() - busy, trades, net


first_s, _, trades, net = single()
runs = [single() for _ in range(5)]
warm_s, cpu_s = min(one[0] for one in runs), min(one[1] for one in runs)
stops = np.repeat(np.linspace(0.005, 0.05, 10), COMBINATIONS // 10)
targets = np.tile(np.linspace(0.005, 0.1, 10), COMBINATIONS // 10)
start, busy = time.perf_counter(), time.process_time()
many = pd.concat([entries()] * COMBINATIONS, axis=1, keys=range(COMBINATIONS))
portfolio(many, stops[None, :], targets[None, :]).total_profit()
sweep_s = (time.perf_counter() - start) / COMBINATIONS
sweep_cpu_s = (time.process_time() - busy) / COMBINATIONS
print(
    json.dumps(
        {
            "first_s": first_s, "warm_s": warm_s, "cpu_s": cpu_s, "trades": trades, "net": net,
            "combination_s": sweep_s, "combination_cpu_s": sweep_cpu_s, "version": vbt.__version__,
        }
    )
)  # fmt: skip
