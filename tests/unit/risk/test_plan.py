"""What a plan accepts, what it answers in every kind of market, and how it comes to its verdict."""

import dataclasses
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.risk.cases import BRACKETS, ask, instrument

import bearskin.risk as risk
from bearskin.risk import AdverseMoves, PlanRequest, frac, plan, survive
from bearskin.terms import BadInput, MarginMode, Product, Side, UnknownSymbol, parse_time

SIZED = {"equity": "10000", "stop": "62500", "leverage": "5"}


def statuses(answer):
    return {check["name"]: check["status"] for check in answer["checks"]}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            {"qty": 1, "stop": "59000"},
            "stop 59000 is below the entry 60000: the stop of a short belongs above its entry",
        ),
        ({"qty": 1, "stop": "60000"}, "stop 60000 equals the entry 60000: the stop of a short belongs above its entry"),
        (
            {"qty": 1, "stop": "61000", "side": "long"},
            "stop 61000 is above the entry 60000: the stop of a long belongs below its entry",
        ),
        ({"qty": 1, "targets": ("61000",)}, "target 61000 is above the entry 60000"),
        ({"qty": "-1"}, "quantity -1 is not positive"),
        ({"qty": 0}, "quantity 0 is not positive"),
        ({"qty": "NaN"}, "quantity NaN is not a finite number"),
        ({"qty": 1, "entry": "inf"}, "entry inf is not a finite number"),
        ({"qty": True}, "quantity True is not a number"),
        ({"qty": 1, "leverage": "0.5"}, "leverage 0.5 is below 1"),
        ({"qty": "0.0004"}, "quantity 0.0004 is less than the smallest order of BTCUSDT, 0.001"),
        ({"notional": "30"}, "notional 30 is less than the smallest order of BTCUSDT, 60"),
        ({"qty": 1, "notional": 5}, "give one of them"),
        ({}, "nothing says how large"),
        ({"qty": 1, "preset": "brave"}, "'brave' is not a preset: choose beginner, standard, pro, hedge"),
        ({"qty": 1, "side": "up"}, "side 'up' is neither short nor long"),
        ({"qty": 1, "margin_mode": "half"}, "margin mode 'half' is not known: choose isolated, cross"),
        ({"qty": 1, "product": "spot"}, "a spot short is a loan"),
        ({"equity": 1, "stop": "61000", "risk_frac": "5"}, "risk 5 is above 1: it is a fraction"),
        ({"qty": 1, "slippage_frac": "-0.1"}, "slippage -0.1 is negative"),
        ({"qty": 1, "borrow_rate_h": "0.00001"}, "only margin loans pay interest"),
        ({"qty": 1, "product": "margin", "leverage": 1}, "leverage 1 leaves nothing to borrow"),
        ({"qty": 1, "product": "margin", "funding_rate": "0.0001"}, "only perpetuals pay funding"),
        ({"qty": 1, "margin_mode": "cross"}, "margin mode cross needs the wallet"),
        ({"qty": 1, "liquidation_level": "0.9"}, "liquidation level 0.9 is below 1"),
        ({"qty": "1e70"}, "quantity 1E+70 is out of reach"),
        ({"qty": 1, "slippage_frac": 1}, "slippage 1 is not below 1"),
        ({"qty": 1, "funding_rate": "8"}, "funding rate 8 is beyond 1"),
    ],
)
def test_bad_input_is_one_sentence_with_its_value(words, message):
    with pytest.raises(BadInput) as caught:
        plan(ask(**words))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_symbol_is_named():
    with pytest.raises(UnknownSymbol, match="BTCUSDX"):
        plan(PlanRequest(side="short", symbol="BTCUSDX", entry=1, qty=1))


def test_an_instrument_of_another_product_is_not_priced():
    with pytest.raises(BadInput, match="is linear, the plan is for inverse"):
        plan(ask(qty=1, product="inverse", instrument=instrument()))


@pytest.mark.parametrize(("text", "value"), [("1%", "0.01"), ("0.5 %", "0.005"), ("0.02", "0.02"), (0.1, "0.1")])
def test_fractions_as_people_write_them(text, value):
    assert frac(text) == Decimal(value)


def test_without_a_stop_the_plan_is_incomplete_even_when_it_would_be_refused():
    answer = plan(ask(qty="5", wallet="30000")).to_json()
    assert answer["verdict"] == "incomplete"
    assert answer["reasons"][0].startswith("no stop")
    assert statuses(answer)["leverage-preset"] == "refuse"


