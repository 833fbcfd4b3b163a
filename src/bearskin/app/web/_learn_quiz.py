"""The risk quiz on a page, and what stays locked until it is passed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bearskin.app._house import House
from bearskin.app._licence import read_licence, write_licence
from bearskin.app._quiz import LETTERS, QUIZ_VERSION, graded, laid_out
from bearskin.terms import SECOND_NS, iso


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Something that takes an act of the person first. `why` says what is missing, `cure` where that is done."""

    key: str
    what: str
    locked: bool
    why: str
    cure: str

    def to_json(self) -> dict[str, Any]:
        """As the API tells it."""
        return asdict(self)


def locks_of(house: House) -> tuple[Lock, ...]:
    """What is locked in this home and why; raises BadInput for a licence that cannot be read."""
    licence = read_licence(house.home)
    passed = "" if licence.passed else "the risk quiz has not been passed"
    read = "" if licence.acknowledged else "the notice on who may trade has not been acknowledged"
    live = " and ".join(filter(None, (passed, read)))
    return (
        Lock(
            key="leverage",
            what="leverage above the beginner preset (3x)",
            locked=bool(passed),
            why=passed,
            cure="/learn" if passed else "",
        ),
        Lock(
            key="live",
            what="trading real money",
            locked=bool(live),
            why=live,
            cure="" if not live else "/learn" if passed else "/settings",
        ),
    )


def quiz_put() -> dict[str, Any]:
    """The ten questions with their answers in a new order, without saying which are right; `seed` names the order."""
    seed = secrets.randbelow(2**31)
    return {
        "version": QUIZ_VERSION,
        "seed": seed,
        "questions": [
            {
                "name": asked.question.name,
                "text": asked.question.text,
                "answers": dict(zip(LETTERS, asked.answers, strict=True)),
            }
            for asked in laid_out(seed)
        ],
    }


def quiz_answered(house: House, seed: int, letters: Sequence[str]) -> dict[str, Any]:
    """Grade the answers to the questions as `seed` laid them out: whether passed, and for each the right answer with
    its reason. All right is kept in the home; raises BadInput for answers that cannot be."""
    result = graded(seed, letters)
    if result.passed:
        licence = read_licence(house.home)
        write_licence(house.home, licence.with_quiz(iso(time.time_ns() // SECOND_NS * SECOND_NS)))
    rows = [
        {
            "name": asked.question.name,
            "given": letter,
            "right": letter == asked.right,
            "answer": asked.question.answers[0],
            "reason": asked.question.reason,
        }
        for asked, letter in result.given
    ]
    return {"passed": result.passed, "right": sum(bool(row["right"]) for row in rows), "questions": rows}


def quiz_state(house: House) -> dict[str, Any]:
    """Whether the quiz of today was passed, and when."""
    licence = read_licence(house.home)
    return {"passed": licence.passed, "at": licence.quiz_passed_at if licence.passed else None}
