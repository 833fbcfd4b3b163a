"""Brackets from a venue: what Bybit publishes becomes a dated book; what cannot be used is refused with the reason."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bearskin.live import fetch_brackets
from bearskin.market import load_brackets, save_brackets
from bearskin.terms import BadInput, VenueRejected, parse_time

ccxt = pytest.importorskip("ccxt", reason="venues are reached through the optional ccxt")

NOW_NS = parse_time("2026-11-22T08:00:00Z")
MARKETS = {
    "category": "linear",
    "nextPageCursor": "",
    "list": [
        {
            "symbol": "BTCUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "BTC",
            "quoteCoin": "USDT", "settleCoin": "USDT", "launchTime": "1585526400000", "deliveryTime": "0",
            "priceScale": "2", "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
            "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
            "lotSizeFilter": {"maxOrderQty": "1190.000", "minOrderQty": "0.001", "qtyStep": "0.001"},
            "fundingInterval": 480,
        }
    ],
}  # fmt: skip
TIERS = [("2000000", "0.005", "100.00"), ("10000000", "0.0056", "90.00"), ("20000000", "0.0062", "80.00")]


def bybit(tiers: list[tuple[str, str, str]]) -> Any:
    """A real ccxt bybit whose answers are made here, in the shape Bybit documents for v5."""
    venue = ccxt.bybit()

    def fetch(url: str, *_: object) -> Any:
        rows: Any = {"list": []}
        if "risk-limit" in url:
            rows = {
                "category": "linear",
                "list": [
                    {
                        "id": at, "symbol": "BTCUSDT", "riskLimitValue": cap, "maintenanceMargin": rate,
                        "initialMargin": "0.01", "isLowestRisk": int(at == 1), "maxLeverage": leverage,
                    }
                    for at, (cap, rate, leverage) in enumerate(tiers, 1)
                ],
            }  # fmt: skip
        elif "instruments-info" in url and "linear" in url:
            rows = MARKETS
        answer = {"retCode": 0, "retMsg": "OK", "result": rows, "retExtInfo": {}, "time": 1}
        venue.last_http_response = json.dumps(answer)
        return answer

    venue.fetch = fetch
    return venue


def test_a_venues_tiers_become_a_dated_book_that_survives_its_file(tmp_path: Path) -> None:
    """`cum` is not stated by the venue: 2,000,000 * 0.0006 = 1,200 and then 10,000,000 * 0.0006 more."""
    book = fetch_brackets("bybit", ["BTCUSDT"], exchange=bybit(TIERS), now_ns=NOW_NS)
    assert book.snapshot == "bybit 2026-11-22"
    found = book.get("bybit", "BTCUSDT")
    assert [row.cum for row in found.rows] == [Decimal(0), Decimal(1200), Decimal(7200)]
    assert [row.max_leverage for row in found.rows] == [100, 90, 80]
    save_brackets(book, tmp_path / "bybit.json")
    assert load_brackets(tmp_path / "bybit.json").get("bybit", "BTCUSDT") == found
    assert [path.name for path in tmp_path.iterdir()] == ["bybit.json"]


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """The brackets somebody priced a trade with stay as they were."""
    book = fetch_brackets("bybit", ["BTCUSDT"], exchange=bybit(TIERS), now_ns=NOW_NS)
    (tmp_path / "mine.json").write_text("mine")
    with pytest.raises(BadInput, match="there already"):
        save_brackets(book, tmp_path / "mine.json")
    assert (tmp_path / "mine.json").read_text() == "mine"


def test_tiers_that_contradict_each_other_are_refused() -> None:
    """A maintenance rate that falls as positions grow is a fault of the source, not a table to trade on."""
    falling = [TIERS[0], ("10000000", "0.004", "90.00")]
    with pytest.raises(BadInput, match="not possible"):
        fetch_brackets("bybit", ["BTCUSDT"], exchange=bybit(falling), now_ns=NOW_NS)


@pytest.mark.parametrize("venue", ["okx", "mexc", "bingx", "weex", "binance", "binanceusdm", "gate"])
def test_venues_whose_tiers_cannot_be_used_say_why(venue: str) -> None:
    """Nothing is guessed, and no call is made: the sentence ends with what to do instead."""
    with pytest.raises(VenueRejected, match="--brackets"):
        fetch_brackets(venue, ["BTCUSDT"])
