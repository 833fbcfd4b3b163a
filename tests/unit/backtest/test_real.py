"""On real candles of Binance: what can be worked out beside the code, with Polars alone."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bearskin.backtest import BacktestRequest, run
from bearskin.market import Funding, Panel, instrument_of, load_brackets
from bearskin.terms import HOUR_NS, MINUTE_NS, Side, parse_time

D = Decimal
SET = "binance_um_2025"


def column(frame: pl.DataFrame, name: str) -> np.ndarray:
    return np.array(frame[name].to_numpy(), dtype=float)


def panel_of(folder: Path, symbol: str) -> Panel:
    """Trades, marks and funding of one symbol, put together by hand."""
    trades = pl.read_parquet(folder / SET / "trade" / f"{symbol}_1h.parquet")
    marks = pl.read_parquet(folder / SET / "mark" / f"{symbol}_1h.parquet")
    settled = pl.read_parquet(folder / SET / "funding" / f"{symbol}.parquet")
    both = trades.join(marks, on="time", how="left", suffix="_mark")
    at = np.array(settled["time"].dt.epoch("ns").to_numpy()) // MINUTE_NS * MINUTE_NS
    mark = {f"mark_{name}": column(both, f"{name}_mark") for name in ("open", "high", "low", "close")}
    return Panel(
        instrument=instrument_of("binance", symbol, "linear"), interval_ns=HOUR_NS,
        time_ns=np.array(trades["time"].dt.epoch("ns").to_numpy()), open=column(both, "open"),
        high=column(both, "high"), low=column(both, "low"), close=column(both, "close"),
        volume=column(both, "volume"), mark_missing=np.isnan(mark["mark_open"]), **mark,
        funding=Funding(
            time_ns=at, rate=column(settled, "funding_rate"), interval_ns=np.diff(at, prepend=at[0] - 8 * HOUR_NS)
        ),
    )  # fmt: skip


def test_funding_of_one_bitcoin_held_short_is_the_sum_of_its_settlements(real_data: Path) -> None:
    """rate x mark open at the settlement, over every settlement of the set, to the cent; what is missing is listed."""
    panel = panel_of(real_data, "BTCUSDT")
    got = run(BacktestRequest(setups=("hold",), sides=(Side.SHORT,), qty=D(1)), [panel], load_brackets())
    (trade,) = got.trades.to_dicts()
    settled = pl.read_parquet(real_data / SET / "funding" / "BTCUSDT.parquet")
    marks = pl.read_parquet(real_data / SET / "mark" / "BTCUSDT_1h.parquet")
    joined = settled.with_columns(pl.col("time").dt.truncate("1m")).join(marks, on="time")
    assert joined.height == settled.height
    expected = (joined["funding_rate"] * joined["open"]).sum()
    assert trade["funding"] == pytest.approx(expected, abs=0.01)
    assert trade["qty"] == -1.0
    listed = got.missing.filter(pl.col("kind") == "funding")["time"].to_list()
    assert [f"{moment:%Y-%m-%d %H:%M}" for moment in listed] == ["2026-02-19 16:00"]
    assert not trade["funding_complete"]


def test_marks_cut_out_of_the_set_are_listed_and_the_open_stands_in(real_data: Path) -> None:
    panel = panel_of(real_data, "BTCUSDT")
    assert panel.funding is not None
    assert panel.mark_open is not None
    assert panel.mark_missing is not None
    gone = [80, 160]  # hours of two settlements
    missing, opens = panel.mark_missing.copy(), panel.mark_open.copy()
    missing[gone], opens[gone] = True, np.nan
    holed = dataclasses.replace(panel, mark_missing=missing, mark_open=opens)
    request = BacktestRequest(setups=("hold",), sides=(Side.SHORT,))
    whole, less = (run(request, [one], load_brackets()) for one in (panel, holed))
    k = np.searchsorted(panel.funding.time_ns, panel.time_ns[gone])
    change = (panel.funding.rate[k] * (panel.open[gone] - panel.mark_open[gone])).sum()
    assert less.trades["funding"][0] - whole.trades["funding"][0] == pytest.approx(change, abs=1e-6)
    listed = less.missing.filter(pl.col("kind") == "mark")["time"].dt.epoch("ns").to_list()
    assert listed == panel.time_ns[gone].tolist()


def test_at_125x_positions_die_where_mark_crossed_not_last(real_data: Path) -> None:
    """Every liquidation of the run, looked up again in the mark candles; last crosses elsewhere, and kills nobody."""
    panel = panel_of(real_data, "BTCUSDT")
    request = BacktestRequest(leverage=D(125), no_preflight=True, guards=False)
    got = run(request, [panel], load_brackets())
    assert any("research only" in note for note in got.notes)
    bars = pl.DataFrame(
        {
            "time": panel.time_ns, "mark_high": panel.mark_high, "mark_low": panel.mark_low, "high": panel.high,
            "low": panel.low,
        }
    )  # fmt: skip
    dead = last_alone = 0
    for trade in got.trades.with_columns(pl.col("entry_time", "exit_time").dt.epoch("ns")).to_dicts():
        short = trade["side"] == "short"
        level = trade["liquidation_price"]
        mark = pl.col("mark_high") >= level if short else pl.col("mark_low") <= level
        last = pl.col("high") >= level if short else pl.col("low") <= level
        held = bars.filter(pl.col("time").is_between(trade["entry_time"], trade["exit_time"]))
        crossed = held.filter(mark)["time"]
        if trade["exit_reason"] == "liquidated":
            dead += 1
            assert crossed[0] == trade["exit_time"]
        elif trade["exit_reason"] in ("target", "time", "invalidated"):
            # a position that closed at an open did not live through that bar
            lived = held if trade["exit_reason"] == "target" else held[:-1]
            assert lived.filter(mark).is_empty() or trade["target2"] is not None
        last_alone += held.filter(last & ~mark).height
    assert dead > 50
    assert last_alone > 0


def test_doge_on_10_october_2025(real_data: Path) -> None:
    """
    Last fell to a tick below 0.095 while the mark stopped higher in the same hour. A long whose liquidation price lies
    between the two is alive after it; one whose level the mark reached is gone in that hour.
    """
    panel = panel_of(real_data, "DOGEUSDT")
    i = int(np.searchsorted(panel.time_ns, parse_time("2025-10-10T21:00:00Z")))
    assert panel.mark_low is not None
    low, mark_low = float(panel.low[i]), float(panel.mark_low[i])
    assert low < 0.96 * mark_low
    from bearskin.margin import tiers_of
    from bearskin.paths import NEVER, REASONS, Ticket, lay, walk

    course = lay(panel)
    lane = course.lanes[Side.LONG]
    tiers = tiers_of(load_brackets().get("binance", "DOGEUSDT"), float)

    def fate(leverage: float) -> tuple[str, float]:
        ticket = Ticket(
            1000, 1000, i, i + 1, 0, 0, NEVER, 1, -NEVER, -NEVER, NEVER, 0, 0, 1, leverage, 0.0, 0.0, 0.0, 0.0125
        )
        got = walk(lane, tiers, ticket)
        return REASONS[got.reason], got.liquidation_price

    entry = float(panel.open[i])
    between = entry / (entry - (low + mark_low) / 2)  # about the leverage that dies half way between last and mark
    reason, level = fate(between)
    assert low < level < mark_low
    assert reason == "end"
    reason, level = fate(between * 1.2)
    assert level > mark_low
    assert reason == "liquidated"


def test_october_2025_over_several_symbols(real_data: Path) -> None:
    """The month of the cascade, with everything on: money is conserved and nothing is left unsaid."""
    panels = [panel_of(real_data, symbol) for symbol in ("BTCUSDT", "DOGEUSDT", "SOLUSDT", "ZECUSDT")]
    start = int(panels[0].time_ns[np.searchsorted(panels[0].time_ns, parse_time("2025-10-01"))])
    request = BacktestRequest(start_ns=start, end_ns=start + 31 * 24 * HOUR_NS)
    got = run(request, panels, load_brackets())
    assert got.trades.height > 20
    assert got.monthly["month"].to_list() == ["2025-10"]
    assert got.summary["net"] == pytest.approx(got.trades["net"].sum(), abs=1e-6)
    assert got.summary["signals"] == got.trades.height + got.declined.height
    assert str(got.summary["evidence"]).endswith(".")
