"""The API of the dashboard: everything its pages can do, by the same functions."""

from __future__ import annotations

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse
from fastapi.security import HTTPBearer

from bearskin.app.web import (
    _api_alerts,
    _api_backtests,
    _api_bot,
    _api_learn,
    _api_market,
    _api_positions,
    _api_scan,
    _api_settings,
    _api_stream,
    _api_ticket,
)
from bearskin.app.web._api_docs import page_of
from bearskin.app.web._api_errors import PROBLEMS, Plain, add_errors, add_nowhere
from bearskin.app.web._desk import WebDesk

PREFIX = "/api/v1"
DOCS, SCHEMA = "/api/docs", "/api/openapi.json"
TOKEN = HTTPBearer(auto_error=False, description="The token that start-up prints in the address.")  # asked at the gate


def api_of(desk: WebDesk) -> FastAPI:
    """The application with every route of ours; pages are added to it."""
    from bearskin import __version__

    app = FastAPI(
        title="bearskin",
        version=__version__,
        summary="Everything the pages of the dashboard can do.",
        docs_url=None,
        redoc_url=None,
        openapi_url=SCHEMA,
        default_response_class=Plain,
        responses=PROBLEMS,
        dependencies=[Depends(TOKEN)],
    )
    add_errors(app)
    app.include_router(_api_alerts.router_of(desk), prefix=PREFIX)
    app.include_router(_api_backtests.router_of(desk), prefix=PREFIX)
    app.include_router(_api_bot.router_of(desk), prefix=PREFIX)
    app.include_router(_api_learn.router_of(desk), prefix=PREFIX)
    app.include_router(_api_market.router_of(desk), prefix=PREFIX)
    app.include_router(_api_positions.router_of(desk), prefix=PREFIX)
    app.include_router(_api_scan.router_of(desk), prefix=PREFIX)
    app.include_router(_api_settings.router_of(desk), prefix=PREFIX)
    app.include_router(_api_stream.router_of(desk), prefix=PREFIX)
    app.include_router(_api_ticket.router_of(desk), prefix=PREFIX)

    @app.get(DOCS, include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page_of(app.openapi()))

    add_nowhere(app)  # the last of all
    return app
