"""The time machine: a day of the past as the demo's market, begun in a terminal."""

from __future__ import annotations

from nicegui import ui

from bearskin.app.web._backtests_words import choices_of, replay_command
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._kit import panel
from bearskin.app.web._page_backtests_parts import choice, command, field, soon, table
from bearskin.terms import BearskinError

STEPS = (
    "Stop the demo that runs, if one does (Ctrl-C in its terminal): a replay is a market of its own.",
    "Copy the command into a terminal. It begins exchange, bot and dashboard, and opens this page on the replay.",
    "The exchange plays the stored candles; the bot and you trade them as if they were now. Nobody sees the next bar.",
)
DAYS = (("2025-10-10", "BTCUSDT,ETHUSDT,SOLUSDT", "a fall with the largest liquidations of its year, within an hour"),)


def replay_view(desk: WebDesk) -> None:
    """A form that writes the command."""
    with ui.element("div").classes("bt-two"):
        with panel("Time machine", "backtest-replay") as frame:
            frame.loading("looking what is in the store…")
            place = ui.element("div").classes("bt-stack")
        with panel("How it goes", "backtest-replay-how"):
            with ui.element("ol").style("margin:0;padding-left:18px"):
                for one in STEPS:
                    with ui.element("li"):
                        ui.label(one)
            ui.label("A replay that goes well once proves nothing: you know that day by its name.").classes("bt-hint")
            rows = [[day, symbols, about] for day, symbols, about in DAYS]
            table((("Around", ""), ("Symbols", ""), ("What happened", "")), rows, label="Days worth a replay")

    async def fill() -> None:
        choices = await desk.aside(lambda: choices_of(desk.house))
        names = sorted({one["symbol"] for market in choices["store"] for one in market["symbols"]})
        if not names:
            frame.empty(
                "the store has no candles to replay: `bearskin data fetch BTCUSDT --from 2025-10-01 --to 2025-10-20`"
                " brings some"
            )
            return
        frame.shown()
        with place:
            with ui.element("div").classes("bt-form"):
                first = [name for name in ("BTCUSDT", "ETHUSDT", "SOLUSDT") if name in names] or names[:1]
                symbols = choice("Symbols", names, first, "symbols", "wide", many=True)
                start = field("From", "2025-10-08", "start")
                end = field("To", "2025-10-13", "end")
                speed = field("Market seconds in a second", "600", "speed", "wide")
            tell = command("", "Begin it in a terminal")

            def say() -> None:
                try:
                    tell(replay_command(",".join(symbols.value or []), start.value, end.value, speed.value))
                except BearskinError as error:
                    tell(str(error))

            for one in (symbols, start, end, speed):
                one.on_value_change(say)
            say()

    soon(fill)
