"""The panel of one trade: its candles, its set-up's structure, what it paid and why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from nicegui import ui

from bearskin.app.web._backtests_chart import trade_chart
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._kit import panel, tone_of
from bearskin.app.web._page_backtests_parts import (
    DASH,
    chart,
    clock,
    draw,
    facts,
    price,
    words_of_setup,
    written,
    zone_of,
)
from bearskin.terms import BearskinError, parse_time

Json = dict[str, Any]


def trade_panel(desk: WebDesk, name: str) -> Callable[[int], Awaitable[None]]:
    """The panel; what comes back shows the trade of a number in it."""
    with panel("Trade", "backtest-trade") as frame:
        frame.loading("choose a trade")
        drawn = chart("The trade on its candles", "trade", "mid")
        said = ui.label().classes("bt-hint")
        why = ui.element("div").classes("bt-stack")

    async def show(number: int) -> None:
        try:
            found = await desk.aside(lambda: trade_chart(desk.house, name, number))
        except BearskinError as error:
            frame.failed(str(error))
            return
        frame.shown()
        drawn.set_visibility(bool(found["bars"]))
        said.set_text(found["said"])
        said.set_visibility(bool(found["said"]))
        if found["bars"]:
            draw(drawn, "candles", candles_of(found, zone_of(desk)))
        why.clear()
        with why:
            _told(found)
        ui.run_javascript(
            "document.querySelectorAll('[data-trade]').forEach(row =>"
            f" row.classList.toggle('picked', row.dataset.trade === '{number}'))"
        )

    return show


def candles_of(found: Json, zone: str) -> Json:
    """What the chart draws: candles, levels from entry to exit, where it was entered and left."""
    trade = found["trade"]
    entered, left = (parse_time(trade[name]) // 1_000_000 for name in ("entry_time", "exit_time"))
    levels = [
        {"kind": kind, "word": word, "price": trade[column], "from_ms": entered, "to_ms": left}
        for kind, word, column in (
            ("stop", "stop", "stop"), ("target", "target 1", "target1"), ("target", "target 2", "target2"),
        )
        if trade[column] is not None
    ]  # fmt: skip
    if trade["exit_reason"] == "liquidated" and trade["liquidation_price"]:
        levels.append({"kind": "liquidation", "word": "liquidation", "price": trade["liquidation_price"],
                       "from_ms": entered, "to_ms": left})  # fmt: skip
    won = float(trade["net"]) > 0
    marks = [
        {"kind": "entry", "side": trade["side"], "word": trade["side"], "price": trade["entry_price"],
         "time_ms": entered},
        {"kind": "exit", "side": trade["side"], "word": trade["exit_reason"], "price": trade["exit_price"],
         "time_ms": left, "won": won},
    ]  # fmt: skip
    return {
        "zone": zone,
        "bars": found["bars"],
        "tick": found["tick"],
        "drawing": found["drawing"],
        "levels": levels,
        "marks": marks,
    }


def _told(found: Json) -> None:
    trade = found["trade"]
    with ui.element("div"):
        ui.label("Why").classes("bt-group")
        ui.label(trade["why"] or DASH).props("data-figure=why")
        ui.label(f"Left by {trade['exit_reason']}: {trade['why_exit'] or DASH}").classes("muted")
        if trade["ambiguous"]:
            ui.label("Stop and target lay in one bar: the stop was taken.").classes("warn")
    whose = " · ".join([str(trade["trade_id"]), trade["symbol"], trade["side"], words_of_setup(trade["setup"])])
    excursions = f"{written('frac', trade['mae_frac'])}, {written('frac', trade['mfe_frac'])}"
    facts(
        [
            ("Trade", whose, ""),
            ("Signal known", clock(trade["signal_time"]), ""),
            ("Entered", f"{clock(trade['entry_time'])} at {price(trade['entry_price'])}", ""),
            ("Left", f"{clock(trade['exit_time'])} at {price(trade['exit_price'])}", ""),
            ("Quantity", str(trade["qty"]).replace("-", "−"), ""),
            ("Stop, liquidation", f"{price(trade['stop'])}, {price(trade['liquidation_price'])}", ""),
            ("Gross", written("money", trade["gross"]), tone_of(trade["gross"])),
            ("Fees", written("money", 0 - Decimal(str(trade["fees"]))), ""),
            ("Slippage", written("money", 0 - max(Decimal(0), Decimal(str(trade["slippage"])))), ""),
            ("Funding", written("money", trade["funding"]), tone_of(trade["funding"])),
            ("Net", f"{written('money', trade['net'])} ({written('r', trade['r'])})", tone_of(trade["net"])),
            ("Worst, best on the way", excursions, ""),
        ]
    )  # fmt: skip
    if found["funding"]:
        words = ", ".join(f"{written('money', one['money'])} at {float(one['rate']) * 100:.4f} %".replace("-", "−")
                          for one in found["funding"][:12])  # fmt: skip
        more = f" and {len(found['funding']) - 12} more" if len(found["funding"]) > 12 else ""
        ui.label(f"Settlements while it was held, for the whole quantity: {words}{more}").classes("bt-hint")
