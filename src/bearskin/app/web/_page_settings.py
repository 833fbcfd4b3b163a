"""The page of settings: how it looks, every setting with where it came from, presets, and what stands before live."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from bearskin.app.web import _settings_page as settings
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._kit import Panel, attrs, panel, per_cent, term, text
from bearskin.app.web._page_learn_parts import Says, Typed, act, choice, tried
from bearskin.app.web._page_settings_safety import keys_part, locks_part
from bearskin.terms import BearskinError


def settings_page(desk: WebDesk) -> None:
    """Build it."""
    try:
        found = settings.settings_now(desk)
    except BearskinError as error:
        with panel("Settings", "settings") as frame:
            frame.failed(str(error))
        return
    with ui.element("div").classes("ln-settings"):
        with ui.element("div").classes("settings-left"), panel("Settings", "settings") as frame:
            _table(desk, frame, found)
        with ui.element("div").classes("settings-right"):
            with panel("How it looks", "prefs"):
                _prefs(desk, found["prefs"])
            with panel("Presets", "presets"):
                _presets(found["presets"])
            with panel("Where alerts go", "alert-addresses"):
                _addresses(desk)
            with panel("Before real money", "locks"):
                locks_part(desk)
            with panel("Keys of venues", "keys"):
                keys_part(desk)


def _prefs(desk: WebDesk, prefs: dict[str, str]) -> None:
    def zone(value: str) -> None:
        settings.prefer(desk, "zone", value)
        ui.navigate.reload()

    def theme(value: str) -> None:
        settings.prefer(desk, "theme", value)
        ui.navigate.reload()

    with ui.element("div").classes("form-row"):
        choice("Theme", "theme", {"dark": "dark", "light": "light"}, prefs["theme"], theme)
        zones = {"utc": "UTC, as venues have it", "local": "local time of this machine"}
        choice("Times in", "zone", zones, prefs["zone"], zone)


def _presets(presets: list[dict[str, Any]]) -> None:
    with ui.element("div").classes("ln-scroll"), ui.element("table").classes("ln-rows"):
        with ui.element("thead"), ui.element("tr"):
            for head, word in (("Preset", ""), ("Leverage", "leverage"), ("At risk", "risk"), ("Margin", "margin mode"),
                               ("of equity", ""), ("Liquidation", "liquidation price")):  # fmt: skip
                with ui.element("th").props("scope=col"):
                    term(word or head, head)
        with ui.element("tbody"):
            for one in presets:
                with ui.element("tr"):
                    text("th", one["name"]).props("scope=row")
                    text("td", f"{one['leverage_max']}x at most").classes("num")
                    text("td", per_cent(one["risk"], 1) if one["risk"] else "–").classes("num")
                    text("td", one["margin_mode"])
                    text("td", f"≤ {per_cent(one['margin_share'], 0)}" if one["margin_share"] else "no cap").classes(
                        "num"
                    )
                    text("td", f"≥ {one['liquidation_stop_ratio']} stops away")
    for one in presets:
        text("div", f"{one['name']}: {one['about'].partition(': ')[2] or one['about']}").classes("ln-note")
    text("div", "Beyond a preset takes an explicit choice in the ticket; beyond the bracket nothing goes.").classes(
        "note"
    )


def _table(desk: WebDesk, frame: Panel, found: dict[str, Any]) -> None:
    with frame.tools:
        text("span", f"{found['config_file']}").classes("muted ln-small ln-path")
    for note in found["notes"]:
        text("div", note).classes("warn")
    groups = dict.fromkeys(row["group"] for row in found["settings"])
    for group in groups:
        text("h3", group).classes("group-head")
        with ui.element("div").classes("settings-rows"):
            for row in found["settings"]:
                if row["group"] == group:
                    _Row(desk, row)
    text(
        "div",
        "Order: command line, environment, config.toml, default. A bot that runs keeps what it was begun with, but "
        "where its alerts go and when it is quiet it takes up at once.",
    ).classes("ln-note")


class _Row:
    """One setting; opened it can be changed."""

    def __init__(self, desk: WebDesk, row: dict[str, Any]) -> None:
        self._desk, self._row = desk, row
        self._place = attrs(ui.element("div").classes("ln-setting"), data_setting=row["name"])
        self._show()

    def _show(self) -> None:
        row = self._row
        self._place.clear()
        with self._place:
            with ui.element("div").classes("setting-name"):
                text("span", row["name"]).classes("ln-mono")
                text("span", row["meaning"]).classes("muted ln-small")
            with ui.element("div").classes("setting-value"):
                if row["value"] is None:
                    text("span", row["stands_in"] or "none").classes("muted")
                else:
                    text("span", row["value"]).classes("ln-mono")
                text("span", row["origin"]).classes(f"ln-origin {'' if row['origin'] == 'default' else 'ln-given'}")
            if row["changeable"]:
                act("Change", self._open, name=f"Change {row['name']}")
            else:
                text("span", row["why_not"]).classes("muted ln-small")

    def _open(self) -> None:
        row = self._row
        self._place.clear()
        with self._place, ui.element("div").classes("setting-open"):
            typed: Typed | None = None
            chosen = [row["value"] if row["value"] in row["choices"] else (row["choices"] or [""])[0]]
            if row["choices"]:
                options = {one: one for one in row["choices"]}
                choice(row["name"], f"set-{row['name']}", options, chosen[0], lambda one: chosen.__setitem__(0, one))
            else:
                value = "" if row["secret"] else row["value"] or ""
                hint = row["stands_in"] or ("typed anew: it is never shown" if row["secret"] else "")
                typed = Typed(row["name"], f"set-{row['name']}", value=value, hint=hint, secret=row["secret"])
            says = Says(f"said-{row['name']}")

            async def keep() -> None:
                await self._write(says, typed.value if typed is not None else chosen[0])
                if typed is not None and row["secret"]:
                    typed.clear()

            with ui.element("div").classes("ln-tools"):
                act("Keep", keep, main=True, name=f"Keep {row['name']}")
                if row["origin"] == settings.SHOWN_FROM:
                    back = row["stands_in"] or "the default"
                    act(f"Back to {back}", lambda: self._write(says, None), name=f"Take {row['name']} back")
                act("Leave it", self._show, name=f"Leave {row['name']}")

    async def _write(self, says: Says, value: str | None) -> None:
        made = await tried(
            says, lambda: self._desk.aside(lambda: settings.change_setting(self._desk, self._row["name"], value))
        )
        if made is not None:
            self._row = made
            self._show()


def _addresses(desk: WebDesk) -> None:
    try:
        kept = settings.alert_services(desk)
    except BearskinError as error:
        text("div", str(error)).classes("down")
        return
    now = text("div", kept or "no addresses yet").classes("ln-mono").props("data-figure=alert-addresses")
    typed = Typed("Addresses, blanks between", "alert-urls", hint="tgram://… ntfy://… mailto://…", secret=True)
    says = Says("alert-said")

    async def keep() -> None:
        row = await tried(says, lambda: desk.aside(lambda: settings.change_setting(desk, "alert_urls", typed.value)))
        typed.clear()
        if row is not None:
            now.set_text(row["value"])
            says.good("kept; they are shown as their kind only from now on")

    async def forget() -> None:
        if await tried(says, lambda: desk.aside(lambda: settings.change_setting(desk, "alert_urls", None))) is not None:
            now.set_text("no addresses yet")
            says.good("nothing is sent anywhere any more")

    async def test() -> None:
        made = await tried(says, lambda: desk.aside(lambda: settings.alert_tested(desk)))
        if made is not None:
            told = ", ".join(
                f"{one['service']} {'arrived' if one['arrived'] else one['why']}" for one in made["services"]
            )
            (says.good if made["arrived"] else says.bad)(told)

    with ui.element("div").classes("ln-tools"):
        act("Keep the addresses", keep, main=True)
        act("Send a test alert", test)
        act("Forget them", forget)
    text("div", "Apprise addresses: a phone, a chat, mail. They hold tokens, so they are typed in and never shown "
                "again.").classes("ln-note")  # fmt: skip
