"""The guide on every page: a slim bar with the step that comes next, and the whole list on the page of learning."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from nicegui import ui

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._kit import attrs, figured, heard, signed, text, tone_of
from bearskin.app.web._learn import KEYS, STEPS, Progress, Step
from bearskin.app.web._learn_guide import GUIDE, Guide, guide_of
from bearskin.app.web._page_learn_parts import act

EMPTY = "The ticket holds no stop any more: set it again, then read what the ticket says."


def guide_bar(desk: WebDesk) -> None:
    """The bar under the shell's own: nothing where the guide was put away."""
    guide = guide_of(desk)
    bar = ui.element("aside").classes("guide").props('aria-label="Guide to a first short" data-panel=guide')

    def show(progress: Progress) -> None:
        bar.clear()
        wanted = desk.place is not None and (progress.on or not progress.asked)
        bar.set_visibility(wanted)
        step = progress.step if progress.on else None
        _point(step)
        if not wanted:
            return
        with bar:
            if not progress.asked:
                _invitation(guide)
            elif step is None:
                _finish(guide, progress)
            else:
                _present(guide, step, empty=step.key == "preflight" and not progress.ready)

    show(guide.progress)
    heard(desk, GUIDE, show)


def guide_list(desk: WebDesk) -> None:
    """All eight steps with what was done of them."""
    guide = guide_of(desk)
    rows = ui.element("ol").classes("ln-steps")

    def show(progress: Progress) -> None:
        rows.clear()
        present = progress.step if progress.on else None
        with rows:
            for number, step in enumerate(STEPS, 1):
                _row(
                    number,
                    step,
                    done=step.key in progress.done,
                    now=present is not None and step.key == present.key,
                )
        tools.clear()
        with tools:
            _tools(guide, progress)

    tools = ui.element("div").classes("steps-tools")
    show(guide.progress)
    heard(desk, GUIDE, show)


def _row(number: int, step: Step, *, done: bool, now: bool) -> None:
    state = "done" if done else "now" if now else ""
    row = ui.element("li").classes(f"ln-step {state}").props(f"data-step={step.key}")
    if now:
        row.props("aria-current=step")
    with row:
        ui.label("✓" if done else f"{number}").classes("step-number num").props("aria-hidden=true")
        with ui.element("div"):
            with ui.element("div").classes("step-title"):
                ui.label(step.title)
                ui.label("done" if done else "next" if now else "").classes("step-state")
            ui.label(step.do if not done else step.why).classes("muted")


def _tools(guide: Guide, progress: Progress) -> None:
    if progress.on:
        act("Leave the guide", guide.leave)
    elif progress.done and progress.step is not None:
        act("Take it up again", guide.begin, main=True)
    elif not progress.done:
        act("Show me how", guide.begin, main=True)
    if progress.done:
        act("From the first step", lambda: guide.begin(anew=True))
    if progress.cost:
        ui.label(figured(progress.cost)).classes("muted").props("data-figure=guide-cost")
        _bill(progress)


def _invitation(guide: Guide) -> None:
    ui.label("First time here?").classes("guide-title")
    ui.label("Eight steps to a first short with play money, from the account to what it cost.").classes("guide-do")
    with ui.element("div").classes("guide-tools"):
        act("Show me how", guide.begin, main=True)
        act("Not now", guide.leave)


def _present(guide: Guide, step: Step, *, empty: bool) -> None:
    """The step that comes next; `empty` says that the ticket it is about holds no draft."""
    number = KEYS.index(step.key) + 1
    with ui.element("div").classes("guide-steps").props("aria-hidden=true"):
        for place in range(len(STEPS)):
            ui.element("i").classes("on" if place < number - 1 else "now" if place == number - 1 else "")
    ui.label(f"{number} of {len(STEPS)}").classes("guide-number num").props("data-figure=guide-step")
    with ui.element("div").classes("guide-words").props("role=status"):
        ui.label(step.title).classes("guide-title")
        attrs(ui.label(EMPTY if empty else step.do).classes("guide-do"), title=step.why)
    with ui.element("div").classes("guide-tools"):
        if step.say and not empty:
            act(step.say, lambda: guide.done(step.key), main=True)
        act("Take me there", lambda: _go(step))
        if not step.say or empty:
            act("Skip", lambda: guide.done(step.key))
        act("Leave the guide", guide.leave, icon="close")


def _finish(guide: Guide, progress: Progress) -> None:
    ui.label("Done: your first short").classes("guide-title")
    with ui.element("div").classes("guide-words").props("role=status data-figure=guide-cost"):
        ui.label(figured(progress.cost) or "opened, protected, watched and closed.").classes("guide-do")
        _bill(progress)
    with ui.element("div").classes("guide-tools"):
        act("What to learn next", lambda: ui.navigate.to("/learn"), main=True)
        act("Put it away", guide.leave)


def _bill(progress: Progress) -> None:
    """What was made of the trade, item by item; nothing where no figures were told."""
    rows = bill_rows(dict(progress.bill))
    if not rows:
        return
    with ui.element("dl").classes("guide-bill num").props('aria-label="The bill of the trade" data-figure=guide-bill'):
        for name, shown, tone in rows:
            with ui.element("div"):
                text("dt", name)
                text("dd", shown).classes(tone)


def bill_rows(bill: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Name, amount and tone of each item of a bill; slippage is in the prices of the fills, so in the gross already."""
    if "net" not in bill:
        return []
    fees = f"{-Decimal(bill['fees'])}" if "fees" in bill else None
    items = (("Gross", bill.get("gross")), ("Fees", fees), ("Funding", bill.get("funding")), ("Net", bill["net"]))
    rows = [(name, signed(value), tone_of(value)) for name, value in items if value is not None]
    if "r" in bill:
        rows.append(("In R", signed(bill["r"]), tone_of(bill["r"])))
    slipped = sum((Decimal(bill[name]) for name in ("slippage_entry", "slippage_exit") if name in bill), Decimal(0))
    if round(slipped, 2):
        rows.append(("Slippage, in the gross", signed(-slipped), tone_of(-slipped)))
    return rows


def _go(step: Step) -> None:
    ui.navigate.to(step.path)
    ui.run_javascript(f"setTimeout(() => bearskinGuide.look({json.dumps(step.points)}), 400)")


def _point(step: Step | None) -> None:
    points = json.dumps(step.points if step else ())
    ui.run_javascript(f"window.bearskinGuide ? bearskinGuide.point({points}) : window.guidePoints = {points}")
