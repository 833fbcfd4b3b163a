"""The ticket: a trade thought about, priced as it is typed and as prices move, and sent through the bot."""

# No `from __future__ import annotations` here: NiceGUI looks for PageArguments itself among the annotations.
import asyncio
import logging

from nicegui import PageArguments, ui

from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._draft import Draft, Drafting, draft_of
from bearskin.app.web._hub import BOT
from bearskin.app.web._kit import Panel, heard, panel
from bearskin.app.web._learn_guide import guide_of
from bearskin.app.web._market_link import Depth, Mark
from bearskin.app.web._page_ticket_figures import Figures
from bearskin.app.web._page_ticket_form import Form
from bearskin.app.web._page_ticket_send import Sending
from bearskin.app.web._ticket_send import price
from bearskin.terms import BearskinError

DEBOUNCE_S, MOVES_S = 0.12, 1.0
logger = logging.getLogger("bearskin.app")


def ticket_page(desk: WebDesk, arguments: PageArguments) -> None:
    """The ticket on a page of its own, for a phone; the address may hold a draft."""
    drafting = Drafting(guide_of(desk).opened(draft_of(arguments.query_parameters)))
    if not drafting.draft.symbol:
        kept = str(desk.prefs().get("symbol", ""))
        drafting.set(symbol=kept if kept in desk.symbols else next(iter(desk.symbols), ""))
    _ticket(desk, drafting, desk.symbols)


def ticket_panel(desk: WebDesk, drafting: Drafting) -> None:
    """The ticket of a draft, in a panel of its own; lives as long as the page."""
    _ticket(desk, drafting, ())


def _ticket(desk: WebDesk, drafting: Drafting, symbols: tuple[str, ...]) -> None:
    with panel("Ticket", "ticket", "tk-panel") as shown:
        if not drafting.draft.symbol:
            shown.empty("no symbol: no venue runs; `bearskin demo` starts one with a bot")
            return
        if symbols:
            with shown.tools:
                _symbol(drafting, symbols)
        with ui.element("div").classes("tk"):
            with ui.element("div").classes("tk-left"):
                form = Form(drafting)
                sending = Sending(desk, drafting, form.unread)
                form.misread(sending.again)
            with ui.element("div").classes("tk-right"):
                figures = Figures()
        Pricing(desk, drafting, shown, form, sending, figures).begin()


def _symbol(drafting: Drafting, symbols: tuple[str, ...]) -> None:
    """What is traded, to be chosen where no chart around the ticket says it."""
    options = list(dict.fromkeys((drafting.draft.symbol, *symbols)))

    def turn(symbol: str) -> None:
        drafting.set(symbol=symbol, price=None, stop=None, targets=(), qty=None)

    chosen = ui.select(options, value=drafting.draft.symbol, on_change=lambda e: turn(str(e.value)))
    chosen.props('dense borderless options-dense aria-label="Symbol" data-field=symbol').classes("tk-symbol")


class Pricing:
    """Prices the draft again when it changes and when prices move, one at a time, and shows it."""

    def __init__(
        self, desk: WebDesk, drafting: Drafting, shown: Panel, form: Form, sending: Sending, figures: Figures
    ) -> None:
        self._desk, self._drafting, self._panel = desk, drafting, shown
        self._form, self._sending, self._figures = form, sending, figures
        self._client = ui.context.client
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._draft: Draft | None = None
        self._moved: tuple[object, ...] = ()

    def begin(self) -> None:
        """From now on, as long as the page lives."""
        self._drafting.listen(self._changed)
        heard(self._desk, BOT, self._told, every_s=MOVES_S)
        for topic in (Depth(self._drafting.draft.symbol), Mark(self._drafting.draft.symbol)):
            heard(self._desk, topic, lambda _: self._unless_bot(), every_s=MOVES_S)
        self._client.on_delete(self._end)
        self._ask()

    def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _changed(self, draft: Draft) -> None:
        if draft != self._draft:
            self._draft = draft
            self._ask()

    def _told(self, now: BotNow) -> None:
        """The bot has told how it stands: priced again when anything of it matters here."""
        state = now.state or {}
        account = state.get("account", {})
        matters = (
            now.up, (state.get("prices") or {}).get(self._drafting.draft.symbol), account.get("equity"),
            state.get("mode"), state.get("limits"), [one["symbol"] for one in state.get("positions", ())],
        )  # fmt: skip
        if matters != self._moved:
            self._moved = matters
            self._ask()

    def _unless_bot(self) -> None:
        if not self._desk.bot.now.up:
            self._ask()

    def _ask(self) -> None:
        if self._task is not None and not self._task.done():
            self._again = True
            return
        self._task = asyncio.ensure_future(self._work())

    async def _work(self) -> None:
        while True:
            self._again = False
            await asyncio.sleep(DEBOUNCE_S)
            if self._client.is_deleted:
                return
            try:
                made = await price(self._desk, self._drafting.draft)
            except BearskinError as error:
                self._panel.stale(str(error))
                self._sending.stale(f"Cannot be sent: {error}")
            except Exception:
                logger.exception("the ticket could not be priced")
                self._sending.stale("Cannot be sent: the ticket could not be priced")
                return
            else:
                self._panel.stale(made.case.bot or None)
                with self._panel.body:
                    self._form.fill(made)
                    self._sending.fill(made)
                    self._figures.fill(made)
                self._drafting.draw(made.lines())
            if not self._again:
                return
