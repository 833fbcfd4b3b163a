"""Every page on a phone: nothing is wider than the screen, and every page is reached by thumb."""

from __future__ import annotations

from playwright.sync_api import expect

from bearskin.app.web._pages import PAGES

WIDE = """() => {
  const most = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= most) return [];
  const inside = (one) => {
    for (let at = one.parentElement; at && at !== document.body; at = at.parentElement)
      if (/auto|scroll|hidden|clip/.test(getComputedStyle(at).overflowX)) return true;
    return false;
  };
  return [...document.querySelectorAll("main *")]
    .filter((one) => one.getBoundingClientRect().right > most + 1 && !inside(one))
    .slice(0, 5).map((one) => one.tagName + "." + one.className);
}"""


def test_no_page_is_wider_than_a_phone_and_each_is_reached(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="PANIC").wait_for()
    for one in PAGES:
        way = page.locator(f'[data-way="{one.path}"]')
        if not way.is_visible():
            more = page.locator(".ways-open")
            more.click()
            expect(more).to_have_attribute("aria-expanded", "true")
        way.click()
        expect(way).to_have_attribute("aria-current", "page")
        expect(page.locator("main .panel").first).to_be_visible()
        page.wait_for_timeout(300)  # what a page hears first has come
        assert page.evaluate(WIDE) == [], one.path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), one.path
        page.set_viewport_size({"width": 320, "height": 844})
        assert page.evaluate(WIDE) == [], f"{one.path} at 320"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{one.path} at 320"
        page.set_viewport_size({"width": 390, "height": 844})
        if page.locator(".ways-open").count():
            expect(page.locator(".ways-open")).to_have_attribute("aria-expanded", "false")
