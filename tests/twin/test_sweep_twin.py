"""A sweep over many combinations of one symbol comes, trade by trade, to what a backtest of each comes to."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from twin.test_engine_twin import Book, drawn_signals, wild

from bearskin.backtest import BacktestRequest, BacktestResult, run
from bearskin.backtest import _symbols as gathering
from bearskin.backtest._sweep_core import Swept, sweep_symbol, sweep_trades
from bearskin.backtest._symbols import Gathered, gather
from bearskin.market import Panel
from bearskin.setups import SetupEvent
from bearskin.terms import BadInput

D = Decimal
SAME = ("setup", "side", "signal_time", "entry_time", "exit_time", "exit_reason", "qty", "bars", "ambiguous")
CLOSE = ("entry_price", "exit_price", "fees", "funding", "slippage", "gross", "net", "risk_at_stop")


def offered(monkeypatch: pytest.MonkeyPatch, panel: Panel, events: list[SetupEvent]) -> Gathered:
    """The panel with these signals instead of the set-ups' own."""
    monkeypatch.setattr(gathering, "detect", lambda *_: events)
    return gather(BacktestRequest(guards=False), [panel], Book(), None)


def row_of(result: BacktestResult) -> dict[str, float]:
    """The columns of a sweep, from the trades of a backtest."""
    trades = result.trades
    reasons = trades["exit_reason"].to_list()
    r = trades["r"].to_numpy()
    wallet = float(result.request.equity) + np.concatenate([[0.0], trades["net"].to_numpy().cumsum()])
    return {
        "trades": trades.height,
        "wins": int((trades["net"] > 0).sum()),
        "stopped": reasons.count("stop") + reasons.count("trail"),
        "targets": reasons.count("target"),
        "liquidated": reasons.count("liquidated"),
        "timed": reasons.count("time"),
        **{name: float(trades[name].sum()) for name in ("net", "gross", "fees", "funding", "slippage")},
        "r_sum": float(r.sum()),
        "r_square_sum": float((r * r).sum()),
        "equity_end": float(result.equity["wallet"][-1]),
        "drawdown_max": float((wallet / np.maximum.accumulate(wallet) - 1).min()),
        "ambiguous": int(trades["ambiguous"].sum()),
        "bars_held": int(trades["bars"].sum()),
    }


def agree(swept: Swept, i: int, result: BacktestResult) -> None:
    """Row `i` of the sweep is the backtest: counts identical, money to a billionth."""
    for name, wanted in row_of(result).items():
        got = getattr(swept, name)[i]
        if isinstance(wanted, int):
            assert got == wanted, name
        else:
            assert got == pytest.approx(wanted, rel=1e-9, abs=1e-7), name
    days = result.trades.group_by(pl.col("exit_time").dt.epoch("d").alias("day"), maintain_order=True).agg(
        pl.col("net").sum()
    )
    here = slice(swept.day_from[i], swept.day_from[i + 1])
    assert swept.day[here].tolist() == days["day"].to_list()
    assert swept.day_net[here] == pytest.approx(days["net"].to_numpy(), rel=1e-9, abs=1e-7)


VARIED: tuple[dict[str, Any], ...] = (
    {},
    {"entry": "limit"},
    {"entry": "market", "trail_atr": D(2)},
    {"stop_scale": D("1.5"), "target_r": D("0.7")},
    {"stop_frac": D("0.02"), "target_frac": D("0.013"), "hold_bars": 0},
    {"hold_bars": 4, "invalidation": False},
    {"cost_scale": D("1.5"), "risk_frac": D("0.005"), "leverage": D(3)},
    {"stop_trigger": "last", "target1_share": D("0.29")},
    {"stop_frac": D("0.001"), "preset": "pro", "leverage": D(10)},
    {"no_preflight": True, "leverage": D(40), "preset": "pro"},
)


@pytest.mark.parametrize("seed", range(3))
def test_a_sweep_is_the_backtest_of_each_combination(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    rng = np.random.default_rng(seed)
    panel = wild(rng, "AAA", bars=400)
    found = offered(monkeypatch, panel, drawn_signals(rng, panel))
    requests = [BacktestRequest(guards=False, **asked) for asked in VARIED]
    swept = sweep_symbol(found.symbols[0], found.offers, requests)
    for i, request in enumerate(requests):
        result = run(request, [panel], Book())
        assert result.trades.height > 3
        agree(swept, i, result)
        trades = sweep_trades(found.symbols[0], found.offers, request)
        assert trades.select(SAME).rows() == result.trades.select(SAME).rows()
        for name in CLOSE:
            assert trades[name].to_numpy() == pytest.approx(result.trades[name].to_numpy(), rel=1e-9, abs=1e-7)


def test_requests_that_are_offered_different_signals_are_not_one_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    panel = wild(rng, "AAA", bars=60)
    found = offered(monkeypatch, panel, [])
    plain = BacktestRequest()
    with pytest.raises(BadInput, match="must agree in guards"):
        sweep_symbol(found.symbols[0], found.offers, [plain, dataclasses.replace(plain, guards=False)])
