"""The chart of the market page: candles as they change, set-ups, lines that can be dragged."""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nicegui import events, ui

from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._draft import Draft
from bearskin.app.web._hub import BOT
from bearskin.app.web._kit import Panel, attrs, heard, hidden, panel
from bearskin.app.web._market import CANDLES_MAX, INTERVALS, Rows, candles, price_line, spec_now
from bearskin.app.web._market_lines import draft_lines, drag_draft, drag_position, offered, on_tick, position_lines
from bearskin.app.web._market_link import Candles, Mark
from bearskin.app.web._market_view import MarketView
from bearskin.app.web._pace import Turn, turn
from bearskin.terms import BadInput, BearskinError, dec, interval_ns

FIRST, SILENT_S = 1_000, 12.0
AGAIN_S = 2.0  # the least between two fetchings over a hole
MS = 1_000_000


@dataclass(slots=True, repr=False, kw_only=True)
class Chart:
    """The chart and what it is told. `id` names it in the browser; `loaded` are called after each load."""

    view: MarketView
    panel: Panel
    id: str
    holder: ui.element
    host: ui.element
    said: ui.label
    stop_button: ui.button
    loaded: list[Callable[[], None]] = field(default_factory=list)
    _lines: list[dict[str, Any]] = field(default_factory=list)
    _heard_s: float = 0.0
    _turn: int = 0
    _mending: bool = False

    def tell(self, function: str, *values: Any) -> None:
        """Call a function of the chart in the browser."""
        self.view.tell(function, self.id, *values)

    def say(self, words: str, tone: str = "") -> None:
        """A sentence over the chart, read out by screen readers."""
        self.said.set_text(words)
        self.said.classes(replace=f"mk-said {tone}")

    async def load(self) -> None:
        """Fetch the candles of the view and follow them from there."""
        view = self.view
        self._turn += 1
        turn_ = self._turn
        self.say("loading candles…")
        try:
            if view.spec is None or view.spec.symbol != view.symbol:
                view.spec = spec_now(view.desk, view.symbol)
            rows = await candles(view.desk, view.symbol, view.interval, FIRST)
        except (BadInput, BearskinError) as error:
            self.say("")
            self.panel.failed(str(error))
            return
        if turn_ != self._turn:  # another interval was chosen meanwhile
            return
        if not rows:
            self.panel.empty(f"{view.symbol} has no {view.interval} candles yet")
            return
        self.panel.shown()
        view.bars = rows[-40:]
        said = {"digits": view.digits, "tick": float(view.tick), "step": interval_ns(view.interval) // MS}
        self.tell("bearskinMarket.load", {**said, "local": view.local, "candles": rows, "mark": [], "index": []})
        self.say("")
        self._follow()
        self._lines.clear()
        self.draw()
        for hand in self.loaded:
            hand()
        await self._behind(turn_, rows[0][0])

    async def _behind(self, turn_: int, first_ms: int) -> None:
        """Put the lines over the candles and the rest of the past in front of them, once they can be looked at."""
        view = self.view
        asked = (view.desk, view.symbol, view.interval)
        try:
            with turn(Turn.BESIDE):
                lines = await _both(*asked, FIRST)
            if turn_ == self._turn:
                self.tell("bearskinMarket.lines", lines)
            with turn(Turn.BEHIND):
                rows = [row for row in await candles(*asked, CANDLES_MAX) if row[0] < first_ms]
                lines = await _both(*asked, CANDLES_MAX) if rows else {"mark": [], "index": []}
        except (BadInput, BearskinError):
            return  # what is shown is right, only shorter
        if turn_ == self._turn and rows:
            said = {kind: [row for row in line if row[0] < first_ms] for kind, line in lines.items()}
            self.tell("bearskinMarket.older", {"candles": rows, **said})

    def _follow(self) -> None:
        self._heard_s = asyncio.get_running_loop().time()
        self.holder.clear()  # what followed another interval ends
        with self.holder:
            heard(self.view.desk, Candles(self.view.symbol, self.view.interval), self._candles, sight=True)
            heard(self.view.desk, Mark(self.view.symbol), self._mark, every_s=0.2, sight=True)

    def _candles(self, rows: list[list[Any]]) -> None:
        first, step_ms = rows[0][0], interval_ns(self.view.interval) // MS
        if self.view.bars and hole_in(self.view.bars[-1][0], rows, step_ms):
            self._mend()
            return
        self.view.bars = [*(row for row in self.view.bars if row[0] < first), *rows][-40:]
        self._heard_s = asyncio.get_running_loop().time()
        self.tell("bearskinMarket.patch", rows[-4:] if rows[-1][0] - first < 4 else rows)

    def _mend(self) -> None:
        """Fetch it anew: the stream was away for longer than it tells of at once."""

        async def mended() -> None:
            try:
                await self.load()
                await asyncio.sleep(AGAIN_S)
            finally:
                self._mending = False

        if not self._mending:
            self._mending = True
            task = asyncio.ensure_future(mended())
            self.view.desk.tasks.add(task)
            task.add_done_callback(self.view.desk.tasks.discard)

    def _mark(self, now: dict[str, Any]) -> None:
        self.view.now = now
        self._heard_s = asyncio.get_running_loop().time()
        self.tell("bearskinMarket.prices", {"mark": now["mark"], "index": now["index"]})

    def look(self) -> None:
        """Say so where no price has come for long."""
        if self._heard_s and hidden(self.view.client):
            self._heard_s = asyncio.get_running_loop().time()  # it is told nothing
        silent_s = asyncio.get_running_loop().time() - self._heard_s
        self.panel.stale(f"no prices for {silent_s:.0f} s" if self._heard_s and silent_s > SILENT_S else None)

    def draw(self) -> None:
        """Put the lines of positions and draft where they stand now, if that has changed."""
        view, state = self.view, self.view.desk.bot.now.state
        draft = view.drafting.draft
        lines = position_lines([] if state is None else state["positions"], view.symbol)
        lines += draft_lines(draft, view.drafting.lines)
        told = [one.to_json() for one in lines]
        self.stop_button.set_text("Take the draft off" if draft.stop is not None else "Draft on the chart")
        if told != self._lines:
            self._lines = told
            self.tell("bearskinLines.lines", told)

    async def moved(self, event: events.GenericEventArguments) -> None:
        """A line was let go somewhere: it stands there, or goes back with the reason."""
        said = event.args["detail"]
        key, price = str(said["key"]), on_tick(float(said["price"]), self.view.tick)
        view, shown = self.view, self.view.price(price)
        if key.startswith("draft-"):
            refused = drag_draft(view.drafting, key, price, view.reference)
        else:
            refused = await drag_position(view.desk, view.symbol, key, price)
        self.tell("bearskinLines.settle", key, not refused)
        if refused:
            self.say(f"not moved: {refused}", "down")
        else:
            self.say(f"the {key.split(':')[0].replace('-', ' ')} goes to {shown}", "up")

    def gone(self, event: events.GenericEventArguments) -> None:
        """A line ended while somebody held it in the hand: say so, or letting go would seem to have moved it."""
        name = str(event.args["detail"]["key"]).split(":")[0].removeprefix("draft-").replace("-", " ")
        self.say(f"not moved: the {name} ended while it was held", "down")

    def sketch(self) -> None:
        """Begin a draft on the chart with a stop beyond the last extreme, or take it off again."""
        view, drafting = self.view, self.view.drafting
        if drafting.draft.stop is not None:
            drafting.set(stop=None, targets=())
            return
        entry = drafting.draft.price if drafting.draft.kind == "limit" and drafting.draft.price else view.reference
        if entry is None:
            self.say("no price has come yet: wait a moment", "warn")
            return
        highs, lows = [row[2] for row in view.bars], [row[3] for row in view.bars]
        stop, target = offered(drafting.draft.side, highs, lows, dec(entry), view.tick)
        drafting.set(stop=stop, targets=() if target is None else (target,))


def hole_in(last_ms: int, rows: Rows, step_ms: int) -> bool:
    """Whether a candle is missing between the last that is drawn and what a stream tells."""
    times = [last_ms, *(row[0] for row in rows if row[0] > last_ms)]
    return any(after - before > step_ms for before, after in itertools.pairwise(times))


async def _both(desk: WebDesk, symbol: str, interval: str, limit: int) -> dict[str, Rows]:
    """Closes of mark and index."""
    mark, index = await asyncio.gather(*(price_line(desk, symbol, interval, kind, limit) for kind in ("mark", "index")))
    return {"mark": mark, "index": index}


def chart_panel(view: MarketView) -> Chart:
    """Build it; its candles come by themselves."""
    with panel(f"{view.symbol} chart", "chart", "mk-chart-panel") as shown:
        host = ui.element("div").classes("mk-chart").props('data-follows="yes"')
        with host:
            ui.element("div").classes("mk-legend").props("aria-hidden=true")
            canvas = ui.echart({"series": []}).classes("mk-canvas")
            attrs(canvas, role="img", aria_label=f"Candles of {view.symbol} with volume, mark and index")
            ui.element("div").classes("mk-over")
            said = ui.label("loading candles…").classes("mk-said").props("role=status data-figure=chart-said")
        holder = ui.element("div").classes("gone")
    with shown.tools:
        button = ui.button("Draft on the chart").props("flat dense no-caps").classes("mk-tool")
    chart = Chart(view=view, panel=shown, id=host.html_id, holder=holder, host=host, said=said, stop_button=button)
    button.on_click(chart.sketch)
    with shown.tools:
        _tools(view, chart)
    options = {"host": host.html_id}
    ui.run_javascript(f"bearskinMarket.mount({host.html_id!r}, () => getElement({canvas.id}), {options})")
    host.on("linemoved", chart.moved, ["detail"])
    host.on("linegone", chart.gone, ["detail"])

    def stand(_: BotNow) -> None:
        chart.draw()

    def changed(_: Draft) -> None:
        chart.draw()

    heard(view.desk, BOT, stand, every_s=0.15)
    view.drafting.listen(changed)
    ui.timer(3.0, chart.look)
    ui.timer(0.0, chart.load, once=True)
    return chart


def _tools(view: MarketView, chart: Chart) -> None:
    with ui.element("div").classes("mk-intervals").props('role=group aria-label="Interval of the candles"'):
        buttons = {word: ui.element("button").classes("mk-interval num") for word in INTERVALS}

    def mark() -> None:
        for word, button in buttons.items():
            button.props(f"type=button aria-pressed={'true' if word == view.interval else 'false'}")

    async def choose(word: str) -> None:
        if word != view.interval:
            view.interval = word
            view.desk.prefer(interval=word)
            mark()
            await chart.load()

    for word, button in buttons.items():
        button.add_slot("default", word)
        button.on("click", functools.partial(choose, word))
    mark()
    _profile_switch(view, chart)
    for icon, label, call in (
        ("zoom_in", "Fewer candles", ("bearskinMarket.zoom", 0.7)),
        ("zoom_out", "More candles", ("bearskinMarket.zoom", 1.45)),
        ("last_page", "To the newest candle", ("bearskinMarket.newest",)),
    ):
        button = ui.button(icon=icon, on_click=functools.partial(chart.tell, *call)).props("flat dense round size=sm")
        attrs(button, aria_label=label).classes("mk-zoom").tooltip(label)


def _profile_switch(view: MarketView, chart: Chart) -> None:
    def pressed() -> bool:
        return bool(view.desk.prefs().get("profile", True))

    def mark() -> None:
        button.props(f"aria-pressed={'true' if pressed() else 'false'}")
        chart.host.classes(remove="no-profile") if pressed() else chart.host.classes(add="no-profile")

    def turn() -> None:
        view.desk.prefer(profile=not pressed())
        mark()

    button = ui.button(icon="align_horizontal_right", on_click=turn)
    button.props('flat dense round size=sm aria-label="Volume profile"').tooltip("Volume profile")
    mark()
