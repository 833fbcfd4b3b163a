"""What the risk quiz has not opened is shut for acts too."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from unit.app.web.api_kit import QuietBot, heard, quiet_desk

from bearskin.app._licence import read_licence, write_licence
from bearskin.app.web import _bot
from bearskin.app.web._once import NameTaken

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


def test_a_name_is_one_act_s(home: Path) -> None:
    desk = quiet_desk(home, venue=False)
    heard(desk)
    close = {"is": "Close", "symbol": "BTCUSDT", "share": "0.5", "act_id": "mine-1"}

    async def asked_thrice() -> None:
        first = await _bot.act(desk, close)
        assert await _bot.act(desk, {**close, "share": "0.50"}) == first
        with pytest.raises(NameTaken, match="'mine-1' was used for another act"):
            await _bot.act(desk, {**close, "share": "1"})

    asyncio.run(asked_thrice())
    assert isinstance(desk.bot, QuietBot)
    assert len(desk.bot.asked) == 1
