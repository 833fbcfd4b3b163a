"""`scan` and `setups` from the command line: what stands at a moment, and that nothing later is read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

import bearskin as package
from bearskin.backtest import Scan
from bearskin.market import Store, write_synthetic
from bearskin.setups import SETUPS
from bearskin.terms import parse_time

SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT"]
MOMENTS = ("2025-02-20T07:00", "2025-02-24T16:00", "2025-02-27T12:30", "2025-03-05T00:00")


@pytest.fixture(scope="session")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with 70 days of four coins."""
    root = tmp_path_factory.mktemp("scanned") / "store"
    write_synthetic(Store(root), seed=4, symbols=SYMBOLS, days=70)
    return root


@pytest.fixture
def desk(bearskin, scanned: Path, monkeypatch: pytest.MonkeyPatch):
    """The command line on that store."""
    monkeypatch.setenv("BEARSKIN_STORE", str(scanned))
    monkeypatch.setenv("BEARSKIN_VENUE", "synthetic")
    return bearskin


def cut_off(store: Path, at: str, into: Path) -> Path:
    """The store without anything that was not known at `at`; series that were not there yet are not there."""
    shutil.copytree(store, into)
    moment = pl.lit(parse_time(at)).cast(pl.Datetime("ns", "UTC"))
    dropped = 0
    for path in into.rglob("*.parquet"):
        frame = pl.read_parquet(path)
        if "known_at" not in frame.columns:
            continue
        kept = frame.filter(pl.col("known_at") <= moment)
        dropped += len(frame) - len(kept)
        path.unlink()
        if len(kept):
            kept.write_parquet(path)
    assert dropped > 0
    return into


@pytest.mark.parametrize("at", MOMENTS)
def test_a_scan_is_the_same_byte_for_byte_without_what_came_later(desk, scanned: Path, tmp_path: Path, at: str) -> None:
    words = ("scan", "--at", at, "--within", "24", "--json")
    whole = desk(*words)
    assert whole.code == 0, whole.err
    cut = desk(*words, "--store", cut_off(scanned, at, tmp_path / "cut"))
    assert cut.code == 0, cut.err
    assert cut.out == whole.out


def test_the_moments_of_that_test_have_something_to_compare(desk) -> None:
    told = [desk("scan", "--at", at, "--within", "24", "--json").object for at in MOMENTS]
    assert sum(len(one["candidates"]) for one in told) >= 3
    assert sum(len(one["gone"]) for one in told) >= 3


def test_what_a_candidate_tells(desk) -> None:
    told = desk("scan", "--at", MOMENTS[3], "--within", "48", "--json", "--equity", "5000", "--leverage", "3").object
    assert (told["at"], told["within_bars"], told["account"]["equity"]) == ("2025-03-05T00:00:00Z", 48, "5000")
    assert told["counts"]["symbols"] == len(SYMBOLS)
    assert told["candidates"]
    words = ["passes", "unguarded", "smaller", "declined"]
    assert [one["verdict"] for one in told["candidates"]] == sorted(
        (one["verdict"] for one in told["candidates"]), key=words.index
    )
    for one in told["candidates"]:
        assert one["reason"]
        assert "edge" in one["evidence"]["sentence"] or one["evidence"]["verdict"]
        assert one["known_at"] <= told["at"]
        sign = -1 if one["side"] == "short" else 1
        assert sign * (float(one["entry"]) - float(one["stop"])) > 0
        if one["verdict"] != "declined":
            assert float(one["qty"]) * sign > 0
            assert float(one["leverage"]) == 3
            assert 0 < float(one["loss_at_stop"]) <= 0.01 * 5000
            assert sign * (float(one["stop"]) - float(one["liquidation_price"])) > 0
            assert one["carry"]["money"]
        assert one["guards"]["size_multiplier"] is not None
        for drawn in one["drawing"]:
            assert drawn.get("end_at", "") <= told["at"]


def test_a_person_gets_a_table_and_a_page(desk, tmp_path: Path) -> None:
    page = tmp_path / "scan.html"
    ran = desk("scan", "--at", MOMENTS[3], "--within", "48", "--out", page)
    assert ran.code == 0, ran.err
    assert "Candidates" in ran.out
    assert "None of this is advice" in ran.out
    text = page.read_text()
    assert text.count("<svg") == text.count("</svg>") > 0
    assert "http" not in text.replace("http-equiv", "")
    assert "<script" not in text
    assert "none has a proven edge unless it says so" in text
    assert "None of this is advice." in text
    assert 'data-name="Reward:risk"' in text  # a narrow screen shows the table's headings beside the values


def test_several_processes_tell_the_same(desk) -> None:
    words = ("scan", "--at", MOMENTS[1], "--within", "24", "--json")
    assert desk(*words, "--processes", "2").out == desk(*words, "--processes", "1").out


def test_no_later_bar_is_the_default_moment(desk) -> None:
    told = desk("scan", "--json").object
    assert told["at"] == "2025-03-12T00:00:00Z"


