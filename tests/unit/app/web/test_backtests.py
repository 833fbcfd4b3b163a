"""Results on the shelf, two compared, words and commands: what the page and the API of backtests are made of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from bearskin.app._backtest import backtest
from bearskin.app._house import House, open_house
from bearskin.app._made_up import synthetic_folder
from bearskin.app.web._backtests import (
    FIGURES,
    all_trades,
    curve_of,
    folder_of,
    page_of,
    result_of,
    shelf_of,
    trades_of,
)
from bearskin.app.web._backtests_chart import trade_chart
from bearskin.app.web._backtests_compare import compared
from bearskin.app.web._backtests_words import (
    choices_of,
    command_of,
    is_made,
    market_of,
    planned_of,
    replay_command,
    words_of,
)
from bearskin.market import Store, write_synthetic
from bearskin.terms import BadInput, parse_time


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a store of 40 made-up days and two backtests on it."""
    home = tmp_path_factory.mktemp("home")
    write_synthetic(Store(home / "store"), seed=3, symbols=["BTCUSDT", "ETHUSDT"], days=40)
    asked = {"venue": "synthetic", "setups": "failed_breakout,stop_hunt", "home": home, "html": True}
    backtest(**asked, out=home / "reports" / "first")
    backtest(**asked, leverage="3", symbols="BTCUSDT", out=home / "reports" / "second")
    return home


@pytest.fixture
def house(made: Path, home: Path) -> House:
    """The house of that home; nothing of the environment reaches it."""
    assert home != made
    return open_house(made)


def test_the_shelf_tells_what_everything_is_and_leads_with_luck(house: House, tmp_path: Path) -> None:
    root = tmp_path / "home"
    shutil.copytree(house.home.root / "reports", root / "reports")
    (root / "reports" / "scan-today.html").write_text("<p>a scan</p>")
    (root / "reports" / "study").mkdir()
    evidence = {
        "evidence": [{"verdict": "no proven edge"}, {"verdict": "too few cases"}, {"verdict": "no proven edge"}]
    }
    (root / "reports" / "study" / "study.json").write_text(json.dumps(evidence))
    (root / "reports" / "torn").mkdir()
    (root / "reports" / "torn" / "summary.json").write_text("{")
    (root / "reports" / ".backtest-aa.part-1").mkdir()
    (root / "reports" / ".backtest-aa.part-1" / "summary.json").write_text("{}")
    found = {one.name: one for one in shelf_of(open_house(root))}
    kinds = {"first": "backtest", "second": "backtest", "scan-today.html": "scan", "study": "study", "torn": "backtest"}
    assert {name: one.kind for name, one in found.items()} == kinds
    assert found["first"].says.startswith(("No evidence of an edge", "Evidence against"))
    assert found["study"].says == "2 × no proven edge, 1 × too few cases"
    assert "cannot be read" in found["torn"].says
    assert ("tear sheet", "tear_sheet.html") in found["first"].pages


def test_a_result_tells_luck_before_what_it_brought(house: House) -> None:
    found = result_of(house, "first")
    keys = [one["key"] for one in found["figures"]]
    assert keys == [key for key, _, _ in FIGURES]
    assert keys.index("luck_t") < keys.index("net")
    values = {one["key"]: one["value"] for one in found["figures"]}
    trades = pl.read_parquet(folder_of(house, "first") / "trades.parquet")
    assert int(values["trades"]) == trades.height > 5
    assert float(values["net"]) == pytest.approx(float(trades["net"].sum()), abs=0.05)
    assert {one["evidence"] for one in found["by_setup"]} <= {"no proven edge", "too few cases", "evidence against"}


@pytest.mark.parametrize("name", ["", "..", "../first", ".hidden", "nothing", "first/..", "a\\b"])
def test_a_name_leads_nowhere_but_to_the_shelf(house: House, name: str) -> None:
    with pytest.raises(BadInput):
        result_of(house, name)


@pytest.mark.parametrize("file", ["summary.json", "../second/tear_sheet.html", ".x.html", "none.html", "\0.html"])
def test_only_pages_of_a_result_are_served(house: House, file: str) -> None:
    assert page_of(house, "first", "tear_sheet.html").is_file()
    with pytest.raises(BadInput):
        page_of(house, "first", file)


def test_a_short_curve_keeps_the_lowest_point_and_both_ends(house: House) -> None:
    whole = pl.read_parquet(folder_of(house, "first") / "equity.parquet")
    short = curve_of(house, "first", points=20)
    assert len(short) <= 22 < whole.height
    assert min(point[1] for point in short) == pytest.approx(float(whole["equity"].min()), abs=0.01)
    assert [short[0][1], short[-1][1]] == pytest.approx([whole["equity"][0], whole["equity"][-1]], abs=0.01)
    assert [point[0] for point in short] == sorted({point[0] for point in short})


def test_a_window_of_trades_begins_where_it_is_asked(house: House) -> None:
    all_of_them = all_trades(house, "first")
    window = trades_of(house, "first", 2, 3)
    assert window["total"] == len(all_of_them)
    assert [one["trade_id"] for one in window["trades"]] == [3, 4, 5]
    assert all(isinstance(one["net"], str) for one in window["trades"])
    with pytest.raises(BadInput):
        trades_of(house, "first", -1)


