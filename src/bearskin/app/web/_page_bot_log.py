"""The log of decisions: the newest first, filtered, each opening what stands behind it; only new lines are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from bearskin.app.web._bot import KINDS, Wanted, setup_of
from bearskin.app.web._bot_html import LOOKS, decision_detail, decision_row, spaced
from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._hub import BOT
from bearskin.app.web._kit import Panel, attrs, heard, panel

STEP, LINES_MAX = 60, 1_000
CLICKED = "(e) => {const row = e.target.closest('[data-decision]'); if (row) emit(Number(row.dataset.decision))}"
NEAR_END = "(e) => {const t = e.target; if (t.scrollTop + t.clientHeight > t.scrollHeight - 120) emit()}"
Decision = Mapping[str, Any]


@dataclass(slots=True)
class _Log:
    """The lines of one open page. `room` is how many are kept; it grows as somebody reads on into the past."""

    place: ui.element
    frame: Panel
    zone: str
    count: ui.label
    none: ui.label
    wanted: Wanted = field(default_factory=Wanted)
    room: int = STEP
    last: int = 0
    lines: dict[int, ui.html] = field(default_factory=dict)

    def show(self, now: BotNow) -> None:
        """Put what is new above the rest."""
        if now.state is None:
            self.frame.empty(now.why)
            return
        self.frame.stale(None if now.up else now.why)
        newest = now.decisions[-1]["number"] if now.decisions else 0
        if newest < self.last:  # another life of the run: its numbers begin anew
            self.again(now)
            return
        fresh = [one for one in now.decisions if one["number"] > self.last and self.wanted.fits(one)]
        self.last = newest
        if len(fresh) > STEP:
            self.again(now)
            return
        for one in fresh:
            self._line(one).move(self.place, 0)
        for number in sorted(self.lines)[: max(0, len(self.lines) - self.room)]:
            self.lines.pop(number).delete()
        self._told(now)

    def again(self, now: BotNow) -> None:
        """All lines anew: another filter."""
        self.place.clear()
        self.lines.clear()
        self.last = now.decisions[-1]["number"] if now.decisions else 0
        with self.place:
            for one in self._fitting(now)[: self.room]:
                self._line(one)
        self._told(now)

    def older(self, now: BotNow) -> None:
        """Lines from further back, below the rest."""
        oldest = min(self.lines, default=0)
        further = [one for one in self._fitting(now) if one["number"] < oldest][:STEP]
        self.room = min(LINES_MAX, self.room + len(further))
        with self.place:
            for one in further:
                self._line(one)
        self._told(now)

    def _fitting(self, now: BotNow) -> list[Decision]:
        return [one for one in reversed(now.decisions) if self.wanted.fits(one)]

    def _line(self, decision: Decision) -> ui.html:
        with self.place:
            made = ui.html(decision_row(decision, self.zone), sanitize=False, tag="li")
        self.lines[decision["number"]] = made
        return made

    def _told(self, now: BotNow) -> None:
        there = sum(1 for one in now.decisions if self.wanted.fits(one))
        self.count.set_text(f"{there:,} of {len(now.decisions):,}" if there != len(now.decisions) else f"{there:,}")
        self.frame.shown()
        waiting = "none yet: a set-up is looked for whenever a bar closes"
        self.none.set_text("no decision fits: loosen the filter" if now.decisions else waiting)
        self.none.set_visibility(not self.lines)


def log_panel(desk: WebDesk) -> None:
    """The log with its filters."""
    with panel("Decisions", "decisions", "bot-log") as frame:
        frame.loading("waiting for the bot…")
        with frame.tools:
            count = ui.label("").classes("num muted").props("data-figure=decisions")
        above = ui.element("div")
        none = ui.label("").classes("panel-words").props("role=status")
        place = (
            ui.element("ul").classes("log lines-of-log").props('aria-label="Decisions, the newest first" tabindex=0')
        )
    log = _Log(place, frame, desk.prefs().get("zone", "utc"), count, none)
    with above:
        _filters(desk, log)
    sheet = _sheet(desk, log.zone)
    place.on("click", lambda event: sheet(event.args), js_handler=CLICKED)
    place.on("scroll", lambda _: log.older(desk.bot.now), throttle=0.3, js_handler=NEAR_END)
    heard(desk, BOT, log.show, every_s=0.5)


def _filters(desk: WebDesk, log: _Log) -> ui.element:
    kinds = {"": "all kinds", **{name: name for name in KINDS}, **_others()}
    with ui.element("div").classes("filters").props('role=search aria-label="Filter decisions"') as row:
        symbol = _chosen("Symbol", {"": "all symbols"})
        kind = _chosen("Kind", kinds)
        setup = _chosen("Set-up", {"": "all set-ups"})
        search = (
            ui.input(placeholder="search")
            .props('dense outlined clearable debounce=250 aria-label="Search"')
            .classes("search")
        )

    def apply() -> None:
        log.wanted = Wanted(
            symbol=symbol.value or "", kind=kind.value or "", setup=setup.value or "", search=search.value or ""
        )
        log.room = STEP
        log.again(desk.bot.now)

    for control in (symbol, kind, setup, search):
        control.on_value_change(apply)

    def offer(now: BotNow) -> None:
        if now.state is None:
            return
        symbols = {one["symbol"] for one in now.decisions if one["symbol"]} | set(now.state["symbols"])
        origins = {setup_of(one) for one in now.decisions} - {""}
        _offer(symbol, {"": "all symbols", **{name: name for name in sorted(symbols)}})
        _offer(setup, {"": "all set-ups", **{name: spaced(name) for name in sorted(origins)}})

    heard(desk, BOT, offer, every_s=2.0)
    return row


def _others() -> dict[str, str]:
    """Kinds that are no group of their own."""
    return {name: look[0] for name, look in LOOKS.items() if name not in KINDS and name != "mode"}


def _chosen(label: str, options: dict[str, str]) -> ui.select:
    return attrs(ui.select(options, value="").props("dense outlined options-dense"), aria_label=label).classes("choice")


def _offer(control: ui.select, options: dict[str, str]) -> None:
    if control.options != options:
        control.set_options(options)


def _sheet(desk: WebDesk, zone: str) -> Any:
    """The side sheet of a decision; returns what opens it for a number."""
    with ui.dialog().props("position=right full-height") as dialog, ui.card().classes("sheet"):
        with ui.element("div").classes("sheet-head"):
            ui.label("Decision").classes("panel-title")
            market = ui.link("show on the market", "/").classes("to-market")
            ui.button(icon="close", on_click=dialog.close).props('flat round dense aria-label="Close"')
        body = ui.html("", sanitize=False).classes("sheet-body").props("data-panel=decision")

    def open_it(number: Any) -> None:
        found = next((one for one in desk.bot.now.decisions if one["number"] == number), None)
        if found is None:
            return
        body.set_content(decision_detail(found, zone))
        market.set_visibility(bool(found["symbol"]))
        attrs(market, href=f"/?{urlencode({'symbol': found['symbol']})}")
        dialog.open()

    return open_it
