"""What is known of a set-up's worth, in the words of the set-ups' room."""

from __future__ import annotations

from typing import Any

from bearskin import setups
from bearskin.terms import Side

NONE = "no proven edge: no study of it is packaged"


def evidence_sentence(setup: str, side: Side) -> str:
    """The sentence that stands wherever this set-up is shown."""
    found = _evidence(setup, side)
    return NONE if found is None else str(found.sentence)


def evidence_json(setup: str, side: Side) -> dict[str, Any]:
    """The sentence and, where there was a study, its verdict."""
    found = _evidence(setup, side)
    return {"sentence": evidence_sentence(setup, side), "verdict": None if found is None else str(found.verdict)}


def _evidence(setup: str, side: Side) -> Any:
    ask = getattr(setups, "evidence_of", None)
    return None if ask is None else ask(setup, side)
