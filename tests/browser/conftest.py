"""A whole desk for a browser: exchange, bot and dashboard, each its own process, and Chromium looking at it."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bearskin.app._children import Child

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]  # fmt: skip
START_S = 90.0
PATIENCE_MS = 60_000  # a machine may have much else to do: what takes long is not wrong
SYMBOLS = "BTCUSDT,ETHUSDT"
TRADE = ["trade", "--venue", "demo", "--interval", "1m", "--json", "--quiet"]


@dataclass(slots=True)
class WholeDesk:
    """Three processes in a home of their own. Prices are set by hand (`index`), the bot enters nothing by itself."""

    home: Path
    market: dict[str, Any]
    pages: dict[str, Any]
    children: dict[str, Child]

    @property
    def opening(self) -> str:
        """The address that opens the dashboard."""
        return str(self.pages["open"])

    @property
    def url(self) -> str:
        """The dashboard without its token."""
        return str(self.pages["url"])

    def control(self, method: str, path: str, **body: Any) -> Any:
        """Ask the exchange's control."""
        answer = httpx.request(
            method,
            f"{self.market['control_url']}{path}",
            headers={"Authorization": f"Bearer {self.market['token']}"},
            json=body or None,
            trust_env=False,
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def index(self, symbol: str, price: str) -> None:
        """Move the index, and with it the mark."""
        self.control("POST", f"/symbols/{symbol}/index", price=price)

    def api(self, method: str, path: str, **body: Any) -> httpx.Response:
        """Ask the dashboard's own API."""
        headers = {"Authorization": f"Bearer {self.pages['token']}"}
        return httpx.request(
            method, f"{self.url}/api/v1{path}", headers=headers, json=body or None, trust_env=False, timeout=30
        )

    def stop(self, name: str) -> None:
        """End one of the processes."""
        self.children.pop(name).stop()


def begin(name: str, words: list[str], home: Path) -> tuple[Child, dict[str, Any]]:
    """A process of the desk and the first object it says."""
    child = Child(name, [*words, "--json", "--quiet", "--home", str(home)], home / "logs" / f"{name}.out")
    try:
        return child, child.first_object(START_S)
    except BaseException:
        child.stop()
        raise


@contextlib.contextmanager
def whole_desk(
    home: Path,
    *,
    prices: str = "manual",
    sides: str = "none",
    speed: str = "1",
    before: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Iterator[WholeDesk]:
    """Open one; everything is ended with the context. `before` gets the exchange's address before the bot begins."""
    with contextlib.ExitStack() as stack:
        folder = home / "exchange"
        words = ["exchange", "--port", "0", "--folder", str(folder), "--prices", prices, "--symbols", SYMBOLS]
        market, told = begin("exchange", [*words, "--speed", speed, "--no-limits"], home)
        stack.callback(market.stop)
        before(told)
        bot = Child(
            "bot",
            [*TRADE, "--folder", str(folder), "--sides", sides, "--home", str(home)],
            home / "logs" / "bot.out",
        )
        stack.callback(bot.stop)
        words = ["dashboard", "--no-browser", "--port", "0", "--folder", str(folder)]
        pages, address = begin("dashboard", words, home)
        stack.callback(pages.stop)
        desk = WholeDesk(home, told, address, {"exchange": market, "bot": bot, "dashboard": pages})
        until_s = time.monotonic() + START_S
        while not desk.api("GET", "/bot").json()["up"]:
            assert bot.running, bot.failure()
            assert time.monotonic() < until_s, "the bot has not come"
            time.sleep(0.1)
        yield desk


# Files that leave a desk as they found it look at the same one
SHARE = ("test_alerts", "test_axe", "test_phone", "test_shell")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them: `make test` runs them by themselves, since Playwright's event loop would stand in others' way."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def shared_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeDesk]:
    """A desk for several files."""
    with whole_desk(tmp_path_factory.mktemp("shared")) as made:
        yield made


@pytest.fixture(scope="module")
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeDesk]:
    """A desk for the tests of one file, or that of several."""
    if request.path.stem in SHARE:
        yield request.getfixturevalue("shared_desk")
        return
    with whole_desk(tmp_path_factory.mktemp("desk")) as made:
        yield made


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """The system's Chromium; skips with the reason where there is none.

    Ended with these tests: as long as Playwright is there its event loop runs, and no other test may begin one.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("BEARSKIN_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium, or name one in BEARSKIN_CHROMIUM")
    playwright.expect.set_options(timeout=PATIENCE_MS)
    with playwright.sync_playwright() as running:
        made = running.chromium.launch(executable_path=path, args=FLAGS)
        yield made
        made.close()


@dataclass(slots=True)
class Seen:
    """What a page said and asked for while it was looked at."""

    errors: list[str]
    requests: list[str]

    def foreign(self, url: str) -> list[str]:
        """Requests that left for another address."""
        return [one for one in self.requests if not one.startswith((url, url.replace("http", "ws"), "data:", "blob:"))]


def watched(page: Any) -> Seen:
    """Take down the errors and requests of a page."""
    seen = Seen([], [])
    page.on("console", lambda said: seen.errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("websocket", lambda socket: seen.requests.append(socket.url))
    return seen


@pytest.fixture(scope="module")
def visitor(browser: Any, desk: WholeDesk) -> Iterator[Any]:
    """Somebody who was let in, at 1440 by 900: pages opened in here share what the browser keeps of the desk."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=desk.url)
    context.set_default_timeout(PATIENCE_MS)
    assert context.request.get(desk.opening).ok
    yield context
    context.close()


@pytest.fixture
def page(request: pytest.FixtureRequest, visitor: Any, desk: WholeDesk) -> Iterator[Any]:
    """A page of the desk where the file's START says (None: nowhere yet); no console error and no foreign
    request may come.
    """
    made = visitor.new_page()
    seen = watched(made)
    start = getattr(request.module, "START", "/")
    if start is not None:
        made.goto(f"{desk.url}{start}")
        made.wait_for_selector(".bar")
    yield made
    made.close()
    assert seen.errors == []
    assert seen.requests, "the requests of the page were not counted"
    assert seen.foreign(desk.url) == []
