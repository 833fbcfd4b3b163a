"""Learning as a person does it: the guide from step one to the close, the quiz, and words that explain themselves."""

from __future__ import annotations

from playwright.sync_api import expect

from bearskin.app._quiz import QUESTIONS

START = None  # each test goes where it wants
LONG_MS = 30_000


def go(page, desk, path):
    page.goto(f"{desk.url}{path}")
    page.locator("main .panel").first.wait_for(timeout=LONG_MS)


def bar(page):
    return page.locator("[data-panel=guide]")


def step(page, number):
    expect(bar(page).locator("[data-figure=guide-step]")).to_have_text(f"{number} of 8", timeout=LONG_MS)


def test_the_guide_leads_from_the_first_step_to_what_the_short_has_cost(page, desk):
    desk.index("BTCUSDT", "60000")
    go(page, desk, "/learn")
    bar(page).get_by_role("button", name="Show me how").click()
    step(page, 2)  # the account of the demo has its money: that step ticks itself off
    bar(page).get_by_role("button", name="Take me there").click()
    ticket = page.locator("[data-panel=ticket]")
    ticket.wait_for(timeout=LONG_MS)
    expect(page.locator(".guided").first).to_be_visible(timeout=LONG_MS)
    page.wait_for_load_state("networkidle")  # a page that is drawn anew forgets what was clicked before
    ticket.locator("[data-choice=preset]").get_by_role("button", name="Beginner").click()
    step(page, 4)  # the symbol, the side, and the preset's isolated margin and 3x
    stop = ticket.locator("[data-field=stop]")
    (stop if stop.evaluate("one => one.tagName") == "INPUT" else stop.locator("input")).fill("61000")
    page.keyboard.press("Tab")
    step(page, 5)
    go(page, desk, "/learn")  # as the ticket's link to the quiz does
    bar(page).get_by_role("button", name="Take me there").click()
    expect(ticket.locator("[data-field=stop] input, input[data-field=stop]")).to_have_value("61000", timeout=LONG_MS)
    expect(ticket.locator("[data-figure=ticket-loss]")).not_to_contain_text("–", timeout=LONG_MS)
    bar(page).get_by_role("button", name="I have read it").click()
    step(page, 6)
    send = page.locator("[data-action=send]")
    expect(send).to_be_enabled(timeout=LONG_MS)
    send.click()
    step(page, 7)
    go(page, desk, "/learn")
    step(page, 7)  # it stays with a person from page to page
    desk.index("BTCUSDT", "59800")
    page.wait_for_timeout(2_000)
    step(page, 7)  # a mark that has moved is not one that was looked at
    bar(page).get_by_role("button", name="I have seen it").click()
    step(page, 8)
    answer = desk.api("GET", "/bot").json()["state"]["positions"]
    assert [one["side"] for one in answer] == ["short"]
    bar(page).get_by_role("button", name="Take me there").click()
    page.get_by_role("button", name="Close 100 % of BTCUSDT short at market").click()
    expect(bar(page).locator("[data-figure=guide-cost]")).to_contain_text("net", timeout=LONG_MS)
    for item in ("Gross", "Fees", "Funding", "Net"):
        expect(bar(page).locator("[data-figure=guide-bill]")).to_contain_text(item)
    assert desk.api("GET", "/learn/guide").json()["step"] is None


def test_the_guide_is_left_and_taken_up_again_where_it_was(page, desk):
    desk.api("POST", "/learn/guide", act="again")
    go(page, desk, "/learn")
    step(page, 2)
    bar(page).get_by_role("button", name="Leave the guide").click()
    expect(bar(page)).to_be_hidden(timeout=LONG_MS)
    page.get_by_role("button", name="Take it up again").click()
    step(page, 2)


def choose(page, right):
    """Answer every question, the first one right or wrong."""
    for number, question in enumerate(QUESTIONS):
        words = question.answers[0] if right or number else question.answers[1]
        page.locator(f"[data-question='{question.name}']").get_by_label(words, exact=True).check()


def test_a_failed_quiz_says_the_reasons_and_a_passed_one_lifts_the_lock(page, desk):
    go(page, desk, "/learn")
    lock = page.locator("[data-lock=leverage]")
    expect(lock).to_contain_text("locked: the risk quiz has not been passed", timeout=LONG_MS)
    page.get_by_role("button", name="Begin the quiz").click()
    choose(page, right=False)
    page.get_by_role("button", name="Answer all").click()
    expect(page.locator("[data-figure=quiz-result]")).to_contain_text("9 of 10 right", timeout=LONG_MS)
    wrong = page.locator(f"[data-question='{QUESTIONS[0].name}']")
    expect(wrong).to_contain_text(QUESTIONS[0].reason)
    assert desk.api("GET", "/learn/locks").json()[0]["locked"] is True
    choose(page, right=True)
    page.get_by_role("button", name="Answer all").click()
    expect(page.locator("[data-figure=quiz-result]")).to_contain_text("10 of 10 right: passed", timeout=LONG_MS)
    expect(page.get_by_role("button", name="Answer all")).to_be_hidden()
    page.get_by_role("button", name="Back", exact=True).click()
    expect(lock).to_contain_text("open", timeout=LONG_MS)
    assert desk.api("GET", "/learn/locks").json()[0]["locked"] is False


def test_a_word_explains_itself_to_the_keyboard_and_leads_to_the_glossary(page, desk):
    go(page, desk, "/learn")
    word = page.locator("[data-panel=reach] .term", has_text="Liquidation price")
    word.wait_for(timeout=LONG_MS)
    assert "maintenance margin" in word.get_attribute("aria-description")
    page.get_by_label("Size").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(word).to_be_focused()
    tip = page.get_by_role("tooltip")
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("not at 1 over leverage")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    word.hover()
    expect(tip).to_be_visible()
    tip.get_by_role("link").click()
    expect(page.locator("[data-word=liquidation-price]")).to_be_focused(timeout=LONG_MS)


def test_a_search_in_the_glossary_shows_what_fits(page, desk):
    go(page, desk, "/learn")
    page.get_by_label("Find a word").fill("insurance")
    expect(page.locator("[data-word=insurance-fund]")).to_be_visible(timeout=LONG_MS)
    expect(page.locator("[data-word=trailing-stop]")).to_be_hidden(timeout=LONG_MS)
    page.get_by_label("Find a word").fill("no such thing")
    expect(page.locator("[data-panel=glossary]")).to_contain_text("no such word", timeout=LONG_MS)


def test_the_slider_of_leverage_moves_the_true_liquidation(page, desk):
    go(page, desk, "/learn")
    expect(page.locator("[data-figure=reach-true]")).to_contain_text("+9.56 %", timeout=LONG_MS)
    page.locator("[data-panel=reach]").get_by_role("slider", name="Leverage").fill("125")
    expect(page.locator("[data-figure=reach-true]")).to_contain_text("+0.40 %", timeout=LONG_MS)
    expect(page.locator("[data-figure=reach-naive]")).to_contain_text("+0.80 %")
