"""Backtests on a page: run, cancel, look, compare, and step bar by bar with the future nowhere in the browser."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import platformdirs
import polars as pl
import pytest
from playwright.sync_api import expect

from bearskin.app._backtest import backtest
from bearskin.app._children import Child
from bearskin.market import SeriesKey, Store, import_path, write_synthetic

START = None  # each test goes where it wants
DAYS = 40
WORDS = {"venue": "synthetic", "setups": "failed_breakout", "symbols": "BTCUSDT"}
RUN_MS = 90_000


@dataclass(frozen=True)
class Dashboard:
    """A dashboard without exchange or bot: what is kept can be looked at all the same."""

    home: Path
    opening: str
    url: str
    token: str

    def api(self, method: str, path: str, **body: Any) -> httpx.Response:
        """Ask its API."""
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.url}/api/v1{path}"
        return httpx.request(method, url, headers=headers, json=body or None, trust_env=False, timeout=60)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard alone, on a store of 40 made-up days and with two results on the shelf."""
    home = tmp_path_factory.mktemp("backtests")
    kernels = str(platformdirs.user_cache_path("bearskin") / "numba")
    os.environ.setdefault("NUMBA_CACHE_DIR", kernels)  # not compiled anew for this home
    write_synthetic(Store(home / "store"), seed=3, symbols=["BTCUSDT", "ETHUSDT"], days=DAYS)
    for name, leverage in (("first", "5"), ("second", "3")):
        backtest(**WORDS, leverage=leverage, home=home, out=home / "reports" / name)
    words = ["dashboard", "--no-browser", "--port", "0", "--json", "--quiet", "--home", str(home)]
    child = Child("dashboard", words, home / "logs" / "dashboard.out")
    try:
        told = child.first_object(90)
        yield Dashboard(home, told["open"], told["url"], told["token"])
    finally:
        child.stop()


def go(page: Any, desk: Dashboard, path: str, panel: str) -> Any:
    """Open a view, its panel filled."""
    page.goto(f"{desk.url}{path}")
    found = page.locator(f"[data-panel={panel}]")
    found.wait_for()
    return found


def chosen(page: Any, field: str, option: str) -> None:
    """Choose in a field, by typing where it holds many."""
    page.locator(f'[data-field="{field}"]').first.click()
    page.get_by_role("option", name=re.compile(option)).first.click()
    page.keyboard.press("Escape")


def test_a_backtest_is_run_and_its_figures_luck_and_trades_are_seen(page: Any, desk: Dashboard) -> None:
    form = go(page, desk, "/backtests", "backtest-form")
    form.locator("[data-do=run]").wait_for()
    chosen(page, "symbols", "^ETHUSDT$")
    chosen(page, "setups", "^stop hunt")
    form.get_by_label("From", exact=True).fill("2025-01-10")
    command = form.locator("[data-figure=command]")
    page.wait_for_function("() => document.querySelector('[data-figure=command]').innerText.includes('2025-01-10')")
    assert "--symbols ETHUSDT --setups stop_hunt" in command.inner_text()
    form.locator("[data-do=run]").click()
    job = page.locator("[data-job]").first
    job.locator("progress").wait_for()
    assert "running" in job.locator("[data-figure=job]").inner_text()
    page.locator("[data-do=open]").first.click(timeout=RUN_MS)
    result = page.locator("[data-panel=backtest-result]")
    result.locator("[data-figure=evidence]").wait_for(timeout=RUN_MS)
    said = result.inner_text()
    assert re.search("No evidence of an edge|Evidence against an edge", said)
    assert said.index("t of mean R") < said.index("Profit factor")
    page.locator("[data-panel=backtest-trades] [data-trade]").first.wait_for()
    shelf = {one["name"]: one for one in desk.api("GET", "/backtests").json()["results"]}
    name = re.search("result=([^&]+)", page.url)
    assert name is not None
    trades = desk.api("GET", f"/backtests/{name[1]}/trades").json()
    assert trades["total"] == shelf[name[1]]["trades"] > 0
    assert {one["symbol"] for one in trades["trades"]} == {"ETHUSDT"}
    assert all(one["entry_time"] >= "2025-01-10" for one in trades["trades"])


