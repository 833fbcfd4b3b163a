"""The wallets with their transfer, and the demo exchange's own push of prices."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from nicegui import background_tasks, ui

from bearskin.app.web import _positions_acts as acts
from bearskin.app.web import _wallets
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._hub import ACCOUNT
from bearskin.app.web._kit import figure, heard, money, panel
from bearskin.terms import BearskinError

PUSHES = ("5", "10", "25")
OFTEN_S = 2.0
WAYS = {"to_futures": "spot → futures", "to_spot": "futures → spot"}


def wallets_panel(desk: WebDesk) -> None:
    """Both balances, and money moved between them."""
    with panel("Wallets", "wallets", "positions-wallets") as frame:
        with ui.element("div").classes("figures"):
            shown = {name: (figure(name.title(), f"wallet-{name}"), figure("free", f"free-{name}"))
                     for name in ("spot", "futures")}  # fmt: skip
        with ui.element("div").classes("tool-row"):
            amount = ui.input("Amount").props("dense outlined inputmode=decimal autocomplete=off")
            way = ui.select(WAYS, value="to_spot", label="Way").props("dense outlined")
            send = ui.button("Transfer", color=None).props("no-caps unelevated dense").classes("act primary")
    if desk.account is None:
        frame.empty("no venue is connected")
        return
    frame.loading()

    def show(rows: list[dict[str, Any]]) -> None:
        frame.shown()
        for row in rows:
            total, free = shown[row["wallet"]]
            total.set(f"{money(row['total'])} {row['asset']}")
            free.set(money(row["free"]))

    async def look(_: Any = None) -> None:
        try:
            show(await _wallets.wallets(desk))
        except BearskinError as error:
            frame.failed(str(error))

    async def move() -> None:
        send.disable()
        try:
            done = await _wallets.transfer(desk, amount.value or "", way.value)
        except BearskinError as error:
            ui.notify(str(error), type="negative", close_button="close")
            return
        finally:
            send.enable()
        show(done["wallets"])
        amount.set_value("")
        ui.notify(f"{money(done['amount'])} {done['asset']} moved, {WAYS[done['way']]}", type="positive")

    send.on_click(move)
    heard(desk, ACCOUNT, lambda _: _started(look()), every_s=OFTEN_S)


def push_panel(desk: WebDesk) -> None:
    """Prices of the demo exchange by hand; there is no such panel at a venue."""
    if desk.control is None:
        return
    with panel("Push the price (demo only)", "push", "positions-push"):
        ui.label(
            "Moves the index of the demo exchange in one jump and holds it there, to watch what a liquidation is. "
            "No venue lets anybody do that, and a real gap asks nobody."
        ).classes("muted small")
        with ui.element("div").classes("tool-row"):
            symbol = ui.select(list(desk.symbols), value=next(iter(desk.symbols), None), label="Symbol").props(
                "dense outlined"
            )
            price = ui.input("Index goes to").props("dense outlined inputmode=decimal autocomplete=off")
            go = ui.button("Push", color=None).props("no-caps unelevated dense").classes("act primary")
            back = ui.button("Release", color=None).props("no-caps unelevated dense").classes("act")
        with ui.element("div").classes("shock-steps").props('role=group aria-label="Push by"'):
            for share in PUSHES:
                ui.button(f"+{share} %", color=None, on_click=lambda s=share: _beyond(desk, symbol, price, s)).props(
                    "dense no-caps unelevated"
                )

        async def push() -> None:
            await _told(lambda: acts.push(desk, symbol.value, price.value or ""), "held at")

        async def release() -> None:
            await _told(lambda: acts.release(desk, symbol.value), "released from")

        go.on_click(push)
        back.on_click(release)


def _beyond(desk: WebDesk, symbol: ui.select, price: ui.input, share: str) -> None:
    """Write into the field what lies so far above the mark."""
    state = desk.bot.now.state
    mark = None if state is None else state["prices"].get(symbol.value, {}).get("mark")
    if mark is not None:
        price.set_value(f"{float(mark) * (1 + float(share) / 100):.8g}")


def _started(work: Coroutine[Any, Any, None]) -> None:
    background_tasks.create(work)


async def _told(doing: Any, word: str) -> None:
    try:
        told = await doing()
    except BearskinError as error:
        ui.notify(str(error), type="negative", close_button="close")
        return
    ui.notify(f"{told['symbol']}: index {word} {money(told['index'])}, mark {money(told['mark'])}", type="info")
