"""The page of alerts: rules and a form for one, what rang, and which kinds are told."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from nicegui import ui

from bearskin.app._rules import change_rule, remove_rule, rules_stamp
from bearskin.app.web._alerts import alerts_now, tell_kind
from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._hub import BOT
from bearskin.app.web._kit import Panel, attrs, figured, heard, panel, text, when
from bearskin.app.web._page_alerts_form import RuleForm
from bearskin.app.web._page_learn_parts import Says, act, tried
from bearskin.terms import BearskinError

PAGE_WARNINGS = 40
CLOCKS = "Times in this list are the market's, which in a demo or a replay is not the clock on your wall."


def alerts_page(desk: WebDesk) -> None:
    """Build it."""
    with ui.element("div").classes("ln-alerts"):
        with ui.element("div").classes("alerts-left"):
            with panel("Rules", "rules") as rules:
                table = _Rules(desk, rules)
            with panel("Make or change a rule", "rule-form"):
                table.form = RuleForm(desk, table.show)
        with ui.element("div").classes("alerts-right"), panel("What the bot tells", "warnings") as warnings:
            _warnings(desk, warnings, table.show)
        with panel("Kinds that are told", "kinds", "ln-wide") as kinds:
            _kinds(desk, kinds)


class _Rules:
    """The table of rules; made anew when one changes or rings."""

    def __init__(self, desk: WebDesk, frame: Panel) -> None:
        self._desk, self._frame = desk, frame
        self.form: RuleForm | None = None
        self._stamp: Any = None
        self._rows = ui.element("div").classes("ln-rules")
        self._says = Says("rules-said")
        self.show()

    def show(self) -> None:
        """Look again; nothing moves on the page where nothing has changed."""
        stamp = rules_stamp(self._desk.house.home)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            found = alerts_now(self._desk)["rules"]
        except BearskinError as error:
            self._frame.failed(str(error))
            return
        if not found:
            self._frame.empty("no rules yet: make one below, it rings in the bot with no page open")
            return
        self._frame.shown()
        self._rows.clear()
        with self._rows, ui.element("table").classes("ln-rows"):
            with ui.element("thead"), ui.element("tr"):
                for head in ("On", "Rule", "How often", "Rang, by your clock", ""):
                    text("th", head).props("scope=col")
            with ui.element("tbody"):
                for rule in found:
                    self._row(rule)

    def _row(self, rule: dict[str, Any]) -> None:
        with attrs(ui.element("tr"), data_rule=rule["id"]).classes("" if rule["on"] else "off"):
            with ui.element("td"):
                switch(f"Rule {rule['text']}", rule["on"], lambda on: self._switch(rule, on))
            with ui.element("td").classes("rule-text"):
                ui.label(rule["text"])
                if rule["note"]:
                    ui.label(rule["note"]).classes("muted")
            with ui.element("td"):
                ui.label(_often(rule))
                if rule["urgent"]:
                    ui.label("urgent: in quiet hours too").classes("warn ln-small")
            with ui.element("td").classes("num"):
                ui.label(f"{rule['rang']}×" if rule["rang"] else "–")
                if rule["rang_at"]:
                    ui.label(when(self._desk, rule["rang_at"], "%m-%d %H:%M:%S")).classes("muted ln-small")
            with ui.element("td").classes("row-tools"):
                act(f"Change {rule['text']}", lambda: self._change(rule), icon="edit")
                act(f"Delete {rule['text']}", lambda: self._delete(rule), icon="delete")

    async def _switch(self, rule: dict[str, Any], on: bool) -> None:
        home = self._desk.house.home
        await tried(self._says, lambda: self._desk.aside(lambda: change_rule(home, rule["id"], {"on": on})))
        self.show()

    async def _delete(self, rule: dict[str, Any]) -> None:
        home = self._desk.house.home
        gone = await tried(self._says, lambda: self._desk.aside(lambda: remove_rule(home, rule["id"])))
        if gone is not None:
            self._says.good(f"deleted: {gone.text}")
        self.show()

    def _change(self, rule: dict[str, Any]) -> None:
        if self.form is not None:
            self.form.change(rule)


def switch(name: str, on: bool, turned: Callable[[bool], Any]) -> None:
    """A switch: a box to tick that says by its place and its tick how it stands."""
    made = ui.element("input").props("type=checkbox role=switch").classes("ln-switch")
    made.props["aria-label"] = name
    made.props["checked"] = on
    made.on("change", lambda event: turned(bool(event.args)), js_handler="(event) => emit(event.target.checked)")


def _often(rule: dict[str, Any]) -> str:
    if rule["often"] == "once":
        return "once"
    seconds = rule["pause_s"]
    pause = (
        f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"
    )
    return f"every time, {pause} apart"


def _warnings(desk: WebDesk, frame: Panel, again: Callable[[], None]) -> None:
    with frame.tools:
        act("Tell me in the browser too", lambda: ui.run_javascript("bearskinAlerts.ask()"))
    rows = ui.element("ol").classes("ln-warnings").props("aria-live=polite")
    ui.label(CLOCKS).classes("ln-note").props("data-figure=clocks")
    seen: list[Any] = [None]

    def show(now: BotNow) -> None:
        if now.state is None:
            frame.empty(now.why)
            return
        again()
        frame.stale(None if now.up else now.why)
        found = now.state["warnings"][-PAGE_WARNINGS:]
        if found == seen[0]:
            return
        seen[0] = found
        if not found:
            frame.empty("nothing to warn of since the bot was started")
            return
        frame.shown()
        rows.clear()
        with rows:
            for one in reversed(found):
                with ui.element("li").classes(one["severity"]):
                    ui.label(when(desk, one["time"], "%m-%d %H:%M:%S")).classes("num muted")
                    ui.label(one["severity"]).classes("ln-severity")
                    ui.label(one["kind"]).classes("ln-kind")
                    ui.label(figured(one["text"]))

    heard(desk, BOT, show, every_s=0.5)


def _kinds(desk: WebDesk, frame: Panel) -> None:
    says = Says("kinds-said")
    try:
        found = alerts_now(desk)["kinds"]
    except BearskinError as error:
        frame.failed(str(error))
        return

    async def turned(kind: str, told: bool) -> None:
        if await tried(says, lambda: desk.aside(lambda: tell_kind(desk, kind, told))) is not None:
            says.good(f"{kind} is {'told' if told else 'not told'} from now on")

    with ui.element("ul").classes("ln-kinds"):
        for one in found:
            with ui.element("li"):
                switch(one["kind"], one["told"], functools.partial(turned, one["kind"]))
                ui.label(one["kind"]).classes("ln-kind")
                ui.label(one["meaning"]).classes("muted")
    ui.label("What is critical is told even when its kind is off.").classes("ln-note")
