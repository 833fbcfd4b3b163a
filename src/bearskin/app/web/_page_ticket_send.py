"""The button that sends a ticket, why it is shut, and what became of what was sent."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape

from nicegui import ui

from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._draft import Draft, Drafting
from bearskin.app.web._hub import BOT
from bearskin.app.web._kit import heard
from bearskin.app.web._ticket_faults import plain
from bearskin.app.web._ticket_price import Ticket
from bearskin.app.web._ticket_send import OVER, Life, Sent, life_of, new_act_id, send
from bearskin.app.web._ticket_tables import in_words
from bearskin.terms import BearskinError

TWICE_S = 2.0  # a second press of the same ticket so soon was meant as one, however late it comes through
STEP_MARKS = {"done": "✓", "now": "…", "todo": "○", "failed": "✕"}
STEP_WORDS = {"done": "done", "now": "under way", "todo": "still to come", "failed": "failed"}


class Sending:
    """Sends the draft once per press, however often it is pressed; not while a field holds something else (`unread`
    says what is wrong with it).
    """

    def __init__(self, desk: WebDesk, drafting: Drafting, unread: Callable[[], str]) -> None:
        self._desk, self._drafting, self._unread = desk, drafting, unread
        self._act_id, self._busy = new_act_id(), False
        self._done: tuple[Draft | None, float] = (None, 0.0)
        self._sent: Sent | None = None
        self._over = ""  # the act whose end was shown
        self._ticket: Ticket | None = None
        with ui.element("div").classes("tk-send"):
            self._button = ui.button(on_click=self._press, color=None).props("unelevated no-caps data-action=send")
            self._button.classes("tk-button")
            self._why = ui.label("the ticket is being priced").classes("tk-why-not")
            self._why.props("role=status data-figure=ticket-why-not id=tk-why-not")
        self._life = ui.html("", sanitize=False).classes("tk-life").props("role=status data-figure=ticket-life")
        self._button.set_enabled(False)
        heard(desk, BOT, self._followed, every_s=0.2)

    def fill(self, made: Ticket) -> None:
        """Show what would be sent, or why nothing can be."""
        self._ticket = made
        self._button.set_text(button_words(made))
        self._button.classes(
            add="tk-short" if made.side < 0 else "tk-long", remove="tk-long" if made.side < 0 else "tk-short"
        )
        self._shown()

    def stale(self, why: str) -> None:
        """What stands there is no longer priced."""
        self._ticket = None
        self._why.set_text(why)
        self._shown()

    def again(self) -> None:
        """What stands in a field can be read now, or cannot any more."""
        self._shown()

    def _shown(self) -> None:
        made = self._ticket
        unread = self._unread()
        why = unread or ("" if made is None else made.why_not)
        ready = made is not None and made.sendable and made.draft == self._drafting.draft and not self._busy
        self._button.set_enabled(ready and not unread)
        if made is not None:
            self._why.set_text(why and f"Cannot be sent: {in_words(why)}")
        self._why.set_visibility(bool(self._why.text))

    async def _press(self) -> None:
        draft = self._drafting.draft
        if self._busy or self._unread() or (draft == self._done[0] and time.monotonic() - self._done[1] < TWICE_S):
            return
        self._busy = True
        self._shown()
        act_id = self._act_id
        try:
            self._sent = await send(self._desk, draft, act_id)
        except BearskinError as error:  # nobody knows whether it was done: the same name is sent again
            self._life.set_content(_failed(in_words(str(error))))
            return
        finally:
            self._busy = False
            self._shown()
        self._act_id = new_act_id()
        if not self._sent.refused:
            self._done = draft, time.monotonic()
        self._followed(self._desk.bot.now)

    def _followed(self, now: BotNow) -> None:
        sent = self._sent
        if sent is None or self._over == sent.act_id:
            return
        life = life_of(sent, now)
        if life.outcome in OVER:  # what has ended stays so, also when the bot no longer tells of it
            self._over = sent.act_id
        self._life.set_content(life_html(life, sent))


def button_words(made: Ticket) -> str:
    """What the button does, with its size and price."""
    plan, verb = made.plan, "Sell short" if made.side < 0 else "Buy long"
    if made.draft.purpose == "hedge":
        verb = "Hedge: sell short" if made.side < 0 else "Hedge: buy long"
    qty = "" if plan is None or plan.qty is None else f" {plain(abs(plan.qty))}"
    how = "at market" if made.draft.kind == "market" else "by limit"
    return f"{verb}{qty} {made.draft.symbol} {how}"


def life_html(life: Life, sent: Sent) -> str:
    """The steps of what was sent."""
    rows = "".join(
        f'<li class="tk-step {step.state}"><span class="tk-mark" aria-label="{STEP_WORDS[step.state]}">'
        f"{STEP_MARKS[step.state]}</span><b>{escape(step.name)}</b> <span>{escape(in_words(step.text))}</span></li>"
        for step in life.steps
    )
    number = f"trade {sent.trade}" if sent.trade else ""
    title = f"{escape(sent.symbol)} {escape(sent.side)} {number}"
    return f'<p class="tk-life-head muted">{title}</p><ol class="tk-steps" data-outcome="{life.outcome}">{rows}</ol>'


def _failed(why: str) -> str:
    return (
        f'<ol class="tk-steps" data-outcome="unknown"><li class="tk-step failed"><span class="tk-mark">✕</span>'
        f"<b>Not known</b> <span>{escape(why)}</span></li></ol>"
    )
