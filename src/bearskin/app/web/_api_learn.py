"""The API of learning: guide, glossary, quiz, locks, and the two sums."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from bearskin.app._rates import positive_of
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._glossary import glossary
from bearskin.app.web._learn import STEPS
from bearskin.app.web._learn_guide import guide_of
from bearskin.app.web._learn_quiz import locks_of, quiz_answered, quiz_put, quiz_state
from bearskin.app.web._learn_sums import DAYS_MAX, MOVE_MAX, price_path, reach_of, reaches, same_path


class GuideAct(BaseModel):
    """What is done with the guide; `step` names one for `done`."""

    act: Annotated[str, Field(pattern="^(begin|again|leave|done)$")]
    step: str | None = None


class Answers(BaseModel):
    """The letters given to the questions that were laid out by `seed`, in their order."""

    seed: Annotated[int, Field(ge=0, lt=2**31)]
    answers: Annotated[list[str], Field(max_length=50)]


def router_of(desk: WebDesk) -> APIRouter:
    """The routes /learn/*, /glossary and /quiz."""
    router = APIRouter(tags=["learn"])

    @router.get("/learn/guide", summary="The eight steps of a first short, and how far you are")
    async def guide() -> dict[str, Any]:
        return _guide(desk)

    @router.post("/learn/guide", summary="Begin, leave or take up the guide; say that a step was done")
    async def guide_act(asked: GuideAct) -> dict[str, Any]:
        one = guide_of(desk)
        if asked.act == "done":
            one.done(asked.step or "")
        elif asked.act == "leave":
            one.leave()
        else:
            one.begin(anew=asked.act == "again")
        return _guide(desk)

    @router.get("/learn/locks", summary="What is locked, and why")
    async def locks() -> list[dict[str, Any]]:
        return [lock.to_json() for lock in await desk.aside(lambda: locks_of(desk.house))]

    @router.get("/learn/same-path", summary="A -1x token beside a short held still, over one path")
    async def path(
        path: str = "swing",
        days: Annotated[int, Query(ge=2, le=DAYS_MAX)] = 60,
        move: Annotated[float, Query(gt=0, le=MOVE_MAX)] = 0.05,
        funding_per_day: Annotated[float, Query(ge=-0.1, le=0.1)] = 0.0,
    ) -> dict[str, Any]:
        return same_path(price_path(path, days, move), funding_per_day).to_json()

    @router.get("/learn/reach", summary="Naive 1/L beside the true way to liquidation of a short")
    async def reach(leverage: str | None = None, notional: str = "6000") -> dict[str, Any]:
        size = Decimal(positive_of(notional, "notional"))
        rows = reaches(size) if leverage is None else (reach_of(Decimal(positive_of(leverage, "leverage")), size),)
        return {"symbol": "BTCUSDT", "notional": notional, "rows": [row.to_json() for row in rows]}

    @router.get("/glossary", summary="The words of the field; `search` looks in names and explanations")
    async def words(search: Annotated[str, Query(max_length=100)] = "") -> list[dict[str, Any]]:
        return glossary(search)

    @router.get("/quiz", summary="The ten questions, without saying which answers are right")
    async def quiz() -> dict[str, Any]:
        return {**quiz_put(), "state": await desk.aside(lambda: quiz_state(desk.house))}

    @router.post("/quiz", summary="Answer them: the result, with the reason of every answer")
    async def answer(given: Answers) -> dict[str, Any]:
        made: dict[str, Any] = await desk.aside(lambda: quiz_answered(desk.house, given.seed, given.answers))
        return made

    return router


def _guide(desk: WebDesk) -> dict[str, Any]:
    progress = guide_of(desk).progress
    steps = [
        {"key": one.key, "title": one.title, "do": one.do, "why": one.why, "path": one.path,
         "done": one.key in progress.done}
        for one in STEPS
    ]  # fmt: skip
    present = progress.step
    return {**progress.to_json(), "step": None if present is None else present.key, "steps": steps}
