"""Beside the chart: the ladder of the book and the tape of trades."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from bearskin.app.web._kit import heard, panel, text
from bearskin.app.web._market_link import Depth, Tape
from bearskin.app.web._market_view import MarketView

LADDER, TRADES = 10, 40
EVERY_S = 0.25


def ladder_panel(view: MarketView) -> None:
    """The best prices and what rests at them, pushed."""
    with panel("Depth", "depth", "mk-ladder-panel") as shown:
        host = ui.element("div").classes("mk-ladder num")
        with host:
            _heads(f"Price {_quote(view)}", "Qty", "Sum")
            ui.element("ol").classes("asks").props('aria-label="Asks, the best one lowest"')
            ui.label("").classes("mk-spread").props("data-figure=spread")
            ui.element("ol").classes("bids").props('aria-label="Bids, the best one first"')
        shown.loading("waiting for the book…")

        def show(book: dict[str, Any]) -> None:
            if view.spec is None:
                return
            shown.shown()
            view.tell("bearskinSide.depth", host.html_id, book, view.digits, view.spec.qty_digits, LADDER)

        heard(view.desk, Depth(view.symbol), show, every_s=EVERY_S, sight=True)


def tape_panel(view: MarketView) -> None:
    """The last trades, the newest first, pushed."""
    with panel("Tape", "tape", "mk-tape-panel") as shown:
        with ui.element("div").classes("mk-tape num"):
            _heads("Time", "Price", "Qty")
            rows = ui.element("ol").props('aria-label="Last trades, the newest first" tabindex=0')
        shown.loading("no trade so far")
        told: list[dict[str, Any]] = []  # the newest one that the page has

        def show(trades: list[dict[str, Any]]) -> None:
            if view.spec is None or not trades:
                return
            shown.shown()
            fresh = newer(trades, told[-1] if told else None)[-TRADES:]
            if not fresh:
                return
            told[:] = fresh[-1:]
            view.tell("bearskinSide.tape", rows.html_id, fresh, view.digits, view.spec.qty_digits, TRADES, view.local)

        heard(view.desk, Tape(view.symbol), show, every_s=EVERY_S, sight=True)


def newer(trades: list[dict[str, Any]], last: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Those behind `last`, one of the stream's own; all where it is not among them."""
    at = next((at for at in range(len(trades) - 1, -1, -1) if trades[at] is last), -1)
    return trades[at + 1 :]


def _heads(*names: str) -> None:
    with ui.element("div").classes("mk-heads").props("aria-hidden=true"):
        for name in names:
            text("span", name)


def _quote(view: MarketView) -> str:
    return "" if view.spec is None else view.spec.quote
