"""The bot's switches: pause, mode, panic, and the line to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from bearskin.app.web import _bot
from bearskin.app.web._bot_html import mode_words
from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._hub import BOT
from bearskin.app.web._kit import CHOICE, figure, heard, panel
from bearskin.terms import BearskinError

QUIET_S = 10.0
MODES = {"short": "Short", "long": "Long", "both": "Both", "auto": "Auto", "none": "None"}
AUTO = "auto follows the daily trend: shorts in a downtrend, longs in an uptrend, both in a range"


async def acted(doing: Callable[[], Awaitable[dict[str, Any]]], done: str) -> bool:
    """Do an act and say what came of it; whether it was done."""
    try:
        note = await doing()
    except BearskinError as error:
        ui.notify(str(error), type="negative", close_button="close")
        return False
    if note.get("refused"):
        ui.notify(f"refused: {note['refused']}", type="warning", close_button="close")
        return False
    detail = note.get("detail")
    ui.notify(f"{done}: {detail}" if detail else done, type="positive")
    return True


def switch_panel(desk: WebDesk) -> None:
    """State, switches and line in one strip."""
    with panel("Bot", "bot", "bot-switches") as frame, ui.element("div").classes("switches"):
        with ui.element("div").classes("how").props("role=status aria-live=polite data-figure=mode"):
            lamp = ui.label("…").classes("lamp muted")
            words = ui.label("looking for the bot").classes("words")
        turn = ui.button("Pause", icon="pause", color=None).props("no-caps unelevated dense").classes("turn")
        with ui.element("div").classes("sides").props('role=group aria-label="Sides the bot enters"'):
            ui.label("Sides").classes("figure-label")
            sides = ui.toggle(MODES).props(CHOICE).tooltip(AUTO)
        line = _line()
        # the bar has the quick one; this one says first what each position would get, and may take foreign ones too
        panic = ui.button("Panic…", icon="emergency", color=None).props("no-caps unelevated dense").classes("shut")
        panic.tooltip("What a panic would do now, sentence by sentence, and whether what is not ours goes too")
        dialog = _panic_dialog(desk)
    frame.tools.set_visibility(False)

    async def switch() -> None:
        state = desk.bot.now.state
        stopped = state is not None and (state["mode"]["paused"] or state["mode"]["panicked"])
        turn.props("loading")
        await acted(
            lambda: _bot.resume(desk) if stopped else _bot.pause(desk), "entries again" if stopped else "no new entries"
        )
        turn.props(remove="loading")

    async def choose(chosen: Any) -> None:
        if chosen.value and chosen.value != _sides(desk.bot.now):
            done = await acted(lambda: _bot.mode(desk, chosen.value), f"sides {chosen.value}")
            if not done:
                sides.set_value(_sides(desk.bot.now))

    turn.on_click(switch)
    sides.on_value_change(choose)
    panic.on_click(dialog)

    def show(now: BotNow) -> None:
        word, sentence, tone = mode_words(now.state, now.up, now.why)
        lamp.set_text(word)
        lamp.classes(replace=f"lamp {tone}")
        words.set_text(sentence)
        mode = {} if now.state is None else now.state["mode"]
        panicked, paused = bool(mode.get("panicked")), bool(mode.get("paused"))
        turn.set_text("Lift the panic" if panicked else "Resume" if paused else "Pause")
        turn.props(f"icon={'play_arrow' if panicked or paused else 'pause'}")
        for control in (turn, sides, panic):
            control.set_enabled(now.up)
        wanted = _sides(now)
        if wanted and sides.value != wanted:
            sides.set_value(wanted)
        line(now)

    heard(desk, BOT, show, every_s=0.25)


def _sides(now: BotNow) -> str:
    return "" if now.state is None else str(now.state["mode"]["sides"] or now.state.get("sides") or "")


def _line() -> Callable[[BotNow], None]:
    """Figures of the line to the bot and from the bot to its venue; returns what shows them."""
    with ui.element("div").classes("link").props('role=group aria-label="The line to the bot and to its venue"'):
        names = (("Line", "line-bot"), ("Heard", "line-heard"), ("Channels", "line-channels"), ("Venue", "line-ban"))
        up, ago, channels, ban = (figure(name, key) for name, key in names)

    def show(now: BotNow) -> None:
        up.set("up" if now.up else "down", "up" if now.up else "warn")
        if now.state is None:
            return
        heard_s = now.state.get("venue_unheard_s") or now.state["heard_s_ago"]
        quiet = heard_s is not None and heard_s > QUIET_S
        ago.set("–" if heard_s is None or not now.up else f"{heard_s:.1f} s ago", "warn" if quiet else "")
        lost = [name for name, there in now.state["channels"].items() if not there]
        told = f"lost: {', '.join(lost)}" if lost else f"{len(now.state['channels'])} up"
        channels.set(told, "down" if lost else "")
        silent_s = now.state["silent_s"]
        ban.set(f"banned for {silent_s:.0f} s" if silent_s else "no ban", "down" if silent_s else "")

    return show


def _panic_dialog(desk: WebDesk) -> Callable[[], None]:
    """What asks before a panic; returns what opens it, with the words of that moment."""
    with ui.dialog() as dialog, ui.card().classes("ask").props('role=alertdialog aria-label="Panic"'):
        ui.element("h3").add_slot("default", "Close everything and stand still?")
        ui.label("This will, at once:").classes("muted")
        said = ui.html("", sanitize=False).classes("doing")
        foreign = ui.checkbox("").props("dense")
        none_foreign = ui.label("Nothing that is not ours is known at the venue.").classes("muted")
        ui.label("Market orders pay the taker fee and what the book costs; a hedge is closed too.").classes("muted")
        with ui.element("div").classes("choices"):
            ui.button("Leave all as it is", on_click=dialog.close).props("no-caps flat autofocus")
            go = ui.button("Close all and stand still", icon="emergency", color="negative").props("no-caps unelevated")

    async def do() -> None:
        go.props("loading")
        done = await acted(lambda: _bot.panic(desk, bool(foreign.value)), "panic: all is being closed")
        go.props(remove="loading")
        if done:
            dialog.close()

    go.on_click(do)

    def ask() -> None:
        from bearskin.app.web._markup import el

        state = desk.bot.now.state
        if state is None:
            ui.notify(desk.bot.now.why, type="warning")
            return
        said.set_content(el("ul", [el("li", one) for one in _bot.panic_words(state)]))
        theirs = state["foreign"]
        foreign.set_value(False)
        foreign.set_text("close what is not ours too: " + "; ".join(f"{name} {what}" for name, what in theirs.items()))
        foreign.set_visibility(bool(theirs))
        none_foreign.set_visibility(not theirs)
        dialog.open()

    return ask