def test_a_cancelled_backtest_leaves_nothing(page: Any, desk: Dashboard) -> None:
    before = {path.name for path in (desk.home / "reports").iterdir()}
    form = go(page, desk, "/backtests", "backtest-form")
    form.locator("[data-do=run]").click()
    page.locator("[data-state=running] [data-do=cancel]").first.click()
    page.locator("[data-state=cancelled]").first.wait_for(timeout=20_000)
    until_s = time.monotonic() + 10
    while {path.name for path in (desk.home / "reports").iterdir()} != before:
        assert time.monotonic() < until_s, "something of it is left"
        time.sleep(0.1)
    assert "nothing was kept" in page.locator("[data-state=cancelled]").first.inner_text()
    page.get_by_role("link", name="Bar by bar").click()  # the page goes on
    page.locator("[data-panel=steps-form]").wait_for()


def test_what_is_asked_wrongly_is_one_sentence_and_nothing_runs(page: Any, desk: Dashboard) -> None:
    form = go(page, desk, "/backtests", "backtest-form")
    form.get_by_label("From", exact=True).fill("soon")
    jobs = len(desk.api("GET", "/backtests").json()["jobs"])
    form.locator("[data-do=run]").click()
    wrong = form.locator("[data-figure=wrong]")
    page.wait_for_function("() => document.querySelector('[data-figure=wrong]').innerText.includes('soon')")
    assert wrong.is_visible()
    assert len(desk.api("GET", "/backtests").json()["jobs"]) == jobs


def test_a_trade_is_shown_with_its_reason_costs_and_candles(page: Any, desk: Dashboard) -> None:
    go(page, desk, "/backtests?result=first", "backtest-trade")
    rows = page.locator("[data-panel=backtest-trades] [data-trade]")
    rows.first.wait_for()
    number = rows.nth(1).get_attribute("data-trade")
    rows.nth(1).click()
    trade = page.locator("[data-panel=backtest-trade]")
    told = desk.api("GET", f"/backtests/first/trades/{number}").json()
    why = told["trade"]["why"]
    trade.get_by_text(why).wait_for()
    assert "Funding" in trade.inner_text()
    page.wait_for_function(f"() => window.bearskinBacktests.bars().length === {len(told['bars'])}")
    assert told["drawing"]["lines"] or told["drawing"]["zones"]


def test_two_are_compared(page: Any, desk: Dashboard) -> None:
    go(page, desk, "/backtests", "backtest-shelf")
    for name in ("first", "second"):
        page.get_by_label(f"Compare {name}", exact=True).click()
    page.locator("[data-do=compare]:not([disabled])").click()
    figures = page.locator("[data-panel=backtest-figures] table")
    figures.wait_for()
    assert "B less A" in figures.inner_text()
    settings = page.locator("[data-panel=backtest-settings] table")
    settings.wait_for()
    assert re.search(r"leverage\s+5\s+3", settings.inner_text())
    assert "not proven better" in page.locator("[data-figure=warning]").inner_text()
    page.locator("[data-chart=curves] canvas").wait_for()


