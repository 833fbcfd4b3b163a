"""One backtest: what is known of luck, figures, curve, trades on their candles, tear sheet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from bearskin.app.web._backtests import SHEET, all_trades, curve_of, result_of
from bearskin.app.web._backtests_words import command_of, defaults
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._kit import Panel, attrs, figure, panel, real_minus
from bearskin.app.web._page_backtests_parts import (
    button,
    chart,
    clock,
    command,
    draw,
    fold,
    price,
    soon,
    table,
    tone,
    words_of_setup,
    written,
    zone_of,
)
from bearskin.app.web._page_backtests_trade import trade_panel
from bearskin.terms import BearskinError

Json = dict[str, Any]
LUCK = "luck_"
BY_SETUP = (
    ("Set-up", ""), ("Side", ""), ("Evidence", ""), ("Trades", "r"), ("Mean R", "r"), ("Standard error", "r"),
    ("t", "r"), ("Net", "r"), ("Funding", "r"), ("Fees", "r"), ("Declined", "r"),
)  # fmt: skip


def result_view(desk: WebDesk, name: str, trade: str = "") -> None:
    """Build it; everything slow comes once the page stands."""
    with panel(f"Backtest {name.removeprefix('backtest-')}", "backtest-result") as head:
        head.loading()
        top = ui.element("div").classes("bt-stack")
    with panel("Equity and drawdown", "backtest-equity") as curve:
        curve.loading()
        drawn = chart("Equity and drawdown over time", "equity")
    with ui.element("div").classes("bt-even"):
        with panel("Trades", "backtest-trades") as trades:
            trades.loading()
            rows = ui.element("div")
        show_trade = trade_panel(desk, name)
    with panel("Set-ups", "backtest-setups"):
        by_setup = ui.element("div")
    below = ui.element("div").classes("bt-stack")

    async def fill() -> None:
        try:
            found = await desk.aside(lambda: result_of(desk.house, name))
            with top:
                _head(desk, found)
            head.shown()
            points = await desk.aside(lambda: curve_of(desk.house, name))
            curve.shown()
            draw(drawn, "curves", {"zone": zone_of(desk), "curves": [{"name": "Equity", "points": points}]})
            told = await desk.aside(lambda: all_trades(desk.house, name))
        except BearskinError as error:
            for one in (head, curve, trades):
                one.failed(str(error))
            return
        with rows:
            _trades(trades, told, trade, show_trade)
        with by_setup:
            _setups(found)
        with below:
            _below(name, found)

    soon(fill)


def _head(desk: WebDesk, found: Json) -> None:
    with ui.element("div").classes("bt-said").props("data-figure=evidence role=note"):
        ui.label(real_minus(found["evidence"]))
    with ui.element("div"):
        ui.label("Luck: read this first").classes("bt-group")
        with ui.element("div").classes("bt-figures"):
            _figures(found, luck=True)
    with ui.element("div"):
        ui.label(f"What this one history brought, in {found['currency'] or 'the settle currency'}").classes("bt-group")
        with ui.element("div").classes("bt-figures"):
            _figures(found, luck=False)
    about = (
        f"{clock(found['start'])} to {clock(found['end'])} UTC · {found['interval']} · {', '.join(found['symbols'])}"
    )
    ui.label(about).classes("bt-hint")
    if isinstance(found["asked"], dict):
        usual = defaults()
        words = {
            name: value for name, value in found["asked"].items() if name in usual and value not in (None, "")
            and str(value) != str(usual[name])
        }  # fmt: skip
        with ui.element("div"):
            command(command_of(desk.house, {**words, "store": found["asked"].get("store", "")}))


def _figures(found: Json, luck: bool) -> None:
    for one in found["figures"]:
        if one["key"].startswith(LUCK) is luck:
            figure(one["label"], one["key"]).set(
                written(one["kind"], one["value"]), tone(one["kind"], one["key"], one["value"])
            )


COLUMNS = (
    ("trade_id", "#", "count"),
    ("symbol", "Symbol", ""),
    ("side", "Side", ""),
    ("setup", "Set-up", ""),
    ("entry_time", "Entered", "time"),
    ("net", "Net", "money"),
    ("r", "R", "r"),
    ("exit_reason", "Left by", ""),
    ("entry_price", "Entry", "price"),
    ("exit_price", "Exit", "price"),
    ("funding", "Funding", "money"),
)
PICKED = "(event) => { const row = event.target.closest('[data-trade]'); if (row) emit(Number(row.dataset.trade)); }"
NUMBERS = ("count", "price", "money", "r")


def _trades(frame: Panel, trades: list[Json], first: str, show: Callable[[int], Awaitable[None]]) -> None:
    """The table holds every trade and draws only the rows that are seen."""
    if not trades:
        frame.empty("no trade was made: the reasons stand below, by declined signal")
        return
    frame.shown()
    rows = [{name: _cell(kind, one[name]) for name, _, kind in COLUMNS} | {"number": one["trade_id"]} for one in trades]
    columns = [
        {"name": name, "label": label, "field": name, "align": "right" if kind in NUMBERS else "left"}
        for name, label, kind in COLUMNS
    ]
    with ui.element("div") as around:
        made = ui.table(rows=rows, columns=columns, row_key="number", pagination=0).classes("bt-trades")
    made.props('virtual-scroll dense flat hide-bottom :rows-per-page-options="[0]" aria-label="Trades"')
    made.add_slot(
        "body",
        """<q-tr :props="props" tabindex="0" :data-trade="props.row.number">
        <q-td v-for="col in props.cols" :key="col.name" :props="props">{{ col.value }}</q-td></q-tr>""",
    )

    async def picked(event: Any) -> None:
        await show(int(event.args))

    for event in ("click", "keydown.enter"):
        around.on(event, picked, js_handler=PICKED)
    number = int(first) if first.isdecimal() else trades[0]["trade_id"]
    soon(lambda: show(number))


def _cell(kind: str, value: Any) -> Any:
    if kind == "time":
        return clock(value)
    if kind == "price":
        return price(value)
    return written(kind, value) if kind else words_of_setup(str(value))


def _setups(found: Json) -> None:
    rows = [
        [
            words_of_setup(one["setup"]),
            one["side"],
            (one["evidence"], "muted"),
            (written("count", one["trades"]), "r"),
            *((written(kind, one[name]), f"r {tone(kind, name, one[name])}") for name, kind in _SETUP_FIGURES),
            (written("count", one["declined"]), "r"),
        ]
        for one in sorted(found["by_setup"], key=lambda row: (row["setup"], row["side"]))
    ]
    table(BY_SETUP, rows, label="By set-up and side")
    ui.label("In the order of names: with many rows some look good by chance alone.").classes("bt-hint")


_SETUP_FIGURES = (("expectancy_r", "r"), ("r_stderr", "ratio"), ("t_day_clustered", "ratio"), ("net", "money"),
                  ("funding", "money"), ("fees", "money"))  # fmt: skip


def _below(name: str, found: Json) -> None:
    with panel("Months, declined signals, assumptions", "backtest-more"):
        with fold("Months", "months"), ui.element("div").classes("wide"):
            heads = (("Month", ""), ("Trades", "r"), ("Net", "r"), ("Return", "r"), ("Max drawdown", "r"))
            table(heads, [[one["month"], (written("count", one["trades"]), "r"),
                           (written("money", one["net"]), f"r {tone('money', 'net', one['net'])}"),
                           (written("frac", one["return_frac"]), "r"),
                           (written("frac", one["max_drawdown_frac"]), "r")] for one in found["monthly"]],
                  label="By month")  # fmt: skip
        with fold("Why signals were declined", "declined"), ui.element("div").classes("wide"):
            rows = [[one["reason"], (written("count", one["declined"]), "r"), (one.get("detail") or "", "muted")]
                    for one in found["declined_by_reason"]]  # fmt: skip
            table((("Reason", ""), ("Signals", "r"), ("One of them", "")), rows, label="Declined")
        with fold("Assumptions and estimates", "notes", opened=True), ui.element("ul").classes("wide"):
            for note in found["notes"]:
                with ui.element("li"):
                    ui.label(note)
    for one in found["pages"]:
        _sheet(name, one["what"], one["file"])


def _sheet(name: str, what: str, file: str) -> None:
    """A page of the result in a frame that may not ask anybody for anything, loaded when it is opened."""
    source = f"/api/v1/backtests/page?{urlencode({'name': name, 'file': file})}"
    key = "sheet" if file == SHEET else "page"
    with panel(f"{what[0].upper()}{what[1:]}", f"backtest-{key}-{file.removesuffix('.html')}") as frame:
        place = ui.element("div")
        with place:
            ui.label("A page of about 5 MB, complete in itself: it loads nothing from anywhere.").classes("bt-hint")
        with frame.tools:
            ui.link("in a tab of its own", source, new_tab=True).classes("bt-link")

            def opened() -> None:
                place.clear()
                with place:
                    page = ui.element("iframe").classes("bt-frame").props("referrerpolicy=no-referrer")
                    attrs(page, src=source, title=what, sandbox="allow-scripts allow-downloads")

            button("Show here", opened, key=f"show-{key}")
