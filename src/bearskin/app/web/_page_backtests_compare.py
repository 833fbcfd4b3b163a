"""Two backtests beside each other."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from bearskin.app.web._backtests import shelf_of
from bearskin.app.web._backtests_compare import compared
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._kit import figured, panel
from bearskin.app.web._page_backtests_parts import (
    DASH,
    chart,
    choice,
    draw,
    soon,
    table,
    tone,
    written,
    zone_of,
)
from bearskin.terms import BearskinError

Json = dict[str, Any]


def compare_view(desk: WebDesk, a: str = "", b: str = "") -> None:
    """Choose two; their figures with differences, both curves, and what was asked differently."""
    with panel("Compare two", "backtest-compare") as frame:
        frame.loading()
        pick = ui.element("div").classes("bt-form")
        told = ui.element("div").classes("bt-stack")
    with panel("Both curves", "backtest-curves") as curves:
        curves.empty("choose two results above")
        drawn = chart("Equity of both results", "curves", "mid")
    with ui.element("div").classes("bt-wide"):
        with panel("Figures", "backtest-figures") as figures:
            figures.empty("choose two results above")
            rows = ui.element("div")
        with panel("Asked differently", "backtest-settings") as settings:
            settings.empty("choose two results above")
            apart = ui.element("div")

    async def fill() -> None:
        names = [one.name for one in await desk.aside(lambda: shelf_of(desk.house)) if one.kind == "backtest"]
        if len(names) < 2:
            frame.empty("there are no two backtests on the shelf yet: run two, then compare them here")
            return
        frame.shown()
        with pick:
            for label, value, key in (("First (A)", a, "a"), ("Second (B)", b, "b")):
                made = choice(label, names, value if value in names else None, key)
                made.on_value_change(lambda event, key=key: chosen(**{key: event.value}))
        if a and b:
            await show()

    def chosen(**changed: str) -> None:
        both = {"a": a, "b": b, **changed}
        if all(both.values()):
            ui.navigate.to(f"/backtests?{urlencode({'view': 'compare', **both})}")
        else:
            ui.navigate.to(f"/backtests?{urlencode({'view': 'compare', **{k: v for k, v in both.items() if v}})}")

    async def show() -> None:
        try:
            found = await desk.aside(lambda: compared(desk.house, a, b))
        except BearskinError as error:
            for one in (curves, figures, settings):
                one.failed(str(error))
            return
        with told:
            _told(found)
        for one in (curves, figures, settings):
            one.shown()
        named = [{"name": f"{key.upper()} {found[key]}", "points": found["curves"][key]} for key in ("a", "b")]
        draw(drawn, "curves", {"zone": zone_of(desk), "curves": named})
        with rows:
            _figures(found)
        with apart:
            _apart(found)

    soon(fill)


def _told(found: Json) -> None:
    with ui.element("div").classes("bt-said").props("data-figure=warning role=note"):
        for said in (found["warning"], f"A: {found['evidence']['a']}", f"B: {found['evidence']['b']}"):
            ui.label(figured(said))


def _figures(found: Json) -> None:
    rows = []
    for one in found["figures"]:
        kind, key = one["kind"], one["key"]
        cells = [(written(kind, one[side]), f"r {tone(kind, key, one[side])}") for side in ("a", "b")]
        apart = one["difference"]
        signed = written(kind, apart)
        if apart is not None and float(apart) > 0 and not signed.startswith("+"):
            signed = f"+{signed}"
        rows.append(
            [
                one["label"],
                *cells,
                (
                    signed if apart is None or float(apart) else "same",
                    "r apart" if apart and float(apart) else "r muted",
                ),
            ]
        )
    table((("", ""), ("A", "r"), ("B", "r"), ("B less A", "r")), rows, label="Figures of both")


def _apart(found: Json) -> None:
    rows = [
        [one["name"].replace("_", " "), _word(one["a"]), _word(one["b"])]
        for one in [*found["settings"], *found["data"]]
    ]
    if not rows:
        ui.label("Nothing: both were asked the same.").classes("bt-hint")
        return
    table((("", ""), ("A", ""), ("B", "")), rows, label="Settings that differ")


def _word(value: Any) -> str:
    if value is None or value == "":
        return DASH
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
