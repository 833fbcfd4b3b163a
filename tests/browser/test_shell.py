"""The way in, the bar around every page, keys, and what is said when something breaks."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import expect

from bearskin.app.web._gate import cookie_of

from .conftest import PATIENCE_MS, begin, watched


def test_the_address_with_its_token_opens_the_desk_and_leaves_none_in_the_address(page, desk):
    page.context.clear_cookies()
    page.goto(desk.opening)
    assert "token" not in page.url
    page.get_by_text("bot on the line").wait_for()
    assert page.locator("[data-figure=equity]").inner_text().endswith("USDT")
    expect(page.locator("[data-figure=run]")).to_contain_text("demo")
    expect(page.locator("[data-figure=clock]")).to_contain_text("UTC")
    expect(page).to_have_title(re.compile(r"^[+−]?\d.* · .+ · bearskin$"))  # open PnL first


@pytest.mark.parametrize("path", ["/", "/api/v1/bot", "/static/desk.css", "/_nicegui/", "/favicon.ico"])
def test_without_the_token_nothing_is_told(desk, path):
    answer = httpx.get(f"{desk.url}{path}", trust_env=False)
    assert answer.status_code == 401
    assert desk.pages["token"] not in answer.text


def test_a_wrong_token_opens_nothing(desk):
    assert httpx.get(f"{desk.url}/?token=guess", trust_env=False).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Host": "evil.example"}, 421), ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403)],
)
def test_another_page_or_name_is_sent_away_even_with_the_token(desk, headers, status):
    bearer = {"Authorization": f"Bearer {desk.pages['token']}"}
    for path in ("/api/v1/bot", "/_nicegui_ws/socket.io/?EIO=4&transport=polling"):
        answer = httpx.get(f"{desk.url}{path}", headers={**bearer, **headers}, trust_env=False)
        assert answer.status_code == status


def test_a_cookie_alone_changes_nothing(desk):
    cookies = {cookie_of(desk.pages["token"]): desk.pages["token"]}
    answer = httpx.post(f"{desk.url}/api/v1/anything", cookies=cookies, trust_env=False)
    assert answer.status_code == 403


def test_no_token_is_in_a_log_or_an_answer(page, desk):
    page.goto(desk.opening)
    page.goto(f"{desk.url}/api/docs")
    expect(page.get_by_role("heading", name=re.compile("^API"))).to_be_visible()
    answer = desk.api("GET", "/nothing")
    assert (answer.status_code, list(answer.json())) == (404, ["error"])
    token = desk.pages["token"].encode()
    assert token not in answer.content
    told = [path for path in (desk.home / "logs").rglob("*") if path.is_file() and token in path.read_bytes()]
    assert told == []
    assert (desk.home / "dashboard" / "token").stat().st_mode & 0o077 == 0


def test_keys_lead_to_pages_and_are_listed(page):
    page.get_by_text("bot on the line").wait_for()
    ways = page.locator("[data-way]")
    for key in [way.get_attribute("data-key") for way in ways.all() if way.get_attribute("data-key")]:
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.locator(f'[data-way][data-key="{key}"]')).to_have_attribute("aria-current", "page")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(keys).to_contain_text("PANIC: asks first")
    page.keyboard.press("Escape")
    expect(keys).not_to_be_visible()


def test_the_theme_is_kept_and_there_before_the_first_paint(page):
    page.get_by_text("bot on the line").wait_for()
    root = page.locator("html")
    first = root.get_attribute("data-theme")
    other = {"dark": "light", "light": "dark"}[first]
    page.get_by_label("Dark or light").click()
    expect(root).to_have_attribute("data-theme", other)
    page.reload(wait_until="commit")
    page.wait_for_selector(f"html[data-theme={other}]", state="attached")
    page.wait_for_selector(f"body.body--{other}")
    page.get_by_label("Dark or light").click()
    expect(root).to_have_attribute("data-theme", first)


def test_panic_asks_first_and_says_what_became_of_it(page, desk):
    page.get_by_text("bot on the line").wait_for()
    page.keyboard.press("!")
    asked = page.get_by_role("alertdialog", name="Close everything?")
    expect(asked).to_contain_text("Open now:")
    asked.get_by_role("button", name="Cancel").click()
    expect(asked).not_to_be_visible()
    assert not desk.api("GET", "/bot").json()["state"]["mode"]["panicked"]
    page.get_by_role("button", name="PANIC").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Close everything").click()
    notice = page.locator("[data-figure=notice]")
    expect(notice).to_contain_text("nothing is opened until you lift it")
    assert desk.api("GET", "/bot").json()["state"]["mode"]["panicked"]
    expect(page.locator("[data-figure=alarms]")).to_have_class(re.compile("some"))
    notice.get_by_role("button", name="Lift the panic").click()
    expect(notice).not_to_be_visible()


def test_a_dialog_keeps_the_keyboard_and_gives_it_back(page):
    """The second Tab was behind the dialog, where nothing can be seen to be in focus; a button had no ring at all."""
    page.get_by_text("bot on the line").wait_for()
    page.get_by_role("button", name="PANIC").focus()
    page.keyboard.press("Enter")
    asked = page.get_by_role("alertdialog", name="Close everything?")
    expect(asked.get_by_role("button", name="Cancel")).to_be_focused()
    for key in ("Tab", "Tab", "Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab"):
        page.keyboard.press(key)
        assert page.evaluate("!!document.activeElement.closest('[role=alertdialog]')"), key
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Escape")
    expect(asked).not_to_be_visible()
    expect(page.get_by_role("button", name="PANIC")).to_be_focused(timeout=10_000)


def test_two_tabs_both_show_what_holds(page, desk):
    other = page.context.new_page()
    other.goto(desk.url)
    for tab in (page, other):
        expect(tab.locator("[data-figure=line]")).to_have_text("bot on the line")
    desk.api("POST", "/acts", **{"is": "Pause"})
    for tab in (page, other):
        expect(tab.locator("[data-figure=notice]")).to_contain_text("Paused")
    other.close()
    desk.api("POST", "/acts", **{"is": "Resume"})
    expect(page.locator("[data-figure=notice]")).not_to_be_visible()


DENIED = (
    "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name,"
    " { configurable: true, get() { throw new DOMException('denied', 'SecurityError'); } });"
)


def test_a_browser_that_keeps_nothing_for_a_page_shows_one_that_is_heard_and_acts(browser, desk):
    """Without it the page stood there as if all were well, told nothing new and had a PANIC that did nothing."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(DENIED)
    page = context.new_page()
    seen = watched(page)
    try:
        page.goto(desk.opening)
        page.wait_for_function("window.socket?.connected")
        page.get_by_role("button", name="PANIC").click()
        expect(page.get_by_role("alertdialog")).to_be_visible()
        assert seen.errors == []
    finally:
        context.close()


def test_where_nothing_changes_the_line_is_not_taken_for_lost(browser, tmp_path):
    """No bot and no venue: nothing of the page changes for longer than a silence may last."""
    child, told = begin("lone", ["dashboard", "--no-browser", "--port", "0"], tmp_path)
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    try:
        page.goto(f"{told['url']}/settings?token={told['token']}")
        page.wait_for_function("window.socket?.connected")
        page.evaluate(
            "() => new MutationObserver(() => { window.wasLost ||= !document.querySelector('#lost').hidden; })"
            ".observe(document.documentElement, { attributes: true, subtree: true, attributeFilter: ['hidden'] })"
        )
        page.wait_for_timeout(9_000)
        assert not page.evaluate("window.wasLost")
        expect(page.locator("#lost")).to_be_hidden()
    finally:
        context.close()
        child.stop()


def test_a_page_whose_line_never_came_says_so(browser, desk):
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script("Object.defineProperty(window, 'socket', { get() {}, set() {} });")
    page = context.new_page()
    try:
        page.goto(desk.opening)
        expect(page.locator("#lost-words")).to_contain_text("No word from the desk since")
    finally:
        context.close()
