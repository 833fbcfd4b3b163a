"""The WebSocket API: the calls ccxt and the SDK make, ids as sent, signatures over sorted parameters."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from wire.desk_kit import BTC, Kit

from bearskin.exchange.wire._ws_api import PATH, Speaker

ORDER = {"symbol": BTC, "side": "SELL", "type": "MARKET", "quantity": "0.05", "newOrderRespType": "RESULT"}


def signed(kit: Kit, params: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Parameters with key, stamp and signature, numbers and truths as JSON writes them."""
    kit.wall_ns += 1_000_000
    whole = {"apiKey": kit.key, "timestamp": kit.now_ms, **params, **more}
    words = {name: value if isinstance(value, str) else json.dumps(value) for name, value in whole.items()}
    text = "&".join(f"{name}={words[name]}" for name in sorted(words))
    return {**whole, "signature": kit.sign(text)}


def call(kit: Kit, method: str, params: dict[str, Any], call_id: Any = "1", speaker: Speaker | None = None) -> dict:
    """One call and its answer."""
    message = json.dumps({"id": call_id, "method": method, "params": params})
    teller = speaker or Speaker(kit.app.wire, "127.0.0.1")
    return json.loads(asyncio.run(teller.answer(message.encode())))


def test_ccxt_places_and_watches(kit: Kit) -> None:
    extra = {"recvWindow": 10_000, "returnRateLimits": False}
    placed = call(kit, "order.place", signed(kit, ORDER, **extra))
    assert (placed["id"], placed["status"], placed["result"]["status"]) == ("1", 200, "FILLED")
    assert "rateLimits" not in placed
    # the trigger price under both its names, one of them a number
    stop = {
        "algoType": "CONDITIONAL", "symbol": BTC, "side": "BUY", "type": "STOP_MARKET", "quantity": "0.05",
        "reduceOnly": True, "stopPrice": 62000, "triggerPrice": "62000", "clientAlgoId": "s1",
    }  # fmt: skip
    algo = call(kit, "algoOrder.place", signed(kit, stop, **extra), "2")
    assert (algo["result"]["algoStatus"], algo["result"]["triggerPrice"]) == ("NEW", "62000.0")
    other = call(kit, "algoOrder.place", signed(kit, {**stop, "stopPrice": 61000}, **extra), "2")
    assert other["error"]["code"] == -1104
    risk = call(kit, "account.position", signed(kit, {"symbol": BTC}, **extra), "3")
    assert (risk["result"][0]["positionAmt"], risk["result"][0]["leverage"]) == ("-0.050", "20")
    assert call(kit, "account.status", signed(kit, {}, **extra), "4")["result"]["feeTier"] == 0
    assert call(kit, "depth", signed(kit, {"symbol": BTC}, **extra), "5")["result"]["bids"][0][0] == "59994.0"
    assert call(kit, "ticker.book", signed(kit, {"symbol": BTC}, **extra), "6")["result"]["symbol"] == BTC
    assert call(kit, "algoOrder.cancel", signed(kit, {"clientAlgoId": "s1"}, **extra))["result"]["code"] == "200"


def test_the_sdk_uses_the_second_version_and_its_own_ids(kit: Kit) -> None:
    name = "02d49147-dc7b-40b7-aa6c-c4e15bc47234"
    placed = call(kit, "order.place", signed(kit, {**ORDER, "newOrderRespType": "ACK"}), name)
    assert (placed["id"], placed["result"]["status"]) == (name, "NEW")
    assert placed["rateLimits"][0]["rateLimitType"] == "REQUEST_WEIGHT"
    assert call(kit, "v2/account.position", signed(kit, {}), name)["result"][0]["marginAsset"] == "USDT"
    assert "feeTier" not in call(kit, "v2/account.status", signed(kit, {}))["result"]
    assert call(kit, "v2/account.balance", signed(kit, {}))["result"][0]["asset"] == "USDT"
    assert call(kit, "account.balance", signed(kit, {}))["result"][0]["asset"] == "USDT"
    assert call(kit, "depth", {"symbol": BTC}, 7)["id"] == 7
    assert call(kit, "ticker.price", {"symbol": BTC}, None)["id"] is None


def test_an_order_is_changed_asked_for_and_cancelled(kit: Kit) -> None:
    limit = {**ORDER, "type": "LIMIT", "price": "61000", "timeInForce": "GTC"}
    order_id = call(kit, "order.place", signed(kit, limit))["result"]["orderId"]
    which = {"symbol": BTC, "orderId": order_id}
    changed = call(kit, "order.modify", signed(kit, {**which, "side": "SELL", "price": 61100.5, "quantity": "0.05"}))
    assert changed["result"]["price"] == "61100.5"
    assert call(kit, "order.status", signed(kit, which))["result"]["status"] == "NEW"
    assert call(kit, "order.cancel", signed(kit, which))["result"]["status"] == "CANCELED"
    refused = call(kit, "order.cancel", signed(kit, which))
    assert (refused["status"], refused["error"]["code"]) == (400, -2011)


def test_listen_keys_over_the_socket(kit: Kit) -> None:
    key = call(kit, "userDataStream.start", {"apiKey": kit.key})["result"]["listenKey"]
    assert call(kit, "userDataStream.ping", {"apiKey": kit.key})["result"] == {"listenKey": key}
    assert call(kit, "userDataStream.stop", {"apiKey": kit.key})["result"] == {}
    assert call(kit, "userDataStream.ping", {"apiKey": kit.key})["error"]["code"] == -1125


