"""The right half of the bar: the account, the market's clock, the line to the bot, what is alarming, and PANIC."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from nicegui import ui

from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._hub import BEAT, BOT
from bearskin.app.web._kit import figured, heard, signed, sure, text, tone_of, when
from bearskin.app.web._kit import money as amount
from bearskin.terms import BearskinError

BAR_S, OLD_S = 0.25, 5.0
PANIC_WORDS = (
    "Every position of the bot is closed at market and its orders are cancelled; nothing new is opened until you"
    " lift the panic. What is not the bot's is left alone."
)


def alarms_of(now: BotNow) -> tuple[str, ...]:
    """What is wrong right now, a sentence each, the worst first; nothing while no bot is there."""
    state = now.state
    if state is None:
        return ()
    found = [] if now.up else [f"{now.why}: what is shown is as it was"]
    if state["mode"]["panicked"]:
        found.append("PANIC: everything is closed and stays so until you lift it")
    for one in state["positions"]:
        if float(one["qty"]) and not one["protected"]:
            found.append(f"{one['symbol']} is UNPROTECTED")
        if one["alarm"]:
            found.append(f"{one['symbol']}: {one['alarm']}")
    found += [f"limit {one['limit']}: {one['detail']}".rstrip(": ") for one in state["limits"]]
    found += [f"the venue's {name} stream is down" for name, up in state["channels"].items() if not up]
    return tuple(found)


def account_of(desk: WebDesk) -> None:
    """Build it."""
    with ui.element("div").classes("account"):
        equity = _stat("Equity", "equity", "stat-equity")
        pnl = _stat("Open PnL", "open-pnl", "stat-pnl")
        clock = _stat("Market", "clock", "stat-clock")
        with ui.element("div").classes("stat stat-line"):
            run = text("span", "no run").classes("stat-label").props("data-figure=run")
            with ui.element("span").classes("line-words"):
                dot = ui.element("span").classes("dot").props("aria-hidden=true")
                line = text("span", "…").classes("stat-value line").props("role=status data-figure=line")
                ago = text("span", "").classes("stat-value num muted heard").props("data-figure=heard")
        with (
            ui.link(target="/alerts").classes("alarms none").props('data-figure=alarms aria-label="no alarms"') as bell
        ):
            ui.icon("notifications").props("aria-hidden=true")
            count = text("span", "0").classes("num")
        panic_of(desk)
    since = [0.0]

    def show(now: BotNow) -> None:
        since[0] = asyncio.get_running_loop().time()
        _set(line, "bot on the line" if now.up else now.why)
        _tone(dot, "dot", "up" if now.up else "warn")
        _tone(line, "stat-value line", "" if now.up else "warn")
        alarms = alarms_of(now)
        _set(count, str(len(alarms)))
        _tone(bell, "alarms", "some" if alarms else "none")
        label = figured("; ".join(alarms)) or "no alarms"
        if bell.props.get("aria-label") != label:
            bell.props["aria-label"] = bell.props["title"] = label
            bell.update()
        if now.state is None:
            return
        account = now.state["account"]
        _set(equity, f"{amount(account['equity'])} {account['asset']}")
        _set(pnl, signed(account["open_pnl"]))
        _tone(pnl, "stat-value num", tone_of(account["open_pnl"]))
        _set(run, str(now.state.get("run", "")) or "bot")

    def beat(_: Any) -> None:
        now = desk.bot.now
        if now.state is None:
            _set(ago, "")
            return
        told_s = now.state["heard_s_ago"] or 0.0
        quiet_s = told_s + (asyncio.get_running_loop().time() - since[0] if now.up else 0.0)
        _set(ago, f"{quiet_s:.1f} s" if now.up and quiet_s < 100 else "")
        _tone(ago, "stat-value num heard", "warn" if quiet_s > OLD_S else "muted")
        _set(clock, when(desk, now.state["time"]))

    heard(desk, BOT, show, every_s=BAR_S)
    heard(desk, BEAT, beat, every_s=0.0)


def panic_of(desk: WebDesk) -> None:
    """The button that closes everything, after it was asked whether that is meant."""

    async def panic() -> None:
        now = desk.bot.now
        there = [one for one in (now.state or {}).get("positions", ()) if float(one["qty"])]
        open_now = ", ".join(f"{one['symbol']} {one['side']}" for one in there) or "none"
        if await sure("Close everything?", f"{PANIC_WORDS} Open now: {open_now}.", "Close everything", danger=True):
            await acted(desk, {"is": "Panic", "foreign": False}, "PANIC is taken up: everything is being closed")

    button = ui.button("PANIC", on_click=panic, color=None).classes("panic")
    button.props('unelevated dense no-caps data-act=panic aria-haspopup="dialog"')
    button.tooltip("Close everything of the bot at market (asks first)")


def notice_of(desk: WebDesk) -> None:
    """A line below the bar while the bot is paused or panicked, with the way back."""
    with ui.element("div").classes("notice").props("role=status data-figure=notice") as notice:
        ui.icon("pan_tool").props("aria-hidden=true")
        words = text("span", "")
        back = ui.button("Resume", on_click=lambda: _resume(desk), color=None)
        back.props("flat dense no-caps data-act=resume")
    notice.set_visibility(False)

    def show(now: BotNow) -> None:
        mode = (now.state or {}).get("mode", {})
        stopped = bool(now.up and (mode.get("panicked") or mode.get("paused")))
        panicked = "PANIC: everything is closed, nothing is opened until you lift it"
        back.set_text("Lift the panic" if mode.get("panicked") else "Resume")
        _set(words, panicked if mode.get("panicked") else "Paused: no new entries, what is open is managed on")
        if notice.visible != stopped:
            notice.set_visibility(stopped)

    heard(desk, BOT, show, every_s=BAR_S)


async def _resume(desk: WebDesk) -> None:
    await acted(desk, {"is": "Resume", "limits": False}, "resumed")


async def acted(desk: WebDesk, act: dict[str, Any], done: str) -> bool:
    """Have the bot do an act and say what became of it; whether it was taken up."""
    try:
        note = await desk.bot.act(act)
        refused = str(note.get("refused") or "")
    except BearskinError as error:
        refused = str(error)
    kind: Literal["negative", "positive"] = "negative" if refused else "positive"
    ui.notify(refused or done, type=kind, position="bottom-right", timeout=8_000, close_button="Close")
    return not refused


def _stat(label: str, key: str, classes: str) -> Any:
    with ui.element("div").classes(f"stat {classes}"):
        text("span", label).classes("stat-label")
        return text("span", "–").classes("stat-value num").props(f"data-figure={key}")


def _set(label: Any, words: str) -> None:
    if label.text != words:
        label.set_text(words)


def _tone(element: Any, classes: str, tone: str) -> None:
    wanted = f"{classes} {tone}".split()
    if list(element.classes) != wanted:
        element.classes(replace=" ".join(wanted))
