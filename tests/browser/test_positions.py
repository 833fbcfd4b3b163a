"""The page of positions as its user sees it: a short on its way, its acts, its liquidation, wallets and exports."""

from __future__ import annotations

import csv
import io
import re
import time
from decimal import Decimal
from typing import Any

import httpx
import pytest

from bearskin.app._bot_client import BotClient
from bearskin.app._runs import bot_of, runs_of

START = "/positions"
BTC, ETH = "BTCUSDT", "ETHUSDT"
WAIT_S = 45.0


@pytest.fixture(scope="module")
def hand(desk: Any) -> Any:
    """The bot's own door, with a price for it to trade at."""
    desk.index(BTC, "60000")
    desk.index(ETH, "3000")
    address = bot_of(runs_of(desk.home / "journal")[-1])
    client = BotClient(address)
    until(lambda: {BTC, ETH} <= set(client.state()["prices"]))
    yield client
    client.close()


def until(true: Any, wait_s: float = WAIT_S) -> Any:
    """What `true` says once it is something."""
    end_s = time.monotonic() + wait_s
    while not (found := true()):
        assert time.monotonic() < end_s, "it has not come to that"
        time.sleep(0.05)
    return found


def short(desk: Any, hand: BotClient, symbol: str, price: str, **more: Any) -> None:
    """A short through the bot's door at a fresh price, once it is protected at the venue."""

    def opened() -> bool:
        desk.index(symbol, f"{Decimal(price) * Decimal('1.0005'):f}")  # a price that stands still grows old
        desk.index(symbol, price)
        until(lambda: abs(Decimal(hand.state()["prices"][symbol]["bid"] or 0) / Decimal(price) - 1) < Decimal("0.0001"))
        note = hand.act({"is": "Open", "symbol": symbol, "side": -1, "note": "highs sold", **more})
        assert not note.get("refused") or "old" in note["refused"], note
        return not note.get("refused")

    until(opened)
    until(lambda: any(one["symbol"] == symbol and one["protected"] for one in hand.state()["positions"]))


def row(page: Any, symbol: str) -> Any:
    """The row of a position on its page."""
    return page.locator(f'[data-position="{symbol}/BOTH"]')


def cell(found: Any, key: str) -> str:
    """What a cell says."""
    return str(found.locator(f"[data-cell={key}]").inner_text())


def stop_at_exchange(desk: Any, symbol: str) -> list[str]:
    """Triggers of the stops that rest at the exchange."""
    orders = desk.api("GET", "/orders").json()["orders"]
    return [one["trigger"] for one in orders if one["symbol"] == symbol and one["for"] == "stop"]


def test_a_short_is_a_negative_quantity_whose_profit_moves_with_the_mark(page, desk, hand):
    """0.01 coins short at about 60,000: 600 lower is 6 earned; 5x on 594 at mark makes that 5.05 %."""
    short(desk, hand, BTC, "60000", stop="62400", qty="0.01")
    held = row(page, BTC)
    held.get_by_text("PROTECTED").wait_for()
    assert cell(held, "size").startswith("−0.010")
    held.get_by_text("same at the venue").wait_for()  # the account is asked apart from the bot
    assert "speculation" in cell(held, "what")
    desk.index(BTC, "59400")
    held.get_by_text("+6.00").wait_for()
    assert "+5.05 %" in cell(held, "pnl")
    desk.index(BTC, "60300")
    held.get_by_text("−3.00").wait_for()
    assert "62,400.0" in cell(held, "stop")
    assert re.search(r"71,7\d\d\.\d", cell(held, "liquidation"))
    desk.index(BTC, "60000")


def test_a_part_is_closed_once_where_it_was_pressed_twice_and_the_rest_stays_protected(page, hand):
    """Half of 0.01 twice would leave a quarter of it."""
    held = row(page, BTC)
    held.get_by_label("Close 50 % of BTCUSDT short at market").dblclick()
    page.get_by_text("pressed twice, done once").wait_for()
    held.get_by_text("−0.005", exact=True).wait_for()
    held.get_by_text("PROTECTED").wait_for()
    (position,) = hand.state()["positions"]
    assert Decimal(position["qty"]) == Decimal("-0.005")


def test_a_stop_that_is_moved_has_moved_at_the_exchange(page, desk):
    held = row(page, BTC)
    held.get_by_role("button", name="Manage BTCUSDT short").click()
    held.get_by_label("New stop").fill("61500")
    held.get_by_label("Move the stop", exact=True).click()
    held.get_by_text("61,500.0").wait_for()
    until(lambda: stop_at_exchange(desk, BTC) == ["61500"])


def test_a_stop_on_the_wrong_side_is_refused_in_a_sentence(page, desk):
    held = row(page, BTC)
    held.get_by_role("button", name="Manage BTCUSDT short").click()
    held.get_by_label("New stop").fill("59000")
    held.get_by_label("Move the stop", exact=True).click()
    page.get_by_text("would go off at once").first.wait_for()
    assert stop_at_exchange(desk, BTC) == ["61500"]


def test_margin_is_added_and_taken_out_only_as_far_as_risk_lets_it(page, desk):
    """About 60 of margin at 5x: 30 more move liquidation away; 60 out of 90 would be a leverage of 10."""
    held = row(page, BTC)
    before = desk.api("GET", "/positions").json()["positions"][0]
    held.get_by_role("button", name="Manage BTCUSDT short").click()
    held.get_by_label("Amount").fill("30")
    held.get_by_label("Add margin").click()
    page.get_by_text(re.compile("30 USDT added by hand: liquidation")).wait_for()

    def grown() -> bool:
        now = desk.api("GET", "/positions").json()["positions"][0]
        level = Decimal(now["liquidation_prices"][0])
        return Decimal(now["margin"]) - Decimal(before["margin"]) == 30 and level > Decimal(76000)

    until(grown)
    held.get_by_label("Amount").fill("60")
    held.get_by_label("Take margin out").click()
    page.get_by_text(re.compile("leverage above the preset")).first.wait_for()


