"""HTML for parts of a page that change as a whole, made as the reports make theirs: text is escaped on its way in."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bearskin.report import Markup, el, join

__all__ = ["Child", "Markup", "el", "facts", "icon", "join"]

LONG = 14  # signs of a figure that still stand beside another
Child = str | None | Iterable["Child"]


def icon(name: str) -> Markup:
    """One of Material's icons, for eyes alone."""
    return el("i", name, class_="material-icons mark", aria_hidden="true")


def facts(pairs: Iterable[tuple[str, Child]]) -> Markup:
    """Names and figures beside each other, long ones on a line of their own; a figure of None is left away."""
    return el("dl", [_fact(name, join(value)) for name, value in pairs if value is not None], class_="facts")


def _fact(name: str, value: Markup) -> Markup:
    long = len(re.sub("<[^>]*>", "", value)) > LONG
    return el("div", el("dt", name), el("dd", value, class_="num"), class_="long" if long else None)
