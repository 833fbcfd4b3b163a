"""What no client should send: a code for each, no 5xx, and not a bit of the state changed."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from wire.desk_kit import BTC, ETH, Answer, Kit

from bearskin.exchange.wire._app import BODY_BYTES_MAX, ROUTES
from bearskin.exchange.wire._limits import Limits

SUITE_REQUESTS = 4_000
RECORD_REQUESTS = 100_000
NAMES = (
    "symbol", "side", "type", "quantity", "price", "timeInForce", "reduceOnly", "positionSide", "orderId", "leverage",
    "origClientOrderId", "newClientOrderId", "triggerPrice", "algoType", "algoId", "closePosition", "callbackRate",
    "batchOrders", "limit", "startTime", "endTime", "interval", "pair", "amount", "marginType", "dualSidePosition",
    "countdownTime", "fromId", "recvWindow", "timestamp", "stopLoss", "takeProfit", "goodTillDate", "orderIdList",
    "period", "page", "modifyId", "priceMatch", "clientAlgoId", "contractType", "incomeType",
)  # fmt: skip
VALUES = (
    BTC, ETH, "", "-1", "0", "1", "2", "1e5", "NaN", "Infinity", "-0.0", "9" * 40, "0." + "1" * 40, "٣", "%00", "%ff",
    "null", "true", "FALSE", "[]", "{}", '[{"symbol":"BTCUSDT"}]', "[" * 200, "'; DROP TABLE orders;--", "../../etc",
    "BUY", "SELL", "LIMIT", "MARKET", "STOP_MARKET", "CONDITIONAL", "GTC", "GTX", "LONG", "BOTH", "ISOLATED", "1m",
    "59000", "61000", "62000.05", "0.01", "1000", "x" * 500, "\u202e", "a&b=c", "1" * 5_000, "99999999999999999",
)  # fmt: skip


ORDER = {"symbol": BTC, "side": "SELL", "type": "LIMIT", "quantity": "0.01", "price": "61000", "timeInForce": "GTC"}
STOP = {
    "algoType": "CONDITIONAL", "symbol": BTC, "side": "BUY", "type": "STOP_MARKET", "triggerPrice": "62000",
    "quantity": "0.01",
}  # fmt: skip
TRUE_ONES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("POST", "/fapi/v1/order", ORDER),
    ("POST", "/fapi/v1/order", {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "0.01"}),
    ("PUT", "/fapi/v1/order", {"symbol": BTC, "side": "SELL", "orderId": "30", "quantity": "0.02", "price": "61100"}),
    ("DELETE", "/fapi/v1/order", {"symbol": BTC, "orderId": "31"}),
    ("POST", "/fapi/v1/batchOrders", {"batchOrders": json.dumps([ORDER, {**ORDER, "price": "61001.5"}])}),
    ("POST", "/fapi/v1/algoOrder", STOP),
    ("DELETE", "/fapi/v1/algoOpenOrders", {"symbol": BTC}),
    ("DELETE", "/fapi/v1/allOpenOrders", {"symbol": BTC}),
    ("POST", "/fapi/v1/leverage", {"symbol": BTC, "leverage": "7"}),
    ("POST", "/fapi/v1/marginType", {"symbol": ETH, "marginType": "ISOLATED"}),
    ("POST", "/fapi/v1/positionSide/dual", {"dualSidePosition": "true"}),
    ("POST", "/fapi/v1/positionMargin", {"symbol": ETH, "amount": "5", "type": "1"}),
    ("POST", "/fapi/v1/countdownCancelAll", {"symbol": BTC, "countdownTime": "1000"}),
    ("GET", "/fapi/v1/klines", {"symbol": BTC, "interval": "1m", "limit": "5"}),
    ("GET", "/fapi/v1/userTrades", {"symbol": BTC, "limit": "5"}),
)


def nearly_true(dice: random.Random) -> tuple[str, str, bytes, bytes]:
    """A request that would be taken, but for a value or two."""
    method, path, params = dice.choice(TRUE_ONES)
    params = dict(params)
    for _ in range(dice.randint(1, 2)):
        name = dice.choice(list(params) if params and dice.random() < 0.7 else NAMES)
        if dice.random() < 0.15:
            params.pop(name, None)
        else:
            params[name] = dice.choice(VALUES)
    text = urlencode(params).encode()
    return (method, path, b"", text) if method in ("POST", "PUT") else (method, path, text, b"")


def garbage(dice: random.Random) -> tuple[str, str, bytes, bytes]:
    """Method, path, query and body of a request made of true names and false values, and sometimes of mere bytes."""
    if dice.random() < 0.4:
        return nearly_true(dice)
    method, path = dice.choice(list(ROUTES))
    if dice.random() < 0.05:
        method, path = (
            dice.choice(("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD")),
            path + dice.choice(("", "/", "x")),
        )
    pairs = []
    for _ in range(dice.randint(0, 7)):
        value = dice.choice(VALUES)
        pairs.append(f"{dice.choice(NAMES)}={value if dice.random() < 0.2 else quote(value, safe='')}")
    text = "&".join(pairs).encode()
    if dice.random() < 0.1:
        text = bytes(dice.randrange(256) for _ in range(dice.randint(1, 80)))
    if dice.random() < 0.5:
        return method, path, text, b""
    return method, path, b"", text


def signed_garbage(kit: Kit, dice: random.Random, query: bytes, body: bytes) -> tuple[bytes, bytes, str | None]:
    """The same, signed or nearly so."""
    draw = dice.random()
    if draw < 0.15:
        return query, body, None
    if draw < 0.2:
        return query, body, "nobody"
    kit.wall_ns += 1_000_000
    stamp = f"timestamp={kit.now_ms}".encode()
    if draw < 0.3:
        stamp = dice.choice((b"timestamp=1", b"timestamp=99999999999999", b"recvWindow=60001", b""))
    if body:
        body = body + b"&" + stamp
    else:
        query = query + b"&" + stamp if query else stamp
    signature = b"&signature=" + (b"0" * 64 if 0.3 <= draw < 0.4 else kit.sign(query + body).encode())
    return (query, body + signature, kit.key) if body else (query + signature, body, kit.key)


def fuzz(kit: Kit, count: int, seed: int) -> Counter[tuple[int, int | None]]:
    """Send `count` requests of garbage; how often which status and code came.

    Raises when the answer is no JSON, is a 5xx, or when a refused request has changed the state.
    """
    dice = random.Random(seed)
    found: Counter[tuple[int, int | None]] = Counter()

    async def all_of_them() -> None:
        before = kit.exchange.state_hash()
        for n in range(count):
            method, path, query, body = garbage(dice)
            query, body, key = signed_garbage(kit, dice, query, body)
            sequence = kit.exchange.state.sequence
            answer = await kit.send(method, path, query, body, key)
            said = (method, path, query, body, answer.status, answer.body)
            assert answer.status < 500, said
            found[answer.status, code_of(answer)] += 1
            if kit.exchange.state.sequence != sequence:  # it was a command after all
                assert answer.status == 200, said
                before = kit.exchange.state_hash()
            elif answer.status != 200 and n % 50 == 0:
                assert kit.exchange.state_hash() == before, said
        assert kit.exchange.state_hash() == before

    asyncio.run(all_of_them())
    return found


def code_of(answer: Answer) -> int | None:
    """The code of a refusal; what is no refusal has to be JSON."""
    if answer.status == 200:
        json.loads(answer.body)
        return None
    code = answer.code
    assert isinstance(code, int)
    assert code < 0
    return code


@pytest.fixture
def open_kit() -> Iterator[Kit]:
    """An exchange without limits of speed."""
    found = Kit(limits=Limits(on=False))
    yield found
    found.close()


def test_garbage_is_refused_with_a_code_and_changes_nothing(open_kit: Kit) -> None:
    found = fuzz(open_kit, SUITE_REQUESTS, 1)
    codes = {code for _, code in found}
    assert {None, -1022, -1021, -1101, -1102, -1104, -1105, -1121, -1130, -2014, -2015, -5000} <= codes


@pytest.mark.slow
def test_a_hundred_thousand_of_them(open_kit: Kit, measured) -> None:
    found = fuzz(open_kit, RECORD_REQUESTS, 2)
    measured(f"{found.total():,} hostile requests: {len(found)} kinds of answers, no 5xx, state unchanged")


def test_a_body_of_ten_megabytes_is_refused_before_it_is_read(kit: Kit) -> None:
    answer = kit.ask("POST", "/fapi/v1/order", b"", b"a=" + b"x" * 10_000_000, key=kit.key)
    assert (answer.status, answer.code) == (413, -1101)
    assert kit.parts_read_at_answer == 0
    assert answer.headers["connection"] == "close"


def test_a_body_that_does_not_say_its_length_is_cut_off(kit: Kit) -> None:
    body = b"a=" + b"x" * 10_000_000
    answer = kit.ask("POST", "/fapi/v1/order", b"", body, key=kit.key, headers=((b"transfer-encoding", b"chunked"),))
    assert answer.status == 413
    assert kit.parts_read_at_answer <= BODY_BYTES_MAX // 65_536 + 1


def test_a_lying_length_is_no_length(kit: Kit) -> None:
    for length in (b"-1", b"9" * 30, b"x", b"\xb2"):
        answer = kit.ask("POST", "/fapi/v1/order", b"", b"a=1", key=kit.key, headers=((b"content-length", length),))
        assert answer.status == 413


def test_a_query_without_end_is_refused(kit: Kit) -> None:
    assert kit.ask("GET", "/fapi/v1/depth", b"symbol=" + b"B" * 100_000).status == 414


@pytest.mark.parametrize(
    "rows",
    [
        "", "{", "[", "[" * 10_000, "[]", "[null]", '[{"symbol":' + "[" * 5_000, '[{"symbol":1e999}]', '["a"]', "[{}]",
        '[{"symbol":"BTCUSDT","side":"SELL","type":"LIMIT","quantity":NaN}]', '[{"a":"\\ud800"}]', "\ufeff[]",
    ],
)  # fmt: skip
def test_malformed_batches(kit: Kit, rows: str) -> None:
    before = kit.exchange.state_hash()
    answer = kit.signed("POST", "/fapi/v1/batchOrders", batchOrders=rows)
    found = answer.json
    codes = [row["code"] for row in found] if isinstance(found, list) else [found["code"]]
    assert all(code in (-1130, -1102, -1105, -4082, -1104, -1100) for code in codes)
    assert answer.status in (200, 400)
    assert kit.exchange.state_hash() == before


def test_json_where_a_form_belongs_is_no_order(kit: Kit) -> None:
    body = json.dumps({"symbol": BTC, "side": "SELL", "type": "MARKET", "quantity": "0.1", "timestamp": kit.now_ms})
    before = kit.exchange.state_hash()
    answer = kit.ask("POST", "/fapi/v1/order", b"", body, key=kit.key)
    assert answer.code == -1102
    signed = kit.ask("POST", "/fapi/v1/order", b"", f"{body}&signature={kit.sign(body)}", key=kit.key)
    assert signed.status == 400
    assert kit.exchange.state_hash() == before
