"""Results against luck as a whole: backtests made again, random entries, sweeps, gates and the verdict."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bearskin.backtest import (
    BacktestRequest,
    Luck,
    Remaking,
    Stored,
    Sweep,
    SweepRequest,
    axes_of,
    luck_json,
    luck_of,
    luck_of_backtest,
    luck_of_sweep,
    read_sweep,
    run,
    run_sweep,
    tried_trades,
)
from bearskin.backtest import _luck_random as chance
from bearskin.backtest._luck_again import traded_positions
from bearskin.backtest._luck_gates import Figures, gates_of, verdict_of
from bearskin.backtest._luck_sweep import names_of
from bearskin.backtest._symbols import gather
from bearskin.market import Store, load_brackets, write_synthetic
from bearskin.terms import DAY_NS, BadInput, Side

SYMBOLS = ("BTCUSDT", "ETHUSDT")
BASE = BacktestRequest(setups=("failed_breakout", "stop_hunt"), guards=False)
GOOD = Figures(
    mean=0.1, t=3.0, dsr=0.95, pbo=0.2, first_half=0.1, second_half=0.1, without_best=0.01, dearer=0.02, events=200,
    against_random=0.01,
)  # fmt: skip
DAY = 86_400 * 10**9


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """Two made-up symbols over 160 days of hours."""
    root = tmp_path_factory.mktemp("store")
    write_synthetic(Store(root), seed=7, symbols=SYMBOLS, days=160, interval="1h")
    spans = tuple((symbol, None, None) for symbol in SYMBOLS)
    return Stored(root=root, venue="synthetic", product="linear", interval="1h", spans=spans)


@pytest.fixture(scope="module")
def swept(source: Stored, tmp_path_factory: pytest.TempPathFactory) -> tuple[SweepRequest, Sweep]:
    asked = SweepRequest(base=BASE, axes=axes_of(("stop_scale=0.8,1.3", "hold_bars=6,24", "target_r=none,2"), BASE))
    folder = tmp_path_factory.mktemp("sweep") / "out"
    run_sweep(asked, source, load_brackets(), folder)
    return asked, read_sweep(folder)


@pytest.fixture(scope="module")
def backtest_luck(source: Stored) -> Luck:
    panels = [source.panel(symbol) for symbol in SYMBOLS]
    return luck_of_backtest(BASE, panels, load_brackets(), draws=4).luck


def test_exactly_at_the_bars_every_gate_is_passed():
    gates = gates_of(GOOD, {})
    assert all(gate.passed for gate in gates)
    assert verdict_of(gates).startswith("every gate passed")


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("mean", 0.0), ("t", 2.99), ("dsr", 0.949), ("pbo", 0.21), ("first_half", -0.1), ("second_half", 0.0),
        ("without_best", 0.0), ("dearer", -0.01), ("events", 199), ("against_random", 0.0),
    ],
)  # fmt: skip
def test_one_gate_that_fails_or_has_no_figure_is_enough(name: str, bad: float):
    for figure in (bad, None):
        gates = gates_of(dataclasses.replace(GOOD, **{name: figure}), {name: "the dog ate it"})
        (failed,) = (gate for gate in gates if not gate.passed)
        assert failed.name == name
        assert failed.why == ("" if figure is not None else "the dog ate it")
        assert verdict_of(gates) == "no edge shown"


def test_a_backtest_made_again_is_the_backtest(backtest_luck: Luck, source: Stored):
    panels = [source.panel(symbol) for symbol in SYMBOLS]
    result = run(BASE, panels, load_brackets())
    assert backtest_luck.result.trades == result.trades.height
    assert backtest_luck.result.mean == pytest.approx(result.summary["expectancy_r"])
    assert backtest_luck.deflated is not None
    assert backtest_luck.deflated.trials == result.by_setup.height
    assert backtest_luck.daily.net.sum() == pytest.approx(result.summary["net"])


def test_dearer_costs_are_one_and_a_half_times_as_dear(backtest_luck: Luck, source: Stored):
    dear = dataclasses.replace(BASE, cost_scale=BASE.cost_scale * 3 / 2)
    result = run(dear, [source.panel(symbol) for symbol in SYMBOLS], load_brackets())
    assert backtest_luck.dearer is not None
    assert backtest_luck.dearer.mean == pytest.approx(result.summary["expectancy_r"])
    assert backtest_luck.dearer.mean < backtest_luck.result.mean


def test_what_luck_says_is_one_json_object(backtest_luck: Luck):
    told = json.loads(json.dumps(luck_json(backtest_luck), allow_nan=False))
    assert told["verdict"] == "no edge shown"
    assert [gate["name"] for gate in told["gates"]][:3] == ["mean", "t", "dsr"]
    assert isinstance(told["sharpe"]["dsr"], str)
    assert told["random"]["draws"] == 4
    assert told["walk_forward"]["folds"][0]["chosen"] in backtest_luck.daily.names


def test_an_interrupt_is_not_taken_for_a_result(source: Stored):
    def stop(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        luck_of_backtest(BASE, [source.panel("BTCUSDT")], load_brackets(), progress=stop)


def test_random_entries_keep_off_the_day_and_within_thirty(source: Stored):
    gathered = gather(BASE, [source.panel("BTCUSDT")], load_brackets(), None)
    (symbol,) = gathered.symbols
    entry_ns = int(symbol.panel.time_ns[2000])
    opens = symbol.panel.time_ns[chance.candidates(symbol, entry_ns)]
    assert (opens // DAY_NS != entry_ns // DAY_NS).all()
    assert abs(opens - entry_ns).max() <= 30 * DAY_NS
    assert len(opens) > 59 * 24


def test_a_random_entry_at_the_real_moment_is_the_real_trade(source: Stored, monkeypatch: pytest.MonkeyPatch):
    """The same kernel, the same costs, the same risk: at its own bar a trade comes to its own R."""
    for base in (BASE, dataclasses.replace(BASE, entry="limit", trail_atr=2)):
        gathered = gather(base, [source.panel("BTCUSDT")], load_brackets(), None)
        positions = traded_positions(base, gathered)
        result = run(base, [source.panel("BTCUSDT")], load_brackets())
        moments = {p.entry_ns if base.entry is None else p.offer.order_ns: p.offer.bar for p in positions}
        monkeypatch.setattr(chance, "candidates", lambda symbol, at, known=moments: np.array([known[at]]))
        pairs = [(base, position) for position in positions]
        found = chance.random_entries(pairs, result.trades["r"].to_list(), draws=1)
        assert found is not None
        assert found.trades == len(positions) > 20
        assert found.difference.mean == pytest.approx(0, abs=1e-9)
        assert found.random_mean == pytest.approx(result.summary["expectancy_r"])


def test_random_entries_are_the_same_for_the_same_seed(source: Stored):
    gathered = gather(BASE, [source.panel("ETHUSDT")], load_brackets(), None)
    positions = traded_positions(BASE, gathered)[:15]
    pairs, r = [(BASE, position) for position in positions], [0.0] * 15
    one, same, other = (chance.random_entries(pairs, r, draws=5, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_moved_prices_keep_their_distances(source: Stored):
    gathered = gather(BASE, [source.panel("BTCUSDT")], load_brackets(), None)
    event = gathered.offers[0].event
    assert event is not None
    moved = chance.shifted(event, 7, 1.25)
    assert moved.bar == 7
    assert moved.stop / moved.entry_ref == pytest.approx(event.stop / event.entry_ref)
    assert [t / moved.entry_ref for t in moved.targets] == pytest.approx([t / event.entry_ref for t in event.targets])


def planted(mean: float, trades: int = 900, seed: int = 1) -> pl.DataFrame:
    """Trades of two set-ups over 300 days with that mean R."""
    dice = np.random.default_rng(seed)
    days = np.sort(dice.integers(20_000, 20_300, trades))
    r = dice.standard_normal(trades) + mean
    at = pl.Series(days * DAY, dtype=pl.Int64).cast(pl.Datetime("ns", "UTC"))
    return pl.DataFrame(
        {"setup": dice.choice(["a", "b"], trades), "side": "short", "entry_time": at, "exit_time": at, "r": r, "net": r}
    )


def test_an_edge_that_is_there_is_seen_and_luck_is_not():
    edge = luck_of(tried_trades(planted(0.3), 1000.0, 20_000, 20_299))
    passed = {gate.name: gate.passed for gate in edge.gates}
    assert all(passed[name] for name in ("mean", "t", "dsr", "first_half", "second_half", "without_best", "events"))
    assert not edge.passed  # costs and random entries were not asked: no figure is no pass
    noise = luck_of(tried_trades(planted(0.0), 1000.0, 20_000, 20_299))
    assert sum(gate.passed for gate in noise.gates) <= 5
    assert noise.headline.startswith("no edge shown: ")
    assert "without a figure: At costs times 1.5, Better than random entries" in noise.headline


def test_more_trials_make_less_of_the_same_trades():
    few, many = (
        luck_of(tried_trades(planted(0.12), 1000.0, 20_000, 20_299, trials), tests=False) for trials in (None, 5000)
    )
    assert few.deflated is not None
    assert many.deflated is not None
    assert few.deflated.psr == many.deflated.psr
    assert many.deflated.dsr < few.deflated.dsr


def test_one_set_up_leaves_nothing_to_choose():
    trades = planted(0.1).with_columns(setup=pl.lit("only"))
    found = luck_of(tried_trades(trades, 1000.0, 20_000, 20_299), tests=False)
    (gate,) = (gate for gate in found.gates if gate.name == "pbo")
    assert not gate.passed
    assert gate.why == "there was nothing to choose among"
    assert found.choice is None
    assert found.deflated is not None
    assert found.deflated.dsr == found.deflated.psr


def test_a_sweep_is_judged_by_its_walk_forward(swept: tuple[SweepRequest, Sweep]):
    _, sweep = swept
    found = luck_of_sweep(sweep, tests=False)
    assert found.unit == "return"
    assert found.deflated is not None
    assert found.deflated.trials == sweep.tried == 8
    assert found.choice is not None
    assert found.result.trades == len(found.choice.days)
    missing = [gate.name for gate in found.gates if gate.figure is None]
    assert missing == ["dearer", "events", "against_random"]
    assert found.best is not None
    assert found.best.name == found.daily.names[int(found.ratios.argmax())]


def test_names_tell_the_values_of_the_numbers(swept: tuple[SweepRequest, Sweep]):
    asked, sweep = swept
    for number, name in enumerate(names_of(sweep, range(8))):
        values = asked.grid.values(number)
        words = [f"{axis}={'none' if value is None else float(value)}" for axis, value in values.items()]
        assert name.split()[0] == f"#{number}"
        got = [
            word if word.endswith("none") else f"{word.split('=')[0]}={float(word.split('=')[1])}"
            for word in name.split()[1:]
        ]
        assert got == words


def test_trades_of_a_sweep_made_again_are_the_sweeps(swept: tuple[SweepRequest, Sweep], source: Stored):
    """The days of what was chosen, made again trade by trade, are the days the sweep wrote down."""
    asked, sweep = swept
    again = Remaking(grid=asked.grid, source=source, brackets=load_brackets())
    found = luck_of_sweep(sweep, again, draws=2, tests=False)
    assert found.unit == "R"
    assert found.choice is not None
    assert found.random is not None
    assert found.dearer is not None
    assert found.random.trades == found.result.trades
    assert abs(found.dearer.trades - found.result.trades) <= 0.05 * found.result.trades
    assert found.notes == ()  # neither data nor code have changed
    chosen = {fold.chosen for fold in found.choice.folds}
    column = chosen.pop()
    request = asked.grid.request(column)
    net = np.zeros(len(found.daily.days))
    for symbol in SYMBOLS:
        result = run(request, [source.panel(symbol)], load_brackets())
        np.add.at(
            net, result.trades["exit_time"].dt.epoch("d").to_numpy() - sweep.first_day, result.trades["net"].to_numpy()
        )
    assert found.daily.net[:, column] == pytest.approx(net, abs=0.01)


def test_too_many_combinations_are_sampled_with_the_best_in_it(
    swept: tuple[SweepRequest, Sweep], monkeypatch: pytest.MonkeyPatch
):
    _, sweep = swept
    monkeypatch.setattr("bearskin.backtest._luck_sweep.CELLS_MAX", 4 * (sweep.last_day - sweep.first_day + 1))
    found = luck_of_sweep(sweep, tests=False)
    assert len(found.ratios) == 4
    assert found.deflated is not None
    assert found.deflated.trials == 8
    totals = sweep.combinations.sort("net", descending=True).collect()
    assert any(name.split()[0] == f"#{totals['combination'][0]}" for name in found.daily.names)
    assert any("drawn at random" in note for note in found.notes)


def test_what_cannot_be_judged_is_refused(source: Stored, tmp_path: Path):
    panels = [source.panel("BTCUSDT")]
    with pytest.raises(BadInput, match="yardstick"):
        luck_of_backtest(BacktestRequest(setups=("hold",)), panels, load_brackets())
    asked = SweepRequest(base=BASE, axes=axes_of(("stop_scale=1",), BASE))
    run_sweep(asked, source, load_brackets(), tmp_path / "one")
    with pytest.raises(BadInput, match="two to choose among"):
        luck_of_sweep(read_sweep(tmp_path / "one"))
    short = dataclasses.replace(BASE, sides=(Side.SHORT,), end_ns=int(panels[0].time_ns[24 * 40]))
    asked = SweepRequest(base=short, axes=axes_of(("stop_scale=1,2",), short))
    run_sweep(asked, source, load_brackets(), tmp_path / "short")
    with pytest.raises(BadInput, match=r"a walk forward over 4[01] days is not possible"):
        luck_of_sweep(read_sweep(tmp_path / "short"))
