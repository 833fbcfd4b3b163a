"""Decisions of a bot that trades a made-up market: they appear as they happen, can be filtered, and say why."""

from __future__ import annotations

import pytest
from browser.conftest import whole_desk

START = None  # each test goes where it wants


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A market that moves by itself, fast, and a bot that trades both sides of it."""
    with whole_desk(tmp_path_factory.mktemp("live"), prices="synthetic", sides="both", speed="180") as made:
        yield made


def test_decisions_appear_as_they_happen_and_open_their_why(page, desk):
    page.goto(f"{desk.url}/bot")
    rows = page.locator("[data-decision]")
    rows.first.wait_for(timeout=90_000)
    newest = int(rows.first.get_attribute("data-decision"))
    page.wait_for_function(
        "before => Number(document.querySelector('[data-decision]').dataset.decision) > before",
        arg=newest,
        timeout=90_000,
    )
    numbers = [int(one.get_attribute("data-decision")) for one in rows.all()]
    assert numbers == sorted(numbers, reverse=True)
    spoken = page.locator("[data-decision]", has=page.locator(".origin")).first
    spoken.click()
    sheet = page.locator("[data-panel=decision]")
    sheet.get_by_text("Evidence").wait_for()
    assert "no proven edge" in sheet.inner_text().lower() or "edge" in sheet.inner_text().lower()


def test_filters_leave_only_what_fits(page, desk):
    page.goto(f"{desk.url}/bot")
    page.locator("[data-decision]").first.wait_for(timeout=90_000)
    symbol = page.locator("[data-decision] .symbol").first.inner_text()
    other = "ETHUSDT" if symbol == "BTCUSDT" else "BTCUSDT"
    search = (
        page.locator("[data-panel=decisions]")
        .get_by_role("searchbox", name="Search")
        .or_(page.locator("[data-panel=decisions] input[aria-label=Search]"))
    )
    search.first.fill(symbol.lower())
    page.wait_for_function(
        "other => ![...document.querySelectorAll('[data-decision] .symbol')].some(one => one.textContent === other)",
        arg=other,
    )
    assert set(page.locator("[data-decision] .symbol").all_inner_texts()) <= {symbol}
    search.first.fill("no such word anywhere")
    page.get_by_text("no decision fits").wait_for()
    told = desk.api("GET", "/decisions?symbol=" + symbol).json()["decisions"]
    assert told
    assert {one["symbol"] for one in told} == {symbol}


def test_the_curve_grows_while_it_is_looked_at(page, desk):
    page.goto(f"{desk.url}/bot")
    page.locator("[data-figure=run-equity] .figure-value", has_text="USDT").wait_for()
    points = "() => bearskinEquity.points(Number(document.querySelector('.equity-chart').id.slice(1)))"
    page.wait_for_function(f"({points})() > 3", timeout=60_000)
    before = page.evaluate(points)
    page.wait_for_function(f"before => ({points})() > before", arg=before, timeout=60_000)
    told = desk.api("GET", "/equity").json()
    assert told["asset"] == "USDT"
    assert len(told["points"]) == told["rows"] > 3
