"""Starting up: what help may load, and how a command line that cannot be read ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bearskin as package

HEAVY = ("numba", "polars", "plotly", "ccxt", "numpy", "pyarrow", "pydantic", "talib", "httpx", "llvmlite")
SOURCE = Path(package.__file__).parents[1]


def python(code: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), **more}
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, env=environment)


def test_the_command_line_loads_nothing_heavy() -> None:
    code = f"import sys, bearskin.app._cli; print([m for m in {HEAVY} if m in sys.modules])"
    assert python(code).stdout.strip() == "[]"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom bearskin.app._cli import run\nrun(['--help'])\n"
        f"print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    )
    ran = python(code)
    assert ran.stderr.strip() == "[]"
    assert "backup" in ran.stdout


def test_a_plan_does_without_the_compiler(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom bearskin.app._cli import run\n"
        "run('plan short BTCUSDT --entry 60000 --qty 1 --wallet 30000 --json'.split())\n"
        "print([m for m in ('numba', 'polars', 'plotly') if m in sys.modules], file=sys.stderr)"
    )
    ran = python(code, BEARSKIN_HOME=str(tmp_path))
    assert ran.stderr.strip() == "[]"
    assert json.loads(ran.stdout)["qty"] == "-1"


def test_the_face_names_what_it_has() -> None:
    from bearskin import app

    assert app.__all__ == sorted(app.__all__)
    for name in app.__all__:
        assert getattr(app, name) is not None
    for verb in package.__all__:
        assert getattr(package, verb) is not None


def test_version(bearskin) -> None:
    assert bearskin("--version").out == f"bearskin {package.__version__}\n"


def test_no_command_shows_help_and_is_an_error(bearskin) -> None:
    ran = bearskin()
    assert ran.code == 2
    assert "Usage" in ran.out + ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["doctr"], "did you mean 'doctor'"),
        (["plan", "short"], "symbol"),
        (["doctor", "--wrong"], "--wrong"),
        (["demo", "--days", "many"], "valid integer"),
    ],
)
def test_what_cannot_be_read_ends_with_two(bearskin, words: list[str], said: str) -> None:
    plain = bearskin(*words)
    assert (plain.code, plain.out) == (2, "")
    assert said in plain.err.lower()
    assert plain.err.count("\n") == 1
    told = bearskin(*words, "--json")
    assert told.code == 2
    assert told.object["error"]["exit_code"] == 2
    assert said in told.object["error"]["message"].lower()


def test_a_reader_that_leaves_is_no_fault(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "BEARSKIN_HOME": str(tmp_path)}
    command = f"{sys.executable} -m bearskin config --json | true; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment)
    assert (ran.stdout, ran.stderr) == ("0\n", "")


def test_common_options_stand_before_or_after(bearskin, tmp_path: Path) -> None:
    other = tmp_path / "other"
    before = bearskin("--home", other, "--json", "config")
    after = bearskin("config", "--home", other, "--json")
    assert before.object == after.object
    assert after.object["home"] == {"value": str(other), "origin": "command line"}


def test_a_bug_says_so_and_keeps_the_trace(bearskin, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise ZeroDivisionError("api_key=sesame was divided")

    monkeypatch.setattr("bearskin.app._doctor.doctor", broken)
    ran = bearskin("doctor", "--json")
    assert ran.code == 1
    assert ran.object["error"]["kind"] == "Bug"
    assert "bug in bearskin" in ran.err
    assert "issue tracker" in ran.err
    assert "Traceback" not in ran.err
    log = (home / "logs" / "bearskin.log").read_text()
    assert "Traceback" in log
    assert "sesame" not in log + ran.err + ran.out
    assert "Traceback" in bearskin("doctor", "--verbose").err


def test_an_interrupt_ends_cleanly(bearskin, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bearskin.app._doctor.doctor", interrupted)
    ran = bearskin("doctor")
    assert (ran.code, ran.out) == (130, "")
    assert "stopped" in ran.err


def test_help_names_commands_in_the_order_of_use_and_switches_take_no_value(bearskin) -> None:
    said = bearskin("--help").out
    assert [said.index(f"─ {panel} ─") for panel in ("Trades", "Market data", "House")] == sorted(
        said.index(f"─ {panel} ─") for panel in ("Trades", "Market data", "House")
    )
    assert "bearskin demo" in said
    assert not any("<bool>" in line for line in said.splitlines() if "--json" in line or "--quiet" in line)
