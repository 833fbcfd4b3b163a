"""Accounts are opened and money moves: what is allowed, how it is told, and what is refused with which code."""

from decimal import Decimal

import pytest
from unit.exchange.stage import BTC, Stage, contract, of

from bearskin.exchange._state import BracketRow
from bearskin.exchange._words import (
    AccountOpened,
    AccountUpdated,
    Deposit,
    Income,
    ListContract,
    OpenAccount,
    SetLeverage,
    SetMarginMode,
    Transfer,
)

D = Decimal


@pytest.fixture
def stage():
    return Stage()


def incomes(events):
    return [(line.account, line.type, line.amount) for line in of(events, Income)]


def updates(events):
    return [
        (update.account, update.reason, [(row.asset, row.wallet, row.change) for row in update.balances])
        for update in of(events, AccountUpdated)
    ]


# --- opening ---------------------------------------------------------------------------------------------------------


def test_accounts_are_numbered_in_the_order_they_come_and_the_fund_is_the_first(stage):
    events = stage.do(OpenAccount, name="zoe", kind="CROWD", fee_tier=9)
    assert events == [AccountOpened(time_ns=stage.now_ns, account=4, name="zoe")]
    zoe = stage.account(4)
    assert (zoe.kind, zoe.fee_tier, zoe.wallet_name, zoe.spot_name) == ("CROWD", 9, "user/4", "spot/4")
    assert stage.account(1).kind == "FUND"


def test_a_sub_account_has_a_parent_and_no_children(stage):
    sub = stage.open("sub", parent=stage.trader)
    assert stage.account(sub).parent == stage.trader
    assert stage.refused(OpenAccount, name="sub of sub", parent=sub) == -1130
    assert stage.refused(OpenAccount, name="orphan", parent=99) == -1130
    assert stage.refused(OpenAccount, name="of the fund", parent=1) == -1130


@pytest.mark.parametrize("tier", [-1, 10])
def test_fee_tiers_go_from_zero_to_nine(stage, tier):
    assert stage.refused(OpenAccount, name="x", fee_tier=tier) == -1130


# --- deposits --------------------------------------------------------------------------------------------------------


def test_a_deposit_comes_from_outside(stage):
    events = stage.do(Deposit, account=stage.trader, amount=D("12.34567891"))
    assert stage.wallet(stage.trader) == D("10012.34567891")
    assert incomes(events) == [(stage.trader, "TRANSFER", D("12.34567891"))]
    assert updates(events) == [
        (stage.trader, "DEPOSIT", [("USDT", D("10012.34567891"), D("12.34567891"))]),
    ]
    assert stage.exchange.state.ledgers["USDT"].total() == 0


def test_what_is_free_can_be_taken_out_and_not_a_cent_more(stage):
    """10,000 less the initial margin of 0.1 BTC at 60,000 and 20x (300) less the fee of 0.05 % of 6,000 (3)."""
    stage.position_for(stage.trader, "-0.1")
    assert stage.refused(Deposit, account=stage.trader, amount=D("-9697.00000001")) == -2018
    events = stage.do(Deposit, account=stage.trader, amount=D("-9697"))
    assert updates(events)[0][1:] == ("WITHDRAW", [("USDT", D(300), D("-9697"))])
    assert stage.wallet(stage.trader) == 300


def test_open_profit_is_not_paid_out(stage):
    stage.position_for(stage.trader, "-0.1")
    stage.mark("50000")  # 1,000 up; the position needs 250
    assert stage.refused(Deposit, account=stage.trader, amount=D("-9997.00000001")) == -2018
    stage.do(Deposit, account=stage.trader, amount=D("-9997"))
    assert stage.wallet(stage.trader) == 0


def test_nobody_withdraws_into_liquidation_where_maintenance_outgrew_the_margin():
    """Under a steep second tier a position that has grown into it needs more to keep than to open at 100x."""
    stage = Stage(deposit="100000")
    steep = (
        BracketRow(floor=D(0), cap=D(300_000), mmr=D("0.004"), max_leverage=100, cum=D(0)),
        BracketRow(floor=D(300_000), cap=D(10**9), mmr=D("0.5"), max_leverage=1, cum=D(148_800)),
    )
    stage.do(ListContract, contract=contract(brackets=steep))
    stage.do(SetLeverage, account=stage.trader, symbol=BTC, leverage=100)
    stage.position_for(stage.trader, "-4.9", "60000")
    stage.mark("65000")
    # equity 100,000 - 147 - 24,500 = 75,353; to keep 318,500 / 2 - 148,800 = 10,450; to open only 3,185
    assert stage.refused(Deposit, account=stage.trader, amount=D("-64903")) == -2018
    stage.do(Deposit, account=stage.trader, amount=D("-64902.99999999"))
    assert stage.position(stage.trader).qty == D("-4.9")


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("0", -4055), ("NaN", -1130), ("Infinity", -1130), ("-sNaN", -1130), ("1e15", -1130),
        ("0.000000001", -1111), ("1.0000000000000000000000000000000000000001", -1111),
    ],
)  # fmt: skip
def test_amounts_that_are_none(stage, amount, code):
    assert stage.refused(Deposit, account=stage.trader, amount=D(amount)) == code


