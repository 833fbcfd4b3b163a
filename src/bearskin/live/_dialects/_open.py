"""`open_trading`: a ccxt.pro exchange with keys, set up so that orders reach the address they are meant for."""

from __future__ import annotations

import importlib
import re
from typing import Any, Final

from bearskin.live._ccxt import load_ccxt
from bearskin.live._dialects._base import RECV_WINDOW_MS, Dialect
from bearskin.live._dialects._words import Env
from bearskin.live._secret import hide
from bearskin.terms import BadInput, VenueRejected

TIMEOUT_MS: Final = 6_000


def open_trading(
    dialect: Dialect,
    env: Env,
    key: str,
    secret: str,
    password: str = "",
    *,
    address: str | None = None,
) -> Any:
    """A ccxt.pro exchange for trading linear perpetuals: not connected, markets not loaded; `await close()` it.

    `env` demo is the venue's own demo environment. `address` (`http://host:port`) sends everything to a demo exchange
    of ours instead, which speaks Binance. ccxt's own throttle is off: who sends keeps the budgets. The keys are
    hidden from whatever leaves the process as text.

    Raises VenueRejected where the venue has no demo environment or we do not trade there, BadInput for an address that
    goes with no dialect.
    """
    load_ccxt()
    hide(key, secret, password)
    refused = dialect.able.refusals.get("live")
    if refused:
        raise VenueRejected(refused)
    if env == "demo" and not dialect.able.demo:
        raise VenueRejected(dialect.able.refusals["demo"])
    if address is not None and dialect.ccxt_id != "binanceusdm":
        raise BadInput(f"the demo exchange speaks Binance, not {dialect.venue}: an address goes with binance only")
    pro = importlib.import_module("ccxt.pro")
    exchange = getattr(pro, dialect.ccxt_id)(
        {
            "apiKey": key,
            "secret": secret,
            **({"password": password} if password else {}),
            "enableRateLimit": False,
            "timeout": TIMEOUT_MS,
            "options": {
                "defaultType": "swap",
                "defaultSubType": "linear",
                "fetchCurrencies": False,  # asks addresses that a demo environment does not have
                "recvWindow": RECV_WINDOW_MS,
                "adjustForTimeDifference": False,
                "warnOnFetchOpenOrdersWithoutSymbol": False,
            },
        }
    )
    exchange.has["fetchCurrencies"] = False
    if address is not None:
        _point(exchange, address)
    elif env == "demo" and dialect.able.demo == "demo-trading":
        exchange.enable_demo_trading(True)
    elif env == "demo":
        exchange.set_sandbox_mode(True)
    _merge_errors(exchange)
    return exchange


def _point(exchange: Any, address: str) -> None:
    """Every address ccxt knows of Binance at one host: nothing can reach the real venue."""
    host = re.fullmatch(r"(https?)://([^/\s]+)/?", address)
    if host is None:
        raise BadInput(f"the exchange's address was {address!r}, must be like http://127.0.0.1:8788")
    api = exchange.urls["api"]
    here = f"{host[1]}://{host[2]}"
    sockets = f"{'wss' if host[1] == 'https' else 'ws'}://{host[2]}"
    for name, at in api.items():
        if isinstance(at, str):
            api[name] = re.sub(r"^https?://[^/]+", here, at)
    # the stream's address has to end with /ws: ccxt puts /public, /market or /private before it
    api["ws"] = {"linear": f"{sockets}/ws", "ws-api": {"linear": f"{sockets}/ws-fapi/v1"}}


def _merge_errors(exchange: Any) -> None:
    """Binance's futures errors by their own classes, wherever the exchange stands: ccxt goes by its address."""
    linear = exchange.exceptions.get("linear")
    if isinstance(linear, dict) and "exact" in linear:
        exchange.exceptions["exact"] = {**exchange.exceptions["exact"], **linear["exact"]}
