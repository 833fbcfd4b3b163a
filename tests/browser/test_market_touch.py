"""Lines of the chart taken hold of by a finger: stop and target go where they were let go, at the exchange too."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from .conftest import PATIENCE_MS, WholeDesk, watched, whole_desk
from .test_market import HELD, held, opened, price_of, replaced, state, triggers, until

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeDesk]:
    """A desk with a short in BTCUSDT that has two targets."""
    with whole_desk(tmp_path_factory.mktemp("touch"), prices="synthetic") as made:
        made.index("BTCUSDT", HELD)
        until(
            lambda: abs(Decimal(state(made)["prices"]["BTCUSDT"]["mark"] or 0) / Decimal(HELD) - 1) < Decimal("0.002")
        )
        said = {"is": "Open", "symbol": "BTCUSDT", "side": -1, "stop": "60900", "qty": "0.01"}
        answer = made.api("POST", "/acts", **said, targets=["59400", "59000"])
        assert answer.status_code == 200, answer.text
        until(lambda: held(made) is not None and held(made)["protected"] and len(limits(made)) == 2)
        yield made


@pytest.fixture
def phone(browser: Any, desk: WholeDesk) -> Iterator[Any]:
    """A phone with a finger, let in already."""
    context = browser.new_context(**PHONE, base_url=desk.url)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    seen = watched(page)
    page.goto(desk.opening)
    opened(page)
    yield page
    context.close()
    assert seen.errors == []


def limits(desk: WholeDesk) -> list[Decimal]:
    """Prices of the limit orders that rest at the exchange, as the exchange itself tells them."""
    query = urlencode({"symbol": "BTCUSDT", "timestamp": int(time.time() * 1000), "recvWindow": 60_000})
    signature = hmac.new(desk.market["secret"].encode(), query.encode(), hashlib.sha256).hexdigest()
    answer = httpx.get(
        f"{desk.market['url']}/fapi/v1/openOrders?{query}&signature={signature}",
        headers={"X-MBX-APIKEY": desk.market["key"]},
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    return sorted(Decimal(one["price"]) for one in answer.json())


def line_of(page: Any, desk: WholeDesk, key: str) -> Any:
    """A line of the position, in sight."""
    line = page.locator(f"[data-line='{key}:{held(desk)['trade']}']")
    line.wait_for()
    line.scroll_into_view_if_needed()
    return line


def swiped(page: Any, line: Any, up_px: float, *, lifted: bool = True) -> None:
    """Lay a finger on a line, draw it up and, unless the touch is taken away, lift it."""
    box = line.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger = page.context.new_cdp_session(page)
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 9):
        point = {"x": x, "y": y - up_px * step / 8}
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd" if lifted else "touchCancel", "touchPoints": []})
    finger.detach()


def test_a_finger_moves_a_target_and_the_stop_stays_where_it_is(phone, desk):
    line = line_of(phone, desk, "target-1")
    was, far, stop, scrolled = price_of(line), limits(desk)[0], triggers(desk), phone.evaluate("window.scrollY")
    swiped(phone, line, 14)
    until(lambda: Decimal(held(desk)["targets"][0]) != was)
    moved = Decimal(held(desk)["targets"][0])
    assert was < moved < Decimal(HELD)
    until(lambda: limits(desk) == [far, moved])
    until(lambda: price_of(line) == moved)
    assert (triggers(desk), held(desk)["protected"]) == (stop, True)
    assert phone.evaluate("window.scrollY") == scrolled  # the page did not go with the finger
    assert "the target 1 goes to" in phone.locator("[data-figure=chart-said]").inner_text()


def test_a_target_drawn_across_the_entry_goes_back_and_says_why(phone, desk):
    line = line_of(phone, desk, "target-1")
    was, before = price_of(line), limits(desk)
    above = phone.locator(f"[data-line='stop:{held(desk)['trade']}']").bounding_box()["y"]
    swiped(phone, line, line.bounding_box()["y"] - above)
    said = phone.locator("[data-figure=chart-said]")
    phone.wait_for_function("(said) => said.textContent.startsWith('not moved')", arg=said.element_handle())
    assert "target" in said.inner_text()
    until(lambda: price_of(line) == was)
    assert limits(desk) == before


def test_a_finger_moves_the_stop_and_a_touch_that_is_taken_away_moves_nothing(phone, desk):
    line = line_of(phone, desk, "stop")
    was, before = price_of(line), triggers(desk)
    swiped(phone, line, -14, lifted=False)
    until(lambda: price_of(line) == was)
    assert triggers(desk) == before
    swiped(phone, line, -14)
    assert Decimal(HELD) < replaced(desk, before) < was


def test_the_keyboard_moves_a_target_too_and_the_api(phone, desk):
    line = line_of(phone, desk, "target-2")
    was = price_of(line)
    line.focus()
    phone.keyboard.press("PageDown")
    phone.keyboard.press("Enter")
    until(lambda: Decimal(held(desk)["targets"][1]) == was - 10)
    told = desk.api("POST", "/positions/BTCUSDT/target", target="58800", number=2)
    assert told.json()["detail"].startswith("target 2 goes to 58800"), told.text
    until(lambda: Decimal(58_800) in limits(desk))
    refused = desk.api("POST", "/positions/BTCUSDT/target", target="61000", number=2)
    assert "wrong side" in refused.json()["refused"]
