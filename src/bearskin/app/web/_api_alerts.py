"""The API of alerts: rules made, read, changed and deleted, and which kinds are told."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from bearskin.app._rules import add_rule, change_rule, remove_rule
from bearskin.app.web._alerts import alerts_now, tell_kind
from bearskin.app.web._desk import WebDesk

Word = Annotated[str, Field(max_length=100)]


class RuleChange(BaseModel):
    """What is said of a rule; what is left away stays, or is as for a new one. Shares as 0.05 % or 0.0005."""

    model_config = ConfigDict(extra="forbid")

    about: Word | None = None
    symbol: Word | None = None
    compare: Word | None = None
    value: Word | None = None
    setup: Word | None = None
    side: Word | None = None
    often: Word | None = None
    pause_s: float | Word | None = None
    urgent: bool | None = None
    on: bool | None = None
    note: Annotated[str, Field(max_length=500)] | None = None


class Telling(BaseModel):
    """Whether a kind of alert is told."""

    told: bool


def router_of(desk: WebDesk) -> APIRouter:
    """The routes below /alerts."""
    router = APIRouter(prefix="/alerts", tags=["alerts"])
    home = desk.house.home

    @router.get("", summary="Rules, what rang last, and the kinds that are told")
    async def alerts() -> dict[str, Any]:
        found: dict[str, Any] = await desk.aside(lambda: alerts_now(desk))
        return found

    @router.post("", status_code=201, summary="Make a rule")
    async def add(rule: RuleChange) -> dict[str, Any]:
        given = rule.model_dump(exclude_none=True)
        made: dict[str, Any] = (await desk.aside(lambda: add_rule(home, given))).to_json()
        return made

    @router.patch("/{rule}", summary="Change a rule, switch it off or on")
    async def change(rule: str, changed: RuleChange) -> dict[str, Any]:
        given = changed.model_dump(exclude_none=True)
        made: dict[str, Any] = (await desk.aside(lambda: change_rule(home, rule, given))).to_json()
        return made

    @router.delete("/{rule}", summary="Delete a rule")
    async def remove(rule: str) -> dict[str, Any]:
        return {"removed": (await desk.aside(lambda: remove_rule(home, rule))).to_json()}

    @router.put("/kinds/{kind}", summary="Have a kind of alert told, or not")
    async def kind(kind: str, telling: Telling) -> dict[str, Any]:
        await desk.aside(lambda: tell_kind(desk, kind, telling.told))
        return {"kind": kind, "told": telling.told}

    return router