def test_a_trade_is_drawn_on_its_candles_with_the_structure_of_its_set_up(house: House) -> None:
    drawn = 0
    for one in all_trades(house, "first")[:4]:
        found = trade_chart(house, "first", one["trade_id"])
        times = [bar["time_ms"] for bar in found["bars"]]
        trade = found["trade"]
        entered, left = (parse_time(trade[name]) // 1_000_000 for name in ("entry_time", "exit_time"))
        assert times[0] < entered <= left <= times[-1] + found["interval_s"] * 1000
        assert times == sorted(times)
        bar = found["bars"][times.index(entered)]
        assert bar["low"] <= bar["open"] <= bar["high"]
        assert float(trade["entry_price"]) == pytest.approx(bar["open"], rel=0.001)  # the open, less slippage
        lines, zones = found["drawing"]["lines"], found["drawing"]["zones"]
        known = parse_time(trade["signal_time"]) // 1_000_000
        assert all(max(line[1], line[3]) <= known for line in lines)
        drawn += len(lines) + len(zones)
        paid = sum(float(one["money"]) for one in found["funding"])
        assert abs(paid) >= abs(float(trade["funding"])) - 0.02  # of the whole quantity; part of it may have left
    assert drawn > 0


def test_two_results_are_told_apart_by_figures_and_by_what_was_asked(house: House) -> None:
    found = compared(house, "first", "second")
    rows = {row["key"]: row for row in found["figures"]}
    assert float(rows["net"]["difference"]) == pytest.approx(float(rows["net"]["b"]) - float(rows["net"]["a"]))
    assert float(rows["trades"]["difference"]) < 0
    settings = {row["name"]: (row["a"], row["b"]) for row in found["settings"]}
    assert settings == {"leverage": (None, "3"), "symbols": ("all", "BTCUSDT")}
    assert {row["name"] for row in found["data"]} == {"symbols"}
    assert "not proven better" in found["warning"]
    with pytest.raises(BadInput, match="same result"):
        compared(house, "first", "first")


def test_words_become_the_command_that_asks_the_same(house: House) -> None:
    given = {"symbols": ["BTCUSDT", "ETHUSDT"], "start": " 2025-01-10 ", "end": "", "guards": False, "side": "both"}
    words = words_of({**given, "stop_scale": "1.5", "target_r": "2"})
    assert words == {
        "symbols": ["BTCUSDT", "ETHUSDT"], "start": "2025-01-10", "guards": False, "stop_scale": "1.5", "target_r": "2"
    }  # fmt: skip
    assert command_of(house, words) == (
        "bearskin backtest --symbols BTCUSDT,ETHUSDT --from 2025-01-10 --no-guards --stop-scale 1.5 --target-r 2"
    )
    request = planned_of(house, words).request
    assert (float(request.stop_scale), float(request.target_r or 0)) == (1.5, 2.0)


def test_the_command_on_the_synthetic_market_has_something_to_read_once_it_was_made(house: House) -> None:
    assert is_made(house, {}, "store")
    assert not is_made(house, {"interval": "4h"}, "synthetic")
    write_synthetic(Store(synthetic_folder(house, "4h")), seed=1, symbols=["BTCUSDT"], days=2, interval="4h")
    assert is_made(house, {"interval": "4h"}, "synthetic")
    assert not is_made(house, {"interval": "1h"}, "synthetic")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"colour": "red"}, "no word of a backtest"),
        ({"setup_file": "/etc/passwd"}, "no word of a backtest"),
        ({"guards": "no"}, "true or false"),
    ],
)
def test_what_is_no_word_of_a_backtest_is_refused(given: dict[str, str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        words_of(given)


@pytest.mark.parametrize(
    "given", [{"leverage": "0"}, {"setups": "nonsense"}, {"side": "up"}, {"stop_scale": "-1"}, {"start": "soon"}]
)
def test_bad_figures_are_refused_before_anything_runs(house: House, given: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        planned_of(house, words_of(given))


def test_the_synthetic_market_stands_in_only_where_the_store_is_empty(house: House, tmp_path: Path) -> None:
    assert market_of(house, None, {}) == "store"
    empty = open_house(tmp_path / "empty")
    assert market_of(empty, None, {}) == "synthetic"
    assert choices_of(empty)["store"] == []
    found = choices_of(house)
    assert [(one["venue"], one["interval"], len(one["symbols"])) for one in found["store"]] == [("synthetic", "1h", 2)]
    assert {one["evidence"] for one in found["setups"]} & {"no proven edge"}
    with pytest.raises(BadInput):
        market_of(house, "nowhere", {})


def test_the_time_machine_is_a_command() -> None:
    said = replay_command("BTCUSDT, SOLUSDT", "2025-10-08", "2025-10-13", "600")
    assert said == "bearskin demo --replay BTCUSDT,SOLUSDT --from 2025-10-08 --to 2025-10-13 --speed 600"
    with pytest.raises(BadInput):
        replay_command("BTCUSDT", " ")
