"""`study` from the command line to the files it leaves."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

import bearskin as package
from bearskin.market import Store, write_synthetic
from bearskin.setups import SETUPS, read_evidence


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with 120 days of two coins, hourly and, for one of them, of five minutes."""
    root = tmp_path_factory.mktemp("studied") / "store"
    store = Store(root)
    write_synthetic(store, seed=3, symbols=["BTCUSDT", "ETHUSDT"], days=120)
    write_synthetic(store, seed=3, symbols=["DOGEUSDT"], days=30, interval="5m")
    return root


@pytest.fixture
def desk(bearskin, synthetic: Path, monkeypatch: pytest.MonkeyPatch):
    """Studies of the synthetic store, of two set-ups unless said otherwise."""
    monkeypatch.setenv("BEARSKIN_STORE", str(synthetic))
    monkeypatch.setenv("BEARSKIN_VENUE", "synthetic")
    return lambda *words: bearskin("study", *words)


TWO = ("--setups", "failed_breakout,stop_hunt")


def test_a_study_prints_one_object_and_leaves_its_files(desk, tmp_path: Path) -> None:
    out, page, evidence = tmp_path / "out", tmp_path / "page.md", tmp_path / "evidence.json"
    ran = desk(*TWO, "--json", "--out", out, "--page", page, "--evidence", evidence)
    assert ran.code == 0, ran.err
    told = ran.object
    assert told["headline_h"] == 24
    assert not told["interrupted"]
    assert len(told["table"]) == 2 * 2 * 3
    row = told["table"][0]
    assert isinstance(row["n"], int)
    assert isinstance(row["excess_bp"], str)
    assert {one["setup"] for one in told["evidence"]} == {"failed_breakout", "stop_hunt"}
    table = pl.read_parquet(out / "table.parquet")
    assert table.height == 12
    assert pl.read_csv(out / "table.csv")["n"].to_list() == table["n"].to_list()
    assert pl.read_parquet(out / "cases.parquet").height > 100
    assert json.loads((out / "study.json").read_text())["table"] == told["table"]
    assert len(read_evidence(evidence.read_text()).entries) == 4
    assert read_evidence((out / "evidence.json").read_text()).entries == read_evidence(evidence.read_text()).entries
    html = (out / "study.html").read_text()
    assert "<script" not in html
    assert not re.search(r"(src|href)=\"?(https?:)?//", html)
    written = page.read_text()
    assert re.match(r"# Study of the set-ups, \d{4}-\d\d-\d\d\n", written)
    assert "| `failed_breakout` | short |" in written
    assert "survivor bias" in written


def test_a_person_gets_tables_of_any_width(desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in ("80", "140", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        ran = desk(*TWO, "-q")
        assert ran.code == 0
        assert max(len(line) for line in ran.out.splitlines()) <= int(columns)
        assert "Over 24 h" in ran.out
        assert "failed_breakout" in ran.out


def test_a_plan_names_its_sets(desk, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        'horizons = ["4h"]\nheadline = "4h"\n'
        '[[sets]]\nname = "hours"\nrole = "headline"\nsymbols = ["BTCUSDT", "NOPEUSDT"]\nend = "2025-03-01"\n'
        '[[sets]]\nname = "built"\nrole = "sensitivity"\nbuilt_from = "5m"\n'
    )
    ran = desk(*TWO, "--plan", plan, "--json", "-q")
    assert ran.code == 0, ran.err
    told = ran.object
    assert {row["horizon_h"] for row in told["table"]} == {4}
    sets = {row["set"]: row for row in told["sets"]}
    assert sets["hours"]["end"] == "2025-03-01T00:00:00Z"
    assert sets["built"]["interval"] == "1h"
    assert sets["built"]["bars"] == 30 * 24
    assert [row["symbol"] for row in told["left_out"]] == ["NOPEUSDT"]


def test_a_second_run_remembers_the_first(desk, home: Path) -> None:
    first = desk(*TWO, "--json", "-q").object
    files = sorted((home / "cache" / "study").glob("*.parquet"))
    assert len(files) == 2
    assert desk(*TWO, "--json", "-q").object == first
    stamps = [file.stat().st_mtime_ns for file in files]
    assert desk(*TWO, "--json", "-q", "--fresh").object == first
    assert [file.stat().st_mtime_ns for file in files] == stamps


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--horizons", "90m"], "headline horizon must be one of"),
        (["--horizons", "90m", "--headline", "90m"], "no whole number of 1h bars"),
        (["--setups", "nope"], "'nope' is no set-up"),
        (["--setups", "hold"], "hold is a yardstick"),
        (["--interval", "4h"], "has no 4h candles"),
        (["--plan", "nowhere.toml"], "there is no plan"),
        (["--page", "/proc/nowhere/page.md"], "cannot be written"),
    ],
)
def test_what_cannot_be_studied_ends_with_a_sentence(desk, words: list[str], sentence: str) -> None:
    ran = desk(*TWO, *words)
    assert ran.code == 2
    assert sentence in ran.err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "there is no plan"),
        ("sets = 3", "names no data sets"),
        ("sets = [3]", "names no data sets"),
        ("[", "is not TOML"),
    ],
)
def test_a_plan_that_is_none_ends_with_one_sentence(desk, tmp_path: Path, content: str | None, sentence: str) -> None:
    plan = tmp_path / "nope.toml"
    if content is not None:
        plan.write_text(content)
    ran = desk(*TWO, "--plan", plan)
    assert ran.code == 2
    assert sentence in ran.err
    assert "Errno" not in ran.err


def test_a_plan_with_an_unknown_word_is_refused(desk, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text('[[sets]]\nname = "x"\nvenu = "binance"\n')
    ran = desk("--plan", plan)
    assert ran.code == 2
    assert "has 'venu'" in ran.err


def test_ctrl_c_shows_what_was_done(desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from bearskin.backtest import _study

    work = _study.CasesKept.cases

    def stopped(self, request, panel, counted):
        if panel.instrument.symbol == "ETHUSDT":
            raise KeyboardInterrupt
        return work(self, request, panel, counted)

    monkeypatch.setattr(_study.CasesKept, "cases", stopped)
    ran = desk(*TWO, "--json", "-q")
    assert ran.code == 130
    told = ran.object
    assert told["interrupted"]
    assert told["notes"][0].startswith("PARTIAL")
    assert max(row["symbols"] for row in told["table"]) == 1


def test_python_has_the_verb(synthetic: Path, home: Path) -> None:
    result = package.study(setups="stop_hunt", side="short", venue="synthetic", store=synthetic, home=home)
    assert result.table["setup"].unique().to_list() == ["stop_hunt"]
    assert result.table.height == 3
    assert len(result.evidence) == 1
    assert set(SETUPS) >= {"stop_hunt"}
