"""docs/commands.md says what the command line says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def tool():
    spec = importlib.util.spec_from_file_location("commands_page", ROOT / "tools" / "commands_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert tool().filled(page) == page, "run python tools/commands_page.py"


def test_every_command_has_its_section() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for name in tool().commands():
        if name.startswith("config "):
            assert name.replace("config ", "`config ") in page
        else:
            assert f"\n## {name}\n" in page
