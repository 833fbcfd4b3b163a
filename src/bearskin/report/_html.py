"""HTML by construction: text is escaped unless it was made here."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from bearskin.report._words import clean

_VOID = frozenset({"meta", "col", "br", "input", "wbr"})


class Markup(str):
    """Text that is HTML already; everything else is escaped on its way in."""

    __slots__ = ()


def el(tag: str, *children: object, **attrs: object) -> Markup:
    """One element. `class_` is written `class`, `data_x` `data-x`; True stands alone, None and False are left out."""
    written = []
    for name, value in attrs.items():
        if value is None or value is False:
            continue
        key = name.rstrip("_").replace("_", "-")
        written.append(f" {key}" if value is True else f' {key}="{escape(clean(str(value)), quote=True)}"')
    head = f"<{tag}{''.join(written)}>"
    return Markup(head if tag in _VOID else f"{head}{join(*children)}</{tag}>")


def join(*children: object) -> Markup:
    """Children side by side; what holds others is flattened, None is nothing, text is escaped."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Markup):
            parts.append(child)
        elif isinstance(child, Iterable) and not isinstance(child, str):
            parts.append(join(*child))
        else:
            parts.append(escape(clean(str(child).replace("\n", " ")), quote=False))
    return Markup("".join(parts))


def script_json(text: str) -> Markup:
    """JSON that may stand inside a script element: no character in it can end the element or open a comment."""
    for bad, code in (
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        text = text.replace(bad, code)
    return Markup(text)
