"""What risk stamps and what it does not; moving stops; hedges."""

from dataclasses import replace
from decimal import Decimal

import pytest
from unit.risk.cases import BRACKETS, instrument

from bearskin.risk import (
    Approved,
    HedgeRequest,
    StopMove,
    approve_config,
    approve_entry,
    approve_reducing,
    loss_at,
    prove_hedge,
    stop_refusal,
)
from bearskin.terms import (
    AddMargin,
    Amend,
    Cancel,
    MarginMode,
    Place,
    PlaceStop,
    Reason,
    Refused,
    SetLeverage,
    Side,
)

D = Decimal
BTC = "BTCUSDT"


def place(qty: str, role: str = "entry", **changes) -> Place:
    return Place(symbol=BTC, client_id="x", role=role, qty=D(qty), **changes)


def entry(command, side=Side.SHORT, **changes):
    known = {"side": side, "sized_qty": side * D(2), "reference": D(100), "stop": D(100) - side * 2, "why": "asked"}
    return approve_entry(command, **known | changes)


@pytest.mark.parametrize("side", [Side.SHORT, Side.LONG])
def test_an_entry_within_its_size_and_with_a_stop_is_stamped(side):
    approved = entry(place(str(side * 2)), side)
    assert isinstance(approved, Approved)
    assert approved.why == "asked"


@pytest.mark.parametrize(
    ("command", "changes", "reason"),
    [
        (place("-2.1"), {}, Reason.NOT_SIZED),
        (place("-1"), {"other_qty": D("-1.5")}, Reason.NOT_SIZED),
        (place("2"), {}, Reason.NOT_SIZED),
        (place("-1", reduce_only=True), {}, Reason.NOT_SIZED),
        (place("-1"), {"stop": None}, Reason.NO_STOP),
        (place("-1", price=D(103)), {}, Reason.STOP_WRONG_SIDE),
        (Amend(symbol=BTC, client_id="x", qty=D(-3), price=D(99)), {}, Reason.NOT_SIZED),
    ],
)
def test_any_other_entry_is_not(command, changes, reason):
    refused = entry(command, **changes)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_a_hedge_needs_no_stop_but_a_shock_it_survives():
    assert isinstance(entry(place("-1"), stop=None, survives_frac=D("0.1")), Approved)


@pytest.mark.parametrize(
    "command",
    [
        Cancel(symbol=BTC, client_id="x"),
        AddMargin(symbol=BTC, amount=D(5)),
        PlaceStop(symbol=BTC, client_id="x", role="stop", qty=D(1), trigger=D(110)),
        place("1", "exit", reduce_only=True),
        place("0.5", "target", price=D(90), reduce_only=True),
        place("1", "exit", leg="SHORT"),
        Amend(symbol=BTC, client_id="x", qty=D(1), price=D(90)),
    ],
)
def test_what_lessens_a_short_of_one_is_always_stamped(command):
    assert isinstance(approve_reducing(command, open_qty=D(-1), why="less"), Approved)


@pytest.mark.parametrize(
    "command",
    [
        AddMargin(symbol=BTC, amount=D(-5)),
        PlaceStop(symbol=BTC, client_id="x", role="stop", qty=D(-1), trigger=D(90)),
        place("1", "exit"),
        place("1.5", "exit", reduce_only=True),
        place("-1", "exit", reduce_only=True),
        SetLeverage(symbol=BTC, leverage=3),
        Amend(symbol=BTC, client_id="x", qty=D(-1), price=D(90)),
    ],
)
def test_what_might_add_to_a_short_is_not_called_reducing(command):
    assert isinstance(approve_reducing(command, open_qty=D(-1), why="less"), Refused)


def test_leverage_is_set_only_while_nothing_is_open():
    command = SetLeverage(symbol=BTC, leverage=3)
    assert isinstance(approve_config(command, open_qty=D(0), why="first"), Approved)
    assert isinstance(approve_config(command, open_qty=D(1), why="first"), Refused)


# --- stops ---------------------------------------------------------------------------------------------------------

