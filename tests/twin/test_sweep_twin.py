"""A sweep over many combinations of one symbol comes, trade by trade, to what a backtest of each comes to."""

from __future__ import annotations

import dataclasses
import functools
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twin.test_engine_twin import Book, drawn_signals, wild

from bearskin.backtest import BacktestRequest, BacktestResult, run, run_engine
from bearskin.backtest import _symbols as gathering
from bearskin.backtest._engine_run import COMPILED_ONLY
from bearskin.backtest._override import overridden, rules_of
from bearskin.backtest._sweep_core import COLUMNS, Swept, sweep_slowly, sweep_symbol, sweep_trades
from bearskin.backtest._symbols import Gathered, gather
from bearskin.engine import _plan as planning
from bearskin.engine import _signals as hearing
from bearskin.market import Funding, Panel
from bearskin.setups import SetupEvent, entry_ok
from bearskin.terms import HOUR_NS, BadInput

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


def holed(rng: np.random.Generator, panel: Panel) -> Panel:
    """The panel with holes, without a mark or with bars that lack one, and settlements that fall inside bars."""
    keep = rng.random(len(panel)) > rng.choice([0.0, 0.05])
    keep[[0, -1]] = True
    columns: dict[str, Any] = {
        name: getattr(panel, name)[keep] for name in ("time_ns", "open", "high", "low", "close", "volume")
    }
    marked = rng.random() < 0.8
    missing = rng.random(int(keep.sum())) < 0.05
    for name in ("mark_open", "mark_high", "mark_low", "mark_close"):
        columns[name] = np.where(missing, np.nan, getattr(panel, name)[keep]) if marked else None
    columns["mark_missing"] = missing if marked else None
    assert panel.funding is not None
    late = int(rng.choice([0, 0, HOUR_NS // 3, HOUR_NS - 1]))
    times = panel.time_ns[:: int(rng.choice([1, 4, 8]))]
    columns["funding"] = Funding(
        time_ns=times + late,
        rate=np.round(rng.normal(0, 0.001, len(times)), 6),
        interval_ns=np.full(len(times), HOUR_NS),
    )
    if rng.random() < 0.25:  # prices of old, finer than the tick of today
        columns["instrument"] = dataclasses.replace(panel.instrument, tick=D("0.5"))
    return dataclasses.replace(panel, **columns)


def odd_signals(rng: np.random.Generator, panel: Panel) -> list[SetupEvent]:
    """Drawn signals, some without time stop, without invalidation, trailing without a target, one risk from theirs."""
    found = []
    for event in drawn_signals(rng, panel):
        changes: dict[str, Any] = {}
        if rng.random() < 0.2:
            changes = {"targets": (), "trail_atr": float(rng.choice([1.5, 3.0]))}
        elif rng.random() < 0.3:
            changes["attrs"] = {"target_rule": "1R", "cost_frac": float(rng.choice([0.0, 0.0014, 0.004]))}
        if rng.random() < 0.2:
            changes["horizon_bars"] = 0
        if rng.random() < 0.2:
            changes["invalidation"] = 0.0
        changes["atr"] = float(rng.choice([0.004, 0.01, 0.03]))
        found.append(dataclasses.replace(event, **changes))
    return found


def drawn_request(rng: np.random.Generator) -> BacktestRequest:
    """Any of the words a sweep knows, each at times."""
    one = lambda *values: values[int(rng.integers(len(values)))]  # noqa: E731
    words: dict[str, Any] = {
        "entry": one(None, None, "market", "limit"),
        "trail_atr": one(D(0), D(0), D("0.7"), D(4)),
        "stop_trigger": one("mark", "last"),
        "target1_share": one(D("0.5"), D("0.29"), D(0), D(1), D("0.333")),
        "hold_bars": one(None, None, 0, 1, 7),
        "invalidation": one(True, False),
        "cost_scale": one(D(1), D(1), D("1.5"), D(0)),
        "risk_frac": one(D("0.01"), D("0.0037"), D("0.02")),
        "leverage": one(D(5), D(1), D(3), D(9)),
        "preset": one("standard", "pro", "beginner", "hedge"),
        "slippage_frac": one(D("0.0002"), D(0), D("0.001")),
        "heat_frac": one(D("0.03"), D("0.004")),
        "equity": one(D(10_000), D(150), D(400_000)),
        "no_preflight": one(False, False, True),
    }
    words |= one({}, {}, {"stop_scale": D(str(one(0.31, 1.7, 4)))}, {"stop_frac": D(str(one(0.004, 0.0211, 0.15)))})
    words |= one({}, {}, {"target_r": D(str(one(0.5, 1, 3.3)))}, {"target_frac": D(str(one(0.003, 0.02, 0.2)))})
    if words["no_preflight"]:
        words["leverage"] = one(D(20), D(60))
    return BacktestRequest(guards=False, **words)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_market_any_signals_any_combinations(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Holes, missing marks, funding at any moment; every word of a request; both sides: the sweep is the backtests."""
    rng = np.random.default_rng(seed)
    panel = holed(rng, wild(rng, "AAA", bars=240, wildness=float(rng.choice([0.003, 0.006, 0.02]))))
    found = offered(monkeypatch, panel, odd_signals(rng, panel))
    requests = [drawn_request(rng) for _ in range(12)]
    swept = sweep_symbol(found.symbols[0], found.offers, requests)
    slow = sweep_slowly(found.symbols[0], found.offers, requests)
    for i, request in enumerate(requests):
        agree(swept, i, run(request, [panel], Book()))
    for name in COLUMNS:
        assert getattr(slow, name) == pytest.approx(getattr(swept, name), rel=1e-9, abs=1e-7), name
    assert slow.day.tolist() == swept.day.tolist()


def test_guards_have_their_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ninety days with funding that often pays against a side: some signals are vetoed, most are halved."""
    rng = np.random.default_rng(4)
    panel = wild(rng, "AAA", bars=2_200)
    assert panel.funding is not None
    panel.funding.rate[:] = np.round(rng.normal(0.00005, 0.0001, len(panel.funding.rate)), 6)
    found = offered(monkeypatch, panel, drawn_signals(rng, panel)[::3])
    requests = [BacktestRequest(**asked) for asked in VARIED[:6]]
    swept = sweep_symbol(found.symbols[0], found.offers, requests)
    for i, request in enumerate(requests):
        result = run(request, [panel], Book())
        assert result.trades.height > 10
        agree(swept, i, result)
    free = sweep_symbol(found.symbols[0], found.offers, [BacktestRequest(guards=False)])
    assert free.trades[0] > swept.trades[0]


def test_a_long_history_is_gone_through_in_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """70,000 bars are more than two stretches and two of the largest blocks; trades are held across the seams."""
    rng = np.random.default_rng(12)
    panel = wild(rng, "AAA", bars=70_000, wildness=0.0005)
    events = [
        dataclasses.replace(event, horizon_bars=int(rng.choice([0, 200, 9_000])))
        for event in drawn_signals(rng, panel)[::40]
    ]
    found = offered(monkeypatch, panel, events)
    far = {"stop_frac": D("0.1"), "target_frac": D("0.12"), "invalidation": False, "leverage": D(2)}
    asked: tuple[dict[str, Any], ...] = ({}, far | {"hold_bars": 0}, far | {"trail_atr": D(5)})
    requests = [BacktestRequest(guards=False, **words) for words in asked] * 20
    swept = sweep_symbol(found.symbols[0], found.offers, requests)
    for i in range(len(asked)):
        result = run(requests[i], [panel], Book())
        assert result.trades["bars"].to_numpy().max() > 5_000
        agree(swept, i, result)
    assert swept.net[:3].tolist() * 20 == swept.net.tolist()


ENGINE: tuple[dict[str, Any], ...] = (
    {},
    {"stop_frac": D("0.02"), "target_frac": D("0.04"), "hold_bars": 0, "invalidation": False},
    {"entry": "limit", "target_r": D("1.5"), "stop_trigger": "last"},
    {"entry": "market", "trail_atr": D("1.5"), "hold_bars": 7, "slippage_frac": D(0)},
    {"target1_share": D("0.29"), "leverage": D(3), "risk_frac": D("0.004"), "cost_scale": D("1.5")},
)


@pytest.mark.parametrize("seed", [3, 8])
def test_a_sweep_is_what_the_engine_lives_through(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """
    The engine trades set-ups as it finds them, so it is given them, and what an entry is measured against, as the
    request would have them. All else is its own: orders, fills, funding and liquidation come from the exchange's core.
    """
    rng = np.random.default_rng(seed)
    panel = wild(rng, "AAA", bars=300)
    events = drawn_signals(rng, panel)
    found = offered(monkeypatch, panel, events)
    requests = [BacktestRequest(guards=False, **asked) for asked in ENGINE]
    swept = sweep_symbol(found.symbols[0], found.offers, requests)
    for i, request in enumerate(requests):
        given = [overridden(request, event, panel.instrument) for event in events]
        has_signals(monkeypatch, panel, given)
        monkeypatch.setattr(planning, "entry_ok", functools.partial(entry_ok, template=rules_of(request)))
        plain = {name: getattr(BacktestRequest(), name) for name in COMPILED_ONLY}
        lived = run_engine(dataclasses.replace(request, **plain), [panel], Book()).trades
        trades = sweep_trades(found.symbols[0], found.offers, request)
        assert lived.height == swept.trades[i] > 5
        assert lived.select(SAME).drop("ambiguous").rows() == trades.select(SAME).drop("ambiguous").rows()
        for name in CLOSE:
            assert lived[name].to_numpy() == pytest.approx(trades[name].to_numpy(), abs=0.01), name
        for name in ("net", "gross", "fees", "funding", "slippage"):
            assert getattr(swept, name)[i] == pytest.approx(lived[name].sum(), abs=0.01 * lived.height), name


def has_signals(monkeypatch: pytest.MonkeyPatch, panel: Panel, events: list[SetupEvent]) -> None:
    """Has the engine hear these signals at their bars, wherever its memory of bars begins."""

    def live(remembered: Panel, *_: object, **__: object) -> list[SetupEvent]:
        at = {int(opened): i for i, opened in enumerate(remembered.time_ns.tolist())}
        return [
            dataclasses.replace(event, bar=at[event.known_ns - panel.interval_ns])
            for event in events
            if event.known_ns - panel.interval_ns in at
        ]

    monkeypatch.setattr(hearing, "detect", live)


def test_requests_that_are_offered_different_signals_are_not_one_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    panel = wild(rng, "AAA", bars=60)
    found = offered(monkeypatch, panel, [])
    plain = BacktestRequest()
    with pytest.raises(BadInput, match="must agree in guards"):
        sweep_symbol(found.symbols[0], found.offers, [plain, dataclasses.replace(plain, guards=False)])
