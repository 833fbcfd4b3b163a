"""Parts of the backtests' pages: how a figure is written, a form's fields, commands to copy, tables, charts."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._kit import MINUS, attrs, money, per_cent, tone_of
from bearskin.app.web._kit import text as element
from bearskin.terms import BearskinError

DASH = "–"
TONED = ("money", "frac", "r")
Json = dict[str, Any]


def written(kind: str, value: Any) -> str:
    """A figure for eyes: `+0.12 R`, `−3.20 %`, `1,234.50`; a dash for what is not known."""
    if value is None:
        return DASH
    if kind == "count":
        return f"{int(value):,}"
    if kind == "frac":
        return per_cent(value)
    if kind == "r":
        return f"{float(value):+.2f} R".replace("-", MINUS)
    if kind == "ratio":
        return f"{float(value):.2f}".replace("-", MINUS)
    return money(value) if kind == "money" else str(value)


def price(value: Any) -> str:
    """A price in seven figures: `96,925.51`, `0.02187357`; a dash for what is not known."""
    if value is None:
        return DASH
    number = float(value)
    digits = max(0, min(10, 6 - math.floor(math.log10(abs(number))))) if number else 0
    text = f"{number:,.{digits}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", MINUS)


def tone(kind: str, key: str, value: Any) -> str:
    """The colour of a figure where its sign is good or bad news."""
    return tone_of(value) if value is not None and kind in TONED and key not in ("fees", "slippage", "win_rate") else ""


def clock(text: str | None) -> str:
    """`2025-10-10 21:00`, UTC."""
    return DASH if not text else text[:16].replace("T", " ")


def words_of_setup(name: str) -> str:
    """A set-up's name for eyes."""
    return name.replace("_", " ")


def button(text: str, clicked: Callable[..., Any], classes: str = "", key: str = "") -> TextElement:
    """A button of ours; `key` names it for tests."""
    made = attrs(element("button", text).classes(f"bt-button {classes}").props("type=button"), data_do=key)
    made.on("click", clicked)
    return made


def command(text: str, label: str = "The same in a terminal") -> Callable[[str], None]:
    """A command with a button that copies it; the answer changes it."""
    ui.label(label).classes("figure-label")
    now = text
    with ui.element("div").classes("bt-command"):
        code = ui.element("code").props("data-figure=command tabindex=0")

        def copied() -> None:
            ui.clipboard.write(now)
            ui.notify("copied", position="bottom-right", timeout=1_500)

        button("Copy", copied, key="copy").props('aria-label="Copy the command"')

    def tell(text: str) -> None:
        nonlocal now
        now = text
        code.clear()
        with code:
            for part in re.split(r"(?<= )(?=--)", text):
                element("span", part)  # a line never ends within the dashes of an option

    tell(text)
    return tell


def table(heads: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]], classes: str = "", label: str = "") -> None:
    """A plain table: heads are (text, class), cells are text or (text, class)."""
    with (
        ui.element("div").classes("bt-scroll"),
        attrs(ui.element("table").classes(f"bt-table {classes}"), aria_label=label),
    ):
        with ui.element("thead"), ui.element("tr"):
            for text, kind in heads:
                with ui.element("th").classes(kind).props("scope=col"):
                    ui.label(text)
        with ui.element("tbody"):
            for row in rows:
                with ui.element("tr"):
                    for cell in row:
                        text, kind = cell if isinstance(cell, tuple) else (cell, "")
                        with ui.element("td").classes(kind):
                            text() if callable(text) else ui.label(str(text))


def facts(rows: Sequence[tuple[str, str, str]]) -> None:
    """Names and values: (name, value, class)."""
    with ui.element("dl").classes("bt-facts"):
        for name, value, kind in rows:
            with ui.element("dt"):
                ui.label(name)
            with ui.element("dd").classes(kind):
                ui.label(value)


def chart(label: str, key: str, classes: str = "") -> ui.echart:
    """The place of a chart, to be drawn into."""
    made = ui.echart({"series": []}).classes(f"bt-chart {classes}")
    return attrs(made, role="img", aria_label=label, data_chart=key)


def draw(place: ui.echart, kind: str, data: Mapping[str, Any]) -> None:
    """Draw curves or candles in the colours of the page."""
    ui.run_javascript(f"bearskinBacktests.draw(getElement({place.id}), {json.dumps(kind)}, {script_json(data)})")


def push(place: ui.echart, patch: Mapping[str, Any]) -> None:
    """Give a chart of candles what is new, and nothing else."""
    ui.run_javascript(f"bearskinBacktests.push(getElement({place.id}), {script_json(patch)})")


def script_json(data: Any) -> str:
    """JSON that stands in a script."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")


def soon(work: Callable[[], Awaitable[None]]) -> None:
    """Do it once the page stands: what is slow must not hold it up."""
    ui.timer(0, work, once=True)


@contextlib.contextmanager
def telling(wrong: ui.label) -> Iterator[None]:
    """What the world or the user did wrong is told in `wrong`; it is empty again when all goes well."""
    wrong.set_text("")
    wrong.set_visibility(False)
    try:
        yield
    except BearskinError as error:
        wrong.set_text(str(error))
        wrong.set_visibility(True)


def wrong_label() -> ui.label:
    """Where `telling` tells."""
    made = ui.label("").classes("bt-wrong").props("role=alert data-figure=wrong")
    made.set_visibility(False)
    return made


def field(label: str, value: str = "", key: str = "", classes: str = "", hint: str = "") -> ui.input:
    """A field for text with its label."""
    made = ui.input(label, value=value, placeholder=hint).props("dense outlined hide-bottom-space")
    return attrs(made, data_field=key).classes(classes)


def choice(label: str, options: Any, value: Any, key: str, classes: str = "", many: bool = False) -> ui.select:
    """A field to choose in with its label."""
    made = ui.select(options, label=label, value=value, multiple=many, with_input=many)
    made.props("dense outlined options-dense hide-bottom-space" + (" use-chips" if many else ""))
    return attrs(made, data_field=key).classes(classes)


@contextlib.contextmanager
def fold(title: str, key: str, opened: bool = False) -> Iterator[None]:
    """A part of a form that may be shut."""
    with ui.element("details").classes("bt-fold").props(f"data-fold={key}" + (" open" if opened else "")):
        element("summary", title)
        with ui.element("div").classes("bt-form"):
            yield


def zone_of(desk: WebDesk) -> str:
    """utc or local, as the owner chose."""
    return str(desk.prefs().get("zone", "utc"))
