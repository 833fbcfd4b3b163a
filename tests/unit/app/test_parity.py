"""`parity`: a run on disk, compared; what cannot be is said in a sentence."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import logging
import sys
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import bearskin
from bearskin.app._bot import _remembered
from bearskin.app._runs import new_run
from bearskin.app._trade import settings_json
from bearskin.backtest import BacktestRequest, keep_history, run_engine
from bearskin.backtest._symbols import first_bars
from bearskin.engine import EngineSettings, Record, record_bytes
from bearskin.journal import RunFolder
from bearskin.terms import HOUR_NS, BadInput, StoreBroken


def _beside(name: str) -> Any:
    path = Path(__file__).parents[2] / "twin" / f"{name}.py"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


twin: Any = _beside("test_engine_twin")
draw = twin.draw


def a_run(draw: Any, home: Path) -> RunFolder:
    """A run of the engine over a random panel, on disk as a bot leaves it: settings, history, journal."""
    rng = np.random.default_rng(3)
    panel = twin.wild(rng, "AAA")
    draw(twin.drawn_signals(rng, panel))
    records: list[Record] = []
    run_engine(BacktestRequest(guards=False), [panel], twin.Book(), kept=records.append)
    settings = EngineSettings(
        tag="back", symbols=("AAA",), interval_ns=HOUR_NS, guards=False, limits=False, leverage=Decimal(5)
    )
    run = new_run(
        home / "journal", venue="demo", env="", account="1", symbols=("AAA",), interval="1h",
        settings=settings_json(settings), now_ns=1_700_000_000_000_000_000,
    )  # fmt: skip
    with contextlib.closing(run.kept.open_journal()) as journal:
        journal.append([record_bytes(record) for record in records])
    keep_history(run.folder, first_bars(panel, 1), twin.Book().get("", "AAA"))
    return run.kept


def test_a_run_is_compared_by_name_in_python_and_on_the_command_line(
    draw: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from bearskin.app._cli import run as cli

    kept = a_run(draw, tmp_path)
    found = bearskin.parity(kept.run, home=tmp_path)
    assert len(found.pairs) > 5
    assert found.adds_up
    assert all(abs(pair.difference) < Decimal("0.01") for pair in found.pairs)
    assert cli(["parity", "--home", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["adds_up"] is True
    assert len(told["pairs"]) == len(found.pairs)
    assert cli(["parity", kept.run, "--home", str(tmp_path)]) == 0
    assert "net of the backtest" in capsys.readouterr().out


def test_a_run_that_is_not_there_held_or_without_history_is_refused(draw: Any, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no run"):
        bearskin.parity("last", home=tmp_path)
    kept = a_run(draw, tmp_path)
    with contextlib.closing(kept.open_journal()), pytest.raises(BadInput):
        bearskin.parity(kept.run, home=tmp_path)
    for path in (kept.path / "history").iterdir():
        path.unlink()
    with pytest.raises(StoreBroken, match="no history"):
        bearskin.parity(kept.run, home=tmp_path)


def test_a_history_that_cannot_be_kept_is_a_warning_and_the_bot_starts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Positions may be open: they wait for no file."""
    panel = twin.wild(np.random.default_rng(3), "AAA")
    (tmp_path / "history").write_text("in the way")
    took: list[Any] = []
    heard: list[int] = []

    async def history(symbol: str, interval: str, bars: int) -> Any:
        return panel

    world = SimpleNamespace(venue=SimpleNamespace(history=history), clock=SimpleNamespace(heard=heard.append))
    mind = SimpleNamespace(preload=lambda *panels: took.append(panels))
    settings = SimpleNamespace(symbols=("AAA",), interval_ns=HOUR_NS, bars_kept=100)
    run = SimpleNamespace(folder=tmp_path, interval="1h")
    with caplog.at_level(logging.WARNING, logger="bearskin.app"):
        after = asyncio.run(_remembered(run, world, mind, settings, {"AAA": (panel.instrument, None)}, None))  # type: ignore[arg-type]
    assert after == {"AAA": int(panel.time_ns[-1])}
    assert len(took) == 1
    assert heard == [int(panel.time_ns[-1]) + HOUR_NS]
    assert "history that AAA starts with is not kept" in caplog.text
