"""The Binance-shaped face of the exchange: REST, sockets and control."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bearskin.exchange.wire._address import Address, read_address
    from bearskin.exchange.wire._app import app_of
    from bearskin.exchange.wire._desk import WireDesk
    from bearskin.exchange.wire._opening import ExchangeOptions, Opened, open_exchange
    from bearskin.exchange.wire._serve import Running, serve, start_in_thread
    from bearskin.exchange.wire._snippets import snippets

_HOMES = {
    "Address": "_address",
    "ExchangeOptions": "_opening",
    "Opened": "_opening",
    "Running": "_serve",
    "WireDesk": "_desk",
    "app_of": "_app",
    "open_exchange": "_opening",
    "read_address": "_address",
    "serve": "_serve",
    "snippets": "_snippets",
    "start_in_thread": "_serve",
}

__all__ = [
    "Address",
    "ExchangeOptions",
    "Opened",
    "Running",
    "WireDesk",
    "app_of",
    "open_exchange",
    "read_address",
    "serve",
    "snippets",
    "start_in_thread",
]


def __getattr__(name: str) -> Any:  # PEP 562
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'bearskin.exchange.wire' has no attribute {name!r}")
    return getattr(importlib.import_module(f"bearskin.exchange.wire.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
