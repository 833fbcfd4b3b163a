"""The parts that pages are made of: panels with their states, figures, and what is heard while a page is open."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar
from weakref import WeakSet

from nicegui import Client, core, ui
from nicegui.elements.mixins.text_element import TextElement

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._glossary import entry_of, said, slug_of
from bearskin.app.web._hub import EVERY_S
from bearskin.terms import SECOND_NS, parse_time

MINUS = "−"
E = TypeVar("E", bound=ui.element)
CHOICE = "no-caps unelevated dense toggle-color=chosen toggle-text-color=chosen"  # words side by side
HIDDEN_S = (
    2.0  # the title and the bar of a page behind another tab; every change has the browser compare the whole page
)
AGAIN_S, BEHIND_MAX = 0.5, 32  # when a page that is behind is looked at again; messages that make it so


_hidden: WeakSet[Client] = WeakSet()  # pages behind another tab: the browser draws nothing of them


def follow_sight() -> None:
    """Have this page say when it is hidden and when it is seen again: desk.js does so."""
    client = ui.context.client

    def turned(event: Any) -> None:
        (_hidden.add if event.args else _hidden.discard)(client)

    ui.on("hidden", turned)


def hidden(client: Client) -> bool:
    """Whether a page is open behind another tab."""
    return client in _hidden


def heard(
    desk: WebDesk, topic: Hashable, show: Callable[[Any], None], every_s: float = EVERY_S, *, sight: bool = False
) -> None:
    """Have `show` called in this place of the page with what is said about `topic`, as long as the place is there.

    A page that has lost its line, or does not keep up, is told nothing until it does, and then the newest; so is a
    hidden one where what is told is only for the eye (`sight`). The rest it hears every `HIDDEN_S`.
    """
    with ui.element("span").classes("gone") as anchor:  # lives and dies with what is around it
        pass
    leaving: list[Callable[[], None]] = []
    waiting = False
    told_s = float("-inf")

    def unseen() -> bool:
        since_s = asyncio.get_running_loop().time() - told_s
        return hidden(anchor.client) and (sight or since_s < HIDDEN_S)

    def tell(thing: Any) -> None:
        nonlocal waiting, told_s
        if anchor.is_deleted or anchor.client.is_deleted:
            leave()
        elif _behind(anchor.client) or unseen():
            if not waiting:
                waiting = True
                asyncio.get_running_loop().call_later(AGAIN_S, again)
        else:
            told_s = asyncio.get_running_loop().time()
            with anchor.parent_slot or contextlib.nullcontext():
                show(thing)

    def again() -> None:
        nonlocal waiting
        waiting = False
        last = desk.hub.last(topic)
        if leaving and last is not None:
            tell(last)

    def leave() -> None:
        while leaving:
            leaving.pop()()

    leaving.append(desk.hub.listen(topic, tell, every_s))
    anchor.client.on_delete(leave)


def _behind(client: Client) -> bool:
    """Whether a page was on the line and is not, or what it has been sent piles up."""
    if client.environ is None:
        return False  # it is only being made
    if not client.has_socket_connection:
        return True
    for sid in list(client._socket_to_document_id):  # NiceGUI tells nobody how far a page is behind
        eio = core.sio.manager.eio_sid_from_sid(sid, "/")
        socket = core.sio.eio.sockets.get(eio)
        if socket is not None and socket.queue.qsize() > BEHIND_MAX:
            return True
    return False


def attrs(made: E, **given: object) -> E:
    """Attributes with any text in them, `data_row` for data-row: nothing reads them as NiceGUI reads `props("...")`,
    where a quote in a symbol or a note ends the value and what follows becomes attributes of its own.
    """
    for name, value in given.items():
        key = name.replace("_", "-")
        if made.props.get(key) != value:
            made.props[key] = value
    return made


def text(tag: str, words: str = "") -> TextElement:
    """An element of HTML with text in it: `text("h2", "Market")`."""
    return TextElement(tag=tag, text=words)


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
    with ui.element("section").classes(f"panel {classes}").props(f"data-panel={key}") as frame:
        frame.props["aria-label"] = title  # may hold a name, and that quotes
        with ui.element("header").classes("panel-head"):
            text("h2", title).classes("panel-title")
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
    shown = text("dfn", label or word).classes("term").props("tabindex=0")
    shown.props["data-term"], shown.props["aria-description"] = slug_of(entry), said(entry)
    return shown


def figure(label: str, key: str) -> Figure:
    """A number with its name above it, which explains itself where the glossary knows it; a dash until it is set."""
    with ui.element("div").classes("figure").props(f"data-figure={key}"):
        with ui.element("div").classes("figure-label"):
            term(label)
        value = ui.label("–").classes("figure-value num")
    return Figure(value)


def dressed(chart: ui.echart) -> ui.echart:
    """A chart that was described here, with its text and lines in the colours of the theme."""
    ui.run_javascript(f"window.bearskinDress && bearskinDress({chart.id})")
    return chart


def _bare_zero(value: Decimal, digits: int) -> Decimal:
    """The value, without its sign where none of its digits would be shown."""
    return value if round(value, digits) else abs(value)


def money(text: str | Decimal | None, digits: int = 2) -> str:
    """A signed amount with thousands apart and a real minus; a dash for None."""
    if text is None:
        return "–"
    return f"{_bare_zero(Decimal(text), digits):,.{digits}f}".replace("-", MINUS)


_AMOUNT = re.compile(  # not a date, a clock, a name with digits in it, or the number of a trade or an order
    r"(?<![\w.,:/-])(?<!trade )(?<!order )(\d{1,9})(\.\d+)?(?![\w/]|[:.,-]\d)"
)
_IDLE = re.compile(r"\.?0{4,}$")


def real_minus(sentence: str) -> str:
    """A sentence whose negative numbers have a real minus, as figures have."""
    return re.sub(r"(?<![\w.-])-(?=\d)", MINUS, sentence)


def figured(sentence: str) -> str:
    """A sentence with its numbers as figures are written: real minus, thousands apart, no row of idle zeros.

    Whole numbers below 10,000 stay as they are: a year is one too. For screens; the journal and --json keep theirs.
    """

    def written(found: re.Match[str]) -> str:
        whole, part = found[1], _IDLE.sub("", found[2] or "")
        grouped = len(whole) > (4 if found[2] is None else 3) and not whole.startswith("0")
        return f"{int(whole):,}{part}" if grouped else f"{whole}{part}"

    return _AMOUNT.sub(written, real_minus(sentence))


def signed(text: str | Decimal | None, digits: int = 2) -> str:
    """As `money`, with a plus where it is above zero: the sign says what the colour does."""
    shown = money(text, digits)
    return f"+{shown}" if text is not None and round(Decimal(text), digits) > 0 else shown


def when(desk: WebDesk, text: str | None, shape: str = "%d %b %H:%M") -> str:
    """A time of ours (RFC 3339, UTC) in the zone the owner reads, named; a dash for None."""
    if not text:
        return "–"
    moment = datetime.fromtimestamp(parse_time(text) / SECOND_NS, UTC)
    if desk.prefs().get("zone") == "local":
        return moment.astimezone().strftime(f"{shape} %Z")
    return moment.strftime(f"{shape} UTC")


async def sure(title: str, words: str, yes: str, *, danger: bool = False) -> bool:
    """Ask before something is done that cannot be undone; False where the answer is not `yes`."""
    with ui.dialog() as dialog, attrs(ui.element("div").classes("ask"), role="alertdialog", aria_label=title):
        text("h2", title).classes("ask-title")
        ui.label(words).classes("ask-words")
        with ui.element("div").classes("ask-ways"):
            ui.button("Cancel", on_click=lambda: dialog.submit(False), color=None).props("flat no-caps autofocus")
            done = ui.button(yes, on_click=lambda: dialog.submit(True), color=None).props("unelevated no-caps")
            done.classes("danger" if danger else "primary")
    dialog.on("hide", dialog.delete)  # not before: it gives the keyboard back as it goes
    return bool(await dialog)


def unheard(trade: Mapping[str, Any]) -> str:
    """Since when whether a trade is protected is only as last known, in words; empty while the venue is heard."""
    as_of = trade.get("protected_as_of")
    if as_of is None:
        return ""
    seconds = trade.get("protected_unheard_s")
    return f"last heard {as_of[11:19]} UTC" if seconds is None else f"last heard {seconds:,.0f} s ago"


def tone_of(text: str | Decimal | None) -> str:
    """up, down or nothing, by the sign."""
    value = Decimal(text or 0)
    return "up" if value > 0 else "down" if value < 0 else ""


def per_cent(text: str | Decimal | None, digits: int = 2) -> str:
    """A fraction as per cent; a dash for None."""
    if text is None:
        return "–"
    return f"{_bare_zero(100 * Decimal(text), digits):,.{digits}f} %".replace("-", MINUS)
