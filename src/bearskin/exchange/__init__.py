"""A derivatives exchange on your own machine: the core that decides and the wire that real clients speak to."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from bearskin import VerbRoom

if TYPE_CHECKING:
    from bearskin.exchange import _words as words
    from bearskin.exchange._clock import checked_speed
    from bearskin.exchange._core import Exchange
    from bearskin.exchange._genesis import read_setup
    from bearskin.exchange._listing import contract_of
    from bearskin.exchange.wire._address import Address, read_address
    from bearskin.exchange.wire._opening import ExchangeOptions, Opened, open_exchange
    from bearskin.exchange.wire._serve import Running, serve, start_in_thread
    from bearskin.exchange.wire._snippets import snippets

_HOMES = {
    "Address": "wire._address",
    "Exchange": "_core",
    "ExchangeOptions": "wire._opening",
    "Opened": "wire._opening",
    "Running": "wire._serve",
    "checked_speed": "_clock",
    "contract_of": "_listing",
    "open_exchange": "wire._opening",
    "read_address": "wire._address",
    "read_setup": "_genesis",
    "serve": "wire._serve",
    "snippets": "wire._snippets",
    "start_in_thread": "wire._serve",
}

__all__ = [
    "Address",
    "Exchange",
    "ExchangeOptions",
    "Opened",
    "Running",
    "checked_speed",
    "contract_of",
    "open_exchange",
    "read_address",
    "read_setup",
    "serve",
    "snippets",
    "start_in_thread",
    "words",
]


def __getattr__(name: str) -> Any:  # PEP 562: the core needs no server, and the server loads when it serves
    if name == "words":  # what is said to the core and by it; a room of its own names would clash with the desk's
        return importlib.import_module("bearskin.exchange._words")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'bearskin.exchange' has no attribute {name!r}")
    return getattr(importlib.import_module(f"bearskin.exchange.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


sys.modules[__name__].__class__ = VerbRoom  # `bearskin.exchange(...)` is the verb
