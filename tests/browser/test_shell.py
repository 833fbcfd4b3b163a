"""The way in, the bar around every page, and what happens when the line breaks."""

from __future__ import annotations

import httpx
import pytest

from bearskin.app.web._gate import cookie_of


def test_the_address_with_its_token_opens_the_desk_and_leaves_none_in_the_address(page, desk):
    assert "token" not in page.url
    page.get_by_text("bot on the line").wait_for()
    assert page.locator("[data-figure=equity]").inner_text().endswith("USDT")


@pytest.mark.parametrize("path", ["/", "/api/v1/bot", "/static/desk.css", "/_nicegui/"])
def test_without_the_token_nothing_is_told(desk, path):
    answer = httpx.get(f"{desk.url}{path}", trust_env=False)
    assert answer.status_code == 401
    assert desk.pages["token"] not in answer.text


def test_a_wrong_token_opens_nothing(desk):
    assert httpx.get(f"{desk.url}/?token=guess", trust_env=False).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_another_page_or_name_is_sent_away_even_with_the_token(desk, headers, status):
    bearer = {"Authorization": f"Bearer {desk.pages['token']}"}
    assert httpx.get(f"{desk.url}/api/v1/bot", headers={**bearer, **headers}, trust_env=False).status_code == status


def test_a_cookie_alone_changes_nothing(desk):
    cookies = {cookie_of(desk.pages["token"]): desk.pages["token"]}
    answer = httpx.post(f"{desk.url}/api/v1/anything", cookies=cookies, trust_env=False)
    assert answer.status_code == 403
