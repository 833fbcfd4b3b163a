"""The glossary: looking a word up, however it is written, and showing it with its explanation."""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Mapping
from typing import Any

from bearskin.app.web._glossary_words import ENTRIES, Entry


@functools.cache
def _by_word() -> Mapping[str, Entry]:
    found: dict[str, Entry] = {}
    for entry in ENTRIES:
        for word in (entry.name, *entry.also):
            found.setdefault(_plain(word), entry)
    return found


def entry_of(word: str) -> Entry | None:
    """The entry of a word or one of its other spellings, None where it is none of the field's words."""
    return _by_word().get(_plain(word))


def slug_of(entry: Entry) -> str:
    """The entry's name as an address can hold it: mark-price."""
    return re.sub(r"[^a-z0-9]+", "-", entry.name.lower()).strip("-")


def said(entry: Entry) -> str:
    """The whole explanation in one text."""
    return f"{entry.says} {entry.wrong}".strip()


def term_html(word: str, label: str | None = None) -> str:
    """A word as HTML that explains itself on hover, focus and tap; plain text where the glossary does not know it.

    For tables whose heads are HTML; pages use `term` of the kit.
    """
    entry, shown = entry_of(word), html.escape(label or word)
    if entry is None:
        return shown
    says = html.escape(said(entry), quote=True)
    return f'<dfn class="term" tabindex="0" data-term="{slug_of(entry)}" aria-description="{says}">{shown}</dfn>'


def glossary(search: str = "") -> list[dict[str, Any]]:
    """The entries that hold `search` anywhere, those first that are called so, else in the order of the glossary."""
    wanted = _plain(search)
    rows = []
    for place, entry in enumerate(ENTRIES):
        names = [_plain(word) for word in (entry.name, *entry.also)]
        rank = 0 if wanted in names else 1 if any(wanted in name for name in names) else 2
        if rank < 2 or wanted in _plain(said(entry)):
            rows.append((rank if wanted else 0, place, entry))
    return [entry_json(entry) for _, _, entry in sorted(rows, key=lambda row: row[:2])]


def entry_json(entry: Entry) -> dict[str, Any]:
    """An entry as the API tells it."""
    return {
        "term": entry.name,
        "slug": slug_of(entry),
        "group": entry.group,
        "says": entry.says,
        "also": list(entry.also),
        "wrong": entry.wrong or None,
    }


def _plain(word: str) -> str:
    return " ".join(word.lower().replace("−", "-").split())
