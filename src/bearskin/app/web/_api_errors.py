"""Every error of the API is one object with one sentence, `{"error": "..."}`, whatever went wrong."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from bearskin.app.web._once import NameTaken
from bearskin.terms import BadInput, BearskinError

ANY = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
NO_JSON = "the body is no JSON"
logger = logging.getLogger("bearskin.app")


class Problem(BaseModel):
    """What went wrong."""

    error: str = Field(description="One sentence: what was wrong, and what would be right.")


PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "The token is missing or wrong."},
    403: {"model": Problem, "description": "A foreign page asks, or a page with a cookie alone."},
    404: {"model": Problem, "description": "There is no such thing."},
    405: {"model": Problem, "description": "This address is asked another way."},
    409: {"model": Problem, "description": "It cannot be done as things stand, with the reason."},
    413: {"model": Problem, "description": "The body is too long."},
    422: {"model": Problem, "description": "What was given cannot be used."},
    429: {"model": Problem, "description": "Too many in a short time; Retry-After says when again."},
}


class Plain(JSONResponse):
    """JSON in which a number that is none is null."""

    def render(self, content: Any) -> bytes:
        """The bytes."""
        return msgspec.json.encode(content, enc_hook=str)


def add_errors(app: FastAPI) -> None:
    """Have every error of `app` told in the one shape."""

    @app.exception_handler(BadInput)
    async def bad_input(_: Request, error: BadInput) -> JSONResponse:
        return Plain({"error": str(error)}, 422)

    @app.exception_handler(NameTaken)
    async def taken(_: Request, error: NameTaken) -> JSONResponse:
        return Plain({"error": str(error)}, 409)

    @app.exception_handler(BearskinError)
    async def broken(_: Request, error: BearskinError) -> JSONResponse:
        return Plain({"error": str(error)}, 409)

    @app.exception_handler(RequestValidationError)
    async def unfit(_: Request, error: RequestValidationError) -> JSONResponse:
        return Plain({"error": sentence_of(error.errors())}, 422)

    @app.exception_handler(HTTPException)
    async def told(_: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == HTTPStatus.BAD_REQUEST:  # FastAPI could not read the body: as any other that is no JSON
            return Plain({"error": NO_JSON}, HTTPStatus.UNPROCESSABLE_ENTITY)
        return Plain({"error": str(error.detail)}, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> JSONResponse:
        logger.error("a bug of ours at %s %s", request.method, request.url.path, exc_info=error)
        return Plain({"error": "a bug of ours: the log in the home's logs/ has it; please report it"}, 500)


def add_nowhere(app: FastAPI) -> None:
    """Answer what is below /api and is nothing, or is asked the wrong way. To be called after every route was added."""

    async def nowhere(request: Request) -> JSONResponse:
        there = [one for one in app.routes if getattr(one, "endpoint", None) is not nowhere]
        scope = dict(request.scope)
        asked = {one for one in ANY if any(_fits(route, {**scope, "method": one}) for route in there)}
        if asked:
            allowed = ", ".join(sorted(asked))
            return Plain({"error": f"this address is asked by {allowed}"}, 405, {"Allow": allowed})
        return Plain({"error": "there is nothing at this address: /api/docs lists what there is"}, 404)

    app.add_api_route("/api/{path:path}", nowhere, methods=list(ANY), include_in_schema=False)
    app.add_api_route("/api", nowhere, methods=list(ANY), include_in_schema=False)


def _fits(route: Any, scope: dict[str, Any]) -> bool:
    return getattr(route, "path", "/") not in ("", "/") and bool(route.matches(scope)[0] == Match.FULL)


def sentence_of(errors: Sequence[Any]) -> str:
    """The first fault of what was given, in one sentence."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return NO_JSON
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path")) or "the body"
    message = str(first["msg"])
    if first["type"] == "missing":
        return f"{where} is missing"
    if first["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return f"{where} must be an object"
    if first["type"] == "extra_forbidden":
        return f"{where} is not known here"
    return f"{where}: {message[:1].lower()}{message[1:]}"[:400]
