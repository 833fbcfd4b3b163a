"""What is around every page: the bar with the account and the bot, the ways to the pages, the theme."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from nicegui import app as nicegui_app
from nicegui import ui

from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._hub import BOT
from bearskin.app.web._kit import heard, money, tone_of
from bearskin.app.web._page_alerts_toasts import alert_toasts
from bearskin.app.web._page_learn_guide import guide_bar

STATIC = Path(__file__).parent / "static"
THEMES = ("dark", "light")


class Page(NamedTuple):
    """A page: where it is, what it is called, its icon (Material's name), and what builds it."""

    path: str
    title: str
    icon: str
    build: Callable[..., Any]


def root_of(desk: WebDesk, pages: tuple[Page, ...]) -> Callable[[], None]:
    """What NiceGUI calls for every visitor: the shell, and the page of the address in it."""
    nicegui_app.add_static_files("/static", STATIC)
    version = max(int(one.stat().st_mtime) for one in STATIC.iterdir())

    def root() -> None:
        for sheet in sorted(STATIC.glob("*.css"), key=lambda path: (path.stem != "desk", path.stem)):
            ui.add_head_html(f'<link rel="stylesheet" href="/static/{sheet.name}?{version}">')
        for script in sorted(STATIC.glob("*.js")):
            ui.add_head_html(f'<script src="/static/{script.name}?{version}" defer></script>')
        ui.page_title("bearskin")
        dark = ui.dark_mode(desk.prefs().get("theme", "dark") == "dark")
        ui.element("a").classes("skip").props('href="#page"').add_slot("default", "skip to the page")
        with ui.element("header").classes("bar"):
            _bar(desk, pages, dark)
        guide_bar(desk)
        alert_toasts(desk)
        with ui.element("main").classes("page").props('id=page tabindex="-1"'):
            routes: dict[str, Callable[..., Any]] = {page.path: functools.partial(page.build, desk) for page in pages}
            routes.setdefault("/", next(iter(routes.values())))  # the bare address opens something
            ui.sub_pages(routes)

    return root


def _bar(desk: WebDesk, pages: tuple[Page, ...], dark: ui.dark_mode) -> None:
    with ui.element("a").classes("brand").props('href="/" aria-label="bearskin, to the market"'):
        ui.label("bearskin")
    with ui.element("nav").classes("ways").props('aria-label="Pages"'):
        for page in pages:
            with ui.link(target=page.path).classes("way").props(f'data-way="{page.path}"'):
                ui.icon(page.icon).props("aria-hidden=true")
                ui.label(page.title)
    with ui.element("div").classes("account"):
        line = ui.label("…").classes("line").props("role=status data-figure=line")
        equity = ui.label("–").classes("num").props("data-figure=equity")
        pnl = ui.label("").classes("num").props("data-figure=open-pnl")
        clock = ui.label("").classes("num muted").props("data-figure=clock")

        def show(now: BotNow) -> None:
            line.set_text("bot on the line" if now.up else now.why)
            line.classes(replace=f"line {'up' if now.up else 'warn'}")
            if now.state is None:
                return
            account = now.state["account"]
            equity.set_text(f"{money(account['equity'])} {account['asset']}")
            pnl.set_text(f"open {money(account['open_pnl'])}")
            pnl.classes(replace=f"num {tone_of(account['open_pnl'])}")
            clock.set_text(f"{(now.state['time'] or '')[:16].replace('T', ' ')} UTC")

        heard(desk, BOT, show, every_s=0.25)

        def turn() -> None:
            dark.set_value(not dark.value)
            desk.prefer(theme=THEMES[0] if dark.value else THEMES[1])

        ui.button(icon="contrast", on_click=turn).props('flat round dense aria-label="Dark or light"')
