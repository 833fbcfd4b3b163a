"""Two charts of the page of learning, each changed by what is chosen beside it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nicegui import ui

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._kit import dressed, figure, per_cent
from bearskin.app.web._learn_sums import PATHS, SamePath, price_path, reach_of, reaches, same_path
from bearskin.app.web._market import candles
from bearskin.app.web._pace import Turn, turn
from bearskin.app.web._page_learn_parts import choice, slider

GREY, AMBER, RED, LINE = "#7a8798", "#d08a1d", "#e0526a", "#8894a533"
STORED_DAYS = 90
PERCENT = "(v) => `${v} %`.replace('-', '−')"
SIZES = {"6000": "6,000 USDT", "600000": "600,000 USDT", "3000000": "3,000,000 USDT", "30000000": "30,000,000 USDT"}


def path_chart(desk: WebDesk) -> None:
    """Three holders of one path of daily prices."""
    asked: dict[str, Any] = {"path": "swing", "move": 0.05, "days": 60, "funding": 0.0003}
    ends: dict[str, Any] = {}
    charts: list[Any] = []

    def draw() -> None:
        if not charts:
            return
        made = same_path(asked["prices"] if asked["path"] == "market" else
                         price_path(asked["path"], asked["days"], asked["move"]), asked["funding"])  # fmt: skip
        charts[0].run_chart_method("setOption", _path_series(made))
        _path_told(made, ends)

    async def chosen(path: str) -> None:
        if path == "market":
            prices = await _market_path(desk)
            if prices is None:
                ui.notify("this market has no daily prices yet")
                return
            asked["prices"] = prices
        asked["path"] = path
        draw()

    def moved(name: str, words: Any) -> Any:
        def take(value: float) -> str:
            asked[name] = int(value) if name == "days" else value
            draw()
            return str(words(value))

        return take

    options = dict(PATHS) | ({} if desk.market is None else {"market": "this market's last 90 days"})
    with ui.element("div").classes("chart-tools"):
        choice("Path", "path", options, "swing", chosen)
        slider("A day's move", "move", 0.005, 0.2, 0.005, 0.05, moved("move", lambda v: f"{100 * v:.1f} %"))
        slider("Days", "days", 5, 180, 5, 60, moved("days", lambda v: f"{v:.0f}"))
        slider("Funding a day", "funding", -0.003, 0.003, 0.0001, 0.0003,
               moved("funding", lambda v: f"{100 * v:+.2f} %".replace("-", "−")))  # fmt: skip
    with ui.element("div").classes("ln-figures"):
        ends["market"] = figure("Coin", "path-market")
        ends["token"] = figure("−1x token", "path-token")
        ends["short"] = figure("Short, 1x", "path-short")
        ends["funding"] = figure("of it funding", "path-funding")
    charts.append(ui.echart(_chart("line", "days", PERCENT)).classes("learn-chart"))
    charts[0].props["role"] = "img"
    charts[0].props["aria-label"] = "What became of one unit of coin, token and short, day by day"
    dressed(charts[0])
    first = same_path(price_path("swing", 60, 0.05), 0.0003)
    charts[0].options.update(_path_series(first))
    _path_told(first, ends)
    ui.label(
        "The token is set back every evening, so swings eat it; the short keeps its quantity and gets or pays funding. "
        "Fees are left away for all three."
    ).classes("ln-note")


def _path_told(made: SamePath, ends: dict[str, Any]) -> None:
    for name in ("market", "token", "short"):
        change = Decimal(f"{getattr(made, name)[-1] - 1:.6f}")
        ends[name].set(_signed(change), "up" if change > 0 else "down" if change < 0 else "")
    dead = made.short[-1] == 0
    if dead:
        ends["short"].set("liquidated", "down")
    ends["funding"].set(_signed(Decimal(f"{made.funding:.6f}")))


def _path_series(made: SamePath) -> dict[str, Any]:
    rows = (("Coin", made.market, GREY, "dotted"), ("−1x token", made.token, AMBER, "dashed"),
            ("Short, 1x", made.short, RED, "solid"))  # fmt: skip
    return {
        "series": [
            {
                "name": name.replace("-", "−"),
                "type": "line",
                "data": [[day, round(100 * (value - 1), 3)] for day, value in enumerate(values)],
                "showSymbol": False,
                "lineStyle": {"width": 2, "type": dash},
                "color": colour,
                "animation": False,
            }
            for name, values, colour, dash in rows
        ]
    }


async def _market_path(desk: WebDesk) -> tuple[float, ...] | None:
    if desk.market is None or not desk.symbols:
        return None
    try:
        with turn(Turn.BEHIND):
            rows = await candles(desk, desk.symbols[0], "1d", STORED_DAYS)
    except Exception:  # noqa: BLE001 - whatever the venue raises, the made-up paths stay
        return None
    closes = tuple(float(row[4]) for row in rows)
    return closes if len(closes) > 1 else None


def reach_chart() -> None:
    """Naive 1/L beside the true way to liquidation, at every leverage."""
    asked = {"leverage": Decimal(10), "size": Decimal(6_000)}
    told: dict[str, Any] = {}
    charts: list[Any] = []

    def show() -> None:
        one = reach_of(asked["leverage"], asked["size"])
        told["naive"].set(f"+{per_cent(one.naive)}")
        if one.liquidation is None:
            told["true"].set("not allowed", "warn")
            told["apart"].set("–")
        else:
            told["true"].set(f"+{per_cent(one.liquidation)}", "down")
            told["apart"].set(per_cent(one.naive - one.liquidation))
        if charts:
            charts[0].run_chart_method("setOption", _reach_series(asked["size"], one.leverage))

    def leveraged(value: float) -> str:
        asked["leverage"] = Decimal(f"{value:.0f}")
        if told:
            show()
        return f"{value:.0f}x"

    def sized(text: str) -> None:
        asked["size"] = Decimal(text)
        show()

    with ui.element("div").classes("chart-tools"):
        slider("Leverage", "reach-leverage", 1, 125, 1, 10, leveraged)
        choice("Size", "reach-size", SIZES, "6000", sized)
    with ui.element("div").classes("ln-figures"):
        told["naive"] = figure("Bankruptcy price", "reach-naive")
        told["true"] = figure("Liquidation price", "reach-true")
        told["apart"] = figure("comes earlier by", "reach-apart")
    show()
    chart = ui.echart(_chart("log", "leverage", PERCENT)).classes("learn-chart")
    chart.options.update(_reach_series(asked["size"], asked["leverage"]))
    chart.props["role"] = "img"
    chart.props["aria-label"] = "Rise that liquidates a short, by leverage: naive and true"
    charts.append(dressed(chart))
    ui.label(
        "A rise of one over the leverage uses up the margin: that is bankruptcy. The venue closes the position before, "
        "when what is left no longer covers the maintenance margin. BTCUSDT, isolated, brackets of 2026.9, no fees."
    ).classes("ln-note")


def _reach_series(size: Decimal, leverage: Decimal) -> dict[str, Any]:
    rows = reaches(size)
    naive = [[float(one.leverage), round(100 * float(one.naive), 4)] for one in rows]
    true = [
        [float(one.leverage), round(100 * float(one.liquidation), 4)] for one in rows if one.liquidation is not None
    ]
    line = {"silent": True, "symbol": "none", "label": {"formatter": f"{leverage:f}x", "color": GREY},
            "lineStyle": {"color": GREY, "type": "dotted"}, "data": [{"xAxis": float(leverage)}]}  # fmt: skip
    return {
        "series": [
            {"name": "1/L (bankruptcy)", "type": "line", "data": naive, "showSymbol": False, "color": GREY,
             "lineStyle": {"width": 2, "type": "dashed"}, "animation": False, "markLine": line},
            {"name": "liquidation", "type": "line", "data": true, "showSymbol": False, "color": RED,
             "lineStyle": {"width": 2}, "animation": False},
        ]
    }  # fmt: skip


def _chart(kind: str, name: str, percent: str) -> dict[str, Any]:
    axis: dict[str, Any] = {"axisLabel": {"color": GREY, "fontSize": 11}, "splitLine": {"lineStyle": {"color": LINE}},
            "axisLine": {"lineStyle": {"color": LINE}}, "nameTextStyle": {"color": GREY}}  # fmt: skip
    x: dict[str, Any] = {**axis, "type": "log" if kind == "log" else "value", "name": name, "nameLocation": "middle",
                         "nameGap": 24, "min": 1 if kind == "log" else 0}  # fmt: skip
    if kind == "log":
        x |= {"max": 125, "logBase": 5}
    else:
        x |= {"max": "dataMax"}
    return {
        "grid": {"left": 48, "right": 14, "top": 30, "bottom": 40},
        "legend": {"top": 0, "right": 0, "textStyle": {"color": GREY, "fontSize": 11}, "itemWidth": 18},
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": x,
        "yAxis": {**axis, "type": "log" if kind == "log" else "value", "scale": True,
                  "axisLabel": {**axis["axisLabel"], ":formatter": percent}},
        "series": [],
    }  # fmt: skip


def _signed(value: Decimal) -> str:
    return f"{'+' if value > 0 else ''}{per_cent(value)}"
