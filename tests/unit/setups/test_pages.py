"""Every set-up has a page with its picture and the evidence that is packaged, and the index lists it."""

from __future__ import annotations

import importlib.util
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bearskin.setups import SETUPS, evidence_words

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
BUILT_IN = sorted(SETUPS._own)


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("setup_pages", ROOT / "tools" / "setup_pages.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["setup_pages"] = module
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("setup_pages")


def test_the_pages_and_the_index_are_current(tool):
    assert tool.stale() == []


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_page_has_rule_picture_and_evidence(name):
    page = (DOCS / "setups" / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith("# ")
    assert f"`{name}`" in page
    assert f"({name}.svg)" in page
    assert evidence_words(name) in page
    assert "| parameter | default |" in page
    for field in SETUPS[name].families:
        assert field in page


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_picture_is_small_and_sound(name):
    text = (DOCS / "setups" / f"{name}.svg").read_text(encoding="utf-8")
    assert len(text.encode()) < 20_000
    assert "prefers-color-scheme" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    words = [one.text for one in ET.fromstring(text).iter("{http://www.w3.org/2000/svg}text")]
    assert any(word.startswith("entry") for word in words)
    assert any("stop" in word for word in words)


def test_links_between_the_pages_lead_somewhere():
    import re

    for path in [*(DOCS / "setups").glob("*.md"), DOCS / "setups.md", DOCS / "scan.md", DOCS / "look-ahead.md"]:
        for target in re.findall(r"\]\((?!http|#)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
