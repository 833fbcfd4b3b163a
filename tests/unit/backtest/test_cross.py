"""Cross margin: the account as a whole, and liquidation in steps."""

from __future__ import annotations

import dataclasses
import importlib.util
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bearskin.backtest import BacktestRequest, run
from bearskin.backtest import _symbols as gathering
from bearskin.market import Panel
from bearskin.terms import MarginMode, Side

_spec = importlib.util.spec_from_file_location("drawn_panels", Path(__file__).with_name("test_run.py"))
assert _spec is not None
assert _spec.loader is not None
help_: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(help_)

D = Decimal
CROSS: dict[str, Any] = {
    "margin_mode": MarginMode.CROSS, "preset": "pro", "guards": False, "no_preflight": True, "leverage": D(50),
    "risk_frac": D("0.5"), "heat_frac": D(1), "taker_fee_rate": D(0), "maker_fee_rate": D(0), "slippage_frac": D(0),
}  # fmt: skip


def go(monkeypatch: pytest.MonkeyPatch, events: list[Any], panels: list[Panel], **asked: Any) -> Any:
    def detect(panel: Panel, *_: object) -> list[Any]:
        return [event for event in events if event.symbol == panel.instrument.symbol]

    monkeypatch.setattr(gathering, "detect", detect)
    return run(BacktestRequest(**(CROSS | asked)), panels, help_.Book())


def test_an_account_that_dies_on_the_way_to_its_stop_is_liquidated_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    All of 10,000 at risk to a stop at 170: q coins short at 100 lose it all there, so equity meets 0.4 % of notional
    a little before, where 10,000 - q (m - 100) = 0.004 q m. The bar goes to 180, past both.
    """
    panel = help_.flat()
    help_.bend(panel, 6, high=180.0)
    event = help_.signal(panel, 2, stop=170.0, atr=0.3, targets=(20.0,))
    got = go(monkeypatch, [event], [panel], risk_frac=D(1))
    (trade,) = got.trades.to_dicts()
    q = -trade["qty"]
    assert q > 140
    assert trade["exit_reason"] == "liquidated"
    assert trade["exit_price"] == pytest.approx((10_000 + 100 * q) / (1.004 * q))
    assert trade["exit_price"] < 170.0


def test_a_small_position_is_closed_where_equity_meets_maintenance(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Wallet 10,000 and 150 coins short at 100 (one and a half times equity is the most), in the lowest bracket.
    Equity meets 0.4 % of notional where 10,000 - 150 (m - 100) = 0.004 * 150 m, at m = 25,000 / 150.6 = 166.0027.
    Last stays where it was, so that only liquidation ends it.
    """
    panel = help_.flat()
    help_.bend(panel, 6, high=180.0)
    panel.high[6] = 100.5
    event = help_.signal(panel, 2, stop=120.0, atr=0.1, targets=(60.0,))
    got = go(monkeypatch, [event], [panel], stop_trigger="last")
    (trade,) = got.trades.to_dicts()
    assert trade["qty"] == -150.0
    assert trade["exit_reason"] == "liquidated"
    assert trade["exit_price"] == pytest.approx(25_000 / 150.6)
    loss = 150 * (25_000 / 150.6 - 100)
    assert trade["net"] == pytest.approx(-10_000)
    assert trade["fees"] == pytest.approx(10_000 - loss)  # 1.25 % would be 311.26, but only 99.6 is left
    assert got.summary["equity_end"] == pytest.approx(0.0, abs=1e-9)
    assert any("ESTIMATED" in note and "1 steps" in note for note in got.notes)


