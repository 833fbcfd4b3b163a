"""Money between spot and futures wallet, and the statistics that candles tell."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import numpy as np
import pytest
from wire.desk_kit import BTC, START_NS, Kit

from bearskin.exchange._archive import Archive
from bearskin.exchange._words import SetMark, Tick

PERIOD_MS = 300_000
NOW_MS = START_NS // 1_000_000
LAST_MS = NOW_MS // PERIOD_MS * PERIOD_MS  # when the running five minutes began


def futures_wallet(kit: Kit) -> Decimal:
    return Decimal(kit.good("GET", "/fapi/v2/balance")[0]["balance"])


def test_money_goes_out_and_comes_back(kit: Kit) -> None:
    """The word of ccxt and the number of python-binance move the same wallets."""
    out = kit.good("POST", "/sapi/v1/asset/transfer", type="UMFUTURE_MAIN", asset="USDT", amount="2500.5")
    assert futures_wallet(kit) == Decimal("7499.5")
    back = kit.good("POST", "/sapi/v1/futures/transfer", type=1, asset="USDT", amount="500")
    assert futures_wallet(kit) == Decimal("7999.5")
    assert type(out["tranId"]) is int
    assert back["tranId"] > out["tranId"]
    told = kit.good("GET", "/sapi/v1/asset/transfer", type="UMFUTURE_MAIN")
    assert told == {
        "total": 1,
        "rows": [
            {
                "timestamp": told["rows"][0]["timestamp"], "asset": "USDT", "amount": "2500.5", "type": "UMFUTURE_MAIN",
                "status": "CONFIRMED", "tranId": out["tranId"],
            }
        ],
    }  # fmt: skip
    both = kit.good("GET", "/sapi/v1/futures/transfer", asset="USDT", startTime=0)
    assert [(row["type"], row["amount"]) for row in both["rows"]] == [("1", "500"), ("2", "2500.5"), ("1", "10000")]
    assert kit.good("GET", "/sapi/v1/futures/transfer", asset="USDT", size=1, current=2)["rows"] == [both["rows"][1]]


def test_the_spot_wallet_tells_what_was_moved_into_it(kit: Kit) -> None:
    """What ccxt asks for as the balance of type spot."""
    assert kit.good("GET", "/api/v3/account")["balances"] == []
    kit.good("POST", "/sapi/v1/asset/transfer", type="UMFUTURE_MAIN", asset="USDT", amount="2500.5")
    told = kit.good("GET", "/api/v3/account", omitZeroBalances="true")
    assert told["balances"] == [{"asset": "USDT", "free": "2500.5", "locked": "0"}]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": "10000.01"}, -2018),
        ({"type": "MAIN_UMFUTURE"}, -2018),
        ({"type": "UMFUTURE_MARGIN"}, -1130),
        ({"amount": "-1"}, -1130),
        ({"amount": "0"}, -4055),
        ({"asset": ""}, -1105),
    ],
)
def test_a_transfer_that_cannot_be_moves_nothing(kit: Kit, change: dict[str, str], code: int) -> None:
    sent = {"type": "UMFUTURE_MAIN", "asset": "USDT", "amount": "1", **change}
    assert kit.signed("POST", "/sapi/v1/asset/transfer", **sent).code == code
    assert futures_wallet(kit) == 10_000


@pytest.fixture
def seeded(kit: Kit) -> Kit:
    """Three closed periods of five minutes and a part of the running one, an index a half per mille higher."""
    opens = np.arange(LAST_MS - 3 * PERIOD_MS, LAST_MS + 60_000, 60_000)
    flat = np.full(len(opens), 60_000.0)
    volumes = {"volume": np.full(len(opens), 2.0), "buy_volume": np.full(len(opens), 0.5)}
    for kind, price, more in (("trade", flat, volumes), ("index", flat + 30, {})):
        columns = {"open_ms": opens, "open": price, "high": price, "low": price, "close": price, **more}
        kit.archive.seed_candles(BTC, kind, columns)  # type: ignore[arg-type]
    return kit


def test_taker_volumes_are_those_of_the_closed_candles(seeded: Kit) -> None:
    rows = seeded.public("/futures/data/takerlongshortRatio", symbol=BTC, period="5m")
    assert rows == [
        {"buySellRatio": "0.3333", "buyVol": "2.500", "sellVol": "7.500", "timestamp": LAST_MS - n * PERIOD_MS}
        for n in (3, 2, 1)
    ]
    some = {"symbol": BTC, "period": "5m", "limit": 1}
    assert seeded.public("/futures/data/takerlongshortRatio", **some) == rows[-1:]
    assert seeded.public("/futures/data/takerlongshortRatio", **some, startTime=rows[0]["timestamp"]) == rows[:1]
    assert seeded.public("/futures/data/takerlongshortRatio", **some, endTime=rows[1]["timestamp"]) == rows[1:2]


def test_the_basis_is_that_of_the_closes(seeded: Kit) -> None:
    row = seeded.public("/futures/data/basis", pair=BTC, contractType="PERPETUAL", period="5m")[-1]
    assert row == {
        "indexPrice": "60030", "contractType": "PERPETUAL", "basisRate": "-0.0005", "futuresPrice": "60000.0",
        "annualizedBasisRate": "", "basis": "-30", "pair": BTC, "timestamp": LAST_MS - PERIOD_MS,
    }  # fmt: skip
    wrong = f"pair={BTC}&contractType=CURRENT_QUARTER&period=5m"
    assert seeded.ask("GET", "/futures/data/basis", wrong).code == -1130


def test_what_is_held_is_noted_each_five_minutes(kit: Kit) -> None:
    """The maker's side counts for the coins and not for the accounts; a restart loses none of it."""
    for qty, mark in (("0.1", 60_000), ("0.3", 61_000)):
        kit.pass_ms(PERIOD_MS)
        kit.good("POST", "/fapi/v1/order", symbol=BTC, side="SELL", type="MARKET", quantity=qty)
        at_ns = kit.service.now_ns()
        kit.service.submit_now([SetMark(time_ns=at_ns, symbol=BTC, price=Decimal(mark)), Tick(time_ns=at_ns)])
    kit.pass_ms(PERIOD_MS)
    kit.service.submit_now([Tick(time_ns=kit.service.now_ns())])
    before = kit.public("/futures/data/openInterestHist", symbol=BTC, period="5m")[-3:]
    first_ms = before[0]["timestamp"]
    assert [(row["timestamp"], row["sumOpenInterest"], row["sumOpenInterestValue"]) for row in before] == [
        (first_ms, "0.10000000", "6000.00000000"),
        (first_ms + PERIOD_MS, "0.40000000", "24400.00000000"),
        (first_ms + 2 * PERIOD_MS, "0.40000000", "24400.00000000"),
    ]
    ratio = kit.public("/futures/data/globalLongShortAccountRatio", symbol=BTC, period="5m")[-1]
    assert (ratio["longAccount"], ratio["shortAccount"], ratio["longShortRatio"]) == ("0.0000", "1.0000", "0.0000")
    assert kit.public("/futures/data/openInterestHist", symbol=BTC, period="5m", limit=1) == before[-1:]
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(kit.archive), type=Archive)
    assert kept.tapes[BTC].held == kit.archive.tapes[BTC].held
    assert kept.tapes[BTC].holders == {"3/BOTH": Decimal("-0.4"), "2/BOTH": Decimal("0.4")}


def test_the_first_versions_of_account_and_balance_are_served(kit: Kit) -> None:
    assert kit.good("GET", "/fapi/v1/balance")[0]["availableBalance"] == "10000.00000000"
    assert kit.good("GET", "/fapi/v1/account")["positions"] == kit.good("GET", "/fapi/v2/account")["positions"]