def test_equity_without_a_stop_has_no_size():
    answer = plan(ask(equity="10000")).to_json()
    assert (answer["verdict"], answer["qty"], answer["liquidation_price"]) == ("incomplete", None, None)


def test_too_small_an_account_is_refused_with_its_reason():
    answer = plan(ask(equity="10", stop="62500")).to_json()
    assert answer["verdict"] == "refused"
    assert answer["reasons"] == ["size rounds to zero (is 0.00003904, needs at least 0.001): bound by risk"]


def test_leverage_beyond_a_preset_takes_an_explicit_choice():
    words = {**SIZED, "leverage": "8"}
    assert plan(ask(**words)).verdict == "refused"
    chosen = plan(ask(**words, allow_beyond_preset=True))
    assert chosen.verdict == "caution"
    assert chosen.reasons == (
        "leverage above the preset (is 8.00x, needs at most 5x): preset standard; preset pro takes it",
    )


def test_leverage_beyond_the_bracket_is_refused_whatever_is_chosen():
    answer = plan(ask(qty="1", equity="100000", stop="60100", leverage="151", allow_beyond_preset=True)).to_json()
    assert statuses(answer)["leverage-bracket"] == "refuse"
    assert answer["verdict"] == "refused"


def test_liquidation_before_the_stop_is_refused_whatever_is_chosen():
    priced = plan(ask(**{**SIZED, "leverage": "50"}, allow_beyond_preset=True))
    assert priced.verdict == "refused"
    assert "liquidation comes before the stop (is 0.38 stop distances, needs more than 1)" in priced.reasons


def test_a_ten_times_short_is_told_that_it_dies_before_ten_per_cent():
    said = " ".join(plan(ask("2024-10", qty="5", wallet="30000")).warnings)
    assert "liquidation comes 9.47 % up, before the 10.00 %" in said
    assert "takes more than 31600 USDT, it has 30000" in said
    assert "10 %" not in " ".join(plan(ask("2024-10", qty="5", wallet="60000")).warnings)


@pytest.mark.parametrize(("wallet", "dead"), [("31600", True), ("31600.01", False)])
def test_surviving_a_move_takes_strictly_more_than_its_wallet(wallet, dead):
    ten = plan(ask("2024-10", qty="5", wallet=wallet)).gaps[1]
    assert (ten.label, ten.isolated_liquidated) == ("10 %", dead)
    needed = survive(
        side=Side.SHORT,
        qty=Decimal(5),
        entry=Decimal(60000),
        move_frac=Decimal("0.1"),
        instrument=instrument(),
        brackets=BRACKETS["2024-10"],
    )
    assert needed == 31600


def test_survive_refuses_nonsense():
    words = {"side": Side.LONG, "entry": Decimal(60000), "instrument": instrument(), "brackets": BRACKETS["2024-10"]}
    with pytest.raises(BadInput, match="quantity -5 is not positive"):
        survive(**words, qty=Decimal(-5), move_frac=Decimal("0.1"))
    with pytest.raises(BadInput, match="takes a long's price to nothing"):
        survive(**words, qty=Decimal(5), move_frac=Decimal(1))


def test_isolated_loses_its_margin_and_cross_the_wallet():
    """A doubling with 468 of margin and 10,000 of wallet, and again with a position as large as the wallet."""
    small = plan(ask(**SIZED)).gaps[4]
    assert (small.isolated_loss, small.cross_loss, small.cross_liquidated) == (Decimal(468), Decimal(2340), False)
    large = plan(ask(qty="0.5", equity="10000", leverage="5")).gaps[3]
    assert (large.isolated_loss, large.isolated_equity) == (Decimal(6000), 0)
    assert (large.cross_liquidated, large.cross_loss, large.cross_equity) == (True, Decimal(10000), 0)


def test_a_cross_liquidation_pays_its_fee():
    """Wallet 1,500 on 15,000 of notional: at +9.8 % it is liquidated with equity 30, less than the fee on 16,470."""
    moves = AdverseMoves(rows=(("worst day maximum", Decimal("0.098")),), source="made up")
    row = plan(ask(qty="0.25", wallet="1500", margin_mode="cross", history=moves)).gaps[-1]
    assert (row.cross_liquidated, row.cross_equity, row.cross_loss) == (True, 0, 1500)


