"""The market page: the chart, the book, the ticket, and what is open."""

# No `from __future__ import annotations` here: NiceGUI looks for PageArguments itself among the annotations.
from nicegui import PageArguments, ui

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._draft import Drafting, draft_of
from bearskin.app.web._kit import panel
from bearskin.app.web._learn_guide import guide_of
from bearskin.app.web._market import spec_now
from bearskin.app.web._market_view import MarketView, interval_kept
from bearskin.app.web._page_market_below import facts_panel, setups_panel, spec_panel, symbols_panel
from bearskin.app.web._page_market_chart import chart_panel
from bearskin.app.web._page_market_head import head
from bearskin.app.web._page_market_open import positions_strip
from bearskin.app.web._page_market_side import ladder_panel, tape_panel
from bearskin.app.web._page_ticket import ticket_panel


def market_page(desk: WebDesk, arguments: PageArguments) -> None:
    """Build it for the symbol and the draft of its address."""
    drafting = Drafting(guide_of(desk).opened(draft_of(arguments.query_parameters)))
    symbol = drafting.draft.symbol.strip().upper() or str(desk.prefs().get("symbol", ""))
    if desk.market is None or not desk.symbols:
        with panel("Market", "chart") as shown:
            shown.empty("no venue runs: `bearskin demo` starts one with a bot, `bearskin exchange` one without")
        return
    if symbol not in desk.market.exchange.markets_by_id:
        symbol = desk.symbols[0]
    drafting.set(symbol=symbol)
    view = MarketView(
        desk=desk,
        symbol=symbol,
        interval=interval_kept(desk),
        drafting=drafting,
        client=ui.context.client,
        spec=spec_now(desk, symbol),
    )
    with ui.element("div").classes("mk"):
        with ui.element("div").classes("mk-top"):
            head(view)
        with ui.element("div").classes("mk-main"):
            chart = chart_panel(view)
        with ui.element("div").classes("mk-book"):
            ladder_panel(view)
            tape_panel(view)
        with ui.element("div").classes("mk-ticket"):
            ticket_panel(desk, drafting)
        with ui.element("div").classes("mk-open"):
            positions_strip(view, chart)
        with ui.element("div").classes("mk-below"):
            with ui.element("div").classes("mk-column"):
                setups_panel(view, chart)
                spec_panel(view)
            with ui.element("div").classes("mk-column"):
                facts_panel(view)
                symbols_panel(view)