def test_a_thesis_is_written_down_with_the_trade(page, hand):
    held = row(page, BTC)
    held.get_by_role("button", name="Manage BTCUSDT short").click()
    held.get_by_text("highs sold").wait_for()
    held.get_by_label("Thesis", exact=True).fill("lower highs on falling volume")
    held.get_by_label("Save the thesis").click()
    until(lambda: hand.state()["positions"][0]["thesis"] == "lower highs on falling volume")


def test_everything_moves_and_the_page_says_who_is_liquidated(page):
    row(page, BTC)
    shock = page.locator("[data-panel=shock]")
    shock.get_by_text("estimate", exact=True).wait_for()
    shock.get_by_label("Move, %").fill("80")
    shock.get_by_text(re.compile("BTCUSDT is liquidated at")).wait_for()
    shock.get_by_label("Move, %").fill("-20")
    shock.get_by_text("nobody is liquidated").wait_for()


def test_money_moves_between_the_wallets(page, desk):
    row(page, BTC)
    wallets = page.locator("[data-panel=wallets]")
    figures = {name: wallets.locator(f"[data-figure=wallet-{name}] .figure-value") for name in ("spot", "futures")}
    until(lambda: "USDT" in figures["futures"].inner_text())
    before = amount(figures["futures"].inner_text())
    wallets.get_by_label("Amount").fill("250.5")
    wallets.get_by_role("button", name="Transfer").click()
    until(lambda: amount(figures["spot"].inner_text()) == Decimal("250.5"))
    until(lambda: before - amount(figures["futures"].inner_text()) == Decimal("250.5"))
    wallets.get_by_label("Amount").fill("99999")
    wallets.get_by_role("button", name="Transfer").click()
    page.get_by_text(re.compile("insufficient")).first.wait_for()
    assert desk.api("GET", "/wallets").json()["wallets"][0]["total"] == "250.5"


def amount(text: str) -> Decimal:
    return Decimal(text.split()[0].replace(",", "").replace("−", "-"))


def test_funding_is_listed_and_exported(page, desk):
    """0.005 coins at about 60,000 and 0.1 %: 0.30 for a short where the rate is positive."""
    desk.control("POST", f"/symbols/{BTC}/funding_rate", rate="0.001")
    desk.control("POST", f"/symbols/{BTC}/settle")
    row(page, BTC)
    page.get_by_role("tab", name="Funding").click()
    table = page.get_by_role("table", name="Funding")
    table.get_by_text(re.compile(r"\+0\.(30|29)\d\d")).wait_for()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Funding as CSV").click()
    rows = list(csv.DictReader(io.StringIO(waiting.value.path().read_text("utf-8"))))
    assert [(one["symbol"], one["asset"]) for one in rows] == [(BTC, "USDT")]
    assert abs(Decimal(rows[0]["amount"]) - Decimal("0.3")) < Decimal("0.001")
    page.get_by_role("tab", name="Fills").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Fills as CSV").click()
    fills = list(csv.DictReader(io.StringIO(waiting.value.path().read_text("utf-8"))))
    assert {one["symbol"] for one in fills} == {BTC}
    assert desk.api("GET", "/closed-trades.csv").text.startswith("trade,entered,ended,symbol,")
    page.get_by_role("tab", name="Income").click()
    page.get_by_role("table", name="Income").get_by_text("funding fee").wait_for()


def test_a_jump_past_the_stop_is_a_liquidation_and_its_report_says_what_it_took(page, desk, hand):
    """Stops protect while price walks: only a jump past stop and liquidation at once, by the demo's own tool."""
    short(desk, hand, ETH, "3000", stop="3120", qty="0.2")
    held = row(page, ETH)
    held.get_by_text("PROTECTED").wait_for()
    push = page.locator("[data-panel=push]")
    push.get_by_label("Symbol").click()
    page.get_by_role("option", name=ETH).click()
    push.get_by_label("Index goes to").fill("3900")
    push.get_by_role("button", name="Push", exact=True).click()
    held.wait_for(state="detached")
    page.get_by_role("tab", name="Liquidations").click()
    report = page.get_by_role("table", name="Liquidations")
    report.get_by_text("nothing is owed").wait_for()
    (told,) = desk.api("GET", "/liquidations").json()["liquidations"]
    assert (told["symbol"], Decimal(told["qty"]), told["debt"]) == (ETH, Decimal("-0.2"), "0")
    assert abs(Decimal(told["collateral"]) - 120) < 1  # all of its 600 / 5
    page.get_by_role("tab", name="Closed trades").click()
    page.get_by_role("table", name="Closed trades").get_by_text("liquidated").wait_for()


def test_on_a_phone_rows_are_cards_and_nothing_scrolls_sideways(page):
    held = row(page, BTC)
    held.get_by_text("PROTECTED").wait_for()
    page.set_viewport_size({"width": 390, "height": 844})
    until(lambda: page.evaluate("document.documentElement.scrollWidth") <= 390)
    box = held.locator(".cell-liquidation").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390
    assert held.get_by_label("Close 100 % of BTCUSDT short at market").is_visible()


def test_the_control_token_stays_out_of_the_browser(page, desk):
    row(page, BTC).get_by_text("PROTECTED").wait_for()
    assert desk.market["token"] not in page.content()
    assert httpx.get(f"{desk.url}/api/v1/positions", trust_env=False).status_code == 401
