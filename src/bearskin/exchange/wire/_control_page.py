"""The page that lists what control can do; made from the OpenAPI description, without anything from the network."""

from __future__ import annotations

from html import escape
from typing import Any

_HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>bearskin exchange: control</title>
<style>
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font-family: ui-monospace, monospace; font-size: 13px }
section { border-top: 1px solid #8886; padding: .5rem 0 } h2 { font-size: 1rem; margin: .3rem 0 }
b { display: inline-block; min-width: 4rem } td { padding: 0 1rem 0 0; vertical-align: top }
</style><h1>Control of the demo exchange</h1>
<p>Every call needs the token that was printed at the start:
<code>Authorization: Bearer TOKEN</code> or <code>X-Control-Token: TOKEN</code>.
The same as a description for machines: <a href="/control/openapi.json">openapi.json</a>.</p>"""


def page_of(description: dict[str, Any]) -> str:
    """The operations of an OpenAPI description as one HTML page."""
    schemas = description.get("components", {}).get("schemas", {})
    parts = [_HEAD]
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            parts.append(
                f"<section><h2><b>{escape(method.upper())}</b><code>{escape(path)}</code></h2>"
                f"{escape(operation.get('summary', ''))}{_body(operation, schemas)}</section>"
            )
    return "\n".join([*parts, "</html>"])


def _body(operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    schema = schemas.get(name)
    if schema is None:
        return ""
    must = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code></td><td>{escape(_kind(about))}</td>"
        f"<td>{'needed' if field in must else escape(_default(about))}</td></tr>"
        for field, about in schema.get("properties", {}).items()
    )
    return f"<p>{escape(schema.get('description', ''))}</p><table>{rows}</table>"


def _kind(about: dict[str, Any]) -> str:
    kinds = [str(part.get("type") or part.get("enum") or "") for part in about.get("anyOf", [about])]
    return " or ".join(dict.fromkeys(kind for kind in kinds if kind))


def _default(about: dict[str, Any]) -> str:
    return f"default {about['default']}" if about.get("default") is not None else "may be left away"
