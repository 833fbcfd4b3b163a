"""The line to the bot when what comes over it makes no sense."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from bearskin.app._house import open_house
from bearskin.app.web import _bot_link
from bearskin.app.web._bot_link import BotLink, BotNow, not_trading
from bearskin.app.web._hub import Hub
from bearskin.terms import BearskinError


@pytest.fixture
def link(tmp_path: Path) -> BotLink:
    return BotLink(open_house(tmp_path), Hub())


@pytest.mark.parametrize(
    ("status", "body"), [(500, b"Internal Server Error"), (200, b""), (502, b"<html>"), (200, b"[1]")]
)
def test_an_answer_that_is_none_leaves_it_open_whether_it_was_done(link: BotLink, status: int, body: bytes) -> None:
    async def run() -> None:
        answer = httpx.MockTransport(lambda _: httpx.Response(status, content=body))
        async with httpx.AsyncClient(transport=answer, base_url="http://bot") as link._http:
            await link.act({"is": "Pause"})

    with pytest.raises(BearskinError, match="look whether it was done"):
        asyncio.run(run())


def test_a_state_that_cannot_be_read_does_not_end_the_line(link: BotLink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody followed any more, and the last state stood for ever as that of now."""
    monkeypatch.setattr(_bot_link, "LOOK_S", 0.01)
    link._now = BotNow(up=True, state={})
    came: list[Any] = []

    async def followed() -> None:
        came.append(link._now.up)
        raise KeyError("decisions")

    async def run() -> None:
        monkeypatch.setattr(BotLink, "_followed", lambda _: followed())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(link.follow(), 0.2)

    asyncio.run(run())
    assert came[:2] == [True, False]


def test_what_a_bot_that_has_stopped_said_is_protected_is_as_of_then(link: BotLink) -> None:
    held = {"symbol": "BTCUSDT", "protected": True, "protected_as_of": None, "protected_unheard_s": None}
    link._heard({"positions": [held], "decisions": []})
    link._lost()
    assert link.now.state is not None
    (now,) = link.now.state["positions"]
    assert now["protected"]
    assert now["protected_as_of"].endswith("Z")


def test_a_bot_that_stopped_on_a_full_disk_is_told_with_its_reason(
    link: BotLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It read "the bot has stopped", and who started it again met the same full disk."""
    link._now = BotNow(up=True, state={})
    monkeypatch.setattr(_bot_link.shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))
    link._lost()
    assert "the disk of" in link.now.why
    assert "is full" in link.now.why
    link._now = BotNow(up=True, state={})
    monkeypatch.setattr(_bot_link.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9))
    link._lost()
    assert link.now.why == "the bot has stopped"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"not_trading": {"BTCUSDT": "halted"}}, "trading is halted at the venue"),
        ({"not_trading": {"BTCUSDT": "delisted"}}, "the venue has delisted it"),
        ({"not_trading": {"ETHUSDT": "halted"}}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_a_symbol_that_cannot_be_traded_is_told_as_such(told: Any, says: str) -> None:
    assert not_trading(told, "BTCUSDT") == says
