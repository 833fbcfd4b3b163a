"""Pictures of every page of the dashboard for docs/screenshots: a demo of its own, dark and light, desk and phone.

`make screenshots`, or `python tools/screenshots.py --only market,ticket --out DIR`. Needs Chromium and Playwright. The
demo's seed is fixed; how far the bot has come when the pictures are taken is not. A page with a panel that still
loads is no picture: it is said, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "screenshots"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZES = {1440: 900, 390: 844}
THEMES = ("dark", "light")
START_S, DONE_S, SETTLED_MS = 240.0, 240.0, 1_200
LOADED_MS = 30_000
BYTES_MAX, COLOURS = 200_000, 256
SYMBOL, FREE = "BTCUSDT", ("ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "1000PEPEUSDT")
STEPS = 40  # bars of the rehearsal before the picture
LOADED = """() => ![...document.querySelectorAll('.panel-words.loading')].some(one => one.offsetParent !== null)"""
DEMO = [
    "demo",
    "--no-browser",
    "--seed",
    "7",
    "--interval",
    "15m",
    "--sides",
    "short",
    "--speed",
    "600",
    "--for",
    "60m",
    "--fresh",
]
OPENING = re.compile(r"(http://\S+)/\?token=(\S+)")


@dataclass(frozen=True, slots=True)
class Desk:
    """A dashboard that runs, as its owner asks it."""

    url: str
    token: str

    def asked(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer of its API; SystemExit with what it said when it refuses."""
        headers = {"Authorization": f"Bearer {self.token}"}
        while True:
            answer = httpx.request(
                method, f"{self.url}/api/v1{path}", headers=headers, json=body, trust_env=False, timeout=120
            )
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            time.sleep(float(answer.headers.get("Retry-After", 1)))  # the gate lets acts come no faster
        if answer.is_error:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()


@contextmanager
def demo(home: Path) -> Iterator[Desk]:
    """A demo in `home` with its dashboard."""
    log = home / "demo.err"
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "bearskin", *DEMO, "--home", str(home)]
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
    try:
        until_s = time.monotonic() + START_S
        while (found := OPENING.search(log.read_text("utf-8", "replace"))) is None:
            if process.poll() is not None or time.monotonic() > until_s:
                raise SystemExit(f"the demo has not come: {log.read_text('utf-8', 'replace')[-2000:]}")
            time.sleep(0.2)
        yield Desk(found[1], found[2])
    finally:
        process.terminate()
        process.wait(60)


def prepared(desk: Desk, home: Path) -> dict[str, str]:
    """Give the pages something to show, then let the market go slowly. Paths of the pages by the pictures' names."""
    desk.asked("POST", "/learn/guide", {"act": "leave"})
    words = {"symbols": SYMBOL, "side": "short"}
    job = desk.asked("POST", "/backtests", {"market": "synthetic", "words": words})["id"]
    # no more: after three stops of a day the bot enters nothing, by hand neither
    waited("a trade of the bot", lambda: state_of(desk)["counts"]["exits"] >= 1)
    slowed(home)
    waited("the backtest", lambda: desk.asked("GET", f"/backtests/{job}")["state"] not in ("waiting", "running"))
    price = price_of(desk, SYMBOL)
    draft = {"symbol": SYMBOL, "side": "short", "stop": f"{price * Decimal('1.021'):.1f}", "preset": "beginner"}
    note = "lower highs below the day's value area"
    sent = {**draft, "targets": [f"{price * Decimal('0.955'):.1f}"], "act_id": uuid.uuid4().hex, "note": note}
    desk.asked("POST", "/ticket/send", sent)
    waited("a protected position", lambda: any(one["protected"] for one in state_of(desk)["positions"]))
    for rule in rules(price):
        desk.asked("POST", "/alerts", rule)
    desk.asked("POST", "/scan", {"within": 60, "wait": True})
    result = desk.asked("GET", "/backtests")["results"][0]["name"]
    held = {one["symbol"] for one in state_of(desk)["positions"]}
    free = next(symbol for symbol in FREE if symbol not in held)  # one that is held takes no second position
    other = price_of(desk, free)
    ticket = f"/ticket?symbol={free}&side=short&preset=beginner"
    return {
        "market": "/",
        "ticket": f"{ticket}&stop={other * Decimal('1.03'):.2f}&targets={other * Decimal('0.93'):.2f}",
        "ticket-refused": f"{ticket}&stop={other * Decimal('0.98'):.2f}",
        "backtests-result": f"/backtests?result={result}",
        "backtests-steps": f"/backtests?view=steps&session={stepped(desk)}",
        **{name: f"/{name}" for name in ("positions", "bot", "scan", "backtests", "learn", "alerts", "settings")},
    }


