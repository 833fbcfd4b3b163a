"""Sweeps: the same results however they are computed, resumed where they were killed, refused where they do not fit."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from bearskin.backtest import (
    BacktestRequest,
    Stored,
    SweepRequest,
    SweepRun,
    axes_of,
    read_sweep,
    run,
    run_sweep,
)
from bearskin.backtest import _search_run as running
from bearskin.backtest._search_folder import MEASURES
from bearskin.market import Store, load_brackets, write_synthetic
from bearskin.terms import DAY_NS, BadInput, Side

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
WORDS = ("failed_breakout.fail_bars=4..6", "stop_scale=0.8,1,1.25", "target_r=none,1.5")
BASE = BacktestRequest(setups=("failed_breakout",), guards=False)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """Three made-up symbols over sixty days of hours, in a store."""
    root = tmp_path_factory.mktemp("store")
    write_synthetic(Store(root), seed=7, symbols=SYMBOLS, days=60, interval="1h")
    spans = tuple((symbol, None, None) for symbol in SYMBOLS)
    return Stored(root=root, venue="synthetic", product="linear", interval="1h", spans=spans)


@pytest.fixture(scope="module")
def grid_run(source: Stored, tmp_path_factory: pytest.TempPathFactory) -> SweepRun:
    return run_sweep(request(), source, load_brackets(), tmp_path_factory.mktemp("grid") / "sweep")


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Units of two combinations, so that there are many."""
    monkeypatch.setattr("bearskin.backtest._search_grid.BLOCK_COMBINATIONS", 2)


def request(*words: str, base: BacktestRequest = BASE, **more: Any) -> SweepRequest:
    return SweepRequest(base=base, axes=axes_of(words or WORDS, base), **more)


def interrupt_after(units: int) -> Callable[[str, int, int], None]:
    """A progress that presses Ctrl-C when so many units are done."""

    def progress(what: str, done: int, total: int) -> None:
        if not what.startswith("reading") and done >= units:
            raise KeyboardInterrupt

    return progress


def test_a_combination_is_the_backtest_with_its_values_on_every_symbol(grid_run: SweepRun, source: Stored):
    sweep = grid_run.sweep
    rows = sweep.rows.collect()
    assert rows.height == 18 * 3
    assert sweep.complete
    assert sweep.tried == sweep.grid == 18
    number = 13
    (chosen,) = sweep.combinations.filter(pl.col("combination") == number).collect().to_dicts()
    assert {name: chosen[name] for name in sweep.axes} == {
        "failed_breakout.fail_bars": 6, "stop_scale": 0.8, "target_r": 1.5,
    }  # fmt: skip
    single = request().grid.request(number)
    nets, days = [], np.zeros(sweep.last_day - sweep.first_day + 1)
    for symbol in SYMBOLS:
        alone = run(single, [source.panel(symbol)], load_brackets())
        (row,) = rows.filter((pl.col("combination") == number) & (pl.col("symbol") == symbol)).to_dicts()
        assert row["trades"] == alone.trades.height
        assert row["net"] == pytest.approx(float(alone.trades["net"].sum()), abs=1e-6)
        assert row["wins"] == int((alone.trades["net"] > 0).sum())
        nets.append(row["net"])
        exits = alone.trades["exit_time"].dt.epoch("ns").to_numpy() // DAY_NS - sweep.first_day
        np.add.at(days, exits, alone.trades["net"].to_numpy())
    assert chosen["net"] == pytest.approx(sum(nets))
    assert chosen["trades"] > 0
    _, matrix = sweep.daily([0, number])
    assert matrix.shape == (len(days), 2)
    np.testing.assert_allclose(matrix[:, 1], days, atol=1e-3)


def test_the_folder_can_be_read_again_and_knows_what_is_in_it(grid_run: SweepRun):
    sweep = read_sweep(grid_run.sweep.folder)
    assert sweep.digest() == grid_run.sweep.digest()
    assert sweep.equity == 10_000
    assert set(MEASURES) <= set(sweep.rows.collect_schema().names())
    standings = sweep.standings()
    totals = sweep.combinations.collect()
    np.testing.assert_allclose(standings.net, totals["net"].to_numpy())
    best = int(standings.numbers[np.argmax(standings.net)])
    shown = sweep.of([best, 0])
    assert shown["combination"].to_list() == [best, 0]
    with pytest.raises(BadInput, match="combination 99 is not in the sweep"):
        sweep.daily([1, 99])
    with pytest.raises(BadInput, match="holds no sweep"):
        read_sweep(sweep.folder / "rows")


