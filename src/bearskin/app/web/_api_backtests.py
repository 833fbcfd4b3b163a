"""Routes of backtests and rehearsals: the functions of the page, over HTTP."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from bearskin.app.web import _backtests as shelf
from bearskin.app.web import _steps as steps
from bearskin.app.web._backtests_chart import trade_chart
from bearskin.app.web._backtests_compare import compared
from bearskin.app.web._backtests_jobs import jobs_of
from bearskin.app.web._backtests_words import choices_of, replay_command
from bearskin.app.web._desk import WebDesk

# a page of a result runs and styles itself in an origin of its own, and asks nobody for anything
POLICY = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline';"
    " img-src data: blob:; form-action 'none'; frame-ancestors 'self'; base-uri 'none'"
)
GUARDED = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
Json = dict[str, Any]


class Words(BaseModel):
    """What a backtest is asked, in the words of `bearskin backtest`; what is left away is its default."""

    model_config = ConfigDict(extra="forbid")

    words: dict[str, str | bool | int | float | list[str] | None] = Field(default_factory=dict)
    market: Literal["store", "synthetic"] | None = None


class Stepping(Words):
    """A rehearsal: words of a backtest with one symbol; without `start` it begins somewhere."""

    bars: int = steps.BARS


class Trade(BaseModel):
    """A trade by hand. `send` false only asks preflight; side close leaves the one that is open."""

    model_config = ConfigDict(extra="forbid")

    side: Literal["short", "long", "close"]
    stop: str | None = None
    target: str | None = None
    send: bool = True


def router_of(desk: WebDesk) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/backtests", tags=["backtests"])
    _results(router, desk)
    _steps(router, desk)
    _runs(router, desk)  # last: /{name} would take the other words
    return router


def _results(router: APIRouter, desk: WebDesk) -> None:
    house = desk.house

    @router.get("", summary="Everything on the shelf, and what runs")
    async def every() -> Json:
        kept = await desk.aside(lambda: shelf.shelf_of(house))
        return {"jobs": [job.to_json() for job in jobs_of(desk).all()], "results": [one.to_json() for one in kept]}

    @router.get("/choices", summary="Symbols, set-ups with their evidence, presets")
    async def choices() -> Json:
        found: Json = await desk.aside(lambda: choices_of(house))
        return found

    @router.get("/compare", summary="Two results beside each other")
    async def compare(a: str, b: str) -> Json:
        found: Json = await desk.aside(lambda: compared(house, a, b))
        return found

    @router.get("/replay", summary="The command that begins the time machine")
    async def replay(symbols: str, start: str, end: str = "", speed: str = "") -> Json:
        return {"command": replay_command(symbols, start, end, speed)}

    @router.get("/page", summary="A page of a result, in a sandbox")
    async def page(file: str, name: str = "") -> FileResponse:
        path = await desk.aside(lambda: shelf.page_of(house, name, file))
        return FileResponse(path, media_type="text/html; charset=utf-8", headers=GUARDED)


def _steps(router: APIRouter, desk: WebDesk) -> None:
    @router.post("/steps", summary="Begin a rehearsal", status_code=201)
    async def begin(asked: Stepping) -> Json:
        made = await desk.aside(lambda: steps.begin(desk.house, asked.words, asked.bars, asked.market))
        steps.REHEARSALS.keep(made)
        found: Json = await desk.aside(lambda: steps.opened(made))
        return found

    @router.get("/steps/{name}", summary="A rehearsal as far as it has come")
    async def told(name: str) -> Json:
        on = steps.REHEARSALS.get(name)
        async with on.lock:
            found: Json = await desk.aside(lambda: steps.opened(on))
        return found

    @router.post("/steps/{name}/next", summary="One bar more")
    async def one_more(name: str) -> Json:
        on = steps.REHEARSALS.get(name)
        async with on.lock:
            found: Json = await desk.aside(lambda: steps.step(on))
        return found

    @router.post("/steps/{name}/trade", summary="A trade by hand, or the end of it")
    async def trade(name: str, asked: Trade) -> Json:
        on = steps.REHEARSALS.get(name)
        async with on.lock:
            if asked.side == "close":
                found: Json = await desk.aside(lambda: steps.leave(on))
            else:
                found = await desk.aside(lambda: steps.trade(on, asked.side, asked.stop, asked.target, asked.send))
        return found


def _runs(router: APIRouter, desk: WebDesk) -> None:
    house = desk.house

    @router.post("", summary="Run a backtest", status_code=202)
    async def start(asked: Words) -> Json:
        return (await jobs_of(desk).start(asked.words, asked.market)).to_json()

    @router.get("/{name}", summary="A backtest that runs, or a result")
    async def one(name: str) -> Json:
        job = jobs_of(desk).get(name)
        if job is not None:
            return job.to_json()
        found: Json = await desk.aside(lambda: shelf.result_of(house, name))
        return found

    @router.get("/{name}/equity", summary="Its equity: milliseconds, equity, drawdown")
    async def equity(name: str) -> list[list[float]]:
        found: list[list[float]] = await desk.aside(lambda: shelf.curve_of(house, name))
        return found

    @router.get("/{name}/trades", summary="A window of its trades")
    async def trades(name: str, start: int = 0, count: int = shelf.WINDOW_MAX) -> Json:
        found: Json = await desk.aside(lambda: shelf.trades_of(house, name, start, count))
        return found

    @router.get("/{name}/trades/{number}", summary="One trade on its candles")
    async def trade(name: str, number: int) -> Json:
        found: Json = await desk.aside(lambda: trade_chart(house, name, number))
        return found

    @router.delete("/{name}", summary="Cancel: nothing of it is kept")
    async def cancel(name: str) -> Json:
        return (await jobs_of(desk).cancel(name)).to_json()
