"""Webhooks: what goes out is signed and retried, what comes in must be proven, timely, new, and goes through risk."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from bearskin.app._webhook_in import BODY_MAX, SIGNED_WINDOW_NS, Seen, act_of, signals_door, symbol_of
from bearskin.app._webhook_out import SIGNATURE_HEADER, TIME_HEADER, Webhook, signature
from bearskin.engine import Done, Record, Warned
from bearskin.live import Secret
from bearskin.terms import SECOND_NS, BadInput, Open, Pulse, Side, iso

WALL = 1_800_000_000 * SECOND_NS
SECRET, TOKEN = Secret("marker-secret-of-our-door"), Secret("marker-token-of-the-chart")
SIGNAL = {"id": "one", "symbol": "BTCUSDT", "side": "short", "stop": "62500", "targets": ["58000"], "risk": "1%"}
AT = {"time_ns": 1, "wall_ns": WALL}


class Bot:
    """Takes acts up, or refuses them."""

    def __init__(self, refused: str = "") -> None:
        self.acts: list[Open] = []
        self.refused = refused

    async def act(self, act: Open) -> Done:
        self.acts.append(act)
        return Done(**AT, act_id=act.act_id, refused=self.refused, trade=0 if self.refused else 7)


class Door:
    """The route as the bot's API mounts it, and a way to knock."""

    def __init__(self, bot: Bot, secret: Secret | None = SECRET, token: Secret | None = TOKEN) -> None:
        self.wall_ns = WALL
        answer = signals_door(bot, lambda: (5, self.wall_ns), secret=secret, token=token)
        app = Starlette(routes=[Route("/signals", answer, methods=["POST"])])
        self._transport = httpx.ASGITransport(app)

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        async def knock() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://127.0.0.1") as client:
                return await client.post("/signals", content=body, headers=headers)

        return asyncio.run(knock())

    def signed(self, said: object, *, secret: Secret = SECRET, at_ns: int = WALL) -> httpx.Response:
        body = json.dumps(said).encode()
        stamp = str(at_ns // SECOND_NS)
        return self.post(body, {TIME_HEADER: stamp, SIGNATURE_HEADER: signature(secret, stamp, body)})

    def shown(self, **said: object) -> httpx.Response:
        return self.post(json.dumps({"token": TOKEN.reveal(), "time": iso(WALL), **SIGNAL, **said}).encode())


def test_a_signed_signal_becomes_an_act_that_goes_through_the_same_risk():
    bot = Bot()
    answer = Door(bot).signed(SIGNAL | {"note": "from\nmy chart"})
    assert (answer.status_code, answer.json()) == (200, {"trade": 7, "detail": "", "id": "one"})
    assert bot.acts == [
        Open(
            time_ns=5, wall_ns=WALL, act_id="webhook-one", by="webhook", symbol="BTCUSDT", side=Side.SHORT,
            stop=Decimal(62500), targets=(Decimal(58000),), risk_frac=Decimal("0.01"), note="from my chart",
        )
    ]  # fmt: skip


def test_a_refusal_of_the_bot_is_told_with_its_reason():
    answer = Door(Bot("heat is used up")).signed(SIGNAL)
    assert (answer.status_code, answer.json()["refused"]) == (409, "heat is used up")


def test_an_id_of_another_signal_before_a_restart_is_refused():
    class Remembers(Bot):
        async def act(self, act: Open) -> Done:
            raise BadInput("act_id 'webhook-one' was used for another act: give this one a name of its own")

    answer = Door(Remembers()).signed(SIGNAL)
    assert answer.status_code == 409
    assert "used for another act" in answer.json()["refused"]


def test_an_id_is_taken_once():
    bot = Bot()
    door = Door(bot)
    assert [door.signed(SIGNAL).status_code for _ in range(3)] == [200, 409, 409]
    assert door.shown().status_code == 409  # by the other proof too
    assert door.signed(SIGNAL | {"id": "two"}).status_code == 200
    assert len(bot.acts) == 2


def test_without_a_true_proof_nothing_happens():
    bot = Bot()
    door = Door(bot)
    body = json.dumps(SIGNAL).encode()
    stamp = str(WALL // SECOND_NS)
    right = signature(SECRET, stamp, body)
    answers = [
        door.post(body),
        door.post(b"nothing"),
        door.post(body, {TIME_HEADER: stamp, SIGNATURE_HEADER: "sha256=" + "0" * 64}),
        door.post(body, {TIME_HEADER: stamp, SIGNATURE_HEADER: right[7:]}),
        door.post(body.replace(b"short", b"long"), {TIME_HEADER: stamp, SIGNATURE_HEADER: right}),
        door.post(body, {TIME_HEADER: str(int(stamp) + 1), SIGNATURE_HEADER: right}),
        door.post(body, {SIGNATURE_HEADER: right}),
        door.signed(SIGNAL, secret=TOKEN),
        door.shown(token="marker-token-of-the-chars"),
        door.shown(token=None),
        door.shown(token=["marker-token-of-the-chart"]),
        door.post(json.dumps(SIGNAL | {"token": SECRET.reveal(), "time": iso(WALL)}).encode()),
    ]
    assert [answer.status_code for answer in answers] == [401] * len(answers)
    assert not bot.acts
    assert not any(secret.reveal() in answer.text for answer in answers for secret in (SECRET, TOKEN))


@pytest.mark.parametrize("off_ns", [-SIGNED_WINDOW_NS - SECOND_NS, SIGNED_WINDOW_NS + SECOND_NS])
def test_what_was_signed_at_another_time_is_refused(off_ns: int):
    bot = Bot()
    assert Door(bot).signed(SIGNAL, at_ns=WALL + off_ns).status_code == 401
    assert not bot.acts


def test_a_token_in_the_body_needs_the_time_of_now():
    bot = Bot()
    door = Door(bot)
    assert door.shown(time=iso(WALL - 301 * SECOND_NS)).status_code == 401
    assert door.shown(time="{{timenow}}").status_code == 401
    assert door.shown(time=None).status_code == 401
    assert door.shown(symbol="BINANCE:BTCUSDT.P", side="sell").status_code == 200
    assert bot.acts[0].symbol == "BTCUSDT"
    assert "marker" not in repr(bot.acts)


def test_each_proof_only_where_it_was_set_up():
    assert signals_door(Bot(), lambda: (0, 0), secret=None, token=None) is None
    assert Door(Bot(), token=None).shown().status_code == 401
    assert Door(Bot()).post(b'{"token": "half a sign \\ud83d"}').status_code == 401
    assert Door(Bot(), secret=None).signed(SIGNAL).status_code == 401
    with pytest.raises(BadInput, match="fewer than 16") as caught:
        signals_door(Bot(), lambda: (0, 0), secret=Secret("guessable"))
    assert "guessable" not in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"id": ""}, "id must be"),
        ({"id": 5}, "id must be"),
        ({"id": "a b"}, "id must be"),
        ({"symbol": "../x"}, "symbol was"),
        ({"side": "up"}, "side was"),
        ({"stop": None}, "stop is missing"),
        ({"stop": "-1"}, "stop was"),
        ({"stop": "NaN"}, "stop"),
        ({"stop": True}, "stop"),
        ({"stop": {"a": 1}}, "stop was"),
        ({"stop": "9" * 5000}, "stop was"),
        ({"targets": "58000"}, "targets must be"),
        ({"targets": [1] * 6}, "targets must be"),
        ({"risk": "0"}, "risk was"),
        ({"risk": "120%"}, "risk was"),
        ({"risk": 1}, "risk was"),
        ({"qty": "1"}, "both given"),
        ({"leverage": 100}, "no field of a signal"),
        ({"act_id": "x"}, "no field of a signal"),
    ],
)
def test_what_is_no_signal_is_one_sentence(changed: dict[str, object], said: str):
    bot = Bot()
    answer = Door(bot).signed(SIGNAL | changed)
    assert answer.status_code == 422
    assert said in answer.json()["error"]
    assert len(answer.json()["error"]) < 300
    assert not bot.acts