def test_cross_takes_the_wallet_and_says_so():
    answer = plan(ask(**SIZED, margin_mode=MarginMode.CROSS)).to_json()
    assert (answer["margin"], answer["worst_loss"]) == ("10000.00", "10000.00")
    assert answer["liquidation_price_after_fee"] is not None
    assert any("whole wallet" in said for said in answer["warnings"])


def test_a_wallet_beside_a_size_from_the_risk_does_not_change_the_leverage():
    answer = plan(ask(equity="10000", stop="62500", wallet="10000", margin_mode="cross")).to_json()
    assert (answer["leverage"], answer["initial_margin"], answer["margin"]) == ("5", "468.00", "10000.00")


def test_a_wallet_that_does_not_divide_evenly_still_covers_its_own_margin():
    for wallet in ("7", "13", "333.33", "29999.99"):
        assert statuses(plan(ask(qty="0.5", wallet=wallet)).to_json())["margin"] == "pass"


def test_a_hedge_needs_a_shock_instead_of_a_stop():
    words = {"qty": "5", "equity": "100000", "preset": "hedge"}
    assert plan(ask(**words)).verdict == "incomplete"
    survives = plan(ask(**words, shock_frac="0.2"))
    assert (survives.verdict, survives.purpose) == ("go", "hedge")
    assert plan(ask(**words, shock_frac="0.5")).verdict == "refused"


def test_a_stop_does_not_make_a_hedge_complete():
    """
    5 coins on a wallet of 100,000 die at 79,651 (+32.8 %). What makes it a hedge is the shock it lives through; a
    disaster stop may rest just inside liquidation, an ordinary one takes the insurance away before the shock.
    """
    words = {"qty": "5", "equity": "100000", "preset": "hedge"}
    without = plan(ask(**words, stop="79000"))
    assert without.verdict == "incomplete"
    assert "a hedge needs a named shock" in without.reasons[0]
    assert plan(ask(**words, stop="79000", shock_frac="0.2")).verdict == "go"
    ordinary = plan(ask(**words, stop="62500", shock_frac="0.2"))
    assert ordinary.verdict == "caution"
    assert any("takes the insurance away" in said for said in ordinary.reasons)
    assert plan(ask(**words, stop="80000", shock_frac="0.2")).verdict == "refused"  # liquidated before it


def test_a_quantity_is_held_to_the_risk_that_was_asked_for():
    """0.039 coins lose 99.89 at 62,500, a hair less than 1 % of 10,000: more than 0.9 % of it."""
    words = {"equity": "10000", "stop": "62500", "qty": "0.039", "leverage": "5"}
    assert plan(ask(**words, risk_frac="0.01")).verdict == "go"
    refused = plan(ask(**words, risk_frac="0.009"))
    assert refused.verdict == "refused"
    assert "risk above" in refused.reasons[0]
    assert "as asked for" in refused.reasons[0]
    assert plan(ask(**words, risk_frac="0.009", allow_beyond_preset=True)).verdict == "caution"
    assert plan(ask(**words, preset="hedge", shock_frac="0.1", risk_frac="0.009")).verdict == "refused"
    assert plan(ask(**words, margin_share_frac="0.04")).verdict == "refused"  # its margin is 4.68 %
    assert plan(ask(**words, margin_share_frac="0.0468")).verdict == "go"


def test_funding_that_nobody_gave_is_assumed_and_labelled():
    answer = plan(ask(**SIZED)).to_json()
    assert answer["funding"]["assumed"] is True
    assert any("funding assumed neutral" in said for said in answer["assumptions"])
    assert statuses(answer)["funding-squeeze"] == "unchecked"


@pytest.mark.parametrize(
    ("side", "rate", "hours", "status"),
    [
        ("short", "0.0001", 8, "pass"),
        ("short", "-0.00001", 8, "warn"),
        ("short", "-0.0002", 8, "refuse"),
        ("short", "-0.00005", 1, "refuse"),
        ("long", "0.0002", 8, "pass"),
        ("long", "0.0003", 8, "warn"),
        ("long", "0.0004", 8, "refuse"),
        ("long", "-0.0004", 8, "pass"),
    ],
)
def test_the_squeeze_guard_mirrors_about_the_neutral_rate(side, rate, hours, status):
    stop = "62500" if side == "short" else "57500"
    words = {"equity": "10000", "stop": stop, "leverage": "5", "funding_rate": rate, "funding_interval_h": hours}
    assert statuses(plan(ask(side=side, **words)).to_json())["funding-squeeze"] == status


