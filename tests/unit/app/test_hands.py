"""Trading by hand, as far as it is decided before anything is asked of a venue."""

from __future__ import annotations

import contextlib

import pytest
from unit.app import bot_kit as kit

from bearskin.app import _hands
from bearskin.app._hands import _done, _entered, _symbol
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
        ("short BTCUSDT --stop 62500 --preset expert", "preset was 'expert', must be one of beginner, standard, pro"),
        ("short BTCUSDT --hedge --shock 30% --qty 1 --preset pro", "a hedge has limits of its own"),
        ("close BTCUSDT --part 0%", "part was 0"),
        ("close BTCUSDT --part 50", "for 50 per cent write 50%"),
        ("close BTCUSDT 50% --share 20%", "say the same twice"),
        ("close BTCUSDT 50", "for 50 per cent write 50%"),
        ("close BTC/USD:BTC", "must be the name of a linear perpetual"),
        ("short BTCUSDT 62500", "such as --stop 65000"),
        ("short BTCUSDT -5", "-5 is negative"),
        ("cap set binance -5", "-5 is negative"),
        ("move-stop BTCUSDT", "one of the two"),
        ("move-stop BTCUSDT 65000 --stop 64000", "say the same twice"),
        ("move-stop BTCUSDT --stop 5 --break-even", "one of the two"),
        ("move-target BTCUSDT", "Missing argument"),
        ("move-target BTCUSDT 0", "target was 0"),
        ("move-target BTCUSDT 57000 --number 3", "number was 3"),
        ("move-target BTCUSDT 57000", "no demo exchange is running"),
        ("move-margin BTCUSDT", "Missing argument"),
        ("move-margin BTCUSDT 0", "above zero to add margin, or below to take it out"),
        ("move-margin BTCUSDT -x", "amount was '-x'"),
        ("move-margin BTCUSDT --bogus", "amount was '--bogus'"),
        ("move-margin BTCUSDT +30 -20", "extra argument"),
        ("move-margin BTCUSDT -30", "no demo exchange is running"),
        ("reverse BTCUSDT", "no stop"),
        ("pause --venue nowhere", "must be demo or one of"),
        ("pause --env demo", "env is for real venues"),
        ("positions", "no demo exchange is running"),
        ("trade --sides up", "must be one of short, long"),
        ("trade", "no demo exchange is running"),
    ],
)
def test_what_cannot_be_ends_with_two_and_a_sentence(bearskin, words: str, said: str):
    ran = bearskin(words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


@pytest.mark.parametrize("spelled", ["BTCUSDT", "btcusdt ", "BTC/USDT", "btc/usdt:usdt"])
def test_a_symbol_is_known_in_its_other_spellings(spelled: str):
    assert _symbol(spelled) == "BTCUSDT"


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


class Steps(Hand):
    """A bot whose state is another one each time it is looked at."""

    def __init__(self, states: list[dict[str, object]]) -> None:
        super().__init__({"trade": 1, "detail": "the stop goes to 62,000.1"})
        self.states = states

    def state(self):
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def rest(self, seconds: float) -> None:
        pass


def stopped(stop: str, trigger: str, status: str = "open") -> dict[str, object]:
    position = {"trade": 1, "symbol": "BTCUSDT", "stop": stop, "protected": True}
    order = {"trade": 1, "symbol": "BTCUSDT", "role": "stop", "trigger": trigger, "status": status}
    return {"positions": [position], "orders": [order], "decisions": []}


def moved(states: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """What `move-stop --stop 62000.05` says: the engine rounds that to the tick."""
    hand = Steps(states)

    @contextlib.contextmanager
    def there(**_):
        yield hand, ("r", "demo")

    monkeypatch.setattr(_hands, "_hand", there)
    report = _hands.move_stop("BTCUSDT", stop="62000.05")
    return report.outcome, report.detail


def test_a_stop_is_moved_once_the_new_one_rests(monkeypatch):
    before = stopped("63000", "63000")
    new = [stopped("62000.1", "63000"), stopped("62000.1", "62000.1", "sent"), stopped("62000.1", "62000.1")]
    states = [before, *new]
    assert moved(states, monkeypatch)[0] == "protected"
    assert len(states) == 1


def test_a_stop_that_the_venue_did_not_take_is_told(monkeypatch):
    old = stopped("63000", "63000")
    outcome, detail = moved([old, stopped("62000.1", "63000"), old], monkeypatch)
    assert (outcome, detail) == ("refused", "the venue did not take the new stop: 63000 is the stop again")


def test_a_hedge_without_a_stop_is_not_protected():
    hedge = {"trade": 1, "symbol": "BTCUSDT", "qty": "-1", "purpose": "hedge", "stop": None, "protected": True}
    assert _entered({"positions": [hedge], "orders": []}, {"trade": 1}) == "done"


def test_a_preset_goes_with_the_entry_and_none_leaves_the_bots_own(monkeypatch):
    asked = []
    monkeypatch.setattr(_hands, "_acted", lambda act, *_, **__: asked.append(act))
    _hands.short("BTCUSDT", stop="60500", leverage=8, preset="Pro")
    _hands.long("BTCUSDT", stop="50500")
    assert (asked[0]["preset"], asked[0]["leverage"]) == ("pro", "8")
    assert "preset" not in asked[1]


@pytest.mark.parametrize(
    ("amount", "exact", "take", "reduces"),
    [("+30", "30", False, True), (30, "30", False, True), ("-2.5", "2.5", True, False)],
)
def test_margin_goes_in_by_plus_and_out_by_minus(amount, exact, take, reduces, monkeypatch):
    asked = {}
    monkeypatch.setattr(_hands, "_acted", lambda act, *_, **__: asked.update(act))
    _hands.move_margin("btc/usdt", amount)
    assert asked == {"is": "MoveMargin", "symbol": "BTCUSDT", "amount": exact, "take": take}
    assert _hands._reduces(asked) is reduces  # adding waits for no lock of a venue


@pytest.mark.parametrize(("part", "share"), [("100%", "1"), ("1", "1"), ("50%", "0.5"), (None, "1")])
def test_the_part_to_close(part, share, monkeypatch):
    asked = {}
    monkeypatch.setattr(_hands, "_acted", lambda act, *_, **__: asked.update(act))
    _hands.close("BTCUSDT", part=part)
    assert asked["share"] == share
