"""The API of the dashboard: everything its pages can do, by the same functions."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from bearskin.app.web import _api_backtests, _api_bot
from bearskin.app.web._desk import WebDesk
from bearskin.terms import BadInput, BearskinError

PREFIX = "/api/v1"


def api_of(desk: WebDesk) -> FastAPI:
    """The application with every route of ours; pages are added to it."""
    from bearskin import __version__

    app = FastAPI(title="bearskin", version=__version__, docs_url="/api/docs", openapi_url="/api/openapi.json")

    @app.exception_handler(BadInput)
    async def bad_input(_: Request, error: BadInput) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 422)

    @app.exception_handler(BearskinError)
    async def broken(_: Request, error: BearskinError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 409)

    app.include_router(_api_bot.router_of(desk), prefix=PREFIX)
    app.include_router(_api_backtests.router_of(desk), prefix=PREFIX)
    return app
