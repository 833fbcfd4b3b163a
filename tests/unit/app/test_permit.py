"""The lock before real money: every step in its order, each missing one said in one sentence."""

from __future__ import annotations

import json
import stat
from decimal import Decimal
from pathlib import Path

import pytest

from bearskin.app._house import open_house
from bearskin.app._licence import (
    CAP_CLEAN,
    CAP_FIRST,
    FILE,
    CleanRecord,
    Licence,
    clean_record,
    read_licence,
    write_licence,
)
from bearskin.app._permit import CANNOT_WITHDRAW, Permit, live_cap, live_permit
from bearskin.app._quiz import QUESTIONS, graded, laid_out, put
from bearskin.engine import Adjusted, Ended, Reconciled, Record, Warned
from bearskin.live import KeyPermissions
from bearskin.terms import DAY_NS, BadInput, Pulse, Side

NOW = 1_800_000_000_000_000_000
DONE = Licence().with_notice("eu", "2026-01-01T00:00:00Z").with_quiz("2026-01-01T00:00:00Z")
FINE = KeyPermissions(withdraw=False, trade=True, ip_bound=True, source="told")


@pytest.fixture
def keyed(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BEARSKIN_BINANCE_KEY", "the-key-of-binance")
    monkeypatch.setenv("BEARSKIN_BINANCE_SECRET", "the-secret-of-binance")
    return home


def permit(venue: str = "binance", env: str = "live", **given) -> Permit:
    given.setdefault("look", lambda keys: FINE)
    return live_permit(open_house(), venue, env, now_wall_ns=NOW, **given)


def licensed(licence: Licence = DONE) -> None:
    write_licence(open_house().home, licence)


def test_each_missing_step_is_named_with_its_command(home: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(BadInput, match="`bearskin legal`"):
        permit()
    licensed(Licence().with_notice("uk", "2026-01-01T00:00:00Z"))
    with pytest.raises(BadInput, match="`bearskin quiz`"):
        permit()
    licensed()
    with pytest.raises(BadInput, match=r"`bearskin keys set binance`.*BEARSKIN_BINANCE_KEY"):
        permit()
    monkeypatch.setenv("BEARSKIN_BINANCE_KEY", "the-key-of-binance")
    with pytest.raises(BadInput, match="BEARSKIN_BINANCE_SECRET is missing"):
        permit()
    monkeypatch.setenv("BEARSKIN_BINANCE_SECRET", "the-secret-of-binance")
    with pytest.raises(BadInput, match="--live-confirm binance"):
        permit()
    with pytest.raises(BadInput, match="must be binance"):
        permit(confirm="yes")
    got = permit(confirm="Binance")
    assert (got.notional_cap, got.venue) == (CAP_FIRST, "binance")
    assert "0 of 20 closed trades" in got.cap_why


def test_closing_what_is_open_needs_nothing_but_a_key(home: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(BadInput, match="`bearskin keys set binance`"):
        permit(reducing=True)
    monkeypatch.setenv("BEARSKIN_BINANCE_KEY", "the-key-of-binance")
    monkeypatch.setenv("BEARSKIN_BINANCE_SECRET", "the-secret-of-binance")
    unasked = permit(reducing=True, look=lambda _: pytest.fail("the venue was asked what the key may do"))
    assert (unasked.venue, unasked.notional_cap) == ("binance", CAP_FIRST)


def test_the_name_can_be_typed_at_the_question(keyed: Path):
    licensed()
    asked: list[str] = []
    assert permit(ask=lambda question: asked.append(question) or "binance\n").venue == "binance"
    assert len(asked) == 1
    assert "real money at binance" in asked[0]
    assert permit("binanceusdm", confirm="binance").venue == "binance"


def test_the_demo_needs_nothing_and_a_venues_own_demo_only_its_key(home: Path, monkeypatch: pytest.MonkeyPatch):
    assert permit("demo").notional_cap is None
    with pytest.raises(BadInput, match="BEARSKIN_BINANCE_DEMO_KEY"):
        permit(env="demo")
    monkeypatch.setenv("BEARSKIN_BINANCE_DEMO_KEY", "the-demo-key")
    monkeypatch.setenv("BEARSKIN_BINANCE_DEMO_SECRET", "the-demo-secret")
    assert permit(env="demo").keys.name == "binance-demo"
    assert not (home / FILE).exists()


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (KeyPermissions(withdraw=True, trade=True), "can withdraw"),
        (KeyPermissions(withdraw=False, trade=False), "may not trade futures"),
    ],
)
def test_a_key_that_may_too_much_or_too_little_is_refused(keyed: Path, found: KeyPermissions, said: str):
    licensed()
    with pytest.raises(BadInput, match=said):
        permit(confirm="binance", look=lambda keys: found)


def test_where_permissions_cannot_be_read_the_user_says_so_once_for_each_key(
    keyed: Path, monkeypatch: pytest.MonkeyPatch
):
    licensed()

    def unknown(keys):
        return KeyPermissions()

    with pytest.raises(BadInput, match="`bearskin keys vouch binance`"):
        permit(confirm="binance", look=unknown)
    with pytest.raises(BadInput, match="without your word"):
        permit(confirm="binance", look=unknown, ask=lambda question: "yes")
    assert permit(confirm="binance", look=unknown, ask=lambda question: CANNOT_WITHDRAW).keys is not None
    kept = (keyed / FILE).read_text()
    assert "the-key-of-binance" not in kept
    assert len(json.loads(kept)["cannot_withdraw"]) == 1
    permit(confirm="binance", look=unknown)  # not asked again
    monkeypatch.setenv("BEARSKIN_BINANCE_KEY", "another-key-of-binance")
    with pytest.raises(BadInput, match="keys vouch"):
        permit(confirm="binance", look=unknown)


def test_hints_about_the_key_are_handed_on(keyed: Path):
    licensed()
    loose = KeyPermissions(withdraw=False, trade=True, ip_bound=False, transfers=True)
    assert len(permit(confirm="binance", look=lambda keys: loose).hints) == 2


def ended(days_ago: float, reason: str = "stop", entry: str | None = "60000") -> Record:
    wall = NOW - int(days_ago * DAY_NS)
    zero = Decimal(0)
    note = Ended(
        time_ns=wall, wall_ns=wall, trade=1, symbol="BTCUSDT", side=Side.SHORT, origin="hand", reason=reason, qty=zero,
        entry=None if entry is None else Decimal(entry), exit=zero, entered_ns=wall, gross=zero, fees=zero,
        funding=zero, net=zero, r=None, unprotected_s_max=0.0,
    )  # fmt: skip
    return Record(Pulse(time_ns=wall, wall_ns=wall), (note,))


def noted(days_ago: float, what: type, **said) -> Record:
    wall = NOW - int(days_ago * DAY_NS)
    return Record(Pulse(time_ns=wall, wall_ns=wall), (what(time_ns=wall, wall_ns=wall, **said),))


def test_only_a_clean_record_raises_the_cap():
    clean = [ended(20 - 0.5 * number) for number in range(20)]
    assert clean_record(clean, NOW) == CleanRecord(trades=20, days=20, troubles=0)
    assert live_cap(DONE, "binance", clean_record(clean, NOW))[0] == CAP_CLEAN
    troubles = (
        ended(3, "emergency"),
        ended(3, "liquidated"),
        noted(3, Reconciled, differences=("BTCUSDT: 1 here, 2 there",)),
        noted(3, Adjusted, trade=1, symbol="BTCUSDT", ours=Decimal(1), theirs=Decimal(2), why="told by the venue"),
        noted(3, Warned, kind="emergency", symbol="BTCUSDT", text="closed"),
    )
    for trouble in troubles:
        assert live_cap(DONE, "binance", clean_record([*clean, trouble], NOW))[0] == CAP_FIRST
    assert live_cap(DONE, "binance", clean_record([*clean, ended(15, "emergency")], NOW))[0] == CAP_CLEAN
    assert live_cap(DONE, "binance", clean_record([*clean[:19], ended(1, "unfilled", None)], NOW))[0] == CAP_FIRST
    assert live_cap(DONE, "binance", clean_record([ended(0.1) for _ in range(30)], NOW))[0] == CAP_FIRST
    assert clean_record([*clean, noted(3, Reconciled)], NOW).clean


def test_an_explicit_act_sets_the_cap(keyed: Path):
    licensed(DONE.with_cap("binance", Decimal(2500)))
    got = permit(confirm="binance")
    assert (got.notional_cap, got.cap_why) == (Decimal(2500), "set by hand")
    with pytest.raises(BadInput, match="above zero"):
        DONE.with_cap("binance", Decimal("NaN"))


def test_the_licence_is_private_and_damage_is_said(home: Path):
    licensed()
    assert stat.S_IMODE((home / FILE).stat().st_mode) == 0o600
    assert read_licence(open_house().home) == DONE
    for text in ("{", "[]", '{"version": 9}', '{"version": 1, "more": 1}', '{"version": 1, "caps": {"binance": "-1"}}'):
        (home / FILE).write_text(text)
        with pytest.raises(BadInput, match="do the quiz again"):
            permit()


def test_the_quiz_has_ten_questions_and_only_all_right_pass():
    assert len(QUESTIONS) == len({question.name for question in QUESTIONS}) == 10
    right = [asked.right for asked in laid_out(7)]
    assert graded(7, right).passed
    for place in range(10):
        wrong = ["b" if letter == "a" else "a" for letter in right]
        mixed = [*right[:place], wrong[place], *right[place + 1 :]]
        assert not graded(7, mixed).passed


def test_answers_move_with_the_seed():
    assert len({tuple(asked.right for asked in laid_out(seed)) for seed in range(50)}) > 45
    assert laid_out(3) == laid_out(3)
    places = [asked.right for seed in range(300) for asked in laid_out(seed)]
    assert min(places.count(letter) for letter in "abc") > 800


def test_a_wrong_answer_is_told_with_the_reason():
    said: list[str] = []
    answers = iter(["x", *("a" for _ in range(10))])
    result = put(5, lambda text: next(answers), said.append)
    assert len(said) == 10
    for (asked, letter), line in zip(result.given, said, strict=True):
        assert asked.question.reason in line
        assert ("Right." in line) == (letter == asked.right)


def test_the_figures_of_the_quiz_are_those_of_the_formulas():
    from fractions import Fraction

    rise = {leverage: (1 + Fraction(1, leverage)) / (1 + Fraction(4, 1000)) - 1 for leverage in (10, 125)}
    assert round(float(rise[10]) * 100, 2) == 9.56
    assert round(float(rise[125]) * 100, 2) == 0.40
    liquidation = (30_000 + 50 + 5 * 60_000) / (5 * Fraction(1005, 1000))
    assert round(float(liquidation)) == 65_682
    assert Fraction(5, 1000) * 5 * 66_000 - 50 + 30_000 == 31_600
