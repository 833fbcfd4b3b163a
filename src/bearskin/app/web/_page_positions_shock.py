"""Everything moves: a slider, and what the account would be."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from nicegui import ui

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._kit import panel
from bearskin.app.web._positions_html import shock_table, shock_words
from bearskin.app.web._positions_shock import ESTIMATE, shock

if TYPE_CHECKING:
    from bearskin.app.web._page_positions import Look

FROM, TO, FIRST = -50, 100, 20
STEPS = (-20, -10, 10, 20, 50)


def shock_panel(desk: WebDesk, look: Look) -> None:
    """What a move of all marks by the same share would do, now."""
    with panel("Everything moves", "shock", "positions-shock") as frame:
        with frame.tools:
            ui.label("estimate").classes("chip estimate").tooltip(ESTIMATE)
        with ui.element("div").classes("shock-set"):
            slider = ui.slider(min=FROM, max=TO, step=1, value=FIRST).props('aria-label="Move of everything, per cent"')
            number = ui.number("Move, %", value=FIRST, min=-95, max=300, step=1, format="%g").props(
                "dense outlined inputmode=decimal"
            )
        with ui.element("div").classes("shock-steps").props('role=group aria-label="Usual moves"'):
            for step in STEPS:
                word = f"+{step} %" if step > 0 else f"\u2212{-step} %"
                ui.button(word, color=None, on_click=lambda s=step: number.set_value(s)).props(
                    "dense no-caps unelevated"
                )
        words = ui.html("", sanitize=False).classes("shock-words").props("data-figure=shock")
        table = ui.html("", sanitize=False).classes("shock-table")
        ui.label(ESTIMATE).classes("muted small")
    if desk.account is None:
        frame.empty("no venue is connected")
        return
    frame.loading()

    def show(seen: Look) -> None:
        now, account = seen.standing, seen.account
        if now is None or account is None:
            return
        if not account.heard_s:  # noughts would read as "nobody is liquidated"
            frame.failed(f"the venue has not told the account yet: {account.why}")
            return
        if not now.held:
            frame.empty("nothing is held that could move")
            return
        frame.shown()
        try:
            frac = Decimal(str(number.value or 0)) / 100
            found = shock(now, account, min(Decimal(3), max(Decimal("-0.95"), frac)))
        except ArithmeticError:
            return
        _set(words, shock_words(found, now.asset))
        _set(table, shock_table(found, account.terms))

    def typed(event: Any) -> None:
        if event.value is not None and FROM <= event.value <= TO and slider.value != event.value:
            slider.set_value(event.value)
        show(look)

    def slid(event: Any) -> None:
        if event.value is not None and number.value != event.value and not (number.value or 0) > TO:
            number.set_value(event.value)

    number.on_value_change(typed)
    slider.on_value_change(slid)
    look.drawn.append(show)


def _set(place: ui.html, said: str) -> None:
    if place.content != said:
        place.set_content(said)
