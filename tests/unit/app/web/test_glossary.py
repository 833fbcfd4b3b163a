"""The glossary: every word has one meaning, and the ones that are told wrong are told right."""

from __future__ import annotations

import pytest

from bearskin.app.web._glossary import ENTRIES, entry_of, glossary, slug_of, term_html
from bearskin.app.web._glossary_words import GROUPS


def test_a_word_leads_to_its_entry_however_it_is_written():
    assert entry_of("Mark").name == "mark price"
    assert entry_of("  MARKED   price").name == "mark price"
    assert entry_of("-1x token").name == entry_of("−1x token").name == "−1x token"
    assert entry_of("no such word") is None


def test_no_spelling_leads_to_two_entries():
    words = [(word.lower().replace("−", "-"), entry.name) for entry in ENTRIES for word in {entry.name, *entry.also}]
    meanings: dict[str, set[str]] = {}
    for word, name in words:
        meanings.setdefault(word, set()).add(name)
    assert {word: names for word, names in meanings.items() if len(names) > 1} == {}


def test_every_entry_is_in_a_group_and_has_an_address_of_its_own():
    assert {entry.group for entry in ENTRIES} == set(GROUPS)
    assert len({slug_of(entry) for entry in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize(
    "word",
    ["going long", "short selling", "market order", "limit order", "leverage", "initial margin", "maintenance margin",
     "contract quantity", "mark price", "index price", "last price", "liquidation price", "bankruptcy price",
     "funding rate", "TP/SL", "OCO", "ADL", "open interest", "basis", "insurance fund", "R", "ROE", "isolated", "cross",
     "PROTECTED"],
)  # fmt: skip
def test_the_words_a_first_trade_needs_are_there(word):
    assert entry_of(word) is not None


def test_who_pays_funding_is_told_right():
    says = entry_of("funding rate").says
    assert "Positive: longs pay shorts" in says
    assert "Negative: shorts pay longs" in says


def test_zones_above_the_price_are_those_of_shorts():
    assert "above the price are shorts" in entry_of("heatmap").says


def test_a_search_puts_the_word_itself_first():
    assert glossary("funding")[0]["term"] == "funding rate"
    assert {row["term"] for row in glossary("insurance")} >= {"insurance fund", "bankruptcy price"}
    assert len(glossary()) == len(ENTRIES)
    assert glossary("qqqq") == []


def test_html_of_a_word_holds_no_markup_of_others():
    assert term_html("<b>") == "&lt;b&gt;"
    assert term_html("mark", "<i>").endswith(">&lt;i&gt;</dfn>")
