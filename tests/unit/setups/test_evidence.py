"""What is said of a set-up comes from the packaged study and nowhere else."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from bearskin.setups import (
    NO_EDGE,
    SETUPS,
    Evidence,
    evidence_book,
    evidence_json,
    evidence_of,
    evidence_verdict,
    evidence_words,
    read_evidence,
)
from bearskin.terms import BadInput, Side

ROOT = Path(__file__).resolve().parents[3]
ONE = Evidence(
    setup="failed_breakout",
    side=Side.SHORT,
    horizon_h=24,
    n=1204,
    symbols=18,
    start="2025-01-03",
    end="2026-02-11",
    mean_bp=12.0,
    excess_bp=3.2,
    t=0.4,
    p_adjusted=1.0,
    first_half_bp=5.0,
    second_half_bp=-1.0,
    verdict=NO_EDGE,
    net_bp=-2.0,
    source="somewhere",
)


def test_a_sentence_holds_the_verdict_and_what_it_rests_on():
    assert ONE.sentence == (
        "no proven edge: 3 bp more than random entries (t 0.4, p 1.00 among all that was tried) over 24 h in 1,204"
        " cases, 2025-01 to 2026-02, 18 perpetuals; -2 bp a trade after fees and slippage"
    )
    plain = replace(ONE, excess_bp=None, p_adjusted=None, net_bp=None, n=1, symbols=1)
    assert plain.sentence == (
        "no proven edge: +12 bp (t 0.4) over 24 h in 1 case, 2025-01 to 2026-02, 1 perpetual; before costs"
    )
    assert "no proven edge: 86 bp less than random entries" in replace(ONE, excess_bp=-86.2).sentence
    assert "0 bp more than random entries" in replace(ONE, excess_bp=-0.2).sentence
    assert "p < 0.001" in replace(ONE, p_adjusted=0.0002).sentence
    assert "p 0.012" in replace(ONE, p_adjusted=0.0123).sentence


def test_what_was_never_found_says_so():
    none = replace(
        ONE, n=0, symbols=0, start="", end="", excess_bp=None, t=None, p_adjusted=None, verdict="too few cases"
    )
    assert none.sentence == "no proven edge, too few cases: none was found"


def test_a_set_up_of_ones_own_is_not_studied():
    assert evidence_of("my_own", Side.SHORT) is None
    assert evidence_verdict("my_own") == NO_EDGE
    assert evidence_words("my_own", Side.LONG) == "Long: no proven edge: not studied."


def test_evidence_is_read_as_it_was_written():
    other = replace(ONE, side=Side.LONG, net_bp=None)
    text = evidence_json('a study of "this"', [ONE, other])
    book = read_evidence(text)
    assert book.study == 'a study of "this"'
    assert book.entries == {("failed_breakout", Side.SHORT): ONE, ("failed_breakout", Side.LONG): other}
    assert evidence_json(book.study, book.entries.values()) == text


@pytest.mark.parametrize(
    "text", ["", "{}", '{"format": 2}', '{"format": 1, "study": "x", "entries": [{"side": "up"}]}']
)
def test_what_is_no_evidence_is_refused(text):
    with pytest.raises(BadInput):
        read_evidence(text)


def test_a_verdict_is_one_of_those_there_are():
    with pytest.raises(BadInput, match="'great' is not one of"):
        replace(ONE, verdict="great")


def test_every_built_in_set_up_was_studied_on_both_sides():
    known = evidence_book().entries
    assert [(name, side) for name in SETUPS for side in Side if (name, side) not in known] == []


def test_the_page_says_what_the_program_says():
    spec = importlib.util.spec_from_file_location("evidence_page", ROOT / "tools" / "evidence_page.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "setups").glob("*.md")}
    for name, page in pages.items():
        assert tool.filled(page) == page, f"{name}: run python tools/evidence_page.py"
        assert [match["name"] for match in tool.BLOCK.finditer(page)] == [name]
    assert set(pages) == set(SETUPS)