MOVE = StopMove(
    side=Side.SHORT, qty=D(2), entry=D(100), old=D(102), new=D(101), mark=D(99), liquidation_price=D(120),
    risk_max=D(10), taker_fee_rate=D("0.0005"), slippage_frac=D(0),
)  # fmt: skip


def mirrored(move: StopMove) -> StopMove:
    """The long whose prices are 200 less those of the short."""
    prices = {name: 200 - value for name in ("old", "new", "mark", "liquidation_price")
              if (value := getattr(move, name)) is not None}  # fmt: skip
    return replace(move, side=Side(-move.side), **prices)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"new": D("99.5")}, None),
        ({"new": D(99)}, Reason.STOP_WRONG_SIDE),
        ({"new": D("104.8")}, None),
        ({"new": D("104.95")}, Reason.RISK_ABOVE_PRESET),
        ({"new": D("104.95"), "risk_max": None}, None),
        ({"new": D(120), "risk_max": None}, Reason.LIQUIDATION_BEFORE_STOP),
        ({"old": None, "new": D(106)}, Reason.RISK_ABOVE_PRESET),
        ({"old": D(110), "new": D(106)}, None),
    ],
)
def test_tightening_is_free_widening_is_a_new_risk(changes, reason):
    """2 coins from 100 to 104.8 lose 9.60 and 0.20 of fees; to 104.95 they lose 9.90 and 0.20, more than 10."""
    for move in (replace(MOVE, **changes), mirrored(replace(MOVE, **changes))):
        refused = stop_refusal(move)
        assert (None if refused is None else refused.reason) is reason


def test_the_loss_at_a_stop_counts_both_fees_and_slippage():
    # 2 * (101 * 1.01 - 100) + 2 * (100 + 102.01) * 0.0005
    assert loss_at(replace(MOVE, slippage_frac=D("0.01"))) == D("4.22201")


# --- hedges --------------------------------------------------------------------------------------------------------


def hedge(**changes) -> HedgeRequest:
    known = {
        "side": Side.SHORT, "qty": D(5), "entry": D(60_000), "shock_frac": D("0.10"), "leverage": D(5),
        "margin_mode": MarginMode.CROSS, "wallet": D(60_001), "free": D(60_001), "instrument": instrument(),
        "brackets": BRACKETS["2024-10"],
    }  # fmt: skip
    return HedgeRequest(**known | changes)


def test_surviving_takes_strictly_more_than_the_founding_figure():
    """5 BTC short at 60,000 and 10 % up: 31,600 is used up, so 31,600 dies and a cent more lives."""
    dies = prove_hedge(hedge(leverage=D(10), wallet=D(31_600), free=D(31_600)))
    assert isinstance(dies, Refused)
    assert (dies.reason, dies.need) == (Reason.MARGIN_SHORT, "more than 31600.00")
    lives = prove_hedge(hedge(leverage=D(10), wallet=D("31600.01"), free=D("31600.01")))
    assert not isinstance(lives, Refused)
    assert lives.sized.qty == D(-5)
    assert lives.liquidation_price is not None
    assert lives.liquidation_price > 66_000


def test_isolated_margin_has_to_live_through_the_shock_by_itself():
    assert isinstance(prove_hedge(hedge(margin_mode=MarginMode.ISOLATED, leverage=D(10))), Refused)
    assert not isinstance(prove_hedge(hedge(margin_mode=MarginMode.ISOLATED, leverage=D(5))), Refused)


def test_the_top_up_plan_says_what_is_missing_beyond_the_shock():
    """15 %: 45,000 lost and 0.5 % of 345,000 less 50 kept; 20 %: 60,000 and 1,750."""
    told = prove_hedge(hedge(wallet=D(60_000), free=D(60_000)))
    assert not isinstance(told, Refused)
    assert "no top-up needed up to 15 %" in told.why
    assert "top up more than 1750.00 to survive 20 %" in told.why


def test_without_brackets_nothing_can_be_proven():
    refused = prove_hedge(hedge(brackets=None))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.NO_DATA
