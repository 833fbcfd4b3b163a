"""The account over REST: money, positions, settings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from wire.desk_kit import BTC, ETH, Kit

from bearskin.exchange._words import AnyCommand, Deposit, OpenAccount, Place, SetMark

MARKET = {"symbol": BTC, "side": "SELL", "type": "MARKET", "quantity": "0.1"}


def isolated_short(kit: Kit) -> None:
    """A short of 0.1 at 59994 with 10x isolated: margin 599.94, fee 2.9997."""
    kit.good("POST", "/fapi/v1/marginType", symbol=BTC, marginType="ISOLATED")
    kit.good("POST", "/fapi/v1/leverage", symbol=BTC, leverage=10)
    kit.good("POST", "/fapi/v1/order", **MARKET)


def test_a_fresh_account(kit: Kit) -> None:
    row = kit.good("GET", "/fapi/v3/account")
    assert row["positions"] == []
    assert "feeTier" not in row
    (asset,) = row["assets"]
    assert (asset["asset"], asset["walletBalance"], asset["availableBalance"]) == (
        "USDT", "10000.00000000", "10000.00000000"
    )  # fmt: skip
    assert row["totalMarginBalance"] == row["maxWithdrawAmount"] == "10000.00000000"
    old = kit.good("GET", "/fapi/v2/account")
    assert [(p["symbol"], p["positionAmt"], p["leverage"]) for p in old["positions"]] == [
        (BTC, "0.000", "20"), (ETH, "0.000", "20")
    ]  # fmt: skip
    assert (old["feeTier"], old["canTrade"], old["multiAssetsMargin"]) == (0, True, False)
    for version in (2, 3):
        (money,) = kit.good("GET", f"/fapi/v{version}/balance")
        assert (money["balance"], money["crossWalletBalance"]) == ("10000.00000000", "10000.00000000")


def test_a_cross_short_at_mark(kit: Kit) -> None:
    kit.good("POST", "/fapi/v1/order", **MARKET)
    kit.service.submit_now([SetMark(time_ns=kit.wall_ns, symbol=BTC, price=Decimal(59_000))])
    (row,) = kit.good("GET", "/fapi/v3/positionRisk")
    # profit 0.1 * (59994 - 59000); margin 5900 / 20; maintenance 5900 * 0.4 %
    assert (row["positionAmt"], row["entryPrice"], row["unRealizedProfit"]) == ("-0.100", "59994", "99.40000000")
    assert (row["notional"], row["initialMargin"], row["maintMargin"]) == (
        "-5900.00000000", "295.00000000", "23.60000000"
    )  # fmt: skip
    assert row["isolatedMargin"] == row["isolatedWallet"] == "0"  # by which ccxt knows it is cross
    # entry less the fee of the entry: 59994 * (1 - 0.0005)
    assert row["breakEvenPrice"] == "59964.003"
    assert type(row["adl"]) is int
    assert "leverage" not in row
    # (wallet + 0.1 * entry + cum) / (0.1 * (1 + mmr)) with 9997.0003, within the first tier
    assert Decimal(row["liquidationPrice"]) == round((Decimal("9997.0003") + Decimal("5999.4")) / Decimal("0.1004"), 8)
    account = kit.good("GET", "/fapi/v3/account")
    assert account["totalWalletBalance"] == "9997.00030000"
    assert account["totalMarginBalance"] == "10096.40030000"
    assert account["availableBalance"] == "9801.40030000"
    assert account["maxWithdrawAmount"] == "9801.40030000"
    assert [p["positionAmt"] for p in account["positions"]] == ["-0.100"]


def test_an_isolated_short(kit: Kit) -> None:
    isolated_short(kit)
    (row,) = kit.good("GET", "/fapi/v3/positionRisk", symbol=BTC)
    assert row["isolatedWallet"] == "599.94000000"
    assert row["isolatedMargin"] == "599.34000000"  # at mark 60000 it is 0.6 down
    assert Decimal(row["liquidationPrice"]) == round((Decimal("599.94") + Decimal("5999.4")) / Decimal("0.1004"), 8)
    older = {p["symbol"]: p for p in kit.good("GET", "/fapi/v2/positionRisk")}
    assert (older[BTC]["marginType"], older[BTC]["leverage"], older[BTC]["isolatedWallet"]) == (
        "isolated", "10", "599.94000000"
    )  # fmt: skip
    assert (older[ETH]["marginType"], older[ETH]["positionAmt"], older[ETH]["liquidationPrice"]) == (
        "cross",
        "0.000",
        "0",
    )
    assert kit.good("GET", "/fapi/v1/positionRisk", symbol=BTC) == [older[BTC]]
    (asset,) = kit.good("GET", "/fapi/v3/account")["assets"]
    assert (asset["walletBalance"], asset["crossWalletBalance"]) == ("9997.00030000", "9397.06030000")
    assert (asset["unrealizedProfit"], asset["crossUnPnl"]) == ("-0.60000000", "0.00000000")


def test_margin_of_an_isolated_position(kit: Kit) -> None:
    assert kit.signed("POST", "/fapi/v1/positionMargin", symbol=BTC, amount="10", type=1).status == 400
    isolated_short(kit)
    row = kit.good("POST", "/fapi/v1/positionMargin", symbol=BTC, amount="10.5", type=1)
    assert row == {"amount": 10.5, "code": 200, "msg": "Successfully add position margin.", "type": 1}
    kit.good("POST", "/fapi/v1/positionMargin", symbol=BTC, amount="0.5", type=2)
    assert kit.good("GET", "/fapi/v3/positionRisk")[0]["isolatedWallet"] == "609.94000000"
    moves = kit.good("GET", "/fapi/v1/positionMargin/history", symbol=BTC)
    assert [(move["type"], move["amount"], move["positionSide"]) for move in moves] == [
        (1, "10.50000000", "BOTH"), (2, "0.50000000", "BOTH")
    ]  # fmt: skip
    assert [m["type"] for m in kit.good("GET", "/fapi/v1/positionMargin/history", symbol=BTC, type=2)] == [2]
    for change, code in (
        ({"amount": "-5"}, -1130), ({"amount": "1" * 40}, -1111), ({"type": 3}, -1130), ({"amount": "999999"}, -4050),
    ):  # fmt: skip
        params = {"symbol": BTC, "amount": "5", "type": 1, **change}
        assert kit.signed("POST", "/fapi/v1/positionMargin", **params).code == code


def test_income_tells_commission_and_profit(kit: Kit) -> None:
    kit.good("POST", "/fapi/v1/order", **MARKET)
    kit.good("POST", "/fapi/v1/order", **{**MARKET, "side": "BUY"}, reduceOnly="true")
    rows = kit.good("GET", "/fapi/v1/income")
    found = [(row["incomeType"], row["income"]) for row in rows if row["symbol"] == BTC]
    # sold at 59994, bought at 60006: 1.2 lost, 0.05 % paid on both
    assert sorted(found) == [
        ("COMMISSION", "-2.99970000"),
        ("COMMISSION", "-3.00030000"),
        ("REALIZED_PNL", "-1.20000000"),
    ]
    assert all(type(row["tranId"]) is int and type(row["tradeId"]) is str for row in rows)
    only = kit.good("GET", "/fapi/v1/income", incomeType="REALIZED_PNL", symbol=BTC)
    assert [row["asset"] for row in only] == ["USDT"]
    assert kit.good("GET", "/fapi/v1/income", incomeType="FUNDING_FEE") == []


def test_brackets_are_lists_with_whole_cums(kit: Kit) -> None:
    rows = kit.good("GET", "/fapi/v1/leverageBracket")
    assert [row["symbol"] for row in rows] == [BTC, ETH]
    tiers = kit.good("GET", "/fapi/v1/leverageBracket", symbol=BTC)[0]["brackets"]
    names = ("bracket", "initialLeverage", "notionalFloor", "maintMarginRatio", "cum")
    assert [tuple(tier[name] for name in names) for tier in tiers] == [
        (1, 150, 0, 0.004, 0), (2, 100, 300_000, 0.005, 300), (3, 75, 800_000, 0.0065, 1500),
        (4, 50, 3_000_000, 0.01, 12_000),
    ]  # fmt: skip
    assert all(type(tier["cum"]) is int for tier in tiers)


def test_leverage(kit: Kit) -> None:
    assert kit.good("POST", "/fapi/v1/leverage", symbol=BTC, leverage=100) == {
        "symbol": BTC, "leverage": 100, "maxNotionalValue": "800000"
    }  # fmt: skip
    for value, code in (("0", -4028), ("151", -4028), ("-1", -1130), ("1.5", -1130), ("9" * 40, -1130)):
        assert kit.signed("POST", "/fapi/v1/leverage", symbol=BTC, leverage=value).code == code
    assert kit.signed("POST", "/fapi/v1/leverage", symbol=BTC).code == -1102
    (row,) = kit.good("GET", "/fapi/v1/symbolConfig", symbol=BTC)
    assert row == {
        "symbol": BTC, "marginType": "CROSSED", "isAutoAddMargin": False, "leverage": 100, "maxNotionalValue": "800000"
    }  # fmt: skip
    assert len(kit.good("GET", "/fapi/v1/symbolConfig")) == 2


def test_margin_type(kit: Kit) -> None:
    done = {"code": 200, "msg": "success"}
    assert kit.good("POST", "/fapi/v1/marginType", symbol=BTC, marginType="ISOLATED") == done
    assert kit.signed("POST", "/fapi/v1/marginType", symbol=BTC, marginType="ISOLATED").code == -4046
    assert kit.signed("POST", "/fapi/v1/marginType", symbol=BTC, marginType="BOTH").code == -1130
    kit.good("POST", "/fapi/v1/order", **MARKET)
    assert kit.signed("POST", "/fapi/v1/marginType", symbol=BTC, marginType="CROSSED").code == -4048


def test_position_mode_is_a_json_boolean(kit: Kit) -> None:
    assert kit.good("GET", "/fapi/v1/positionSide/dual") == {"dualSidePosition": False}
    assert kit.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition="false").code == -4059
    kit.good("POST", "/fapi/v1/positionSide/dual", dualSidePosition="True")
    assert kit.good("GET", "/fapi/v1/positionSide/dual") == {"dualSidePosition": True}
    assert [p["positionSide"] for p in kit.good("GET", "/fapi/v2/positionRisk", symbol=BTC)] == ["LONG", "SHORT"]
    kit.good("POST", "/fapi/v1/order", **MARKET, positionSide="SHORT")
    assert kit.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition="false").code == -4068


def test_what_is_not_served_says_so(kit: Kit) -> None:
    assert kit.good("GET", "/fapi/v1/multiAssetsMargin") == {"multiAssetsMargin": False}
    assert kit.signed("POST", "/fapi/v1/multiAssetsMargin", multiAssetsMargin="true").code == -4168
    assert kit.signed("POST", "/fapi/v1/multiAssetsMargin", multiAssetsMargin="false").code == -4171
    assert kit.good("GET", "/fapi/v1/feeBurn") == {"feeBurn": False}
    assert kit.signed("POST", "/fapi/v1/feeBurn", feeBurn="true").code == -1130


def test_the_small_questions(kit: Kit) -> None:
    rates = kit.good("GET", "/fapi/v1/commissionRate", symbol=BTC)
    assert (rates["makerCommissionRate"], rates["takerCommissionRate"]) == ("0.0002", "0.0005")
    assert kit.good("GET", "/fapi/v1/accountConfig")["dualSidePosition"] is False
    assert [row["limit"] for row in kit.good("GET", "/fapi/v1/rateLimit/order")] == [300, 1200]
    assert kit.good("GET", "/fapi/v1/apiTradingStatus")["indicators"] == {}


def test_lights_of_deleveraging_are_ranked_by_side(kit: Kit) -> None:
    assert kit.good("GET", "/fapi/v1/adlQuantile") == []
    kit.good("POST", "/fapi/v1/order", **MARKET)
    (row,) = kit.good("GET", "/fapi/v1/adlQuantile", symbol=BTC)
    assert row["symbol"] == BTC
    # the only short there is stands first in its line: in the last of five equal parts, counted from 0
    assert row["adlQuantile"]["SHORT"] == row["adlQuantile"]["BOTH"] == 0
    assert kit.good("GET", "/fapi/v1/adlQuantile") == [row]


def test_lights_follow_the_ranking_that_deleveraging_uses(kit: Kit) -> None:
    """Two like shorts; the other account has more money, but a second position makes its margin ratio higher."""
    at: dict[str, Any] = {"time_ns": kit.wall_ns}
    order: dict[str, Any] = {**at, "account": 4, "type": "MARKET"}
    kit.good("POST", "/fapi/v1/order", **MARKET)
    said: list[AnyCommand] = [
        OpenAccount(**at, name="other"),
        Deposit(**at, account=4, amount=Decimal(10_050)),
        Place(**order, symbol=BTC, side=-1, qty=Decimal("0.1")),
        Place(**order, symbol=ETH, side=-1, qty=Decimal(1)),
        SetMark(**at, symbol=BTC, price=Decimal(59_000)),
    ]
    kit.service.submit_now(said)
    (row,) = kit.good("GET", "/fapi/v1/adlQuantile", symbol=BTC)
    assert row["adlQuantile"]["SHORT"] == 0


@pytest.mark.parametrize("path", ["/fapi/v3/account", "/fapi/v1/positionSide/dual", "/fapi/v1/income"])
def test_a_parameter_no_endpoint_takes_is_named(kit: Kit, path: str) -> None:
    answer = kit.signed("GET", path, wrongName="1")
    assert answer.code == -1104
    assert "'wrongName'" in answer.json["msg"]
