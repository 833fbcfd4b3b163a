"""Runs: who holds one, and where its bot listens."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bearskin.app._runs import BOT_FILE, BotAddress, Run, bot_of, bot_told, chosen_alone, latest_run, new_run, run_held


def test_the_address_of_a_killed_bot_is_not_taken_for_that_of_the_next_one(tmp_path: Path) -> None:
    run = new_run(
        tmp_path, venue="demo", env="", account="1", symbols=("BTCUSDT",), interval="15m", settings={}, now_ns=0
    )
    address = BotAddress(url="http://127.0.0.1:1", token="t" * 43)
    with run_held(run), bot_told(run, address):
        assert bot_of(run) == address
        left_behind = (run.folder / BOT_FILE).read_bytes()
    (run.folder / BOT_FILE).write_bytes(left_behind)
    assert bot_of(run) is None
    with run_held(run):
        assert bot_of(run) is None


def begun(home: Path, now_ns: int) -> Run:
    run = new_run(
        home / "journal", venue="demo", env="", account="1", symbols=("BTCUSDT",), interval="15m", settings={},
        now_ns=now_ns,
    )  # fmt: skip
    run.kept.open_journal().close()
    return run


def test_two_commands_that_begin_together_take_one_run(home: Path) -> None:
    journals = home / "journal"
    journals.mkdir(parents=True)

    def command(_: int) -> str:
        with chosen_alone(journals):
            there = latest_run(journals, venue="demo")
            return there.id if there is not None else begun(home, 10**18).id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(command, range(8)))) == 1


@pytest.mark.parametrize(
    "body",
    [
        "{bad",
        '{"format": "bearskin-run", "version": 9}',
        '{"format": "bearskin-run", "version": 1, "tag": "a", "started": "then"}',
        '{"format": "bearskin-run", "version": 1, "tag": "a", "settings": 5}',
    ],
)
def test_one_damaged_run_stops_no_other(bearskin, home: Path, caplog: pytest.LogCaptureFixture, body: str) -> None:
    sound, harmed = begun(home, 10**18), begun(home, 10**18 + 10**12)
    (harmed.folder / "run.json").write_text(body)
    listed = bearskin("runs --json")
    assert listed.code == 0
    told = {one["run"]: one["damaged"] for one in listed.object["runs"]}
    assert told[sound.id] is None
    assert "move" in told[harmed.id]
    shown = bearskin("runs")
    assert "damaged" in shown.out
    with caplog.at_level(logging.WARNING, logger="bearskin.app"):
        found = latest_run(home / "journal", venue="demo")
    assert found is not None
    assert found.id == sound.id
    assert f"{harmed.id} is passed over" in caplog.text
    last = bearskin("report --json")
    assert (last.code, last.object["run"]) == (0, sound.id)
    asked = bearskin("report", harmed.id)
    assert asked.code in {1, 2}
    assert asked.err.count("error: ") == 1
    assert "bug" not in asked.err
    assert "away" in asked.err