def test_a_symbol_that_has_stopped_is_left_out(desk, scanned: Path, tmp_path: Path) -> None:
    store = tmp_path / "stopped"
    shutil.copytree(scanned, store)
    path = next((store / "synthetic/linear/DOGEUSDT/trade/1h").glob("*.parquet"))
    frame = pl.read_parquet(path)
    frame.head(1_000).write_parquet(path)
    told = desk("scan", "--at", MOMENTS[3], "--json", "--store", store).object
    assert [one["symbol"] for one in told["left_out"]] == ["DOGEUSDT"]
    assert "closed at 2025-02-11T16:00:00Z" in told["left_out"][0]["why"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--at", "yesterday"), "not a time"),
        (("--at", "2024-01-01"), "nothing was known at 2024-01-01"),
        (("--within", "soon"), "number of bars"),
        (("--within", "0"), "number of bars"),
        (("--within", "99999"), "1,500 are loaded of each symbol: load more with --bars"),
        (("--symbols", "BTCUSD"), "BTCUSDT"),
        (("--setups", "moon"), "no set-up"),
        (("--setups", "hold"), "yardstick"),
        (("--side", "up"), "short, long or both"),
        (("--out", "page.txt"), ".html"),
        (("--interval", "5m"), "5m"),
    ],
)
def test_bad_input_is_one_sentence(desk, words, told) -> None:
    ran = desk("scan", *words)
    assert ran.code == 2
    assert told in ran.err
    assert ran.err.strip().count("\n") == 0


def test_the_python_face(desk, scanned: Path) -> None:
    found = package.scan(at=MOMENTS[3], symbols="BTCUSDT", within=48, venue="synthetic", store=scanned)
    assert isinstance(found, Scan)
    assert len(found.symbols) == 1


def test_the_set_ups_are_listed_with_what_they_were_worth(desk) -> None:
    told = desk("setups", "--json").object
    assert [one["name"] for one in told["setups"]] == list(SETUPS)
    assert all(one["evidence"]["short"]["sentence"] for one in told["setups"])
    one = desk("setups", "failed-breakout", "--json").object
    assert one["params"]["range_bars"] == 48
    assert "Failed breakout" in desk("setups", "failed_breakout").out
    assert desk("setups", "moon").code == 2
    assert desk("setups", "stop_hunt", "failed_breakout").code == 2


CHEAT = """
from dataclasses import dataclass
from bearskin.setups import Draft, Setup

@dataclass(frozen=True)
class Params:
    {field}: int = 1

def cheat(view, params):
    for bar in range(40, len(view)):
        later = min(bar + params.{field}, len(view) - 1)
        if view.close[later] < view.close[bar] and bar % 5 == 0:
            risk = 1.2 * float(view.atr()[bar])
            at = float(view.close[bar])
            yield Draft(bar=bar, level=at, anchor_bar=bar, extreme=at + risk, targets=(at - 3 * risk,),
                        invalidation=at + risk, horizon_bars=24, why="cheat")

CHEAT = Setup(name="{name}", title="Cheat", families=("structure",), detect=cheat, params=Params())
"""


def test_a_file_that_looks_ahead_ends_with_3(desk, tmp_path: Path) -> None:
    file = tmp_path / "cheat.py"
    file.write_text(CHEAT.format(field="ahead", name="a_cheat"))
    try:
        ran = desk("setups", "check", file, "--cuts", "4", "--json")
        assert ran.code == 3
        told = json.loads(ran.out)
        assert told["looks_ahead"] is True
        assert told["setups"][0]["verdict"] == "looks ahead"
        assert told["setups"][0]["faults"][0]["bar"] > 0
        shown = desk("setups", "check", "a_cheat", "--cuts", "4")
        assert shown.code == 3
        assert "looks ahead" in shown.out
    finally:
        SETUPS._known.pop("a_cheat", None)


def test_a_check_on_symbols_of_the_store(desk) -> None:
    told = desk("setups", "check", "stop_hunt", "--symbols", "BTCUSDT", "--bars", "400", "--cuts", "4", "--json").object
    assert (told["looks_ahead"], told["setups"][0]["markets"]) == (False, 1)
    assert desk("setups", "check").code == 2
    assert desk("setups", "check", "stop_hunt", "--symbols", "NOPE").code == 2


def test_what_no_guard_was_asked_about_does_not_pass(desk) -> None:
    told = desk("scan", "--at", MOMENTS[3], "--within", "48", "--json", "--no-guards").object
    words = [one["verdict"] for one in told["candidates"]]
    assert "unguarded" in words
    assert set(words) <= {"unguarded", "declined"}
    assert "without asking any guard" in desk("scan", "--at", MOMENTS[3], "--within", "48", "--no-guards").out


def test_a_moment_without_data_is_no_quiet_market(desk) -> None:
    shown = desk("scan", "--at", "2031-01-01")
    assert "No symbol could be looked at" in shown.out
    assert "Nothing stands" not in shown.out


def test_what_circulates_of_a_coin_reaches_the_guards_of_a_scan(desk) -> None:
    from bearskin.app._scan import _with_floats

    assert _with_floats("abc=5%,XYZUSDT=0.4").outside.floats == (("ABC", 0.05), ("XYZUSDT", 0.4))
    asked = ("scan", "--at", MOMENTS[3], "--within", "48", "--json")
    assert desk(*asked, "--floats", "NOSUCH=5%").object == desk(*asked).object
    refused = desk("scan", "--floats", "BTC")
    assert refused.code == 2
    assert "COIN=SHARE" in refused.err
