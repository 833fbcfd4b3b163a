"""Run a backtest, see it go on, and what is on the shelf."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from nicegui import ui

from bearskin.app.web._backtests import Kept, shelf_of
from bearskin.app.web._backtests_jobs import DONE, FAILED, JOBS, RUNNING, Job, jobs_of
from bearskin.app.web._backtests_words import COMPILING, command_of, is_made, words_of
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._kit import Panel, attrs, heard, panel, real_minus
from bearskin.app.web._page_backtests_form import Form, Json, form_panel
from bearskin.app.web._page_backtests_parts import (
    DASH,
    button,
    clock,
    command,
    soon,
    telling,
    tone,
    words_of_setup,
    written,
    wrong_label,
)
from bearskin.terms import BearskinError, parse_time

SHELF_ROWS = 80
JOBS_SHOWN = 5


def run_view(desk: WebDesk) -> None:
    """The form on one side, what runs and what is kept on the other."""
    jobs = jobs_of(desk)
    with ui.element("div").classes("bt-two"):
        _form_panel(desk)
        with ui.element("div").classes("bt-stack"):
            _jobs_panel(desk)
            fill = _shelf_panel(desk)
    ended = {job.id for job in jobs.all() if job.state != RUNNING}

    def refreshed(now: tuple[Job, ...]) -> None:
        fresh = {job.id for job in now if job.state != RUNNING} - ended
        if fresh:
            ended.update(fresh)
            soon(fill)

    heard(desk, JOBS, refreshed, every_s=0.5)


def _form_panel(desk: WebDesk) -> None:
    jobs = jobs_of(desk)

    def build(_: Panel, choices: Json) -> None:
        if not choices["store"]:
            ui.label(
                f"The store {choices['store_folder']} has no candles yet, so the synthetic market is offered."
                " `bearskin data fetch BTCUSDT` brings real ones."
            ).classes("bt-hint")
        form = Form(choices, lambda: say())
        form.build()
        wrong = wrong_label()
        with ui.element("div").classes("bt-row"):
            button("Run", lambda: start(), "main", "run")
            ui.label(f"{COMPILING}.").classes("bt-hint grow")
        tell = command("bearskin backtest")
        first = ui.label("The synthetic market is made by the first Run here; until then this command finds none.")
        first.classes("bt-hint").props("data-figure=first-run")

        def say() -> None:
            try:
                words = words_of(form.words)
                tell(command_of(desk.house, words, form.market))
                first.set_visibility(not is_made(desk.house, words, form.market))
            except BearskinError as error:
                tell(str(error))

        async def start() -> None:
            with telling(wrong):
                await jobs.start(form.words, form.market)

        say()

    form_panel(desk, "Run a backtest", "backtest-form", build)


def _jobs_panel(desk: WebDesk) -> None:
    shown: dict[str, _Row] = {}
    with panel("Running", "backtest-jobs") as frame:
        rows = ui.element("div")

    def show(now: tuple[Job, ...]) -> None:
        if not now:
            frame.empty("nothing runs: choose on the left, then Run")
            return
        frame.shown()
        now = now[:JOBS_SHOWN]
        if [(job.id, job.state) for job in now] != [(row.job.id, row.job.state) for row in shown.values()]:
            rows.clear()
            shown.clear()
            with rows:
                for job in now:
                    shown[job.id] = _Row(desk, job)
        for job in now:
            shown[job.id].tell(job)

    def tick() -> None:
        for row in shown.values():
            row.tell(row.job)

    show(jobs_of(desk).all())
    heard(desk, JOBS, show, every_s=0.2)
    ui.timer(1.0, tick)


class _Row:
    """One job; what it says changes in its place, so that a button under a finger stays there."""

    def __init__(self, desk: WebDesk, job: Job) -> None:
        self.job, self._desk = job, desk
        with ui.element("div").classes("bt-job").props(f"data-job={job.id} data-state={job.state}"):
            with ui.element("div"):
                ui.label(f"{_listed(job, 'symbols')} · {_listed(job, 'setups')} · {job.market}")
                self._said = ui.label().props("role=status data-figure=job")
                self._said.classes("bt-wrong" if job.state == FAILED else "muted")
                self._note = ui.label().classes("bt-hint")
            with ui.element("div").classes("bt-row"):
                if job.state == RUNNING:
                    button("Cancel", self._cancel, key="cancel")
                elif job.state == DONE:
                    where = f"/backtests?{urlencode({'result': job.result})}"
                    ui.link("Open", where).classes("bt-link").props("data-do=open")
            self._bar = ui.element("progress").classes("bt-progress").props('aria-label="Progress" max=1')
            self._bar.set_visibility(job.state == RUNNING)

    def tell(self, job: Job) -> None:
        """What it says now."""
        self.job = job
        if job.state == RUNNING:
            count = f" {job.done:,} of {job.total:,}" if job.total else ""
            seconds = max(job.seconds, time.time() - parse_time(job.started) / 1e9)
            self._said.set_text(f"running: {job.what}{count} · {seconds:.0f} s")
            if job.total:
                self._bar.props(f"value={job.done / job.total:.3f}")
            else:
                self._bar.props(remove="value")
        elif job.state == DONE:
            self._said.set_text(f"done in {job.seconds:.0f} s")
        else:
            self._said.set_text(job.error if job.state == FAILED else job.what)
        self._note.set_text(job.note if job.state == RUNNING else "")

    async def _cancel(self) -> None:
        await jobs_of(self._desk).cancel(self.job.id)


def _listed(job: Job, name: str) -> str:
    asked = job.words.get(name)
    if not asked:
        return "all symbols" if name == "symbols" else "all set-ups"
    return words_of_setup(", ".join(asked) if isinstance(asked, list) else str(asked))


def _shelf_panel(desk: WebDesk) -> Callable[[], Awaitable[None]]:
    chosen: list[str] = []
    with panel("On the shelf", "backtest-shelf") as frame:
        frame.loading()
        place = ui.element("div")
        with frame.tools:
            both = button("Compare two", lambda: ui.navigate.to(_compare(chosen)), key="compare")
    both.props("disabled")

    def pick(name: str, on: bool) -> None:
        chosen.append(name) if on else chosen.remove(name)
        both.props(remove="disabled") if len(chosen) == 2 else both.props("disabled")

    async def fill() -> None:
        kept = await desk.aside(lambda: shelf_of(desk.house))
        if not kept:
            frame.empty(f"nothing is kept yet: results lie in {desk.house.home.part('reports')}")
            return
        frame.shown()
        chosen.clear()
        both.props("disabled")
        place.clear()
        with place:
            _rows(kept, pick)

    soon(fill)
    return fill


def _compare(chosen: list[str]) -> str:
    return f"/backtests?{urlencode({'view': 'compare', 'a': chosen[0], 'b': chosen[1]})}"


HEADS = (
    ("", ""),
    ("What", ""),
    ("What is known of luck", ""),
    ("Asked", ""),
    ("Trades", "r"),
    ("Net", "r"),
    ("Max DD", "r"),
    ("Pages", ""),
)


def _rows(kept: list[Kept], pick: Callable[[str, bool], None]) -> None:
    """The newest first; no order by how well something did."""
    with ui.element("div").classes("bt-scroll"), ui.element("table").classes("bt-table").props('aria-label="Results"'):
        with ui.element("thead"), ui.element("tr"):
            for text, kind in HEADS:
                with ui.element("th").classes(kind).props("scope=col"):
                    ui.label(text)
        with ui.element("tbody"):
            for one in kept[:SHELF_ROWS]:
                with ui.element("tr") as row:
                    row.props["data-result"] = one.name  # a folder's name, which may hold quotes
                    _row(one, pick)
    if len(kept) > SHELF_ROWS:
        ui.label(f"and {len(kept) - SHELF_ROWS:,} older ones").classes("bt-hint")


def _row(one: Kept, pick: Callable[[str, bool], None]) -> None:
    with ui.element("td"):
        if one.kind == "backtest":
            box = ui.checkbox(on_change=lambda event: pick(one.name, event.value))
            box.props("dense size=sm").props["aria-label"] = f"Compare {one.name}"
    with ui.element("td"):
        if one.kind == "backtest":
            ui.link(one.name, f"/backtests?{urlencode({'result': one.name})}")
        else:
            ui.label(one.name)
        with ui.element("div").classes("bt-row"):
            ui.label(one.kind).classes("bt-kind")
            ui.label(clock(one.made)).classes("muted")
    with ui.element("td"):
        says = real_minus(one.says)
        attrs(ui.label(says).classes("bt-says"), title=says)
    with ui.element("td"):
        ui.label(one.about)
        ui.label(one.span).classes("muted")
    for kind, key, value in (
        ("count", "trades", one.trades), ("money", "net", one.net), ("frac", "max_drawdown_frac", one.max_drawdown_frac)
    ):  # fmt: skip
        with ui.element("td").classes(f"r {tone(kind, key, value)}"):
            ui.label(written(kind, value) if value is not None else DASH)
    with ui.element("td"):
        for what, file in one.pages:
            name = {} if one.name == file else {"name": one.name}
            ui.link(what, f"/api/v1/backtests/page?{urlencode({**name, 'file': file})}", new_tab=True).style(
                "display:block"
            )
