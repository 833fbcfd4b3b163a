"""What is around every page: the bar with the account and the bot, the ways to the pages, the theme, the lost line."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from nicegui import app as nicegui_app
from nicegui import ui

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._hub import BEAT
from bearskin.app.web._kit import attrs, follow_sight, heard, panel, text
from bearskin.app.web._page_alerts_toasts import alert_toasts
from bearskin.app.web._page_learn_guide import guide_bar
from bearskin.app.web._shell_bar import account_of, notice_of
from bearskin.terms import BearskinError

STATIC = Path(__file__).parent / "static"
THEMES = ("dark", "light")
PULSE_S = 2.0  # a third of the silence that desk.js takes for a lost line
FEW = 4  # ways in the bar of a phone; the others are below "More"
KEYS = {
    "/": "m", "/ticket": "t", "/positions": "p", "/bot": "b", "/scan": "s", "/backtests": "k", "/learn": "l",
    "/alerts": "a", "/settings": "e",
}  # fmt: skip
# the bar as it will be, drawn before any script has run; the page covers it
BOOT = (
    '<div id="boot" aria-hidden="true"><span class="brand-mark"></span><span class="brand-name">bearskin</span></div>'
)
# Where a browser denies a page its storage, NiceGUI's own script would end with it: a page that looks alive, hears
# nothing and does nothing. What it keeps there lasts as long as the page then.
KEPT = (
    'try{sessionStorage.bearskin="";delete sessionStorage.bearskin}'
    'catch{Object.defineProperty(window,"sessionStorage",{value:{}})}'
)
logger = logging.getLogger("bearskin.app")


class Page(NamedTuple):
    """A page: where it is, what it is called, its icon (Material's name), and what builds it."""

    path: str
    title: str
    icon: str
    build: Callable[..., Any]


def root_of(desk: WebDesk, pages: tuple[Page, ...]) -> Callable[[], None]:
    """What NiceGUI calls for every visitor: the shell, and the page of the address in it."""
    order = list(KEYS)
    pages = tuple(sorted(pages, key=lambda page: order.index(page.path) if page.path in order else len(order)))
    nicegui_app.add_static_files("/static", STATIC)
    version = max(int(one.stat().st_mtime) for one in STATIC.iterdir())
    sheets = sorted(STATIC.glob("*.css"), key=lambda path: (path.stem != "desk", path.stem))
    head = "".join(
        [
            *(f'<link rel="stylesheet" href="/static/{one.name}?{version}">' for one in sheets),
            *(f'<script src="/static/{one.name}?{version}" defer></script>' for one in sorted(STATIC.glob("*.js"))),
        ]
    )

    def root() -> None:
        theme = desk.prefs().get("theme")
        theme = theme if theme in THEMES else THEMES[0]
        ui.add_head_html(f'<script>document.documentElement.dataset.theme="{theme}";{KEPT}</script>{head}')
        ui.add_body_html(BOOT)
        ui.page_title("bearskin")
        ui.context.client.on_exception(functools.partial(_told, ui.context.client))
        follow_sight()
        dark = ui.dark_mode(theme == "dark")
        text("a", "skip to the page").classes("skip").props('href="#page"')
        with ui.element("header").classes("bar"):
            _bar(desk, pages, dark)
        _lost()
        _pulse(desk)
        notice_of(desk)
        guide_bar(desk)
        alert_toasts(desk)
        with ui.element("main").classes("page").props('id=page tabindex="-1"'):
            routes = {page.path: built(desk, page) for page in pages}
            routes.setdefault("/", next(iter(routes.values())))  # the bare address opens something
            ui.sub_pages(routes).classes("sub-page")
        _keys(pages)

    return root


def built(desk: WebDesk, page: Page) -> Callable[..., Any]:
    """What builds a page, and says in its place that it failed where it does. Takes what the page's builder takes."""
    build = functools.partial(page.build, desk)

    async def guarded(*given: Any, **named: Any) -> None:
        place = ui.context.slot.parent
        try:
            made = build(*given, **named)
            if inspect.isawaitable(made):
                await made
        except Exception as error:
            if not isinstance(error, BearskinError):
                logger.exception("the page %s could not be built", page.path)
            if not place.is_deleted:
                place.clear()
                with place:
                    _failed(page, error)

    guarded.__signature__ = inspect.signature(build)  # type: ignore[attr-defined]  # sub_pages asks what it takes
    return guarded


def _failed(page: Page, error: Exception) -> None:
    with panel(page.title, "page-failed") as there:
        pass
    why = str(error) if isinstance(error, BearskinError) else f"a bug of ours ({type(error).__name__})"
    there.failed(f"This page could not be shown: {why}. The other pages go on; the log in the home's logs/ has more.")
    with there.tools:
        ui.button("Try again", on_click=lambda: ui.navigate.reload()).props("flat dense no-caps")


def _told(client: Any, error: Exception) -> None:
    """Say what a press of a button broke."""
    if not isinstance(error, BearskinError):
        logger.error("a page could not do what it was asked", exc_info=error)
    words = str(error) if isinstance(error, BearskinError) else "That did not work: a bug of ours, the log has it."
    if not client.is_deleted:
        with client:
            ui.notify(words, type="negative", position="bottom-right", close_button="Close", timeout=10_000)


def _bar(desk: WebDesk, pages: tuple[Page, ...], dark: ui.dark_mode) -> None:
    with ui.link(target="/").classes("brand").props('aria-label="bearskin, to the first page"'):
        ui.element("span").classes("brand-mark").props("aria-hidden=true")
        text("span", "bearskin").classes("brand-name")
    with ui.element("nav").classes("ways").props('aria-label="Pages" id=ways'):
        for number, page in enumerate(pages):
            way = ui.link(target=page.path).classes("way" if number < FEW else "way way-more")
            with attrs(way, data_way=page.path, data_key=KEYS.get(page.path, "")):
                ui.icon(page.icon).props("aria-hidden=true")
                text("span", page.title)
        if len(pages) > FEW + 1:
            with (
                ui.element("button")
                .classes("way ways-open")
                .props("type=button aria-expanded=false aria-controls=ways")
            ):
                ui.icon("more_horiz").props("aria-hidden=true")
                text("span", "More")
    account_of(desk)

    def turn() -> None:
        dark.set_value(not dark.value)
        theme = THEMES[0] if dark.value else THEMES[1]
        ui.run_javascript(f'document.documentElement.dataset.theme="{theme}"')
        desk.prefer(theme=theme)

    with ui.element("div").classes("bar-tools"):
        ui.button(icon="contrast", on_click=turn).props('flat round dense aria-label="Dark or light"')
        keys = ui.button(icon="keyboard").props('flat round dense aria-label="Keyboard shortcuts"')
        keys.classes("keys-open")


def _lost() -> None:
    """Shown by desk.js when nothing is heard any more."""
    with ui.element("div").classes("lost").props("id=lost role=alert hidden"):
        ui.icon("cloud_off").props("aria-hidden=true")
        text("span", "").props("id=lost-words")


def _pulse(desk: WebDesk) -> None:
    """Say something every other second whatever holds: desk.js takes a longer silence for a lost line, and where
    nothing changes (no bot, a calm market) no page would hear any.
    """

    def beat(_: Any) -> None:
        ui.run_javascript("0")

    heard(desk, BEAT, beat, every_s=PULSE_S)


def _keys(pages: tuple[Page, ...]) -> None:
    with ui.element("dialog").classes("keys").props('id=keys aria-label="Keyboard shortcuts"'):
        text("h2", "Keyboard")
        with ui.element("dl"):
            for page in pages:
                if page.path in KEYS:
                    _key(f"g {KEYS[page.path]}", page.title)
            _key("!", "PANIC: asks first")
            _key("d", "Dark or light")
            _key("?", "This list")
            _key("Esc", "Close what is open")
        with ui.element("form").props("method=dialog"):
            text("button", "Close").classes("keys-close").props("type=submit")


def _key(keys: str, what: str) -> None:
    with ui.element("div"):
        with ui.element("dt"):
            for key in keys.split():
                text("kbd", key)
        text("dd", what)
