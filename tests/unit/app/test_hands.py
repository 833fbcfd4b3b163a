"""Trading by hand, as far as it is decided before anything is asked of a venue."""

from __future__ import annotations

import pytest
from unit.app import bot_kit as kit

from bearskin.app._hands import _done, _entered
from bearskin.terms import BadInput


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("short BTCUSDT", "no stop: name one, or say --hedge"),
        ("short BTCUSDT --stop 0", "stop was 0"),
        ("short BTCUSDT --stop 62500 --risk 1% --qty 1", "leave one away"),
        ("long BTCUSDT --hedge", "--shock 30%"),
        ("long BTCUSDT --stop 5 --shock 30%", "say --hedge"),
        ("short BTCUSDT --stop 62500 --margin crossed", "isolated or cross"),
        ("short BTCUSDT --stop 62500 --leverage 0", "leverage was 0"),
        ("close BTCUSDT --part 0%", "part was 0"),
        ("close BTCUSDT --part 50", "for 50 per cent write 50%"),
        ("move-stop BTCUSDT", "one of the two"),
        ("move-stop BTCUSDT --stop 5 --break-even", "one of the two"),
        ("reverse BTCUSDT", "no stop"),
        ("pause --venue nowhere", "must be demo or one of"),
        ("pause --env demo", "env is for real venues"),
        ("positions", "no demo exchange is running"),
        ("trade --sides up", "no demo exchange is running"),
    ],
)
def test_what_cannot_be_ends_with_two_and_a_sentence(bearskin, words: str, said: str):
    ran = bearskin(words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


class Hand:
    """A bot that answers with `said`."""

    def __init__(self, said: dict[str, object]) -> None:
        self.said = said

    def act(self, act):
        return dict(self.said)

    def state(self):
        return kit.watched().state(kit.at(203)["wall_ns"])

    def rest(self, seconds: float) -> None:
        raise AssertionError("there is nothing to wait for")


def test_a_position_that_is_protected_is_told_with_its_figures():
    report = _done(Hand({"trade": 1}), ("r", "demo"), {"is": "Open", "side": -1, "symbol": "BTCUSDT"}, _entered)
    assert (report.act, report.outcome, report.trade) == ("short", "protected", 1)
    assert report.to_json()["position"]["qty"] == "-0.039"


def test_a_refusal_is_a_value_but_a_stop_on_the_wrong_side_is_bad_input():
    act = {"is": "Open", "side": -1, "symbol": "BTCUSDT"}
    report = _done(Hand({"refused": "kill switch or drawdown limit"}), ("r", "demo"), act, _entered)
    assert report.refused
    with pytest.raises(BadInput, match="wrong side"):
        _done(Hand({"refused": "stop on the wrong side of the entry (is 5)"}), ("r", "demo"), act, _entered)


def test_no_run_yet_is_said(bearskin):
    assert bearskin("runs --json").object == {"runs": []}