def test_bodies_are_bounded():
    assert Door(Bot()).post(b" " * (BODY_MAX + 1)).status_code == 413
    assert Door(Bot()).signed([SIGNAL]).status_code == 422
    nested = b'{"a":' * 2_000 + b"1" + b"}" * 2_000
    assert Door(Bot()).post(nested).status_code == 401


def test_old_ids_are_forgotten_in_their_order():
    seen = Seen(2)
    assert [seen.take(name) for name in ("a", "b", "a", "c", "a")] == [True, True, False, True, True]


def test_symbols_of_chart_services():
    assert [symbol_of(text) for text in ("btcusdt", "BINANCE:ETHUSDT.P", "BTC-USDT")] == [
        "BTCUSDT",
        "ETHUSDT",
        "BTC-USDT",
    ]
    assert act_of({**SIGNAL, "risk": None, "qty": 0.5, "price": 60000}, 1, 2).price == Decimal(60000)


# --- out ----------------------------------------------------------------------------------------------------------


def record(text: str = "no stop") -> Record:
    return Record(Pulse(**AT), (Warned(**AT, kind="unprotected", symbol="BTCUSDT", text=text, severity="critical"),))


class Posts:
    """Stands for the way out: answers from a list, then 200."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers, self.seen = list(answers), []
        self.enough = threading.Event()

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        self.seen.append((body, headers))
        answer = self.answers.pop(0) if self.answers else 200
        if not self.answers:
            self.enough.set()
        if isinstance(answer, Exception):
            raise answer
        return answer


def webhook(posts: Posts, **more) -> Webhook:
    more = {"backoff_s": (0.0,) * 5, "wall_s": lambda: WALL / SECOND_NS, **more}
    return Webhook("https://example.com/hook/marker-path", SECRET, run="run1", post=posts, **more)


def test_what_goes_out_is_signed_so_that_our_own_door_would_take_it():
    posts = Posts()
    with webhook(posts) as out:
        out.told(12, record())
    ((body, headers),) = posts.seen
    assert json.loads(body) == {
        "id": "run1-12-0", "run": "run1", "sequence": 12, "kind": "unprotected", "severity": "critical",
        "symbol": "BTCUSDT", "text": "BTCUSDT no stop", "at": iso(WALL),
    }  # fmt: skip
    assert headers[SIGNATURE_HEADER] == signature(SECRET, headers[TIME_HEADER], body)
    assert headers["Idempotency-Key"] == "run1-12-0"
    assert SECRET.reveal() not in repr(posts.seen)


def test_what_may_pass_is_tried_again_in_order():
    posts = Posts(OSError("lost"), 503, 429, 200, 500, 200)
    with webhook(posts) as out:
        out.told(1, record("first"))
        out.told(2, record("second"))
        assert posts.enough.wait(10)
    assert [json.loads(body)["sequence"] for body, _ in posts.seen] == [1, 1, 1, 1, 2, 2]


def test_what_will_not_pass_is_dropped_and_logged_without_the_address(caplog: pytest.LogCaptureFixture):
    posts = Posts(401, 200)
    with caplog.at_level(logging.DEBUG), webhook(posts) as out:
        out.told(1, record())
        out.told(2, record("other"))
    assert [json.loads(body)["sequence"] for body, _ in posts.seen] == [1, 2]
    assert "run1-1-0 was not taken (HTTP 401)" in caplog.text
    assert "marker" not in caplog.text


def test_a_receiver_that_never_answers_does_not_hold_anything_up(caplog: pytest.LogCaptureFixture):
    held = threading.Event()

    def hanging(url: str, body: bytes, headers: dict[str, str]) -> int:
        held.wait(30)
        return 200

    out = webhook(hanging)
    out.start()
    for number in range(3_000):
        out.told(number, record(f"number {number}"))
    out.close(timeout_s=0.1)
    held.set()
    assert "a note was dropped" in caplog.text
    assert "was not sent within" in caplog.text


def test_only_the_chosen_kinds_go_out():
    posts = Posts()
    with webhook(posts, kinds=frozenset(("exit",))) as out:
        out.told(1, record())
    assert posts.seen == []


@pytest.mark.parametrize(
    "url", ["http://example.com/x", "ftp://example.com", "https://", "http://127.0.0.1.example.com", "nonsense"]
)
def test_notes_go_nowhere_in_the_clear(url: str):
    with pytest.raises(BadInput):
        Webhook(url, SECRET, run="run1")


def test_it_goes_over_a_real_socket():
    taken: list[tuple[bytes, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((body, self.headers[SIGNATURE_HEADER]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with Webhook(f"http://127.0.0.1:{server.server_port}/hook", SECRET, run="run1") as out:
            out.told(1, record())
        thread.join(10)
    ((body, signed),) = taken
    assert json.loads(body)["id"] == "run1-1-0"
    assert signed is not None
