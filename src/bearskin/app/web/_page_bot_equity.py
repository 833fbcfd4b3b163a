"""The worth of the run's account over time and how far below its highest: kept by the page, moved by single points."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from nicegui import ui

from bearskin.app.web import _bot
from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._hub import BOT
from bearskin.app.web._kit import Panel, figure, heard, money, panel, per_cent, tone_of
from bearskin.terms import BearskinError

AGAIN_S = 3.0


def equity_panel(desk: WebDesk) -> None:
    """The chart with its figures."""
    with panel("Equity and drawdown", "equity", "bot-equity") as frame:
        frame.loading("reading the run's tables…")
        with ui.element("div").classes("figures"):
            worth, change = figure("Equity", "run-equity"), figure("Since the start", "run-change")
            fallen, deepest = figure("Drawdown now", "run-drawdown"), figure("Deepest", "run-drawdown-max")
        chart = ui.echart({"series": []}).classes("equity-chart").props('role=img aria-label="Equity and drawdown"')
    curve = _Curve(desk, frame, chart)

    def show(now: BotNow) -> None:
        if now.state is None:
            frame.empty(now.why)
            return
        frame.stale(None if now.up else now.why)
        account = now.state["account"]
        equity, high = Decimal(account["equity"]), Decimal(account["high_water"])
        down = min(Decimal(0), equity / high - 1) if high > 0 else Decimal(0)
        worth.set(f"{money(equity)} {account['asset']}")
        fallen.set(per_cent(down), "down" if down < Decimal("-0.00005") else "")
        transferred = Decimal(account.get("transferred") or 0)
        curve.moved(now.state, float(equity), float(down), float(transferred))
        if curve.start is not None:
            gained, words = since_start(equity, Decimal(repr(curve.start)), transferred)
            change.set(words, tone_of(gained))
            deepest.set(per_cent(Decimal(repr(curve.deepest))), "down" if curve.deepest < 0 else "")

    heard(desk, BOT, show, every_s=1.0)
    ui.timer(0.05, curve.begin, once=True)


def since_start(equity: Decimal, start: Decimal, transferred: Decimal) -> tuple[Decimal, str]:
    """What was gained since an account was worth `start`, and the words for it. What was paid in (positive) or taken
    out since is no gain and named beside it.
    """
    gained = equity - transferred - start
    share = gained / start if start > 0 else Decimal(0)
    sign = "+" if gained > 0 else ""
    words = f"{sign}{money(gained)} ({sign}{per_cent(share)})"
    if transferred:
        words += f", apart from {money(abs(transferred))} {'paid in' if transferred > 0 else 'taken out'}"
    return gained, words


class _Curve:
    """What one open page has of the curve: read once, then moved by what the bot tells."""

    def __init__(self, desk: WebDesk, frame: Panel, chart: ui.echart) -> None:
        self._desk, self._frame, self._chart = desk, frame, chart
        self.start: float | None = None
        self.deepest = 0.0
        self._run, self._bars = "", -1
        self._reading = False

    async def begin(self) -> None:
        """Read the run's curve and hand it to the page."""
        if self._reading or self._desk.bot.found is None:
            return
        self._reading = True
        try:
            curve = await _bot.equity(self._desk)
        except BearskinError as error:
            self._frame.stale(f"{error}: the curve begins with what is heard from now on")
            self._run = self._desk.bot.found.id
            self._say("begin", [])
            return
        finally:
            self._reading = False
        self._run = curve.run
        self.start = curve.points[0][1] if curve.points else None
        self.deepest = curve.drawdown_max
        if self._chart.is_deleted:
            return
        self._frame.shown()
        self._say("begin", [list(point) for point in curve.points])

    def moved(self, state: dict[str, Any], equity: float, fallen: float, transferred: float) -> None:
        """One more point; it stays once a bar has closed."""
        if state["run"] != self._run:
            if not self._reading:
                ui.timer(0.05, self.begin, once=True)
            return
        if not state["time"]:
            return
        self.start = equity - transferred if self.start is None else self.start
        self.deepest = min(self.deepest, fallen)
        at_ms = int(datetime.fromisoformat(state["time"]).timestamp() * 1000)
        bars = state["counts"]["bars"]
        self._say("add", [at_ms, equity, fallen], bars != self._bars)
        self._bars = bars
        self._frame.shown()

    def _say(self, what: str, *said: Any) -> None:
        words = ",".join(json.dumps(one) for one in (self._chart.id, *said))
        with self._chart.client:
            ui.run_javascript(f"window.bearskinEquity && bearskinEquity.{what}({words})")
