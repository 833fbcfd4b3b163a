"""How much of a history is told at once: bounds of rows, of time and of pages, as clients ask for them."""

from __future__ import annotations

from typing import Any

import pytest
from wire.desk_kit import BTC, START_NS, Kit

NOW_MS = START_NS // 1_000_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
LIMIT = {"symbol": BTC, "side": "SELL", "type": "LIMIT", "quantity": "0.01", "price": "61000", "timeInForce": "GTC"}
MARKET = {"symbol": BTC, "side": "SELL", "type": "MARKET", "quantity": "0.01"}


@pytest.mark.parametrize(
    ("path", "names", "most"),
    [
        ("/fapi/v1/klines", {"symbol": BTC, "interval": "1m"}, 1500),
        ("/fapi/v1/trades", {"symbol": BTC}, 1000),
        ("/fapi/v1/aggTrades", {"symbol": BTC}, 1000),
        ("/fapi/v1/fundingRate", {"symbol": BTC}, 1000),
        ("/fapi/v1/allOrders", {"symbol": BTC}, 1000),
        ("/fapi/v1/userTrades", {"symbol": BTC}, 1000),
        ("/fapi/v1/allAlgoOrders", {"symbol": BTC}, 1000),
        ("/fapi/v1/income", {}, 1000),
        ("/fapi/v1/forceOrders", {}, 100),
    ],
)
def test_more_rows_than_the_venue_gives_are_refused(kit: Kit, path: str, names: dict[str, str], most: int) -> None:
    """Silently giving fewer would make a client that pages by what it asked for skip the rest."""
    assert kit.signed("GET", path, **names, limit=most).status == 200
    for limit in (most + 1, 0):
        assert kit.signed("GET", path, **names, limit=limit).code == -1130


@pytest.mark.parametrize("path", ["userTrades", "allOrders", "allAlgoOrders"])
def test_a_history_of_an_account_is_asked_for_by_the_week(kit: Kit, path: str) -> None:
    """ccxt sends exactly seven days when it is given a start; a millisecond more is refused."""
    week: dict[str, Any] = {"symbol": BTC, "startTime": NOW_MS - 7 * DAY_MS, "endTime": NOW_MS}
    assert kit.signed("GET", f"/fapi/v1/{path}", **week).status == 200
    assert kit.signed("GET", f"/fapi/v1/{path}", **{**week, "endTime": NOW_MS + 1}).code == -4165
    assert kit.signed("GET", f"/fapi/v1/{path}", **{**week, "endTime": 1}).code == -1023


def test_aggregates_are_asked_for_by_the_hour(kit: Kit) -> None:
    hour = f"symbol={BTC}&startTime={NOW_MS - HOUR_MS}"
    assert kit.ask("GET", "/fapi/v1/aggTrades", f"{hour}&endTime={NOW_MS}").status == 200
    assert kit.ask("GET", "/fapi/v1/aggTrades", f"{hour}&endTime={NOW_MS + 1}").code == -1127
    assert kit.ask("GET", "/fapi/v1/aggTrades", hour).status == 200


def test_pages_of_income_follow_each_other(kit: Kit) -> None:
    for _ in range(4):
        kit.good("POST", "/fapi/v1/order", **MARKET)
    lines = kit.good("GET", "/fapi/v1/income")
    assert [line["incomeType"] for line in lines] == ["TRANSFER", *["COMMISSION"] * 4]
    pages = [kit.good("GET", "/fapi/v1/income", limit=2, page=page) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert [line for page in pages for line in page] == lines
    assert kit.signed("GET", "/fapi/v1/income", page=0).code == -1130


def test_an_income_type_nobody_knows_is_refused(kit: Kit) -> None:
    assert kit.good("GET", "/fapi/v1/income", incomeType="FUNDING_FEE") == []
    assert kit.signed("GET", "/fapi/v1/income", incomeType="FUNDING").code == -1130


def test_own_trades_are_paged_from_an_id(kit: Kit) -> None:
    for _ in range(5):
        kit.good("POST", "/fapi/v1/order", **MARKET)
    ids = [row["id"] for row in kit.good("GET", "/fapi/v1/userTrades", symbol=BTC)]
    assert ids == sorted(set(ids))
    seen: list[int] = []
    while page := kit.good("GET", "/fapi/v1/userTrades", symbol=BTC, limit=2, fromId=seen[-1] + 1 if seen else 0):
        seen += [row["id"] for row in page]
    assert seen == ids
    assert [row["id"] for row in kit.good("GET", "/fapi/v1/userTrades", symbol=BTC, limit=2)] == ids[-2:]


def test_ccxt_and_python_binance_write_the_list_of_a_cancel_in_small_letters(kit: Kit) -> None:
    """Both send `orderidlist`; a name the venue reads must not be refused as unknown."""
    orders = [kit.good("POST", "/fapi/v1/order", **LIMIT, newClientOrderId=f"n{n}") for n in range(3)]

    def cancel(words: str) -> Any:
        text = f"timestamp={kit.now_ms}&symbol={BTC}&{words}"
        return kit.ask("DELETE", "/fapi/v1/batchOrders", f"{text}&signature={kit.sign(text)}", key=kit.key).json

    gone, unknown = cancel(f"orderidlist=%5B{orders[0]['orderId']}%2C987654%5D")
    assert (gone["status"], unknown["code"]) == ("CANCELED", -2011)
    rows = cancel("origclientorderidlist=%5B%22n1%22%2C%22n2%22%5D")
    assert [row["clientOrderId"] for row in rows] == ["n1", "n2"]
    assert kit.good("GET", "/fapi/v1/openOrders") == []


def test_candles_of_mark_and_index_have_no_volume(kit: Kit) -> None:
    for path, name in (("markPriceKlines", "symbol"), ("indexPriceKlines", "pair")):
        for row in kit.public(f"/fapi/v1/{path}", **{name: BTC, "interval": "1m"}):
            assert [row[5], row[7], row[9], row[10], row[11]] == ["0"] * 5
