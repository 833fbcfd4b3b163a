"""Bar by bar: candles come one at a time, the future is not on this page and not on its way to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from nicegui import ui
from nicegui.events import KeyEventArguments

from bearskin.app.web import _steps as steps
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._kit import Panel, figured, panel, real_minus, signed
from bearskin.app.web._page_backtests_form import Form, form_panel
from bearskin.app.web._page_backtests_parts import (
    button,
    chart,
    clock,
    draw,
    field,
    price,
    push,
    soon,
    telling,
    wrong_label,
    zone_of,
)
from bearskin.app.web._page_backtests_tell import accounts, hand_marks, levels_of, signal_rows, trade_rows
from bearskin.terms import BadInput, BearskinError, parse_time

SPEEDS = {1: "1 bar a second", 2: "2 bars a second", 4: "4 bars a second", 8: "8 bars a second"}
WINDOW = 120
KEYS = (("→", "next bar"), ("space", "play or stop"), ("S", "short"), ("L", "long"), ("X", "close"))
ABOUT = (
    (
        "A rehearsal: the market of some day comes one candle at a time. Set-ups speak when they were known, not"
        " before. You may go short or long with a stop, and see what would have become of it."
    ),
    (
        "Entries fill at the next open, stops watch the mark, and a stop and a target in one bar count as the stop:"
        " the rules of every backtest here. Sizes come from the same preflight as those of the bot."
    ),
    (
        "The score stands against doing what the set-ups said, and against doing nothing. A good run on one stretch"
        " proves nothing; a bad one is cheap here."
    ),
)
Json = dict[str, Any]


def steps_view(desk: WebDesk, session: str = "") -> None:
    """The form that begins one, or the one that is open."""
    if session:
        try:
            on = steps.REHEARSALS.get(session)
        except BadInput as error:
            with panel("Bar by bar", "steps") as frame:
                frame.failed(str(error))
            _begin_panel(desk)
            return
        Stage(desk, on).build()
        return
    with ui.element("div").classes("bt-two"):
        _begin_panel(desk)
        _about_panel()


def _about_panel() -> None:
    with panel("What this is", "steps-about"), ui.element("div").classes("bt-stack"):
        for text in ABOUT:
            ui.label(text)
        with ui.element("div").classes("bt-row"):
            for key, what in KEYS:
                ui.label(key).classes("bt-key")
                ui.label(what).classes("muted bt-key-says")


def _begin_panel(desk: WebDesk) -> None:
    def build(frame: Panel, choices: Json) -> None:
        form = Form(choices, lambda: None, one_symbol=True)
        form.build(symbols=desk.symbols[0] if desk.symbols else "")
        with ui.element("div").classes("bt-form"):
            bars = field("Bars to step through", str(steps.BARS), "bars")
        ui.label("Without From it begins at a moment nobody names: the honest way to rehearse.").classes("bt-hint")
        wrong = wrong_label()
        go = button("Begin", lambda: begin(), "main", "begin")

        async def begin() -> None:
            go.props("disabled")
            frame.stale("loading candles…")
            count = int(bars.value) if str(bars.value).isdecimal() else 0
            words, market = form.words, form.market
            with telling(wrong):
                made = await desk.aside(lambda: steps.begin(desk.house, words, count, market))
                steps.REHEARSALS.keep(made)
                ui.navigate.to(f"/backtests?{urlencode({'view': 'steps', 'session': made.id})}")
            go.props(remove="disabled")
            frame.stale(None)

    form_panel(desk, "Begin a rehearsal", "steps-form", build)


class Stage:
    """One rehearsal on the page."""

    def __init__(self, desk: WebDesk, on: steps.Rehearsal) -> None:
        self.desk, self.on = desk, on
        self.now: Json = {}
        self.busy = False

    def build(self) -> None:
        """The chart with its controls on one side; accounts, ticket and signals on the other."""
        with ui.element("div").classes("bt-wide"):
            with ui.element("div").classes("bt-stack"):
                with panel(f"{self.on.symbol}, bar by bar", "steps") as self.frame:
                    self.frame.loading()
                    self.chart = chart("Candles up to now", "steps", "tall")
                    self._controls()
                    with self.frame.tools:
                        self.clock = ui.label("").classes("num muted").props("data-figure=at role=status")
                with panel("Trades of yours", "steps-trades") as self.trades_frame:
                    self.trades = ui.element("div")
            with ui.element("div").classes("bt-stack"):
                with panel("Score", "steps-score"):
                    self.score = ui.element("div").classes("bt-stack")
                self._ticket()
                with panel("Signals, as they become known", "steps-signals") as self.signals_frame:
                    self.signals_frame.empty("none so far")
                    self.signals = ui.element("div")
        ui.keyboard(on_key=self._key, ignore=["input", "select", "textarea", "button"])
        self.timer = ui.timer(1.0, self._tick, active=False)
        soon(self._open)

    def _controls(self) -> None:
        with ui.element("div").classes("bt-controls"):
            self.next = button("Next bar", self._next, "main", "next").props('aria-keyshortcuts="ArrowRight"')
            self.play = button("Play", self._play, key="play").props('aria-pressed=false aria-keyshortcuts="Space"')
            self.speed = ui.select(SPEEDS, value=2, label="Speed").props(
                'dense outlined options-dense data-field="speed"'
            )
            self.speed.on_value_change(lambda: setattr(self.timer, "interval", 1 / self.speed.value))
            for key, what in KEYS[:2]:
                ui.label(key).classes("bt-key")
                ui.label(what).classes("muted bt-key-says")

    def _ticket(self) -> None:
        with panel("Your trade", "steps-ticket"), ui.element("div").classes("bt-stack"):
            self.held = ui.label("You are in no trade.").props("data-figure=held role=status")
            with ui.element("div").classes("bt-form"):
                self.stop = field("Stop (must be there)", "", "stop")
                self.target = field("Target", "", "target", hint="none")
            with ui.element("div").classes("bt-controls"):
                button("Short", lambda: self._trade("short"), "short", "short").props('aria-keyshortcuts="s"')
                button("Long", lambda: self._trade("long"), "long", "long").props('aria-keyshortcuts="l"')
                button("Close", self._close, key="close").props('aria-keyshortcuts="x"')
            # below what is pressed: words that come between a press and its release would push the button away
            self.told = ui.label("").classes("bt-hint").props("data-figure=preflight role=status")
            self.wrong = wrong_label()
            for one in (self.stop, self.target):
                one.on("blur", self._preflight)
                one.on("keydown.enter", self._preflight)

    async def _open(self) -> None:
        async with self.on.lock:
            found = await self.desk.aside(lambda: steps.opened(self.on))
        self.frame.shown()
        self.now = found
        heard = steps.joined(found["heard"], found["signals"])
        marks = [*_heard_marks(heard, found["interval_s"]), *hand_marks(found)]
        first = {"zone": zone_of(self.desk), "bars": found["bars"], "tick": found["tick"], "window": WINDOW}
        last = [one for one in heard if one["known"] == heard[-1]["known"]]
        now = {"drawing": _drawing(last), "levels": levels_of(found), "marks": marks}
        draw(self.chart, "candles", {**first, **now})
        self._show({**found, "signals": heard})

    async def _next(self) -> None:
        if self.busy or self.chart.is_deleted:
            return
        self.busy = True
        try:
            async with self.on.lock:
                found = await self.desk.aside(lambda: steps.step(self.on))
        except BearskinError as error:
            self._pause()
            self.frame.stale(str(error))
            return
        finally:
            self.busy = False
        patch = {"bar": found["bar"], "now": {"levels": levels_of(found)},
                 "marks": [*_signal_marks(found), *hand_marks(found)]}  # fmt: skip
        if found["signals"]:
            patch["drawing"] = _drawing(found["signals"])
        with self.chart:
            push(self.chart, patch)
        self._show(found)
        if not found["more"]:
            self._pause()
            self.next.props("disabled")
            self.frame.stale("the last bar")

    async def _tick(self) -> None:
        await self._next()

    def _play(self) -> None:
        if self.timer.active:
            self._pause()
        else:
            self.timer.interval = 1 / self.speed.value
            self.timer.activate()
            self._pressed("Stop", "true")

    def _pause(self) -> None:
        self.timer.deactivate()
        self._pressed("Play", "false")

    def _pressed(self, text: str, pressed: str) -> None:
        self.play.props(f"aria-pressed={pressed}")
        self.play.set_text(text)

    async def _preflight(self) -> None:
        """What a trade with this stop would be, before it is sent: the stop says which side."""
        mine = self.now.get("mine", {})
        if not self.stop.value or mine.get("open") or mine.get("pending"):  # one at a time: it would be refused
            self.told.set_text("")
            return
        with telling(self.wrong):
            side = "short" if _number(self.stop.value) > self.on.price else "long"
            await self._asked(side, send=False)

    async def _trade(self, side: str) -> None:
        with telling(self.wrong):
            if await self._asked(side, send=True):
                async with self.on.lock:
                    found = await self.desk.aside(lambda: steps.state(self.on))
                self._moved(found)

    async def _asked(self, side: str, send: bool) -> bool:
        stop, target = self.stop.value, self.target.value
        async with self.on.lock:
            found = await self.desk.aside(lambda: steps.trade(self.on, side, stop, target or None, send))
        if found["refused"]:
            self.told.set_text("")
            raise BadInput(f"Preflight refuses: {found['refused']}")
        dies = f", liquidation at {found['liquidation']}" if found["liquidation"] else ""
        self.told.set_text(
            figured(
                f"{side} {found['qty']} at the next open: {found['notional']} at {found['leverage']}×,"
                f" -{found['loss_at_stop']} at the stop, size bound by {found['bound_by']}{dies}"
            )
        )
        return True

    async def _close(self) -> None:
        with telling(self.wrong):
            async with self.on.lock:
                found = await self.desk.aside(lambda: steps.leave(self.on))
            self._moved(found)

    def _moved(self, found: Json) -> None:
        with self.chart:
            push(self.chart, {"now": {"levels": levels_of(found)}, "marks": hand_marks(found)})
        self._show({**found, "signals": []})

    async def _key(self, event: KeyEventArguments) -> None:
        if not event.action.keydown or event.modifiers.ctrl or event.modifiers.meta or event.modifiers.alt:
            return
        key = event.key.name
        if key == "ArrowRight":
            await self._next()
        elif event.action.repeat:
            return
        elif key == " ":
            self._play()
        elif key in ("s", "S", "l", "L"):
            await self._trade("short" if key in "sS" else "long")
        elif key in ("x", "X"):
            await self._close()

    def _show(self, found: Json) -> None:
        self.now = {**self.now, **found}
        total = self.on.last - self.on.first
        self.clock.set_text(f"{clock(found['at'])} UTC · bar {found['step']} of {total} · {price(found['price'])}")
        accounts(self.score, found)
        _held(self.held, found)
        _trades(self.trades_frame, self.trades, found)
        if found["signals"]:
            self.signals_frame.shown()
            signal_rows(self.signals, found["signals"], self._take)

    def _take(self, signal: Json) -> None:
        """Put a signal's stop and target on the ticket; the side is still pressed by hand."""
        self.stop.set_value(signal["stop"])
        self.target.set_value(signal["targets"][0] if signal["targets"] else "")
        soon(self._preflight)


