"""The scan's page: what stands is ranked, explained, and leads to the ticket."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from browser.conftest import whole_desk

START = None  # each test goes where it wants


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A made-up market that has a past to look at; the bot enters nothing."""
    with whole_desk(tmp_path_factory.mktemp("scan"), prices="synthetic", speed="60") as made:
        until_s = time.monotonic() + 90
        while not made.api("POST", "/scan", within=400, wait=True).json()["result"]["candidates"]:
            assert time.monotonic() < until_s, "nothing stands in this market"
        (made.home / "dashboard" / "prefs.json").write_text('{"scan_auto": false}', "utf-8")
        yield made


def found(page, desk):
    """The page of the scan once it has found something."""
    page.goto(f"{desk.url}/scan")
    page.locator("[data-go]").first.wait_for(timeout=90_000)
    return page.locator("[data-go]")


def test_a_row_leads_to_the_market_with_its_trade_in_the_address(page, desk):
    row = found(page, desk).first
    symbol, side = row.get_attribute("data-key").split(":")[:2]
    row.locator(".c-reward").click()
    page.wait_for_url(lambda url: "symbol=" in url, timeout=20_000)
    there = urlsplit(page.url)
    asked = parse_qs(there.query)
    assert there.path == "/"
    assert asked["symbol"] == [symbol]
    assert asked.get("side", ["short"]) == [side]
    assert float(asked["stop"][0]) > 0


def test_details_tell_evidence_and_who_stands_on_the_other_side(page, desk):
    rows = found(page, desk)
    page.locator("[data-figure=advice]", has_text="Nothing here is advice").wait_for()
    rows.first.locator("[data-more]").click()
    inside = page.locator("tr.opened")
    inside.wait_for()
    words = inside.inner_text()
    assert "Evidence" in words
    assert "Who is on the other side" in words
    assert "No data" in words  # a made-up market has no Fear & Greed
    assert page.url.endswith("/scan")


def test_filter_and_order(page, desk):
    rows = found(page, desk)
    symbol = rows.first.get_attribute("data-go").split("symbol=")[1].split("&")[0]
    page.locator("input[aria-label=Search]").fill(symbol.lower())
    page.wait_for_function(
        "symbol => [...document.querySelectorAll('.candidate')].every(one => one.dataset.key.startsWith(symbol))",
        arg=symbol,
    )
    page.locator("[data-sort=age]").click()
    page.locator("th[aria-sort=ascending] [data-sort=age]").wait_for()
    ages = [int(one.inner_text()) for one in page.locator(".c-age").all()]
    assert ages == sorted(ages)


def test_the_api_tells_the_same_and_refuses_what_cannot_be(desk):
    told = desk.api("GET", "/scan").json()
    row = told["result"]["candidates"][0]
    assert row["evidence"]["sentence"]
    assert row["path"].startswith("/?")
    assert told["result"]["cards"][row["symbol"]]["crowd"]["short"]["lamps"][0]["name"] == "open interest"
    wrong = desk.api("POST", "/scan", source="venue", at="2024-01-01")
    assert wrong.status_code == 422
    assert "a time is for stored data" in wrong.text
    assert desk.api("POST", "/scan", within=0).status_code == 422
