"""`backtest` and `demo` from the command line to the files they leave."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

import bearskin as package
from bearskin.market import SeriesKey, Store, write_synthetic


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with 40 days of three coins, one of them without mark."""
    root = tmp_path_factory.mktemp("synthetic") / "store"
    store = Store(root)
    write_synthetic(store, seed=3, symbols=["BTCUSDT", "ETHUSDT", "DOGEUSDT"], days=40)
    for path in store.folder(SeriesKey("synthetic", "linear", "DOGEUSDT", "mark", "1h")).iterdir():
        path.unlink()
    return root


@pytest.fixture
def desk(bearskin, synthetic: Path, monkeypatch: pytest.MonkeyPatch):
    """Backtests of the synthetic store."""
    monkeypatch.setenv("BEARSKIN_STORE", str(synthetic))
    monkeypatch.setenv("BEARSKIN_VENUE", "synthetic")
    return lambda *words: bearskin("backtest", *words)


def test_a_backtest_prints_one_object_and_leaves_its_files(desk, home: Path) -> None:
    ran = desk("--json")
    assert ran.code == 0, ran.err
    told = ran.object
    summary = told["summary"]
    assert summary["symbols"] == ["BTCUSDT", "ETHUSDT"]
    assert [row["symbol"] for row in summary["left_out"]] == ["DOGEUSDT"]
    assert "--mark last" in summary["left_out"][0]["why"]
    assert summary["trades"] > 0
    files = {name: Path(path) for name, path in told["files"].items()}
    assert all(path.parent.parent == home / "reports" for path in files.values())
    assert pl.read_parquet(files["trades"]).height == summary["trades"]
    assert json.loads(files["summary"].read_text())["summary"] == summary
    page = files["tear_sheet"].read_text()
    assert "<html" in page
    assert "DOGEUSDT" in page
    assert "results are in" in ran.err


def test_a_person_gets_tables(desk, tmp_path: Path) -> None:
    ran = desk("--symbols", "BTCUSDT", "--out", tmp_path / "out", "--no-html")
    assert ran.code == 0
    assert "BTCUSDT" in ran.out
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "declined.parquet",
        "equity.parquet",
        "summary.json",
        "trades.parquet",
    ]


def test_a_mark_of_another_time_is_no_mark(bearskin, synthetic: Path, tmp_path: Path) -> None:
    """Marks of eight hours that start when the candles have ended say nothing about them."""
    root = tmp_path / "store"
    shutil.copytree(synthetic, root)
    store = Store(root)
    mark = store.scan(SeriesKey("synthetic", "linear", "BTCUSDT", "mark", "1h")).collect()
    later = mark.gather_every(8).select(pl.col("time").dt.offset_by("1y"), "open", "high", "low", "close")
    store.append(SeriesKey("synthetic", "linear", "DOGEUSDT", "mark", "8h"), later, "later")
    ran = bearskin("backtest --symbols DOGEUSDT --venue synthetic --json -q --no-html --store", root)
    assert ran.code == 2
    assert "do not cover the same time" in ran.err


def test_last_may_stand_in_for_mark_when_somebody_says_so(desk) -> None:
    ran = desk("--symbols", "DOGEUSDT", "--json", "-q", "--no-html")
    assert ran.code == 2
    assert "no mark" in ran.err
    ran = desk("--symbols", "DOGEUSDT", "--mark", "last", "--json", "-q", "--no-html")
    assert ran.code == 0
    assert any("last stands in" in note for note in ran.object["notes"])


def test_a_held_coin_pays_or_receives_what_the_settlements_say(desk, synthetic: Path) -> None:
    """Funding received is -rate x qty x the mark that opens at the settlement, summed over the whole set."""
    told = desk("--symbols BTCUSDT --setups hold --side short --qty 1 --json --no-html").object
    store = Store(synthetic)
    funding = store.scan(SeriesKey("synthetic", "linear", "BTCUSDT", "funding", "event")).collect()
    mark = store.scan(SeriesKey("synthetic", "linear", "BTCUSDT", "mark", "1h")).collect()
    due = funding.with_columns(pl.col("time").dt.truncate("1m")).join(mark, on="time", how="inner")
    assert due.height == funding.height
    assert float(told["summary"]["funding"]) == pytest.approx(float((due["rate"] * due["open"]).sum()), abs=0.01)


