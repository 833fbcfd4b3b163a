"""What a chart shows is what the frames hold: thinned, never bent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from unit.report.made_up import at

from bearskin.report._charts import (
    POINTS_MAX,
    bucket_ns,
    candles,
    costs_figure,
    equity_figure,
    excursion_figure,
    exits_figure,
    expectancy_figure,
    price_figure,
    r_figure,
    thinned,
)
from bearskin.report._view import waterfall
from bearskin.terms import HOUR_NS


def test_thinning_keeps_true_rows_both_ends_and_the_deepest_trough(result):
    thin = thinned(result.equity)
    assert thin.height <= POINTS_MAX < result.equity.height
    assert thin["equity"].min() == 8000.0
    assert thin["drawdown_frac"].min() == result.equity["drawdown_frac"].min()
    assert thin["time"][0] == result.equity["time"][0]
    assert thin["time"][-1] == result.equity["time"][-1]
    assert thin.join(result.equity, on=thin.columns, how="semi").height == thin.height


def test_candles_keep_first_open_extremes_and_last_close(result):
    panel = result.panels[0]
    (opens, highs, lows, closes), at_ns = candles(panel)
    assert len(at_ns) <= POINTS_MAX < len(panel)
    assert bucket_ns(panel) == 3 * HOUR_NS
    assert lows.min() == panel.low.min() == 50.0
    assert highs.max() == panel.high.max() == 200.0
    assert opens[0] == panel.open[0]
    assert closes[-1] == panel.close[-1]
    assert np.all(at_ns % (3 * HOUR_NS) == 0)


def test_a_gap_stays_a_gap(result):
    panel = result.panels[0]
    kept = np.r_[0:1000, 3000:4000]
    columns = {name: getattr(panel, name)[kept] for name in ("time_ns", "open", "high", "low", "close", "volume")}
    _, at_ns = candles(replace(panel, **columns))
    assert np.diff(at_ns).max() >= 1998 * HOUR_NS


def test_a_short_history_is_drawn_bar_by_bar(result):
    panel = result.panels[1]
    ohlc, at_ns = candles(panel)
    assert np.array_equal(at_ns, panel.time_ns)
    assert np.array_equal(ohlc[3], panel.close)


def test_the_waterfall_goes_from_gross_to_net(result):
    """gross 1093.25 - fees 4 - funding paid 2 - slippage 6 = net 1081.25"""
    steps = waterfall(result)
    assert dict(steps) == {"Gross": 1093.25, "Fees": -4.0, "Funding": -2.0, "Slippage": -6.0}
    assert sum(amount for _, amount in steps) == result.summary["net"]


def test_a_cost_without_a_name_is_shown_as_one(result):
    fined = replace(result, trades=result.trades.with_columns(pl.col("net") - 2.0))
    steps = dict(waterfall(fined))
    assert steps["Other"] == pytest.approx(-8.0)
    assert sum(steps.values()) == pytest.approx(1073.25)


def test_the_price_chart_draws_what_the_trades_say(result):
    trades = result.trades.filter(pl.col("symbol") == "BTCUSDT")
    traces = {one["name"]: one for one in price_figure(result.panels[0], trades)["data"]}
    assert traces["Stop"]["y"] == [105, 105, None, 105, 105, None, 95, 95, None]
    assert traces["Target"]["y"] == [90, 90, None, 90, 90, None, 110, 110, None]
    assert traces["Liquidation price"]["y"] == [119.5, 119.5, None]  # only the one that was liquidated
    assert traces["Short entry"]["y"] == [100, 100]
    assert traces["Short exit, loss"]["y"] == [trades["exit_price"][1]]
    assert traces["Long exit, loss"]["x"] == [at(36) // 1_000_000]
    assert "Long exit, gain" not in traces


def test_the_histogram_counts_every_trade_once(result):
    data = r_figure(result.trades)["data"]
    assert sum(sum(one["y"]) for one in data) == result.trades.height
    longs = next(one for one in data if one["name"] == "Longs")
    assert longs["y"][-1] == 1  # 24.69 R is gathered in the outermost bar


def test_exits_count_gains_and_losses(result):
    gain, loss = exits_figure(result.trades)["data"]
    assert dict(zip(gain["y"], gain["x"], strict=True)) == {"liquidated, 1": 0, "stop, 1": 0, "target, 2": 2}
    assert dict(zip(loss["y"], loss["x"], strict=True)) == {"liquidated, 1": 1, "stop, 1": 1, "target, 2": 0}


def test_every_figure_is_one_that_plotly_knows(result, empty_result):
    """Plotly's own schema refuses unknown attributes and values."""
    figure_of = pytest.importorskip("plotly.graph_objects").Figure
    made = [
        equity_figure(result.equity, "USDT"),
        r_figure(result.trades),
        excursion_figure(result.trades),
        costs_figure(result, "USDT"),
        exits_figure(result.trades),
        expectancy_figure(result.by_setup),
        price_figure(result.panels[0], result.trades),
        price_figure(result.panels[0], empty_result.trades),
    ]
    for one in made:
        figure_of(data=one["data"], layout=one["layout"])


def test_text_from_outside_is_literal_in_plotly(hostile_result):
    figure = price_figure(hostile_result.panels[0], hostile_result.trades)
    assert "<script" not in str(figure)
    assert "&lt;script&gt;" in str(figure)
