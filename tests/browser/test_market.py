"""The market page: candles that move, lines that are dragged, and what the exchange then has."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import expect

from .conftest import WholeDesk, whole_desk

START = None  # each test goes where it wants
WAIT_MS = 60_000
HELD = "60000"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeDesk]:
    """A desk on a made-up market with a past; the index of BTCUSDT is held, so that nothing runs into a stop."""
    with whole_desk(tmp_path_factory.mktemp("market"), prices="synthetic") as made:
        made.index("BTCUSDT", HELD)
        yield made


@pytest.fixture(scope="module")
def short(desk: WholeDesk) -> str:
    """A short in BTCUSDT with its stop at the exchange; its trade's number."""
    desk.index("BTCUSDT", HELD)
    until(lambda: abs(Decimal(state(desk)["prices"]["BTCUSDT"]["mark"] or 0) / Decimal(HELD) - 1) < Decimal("0.002"))
    said = {"is": "Open", "symbol": "BTCUSDT", "side": -1, "stop": "60900", "qty": "0.01", "targets": ["58500"]}
    answer = desk.api("POST", "/acts", **said)
    assert answer.status_code == 200, answer.text
    until(lambda: held(desk) is not None and held(desk)["protected"])
    return str(held(desk)["trade"])


def until(asked: Callable[[], Any], wait_s: float = 60.0) -> None:
    """Wait for it to be true."""
    end_s = time.monotonic() + wait_s
    while not asked():
        assert time.monotonic() < end_s, "it has not come about"
        time.sleep(0.1)


def state(desk: WholeDesk) -> dict[str, Any]:
    """How the bot stands."""
    return desk.api("GET", "/bot").json()["state"]


def held(desk: WholeDesk) -> Any:
    """Our position in BTCUSDT, None without one."""
    return next((one for one in state(desk)["positions"] if one["symbol"] == "BTCUSDT"), None)


