"""An event study on markets whose answer is known."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bearskin.backtest import BacktestRequest, CasesKept, StudyRequest, StudySet, coarser, run, run_study
from bearskin.backtest._study_cases import SCHEMA, baseline_of, cases_of, horizon_of, pieces, refractory, stretch
from bearskin.backtest._study_table import judged, table_of
from bearskin.backtest._symbols import first_bars
from bearskin.market import Funding, Panel, Store, load_brackets, load_panel, write_synthetic
from bearskin.setups import (
    AGAINST,
    BEFORE_COSTS,
    EDGE,
    NO_EDGE,
    SETUPS,
    TOO_FEW,
    Draft,
    Setup,
)
from bearskin.terms import DAY_NS, HOUR_NS, BadInput, Instrument, MarginMode, Product, Side

START_NS = 1_735_689_600_000_000_000  # 2025-01-01
MARK = 7.0  # a volume that says: here
HOURS = 24


def instrument(symbol: str = "AAAUSDT") -> Instrument:
    return Instrument(
        venue="synthetic",
        symbol=symbol,
        product=Product.LINEAR,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        settle="USDT",
        tick=Decimal("0.000001"),
        step=Decimal("0.001"),
        min_qty=Decimal("0.001"),
        min_notional=Decimal(5),
        taker_fee_rate=Decimal("0.0005"),
    )


def market(steps: np.ndarray, marked: np.ndarray, symbol: str = "AAAUSDT", funding: Funding | None = None) -> Panel:
    """A market whose log close moves by `steps` a bar; `marked` bars carry the volume that the planted set-up reads."""
    close = 100 * np.exp(np.cumsum(steps))
    opened = np.concatenate([[100.0], close[:-1]])
    count = len(steps)
    return Panel(
        instrument=instrument(symbol),
        interval_ns=HOUR_NS,
        time_ns=START_NS + HOUR_NS * np.arange(count, dtype=np.int64),
        open=opened,
        high=np.maximum(opened, close) * 1.001,
        low=np.minimum(opened, close) * 0.999,
        close=close,
        volume=np.where(marked, MARK, 1.0),
        funding=funding,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    nothing: int = 0


def planted(view, params):
    """A signal wherever the market says so; it reads that bar only."""
    if view.side is not Side.SHORT:
        return
    for bar in np.flatnonzero(view.panel.volume == MARK).tolist():
        close, atr = float(view.close[bar]), float(view.atr()[bar])
        yield Draft(
            bar=bar,
            level=close,
            anchor_bar=bar,
            extreme=close + atr,
            targets=(close - 3 * atr,),
            invalidation=close + 2 * atr,
            horizon_bars=12,
            why="marked.",
        )


@pytest.fixture(autouse=True)
def registry(monkeypatch):
    known = dict(SETUPS._known)
    known["planted"] = Setup(name="planted", title="Planted", families=("structure",), detect=planted, params=Planted())
    monkeypatch.setattr(SETUPS, "_known", known)


REQUEST = StudyRequest(setups=("planted",), sides=(Side.SHORT,))


def set_of(*panels: Panel, role: str = "headline", name: str = "made up") -> StudySet:
    there = {panel.instrument.symbol: panel for panel in panels}
    return StudySet(name=name, role=role, symbols=tuple(there), load=there.__getitem__)


def noise(seed: int, *, coins: int = 4, days: int = 150, signals: int = 80, drift: float = 0.0) -> list[Panel]:
    """Coins that share most of their moves and all their signals; `drift` is added to each of the 24 bars after one."""
    dice = np.random.default_rng(seed)
    count = days * 24
    shared = dice.normal(scale=0.004, size=count)
    marked = np.zeros(count, dtype=bool)
    marked[dice.choice(np.arange(50, count - 100), signals, replace=False)] = True
    after = np.zeros(count)
    for bar in np.flatnonzero(marked):
        after[bar + 1 : bar + 1 + HOURS] = drift
    return [
        market(shared + dice.normal(scale=0.001, size=count) + after, marked, f"{name}USDT")
        for name in ("AAA", "BBB", "CCC", "DDD")[:coins]
    ]


def row_of(result, hours: float = 24.0) -> dict:
    return result.table.filter(pl.col("horizon_h") == hours).row(0, named=True)


def test_a_planted_drift_is_recovered():
    row = row_of(run_study(REQUEST, [set_of(*noise(1, signals=30, drift=-0.0015))]))
    # 24 bars of 15 bp each fall; random entries nearby catch some of the drift of other signals
    assert 250 < row["excess_bp"] < 380
    assert row["excess_bp"] == pytest.approx(row["mean_bp"] - row["baseline_bp"])
    assert row["t"] > 5
    assert row["p_holm"] < 1e-4
    assert row["first_half_bp"] > 100
    assert row["second_half_bp"] > 100
    assert row["verdict"] == EDGE or row["net_bp"] is None


def test_a_drift_against_the_trade_is_evidence_against():
    row = row_of(run_study(REQUEST, [set_of(*noise(2, signals=30, drift=+0.0015))]))
    assert row["excess_bp"] < -250
    assert row["verdict"] == AGAINST


@pytest.mark.slow
def test_pure_noise_rejects_no_more_often_than_it_may():
    """Coins that move together on the same days: a t that took every case for itself would cry wolf."""
    seeds, rejected, naive = 60, 0, 0
    for seed in range(seeds):
        result = run_study(REQUEST, [set_of(*noise(100 + seed))])
        rejected += row_of(result)["p"] < 0.05
        cases = result.cases.filter(pl.col("horizon_ns") == 24 * HOUR_NS)
        excess = (cases["trade_bp"] - cases["base_bp"]).to_numpy()
        naive += abs(excess.mean() / (excess.std(ddof=1) / math.sqrt(len(excess)))) > 1.96
    assert rejected <= 7  # 3 expected of 60; eight or more would come once in fifty such runs
    assert naive >= 10


@pytest.mark.slow
def test_what_led_up_to_a_signal_flatters_the_first_baseline_only():
    """Signals after a rise in a market without any edge: the days before hold the rise, the days after do not."""
    either, later = [], []
    for seed in range(40):
        dice = np.random.default_rng(seed)
        steps = dice.normal(scale=0.004, size=200 * 24)
        risen = np.convolve(steps, np.ones(72), "full")[: len(steps)]
        marked = (risen > 0.07) & (np.arange(len(steps)) > 100)
        row = row_of(run_study(REQUEST, [set_of(market(steps, marked))]), 72.0)
        either.append(row["baseline_bp"])
        later.append(row["mean_bp"] - row["excess_later_bp"])
    assert np.mean(either) < -25
    assert abs(np.mean(later)) < 25


def test_the_baseline_is_the_mean_of_every_entry_close_in_time_but_not_on_the_day():
    panel = noise(5, days=90)[0]
    panel = stretch(panel, 0, len(panel))
    held = horizon_of(panel, 24 * HOUR_NS)
    for bar in (3, 700, 1200, 2130):
        entry = int(panel.time_ns[bar])
        near = np.abs(panel.time_ns - entry) <= 30 * DAY_NS
        other_day = panel.time_ns // DAY_NS != entry // DAY_NS
        there = held.last >= 0
        chosen = near & other_day & there
        by_hand = np.mean([panel.close[i + 23] / panel.open[i] - 1 for i in np.flatnonzero(chosen)])
        found = baseline_of(panel.time_ns, held, np.array([entry]), 30 * DAY_NS, 30 * DAY_NS, 5)
        assert found[0] == pytest.approx(by_hand, rel=1e-9)
        after = chosen & (panel.time_ns > entry)
        later = baseline_of(panel.time_ns, held, np.array([entry]), 0, 30 * DAY_NS, 1)
        if after.any():
            by_hand = np.mean([panel.close[i + 23] / panel.open[i] - 1 for i in np.flatnonzero(after)])
            assert later[0] == pytest.approx(by_hand, rel=1e-9)


def test_too_few_days_for_a_baseline_leave_the_case_out():
    panel = market(np.full(24 * 4, 0.001), np.arange(96) == 40)
    found = cases_of(replace(REQUEST, horizons_ns=(4 * HOUR_NS,), headline_ns=4 * HOUR_NS), panel)
    assert found.cases.filter(pl.col("horizon_ns") > 0).is_empty()
    assert found.lost["no random entries close in time"] == 1


def test_a_case_is_entered_at_the_next_open_and_left_a_horizon_later():
    steps = np.random.default_rng(3).normal(scale=0.01, size=24 * 60)
    panel = market(steps, np.arange(len(steps)) == 500)
    cases = cases_of(REQUEST, panel).cases.filter(pl.col("horizon_ns") == 4 * HOUR_NS)
    assert cases.height == 1
    assert cases["entry_ns"][0] == panel.time_ns[501]
    assert cases["trade_bp"][0] == pytest.approx(-1e4 * (panel.close[504] / panel.open[501] - 1))
    # 5 bp of fee and 2 bp of slippage on the way in, the same on what it is worth on the way out
    assert cases["cost_bp"][0] == pytest.approx(7 * (1 + panel.close[504] / panel.open[501]))


def test_funding_is_that_of_the_settlements_in_the_window():
    steps = np.random.default_rng(3).normal(scale=0.01, size=24 * 60)
    times = START_NS + 8 * HOUR_NS * np.arange(60 * 3, dtype=np.int64)
    rate = np.random.default_rng(4).normal(scale=0.001, size=len(times))
    funding = Funding(time_ns=times, rate=rate, interval_ns=np.full(len(times), 8 * HOUR_NS, dtype=np.int64))
    panel = market(steps, np.isin(np.arange(len(steps)), [502]), funding=funding)
    cases = cases_of(REQUEST, panel).cases.filter(pl.col("horizon_ns") == 24 * HOUR_NS)
    entry = 503  # 23:00: the settlements at 504, 512 and 520 are in, that at 528 is not
    received = sum(rate[k // 8] * panel.open[k] for k in (504, 512, 520)) / panel.open[entry]
    assert cases["funding_bp"].to_list() == pytest.approx([1e4 * received])
    gone = replace(funding, rate=np.where(np.arange(len(times)) == 64, np.nan, rate))
    unknown = cases_of(REQUEST, replace(panel, funding=gone)).cases.filter(pl.col("horizon_ns") == 24 * HOUR_NS)
    assert unknown["funding_bp"].to_list() == [None]


def test_cases_of_one_kind_never_overlap():
    found = cases_of(REQUEST, noise(8)[0]).cases
    for horizon_ns in REQUEST.horizons_ns:
        entries = found.filter(pl.col("horizon_ns") == horizon_ns)["entry_ns"].to_numpy()
        assert len(entries) > 10
        assert np.diff(entries).min() >= horizon_ns


def test_refractory_keeps_the_first_and_whoever_comes_late_enough():
    assert refractory(np.array([0, 3, 5, 9, 10]), 5).tolist() == [0, 2, 4]


def test_no_case_knows_what_came_after_it():
    """Cutting the market off later changes no return, and no baseline of which every day is still there."""
    panel = noise(11)[0]
    whole = cases_of(REQUEST, panel).cases
    for end in (1500, 2222, 3000):
        part = cases_of(REQUEST, first_bars(panel, end)).cases
        until = int(panel.time_ns[end - 1]) + HOUR_NS
        held = part.filter(pl.col("horizon_ns") > 0)
        same = whole.filter((pl.col("horizon_ns") > 0) & (pl.col("entry_ns") + pl.col("horizon_ns") <= until))
        names = ["setup", "side", "horizon_ns", "entry_ns", "trade_bp", "cost_bp"]
        # the last days before the cut may lack a baseline; what is there is the same
        joined = held.join(same, on=names[:4], suffix="_whole")
        assert joined.height == held.height
        assert (joined["trade_bp"] == joined["trade_bp_whole"]).all()
        settled = joined.filter(pl.col("entry_ns") + 30 * DAY_NS + 72 * HOUR_NS < until)
        assert settled.height
        assert settled["base_bp"].to_numpy() == pytest.approx(settled["base_bp_whole"].to_numpy())


def test_a_coin_counts_once_at_a_time():
    first, other = noise(4, coins=2)
    early = first_bars(first, 1800)
    both = run_study(REQUEST, [set_of(early), set_of(first, other, name="wider")])
    alone = run_study(REQUEST, [set_of(first, other)])
    spans = both.cases.filter((pl.col("symbol") == "AAAUSDT") & (pl.col("set") == "wider"))
    assert spans["entry_ns"].min() >= early.time_ns[-1] + HOUR_NS
    key = ["symbol", "setup", "side", "horizon_ns", "entry_ns"]
    assert both.cases.select(key).is_duplicated().sum() == 0
    # nothing is lost but what straddles the border of the sets
    assert alone.cases.height - 8 <= both.cases.height <= alone.cases.height + 3
    shown = run_study(REQUEST, [set_of(first), set_of(first, role="sensitivity", name="again")])
    assert shown.table.equals(run_study(REQUEST, [set_of(first)]).table)
    assert shown.by_set.filter(pl.col("set") == "again")["n"].to_list() == shown.table["n"].to_list()


def test_a_long_hole_cuts_the_market():
    panel = noise(6)[0]
    keep = np.r_[0:1000, 1060:3600]
    holed = replace(
        panel, **{name: getattr(panel, name)[keep] for name in ("time_ns", "open", "high", "low", "close", "volume")}
    )
    assert [len(piece) for piece in pieces(holed)] == [1000, 2540]
    assert [len(piece) for piece in pieces(panel)] == [3600]


def test_bars_put_together_are_the_coarser_bars():
    panel = noise(6, days=40)[0]
    four = coarser(stretch(panel, 2, 950), 4 * HOUR_NS)
    assert four is not None
    assert (four.time_ns % (4 * HOUR_NS) == 0).all()
    assert four.time_ns[0] == panel.time_ns[4]  # the first two bars make no whole one
    assert four.open[3] == panel.open[16]
    assert four.high[3] == panel.high[16:20].max()
    assert four.low[3] == panel.low[16:20].min()
    assert four.close[3] == panel.close[19]
    assert four.volume[3] == panel.volume[16:20].sum()
    assert len(four) == (950 - 4) // 4
    assert coarser(stretch(panel, 1, 4), 4 * HOUR_NS) is None


@pytest.mark.parametrize("name", ["failed_breakout", "stop_hunt"])
def test_the_trade_as_asked_is_the_backtests(name):
    panel = synthetic_panel(5)
    request = StudyRequest(setups=(name,), sides=(Side.SHORT,))
    asked = cases_of(request, panel).cases.filter(pl.col("horizon_ns") == 0)
    rules = BacktestRequest(
        setups=(name,),
        sides=(Side.SHORT,),
        guards=False,
        no_preflight=True,
        margin_mode=MarginMode.CROSS,
        leverage=Decimal(1),
        equity=Decimal(100_000_000),
        risk_frac=Decimal("0.00001"),
        funding="charge",
    )
    trades = run(rules, [panel], load_brackets(None)).trades.filter(pl.col("exit_reason") != "end")
    there = dict(zip(trades["entry_time"].dt.epoch("ns"), trades["r"], strict=True))
    mine = dict(zip(asked["entry_ns"], asked["r"], strict=True))
    assert len(mine) > 20
    assert list(mine) == list(there)
    assert list(mine.values()) == pytest.approx(list(there.values()), abs=2e-3)


def synthetic_panel(seed: int) -> Panel:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        write_synthetic(store, seed=seed, symbols=("BTCUSDT",), days=240)
        return load_panel(store, venue="synthetic", symbol="BTCUSDT", interval="1h")


def verdict_of(**changes) -> str:
    dull = {
        "setup": "planted", "side": "short", "horizon_h": 24.0, "n": 500, "excess_bp": 30.0, "p_holm": 0.01,
        "first_half_bp": 20.0, "second_half_bp": 40.0, "after_fees_bp": 10.0, "net_bp": 8.0, "asked_mean_r": 0.1,
    }  # fmt: skip
    again = changes.pop("again", None)
    empty = table_of(REQUEST, pl.DataFrame(schema={"symbol": pl.String, **SCHEMA}), ["planted"])
    empty = empty.filter(pl.col("horizon_h") == 24)
    row = empty.with_columns(pl.lit(value).cast(empty.schema[name]).alias(name) for name, value in dull.items())
    row = row.with_columns(pl.lit(value).cast(empty.schema[name]).alias(name) for name, value in changes.items())
    repeated = None
    if again is not None:
        n, excess = again
        repeated = row.with_columns(n=pl.lit(n, dtype=pl.Int64), excess_bp=pl.lit(excess, dtype=pl.Float64))
    return judged(REQUEST, row, repeated)["verdict"][0]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, EDGE),
        ({"p_holm": None}, TOO_FEW),
        ({"p_holm": 0.05}, NO_EDGE),
        ({"excess_bp": -30.0}, AGAINST),
        ({"second_half_bp": -1.0}, NO_EDGE),
        ({"again": (200, -5.0)}, NO_EDGE),
        ({"again": (20, -5.0)}, EDGE),
        ({"again": (200, 5.0)}, EDGE),
        ({"after_fees_bp": -1.0}, BEFORE_COSTS),
        ({"net_bp": -1.0}, BEFORE_COSTS),
        ({"net_bp": None}, BEFORE_COSTS),
        ({"asked_mean_r": -0.01}, BEFORE_COSTS),
    ],
)
def test_the_words_follow_from_the_outcome(changes, verdict):
    assert verdict_of(**changes) == verdict


def test_stopping_keeps_what_was_done(tmp_path):
    panels = noise(12)
    kept = CasesKept(tmp_path / "cases")
    asked = []

    def load(symbol):
        asked.append(symbol)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return next(panel for panel in panels if panel.instrument.symbol == symbol)

    names = tuple(panel.instrument.symbol for panel in panels)
    partly = run_study(REQUEST, [StudySet(name="made up", role="headline", symbols=names, load=load)], kept=kept)
    assert partly.interrupted
    assert partly.notes[0].startswith("PARTIAL")
    assert partly.sets["symbols"].to_list() == [2]
    assert set(partly.cases["symbol"]) == {"AAAUSDT", "BBBUSDT"}
    assert len(list((tmp_path / "cases").glob("*.parquet"))) == 2
    whole = run_study(REQUEST, [set_of(*panels)], kept=kept)
    assert whole.cases.equals(run_study(REQUEST, [set_of(*panels)]).cases)
    assert len(list((tmp_path / "cases").glob("*.parquet"))) == 4
    other = replace(REQUEST, slippage_frac=Decimal("0.001"))
    run_study(other, [set_of(*panels)], kept=kept)
    assert len(list((tmp_path / "cases").glob("*.parquet"))) == 8


def test_what_cannot_be_studied_is_said():
    panel = noise(1, coins=1)[0]
    with pytest.raises(BadInput, match="'nope' is not a set-up"):
        run_study(replace(REQUEST, setups=("nope",)), [set_of(panel)])
    with pytest.raises(BadInput, match="needs a data set with the role headline"):
        run_study(REQUEST, [set_of(panel, role="sensitivity")])
    odd = replace(REQUEST, horizons_ns=(3 * HOUR_NS // 2,), headline_ns=3 * HOUR_NS // 2)
    with pytest.raises(BadInput, match="no whole number of 1h bars"):
        run_study(odd, [set_of(panel)])
    with pytest.raises(BadInput, match="must be one of the horizons"):
        StudyRequest(horizons_ns=(HOUR_NS,))
