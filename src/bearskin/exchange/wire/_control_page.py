"""The page that lists what control can do; made from the OpenAPI description, without anything from the network."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

_HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>bearskin exchange: control</title>
<style>
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font-family: ui-monospace, monospace; font-size: 13px }
h1 { line-height: 1.2 } h2 { margin: 2.2rem 0 .4rem } h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere }
h3 b { display: inline-block; min-width: 4.5rem; font-size: 13px }
section { border-top: 1px solid #8886; padding: .7rem 0 } p { margin: .3rem 0 }
table { border-collapse: collapse; margin: .4rem 0 } td { padding: 0 1.2rem 0 0; vertical-align: top }
pre { background: #8882; border-radius: 4px; padding: .4rem .6rem; margin: .5rem 0 0; white-space: pre-wrap;
  overflow-wrap: anywhere }
nav a { margin-right: 1rem }
</style></head><body><h1>Control of the demo exchange</h1>"""

_INTRO = """<p>What no venue lets you do, over HTTP. Every call needs the token that was printed at the start, as
<code>X-Control-Token: TOKEN</code> or <code>Authorization: Bearer TOKEN</code>; this page does not know it. Amounts and
prices may be numbers or text; answers give them as text, with every digit. What is refused changes nothing and is
answered with <code>code</code> and <code>msg</code>. The same for machines:
<a href="{prefix}/openapi.json">openapi.json</a>.</p>
<p>The examples can be pasted once a terminal knows these three:</p>
<pre>C={base}{prefix}
T="X-Control-Token: TOKEN"
J="Content-Type: application/json"</pre>"""

# what stands in the paths of the examples: the account that is there from the start, and a symbol
_NAMED = {"{number}": "2", "{symbol}": "BTCUSDT"}


def page_of(description: dict[str, Any], base: str) -> str:
    """The operations of an OpenAPI description as one HTML page; `base` is where the exchange is reached."""
    schemas = description.get("components", {}).get("schemas", {})
    paths = list(description["paths"])
    prefix = paths[0][: paths[0].index("/", 1)]
    groups: dict[str, list[str]] = {}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            group = operation.get("tags", ["operations"])[0]
            groups.setdefault(group, []).append(_section(path, method.upper(), operation, schemas, prefix))
    links = "".join(f'<a href="#{escape(group)}">{escape(group.capitalize())}</a>' for group in groups)
    parts = [_HEAD, _INTRO.format(base=escape(base), prefix=prefix), f"<nav>{links}</nav>"]
    for group, sections in groups.items():
        parts += [f'<h2 id="{escape(group)}">{escape(group.capitalize())}</h2>', *sections]
    return "\n".join([*parts, "</body></html>"])


def _section(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any], prefix: str) -> str:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = schemas.get(content.get("schema", {}).get("$ref", "").rpartition("/")[2], {})
    must = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code></td><td>{escape(_kind(about))}</td>"
        f"<td>{'needed' if field in must else escape(_default(about))}</td></tr>"
        for field, about in schema.get("properties", {}).items()
    )
    return (
        f"<section><h3><b>{escape(method)}</b><code>{escape(path)}</code></h3>"
        f"<p>{_text(operation.get('summary', ''))}. {_text(schema.get('description', ''))}</p>"
        f"{f'<table>{rows}</table>' if rows else ''}"
        f"<pre>{escape(_curl(path.removeprefix(prefix), method, schema.get('example')))}</pre></section>"
    )


def _curl(path: str, method: str, example: Any) -> str:
    """A call that can be pasted."""
    for name, value in _NAMED.items():
        path = path.replace(name, value)
    sent = "" if example is None else f""" -H "$J" -d '{json.dumps(example)}'"""
    verb = "" if method == ("GET" if example is None else "POST") else f" -X {method}"
    return f'curl -s{verb} -H "$T"{sent} $C{path}'


def _text(words: str) -> str:
    """Words in which `names` stand between backticks."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(words))


def _kind(about: dict[str, Any]) -> str:
    """What a field may be, with the bounds that are written down."""
    parts = [part for part in about.get("anyOf", [about]) if part.get("type") != "null"]
    numbers = [part for part in parts if part.get("type") in ("number", "integer")]
    part = (numbers or parts)[0]
    if "enum" in part:
        return " or ".join(str(one) for one in part["enum"])
    bounds = [
        f"{word} {part[name]:g}"
        for name, word in (("exclusiveMinimum", "above"), ("minimum", "from"), ("maximum", "to"))
        if name in part and "enum" not in part
    ]
    kind = {"object": "object of names and numbers"}.get(str(part.get("type")), str(part.get("type", "")))
    return " ".join([kind, *bounds]) + (" or null" if len(parts) < len(about.get("anyOf", [about])) else "")


def _default(about: dict[str, Any]) -> str:
    return f"default {about['default']}" if about.get("default") is not None else "may be left away"
