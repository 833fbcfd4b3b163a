"""What comes in at the bot's door: nothing of it may reach the engine that the engine cannot reckon with."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from bearskin.app._api import Events, _body, act_of, bot_app
from bearskin.engine import Record, record_bytes
from bearskin.terms import BadInput, BearskinError, Open

OPEN = {"is": "Open", "symbol": "BTCUSDT", "side": -1, "stop": "62500"}
SICK = (
    "NaN",
    "sNaN",
    "Infinity",
    "-Infinity",
    "-5",
    "0",
    "1e30",
    "1e-30",
    "1e999999",
    "0." + "1" * 70,
    "62500." + "3" * 40,
)


def asked(**more: Any) -> Any:
    return act_of({**OPEN, **more}, 1, 2)


@pytest.mark.parametrize("number", SICK)
@pytest.mark.parametrize(
    "field", ["stop", "price", "qty", "risk_frac", "leverage", "shock_frac", "trail_atr", "targets"]
)
def test_a_number_that_cannot_be_reckoned_with_is_no_act(field: str, number: str) -> None:
    with pytest.raises(BadInput, match=field):
        asked(**{field: [number] if field == "targets" else number})


@pytest.mark.parametrize(
    "said",
    [
        {"is": "Remark", "symbol": "BTCUSDT", "text": "half a sign \ud83d"},
        {"is": "Pause", "by": "\udc00"},
        {"is": "Pause", "act_id": "a\ud800"},
        {"is": "MoveTarget", "symbol": "BTCUSDT", "target": "60000", "number": 10**20},
        {"is": "MoveTarget", "symbol": "BTCUSDT", "target": "60000", "number": -(10**20)},
    ],
)
def test_what_a_journal_cannot_hold_is_no_act(said: dict[str, Any]) -> None:
    """It ended the bot: the engine took it in, and then it could not be written down."""
    try:
        made = act_of(said, 1, 2)
    except BadInput:
        return
    record_bytes(Record(event=made, notes=()))


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"risk_frac": "1.01"}, "risk_frac"),
        ({"targets": ["60000"] * 6}, "targets"),
        ({"symbol": "A" * 65}, "symbol"),
        ({"act_id": "x" * 65}, "act_id"),
        ({"note": "n" * 1_001}, "note"),
        ({"by": "webhook"}, "by is not the caller's to say"),
        ({"by": None}, "by is not the caller's to say"),
        ({"is": "Filled"}, "no act"),
        ({"foo": 1, "side": 5}, "no act"),
    ],
)
def test_what_has_no_measure_is_no_act(said: dict[str, Any], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        asked(**said)


def test_shares_and_the_right_act() -> None:
    for share in ("0", "2", "-1", "NaN"):
        with pytest.raises(BadInput, match="share"):
            act_of({"is": "Close", "symbol": "BTCUSDT", "share": share}, 1, 2)
    made = asked(targets=["60000", "58000"], risk_frac="0.01", note="n" * 1_000)
    assert isinstance(made, Open)
    assert (made.time_ns, made.wall_ns, len(made.targets)) == (1, 2, 2)


@pytest.mark.parametrize("body", [b"[" * 60_000, b"\xff\xfe", b"", b"{", b'"' + b"x" * 70_000 + b'"'])
def test_a_body_that_is_no_json_is_bad_input(body: bytes) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    with pytest.raises(BadInput):
        asyncio.run(_body(Request({"type": "http"}, receive)))


def test_an_act_that_meets_a_bot_that_is_ending_is_told_so() -> None:
    """On a full disk the door answered 500 without a word."""

    class Ending:
        async def act(self, act: Any) -> Any:
            raise BearskinError("the bot has stopped: the journal cannot be written")

    async def asked() -> httpx.Response:
        watch: Any = None
        app = bot_app(watch, Events(), Ending(), lambda: (1, 2))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://bot") as client:
            return await client.post("/act", json={"is": "Pause", "act_id": "one"})

    answer = asyncio.run(asked())
    assert answer.status_code == 503
    assert answer.json() == {"error": "the bot has stopped: the journal cannot be written", "act_id": "one"}
