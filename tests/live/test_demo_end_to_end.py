"""The demo as a user starts it: three processes, a report, a journal, and nothing left running."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bearskin.app._runs import bot_of, runs_of
from bearskin.backtest import kept_of
from bearskin.engine import Record, Signalled, record_of
from bearskin.journal import Journal
from bearskin.setups import detect
from bearskin.terms import BarClosed, Filled, our_id

FAST = ("--speed", "600", "--symbols", "BTCUSDT,1000PEPEUSDT,XRPUSDT")
pytestmark = pytest.mark.slow


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """The start of every command line: a home of its own."""
    return [sys.executable, "-m", "bearskin", "--home", str(tmp_path / "home")]


def ran(words: list[str]) -> dict[str, Any]:
    return told_by(words)[0]


def told_by(words: list[str], **more: str) -> tuple[dict[str, Any], str]:
    """What a command said as JSON, and what it said beside it, with `more` in its environment."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=180, check=False, env={**os.environ, **more})
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done.stdout
    return json.loads(lines[0]), done.stderr


def children(home: Path) -> list[int]:
    """Processes of this home, by their command lines."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"bearskin.app._child" in line and str(home).encode() in line:
                found.append(int(entry.name))
    return found


def test_the_demo_trades_reports_and_goes_on(command: list[str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    told = ran([*command, "demo", "--for", "20s", "--json", "--no-browser", *FAST])
    assert (told["books_sum"], told["wallet_unexplained"]) == ("0", "0")
    assert told["max_unprotected_s"] < 3
    assert told["signals"] >= told["entries"]
    assert Decimal(told["equity"]) > 9_000
    assert children(home) == []
    (run,) = runs_of(home / "journal")
    assert run.id == told["run"]
    assert stat.S_IMODE(run.folder.stat().st_mode) == 0o700
    assert not (run.folder / "bot.json").exists()
    assert not (home / "exchange" / "demo" / "address.json").exists()
    journal = Journal.open(run.kept.journal_path)
    records = [record_of(data) for _, data in journal.records()]
    journal.close()
    entered = {
        ours.trade
        for record in records
        if isinstance(record.event, Filled) and (ours := our_id(record.event.client_id)) and ours.role == "entry"
    }
    assert len(entered) == told["entries"]
    assert signalled(records) == detected(run.folder, records)
    again, beside = told_by([*command, "demo", "--for", "3s", "--json", "--speed", "600"], **stand_in(tmp_path))
    opened = (tmp_path / "opened").read_text("utf-8").strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=\S+", opened)
    assert opened in beside.replace("\n", "")  # where the browser was sent to is what is printed
    assert again["run"] == told["run"]
    assert again["entries"] >= told["entries"]
    assert again["market_time"] > told["market_time"]


def stand_in(folder: Path) -> dict[str, str]:
    """An environment whose browser writes down where it was sent to."""
    script = folder / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" >> "{folder / "opened"}"\n', "utf-8")
    script.chmod(0o755)
    return {"BROWSER": f"{script} %s", "DISPLAY": ":97"}


def signalled(records: list[Record]) -> set[tuple[str, str, int, int]]:
    """What the bot says it found."""
    notes = [note for record in records for note in record.notes if isinstance(note, Signalled)]
    return {(note.symbol, note.setup, int(note.side), note.known_ns) for note in notes}


def detected(folder: Path, records: list[Record]) -> set[tuple[str, str, int, int]]:
    """What the detectors find in the very bars it heard, all of them at once."""
    heard = {(r.event.symbol, r.event.time_ns) for r in records if isinstance(r.event, BarClosed)}
    kept = kept_of(folder, records)
    panels = kept.panels.values() if isinstance(kept.panels, dict) else kept.panels
    return {
        (event.symbol, event.setup, int(event.side), event.known_ns)
        for panel in panels
        for event in detect(panel)
        if (event.symbol, event.known_ns) in heard
    }


def until(what: Any, seconds: float = 60) -> Any:
    """What `what` returns once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


def test_ctrl_c_reports_and_a_killed_parent_leaves_nobody_behind(command: list[str], tmp_path: Path) -> None:
    home = tmp_path / "home"

    def started() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*command, "demo", *FAST], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "COLUMNS": "120"},
        )  # fmt: skip

    def listening() -> bool:
        return any(bot_of(run) for run in runs_of(home / "journal")) if (home / "journal").exists() else False

    first = started()
    until(listening)
    until(lambda: len(children(home)) == 3)  # exchange, bot, dashboard
    first.send_signal(signal.SIGINT)
    until(lambda: len(children(home)) < 3)
    first.send_signal(signal.SIGINT)  # impatience takes nothing away
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0, err
    assert "Longest without a stop" in out
    assert "books of the exchange add up to 0" in out
    assert children(home) == []
    second = started()
    until(listening)
    second.kill()
    second.communicate()
    until(lambda: not children(home), 20)
    done = subprocess.run([*command, "runs", "--json"], capture_output=True, text=True, check=True)
    (kept,) = json.loads(done.stdout)["runs"]
    assert kept["running"] is False
