"""Market data: the fields clients read, in the types they expect."""

from __future__ import annotations

from decimal import Decimal

import pytest
from wire.desk_kit import BTC, ETH, Kit

from bearskin.exchange._words import SetTrading


def trade(kit: Kit, side: str = "SELL", qty: str = "0.1") -> dict:
    return kit.good(
        "POST", "/fapi/v1/order", symbol=BTC, side=side, type="MARKET", quantity=qty, newOrderRespType="RESULT"
    )


def test_the_contracts_carry_the_filters_ccxt_reads(kit: Kit) -> None:
    info = kit.public("/fapi/v1/exchangeInfo")
    assert [row["symbol"] for row in info["symbols"]] == [BTC, ETH]
    row = info["symbols"][0]
    assert (row["baseAsset"], row["quoteAsset"], row["marginAsset"]) == ("BTC", "USDT", "USDT")
    assert (row["contractType"], row["status"], row["deliveryDate"]) == ("PERPETUAL", "TRADING", 4133404800000)
    filters = {each["filterType"]: each for each in row["filters"]}
    assert filters["PRICE_FILTER"] == {
        "filterType": "PRICE_FILTER", "minPrice": "0.1", "maxPrice": "1000000.0", "tickSize": "0.1"
    }  # fmt: skip
    assert filters["LOT_SIZE"]["stepSize"] == filters["MARKET_LOT_SIZE"]["stepSize"] == "0.001"
    assert filters["MARKET_LOT_SIZE"]["maxQty"] == "120.000"
    assert filters["MIN_NOTIONAL"]["notional"] == "100"
    assert filters["PERCENT_PRICE"]["multiplierUp"] == "1.05"
    assert filters["MAX_NUM_ORDERS"]["limit"] == 200
    assert "MAX_NUM_ALGO_ORDERS" not in filters
    kit.service.submit_now([SetTrading(time_ns=kit.wall_ns, symbol=ETH, status="HALT")])
    assert [row["status"] for row in kit.public("/fapi/v1/exchangeInfo")["symbols"]] == ["TRADING", "HALT"]


def test_time_is_wall_time_and_ping_is_empty(kit: Kit) -> None:
    kit.pass_ms(1_234)
    assert kit.public("/fapi/v1/time") == {"serverTime": kit.now_ms}
    assert kit.public("/fapi/v1/ping") == {}


def test_the_book_is_cut_at_the_limit_best_first(kit: Kit) -> None:
    book = kit.public("/fapi/v1/depth", symbol=BTC, limit=5)
    assert book["bids"] == [[f"{60_000 - 6 * n}.0", "1.500"] for n in range(1, 6)]
    assert book["asks"] == [[f"{60_000 + 6 * n}.0", "1.500"] for n in range(1, 6)]
    trade(kit)
    after = kit.public("/fapi/v1/depth", symbol=BTC, limit=5)
    assert after["bids"][0] == ["59994.0", "1.400"]
    assert after["lastUpdateId"] > book["lastUpdateId"]
    assert kit.ask("GET", "/fapi/v1/depth", f"symbol={BTC}&limit=7").code == -4021
    best = kit.public("/fapi/v1/ticker/bookTicker", symbol=BTC)
    assert (best["bidPrice"], best["bidQty"], best["askPrice"]) == ("59994.0", "1.400", "60006.0")
    assert len(kit.public("/fapi/v1/ticker/bookTicker")) == 2


def test_trades_say_who_made(kit: Kit) -> None:
    trade(kit)
    trade(kit, "BUY", "2")  # through two levels: two trades, two aggregates of one order at two prices
    rows = kit.public("/fapi/v1/trades", symbol=BTC)
    assert [(row["price"], row["qty"], row["isBuyerMaker"]) for row in rows] == [
        ("59994.0", "0.100", True), ("60006.0", "1.500", False), ("60012.0", "0.500", False)
    ]  # fmt: skip
    assert rows[0]["quoteQty"] == "5999.40000000"
    assert [row["id"] for row in kit.public("/fapi/v1/trades", symbol=BTC, limit=1)] == [rows[-1]["id"]]
    joined = kit.public("/fapi/v1/aggTrades", symbol=BTC)
    assert [(row["p"], row["q"], row["f"], row["l"], row["m"]) for row in joined] == [
        ("59994.0", "0.100", 1, 1, True), ("60006.0", "1.500", 2, 2, False), ("60012.0", "0.500", 3, 3, False)
    ]  # fmt: skip
    old = kit.ask("GET", "/fapi/v1/historicalTrades", f"symbol={BTC}&fromId=2", key=kit.key)
    assert [row["id"] for row in old.json] == [2, 3]
    assert kit.ask("GET", "/fapi/v1/historicalTrades", f"symbol={BTC}").code == -2014


