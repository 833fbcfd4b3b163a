"""Settings in the page: read with their origin, written whole or not at all; what is secret goes in and stays in."""

from __future__ import annotations

import asyncio
import errno
import functools
import json
import logging
from pathlib import Path
from types import SimpleNamespace

import httpx
import keyring
import pytest
from fastapi import FastAPI

from bearskin.app._house import open_house
from bearskin.app._licence import read_licence
from bearskin.app.web import _api_alerts, _api_learn, _api_settings
from bearskin.app.web import _settings_page as settings
from bearskin.app.web import _settings_page_keys as keys
from bearskin.app.web._api_errors import add_errors
from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._hub import Hub
from bearskin.live import KeyPermissions
from bearskin.terms import BadInput, VenueBroken

TOKEN = "8412345678:AAF-x9s8d7f6g5h4j3k2l1"
KEY, SECRET, PASSPHRASE = "kEy0123456789abcdef", "s3cretS3cretS3cret", "passphrase-of-mine"


@pytest.fixture
def web(home):
    link = SimpleNamespace(now=BotNow(up=False, state=None))
    return WebDesk(house=open_house(), folder=home / "dashboard", place=None, hub=Hub(), bot=link, market=None)


class Client:
    """Asks an application in this process."""

    def __init__(self, app):
        self._app = app
        for method in ("get", "post", "put", "patch", "delete"):
            setattr(self, method, functools.partial(self._ask, method.upper()))

    def _ask(self, method, path, **more):
        async def asked():
            transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
                return await client.request(method, path, **more)

        return asyncio.run(asked())


@pytest.fixture
def client(web):
    app = FastAPI()
    add_errors(app)
    for api in (_api_settings, _api_alerts, _api_learn):
        app.include_router(api.router_of(web), prefix="/api/v1")
    return Client(app)


def row(web, name):
    return next(one for one in settings.settings_now(web)["settings"] if one["name"] == name)


def test_every_setting_is_shown_once_with_where_it_came_from(web, monkeypatch):
    rows = settings.settings_now(web)["settings"]
    assert len({one["name"] for one in rows}) == len(rows)
    assert row(web, "preset")["origin"] == "default"
    settings.change_setting(web, "preset", "beginner")
    assert (row(web, "preset")["value"], row(web, "preset")["origin"]) == ("beginner", "config.toml")
    monkeypatch.setenv("BEARSKIN_PRESET", "pro")
    over = row(web, "preset")
    assert (over["value"], over["changeable"]) == ("pro", False)
    assert "environment BEARSKIN_PRESET" in over["why_not"]


def test_comments_of_the_file_stay_and_a_bad_value_writes_nothing(web, home):
    file = home / "config.toml"
    home.mkdir(parents=True)
    file.write_text('# mine\nequity = "5000"\n\n# and this\nleverage = 2\n')
    before = file.read_text()
    for name, value, words in (
        ("equity", "much", "equity was 'much'"),
        ("preset", "brave", "must be one of"),
        ("quiet_hours", "25:00-07:00", "such as 22:00-07:00"),
        ("nothing", "5", "is no setting"),
        ("risk", " ", "risk was empty"),
    ):
        with pytest.raises(BadInput, match=words):
            settings.change_setting(web, name, value)
    assert file.read_text() == before
    settings.change_setting(web, "equity", "7000")
    assert "# mine" in file.read_text()
    assert "# and this" in file.read_text()
    assert row(web, "equity")["value"] == "7000"
    settings.change_setting(web, "equity", None)
    assert row(web, "equity")["origin"] == "default"
    assert "leverage = 2" in file.read_text()


def test_addresses_of_alerts_are_shown_as_their_kind_only(web):
    made = settings.change_setting(web, "alert_urls", f"tgram://{TOKEN}/1234")
    assert made["value"] == "tgram://***"
    assert TOKEN not in json.dumps(settings.settings_now(web))
    assert settings.alert_services(web) == "tgram://***"


