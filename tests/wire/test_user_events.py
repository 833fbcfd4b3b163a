"""The user stream: what an account is told of its orders, money and positions, and what it is not."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from wire.desk_kit import BTC, START_NS
from wire.stream_kit import MAKER, USER, Ear, StreamKit

from bearskin.exchange._words import (
    AccountUpdated,
    AddMargin,
    BalanceNow,
    CancelAlgo,
    Deposit,
    MarginCalled,
    PlaceAlgo,
    PositionNow,
    SetFundingRate,
    SetLeverage,
    SetMarginMode,
    SetMark,
    SetPositionMode,
    SettleFunding,
)

ORDER_FIELDS = "s c S o f q p ap sp x X i l z L T t b a m R wt ot ps cp pP si ss rp V pm gtd er"
START_MS = START_NS // 1_000_000


@pytest.fixture
def kit() -> Iterator[StreamKit]:
    made = StreamKit()
    yield made
    made.close()


def isolated(kit: StreamKit, leverage: int = 10) -> None:
    now = kit.service.now_ns()
    kit.say(
        SetMarginMode(time_ns=now, account=USER, symbol=BTC, isolated=True),
        SetLeverage(time_ns=now, account=USER, symbol=BTC, leverage=leverage),
    )


def orders(ear: Ear) -> list[dict[str, Any]]:
    return [row["o"] for row in ear.events("ORDER_TRADE_UPDATE")]


def test_a_resting_order_is_told_and_moves_no_account(kit: StreamKit) -> None:
    ear = kit.listen_to(USER)
    kit.place(USER, -1, "0.100", "61000.0", client_id="mine", tif="GTX")
    kit.cancel(USER, "mine")
    told = orders(ear)
    assert [(o["x"], o["X"]) for o in told] == [("NEW", "NEW"), ("CANCELED", "CANCELED")]
    new = told[0]
    assert " ".join(new) == ORDER_FIELDS
    assert (new["s"], new["c"], new["S"], new["o"], new["f"]) == (BTC, "mine", "SELL", "LIMIT", "GTX")
    assert (new["q"], new["p"], new["z"], new["l"], new["L"], new["rp"]) == ("0.100", "61000.0", "0.000", "0", "0", "0")
    assert (new["i"], new["t"], new["T"]) == (told[1]["i"], 0, START_MS)
    assert ear.events("ACCOUNT_UPDATE") == [], "never for an order that only rests or is cancelled"


def test_a_market_short_is_told_from_order_to_position(kit: StreamKit) -> None:
    """0.1 sold at 59,994 with a taker fee of 0.05 %: 2.9997 USDT, entry 59,994, break-even a fee below."""
    isolated(kit)
    ear = kit.listen_to(USER)
    kit.place(USER, -1, "0.100")
    assert [row["e"] for row in ear.rows()] == [
        "ORDER_TRADE_UPDATE", "TRADE_LITE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE",
    ]  # fmt: skip
    trade = orders(ear)[1]
    assert (trade["x"], trade["X"], trade["o"]) == ("TRADE", "FILLED", "MARKET")
    assert (trade["L"], trade["l"], trade["z"], trade["ap"]) == ("59994.0", "0.100", "0.100", "59994")
    assert (trade["n"], trade["N"], trade["m"], trade["rp"]) == ("2.99970000", "USDT", False, "0.00000000")
    (lite,) = ear.events("TRADE_LITE")
    assert (lite["t"], lite["i"], lite["L"], lite["l"]) == (trade["t"], trade["i"], "59994.0", "0.100")
    (account,) = ear.events("ACCOUNT_UPDATE")
    assert account["a"]["m"] == "ORDER"
    (balance,) = account["a"]["B"]
    # margin 599.94 left the cross wallet, the fee left the account; bc leaves the fee out
    assert balance == {"a": "USDT", "wb": "9997.00030000", "cw": "9397.06030000", "bc": "0"}
    (position,) = account["a"]["P"]
    assert position == {
        "s": BTC, "pa": "-0.100", "ep": "59994", "bep": "59964.003", "cr": "0.00000000", "up": "-0.60000000",
        "mt": "isolated", "iw": "599.94000000", "ps": "BOTH", "ma": "USDT",
    }  # fmt: skip


def test_a_position_closed_is_told_flat_with_what_it_made(kit: StreamKit) -> None:
    kit.place(USER, -1, "0.100")
    ear = kit.listen_to(USER)
    kit.place(USER, 1, "0.100", reduce_only=True)
    trade = orders(ear)[1]
    assert (trade["rp"], trade["R"]) == ("-1.20000000", True)  # sold at 59,994, bought at 60,006
    (position,) = ear.events("ACCOUNT_UPDATE")[0]["a"]["P"]
    assert (position["pa"], position["ep"], position["bep"], position["cr"]) == ("0.000", "0", "0", "-1.20000000")


def test_a_liquidation_is_told_by_its_own_word(kit: StreamKit) -> None:
    """ccxt looks for the type LIQUIDATION, others for CALCULATED or the client id; over REST it is an IOC limit."""
    now = kit.service.now_ns()
    kit.say(
        SetMarginMode(time_ns=now, account=USER, symbol=BTC, isolated=True),
        SetLeverage(time_ns=now, account=USER, symbol=BTC, leverage=50),
    )
    kit.place(USER, -1, "0.100")
    ear = kit.listen_to(USER)
    kit.say(SetMark(time_ns=now, symbol=BTC, price=Decimal(62_000)))
    came, filled = orders(ear)
    assert (came["o"], came["ot"], came["x"], came["X"]) == ("LIQUIDATION", "LIQUIDATION", "NEW", "NEW")
    assert (filled["o"], filled["x"], filled["X"], filled["n"]) == ("LIQUIDATION", "CALCULATED", "FILLED", "0.00000000")
    assert filled["c"].startswith("autoclose-")
    (row,) = kit.good("GET", "/fapi/v1/forceOrders", autoCloseType="LIQUIDATION")
    assert (row["orderId"], row["type"], row["timeInForce"]) == (filled["i"], "LIMIT", "IOC")


def test_both_sides_of_a_trade_are_told_their_own(kit: StreamKit) -> None:
    theirs, mine = Ear(), kit.listen_to(USER)
    kit.streams.add(kit.listen_keys.create(MAKER), theirs)
    kit.place(USER, -1, "0.100")
    assert [o["m"] for o in orders(theirs)] == [True]
    assert [o["S"] for o in orders(theirs)] == ["BUY"]
    assert len(orders(mine)) == 2


def test_a_conditional_order_is_told_through_its_life(kit: StreamKit) -> None:
    """A stop above a short: NEW, then the mark comes; TRIGGERING, TRIGGERED with its market order, FINISHED."""
    kit.place(USER, -1, "0.100")
    ear = kit.listen_to(USER)
    now = kit.service.now_ns()
    stop = {"account": USER, "symbol": BTC, "side": 1, "type": "STOP_MARKET", "by_mark": True}
    kit.say(
        PlaceAlgo(
            time_ns=now, trigger_price=Decimal(60_500), qty=Decimal("0.1"), reduce_only=True, client_id="stop", **stop
        )
    )
    kit.say(SetMark(time_ns=now, symbol=BTC, price=Decimal(60_600)))
    algos = [row["o"] for row in ear.events("ALGO_UPDATE")]
    assert [a["X"] for a in algos] == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]
    first, last = algos[0], algos[-1]
    assert (first["caid"], first["o"], first["S"], first["tp"], first["q"]) == (
        "stop", "STOP_MARKET", "BUY", "60500.0", "0.100",
    )  # fmt: skip
    assert (first["at"], first["wt"], first["R"], first["cp"], first["ai"]) == (
        "CONDITIONAL", "MARK_PRICE", True, False, "",
    )  # fmt: skip
    assert first["tt"] == 0
    assert last["tt"] == START_MS
    came = algos[2]
    assert (came["ai"], came["aq"], came["ap"], came["act"]) == (last["ai"], "0", "0", "MARKET")
    filled = orders(ear)[-1]
    assert last["ai"] == str(filled["i"])
    assert (last["aq"], last["ap"], last["act"]) == ("0.100", "60006", "MARKET")
    assert (filled["X"], filled["o"], filled["ot"]) == ("FILLED", "MARKET", "STOP_MARKET")
    assert (filled["sp"], filled["wt"]) == ("60500.0", "MARK_PRICE")


def test_a_conditional_order_cancelled_is_told(kit: StreamKit) -> None:
    kit.place(USER, -1, "0.100")
    ear = kit.listen_to(USER)
    now = kit.service.now_ns()
    kit.say(
        PlaceAlgo(
            time_ns=now,
            account=USER,
            symbol=BTC,
            side=1,
            type="TRAILING_STOP_MARKET",
            qty=Decimal("0.1"),
            callback_rate=Decimal("1.5"),
            reduce_only=True,
            client_id="trail",
        )
    )
    kit.say(CancelAlgo(time_ns=now, account=USER, client_id="trail"))
    new, gone = (row["o"] for row in ear.events("ALGO_UPDATE"))
    assert (new["X"], gone["X"], new["cr"]) == ("NEW", "CANCELED", "1.5")
    assert isinstance(new["ia"], bool)


@pytest.mark.parametrize("alone", [True, False])
def test_funding_shows_the_position_only_where_it_is_isolated(kit: StreamKit, *, alone: bool) -> None:
    """A short of 0.1 at mark 60,000 receives 0.01 % of 6,000 USDT: 0.6."""
    if alone:
        isolated(kit)
    kit.place(USER, -1, "0.100")
    ear = kit.listen_to(USER)
    now = kit.service.now_ns()
    kit.say(SetFundingRate(time_ns=now, symbol=BTC, rate=Decimal("0.0001")), SettleFunding(time_ns=now, symbol=BTC))
    (told,) = ear.events("ACCOUNT_UPDATE")
    assert told["a"]["m"] == "FUNDING_FEE"
    assert told["a"]["B"][0]["bc"] == "0.60000000"
    assert [p["s"] for p in told["a"]["P"]] == ([BTC] if alone else [])


def test_funding_of_cross_and_isolated_together_shows_the_isolated_one(kit: StreamKit) -> None:
    ear = kit.listen_to(USER)

    def position(symbol: str, *, alone: bool) -> PositionNow:
        return PositionNow(
            symbol=symbol, side="BOTH", qty=Decimal("-0.1"), cost=Decimal(-6000), realised=Decimal(0),
            unrealised=Decimal(0), isolated=alone, isolated_wallet=Decimal(9), maintenance=Decimal(24),
        )  # fmt: skip

    both = (position(BTC, alone=True), position("ETHUSDT", alone=False))
    for reason in ("FUNDING_FEE", "ORDER"):
        kit.streams.on_events(
            [AccountUpdated(time_ns=1, account=USER, reason=reason, balances=(), positions=both)]  # type: ignore[arg-type]
        )
    funding, traded = (row["a"]["P"] for row in ear.rows())
    assert [p["s"] for p in funding] == [BTC]
    assert [(p["s"], p["iw"]) for p in traded] == [(BTC, "9.00000000"), ("ETHUSDT", "0")]


def test_deposits_margin_and_settings_are_told_by_their_reasons(kit: StreamKit) -> None:
    isolated(kit)
    kit.place(USER, -1, "0.100")
    ear = kit.listen_to(USER)
    now = kit.service.now_ns()
    kit.say(Deposit(time_ns=now, account=USER, amount=Decimal(50)))
    kit.say(AddMargin(time_ns=now, account=USER, symbol=BTC, position_side="BOTH", amount=Decimal(100)))
    deposit, moved = (row["a"] for row in ear.events("ACCOUNT_UPDATE"))
    assert (deposit["m"], deposit["B"][0]["bc"], deposit["P"]) == ("DEPOSIT", "50.00000000", [])
    assert moved["m"] == "MARGIN_TRANSFER"
    assert moved["P"][0]["iw"] == "699.94000000"
    ear.clear()
    kit.say(SetLeverage(time_ns=now, account=USER, symbol="ETHUSDT", leverage=7))
    (told,) = ear.events("ACCOUNT_CONFIG_UPDATE")
    assert told["ac"] == {"s": "ETHUSDT", "l": 7}
    ear.clear()
    kit.say(SetPositionMode(time_ns=now, account=USER, dual=True))
    assert ear.events("ACCOUNT_CONFIG_UPDATE") == [], "the venue does not tell the position mode"


def test_a_margin_call_names_the_positions(kit: StreamKit) -> None:
    """Isolated at 50x: margin 119.99 under a short of 0.1; at 60,900 equity is 29.39, maintenance 24.36 (83 %)."""
    isolated(kit, 50)
    kit.place(USER, -1, "0.100")
    ear = kit.listen_to(USER)
    kit.say(SetMark(time_ns=kit.service.now_ns(), symbol=BTC, price=Decimal(60_900)))
    (told,) = ear.events("MARGIN_CALL")
    (position,) = told["p"]
    assert position == {
        "s": BTC, "ps": "BOTH", "pa": "-0.100", "mt": "ISOLATED", "iw": "119.98800000", "mp": "60900",
        "up": "-90.60000000", "mm": "24.36000000",
    }  # fmt: skip
    assert "cw" not in told


def test_a_cross_margin_call_carries_the_cross_wallet(kit: StreamKit) -> None:
    ear = kit.listen_to(USER)
    now = PositionNow(
        symbol=BTC, side="BOTH", qty=Decimal("-0.1"), cost=Decimal(-6000), realised=Decimal(0),
        unrealised=Decimal(-1), isolated=False, isolated_wallet=Decimal(0), maintenance=Decimal(24),
    )  # fmt: skip
    kit.streams.on_events([MarginCalled(time_ns=1, account=USER, cross_wallet=Decimal("30.5"), positions=(now,))])
    (told,) = ear.rows()
    assert (told["cw"], told["p"][0]["mt"], told["p"][0]["iw"]) == ("30.50000000", "CROSSED", "0")


def test_money_is_cut_not_rounded(kit: StreamKit) -> None:
    ear = kit.listen_to(USER)
    balance = BalanceNow(
        asset="USDT", wallet=Decimal("1.999999999"), cross_wallet=Decimal("1.999999999"), change=Decimal("-0.000000019")
    )
    kit.streams.on_events([AccountUpdated(time_ns=1, account=USER, reason="ORDER", balances=(balance,), positions=())])
    assert ear.rows()[0]["a"]["B"][0] == {"a": "USDT", "wb": "1.99999999", "cw": "1.99999999", "bc": "-0.00000001"}


def test_a_listen_key_lives_an_hour_of_wall_time(kit: StreamKit) -> None:
    ear = kit.listen_to(USER)
    key = kit.listen_keys.create(USER)
    assert len(key) == 64
    assert key.isalnum()
    kit.pass_ms(59 * 60_000)
    assert kit.listen_keys.create(USER) == key, "asking again gives the same key and another hour"
    kit.pass_ms(59 * 60_000)
    assert kit.listen_keys.extend(key) == key
    kit.pass_ms(60 * 60_000)
    assert kit.listen_keys.owner(key) is None
    assert kit.listen_keys.extend(USER) is None
    kit.wait(1_000)
    (told,) = ear.rows()
    assert (told["e"], told["listenKey"]) == ("listenKeyExpired", key)
    kit.place(USER, -1, "0.100")
    assert len(ear.messages) == 1, "nothing is told after it"
    assert kit.listen_keys.create(USER) != key


def test_a_closed_listen_key_is_heard_no_more(kit: StreamKit) -> None:
    ear = kit.listen_to(USER)
    key = kit.listen_keys.create(USER)
    assert kit.listen_keys.close(USER) == key
    assert kit.listen_keys.close(key) is None
    kit.wait(1_000)
    kit.place(USER, -1, "0.100")
    assert ear.messages == []
    assert not kit.streams.add(key, Ear())
