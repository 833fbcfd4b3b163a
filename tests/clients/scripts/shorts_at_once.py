"""A freqtrade strategy that shorts at once with its stop at the exchange, and buys back when a file appears."""

import os
from pathlib import Path

from freqtrade.strategy import IStrategy

FLAG = Path(os.environ["CLIENT_FLAG"])


class ShortsAtOnce(IStrategy):
    INTERFACE_VERSION = 3
    can_short = True
    timeframe = "1m"
    startup_candle_count = 0
    process_only_new_candles = False
    minimal_roi = {"0": 10.0}
    stoploss = -0.06  # on margin: 2 % of price at 3x
    order_types = {
        "entry": "market",
        "exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": True,
        "stoploss_on_exchange_interval": 60,
        "stoploss_price_type": "mark",
    }

    def bot_start(self, **kwargs):
        # ccxt chooses its table of futures errors by the address; a config file cannot carry this line
        errors = self.dp._exchange._api.exceptions
        errors["exact"] = {**errors["exact"], **errors["linear"]["exact"]}

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe["enter_short"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        dataframe["exit_short"] = 0
        return dataframe

    def leverage(self, pair, current_time, current_rate, proposed_leverage, max_leverage, entry_tag, side, **kwargs):
        return 3.0

    def confirm_trade_entry(self, *args, **kwargs):
        return not FLAG.exists()

    def custom_exit(self, pair, trade, current_time, current_rate, current_profit, **kwargs):
        return "asked" if FLAG.exists() else None
