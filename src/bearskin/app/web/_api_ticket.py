"""The API of the ticket: the preflight of a draft, sending it once, and what it may be."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._draft import TARGETS_MAX, Draft
from bearskin.app.web._ticket_json import limits_json, ticket_json
from bearskin.app.web._ticket_market import case_of
from bearskin.app.web._ticket_send import life_of, price, send

LEAST, MOST = Decimal("1e-15"), Decimal("1e15")  # written out, what lies beyond has no end


def _in_reach(value: Decimal) -> Decimal:
    if not LEAST <= value <= MOST:
        raise PydanticCustomError("reach", "out of reach: give it between 1e-15 and 1e15")
    return value


Price = Annotated[Decimal, Field(gt=0, allow_inf_nan=False), AfterValidator(_in_reach)]
Above = Price | None
Share = Annotated[Price, Field(le=1)] | None
Shock = Annotated[Price, Field(le=10)] | None


class DraftIn(BaseModel):
    """A trade as it is thought about. Prices in quote, quantity in base units without a sign, shares as fractions."""

    model_config = ConfigDict(extra="forbid")

    symbol: Annotated[str, Field(min_length=1, max_length=40)]
    side: Literal["short", "long"] = "short"
    kind: Literal["market", "limit"] = "market"
    price: Above = None
    stop: Above = None
    targets: Annotated[list[Price], Field(max_length=TARGETS_MAX)] = []
    qty: Above = None
    risk_frac: Share = None
    leverage: Above = None
    margin_mode: Literal["isolated", "cross"] = "isolated"
    trail_atr: Above = None
    purpose: Literal["speculation", "hedge"] = "speculation"
    shock_frac: Shock = None
    preset: Literal["", "beginner", "standard", "pro", "hedge"] = ""
    setup: Annotated[str, Field(max_length=64)] = ""
    note: Annotated[str, Field(max_length=900)] = ""

    def draft(self) -> Draft:
        """The draft."""
        given = self.model_dump(exclude={"act_id"})
        return Draft(**{**given, "symbol": self.symbol.upper(), "targets": tuple(self.targets)})


class SendIn(DraftIn):
    """A draft to be sent. `act_id` names this sending: the same one is never done twice."""

    act_id: Annotated[str, Field(min_length=8, max_length=64)]


def router_of(desk: WebDesk) -> APIRouter:
    """The routes of the ticket."""
    router = APIRouter(prefix="/ticket", tags=["ticket"])

    @router.post("/price", summary="The preflight of a draft: every figure, every check, whether it may be sent")
    async def price_draft(draft: Annotated[DraftIn, Body()]) -> dict[str, Any]:
        return ticket_json(await price(desk, draft.draft()))

    @router.post("/send", summary="Send a draft through the bot, once, after the same preflight")
    async def send_draft(draft: Annotated[SendIn, Body()]) -> dict[str, Any]:
        sent = await send(desk, draft.draft(), draft.act_id)
        return {**asdict(sent), "life": asdict(life_of(sent, desk.bot.now))}

    @router.get("/limits", summary="What a ticket of a symbol may be: presets, leverage, brackets, locks")
    async def limits(
        symbol: Annotated[str, Query(min_length=1, max_length=40)],
        preset: Literal["", "beginner", "standard", "pro", "hedge"] = "",
    ) -> dict[str, Any]:
        return limits_json(await case_of(desk, symbol.upper()), preset)

    return router
