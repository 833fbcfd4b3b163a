"""Killed in the middle of orders and started again: what was acknowledged is there, once, and nothing else is."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx

import bearskin
from bearskin.exchange import ExchangeOptions, start_in_thread
from bearskin.exchange._genesis import USER
from bearskin.exchange._report import books_report
from bearskin.exchange._service import restored
from bearskin.journal import Journal

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(bearskin.__file__).parents[1])}

IN_PROCESS = """
import asyncio, sys
from decimal import Decimal
from pathlib import Path
from bearskin.exchange._words import Place
from bearskin.exchange.wire._opening import ExchangeOptions, open_exchange

opened = open_exchange(
    ExchangeOptions(folder=Path(sys.argv[1]), symbols=("BTCUSDT",), crowd=False), lambda: 1_795_000_000 * 10**9
)
service = opened.service

async def one(number):
    command = Place(
        time_ns=service.now_ns(), account=2, symbol="BTCUSDT", side=1 if number % 2 else -1, type="LIMIT",
        qty=Decimal("0.002"), price=Decimal(59_000 if number % 2 else 61_000), client_id=f"{sys.argv[2]}-{number}",
        tif="IOC",
    )
    events = await service.submit(command)
    print(command.client_id, type(events[0]).__name__, flush=True)

async def run():
    number = 0
    while True:
        await asyncio.gather(*(one(number + at) for at in range(5)))
        number += 5

asyncio.run(run())
"""


def as_journalled(folder: Path) -> tuple[str, list[str], bool]:
    """The state hash, the user's client ids in order, and whether the books hold, out of the journal alone."""
    journal = Journal.open(folder / "journal.sqlite")
    exchange, archive = restored(journal)
    names = [order.client_id for order in archive.orders(USER, "BTCUSDT", limit=5_000)]
    found = exchange.state_hash(), names, books_report(exchange.state)["holds"]
    journal.close()
    return found


def test_killed_in_process_it_has_every_order_that_was_told_once(tmp_path):
    told: list[str] = []
    for turn in range(3):
        command = [sys.executable, "-c", IN_PROCESS, str(tmp_path), f"t{turn}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
            assert process.stdout is not None
            for _ in range(60 + 17 * turn):
                line = process.stdout.readline()
                assert "OrderUpdated" in line, line
                told.append(line.split()[0])
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read()
        told += [line.split()[0] for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        hashed, names, holds = as_journalled(tmp_path)
        assert len(names) == len(set(names))
        assert set(told) <= set(names)
        assert len(names) - len(told) <= 5 * (turn + 1), "no more than what was under way"
        assert holds
        again, _, _ = as_journalled(tmp_path)
        assert again == hashed


class Client:
    """A signed client that notes what was acknowledged."""

    def __init__(self, address: dict[str, str]) -> None:
        self.key, self.secret = address["key"], address["secret"]
        self.http = httpx.Client(base_url=address["url"], headers={"X-MBX-APIKEY": self.key}, timeout=5)

    def signed(self, method: str, path: str, **params: object) -> httpx.Response:
        params["timestamp"] = int(time.time() * 1_000)
        query = "&".join(f"{name}={value}" for name, value in params.items())
        signature = hmac.new(self.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        return self.http.request(method, f"{path}?{query}&signature={signature}")


def started(folder: Path) -> tuple[subprocess.Popen[str], dict[str, str]]:
    command = [
        sys.executable, "-m", "bearskin", "exchange", "--port", "0", "--json", "--folder", str(folder),
        "--symbols", "BTCUSDT", "--no-crowd", "--no-limits", "--home", str(folder.parent / "home"),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def orders_until_killed(address: dict[str, str], process: subprocess.Popen[str], name: str, kill_at: int) -> list[str]:
    """Place orders from two clients at once; the process is killed when `kill_at` are acknowledged."""
    told: list[str] = []

    def work(client_name: str) -> None:
        client = Client(address)
        number = 0
        while True:
            number += 1
            mine = f"{client_name}-{number}"
            try:
                answer = client.signed(
                    "POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="IOC",
                    quantity="0.002", price="58000", newClientOrderId=mine,
                )  # fmt: skip
                assert answer.json()["clientOrderId"] == mine
            except httpx.HTTPError:
                break
            told.append(mine)
            if len(told) == kill_at:
                process.send_signal(signal.SIGKILL)
        client.http.close()

    threads = [threading.Thread(target=work, args=(f"{name}{at}",)) for at in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    process.wait(10)
    assert process.stdout is not None
    process.stdout.close()
    return told


def test_killed_over_http_it_has_every_order_that_was_acknowledged_once(tmp_path):
    folder = tmp_path / "exchange"
    told: list[str] = []
    for turn, kill_at in enumerate((600, 400)):
        process, address = started(folder)
        told += orders_until_killed(address, process, f"t{turn}", kill_at)
    hashed, names, holds = as_journalled(folder)
    assert len(told) >= 600 + 400
    assert len(names) == len(set(names))
    assert set(told) <= set(names)
    assert len(names) - len(told) <= 2 * 2, "no more than what was under way"
    assert holds
    assert as_journalled(folder)[0] == hashed

    process, address = started(folder)
    client = Client(address)
    for name in (told[0], told[599], told[-1]):
        found = client.signed("GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId=name).json()
        assert (found["clientOrderId"], found["status"]) == (name, "EXPIRED")
    client.http.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert process.stdout is not None
    process.stdout.close()


def test_a_resting_order_and_a_position_are_there_after_the_restart(tmp_path):
    options = ExchangeOptions(folder=tmp_path, port=0, symbols=("BTCUSDT",), crowd=False)
    first = start_in_thread(options)
    client = Client({"url": first.url, "key": first.key, "secret": first.secret})
    for params in (
        {"type": "MARKET", "side": "SELL"},
        {"type": "LIMIT", "side": "BUY", "price": "57000", "timeInForce": "GTC", "newClientOrderId": "rests"},
    ):
        answer = client.signed("POST", "/fapi/v1/order", symbol="BTCUSDT", quantity="0.01", **params)
        assert answer.status_code == 200, answer.text
    before = client.signed("GET", "/fapi/v3/positionRisk", symbol="BTCUSDT").json()[0]
    client.http.close()
    first.stop()
    again = start_in_thread(options)
    client = Client({"url": again.url, "key": again.key, "secret": again.secret})
    after = client.signed("GET", "/fapi/v3/positionRisk", symbol="BTCUSDT").json()[0]
    for name in ("positionAmt", "entryPrice"):
        assert after[name] == before[name]
    assert [one["clientOrderId"] for one in client.signed("GET", "/fapi/v1/openOrders").json()] == ["rests"]
    client.http.close()
    again.stop()
