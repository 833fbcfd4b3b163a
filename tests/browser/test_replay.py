"""The time machine as one opens it: `bearskin demo --replay` over the fall of 10 October 2025, its pages beside."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from browser.conftest import PATIENCE_MS, watched
from playwright.sync_api import expect

from bearskin.app._children import Child
from bearskin.app._house import open_house
from bearskin.app.web._serve import WebAddress, read_web_address
from bearskin.market import Store, import_path

BTC = "BTCUSDT"
START, SPEED = "2025-10-10T19:50:00Z", "120"  # the fall begins at 20:50 and is deepest at 21:20
CLOCK = re.compile(r"^10 Oct (\d\d):(\d\d) UTC$")


@pytest.fixture(scope="module")
def replayed(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebAddress]:
    """The demo in its own process, as typed at a terminal; where its dashboard is."""
    home = tmp_path_factory.mktemp("replay")
    os.environ.setdefault("NUMBA_CACHE_DIR", str(platformdirs.user_cache_path("bearskin") / "numba"))
    for kind, name in (("trade", f"{BTC}_5m"), ("funding", BTC)):
        path = real_data / "binance_um_2025" / kind / f"{name}.parquet"
        import_path(Store(home / "store"), path, venue="binance", product="linear", symbol=BTC)
    words = ["demo", "--replay", BTC, "--from", START, "--speed", SPEED, "--interval", "5m", "--sides", "both"]
    demo = Child("demo", [*words, "--no-browser", "--json", "--quiet", "--home", str(home)], home / "logs" / "demo.out")
    try:
        end_s = time.monotonic() + 90
        while (address := read_web_address(open_house(home))) is None:
            assert demo.running, demo.failure()
            assert time.monotonic() < end_s, "the dashboard has not come"
            time.sleep(0.1)
        yield address
    finally:
        demo.stop()


@pytest.fixture
def page(browser: Any, replayed: WebAddress) -> Iterator[Any]:
    """A page of the replay's desk; no console error and no foreign request may come."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    made = context.new_page()
    seen = watched(made)
    made.goto(replayed.opening)
    yield made
    context.close()
    assert seen.errors == []
    assert seen.foreign(replayed.url) == []


def minute_of(page: Any) -> int:
    """The market's time on the page, in minutes of 10 October 2025."""
    clock = page.locator("[data-figure=clock]")
    expect(clock).to_have_text(CLOCK)
    found = CLOCK.search(clock.inner_text())
    assert found is not None
    return 60 * int(found[1]) + int(found[2])


def test_october_2025_is_replayed_and_its_fall_is_watched(page: Any) -> None:
    chart = page.locator("[data-panel=chart] .mk-chart[data-candles]")
    chart.wait_for()
    began = minute_of(page)
    assert 19 * 60 + 50 <= began < 21 * 60 + 10  # before the worst of it
    assert chart.get_attribute("data-follows") == "yes"
    mark = page.locator("[data-figure=mark] .figure-value")
    expect(mark).to_have_text(re.compile(r"^1[12]\d,\d{3}\.\d$"))
    before = Decimal(mark.inner_text().replace(",", ""))
    count = int(chart.get_attribute("data-candles"))
    page.wait_for_function(  # the real low of these five minutes was 102,000.0
        "(host) => Number(host.dataset.close) < 106000", arg=chart.element_handle(), timeout=120_000
    )
    assert before > 112_000
    assert minute_of(page) >= 21 * 60
    assert int(chart.get_attribute("data-candles")) > count

    page.locator('[data-way="/bot"]').click()
    rows = page.locator("[data-decision]")
    rows.first.wait_for()
    newest = int(rows.first.get_attribute("data-decision"))
    page.wait_for_function(
        "(before) => Number(document.querySelector('[data-decision]').dataset.decision) > before", arg=newest
    )
    assert re.search(r"10-10 2[12]:\d\d", rows.first.inner_text())
