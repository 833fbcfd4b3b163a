"""Python has the verbs of the command line, with the names of their JSON."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import bearskin
from bearskin.app._cli import ORDER
from bearskin.app._hands import HandReport
from bearskin.terms import BadInput

GROUPS = {
    "data": "data_list",
    "keys": "keys",
    "cap": "cap",
    "alert": "alert_test",
    "cluster": "cluster_local",
}  # commands below a word


def test_every_command_is_a_function() -> None:
    for command in ORDER:
        name = GROUPS.get(command, command.replace("-", "_"))
        assert name in bearskin.__all__, command
        assert callable(getattr(bearskin, name)), command


@pytest.mark.parametrize(
    "verb",
    [
        "short",
        "long",
        "close",
        "move_stop",
        "move_target",
        "move_margin",
        "reverse",
        "adopt",
        "panic",
        "pause",
        "mode",
        "note",
    ],
)
def test_verbs_by_hand_say_in_a_sentence_what_is_missing(home: Path, verb: str) -> None:
    given = {"note": ("BTCUSDT", "x"), "panic": (), "pause": (), "mode": ("short",)}.get(verb, ("BTCUSDT",))
    more = {
        "short": {"stop": 5},
        "long": {"stop": 5},
        "move_stop": {"stop": 5},
        "move_margin": {"amount": 30},
        "move_target": {"target": 5},
        "reverse": {"stop": 5},
        "adopt": {"stop": 5},
    }
    with pytest.raises(BadInput, match="no demo exchange is running"):
        getattr(bearskin, verb)(*given, **more.get(verb, {}), home=home)


def test_what_is_looked_at_needs_an_exchange_too(home: Path) -> None:
    for look in (bearskin.positions, bearskin.orders):
        with pytest.raises(BadInput, match="no demo exchange"):
            look(home=home)
    assert bearskin.runs(home=home) == []
    with pytest.raises(BadInput, match="no run yet"):
        bearskin.report(home=home)
    with pytest.raises(BadInput, match="no run yet"):
        bearskin.parity(home=home)


def test_a_report_has_the_names_of_its_json() -> None:
    report = HandReport(act="close", outcome="closed", detail="", run="r", venue="demo")
    assert all(getattr(report, name) == value for name, value in report.to_json().items())


def test_the_report_room_is_still_a_room() -> None:
    from bearskin.report import run_json

    assert inspect.ismodule(bearskin.report)
    assert callable(run_json)