def test_targets_are_told_nearest_first_with_their_reward():
    answer = plan(ask(**SIZED, targets=("54000", "57000"))).to_json()
    assert [row["price"] for row in answer["targets"]] == ["57000", "54000"]
    # 0.039 x 3,000 = 117 less 1.17 in and 1.11 out, over 99.89
    assert answer["targets"][0]["reward_net"] == "114.72"
    assert answer["targets"][0]["reward_to_risk"] == "1.200000"
    assert statuses(answer)["reward-to-risk"] == "pass"


@pytest.mark.parametrize(
    ("target", "name"), [("58000", "reward-to-risk"), ("59850", "cost-of-target"), ("59950", "carry")]
)
def test_a_target_that_does_not_pay_is_refused(target, name):
    answer = plan(ask(**SIZED, targets=(target,))).to_json()
    assert statuses(answer)[name] == "refuse"
    assert answer["verdict"] == "refused"


def test_the_symbols_own_worst_day_warns_when_it_reaches_liquidation():
    moves = AdverseMoves(rows=(("worst day 99.9 %", Decimal("0.2")),), source="made up")
    priced = plan(ask(**SIZED, history=moves))
    assert priced.verdict == "caution"
    assert priced.gaps[-1].label == "worst day 99.9 %"
    assert priced.history_source == "made up"


def test_a_dated_contract_pays_no_funding_but_earns_its_basis():
    """Sold at 60,000 with spot at 59,000 and 10 days to go: 1,000 a coin, 100 a day."""
    dated = instrument(Product.DATED, symbol="BTCUSDT_261225", expiry_ns=parse_time("2026-12-25T08:00:00Z"))
    words = {"product": "dated", "qty": "1", "leverage": "3", "stop": "62500", "spot": "59000"}
    now_ns = parse_time("2026-12-15T08:00:00Z")
    answer = plan(ask(**words, instrument=dated, now_ns=now_ns)).to_json()
    assert answer["funding"] is None
    assert answer["basis"]["at_delivery"] == "1000.00"
    assert (answer["basis"]["days_to_delivery"], answer["carry_per_day"]) == (10.0, "100.00")
    assert any("delivered on 2026-12-25T08:00:00Z" in said for said in answer["warnings"])


def test_a_margin_short_may_owe_and_buys_back_interest_and_fee():
    words = {"product": "margin", "qty": "0.1", "leverage": "3", "borrow_rate_h": "0.00000571", "horizon_h": "720"}
    answer = plan(ask(None, **words)).to_json()
    # (0.1 + 721 x 0.000000571) / 0.9995 = 0.10046192, up to the step of 0.001
    assert answer["loan"]["buy_back_qty"] == "0.101"
    assert answer["worst_loss"] is None
    assert "still owed" in answer["worst_loss_note"]
    assert any("can leave a debt" in said for said in answer["warnings"])


def test_a_margin_long_borrows_money():
    """2,000 of its own at 3x buys 6,000 worth and owes 4,000: level 1.5, taken over at 1.1 x 4,000 / 0.1."""
    answer = plan(ask(None, side="long", product="margin", qty="0.1", leverage="3", stop="55000")).to_json()
    assert (answer["loan"]["principal"], answer["loan"]["currency"]) == ("4000.00", "USDT")
    assert (answer["loan"]["margin_level"], answer["liquidation_price"]) == ("1.500000", "44000.00")
    assert answer["worst_loss"] == "6000.00"


def test_a_margin_short_is_sized_by_its_risk_too():
    answer = plan(ask(None, product="margin", equity="10000", stop="62500", leverage="3")).to_json()
    # 1 % of 10,000 over 2,561.25 a coin allows 0.039, five per cent of equity as collateral at 2:1 only 0.016
    assert (answer["qty"], answer["sizing"]["bound_by"], answer["leverage"]) == ("-0.016", "margin-share", "3")


