"""HTML for parts of a page that change as a whole: everything that is not markup already is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

LONG = 14  # signs of a figure that still stand beside another


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | None | Iterable["Child"]


def el(tag: str, *children: Child, **attributes: str | int | bool | None) -> Markup:
    """An element; `class_` stands for class, `data_row` for data-row; None and False leave an attribute away."""
    said = "".join(
        f" {name.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{html.escape(str(value))}"')
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    return Markup(f"<{tag}{said}>{join(children)}</{tag}>")


def join(children: Child) -> Markup:
    """One after the other; None is nothing."""
    if children is None:
        return Markup("")
    if isinstance(children, Markup):
        return children
    if isinstance(children, str):
        return Markup(html.escape(children))
    return Markup("".join(join(child) for child in children))


def icon(name: str) -> Markup:
    """One of Material's icons, for eyes alone."""
    return el("i", name, class_="material-icons mark", aria_hidden="true")


def facts(pairs: Iterable[tuple[str, Child]]) -> Markup:
    """Names and figures beside each other, long ones on a line of their own; a figure of None is left away."""
    return el("dl", [_fact(name, join(value)) for name, value in pairs if value is not None], class_="facts")


def _fact(name: str, value: Markup) -> Markup:
    long = len(re.sub("<[^>]*>", "", value)) > LONG
    return el("div", el("dt", name), el("dd", value, class_="num"), class_="long" if long else None)