def test_the_tear_sheet_is_shown_in_a_sandbox_that_asks_nobody(page: Any, desk: Dashboard) -> None:
    answer = desk.api("GET", "/backtests/page?name=first&file=tear_sheet.html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-same-origin" not in policy
    go(page, desk, "/backtests?result=first", "backtest-sheet-tear_sheet")
    page.locator("[data-do=show-sheet]").click()
    sheet = page.frame_locator("iframe.bt-frame")
    sheet.locator("#chart-equity .plotly, #chart-equity .main-svg").first.wait_for(timeout=30_000)
    assert sheet.locator("#luck-list").count() == 1


class Wire:
    """Everything the server sent to the page, as text."""

    def __init__(self, page: Any) -> None:
        self.texts: list[str] = []
        page.on("websocket", lambda socket: socket.on("framereceived", self._took))
        page.on("response", self._answered)

    def _took(self, payload: Any) -> None:
        self.texts.append(payload if isinstance(payload, str) else payload.decode("utf-8", "replace"))

    def _answered(self, response: Any) -> None:
        if "/static/" not in response.url and "/_nicegui/" not in response.url and response.ok:
            self.texts.append(response.text() if "html" in response.headers.get("content-type", "") else "")

    def has(self, price: float) -> bool:
        """Whether a price came over the wire."""
        return any(f"{price:.1f}" in text for text in self.texts)


def test_the_future_is_nowhere_in_the_browser(page: Any, desk: Dashboard) -> None:
    wire = Wire(page)
    form = go(page, desk, "/backtests?view=steps", "steps-form")
    form.get_by_label("From", exact=True).fill("2025-01-20")
    form.locator("[data-do=begin]").click()
    page.locator("[data-do=next]").wait_for(timeout=RUN_MS)
    page.wait_for_function("() => window.bearskinBacktests.bars().length > 0")
    trade = SeriesKey("synthetic", "linear", "BTCUSDT", "trade", "1h")
    bars = Store(desk.home / "store").scan(trade).collect().sort("time")
    epochs = bars["time"].dt.epoch("ms")
    shown = page.evaluate("() => window.bearskinBacktests.bars().length")
    for k in range(4):
        last_ms = page.evaluate("() => Math.max(...window.bearskinBacktests.bars().map((bar) => bar.time_ms))")
        past = set(bars.filter(epochs <= last_ms)["close"].to_list())
        future = [one for one in bars.filter(epochs > last_ms)["close"].to_list() if one not in past]
        now = float(bars.filter(epochs == last_ms)["close"][0])
        assert wire.has(now), "the wire was not listened to"
        known = (
            bars.filter(epochs <= last_ms).select(pl.concat_list("open", "high", "low", "close").explode()).to_series()
        )
        unseen = [one for one in future[:48] if one not in set(known.to_list())]
        assert len(unseen) > 20
        content = page.content()
        assert not [one for one in unseen if f"{one:.1f}" in content]
        assert not [one for one in unseen if wire.has(one)], "a price of the future came over the wire"
        page.locator("[data-do=next]").click()
        page.wait_for_function(f"() => window.bearskinBacktests.bars().length === {shown + k + 1}")


def test_a_trade_by_hand_is_taken_and_scored_by_the_keyboard(page: Any, desk: Dashboard) -> None:
    begun = desk.api(
        "POST", "/backtests/steps", words={"symbols": "BTCUSDT", "start": "2025-01-20", "venue": "synthetic"}, bars=40
    )
    assert begun.status_code == 201, begun.text
    told = begun.json()
    go(page, desk, f"/backtests?view=steps&session={told['id']}", "steps")
    page.wait_for_function("() => window.bearskinBacktests.bars().length > 0")
    price = float(told["price"])
    page.get_by_label("Stop (must be there)").fill(f"{price * 1.05:.1f}")
    page.get_by_label("Target").first.fill(f"{price * 0.9:.1f}")
    page.keyboard.press("Tab")
    page.get_by_text("size bound by").wait_for()
    page.locator("[data-panel=steps-score]").click()
    page.keyboard.press("s")
    held = page.locator("[data-figure=held]")
    page.wait_for_function("() => document.querySelector('[data-figure=held]').innerText.includes('next open')")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('[data-figure=held]').innerText.includes('since')")
    assert "short" in held.inner_text()
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.locator("[data-panel=steps-trades]").get_by_text("closed by hand").wait_for()
    score = page.locator("[data-figure=score]").inner_text()
    assert "proves nothing" in score
    assert "in 1 trade;" in score
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('[data-figure=at]').innerText.includes('bar 5 of')")
    page.keyboard.press(" ")
    page.locator("[data-do=play][aria-pressed=false]").wait_for()


def test_one_press_enters_also_right_after_typing_and_signals_outlive_a_reload(page: Any, desk: Dashboard) -> None:
    """What the preflight says used to push the buttons away between the press and its release."""
    words = {"symbols": "BTCUSDT", "start": "2025-01-20", "venue": "synthetic"}
    told = desk.api("POST", "/backtests/steps", words=words, bars=200).json()
    heard = 0
    while not heard:
        heard = len(desk.api("POST", f"/backtests/steps/{told['id']}/next").json()["signals"])
    go(page, desk, f"/backtests?view=steps&session={told['id']}", "steps")
    signals = page.locator("[data-panel=steps-signals] [data-signal]")
    expect(signals).to_have_count(heard)
    now = desk.api("POST", f"/backtests/steps/{told['id']}/next").json()  # its close has nothing new to say, mostly
    page.reload()
    expect(signals).to_have_count(heard + len(now["signals"]))
    drawing = page.wait_for_function("() => window.bearskinBacktests.drawing()").json_value()
    assert drawing["lines"] or drawing["zones"], "what was told last is drawn again"
    page.get_by_label("Stop (must be there)").fill(f"{float(now['price']) * 1.05:.1f}")
    box = page.locator("[data-do=short]").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(400)  # longer than the preflight takes to answer
    page.mouse.up()
    expect(page.locator("[data-figure=held]")).to_contain_text("enters at the next open")


def test_the_time_machine_is_a_command_to_copy(page: Any, desk: Dashboard) -> None:
    form = go(page, desk, "/backtests?view=replay", "backtest-replay")
    form.get_by_label("From", exact=True).fill("2025-01-15")
    page.wait_for_function("() => document.querySelector('[data-figure=command]').innerText.includes('2025-01-15')")
    assert (
        form.locator("[data-figure=command]").inner_text().startswith("bearskin demo --replay BTCUSDT,ETHUSDT --from")
    )


@pytest.mark.parametrize("view", ["", "?view=compare&a=first&b=second", "?view=steps", "?view=replay", "?result=first"])
def test_nothing_is_wider_than_a_telephone(page: Any, desk: Dashboard, view: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{desk.url}/backtests{view}")
    page.locator("[data-page=backtests] [data-panel]").first.wait_for()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_without_the_token_no_result_is_told(desk: Dashboard) -> None:
    for path in ("/backtests", "/api/v1/backtests", "/api/v1/backtests/page?name=first&file=tear_sheet.html"):
        answer = httpx.get(f"{desk.url}{path}", trust_env=False)
        assert answer.status_code == 401
        assert "first" not in answer.text


def test_october_2025_is_stepped_through_with_real_candles(page: Any, desk: Dashboard, real_data: Path) -> None:
    """The fall of 10 October 2025: the hour of it is told when it is stepped to, and not before."""
    folder = real_data / "binance_um_2025"
    for kind in ("trade", "mark", "funding"):
        for path in sorted((folder / kind).glob("BTCUSDT*")):
            if kind == "funding" or "_1h" in path.name:
                import_path(Store(desk.home / "store"), path, venue="binance", product="linear", symbol="BTCUSDT")
    words = {"symbols": "BTCUSDT", "start": "2025-10-10T15:00:00Z", "venue": "binance", "interval": "1h"}
    begun = desk.api("POST", "/backtests/steps", words=words, bars=24)
    assert begun.status_code == 201, begun.text
    told = begun.json()
    seen = [bar["low"] for bar in told["bars"]]
    assert min(seen[-24:]) > 115_000
    while told["at"] < "2025-10-10T22:00:00Z":
        assert min(seen[-24:]) > 110_000
        told = desk.api("POST", f"/backtests/steps/{begun.json()['id']}/next").json()
        seen.append(told["bar"]["low"])
    assert min(seen[-3:]) < 110_000
    go(page, desk, f"/backtests?view=steps&session={begun.json()['id']}", "steps")
    page.wait_for_function(f"() => window.bearskinBacktests.bars().slice(-1)[0]?.low === {seen[-1]}")
