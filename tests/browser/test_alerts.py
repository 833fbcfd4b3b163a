"""Alerts and settings as a person uses them: a rule rings when the price comes, and a key typed in never comes back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

START = None  # each test goes where it wants
KEY, SECRET = "kEy0123456789abcdef", "s3cretS3cretS3cret"
LONG_MS = 30_000


def go(page, desk, path):
    page.goto(f"{desk.url}{path}")
    page.locator("main .panel").first.wait_for(timeout=LONG_MS)


def rows(page):
    return page.locator("[data-panel=rules] tr[data-rule]")


def test_a_price_rule_made_in_the_page_rings_when_the_price_comes_and_is_off_then(page, desk):
    desk.index("BTCUSDT", "60000")
    go(page, desk, "/alerts")
    page.get_by_label("Value").fill("60500")
    page.get_by_label("Note").fill("resistance")
    page.get_by_role("button", name="Add the rule").click()
    expect(rows(page)).to_have_count(1, timeout=LONG_MS)
    expect(rows(page)).to_contain_text("BTCUSDT mark price above 60,500")
    expect(page.locator("[data-panel=warnings]")).not_to_contain_text("above 60,500")
    desk.index("BTCUSDT", "60600")
    expect(page.locator("[data-panel=warnings]")).to_contain_text("above 60,500 (resistance)", timeout=LONG_MS)
    expect(page.locator(".toast")).to_contain_text("BTCUSDT mark price is", timeout=LONG_MS)
    expect(rows(page)).to_contain_text("1×", timeout=LONG_MS)
    expect(rows(page).get_by_role("switch")).not_to_be_checked()
    expect(page.locator("[data-panel=rules] th", has_text="Rang, by your clock")).to_be_visible()
    expect(rows(page)).to_contain_text(" UTC")
    expect(page.locator("[data-figure=clocks]")).to_contain_text("Times in this list are the market's")
    rang = desk.api("GET", "/alerts").json()["rang"]
    assert [one["symbol"] for one in rang] == ["BTCUSDT"]


def test_a_rule_is_changed_and_deleted_in_the_page(page, desk):
    made = desk.api("POST", "/alerts", about="funding", compare="below", value="-0.9 %").json()
    go(page, desk, "/alerts")
    row = page.locator(f"tr[data-rule='{made['id']}']")
    row.get_by_role("button", name="Change").click()
    expect(page.get_by_label("Value")).to_have_value("-0.9 %")
    page.get_by_label("Value").fill("-0.8 %")
    page.get_by_role("button", name="Keep the change").click()
    expect(row).to_contain_text("below −0.8 %", timeout=LONG_MS)
    row.get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0, timeout=LONG_MS)
    assert made["id"] not in [one["id"] for one in desk.api("GET", "/alerts").json()["rules"]]


def test_a_rule_that_cannot_be_is_said_in_a_sentence(page, desk):
    before = len(desk.api("GET", "/alerts").json()["rules"])
    go(page, desk, "/alerts")
    page.get_by_label("Value").fill("much")
    page.get_by_role("button", name="Add the rule").click()
    expect(page.locator("[data-figure=rule-said]")).to_contain_text(
        "price was 'much', must be a number", timeout=LONG_MS
    )
    assert len(desk.api("GET", "/alerts").json()["rules"]) == before


def test_a_setting_is_changed_and_taken_back(page, desk):
    go(page, desk, "/settings")
    row = page.locator("[data-setting=equity]")
    row.get_by_role("button", name="Change equity").click()
    row.get_by_label("equity", exact=True).fill("many")
    row.get_by_role("button", name="Keep equity").click()
    expect(row).to_contain_text("equity was 'many'", timeout=LONG_MS)
    row.get_by_label("equity", exact=True).fill("2500")
    row.get_by_role("button", name="Keep equity").click()
    expect(row).to_contain_text("config.toml", timeout=LONG_MS)
    assert 'equity = "2500"' in (desk.home / "config.toml").read_text()
    row.get_by_role("button", name="Change equity").click()
    row.get_by_role("button", name="Take equity back").click()
    expect(row).to_contain_text("default", timeout=LONG_MS)


@pytest.mark.parametrize("venue", ["binance-demo", "no venue"])
def test_a_key_typed_in_never_comes_back(page, desk, venue):
    """There may be no keyring here, and one name is no venue: in neither case may the key be told."""
    told: list[str] = []
    page.on("response", lambda answer: told.append(answer.text()) if "/_nicegui/" not in answer.url else None)
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: told.append(str(frame))))
    go(page, desk, "/settings")
    keys = page.locator("[data-panel=keys]")
    keys.get_by_label("Venue", exact=True).fill(venue)
    keys.get_by_label("Key", exact=True).fill(KEY)
    keys.get_by_label("Secret").fill(SECRET)
    keys.get_by_role("button", name="Put it into the keyring").click()
    expect(page.locator("[data-figure=keys-said]")).to_be_visible(timeout=LONG_MS)
    page.reload()
    page.locator("[data-panel=keys]").wait_for(timeout=LONG_MS)
    shown = page.content() + page.evaluate("[...document.querySelectorAll('input')].map((one) => one.value).join()")
    told.append(desk.api("GET", "/settings/safety").text)
    for secret in (KEY, SECRET):
        assert secret not in shown
        assert secret not in "".join(told)
    for path in desk.home.rglob("*"):
        if path.is_file() and path.stat().st_size < 5_000_000:
            assert KEY.encode() not in path.read_bytes(), path
