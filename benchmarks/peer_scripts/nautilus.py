"""The yardstick strategy in NautilusTrader: python nautilus.py BARS.npy; one JSON object on stdout."""

import json
import sys
import time
from decimal import Decimal

import nautilus_trader
import numpy as np
import pandas as pd
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.indicators.averages import MovingAverageType
from nautilus_trader.indicators.momentum import RelativeStrengthIndex
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

loaded = np.load(sys.argv[1])
frame = pd.DataFrame(
    loaded[:, 1:6],
    columns=["open", "high", "low", "close", "volume"],
    index=pd.to_datetime(loaded[:, 0].astype("int64"), utc=True),
)
frame.index.name = "timestamp"
said = CryptoPerpetual.to_dict(TestInstrumentProvider.btcusdt_perp_binance())
instrument = CryptoPerpetual.from_dict({**said, "maker_fee": "0.0005", "taker_fee": "0.0005"})
kind = BarType.from_str(f"{instrument.id}-1-MINUTE-LAST-EXTERNAL")
bars = BarDataWrangler(kind, instrument).process(frame)


class Rsi(Strategy):
    """Short when RSI(14) falls back through 70, stop 2 %, target 4 %."""

    def __init__(self):
        super().__init__(StrategyConfig())
        self.rsi = RelativeStrengthIndex(14, MovingAverageType.WILDER)
        self.before = 0.0
        self.entries = 0

    def on_start(self):
        self.register_indicator_for_bars(kind, self.rsi)
        self.subscribe_bars(kind)

    def on_bar(self, bar):
        now = self.rsi.value
        if self.rsi.initialized and self.before > 0.7 >= now and self.portfolio.is_flat(instrument.id):
            price = float(bar.close)
            bracket = self.order_factory.bracket(
                instrument_id=instrument.id,
                order_side=OrderSide.SELL,
                quantity=instrument.make_qty(Decimal("1.0")),
                sl_trigger_price=instrument.make_price(price * 1.02),
                tp_price=instrument.make_price(price * 0.96),
            )
            self.submit_order_list(bracket)
            self.entries += 1
        self.before = now


engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
venue = Venue("BINANCE")
engine.add_venue(
    venue, OmsType.NETTING, AccountType.MARGIN, starting_balances=[Money(1_000_000, USDT)], base_currency=None,
    default_leverage=Decimal(5),
)  # fmt: skip
engine.add_instrument(instrument)
engine.add_data(bars)
strategy = Rsi()
engine.add_strategy(strategy)
start, busy = time.perf_counter(), time.process_time()
engine.run()
first_s, cpu_s = time.perf_counter() - start, time.process_time() - busy
account = engine.trader.generate_account_report(venue)
print(
    json.dumps(
        {"first_s": first_s, "warm_s": first_s, "cpu_s": cpu_s, "trades": strategy.entries,
         "net": float(account.iloc[-1].total) - 1_000_000, "version": nautilus_trader.__version__}
    )
)  # fmt: skip
