"""A small result made by hand: four trades on two symbols, every figure chosen so that sums are easy to see."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import polars as pl

from bearskin.backtest import BacktestRequest, BacktestResult
from bearskin.market import Panel
from bearskin.terms import HOUR_NS, Instrument, Product, parse_time

START_NS = parse_time("2025-01-01")
TIME = pl.Datetime("ns", "UTC")
HOSTILE = '"><script>alert(1)</script>&\x1b[31m'


ASKED = BacktestRequest(setups=("failed-breakout", "exhaustion"))


def at(hour: int) -> int:
    return START_NS + hour * HOUR_NS


def panel(symbol: str, bars: int = 4000, first: float = 100.0) -> Panel:
    """A saw of prices with one deep spike, so that resampling can lose something if it is done wrongly."""
    close = first + 10 * np.sin(np.arange(bars) / 50)
    low, high = close - 1, close + 1
    low[bars // 3], high[bars // 2] = first / 2, first * 2
    instrument = Instrument(
        venue="binance",
        symbol=symbol,
        product=Product.LINEAR,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        settle="USDT",
        tick=Decimal("0.1"),
        step=Decimal("0.001"),
        min_qty=Decimal("0.001"),
        min_notional=Decimal(5),
    )
    return Panel(
        instrument=instrument,
        interval_ns=HOUR_NS,
        time_ns=START_NS + np.arange(bars, dtype=np.int64) * HOUR_NS,
        open=close,
        high=high,
        low=low,
        close=close,
        volume=np.ones(bars),
    )


def trade(number: int, symbol: str, side: str, net: float, **more: object) -> dict[str, object]:
    sign = -1 if side == "short" else 1
    entry, exit_price = 100.0, 100.0 + sign * (net + 3) / 10
    return {
        "trade_id": number,
        "symbol": symbol,
        "side": side,
        "setup": "failed-breakout" if number % 2 else "exhaustion",
        "signal_time": at(10 * number),
        "entry_time": at(10 * number + 1),
        "entry_price": entry,
        "qty": sign * 10.0,
        "notional": 1000.0,
        "leverage": 5.0,
        "margin_mode": "isolated",
        "margin": 200.0,
        "stop": entry - sign * 5,
        "target1": entry + sign * 10,
        "target2": None,
        "liquidation_price": entry - sign * 19.5,
        "exit_time": at(10 * number + 6),
        "exit_price": exit_price,
        "exit_reason": "target" if net > 0 else "stop",
        "fees": 1.0,
        "funding": -0.5,
        "slippage": 1.5,
        "gross": net + 3,
        "net": net,
        "r": net / 50,
        "mae_frac": -0.02,
        "mfe_frac": 0.03,
        "bars": 5,
        "ambiguous": False,
        "net_if_target_first": net,
        "funding_complete": True,
        "why": "close fell back below the level",
        "why_exit": "mark reached the stop",
        "risk_at_stop": 50.0,
        "equity_before": 10_000.0,
        **more,
    }


TIMES = ("signal_time", "entry_time", "exit_time")


def trades_of(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows).with_columns(pl.col(TIMES).cast(TIME), pl.col("target2").cast(pl.Float64))


def group(setup: str, side: str, trades: int, net: float, mean_r: float, stderr: float | None) -> dict[str, object]:
    return {
        "setup": setup,
        "side": side,
        "trades": trades,
        "win_rate": 0.5,
        "net": net,
        "expectancy_r": mean_r,
        "r_stderr": stderr,
        "t_day_clustered": -1.25,
        "funding": -1.0,
        "fees": 2.0,
        "liquidations": 1,
        "declined": 3,
    }


def made_up() -> BacktestResult:
    rows = [
        trade(1, "BTCUSDT", "short", 97.0),
        trade(2, "BTCUSDT", "short", -200.0, exit_reason="liquidated", r=-4.0),
        trade(3, "BTCUSDT", "long", -50.25, ambiguous=True, net_if_target_first=90.0),
        trade(4, "ETHUSDT", "long", 1234.5),
    ]
    hours = 5000
    equity = 10_000 + 100 * np.sin(np.arange(hours) / 90)
    equity[1234] = 8000.0
    peak = np.maximum.accumulate(equity)
    frames = {
        "equity": pl.DataFrame(
            {
                "time": [at(i) for i in range(hours)],
                "equity": equity,
                "wallet": np.full(hours, 10_000.0),
                "drawdown_frac": equity / peak - 1,
                "open_positions": np.ones(hours, dtype=np.int64),
                "gross_exposure": np.full(hours, 1000.0),
                "net_exposure": np.full(hours, -1000.0),
            }
        ).with_columns(pl.col("time").cast(TIME)),
        "declined": pl.DataFrame(
            {
                "time": [at(5), at(6), at(7)],
                "symbol": ["BTCUSDT", "ETHUSDT", "BTCUSDT"],
                "side": ["short", "short", "long"],
                "setup": ["exhaustion"] * 3,
                "reason": ["stop too tight", "stop too tight", "squeeze guard: funding against the position"],
                "have": ["0.2 %", "0.1 %", ""],
                "need": ["0.3 %", "0.3 %", ""],
                "detail": ["of the entry", "", "rate −0.03 %"],
            }
        ).with_columns(pl.col("time").cast(TIME)),
        "monthly": pl.DataFrame(
            {
                "month": ["2025-01", "2025-02"],
                "net": [1331.5, -250.25],
                "return_frac": [0.13315, -0.02208],
                "trades": [2, 2],
                "max_drawdown_frac": [-0.01, -0.2],
            }
        ),
        "missing": pl.DataFrame(
            {
                "kind": ["mark", "mark", "funding"],
                "symbol": ["BTCUSDT", "BTCUSDT", "ETHUSDT"],
                "time": [at(3), at(9), at(16)],
                "detail": ["no mark bar", "no mark bar", "no rate"],
            }
        ).with_columns(pl.col("time").cast(TIME)),
    }
    return BacktestResult(
        request=ASKED,
        trades=trades_of(rows),
        by_setup=pl.DataFrame(
            [
                group("exhaustion", "short", 1, -200.0, -4.0, None),
                group("failed-breakout", "long", 2, 1184.25, 11.8425, 1.5),
            ],
            schema_overrides={"r_stderr": pl.Float64},
        ),
        by_side=pl.DataFrame([group("", "short", 2, -103.0, -1.03, 2.97)]).drop("setup"),
        summary=summary(),
        notes=("Research only: leverage beyond the preset.",),
        panels=(panel("BTCUSDT"), panel("ETHUSDT", 300, 3000.0)),
        **frames,
    )


def summary() -> dict[str, object]:
    return {
        "start": "2025-01-01T00:00:00Z",
        "end": "2025-07-28T07:00:00Z",
        "interval": "1h",
        "symbols": ["BTCUSDT", "ETHUSDT"],
        "left_out": [{"symbol": "LUNAUSDT", "why": "no candles in the store"}],
        "bars": 4300,
        "signals": 7,
        "trades": 4,
        "declined": 3,
        "win_rate": 0.5,
        "equity_start": 10_000.0,
        "equity_end": 11_081.25,
        "net": 1081.25,
        "return_frac": 0.108125,
        "max_drawdown_frac": -0.2079,
        "fees": 4.0,
        "funding": -2.0,
        "slippage": 6.0,
        "liquidations": 1,
        "ambiguous_trades": 1,
        "net_if_target_first": 1221.5,
        "profit_factor": 5.32,
        "expectancy_r": 5.4071,
        "sharpe_daily": float("nan"),
        "sharpe_stderr": None,
        "assumptions": ["ESTIMATED: mark between known marks is last plus interpolated basis."],
        "evidence": "Four trades prove nothing: their mean is not distinguishable from chance.",
    }


def without_trades(result: BacktestResult) -> BacktestResult:
    nothing = {"trades": 0, "net": 0.0, "win_rate": None, "expectancy_r": None, "profit_factor": None}
    return replace(
        result,
        trades=result.trades.clear(),
        by_setup=result.by_setup.clear(),
        by_side=result.by_side.clear(),
        summary=result.summary | nothing,
    )


def held(result: BacktestResult) -> BacktestResult:
    """A position held over the whole set as a yardstick: no stop, no target, no R, no liquidation price."""
    unknown = pl.lit(None, dtype=pl.Float64)
    names = ("stop", "target1", "liquidation_price", "r", "risk_at_stop", "mae_frac")
    return replace(
        result,
        trades=result.trades.with_columns(unknown.alias(name) for name in names).with_columns(
            exit_reason=pl.lit("end")
        ),
        by_setup=result.by_setup.with_columns(expectancy_r=unknown, r_stderr=unknown, t_day_clustered=unknown),
        summary=result.summary | {"expectancy_r": None},
        request=BacktestRequest(setups=("hold",)),
    )


def hostile(result: BacktestResult) -> BacktestResult:
    """The same result where every text that comes from outside tries to be HTML, script and terminal commands."""
    bad = pl.lit(HOSTILE)
    return replace(
        result,
        trades=result.trades.with_columns(symbol=bad, setup=bad, why=bad, why_exit=bad, exit_reason=bad),
        declined=result.declined.with_columns(symbol=bad, reason=bad, have=bad, detail=bad),
        by_setup=result.by_setup.with_columns(setup=bad),
        missing=result.missing.with_columns(kind=bad, symbol=bad, detail=bad),
        summary=result.summary
        | {"symbols": [HOSTILE], "left_out": [{"symbol": HOSTILE, "why": HOSTILE}], "evidence": HOSTILE},
        notes=(HOSTILE,),
        panels=(panel(HOSTILE),),
        request=BacktestRequest(setups=(HOSTILE,)),
    )