def test_sides_setups_and_span_are_respected(desk, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = "--side short --setups failed-breakout,stop_hunt --from 2025-01-10 --to 2025-01-25 --json --no-html"
    told = desk(words, "--out", out).object
    trades = pl.read_parquet(out / "trades.parquet")
    assert trades.height == told["summary"]["trades"] > 0
    assert set(trades["side"]) == {"short"}
    assert set(trades["setup"]) <= {"failed_breakout", "stop_hunt"}
    assert trades["entry_time"].min() >= pl.Series(["2025-01-10"]).str.to_datetime("%Y-%m-%d", time_zone="UTC")[0]
    assert trades["exit_time"].max() <= pl.Series(["2025-01-25"]).str.to_datetime("%Y-%m-%d", time_zone="UTC")[0]


def test_research_only_is_labelled(desk) -> None:
    told = desk("--symbols BTCUSDT --leverage 125 --no-preflight --no-guards --json --no-html").object
    labels = [note for note in told["notes"] if note.startswith("research only")]
    assert len(labels) == 2
    assert told["summary"]["liquidations"] > 0


def test_a_set_up_of_ones_own_is_traded(desk, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("import bearskin.nothing_there\n")
    ran = desk("--setup-file", file)
    assert ran.code == 2
    assert str(file) in ran.err


OWN = "from bearskin.setups import Setup\nONE = Setup(name='one', title='', families=('flow',), params=None, detect={})"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise RuntimeError('boom')", "cannot be run: RuntimeError: boom"),
        ("def f(:", "cannot be run: SyntaxError"),
        ("raise SystemExit(5)", "cannot be run: SystemExit: 5"),
        ("x = 1", "defines no Setup"),
        (OWN.format("lambda view, params: 1 / 0"), "the set-up 'one' failed on BTCUSDT: ZeroDivisionError"),
        (OWN.format("lambda view, params: [1]"), "the set-up 'one' failed on BTCUSDT: AttributeError"),
    ],
)
def test_what_a_set_up_of_ones_own_raises_is_no_bug_of_ours(
    desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    from bearskin.setups import SETUPS

    monkeypatch.setattr(SETUPS, "_known", dict(SETUPS._known))  # what is loaded here is known here only
    (tmp_path / "own.py").write_text(code)
    ran = desk("--symbols", "BTCUSDT", "--setup-file", tmp_path / "own.py", "--json")
    assert ran.code == 2
    assert said in ran.object["error"]["message"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--symbols NOSUCHCOIN", "NOSUCHCOIN"),
        ("--setups luck", "failed_breakout"),
        ("--side sideways", "short, long or both"),
        ("--from someday", "not a time"),
        ("--from 2025-02-01 --to 2025-01-01", "before"),
        ("--from 2031-01-01", "nothing can be backtested"),
        ("--interval 4h", "4h"),
        ("--funding guess", "charge or ignore"),
        ("--stop-trigger hope", "mark or last"),
        ("--mark maybe", "required or last"),
        ("--qty -1 --setups hold", "above zero"),
        ("--equity 0", "above zero"),
        ("--venue nowhere", "nowhere"),
        ("--brackets no/such.json", "no/such.json"),
        ("--setup-file no/such.py", "no/such.py"),
        ("--setups hold,stop_hunt", "hold"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(desk, home: Path, words: str, said: str) -> None:
    ran = desk(words, "--json", "-q")
    assert ran.code == 2, ran.err
    assert said in ran.err
    assert ran.err.count("\n") == 1, ran.err
    assert {p.parent.name for p in home.rglob("*") if p.is_file()} <= {"logs"}


def test_an_empty_store_says_how_to_fill_it(bearskin) -> None:
    ran = bearskin("backtest", "-q")
    assert ran.code == 2
    assert "data import" in ran.err


def test_results_that_cannot_be_written_are_refused(desk, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = desk("--symbols", "BTCUSDT", "--out", tmp_path / "file" / "out", "-q")
    assert ran.code == 2
    assert "file" in ran.err


def test_the_verb_says_the_same_as_the_command(desk) -> None:
    from bearskin.report import result_json

    told = desk("--symbols", "ETHUSDT", "--json", "--no-html").object
    del told["files"]
    assert result_json(package.backtest(symbols="ETHUSDT")) == told


def test_the_room_is_still_a_room() -> None:
    from bearskin.backtest import BacktestRequest

    assert package.backtest.BacktestRequest is BacktestRequest


def test_an_interrupted_backtest_shows_what_it_has(desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from bearskin import backtest as room

    whole = room.run

    def stopped(request, panels, brackets, progress=None):
        import dataclasses

        result = whole(request, panels, brackets, progress)
        return dataclasses.replace(result, notes=("PARTIAL: interrupted", *result.notes))

    monkeypatch.setattr(room, "run", stopped, raising=False)
    ran = desk("--symbols", "BTCUSDT", "--json", "--no-html")
    assert ran.code == 130
    assert ran.object["summary"]["trades"] > 0


def test_a_demo_of_a_backtest_needs_nothing_and_repeats_itself(bearskin, home: Path, tmp_path: Path) -> None:
    words = ("demo", "--backtest", "--seed", "5", "--days", "12", "--symbols", "BTCUSDT,SOLUSDT", "--json")
    first = bearskin(*words)
    assert first.code == 0, first.err
    told = first.object
    assert (told["seed"], told["days"]) == (5, 12)
    assert any("synthetic" in note for note in told["notes"])
    assert Path(told["files"]["tear_sheet"]) == home / "reports" / "demo-5" / "tear_sheet.html"
    assert not (home / "store").exists()
    assert bearskin(*words).object == told
    other = bearskin(*words, "--seed", "6", "--store", tmp_path / "kept").object
    assert other["summary"] != told["summary"]
    assert any(Store(tmp_path / "kept").keys(venue="synthetic"))
    again = bearskin(*words, "--seed", "7", "--store", tmp_path / "kept")
    assert again.code == 2
    assert bearskin("demo", "--backtest", "--symbols", "NOSUCHCOIN", "-q").code == 2