def _held(label: ui.label, found: Json) -> None:
    mine = found["mine"]
    if mine["pending"]:
        one = mine["pending"][-1]
        label.set_text(figured(f"{one['side']} enters at the next open, stop {one['stop']}"))
    elif mine["open"]:
        one = mine["open"][-1]
        qty, net = real_minus(one["qty"]), signed(one["net"])
        label.set_text(f"{one['side']} {qty} since {clock(one['entered'])} at {price(one['entry'])}, now {net}")
    else:
        why = f" Not entered: {mine['declined'][-1]['why']}." if mine["declined"] else ""
        label.set_text(f"You are in no trade.{why}")


def _trades(frame: Panel, place: ui.element, found: Json) -> None:
    rows = [*found["mine"]["open"], *reversed(found["mine"]["trades"])]
    if not rows:
        frame.empty("none so far: set a stop, then Short or Long")
        return
    frame.shown()
    place.clear()
    with place:
        trade_rows(rows)


def _heard_marks(heard: list[Json], interval_s: int) -> list[Json]:
    """Where signals stand on the chart: at the bar at whose close they became known."""
    return [
        {
            "kind": "signal", "side": one["side"], "word": one["setup"], "price": one["price"],
            "time_ms": parse_time(one["known"]) // 1_000_000 - interval_s * 1000,
        }
        for one in heard
    ]  # fmt: skip


def _signal_marks(found: Json) -> list[Json]:
    bars = [found["bar"]] if "bar" in found else found["bars"][-1:]
    return [
        {
            "kind": "signal",
            "side": one["side"],
            "word": one["setup"],
            "price": one["price"],
            "time_ms": bars[0]["time_ms"],
        }
        for one in found["signals"]
    ]


def _drawing(signals: Sequence[Json]) -> Json:
    """The structures of signals, drawn together."""
    parts = [one["drawing"] for one in signals]
    return {
        "lines": [line for one in parts for line in one["lines"]],
        "zones": [zone for one in parts for zone in one["zones"]],
    }


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadInput(f"the stop was {text!r}, must be a price") from None
