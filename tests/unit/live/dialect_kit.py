"""A ccxt exchange per venue, offline: one market each, and what it would have sent instead of an answer."""

import asyncio
import functools
import json
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

from bearskin.live import dialect_of, open_trading
from bearskin.live._dialects import State
from bearskin.terms import client_id

KEY, SECRET, PASSWORD = "key-of-the-test", "secret-of-the-test", "password-of-the-test"
ENTRY, STOP, TARGET, EXIT = (client_id("demo", 7, role, 0) for role in ("entry", "stop", "target", "exit"))
VOLATILE = {"timestamp", "signature", "recvWindow"}

# one linear perpetual each, with the contract sizes of the venues' documents: id, contract size, step, tick, least
MARKETS = {
    "binance": ("BTCUSDT", "1", "0.001", "0.1", "0.001"),
    "bybit": ("BTCUSDT", "1", "0.001", "0.1", "0.001"),
    "okx": ("BTC-USDT-SWAP", "0.01", "0.01", "0.1", "0.01"),
    "bingx": ("BTC-USDT", "1", "0.0001", "0.1", "0.0001"),
    "weex": ("BTCUSDT", "0.0001", "0.001", "0.1", "0.001"),
    "mexc": ("BTC_USDT", "0.0001", "1", "0.1", "1"),
}
# what an accepted order answers, in the least words that ccxt can read
ANSWERS = {
    "binance": {"orderId": 1, "symbol": "BTCUSDT", "positionSide": "BOTH"},
    "bybit": {"retCode": 0, "result": {"orderId": "1", "orderLinkId": ENTRY, "list": []}},
    "okx": {"code": "0", "data": [{"ordId": "1", "clOrdId": ENTRY, "sCode": "0", "instId": "BTC-USDT-SWAP"}]},
    "bingx": {"code": 0, "data": {"order": {"orderId": "1", "symbol": "BTC-USDT", "positionSide": "BOTH"}}},
    "weex": {"orderId": "1", "clientOrderId": ENTRY, "success": True},
}


@dataclass(frozen=True)
class Sent:
    """One signed request: method, path and everything said in its query and body but the stamps and the signature."""

    method: str
    path: str
    words: dict


def market(venue):
    """ccxt's structure of the venue's one market."""
    own, size, step, tick, least = MARKETS[venue]
    return {
        "id": own, "lowercaseId": own.lower(), "symbol": "BTC/USDT:USDT",
        "base": "BTC", "quote": "USDT", "settle": "USDT", "baseId": "BTC", "quoteId": "USDT", "settleId": "USDT",
        "type": "swap", "spot": False, "margin": False, "swap": True, "future": False, "option": False,
        "active": True, "contract": True, "linear": True, "inverse": False, "subType": "linear",
        "contractSize": float(size), "taker": 0.0005, "maker": 0.0002, "percentage": True, "tierBased": False,
        "precision": {"amount": float(step), "price": float(tick)},
        "limits": {
            "amount": {"min": float(least), "max": 1000.0}, "price": {"min": None, "max": None},
            "cost": {"min": 5.0, "max": None}, "leverage": {"min": 1, "max": 100},
        },
        "info": {"orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"]},
    }  # fmt: skip


def traded(venue):
    """The venue's one market as its orders count it."""
    return dialect_of(venue).traded(market(venue))


@functools.cache
def offline(venue, env="live"):
    """A ccxt.pro exchange with keys and one market; it is built once, since ccxt takes its time."""
    exchange = open_trading(dialect_of(venue), env, KEY, SECRET, PASSWORD)
    exchange.set_markets([market(venue)])
    exchange.options["enableUnifiedAccount"] = True  # bybit would ask first
    exchange.options["enableUnifiedMargin"] = False
    return exchange


def carried_out(venue, command, state=None, env="live"):
    """The requests that carry a command out."""
    calls = dialect_of(venue).requests_of(command, traded(venue), state or State())
    assert isinstance(calls, tuple), calls
    return sent_by(venue, calls, env)


def sent_by(venue, calls, env="live", answer=None):
    """The requests of some calls, each answered with `answer` or with what an order would be."""
    sent = []

    async def fetch(url, method="GET", headers=None, body=None):
        parts = urlsplit(url)
        words = dict(parse_qsl(parts.query))
        if body:
            said = json.loads(body) if body.startswith(("{", "[")) else dict(parse_qsl(body))
            words |= said[0] if isinstance(said, list) else said
        words = {name: word for name, word in words.items() if name not in VOLATILE}
        sent.append(Sent(method, f"{parts.netloc}{parts.path}", words))
        return ANSWERS[venue] if answer is None else answer

    async def run():
        exchange = offline(venue, env)
        exchange.fetch = fetch
        for call in calls:
            await call.on(exchange)

    asyncio.run(run())
    return sent


def d(text):
    """A decimal."""
    return Decimal(text)
