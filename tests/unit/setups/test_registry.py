"""Which set-ups there are, one's own among them, and how questions are refused."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import sys

import numpy as np
import pytest
from unit.setups.builders import climb, flat, funding_of, panel_of, price

import bearskin.setups
from bearskin.market import Known
from bearskin.setups import SETUPS, Draft, FailedBreakout, Setup, StopHunt, abstentions, detect, load_setups, merge
from bearskin.setups._registry import _Registry
from bearskin.terms import BadInput, Reason, Side

FIRST = {"failed_breakout", "overextended_rally", "rsi_divergence", "stop_hunt"}

OWN = '''
"""Sell the third higher close in a row."""
from dataclasses import dataclass

from bearskin.setups import Draft, Setup


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    closes: int = 3


def detect(view, params):
    for bar in range(20, len(view)):
        steps = view.close[bar - params.closes + 1 : bar + 1] - view.close[bar - params.closes : bar]
        if (steps > 0).all():
            yield Draft(
                bar=bar, level=view.close[bar], anchor_bar=bar - params.closes,
                extreme=view.high[bar] + view.atr()[bar],
                targets=(view.close[bar] - 2 * view.atr()[bar],), invalidation=view.high[bar], horizon_bars=5,
                why="{rose} three times to {close}.",
            )


three = Setup(name="three_up", title="Three up", families=("structure",), detect=detect, params=Params())
'''


@pytest.fixture
def registry(monkeypatch):
    """The registry, put back as it was afterwards."""
    monkeypatch.setattr(SETUPS, "_known", dict(SETUPS._known))
    return SETUPS


def test_the_face_holds_what_it_names():
    """What other rooms and users rely on is there, and nothing is named that is not."""
    names = bearskin.setups.__all__
    assert len(set(names)) == len(names)
    assert all(getattr(bearskin.setups, name) is not None for name in names)
    assert set(names) >= {
        "SETUPS", "Abstention", "Candidate", "CrowdState", "Days", "Draft", "Facts", "FailedBreakout", "GuardRules",
        "GuardVerdict", "Level", "LevelRules", "Line", "OverextendedRally", "Regime", "RsiDivergence", "Setup",
        "SetupEvent", "StopHunt", "Support", "Template", "View", "VolumeProfile", "Zone", "abstentions",
        "book_says_wait", "crowd_state", "detect", "entry_ok", "guard", "levels", "load_setups", "merge", "over",
        "regime", "support_targets", "volume_confirmation", "volume_profile",
    }  # fmt: skip


def test_the_first_four():
    assert set(SETUPS) >= FIRST
    assert len(SETUPS) == len(set(SETUPS))
    assert SETUPS["overextended_rally"].needs == ("funding",)
    assert SETUPS["overextended_rally"].families == ("structure", "positioning")


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(
        BadInput, match=r"'no_such_thing' is not a set-up: there are .*failed_breakout, .*overextended_rally"
    ):
        detect(panel_of(flat(10)), ["no_such_thing"])


def test_parameters_of_the_wrong_kind_are_refused():
    with pytest.raises(BadInput, match="parameters of stop_hunt must be StopHunt, were FailedBreakout"):
        detect(panel_of(flat(10)), ["stop_hunt"], params={"stop_hunt": FailedBreakout()})


def test_an_unknown_kind_of_level_is_refused():
    with pytest.raises(BadInput, match="'moon' is not a kind of level"):
        detect(panel_of(flat(80)), ["stop_hunt"], params={"stop_hunt": StopHunt(level_kinds=("moon",))})


def test_a_short_panel_makes_everything_abstain():
    panel = panel_of(flat(5), funding=funding_of([0.0001] * 200, 2_000_000_000_000_000_000))
    assert detect(panel) == []
    assert [said.setup for said in abstentions(panel)] == list(SETUPS)
    assert {said.refused.reason for said in abstentions(panel)} == {Reason.NO_DATA}


@pytest.mark.parametrize("bars", [1, 2, 15, 30, 64])
def test_any_length_of_panel_is_fine(bars):
    assert all(0 <= event.bar < bars for event in detect(panel_of(flat(bars))))


def test_a_flat_market_says_nothing():
    assert detect(panel_of([(0.0, 0.0, 0.0, 0.0)] * 200)) == []


def test_a_file_brings_its_own_set_up_and_it_works_from_both_sides(tmp_path, registry):
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    (setup,) = load_setups(path)
    assert SETUPS["three_up"] is setup
    events = detect(panel_of([*flat(30), *climb(4, 1.0)]), ["three_up"])
    assert [(e.bar, e.side, e.setup) for e in events] == [(32, Side.SHORT, "three_up"), (33, Side.SHORT, "three_up")]
    assert events[0].stop == pytest.approx(price(2.25))  # high 1.0 at bar 32, one ATR, and the template's quarter
    assert events[0].why == f"DRAWNUSDT rose three times to {price(0.75):.8f}."
    falling = [(-o, -b, -h, -c) for o, h, b, c in [*flat(30), *climb(4, 1.0)]]
    longs = detect(panel_of(falling), ["three_up"])
    assert [(e.bar, e.side) for e in longs] == [(32, Side.LONG), (33, Side.LONG)]
    assert longs[0].why.startswith("DRAWNUSDT fell three times")
    load_setups(path)  # the same file may be read again


def chatty(view, params):
    sys.stdout.write("inside")
    return []


def test_a_set_up_that_prints_leaves_stdout_alone_and_one_that_leaves_is_told(tmp_path, registry, capsys):
    path = tmp_path / "mine.py"
    path.write_text("import sys\nprint('at the top')\n" + OWN)
    load_setups(path)
    kept = SETUPS["three_up"]
    SETUPS._known["three_up"] = dataclasses.replace(kept, detect=chatty)
    assert detect(panel_of(flat(30)), ["three_up"]) == []
    said = capsys.readouterr()
    assert (said.out, "at the top" in said.err, "inside" in said.err) == ("", True, True)
    SETUPS._known["three_up"] = dataclasses.replace(kept, detect=lambda *_: sys.exit(0))
    with pytest.raises(BadInput, match="'three_up' failed on DRAWNUSDT: SystemExit"):
        detect(panel_of(flat(30)), ["three_up"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "defines no Setup"),
        ("raise ValueError('boom')\n", "ValueError: boom"),
        ("def broken(:\n", "SyntaxError"),
        (OWN.replace("three_up", "stop_hunt"), "'stop_hunt', which is built in"),
        (OWN.replace('families=("structure",)', 'families=(), needs=("moon",)'), "needs 'moon'"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path, registry, text, message):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(BadInput, match=message):
        load_setups(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(BadInput, match="not a Python file"):
        load_setups(tmp_path / "nothing.py")


class Point:
    name, value = "other", "other_package:setup"

    def __init__(self, found):
        self.found = found

    def load(self):
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def test_installed_packages_bring_set_ups(monkeypatch):
    other = Setup(name="other", title="Other", families=("flow",), detect=lambda v, p: (), params=FailedBreakout())
    for found, message in ((other, None), (ImportError("gone"), "gone"), (3, "must be a Setup, was int")):
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda group, found=found: [Point(found)])
        registry = _Registry(SETUPS.values())
        if message is None:
            assert registry["other"] is other
        else:
            with pytest.raises(BadInput, match=message):
                len(registry)


def test_a_set_up_abstains_without_each_series_it_needs(registry):
    for need in ("open-interest", "long-short", "sentiment", "taker", "mark"):
        setup = Setup(
            name="needy", title="", families=(), detect=lambda v, p: [_draft()], params=FailedBreakout(), needs=(need,)
        )
        SETUPS.add(setup, "test")
        (said,) = abstentions(panel_of(flat(60)), ["needy"])
        assert said.refused.need == need
        assert detect(panel_of(flat(60)), ["needy"]) == []


def _draft(bar: int = 40) -> Draft:
    return Draft(
        bar=bar,
        level=4.605,
        anchor_bar=30,
        extreme=4.615,
        targets=(4.5,),
        invalidation=4.62,
        horizon_bars=3,
        why="{close}",
    )


def test_context_is_what_was_public_at_the_close(registry):
    """Sentiment of 80 known at the close of bar 40 and 10 an hour later; the long reads the mirror, 20."""
    setup = Setup(name="needy", title="", families=(), detect=lambda v, p: [_draft()], params=FailedBreakout())
    SETUPS.add(setup, "test")
    bare = panel_of(flat(60))
    close_ns = bare.known_ns(40)
    hour = bare.interval_ns
    series = Known(
        time_ns=np.array([close_ns - hour, close_ns], dtype=np.int64),
        known_ns=np.array([close_ns, close_ns + hour], dtype=np.int64),
        value=np.array([80.0, 10.0]),
    )
    panel = panel_of(flat(60), sentiment=series, long_short_ratio=series)
    (event,) = detect(panel, ["needy"], [Side.SHORT])
    assert (event.attrs["greed"], event.attrs["long_short"]) == (80.0, 80.0)


def test_events_of_one_story_are_one_candidate():
    """Bars 10, 14 and 16 belong together (within six of the first), 17 starts the next one."""
    from unit.setups.test_template import event

    told = [event(setup=name, bar=bar) for name, bar in (("a", 10), ("b", 14), ("a", 16), ("b", 17))]
    told.append(event(Side.LONG, setup="a", bar=12))
    short, long, late = merge(told)
    assert (short.first_bar, short.bar, short.setups, short.score, len(short.events)) == (10, 16, ("a", "b"), 2, 3)
    assert (long.side, long.score) == (Side.LONG, 1)
    assert (late.first_bar, late.setups) == (17, ("b",))


def test_candidates_name_the_families_of_their_flags():
    from unit.setups.test_template import event

    (one,) = merge([event(setup="overextended_rally"), event(setup="stop_hunt")])
    assert one.families == ("positioning", "structure")
