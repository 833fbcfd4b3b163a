"""What pages ask of a venue, next to a bot that asks from the same address."""

from __future__ import annotations

import asyncio
import time

from bearskin.app.web._market_link import BURST_WEIGHT, SHARE, modest


def test_pages_keep_to_a_part_of_what_the_venue_allows_the_address():
    """Binance allows 2,400 a minute, that is 40 a second; ccxt keeps to half of it, and pages with it."""

    async def asked() -> float:
        import ccxt.pro

        exchange = ccxt.pro.binanceusdm()
        try:
            modest(exchange)
            assert exchange.enableRateLimit
            await exchange.throttle(BURST_WEIGHT)
            began_s = time.monotonic()
            for _ in range(3):
                await exchange.throttle(3)
            return time.monotonic() - began_s
        finally:
            await exchange.close()

    assert SHARE * 1_200 + BURST_WEIGHT < 0.7 * 2_400  # the bot has the rest, whatever pages do
    assert asyncio.run(asked()) > 0.25  # two waits for three units at 20 a second are 0.3 seconds
