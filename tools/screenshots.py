"""Pictures of every page of the dashboard for docs/screenshots: a demo of its own, dark and light, desk and phone.

`make screenshots`, or `python tools/screenshots.py --only /,/ticket --out DIR`. Needs Chromium and Playwright.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import pack, unpack
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "screenshots"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZES = {1440: 900, 390: 844}
THEMES = ("dark", "light")
START_S, TRADED_S, SETTLED_MS = 240.0, 240.0, 2_500
BYTES_MAX = 200_000
DEMO = ["demo", "--no-browser", "--seed", "7", "--interval", "1m", "--for", "60m", "--fresh"]
OPENING = re.compile(r"(http://\S+)/\?token=(\S+)")


@contextmanager
def demo(home: Path) -> Iterator[tuple[str, str]]:
    """A demo in `home`; the dashboard's address and token."""
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
        yield found[1], found[2]
    finally:
        process.terminate()
        process.wait(60)


def wait_for_positions(url: str, token: str) -> None:
    """Until the bot has a position to show, or the patience ends."""
    import httpx

    until_s = time.monotonic() + TRADED_S
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as http:
        while time.monotonic() < until_s:
            state = http.get(f"{url}/api/v1/bot").json()["state"]
            if state and [one for one in state["positions"] if one["protected"]]:
                return
            time.sleep(0.5)
    print("no position came: the pages are shown without one", file=sys.stderr)


def pictures(url: str, token: str, out: Path, only: list[str]) -> list[Path]:
    """Take them; their files."""
    from playwright.sync_api import sync_playwright

    from bearskin.app.web._pages import PAGES

    path = os.environ.get("BEARSKIN_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    made = []
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for width, height in SIZES.items():
            context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
            page = context.new_page()
            page.goto(f"{url}/?token={token}")
            page.get_by_label("Dark or light").wait_for()
            for theme in THEMES:
                _themed(page, theme)
                for one in PAGES:
                    if only and one.path not in only:
                        continue
                    file = out / f"{one.path.strip('/') or 'market'}-{theme}-{width}.png"
                    _taken(page, url + one.path, file)
                    made.append(file)
            _themed(page, THEMES[0])
            context.close()
        browser.close()
    return made


def _themed(page: Any, theme: str) -> None:
    if page.locator("html").get_attribute("data-theme") != theme:
        page.get_by_label("Dark or light").click()
        page.locator(f"body.body--{theme}").wait_for(state="attached")


def _taken(page: Any, url: str, file: Path) -> None:
    """Open, let it settle, and write the picture small."""
    page.goto(url)
    page.locator(".bar").wait_for()
    try:
        page.locator("main .panel").first.wait_for(timeout=15_000)
    except Exception as error:  # noqa: BLE001 - a page without a panel is shown as it is
        print(f"{url}: {str(error).splitlines()[0]}", file=sys.stderr)
    page.wait_for_timeout(SETTLED_MS)
    session = page.context.new_cdp_session(page)  # rows as they are, quick to read
    raw = b64decode(session.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True})["data"])
    session.detach()
    file.parent.mkdir(parents=True, exist_ok=True)
    small = smaller(raw)
    file.write_bytes(small)
    note = "" if len(small) <= BYTES_MAX else "  above what is wanted"
    print(f"{file.relative_to(file.parents[1])}  {len(small):,} bytes{note}")


# --- a picture with 256 colours, without a library for it -------------------------------------------------------------


def smaller(png: bytes) -> bytes:
    """The same picture with at most 256 colours, where that is smaller. For pictures as Chromium writes them."""
    width, height, pixels = _decoded(png)
    palette, indexed = _palette(pixels)
    lines = b"".join(b"\0" + indexed[at * width : (at + 1) * width] for at in range(height))
    made = b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", palette),
            _chunk(b"IDAT", zlib.compress(lines, 9)),
            _chunk(b"IEND", b""),
        ]
    )
    return made if len(made) < len(png) else png


