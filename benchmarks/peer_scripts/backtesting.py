"""The yardstick strategy in backtesting.py: python backtesting.py BARS.npy; one JSON object on stdout."""

import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")
sys.path.pop(0)  # this file has the name of what it imports

import backtesting
import numpy as np
import pandas as pd
import talib
from backtesting import Backtest, Strategy

bars = np.load(sys.argv[1])
frame = pd.DataFrame(
    bars[:, 1:6], columns=["Open", "High", "Low", "Close", "Volume"], index=pd.to_datetime(bars[:, 0].astype("int64"))
)
backtesting._tqdm = lambda things, **_: things  # no progress bar in the measure


class Rsi(Strategy):
    """Short when RSI(14) falls back through 70, stop 2 %, target 4 %."""

    def init(self):
        self.rsi = self.I(talib.RSI, self.data.Close, 14)

    def next(self):
        if not self.position and len(self.rsi) > 1 and self.rsi[-2] > 70 >= self.rsi[-1]:
            price = self.data.Close[-1]
            self.sell(size=1, sl=price * 1.02, tp=price * 0.96)


start, busy = time.perf_counter(), time.process_time()
test = Backtest(frame, Rsi, cash=1_000_000, commission=0.0005, margin=0.2, finalize_trades=True)
found = test.run()
first_s, cpu_s = time.perf_counter() - start, time.process_time() - busy
print(
    json.dumps(
        {"first_s": first_s, "warm_s": first_s, "cpu_s": cpu_s, "trades": int(found["# Trades"]),
         "net": float(found["Equity Final [$]"]) - 1_000_000, "version": backtesting.__version__}
    )
)  # fmt: skip