def test_only_what_something_settles_in_is_money(stage):
    assert stage.refused(Deposit, account=stage.trader, amount=D(1), asset="UDST") == -1130


def test_an_account_that_is_not_there(stage):
    assert stage.refused(Deposit, account=77, amount=D(1)) == -1130
    assert stage.refused(Transfer, source=77, target=stage.trader, amount=D(1)) == -1130
    assert stage.refused(Transfer, source=stage.trader, target=77, amount=D(1)) == -1130


# --- transfers -------------------------------------------------------------------------------------------------------


def test_money_goes_to_spot_and_back(stage):
    there = stage.do(Transfer, source=stage.trader, target=stage.trader, amount=D(400), target_wallet="SPOT")
    assert (stage.wallet(stage.trader), stage.spot(stage.trader)) == (9600, 400)
    assert incomes(there) == [(stage.trader, "TRANSFER", -400)]
    assert updates(there)[0][1] == "WITHDRAW"
    back = stage.do(Transfer, source=stage.trader, target=stage.trader, amount=D(150), source_wallet="SPOT")
    assert (stage.wallet(stage.trader), stage.spot(stage.trader)) == (9750, 250)
    assert updates(back)[0][1] == "DEPOSIT"
    refused = stage.refused(
        Transfer, source=stage.trader, target=stage.trader, amount=D("250.00000001"), source_wallet="SPOT"
    )
    assert refused == -2018


def test_between_an_account_and_its_sub_accounts_both_sides_are_told_with_one_number(stage):
    one, two = stage.open("one", parent=stage.trader), stage.open("two", parent=stage.trader)
    events = stage.do(Transfer, source=stage.trader, target=one, amount=D(1000))
    assert incomes(events) == [(stage.trader, "INTERNAL_TRANSFER", -1000), (one, "INTERNAL_TRANSFER", 1000)]
    assert len({line.transfer_id for line in of(events, Income)}) == 1
    assert {update.reason for update in of(events, AccountUpdated)} == {"ASSET_TRANSFER"}
    stage.do(Transfer, source=one, target=two, amount=D(400))
    stage.do(Transfer, source=two, target=stage.trader, amount=D(100))
    assert [stage.wallet(number) for number in (stage.trader, one, two)] == [9100, 600, 300]


def test_transfers_number_themselves_one_after_another(stage):
    first = stage.do(Deposit, account=stage.trader, amount=D(1))
    second = stage.do(Deposit, account=stage.trader, amount=D(1))
    assert of(second, Income)[0].transfer_id == of(first, Income)[0].transfer_id + 1


def test_strangers_do_not_send_each_other_money(stage):
    assert stage.refused(Transfer, source=stage.trader, target=stage.maker, amount=D(1)) == -1130


def test_a_wallet_does_not_pay_itself(stage):
    assert stage.refused(Transfer, source=stage.trader, target=stage.trader, amount=D(1)) == -1130
    assert stage.refused(
        Transfer, source=stage.trader, target=stage.trader, amount=D(1), source_wallet="SPOT", target_wallet="SPOT"
    ) == -1130  # fmt: skip


@pytest.mark.parametrize(("amount", "code"), [("0", -4055), ("-1", -4055), ("0.123456789", -1111), ("10001", -2018)])
def test_transfers_of_too_little_too_fine_or_too_much(stage, amount, code):
    sub = stage.open("sub", parent=stage.trader)
    assert stage.refused(Transfer, source=stage.trader, target=sub, amount=D(amount)) == code


def test_margin_of_resting_orders_does_not_leave(stage):
    """1 BTC bid at 59,000 keeps 2,950 at 20x."""
    sub = stage.open("sub", parent=stage.trader)
    stage.limit(stage.trader, 1, "1", "59000")
    assert stage.refused(Transfer, source=stage.trader, target=sub, amount=D("7050.00000001")) == -2018
    stage.do(Transfer, source=stage.trader, target=sub, amount=D(7050))
    assert stage.wallet(sub) == 7050


def test_isolated_margin_does_not_leave(stage):
    """0.1 BTC at 60,000 and 20x: 300 went to the position, 3 to the fees."""
    stage.do(SetMarginMode, account=stage.trader, symbol=BTC, isolated=True)
    stage.position_for(stage.trader, "0.1")
    assert stage.refused(Deposit, account=stage.trader, amount=D("-9697.00000001")) == -2018
    stage.do(Deposit, account=stage.trader, amount=D(-9697))
    assert (stage.wallet(stage.trader), stage.margin(stage.trader)) == (0, 300)