def test_a_large_position_is_first_reduced_to_the_lower_bracket(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Wallet 100,000 and 1,500 coins short at 100: the upper bracket asks for 1 % of notional less 300.
    100,000 - 1,500 (m - 100) = 0.01 * 1,500 m - 300 at m = 250,300 / 1,515 = 165.2145.
    Reduced to a notional of 50,000 (to the step) the rest lives, the fee of 0.1 % paid: the mark goes to 165.5 only.
    """
    panel = help_.flat()
    dear_panel = panel
    cheap = dataclasses.replace(panel.instrument, liquidation_fee_rate=D("0.001"))
    panel = dataclasses.replace(panel, instrument=cheap)
    for one in (panel, dear_panel):
        help_.bend(one, 6, high=165.5)
        one.high[6] = 100.5
    event = help_.signal(panel, 2, stop=120.0, atr=0.1, targets=(60.0,))
    got = go(monkeypatch, [event], [panel], stop_trigger="last", equity=D(100_000))
    (trade,) = got.trades.to_dicts()
    mark = 250_300 / 1_515
    closed = 1_500 - int(50_000 / mark * 1000) / 1000
    assert trade["exit_reason"] == "end"
    assert "liquidated at a mark of 165.215" in trade["why_exit"]
    assert trade["fees"] == pytest.approx(closed * mark * 0.001, rel=1e-6)
    assert trade["net"] == pytest.approx(-closed * (mark - 100) - closed * mark * 0.001, rel=1e-6)
    assert got.equity["equity"][-1] == pytest.approx(100_000 + trade["net"])
    # at the usual 1.25 % the fee is more than what was left, and a second step closes the rest
    dear = go(monkeypatch, [event], [dear_panel], stop_trigger="last", equity=D(100_000))
    assert dear.trades["exit_reason"].to_list() == ["liquidated"]
    assert any("2 steps" in note for note in dear.notes)
    held = got.equity.filter(got.equity["open_positions"] == 1)["gross_exposure"]
    assert held[-1] == pytest.approx((1_500 - closed) * 100, rel=1e-6)


def test_all_marks_go_against_us_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    150 coins short and 150 coins long hedge each other on closes, but within one bar both may be at their worst:
    10,000 - 300 x meets 0.004 * 30,000 = 120 at a move of x = 32.93.
    """
    short, long = help_.flat("AAA"), help_.flat("BBB")
    help_.bend(short, 6, high=140.0)
    help_.bend(long, 6, low=60.0)
    short.high[6], long.low[6] = 100.5, 99.5
    events = [
        help_.signal(short, 2, stop=120.0, atr=0.1, targets=(60.0,)),
        help_.signal(long, 2, Side.LONG, stop=80.0, atr=0.1, targets=(140.0,)),
    ]
    got = go(monkeypatch, events, [short, long], stop_trigger="last")
    trades = {trade["symbol"]: trade for trade in got.trades.to_dicts()}
    assert (trades["AAA"]["qty"], trades["BBB"]["qty"]) == (-150.0, 150.0)
    # the short has the larger notional by then, so it goes first
    assert trades["AAA"]["exit_price"] == pytest.approx(100 + 9_880 / 300)
    assert got.equity["wallet"].to_numpy().min() >= 0
    assert got.summary["net"] == pytest.approx(got.trades["net"].sum())
    alone = go(monkeypatch, events[:1], [short], stop_trigger="last")
    assert alone.trades["exit_reason"].to_list() == ["end"]


def test_a_stop_in_the_same_bar_comes_before_the_account_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = help_.flat()
    help_.bend(panel, 6, high=180.0)
    event = help_.signal(panel, 2, stop=120.0, atr=0.1, targets=(60.0,))
    got = go(monkeypatch, [event], [panel])
    (trade,) = got.trades.to_dicts()
    assert (trade["exit_reason"], trade["net"]) == ("stop", pytest.approx(-3_000))


def test_no_bar_goes_unchecked_when_something_happens_at_its_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The case by hand above with a second signal, declined at the open of the very bar that liquidates."""
    panel = help_.flat()
    help_.bend(panel, 6, high=180.0)
    panel.high[6] = 100.5
    event = help_.signal(panel, 2, stop=120.0, atr=0.1, targets=(60.0,))
    for at in range(2, 6):
        other = help_.signal(panel, at, stop=120.0, atr=0.1, targets=(60.0,))
        got = go(monkeypatch, [event, other], [panel], stop_trigger="last")
        (trade,) = got.trades.to_dicts()
        assert (trade["exit_reason"], trade["exit_time"].hour) == ("liquidated", 6), at
        assert trade["exit_price"] == pytest.approx(25_000 / 150.6)


def test_a_jump_past_bankruptcy_costs_the_wallet_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Wallet 10,000 and 150 coins short at 100 are bankrupt at 100 + 10,000 / 150 = 166.67. Mark opens at 190, or last
    opens at 180 beyond the stop: the account is empty, the insurance fund pays the rest, and the exit says so.
    """
    for stop_trigger, name, jump in (("last", "mark_open", 190.0), ("mark", "open", 180.0)):
        panel = help_.flat()
        help_.bend(panel, 6, high=jump)
        getattr(panel, name)[6] = jump
        if stop_trigger == "last":
            panel.high[6] = 100.5
        event = help_.signal(panel, 2, stop=120.0, atr=0.1, targets=(60.0,))
        got = go(monkeypatch, [event], [panel], stop_trigger=stop_trigger)
        (trade,) = got.trades.to_dicts()
        assert trade["exit_reason"] == ("liquidated" if stop_trigger == "last" else "stop")
        assert trade["net"] == pytest.approx(-10_000)
        assert trade["gross"] == pytest.approx(-10_000)
        assert trade["exit_price"] == pytest.approx(100 + 10_000 / 150)
        assert got.summary["equity_end"] == pytest.approx(0.0, abs=1e-9)
        assert got.equity["wallet"].to_numpy().min() > -1e-9
        paid = 150 * (jump - 100) - 10_000
        assert f"the insurance fund paid {paid:.2f}" in trade["why_exit"]
        assert any(f"insurance fund paid {paid:.2f}" in note for note in got.notes)
