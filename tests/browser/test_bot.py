"""The bot's page: switches, decisions as they happen, limits; and its routes."""

from __future__ import annotations

import time

import pytest
from browser.conftest import TRADE

from bearskin.app._children import Child

START = None  # each test goes where it wants


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


def looking(page, desk):
    """The bot's page, once it has a state."""
    page.goto(f"{desk.url}/bot")
    page.locator("[data-panel=bot] .lamp", has_text="RUNNING").wait_for()
    return page


def lamp(page, word):
    page.locator("[data-panel=bot] .lamp", has_text=word).wait_for(timeout=20_000)


def switch(page, name):
    return page.locator("[data-panel=bot]").get_by_role("button", name=name, exact=True)


def mode(desk):
    return desk.api("GET", "/bot").json()["state"]["mode"]


def until(holds, what, wait_s=20.0):
    until_s = time.monotonic() + wait_s
    while not holds():
        assert time.monotonic() < until_s, what
        time.sleep(0.1)


def test_pause_and_resume_by_the_switch(page, desk):
    looking(page, desk)
    switch(page, "Pause").click()
    lamp(page, "PAUSED")
    assert mode(desk)["paused"] is True
    page.locator("[data-panel=decisions]").get_by_text("paused").first.wait_for()
    switch(page, "Resume").click()
    lamp(page, "RUNNING")
    assert mode(desk)["paused"] is False


def test_another_mode_is_the_bots_and_shown_to_whoever_else_looks(page, desk):
    looking(page, desk)
    switch(page, "Auto").click()
    until(lambda: mode(desk)["sides"] == "auto", "the mode has not changed")
    desk.api("POST", "/bot/mode", sides="none")
    page.locator("[data-panel=bot] .sides [aria-pressed=true]", has_text="None").wait_for()


def test_panic_says_what_it_does_closes_and_stays_until_it_is_lifted(page, desk):
    looking(page, desk)

    def state():
        return desk.api("GET", "/bot").json()["state"]

    desk.index("BTCUSDT", "60000")
    until(lambda: state()["prices"].get("BTCUSDT", {}).get("mark"), "no price has come")
    stop = "63000"
    opened = desk.api("POST", "/acts", **{"is": "Open", "symbol": "BTCUSDT", "side": -1, "stop": stop, "qty": "0.01"})
    assert opened.status_code == 200, opened.text
    until(lambda: any(float(one["qty"]) for one in state()["positions"]), "nothing was opened")
    switch(page, "Panic…").click()
    ask = page.get_by_role("alertdialog")
    ask.get_by_text("close the short of 0.01 BTCUSDT at market").wait_for()
    ask.get_by_text("until you lift it").wait_for()
    ask.get_by_text("Nothing that is not ours").wait_for()
    ask.get_by_role("button", name="Close all").click()
    lamp(page, "PANIC")
    until(lambda: not state()["positions"], "the short is still open")
    again = desk.api("POST", "/acts", **{"is": "Open", "symbol": "BTCUSDT", "side": -1, "stop": stop, "qty": "0.01"})
    assert again.status_code == 409
    assert "panic" in again.json()["refused"]
    switch(page, "Lift the panic").click()
    lamp(page, "RUNNING")


def test_limits_tell_how_far_each_is(page, desk):
    looking(page, desk)
    told = {one["limit"]: one for one in desk.api("GET", "/limits").json()["gauges"]}
    assert told["drawdown"]["steps"][-1]["at"] == "0.15"
    shown = page.locator("[data-gauge=daily-loss]")
    shown.wait_for()
    assert "of 2.00 %" in shown.inner_text()
    assert shown.get_attribute("data-reached") == "0"


def test_a_bot_that_ends_leaves_a_stale_page_that_heals_when_it_comes_back(page, desk):
    looking(page, desk)
    desk.stop("bot")
    lamp(page, "SILENT")
    stale = page.locator("[data-panel=limits] .panel-stale")
    stale.wait_for()
    assert "stopped" in stale.inner_text()
    assert switch(page, "Pause").is_disabled()
    assert desk.api("POST", "/bot/pause").status_code == 409
    folder = str(desk.home / "exchange")
    bot = Child("bot", [*TRADE, "--folder", folder, "--home", str(desk.home)], desk.home / "logs" / "bot2.out")
    try:
        page.locator("[data-panel=bot] .lamp", has_text="RUNNING").wait_for(timeout=60_000)
        stale.wait_for(state="hidden")
        assert switch(page, "Pause").is_enabled()
    finally:
        bot.stop()
