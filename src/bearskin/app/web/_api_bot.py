"""The bot in the API: how it stands, what it decided, and everything it can be asked to do."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from bearskin.app.web import _bot
from bearskin.app.web._desk import WebDesk

CONFLICT = 409
_ACT = Body(
    openapi_examples={
        "short": {
            "summary": "a short sized for its stop",
            "value": {"is": "Open", "symbol": "BTCUSDT", "side": -1, "stop": "62500", "risk_frac": "0.01"},
        },
        "close": {"summary": "close half", "value": {"is": "Close", "symbol": "BTCUSDT", "share": "0.5"}},
        "stop": {"summary": "move the stop", "value": {"is": "MoveStop", "symbol": "BTCUSDT", "stop": "61000"}},
        "pause": {"summary": "no new entries", "value": {"is": "Pause"}},
    }
)


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Resuming(_Asked):
    """What is lifted."""

    limits: bool = False


class Panicking(_Asked):
    """What is closed."""

    foreign: bool = False


class ModeChosen(_Asked):
    """Which sides are traded."""

    sides: Literal["short", "long", "both", "auto", "none"]


def router_of(desk: WebDesk) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["bot"])

    @router.get("/bot", summary="How the bot stands")
    async def bot() -> dict[str, Any]:
        now = desk.bot.now
        return {"up": now.up, "why": now.why, "state": now.state}

    @router.get("/decisions", summary="What the bot decided and why, the newest last")
    async def decisions(
        after: int = 0, symbol: str = "", kind: str = "", setup: str = "", search: str = "", most: int = 1_000
    ) -> dict[str, Any]:
        found = _bot.decisions(
            desk, after=after, symbol=symbol, kind=kind, setup=setup, search=search, most=max(1, most)
        )
        return {"decisions": found, "up": desk.bot.now.up}

    @router.get("/equity", summary="The worth of the run's account over time, and how far below its highest")
    async def equity(points: int = _bot.POINTS) -> dict[str, Any]:
        return (await _bot.equity(desk, max(2, points))).to_json()

    @router.get("/limits", summary="How far each limit of the account is, and which hold")
    async def limits() -> dict[str, Any]:
        return _bot.limits(desk)

    @router.post("/acts", summary="Have the bot do an act, as its own door takes it")
    async def acts(said: Annotated[dict[str, Any], _ACT]) -> JSONResponse:
        return told(await _bot.act(desk, said))

    @router.post("/bot/pause", summary="No new entries; what is open is managed on")
    async def pause() -> JSONResponse:
        return told(await _bot.pause(desk))

    @router.post("/bot/resume", summary="Lift a pause or a panic")
    async def resume(asked: Resuming | None = None) -> JSONResponse:
        return told(await _bot.resume(desk, bool(asked and asked.limits)))

    @router.post("/bot/mode", summary="Which sides the bot trades")
    async def mode(asked: ModeChosen) -> JSONResponse:
        return told(await _bot.mode(desk, asked.sides))

    @router.post("/bot/panic", summary="Close everything of ours and stay closed until resumed")
    async def panic(asked: Panicking | None = None) -> JSONResponse:
        return told(await _bot.panic(desk, bool(asked and asked.foreign)))

    return router


def told(note: dict[str, Any]) -> JSONResponse:
    """The engine's note; where it refused, 409 with the reason as `error` too."""
    refused = note.get("refused")
    return JSONResponse({**note, "error": refused} if refused else note, CONFLICT if refused else 200)
