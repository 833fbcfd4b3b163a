"""What stands before real money, and the keys: typed in once, asked at the venue, never shown again."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from bearskin.app.web import _settings_page_keys as keys
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._kit import attrs, text
from bearskin.app.web._page_learn_parts import Says, Typed, act, choice, tried
from bearskin.terms import BearskinError


def locks_part(desk: WebDesk) -> None:
    """The locks, the notice, and the caps."""
    place = ui.element("div").classes("ln-stacked")
    says = Says("locks-said")

    def show() -> None:
        place.clear()
        with place:
            try:
                _locks(desk, keys.safety_now(desk), says, show)
            except BearskinError as error:
                text("div", str(error)).classes("down")

    show()


def _locks(desk: WebDesk, found: dict[str, Any], says: Says, again: Any) -> None:
    with ui.element("ul").classes("ln-locks"):
        for lock in found["locks"]:
            with ui.element("li").props(f"data-lock={lock['key']}"):
                ui.icon("lock" if lock["locked"] else "lock_open").props("aria-hidden=true").classes(
                    "warn" if lock["locked"] else "up"
                )
                text("span", lock["what"])
                text("span", f"locked: {lock['why']}" if lock["locked"] else "open").classes("muted")
                if lock["cure"] == "/learn":
                    ui.link("the quiz", "/learn")
    with ui.element("details").props(*([] if found["acknowledged"] else ["open"])):
        text("summary", "The notice on who may trade")
        text("p", found["notice"]).classes("ln-small")
        for region, words in found["regions"].items():
            text("p", f"{region}: {words}").classes("muted ln-small")
    chosen = [found["region"] or "other"]

    async def accept() -> None:
        if await tried(says, lambda: desk.aside(lambda: keys.acknowledge(desk, chosen[0]))) is not None:
            says.good(f"kept that you have read it, for {chosen[0]}")
            again()

    if found["acknowledged"]:
        text("div", f"✓ read for {found['region']} on {found['acknowledged'][:10]}").classes("up")
    else:
        with ui.element("div").classes("form-row"):
            regions = {one: one for one in found["regions"]}
            choice("Where you live", "region", regions, chosen[0], lambda one: chosen.__setitem__(0, one))
            act("I have read it", accept)
    caps = "".join(f"; {venue} {amount}, set by hand" for venue, amount in found["caps"].items())
    words = f"Largest live position: {found['cap_first']} in quote currency, {found['cap_rule']}{caps}."
    text("div", words).classes("ln-note").props("data-figure=caps")
    with ui.element("div").classes("form-row"):
        venue = Typed("Venue", "cap-venue", hint="binance")
        amount = Typed("At most", "cap-amount", hint="500")
        confirm = Typed("Its name again", "cap-confirm", hint="binance")

        async def capped() -> None:
            typed = (venue.value, amount.value, confirm.value)
            if await tried(says, lambda: desk.aside(lambda: keys.set_cap(desk, *typed))) is not None:
                says.good(f"one live position at {venue.value} may be as large as {amount.value}")
                again()

        act("Set the cap", capped)


def keys_part(desk: WebDesk) -> None:
    """Whose keys there are, and a form for one."""
    rows = ui.element("div")
    says = Says("keys-said")

    def show() -> None:
        rows.clear()
        with rows:
            try:
                found = keys.safety_now(desk)["keys"]
            except BearskinError as error:
                text("div", str(error)).classes("down")
                return
            if not found:
                text("div", "no keys: the demo needs none").classes("muted")
                return
            with ui.element("table").classes("ln-rows"), ui.element("tbody"):
                for one in found:
                    _key(desk, one, says, show)

    show()
    with ui.element("form").classes("form-row").props('aria-label="A new key"'):
        venue = Typed("Venue", "key-venue", hint="binance")
        key = Typed("Key", "key-key", secret=True)
        secret = Typed("Secret", "key-secret", secret=True)
        passphrase = Typed("Passphrase, if it has one", "key-passphrase", secret=True)

        async def enter() -> None:
            parts = (venue.value, key.value, secret.value, passphrase.value)
            for one in (key, secret, passphrase):
                one.clear()
            made = await tried(says, lambda: desk.aside(lambda: keys.enter_keys(desk, *parts)))
            if made is not None:
                says.good(f"{made['row']['name']} is in the keyring; {made['venue_says']}")
                show()

        act("Put it into the keyring", enter, main=True)
    text("div", "The venue is asked what the key may do; one that can withdraw is refused. It goes into the system's "
                "keyring, never into a file, and is never shown again.").classes("ln-note")  # fmt: skip


def _key(desk: WebDesk, one: dict[str, Any], says: Says, again: Any) -> None:
    async def forget() -> None:
        if await tried(says, lambda: desk.aside(lambda: keys.forget_keys(one["name"]))) is not None:
            says.good(f"the keys of {one['name']} are gone from the keyring")
            again()

    async def vouch() -> None:
        words = "cannot withdraw"
        await tried(says, lambda: desk.aside(lambda: keys.vouch_keys(desk, one["name"], words)))
        again()

    with attrs(ui.element("tr"), data_key_of=one["name"]):
        text("th", one["name"]).props("scope=row")
        text("td", f"from the {one['origin']}")
        text("td", one["fingerprint"] or "incomplete").classes("ln-mono muted").props('title="fingerprint of the key"')
        with ui.element("td").classes("row-tools"):
            if not one["vouched"] and one["fingerprint"]:
                act("It cannot withdraw", vouch, name=f"Say that the key of {one['name']} cannot withdraw")
            if one["origin"] == "keyring":
                act(f"Delete the key of {one['name']}", forget, icon="delete")
