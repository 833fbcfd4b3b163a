"""A run against its backtest: nothing differs without latency, and what differs with it is split to the cent."""

from __future__ import annotations

import importlib.util
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from bearskin.backtest import BacktestRequest, Latency, Parity, compare, keep_history, kept_of, run_engine
from bearskin.engine import EngineSettings, Record, record_bytes, record_of
from bearskin.market import Panel
from bearskin.report import parity_tables
from bearskin.terms import HOUR_NS, BarClosed, StoreBroken, UnknownBrackets


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
D = Decimal
SETTINGS = EngineSettings(tag="back", symbols=("AAA", "BBB"), guards=False, limits=False, leverage=D(5))


def ran(draw: Any, latency: Latency | None = None, seed: int = 11) -> tuple[list[Panel], list[Record]]:
    """The engine over two random panels, with the records it would have journalled."""
    rng = np.random.default_rng(seed)
    panels = [twin.wild(rng, name) for name in ("AAA", "BBB")]
    draw([event for panel in panels for event in twin.drawn_signals(rng, panel)])
    records: list[Record] = []
    run_engine(BacktestRequest(guards=False), panels, twin.Book(), latency=latency, kept=records.append)
    return panels, records


def test_without_latency_every_trade_has_its_twin_and_nothing_differs(draw: Any) -> None:
    panels, records = ran(draw)
    found = compare(SETTINGS, records, panels, twin.Book())
    assert len(found.pairs) > 15
    assert {one.why for one in found.only_backtest} <= {"not ended yet"}
    assert found.only_bot == ()
    for pair in found.pairs:
        assert abs(pair.difference) < D("0.01")
        assert pair.bot.reason == pair.backtest.reason or pair.backtest.reason == "end"
    assert abs(found.difference) < D("0.01")
    assert found.adds_up


def test_what_latency_costs_is_listed_and_sums_to_the_total(draw: Any) -> None:
    """Ten minutes there: other entry prices, other sizes, other trades; the parts sum to each difference."""
    panels, records = ran(draw, Latency(there_ns=600 * 10**9, back_ns=10**9))
    found = compare(SETTINGS, records, panels, twin.Book())
    assert found.pairs
    assert any(abs(pair.difference) > 1 for pair in found.pairs)
    for pair in found.pairs:
        assert sum(pair.parts.values()) == pair.difference
        assert abs(pair.parts["other"]) < D("0.01")
        assert pair.delay_s >= 600
    assert any(pair.parts["entry"] for pair in found.pairs)
    assert found.adds_up
    assert found.bot_net - found.backtest_net == pytest.approx(sum(found.parts.values()), abs=D("0.01"))


def test_trades_of_one_side_alone_are_listed_whole_with_why(draw: Any) -> None:
    panels, records = ran(draw)
    both = compare(SETTINGS, records, panels, twin.Book())
    lost = both.pairs[3].key
    kept = [record for record in records if not any(getattr(n, "known_ns", 0) == lost.signal_ns for n in record.notes)]
    found = compare(SETTINGS, kept, panels, twin.Book())
    alone = [one for one in found.only_backtest if one.key == lost]
    assert [one.told.net for one in alone] == [both.pairs[3].backtest.net]
    assert alone[0].why.startswith("not found live")
    assert found.adds_up


def test_it_is_told_in_json_and_in_tables(draw: Any) -> None:
    panels, records = ran(draw, Latency(there_ns=60 * 10**9))
    found = compare(SETTINGS, records, panels, twin.Book())
    told = msgspec.json.decode(msgspec.json.encode(found.to_json()))
    assert told["adds_up"] is True
    assert len(told["pairs"]) == len(found.pairs)
    parts = sum(D(value) for value in told["parts"].values())
    assert abs(D(told["difference"]) - parts - D(told["unexplained"])) < D("1e-6")
    shown = printed(found)
    assert "difference" in shown
    assert "AAA" in shown


def printed(found: Parity) -> str:
    import io

    from rich.console import Console

    out = io.StringIO()
    console = Console(file=out, width=160)
    for table in parity_tables(found):
        console.print(table)
    return out.getvalue()


def test_the_panels_of_a_run_come_back_from_its_history_and_its_journal(draw: Any, tmp_path: Path) -> None:
    """History up to bar 100 and again up to 120, the rest as bars in the journal: the panel as it was."""
    panels, records = ran(draw)
    journal = [record_of(record_bytes(record)) for record in records]
    from bearskin.backtest._symbols import first_bars

    for panel in panels:
        for bars in (100, 120):
            keep_history(tmp_path, first_bars(panel, bars), twin.Book().get("", panel.instrument.symbol))
    late = [r for r in journal if not (isinstance(r.event, BarClosed) and r.event.opened_ns < 118 * panel.interval_ns)]
    kept = kept_of(tmp_path, late)
    book = kept.brackets
    for panel, back in zip(panels, kept.panels, strict=True):
        assert back.instrument == panel.instrument
        for name in ("time_ns", "open", "high", "low", "close", "volume", "mark_open", "mark_high", "mark_close"):
            assert np.array_equal(getattr(back, name), getattr(panel, name)), name
        assert back.funding is not None
        assert panel.funding is not None
        assert np.array_equal(back.funding.rate, panel.funding.rate)
        days = kept.days[panel.instrument.symbol]
        assert days.known_ns.tolist() == [24 * HOUR_NS * (k + 1) for k in range(10)]
        assert days.high.tolist() == [panel.high[24 * k : 24 * k + 24].max() for k in range(10)]
    assert book.get("", "AAA") == twin.Book().get("", "AAA")
    with pytest.raises(UnknownBrackets):
        book.get("", "ZZZ")


def test_a_run_without_history_or_with_a_damaged_one_is_refused(draw: Any, tmp_path: Path) -> None:
    with pytest.raises(StoreBroken, match="no history"):
        kept_of(tmp_path, [])
    panels, _ = ran(draw)
    keep_history(tmp_path, panels[0], None)
    for path in (tmp_path / "history").glob("*.bars.parquet"):
        path.write_bytes(b"not a table")
    with pytest.raises(StoreBroken, match="cannot be read"):
        kept_of(tmp_path, [])


def test_a_full_disk_is_one_sentence_and_leaves_no_half_table(
    draw: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panels, _ = ran(draw)

    def full(_: pl.DataFrame, path: Path) -> None:
        Path(path).write_bytes(b"half of it")
        raise pl.exceptions.ComputeError("parquet: File out of specification\nNo space left on device (os error 28)")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(StoreBroken, match=r"history cannot be written \(.*No space left") as told:
        keep_history(tmp_path, panels[0], None)
    assert "\n" not in str(told.value)
    assert list((tmp_path / "history").iterdir()) == []
