"""The API on one page, made from its schema: no script, and nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

STREAM_WORDS = """<section><h2>Stream</h2>
<article id="stream"><h3><b class="verb get">WS</b> <code>/api/v1/stream</code></h3>
<p>JSON in text both ways. With the token as a bearer, or as the first message. Each topic is told as it changes,
the newest only: who is slow misses what was in between, never what holds now.</p>
<pre>&gt; {"token": "..."}
&lt; {"welcome": true}
&gt; {"subscribe": [{"topic": "bot"}, {"topic": "decisions", "after": 0},
                 {"topic": "candles", "symbol": "BTCUSDT", "interval": "1m"},
                 {"topic": "depth", "symbol": "BTCUSDT"}, {"topic": "tape", "symbol": "BTCUSDT"},
                 {"topic": "mark", "symbol": "BTCUSDT"}], "every_s": 0.1}
&lt; {"subscribed": [...]}
&lt; {"topic": "mark", "symbol": "BTCUSDT", "data": {"mark": ..., "index": ..., "rate": ...}}
&gt; {"unsubscribe": [{"topic": "bot"}]}</pre></article></section>"""


def page_of(schema: Mapping[str, Any]) -> str:
    """The page of an OpenAPI schema."""
    groups: dict[str, list[str]] = {}
    for path, verb, route in _routes(schema):
        groups.setdefault(_subject(path), []).append(_route(schema, path, verb, route))
    body = "".join(f"<section><h2>{escape(name)}</h2>{''.join(rows)}</section>" for name, rows in groups.items())
    ways = "".join(
        f'<li><a href="#{_anchor(path, verb)}">{verb.upper()} {escape(path)}</a></li>'
        for path, verb, _ in _routes(schema)
    )
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>bearskin: API</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<link rel="icon" href="/static/favicon.svg"><link rel="stylesheet" href="/static/desk.css"></head>
<body class="api"><header><a class="brand" href="/">bearskin</a> <h1>API {escape(str(schema["info"]["version"]))}</h1>
<a href="/api/openapi.json">OpenAPI schema</a></header>
<nav aria-label="Routes"><ul>{ways}<li><a href="#stream">WS /api/v1/stream</a></li></ul></nav>
<main><p>Every request carries <code>Authorization: Bearer TOKEN</code>, the token that start-up prints in the address.
Errors are <code>{{"error": "one sentence"}}</code>. Money, prices and quantities are strings or exact decimals, times
are RFC 3339 in UTC. Reading is generous (50 a second), acting is not (5 a second): a 429 says in Retry-After when to
come back. A body has at most 64,000 bytes.</p>
<pre>curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8765/api/v1/bot</pre>{body}{STREAM_WORDS}</main></body></html>"""


def _routes(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, verbs in schema["paths"].items():
        for verb, route in verbs.items():
            yield path, verb, route


def _subject(path: str) -> str:
    parts = path.removeprefix("/api/v1/").split("/")
    return parts[0].replace("-", " ").capitalize()


def _anchor(path: str, verb: str) -> str:
    return escape(f"{verb}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}", quote=True)


def _route(schema: Mapping[str, Any], path: str, verb: str, route: Mapping[str, Any]) -> str:
    words = escape(str(route.get("summary", "")))
    more = escape(str(route.get("description", "")))
    rows = [
        (str(one["name"]), str(one["in"]), bool(one.get("required")), one.get("schema", {}), one.get("description", ""))
        for one in route.get("parameters", ())
    ]
    body = route.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body is not None:
        found = _resolved(schema, body)
        needed = found.get("required", ())
        rows += [
            (name, "body", name in needed, one, one.get("description", ""))
            for name, one in found.get("properties", {}).items()
        ]
        if not found.get("properties"):
            rows.append(("body", "body", True, body, found.get("description", "")))
    table = "".join(
        f"<tr><td><code>{escape(name)}</code>{' *' if needed else ''}</td><td>{escape(where)}</td>"
        f"<td>{escape(_kind(schema, kind))}</td><td>{escape(str(said))}</td></tr>"
        for name, where, needed, kind, said in rows
    )
    head = "<tr><th>name (* needed)</th><th>in</th><th>kind</th><th>meaning</th></tr>"
    return (
        f'<article id="{_anchor(path, verb)}">'
        f'<h3><b class="verb {verb}">{verb.upper()}</b> <code>{escape(path)}</code></h3>'
        f"<p>{words}{'. ' if words and more else ''}{more}</p>"
        f"{f'<table>{head}{table}</table>' if table else ''}</article>"
    )


def _resolved(schema: Mapping[str, Any], one: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(one.get("$ref", "")).rpartition("/")[2]
    found: Mapping[str, Any] = schema["components"]["schemas"][name] if name else one
    return found


def _kind(schema: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in one:
        found = _resolved(schema, one)
        return " | ".join(map(json.dumps, found["enum"])) if "enum" in found else str(one["$ref"]).rpartition("/")[2]
    for among in ("anyOf", "oneOf"):
        if among in one:
            kinds = [_kind(schema, each) for each in one[among]]
            return " or ".join(dict.fromkeys(kind for kind in kinds if kind != "null"))
    if "enum" in one:
        return " | ".join(map(json.dumps, one["enum"]))
    if "const" in one:
        return json.dumps(one["const"])
    kind = str(one.get("format") or one.get("type", "any"))
    if kind == "array":
        return f"list of {_kind(schema, one.get('items', {}))}"
    bounds = [
        f"{sign} {one[name]}"
        for name, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
        if name in one
    ]
    if "maxLength" in one:
        bounds.append(f"at most {one['maxLength']} signs")
    return ", ".join([kind, *bounds])