def triggers(desk: WholeDesk) -> list[Decimal]:
    """The trigger prices of stops that rest at the exchange, as the exchange itself tells them."""
    query = urlencode({"symbol": "BTCUSDT", "timestamp": int(time.time() * 1000), "recvWindow": 60_000})
    signature = hmac.new(desk.market["secret"].encode(), query.encode(), hashlib.sha256).hexdigest()
    answer = httpx.get(
        f"{desk.market['url']}/fapi/v1/openAlgoOrders?{query}&signature={signature}",
        headers={"X-MBX-APIKEY": desk.market["key"]},
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    return sorted(Decimal(one["triggerPrice"]) for one in answer.json() if "STOP" in one["orderType"])


def opened(page: Any, path: str = "/?symbol=BTCUSDT") -> Any:
    """The market page with its candles; the chart's element."""
    page.goto(path)
    chart = page.locator("[data-panel=chart] .mk-chart[data-candles]")
    chart.wait_for(timeout=WAIT_MS)
    return chart


def dragged(page: Any, line: Any, up_px: float) -> None:
    """Take hold of a line and let go of it further up."""
    box = line.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(x, y - up_px * step / 5)
    page.mouse.up()


def price_of(line: Any) -> Decimal:
    """Where a line stands."""
    return Decimal(line.get_attribute("aria-valuenow"))


def replaced(desk: WholeDesk, before: list[Decimal]) -> Decimal:
    """Where the stop stands once it is another than `before`, the only one there and the bot's own: the new one
    rests beside the old one for a moment, and the bot hears of it after the exchange has it.
    """
    until(lambda: triggers(desk) not in (before, []) and triggers(desk) == [Decimal(held(desk)["stop"])])
    assert held(desk)["protected"]
    return Decimal(held(desk)["stop"])


def test_candles_come_and_go_on_when_the_index_moves(page, desk):
    chart = opened(page)
    assert int(chart.get_attribute("data-candles")) > 500
    page.wait_for_function("(host) => host.dataset.candles >= 5000", arg=chart.element_handle(), timeout=WAIT_MS)
    for price in ("60000", "60120"):
        desk.index("BTCUSDT", price)
        page.wait_for_function(
            "([host, price]) => Math.abs(host.dataset.mark - price) < 30 && Math.abs(host.dataset.close - price) < 60",
            arg=[chart.element_handle(), int(price)],
            timeout=WAIT_MS,
        )
    assert re.fullmatch(r"60,\d{3}\.\d", page.locator("[data-figure=mark] .figure-value").inner_text())
    desk.index("BTCUSDT", HELD)


def sight(page: Any, *, hidden: bool) -> None:
    """Have the page believe that it is behind another tab, or in front again."""
    page.evaluate(
        "(hidden) => { Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )


def test_a_hidden_page_is_sent_no_prices_and_has_the_newest_when_it_is_seen(page, desk):
    frames: list[str] = []
    page.on("websocket", lambda line: line.on("framereceived", lambda said: frames.append(str(said))))
    chart = opened(page)
    page.wait_for_function("(host) => host.dataset.mark", arg=chart.element_handle(), timeout=WAIT_MS)
    sight(page, hidden=True)
    page.wait_for_timeout(3_000)  # what was on its way, and the rest of the first load
    frames.clear()
    desk.index("BTCUSDT", "60240")
    page.wait_for_timeout(3_000)
    end_s = time.monotonic() + WAIT_MS / 1000
    while not frames:  # the line itself is not quiet, but it may be slow
        assert time.monotonic() < end_s, "nothing comes over the line at all"
        page.wait_for_timeout(100)
    assert [one[:120] for one in frames if "bearskinSide." in one or "bearskinMarket.p" in one] == []
    sight(page, hidden=False)
    page.wait_for_function(
        "(host) => Math.abs(host.dataset.mark - 60240) < 60 && Math.abs(host.dataset.close - 60240) < 90",
        arg=chart.element_handle(),
        timeout=WAIT_MS,
    )
    desk.index("BTCUSDT", HELD)


def test_another_interval_is_another_series_and_is_remembered(page, desk):
    chart = opened(page)
    page.wait_for_function("(host) => host.dataset.candles >= 5000", arg=chart.element_handle(), timeout=WAIT_MS)
    page.get_by_role("button", name="1h", exact=True).click()
    page.wait_for_function("(host) => host.dataset.candles < 3000", arg=chart.element_handle(), timeout=WAIT_MS)
    expect(page.get_by_role("button", name="1h", exact=True)).to_have_attribute("aria-pressed", "true")
    opened(page)
    expect(page.get_by_role("button", name="1h", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="5m", exact=True).click()
    expect(page.get_by_role("button", name="5m", exact=True)).to_have_attribute("aria-pressed", "true")


def test_a_dragged_stop_is_the_trigger_at_the_exchange(page, desk, short):
    opened(page)
    before = triggers(desk)
    line = page.locator(f"[data-line='stop:{short}']")
    line.wait_for(timeout=WAIT_MS)
    was = price_of(line)
    dragged(page, line, -12)
    moved = replaced(desk, before)
    assert Decimal(60_000) < moved < was
    until(lambda: price_of(line) == moved)


def test_a_line_that_ends_while_it_is_held_is_said_to_have_moved_nothing(page, desk):
    opened(page, "/?symbol=ETHUSDT")
    page.get_by_role("button", name="Draft on the chart").click()
    line = page.locator("[data-line='draft-stop']")
    line.wait_for(timeout=WAIT_MS)
    box = line.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] - 20)
    page.get_by_role("button", name="Take the draft off").evaluate("(button) => button.click()")
    page.get_by_text("not moved: the stop ended while it was held").wait_for(timeout=WAIT_MS)
    page.mouse.up()
    expect(line).to_have_count(0)


def test_a_stop_dragged_to_the_wrong_side_goes_back_and_says_why(page, desk, short):
    opened(page)
    line = page.locator(f"[data-line='stop:{short}']")
    line.wait_for(timeout=WAIT_MS)
    was, before = price_of(line), triggers(desk)
    dragged(page, line, -line.bounding_box()["y"] - 2_000)
    said = page.locator("[data-figure=chart-said]")
    page.wait_for_function(
        "(said) => said.textContent.startsWith('not moved')", arg=said.element_handle(), timeout=WAIT_MS
    )
    assert "would go off at once" in said.inner_text()
    until(lambda: price_of(line) == was)
    assert triggers(desk) == before


def test_arrow_keys_move_a_stop_and_escape_leaves_it(page, desk, short):
    opened(page)
    line = page.locator(f"[data-line='stop:{short}']")
    line.wait_for(timeout=WAIT_MS)
    was = price_of(line)
    line.focus()
    page.keyboard.press("PageDown")
    assert price_of(line) == was - 10
    page.keyboard.press("Escape")
    assert price_of(line) == was
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Enter")
    until(lambda: Decimal(held(desk)["stop"]) == was - 1)


def test_the_strip_says_that_a_position_is_protected_and_moves_its_stop(page, desk, short):
    opened(page)
    row = page.locator("[data-position=BTCUSDT]")
    row.wait_for(timeout=WAIT_MS)
    assert "PROTECTED" in row.locator("[data-figure=protection]").inner_text()
    assert "−0.01" in row.inner_text()
    field = row.get_by_label("Stop of BTCUSDT")
    field.fill("60,850")
    row.get_by_role("button", name="Move").click()
    until(lambda: Decimal(held(desk)["stop"]) == 60_850)


def test_a_draft_comes_from_the_address_and_its_line_is_dragged(page, desk):
    opened(page, "/?symbol=ETHUSDT")
    until(lambda: page.locator("[data-figure=mark] .figure-value").inner_text() != "–")
    last = Decimal(page.locator("[data-figure=mark] .figure-value").inner_text().replace(",", ""))
    stop = (last * Decimal("1.01")).quantize(Decimal("0.1"))
    opened(page, f"/?symbol=ETHUSDT&stop={stop}")
    line = page.locator("[data-line='draft-stop']")
    line.wait_for(timeout=WAIT_MS)
    assert price_of(line) == stop
    dragged(page, line, 20)
    page.wait_for_function(
        "([line, was]) => line.getAttribute('aria-valuenow') > was && !line.closest('.pending')",
        arg=[line.element_handle(), float(stop)],
        timeout=WAIT_MS,
    )
    moved = price_of(line)
    dragged(page, line, -2_000)  # below the market, where a short's stop cannot stand
    page.get_by_text("not moved: the stop of a short stands above").wait_for(timeout=WAIT_MS)
    until(lambda: price_of(line) == moved)


def test_depth_tape_positioning_symbols_and_contract_are_told(page, desk):
    opened(page)
    page.locator("[data-panel=depth] .bids li").nth(5).wait_for(timeout=WAIT_MS)
    page.locator("[data-panel=tape] li").first.wait_for(timeout=WAIT_MS)
    page.locator("[data-panel=symbols] .mk-grade").first.wait_for(timeout=WAIT_MS)
    assert page.locator("[data-panel=symbols] tbody tr").count() == 2
    assert "estimates" in page.locator("[data-panel=symbols]").inner_text()
    page.locator("[data-figure=funding-fact]").wait_for(timeout=WAIT_MS)
    assert "every 8 h" in page.locator("[data-figure=funding-fact]").inner_text()
    assert "0.1 USDT" in page.locator("[data-panel=spec]").inner_text()
    asks = page.locator("[data-panel=depth] .asks li span:first-child").all_inner_texts()
    prices = [Decimal(one.replace(",", "")) for one in asks]
    assert prices == sorted(prices, reverse=True)


def test_a_set_up_brings_its_evidence_and_is_drawn(page, desk):
    chart = opened(page)
    first = page.locator("[data-panel=setups] .mk-setup").first
    first.wait_for(timeout=WAIT_MS)
    assert "edge" in first.inner_text() or "evidence against" in first.inner_text()
    assert int(chart.get_attribute("data-setups")) > 0
    others = page.locator("[data-panel=setups] .mk-setup[aria-pressed=false]")
    if others.count():
        before = chart.get_attribute("data-chosen")
        others.first.click()
        page.wait_for_function(
            "([host, before]) => host.dataset.chosen !== before", arg=[chart.element_handle(), before], timeout=WAIT_MS
        )


def test_a_phone_has_the_chart_first_and_nothing_beside_the_page(browser, desk):
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, base_url=desk.url
    )
    page = context.new_page()
    page.goto(desk.opening)
    opened(page)
    page.locator("[data-panel=setups] .mk-setup").first.wait_for(timeout=WAIT_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    chart, ticket, symbols = (
        page.locator(f"[data-panel={key}]").bounding_box() for key in ("chart", "ticket", "symbols")
    )
    assert chart["width"] > 360
    assert chart["y"] < ticket["y"] < symbols["y"]
    context.close()


@pytest.mark.parametrize(
    ("path", "fits"),
    [
        ("symbols", lambda said: {row["symbol"] for row in said} == {"BTCUSDT", "ETHUSDT"}),
        ("spec?symbol=BTCUSDT", lambda said: said["tick"] == "0.1" and said["max_leverage"] >= 100),
        ("candles?symbol=BTCUSDT&interval=1h&limit=50", lambda said: len(said["candles"]) == 50),
        ("funding?symbol=BTCUSDT", lambda said: said["interval_h"] == 8 and said["words"]),
        ("interest?symbol=BTCUSDT", lambda said: said["rows"] or said["missing"]),
        ("ratio?symbol=BTCUSDT", lambda said: said["rows"] or said["missing"]),
        ("depth?symbol=BTCUSDT", lambda said: said["bids"][0][0] < said["asks"][0][0]),
        ("setups?symbol=BTCUSDT&interval=1h", lambda said: all(one["evidence"] for one in said)),
    ],
)
def test_the_api_tells_the_same(desk, path, fits):
    answer = desk.api("GET", f"/market/{path}")
    assert answer.status_code == 200, answer.text
    assert fits(answer.json())


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("spec?symbol=NOTHING", "no perpetual"),
        ("candles?symbol=BTCUSDT&interval=7m", "must be one of"),
        ("setups?symbol=BTCUSDT&interval=7m", "must be one of"),
    ],
)
def test_the_api_says_in_one_sentence_what_cannot_be(desk, path, word):
    answer = desk.api("GET", f"/market/{path}")
    assert answer.status_code == 422
    assert word in answer.text