def test_json_is_strings_for_money_and_numbers_for_counts():
    answer = plan(ask(**SIZED, targets=("55000",), funding_rate="0.0001")).to_json()
    json.dumps(answer)

    def leaves(path, value):
        if isinstance(value, dict):
            for key, part in value.items():
                yield from leaves((*path, key), part)
        elif isinstance(value, list):
            for part in value:
                yield from leaves(path, part)
        else:
            yield path[-1], value

    numbers = {name for name, value in leaves((), answer) if isinstance(value, int | float)}
    assert numbers <= {
        "assumed",
        "bracket",
        "bracket_at_liquidation",
        "bracket_leverage_max",
        "cross_liquidated",
        "horizon_h",
        "interval_h",
        "isolated_liquidated",
    }


def test_every_plan_has_the_same_names():
    """Scripts rely on names: a plan without a size has all of them, as null."""
    sized = plan(ask(**SIZED)).to_json()
    unsized = plan(ask(equity="10000")).to_json()
    assert list(sized) == list(unsized)
    documented = {"verdict", "reasons", "qty", "liquidation_price", "loss_at_stop", "gaps", "checks", "survival"}
    assert documented <= set(sized)


def test_plans_are_frozen_and_small_prices_keep_their_tick():
    pepe = instrument(
        symbol="1000PEPEUSDT", base="1000PEPE", tick=Decimal("0.0000001"), step=Decimal(1), min_qty=Decimal(1)
    )
    priced = plan(ask(qty="100000", entry="0.0071234", stop="0.0075", leverage="5", instrument=pepe))
    assert priced.to_json()["liquidation_price"] == "0.0085140"
    with pytest.raises(dataclasses.FrozenInstanceError):
        priced.verdict = "go"


def test_the_face_offers_what_it_lists():
    assert all(hasattr(risk, name) for name in risk.__all__)


def test_planning_loads_nothing_heavy():
    code = (
        "import sys; from bearskin.risk import PlanRequest, plan;"
        "plan(PlanRequest(side='short', symbol='BTCUSDT', entry='60000', qty=5, wallet=30000));"
        "print([m for m in ('numba', 'polars', 'pyarrow', 'numpy', 'plotly') if m in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert run.stdout.strip() == "[]"


def test_the_page_names_every_name_of_the_json():
    page = (Path(__file__).parents[3] / "docs" / "plan.md").read_text()
    answer = plan(ask(**SIZED, targets=("55000",))).to_json()
    loan = plan(ask(None, product="margin", qty="0.1", leverage="3")).to_json()["loan"]
    parts = (answer, loan, *(answer[name][0] for name in ("targets", "gaps", "survival", "checks")))
    missing = {
        name for part in (*parts, answer["funding"], answer["sizing"]) for name in part if f"`{name}`" not in page
    }
    assert not missing
    assert all(f"`{check['name']}`" in page for check in answer["checks"])


wild = st.sampled_from(
    ["0.0001", "0.01", "0.5", "1", "2.5", "59999.9", "60000", "60000.1", "99999", "1e9", "1e-9", "1e20"]
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(list(Side)),
    st.sampled_from([("linear", "2026.9"), ("inverse", "coin"), ("margin", None)]),
    st.dictionaries(
        st.sampled_from(
            [
                "entry",
                "stop",
                "qty",
                "notional",
                "equity",
                "risk_frac",
                "wallet",
                "leverage",
                "slippage_frac",
                "fee_in_rate",
                "fee_out_rate",
                "funding_rate",
                "horizon_h",
                "shock_frac",
                "borrow_rate_h",
            ]
        ),
        wild,
    ),
    st.sampled_from(list(risk.PRESETS)),
    st.booleans(),
)
def test_whatever_is_asked_is_answered_or_refused_in_words(side, market, words, preset, beyond):
    """No question ends in a broken calculation, and what is priced can always be written down."""
    product, snapshot = market
    try:
        answer = plan(ask(snapshot, side=side, product=product, preset=preset, allow_beyond_preset=beyond, **words))
    except BadInput:
        return
    json.dumps(answer.to_json())
    if answer.qty is not None:
        assert answer.qty * side > 0


def test_every_name_of_the_object_is_an_attribute_of_the_plan():
    """From Python a plan reads like its JSON, sized or not."""
    sized = plan(ask(stop="62500", equity="10000", risk_frac="0.01", leverage=5))
    sizeless = plan(ask(equity="10000"))
    assert sizeless.liquidation_price is None
    for name in sized.to_json():
        assert hasattr(sized, name), name
    assert sized.liquidation_price is not None
    assert sized.liquidation_price == sized.standing.liquidation_price
