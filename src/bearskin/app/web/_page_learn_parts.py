"""Plain controls with their labels; native ones, so that the keyboard and screen readers know them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from nicegui import ui

from bearskin.app.web._kit import attrs, term, text
from bearskin.terms import BearskinError

VALUE = "(event) => emit(event.target.value)"


def act(words: str, do: Callable[[], Any], *, main: bool = False, icon: str = "", name: str = "") -> ui.element:
    """A button; with an icon it shows that alone and `words` are its name. `do` may be a coroutine."""
    made = ui.element("button").classes(f"ln-act {'ln-main' if main else ''} {'ln-only-icon' if icon else ''}")
    made.props("type=button")
    if icon or name:
        made.props["aria-label"] = name or words
        made.props["title"] = name or words
    with made:
        if icon:
            ui.icon(icon).props("aria-hidden=true")
        else:
            ui.label(words)
    made.on("click", lambda: do(), args=[])
    return made


def field(label: str, name: str) -> Any:
    """What is around a control: its label above it; the context is the control. `name` is for tests and the guide."""
    around = ui.element("label").classes("ln-field").props(f"data-field={name}")
    with around, ui.element("span").classes("ln-field-label"):
        term(label)
    return around


def choice(label: str, name: str, options: Mapping[str, str], value: str, changed: Callable[[str], Any]) -> ui.element:
    """A list to choose from: `options` are value and words."""
    with field(label, name):
        made = attrs(ui.element("select"), aria_label=label)
        with made:
            for one, words in options.items():
                option = text("option", words)
                option.props["value"] = one
                if one == value:
                    option.props["selected"] = True
    made.on("change", lambda event: changed(str(event.args)), js_handler=VALUE)
    return made


def slider(
    label: str, name: str, low: float, high: float, step: float, value: float, changed: Callable[[float], str]
) -> ui.element:
    """A slider; `changed` is told of each value and returns how it reads."""
    with field(label, name), ui.element("span").classes("ln-slide"):
        made = ui.element("input").props(f"type=range min={low} max={high} step={step} value={value}")
        made.props["aria-label"] = label
        shown = ui.label().classes("num slide-value")

    def moved(event: Any) -> None:
        words = changed(float(event.args))
        shown.set_text(words)
        made.props["aria-valuetext"] = words

    made.on("input", moved, js_handler=VALUE, throttle=0.05)
    shown.set_text(changed(value))
    return made


class Typed:
    """A text that is typed; `value` is what stands there now."""

    def __init__(self, label: str, name: str, *, value: str = "", hint: str = "", secret: bool = False) -> None:
        self.value = value
        with field(label, name):
            self._input = ui.element("input").props(f"type={'password' if secret else 'text'} autocomplete=off")
            self._input.props["aria-label"] = label
            self._input.props["placeholder"] = hint
            if value:
                self._input.props["value"] = value
            if secret:
                self._input.props("autocomplete=new-password spellcheck=false data-lpignore=true")
        self._input.on("input", self._typed, js_handler=VALUE)

    def clear(self) -> None:
        """Empty it, in the page too: the browser has what was typed, not we."""
        self.value = ""
        self._input.run_method("setAttribute", "value", "")
        ui.run_javascript(f"const one = getHtmlElement({self._input.id}); if (one) one.value = ''")

    def _typed(self, event: Any) -> None:
        self.value = str(event.args)


class Says:
    """One line that tells what came of an act."""

    def __init__(self, key: str) -> None:
        self._line = ui.label().classes("ln-says").props(f"role=status data-figure={key}")
        self._line.set_visibility(False)

    def good(self, text: str) -> None:
        """It was done."""
        self._say(f"✓ {text}", "up")

    def bad(self, text: str) -> None:
        """It was not done, and why."""
        self._say(f"✗ {text}", "down")

    def _say(self, text: str, tone: str) -> None:
        self._line.set_text(text)
        self._line.classes(replace=f"ln-says {tone}")
        self._line.set_visibility(True)


async def tried(says: Says, work: Callable[[], Any]) -> Any:
    """What `work` returns, awaited where it has to be; None where it raised, which is said in its one sentence."""
    try:
        made = work()
        return await made if asyncio.iscoroutine(made) or isinstance(made, asyncio.Future) else made
    except BearskinError as error:
        says.bad(str(error))
        return None
