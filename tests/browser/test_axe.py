"""Every page, dark and light, by the rules of axe: nothing serious and nothing critical."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from bearskin.app.web._pages import PAGES

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
GRAVE = ("serious", "critical")


def faults_of(page) -> list[str]:
    """What axe finds that keeps somebody out."""
    found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['target'][0]}: {node['html'][:120]}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"][:4]
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_page_keeps_anybody_out(page, desk, theme):
    page.get_by_text("bot on the line").wait_for()
    if page.locator("html").get_attribute("data-theme") != theme:
        page.get_by_label("Dark or light").click()
    expect(page.locator(f"body.body--{theme}")).to_be_attached()
    faults = {}
    for one in PAGES:
        page.locator(f'[data-way="{one.path}"]').click()
        expect(page.locator(f'[data-way="{one.path}"]')).to_have_attribute("aria-current", "page")
        expect(page.locator("main .panel").first).to_be_visible()
        page.wait_for_timeout(300)  # what a page hears first has come
        found = faults_of(page)
        if found:
            faults[one.path] = found
    assert faults == {}
