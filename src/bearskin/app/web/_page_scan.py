"""The page of the scan: every set-up that stands, ranked, and who is on the other side of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from nicegui import ui

from bearskin.app.web import _scan_html as shown
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._kit import CHOICE, Panel, attrs, heard, panel
from bearskin.app.web._scan import (
    AGAIN_S,
    INTERVALS,
    SCAN,
    STOPPED,
    Asked,
    ScanNow,
    default_interval,
    market_ns,
    scanner_of,
)
from bearskin.terms import BadInput, interval_ns

ASKED = """(e) => {
  const near = (what) => e.target.closest(`[data-${what}]`);
  const sort = near('sort'), more = near('more'), row = near('go');
  if (sort) emit('sort', sort.dataset.sort);
  else if (more) emit('more', more.dataset.more);
  else if (row && !e.ctrlKey && !e.metaKey) { e.preventDefault(); emit('go', row.dataset.go); }
}"""


@dataclass(slots=True, repr=False)
class _Table:
    """The candidates of one open page: which are looked at, in what order, which are opened."""

    frame: Panel
    place: ui.html
    rest: ui.html
    none: ui.label
    now: ScanNow = field(default_factory=ScanNow)
    side: str = ""
    verdict: str = ""
    search: str = ""
    order: tuple[str, bool] = ("", False)
    opened: set[str] = field(default_factory=set)

    def show(self) -> None:
        """Draw them."""
        result = self.now.result
        if result is None:
            self.rest.set_content("")
            if self.now.running:
                self.frame.loading("looking…")
            elif self.now.wrong:
                self.frame.failed(self.now.wrong)
            else:
                self.frame.empty("nothing was looked for yet")
            return
        self.frame.shown()
        rows = shown.fitting(result["candidates"], side=self.side, verdict=self.verdict, search=self.search)
        rows = shown.in_order(rows, *self.order)
        self.none.set_text(
            "nothing stands at this time"
            if not result["candidates"]
            else ""
            if rows
            else "none fits: loosen the filter"
        )
        self.none.set_visibility(not rows)
        self.place.set_visibility(bool(rows))
        self.place.set_content(shown.scan_table(rows, result["cards"], self.opened, self.order))
        self.rest.set_content(shown.rest_html(result))

    def asked(self, event: Any) -> None:
        """A click: another order, details, or on to the ticket."""
        what, which = event.args
        if what == "go":
            ui.navigate.to(which)
        elif what == "more":
            self.opened ^= {which}
            self.show()
        elif which in shown.SORTED:
            mine = self.order[0] == which
            self.order = ("", False) if mine and self.order[1] else (which, mine)
            self.show()


def scan_page(desk: WebDesk) -> None:
    """Build it."""
    with ui.element("div").classes("scan-page"):
        ui.label(shown.ADVICE).classes("advice").props("role=note data-figure=advice")
        asking = _Asking(desk)
        with panel("Set-ups that stand", "scan", "scan-found") as frame:
            with frame.tools:
                at = ui.label("").classes("muted").props("data-figure=scan-at")
            above = ui.element("div")
            none = ui.label("").classes("panel-words").props("role=status")
            place = ui.html("", sanitize=False).classes("found")
        rest = ui.html("", sanitize=False).classes("scan-rest")
    table = _Table(frame, place, rest, none)
    place.on("click", table.asked, js_handler=ASKED)
    with above:
        _filters(table)
    zone = desk.prefs().get("zone", "utc")

    def show(now: ScanNow) -> None:
        asking.show(now)
        if (now.number, now.wrong, now.running) == (table.now.number, table.now.wrong, table.now.running):
            table.now = now
            return
        table.now = now
        at.set_text("" if now.result is None else shown.headline(now.result, zone))
        frame.stale(None if now.result is None or not now.wrong or now.running else now.wrong)
        table.show()

    show(scanner_of(desk).now)
    table.show()
    heard(desk, SCAN, show, every_s=0.2)
    ui.timer(2.0, asking.again)
    if scanner_of(desk).now.result is None and not scanner_of(desk).now.running:
        ui.timer(0.2, asking.begin, once=True)


class _Asking:
    """What is asked for: where, which bars and sides, when; and how far the answer is."""

    def __init__(self, desk: WebDesk) -> None:
        self._desk = desk
        self._seen, self._began_s = -1, 0.0
        before = scanner_of(desk).now.asked
        with ui.element("div").classes("asking").props('role=form aria-label="What is looked for"'):
            sources = {"venue": "Venue, now", "store": "Stored data"}
            self.source = ui.toggle(sources, value=before.source).props(CHOICE)
            self.interval = _select("Bars", list(INTERVALS), before.interval or default_interval(desk), "narrow")
            self.sides = _select("Sides", ["both", "short", "long"], before.sides, "narrow")
            self.within = ui.number("Bars back", value=before.within, min=1, max=500, format="%d")
            self.within.props("dense outlined").classes("narrow")
            self.symbols = ui.input("Symbols", placeholder="the bot's own", value=",".join(before.symbols))
            self.symbols.props("dense outlined stack-label clearable").classes("wide")
            self.at = ui.input("At (UTC)", placeholder="2024-08-05 12:00", value=before.at or "")
            self.at.props("dense outlined stack-label clearable").classes("when")
            self.guards = ui.checkbox("guards", value=before.guards).props("dense")
            self.auto = ui.checkbox("at every bar", value=desk.prefs().get("scan_auto", True)).props("dense")
            self.go = ui.button("Scan", icon="radar", on_click=self.begin).props("no-caps unelevated dense")
            self.stop = ui.button("Stop", icon="stop", color=None, on_click=self._stopped)
            self.stop.props("no-caps outline dense")
            self.bar = ui.linear_progress(0, show_value=False).props('instant-feedback aria-label="Progress"')
            self.told = ui.label("").classes("muted").props("role=status data-figure=scan-progress")
        self.auto.on_value_change(lambda: desk.prefer(scan_auto=bool(self.auto.value)))
        self.at.bind_visibility_from(self.source, "value", lambda value: value == "store")
        self.auto.bind_visibility_from(self.source, "value", lambda value: value == "venue")

    def begin(self) -> None:
        """Begin what is asked for."""
        given = str(self.symbols.value or "").replace(",", " ").split()
        store = self.source.value == "store"
        try:
            asked = Asked(
                source=self.source.value,
                symbols=tuple(one.upper() for one in given),
                interval=self.interval.value or "",
                sides=self.sides.value,
                within=int(self.within.value or 0),
                guards=bool(self.guards.value),
                at=(str(self.at.value or "").strip() or None) if store else None,
            )
            scanner_of(self._desk).start(asked)
        except BadInput as error:
            ui.notify(str(error), type="negative", close_button="close")
            return
        self._began_s, self._seen = time.monotonic(), self._bar()

    def again(self) -> None:
        """Scan anew where a bar has closed since, or the last one did not come to its end."""
        scanner = scanner_of(self._desk)
        venue = self.source.value == "venue" and scanner.now.asked.source == "venue"
        if not (self.auto.value and venue) or scanner.now.running or scanner.now.wrong == STOPPED:
            return
        late = time.monotonic() - self._began_s >= AGAIN_S
        if late and (self._bar() != self._seen or scanner.now.wrong):
            self._began_s, self._seen = time.monotonic(), self._bar()
            scanner.start(scanner.now.asked)

    def show(self, now: ScanNow) -> None:
        """How far it is."""
        self.go.set_enabled(not now.running)
        self.stop.set_visibility(now.running)
        self.bar.set_visibility(now.running)
        self.bar.set_value(now.done / now.total if now.total else 0)
        if now.running:
            of = f"{now.done} of {now.total} {now.symbol}" if now.total else "beginning…"
            self.told.set_text(of)
        else:
            self.told.set_text(now.wrong or ("" if now.took_s is None else f"took {now.took_s:.1f} s"))

    def _bar(self) -> int:
        return market_ns(self._desk) // interval_ns(self.interval.value or "1h")

    def _stopped(self) -> None:
        scanner_of(self._desk).cancel()


def _filters(table: _Table) -> None:
    with ui.element("div").classes("filters").props('role=search aria-label="Filter set-ups"'):
        side = _select("Side", {"": "both sides", "short": "short", "long": "long"}, "", "choice")
        verdicts = {"": "all verdicts", **{word: word for word in shown.VERDICTS}}
        verdict = _select("Verdict", verdicts, "", "choice")
        search = ui.input(placeholder="search").props('dense outlined clearable debounce=250 aria-label="Search"')
        search.classes("search")

    def apply() -> None:
        table.side, table.verdict, table.search = side.value or "", verdict.value or "", search.value or ""
        table.show()

    for control in (side, verdict, search):
        control.on_value_change(apply)


def _select(label: str, options: Any, value: str, classes: str) -> ui.select:
    made = ui.select(options, value=value, label=None if classes == "choice" else label)
    return attrs(made.props("dense outlined options-dense"), aria_label=label).classes(classes)
