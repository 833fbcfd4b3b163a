"""The ticket: a trade thought about, priced as it is typed, and sent."""

from __future__ import annotations

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._draft import Drafting
from bearskin.app.web._kit import panel


def ticket_page(desk: WebDesk) -> None:
    """The ticket on a page of its own, for a phone."""
    ticket_panel(desk, Drafting())


def ticket_panel(desk: WebDesk, drafting: Drafting) -> None:
    """The ticket of a draft, in a panel of its own."""
    del desk, drafting
    with panel("Ticket", "ticket") as shown:
        shown.empty("nothing to trade yet")
