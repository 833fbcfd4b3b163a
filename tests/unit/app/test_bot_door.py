"""The local door of a bot: who is let in, and what the calls answer."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from unit.app import bot_kit as kit

from bearskin.app._api import Door, Events, act_of, bot_app
from bearskin.engine import Done, Record
from bearskin.terms import BadInput, Open, Pause, Pulse, Side

PORT, TOKEN = 4711, "a-token"
GOOD = {"Authorization": f"Bearer {TOKEN}"}


class Acting:
    """Takes everything up but panics."""

    def __init__(self) -> None:
        self.acts: list[object] = []

    async def act(self, act):
        self.acts.append(act)
        refused = "not now" if type(act).__name__ == "Panic" else ""
        return Done(**kit.at(1), act_id=act.act_id, refused=refused, trade=5)


def asked(method: str, path: str, *, headers: dict[str, str] | None = None, **more) -> tuple[httpx.Response, Acting]:
    acting = Acting()
    app = Door(bot_app(kit.watched(), Events(), acting, lambda: (1, 2)), TOKEN, PORT)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{PORT}") as client:
            return await client.request(method, path, headers=GOOD if headers is None else headers, **more)

    return asyncio.run(ask()), acting


def test_the_state_is_told_to_who_has_the_token():
    answer, _ = asked("GET", "/state")
    assert answer.status_code == 200
    assert answer.json()["counts"]["entries"] == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": TOKEN}, 401),
        ({**GOOD, "Host": "evil.example"}, 421),
        ({**GOOD, "Host": "127.0.0.1:1"}, 421),
        ({**GOOD, "Origin": "https://evil.example"}, 403),
        ({**GOOD, "Origin": "null"}, 403),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/state"), ("POST", "/act"), ("GET", "/events"), ("GET", "/no")])
def test_nobody_else_is_let_in(method: str, path: str, headers: dict[str, str], status: int):
    answer, acting = asked(method, path, headers=headers)
    assert answer.status_code == status
    assert acting.acts == []
    assert TOKEN not in answer.text


def test_an_act_is_taken_up_or_refused():
    answer, acting = asked("POST", "/act", json={"is": "Pause"})
    assert (answer.status_code, answer.json()["trade"]) == (200, 5)
    (act,) = acting.acts
    assert isinstance(act, Pause)
    assert len(act.act_id) == 16
    answer, _ = asked("POST", "/act", json={"is": "Panic"})
    assert (answer.status_code, answer.json()["refused"]) == (409, "not now")


@pytest.mark.parametrize(
    "body", [b"", b"no", b"[]", b'{"is": "BarClosed"}', b'{"is": "Close"}', b'{"is": "Open", "symbol": 5}']
)
def test_what_is_no_act_is_said_in_a_sentence(body: bytes):
    answer, acting = asked("POST", "/act", content=body)
    assert answer.status_code == 422
    assert answer.json()["error"]
    assert acting.acts == []


def test_an_act_has_an_end():
    answer, _ = asked("POST", "/act", content=b"x" * 70_000)
    assert answer.status_code == 422


def test_times_of_an_act_are_ours_and_prices_exact():
    act = act_of({"is": "Open", "symbol": "BTCUSDT", "side": -1, "stop": "62500.10", "time_ns": 5}, 7, 8)
    assert isinstance(act, Open)
    assert (act.time_ns, act.wall_ns, act.side, str(act.stop)) == (7, 8, Side.SHORT, "62500.10")
    with pytest.raises(BadInput, match="no act"):
        act_of({"is": "Open", "symbol": "BTCUSDT", "side": 7}, 7, 8)


def test_every_record_reaches_every_reader_and_a_slow_one_is_let_go():
    async def play() -> None:
        events = Events()
        fast, slow = events.stream(), events.stream()
        assert (await anext(fast)).startswith(b":")
        assert (await anext(slow)).startswith(b":")
        record = Record(Pulse(**kit.at(1)), (Done(**kit.at(1), act_id="a"),))
        events.told(3, record)
        said = json.loads((await anext(fast)).removeprefix(b"data: "))
        assert (said["sequence"], said["record"]["notes"][0]["is"]) == (3, "Done")
        for sequence in range(10_001):
            events.told(sequence, record)
        assert [part async for part in slow] == []
        await fast.aclose()

    asyncio.run(play())
