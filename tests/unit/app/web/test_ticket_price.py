"""A draft priced: the figures of the founding documents, and what is said of what cannot be meant."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from unit.app.web.ticket_kit import case, draft

from bearskin.app.web._ticket_case import Lock, Quote, Rules
from bearskin.app.web._ticket_price import lifted, priced
from bearskin.terms import MarginMode

D = Decimal


def cents(value: Decimal | None) -> str:
    assert value is not None
    return f"{value:.2f}"


def test_the_short_that_is_sized_for_its_stop_has_the_figures_of_the_decision():
    made = priced(draft(leverage=D(5)), case())
    assert made.plan is not None
    assert made.plan.qty == D("-0.039")
    assert cents(made.plan.loss_at_stop) == "99.89"
    assert cents(made.plan.liquidation_price) == "71713.15"
    assert f"{100 * made.plan.loss_at_stop_of_margin_frac:.2f}" == "20.83"
    assert cents(made.plan.initial_margin) == "468.00"
    assert (made.verdict, made.why_not) == ("go", "") or made.sendable


def test_without_a_word_about_leverage_the_most_that_keeps_liquidation_behind_the_stop_is_taken():
    made = priced(draft(), case())
    assert (made.leverage, made.plan.qty) == (D(5), D("-0.039"))


@pytest.mark.parametrize(
    ("leverage", "liquidation"), [(2, "89641.43"), (3, "79681.27"), (5, "71713.15"), (10, "65737.05")]
)
def test_liquidation_of_a_small_short_at_each_leverage(leverage, liquidation):
    made = priced(draft(qty=D("0.039"), stop=D(60_500), leverage=D(leverage), preset="pro"), case())
    assert cents(made.plan.liquidation_price) == liquidation


def test_the_hedge_of_five_coins_dies_where_the_founding_documents_do_not_see_it():
    hedge = draft(stop=None, purpose="hedge", qty=D(5), shock_frac=D("0.1"), margin_mode="cross", leverage=D(5))
    made = priced(hedge, case("30000", snapshot="2024-10"))
    assert cents(made.plan.liquidation_price) == "65681.59"
    assert made.verdict == "refused"
    assert "more than 31600.00" in " ".join(made.reasons)


def test_the_hedge_survives_what_it_was_given_margin_for():
    hedge = draft(stop=None, purpose="hedge", qty=D(5), shock_frac=D("0.1"), margin_mode="cross", leverage=D(5))
    made = priced(hedge, case("61000", snapshot="2024-10"))
    assert made.sendable
    assert "survives a move of 10 %" in made.top_up


@pytest.mark.parametrize(
    ("side", "stop", "says"),
    [
        ("short", 58_000, "stop 58000 is below the entry 60000: the stop of a short belongs above its entry"),
        ("short", 60_000, "stop 60000 equals the entry 60000"),
        ("long", 62_000, "stop 62000 is above the entry 60000: the stop of a long belongs below its entry"),
    ],
)
def test_a_stop_on_the_wrong_side_is_refused_beside_its_field(side, stop, says):
    made = priced(draft(side=side, stop=D(stop)), case())
    assert says in made.faults["stop"]
    assert (made.verdict, made.sendable) == ("refused", False)
    assert says in made.why_not
    (row,) = [check for check in made.checks if check.name == "stop"]
    assert (row.status, says in row.detail) == ("refuse", True)


def test_a_stop_between_entry_and_mark_would_go_off_at_once():
    seen = case(quote=Quote(bid=D(60_000), ask=D(60_001), mark=D(60_100), source="the bot"))
    made = priced(draft(stop=D(60_050)), seen)
    assert "it would go off at once" in made.faults["stop"]


def test_a_speculation_without_a_stop_is_never_sent_even_with_a_quantity():
    made = priced(draft(stop=None, qty=D("0.01")), case())
    assert made.plan is not None  # it is priced all the same
    assert made.verdict == "incomplete"
    assert "no stop" in made.why_not


def test_a_target_above_a_short_is_refused_beside_its_field():
    made = priced(draft(targets=(D(61_000),)), case())
    assert "the target of a short belongs below its entry" in made.faults["targets"]
    assert not made.sendable


def test_more_than_risk_allows_is_refused_with_the_most_and_what_binds_it():
    made = priced(draft(qty=D("0.1"), leverage=D(5)), case())
    assert made.faults["qty"] == "quantity 0.1 is more than risk allows: at most 0.039 (bound by risk)"


def test_the_cap_that_binds_is_named():
    made = priced(draft(leverage=D(2)), case())
    assert made.sized.bound_by == "margin-share"
    assert made.plan.qty == D("-0.016")


@pytest.mark.parametrize(
    ("leverage", "says"),
    [
        (4, "more than 3x opens with the risk quiz"),
        (8, "8x is above preset standard: at most 5x"),
        (11, "11x is above preset standard: at most 5x"),
        (200, "200x is above what the venue lends: at most 150x"),
        (D("2.5"), "whole numbers"),
    ],
)
def test_leverage_that_is_not_open_is_refused_with_what_keeps_it_shut(leverage, says):
    locked = case(lock=Lock(leverage_max=D(3), why="more than 3x opens with the risk quiz"))
    made = priced(draft(leverage=D(leverage)), locked)
    assert says in made.faults["leverage"]
    assert not made.sendable


def moved_to(leverage: int, made):
    """The ticket after its leverage was moved there."""
    return priced(replace(made.draft, leverage=D(leverage), **lifted(made, D(leverage))), made.case)


@pytest.mark.parametrize(
    ("before", "leverage", "after"),
    [("beginner", 3, "beginner"), ("beginner", 4, "standard"), ("beginner", 6, "pro"), ("", 10, "pro")],
)
def test_leverage_above_a_preset_takes_the_next_that_allows_it_and_can_be_sent(before, leverage, after):
    made = moved_to(leverage, priced(draft(preset=before, stop=D(60_500)), case()))
    assert (made.preset.name, made.leverage, made.why_not) == (after, D(leverage), "")


def test_the_share_at_risk_does_not_grow_with_the_preset_that_a_leverage_takes():
    beginner = priced(draft(preset="beginner", stop=D(60_500)), case())
    pro = moved_to(8, beginner)
    assert pro.draft.risk_frac == D("0.005")
    assert pro.plan.loss_at_stop <= D(50)
    typed = priced(draft(preset="beginner", qty=D("0.01"), stop=D(60_500)), case())
    assert moved_to(8, typed).draft.risk_frac is None  # a quantity says how large


@pytest.mark.parametrize(
    ("leverage", "changes", "says"),
    [
        (11, {}, "11x is above preset standard: at most 5x"),
        (4, {"lock": Lock(leverage_max=D(3), why="more than 3x opens with the risk quiz")}, "opens with the risk quiz"),
    ],
)
def test_what_no_preset_takes_or_the_quiz_locks_stays_refused(leverage, changes, says):
    made = moved_to(leverage, priced(draft(stop=D(60_500)), case(**changes)))
    assert (made.preset.name, made.sendable) == ("standard", False)
    assert says in made.why_not


def test_an_address_with_too_much_leverage_says_which_preset_takes_it():
    made = priced(draft(leverage=D(8), stop=D(60_500)), case())
    assert made.why_not == "8x is above preset standard: at most 5x; preset pro takes it"


def test_the_slider_reaches_what_another_preset_takes_within_brackets_and_lock():
    assert priced(draft(preset="beginner"), case()).range.reach == D(10)
    locked = case(lock=Lock(leverage_max=D(3), why="the quiz"))
    assert priced(draft(), locked).range.reach == D(3)
    hedge = draft(stop=None, purpose="hedge", qty=D(1), shock_frac=D("0.1"), margin_mode="cross")
    assert priced(hedge, case()).range.reach == D(5)


def test_the_lock_lowers_what_is_taken_where_no_leverage_is_named():
    made = priced(draft(), case(lock=Lock(leverage_max=D(3), why="the quiz")))
    assert (made.leverage, made.range.by, made.sendable) == (D(3), "the risk quiz, not passed yet", True)


def test_beyond_twenty_times_the_exact_way_to_liquidation_is_said():
    made = priced(draft(qty=D("0.02"), stop=D(60_100), leverage=D(125)), case(snapshot="2024-10"))
    assert "125x: 0.40 % up and the margin is gone" in made.reckless
    assert not made.sendable


def test_another_preset_is_judged_by_its_own_limits():
    own = replace(case(), rules=Rules(slippage_frac=D(0), risk_frac=D("0.002"), margin_mode=MarginMode.ISOLATED))
    assert priced(draft(), own).plan.qty == D("-0.007")
    beginner = priced(draft(preset="beginner"), own)
    assert (beginner.leverage, beginner.plan.qty) == (D(3), D("-0.019"))


def test_a_limit_pays_the_maker_fee_and_says_what_it_saves():
    market, limit = priced(draft(), case()), priced(draft(kind="limit", price=D(60_500)), case())
    assert cents(market.plan.fee_in) == "1.17"
    assert f"{market.fee_saved:.3f}" == "0.702"
    assert limit.plan.fee_in < market.plan.fee_in
    assert limit.entry == D(60_500)


def test_a_limit_through_the_market_is_told_as_what_it_is():
    made = priced(draft(kind="limit", price=D(59_000)), case())
    assert "fills at once" in made.reasons[-1]


def test_funding_that_longs_pay_comes_to_a_short():
    made = priced(draft(), case())
    assert cents(made.plan.funding.per_settlement) == "0.23"
    assert cents(made.plan.funding.per_day) == "0.70"


def test_what_the_bot_would_not_open_is_not_sent():
    made = priced(draft(), case(shut=("the bot is paused: nothing is opened until it is resumed",)))
    assert (made.verdict, made.sendable) == ("refused", False)
    assert "paused" in made.why_not


def test_without_a_bot_prices_go_on_and_nothing_is_sent():
    made = priced(draft(leverage=D(5)), case(bot="the bot has stopped"))
    assert made.plan.qty == D("-0.039")
    assert made.why_not == "the bot has stopped"


def test_without_an_account_a_quantity_is_still_priced():
    made = priced(draft(qty=D("0.01"), leverage=D(5)), case(None))
    assert cents(made.plan.liquidation_price) == "71713.15"
    assert priced(draft(), case(None)).plan is None


def test_the_gap_table_tells_isolated_and_cross_apart():
    rows = {row.label: row for row in priced(draft(leverage=D(5)), case()).plan.gaps}
    assert rows["20 %"].isolated_liquidated
    assert cents(rows["20 %"].isolated_loss) == "468.00"
    assert not rows["20 %"].cross_liquidated
    assert cents(rows["100 %"].cross_loss) == "2340.00"


def test_liquidation_is_drawn_on_the_grid_before_it_comes():
    lines = {line.kind: line.price for line in priced(draft(leverage=D(5)), case()).lines()}
    assert lines["liquidation"] == D("71713.1")
    assert lines["entry"] == D(60_000)
