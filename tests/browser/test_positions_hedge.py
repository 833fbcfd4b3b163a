"""A pair in hedge mode: two rows, and the two prices between which the account lives."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import httpx
import pytest
from browser.conftest import WholeDesk, whole_desk

from bearskin import live

START = None  # each test goes where it wants
BTC = "BTCUSDT"
# 0.6 % below 50,000 of notional, 1.25 % above
TIERS = [
    {"floor": "0", "cap": "50000", "mmr": "0.006", "max_leverage": 125},
    {"floor": "50000", "cap": "1000000000", "mmr": "0.0125", "max_leverage": 125},
]


def paired(market: dict[str, Any]) -> None:
    """Long 1 and short 0.98 at 60,000 on about 1,000 of wallet, before the bot begins."""

    def control(method: str, path: str, **body: Any) -> None:
        headers = {"Authorization": f"Bearer {market['token']}"}
        url = f"{market['control_url']}{path}"
        assert httpx.request(method, url, headers=headers, json=body, trust_env=False).status_code < 300

    control("PUT", f"/symbols/{BTC}", brackets=TIERS)
    control("POST", f"/symbols/{BTC}/index", price="60000")

    async def opened() -> None:
        exchange = live.open_trading(
            live.dialect_of("binance"), "live", market["key"], market["secret"], address=market["url"]
        )
        try:
            await exchange.fapiPrivatePostPositionSideDual({"dualSidePosition": "true"})
            await exchange.load_markets()
            await exchange.set_leverage(125, "BTC/USDT:USDT")
            for side, leg, qty in (("buy", "LONG", 1), ("sell", "SHORT", 0.98)):
                params = {"positionSide": leg}
                await exchange.create_order("BTC/USDT:USDT", "market", side, qty, None, params)
            free = (await exchange.fetch_balance())["USDT"]["total"]
            await exchange.transfer("USDT", round(float(free) - 1000, 2), "swap", "spot")
        finally:
            await exchange.close()

    with ThreadPoolExecutor(1) as aside:  # the browser has a loop running in this thread
        aside.submit(asyncio.run, opened()).result()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeDesk]:
    """A desk on an account in hedge mode that holds the pair already."""
    with whole_desk(tmp_path_factory.mktemp("hedge"), before=paired) as made:
        yield made


def test_a_pair_has_two_rows_and_both_show_the_two_prices(page, desk):
    """About 24,630 below and 94,737 above, as worked in the unit test; fills a tick off the mark move them a little."""
    page.goto(f"{desk.url}/positions")
    rows = {leg: page.locator(f'[data-position="{BTC}/{leg}"]') for leg in ("LONG", "SHORT")}
    for leg, sign in (("LONG", "1.000"), ("SHORT", "−0.980")):
        rows[leg].wait_for()
        assert rows[leg].locator("[data-cell=size]").inner_text().startswith(sign)
        assert "not the bot's" in rows[leg].locator("[data-cell=what]").inner_text()
        rows[leg].get_by_text("lives between the two").wait_for()
    told = desk.api("GET", "/positions").json()
    assert told["hedge_mode"] is True
    for one in told["positions"]:
        low, high = (Decimal(price) for price in one["liquidation_prices"])
        assert abs(low - 24_630) < 300
        assert abs(high - 94_737) < 600
    shown = rows["SHORT"].locator("[data-cell=liquidation] .level")
    end_s = time.monotonic() + 10
    while shown.count() != 2:
        assert time.monotonic() < end_s
        time.sleep(0.1)
