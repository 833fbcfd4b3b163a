"""`luck` on the folder of a backtest and of a sweep, from the command line and from Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bearskin as package
from bearskin.market import Store, write_synthetic


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with 130 days of two coins."""
    root = tmp_path_factory.mktemp("luck") / "store"
    write_synthetic(Store(root), seed=3, symbols=["BTCUSDT", "ETHUSDT"], days=130)
    return root


@pytest.fixture
def there(bearskin, home: Path, market: Path, tmp_path: Path) -> Path:
    """The folder of a backtest of that store."""
    out = tmp_path / "out"
    words = ("--setups", "stop_hunt,failed_breakout", "--venue", "synthetic", "--store", market, "--risk", "0.5%")
    assert bearskin("backtest", *words, "--no-html", "--out", out).code == 0
    return out


def test_a_backtest_is_asked_again_as_it_was(bearskin, there: Path) -> None:
    """Nothing but the folder is named: venue, store and risk are what they were."""
    asked = json.loads((there / "summary.json").read_text())["summary"]["asked"]
    assert asked["venue"] == "synthetic"
    assert asked["risk"] == "0.005"
    ran = bearskin("luck", there, "--draws", "3", "--json")
    assert ran.code == 0, ran.err
    told = ran.object
    summary = json.loads((there / "summary.json").read_text())["summary"]
    assert told["result"]["trades"] == summary["trades"]
    assert float(told["result"]["mean"]) == pytest.approx(float(summary["expectancy_r"]), abs=1e-4)
    assert told["random"]["draws"] == 3
    assert told["dearer"] is not None
    assert not any("made again there are" in note for note in told["notes"])
    assert Path(told["page"]) == there / "luck.html"
    assert "luck.html" in ran.err


def test_more_trials_are_believed(bearskin, there: Path) -> None:
    one, many = (
        bearskin("luck", there, "--no-again", "--no-html", "--json", *more).object for more in ((), ("--trials", "500"))
    )
    assert many["sharpe"]["trials"] == 500
    assert float(many["sharpe"]["dsr"]) <= float(one["sharpe"]["dsr"])
    assert one["random"] is None
    (gate,) = (gate for gate in one["gates"] if gate["name"] == "against_random")
    assert (gate["passed"], gate["why"]) == (False, "left out: --no-again")
    assert not (there / "luck.html").exists()


def test_a_store_that_is_gone_leaves_the_trades(bearskin, there: Path, tmp_path: Path) -> None:
    ran = bearskin("luck", there, "--store", tmp_path / "gone", "--json", "--no-html")
    assert ran.code == 0, ran.err
    assert ran.object["dearer"] is None
    assert "cannot be made again" in ran.err
    assert ran.object["result"]["mean"] is not None


def test_a_folder_that_says_little_is_judged_by_its_trades(bearskin, there: Path) -> None:
    """Written before a summary kept what was asked."""
    told = json.loads((there / "summary.json").read_text())
    del told["summary"]["asked"]
    (there / "summary.json").write_text(json.dumps(told))
    ran = bearskin("luck", there, "--json", "--no-html")
    assert ran.code == 0, ran.err
    assert any("does not say how" in note for note in ran.object["notes"])


@pytest.mark.parametrize("content", ["{", "[]", '{"summary": 3}'])
def test_a_summary_that_is_none_is_bad_input(bearskin, there: Path, content: str) -> None:
    (there / "summary.json").write_text(content)
    ran = bearskin("luck", there, "--json")
    assert ran.code == 2
    assert "is not the summary of a backtest" in ran.object["error"]["message"]


def test_what_is_no_result_is_bad_input(bearskin, home: Path, tmp_path: Path) -> None:
    for words in ((tmp_path,), (tmp_path / "none",)):
        ran = bearskin("luck", *words)
        assert ran.code == 2
        assert "neither a backtest" in ran.err
        assert not list(tmp_path.glob("**/luck.html"))


def test_a_sweep_is_judged_from_its_folder(bearskin, home: Path, market: Path, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    words = ("stop_hunt", "--vary", "stop_scale=0.8,1,1.3", "--vary", "hold_bars=6,12,24,48", "--venue", "synthetic")
    ran = bearskin("sweep", *words, "--store", market, "--out", out)
    assert ran.code == 0, ran.err
    assert "No edge shown" in ran.out
    ran = bearskin("luck", out, "--store", market, "--draws", "2")
    assert ran.code == 0, ran.err
    assert "No edge shown" in ran.out
    assert "Random entries, mean" in ran.out
    assert (out / "luck.html").exists()
    shorter = ("--test-days", "15", "--embargo", "2", "--train-days", "60", "--no-again", "--json", "-q", "--no-html")
    told = bearskin("luck", out, *shorter).object["walk_forward"]
    assert (told["test_days"], told["embargo_days"], told["train_days"]) == (15, 2, 60)
    assert all(fold["past_days"] <= 58 for fold in told["folds"])
    refused = bearskin("luck", out, "--train-days", "30", "--embargo", "30", "--no-again")
    assert refused.code == 2
    assert "more must be learnt from" in refused.err
    refused = bearskin("luck", out, "--test-days", "3000", "--no-again")
    assert refused.code == 2
    assert "tries the next 3000" in refused.err
    refused = bearskin("luck", out, "--trials", "5")
    assert refused.code == 2
    assert "counts its trials itself" in refused.err


def test_the_python_face(there: Path) -> None:
    found = package.luck(there, draws=2, html=False)
    assert found.page is None
    assert not found.luck.passed
    assert found.to_json()["folder"] == str(there)
