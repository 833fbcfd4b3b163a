"""The guide ticks off what really happened, the quiz unlocks, and the two sums are right."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest

from bearskin.app._home import Home
from bearskin.app._licence import Licence, read_licence, write_licence
from bearskin.app._quiz import laid_out
from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._draft import Draft
from bearskin.app.web._learn import (
    ENDED,
    KEYS,
    Progress,
    after_draft,
    after_state,
    begun,
    left,
    progress_of,
    said_done,
)
from bearskin.app.web._learn_guide import Guide
from bearskin.app.web._learn_quiz import locks_of, quiz_answered, quiz_put
from bearskin.app.web._learn_sums import price_path, reach_of, same_path
from bearskin.app.web._page_learn_guide import bill_rows
from bearskin.terms import BadInput


def state(*positions, equity="10000"):
    return {"account": {"known": True, "equity": equity}, "positions": list(positions)}


def short(mark="60000", **more):
    told = {"trade": 4, "symbol": "BTCUSDT", "side": "short", "origin": "hand", "protected": True, "qty": "-0.02"}
    return {**told, "mark": mark, **more}


def house(tmp_path):
    return SimpleNamespace(home=Home(root=tmp_path, origin="here"))


def test_an_account_with_money_ticks_the_first_step_and_nothing_else():
    progress = after_state(begun(Progress()), state(), ())
    assert progress.done == {"account"}
    assert progress.step.key == "pair"
    assert after_state(begun(Progress()), state(equity="0"), ()).done == frozenset()


def test_a_draft_ticks_its_steps_one_after_the_other():
    progress = after_state(begun(Progress()), state(), ())
    mark = Decimal(60_000)
    draft = Draft(symbol="BTCUSDT")
    progress = after_draft(progress, draft, mark)
    assert progress.step.key == "margin"
    assert after_draft(progress, Draft(symbol="BTCUSDT", leverage=Decimal(10)), mark).step.key == "margin"
    careful = Draft(symbol="BTCUSDT", leverage=Decimal(3))
    assert after_draft(progress, careful, mark).step.key == "stop"
    below = Draft(symbol="BTCUSDT", leverage=Decimal(3), stop=Decimal(59_000))
    assert after_draft(progress, below, mark).step.key == "stop"
    whole = Draft(symbol="BTCUSDT", leverage=Decimal(3), stop=Decimal(61_000))
    assert after_draft(progress, whole, mark).step.key == "preflight"
    assert after_draft(progress, whole, None).step.key == "stop", "without a price nobody knows which side it is on"


def test_a_short_by_hand_that_is_protected_ticks_all_before_it_and_its_end_the_last():
    progress = begun(Progress())
    progress = after_state(progress, state(short(protected=False)), ())
    assert "send" not in progress.done
    assert "send" not in after_state(progress, state(short(origin="setup:stop_hunt")), ()).done
    progress = after_state(progress, state(short()), ())
    assert progress.step.key == "watch"
    assert after_state(progress, state(short("60900")), ()).step.key == "watch", "a mark that moves is not looked at"
    progress = said_done(progress, "watch")
    progress = after_state(progress, state(), ENDS)
    assert progress.step is None
    assert progress.cost == "BTCUSDT closed by hand at 60090, net -3.12 USDT"
    assert dict(progress.bill)["fees"] == "1.20"


MORE = {
    "trade": 4, "reason": "hand", "gross": "-1.80", "fees": "1.20", "funding": "-0.12", "net": "-3.12", "r": "-0.62",
    "slippage_entry": "0.25", "slippage_exit": "0",
}  # fmt: skip
ENDS = (
    {"kind": "exit", "symbol": "BTCUSDT", "text": "closed by hand at 60090, net -3.12 USDT", "more": MORE},
    {"kind": "exit", "symbol": "ETHUSDT", "text": "closed by target at 1600, net 8 USDT", "more": {"trade": 3}},
    {"kind": "declined", "symbol": "BTCUSDT", "text": "heat", "more": {}},
)


def test_a_trade_that_ends_before_it_was_looked_at_leaves_the_person_time_to_read():
    progress = after_state(begun(Progress()), state(short()), ())
    progress = after_state(progress, state(), ENDS)
    assert progress.step.key == "watch"
    assert progress.step.do == ENDED
    assert progress.done == set(KEYS) - {"watch"}
    assert after_state(progress, state(), ENDS) == progress
    progress = said_done(progress, "watch")
    assert progress.step is None
    assert progress.cost.startswith("BTCUSDT closed by hand")
    assert progress_of(progress.to_json()) == progress


def test_the_bill_names_what_was_made_and_paid():
    progress = after_state(after_state(begun(Progress()), state(short()), ()), state(), ENDS)
    assert bill_rows(dict(progress.bill)) == [
        ("Gross", "−1.80", "down"), ("Fees", "−1.20", "down"), ("Funding", "−0.12", "down"), ("Net", "−3.12", "down"),
        ("In R", "−0.62", "down"), ("Slippage, in the gross", "−0.25", "down"),
    ]  # fmt: skip
    assert bill_rows({}) == []


@pytest.mark.parametrize("bill", [7, {"net": "much"}, {"net": None, "gross": "NaN"}])
def test_a_bill_that_cannot_be_read_is_none(bill):
    assert progress_of({"bill": bill}).bill == ()


class Desk:
    """As much of a desk as a guide asks for."""

    def __init__(self) -> None:
        self.kept, self.told = {}, {}
        self.hub = SimpleNamespace(listen=lambda *_, **__: None, say=lambda *_: None)
        prices = {"BTCUSDT": {"mark": "60000"}}
        self.bot = SimpleNamespace(now=BotNow(up=True, state={**state(), "prices": prices}))

    def prefs(self):
        return self.told

    def prefer(self, **given):
        self.told |= given


def test_a_draft_is_there_again_after_a_way_to_the_quiz_until_it_is_sent():
    guide = Guide(Desk(), Progress())
    careful = Draft(symbol="BTCUSDT", preset="beginner", stop=Decimal(61_000))
    assert guide.opened(Draft()) == Draft(), "nobody is led: a page opens as its address says"
    guide.begin()
    guide.drafted(careful)
    assert guide.progress.step.key == "preflight"
    assert guide.progress.ready
    assert guide.opened(Draft()) == careful
    assert guide.opened(Draft(symbol="BTCUSDT")) == careful
    assert guide.opened(Draft(symbol="ETHUSDT")) == Draft(symbol="ETHUSDT")
    assert not guide.progress.ready, "what it says is read does not stand there any more"
    guide.drafted(careful)
    guide.heard(BotNow(up=True, state=state(short())))
    assert guide.opened(Draft()) == Draft()


def test_what_is_left_is_taken_up_again_where_it_was():
    progress = left(said_done(begun(Progress()), "account"))
    assert not progress.on
    assert progress_of(progress.to_json()) == progress
    assert begun(progress).step.key == "pair"
    assert begun(progress, anew=True).step.key == "account"


@pytest.mark.parametrize("kept", [None, 7, {"done": "all"}, {"done": ["nothing", 3]}, {"trade": "x"}])
def test_prefs_that_hold_something_else_begin_anew(kept):
    assert progress_of(kept).done == frozenset()


def test_what_is_no_step_is_said():
    with pytest.raises(BadInput, match="is no step of the guide; they are account, pair"):
        said_done(Progress(), "nothing")
    assert len(KEYS) == 8


def answers(seed, wrong=0):
    asked = laid_out(seed)
    return [
        next(letter for letter in "abc" if letter != one.right) if place < wrong else one.right
        for place, one in enumerate(asked)
    ]


def test_the_questions_that_are_put_do_not_say_what_is_right():
    put = quiz_put()
    assert len(put["questions"]) == 10
    assert {frozenset(one) for one in put["questions"]} == {frozenset({"name", "text", "answers"})}


def test_one_wrong_answer_keeps_the_locks_and_says_the_reason(tmp_path):
    result = quiz_answered(house(tmp_path), 5, answers(5, wrong=1))
    assert not result["passed"]
    assert result["right"] == 9
    assert result["questions"][0]["answer"] == "I pay 5 USDT to the longs"
    assert [lock.locked for lock in locks_of(house(tmp_path))] == [True, True]


def test_all_right_opens_the_leverage_and_the_notice_still_keeps_live_shut(tmp_path):
    assert quiz_answered(house(tmp_path), 5, answers(5))["passed"]
    leverage, live = locks_of(house(tmp_path))
    assert not leverage.locked
    assert live.locked
    assert "notice" in live.why
    home = Home(root=tmp_path, origin="here")
    write_licence(home, read_licence(home).with_notice("eu", "2026-11-22T00:00:00Z"))
    assert not any(lock.locked for lock in locks_of(house(tmp_path)))


def test_a_quiz_of_another_version_counts_no_more(tmp_path):
    write_licence(Home(root=tmp_path, origin="here"), Licence(quiz_version=0, quiz_passed_at="2020-01-01T00:00:00Z"))
    assert locks_of(house(tmp_path))[0].locked


@pytest.mark.parametrize("letters", [[], ["a"] * 9, ["d"] * 10, ["a"] * 11])
def test_answers_that_cannot_be_are_refused_and_nothing_is_written(tmp_path, letters):
    with pytest.raises(BadInput):
        quiz_answered(house(tmp_path), 5, letters)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("leverage", "liquidation"),
    [("2", "0.4940"), ("3", "0.3280"), ("5", "0.1952"), ("10", "0.0956"), ("50", "0.0159"), ("125", "0.0040")],
)
def test_a_small_short_is_liquidated_before_one_over_its_leverage(leverage, liquidation):
    found = reach_of(Decimal(leverage))
    assert f"{found.liquidation:.4f}" == liquidation
    assert f"{found.naive:.6f}" == f"{1 / Decimal(leverage):.6f}"
    assert found.liquidation < found.naive


def test_a_large_short_may_not_have_the_leverage_of_a_small_one():
    assert reach_of(Decimal(125), Decimal(3_000_000)).liquidation is None


def test_a_swing_that_ends_where_it_began_costs_the_token_and_not_the_short():
    made = same_path(price_path("swing", 2, 0.1))
    assert made.market[-1] == 1.0
    assert made.short[-1] == pytest.approx(1.0)
    assert made.token[-1] == pytest.approx(0.9 * (2 - 1 / 1.1))


def test_funding_goes_to_the_short_and_from_it():
    flat = (1.0,) * 31
    assert same_path(flat, 0.0003).short[-1] == pytest.approx(1.009)
    assert same_path(flat, -0.0003).short[-1] == pytest.approx(0.991)


def test_a_short_of_one_is_gone_when_the_price_has_doubled_and_stays_gone():
    assert same_path((1.0, 2.0, 0.5)).short == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "asked", [("nothing", 10, 0.1), ("fall", 1, 0.1), ("fall", 10, 0.0), ("fall", 10, float("nan"))]
)
def test_paths_that_cannot_be_are_refused(asked):
    with pytest.raises(BadInput):
        price_path(*asked)
