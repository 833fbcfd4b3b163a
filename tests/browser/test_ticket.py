"""The ticket as somebody uses it: typed, refused with its reason, sent once, PROTECTED."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from bearskin.app._home import Home
from bearskin.app._licence import Licence, write_licence

START = None  # each test goes where it wants
D = Decimal
BTC, ETH = "BTCUSDT", "ETHUSDT"
PROTECTED = "[data-outcome=protected]"


@pytest.fixture(scope="module", autouse=True)
def prices(desk: Any) -> Iterator[None]:
    """Prices that move a little all the time: an exchange by hand has none, and old ones are not traded on."""
    over = threading.Event()

    def move() -> None:
        up = False
        while not over.wait(2.0):
            up = not up
            with contextlib.suppress(httpx.HTTPError):
                desk.index(BTC, "60001" if up else "60000")
                desk.index(ETH, "3000.1" if up else "3000")

    desk.index(BTC, "60000")
    desk.index(ETH, "3000")
    mover = threading.Thread(target=move, daemon=True)
    mover.start()
    for symbol in (BTC, ETH):
        until_s = time.monotonic() + 20
        while not desk.api("POST", "/ticket/price", symbol=symbol).json()["quote"]["bid"]:
            assert time.monotonic() < until_s, "no quote has come"
            time.sleep(0.1)
    yield
    over.set()
    mover.join(5)


def number(text: str) -> Decimal:
    """The first number in a text as the page writes it."""
    found = re.search(r"[−-]?[\d,]+(?:\.\d+)?", text)
    assert found, text
    return D(found[0].replace(",", "").replace("−", "-"))


def figure(page: Any, key: str) -> str:
    return str(page.locator(f"[data-figure=ticket-{key}] .figure-value").inner_text())


def settled(page: Any, look: Any, wait_s: float = 40.0) -> Any:
    """What `look` finds once it is something."""
    until_s = time.monotonic() + wait_s
    while True:
        try:
            found = look()
            if found:
                return found
        except AssertionError:
            found = None
        assert time.monotonic() < until_s, page.locator("[data-panel=ticket]").inner_text()
        page.wait_for_timeout(80)


def field(page: Any, key: str) -> Any:
    return page.locator(f"input[data-field={key}], [data-field={key}] input").first


def slider(page: Any, name: str) -> Any:
    """What of a slider takes the keys."""
    return page.get_by_role("slider", name=name, exact=True).locator("[tabindex='0']")


def send_button(page: Any) -> Any:
    return page.locator("[data-action=send]")


def entry_of(desk: Any, symbol: str) -> Decimal:
    told = desk.api("POST", "/ticket/price", symbol=symbol).json()
    return D(told["entry"])


def opened(page: Any, desk: Any, query: str) -> None:
    page.goto(f"{desk.url}/ticket?{query}")
    page.locator("[data-panel=ticket]").wait_for()


def refused(page: Any) -> str:
    return str(page.locator("[data-figure=ticket-why-not]").inner_text())


def signed(desk: Any, path: str, **asked: str) -> Any:
    """Ask the exchange's own API, signed as any client of it would."""
    query = urlencode({**asked, "timestamp": int(time.time() * 1000)})
    sign = hmac.new(desk.market["secret"].encode(), query.encode(), hashlib.sha256).hexdigest()
    answer = httpx.get(
        f"{desk.market['url']}{path}?{query}&signature={sign}",
        headers={"X-MBX-APIKEY": desk.market["key"]},
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_stop_below_the_entry_of_a_short_is_refused_beside_its_field_and_cannot_be_sent(page, desk):
    entry = entry_of(desk, BTC)
    opened(page, desk, f"symbol={BTC}")
    field(page, "stop").fill(f"{entry * D('0.98'):.1f}")
    said = page.locator(".q-field:has([data-field=stop]) [role=alert], .q-field[data-field=stop] [role=alert]").first
    settled(page, lambda: "belongs above its entry" in said.inner_text())
    assert send_button(page).is_disabled()
    assert "the stop of a short belongs above its entry" in refused(page)
    assert page.locator("[data-figure=ticket-verdict]").inner_text().startswith("✕")
    sent = desk.api("POST", "/ticket/send", symbol=BTC, stop=f"{entry * D('0.98'):.1f}", act_id="browser-wrong").json()
    assert "belongs above its entry" in sent["refused"]
    assert desk.api("GET", "/bot").json()["state"]["positions"] == []


def test_what_is_no_number_stays_in_its_field_and_shuts_the_button(page, desk):
    """It was written over by the last number within a second, and the ticket could be sent with that one meanwhile."""
    stop = entry_of(desk, BTC) * D("1.03")
    opened(page, desk, f"symbol={BTC}&stop={stop:.1f}")
    settled(page, lambda: send_button(page).is_enabled())
    field(page, "stop").fill(f"{stop:.1f}abc")
    settled(page, lambda: "is no number" in refused(page) and send_button(page).is_disabled())
    page.wait_for_timeout(2_500)  # it is priced again meanwhile
    assert field(page, "stop").input_value() == f"{stop:.1f}abc"
    assert send_button(page).is_disabled()
    field(page, "stop").fill(f"{stop:.1f}")
    settled(page, lambda: send_button(page).is_enabled() and not refused(page))


def test_a_number_that_is_typed_slowly_is_the_one_that_was_typed(page, desk):
    """`0` and `0.` are none yet: the number before came back in between, and 0.5 became 0.85."""
    stop = entry_of(desk, BTC) * D("1.03")
    opened(page, desk, f"symbol={BTC}&stop={stop:.1f}&risk_frac=0.008")
    settled(page, lambda: field(page, "risk").input_value() == "0.8" and send_button(page).is_enabled())
    field(page, "risk").press("Control+a")
    for key in ("0", ".", "5"):
        field(page, "risk").press(key)
        page.wait_for_timeout(2_500)
    assert field(page, "risk").input_value() == "0.5"


def test_the_first_target_taken_away_leaves_the_second_in_its_place(page, desk):
    """Both fields stood empty, and the draft that would be sent had the second one still."""
    entry = entry_of(desk, BTC)
    opened(page, desk, f"symbol={BTC}&stop={entry * D('1.03'):.1f}")
    second = f"{entry * D('0.80'):.0f}"
    field(page, "target-1").fill(f"{entry * D('0.90'):.0f}")
    field(page, "target-2").fill(second)
    settled(page, lambda: send_button(page).is_enabled())
    field(page, "target-1").fill("")
    settled(page, lambda: field(page, "target-1").input_value() == second)
    settled(page, lambda: field(page, "target-2").input_value() == "")


def test_without_a_stop_there_is_no_speculation(page, desk):
    opened(page, desk, f"symbol={BTC}&qty=0.005")
    settled(page, lambda: "never opened without one" in refused(page))
    assert send_button(page).is_disabled()
    assert figure(page, "qty").startswith("−0.005")  # priced all the same


def test_leverage_above_the_beginners_is_locked_until_the_quiz_is_passed(page, desk):
    entry = entry_of(desk, BTC)
    opened(page, desk, f"symbol={BTC}&stop={entry * D('1.02'):.1f}")
    field(page, "leverage").fill("5")
    settled(page, lambda: "opens with the risk quiz" in refused(page))
    assert send_button(page).is_disabled()
    assert page.get_by_role("link", name="Take the quiz").get_attribute("href").endswith("/learn")
    told = desk.api("GET", f"/ticket/limits?symbol={BTC}").json()
    assert (told["leverage_max"], told["leverage_bound_by"]) == ("3", "the risk quiz, not passed yet")
    write_licence(Home(root=desk.home, origin="test"), Licence().with_quiz("2026-01-01T00:00:00Z"))
    try:
        field(page, "note").fill("the quiz is passed")
        settled(page, lambda: not send_button(page).is_disabled())
        assert desk.api("GET", f"/ticket/limits?symbol={BTC}").json()["leverage_max"] == "5"
        slider(page, "Leverage").press("ArrowRight")
        settled(page, lambda: "preset pro holds now" in page.locator("[data-figure=ticket-lifted]").inner_text())
        settled(page, lambda: "at 6x" in figure(page, "margin") and not send_button(page).is_disabled())
        assert "1 % of equity stays at risk" in page.locator("[data-figure=ticket-lifted]").inner_text()
    finally:
        (desk.home / "licence.json").unlink()


def test_very_high_leverage_is_warned_of_in_red_with_the_exact_way_to_liquidation(page, desk):
    entry = entry_of(desk, BTC)
    opened(page, desk, f"symbol={BTC}&stop={entry * D('1.001'):.1f}&qty=0.01")
    field(page, "leverage").fill("125")
    warning = page.locator("[data-figure=ticket-warning]")
    settled(page, lambda: re.search(r"125x: 0\.\d\d % up", warning.inner_text()))
    assert send_button(page).is_disabled()


def test_the_two_sliders_keep_the_risk_equal(page, desk):
    entry = entry_of(desk, BTC)
    opened(page, desk, f"symbol={BTC}&stop={entry * D('1.02'):.1f}&leverage=3")
    settled(page, lambda: figure(page, "loss-of-margin") != "–")
    loss, share = number(figure(page, "loss")), number(figure(page, "loss-of-margin"))
    page.get_by_role("checkbox", name="Equal risk").click()
    slider(page, "Leverage").press("ArrowLeft")
    settled(page, lambda: "at 2x" in figure(page, "margin"))
    stop = D(field(page, "stop").input_value())
    assert stop / entry - 1 == pytest.approx(D("0.03"), abs=D("0.0005"))
    assert number(figure(page, "loss-of-margin")) == pytest.approx(share, abs=D("0.1"))
    assert number(figure(page, "loss")) == pytest.approx(loss, rel=D("0.15"))  # a step of 0.001 is 4 % of it
    for _ in range(4):
        slider(page, "Stop distance in per cent of the entry").press("PageUp")
    settled(page, lambda: "at 1x" in figure(page, "margin"))
    assert number(figure(page, "loss-of-margin")) <= share + D("0.1")


def test_a_valid_short_is_sent_once_and_becomes_protected(page, desk):
    entry = entry_of(desk, BTC)
    stop, target = f"{entry * D('1.02'):.1f}", f"{entry * D('0.95'):.1f}"
    opened(page, desk, f"symbol={BTC}")
    field(page, "stop").fill(stop)
    field(page, "target-1").fill(target)
    settled(page, lambda: "one OCO" in page.locator("[data-figure=ticket-exits]").inner_text())
    settled(page, lambda: not send_button(page).is_disabled())
    size = abs(number(figure(page, "qty")))
    send_button(page).dblclick()
    page.locator(PROTECTED).wait_for(timeout=40_000)
    said = page.locator(PROTECTED).inner_text()
    assert re.search(r"PROTECTED.*\d\.\d{3} s after the fill", said.replace("\n", " "))
    state = desk.api("GET", "/bot").json()["state"]
    (held,) = state["positions"]
    assert (held["symbol"], held["protected"], D(held["qty"]) < 0) == (BTC, True, True)
    assert abs(D(held["qty"])) == pytest.approx(size, abs=D("0.001"))
    assert state["counts"]["entries"] == 1  # pressed twice, done once
    (position,) = [one for one in signed(desk, "/fapi/v2/positionRisk", symbol=BTC) if D(one["positionAmt"])]
    assert D(position["positionAmt"]) == D(held["qty"])
    assert D(held["stop"]) in {D(one["triggerPrice"]) for one in signed(desk, "/fapi/v1/openAlgoOrders")}
    settled(page, lambda: "is open or resting in BTCUSDT" in refused(page))
    assert send_button(page).is_disabled()


def test_the_ticket_is_written_and_sent_with_the_keyboard_alone(page, desk):
    entry = entry_of(desk, ETH)
    opened(page, desk, f"symbol={ETH}&side=long")
    settled(page, lambda: refused(page))
    page.locator("body").press("Tab")
    focused = "document.activeElement.closest('[data-field],[data-action]')?.dataset"
    for _ in range(40):
        if page.evaluate(f"{focused}?.field") == "stop":
            break
        page.keyboard.press("Tab")
    page.keyboard.type(f"{entry * D('0.98'):.2f}")
    settled(page, lambda: not send_button(page).is_disabled())
    for _ in range(40):
        if page.evaluate(f"{focused}?.action") == "send":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(PROTECTED).wait_for(timeout=40_000)


def test_the_same_act_is_not_done_twice_by_the_api(desk):
    act = {"symbol": BTC, "side": "short", "stop": f"{entry_of(desk, BTC) * D('1.03'):.1f}", "act_id": "browser-twice"}
    first = desk.api("POST", "/ticket/send", **act).json()
    assert "is open or resting in BTCUSDT" in first["refused"]
    wrong = desk.api("POST", "/ticket/send", **{**act, "price": "-1"})
    assert wrong.status_code == 422


def test_on_a_phone_nothing_is_cut_off(page, desk):
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, desk, f"symbol={BTC}&stop={entry_of(desk, BTC) * D('1.02'):.1f}&targets=50000")
    settled(page, lambda: figure(page, "qty") != "–")
    box = page.locator("[data-panel=ticket]").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_without_a_bot_the_ticket_prices_and_sends_nothing(page, desk):
    desk.stop("bot")
    opened(page, desk, f"symbol={ETH}&stop={entry_of(desk, ETH) * D('1.02'):.2f}")
    settled(page, lambda: "nothing can be sent" in refused(page))
    assert send_button(page).is_disabled()
    settled(page, lambda: figure(page, "liquidation") != "–")
