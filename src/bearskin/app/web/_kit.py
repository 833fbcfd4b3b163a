"""The parts that pages are made of: panels with their states, figures, and what is heard while a page is open."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nicegui import ui

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._glossary import entry_of, said, slug_of
from bearskin.app.web._hub import EVERY_S

MINUS = "−"


def heard(desk: WebDesk, topic: Hashable, show: Callable[[Any], None], every_s: float = EVERY_S) -> None:
    """Have `show` called in this place of the page with what is said about `topic`, as long as the place is there."""
    with ui.element("span").classes("gone") as anchor:  # lives and dies with what is around it
        pass
    leaving: list[Callable[[], None]] = []

    def tell(thing: Any) -> None:
        if anchor.is_deleted or anchor.client.is_deleted:
            leave()
            return
        with anchor.parent_slot or contextlib.nullcontext():
            show(thing)

    def leave() -> None:
        while leaving:
            leaving.pop()()

    leaving.append(desk.hub.listen(topic, tell, every_s))
    anchor.client.on_delete(leave)


@dataclass(slots=True)
class Panel:
    """A framed part of a page. `body` takes its content; `says` stands in its place while there is none."""

    body: ui.element
    words: ui.label
    mark: ui.label
    tools: ui.element

    def empty(self, why: str) -> None:
        """Nothing to show, and why."""
        self._instead(why, "empty")

    def loading(self, what: str = "loading…") -> None:
        """Something is on its way."""
        self._instead(what, "loading")

    def failed(self, why: str) -> None:
        """It went wrong: the sentence says what to do."""
        self._instead(why, "failed")

    def shown(self) -> None:
        """The content stands."""
        self.words.set_visibility(False)
        self.body.set_visibility(True)

    def stale(self, why: str | None) -> None:
        """Mark what is shown as old, with the reason; None takes the mark away."""
        self.mark.set_text(why or "")
        self.mark.set_visibility(why is not None)
        self.body.classes(add="stale") if why else self.body.classes(remove="stale")

    def _instead(self, words: str, kind: str) -> None:
        self.words.set_text(words)
        self.words.classes(replace=f"panel-words {kind}")
        self.words.set_visibility(True)
        self.body.set_visibility(False)


@contextlib.contextmanager
def panel(title: str, key: str, classes: str = "") -> Iterator[Panel]:
    """A panel headed `title`; `key` names it for tests and screen readers. The context is its content."""
    with ui.element("section").classes(f"panel {classes}").props(f'data-panel={key} aria-label="{title}"'):
        with ui.element("header").classes("panel-head"):
            ui.element("h2").classes("panel-title").add_slot("default", title)
            mark = ui.label().classes("panel-stale").props("role=status")
            tools = ui.element("div").classes("panel-tools")
        words = ui.label().classes("panel-words").props("role=status")
        body = ui.element("div").classes("panel-body")
        mark.set_visibility(False)
        words.set_visibility(False)
        with body:
            yield Panel(body, words, mark, tools)


@dataclass(slots=True)
class Figure:
    """A labelled number."""

    value: ui.label

    def set(self, text: str, tone: str = "") -> None:
        """Its text; `tone` up, down, warn or nothing: the sign or a word says the same without colour."""
        self.value.set_text(text)
        self.value.classes(replace=f"figure-value num {tone}")


def term(word: str, label: str | None = None) -> ui.element:
    """A word of the field, shown as `label`, that explains itself on hover, focus and tap.

    A word the glossary does not know is shown as it is: heads of tables and labels need not ask first.
    """
    entry = entry_of(word)
    if entry is None:
        return ui.label(label or word)
    shown = ui.element("dfn").classes("term").props("tabindex=0")
    shown.props["data-term"], shown.props["aria-description"] = slug_of(entry), said(entry)
    shown.add_slot("default", html.escape(label or word))
    return shown


def figure(label: str, key: str) -> Figure:
    """A number with its name above it, which explains itself where the glossary knows it; a dash until it is set."""
    with ui.element("div").classes("figure").props(f"data-figure={key}"):
        with ui.element("div").classes("figure-label"):
            term(label)
        value = ui.label("–").classes("figure-value num")
    return Figure(value)


def money(text: str | Decimal | None, digits: int = 2) -> str:
    """A signed amount with thousands apart and a real minus; a dash for None."""
    if text is None:
        return "–"
    value = Decimal(text)
    return f"{value:,.{digits}f}".replace("-", MINUS)


def tone_of(text: str | Decimal | None) -> str:
    """up, down or nothing, by the sign."""
    value = Decimal(text or 0)
    return "up" if value > 0 else "down" if value < 0 else ""


def per_cent(text: str | Decimal | None, digits: int = 2) -> str:
    """A fraction as per cent; a dash for None."""
    return "–" if text is None else f"{100 * Decimal(text):,.{digits}f} %".replace("-", MINUS)
