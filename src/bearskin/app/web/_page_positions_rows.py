"""The table of positions: a row each, updated cell by cell, and below it what can be done with the position."""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from nicegui import ui

from bearskin.app.web import _positions_acts as acts
from bearskin.app.web._account_link import Terms
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._kit import CHOICE, attrs, term
from bearskin.app.web._page_bot_switch import acted
from bearskin.app.web._positions import Held, Key, Standing
from bearskin.app.web._positions_html import HEADS, Digits, cells_of, digits_of
from bearskin.terms import MarginMode

TWICE_S = 1.0  # a second press of the same so soon was meant as one: half of it twice is three quarters
SHARES = {"0.25": "25 %", "0.5": "50 %", "1": "100 %"}


@dataclass(slots=True, repr=False)
class Rows:
    """Every position that is held; rows come and go with them."""

    desk: WebDesk
    _body: ui.element | None = None
    _rows: dict[Key, Row] = field(default_factory=dict)

    def build(self) -> None:
        """The headings, and room for rows."""
        with ui.element("div").classes("held-table").props('role=table aria-label="Positions held"'):
            with ui.element("div").classes("held-head").props("role=row"):
                for key, head in HEADS:
                    with ui.element("div").classes(f"cell-{key}").props("role=columnheader"):
                        term(head)
                ui.element("div").classes("cell-acts").props("role=columnheader")
            self._body = ui.element("div").classes("held-body").props("role=rowgroup")

    def show(self, now: Standing, terms: Terms) -> None:
        """Bring the rows up to what is held."""
        assert self._body is not None
        keys = [one.key for one in now.held]
        for key in [key for key in self._rows if key not in keys]:
            self._rows.pop(key).root.delete()
        for at, one in enumerate(now.held):
            row = self._rows.get(one.key)
            if row is None:
                with self._body:
                    row = self._rows[one.key] = Row(self.desk, one)
                row.root.move(self._body, at)
            row.show(one, now, digits_of(terms, one.symbol))


