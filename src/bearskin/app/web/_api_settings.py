"""The API of settings, keys and locks. What is secret goes in and never comes out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field, SecretStr

from bearskin.app.web import _settings_page as settings
from bearskin.app.web import _settings_page_keys as keys
from bearskin.app.web._desk import WebDesk

Word = Annotated[str, Field(max_length=100)]
KeyPart = Annotated[SecretStr, Field(max_length=keys.KEY_MAX)]


class Value(BaseModel):
    """What a setting is to be; a secret like any other text here, and never told again."""

    value: Annotated[SecretStr, Field(max_length=10_000)]


class Choice(BaseModel):
    """What is preferred."""

    value: Word


class NewKeys(BaseModel):
    """The parts of a venue's key."""

    key: KeyPart
    secret: KeyPart
    passphrase: KeyPart = SecretStr("")


class Words(BaseModel):
    """What a person says."""

    words: Word


class Cap(BaseModel):
    """The largest live position; `confirm` is the venue's name again."""

    amount: Word
    confirm: Word = ""


def router_of(desk: WebDesk) -> APIRouter:
    """The routes below /settings."""
    router = APIRouter(prefix="/settings", tags=["settings"])

    @router.get("", summary="Every setting, where it came from, presets and prefs")
    async def now() -> Any:
        return await desk.aside(lambda: settings.settings_now(desk))

    @router.put("/value/{name}", summary="Write a setting to config.toml")
    async def change(name: str, to: Value) -> Any:
        return await desk.aside(lambda: settings.change_setting(desk, name, to.value.get_secret_value()))

    @router.delete("/value/{name}", summary="Take a setting out of config.toml")
    async def unset(name: str) -> Any:
        return await desk.aside(lambda: settings.change_setting(desk, name, None))

    @router.put("/prefs/{name}", summary="Theme or zone")
    async def prefer(name: str, to: Choice) -> Any:
        return await desk.aside(lambda: settings.prefer(desk, name, to.value))

    @router.post("/alert-test", summary="Send one alert to every address")
    async def test() -> Any:
        return await desk.aside(lambda: settings.alert_tested(desk))

    @router.get("/safety", summary="Locks, notice, caps, and whose keys there are")
    async def safety() -> Any:
        return await desk.aside(lambda: keys.safety_now(desk))

    @router.post("/safety/notice", summary="Keep that the notice was read for a region")
    async def notice(region: Words) -> Any:
        return await desk.aside(lambda: keys.acknowledge(desk, region.words))

    @router.put("/safety/caps/{venue}", summary="The largest live position at a venue")
    async def cap(venue: str, given: Cap) -> Any:
        return await desk.aside(lambda: keys.set_cap(desk, venue, given.amount, given.confirm))

    @router.put("/keys/{venue}", summary="Put a venue's key into the keyring")
    async def enter(venue: str, new: NewKeys) -> Any:
        parts = (new.key.get_secret_value(), new.secret.get_secret_value(), new.passphrase.get_secret_value())
        return await desk.aside(lambda: keys.enter_keys(desk, venue, *parts))

    @router.delete("/keys/{venue}", summary="Take a venue's key out of the keyring")
    async def forget(venue: str) -> dict[str, str]:
        return {"removed": await desk.aside(lambda: keys.forget_keys(venue))}

    @router.post("/keys/{venue}/vouch", summary="Say that a key cannot withdraw")
    async def vouch(venue: str, said: Words) -> dict[str, str]:
        await desk.aside(lambda: keys.vouch_keys(desk, venue, said.words))
        return {"vouched": venue}

    return router
