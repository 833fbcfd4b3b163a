"""A served exchange: the door, control, stopping and starting again."""

from __future__ import annotations

import contextlib
import fcntl
import json
import socket
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from bearskin.exchange import ExchangeOptions, Running, read_address, start_in_thread
from bearskin.exchange._service import ServiceStopped
from bearskin.exchange.wire import _opening
from bearskin.exchange.wire._address import ADDRESS_FILE, LOCK_FILE
from bearskin.terms import BadInput, StoreBroken

SYMBOLS = ("BTCUSDT", "DOGEUSDT")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One exchange for the tests of this file; prices are pushed, so that nothing moves by itself."""
    folder = tmp_path_factory.mktemp("served")
    options = ExchangeOptions(folder=folder, port=0, symbols=SYMBOLS, prices="manual", crowd=False)
    found = start_in_thread(options)
    yield found
    found.stop()


@pytest.fixture
def plain(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, timeout=20) as client:
        yield client


@pytest.fixture
def control(running: Running) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {running.token}"}
    with httpx.Client(base_url=running.control_url, headers=headers, timeout=20) as client:
        yield client


def good(answer: httpx.Response) -> dict:
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- the door --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:80"])
def test_a_host_that_is_not_ours_is_refused(plain, running, host):
    assert plain.get("/fapi/v1/time", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("name", ["Host", "Origin"])
def test_a_host_or_origin_named_twice_is_refused(running, name):
    host = running.url.removeprefix("http://")
    right = {"Host": host, "Origin": running.url}[name]
    lines = "".join(f"{name}: {value}\r\n" for value in ("http://evil.example", right))
    other = "" if name == "Host" else f"Host: {host}\r\n"
    with socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])), timeout=5) as door:
        door.sendall(f"GET /fapi/v1/time HTTP/1.1\r\n{other}{lines}Connection: close\r\n\r\n".encode())
        assert door.recv(1_000).startswith(b"HTTP/1.1 403")


def test_a_page_from_elsewhere_neither_trades_nor_commands(plain, running):
    for path in ("/fapi/v1/time", "/control/clock"):
        refused = plain.get(path, headers={"Origin": "https://evil.example", "X-Control-Token": running.token})
        assert (refused.status_code, refused.json()["code"]) == (403, -1000)
    assert plain.get("/fapi/v1/time", headers={"Origin": "null"}).status_code == 403
    assert plain.get("/fapi/v1/time", headers={"Origin": running.url}).status_code == 200
    port = running.url.rpartition(":")[2]
    assert plain.get("/fapi/v1/time", headers={"Host": f"localhost:{port}"}).status_code == 200


def test_a_socket_from_another_page_is_refused(running):
    with pytest.raises(InvalidStatus, match="403"):
        connect(f"{running.ws_url}/ws", origin="https://evil.example")  # type: ignore[arg-type]


def test_an_address_too_long_for_a_socket_is_told(running):
    with pytest.raises(InvalidStatus, match="400"):
        connect(f"{running.ws_url}/stream?streams={'/'.join(['btcusdt@aggTrade'] * 500)}", open_timeout=5)
    with connect(f"{running.ws_url}/stream?streams={'/'.join(['btcusdt@aggTrade'] * 400)}", open_timeout=5) as socket:
        socket.send('{"method": "LIST_SUBSCRIPTIONS", "id": 1}')
        assert "btcusdt@aggTrade" in socket.recv(5)


def test_a_path_that_is_not_served_is_json(plain):
    for path in ("/fapi", "/fapi/v1/nothing", "/controlled"):
        answer = plain.get(path)
        assert answer.status_code == 404
        assert answer.json()["code"] < 0


# --- control ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Control-Token": "wrong"}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic wrong"},
     {"X-Control-Token": "ä"}],
)  # fmt: skip
def test_control_asks_for_its_token(plain, headers):
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    for method, path in (("GET", "/control/accounts"), ("POST", "/control/clock/pause"), ("GET", "/control/books")):
        assert plain.request(method, path, headers=raw).status_code == 401


def test_the_page_and_the_description_need_none_and_load_nothing(plain):
    page = plain.get("/control/")
    assert page.status_code == 200
    assert "/control/clock/step" in page.text
    assert "curl -s" in page.text
    assert "src=" not in page.text, "nothing from the network"
    assert "https://" not in page.text
    assert "<script" not in page.text
    paths = plain.get("/control/openapi.json").json()["paths"]
    assert "/control/symbols/{symbol}/index" in paths


def test_accounts_are_opened_funded_and_have_keys(control, running):
    opened = good(control.post("/accounts", json={"name": "second", "deposit": "250.5"}))
    number = opened["account"]
    assert good(control.get(f"/accounts/{number}"))["wallets"] == {"USDT": "250.5"}
    row = good(control.post(f"/accounts/{number}/deposit", json={"amount": "-50.5"}))
    assert row["wallets"] == {"USDT": "200"} or row["wallets"] == {"USDT": "200.0"}
    more = good(control.post(f"/accounts/{number}/keys", json={"number": 2}))
    assert more["key"] != opened["key"]
    assert running.opened.keys.secret_of(more["key"]).account == number
    assert any(one["account"] == number for one in control.get("/accounts").json())
    sub = good(control.post("/accounts", json={"name": "sub", "parent": number}))
    assert good(control.get(f"/accounts/{sub['account']}"))["parent"] == number


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/accounts/999/deposit", {"amount": "1"}, 404),
        ("/accounts/2/deposit", {"amount": "-1000000"}, 400),
        ("/accounts/2/deposit", {"amount": "1" * 40}, 422),
        ("/accounts/2/deposit", {"amount": "NaN"}, 422),
        ("/accounts/2/deposit", {"amount": "1", "wrong": 1}, 422),
        ("/symbols/NOPE/mark", {"price": "1"}, 404),
        ("/symbols/BTCUSDT/mark", {"price": "-1"}, 422),
        ("/symbols/BTCUSDT/index", {}, 400),
        ("/clock/step", {"seconds": -1}, 422),
        ("/clock/speed", {"speed": 0}, 422),
    ],
)
def test_what_control_refuses(control, path, body, status):
    good(control.post("/clock/pause"))  # or a tick may come in between
    before = good(control.get("/state_hash"))
    assert control.post(path, json=body).status_code == status
    assert good(control.get("/state_hash")) == before
    good(control.post("/clock/resume"))


@pytest.mark.parametrize(
    ("path", "sent", "said"),
    [
        ("/clock/speed", {"json": {"speed": -1}}, "speed: Input should be greater than 0."),
        (
            "/clock/speed",
            {"content": b"{bad", "headers": {"content-type": "application/json"}},
            "the body: JSON decode",
        ),
        ("/clock/speed", {"data": {"speed": 2}}, "Content-Type: application/json"),
        ("/clock/nothing", {"json": {}}, "listed at /control/"),
        ("/clock", {"json": {}}, "Method Not Allowed"),
    ],
)
def test_control_says_what_is_wrong(control, path, sent, said):
    answer = control.post(path, **sent).json()
    assert list(answer) == ["code", "msg"]
    assert said in answer["msg"]


def test_whoever_opens_the_address_in_a_browser_finds_control(plain):
    answer = plain.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/control/")
    assert plain.post("/").status_code == 404


def test_a_key_that_could_never_sign_is_not_taken(control):
    pytest.importorskip("cryptography", reason="public keys are looked at with the package cryptography")
    answer = control.post("/accounts/2/public_keys", json={"kind": "RSA", "public_pem": "-----BEGIN PUBLIC KEY-----"})
    assert answer.status_code == 400
    assert "RSA public key" in answer.json()["msg"]


def test_every_example_of_the_page_fits_its_operation():
    running = start_in_thread(ExchangeOptions(port=0, symbols=("BTCUSDT",), prices="manual", crowd=False))
    with httpx.Client(base_url=running.url, headers={"X-Control-Token": running.token}, timeout=20) as client:
        described = good(client.get("/control/openapi.json"))
        schemas = described["components"]["schemas"]
        for path, operations in described["paths"].items():
            method = "PUT" if "put" in operations else "POST"
            content = operations.get(method.lower(), {}).get("requestBody", {}).get("content", {})
            if content and not path.endswith("public_keys"):
                name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
                where = path.replace("{number}", "2").replace("{symbol}", "BTCUSDT")
                good(client.request(method, where, json=schemas[name]["example"]))
    running.stop()


def test_a_pushed_index_moves_mark_book_and_last_at_once(control, plain):
    good(control.post("/clock/pause"))  # or the crowd may trade in between
    row = good(control.post("/symbols/BTCUSDT/index", json={"price": "61000"}))
    assert (row["index"], row["held_index"]) == ("61000.00000000", {"pushed": "61000"})
    assert float(row["mark"]) == pytest.approx(61_000, rel=1e-3)
    assert float(row["last"]) == 61_000
    assert float(plain.get("/fapi/v1/depth", params={"symbol": "BTCUSDT"}).json()["asks"][0][0]) == 61_000.1
    row = good(control.post("/symbols/BTCUSDT/index", json={"price": "75000"}))
    assert float(row["mark"]) == pytest.approx(75_000, rel=0.05)
    good(control.post("/clock/step", json={"seconds": 5}))
    assert float(good(control.get("/symbols/BTCUSDT"))["last"]) == 75_000
    good(control.post("/clock/resume"))


def test_a_pinned_mark_stands_until_it_is_let_go(control):
    good(control.post("/symbols/DOGEUSDT/index", json={"price": "0.2"}))
    good(control.post("/symbols/DOGEUSDT/mark", json={"price": "0.25"}))
    good(control.post("/clock/step", json={"seconds": 3}))
    assert float(good(control.get("/symbols/DOGEUSDT"))["mark"]) == 0.25
    good(control.post("/symbols/DOGEUSDT/mark", json={"price": None}))
    good(control.post("/clock/step", json={"seconds": 2}))
    assert float(good(control.get("/symbols/DOGEUSDT"))["mark"]) == pytest.approx(0.2, rel=1e-3)


def test_time_pauses_steps_and_goes_on(control):
    paused = good(control.post("/clock/pause"))
    assert good(control.get("/clock"))["market_ms"] == paused["market_ms"]
    stepped = good(control.post("/clock/step", json={"seconds": 60}))
    assert stepped["market_ms"] - paused["market_ms"] == 60_000
    assert stepped["paused"]
    assert good(control.post("/clock/speed", json={"speed": 10}))["speed"] == 10
    assert not good(control.post("/clock/resume"))["paused"]
    good(control.post("/clock/speed", json={"speed": 1}))


def test_brackets_and_terms_are_replaced(control):
    rows = [
        {"floor": 0, "cap": 50_000, "mmr": 0.01, "max_leverage": 50},
        {"floor": 50_000, "cap": 1_000_000, "mmr": 0.02, "max_leverage": 20},
    ]
    row = good(control.put("/symbols/DOGEUSDT", json={"brackets": rows, "taker_fee_rate": "0.0004"}))
    assert [one["cum"] for one in row["contract"]["brackets"]] == ["0.00", "500.00"]
    assert row["contract"]["taker_fee_rate"] == "0.0004"
    rows[1]["floor"] = 60_000
    assert control.put("/symbols/DOGEUSDT", json={"brackets": rows}).status_code == 400
    assert control.put("/symbols/DOGEUSDT", json={"nonsense": 1}).status_code == 400
    assert control.put("/symbols/DOGEUSDT", json={"brackets": "x"}).status_code == 400


def test_a_new_contract_is_listed_from_the_snapshot(control, plain):
    assert good(control.put("/symbols/ADAUSDT", json={}))["status"] == "TRADING"
    assert "ADAUSDT" in {one["symbol"] for one in plain.get("/fapi/v1/exchangeInfo").json()["symbols"]}
    assert control.put("/symbols/NOSUCHUSDT", json={}).status_code == 400
    assert good(control.post("/symbols/ADAUSDT/status", json={"status": "HALT"}))["status"] == "HALT"


def test_funding_settles_when_told(control, running):
    good(control.post("/symbols/BTCUSDT/funding_rate", json={"rate": "0.0005", "interval_h": 4}))
    row = good(control.post("/symbols/BTCUSDT/settle"))
    assert row["funding_interval_h"] == 4
    assert str(running.opened.service.archive.funding("BTCUSDT", None, None, 10)[-1].rate) == "0.0005"


def test_the_books_add_up(control):
    books = good(control.get("/books"))
    assert (books["holds"], books["faults"]) == (True, [])
    assert float(books["assets"]["USDT"]["total"]) == 0


# --- starting and stopping -------------------------------------------------------------------------------------------


def test_secrets_are_not_in_what_may_be_logged(running):
    for thing in (running, running.opened.keys, running.opened):
        assert running.secret not in repr(thing)
        assert running.token not in repr(thing)


def test_a_port_in_use_and_a_folder_in_use(running, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(BadInput, match="is in use: name another with --port"):
            start_in_thread(ExchangeOptions(folder=tmp_path, port=taken.getsockname()[1]))
    assert not any(tmp_path.iterdir())
    first = start_in_thread(ExchangeOptions(folder=tmp_path, port=0, symbols=SYMBOLS, prices="manual"))
    with pytest.raises(BadInput, match="an exchange is running in"):
        start_in_thread(ExchangeOptions(folder=tmp_path, port=0))
    first.stop()


def test_what_it_was_begun_with_stands_until_it_is_begun_anew(tmp_path: Path):
    def once(**options) -> Running:
        made = start_in_thread(ExchangeOptions(**{"folder": tmp_path, "port": 0, "crowd": False, **options}))
        made.stop()
        return made

    first = once(symbols=("BTCUSDT",), prices="manual", deposit=None, seed=3)
    again = once()
    assert (again.key, again.secret, again.token) == (first.key, first.secret, first.token)
    assert again.opened.setup == first.opened.setup
    assert not again.opened.began
    with pytest.raises(BadInput, match="was begun with symbols BTCUSDT: name another --folder, or begin anew"):
        once(symbols=("ETHUSDT",))
    with pytest.raises(BadInput, match="a start is for replays"):
        once(start_ns=1)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(BadInput, match="NOPEUSDT"):
        once(symbols=("NOPEUSDT",), fresh=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before, "refused, so nothing is lost"
    fresh = once(symbols=("ETHUSDT",), fresh=True)
    assert fresh.opened.began
    assert fresh.opened.setup.symbols == ("ETHUSDT",)
    assert fresh.key == first.key, "clients that were set up go on working"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"symbols": ("NOPEUSDT",)}, "NOPEUSDT"),
        ({"symbols": ("BTCUSDT", "BTCUSDT")}, "named twice"),
        ({"host": "no.such.host.invalid"}, "no address of this machine"),
        ({"port": 70_000}, "port was 70000"),
        ({"speed": 0}, "speed was 0"),
        ({"start_ns": 1}, "a start is for replays"),
        ({"interval": "1h"}, "interval is for replays"),
        ({"venue": "bybit", "prices": "manual"}, "venue is for replays"),
        ({"deposit": Decimal(-1)}, "deposit was -1"),
        ({"prices": "replay"}, "--store"),
    ],
)
def test_options_that_do_not_fit_leave_nothing_behind(tmp_path, options, said):
    folder = tmp_path / "new"
    with pytest.raises(BadInput, match=said):
        start_in_thread(ExchangeOptions(**{"folder": folder, "port": 0, **options}))
    assert not folder.exists()


def quiet_options(folder: Path, **more) -> ExchangeOptions:
    return ExchangeOptions(folder=folder, port=0, symbols=("BTCUSDT",), prices="manual", crowd=False, **more)


def test_an_emptied_journal_is_not_begun_anew_in_silence(tmp_path):
    start_in_thread(quiet_options(tmp_path)).stop()
    (tmp_path / "journal.sqlite").write_bytes(b"")
    with pytest.raises(StoreBroken, match="empty"):
        start_in_thread(quiet_options(tmp_path))
    (tmp_path / "journal.sqlite").unlink()
    with pytest.raises(StoreBroken, match="empty"):
        start_in_thread(quiet_options(tmp_path))
    start_in_thread(quiet_options(tmp_path, fresh=True)).stop()


def test_a_setup_without_a_journal_is_begun_when_the_first_start_was_killed(tmp_path):
    start_in_thread(quiet_options(tmp_path)).stop()
    setup = (tmp_path / "exchange.json").read_text()
    (tmp_path / "exchange.json").write_text(setup.replace("true", "false"))  # as it stands before the first commands
    (tmp_path / "journal.sqlite").unlink()
    start_in_thread(quiet_options(tmp_path)).stop()
    assert (tmp_path / "exchange.json").read_text() == setup


def test_a_deposit_that_no_account_can_take_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(BadInput, match="deposit was"):
        start_in_thread(quiet_options(tmp_path, deposit=Decimal(10) ** 15))
    assert not (tmp_path / "exchange.json").exists()


def test_who_stops_an_exchange_that_had_failed_is_told(tmp_path, monkeypatch, caplog):
    found = start_in_thread(quiet_options(tmp_path))
    service = found.opened.service

    def full(_: object) -> int:
        raise StoreBroken("the disk is full")

    monkeypatch.setattr(service._journal, "append", full)
    token = {"X-Control-Token": found.token}
    assert httpx.post(f"{found.control_url}/clock/tick", headers=token).status_code == 503
    assert httpx.get(f"{found.control_url}/books", headers=token).status_code == 200  # what is there may be looked at
    with pytest.raises(ServiceStopped, match="the disk is full"):
        found.stop()
    assert "the disk is full" in caplog.text
    assert "Traceback" not in caplog.text


def test_the_address_of_a_killed_exchange_is_not_taken_for_that_of_the_next_one(tmp_path):
    stale = {"url": "http://127.0.0.1:1", "ws_url": "", "key": "k", "secret": "s", "control_url": "", "token": "t"}
    (tmp_path / ADDRESS_FILE).write_text(json.dumps(stale), "utf-8")
    with contextlib.ExitStack() as held:
        _opening._folder(tmp_path, held)
        assert read_address(tmp_path) is None


def test_who_looks_whether_an_exchange_runs_does_not_keep_one_from_starting(tmp_path):
    with (tmp_path / LOCK_FILE).open("ab") as looking, contextlib.ExitStack() as held:
        fcntl.flock(looking, fcntl.LOCK_SH)
        letting_go = threading.Timer(0.15, fcntl.flock, (looking, fcntl.LOCK_UN))
        letting_go.start()
        assert _opening._folder(tmp_path, held) == tmp_path
        letting_go.join()
