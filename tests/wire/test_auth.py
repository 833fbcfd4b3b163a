"""Who is let in: signatures as each client makes them, time stamps, keys, and nothing twice."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from wire.desk_kit import BTC, Kit

from bearskin.exchange._codes import Code
from bearskin.exchange.wire._auth import Heard, signed_text, take_signature
from bearskin.exchange.wire._params import Denied

LIMIT = {"symbol": BTC, "side": "SELL", "type": "LIMIT", "quantity": "0.01", "price": "61000", "timeInForce": "GTC"}
BATCH = '[{"symbol":"BTCUSDT","side":"SELL","type":"LIMIT","quantity":"0.01","price":"61000","timeInForce":"GTC"}]'


@pytest.mark.parametrize(
    ("raw", "rest", "signature"),
    [
        (b"a=1&signature=ff", b"a=1", b"ff"),
        (b"signature=ff&a=1", b"a=1", b"ff"),
        (b"a=1&signature=ff&b=2", b"a=1&b=2", b"ff"),
        (b"signature=ff", b"", b"ff"),
        (b"a=1", b"a=1", b""),
        (b"nosignature=ff&a=1", b"nosignature=ff&a=1", b""),
        (b"signature=ee&xsignature=ff", b"xsignature=ff", b"ee"),
    ],
)
def test_the_signature_is_taken_out_wherever_it_stands(raw: bytes, rest: bytes, signature: bytes) -> None:
    assert take_signature(raw) == (rest, signature)


def test_query_and_body_are_covered_together_in_that_order() -> None:
    assert signed_text(b"a=1", b"b=2&signature=ff") == (b"a=1b=2", b"ff")
    assert signed_text(b"a=1&signature=ff", b"b=2") == (b"a=1b=2", b"ff")
    with pytest.raises(Denied) as twice:
        signed_text(b"a=1&signature=ff", b"b=2&signature=ee")
    assert twice.value.code == Code.TOO_MANY_PARAMETERS


def test_ccxt_posts_a_form_and_sends_its_batch_as_bare_json(kit: Kit) -> None:
    text = f"timestamp={kit.now_ms}&batchOrders={BATCH}&recvWindow=10000"
    answer = kit.ask("POST", "/fapi/v1/batchOrders", b"", f"{text}&signature={kit.sign(text)}", key=kit.key)
    assert answer.status == 200
    assert [row["status"] for row in answer.json] == ["NEW"]


def test_the_sdk_puts_everything_into_the_query_percent_encoded(kit: Kit) -> None:
    text = f"batchOrders={quote(BATCH, safe='')}&timestamp={kit.now_ms}"
    answer = kit.ask("POST", "/fapi/v1/batchOrders", f"{text}&signature={kit.sign(text)}", key=kit.key)
    assert answer.status == 200
    assert answer.json[0]["origQty"] == "0.010"


def test_python_binance_deletes_with_a_form_body(kit: Kit) -> None:
    placed = kit.good("POST", "/fapi/v1/order", **LIMIT)
    text = f"orderId={placed['orderId']}&recvWindow=10000&symbol={BTC}&timestamp={kit.now_ms}"
    answer = kit.ask("DELETE", "/fapi/v1/order", b"", f"{text}&signature={kit.sign(text)}", key=kit.key)
    assert answer.status == 200
    assert answer.json["status"] == "CANCELED"


def test_python_binance_writes_its_truths_with_a_capital(kit: Kit) -> None:
    text = f"dualSidePosition=False&recvWindow=10000&timestamp={kit.now_ms}"
    answer = kit.ask("POST", "/fapi/v1/positionSide/dual", b"", f"{text}&signature={kit.sign(text)}", key=kit.key)
    assert answer.code == Code.POSITION_SIDE_SAME  # understood: it is one-way already


def test_parameters_may_be_split_between_query_and_body(kit: Kit) -> None:
    query, body = urlencode({"symbol": BTC, "side": "SELL"}), urlencode({**LIMIT, "timestamp": kit.now_ms})
    body = "&".join(part for part in body.split("&") if not part.startswith(("symbol", "side")))
    signature = kit.sign(query + body)
    assert kit.ask("POST", "/fapi/v1/order", query, f"{body}&signature={signature}", key=kit.key).status == 200
    # the same name on both sides is a duplicate, not a choice
    body += "&side=BUY"
    answer = kit.ask("POST", "/fapi/v1/order", query, f"{body}&signature={kit.sign(query + body)}", key=kit.key)
    assert answer.code == Code.TOO_MANY_PARAMETERS


def test_an_upper_case_signature_is_the_same_signature(kit: Kit) -> None:
    text = f"timestamp={kit.now_ms}"
    answer = kit.ask("GET", "/fapi/v3/account", f"{text}&signature={kit.sign(text).upper()}", key=kit.key)
    assert answer.status == 200


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"key": None}, 401, -2014),
        ({"key": ""}, 401, -2014),
        ({"key": "bad key!"}, 401, -2014),
        ({"key": "k" * 64}, 401, -2015),
        ({"key": "k" * 300}, 401, -2014),
        ({"signature": "0" * 64}, 400, -1022),
        ({"signature": "zz"}, 400, -1022),
        ({"signature": ""}, 400, -1102),
        ({"timestamp": ""}, 400, -1102),
        ({"timestamp": "soon"}, 400, -1100),
        ({"timestamp": "-5"}, 400, -1100),
        ({"late_ms": 10_001}, 400, -1021),
        ({"late_ms": -1_000}, 400, -1021),
        ({"recvWindow": "60001"}, 400, -1131),
        ({"recvWindow": "x"}, 400, -1131),
        ({"recvWindow": "-1"}, 400, -1131),
    ],
)
def test_each_fault_of_a_signed_request_has_its_code(kit: Kit, change: dict, status: int, code: int) -> None:
    stamp = change.get("timestamp", str(kit.now_ms - change.get("late_ms", 0)))
    text = urlencode({"timestamp": stamp, "recvWindow": change.get("recvWindow", "10000")})
    signature = change.get("signature", kit.sign(text))
    before = kit.exchange.state_hash()
    answer = kit.ask("GET", "/fapi/v3/account", f"{text}&signature={signature}", key=change.get("key", kit.key))
    assert (answer.status, answer.code) == (status, code)
    assert kit.exchange.state_hash() == before


def test_the_window_is_five_seconds_when_none_is_sent(kit: Kit) -> None:
    for late_ms, status in ((5_000, 200), (5_001, 400)):
        text = f"timestamp={kit.now_ms - late_ms}"
        answer = kit.ask("GET", "/fapi/v3/account", f"{text}&signature={kit.sign(text)}", key=kit.key)
        assert answer.status == status


def test_a_key_of_an_account_that_is_not_open_is_refused(kit: Kit) -> None:
    key, _ = kit.keys.make(99)
    assert kit.ask("GET", "/fapi/v3/account", "timestamp=1&signature=00", key=key).code == -2015


def test_a_changed_word_breaks_the_signature(kit: Kit) -> None:
    text = urlencode({**LIMIT, "timestamp": kit.now_ms})
    signature = kit.sign(text)
    body = f"{text.replace('quantity=0.01', 'quantity=9.99')}&signature={signature}"
    assert kit.ask("POST", "/fapi/v1/order", b"", body, key=kit.key).code == -1022


def test_a_replayed_order_is_not_placed_again(kit: Kit) -> None:
    text = urlencode({**LIMIT, "timestamp": kit.now_ms, "recvWindow": 60000})
    body = f"{text}&signature={kit.sign(text)}"
    assert kit.ask("POST", "/fapi/v1/order", b"", body, key=kit.key).status == 200
    before = kit.exchange.state_hash()
    for wait_ms in (0, 1_000, 58_000):
        kit.pass_ms(wait_ms)
        assert kit.ask("POST", "/fapi/v1/order", b"", body, key=kit.key).code == -1022
    kit.pass_ms(2_000)
    assert kit.ask("POST", "/fapi/v1/order", b"", body, key=kit.key).code == -1021
    assert kit.exchange.state_hash() == before
    # upper case is the same signature, not a second one
    kit.wall_ns -= 61_000_000_000
    again = f"{text}&signature={kit.sign(text).upper()}"
    assert kit.ask("POST", "/fapi/v1/order", b"", again, key=kit.key).code == -1022


def test_a_question_may_be_asked_again(kit: Kit) -> None:
    text = f"timestamp={kit.now_ms}"
    for _ in range(3):
        assert kit.ask("GET", "/fapi/v3/account", f"{text}&signature={kit.sign(text)}", key=kit.key).status == 200


def test_what_was_heard_is_forgotten_after_its_window() -> None:
    heard = Heard(0)
    heard.once(b"one", 0, 0)
    heard.once(b"two", 4_000, 4_000)
    with pytest.raises(Denied):
        heard.once(b"one", 0, 61_000)
    heard.once(b"three", 65_001, 65_001)
    assert len(heard) == 1


def test_an_order_signed_before_the_exchange_started_is_refused(kit: Kit) -> None:
    text = urlencode({**LIMIT, "timestamp": kit.now_ms - 1})
    before = kit.exchange.state_hash()
    assert kit.ask("POST", "/fapi/v1/order", b"", f"{text}&signature={kit.sign(text)}", key=kit.key).code == -1021
    assert kit.exchange.state_hash() == before


def test_a_listen_key_needs_the_key_and_no_signature(kit: Kit) -> None:
    answer = kit.ask("POST", "/fapi/v1/listenKey", key=kit.key)
    assert answer.status == 200
    assert kit.ask("POST", "/fapi/v1/listenKey", key=kit.key).json == answer.json
    assert kit.ask("PUT", "/fapi/v1/listenKey", key=kit.key).json == answer.json
    assert kit.ask("DELETE", "/fapi/v1/listenKey", key=kit.key).json == {}
    assert kit.ask("PUT", "/fapi/v1/listenKey", key=kit.key).code == Code.INVALID_LISTEN_KEY
    assert kit.ask("POST", "/fapi/v1/listenKey").code == Code.BAD_API_KEY


def test_ed25519_and_rsa_keys_sign_too(kit: Kit) -> None:
    pytest.importorskip("cryptography")
    import base64

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

    text = f"timestamp={kit.now_ms}"
    edwards = ed25519.Ed25519PrivateKey.generate()
    rivest = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    made = (
        ("ED25519", edwards, edwards.sign(text.encode())),
        ("RSA", rivest, rivest.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())),
    )
    for kind, private, raw in made:
        pem = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        key = kit.keys.register(3, kind, pem.decode())  # type: ignore[arg-type]
        signature = quote(base64.b64encode(raw).decode(), safe="")
        assert kit.ask("GET", "/fapi/v3/account", f"{text}&signature={signature}", key=key).status == 200
        wrong = quote(base64.b64encode(raw[:-1] + b"x").decode(), safe="")
        assert kit.ask("GET", "/fapi/v3/account", f"{text}&signature={wrong}", key=key).code == -1022
        assert kit.ask("GET", "/fapi/v3/account", f"{text}&signature=%%%", key=key).code == -1022
