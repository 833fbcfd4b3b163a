"""What the venue and the run have written down: orders, fills, funding, income, liquidations, closed trades."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from nicegui import background_tasks, ui

from bearskin.app.web import _account_rows as rows
from bearskin.app.web import _positions_acts as acts
from bearskin.app.web._account_rows import Row
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._hub import ACCOUNT
from bearskin.app.web._kit import heard, panel
from bearskin.app.web._markup import Markup, el, icon, join
from bearskin.app.web._pace import Turn, turn
from bearskin.app.web._positions_html import Column, plus, table
from bearskin.terms import BearskinError

if TYPE_CHECKING:
    from bearskin.app.web._page_positions import Look

OFTEN_S = 2.0


class Tab(NamedTuple):
    """A tab: its key and name, where its rows come from, its columns, where they are had as CSV, what is said where
    there are none, and how many at most (0: all)."""

    key: str
    name: str
    rows: Callable[[WebDesk], Awaitable[list[Row]]]
    columns: tuple[Column, ...]
    csv: str = ""
    none: str = ""
    most: int = 0


_C = Column
TABS = (
    Tab("orders", "Orders", rows.orders, (
        _C("symbol", "Symbol"), _C("for", "For"), _C("kind", "Kind"), _C("qty", "Qty", "qty"),
        _C("filled", "Filled", "qty"), _C("price", "Price", "price"), _C("trigger", "Trigger", "price"),
        _C("status", "Status"), _C("client_id", "Client id"),
    ), none="nothing rests at the venue"),
    Tab("fills", "Fills", rows.fills, (
        _C("time", "Time", "time"), _C("symbol", "Symbol"), _C("qty", "Qty", "qty"), _C("price", "Price", "price"),
        _C("realised", "Realised", "money"), _C("fee", "Fee", "bare"), _C("fee_asset", "Asset"), _C("order", "Order"),
    ), "/api/v1/fills.csv", "nothing was filled yet", 100),
    Tab("funding", "Funding", rows.funding, (
        _C("time", "Time", "time"), _C("symbol", "Symbol"), _C("amount", "Amount", "money"), _C("asset", "Asset"),
    ), "/api/v1/funding.csv", "no funding was paid or received yet", rows.ROWS_MOST),
    Tab("income", "Income", rows.income, (
        _C("time", "Time", "time"), _C("type", "Type"), _C("symbol", "Symbol"), _C("amount", "Amount", "money"),
        _C("asset", "Asset"), _C("id", "Id"),
    ), "/api/v1/income.csv", "nothing has changed the wallet yet", rows.ROWS_MOST),
    Tab("liquidations", "Liquidations", rows.liquidations, (
        _C("time", "Time", "time"), _C("symbol", "Symbol"), _C("qty", "Position", "qty"),
        _C("price", "Closed at", "price"),
        _C("collateral", "Collateral lost", "bare"), _C("fee", "Fee", "bare"), _C("insurance", "To insurance", "bare"),
        _C("debt", "Debt", "bare"), _C("words", "What that means"),
    ), none="nothing was liquidated, may it stay so"),
    Tab("closed", "Closed trades", acts.closed, (
        _C("ended", "Ended", "time"), _C("symbol", "Symbol"), _C("side", "Side"), _C("qty", "Qty", "qty"),
        _C("entry", "Entry", "price"), _C("exit", "Exit", "price"), _C("by", "By"), _C("fees", "Fees", "bare"),
        _C("funding", "Funding", "money"), _C("net", "Net", "money"), _C("r", "R", "r"), _C("thesis", "Thesis"),
    ), "/api/v1/closed-trades.csv", "no trade of this run has ended", 200),
)  # fmt: skip


def tabs_panel(desk: WebDesk, look: Look) -> None:
    """The tabs; the one that is open is asked for again when the bot has heard of something new."""
    with panel("Records", "written", "positions-written"):
        with ui.tabs().props("dense no-caps inline-label align=left outside-arrows mobile-arrows") as bar:
            for tab in TABS:
                ui.tab(tab.key, tab.name)
        bar.set_value(TABS[0].key)
        with ui.element("div").classes("written").props("role=tabpanel data-figure=written"):
            export = ui.html("", sanitize=False).classes("export")
            shown = ui.html("", sanitize=False)

    asking = asyncio.Lock()

    async def show(_: Any = None) -> None:
        async with asking:
            tab = next(one for one in TABS if one.key == bar.value)
            said = await _said(desk, look, tab)
            link = _export(tab)
        if bar.value == tab.key:
            shown.set_content(said)
            export.set_content(link)

    bar.on_value_change(show)
    if desk.account is None:
        shown.set_content(el("p", "no venue is connected", class_="panel-words"))
        return
    heard(desk, ACCOUNT, lambda _: _started(show()), every_s=OFTEN_S)


def _started(work: Coroutine[Any, Any, None]) -> None:
    background_tasks.create(work)


async def _said(desk: WebDesk, look: Look, tab: Tab) -> Markup:
    try:
        with turn(Turn.BESIDE):
            found = await tab.rows(desk)
    except BearskinError as error:
        return el("p", str(error), class_="panel-words failed", role="status")
    if not found:
        return el("p", tab.none, class_="panel-words", role="status")
    terms = {} if look.account is None else look.account.terms
    zone = str(desk.prefs().get("zone", "utc"))
    said = table(tab.columns, found, terms, zone, tab.name)
    return join([said, *([_sum(found)] if tab.key == "funding" else []), newest_of(tab, found)])


def newest_of(tab: Tab, found: list[Row]) -> Markup:
    """That there may be more than what stands here: who has the CSV must not take it for all that ever was."""
    if not tab.most or len(found) < tab.most:
        return Markup("")
    words = f"Only the newest {tab.most} are shown, and at most the newest {rows.ROWS_MOST} are in the CSV."
    return el("p", words, class_="muted small")


def _sum(found: list[Row]) -> Markup:
    total = sum((Decimal(row["amount"]) for row in found), Decimal(0))
    return el("p", f"{len(found)} payments, together {plus(total, 4)} {found[0]['asset']}", class_="muted small")


def _export(tab: Tab) -> Markup:
    if not tab.csv:
        return Markup("")
    return el("a", icon("download"), "CSV", href=tab.csv, download=True, class_="csv", aria_label=f"{tab.name} as CSV")
