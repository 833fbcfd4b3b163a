"""Positions and the account in the API: what is held, what was done with it, and what can be done."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from bearskin.app.web import _account_rows as rows
from bearskin.app.web import _positions_acts as acts
from bearskin.app.web import _wallets
from bearskin.app.web._api_bot import told
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._positions import standing_json
from bearskin.app.web._positions_shock import shock_json

Positive = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
# far beyond what is shown, which says so in words of its own
Frac = Annotated[
    Decimal, Query(ge=-100, le=100, allow_inf_nan=False, description="0.2 is up twenty per cent, -0.2 down")
]
Symbol = Annotated[str | None, Query(description="One symbol; all of them without")]
Last = Annotated[int, Query(ge=1, le=rows.ROWS_MOST)]


# told by hand: a response class of its own would have FastAPI tell errors as text/csv too, and they are JSON
CSV: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Closing(_Asked):
    """How much of it (0.5 is half), and a price for a limit."""

    share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal(1)
    price: Positive | None = None


class Stopping(_Asked):
    """Where the stop goes."""

    stop: Positive


class Aiming(_Asked):
    """Where a target goes; the nearest is number 1."""

    target: Positive
    number: Annotated[int, Field(ge=1, le=2)] = 1


class Margin(_Asked):
    """How much, and which way."""

    amount: Positive
    way: Literal["add", "take"] = "add"


class Noting(_Asked):
    """The thesis."""

    text: Annotated[str, Field(min_length=1, max_length=acts.NOTE_MAX)]


class Transfer(_Asked):
    """How much, and which way."""

    amount: Positive
    way: Literal["to_futures", "to_spot"]


class Pushing(_Asked):
    """Where the demo's index goes; null gives it back to its source."""

    price: Positive | None


def router_of(desk: WebDesk) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["positions"])
    _held(router, desk)
    _written(router, desk)
    _money(router, desk)
    return router


def _held(router: APIRouter, desk: WebDesk) -> None:
    @router.get("/positions", summary="The account and what it holds, at the marks of now")
    async def positions() -> dict[str, Any]:
        return standing_json(await acts.standing(desk))

    @router.post("/positions/{symbol}/close", summary="Close it, or a share of it")
    async def close(symbol: str, asked: Closing | None = None) -> JSONResponse:
        asked = asked or Closing()
        return told(await acts.close(desk, symbol, asked.share, asked.price))

    @router.post("/positions/{symbol}/stop", summary="Move the stop")
    async def stop(symbol: str, asked: Stopping) -> JSONResponse:
        return told(await acts.move_stop(desk, symbol, asked.stop))

    @router.post("/positions/{symbol}/target", summary="Move a target; the stop stays where it is")
    async def target(symbol: str, asked: Aiming) -> JSONResponse:
        return told(await acts.move_target(desk, symbol, asked.target, asked.number))

    @router.post("/positions/{symbol}/break-even", summary="Move the stop to break-even after fees")
    async def break_even(symbol: str) -> JSONResponse:
        return told(await acts.break_even(desk, symbol))

    @router.post("/positions/{symbol}/reverse", summary="Close it and open the other side, sized for the stop")
    async def reverse(symbol: str, asked: Stopping) -> JSONResponse:
        return told(await acts.reverse(desk, symbol, asked.stop))

    @router.post("/positions/{symbol}/margin", summary="Add isolated margin, or take some out")
    async def margin(symbol: str, asked: Margin) -> JSONResponse:
        return told(await acts.move_margin(desk, symbol, asked.amount, asked.way))

    @router.post("/positions/{symbol}/note", summary="Write the thesis down")
    async def note(symbol: str, asked: Noting) -> JSONResponse:
        return told(await acts.note(desk, symbol, asked.text))

    @router.get("/shock", summary="What the account would be if everything moved by the same share (an estimate)")
    async def shock(frac: Frac) -> dict[str, Any]:
        return shock_json(await acts.shocked(desk, frac))

    if desk.control is not None:

        @router.post("/demo/{symbol}/push", summary="Push the price of the demo exchange; no venue lets you do that")
        async def push(symbol: str, asked: Pushing) -> dict[str, Any]:
            if asked.price is None:
                return await acts.release(desk, symbol)
            return await acts.push(desk, symbol, asked.price)


def _written(router: APIRouter, desk: WebDesk) -> None:
    @router.get("/orders", summary="What rests at the venue")
    async def orders() -> dict[str, Any]:
        return {"orders": await rows.orders(desk)}

    @router.get("/fills", summary="The account's last trades")
    async def fills(symbol: Symbol = None, last: Last = 100) -> dict[str, Any]:
        return {"fills": await rows.fills(desk, symbol, last)}

    @router.get("/fills.csv", summary="The same as comma separated text", response_class=Response, responses=CSV)
    async def fills_csv(symbol: Symbol = None, last: Last = rows.ROWS_MOST) -> Response:
        return _csv("fills", rows.csv_of(await rows.fills(desk, symbol, last), rows.FILLS))

    @router.get("/funding", summary="Funding received and paid")
    async def funding(symbol: Symbol = None, last: Last = rows.ROWS_MOST) -> dict[str, Any]:
        return {"funding": await rows.funding(desk, symbol, last)}

    @router.get("/funding.csv", summary="The same as comma separated text", response_class=Response, responses=CSV)
    async def funding_csv(symbol: Symbol = None, last: Last = rows.ROWS_MOST) -> Response:
        return _csv("funding", rows.csv_of(await rows.funding(desk, symbol, last), rows.FUNDING))

    @router.get("/income", summary="Everything that changed the wallet")
    async def income(last: Last = rows.ROWS_MOST) -> dict[str, Any]:
        return {"income": await rows.income(desk, last)}

    @router.get("/income.csv", summary="The same as comma separated text", response_class=Response, responses=CSV)
    async def income_csv(last: Last = rows.ROWS_MOST) -> Response:
        return _csv("income", rows.csv_of(await rows.income(desk, last), rows.INCOME))

    @router.get("/liquidations", summary="What the venue closed by force: collateral, fee, insurance, debt")
    async def liquidations(symbol: Symbol = None) -> dict[str, Any]:
        return {"liquidations": await rows.liquidations(desk, symbol)}

    @router.get("/closed-trades", summary="The trades of the run that have ended")
    async def closed(last: Last = 200) -> dict[str, Any]:
        return {"trades": await acts.closed(desk, last)}

    @router.get(
        "/closed-trades.csv", summary="The same as comma separated text", response_class=Response, responses=CSV
    )
    async def closed_csv(last: Last = rows.ROWS_MOST) -> Response:
        return _csv("closed-trades", rows.csv_of(await acts.closed(desk, last), rows.CLOSED))


def _money(router: APIRouter, desk: WebDesk) -> None:
    @router.get("/wallets", summary="Spot and futures wallet")
    async def wallets() -> dict[str, Any]:
        return {"wallets": await _wallets.wallets(desk)}

    @router.post("/transfer", summary="Move money between the two wallets")
    async def transfer(asked: Transfer) -> dict[str, Any]:
        return await _wallets.transfer(desk, asked.amount, asked.way)


def _csv(name: str, text: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="bearskin-{name}.csv"'}
    return Response(text, media_type="text/csv", headers=headers)
