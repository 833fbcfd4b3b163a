"""Under the chart: what is open, and whether the venue has its stop."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nicegui import ui

from bearskin.app.web._bot_link import BotNow, not_trading
from bearskin.app.web._draft import Draft, path_of
from bearskin.app.web._hub import BOT
from bearskin.app.web._kit import MINUS, attrs, heard, panel, per_cent, signed, text, tone_of, unheard
from bearskin.app.web._market import price_digits
from bearskin.app.web._market_lines import move_stop
from bearskin.app.web._market_view import MarketView
from bearskin.app.web._page_market_chart import Chart
from bearskin.terms import BadInput, dec

HEADS = ("Position", "Size", "Entry", "Mark", "Open PnL", "Liquidation (away)", "Stop", "At the venue")


@dataclass(slots=True)
class _Row:
    root: ui.element
    cells: dict[str, ui.label]
    stop: ui.element
    digits: int
    shown_stop: str = ""


def positions_strip(view: MarketView, chart: Chart) -> None:
    """Build it."""
    with panel("Open positions", "open-positions", "mk-open-panel") as shown:
        with ui.element("div").classes("mk-scroll"), ui.element("table").classes("mk-table num"):
            with ui.element("thead"), ui.element("tr"):
                for name in HEADS:
                    text("th", name).props("scope=col")
            body = ui.element("tbody")
        rows: dict[int, _Row] = {}

        def show(now: BotNow) -> None:
            if now.state is None:
                shown.empty(now.why)
                return
            shown.stale(None if now.up else now.why)
            positions = now.state["positions"]
            if not positions:
                shown.empty("nothing is open")
            else:
                shown.shown()
            there = {one["trade"] for one in positions}
            for number in [number for number in rows if number not in there]:
                rows.pop(number).root.delete()
            for one in positions:
                if one["trade"] not in rows:
                    with body:
                        rows[one["trade"]] = _made(view, chart, one)
                _write(rows[one["trade"]], one, view)

        heard(view.desk, BOT, show, every_s=0.4)


def _made(view: MarketView, chart: Chart, one: dict[str, Any]) -> _Row:
    symbol, cells = one["symbol"], {}
    digits = price_digits(view.desk, symbol)
    with attrs(ui.element("tr"), data_position=symbol) as root:
        with ui.element("td"):
            ui.link(symbol, path_of(Draft(symbol=symbol))).classes("mk-symbol")
            cells["side"] = ui.label().classes("mk-side")
        for name in ("qty", "entry", "mark", "pnl", "liquidation"):
            with ui.element("td"):
                cells[name] = ui.label()
        with ui.element("td"), ui.element("form").classes("mk-move") as form:
            field = ui.element("input").props("inputmode=decimal size=9 autocomplete=off")
            attrs(field, aria_label=f"Stop of {symbol}")
            # the attribute: what is typed later is left alone
            field.props["^value"] = _typeable(one["stop"], digits)
            ui.element("button").props("type=submit").add_slot("default", "Move")
        with ui.element("td"):
            cells["protection"] = ui.label().props("role=status data-figure=protection")

    form.on(
        "submit",
        functools.partial(_typed, view, chart, symbol, one["trade"]),
        js_handler="(e) => { e.preventDefault(); emit(e.target.querySelector('input').value) }",
    )
    return _Row(root, cells, field, digits, _typeable(one["stop"], digits))


async def _typed(view: MarketView, chart: Chart, symbol: str, trade: int, event: Any) -> None:
    try:
        price = dec(str(event.args).replace(",", "").strip())
    except BadInput as error:
        chart.say(f"not moved: {error}", "down")
        return
    refused = await move_stop(view.desk, symbol, price, trade)
    chart.say(
        f"not moved: {refused}" if refused else f"the stop of {symbol} goes to {price:f}", "down" if refused else "up"
    )


def _write(row: _Row, one: dict[str, Any], view: MarketView) -> None:
    short = one["side"] == "short"
    cells, filled = row.cells, bool(Decimal(one["qty"]))
    why = not_trading(view.desk.bot.now.state, one["symbol"])
    more = f"{'' if one['purpose'] != 'hedge' else ', hedge'}{f': {why}' if why else ''}"
    cells["side"].set_text(f"{'▼' if short else '▲'} {one['side']}{more}")
    cells["side"].classes(replace=f"mk-side {'down' if short else 'up'}")
    qty = f"{Decimal(one['qty'] if filled else one['planned_qty']):,f}".replace("-", MINUS)
    cells["qty"].set_text(qty if filled else f"waits: {qty}")
    cells["entry"].set_text(_price(one["entry"], row.digits))
    cells["mark"].set_text(_price(one["mark"], row.digits))
    r = "" if one["r"] is None else f" ({Decimal(one['r']):+.2f} R)".replace("-", MINUS)
    cells["pnl"].set_text(f"{signed(one['pnl'])}{r}")
    cells["pnl"].classes(replace=tone_of(one["pnl"]))
    away = "" if one["liquidation_frac"] is None else f" ({per_cent(one['liquidation_frac'], 1)})"
    cells["liquidation"].set_text(f"{_price(one['liquidation_price'], row.digits)}{away}")
    text, tone = protection(one)
    cells["protection"].set_text(text)
    cells["protection"].classes(replace=f"mk-protect {tone}")
    stop = _typeable(one["stop"], row.digits)
    if stop != row.shown_stop:
        row.shown_stop = stop
        view.client.run_javascript(  # what is being typed is left alone
            f"const field = document.getElementById({row.stop.html_id!r});"
            f"if (field && document.activeElement !== field) field.value = {row.shown_stop!r}"
        )


def protection(one: dict[str, Any]) -> tuple[str, str]:
    """PROTECTED, or for how many seconds it is not, with the tone; in words and a sign, not by colour alone."""
    if not Decimal(one["qty"]):
        return "○ nothing filled yet", "muted"
    ago = unheard(one)
    if one["protected"] and ago:
        return f"◷ PROTECTED ({ago})", "warn"
    if one["protected"]:
        return f"✔ PROTECTED (after {one['max_unprotected_s']:.2f} s)", "up"
    if one["purpose"] == "hedge" and one["stop"] is None:
        return "○ hedge without a stop", "warn"
    return f"✖ UNPROTECTED {one['unprotected_s'] or 0:.1f} s", "down"


def _typeable(text: str | None, digits: int) -> str:
    return "" if text is None else f"{Decimal(text):.{digits}f}"


def _price(text: str | None, digits: int) -> str:
    return "–" if text is None else f"{Decimal(text):,.{digits}f}"
