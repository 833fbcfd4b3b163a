"""What is known of a set-up's worth, in the words of the set-ups' room."""

from __future__ import annotations

from typing import Any

from bearskin.setups import evidence_of, evidence_verdict
from bearskin.terms import Side

NONE = "no proven edge: not studied"


def evidence_sentence(setup: str, side: Side) -> str:
    """The sentence that stands wherever this set-up is shown."""
    found = evidence_of(setup, side)
    return NONE if found is None else found.sentence


def evidence_json(setup: str, side: Side) -> dict[str, Any]:
    """The sentence and the verdict in a word or two."""
    return {"sentence": evidence_sentence(setup, side), "verdict": evidence_verdict(setup, side)}
