"""A home of one's own for every test of the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keyring
import keyring.backend
import platformdirs
import pytest

from bearskin.app._cli import run


@dataclass(frozen=True)
class Ran:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def object(self) -> dict[str, Any]:
        """The one JSON object on stdout; fails when there is anything else."""
        lines = self.out.splitlines()
        assert len(lines) == 1, self.out
        found = json.loads(lines[0])
        assert isinstance(found, dict)
        return found


Bearskin = Callable[..., Ran]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, named by the environment; no other setting reaches the test. Kernels stay where they are kept."""
    for name in list(os.environ):
        if name.startswith("BEARSKIN_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("BEARSKIN_HOME", str(folder))
    cache = os.environ.get("NUMBA_CACHE_DIR", str(platformdirs.user_cache_path("bearskin") / "numba"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", cache)
    return folder


class Ring(keyring.backend.KeyringBackend):
    """A keyring that lives as long as a test."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture(autouse=True)
def ring() -> Iterator[Ring]:
    """Nobody's own keyring is asked or written by a test."""
    before, here = keyring.get_keyring(), Ring()
    keyring.set_keyring(here)
    yield here
    keyring.set_keyring(before)


@pytest.fixture
def bearskin(home: Path, capsys: pytest.CaptureFixture[str]) -> Bearskin:
    """Runs a command line in this process; a string is cut at its blanks."""

    def call(*words: object) -> Ran:
        capsys.readouterr()
        code = run([part for word in words for part in (word.split() if isinstance(word, str) else [str(word)])])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call
