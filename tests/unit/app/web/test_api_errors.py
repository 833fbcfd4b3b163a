"""Errors of the API: one shape, one sentence, and nothing of ours in them."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from unit.app.web.api_kit import quiet_desk

from bearskin.app.web._api import api_of
from bearskin.app.web._api_bot import told
from bearskin.app.web._api_errors import PROBLEMS, Plain, add_errors, add_nowhere
from bearskin.terms import BadInput, VenueBroken

JSON = {"Content-Type": "application/json"}


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")
    qty: float = Field(gt=0)


def app_of() -> FastAPI:
    app = FastAPI(default_response_class=Plain, responses=PROBLEMS)
    add_errors(app)
    raised = {"bad": BadInput("the stop was below"), "venue": VenueBroken("it is down"), "bug": KeyError("s3cret")}

    @app.get("/api/v1/raise/{what}")
    async def raises(what: str) -> Any:
        if what == "none":
            raise HTTPException(404, "there is no such run")
        raise raised[what]

    @app.post("/api/v1/ask")
    async def ask(asked: Asked) -> dict[str, Any]:
        return {"qty": asked.qty, "nan": float("nan")}

    add_nowhere(app)
    return app


def asked(app: Any, method: str, path: str, **given: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as http:
            return await http.request(method, path, **given)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("method", "path", "given", "status", "words"),
    [
        ("GET", "/api/v1/raise/bad", {}, 422, "the stop was below"),
        ("GET", "/api/v1/raise/venue", {}, 409, "it is down"),
        ("GET", "/api/v1/raise/none", {}, 404, "there is no such run"),
        ("GET", "/api/v1/raise/bug", {}, 500, "a bug of ours"),
        ("GET", "/api/v1/nothing", {}, 404, "/api/docs lists what there is"),
        ("GET", "/api", {}, 404, "there is nothing"),
        ("PUT", "/api/v1/ask", {}, 405, "this address is asked by POST"),
        ("POST", "/api/v1/ask", {"content": b"{", "headers": JSON}, 422, "the body is no JSON"),
        ("POST", "/api/v1/ask", {"content": b"\xff\xfe", "headers": JSON}, 422, "the body is no JSON"),
        ("POST", "/api/v1/ask", {"json": {}}, 422, "qty is missing"),
        ("POST", "/api/v1/ask", {"json": {"qty": -1}}, 422, "qty: input should be greater than 0"),
        ("POST", "/api/v1/ask", {"json": {"qty": 1, "x": 2}}, 422, "x is not known here"),
        ("POST", "/api/v1/ask", {"json": [1]}, 422, "the body must be an object"),
    ],
)
def test_every_error_is_one_sentence(
    method: str, path: str, given: Any, status: int, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL):
        answer = asked(app_of(), method, path, **given)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert words in answer.json()["error"]
    assert "s3cret" not in answer.text
    assert "Traceback" not in answer.text


def test_the_way_to_ask_is_told_with_a_wrong_one() -> None:
    assert asked(app_of(), "DELETE", "/api/v1/ask").headers["allow"] == "POST"


def test_what_is_no_number_is_null() -> None:
    assert asked(app_of(), "POST", "/api/v1/ask", json={"qty": 2}).json() == {"qty": 2.0, "nan": None}


def test_the_page_of_the_api_names_every_route_and_asks_nobody_else(home: Path) -> None:
    app = api_of(quiet_desk(home))
    page = asked(app, "GET", "/api/docs").text
    schema = asked(app, "GET", "/api/openapi.json").json()
    assert all(f"<code>{path}</code>" in page for path in schema["paths"])
    assert "//" not in page.replace("http://127.0.0.1", "").replace("</", "")
    assert "<script" not in page
    summaries = [route.get("summary") for verbs in schema["paths"].values() for route in verbs.values()]
    assert all(summaries)
    problem = {"$ref": "#/components/schemas/Problem"}
    for path, verbs in schema["paths"].items():
        for verb, route in verbs.items():
            assert route["responses"]["422"]["content"]["application/json"]["schema"] == problem, (verb, path)


def test_an_act_has_one_name_and_who_asked_is_not_the_callers_to_say(home: Path) -> None:
    app = api_of(quiet_desk(home, venue=False))
    close = {"is": "Close", "symbol": "BTCUSDT", "act_id": "mine-1"}
    first, again, other, lied = (
        asked(app, "POST", "/api/v1/acts", json={**close, **more})
        for more in ({}, {}, {"share": "0.5"}, {"act_id": "mine-2", "by": "webhook"})
    )
    assert (first.status_code, again.status_code, other.status_code, lied.status_code) == (200, 200, 409, 422)
    assert first.json() == again.json()
    assert "'mine-1' was used for another act" in other.json()["error"]
    assert lied.json()["error"].startswith("by is not the caller's to say")


def test_what_the_engine_refuses_says_why_as_every_error_does() -> None:
    answer = told({"act_id": "1", "refused": "there is no position of ours in BTCUSDT"})
    assert (answer.status_code, json.loads(answer.body)["error"]) == (409, "there is no position of ours in BTCUSDT")
    assert "error" not in json.loads(told({"act_id": "1", "refused": ""}).body)