def test_detectors_are_asked_once_for_combinations_that_differ_only_after_them(
    source: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked = []
    from bearskin.backtest import _search_work as work

    real = work.events_of
    monkeypatch.setattr(work, "events_of", lambda *given: asked.append(given) or real(*given))
    run_sweep(request(), source, load_brackets(), tmp_path / "s")
    assert len(asked) == 3 * len(SYMBOLS)  # three values of fail_bars, not eighteen combinations


@pytest.mark.usefixtures("small_blocks")
def test_ctrl_c_keeps_what_is_done_and_going_on_ends_where_one_run_would(
    source: Stored, tmp_path: Path, grid_run: SweepRun
):
    folder = tmp_path / "s"
    first = run_sweep(request(), source, load_brackets(), folder, progress=interrupt_after(5))
    assert first.interrupted
    assert first.done_now == 5
    assert not first.sweep.complete
    then = run_sweep(request(), source, load_brackets(), folder, resume=True)
    assert not then.interrupted
    assert then.done_before == 5
    assert then.done_now + 5 == then.sweep.units == 27
    assert then.sweep.digest() == grid_run.sweep.digest()
    again = run_sweep(request(), source, load_brackets(), folder, resume=True)
    assert again.done_now == 0


@pytest.mark.usefixtures("small_blocks")
def test_half_written_files_are_done_again(source: Stored, tmp_path: Path, grid_run: SweepRun):
    folder = tmp_path / "s"
    run_sweep(request(), source, load_brackets(), folder)
    lost = sorted((folder / "rows").glob("*.parquet"))[3]
    (folder / "rows" / f".{lost.name}.aside").write_bytes(lost.read_bytes()[:40])  # killed before the rename
    lost.unlink()
    then = run_sweep(request(), source, load_brackets(), folder, resume=True)
    assert then.done_now == 1
    assert then.sweep.digest() == grid_run.sweep.digest()
    assert not list(folder.glob("*/.*"))


def script(source: Stored, folder: Path, *more: str) -> list[str]:
    """A process of its own that sweeps into `folder`, slowly enough to be killed."""
    code = f"""
import sys, time
from pathlib import Path
from bearskin.backtest import BacktestRequest, Stored, SweepRequest, axes_of, run_sweep
from bearskin.backtest import _search_grid
from bearskin.market import load_brackets

if __name__ == "__main__":
    _search_grid.BLOCK_COMBINATIONS = 2
    base = BacktestRequest(setups=("failed_breakout",), guards=False)
    request = SweepRequest(base=base, axes=axes_of({WORDS!r}, base))
    spans = tuple((symbol, None, None) for symbol in {SYMBOLS!r})
    source = Stored(root=Path({str(source.root)!r}), venue="synthetic", product="linear", interval="1h", spans=spans)
    slow = lambda what, done, total: time.sleep(0 if what.startswith("reading") else 0.15)
    {"; ".join(more) or "pass"}
    ran = run_sweep(request, source, load_brackets(), Path({str(folder)!r}), progress=slow, processes=processes)
    print(ran.sweep.digest())
"""
    path = folder.parent / "sweep_of_its_own.py"
    path.write_text(code)
    return [sys.executable, str(path)]


@pytest.mark.parametrize("processes", [1, 2])
def test_killed_without_warning_it_goes_on_and_comes_to_the_same(
    source: Stored, tmp_path: Path, grid_run: SweepRun, small_blocks: None, processes: int
):
    folder = tmp_path / "s"
    child = subprocess.Popen(script(source, folder, f"processes = {processes}"), stdout=subprocess.DEVNULL)
    try:
        until(lambda: len(list(folder.glob("rows/part-*"))) >= 3, child)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    time.sleep(0.3)  # what the workers had under way ends with them
    done = len(list(folder.glob("rows/part-*")))
    assert 3 <= done < 27
    then = run_sweep(request(), source, load_brackets(), folder, resume=True, processes=processes)
    assert then.done_before >= done
    assert then.sweep.complete
    assert then.sweep.digest() == grid_run.sweep.digest()


def until(true: Callable[[], bool], child: subprocess.Popen[Any], seconds: float = 50) -> None:
    """Wait; fails when the child ends first or time runs out."""
    end = time.monotonic() + seconds
    while not true():
        assert child.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < end, "it never got there"
        time.sleep(0.02)


def test_the_workers_of_a_killed_sweep_end_with_it(source: Stored, tmp_path: Path):
    folder = tmp_path / "s"
    child = subprocess.Popen(script(source, folder, "processes = 2"), stdout=subprocess.DEVNULL)
    try:
        until(lambda: len(list(folder.glob("rows/part-*"))) >= 1, child)
        workers = children_of(child.pid)
        assert len(workers) >= 2
    finally:
        child.kill()
        child.wait()
    end = time.monotonic() + 10
    while any(alive(pid) for pid in workers):
        assert time.monotonic() < end, "a worker lives on without the process that writes"
        time.sleep(0.05)


def children_of(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_two_processes_come_to_the_same_and_a_bad_value_is_told_by_them_too(
    source: Stored, tmp_path: Path, grid_run: SweepRun, small_blocks: None
):
    ran = run_sweep(request(), source, load_brackets(), tmp_path / "s", processes=2)
    assert ran.done_now == 27
    assert ran.sweep.digest() == grid_run.sweep.digest()
    wrong = request("failed_breakout.range_bars=0")
    with pytest.raises(BadInput, match=r"no signals can be looked for on \w+USDT with") as told:
        run_sweep(wrong, source, load_brackets(), tmp_path / "t", processes=2)  # whichever came first
    assert str(told.value).endswith("failed_breakout.range_bars=0: the set-up cannot work with that value")
    assert not (tmp_path / "t" / "sweep.json").exists()
    assert run_sweep(request("stop_scale=1,2"), source, load_brackets(), tmp_path / "t").done_now > 0


def test_a_changed_request_data_or_code_does_not_go_on(source: Stored, tmp_path: Path, monkeypatch: Any):
    folder = tmp_path / "s"
    book = load_brackets()
    run_sweep(request("stop_scale=1,2"), source, book, folder)
    with pytest.raises(BadInput, match="already holds a sweep: go on with it with --resume"):
        run_sweep(request("stop_scale=1,2"), source, book, folder)
    with pytest.raises(BadInput, match=r"--vary was stop_scale=1.0,2.0, is stop_scale=1.0,3.0"):
        run_sweep(request("stop_scale=1,3"), source, book, folder, resume=True)
    short = dataclasses.replace(BASE, sides=(Side.SHORT,))
    with pytest.raises(BadInput, match=r"sides was \[-1, 1\], is \[-1\]"):
        run_sweep(request("stop_scale=1,2", base=short), source, book, folder, resume=True)
    fewer = dataclasses.replace(source, spans=source.spans[:2])
    with pytest.raises(BadInput, match=r"on other symbols \(SOLUSDT\)"):
        run_sweep(request("stop_scale=1,2"), fewer, book, folder, resume=True)
    later = dataclasses.replace(source, spans=(*source.spans[:2], ("SOLUSDT", None, 1_760_000_000_000_000_000)))
    if len(later.panel("SOLUSDT")) != len(source.panel("SOLUSDT")):
        with pytest.raises(BadInput, match=r"the data of SOLUSDT are not those"):
            run_sweep(request("stop_scale=1,2"), later, book, folder, resume=True)
    monkeypatch.setattr(running, "code_digest", lambda: "another")
    with pytest.raises(BadInput, match="the code of bearskin or a library has changed"):
        run_sweep(request("stop_scale=1,2"), source, book, folder, resume=True)
    with pytest.raises(BadInput, match="nothing to resume"):
        run_sweep(request("stop_scale=1,2"), source, book, tmp_path / "none", resume=True)


def test_a_random_search_tries_so_many_and_resumes_like_a_grid(source: Stored, tmp_path: Path, grid_run: SweepRun):
    ran = run_sweep(request(search="random", trials=7, seed=5), source, load_brackets(), tmp_path / "s")
    assert ran.sweep.tried == 7
    assert ran.sweep.grid == 18
    rows = ran.sweep.rows.collect().sort("combination", "symbol")
    same = grid_run.sweep.rows.filter(pl.col("combination").is_in(rows["combination"].unique().implode()))
    assert rows.equals(same.collect().sort("combination", "symbol"))


OPTUNA: dict[str, Any] = {"search": "optuna", "trials": 34, "seed": 1, "objective": "net"}
MANY = ("failed_breakout.fail_bars=3..8", "stop_scale=0.5..1.5:0.05", "target_r=none,1,1.5,2", "entry=none,limit")


def test_optuna_chooses_the_same_combinations_however_often_it_is_stopped(source: Stored, tmp_path: Path):
    pytest.importorskip("optuna")
    book = load_brackets()
    whole = run_sweep(request(*MANY, **OPTUNA), source, book, tmp_path / "a").sweep
    assert whole.complete
    folder = tmp_path / "b"
    for _ in range(3):
        part = run_sweep(
            request(*MANY, **OPTUNA), source, book, folder, resume=folder.exists(), progress=after_units(4)
        )
        assert part.interrupted
        assert not part.sweep.complete
    end = run_sweep(request(*MANY, **OPTUNA), source, book, folder, resume=True).sweep
    assert end.digest() == whole.digest()
    trials = pl.read_parquet(folder / "trials.parquet")
    assert trials.equals(pl.read_parquet(tmp_path / "a" / "trials.parquet"))
    assert trials.height == 34
    assert set(trials["combination"]) == set(end.numbers().tolist())
    nets = dict(zip(end.standings().numbers.tolist(), end.standings().net.tolist(), strict=True))
    for number, value in trials.select("combination", "value").iter_rows():
        assert value == pytest.approx(nets[number], abs=0.01)
    other = run_sweep(request(*MANY, **{**OPTUNA, "seed": 2}), source, book, tmp_path / "c").sweep
    assert other.digest() != whole.digest()


def after_units(units: int) -> Callable[[str, int, int], None]:
    seen = [0]

    def progress(what: str, done: int, total: int) -> None:
        if what.startswith("trial"):
            seen[0] += 1
            if seen[0] >= units:
                raise KeyboardInterrupt

    return progress


def test_optuna_leaves_a_journal_that_its_own_tools_read(source: Stored, tmp_path: Path):
    optuna = pytest.importorskip("optuna")
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    for objective in ("sharpe", "folds"):
        asked = request(*MANY, **{**OPTUNA, "trials": 12, "objective": objective})
        folder = tmp_path / objective
        run_sweep(asked, source, load_brackets(), folder)
        study = optuna.load_study(
            study_name="sweep", storage=JournalStorage(JournalFileBackend(str(folder / "optuna.log")))
        )
        assert len(study.trials) == 12
        assert study.best_value == pl.read_parquet(folder / "trials.parquet")["value"].max()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A scheduler and three workers on this machine, in processes of their own."""
    pytest.importorskip("distributed")
    code = """
import sys, time
from bearskin.backtest import local_cluster
if __name__ == "__main__":
    with local_cluster(3) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""
    path = tmp_path / "cluster_of_its_own.py"
    path.write_text(code)
    child = subprocess.Popen([sys.executable, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        yield child.stdout.readline().strip(), child
    finally:
        assert child.stdin is not None
        child.stdin.close()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
        child.stdout.close()


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.filterwarnings("ignore")  # of Dask, about itself
def test_three_workers_of_a_cluster_one_of_them_killed_come_to_the_same(
    source: Stored, tmp_path: Path, grid_run: SweepRun, cluster: tuple[str, Any]
):
    distributed = pytest.importorskip("distributed")
    address, _ = cluster
    with distributed.Client(address, set_as_default=False) as client:
        pids = list(client.run(os.getpid).values())
    assert len(pids) == 3
    killed = []

    def kill_one(what: str, done: int, total: int) -> None:
        if not what.startswith("reading") and done >= 4 and not killed:
            killed.append(pids[0])
            os.kill(pids[0], signal.SIGKILL)

    ran = run_sweep(request(), source, load_brackets(), tmp_path / "s", cluster=address, progress=kill_one)
    assert killed
    assert ran.done_now == 27
    assert ran.sweep.digest() == grid_run.sweep.digest()


@pytest.mark.filterwarnings("ignore")
def test_an_address_where_nobody_answers_is_told(source: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("bearskin.backtest._search_cluster.WAIT_S", 1)
    with pytest.raises(BadInput, match=r"no cluster answers at tcp://127.0.0.1:9 .* `bearskin cluster local`"):
        run_sweep(request(), source, load_brackets(), tmp_path / "s", cluster="tcp://127.0.0.1:9")


def test_what_cannot_be_swept_is_refused():
    for more, said in (
        ({"search": "grid", "trials": 3}, "a grid tries every combination"),
        ({"search": "random"}, "none was given"),
        ({"search": "walk"}, "search was 'walk'"),
        ({"search": "optuna", "trials": 3, "objective": "luck"}, "objective was 'luck'"),
    ):
        with pytest.raises(BadInput, match=said):
            request(**more)
    with pytest.raises(BadInput, match="nothing is varied"):
        SweepRequest(base=BASE, axes=())


def test_sweep_json_says_what_was_asked(grid_run: SweepRun):
    about = json.loads((grid_run.sweep.folder / "sweep.json").read_text())
    assert about["kind"] == "sweep"
    assert about["request"]["setups"] == ["failed_breakout"]
    assert about["tried"] == 18
    assert sorted(about["data"]) == sorted(SYMBOLS)