def test_a_session_signs_once(kit: Kit) -> None:
    speaker = Speaker(kit.app.wire, "127.0.0.1")
    assert call(kit, "account.status", {"timestamp": kit.now_ms}, speaker=speaker)["error"]["code"] == -2014
    logged = call(kit, "session.logon", signed(kit, {}), speaker=speaker)
    assert logged["result"]["authorizedSince"] == kit.now_ms
    assert call(kit, "account.status", {"timestamp": kit.now_ms}, speaker=speaker)["status"] == 200
    placed = call(kit, "order.place", {**ORDER, "timestamp": kit.now_ms}, speaker=speaker)
    assert placed["result"]["status"] == "FILLED"
    assert call(kit, "session.status", {}, speaker=speaker)["result"]["authorizedSince"] == kit.now_ms
    call(kit, "session.logout", {}, speaker=speaker)
    assert call(kit, "account.status", {"timestamp": kit.now_ms}, speaker=speaker)["error"]["code"] == -2014
    assert call(kit, "session.jump", {})["error"]["code"] == -5000


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"apiKey": "k" * 64}, -2015),
        ({"apiKey": 5}, -2015),
        ({"signature": "00"}, -1022),
        ({"signature": None}, -1022),
        ({"quantity": "0.06"}, -1022),
    ],
)
def test_each_fault_of_a_call_has_its_code(kit: Kit, change: dict, code: int) -> None:
    before = kit.exchange.state_hash()
    answer = call(kit, "order.place", {**signed(kit, ORDER), **change})
    assert answer["error"]["code"] == code
    assert answer["status"] in (400, 401)
    assert kit.exchange.state_hash() == before


def test_a_replayed_or_late_call_is_refused(kit: Kit) -> None:
    params = signed(kit, ORDER)
    assert call(kit, "order.place", params)["status"] == 200
    before = kit.exchange.state_hash()
    assert call(kit, "order.place", params)["error"]["code"] == -1022
    late = signed(kit, ORDER)
    kit.pass_ms(5_001)
    assert call(kit, "order.place", late)["error"]["code"] == -1021
    assert call(kit, "order.place", signed(kit, ORDER, stopLoss="x"))["error"]["code"] == -1104
    assert kit.exchange.state_hash() == before


@pytest.mark.parametrize(
    "message",
    [b"", b"{", b"[]", b"5", b'{"method":5}', b'{"id":1}', b'{"method":"ping","params":[1]}', b"\xff", b"[" * 5_000,
     b'{"method":"ping","id":{"a":1}}', b'{"method":"depth","params":{"symbol":' + b"[" * 3_000 + b"}}"],
)  # fmt: skip
def test_what_is_no_call_is_answered(kit: Kit, message: bytes) -> None:
    answer = json.loads(asyncio.run(Speaker(kit.app.wire, "x").answer(message)))
    assert (answer["status"], answer["error"]["code"]) == (400, -1100)


def test_a_method_that_is_not_served(kit: Kit) -> None:
    answer = call(kit, "order.cancelReplace", {}, 9)
    assert (answer["id"], answer["error"]["code"]) == (9, -5000)


def over_a_socket(kit: Kit, messages: list[str | bytes]) -> list[dict]:
    """Send messages through the application, then leave; what came back."""

    async def whole() -> list[dict]:
        inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        answers: list[dict] = []
        inbox.put_nowait({"type": "websocket.connect"})
        for message in messages:
            kind = "text" if isinstance(message, str) else "bytes"
            inbox.put_nowait({"type": "websocket.receive", kind: message})

        async def send(message: Any) -> None:
            if message["type"] == "websocket.send":
                answers.append(json.loads(message["text"]))
                if len(answers) == len(messages):
                    inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
            elif message["type"] == "websocket.close":
                answers.append({"closed": message["code"]})

        scope = {
            "type": "websocket", "path": PATH, "raw_path": PATH.encode(), "query_string": b"", "headers": [],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "scheme": "ws", "root_path": "",
            "subprotocols": [],
        }  # fmt: skip
        await asyncio.wait_for(kit.app(scope, inbox.get, send), 10)
        return answers

    return asyncio.run(whole())


def test_over_a_socket_calls_are_taken_in_their_order(kit: Kit) -> None:
    limit = {**ORDER, "type": "LIMIT", "price": "61000", "timeInForce": "GTC"}
    messages: list[str | bytes] = [
        json.dumps({"id": n, "method": "order.place", "params": signed(kit, {**limit, "newClientOrderId": f"n{n}"})})
        for n in range(5)
    ]
    answers = over_a_socket(kit, messages)
    assert [answer["id"] for answer in answers] == list(range(5))
    assert [kit.exchange.state.orders[a["result"]["orderId"]].client_id for a in answers] == [f"n{n}" for n in range(5)]
    ids = [answer["result"]["orderId"] for answer in answers]
    assert ids == sorted(ids)
    assert over_a_socket(kit, [b'{"id":"b","method":"ping"}'])[0]["result"] == {}


def test_a_message_of_ten_megabytes_ends_the_connection(kit: Kit) -> None:
    assert over_a_socket(kit, ["x" * 10_000_000]) == [{"closed": 1009}]
