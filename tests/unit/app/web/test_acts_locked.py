"""What the risk quiz has not opened is shut for acts too."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from unit.app.web.api_kit import QuietBot, heard, quiet_desk

from bearskin.app._licence import read_licence, write_licence
from bearskin.app.web import _bot

OPEN = {"is": "Open", "symbol": "BTCUSDT", "side": -1, "stop": "62500"}


def asked(home: Path, said: dict[str, Any], *, passed: bool = False, rules: dict[str, str] | None = None) -> Any:
    """The answer, and what the bot was asked to do, if anything."""
    desk = quiet_desk(home, venue=False)
    heard(desk)
    if rules is not None:
        heard(desk, state={**desk.bot.now.state, "rules": rules})
    if passed:
        write_licence(desk.house.home, read_licence(desk.house.home).with_quiz("2026-01-01T00:00:00Z"))
    answer = asyncio.run(_bot.act(desk, said))
    assert isinstance(desk.bot, QuietBot)
    return answer, desk.bot.asked


def test_an_opening_without_leverage_takes_no_more_than_is_open(home: Path) -> None:
    _, (act,) = asked(home, OPEN)
    assert act["leverage"] == "3"
    _, (act,) = asked(home, {**OPEN, "preset": "pro"}, rules={"leverage": "2"})
    assert act["leverage"] == "3"


def test_the_leverage_of_a_bot_with_less_stays(home: Path) -> None:
    _, (act,) = asked(home, OPEN, rules={"leverage": "2"})
    assert "leverage" not in act


@pytest.mark.parametrize("leverage", ["5", 5, "3.5"])
def test_more_than_is_open_is_refused_and_not_asked(home: Path, leverage: object) -> None:
    answer, acts = asked(home, {**OPEN, "leverage": leverage})
    assert acts == []
    assert "opens with the risk quiz" in answer["refused"]


def test_with_the_quiz_passed_an_act_goes_as_it_is(home: Path) -> None:
    _, (act,) = asked(home, {**OPEN, "leverage": "5"}, passed=True)
    assert act["leverage"] == "5"


def test_closing_is_never_locked(home: Path) -> None:
    _, (act,) = asked(home, {"is": "Close", "symbol": "BTCUSDT"})
    assert act["is"] == "Close"