class Row:
    """One position: its cells, and the drawer with its acts."""

    def __init__(self, desk: WebDesk, held: Held) -> None:
        self.desk, self.symbol = desk, held.symbol
        self.cells: dict[str, ui.html] = {}
        self.thesis: ui.textarea
        self.told_thesis: str = held.trade.get("thesis") or ""
        self.pressed: tuple[tuple[object, ...], float] = ((), 0.0)
        name = f"{held.symbol} {held.side}"
        with attrs(ui.element("div").classes("held-item"), data_position=f"{held.symbol}/{held.leg}") as self.root:
            with attrs(ui.element("div").classes("held-row"), role="row", aria_label=name):
                for key, head in HEADS:
                    with attrs(ui.element("div").classes(f"cell cell-{key}"), role="cell", data_label=head):
                        self.cells[key] = ui.html("", sanitize=False).props(f"data-cell={key}")
                with ui.element("div").classes("cell cell-acts").props("role=cell"):
                    self._quick(name)
            self.drawer = attrs(ui.element("div").classes("held-drawer"), role="region", aria_label=f"Acts on {name}")
            with self.drawer:
                self._manage()
            self.drawer.set_visibility(False)

    def show(self, held: Held, now: Standing, digits: Digits) -> None:
        """Update what has changed."""
        ours = bool(held.trade)
        for key, said in cells_of(held, now, digits).items():
            if self.cells[key].content != said:
                self.cells[key].set_content(said)
        self.actions.set_visibility(ours)
        self.stranger.set_visibility(held.matches == "not ours")
        self.margin.set_visibility(held.mode is MarginMode.ISOLATED)
        why = held.trade.get("why") or "–"
        if self.why.text != why:
            self.why.set_text(why)
        thesis = held.trade.get("thesis") or ""
        if thesis != self.told_thesis:
            if self.thesis.value == self.told_thesis:  # nobody is writing another one
                self.thesis.set_value(thesis)
            self.told_thesis = thesis

    def _quick(self, name: str) -> None:
        with ui.element("div").classes("quick") as self.actions:
            for share, word in SHARES.items():
                label = "Close" if share == "1" else word
                doing = functools.partial(self._close, share)
                self._button(label, f"Close {word} of {name} at market", doing, "close")
            self.toggle = self._button("Manage", f"Manage {name}", self._turn, "manage")
            self.toggle.props("aria-expanded=false icon-right=expand_more")
        self.stranger = ui.label("not the bot's: adopt or close it").classes("muted stranger")

    def _turn(self) -> None:
        opened = not self.drawer.visible
        self.drawer.set_visibility(opened)
        self.toggle.props(
            f"aria-expanded={'true' if opened else 'false'} icon-right=expand_{'less' if opened else 'more'}"
        )

    def _manage(self) -> None:
        self._close_group()
        self._stop_group()
        with ui.element("fieldset").classes("act-group") as self.margin:
            ui.element("legend").add_slot("default", "Isolated margin")
            amount = _field("Amount")
            self._button("Add", "Add margin", lambda: self._margin(amount.value, "add"))
            self._button("Take", "Take margin out", lambda: self._margin(amount.value, "take"))
        with ui.element("fieldset").classes("act-group"):
            ui.element("legend").add_slot("default", "Reverse")
            stop = _field("Stop of the other side")
            self._button("Reverse", "Close it and open the other side", lambda: self._reverse(stop.value), "reverse")
        with ui.element("div").classes("act-words"):
            ui.label("Why it was entered").classes("figure-label")
            self.why = ui.label("–").classes("why")
        with ui.element("div").classes("act-words note"):
            self.thesis = ui.textarea("Thesis", value=self.told_thesis).props(
                "dense outlined autogrow rows=1 maxlength=1000"
            )
            self._button("Save note", "Save the thesis", self._note)

    def _close_group(self) -> None:
        with ui.element("fieldset").classes("act-group"):
            ui.element("legend").add_slot("default", "Close")
            share = attrs(ui.toggle(SHARES, value="0.5").props(CHOICE), aria_label="Share to close")
            price = _field("Limit (empty: market)")
            self._button("Close", "Close that share", lambda: self._close(str(share.value), price.value), "close")

    def _stop_group(self) -> None:
        with ui.element("fieldset").classes("act-group"):
            ui.element("legend").add_slot("default", "Stop")
            stop = _field("New stop")
            self._button("Move", "Move the stop", lambda: self._stop(stop.value))
            self._button("Break-even", "Move the stop to break-even after fees", self._break_even)

    def _button(self, word: str, label: str, do: Callable[[], Any], look: str = "") -> ui.button:
        button = ui.button(word, color=None, on_click=do).classes(f"act {look}")
        return attrs(button.props("no-caps unelevated dense"), aria_label=label)

    def _twice(self, *what: object) -> bool:
        """Whether the same was pressed a moment ago; else it is taken down as pressed now."""
        before, at_s = self.pressed
        if what == before and time.monotonic() - at_s < TWICE_S:
            ui.notify(f"{self.symbol}: pressed twice, done once", type="info")
            return True
        self.pressed = what, time.monotonic()
        return False

    async def _do(self, doing: Callable[[], Awaitable[dict[str, Any]]], done: str) -> None:
        with self.root.client:  # the row may be gone before the answer comes
            await acted(doing, done)

    async def _close(self, share: str, price: str | None = None) -> None:
        if self._twice("close", share, price):
            return
        await self._do(lambda: acts.close(self.desk, self.symbol, share, price or None), self.symbol)

    async def _stop(self, stop: str) -> None:
        await self._do(lambda: acts.move_stop(self.desk, self.symbol, stop), self.symbol)

    async def _break_even(self) -> None:
        await self._do(lambda: acts.break_even(self.desk, self.symbol), self.symbol)

    async def _reverse(self, stop: str) -> None:
        await self._do(lambda: acts.reverse(self.desk, self.symbol, stop), f"{self.symbol} reversed")

    async def _margin(self, amount: str, way: Any) -> None:
        if self._twice("margin", amount, way):
            return
        await self._do(lambda: acts.move_margin(self.desk, self.symbol, amount, way), self.symbol)

    async def _note(self) -> None:
        await self._do(lambda: acts.note(self.desk, self.symbol, self.thesis.value or ""), f"{self.symbol}: noted")


def _field(label: str) -> ui.input:
    return ui.input(label).props("dense outlined inputmode=decimal autocomplete=off").classes("act-field")
