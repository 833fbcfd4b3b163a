"""The house keeps its own rules: lazy front door, pinned faces."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import bearskin

ROOMS = (
    "terms", "margin", "ledger", "journal", "market", "paths", "setups", "risk", "engine", "exchange", "backtest",
    "live", "report", "app",
)  # fmt: skip


def test_importing_bearskin_loads_no_room():
    code = "import sys, bearskin; print([m for m in sys.modules if m.startswith('bearskin.')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_on_a_face_exists(room):
    face = importlib.import_module(f"bearskin.{room}")
    assert face.__all__
    assert [name for name in face.__all__ if not hasattr(face, name)] == []


def test_the_front_door_offers_the_verbs_of_the_command_line():
    for verb in bearskin.__all__:
        assert hasattr(bearskin, verb), verb
    with pytest.raises(AttributeError, match="fly"):
        _ = bearskin.fly
