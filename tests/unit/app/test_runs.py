"""Runs: who holds one, and where its bot listens."""

from __future__ import annotations

from pathlib import Path

from bearskin.app._runs import BOT_FILE, BotAddress, bot_of, bot_told, new_run, run_held


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