def stepped(desk: Desk) -> str:
    """A rehearsal in which a short was made by hand; its name."""
    words = {"symbols": SYMBOL, "side": "short", "start": "2025-04-07"}
    name: str = desk.asked("POST", "/backtests/steps", {"market": "synthetic", "words": words})["id"]
    for step in range(STEPS):
        price = Decimal(desk.asked("POST", f"/backtests/steps/{name}/next")["price"])
        if step == STEPS - 20:
            trade = {
                "side": "short",
                "stop": f"{price * Decimal('1.04'):.1f}",
                "target": f"{price * Decimal('0.9'):.1f}",
            }
            desk.asked("POST", f"/backtests/steps/{name}/trade", trade)
    return name


def waited(what: str, there: Callable[[], bool]) -> None:
    """Until it is there; said where it does not come."""
    until_s = time.monotonic() + DONE_S
    while time.monotonic() < until_s:
        if there():
            return
        time.sleep(0.5)
    print(f"{what} did not come within {DONE_S:g} s: the pictures are without it", file=sys.stderr)


def state_of(desk: Desk) -> dict[str, Any]:
    """How the bot stands; as one that has not begun while it says nothing."""
    state: dict[str, Any] | None = desk.asked("GET", "/bot")["state"]
    return {"counts": {"exits": 0}, "positions": []} if state is None else state


def price_of(desk: Desk, symbol: str) -> Decimal:
    """The last close."""
    rows = desk.asked("GET", f"/market/candles?symbol={symbol}&interval=1m&limit=1")["candles"]
    return Decimal(str(rows[-1][4]))


def slowed(home: Path) -> None:
    """Have the demo's market go as fast as the wall's clock, so that pictures of one minute show one market."""
    said = json.loads((home / "exchange" / "demo" / "address.json").read_text("utf-8"))
    for speed, wait_s in ((60, 6), (1, 0)):  # a bot's clock that ran ahead never goes back: it is waited for
        answer = httpx.post(
            f"{said['control_url']}/clock/speed",
            headers={"Authorization": f"Bearer {said['token']}"},
            json={"speed": speed},
            trust_env=False,
        )
        answer.raise_for_status()
        time.sleep(wait_s)


def rules(price: Decimal) -> list[dict[str, Any]]:
    """Alerts such as one makes them."""
    above = {"about": "price", "symbol": SYMBOL, "compare": "above", "value": f"{price * Decimal('1.03'):.0f}"}
    return [above, {"about": "funding", "symbol": SYMBOL, "compare": "below", "value": "-0.01 %", "often": "always"}]


def pictures(desk: Desk, paths: dict[str, str], out: Path) -> list[str]:
    """Take them; what is wrong with any of them."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("BEARSKIN_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    wrong: list[str] = []
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for width, height in SIZES.items():
            context = browser.new_context(viewport={"width": width, "height": height})
            page = context.new_page()
            page.goto(f"{desk.url}/?token={desk.token}")
            page.get_by_label("Dark or light").wait_for()
            for theme in THEMES:
                _themed(page, theme)
                for name, where in paths.items():
                    wrong += _taken(page, desk.url + where, out / f"{name}-{theme}-{width}.png")
            _themed(page, THEMES[0])
            context.close()
        browser.close()
    return wrong


def _themed(page: Any, theme: str) -> None:
    if page.locator("html").get_attribute("data-theme") != theme:
        page.get_by_label("Dark or light").click()
        page.locator(f"body.body--{theme}").wait_for(state="attached")


def _taken(page: Any, url: str, file: Path) -> list[str]:
    """Open, let every panel fill, and write the picture small; what is wrong with it."""
    wrong = []
    page.goto(url)
    page.locator("main .panel").first.wait_for()
    try:
        page.wait_for_function(LOADED, timeout=LOADED_MS)
    except Exception:  # noqa: BLE001 - Playwright's own time-out
        wrong.append(f"{file.name}: a panel still loads after {LOADED_MS / 1000:g} s")
    page.wait_for_timeout(SETTLED_MS)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        wrong.append(f"{file.name}: the page is wider than the screen")
    small = smaller(page.screenshot())
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(small)
    if len(small) > BYTES_MAX:
        wrong.append(f"{file.name}: {len(small):,} bytes, {BYTES_MAX:,} are wanted at most")
    print(f"{file.name}  {len(small):,} bytes")
    return wrong


def smaller(png: bytes) -> bytes:
    """The same picture with a palette of its own."""
    from PIL import Image

    made = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
        made, "PNG", optimize=True
    )
    return made.getvalue()


def main() -> int:
    """Take the pictures; 1 where one is missing or shows a page that still loads."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--out", type=Path, default=OUT)
    given.add_argument("--only", default="", help="names of pictures, such as market,ticket-refused")
    options = given.parse_args()
    only = {name for name in options.only.split(",") if name}
    with tempfile.TemporaryDirectory(prefix="bearskin-shots-") as made, demo(Path(made)) as desk:
        paths = prepared(desk, Path(made))
        wrong = pictures(desk, {name: path for name, path in paths.items() if not only or name in only}, options.out)
    for one in wrong:
        print(one, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
