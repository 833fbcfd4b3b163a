"""The command that opens the demo exchange, and what the rest of the house knows of it."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import httpx
import pytest

import bearskin as package
from bearskin.exchange import ExchangeOptions, start_in_thread
from bearskin.terms import BadInput

SMALL = "--port 0 --symbols BTCUSDT --prices manual --no-crowd"


def test_json_is_one_line_with_what_opens_it(bearskin, home: Path):
    ran = bearskin(f"exchange {SMALL} --for 1s --json")
    assert ran.code == 0, ran.err
    assert list(ran.object) == ["url", "ws_url", "key", "secret", "control_url", "token"]
    assert ran.object["ws_url"].replace("ws://", "http://") == ran.object["url"]
    assert (home / "exchange" / "journal.sqlite").exists()
    log = "".join(path.read_text() for path in (home / "logs").glob("*.log"))
    assert ran.object["secret"] not in ran.err + log
    assert ran.object["token"] not in ran.err + log


def test_a_person_gets_the_address_a_key_and_a_text_for_each_client(bearskin):
    ran = bearskin(f"exchange {SMALL} --for 1s")
    for said in ("ccxt", "python binance", "official sdk", "freqtrade", "Ctrl-C", "play money"):
        assert said in ran.out
    key = next(line.split()[-1] for line in ran.out.splitlines() if "API key" in line)
    assert ran.out.count(key) >= 5
    again = bearskin(f"exchange {SMALL} --for 1s")
    assert key in again.out
    assert "taken up where it was left" in again.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--prices wild", "must be one of synthetic, replay, manual"),
        ("--symbols NOPEUSDT", "NOPEUSDT"),
        ("--speed 0", "speed was 0"),
        ("--speed 1000000000", "speed was 1,000,000,000, must be 0.001 to 100,000 market seconds in a second"),
        ("--speed much", "speed was 'much'"),
        ("--for soon", "'soon' is not an interval"),
        ("--deposit -1", "deposit was -1"),
        ("--from 2026-01-01", "a start is for replays"),
        ("--prices replay", "no candles"),
        ("--interval 1h", "interval is for replays"),
        ("--symbols ,", "symbols names none"),
        ("--host no.such.host.invalid", "no address of this machine"),
    ],
)
def test_what_cannot_be_is_one_sentence(bearskin, words: str, said: str):
    ran = bearskin(f"exchange --port 0 {words}")
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_a_port_in_use_is_said_and_ends_with_two(bearskin):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = bearskin(f"exchange --port {port} --json")
    assert ran.code == 2
    assert f"port {port} of 127.0.0.1 is in use" in ran.object["error"]["message"]


def test_the_port_is_a_setting(bearskin, home: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert bearskin(f"config set port {port}").code == 0
        assert f"port {port} of 127.0.0.1 is in use" in bearskin("exchange").err
    assert bearskin("config set port 99999").code == 2


def test_from_python_it_runs_in_a_thread(home: Path):
    running = package.exchange(port=0, symbols="BTCUSDT", prices="manual", deposit=500)
    assert httpx.get(f"{running.url}/fapi/v1/ping").json() == {}
    state = running.opened.service.exchange.state
    assert state.ledgers["USDT"].balance(state.accounts[2].wallet_name) == 500
    running.stop()
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"{running.url}/fapi/v1/ping")


def test_what_looks_after_the_house_leaves_a_running_one_alone(bearskin, home: Path, tmp_path: Path):
    assert "none yet" in bearskin("doctor").out
    options = ExchangeOptions(folder=home / "exchange", port=0, symbols=("BTCUSDT",), prices="manual")
    running = start_in_thread(options)
    assert "running; BTCUSDT; manual prices" in bearskin("doctor").out
    ran = bearskin("reset exchange --yes")
    assert (ran.code, "an exchange is running in" in ran.err) == (2, True)
    assert bearskin("backup", tmp_path / "kept.tar.gz").code == 2
    running.stop()
    assert "stopped; BTCUSDT; manual prices" in bearskin("doctor").out
    assert bearskin("backup", tmp_path / "kept.tar.gz").code == 0
    assert bearskin("reset exchange --yes").code == 0
    assert "none yet" in bearskin("doctor").out


def test_a_damaged_setup_is_found_by_the_doctor(bearskin, home: Path):
    folder = home / "exchange"
    folder.mkdir(parents=True)
    (folder / "exchange.json").write_text(json.dumps({"format": "bearskin-exchange"}))
    ran = bearskin("doctor")
    assert ran.code == 2
    assert "does not say how this exchange was begun" in ran.err
    assert bearskin("exchange --port 0").code == 1


def test_a_journal_without_its_setup_is_not_begun_over(tmp_path: Path):
    options = ExchangeOptions(folder=tmp_path, port=0, symbols=("BTCUSDT",), prices="manual")
    start_in_thread(options).stop()
    (tmp_path / "exchange.json").unlink()
    with pytest.raises(BadInput, match=r"has a journal but no exchange\.json"):
        start_in_thread(options)


def test_a_damaged_exchange_is_told_with_what_to_do(bearskin, home: Path):
    assert bearskin(f"exchange {SMALL} --for 1s").code == 0
    (journal,) = (home / "exchange").rglob("journal.sqlite")
    journal.write_bytes(b"x" * 4096 + journal.read_bytes()[4096:])
    ran = bearskin(f"exchange {SMALL} --for 1s")
    assert ran.code == 1
    assert "backup, or begin anew with --fresh" in ran.err
    assert "bug" not in ran.err
