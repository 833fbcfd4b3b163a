"""The comparison with other programs: what is missing is said, what came too near is beyond the limit."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {
    "warm_s": 0.005, "cpu_s": 0.005, "lay_s": 0.2, "trades": 438.0, "net": 4069.8, "trades_late": 432.0,
    "net_late": -93.1, "sweep_s": 1.0, "combination_s": 0.001, "combination_cpu_s": 0.001, "offers": 8382.0,
    "ready_s": 1.0,
}  # fmt: skip
PEER = {
    "warm_s": 0.4, "cpu_s": 0.4, "trades": 432, "net": -66.7, "combination_s": 0.6, "combination_cpu_s": 0.6,
    "version": "1.2.0",
}  # fmt: skip


@pytest.fixture
def tool(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("peers_tool", ROOT / "benchmarks" / "peers.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "peers_tool", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(module, "CORES", 1)
    return module


def test_a_peer_that_is_not_there_is_said_to_be_missing(tool, tmp_path):
    found = tool.peer("vectorbt", tmp_path / "bars.npy")
    assert found == {"missing": "not installed: make peers"}
    said = tool.lines({"bearskin": OURS, "vectorbt": found})
    assert ("vectorbt", "-", "not installed: make peers") in said
    assert not tool.beyond({"bearskin": OURS, "vectorbt": found})


def test_a_peer_that_fails_tells_why(tool, tmp_path, monkeypatch):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "vectorbt.py").write_text("raise SystemExit('it has moved on')\n")
    (tmp_path / "vectorbt" / "bin").mkdir(parents=True)
    (tmp_path / "vectorbt" / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setattr(tool, "SCRIPTS", tmp_path / "scripts")
    monkeypatch.setattr(tool, "_ready", lambda name: True)
    assert tool.peer("vectorbt", tmp_path / "bars.npy") == {"missing": "it has moved on"}
    (tmp_path / "scripts" / "vectorbt.py").write_text(f"print('noise')\nprint('''{json.dumps(PEER)}''')\n")
    assert tool.peer("vectorbt", tmp_path / "bars.npy") == PEER


def test_the_lines_set_trades_and_money_against_ours(tool):
    said = tool.lines({"bearskin": OURS, "vectorbt": PEER})
    told = {name.strip(): (value, limit) for name, value, limit in said}
    assert told["vectorbt 1.2.0, single run"] == ("0.40 s", "80 times ours")
    assert told["trades and money"] == ("432, -66.7 USDT", "+0, +26.4 to ours")
    assert told["one combination of a sweep"][1].startswith("600 times ours")
    assert told["the fastest peer takes as long, times"] == ("80.0", "at least 10")
    assert not tool.beyond({"bearskin": OURS, "vectorbt": PEER})


@pytest.mark.parametrize("slow", [{"cpu_s": 0.04}, {"combination_cpu_s": 0.4}])
def test_what_comes_too_near_is_beyond_the_limit(tool, slow):
    assert tool.beyond({"bearskin": OURS, "vectorbt": {**PEER, **slow}})


def test_every_peer_has_its_script_and_its_pinned_requirements(tool):
    for name in tool.PEERS:
        assert (tool.SCRIPTS / f"{name}.py").is_file()
        wanted = (tool.SCRIPTS / "requirements" / f"{name}.txt").read_text().split()
        assert wanted
        assert all("==" in one for one in wanted)
        assert name in tool.TITLES
        assert name in tool.CANNOT


def test_the_bars_are_seeded_and_sound(tool, monkeypatch):
    monkeypatch.setattr(tool, "BARS", 2_000)
    one, other = tool.bars(), tool.bars()
    assert (one == other).all()
    _, opens, high, low, close, _ = one.T
    assert (opens[1:] == close[:-1]).all()
    assert (high >= low).all()
    assert len(tool.signals_of(close)) > 5
