"""The form of one alert rule, for a new one and for one that is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from bearskin.app._rules import ABOUT, add_rule, change_rule
from bearskin.app.web._alerts import setup_names
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._page_learn_parts import Says, Typed, act, choice, tried

WORDS = {
    "price": "mark price",
    "funding": "funding rate",
    "margin-ratio": "margin ratio",
    "liquidation-distance": "way to liquidation",
    "setup": "a set-up is found",
}
HINTS = {"price": "62000", "funding": "0.05 %", "margin-ratio": "50 %", "liquidation-distance": "8 %"}
PAUSES = {
    "60": "1 minute",
    "300": "5 minutes",
    "900": "15 minutes",
    "3600": "1 hour",
    "14400": "4 hours",
    "86400": "1 day",
}
FIRST: dict[str, Any] = {
    "about": "price", "symbol": "", "compare": "above", "value": "", "setup": "", "side": "", "often": "once",
    "pause_s": 900.0, "urgent": False, "note": "",
}  # fmt: skip
assert set(WORDS) == set(ABOUT)


class RuleForm:
    """The form; `done` is called when a rule was made or changed."""

    def __init__(self, desk: WebDesk, done: Callable[[], None]) -> None:
        self._desk, self._done = desk, done
        self._rule: str | None = None
        self._at: dict[str, Any] = {}
        self._text: dict[str, Typed] = {}
        self._place = ui.element("form").classes("rule-form").props('aria-label="Rule"')
        self._says = Says("rule-said")
        self._begin(dict(FIRST))

    def change(self, rule: dict[str, Any]) -> None:
        """Have an old rule changed in it."""
        self._rule = rule["id"]
        self._begin({name: rule[name] for name in FIRST} | {"value": _typed(rule)})
        ui.run_javascript(f"getHtmlElement({self._place.id}).scrollIntoView({{block: 'nearest'}})")

    def _begin(self, values: dict[str, Any]) -> None:
        self._at = values
        if not values["symbol"] and values["about"] == "price" and self._desk.symbols:
            values["symbol"] = self._desk.symbols[0]
        self._draw()

    def _draw(self) -> None:
        at, about = self._at, self._at["about"]
        self._place.clear()
        with self._place:
            choice("Ring on", "rule-about", WORDS, about, lambda value: self._set("about", value))
            symbols = {one: one for one in dict.fromkeys((*self._desk.symbols, at["symbol"])) if one}
            any_symbol = {} if about == "price" else {"": "any symbol"}
            choice("Symbol", "rule-symbol", {**any_symbol, **symbols}, at["symbol"], lambda v: self._keep("symbol", v))
            if about == "setup":
                names = {"": "any set-up"} | {name: name for name in setup_names()}
                choice("Set-up", "rule-setup", names, at["setup"], lambda value: self._keep("setup", value))
                sides = {"": "both sides", "short": "short", "long": "long"}
                choice("Side", "rule-side", sides, at["side"], lambda value: self._keep("side", value))
            else:
                compares = {"above": "is above", "below": "is below"}
                choice("When it", "rule-compare", compares, at["compare"], lambda value: self._keep("compare", value))
                self._text["value"] = Typed("Value", "rule-value", value=at["value"], hint=HINTS[about])
            often = {"once": "once, then it is off", "always": "every time it becomes true"}
            choice("How often", "rule-often", often, at["often"], lambda value: self._set("often", value))
            if at["often"] == "always":
                pause = f"{at['pause_s']:g}"
                choice("Pause between", "rule-pause", {pause: f"{pause} s"} | PAUSES, pause, self._paused)
            self._text["note"] = Typed("Note", "rule-note", value=at["note"], hint="told with it")
            self._urgent()
            with ui.element("div").classes("ln-tools form-end"):
                act("Keep the change" if self._rule else "Add the rule", self._send, main=True)
                if self._rule:
                    act("Leave it as it was", self._again)

    def _urgent(self) -> None:
        with ui.element("label").classes("ln-tick"):
            box = ui.element("input").props("type=checkbox")
            box.props["checked"] = self._at["urgent"]
            ui.label("urgent: in quiet hours too")
        box.on(
            "change",
            lambda event: self._keep("urgent", bool(event.args)),
            js_handler="(event) => emit(event.target.checked)",
        )

    def _keep(self, name: str, value: Any) -> None:
        self._at[name] = value

    def _set(self, name: str, value: Any) -> None:
        self._at |= {one: typed.value for one, typed in self._text.items()} | {name: value}
        self._begin(self._at)

    def _paused(self, text: str) -> None:
        self._at["pause_s"] = float(text)

    def _again(self) -> None:
        self._rule = None
        self._begin(dict(FIRST))

    async def _send(self) -> None:
        setup = self._at["about"] == "setup"
        given = self._at | {name: typed.value for name, typed in self._text.items()}
        given = {name: value for name, value in given.items() if not setup or name not in ("compare", "value")}
        home, rule = self._desk.house.home, self._rule
        made = await tried(
            self._says,
            lambda: self._desk.aside(lambda: add_rule(home, given) if rule is None else change_rule(home, rule, given)),
        )
        if made is not None:
            self._says.good(f"{made.text}, {'once' if made.often == 'once' else 'every time'}")
            self._again()
            self._done()


def _typed(rule: dict[str, Any]) -> str:
    """The value as it is typed again."""
    if rule["value"] is None:
        return ""
    if rule["about"] == "price":
        return str(rule["value"])
    return f"{100 * float(rule['value']):.6g} %"
