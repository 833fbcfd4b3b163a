"""The dashboard goes away and comes back: an open page says so, and is right again by itself."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from typing import Any

from browser.conftest import PATIENCE_MS, begin
from playwright.sync_api import expect

WORDS = ["dashboard", "--no-browser", "--folder"]


def test_an_open_page_says_since_when_nothing_is_heard_and_comes_back_by_itself(browser, desk):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(desk.opening)
    expect(page.locator("[data-figure=line]")).to_have_text("bot on the line")
    expect(page.locator("#lost")).to_be_hidden()
    port = desk.url.rsplit(":", 1)[1]

    desk.stop("dashboard")
    expect(page.locator("#lost")).to_have_text(re.compile(r"No word from the desk since \d\d:\d\d:\d\d"))
    expect(page).to_have_title(re.compile("^no line"))
    assert page.evaluate("getComputedStyle(document.querySelector('.page')).opacity") != "1"

    desk.index("BTCUSDT", "61234")  # the world goes on meanwhile
    child, told = begin("dashboard", [*WORDS, str(desk.home / "exchange"), "--port", port], desk.home)
    desk.children["dashboard"] = child
    try:
        assert told["token"] == desk.pages["token"]
        expect(page.locator("#lost")).to_be_hidden(timeout=PATIENCE_MS)
        expect(page.locator("[data-figure=line]")).to_have_text("bot on the line")
        page.get_by_role("button", name="PANIC").click()  # and it acts again
        expect(page.get_by_role("alertdialog")).to_be_visible()
        page.keyboard.press("Escape")
    finally:
        context.close()
        child.stop()


def test_a_line_that_went_silent_is_told_and_renewed_when_one_looks_again(browser, tmp_path_factory, desk):
    """A tab that slept: nothing was heard for a while, then it is looked at."""
    words = [*WORDS, str(desk.home / "exchange"), "--port", "0"]
    child, told = begin("dashboard", words, desk.home)
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    try:
        page.goto(told["open"])
        expect(page.locator("[data-figure=line]")).to_have_text("bot on the line")
        page.clock.install()
        page.clock.pause_at(page.evaluate("Date.now() + 60000"))
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.locator("#lost")).to_be_visible()
        page.clock.resume()
        expect(page.locator("#lost")).to_be_hidden(timeout=PATIENCE_MS)
        expect(page.locator("[data-figure=line]")).to_have_text("bot on the line")
    finally:
        context.close()
        child.stop()


@contextlib.contextmanager
def looked_at(browser: Any, desk: Any) -> Iterator[tuple[Any, int]]:
    """A page of a dashboard of its own, and the dashboard's process."""
    child, told = begin("dashboard", [*WORDS, str(desk.home / "exchange"), "--port", "0"], desk.home)
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    try:
        page.goto(told["open"])
        expect(page.locator("[data-figure=line]")).to_have_text("bot on the line")
        yield page, child.pid
    finally:
        context.close()
        child.stop()


@contextlib.contextmanager
def silent(pid: int) -> Iterator[None]:
    """A process that says nothing meanwhile, and hears afterwards what it was told."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_what_is_pressed_while_nothing_is_heard_is_not_done_when_the_line_is_back(browser, desk):
    with looked_at(browser, desk) as (page, pid):
        with silent(pid):
            expect(page.locator("#lost")).to_be_visible()
            page.get_by_role("button", name="PANIC").click()
            expect(page.locator("#lost-words")).to_contain_text("Not done: nothing reaches the desk")
            expect(page.locator("#lost-words")).to_contain_text("bearskin panic")
        expect(page.locator("#lost")).to_be_hidden()
        page.wait_for_timeout(1_000)  # what had waited on the line would be there by now
        expect(page.get_by_role("alertdialog")).to_have_count(0)
        page.get_by_role("button", name="PANIC").click()
        expect(page.get_by_role("alertdialog")).to_be_visible()


def test_a_clock_that_is_set_back_does_not_hide_a_silence(browser, desk):
    with looked_at(browser, desk) as (page, pid):
        page.evaluate("(real => { Date.now = () => real() - 3_600_000; })(Date.now.bind(Date))")
        with silent(pid):
            expect(page.locator("#lost")).to_be_visible(timeout=15_000)


def test_a_page_of_a_desk_with_another_token_says_what_to_do_and_goes_on_once_it_is_done(browser, desk):
    words = [*WORDS, str(desk.home / "exchange"), "--port"]
    child, told = begin("dashboard", [*words, "0"], desk.home)
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    try:
        page.goto(told["open"])
        expect(page.locator("[data-figure=line]")).to_have_text("bot on the line")
        child.stop()
        (desk.home / "dashboard" / "token").unlink()
        child, new = begin("dashboard", [*words, told["url"].rsplit(":", 1)[1]], desk.home)
        assert new["token"] != told["token"]
        expect(page.locator("#lost-words")).to_contain_text("another token now: open the address that it printed")
        context.new_page().goto(new["open"])
        expect(page.locator("#lost")).to_be_hidden()
        expect(page.locator("[data-figure=line]")).to_have_text("bot on the line")
    finally:
        context.close()
        child.stop()
