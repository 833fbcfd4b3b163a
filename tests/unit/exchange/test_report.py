"""The books' report adds up what is there and names what does not add up."""

from decimal import Decimal

import msgspec

from bearskin.exchange._report import books_report, plain
from bearskin.exchange._state import Account, BracketRow, Contract, Market, Position, State
from bearskin.ledger import Ledger
from bearskin.margin import deciding

D = Decimal


def contract(symbol="BTCUSDT"):
    return Contract(
        symbol=symbol, base="BTC", quote="USDT", settle="USDT", tick=D("0.1"), step=D("0.001"), min_price=D("0.1"),
        max_price=D(10**6), min_qty=D("0.001"), max_qty=D(1000), market_max_qty=D(1000), min_notional=D(5),
        brackets=(BracketRow(floor=D(0), cap=D(10**6), mmr=D("0.004"), max_leverage=100, cum=D(0)),),
    )  # fmt: skip


def account(number, qty, cost):
    name = f"user/{number}"
    held = Position(symbol="BTCUSDT", side="BOTH", margin_name=f"{name}/BTCUSDT/BOTH", qty=D(qty), cost=D(cost))
    return Account(
        id=number, name="", kind="USER", wallet_name=name, spot_name=f"spot/{number}",
        positions={"BTCUSDT/BOTH": held},
    )  # fmt: skip


def two_traders():
    """Long 0.5 opened at 60,000, short 0.5 opened at 61,000: the venue owes the difference of 500."""
    balances = {
        "outside": D("-2100.00000001"), "user/2": D(900), "user/2/BTCUSDT/BOTH": D(100), "user/3": D(1597),
        "clearing/BTCUSDT": D(500), "fees": D(2), "spot/2": D(1), "rounding": D("0.00000001"), "insurance": D(-1000),
    }  # fmt: skip
    return State(
        markets={"BTCUSDT": Market(contract=contract(), open_interest=D("0.5"), mark=D(62000))},
        accounts={2: account(2, "0.5", 30000), 3: account(3, "-0.5", -30500)},
        ledgers={"USDT": Ledger(asset="USDT", balances=balances)},
    )


def test_balances_are_summed_by_kind_and_come_to_nothing():
    report = books_report(two_traders())
    assert report["holds"], report["faults"]
    assert report["assets"]["USDT"] == {
        "users": 2597, "spot": 1, "fees": 2, "insurance": -1000, "clearing": 500, "rounding": D("0.00000001"),
        "outside": D("-2100.00000001"), "house": 0, "total": 0,
    }  # fmt: skip


def test_a_symbol_shows_both_sides_and_that_open_profit_is_covered():
    row = books_report(two_traders())["symbols"]["BTCUSDT"]
    assert (row["long"], row["short"], row["net"], row["open_interest"]) == (D("0.5"), D("-0.5"), 0, D("0.5"))
    assert (row["costs"], row["clearing"], row["holders"]) == (-500, 500, 2)
    assert row["open_profit"] == (62000 - 60000) / 2 + (61000 - 62000) / 2


def test_every_broken_law_is_named():
    state = two_traders()
    state.ledgers["USDT"].balances["fees"] += D("0.00000001")
    state.ledgers["USDT"].balances["pocket"] = D(0)
    state.accounts[3].positions["BTCUSDT/BOTH"].qty = D("-0.499")
    state.accounts[3].positions["BTCUSDT/BOTH"].cost = D(-30499)
    state.markets["BTCUSDT"].open_interest = D(1)
    report = books_report(state)
    assert not report["holds"]
    assert report["faults"] == [
        "USDT: pocket is no account of the books",
        "USDT: the balances sum to 0.00000001",
        "BTCUSDT: 0.5 coins are held long and 0.499 short",
        "BTCUSDT: open interest was 1, 0.5 coins are held long",
        "BTCUSDT: clearing holds 500, the costs sum to -499",
    ]


def test_sums_are_exact_beyond_the_digits_python_keeps_by_itself():
    state = two_traders()
    balances = state.ledgers["USDT"].balances
    with deciding():
        balances["user/2"] += D(10) ** 25
        balances["outside"] -= D(10) ** 25
    assert books_report(state)["holds"]


def test_plain_text_for_json():
    report = plain(books_report(two_traders()))
    text = msgspec.json.encode(report)
    assert b'"rounding":"0.00000001"' in text
    assert b'"house":"0"' in text
    assert b'"total":"0"' in text
    assert report["holds"] is True
