"""The strip over the chart: which symbol, its prices, who pays whom and when."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from bearskin.app.web._bot_link import BotNow, not_trading
from bearskin.app.web._draft import Draft, path_of
from bearskin.app.web._hub import BOT
from bearskin.app.web._kit import MINUS, Figure, attrs, figure, heard, per_cent, text
from bearskin.app.web._market_crowd import FundingNow, Series, day, funding, in_words, pays, size_words
from bearskin.app.web._market_link import Mark
from bearskin.app.web._market_view import MarketView
from bearskin.terms import BadInput, BearskinError

AGAIN_S = 15.0


def head(view: MarketView) -> None:
    """Build it."""
    with ui.element("section").classes("panel mk-head").props('data-panel=market-head aria-label="Market"'):
        _picker(view)
        last = figure("Last", "last")
        change = figure("24 h", "change-24h")
        mark, index = figure("Mark", "mark"), figure("Index", "index")
        basis = figure("Basis", "basis")
        rate = figure("Funding, predicted", "funding")
        next_in = figure("Settles in", "funding-in")
        turnover = figure("Turnover 24 h", "turnover")
        interest, ratio = figure("Open interest", "interest"), figure("Long : short", "long-short")
        shut = ui.label().classes("mk-shut warn").props("role=status data-figure=not-trading")
        shut.set_visibility(False)
    last.value.classes(add="mk-last")
    kept: dict[str, FundingNow] = {}
    words = {"who": ""}

    def show(now: dict[str, Any]) -> None:
        mark.set(view.price(now["mark"]), "warn")
        index.set(view.price(now["index"]))
        if view.bars:
            close, before = view.bars[-1][4], view.bars[-1][1]
            last.set(view.price(close), "mk-last up" if close >= before else "mk-last down")
            if now["index"]:
                _signed(basis, close / now["index"] - 1, bp=True)
        predicted = now["rate"] if now["rate"] is not None else kept["now"].predicted if kept else None
        if predicted is not None:
            value = float(predicted)
            rate.set(f"{'+' if value > 0 else ''}{per_cent(str(predicted), 4)}", "")
            if words["who"] != pays(value):  # every change has the whole page drawn again
                words["who"] = pays(value)
                attrs(rate.value, title=words["who"])
        hours = f" / {kept['now'].interval_h:g} h" if kept and kept["now"].interval_h else ""
        if now["next_funding_ms"] and now["time_ms"]:
            next_in.set(in_words(int(now["next_funding_ms"]) - int(now["time_ms"])) + hours)

    async def ask() -> None:
        try:
            told = await day(view.desk, view.symbol)
            kept["now"] = await funding(view.desk, view.symbol)
        except (BadInput, BearskinError):
            return
        _signed(change, told["change_frac"])
        turnover.set("–" if told["turnover"] is None else f"{told['turnover'] / 1e6:,.1f} M")

    def crowd(held: Series, accounts: Series) -> None:
        interest.set(size_words(held.last))
        ratio.set("–" if accounts.last is None else f"{accounts.last:.2f} : 1")

    def trading(now: BotNow) -> None:
        why = not_trading(now.state, view.symbol)
        shut.set_text(f"{view.symbol}: {why}" if why else "")
        shut.set_visibility(bool(why))

    view.crowd.append(crowd)
    heard(view.desk, BOT, trading, every_s=0.5)
    heard(view.desk, Mark(view.symbol), show, every_s=0.5, sight=True)
    ui.timer(AGAIN_S, ask, immediate=True)


def _picker(view: MarketView) -> None:
    with ui.element("div").classes("figure mk-pick"):
        attrs(text("label", "Symbol").classes("figure-label"), **{"for": f"mk-symbol-{view.symbol}"})
        picker = attrs(ui.element("select").props("data-figure=symbol"), id=f"mk-symbol-{view.symbol}")
        with picker:
            for name in dict.fromkeys((view.symbol, *sorted(view.desk.symbols))):
                option = attrs(text("option", name), value=name)
                if name == view.symbol:
                    attrs(option, selected=True)

    def go(event: Any) -> None:
        symbol = str(event.args)
        view.desk.prefer(symbol=symbol)
        ui.navigate.to(path_of(Draft(symbol=symbol, side=view.drafting.draft.side)))

    picker.on("change", go, js_handler="(e) => emit(e.target.value)")


def _signed(shown: Figure, value: float | None, *, bp: bool = False) -> None:
    if value is None:
        shown.set("–")
        return
    sign = MINUS if value < 0 else "+"
    text = f"{sign}{abs(value) * 1e4:.1f} bp" if bp else f"{sign}{abs(value) * 100:.2f} %"
    shown.set(text, "down" if value < 0 else "up")
