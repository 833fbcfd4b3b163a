"""What a page is told while it is behind another tab."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from bearskin.app.web import _kit as kit
from bearskin.app.web._hub import Hub


class _Client:
    environ = None
    is_deleted = False

    def on_delete(self, _: Any) -> None:
        """Never."""


class _Anchor:
    is_deleted = False
    parent_slot = None

    def __init__(self, client: _Client) -> None:
        self.client = client

    def classes(self, _: str) -> _Anchor:
        return self

    def __enter__(self) -> _Anchor:
        return self

    def __exit__(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    made: Any = _Client()
    monkeypatch.setattr(kit.ui, "element", lambda _: _Anchor(made))
    monkeypatch.setattr(kit, "AGAIN_S", 0.01)
    monkeypatch.setattr(kit, "HIDDEN_S", 0.3)
    yield made
    kit._hidden.discard(made)


def told(client: Any, *, sight: bool, hidden_s: float) -> tuple[list[int], list[int]]:
    """What is heard while the page is hidden, and after it is seen again; something new is said all the time."""

    async def run() -> tuple[list[int], list[int]]:
        hub, heard = Hub(), []
        kit.heard(SimpleNamespace(hub=hub), "t", heard.append, 0.0, sight=sight)  # type: ignore[arg-type]
        kit._hidden.add(client)
        until_s, number = asyncio.get_running_loop().time() + hidden_s, 0
        while asyncio.get_running_loop().time() < until_s:
            number += 1
            hub.say("t", number)
            await asyncio.sleep(0.005)
        before = list(heard)
        kit._hidden.discard(client)
        await asyncio.sleep(0.1)
        return before, heard[len(before) :] or [-number]

    return asyncio.run(run())


def test_what_is_for_the_eye_waits_until_it_is_seen_and_then_comes_at_once(client: Any):
    hidden, seen = told(client, sight=True, hidden_s=0.2)
    assert hidden == []
    assert len(seen) == 1
    assert seen[0] > 1


def test_the_rest_comes_slowly_meanwhile(client: Any):
    hidden, _ = told(client, sight=False, hidden_s=0.8)
    assert 1 <= len(hidden) <= 4
    assert hidden[0] == 1
