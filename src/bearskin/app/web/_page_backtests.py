"""The page of backtests: run one, what is kept, two compared, a rehearsal bar by bar, the time machine."""

from __future__ import annotations

from urllib.parse import urlencode

from nicegui import ui

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._page_backtests_compare import compare_view
from bearskin.app.web._page_backtests_replay import replay_view
from bearskin.app.web._page_backtests_result import result_view
from bearskin.app.web._page_backtests_run import run_view
from bearskin.app.web._page_backtests_steps import steps_view

PATH = "/backtests"
VIEWS = (("", "Run and results"), ("compare", "Compare"), ("steps", "Bar by bar"), ("replay", "Time machine"))


def backtests_page(
    desk: WebDesk, view: str = "", result: str = "", trade: str = "", a: str = "", b: str = "", session: str = ""
) -> None:
    """Build the view that the address asks for: a bookmark leads to the same place."""
    with ui.element("div").classes("bt").props("data-page=backtests"):
        with ui.element("nav").classes("bt-ways").props('aria-label="Backtests"'):
            for name, title in VIEWS:
                here = name == view
                link = ui.link(title, address(view=name)).classes(f"bt-way {'here' if here else ''}")
                if here and not result:
                    link.props("aria-current=page")
        if result:
            result_view(desk, result, trade)
        elif view == "compare" or (a and b):
            compare_view(desk, a, b)
        elif view == "steps":
            steps_view(desk, session)
        elif view == "replay":
            replay_view(desk)
        else:
            run_view(desk)


def address(**query: str) -> str:
    """The address of a view."""
    said = urlencode({name: value for name, value in query.items() if value})
    return f"{PATH}?{said}" if said else PATH