def _decoded(png: bytes) -> tuple[int, int, Any]:
    """Width, height, and the pixels as an array of shape (pixels, 3)."""
    import numpy as np

    at, data, head = 8, b"", b""
    while at < len(png):
        (length,) = unpack(">I", png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            head = body
        elif kind == b"IDAT":
            data += body
        at += 12 + length
    width, height, bits, colour = unpack(">IIBB", head[:10])
    if bits != 8 or colour not in (2, 6):
        raise ValueError("not a picture as Chromium writes it")
    step = 3 if colour == 2 else 4
    raw = np.frombuffer(zlib.decompress(data), dtype=np.uint8).reshape(height, 1 + width * step)
    lines = np.zeros((height, width * step), dtype=np.uint8)
    above = np.zeros(width * step, dtype=np.uint8)
    for row in range(height):
        lines[row] = above = _unfiltered(raw[row, 1:], above, int(raw[row, 0]), step)
    return width, height, lines.reshape(-1, step)[:, :3]


def _unfiltered(line: Any, above: Any, kind: int, step: int) -> Any:
    import numpy as np

    if kind == 0:
        return line.copy()
    if kind == 2:
        return line + above
    if kind == 1:
        return np.add.accumulate(line.reshape(-1, step), axis=0, dtype=np.uint8).reshape(-1)
    out, up = bytearray(line.tobytes()), above.tobytes()
    for i in range(len(out)):
        left = out[i - step] if i >= step else 0
        if kind == 3:
            out[i] = (out[i] + (left + up[i]) // 2) & 255
        else:
            corner = up[i - step] if i >= step else 0
            guess = left + up[i] - corner
            far = [abs(guess - left), abs(guess - up[i]), abs(guess - corner)]
            out[i] = (out[i] + (left, up[i], corner)[far.index(min(far))]) & 255
    return np.frombuffer(bytes(out), dtype=np.uint8)


def _palette(pixels: Any) -> tuple[bytes, bytes]:
    """The 256 colours that are most used once alike ones are one, and the nearest of them for every pixel."""
    import numpy as np

    packed = (pixels[:, 0].astype(np.uint32) << 16) | (pixels[:, 1].astype(np.uint32) << 8) | pixels[:, 2]
    colours, index, counts = np.unique(packed, return_inverse=True, return_counts=True)
    apart = np.stack([(colours >> 16) & 255, (colours >> 8) & 255, colours & 255], axis=1).astype(np.int32)
    chosen = np.arange(len(colours))
    if len(colours) > 256:
        coarse = (apart[:, 0] >> 3 << 10) | (apart[:, 1] >> 3 << 5) | (apart[:, 2] >> 3)
        order = np.argsort(-counts)
        _, first = np.unique(coarse[order], return_index=True)
        leaders = order[np.sort(first)]
        chosen = leaders[np.argsort(-counts[leaders])][:256]
    nearest = np.empty(len(colours), dtype=np.uint8)
    for begin in range(0, len(colours), 4096):
        part = apart[begin : begin + 4096]
        far = ((part[:, None, :] - apart[chosen][None, :, :]) ** 2).sum(axis=2)
        nearest[begin : begin + 4096] = far.argmin(axis=1)
    return apart[chosen].astype(np.uint8).tobytes(), nearest[index.reshape(-1)].tobytes()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return pack(">I", len(body)) + kind + body + pack(">I", zlib.crc32(kind + body))


def main() -> int:
    """Take the pictures; 1 where one is missing."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--out", type=Path, default=OUT)
    given.add_argument("--only", default="", help="paths of pages, such as /,/ticket")
    given.add_argument("--url", default="", help="the opening address of a dashboard that runs, instead of a demo")
    options = given.parse_args()
    only = [path for path in options.only.split(",") if path]
    if options.url:
        found = OPENING.search(options.url)
        if found is None:
            raise SystemExit("--url takes the address with its token")
        made = pictures(found[1], found[2], options.out, only)
    else:
        with tempfile.TemporaryDirectory(prefix="bearskin-shots-") as home, demo(Path(home)) as (url, token):
            wait_for_positions(url, token)
            made = pictures(url, token, options.out, only)
    missing = [file for file in made if not file.is_file()]
    print(f"{len(made) - len(missing)} pictures in {options.out}")
    return 1 if missing or not made else 0


if __name__ == "__main__":
    sys.exit(main())