def test_an_address_that_apprise_does_not_take_is_not_written(web, home):
    with pytest.raises(BadInput, match="nosuch address") as error:
        settings.change_setting(web, "alert_urls", f"nosuch://{TOKEN}")
    assert TOKEN not in str(error.value)
    assert not (home / "config.toml").exists()


def test_presets_have_their_caps():
    found = {one["name"]: one for one in settings.presets()}
    assert (found["beginner"]["leverage_max"], found["beginner"]["risk"]) == ("3", "0.005")
    assert found["hedge"]["margin_mode"] == "cross"


def test_theme_and_zone_are_kept_and_nothing_else(web):
    assert settings.prefs_of(web) == {"theme": "dark", "zone": "utc"}
    settings.prefer(web, "zone", "local")
    assert settings.prefs_of(web)["zone"] == "local"
    for name, value in (("zone", "mars"), ("token", "x")):
        with pytest.raises(BadInput):
            settings.prefer(web, name, value)


def test_a_choice_that_a_full_disk_does_not_take_is_said_and_ends_no_page(web, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert "No space left on device" in web.prefer(symbol="ETHUSDT")
    with pytest.raises(BadInput, match=r"zone was not kept: .*No space left on device"):
        settings.prefer(web, "zone", "local")
    assert settings.prefs_of(web)["zone"] == "utc"


def may(**told):
    return lambda _: KeyPermissions(**told)


def test_a_key_that_can_withdraw_is_refused_and_not_kept(web):
    with pytest.raises(BadInput, match=r"can withdraw.*nothing was kept") as error:
        keys.enter_keys(web, "binance", KEY, SECRET, look=may(withdraw=True))
    assert KEY not in str(error.value)
    assert keys.safety_now(web)["keys"] == []


def test_a_key_goes_into_the_keyring_and_only_its_fingerprint_comes_back(web):
    made = keys.enter_keys(web, "okx", KEY, SECRET, PASSPHRASE, look=may(withdraw=None, trade=True))
    assert "does not tell whether it can withdraw" in made["venue_says"]
    assert keyring.get_password("bearskin", "okx/secret") == SECRET
    told = json.dumps([made, keys.safety_now(web)])
    for secret in (KEY, SECRET, PASSPHRASE):
        assert secret not in told
    fingerprint = made["row"]["fingerprint"]
    with pytest.raises(BadInput, match="without your word"):
        keys.vouch_keys(web, "okx", "yes")
    keys.vouch_keys(web, "okx", "cannot withdraw")
    assert fingerprint in read_licence(web.house.home).cannot_withdraw
    assert keys.safety_now(web)["keys"][0]["vouched"]
    keys.forget_keys("okx")
    assert keyring.get_password("bearskin", "okx/secret") is None


def test_a_venue_that_does_not_answer_is_asked_again_later(web):
    def silent(_):
        raise VenueBroken("no answer")

    made = keys.enter_keys(web, "binance", KEY, SECRET, look=silent)
    assert "asked again before the first live trade" in made["venue_says"]


def test_keys_of_a_venues_own_demo_are_not_asked_about(web):
    def never(_):
        raise AssertionError

    assert keys.enter_keys(web, "binance-demo", KEY, SECRET, look=never)["row"]["name"] == "binance-demo"


@pytest.mark.parametrize(
    "body",
    [
        {"key": KEY, "secret": SECRET, "passphrase": PASSPHRASE},
        {"key": KEY, "secret": ""},
        {"key": KEY, "secret": f"{SECRET} {SECRET}"},
        {"key": KEY, "secret": [SECRET]},
        {"key": KEY * 50, "secret": SECRET},
        {"key": KEY},
    ],
)
def test_no_answer_of_the_api_and_no_log_has_a_key_in_it(client, body, monkeypatch, caplog):
    monkeypatch.setattr(keys, "permissions_of", may(withdraw=False, trade=True))
    caplog.set_level(logging.DEBUG)
    answers = [
        client.put("/api/v1/settings/keys/kraken-demo", json=body),
        client.put("/api/v1/settings/keys/..%2Fx", json=body),
        client.get("/api/v1/settings/safety"),
        client.get("/api/v1/settings"),
        client.delete("/api/v1/settings/keys/kraken-demo"),
    ]
    assert all(answer.status_code != 500 for answer in answers)
    told = "".join(answer.text for answer in answers) + caplog.text
    for secret in (KEY, SECRET, PASSPHRASE):
        assert secret not in told


def test_an_address_given_to_the_api_never_comes_back(client):
    good = client.put("/api/v1/settings/value/alert_urls", json={"value": f"tgram://{TOKEN}/1234"})
    assert good.json()["value"] == "tgram://***"
    answers = [
        good,
        client.put("/api/v1/settings/value/alert_urls", json={"value": f"what {TOKEN}"}),
        client.put("/api/v1/settings/value/webhook_url", json={"value": f"ftp://{TOKEN}@x"}),
        client.put("/api/v1/settings/value/database", json={"value": f"mysql://{TOKEN}@x"}),
        client.put("/api/v1/settings/value/alert_urls", json={"value": [TOKEN]}),
        client.get("/api/v1/settings"),
        client.get("/api/v1/alerts"),
    ]
    assert [answer.status_code for answer in answers[1:5]] == [422] * 4
    assert TOKEN not in "".join(answer.text for answer in answers)


def test_rules_by_the_api(client):
    made = client.post(
        "/api/v1/alerts", json={"about": "price", "symbol": "BTCUSDT", "compare": "above", "value": "62000"}
    )
    assert made.status_code == 201
    name = made.json()["id"]
    assert client.patch(f"/api/v1/alerts/{name}", json={"on": False}).json()["on"] is False
    assert [one["id"] for one in client.get("/api/v1/alerts").json()["rules"]] == [name]
    assert client.delete(f"/api/v1/alerts/{name}").json()["removed"]["id"] == name
    gone = client.delete(f"/api/v1/alerts/{name}")
    assert gone.status_code == 422
    assert "there is no rule" in gone.json()["error"]
    assert client.post("/api/v1/alerts", json={"about": "price"}).status_code == 422


def test_kinds_are_switched_and_come_back_to_the_default(client, home):
    told = {one["kind"]: one["told"] for one in client.get("/api/v1/alerts").json()["kinds"]}
    assert (told["plan"], told["entry"]) == (False, True)
    client.put("/api/v1/alerts/kinds/plan", json={"told": True})
    client.put("/api/v1/alerts/kinds/declined", json={"told": True})
    assert all(one["told"] for one in client.get("/api/v1/alerts").json()["kinds"])
    client.put("/api/v1/alerts/kinds/plan", json={"told": False})
    client.put("/api/v1/alerts/kinds/declined", json={"told": False})
    assert "alert_off" not in (home / "config.toml").read_text()
    assert client.put("/api/v1/alerts/kinds/nothing", json={"told": True}).status_code == 422


def test_quiz_and_guide_by_the_api(client):
    put = client.get("/api/v1/quiz").json()
    assert "reason" not in put["questions"][0]
    wrong = client.post("/api/v1/quiz", json={"seed": put["seed"], "answers": ["a"] * 10}).json()
    assert wrong["passed"] is False
    assert client.post("/api/v1/quiz", json={"seed": put["seed"], "answers": ["a"]}).status_code == 422
    assert client.get("/api/v1/learn/guide").json()["step"] == "account"
    assert client.post("/api/v1/learn/guide", json={"act": "begin"}).json()["on"] is True
    assert client.post("/api/v1/learn/guide", json={"act": "done", "step": "nothing"}).status_code == 422
    assert client.post("/api/v1/learn/guide", json={"act": "done", "step": "account"}).json()["step"] == "pair"
    found = client.get("/api/v1/glossary", params={"search": "mark price"}).json()
    assert found[0]["slug"] == "mark-price"
    assert client.get("/api/v1/learn/reach", params={"leverage": "10"}).json()["rows"][0]["liquidation"] == "0.095618"
    assert client.get("/api/v1/learn/same-path", params={"days": 1}).status_code == 422
    assert client.get("/api/v1/learn/reach", params={"leverage": "200"}).status_code == 422
