"""The runner of the client scripts: steps are counted, failures fail, and only what cannot be installed is skipped."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = 'print("ok   opens: at 1 (0.1 s)")\nprint("ok   closes (0.1 s)")\n'
BAD = 'import sys\nprint("ok   opens (0.1 s)")\nprint("FAIL closes: it did not")\nsys.exit(1)\n'
DIES = 'print("ok   opens (0.1 s)")\nraise SystemExit("no more")\n'


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool with three clients of ours that need neither packages nor an exchange."""
    spec = importlib.util.spec_from_file_location("clients_tool", ROOT / "tools" / "clients.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "clients_tool", module)
    spec.loader.exec_module(module)

    @contextmanager
    def no_exchange(port: int) -> Iterator[str]:
        yield "{}"

    (tmp_path / "scripts").mkdir()
    (tmp_path / "requirements").mkdir()
    for name, text in {"good": GOOD, "bad": BAD, "dies": DIES}.items():
        (tmp_path / "scripts" / f"{name}.py").write_text(text)
    (tmp_path / "requirements" / "nowhere.txt").write_text("nowhere==1.0\n")
    monkeypatch.setattr(module, "CLIENTS", {"good": "", "bad": "", "dies": "", "missing": "nowhere"})
    monkeypatch.setattr(module, "TESTS", tmp_path)
    monkeypatch.setattr(module, "ENVIRONMENTS", tmp_path / "environments")
    monkeypatch.setattr(module, "exchange", no_exchange)
    return module


def run(tool: ModuleType, monkeypatch: pytest.MonkeyPatch, *clients: str) -> int:
    """The exit code for some clients."""
    monkeypatch.setattr(sys, "argv", ["clients.py", *clients])
    return tool.main()


def test_a_client_whose_steps_all_pass_is_ok(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two steps, none failed, exit code 0."""
    assert run(tool, monkeypatch, "good") == 0
    row = capsys.readouterr().out.splitlines()[-1]
    assert row.split()[0] == "good"
    assert row.split()[-4:-2] == ["2", "0"]
    assert row.endswith("ok")


def test_one_failed_step_fails_the_run_and_is_named_at_the_end(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others still run."""
    assert run(tool, monkeypatch, "bad", "good") == 1
    assert capsys.readouterr().out.splitlines()[-1] == "FAILED bad: closes: it did not"


def test_a_script_that_dies_between_steps_is_a_failure(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Steps that were never reached must not pass for steps that went well."""
    assert run(tool, monkeypatch, "dies") == 1
    assert "left with 1: no more" in capsys.readouterr().out


def test_what_cannot_be_installed_is_skipped_with_the_reason(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A skip is no failure, and it says what pip said."""
    really = subprocess.run

    def no_network(command: list[str], **words: Any) -> subprocess.CompletedProcess[str]:
        if "pip" in command:
            said = "WARNING: slow\nERROR: No matching distribution found for nowhere==1.0\n"
            return subprocess.CompletedProcess(command, 1, "", said)
        return really([sys.executable, "-c", ""] if "venv" in command else command, **words)

    monkeypatch.setattr(subprocess, "run", no_network)
    assert run(tool, monkeypatch, "missing", "good") == 0
    told = capsys.readouterr().out
    assert "skipped: ERROR: No matching distribution found for nowhere==1.0" in told


def test_an_unknown_client_is_refused(tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, before anything is started."""
    assert run(tool, monkeypatch, "nobody") == 2