def test_candles_have_twelve_columns(kit: Kit) -> None:
    trade(kit)
    (row,) = kit.public("/fapi/v1/klines", symbol=BTC, interval="1m")
    assert len(row) == 12
    assert (row[1], row[4], row[5], row[8]) == ("59994.0", "59994.0", "0.100", 1)
    assert row[0] % 60_000 == 0
    assert row[6] == row[0] + 59_999
    assert kit.public("/fapi/v1/continuousKlines", pair=BTC, contractType="PERPETUAL", interval="1m") == [row]
    for path, name in (("indexPriceKlines", "pair"), ("markPriceKlines", "symbol"), ("premiumIndexKlines", "symbol")):
        assert isinstance(kit.public(f"/fapi/v1/{path}", **{name: BTC, "interval": "1m"}), list)
    assert kit.ask("GET", "/fapi/v1/klines", f"symbol={BTC}&interval=7m").code == -1120
    assert kit.ask("GET", "/fapi/v1/klines", f"symbol={BTC}").code == -1102
    assert kit.ask("GET", "/fapi/v1/klines", f"symbol={BTC}&interval=1m&startTime=5&endTime=4").code == -1023


def test_marks_and_funding(kit: Kit) -> None:
    row = kit.public("/fapi/v1/premiumIndex", symbol=BTC)
    assert Decimal(row["markPrice"]) == Decimal(row["indexPrice"]) == 60_000
    assert row["interestRate"] == "0.00010000"
    assert row["nextFundingTime"] % 28_800_000 == 0
    assert row["nextFundingTime"] > row["time"] - 1
    assert [each["symbol"] for each in kit.public("/fapi/v1/premiumIndex")] == [BTC, ETH]
    info = kit.public("/fapi/v1/fundingInfo")[0]
    assert (info["fundingIntervalHours"], info["adjustedFundingRateCap"]) == (8, "0.02000000")
    assert kit.public("/fapi/v1/fundingRate", symbol=BTC) == []
    assert [s["weight"] for s in kit.public("/fapi/v1/constituents", symbol=BTC)["constituents"]] == ["0.5", "0.5"]


def test_tickers(kit: Kit) -> None:
    assert kit.public("/fapi/v2/ticker/price", symbol=ETH)["price"] == "3000.00"  # the mark before there was a trade
    trade(kit)
    assert kit.public("/fapi/v1/ticker/price", symbol=BTC)["price"] == "59994.0"
    assert len(kit.public("/fapi/v2/ticker/price")) == 2
    day = kit.public("/fapi/v1/ticker/24hr", symbol=BTC)
    assert (day["lastPrice"], day["volume"], day["count"]) == ("59994.0", "0.100", 1)
    assert len(kit.public("/fapi/v1/ticker/24hr")) == 2
    assert kit.public("/fapi/v1/openInterest", symbol=BTC)["openInterest"] == "0.100"


@pytest.mark.parametrize("name", ["topLongShortAccountRatio", "topLongShortPositionRatio"])
def test_statistics_that_are_not_kept_are_empty(kit: Kit, name: str) -> None:
    assert kit.public(f"/futures/data/{name}", symbol=BTC, period="5m", limit=10) == []
    assert kit.ask("GET", f"/futures/data/{name}", f"symbol={BTC}").code == -1102
    assert kit.ask("GET", f"/futures/data/{name}", "symbol=NONE&period=5m").code == -1121


def test_what_is_not_listed_and_what_is_not_known_is_refused(kit: Kit) -> None:
    for path in ("depth", "trades", "aggTrades", "premiumIndex", "ticker/price", "openInterest", "fundingRate"):
        assert kit.ask("GET", f"/fapi/v1/{path}", "symbol=NOPEUSDT").code == -1121
        unknown = kit.ask("GET", f"/fapi/v1/{path}", f"symbol={BTC}&nonsense=1")
        assert unknown.code == -1104
        assert "'nonsense'" in unknown.json["msg"]


def test_a_path_that_is_not_served_is_404_in_json(kit: Kit) -> None:
    for method, path in (("GET", "/fapi/v9/x"), ("PATCH", "/fapi/v1/order"), ("GET", "/"), ("POST", "/fapi/v1/depth")):
        answer = kit.ask(method, path)
        assert (answer.status, answer.code) == (404, -5000)


def test_weight_is_told_and_beyond_it_is_429(kit: Kit) -> None:
    kit.limits.weight_per_minute = 45
    first = kit.ask("GET", "/fapi/v1/aggTrades", f"symbol={BTC}")
    assert first.headers["x-mbx-used-weight-1m"] == "20"
    kit.ask("GET", "/fapi/v1/aggTrades", f"symbol={BTC}")
    slow = kit.ask("GET", "/fapi/v1/aggTrades", f"symbol={BTC}")
    assert (slow.status, slow.code) == (429, -1003)
    assert 1 <= int(slow.headers["retry-after"]) <= 60
    kit.pass_ms(60_000)
    assert kit.ask("GET", "/fapi/v1/aggTrades", f"symbol={BTC}").status == 200


def test_the_two_calls_ccxt_makes_on_its_way_to_the_markets(kit: Kit) -> None:
    assert kit.good("GET", "/sapi/v1/capital/config/getall") == []
    assert kit.good("GET", "/sapi/v1/margin/allPairs") == []
