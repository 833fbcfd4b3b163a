"""The exchange on which the bot is tried: makers quote around a price that stands still unless it is pushed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal

import pytest
from live.kit import SYMBOL, Eye, control

from bearskin.exchange.wire import ExchangeOptions, Running, start_in_thread

_TAGS = (f"t{number:03d}" for number in itertools.count(1))  # tags that tests make of these begin with a digit


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """An exchange of its own on any free port."""
    pytest.importorskip("ccxt", reason="ccxt is not installed")
    options = ExchangeOptions(
        port=0, symbols=(SYMBOL, "ETHUSDT"), prices="manual", crowd=False, limits=False, deposit=Decimal(1_000_000)
    )
    found = start_in_thread(options)
    control(found, "POST", f"/symbols/{SYMBOL}/index", {"price": "60000"})
    control(found, "POST", "/symbols/ETHUSDT/index", {"price": "3000"})
    yield found
    found.stop()


@pytest.fixture
def eye(running: Running) -> Eye:
    """The exchange's own books."""
    return Eye(running)


@pytest.fixture
def tag() -> str:
    """The four letters of a bot that was not there before."""
    return next(_TAGS)
