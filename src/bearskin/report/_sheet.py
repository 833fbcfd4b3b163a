"""One HTML file with everything in it, plotly included, that asks the network for nothing: the frame of every page."""

from __future__ import annotations

import json
from importlib import resources

from bearskin import __version__
from bearskin.report._charts import Figure
from bearskin.report._html import Markup, el, join, script_json

# What the page may do: run and style itself. The browser itself then refuses any request.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
FOOTER = f"Made by bearskin {__version__}. Research, not advice. This file is complete: it loads nothing."
NO_SCRIPT = "The charts and the table of trades need JavaScript, which is off."


def whole_page(title: str, *body: object) -> str:
    """The text of a file: head, `body`, plotly and the page's own script (about 5 MB of it plotly)."""
    from plotly.offline import get_plotlyjs

    head = join(
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="dark light"),
        el("title", title),
        el("style", Markup(_asset("_page.css"))),
    )
    scripts = join(el("script", Markup(get_plotlyjs())), el("script", Markup(_asset("_page.js"))))
    return f"<!doctype html>\n{el('html', el('head', head), el('body', *body, scripts), lang='en')}\n"


def _asset(name: str) -> str:
    return resources.files("bearskin.report").joinpath(name).read_text(encoding="utf-8")


def script_data(name: str, content: object) -> Markup:
    """`content` as JSON that the page's script finds under `name`."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return el("script", script_json(text), type="application/json", id=name)


def chart(figures: dict[str, Figure], name: str, figure: Figure, caption: str, label: str) -> Markup:
    """The place of a figure with its caption; the figure itself goes to `figures`."""
    figures[f"chart-{name}"] = figure
    return el(
        "figure", el("div", id=f"chart-{name}", role="img", aria_label=label), el("figcaption", caption), class_="chart"
    )


def navigation(places: list[tuple[str, str]]) -> Markup:
    """Links to the parts of the page: (id, word)."""
    links = [el("li", el("a", word, href=f"#{place}")) for place, word in places]
    return el("nav", el("ul", links), aria_label="Parts of this page")
