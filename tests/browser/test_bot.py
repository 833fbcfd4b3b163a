"""The bot's page: switches, decisions as they happen, limits; and its routes."""

from __future__ import annotations

import pytest


def test_an_act_goes_through_the_bots_own_door_and_its_refusal_comes_back(desk):
    paused = desk.api("POST", "/acts", **{"is": "Pause", "act_id": "first"})
    assert (paused.status_code, paused.json()["act_id"]) == (200, "first")
    refused = desk.api("POST", "/acts", **{"is": "Close", "symbol": "BTCUSDT"})
    assert refused.status_code == 409
    assert "BTCUSDT" in str(refused.json())
    assert desk.api("POST", "/bot/resume").status_code == 200


@pytest.mark.parametrize(
    ("act", "word"),
    [({"is": "Jump"}, "no act"), ({"symbol": "BTCUSDT"}, "is an object"), ({"is": "Pause", "hard": 1}, "no field"),
     ({"is": "Open", "symbol": "BTCUSDT", "side": -1, "stop": "NaN"}, "stop")],
)  # fmt: skip
def test_what_is_no_act_is_said_in_a_sentence(desk, act, word):
    answer = desk.api("POST", "/acts", **act)
    assert answer.status_code == 422
    assert word in answer.json()["error"]
