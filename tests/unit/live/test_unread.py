"""An order that was taken and whose answer cannot be read: it is in doubt, and nothing ends."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from unit.live.dialect_kit import market

from bearskin.live._budget import Budget
from bearskin.live._dialects import dialect_of
from bearskin.live._skew import MarketClock
from bearskin.live._venue import CcxtVenue
from bearskin.risk._approved import minted
from bearskin.terms import Cancel, Place, PlaceStop

D = Decimal
OURS = {"symbol": "BTCUSDT", "client_id": "bsk-demo-1-entry-0"}


class Garbled:
    """Takes everything and answers what nobody can read."""

    markets = {"BTC/USDT:USDT": market("binance")}  # noqa: RUF012
    has: dict[str, Any] = {}  # noqa: RUF012
    options: dict[str, Any] = {}  # noqa: RUF012
    last_response_headers = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        async def call(*_: Any, **__: Any) -> Any:
            return {"id": "7", "amount": "a lot", "filled": object(), "status": "open", "info": {"x": 1}}

        return call


def venue() -> CcxtVenue:
    found = CcxtVenue(
        dialect_of("binance"), Garbled(), ("BTCUSDT",), clock=MarketClock(lambda: 5), budget=Budget(lambda: 5)
    )
    found._take_markets()
    return found


@pytest.mark.parametrize(
    "command",
    [
        Place(role="entry", qty=D("-0.01"), **OURS),
        PlaceStop(role="stop", qty=D("0.01"), trigger=D(60_000), **OURS),
    ],
)
def test_an_answer_that_cannot_be_read_leaves_the_order_in_doubt(command):
    (told,) = asyncio.run(venue().send(minted(command, "a test")))
    assert (told.outcome, told.code, told.what) == ("unknown", "unread", type(command).__name__)
    assert told.client_id == OURS["client_id"]
    assert told.order is None


def test_what_was_found_and_cannot_be_read_proves_nothing():
    """Long after it could still arrive, it is not called absent."""
    (told,) = asyncio.run(venue().ask(**OURS, conditional=False, issued_wall_ns=-(10**15)))
    assert (told.outcome, told.order) == ("unknown", None)


def test_cancelling_what_is_not_known_needs_no_reading():
    (told,) = asyncio.run(venue().send(minted(Cancel(**OURS), "a test")))
    assert told.outcome in ("accepted", "unknown")
