"""The yardstick strategy in freqtrade: python freqtrade.py BARS.npy; one JSON object on stdout.

Its exchange is patched out, so that it needs no network. Stop and target are told in profit at 5x, so that fees count
into both: it cannot be told 2 % and 4 % of the price.
"""

import json
import logging
import sys
import tempfile
import time
import warnings
from pathlib import Path
from unittest.mock import MagicMock, PropertyMock, patch

warnings.filterwarnings("ignore")
sys.path.pop(0)  # this file has the name of what it imports
logging.disable(logging.CRITICAL)

import freqtrade
import numpy as np
import pandas as pd
from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode

PAIR = "BTC/USDT:USDT"
STRATEGY = """
from freqtrade.strategy import IStrategy
import talib.abstract as ta


class Rsi(IStrategy):
    INTERFACE_VERSION = 3
    can_short = True
    timeframe = "1m"
    stoploss = -0.10
    minimal_roi = {"0": 0.20}
    startup_candle_count = 20

    def leverage(self, pair, current_time, current_rate, proposed_leverage, max_leverage, entry_tag, side, **more):
        return 5.0

    def populate_indicators(self, frame, about):
        frame["rsi"] = ta.RSI(frame, 14)
        return frame

    def populate_entry_trend(self, frame, about):
        frame.loc[(frame.rsi.shift(1) > 70) & (frame.rsi <= 70), "enter_short"] = 1
        return frame

    def populate_exit_trend(self, frame, about):
        frame["exit_short"] = 0
        return frame
"""
MARKET = {
    "id": "BTCUSDT", "symbol": PAIR, "base": "BTC", "quote": "USDT", "settle": "USDT", "active": True, "spot": False,
    "swap": True, "future": False, "linear": True, "type": "swap", "contract": True, "contractSize": 1,
    "precision": {"price": 0.1, "amount": 0.001}, "info": {}, "taker": 0.0005, "maker": 0.0002,
    "limits": {
        "amount": {"min": 0.001, "max": 1000}, "price": {"min": None, "max": None},
        "cost": {"min": 5, "max": None}, "leverage": {"min": None, "max": None},
    },
}  # fmt: skip
EXCHANGE = "freqtrade.exchange.exchange.Exchange"
PATCHES = (
    patch(f"{EXCHANGE}._load_async_markets", return_value={}),
    patch(f"{EXCHANGE}.markets", PropertyMock(return_value={PAIR: MARKET})),
    patch(f"{EXCHANGE}.reload_markets"),
    patch(f"{EXCHANGE}.validate_config"),
    patch(f"{EXCHANGE}.validate_timeframes"),
    patch("freqtrade.exchange.binance.Binance.additional_exchange_init"),
    patch(f"{EXCHANGE}._init_ccxt", return_value=MagicMock()),
    patch(f"{EXCHANGE}.precisionMode", PropertyMock(return_value=4)),
    patch(f"{EXCHANGE}.precision_mode_price", PropertyMock(return_value=4)),
    patch(f"{EXCHANGE}.get_max_leverage", return_value=125.0),
    patch(f"{EXCHANGE}.get_maintenance_ratio_and_amt", return_value=(0.004, 0.0)),
    patch(f"{EXCHANGE}.get_fee", return_value=0.0005),
)

loaded = np.load(sys.argv[1])
frame = pd.DataFrame(loaded[:, 1:6], columns=["open", "high", "low", "close", "volume"])
frame.insert(0, "date", pd.to_datetime(loaded[:, 0].astype("int64"), utc=True))
with tempfile.TemporaryDirectory(prefix="bearskin-peer-") as folder:
    strategies = Path(folder) / "strategies"
    strategies.mkdir()
    (strategies / "rsi.py").write_text(STRATEGY)
    config = Path(folder) / "config.json"
    config.write_text(
        json.dumps(
            {
                "stake_currency": "USDT", "stake_amount": 1000, "max_open_trades": 1, "dry_run": True,
                "dry_run_wallet": 100000, "trading_mode": "futures", "margin_mode": "isolated", "strategy": "Rsi",
                "strategy_path": str(strategies), "user_data_dir": folder, "datadir": str(Path(folder) / "data"),
                "exchange": {
                    "name": "binance", "key": "", "secret": "", "pair_whitelist": [PAIR], "pair_blacklist": [],
                },
                "pairlists": [{"method": "StaticPairList"}], "entry_pricing": {"price_side": "other"},
                "exit_pricing": {"price_side": "other"}, "timeframe": "1m", "fee": 0.0005,
                "dataformat_ohlcv": "feather", "export": "none",
            }
        )
    )  # fmt: skip
    made = Configuration({"config": [str(config)]}, RunMode.BACKTEST).get_config()
    from freqtrade.optimize.backtesting import Backtesting

    for one in PATCHES:
        one.start()
    test = Backtesting(made)
    test.funding_fee_timeframe_secs = 28800
    test.precision_mode = test.precision_mode_price = 4
    strategy = test.strategylist[0]
    test._set_strategy(strategy)
    settled = pd.date_range(frame.date.iloc[0], periods=len(frame) // 480 + 2, freq="8h")
    test.futures_data = {PAIR: pd.DataFrame({"date": settled, "open_fund": 0.0, "open_mark": 60000.0})}
    start, busy = time.perf_counter(), time.process_time()
    processed = strategy.advise_all_indicators({PAIR: frame})
    found = test.backtest(
        processed=processed,
        start_date=frame.date.iloc[0].to_pydatetime(),
        end_date=frame.date.iloc[-1].to_pydatetime(),
    )
    first_s, cpu_s = time.perf_counter() - start, time.process_time() - busy
print(
    json.dumps({"first_s": first_s, "warm_s": first_s, "cpu_s": cpu_s, "trades": len(found["results"]), "net": None,
                "version": freqtrade.__version__})
)  # fmt: skip
