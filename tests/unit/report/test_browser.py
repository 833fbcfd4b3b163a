"""A real browser without a network draws the page, on a desk and on a phone."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess

import pytest

from bearskin.report import tear_sheet

# The page stands in a frame of each width; its frame tells what came of it.
LOOK = """
const out = {};
const look = () => {
  for (const frame of document.querySelectorAll("iframe")) {
    const d = frame.contentDocument;
    if (!d || !d.documentElement.dataset.ready) return setTimeout(look, 100);
    out[frame.width] = {
      drawn: [...d.querySelectorAll(".chart > div")].filter((e) => e.querySelector("svg.main-svg")).length,
      charts: d.querySelectorAll(".chart > div").length,
      wide: d.documentElement.scrollWidth,
      rows: d.querySelectorAll("#trades-table tbody tr").length,
      candles: d.querySelectorAll("#chart-price .trace.boxes path").length,
      fetched: frame.contentWindow.performance.getEntriesByType("resource").length,
    };
  }
  document.title = "done";
  const told = document.createElement("output");
  told.textContent = JSON.stringify(out);
  document.body.replaceChildren(told);
};
look();
"""


@pytest.fixture(scope="module")
def chromium():
    found = next((one for one in ("chromium", "chromium-browser", "google-chrome") if shutil.which(one)), None)
    if found is None:
        pytest.skip("no chromium in the path: the page is not looked at in a browser")
    return found


@pytest.mark.slow
def test_a_browser_draws_the_page_offline_at_both_widths(chromium, result, tmp_path):
    page = html.escape(tear_sheet(result), quote=True)
    frames = "".join(f'<iframe width="{width}" height="900" srcdoc="{page}"></iframe>' for width in (390, 1440))
    wrapper = tmp_path / "wrapper.html"
    wrapper.write_text(f"<!doctype html><meta charset=utf-8><body>{frames}<script>{LOOK}</script>", encoding="utf-8")
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    command += ["--disable-background-networking", "--disable-component-update", "--proxy-server=127.0.0.1:9"]
    command += ["--window-size=1500,1000", f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000"]
    ran = subprocess.run([*command, "--dump-dom", wrapper.as_uri()], capture_output=True, text=True, timeout=120)
    told = re.search(r"<output>(.*?)</output>", ran.stdout)
    assert told, f"the page never became ready: {ran.stderr[-2000:]}"
    seen = json.loads(html.unescape(told[1]))
    for width in (390, 1440):
        one = seen[str(width)]
        assert one["drawn"] == one["charts"] == 7
        assert one["wide"] <= width
        assert one["rows"] == result.trades.height
        assert one["candles"] > 500
        assert one["fetched"] == 0
